//! The scalars: what a primitive may be generic over.
//!
//! A *real* scalar ([`Real`]) carries the derivative mode: `f32` and `f64` compute values alone,
//! [`Dual`](crate::Dual) carries tangents, [`Var`](crate::Var) records for a reverse sweep, and
//! they nest. A [`Scalar`] is a real scalar or a complex number of two of them; complex numbers
//! need no mode of their own.

use std::cell::{Cell, RefCell};
use std::iter::{Product, Sum};

use nalgebra::{Complex, ComplexField, convert};

use crate::contract::keep::Keep;
use crate::contract::passing::{Arguments, Gathered, Reference};
use crate::contract::primitive::{Called, Given, Output, Primitive, Wholes};
use crate::contract::value::{Differentiable, Family};
use crate::tape::{self, Number, Tapes};

/// Whether a scalar is real or complex, apart from the derivative mode.
///
/// Two types stand for the two kinds: `f64` for the real ones (`f32`, `f64`, `Dual<f64>`, ...) and
/// `Complex<f64>` for the complex ones (`Complex<f32>`, `Complex<Var<f64>>`, ...).
///
/// ```
/// use difrules_core::contract::Kind;
/// use difrules_core::Dual;
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
pub trait Scalar:
    ComplexField<RealField = <Self as Scalar>::Real>
    + Copy
    + Sum
    + Product
    + for<'a> Sum<&'a Self>
    + for<'a> Product<&'a Self>
{
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

    /// Whether it is zero and nothing varies it.
    ///
    /// `is_zero` says of a number in a mode what it says of the plain number. A rule that leaves out
    /// what a zero makes superfluous has to ask this: the derivatives of a zero that varies count.
    ///
    /// ```
    /// use difrules_core::{Dual, Scalar};
    /// use num_traits::Zero;
    ///
    /// let (still, moving) = (Dual::<f64>::constant(0.0), Dual::new(0.0, [1.0]));
    /// assert!(still.is_zero() && moving.is_zero());
    /// assert!(still.is_constant_zero() && !moving.is_constant_zero());
    /// ```
    fn is_constant_zero(&self) -> bool;

    /// Whether it is one and nothing varies it; see [`is_constant_zero`](Scalar::is_constant_zero).
    fn is_constant_one(&self) -> bool;

    /// A slope times what moves, a tangent or a cotangent. A complex number with one part that is zero is on an axis: what
    /// that part stands before contributes nothing, infinite or not (see [`infinities`](crate::infinities)).
    #[doc(hidden)]
    fn along(self, moving: Self) -> Self;

    /// Lends the real parts this number is made of: one, or real part and imaginary part.
    fn parts_mut(&mut self) -> &mut [<Self as Scalar>::Real];

    /// Reads consecutive real numbers as numbers of this type.
    ///
    /// # Panics
    /// If their count is odd and this type is complex.
    fn from_parts_mut(parts: &mut [<Self as Scalar>::Real]) -> &mut [Self];

    /// Reads consecutive real numbers as numbers of this type.
    ///
    /// # Panics
    /// If their count is odd and this type is complex.
    fn from_parts(parts: &[<Self as Scalar>::Real]) -> &[Self];

    /// Reads numbers of this type as consecutive real numbers.
    fn parts_of(numbers: &[Self]) -> &[<Self as Scalar>::Real];
}

/// A real number in any derivative mode.
///
/// Implemented by `f32`, `f64`, and by [`Dual`](crate::Dual) and [`Var`](crate::Var) of any `Real`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a real scalar that a primitive can work on",
    note = "real scalars are f32, f64, and `Dual` and `Var` of a real scalar"
)]
pub trait Real: Number + Scalar<Real = Self, Kind = f64> {
    /// Whether this is a plain number, in no derivative mode.
    const BASE: bool;

    /// Whether what is computed with it is recorded on a tape of the thread, in whichever of its modes.
    #[doc(hidden)]
    const RECORDED: bool = false;

