//! Expressions from text.

use std::collections::HashMap;
use std::str::FromStr;

use crate::expr::{
    COMPARISON, CONVERSIONS, Expr, NamedConstant, OPERATORS, arity, is_taken, whole,
};

/// Why a text is no expression.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}, at character {position}")]
#[non_exhaustive]
pub struct ParseError {
    /// What is wrong, and what to write instead.
    pub message: String,
    /// Where: so many bytes into the text.
    pub position: usize,
}

/// An expression as Rust writes it: operators, calls, methods, `if`, `let` in blocks; `^` is a power.
///
/// `π`, `T::pi()` and `std::f64::consts::PI` are the constant; `T::one()` and `convert::<f64, T>(3.0)` are numbers. A path stands
/// for the function that it ends with; but where that name is one of `difrules_core::math` and the path is none to there or to a
/// scalar, it is a function of its own, and so is a constant of another module. What changes a value that Rust converts (`as i32`)
/// is refused. Brackets may be nested as deep as memory allows.
impl FromStr for Expr {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let tokens = tokens(text)?;
        let parser =
            Parser { tokens, next: 0, end: text.len(), bound: HashMap::new(), open: Vec::new() };
        parser.run()
    }
}

struct Token {
    text: String,
    position: usize,
}

/// Marks of several characters, before those of one that they begin with.
const MARKS: [&str; 9] = ["::", "<=", ">=", "==", "!=", "&&", "||", "->", "**"];

/// Words of Rust that are no names.
const KEYWORDS: [&str; 37] = [
    "as", "async", "await", "break", "const", "continue", "dyn", "else", "enum", "extern", "false",
    "fn", "for", "if", "impl", "in", "let", "loop", "match", "mod", "move", "mut", "pub", "ref",
    "return", "static", "struct", "trait", "true", "type", "unsafe", "use", "where", "while",
    "yield", "box", "do",
];

fn begins_name(c: char) -> bool {
    c.is_alphabetic() || c == '_'
}

/// Whether a path may begin with this token.
fn begins_path(token: &str) -> bool {
    ["::", "<"].contains(&token) || token.starts_with(begins_name) && !KEYWORDS.contains(&token)
}

