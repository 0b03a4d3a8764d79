//! Expressions as text.

use std::borrow::Cow;
use std::fmt::{self, Display, Formatter};

use crate::expr::{COMPARISON, Expr, NamedConstant, OPERATORS, POWER, PRODUCT, SIGN, whole};
use crate::graph::{Graph, Node};

/// How tightly what needs no parentheses binds.
const WHOLE: u8 = 9;

/// The operator between two expressions that a function is: the mark, and how tightly it binds.
fn operator(function: &str) -> Option<(&'static str, u8)> {
    let found = OPERATORS.iter().find(|(.., name)| *name == function);
    found.map(|(mark, strength, _)| (*mark, *strength))
}

/// Prints as mathematics in text: `2 * x^2 + sin(y)`, which parses again.
///
/// What is long because it has large parts in several places is a block that gives names to these.
impl Display for Expr {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        Style::Plain.print(f, self)
    }
}

/// Prints an expression as Rust; see [`Expr::rust`].
pub struct Rust<'a>(&'a Expr);

impl Display for Rust<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        Style::Rust.print(f, self.0)
    }
}

/// Prints an expression as LaTeX; see [`Expr::latex`].
pub struct Latex<'a>(&'a Expr);

impl Display for Latex<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        Style::Latex.print(f, self.0)
    }
}

/// Prints an expression in prefix form; see [`Expr::s_expression`].
pub struct SExpression<'a>(&'a Expr);

impl Display for SExpression<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        Style::Prefix.print(f, self.0)
    }
}

impl Expr {
    /// Prints as Rust, for variables that are `f64`s and the functions of `difrules_core::math`.
    ///
    /// ```
    /// let expression: difrules_symbolic::Expr = "2 * x^2 + sin(y)".parse()?;
    /// assert_eq!(expression.rust().to_string(), "2.0 * powi(x, 2) + sin(y)");
    /// # Ok::<(), difrules_symbolic::ParseError>(())
    /// ```
    pub fn rust(&self) -> Rust<'_> {
        Rust(self)
    }

    /// Prints as LaTeX, for a formula.
    ///
    /// ```
    /// let expression: difrules_symbolic::Expr = "sqrt(x) / (1 + alpha^2)".parse()?;
    /// assert_eq!(expression.latex().to_string(), r"\frac{\sqrt{x}}{1 + \alpha^{2}}");
    /// # Ok::<(), difrules_symbolic::ParseError>(())
    /// ```
    pub fn latex(&self) -> Latex<'_> {
        Latex(self)
    }

    /// Prints in prefix form, as Lisp writes expressions.
    ///
    /// ```
    /// let expression: difrules_symbolic::Expr = "2 * x + sin(y)".parse()?;
    /// assert_eq!(expression.s_expression().to_string(), "(add (mul 2 x) (sin y))");
    /// # Ok::<(), difrules_symbolic::ParseError>(())
    /// ```
    pub fn s_expression(&self) -> SExpression<'_> {
        SExpression(self)
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Style {
    Plain,
    Rust,
    Latex,
    Prefix,
}

/// What is still to be written.
enum Piece<'a> {
    Text(Cow<'a, str>),
    /// An expression, in parentheses where it binds less tightly than this.
    Expr(&'a Expr, u8),
}

impl From<&'static str> for Piece<'_> {
    fn from(text: &'static str) -> Self {
        Self::Text(text.into())
    }
}

impl From<String> for Piece<'_> {
    fn from(text: String) -> Self {
        Self::Text(text.into())
    }
}

impl<'a> From<(&'a Expr, u8)> for Piece<'a> {
    fn from((expr, least): (&'a Expr, u8)) -> Self {
        Self::Expr(expr, least)
    }
}

/// A list of pieces: texts, and expressions with how tightly they have to bind.
macro_rules! pieces {
    ($($piece:expr),* $(,)?) => { vec![$(Piece::from($piece)),*] };
}

