//! Elementary functions of complex numbers where the formulas of nalgebra's scalars cancel or overflow: kernels of the
//! primitives, with principal branches as in C99 (Kahan, Branch Cuts for Complex Elementary Functions, 1987).

use nalgebra::{Complex, RealField, convert};

use crate::math::{self, bound, plain, turns};
use crate::{Real, Scalar};

/// A function of a complex number of doubles at a plain scalar.
fn at_base<R: Real>(z: Complex<R>, f: impl FnOnce(Complex<f64>) -> Complex<f64>) -> Complex<R> {
    let w = f(Complex::new(plain(z.re), plain(z.im)));
    Complex::new(convert(w.re), convert(w.im))
}

/// A function of two complex numbers of doubles at a plain scalar.
fn at_base_of_two<R: Real>(
    z: Complex<R>,
    w: Complex<R>,
    f: impl FnOnce(Complex<f64>, Complex<f64>) -> Complex<f64>,
) -> Complex<R> {
    at_base(z, |z| f(z, Complex::new(plain(w.re), plain(w.im))))
}

/// The exponent n with which 2^n brings a number near 1, and the number times 2^n; nothing where it is zero or not finite.
fn near_one(z: Complex<f64>) -> Option<(i32, Complex<f64>)> {
    let size = z.re.abs().max(z.im.abs());
    if size == 0.0 || !size.is_finite() || z.re.is_nan() || z.im.is_nan() {
        return None;
    }
    let n = (-libm::ilogb(size)).min(1022);
    Some((n, Complex::new(libm::scalbn(z.re, n), libm::scalbn(z.im, n))))
}

/// z / w. A finite divisor is brought near 1 first, so that no square overflows or underflows.
fn quotient(z: Complex<f64>, w: Complex<f64>) -> Complex<f64> {
    if w.im == 0.0 {
        return Complex::new(z.re / w.re, z.im / w.re);
    }
    let Some((n, near)) = near_one(w) else {
        let finite = z.re.is_finite() && z.im.is_finite();
        if finite && (w.re.is_infinite() || w.im.is_infinite()) {
            return Complex::new(0.0, 0.0);
        }
        return z / w;
    };
    // A part is nothing beside the other, but maybe not in the result.
    let nothing = |part: f64| part.abs() < 1e-290;
    if nothing(near.re) {
        return quotient(over_i(z), over_i(w));
    }
    if !(z.re.is_finite() && z.im.is_finite()) {
        return z.along(inverse(w));
    }
    if nothing(near.im) {
        let by_ratio = |part: f64| {
            let quotient = part / w.re;
            let first = if quotient.is_finite() { quotient * w.im } else { part * w.im / w.re };
            first / w.re
        };
        return Complex::new(z.re / w.re + by_ratio(z.im), z.im / w.re - by_ratio(z.re));
    }
    let (w, (m, z)) = (near, near_one(z).unwrap_or((0, z)));
    let square = w.re * w.re + w.im * w.im;
    let re = sum_of_products(z.re, w.re, z.im, w.im) / square;
    let im = sum_of_products(z.im, w.re, -z.re, w.im) / square;
    Complex::new(libm::scalbn(re, n - m), libm::scalbn(im, n - m))
}

/// a b + c d in fused operations, since the two may cancel.
fn sum_of_products(a: f64, b: f64, c: f64, d: f64) -> f64 {
    let product = c * d;
    a.mul_add(b, product) + c.mul_add(d, -product)
}

pub(super) fn div<R: Real>(z: Complex<R>, w: Complex<R>) -> Complex<R> {
    at_base_of_two(z, w, quotient)
}

pub(super) fn recip<R: Real>(z: Complex<R>) -> Complex<R> {
    at_base(z, inverse)
}

/// 1 / z.
fn inverse(z: Complex<f64>) -> Complex<f64> {
    if z.im == 0.0 {
        return Complex::new(z.re.recip(), if z.re == 0.0 { f64::NAN } else { -z.im });
    }
    if z.re == 0.0 {
        return Complex::new(z.re, -z.im.recip());
    }
    let Some((n, z)) = near_one(z) else {
        if z.re.is_infinite() || z.im.is_infinite() {
            return Complex::new(0.0_f64.copysign(z.re), (-0.0_f64).copysign(-z.im));
        }
        return Complex::new(f64::NAN, f64::NAN);
    };
    let square = z.re * z.re + z.im * z.im;
    Complex::new(libm::scalbn(z.re / square, n), libm::scalbn(-z.im / square, n))
}

/// The square, the real part of which does not cancel.
fn square(z: Complex<f64>) -> Complex<f64> {
    let re = if z.re.abs() == z.im.abs() { 0.0 } else { (z.re - z.im) * (z.re + z.im) };
    Complex::new(
        if z.re.is_finite() { re } else { z.re * z.re - z.im * z.im },
        if z.re == 0.0 || z.im == 0.0 { 0.0 } else { 2.0 * z.re * z.im },
    )
}

