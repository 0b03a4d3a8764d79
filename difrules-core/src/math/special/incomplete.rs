//! The incomplete gamma and beta functions, regularised, and the densities that are their derivatives.
//!
//! Of a function and its complement, the smaller one is evaluated, so both have all their digits. The derivatives by
//! the shapes have no closed form: the series, continued fractions and expansions are written over any scalar, and run
//! over [`Dual`] for them.

use nalgebra::{ComplexField, convert};

use super::beta_functions::{ln_beta_of, logarithmic_slope};
use super::gamma_functions::{
    ln_gamma_of_one_plus, ln_gamma_rise, log_minus_digamma, stirling_remainder,
};
use crate::math::{
    at_base_of_two, beta, digamma, digamma_difference, gamma, in_double, log1pmx, over_power,
    plain, power_by_logarithm, undefined,
};
use crate::{Dual, Real, primitive};

/// The density of the gamma distribution of shape a, x^(a-1) exp(-x) / gamma(a).
///
/// It is the derivative of [`gammainc_lower`](fn@gammainc_lower) by x. Its own derivatives are those of a power, with
/// digamma(a) for the gamma function (DLMF 5.2.2).
///
/// Domain: a > 0 and x >= 0; continued to a <= 0, where the gamma function is negative or infinite, for x > 0.
/// Edge: at x = 0 infinity for a < 1, 1 for a = 1 and 0 for a > 1; 0 at x = infinity; NaN for x < 0.
///
/// ```
/// assert!((difrules_core::math::gamma_density(2.0_f64, 1.0) - (-1.0_f64).exp()).abs() < 1e-15);
/// ```
#[primitive(
    partial = (
        |a, x, y| in_double!(gamma_density_by_shape(a, x; y = gamma_density)),
        |a, x, y| in_double!(gamma_density_by_place(a, x; y = gamma_density))
    ),
    symbolic = (
        |a, x, y| if abs(a) < 0.5 && x > 0 && x < f64::INFINITY {
            gamma_density(a + 1, x) / x * (1 + a * (ln(x) - digamma(a + 1)))
        } else {
            if y == 0 && (a > 0 || x == f64::INFINITY) {
                if x > 0 && x < 0.0000000000000001 && a > 1 && a < 16 {
                    exp(-x) / gamma(a) * (power_by_logarithm(1, x, a - 1) - digamma(a) * x.powf(a - 1))
                } else {
                    if x == 0 && a <= 2 { -cbrt(x) } else { 0 }
                }
            } else {
                if a > 1000 {
                    y * (if abs(x - a) < 0.5 * a { ln_1p((x - a) / a) } else { ln(x / a) } + (0.5 + (0.08333333333333333 - 0.008333333333333333 / a / a) / a) / a)
                } else {
                    y * (x.ln() - digamma(a))
                }
            }
        },
        |a, x, y| if x == 0 || abs(x) < 0.001 && a >= 1 {
            gamma_density(a - 1, x) - y
        } else {
            if y == 0 && abs(a + x) == f64::INFINITY { 0 } else { y / x * (a - x - 1) }
        }
    ),
    instances(#[cfg(feature = "f32")] f32, f64),
    sample = |random| (random.between(0.5, 5.0), random.between(0.5, 5.0))
)]
pub fn gamma_density<T: Real>(a: T, x: T) -> T {
    at_base_of_two(a, x, gamma_density_of)
}

/// The lower incomplete gamma function, regularised: P(a, x), the integral of t^(a-1) exp(-t) / gamma(a) over t from 0
/// to x.
///
/// The derivative by x is [`gamma_density`](fn@gamma_density) (DLMF 8.8.13). The one by a has no closed form; it is
/// that of the series, the continued fraction or the expansion that gives the value.
///
/// Domain: a > 0 and x >= 0.
/// Edge: 0 at x = 0, 1 at x = infinity; for a = 0 it is 1 at x > 0; 0 at a = infinity; NaN outside.
///
/// ```
/// assert!((difrules_core::math::gammainc_lower(1.0_f64, 2.0) - (1.0 - (-2.0_f64).exp())).abs() < 1e-15);
/// ```
#[primitive(
    partial = (|a, x, _| in_double!(lower_by_shape(a, x)), |a, x, _| gamma_density(a, x)),
    symbolic = (unknown, |a, x, y| if y == y { gamma_density(a, x) } else { f64::NAN }),
    instances(#[cfg(feature = "f32")] f32, f64),
    sample = |random| (random.between(0.5, 5.0), random.between(0.5, 5.0))
)]
pub fn gammainc_lower<T: Real>(a: T, x: T) -> T {
    at_base_of_two(a, x, |a, x| incomplete_gamma(a, x).0)
}

/// The upper incomplete gamma function, regularised: Q(a, x), the integral of t^(a-1) exp(-t) / gamma(a) over t from x
/// to infinity.
///
/// The derivative by x is -[`gamma_density`](fn@gamma_density) (DLMF 8.8.13). The one by a has no closed form; it is
/// that of the series, the continued fraction or the expansion that gives the value.
///
/// Domain: a > 0 and x >= 0.
/// Edge: 1 at x = 0, 0 at x = infinity; for a = 0 it is 0 at x > 0; 1 at a = infinity; NaN outside.
///
/// ```
/// assert!((difrules_core::math::gammainc_upper(1.0_f64, 2.0) - (-2.0_f64).exp()).abs() < 1e-15);
/// ```
#[primitive(
    partial = (|a, x, _| -in_double!(lower_by_shape(a, x)), |a, x, _| -gamma_density(a, x)),
    symbolic = (unknown, |a, x, y| if y == y { -gamma_density(a, x) } else { f64::NAN }),
    instances(#[cfg(feature = "f32")] f32, f64),
    sample = |random| (random.between(0.5, 5.0), random.between(0.5, 5.0))
)]
pub fn gammainc_upper<T: Real>(a: T, x: T) -> T {
    at_base_of_two(a, x, |a, x| incomplete_gamma(a, x).1)
}

