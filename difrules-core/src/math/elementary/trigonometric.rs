//! Trigonometric functions.

use nalgebra::{Complex, ComplexField, RealField, convert};

use super::complex;
use super::power::cosine;
use crate::math::twofold::twofold;
use crate::math::{bound, div, hypot_derivative, ln_hypot_derivative, mul, recip};
use crate::{Real, Scalar, primitive};

/// The sine of an angle in radians.
///
/// Domain: all x.
/// Edge: NaN at the infinities; keeps the sign of 0.
///
/// ```
/// assert!((difrules_core::math::sin(0.5_f64) - 0.479425538604203).abs() < 1e-12);
/// ```
#[primitive(
    partial = |x| x.cos(),
    complex = |x| cos(x),
    kernel(Complex<f64> = complex::sin, Complex<f32> = complex::sin),
    instances(
        #[cfg(feature = "f32")] f32,
        f64,
        #[cfg(all(feature = "f32", feature = "complex"))] Complex<f32>,
        #[cfg(feature = "complex")] Complex<f64>
    ),
    alias("Base.sin", "NaNMath.sin")
)]
pub fn sin<T: Scalar>(x: T) -> T {
    x.sin()
}

/// The cosine of an angle in radians.
///
/// Domain: all x.
/// Edge: NaN at the infinities.
///
/// ```
/// assert!((difrules_core::math::cos(0.5_f64) - 0.8775825618903728).abs() < 1e-12);
/// ```
#[primitive(
    partial = |x| -x.sin(),
    complex = |x| -sin(x),
    kernel(Complex<f64> = complex::cos, Complex<f32> = complex::cos),
    instances(
        #[cfg(feature = "f32")] f32,
        f64,
        #[cfg(all(feature = "f32", feature = "complex"))] Complex<f32>,
        #[cfg(feature = "complex")] Complex<f64>
    ),
    alias("Base.cos", "NaNMath.cos")
)]
pub fn cos<T: Scalar>(x: T) -> T {
    x.cos()
}

/// cos(x) - 1, accurate near 0.
///
/// Domain: all finite x.
/// Edge: NaN at the infinities.
///
/// ```
/// assert!((difrules_core::math::cosm1(1e-9_f64) / -5e-19 - 1.0).abs() < 1e-15);
/// ```
#[primitive(
    partial = |_, _, slope| *slope,
    saves = cosm1_and_slope -> T,
    symbolic = |x| -x.sin(),
    instances(#[cfg(feature = "f32")] f32, f64)
)]
pub fn cosm1<T: Real>(x: T) -> T {
    cosm1_and_slope(x).0
}

/// -2 sin(x / 2)^2 and -sin(x), by one reduction of the angle.
fn cosm1_and_slope<T: Real>(x: T) -> (T, T) {
    let two: T = convert(2.0);
    let (sin, cos) = (x / two).sin_cos();
    (-(sin * sin) * two, slope_of_cosm1(x, sin, cos))
}

twofold! {
    /// -sin(x), by those of the half, whose derivatives cancel where the cosine of x is zero.
    fn slope_of_cosm1<T>(x; sin, cos)
    plain {
        let _ = x;
        -(sin * cos) * convert(2.0)
    }
    smooth { -x.sin() }
}

/// The tangent of an angle in radians.
///
/// Domain: all x but odd multiples of pi/2.
/// Edge: NaN at the infinities; finite at every floating-point number, none of which is a pole.
///
/// ```
/// assert!((difrules_core::math::tan(0.5_f64) - 0.5463024898437905).abs() < 1e-12);
/// ```
#[primitive(
    partial = |_, y| T::one() + y * y,
    complex = |x| { let sec = sec(x); mul(sec, sec) },
    kernel(Complex<f64> = complex::tan, Complex<f32> = complex::tan),
    instances(
        #[cfg(feature = "f32")] f32,
        f64,
        #[cfg(all(feature = "f32", feature = "complex"))] Complex<f32>,
        #[cfg(feature = "complex")] Complex<f64>
    ),
    sample = |random| random.between(-1.4, 1.4),
    alias("Base.tan", "NaNMath.tan")
)]
pub fn tan<T: Scalar>(x: T) -> T {
    x.tan()
}