/// The root with a real part that is not negative (Kahan): of a number that is brought near 1 by a power of four.
fn root(z: Complex<f64>) -> Complex<f64> {
    if z.im.is_infinite() {
        return Complex::new(f64::INFINITY, z.im);
    }
    let Some((n, scaled)) = near_one(z) else {
        return match (z.re, z.im) {
            (0.0, 0.0) => Complex::new(0.0, z.im),
            (f64::INFINITY, im) if !im.is_nan() => {
                Complex::new(f64::INFINITY, 0.0_f64.copysign(im))
            }
            (f64::NEG_INFINITY, im) if !im.is_nan() => {
                Complex::new(0.0, f64::INFINITY.copysign(im))
            }
            _ => Complex::new(f64::NAN, f64::NAN),
        };
    };
    let (half, near) = if n % 2 == 0 { (n / 2, scaled) } else { ((n + 1) / 2, scaled * 2.0) };
    let size = (0.5 * (near.re.abs() + near.re.hypot(near.im))).sqrt();
    let larger = libm::scalbn(size, -half);
    // Of the smallest numbers a half is nothing, and beside the largest a part is, brought near 1.
    let smaller = if near.im.abs() < 1e-290 {
        0.5 * z.im.abs() / larger
    } else {
        libm::scalbn(0.5 * near.im.abs() / size, -half)
    };
    let (re, im) = if z.re >= 0.0 { (larger, smaller) } else { (smaller, larger) };
    Complex::new(re, im.copysign(z.im))
}

pub(super) fn sqrt<R: Real>(z: Complex<R>) -> Complex<R> {
    at_base(z, root)
}

/// The exponential of x times a complex number: in halves where it overflows alone, and without 0 times infinity.
fn exponential_times(x: f64, re: f64, im: f64) -> Complex<f64> {
    let times = |factor: f64| {
        if factor == 0.0 {
            factor
        } else if x > 700.0 {
            let half = (0.5 * x).exp();
            half * factor * half
        } else {
            x.exp() * factor
        }
    };
    Complex::new(times(re), times(im))
}

/// The half of the exponential of a large x times a complex number.
fn half_exponential_times(x: f64, re: f64, im: f64) -> Complex<f64> {
    let half = (0.5 * x).exp();
    let times = |factor: f64| if factor == 0.0 { factor } else { half * factor * (0.5 * half) };
    Complex::new(times(re), times(im))
}

fn exponential(z: Complex<f64>) -> Complex<f64> {
    if z.re == f64::NEG_INFINITY && !z.im.is_nan() {
        return Complex::new(0.0, 0.0);
    }
    if z.im == 0.0 {
        return Complex::new(z.re.exp(), z.im);
    }
    let (sin, cos) = z.im.sin_cos();
    exponential_times(z.re, cos, sin)
}

pub(super) fn exp<R: Real>(z: Complex<R>) -> Complex<R> {
    at_base(z, exponential)
}

/// 2^x by the power of the real part, and the turn by the imaginary one, however large that is.
pub(super) fn exp2<R: Real>(z: Complex<R>) -> Complex<R> {
    at_base(z, |z| power_of(z, z.re.exp2(), std::f64::consts::LN_2, turns::times_ln_2))
}

pub(super) fn exp10<R: Real>(z: Complex<R>) -> Complex<R> {
    at_base(z, |z| power_of(z, 10.0_f64.powf(z.re), std::f64::consts::LN_10, turns::times_ln_10))
}

fn power_of(
    z: Complex<f64>,
    size: f64,
    logarithm: f64,
    angle: impl Fn(f64) -> f64,
) -> Complex<f64> {
    if z.im == 0.0 {
        return Complex::new(size, z.im * logarithm);
    }
    if z.im.abs() < 1e-290 {
        // Its product with the logarithm may have lost digits.
        if size.is_finite() && size > 1.0 {
            return Complex::new(size, z.im * size * logarithm);
        }
        let power = exponential_times(z.re * logarithm, 1.0, z.im);
        return Complex::new(if size == 0.0 { power.re } else { size }, power.im * logarithm);
    }
    let angle = if z.im.abs() < 1.0 { z.im * logarithm } else { angle(z.im) };
    if !size.is_finite() || size == 0.0 {
        return exponential(Complex::new(z.re * logarithm, angle));
    }
    let (sin, cos) = angle.sin_cos();
    Complex::new(size * cos, size * sin)
}

