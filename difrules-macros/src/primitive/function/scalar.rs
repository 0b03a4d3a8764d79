//! The scalar that a function is generic over, or the plain one that it is of.

use quote::ToTokens;
use syn::spanned::Spanned;
use syn::{GenericParam, Ident, ItemFn};

use super::argument::OPAQUE;
use super::types::{bound_name, bounds_of, mentions};
use crate::errors::Errors;

/// The scalar of a function.
pub(crate) enum ScalarParameter {
    /// `T: Real` or `T: Scalar`.
    Generic { ident: Ident, complex: bool },
    /// A plain function of `f64`s or `f32`s.
    Plain(Ident),
}

impl ScalarParameter {
    pub(super) fn is(&self, other: &Ident) -> bool {
        match self {
            Self::Generic { ident, .. } | Self::Plain(ident) => ident == other,
        }
    }

    pub(super) fn mentioned_in(&self, tokens: &impl ToTokens) -> bool {
        match self {
            Self::Generic { ident, .. } | Self::Plain(ident) => mentions(tokens, ident),
        }
    }
}

pub(super) fn scalar_parameter(item: &ItemFn, errors: &Errors) -> Option<ScalarParameter> {
    let signature = &item.sig;
    let mut found = None;
    for parameter in signature.generics.type_params() {
        let names: Vec<_> =
            bounds_of(item, &parameter.ident).iter().filter_map(bound_name).collect();
        let complex = match (names.iter().any(|n| n == "Real"), names.iter().any(|n| n == "Scalar"))
        {
            (true, _) => false,
            (false, true) => true,
            _ => continue,
        };
        // What every `Real` has; `Scalar` lacks the order, and the compiler says so.
        const IMPLIED: [&str; 15] = [
            "Real",
            "Scalar",
            "RealField",
            "ComplexField",
            "Field",
            "Copy",
            "Clone",
            "Debug",
            "Display",
            "PartialEq",
            "PartialOrd",
            "Send",
            "Sync",
            "Zero",
            "One",
        ];
        for bound in bounds_of(item, &parameter.ident) {
            if bound_name(&bound).is_some_and(|name| !IMPLIED.contains(&name.as_str())) {
                errors.say(
                    bound.span(),
                    "a mode brings scalars of its own, which have what `Real` has and no more: leave \
                     this bound out",
                );
            }
        }
        if found.is_some() {
            errors.say(
                parameter.span(),
                "a primitive is generic over one scalar; use it for all arguments",
            );
            return None;
        }
        found = Some(ScalarParameter::Generic { ident: parameter.ident.clone(), complex });
    }
    if found.is_some() {
        return found;
    }
    let mut base = None;
    for name in ["f64", "f32"] {
        let ident = Ident::new(name, signature.ident.span());
        if mentions(&signature.inputs, &ident) {
            base = base.or(Some(ident));
        }
    }
    let generic =
        signature.generics.params.iter().find(|p| !matches!(p, GenericParam::Lifetime(_)));
    match (base, generic) {
        (Some(base), None) => return Some(ScalarParameter::Plain(base)),
        (Some(_), Some(GenericParam::Type(opaque)))
            if opaque.ident.to_string().starts_with(OPAQUE) =>
        {
            errors.say(
                opaque.bounds.span(),
                "a plain function has no parameters, so its constants have one type: write it out, \
                 such as `fn(f64) -> f64`",
            );
        }
        (_, Some(generic)) => errors.say(
            generic.span(),
            "a generic primitive is generic over its scalar: bound one parameter by \
             `difrules_core::Real` (real numbers) or `difrules_core::Scalar` (complex ones too)",
        ),
        (None, None) => errors.say(
            signature.ident.span(),
            "a primitive takes numbers: `f64`, `f32`, or a type parameter `T: difrules_core::Real`",
        ),
    }
    None
}