/// The density of the beta distribution of shapes a and b, x^(a-1) (1-x)^(b-1) / beta(a, b).
///
/// It is the derivative of [`betainc`](fn@betainc) by x. Its own derivatives are those of powers, with
/// digamma(a) - digamma(a + b) for the beta function (DLMF 5.2.2).
///
/// Domain: a > 0, b > 0 and x in [0, 1].
/// Edge: at x = 0 infinity for a < 1, b for a = 1 and 0 for a > 1, the same with b for a at x = 1; NaN outside [0, 1].
///
/// ```
/// assert!((difrules_core::math::beta_density(2.0_f64, 2.0, 0.5) - 1.5).abs() < 1e-15);
/// ```
#[primitive(
    partial = (
        |a, b, x, y| in_double!(beta_density_by_first_shape(a, b, x; y = beta_density)),
        |a, b, x, y| in_double!(beta_density_by_second_shape(a, b, x; y = beta_density)),
        |a, b, x, y| in_double!(beta_density_by_place(a, b, x; y = beta_density))
    ),
    symbolic = (
        |a, b, x, y| if y == y {
            if a >= 0 && a < 0.0001 * min(b, 1) && b < f64::INFINITY && x > 0 && x < 1 {
                if (b - 1) * ln_1p(-x) < -800 { 0 } else { exp((b - 1) * ln_1p(-x)) * (if b < 1e-20 { 1 / (1 + a / b) } else { exp(a * (digamma(b) + 0.5772156649015329 + a / 2 * (trigamma(b) - 1.6449340668482264 + a / 3 * (polygamma(2, b) + 2.4041138063191886 + a / 4 * (polygamma(3, b) - 6.493939402266829 + a / 5 * (polygamma(4, b) + 24.88626612344088)))))) }) * (1 - a / (a + b) + a * (ln(x) - digamma_difference(a + 1, b))) * x.powf(a) / x }
            } else {
            if a >= 0 && a < 0.5 && b > 0 && b < f64::INFINITY && x > 0 {
                beta_density(a + 1, b, x) * (b / (a + b) + a * (ln(x) - digamma_difference(a + 1, b))) / (a + b) / x
            } else {
                if y == 0 && a != 0 && b != 0 && (x < 1 || abs(a + b) == f64::INFINITY) {
                    if x > 0 && x < 0.0000000000000001 && a > 1 && a < 16 && beta(a, b) > 0 {
                        exp((b - 1) * ln_1p(-x)) / beta(a, b) * (power_by_logarithm(1, x, a - 1) - digamma_difference(a, b) * x.powf(a - 1))
                    } else {
                        if x == 0 && a <= 2 { -cbrt(x) } else { 0 }
                    }
                } else {
                    if a > 1000 && b > 1 && abs(x * b - (1 - x) * a) < 0.5 * a {
                        y * (ln_1p((x * b - (1 - x) * a) / a) + ((0.5 + (0.08333333333333333 - 0.008333333333333333 / a / a) / a) / a - (0.5 + (0.08333333333333333 - 0.008333333333333333 / (a + b) / (a + b)) / (a + b)) / (a + b)))
                    } else {
                        y * (x.ln() - digamma_difference(a, b))
                    }
                }
            }}
        } else {
            f64::NAN
        },
        |a, b, x, y| if y == y {
            if b >= 0 && b < 0.0001 * min(a, 1) && a < f64::INFINITY && x > 0 && x < 1 {
                exp(b * ln_1p(-x)) / (1 - x) * (if a < 1e-20 { 1 / (1 + b / a) } else { exp(b * (digamma(a) + 0.5772156649015329 + b / 2 * (trigamma(a) - 1.6449340668482264 + b / 3 * (polygamma(2, a) + 2.4041138063191886 + b / 4 * (polygamma(3, a) - 6.493939402266829 + b / 5 * (polygamma(4, a) + 24.88626612344088)))))) }) * (1 - b / (a + b) + b * (ln_1p(-x) - digamma_difference(b + 1, a))) * x.powf(a) / x
            } else {
            if b >= 0 && b < 0.5 && a > 0 && a < f64::INFINITY && x < 1 {
                beta_density(a, b + 1, x) * (a / (a + b) + b * (ln_1p(-x) - digamma_difference(b + 1, a))) / (a + b) / (1 - x)
            } else {
                if y == 0 && a != 0 && b != 0 && (x == 1 || abs(a + b) == f64::INFINITY) {
                    if x == 1 && b <= 2 { -cbrt(1 - x) } else { 0 }
                } else {
                    if b > 1000 && a > 1 && abs(x * b - (1 - x) * a) < 0.5 * b {
                        y * (ln_1p(-(x * b - (1 - x) * a) / b) + ((0.5 + (0.08333333333333333 - 0.008333333333333333 / b / b) / b) / b - (0.5 + (0.08333333333333333 - 0.008333333333333333 / (a + b) / (a + b)) / (a + b)) / (a + b)))
                    } else {
                        y * ((-x).ln_1p() - digamma_difference(b, a))
                    }
                }
            }}
        } else {
            f64::NAN
        },
        |a, b, x, y| if y == y {
            if abs(a + b) == f64::INFINITY {
                0
            } else {
                if x == 0 || x == 1 || x < 0.0000000001 && a >= 1 && y * b == f64::INFINITY {
                    (a + b - 1) * (beta_density(a - 1, b, x) - beta_density(a, b - 1, x))
                } else {
                    if x < 0.0000000001 && a >= 1 {
                        (a + b - 1) * beta_density(a - 1, b, x) - y * ((b - 1) / (1 - x))
                    } else {
                        if y == 0 && a > 0 && b > 0 { 0 } else { y * (a - T::one()) / x - y * (b - T::one()) / (T::one() - x) }
                    }
                }
            }
        } else {
            f64::NAN
        }
    ),
    instances(#[cfg(feature = "f32")] f32, f64),
    sample = |random| (random.between(0.5, 5.0), random.between(0.5, 5.0), random.between(0.1, 0.9))
)]
pub fn beta_density<T: Real>(a: T, b: T, x: T) -> T {
    convert(beta_density_of(plain(a), plain(b), plain(x)))
}

