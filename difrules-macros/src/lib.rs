#![doc = include_str!("../README.md")]

mod derive;
mod expand;
mod function;
mod hygiene;
mod options;
mod pretty;
mod rename;

use proc_macro::TokenStream;

/// Gives a function derivative rules and registers it.
///
/// The function stays what it was; a derivative mode intercepts it and applies the rules. The keys,
/// and what a rule takes, are on the first page of `difrules_core`, which re-exports this attribute.
///
/// ```
/// use difrules_core::{Real, gradient, primitive};
///
/// /// The cube.
/// #[primitive(
///     forward = |x, _, x_dot| three(x * x) * x_dot,
///     reverse = |x, _, y_bar| three(x * x) * y_bar,
///     instances(f32, f64)
/// )]
/// fn cube<T: Real>(x: T) -> T {
///     x * x * x
/// }
///
/// fn three<T: Real>(x: T) -> T {
///     x + x + x
/// }
///
/// assert_eq!(cube(2.0), 8.0);
/// assert_eq!(gradient(|x| cube(*x), &2.0_f64), 12.0);
/// ```
///
/// # Errors
/// A wrong use is a compile error at the user's token that says what to write instead.
#[proc_macro_attribute]
pub fn primitive(options: TokenStream, item: TokenStream) -> TokenStream {
    expand::primitive(options.into(), item.clone().into())
        .unwrap_or_else(|error| {
            // The function stays, so that its uses are no errors too.
            let mut tokens = proc_macro2::TokenStream::from(item);
            tokens.extend(error.to_compile_error());
            tokens
        })
        .into()
}

/// Makes a structure of numbers, vectors and matrices a value that has derivatives.
///
/// The structure is generic over its scalar; every field is `Differentiable` over it, or is marked
/// `#[constant]`. Tangents, cotangents and gradients are such structures too, with the constants of
/// the point. The structure is `Clone`, and so are its constants, which also print and compare.
///
/// ```
/// use difrules_core::{Differentiable, Real, gradient};
/// use nalgebra::{DVector, dvector};
///
/// #[derive(Clone, Debug, PartialEq, Differentiable)]
/// struct Parameters<T> {
///     lengths: DVector<T>,
///     noise: T,
///     #[constant]
///     name: String,
/// }
///
/// fn loss<T: Real>(p: &Parameters<T>) -> T {
///     p.lengths.norm_squared() * p.noise
/// }
///
/// let at = Parameters { lengths: dvector![1.0, 2.0], noise: 3.0, name: "first".into() };
/// let by = gradient(|p| loss(p), &at);
/// assert_eq!(by, Parameters { lengths: dvector![6.0, 12.0], noise: 5.0, name: "first".into() });
/// ```
///
/// A rule gets its cotangent, and is lent its adjoint, as a tuple of those of its fields, without
/// the constants.
///
/// Constants are part of a point's shape: a tangent has those of its point, and a point whose constant
/// does not equal itself, such as a NaN, fits no other. They are copied with the point, so put large
/// ones behind an `Rc`.
///
/// `#[differentiable(crate = path)]` says where `difrules_core` is found.
///
/// # Errors
/// An enum or a union, a structure without a scalar, or a field that is neither made of the scalar
/// nor marked, is a compile error at the user's token that says what to write instead.
#[proc_macro_derive(Differentiable, attributes(constant, differentiable))]
pub fn differentiable(item: TokenStream) -> TokenStream {
    derive::differentiable(item.into()).unwrap_or_else(|error| error.to_compile_error()).into()
}
