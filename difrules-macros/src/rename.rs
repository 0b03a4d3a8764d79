//! Names in tokens, replaced.

use proc_macro2::{Group, Spacing, TokenStream, TokenTree};
use quote::ToTokens;

/// The tokens with `::difrules_core` replaced by the path at which the user's crate finds it.
pub(crate) fn root(tokens: TokenStream, root: &impl ToTokens) -> TokenStream {
    let mut renamed = TokenStream::new();
    // The two colons before a name, as long as it is not known whose.
    let mut colons: Vec<TokenTree> = Vec::new();
    // Whether a path goes on: the user's own may have a part of that name.
    let mut within_path = false;
    // Whether a `>` would belong to an arrow.
    let mut arrow = false;
    for token in tokens {
        let ends_part = match &token {
            TokenTree::Ident(name) => syn::parse2::<syn::Ident>(name.to_token_stream()).is_ok(),
            // That of `->` ends none.
            TokenTree::Punct(mark) => mark.as_char() == '>' && !arrow,
            _ => false,
        };
        arrow = matches!(&token, TokenTree::Punct(mark) if ['-', '='].contains(&mark.as_char()));
        match token {
            TokenTree::Punct(mark) if mark.as_char() == ':' => {
                if colons.len() == 2 {
                    renamed.extend(colons.drain(..));
                }
                // The colon before a type is no part of a path: `x: ::difrules_core::Real`.
                if colons.is_empty() && mark.spacing() == Spacing::Alone {
                    renamed.extend([TokenTree::from(mark)]);
                    within_path = false;
                } else {
                    colons.push(mark.into());
                }
                continue;
            }
            TokenTree::Ident(name)
                if colons.len() == 2 && !within_path && name == "difrules_core" =>
            {
                colons.clear();
                renamed.extend(root.to_token_stream());
            }
            other => {
                renamed.extend(colons.drain(..));
                renamed.extend([within(other, |inner| self::root(inner, root))]);
            }
        }
        within_path = ends_part;
    }
    renamed.extend(colons);
    renamed
}

/// The tokens with `Self` replaced by the type that it stands for.
pub(crate) fn owner(tokens: TokenStream, owner: &impl ToTokens) -> TokenStream {
    let mut renamed = TokenStream::new();
    for token in tokens {
        match token {
            TokenTree::Ident(name) if name == "Self" => renamed.extend(owner.to_token_stream()),
            other => renamed.extend([within(other, |inner| self::owner(inner, owner))]),
        }
    }
    renamed
}

/// The token, or the group with other tokens in it.
fn within(token: TokenTree, rename: impl FnOnce(TokenStream) -> TokenStream) -> TokenTree {
    match token {
        TokenTree::Group(group) => {
            let mut renamed = Group::new(group.delimiter(), rename(group.stream()));
            renamed.set_span(group.span());
            renamed.into()
        }
        other => other,
    }
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