/// The logarithm of the absolute value, which near 1 is that of its square less 1, and the angle.
fn logarithm(z: Complex<f64>) -> Complex<f64> {
    let angle = z.im.atan2(z.re);
    let (most, least) = (z.re.abs().max(z.im.abs()), z.re.abs().min(z.im.abs()));
    if most > 0.5 && most < 2.0 && least < 2.0 {
        // (most - 1) (most + 1) + least^2, in fused operations.
        let (linear, square) = ((most - 1.0) * (most + 1.0), least * least);
        let rest = (most - 1.0).mul_add(most + 1.0, -linear) + least.mul_add(least, -square);
        let beyond = linear + square;
        if beyond.abs() < 0.5 {
            return Complex::new(0.5 * (beyond + rest).ln_1p(), angle);
        }
    }
    let re = match near_one(z) {
        Some((n, z)) if !(-1000..1000).contains(&n) => {
            z.re.hypot(z.im).ln() - f64::from(n) * std::f64::consts::LN_2
        }
        _ => z.re.hypot(z.im).ln(),
    };
    Complex::new(re, angle)
}

pub(super) fn ln<R: Real>(z: Complex<R>) -> Complex<R> {
    at_base(z, logarithm)
}

pub(super) fn log2<R: Real>(z: Complex<R>) -> Complex<R> {
    at_base(z, |z| logarithm(z) / std::f64::consts::LN_2)
}

pub(super) fn log10<R: Real>(z: Complex<R>) -> Complex<R> {
    at_base(z, |z| logarithm(z) / std::f64::consts::LN_10)
}

/// exp(w ln(z)), which at 0 is what it is for a real exponent of the same real part.
pub(super) fn powf<R: Real>(z: Complex<R>, w: Complex<R>) -> Complex<R> {
    at_base_of_two(z, w, |z, w| {
        if w == Complex::new(0.0, 0.0) {
            return Complex::new(1.0, 0.0);
        }
        if z == Complex::new(0.0, 0.0) {
            return match w.re {
                re if re > 0.0 => Complex::new(0.0, 0.0),
                re if re < 0.0 && w.im == 0.0 => Complex::new(f64::INFINITY, f64::NAN),
                _ => Complex::new(f64::NAN, f64::NAN),
            };
        }
        if w.im == 0.0 && z.im == 0.0 && z.re > 0.0 {
            return Complex::new(z.re.powf(w.re), 0.0);
        }
        if w.im == 0.0 {
            return power(z, w.re);
        }
        let exponent = logarithm(z) * w;
        if exponent.re < -750.0 && z.im.is_finite() && w.im.is_finite() {
            // Whatever its angle is, which may be infinite.
            return Complex::new(0.0, 0.0);
        }
        // By the powers of both parts, so that one that is small leaves the other's digits.
        let (size, turn) = (power(z, w.re), exponential(logarithm(z) * Complex::new(0.0, w.im)));
        let ordinary = |x: f64| x.abs() > 1e-150 && x.abs() < 1e150;
        let both = ordinary(size.re.abs().max(size.im.abs())) && ordinary(turn.re.hypot(turn.im));
        if both { product(size, turn) } else { exponential(exponent) }
    })
}

/// A power with a real exponent.
fn power(z: Complex<f64>, exponent: f64) -> Complex<f64> {
    if exponent.fract() == 0.0 && exponent.abs() <= WHOLE {
        integer_power(z, exponent as i32)
    } else {
        real_power(z, exponent)
    }
}

/// The largest whole exponent that is taken by products.
const WHOLE: f64 = 64.0;

/// The power of the absolute value, and the turn by the angle times the exponent: by the angle from the nearest half axis, and
/// by that of this one, of which the product is exact for whole exponents.
fn real_power(z: Complex<f64>, exponent: f64) -> Complex<f64> {
    let (axis, angle) = if z.re.abs() < z.im.abs() {
        let sign = 1.0_f64.copysign(z.im);
        (0.5 * sign, (-sign * z.re).atan2(z.im.abs()))
    } else if z.re < 0.0 {
        (1.0_f64.copysign(z.im), (-z.im).atan2(-z.re))
    } else {
        (0.0, z.im.atan2(z.re))
    };
    let (of_axis, beside) = (axis * exponent, (angle * exponent).sin_cos());
    let (sin, cos) = (math::sinpi(of_axis), math::cospi(of_axis));
    let turn = product(Complex::new(cos, sin), Complex::new(beside.1, beside.0));
    if angle.abs() < f64::MIN_POSITIVE && z.re != 0.0 && z.im != 0.0 && exponent != 0.0 {
        let is_above = angle.is_sign_positive();
        return power_beside_axis(z, exponent, [cos, sin], turn, is_above);
    }
    let size = z.re.hypot(z.im);
    let power = size.powf(exponent);
    let ordinary = |x: f64| x > 1e-290 && x.is_finite();
    // The logarithm has more digits of a size near 1.
    if ordinary(size) && ordinary(power) && !(0.5..2.0).contains(&size) {
        return Complex::new(power * turn.re, power * turn.im);
    }
    exponential_times(logarithm(z).re * exponent, turn.re, turn.im)
}

