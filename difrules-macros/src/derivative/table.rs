//! The rules of functions: the user's own, and those of `difrules_core::math`.

use difrules_symbolic::{CONSTANTS, DerivativeError, Expr, Rules};
use proc_macro2::{Delimiter, TokenStream, TokenTree};
use quote::ToTokens;
use syn::{Error, ExprClosure, Ident, Pat, Result};

use super::input::Input;
use super::text::Text;
use crate::errors::Errors;
use crate::primitive::options::Partial;
use crate::tokens::hygiene::quote;

/// The rules of `difrules_core::math`, written by a test from the registry: a name, the names of the arguments with those of
/// constants in brackets, and a partial derivative an argument, or why there is none.
pub(super) const TABLE: &str = include_str!("rules.tsv");

/// A function's rule.
pub(super) struct Rule {
    /// The names of its arguments.
    pub(super) arguments: Vec<String>,
    /// Which of them are constants.
    pub(super) constants: Vec<bool>,
    /// A partial derivative an argument, by these names; none where nobody knows it, or it is a program.
    pub(super) partials: Vec<std::result::Result<Expr, Missing>>,
}

#[derive(Clone, Copy)]
pub(super) enum Missing {
    Unknown,
    Code,
}

impl Input {
    pub(super) fn rule(&self, function: &str, arity: usize) -> Option<Rule> {
        if let Some((_, rule)) = self.rules.get(last(function))
            && rule.arguments.len() == arity
        {
            return Some(Rule {
                arguments: rule.arguments.clone(),
                constants: rule.constants.clone(),
                partials: rule.partials.clone(),
            });
        }
        TABLE.lines().find_map(|line| {
            let mut columns = line.split('\t');
            let rule = (columns.next()? == function).then(|| columns.next()).flatten()?;
            let names: Vec<_> = rule.split(", ").collect();
            if names.len() != arity {
                return None;
            }
            let constants = names.iter().map(|name| name.starts_with('[')).collect();
            let partials = columns.map(|text| match text {
                "unknown" => Err(Missing::Unknown),
                "code" | "constant" => Err(Missing::Code),
                text => text.parse().map_err(|_| Missing::Code),
            });
            let arguments = names.iter().map(|name| name.trim_matches(['[', ']']).to_string());
            Some(Rule { arguments: arguments.collect(), constants, partials: partials.collect() })
        })
    }

    /// Whether a function can be written out: a choice, a comparison, a constant, or one that has a rule.
    pub(super) fn is_known(&self, function: &str, arity: usize) -> bool {
        const CHOICE: [&str; 10] = ["select", "<", "<=", ">", ">=", "==", "!=", "&&", "||", "!"];
        CHOICE.contains(&function)
            || arity == 0 && CONSTANTS.iter().any(|constant| constant.name == function)
            || self.rule(function, arity).is_some()
    }

    /// Whether an argument of a function is a constant.
    pub(super) fn is_constant(&self, function: &str, arity: usize, argument: usize) -> bool {
        function != "select"
            && self.rule(function, arity).is_some_and(|rule| rule.constants[argument])
    }
}

impl Rules for Input {
    fn partial(
        &self,
        function: &str,
        arguments: &[Expr],
        argument: usize,
    ) -> std::result::Result<Expr, DerivativeError> {
        let arity = arguments.len();
        let no_rule = || DerivativeError::NoRule { function: function.into(), arity };
        let rule = self.rule(function, arity).ok_or_else(no_rule)?;
        let name = rule.arguments[argument].clone();
        match rule.partials.get(argument).ok_or_else(no_rule)? {
            Ok(partial) => {
                let given: Vec<_> = rule
                    .arguments
                    .iter()
                    .map(String::as_str)
                    .zip(arguments.iter().cloned())
                    .chain([(VALUE, Expr::call(function, arguments.iter().cloned()))])
                    .collect();
                Ok(partial.substitute(&given))
            }
            Err(Missing::Unknown) => {
                Err(DerivativeError::Unknown { function: function.into(), argument: name })
            }
            Err(Missing::Code) => {
                Err(DerivativeError::NotAnExpression { function: function.into(), argument: name })
            }
        }
    }
}
/// The name that a path ends with.
pub(super) fn last(path: &str) -> &str {
    path.rsplit("::").next().unwrap_or(path)
}
/// The functions of `difrules_core::math` that these tokens call by their bare name.
pub(crate) fn bare_calls(tokens: TokenStream) -> Vec<Ident> {
    let tokens: Vec<_> = tokens.into_iter().collect();
    let mut found = Vec::new();
    for (i, token) in tokens.iter().enumerate() {
        match token {
            TokenTree::Group(group) => found.extend(bare_calls(group.stream())),
            TokenTree::Ident(name) => {
                let before = i.checked_sub(1).and_then(|before| tokens.get(before));
                let bare = !matches!(before, Some(TokenTree::Punct(mark)) if ['.', ':'].contains(&mark.as_char()));
                let called = matches!(
                    tokens.get(i + 1),
                    Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Parenthesis
                );
                let text = name.to_string();
                let known = || TABLE.lines().any(|line| line.split('\t').next() == Some(&text));
                if bare && called && known() {
                    found.push(name.clone());
                }
            }
            _ => {}
        }
    }
    found
}

/// A function of `difrules_core::math` by its bare name, with these generics: ambiguous where the user's module has another one of this name.
pub(crate) fn unambiguous(name: &Ident, generics: &TokenStream) -> TokenStream {
    quote!({
        #[allow(unused_imports, clippy::wildcard_imports)]
        use self::*;
        #[allow(unused_imports, clippy::wildcard_imports)]
        use __difrules::math::*;
        #name #generics
    })
}
/// The name of a function's value in its rule, which no argument has.
pub(super) const VALUE: &str = "the value";

/// A rule that the user gives.
pub(super) fn rule_of(partials: Vec<Partial>, errors: &Errors) -> Rule {
    let arity = match &partials[..] {
        [Partial::Closure(closure)] if closure.inputs.len() <= 2 => 1,
        all => all.len(),
    };
    let arguments: Vec<_> = (0..arity).map(|i| format!("argument {i}")).collect();
    let partials = partials.into_iter().map(|partial| match partial {
        Partial::Unknown(_) => Err(Missing::Unknown),
        Partial::Closure(closure) => {
            errors.keep(partial_of(&closure, &arguments)).ok_or(Missing::Code)
        }
    });
    let partials = partials.collect();
    Rule { constants: vec![false; arity], partials, arguments }
}

/// A closure as an expression of the arguments and of the value.
pub(super) fn partial_of(closure: &ExprClosure, arguments: &[String]) -> Result<Expr> {
    if !(arguments.len()..=arguments.len() + 1).contains(&closure.inputs.len()) {
        return Err(Error::new_spanned(
            closure,
            format!(
                "a partial derivative takes the {} arguments, and the function's value if it likes",
                arguments.len()
            ),
        ));
    }
    let mut text = Text::default();
    text.write(closure.body.to_token_stream());
    let body: Expr = text.text.parse().map_err(|error: difrules_symbolic::ParseError| {
        Error::new(text.span_at(error.position), error.message)
    })?;
    let names = arguments.iter().map(String::as_str).chain([VALUE]);
    let given: Vec<_> = closure
        .inputs
        .iter()
        .zip(names)
        .filter_map(|(pattern, name)| match pattern {
            Pat::Ident(pattern) => Some((pattern.ident.to_string(), Expr::variable(name))),
            _ => None,
        })
        .collect();
    let given: Vec<_> = given.iter().map(|(name, by)| (name.as_str(), by.clone())).collect();
    Ok(body.substitute(&given))
}
