//! The operators, as functions that have names.
//!
//! `x + y` in a mode is its own operation, faster than a primitive; these are for the registry, where an expression
//! finds their rules.

use nalgebra::{Complex, convert};

use super::complex;
use crate::math::recip;
use crate::tape::Number;
use crate::{Real, Scalar, primitive};

/// The number itself, as DiffRules' `+x`.
///
/// Domain: all x.
/// Edge: infinities and NaN are themselves.
///
/// ```
/// assert_eq!(difrules_core::math::pos(-2.0_f64), -2.0);
/// ```
#[primitive(partial = |_| T::one(), instances(#[cfg(feature = "f32")] f32, f64), alias("Base.+"))]
pub fn pos<T: Real>(x: T) -> T {
    x
}

/// Minus the number.
///
/// Domain: all x.
/// Edge: a zero changes its sign too.
///
/// ```
/// assert_eq!(difrules_core::math::neg(2.0_f64), -2.0);
/// ```
#[primitive(partial = |_| -T::one(), instances(#[cfg(feature = "f32")] f32, f64), alias("Base.-"))]
pub fn neg<T: Real>(x: T) -> T {
    -x
}

/// The sum.
///
/// Domain: all x and y.
/// Edge: infinities of different signs give NaN.
///
/// ```
/// assert_eq!(difrules_core::math::add(2.0_f64, 3.0), 5.0);
/// ```
#[primitive(
    partial = (|_, _| T::one(), |_, _| T::one()),
    instances(#[cfg(feature = "f32")] f32, f64),
    alias("Base.+")
)]
pub fn add<T: Real>(x: T, y: T) -> T {
    x + y
}

/// The difference x - y.
///
/// Domain: all x and y.
/// Edge: equal infinities give NaN.
///
/// ```
/// assert_eq!(difrules_core::math::sub(2.0_f64, 3.0), -1.0);
/// ```
#[primitive(
    partial = (|_, _| T::one(), |_, _| -T::one()),
    instances(#[cfg(feature = "f32")] f32, f64),
    alias("Base.-")
)]
pub fn sub<T: Real>(x: T, y: T) -> T {
    x - y
}

/// The product.
///
/// Domain: all x and y.
/// Edge: 0 times infinity is NaN. Of complex numbers it neither overflows nor underflows on the way, as their operator does,
/// and a part that is zero beside one that is not makes no NaN.
///
/// ```
/// assert_eq!(difrules_core::math::mul(2.0_f64, 3.0), 6.0);
/// ```
#[primitive(
    partial = (|_, y| y, |x, _| x),
    kernel(Complex<f64> = complex::mul, Complex<f32> = complex::mul),
    instances(
        #[cfg(feature = "f32")] f32,
        f64,
        #[cfg(all(feature = "f32", feature = "complex"))] Complex<f32>,
        #[cfg(feature = "complex")] Complex<f64>
    ),
    alias("Base.*")
)]
pub fn mul<T: Scalar>(x: T, y: T) -> T {
    x * y
}

/// The quotient x / y.
///
/// Domain: y not 0.
/// Edge: infinite at y = 0, and NaN where x is 0 too. Of complex numbers it neither overflows nor underflows on the way, as
/// their operator does.
///
/// ```
/// assert_eq!(difrules_core::math::div(6.0_f64, 3.0), 2.0);
/// ```
#[primitive(
    partial = (|_, y| recip(y), |_, y, z| -z / y),
    forward = |x, y, z, x_dot, y_dot| T::zero() + over(x_dot, y, z) + along_divisor(y_dot, [x, y, z]),
    reverse = |x, y, z, z_bar, x_bar, y_bar| {
        let at = [x, y, z].map(|number| number.conjugate());
        x_bar.add(|| over(z_bar, at[1], at[2]));
        y_bar.add(|| along_divisor(z_bar, at));
    },
    kernel(Complex<f64> = complex::div, Complex<f32> = complex::div),
    instances(
        #[cfg(feature = "f32")] f32,
        f64,
        #[cfg(all(feature = "f32", feature = "complex"))] Complex<f32>,
        #[cfg(feature = "complex")] Complex<f64>
    ),
    sample = |random| (random.normal(), random.positive()),
    alias("Base./")
)]
pub fn div<T: Scalar>(x: T, y: T) -> T {
    x / y
}

/// What moves, a tangent or a cotangent, over the divisor y of a quotient z of complex numbers.
fn over<T: Scalar>(moving: T, y: T, z: T) -> T {
    if moving.is_constant_zero() {
        return T::zero();
    }
    if is_far(y, z) {
        return div(moving, y);
    }
    crate::__private::undefined(z).unwrap_or_else(|| recip(y)).along(moving)
}

