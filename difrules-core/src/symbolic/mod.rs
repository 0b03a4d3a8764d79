//! Derivative rules as expressions.
//!
//! The registry has the partial derivatives of scalar primitives as expressions, which the compiler has put into
//! the program: nothing is built at start-up. Here they are looked up, and used to differentiate an [`Expr`] of any
//! registered primitives, a user's own too.
//!
//! ```
//! use difrules_core::symbolic::{Expr, differentiate, evaluate, diffrule};
//!
//! // The rule of a function, for these arguments.
//! let rule = diffrule("sin", ["x * y^2"])?;
//! assert_eq!(rule[0].as_ref().unwrap().to_string(), "cos(x * y^2)");
//!
//! // The derivative of an expression, of any order.
//! let tanh: Expr = "tanh(x)".parse()?;
//! let first = differentiate(&tanh, "x")?;
//! assert_eq!(first.to_string(), "sech(x)^2");
//! let second = differentiate(&first, "x")?;
//! assert_eq!(second.to_string(), "-2 * sech(x)^2 * tanh(x)");
//! assert_eq!(second.rust().to_string(), "-2.0 * powi(sech(x), 2) * tanh(x)");
//!
//! // Its value at any scalar.
//! assert_eq!(evaluate(&first, &[("x", 0.0_f64)])?, 1.0);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Such an expression is undefined where the function is, as far as it reads the arguments: that of `x + y` by `x` is 1, whatever
//! `x` and `y` are, and the second one of `x^2` is 2. The operators `+` and `-` of a mode are no other in that; the value is NaN.
//!
//! A program that is known when it is compiled takes [`derivative!`](crate::derivative), which writes the derivative
//! out as Rust.

use std::any::{Any, TypeId};
use std::cmp::Ordering;

use num_traits::FromPrimitive;

use crate::contract::primitive::Called;
use crate::contract::scalar::Real;
use crate::math::undefined;
use crate::registry::{CallError, FindError, Instance, Partial, Record, by_name, find, primitives};

pub use difrules_symbolic::{
    Arguments, CONSTANTS, DerivativeError, Expr, Formula, Latex, NamedConstant, Node, ParseError,
    Rules, Rust, SExpression, Straight, condition,
};

/// The rules of the registry.
#[derive(Debug, Clone, Copy, Default)]
pub struct Registry;

impl Rules for Registry {
    fn partial(
        &self,
        function: &str,
        arguments: &[Expr],
        argument: usize,
    ) -> Result<Expr, DerivativeError> {
        let record = resolve(function, arguments.len())?;
        let formula = formula(record, argument)?;
        Ok(formula.apply(function, arguments))
    }
}

/// The primitive of this path, or the only one of this name, or the one of [`math`](crate::math).
fn resolve(function: &str, arity: usize) -> Result<&'static Record, DerivativeError> {
    find(function, arity).or_else(|error| match error {
        FindError::Ambiguous { .. } => {
            let own = by_name(function, arity).iter().find(|record| {
                record.module.starts_with("difrules_core::math::") && record.name == function
            });
            let function = function.to_string();
            own.copied().ok_or(DerivativeError::Ambiguous { function, arity })
        }
        _ => Err(DerivativeError::NoRule { function: function.to_string(), arity }),
    })
}

/// The derivative by an argument, where it is an expression.
fn formula(record: &'static Record, argument: usize) -> Result<&'static Formula, DerivativeError> {
    let function = record.name.to_string();
    let name = record.arguments[argument].name.to_string();
    match record.partials.get(argument) {
        Some(Partial::Known(formula)) => Ok(formula),
        Some(Partial::Unknown) => Err(DerivativeError::Unknown { function, argument: name }),
        _ => Err(DerivativeError::NotAnExpression { function, argument: name }),
    }
}

/// The derivative of an expression with respect to a variable, by the rules of the registry, simplified.
///
/// # Errors
/// A function that is not registered, or that nobody knows the derivative of.
///
/// ```
/// use difrules_core::symbolic::{DerivativeError, Expr, differentiate};
///
/// let expression: Expr = "x * ln(x) + besselj(nu, x)".parse()?;
/// let by_x = differentiate(&expression, "x")?;
/// assert!(by_x.to_string().starts_with("ln(x) + x * (if x > 0 { 1 / x } else { over_power(1, 1, x) }) + "));
/// let by_x = differentiate(&"besselj(2, x)".parse()?, "x")?;
/// assert_eq!(by_x.to_string(), "0.5 * (besselj(1, x) - besselj(3, x))");
/// assert!(matches!(differentiate(&expression, "nu"), Err(DerivativeError::Unknown { .. })));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn differentiate(expression: &Expr, variable: &str) -> Result<Expr, DerivativeError> {
    expression.differentiate(variable, &Registry)
}

