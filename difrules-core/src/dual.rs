//! Forward mode.

use std::cell::RefCell;

use crate::field::real_field;
use crate::passing::Arguments;
use crate::primitive::{Given, Inputs, Primitive};
use crate::registry::Record;
use crate::scalar::{Over, Real};
use crate::symbolic;
use crate::tape::{self, Tapes};
use crate::value::Differentiable;

/// A number with its derivatives in `N` directions.
///
/// `Dual<T, N>` is a [`Real`] and implements nalgebra's `RealField`, so nalgebra's generic
/// algorithms run on it; it nests with itself and with [`Var`](crate::Var). Comparisons look at
/// the value alone; `is_zero` and `is_one` hold only where all tangents vanish too, so that no
/// shortcut of an algorithm loses a derivative. Where an algorithm of nalgebra guards a division by
/// `is_zero` (a zero pivot, a zero column), a zero that varies therefore gives NaN where a plain zero
/// takes the shortcut; the primitives of `difrules-linalg` have their own rules there.
///
/// ```
/// use difrules_core::Dual;
/// use nalgebra::ComplexField;
///
/// let x = Dual::new(2.0, [1.0]);
/// let y = x.sin() * x;
/// assert_eq!(y.value, 2.0_f64.sin() * 2.0);
/// assert_eq!(y.tangents, [2.0_f64.cos() * 2.0 + 2.0_f64.sin()]);
/// ```
#[derive(Clone, Copy)]
pub struct Dual<T, const N: usize = 1> {
    /// Its value.
    pub value: T,
    /// Its derivative in each direction.
    pub tangents: [T; N],
}

impl<T: Real, const N: usize> Dual<T, N> {
    /// A number with these tangents.
    #[inline]
    pub fn new(value: T, tangents: [T; N]) -> Self {
        Self { value, tangents }
    }

    /// A number that does not change in any direction.
    #[inline]
    pub fn constant(value: T) -> Self {
        Self { value, tangents: [T::zero(); N] }
    }

    #[inline]
    fn value(self) -> T {
        self.value
    }

    #[inline]
    fn compare(&self, other: &Self) -> Option<std::cmp::Ordering> {
        self.value.partial_cmp(&other.value)
    }

    #[inline]
    fn equal(&self, other: &Self) -> bool {
        self.value == other.value
    }

    #[inline]
    fn decide(&self, decide: fn(&T) -> bool) -> bool {
        decide(&self.value)
    }

    fn carries_nothing(&self) -> bool {
        self.tangents.iter().all(|tangent| tangent.is_zero())
    }

    #[inline]
    fn with_tangents(value: T, mut tangent: impl FnMut(usize) -> T) -> Self {
        Self { value, tangents: std::array::from_fn(&mut tangent) }
    }
}

/// A partial derivative times a tangent. Zero is strong: it contributes nothing, whatever the
/// partial.
#[inline]
fn chain<T: Real>(partial: T, tangent: T) -> T {
    if tangent.is_zero() { T::zero() } else { partial * tangent }
}

impl<T: Real, const N: usize> std::ops::Add for Dual<T, N> {
    type Output = Self;
    #[inline]
    fn add(self, other: Self) -> Self {
        Self::with_tangents(self.value + other.value, |i| self.tangents[i] + other.tangents[i])
    }
}

impl<T: Real, const N: usize> std::ops::Sub for Dual<T, N> {
    type Output = Self;
    #[inline]
    fn sub(self, other: Self) -> Self {
        Self::with_tangents(self.value - other.value, |i| self.tangents[i] - other.tangents[i])
    }
}

impl<T: Real, const N: usize> std::ops::Mul for Dual<T, N> {
    type Output = Self;
    #[allow(clippy::suspicious_arithmetic_impl)] // The product rule is a sum.
    #[inline]
    fn mul(self, other: Self) -> Self {
        Self::with_tangents(self.value * other.value, |i| {
            chain(other.value, self.tangents[i]) + chain(self.value, other.tangents[i])
        })
    }
}

