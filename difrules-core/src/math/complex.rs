//! Elementary functions of complex numbers where the formulas of nalgebra's scalars cancel or overflow: kernels of the
//! primitives, with principal branches as in C99 (Kahan, Branch Cuts for Complex Elementary Functions, 1987).

use nalgebra::{Complex, ComplexField, convert};

use crate::Real;

/// A function of a complex number of doubles at a plain scalar.
fn at_base<R: Real>(z: Complex<R>, f: impl FnOnce(Complex<f64>) -> Complex<f64>) -> Complex<R> {
    let w = f(Complex::new(z.re.to_f64(), z.im.to_f64()));
    Complex::new(convert(w.re), convert(w.im))
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
        let re = z.re.exp_m1() * z.im.cos() - 2.0 * half * half;
        Complex::new(re, if z.im == 0.0 { z.im } else { z.re.exp() * z.im.sin() })
    })
}

/// |1 + z|^2 - 1 is x (2 + x) + y^2, in fused operations, since the two cancel on the circle.
pub(super) fn ln_1p<R: Real>(z: Complex<R>) -> Complex<R> {
    at_base(z, |z| {
        let angle = z.im.atan2(1.0 + z.re);
        if z.re.abs() > 0.5 || z.im.abs() > 1.0 {
            return Complex::new((1.0 + z.re).hypot(z.im).ln(), angle);
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
        let small = (-2.0 * z.im.abs()).exp();
        return Complex::new(4.0 * sin * cos * small, 1.0f64.copysign(z.im));
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
    if x < 1e-150 && y < 0.9 {
        // Where the square of x is nothing.
        let re = x / ((1.0 - y) * (1.0 + y)).sqrt();
        return Complex::new(re.copysign(z.re), y.asin().copysign(z.im));
    }
    let (r, s) = (x.hypot(y + 1.0), x.hypot(y - 1.0));
    let a = 0.5 * (r + s);
    let b = y / a;
    // a - 1 without cancellation.
    let beyond = if y < 1.0 { x * x / (s + (1.0 - y)) } else { s + (y - 1.0) };
    let above_one = 0.5 * (x * x / (r + y + 1.0) + beyond);
    let re = if a < 10.0 {
        (above_one + (above_one * (a + 1.0)).sqrt()).ln_1p()
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
    let below = ComplexField::sqrt(Complex::new(1.0 - z.re, -z.im));
    let above = ComplexField::sqrt(Complex::new(1.0 + z.re, z.im));
    let re = 2.0 * below.re.atan2(above.re);
    let im = area_sine(over_i(z)).re;
    Complex::new(re, im.abs().copysign(-z.im))
}

pub(super) fn acos<R: Real>(z: Complex<R>) -> Complex<R> {
    at_base(z, arc_cosine)
}

/// arcosh z = arsinh(Re (conj(sqrt(z - 1)) sqrt(z + 1))) + 2 i atan(Im sqrt(z - 1) / Re sqrt(z + 1)) (Kahan).
pub(super) fn acosh<R: Real>(z: Complex<R>) -> Complex<R> {
    at_base(z, |z| {
        let below = ComplexField::sqrt(Complex::new(z.re - 1.0, z.im));
        let above = ComplexField::sqrt(Complex::new(z.re + 1.0, z.im));
        let re = area_sine(over_i(z)).re.abs();
        Complex::new(re, 2.0 * below.im.atan2(above.re))
    })
}

/// artanh z: the real part is ln(1 + 4 x / ((1 - x)^2 + y^2)) / 4, the imaginary one the half of the angle of
/// (1 - x)(1 + x) - y^2 + 2 i y.
fn area_tangent(z: Complex<f64>) -> Complex<f64> {
    let (x, y) = (z.re.abs(), z.im);
    if x > 1e100 || y.abs() > 1e100 {
        // 1 / z, and the quarter turn.
        let size = x.hypot(y);
        let re = x / size / size;
        return Complex::new(re.copysign(z.re), std::f64::consts::FRAC_PI_2.copysign(y));
    }
    let re = 0.25 * (4.0 * x / ((1.0 - x) * (1.0 - x) + y * y)).ln_1p();
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
    at_base(z, |z| {
        let y = std::f64::consts::PI * z.im;
        Complex::new(super::sinpi(z.re) * y.cosh(), super::cospi(z.re) * y.sinh())
    })
}

/// cos(pi (x + i y)) = cos(pi x) cosh(pi y) - i sin(pi x) sinh(pi y).
pub(super) fn cospi<R: Real>(z: Complex<R>) -> Complex<R> {
    at_base(z, |z| {
        let y = std::f64::consts::PI * z.im;
        Complex::new(super::cospi(z.re) * y.cosh(), -super::sinpi(z.re) * y.sinh())
    })
}
