//! Reverse mode: its scalar, loops in pieces, and recordings that are evaluated again.

mod apply;
pub(crate) mod called;
pub(crate) mod checkpoint;
mod real;
pub(crate) mod recording;
pub(crate) mod session;
mod stores;
pub(crate) mod var;