/// Whether a primitive of this name, alias or path and so many arguments has rules that are expressions.
///
/// ```
/// use difrules_core::symbolic::hasdiffrule;
///
/// assert!(hasdiffrule("sin", 1) && hasdiffrule("Base.^", 2));
/// assert!(!hasdiffrule("sin", 2));
/// ```
pub fn hasdiffrule(name: &str, arity: usize) -> bool {
    resolve(name, arity).is_ok_and(has_expression)
}

fn has_expression(record: &Record) -> bool {
    record.partials.iter().any(|partial| matches!(partial, Partial::Known(_)))
}

/// The primitives whose rules are expressions, and that pass the filter.
///
/// ```
/// use difrules_core::symbolic::diffrules;
///
/// let special = diffrules(|record| record.aliases.iter().any(|key| key.starts_with("SpecialFunctions.")));
/// assert!(special.iter().any(|record| record.name == "erf"));
/// ```
pub fn diffrules(filter: impl Fn(&Record) -> bool) -> Vec<&'static Record> {
    primitives().iter().filter(|record| has_expression(record) && filter(record)).copied().collect()
}

/// The partial derivatives of a primitive at these arguments, one an argument, simplified; none where no
/// expression is known, and for constants.
///
/// # Errors
/// A name that no registered primitive of so many arguments has, or an argument that is no expression.
///
/// ```
/// use difrules_core::symbolic::diffrule;
///
/// let [by_x, by_y] = &diffrule("atan2", ["y", "x"])?[..] else { unreachable!() };
/// assert!(by_x.is_some() && by_y.is_some());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn diffrule<A: AsRef<str>>(
    name: &str,
    arguments: impl IntoIterator<Item = A>,
) -> Result<Vec<Option<Expr>>, SymbolicError> {
    let arguments: Result<Vec<Expr>, _> =
        arguments.into_iter().map(|argument| argument.as_ref().parse()).collect();
    let arguments = arguments?;
    let record = resolve(name, arguments.len())?;
    let rule = |i| Some(formula(record, i).ok()?.apply(record.name, &arguments).simplify());
    Ok((0..arguments.len()).map(rule).collect())
}

/// Why an expression has no value, or a rule none.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SymbolicError {
    /// A text is no expression.
    #[error(transparent)]
    Parse(#[from] ParseError),
    /// There is no rule.
    #[error(transparent)]
    Derivative(#[from] DerivativeError),
    /// A variable has no value.
    #[error("the variable `{0}` has no value")]
    NoValue(String),
    /// A function is not registered for this scalar, or does not return one number.
    #[error("`{primitive}` is no function of numbers of the type {scalar} to such a number")]
    NoInstance {
        /// The primitive's path.
        primitive: &'static str,
        /// The scalar.
        scalar: &'static str,
    },
    /// The imaginary unit, which no real scalar has.
    #[error("a complex expression has no value at a real scalar")]
    Complex,
    /// A constant argument has a value that its type does not have.
    #[error("the argument `{argument}` of `{primitive}` is a {wanted}, which {value} is not")]
    Constant {
        /// The primitive's path.
        primitive: &'static str,
        /// The argument's name.
        argument: &'static str,
        /// Its type.
        wanted: &'static str,
        /// The number that stands for it.
        value: f64,
    },
    /// A function failed.
    #[error(transparent)]
    Call(#[from] CallError),
}

/// The value of an expression at any scalar: `f64`, `Dual<f64>`, `Var<Dual<f64>>`, ...
///
/// Functions are called through the registry; a derivative mode takes their derivatives from there too.
///
/// # Errors
/// A variable without value; a function that is not registered or fails.
///
/// ```
/// use difrules_core::symbolic::{Expr, evaluate};
/// use difrules_core::{gradient, Var};
///
/// let expression: Expr = "a * exp(-x / 2)".parse()?;
/// assert_eq!(evaluate(&expression, &[("a", 3.0_f32), ("x", 0.0)])?, 3.0);
/// let by_x = gradient(|x| evaluate(&expression, &[("a", Var::constant(3.0)), ("x", *x)]).unwrap(), &0.0_f64);
/// assert_eq!(by_x, -1.5);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn evaluate<T: Real>(expression: &Expr, variables: &[(&str, T)]) -> Result<T, SymbolicError> {
    let names: Vec<_> = variables.iter().map(|(name, _)| *name).collect();
    let values: Vec<_> = variables.iter().map(|(_, value)| *value).collect();
    Ok(Program::new(std::slice::from_ref(expression), &names)?.call(&values)?[0])
}

/// Expressions compiled for repeated evaluation: every part that several of them share is computed once.
///
/// ```
/// use difrules_core::symbolic::{Expr, Program, differentiate};
///
/// let value: Expr = "exp(-x^2) * sin(x)".parse()?;
/// let slope = differentiate(&value, "x")?;
/// let program = Program::new(&[value, slope], &["x"])?;
/// let [y, y_x] = program.call(&[0.5_f64])?[..] else { unreachable!() };
/// assert!((y - (-0.25_f64).exp() * 0.5_f64.sin()).abs() < 1e-15);
/// assert!((y_x - (-0.25_f64).exp() * (0.5_f64.cos() - 0.5_f64.sin())).abs() < 1e-15);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Program {
    steps: Vec<Step>,
    results: Vec<usize>,
    variables: usize,
}

