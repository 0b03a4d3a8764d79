//! Derivatives of the length r of a vector (x, y), and of its logarithm.
//!
//! Each is a polynomial times a power of r: that of P r^e by x is (P_x (x^2 + y^2) + e x P) r^(e - 2). A sum of the products that
//! the chain rule makes would cancel, or be one of infinities of both signs.

use crate::math::{at_base_of_two, product_of};
use crate::{Real, primitive};

/// The derivative of [`hypot`](fn@crate::math::hypot), i times by x and j times by y, of which the first are
/// [`direction_cosine`](fn@crate::math::direction_cosine).
///
/// Domain: all x and y, i + j up to 14 (NaN beyond).
/// Edge: 0 at the origin; 0 where one of the two is infinite, but for the first derivative by it, which is its sign; NaN where both
/// are, or one is NaN.
///
/// ```
/// // y^2 / r^3.
/// assert!((difrules_core::math::hypot_derivative(2, 0, 3.0_f64, 4.0) - 0.128).abs() < 1e-15);
/// ```
#[primitive(
    partial = (
        |i, j, x, y| hypot_derivative(i.saturating_add(1), j, x, y),
        |i, j, x, y| hypot_derivative(i, j.saturating_add(1), x, y)
    ),
    constant(i, j),
    instances(#[cfg(feature = "f32")] f32, f64),
    sample = |random| (random.size(1, 3) as u32, random.size(0, 3) as u32, random.normal(), random.normal())
)]
pub fn hypot_derivative<T: Real>(i: u32, j: u32, x: T, y: T) -> T {
    at_base_of_two(x, y, |x, y| {
        let infinite = (x.is_infinite(), y.is_infinite());
        match (i, j, infinite) {
            _ if x.is_nan() || y.is_nan() => f64::NAN,
            (0, 0, _) => x.hypot(y),
            (.., (true, true)) => f64::NAN,
            (.., (false, false)) => radial(1, i, j, x, y),
            (1, 0, (true, _)) => x.signum(),
            (0, 1, (_, true)) => y.signum(),
            _ => 0.0,
        }
    })
}

/// The derivative of ln(r), r = [`hypot`](fn@crate::math::hypot)(x, y), i times by x and j times by y, of which the first are
/// [`over_square`](fn@crate::math::over_square), as are those of [`atan2`](fn@crate::math::atan2).
///
/// Domain: all x and y, i + j up to 14 (NaN beyond).
/// Edge: the derivatives are 0 at the origin, and where one of the two is infinite; NaN if one is NaN.
///
/// ```
/// // (y^2 - x^2) / r^4.
/// assert_eq!(difrules_core::math::ln_hypot_derivative(2, 0, 1.0_f64, 1.0), 0.0);
/// ```
#[primitive(
    partial = (
        |i, j, x, y| ln_hypot_derivative(i.saturating_add(1), j, x, y),
        |i, j, x, y| ln_hypot_derivative(i, j.saturating_add(1), x, y)
    ),
    constant(i, j),
    instances(#[cfg(feature = "f32")] f32, f64),
    sample = |random| (random.size(1, 3) as u32, random.size(0, 3) as u32, random.normal(), random.normal())
)]
pub fn ln_hypot_derivative<T: Real>(i: u32, j: u32, x: T, y: T) -> T {
    at_base_of_two(x, y, |x, y| {
        if x.is_nan() || y.is_nan() {
            f64::NAN
        } else if i.max(j) == 0 {
            // A power of two keeps the length from overflow and underflow.
            let scale = if x.abs().max(y.abs()) > 1.0 { -2 } else { 100 };
            let length = libm::scalbn(x, scale).hypot(libm::scalbn(y, scale));
            length.ln() - f64::from(scale) * std::f64::consts::LN_2
        } else if x.is_infinite() || y.is_infinite() {
            0.0
        } else {
            radial(0, i, j, x, y)
        }
    })
}

/// The most derivatives.
const ORDERS: usize = 14;

/// The derivative of r^power / power, or of ln(r) for the power 0, at finite numbers.
fn radial(power: i32, i: u32, j: u32, x: f64, y: f64) -> f64 {
    let order = i.saturating_add(j) as usize;
    if order > ORDERS {
        return f64::NAN;
    }
    if x == 0.0 && y == 0.0 {
        return 0.0;
    }
    // The coefficients of x^a y^(degree - a), of which the degree is the order.
    let mut all = [0.0; ORDERS + 1];
    all[usize::from(i > 0)] = 1.0;
    for degree in 1..order {
        let exponent = f64::from(power) - 2.0 * degree as f64;
        let by_x = degree < i as usize;
        let mut next = [0.0; ORDERS + 1];
        for (a, c) in all.iter().enumerate().take(degree + 1) {
            let own = if by_x { a } else { degree - a };
            let (more, less) = ((own as f64 + exponent) * c, own as f64 * c);
            if by_x {
                next[a + 1] += more;
                if a > 0 {
                    next[a - 1] += less;
                }
            } else {
                next[a] += more;
                if own > 0 {
                    next[a + 2] += less;
                }
            }
        }
        all = next;
    }
    // Near 1, by a power of two.
    let scale = libm::ilogb(x.abs().max(y.abs()));
    let (near_x, near_y) = (libm::scalbn(x, -scale), libm::scalbn(y, -scale));
    // The factors that are zero on the axes, and the sum between, where it cancels with twice the digits.
    let is_there = |c: &f64| *c != 0.0;
    let first = all.iter().position(is_there).unwrap_or(0);
    let last = all.iter().rposition(is_there).unwrap_or(0);
    let (mut sum, mut power_of_y) = ((all[last], 0.0), (1.0, 0.0));
    for c in all[first..last].iter().rev() {
        power_of_y = times(power_of_y, near_y);
        sum = plus(times(sum, near_x), times(power_of_y, *c));
    }
    let length = near_x.hypot(near_y).powi(power - 2 * order as i32);
    let on_axes =
        std::iter::repeat_n(near_x, first).chain(std::iter::repeat_n(near_y, order - last));
    product_of(on_axes.chain([sum.0, length]), scale * (power - order as i32))
}

/// A number and what its rounding has lost, times another.
fn times((x, rest): (f64, f64), y: f64) -> (f64, f64) {
    let product = x * y;
    (product, x.mul_add(y, -product) + rest * y)
}

/// The sum of two numbers and of what their rounding has lost (D. Knuth, The Art of Computer Programming 2, 4.2.2).
fn plus((x, rest_of_x): (f64, f64), (y, rest_of_y): (f64, f64)) -> (f64, f64) {
    let sum = x + y;
    let part = sum - x;
    let lost = (x - (sum - part)) + (y - part) + (rest_of_x + rest_of_y);
    (sum + lost, lost - ((sum + lost) - sum))
}
