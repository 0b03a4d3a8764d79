//! The tests of this crate in one program, a module a subject, but for those that count allocations: one program is
//! compiled and linked in a fraction of the time of twenty.

mod arguments;
mod backward_error;
mod blas;
mod co2;
mod degenerate;
mod elementary;
mod equations;
mod equations_reference;
mod examples;
mod families;
mod functions;
mod implicit;
mod matrix;
#[cfg(feature = "motions")]
mod motions;
#[cfg(all(feature = "argmin", feature = "levenberg-marquardt"))]
mod optimise;
mod overflow;
#[cfg(feature = "rayon")]
mod parallel;
mod reference;
mod resting;
mod scales;
mod scaling;
mod second_order;
#[cfg(feature = "sparse")]
mod sparse;
#[cfg(feature = "sparse")]
mod sparse_matrices;
mod spectra;
mod strides;
mod updates;
#[cfg(feature = "faer")]
mod with_faer;