/// A number, a variable's place, or a function of earlier steps.
#[derive(Debug, Clone)]
enum Step {
    Number(f64),
    Variable(usize),
    Call(Function, Vec<usize>),
}

impl Program {
    /// Compiles expressions of these variables.
    ///
    /// # Errors
    /// A variable that is none of these; a function that is not registered.
    pub fn new(expressions: &[Expr], variables: &[&str]) -> Result<Self, SymbolicError> {
        let straight = Straight::new(expressions);
        let step = |node| {
            Ok(match node {
                Node::Number(number) => Step::Number(number),
                Node::Variable(name) => Step::Variable(
                    variables
                        .iter()
                        .position(|variable| **variable == *name)
                        .ok_or_else(|| SymbolicError::NoValue(name.to_string()))?,
                ),
                Node::Call(function, arguments) => {
                    Step::Call(Function::new(&function, arguments.len())?, arguments)
                }
            })
        };
        let steps: Result<_, SymbolicError> = straight.steps.into_iter().map(step).collect();
        Ok(Self { steps: steps?, results: straight.results, variables: variables.len() })
    }

    /// The values of the expressions.
    ///
    /// # Errors
    /// A function that is not registered for this scalar, or fails.
    ///
    /// # Panics
    /// If there are more or fewer values than variables.
    pub fn call<T: Real>(&self, variables: &[T]) -> Result<Vec<T>, SymbolicError> {
        assert_eq!(
            variables.len(),
            self.variables,
            "a program of {} variables is given {} values",
            self.variables,
            variables.len()
        );
        // A step that fails is an error only if its value is chosen.
        let mut errors = Vec::new();
        let mut values: Vec<Result<T, usize>> = Vec::with_capacity(self.steps.len());
        for step in &self.steps {
            let value = match step {
                // What is undefined has no derivative by any variable.
                Step::Number(number) if number.is_nan() => {
                    Ok(undefined(variables.iter().fold(T::zero(), |sum, x| sum + *x)))
                }
                Step::Number(number) => Ok(nalgebra::convert(*number)),
                Step::Variable(place) => Ok(variables[*place]),
                Step::Call(Function::Select, arguments) => {
                    values[arguments[0]].and_then(|chosen| {
                        let no = chosen.partial_cmp(&T::zero()) == Some(Ordering::Equal);
                        values[arguments[if no { 2 } else { 1 }]]
                    })
                }
                Step::Call(operation, arguments) => {
                    let given: Result<Vec<_>, _> =
                        arguments.iter().map(|step| values[*step]).collect();
                    given.and_then(|given| {
                        operation.call(&given).map_err(|error| {
                            errors.push(error);
                            errors.len() - 1
                        })
                    })
                }
            };
            values.push(value);
        }
        let results: Result<_, _> = self.results.iter().map(|step| values[*step]).collect();
        results.map_err(|error| errors.swap_remove(error))
    }
}

