//! Hankel functions of real order and real argument: Bessel functions of the third kind.

use nalgebra::{Complex, convert};

use super::bessel::{FAR, Sums, Wave, slope_of_j, slope_of_y};
use crate::math::{besselj, bessely, plain};
use crate::{Real, primitive};

/// The Hankel function of the first kind, J(x) + i Y(x), of real order.
///
/// Domain: x > 0; NaN below.
/// Edge: its imaginary part is infinite at 0; 0 at infinity.
/// The derivative by x is (H_(order - 1) - H_(order + 1)) / 2 (DLMF 10.6.1), that by the order has no closed form.
///
/// ```
/// let h = difrules_core::math::hankelh1(0.5_f64, 2.0);
/// assert!((h.re - 0.5130161365618278).abs() < 1e-15 && (h.im - 0.2347857104062485).abs() < 1e-15);
/// ```
#[primitive(
    forward = |order, x, h, _, x_dot| along(slope_of_first(order, x, h), x_dot),
    reverse = |order, x, h, h_bar| back(slope_of_first(order, x, h), h_bar),
    symbolic = (
        unknown,
        |order, x| (hankelh1(order - T::one(), x) - hankelh1(order + T::one(), x)) * convert::<f64, T>(0.5)
    ),
    instances(#[cfg(feature = "f32")] f32, f64),
    sample = |random| (random.between(0.1, 5.0), random.between(0.7, 12.0)),
    alias("SpecialFunctions.hankelh1")
)]
pub fn hankelh1<T: Real>(order: T, x: T) -> Complex<T> {
    at_base(order, x, hankel)
}

/// The Hankel function of the second kind, J(x) - i Y(x), of real order.
///
/// Domain: x > 0; NaN below.
/// Edge: its imaginary part is infinite at 0; 0 at infinity.
/// The derivative by x is (H_(order - 1) - H_(order + 1)) / 2 (DLMF 10.6.1), that by the order has no closed form.
///
/// ```
/// let h = difrules_core::math::hankelh2(0.5_f64, 2.0);
/// assert!((h.re - 0.5130161365618278).abs() < 1e-15 && (h.im + 0.2347857104062485).abs() < 1e-15);
/// ```
#[primitive(
    forward = |order, x, h, _, x_dot| along(slope_of_first(order, x, h.conj()).conj(), x_dot),
    reverse = |order, x, h, h_bar| back(slope_of_first(order, x, h.conj()).conj(), h_bar),
    symbolic = (
        unknown,
        |order, x| (hankelh2(order - T::one(), x) - hankelh2(order + T::one(), x)) * convert::<f64, T>(0.5)
    ),
    instances(#[cfg(feature = "f32")] f32, f64),
    sample = |random| (random.between(0.1, 5.0), random.between(0.7, 12.0)),
    alias("SpecialFunctions.hankelh2")
)]
pub fn hankelh2<T: Real>(order: T, x: T) -> Complex<T> {
    at_base(order, x, |order, x| hankel(order, x).conj())
}

/// The Hankel function of the first kind, scaled: exp(-i x) (J(x) + i Y(x)).
///
/// Domain: x > 0; NaN below.
/// Edge: its imaginary part is infinite at 0; 0 at infinity.
/// The derivative by x is exp(-i x) H'(x) - i exp(-i x) H(x), without its cancellation far out.
///
/// ```
/// let h = difrules_core::math::hankelh1x(0.5_f64, 2.0);
/// assert!(h.re.abs() < 1e-15 && (h.im + 0.5641895835477563).abs() < 1e-15);
/// ```
#[primitive(
    forward = |order, x, h, _, x_dot| along(slope_of_scaled(order, x, h), x_dot),
    reverse = |order, x, h, h_bar| back(slope_of_scaled(order, x, h), h_bar),
    symbolic = (
        unknown,
        |order, x| (hankelh1x(order - T::one(), x) - hankelh1x(order + T::one(), x)) * convert::<f64, T>(0.5) - Complex::i() * hankelh1x(order, x)
    ),
    instances(#[cfg(feature = "f32")] f32, f64),
    sample = |random| (random.between(0.1, 5.0), random.between(0.7, 12.0)),
    alias("SpecialFunctions.hankelh1x")
)]
pub fn hankelh1x<T: Real>(order: T, x: T) -> Complex<T> {
    at_base(order, x, scaled_hankel)
}

