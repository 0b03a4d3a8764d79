//! Types and bounds as the source writes them: what they mention, and others put in their place.

use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens;
use syn::punctuated::Punctuated;
use syn::spanned::Spanned;
use syn::visit_mut::{self, VisitMut};
use syn::{GenericArgument, Ident, ItemFn, PathArguments, Type, TypeParamBound, WherePredicate};

/// Replaces a type parameter wherever it stands in a type.
pub(super) struct Substitution<'a> {
    ident: &'a Ident,
    scalar: &'a TokenStream,
    real: &'a TokenStream,
}

impl VisitMut for Substitution<'_> {
    fn visit_type_mut(&mut self, found: &mut Type) {
        if let Type::Path(path) = found
            && path.qself.is_none()
            && path.path.segments.first().is_some_and(|s| s.ident == *self.ident)
        {
            let rest = path.path.segments.iter().skip(1).map(|s| s.ident.to_string());
            match rest.collect::<Vec<_>>().join("::").as_str() {
                "" => *found = Type::Verbatim(self.scalar.clone()),
                "Real" | "RealField" => *found = Type::Verbatim(self.real.clone()),
                _ => {}
            }
            return;
        }
        visit_mut::visit_type_mut(self, found);
    }

    /// A number that is a parameter, `[T; N]`.
    fn visit_expr_mut(&mut self, found: &mut syn::Expr) {
        if matches!(found, syn::Expr::Path(path) if path.path.is_ident(self.ident)) {
            *found = syn::Expr::Verbatim(self.scalar.clone());
        } else {
            visit_mut::visit_expr_mut(self, found);
        }
    }
}

/// The type with the scalar parameter `ident` replaced by `scalar`, and its real type by `real`.
pub(crate) fn substituted(
    written: &Type,
    ident: &Ident,
    scalar: &TokenStream,
    real: &TokenStream,
) -> Type {
    let mut substituted = written.clone();
    Substitution { ident, scalar, real }.visit_type_mut(&mut substituted);
    substituted
}

/// The type with a parameter replaced wherever it stands alone.
pub(crate) fn replace(written: &Type, ident: &Ident, by: &TokenStream) -> Type {
    substituted(written, ident, by, by)
}

/// Whether the identifier stands anywhere in the tokens.
pub(crate) fn mentions(tokens: &impl ToTokens, ident: &Ident) -> bool {
    fn any(tokens: TokenStream, ident: &Ident) -> bool {
        tokens.into_iter().any(|token| match token {
            proc_macro2::TokenTree::Ident(other) => other == *ident,
            proc_macro2::TokenTree::Group(group) => any(group.stream(), ident),
            _ => false,
        })
    }
    any(tokens.to_token_stream(), ident)
}

/// The bounds of a type parameter, inline and in where clauses.
pub(super) fn bounds_of(item: &ItemFn, ident: &Ident) -> Vec<TypeParamBound> {
    let generics = &item.sig.generics;
    let inline =
        generics.type_params().filter(|p| p.ident == *ident).flat_map(|p| p.bounds.clone());
    let clauses = generics.where_clause.iter().flat_map(|clause| &clause.predicates);
    let conditions = clauses.filter_map(|predicate| match predicate {
        WherePredicate::Type(predicate) => match &predicate.bounded_ty {
            Type::Path(path) if path.path.is_ident(ident) => Some(predicate.bounds.clone()),
            _ => None,
        },
        _ => None,
    });
    inline.chain(conditions.flatten()).collect()
}

/// The last name of a trait bound.
pub(crate) fn bound_name(bound: &TypeParamBound) -> Option<String> {
    match bound {
        TypeParamBound::Trait(bound) => bound.path.segments.last().map(|s| s.ident.to_string()),
        _ => None,
    }
}

/// Whether a lifetime is one of the function's parameters, or elided.
pub(super) fn is_parameter(lifetime: &str) -> bool {
    lifetime != "static"
}

/// Leaves out the bounds by lifetimes that the rules do not have.
pub(super) fn drop_lifetimes(bounds: &mut Punctuated<TypeParamBound, syn::Token![+]>) {
    let all = std::mem::take(bounds);
    bounds.extend(all.into_iter().filter(|bound| !has_lifetime(bound, is_parameter)));
}

/// Whether a lifetime of this kind stands anywhere in the tokens.
pub(super) fn has_lifetime(tokens: &impl ToTokens, kind: impl Fn(&str) -> bool + Copy) -> bool {
    let mut tokens = tokens.to_token_stream().into_iter().peekable();
    while let Some(token) = tokens.next() {
        match (&token, tokens.peek()) {
            (TokenTree::Punct(mark), Some(TokenTree::Ident(name)))
                if mark.as_char() == '\'' && kind(&name.to_string()) =>
            {
                return true;
            }
            (TokenTree::Group(group), _) if has_lifetime(&group.stream(), kind) => return true,
            _ => {}
        }
    }
    false
}

/// Replaces all lifetimes.
pub(super) struct Lifetimes(&'static str);

impl VisitMut for Lifetimes {
    fn visit_lifetime_mut(&mut self, lifetime: &mut syn::Lifetime) {
        *lifetime = syn::Lifetime::new(self.0, lifetime.span());
    }
}

/// The type with every lifetime replaced by this one.
pub(crate) fn with_lifetimes(written: &Type, lifetime: &'static str) -> Type {
    let mut replaced = written.clone();
    Lifetimes(lifetime).visit_type_mut(&mut replaced);
    // A view may leave its lifetime out.
    if let Type::Path(path) = &mut replaced
        && let Some(PathArguments::AngleBracketed(arguments)) =
            path.path.segments.last_mut().map(|segment| &mut segment.arguments)
        && !arguments.args.iter().any(|a| matches!(a, GenericArgument::Lifetime(_)))
        && view_name(written).is_some()
    {
        let lifetime = syn::Lifetime::new(lifetime, written.span());
        arguments.args.insert(0, GenericArgument::Lifetime(lifetime));
    }
    replaced
}

/// The name of a view's type.
pub(super) fn view_name(written: &Type) -> Option<String> {
    let Type::Path(path) = written else { return None };
    let name = path.path.segments.last()?.ident.to_string();
    (name.contains("MatrixView") || name.contains("VectorView")).then_some(name)
}