/// The same beside an axis where the angle underflows, of which a large power makes a number: that part by logarithms.
#[cold]
fn power_beside_axis(
    z: Complex<f64>,
    exponent: f64,
    [cos, sin]: [f64; 2],
    turn: Complex<f64>,
    is_above: bool,
) -> Complex<f64> {
    let (least, most) = if z.re.abs() < z.im.abs() { (z.re, z.im) } else { (z.im, z.re) };
    let of_power = logarithm(z).re * exponent;
    let of_angle = least.abs().ln() - most.abs().ln() + exponent.abs().ln();
    let sign = if is_above == (exponent > 0.0) { 1.0 } else { -1.0 };
    let direct = exponential_times(of_power, turn.re, turn.im);
    let beside = exponential_times(of_power + of_angle, -sin * sign, cos * sign);
    let part = |turn: f64, direct: f64, beside: f64| {
        if turn.abs() < f64::MIN_POSITIVE { beside } else { direct }
    };
    Complex::new(part(turn.re, direct.re, beside.re), part(turn.im, direct.im, beside.im))
}

/// By repeated squares. Where a part overflows or underflows on the way, it is that of the number brought near 1; then, and off
/// the axes, a negative exponent is the inverse of the power, as the parts of that of the inverse can cancel.
fn integer_power(z: Complex<f64>, n: i32) -> Complex<f64> {
    let ordinary = |x: f64| x.is_finite() && x.abs() > 1e-290;
    let on_axis = z.re == 0.0 || z.im == 0.0;
    let by_squares = |z: Complex<f64>, inside: bool| {
        let power = repeated_squares(z, n.unsigned_abs());
        match n < 0 {
            true if inside || ordinary(power.re) && ordinary(power.im) => inverse(power),
            true => repeated_squares(inverse(z), n.unsigned_abs()),
            false => power,
        }
    };
    let direct = by_squares(z, false);
    let Some((shift, near)) = near_one(z).filter(|_| !on_axis) else { return direct };
    if ordinary(direct.re) && ordinary(direct.im) {
        return direct;
    }
    let near = by_squares(near, true);
    let back = -shift * n;
    let part = |direct: f64, near: f64| {
        let scaled = libm::scalbn(near, back);
        let lost = !near.is_finite() || direct.is_finite() && scaled == 0.0;
        if ordinary(direct) || lost { direct } else { scaled }
    };
    Complex::new(part(direct.re, near.re), part(direct.im, near.im))
}

fn repeated_squares(mut base: Complex<f64>, mut left: u32) -> Complex<f64> {
    let mut power: Option<Complex<f64>> = None;
    loop {
        if left % 2 == 1 {
            power = Some(power.map_or(base, |power| product(power, base)));
        }
        left /= 2;
        if left == 0 {
            return power.unwrap_or(Complex::new(1.0, 0.0));
        }
        base = square(base);
    }
}

/// z w. Where a part overflows or underflows on the way, it is that of the numbers brought near 1.
fn product(z: Complex<f64>, w: Complex<f64>) -> Complex<f64> {
    let direct = Complex::new(
        sum_of_products(z.re, w.re, -z.im, w.im),
        sum_of_products(z.re, w.im, z.im, w.re),
    );
    let ordinary = |x: f64| x.is_finite() && x.abs() > 1e-280;
    if ordinary(direct.re) && ordinary(direct.im) {
        return direct;
    }
    let on_axis = |z: Complex<f64>| z.re == 0.0 || z.im == 0.0;
    match (near_one(z), near_one(w)) {
        (Some((m, z)), Some((n, w))) if !on_axis(z) && !on_axis(w) => {
            let part = |direct: f64, scaled: f64| {
                let scaled = libm::scalbn(scaled, -m - n);
                if ordinary(direct) || direct.is_finite() && scaled == 0.0 {
                    direct
                } else {
                    scaled
                }
            };
            Complex::new(
                part(direct.re, sum_of_products(z.re, w.re, -z.im, w.im)),
                part(direct.im, sum_of_products(z.re, w.im, z.im, w.re)),
            )
        }
        _ => {
            let along = z.along(w);
            let finite = [z.re, z.im, w.re, w.im].iter().all(|x| x.is_finite());
            let part = |direct, along| if finite && ordinary(direct) { direct } else { along };
            Complex::new(part(direct.re, along.re), part(direct.im, along.im))
        }
    }
}

pub(super) fn mul<R: Real>(z: Complex<R>, w: Complex<R>) -> Complex<R> {
    at_base_of_two(z, w, product)
}

pub(super) fn powi<R: Real>(z: Complex<R>, n: i32) -> Complex<R> {
    at_base(z, |z| {
        let exponent = f64::from(n);
        let few = exponent.abs() <= WHOLE || z.re == 0.0 && z.im == 0.0;
        if few { integer_power(z, n) } else { real_power(z, exponent) }
    })
}

