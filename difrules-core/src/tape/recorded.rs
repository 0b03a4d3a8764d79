//! What a tape records, for tests of how it does.

use super::{Opened, Tape};
use crate::modes::reverse::var::Var;

/// What was recorded.
#[derive(Debug)]
pub struct Recorded {
    /// How many operations of numbers.
    pub statements: usize,
    /// How many operations of containers.
    pub nodes: usize,
    /// The ranges that those are about: the first number of each, and how many.
    pub runs: Vec<(u32, u32)>,
    /// The next number.
    pub next: u32,
    /// The adjoints of the inputs.
    pub adjoints: Vec<f64>,
}

/// Records `f` of as many numbers, from 1 on, and sweeps from the adjoints of some.
pub fn recorded(
    inputs: usize,
    f: impl FnOnce(&[Var<f64>]),
    seed: impl IntoIterator<Item = (u32, f64)>,
) -> Recorded {
    let opened = Opened::<f64>::new(inputs);
    let stamp = opened.stamp();
    let numbers = (1..).take(inputs).map(|number| Var::recorded(1.0, stamp, number));
    f(&numbers.collect::<Vec<_>>());
    opened.close(|tape: &mut Tape<f64>| Recorded {
        statements: tape.statements.len(),
        nodes: tape.nodes.len(),
        runs: tape.runs.iter().map(|run| (run.start, run.count)).collect(),
        next: tape.next(),
        adjoints: tape.sweep(seed).to_vec(),
    })
}
