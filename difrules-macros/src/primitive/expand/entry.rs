//! The function under its own name, its text, and the empty type that is called like it.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote_spanned};
use syn::spanned::Spanned;
use syn::{GenericParam, Ident, ItemFn, Pat, Type};

use super::{Expansion, call_by_pointer, parameter_ident, parameter_name, tuple};
use crate::primitive::function::{Form, ScalarParameter, with_lifetimes};
use crate::primitive::options::{Kernel, Text};
use crate::tokens::hygiene::quote;

impl Expansion<'_> {
    /// The empty type. Braces, so that it takes no value name.
    pub(super) fn marker(&self) -> TokenStream {
        let ident = self.function.ident();
        let mut parameters = Vec::new();
        let mut types = Vec::new();
        if self.function.is_complex() {
            parameters.push(quote!(__K = ()));
            types.push(quote!(__K));
        }
        for parameter in &self.function.parameters {
            match parameter {
                GenericParam::Const(parameter) => {
                    let (name, of) = (&parameter.ident, &parameter.ty);
                    let default = match of.to_token_stream().to_string().as_str() {
                        "bool" => quote!(false),
                        "char" => quote!('\0'),
                        _ => quote!(0),
                    };
                    parameters.push(quote!(const #name: #of = #default));
                }
                GenericParam::Type(parameter) => {
                    let name = &parameter.ident;
                    parameters.push(quote!(#name = ()));
                    types.push(quote!(#name));
                }
                GenericParam::Lifetime(_) => {}
            }
        }
        quote! {
            struct #ident<#(#parameters),*> {
                never: __difrules::__private::core::marker::PhantomData<fn() -> (#(#types,)*)>,
            }
        }
    }

    /// The marker's arguments, the kind first.
    pub(super) fn marker_arguments(&self, kind: &TokenStream) -> TokenStream {
        let names = self.function.parameters.iter().map(parameter_name);
        let kind = self.function.is_complex().then(|| kind.clone());
        let all = kind.into_iter().chain(names);
        quote!(<#(#all),*>)
    }

    /// The function under its own name, with items in its body.
    pub(super) fn entry(&self, items: &TokenStream) -> TokenStream {
        let function = self.function;
        let ItemFn { attrs, vis, sig, block, .. } = &function.item;
        let ident = function.ident();
        let scalar = match &function.scalar {
            ScalarParameter::Plain(_) => {
                let statements = &block.stmts;
                return quote!(#(#attrs)* #vis #sig { #items #(#statements)* });
            }
            ScalarParameter::Generic { ident, .. } => ident,
        };
        let mut sig = sig.clone();
        for input in &mut sig.inputs {
            if let syn::FnArg::Typed(input) = input
                && let Pat::Ident(pattern) = &mut *input.pat
            {
                pattern.mutability = None;
            }
        }
        let (real, kind) = if function.is_complex() {
            (
                quote!(<#scalar as __difrules::Scalar>::Real),
                quote!(<#scalar as __difrules::Scalar>::Kind),
            )
        } else {
            (quote!(#scalar), quote!())
        };
        let names = function.arguments.iter().map(|argument| argument.ident.to_token_stream());
        let names: Vec<_> = names.collect();
        let handed = function.arguments.iter().map(|argument| {
            let name = &argument.ident;
            match argument.form {
                Form::Storage => quote!(__difrules::__private::view(#name)),
                Form::StorageMut => quote!(__difrules::__private::view_mut(#name)),
                _ => quote!(#name),
            }
        });
        let handed = tuple(&handed.collect::<Vec<_>>());
        let arguments = self.marker_arguments(&kind);
        let generics = function.item.sig.generics.params.iter().filter_map(parameter_ident);
        let primal = call_by_pointer(&quote!(#ident::primal::<#(#generics),*>), &names);
        // The body has moved, so a lint expected in it is not met here.
        let attrs = attrs.iter().filter(|attribute| !attribute.path().is_ident("expect"));
        quote! {
            #(#attrs)*
            #[inline]
            #vis #sig {
                #items
                if <#real as __difrules::Real>::BASE {
                    return #primal;
                }
                <#real as __difrules::Real>::apply::<#ident #arguments>(#handed)
            }
        }
    }

    /// The function's own text, with its kernels before it.
    pub(super) fn primal_function(&self) -> TokenStream {
        let function = self.function;
        let ScalarParameter::Generic { ident: scalar, .. } = &function.scalar else {
            return quote!();
        };
        let visibility = &function.item.vis;
        let mut sig = function.item.sig.clone();
        sig.ident = Ident::new("primal", Span::call_site());
        // It is called from Rust alone.
        sig.abi = None;
        let statements = &function.item.block.stmts;
        let allows = function.item.attrs.iter().filter(|attribute| {
            ["allow", "expect", "warn"].iter().any(|name| attribute.path().is_ident(name))
        });
        let kernels = self.options.kernels.iter().filter(|kernel| kernel.text == Text::Primal).map(
            |kernel| {
                let Kernel { scalar: base, path, .. } = kernel;
                let base_tokens = quote!(#base);
                let real = quote!(<#base as __difrules::Scalar>::Real);
                let arguments = function.arguments.iter().map(|argument| {
                    let name = &argument.ident;
                    let from = &argument.value;
                    let to = function.substitute(from, &base_tokens, &real);
                    cast(argument.form, &quote!(#name), from, &to)
                });
                let from = function.substitute(&function.output.written, &base_tokens, &real);
                let to = &function.output.written;
                let call = quote_spanned!(path.span()=> #path(#(#arguments),*));
                quote! {
                    if __difrules::__private::is_same::<#scalar, #base>() {
                        return __difrules::__private::same::<#from, #to>(#call);
                    }
                }
            },
        );
        let doc = format!("The text of {} itself, which no mode intercepts.", self.link());
        quote! {
            #[doc = #doc]
            #(#allows)*
            #[inline]
            #visibility #sig {
                #(#kernels)*
                #(#statements)*
            }
        }
    }

    /// The call of a plain function in a mode.
    pub(super) fn on(&self) -> TokenStream {
        let function = self.function;
        let ScalarParameter::Plain(base) = &function.scalar else { return quote!() };
        let (ident, visibility) = (function.ident(), &function.item.vis);
        let mode = quote!(__M);
        let names: Vec<_> = function.arguments.iter().map(|argument| &argument.ident).collect();
        let types = function.arguments.iter().map(|argument| match argument.is_constant() {
            true => with_lifetimes(&argument.written, "'_"),
            false => function.substitute(&with_lifetimes(&argument.written, "'_"), &mode, &mode),
        });
        let output = function.substitute(&function.output.written, &mode, &mode);
        let handed = tuple(&names);
        let doc =
            format!("{} in a mode: at `{base}`, `Dual<{base}, N>` or `Var<{base}>`.", self.link());
        quote! {
            #[doc = #doc]
            #[allow(clippy::all, clippy::pedantic)]
            #visibility fn on<__M: __difrules::contract::Over<#base>>(#(#names: #types),*) -> #output {
                <__M as __difrules::Real>::apply::<#ident>(#handed)
            }
        }
    }
}

/// An argument as one of another type that is known to be the same.
pub(super) fn cast(form: Form, argument: &TokenStream, from: &Type, to: &Type) -> TokenStream {
    match form {
        Form::Value => quote!(__difrules::__private::same::<#from, #to>(#argument)),
        Form::Reference => quote!(__difrules::__private::same_ref::<#from, #to>(#argument)),
        Form::Mutable => quote!(__difrules::__private::same_mut::<#from, #to>(#argument)),
        Form::Slice => quote! {
            __difrules::__private::same_slice_ref::<
                <#from as __difrules::__private::List>::Element,
                <#to as __difrules::__private::List>::Element,
            >(#argument)
        },
        Form::SliceMut => quote! {
            __difrules::__private::same_slice::<
                <#from as __difrules::__private::List>::Element,
                <#to as __difrules::__private::List>::Element,
            >(#argument)
        },
        Form::View => quote!(__difrules::__private::same_view(#argument)),
        Form::ViewMut => quote!(__difrules::__private::same_view_mut(#argument)),
        Form::Storage | Form::StorageMut | Form::Constant | Form::ConstantReference => {
            quote!(#argument)
        }
    }
}