/// The principal cube root.
pub(super) fn cbrt<R: Real>(z: Complex<R>) -> Complex<R> {
    at_base(z, |z| {
        if z.im == 0.0 && z.re >= 0.0 {
            return Complex::new(z.re.cbrt(), z.im);
        }
        let Some((n, scaled)) = near_one(z) else { return z };
        // A power of eight.
        let (third, scaled) = match n.rem_euclid(3) {
            0 => (n / 3, scaled),
            rest => ((n + 3 - rest) / 3, scaled * f64::from(1 << (3 - rest))),
        };
        let (sin, cos) = (z.im.atan2(z.re) / 3.0).sin_cos();
        let size = scaled.re.hypot(scaled.im).cbrt();
        Complex::new(libm::scalbn(size * cos, -third), libm::scalbn(size * sin, -third))
    })
}

/// cosh(x + i y) = cosh x cos y + i sinh x sin y and sinh(x + i y) = sinh x cos y + i cosh x sin y; far out both are half an
/// exponential.
fn hyperbolic_pair(z: Complex<f64>) -> (Complex<f64>, Complex<f64>) {
    let (sin, cos) = if z.im == 0.0 { (z.im, 1.0) } else { z.im.sin_cos() };
    if z.re.abs() > 700.0 {
        let cosh = half_exponential_times(z.re.abs(), cos, sin * z.re.signum());
        let sinh = half_exponential_times(z.re.abs(), cos * z.re.signum(), sin);
        return (cosh, sinh);
    }
    let (sinh, cosh) = (z.re.sinh(), z.re.cosh());
    (Complex::new(cosh * cos, sinh * sin), Complex::new(sinh * cos, cosh * sin))
}

pub(super) fn cosh<R: Real>(z: Complex<R>) -> Complex<R> {
    at_base(z, |z| hyperbolic_pair(z).0)
}

pub(super) fn sinh<R: Real>(z: Complex<R>) -> Complex<R> {
    at_base(z, |z| hyperbolic_pair(z).1)
}

/// cos z = cosh(i z).
pub(super) fn cos<R: Real>(z: Complex<R>) -> Complex<R> {
    at_base(z, |z| hyperbolic_pair(times_i(z)).0)
}

/// sin z = -i sinh(i z).
pub(super) fn sin<R: Real>(z: Complex<R>) -> Complex<R> {
    at_base(z, |z| over_i(hyperbolic_pair(times_i(z)).1))
}

/// 1 / cosh z and 1 / sinh z, which far out are 2 exp(-|z|) by the sign of the real part.
fn inverse_hyperbolic_pair(z: Complex<f64>) -> (Complex<f64>, Complex<f64>) {
    if z.re.abs() > 20.0 {
        let sign = z.re.signum();
        let (sin, cos) = if z.im == 0.0 { (z.im, 1.0) } else { z.im.sin_cos() };
        let part = |factor: f64| {
            // In halves, so that the product underflows gradually.
            let half = (-0.5 * z.re.abs()).exp();
            if half == 0.0 { 0.0_f64.copysign(factor) } else { 2.0 * factor * half * half }
        };
        return (
            Complex::new(part(cos), part(-sin * sign)),
            Complex::new(part(cos * sign), part(-sin)),
        );
    }
    let (cosh, sinh) = hyperbolic_pair(z);
    (inverse(cosh), inverse(sinh))
}

pub(super) fn sech<R: Real>(z: Complex<R>) -> Complex<R> {
    at_base(z, |z| inverse_hyperbolic_pair(z).0)
}

pub(super) fn csch<R: Real>(z: Complex<R>) -> Complex<R> {
    at_base(z, |z| inverse_hyperbolic_pair(z).1)
}

/// sec z = sech(i z).
pub(super) fn sec<R: Real>(z: Complex<R>) -> Complex<R> {
    at_base(z, |z| inverse_hyperbolic_pair(times_i(z)).0)
}

/// csc z = i csch(i z).
pub(super) fn csc<R: Real>(z: Complex<R>) -> Complex<R> {
    at_base(z, |z| times_i(inverse_hyperbolic_pair(times_i(z)).1))
}

/// 1 / tanh z.
pub(super) fn coth<R: Real>(z: Complex<R>) -> Complex<R> {
    at_base(z, |z| inverse(over_i(tangent(times_i(z)))))
}

/// 1 / tan z.
pub(super) fn cot<R: Real>(z: Complex<R>) -> Complex<R> {
    at_base(z, |z| inverse(tangent(z)))
}

/// 1 - z^2 for a number of any scalar that is complex, each part of which keeps its digits next to the axes.
fn one_minus_square<T: Scalar>(mut z: T) -> T {
    if let [re, im] = z.parts_mut() {
        let (x, y, one) = (*re, *im, nalgebra::one::<T::Real>());
        // By its square a small number moves it as it should, by its factors a large one; by those of y^2 - x^2 where that is
        // about zero and 1 the least of it.
        let (width, height) = (x.to_f64().abs(), y.to_f64().abs());
        let real = if width > 2.0 && width < 2.0 * height && height < 2.0 * width {
            (y - x) * (y + x) + one
        } else if width < 0.5 {
            one - x * x + y * y
        } else {
            (one - x) * (one + x) + y * y
        };
        (*re, *im) = (real, -(x + x) * y);
    }
    z
}

