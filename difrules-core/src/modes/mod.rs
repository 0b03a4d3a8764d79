//! The derivative modes: a scalar each, and a number to nalgebra.

pub(crate) mod dual;
pub(crate) mod field;
pub(crate) mod flow;
pub(crate) mod maps;
pub(crate) mod mark;
pub(crate) mod reverse;
pub(crate) mod whole;
