//! Files that are generated and checked in: `check` makes them anew and compares.

use anyhow::{Context, Result, bail};

use crate::steps::{cargo, output};

/// The words that run an example.
macro_rules! example {
    ($package:literal, $name:literal) => {
        &["run", "--quiet", "--locked", "--package", $package, "--example", $name]
    };
}

/// A checked-in file and the cargo command whose standard output it must equal.
struct Generated {
    file: &'static str,
    cargo: &'static [&'static str],
}

const GENERATED: &[Generated] = &[
    Generated { file: "docs/countersign.schema.json", cargo: example!("countersign-policy", "schema") },
    Generated { file: "docs/openapi.json", cargo: example!("countersign-service", "openapi") },
];

/// An error that names each file which is not what its command prints.
pub fn compare() -> Result<()> {
    let mut stale = Vec::new();
    for generated in GENERATED {
        let made = output(&mut cargo(generated.cargo))?;
        let path = crate::root().join(generated.file);
        let found = std::fs::read_to_string(&path).with_context(|| format!("could not read {}", generated.file))?;
        if made != found {
            stale.push(format!(
                "{} is not what its source says now; run: cargo {} > {}",
                generated.file,
                generated.cargo.join(" "),
                generated.file
            ));
        }
    }
    if !stale.is_empty() {
        bail!("{}", stale.join("\n"));
    }
    Ok(())
}
