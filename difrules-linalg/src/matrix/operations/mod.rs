//! The primitives of this crate as methods, a file a group.

mod blas;
mod decomposition;
mod determinants;
mod elementary;
mod equations;
mod functions;
mod norms;
mod statistics;
mod systems;
mod updates;
