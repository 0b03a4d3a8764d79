//! Bessel functions of real order and real argument.
//!
//! Where the expansion in inverse powers of sqrt(x^2 + order^2), or of sqrt(|x^2 - order^2|), has converged, it gives
//! the values: it neither overflows nor loses digits however large its arguments are. The rest is Amos' algorithm 644
//! (`complex_bessel`), and `libm` for the orders 0 and 1.

use nalgebra::convert;

use crate::math::{EULER, at_base, at_base_of_two, cospi, in_double, power_by_logarithm, sinpi};
use crate::{Dual, Real, primitive};

/// The Bessel function of the first kind of order 0.
///
/// Domain: all x; even.
/// Edge: 1 at 0, and 0 at the infinities.
/// The derivative is -J_1(x) (DLMF 10.6.3).
///
/// ```
/// assert!((difrules_core::math::besselj0(0.5_f64) - 0.9384698072408130).abs() < 1e-15);
/// ```
#[primitive(
    partial = |x| -besselj1(x),
    instances(#[cfg(feature = "f32")] f32, f64),
    alias("SpecialFunctions.besselj0")
)]
pub fn besselj0<T: Real>(x: T) -> T {
    at_base(x, libm::j0)
}

/// The Bessel function of the first kind of order 1.
///
/// Domain: all x; odd.
/// Edge: 0 at 0, and 0 at the infinities.
/// The derivative is (J_0(x) - J_2(x)) / 2 (DLMF 10.6.1), and so J_0(x) - J_1(x) / x.
///
/// ```
/// assert!((difrules_core::math::besselj1(0.5_f64) - 0.2422684576748739).abs() < 1e-15);
/// ```
#[primitive(
    partial = |x, y| slope_of_j1(x, y),
    symbolic = |x, y| if abs(x) >= 1 {
        besselj0(x) - y / x
    } else {
        (besselj0(x) - besselj(convert::<f64, T>(2.0), x)) * convert::<f64, T>(0.5)
    },
    instances(#[cfg(feature = "f32")] f32, f64),
    alias("SpecialFunctions.besselj1")
)]
pub fn besselj1<T: Real>(x: T) -> T {
    at_base(x, libm::j1)
}

/// J_0(x) - J_1(x) / x (DLMF 10.6.2); near 0 the sum over k of (-1)^k (2k + 1) (x / 2)^(2k) / (2 k! (k + 1)!).
fn slope_of_j1<T: Real>(x: T, y: T) -> T {
    if x.to_f64().abs() >= 1.0 {
        return besselj0(x) - y / x;
    }
    let square = x * x * convert(0.25);
    let (mut term, mut sum) = (convert::<f64, T>(0.5), convert::<f64, T>(0.5));
    for k in 1..12 {
        let k = f64::from(k);
        term *= -square * convert(1.0 / (k * (k + 1.0)));
        sum += term * convert(2.0 * k + 1.0);
    }
    sum
}

/// The Bessel function of the second kind of order 0.
///
/// Domain: x > 0; NaN below.
/// Edge: -infinity at 0, and 0 at infinity.
/// The derivative is -Y_1(x) (DLMF 10.6.3).
///
/// ```
/// assert!((difrules_core::math::bessely0(0.5_f64) + 0.4445187335067066).abs() < 1e-15);
/// ```
#[primitive(
    partial = |x| -bessely1(x),
    instances(#[cfg(feature = "f32")] f32, f64),
    sample = |random| random.between(0.3, 12.0),
    alias("SpecialFunctions.bessely0")
)]
pub fn bessely0<T: Real>(x: T) -> T {
    at_base(x, libm::y0)
}

/// The Bessel function of the second kind of order 1.
///
/// Domain: x > 0; NaN below.
/// Edge: -infinity at 0, and 0 at infinity.
/// The derivative is Y_0(x) - Y_1(x) / x (DLMF 10.6.2).
///
/// ```
/// assert!((difrules_core::math::bessely1(0.5_f64) + 1.4714723926702431).abs() < 1e-15);
/// ```
#[primitive(
    partial = |x, y| if x == T::zero() { -y } else { bessely0(x) - y / x },
    instances(#[cfg(feature = "f32")] f32, f64),
    sample = |random| random.between(0.3, 12.0),
    alias("SpecialFunctions.bessely1")
)]
pub fn bessely1<T: Real>(x: T) -> T {
    at_base(x, libm::y1)
}

