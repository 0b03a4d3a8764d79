//! How a mode calls the rules: where each of their parameters comes from, and at which scalar.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote_spanned};
use syn::spanned::Spanned;
use syn::{Pat, Path, Type};

use super::rule::{Body, Parameter, RuleText, local, untyped};
use super::{Expansion, call_by_pointer, parameter_ident, parameter_name};
use crate::primitive::function::{Form, ScalarParameter};
use crate::primitive::options::Text;
use crate::tokens::hygiene::quote;

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

impl Expansion<'_> {
    /// The parameters that the rule's function has, with the closure's patterns: those that a
    /// closure ignores by `_` are left out.
    pub(super) fn read_by<'r>(&self, rule: &'r RuleText) -> Vec<(Parameter, Option<&'r Pat>)> {
        let closure = match &rule.body {
            Body::Closure(closure) | Body::Returning(closure) => closure,
            Body::Path(_) | Body::Partials(_) => {
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
                self.lend(&self.function.arguments[i].value, &value)
            }
            Parameter::Before(i) if form(i) == Form::Constant => {
                quote!(__difrules::__private::core::clone::Clone::clone(#value))
            }
            Parameter::Output => self.lend(&self.output_type(), &value),
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
            (Parameter::Slot(i), _)
                if self.function.is_scalar(&self.function.arguments[i].value) =>
            {
                quote!(__difrules::__private::number_slot(slots[#i].take()))
            }
            (Parameter::Slot(i), _) => {
                let place = self.place(i);
                quote!(__difrules::Slot::of(&shapes.0.#place, slots[#i].take()))
            }
            (_, Place::Residual) => {
                let reads = self.reads(self.reverse.as_ref());
                let kept = index(reads.iter().position(|read| *read == parameter).expect("kept"));
                match parameter {
                    Parameter::Before(i) if matches!(form(i), Form::Value | Form::Constant) => {
                        quote!(&residual.#kept)
                    }
                    Parameter::Saved => quote!(&residual.#kept),
                    Parameter::Before(i) if self.read_for(i).is_some() => {
                        quote!(residual.#kept.as_deref())
                    }
                    _ => quote!(&*residual.#kept),
                }
            }
            (Parameter::Before(i), Place::Evaluation) => {
                let argument = self.place(i);
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
                if let (Some(j), Some(_)) = (kept.map(index), self.read_for(i)) {
                    let cast = base.map(|base| {
                        let cast = self.cast_reference(&quote!(same_ref), i, base, &quote!(value));
                        quote!(.map(|value| #cast))
                    });
                    return quote!(evaluation.overwritten.#j.as_ref() #cast);
                }
                let value = match kept {
                    Some(j) => {
                        let j = index(j);
                        quote!(&evaluation.overwritten.#j)
                    }
                    None => {
                        let argument = self.place(i);
                        quote!(&*evaluation.arguments.#argument)
                    }
                };
                match base.filter(|_| !self.function.arguments[i].is_constant()) {
                    Some(base) => self.cast_reference(&quote!(same_ref), i, base, &value),
                    None => value,
                }
            }
            (Parameter::Tangent(i), Place::Lent(base)) if self.is_optional(i) => {
                let tangent = self.place(i);
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
                let tangent = self.place(i);
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
                        __difrules::contract::Output<Self, __S>,
                        __difrules::contract::Output<#primitive, #real>,
                    >(evaluation.output)
                }
            }
            (Parameter::Output, Place::Lent(None)) => quote!(evaluation.output),
            (Parameter::Saved, Place::Lent(Some(base))) => {
                let (primitive, real) = self.specialised(base);
                quote! {
                    __difrules::__private::same_ref::<
                        Self::Saved<__S>,
                        <#primitive as __difrules::contract::Primitive>::Saved<#real>,
                    >(evaluation.saved)
                }
            }
            (Parameter::Saved, Place::Lent(None)) => quote!(evaluation.saved),
        }
    }

    /// Whether the forward rule takes the tangent of this argument as an `Option`.
    pub(super) fn is_optional(&self, argument: usize) -> bool {
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
                WRITTEN.record(),
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
                    __difrules::contract::Output<#primitive, #real>,
                    __difrules::contract::Output<Self, __S>,
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
        let arguments = self.rule_arguments(&scalar);
        let call = call_by_pointer(&quote!(#ident::forward #arguments), &values(None));
        let unknown = self.unknown_to_rules().map(|i| {
            let argument = self.place(i);
            quote! {
                if !__difrules::__private::is_constant_zero(&*tangents.#argument) {
                    __difrules::__private::unknown_partial(WRITTEN.record(), #i);
                }
            }
        });
        quote! {
            #(#unknown)*
            #(#kernels)*
            #call
        }
    }

    pub(super) fn reverse(&self) -> TokenStream {
        let ident = self.function.ident();
        let Some(rule) = &self.reverse else {
            return quote!(__difrules::__private::missing_rule(
                WRITTEN.record(),
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
                    <#primitive as __difrules::contract::Primitive>::Residual<#real>,
                >(residual);
                let shapes = __difrules::__private::same_ref::<
                    __difrules::contract::Shapes<Self>,
                    __difrules::contract::Shapes<#primitive>,
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
            call_by_pointer(&quote!(#ident::reverse #arguments), &values),
            None,
        );
        let unknown = self.unknown_to_rules().map(|i| {
            quote! {
                if slots[#i].is_some() {
                    __difrules::__private::unknown_partial(WRITTEN.record(), #i);
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
        let cotangent = self.function.output.value.as_ref().map(|output| {
            if base.is_none() && self.function.is_scalar(output) {
                let scalar = self.scalar_at(real);
                return quote! {
                    let cotangent = __difrules::__private::take_number::<#scalar>(&mut outputs);
                };
            }
            quote! {
                let cotangent = __difrules::__private::take_cotangent::<
                    __difrules::contract::Output<#primitive, #real>,
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
            let (i, value) = (self.place(n), value(n));
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
}
