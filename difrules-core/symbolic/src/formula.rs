//! Expressions that a program contains.

use crate::expr::Expr;

/// The partial derivative of a function as an expression of its arguments and of its value.
///
/// It is data of the program: nothing is built at start-up.
///
/// ```
/// use difrules_symbolic::{Expr, Formula};
///
/// // The derivative of the hyperbolic tangent: 1 - y^2.
/// static SLOPE: Formula = Formula::Call(
///     "sub",
///     &[Formula::Number(1.0), Formula::Call("powi", &[Formula::Value, Formula::Number(2.0)])],
/// );
/// assert_eq!(SLOPE.apply("tanh", &[Expr::variable("x")]).to_string(), "1 - tanh(x)^2");
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Formula {
    /// A number.
    Number(f64),
    /// An argument of the function, by its place.
    Argument(usize),
    /// The value of the function.
    Value,
    /// A function, by its name.
    Call(&'static str, &'static [Formula]),
}

impl Formula {
    /// The expression for `function` of these arguments.
    ///
    /// # Panics
    /// If the function has more arguments.
    pub fn apply(&self, function: &str, arguments: &[Expr]) -> Expr {
        match self {
            Self::Number(number) => Expr::Number(*number),
            Self::Argument(i) => arguments[*i].clone(),
            Self::Value => Expr::call(function, arguments.iter().cloned()),
            Self::Call(name, parts) => {
                Expr::call(name, parts.iter().map(|part| part.apply(function, arguments)))
            }
        }
    }
}
