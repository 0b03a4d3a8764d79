//! The expansion: the function that dispatches on the mode, the empty type of the same name that
//! carries the rules, its implementation of `Primitive`, and its record.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, format_ident, quote_spanned};
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{
    Error, Expr, ExprClosure, GenericParam, Ident, ItemFn, Lit, Meta, Pat, Path, Result, Type,
};

use crate::function::{Form, Function, ScalarParameter};
use crate::options::{Instance, Kernel, Options, Read, Rule, Text};
use crate::pretty;

/// Tokens whose local names neither see nor hide the user's.
macro_rules! quote {
    ($($tokens:tt)*) => { quote_spanned!(Span::mixed_site()=> $($tokens)*) };
}

pub(crate) fn primitive(options: TokenStream, item: TokenStream) -> Result<TokenStream> {
    let options: Options = syn::parse2(options)?;
    let item: ItemFn = syn::parse2(item).map_err(|error| {
        Error::new(error.span(), "`#[primitive]` stands on a function with a body")
    })?;
    let function = Function::new(item, &options)?;
    let expansion = Expansion::new(&function, &options)?;
    Ok(expansion.tokens())
}

/// A value that a rule takes, in the order of the rule's parameters.
#[derive(Clone, Copy, PartialEq)]
enum Parameter {
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

/// A rule with its parameters.
struct RuleText {
    parameters: Vec<Parameter>,
    body: Body,
}

enum Body {
    Path(Path),
    Closure(ExprClosure),
    /// A reverse closure that returns its contributions in place of adding to slots.
    Returning(ExprClosure),
    /// Made from the partial derivatives.
    Partials,
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
        let mut names = vec![function.ident().unraw().to_string()];
        for alias in &options.aliases {
            if names.contains(&alias.value()) {
                return Err(Error::new(alias.span(), "it has this name already"));
            }
            names.push(alias.value());
        }
        let mut expansion = Self { function, options, forward: None, reverse: None };
        expansion.check_instances()?;
        expansion.check_kernels()?;
        if has_partial {
            expansion.check_partials()?;
            let values = expansion.values();
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

    fn check_instances(&self) -> Result<()> {
        let mut seen = Vec::new();
        for instance in &self.options.instances {
            let shown = match instance {
                Instance::Scalar(scalar) => {
                    let constant =
                        self.function.parameters.iter().find_map(|parameter| match parameter {
                            GenericParam::Const(parameter) => Some(&parameter.ident),
                            _ => None,
                        });
                    if let Some(constant) = constant {
                        return Err(Error::new(
                            scalar.span(),
                            format!(
                                "`{constant}` has no default: write all parameters in order, `<..>`"
                            ),
                        ));
                    }
                    pretty::text(scalar)
                }
                Instance::All(all) => {
                    let wanted = self.function.rule_parameters.len();
                    if all.args.len() != wanted {
                        return Err(Error::new(
                            all.span(),
                            format!(
                                "write all {wanted} parameters in order; here are {}",
                                all.args.len()
                            ),
                        ));
                    }
                    pretty::text(&all.args)
                }
            };
            if seen.contains(&shown) {
                return Err(Error::new(
                    instance.span(),
                    "this instance is given twice; keep one of them",
                ));
            }
            seen.push(shown);
        }
        Ok(())
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
        let views = |a: &&crate::function::Argument| matches!(a.form, Form::View | Form::ViewMut);
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

    fn check_partials(&self) -> Result<()> {
        let function = self.function;
        for argument in function.arguments.iter().filter(|argument| !argument.is_constant()) {
            if argument.form != Form::Value || !function.is_scalar(&argument.value) {
                return Err(Error::new(
                    argument.written.span(),
                    "`partial` is for numbers passed by value; give a matrix `forward` and `reverse`",
                ));
            }
        }
        if !function.output.value.as_ref().is_some_and(|value| function.is_scalar(value)) {
            return Err(Error::new(
                function.output.written.span(),
                "`partial` is for functions that return one number; give `forward` and `reverse`",
            ));
        }
        let wanted = self.differentiable().count();
        if self.options.partial.len() != wanted {
            return Err(Error::new(
                self.options.partial[0].span(),
                format!(
                    "`{}` has {wanted} differentiable arguments and needs a partial derivative by \
                     each; here are {}",
                    function.ident(),
                    self.options.partial.len(),
                ),
            ));
        }
        let arity = function.arguments.len();
        for closure in &self.options.partial {
            if closure.inputs.len() != arity && closure.inputs.len() != arity + 1 {
                return Err(Error::new(
                    closure.span(),
                    format!(
                        "a partial derivative takes the {arity} arguments of `{}`, and its result if \
                         it likes: {} or {} parameters",
                        function.ident(),
                        arity,
                        arity + 1,
                    ),
                ));
            }
        }
        if let Some(saves) = &self.options.saves {
            return Err(Error::new(saves.augmented.span(), "`partial` reads no saved values"));
        }
        Ok(())
    }

    /// The numbers of the differentiable arguments.
    fn differentiable(&self) -> impl Iterator<Item = usize> + '_ {
        let arguments = self.function.arguments.iter().enumerate();
        arguments.filter(|(_, argument)| !argument.is_constant()).map(|(i, _)| i)
    }

    /// The numbers of the `&mut` arguments.
    fn in_place(&self) -> impl Iterator<Item = usize> + '_ {
        let arguments = self.function.arguments.iter().enumerate();
        arguments.filter(|(_, argument)| argument.is_in_place()).map(|(i, _)| i)
    }

