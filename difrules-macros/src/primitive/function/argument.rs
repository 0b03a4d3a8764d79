//! How a function takes each of its arguments.

use proc_macro2::TokenStream;
use quote::quote;
use syn::spanned::Spanned;
use syn::{
    Error, FnArg, GenericParam, Ident, ItemFn, Pat, PathArguments, Result, Type, TypeParamBound,
};

use super::scalar::ScalarParameter;
use super::types::{bound_name, has_lifetime, is_parameter, mentions, view_name, with_lifetimes};
use crate::errors::Errors;
use crate::primitive::options::Options;
use crate::tokens::pretty;

/// How an argument is passed.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Form {
    Value,
    Reference,
    Mutable,
    /// `&[X]`.
    Slice,
    /// `&mut [X]`.
    SliceMut,
    /// `&Matrix<T, R, C, S>` of any storage `S`.
    Storage,
    /// `&mut Matrix<T, R, C, S>` of any storage `S`.
    StorageMut,
    /// `MatrixView<'_, T, R, C>`.
    View,
    /// `MatrixViewMut<'_, T, R, C>`.
    ViewMut,
    Constant,
    ConstantReference,
}

/// An argument of the function.
pub(crate) struct Argument {
    pub(crate) ident: Ident,
    /// As written.
    pub(crate) written: Type,
    /// As the record shows it.
    pub(crate) shown: String,
    pub(crate) form: Form,
    /// The type of the value without the reference; for views the owned matrix, for slices a `Vec`.
    pub(crate) value: Type,
}

impl Argument {
    pub(crate) fn is_constant(&self) -> bool {
        matches!(self.form, Form::Constant | Form::ConstantReference)
    }

    pub(crate) fn is_in_place(&self) -> bool {
        matches!(self.form, Form::Mutable | Form::SliceMut | Form::StorageMut | Form::ViewMut)
    }
}

/// A type parameter for the storage of a matrix, and the matrix it stores.
pub(super) struct StorageParameter {
    pub(super) ident: Ident,
    pub(super) matrix: TokenStream,
}

