//! Reverse mode: its scalar, loops in pieces, and recordings that are evaluated again.

pub(crate) mod called;
pub(crate) mod checkpoint;
pub(crate) mod recording;
pub(crate) mod session;
mod stores;
pub(crate) mod var;
