//! Functions that an equation defines.

use nalgebra::convert;

use crate::math::{Rounding, at_base, at_base_of_two, cosm1, mod2pi, rem2pi};
use crate::{Real, primitive};

/// The function W of Lambert on the branch 0 or -1, which is a constant: the solution of W exp(W) = x with W >= -1
/// (branch 0) or W <= -1 (branch -1).
///
/// The derivative is 1 / (exp(W) (1 + W)), by the implicit function theorem, with 1 + W from
/// [`lambert_w_plus_one`](fn@lambert_w_plus_one) near the branch point.
///
/// Domain: x >= -1/e for the branch 0, -1/e <= x <= 0 for the branch -1; NaN else, and for any other branch.
/// Edge: -1 at the number nearest to -1/e, where the derivative is infinite; -infinity at 0 for the branch -1.
///
/// ```
/// use difrules_core::math::lambert_w;
/// assert!((lambert_w(0, 1.0_f64) - 0.5671432904097838).abs() < 1e-15);
/// assert!((lambert_w(-1, -0.1_f64) + 3.577152063957297).abs() < 1e-15);
/// ```
#[primitive(
    partial = |branch, x, y| if y > convert(-1.3) && y < convert(-0.7) { (-y).exp() / lambert_w_plus_one(branch, x) } else if y < -T::one() { -(-x - y.exp()).recip() } else { (-y).exp() / (T::one() + y) },
    constant(branch),
    instances(#[cfg(feature = "f32")] f32, f64),
    sample = |random| (0, random.positive())
)]
pub fn lambert_w<T: Real>(branch: i32, x: T) -> T {
    at_base(x, |x| lambert(branch, x))
}

/// 1 + W(x) with the function of [`lambert_w`](fn@lambert_w), to full relative accuracy near the branch point -1/e,
/// where it is 0.
///
/// With q = 1 + W the equation is (q - 1) exp(q) = e x, so q' = exp(1 - q) / q.
///
/// Domain: that of [`lambert_w`](fn@lambert_w).
/// Edge: 0 at the number nearest to -1/e, where the derivative is infinite.
///
/// ```
/// use difrules_core::math::lambert_w_plus_one;
/// assert!((lambert_w_plus_one(0, -0.36787944_f64) / 7.979e-5 - 1.0).abs() < 1e-3);
/// ```
#[primitive(
    partial = |_, _, q| if q < T::zero() {
        (q * (q - T::one()).exp()).recip()
    } else {
        (T::one() - q).exp() / q
    },
    constant(branch),
    instances(#[cfg(feature = "f32")] f32, f64),
    sample = |random| (0, random.positive())
)]
pub fn lambert_w_plus_one<T: Real>(branch: i32, x: T) -> T {
    at_base(x, |x| lambert_plus_one(branch, x))
}

/// The eccentric anomaly E of an elliptic orbit, the solution of Kepler's equation E - e sin(E) = M for the mean anomaly
/// M and the eccentricity e.
///
/// Its rule is the model of one for a function that is defined by an equation, whatever algorithm solves it. At the
/// solution F(E, M, e) = E - e sin(E) - M stays 0 when M and e vary, so
///
/// ```text
/// (dF/dE) dE + (dF/dM) dM + (dF/de) de = (1 - e cos(E)) dE - dM - sin(E) de = 0,
/// dE/dM = 1 / (1 - e cos(E)),   dE/de = sin(E) / (1 - e cos(E)).
/// ```
///
/// This is the implicit function theorem; it holds where dF/dE is not 0, here everywhere. The rule reads the solution
/// and nothing of the iteration, and being a formula of E, M and e it differentiates again. 1 - e cos(E) cancels for a
/// long ellipse near its pericentre, so it is written (1 - e) - e (cos(E) - 1).
///
/// Domain: all finite M, 0 <= e < 1, NaN else (parabolic and hyperbolic orbits have other equations).
/// Edge: E is odd in M, and grows by 2 pi with M.
///
/// ```
/// let anomaly = difrules_core::math::eccentric_anomaly(1.0_f64, 0.5);
/// assert!((anomaly - 0.5 * anomaly.sin() - 1.0).abs() < 1e-15);
/// ```
#[primitive(
    partial = (|m, e, y| slopes_of_orbit(m, e, y)[0], |m, e, y| slopes_of_orbit(m, e, y)[1]),
    symbolic = (
        |m, e, y| if abs(m) > 7 {
            (1 - e - e * cosm1(eccentric_anomaly(mod2pi(m), e))).recip()
        } else {
            (1 - e - e * cosm1(y)).recip()
        },
        |m, e, y| if abs(m) > 7 {
            sin(eccentric_anomaly(mod2pi(m), e)) / (1 - e - e * cosm1(eccentric_anomaly(mod2pi(m), e)))
        } else {
            sin(y) / (1 - e - e * cosm1(y))
        }
    ),
    instances(#[cfg(feature = "f32")] f32, f64),
    sample = |random| (random.between(-7.0, 7.0), random.between(0.05, 0.8))
)]
pub fn eccentric_anomaly<T: Real>(mean: T, eccentricity: T) -> T {
    at_base_of_two(mean, eccentricity, kepler)
}

