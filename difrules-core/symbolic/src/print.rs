//! Expressions as text.

use std::fmt::{self, Display, Formatter};

use crate::expr::{Expr, NamedConstant, OPERATORS, POWER, PRODUCT, SIGN, whole};

/// How tightly what needs no parentheses binds.
const WHOLE: u8 = 9;

/// The operator between two expressions that a function is: the mark, and how tightly it binds.
fn operator(function: &str) -> Option<(&'static str, u8)> {
    let found = OPERATORS.iter().find(|(.., name)| *name == function);
    found.map(|(mark, strength, _)| (*mark, *strength))
}

/// Writes what is between commas.
fn separated(
    f: &mut Formatter<'_>,
    arguments: &[Expr],
    each: impl Fn(&mut Formatter<'_>, &Expr) -> fmt::Result,
) -> fmt::Result {
    arguments.iter().enumerate().try_for_each(|(i, argument)| {
        if i > 0 {
            f.write_str(", ")?;
        }
        each(f, argument)
    })
}

/// Prints as mathematics in text: `2 * x^2 + sin(y)`, which parses again.
impl Display for Expr {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write(f, self, 0, Style::Plain)
    }
}

/// Prints an expression as Rust; see [`Expr::rust`].
pub struct Rust<'a>(&'a Expr);

impl Display for Rust<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write(f, self.0, 0, Style::Rust)
    }
}

/// Prints an expression as LaTeX; see [`Expr::latex`].
pub struct Latex<'a>(&'a Expr);

impl Display for Latex<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        latex(f, self.0, 0)
    }
}

/// Prints an expression in prefix form; see [`Expr::s_expression`].
pub struct SExpression<'a>(&'a Expr);

impl Display for SExpression<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.0 {
            Expr::Number(number) => write!(f, "{number}"),
            Expr::Variable(name) => f.write_str(name),
            Expr::Call(function, arguments)
                if NamedConstant::of(function, arguments.len()).is_some() =>
            {
                f.write_str(function)
            }
            Expr::Call(function, arguments) => {
                write!(f, "({function}")?;
                for argument in arguments.iter() {
                    write!(f, " {}", SExpression(argument))?;
                }
                f.write_str(")")
            }
        }
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
}

/// Whether a power is written with its sign: where it is parsed as the same power again, an integer one or a real one.
fn is_power(function: &str, exponent: &Expr, style: Style) -> bool {
    let integer = matches!(exponent, Expr::Number(n) if whole(*n).is_some());
    style == Style::Plain && (function == "powi" && integer || function == "powf" && !integer)
}

/// Writes an expression, in parentheses where it binds less tightly than `least`.
fn write(f: &mut Formatter<'_>, expr: &Expr, least: u8, style: Style) -> fmt::Result {
    let strength = match expr {
        Expr::Number(number) if number.is_sign_negative() => SIGN,
        Expr::Number(_) | Expr::Variable(_) => WHOLE,
        Expr::Call(function, arguments) => match (&**function, arguments.len()) {
            (function, 2) if operator(function).is_some() => {
                operator(function).map_or(0, |(_, s)| s)
            }
            ("neg" | "!", 1) => SIGN,
            (function, 2) if is_power(function, &arguments[1], style) => POWER,
            ("select", 3) => 0,
            _ => WHOLE,
        },
    };
    if strength < least {
        f.write_str("(")?;
        write_inside(f, expr, style)?;
        return f.write_str(")");
    }
    write_inside(f, expr, style)
}

