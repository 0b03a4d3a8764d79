//! Complete elliptic integrals.

use nalgebra::convert;

use crate::math::at_base;
use crate::{Real, primitive};

/// The complete elliptic integral of the first kind K(m) of the parameter m = k^2, the integral of 1 / sqrt(1 - m
/// sin(t)^2) from 0 to pi / 2.
///
/// The derivative (E(m) - (1 - m) K(m)) / (2 m (1 - m)) (DLMF 19.4.1) is 0 / 0 at m = 0; it is taken as R_D(0, 1, 1 - m)
/// / 6, with Carlson's symmetric integral (DLMF 19.25.1).
///
/// Domain: m <= 1, NaN above.
/// Edge: infinite at 1, with infinite derivative; 0 at -infinity.
///
/// ```
/// assert!((difrules_core::math::ellipk(0.5_f64) - 1.8540746773013719).abs() < 1e-15);
/// ```
#[primitive(
    partial = |m| slope_of_first_kind(m),
    symbolic = |m, k| if ComplexField::abs(m) < 0.01 { T::frac_pi_2() * (0.25 + m * (0.28125 + m * (0.29296875 + m * (0.299072265625 + m * (0.3028106689453125 + m * (0.30533409118652344 + m * (0.30715155601501465 + m * (0.3085227683186531 + m * (0.30959402793087065))))))))) } else { if m == 1 { recip(1 - m) } else { if m == f64::NEG_INFINITY { -recip(m) } else { (ellipe(m) / (T::one() - m) - k) / (convert::<f64, T>(2.0) * m) } } },
    instances(#[cfg(feature = "f32")] f32, f64),
    sample = |random| random.between(-2.0, 0.9),
    alias("SpecialFunctions.ellipk")
)]
pub fn ellipk<T: Real>(m: T) -> T {
    at_base(m, first_kind)
}

/// The complete elliptic integral of the second kind E(m) of the parameter m = k^2, the integral of sqrt(1 - m
/// sin(t)^2) from 0 to pi / 2.
///
/// The derivative (E(m) - K(m)) / (2 m) (DLMF 19.4.2) is 0 / 0 at m = 0; it is taken as -R_D(0, 1 - m, 1) / 6, with
/// Carlson's symmetric integral (DLMF 19.25.1).
///
/// Domain: m <= 1, NaN above.
/// Edge: 1 at 1, with derivative -infinity; infinity at -infinity.
///
/// ```
/// assert!((difrules_core::math::ellipe(0.5_f64) - 1.3506438810476755).abs() < 1e-15);
/// ```
#[primitive(
    partial = |m| slope_of_second_kind(m),
    symbolic = |m, e| if ComplexField::abs(m) < 0.01 { T::frac_pi_2() * (-0.25 + m * (-0.09375 + m * (-0.05859375 + m * (-0.042724609375 + m * (-0.0336456298828125 + m * (-0.027757644653320312 + m * (-0.023627042770385742 + m * (-0.020568184554576874 + m * (-0.018211413407698274))))))))) } else { if m == 1 { -recip(1 - m) } else { if m == f64::NEG_INFINITY { recip(m) } else { (e - ellipk(m)) / (convert::<f64, T>(2.0) * m) } } },
    instances(#[cfg(feature = "f32")] f32, f64),
    sample = |random| random.between(-2.0, 0.9),
    alias("SpecialFunctions.ellipe")
)]
pub fn ellipe<T: Real>(m: T) -> T {
    at_base(m, second_kind)
}

/// pi over twice the mean of 1 and sqrt(1 - m), arithmetic and geometric (DLMF 19.8.5).
fn first_kind(m: f64) -> f64 {
    if m == 1.0 {
        return f64::INFINITY;
    }
    let (mut a, mut g) = (1.0, (1.0 - m).sqrt());
    while (a - g).abs() > 1e-8 * a {
        (a, g) = (0.5 * (a + g), (a * g).sqrt());
    }
    std::f64::consts::PI / (a + g)
}

/// (1 - m) / 3 (R_D(0, 1 - m, 1) + R_D(0, 1, 1 - m)) (DLMF 19.25.1), a sum of positive numbers.
fn second_kind(m: f64) -> f64 {
    if m == 1.0 || m == f64::NEG_INFINITY {
        return m.abs();
    }
    let rest = 1.0 - m;
    rest * ((carlson(rest, 1.0) + carlson(1.0, rest)) / 3.0)
}

fn slope_of_first_kind<T: Real>(m: T) -> T {
    if m == T::one() {
        return (T::one() - m).recip();
    }
    if !m.is_finite() {
        return -m.recip();
    }
    carlson(T::one(), T::one() - m) * convert(1.0 / 6.0)
}

fn slope_of_second_kind<T: Real>(m: T) -> T {
    if m == T::one() {
        return -(T::one() - m).recip();
    }
    if !m.is_finite() {
        return m.recip();
    }
    carlson(T::one() - m, T::one()) * convert(-1.0 / 6.0)
}

/// R_D(0, y, z), 3/2 times the integral of 1 / (sqrt(t (t + y)) (t + z)^(3/2)) over t > 0, by duplication (Carlson,
/// Numerical Algorithms 10, 1995; DLMF 19.36.2). All is smooth and positive, and the number of steps is fixed, so that
/// derivatives of it are right to any order that the last series has digits for.
fn carlson<T: Real>(y: T, z: T) -> T {
    /// Ten for numbers of any size to come to within a factor two of each other, the others to a thousandth.
    const STEPS: i32 = 19;
    let (mut x, mut y, mut z) = (T::zero(), y, z);
    let (mut sum, mut weight) = (T::zero(), 1.0);
    for step in 0..STEPS {
        let (root_y, root_z) = (y.sqrt(), z.sqrt());
        let mut lambda = root_y * root_z;
        // The root of the first zero has no derivative.
        if step > 0 {
            lambda += x.sqrt() * (root_y + root_z);
        }
        sum += convert::<f64, T>(weight) / (root_z * (z + lambda));
        let quarter: T = convert(0.25);
        (x, y, z) = ((x + lambda) * quarter, (y + lambda) * quarter, (z + lambda) * quarter);
        weight *= 0.25;
    }
    let number = |x: f64| convert::<f64, T>(x);
    let mean = (x + y + z * number(3.0)) * number(0.2);
    let (x, y) = (T::one() - x / mean, T::one() - y / mean);
    let z = (x + y) * number(-1.0 / 3.0);
    let (xy, zz) = (x * y, z * z);
    let e2 = xy - zz * number(6.0);
    let e3 = (xy * number(3.0) - zz * number(8.0)) * z;
    let e4 = (xy - zz) * zz * number(3.0);
    let e5 = xy * zz * z;
    let series =
        T::one() - e2 * number(3.0 / 14.0) + e3 * number(1.0 / 6.0) + e2 * e2 * number(9.0 / 88.0)
            - e4 * number(3.0 / 22.0)
            - e2 * e3 * number(9.0 / 52.0)
            + e5 * number(3.0 / 26.0);
    series * number(weight) / (mean * mean.sqrt()) + sum * number(3.0)
}