impl Style {
    /// Writes an expression; a long one that repeats itself with names for its parts.
    fn print(self, f: &mut Formatter<'_>, expr: &Expr) -> fmt::Result {
        let Some((named, result)) = with_names(expr) else { return self.write(f, expr) };
        // What begins, what is before, between and after a name and its value, and what ends.
        let [begin, before, between, after, rest, end] = match self {
            Self::Plain | Self::Rust => ["{ ", "let ", " = ", "; ", "", " }"],
            Self::Latex => [r"\begin{aligned} ", "", " &= ", r" \ ", "& ", r" \end{aligned}"],
            Self::Prefix => ["(let* (", "(", " ", ") ", ") ", ")"],
        };
        f.write_str(begin)?;
        for (name, value) in &named {
            f.write_str(before)?;
            self.write(f, &Expr::variable(name))?;
            f.write_str(between)?;
            self.write(f, value)?;
            f.write_str(after)?;
        }
        f.write_str(rest)?;
        self.write(f, &result)?;
        f.write_str(end)
    }

    /// Writes an expression piece by piece, since it may be nested deeper than the stack is.
    fn write(self, f: &mut Formatter<'_>, expr: &Expr) -> fmt::Result {
        let mut pieces = pieces![(expr, 0)];
        while let Some(piece) = pieces.pop() {
            match piece {
                Piece::Text(text) => f.write_str(&text)?,
                Piece::Expr(expr, least) => {
                    let (strength, mut parts) = match self {
                        Self::Plain | Self::Rust => infix(expr, self),
                        Self::Latex => latex(expr),
                        Self::Prefix => (WHOLE, prefix(expr)),
                    };
                    if strength < least {
                        let [open, close] = match self {
                            Self::Latex => [r"\left(", r"\right)"],
                            _ => ["(", ")"],
                        };
                        parts.insert(0, open.into());
                        parts.push(close.into());
                    }
                    pieces.extend(parts.into_iter().rev());
                }
            }
        }
        Ok(())
    }
}

/// Names for the parts that a long expression has in several places, each with its value, and the rest; none where the
/// expression is short or hardly repeats itself.
fn with_names(expr: &Expr) -> Option<(Vec<(String, Expr)>, Expr)> {
    const LONG: f64 = 10_000.0;
    let (graph, id) = Graph::of(expr);
    let mut sizes: Vec<f64> = Vec::with_capacity(graph.nodes.len());
    let mut uses = vec![0; graph.nodes.len()];
    for node in &graph.nodes {
        let mut size = 1.0;
        if let Node::Call(_, arguments) = node {
            for &argument in arguments {
                size += sizes[argument];
                uses[argument] += 1;
            }
        }
        sizes.push(size);
    }
    if sizes[id] < LONG || sizes[id] < 4.0 * graph.nodes.len() as f64 {
        return None;
    }
    let names = expr.variables();
    let mut free = (1..).map(|i| format!("s{i}")).filter(|name| !names.contains(name));
    let mut named = Vec::new();
    let result = graph.expr_with(id, |part, expr| {
        if uses[part] < 2 || sizes[part] < 2.0 || part == id {
            return expr;
        }
        let name = free.next().expect("there is always another number");
        let variable = Expr::variable(&name);
        named.push((name, expr));
        variable
    });
    Some((named, result))
}

/// Arguments between commas, each whatever it binds like.
fn separated<'a>(pieces: &mut Vec<Piece<'a>>, arguments: &'a [Expr], mark: &'static str) {
    for (i, argument) in arguments.iter().enumerate() {
        if i > 0 {
            pieces.push(mark.into());
        }
        pieces.push((argument, 0).into());
    }
}

/// A number as text and Rust write it.
fn number(number: f64, style: Style) -> String {
    match number {
        number if number.is_nan() => "f64::NAN".into(),
        f64::INFINITY => "f64::INFINITY".into(),
        f64::NEG_INFINITY => "-f64::INFINITY".into(),
        // A float of Rust has a point or an exponent.
        number if style == Style::Rust => format!("{number:?}"),
        number if number.abs() < 1e16 && number.abs() > 1e-5 || number == 0.0 => {
            format!("{number}")
        }
        number => format!("{number:?}"),
    }
}

/// Whether a power is written with its sign: where it is parsed as the same power again, an integer one or a real one.
fn is_power(function: &str, exponent: &Expr, style: Style) -> bool {
    let integer = matches!(exponent, Expr::Number(n) if whole(*n).is_some());
    style == Style::Plain && (function == "powi" && integer || function == "powf" && !integer)
}

