//! The tests of this crate in one program, a module a subject, but for those that count memory or stand without
//! Rust's own harness: one program is compiled and linked in a fraction of the time of thirty.

mod attribute;
mod checker;
mod complex;
mod dependencies;
mod derivative;
mod diagnostic;
mod difference;
mod diffrules;
mod edges;
mod forms;
mod gemm;
mod generated;
mod hard_derivatives;
mod infinities;
mod macros;
mod modes;
mod nesting;
mod parallel;
mod products_in_memory;
mod reference;
mod replay;
mod rotations;
mod scalar_reference;
mod strong_zero;
mod symbolic;
mod tape;
mod taylor;
mod threads;
mod transforms;
mod unknown;
mod whole;
