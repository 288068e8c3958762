//! Measures what taking lines apart costs beside the bare parse: `cargo run --release --example cost < lines`.

use std::hint::black_box;
use std::time::Instant;

fn main() {
    let lines: Vec<String> =
        std::io::stdin().lines().map_while(Result::ok).map(|line| line.replace("\\n", "\n")).collect();
    let mut parser = tree_sitter::Parser::new();
    let first = Instant::now();
    if parser.set_language(&tree_sitter_bash::LANGUAGE.into()).is_err() {
        return;
    }
    black_box(parser.parse("a | b", None));
    let first = first.elapsed();
    let (mut bare, mut whole) = (Vec::new(), Vec::new());
    for line in &lines {
        let best = |work: &mut dyn FnMut()| {
            let once = |work: &mut dyn FnMut()| {
                let start = Instant::now();
                work();
                start.elapsed()
            };
            (0..20).map(|_| once(work)).min().unwrap_or_default()
        };
        bare.push(best(&mut || drop(black_box(parser.parse(line, None)))));
        whole.push(best(&mut || drop(black_box(countersign_shell::analyze(line)))));
    }
    bare.sort();
    whole.sort();
    let at =
        |times: &[std::time::Duration], part: usize| times.get(times.len() * part / 100).copied().unwrap_or_default();
    println!("first parse of the process {first:?}");
    for part in [50, 90, 99] {
        println!("p{part} of {} lines: bare parse {:?}, analyze {:?}", lines.len(), at(&bare, part), at(&whole, part));
    }
}