/// The derivatives by the mean anomaly and by the eccentricity. Beyond a turn the solution has lost digits of its angle.
fn slopes_of_orbit<T: Real>(mean: T, e: T, y: T) -> [T; 2] {
    let far = mean.to_f64().abs() > 7.0;
    let angle = if far { eccentric_anomaly(mod2pi(mean), e) } else { y };
    let slope = (T::one() - e - e * cosm1(angle)).recip();
    [slope, angle.sin() * slope]
}

/// The double nearest to -1/e, which is a little less.
const BRANCH_POINT: f64 = -0.367_879_441_171_442_33;

fn lambert(branch: i32, x: f64) -> f64 {
    match branch {
        _ if x == BRANCH_POINT && (branch == 0 || branch == -1) => -1.0,
        0 => ::lambert_w::lambert_w0(x),
        -1 if x == 0.0 => f64::NEG_INFINITY,
        -1 => ::lambert_w::lambert_wm1(x),
        _ => f64::NAN,
    }
}

fn lambert_plus_one(branch: i32, x: f64) -> f64 {
    /// What e is more than the double nearest to it.
    const REST_OF_E: f64 = 1.445_646_891_729_250_2e-16;
    let plain = 1.0 + lambert(branch, x);
    if x == BRANCH_POINT || plain.is_nan() || plain.abs() >= 0.3 {
        return plain;
    }
    // (q - 1) exp(q) + 1 = sum of q^k (k - 1) / k! = 1 + e x.
    let distance = std::f64::consts::E.mul_add(x, 1.0) + REST_OF_E * x;
    let p = (2.0 * distance).sqrt() * if branch == 0 { 1.0 } else { -1.0 };
    // The series at the branch point (DLMF 4.13.6), then Newton's steps.
    let start = p * (1.0 - p * (1.0 / 3.0 - p * (11.0 / 72.0 - p * (43.0 / 540.0))));
    (0..3).fold(start, |q, _| {
        let sum = (2..20).rev().fold(0.0, |sum, k| {
            let k = f64::from(k);
            // By Horner's rule, with 2 / k! from one factor 1 / (k + 1) a step.
            sum * q / (k + 1.0) + (k - 1.0)
        });
        q - (0.5 * q * q * sum - distance) / (q * q.exp())
    })
}

/// The solution of Kepler's equation: what it adds to the mean anomaly is the same after a whole turn.
fn kepler(mean: f64, e: f64) -> f64 {
    if !(mean.is_finite() && (0.0..1.0).contains(&e)) {
        return f64::NAN;
    }
    let reduced = rem2pi(mean, Rounding::Nearest);
    let anomaly = half_orbit(reduced.abs(), e).copysign(reduced);
    if reduced == mean { anomaly } else { mean + (anomaly - reduced) }
}

/// The solution for 0 <= M <= pi.
fn half_orbit(mean: f64, e: f64) -> f64 {
    if mean == 0.0 {
        return mean;
    }
    // Mikkola's starter (Celestial Mechanics 40, 1987), within two thousandths.
    let scale = (4.0 * e + 0.5).recip();
    let (alpha, beta) = ((1.0 - e) * scale, 0.5 * mean * scale);
    let z = (beta + (beta * beta + alpha * alpha * alpha).sqrt()).cbrt();
    let s = 2.0 * beta / (z * z + alpha + (alpha / z) * (alpha / z));
    let s = s - 0.078 * s.powi(5) / (1.0 + e);
    // The solution is between these: Newton's steps that leave it are halvings.
    let (mut low, mut high) = (mean, (mean + e).min(mean / (1.0 - e)).min(std::f64::consts::PI));
    let mut y = (mean + e * (3.0 * s - 4.0 * s * s * s)).clamp(low, high);
    for _ in 0..100 {
        // (1 - e) y + e (y - sin y) is a sum of positive numbers, and so is the slope.
        let value = (1.0 - e) * y + e * less_sine(y) - mean;
        if value > 0.0 {
            high = y
        } else {
            low = y
        }
        let (sin, sin_half) = (y.sin(), (0.5 * y).sin());
        let slope = (1.0 - e) + 2.0 * e * sin_half * sin_half;
        let newton = value / slope;
        // Halley's step.
        let next = y - newton / (1.0 - 0.5 * newton * e * sin / slope);
        let next = if next >= low && next <= high { next } else { 0.5 * (low + high) };
        let change = (next - y).abs();
        y = next;
        if change <= 4.0 * f64::EPSILON * y || low >= high {
            break;
        }
    }
    y
}

/// y - sin(y); for y up to 1 the sum of -(-1)^k y^(2k+1) / (2k + 1)! over k > 0.
fn less_sine(y: f64) -> f64 {
    if y > 1.0 {
        return y - y.sin();
    }
    let square = y * y;
    let sum = (2..=10)
        .rev()
        .map(f64::from)
        .fold(1.0, |sum, k| 1.0 - sum * square / (2.0 * k * (2.0 * k + 1.0)));
    y * square / 6.0 * sum
}