/// 1 - z and 1 + z, the imaginary parts of which keep the signs of their zeros.
fn around_one<T: Scalar>(z: T) -> (T, T) {
    let (mut below, mut above) = (-z, z);
    for z in [&mut below, &mut above] {
        z.parts_mut()[0] += nalgebra::one::<T::Real>();
    }
    (below, above)
}

/// From here on 1 is nothing beside the square of a number, products of which may overflow, and of its inverse underflow.
fn large<T: Scalar>() -> f64 {
    bound::<T::Real>(1e8, 1e30)
}

/// sqrt(1 - z^2) for a number of any scalar that is complex: far out -i z above the real axis, and i z below it.
pub(super) fn root_of_one_minus_square<T: Scalar>(z: T) -> T {
    if z.real().to_f64().abs().max(z.imaginary().to_f64().abs()) < large::<T>() {
        return math::sqrt(one_minus_square(z));
    }
    let turned = times_unit(z);
    if z.imaginary().is_sign_negative() { turned } else { -turned }
}

/// sqrt(z - 1) sqrt(z + 1) for a number of any scalar that is complex: i sqrt(1 - z^2) above the real axis, and minus that
/// below it.
pub(super) fn root_of_square_minus_one<T: Scalar>(z: T) -> T {
    let root = times_unit(root_of_one_minus_square(z));
    if z.imaginary().is_sign_negative() { -root } else { root }
}

/// 1 / (1 - z^2) for a number of any scalar that is complex: next to its poles the sum of two fractions.
pub(super) fn over_one_minus_square<T: Scalar>(z: T) -> T {
    let (x, y) = (z.real().to_f64().abs(), z.imaginary().to_f64().abs());
    let (below, above) = around_one(z);
    if (x - 1.0).abs().max(y) < 0.1 {
        return (math::recip(below) + math::recip(above)).scale(convert(0.5));
    }
    if x.max(y) < large::<T>() {
        return math::recip(one_minus_square(z));
    }
    math::mul(math::recip(below), math::recip(above))
}

/// The derivative of the four functions that are 1 / z + rest z near 0, so near that it is that of this.
pub(super) fn slope_at_pole<T: Scalar>(z: T, rest: f64) -> Option<T> {
    let near = z.real().to_f64().abs().max(z.imaginary().to_f64().abs()) < 1e-9;
    near.then(|| convert::<f64, T>(rest) - math::powi(z, -2))
}

/// i z for a number of any scalar that is complex.
pub(super) fn times_unit<T: Scalar>(z: T) -> T {
    let mut z = z;
    if let [re, im] = z.parts_mut() {
        (*re, *im) = (-*im, *re);
    }
    z
}

/// i z.
fn times_i(z: Complex<f64>) -> Complex<f64> {
    Complex::new(-z.im, z.re)
}

/// -i z.
fn over_i(z: Complex<f64>) -> Complex<f64> {
    Complex::new(z.im, -z.re)
}

/// exp(x) cos(y) - 1 is (exp(x) - 1) cos(y) + (cos(y) - 1).
pub(super) fn exp_m1<R: Real>(z: Complex<R>) -> Complex<R> {
    at_base(z, |z| {
        let half = (0.5 * z.im).sin();
        if z.re > 700.0 || z.re == f64::NEG_INFINITY {
            let whole = exponential(z);
            return Complex::new(whole.re - 1.0, whole.im);
        }
        let re = z.re.exp_m1() * z.im.cos() - 2.0 * half * half;
        Complex::new(re, if z.im == 0.0 { z.im } else { z.re.exp() * z.im.sin() })
    })
}

/// |1 + z|^2 - 1 is x (2 + x) + y^2, in fused operations, since the two cancel on the circle.
pub(super) fn ln_1p<R: Real>(z: Complex<R>) -> Complex<R> {
    at_base(z, |z| {
        let angle = z.im.atan2(1.0 + z.re);
        if z.re.abs() > 0.5 || z.im.abs() > 1.0 {
            // The sum is exact wherever it is next to the circle.
            return logarithm(Complex::new(1.0 + z.re, z.im));
        }
        let square = z.im * z.im;
        let rest = z.im.mul_add(z.im, -square);
        let linear = z.re * (2.0 + z.re);
        let rest_of_linear = z.re.mul_add(z.re, 2.0f64.mul_add(z.re, -linear));
        Complex::new(0.5 * (linear + square + (rest + rest_of_linear)).ln_1p(), angle)
    })
}

