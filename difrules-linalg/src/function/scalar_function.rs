use std::fmt;
use std::str::FromStr;
use std::sync::{Arc, Mutex, PoisonError};

use difrules_core::diagnostic::Diagnostic;
use difrules_core::report;
use difrules_core::symbolic::{Expr, Program, SymbolicError, differentiate};

/// A real function of one real number, with its derivatives: what [`symmetric_function`](fn@crate::symmetric_function)
/// takes to a matrix.
///
/// It is an expression of one variable, of the scalar primitives that are registered, or a closure for it and all its
/// derivatives.
///
/// ```
/// use difrules_linalg::ScalarFunction;
///
/// let inverse_root: ScalarFunction = "1 / sqrt(x)".parse()?;
/// assert_eq!(inverse_root.derivative(0, 4.0), 0.5);
/// assert_eq!(inverse_root.derivative(1, 4.0), -0.0625);
///
/// let exponential = ScalarFunction::new(|_, x| x.exp());
/// assert_eq!(exponential.derivative(3, 1.0), 1.0_f64.exp());
/// # Ok::<(), difrules_core::symbolic::SymbolicError>(())
/// ```
#[derive(Clone)]
pub struct ScalarFunction(Arc<dyn Fn(usize, f64) -> f64 + Send + Sync>);

impl ScalarFunction {
    /// The function whose derivative of an order at a number is that of the closure, 0 being the value.
    pub fn new(derivative: impl Fn(usize, f64) -> f64 + Send + Sync + 'static) -> Self {
        Self(Arc::new(derivative))
    }

    /// Its derivative of an order at a number.
    pub fn derivative(&self, order: usize, x: f64) -> f64 {
        (self.0)(order, x)
    }
}

impl fmt::Debug for ScalarFunction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScalarFunction").finish_non_exhaustive()
    }
}

/// The derivatives of an expression, as far as somebody asked for them.
struct Derivatives {
    variable: String,
    last: Expr,
    programs: Vec<Program>,
}

impl Derivatives {
    fn of(&mut self, order: usize, x: f64) -> Result<f64, SymbolicError> {
        while self.programs.len() <= order {
            let next = differentiate(&self.last, &self.variable)?;
            self.programs
                .push(Program::new(std::slice::from_ref(&next), &[self.variable.as_str()])?);
            self.last = next;
        }
        Ok(self.programs[order].call(&[x])?[0])
    }
}

impl TryFrom<Expr> for ScalarFunction {
    type Error = SymbolicError;

    /// The function that an expression of one variable is, whatever its name.
    ///
    /// # Errors
    /// Another variable, or a function that is not registered, or that nobody knows the derivative of.
    fn try_from(expression: Expr) -> Result<Self, SymbolicError> {
        let mut variables = expression.variables().into_iter();
        let variable = variables.next().unwrap_or_else(|| "x".to_string());
        if let Some(other) = variables.next() {
            return Err(SymbolicError::NoValue(other));
        }
        let programs = vec![Program::new(std::slice::from_ref(&expression), &[variable.as_str()])?];
        differentiate(&expression, &variable)?;
        let derivatives = Mutex::new(Derivatives { variable, last: expression, programs });
        Ok(Self::new(move |order, x| {
            let mut derivatives = derivatives.lock().unwrap_or_else(PoisonError::into_inner);
            derivatives.of(order, x).unwrap_or_else(|error| {
                report(Diagnostic::undefined("symmetric_function", error.to_string()));
                f64::NAN
            })
        }))
    }
}

impl FromStr for ScalarFunction {
    type Err = SymbolicError;

    fn from_str(text: &str) -> Result<Self, SymbolicError> {
        Self::try_from(text.parse::<Expr>()?)
    }
}
