//! The rules: their parameters, the functions they become, and how a mode calls those.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, format_ident, quote_spanned};
use syn::spanned::Spanned;
use syn::visit_mut::VisitMut;
use syn::{
    Block, Error, Expr, ExprClosure, ExprReturn, ExprTry, Ident, Lit, Pat, Path, Result, Stmt,
    Type, parse_quote,
};

use super::{Expansion, parameter_ident, parameter_name};
use crate::primitive::function::{Form, ScalarParameter};
use crate::primitive::options::{Partial, Read, Rule, Text};
use crate::tokens::hygiene::quote;

/// A value that a rule takes, in the order of the rule's parameters.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Parameter {
    /// An argument; a `&mut` one as it was before the call.
    Before(usize),
    /// What the call returned.
    Output,
    /// A `&mut` argument as the call left it.
    After(usize),
    Saved,
    Tangent(usize),
    OutputCotangent,
    Slot(usize),
}

impl Parameter {
    /// Whether it is an argument as it was before the call.
    pub(super) fn is_before(self) -> bool {
        matches!(self, Self::Before(_))
    }
}

/// Where the parameters of a rule's function come from.
#[derive(Clone, Copy)]
pub(super) enum Place<'a> {
    /// An evaluation, for a partial derivative.
    Evaluation,
    /// An evaluation that is lent, and tangents, for a forward rule: cast to those at this scalar.
    Lent(Option<&'a Type>),
    /// A residual, for a reverse rule.
    Residual,
}

/// A rule with its parameters.
pub(super) struct RuleText {
    pub(super) parameters: Vec<Parameter>,
    pub(super) body: Body,
}

pub(super) enum Body {
    Path(Path),
    Closure(ExprClosure),
    /// A reverse closure that returns its contributions in place of adding to slots.
    Returning(ExprClosure),
    /// Made from the partial derivatives.
    Partials,
}