/// The incomplete beta function, regularised: I_x(a, b), the integral of t^(a-1) (1-t)^(b-1) / beta(a, b) over t from 0
/// to x.
///
/// The derivative by x is [`beta_density`](fn@beta_density) (DLMF 8.17.1). Those by a and b have no closed form; they
/// are those of the continued fraction or the series that gives the value, and where both shapes are above 1e13 the
/// leading term of an expansion, which has seven digits.
///
/// Domain: a > 0, b > 0 and x in [0, 1].
/// Edge: 0 at x = 0, 1 at x = 1; between, 1 for a = 0 or b = infinity and 0 for b = 0 or a = infinity; NaN outside.
///
/// ```
/// assert!((difrules_core::math::betainc(2.0_f64, 2.0, 0.25) - 0.15625).abs() < 1e-15);
/// ```
#[primitive(
    partial = (
        |a, b, x, _| in_double!(betainc_by_shapes(a, b, x; true)),
        |a, b, x, _| in_double!(betainc_by_shapes(a, b, x; false)),
        |a, b, x, _| beta_density(a, b, x)
    ),
    symbolic = (
        unknown,
        unknown,
        |a, b, x, y| if y == y { beta_density(a, b, x) } else { f64::NAN }
    ),
    instances(#[cfg(feature = "f32")] f32, f64),
    sample = |random| (random.between(0.5, 5.0), random.between(0.5, 5.0), random.between(0.1, 0.9))
)]
pub fn betainc<T: Real>(a: T, b: T, x: T) -> T {
    convert(incomplete_beta(plain(a), plain(b), plain(x)))
}

// The density of the gamma distribution.

fn gamma_density_of(a: f64, x: f64) -> f64 {
    if a.is_nan() || x.is_nan() || x < 0.0 {
        return f64::NAN;
    }
    if a == 0.0 || x == f64::INFINITY || a == f64::INFINITY {
        return 0.0;
    }
    if a < 1.0 && x > 0.0 {
        // The factor 1 / x last: the power alone can be out of range where the density is not.
        return scaled_power(a, x) * (a / x);
    }
    if a < 10.0 {
        return power_and_decay(x, a - 1.0) / libm::tgamma(a);
    }
    let power = if x == 0.0 { 0.0 } else { scaled_power(a, x) };
    // Zero also where the quotient is out of range.
    if power == 0.0 { power } else { power * (a / x) }
}

/// x^a exp(-x) / gamma(a + 1) for x > 0.
fn scaled_power(a: f64, x: f64) -> f64 {
    if a < 10.0 {
        return power_and_decay(x, a) / libm::tgamma(a + 1.0);
    }
    // C. Loader, Fast and accurate computation of binomial probabilities (2000): the deviance
    // a ln(x / a) - (x - a), without cancellation, and what Stirling's formula leaves.
    let deviance = if x < 0.5 * a { a * (x / a).ln() - (x - a) } else { a * log1pmx((x - a) / a) };
    (deviance - stirling_remainder(a)).exp() / (std::f64::consts::TAU.sqrt() * a.sqrt())
}

/// x^a exp(-x) for a few a: in halves, so that the product underflows and not the exponential.
fn power_and_decay(x: f64, a: f64) -> f64 {
    let half = (-0.5 * x).exp();
    if half == 0.0 { 0.0 } else { x.powf(a) * half * half }
}

/// y (ln(x) - digamma(a)).
fn gamma_density_by_shape<T: Real>(a: T, x: T, y: T) -> T {
    if a.to_f64().abs() < 0.5 && x > T::zero() && x.is_finite() {
        // The density is a times a smooth number, gamma_density(a + 1, x) / x.
        let over_shape = gamma_density(a + T::one(), x) / x;
        return over_shape * (T::one() + a * (x.ln() - digamma(a + T::one())));
    }
    let (shape, place) = (a.to_f64(), x.to_f64());
    if is_faint(shape, place, y) {
        let scale = (-x).exp() / gamma(a);
        return by_faint_power(a, x, -digamma(a)) * scale;
    }
    // At the end it grows as x^(a - 1) ln(x), or underflow, at which the logarithms can be infinite.
    if y == T::zero() && (shape > 0.0 || place == f64::INFINITY) {
        let end = x == T::zero();
        return if end { by_shape_of_end(shape - 1.0, x) } else { T::zero() };
    }
    if shape < 16.0 {
        return y * (x.ln() - digamma(a));
    }
    y * (logarithm_of_quotient(x - a, x, a) + log_minus_digamma(a))
}

/// Whether the power x^(a - 1) of a density has underflowed next to its end, but its derivatives may not.
fn is_faint<T: Real>(a: f64, x: f64, y: T) -> bool {
    y == T::zero() && x > 0.0 && x < 1e-16 && a > 1.0 && a < 16.0
}

/// The derivative by a of x^(a - 1) times what has this logarithmic derivative, over the latter.
fn by_faint_power<T: Real>(a: T, x: T, other: T) -> T {
    let less = a - T::one();
    power_by_logarithm(1, x, less) + other * x.powf(less)
}

/// ln(x / a), given x - a.
fn logarithm_of_quotient<T: Real>(difference: T, x: T, a: T) -> T {
    let quotient = difference / a;
    if quotient.to_f64().abs() < 0.5 { quotient.ln_1p() } else { (x / a).ln() }
}

/// y ((a - 1) / x - 1); at x = 0 its limit, by the densities of shapes a - 1 and a, and next to it too, where y may be nothing
/// and squares of quotients by x would overflow in the derivatives.
fn gamma_density_by_place<T: Real>(a: T, x: T, y: T) -> T {
    if x == T::zero() || x.to_f64().abs() < 1e-3 && a >= T::one() {
        return gamma_density(a - T::one(), x) - y;
    }
    if y == T::zero() && !(a.is_finite() && x.is_finite()) {
        return T::zero();
    }
    let quotient = y / x;
    // A small place by itself, where the quotient may be infinite.
    if x.to_f64() < 1e-3 { quotient * (a - T::one()) - y } else { quotient * (a - x - T::one()) }
}