/// The Bessel function of the first kind J of real order.
///
/// Domain: x >= 0, and all x where the order is an integer; NaN elsewhere.
/// Edge: at 0 it is 1 for the order 0, 0 for positive and integer orders, infinite for other negative ones; 0 at the
/// infinities. NaN where the order is above 2^31 and closer to x than the expansions reach.
/// The derivative by x is (J_(order - 1) - J_(order + 1)) / 2 (DLMF 10.6.1), that by the order has no closed form.
///
/// ```
/// assert!((difrules_core::math::besselj(0.5_f64, 2.0) - 0.5130161365618278).abs() < 1e-15);
/// ```
#[primitive(
    partial = (unknown, |order, x, y| in_double!(slope_of_j(order, x; y = besselj))),
    symbolic = (
        unknown,
        |order, x, y| if order < 0.001 && order != order.round() && x != 0 {
            if abs(y) == f64::INFINITY { -y } else { y / x * order - besselj(order + T::one(), x) }
        } else {
            if order < 0.001 && order > -0.001 && order != 0 && x == 0 { order * power_by_logarithm(0, x, order - 1) } else {
                if order < 0 && abs(y) == f64::INFINITY { -y } else { (besselj(order - T::one(), x) - besselj(order + T::one(), x)) * convert::<f64, T>(0.5) }
            }
        }
    ),
    instances(#[cfg(feature = "f32")] f32, f64),
    sample = |random| (random.between(0.1, 5.0), random.between(0.5, 12.0)),
    alias("SpecialFunctions.besselj")
)]
pub fn besselj<T: Real>(order: T, x: T) -> T {
    at_base_of_two(order, x, first)
}

/// The Bessel function of the first kind, scaled by exp(-|Im x|), which is 1 for real x: the same as
/// [`besselj`](fn@besselj).
///
/// Domain: x >= 0, and all x where the order is an integer; NaN elsewhere.
/// Edge: as for [`besselj`](fn@besselj).
/// The derivative by x is (J_(order - 1) - J_(order + 1)) / 2 (DLMF 10.6.1).
///
/// ```
/// assert!((difrules_core::math::besseljx(0.5_f64, 2.0) - 0.5130161365618278).abs() < 1e-15);
/// ```
#[primitive(
    partial = (unknown, |order, x, y| in_double!(slope_of_j(order, x; y = besseljx))),
    symbolic = (
        unknown,
        |order, x, y| if order < 0.001 && order != order.round() && x != 0 {
            if abs(y) == f64::INFINITY { -y } else { y / x * order - besseljx(order + T::one(), x) }
        } else {
            if order < 0.001 && order > -0.001 && order != 0 && x == 0 { order * power_by_logarithm(0, x, order - 1) } else {
                if order < 0 && abs(y) == f64::INFINITY { -y } else { (besseljx(order - T::one(), x) - besseljx(order + T::one(), x)) * convert::<f64, T>(0.5) }
            }
        }
    ),
    instances(#[cfg(feature = "f32")] f32, f64),
    sample = |random| (random.between(0.1, 5.0), random.between(0.5, 12.0)),
    alias("SpecialFunctions.besseljx")
)]
pub fn besseljx<T: Real>(order: T, x: T) -> T {
    at_base_of_two(order, x, first)
}

/// The Bessel function of the second kind Y of real order.
///
/// Domain: x > 0; NaN below.
/// Edge: at 0 it is -infinity for orders >= 0, of the sign of the limit for negative ones, where it is 0 for -1/2,
/// -3/2, ..; 0 at infinity. NaN where the order is above 2^31 and closer to x than the expansions reach.
/// The derivative by x is (Y_(order - 1) - Y_(order + 1)) / 2 (DLMF 10.6.1), that by the order has no closed form.
///
/// ```
/// assert!((difrules_core::math::bessely(0.5_f64, 2.0) - 0.2347857104062485).abs() < 1e-15);
/// ```
#[primitive(
    partial = (unknown, |order, x, y| in_double!(slope_of_y(order, x; y = bessely))),
    symbolic = (
        unknown,
        |order, x, y| if order < 0 && order != order.round() && x != 0 {
            if abs(y) == f64::INFINITY { -y } else { y / x * order - bessely(order + T::one(), x) }
        } else {
            if abs(y) == f64::INFINITY { -y } else { (bessely(order - T::one(), x) - bessely(order + T::one(), x)) * convert::<f64, T>(0.5) }
        }
    ),
    instances(#[cfg(feature = "f32")] f32, f64),
    sample = |random| (random.between(0.1, 5.0), random.between(0.7, 12.0)),
    alias("SpecialFunctions.bessely")
)]
pub fn bessely<T: Real>(order: T, x: T) -> T {
    at_base_of_two(order, x, second)
}

