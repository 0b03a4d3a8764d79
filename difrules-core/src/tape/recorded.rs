//! What a tape records, for tests of how it does.

use super::Tape;

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

impl Tape<f64> {
    /// What was recorded, and its sweep from the adjoints of some numbers.
    pub(crate) fn recorded(&mut self, seed: impl IntoIterator<Item = (u32, f64)>) -> Recorded {
        Recorded {
            statements: self.statements.len(),
            nodes: self.nodes.len(),
            runs: self.runs.iter().map(|run| (run.start, run.count)).collect(),
            next: self.next(),
            adjoints: self.sweep(seed).to_vec(),
        }
    }
}