    /// The plain number inside all modes.
    fn to_f64(self) -> f64 {
        self.plain()
    }

    /// The same but for the plain number inside all modes, which is zero.
    #[doc(hidden)]
    fn at_zero(self) -> Self;

    /// Calls a primitive in this scalar's mode.
    ///
    /// A plain number runs the primitive's own text; a mode runs it one mode further in and applies
    /// the primitive's rule to the result.
    #[doc(hidden)]
    fn apply<P: Primitive>(arguments: Given<'_, P, Self>) -> P::Return<Self>;

    /// The scalar one mode further in: what a mode calls a primitive at. A plain number's is itself.
    #[doc(hidden)]
    type Inner: Real;

    /// A container of this scalar that stays in one piece; see [`Whole`](crate::Whole).
    #[doc(hidden)]
    type Whole<F: Family>: Clone + 'static;

    /// A whole value that is lent to a call.
    #[doc(hidden)]
    type Lent<'a, F: Family>: Copy;

    /// The number one mode further in.
    #[doc(hidden)]
    fn inner(self) -> Self::Inner;

    /// Whether it is a plain number, or such a number and its tangents, beside each other in memory.
    #[doc(hidden)]
    const PARTS: bool = false;

    /// How many tangents it has in memory beside its value.
    #[doc(hidden)]
    const DIRECTIONS: usize = 0;

    /// Where a part is, in bytes: the value, or after it a tangent. Each is an [`Inner`](Real::Inner).
    #[doc(hidden)]
    fn place_of_part(_part: usize) -> usize {
        0
    }

    /// Its tangents, one a direction, if it has them beside its value.
    #[doc(hidden)]
    fn tangents(&self) -> &[Self::Inner] {
        &[]
    }

    /// Its tangents, to be overwritten.
    #[doc(hidden)]
    fn tangents_mut(&mut self) -> &mut [Self::Inner] {
        &mut []
    }

    /// The same as one of the derivation that the other is of.
    #[doc(hidden)]
    fn of_derivation(self, _other: Self) -> Self {
        self
    }

    /// A number that nothing is differentiated by in this mode.
    #[doc(hidden)]
    fn from_inner(value: Self::Inner) -> Self;

    /// Lends a whole value.
    #[doc(hidden)]
    fn lend<F: Family>(whole: &Self::Whole<F>) -> Self::Lent<'_, F>;

    /// The same for a shorter time, which the compiler cannot see for itself.
    #[doc(hidden)]
    fn shorten<'s, 'l: 's, F: Family + 's + 'l>(lent: Self::Lent<'l, F>) -> Self::Lent<'s, F>;

    /// Lends a constant.
    #[doc(hidden)]
    fn lend_constant<F: Family>(value: &F::Of<Self::Inner>) -> Self::Lent<'_, F>;

