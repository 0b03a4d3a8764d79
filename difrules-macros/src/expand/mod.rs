//! The expansion: the function that dispatches on the mode, the empty type of the same name that
//! carries the rules, its implementation of `Primitive`, and its record.

mod formulas;
mod implementation;
mod record;
mod rules;

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote_spanned};
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{Error, GenericParam, Ident, ItemFn, LitStr, Pat, Result, Type};

use crate::function::{Form, Function, ScalarParameter, with_lifetimes};
use crate::hygiene::quote;
use crate::options::{Kernel, Options, Rule, Text};
use crate::{pretty, rename, ungroup};

use rules::{Body, Parameter, RuleText};

pub(crate) fn primitive(options: TokenStream, item: TokenStream) -> Result<TokenStream> {
    let (options, mut item) = (ungroup::parenthesised(options), ungroup::parenthesised(item));
    let mut parsed: Options = syn::parse2(options.clone())?;
    if let Some(owner) = parsed.owner.take() {
        if rename::mentions_parameters(&owner) {
            return Err(Error::new(
                owner.span(),
                "an associated function of a generic type has no primitive: the rules could not \
                 name the type's parameters; write a free function",
            ));
        }
        parsed = syn::parse2(rename::owner(options, &owner))?;
        item = rename::owner(item, &owner);
        parsed.owner = Some(owner);
    }
    let mut item: ItemFn = syn::parse2(item).map_err(|error| {
        Error::new(error.span(), "`#[primitive]` stands on a function with a body")
    })?;
    ungroup::function(&mut item);
    let function = Function::new(item, &parsed)?;
    let expansion = Expansion::new(&function, &parsed)?;
    let tokens = expansion.tokens();
    Ok(match &parsed.root {
        Some(root) => rename::root(tokens, root),
        None => tokens,
    })
}

struct Expansion<'a> {
    function: &'a Function,
    options: &'a Options,
    forward: Option<RuleText>,
    reverse: Option<RuleText>,
}

impl<'a> Expansion<'a> {
    fn new(function: &'a Function, options: &'a Options) -> Result<Self> {
        let has_rule = options.forward.is_some() || options.reverse.is_some();
        let has_partial = !options.partial.is_empty();
        if !has_rule && !has_partial {
            return Err(Error::new(
                function.ident().span(),
                "a primitive has a rule: give `forward = ..`, `reverse = ..` or, for real numbers, \
                 `partial = |x| ..`",
            ));
        }
        if has_rule && has_partial {
            return Err(Error::new(
                options.partial[0].span(),
                "`partial` makes both rules; leave out `forward` and `reverse`, or `partial`",
            ));
        }
        if !function.is_plain() && options.instances.is_empty() {
            return Err(Error::new(
                function.ident().span(),
                "say at which types a generic primitive is registered: `instances(f32, f64)`",
            ));
        }
        if let (true, Some(instance)) = (function.is_plain(), options.instances.first()) {
            return Err(Error::new(
                instance.span(),
                "a plain function has one instance, its own type: leave out `instances`",
            ));
        }
        let closures = |rule: &Option<Rule>| !matches!(rule, Some(Rule::Path(_)));
        if let Some(reads) = &options.reads
            && closures(&options.forward)
            && closures(&options.reverse)
        {
            return Err(Error::new(
                reads.span,
                "`reads` says what rules given by path read; in a closure, write `_` for what it \
                 does not read",
            ));
        }
        let name = options.name.as_ref().map(LitStr::value);
        let mut names = vec![name.unwrap_or_else(|| function.ident().unraw().to_string())];
        for alias in &options.aliases {
            if names.contains(&alias.value()) {
                return Err(Error::new(alias.span(), "it has this name already"));
            }
            names.push(alias.value());
        }
        let mut expansion = Self { function, options, forward: None, reverse: None };
        expansion.check_instances()?;
        expansion.check_kernels()?;
        if let Some(complex) = options.complex.first() {
            if !has_partial || !function.is_complex() || function.rule_parameters.len() > 1 {
                return Err(Error::new(
                    complex.span(),
                    "`complex` is for `partial` derivatives of a function that is generic over \
                     `T: Scalar` alone",
                ));
            }
            expansion.check_closures(&options.complex)?;
        }
        if !options.symbolic.is_empty() {
            expansion.check_closures(&options.symbolic)?;
            let unknown = if has_partial { Vec::new() } else { expansion.unknown() };
            for argument in unknown.into_iter().map(|i| &function.arguments[i]) {
                if argument.form != Form::Value || !function.is_scalar(&argument.value) {
                    return Err(Error::new(
                        argument.written.span(),
                        "only a number passed by value has an `unknown` derivative",
                    ));
                }
            }
        }
        if has_partial {
            expansion.check_partials()?;
            let values = expansion.partial_values();
            let with = |last: Vec<Parameter>| RuleText {
                parameters: values.iter().copied().chain(last).collect(),
                body: Body::Partials,
            };
            expansion.forward = Some(with(expansion.tangents()));
            expansion.reverse = Some(with(expansion.cotangents()));
        } else {
            expansion.forward = options
                .forward
                .as_ref()
                .map(|rule| expansion.rule(rule, Text::Forward))
                .transpose()?;
            expansion.reverse = options
                .reverse
                .as_ref()
                .map(|rule| expansion.rule(rule, Text::Reverse))
                .transpose()?;
        }
        Ok(expansion)
    }