/// What moves the divisor y of a complex quotient z = x / y times -z / y: factor by factor where that, or its derivatives, may be
/// too large for a number, or too small, in the order in which the first product is nearer to one.
fn along_divisor<T: Scalar>(moving: T, [x, y, z]: [T; 3]) -> T {
    if moving.is_constant_zero() {
        return T::zero();
    }
    if !is_far(y, z) {
        let slope = || complex_slope_by_divisor(x, y, z);
        return crate::__private::undefined(z).unwrap_or_else(slope).along(moving);
    }
    // Of what is zero but moves, it is as large as the divisor in a derivation along a direction of the size of the numbers.
    let of_moving = exponent(moving).or(exponent(y)).unwrap_or(0);
    let after = |x: Option<i32>, sign: i32| (of_moving + sign * x.unwrap_or(0)).abs();
    if after(exponent(y), -1) <= after(exponent(z), 1) {
        -mul(z, div(moving, y))
    } else {
        -div(mul(z, moving), y)
    }
}

/// Whether slopes of a quotient z by the divisor y, or derivatives of these, may be too large for a number, or too small, though
/// neither of the two is.
fn is_far<T: Scalar>(y: T, z: T) -> bool {
    let order = if T::Real::BASE { 1 } else { 3 };
    let most = if <T::Real as Number>::SINGLE { 100 } else { 900 };
    let Some(of_y) = exponent(y) else { return false };
    z.is_finite() && exponent(z).unwrap_or(0).abs() + order * of_y.abs() > most
}

/// The exponent of the larger part of a number as a power of two; of zero and of what is not finite there is none.
fn exponent<T: Scalar>(x: T) -> Option<i32> {
    let size = x.real().to_f64().abs().max(x.imaginary().to_f64().abs());
    (size != 0.0 && x.is_finite()).then(|| libm::ilogb(size))
}

/// -z / y with z = x / y; of numbers that are brought near 1 where z overflows and its parts mix.
fn complex_slope_by_divisor<T: Scalar>(x: T, y: T, z: T) -> T {
    let mixes = y.real() != nalgebra::zero() && y.imaginary() != nalgebra::zero();
    let exponents = exponent(x).zip(exponent(y)).filter(|_| mixes && !z.is_finite());
    let Some((of_x, of_y)) = exponents else { return -div(z, y) };
    // By numbers near 1.
    let near = scale_by_power_of_two(y, -of_y);
    let slope = -div(div(scale_by_power_of_two(x, -of_x), near), near);
    scale_by_power_of_two(slope, of_x - 2 * of_y)
}

/// x 2^n, in steps that single precision has too.
fn scale_by_power_of_two<T: Scalar>(x: T, n: i32) -> T {
    let (mut x, mut left) = (x, n);
    while left != 0 {
        let step = left.clamp(-100, 100);
        x = x.scale(convert(f64::from(step).exp2()));
        left -= step;
    }
    x
}

/// x 2^n, exact where the result is a normal number; n is a constant.
///
/// Domain: all x.
/// Edge: infinite where it overflows; a subnormal result is rounded.
///
/// ```
/// assert_eq!(difrules_core::math::ldexp(0.75_f64, 4), 12.0);
/// ```
#[primitive(
    partial = |_, n| ldexp(T::one(), n),
    constant(n),
    instances(#[cfg(feature = "f32")] f32, f64),
    sample = |random| (random.normal(), random.size(0, 8) as i32),
    alias("Base.ldexp")
)]
pub fn ldexp<T: Real>(x: T, n: i32) -> T {
    // Powers of two that are no numbers themselves are taken in parts, the large ones first.
    let part = n.clamp(-1000, 1000);
    let rest = (n - part).clamp(-1000, 1000);
    let last = (n - part - rest).clamp(-1000, 1000);
    let power = |n: i32| 2.0_f64.powi(n);
    crate::math::at_base(x, |x| x * power(part) * power(rest) * power(last))
}

/// x a + b, rounded once.
///
/// Domain: all x, a and b.
/// Edge: NaN where the product or the sum has no value.
///
/// ```
/// assert_eq!(difrules_core::math::mul_add(3.0_f64, 4.0, 5.0), 17.0);
/// ```
#[primitive(
    partial = (|_, a, _| a, |x, _, _| x, |_, _, _| T::one()),
    symbolic = (
        |_, a, _, y| if y == y { a } else { f64::NAN },
        |x, _, _, y| if y == y { x } else { f64::NAN },
        |_, _, _, y| if y == y { 1 } else { f64::NAN }
    ),
    instances(#[cfg(feature = "f32")] f32, f64),
    alias("fma")
)]
pub fn mul_add<T: Real>(x: T, a: T, b: T) -> T {
    x.mul_add(a, b)
}

