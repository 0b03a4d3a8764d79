//! Expressions from text.

use std::str::FromStr;

use crate::expr::{Expr, NamedConstant, OPERATORS, POWER, SIGN, whole};

/// Why a text is no expression.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}, at character {position}")]
pub struct ParseError {
    /// What is wrong, and what to write instead.
    pub message: String,
    /// Where: so many bytes into the text.
    pub position: usize,
}

/// An expression as Rust writes it: operators, calls, methods, `if`, `let` in blocks; `^` is a power.
///
/// `π`, `T::pi()` and `std::f64::consts::PI` are the constant; `T::one()` and `convert::<f64, T>(3.0)` are numbers. A path stands
/// for the function that it ends with.
impl FromStr for Expr {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let tokens = tokens(text)?;
        let mut parser = Parser { tokens, next: 0, end: text.len(), bound: Vec::new() };
        let expr = parser.expression(0)?;
        match parser.peek() {
            None => Ok(expr),
            Some(token) => Err(parser.wrong(&format!("`{token}` does not go on the expression"))),
        }
    }
}

struct Token {
    text: String,
    position: usize,
}

/// Marks of several characters, before those of one that they begin with.
const MARKS: [&str; 8] = ["::", "<=", ">=", "==", "!=", "&&", "||", "->"];

fn tokens(text: &str) -> Result<Vec<Token>, ParseError> {
    let mut tokens: Vec<Token> = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let position = text.len() - rest.len();
        let length = if first.is_whitespace() {
            rest = &rest[first.len_utf8()..];
            continue;
        } else if first.is_alphabetic() || first == '_' {
            rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len())
        } else if first.is_ascii_digit()
            || first == '.' && rest[1..].starts_with(|c: char| c.is_ascii_digit())
        {
            number_length(rest)
        } else if let Some(mark) = MARKS.iter().find(|mark| rest.starts_with(**mark)) {
            mark.len()
        } else if "+-*/%^().,;<>!&={}".contains(first) {
            1
        } else {
            let message = format!("`{first}` has no place in an expression");
            return Err(ParseError { message, position });
        };
        tokens.push(Token { text: rest[..length].into(), position });
        rest = &rest[length..];
    }
    Ok(tokens)
}

/// The length of a number with its exponent and its type.
fn number_length(text: &str) -> usize {
    let mut length = 0;
    let bytes = text.as_bytes();
    while let Some(&byte) = bytes.get(length) {
        let sign = matches!(byte, b'+' | b'-')
            && matches!(bytes[length - 1], b'e' | b'E')
            && bytes[..length - 1].iter().all(|b| b.is_ascii_digit() || *b == b'.');
        // A point before a name is that of a method.
        let point = byte == b'.'
            && !bytes.get(length + 1).is_some_and(|b| b.is_ascii_alphabetic() || *b == b'_');
        if !(byte.is_ascii_alphanumeric() || byte == b'_' || point || sign && length > 0) {
            break;
        }
        length += 1;
    }
    length
}

/// The number that a literal stands for.
fn number(literal: &str) -> Option<f64> {
    let digits = literal.replace('_', "");
    let types = ["f64", "f32", "i32", "u32", "usize", "i64", "u64"];
    let digits = types.iter().find_map(|name| digits.strip_suffix(name)).unwrap_or(&digits);
    digits.parse().ok()
}

struct Parser {
    tokens: Vec<Token>,
    next: usize,
    end: usize,
    /// What `let` has given names to.
    bound: Vec<(String, Expr)>,
}

impl Parser {
    fn peek(&self) -> Option<&str> {
        self.tokens.get(self.next).map(|token| token.text.as_str())
    }

    fn is(&self, text: &str) -> bool {
        self.peek() == Some(text)
    }

    fn take(&mut self, text: &str) -> bool {
        let found = self.is(text);
        self.next += usize::from(found);
        found
    }

    fn expect(&mut self, text: &str) -> Result<(), ParseError> {
        if self.take(text) {
            return Ok(());
        }
        Err(match self.peek() {
            Some(found) => self.wrong(&format!("here has to be a `{text}`, not `{found}`")),
            None => self.wrong(&format!("a `{text}` is missing at the end")),
        })
    }

    fn wrong(&self, message: &str) -> ParseError {
        let position = self.tokens.get(self.next).map_or(self.end, |token| token.position);
        ParseError { message: message.into(), position }
    }

    fn expression(&mut self, least: u8) -> Result<Expr, ParseError> {
        let mut left = self.prefix()?;
        loop {
            // The value of a cast stays.
            if self.take("as") {
                self.name()?;
                continue;
            }
            if POWER >= least && self.take("^") {
                // A power goes to the right, everything else to the left.
                let exponent = self.expression(SIGN)?;
                let integer = matches!(exponent, Expr::Number(n) if whole(n).is_some());
                left = Expr::call(if integer { "powi" } else { "powf" }, [left, exponent]);
                continue;
            }
            let operator = self.peek().and_then(|mark| OPERATORS.iter().find(|(m, ..)| *m == mark));
            let Some(&(_, strength, function)) = operator.filter(|(_, s, _)| *s >= least) else {
                return Ok(left);
            };
            self.next += 1;
            let right = self.expression(strength + 1)?;
            left = Expr::call(function, [left, right]);
        }
    }