fn tokens(text: &str) -> Result<Vec<Token>, ParseError> {
    let mut tokens: Vec<Token> = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let position = text.len() - rest.len();
        let length = if first.is_whitespace() {
            rest = &rest[first.len_utf8()..];
            continue;
        } else if begins_name(first) {
            rest.find(|c: char| !begins_name(c) && !c.is_ascii_digit()).unwrap_or(rest.len())
        } else if first.is_ascii_digit()
            || first == '.' && rest[1..].starts_with(|c: char| c.is_ascii_digit())
        {
            number_length(rest)
        } else if let Some(mark) = MARKS.iter().find(|mark| rest.starts_with(**mark)) {
            mark.len()
        } else if "+-*/%^().,;<>!&={}".contains(first) {
            1
        } else {
            let message = format!("unexpected `{first}` in an expression");
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
    // Whether what was read is digits, which an exponent with a sign may follow.
    let mut plain = true;
    while let Some(&byte) = bytes.get(length) {
        let sign = plain
            && length > 0
            && matches!(byte, b'+' | b'-')
            && matches!(bytes[length - 1], b'e' | b'E');
        // A point before a name is that of a method.
        let point = byte == b'.'
            && !text[length + 1..].starts_with(begins_name)
            && bytes.get(length + 1) != Some(&b'.');
        if !(byte.is_ascii_alphanumeric() || byte == b'_' || point || sign) {
            break;
        }
        let before = length.checked_sub(1).and_then(|before| bytes.get(before));
        plain &= before.is_none_or(|b| b.is_ascii_digit() || matches!(b, b'.' | b'_'));
        length += 1;
    }
    length
}

/// The number that a literal stands for: one of the type that it names.
fn number(literal: &str) -> Option<f64> {
    let digits = literal.replace('_', "");
    let floats = ["f64", "f32"];
    let integers =
        ["i8", "i16", "i32", "i64", "i128", "isize", "u8", "u16", "u32", "u64", "u128", "usize"];
    let types = floats.iter().chain(&integers);
    let named = types.copied().find(|name| digits.ends_with(name));
    let digits = named.map_or(&*digits, |name| &digits[..digits.len() - name.len()]);
    let number: f64 = match named {
        Some(name) if integers.contains(&name) && !digits.bytes().all(|b| b.is_ascii_digit()) => {
            return None;
        }
        Some("f32") => f64::from(digits.parse::<f32>().ok()?),
        _ => digits.parse().ok()?,
    };
    number.is_finite().then_some(number)
}

/// What waits for an expression that is being read.
enum Open {
    /// A sign, or `!`.
    Prefix(&'static str),
    /// An operator, how tightly it binds, and what is on its left.
    Binary(&'static str, u8, Expr),
    /// A power and its base.
    Power(Expr),
    Parenthesis,
    /// A call: the path, where it is, and the arguments so far.
    Call(String, usize, Vec<Expr>),
    /// A block, and the names that it has bound, with what they stood for before.
    Block(Vec<(String, Option<Expr>)>),
    /// `let` of a name.
    Let(String),
    /// `if`.
    Condition,
    /// The block after a condition.
    Then(Expr),
    /// What comes after `else`.
    Otherwise(Expr, Expr),
}

/// What comes of a token.
enum Step {
    /// The operand so far; none where another one comes next.
    Read(Option<Expr>),
    /// The whole expression.
    Done(Expr),
}

struct Parser {
    tokens: Vec<Token>,
    next: usize,
    end: usize,
    /// What `let` has given names to.
    bound: HashMap<String, Expr>,
    /// What is open, the innermost last.
    open: Vec<Open>,
}

impl Parser {
    /// Reads operands and what comes after them in turn. What is open is on a stack of its own, so that no text is nested
    /// too deep.
    fn run(mut self) -> Result<Expr, ParseError> {
        let mut operand = None;
        loop {
            operand = match operand {
                None => self.operand()?,
                Some(operand) => match self.continued(operand)? {
                    Step::Read(operand) => operand,
                    Step::Done(expr) => return Ok(expr),
                },
            };
        }
    }

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
            Some(found) => self.wrong(&format!("expected `{text}`, found `{found}`")),
            None => self.wrong(&format!("expected `{text}` at the end")),
        })
    }

    fn wrong(&self, message: &str) -> ParseError {
        let position = self.tokens.get(self.next).map_or(self.end, |token| token.position);
        ParseError { message: message.into(), position }
    }

    fn name(&mut self) -> Result<String, ParseError> {
        match self.peek() {
            Some(name) if name.starts_with(begins_name) && !KEYWORDS.contains(&name) => {
                let name = name.to_string();
                self.next += 1;
                Ok(name)
            }
            Some(other) => Err(self.wrong(&format!("expected a name, found `{other}`"))),
            None => Err(self.wrong("expected a name at the end")),
        }
    }

    /// `<f64, T>`, without the first mark.
    fn skip_generics(&mut self) -> Result<(), ParseError> {
        while !self.take(">") {
            match self.peek() {
                None => return Err(self.wrong("expected `>` at the end")),
                Some(part) if part.starts_with(begins_name) || [",", "::"].contains(&part) => {
                    self.next += 1;
                }
                Some(part) => {
                    return Err(self.wrong(&format!("unexpected `{part}` in a list of types")));
                }
            }
        }
        Ok(())
    }

    /// `::<f64, T>`, if it is there.
    fn take_generics(&mut self) -> Result<(), ParseError> {
        if self.is("::") && self.tokens.get(self.next + 1).is_some_and(|t| t.text == "<") {
            self.next += 2;
            self.skip_generics()?;
        }
        Ok(())
    }

    /// What an operand begins with; nothing where it goes on.
    fn operand(&mut self) -> Result<Option<Expr>, ParseError> {
        let Some(token) = self.peek().map(str::to_string) else {
            return Err(self.wrong("expected an expression at the end"));
        };
        if token.starts_with(|c: char| c.is_ascii_digit() || c == '.') && token != "." {
            let value =
                number(&token).ok_or_else(|| self.wrong(&format!("`{token}` is not a number")))?;
            self.next += 1;
            return Ok(Some(Expr::Number(value)));
        }
        let opened = match token.as_str() {
            "-" => Open::Prefix("neg"),
            "!" => Open::Prefix("!"),
            "(" => Open::Parenthesis,
            "if" => Open::Condition,
            "{" => {
                self.block()?;
                return Ok(None);
            }
            "*" | "**" | "&" => {
                // What a reference refers to is the same number.
                self.next += 1;
                return Ok(None);
            }
            "true" | "false" => {
                self.next += 1;
                return Ok(Some(Expr::Number(f64::from(u8::from(token == "true")))));
            }
            _ if begins_path(&token) => return self.path(),
            _ => return Err(self.wrong(&format!("expected an expression, found `{token}`"))),
        };
        self.next += 1;
        self.open.push(opened);
        Ok(None)
    }

    /// A variable, a constant or a call.
    fn path(&mut self) -> Result<Option<Expr>, ParseError> {
        let position = self.tokens[self.next].position;
        // Whether it begins with something that is no module.
        let mut of_scalar = false;
        let mut path = String::new();
        if self.take("<") {
            // `<T>::one()`.
            self.skip_generics()?;
            self.expect("::")?;
            of_scalar = true;
        } else {
            self.take("::");
        }
        loop {
            path += &self.name()?;
            self.take_generics()?;
            if !self.take("::") {
                break;
            }
            path += "::";
        }
        if of_scalar {
            path.insert_str(0, "T::");
        }
        if self.take("(") {
            return self.begin_call(path, position, Vec::new());
        }
        if let Some(bound) = self.bound.get(&path) {
            return Ok(Some(bound.clone()));
        }
        let number =
            match path.strip_prefix("std::").or(path.strip_prefix("core::")).unwrap_or(&path) {
                "f64::INFINITY" => Some(f64::INFINITY),
                "f64::NEG_INFINITY" => Some(f64::NEG_INFINITY),
                "f64::NAN" => Some(f64::NAN),
                "f64::MAX" => Some(f64::MAX),
                "f64::MIN" => Some(f64::MIN),
                "f64::MIN_POSITIVE" => Some(f64::MIN_POSITIVE),
                "f64::EPSILON" => Some(f64::EPSILON),
                _ => None,
            };
        Ok(Some(match (number, NamedConstant::find(&path)) {
            (Some(number), _) => Expr::Number(number),
            (_, Some(constant)) => Expr::call(constant.name, []),
            _ => Expr::variable(&path),
        }))
    }

    /// A call whose parenthesis is open.
    fn begin_call(
        &mut self,
        path: String,
        position: usize,
        arguments: Vec<Expr>,
    ) -> Result<Option<Expr>, ParseError> {
        if self.take(")") {
            return function(path, position, arguments).map(Some);
        }
        self.open.push(Open::Call(path, position, arguments));
        Ok(None)
    }

    /// `let a = ..;` at the beginning of a block: its value comes next, or the result.
    fn bindings(&mut self) -> Result<(), ParseError> {
        if self.take("let") {
            let name = self.name()?;
            self.expect("=")?;
            self.open.push(Open::Let(name));
        }
        Ok(())
    }

    /// What comes after an operand.
    fn continued(&mut self, operand: Expr) -> Result<Step, ParseError> {
        if self.take(".") {
            let position = self.tokens.get(self.next).map_or(self.end, |token| token.position);
            let method = self.name()?;
            self.take_generics()?;
            self.expect("(")?;
            // As a function of the scalar's.
            let path = format!("T::{method}");
            return self.begin_call(path, position, vec![operand]).map(Step::Read);
        }
        if self.is("as") {
            self.cast(&operand)?;
            return Ok(Step::Read(Some(operand)));
        }
        if self.is("**") {
            return Err(self
                .wrong("`**` is not an operator of Rust; write a power as `x^y` or `x.powf(y)`"));
        }
        if self.take("^") {
            self.open.push(Open::Power(operand));
            return Ok(Step::Read(None));
        }
        let operator = self.peek().and_then(|mark| OPERATORS.iter().find(|(m, ..)| *m == mark));
        if let Some(&(_, strength, function)) = operator {
            let left = self.reduce(operand, strength)?;
            self.next += 1;
            self.open.push(Open::Binary(function, strength, left));
            return Ok(Step::Read(None));
        }
        let operand = self.reduce(operand, 0)?;
        self.close(operand)
    }

    /// A cast, where the value stays.
    fn cast(&mut self, operand: &Expr) -> Result<(), ParseError> {
        let wrong = self.wrong(
            "only a cast that keeps the value can stand here, `as f64` of an integer; write the integer part as `x.trunc()`",
        );
        self.next += 1;
        if self.name()? == "f64" && is_exact(operand, 8) { Ok(()) } else { Err(wrong) }
    }

    /// Applies what is open and binds more tightly than what comes next.
    fn reduce(&mut self, mut operand: Expr, strength: u8) -> Result<Expr, ParseError> {
        while let Some(open) = self.open.pop() {
            operand = match open {
                Open::Prefix(function) => match operand {
                    Expr::Number(number) if function == "neg" => Expr::Number(-number),
                    operand => Expr::call(function, [operand]),
                },
                Open::Power(base) => {
                    let integer = matches!(operand, Expr::Number(n) if whole(n).is_some());
                    Expr::call(if integer { "powi" } else { "powf" }, [base, operand])
                }
                Open::Binary(function, of, left) if of >= strength => {
                    if of == COMPARISON && strength == COMPARISON {
                        return Err(
                            self.wrong("comparisons cannot be chained; join two of them with `&&`")
                        );
                    }
                    Expr::call(function, [left, operand])
                }
                other => {
                    self.open.push(other);
                    break;
                }
            };
        }
        Ok(operand)
    }

    /// Closes the innermost bracket.
    fn close(&mut self, operand: Expr) -> Result<Step, ParseError> {
        Ok(Step::Read(match self.open.pop() {
            None => {
                return match self.peek() {
                    None => Ok(Step::Done(operand)),
                    Some(token) => {
                        Err(self.wrong(&format!("unexpected `{token}` after the expression")))
                    }
                };
            }
            Some(Open::Call(path, position, mut arguments)) => {
                arguments.push(operand);
                if !self.take(",") && !self.is(")") {
                    self.expect(")")?;
                }
                self.begin_call(path, position, arguments)?
            }
            Some(Open::Let(name)) => {
                self.expect(";")?;
                let before = self.bound.insert(name.clone(), operand);
                if let Some(Open::Block(names)) = self.open.last_mut() {
                    names.push((name, before));
                }
                self.bindings()?;
                None
            }
            Some(Open::Condition) => {
                self.open.push(Open::Then(operand));
                self.block()?;
                None
            }
            Some(Open::Block(names)) => {
                self.expect("}")?;
                for (name, before) in names.into_iter().rev() {
                    match before {
                        Some(before) => self.bound.insert(name, before),
                        None => self.bound.remove(&name),
                    };
                }
                self.after_block(operand)?
            }
            // A parenthesis: what follows a condition has a block on it.
            Some(_) => {
                self.expect(")")?;
                Some(operand)
            }
        }))
    }

    /// A block as a value, or as a branch of a choice.
    fn after_block(&mut self, mut operand: Expr) -> Result<Option<Expr>, ParseError> {
        loop {
            match self.open.pop() {
                Some(Open::Then(condition)) => {
                    self.expect("else")?;
                    self.open.push(Open::Otherwise(condition, operand));
                    if self.take("if") {
                        self.open.push(Open::Condition);
                    } else {
                        self.block()?;
                    }
                    return Ok(None);
                }
                Some(Open::Otherwise(condition, then)) => {
                    operand = Expr::call("select", [condition, then, operand]);
                }
                other => {
                    self.open.extend(other);
                    return Ok(Some(operand));
                }
            }
        }
    }

    /// The beginning of a block.
    fn block(&mut self) -> Result<(), ParseError> {
        self.expect("{")?;
        self.open.push(Open::Block(Vec::new()));
        self.bindings()
    }
}

