//! Files that are written from the registry are as the registry has them. To write them again:
//! `DIFRULES_UPDATE=1 cargo test -p difrules-core --test generated`.

use std::path::Path;

use difrules_core::symbolic::Expr;
use difrules_core::{Notion, Partial, Record, primitives};

/// Compares a file of the workspace to what it has to hold, or writes it.
fn check(file: &str, wanted: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(file);
    if std::env::var_os("DIFRULES_UPDATE").is_some() {
        std::fs::write(&path, wanted).expect(file);
        return;
    }
    let found = std::fs::read_to_string(&path).expect(file);
    assert!(
        found == wanted,
        "{file} is not what the registry has: run `DIFRULES_UPDATE=1 cargo test -p difrules-core \
         --test generated`"
    );
}

/// The functions of numbers in `difrules_core::math`.
fn scalar_functions() -> impl Iterator<Item = &'static Record> {
    primitives().iter().copied().filter(|record| {
        record.path.starts_with("difrules_core::math::")
            && record
                .arguments
                .iter()
                .all(|argument| matches!(argument.notion(), Notion::Scalar | Notion::Constant))
    })
}

/// The rules that `derivative!` knows when it is compiled.
#[test]
fn the_macros_have_the_rules_of_the_registry() {
    let mut table = String::new();
    for record in scalar_functions().filter(|record| record.result == "T") {
        let variables: Vec<_> =
            record.arguments.iter().map(|argument| Expr::variable(argument.name)).collect();
        let names: Vec<_> = record
            .arguments
            .iter()
            .map(|argument| match argument.notion() {
                Notion::Constant => format!("[{}]", argument.name),
                _ => argument.name.to_string(),
            })
            .collect();
        let partials: Vec<_> = record
            .partials
            .iter()
            .map(|partial| match partial {
                Partial::Known(formula) => formula.apply(record.name, &variables).to_string(),
                Partial::Unknown => "unknown".to_string(),
                Partial::Code => "code".to_string(),
                Partial::Constant => "constant".to_string(),
            })
            .collect();
        table += &format!("{}\t{}\t{}\n", record.name, names.join(", "), partials.join("\t"));
    }
    check("difrules-macros/src/rules.tsv", &table);
}