/// How tightly an expression binds, and what it is written of.
fn infix(expr: &Expr, style: Style) -> (u8, Vec<Piece<'_>>) {
    let (function, arguments) = match expr {
        Expr::Number(value) => {
            let negative = value.is_sign_negative() && !value.is_nan();
            return (if negative { SIGN } else { WHOLE }, pieces![number(*value, style)]);
        }
        Expr::Variable(name) => return (WHOLE, pieces![name.to_string()]),
        Expr::Call(function, arguments) => (&**function, &**arguments),
    };
    if let Some(constant) = NamedConstant::of(function, arguments.len()) {
        let text = match style {
            Style::Rust => constant.rust.into(),
            _ if constant.name == "pi" => "π".into(),
            _ => format!("{}()", constant.name),
        };
        return (WHOLE, pieces![text]);
    }
    match (function, arguments) {
        // Minus a number would be another number.
        ("neg", [operand]) if !matches!(operand, Expr::Number(_)) => {
            (SIGN, pieces!["-", (operand, SIGN + 1)])
        }
        ("!", [operand]) => (SIGN, pieces!["!", (operand, SIGN + 1)]),
        ("select", [condition, then, otherwise]) => (
            0,
            pieces!["if ", (condition, 0), " { ", (then, 0), " } else { ", (otherwise, 0), " }"],
        ),
        (_, [base, exponent]) if is_power(function, exponent, style) => {
            (POWER, pieces![(base, POWER + 1), "^", (exponent, POWER)])
        }
        ("powi", [base, Expr::Number(n)]) => {
            (WHOLE, pieces!["powi(", (base, 0), format!(", {})", number(*n, Style::Plain))])
        }
        (_, [left, right]) if operator(function).is_some() => {
            let (sign, strength) = operator(function).unwrap_or(("", 0));
            // Comparisons do not follow each other.
            let on_left = strength + u8::from(strength == COMPARISON);
            (strength, pieces![(left, on_left), format!(" {sign} "), (right, strength + 1)])
        }
        _ => {
            let mut pieces = pieces![format!("{function}(")];
            separated(&mut pieces, arguments, ", ");
            pieces.push(")".into());
            (WHOLE, pieces)
        }
    }
}

/// What an expression is written of in prefix form.
fn prefix(expr: &Expr) -> Vec<Piece<'_>> {
    match expr {
        Expr::Number(number) => pieces![number.to_string()],
        Expr::Variable(name) => pieces![name.to_string()],
        Expr::Call(function, arguments)
            if NamedConstant::of(function, arguments.len()).is_some() =>
        {
            pieces![function.to_string()]
        }
        Expr::Call(function, arguments) => {
            let mut pieces = pieces![format!("({function}")];
            for argument in arguments.iter() {
                pieces.push(" ".into());
                pieces.push((argument, 0).into());
            }
            pieces.push(")".into());
            pieces
        }
    }
}

/// The functions that LaTeX has commands for.
const COMMANDS: [(&str, &str); 27] = [
    ("sin", r"\sin"),
    ("cos", r"\cos"),
    ("tan", r"\tan"),
    ("sec", r"\sec"),
    ("csc", r"\csc"),
    ("cot", r"\cot"),
    ("asin", r"\arcsin"),
    ("acos", r"\arccos"),
    ("atan", r"\arctan"),
    ("sinh", r"\sinh"),
    ("cosh", r"\cosh"),
    ("tanh", r"\tanh"),
    ("coth", r"\coth"),
    ("ln", r"\ln"),
    ("log2", r"\log_2"),
    ("log10", r"\log_{10}"),
    ("max", r"\max"),
    ("min", r"\min"),
    ("gamma", r"\Gamma"),
    ("ln_gamma", r"\ln\Gamma"),
    ("digamma", r"\psi"),
    ("trigamma", r"\psi_1"),
    ("beta", r"\mathrm{B}"),
    ("zeta", r"\zeta"),
    ("erf", r"\operatorname{erf}"),
    ("airyai", r"\mathrm{Ai}"),
    ("airybi", r"\mathrm{Bi}"),
];

/// Functions of an order and an argument, with the order below.
const ORDERS: [(&str, &str); 7] = [
    ("besselj", "J"),
    ("bessely", "Y"),
    ("besseli", "I"),
    ("besselk", "K"),
    ("hankelh1", "H^{(1)}"),
    ("hankelh2", "H^{(2)}"),
    ("expint_n", "E"),
];

const GREEK: [&str; 24] = [
    "alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa",
    "lambda", "mu", "nu", "xi", "omicron", "pi", "rho", "sigma", "tau", "upsilon", "phi", "chi",
    "psi", "omega",
];