/// Whether integers in an expression make it the same number as numbers do, as far as can be seen.
fn is_exact(expr: &Expr, depth: usize) -> bool {
    match expr {
        Expr::Call(function, parts) => match &**function {
            "div" => false,
            "add" | "sub" | "mul" | "neg" => {
                depth > 0 && parts.iter().all(|part| is_exact(part, depth - 1))
            }
            _ => true,
        },
        _ => true,
    }
}

/// Whether a path is to functions of numbers: of a scalar, of a crate of mathematics, of `difrules_core::math`.
fn is_of_numbers(module: &str) -> bool {
    const MODULES: [&str; 16] = [
        "Self",
        "f64",
        "f32",
        "std",
        "core",
        "math",
        "difrules_core",
        "nalgebra",
        "simba",
        "num_traits",
        "num_complex",
        "ComplexField",
        "RealField",
        "Real",
        "Scalar",
        "Complex",
    ];
    let first = module.split("::").next().unwrap_or_default();
    first.len() == 1 && first.starts_with(|c: char| c.is_ascii_uppercase())
        || MODULES.contains(&first)
}

/// Whether a path is to functions that a scalar has, which are its methods.
fn is_of_scalar(module: &str) -> bool {
    const SCALARS: [&str; 9] =
        ["Self", "f64", "f32", "ComplexField", "RealField", "Real", "Scalar", "Complex", "Float"];
    let last = module.rsplit("::").next().unwrap_or_default();
    last.len() == 1 && last.starts_with(|c: char| c.is_ascii_uppercase()) || SCALARS.contains(&last)
}