/// The angle in [-pi/2, pi/2] with this sine.
///
/// Domain: -1 <= x <= 1.
/// Edge: -pi/2 and pi/2 at the ends, the derivative +infinity; NaN beyond, as the derivative.
///
/// ```
/// assert!((difrules_core::math::asin(0.5_f64) - 0.5235987755982989).abs() < 1e-12);
/// ```
#[primitive(
    partial = |x| one_minus_square(x).sqrt().recip(),
    complex = |x| recip(complex::root_of_one_minus_square(x)),
    symbolic = |x| (if ComplexField::abs(x) < 0.5 { T::one() - x.powi(2) } else { (T::one() - x) * (T::one() + x) }).sqrt().recip(),
    kernel(Complex<f64> = complex::asin, Complex<f32> = complex::asin),
    instances(
        #[cfg(feature = "f32")] f32,
        f64,
        #[cfg(all(feature = "f32", feature = "complex"))] Complex<f32>,
        #[cfg(feature = "complex")] Complex<f64>
    ),
    sample = |random| random.between(-0.95, 0.95),
    alias("Base.asin", "NaNMath.asin")
)]
pub fn asin<T: Scalar>(x: T) -> T {
    x.asin()
}

/// The angle in [0, pi] with this cosine.
///
/// Domain: -1 <= x <= 1.
/// Edge: pi at -1 and 0 at 1, the derivative -infinity; NaN beyond, as the derivative.
///
/// ```
/// assert!((difrules_core::math::acos(0.5_f64) - 1.0471975511965979).abs() < 1e-12);
/// ```
#[primitive(
    partial = |x| -one_minus_square(x).sqrt().recip(),
    complex = |x| -recip(complex::root_of_one_minus_square(x)),
    symbolic = |x| -(if ComplexField::abs(x) < 0.5 { T::one() - x.powi(2) } else { (T::one() - x) * (T::one() + x) }).sqrt().recip(),
    kernel(Complex<f64> = complex::acos, Complex<f32> = complex::acos),
    instances(
        #[cfg(feature = "f32")] f32,
        f64,
        #[cfg(all(feature = "f32", feature = "complex"))] Complex<f32>,
        #[cfg(feature = "complex")] Complex<f64>
    ),
    sample = |random| random.between(-0.95, 0.95),
    alias("Base.acos", "NaNMath.acos")
)]
pub fn acos<T: Scalar>(x: T) -> T {
    x.acos()
}

/// The angle in (-pi/2, pi/2) with this tangent.
///
/// Domain: all x.
/// Edge: -pi/2 and pi/2 at the infinities, the derivative 0; keeps the sign of 0.
///
/// ```
/// assert!((difrules_core::math::atan(0.5_f64) - 0.4636476090008061).abs() < 1e-12);
/// ```
#[primitive(
    partial = |x| over_one_and_square(T::one(), x),
    complex = |x| complex::over_one_minus_square(complex::times_unit(x)),
    symbolic = |x| over_square(T::one(), x),
    kernel(Complex<f64> = complex::atan, Complex<f32> = complex::atan),
    instances(
        #[cfg(feature = "f32")] f32,
        f64,
        #[cfg(all(feature = "f32", feature = "complex"))] Complex<f32>,
        #[cfg(feature = "complex")] Complex<f64>
    ),
    alias("Base.atan")
)]
pub fn atan<T: Scalar>(x: T) -> T {
    x.atan()
}

/// The angle of the point (x, y) with the positive x axis, in [-pi, pi].
///
/// Domain: all y and x.
/// Edge: the derivative at the origin is taken as 0, and is 0 where an argument is infinite. The cut is
/// the negative x axis: pi at y = +0, -pi at y = -0, the derivative that of both sides.
///
/// ```
/// assert_eq!(difrules_core::math::atan2(1.0_f64, 0.0), std::f64::consts::FRAC_PI_2);
/// ```
#[primitive(
    partial = (|y, x| over_square(x, y), |y, x| over_square(-y, x)),
    symbolic = (|y, x| over_square(x, y), |y, x| -over_square(y, x)),
    instances(#[cfg(feature = "f32")] f32, f64),
    alias("Base.atan")
)]
pub fn atan2<T: Real>(y: T, x: T) -> T {
    y.atan2(x)
}

