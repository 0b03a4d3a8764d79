//! The partial derivatives as expressions in the registry.

use std::cmp::Ordering;

use difrules_symbolic::Expr;
use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::{ExprClosure, Pat};

use super::Expansion;
use super::rule::{Parameter, untyped};
use crate::derivative::{bare_calls, unambiguous};
use crate::primitive::function::Form;
use crate::primitive::options::{Partial, Rule, Text};
use crate::tokens::hygiene::quote;

impl Expansion<'_> {
    /// The numbers of the arguments by which nobody knows the derivative.
    pub(in crate::primitive) fn unknown(&self) -> Vec<usize> {
        let partials = &self.options.partial;
        let given = if partials.is_empty() { &self.options.symbolic } else { partials };
        self.differentiable()
            .zip(given)
            .filter_map(|(i, partial)| matches!(partial, Partial::Unknown(_)).then_some(i))
            .collect()
    }

    /// Checks of the functions of `difrules_core::math` that the formulas call by their bare names: that these are no
    /// functions of the user's own, which the closures call and the formulas would not.
    pub(super) fn called_by_formulas(&self) -> Vec<TokenStream> {
        let (partials, symbolic) = (&self.options.partial, &self.options.symbolic);
        let given = if symbolic.is_empty() { partials } else { symbolic };
        let closures = given.iter().filter_map(|partial| match partial {
            Partial::Closure(closure) => Some(closure),
            Partial::Unknown(_) => None,
        });
        let closures = closures.filter(|closure| self.formula(closure).is_some());
        let mut names: Vec<_> =
            closures.flat_map(|closure| bare_calls(closure.body.to_token_stream())).collect();
        names.sort();
        names.dedup();
        names
            .iter()
            .map(|name| {
                let function = unambiguous(name, &quote!(::<f64>));
                quote!(const _: fn() = || { let _ = #function; };)
            })
            .collect()
    }

    /// What the registry knows of the derivative by each argument.
    pub(super) fn formulas(&self) -> Vec<TokenStream> {
        let (partials, symbolic) = (&self.options.partial, &self.options.symbolic);
        let given = if symbolic.is_empty() { partials } else { symbolic };
        let mut given = given.iter();
        let unknown = self.unknown();
        let arguments = self.function.arguments.iter().enumerate();
        arguments
            .map(|(i, argument)| {
                if argument.is_constant() {
                    return quote!(__difrules::registry::Partial::Constant);
                }
                if unknown.contains(&i) {
                    given.next();
                    return quote!(__difrules::registry::Partial::Unknown);
                }
                let formula = match given.next() {
                    // The rule is a program that has no formula.
                    Some(Partial::Unknown(_)) => None,
                    Some(Partial::Closure(closure)) => self.formula(closure),
                    None => self.formula_of_forward(i),
                };
                match formula {
                    Some(formula) => quote!(__difrules::registry::Partial::Known(#formula)),
                    None => quote!(__difrules::registry::Partial::Code),
                }
            })
            .collect()
    }

    /// A closure of the arguments, and of the value, as an expression.
    fn formula(&self, closure: &ExprClosure) -> Option<TokenStream> {
        let arity = self.function.arguments.len();
        let names: Vec<_> = closure.inputs.iter().map(name).collect();
        tokens(&parsed(closure)?, &|variable| {
            let i = names.iter().position(|name| name.as_deref() == Some(variable))?;
            match i.cmp(&arity) {
                Ordering::Less => Some(quote!(__difrules::symbolic::Formula::Argument(#i))),
                Ordering::Equal => Some(quote!(__difrules::symbolic::Formula::Value)),
                // What is saved is known to code alone.
                Ordering::Greater => None,
            }
        })
    }

    /// A forward rule of numbers as an expression: it is linear in the tangents, so one of them is 1 and
    /// the others are 0.
    fn formula_of_forward(&self, argument: usize) -> Option<TokenStream> {
        let function = self.function;
        let numbers = function
            .arguments
            .iter()
            .all(|a| a.is_constant() || a.form == Form::Value && function.is_scalar(&a.value));
        let number = function.output.value.as_ref().is_some_and(|value| function.is_scalar(value));
        let Some(Rule::Closure(closure)) = &self.options.forward else { return None };
        if !numbers || !number || self.options.saves.is_some() {
            return None;
        }
        let parameters = self.rule(self.options.forward.as_ref()?, Text::Forward).ok()?.parameters;
        let names: Vec<_> = closure.inputs.iter().map(name).collect();
        let parameter = |variable: &str| {
            let i = names.iter().position(|name| name.as_deref() == Some(variable))?;
            parameters.get(i).copied()
        };
        let body = parsed(closure)?;
        let tangents: Vec<_> = names
            .iter()
            .flatten()
            .filter_map(|name| match parameter(name) {
                Some(Parameter::Tangent(i)) => {
                    Some((name.as_str(), Expr::Number(f64::from(u8::from(i == argument)))))
                }
                _ => None,
            })
            .collect();
        tokens(&body.substitute(&tangents).simplify(), &|variable| match parameter(variable)? {
            Parameter::Before(i) => Some(quote!(__difrules::symbolic::Formula::Argument(#i))),
            Parameter::Output => Some(quote!(__difrules::symbolic::Formula::Value)),
            _ => None,
        })
    }
}

/// The name that a closure gives a parameter.
fn name(pattern: &Pat) -> Option<String> {
    match untyped(pattern) {
        Pat::Ident(pattern) => Some(pattern.ident.to_string()),
        _ => None,
    }
}

/// The closure's text as an expression, where it is one.
fn parsed(closure: &ExprClosure) -> Option<Expr> {
    let mut text = crate::derivative::Text::default();
    text.write(closure.body.to_token_stream());
    text.text.parse().ok()
}

/// The expression as a constant of the program; none where a variable is none of the function's.
fn tokens(expr: &Expr, variable: &impl Fn(&str) -> Option<TokenStream>) -> Option<TokenStream> {
    Some(match expr {
        Expr::Number(number) if !number.is_finite() => {
            let name = match *number {
                f64::INFINITY => quote!(INFINITY),
                f64::NEG_INFINITY => quote!(NEG_INFINITY),
                _ => quote!(NAN),
            };
            quote!(__difrules::symbolic::Formula::Number(__difrules::__private::core::primitive::f64::#name))
        }
        Expr::Number(number) => quote!(__difrules::symbolic::Formula::Number(#number)),
        Expr::Variable(name) => variable(name)?,
        Expr::Call(function, arguments) => {
            let function = &**function;
            let arguments: Option<Vec<_>> =
                arguments.iter().map(|argument| tokens(argument, variable)).collect();
            let arguments = arguments?;
            quote!(__difrules::symbolic::Formula::Call(#function, &[#(#arguments),*]))
        }
    })
}
