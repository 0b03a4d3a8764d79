//! Functions of numbers with their partial derivatives.

use std::convert::Infallible;
use std::marker::PhantomData;

use difrules_core::__private::{infallible, same};
use difrules_core::Real;
use difrules_core::contract::passing::Value;
use difrules_core::contract::{Elementwise, Evaluation, Inputs, Kind, Primitive, Room};
use difrules_core::registry::UnknownPartial;

/// A number of a kind over a real scalar.
pub(super) type Of<K, S> = <K as Kind>::Of<S>;

/// A function of `N` numbers with its partial derivatives, which the primitives here do to each entry.
///
/// [`elementwise!`](crate::elementwise!) writes one for an expression; [`Matrix::map`](crate::Matrix::map) and
/// [`Matrix::zip_map`](crate::Matrix::zip_map) make one of a registered primitive. One that is written by hand gets its call from
/// [`fuse_1`](crate::fuse_1) and its kin.
///
/// ```
/// use difrules_core::Real;
/// use difrules_linalg::{Formula, Matrix, fuse_1};
/// use nalgebra::dmatrix;
///
/// /// x^2.
/// struct Square;
///
/// impl Formula<1> for Square {
///     type Kind = f64;
///
///     fn value<S: Real>([x]: [S; 1]) -> S {
///         x * x
///     }
///
///     fn value_and_slopes<S: Real>([x]: [S; 1]) -> (S, [S; 1]) {
///         (x * x, [x + x])
///     }
/// }
///
/// let squares = fuse_1(Square, &Matrix::from(dmatrix![1.0, 2.0]));
/// assert_eq!(*squares, dmatrix![1.0, 4.0]);
/// ```
#[diagnostic::on_unimplemented(
    message = "this is no function of {N} numbers",
    note = "the closure of `elementwise!` takes one number for each matrix after it"
)]
pub trait Formula<const N: usize>: 'static {
    /// Real or complex.
    type Kind: Kind;
    /// Whether a derivative of -0 says that the number does not matter at this point.
    #[doc(hidden)]
    const KNOWS_OFF: bool = false;

    /// What an argument is called where its shape does not fit.
    #[doc(hidden)]
    fn name(argument: usize) -> &'static str {
        ["a", "b", "c", "d", "e", "f"][argument]
    }

    /// The value.
    fn value<S: Real>(x: [Of<Self::Kind, S>; N]) -> Of<Self::Kind, S>;

    /// The value, bit for bit that of [`value`](Formula::value), and the partial derivative by each number;
    /// where it is complex, the complex derivative.
    fn value_and_slopes<S: Real>(
        x: [Of<Self::Kind, S>; N],
    ) -> (Of<Self::Kind, S>, [Of<Self::Kind, S>; N]);

    /// Whether the derivative by a number is known.
    ///
    /// # Errors
    /// If it is not: what a mode panics with that needs it.
    fn known(_argument: usize) -> Result<(), UnknownPartial> {
        Ok(())
    }
}

/// A registered primitive as a [`Formula`].
pub struct By<P, K>(pub(super) PhantomData<(P, K)>);

/// The partial derivative by an argument of a primitive of numbers, whose tangents `unit` gives with a one
/// in that argument's place.
#[inline]
fn slope<P: Primitive<Output = K, Error = Infallible>, K: Kind, S: Real, const N: usize>(
    evaluation: &Evaluation<P, S>,
    argument: usize,
    mut unit: Inputs<P, S>,
    again: impl FnOnce() -> Evaluation<P, S>,
) -> Of<K, S> {
    if !P::is_known(argument) {
        return nalgebra::zero();
    }
    if P::SCALAR {
        let slope = P::partial::<S>(evaluation, argument);
        let off = slope.is_constant_zero() && P::is_off::<S>(evaluation, argument);
        return same(if off { S::still() } else { slope.moved() });
    }
    // Whoever has no partial derivatives has one of the rules.
    if P::record().forward {
        return P::forward::<S>(evaluation, &mut unit);
    }
    let evaluation = again();
    let shapes = P::shapes::<S>(&evaluation);
    let residual = P::residual::<S>(evaluation);
    let mut adjoints = [[S::zero()]; N];
    let mut slots = adjoints.each_mut().map(|adjoint| Some(Room::from(&mut adjoint[..])));
    P::reverse::<S>(&residual, &shapes, &mut [S::one()], &mut slots);
    same(adjoints[argument][0])
}

/// [`Formula::known`] of a primitive.
fn known<P: Primitive>(argument: usize) -> Result<(), UnknownPartial> {
    if P::is_known(argument) {
        return Ok(());
    }
    let record = P::record();
    Err(UnknownPartial::of(record, argument))
}

macro_rules! by {
    ($N:tt [$($Value:ident)+] $($x:ident $i:tt [$($unit:ident)+])+) => {
        impl<P: Elementwise<K>, K: Kind> Formula<$N> for By<P, K>
        where
            P::At: Primitive<
                Arguments = ($($Value<K>,)+),
                Output = K,
                Error = Infallible,
            >,
        {
            type Kind = K;
            const KNOWS_OFF: bool = P::At::SCALAR;

            #[inline]
            fn value<S: Real>([$($x),+]: [Of<K, S>; $N]) -> Of<K, S> {
                infallible(P::At::into_result::<S>(P::At::primal::<S>(($($x,)+))))
            }

            #[inline]
            fn value_and_slopes<S: Real>(
                [$($x),+]: [Of<K, S>; $N],
            ) -> (Of<K, S>, [Of<K, S>; $N]) {
                let evaluation = infallible(P::At::evaluate::<S>(($($x,)+)));
                let again = || infallible(P::At::evaluate::<S>(($($x,)+)));
                let slopes = [$(
                    slope::<P::At, K, S, $N>(&evaluation, $i, ($(nalgebra::$unit(),)+), again)
                ),+];
                (evaluation.output, slopes)
            }

            fn known(argument: usize) -> Result<(), UnknownPartial> {
                known::<P::At>(argument)
            }
        }
    };
}
by!(1 [Value] x 0 [one]);
by!(2 [Value Value] x 0 [one zero] y 1 [zero one]);
by!(3 [Value Value Value] x 0 [one zero zero] y 1 [zero one zero] z 2 [zero zero one]);

/// The product.
pub(crate) struct Times<K>(PhantomData<K>);

impl<K: Kind> Formula<2> for Times<K> {
    type Kind = K;

    #[inline]
    fn value<S: Real>([x, y]: [Of<K, S>; 2]) -> Of<K, S> {
        x * y
    }

    #[inline]
    fn value_and_slopes<S: Real>([x, y]: [Of<K, S>; 2]) -> (Of<K, S>, [Of<K, S>; 2]) {
        (x * y, [y, x])
    }
}
