//! The disk is full, and has room again. A limit on the size of files stands for it.

use std::process::Command;

use crate::book::Book;
use crate::house::{House, Server};
use crate::load::Load;
use crate::tally::{Count, Wrong};
use crate::{number, settle};

/// How much room there is at the beginning, beyond the biggest of the store's files, in bytes.
const ROOM: u64 = 200_000;
/// So many requests fail before there is room again, and are acknowledged before there is none.
const FAILS: u64 = 30;

/// The same server goes on once there is room.
pub(crate) fn run(seed: u64) -> (Wrong, Count) {
    let times = number("COUNTERSIGN_SOAK_FULL", 2);
    let (house, book) = (House::new(10, 4), Book::default());
    let server = house.serve(0);
    limit(&server, Some(size(&house) + ROOM));
    Load::new(&house, &book, vec![server.address], seed).run(|| {
        for _ in 0..times {
            let before = book.pace();
            book.until("the disk is full", |pace| pace.failed >= before.failed + FAILS);
            limit(&server, None);
            house.mended();
            let before = book.pace();
            book.until("with room again the work goes on", |pace| pace.done >= before.done + FAILS);
            limit(&server, Some(size(&house) + ROOM));
        }
        limit(&server, None);
        house.mended();
    });
    server.terminate();
    settle("full", &house, book, 0)
}

/// The size of the biggest of the store's files.
pub(crate) fn size(house: &House) -> u64 {
    let sizes = ["", "-wal", "-shm"].map(|suffix| std::fs::metadata(house.file(suffix)).map_or(0, |meta| meta.len()));
    sizes.into_iter().max().unwrap_or_default()
}

/// Sets how big the server's files may become.
pub(crate) fn limit(server: &Server, bytes: Option<u64>) {
    let soft = bytes.map_or("unlimited".to_owned(), |bytes| bytes.to_string());
    let mut command = Command::new("prlimit");
    command.args(["--pid", &server.id(), &format!("--fsize={soft}:unlimited")]);
    let output = command.output().unwrap_or_else(|error| {
        panic!("`prlimit` does not start ({error}): run `apt-get install util-linux`");
    });
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