/// The Bessel function of the second kind, scaled by exp(-|Im x|), which is 1 for real x: the same as
/// [`bessely`](fn@bessely).
///
/// Domain: x > 0; NaN below.
/// Edge: as for [`bessely`](fn@bessely).
/// The derivative by x is (Y_(order - 1) - Y_(order + 1)) / 2 (DLMF 10.6.1).
///
/// ```
/// assert!((difrules_core::math::besselyx(0.5_f64, 2.0) - 0.2347857104062485).abs() < 1e-15);
/// ```
#[primitive(
    partial = (unknown, |order, x, y| in_double!(slope_of_y(order, x; y = besselyx))),
    symbolic = (
        unknown,
        |order, x, y| if order < 0 && order != order.round() && x != 0 {
            if abs(y) == f64::INFINITY { -y } else { y / x * order - besselyx(order + T::one(), x) }
        } else {
            if abs(y) == f64::INFINITY { -y } else { (besselyx(order - T::one(), x) - besselyx(order + T::one(), x)) * convert::<f64, T>(0.5) }
        }
    ),
    instances(#[cfg(feature = "f32")] f32, f64),
    sample = |random| (random.between(0.1, 5.0), random.between(0.7, 12.0)),
    alias("SpecialFunctions.besselyx")
)]
pub fn besselyx<T: Real>(order: T, x: T) -> T {
    at_base_of_two(order, x, second)
}

/// The modified Bessel function of the first kind I of real order.
///
/// Domain: x >= 0, and all x where the order is an integer; NaN elsewhere.
/// Edge: at 0 it is 1 for the order 0, 0 for positive and integer orders, infinite for other negative ones; infinite
/// at infinity, and where it overflows.
/// The derivative by x is (I_(order - 1) + I_(order + 1)) / 2 (DLMF 10.29.1), that by the order has no closed form.
///
/// ```
/// assert!((difrules_core::math::besseli(0.5_f64, 2.0) - 2.0462368630890550).abs() < 1e-14);
/// ```
#[primitive(
    partial = (unknown, |order, x, y| in_double!(slope_of_i(order, x; y = besseli))),
    symbolic = (
        unknown,
        |order, x, y| if order < 0.001 && order != order.round() && x != 0 && abs(y) != f64::INFINITY {
            y / x * order + besseli(order + T::one(), x)
        } else {
            if order < 0.001 && order > -0.001 && order != 0 && x == 0 { order * power_by_logarithm(0, x, order - 1) } else { (besseli(order - T::one(), x) + besseli(order + T::one(), x)) * convert::<f64, T>(0.5) }
        }
    ),
    instances(#[cfg(feature = "f32")] f32, f64),
    sample = |random| (random.between(0.1, 5.0), random.between(0.5, 8.0)),
    alias("SpecialFunctions.besseli")
)]
pub fn besseli<T: Real>(order: T, x: T) -> T {
    at_base_of_two(order, x, |order, x| modified_first(order, x, false))
}

/// The modified Bessel function of the first kind, scaled: exp(-|x|) I(x).
///
/// Domain: x >= 0, and all x where the order is an integer; NaN elsewhere.
/// Edge: at 0 as [`besseli`](fn@besseli); 0 at infinity. The order 0 has a kink at 0, where the derivative is taken
/// as 0.
/// The derivative by x is exp(-|x|) I'(x) - sign(x) exp(-|x|) I(x), without its cancellation far out.
///
/// ```
/// assert!((difrules_core::math::besselix(0.5_f64, 2.0) - 0.27692804543535515).abs() < 1e-15);
/// ```
#[primitive(
    partial = (unknown, |order, x, y| in_double!(slope_of_scaled_i(order, x; y = besselix))),
    symbolic = (
        unknown,
        |order, x, y| if abs(x) > 25 && (order >= -1 || order == order.round()) {
            y * signum(x) * scaled_bessel_slope(0, abs(order), abs(x))
        } else {
            if order < 0.001 && order != order.round() && x > 0 {
                (order / x - 1) * y + besselix(order + T::one(), x)
            } else {
                (if order < 0.001 && order > -0.001 && order != 0 && x == 0 { order * power_by_logarithm(0, x, order - 1) } else { (besselix(order - T::one(), x) + besselix(order + T::one(), x)) * convert::<f64, T>(0.5) }) - if x == 0 { 0 } else { signum(x) * y }
            }
        }
    ),
    instances(#[cfg(feature = "f32")] f32, f64),
    sample = |random| (random.between(0.1, 5.0), random.between(0.5, 8.0)),
    alias("SpecialFunctions.besselix")
)]
pub fn besselix<T: Real>(order: T, x: T) -> T {
    at_base_of_two(order, x, |order, x| modified_first(order, x, true))
}