    /// A copy of what is lent.
    #[doc(hidden)]
    fn hold<F: Family>(lent: Self::Lent<'_, F>) -> Self::Whole<F>;

    /// A whole constant.
    #[doc(hidden)]
    fn constant_whole<F: Family>(value: F::Of<Self::Inner>) -> Self::Whole<F>;

    /// The value of what is lent.
    #[doc(hidden)]
    fn value_of<'a, F: Family + 'a>(lent: Self::Lent<'a, F>) -> &'a F::Of<Self::Inner>;

    /// Offers the value of what is lent to a tape.
    #[doc(hidden)]
    fn keep<'a, F: Family + 'a>(lent: Self::Lent<'a, F>) -> Keep<'a, F::Of<Self::Inner>> {
        Keep::Copied(Self::value_of::<F>(lent))
    }

    /// The value of a whole, to be overwritten.
    #[doc(hidden)]
    fn value_mut<F: Family>(whole: &mut Self::Whole<F>) -> &mut F::Of<Self::Inner>;

    /// The container with each of its numbers apart.
    #[doc(hidden)]
    fn entries<F: Family>(lent: Self::Lent<'_, F>) -> F::Of<Self>;

    /// The container with each of its numbers apart, and replaced by `f` of it.
    #[doc(hidden)]
    fn map_entries<F: Family, S: Real>(
        lent: Self::Lent<'_, F>,
        f: &mut impl FnMut(Self) -> S,
    ) -> F::Of<S>;

    /// Calls `f` with each of the numbers.
    #[doc(hidden)]
    fn for_each_entry<F: Family>(lent: Self::Lent<'_, F>, f: &mut impl FnMut(Self)) {
        Self::entries::<F>(lent).for_each_real(f);
    }

    /// Calls `f` with a reference to each of the numbers.
    #[doc(hidden)]
    fn update_entries<F: Family>(whole: &mut Self::Whole<F>, f: &mut impl FnMut(&mut Self)) {
        let mut entries = Self::entries::<F>(Self::lend::<F>(whole));
        entries.update_reals(f);
        *whole = Self::gathered::<F>(entries);
    }

    /// One piece out of an argument whose numbers are apart.
    #[doc(hidden)]
    fn gather<Form: Gathered>(given: &Form::Given<'_, Self>) -> Self::Whole<Form::Family>;

    /// One piece out of numbers that are apart.
    #[doc(hidden)]
    fn gathered<F: Family>(entries: F::Of<Self>) -> Self::Whole<F> {
        Self::gather::<Reference<F>>(&&entries)
    }

    /// A part, whose numbers start at `offset` and which `take` takes out of the value.
    #[doc(hidden)]
    fn part<F: Family, G: Family>(
        lent: Self::Lent<'_, F>,
        offset: usize,
        take: impl Fn(&F::Of<Self::Inner>) -> G::Of<Self::Inner>,
    ) -> Self::Whole<G>;

    /// Calls a primitive on whole values.
    #[doc(hidden)]
    fn apply_whole<P: Primitive>(
        arguments: Wholes<'_, P, Self>,
    ) -> Result<Self::Whole<P::Output>, P::Error>;

    /// Calls a function of numbers that is known when the program runs.
    #[doc(hidden)]
    fn call<F: Called>(function: F, arguments: &[Self]) -> Result<Self, F::Error>;

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
        (0..steps).try_fold(x.clone(), |x, k| step(k, &x, parameters))
    }
}

/// A plain number as one of any scalar: what stands for a literal in generic code.
///
/// ```
/// use difrules_core::{Real, gradient, lit};
///
/// fn energy<T: Real>(x: T) -> T {
///     lit::<T>(0.5) * x * x
/// }
///
/// assert_eq!(gradient(|x| energy(*x), &3.0_f64), 3.0);
/// ```
#[inline]
pub fn lit<T: Scalar>(number: f64) -> T {
    nalgebra::convert(number)
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

/// A plain number, in no derivative mode.
// What is no scalar at all is said to lack this.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a scalar that a primitive can work on",
    note = "scalars are f32, f64, `Dual` and `Var` of a real scalar, and `Complex` of any of these",
    note = "a structure made of them derives `difrules_core::Differentiable`; a function that can fail writes its `Result<Y, Error>` out"
)]
pub trait Base: Real {}

// One implementation for all of them: so a point of bare literals is known to be real before it is known to be
// `f64`, and the closure of a transform can call methods on it.
#[diagnostic::do_not_recommend]
impl<R: Base> Scalar for R {
    type Real = R;
    type Kind = f64;

    #[inline]
    fn try_real(self) -> Option<R> {
        Some(self)
    }

    #[inline]
    fn map_parts<S: Real>(self, f: &mut impl FnMut(R) -> S) -> S {
        f(self)
    }

    #[inline]
    fn is_constant_zero(&self) -> bool {
        self.is_nothing()
    }

    #[inline]
    fn is_constant_one(&self) -> bool {
        *self == nalgebra::one()
    }

    #[inline]
    fn along(self, moving: R) -> R {
        self * moving
    }

    #[inline]
    fn parts_mut(&mut self) -> &mut [R] {
        std::slice::from_mut(self)
    }

    #[inline]
    fn from_parts_mut(parts: &mut [R]) -> &mut [R] {
        parts
    }

    #[inline]
    fn from_parts(parts: &[R]) -> &[R] {
        parts
    }

    #[inline]
    fn parts_of(numbers: &[R]) -> &[R] {
        numbers
    }
}

macro_rules! base {
    ($($real:ident),*) => {$(
        impl Number for $real {
            const ORDER: u8 = 1;
            const SINGLE: bool = size_of::<$real>() == 4;

            #[inline]
            fn plain(self) -> f64 {
                f64::from(self)
            }

            #[inline]
            fn still() -> Self {
                -0.0
            }

            #[inline]
            fn is_still(&self) -> bool {
                // By parts for which there are vector instructions.
                (*self == 0.0) & self.is_sign_negative()
            }

            #[inline]
            fn moved(self) -> Self {
                self + 0.0
            }

            #[inline]
            fn is_bounded(&self) -> bool {
                <$real>::is_finite(*self)
            }

            #[inline]
            fn is_nothing(&self) -> bool {
                *self == 0.0
            }

            #[inline]
            fn is_same(self, other: Self) -> bool {
                self.to_bits() == other.to_bits() || self.is_nan() && other.is_nan()
            }

            #[inline]
            fn has_digits_of(self, other: Self) -> bool {
                self.is_same(other)
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
                    let tapes = tape::new_tapes(|| TAPES.set(None));
                    TAPES.set(Some(tapes));
                    tapes
                })
            }
        }

        impl Base for $real {}

        impl Real for $real {
            const BASE: bool = true;
            const PARTS: bool = true;

            #[inline]
            fn at_zero(self) -> Self {
                0.0
            }

            fn call<F: Called>(function: F, arguments: &[Self]) -> Result<Self, F::Error> {
                function.call(stringify!($real), arguments)
            }

            #[inline]
            fn apply<P: Primitive>(arguments: Given<'_, P, Self>) -> P::Return<Self> {
                P::primal::<$real>(arguments)
            }

            type Inner = $real;
            type Whole<F: Family> = F::Of<$real>;
            type Lent<'a, F: Family> = &'a F::Of<$real>;

            #[inline]
            fn inner(self) -> $real {
                self
            }

            #[inline]
            fn from_inner(value: $real) -> $real {
                value
            }

            #[inline]
            fn lend<F: Family>(whole: &F::Of<$real>) -> &F::Of<$real> {
                whole
            }

            #[inline]
            fn shorten<'s, 'l: 's, F: Family + 's + 'l>(lent: &'l F::Of<$real>) -> &'s F::Of<$real> {
                lent
            }

            #[inline]
            fn lend_constant<F: Family>(value: &F::Of<$real>) -> &F::Of<$real> {
                value
            }

            #[inline]
            fn hold<F: Family>(lent: &F::Of<$real>) -> F::Of<$real> {
                lent.copied()
            }

            #[inline]
            fn constant_whole<F: Family>(value: F::Of<$real>) -> F::Of<$real> {
                value
            }

            #[inline]
            fn value_of<'a, F: Family + 'a>(lent: &'a F::Of<$real>) -> &'a F::Of<$real> {
                lent
            }

            #[inline]
            fn value_mut<F: Family>(whole: &mut F::Of<$real>) -> &mut F::Of<$real> {
                whole
            }

            #[inline]
            fn entries<F: Family>(lent: &F::Of<$real>) -> F::Of<$real> {
                lent.copied()
            }

            #[inline]
            fn map_entries<F: Family, S: Real>(
                lent: &F::Of<$real>,
                f: &mut impl FnMut($real) -> S,
            ) -> F::Of<S> {
                lent.map_reals(f)
            }

            #[inline]
            fn for_each_entry<F: Family>(lent: &F::Of<$real>, f: &mut impl FnMut($real)) {
                lent.for_each_real(f);
            }

            #[inline]
            fn update_entries<F: Family>(whole: &mut F::Of<$real>, f: &mut impl FnMut(&mut $real)) {
                whole.update_reals(f);
            }

            #[inline]
            fn gather<Form: Gathered>(
                given: &Form::Given<'_, $real>,
            ) -> <Form::Family as Family>::Of<$real> {
                Form::own_container::<$real, $real>(given, &mut |x| x)
            }

            #[inline]
            fn gathered<F: Family>(entries: F::Of<$real>) -> F::Of<$real> {
                entries
            }

            #[inline]
            fn part<F: Family, G: Family>(
                lent: &F::Of<$real>,
                _: usize,
                take: impl Fn(&F::Of<$real>) -> G::Of<$real>,
            ) -> G::Of<$real> {
                take(lent)
            }

            #[inline]
            fn apply_whole<P: Primitive>(
                mut arguments: Wholes<'_, P, Self>,
            ) -> Result<Output<P, $real>, P::Error> {
                P::into_result::<$real>(P::primal::<$real>(
                    P::Arguments::give::<$real>(&mut arguments),
                ))
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
    fn is_constant_zero(&self) -> bool {
        self.re.is_constant_zero() && self.im.is_constant_zero()
    }

    #[inline]
    fn is_constant_one(&self) -> bool {
        self.re.is_constant_one() && self.im.is_constant_zero()
    }

    #[inline]
    fn along(self, moving: Self) -> Self {
        let product = self * moving;
        let bounded = product.re.is_bounded() & product.im.is_bounded();
        if bounded { product } else { along_by_parts(self, moving) }
    }

    #[inline]
    fn parts_mut(&mut self) -> &mut [R] {
        crate::cast::parts_of_complex(self)
    }

    #[inline]
    fn from_parts_mut(parts: &mut [R]) -> &mut [Complex<R>] {
        crate::cast::complex_from_parts(parts)
    }

    #[inline]
    fn from_parts(parts: &[R]) -> &[Complex<R>] {
        crate::cast::complex_of_parts(parts)
    }

    #[inline]
    fn parts_of(numbers: &[Complex<R>]) -> &[R] {
        crate::cast::parts_of_complexes(numbers)
    }
}

/// The product of two complex numbers where a part of it is not finite.
#[cold]
fn along_by_parts<R: Real>(slope: Complex<R>, moving: Complex<R>) -> Complex<R> {
    let on_axis = |z: Complex<R>| z.re.is_constant_zero() != z.im.is_constant_zero();
    let (slope_on_axis, moving_on_axis) = (on_axis(slope), on_axis(moving));
    let times = |a: R, b: R| {
        let nothing = slope_on_axis && a.is_constant_zero() && !b.to_f64().is_nan()
            || moving_on_axis && b.is_constant_zero() && !a.to_f64().is_nan();
        if nothing { R::zero() } else { a * b }
    };
    let by_parts = |slope: Complex<R>, moving: Complex<R>| {
        Complex::new(
            times(slope.re, moving.re) - times(slope.im, moving.im),
            times(slope.re, moving.im) + times(slope.im, moving.re),
        )
    };
    let direct = by_parts(slope, moving);
    if ![slope.re, slope.im, moving.re, moving.im].iter().all(R::is_bounded) {
        return direct;
    }
    // Only the products overflow, and their sum must not be NaN for it.
    let size = |z: Complex<R>| -> R {
        let size = z.re.to_f64().abs().max(z.im.to_f64().abs());
        if size == 0.0 { R::one() } else { convert(size) }
    };
    let (of_slope, of_moving) = (size(slope), size(moving));
    let scaled = by_parts(slope.unscale(of_slope), moving.unscale(of_moving));
    let scaled = scaled.scale(of_slope).scale(of_moving);
    let part = |direct: R, scaled: R| {
        if direct.is_bounded() || direct.to_f64().is_infinite() { direct } else { scaled }
    };
    Complex::new(part(direct.re, scaled.re), part(direct.im, scaled.im))
}
