//! The implementation of `Primitive`: the types, and the glue between arguments and owned values.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote_spanned};
use syn::Type;
use syn::spanned::Spanned;

use super::rules::Parameter;
use super::{Expansion, cast, parameter_ident, without_default};
use crate::function::Form;
use crate::hygiene::quote;

impl Expansion<'_> {
    pub(super) fn implementation(&self) -> TokenStream {
        let function = self.function;
        let ident = function.ident();
        let kind = quote!(__K);
        let kind_parameter = function.is_complex().then(|| quote!(__K: ::difrules_core::Kind));
        let parameters = function.parameters.iter().map(without_default);
        let parameters: Vec<_> = kind_parameter.into_iter().chain(parameters).collect();
        let conditions = &function.conditions;
        let marker_arguments = self.marker_arguments(&kind);
        let s = quote!(__S);
        let range: Vec<_> = (0..function.arguments.len()).map(syn::Index::from).collect();

        let scalar = if self.options.partial.is_empty() {
            quote!(false)
        } else if function.is_complex() {
            quote!(<__K as ::difrules_core::Kind>::REAL)
        } else {
            quote!(true)
        };
        let argument_types = function.arguments.iter().map(|argument| {
            let value = self.at(&argument.value, &s);
            let constant = &argument.value;
            match argument.form {
                Form::Value => quote!(#value),
                Form::Reference => quote!(&'__a #value),
                Form::Mutable => quote!(&'__a mut #value),
                Form::View => quote!(::difrules_core::__private::View<'__a, #value>),
                Form::ViewMut => quote!(::difrules_core::__private::ViewMut<'__a, #value>),
                Form::Constant => quote!(#constant),
                Form::ConstantReference => quote!(&'__a #constant),
            }
        });
        let input_types = self.input_types(&s);
        let overwritten = self.overwritten();
        let overwritten_types =
            overwritten.iter().map(|&i| self.at(&function.arguments[i].value, &s));
        let output = self.output_at(&s);
        let saved = match &self.options.saves {
            Some(saves) => self.at(&saves.saved, &s),
            None => Type::Verbatim(quote!(())),
        };
        let reads = self.reads(self.reverse.as_ref());
        let residual_types = reads.iter().map(|read| match read {
            Parameter::Before(i) | Parameter::After(i) => input_types[*i].clone(),
            Parameter::Output => output.to_token_stream(),
            _ => saved.to_token_stream(),
        });
        let shape_types = function.arguments.iter().map(|argument| {
            let value = self.at(&argument.value, &s);
            if argument.is_constant() {
                quote!(())
            } else {
                quote!(<#value as ::difrules_core::Differentiable>::Shape)
            }
        });
        let f64_tokens = quote!(f64);
        let returned_f64 = self.at(&function.output.written, &f64_tokens);
        let error = if function.output.fallible {
            quote!(<#returned_f64 as ::difrules_core::__private::Fallible>::Error)
        } else {
            quote!(::core::convert::Infallible)
        };
        let returned = self.at(&function.output.written, &s);

        let primal = self.call_primal();
        let augmented = self.augmented();
        let forward = self.forward();
        let reverse = self.reverse();
        let partial = self.partial();
        let residual = reads.iter().map(|read| match read {
            Parameter::Before(i) => match overwritten.iter().position(|j| j == i) {
                Some(j) => {
                    let j = syn::Index::from(j);
                    quote!(overwritten.#j)
                }
                None => {
                    let i = syn::Index::from(*i);
                    quote!(inputs.#i)
                }
            },
            Parameter::After(i) => {
                let i = syn::Index::from(*i);
                quote!(inputs.#i)
            }
            Parameter::Output => quote!(output),
            _ => quote!(saved),
        });
        let shapes = function.arguments.iter().zip(&range).map(|(argument, i)| {
            if argument.is_constant() {
                quote!(())
            } else {
                quote!(::difrules_core::Differentiable::shape(&evaluation.inputs.#i))
            }
        });
        let copied = overwritten.iter().map(|&i| {
            let i = syn::Index::from(i);
            quote!(::core::clone::Clone::clone(&inputs.#i))
        });
        let visit = function.arguments.iter().enumerate().zip(&range).map(|((n, argument), i)| {
            let value = self.at(&argument.value, &s);
            match argument.form {
                Form::Value => quote!(<#value as ::difrules_core::Differentiable>::for_each_real(&arguments.#i, &mut |x| f(#n, x));),
                Form::Reference | Form::Mutable => quote!(<#value as ::difrules_core::Differentiable>::for_each_real(&*arguments.#i, &mut |x| f(#n, x));),
                Form::View | Form::ViewMut => quote!(::difrules_core::__private::view_for_each(&arguments.#i, &mut |x| f(#n, x));),
                Form::Constant | Form::ConstantReference => quote!(),
            }
        });
        let inputs = function.arguments.iter().enumerate().zip(&range).map(|((n, argument), i)| {
            let value = self.at(&argument.value, &s);
            match argument.form {
                Form::Value => quote!(
                    <#value as ::difrules_core::Differentiable>::map_reals(&arguments.#i, &mut |x| f(#n, x))
                ),
                Form::Reference | Form::Mutable => quote!(
                    <#value as ::difrules_core::Differentiable>::map_reals(&*arguments.#i, &mut |x| f(#n, x))
                ),
                Form::View | Form::ViewMut => quote!(
                    ::difrules_core::__private::view_map(&arguments.#i, &mut |x| f(#n, x))
                ),
                Form::Constant => quote!(::core::clone::Clone::clone(&arguments.#i)),
                Form::ConstantReference => quote!(::std::borrow::ToOwned::to_owned(arguments.#i)),
            }
        });
        let map_inputs = function.arguments.iter().zip(&range).map(|(argument, i)| {
            let value = self.at(&argument.value, &s);
            if argument.is_constant() {
                quote!(::core::clone::Clone::clone(&inputs.#i))
            } else {
                quote!(<#value as ::difrules_core::Differentiable>::map_reals(&inputs.#i, f))
            }
        });
        let update_inputs = self.differentiable().map(|n| {
            let i = syn::Index::from(n);
            let value = self.at(&function.arguments[n].value, &s);
            quote!(<#value as ::difrules_core::Differentiable>::update_reals(&mut inputs.#i, &mut |x| f(#n, x));)
        });
        let lend = function.arguments.iter().zip(&range).map(|(argument, i)| match argument.form {
            Form::Value | Form::Constant => quote!(::core::clone::Clone::clone(&inputs.#i)),
            Form::Reference => quote!(&inputs.#i),
            Form::Mutable => quote!(&mut inputs.#i),
            Form::View => quote!(::difrules_core::__private::view(&inputs.#i)),
            Form::ViewMut => quote!(::difrules_core::__private::view_mut(&mut inputs.#i)),
            Form::ConstantReference => quote!(::core::borrow::Borrow::borrow(&inputs.#i)),
        });
        let zip_overwritten = self.in_place().map(|n| {
            let i = syn::Index::from(n);
            let value = self.at(&function.arguments[n].value, &s);
            if function.arguments[n].form == Form::Mutable {
                quote!(<#value as ::difrules_core::Differentiable>::zip_reals(arguments.#i, &inputs.#i, f);)
            } else {
                quote!(::difrules_core::__private::view_zip(&mut arguments.#i, &inputs.#i, f);)
            }
        });
        let (into_result, from_result) =
            match (function.output.fallible, function.output.value.is_some()) {
                (true, true) => (quote!(returned), quote!(result)),
                (true, false) => (quote!(returned.map(|()| [])), quote!(result.map(|_| ()))),
                (false, true) => (
                    quote!(::core::result::Result::Ok(returned)),
                    quote!(::difrules_core::__private::infallible(result)),
                ),
                (false, false) => (
                    quote!(::core::result::Result::Ok([])),
                    quote!({
                        ::difrules_core::__private::infallible(result);
                    }),
                ),
            };
        let record = self.record();
        let generic = !function.is_plain();
        quote! {
            #record

            impl<#(#parameters),*> ::difrules_core::Primitive for #ident #marker_arguments
            where #(#conditions),*
            {
                const RECORD: &'static ::difrules_core::Record = &__RECORD;
                const GENERIC: bool = #generic;
                const SCALAR: bool = #scalar;
                type Arguments<'__a, __S: ::difrules_core::Real> = (#(#argument_types,)*);
                type Inputs<__S: ::difrules_core::Real> = (#(#input_types,)*);
                type Overwritten<__S: ::difrules_core::Real> = (#(#overwritten_types,)*);
                type Output<__S: ::difrules_core::Real> = #output;
                type Saved<__S: ::difrules_core::Real> = #saved;
                type Residual<__S: ::difrules_core::Real> = (#(#residual_types,)*);
                type Shapes<__S: ::difrules_core::Real> = (#(#shape_types,)* <#output as ::difrules_core::Differentiable>::Shape,);
                type Error = #error;
                type Return<__S: ::difrules_core::Real> = #returned;

                #[inline]
                fn primal<__S: ::difrules_core::Real>(
                    mut arguments: Self::Arguments<'_, __S>,
                ) -> Self::Return<__S> {
                    #primal
                }

                #[inline]
                fn augmented<__S: ::difrules_core::Real>(
                    mut arguments: Self::Arguments<'_, __S>,
                ) -> ::core::result::Result<(Self::Output<__S>, Self::Saved<__S>), Self::Error> {
                    #augmented
                }

                #[inline]
                fn forward<__S: ::difrules_core::Real>(
                    evaluation: &::difrules_core::Evaluation<Self, __S>,
                    tangents: &mut Self::Inputs<__S>,
                ) -> Self::Output<__S> {
                    #forward
                }

                #[inline]
                fn reverse<__S: ::difrules_core::Real>(
                    residual: &Self::Residual<__S>,
                    shapes: &Self::Shapes<__S>,
                    mut outputs: &mut [__S],
                    slots: &mut [::core::option::Option<&mut [__S]>],
                ) {
                    #reverse
                }

                #[inline]
                fn partial<__S: ::difrules_core::Real>(
                    evaluation: &::difrules_core::Evaluation<Self, __S>,
                    argument: usize,
                ) -> __S {
                    #partial
                }

                #[inline]
                fn residual<__S: ::difrules_core::Real>(
                    evaluation: ::difrules_core::Evaluation<Self, __S>,
                ) -> Self::Residual<__S> {
                    let ::difrules_core::Evaluation { inputs, overwritten, output, saved } = evaluation;
                    (#(#residual,)*)
                }

                #[inline]
                fn shapes<__S: ::difrules_core::Real>(
                    evaluation: &::difrules_core::Evaluation<Self, __S>,
                ) -> Self::Shapes<__S> {
                    (#(#shapes,)* ::difrules_core::Differentiable::shape(&evaluation.output),)
                }

                #[inline]
                fn overwritten<__S: ::difrules_core::Real>(
                    inputs: &Self::Inputs<__S>,
                ) -> Self::Overwritten<__S> {
                    (#(#copied,)*)
                }

                #[inline]
                fn visit<__S: ::difrules_core::Real>(
                    arguments: &Self::Arguments<'_, __S>,
                    f: &mut impl FnMut(usize, __S),
                ) {
                    #(#visit)*
                }

                #[inline]
                fn inputs<__S: ::difrules_core::Real, __U: ::difrules_core::Real>(
                    arguments: &Self::Arguments<'_, __S>,
                    f: &mut impl FnMut(usize, __S) -> __U,
                ) -> Self::Inputs<__U> {
                    (#(#inputs,)*)
                }

                #[inline]
                fn map_inputs<__S: ::difrules_core::Real, __U: ::difrules_core::Real>(
                    inputs: &Self::Inputs<__S>,
                    f: &mut impl FnMut(__S) -> __U,
                ) -> Self::Inputs<__U> {
                    (#(#map_inputs,)*)
                }

                #[inline]
                fn update_inputs<__S: ::difrules_core::Real>(
                    inputs: &mut Self::Inputs<__S>,
                    f: &mut impl FnMut(usize, &mut __S),
                ) {
                    #(#update_inputs)*
                }

                #[inline]
                fn lend<__S: ::difrules_core::Real>(
                    inputs: &mut Self::Inputs<__S>,
                ) -> Self::Arguments<'_, __S> {
                    (#(#lend,)*)
                }

                #[inline]
                fn zip_overwritten<__S: ::difrules_core::Real, __U: ::difrules_core::Real>(
                    arguments: &mut Self::Arguments<'_, __S>,
                    inputs: &Self::Inputs<__U>,
                    f: &mut impl FnMut(&mut __S, __U),
                ) {
                    #(#zip_overwritten)*
                }

                #[inline]
                fn map_output<__S: ::difrules_core::Real, __U: ::difrules_core::Real>(
                    output: &Self::Output<__S>,
                    f: &mut impl FnMut(__S) -> __U,
                ) -> Self::Output<__U> {
                    <Self::Output<__S> as ::difrules_core::Differentiable>::map_reals(output, f)
                }

                #[inline]
                fn zip_output<__S: ::difrules_core::Real, __U: ::difrules_core::Real>(
                    output: &mut Self::Output<__S>,
                    other: &Self::Output<__U>,
                    f: &mut impl FnMut(&mut __S, __U),
                ) {
                    <Self::Output<__S> as ::difrules_core::Differentiable>::zip_reals(output, other, f);
                }

                #[inline]
                fn into_result<__S: ::difrules_core::Real>(
                    returned: Self::Return<__S>,
                ) -> ::core::result::Result<Self::Output<__S>, Self::Error> {
                    #into_result
                }

                #[inline]
                fn from_result<__S: ::difrules_core::Real>(
                    result: ::core::result::Result<Self::Output<__S>, Self::Error>,
                ) -> Self::Return<__S> {
                    #from_result
                }
            }
        }
    }

    /// The owned arguments at a real scalar.
    pub(super) fn input_types(&self, real: &TokenStream) -> Vec<TokenStream> {
        self.function
            .arguments
            .iter()
            .map(|argument| {
                let value = self.at(&argument.value, real);
                let constant = &argument.value;
                match argument.form {
                    Form::Constant => quote!(#constant),
                    Form::ConstantReference => quote!(<#constant as ::std::borrow::ToOwned>::Owned),
                    _ => quote!(#value),
                }
            })
            .collect()
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
                let i = syn::Index::from(i);
                let from = self.at(&argument.value, &s);
                let to = &argument.value;
                match (argument.form, self.function.is_plain()) {
                    (Form::View, _) => quote!(&arguments.#i),
                    (Form::ViewMut, _) => quote!(&mut arguments.#i),
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
            quote!(::difrules_core::__private::same::<#from, #to>(#ident(#(#handed),*)))
        } else {
            let scalar = self.scalar_at(&quote!(__S));
            let generics = self.function.item.sig.generics.params.iter().map(|parameter| {
                let name = parameter_ident(parameter);
                if name.is_some_and(|name| self.function.is_scalar_parameter(name)) {
                    scalar.clone()
                } else if self
                    .function
                    .rule_parameters
                    .iter()
                    .any(|other| parameter_ident(other) == name)
                {
                    name.to_token_stream()
                } else {
                    // A storage: that of the view or the owned matrix.
                    quote!(_)
                }
            });
            quote!(#ident::primal::<#(#generics),*>(#(#handed),*))
        }
    }

    pub(super) fn augmented(&self) -> TokenStream {
        let Some(saves) = &self.options.saves else {
            return quote! {
                match Self::into_result::<__S>(<__S as ::difrules_core::Real>::apply::<Self>(arguments)) {
                    ::core::result::Result::Ok(output) => ::core::result::Result::Ok((output, ())),
                    ::core::result::Result::Err(error) => ::core::result::Result::Err(error),
                }
            };
        };
        let path = &saves.augmented;
        let handed = self.handed();
        let call = quote_spanned!(path.span()=> #path(#(#handed),*));
        let result = if self.function.output.fallible {
            call
        } else {
            quote!(::core::result::Result::Ok(#call))
        };
        if self.function.is_plain() {
            let (output, saved) = (self.output_type(), &saves.saved);
            quote! {
                let result: ::core::result::Result<(#output, #saved), Self::Error> = #result;
                result.map(::difrules_core::__private::same::<(#output, #saved), (Self::Output<__S>, Self::Saved<__S>)>)
            }
        } else {
            result
        }
    }
}