/// The secant, 1 / cos(x).
///
/// Domain: all x but odd multiples of pi/2.
/// Edge: NaN at the infinities; finite at every floating-point number, none of which is a pole.
///
/// ```
/// assert_eq!(difrules_core::math::sec(0.0_f64), 1.0);
/// ```
#[primitive(
    partial = |_, _, slope| *slope,
    saves = sec_and_slope -> T,
    symbolic = |x, y| y * x.tan(),
    kernel(Complex<f64> = complex::sec, Complex<f32> = complex::sec),
    instances(
        #[cfg(feature = "f32")] f32,
        f64,
        #[cfg(all(feature = "f32", feature = "complex"))] Complex<f32>,
        #[cfg(feature = "complex")] Complex<f64>
    ),
    alias("Base.sec")
)]
pub fn sec<T: Scalar>(x: T) -> T {
    sec_and_slope(x).0
}

/// The cosecant, 1 / sin(x).
///
/// Domain: all x but multiples of pi.
/// Edge: infinite at 0, with its sign, the derivative -infinity; NaN at the infinities.
///
/// ```
/// assert_eq!(difrules_core::math::csc(std::f64::consts::FRAC_PI_2), 1.0);
/// ```
#[primitive(
    partial = |_, _, slope| *slope,
    saves = csc_and_slope -> T,
    symbolic = |x, y| -y * cot(x),
    kernel(Complex<f64> = complex::csc, Complex<f32> = complex::csc),
    instances(
        #[cfg(feature = "f32")] f32,
        f64,
        #[cfg(all(feature = "f32", feature = "complex"))] Complex<f32>,
        #[cfg(feature = "complex")] Complex<f64>
    ),
    sample = |random| random.between(0.3, 2.8),
    alias("Base.csc")
)]
pub fn csc<T: Scalar>(x: T) -> T {
    csc_and_slope(x).0
}

/// The cotangent, 1 / tan(x).
///
/// Domain: all x but multiples of pi.
/// Edge: infinite at 0, with its sign, the derivative -infinity; NaN at the infinities.
///
/// ```
/// assert!((difrules_core::math::cot(std::f64::consts::FRAC_PI_4) - 1.0).abs() < 1e-15);
/// ```
#[primitive(
    partial = |_, y| -(T::one() + y * y),
    complex = |x| complex::slope_at_pole(x, -1.0 / 3.0).unwrap_or_else(|| { let csc = csc(x); -mul(csc, csc) }),
    kernel(Complex<f64> = complex::cot, Complex<f32> = complex::cot),
    instances(
        #[cfg(feature = "f32")] f32,
        f64,
        #[cfg(all(feature = "f32", feature = "complex"))] Complex<f32>,
        #[cfg(feature = "complex")] Complex<f64>
    ),
    sample = |random| random.between(0.3, 2.8),
    alias("Base.cot")
)]
pub fn cot<T: Scalar>(x: T) -> T {
    tan(x).recip()
}

/// The arc secant, acos(1 / x).
///
/// Domain: x <= -1 and x >= 1.
/// Edge: pi at -1 and 0 at 1, the derivative +infinity; pi/2 at the infinities; NaN between, as the
/// derivative.
///
/// ```
/// assert!((difrules_core::math::asec(2.0_f64) - std::f64::consts::FRAC_PI_3).abs() < 1e-15);
/// ```
#[primitive(
    partial = |x| over_size_and_root(T::one(), x),
    symbolic = |x| {
        let size = ComplexField::abs(x);
        if size < 1 { f64::NAN } else {
            if size == f64::INFINITY { 0 } else { 1 / (sqrt(size - 1) * sqrt(size + 1)) / size }
        }
    },
    instances(#[cfg(feature = "f32")] f32, f64),
    sample = |random| random.between(1.2, 4.0),
    alias("Base.asec")
)]
pub fn asec<T: Real>(x: T) -> T {
    x.recip().acos()
}

