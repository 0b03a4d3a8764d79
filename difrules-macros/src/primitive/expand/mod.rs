//! The expansion: the function that dispatches on the mode, the empty type of the same name that
//! carries the rules, its implementation of `Primitive`, and its record.

mod formulas;
mod implementation;
mod record;
mod rule;

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote_spanned};
use syn::spanned::Spanned;
use syn::{GenericParam, Ident, ItemFn, Pat, Type};

use crate::errors::Errors;
use crate::primitive::function::{Form, Function, ScalarParameter, with_lifetimes};
use crate::primitive::options::{Kernel, Options, Rule, Text};
use crate::tokens::hygiene::quote;
use crate::tokens::pretty;

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
        if options.partial.is_empty() {
            let rule = |rule: &Option<Rule>, text| match rule {
                Some(rule) => errors.keep(expansion.rule(rule, text)).map(Some),
                None => Some(None),
            };
            let forward = rule(&options.forward, Text::Forward);
            let reverse = rule(&options.reverse, Text::Reverse);
            (expansion.forward, expansion.reverse) = (forward?, reverse?);
        } else {
            let values = expansion.partial_values();
            let with = |last: Vec<Parameter>| RuleText {
                parameters: values.iter().copied().chain(last).collect(),
                body: Body::Partials,
            };
            let (tangents, cotangents) = (expansion.tangents(), expansion.cotangents());
            expansion.forward = Some(with(tangents));
            expansion.reverse = Some(with(cotangents));
        }
        Some(expansion)
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
            quote!(<__K as __difrules::Kind>::Of<#real>)
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

    /// The empty type. Braces, so that it takes no value name.
    fn marker(&self) -> TokenStream {
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
    fn marker_arguments(&self, kind: &TokenStream) -> TokenStream {
        let names = self.function.parameters.iter().map(parameter_name);
        let kind = self.function.is_complex().then(|| kind.clone());
        let all = kind.into_iter().chain(names);
        quote!(<#(#all),*>)
    }

    /// The function under its own name, with items in its body.
    fn entry(&self, items: &TokenStream) -> TokenStream {
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
        let names: Vec<_> = function.arguments.iter().map(|argument| &argument.ident).collect();
        let handed = function.arguments.iter().map(|argument| {
            let name = &argument.ident;
            match argument.form {
                Form::Storage => quote!(__difrules::__private::view(#name)),
                Form::StorageMut => quote!(__difrules::__private::view_mut(#name)),
                _ => quote!(#name),
            }
        });
        let arguments = self.marker_arguments(&kind);
        let generics = function.item.sig.generics.params.iter().filter_map(parameter_ident);
        // The body has moved, so a lint expected in it is not met here.
        let attrs = attrs.iter().filter(|attribute| !attribute.path().is_ident("expect"));
        quote! {
            #(#attrs)*
            #[inline]
            #vis #sig {
                #items
                if <#real as __difrules::Real>::BASE {
                    return #ident::primal::<#(#generics),*>(#(#names),*);
                }
                <#real as __difrules::Real>::apply::<#ident #arguments>((#(#handed,)*))
            }
        }
    }

    /// The function's own text, with its kernels before it.
    fn primal_function(&self) -> TokenStream {
        let function = self.function;
        let ScalarParameter::Generic { ident: scalar, .. } = &function.scalar else {
            return quote!();
        };
        let visibility = &function.item.vis;
        let mut sig = function.item.sig.clone();
        sig.ident = Ident::new("primal", Span::call_site());
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
    fn on(&self) -> TokenStream {
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
        let doc =
            format!("{} in a mode: at `{base}`, `Dual<{base}, N>` or `Var<{base}>`.", self.link());
        quote! {
            #[doc = #doc]
            #visibility fn on<__M: __difrules::Over<#base>>(#(#names: #types),*) -> #output {
                <__M as __difrules::Real>::apply::<#ident>((#(#names,)*))
            }
        }
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

/// An argument as one of another type that is known to be the same.
fn cast(form: Form, argument: &TokenStream, from: &Type, to: &Type) -> TokenStream {
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
