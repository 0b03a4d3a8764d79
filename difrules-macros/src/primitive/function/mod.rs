//! What the attribute finds out about the function it stands on.

use proc_macro2::{TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::punctuated::Punctuated;
use syn::spanned::Spanned;
use syn::visit_mut::{self, VisitMut};
use syn::{
    Error, FnArg, GenericArgument, GenericParam, Ident, ItemFn, Pat, PathArguments, Result,
    ReturnType, Type, TypeParamBound, WherePredicate,
};

use crate::errors::Errors;
use crate::primitive::options::Options;
use crate::tokens::pretty;

/// The scalar of a function.
pub(crate) enum ScalarParameter {
    /// `T: Real` or `T: Scalar`.
    Generic { ident: Ident, complex: bool },
    /// A plain function of `f64`s or `f32`s.
    Plain(Ident),
}

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

/// What the function returns.
pub(crate) struct Output {
    /// The whole type as written.
    pub(crate) written: Type,
    /// The type on success; none for `()`.
    pub(crate) value: Option<Type>,
    /// How it says that there is no value.
    pub(crate) failing: Failing,
}

/// How a function says that it has no value.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Failing {
    Never,
    /// By a `Result`.
    Error,
    /// By an `Option`.
    Nothing,
}

/// The function, understood.
pub(crate) struct Function {
    pub(crate) item: ItemFn,
    pub(crate) scalar: ScalarParameter,
    /// Type and const parameters that are neither the scalar nor a storage.
    pub(crate) parameters: Vec<GenericParam>,
    /// Parameters of all rules: the function's without its storages.
    pub(crate) rule_parameters: Vec<GenericParam>,
    /// Conditions about the scalar alone, or on nothing of the function's storages.
    pub(crate) rule_conditions: Vec<WherePredicate>,
    /// Conditions that do not mention the scalar.
    pub(crate) conditions: Vec<WherePredicate>,
    pub(crate) arguments: Vec<Argument>,
    pub(crate) output: Output,
}

/// A type parameter for the storage of a matrix, and the matrix it stores.
struct StorageParameter {
    ident: Ident,
    matrix: TokenStream,
}

impl Function {
    /// Nothing where it is not understood.
    pub(crate) fn new(mut item: ItemFn, options: &Options, errors: &Errors) -> Option<Self> {
        let shown: Vec<_> = item.sig.inputs.iter().map(shown).collect();
        let named_types = name_opaque_arguments(&mut item, options, errors);
        let signature = &item.sig;
        if let Some(token) = &signature.asyncness {
            errors.say(token.span(), "a primitive is not `async`: its rules need the value");
        }
        if let Some(token) = &signature.constness {
            errors.say(token.span(), "a primitive is not `const`: it looks at the mode first");
        }
        if !matches!(signature.safety, syn::Safety::Default) {
            errors.say(
                signature.safety.span(),
                "a primitive is a safe function: put the unsafe call into the body of a safe one",
            );
        }
        if let Some(variadic) = &signature.variadic {
            errors.say(variadic.span(), "a primitive has a fixed number of arguments");
        }
        let named: Vec<_> =
            signature.inputs.iter().map(|input| errors.keep(named_argument(input))).collect();
        // Without it nothing is known of the others.
        let scalar = scalar_parameter(&item, errors)?;
        let mut parameters = Vec::new();
        let mut rule_parameters = Vec::new();
        let mut storages: Vec<StorageParameter> = Vec::new();
        let mut declared = signature.generics.params.clone();
        for parameter in &mut declared {
            if let GenericParam::Type(parameter) = parameter {
                drop_lifetimes(&mut parameter.bounds);
            }
        }
        for parameter in &declared {
            match parameter {
                // An owned value has no lifetimes, and a rule's own are elided.
                GenericParam::Lifetime(_) => {}
                GenericParam::Type(parameter) if scalar.is(&parameter.ident) => {
                    rule_parameters.push(GenericParam::Type(parameter.clone()));
                }
                GenericParam::Type(parameter) => {
                    let bounds = bounds_of(&item, &parameter.ident);
                    match bounds.iter().find_map(storage_bound) {
                        Some(matrix) => storages
                            .push(StorageParameter { ident: parameter.ident.clone(), matrix }),
                        None => {
                            parameters.push(GenericParam::Type(parameter.clone()));
                            rule_parameters.push(GenericParam::Type(parameter.clone()));
                        }
                    }
                }
                GenericParam::Const(parameter) => {
                    parameters.push(GenericParam::Const(parameter.clone()));
                    rule_parameters.push(GenericParam::Const(parameter.clone()));
                }
            }
        }
        let mut conditions = Vec::new();
        let mut rule_conditions = Vec::new();
        for predicate in
            signature.generics.where_clause.iter().flat_map(|clause| &clause.predicates)
        {
            if storages.iter().any(|storage| mentions(predicate, &storage.ident)) {
                continue;
            }
            let mut predicate = predicate.clone();
            if let WherePredicate::Type(predicate) = &mut predicate {
                drop_lifetimes(&mut predicate.bounds);
            }
            if has_lifetime(&predicate, is_parameter) {
                continue;
            }
            if !scalar.mentioned_in(&predicate) {
                conditions.push(predicate.clone());
            }
            rule_conditions.push(predicate);
        }
        let arguments = named.into_iter().zip(shown).map(|(named, shown)| {
            errors.keep(argument(named?, shown, &scalar, &storages, options))
        });
        let arguments: Vec<_> = arguments.collect();
        let output = errors.keep(output(&signature.output, &scalar));
        let arguments: Vec<_> = arguments.into_iter().collect::<Option<_>>()?;
        let output = output?;
        named_types?;
        Some(Self {
            scalar,
            parameters,
            rule_parameters,
            rule_conditions,
            conditions,
            arguments,
            output,
            item,
        })
    }