/// What is left of x when whole multiples of y are taken away, with the sign of y: x - floor(x / y) y.
///
/// Domain: y not 0.
/// Edge: at a multiple of y the derivative by y is that from the right; NaN at y = 0 and where x is infinite. The count of
/// multiples is that of the value, where x / y rounds to another one too.
///
/// ```
/// assert_eq!(difrules_core::math::modulo(-5.5_f64, 2.0), 0.5);
/// ```
#[primitive(
    partial = (
        |_, _, _| T::one(),
        |x, y, z| if z == y { T::one() } else { -((x - z) / y).round() }
    ),
    symbolic = (
        |_, _, z| if z == z { 1 } else { f64::NAN },
        |x, y, z| if z == y { 1 } else { -((x - z) / y).round() }
    ),
    instances(#[cfg(feature = "f32")] f32, f64),
    sample = |random| (random.between(2.1, 2.9), random.between(0.95, 1.0)),
    alias("Base.mod")
)]
pub fn modulo<T: Real>(x: T, y: T) -> T {
    let rest = x % y;
    // The remainder is exact; a multiple of y keeps the sign that Julia gives it.
    if rest == T::zero() {
        rest.copysign(y)
    } else if (rest < T::zero()) == (y < T::zero()) {
        rest
    } else {
        rest + y
    }
}

/// The angle in [0, 2 pi) that differs from x by whole turns.
///
/// The turn is not rounded to a float before it is taken away, however large x is.
///
/// Domain: all finite x.
/// Edge: the derivative is 1, at a jump too; NaN at the infinities.
///
/// ```
/// assert!((difrules_core::math::mod2pi(-1.0_f64) - (std::f64::consts::TAU - 1.0)).abs() < 1e-15);
/// ```
#[primitive(
    partial = |_| T::one(),
    symbolic = |_, y| if y == y { 1 } else { f64::NAN },
    instances(#[cfg(feature = "f32")] f32, f64),
    sample = |random| random.between(0.5, 5.5),
    alias("Base.mod2pi")
)]
pub fn mod2pi<T: Real>(x: T) -> T {
    crate::math::at_base(x, |x| whole_turns_off(x, Rounding::Down))
}

/// How the number of whole turns is rounded in [`rem2pi`](fn@rem2pi).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Rounding {
    /// To the nearest: the rest is in [-pi, pi].
    #[default]
    Nearest,
    /// Towards zero: the rest has the sign of the angle.
    ToZero,
    /// Down: the rest is in [0, 2 pi].
    Down,
    /// Up: the rest is in [-2 pi, 0].
    Up,
}

/// What is left of an angle when a rounded number of whole turns is taken away.
///
/// Domain: all finite x.
/// Edge: the derivative is 1, at a jump too; NaN at the infinities.
///
/// ```
/// use difrules_core::math::{Rounding, rem2pi};
///
/// assert!((rem2pi(7.0_f64, Rounding::Nearest) - (7.0 - std::f64::consts::TAU)).abs() < 1e-15);
/// ```
#[primitive(
    partial = |_, _| T::one(),
    symbolic = |_, _, y| if y == y { 1 } else { f64::NAN },
    constant(rounding),
    instances(#[cfg(feature = "f32")] f32, f64),
    sample = |random| (random.between(0.5, 2.5), Rounding::Nearest),
    alias("Base.rem2pi")
)]
pub fn rem2pi<T: Real>(x: T, rounding: Rounding) -> T {
    crate::math::at_base(x, |x| whole_turns_off(x, rounding))
}

/// The angle without whole turns. The sine and the cosine of the standard library reduce it with as many digits of pi as it
/// takes; what is in the interval already stays.
fn whole_turns_off(x: f64, rounding: Rounding) -> f64 {
    use std::f64::consts::{PI, TAU};

    let (least, most) = match rounding {
        Rounding::Nearest => (-PI, PI),
        Rounding::Down => (0.0, TAU),
        Rounding::Up => (-TAU, 0.0),
        Rounding::ToZero if x < 0.0 => (-TAU, 0.0),
        Rounding::ToZero => (0.0, TAU),
    };
    // The float below the turn is in the interval, though it is the rounded turn.
    if (least..=most).contains(&x) {
        return x;
    }
    let rest = x.sin().atan2(x.cos());
    if rest < least {
        rest + TAU
    } else if rest > most {
        rest - TAU
    } else {
        rest
    }
}

/// The square, x^2.
///
/// Domain: all x.
/// Edge: infinite at the infinities and where it overflows.
///
/// ```
/// assert_eq!(difrules_core::math::abs2(-3.0_f64), 9.0);
/// ```
#[primitive(
    partial = |x| convert::<f64, T>(2.0) * x,
    instances(#[cfg(feature = "f32")] f32, f64),
    alias("Base.abs2")
)]
pub fn abs2<T: Real>(x: T) -> T {
    x * x
}