/// tan(x + i y) = (sin x cos x + i sinh y cosh y) / (cos^2 x + sinh^2 y); with t = tanh y and beyond |y| = 20 its limit.
fn tangent(z: Complex<f64>) -> Complex<f64> {
    let (sin, cos) = z.re.sin_cos();
    if z.im.abs() > 20.0 {
        // What the angle is does not matter at an infinite height alone.
        if !z.re.is_finite() && z.im.is_finite() {
            return Complex::new(f64::NAN, f64::NAN);
        }
        let small = (-2.0 * z.im.abs()).exp();
        let re = if small == 0.0 { 0.0 } else { 4.0 * sin * cos * small };
        return Complex::new(re, 1.0f64.copysign(z.im));
    }
    if z.re.abs() < 1e-8 && z.im.abs() < 1e-8 {
        // Where squares are nothing.
        return z;
    }
    let (sinh, cosh) = (z.im.sinh(), z.im.cosh());
    let below = cos * cos + sinh * sinh;
    Complex::new(sin * cos / below, sinh * cosh / below)
}

pub(super) fn tan<R: Real>(z: Complex<R>) -> Complex<R> {
    at_base(z, tangent)
}

/// tanh z = -i tan(i z).
pub(super) fn tanh<R: Real>(z: Complex<R>) -> Complex<R> {
    at_base(z, |z| over_i(tangent(times_i(z))))
}

/// arsinh by Hull, Fairgrieve and Tang (Implementing the complex arcsine and arccosine functions using exception handling,
/// 1997): with r = |z + i| and s = |z - i|, a = (r + s) / 2 and b = y / a, it is sign(x) arcosh(a) + i arcsin(b), each where it
/// does not cancel.
fn area_sine(z: Complex<f64>) -> Complex<f64> {
    let (x, y) = (z.re.abs(), z.im.abs());
    if x > 1e150 || y > 1e150 {
        let (x, y) = (0.5 * x, 0.5 * y);
        let re = x.hypot(y).ln() + 2.0 * std::f64::consts::LN_2;
        return Complex::new(re.copysign(z.re), y.atan2(x).copysign(z.im));
    }
    if y < 1.0 && x <= 1e-9 * (1.0 - y) {
        // Where the square of x is nothing beside that of 1 - y.
        let re = x / ((1.0 - y) * (1.0 + y)).sqrt();
        return Complex::new(re.copysign(z.re), y.asin().copysign(z.im));
    }
    let (r, s) = (x.hypot(y + 1.0), x.hypot(y - 1.0));
    let a = 0.5 * (r + s);
    let b = y / a;
    // a - 1 without cancellation.
    let beyond = if y < 1.0 { x * x / (s + (1.0 - y)) } else { s + (y - 1.0) };
    let twice = x * x / (r + y + 1.0) + beyond;
    let re = if a < 10.0 {
        (0.5 * twice + (twice * (0.5 * (a + 1.0))).sqrt()).ln_1p()
    } else {
        (a + ((a - 1.0) * (a + 1.0)).sqrt()).ln()
    };
    let im = if b <= 0.6417 {
        b.asin()
    } else {
        let apy = a + y;
        let beside = if y <= 1.0 {
            (0.5 * apy * (x * x / (r + y + 1.0) + (s + (1.0 - y)))).sqrt()
        } else {
            x * (0.5 * (apy / (r + y + 1.0) + apy / (s + (y - 1.0)))).sqrt()
        };
        y.atan2(beside)
    };
    Complex::new(re.copysign(z.re), im.copysign(z.im))
}

pub(super) fn asinh<R: Real>(z: Complex<R>) -> Complex<R> {
    at_base(z, area_sine)
}

/// arcsin z = -i arsinh(i z).
pub(super) fn asin<R: Real>(z: Complex<R>) -> Complex<R> {
    at_base(z, |z| over_i(area_sine(times_i(z))))
}

/// arccos z: with the roots of 1 - z and 1 + z (Kahan) it is 2 atan(Re / Re) + i arsinh(Im (conj(sqrt(1 + z)) sqrt(1 - z))).
fn arc_cosine(z: Complex<f64>) -> Complex<f64> {
    let below = root(Complex::new(1.0 - z.re, -z.im));
    let above = root(Complex::new(1.0 + z.re, z.im));
    let re = if z.re.is_infinite() || z.im.is_infinite() {
        z.im.abs().atan2(z.re)
    } else {
        2.0 * below.re.atan2(above.re)
    };
    let im = area_sine(over_i(z)).re;
    Complex::new(re, im.abs().copysign(-z.im))
}

pub(super) fn acos<R: Real>(z: Complex<R>) -> Complex<R> {
    at_base(z, arc_cosine)
}

