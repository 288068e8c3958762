//! `countersign serve` and `countersign open`.

use anyhow::{Result, bail};

use crate::args::{Open, Serve};
use crate::here::Here;

pub(crate) fn run(arguments: &Serve, _here: &Here) -> Result<()> {
    if arguments.database.is_some() {
        bail!("a database server is not supported yet: leave `--database` out, and state is kept in a file");
    }
    bail!("the page is not part of this build yet: answer with `countersign approvals watch`")
}

pub(crate) fn open(_arguments: &Open, _here: &Here) -> Result<()> {
    bail!("the page is not part of this build yet: answer with `countersign approvals watch`")
}
