//! The expansion: the function that dispatches on the mode, the empty type of the same name that
//! carries the rules, its implementation of `Primitive`, and its record.

mod dispatch;
mod entry;
mod formulas;
mod implementation;
mod partials;
mod record;
mod rule;

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::{GenericParam, Ident, Type};

use crate::errors::Errors;
use crate::primitive::function::{Function, ScalarParameter};
use crate::primitive::options::{Options, Rule, Text};
use crate::tokens::hygiene::quote;
use crate::tokens::pretty;

use entry::cast;
use rule::{Body, Parameter, RuleText};

pub(super) struct Expansion<'a> {
    pub(super) function: &'a Function,
    pub(super) options: &'a Options,
    forward: Option<RuleText>,
    reverse: Option<RuleText>,
}

impl<'a> Expansion<'a> {
    pub(super) fn new(
        function: &'a Function,
        options: &'a Options,
        errors: &Errors,
    ) -> Option<Self> {
        let mut expansion = Self { function, options, forward: None, reverse: None };
        expansion.check(errors);
        let rule = |rule: &Option<Rule>, text| match rule {
            Some(rule) => errors.keep(expansion.rule(rule, text)).map(Some),
            None => Some(None),
        };
        let forward = rule(&options.forward, Text::Forward);
        let reverse = rule(&options.reverse, Text::Reverse);
        let (forward, reverse) = (forward?, reverse?);
        if options.partial.is_empty() {
            (expansion.forward, expansion.reverse) = (forward, reverse);
        } else {
            let values = expansion.partial_values();
            let with = |last: Vec<Parameter>, of_complex: Option<RuleText>| RuleText {
                parameters: values.iter().copied().chain(last).collect(),
                body: Body::Partials(of_complex.and_then(|rule| match rule.body {
                    Body::Closure(closure) => Some(closure),
                    _ => None,
                })),
            };
            let (tangents, cotangents) = (expansion.tangents(), expansion.cotangents());
            let rules = (with(tangents, forward), with(cotangents, reverse));
            (expansion.forward, expansion.reverse) = (Some(rules.0), Some(rules.1));
        }
        Some(expansion)
    }

    /// Where something of an argument is in a tuple of all.
    fn place(&self, argument: usize) -> TokenStream {
        let index = |i: usize| syn::Index::from(i);
        if self.function.arguments.len() <= TOGETHER {
            return index(argument).into_token_stream();
        }
        let (tuple, argument) = (index(argument / TOGETHER), index(argument % TOGETHER));
        quote!(#tuple.#argument)
    }

    /// The output type as written; `[T; 0]` stands for `()`.
    fn output_type(&self) -> Type {
        self.function.output.value.clone().unwrap_or_else(|| {
            let real = match &self.function.scalar {
                ScalarParameter::Generic { ident, complex: true } => {
                    quote!(<#ident as __difrules::Scalar>::Real)
                }
                ScalarParameter::Generic { ident, .. } | ScalarParameter::Plain(ident) => {
                    quote!(#ident)
                }
            };
            Type::Verbatim(quote!([#real; 0]))
        })
    }

    /// The output type at the real scalar `real`.
    fn output_at(&self, real: &TokenStream) -> Type {
        match &self.function.output.value {
            Some(value) => self.at(value, real),
            None => Type::Verbatim(quote!([#real; 0])),
        }
    }

    /// A type of the function at the real scalar `real`.
    fn at(&self, written: &Type, real: &TokenStream) -> Type {
        self.function.substitute(written, &self.scalar_at(real), real)
    }

    /// The function's scalar at the real scalar `real`.
    fn scalar_at(&self, real: &TokenStream) -> TokenStream {
        if self.function.is_complex() {
            quote!(<__K as __difrules::contract::Kind>::Of<#real>)
        } else {
            real.clone()
        }
    }

    pub(super) fn tokens(&self) -> TokenStream {
        let function = self.function;
        let ident = function.ident();
        let item = &function.item;
        let visibility = &item.vis;
        let marker = self.marker();
        let primal = self.primal_function();
        let forward = self.forward.as_ref().map(|rule| {
            self.rule_function("forward", &format!("The forward rule of {}.", self.link()), rule)
        });
        let reverse = self.reverse.as_ref().map(|rule| {
            self.rule_function("reverse", &format!("The reverse rule of {}.", self.link()), rule)
        });
        let (partials, off) = (self.partial_functions(), self.off_functions());
        let on = function.is_plain().then(|| self.on());
        let whole = self.whole();
        let implementation = self.implementation();
        let doc = format!("The rules of {}.", self.link());
        let cfgs: Vec<_> =
            item.attrs.iter().filter(|attribute| attribute.path().is_ident("cfg")).collect();
        let rules = quote! {
            #(#cfgs)*
            #[doc = #doc]
            #[allow(non_camel_case_types)]
            #visibility #marker

            #(#cfgs)*
            impl #ident {
                #primal
                #forward
                #reverse
                #partials
                #off
                #on
                #whole
            }

            #(#cfgs)*
            #[allow(unused_variables, unused_mut, clippy::all, clippy::pedantic)]
            const _: () = {
                #implementation
            };
        };
        if self.options.owner.is_some() {
            // An `impl` takes no types, but its functions do.
            self.entry(&rules)
        } else {
            let entry = self.entry(&quote!());
            quote!(#entry #rules)
        }
    }

    /// The function, in documentation; one in an `impl` is not in the scope of its rules.
    fn link(&self) -> String {
        let ident = self.function.ident();
        match &self.options.owner {
            Some(owner) => format!("`{}::{ident}`", pretty::text(owner)),
            None => format!("[`fn@{ident}`]"),
        }
    }
}

/// A call of one of the expansion's own functions, by a pointer. It is compiled to the same; but where the
/// compiler looks for cycles among functions before it inlines one into another, for each function and all that
/// it leads to, it ends here.
fn call_by_pointer(function: &TokenStream, arguments: &[TokenStream]) -> TokenStream {
    let types = arguments.iter().map(|_| quote!(_));
    quote!({
        let function: fn(#(#types),*) -> _ = #function;
        function(#(#arguments),*)
    })
}

/// How many arguments are in one tuple; those after it are in a second one. See
/// `difrules_core::contract::passing::Both`.
const TOGETHER: usize = 8;

/// A tuple that has something of each argument.
fn tuple(values: &[impl ToTokens]) -> TokenStream {
    match values.split_at_checked(TOGETHER) {
        Some((first, others @ [_, ..])) => quote!(((#(#first,)*), (#(#others,)*))),
        _ => quote!((#(#values,)*)),
    }
}

pub(super) fn parameter_ident(parameter: &GenericParam) -> Option<&Ident> {
    match parameter {
        GenericParam::Type(parameter) => Some(&parameter.ident),
        GenericParam::Const(parameter) => Some(&parameter.ident),
        GenericParam::Lifetime(_) => None,
    }
}

fn parameter_name(parameter: &GenericParam) -> TokenStream {
    parameter_ident(parameter).to_token_stream()
}

/// The parameter as an `impl` declares it.
pub(crate) fn without_default(parameter: &GenericParam) -> TokenStream {
    let mut parameter = parameter.clone();
    match &mut parameter {
        GenericParam::Type(parameter) => parameter.default = None,
        GenericParam::Const(parameter) => parameter.default = None,
        GenericParam::Lifetime(_) => {}
    }
    parameter.to_token_stream()
}