// The incomplete gamma function. Which way to compute it, by place:

/// From here on the uniform expansion holds, if x is near a.
const LARGE: f64 = 30.0;

fn is_uniform(a: f64, x: f64) -> bool {
    a >= LARGE && ((x - a) / a).abs() < 0.35
}

fn is_below(a: f64, x: f64) -> bool {
    x < a.max(1.0)
}

/// P(a, x) and Q(a, x).
fn incomplete_gamma(a: f64, x: f64) -> (f64, f64) {
    if a.is_nan()
        || x.is_nan()
        || a < 0.0
        || x < 0.0
        || (a == 0.0 && x == 0.0)
        || (a == f64::INFINITY && x == f64::INFINITY)
    {
        return (f64::NAN, f64::NAN);
    }
    if x == 0.0 || a == f64::INFINITY {
        return (0.0, 1.0);
    }
    if a == 0.0 || x == f64::INFINITY {
        return (1.0, 0.0);
    }
    if is_uniform(a, x) {
        let (eta, rest) = uniform_expansion(a, x);
        let rest =
            rest * (a * log1pmx((x - a) / a)).exp() / (std::f64::consts::TAU.sqrt() * a.sqrt());
        let place = eta * (0.5 * a).sqrt();
        return (0.5 * libm::erfc(-place) - rest, 0.5 * libm::erfc(place) + rest);
    }
    if is_below(a, x) {
        let lower = scaled_power(a, x) * lower_series(a, x);
        return (lower, if a < 0.5 { upper_of_small_shape(a, x) } else { 1.0 - lower });
    }
    let upper = scaled_power(a, x) * (a / upper_fraction(a, x, terms_of_upper_fraction(a, x)));
    (1.0 - upper, upper)
}

/// The derivative of P(a, x) by a.
fn lower_by_shape<T: Real>(a: T, x: T) -> T {
    let (shape, place) = (a.to_f64(), x.to_f64());
    if place == 0.0 && shape > 0.0 {
        return by_shape_of_end(shape, x);
    }
    if place == f64::INFINITY || shape == f64::INFINITY {
        return T::zero();
    }
    if !(shape >= 0.0 && place > 0.0) {
        return convert(f64::NAN);
    }
    // Far from a, where all underflows.
    if shape > 0.0 && gamma_density_of(shape, place) == 0.0 {
        return T::zero();
    }
    let varying = Dual::<T>::new(a, [T::one()]);
    let fixed = Dual::<T>::constant(x);
    if is_uniform(shape, place) {
        // With l = x / a, m = l - 1 and eta as there, Q = erfc(eta sqrt(a / 2)) / 2 + g s with
        // g = exp(-a eta^2 / 2) / sqrt(2 pi a); the error function's own derivative is elementary, and
        // d(a eta^2 / 2) / da = -ln(l). So dQ/da = g (m / eta - eta / 2 + (ln(l) - 1 / (2a)) s + ds/da).
        let away = (x - a) / a;
        let (eta, rest) = uniform_expansion(varying, fixed);
        let half = convert::<f64, T>(0.5);
        let scale = (a * log1pmx(away)).exp() / (T::two_pi() * a).sqrt();
        let slope = ratio_to_eta(away).recip() - eta.value * half
            + (away.ln_1p() - half / a) * rest.value
            + rest.tangents[0];
        return -(scale * slope);
    }
    // The density has the factor a, which the derivatives at a small shape are better without.
    let power = if shape < 10.0 {
        fixed.powf(varying) * (-fixed).exp() / gamma(varying + Dual::constant(T::one()))
    } else {
        gamma_density(varying, fixed) * (fixed / varying)
    };
    if is_below(shape, place) {
        return (power * lower_series(varying, fixed)).tangents[0];
    }
    // The derivatives of the fraction converge later than its value: twice the terms. It ends at a whole shape, or nearly so
    // close to one, but not its derivative by the shape: as many terms as halfway between.
    let halfway = terms_of_upper_fraction(shape + 0.5, place);
    let terms = 2 * terms_of_upper_fraction(shape, place).max(halfway) + 10;
    -(power * (varying / upper_fraction(varying, fixed, terms))).tangents[0]
}

/// The derivative of an incomplete function by the shape of an end, at that end, from which x is away. It is nothing for every
/// shape, but grows as x^a ln(x), which falls vertically for a <= 1.
fn by_shape_of_end<T: Real>(a: f64, x: T) -> T {
    if a > 1.0 || x.is_constant_zero() { T::zero() } else { -x.cbrt() }
}

/// The sum of x^n / ((a+1) .. (a+n)) over n >= 0 (DLMF 8.11.4), for x below a or below 1.
fn lower_series<T: Real>(a: T, x: T) -> T {
    let (mut n, mut term, mut sum) = (a, T::one(), T::one());
    for count in 0..1000 {
        n += T::one();
        term *= x / n;
        sum += term;
        // Far beyond the last digit, since the derivatives converge later; some terms are there for them alone.
        if term.to_f64() < 1e-26 * sum.to_f64() && count > 6 {
            break;
        }
    }
    sum
}

/// Q(a, x) for a < 1/2 and x < 1, where 1 - P cancels: with u = x^a / gamma(a + 1),
/// (1 - u) - u a (sum of (-x)^k / ((a + k) k!) over k >= 1) (DLMF 8.7.1).
fn upper_of_small_shape(a: f64, x: f64) -> f64 {
    let logarithm = a * x.ln() - ln_gamma_of_one_plus(a);
    let (mut power, mut sum) = (1.0, 0.0);
    for k in (1..=20).map(f64::from) {
        power *= -x / k;
        sum += power / (a + k);
    }
    -logarithm.exp_m1() - logarithm.exp() * a * sum
}

