//! Rules by partial derivatives, and where one of these is zero.

use proc_macro2::TokenStream;
use quote::{ToTokens, format_ident};
use syn::spanned::Spanned;
use syn::visit_mut::VisitMut;
use syn::{Block, Expr, ExprClosure, ExprReturn, ExprTry, Ident, Lit, Pat, Stmt, parse_quote};

use super::dispatch::Place;
use super::rule::{Parameter, local, untyped};
use super::{Expansion, call_by_pointer, parameter_name};
use crate::primitive::function::{Form, ScalarParameter};
use crate::primitive::options::Partial;
use crate::tokens::hygiene::quote;

impl Expansion<'_> {
    /// The forward or reverse rule that the partial derivatives make: sums of `partial * tangent`
    /// where the tangent is not zero, and `conj(partial) * cotangent`.
    pub(super) fn rule_of_partials(&self, reverse: bool, patterns: &[TokenStream]) -> TokenStream {
        let values = self.partial_values();
        // A constant that is passed by value is needed by each partial derivative.
        let arguments = values.iter().zip(patterns).map(|(parameter, pattern)| match *parameter {
            Parameter::Before(i) if self.function.arguments[i].form == Form::Constant => {
                quote!(__difrules::__private::core::clone::Clone::clone(&#pattern))
            }
            _ => pattern.clone(),
        });
        let parameters = self.function.rule_parameters.iter().map(parameter_name);
        let parameters =
            if self.function.is_plain() { quote!() } else { quote!(::<#(#parameters),*>) };
        let arguments: Vec<_> = arguments.collect();
        let ident = self.function.ident();
        let partials = (0..self.options.partial.len()).map(|k| {
            let name = format_ident!("partial_{k}");
            call_by_pointer(&quote!(#ident::#name #parameters), &arguments)
        });
        // A partial derivative that is zero where the argument does not matter is strong too.
        let counts = (0..self.options.partial.len()).map(|k| match self.off(k) {
            Some(_) => {
                let name = format_ident!("off_{k}");
                quote!(|| !#ident::#name #parameters (#(#arguments),*))
            }
            None => quote!(__difrules::__private::always),
        });
        if reverse {
            let cotangent = &patterns[values.len()];
            let slots = &patterns[values.len() + 1..];
            quote! {
                #(__difrules::__private::pull(#slots, #cotangent, || #partials, #counts);)*
            }
        } else {
            let tangents = &patterns[values.len()..];
            quote! {
                let mut __sum = __difrules::__private::zero();
                #(__difrules::__private::push(&mut __sum, #tangents, || #partials, #counts);)*
                __sum
            }
        }
    }

    pub(super) fn partial_functions(&self) -> TokenStream {
        let parameters = &self.function.rule_parameters;
        let conditions = &self.function.rule_conditions;
        let types: Vec<_> = self.partial_values().iter().map(|p| self.parameter_type(*p)).collect();
        let output = self.output_type();
        let argument: Vec<_> = self.differentiable().collect();
        let functions = self.options.partial.iter().enumerate().map(|(k, partial)| {
            let name = format_ident!("partial_{k}");
            let closure = match partial {
                Partial::Closure(closure) => closure,
                Partial::Unknown(_) => {
                    let (ident, argument) = (self.function.ident(), argument[k]);
                    let marker = self.marker_arguments(&quote!(f64));
                    return quote! {
                        #[allow(clippy::all, clippy::pedantic)]
                        #[cold]
                        fn #name<#(#parameters),*>(#(_: #types),*) -> #output
                        where #(#conditions),*
                        {
                            __difrules::__private::unknown_partial(
                                <#ident #marker as __difrules::contract::Primitive>::record(),
                                #argument,
                            )
                        }
                    };
                }
            };
            let general = |name: &Ident, closure: &ExprClosure| {
                let (patterns, body) = (patterns_of(closure, types.len()), &closure.body);
                let given = types_of(closure, types.len());
                let names: Vec<_> = (0..types.len())
                    .map(|i| {
                        let mut name = local("given", i);
                        let place = closure.inputs.get(i).map(Spanned::span);
                        name.set_span(place.map_or(name.span(), |at| name.span().located_at(at)));
                        name
                    })
                    .collect();
                let result = &names[self.function.arguments.len()];
                quote! {
                    #[allow(unused_braces, unused_parens, clippy::all, clippy::pedantic)]
                    #[inline]
                    fn #name<#(#parameters),*>(#(#names: #types),*) -> #output
                    where #(#conditions),*
                    {
                        // What is undefined has no derivative.
                        if let __difrules::__private::core::option::Option::Some(undefined) =
                            __difrules::__private::undefined(#result)
                        {
                            return undefined;
                        }
                        let (#(#patterns,)*): (#(#given,)*) = (#(#names,)*);
                        #body
                    }
                }
            };
            match self.options.complex.get(k) {
                Some(Partial::Closure(complex)) => {
                    let complex_name = format_ident!("complex_partial_{k}");
                    let complex = general(&complex_name, complex);
                    let by_kind = self.partial_by_kind(&name, &complex_name, closure, &types);
                    quote!(#complex #by_kind)
                }
                _ => general(&name, closure),
            }
        });
        quote!(#(#functions)*)
    }

    /// For each partial derivative whose text says in some branch that it is zero, the function that says
    /// whether it comes to such a branch.
    pub(super) fn off_functions(&self) -> TokenStream {
        let types: Vec<_> = self.partial_values().iter().map(|p| self.parameter_type(*p)).collect();
        let (parameters, conditions) =
            (&self.function.rule_parameters, &self.function.rule_conditions);
        let functions = self.options.partial.iter().enumerate().filter_map(|(k, partial)| {
            let body = self.off(k)?;
            let Partial::Closure(closure) = partial else { return None };
            let name = format_ident!("off_{k}");
            let patterns = patterns_of(closure, types.len());
            let attributes = quote! {
                #[allow(unused, unused_braces, unused_parens, clippy::all, clippy::pedantic)]
                #[cold]
            };
            let (ScalarParameter::Generic { ident: scalar, .. }, Some(Partial::Closure(_))) =
                (&self.function.scalar, self.options.complex.get(k))
            else {
                return Some(quote! {
                    #attributes
                    fn #name<#(#parameters),*>(#(#patterns: #types),*) -> bool
                    where #(#conditions),*
                    {
                        #body
                    }
                });
            };
            let real_name = format_ident!("real_{name}");
            let real_types = self.real_types(scalar, &types);
            let names: Vec<_> = (0..types.len()).map(|i| local("value", i)).collect();
            let real = self.real_values(&names);
            Some(quote! {
                #attributes
                fn #real_name<#scalar: __difrules::Real>(#(#patterns: #real_types),*) -> bool {
                    #body
                }

                #attributes
                fn #name<#scalar: __difrules::Scalar>(#(#names: #types),*) -> bool {
                    <<#scalar as __difrules::Scalar>::Kind as __difrules::contract::Kind>::REAL
                        && Self::#real_name(#(#real),*)
                }
            })
        });
        quote!(#(#functions)*)
    }

    /// The text of a function that says whether the partial derivative comes to a branch that is zero.
    fn off(&self, partial: usize) -> Option<Expr> {
        match &self.options.partial[partial] {
            Partial::Closure(closure) => off(&closure.body),
            Partial::Unknown(_) => None,
        }
    }

    /// What [`Primitive::is_off`] says, if it is not always the same.
    pub(super) fn is_off(&self) -> Option<TokenStream> {
        let ident = self.function.ident();
        let read = self.partial_values();
        let values: Vec<_> =
            read.iter().map(|p| self.parameter_value(*p, Place::Evaluation)).collect();
        let generics = match self.function.is_plain() {
            true => quote!(),
            false => self.rule_arguments(&self.scalar_at(&quote!(__S))),
        };
        let arguments = self.differentiable().enumerate().take(self.options.partial.len());
        let arms: Vec<_> = arguments
            .filter(|(k, _)| self.off(*k).is_some())
            .map(|(k, argument)| {
                let name = format_ident!("off_{k}");
                quote!(#argument => #ident::#name #generics (#(#values),*),)
            })
            .collect();
        if arms.is_empty() {
            return None;
        }
        let cast = self.cast_of_evaluation();
        Some(quote! {
            #[inline]
            fn is_off<__S: __difrules::Real>(
                evaluation: &__difrules::contract::Evaluation<Self, __S>,
                argument: usize,
            ) -> bool {
                #cast
                match argument {
                    #(#arms)*
                    _ => false,
                }
            }
        })
    }

    /// What a partial derivative reads, as real numbers.
    fn real_values(&self, values: &[impl ToTokens]) -> Vec<TokenStream> {
        let read = self.partial_values();
        let real = read.iter().zip(values).map(|(parameter, value)| match parameter {
            Parameter::Saved => quote!(&__difrules::__private::real(*#value)),
            Parameter::Before(i) if self.function.arguments[*i].is_constant() => quote!(#value),
            _ => quote!(__difrules::__private::real(#value)),
        });
        real.collect()
    }

    /// The types of what a partial derivative of real numbers reads, in the scalar's name.
    fn real_types(&self, scalar: &Ident, types: &[TokenStream]) -> Vec<TokenStream> {
        let values = self.partial_values();
        let real = values.iter().zip(types).map(|(parameter, written)| match parameter {
            Parameter::Saved => quote!(&#scalar),
            Parameter::Before(i) if self.function.arguments[*i].is_constant() => written.clone(),
            _ => quote!(#scalar),
        });
        real.collect()
    }

    /// A partial derivative that has one text for real numbers and another for complex ones. In the first
    /// the scalar's name stands for the real scalar.
    fn partial_by_kind(
        &self,
        name: &Ident,
        complex_name: &Ident,
        closure: &ExprClosure,
        types: &[TokenStream],
    ) -> TokenStream {
        let ScalarParameter::Generic { ident: scalar, .. } = &self.function.scalar else {
            return quote!();
        };
        let real_name = format_ident!("real_{name}");
        let values = self.partial_values();
        let real_types = self.real_types(scalar, types);
        let names: Vec<_> = (0..values.len()).map(|i| local("value", i)).collect();
        let real = self.real_values(&names);
        let (patterns, body) = (patterns_of(closure, types.len()), &closure.body);
        let result = &names[self.function.arguments.len()];
        quote! {
            #[allow(unused_braces, unused_parens, clippy::all, clippy::pedantic)]
            #[inline]
            fn #real_name<#scalar: __difrules::Real>(#(#patterns: #real_types),*) -> #scalar {
                #body
            }

            #[inline]
            fn #name<#scalar: __difrules::Scalar>(#(#names: #types),*) -> #scalar {
                if let __difrules::__private::core::option::Option::Some(undefined) =
                    __difrules::__private::undefined(#result)
                {
                    return undefined;
                }
                if <<#scalar as __difrules::Scalar>::Kind as __difrules::contract::Kind>::REAL {
                    __difrules::__private::from_real(Self::#real_name(#(#real),*))
                } else {
                    Self::#complex_name(#(#names),*)
                }
            }
        }
    }

    /// The partial derivatives, if it has them.
    pub(super) fn partial(&self) -> Option<TokenStream> {
        if self.options.partial.is_empty() {
            return None;
        }
        let ident = self.function.ident();
        let values: Vec<_> = self
            .partial_values()
            .iter()
            .map(|p| self.parameter_value(*p, Place::Evaluation))
            .collect();
        let arms = self.differentiable().enumerate().map(|(k, argument)| {
            let name = format_ident!("partial_{k}");
            let call = if let ScalarParameter::Plain(base) = &self.function.scalar {
                quote!(__difrules::__private::same::<#base, __S>(#ident::#name(#(#values),*)))
            } else {
                let arguments = self.rule_arguments(&self.scalar_at(&quote!(__S)));
                let call = call_by_pointer(&quote!(#ident::#name #arguments), &values);
                quote!(__difrules::__private::real(#call))
            };
            quote!(#argument => #call,)
        });
        let cast = self.cast_of_evaluation();
        Some(quote! {
            #[inline]
            fn partial<__S: __difrules::Real>(
                evaluation: &__difrules::contract::Evaluation<Self, __S>,
                argument: usize,
            ) -> __S {
                #cast
                match argument {
                    #(#arms)*
                    _ => __difrules::__private::core::unreachable!(),
                }
            }
        })
    }

    /// The evaluation of a plain function, at its own scalar.
    fn cast_of_evaluation(&self) -> TokenStream {
        let ScalarParameter::Plain(base) = &self.function.scalar else { return quote!() };
        quote! {
            let evaluation = __difrules::__private::same_ref::<
                __difrules::contract::Evaluation<Self, __S>,
                __difrules::contract::Evaluation<Self, #base>,
            >(evaluation);
        }
    }
}

/// The text of a partial derivative with `true` for each `zero()` and `0.0` that it may come to, and
/// `false` for whatever else; nothing where there is no such zero, or where the text does more than to
/// compute a number.
fn off(text: &Expr) -> Option<Expr> {
    /// The branches of a text: whether one of them is a zero.
    fn replace(text: &mut Expr) -> Option<bool> {
        let tail = |block: &mut Block| {
            let (last, before) = block.stmts.split_last_mut()?;
            let local = |s: &Stmt| matches!(s, Stmt::Local(_) | Stmt::Item(_));
            match last {
                Stmt::Expr(last, None) if before.iter().all(local) => replace(last),
                _ => None,
            }
        };
        match text {
            Expr::Paren(inner) => replace(&mut inner.expr),
            Expr::Group(inner) => replace(&mut inner.expr),
            Expr::Block(inner) => tail(&mut inner.block),
            Expr::If(branches) => {
                let (_, otherwise) = branches.else_branch.as_mut()?;
                let then = tail(&mut branches.then_branch)?;
                Some(replace(otherwise)? | then)
            }
            Expr::Match(branches) => {
                let mut any = false;
                for arm in &mut branches.arms {
                    any |= replace(&mut arm.body)?;
                }
                Some(any)
            }
            leaf => {
                let zero = match &*leaf {
                    Expr::Call(call) if call.args.is_empty() => match &*call.func {
                        Expr::Path(path) => path.path.segments.last()?.ident == "zero",
                        _ => false,
                    },
                    Expr::Lit(number) => match &number.lit {
                        Lit::Float(number) => number.base10_parse::<f64>().is_ok_and(|x| x == 0.0),
                        _ => false,
                    },
                    _ => false,
                };
                *leaf = parse_quote!(#zero);
                Some(zero)
            }
        }
    }
    /// A `return` leaves the closure with a number.
    struct Returns(bool);
    impl VisitMut for Returns {
        fn visit_expr_return_mut(&mut self, _: &mut ExprReturn) {
            self.0 = true;
        }
        fn visit_expr_try_mut(&mut self, _: &mut ExprTry) {
            self.0 = true;
        }
    }
    let (mut text, mut returns) = (text.clone(), Returns(false));
    returns.visit_expr_mut(&mut text);
    (!returns.0 && replace(&mut text)?).then_some(text)
}

/// The parameters of a closure, and `_` for those that it does not take.
fn patterns_of(closure: &ExprClosure, count: usize) -> Vec<TokenStream> {
    let mut patterns: Vec<_> =
        closure.inputs.iter().map(|p| untyped(p).into_token_stream()).collect();
    patterns.resize_with(count, || quote!(_));
    patterns
}

/// The types that a closure gives its parameters, and `_` where it gives none.
fn types_of(closure: &ExprClosure, count: usize) -> Vec<TokenStream> {
    let types = closure.inputs.iter().map(|pattern| match pattern {
        Pat::Type(typed) => typed.ty.to_token_stream(),
        _ => quote!(_),
    });
    let mut types: Vec<_> = types.collect();
    types.resize_with(count, || quote!(_));
    types
}
