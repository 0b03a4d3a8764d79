//! A primitive whose types the caller does not know.
//!
//! What is compiled for each primitive are the few functions of its `rules`, which do no more than to
//! know its types; what is done with a value of a type is compiled once for all primitives that take or
//! give it, in `contract/handling.rs`; everything else once, in `methods`.
//!
//! Without the feature `calls` nothing of it is compiled but the types.

#[cfg(feature = "calls")]
mod methods;
#[cfg(not(feature = "calls"))]
mod not_compiled;
#[cfg(feature = "calls")]
mod rules;

use crate::contract::primitive::Primitive;
use crate::contract::scalar::Real;
use crate::registry::call::Calls;

#[cfg(feature = "calls")]
use methods::MethodsOf;
#[cfg(not(feature = "calls"))]
use not_compiled::MethodsOf;

impl Calls {
    /// The calls of `P` at the real scalar `S`.
    pub const fn of<P: Primitive, S: Real>() -> Self {
        Self(MethodsOf::<P, S>::METHODS)
    }
}
