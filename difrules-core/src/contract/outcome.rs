//! What a function that is differentiated may return.

use std::convert::Infallible;

use crate::contract::value::Differentiable;

/// What a transform's function may return: a value, or a `Result` of one.
pub trait Outcome {
    /// The value on success.
    type Value: Differentiable;
    /// What the function fails with.
    type Error;
    /// This outcome with another value.
    type Of<Y>;
    /// The outcome as a result.
    ///
    /// # Errors
    /// Its own.
    fn into_result(self) -> Result<Self::Value, Self::Error>;
    /// The outcome that a result stands for.
    fn from_result<Y>(result: Result<Y, Self::Error>) -> Self::Of<Y>;
}

impl<V: Differentiable> Outcome for V {
    type Value = V;
    type Error = Infallible;
    type Of<Y> = Y;

    fn into_result(self) -> Result<V, Infallible> {
        Ok(self)
    }

    fn from_result<Y>(result: Result<Y, Infallible>) -> Y {
        infallible(result)
    }
}

impl<V: Differentiable, E> Outcome for Result<V, E> {
    type Value = V;
    type Error = E;
    type Of<Y> = Result<Y, E>;

    fn into_result(self) -> Self {
        self
    }

    fn from_result<Y>(result: Result<Y, E>) -> Result<Y, E> {
        result
    }
}

/// What a function whose value is a `V` may return: a `V`, or a `Result` or an `Option` of one.
///
/// For a `V` that is known, as the number that [`gradient`](crate::gradient) differentiates; where it is not, an `Option` is a
/// value itself.
///
/// ```
/// use difrules_core::gradient;
///
/// use difrules_core::Real;
/// use nalgebra::DVector;
///
/// /// The logarithm of the largest entry, if there is any.
/// fn largest<T: Real>(x: &DVector<T>) -> Option<T> {
///     x.iter().copied().reduce(|x, y| if x < y { y } else { x }).map(|x| x.ln())
/// }
///
/// let slope = gradient(largest, &DVector::from_vec(vec![2.0_f64, 4.0]));
/// assert_eq!(slope.unwrap().as_slice(), [0.0, 0.25]);
/// assert_eq!(gradient(largest, &DVector::<f64>::zeros(0)), None);
/// ```
#[diagnostic::on_unimplemented(
    message = "a function that returns `{Self}` has no value `{V}`",
    note = "what is differentiated to a gradient returns one real number of the mode, `Var<..>`, or a `Result` or an `Option` of it"
)]
pub trait OutcomeOf<V> {
    /// What the function fails with.
    type Error;
    /// This outcome with another value.
    type Of<Y>;
    /// The outcome as a result.
    ///
    /// # Errors
    /// Its own.
    fn into_result(self) -> Result<V, Self::Error>;
    /// The outcome that a result stands for.
    fn from_result<Y>(result: Result<Y, Self::Error>) -> Self::Of<Y>;
}

impl<V: Differentiable> OutcomeOf<V> for V {
    type Error = Infallible;
    type Of<Y> = Y;

    fn into_result(self) -> Result<V, Infallible> {
        Ok(self)
    }

    fn from_result<Y>(result: Result<Y, Infallible>) -> Y {
        infallible(result)
    }
}

impl<V: Differentiable, E> OutcomeOf<V> for Result<V, E> {
    type Error = E;
    type Of<Y> = Result<Y, E>;

    fn into_result(self) -> Self {
        self
    }

    fn from_result<Y>(result: Result<Y, E>) -> Result<Y, E> {
        result
    }
}

impl<V: Differentiable> OutcomeOf<V> for Option<V> {
    type Error = Nothing;
    type Of<Y> = Option<Y>;

    fn into_result(self) -> Result<V, Nothing> {
        self.ok_or(Nothing)
    }

    fn from_result<Y>(result: Result<Y, Nothing>) -> Option<Y> {
        result.ok()
    }
}

/// Why a function that returns an `Option` has no value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Nothing;

/// The value of what cannot fail.
#[inline]
pub fn infallible<Y>(result: Result<Y, Infallible>) -> Y {
    match result {
        Ok(y) => y,
        Err(never) => match never {},
    }
}