impl<T: Real, const N: usize> std::ops::Div for Dual<T, N> {
    type Output = Self;
    #[allow(clippy::suspicious_arithmetic_impl)] // The quotient rule is a difference.
    #[inline]
    fn div(self, other: Self) -> Self {
        let quotient = self.value / other.value;
        let inverse = T::one() / other.value;
        Self::with_tangents(quotient, |i| {
            chain(inverse, self.tangents[i]) - chain(quotient * inverse, other.tangents[i])
        })
    }
}

impl<T: Real, const N: usize> std::ops::Neg for Dual<T, N> {
    type Output = Self;
    #[inline]
    fn neg(self) -> Self {
        Self::with_tangents(-self.value, |i| -self.tangents[i])
    }
}

real_field!([T: Real, const N: usize] Dual<T, N>);

impl<T: Real, const N: usize> Over<T> for Dual<T, N> {}

impl<T: Real, const N: usize> Real for Dual<T, N> {
    const BASE: bool = false;

    fn to_f64(self) -> f64 {
        self.value.to_f64()
    }

    fn tapes() -> &'static RefCell<Tapes<Self>> {
        tape::tapes_by_type()
    }

    fn call_record(
        record: &'static Record,
        arguments: &[Self],
    ) -> Result<Self, symbolic::SymbolicError> {
        let values: Vec<_> = arguments.iter().map(|x| x.value).collect();
        let value = T::call_record(record, &values)?;
        let mut tangents = [T::zero(); N];
        for (i, x) in arguments.iter().enumerate().filter(|(_, x)| !x.carries_nothing()) {
            let partial = symbolic::partial(record, i, &values, value)?;
            for (sum, tangent) in tangents.iter_mut().zip(x.tangents) {
                *sum += chain(partial, tangent);
            }
        }
        Ok(Self { value, tangents })
    }

    fn is_same(self, other: Self) -> bool {
        let tangents = self.tangents.into_iter().zip(other.tangents);
        self.value.is_same(other.value) && tangents.fold(true, |same, (a, b)| same && a.is_same(b))
    }

    #[inline]
    fn apply<P: Primitive>(mut arguments: Given<'_, P, Self>) -> P::Return<Self> {
        let evaluation =
            match P::evaluate::<T>(P::Arguments::own(&arguments, &mut |_, x: Self| x.value)) {
                Ok(evaluation) => evaluation,
                Err(error) => return P::from_result(Err(error)),
            };
        let mut output = evaluation.output.map_reals(&mut Self::constant);
        if P::SCALAR {
            let mut tangents = [T::zero(); N];
            P::Arguments::visit(&arguments, &mut |argument, x: Self| {
                if !x.carries_nothing() {
                    let partial = P::partial(&evaluation, argument);
                    for (sum, tangent) in tangents.iter_mut().zip(x.tangents) {
                        *sum += chain(partial, tangent);
                    }
                }
            });
            let dual = |value| Self { value, tangents };
            return P::from_result(Ok(evaluation.output.map_reals(&mut { dual })));
        }
        let tangents: [Option<Inputs<P, T>>; N] = std::array::from_fn(|i| {
            let mut active = false;
            P::Arguments::visit(&arguments, &mut |_, x: Self| active |= !x.tangents[i].is_zero());
            active.then(|| P::Arguments::own(&arguments, &mut |_, x: Self| x.tangents[i]))
        });
        P::Arguments::write_back(&mut arguments, &evaluation.inputs, &mut |x, value| {
            *x = Self::constant(value);
        });
        for (i, tangents) in tangents.into_iter().enumerate() {
            let Some(mut tangents) = tangents else { continue };
            let tangent = P::forward(&evaluation, &mut tangents);
            output.zip_reals(&tangent, &mut |y: &mut Self, tangent| y.tangents[i] = tangent);
            P::Arguments::write_back(&mut arguments, &tangents, &mut |x: &mut Self, tangent| {
                x.tangents[i] = tangent;
            });
        }
        P::from_result(Ok(output))
    }
}