/// The arc cosecant, asin(1 / x).
///
/// Domain: x <= -1 and x >= 1.
/// Edge: -pi/2 at -1 and pi/2 at 1, the derivative -infinity; 0 at the infinities; NaN between, as the
/// derivative.
///
/// ```
/// assert!((difrules_core::math::acsc(2.0_f64) - std::f64::consts::FRAC_PI_6).abs() < 1e-15);
/// ```
#[primitive(
    partial = |x| over_size_and_root(-T::one(), x),
    symbolic = |x| {
        let size = ComplexField::abs(x);
        if size < 1 { f64::NAN } else {
            if size == f64::INFINITY { 0 } else { -1 / (sqrt(size - 1) * sqrt(size + 1)) / size }
        }
    },
    instances(#[cfg(feature = "f32")] f32, f64),
    sample = |random| random.between(1.2, 4.0),
    alias("Base.acsc")
)]
pub fn acsc<T: Real>(x: T) -> T {
    x.recip().asin()
}

/// The arc cotangent, atan(1 / x), in [-pi/2, pi/2].
///
/// Domain: all x.
/// Edge: jumps at 0, from -pi/2 at -0 to pi/2 at +0, the derivative that of both sides; 0 at the
/// infinities.
///
/// ```
/// assert_eq!(difrules_core::math::acot(1.0_f64), std::f64::consts::FRAC_PI_4);
/// ```
#[primitive(
    partial = |x| over_one_and_square(-T::one(), x),
    symbolic = |x| -over_square(T::one(), x),
    instances(#[cfg(feature = "f32")] f32, f64),
    sample = |random| random.positive(),
    alias("Base.acot")
)]
pub fn acot<T: Real>(x: T) -> T {
    x.recip().atan()
}

/// sin(pi x).
///
/// Domain: all x.
/// Edge: exactly 0 at integers, with the sign of x, the derivative pi or -pi; NaN at the infinities.
///
/// ```
/// assert_eq!(difrules_core::math::sinpi(3.0_f64), 0.0);
/// ```
#[primitive(
    partial = |x| T::pi() * cospi(x),
    complex = |x| cospi(x).scale(T::Real::pi()),
    kernel(Complex<f64> = complex::sinpi, Complex<f32> = complex::sinpi),
    instances(
        #[cfg(feature = "f32")] f32,
        f64,
        #[cfg(all(feature = "f32", feature = "complex"))] Complex<f32>,
        #[cfg(feature = "complex")] Complex<f64>
    ),
    alias("Base.sinpi")
)]
pub fn sinpi<T: Scalar>(x: T) -> T {
    match x.try_real() {
        Some(x) => T::from_real(half_turns(x).0),
        None => x.scale(T::Real::pi()).sin(),
    }
}

/// cos(pi x).
///
/// Domain: all x.
/// Edge: exactly +0 halfway between integers; NaN at the infinities.
///
/// ```
/// assert_eq!(difrules_core::math::cospi(0.5_f64), 0.0);
/// ```
#[primitive(
    partial = |x| -T::pi() * sinpi(x),
    complex = |x| -sinpi(x).scale(T::Real::pi()),
    kernel(Complex<f64> = complex::cospi, Complex<f32> = complex::cospi),
    instances(
        #[cfg(feature = "f32")] f32,
        f64,
        #[cfg(all(feature = "f32", feature = "complex"))] Complex<f32>,
        #[cfg(feature = "complex")] Complex<f64>
    ),
    alias("Base.cospi")
)]
pub fn cospi<T: Scalar>(x: T) -> T {
    match x.try_real() {
        Some(x) => T::from_real(half_turns(x).1),
        None => x.scale(T::Real::pi()).cos(),
    }
}

/// The sine and the cosine of pi x, reduced to a quarter of a half turn about the nearest half of a number.
fn half_turns<T: Real>(x: T) -> (T, T) {
    let two: T = convert(2.0);
    let whole = ComplexField::abs(x) % two;
    let quarter = (whole * two).round();
    at_quarter_turns((whole - quarter / two) * T::pi(), quarter.to_f64(), x.is_sign_negative())
}

/// The sine and the cosine of an angle and so many quarters of a turn, or of minus that. As IEEE 754 has it, a sine of zero
/// has the sign of the angle, and a cosine of zero is +0.
pub(super) fn at_quarter_turns<T: Real>(angle: T, quarters: f64, negative: bool) -> (T, T) {
    let (sin, cos) = angle.sin_cos();
    // Taken from 0, a zero stays +0.
    let (sin, cos) = match quarters as i64 % 4 {
        0 => (sin, cos),
        1 => (cos, T::zero() - sin),
        2 => (T::zero() - sin, -cos),
        _ => (-cos, sin),
    };
    (if negative { -sin } else { sin }, cos)
}