/// The modified Bessel function of the second kind K of real order; even in the order.
///
/// Domain: x > 0; NaN below.
/// Edge: infinite at 0, and where it overflows; 0 at infinity.
/// The derivative by x is -(K_(order - 1) + K_(order + 1)) / 2 (DLMF 10.29.1), that by the order has no closed form.
///
/// ```
/// assert!((difrules_core::math::besselk(0.5_f64, 2.0) - 0.1199377719680614).abs() < 1e-15);
/// ```
#[primitive(
    partial = (
        unknown,
        |order, x| (besselk(order - T::one(), x) + besselk(order + T::one(), x)) * convert::<f64, T>(-0.5)
    ),
    instances(#[cfg(feature = "f32")] f32, f64),
    sample = |random| (random.between(0.1, 5.0), random.between(0.7, 8.0)),
    alias("SpecialFunctions.besselk")
)]
pub fn besselk<T: Real>(order: T, x: T) -> T {
    at_base_of_two(order, x, |order, x| modified_second(order, x, -1.0))
}

/// The modified Bessel function of the second kind, scaled: exp(x) K(x); even in the order.
///
/// Domain: x > 0; NaN below.
/// Edge: infinite at 0, and where it overflows; 0 at infinity.
/// The derivative by x is exp(x) K'(x) + exp(x) K(x), without its cancellation far out.
///
/// ```
/// assert!((difrules_core::math::besselkx(0.5_f64, 2.0) - 0.8862269254527580).abs() < 1e-15);
/// ```
#[primitive(
    partial = (unknown, |order, x, y| in_double!(slope_of_scaled_k(order, x; y = besselkx))),
    symbolic = (
        unknown,
        |order, x, y| if x > 25 {
            y * scaled_bessel_slope(1, order, x)
        } else {
            if besselkx(order - T::one(), x) + besselkx(order + T::one(), x) == f64::INFINITY {
                (besselkx(order - T::one(), x) + besselkx(order + T::one(), x)) * convert::<f64, T>(-0.5)
            } else {
                y - (besselkx(order - T::one(), x) + besselkx(order + T::one(), x)) * convert::<f64, T>(0.5)
            }
        }
    ),
    instances(#[cfg(feature = "f32")] f32, f64),
    sample = |random| (random.between(0.1, 5.0), random.between(0.7, 8.0)),
    alias("SpecialFunctions.besselkx")
)]
pub fn besselkx<T: Real>(order: T, x: T) -> T {
    at_base_of_two(order, x, |order, x| modified_second(order, x, 0.0))
}

/// The derivative by x of the logarithm of a scaled modified Bessel function, by its expansion for large x, which does not
/// cancel: of [`besselix`](fn@besselix) and [`besselkx`](fn@besselkx), by their numbers 0 and 1.
///
/// Domain: x > 25, where the expansion has converged, and for the first order >= 0; NaN elsewhere, and for other numbers.
/// Edge: 0 at infinity.
///
/// ```
/// use difrules_core::math::{besselkx, scaled_bessel_slope};
/// let slope = 1.0 - besselkx(1.0_f64, 30.0) / besselkx(0.0, 30.0);
/// assert!((scaled_bessel_slope(1, 0.0_f64, 30.0) / slope - 1.0).abs() < 1e-12);
/// ```
#[primitive(
    partial = (
        |function, order, x| slopes_of_relative_slope(function, order, x)[0],
        |function, order, x| slopes_of_relative_slope(function, order, x)[1]
    ),
    symbolic = (unknown, unknown),
    constant(function),
    instances(#[cfg(feature = "f32")] f32, f64),
    sample = |random| (random.size(0, 1) as u32, random.between(0.1, 5.0), random.between(26.0, 60.0))
)]
pub fn scaled_bessel_slope<T: Real>(function: u32, order: T, x: T) -> T {
    if x.to_f64() > FAR
        && (function == 0 && order >= T::zero() || function == 1 && !order.to_f64().is_nan())
    {
        relative_slope(order, x, function == 1)
    } else {
        convert(f64::NAN)
    }
}

/// The derivatives of [`scaled_bessel_slope`] by the order and by x.
fn slopes_of_relative_slope<T: Real>(function: u32, order: T, x: T) -> [T; 2] {
    if x.to_f64() == f64::INFINITY {
        return [T::zero(); 2];
    }
    let (zero, one) = (T::zero(), T::one());
    scaled_bessel_slope::primal(function, Dual::new(order, [one, zero]), Dual::new(x, [zero, one]))
        .tangents
}

// Derivatives by x. Those by differences of neighbouring orders keep their digits near x = 0, at every order of
// differentiation.

/// Whether order - 1 would not hold the digits on which a value by reflection depends, the distance of the order to an
/// integer; then the rule that knows order + 1 alone (DLMF 10.6.2, 10.29.2) is taken.
fn is_lossy<T: Real>(order: T) -> bool {
    let order = order.to_f64();
    order < 1e-3 && order != order.round()
}

