#![doc = include_str!("../README.md")]

// The expansion of `#[primitive]` names this crate by its path, in this crate too.
extern crate self as difrules_core;

mod cast;
mod contract;
mod diagnostic;
mod erased;
pub mod math;
mod modes;
mod pages;
mod registry;
#[cfg(feature = "statements")]
mod statement_count;
pub mod symbolic;
mod tape;
pub mod testing;
mod transform;

pub use cast::{
    PlainProduct, add_product_of_parts, column_major_slice, column_major_slice_mut,
    column_major_view, column_major_view_mut, native_gemm,
};
pub use contract::keep::{Keep, Kept};
pub use contract::outcome::{Aux, Outcome, OutcomeOf};
pub use contract::passing;
pub use contract::primitive::{
    Evaluated, Evaluation, Given, Inputs, Keeps, LentEvaluation, Output, Primitive, Reads, Shapes,
    Tangents, Wholes,
};
pub use contract::scalar::{Kind, Over, Real, Scalar, lit};
pub use contract::slot::Slot;
pub use contract::value::{Adjoint, Cotangent, Differentiable, Family, Shape, With};
pub use contract::whole::{
    AsWhole, Elementwise, InOnePiece, Inside, Lent, Map, Number, OfWhole, Operand, Plain, Source,
    Tangent, TangentMut, Whole,
};
pub use diagnostic::{
    Defect, Diagnostic, OF_JUMP, diagnosed, jumps, leaves_out_undefined, leaving_out_undefined,
    report,
};
pub use difrules_macros::{Differentiable, derivative, primitive};
pub use math::{cardinal, rotations};
pub use modes::dual::Dual;
pub use modes::reverse::checkpoint::{Parameters, checkpointed};
pub use modes::reverse::recording::Recording;
pub use modes::reverse::var::Var;
/// The matrices that everything here is about: the version of nalgebra that this crate uses.
pub use nalgebra;
pub use pages::{algorithms, glossary, infinities, nesting};
pub use registry::{
    Argument, CallError, Duplicate, FindError, Instance, MissingRule, Mode, Notion, Partial,
    Pullback, Pushforward, Record, UnknownPartial, by_name, by_path, by_types, duplicates, find,
    primitives,
};
#[cfg(feature = "statements")]
pub use statement_count::{Line, Statements, statements};
pub use tape::ReplayError;
pub use tape::pool::release_memory;
pub use transform::{
    gradient, hessian, hvp, jacobian, jacobian_reverse, jvp, lift, value_and_gradient,
    value_and_jacobian, value_and_jacobian_reverse, value_gradient_and_hessian,
    value_gradient_and_hvp, vjp,
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