/// sin(pi x) / (pi x), and 1 at 0.
///
/// Domain: all x.
/// Edge: 1 at 0, where derivatives of every order are right, taken from the series; 0 at other
/// integers; 0 at the infinities, as the derivative.
///
/// ```
/// assert_eq!(difrules_core::math::sinc(0.0_f64), 1.0);
/// ```
#[primitive(
    partial = |x, y, cos| slope_of_sinc(x, y, *cos),
    saves = sinc_and_cosine -> T,
    symbolic = |x, y| if abs(x) < 0.5 {
        T::pi() * sin_quotient(1, T::pi() * x)
    } else {
        if abs(x) == f64::INFINITY { 0 } else { (cospi(x) - y) / x }
    },
    kernel(Complex<f64> = complex::sinc, Complex<f32> = complex::sinc),
    instances(
        #[cfg(feature = "f32")] f32,
        f64,
        #[cfg(all(feature = "f32", feature = "complex"))] Complex<f32>,
        #[cfg(feature = "complex")] Complex<f64>
    ),
    alias("Base.sinc")
)]
pub fn sinc<T: Scalar>(x: T) -> T {
    sinc_and_cosine(x).0
}

/// sinc(x) and cos(pi x), by one reduction of the angle.
fn sinc_and_cosine<T: Scalar>(x: T) -> (T, T) {
    match x.try_real() {
        Some(x) if T::Real::BASE => {
            let (sin, cos) = half_turns(x);
            let sinc = if x == nalgebra::zero() {
                nalgebra::one()
            } else if x.is_finite() {
                sin / (T::Real::pi() * x)
            } else {
                // At the infinities the sine has no value.
                x.recip() * x.signum()
            };
            (T::from_real(sinc), T::from_real(cos))
        }
        // A mode applies the rule.
        _ => (sinc(x), cospi(x)),
    }
}

/// (cos(pi x) - sinc(x)) / x; near 0 the sum over k >= 1 of (-1)^k 2k pi^(2k) x^(2k-1) / (2k + 1)!.
fn slope_of_sinc<T: Scalar>(x: T, y: T, cos: T) -> T {
    let size = x.modulus().to_f64();
    let height = x.imaginary().to_f64();
    if height.abs() > 10.0 {
        // The cotangent is -i or i there.
        let turned =
            complex::times_unit(T::from_real(T::Real::pi().scale(convert(-height.signum()))));
        let slope = |sinc: T| mul(sinc, turned) - div(sinc, x);
        let lowered = height.abs() >= least_height(x) + HEIGHT_STEP;
        return if lowered { at_lower_height(x, height, slope) } else { slope(y) };
    }
    if size > 0.5 {
        return if size.is_infinite() { T::zero() } else { div(cos - y, x) };
    }
    let square = T::from_real(T::Real::pi() * T::Real::pi());
    let (mut power, mut sum) = (x * square, T::zero());
    for k in 1..=14 {
        let k = f64::from(k);
        // power is (-1)^(k+1) pi^(2k) x^(2k-1) 3! / (2k + 1)!.
        sum -= power * convert(k / 3.0);
        power *= -square * x * x * convert(1.0 / ((2.0 * k + 2.0) * (2.0 * k + 3.0)));
    }
    sum
}

const HEIGHT_STEP: f64 = 16.0;

/// A height at which sinc(x) is large, and more so the larger the real part is, as its least part would be nothing else, but
/// finite.
fn least_height<T: Scalar>(x: T) -> f64 {
    let steps = x.real().to_f64().abs().ln() / (std::f64::consts::PI * HEIGHT_STEP);
    let steps = if steps.is_finite() { steps.floor().max(0.0) } else { 0.0 };
    bound::<T::Real>(10.0, 190.0) + HEIGHT_STEP * steps
}