impl Expansion<'_> {
    /// The numbers of the differentiable arguments.
    pub(in crate::primitive) fn differentiable(&self) -> impl Iterator<Item = usize> + '_ {
        let arguments = self.function.arguments.iter().enumerate();
        arguments.filter(|(_, argument)| !argument.is_constant()).map(|(i, _)| i)
    }

    /// The numbers of the `&mut` arguments.
    pub(super) fn in_place(&self) -> impl Iterator<Item = usize> + '_ {
        let arguments = self.function.arguments.iter().enumerate();
        arguments.filter(|(_, argument)| argument.is_in_place()).map(|(i, _)| i)
    }

    /// All values that a rule can read.
    pub(super) fn values(&self) -> Vec<Parameter> {
        let before = (0..self.function.arguments.len()).map(Parameter::Before);
        let output = self.function.output.value.as_ref().map(|_| Parameter::Output);
        before.chain(output).chain(self.in_place().map(Parameter::After)).collect()
    }

    /// What a partial derivative can read: the arguments, the result, and what is saved.
    pub(super) fn partial_values(&self) -> Vec<Parameter> {
        let saved = self.options.saves.as_ref().map(|_| Parameter::Saved);
        self.values().into_iter().chain(saved).collect()
    }

    pub(super) fn tangents(&self) -> Vec<Parameter> {
        self.differentiable().map(Parameter::Tangent).collect()
    }

    pub(super) fn cotangents(&self) -> Vec<Parameter> {
        let output = self.function.output.value.as_ref().map(|_| Parameter::OutputCotangent);
        output.into_iter().chain(self.differentiable().map(Parameter::Slot)).collect()
    }

    pub(super) fn rule(&self, rule: &Rule, text: Text) -> Result<RuleText> {
        let saved = self.options.saves.as_ref().map(|_| Parameter::Saved);
        let last = match text {
            Text::Forward => self.tangents(),
            _ => self.cotangents(),
        };
        match rule {
            Rule::Path(path) => {
                let values = match &self.options.reads {
                    Some(reads) => reads.values.iter().filter_map(|read| self.read(read)).collect(),
                    None => self.values(),
                };
                let parameters = values.into_iter().chain(saved).chain(last).collect();
                Ok(RuleText { parameters, body: Body::Path(path.clone()) })
            }
            Rule::Closure(closure) => {
                let values = self.values().into_iter().chain(saved);
                let all: Vec<_> = values.chain(last).collect();
                let slots = all.iter().filter(|p| matches!(p, Parameter::Slot(_))).count();
                let given = closure.inputs.len();
                let returning = text == Text::Reverse
                    && self.in_place().next().is_none()
                    && given == all.len() - slots;
                // Where these are not read, it is not known what the rule takes.
                let known = !self.options.is_unread(&["saves", "constant"]);
                if given != all.len() && !returning && known {
                    let names: Vec<_> = all.iter().map(|p| self.parameter_name(*p)).collect();
                    return Err(Error::new(
                        closure.span(),
                        format!(
                            "this rule takes {} parameters: {}; here are {given}",
                            all.len(),
                            names.join(", "),
                        ),
                    ));
                }
                let body = if returning {
                    Body::Returning(closure.clone())
                } else {
                    Body::Closure(closure.clone())
                };
                Ok(RuleText { parameters: all, body })
            }
        }
    }

    /// The value that a key names; nothing where there is none, which is an error of its own.
    fn read(&self, read: &Read) -> Option<Parameter> {
        let position = |name: &Ident| self.function.arguments.iter().position(|a| a.ident == *name);
        match read {
            Read::Argument(name) => position(name).map(Parameter::Before),
            Read::After(name) => position(name).map(Parameter::After),
            Read::Output(_) => Some(Parameter::Output),
        }
    }

    pub(super) fn parameter_name(&self, parameter: Parameter) -> String {
        let name = |i: usize| self.function.arguments[i].ident.to_string();
        match parameter {
            Parameter::Before(i) => name(i),
            Parameter::Output => "the result".into(),
            Parameter::After(i) => format!("{} after the call", name(i)),
            Parameter::Saved => "the saved value".into(),
            Parameter::Tangent(i) => format!("the tangent of {}", name(i)),
            Parameter::OutputCotangent => "the cotangent of the result".into(),
            Parameter::Slot(i) => format!("the adjoint slot of {}", name(i)),
        }
    }

    /// The type of a parameter of a rule, written in the function's own parameters.
    pub(super) fn parameter_type(&self, parameter: Parameter) -> TokenStream {
        let value = |i: usize| &self.function.arguments[i].value;
        let output = self.output_type();
        match parameter {
            Parameter::Before(i) | Parameter::Tangent(i) => {
                let value = value(i);
                let element = quote!(<#value as __difrules::__private::List>::Element);
                match (self.function.arguments[i].form, parameter) {
                    (_, Parameter::Tangent(_)) if self.is_optional(i) => {
                        quote!(__difrules::__private::core::option::Option<&#value>)
                    }
                    (Form::Constant, _) => quote!(#value),
                    (Form::Value, _) => {
                        quote!(<#value as __difrules::Differentiable>::Ref<'_>)
                    }
                    (Form::SliceMut, Parameter::Tangent(_)) => quote!(&mut [#element]),
                    (_, Parameter::Tangent(_)) if self.function.arguments[i].is_in_place() => {
                        quote!(&mut #value)
                    }
                    (Form::Slice | Form::SliceMut, _) => quote!(&[#element]),
                    _ => quote!(&#value),
                }
            }
            Parameter::Output => quote!(<#output as __difrules::Differentiable>::Ref<'_>),
            Parameter::After(i) => {
                let value = value(i);
                quote!(&#value)
            }
            Parameter::Saved => {
                let saved = &self.options.saves.as_ref().expect("a saved value").saved;
                quote!(&#saved)
            }
            Parameter::OutputCotangent => quote!(__difrules::Cotangent<'_, #output>),
            Parameter::Slot(i) => {
                let value = value(i);
                if self.function.arguments[i].is_in_place() {
                    quote!(__difrules::Adjoint<'_, #value>)
                } else {
                    quote!(__difrules::Slot<'_, #value>)
                }
            }
        }
    }

    /// A rule as a function of the empty type, generic like the primitive.
    pub(super) fn rule_function(&self, name: &str, doc: &str, rule: &RuleText) -> TokenStream {
        let visibility = &self.function.item.vis;
        let name = Ident::new(name, Span::call_site());
        let parameters = &self.function.rule_parameters;
        let conditions = &self.function.rule_conditions;
        let read: Vec<_> = self.read_by(rule);
        let types = read.iter().map(|(parameter, _)| self.parameter_type(*parameter));
        let reverse = rule.parameters.iter().any(|p| matches!(p, Parameter::Slot(_)));
        let output = if reverse { quote!(()) } else { self.output_type().into_token_stream() };
        let patterns: Vec<_> = read
            .iter()
            .enumerate()
            .map(|(i, (_, pattern))| match pattern {
                Some(pattern) => untyped(pattern).into_token_stream(),
                None => local("__p", i).into_token_stream(),
            })
            .collect();
        let body = match &rule.body {
            Body::Path(path) => {
                let call = quote_spanned!(path.span()=> #path(#(#patterns),*));
                if reverse || self.function.output.value.is_some() {
                    call
                } else {
                    quote!(#call; [])
                }
            }
            Body::Closure(closure) => {
                let body = &closure.body;
                if reverse || self.function.output.value.is_some() {
                    if reverse { quote!(#body;) } else { quote!(#body) }
                } else {
                    quote!(#body; [])
                }
            }
            Body::Returning(closure) => {
                let body = &closure.body;
                let slots: Vec<_> = read
                    .iter()
                    .zip(&patterns)
                    .filter_map(|((p, _), pattern)| match p {
                        Parameter::Slot(i) => Some((*i, pattern)),
                        _ => None,
                    })
                    .collect();
                let values: Vec<_> =
                    slots.iter().map(|(i, _)| &self.function.arguments[*i].value).collect();
                let slots = slots.iter().map(|(_, slot)| slot);
                let contributions: Vec<_> =
                    (0..values.len()).map(|i| local("__contribution", i)).collect();
                if values.len() == 1 {
                    // A function of its own, so that the rule can return early.
                    quote!(#(let __contribution0: #values = (|| -> #values { #body })(); #slots.add(|| __contribution0);)*)
                } else {
                    quote! {
                        let (#(#contributions),*): (#(#values),*) = (|| -> (#(#values),*) { #body })();
                        #(#slots.add(|| #contributions);)*
                    }
                }
            }
            Body::Partials => self.rule_of_partials(reverse, &patterns),
        };
        quote! {
            #[doc = #doc]
            #[allow(unused_braces, unused_parens, clippy::all, clippy::pedantic)]
            #visibility fn #name<#(#parameters),*>(#(#patterns: #types),*) -> #output
            where #(#conditions),*
            {
                #body
            }
        }
    }

    /// The forward or reverse rule that the partial derivatives make: sums of `partial * tangent`
    /// where the tangent is not zero, and `conj(partial) * cotangent`.
    pub(super) fn rule_of_partials(&self, reverse: bool, patterns: &[TokenStream]) -> TokenStream {
        let values = self.partial_values();
        // A constant that is passed by value is needed by each partial derivative.
        let arguments = values.iter().zip(patterns).map(|(parameter, pattern)| match *parameter {
            Parameter::Before(i) if self.function.arguments[i].form == Form::Constant => {
                quote!(__difrules::__private::core::clone::Clone::clone(&#pattern))
            }
            _ => pattern.clone(),
        });
        let parameters = self.function.rule_parameters.iter().map(parameter_name);
        let parameters =
            if self.function.is_plain() { quote!() } else { quote!(::<#(#parameters),*>) };
        let arguments = quote!(#(#arguments),*);
        let ident = self.function.ident();
        let partials = (0..self.options.partial.len()).map(|k| {
            let name = format_ident!("partial_{k}");
            quote!(#ident::#name #parameters (#arguments))
        });
        // A partial derivative that is zero where the argument does not matter is strong too.
        let on = (0..self.options.partial.len()).map(|k| match self.off(k) {
            Some(_) => {
                let name = format_ident!("off_{k}");
                quote! {
                    !__difrules::__private::is_constant_zero(&partial)
                        || !#ident::#name #parameters (#arguments)
                }
            }
            None => quote!(true),
        });
        if reverse {
            let cotangent = &patterns[values.len()];
            let slots = &patterns[values.len() + 1..];
            quote! {
                // Zero is strong: it contributes nothing, whatever the partial.
                if !__difrules::__private::is_constant_zero(&#cotangent) {#(
                    if #slots.is_wanted() {
                        let partial = #partials;
                        if #on {
                            #slots.add(|| {
                                __difrules::__private::along(
                                    __difrules::__private::conjugate(partial),
                                    #cotangent,
                                )
                            });
                        }
                    }
                )*}
            }
        } else {
            let tangents = &patterns[values.len()..];
            quote! {
                let mut __sum = __difrules::__private::zero();
                #(if !__difrules::__private::is_constant_zero(&#tangents) {
                    let partial = #partials;
                    if #on {
                        __sum += __difrules::__private::along(partial, #tangents);
                    }
                })*
                __sum
            }
        }
    }

    pub(super) fn partial_functions(&self) -> TokenStream {
        let parameters = &self.function.rule_parameters;
        let conditions = &self.function.rule_conditions;
        let types: Vec<_> = self.partial_values().iter().map(|p| self.parameter_type(*p)).collect();
        let output = self.output_type();
        let argument: Vec<_> = self.differentiable().collect();
        let functions = self.options.partial.iter().enumerate().map(|(k, partial)| {
            let name = format_ident!("partial_{k}");
            let closure = match partial {
                Partial::Closure(closure) => closure,
                Partial::Unknown(_) => {
                    let (ident, argument) = (self.function.ident(), argument[k]);
                    let marker = self.marker_arguments(&quote!(f64));
                    return quote! {
                        #[allow(clippy::all, clippy::pedantic)]
                        #[cold]
                        fn #name<#(#parameters),*>(#(_: #types),*) -> #output
                        where #(#conditions),*
                        {
                            __difrules::__private::unknown_partial(
                                <#ident #marker as __difrules::Primitive>::record(),
                                #argument,
                            )
                        }
                    };
                }
            };
            let general = |name: &Ident, closure: &ExprClosure| {
                let (patterns, body) = (patterns_of(closure, types.len()), &closure.body);
                let names: Vec<_> = (0..types.len()).map(|i| local("given", i)).collect();
                let result = &names[self.function.arguments.len()];
                quote! {
                    #[allow(unused_braces, unused_parens, clippy::all, clippy::pedantic)]
                    #[inline]
                    fn #name<#(#parameters),*>(#(#names: #types),*) -> #output
                    where #(#conditions),*
                    {
                        // What is undefined has no derivative.
                        if let __difrules::__private::core::option::Option::Some(undefined) =
                            __difrules::__private::undefined(#result)
                        {
                            return undefined;
                        }
                        let (#(#patterns,)*) = (#(#names,)*);
                        #body
                    }
                }
            };
            match self.options.complex.get(k) {
                Some(Partial::Closure(complex)) => {
                    let complex_name = format_ident!("complex_partial_{k}");
                    let complex = general(&complex_name, complex);
                    let by_kind = self.partial_by_kind(&name, &complex_name, closure, &types);
                    quote!(#complex #by_kind)
                }
                _ => general(&name, closure),
            }
        });
        quote!(#(#functions)*)
    }

    /// For each partial derivative whose text says in some branch that it is zero, the function that says
    /// whether it comes to such a branch.
    pub(super) fn off_functions(&self) -> TokenStream {
        let types: Vec<_> = self.partial_values().iter().map(|p| self.parameter_type(*p)).collect();
        let (parameters, conditions) =
            (&self.function.rule_parameters, &self.function.rule_conditions);
        let functions = self.options.partial.iter().enumerate().filter_map(|(k, partial)| {
            let body = self.off(k)?;
            let Partial::Closure(closure) = partial else { return None };
            let name = format_ident!("off_{k}");
            let patterns = patterns_of(closure, types.len());
            let attributes = quote! {
                #[allow(unused, unused_braces, unused_parens, clippy::all, clippy::pedantic)]
                #[cold]
            };
            let (ScalarParameter::Generic { ident: scalar, .. }, Some(Partial::Closure(_))) =
                (&self.function.scalar, self.options.complex.get(k))
            else {
                return Some(quote! {
                    #attributes
                    fn #name<#(#parameters),*>(#(#patterns: #types),*) -> bool
                    where #(#conditions),*
                    {
                        #body
                    }
                });
            };
            let real_name = format_ident!("real_{name}");
            let real_types = self.real_types(scalar, &types);
            let names: Vec<_> = (0..types.len()).map(|i| local("value", i)).collect();
            let real = self.real_values(&names);
            Some(quote! {
                #attributes
                fn #real_name<#scalar: __difrules::Real>(#(#patterns: #real_types),*) -> bool {
                    #body
                }

                #attributes
                fn #name<#scalar: __difrules::Scalar>(#(#names: #types),*) -> bool {
                    <<#scalar as __difrules::Scalar>::Kind as __difrules::Kind>::REAL
                        && Self::#real_name(#(#real),*)
                }
            })
        });
        quote!(#(#functions)*)
    }

    /// The text of a function that says whether the partial derivative comes to a branch that is zero.
    fn off(&self, partial: usize) -> Option<Expr> {
        match &self.options.partial[partial] {
            Partial::Closure(closure) => off(&closure.body),
            Partial::Unknown(_) => None,
        }
    }

    /// What [`Primitive::is_off`] says.
    pub(super) fn is_off(&self) -> TokenStream {
        let ident = self.function.ident();
        let read = self.partial_values();
        let values: Vec<_> =
            read.iter().map(|p| self.parameter_value(*p, Place::Evaluation)).collect();
        let generics = match self.function.is_plain() {
            true => quote!(),
            false => self.rule_arguments(&self.scalar_at(&quote!(__S))),
        };
        let arguments = self.differentiable().enumerate().take(self.options.partial.len());
        let arms: Vec<_> = arguments
            .filter(|(k, _)| self.off(*k).is_some())
            .map(|(k, argument)| {
                let name = format_ident!("off_{k}");
                quote!(#argument => #ident::#name #generics (#(#values),*),)
            })
            .collect();
        if arms.is_empty() {
            return quote!(false);
        }
        let cast = self.cast_of_evaluation();
        quote! {
            #cast
            match argument {
                #(#arms)*
                _ => false,
            }
        }
    }

    /// What a partial derivative reads, as real numbers.
    fn real_values(&self, values: &[impl ToTokens]) -> Vec<TokenStream> {
        let read = self.partial_values();
        let real = read.iter().zip(values).map(|(parameter, value)| match parameter {
            Parameter::Saved => quote!(&__difrules::__private::real(*#value)),
            Parameter::Before(i) if self.function.arguments[*i].is_constant() => quote!(#value),
            _ => quote!(__difrules::__private::real(#value)),
        });
        real.collect()
    }

    /// The types of what a partial derivative of real numbers reads, in the scalar's name.
    fn real_types(&self, scalar: &Ident, types: &[TokenStream]) -> Vec<TokenStream> {
        let values = self.partial_values();
        let real = values.iter().zip(types).map(|(parameter, written)| match parameter {
            Parameter::Saved => quote!(&#scalar),
            Parameter::Before(i) if self.function.arguments[*i].is_constant() => written.clone(),
            _ => quote!(#scalar),
        });
        real.collect()
    }

    /// A partial derivative that has one text for real numbers and another for complex ones. In the first
    /// the scalar's name stands for the real scalar.
    fn partial_by_kind(
        &self,
        name: &Ident,
        complex_name: &Ident,
        closure: &ExprClosure,
        types: &[TokenStream],
    ) -> TokenStream {
        let ScalarParameter::Generic { ident: scalar, .. } = &self.function.scalar else {
            return quote!();
        };
        let real_name = format_ident!("real_{name}");
        let values = self.partial_values();
        let real_types = self.real_types(scalar, types);
        let names: Vec<_> = (0..values.len()).map(|i| local("value", i)).collect();
        let real = self.real_values(&names);
        let (patterns, body) = (patterns_of(closure, types.len()), &closure.body);
        let result = &names[self.function.arguments.len()];
        quote! {
            #[allow(unused_braces, unused_parens, clippy::all, clippy::pedantic)]
            #[inline]
            fn #real_name<#scalar: __difrules::Real>(#(#patterns: #real_types),*) -> #scalar {
                #body
            }

            #[inline]
            fn #name<#scalar: __difrules::Scalar>(#(#names: #types),*) -> #scalar {
                if let __difrules::__private::core::option::Option::Some(undefined) =
                    __difrules::__private::undefined(#result)
                {
                    return undefined;
                }
                if <<#scalar as __difrules::Scalar>::Kind as __difrules::Kind>::REAL {
                    __difrules::__private::from_real(Self::#real_name(#(#real),*))
                } else {
                    Self::#complex_name(#(#names),*)
                }
            }
        }
    }

    /// The parameters that the rule's function has, with the closure's patterns: those that a
    /// closure ignores by `_` are left out.
    pub(super) fn read_by<'r>(&self, rule: &'r RuleText) -> Vec<(Parameter, Option<&'r Pat>)> {
        let closure = match &rule.body {
            Body::Closure(closure) | Body::Returning(closure) => closure,
            Body::Path(_) | Body::Partials => {
                return rule.parameters.iter().map(|p| (*p, None)).collect();
            }
        };
        let patterns = closure.inputs.iter().map(Some).chain(std::iter::repeat(None));
        rule.parameters
            .iter()
            .zip(patterns)
            .filter(|(parameter, pattern)| {
                let value = !matches!(
                    parameter,
                    Parameter::Tangent(_) | Parameter::Slot(_) | Parameter::OutputCotangent
                );
                !(value && pattern.is_some_and(|pattern| matches!(untyped(pattern), Pat::Wild(_))))
            })
            .map(|(parameter, pattern)| (*parameter, pattern))
            .collect()
    }

    pub(super) fn reads(&self, rule: Option<&RuleText>) -> Vec<Parameter> {
        rule.map_or(Vec::new(), |rule| {
            let read = self.read_by(rule).into_iter().map(|(parameter, _)| parameter);
            read.filter(|p| {
                matches!(
                    p,
                    Parameter::Before(_)
                        | Parameter::Output
                        | Parameter::After(_)
                        | Parameter::Saved
                )
            })
            .collect()
        })
    }

    /// The `&mut` arguments whose overwritten value a rule reads.
    pub(super) fn overwritten(&self) -> Vec<usize> {
        let forward = self.reads(self.forward.as_ref());
        let reverse = self.reads(self.reverse.as_ref());
        self.in_place()
            .filter(|&i| {
                forward.contains(&Parameter::Before(i)) || reverse.contains(&Parameter::Before(i))
            })
            .collect()
    }

    /// How a rule's function gets its parameters.
    pub(super) fn parameter_value(&self, parameter: Parameter, place: Place<'_>) -> TokenStream {
        let value = self.parameter_reference(parameter, place);
        let form = |i: usize| self.function.arguments[i].form;
        match parameter {
            Parameter::Before(i) | Parameter::Tangent(i) if form(i) == Form::Value => {
                quote!(__difrules::Differentiable::by_ref(#value))
            }
            Parameter::Before(i) if form(i) == Form::Constant => {
                quote!(__difrules::__private::core::clone::Clone::clone(#value))
            }
            Parameter::Output => quote!(__difrules::Differentiable::by_ref(#value)),
            _ => value,
        }
    }

    /// A reference to the parameter of a rule's function, for what is none already.
    fn parameter_reference(&self, parameter: Parameter, place: Place<'_>) -> TokenStream {
        let overwritten = self.overwritten();
        let index = |i: usize| syn::Index::from(i);
        let form = |i: usize| self.function.arguments[i].form;
        match (parameter, place) {
            (Parameter::OutputCotangent, _) => quote!(cotangent),
            (Parameter::Slot(i), _) if self.function.arguments[i].is_in_place() => {
                local("adjoint", i).into_token_stream()
            }
            (Parameter::Slot(i), _) => {
                let (n, i) = (i, index(i));
                quote!(__difrules::Slot::new(&shapes.0.#i, slots[#n].take()))
            }
            (_, Place::Residual) => {
                let reads = self.reads(self.reverse.as_ref());
                let kept = index(reads.iter().position(|read| *read == parameter).expect("kept"));
                match parameter {
                    Parameter::Before(i) if form(i) == Form::ConstantReference => {
                        quote!(__difrules::__private::core::borrow::Borrow::borrow(&residual.#kept))
                    }
                    Parameter::Before(i) if matches!(form(i), Form::Value | Form::Constant) => {
                        quote!(&residual.#kept)
                    }
                    Parameter::Saved => quote!(&residual.#kept),
                    _ => quote!(&*residual.#kept),
                }
            }
            (Parameter::Before(i), Place::Evaluation) => {
                let argument = index(i);
                match form(i) {
                    Form::ConstantReference => {
                        quote!(__difrules::__private::core::borrow::Borrow::borrow(&evaluation.inputs.#argument))
                    }
                    _ => quote!(&evaluation.inputs.#argument),
                }
            }
            (Parameter::Output, Place::Evaluation) => quote!(&evaluation.output),
            (_, Place::Evaluation) => quote!(&evaluation.saved),
            (Parameter::Before(i) | Parameter::After(i), Place::Lent(base)) => {
                let kept = overwritten.iter().position(|j| *j == i && parameter.is_before());
                let value = match kept {
                    Some(j) => {
                        let j = index(j);
                        quote!(&evaluation.overwritten.#j)
                    }
                    None => {
                        let argument = index(i);
                        quote!(&*evaluation.arguments.#argument)
                    }
                };
                match base.filter(|_| !self.function.arguments[i].is_constant()) {
                    Some(base) => self.cast_reference(&quote!(same_ref), i, base, &value),
                    None => value,
                }
            }
            (Parameter::Tangent(i), Place::Lent(base)) if self.is_optional(i) => {
                let tangent = index(i);
                match base {
                    Some(base) => {
                        let cast =
                            self.cast_reference(&quote!(same_ref), i, base, &quote!(tangent));
                        quote!(tangents.#tangent.get().map(|tangent| #cast))
                    }
                    None => quote!(tangents.#tangent.get()),
                }
            }
            (Parameter::Tangent(i), Place::Lent(base)) => {
                let tangent = index(i);
                let (cast, value) = if self.function.arguments[i].is_in_place() {
                    (quote!(same_mut), quote!(&mut *tangents.#tangent))
                } else {
                    (quote!(same_ref), quote!(&*tangents.#tangent))
                };
                match base {
                    Some(base) => self.cast_reference(&cast, i, base, &value),
                    None => value,
                }
            }
            (Parameter::Output, Place::Lent(Some(base))) => {
                let (primitive, real) = self.specialised(base);
                quote! {
                    __difrules::__private::same_ref::<
                        __difrules::Output<Self, __S>,
                        __difrules::Output<#primitive, #real>,
                    >(evaluation.output)
                }
            }
            (Parameter::Output, Place::Lent(None)) => quote!(evaluation.output),
            (Parameter::Saved, Place::Lent(Some(base))) => {
                let (primitive, real) = self.specialised(base);
                quote! {
                    __difrules::__private::same_ref::<
                        Self::Saved<__S>,
                        <#primitive as __difrules::Primitive>::Saved<#real>,
                    >(evaluation.saved)
                }
            }
            (Parameter::Saved, Place::Lent(None)) => quote!(evaluation.saved),
        }
    }

    /// Whether the forward rule takes the tangent of this argument as an `Option`.
    fn is_optional(&self, argument: usize) -> bool {
        self.options.optional.contains(&self.function.arguments[argument].ident)
    }

    /// A reference to an argument's value at `__S` as one at a base scalar, which is known to be the
    /// same.
    fn cast_reference(
        &self,
        cast: &TokenStream,
        argument: usize,
        base: &Type,
        value: &TokenStream,
    ) -> TokenStream {
        let written = &self.function.arguments[argument].value;
        let from = self.at(written, &quote!(__S));
        let real = quote!(<#base as __difrules::Scalar>::Real);
        let to = self.function.substitute(written, &quote!(#base), &real);
        quote!(__difrules::__private::#cast::<#from, #to>(#value))
    }

    /// The turbofish of a rule's function, at the real scalar `real`.
    pub(super) fn rule_arguments(&self, scalar: &TokenStream) -> TokenStream {
        let arguments =
            self.function.rule_parameters.iter().map(|parameter| match &self.function.scalar {
                ScalarParameter::Generic { ident, .. }
                    if parameter_ident(parameter) == Some(ident) =>
                {
                    scalar.clone()
                }
                _ => parameter_name(parameter),
            });
        quote!(::<#(#arguments),*>)
    }

    /// The kernels beside a rule: `(scalar, path)`.
    pub(super) fn kernels(&self, text: Text) -> impl Iterator<Item = (&Type, &Path)> {
        let kernels = self.options.kernels.iter().filter(move |kernel| kernel.text == text);
        kernels.map(|kernel| (&kernel.scalar, &kernel.path))
    }

    /// The type that implements `Primitive`, and the real scalar, for a base scalar.
    pub(super) fn specialised(&self, base: &Type) -> (TokenStream, TokenStream) {
        let ident = self.function.ident();
        let arguments = self.marker_arguments(&quote!(<#base as __difrules::Scalar>::Kind));
        (quote!(#ident #arguments), quote!(<#base as __difrules::Scalar>::Real))
    }

    pub(super) fn forward(&self) -> TokenStream {
        let ident = self.function.ident();
        let Some(rule) = &self.forward else {
            return quote!(__difrules::__private::missing_rule(
                __record(),
                __difrules::Mode::Forward
            ));
        };
        let read = self.read_by(rule);
        let values = |base: Option<&Type>| -> Vec<_> {
            let place = Place::Lent(base);
            read.iter().map(|(parameter, _)| self.parameter_value(*parameter, place)).collect()
        };
        let at = |base: &Type, call: TokenStream| {
            let (primitive, real) = self.specialised(base);
            quote! {
                return __difrules::__private::same::<
                    __difrules::Output<#primitive, #real>,
                    __difrules::Output<Self, __S>,
                >(#call);
            }
        };
        if let ScalarParameter::Plain(base) = &self.function.scalar {
            let base = syn::parse_quote!(#base);
            let values = values(Some(&base));
            return at(&base, quote!(#ident::forward(#(#values),*)));
        }
        let scalar = self.scalar_at(&quote!(__S));
        let kernels = self.kernels(Text::Forward).map(|(base, path)| {
            let values = values(Some(base));
            let call = quote_spanned!(path.span()=> #path(#(#values),*));
            let call =
                if self.function.output.value.is_some() { call } else { quote!({ #call; [] }) };
            let body = at(base, call);
            quote!(if __difrules::__private::is_same::<#scalar, #base>() { #body })
        });
        let values = values(None);
        let arguments = self.rule_arguments(&scalar);
        let unknown = self.unknown_to_rules().map(|i| {
            let argument = syn::Index::from(i);
            quote! {
                if !__difrules::__private::is_constant_zero(&*tangents.#argument) {
                    __difrules::__private::unknown_partial(__record(), #i);
                }
            }
        });
        quote! {
            #(#unknown)*
            #(#kernels)*
            #ident::forward #arguments(#(#values),*)
        }
    }

    pub(super) fn reverse(&self) -> TokenStream {
        let ident = self.function.ident();
        let Some(rule) = &self.reverse else {
            return quote!(__difrules::__private::missing_rule(
                __record(),
                __difrules::Mode::Reverse
            ));
        };
        let read: Vec<_> = self.read_by(rule).into_iter().map(|(parameter, _)| parameter).collect();
        let values: Vec<_> =
            read.iter().map(|p| self.parameter_value(*p, Place::Residual)).collect();
        let at = |base: &Type, call: TokenStream| {
            let (primitive, real) = self.specialised(base);
            let body = self.around_reverse(&primitive, &real, call, Some(base));
            quote! {
                let residual = __difrules::__private::same_ref::<
                    Self::Residual<__S>,
                    <#primitive as __difrules::Primitive>::Residual<#real>,
                >(residual);
                let shapes = __difrules::__private::same_ref::<
                    __difrules::Shapes<Self>,
                    __difrules::Shapes<#primitive>,
                >(shapes);
                let mut outputs = __difrules::__private::same_slice::<__S, #real>(outputs);
                let slots = &mut __difrules::__private::same_slots::<__S, #real>(slots);
                #body
                return;
            }
        };
        if let ScalarParameter::Plain(base) = &self.function.scalar {
            return at(&syn::parse_quote!(#base), quote!(#ident::reverse(#(#values),*)));
        }
        let scalar = self.scalar_at(&quote!(__S));
        let kernels = self.kernels(Text::Reverse).map(|(base, path)| {
            let call = quote_spanned!(path.span()=> #path(#(#values),*));
            let body = at(base, call);
            quote!(if __difrules::__private::is_same::<#scalar, #base>() { #body })
        });
        let arguments = self.rule_arguments(&scalar);
        let general = self.around_reverse(
            &quote!(Self),
            &quote!(__S),
            quote!(#ident::reverse #arguments(#(#values),*)),
            None,
        );
        let unknown = self.unknown_to_rules().map(|i| {
            quote! {
                if slots[#i].is_some() {
                    __difrules::__private::unknown_partial(__record(), #i);
                }
            }
        });
        quote! {
            #(#unknown)*
            #(#kernels)*
            #general
        }
    }

    /// The numbers that rules in code do not differentiate by, since nobody can; partials say so
    /// themselves.
    fn unknown_to_rules(&self) -> impl Iterator<Item = usize> {
        let unknown = if self.options.partial.is_empty() { self.unknown() } else { Vec::new() };
        unknown.into_iter()
    }

    /// The call of a reverse rule between taking the adjoints of the results (first of what the
    /// call returned, then of each `&mut` argument) and adding those of `&mut` arguments.
    pub(super) fn around_reverse(
        &self,
        primitive: &TokenStream,
        real: &TokenStream,
        call: TokenStream,
        base: Option<&Type>,
    ) -> TokenStream {
        let cotangent = self.function.output.value.as_ref().map(|_| {
            quote! {
                let cotangent = __difrules::__private::take_cotangent::<
                    __difrules::Output<#primitive, #real>,
                >(&shapes.1, &mut outputs);
            }
        });
        let value = |n: usize| match base {
            Some(base) => {
                self.function.substitute(&self.function.arguments[n].value, &quote!(#base), real)
            }
            None => self.at(&self.function.arguments[n].value, real),
        };
        let taken = self.in_place().map(|n| {
            let (name, adjoint) = (local("overwritten", n), local("adjoint", n));
            let (i, value) = (syn::Index::from(n), value(n));
            quote! {
                let #name = __difrules::__private::take_front::<#value>(&shapes.0.#i, &mut outputs);
                let #adjoint = <#value as __difrules::Differentiable>::as_adjoint(&shapes.0.#i, &mut *#name);
            }
        });
        let added = self.in_place().map(|n| {
            let name = local("overwritten", n);
            quote!(__difrules::__private::add(&mut slots[#n], #name);)
        });
        quote! {
            #cotangent
            #(#taken)*
            #call;
            #(#added)*
        }
    }

    pub(super) fn partial(&self) -> TokenStream {
        if self.options.partial.is_empty() {
            return quote!(__difrules::__private::core::unreachable!());
        }
        let ident = self.function.ident();
        let values: Vec<_> = self
            .partial_values()
            .iter()
            .map(|p| self.parameter_value(*p, Place::Evaluation))
            .collect();
        let arms = self.differentiable().enumerate().map(|(k, argument)| {
            let name = format_ident!("partial_{k}");
            let call = if let ScalarParameter::Plain(base) = &self.function.scalar {
                quote!(__difrules::__private::same::<#base, __S>(#ident::#name(#(#values),*)))
            } else {
                let arguments = self.rule_arguments(&self.scalar_at(&quote!(__S)));
                quote!(__difrules::__private::real(#ident::#name #arguments(#(#values),*)))
            };
            quote!(#argument => #call,)
        });
        let cast = self.cast_of_evaluation();
        quote! {
            #cast
            match argument {
                #(#arms)*
                _ => __difrules::__private::core::unreachable!(),
            }
        }
    }

    /// The evaluation of a plain function, at its own scalar.
    fn cast_of_evaluation(&self) -> TokenStream {
        let ScalarParameter::Plain(base) = &self.function.scalar else { return quote!() };
        quote! {
            let evaluation = __difrules::__private::same_ref::<
                __difrules::Evaluation<Self, __S>,
                __difrules::Evaluation<Self, #base>,
            >(evaluation);
        }
    }
}

/// The text of a partial derivative with `true` for each `zero()` and `0.0` that it may come to, and
/// `false` for whatever else; nothing where there is no such zero, or where the text does more than to
/// compute a number.
fn off(text: &Expr) -> Option<Expr> {
    /// The branches of a text: whether one of them is a zero.
    fn replace(text: &mut Expr) -> Option<bool> {
        let tail = |block: &mut Block| {
            let (last, before) = block.stmts.split_last_mut()?;
            let local = |s: &Stmt| matches!(s, Stmt::Local(_) | Stmt::Item(_));
            match last {
                Stmt::Expr(last, None) if before.iter().all(local) => replace(last),
                _ => None,
            }
        };
        match text {
            Expr::Paren(inner) => replace(&mut inner.expr),
            Expr::Group(inner) => replace(&mut inner.expr),
            Expr::Block(inner) => tail(&mut inner.block),
            Expr::If(branches) => {
                let (_, otherwise) = branches.else_branch.as_mut()?;
                let then = tail(&mut branches.then_branch)?;
                Some(replace(otherwise)? | then)
            }
            Expr::Match(branches) => {
                let mut any = false;
                for arm in &mut branches.arms {
                    any |= replace(&mut arm.body)?;
                }
                Some(any)
            }
            leaf => {
                let zero = match &*leaf {
                    Expr::Call(call) if call.args.is_empty() => match &*call.func {
                        Expr::Path(path) => path.path.segments.last()?.ident == "zero",
                        _ => false,
                    },
                    Expr::Lit(number) => match &number.lit {
                        Lit::Float(number) => number.base10_parse::<f64>().is_ok_and(|x| x == 0.0),
                        _ => false,
                    },
                    _ => false,
                };
                *leaf = parse_quote!(#zero);
                Some(zero)
            }
        }
    }
    /// A `return` leaves the closure with a number.
    struct Returns(bool);
    impl VisitMut for Returns {
        fn visit_expr_return_mut(&mut self, _: &mut ExprReturn) {
            self.0 = true;
        }
        fn visit_expr_try_mut(&mut self, _: &mut ExprTry) {
            self.0 = true;
        }
    }
    let (mut text, mut returns) = (text.clone(), Returns(false));
    returns.visit_expr_mut(&mut text);
    (!returns.0 && replace(&mut text)?).then_some(text)
}

/// The parameters of a closure, and `_` for those that it does not take.
fn patterns_of(closure: &ExprClosure, count: usize) -> Vec<TokenStream> {
    let mut patterns: Vec<_> =
        closure.inputs.iter().map(|p| untyped(p).into_token_stream()).collect();
    patterns.resize_with(count, || quote!(_));
    patterns
}

/// A local variable of the expansion, which the user's names do not meet.
fn local(name: &str, number: usize) -> Ident {
    Ident::new(&format!("{name}{number}"), Span::mixed_site())
}

/// A pattern without the type that a closure may give it.
pub(super) fn untyped(pattern: &Pat) -> &Pat {
    match pattern {
        Pat::Type(typed) => &typed.pat,
        other => other,
    }
}
