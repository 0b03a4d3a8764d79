//! Each path of the registry is one that a user can write: `paths/uses.rs` has a `use` of each, written from the
//! registry. To write it again: `DIFRULES_UPDATE=1 cargo test -p difrules-tests --test all paths`.

#[rustfmt::skip]
mod uses;

use std::path::Path;

use difrules_core::{Record, primitives};
use difrules_linalg as _;

/// Whether it is found by the path of its module: nothing is said of where it is public, or it is not.
fn stays_in_its_module(record: &Record) -> bool {
    record.path.rsplit_once("::").is_some_and(|(module, _)| module == record.module)
}

#[test]
fn registered_paths_can_be_used() {
    let own = concat!(env!("CARGO_CRATE_NAME"), "::");
    let linked = primitives().iter().filter(|record| !record.path.starts_with(own));
    let uses = linked.map(|record| match stays_in_its_module(record) {
        true => format!("// {} is not `pub`.\n", record.path),
        false => format!("use {} as _;\n", record.path),
    });
    let wanted = "#![allow(unused_imports)]\n\n".to_string() + &uses.collect::<String>();
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/paths/uses.rs");
    if std::env::var_os("DIFRULES_UPDATE").is_some() {
        std::fs::write(&file, &wanted).expect("writable");
    }
    let found = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(
        found == wanted,
        "tests/tests/paths/uses.rs is not what the registry has: run `DIFRULES_UPDATE=1 cargo test -p \
         difrules-tests --test all paths`"
    );
}