/// x^a exp(-x) / the integral of t^(a-1) exp(-t) from x on, by so many terms of the continued fraction (DLMF 8.9.2,
/// contracted): x + 1 - a - 1 (1 - a) / (x + 3 - a - 2 (2 - a) / (x + 5 - a - ..)).
fn upper_fraction<T: Real>(a: T, x: T, terms: usize) -> T {
    let start = x - a;
    let odd = |k: usize| convert::<f64, T>((2 * k + 1) as f64);
    let mut fraction = start + odd(terms);
    for k in (1..=terms).rev() {
        let k_real = convert::<f64, T>(k as f64);
        fraction = start + odd(k - 1) - k_real * (k_real - a) / fraction;
    }
    fraction
}

/// How many terms of `upper_fraction` give all digits, by W. Lentz's method.
fn terms_of_upper_fraction(a: f64, x: f64) -> usize {
    let mut middle = x + 1.0 - a;
    let (mut c, mut d) = (middle, 0.0);
    for k in 1..2000 {
        let number = k as f64;
        let factor = -number * (number - a);
        middle += 2.0;
        d = (middle + factor * d).recip();
        c = middle + factor / c;
        let change = (c * d - 1.0).abs();
        if change <= 2e-16 || change.is_nan() {
            return k;
        }
    }
    2000
}

/// The coefficients of eta / (l - 1) in powers of eta, where eta^2 / 2 = l - 1 - ln(l).
const UNIFORM: [f64; 28] = [
    1.0,
    -0.333_333_333_333_333_3,
    0.083_333_333_333_333_33,
    -0.014_814_814_814_814_815,
    0.001_157_407_407_407_407_3,
    0.000_352_733_686_067_019_4,
    -0.000_178_755_144_032_921_8,
    3.919_263_178_522_438e-05,
    -2.185_448_510_679_992e-06,
    -1.854_062_210_715_16e-06,
    8.296_711_340_953_087e-07,
    -1.766_595_273_682_607_8e-07,
    6.707_853_543_401_498e-09,
    1.026_180_978_424_030_9e-08,
    -4.382_036_018_453_353e-09,
    9.147_699_582_236_79e-10,
    -2.551_419_399_494_624_8e-11,
    -5.830_772_132_550_426e-11,
    2.436_194_802_066_741_5e-11,
    -5.027_669_280_114_175_5e-12,
    1.100_439_203_195_613_5e-13,
    3.371_763_262_400_985e-13,
    -1.392_388_722_418_162e-13,
    2.853_489_380_704_744_5e-14,
    -5.139_111_834_242_572e-16,
    -1.975_228_829_434_944_2e-15,
    8.099_521_156_704_561e-16,
    -1.652_253_121_639_816_2e-16,
];

/// eta / m for m = x / a - 1: the square root of 2 (m - ln(1 + m)) / m^2 = 2 (1/2 - m/3 + m^2/4 - ..), without the
/// removable singularity at m = 0.
fn ratio_to_eta<T: Real>(m: T) -> T {
    let sum =
        (0..44).rev().fold(T::zero(), |sum, k| convert::<f64, T>(2.0 / f64::from(k + 2)) - sum * m);
    sum.sqrt()
}

/// Temme's uniform expansion for a large a and x near it: eta, and S with
/// Q = erfc(eta sqrt(a / 2)) / 2 + exp(-a eta^2 / 2) / sqrt(2 pi a) S (DLMF 8.12.3; A. Gil, J. Segura, N. Temme,
/// SIAM J. Sci. Comput. 34 (2012) A2965, section 2.5).
fn uniform_expansion<T: Real>(a: T, x: T) -> (T, T) {
    let m = (x - a) / a;
    let eta = m * ratio_to_eta(m);
    // The coefficients b of S gamma*(a) in powers of eta follow from the differential equation of S,
    // b(n-1) = f(n) + (n + 1) b(n+1) / a, downwards.
    let inverse = a.recip();
    let (mut after, mut b, mut sum) = (T::zero(), T::zero(), T::zero());
    for n in (1..UNIFORM.len()).rev() {
        // `b` is b(n), `after` is b(n + 1).
        let before = convert::<f64, T>(UNIFORM[n]) + after * inverse * convert((n + 1) as f64);
        (after, b) = (b, before);
        sum = sum * eta + before;
    }
    // Now `b` is b(0) and `after` is b(1); gamma*(a) is 1 + b(1) / a.
    (eta, sum / (T::one() + after * inverse))
}

// The density of the beta distribution.

fn beta_density_of(a: f64, b: f64, x: f64) -> f64 {
    if a.is_nan() || b.is_nan() || !(0.0..=1.0).contains(&x) {
        return f64::NAN;
    }
    if a == 0.0 || b == 0.0 {
        return 0.0;
    }
    if x == 0.0 || x == 1.0 {
        let (near, far) = if x == 0.0 { (a, b) } else { (b, a) };
        if near > 1.0 {
            return 0.0;
        }
        return if near == 1.0 { far } else { f64::INFINITY.copysign(beta(a, b)) };
    }
    if !(a + b).is_finite() {
        return 0.0;
    }
    let rest = 1.0 - x;
    if a.max(b) < 10.0 {
        let power = if b < 1.0 { rest.powf(b) } else { rest.powf(b - 1.0) };
        let divisor = if b < 1.0 { rest } else { 1.0 };
        if a < 1.0 {
            // Divided by x where that is in range.
            let (share, rest) = (x.powf(a), power * over_beta(a, b) / divisor);
            let product = share * rest;
            let quotient = share / x;
            let in_range = product > 1e-290 || quotient.is_infinite();
            return if in_range { product / x } else { quotient * rest };
        }
        return x.powf(a - 1.0) * power / beta(a, b) / divisor;
    }
    if x < 1e-100 && a.min(b) < 10.0 {
        // The power alone may be nothing.
        return ((a - 1.0) * x.ln() + (b - 1.0) * (-x).ln_1p() - ln_beta_of(a, b)).exp();
    }
    beta_power(a, b, x) / rest / x
}

/// 1 / beta(a, b) for positive a and b, which where that overflows is that of 1 / a + 1 / b.
fn over_beta(a: f64, b: f64) -> f64 {
    let beta = beta(a, b);
    if beta == f64::INFINITY { a.min(b) * (a.max(b) / (a + b)) } else { beta.recip() }
}