/// How tightly an expression binds in LaTeX, and what it is written of.
fn latex(expr: &Expr) -> (u8, Vec<Piece<'_>>) {
    let (function, arguments) = match expr {
        Expr::Number(number) => {
            let text = match *number {
                number if number.is_nan() => r"\mathrm{NaN}".into(),
                f64::INFINITY => r"\infty".into(),
                f64::NEG_INFINITY => r"-\infty".into(),
                number => format!("{number}"),
            };
            return (if number.is_sign_negative() { SIGN } else { WHOLE }, pieces![text]);
        }
        Expr::Variable(name) => return (WHOLE, pieces![latex_name(name)]),
        Expr::Call(function, arguments) => (&**function, &**arguments),
    };
    if let Some(constant) = NamedConstant::of(function, arguments.len()) {
        let strength = if constant.name == "two_pi" { PRODUCT } else { WHOLE };
        return (strength, pieces![constant.latex]);
    }
    match (function, arguments) {
        ("i", []) => (WHOLE, pieces!["i"]),
        ("neg", [operand]) => (SIGN, pieces!["-", (operand, SIGN)]),
        // A fraction is put in parentheses where it is a base.
        ("div", [above, below]) => (POWER, pieces![r"\frac{", (above, 0), "}{", (below, 0), "}"]),
        ("recip", [argument]) => (POWER, pieces![r"\frac{1}{", (argument, 0), "}"]),
        ("mul", [left, right]) => {
            // Two numbers side by side would be one.
            let sign = if matches!(right, Expr::Number(_)) { r" \cdot " } else { r" \, " };
            (PRODUCT, pieces![(left, PRODUCT), sign, (right, PRODUCT + 1)])
        }
        ("powi" | "powf", [base, exponent]) => {
            (POWER, pieces![(base, POWER + 1), "^{", (exponent, 0), "}"])
        }
        ("exp", [argument]) => (POWER, pieces!["e^{", (argument, 0), "}"]),
        ("sqrt", [argument]) => (WHOLE, pieces![r"\sqrt{", (argument, 0), "}"]),
        ("cbrt", [argument]) => (WHOLE, pieces![r"\sqrt[3]{", (argument, 0), "}"]),
        ("abs", [argument]) => (WHOLE, pieces![r"\left|", (argument, 0), r"\right|"]),
        ("select", [condition, then, otherwise]) => (
            POWER,
            pieces![
                r"\begin{cases} ",
                (then, 0),
                r" & ",
                (condition, 0),
                r" \\ ",
                (otherwise, 0),
                r" & \text{otherwise} \end{cases}",
            ],
        ),
        (_, [left, right]) if operator(function).is_some() => {
            let (sign, strength) = operator(function).unwrap_or(("", 0));
            let sign = match sign {
                "<=" => r"\le",
                ">=" => r"\ge",
                "==" => "=",
                "!=" => r"\ne",
                "&&" => r"\wedge",
                "||" => r"\vee",
                "%" => r"\bmod",
                other => other,
            };
            (strength, pieces![(left, strength), format!(" {sign} "), (right, strength + 1)])
        }
        (_, [order, argument]) if ORDERS.iter().any(|(name, _)| *name == function) => {
            let symbol = ORDERS.iter().find(|(name, _)| *name == function).map_or("", |(_, s)| s);
            let parts =
                pieces![format!("{symbol}_{{"), (order, 0), r"}\left(", (argument, 0), r"\right)",];
            (WHOLE, parts)
        }
        _ => {
            let command = COMMANDS.iter().find(|(name, _)| *name == function);
            let command = command.map_or_else(
                || format!(r"\operatorname{{{}}}", function.replace('_', r"\_")),
                |(_, command)| (*command).to_string(),
            );
            let mut pieces = pieces![command, r"\left("];
            separated(&mut pieces, arguments, ", ");
            pieces.push(r"\right)".into());
            (WHOLE, pieces)
        }
    }
}

/// A variable: a Greek letter, one letter, or a word; what follows an underscore is below.
fn latex_name(name: &str) -> String {
    let (stem, index) = name.split_once('_').unwrap_or((name, ""));
    let mut text = if GREEK.contains(&stem) {
        format!(r"\{stem}")
    } else if stem.chars().count() == 1 {
        stem.to_string()
    } else {
        format!(r"\mathrm{{{stem}}}")
    };
    if !index.is_empty() {
        text += &format!(r"_{{\mathrm{{{}}}}}", index.replace('_', r"\_"));
    }
    text
}