/// The derivative of the first kind at 0 where the order is small: that of x^order, as order - 1 would not hold its digits.
fn small_order_at_0<T: Real>(order: T, x: T) -> Option<T> {
    let small = order != T::zero() && order.to_f64().abs() < 1e-3;
    (small && x == T::zero()).then(|| order * power_by_logarithm(0, x, order - T::one()))
}

fn half_of<T: Real>(x: T) -> T {
    x * convert(0.5)
}

pub(super) fn slope_of_j<T: Real>(order: T, x: T, y: T) -> T {
    if let Some(slope) = small_order_at_0(order, x) {
        return slope;
    }
    // It grows in the direction in which it left the finite numbers.
    if y.to_f64().is_infinite() {
        return -y;
    }
    let next = besselj(order + T::one(), x);
    if is_lossy(order) && x != T::zero() {
        return y / x * order - next;
    }
    half_of(besselj(order - T::one(), x) - next)
}

pub(super) fn slope_of_y<T: Real>(order: T, x: T, y: T) -> T {
    if y.to_f64().is_infinite() {
        return -y;
    }
    let next = bessely(order + T::one(), x);
    if is_lossy(order) && order < T::zero() && x != T::zero() {
        return y / x * order - next;
    }
    half_of(bessely(order - T::one(), x) - next)
}

fn slope_of_i<T: Real>(order: T, x: T, y: T) -> T {
    if let Some(slope) = small_order_at_0(order, x) {
        return slope;
    }
    let next = besseli(order + T::one(), x);
    if is_lossy(order) && x != T::zero() && y.to_f64().is_finite() {
        return y / x * order + next;
    }
    half_of(besseli(order - T::one(), x) + next)
}

fn slope_of_scaled_i<T: Real>(order: T, x: T, y: T) -> T {
    if let Some(slope) = small_order_at_0(order, x) {
        return slope;
    }
    let (nu, at) = (order.to_f64(), x.to_f64());
    if y.to_f64().is_infinite() {
        return -y;
    }
    if at < 0.0 {
        // The function is even or odd, as its order is.
        return match nu % 2.0 {
            0.0 => -slope_of_scaled_i(order, -x, y),
            _ => slope_of_scaled_i(order, -x, -y),
        };
    }
    if at == 0.0 || nu.hypot(at) < FAR {
        let next = besselix(order + T::one(), x);
        if is_lossy(order) && at > 0.0 {
            return (order / x - T::one()) * y + next;
        }
        let slope = half_of(besselix(order - T::one(), x) + next);
        return if at == 0.0 { slope } else { slope - y };
    }
    if y == T::zero() {
        return y;
    }
    if nu > 0.0 || nu == nu.round() {
        return y * relative_slope(order, x, false);
    }
    // The two parts of a negative order: see `modified_first`.
    let two: T = convert(2.0);
    let first = besselix(-order, x);
    let second = besselk(order, x) * (-x).exp() * sinpi(-order) * two / T::pi();
    let second = if second.to_f64().is_finite() { second } else { y - first };
    first * relative_slope(order, x, false) + second * (relative_slope(order, x, true) - two)
}

fn slope_of_scaled_k<T: Real>(order: T, x: T, y: T) -> T {
    let (nu, at) = (order.to_f64(), x.to_f64());
    if y.to_f64().is_infinite() {
        return -y;
    }
    if nu.hypot(at) < FAR {
        let around = half_of(besselkx(order - T::one(), x) + besselkx(order + T::one(), x));
        // Next to it the function itself is nothing, but its derivative is as infinite.
        return if around.to_f64().is_infinite() { -around } else { y - around };
    }
    if y == T::zero() { y } else { y * relative_slope(order, x, true) }
}

/// The derivative of the logarithm of exp(-x) I, or of exp(x) K, by the expansion of which `modified_first` and
/// `modified_second` are made: the leading terms of both factors, which cancel, are gone.
fn relative_slope<T: Real>(order: T, x: T, second: bool) -> T {
    if !x.is_finite() {
        return T::zero();
    }
    let radius = x.hypot(order);
    let ratio = order / radius;
    let exponent = order / x * (order / (radius + x));
    let sums = Sums::new(ratio * ratio, radius, radius.to_f64(), 1.0);
    let (exponent, sum, slope) = if second {
        (-exponent, sums.even - sums.odd, sums.even_slope - sums.odd_slope)
    } else {
        (exponent, sums.even + sums.odd, sums.even_slope + sums.odd_slope)
    };
    exponent - x / radius / radius * (half_of(T::one()) + slope / sum)
}

// The expansion.

/// From which argument of the exponential on the expansion has converged to all digits of a double.
pub(super) const FAR: f64 = 25.0;

const TERMS: usize = 15;

