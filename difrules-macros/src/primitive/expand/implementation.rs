//! The implementation of `Primitive`: the types, and what stands between them and the function.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote_spanned};
use syn::spanned::Spanned;
use syn::{Ident, Type};

use super::rule::Parameter;
use super::{Expansion, TOGETHER, call_by_pointer, cast, parameter_ident, tuple, without_default};
use crate::primitive::function::{Argument, Failing, Form, ScalarParameter, with_lifetimes};
use crate::primitive::options::Partial;
use crate::tokens::hygiene::quote;

impl Expansion<'_> {
    pub(super) fn implementation(&self) -> TokenStream {
        let function = self.function;
        let ident = function.ident();
        let kind_parameter = function.is_complex().then(|| quote!(__K: __difrules::contract::Kind));
        let parameters = function.parameters.iter().map(without_default);
        let parameters: Vec<_> = kind_parameter.into_iter().chain(parameters).collect();
        let conditions = &function.conditions;
        let marker_arguments = self.marker_arguments(&quote!(__K));
        let (s, f64_tokens) = (quote!(__S), quote!(f64));

        let of_reals = match function.is_complex() {
            true => quote!(<__K as __difrules::contract::Kind>::REAL),
            false => quote!(true),
        };
        let saves =
            self.options.saves.is_some() || function.arguments.iter().any(Argument::is_in_place);
        let function_arguments = &function.arguments;
        let partials = &self.options.partial;
        let entrywise = self.options.entrywise
            || !partials.is_empty() && !partials.iter().any(|p| matches!(p, Partial::Unknown(_)));
        let forms: Vec<_> =
            function.arguments.iter().map(|argument| self.passing(argument)).collect();
        let forms = match forms.split_at_checked(TOGETHER) {
            Some((first, others @ [_, ..])) => {
                quote!(__difrules::contract::passing::Both<(#(#first,)*), (#(#others,)*)>)
            }
            _ => tuple(&forms),
        };
        let output = self.output_at(&s);
        let saved = match &self.options.saves {
            Some(saves) => self.at(&saves.saved, &s),
            None => Type::Verbatim(quote!(())),
        };
        let overwritten = self.overwritten();
        let optional = |i: usize, read: TokenStream| match self.read_for(i) {
            Some(_) => quote!(__difrules::__private::core::option::Option<#read>),
            None => read,
        };
        let overwritten_types = overwritten.iter().map(|&i| {
            let value = self.at(&function.arguments[i].value, &s);
            optional(i, value.to_token_stream())
        });
        let reads = self.reads(self.reverse.as_ref());
        let residual_types = reads.iter().map(|read| match read {
            Parameter::Before(i) | Parameter::After(i) => {
                let form = self.passing(&function.arguments[*i]);
                let kept = quote!(<#form as __difrules::contract::passing::Passing>::Kept<#s>);
                if read.is_before() { optional(*i, kept) } else { kept }
            }
            Parameter::Output => quote!(__difrules::contract::Kept<#output>),
            _ => saved.to_token_stream(),
        });
        let error = match function.output.failing {
            Failing::Error => {
                let returned = self.at(&function.output.written, &f64_tokens);
                quote!(<#returned as __difrules::__private::Fallible>::Error)
            }
            Failing::Nothing => quote!(__difrules::__private::Nothing),
            Failing::Never => quote!(__difrules::__private::core::convert::Infallible),
        };
        let returned = self.at(&function.output.written, &s);

        let primal = self.call_primal();
        let augmented = self.augmented();
        let forward = self.forward();
        let reverse = self.reverse();
        let partial = self.partial();
        let off = self.is_off();
        let unknown = self.unknown();
        let known = (!unknown.is_empty()).then(|| {
            quote! {
                #[inline]
                fn is_known(argument: usize) -> bool {
                    !__difrules::__private::core::matches!(argument, #(#unknown)|*)
                }
            }
        });
        let passing = |i: usize, function: TokenStream| {
            let form = self.passing(&function_arguments[i]);
            quote!(<#form as __difrules::contract::passing::Passing>::#function::<__S>)
        };
        let residual = reads.iter().map(|read| match read {
            Parameter::Before(i) | Parameter::After(i) => {
                let kept = passing(*i, quote!(kept));
                match overwritten.iter().position(|j| j == i).filter(|_| read.is_before()) {
                    Some(j) => {
                        let (keep, j) = (passing(*i, quote!(keep)), syn::Index::from(j));
                        match self.read_for(*i) {
                            Some(_) => quote!(overwritten.#j.map(|value| #kept(#keep(value)))),
                            None => quote!(#kept(#keep(overwritten.#j))),
                        }
                    }
                    None => {
                        let i = self.place(*i);
                        quote!(#kept(arguments.#i))
                    }
                }
            }
            Parameter::Output => quote!(output.kept()),
            _ => quote!(saved),
        });
        let copied = (!overwritten.is_empty()).then(|| {
            let copied = overwritten.iter().map(|&i| {
                let (copy, n) = (passing(i, quote!(copy)), self.place(i));
                let copied = quote!(#copy(&arguments.#n));
                match self.read_for(i) {
                    Some(varying) => quote!((#(varies(#varying))||*).then(|| #copied)),
                    None => copied,
                }
            });
            quote! {
                #[inline]
                fn overwritten<__S: __difrules::Real>(
                    arguments: &__difrules::contract::Reads<'_, Self, __S>,
                    varies: &dyn Fn(usize) -> bool,
                ) -> Self::Overwritten<__S> {
                    (#(#copied,)*)
                }
            }
        });
        let output_span = function.output.written.span().resolved_at(Span::mixed_site());
        let family = match &function.output.value {
            Some(value) => self.family(value, output_span),
            None => {
                let nothing = self.output_at(&f64_tokens);
                quote!(<#nothing as __difrules::Differentiable>::Family)
            }
        };
        let record = self.record();
        // What differs from the trait's own.
        let constants = [
            ("GENERIC", function.is_plain(), quote!(false)),
            ("SCALAR", !self.options.partial.is_empty(), of_reals.clone()),
            ("ENTRYWISE", entrywise, quote!(true)),
            ("DIRECT", self.options.direct, of_reals),
            ("RESTING", self.options.resting, quote!(true)),
            ("PLACES", self.options.pattern.places, quote!(true)),
            ("LINEAR", self.options.pattern.linear, quote!(true)),
            ("SAVES", saves, quote!(true)),
        ];
        let constants = constants.iter().filter(|(_, differs, _)| *differs);
        let constants = constants.map(|(name, _, value)| {
            let name = Ident::new(name, Span::mixed_site());
            quote!(const #name: bool = #value;)
        });
        let elementwise = self.elementwise();
        quote! {
            #record

            impl<#(#parameters),*> __difrules::contract::Primitive for #ident #marker_arguments
            where #(#conditions),*
            {
                #(#constants)*
                type Arguments = #forms;
                type Output = #family;
                type Overwritten<__S: __difrules::Real> = (#(#overwritten_types,)*);
                type Saved<__S: __difrules::Real> = #saved;
                type Residual<__S: __difrules::Real> = (#(#residual_types,)*);
                type Error = #error;
                type Return<__S: __difrules::Real> = #returned;

                fn record() -> &'static __difrules::Record {
                    WRITTEN.record()
                }

                #[inline]
                fn primal<__S: __difrules::Real>(
                    mut arguments: __difrules::contract::Given<'_, Self, __S>,
                ) -> Self::Return<__S> {
                    #primal
                }

                #augmented

                #[inline]
                fn push<__S: __difrules::Real>(
                    evaluation: __difrules::contract::LentEvaluation<'_, Self, __S>,
                    tangents: &mut __difrules::contract::Tangents<'_, Self, __S>,
                ) -> __difrules::contract::Output<Self, __S> {
                    #forward
                }

                #[inline]
                fn reverse<__S: __difrules::Real>(
                    residual: &Self::Residual<__S>,
                    shapes: &__difrules::contract::Shapes<Self>,
                    mut outputs: &mut [__S],
                    slots: &mut [__difrules::__private::core::option::Option<
                        __difrules::contract::Room<'_, __S>,
                    >],
                ) {
                    #reverse
                }

                #partial

                #off

                #known

                #copied

                #[inline]
                fn keep<__S: __difrules::Real>(
                    arguments: __difrules::contract::Keeps<'_, Self, __S>,
                    overwritten: Self::Overwritten<__S>,
                    output: __difrules::contract::Keep<'_, __difrules::contract::Output<Self, __S>>,
                    saved: Self::Saved<__S>,
                ) -> Self::Residual<__S> {
                    (#(#residual,)*)
                }
            }

            #elementwise
        }
    }

    /// Whether it maps numbers to a number: then the call on whole values is the call itself.
    fn is_of_numbers(&self) -> bool {
        let function = self.function;
        let is_number = |argument: &Argument| {
            argument.is_constant()
                || (argument.form == Form::Value && function.is_scalar(&argument.value))
        };
        function.arguments.iter().all(is_number)
            && function.output.value.as_ref().is_some_and(|value| function.is_scalar(value))
    }

    /// The call on whole values: `name::whole(..)`.
    pub(super) fn whole(&self) -> TokenStream {
        let function = self.function;
        if self.is_of_numbers() {
            return quote!();
        }
        let (ident, visibility) = (function.ident(), &function.item.vis);
        // A plain function is called in a mode over its scalar.
        let mode = quote!(__M);
        let (parameters, real, kind) = match &function.scalar {
            ScalarParameter::Plain(base) => {
                (quote!(__M: __difrules::contract::Over<#base>), mode.clone(), quote!())
            }
            ScalarParameter::Generic { ident, complex } => {
                let parameters = &function.rule_parameters;
                let (real, kind) = if *complex {
                    (
                        quote!(<#ident as __difrules::Scalar>::Real),
                        quote!(<#ident as __difrules::Scalar>::Kind),
                    )
                } else {
                    (quote!(#ident), quote!())
                };
                (quote!(#(#parameters),*), real, kind)
            }
        };
        let in_mode = |written: &Type| match function.is_plain() {
            true => function.substitute(written, &mode, &mode),
            false => written.clone(),
        };
        let marker_arguments = self.marker_arguments(&kind);
        let conditions = &function.rule_conditions;
        let names: Vec<_> = function.arguments.iter().map(|argument| &argument.ident).collect();
        let values: Vec<_> = function
            .arguments
            .iter()
            .map(|argument| match argument.is_constant() {
                true => argument.value.clone(),
                false => in_mode(&argument.value),
            })
            .collect();
        let types =
            function.arguments.iter().zip(&values).map(|(argument, value)| match argument.form {
                Form::Value | Form::Constant => quote!(#value),
                Form::ConstantReference => quote!(&#value),
                _ if argument.is_in_place() => quote!(&mut __difrules::Whole<#value>),
                _ => quote!(&impl __difrules::contract::AsWhole<#value>),
            });
        let output = in_mode(&self.output_type());
        let (parts, give, finish) = if function.output.value.is_some() {
            let give = quote!(<#output as __difrules::Differentiable>::parts);
            (quote!(<#output as __difrules::Differentiable>::Parts), give.clone(), give)
        } else {
            (quote!(()), quote!(|_| ()), quote!(__difrules::__private::core::mem::drop))
        };
        let written = &function.output.written;
        let (returned, finish) = match function.output.failing {
            Failing::Error => (
                quote!(__difrules::__private::core::result::Result<
                    #parts,
                    <#written as __difrules::__private::Fallible>::Error,
                >),
                quote!(result.map(#give)),
            ),
            Failing::Nothing => (
                quote!(__difrules::__private::core::option::Option<#parts>),
                quote!(result.ok().map(#give)),
            ),
            Failing::Never => (parts, quote!(#finish(__difrules::__private::infallible(result)))),
        };
        let is_lent = |argument: &Argument| {
            matches!(argument.form, Form::Reference | Form::Slice | Form::Storage | Form::View)
        };
        let handed = function.arguments.iter().zip(&values);
        let handed = handed.map(|(argument, value)| {
            let name = &argument.ident;
            if is_lent(argument) {
                quote! {
                    <#real as __difrules::Real>::shorten::<
                        <#value as __difrules::Differentiable>::Family,
                    >(#name)
                }
            } else if argument.is_in_place() {
                quote!(#name.raw_mut())
            } else {
                quote!(#name)
            }
        });
        let handed = tuple(&handed.collect::<Vec<_>>());
        let call = quote! {
            <#real as __difrules::Real>::apply_whole::<#ident #marker_arguments>(#handed)
        };
        let call =
            function.arguments.iter().zip(&values).rev().fold(call, |call, (argument, value)| {
                let name = &argument.ident;
                if is_lent(argument) {
                    quote! {
                        __difrules::contract::AsWhole::<#value>::lend_to(#name, |#name| #call)
                    }
                } else {
                    call
                }
            });
        let doc = format!("{} of values that stay in one piece.", self.link());
        quote! {
            #[doc = #doc]
            #[allow(clippy::all, clippy::pedantic)]
            #visibility fn whole<#parameters>(#(#names: #types),*) -> #returned
            where #(#conditions),*
            {
                let result = #call;
                #finish
            }
        }
    }

    /// What says that the primitive can be done to each entry of a matrix, if it can.
    pub(super) fn elementwise(&self) -> TokenStream {
        let function = self.function;
        let constant = function.arguments.iter().any(Argument::is_constant);
        let other = function.is_plain()
            || constant
            || !self.is_of_numbers()
            || function.output.failing != Failing::Never
            || !function.parameters.is_empty();
        if other {
            return quote!();
        }
        let ident = function.ident();
        // Of complex numbers a slope says all only where the rules multiply by it.
        if function.is_complex() && !self.options.partial.is_empty() {
            quote! {
                impl<__K: __difrules::contract::Kind> __difrules::contract::Elementwise<__K> for #ident {
                    type At = #ident<__K>;
                }
            }
        } else {
            let arguments = self.marker_arguments(&quote!(f64));
            quote! {
                impl __difrules::contract::Elementwise<f64> for #ident {
                    type At = #ident #arguments;
                }
            }
        }
    }

    /// The family of a type of the function: that of its scalar is known.
    fn family(&self, written: &Type, span: Span) -> TokenStream {
        if self.function.is_scalar(written) {
            return match self.function.is_complex() {
                true => quote!(__K),
                false => quote!(__difrules::__private::core::primitive::f64),
            };
        }
        let value = self.at(written, &quote!(f64));
        quote_spanned!(span=> <#value as __difrules::Differentiable>::Family)
    }

    /// The form of an argument, a type of `difrules_core::contract::passing`.
    pub(super) fn passing(&self, argument: &Argument) -> TokenStream {
        let f64_tokens = quote!(f64);
        let value = self.at(&argument.value, &f64_tokens);
        let span = argument.written.span().resolved_at(Span::mixed_site());
        let family = self.family(&argument.value, span);
        let element = quote_spanned! {span=>
            <<#value as __difrules::__private::List>::Element as
                __difrules::Differentiable>::Family
        };
        let constant = &argument.value;
        match argument.form {
            Form::Value => quote!(__difrules::contract::passing::Value<#family>),
            Form::Reference => quote!(__difrules::contract::passing::Reference<#family>),
            Form::Mutable => quote!(__difrules::contract::passing::Mutable<#family>),
            Form::Slice => quote!(__difrules::contract::passing::Slice<#element>),
            Form::SliceMut => quote!(__difrules::contract::passing::SliceMut<#element>),
            Form::Storage => quote!(__difrules::contract::passing::View<#family>),
            Form::StorageMut => quote!(__difrules::contract::passing::ViewMut<#family>),
            Form::View | Form::ViewMut => {
                let written = self.at(&with_lifetimes(&argument.written, "'static"), &f64_tokens);
                quote_spanned!(span=> <#written as __difrules::contract::passing::Viewed>::Passing)
            }
            Form::Constant => quote!(__difrules::contract::passing::Constant<#constant>),
            Form::ConstantReference => {
                quote!(__difrules::contract::passing::ConstantReference<#constant>)
            }
        }
    }

    /// The arguments of a call, out of the tuple `arguments`; for a plain function cast to its own
    /// scalar.
    pub(super) fn handed(&self) -> Vec<TokenStream> {
        let s = quote!(__S);
        self.function
            .arguments
            .iter()
            .enumerate()
            .map(|(i, argument)| {
                let i = self.place(i);
                let from = self.at(&argument.value, &s);
                let to = &argument.value;
                match (argument.form, self.function.is_plain()) {
                    (Form::Storage, _) => quote!(&arguments.#i),
                    (Form::StorageMut, _) => quote!(&mut arguments.#i),
                    (form, true) => cast(form, &quote!(arguments.#i), &from, to),
                    (_, false) => quote!(arguments.#i),
                }
            })
            .collect()
    }

    pub(super) fn call_primal(&self) -> TokenStream {
        let ident = self.function.ident();
        let handed = self.handed();
        if self.function.is_plain() {
            let from = &self.function.output.written;
            let to = self.at(from, &quote!(__S));
            let owner = self.options.owner.iter();
            let call = quote!(#(<#owner>::)* #ident(#(#handed),*));
            quote!(__difrules::__private::same::<#from, #to>(#call))
        } else {
            let scalar = self.scalar_at(&quote!(__S));
            let generics = self.function.item.sig.generics.params.iter().filter_map(|parameter| {
                let name = parameter_ident(parameter)?;
                Some(if self.function.is_scalar_parameter(name) {
                    scalar.clone()
                } else if self
                    .function
                    .rule_parameters
                    .iter()
                    .any(|other| parameter_ident(other) == Some(name))
                {
                    name.to_token_stream()
                } else {
                    // A storage: that of the view or the owned matrix.
                    quote!(_)
                })
            });
            call_by_pointer(&quote!(#ident::primal::<#(#generics),*>), &handed)
        }
    }

    /// The primal that saves, if there is one.
    pub(super) fn augmented(&self) -> Option<TokenStream> {
        let saves = self.options.saves.as_ref()?;
        let path = &saves.augmented;
        let handed = self.handed();
        let call = quote_spanned!(path.span()=> #path(#(#handed),*));
        let result = match self.function.output.failing {
            Failing::Error => call,
            Failing::Nothing => {
                quote!(__difrules::__private::core::option::Option::ok_or(#call, __difrules::__private::Nothing))
            }
            Failing::Never => quote!(__difrules::__private::core::result::Result::Ok(#call)),
        };
        let body = if self.function.is_plain() {
            let (output, saved) = (self.output_type(), &saves.saved);
            quote! {
                let result: __difrules::__private::core::result::Result<(#output, #saved), Self::Error> = #result;
                result.map(__difrules::__private::same::<
                    (#output, #saved),
                    (__difrules::contract::Output<Self, __S>, Self::Saved<__S>),
                >)
            }
        } else {
            result
        };
        Some(quote! {
            #[inline]
            fn augmented<__S: __difrules::Real>(
                mut arguments: __difrules::contract::Given<'_, Self, __S>,
            ) -> __difrules::__private::core::result::Result<
                (__difrules::contract::Output<Self, __S>, Self::Saved<__S>),
                Self::Error,
            > {
                #body
            }
        })
    }
}