/// x^a (1-x)^b / beta(a, b) for 0 < x < 1 and positive a and b.
fn beta_power(a: f64, b: f64, x: f64) -> f64 {
    if a.max(b) < 10.0 {
        return x.powf(a) * (1.0 - x).powf(b) / beta(a, b);
    }
    if a.min(b) < 10.0 {
        return (a * x.ln() + b * (-x).ln_1p() - ln_beta_of(a, b)).exp();
    }
    // As for the gamma distribution: the two deviances, whose linear parts cancel, and Stirling's remainders.
    let excess = exact_excess(a, b, x);
    let deviance = |shape: f64, excess: f64, place: f64| {
        let quotient = excess / shape;
        if quotient > -0.5 {
            shape * log1pmx(quotient)
        } else {
            shape * (place / shape * (a + b)).ln() - excess
        }
    };
    let remainders = stirling_remainder(a) + stirling_remainder(b) - stirling_remainder(a + b);
    let exponent = deviance(a, excess, x) + deviance(b, -excess, 1.0 - x);
    (exponent - remainders).exp() * (a * (b / (2.0 * std::f64::consts::PI * (a + b)))).sqrt()
}

/// (a + b) x - a.
fn excess<T: Real>(a: T, b: T, x: T) -> T {
    x * b - (T::one() - x) * a
}

/// (a + b) x - a, with the errors of its roundings added again (T. Dekker, Numer. Math. 18 (1971) 224).
fn exact_excess(a: f64, b: f64, x: f64) -> f64 {
    let (p, q) = (x * a, x * b);
    let products = f64::mul_add(x, a, -p) + f64::mul_add(x, b, -q);
    let sum_of = |u: f64, v: f64| {
        let sum = u + v;
        let part = sum - u;
        (sum, (u - (sum - part)) + (v - part))
    };
    let (first, lost) = sum_of(q, -a);
    let (sum, lost_again) = sum_of(first, p);
    let error = products + lost + lost_again;
    if error.is_finite() { sum + error } else { excess(a, b, x) }
}

/// The derivative by the first shape; a small one is a factor of the density.
fn beta_density_by_first_shape<T: Real>(a: T, b: T, x: T, y: T) -> T {
    if is_smallest(a, b) && x > T::zero() && x < T::one() {
        let power = ((b - T::one()) * (-x).ln_1p()).exp();
        return by_smallest_shape((a, b), (power, x.powf(a), x), x.ln());
    }
    if is_small(a, b) && x > T::zero() {
        return by_small_shape((a, b), beta_density(a + T::one(), b, x), x, x.ln());
    }
    if is_faint(a.to_f64(), x.to_f64(), y) && beta(a, b) > T::zero() {
        let scale = ((b - T::one()) * (-x).ln_1p()).exp() / beta(a, b);
        return by_faint_power(a, x, -logarithmic_slope(a, b)) * scale;
    }
    beta_density_by_shape((a, b), y, excess(a, b, x), (x, x.ln()))
}

/// The derivative by the second shape.
fn beta_density_by_second_shape<T: Real>(a: T, b: T, x: T, y: T) -> T {
    let rest = T::one() - x;
    if is_smallest(b, a) && x > T::zero() && x < T::one() {
        let logarithm = (-x).ln_1p();
        let power = (b * logarithm).exp() / rest;
        return by_smallest_shape((b, a), (power, x.powf(a), x), logarithm);
    }
    if is_small(b, a) && rest > T::zero() {
        return by_small_shape((b, a), beta_density(a, b + T::one(), x), rest, (-x).ln_1p());
    }
    beta_density_by_shape((b, a), y, -excess(a, b, x), (rest, (-x).ln_1p()))
}

/// Whether the derivative by a shape is the difference of two large numbers.
fn is_small<T: Real>(shape: T, other: T) -> bool {
    let (shape, other) = (shape.to_f64(), other.to_f64());
    (0.0..0.5).contains(&shape) && other > 0.0 && other.is_finite()
}

/// Whether nearly nothing of the derivative by the shape is left in the one by the other.
fn is_smallest<T: Real>(shape: T, other: T) -> bool {
    is_small(shape, other) && shape.to_f64() < 1e-3 * other.to_f64().min(1.0)
}

/// The derivative by such a shape a, given the density without its factor 1 / beta(a, b), which is a R with
/// R = gamma(a + b) / (gamma(a + 1) gamma(b)), and what has the logarithm given. Of its parts the power of the place and the
/// place come last, as their quotient may be infinite alone.
fn by_smallest_shape<T: Real>((a, b): (T, T), (rest, power, x): (T, T, T), logarithm: T) -> T {
    if rest == T::zero() {
        return T::zero();
    }
    let (sum, one) = (a + b, T::one());
    // Of two small shapes the second's power series has no digits beside 1.
    let factor = if b.to_f64() < 1e-20 {
        (one + a / b).recip()
    } else {
        (ln_gamma_rise(b, a) - ln_gamma_of_one_plus(a)).exp()
    };
    let slope = one - a / sum + a * (logarithm - digamma_difference(a + one, b));
    factor * rest * slope * power / x
}

/// The same for a small shape a, given the density for a + 1: that for a is a times a smooth number.
fn by_small_shape<T: Real>((a, b): (T, T), next: T, x: T, logarithm: T) -> T {
    let (sum, one) = (a + b, T::one());
    // Divided last: the slope of `next` may overflow where the product does not.
    next * (b / sum + a * (logarithm - digamma_difference(a + one, b))) / sum / x
}

