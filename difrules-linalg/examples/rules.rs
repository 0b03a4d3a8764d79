//! Lists the primitives of all linked crates.
//!
//! ```text
//! cargo run --example rules                        a table
//! cargo run --example rules -- cholesky            all about one
//! cargo run --example rules -- --json              for programs
//! cargo run --example rules -- --markdown          a page of reference
//! cargo run --example rules -- --notion matrix --rule reverse --crate difrules_linalg
//! cargo run --example rules -- --unlinked          dependencies whose primitives are not linked
//! ```

use std::collections::BTreeSet;
use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};
use clap::{Parser, ValueEnum};
use comfy_table::{Cell, Color, ContentArrangement, Table, presets};
use difrules_core::registry::{Partial, Structured, duplicates};
use difrules_core::symbolic::Expr;
use difrules_core::{Record, primitives};
// Without a name in the code a crate is not linked, and its primitives are not registered.
use difrules_linalg as _;
use serde::{Deserialize, Serialize};

/// Lists the primitives of all linked crates.
#[derive(Parser)]
struct Options {
    /// All about the primitives of this name, alias or path.
    name: Option<String>,
    /// Print an array of objects for programs.
    #[arg(long, conflicts_with_all = ["markdown", "name"])]
    json: bool,
    /// Print a page of reference.
    #[arg(long, conflicts_with = "name")]
    markdown: bool,
    /// Only the primitives of this crate.
    #[arg(long = "crate", value_name = "CRATE")]
    of_crate: Option<String>,
    /// Only primitives that have an argument of this notion.
    #[arg(long)]
    notion: Option<Notion>,
    /// Only primitives that have this rule.
    #[arg(long)]
    rule: Option<Rule>,
    /// Name the dependencies of the package in this directory that could register primitives and
    /// have none here: nothing names them, or they register none.
    #[arg(long, conflicts_with_all = ["json", "markdown", "name"])]
    unlinked: bool,
}

/// The notions of `difrules_core::registry::Notion`.
#[derive(Clone, Copy, PartialEq, ValueEnum)]
enum Notion {
    Scalar,
    Vector,
    Matrix,
    Structure,
    Constant,
}

#[derive(Clone, Copy, PartialEq, ValueEnum)]
enum Rule {
    Forward,
    Reverse,
    Symbolic,
}

impl Options {
    fn want(&self, record: &Record) -> bool {
        let of_crate = record.module.split("::").next();
        let notion = |wanted: &Notion| {
            let wanted = wanted.to_possible_value().expect("no notion is hidden");
            record.arguments.iter().any(|a| a.notion().to_string() == wanted.get_name())
        };
        let rule = |wanted: &Rule| match wanted {
            Rule::Forward => record.forward,
            Rule::Reverse => record.reverse,
            Rule::Symbolic => {
                record.partials.iter().any(|partial| matches!(partial, Partial::Known(_)))
            }
        };
        let name = |wanted: &String| {
            record.path == wanted
                || record.name == wanted
                || record.aliases.iter().any(|alias| alias == wanted)
        };
        self.of_crate.as_ref().is_none_or(|wanted| of_crate == Some(wanted))
            && self.notion.as_ref().is_none_or(notion)
            && self.rule.as_ref().is_none_or(rule)
            && self.name.as_ref().is_none_or(name)
    }
}

/// A primitive as programs get it.
#[derive(Serialize)]
struct Listed {
    path: &'static str,
    module: &'static str,
    name: &'static str,
    aliases: &'static [&'static str],
    arguments: Vec<ListedArgument>,
    result: &'static str,
    output: &'static str,
    forward: bool,
    reverse: bool,
    symbolic: &'static [&'static str],
    /// The derivative by each argument as an expression, where one is known.
    partials: Vec<Option<String>>,
    instances: Vec<&'static str>,
    file: &'static str,
    line: u32,
    doc: &'static str,
}

/// The derivative by each argument, where it is an expression.
fn partials(record: &Record) -> Vec<Option<String>> {
    let names: Vec<_> =
        record.arguments.iter().map(|argument| Expr::variable(argument.name)).collect();
    let partials = record.partials.iter().map(|partial| match partial {
        Partial::Known(formula) => Some(formula.apply(record.name, &names).simplify().to_string()),
        _ => None,
    });
    partials.collect()
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
    /// What is known of its entries.
    structure: Vec<ListedStructure>,
}

