//! Lists the primitives of all linked crates.
//!
//! ```text
//! cargo run --example rules            a table
//! cargo run --example rules -- --json  the same for programs
//! ```

use std::fmt::Write as _;

use clap::Parser;
use comfy_table::{ContentArrangement, Table, presets};
use difrules_core::{Record, primitives};
// Without a name in the code a crate is not linked, and its primitives are not registered.
use difrules_linalg as _;
use serde::Serialize;

/// Lists the primitives of all linked crates.
#[derive(Parser)]
struct Options {
    /// Print an array of objects for programs.
    #[arg(long)]
    json: bool,
}

/// A primitive as programs get it.
#[derive(Serialize)]
struct Listed {
    path: &'static str,
    name: &'static str,
    aliases: &'static [&'static str],
    arguments: Vec<ListedArgument>,
    result: &'static str,
    forward: bool,
    reverse: bool,
    symbolic: &'static [&'static str],
    instances: Vec<&'static str>,
    file: &'static str,
    line: u32,
    doc: &'static str,
}

/// An argument as programs get it.
#[derive(Serialize)]
struct ListedArgument {
    name: &'static str,
    #[serde(rename = "type")]
    type_name: &'static str,
    notion: String,
    differentiable: bool,
    in_place: bool,
}

impl Listed {
    fn new(record: &'static Record) -> Self {
        let arguments = record.arguments.iter().map(|argument| ListedArgument {
            name: argument.name,
            type_name: argument.type_name,
            notion: argument.notion().to_string(),
            differentiable: argument.differentiable(),
            in_place: argument.in_place,
        });
        Self {
            path: record.path,
            name: record.name,
            aliases: record.aliases,
            arguments: arguments.collect(),
            result: record.result,
            forward: record.forward,
            reverse: record.reverse,
            symbolic: record.symbolic,
            instances: record.instances.iter().map(|instance| instance.scalar).collect(),
            file: record.file,
            line: record.line,
            doc: record.doc,
        }
    }

    /// The rules it has: forward, reverse or both.
    fn rules(&self) -> &'static str {
        match (self.forward, self.reverse) {
            (true, true) => "forward, reverse",
            (true, false) => "forward",
            (false, true) => "reverse",
            (false, false) => "none",
        }
    }
}

/// The primitives as a table, a line an argument.
fn table(listed: &[Listed]) -> Table {
    let mut table = Table::new();
    table
        .load_style(presets::UTF8_HORIZONTAL_ONLY)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_header(["path", "arguments", "result", "rules", "symbolic", "instances", "source"]);
    for record in listed {
        let mut arguments = String::new();
        for ListedArgument { name, type_name, notion, in_place, .. } in &record.arguments {
            let in_place = if *in_place { ", in place" } else { "" };
            let _ = writeln!(arguments, "{name}: {type_name} ({notion}{in_place})");
        }
        table.add_row([
            record.path.to_string(),
            arguments.trim_end().to_string(),
            record.result.to_string(),
            record.rules().to_string(),
            record.symbolic.join("\n"),
            record.instances.join(", "),
            format!("{}:{}", record.file, record.line),
        ]);
    }
    table
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let options = Options::parse();
    let listed: Vec<_> = primitives().iter().map(|record| Listed::new(record)).collect();
    if options.json {
        println!("{}", serde_json::to_string_pretty(&listed)?);
    } else {
        println!("{}", table(&listed));
        println!("{} primitives", listed.len());
    }
    Ok(())
}