    fn check_kernels(&self) -> Result<()> {
        let mut seen = Vec::new();
        for kernel in &self.options.kernels {
            let one = (kernel.text, pretty::text(&kernel.scalar));
            if seen.contains(&one) {
                return Err(Error::new(
                    kernel.scalar.span(),
                    "this scalar has two kernels; keep one of them",
                ));
            }
            seen.push(one);
        }
        for kernel in &self.options.kernels {
            if self.function.is_plain() {
                return Err(Error::new(
                    kernel.path.span(),
                    "a plain function is its own kernel; make it generic to give others",
                ));
            }
            let rule = match kernel.text {
                Text::Primal => continue,
                Text::Forward => &self.options.forward,
                Text::Reverse => &self.options.reverse,
            };
            if rule.is_none() {
                return Err(Error::new(
                    kernel.path.span(),
                    "a kernel stands beside a general rule, which serves the other scalars and all \
                     higher orders: give the rule too",
                ));
            }
        }
        let views =
            |a: &&crate::function::Argument| matches!(a.form, Form::Storage | Form::StorageMut);
        let primal_kernel = self.options.kernels.iter().find(|kernel| kernel.text == Text::Primal);
        if let (Some(kernel), Some(argument)) =
            (primal_kernel, self.function.arguments.iter().find(views))
        {
            return Err(Error::new(
                kernel.path.span(),
                format!(
                    "a kernel takes owned matrices, but `{}` is of any storage",
                    argument.ident
                ),
            ));
        }
        Ok(())
    }

    /// The output type as written; `[T; 0]` stands for `()`.
    fn output_type(&self) -> Type {
        self.function.output.value.clone().unwrap_or_else(|| {
            let real = match &self.function.scalar {
                ScalarParameter::Generic { ident, complex: true } => {
                    quote!(<#ident as ::difrules_core::Scalar>::Real)
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
            quote!(<__K as ::difrules_core::Kind>::Of<#real>)
        } else {
            real.clone()
        }
    }

    fn tokens(&self) -> TokenStream {
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
                never: ::difrules_core::__private::core::marker::PhantomData<fn() -> (#(#types,)*)>,
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
                quote!(<#scalar as ::difrules_core::Scalar>::Real),
                quote!(<#scalar as ::difrules_core::Scalar>::Kind),
            )
        } else {
            (quote!(#scalar), quote!())
        };
        let names: Vec<_> = function.arguments.iter().map(|argument| &argument.ident).collect();
        let handed = function.arguments.iter().map(|argument| {
            let name = &argument.ident;
            match argument.form {
                Form::Storage => quote!(::difrules_core::__private::view(#name)),
                Form::StorageMut => quote!(::difrules_core::__private::view_mut(#name)),
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
                if <#real as ::difrules_core::Real>::BASE {
                    return #ident::primal::<#(#generics),*>(#(#names),*);
                }
                <#real as ::difrules_core::Real>::apply::<#ident #arguments>((#(#handed,)*))
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
                let real = quote!(<#base as ::difrules_core::Scalar>::Real);
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
                    if ::difrules_core::__private::is_same::<#scalar, #base>() {
                        return ::difrules_core::__private::same::<#from, #to>(#call);
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
            #visibility fn on<__M: ::difrules_core::Over<#base>>(#(#names: #types),*) -> #output {
                <__M as ::difrules_core::Real>::apply::<#ident>((#(#names,)*))
            }
        }
    }
}

fn parameter_ident(parameter: &GenericParam) -> Option<&Ident> {
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
        Form::Value => quote!(::difrules_core::__private::same::<#from, #to>(#argument)),
        Form::Reference => quote!(::difrules_core::__private::same_ref::<#from, #to>(#argument)),
        Form::Mutable => quote!(::difrules_core::__private::same_mut::<#from, #to>(#argument)),
        Form::Slice => quote! {
            ::difrules_core::__private::same_slice_ref::<
                <#from as ::difrules_core::__private::List>::Element,
                <#to as ::difrules_core::__private::List>::Element,
            >(#argument)
        },
        Form::SliceMut => quote! {
            ::difrules_core::__private::same_slice::<
                <#from as ::difrules_core::__private::List>::Element,
                <#to as ::difrules_core::__private::List>::Element,
            >(#argument)
        },
        Form::View => quote!(::difrules_core::__private::same_view(#argument)),
        Form::ViewMut => quote!(::difrules_core::__private::same_view_mut(#argument)),
        Form::Storage | Form::StorageMut | Form::Constant | Form::ConstantReference => {
            quote!(#argument)
        }
    }
}
