//! All that is wrong with one use of a macro, said at once.

use std::cell::RefCell;
use std::fmt::Display;

use proc_macro2::{Span, TokenStream, TokenTree};
use quote::quote;
use syn::{Error, Result};

/// What was found wrong so far.
#[derive(Default)]
pub(crate) struct Errors(RefCell<Option<Error>>);

impl Errors {
    /// Says what is wrong with what stands at `span`.
    pub(crate) fn say(&self, span: Span, message: impl Display) {
        self.add(Error::new(span, message));
    }

    pub(crate) fn add(&self, error: Error) {
        match &mut *self.0.borrow_mut() {
            Some(all) => all.combine(error),
            none => *none = Some(error),
        }
    }

    /// The result, if it is not an error, which is added.
    pub(crate) fn keep<Out>(&self, result: Result<Out>) -> Option<Out> {
        result.map_err(|error| self.add(error)).ok()
    }

    pub(crate) fn are_some(&self) -> bool {
        self.0.borrow().is_some()
    }

    /// What came of it, if nothing was wrong: where it is missing, something was.
    pub(crate) fn finish<Out>(self, out: Option<Out>) -> Result<Out> {
        match (self.0.into_inner(), out) {
            (Some(error), _) => Err(error),
            (None, Some(out)) => Ok(out),
            (None, None) => unreachable!("what is missing was an error"),
        }
    }
}

/// The errors as calls of `compile_error!`, by its bare name: another crate may be called `core`.
pub(crate) fn said(error: &Error) -> TokenStream {
    let is_path = |token: &TokenTree| match token {
        TokenTree::Punct(mark) => mark.as_char() == ':',
        TokenTree::Ident(name) => name == "core",
        _ => false,
    };
    error.to_compile_error().into_iter().filter(|token| !is_path(token)).collect()
}

/// The same where an expression has to stand.
pub(crate) fn said_by_expression(errors: Error) -> TokenStream {
    let each = errors.into_iter().map(|error| said(&error));
    quote!({ #(#each);* })
}
