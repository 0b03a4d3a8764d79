//! What a function that is differentiated may return.

use std::convert::Infallible;

use crate::contract::value::Differentiable;

/// What a function returns, and beside it what is not differentiated: a count of steps, a factorisation to be used
/// again, whatever it likes.
///
/// Every transform takes a function that returns an `Aux`, and then returns a pair: what it always does, and what
/// came beside it. A transform that evaluates the function several times returns what the first evaluation gave.
/// Numbers of the mode are of no use outside of the transform: give their [`value`](crate::Var::value).
///
/// ```
/// use difrules_core::{Aux, Real, gradient, lit};
///
/// /// Newton's iteration for the square root, and how many steps it took.
/// fn root<T: Real>(x: T) -> (T, usize) {
///     let (mut y, mut steps) = (T::one(), 0);
///     while (y * y - x).abs() > lit(1e-12) {
///         y = (y + x / y) * lit(0.5);
///         steps += 1;
///     }
///     (y, steps)
/// }
///
/// let (slope, steps) = gradient(|x| Aux::from(root(*x)), &2.0_f64);
/// assert!((slope - 0.125_f64.sqrt()).abs() < 1e-9);
/// assert_eq!(steps, 5);
/// ```
///
/// A function that fails has nothing beside its error:
///
/// ```
/// use difrules_core::{Aux, Real, gradient};
/// use nalgebra::ComplexField;
///
/// fn logarithm<T: Real>(x: T) -> Result<(T, &'static str), String> {
///     if x < T::one() { Err("less than one".into()) } else { Ok((x.ln(), "the natural one")) }
/// }
///
/// let (slope, which) = gradient(|x| Aux::from(logarithm(*x)), &2.0_f64);
/// assert_eq!((slope, which), (Ok(0.5), Some("the natural one")));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Aux<Y, A>(
    /// The value, or a `Result` or an `Option` of it.
    pub Y,
    /// What comes beside it.
    pub A,
);

impl<V, A> From<(V, A)> for Aux<V, A> {
    fn from((value, aux): (V, A)) -> Self {
        Self(value, aux)
    }
}

impl<V, A, E> From<Result<(V, A), E>> for Aux<Result<V, E>, Option<A>> {
    fn from(result: Result<(V, A), E>) -> Self {
        match result {
            Ok((value, aux)) => Self(Ok(value), Some(aux)),
            Err(error) => Self(Err(error), None),
        }
    }
}

/// What a function whose value is a `V` may return: a `V`, or a `Result` or an `Option` of one; with [`Aux`], more
/// beside it.
///
/// For a `V` that is known, as the number that [`gradient`](crate::gradient) differentiates; where it is not, an
/// `Option` is a value itself.
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
    /// What comes beside the value.
    type Aux;
    /// What the function fails with.
    type Error;
    /// This outcome with another value.
    type Of<Y>;
    /// The result, and what comes beside it.
    fn into_parts(self) -> (Result<V, Self::Error>, Self::Aux);
    /// The outcome of a result and what comes beside it.
    fn from_parts<Y>(result: Result<Y, Self::Error>, aux: Self::Aux) -> Self::Of<Y>;
}

impl<V: Differentiable> OutcomeOf<V> for V {
    type Aux = ();
    type Error = Infallible;
    type Of<Y> = Y;

    fn into_parts(self) -> (Result<V, Infallible>, ()) {
        (Ok(self), ())
    }

    fn from_parts<Y>(result: Result<Y, Infallible>, (): ()) -> Y {
        infallible(result)
    }
}

impl<V: Differentiable, E> OutcomeOf<V> for Result<V, E> {
    type Aux = ();
    type Error = E;
    type Of<Y> = Result<Y, E>;

    fn into_parts(self) -> (Self, ()) {
        (self, ())
    }

    fn from_parts<Y>(result: Result<Y, E>, (): ()) -> Result<Y, E> {
        result
    }
}

impl<V: Differentiable> OutcomeOf<V> for Option<V> {
    type Aux = ();
    type Error = Nothing;
    type Of<Y> = Option<Y>;

    fn into_parts(self) -> (Result<V, Nothing>, ()) {
        (self.ok_or(Nothing), ())
    }

