//! What is compiled once, in this crate, for all programs.
//!
//! A generic function is compiled again in each crate that calls it, but for one that is never inlined and that a
//! crate which the caller depends on has compiled at the same types: that one is called. So a program that is built
//! again after a change does not wait for these.

use std::hint::black_box;

use crate::tape::{Tape, new_tapes};

/// The sweep and its kin, at `f64`.
#[inline(never)]
pub fn instances() {
    black_box((
        Tape::<f64>::sweep_from_seeds as fn(_),
        Tape::<f64>::replay as fn(_) -> _,
        new_tapes::<f64> as fn(_) -> _,
    ));
}