/// The Hankel function of the second kind, scaled: exp(i x) (J(x) - i Y(x)).
///
/// Domain: x > 0; NaN below.
/// Edge: its imaginary part is infinite at 0; 0 at infinity.
/// The derivative by x is exp(i x) H'(x) + i exp(i x) H(x), without its cancellation far out.
///
/// ```
/// let h = difrules_core::math::hankelh2x(0.5_f64, 2.0);
/// assert!(h.re.abs() < 1e-15 && (h.im - 0.5641895835477563).abs() < 1e-15);
/// ```
#[primitive(
    forward = |order, x, h, _, x_dot| along(slope_of_scaled(order, x, h.conj()).conj(), x_dot),
    reverse = |order, x, h, h_bar| back(slope_of_scaled(order, x, h.conj()).conj(), h_bar),
    symbolic = (
        unknown,
        |order, x| (hankelh2x(order - T::one(), x) - hankelh2x(order + T::one(), x)) * convert::<f64, T>(0.5) + Complex::i() * hankelh2x(order, x)
    ),
    instances(#[cfg(feature = "f32")] f32, f64),
    sample = |random| (random.between(0.1, 5.0), random.between(0.7, 12.0)),
    alias("SpecialFunctions.hankelh2x")
)]
pub fn hankelh2x<T: Real>(order: T, x: T) -> Complex<T> {
    at_base(order, x, |order, x| scaled_hankel(order, x).conj())
}

/// The Bessel function of the third kind: [`hankelh1`](fn@hankelh1).
///
/// Domain: x > 0; NaN below.
/// Edge: its imaginary part is infinite at 0; 0 at infinity.
/// The derivative by x is (H_(order - 1) - H_(order + 1)) / 2 (DLMF 10.6.1), that by the order has no closed form.
///
/// ```
/// let h = difrules_core::math::besselh(0.5_f64, 2.0);
/// assert!((h.re - 0.5130161365618278).abs() < 1e-15 && (h.im - 0.2347857104062485).abs() < 1e-15);
/// ```
#[primitive(
    forward = |order, x, h, _, x_dot| along(slope_of_first(order, x, h), x_dot),
    reverse = |order, x, h, h_bar| back(slope_of_first(order, x, h), h_bar),
    symbolic = (
        unknown,
        |order, x| (besselh(order - T::one(), x) - besselh(order + T::one(), x)) * convert::<f64, T>(0.5)
    ),
    instances(#[cfg(feature = "f32")] f32, f64),
    sample = |random| (random.between(0.1, 5.0), random.between(0.7, 12.0)),
    alias("SpecialFunctions.besselh")
)]
pub fn besselh<T: Real>(order: T, x: T) -> Complex<T> {
    at_base(order, x, hankel)
}

/// The Bessel function of the third kind, scaled by exp(-i x): [`hankelh1x`](fn@hankelh1x).
///
/// Domain: x > 0; NaN below.
/// Edge: its imaginary part is infinite at 0; 0 at infinity.
/// The derivative by x is exp(-i x) H'(x) - i exp(-i x) H(x), without its cancellation far out.
///
/// ```
/// let h = difrules_core::math::besselhx(0.5_f64, 2.0);
/// assert!(h.re.abs() < 1e-15 && (h.im + 0.5641895835477563).abs() < 1e-15);
/// ```
#[primitive(
    forward = |order, x, h, _, x_dot| along(slope_of_scaled(order, x, h), x_dot),
    reverse = |order, x, h, h_bar| back(slope_of_scaled(order, x, h), h_bar),
    symbolic = (
        unknown,
        |order, x| (besselhx(order - T::one(), x) - besselhx(order + T::one(), x)) * convert::<f64, T>(0.5) - Complex::i() * besselhx(order, x)
    ),
    instances(#[cfg(feature = "f32")] f32, f64),
    sample = |random| (random.between(0.1, 5.0), random.between(0.7, 12.0)),
    alias("SpecialFunctions.besselhx")
)]
pub fn besselhx<T: Real>(order: T, x: T) -> Complex<T> {
    at_base(order, x, scaled_hankel)
}