    fn from_parts<Y>(result: Result<Y, Nothing>, (): ()) -> Option<Y> {
        result.ok()
    }
}

#[diagnostic::do_not_recommend]
impl<V: Differentiable, O: OutcomeOf<V, Aux = ()>, A> OutcomeOf<V> for Aux<O, A> {
    type Aux = A;
    type Error = O::Error;
    type Of<Y> = (O::Of<Y>, A);

    fn into_parts(self) -> (Result<V, O::Error>, A) {
        (self.0.into_parts().0, self.1)
    }

    fn from_parts<Y>(result: Result<Y, O::Error>, aux: A) -> (O::Of<Y>, A) {
        (O::from_parts(result, ()), aux)
    }
}

/// What a transform's function may return: a value, or a `Result` of one; with [`Aux`], more beside it.
pub trait Outcome: OutcomeOf<Self::Value> {
    /// The value on success.
    type Value: Differentiable;
}

impl<V: Differentiable> Outcome for V {
    type Value = V;
}

impl<V: Differentiable, E> Outcome for Result<V, E> {
    type Value = V;
}

impl<O: Outcome + OutcomeOf<O::Value, Aux = ()>, A> Outcome for Aux<O, A> {
    type Value = O::Value;
}

/// What a function of a datum may return: a `V`, or a `Result` or an `Option` of one, with an error that goes to
/// other threads and nothing beside it.
#[cfg(feature = "rayon")]
#[diagnostic::on_unimplemented(
    message = "a function of a datum that returns `{Self}` has no value `{V}` that goes to other threads",
    note = "it returns the value, or a `Result` of it whose error is `Send`, or an `Option`, and no `Aux`"
)]
pub trait Term<V>: OutcomeOf<V, Aux = (), Error: Send> {}

#[cfg(feature = "rayon")]
impl<V, Y: OutcomeOf<V, Aux = (), Error: Send>> Term<V> for Y {}

/// What a primitive returns that gives a `Y` or fails with an `E`: nothing is a `Y` of no numbers.
pub trait Returned<Y, E> {
    /// As a result.
    fn into_result(self) -> Result<Y, E>;
    /// A result as what the primitive returns.
    fn from_result(result: Result<Y, E>) -> Self;
}

impl<Y> Returned<Y, Infallible> for Y {
    #[inline]
    fn into_result(self) -> Result<Y, Infallible> {
        Ok(self)
    }

    #[inline]
    fn from_result(result: Result<Y, Infallible>) -> Y {
        infallible(result)
    }
}

impl<Y, E> Returned<Y, E> for Result<Y, E> {
    #[inline]
    fn into_result(self) -> Self {
        self
    }

    #[inline]
    fn from_result(result: Self) -> Self {
        result
    }
}

impl<Y> Returned<Y, Nothing> for Option<Y> {
    #[inline]
    fn into_result(self) -> Result<Y, Nothing> {
        self.ok_or(Nothing)
    }

    #[inline]
    fn from_result(result: Result<Y, Nothing>) -> Self {
        result.ok()
    }
}

impl<S> Returned<[S; 0], Infallible> for () {
    #[inline]
    fn into_result(self) -> Result<[S; 0], Infallible> {
        Ok([])
    }

    #[inline]
    fn from_result(result: Result<[S; 0], Infallible>) {
        infallible(result);
    }
}

impl<S, E> Returned<[S; 0], E> for Result<(), E> {
    #[inline]
    fn into_result(self) -> Result<[S; 0], E> {
        self.map(|()| [])
    }

    #[inline]
    fn from_result(result: Result<[S; 0], E>) -> Self {
        result.map(|_| ())
    }
}

impl<S> Returned<[S; 0], Nothing> for Option<()> {
    #[inline]
    fn into_result(self) -> Result<[S; 0], Nothing> {
        self.map(|()| []).ok_or(Nothing)
    }

    #[inline]
    fn from_result(result: Result<[S; 0], Nothing>) -> Self {
        result.ok().map(|_| ())
    }
}

/// Why a function that returns an `Option` has no value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("there is no value")]
pub struct Nothing;

/// The value of what cannot fail.
#[inline]
pub fn infallible<Y>(result: Result<Y, Infallible>) -> Y {
    match result {
        Ok(y) => y,
        Err(never) => match never {},
    }
}
