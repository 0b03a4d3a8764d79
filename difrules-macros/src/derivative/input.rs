//! What stands in `derivative!(..)`.

use std::collections::HashMap;

use proc_macro2::{Span, TokenStream, TokenTree};
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::parse::{ParseStream, Parser};
use syn::{Error, Ident, LitInt, Path, Result, Token};

use super::table::{Rule, bare_calls, rule_of};
use crate::errors::Errors;
use crate::primitive::options::{Partial, partial_list};

/// What stands in `derivative!(..)`.
pub(super) struct Input {
    pub(super) expression: TokenStream,
    pub(super) variables: Vec<Ident>,
    pub(super) order: usize,
    /// The user's own.
    pub(super) rules: HashMap<String, (Ident, Rule)>,
    /// What the user calls by the bare name of one of `difrules_core::math`.
    pub(super) bare: HashMap<String, Ident>,
    pub(super) root: Option<Path>,
}

impl Input {
    pub(super) fn parse(input: ParseStream, errors: &Errors) -> Result<Self> {
        let mut expression = TokenStream::new();
        // The types in `convert::<f64, T>(2.0)` have commas of their own.
        let (mut colons, mut types) = (0, 0_usize);
        while !input.is_empty() && (types > 0 || !input.peek(Token![,])) {
            let token: TokenTree = input.parse()?;
            match &token {
                TokenTree::Punct(mark) if mark.as_char() == '<' && (colons == 2 || types > 0) => {
                    types += 1;
                }
                TokenTree::Punct(mark) if mark.as_char() == '>' => types = types.saturating_sub(1),
                _ => {}
            }
            colons = match &token {
                TokenTree::Punct(mark) if mark.as_char() == ':' => colons + 1,
                _ => 0,
            };
            expression.extend([token]);
        }
        let whole = Self {
            expression,
            variables: Vec::new(),
            order: 1,
            rules: HashMap::new(),
            bare: HashMap::new(),
            root: None,
        };
        if whole.expression.is_empty() || input.is_empty() {
            return Err(Error::new(
                Span::call_site(),
                "write an expression and the variables to differentiate it by: \
                 `derivative!(x * sin(y), x, y)`",
            ));
        }
        whole.rest(input, errors)
    }

    /// What comes after the expression.
    fn rest(mut self, input: ParseStream, errors: &Errors) -> Result<Self> {
        let mut bare = bare_calls(self.expression.clone());
        while input.peek(Token![,]) {
            input.parse::<Token![,]>()?;
            if input.is_empty() {
                break;
            }
            let name = input.call(Ident::parse_any)?;
            if !input.peek(Token![=]) {
                self.variables.push(name);
                continue;
            }
            input.parse::<Token![=]>()?;
            let value = value(input)?;
            if name == "crate" {
                self.root = errors.keep(syn::parse2(value));
                continue;
            }
            let read = |input: ParseStream| partial_list(input, &name);
            let Some(partials) = errors.keep(read.parse2(value)) else { continue };
            let closures = partials.iter().filter_map(|partial| match partial {
                Partial::Closure(closure) => Some(closure.body.to_token_stream()),
                Partial::Unknown(_) => None,
            });
            bare.extend(closures.flat_map(bare_calls));
            let rule = rule_of(partials, errors);
            self.rules.insert(name.to_string(), (name, rule));
        }
        self.bare = bare.into_iter().map(|name| (name.to_string(), name)).collect();
        if input.peek(Token![;]) {
            input.parse::<Token![;]>()?;
            let order: LitInt = input.parse()?;
            self.order = order.base10_parse()?;
            if self.order == 0 || self.order > 8 {
                errors.say(order.span(), "derivatives of orders 1 to 8 are written out");
            }
        }
        if !input.is_empty() {
            return Err(input.error(
                "after the expression come variables, rules `f = |x| ..`, and `; 2` for derivatives \
                 to that order",
            ));
        }
        if self.variables.is_empty() {
            return Err(Error::new(
                Span::call_site(),
                "say what to differentiate by: `derivative!(x * x, x)`",
            ));
        }
        Ok(self)
    }
}

/// The tokens after `=`, to what comes next: so that a rule that cannot be read does not hide the others.
fn value(input: ParseStream) -> Result<TokenStream> {
    let mut value = TokenStream::new();
    // Whether these are a closure's parameters, which have commas of their own.
    let mut parameters = false;
    while !input.is_empty() {
        let next = input.fork();
        let comma = next.parse::<Option<Token![,]>>()?.is_some();
        let name = next.is_empty() || next.call(Ident::parse_any).is_ok();
        let ends = next.is_empty()
            || next.peek(Token![,])
            || next.peek(Token![;])
            || next.peek(Token![=]) && !next.peek(Token![==]);
        if !parameters && (input.peek(Token![;]) || comma && name && ends) {
            break;
        }
        parameters ^= input.peek(Token![|]);
        value.extend([input.parse::<TokenTree>()?]);
    }
    Ok(value)
}
