//! A program of straight lines as Rust.

use std::collections::HashSet;

use difrules_symbolic::{CONSTANTS, DerivativeError, Node, Straight};
use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, format_ident};
use syn::{Error, Ident, Path, Result};

use super::input::Input;
use super::table::{last, unambiguous};
use crate::tokens::hygiene::quote;

/// The variables in constant arguments.
pub(super) fn integers(input: &Input, program: &Straight) -> HashSet<String> {
    let mut within = vec![false; program.steps.len()];
    let mut names = HashSet::new();
    for (i, step) in program.steps.iter().enumerate().rev() {
        match step {
            Node::Call(function, arguments) => {
                for (k, &argument) in arguments.iter().enumerate() {
                    within[argument] |=
                        within[i] || input.is_constant(function, arguments.len(), k);
                }
            }
            Node::Variable(name) if within[i] => {
                names.insert(name.to_string());
            }
            _ => {}
        }
    }
    names
}

/// The program as Rust.
pub(super) struct Emission<'a> {
    pub(super) input: &'a Input,
    pub(super) program: &'a Straight,
    /// A variable that has the scalar's type.
    pub(super) first: &'a str,
    /// The variables that are integers: what is read as one anywhere.
    pub(super) integers: HashSet<String>,
}

impl Emission<'_> {
    pub(super) fn tokens(&self) -> Result<TokenStream> {
        // What is only an integer, the exponent of a power say, is written where it is used.
        let mut wanted = vec![false; self.program.steps.len()];
        for &result in &self.program.results {
            wanted[result] = true;
        }
        for (i, step) in self.program.steps.iter().enumerate().rev() {
            if let (true, Node::Call(function, arguments)) = (wanted[i], step) {
                for (k, &argument) in arguments.iter().enumerate() {
                    wanted[argument] |= !self.input.is_constant(function, arguments.len(), k);
                }
            }
        }
        let mut lets = TokenStream::new();
        for (i, step) in self.program.steps.iter().enumerate() {
            if let (true, Node::Call(function, arguments)) = (wanted[i], step) {
                let name = step_name(i);
                let value = self.call(function, arguments)?;
                lets.extend(quote!(let #name = #value;));
            }
        }
        let results: Result<Vec<_>> =
            self.program.results.iter().map(|step| self.operand(*step)).collect();
        let results = results?;
        Ok(match &results[..] {
            [value] => quote!({ #lets #value }),
            results => quote!({ #lets (#(#results),*) }),
        })
    }

    fn variable(&self, name: &str) -> Result<TokenStream> {
        if name.contains("::") {
            return Ok(syn::parse_str::<Path>(name)?.into_token_stream());
        }
        let named = self.input.named(name).ok_or_else(|| {
            Error::new(
                Span::call_site(),
                format!("a rule reads `{name}`, which is not one of its arguments"),
            )
        })?;
        Ok(named.into_token_stream())
    }

    /// A step's value where it is read.
    fn operand(&self, step: usize) -> Result<TokenStream> {
        Ok(match &self.program.steps[step] {
            Node::Number(number) => self.number(*number)?,
            // A constant of the user's has the type of its own.
            Node::Variable(name) if self.integers.contains(&**name) || name.contains("::") => {
                let (like, name) = (self.variable(self.first)?, self.variable(name)?);
                quote!(__difrules::__private::number(#like, #name as f64))
            }
            Node::Variable(name) => self.variable(name)?,
            Node::Call(function, arguments) if arguments.is_empty() => {
                match CONSTANTS.iter().find(|constant| constant.name == &**function) {
                    Some(constant) => {
                        let (like, path): (_, Path) =
                            (self.variable(self.first)?, syn::parse_str(constant.rust)?);
                        quote!(__difrules::__private::number(#like, __difrules::__private::#path))
                    }
                    None => step_name(step).into_token_stream(),
                }
            }
            Node::Call(..) => step_name(step).into_token_stream(),
        })
    }

    fn number(&self, number: f64) -> Result<TokenStream> {
        let like = self.variable(self.first)?;
        let number = match number {
            number if number.is_nan() => {
                quote!(__difrules::__private::std::primitive::f64::NAN)
            }
            f64::INFINITY => quote!(__difrules::__private::std::primitive::f64::INFINITY),
            f64::NEG_INFINITY => {
                quote!(__difrules::__private::std::primitive::f64::NEG_INFINITY)
            }
            number => quote!(#number),
        };
        Ok(quote!(__difrules::__private::number(#like, #number)))
    }

    /// An integer, or a flag, where it is read.
    fn constant(&self, step: usize) -> Result<TokenStream> {
        let wrong = |span| {
            Error::new(span, "a constant argument is an integer, or a sum or product of integers")
        };
        Ok(match &self.program.steps[step] {
            Node::Number(number) if number.trunc() != *number || number.abs() > 1e15 => {
                return Err(wrong(Span::call_site()));
            }
            Node::Number(number) => {
                let literal = proc_macro2::Literal::i64_unsuffixed(number.abs() as i64);
                if *number < 0.0 { quote!(-#literal) } else { quote!(#literal) }
            }
            Node::Variable(name) => self.variable(name)?,
            Node::Call(function, arguments) => {
                let parts: Result<Vec<_>> =
                    arguments.iter().map(|argument| self.constant(*argument)).collect();
                match (&**function, &parts?[..]) {
                    ("add", [x, y]) => quote!((#x + #y)),
                    ("sub", [x, y]) => quote!((#x - #y)),
                    ("mul", [x, y]) => quote!((#x * #y)),
                    ("neg", [x]) => quote!((-#x)),
                    _ => {
                        let span =
                            self.input.named(function).map_or_else(Span::call_site, |n| n.span());
                        return Err(wrong(span));
                    }
                }
            }
        })
    }

    fn call(&self, function: &str, arguments: &[usize]) -> Result<TokenStream> {
        let arity = arguments.len();
        let operands: Result<Vec<_>> = arguments
            .iter()
            .enumerate()
            .map(|(k, argument)| match self.input.is_constant(function, arity, k) {
                true => self.constant(*argument),
                false => self.operand(*argument),
            })
            .collect();
        let operands = operands?;
        if CONSTANTS.iter().any(|constant| constant.name == function) && arity == 0 {
            return Ok(quote!(()));
        }
        let two = |step: usize| matches!(self.program.steps[step], Node::Number(n) if n == 2.0);
        Ok(match (function, &operands[..]) {
            ("add", [x, y]) => quote!(#x + #y),
            ("sub", [x, y]) => quote!(#x - #y),
            ("mul", [x, y]) => quote!(#x * #y),
            ("div", [x, y]) => quote!(#x / #y),
            ("rem", [x, y]) => quote!(#x % #y),
            ("neg", [x]) => quote!(-#x),
            ("powi", [x, _]) if two(arguments[1]) => quote!(#x * #x),
            ("<", [x, y]) => quote!(#x < #y),
            ("<=", [x, y]) => quote!(#x <= #y),
            (">", [x, y]) => quote!(#x > #y),
            (">=", [x, y]) => quote!(#x >= #y),
            ("==", [x, y]) => quote!(#x == #y),
            ("!=", [x, y]) => quote!(#x != #y),
            ("&&", [x, y]) => quote!(#x && #y),
            ("||", [x, y]) => quote!(#x || #y),
            ("!", [x]) => quote!(!#x),
            ("select", [condition, then, otherwise]) => {
                quote!(if #condition { #then } else { #otherwise })
            }
            _ => match self.input.rules.get(last(function)) {
                Some((_, rule)) if rule.arguments.len() == arity && function.contains("::") => {
                    let path: Path = syn::parse_str(function)?;
                    quote!(#path(#(#operands),*))
                }
                Some((name, rule)) if rule.arguments.len() == arity => {
                    quote!(#name(#(#operands),*))
                }
                _ if self.input.rule(function, arity).is_some() => {
                    let called = match self.input.bare.get(function) {
                        Some(name) => unambiguous(name, &TokenStream::new()),
                        None => {
                            let name = format_ident!("{function}");
                            quote!(__difrules::math::#name)
                        }
                    };
                    quote!((#called)(#(#operands),*))
                }
                _ => {
                    let error = DerivativeError::NoRule { function: function.into(), arity };
                    return Err(self.input.no_derivative(&error));
                }
            },
        })
    }
}

/// The variable of a step, which the user's names do not meet.
pub(super) fn step_name(step: usize) -> Ident {
    Ident::new(&format!("step{step}"), Span::mixed_site())
}
