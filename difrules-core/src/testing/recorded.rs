//! What a tape records, for tests of how it does.

use crate::modes::reverse::var::Var;
use crate::tape::Opened;
pub use crate::tape::Recorded;

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
    opened.close(|tape| tape.recorded(seed))
}
