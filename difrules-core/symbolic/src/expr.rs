//! What an expression is.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fmt;
use std::ops::{Add, Deref, Div, Mul, Neg, Sub};
use std::sync::Arc;

use crate::graph::{Graph, Node};

/// A mathematical expression: a number, a variable, or a function of expressions.
///
/// Operators are functions too, by the names of their primitives: `add`, `sub`, `mul`, `div`, `neg`, `rem`, `powi`.
/// So are comparisons (`<`, `<=`, `>`, `>=`, `==`, `!=`, `&&`, `||`, `!`, which are 1 or 0), `select(condition, then,
/// otherwise)`, and the named constants, functions of nothing (`pi`). Parts are shared, so a copy is cheap, and all that is
/// done with an expression works on a shared part once. It may be nested as deep as memory allows.
///
/// Two expressions are equal if they are written the same way. NaN is equal to itself there.
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
#[derive(Clone)]
pub enum Expr {
    /// A number.
    Number(f64),
    /// A variable, by its name.
    Variable(Arc<str>),
    /// A function of expressions, by its name.
    Call(Arc<str>, Arguments),
}

/// The arguments of a call, which are shared.
///
/// ```
/// use difrules_symbolic::{Arguments, Expr};
///
/// let arguments: Arguments = [Expr::variable("x"), Expr::Number(2.0)].into();
/// assert_eq!(arguments.len(), 2);
/// assert_eq!(Expr::Call("powi".into(), arguments).to_string(), "x^2");
/// ```
#[derive(Clone)]
pub struct Arguments(Arc<[Expr]>);

impl Deref for Arguments {
    type Target = [Expr];

    fn deref(&self) -> &[Expr] {
        &self.0
    }
}

impl FromIterator<Expr> for Arguments {
    fn from_iter<I: IntoIterator<Item = Expr>>(arguments: I) -> Self {
        Self(arguments.into_iter().collect())
    }
}

impl From<Vec<Expr>> for Arguments {
    fn from(arguments: Vec<Expr>) -> Self {
        Self(arguments.into())
    }
}

impl<const N: usize> From<[Expr; N]> for Arguments {
    fn from(arguments: [Expr; N]) -> Self {
        Self(arguments.into())
    }
}

impl fmt::Debug for Arguments {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

/// What nobody else has is taken apart in a loop, since an expression may be nested deeper than the stack is.
impl Drop for Arguments {
    fn drop(&mut self) {
        let mut parts = Vec::new();
        self.give_calls(&mut parts);
        while let Some(mut arguments) = parts.pop() {
            arguments.give_calls(&mut parts);
        }
    }
}

impl Arguments {
    /// Moves the arguments of the calls in it out, if nobody else has it.
    fn give_calls(&mut self, to: &mut Vec<Self>) {
        let Some(own) = Arc::get_mut(&mut self.0) else { return };
        for part in own.iter_mut().filter(|part| matches!(part, Expr::Call(..))) {
            if let Expr::Call(_, arguments) = std::mem::replace(part, Expr::Number(0.0)) {
                to.push(arguments);
            }
        }
    }
}

impl fmt::Debug for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Expr({self})")
    }
}

impl PartialEq for Expr {
    fn eq(&self, other: &Self) -> bool {
        let mut compared = HashSet::new();
        let mut pairs = vec![(self, other)];
        while let Some(pair) = pairs.pop() {
            match pair {
                (Self::Number(a), Self::Number(b)) if a == b || a.is_nan() && b.is_nan() => {}
                (Self::Variable(a), Self::Variable(b)) if a == b => {}
                (Self::Call(f, a), Self::Call(g, b)) if f == g && a.len() == b.len() => {
                    let places = (a.as_ptr(), b.as_ptr());
                    if places.0 != places.1 && compared.insert(places) {
                        pairs.extend(a.iter().zip(b.iter()));
                    }
                }
                _ => return false,
            }
        }
        true
    }
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

    /// The constant of this path to an `f64` of the standard library, or `π`.
    pub(crate) fn find(path: &str) -> Option<&'static Self> {
        let path = if path == "π" { "std::f64::consts::PI" } else { path };
        let (module, name) = path.rsplit_once("::")?;
        let module =
            module.strip_prefix("std::").or(module.strip_prefix("core::")).unwrap_or(module);
        let constant = |constant: &&Self| constant.rust.rsplit("::").next() == Some(name);
        CONSTANTS.iter().find(constant).filter(|_| ["f64::consts", "f32::consts"].contains(&module))
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

/// Whether the values of a function are true or false.
pub(crate) fn is_condition(function: &str) -> bool {
    function == "!" || condition(function).is_some()
}

/// The functions that mean something here, with the number of their arguments: a call of one of them has so many.
const ARITIES: [(&[&str], usize); 3] = [
    (
        &[
            "neg", "pos", "!", "recip", "abs2", "sqrt", "cbrt", "exp", "exp_m1", "ln", "ln_1p",
            "log2", "log10", "sin", "cos", "tan", "sec", "sinh", "cosh", "tanh", "sech", "asin",
            "atan",
        ],
        1,
    ),
    (&["add", "sub", "mul", "div", "left_div", "rem", "powi", "powf"], 2),
    (&["select"], 3),
];

/// How many arguments a function has, where it means something here.
pub(crate) fn arity(function: &str) -> Option<usize> {
    let found = ARITIES.iter().find(|(names, _)| names.contains(&function));
    found.map(|(_, arity)| *arity).or(condition(function).map(|_| 2))
}

/// The functions of `difrules_core::math`, one a line; a test holds this file to the registry.
const FUNCTIONS: &str = include_str!("functions.txt");

/// Whether a name of a function means something, here or as a primitive of `difrules_core::math`, so that a function of
/// another module with this name is another one.
pub(crate) fn is_taken(name: &str) -> bool {
    NamedConstant::of(name, 0).is_some()
        || arity(name).is_some()
        || CONVERSIONS.contains(&name)
        || ["zero", "one", "i", "is_zero", "saturating_add", "saturating_sub"].contains(&name)
        || FUNCTIONS.lines().any(|line| line == name)
}

/// The functions that give a number of another type and the same value.
pub(crate) const CONVERSIONS: [&str; 7] =
    ["convert", "to_f64", "from", "into", "from_real", "clone", "lift"];

/// How tightly a comparison, a sum, a product, a sign and a power bind.
pub(crate) const COMPARISON: u8 = 3;
pub(crate) const SUM: u8 = 4;
pub(crate) const PRODUCT: u8 = 5;
pub(crate) const SIGN: u8 = 6;
pub(crate) const POWER: u8 = 7;

/// The operators between two expressions: the mark, how tightly it binds, the function. A power is apart: it is one of two
/// functions, and goes to the right.
pub(crate) const OPERATORS: [(&str, u8, &str); 13] = [
    ("||", 1, "||"),
    ("&&", 2, "&&"),
    ("==", COMPARISON, "=="),
    ("!=", COMPARISON, "!="),
    ("<", COMPARISON, "<"),
    ("<=", COMPARISON, "<="),
    (">", COMPARISON, ">"),
    (">=", COMPARISON, ">="),
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
        let graph = Graph::of(self).0;
        let names = graph.nodes.iter().filter_map(|node| match node {
            Node::Variable(name) => Some(name.to_string()),
            _ => None,
        });
        names.collect()
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
        let (graph, id) = Graph::of(self);
        graph.expr_with(id, |_, expr| match expr {
            Self::Variable(name) => {
                variables.get(&*name).map_or(Self::Variable(name), |&by| by.clone())
            }
            other => other,
        })
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