/// The arguments `T, R, C` of a bound `Storage<T, R, C>`.
pub(super) fn storage_bound(bound: &TypeParamBound) -> Option<TokenStream> {
    let TypeParamBound::Trait(bound) = bound else { return None };
    let segment = bound.path.segments.last()?;
    if !["Storage", "StorageMut", "RawStorage", "RawStorageMut"]
        .contains(&segment.ident.to_string().as_str())
    {
        return None;
    }
    let PathArguments::AngleBracketed(arguments) = &segment.arguments else { return None };
    let arguments = &arguments.args;
    Some(if arguments.len() == 2 {
        quote!(#arguments, __difrules::__private::nalgebra::U1)
    } else {
        quote!(#arguments)
    })
}

/// The type of an argument, as the source writes it.
pub(super) fn shown(input: &FnArg) -> String {
    match input {
        FnArg::Typed(input) => pretty::text(&input.ty),
        FnArg::Receiver(_) => String::new(),
    }
}

/// How the types of `impl Trait` arguments are called.
pub(super) const OPAQUE: &str = "__Constant";

/// Names the types of `impl Trait` arguments, which the rules have to name.
pub(super) fn name_opaque_arguments(
    item: &mut ItemFn,
    options: &Options,
    errors: &Errors,
) -> Option<()> {
    let mut all = Some(());
    let mut named = Vec::new();
    for input in &mut item.sig.inputs {
        let FnArg::Typed(input) = input else { continue };
        let constant =
            matches!(&*input.pat, Pat::Ident(name) if options.constant.contains(&name.ident));
        let place = match &mut *input.ty {
            Type::Reference(reference) => &mut reference.elem,
            _ => &mut input.ty,
        };
        let Type::ImplTrait(opaque) = &**place else { continue };
        if !constant {
            // Where the constants cannot be read, it may be one.
            if !options.is_unread(&["constant"]) {
                errors.say(
                    opaque.span(),
                    "write the argument's type out: the modes know it by its type; only a constant, \
                     named in `constant(..)`, can be `impl Trait`",
                );
            }
            all = None;
            continue;
        }
        let has = |wanted: &str| {
            opaque.bounds.iter().any(|bound| match bound {
                TypeParamBound::Lifetime(lifetime) => lifetime.ident == wanted,
                other => bound_name(other).is_some_and(|name| name == wanted || name == "Copy"),
            })
        };
        if !has("Clone") || !has("static") {
            errors.say(opaque.span(), "a mode keeps a copy of a constant: add `+ Clone + 'static`");
        }
        let ident = quote::format_ident!("{OPAQUE}{}", named.len());
        let bounds = &opaque.bounds;
        let parameter: GenericParam = syn::parse_quote!(#ident: #bounds);
        named.push(parameter);
        **place = syn::parse_quote!(#ident);
    }
    item.sig.generics.params.extend(named);
    all
}

/// The name of an argument and what it is written as.
pub(super) fn named_argument(input: &FnArg) -> Result<(Ident, Type)> {
    let FnArg::Typed(input) = input else {
        return Err(Error::new(
            input.span(),
            "a primitive takes no `self`: write a function of the structure, `model: &Model<T>`, with \
             `#[derive(Differentiable)]` on it or `constant(model)`",
        ));
    };
    if let Some(condition) = input.attrs.iter().find(|a| a.path().is_ident("cfg")) {
        return Err(Error::new(
            condition.span(),
            "a primitive has the same arguments always: write two functions, each with a `#[cfg(..)]`",
        ));
    }
    match &*input.pat {
        Pat::Ident(pattern) if pattern.by_ref.is_none() && pattern.subpat.is_none() => {
            Ok((pattern.ident.clone(), (*input.ty).clone()))
        }
        other => Err(Error::new(
            other.span(),
            "give the argument a name, and destructure it in the body",
        )),
    }
}

pub(super) fn argument(
    (ident, written): (Ident, Type),
    shown: String,
    scalar: &ScalarParameter,
    storages: &[StorageParameter],
    options: &Options,
) -> Result<Argument> {
    let (inner, reference) = match &written {
        Type::Reference(reference) => {
            ((*reference.elem).clone(), Some(reference.mutability.is_some()))
        }
        _ => (written.clone(), None),
    };
    // Where the constants cannot be read, what is not made of the scalar is one.
    let constant = options.constant.contains(&ident)
        || options.is_unread(&["constant"])
            && !scalar.mentioned_in(&inner)
            && !storages.iter().any(|s| mentions(&inner, &s.ident));
    let viewed = view_name(&inner).filter(|_| !constant).map(|name| name.contains("ViewMut"));
    if let (Some(_), Some(_)) = (viewed, reference) {
        return Err(Error::new(
            written.span(),
            "a view is passed by value, `DMatrixView<'_, T>`, or as a matrix of any storage: \
             `&Matrix<T, R, C, S>` with `S: Storage<T, R, C>`, or `&mut` with `StorageMut`",
        ));
    }
    if viewed.is_none() && has_lifetime(&inner, is_parameter) {
        return Err(Error::new(
            written.span(),
            format!(
                "a mode keeps a copy of `{ident}`, so it must own what it holds: take a reference to an \
                 owned value"
            ),
        ));
    }
    if constant && matches!(scalar, ScalarParameter::Generic { .. }) && scalar.mentioned_in(&inner)
    {
        return Err(Error::new(
            written.span(),
            format!(
                "`{ident}` is made of the scalar, so it is not a constant; write `f64` for its numbers"
            ),
        ));
    }
    if constant && reference == Some(true) {
        return Err(Error::new(
            written.span(),
            format!(
                "`{ident}` is overwritten, so it is not a constant: take it out of `constant(..)`"
            ),
        ));
    }
    if !constant
        && !scalar.mentioned_in(&inner)
        && !storages.iter().any(|s| mentions(&inner, &s.ident))
    {
        return Err(Error::new(
            written.span(),
            format!("`{ident}` has no derivative: add `constant({ident})` to the attribute"),
        ));
    }
    let storage = storages.iter().find(|storage| mentions(&inner, &storage.ident));
    if let Some(mutable) = viewed {
        let of = with_lifetimes(&inner, "'static");
        let value = syn::parse2(quote!(<#of as __difrules::contract::passing::Viewed>::Matrix))?;
        let form = if mutable { Form::ViewMut } else { Form::View };
        return Ok(Argument { ident, written, shown, form, value });
    }
    if let (Type::Slice(slice), false, Some(mutable)) = (&inner, constant, reference) {
        let of = &slice.elem;
        let value = syn::parse2(quote!(__difrules::__private::std::vec::Vec<#of>))?;
        let form = if mutable { Form::SliceMut } else { Form::Slice };
        return Ok(Argument { ident, written, shown, form, value });
    }
    let (form, value) = match (constant, reference, storage) {
        (false, Some(mutable), Some(storage)) => {
            let matrix = &storage.matrix;
            let owned = syn::parse2(quote!(__difrules::__private::nalgebra::OMatrix<#matrix>))?;
            (if mutable { Form::StorageMut } else { Form::Storage }, owned)
        }
        (_, _, Some(_)) => {
            return Err(Error::new(
                written.span(),
                "a matrix of any storage is taken by reference: `&Matrix<T, R, C, S>`",
            ));
        }
        (true, None, None) => (Form::Constant, inner),
        (true, Some(_), None) => (Form::ConstantReference, inner),
        (false, None, None) => (Form::Value, inner),
        (false, Some(false), None) => (Form::Reference, inner),
        (false, Some(true), None) => (Form::Mutable, inner),
    };
    Ok(Argument { ident, written, shown, form, value })
}
