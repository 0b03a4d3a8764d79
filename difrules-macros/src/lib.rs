#![doc = include_str!("../README.md")]

mod derivative;
mod differentiable;
mod errors;
mod primitive;
mod tokens;

use proc_macro::TokenStream;

/// Gives a function derivative rules and registers it; documented where `difrules_core` re-exports it.
#[proc_macro_attribute]
pub fn primitive(options: TokenStream, item: TokenStream) -> TokenStream {
    primitive::primitive(options.into(), item.clone().into())
        .unwrap_or_else(|error| {
            // The function stays, so that its uses are no errors too.
            let mut tokens = proc_macro2::TokenStream::from(item);
            tokens.extend(errors::said(&error));
            tokens
        })
        .into()
}

/// The value and the derivatives of an expression; documented where `difrules_core` re-exports it.
#[proc_macro]
pub fn derivative(input: TokenStream) -> TokenStream {
    derivative::derivative(input.into()).unwrap_or_else(errors::said_by_expression).into()
}

/// The value alone of an expression that [`derivative!`] differentiates, bit for bit its first result.
#[doc(hidden)]
#[proc_macro]
pub fn expression(input: TokenStream) -> TokenStream {
    derivative::expression(input.into()).unwrap_or_else(errors::said_by_expression).into()
}

/// Makes a structure a value that has derivatives; documented where `difrules_core` re-exports it.
#[proc_macro_derive(Differentiable, attributes(constant, differentiable))]
pub fn differentiable(item: TokenStream) -> TokenStream {
    differentiable::differentiable(item.into()).unwrap_or_else(|error| errors::said(&error)).into()
}
