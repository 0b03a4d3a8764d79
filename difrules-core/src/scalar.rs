//! The scalars: what a primitive may be generic over.
//!
//! A *real* scalar ([`Real`]) carries the derivative mode: `f32` and `f64` compute values alone,
//! [`Dual`](crate::Dual) carries tangents, [`Var`](crate::Var) records for a reverse sweep, and
//! they nest. A [`Scalar`] is a real scalar or a complex number of two of them; complex numbers
//! need no mode of their own.

use std::cell::{Cell, RefCell};

use nalgebra::{Complex, ComplexField, RealField};

use crate::checkpoint;
use crate::primitive::{Given, Primitive};
use crate::registry::Record;
use crate::symbolic;
use crate::tape::{self, Tapes};
use crate::value::Differentiable;

/// Whether a scalar is real or complex, apart from the derivative mode.
///
/// Two types stand for the two kinds: `f64` for the real ones (`f32`, `f64`, `Dual<f64>`, ...) and
/// `Complex<f64>` for the complex ones (`Complex<f32>`, `Complex<Var<f64>>`, ...).
///
/// ```
/// use difrules_core::{Dual, Kind};
/// use nalgebra::Complex;
///
/// let real: <f64 as Kind>::Of<Dual<f64>> = Dual::constant(1.0);
/// let complex: <Complex<f64> as Kind>::Of<Dual<f64>> = Complex::new(real, real);
/// ```
pub trait Kind: nalgebra::Scalar {
    /// Whether a number of this kind is one real number.
    const REAL: bool;
    /// The scalar of this kind over the real scalar `S`.
    type Of<S: Real>: Scalar<Real = S, Kind = Self>;
}

impl Kind for f64 {
    const REAL: bool = true;
    type Of<S: Real> = S;
}

impl Kind for Complex<f64> {
    const REAL: bool = false;
    type Of<S: Real> = Complex<S>;
}

/// A real or complex number in any derivative mode; the bound of a primitive that works for both.
///
/// ```
/// use difrules_core::Scalar;
/// use nalgebra::{Complex, DVector};
///
/// /// Works for `f32`, `f64`, `Complex<f64>`, `Dual<f64>`, `Complex<Var<f64>>`, ...
/// fn squared_norm<T: Scalar>(x: &DVector<T>) -> T::Real {
///     x.iter().fold(nalgebra::zero(), |sum: T::Real, x| sum + x.modulus_squared())
/// }
///
/// assert_eq!(squared_norm(&DVector::from_element(2, 3.0_f32)), 18.0);
/// assert_eq!(squared_norm(&DVector::from_element(2, Complex::new(0.0, 1.0))), 2.0);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a scalar that a primitive can work on",
    note = "scalars are f32, f64, `Dual` and `Var` of a real scalar, and `Complex` of any of these",
    note = "a structure made of them derives `difrules_core::Differentiable`; a function that can fail writes its `Result<Y, Error>` out"
)]
pub trait Scalar: ComplexField<RealField = <Self as Scalar>::Real> + Copy {
    /// The real scalar this one is made of.
    type Real: Real;
    /// Real or complex.
    type Kind: Kind<Of<<Self as Scalar>::Real> = Self>;

    /// This number, if it is of a real kind.
    fn try_real(self) -> Option<<Self as Scalar>::Real>;

    /// Applies `f` to the real parts this number is made of.
    fn map_parts<S: Real>(
        self,
        f: &mut impl FnMut(<Self as Scalar>::Real) -> S,
    ) -> <Self::Kind as Kind>::Of<S>;

    /// Lends the real parts this number is made of: one, or real part and imaginary part.
    fn parts_mut(&mut self) -> &mut [<Self as Scalar>::Real];

    /// Reads consecutive real numbers as numbers of this type.
    ///
    /// # Panics
    /// If their count is odd and this type is complex.
    fn from_parts_mut(parts: &mut [<Self as Scalar>::Real]) -> &mut [Self];
}

/// A real number in any derivative mode.
///
/// Implemented by `f32`, `f64`, and by [`Dual`](crate::Dual) and [`Var`](crate::Var) of any `Real`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a real scalar that a primitive can work on",
    note = "real scalars are f32, f64, and `Dual` and `Var` of a real scalar"
)]
pub trait Real: RealField + Scalar<Real = Self, Kind = f64> {
    /// Whether this is a plain number, in no derivative mode.
    const BASE: bool;

    /// The plain number inside all modes.
    fn to_f64(self) -> f64;

