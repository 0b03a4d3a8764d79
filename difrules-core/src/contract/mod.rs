//! What a scalar, a value, an argument and a primitive are to each other.
//!
//! The definitions need one another, and Rust makes them one circle of modules: a scalar of a mode applies
//! primitives, a primitive has arguments, an argument is passed in one of several forms, a form lends a
//! value, and a value is a container of scalars. This is the only such circle; the modes and everything
//! else stand on it.
//!
//! `#[primitive]` and `#[derive(Differentiable)]` implement these traits, and the modes are all the scalars that there
//! are: nobody implements them by hand, and they may gain items in any version.

pub(crate) mod containers;
#[cfg(feature = "calls")]
pub(crate) mod handling;
pub(crate) mod keep;
pub(crate) mod outcome;
pub mod passing;
pub(crate) mod primitive;
mod sampling;
pub(crate) mod scalar;
pub(crate) mod slot;
pub(crate) mod value;
pub(crate) mod whole;

pub use keep::{Keep, Kept};
#[cfg(feature = "rayon")]
pub use outcome::Term;
pub use outcome::{Aux, Nothing, Outcome, OutcomeOf, Returned};
pub use primitive::{
    Evaluated, Evaluation, Given, Inputs, Keeps, LentEvaluation, Output, Primitive, Reads, Shapes,
    Tangents, Wholes,
};
pub use scalar::{Kind, Over, Real, Scalar};
pub use slot::Slot;
#[cfg(feature = "rayon")]
pub use value::Portable;
pub use value::{Adjoint, Cotangent, Differentiable, Family, Shape, With};
pub use whole::{
    AsWhole, Elementwise, InOnePiece, Inside, Lent, Map, Number, OfWhole, Operand, Plain, Source,
    Tangent, TangentMut, Whole,
};

pub use crate::tape::Room;