/// What a call in an expression does.
#[derive(Debug, Clone, Copy)]
enum Function {
    Constant(f64),
    Add,
    Sub,
    Mul,
    Div,
    Neg,
    /// A quotient, whose derivatives are taken factor by factor where their product underflows or overflows.
    Recip,
    Compare(fn(f64, f64) -> bool),
    And,
    Or,
    Not,
    Select,
    /// The square root of -1, in the derivatives of complex functions.
    Imaginary,
    Primitive(&'static Record),
}

impl Function {
    fn new(function: &str, arity: usize) -> Result<Self, DerivativeError> {
        Ok(match (function, arity) {
            ("add", 2) => Self::Add,
            ("sub", 2) => Self::Sub,
            ("mul", 2) => Self::Mul,
            ("div", 2) => Self::Div,
            ("neg", 1) => Self::Neg,
            ("&&", 2) => Self::And,
            ("||", 2) => Self::Or,
            ("!", 1) => Self::Not,
            ("select", 3) => Self::Select,
            ("i", 0) => Self::Imaginary,
            _ => match (condition(function), NamedConstant::of(function, arity)) {
                (Some(holds), _) if arity == 2 => Self::Compare(holds),
                (_, Some(constant)) => Self::Constant(constant.value),
                _ => match resolve(function, arity)? {
                    record if record.path == "difrules_core::math::recip" => Self::Recip,
                    record => Self::Primitive(record),
                },
            },
        })
    }