    /// Calls a primitive in this scalar's mode.
    ///
    /// A plain number runs the primitive's own text; a mode runs it one mode further in and applies
    /// the primitive's rule to the result.
    #[doc(hidden)]
    fn apply<P: Primitive>(arguments: Given<'_, P, Self>) -> P::Return<Self>;

    /// Calls a primitive that is known by its record alone, for [`symbolic`](crate::symbolic).
    #[doc(hidden)]
    fn call_record(
        record: &'static Record,
        arguments: &[Self],
    ) -> Result<Self, symbolic::SymbolicError>;

    /// Whether it is the same number in every part, the sign of a zero and the digits of a NaN too.
    #[doc(hidden)]
    fn is_same(self, other: Self) -> bool;

    /// See [`checkpointed`](crate::checkpointed).
    #[doc(hidden)]
    fn checkpointed<X, P, E: 'static>(
        steps: usize,
        x: &X,
        parameters: &P,
        step: impl Fn(usize, &X, &P) -> Result<X, E> + 'static,
    ) -> Result<X, E>
    where
        X: Differentiable<Real = Self>,
        P: Differentiable<Real = Self>,
    {
        checkpoint::plain(steps, x, parameters, step)
    }

    /// The tapes of this thread that record statements about `Var<Self>`.
    #[doc(hidden)]
    fn tapes() -> &'static RefCell<Tapes<Self>>;
}

/// A real scalar that is `Base` itself or one derivative mode over it: what a primitive that is
/// written for one type can be called with.
#[diagnostic::on_unimplemented(
    message = "`{Self}` differentiates more than once, but this primitive is a plain function of `{Base}`",
    label = "a plain function's rules exist at `{Base}` alone, so it differentiates once",
    note = "make the function generic (`fn f<T: Real>(x: T) -> T`) and it differentiates as often as you like"
)]
pub trait Over<Base: Real>: Real {}

impl Over<f64> for f64 {}
impl Over<f32> for f32 {}

macro_rules! base {
    ($($real:ident),*) => {$(
        impl Scalar for $real {
            type Real = $real;
            type Kind = f64;

            #[inline]
            fn try_real(self) -> Option<$real> {
                Some(self)
            }

            #[inline]
            fn map_parts<S: Real>(self, f: &mut impl FnMut($real) -> S) -> S {
                f(self)
            }

            #[inline]
            fn parts_mut(&mut self) -> &mut [$real] {
                std::slice::from_mut(self)
            }

            #[inline]
            fn from_parts_mut(parts: &mut [$real]) -> &mut [$real] {
                parts
            }
        }

        impl Real for $real {
            const BASE: bool = true;

            #[inline]
            fn to_f64(self) -> f64 {
                f64::from(self)
            }

            fn call_record(
                record: &'static Record,
                arguments: &[Self],
            ) -> Result<Self, symbolic::SymbolicError> {
                symbolic::call_base(record, stringify!($real), arguments)
            }

            #[inline]
            fn is_same(self, other: Self) -> bool {
                self.to_bits() == other.to_bits()
            }

            #[inline]
            fn apply<P: Primitive>(arguments: Given<'_, P, Self>) -> P::Return<Self> {
                P::primal::<$real>(arguments)
            }

            #[inline]
            fn tapes() -> &'static RefCell<Tapes<Self>> {
                thread_local! {
                    // A reference, since a place without destructor is the fastest to come to, and
                    // each operation that is recorded does.
                    static TAPES: Cell<Option<&'static RefCell<Tapes<$real>>>> =
                        const { Cell::new(None) };
                }
                TAPES.get().unwrap_or_else(|| {
                    let tapes = tape::new_tapes();
                    TAPES.set(Some(tapes));
                    tapes
                })
            }
        }
    )*};
}
base!(f32, f64);

impl<R: Real> Scalar for Complex<R> {
    type Real = R;
    type Kind = Complex<f64>;

    #[inline]
    fn try_real(self) -> Option<R> {
        None
    }

    #[inline]
    fn map_parts<S: Real>(self, f: &mut impl FnMut(R) -> S) -> Complex<S> {
        let re = f(self.re);
        Complex::new(re, f(self.im))
    }

    #[inline]
    fn parts_mut(&mut self) -> &mut [R] {
        crate::cast::parts_of_complex(self)
    }

    #[inline]
    fn from_parts_mut(parts: &mut [R]) -> &mut [Complex<R>] {
        crate::cast::complex_from_parts(parts)
    }
}
