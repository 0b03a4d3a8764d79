//! Expressions that a program contains.

use crate::expr::Expr;

/// The partial derivative of a function as an expression of its arguments and of its value.
///
/// A program contains it as data, or as a text that is [read](Formula::read) when somebody asks: nothing is built at
/// start-up.
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

    /// The text that [`read`](Formula::read) reads, of an expression in which `variable` says what each variable is;
    /// none where it is nothing that a formula has.
    pub fn write(expr: &Expr, variable: &impl Fn(&str) -> Option<Self>) -> Option<String> {
        Some(match expr {
            Expr::Number(number) => format!("{number:?}"),
            Expr::Variable(name) => match variable(name)? {
                Self::Argument(i) => format!("#{i}"),
                Self::Value => "=".into(),
                Self::Number(_) | Self::Call(..) => return None,
            },
            Expr::Call(function, arguments) => {
                let mut text = format!("{function}/{}", arguments.len());
                for argument in arguments.iter() {
                    text.push(' ');
                    text.push_str(&Self::write(argument, variable)?);
                }
                text
            }
        })
    }

    /// Reads a text: each function comes before its arguments, with their number. What the formula is made of stays
    /// as long as the program.
    ///
    /// # Panics
    /// If it is no such text.
    ///
    /// ```
    /// use difrules_symbolic::{Expr, Formula};
    ///
    /// // The derivative of the hyperbolic tangent: 1 - y^2.
    /// let slope = Formula::read("sub/2 1.0 powi/2 = 2.0");
    /// assert_eq!(slope.apply("tanh", &[Expr::variable("x")]).to_string(), "1 - tanh(x)^2");
    /// ```
    #[must_use]
    pub fn read(text: &'static str) -> Self {
        fn next(words: &mut impl Iterator<Item = &'static str>) -> Formula {
            let word = words.next().expect("as many arguments as the function takes");
            match word.split_once('/') {
                Some((function, count)) => {
                    let count: usize = count.parse().expect("a number of arguments");
                    let arguments: Vec<_> = (0..count).map(|_| next(words)).collect();
                    Formula::Call(function, arguments.leak())
                }
                None if word == "=" => Formula::Value,
                None => match word.strip_prefix('#') {
                    Some(argument) => Formula::Argument(argument.parse().expect("a number")),
                    None => Formula::Number(word.parse().expect("a number")),
                },
            }
        }
        let mut words = text.split(' ');
        let formula = next(&mut words);
        assert_eq!(words.next(), None, "one formula");
        formula
    }
}