/// The polynomials of Debye's expansion: U_k(p) = p^k (sum over j <= k of COEFFICIENTS[k][j] p^(2j)) by the
/// recurrence DLMF 10.41.9.
const COEFFICIENTS: [[f64; TERMS]; TERMS] = {
    let mut c = [[0.0; TERMS]; TERMS];
    c[0][0] = 1.0;
    let mut k = 0;
    while k + 1 < TERMS {
        let mut j = 0;
        while j <= k {
            let power = (k + 2 * j) as f64;
            c[k + 1][j] += c[k][j] * (power / 2.0 + 0.125 / (power + 1.0));
            c[k + 1][j + 1] -= c[k][j] * (power / 2.0 + 0.625 / (power + 3.0));
            j += 1;
        }
        k += 1;
    }
    c
};

/// The even and the odd terms of the sum over k of U_k(order / r) / order^k, and of its derivative by -ln(r) at a
/// fixed order.
pub(super) struct Sums<T> {
    pub(super) even: T,
    pub(super) odd: T,
    pub(super) even_slope: T,
    pub(super) odd_slope: T,
}

impl<T: Real> Sums<T> {
    /// Of the square of order / r, negative where r is imaginary, and of |r|; `far` tells how many terms are needed,
    /// and `sign` is that of r^2.
    pub(super) fn new(square: T, r: T, far: f64, sign: f64) -> Self {
        let terms = match far {
            far if far > 1000.0 => 7,
            far if far > 100.0 => 10,
            _ => TERMS,
        };
        let inverse = r.recip();
        let step = inverse * inverse * convert(sign);
        let mut sums = [[T::zero(); 2]; 2];
        for (k, row) in COEFFICIENTS.iter().enumerate().take(terms).rev() {
            let (mut term, mut slope) = (T::zero(), T::zero());
            for (j, &c) in row.iter().enumerate().take(k + 1).rev() {
                term = term * square + convert(c);
                slope = slope * square + convert(c * (k + 2 * j) as f64);
            }
            let [sum, sum_slope] = &mut sums[k % 2];
            *sum = *sum * step + term;
            *sum_slope = *sum_slope * step + slope;
        }
        let [[even, even_slope], [odd, odd_slope]] = sums;
        Self { even, odd: odd * inverse, even_slope, odd_slope: odd_slope * inverse }
    }
}

// Values at doubles.

/// (-1)^order f(-x), for x < 0: what is left there of functions that have values for integer orders alone.
fn reflected(order: f64, x: f64, f: impl FnOnce(f64) -> f64) -> f64 {
    match order % 2.0 {
        0.0 => f(-x),
        1.0 | -1.0 => -f(-x),
        _ => f64::NAN,
    }
}

/// a x, where a factor that is exactly 0 wins against infinity.
fn times(a: f64, x: f64) -> f64 {
    if a == 0.0 { 0.0 } else { a * x }
}

/// exp(e) f, also where the exponential alone overflows or underflows.
fn scaled(e: f64, f: f64) -> f64 {
    let half = (e / 2.0).exp();
    if f == 0.0 { 0.0 } else { half * f * half }
}

// `complex_bessel` is a quarter of what there is to compile in this crate: where nothing is registered for calls
// without types, it is left to who calls these functions.

/// J at real x.
#[cfg_attr(not(feature = "calls"), inline)]
fn first(order: f64, x: f64) -> f64 {
    if order.is_nan() || x.is_nan() || order == f64::NEG_INFINITY {
        return f64::NAN;
    }
    if x < 0.0 {
        return reflected(order, x, |x| first(order, x));
    }
    if order == 0.0 {
        return libm::j0(x);
    }
    if order.abs() == 1.0 {
        return order * libm::j1(x);
    }
    if x.is_infinite() {
        return if order.is_infinite() { f64::NAN } else { 0.0 };
    }
    if (x == 0.0 && order > 0.0) || order.is_infinite() {
        return 0.0;
    }
    if let Some(wave) = Wave::new(order, x) {
        return wave.parts(x).0;
    }
    if order < 0.0 {
        // DLMF 10.2.3 and 10.4.1, with a sine and a cosine that know their zeros.
        return cospi(-order) * first(-order, x) - times(sinpi(-order), second(-order, x));
    }
    if let Some((e, r, sums)) = below_turning_point(order, x) {
        let factor = (sums.even + sums.odd) / (std::f64::consts::TAU.sqrt() * r.sqrt());
        return scaled(-e, factor);
    }
    let value = complex_bessel::besselj(order, x.into()).map_or(f64::NAN, |value| value.re);
    // Amos' algorithm takes for 0 what is below 1e-304, and every power of so small an x.
    if x < 1e-8 && value.abs() < 1e-290 { leading_power(order, x) } else { value }
}

