#![doc = include_str!("../README.md")]

// The expansion of `#[primitive]` names this crate by its path, in this crate too.
extern crate self as difrules_core;

mod cast;
pub mod contract;
pub mod diagnostic;
mod erased;
pub mod kernel;
mod macros;
pub mod math;
mod modes;
#[cfg(feature = "motions")]
pub mod motions;
#[cfg(feature = "mpi")]
pub mod mpi;
mod pages;
pub mod registry;
#[cfg(feature = "statements")]
mod statement_count;
pub mod symbolic;
mod tape;
pub mod testing;
mod transform;

pub use contract::outcome::Aux;
pub use contract::scalar::{Real, Scalar, lit};
pub use contract::slot::Slot;
pub use contract::value::{Cotangent, Differentiable, With};
pub use contract::whole::Whole;
pub use diagnostic::{diagnosed, leaving_out_undefined, report};
pub use macros::{Differentiable, derivative, primitive};
pub use math::{cardinal, rotations};
pub use modes::dual::Dual;
pub use modes::flow::{Flow, fingerprint};
pub use modes::reverse::checkpoint::{Parameters, checkpointed};
pub use modes::reverse::recording::Recording;
pub use modes::reverse::var::Var;
/// The matrices that everything here is about: the version of nalgebra that this crate uses.
pub use nalgebra;
pub use pages::{algorithms, glossary, infinities, nesting};
pub use registry::{Mode, Record, find, primitives};
#[cfg(feature = "statements")]
pub use statement_count::{Line, Statements, statements};
pub use tape::pool::release_memory;
pub use tape::{Dependencies, ReplayError};
pub use transform::{
    Function, Returns, gradient, hessian, hvp, jacobian, jacobian_reverse, jvp, jvps, lift,
    value_and_gradient, value_and_jacobian, value_and_jacobian_reverse, value_gradient_and_hessian,
    value_gradient_and_hvp, value_gradient_and_hvps, vjp, vjps,
};

#[cfg(feature = "rayon")]
pub use pages::parallel;
#[cfg(feature = "rayon")]
pub use transform::{
    par_value_and_gradient, par_value_and_jacobian, par_value_and_jacobian_reverse,
    par_value_gradient_and_hessian, par_value_gradient_and_hvp,
};

#[doc(hidden)]
pub mod __private;
#[doc(hidden)]
pub mod shared;

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

/// What draws a point for those who do not know the types, by a function `__sample`.
#[cfg(feature = "calls")]
#[doc(hidden)]
#[macro_export]
macro_rules! __sample {
    ($primitive:ty, $real:ty, $sample:item) => {
        $crate::__private::core::option::Option::Some({
            $sample | random | $crate::__private::boxes::<$primitive, $real>(__sample(random))
        })
    };
}

/// Nothing: without the feature `calls` everybody knows the types.
#[cfg(not(feature = "calls"))]
#[doc(hidden)]
#[macro_export]
macro_rules! __sample {
    ($primitive:ty, $real:ty, $sample:item) => {{
        // What it calls has a use.
        #[allow(dead_code)]
        $sample
        $crate::__private::core::option::Option::None
    }};
}
