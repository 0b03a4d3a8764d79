//! What an expression is.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::{Add, Div, Mul, Neg, Sub};
use std::sync::Arc;

/// A mathematical expression: a number, a variable, or a function of expressions.
///
/// Operators are functions too, by the names of their primitives: `add`, `sub`, `mul`, `div`, `neg`, `rem`, `powi`.
/// So are comparisons (`<`, `<=`, `>`, `>=`, `==`, `!=`, `&&`, `||`, `!`, which are 1 or 0), `select(condition, then,
/// otherwise)`, and the named constants, functions of nothing (`pi`). Parts are shared, so a copy is cheap.
///
/// It is parsed from text (`"x * sin(y)^2".parse()`) as Rust writes expressions, with `^` for powers besides; it prints
/// so too, and as [Rust](Expr::rust), [LaTeX](Expr::latex) and an [S-expression](Expr::s_expression).
///
/// ```
/// use difrules_symbolic::Expr;
///
/// let x = Expr::variable("x");
/// let y = Expr::call("sin", [x.clone() * x]);
/// assert_eq!(y.to_string(), "sin(x * x)");
/// assert_eq!(y, "sin(x * x)".parse()?);
/// # Ok::<(), difrules_symbolic::ParseError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub enum Expr {
    /// A number.
    Number(f64),
    /// A variable, by its name.
    Variable(Arc<str>),
    /// A function of expressions, by its name.
    Call(Arc<str>, Arc<[Expr]>),
}

/// A constant that has a name.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NamedConstant {
    /// Its name, that of the function of nalgebra's `RealField`.
    pub name: &'static str,
    /// The path of its `f64`.
    pub rust: &'static str,
    /// How LaTeX writes it.
    pub latex: &'static str,
    /// Its value.
    pub value: f64,
}

macro_rules! constants {
    ($($name:literal $path:ident $latex:literal;)*) => {
        /// The constants that have names.
        pub const CONSTANTS: &[NamedConstant] = &[$(NamedConstant {
            name: $name,
            rust: concat!("std::f64::consts::", stringify!($path)),
            latex: $latex,
            value: std::f64::consts::$path,
        }),*];
    };
}
constants! {
    "pi" PI r"\pi";
    "two_pi" TAU r"2 \pi";
    "e" E "e";
    "ln_2" LN_2 r"\ln 2";
    "ln_10" LN_10 r"\ln 10";
    "log2_e" LOG2_E r"\log_2 e";
    "log10_e" LOG10_E r"\log_{10} e";
    "frac_1_pi" FRAC_1_PI r"\frac{1}{\pi}";
    "frac_2_pi" FRAC_2_PI r"\frac{2}{\pi}";
    "frac_2_sqrt_pi" FRAC_2_SQRT_PI r"\frac{2}{\sqrt{\pi}}";
    "frac_pi_2" FRAC_PI_2 r"\frac{\pi}{2}";
    "frac_pi_3" FRAC_PI_3 r"\frac{\pi}{3}";
    "frac_pi_4" FRAC_PI_4 r"\frac{\pi}{4}";
    "frac_pi_6" FRAC_PI_6 r"\frac{\pi}{6}";
    "frac_pi_8" FRAC_PI_8 r"\frac{\pi}{8}";
}

impl NamedConstant {
    /// The constant that a function of so many arguments is: one of none that has its name.
    ///
    /// ```
    /// use difrules_symbolic::NamedConstant;
    ///
    /// assert_eq!(NamedConstant::of("pi", 0).unwrap().value, std::f64::consts::PI);
    /// assert!(NamedConstant::of("pi", 1).is_none());
    /// ```
    pub fn of(function: &str, arity: usize) -> Option<&'static Self> {
        CONSTANTS.iter().find(|constant| constant.name == function && arity == 0)
    }

    /// The constant of this name, or of the last part of this path.
    pub(crate) fn find(name: &str) -> Option<&'static Self> {
        let name = if name == "π" { "pi" } else { name };
        CONSTANTS.iter().find(|constant| {
            constant.name == name || constant.rust.rsplit("::").next() == Some(name)
        })
    }
}

/// The functions of two numbers whose values are true or false; they have no derivative. A number that is not 0 is true.
///
/// ```
/// let less = difrules_symbolic::condition("<").unwrap();
/// assert!(less(1.0, 2.0) && difrules_symbolic::condition("sin").is_none());
/// ```
pub fn condition(function: &str) -> Option<fn(f64, f64) -> bool> {
    Some(match function {
        "<" => |x, y| x < y,
        "<=" => |x, y| x <= y,
        ">" => |x, y| x > y,
        ">=" => |x, y| x >= y,
        "==" => |x, y| x == y,
        "!=" => |x, y| x != y,
        "&&" => |x, y| x != 0.0 && y != 0.0,
        "||" => |x, y| x != 0.0 || y != 0.0,
        _ => return None,
    })
}

