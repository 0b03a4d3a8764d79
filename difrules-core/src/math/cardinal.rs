//! The quotients of nalgebra's `ComplexField` that are guarded at zero, and the functions of Stumpff, which
//! their derivatives and those of rotations are made of.
//!
//! The values are nalgebra's; the derivatives of any order are right at zero and near it, where those of
//! the quotients cancel.

use nalgebra::{ComplexField, convert};

use crate::math::twofold::twofold;
use crate::math::{at_base, bound, in_double, undefined};
use crate::{Real, primitive};

crate::public_path!(crate::math::cardinal => crate::cardinal);

/// The function of Stumpff of this order: the sum of (-z)^j / (2j + k)! over j >= 0.
///
/// `c_0(x^2)` is cos(x), `c_1(x^2)` is sin(x) / x, `c_2(x^2)` is (1 - cos(x)) / x^2; for negative z they are
/// hyperbolic. All are entire, so what is even in a length is a smooth function of its square:
/// cos(|v|) is `stumpff(0, v.norm_squared())`, at v = 0 too. 2 c_k' = k c_(k+2) - c_(k+1), and far out on the side of
/// cosines (c_(k-1) - k c_k) / z.
///
/// ```
/// use difrules_core::cardinal::stumpff;
///
/// assert_eq!(stumpff(0, 0.25_f64), 0.5_f64.cos());
/// assert!((stumpff(1, 0.25_f64) - 0.5_f64.sin() / 0.5).abs() < 1e-15);
/// assert_eq!(stumpff(2, 0.0_f64), 0.5);
/// ```
#[primitive(
    partial = |k, z| in_double!(slope_of_stumpff(z; k)),
    symbolic = |k, z, y| if k > 0 && z > (k + 1) * (k + 2) { (stumpff(k - 1, z) - k * y) / (2 * z) } else {
        if k == 0 || stumpff(k + 1, z) == f64::INFINITY { -0.5 * stumpff(k + 1, z) } else {
            0.5 * (k * stumpff(k + 2, z) - stumpff(k + 1, z))
        }
    },
    constant(k),
    instances(f64, #[cfg(feature = "f32")] f32),
    sample = |random| (random.size(0, 3) as u32, random.between(-4.0, 12.0))
)]
pub fn stumpff<T: Real>(k: u32, z: T) -> T {
    at_base(z, |z| by_order(k, z))
}

/// 2 c_k' is k c_(k+2) - c_(k+1), which cancels far out where these are waves, and (c_(k-1) - k c_k) / z, which cancels near 0.
/// For negative z the terms of c_(k+1), |z|^j / (2j + k + 1)!, are (2j + k + 2) / k times those of k c_(k+2): nothing cancels,
/// and no number on the way is larger than k + 2 times the result.
fn slope_of_stumpff<T: Real>(z: T, k: u32) -> T {
    let order = f64::from(k);
    if k > 0 && z.to_f64() > (order + 1.0) * (order + 2.0) {
        return (stumpff(k - 1, z) - stumpff(k, z) * convert(order)) / (z * convert(2.0));
    }
    let second = stumpff(k + 1, z);
    if k == 0 {
        return second * convert(-0.5);
    }
    // Where both are infinite the second is the larger one; the derivatives are those of the difference.
    let first = stumpff(k + 2, z) * convert(order);
    let first = if second.to_f64() == f64::INFINITY { first.at_zero() } else { first };
    (first - second) * convert(0.5)
}

/// By the series where its terms decrease from the first on, else from the order below the last but one.
pub(crate) fn by_order(k: u32, z: f64) -> f64 {
    let order = f64::from(k);
    if k >= 2 && z.abs() <= (order + 1.0) * (order + 2.0) || k == 1 && z.abs() < 1e-3 {
        let mut term = (1..=k).fold(1.0, |term, i| term / f64::from(i));
        let (mut sum, mut i) = (term, order);
        while term.abs() > 1e-18 * sum.abs() {
            term *= -z / ((i + 1.0) * (i + 2.0));
            sum += term;
            i += 2.0;
        }
        return sum;
    }
    let x = z.abs().sqrt();
    match k {
        1..=400 if z < -4.9e5 => of_large(k, x),
        0 if z < 0.0 => x.cosh(),
        0 => x.cos(),
        1 if z < 0.0 => x.sinh() / x,
        1 => x.sin() / x,
        _ => {
            let first = (1..=k - 2).fold(1.0, |term, i| term / f64::from(i));
            (first - by_order(k - 2, z)) / z
        }
    }
}

/// c_k(-x^2) of a large x and an order well below it is e^x / (2 x^k), but for less than its rounding. The power of e may be too
/// large itself, and is multiplied a half at a time.
fn of_large(k: u32, x: f64) -> f64 {
    let half = (0.5 * x).exp();
    let (mut quotient, mut rest) = (0.5 * half, half);
    for _ in 0..k {
        quotient /= x;
        if quotient < 1.0 {
            (quotient, rest) = (quotient * rest, 1.0);
        }
    }
    quotient * rest
}