fn write_inside(f: &mut Formatter<'_>, expr: &Expr, style: Style) -> fmt::Result {
    let (function, arguments) = match expr {
        // A float of Rust has a point or an exponent.
        Expr::Number(number) if style == Style::Rust => return write!(f, "{number:?}"),
        Expr::Number(number) if number.abs() < 1e16 && number.abs() > 1e-5 || *number == 0.0 => {
            return write!(f, "{number}");
        }
        Expr::Number(number) => return write!(f, "{number:?}"),
        Expr::Variable(name) => return f.write_str(name),
        Expr::Call(function, arguments) => (&**function, &**arguments),
    };
    if let Some(constant) = NamedConstant::of(function, arguments.len()) {
        return match style {
            Style::Rust => f.write_str(constant.rust),
            Style::Plain if constant.name == "pi" => f.write_str("π"),
            Style::Plain => write!(f, "{}()", constant.name),
        };
    }
    match (function, arguments) {
        ("neg", [operand]) => {
            f.write_str("-")?;
            write(f, operand, SIGN + 1, style)
        }
        ("!", [operand]) => {
            f.write_str("!")?;
            write(f, operand, SIGN + 1, style)
        }
        ("select", [condition, then, otherwise]) => {
            f.write_str("if ")?;
            write(f, condition, 0, style)?;
            f.write_str(" { ")?;
            write(f, then, 0, style)?;
            f.write_str(" } else { ")?;
            write(f, otherwise, 0, style)?;
            f.write_str(" }")
        }
        (_, [base, exponent]) if is_power(function, exponent, style) => {
            write(f, base, POWER + 1, style)?;
            f.write_str("^")?;
            write(f, exponent, POWER, style)
        }
        ("powi", [base, Expr::Number(n)]) => {
            f.write_str("powi(")?;
            write(f, base, 0, style)?;
            write!(f, ", {n})")
        }
        (_, [left, right]) if operator(function).is_some() => {
            let (sign, strength) = operator(function).unwrap_or(("", 0));
            write(f, left, strength, style)?;
            write!(f, " {sign} ")?;
            write(f, right, strength + 1, style)
        }
        _ => {
            write!(f, "{function}(")?;
            separated(f, arguments, |f, argument| write(f, argument, 0, style))?;
            f.write_str(")")
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

/// Writes LaTeX, in parentheses where it binds less tightly than `least`.
fn latex(f: &mut Formatter<'_>, expr: &Expr, least: u8) -> fmt::Result {
    let strength = match expr {
        Expr::Number(number) if number.is_sign_negative() => SIGN,
        Expr::Number(_) | Expr::Variable(_) => WHOLE,
        Expr::Call(function, arguments) => match (&**function, arguments.len()) {
            // A fraction is put in parentheses where it is a base.
            ("div", 2) | ("recip", 1) | ("select", 3) => POWER,
            ("two_pi", 0) => PRODUCT,
            (function, 2) if operator(function).is_some() => {
                operator(function).map_or(0, |(_, s)| s)
            }
            ("neg", 1) => SIGN,
            ("powi" | "powf", 2) | ("exp", 1) => POWER,
            _ => WHOLE,
        },
    };
    if strength < least {
        f.write_str(r"\left(")?;
        latex_inside(f, expr)?;
        return f.write_str(r"\right)");
    }
    latex_inside(f, expr)
}

fn latex_inside(f: &mut Formatter<'_>, expr: &Expr) -> fmt::Result {
    let (function, arguments) = match expr {
        Expr::Number(number) => return write!(f, "{number}"),
        Expr::Variable(name) => return latex_name(f, name),
        Expr::Call(function, arguments) => (&**function, &**arguments),
    };
    if let Some(constant) = NamedConstant::of(function, arguments.len()) {
        return f.write_str(constant.latex);
    }
    if function == "i" && arguments.is_empty() {
        return f.write_str("i");
    }
    match (function, arguments) {
        ("neg", [operand]) => {
            f.write_str("-")?;
            latex(f, operand, SIGN)
        }
        ("div", [above, below]) => {
            f.write_str(r"\frac{")?;
            latex(f, above, 0)?;
            f.write_str("}{")?;
            latex(f, below, 0)?;
            f.write_str("}")
        }
        ("recip", [argument]) => {
            f.write_str(r"\frac{1}{")?;
            latex(f, argument, 0)?;
            f.write_str("}")
        }
        ("mul", [left, right]) => {
            latex(f, left, PRODUCT)?;
            // Two numbers side by side would be one.
            f.write_str(if matches!(right, Expr::Number(_)) { r" \cdot " } else { r" \, " })?;
            latex(f, right, PRODUCT + 1)
        }
        ("powi" | "powf", [base, exponent]) => {
            latex(f, base, POWER + 1)?;
            f.write_str("^{")?;
            latex(f, exponent, 0)?;
            f.write_str("}")
        }
        ("exp", [argument]) => {
            f.write_str("e^{")?;
            latex(f, argument, 0)?;
            f.write_str("}")
        }
        ("sqrt", [argument]) => {
            f.write_str(r"\sqrt{")?;
            latex(f, argument, 0)?;
            f.write_str("}")
        }
        ("cbrt", [argument]) => {
            f.write_str(r"\sqrt[3]{")?;
            latex(f, argument, 0)?;
            f.write_str("}")
        }
        ("abs", [argument]) => {
            f.write_str(r"\left|")?;
            latex(f, argument, 0)?;
            f.write_str(r"\right|")
        }
        ("select", [condition, then, otherwise]) => {
            f.write_str(r"\begin{cases} ")?;
            latex(f, then, 0)?;
            f.write_str(r" & ")?;
            latex(f, condition, 0)?;
            f.write_str(r" \\ ")?;
            latex(f, otherwise, 0)?;
            f.write_str(r" & \text{otherwise} \end{cases}")
        }
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
            latex(f, left, strength)?;
            write!(f, " {sign} ")?;
            latex(f, right, strength + 1)
        }
        (_, [order, argument]) if ORDERS.iter().any(|(name, _)| *name == function) => {
            let symbol = ORDERS.iter().find(|(name, _)| *name == function).map_or("", |(_, s)| s);
            write!(f, "{symbol}_{{")?;
            latex(f, order, 0)?;
            f.write_str(r"}\left(")?;
            latex(f, argument, 0)?;
            f.write_str(r"\right)")
        }
        _ => {
            match COMMANDS.iter().find(|(name, _)| *name == function) {
                Some((_, command)) => f.write_str(command)?,
                None => write!(f, r"\operatorname{{{}}}", function.replace('_', r"\_"))?,
            }
            f.write_str(r"\left(")?;
            separated(f, arguments, |f, argument| latex(f, argument, 0))?;
            f.write_str(r"\right)")
        }
    }
}

/// A variable: a Greek letter, one letter, or a word; what follows an underscore is below.
fn latex_name(f: &mut Formatter<'_>, name: &str) -> fmt::Result {
    let (stem, index) = name.split_once('_').unwrap_or((name, ""));
    if GREEK.contains(&stem) {
        write!(f, r"\{stem}")?;
    } else if stem.chars().count() == 1 {
        f.write_str(stem)?;
    } else {
        write!(f, r"\mathrm{{{stem}}}")?;
    }
    if !index.is_empty() {
        write!(f, r"_{{\mathrm{{{}}}}}", index.replace('_', r"\_"))?;
    }
    Ok(())
}
