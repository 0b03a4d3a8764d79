#![doc = include_str!("../README.md")]

mod expand;
mod function;
mod hygiene;
mod options;
mod pretty;

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