/// sin(x) / x, and 1 at 0, as nalgebra's `sinc` has it.
///
/// It is c_1(x^2) of [`stumpff`](fn@stumpff), so its derivative is x (c_3 - c_2), and c_2 - c_3 is
/// 1/3 - x^2 (c_4 - c_5).
///
/// ```
/// use difrules_core::{cardinal::sinc, hessian};
///
/// assert!((hessian(|x| sinc(*x), &1e-11_f64)[0] + 1.0 / 3.0).abs() < 1e-15);
/// ```
#[primitive(
    partial = |x, y| if ComplexField::abs(x) <= convert(2.0) { x * (x * x * (stumpff(4, x * x) - stumpff(5, x * x)) - convert(1.0 / 3.0)) } else { (x.cos() - y) / x },
    // `sinc` is that of sin(pi x) / (pi x).
    name = "cardinal_sine",
    instances(f64, #[cfg(feature = "f32")] f32)
)]
pub fn sinc<T: Real>(x: T) -> T {
    x.sinc()
}

/// sinh(x) / x, and 1 at 0, as nalgebra's `sinhc` has it: c_1(-x^2), see [`sinc`](fn@sinc).
///
/// ```
/// use difrules_core::{cardinal::sinhc, hessian};
///
/// assert!((hessian(|x| sinhc(*x), &1e-11_f64)[0] - 1.0 / 3.0).abs() < 1e-15);
/// ```
#[primitive(
    partial = |x, y| if ComplexField::abs(x) <= convert(2.0) { x * (x * x * (stumpff(4, -x * x) - stumpff(5, -x * x)) + convert(1.0 / 3.0)) } else { slope_of_far_sinhc(x, y) },
    symbolic = |x, y| if abs(x) <= 2 {
        x * (x * x * (stumpff(4, -x * x) - stumpff(5, -x * x)) + convert::<f64, T>(1.0 / 3.0))
    } else {
        if y == f64::INFINITY { y * signum(x) } else { y * (x.tanh().recip() - x.recip()) }
    },
    instances(f64, #[cfg(feature = "f32")] f32)
)]
pub fn sinhc<T: Real>(x: T) -> T {
    x.sinhc()
}

/// The derivative, that of exp(|x|) / (2 |x|), which where it overflows has the sign of x.
fn slope_of_far_sinhc<T: Real>(x: T, y: T) -> T {
    if y.to_f64().is_infinite() { y * x.signum() } else { y * (x.tanh().recip() - x.recip()) }
}

/// cos(x) / x, as nalgebra's `cosc` has it: 1 at 0, where the quotient is infinite; the derivative is NaN there.
///
/// ```
/// assert_eq!(difrules_core::cardinal::cosc(2.0_f64), 2.0_f64.cos() / 2.0);
/// ```
#[primitive(
    partial = |x, y| if x == T::zero() { undefined(x) } else { slope_of_cosc(x, y) },
    symbolic = |x, y| if x == 0 { f64::NAN } else { -(x.sin() + y) / x },
    instances(f64, #[cfg(feature = "f32")] f32),
    sample = |random| random.positive()
)]
pub fn cosc<T: Real>(x: T) -> T {
    x.cosc()
}

twofold! {
    /// -(sin(x) + y) / x with y = cos(x) / x, next to 0 the derivative of 1 / x: the derivatives of the quotient would be infinities
    /// of both signs.
    fn slope_of_cosc<T>(x; y)
    plain { -(x.sin() + y) / x }
    smooth {
        if x.to_f64().abs() < bound::<T>(1e-12, 1e-75) {
            let inverse = x.recip();
            return -(inverse * inverse);
        }
        -(x.sin() + x.cos() / x) / x
    }
}

/// cosh(x) / x, as nalgebra's `coshc` has it: 1 at 0, where the quotient is infinite; the derivative is NaN there.
///
/// ```
/// assert_eq!(difrules_core::cardinal::coshc(2.0_f64), 2.0_f64.cosh() / 2.0);
/// ```
#[primitive(
    partial = |x, y| slope_of_coshc(x, y),
    symbolic = |x, y| if x == 0 { f64::NAN } else {
        if abs(x) < 1e-75 { -x.recip().powi(2) } else {
            if abs(y) == f64::INFINITY { abs(y) } else { y * (x.tanh() - x.recip()) }
        }
    },
    instances(f64, #[cfg(feature = "f32")] f32),
    sample = |random| random.positive()
)]
pub fn coshc<T: Real>(x: T) -> T {
    x.coshc()
}

/// The derivative, which next to 0 is that of 1 / x, and positive where the function overflows far out.
fn slope_of_coshc<T: Real>(x: T, y: T) -> T {
    if x == T::zero() {
        return undefined(x);
    }
    if x.to_f64().abs() < bound::<T>(1e-12, 1e-75) {
        let inverse = x.recip();
        return -(inverse * inverse);
    }
    if y.to_f64().is_infinite() { y * x.signum() } else { y * (x.tanh() - x.recip()) }
}