/// What a linear function makes of sinc(x) where that may overflow and this not, or its real part not: a height of 16 less
/// divides the sine by exp(16 pi). At a height between 10 and 26 it is finite in single precision too, and between 190 and 206
/// in double, where less of what the square of x divides underflows.
fn at_lower_height<T: Scalar>(x: T, height: f64, linear: impl Fn(T) -> T) -> T {
    let (least, step) = (least_height(x), HEIGHT_STEP);
    let (steps, rest) = (((height.abs() - least) / step).floor(), (height.abs() - least) % step);
    let mut lower = x;
    let im = &mut lower.parts_mut()[1];
    *im = *im - convert(height) + convert((least + rest).copysign(height));
    let result = linear(mul(sinc(lower), div(lower, x)));
    // More of them leave nothing finite but zero.
    (0..steps.min(50.0) as usize)
        .fold(result, |result, _| result.scale(convert((std::f64::consts::PI * step).exp())))
}

twofold! {
    /// 1 - x^2, so that neither it nor its derivatives cancel. For these no factor of it is zero at 1, where what is made of it
    /// may have no derivative.
    pub(super) fn one_minus_square<T>(x)
    plain {
        if x.to_f64().abs() < 0.5 { T::one() - x * x } else { (T::one() - x) * (T::one() + x) }
    }
    smooth { x.mul_add(-x, T::one()) }
}

/// 1 / cos(x) and its derivative sin(x) / cos(x)^2, by one reduction of the angle.
fn sec_and_slope<T: Scalar>(x: T) -> (T, T) {
    if x.try_real().is_none() {
        let y = sec(x);
        return (y, mul(y, tan(x)));
    }
    let (sin, cos) = x.sin_cos();
    let y = cos.recip();
    (y, sin * y * y)
}

/// 1 / sin(x) and its derivative -cos(x) / sin(x)^2, by one reduction of the angle.
fn csc_and_slope<T: Scalar>(x: T) -> (T, T) {
    if x.try_real().is_none() {
        let y = csc(x);
        return (y, complex::slope_at_pole(x, 1.0 / 6.0).unwrap_or_else(|| -mul(y, cot(x))));
    }
    let (sin, cos) = x.sin_cos();
    if !T::Real::BASE && x.modulus().to_f64() < bound::<T::Real>(1e-9, 1e-75) {
        // At the pole no factor may be zero, and next to it none infinite where another is finite.
        let inverse = recip(x);
        return (csc(x), -(inverse * inverse));
    }
    let y = sin.recip();
    (y, -cos * y * y)
}

/// x / (x^2 + y^2), the real part of 1 / (x + i y), and 0 at the origin.
///
/// With the same of y and x, which is w, the derivative by x is (w - z) (w + z), and that by y is -2 z w: neither cancels but
/// where it is zero.
///
/// Domain: all x and y.
/// Edge: 0 at the origin, and its derivatives there too; 0 where an argument is infinite, as the derivatives; NaN if one is NaN.
///
/// ```
/// assert!((difrules_core::math::over_square(1e-200_f64, 1e-200) / 5e199 - 1.0).abs() < 1e-15);
/// ```
#[primitive(
    partial = (
        |x, y, z| over_square_by_first(x, y, z),
        |x, y, z| over_square_by_second(x, y, z)
    ),
    symbolic = (|x, y| ln_hypot_derivative(2, 0, x, y), |x, y| ln_hypot_derivative(1, 1, x, y)),
    instances(#[cfg(feature = "f32")] f32, f64)
)]
pub fn over_square<T: Real>(x: T, y: T) -> T {
    let square = x * x + y * y;
    let size = square.to_f64();
    if size > 1e-30 && size < 1e30 { x / square } else { over_square_of_hypotenuse(x, y) }
}

twofold! {
    /// The derivative of [`over_square`], which is z, by x.
    fn over_square_by_first<T>(x, y; z)
    plain {
        let (w, [x_size, y_size]) = (over_square(y, x), [x, y].map(ComplexField::abs));
        let two: T = convert(2.0);
        let slope = (w - z) * (w + z);
        // Near each other, the two would cancel.
        let cancels = x_size < two * y_size && y_size < two * x_size;
        if cancels || !slope.is_finite() { ln_hypot_derivative(2, 0, x, y) } else { slope }
    }
    smooth { ln_hypot_derivative(2, 0, x, y) }
}