    pub(crate) fn ident(&self) -> &Ident {
        &self.item.sig.ident
    }

    pub(crate) fn is_plain(&self) -> bool {
        matches!(self.scalar, ScalarParameter::Plain(_))
    }

    /// Whether the scalar may be complex.
    pub(crate) fn is_complex(&self) -> bool {
        matches!(self.scalar, ScalarParameter::Generic { complex: true, .. })
    }

    /// The type with the scalar replaced by `scalar`, and its real type by `real`.
    pub(crate) fn substitute(
        &self,
        written: &Type,
        scalar: &TokenStream,
        real: &TokenStream,
    ) -> Type {
        let ident = match &self.scalar {
            ScalarParameter::Generic { ident, .. } | ScalarParameter::Plain(ident) => ident,
        };
        substituted(written, ident, scalar, real)
    }

    /// Whether the parameter is a dimension, which can be dynamic.
    pub(crate) fn is_dimension(&self, parameter: &GenericParam) -> bool {
        let GenericParam::Type(parameter) = parameter else { return false };
        let names = bounds_of(&self.item, &parameter.ident);
        names.iter().filter_map(bound_name).any(|name| name.starts_with("Dim"))
    }

    /// Whether this is the parameter that stands for the scalar.
    pub(crate) fn is_scalar_parameter(&self, ident: &Ident) -> bool {
        self.scalar.is(ident)
    }

    /// Whether the type is the scalar itself.
    pub(crate) fn is_scalar(&self, written: &Type) -> bool {
        matches!(written, Type::Path(path) if path.path.get_ident().is_some_and(|ident| self.scalar.is(ident)))
    }
}

impl ScalarParameter {
    fn is(&self, other: &Ident) -> bool {
        match self {
            Self::Generic { ident, .. } | Self::Plain(ident) => ident == other,
        }
    }

    fn mentioned_in(&self, tokens: &impl ToTokens) -> bool {
        match self {
            Self::Generic { ident, .. } | Self::Plain(ident) => mentions(tokens, ident),
        }
    }
}

