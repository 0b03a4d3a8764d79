//! What a function whose result is a point may return.

use std::convert::Infallible;

use super::manifold::Manifold;
use crate::contract::outcome::{Aux, infallible};

/// What a function that is differentiated to a Jacobian or in a direction may return here: a point, or a `Result` of one;
/// with [`Aux`], more beside it.
///
/// ```
/// use difrules_core::motions::value_and_jacobian;
/// use nalgebra::{Matrix6, Isometry3};
///
/// let x = Isometry3::<f64>::identity();
/// let twice = value_and_jacobian(|x| Ok::<_, String>(x * x), &x);
/// assert_eq!(twice, Ok((x, nalgebra::DMatrix::identity(6, 6) * 2.0)));
/// ```
pub trait Reached {
    /// The point.
    type Point: Manifold;
    /// What comes beside it.
    type Aux;
    /// What the function fails with.
    type Error;
    /// This outcome with something else.
    type Of<Y>;
    /// The result, and what comes beside it.
    fn into_parts(self) -> (Result<Self::Point, Self::Error>, Self::Aux);
    /// The outcome of a result and what comes beside it.
    fn from_parts<Y>(result: Result<Y, Self::Error>, aux: Self::Aux) -> Self::Of<Y>;
}

impl<V: Manifold> Reached for V {
    type Point = V;
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

impl<V: Manifold, E> Reached for Result<V, E> {
    type Point = V;
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

#[diagnostic::do_not_recommend]
impl<O: Reached<Aux = ()>, A> Reached for Aux<O, A> {
    type Point = O::Point;
    type Aux = A;
    type Error = O::Error;
    type Of<Y> = (O::Of<Y>, A);

    fn into_parts(self) -> (Result<O::Point, O::Error>, A) {
        (self.0.into_parts().0, self.1)
    }

    fn from_parts<Y>(result: Result<Y, O::Error>, aux: A) -> (O::Of<Y>, A) {
        (O::from_parts(result, ()), aux)
    }
}
