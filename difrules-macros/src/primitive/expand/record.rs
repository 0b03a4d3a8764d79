//! The record in the registry, with its instances and their samples.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote_spanned};
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{Attribute, Expr, GenericArgument, Ident, ItemFn, Lit, Meta, Type, Visibility};

use super::rule::local;
use super::{Expansion, TOGETHER, parameter_ident, tuple};
use crate::primitive::function::{Form, ScalarParameter};
use crate::primitive::options::{Parameters, Partial, Rule, STRUCTURES};
use crate::tokens::hygiene::quote;
use crate::tokens::pretty;

/// An instance that is registered.
pub(super) struct Registered {
    /// As the record shows it.
    shown: String,
    /// Where the user wrote it.
    span: Span,
    scalar: TokenStream,
    /// The function's other parameters, in order.
    others: Vec<TokenStream>,
    /// `#[cfg(..)]`: when it is.
    conditions: Vec<Attribute>,
}

impl Registered {
    /// Whether it is one of those of which the macro knows what they are: then the compiler need not find it out.
    fn is_known(&self) -> bool {
        is_known(&self.scalar)
    }

    /// The real scalar.
    fn real(&self) -> TokenStream {
        let scalar = &self.scalar;
        match self.is_known() {
            true => scalar.clone(),
            false => quote!(<#scalar as __difrules::Scalar>::Real),
        }
    }

    /// Real or complex.
    fn kind(&self) -> TokenStream {
        let scalar = &self.scalar;
        match self.is_known() {
            true => quote!(__difrules::__private::core::primitive::f64),
            false => quote!(<#scalar as __difrules::Scalar>::Kind),
        }
    }
}

/// Whether a scalar is a plain real number of Rust.
fn is_known(scalar: &TokenStream) -> bool {
    matches!(&*scalar.to_string(), "f64" | "f32")
}

impl Expansion<'_> {
    pub(super) fn instances(&self) -> Vec<Registered> {
        let function = self.function;
        if let ScalarParameter::Plain(base) = &function.scalar {
            let (shown, span) = (base.to_string(), base.span());
            return vec![Registered {
                shown,
                span,
                scalar: quote!(#base),
                others: Vec::new(),
                conditions: Vec::new(),
            }];
        }
        let instances = self.options.instances.iter();
        instances
            .map(|instance| match &instance.parameters {
                Parameters::Scalar(scalar) => Registered {
                    shown: pretty::short_name(scalar),
                    span: scalar.span(),
                    scalar: scalar.to_token_stream(),
                    others: vec![
                        quote!(__difrules::__private::nalgebra::Dyn);
                        function.parameters.len()
                    ],
                    conditions: instance.conditions.clone(),
                },
                Parameters::All(all) => {
                    let names = all.args.iter().map(|argument| match argument {
                        GenericArgument::Type(parameter) => pretty::short_name(parameter),
                        other => pretty::text(other),
                    });
                    let mut others: Vec<_> =
                        all.args.iter().map(ToTokens::to_token_stream).collect();
                    let position = function.rule_parameters.iter().position(|parameter| {
                        parameter_ident(parameter)
                            .is_some_and(|ident| function.is_scalar_parameter(ident))
                    });
                    let position = position.expect("a generic function has its scalar");
                    Registered {
                        shown: names.collect::<Vec<_>>().join(", "),
                        span: all.span(),
                        scalar: others.remove(position),
                        others,
                        conditions: instance.conditions.clone(),
                    }
                }
            })
            .collect()
    }

    /// What stands for an instance where there is none: the scalar and the dimensions, which are all that the
    /// arguments say that are no constants.
    fn at_double(&self) -> Registered {
        Registered {
            shown: String::new(),
            span: self.function.ident().span(),
            scalar: quote!(__difrules::__private::core::primitive::f64),
            others: vec![
                quote!(__difrules::__private::nalgebra::Dyn);
                self.function.parameters.len()
            ],
            conditions: Vec::new(),
        }
    }

    /// The type that implements `Primitive` at an instance.
    fn primitive_at(&self, instance: &Registered) -> TokenStream {
        let ident = self.function.ident();
        let kind = self.function.is_complex().then(|| instance.kind());
        let arguments = kind.iter().chain(&instance.others);
        quote!(#ident<#(#arguments),*>)
    }

    pub(super) fn record(&self) -> TokenStream {
        let function = self.function;
        let ident = function.ident();
        let function_name = ident.unraw().to_string();
        let name =
            self.options.name.as_ref().map_or_else(|| function_name.clone(), |name| name.value());
        let aliases = &self.options.aliases;
        let instances = self.instances();
        let bound = match &function.scalar {
            ScalarParameter::Generic { complex: true, .. } => quote!(__difrules::Scalar),
            _ => quote!(__difrules::Real),
        };
        let kernels = self
            .options
            .kernels
            .iter()
            .map(|kernel| (kernel.scalar.span(), kernel.scalar.to_token_stream(), &[][..]));
        let checks = instances
            .iter()
            .map(|instance| (instance.span, instance.scalar.clone(), &instance.conditions[..]));
        let checks = checks.chain(kernels).filter(|(_, scalar, _)| !is_known(scalar)).map(
            |(span, scalar, conditions)| {
                let instance = quote_spanned!(span=> instance::<#scalar>);
                quote! {
                    #(#conditions)*
                    const _: fn() = {
                        fn instance<T: #bound>() {}
                        #instance
                    };
                }
            },
        );
        let double = self.at_double();
        let shown_at = instances.iter().find(|instance| instance.conditions.is_empty());
        let shown_at = shown_at.unwrap_or(&double);
        let arguments = function.arguments.iter().map(|argument| {
            let (name, type_name) = (argument.ident.unraw().to_string(), &argument.shown);
            let in_place = argument.is_in_place();
            let notion = if argument.is_constant() {
                quote!(__difrules::__private::constant)
            } else {
                let value = self.at_instance(&argument.value, shown_at);
                quote!(<#value as __difrules::Differentiable>::notion)
            };
            let structure: Vec<_> = self.structure_of(&argument.ident).collect();
            let structure = match &structure[..] {
                [] => quote!(&[]),
                some => quote!(const { &[#(#some),*] }),
            };
            quote! {
                __difrules::registry::Argument::new(
                    #name,
                    #type_name,
                    #notion,
                    #in_place,
                    #structure,
                )
            }
        });
        let result = pretty::text(&function.output.written);
        let (forward, reverse) = (self.forward.is_some(), self.reverse.is_some());
        let symbolic = self.symbolic();
        let partials = self.formulas();
        let called = self.called_by_formulas();
        let owner = self.options.owner.as_ref().map(|owner| pretty::short_name(owner) + "::");
        let function_path = owner.unwrap_or_default() + &function_name;
        let public = matches!(function.item.vis, Visibility::Public(_));
        let path = match &self.options.path {
            Some(path) => quote!(__difrules::__private::core::option::Option::Some(#path)),
            None => quote!(__difrules::__private::core::option::Option::None),
        };
        let doc = documentation(&function.item);
        let built = instances.iter().map(|instance| {
            let (shown, real, conditions) =
                (&instance.shown, instance.real(), &instance.conditions);
            let primitive = self.primitive_at(instance);
            let (sample, check) = match self.sample(instance) {
                Some(sample) => (sample, quote!(__difrules::__check!(#primitive, #real))),
                None => (
                    quote!(__difrules::__private::core::option::Option::None),
                    quote!(__difrules::__private::core::option::Option::None),
                ),
            };
            quote! {
                #(#conditions)*
                __difrules::registry::Instance::new(
                    #shown,
                    #sample,
                    #check,
                    __difrules::__private::Calls::of::<#primitive, #real>(),
                )
            }
        });
        quote! {
            #(#checks)*
            #called

            static WRITTEN: __difrules::__private::Written = __difrules::__private::Written {
                module: __difrules::__private::core::module_path!(),
                function: #function_path,
                public: #public,
                path: #path,
                name: #name,
                aliases: &[#(#aliases),*],
                arguments: &[#(#arguments),*],
                result: #result,
                forward: #forward,
                reverse: #reverse,
                symbolic: &[#(#symbolic),*],
                partials: &[#(#partials),*],
                instances: &[#(#built),*],
                file: __difrules::__private::core::file!(),
                line: __difrules::__private::core::line!(),
                doc: #doc,
                record: __difrules::__private::std::sync::OnceLock::new(),
            };

            __difrules::__private::inventory::submit! {
                __difrules::__private::Registered(&WRITTEN)
            }
        }
    }

    /// What is said of the structure of an argument.
    fn structure_of(&self, argument: &Ident) -> impl Iterator<Item = TokenStream> {
        self.options.structure.iter().filter(move |of| of.argument == *argument).map(|of| {
            let field = of.field.as_ref().map_or(String::new(), |field| field.unraw().to_string());
            let (_, variant, _) =
                STRUCTURES.iter().find(|(name, _, _)| of.kind == name).expect("it was parsed");
            let kind = Ident::new(variant, Span::mixed_site());
            let options = of.options.iter().map(|option| option.unraw().to_string());
            quote! {
                __difrules::registry::Structured::new(
                    #field,
                    __difrules::registry::Structure::#kind,
                    &[#(#options),*],
                )
            }
        })
    }

    /// A type of the function at an instance: the scalar and all other parameters replaced.
    fn at_instance(&self, written: &Type, instance: &Registered) -> Type {
        let mut at = self.function.substitute(written, &instance.scalar, &instance.real());
        for (parameter, argument) in self.function.parameters.iter().zip(&instance.others) {
            if let Some(ident) = parameter_ident(parameter) {
                at = crate::primitive::function::replace(&at, ident, argument);
            }
        }
        at
    }

    /// What draws a point of the domain, boxed.
    fn sample(&self, instance: &Registered) -> Option<TokenStream> {
        let function = self.function;
        let (scalar, real) = (&instance.scalar, instance.real());
        let primitive = self.primitive_at(instance);
        let all = quote!(__difrules::contract::Inputs<#primitive, #real>);
        let Some(sample) = &self.options.sample else {
            let count = function.arguments.len();
            let numbers = function.arguments.iter().all(|argument| {
                argument.form == Form::Value && function.is_scalar(&argument.value)
            });
            return numbers.then(|| quote!(__difrules::__private::normals::<#scalar, #count>()));
        };
        let owned = function.arguments.iter().map(|argument| {
            let value = self.at_instance(&argument.value, instance);
            match argument.form {
                Form::ConstantReference => {
                    quote!(<#value as __difrules::__private::std::borrow::ToOwned>::Owned)
                }
                _ => value.into_token_stream(),
            }
        });
        let owned: Vec<_> = owned.collect();
        let (drawn, given) = match &owned[..] {
            [value] => (value.clone(), quote!((draw(random),))),
            _ if owned.len() <= TOGETHER => (all.clone(), quote!(draw(random))),
            _ => {
                let names: Vec<_> = (0..owned.len()).map(|i| local("drawn", i)).collect();
                let given = tuple(&names);
                (quote!((#(#owned,)*)), quote!({ let (#(#names,)*) = draw(random); #given }))
            }
        };
        let body = quote_spanned! {sample.span().resolved_at(Span::mixed_site())=>
            let draw: fn(&mut __difrules::testing::Sampler) -> #drawn = #sample;
            #given
        };
        Some(quote! {
            __difrules::__sample!(
                #primitive,
                #real,
                fn __sample(random: &mut __difrules::testing::Sampler) -> #all {
                    #body
                }
            )
        })
    }

    pub(super) fn symbolic(&self) -> Vec<String> {
        let closures = self.options.partial.iter().filter_map(|partial| match partial {
            Partial::Closure(closure) => Some(closure),
            Partial::Unknown(_) => None,
        });
        let rules = [&self.options.forward, &self.options.reverse].into_iter().flatten();
        // Beside partial derivatives they are those of complex numbers.
        let rules = rules.filter_map(|rule| match rule {
            Rule::Closure(closure) if self.options.partial.is_empty() => Some(closure),
            _ => None,
        });
        closures.chain(rules).map(|closure| pretty::text(&closure.body)).collect()
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
