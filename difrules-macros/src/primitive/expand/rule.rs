//! The rules: their parameters, and the functions that they become.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote_spanned};
use syn::spanned::Spanned;
use syn::{Error, ExprClosure, Ident, Pat, Path, Result, Type};

use super::Expansion;
use crate::primitive::function::{Form, ScalarParameter};
use crate::primitive::options::{Read, Rule, Text};
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
    /// Made from the partial derivatives, but where there is a closure beside them: that is the rule of complex numbers.
    Partials(Option<ExprClosure>),
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
                            "this rule takes {} parameters: {}; found {given}",
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
            Read::Argument(name) | Read::For(name, _) => position(name).map(Parameter::Before),
            Read::After(name) => position(name).map(Parameter::After),
            Read::Output(_) => Some(Parameter::Output),
        }
    }

    /// The arguments of which one has to vary for a rule to read this one; none if it is always read.
    pub(super) fn read_for(&self, argument: usize) -> Option<Vec<usize>> {
        let arguments = &self.function.arguments;
        let position = |name: &Ident| arguments.iter().position(|a| a.ident == *name);
        self.options.reads.iter().flat_map(|reads| &reads.values).find_map(|read| match read {
            Read::For(name, varying) if *name == arguments[argument].ident => {
                Some(varying.iter().filter_map(position).collect())
            }
            _ => None,
        })
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
                    (_, Parameter::Before(_)) if self.read_for(i).is_some() => {
                        quote!(__difrules::__private::core::option::Option<&#value>)
                    }
                    (Form::Constant, _) => quote!(#value),
                    (Form::Value, _) => self.lent_type(value),
                    (Form::SliceMut, Parameter::Tangent(_)) => quote!(&mut [#element]),
                    (_, Parameter::Tangent(_)) if self.function.arguments[i].is_in_place() => {
                        quote!(&mut #value)
                    }
                    (Form::Slice | Form::SliceMut, _) => quote!(&[#element]),
                    _ => quote!(&#value),
                }
            }
            Parameter::Output => self.lent_type(&output),
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
                    quote!(__difrules::contract::Adjoint<'_, #value>)
                } else {
                    quote!(__difrules::Slot<'_, #value>)
                }
            }
        }
    }

    /// The type of a value as a rule reads it: a number itself.
    fn lent_type(&self, value: &Type) -> TokenStream {
        match self.function.is_scalar(value) {
            true => quote!(#value),
            false => quote!(<#value as __difrules::Differentiable>::Ref<'_>),
        }
    }

    /// A value as a rule reads it.
    pub(super) fn lend(&self, value: &Type, reference: &TokenStream) -> TokenStream {
        match self.function.is_scalar(value) {
            true => quote!(*#reference),
            false => quote!(__difrules::Differentiable::by_ref(#reference)),
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
                    // What it returns beside slots would be lost.
                    if reverse { quote!(let (): () = #body;) } else { quote!(#body) }
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
            Body::Partials(None) => self.rule_of_partials(reverse, &patterns),
            Body::Partials(Some(closure)) => {
                let ScalarParameter::Generic { ident: scalar, .. } = &self.function.scalar else {
                    unreachable!("a function that may be of complex numbers is generic");
                };
                let given = closure.inputs.iter().map(untyped);
                let (of_reals, body) = (self.rule_of_partials(reverse, &patterns), &closure.body);
                quote! {
                    if <<#scalar as __difrules::Scalar>::Kind as __difrules::contract::Kind>::REAL {
                        #of_reals
                    } else {
                        let (#(#given,)*) = (#(#patterns,)*);
                        #body
                    }
                }
            }
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
}

/// A local variable of the expansion, which the user's names do not meet.
pub(super) fn local(name: &str, number: usize) -> Ident {
    Ident::new(&format!("{name}{number}"), Span::mixed_site())
}

/// A pattern without the type that a closure may give it.
pub(super) fn untyped(pattern: &Pat) -> &Pat {
    match pattern {
        Pat::Type(typed) => &typed.pat,
        other => other,
    }
}