/// A structure as programs get it: that of a field, or of all of the argument.
#[derive(Serialize)]
struct ListedStructure {
    #[serde(skip_serializing_if = "str::is_empty")]
    field: &'static str,
    kind: String,
    /// The arguments that say which triangle is stored, and what its diagonal is.
    options: &'static [&'static str],
    #[serde(skip)]
    shown: String,
}

impl ListedStructure {
    fn new(of: &'static Structured) -> Self {
        let (field, options) = (of.field, of.options);
        Self { field, kind: of.kind.to_string(), options, shown: of.to_string() }
    }
}

impl ListedArgument {
    /// What is known of its entries, after a comma.
    fn structures(&self) -> String {
        self.structure.iter().fold(String::new(), |all, of| all + ", " + &of.shown)
    }
}

impl Listed {
    fn new(record: &'static Record) -> Self {
        let arguments = record.arguments.iter().map(|argument| ListedArgument {
            name: argument.name,
            type_name: argument.type_name,
            notion: argument.notion().to_string(),
            differentiable: argument.differentiable(),
            in_place: argument.in_place,
            structure: argument.structure.iter().map(ListedStructure::new).collect(),
        });
        Self {
            path: record.path,
            module: record.module,
            name: record.name,
            aliases: record.aliases,
            arguments: arguments.collect(),
            result: record.result,
            output: record.instances.first().map_or("", |instance| instance.output_type().1),
            forward: record.forward,
            reverse: record.reverse,
            symbolic: record.symbolic,
            partials: partials(record),
            instances: record.instances.iter().map(|instance| instance.scalar).collect(),
            file: record.file,
            line: record.line,
            doc: record.doc,
        }
    }

    /// The derivatives that are expressions, by their arguments.
    fn derivatives(&self) -> Vec<String> {
        let by = self.arguments.iter().zip(&self.partials);
        by.filter_map(|(argument, partial)| {
            Some(format!("by {}: {}", argument.name, partial.as_ref()?))
        })
        .collect()
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
        .set_header(["path", "arguments", "result", "rules", "derivatives", "instances", "source"]);
    for record in listed {
        let mut arguments = String::new();
        for argument in &record.arguments {
            let ListedArgument { name, type_name, notion, in_place, .. } = argument;
            let in_place = if *in_place { ", in place" } else { "" };
            let structure = argument.structures();
            let _ = writeln!(arguments, "{name}: {type_name} ({notion}{in_place}){structure}");
        }
        let missing = !(record.forward && record.reverse);
        let rules = Cell::new(record.rules());
        table.add_row([
            // On a terminal alone.
            Cell::new(record.path).fg(Color::Cyan),
            Cell::new(arguments.trim_end()),
            Cell::new(record.result),
            if missing { rules.fg(Color::Yellow) } else { rules },
            Cell::new(record.derivatives().join("\n")),
            Cell::new(record.instances.join(", ")),
            Cell::new(format!("{}:{}", record.file, record.line)),
        ]);
    }
    table
}

/// All about one primitive; the colours are for terminals.
fn in_full(record: &Listed) -> String {
    let title = Style::new().bold().fg_color(Some(AnsiColor::Cyan.into()));
    let key = Style::new().dimmed();
    let mut text = format!("{title}{}{title:#}\n\n", record.path);
    for line in record.doc.lines() {
        let _ = writeln!(text, "    {line}");
    }
    let mut entry = |name: &str, value: &str| {
        if !value.is_empty() {
            let _ = writeln!(text, "{key}{name:>12}{key:#}  {value}");
        }
    };
    entry("", " ");
    for argument in &record.arguments {
        let ListedArgument { name, type_name, notion, differentiable, in_place, .. } = argument;
        let structure = argument.structures();
        let place = if *in_place { ", read and overwritten" } else { "" };
        let derivative = if *differentiable { "" } else { ", no derivative" };
        let derivative = if notion == "constant" { "" } else { derivative };
        entry("argument", &format!("{name}: {type_name} ({notion}{place}{derivative}){structure}"));
    }
    entry("result", record.result);
    entry("aliases", &record.aliases.join(", "));
    entry("rules", record.rules());
    for derivative in record.derivatives() {
        entry("derivative", &derivative);
    }
    for symbolic in record.symbolic {
        entry("source text", symbolic);
    }
    entry("instances", &record.instances.join(", "));
    entry("output", record.output);
    entry("source", &format!("{}:{}", record.file, record.line));
    text
}

/// A page of reference: a section a module.
fn markdown(listed: &[Listed]) -> String {
    let mut page = String::from("# Primitives\n");
    let mut module = "";
    // A table's bars separate its columns.
    let cell = |text: &str| text.replace('|', "\\|").replace('\n', "<br>");
    for record in listed {
        let of = record.path.rsplit_once("::").map_or("", |(module, _)| module);
        if of != module {
            module = of;
            let _ = write!(
                page,
                "\n## `{module}`\n\n| primitive | computes | arguments | rules | partial derivatives |\n\
                 |---|---|---|---|---|\n"
            );
        }
        let arguments = record.arguments.iter().map(|a| {
            let place = if a.in_place { ", in place" } else { "" };
            format!("`{}`: {}{place}{}", a.name, a.notion, a.structures())
        });
        let symbolic = record.derivatives().into_iter().map(|text| format!("`{text}`"));
        let summary = record.doc.lines().take_while(|line| !line.trim().is_empty());
        let _ = writeln!(
            page,
            "| `{}` | {} | {} | {} | {} |",
            record.name,
            cell(&summary.collect::<Vec<_>>().join(" ")),
            cell(&arguments.collect::<Vec<_>>().join("\n")),
            record.rules(),
            cell(&symbolic.collect::<Vec<_>>().join("\n")),
        );
    }
    page
}

/// What `cargo metadata` says of the packages of the workspace.
#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    workspace_root: std::path::PathBuf,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    dependencies: Vec<Dependency>,
}

