//! `derivative!`: an expression's value and derivatives as straight-line Rust.

use std::collections::{HashMap, HashSet};

use difrules_symbolic::{CONSTANTS, DerivativeError, Expr, Node, Rules, Straight};
use proc_macro2::{Delimiter, Spacing, Span, TokenStream, TokenTree};
use quote::{ToTokens, format_ident};
use syn::ext::IdentExt;
use syn::parse::{ParseStream, Parser};
use syn::{Error, ExprClosure, Ident, LitInt, Pat, Path, Result, Token};

use crate::errors::Errors;
use crate::primitive::options::{Partial, partial_list};
use crate::tokens::hygiene::quote;
use crate::tokens::rename;

/// The rules of `difrules_core::math`, written by a test from the registry: a name, the names of the arguments with those of
/// constants in brackets, and a partial derivative an argument, or why there is none.
const TABLE: &str = include_str!("rules.tsv");

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

/// A function's rule.
struct Rule {
    /// The names of its arguments.
    arguments: Vec<String>,
    /// Which of them are constants.
    constants: Vec<bool>,
    /// A partial derivative an argument, by these names; none where nobody knows it, or it is a program.
    partials: Vec<std::result::Result<Expr, Missing>>,
}

#[derive(Clone, Copy)]
enum Missing {
    Unknown,
    Code,
}

/// What stands in `derivative!(..)`.
struct Input {
    expression: TokenStream,
    variables: Vec<Ident>,
    order: usize,
    /// The user's own.
    rules: HashMap<String, (Ident, Rule)>,
    /// What the user calls by the bare name of one of `difrules_core::math`.
    bare: HashMap<String, Ident>,
    root: Option<Path>,
}

impl Input {
    fn parse(input: ParseStream, errors: &Errors) -> Result<Self> {
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
            return Err(input.error(
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

    fn rule(&self, function: &str, arity: usize) -> Option<Rule> {
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
    fn is_known(&self, function: &str, arity: usize) -> bool {
        const CHOICE: [&str; 10] = ["select", "<", "<=", ">", ">=", "==", "!=", "&&", "||", "!"];
        CHOICE.contains(&function)
            || arity == 0 && CONSTANTS.iter().any(|constant| constant.name == function)
            || self.rule(function, arity).is_some()
    }

    /// Whether an argument of a function is a constant.
    fn is_constant(&self, function: &str, arity: usize, argument: usize) -> bool {
        function != "select"
            && self.rule(function, arity).is_some_and(|rule| rule.constants[argument])
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
            format!("{error}; give it one: `{function} = |x| ..`, a closure an argument"),
        )
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

/// The name that a path ends with.
fn last(path: &str) -> &str {
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
const VALUE: &str = "the value";

/// A rule that the user gives.
fn rule_of(partials: Vec<Partial>, errors: &Errors) -> Rule {
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
fn partial_of(closure: &ExprClosure, arguments: &[String]) -> Result<Expr> {
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

/// Tokens as text, with the place of each.
#[derive(Default)]
pub(crate) struct Text {
    pub(crate) text: String,
    places: Vec<(usize, Span)>,
}

impl Text {
    pub(crate) fn write(&mut self, tokens: TokenStream) {
        for token in tokens {
            self.places.push((self.text.len(), token.span()));
            match token {
                TokenTree::Group(group) => {
                    let (open, close) = match group.delimiter() {
                        Delimiter::Parenthesis => ("(", ")"),
                        Delimiter::Brace => ("{", "}"),
                        Delimiter::Bracket => ("[", "]"),
                        Delimiter::None => ("(", ")"),
                    };
                    self.text.push_str(open);
                    self.write(group.stream());
                    self.places.push((self.text.len(), group.span_close()));
                    self.text.push_str(close);
                }
                TokenTree::Punct(punct) => {
                    self.text.push(punct.as_char());
                    if punct.spacing() == Spacing::Alone {
                        self.text.push(' ');
                    }
                }
                other => {
                    self.text.push_str(&other.to_string());
                    self.text.push(' ');
                }
            }
        }
    }

    fn span_at(&self, position: usize) -> Span {
        let token = self.places.iter().rev().find(|(start, _)| *start <= position);
        token.map_or_else(Span::call_site, |(_, span)| *span)
    }
}

/// The variables in constant arguments.
fn integers(input: &Input, program: &Straight) -> HashSet<String> {
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
struct Emission<'a> {
    input: &'a Input,
    program: &'a Straight,
    /// A variable that has the scalar's type.
    first: &'a str,
    /// The variables that are integers: what is read as one anywhere.
    integers: HashSet<String>,
}

impl Emission<'_> {
    fn tokens(&self) -> Result<TokenStream> {
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
                format!("a rule reads `{name}`, which is none of its arguments"),
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
fn step_name(step: usize) -> Ident {
    Ident::new(&format!("step{step}"), Span::mixed_site())
}
