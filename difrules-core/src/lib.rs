#![doc = include_str!("../README.md")]

// The expansion of `#[primitive]` names this crate by its path, in this crate too.
extern crate self as difrules_core;

mod call;
pub mod cardinal;
mod cast;
mod checkpoint;
mod diagnostic;
mod dual;
mod field;
mod maps;
mod mark;
pub mod math;
mod pages;
pub mod passing;
mod pool;
mod primitive;
mod registry;
mod replay;
pub mod rotations;
mod scalar;
mod slot;
#[cfg(feature = "statements")]
mod statements;
pub mod symbolic;
mod tape;
pub mod testing;
mod transform;
mod value;
mod var;
mod whole;

pub use call::{CallError, Pullback, Pushforward};
pub use cast::{
    PlainProduct, add_product_of_parts, column_major_slice, column_major_slice_mut,
    column_major_view, column_major_view_mut, native_gemm,
};
pub use checkpoint::{Parameters, checkpointed};
pub use diagnostic::{
    Defect, Diagnostic, diagnosed, leaves_out_undefined, leaving_out_undefined, report,
};
pub use difrules_macros::{Differentiable, derivative, primitive};
pub use dual::Dual;
/// The matrices that everything here is about: the version of nalgebra that this crate uses.
pub use nalgebra;
pub use pages::{algorithms, infinities, nesting};
pub use pool::release_memory;
pub use primitive::{
    Evaluated, Evaluation, Given, Inputs, Keeps, LentEvaluation, MissingRule, Output, Primitive,
    Reads, Shapes, Tangents, UnknownPartial, Wholes,
};
pub use registry::{
    Argument, Duplicate, Instance, Mode, Notion, Partial, Record, by_name, by_path, by_types,
    duplicates, find, primitives,
};
pub use replay::{Recording, ReplayError};
pub use scalar::{Kind, Over, Real, Scalar, lit};
pub use slot::Slot;
#[cfg(feature = "statements")]
pub use statements::{Line, Statements, statements};
pub use transform::{
    Outcome, OutcomeOf, gradient, hessian, hvp, jacobian, jacobian_reverse, jvp, lift,
    value_and_gradient, vjp,
};
pub use value::{Adjoint, Cotangent, Differentiable, Family, Shape, With};
pub use var::Var;
pub use whole::{
    AsWhole, Elementwise, InOnePiece, Inside, Keep, Kept, Lent, Map, Number, OfWhole, Operand,
    Plain, Source, Tangent, TangentMut, Whole,
};

#[doc(hidden)]
pub mod __private;

/// The check of an instance, where the feature `testing` asks for it.
#[cfg(feature = "testing")]
#[doc(hidden)]
#[macro_export]
macro_rules! __check {
    ($primitive:ty, $real:ty) => {
        $crate::__private::core::option::Option::Some(
            $crate::testing::check_instance::<$primitive, $real>,
        )
    };
}

/// The check of an instance, where the feature `testing` asks for it.
#[cfg(not(feature = "testing"))]
#[doc(hidden)]
#[macro_export]
macro_rules! __check {
    ($primitive:ty, $real:ty) => {
        $crate::__private::core::option::Option::None
    };
}