/// y (ln(x) - digamma(a) + digamma(a + b)), given (a + b) x - a, and x with its logarithm.
fn beta_density_by_shape<T: Real>((a, b): (T, T), y: T, excess: T, (x, logarithm): (T, T)) -> T {
    // Of a shape that is 0 the density is a multiple.
    let vanishes = a == T::zero() || b == T::zero();
    if y == T::zero() && x == T::zero() {
        if vanishes {
            return undefined(a + b + x);
        }
        // It grows as x^(a - 1) ln(x).
        return by_shape_of_end(a.to_f64() - 1.0, x);
    }
    // It has underflowed, but at the other end, from which the density may have a slope.
    let is_inside = x > T::zero() && x != T::one();
    if y == T::zero() && !vanishes && (is_inside || !(a + b).is_finite()) {
        return T::zero();
    }
    let quotient = excess / a;
    if a.to_f64() > 16.0 && b > T::one() && quotient.to_f64().abs() < 0.5 {
        return y * (quotient.ln_1p() + (log_minus_digamma(a) - log_minus_digamma(a + b)));
    }
    y * (logarithm - logarithmic_slope(a, b))
}

/// y ((a - 1) / x - (b - 1) / (1 - x)); at the ends its limit, by densities of smaller shapes.
fn beta_density_by_place<T: Real>(a: T, b: T, x: T, y: T) -> T {
    if !(a + b).is_finite() {
        return T::zero();
    }
    if a == T::zero() || b == T::zero() {
        return beta_density_by_place_without_shape(a, b, x);
    }
    let is_steep = x.to_f64() < 1e-10 && a >= T::one() && (y * b).to_f64() == f64::INFINITY;
    if x == T::zero() || x == T::one() || is_steep {
        let less = beta_density(a - T::one(), b, x) - beta_density(a, b - T::one(), x);
        return (a + b - T::one()) * less;
    }
    if x.to_f64() < 1e-10 && a >= T::one() {
        // The part of the first power by the density of a smaller shape: this one may be nothing.
        let part = (a + b - T::one()) * beta_density(a - T::one(), b, x);
        return part - y * ((b - T::one()) / (T::one() - x));
    }
    if y == T::zero() {
        return T::zero();
    }
    y * ((a - T::one()) / x - (b - T::one()) / (T::one() - x))
}

/// The same where a shape is 0. The density is that shape times a smooth number then, next / (a + b) / x as in [`by_small_shape`].
fn beta_density_by_place_without_shape<T: Real>(a: T, b: T, x: T) -> T {
    let (first, rest) = (a == T::zero(), T::one() - x);
    let at_own_end = if first { x <= T::zero() } else { rest <= T::zero() };
    if a == b || at_own_end {
        return undefined(a + b + x);
    }
    let x = Dual::<T>::new(x, [T::one()]);
    let (a, b, one) = (Dual::constant(a), Dual::constant(b), Dual::constant(T::one()));
    let over_shape = if first {
        beta_density(a + one, b, x) / x
    } else {
        beta_density(a, b + one, x) / (one - x)
    };
    let shape = if first { a } else { b };
    let slope = (over_shape / (a + b)).tangents[0];
    if first && slope.to_f64().is_infinite() {
        // Next to 0 the density is a / x, and its derivative the zero that a is, though that by a is infinite.
        return -over_power(2, a.value, x.value);
    }
    slope * shape.value
}

// The incomplete beta function.

/// Whether x is below the place up to which the continued fraction of I_x(a, b) is used; above, that of its complement.
fn is_lower(a: f64, b: f64, x: f64) -> bool {
    x < (a + 1.0) / (a + b + 2.0)
}

fn incomplete_beta(a: f64, b: f64, x: f64) -> f64 {
    if a.is_nan()
        || b.is_nan()
        || !(0.0..=1.0).contains(&x)
        || a < 0.0
        || b < 0.0
        || (a == b && (a == 0.0 || a == f64::INFINITY))
    {
        return f64::NAN;
    }
    if x == 0.0 || x == 1.0 {
        return x;
    }
    if a == 0.0 || b == f64::INFINITY {
        return 1.0;
    }
    if b == 0.0 || a == f64::INFINITY {
        return 0.0;
    }
    if a.min(b) > HUGE {
        return beta_of_huge_shapes(a, b, x);
    }
    let rest = 1.0 - x;
    if is_lower(a, b, x) {
        let power = beta_power(a, b, x);
        if power == 0.0 {
            return power;
        }
        let below = -exact_excess(a, b, x);
        let terms = terms_of_beta_fraction(a, b, x, rest, below);
        return (power / beta_fraction(a, b, x, rest, below, terms)).min(1.0);
    }
    if b < 0.5 {
        return complement_of_small_shape(b, a, rest, (-x).ln_1p()).max(0.0);
    }
    let power = beta_power(a, b, x);
    if power == 0.0 {
        return 1.0;
    }
    let above = exact_excess(a, b, x);
    let terms = terms_of_beta_fraction(b, a, rest, x, above);
    (1.0 - power / beta_fraction(b, a, rest, x, above, terms)).max(0.0)
}

/// The derivative of I_x(a, b) by a, or by b.
fn betainc_by_shapes<T: Real>(a: T, b: T, x: T, by_first: bool) -> T {
    let (first, second, place) = (a.to_f64(), b.to_f64(), x.to_f64());
    if first + second == f64::INFINITY {
        return T::zero();
    }
    if place == 0.0 {
        return if by_first { by_shape_of_end(first, x) } else { by_other_shape(first, b, x) };
    }
    if place == 1.0 {
        let rest = T::one() - x;
        return -if by_first {
            by_other_shape(second, a, rest)
        } else {
            by_shape_of_end(second, rest)
        };
    }
    if !(first > 0.0 && second > 0.0 && (0.0..1.0).contains(&place)) {
        return convert(f64::NAN);
    }
    let (to_first, to_second) =
        if by_first { (T::one(), T::zero()) } else { (T::zero(), T::one()) };
    let (a, b) = (Dual::<T>::new(a, [to_first]), Dual::<T>::new(b, [to_second]));
    let x = Dual::<T>::constant(x);
    let rest = Dual::constant(T::one()) - x;
    let above = excess(a, b, x);
    let power = beta_density(a, b, x) * (x * rest);
    // Far from the mean, where all underflows; next to the end slopes may not.
    if power == Dual::constant(T::zero()) && place > 1e-100 {
        return T::zero();
    }
    if first.min(second) > HUGE {
        // To leading order, that is but for a part in the root of the smaller shape.
        return if by_first { -(power / a).value } else { (power / b).value };
    }
    let distance = excess(first, second, place);
    // The derivatives of the fraction converge later than its value: twice the terms. It ends at a whole shape on the other
    // side, but not its derivative by that: as many terms as halfway between.
    let terms = |a: f64, b: f64, x: f64, rest: f64, below: f64| {
        let halfway = terms_of_beta_fraction(a, b + 0.5, x, rest, below - 0.5 * x);
        2 * terms_of_beta_fraction(a, b, x, rest, below).max(halfway) + 10
    };
    if is_lower(first, second, place) {
        if first < 0.5 {
            return -complement_of_small_shape(a, b, x, x.ln()).tangents[0];
        }
        let terms = terms(first, second, place, 1.0 - place, -distance);
        return (power / beta_fraction(a, b, x, rest, -above, terms)).tangents[0];
    }
    if second < 0.5 {
        return complement_of_small_shape(b, a, rest, (-x).ln_1p()).tangents[0];
    }
    let terms = terms(second, first, 1.0 - place, place, distance);
    -(power / beta_fraction(b, a, rest, x, above, terms)).tangents[0]
}