fn at_base<T: Real>(order: T, x: T, f: impl FnOnce(f64, f64) -> Complex<f64>) -> Complex<T> {
    let Complex { re, im } = f(plain(order), plain(x));
    Complex::new(convert(re), convert(im))
}

/// The tangent of the result, of the derivative by x.
fn along<T: Real>(slope: Complex<T>, x_dot: T) -> Complex<T> {
    Complex::new(slope.re * x_dot, slope.im * x_dot)
}

/// The adjoints of the order, by which nobody asks, and of x: Re(conj(slope) h_bar). A part that nobody asks for may have an
/// infinite derivative.
fn back<T: Real>(slope: Complex<T>, h_bar: Complex<T>) -> (T, T) {
    let part = |slope: T, h_bar: T| if h_bar.is_constant_zero() { h_bar } else { slope * h_bar };
    (T::zero(), part(slope.re, h_bar.re) + part(slope.im, h_bar.im))
}

/// H' of the first kind.
fn slope_of_first<T: Real>(order: T, x: T, h: Complex<T>) -> Complex<T> {
    Complex::new(slope_of_j(order, x, h.re), slope_of_y(order, x, h.im))
}

/// The derivative of exp(-i x) H by x.
fn slope_of_scaled<T: Real>(order: T, x: T, h: Complex<T>) -> Complex<T> {
    let (nu, at) = (order.to_f64().abs(), x.to_f64());
    if at > nu && at.is_finite() {
        let r = ((x - order) * (x + order)).sqrt();
        let far = r.to_f64() - nu * r.to_f64().atan2(nu);
        if far >= FAR {
            // The derivative of the logarithm of the expansion in `Wave`, where x itself cancels.
            let ratio = order / r;
            let sums = Sums::new(-ratio * ratio, r, far, -1.0);
            let sum = Complex::new(sums.even, -sums.odd);
            let slope = Complex::new(sums.even_slope, -sums.odd_slope);
            let half = Complex::new(convert(0.5), T::zero());
            let amplitude = (half + slope / sum) * (-x / r / r);
            let phase = -(order / x) * (order / (x + r));
            return h * (amplitude + Complex::new(T::zero(), phase));
        }
    }
    // It grows in the direction in which it left the finite numbers.
    if h.im.to_f64().is_infinite() {
        return -h;
    }
    let difference = hankelh1x(order - T::one(), x) - hankelh1x(order + T::one(), x);
    // -i h is (h.im, -h.re).
    difference * convert::<f64, T>(0.5) + Complex::new(h.im, -h.re)
}

#[cfg_attr(not(feature = "calls"), inline)]
fn hankel(order: f64, x: f64) -> Complex<f64> {
    if x < 0.0 {
        return Complex::new(f64::NAN, f64::NAN);
    }
    Complex::new(besselj(order, x), bessely(order, x))
}

#[cfg_attr(not(feature = "calls"), inline)]
fn scaled_hankel(order: f64, x: f64) -> Complex<f64> {
    if let Some(wave) = Wave::new(order, x) {
        let (re, im) = wave.parts(0.0);
        return Complex::new(re, im);
    }
    let h = hankel(order, x);
    // At 0, and where it overflows, there is no turn to be seen.
    if x == 0.0 || h.im.is_infinite() { h } else { h * Complex::new(x.cos(), -x.sin()) }
}