/// Y at real x.
#[cfg_attr(not(feature = "calls"), inline)]
fn second(order: f64, x: f64) -> f64 {
    if order.is_nan() || x.is_nan() || x < 0.0 || order == f64::NEG_INFINITY {
        return f64::NAN;
    }
    if order == 0.0 {
        return libm::y0(x);
    }
    if order.abs() == 1.0 {
        return order * libm::y1(x);
    }
    if x.is_infinite() {
        return if order.is_infinite() { f64::NAN } else { 0.0 };
    }
    if (x == 0.0 && order > 0.0) || order.is_infinite() {
        return f64::NEG_INFINITY;
    }
    if let Some(wave) = Wave::new(order, x) {
        return wave.parts(x).1;
    }
    if order < 0.0 {
        return sinpi(-order) * first(-order, x) + times(cospi(-order), second(-order, x));
    }
    if let Some((e, r, sums)) = below_turning_point(order, x) {
        let factor = (std::f64::consts::FRAC_2_PI / r).sqrt() * (sums.odd - sums.even);
        return scaled(e, factor);
    }
    match complex_bessel::bessely(order, x.into()) {
        Ok(value) => value.re,
        Err(_) if x < 1e-8 => -std::f64::consts::FRAC_2_PI * leading_pole(order, x, cospi(order)),
        Err(_) => f64::NAN,
    }
}

/// Debye's expansion for x > order, DLMF 10.19.6, as far as H = J + i Y goes:
/// H = sqrt(2 / (pi r)) exp(i (x + lag - (order / 2 + 1 / 4) pi)) (even - i odd) with r = sqrt(x^2 - order^2).
pub(super) struct Wave {
    r: f64,
    /// r - order acos(order / x), less x and plus order pi / 2.
    lag: f64,
    order: f64,
    even: f64,
    odd: f64,
}

impl Wave {
    /// If it has converged. The order may be negative.
    pub(super) fn new(order: f64, x: f64) -> Option<Self> {
        let nu = order.abs();
        if x <= nu {
            return None;
        }
        let r = ((x - nu) * (x + nu)).sqrt();
        let r = if r.is_finite() { r } else { (1.0 - nu / x).sqrt() * (1.0 + nu / x).sqrt() * x };
        let far = r - nu * r.atan2(nu);
        if far < FAR {
            return None;
        }
        let ratio = nu / r;
        let sums = Sums::new(-ratio * ratio, r, far, -1.0);
        let lag = nu * (nu / x).asin() - nu * (nu / (x + r));
        Some(Self { r, lag, order, even: sums.even, odd: sums.odd })
    }

    /// The real and the imaginary part of H exp(i (turn - x)): `turn` is x for H, and 0 for its scaled form.
    pub(super) fn parts(&self, turn: f64) -> (f64, f64) {
        // The sine and the cosine of turn + lag - (order / 2 + 1 / 4) pi: each of the three by itself, since their sum
        // has lost digits.
        let (sin, cos) = turn.sin_cos();
        let (lag_sin, lag_cos) = self.lag.sin_cos();
        let (sin, cos) = (sin * lag_cos + cos * lag_sin, cos * lag_cos - sin * lag_sin);
        let (order_sin, order_cos) = quarter_turns(self.order);
        // The eighth of a turn: 1 / sqrt(2) for its sine and its cosine is in the factor.
        let (order_sin, order_cos) = (order_sin + order_cos, order_cos - order_sin);
        let (sin, cos) = (sin * order_cos - cos * order_sin, cos * order_cos + sin * order_sin);
        let factor = (std::f64::consts::PI.sqrt() * self.r.sqrt()).recip();
        (factor * (cos * self.even + sin * self.odd), factor * (sin * self.even - cos * self.odd))
    }
}

/// The sine and the cosine of pi x / 2.
fn quarter_turns(x: f64) -> (f64, f64) {
    let x = x % 4.0 / 2.0;
    (sinpi(x), cospi(x))
}

/// Debye's expansion for x < order, DLMF 10.19.3, if it has converged: the exponent order acosh(order / x) - r, r =
/// sqrt(order^2 - x^2), and the sums.
fn below_turning_point(order: f64, x: f64) -> Option<(f64, f64, Sums<f64>)> {
    if x >= order {
        return None;
    }
    let r = ((order - x) * (order + x)).sqrt();
    let r = if r.is_finite() { r } else { (1.0 - x / order).sqrt() * order };
    let e = order * (r / x).asinh() - r;
    if e < FAR || r < FAR {
        return None;
    }
    // Far beyond any number that is finite and not 0.
    if e > 1e5 {
        return Some((e, r, Sums { even: 1.0, odd: 0.0, even_slope: 0.0, odd_slope: 0.0 }));
    }
    let ratio = order / r;
    Some((e, r, Sums::new(ratio * ratio, r, e.min(r), 1.0)))
}

