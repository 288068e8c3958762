//! Prints the JSON Schema of the policy file: `docs/countersign.schema.json`, which `cargo xtask check` compares.

fn main() {
    println!("{:#}", countersign_policy::document::schema());
}
