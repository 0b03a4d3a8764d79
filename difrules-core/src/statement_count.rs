//! Where a program's statements come from, and what would replace them.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt;
use std::path::Path;
use std::rc::Rc;

use crate::contract::outcome::Outcome;
use crate::contract::value::{Differentiable, With};
use crate::modes::reverse::session::inputs;
use crate::modes::reverse::var::Var;
use crate::registry::{Record, primitives};
use crate::tape::Opened;

/// How many statements each line of a program records in reverse mode.
///
/// See [`statements`]; prints as a table.
#[derive(Debug, Clone, PartialEq, Default)]
#[non_exhaustive]
pub struct Statements {
    /// The lines, the one with the most statements first.
    pub lines: Vec<Line>,
}

/// A line of a program.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Line {
    /// The source file; empty where the program was built without debug information.
    pub file: String,
    /// The line in it.
    pub line: u32,
    /// The function.
    pub function: String,
    /// The function of nalgebra that the line calls, which runs number by number.
    pub operation: Option<String>,
    /// How many statements it records.
    pub statements: usize,
    /// The path of a linked primitive that does the same as one node of the tape.
    pub replacement: Option<&'static str>,
}

impl Statements {
    /// How many there are.
    pub fn total(&self) -> usize {
        self.lines.iter().map(|line| line.statements).sum()
    }
}

impl fmt::Display for Statements {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:>12} statements", self.total())?;
        for Line { file, line, function, operation, statements, replacement } in &self.lines {
            write!(f, "{statements:>12} {file}:{line} in {function}")?;
            if let Some(operation) = operation {
                write!(f, ", by nalgebra's `{operation}`")?;
            }
            if let Some(replacement) = replacement {
                write!(f, "; one node by `{replacement}`")?;
            }
            writeln!(f)?;
        }
        Ok(())
    }
}

/// Runs a function in reverse mode and counts the statements that each of its lines records.
///
/// nalgebra's own operations run on [`Var`] number by number: `&a * &b` of two n x n matrices is
/// some `n^3` statements, where a primitive is one node of the tape. This finds such lines, and
/// names the primitive if one is linked. It walks the stack for every statement, which takes some
/// microseconds each; other transforms pay nothing. The lines come from debug information (a debug
/// build, or `debug = "line-tables-only"` in the profile).
///
/// Only with the feature `statements`.
///
/// # Errors
/// The function's own, unchanged.
///
/// ```
/// use difrules_core::statements;
/// use nalgebra::dmatrix;
///
/// let found = statements(|a| (a * a).sum(), &dmatrix![1.0_f64, 2.0; 3.0, 4.0]);
/// assert!(found.total() >= 8);
/// println!("{found}");
/// ```
pub fn statements<X, F, Y>(f: F, x: &X) -> Y::Of<Statements>
where
    X: Differentiable,
    F: FnOnce(&With<X, Var<X::Real>>) -> Y,
    Y: Outcome<Value: Differentiable<Real = Var<X::Real>>>,
{
    let counter = Rc::new(RefCell::new(Counter::default()));
    let counts = Rc::clone(&counter);
    let opened = Opened::<X::Real>::observed(X::count(&x.shape()), |tape| {
        tape.observe(move || counts.borrow_mut().count());
    });
    let (y, aux) = f(&inputs(&opened, x)).into_parts();
    Y::from_parts(y.map(|_| counter.take().finish()), aux)
}

/// A function of nalgebra: its name and the file that it is in, `new` and `cholesky`.
type Operation = (String, String);

/// What is known of an address in the program.
#[derive(Clone)]
enum Place {
    /// In a library; in nalgebra, in this function.
    Library(Option<Operation>),
    /// In the user's program, which calls this function of nalgebra inlined.
    Program { file: String, line: u32, function: String, operation: Option<Operation> },
}

/// A line and the function of nalgebra that it calls.
type Key = (String, u32, String, Option<Operation>);

/// Counts statements by the line that recorded them.
#[derive(Default)]
struct Counter {
    places: HashMap<usize, Place>,
    counts: HashMap<Key, usize>,
}

