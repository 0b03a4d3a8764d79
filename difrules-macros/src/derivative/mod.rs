//! `derivative!`: an expression's value and derivatives as straight-line Rust.

mod emit;
mod input;
mod table;
mod text;

use difrules_symbolic::{DerivativeError, Expr, Node, Straight};
use proc_macro2::{Span, TokenStream, TokenTree};
use syn::parse::{ParseStream, Parser};
use syn::{Error, Ident, Result};

use crate::errors::Errors;
use crate::tokens::rename;

use emit::{Emission, integers};
use input::Input;
use table::last;

pub(crate) use table::{bare_calls, unambiguous};
pub(crate) use text::Text;

pub(crate) fn derivative(input: TokenStream) -> Result<TokenStream> {
    differentiated(input, true)
}

/// The value alone.
pub(crate) fn expression(input: TokenStream) -> Result<TokenStream> {
    differentiated(input, false)
}

/// The value, and the derivatives if they are wanted.
fn differentiated(input: TokenStream, derivatives: bool) -> Result<TokenStream> {
    let errors = Errors::default();
    let read = |tokens: ParseStream| Input::parse(tokens, &errors);
    let input = errors.keep(read.parse2(input));
    let tokens = input.and_then(|input| {
        let value = errors.keep(input.parse_expression())?;
        let mut all = vec![value.simplify()];
        input.check_calls(&all[0], &errors);
        if derivatives && !errors.are_some() {
            all.extend(input.derivatives(&value, &errors)?);
        }
        if errors.are_some() {
            return None;
        }
        errors.keep(written(&input, &all))
    });
    errors.finish(tokens)
}

/// Expressions as Rust.
fn written(input: &Input, all: &[Expr]) -> Result<TokenStream> {
    let first = input.variables[0].to_string();
    let program = Straight::new(all);
    let integers = integers(input, &program);
    let tokens = Emission { input, program: &program, first: &first, integers }.tokens()?;
    Ok(rename::root(tokens, input.root.as_ref()))
}

impl Input {
    fn parse_expression(&self) -> Result<Expr> {
        let mut text = Text::default();
        text.write(self.expression.clone());
        text.text.parse::<Expr>().map_err(|error| {
            let span = text.span_at(error.position);
            Error::new(span, error.message)
        })
    }

    /// Each function that is called has a rule.
    fn check_calls(&self, value: &Expr, errors: &Errors) {
        let program = Straight::new(std::slice::from_ref(value));
        for step in &program.steps {
            if let Node::Call(function, arguments) = step
                && !self.is_known(function, arguments.len())
            {
                let (function, arity) = (function.to_string(), arguments.len());
                errors.add(self.no_derivative(&DerivativeError::NoRule { function, arity }));
            }
        }
    }

    /// The derivatives by each variable, of every order.
    fn derivatives(&self, value: &Expr, errors: &Errors) -> Option<Vec<Expr>> {
        let mut all = Vec::new();
        // Several variables may meet the same.
        let mut said = Vec::new();
        for variable in &self.variables {
            let mut derivative = value.clone();
            for _ in 0..self.order {
                match derivative.differentiate(&variable.to_string(), self) {
                    Ok(next) => derivative = next,
                    Err(error) => {
                        if !said.contains(&error) {
                            errors.add(self.no_derivative(&error));
                            said.push(error);
                        }
                        break;
                    }
                }
                all.push(derivative.clone());
            }
        }
        said.is_empty().then_some(all)
    }

    /// The user's token of this name, or of the last part of this path.
    fn named(&self, name: &str) -> Option<Ident> {
        fn find(tokens: TokenStream, name: &str) -> Option<Ident> {
            tokens.into_iter().find_map(|token| match token {
                TokenTree::Ident(ident) if ident == name => Some(ident),
                TokenTree::Group(group) => find(group.stream(), name),
                _ => None,
            })
        }
        let name = last(name);
        find(self.expression.clone(), name)
            .or_else(|| self.variables.iter().find(|variable| *variable == name).cloned())
    }

    fn no_derivative(&self, error: &DerivativeError) -> Error {
        let function = match error {
            DerivativeError::NoRule { function, .. }
            | DerivativeError::Ambiguous { function, .. }
            | DerivativeError::Unknown { function, .. }
            | DerivativeError::NotAnExpression { function, .. } => function,
            _ => "",
        };
        let span = self.named(function).map_or_else(Span::call_site, |name| name.span());
        Error::new(
            span,
            format!("{error}; give it one: `{function} = |x| ..`, a closure for each argument"),
        )
    }
}
