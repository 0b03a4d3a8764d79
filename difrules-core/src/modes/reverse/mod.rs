//! Reverse mode: its scalar, loops in pieces, and recordings that are evaluated again.

pub(crate) mod checkpoint;
pub(crate) mod recording;
pub(crate) mod var;