/// I at real x; scaled by exp(-|x|).
#[cfg_attr(not(feature = "calls"), inline)]
fn modified_first(order: f64, x: f64, is_scaled: bool) -> f64 {
    if order.is_nan() || x.is_nan() || order == f64::NEG_INFINITY {
        return f64::NAN;
    }
    if x < 0.0 {
        return reflected(order, x, |x| modified_first(order, x, is_scaled));
    }
    if order < 0.0 {
        let whole = modified_first(-order, x, is_scaled);
        // DLMF 10.27.2. The scale of K is left out of its exponential.
        let scale = if is_scaled { -2.0 } else { -1.0 };
        let factor = std::f64::consts::FRAC_2_PI * sinpi(-order);
        return if factor == 0.0 {
            whole
        } else {
            whole + factor * modified_second(order, x, scale)
        };
    }
    if x.is_infinite() {
        return match (order.is_infinite(), is_scaled) {
            (true, _) => f64::NAN,
            (false, true) => 0.0,
            (false, false) => f64::INFINITY,
        };
    }
    if x == 0.0 || order.is_infinite() {
        return if order == 0.0 { 1.0 } else { 0.0 };
    }
    let r = order.hypot(x).min(f64::MAX);
    if r >= FAR {
        let (e, sums) = exponent(order, x, r);
        let e = if is_scaled { e } else { x + e };
        // The root of 2 pi r, which must not overflow.
        return scaled(
            e,
            (r.sqrt() * std::f64::consts::TAU.sqrt()).recip() * (sums.even + sums.odd),
        );
    }
    let value = if is_scaled {
        complex_bessel::besseli_scaled(order, x.into())
    } else {
        complex_bessel::besseli(order, x.into())
    };
    let value = value.map_or(f64::NAN, |value| value.re);
    if x < 1e-8 && value.abs() < 1e-290 { leading_power(order, x) } else { value }
}

/// exp((1 + scale) x) K at real x, for a scale of 0, -1 or -2 relative to exp(x) K.
#[cfg_attr(not(feature = "calls"), inline)]
fn modified_second(order: f64, x: f64, scale: f64) -> f64 {
    let order = order.abs();
    if order.is_nan() || x.is_nan() || x < 0.0 || (order.is_infinite() && x.is_infinite()) {
        return f64::NAN;
    }
    if x == 0.0 || order.is_infinite() {
        return f64::INFINITY;
    }
    if x.is_infinite() {
        return 0.0;
    }
    let r = order.hypot(x).min(f64::MAX);
    if r >= FAR {
        let (e, sums) = exponent(order, x, r);
        let factor = std::f64::consts::FRAC_PI_2.sqrt() / r.sqrt() * (sums.even - sums.odd);
        return scaled(scale * x - e, factor);
    }
    match complex_bessel::besselk_scaled(order, x.into()) {
        Ok(value) => (scale * x).exp() * value.re,
        Err(_) if x < 1e-8 => leading_pole(order, x, 1.0),
        Err(_) => f64::NAN,
    }
}

/// The exponent of exp(-x) I in Debye's expansion, DLMF 10.41.3, sqrt(x^2 + order^2) - x - order asinh(order / x), and
/// its sums.
fn exponent(order: f64, x: f64, r: f64) -> (f64, Sums<f64>) {
    let e = order * (order / (r + x)) - order * (order / x).asinh();
    let ratio = order / r;
    (e, Sums::new(ratio * ratio, r, r, 1.0))
}

/// (x / 2)^order / Gamma(order + 1), what J and I are for a tiny x.
fn leading_power(order: f64, x: f64) -> f64 {
    // In two factors: the power underflows before the quotient does, and the half of x may lose digits.
    let half = x.powf(order / 2.0) * 0.5_f64.powf(order / 2.0);
    half / libm::tgamma(order + 1.0) * half
}

/// (Gamma(order) (x / 2)^-order + c Gamma(-order) (x / 2)^order) / 2, what K is for a tiny x with c = 1, and
/// -pi / 2 Y with c = cos(pi order).
fn leading_pole(order: f64, x: f64, c: f64) -> f64 {
    if order < 1e-6 {
        let log = std::f64::consts::LN_2 - EULER - x.ln();
        return if order == 0.0 { log } else { (order * log).sinh() / order };
    }
    // In two factors: the power may overflow before the product does.
    let half = x.powf(-order / 2.0) * 2.0_f64.powf(order / 2.0);
    let pole = half * (libm::tgamma(order) / 2.0) * half;
    if order < 1.0 { pole + c * libm::tgamma(-order) / 2.0 / half / half } else { pole }
}
