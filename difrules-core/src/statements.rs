//! Where a program's statements come from, and what would replace them.

use std::collections::HashMap;
use std::fmt;

use crate::registry::{Record, primitives};
use crate::scalar::Real;
use crate::tape::Opened;
use crate::transform::Outcome;
use crate::value::{Differentiable, With};
use crate::var::Var;

/// How many statements each line of a program records in reverse mode.
///
/// See [`statements`]; prints as a table.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Statements {
    /// The lines, the one with the most statements first.
    pub lines: Vec<Line>,
}

/// A line of a program.
#[derive(Debug, Clone, PartialEq)]
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
/// about `2 n^3` statements, where a primitive is one node of the tape. This finds such lines, and
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
    Y::from_result((|| {
        let opened = Opened::<X::Real>::attentive(X::count(&x.shape()), |tape| {
            tape.counter = Some(Box::default());
        });
        let mut number = 0;
        let variables = x.map_reals(&mut |value| {
            number += 1;
            Var::recorded(value, opened.stamp(), number)
        });
        f(&variables).into_result()?;
        Ok(opened
            .close(|tape| tape.counter.take().map_or_else(Statements::default, |c| c.finish())))
    })())
}

/// What is known of an address in the program.
#[derive(Clone)]
enum Place {
    /// In a library; in nalgebra by this function.
    Library(Option<String>),
    /// In the user's program, which calls this function of nalgebra inlined.
    Program { file: String, line: u32, function: String, operation: Option<String> },
}

/// A line and the function of nalgebra that it calls.
type Key = (String, u32, String, Option<String>);

/// Counts statements by the line that recorded them.
#[derive(Default)]
pub(crate) struct Counter {
    places: HashMap<usize, Place>,
    counts: HashMap<Key, usize>,
}

/// Crates whose lines are not the user's.
const LIBRARIES: [&str; 12] = [
    "difrules_core",
    "nalgebra",
    "core",
    "std",
    "alloc",
    "simba",
    "num_traits",
    "num_complex",
    "approx",
    "backtrace",
    "test",
    "rayon_core",
];

impl Counter {
    /// Counts a statement that is recorded now.
    pub(crate) fn count(&mut self) {
        let Self { places, counts } = self;
        let mut operation = None;
        let mut key: Option<Key> = None;
        backtrace::trace(|frame| {
            let address = frame.ip() as usize;
            let place = places.entry(address).or_insert_with(|| resolve(frame));
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
                let replacement = operation.as_deref().and_then(replacement);
                let operation = operation.map(|path| short(&path).to_string());
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
        let Some(name) = symbol.name().map(|name| format!("{name:#}")) else { return };
        let of = crate_of(&name);
        if of == "nalgebra" {
            operation = Some(name);
        } else if !LIBRARIES.contains(&of) {
            place = Some(Place::Program {
                file: symbol.filename().map_or(String::new(), |file| file.display().to_string()),
                line: symbol.lineno().unwrap_or_default(),
                function: name,
                operation: operation.take(),
            });
        }
    });
    place.unwrap_or(Place::Library(operation))
}

/// The crate of a function, `nalgebra` for `<&nalgebra::Matrix<..> as core::ops::Mul>::mul`.
fn crate_of(name: &str) -> &str {
    let start = name.trim_start_matches(|c: char| !c.is_alphanumeric() && c != '_');
    start.split("::").next().unwrap_or_default()
}

/// The last part of a function's path.
fn short(path: &str) -> &str {
    path.rsplit("::").next().unwrap_or(path)
}

/// The linked primitive that does what a function of nalgebra does.
fn replacement(path: &str) -> Option<&'static str> {
    let of = |name: &str| {
        let found = primitives().iter().find(|record: &&&Record| record.name == name);
        found.map(|record| record.path)
    };
    let method = match short(path) {
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
    // A decomposition is a module with a function `new`.
    let mut modules = path.rsplit("::").map(|part| part.split('<').next().unwrap_or(part));
    of(method).or_else(|| modules.find_map(of))
}

/// Whether a tape counts; told to do so by the cold path of an operation.
pub(crate) fn count<S: Real>(tape: &mut crate::tape::Tape<S>) {
    if let Some(counter) = &mut tape.counter {
        counter.count();
    }
}
