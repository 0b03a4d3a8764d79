//! What is compiled once for all programs, in a crate that they depend on.
//!
//! A generic function is compiled again in each crate that calls it, but for one that is never inlined and that a
//! crate which the caller depends on has compiled at the same types: that one is called. So a program that is built
//! again after a change does not wait for these. `difrules-linalg` asks for them, whose programs have most to compile.

use std::hint::black_box;

use crate::contract::scalar::Real;
use crate::tape::{Tape, new_tapes};

/// The sweep of a tape and its kin.
pub fn instances<S: Real>() {
    black_box((
        Tape::<S>::sweep_from_seeds as fn(_),
        Tape::<S>::replay as fn(_) -> _,
        new_tapes::<S> as fn(_) -> _,
    ));
}