    /// All values that a rule can read.
    fn values(&self) -> Vec<Parameter> {
        let before = (0..self.function.arguments.len()).map(Parameter::Before);
        let output = self.function.output.value.as_ref().map(|_| Parameter::Output);
        before.chain(output).chain(self.in_place().map(Parameter::After)).collect()
    }

    fn tangents(&self) -> Vec<Parameter> {
        self.differentiable().map(Parameter::Tangent).collect()
    }

    fn cotangents(&self) -> Vec<Parameter> {
        let output = self.function.output.value.as_ref().map(|_| Parameter::OutputCotangent);
        output.into_iter().chain(self.differentiable().map(Parameter::Slot)).collect()
    }

    fn rule(&self, rule: &Rule, text: Text) -> Result<RuleText> {
        let saved = self.options.saves.as_ref().map(|_| Parameter::Saved);
        let last = match text {
            Text::Forward => self.tangents(),
            _ => self.cotangents(),
        };
        match rule {
            Rule::Path(path) => {
                let values = match &self.options.reads {
                    Some(reads) => reads.values.iter().map(|read| self.read(read)).collect(),
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
                if given != all.len() && !returning {
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

    fn read(&self, read: &Read) -> Parameter {
        let position = |name: &Ident| {
            self.function.arguments.iter().position(|a| a.ident == *name).expect("checked")
        };
        match read {
            Read::Argument(name) => Parameter::Before(position(name)),
            Read::After(name) => Parameter::After(position(name)),
            Read::Output(_) => Parameter::Output,
        }
    }

    fn parameter_name(&self, parameter: Parameter) -> String {
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

    // ---------------------------------------------------------------- types

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

    /// The type of a parameter of a rule, written in the function's own parameters.
    fn parameter_type(&self, parameter: Parameter) -> TokenStream {
        let value = |i: usize| &self.function.arguments[i].value;
        let output = self.output_type();
        match parameter {
            Parameter::Before(i) | Parameter::Tangent(i) => {
                let value = value(i);
                match (self.function.arguments[i].form, parameter) {
                    (Form::Constant, _) => quote!(#value),
                    (Form::Value, _) => {
                        quote!(<#value as ::difrules_core::Differentiable>::Ref<'_>)
                    }
                    (Form::Mutable | Form::ViewMut, Parameter::Tangent(_)) => quote!(&mut #value),
                    _ => quote!(&#value),
                }
            }
            Parameter::Output => quote!(<#output as ::difrules_core::Differentiable>::Ref<'_>),
            Parameter::After(i) => {
                let value = value(i);
                quote!(&#value)
            }
            Parameter::Saved => {
                let saved = &self.options.saves.as_ref().expect("a saved value").saved;
                quote!(&#saved)
            }
            Parameter::OutputCotangent => quote!(::difrules_core::Cotangent<'_, #output>),
            Parameter::Slot(i) => {
                let value = value(i);
                if self.function.arguments[i].is_in_place() {
                    quote!(::difrules_core::Adjoint<'_, #value>)
                } else {
                    quote!(::difrules_core::Slot<'_, #value>)
                }
            }
        }
    }

    // ---------------------------------------------------------------- rules as functions

    /// A rule as a function of the empty type, generic like the primitive.
    fn rule_function(&self, name: &str, doc: &str, rule: &RuleText) -> TokenStream {
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
                None => format_ident!("__p{i}", span = Span::mixed_site()).into_token_stream(),
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
                let contributions: Vec<_> = (0..values.len())
                    .map(|i| format_ident!("__contribution{i}", span = Span::mixed_site()))
                    .collect();
                if values.len() == 1 {
                    quote!(#(let __contribution0: #values = #body; #slots.add(|| __contribution0);)*)
                } else {
                    quote! {
                        let (#(#contributions),*): (#(#values),*) = #body;
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
    fn rule_of_partials(&self, reverse: bool, patterns: &[TokenStream]) -> TokenStream {
        let values = self.values().len();
        let partials = (0..self.options.partial.len()).map(|k| format_ident!("partial_{k}"));
        // A constant that is passed by value is needed by each partial derivative.
        let arguments =
            self.values().into_iter().zip(patterns).map(|(parameter, pattern)| match parameter {
                Parameter::Before(i) if self.function.arguments[i].form == Form::Constant => {
                    quote!(::core::clone::Clone::clone(&#pattern))
                }
                _ => pattern.clone(),
            });
        let parameters = self.function.rule_parameters.iter().map(parameter_name);
        let parameters =
            if self.function.is_plain() { quote!() } else { quote!(::<#(#parameters),*>) };
        let partials = partials.map(|partial| quote!(#partial #parameters));
        let arguments = quote!(#(#arguments),*);
        let ident = self.function.ident();
        if reverse {
            let cotangent = &patterns[values];
            let slots = &patterns[values + 1..];
            quote! {#(
                #slots.add(|| {
                    ::difrules_core::__private::conjugate(#ident::#partials(#arguments)) * #cotangent
                });
            )*}
        } else {
            let tangents = &patterns[values..];
            quote! {
                let mut __sum = ::difrules_core::__private::zero();
                #(if !::difrules_core::__private::is_zero(&#tangents) {
                    __sum += #ident::#partials(#arguments) * #tangents;
                })*
                __sum
            }
        }
    }

    fn partial_functions(&self) -> TokenStream {
        let parameters = &self.function.rule_parameters;
        let conditions = &self.function.rule_conditions;
        let types: Vec<_> = self.values().iter().map(|p| self.parameter_type(*p)).collect();
        let output = self.output_type();
        let functions = self.options.partial.iter().enumerate().map(|(k, closure)| {
            let name = format_ident!("partial_{k}");
            let mut patterns: Vec<_> =
                closure.inputs.iter().map(|p| untyped(p).into_token_stream()).collect();
            if patterns.len() < types.len() {
                patterns.push(quote!(_));
            }
            let body = &closure.body;
            quote! {
                #[allow(unused_braces, unused_parens, clippy::all, clippy::pedantic)]
                fn #name<#(#parameters),*>(#(#patterns: #types),*) -> #output
                where #(#conditions),*
                {
                    #body
                }
            }
        });
        quote!(#(#functions)*)
    }

    /// The parameters that the rule's function has, with the closure's patterns: those that a
    /// closure ignores by `_` are left out.
    fn read_by<'r>(&self, rule: &'r RuleText) -> Vec<(Parameter, Option<&'r Pat>)> {
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

    fn reads(&self, rule: Option<&RuleText>) -> Vec<Parameter> {
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
    fn overwritten(&self) -> Vec<usize> {
        let forward = self.reads(self.forward.as_ref());
        let reverse = self.reads(self.reverse.as_ref());
        self.in_place()
            .filter(|&i| {
                forward.contains(&Parameter::Before(i)) || reverse.contains(&Parameter::Before(i))
            })
            .collect()
    }

    // ---------------------------------------------------------------- everything

    fn tokens(&self) -> TokenStream {
        let function = self.function;
        let ident = function.ident();
        let item = &function.item;
        let visibility = &item.vis;
        let marker = self.marker();
        let entry = self.entry();
        let primal = self.primal_function();
        let forward = self.forward.as_ref().map(|rule| {
            self.rule_function("forward", &format!("The forward rule of [`fn@{ident}`]."), rule)
        });
        let reverse = self.reverse.as_ref().map(|rule| {
            self.rule_function("reverse", &format!("The reverse rule of [`fn@{ident}`]."), rule)
        });
        let partials = self.partial_functions();
        let on = function.is_plain().then(|| self.on());
        let implementation = self.implementation();
        let doc = format!("The rules of [`fn@{ident}`].");
        let cfgs: Vec<_> =
            item.attrs.iter().filter(|attribute| attribute.path().is_ident("cfg")).collect();
        quote! {
            #entry

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
                #on
            }

            #(#cfgs)*
            #[allow(unused_variables, unused_mut, clippy::all, clippy::pedantic)]
            const _: () = {
                #implementation
            };
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
                never: ::core::marker::PhantomData<fn() -> (#(#types,)*)>,
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

    /// The function under its own name.
    fn entry(&self) -> TokenStream {
        let function = self.function;
        let ItemFn { attrs, vis, sig, block, .. } = &function.item;
        let ident = function.ident();
        let scalar = match &function.scalar {
            ScalarParameter::Plain(_) => return quote!(#(#attrs)* #vis #sig #block),
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
                Form::View => quote!(::difrules_core::__private::view(#name)),
                Form::ViewMut => quote!(::difrules_core::__private::view_mut(#name)),
                _ => quote!(#name),
            }
        });
        let arguments = self.marker_arguments(&kind);
        let generics = function.item.sig.generics.params.iter().map(parameter_name);
        // The body has moved, so a lint expected in it is not met here.
        let attrs = attrs.iter().filter(|attribute| !attribute.path().is_ident("expect"));
        quote! {
            #(#attrs)*
            #[inline]
            #vis #sig {
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
        let ident = function.ident();
        let doc = format!("The text of [`fn@{ident}`] itself, which no mode intercepts.");
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
            true => argument.written.clone(),
            false => function.substitute(&argument.written, &mode, &mode),
        });
        let output = function.substitute(&function.output.written, &mode, &mode);
        let doc =
            format!("[`fn@{ident}`] in a mode: at `{base}`, `Dual<{base}, N>` or `Var<{base}>`.");
        quote! {
            #[doc = #doc]
            #visibility fn on<__M: ::difrules_core::Over<#base>>(#(#names: #types),*) -> #output {
                <__M as ::difrules_core::Real>::apply::<#ident>((#(#names,)*))
            }
        }
    }

    fn implementation(&self) -> TokenStream {
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
            Parameter::Before(i) | Parameter::After(i) => {
                let types = self.input_types(&s);
                types[*i].clone()
            }
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
    fn input_types(&self, real: &TokenStream) -> Vec<TokenStream> {
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
    fn handed(&self) -> Vec<TokenStream> {
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

    fn call_primal(&self) -> TokenStream {
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

    fn augmented(&self) -> TokenStream {
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

    /// How a rule's function gets its parameters.
    fn parameter_value(&self, parameter: Parameter, forward: bool) -> TokenStream {
        let reads = self.reads(self.reverse.as_ref());
        let overwritten = self.overwritten();
        let index = |i: usize| syn::Index::from(i);
        // Where the value is kept: in the evaluation for the forward rule, in the residual for the
        // reverse rule.
        let place = || {
            if !forward {
                let i = index(reads.iter().position(|read| *read == parameter).expect("kept"));
                return quote!(residual.#i);
            }
            match parameter {
                Parameter::Before(i) => match overwritten.iter().position(|j| *j == i) {
                    Some(j) => {
                        let j = index(j);
                        quote!(evaluation.overwritten.#j)
                    }
                    None => {
                        let i = index(i);
                        quote!(evaluation.inputs.#i)
                    }
                },
                Parameter::After(i) => {
                    let i = index(i);
                    quote!(evaluation.inputs.#i)
                }
                Parameter::Output => quote!(evaluation.output),
                _ => quote!(evaluation.saved),
            }
        };
        match parameter {
            Parameter::Before(i) => {
                let place = place();
                match self.function.arguments[i].form {
                    Form::Value => quote!(::difrules_core::Differentiable::by_ref(&#place)),
                    Form::Constant => quote!(::core::clone::Clone::clone(&#place)),
                    Form::ConstantReference => quote!(::core::borrow::Borrow::borrow(&#place)),
                    _ => quote!(&#place),
                }
            }
            Parameter::Output => {
                let place = place();
                quote!(::difrules_core::Differentiable::by_ref(&#place))
            }
            Parameter::After(_) | Parameter::Saved => {
                let place = place();
                quote!(&#place)
            }
            Parameter::Tangent(i) => {
                let (n, i) = (i, index(i));
                match self.function.arguments[n].form {
                    Form::Value => quote!(::difrules_core::Differentiable::by_ref(&tangents.#i)),
                    Form::Mutable | Form::ViewMut => quote!(&mut tangents.#i),
                    _ => quote!(&tangents.#i),
                }
            }
            Parameter::OutputCotangent => quote!(cotangent),
            Parameter::Slot(i) => {
                if self.function.arguments[i].is_in_place() {
                    format_ident!("adjoint{i}", span = Span::mixed_site()).into_token_stream()
                } else {
                    let (n, i) = (i, index(i));
                    quote!(::difrules_core::Slot::new(&shapes.#i, slots[#n].take()))
                }
            }
        }
    }

    /// The turbofish of a rule's function, at the real scalar `real`.
    fn rule_arguments(&self, scalar: &TokenStream) -> TokenStream {
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
    fn kernels(&self, text: Text) -> impl Iterator<Item = (&Type, &Path)> {
        let kernels = self.options.kernels.iter().filter(move |kernel| kernel.text == text);
        kernels.map(|kernel| (&kernel.scalar, &kernel.path))
    }

    /// The type that implements `Primitive`, and the real scalar, for a base scalar.
    fn specialised(&self, base: &Type) -> (TokenStream, TokenStream) {
        let ident = self.function.ident();
        let arguments = self.marker_arguments(&quote!(<#base as ::difrules_core::Scalar>::Kind));
        (quote!(#ident #arguments), quote!(<#base as ::difrules_core::Scalar>::Real))
    }

    fn forward(&self) -> TokenStream {
        let ident = self.function.ident();
        let Some(rule) = &self.forward else {
            return quote!(::difrules_core::__private::missing_rule(
                &__RECORD,
                ::difrules_core::Mode::Forward
            ));
        };
        let read: Vec<_> = self.read_by(rule).into_iter().map(|(parameter, _)| parameter).collect();
        let values: Vec<_> = read.iter().map(|p| self.parameter_value(*p, true)).collect();
        let at = |base: &Type, call: TokenStream| {
            let (primitive, real) = self.specialised(base);
            quote! {
                let evaluation = ::difrules_core::__private::same_ref::<
                    ::difrules_core::Evaluation<Self, __S>,
                    ::difrules_core::Evaluation<#primitive, #real>,
                >(evaluation);
                let tangents = ::difrules_core::__private::same_mut::<
                    Self::Inputs<__S>,
                    <#primitive as ::difrules_core::Primitive>::Inputs<#real>,
                >(tangents);
                return ::difrules_core::__private::same::<
                    <#primitive as ::difrules_core::Primitive>::Output<#real>,
                    Self::Output<__S>,
                >(#call);
            }
        };
        if let ScalarParameter::Plain(base) = &self.function.scalar {
            return at(&syn::parse_quote!(#base), quote!(#ident::forward(#(#values),*)));
        }
        let scalar = self.scalar_at(&quote!(__S));
        let kernels = self.kernels(Text::Forward).map(|(base, path)| {
            let call = quote_spanned!(path.span()=> #path(#(#values),*));
            let call =
                if self.function.output.value.is_some() { call } else { quote!({ #call; [] }) };
            let body = at(base, call);
            quote!(if ::difrules_core::__private::is_same::<#scalar, #base>() { #body })
        });
        let arguments = self.rule_arguments(&scalar);
        quote! {
            #(#kernels)*
            #ident::forward #arguments(#(#values),*)
        }
    }

    fn reverse(&self) -> TokenStream {
        let ident = self.function.ident();
        let Some(rule) = &self.reverse else {
            return quote!(::difrules_core::__private::missing_rule(
                &__RECORD,
                ::difrules_core::Mode::Reverse
            ));
        };
        let read: Vec<_> = self.read_by(rule).into_iter().map(|(parameter, _)| parameter).collect();
        let values: Vec<_> = read.iter().map(|p| self.parameter_value(*p, false)).collect();
        let at = |base: &Type, call: TokenStream| {
            let (primitive, real) = self.specialised(base);
            let body = self.around_reverse(&primitive, &real, call, Some(base));
            quote! {
                let residual = ::difrules_core::__private::same_ref::<
                    Self::Residual<__S>,
                    <#primitive as ::difrules_core::Primitive>::Residual<#real>,
                >(residual);
                let shapes = ::difrules_core::__private::same_ref::<
                    Self::Shapes<__S>,
                    <#primitive as ::difrules_core::Primitive>::Shapes<#real>,
                >(shapes);
                let mut outputs = ::difrules_core::__private::same_slice::<__S, #real>(outputs);
                let slots = &mut ::difrules_core::__private::same_slots::<__S, #real>(slots);
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
            quote!(if ::difrules_core::__private::is_same::<#scalar, #base>() { #body })
        });
        let arguments = self.rule_arguments(&scalar);
        let general = self.around_reverse(
            &quote!(Self),
            &quote!(__S),
            quote!(#ident::reverse #arguments(#(#values),*)),
            None,
        );
        quote! {
            #(#kernels)*
            #general
        }
    }

    /// The call of a reverse rule between taking the adjoints of the results (first of what the
    /// call returned, then of each `&mut` argument) and adding those of `&mut` arguments.
    fn around_reverse(
        &self,
        primitive: &TokenStream,
        real: &TokenStream,
        call: TokenStream,
        base: Option<&Type>,
    ) -> TokenStream {
        let output_index = syn::Index::from(self.function.arguments.len());
        let cotangent = self.function.output.value.as_ref().map(|_| {
            quote! {
                let cotangent = ::difrules_core::__private::take_cotangent::<
                    <#primitive as ::difrules_core::Primitive>::Output<#real>,
                >(&shapes.#output_index, &mut outputs);
            }
        });
        let value = |n: usize| match base {
            Some(base) => {
                self.function.substitute(&self.function.arguments[n].value, &quote!(#base), real)
            }
            None => self.at(&self.function.arguments[n].value, real),
        };
        let taken = self.in_place().map(|n| {
            let (name, adjoint) = (format_ident!("overwritten{n}", span = Span::mixed_site()), format_ident!("adjoint{n}", span = Span::mixed_site()));
            let (i, value) = (syn::Index::from(n), value(n));
            quote! {
                let #name = ::difrules_core::__private::take_front::<#value>(&shapes.#i, &mut outputs);
                let #adjoint = <#value as ::difrules_core::Differentiable>::as_adjoint(&shapes.#i, &mut *#name);
            }
        });
        let added = self.in_place().map(|n| {
            let name = format_ident!("overwritten{n}", span = Span::mixed_site());
            quote!(::difrules_core::__private::add(&mut slots[#n], #name);)
        });
        quote! {
            #cotangent
            #(#taken)*
            #call;
            #(#added)*
        }
    }

    fn partial(&self) -> TokenStream {
        if self.options.partial.is_empty() {
            return quote!(::core::unreachable!());
        }
        let ident = self.function.ident();
        let values: Vec<_> = self.values().iter().map(|p| self.parameter_value(*p, true)).collect();
        let arms = self.differentiable().enumerate().map(|(k, argument)| {
            let name = format_ident!("partial_{k}");
            let call = if let ScalarParameter::Plain(base) = &self.function.scalar {
                quote!(::difrules_core::__private::same::<#base, __S>(#ident::#name(#(#values),*)))
            } else {
                let arguments = self.rule_arguments(&self.scalar_at(&quote!(__S)));
                quote!(::difrules_core::__private::real(#ident::#name #arguments(#(#values),*)))
            };
            quote!(#argument => #call,)
        });
        let cast = if let ScalarParameter::Plain(base) = &self.function.scalar {
            quote! {
                let evaluation = ::difrules_core::__private::same_ref::<
                    ::difrules_core::Evaluation<Self, __S>,
                    ::difrules_core::Evaluation<Self, #base>,
                >(evaluation);
            }
        } else {
            quote!()
        };
        quote! {
            #cast
            match argument {
                #(#arms)*
                _ => ::core::unreachable!(),
            }
        }
    }

    // ---------------------------------------------------------------- record

    /// The instances: what to show, the marker's arguments, the scalar and its real type.
    fn instances(&self) -> Vec<(String, Span, TokenStream, TokenStream)> {
        let function = self.function;
        if let ScalarParameter::Plain(base) = &function.scalar {
            return vec![(base.to_string(), base.span(), quote!(), quote!(#base))];
        }
        self.options
            .instances
            .iter()
            .map(|instance| {
                let (scalar, others): (TokenStream, Vec<TokenStream>) = match instance {
                    Instance::Scalar(scalar) => (
                        scalar.to_token_stream(),
                        function
                            .parameters
                            .iter()
                            .map(|_| quote!(::difrules_core::__private::nalgebra::Dyn))
                            .collect(),
                    ),
                    Instance::All(all) => {
                        let mut all: Vec<_> =
                            all.args.iter().map(ToTokens::to_token_stream).collect();
                        let position = function.rule_parameters.iter().position(|parameter| {
                            matches!(&function.scalar, ScalarParameter::Generic { ident, .. }
                                if parameter_ident(parameter) == Some(ident))
                        });
                        let position = position.unwrap_or(0).min(all.len().saturating_sub(1));
                        let scalar =
                            if all.is_empty() { quote!(f64) } else { all.remove(position) };
                        (scalar, all)
                    }
                };
                let kind = function
                    .is_complex()
                    .then(|| quote!(<#scalar as ::difrules_core::Scalar>::Kind));
                let arguments = kind.into_iter().chain(others);
                let (shown, span) = match instance {
                    Instance::Scalar(scalar) => (pretty::text(scalar), scalar.span()),
                    Instance::All(all) => (pretty::text(&all.args), all.span()),
                };
                (shown, span, quote!(<#(#arguments),*>), scalar)
            })
            .collect()
    }

    fn record(&self) -> TokenStream {
        let function = self.function;
        let ident = function.ident();
        let name = ident.unraw().to_string();
        let aliases = &self.options.aliases;
        let instances = self.instances();
        let (_, _, first_arguments, first_scalar) = &instances[0];
        let bound = match &function.scalar {
            ScalarParameter::Generic { complex: true, .. } => quote!(::difrules_core::Scalar),
            _ => quote!(::difrules_core::Real),
        };
        let kernels = self
            .options
            .kernels
            .iter()
            .map(|kernel| (kernel.scalar.span(), kernel.scalar.to_token_stream()));
        let checks = instances.iter().map(|(_, span, _, scalar)| (*span, scalar.clone()));
        let checks = checks.chain(kernels).map(|(span, scalar)| {
            quote_spanned!(span=> const _: fn() = || {
                fn instance<T: #bound>() {}
                instance::<#scalar>();
            };)
        });
        let arguments = function.arguments.iter().map(|argument| {
            let (name, type_name) =
                (argument.ident.unraw().to_string(), pretty::text(&argument.written));
            let in_place = argument.is_in_place();
            let notion = if argument.is_constant() {
                quote!(::difrules_core::__private::constant)
            } else {
                let real = quote!(<#first_scalar as ::difrules_core::Scalar>::Real);
                let value = self.at_instance(&argument.value, first_scalar, &real, first_arguments);
                quote!(<#value as ::difrules_core::Differentiable>::notion)
            };
            quote! {
                ::difrules_core::Argument {
                    name: #name,
                    type_name: #type_name,
                    notion_of: #notion,
                    in_place: #in_place,
                }
            }
        });
        let result = pretty::text(&function.output.written);
        let (forward, reverse) = (self.forward.is_some(), self.reverse.is_some());
        let symbolic = self.symbolic();
        let doc = documentation(&function.item);
        let built = instances.iter().map(|(shown, _, arguments, scalar)| {
            let real = quote!(<#scalar as ::difrules_core::Scalar>::Real);
            let primitive = quote!(#ident #arguments);
            let (sample, check) = match self.sample(&primitive, scalar, &real, arguments) {
                Some(sample) => (
                    quote!(::core::option::Option::Some({ #sample __sample })),
                    quote!(::difrules_core::__check!(#primitive, #real)),
                ),
                None => {
                    (quote!(::core::option::Option::None), quote!(::core::option::Option::None))
                }
            };
            quote! {
                ::difrules_core::Instance { scalar: #shown, sample: #sample, check: #check }
            }
        });
        quote! {
            #(#checks)*

            static __RECORD: ::difrules_core::Record = ::difrules_core::Record {
                path: ::core::concat!(::core::module_path!(), "::", #name),
                name: #name,
                aliases: &[#(#aliases),*],
                arguments: &[#(#arguments),*],
                result: #result,
                forward: #forward,
                reverse: #reverse,
                symbolic: &[#(#symbolic),*],
                instances: &[#(#built),*],
                file: ::core::file!(),
                line: ::core::line!(),
                doc: #doc,
            };

            ::difrules_core::__private::inventory::submit! {
                ::difrules_core::__private::Registered(&__RECORD)
            }
        }
    }

    /// A type of the function at an instance: the scalar and all other parameters replaced.
    fn at_instance(
        &self,
        written: &Type,
        scalar: &TokenStream,
        real: &TokenStream,
        arguments: &TokenStream,
    ) -> TokenStream {
        let mut at = self.function.substitute(written, scalar, real);
        for (parameter, argument) in
            self.function.parameters.iter().zip(self.instance_arguments(arguments))
        {
            if let Some(ident) = parameter_ident(parameter) {
                at = crate::function::replace(&at, ident, &argument);
            }
        }
        at.to_token_stream()
    }

    /// The marker's arguments of an instance without the kind.
    fn instance_arguments(&self, arguments: &TokenStream) -> Vec<TokenStream> {
        if arguments.is_empty() {
            return Vec::new();
        }
        let parsed: syn::AngleBracketedGenericArguments =
            syn::parse2(arguments.clone()).expect("made by `instances`");
        let skip = usize::from(self.function.is_complex());
        parsed.args.iter().skip(skip).map(ToTokens::to_token_stream).collect()
    }

    /// A function that draws a point of the domain, boxed.
    fn sample(
        &self,
        primitive: &TokenStream,
        scalar: &TokenStream,
        real: &TokenStream,
        arguments: &TokenStream,
    ) -> Option<TokenStream> {
        let function = self.function;
        let all = quote!(<#primitive as ::difrules_core::Primitive>::Inputs<#real>);
        let numbers = function
            .arguments
            .iter()
            .all(|argument| argument.form == Form::Value && function.is_scalar(&argument.value));
        let draw = match &self.options.sample {
            Some(sample) if function.arguments.len() == 1 => {
                let argument = &function.arguments[0];
                let value = self.at_instance(&argument.value, scalar, real, arguments);
                quote_spanned! {sample.span().resolved_at(Span::mixed_site())=>
                    let draw: fn(&mut ::difrules_core::testing::Sampler) -> #value = #sample;
                    let drawn: #all = (draw(random),);
                }
            }
            Some(sample) => quote_spanned! {sample.span().resolved_at(Span::mixed_site())=>
                let draw: fn(&mut ::difrules_core::testing::Sampler) -> #all = #sample;
                let drawn: #all = draw(random);
            },
            None if numbers => {
                let each = function.arguments.iter().map(|_| quote!(random.normal::<#scalar>()));
                quote!(let drawn: #all = (#(#each,)*);)
            }
            None => return None,
        };
        Some(quote! {
            fn __sample(
                random: &mut ::difrules_core::testing::Sampler,
            ) -> ::std::boxed::Box<dyn ::core::any::Any> {
                #draw
                ::std::boxed::Box::new(drawn)
            }
        })
    }

    fn symbolic(&self) -> Vec<String> {
        let closures = self.options.partial.iter();
        let rules = [&self.options.forward, &self.options.reverse].into_iter().flatten();
        let rules = rules.filter_map(|rule| match rule {
            Rule::Closure(closure) => Some(closure),
            Rule::Path(_) => None,
        });
        closures.chain(rules).map(|closure| pretty::text(&closure.body)).collect()
    }
}

/// A pattern without the type that a closure may give it.
fn untyped(pattern: &Pat) -> &Pat {
    match pattern {
        Pat::Type(typed) => &typed.pat,
        other => other,
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
fn without_default(parameter: &GenericParam) -> TokenStream {
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
        Form::View | Form::ViewMut | Form::Constant | Form::ConstantReference => quote!(#argument),
    }
}

/// The text of the function's doc comments.
fn documentation(item: &ItemFn) -> String {
    let lines = item.attrs.iter().filter_map(|attribute| match &attribute.meta {
        Meta::NameValue(meta) if meta.path.is_ident("doc") => match &meta.value {
            Expr::Lit(literal) => match &literal.lit {
                Lit::Str(text) => Some(text.value()),
                _ => None,
            },
            _ => None,
        },
        _ => None,
    });
    let lines: Vec<_> =
        lines.map(|line| line.strip_prefix(' ').unwrap_or(&line).to_string()).collect();
    lines.join("\n")
}
