#![doc = include_str!("../README.md")]

mod expand;
mod function;
mod hygiene;
mod options;
mod pretty;

use proc_macro::TokenStream;

/// Gives a function derivative rules and registers it.
///
/// See the documentation of `difrules_core`, which re-exports this attribute.
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
