//! `#[primitive(..)]`.

mod check;
pub(crate) mod expand;
pub(crate) mod function;
pub(crate) mod options;
mod owner;

use proc_macro2::TokenStream;
use syn::spanned::Spanned;
use syn::{Attribute, Error, ItemFn, Result};

use crate::errors::Errors;
use crate::tokens::{rename, ungroup};

use expand::Expansion;
use function::Function;
use options::Options;

pub(crate) fn primitive(options: TokenStream, item: TokenStream) -> Result<TokenStream> {
    let errors = Errors::default();
    let tokens = understood(options, item, &errors);
    errors.finish(tokens)
}

/// What the attribute writes; nothing where something is wrong.
fn understood(options: TokenStream, item: TokenStream, errors: &Errors) -> Option<TokenStream> {
    let (options, mut item) = (ungroup::parenthesised(options), ungroup::parenthesised(item));
    let mut parsed = Options::new(options.clone(), errors);
    if let Some(owner) = parsed.owner.take() {
        if rename::mentions_parameters(&owner) {
            errors.say(
                owner.span(),
                "an associated function of a generic type has no primitive: the rules could not \
                 name the type's parameters; write a free function",
            );
        } else {
            if !errors.are_some() {
                parsed = Options::new(rename::owner(options, &owner), errors);
            }
            item = rename::owner(item, &owner);
        }
        parsed.owner = Some(owner);
    }
    let mut item = errors.keep(syn::parse2::<ItemFn>(item.clone()).map_err(|error| {
        Error::new(error.span(), "`#[primitive]` stands on a function with a body")
    }))?;
    ungroup::function(&mut item);
    let is_this = |attribute: &&Attribute| {
        attribute.path().segments.last().is_some_and(|last| last.ident == "primitive")
    };
    if let Some(again) = item.attrs.iter().find(is_this) {
        errors.say(
            again.span(),
            "a function is a primitive once: write all keys into one `#[primitive(..)]`",
        );
        return None;
    }
    if parsed.owner.is_none()
        && !parsed.is_unread(&["impl"])
        && item.sig.receiver().is_none()
        && let Some(advice) = owner::advice(&item.sig)
    {
        errors.say(item.sig.ident.span(), advice);
    }
    check::keys(&item.sig, &parsed, errors);
    let function = Function::new(item, &parsed, errors)?;
    let expansion = Expansion::new(&function, &parsed, errors);
    if errors.are_some() {
        return None;
    }
    let tokens = expansion?.tokens();
    Some(rename::root(tokens, parsed.root.as_ref()))
}