    fn call<T: Real>(self, arguments: &[T]) -> Result<T, SymbolicError> {
        let truth = |holds: bool| if holds { T::one() } else { T::zero() };
        let is_true = |x: &T| x.partial_cmp(&T::zero()) != Some(Ordering::Equal);
        Ok(match (self, arguments) {
            (Self::Constant(value), _) => nalgebra::convert(value),
            (Self::Add, [x, y]) => *x + *y,
            (Self::Sub, [x, y]) => *x - *y,
            (Self::Mul, [x, y]) => *x * *y,
            (Self::Div, [x, y]) => *x / *y,
            (Self::Neg, [x]) => -*x,
            (Self::Recip, [x]) => x.recip(),
            (Self::Compare(holds), [x, y]) => {
                // A tape that is replayed compares them again.
                let (x, y) = match x.partial_cmp(y) {
                    Some(Ordering::Less) => (0.0, 1.0),
                    Some(Ordering::Equal) => (0.0, 0.0),
                    Some(Ordering::Greater) => (1.0, 0.0),
                    None => (f64::NAN, f64::NAN),
                };
                truth(holds(x, y))
            }
            (Self::Imaginary, _) => return Err(SymbolicError::Complex),
            (Self::And, [x, y]) => truth(is_true(x) && is_true(y)),
            (Self::Or, [x, y]) => truth(is_true(x) || is_true(y)),
            (Self::Not, [x]) => truth(!is_true(x)),
            (Self::Primitive(record), _) => T::call(Registered(record), arguments)?,
            _ => unreachable!("an operation is made for its number of arguments"),
        })
    }
}

/// The value of a rule that is an expression.
pub(crate) fn value_of<T: Real>(
    formula: &Formula,
    arguments: &[T],
    value: T,
) -> Result<T, SymbolicError> {
    Ok(match formula {
        Formula::Number(number) if number.is_nan() => undefined(value),
        Formula::Number(number) => nalgebra::convert(*number),
        Formula::Argument(i) => arguments[*i],
        Formula::Value => value,
        Formula::Call("select", [condition, then, otherwise]) => {
            // What is not chosen may have no value.
            let chosen = value_of(condition, arguments, value)?.to_f64() != 0.0;
            value_of(if chosen { then } else { otherwise }, arguments, value)?
        }
        Formula::Call(function, parts) => {
            let parts: Result<Vec<_>, _> =
                parts.iter().map(|part| value_of(part, arguments, value)).collect();
            let parts = parts?;
            Function::new(function, parts.len())?.call(&parts)?
        }
    })
}

/// A primitive of numbers that an expression calls.
#[derive(Clone, Copy)]
struct Registered(&'static Record);

impl Called for Registered {
    type Error = SymbolicError;

    fn path(self) -> &'static str {
        self.0.path
    }

    fn call<T: Real + FromPrimitive>(
        self,
        scalar: &'static str,
        arguments: &[T],
    ) -> Result<T, SymbolicError> {
        call_base(self.0, scalar, arguments)
    }

    fn partial<T: Real>(
        self,
        argument: usize,
        arguments: &[T],
        value: T,
    ) -> Result<Option<T>, SymbolicError> {
        partial(self.0, argument, arguments, value)
    }
}

/// The partial derivative of a primitive by an argument, at these arguments, whose value is known;
/// none where it is the number zero: the argument does not matter there.
fn partial<T: Real>(
    record: &'static Record,
    argument: usize,
    arguments: &[T],
    value: T,
) -> Result<Option<T>, SymbolicError> {
    if value.to_f64().is_nan() {
        return Ok(Some(undefined(value)));
    }
    let formula = formula(record, argument);
    let mut branch = formula.as_ref().ok().copied();
    while let Some(Formula::Call("select", [condition, then, otherwise])) = branch {
        let chosen = value_of(condition, arguments, value)?.to_f64() != 0.0;
        branch = Some(if chosen { then } else { otherwise });
    }
    if let Some(Formula::Number(0.0)) = branch {
        return Ok(None);
    }
    if T::BASE
        && let Some(partial) = partial_by_rule(record, argument, arguments)?
    {
        return Ok(Some(partial));
    }
    value_of(formula?, arguments, value).map(Some)
}

/// The partial derivative at plain numbers, by the rule in code; none where there is no instance.
fn partial_by_rule<T: Real>(
    record: &'static Record,
    argument: usize,
    arguments: &[T],
) -> Result<Option<T>, SymbolicError> {
    let number = TypeId::of::<T>();
    let instance = record.instances.iter().find(|instance| instance.output_type().0 == number);
    let Some(instance) = instance.filter(|_| record.forward) else { return Ok(None) };
    let Some(mut boxed) = boxed(record, instance, arguments)? else { return Ok(None) };
    let mut given: Vec<_> = boxed.iter_mut().map(|value| &mut **value).collect();
    let mut one = T::one();
    let mut tangents: Vec<Option<&mut dyn Any>> = arguments.iter().map(|_| None).collect();
    tangents[argument] = Some(&mut one);
    let (mut output, mut partial) = (T::zero(), T::zero());
    instance.forward(&mut given, &mut tangents, &mut output, &mut partial)?;
    Ok(Some(partial))
}

/// Calls a primitive of numbers at a plain scalar.
fn call_base<T: Real + FromPrimitive>(
    record: &'static Record,
    scalar: &'static str,
    arguments: &[T],
) -> Result<T, SymbolicError> {
    let no_instance = || SymbolicError::NoInstance { primitive: record.path, scalar };
    let instance: &Instance = record.instance(scalar).ok_or_else(no_instance)?;
    let mut boxed = boxed(record, instance, arguments)?.ok_or_else(no_instance)?;
    if instance.output_type().0 != TypeId::of::<T>() {
        return Err(no_instance());
    }
    let mut borrowed: Vec<_> = boxed.iter_mut().map(|value| &mut **value).collect();
    let mut output = T::zero();
    instance.call(&mut borrowed, &mut output)?;
    Ok(output)
}

/// Numbers as the arguments of an instance; none where it does not take such numbers.
fn boxed<T: Real>(
    record: &'static Record,
    instance: &Instance,
    arguments: &[T],
) -> Result<Option<Vec<Box<dyn Any>>>, SymbolicError> {
    let types = instance.argument_types();
    if types.len() != arguments.len() {
        return Ok(None);
    }
    let mut boxed = Vec::with_capacity(arguments.len());
    for (i, argument) in arguments.iter().enumerate() {
        let value: Box<dyn Any> = if record.partials.get(i) == Some(&Partial::Constant) {
            constant(types[i].1, argument.to_f64()).ok_or_else(|| SymbolicError::Constant {
                primitive: record.path,
                argument: record.arguments[i].name,
                wanted: types[i].1,
                value: argument.to_f64(),
            })?
        } else {
            Box::new(*argument)
        };
        boxed.push(value);
    }
    let fits = types.iter().zip(&boxed).all(|((wanted, _), value)| (**value).type_id() == *wanted);
    Ok(fits.then_some(boxed))
}

/// A constant of an integer type, or a flag.
fn constant(type_name: &str, value: f64) -> Option<Box<dyn Any>> {
    macro_rules! whole {
        ($($integer:ident),*) => {
            match type_name {
                "bool" => Some(Box::new(value != 0.0)),
                $(stringify!($integer) => Some(Box::new($integer::from_f64(value)?)),)*
                _ => None,
            }
        };
    }
    if value.trunc() != value {
        return None;
    }
    whole!(i8, i16, i32, i64, u8, u16, u32, u64, usize, isize)
}
