//! The partial derivatives as expressions in the registry.

use std::cmp::Ordering;

use difrules_symbolic::{Expr, Formula};
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
    pub(super) fn called_by_formulas(&self) -> Option<TokenStream> {
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
        let functions = names.iter().map(|name| unambiguous(name, &quote!(::<f64>)));
        (!names.is_empty()).then(|| quote!(const _: fn() = || { #(let _ = #functions;)* };))
    }

    /// What the registry knows of the derivative by each argument, as `difrules_core::registry::Partial` reads it.
    pub(super) fn formulas(&self) -> Vec<String> {
        let (partials, symbolic) = (&self.options.partial, &self.options.symbolic);
        let given = if symbolic.is_empty() { partials } else { symbolic };
        let mut given = given.iter();
        let unknown = self.unknown();
        let arguments = self.function.arguments.iter().enumerate();
        arguments
            .map(|(i, argument)| {
                if argument.is_constant() {
                    return "constant".into();
                }
                if unknown.contains(&i) {
                    given.next();
                    return "unknown".into();
                }
                let formula = match given.next() {
                    // The rule is a program that has no formula.
                    Some(Partial::Unknown(_)) => None,
                    Some(Partial::Closure(closure)) => self.formula(closure),
                    None => self.formula_of_forward(i),
                };
                formula.unwrap_or_else(|| "code".into())
            })
            .collect()
    }

    /// A closure of the arguments, and of the value, as an expression.
    fn formula(&self, closure: &ExprClosure) -> Option<String> {
        let arity = self.function.arguments.len();
        let names: Vec<_> = closure.inputs.iter().map(name).collect();
        Formula::write(&parsed(closure)?, &|variable| {
            let i = names.iter().position(|name| name.as_deref() == Some(variable))?;
            match i.cmp(&arity) {
                Ordering::Less => Some(Formula::Argument(i)),
                Ordering::Equal => Some(Formula::Value),
                // What is saved is known to code alone.
                Ordering::Greater => None,
            }
        })
    }

    /// A forward rule of numbers as an expression: it is linear in the tangents, so one of them is 1 and
    /// the others are 0.
    fn formula_of_forward(&self, argument: usize) -> Option<String> {
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
        Formula::write(&body.substitute(&tangents).simplify(), &|variable| match parameter(
            variable,
        )? {
            Parameter::Before(i) => Some(Formula::Argument(i)),
            Parameter::Output => Some(Formula::Value),
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