/// How tightly a sum, a product, a sign and a power bind.
pub(crate) const SUM: u8 = 4;
pub(crate) const PRODUCT: u8 = 5;
pub(crate) const SIGN: u8 = 6;
pub(crate) const POWER: u8 = 7;

/// The operators between two expressions: the mark, how tightly it binds, the function. A power is apart: it is one of two
/// functions, and goes to the right.
pub(crate) const OPERATORS: [(&str, u8, &str); 13] = [
    ("||", 1, "||"),
    ("&&", 2, "&&"),
    ("==", 3, "=="),
    ("!=", 3, "!="),
    ("<", 3, "<"),
    ("<=", 3, "<="),
    (">", 3, ">"),
    (">=", 3, ">="),
    ("+", SUM, "add"),
    ("-", SUM, "sub"),
    ("*", PRODUCT, "mul"),
    ("/", PRODUCT, "div"),
    ("%", PRODUCT, "rem"),
];

/// A number as an exponent of [`powi`](Expr), where it is a whole one of no extraordinary size.
pub(crate) fn whole(number: f64) -> Option<i32> {
    (number.trunc() == number && number.abs() < 1e6).then_some(number as i32)
}

impl Expr {
    /// A variable.
    pub fn variable(name: &str) -> Self {
        Self::Variable(name.into())
    }

    /// A function of expressions.
    pub fn call(function: &str, arguments: impl IntoIterator<Item = Self>) -> Self {
        Self::Call(function.into(), arguments.into_iter().collect())
    }

    /// The names of its variables, sorted.
    ///
    /// ```
    /// let expression: difrules_symbolic::Expr = "y * sin(x) + y".parse()?;
    /// assert_eq!(expression.variables().into_iter().collect::<Vec<_>>(), ["x", "y"]);
    /// # Ok::<(), difrules_symbolic::ParseError>(())
    /// ```
    pub fn variables(&self) -> BTreeSet<String> {
        fn collect(expr: &Expr, names: &mut BTreeSet<String>) {
            match expr {
                Expr::Number(_) => {}
                Expr::Variable(name) => {
                    names.insert(name.to_string());
                }
                Expr::Call(_, arguments) => arguments.iter().for_each(|a| collect(a, names)),
            }
        }
        let mut names = BTreeSet::new();
        collect(self, &mut names);
        names
    }

    /// Replaces variables by expressions, all at once.
    ///
    /// ```
    /// use difrules_symbolic::Expr;
    ///
    /// let expression: Expr = "x + sin(y)".parse()?;
    /// let (x, y) = (Expr::variable("x"), Expr::variable("y"));
    /// assert_eq!(expression.substitute(&[("x", y), ("y", x * Expr::Number(2.0))]).to_string(), "y + sin(x * 2)");
    /// # Ok::<(), difrules_symbolic::ParseError>(())
    /// ```
    #[must_use]
    pub fn substitute(&self, variables: &[(&str, Self)]) -> Self {
        let variables: BTreeMap<_, _> = variables.iter().map(|(name, by)| (*name, by)).collect();
        self.replace(&|name| variables.get(name).map(|&by| by.clone()))
    }

    pub(crate) fn replace(&self, variable: &impl Fn(&str) -> Option<Self>) -> Self {
        match self {
            Self::Number(_) => self.clone(),
            Self::Variable(name) => variable(name).unwrap_or_else(|| self.clone()),
            Self::Call(function, arguments) => {
                let arguments = arguments.iter().map(|argument| argument.replace(variable));
                Self::Call(function.clone(), arguments.collect())
            }
        }
    }
}

impl From<f64> for Expr {
    fn from(number: f64) -> Self {
        Self::Number(number)
    }
}

macro_rules! operators {
    ($($Trait:ident $operator:ident),*) => {$(
        impl $Trait for Expr {
            type Output = Self;

            fn $operator(self, other: Self) -> Self {
                Self::call(stringify!($operator), [self, other])
            }
        }
    )*};
}
operators!(Add add, Sub sub, Mul mul, Div div);

impl Neg for Expr {
    type Output = Self;

    fn neg(self) -> Self {
        Self::call("neg", [self])
    }
}