/// As [`by_shape_of_end`], by the shape b of the other end: this one grows as x^a. For a = 1 the function is 1 - (1-x)^b.
fn by_other_shape<T: Real>(a: f64, b: T, x: T) -> T {
    if a > 1.0 || x.is_constant_zero() {
        T::zero()
    } else if a == 1.0 {
        let logarithm = (-x).ln_1p();
        -logarithm * (b * logarithm).exp()
    } else {
        x.cbrt()
    }
}

/// 1 - I_x(a, b) for a < 1/2, where that can be small: with u = x^a / (a beta(a, b)),
/// (1 - u) - u a (sum of (1-b) .. (n-b) x^n / (n! (a + n)) over n >= 1) (DLMF 8.17.7); given ln(x).
fn complement_of_small_shape<T: Real>(a: T, b: T, x: T, logarithm: T) -> T {
    let logarithm = a * logarithm + ln_gamma_rise(b, a) - ln_gamma_of_one_plus(a);
    let (mut power, mut sum) = (T::one(), T::zero());
    let mut bound = 1.0;
    for n in (1..2000).map(f64::from) {
        power *= (convert::<f64, T>(n) - b) * x * convert(1.0 / n);
        sum += power / (a + convert(n));
        // A whole b ends the series, but not that of its derivative by b.
        bound *= (n - b.to_f64()).abs().max(1.0) * x.to_f64() / n;
        if bound < 1e-26 && n > 6.0 {
            break;
        }
    }
    -logarithm.exp_m1() - logarithm.exp() * a * sum
}

/// Above, the continued fraction takes too many terms.
const HUGE: f64 = 1e13;

/// The uniform expansion of I_x(a, b) for large a and b (DLMF 8.18.9); its first correction is all that is left of it
/// at shapes of this size.
fn beta_of_huge_shapes(a: f64, b: f64, x: f64) -> f64 {
    let excess = exact_excess(a, b, x);
    // x - a / (a + b) in units of the density's width.
    let width = (a * (b / (a + b))).sqrt();
    let linear = excess / width;
    if linear.abs() > 60.0 {
        return if linear < 0.0 { 0.0 } else { 1.0 };
    }
    let deviance = -2.0 * (a * log1pmx(excess / a) + b * log1pmx(-excess / b));
    let place = deviance.max(0.0).sqrt().copysign(excess);
    let correction = if linear.abs() < 1e-2 {
        (b / (a + b) - a / (a + b)) / (3.0 * width)
    } else {
        place.recip() - linear.recip()
    };
    let density = (-0.5 * deviance).exp() / (2.0 * std::f64::consts::PI).sqrt();
    0.5 * libm::erfc(-place / std::f64::consts::SQRT_2) + density * correction
}

/// The n-th numerator of `beta_fraction`, n >= 1.
fn beta_numerator<T: Real>(a: T, b: T, x: T, n: usize) -> T {
    let n = convert::<f64, T>(n as f64);
    let before = a + (n - T::one());
    let middle = before + n;
    before / middle * ((before + b) / middle * x) * (n * ((b - n) * x))
}

/// The n-th denominator of `beta_fraction`, given 1 - x and a - (a + b) x.
fn beta_denominator<T: Real>(a: T, b: T, x: T, rest: T, below: T, n: usize) -> T {
    let n = convert::<f64, T>(n as f64);
    let one = T::one();
    let middle = a + n + n;
    let first = if n == T::zero() { n } else { n + n * ((b - n) * (x / (middle - one))) };
    first + (a + n) / (middle + one) * (below + one + n * (one + rest))
}

/// x^a (1-x)^b / (beta(a, b) I_x(a, b)), by so many terms of the even part of the continued fraction in DLMF 8.17.22,
/// whose elements do not cancel for x below the mean (A. DiDonato, A. Morris, ACM Trans. Math. Softw. 18 (1992) 360).
fn beta_fraction<T: Real>(a: T, b: T, x: T, rest: T, below: T, terms: usize) -> T {
    let last = beta_denominator(a, b, x, rest, below, terms);
    (0..terms).rev().fold(last, |fraction, n| {
        beta_denominator(a, b, x, rest, below, n) + beta_numerator(a, b, x, n + 1) / fraction
    })
}

/// How many terms of `beta_fraction` give all digits, by W. Lentz's method.
fn terms_of_beta_fraction(a: f64, b: f64, x: f64, rest: f64, below: f64) -> usize {
    const MOST: usize = 300_000;
    let (mut c, mut d) = (beta_denominator(a, b, x, rest, below, 0), 0.0);
    for n in 1..MOST {
        let (numerator, denominator) =
            (beta_numerator(a, b, x, n), beta_denominator(a, b, x, rest, below, n));
        d = (denominator + numerator * d).recip();
        c = denominator + numerator / c;
        let change = (c * d - 1.0).abs();
        if change <= 2e-16 || change.is_nan() {
            return n;
        }
    }
    MOST
}