/// Replaces a type parameter wherever it stands in a type.
struct Substitution<'a> {
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
fn bounds_of(item: &ItemFn, ident: &Ident) -> Vec<TypeParamBound> {
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

/// The arguments `T, R, C` of a bound `Storage<T, R, C>`.
fn storage_bound(bound: &TypeParamBound) -> Option<TokenStream> {
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

fn scalar_parameter(item: &ItemFn, errors: &Errors) -> Option<ScalarParameter> {
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

/// The type of an argument, as the source writes it.
fn shown(input: &FnArg) -> String {
    match input {
        FnArg::Typed(input) => pretty::text(&input.ty),
        FnArg::Receiver(_) => String::new(),
    }
}

/// How the types of `impl Trait` arguments are called.
const OPAQUE: &str = "__Constant";

/// Names the types of `impl Trait` arguments, which the rules have to name.
fn name_opaque_arguments(item: &mut ItemFn, options: &Options, errors: &Errors) -> Option<()> {
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

/// Whether a lifetime is one of the function's parameters, or elided.
fn is_parameter(lifetime: &str) -> bool {
    lifetime != "static"
}

/// Leaves out the bounds by lifetimes that the rules do not have.
fn drop_lifetimes(bounds: &mut Punctuated<TypeParamBound, syn::Token![+]>) {
    let all = std::mem::take(bounds);
    bounds.extend(all.into_iter().filter(|bound| !has_lifetime(bound, is_parameter)));
}

/// Whether a lifetime of this kind stands anywhere in the tokens.
fn has_lifetime(tokens: &impl ToTokens, kind: impl Fn(&str) -> bool + Copy) -> bool {
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
struct Lifetimes(&'static str);

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
fn view_name(written: &Type) -> Option<String> {
    let Type::Path(path) = written else { return None };
    let name = path.path.segments.last()?.ident.to_string();
    (name.contains("MatrixView") || name.contains("VectorView")).then_some(name)
}

/// The name of an argument and what it is written as.
fn named_argument(input: &FnArg) -> Result<(Ident, Type)> {
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
        other => Err(Error::new(other.span(), "name the argument, and take it apart in the body")),
    }
}

fn argument(
    (ident, written): (Ident, Type),
    shown: String,
    scalar: &ScalarParameter,
    storages: &[StorageParameter],
    options: &Options,
) -> Result<Argument> {
    let constant = options.constant.contains(&ident);
    let (inner, reference) = match &written {
        Type::Reference(reference) => {
            ((*reference.elem).clone(), Some(reference.mutability.is_some()))
        }
        _ => (written.clone(), None),
    };
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
                "a mode keeps a copy of `{ident}`, so it owns what it holds: take a reference to an \
                 owned value"
            ),
        ));
    }
    if constant && matches!(scalar, ScalarParameter::Generic { .. }) && scalar.mentioned_in(&inner)
    {
        return Err(Error::new(
            written.span(),
            format!(
                "`{ident}` is made of the scalar, so it is no constant; write `f64` for its numbers"
            ),
        ));
    }
    if constant && reference == Some(true) {
        return Err(Error::new(
            written.span(),
            format!(
                "`{ident}` is overwritten, so it is no constant: take it out of `constant(..)`"
            ),
        ));
    }
    if !constant
        && !options.is_unread(&["constant"])
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
        let value = syn::parse2(quote!(<#of as __difrules::passing::Viewed>::Matrix))?;
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

fn output(output: &ReturnType, scalar: &ScalarParameter) -> Result<Output> {
    let written = match output {
        ReturnType::Default => syn::parse_quote!(()),
        ReturnType::Type(_, written) => (**written).clone(),
    };
    if let Type::Reference(_) = &written {
        return Err(Error::new(written.span(), "a primitive returns a value, not a reference"));
    }
    if has_lifetime(&written, is_parameter) {
        return Err(Error::new(
            written.span(),
            "a primitive returns what owns its numbers: an owned matrix, not a view",
        ));
    }
    if let Type::ImplTrait(_) = &written {
        return Err(Error::new(
            written.span(),
            "write the result's type out: the modes know it by its type",
        ));
    }
    let is_unit = |written: &Type| matches!(written, Type::Tuple(tuple) if tuple.elems.is_empty());
    if let Type::Path(path) = &written
        && let Some(segment) = path.path.segments.last().filter(|s| s.ident == "Result")
    {
        if let PathArguments::AngleBracketed(arguments) = &segment.arguments
            && let Some(GenericArgument::Type(success)) = arguments.args.first()
        {
            let mut others = arguments.args.iter().skip(1);
            let generic = matches!(scalar, ScalarParameter::Generic { .. });
            if let Some(error) = others.find(|error| generic && scalar.mentioned_in(error)) {
                return Err(Error::new(
                    error.span(),
                    "an error passes through every mode unchanged, so its type is free of the scalar",
                ));
            }
            let value = (!is_unit(success)).then(|| success.clone());
            return Ok(Output { value, failing: Failing::Error, written });
        }
        return Err(Error::new(written.span(), "write the result's type out: `Result<Y, Error>`"));
    }
    if let Type::Path(path) = &written
        && let Some(segment) = path.path.segments.last().filter(|s| s.ident == "Option")
        && let PathArguments::AngleBracketed(arguments) = &segment.arguments
        && let Some(GenericArgument::Type(success)) = arguments.args.first()
    {
        let value = (!is_unit(success)).then(|| success.clone());
        return Ok(Output { value, failing: Failing::Nothing, written });
    }
    let value = (!is_unit(&written)).then(|| written.clone());
    Ok(Output { value, failing: Failing::Never, written })
}