    fn prefix(&mut self) -> Result<Expr, ParseError> {
        if self.take("-") {
            let operand = self.expression(SIGN)?;
            return Ok(match operand {
                Expr::Number(number) => Expr::Number(-number),
                operand => -operand,
            });
        }
        if self.take("!") {
            return Ok(Expr::call("!", [self.expression(SIGN)?]));
        }
        if self.take("*") || self.take("&") {
            // What a reference refers to is the same number.
            return self.prefix();
        }
        let mut expr = self.primary()?;
        while self.take(".") {
            let method = self.name()?;
            self.skip_generics()?;
            let mut arguments = vec![expr];
            arguments.extend(self.arguments()?);
            expr = function(&method, arguments);
        }
        Ok(expr)
    }

    fn name(&mut self) -> Result<String, ParseError> {
        match self.peek() {
            Some(name) if name.starts_with(|c: char| c.is_alphabetic() || c == '_') => {
                let name = name.to_string();
                self.next += 1;
                Ok(name)
            }
            Some(other) => Err(self.wrong(&format!("here has to be a name, not `{other}`"))),
            None => Err(self.wrong("a name is missing at the end")),
        }
    }

    /// `::<f64, T>`.
    fn skip_generics(&mut self) -> Result<(), ParseError> {
        if !(self.is("::") && self.tokens.get(self.next + 1).is_some_and(|t| t.text == "<")) {
            return Ok(());
        }
        self.next += 2;
        while !self.take(">") {
            if self.peek().is_none() {
                return Err(self.wrong("a `>` is missing at the end"));
            }
            self.next += 1;
        }
        Ok(())
    }

    fn arguments(&mut self) -> Result<Vec<Expr>, ParseError> {
        self.expect("(")?;
        let mut arguments = Vec::new();
        while !self.take(")") {
            arguments.push(self.expression(0)?);
            if !self.take(",") && !self.is(")") {
                self.expect(")")?;
            }
        }
        Ok(arguments)
    }

    fn primary(&mut self) -> Result<Expr, ParseError> {
        let Some(token) = self.peek().map(str::to_string) else {
            return Err(self.wrong("an expression is missing at the end"));
        };
        if token.starts_with(|c: char| c.is_ascii_digit() || c == '.') && token != "." {
            let value =
                number(&token).ok_or_else(|| self.wrong(&format!("`{token}` is no number")))?;
            self.next += 1;
            return Ok(Expr::Number(value));
        }
        match token.as_str() {
            "(" => {
                self.next += 1;
                let inner = self.expression(0)?;
                self.expect(")")?;
                Ok(inner)
            }
            "{" => self.block(),
            "if" => self.choice(),
            "true" | "false" => {
                self.next += 1;
                Ok(Expr::Number(f64::from(u8::from(token == "true"))))
            }
            "<" => {
                // `<T>::one()`.
                while !self.take(">") {
                    if self.peek().is_none() {
                        return Err(self.wrong("a `>` is missing at the end"));
                    }
                    self.next += 1;
                }
                self.expect("::")?;
                self.path()
            }
            _ => self.path(),
        }
    }

    /// A variable, a constant or a call.
    fn path(&mut self) -> Result<Expr, ParseError> {
        self.take("::");
        let mut name = self.name()?;
        let mut is_path = false;
        loop {
            self.skip_generics()?;
            if !self.take("::") {
                break;
            }
            is_path = true;
            name = self.name()?;
        }
        if self.is("(") {
            let arguments = self.arguments()?;
            return Ok(function(&name, arguments));
        }
        if let Some((_, bound)) = self.bound.iter().rev().find(|(other, _)| *other == name) {
            return Ok(bound.clone());
        }
        Ok(match NamedConstant::find(&name) {
            Some(constant) if is_path || name == "π" => Expr::call(constant.name, []),
            _ => Expr::variable(&name),
        })
    }

    /// `{ let a = ..; expression }`.
    fn block(&mut self) -> Result<Expr, ParseError> {
        self.expect("{")?;
        let outside = self.bound.len();
        while self.take("let") {
            let name = self.name()?;
            self.expect("=")?;
            let value = self.expression(0)?;
            self.expect(";")?;
            self.bound.push((name, value));
        }
        let result = self.expression(0)?;
        self.bound.truncate(outside);
        self.expect("}")?;
        Ok(result)
    }

    /// `if .. { .. } else { .. }`.
    fn choice(&mut self) -> Result<Expr, ParseError> {
        self.expect("if")?;
        let condition = self.expression(0)?;
        let then = self.block()?;
        self.expect("else")?;
        let otherwise = if self.is("if") { self.choice()? } else { self.block()? };
        Ok(Expr::call("select", [condition, then, otherwise]))
    }
}

/// A call by the name of a function or of a method of nalgebra's scalars.
fn function(name: &str, mut arguments: Vec<Expr>) -> Expr {
    match (name, arguments.len()) {
        ("zero", 0) => Expr::Number(0.0),
        ("one", 0) => Expr::Number(1.0),
        // Conversions of the same value.
        ("convert" | "to_f64" | "from" | "into" | "from_real" | "clone" | "lift", 1) => {
            arguments.remove(0)
        }
        // Integers do not overflow here.
        ("saturating_add", 2) => Expr::call("add", arguments),
        ("saturating_sub", 2) => Expr::call("sub", arguments),
        ("is_zero", 1) => {
            arguments.push(Expr::Number(0.0));
            Expr::call("==", arguments)
        }
        _ => Expr::call(name, arguments),
    }
}
