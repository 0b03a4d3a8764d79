//! Tokens as the macros write and read them.

pub(crate) mod hygiene;
pub(crate) mod pretty;
pub(crate) mod rename;
pub(crate) mod ungroup;
