//! Names in tokens, replaced.

use proc_macro2::{Group, Ident, TokenStream, TokenTree};
use quote::{ToTokens, quote_spanned};
use syn::Path;

/// How the macros' own tokens call `difrules_core`; the user's may do as they like.
const ROOT: &str = "__difrules";

/// The tokens that a macro wrote, with the path at which the user's crate finds `difrules_core`.
pub(crate) fn root(tokens: TokenStream, root: Option<&Path>) -> TokenStream {
    replaced(tokens, ROOT, &|name| match root {
        Some(root) => root.to_token_stream(),
        None => quote_spanned!(name.span()=> ::difrules_core),
    })
}

/// The tokens with `Self` replaced by the type that it stands for.
pub(crate) fn owner(tokens: TokenStream, owner: &impl ToTokens) -> TokenStream {
    replaced(tokens, "Self", &|_| owner.to_token_stream())
}

/// The tokens with each identifier of this name replaced.
fn replaced(tokens: TokenStream, old: &str, new: &dyn Fn(&Ident) -> TokenStream) -> TokenStream {
    let mut renamed = TokenStream::new();
    for token in tokens {
        match token {
            TokenTree::Ident(name) if name == old => renamed.extend(new(&name)),
            TokenTree::Group(group) => {
                let inside = replaced(group.stream(), old, new);
                let mut group_of = Group::new(group.delimiter(), inside);
                group_of.set_span(group.span());
                renamed.extend([TokenTree::from(group_of)]);
            }
            other => renamed.extend([other]),
        }
    }
    renamed
}

/// Whether the type is written with parameters of its own.
pub(crate) fn mentions_parameters(owner: &syn::Type) -> bool {
    match owner {
        syn::Type::Path(path) => {
            path.path.segments.iter().any(|segment| !segment.arguments.is_none())
        }
        _ => true,
    }
}