/// arcosh z = arsinh(Re (conj(sqrt(z - 1)) sqrt(z + 1))) + 2 i atan(Im sqrt(z - 1) / Re sqrt(z + 1)) (Kahan).
pub(super) fn acosh<R: Real>(z: Complex<R>) -> Complex<R> {
    at_base(z, |z| {
        let below = root(Complex::new(z.re - 1.0, z.im));
        let above = root(Complex::new(z.re + 1.0, z.im));
        let re = area_sine(over_i(z)).re.abs();
        let im = if z.re.is_infinite() || z.im.is_infinite() {
            z.im.atan2(z.re)
        } else {
            2.0 * below.im.atan2(above.re)
        };
        Complex::new(re, im)
    })
}

/// artanh z: the real part is ln(1 + 4 x / ((1 - x)^2 + y^2)) / 4, the imaginary one the half of the angle of
/// (1 - x)(1 + x) - y^2 + 2 i y.
fn area_tangent(z: Complex<f64>) -> Complex<f64> {
    let (x, y) = (z.re.abs(), z.im);
    if x > 1e100 || y.abs() > 1e100 {
        // 1 / z, and the quarter turn.
        let (quarter, size) = (0.25 * x, (0.25 * x).hypot(0.25 * y));
        let re = if size.is_infinite() { 0.0 } else { 0.25 * (quarter / size) / size };
        let known = !y.is_nan() && !size.is_nan();
        let im = if known { std::f64::consts::FRAC_PI_2.copysign(y) } else { f64::NAN };
        return Complex::new(re.copysign(z.re), im);
    }
    let beside = (1.0 - x).hypot(y);
    let re = if beside < 1e-100 {
        // Its square would be nothing.
        0.5 * ((1.0 + x).ln() - beside.ln())
    } else {
        0.25 * (4.0 * x / (beside * beside)).ln_1p()
    };
    let im = 0.5 * (2.0 * y).atan2((1.0 - x) * (1.0 + x) - y * y);
    Complex::new(re.copysign(z.re), im)
}

pub(super) fn atanh<R: Real>(z: Complex<R>) -> Complex<R> {
    at_base(z, area_tangent)
}

/// arctan z = -i artanh(i z).
pub(super) fn atan<R: Real>(z: Complex<R>) -> Complex<R> {
    at_base(z, |z| over_i(area_tangent(times_i(z))))
}

/// sin(pi (x + i y)) = sin(pi x) cosh(pi y) + i cos(pi x) sinh(pi y), with the first factors exact at whole and half numbers.
pub(super) fn sinpi<R: Real>(z: Complex<R>) -> Complex<R> {
    at_base(z, |z| half_turn(z, math::sinpi(z.re), math::cospi(z.re)))
}

/// cos(pi (x + i y)) = cos(pi x) cosh(pi y) - i sin(pi x) sinh(pi y).
pub(super) fn cospi<R: Real>(z: Complex<R>) -> Complex<R> {
    at_base(z, |z| half_turn(z, math::cospi(z.re), -math::sinpi(z.re)))
}

/// re cosh(pi y) + i im sinh(pi y).
fn half_turn(z: Complex<f64>, re: f64, im: f64) -> Complex<f64> {
    let y = std::f64::consts::PI * z.im;
    if y.abs() > 700.0 {
        return half_exponential_times(y.abs(), re, im * y.signum());
    }
    Complex::new(re * y.cosh(), if y == 0.0 { im * y } else { im * y.sinh() })
}

/// sin(pi z) / (pi z): by its series near 0, and divided before it is multiplied with what overflows.
pub(super) fn sinc<R: Real>(z: Complex<R>) -> Complex<R> {
    at_base(z, |z| {
        let angle = z * std::f64::consts::PI;
        if z.re.abs() + z.im.abs() < 0.1 {
            let square = product(angle, angle);
            let one = Complex::new(1.0, 0.0);
            return (1..=7).rev().fold(one, |sum, k| {
                let k = f64::from(k);
                one - product(square, sum) / (2.0 * k * (2.0 * k + 1.0))
            });
        }
        if angle.im.abs() > 700.0 {
            let (sin, cos) = (math::sinpi(z.re), math::cospi(z.re));
            let half = Complex::new(0.5 * sin, 0.5 * cos * z.im.signum());
            let Some((n, near)) = near_one(z) else {
                let quotient = quotient(half, angle);
                return exponential_times(angle.im.abs(), quotient.re, quotient.im);
            };
            // By a number near 1, of which no square overflows; a half of the exponential takes a half of the power of two.
            let quotient = quotient(half, near) / std::f64::consts::PI;
            let half = (0.5 * angle.im.abs()).exp();
            let factors = [n / 2, n - n / 2].map(|n| libm::scalbn(half, n));
            let times = |part: f64| if part == 0.0 { part } else { factors[0] * part * factors[1] };
            return Complex::new(times(quotient.re), times(quotient.im));
        }
        quotient(half_turn(z, math::sinpi(z.re), math::cospi(z.re)), z) / std::f64::consts::PI
    })
}