twofold! {
    /// That by y.
    fn over_square_by_second<T>(x, y; z)
    plain {
        let slope = convert::<f64, T>(-2.0) * z * over_square(y, x);
        if slope.is_finite() { slope } else { ln_hypot_derivative(1, 1, x, y) }
    }
    smooth { ln_hypot_derivative(1, 1, x, y) }
}

/// x / sqrt(x^2 + y^2), the cosine of the angle of the point (x, y), and 0 at the origin.
///
/// With the sine s = y / h of that angle, h the hypotenuse, the derivative by x is s y / h^2, and that by y is -x / h y / h^2:
/// products, of which none cancels.
///
/// Domain: all x and y.
/// Edge: 0 at the origin, and its derivatives there too; 1 or -1 for an infinite x and a finite y, 0 for an infinite y and a
/// finite x, NaN where both are; NaN if one is NaN.
///
/// ```
/// assert!((difrules_core::math::direction_cosine(3e200_f64, 4e200) - 0.6).abs() < 1e-15);
/// ```
#[primitive(
    partial = (|x, y| cosine_by_first(x, y), |x, y, z| cosine_by_second(x, y, z)),
    symbolic = (|x, y| hypot_derivative(2, 0, x, y), |x, y| hypot_derivative(1, 1, x, y)),
    instances(#[cfg(feature = "f32")] f32, f64)
)]
pub fn direction_cosine<T: Real>(x: T, y: T) -> T {
    cosine(x, y, x.hypot(y))
}

twofold! {
    /// The derivative of [`direction_cosine`], which is z, by x.
    fn cosine_by_first<T>(x, y)
    plain {
        let slope = direction_cosine(y, x) * over_square(y, x);
        if slope.is_finite() { slope } else { hypot_derivative(2, 0, x, y) }
    }
    smooth { hypot_derivative(2, 0, x, y) }
}

twofold! {
    /// That by y.
    fn cosine_by_second<T>(x, y; z)
    plain {
        let slope = -z * over_square(y, x);
        if slope.is_finite() { slope } else { hypot_derivative(1, 1, x, y) }
    }
    smooth { hypot_derivative(1, 1, x, y) }
}

/// The same as [`over_square`] where the squares may overflow or underflow.
#[cold]
fn over_square_of_hypotenuse<T: Real>(x: T, y: T) -> T {
    let h = x.hypot(y);
    if T::BASE && !h.is_finite() {
        over_square_at_infinity(x, y)
    } else if h == T::zero() {
        T::zero()
    } else {
        x / h / h
    }
}

#[cold]
fn over_square_at_infinity<T: Real>(x: T, y: T) -> T {
    if x.is_finite() && y.is_finite() {
        // Only the hypotenuse overflows.
        let quarter: T = convert(0.25);
        let h = (x * quarter).hypot(y * quarter);
        x * quarter / h / h * quarter
    } else if x.to_f64().is_nan() || y.to_f64().is_nan() {
        x + y
    } else {
        T::zero()
    }
}

/// A power of two, so that to multiply by it rounds nothing, small enough that the square of no number overflows whose
/// square has a reciprocal that is not 0.
const SCALE: f64 = 1.0 / (1 << 30) as f64;

twofold! {
    /// numerator / (1 + x^2), where the square overflows too.
    pub(super) fn over_one_and_square<T>(numerator, x)
    plain {
        let square: T = convert(SCALE * SCALE);
        numerator * square / (square + x * square * x)
    }
    smooth {
        // Its rules neither overflow nor underflow.
        over_square(T::one(), x) * numerator
    }
}

twofold! {
    /// numerator / (|x| sqrt(x^2 - 1)), where the square overflows too.
    pub(super) fn over_size_and_root<T>(numerator, x)
    plain {
        let scale: T = convert(SCALE);
        let size = ComplexField::abs(x) * scale;
        let root = ((size - scale) * (size + scale)).sqrt();
        numerator * scale * scale / (size * root)
    }
    smooth {
        let size = ComplexField::abs(x);
        if size.to_f64() > 1e9 {
            // The root is the size.
            let inverse = size.recip();
            return inverse * inverse * numerator;
        }
        // No factor of it is zero at 1, where the root has no derivative.
        numerator / size.mul_add(size, -T::one()).sqrt() / size
    }
}
