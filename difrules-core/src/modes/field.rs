//! What makes a mode's scalar a number to nalgebra: everything that follows from the value, the
//! arithmetic operators and the primitives of [`math`](crate::math).
//!
//! Whatever a mode is asked, it says what the plain number says, so that an algorithm takes the same
//! branches and comes to the same value. Where an equality decides about a number that varies, the
//! algorithm may leave out what varies: [`diagnosed`](crate::diagnosed) names such a place.

/// Implements `RealField` and all it asks for. Expects `value`, `constant`, `carries_nothing` and
/// the five arithmetic operators.
macro_rules! real_field {
    ([$($generics:tt)*] $Self:ty) => {
        const _: () = {
            use std::fmt;
            use std::ops::{AddAssign, DivAssign, MulAssign, Rem, RemAssign, SubAssign};

            use approx::{AbsDiffEq, RelativeEq, UlpsEq};
            use nalgebra::{ComplexField, Field, RealField, SimdValue};
            use num_traits::{FromPrimitive, Num, One, Signed, Zero};
            use simba::scalar::SubsetOf;

            use crate::{cardinal, math};
            use crate::contract::scalar::Scalar;

            /// Prints the value.
            impl<$($generics)*> fmt::Display for $Self {
                fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    fmt::Display::fmt(&self.value, f)
                }
            }

            /// Compares the values.
            impl<$($generics)*> PartialEq for $Self {
                #[inline]
                fn eq(&self, other: &Self) -> bool {
                    let equal = self.equal(other);
                    if equal && !(self.carries_nothing() && other.carries_nothing()) {
                        crate::diagnostic::decided("==");
                    }
                    equal
                }
            }

            /// Compares the values.
            impl<$($generics)*> PartialOrd for $Self {
                #[inline]
                fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
                    self.compare(other)
                }
            }

            impl<$($generics)*> Rem for $Self {
                type Output = Self;
                #[inline]
                fn rem(self, other: Self) -> Self {
                    math::rem(self, other)
                }
            }

            impl<$($generics)*> AddAssign for $Self {
                #[inline]
                fn add_assign(&mut self, other: Self) {
                    *self = *self + other;
                }
            }

            impl<$($generics)*> SubAssign for $Self {
                #[inline]
                fn sub_assign(&mut self, other: Self) {
                    *self = *self - other;
                }
            }

            impl<$($generics)*> MulAssign for $Self {
                #[inline]
                fn mul_assign(&mut self, other: Self) {
                    *self = *self * other;
                }
            }

            impl<$($generics)*> DivAssign for $Self {
                #[inline]
                fn div_assign(&mut self, other: Self) {
                    *self = *self / other;
                }
            }

            impl<$($generics)*> RemAssign for $Self {
                #[inline]
                fn rem_assign(&mut self, other: Self) {
                    *self = *self % other;
                }
            }

            impl<$($generics)*> std::iter::Sum for $Self {
                fn sum<I: Iterator<Item = Self>>(numbers: I) -> Self {
                    // A sum of plain numbers starts at -0, so that one of zeros keeps their sign.
                    let nothing = Self::constant(std::iter::empty::<T>().sum());
                    numbers.fold(nothing, |sum, x| sum + x)
                }
            }

            impl<$($generics)*> std::iter::Product for $Self {
                fn product<I: Iterator<Item = Self>>(numbers: I) -> Self {
                    numbers.fold(Self::one(), |product, x| product * x)
                }
            }

            impl<'a, $($generics)*> std::iter::Sum<&'a Self> for $Self {
                fn sum<I: Iterator<Item = &'a Self>>(numbers: I) -> Self {
                    numbers.copied().sum()
                }
            }

            impl<'a, $($generics)*> std::iter::Product<&'a Self> for $Self {
                fn product<I: Iterator<Item = &'a Self>>(numbers: I) -> Self {
                    numbers.copied().product()
                }
            }

            impl<$($generics)*> Zero for $Self {
                #[inline]
                fn zero() -> Self {
                    Self::constant(T::zero())
                }

                #[inline]
                fn is_zero(&self) -> bool {
                    let zero = self.decide(T::is_zero);
                    if zero && !self.carries_nothing() {
                        crate::diagnostic::decided("is_zero");
                    }
                    zero
                }
            }

            impl<$($generics)*> One for $Self {
                #[inline]
                fn one() -> Self {
                    Self::constant(T::one())
                }

                #[inline]
                fn is_one(&self) -> bool {
                    let one = self.decide(|x| x.is_one());
                    if one && !self.carries_nothing() {
                        crate::diagnostic::decided("is_one");
                    }
                    one
                }
            }

            impl<$($generics)*> Num for $Self {
                type FromStrRadixErr = T::FromStrRadixErr;

                fn from_str_radix(text: &str, radix: u32) -> Result<Self, Self::FromStrRadixErr> {
                    T::from_str_radix(text, radix).map(Self::constant)
                }
            }

            impl<$($generics)*> FromPrimitive for $Self {
                fn from_i64(n: i64) -> Option<Self> {
                    T::from_i64(n).map(Self::constant)
                }

                fn from_u64(n: u64) -> Option<Self> {
                    T::from_u64(n).map(Self::constant)
                }

                fn from_i128(n: i128) -> Option<Self> {
                    T::from_i128(n).map(Self::constant)
                }

                fn from_u128(n: u128) -> Option<Self> {
                    T::from_u128(n).map(Self::constant)
                }

                fn from_f32(x: f32) -> Option<Self> {
                    T::from_f32(x).map(Self::constant)
                }

                fn from_f64(x: f64) -> Option<Self> {
                    T::from_f64(x).map(Self::constant)
                }
            }

            impl<$($generics)*> Signed for $Self {
                fn abs(&self) -> Self {
                    math::abs(*self)
                }

                fn abs_sub(&self, other: &Self) -> Self {
                    if *self <= *other { Self::zero() } else { *self - *other }
                }

                fn signum(&self) -> Self {
                    math::signum(*self)
                }

                fn is_positive(&self) -> bool {
                    self.decide(T::is_positive)
                }

                fn is_negative(&self) -> bool {
                    self.decide(T::is_negative)
                }
            }

            /// Compares the values.
            impl<$($generics)*> AbsDiffEq for $Self {
                type Epsilon = Self;

                fn default_epsilon() -> Self {
                    Self::constant(T::default_epsilon())
                }

                fn abs_diff_eq(&self, other: &Self, epsilon: Self) -> bool {
                    self.value().abs_diff_eq(&other.value(), epsilon.value())
                }
            }

            /// Compares the values.
            impl<$($generics)*> RelativeEq for $Self {
                fn default_max_relative() -> Self {
                    Self::constant(T::default_max_relative())
                }

                fn relative_eq(&self, other: &Self, epsilon: Self, max_relative: Self) -> bool {
                    self.value().relative_eq(&other.value(), epsilon.value(), max_relative.value())
                }
            }

            /// Compares the values.
            impl<$($generics)*> UlpsEq for $Self {
                fn default_max_ulps() -> u32 {
                    T::default_max_ulps()
                }

                fn ulps_eq(&self, other: &Self, epsilon: Self, max_ulps: u32) -> bool {
                    self.value().ulps_eq(&other.value(), epsilon.value(), max_ulps)
                }
            }

            impl<$($generics)*> SimdValue for $Self {
                const LANES: usize = 1;
                type Element = Self;
                type SimdBool = bool;

                #[inline]
                fn splat(x: Self) -> Self {
                    x
                }

                #[inline]
                fn extract(&self, _: usize) -> Self {
                    *self
                }

                #[inline]
                #[allow(unsafe_code)] // The trait asks for an unsafe function; this one is safe.
                unsafe fn extract_unchecked(&self, _: usize) -> Self {
                    *self
                }

                #[inline]
                fn replace(&mut self, _: usize, x: Self) {
                    *self = x;
                }

                #[inline]
                #[allow(unsafe_code)] // The trait asks for an unsafe function; this one is safe.
                unsafe fn replace_unchecked(&mut self, _: usize, x: Self) {
                    *self = x;
                }

                #[inline]
                fn select(self, condition: bool, other: Self) -> Self {
                    if condition { self } else { other }
                }
            }

            impl<$($generics)*> Field for $Self {}

            impl<$($generics)*> SubsetOf<$Self> for $Self {
                #[inline]
                fn to_superset(&self) -> Self {
                    *self
                }

                #[inline]
                fn from_superset_unchecked(x: &Self) -> Self {
                    *x
                }

                #[inline]
                fn is_in_subset(_: &Self) -> bool {
                    true
                }
            }

            /// A plain number is a constant; what becomes a plain number leaves its derivatives behind.
            impl<$($generics)*> SubsetOf<$Self> for f64 {
                #[inline]
                fn to_superset(&self) -> $Self {
                    <$Self>::constant(nalgebra::convert(*self))
                }

                #[inline]
                fn from_superset_unchecked(x: &$Self) -> Self {
                    nalgebra::convert_unchecked(x.value())
                }

                #[inline]
                fn is_in_subset(x: &$Self) -> bool {
                    nalgebra::is_convertible::<T, f64>(&x.value)
                }
            }

            /// A plain number is a constant; what becomes a plain number leaves its derivatives behind.
            impl<$($generics)*> SubsetOf<$Self> for f32 {
                #[inline]
                fn to_superset(&self) -> $Self {
                    <$Self>::constant(nalgebra::convert(*self))
                }

                #[inline]
                fn from_superset_unchecked(x: &$Self) -> Self {
                    nalgebra::convert_unchecked(x.value())
                }

                #[inline]
                fn is_in_subset(x: &$Self) -> bool {
                    nalgebra::is_convertible::<T, f32>(&x.value)
                }
            }

            impl<$($generics)*> Scalar for $Self {
                type Real = Self;
                type Kind = f64;

                #[inline]
                fn try_real(self) -> Option<Self> {
                    Some(self)
                }

                #[inline]
                fn map_parts<S: Real>(self, f: &mut impl FnMut(Self) -> S) -> S {
                    f(self)
                }

                #[inline]
                fn is_constant_zero(&self) -> bool {
                    crate::tape::Number::is_nothing(self)
                }

                #[inline]
                fn is_constant_one(&self) -> bool {
                    self.value.is_constant_one() && self.carries_nothing()
                }

                #[inline]
                fn along(self, moving: Self) -> Self {
                    self * moving
                }

                #[inline]
                fn parts_mut(&mut self) -> &mut [Self] {
                    std::slice::from_mut(self)
                }

                #[inline]
                fn from_parts_mut(parts: &mut [Self]) -> &mut [Self] {
                    parts
                }

                #[inline]
                fn from_parts(parts: &[Self]) -> &[Self] {
                    parts
                }

                #[inline]
                fn parts_of(numbers: &[Self]) -> &[Self] {
                    numbers
                }
            }

            impl<$($generics)*> ComplexField for $Self {
                type RealField = Self;

                #[inline]
                fn from_real(re: Self) -> Self {
                    re
                }

                #[inline]
                fn real(self) -> Self {
                    self
                }

                #[inline]
                fn imaginary(self) -> Self {
                    Self::zero()
                }

                fn modulus(self) -> Self {
                    math::abs(self)
                }

                #[inline]
                fn modulus_squared(self) -> Self {
                    self * self
                }

                fn argument(self) -> Self {
                    if self >= Self::zero() { Self::zero() } else { Self::pi() }
                }

                fn norm1(self) -> Self {
                    math::abs(self)
                }

                #[inline]
                fn scale(self, factor: Self) -> Self {
                    self * factor
                }

                #[inline]
                fn unscale(self, factor: Self) -> Self {
                    self / factor
                }

                fn to_exp(self) -> (Self, Self) {
                    // As for f64: the sign is a constant.
                    if self >= Self::zero() { (self, Self::one()) } else { (-self, -Self::one()) }
                }

                fn signum(self) -> Self {
                    math::signum(self)
                }

                fn floor(self) -> Self {
                    math::floor(self)
                }

                fn ceil(self) -> Self {
                    math::ceil(self)
                }

                fn round(self) -> Self {
                    math::round(self)
                }

                fn trunc(self) -> Self {
                    math::trunc(self)
                }

                fn fract(self) -> Self {
                    math::fract(self)
                }

                fn mul_add(self, a: Self, b: Self) -> Self {
                    math::mul_add(self, a, b)
                }

                fn abs(self) -> Self {
                    math::abs(self)
                }

                fn hypot(self, other: Self) -> Self {
                    math::hypot(self, other)
                }

                fn recip(self) -> Self {
                    Self::one() / self
                }

                #[inline]
                fn conjugate(self) -> Self {
                    self
                }

                fn sin(self) -> Self {
                    math::sin(self)
                }

                fn cos(self) -> Self {
                    math::cos(self)
                }

                fn sin_cos(self) -> (Self, Self) {
                    math::sin_cos(self)
                }

                fn tan(self) -> Self {
                    math::tan(self)
                }

                fn asin(self) -> Self {
                    math::asin(self)
                }

                fn acos(self) -> Self {
                    math::acos(self)
                }

                fn atan(self) -> Self {
                    math::atan(self)
                }

                fn sinh(self) -> Self {
                    math::sinh(self)
                }

                fn cosh(self) -> Self {
                    math::cosh(self)
                }

                fn tanh(self) -> Self {
                    math::tanh(self)
                }

                fn asinh(self) -> Self {
                    math::asinh(self)
                }

                fn acosh(self) -> Self {
                    math::acosh(self)
                }

                fn atanh(self) -> Self {
                    math::atanh(self)
                }

                fn sinc(self) -> Self {
                    cardinal::sinc(self)
                }

                fn sinhc(self) -> Self {
                    cardinal::sinhc(self)
                }

                fn cosc(self) -> Self {
                    cardinal::cosc(self)
                }

                fn coshc(self) -> Self {
                    cardinal::coshc(self)
                }

                fn log(self, base: Self) -> Self {
                    math::log_base(base, self)
                }

                fn log2(self) -> Self {
                    math::log2(self)
                }

                fn log10(self) -> Self {
                    math::log10(self)
                }

                fn ln(self) -> Self {
                    math::ln(self)
                }

                fn ln_1p(self) -> Self {
                    math::ln_1p(self)
                }

                fn sqrt(self) -> Self {
                    math::sqrt(self)
                }

                fn exp(self) -> Self {
                    math::exp(self)
                }

                fn exp2(self) -> Self {
                    math::exp2(self)
                }

                fn exp_m1(self) -> Self {
                    math::exp_m1(self)
                }

                fn powi(self, n: i32) -> Self {
                    // The same number, by a quotient, whose slope has its factors.
                    if n == -1 { self.recip() } else { math::powi(self, n) }
                }

                fn powf(self, exponent: Self) -> Self {
                    math::powf(self, exponent)
                }

                fn powc(self, exponent: Self) -> Self {
                    math::powf(self, exponent)
                }

                fn cbrt(self) -> Self {
                    math::cbrt(self)
                }

                fn is_finite(&self) -> bool {
                    self.decide(|x| x.is_finite())
                }

                fn try_sqrt(self) -> Option<Self> {
                    (self >= Self::zero()).then(|| math::sqrt(self))
                }
            }

            impl<$($generics)*> RealField for $Self {
                fn is_sign_positive(&self) -> bool {
                    self.decide(|x| x.is_sign_positive())
                }

                fn is_sign_negative(&self) -> bool {
                    self.decide(|x| x.is_sign_negative())
                }

                fn copysign(self, sign: Self) -> Self {
                    math::copysign(self, sign)
                }

                fn max(self, other: Self) -> Self {
                    math::max(self, other)
                }

                fn min(self, other: Self) -> Self {
                    math::min(self, other)
                }

                fn clamp(self, min: Self, max: Self) -> Self {
                    math::clamp(self, min, max)
                }

                fn atan2(self, other: Self) -> Self {
                    math::atan2(self, other)
                }

                fn min_value() -> Option<Self> {
                    T::min_value().map(Self::constant)
                }

                fn max_value() -> Option<Self> {
                    T::max_value().map(Self::constant)
                }

                real_field!(@constants pi two_pi frac_pi_2 frac_pi_3 frac_pi_4 frac_pi_6 frac_pi_8
                    frac_1_pi frac_2_pi frac_2_sqrt_pi e log2_e log10_e ln_2 ln_10);
            }
        };
    };
    (@constants $($constant:ident)*) => {$(
        #[inline]
        fn $constant() -> Self {
            Self::constant(T::$constant())
        }
    )*};
}

pub(crate) use real_field;