impl Counter {
    /// Counts a statement that is recorded now.
    fn count(&mut self) {
        let Self { places, counts } = self;
        let mut operation = None;
        let mut key: Option<Key> = None;
        backtrace::trace(|frame| {
            let place = places.entry(frame.ip() as usize).or_insert_with(|| resolve(frame));
            match place {
                Place::Library(found) => {
                    if found.is_some() {
                        operation.clone_from(found);
                    }
                    true
                }
                Place::Program { file, line, function, operation: inlined } => {
                    let operation = inlined.clone().or_else(|| operation.take());
                    key = Some((file.clone(), *line, function.clone(), operation));
                    false
                }
            }
        });
        *counts.entry(key.unwrap_or_default()).or_default() += 1;
    }

    fn finish(self) -> Statements {
        let lines =
            self.counts.into_iter().map(|((file, line, function, operation), statements)| {
                let replacement = operation.as_ref().and_then(replacement);
                let operation = operation.map(|(name, _)| name);
                Line { file, line, function, operation, statements, replacement }
            });
        let mut lines: Vec<_> = lines.collect();
        lines.sort_by(|a, b| {
            b.statements.cmp(&a.statements).then_with(|| (&a.file, a.line).cmp(&(&b.file, b.line)))
        });
        Statements { lines }
    }
}

/// Looks an address up: what is inlined there comes first, then what it is inlined in.
fn resolve(frame: &backtrace::Frame) -> Place {
    let mut place = None;
    let mut operation = None;
    backtrace::resolve_frame(frame, |symbol| {
        if place.is_some() {
            return;
        }
        let function = symbol.name().map_or(String::new(), |name| format!("{name:#}"));
        // What has no line was built without debug information, so it is not the user's to change.
        let Some(path) = symbol.filename() else {
            if let Some(module) = module_of_nalgebra(&function) {
                operation = Some((short(&function), module.to_string()));
            }
            return;
        };
        if is_of_nalgebra(path) {
            let file = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            operation = Some((short(&function), file));
        } else if !is_of_a_library(path) {
            place = Some(Place::Program {
                file: path.display().to_string(),
                line: symbol.lineno().unwrap_or_default(),
                function,
                operation: operation.take(),
            });
        }
    });
    place.unwrap_or(Place::Library(operation))
}

/// Whether a source file is nalgebra's.
fn is_of_nalgebra(path: &Path) -> bool {
    path.iter().any(|part| {
        let version = part.to_str().and_then(|part| part.strip_prefix("nalgebra-"));
        part == "nalgebra" || version.is_some_and(|v| v.starts_with(|c: char| c.is_ascii_digit()))
    })
}

/// The module of a function of nalgebra, which is the file's name, by the function's.
fn module_of_nalgebra(function: &str) -> Option<&str> {
    let path = function.trim_start_matches(['<', '&']).strip_prefix("nalgebra::")?;
    let modules = path.split("::").take_while(|part| part.starts_with(|c: char| c.is_lowercase()));
    modules.last()
}

/// Whether a source file is this crate's, the standard library's, or one of a registry's.
fn is_of_a_library(path: &Path) -> bool {
    let parts: Vec<_> = path.iter().filter_map(|part| part.to_str()).collect();
    path.starts_with(concat!(env!("CARGO_MANIFEST_DIR"), "/src"))
        || parts.contains(&"rustc")
        || parts.windows(2).any(|pair| pair == ["registry", "src"] || pair == ["library", "core"])
}

/// The last part of a function's path, without what stands between angle brackets.
fn short(path: &str) -> String {
    let mut depth = 0_usize;
    let outside = path.chars().filter(|c| {
        match c {
            '<' => depth += 1,
            '>' => depth = depth.saturating_sub(1),
            _ => return depth == 0,
        }
        false
    });
    let outside: String = outside.collect();
    outside.rsplit("::").next().unwrap_or_default().to_string()
}

/// The linked primitive that does what a function of nalgebra does.
fn replacement((method, file): &Operation) -> Option<&'static str> {
    let of = |name: &str| {
        let found = primitives().iter().find(|record: &&&Record| record.name == name);
        found.map(|record| record.path)
    };
    let known = match method.as_str() {
        "mul" | "mul_to" | "mul_assign" => "matmul",
        "add_assign" => "add",
        "sub_assign" => "sub",
        "norm" => "nrm2",
        "dotc" => "dot",
        "component_mul_assign" => "component_mul",
        "solve_lower_triangular_mut" => "solve_lower_triangular",
        "solve_upper_triangular_mut" => "solve_upper_triangular",
        other => other,
    };
    // A decomposition is a file with a function `new`.
    of(known).or_else(|| of(file))
}
