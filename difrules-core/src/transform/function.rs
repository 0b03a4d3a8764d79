//! Functions that are written once and called at any scalar.

use std::convert::Infallible;

use crate::contract::scalar::Real;
use crate::contract::value::{Differentiable, With};

/// A function of one differentiable value that can be called at every scalar: what a closure, which has one
/// argument type, cannot be.
///
/// Solvers and optimisers take one, and call it at plain numbers and in the modes that they need. `Point` and
/// `Value` are the types at plain numbers; `call` is written with the same types of a `T`. A function of several
/// values takes a tuple of them; one that can fail has a `Result` as its `Value`, and returns one.
///
/// ```
/// use difrules_core::{Function, Real, gradient};
/// use nalgebra::{Vector2, vector};
///
/// struct Rosenbrock {
///     steepness: f64,
/// }
///
/// impl Function for Rosenbrock {
///     type Point = Vector2<f64>;
///     type Value = f64;
///
///     fn call<T: Real>(&self, x: &Vector2<T>) -> T {
///         let (a, b) = (T::one() - x[0], x[1] - x[0] * x[0]);
///         a * a + b * b * difrules_core::lit(self.steepness)
///     }
/// }
///
/// let f = Rosenbrock { steepness: 100.0 };
/// assert_eq!(f.call(&vector![1.0_f64, 2.0]), 100.0);
/// assert_eq!(gradient(|x| f.call(x), &vector![1.0_f64, 2.0]), vector![-400.0, 200.0]);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a function that can be called at every scalar",
    note = "a closure has one argument type: write `struct F;` and `impl difrules_core::Function for F {{ type Point = ..; type Value = ..; fn call<T: Real>(&self, x: &..) -> .. {{ .. }} }}`, with the types at `f64` in `Point` and `Value`, and those at `T` in `call`"
)]
pub trait Function {
    /// What it is a function of, at plain numbers.
    type Point: Differentiable<Real = f64>;
    /// What it returns at plain numbers: a value, or a `Result` of one.
    type Value: Returns;

    /// Its value at a point.
    fn call<T: Real>(&self, x: &With<Self::Point, T>) -> <Self::Value as Returns>::At<T>;

    /// What [`call`](Self::call) returns, as a `Result`, for code that takes any function.
    ///
    /// # Errors
    /// The function's own.
    ///
    /// ```
    /// use difrules_core::{Function, Real};
    ///
    /// struct Square;
    ///
    /// impl Function for Square {
    ///     type Point = f64;
    ///     type Value = f64;
    ///
    ///     fn call<T: Real>(&self, x: &T) -> T {
    ///         *x * *x
    ///     }
    /// }
    ///
    /// assert_eq!(Square.try_call(&3.0_f64), Ok(9.0));
    /// ```
    fn try_call<T: Real>(
        &self,
        x: &With<Self::Point, T>,
    ) -> Result<With<<Self::Value as Returns>::Value, T>, <Self::Value as Returns>::Error> {
        Self::Value::into_result::<T>(self.call::<T>(x))
    }
}

impl<F: Function + ?Sized> Function for &F {
    type Point = F::Point;
    type Value = F::Value;

    fn call<T: Real>(&self, x: &With<F::Point, T>) -> <F::Value as Returns>::At<T> {
        F::call(self, x)
    }
}

/// What a [`Function`] may return: a value, or a `Result` of one.
///
/// ```
/// use difrules_core::{Function, Real, gradient};
/// use nalgebra::ComplexField;
///
/// struct Logarithm;
///
/// impl Function for Logarithm {
///     type Point = f64;
///     type Value = Result<f64, String>;
///
///     fn call<T: Real>(&self, x: &T) -> Result<T, String> {
///         if *x > T::zero() { Ok(x.ln()) } else { Err("not positive".into()) }
///     }
/// }
///
/// assert_eq!(gradient(|x| Logarithm.call(x), &2.0_f64), Ok(0.5));
/// assert!(gradient(|x| Logarithm.call(x), &-2.0_f64).is_err());
/// ```
#[diagnostic::on_unimplemented(
    message = "a function's value cannot be `{Self}`",
    note = "`Value` is the type at plain numbers of what `call` returns: `f64`, a vector or a matrix of `f64`, a structure of them, or a `Result` of one of these"
)]
pub trait Returns {
    /// The value on success, at plain numbers.
    type Value: Differentiable<Real = f64>;
    /// Why there is none.
    type Error;
    /// The same at another scalar.
    type At<T: Real>;

    /// What the function returned, as a result.
    ///
    /// # Errors
    /// The function's own.
    fn into_result<T: Real>(at: Self::At<T>) -> Result<With<Self::Value, T>, Self::Error>;
}

impl<V: Differentiable<Real = f64>> Returns for V {
    type Value = V;
    type Error = Infallible;
    type At<T: Real> = With<V, T>;

    fn into_result<T: Real>(at: With<V, T>) -> Result<With<V, T>, Infallible> {
        Ok(at)
    }
}

impl<V: Differentiable<Real = f64>, E> Returns for Result<V, E> {
    type Value = V;
    type Error = E;
    type At<T: Real> = Result<With<V, T>, E>;

    fn into_result<T: Real>(at: Result<With<V, T>, E>) -> Result<With<V, T>, E> {
        at
    }
}
