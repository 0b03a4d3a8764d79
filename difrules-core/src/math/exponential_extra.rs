//! To be moved: `exprel` into exponential.rs, `cosm1` into trigonometric.rs.

use nalgebra::convert;

use crate::{Real, primitive};

/// (exp(x) - 1) / x, and 1 at 0. Its derivatives of every order are right near 0, where they are taken from the series.
///
/// Domain: all x.
/// Edge: 0 at -infinity, infinity at infinity.
///
/// ```
/// assert_eq!(difrules_core::math::exprel(0.0_f64), 1.0);
/// ```
#[primitive(
    partial = |x, y| slope_of_exprel(x, y),
    symbolic = |x, y| (x.exp() - y) / x,
    instances(f32, f64)
)]
pub fn exprel<T: Real>(x: T) -> T {
    if x == T::zero() {
        return T::one();
    }
    let whole = x.exp_m1();
    if whole.is_finite() || !x.is_finite() {
        return if x > T::one() && !x.is_finite() { x } else { whole / x };
    }
    // The exponential alone overflows.
    let half = (x * convert(0.5)).exp();
    half / x * half
}

/// (exp(x) - y) / x with y = (exp(x) - 1) / x; up to 2 the sum of x^k / (k! (k + 2)).
fn slope_of_exprel<T: Real>(x: T, y: T) -> T {
    if x < convert(-2.0) {
        return (x.exp() - y) / x;
    }
    if x > convert(2.0) {
        // The same, where the exponential can overflow.
        let inverse = x.recip();
        return y * (T::one() - inverse) + inverse;
    }
    let (mut power, mut sum) = (T::one(), T::zero());
    for k in 0..30 {
        let k = f64::from(k);
        sum += power * convert((k + 2.0).recip());
        power *= x * convert((k + 1.0).recip());
    }
    sum
}

/// cos(x) - 1, accurate near 0.
///
/// Domain: all finite x.
/// Edge: NaN at the infinities.
///
/// ```
/// assert!((difrules_core::math::cosm1(1e-9_f64) / -5e-19 - 1.0).abs() < 1e-15);
/// ```
#[primitive(partial = |x| -x.sin(), instances(f32, f64))]
pub fn cosm1<T: Real>(x: T) -> T {
    let half = (x * convert(0.5)).sin();
    -(half * half) * convert(2.0)
}
