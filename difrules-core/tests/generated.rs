//! Files that are written from the registry are as the registry has them. To write them again:
//! `DIFRULES_UPDATE=1 cargo test -p difrules-core --test all generated`.

use crate::reference;
use std::collections::HashMap;
use std::fmt::Write as _;
use std::path::Path;

use difrules_core::registry::{Notion, Partial};
use difrules_core::symbolic::Expr;
use difrules_core::{Record, primitives};

fn updating() -> bool {
    std::env::var_os("DIFRULES_UPDATE").is_some()
}

/// A file of the workspace.
fn read(file: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(file);
    std::fs::read_to_string(path).unwrap_or_default()
}

/// Compares a file of the workspace to what it has to hold, or writes it.
fn check(file: &str, wanted: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(file);
    if updating() {
        std::fs::write(&path, wanted).expect(file);
        return;
    }
    let found = read(file);
    assert!(
        found == wanted,
        "{file} is not what the registry has: run `DIFRULES_UPDATE=1 cargo test -p difrules-core \
         --test all generated`"
    );
}

/// The functions of numbers in `difrules_core::math`, by the files that they are in.
fn scalar_functions() -> impl Iterator<Item = &'static Record> {
    let all = primitives().iter().copied().filter(|record| {
        record.module.starts_with("difrules_core::math::")
            && record
                .arguments
                .iter()
                .all(|argument| matches!(argument.notion(), Notion::Scalar | Notion::Constant))
    });
    let mut all: Vec<_> = all.collect();
    all.sort_by_key(|record| (record.module, record.path));
    all.into_iter()
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
                other => unreachable!("{other:?}"),
            })
            .collect();
        table += &format!("{}\t{}\t{}\n", record.name, names.join(", "), partials.join("\t"));
    }
    check("difrules-macros/src/derivative/rules.tsv", &table);
}

/// The names that a function of another module may have, which the parser of expressions has to tell from it.
#[test]
fn the_parser_knows_the_names_of_the_functions() {
    let mut names: Vec<_> = scalar_functions().map(|record| record.name).collect();
    names.sort_unstable();
    names.dedup();
    let names: String = names.iter().map(|name| format!("{name}\n")).collect();
    check("difrules-core/symbolic/src/functions.txt", &names);
}

/// What follows a word in a documentation, to the end of its paragraph or to the next such word, without links.
fn said<'a>(doc: &'a str, word: &str) -> String {
    let lines = doc.lines().skip_while(|line| !line.starts_with(word));
    let mut said: Vec<&'a str> = Vec::new();
    for (i, line) in lines.enumerate() {
        let other =
            ["Domain:", "Edge:", "The derivative"].iter().any(|word| line.starts_with(word));
        if i > 0 && (other || line.trim().is_empty()) {
            break;
        }
        said.push(line.trim_start_matches(word).trim());
    }
    let said = said.join(" ");
    // Links are to be followed on the function's own page.
    let mut parts = said.split("](");
    let mut text = parts.next().unwrap_or_default().replace("[`", "`");
    for part in parts {
        text += &part.split_once(')').map_or(part, |(_, rest)| rest).replace("[`", "`");
    }
    text.trim_end_matches('.').to_string()
}

/// The largest errors of each function, of its value and of its derivatives, against mpmath.
fn measured() -> HashMap<&'static str, (f64, f64)> {
    let mut measured: HashMap<_, (f64, f64)> = HashMap::new();
    for line in reference::lines(reference::RANDOM).chain(reference::lines(reference::HARD)) {
        let Some((value, partials)) = reference::evaluate(line.name, &line.arguments) else {
            continue;
        };
        let floor = reference::floor(&line.arguments, &partials);
        let (of_value, of_partials) = measured.entry(line.name).or_default();
        *of_value = of_value.max(reference::beyond_rounding(value, line.value, floor));
        for (found, exact) in partials.iter().zip(&line.partials) {
            if let Some(exact) = exact {
                *of_partials = of_partials.max(reference::beyond_rounding(*found, *exact, 0.0));
            }
        }
    }
    measured
}

/// An error that is not exceeded on another machine either: the power of ten above twice the error here.
fn stated(error: f64) -> String {
    format!("1e{}", (2.0 * error).max(2e-16).log10().ceil())
}

/// The table in the documentation of `math`. What it says of accuracy is a bound: other machines have other functions of C.
#[test]
fn the_table_of_the_documentation() {
    const FILE: &str = "difrules-core/src/math/table.md";
    let old = read(FILE);
    let measured = measured();
    let mut page = String::from(
        "All scalar primitives, from the registry: `cargo test -p difrules-core --test all generated` holds this page to it.\n\n\
         The last column has the largest relative errors that were found, of the value and of the derivatives, against \
         mpmath at random points and at the hard ones; what the rounding of the arguments does to the value is taken off.\n",
    );
    let mut module = "";
    let cell = |text: &str| {
        text.replace('|', "\\|").replace('*', "\\*").replace('_', "\\_").replace('[', "\\[")
    };
    let mut wrong = Vec::new();
    for record in scalar_functions() {
        let of = record.module.rsplit("::").next().unwrap_or_default();
        if of != module {
            module = of;
            let title = module.replace('_', " ");
            let _ = write!(
                page,
                "\n## {}{}\n\n| function | derivatives | domain | at the edge | errors |\n|---|---|---|---|---|\n",
                title[..1].to_uppercase(),
                &title[1..],
            );
        }
        let names: Vec<_> = record.arguments.iter().map(|argument| argument.name).collect();
        let variables: Vec<_> = names.iter().map(|name| Expr::variable(name)).collect();
        let partials = record.partials.iter().zip(&names).filter_map(|(partial, name)| {
            let text = match partial {
                Partial::Known(formula) => {
                    format!("`{}`", formula.apply(record.name, &variables).simplify())
                        .replace('|', "\\|")
                }
                Partial::Unknown => "not known".to_string(),
                Partial::Code => "computed, no closed form".to_string(),
                Partial::Constant => return None,
                other => unreachable!("{other:?}"),
            };
            Some(if names.len() > 1 { format!("by {name}: {text}") } else { text })
        });
        let function = format!("[`{0}`](fn@crate::math::{0})({1})", record.name, names.join(", "));
        let row = format!(
            "| {function} | {} | {} | {} |",
            partials.collect::<Vec<_>>().join("<br>"),
            cell(&said(record.doc, "Domain:")),
            cell(&said(record.doc, "Edge:")),
        );
        let errors = measured.get(record.name).copied();
        let errors = if updating() {
            errors.map_or("–".into(), |(value, partial)| {
                format!("{}, {}", stated(value), stated(partial))
            })
        } else {
            // What the page says, if it holds.
            let said =
                old.lines().find_map(|line| line.strip_prefix(&format!("{row} "))).unwrap_or("");
            let said = said.trim_end_matches(" |").to_string();
            let bounds: Vec<f64> =
                said.split(", ").filter_map(|bound| bound.parse().ok()).collect();
            if let (Some((value, partial)), [of_value, of_partial]) = (errors, &bounds[..])
                && (value > *of_value || partial > *of_partial)
            {
                wrong.push(format!("{}: {value:.1e}, {partial:.1e}, stated {said}", record.name));
            }
            said
        };
        let _ = writeln!(page, "{row} {errors} |");
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    check(FILE, &page);
}