#[derive(Deserialize)]
struct Dependency {
    name: String,
    kind: Option<String>,
}

/// The packages that depend on `difrules-core` and have no primitive in this program. What other packages
/// depend on is in the lock file: cargo itself would want to have downloaded those of other systems.
fn unlinked() -> Result<Vec<String>, Box<dyn std::error::Error>> {
    const CORE: &str = "difrules-core";
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = std::process::Command::new(cargo)
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
        .output()
        .map_err(|error| format!("cannot run cargo: {error}"))?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned().into());
    }
    let metadata: Metadata = serde_json::from_slice(&output.stdout)?;
    let lock = std::fs::read_to_string(metadata.workspace_root.join("Cargo.lock"))?;
    let members: BTreeSet<_> = metadata.packages.iter().map(|p| p.name.clone()).collect();
    let of_the_workspace = metadata.packages.into_iter().filter(|package| {
        let mut on = package.dependencies.iter().filter(|on| on.kind.is_none());
        on.any(|on| on.name == CORE)
    });
    let others = lock.split("[[package]]").filter_map(|package| {
        let mut lines = package.lines().map(str::trim);
        let name = lines.find_map(|line| line.strip_prefix("name = "))?.trim_matches('"');
        // A dependency is its name, and its version where there are several.
        let on_core = lines
            .filter_map(|line| line.strip_prefix('"')?.split(['"', ' ']).next())
            .any(|dependency| dependency == CORE);
        (on_core && !members.contains(name)).then(|| name.to_string())
    });
    let linked: BTreeSet<_> =
        primitives().iter().filter_map(|record| record.module.split("::").next()).collect();
    let names = of_the_workspace.map(|package| package.name).chain(others);
    Ok(names.filter(|name| !linked.contains(name.replace('-', "_").as_str())).collect())
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let options = Options::parse();
    if options.unlinked {
        for name in unlinked()? {
            println!(
                "{name} depends on difrules-core and has no primitive here; if it has some, link it: \
                 `use {} as _;`",
                name.replace('-', "_")
            );
        }
        return Ok(());
    }
    let wanted = primitives().iter().filter(|record| options.want(record));
    let listed: Vec<_> = wanted.map(|record| Listed::new(record)).collect();
    for duplicate in duplicates() {
        anstream::eprintln!("warning: {duplicate}");
    }
    if options.json {
        println!("{}", serde_json::to_string_pretty(&listed)?);
    } else if options.markdown {
        print!("{}", markdown(&listed));
    } else if let Some(name) = &options.name {
        if listed.is_empty() {
            return Err(format!("no linked primitive is called `{name}`").into());
        }
        for record in &listed {
            anstream::println!("{}", in_full(record));
        }
    } else {
        println!("{}", table(&listed));
        println!("{} primitives", listed.len());
    }
    Ok(())
}