/// A call by the path of a function or the name of a method of nalgebra's scalars.
fn function(path: String, position: usize, mut arguments: Vec<Expr>) -> Result<Expr, ParseError> {
    let (module, name) = path.rsplit_once("::").unwrap_or(("", &path));
    if !module.is_empty() && !is_of_numbers(module) && is_taken(name) {
        return Ok(Expr::call(&path, arguments));
    }
    if let Some(wanted) = arity(name)
        && wanted != arguments.len()
    {
        let plural = if wanted == 1 { "" } else { "s" };
        let message = format!("`{name}` takes {wanted} argument{plural}, not {}", arguments.len());
        return Err(ParseError { message, position });
    }
    Ok(match (name, arguments.len()) {
        ("zero", 0) => Expr::Number(0.0),
        ("one", 0) => Expr::Number(1.0),
        // Methods that are not the functions of the same name: sin(x) / x, and a logarithm whose base comes last.
        ("sinc", 1) if is_of_scalar(module) => Expr::call("cardinal_sine", arguments),
        ("log", 2) if is_of_scalar(module) => {
            arguments.reverse();
            Expr::call("log_base", arguments)
        }
        // Conversions of the same value.
        (name, 1) if CONVERSIONS.contains(&name) => arguments.remove(0),
        // Integers do not overflow here.
        ("saturating_add", 2) => Expr::call("add", arguments),
        ("saturating_sub", 2) => Expr::call("sub", arguments),
        ("is_zero", 1) => {
            arguments.push(Expr::Number(0.0));
            Expr::call("==", arguments)
        }
        _ => Expr::call(name, arguments),
    })
}
