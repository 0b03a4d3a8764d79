//! Derivatives to the fourth order of the scalar primitives, by four nested `Dual`s, against mpmath
//! (`data/taylor.tsv`: see the script that made it).

use std::collections::BTreeSet;

use crate::reference::is_elementary;
use difrules_core::{Dual, Real, math};

type D1 = Dual<f64>;
type D2 = Dual<D1>;
type D3 = Dual<D2>;
type D4 = Dual<D3>;

/// x + t d with t varying in every mode.
fn variable(x: f64, d: f64) -> D4 {
    let one = Dual::new(x, [d]);
    let two = Dual::new(one, [D1::constant(d)]);
    let three = Dual::new(two, [D2::constant(D1::constant(d))]);
    Dual::new(three, [D3::constant(D2::constant(D1::constant(d)))])
}

/// The derivatives of order 0 to 4.
fn derivatives(y: D4) -> [f64; 5] {
    [
        y.value.value.value.value,
        y.value.value.value.tangents[0],
        y.value.value.tangents[0].tangents[0],
        y.value.tangents[0].tangents[0].tangents[0],
        y.tangents[0].tangents[0].tangents[0].tangents[0],
    ]
}

/// Calls a function by its name.
macro_rules! call {
    ($name:expr, $x:expr; [$($one:ident)*] [$($two:ident)*] [$($three:ident)*]) => {
        match ($name, $x) {
            $((stringify!($one), &[x]) => Some(math::$one(x)),)*
            $((stringify!($two), &[x, y]) => Some(math::$two(x, y)),)*
            $((stringify!($three), &[x, y, z]) => Some(math::$three(x, y, z)),)*
            _ => None,
        }
    };
}

fn call<T: Real>(name: &str, x: &[T]) -> Option<T> {
    if let Some((name, part)) = name.split_once('.') {
        let y = complex(name, x[0], x[1])?;
        return Some(if part == "re" { y.re } else { y.im });
    }
    let whole = |x: T| x.to_f64() as i32;
    match (name, x) {
        ("powi", &[x, n]) => return Some(math::powi(x, whole(n))),
        ("ldexp", &[x, n]) => return Some(math::ldexp(x, whole(n))),
        ("polygamma", &[n, x]) => return Some(math::polygamma(whole(n) as u32, x)),
        ("expint_n", &[n, x]) => return Some(math::expint_n(whole(n), x)),
        ("lambert_w", &[branch, x]) => return Some(math::lambert_w(whole(branch), x)),
        ("rem2pi", &[x]) => return Some(math::rem2pi(x, math::Rounding::Nearest)),
        _ => {}
    }
    call!(name, x;
        [neg acosd acotd acscd asecd asind atand cosd cotd cscd secd sind tand to_degrees to_radians
         exp exp_m1 exp2 exp10 exprel ln ln_1p log2 log10 cosm1 mod2pi
         acosh acoth acsch asech asinh atanh cosh coth csch sech sinh tanh
         log1mexp log1pexp log1pmx log1psq log2mexp logexpm1 logistic logit logmxp1 xlogx
         abs abs2 cbrt recip signum sqrt floor ceil round trunc fract
         acos acot acsc asec asin atan cos cospi cot csc sec sin sinc sinpi tan
         airyai airyaiprime airyaiprimex airyaix airybi airybiprime airybiprimex airybix
         besselj0 besselj1 bessely0 bessely1 cosint dawson digamma ellipe ellipk erf erfc erfcinv
         erfcx erfi erfinv expint fresnel_c fresnel_s gamma gelu invdigamma ln_gamma log_ndtr
         logerfc logerfcx ndtr ndtri relu silu sinint softplus spence trigamma]
        [add sub mul div log_base logaddexp logsubexp xlog1py xlogy hypot left_div max min maximum
         minimum powf rem modulo atan2 copysign besseli besselix besselj besseljx besselk besselkx
         bessely besselyx beta eccentric_anomaly erf_between gammainc_lower gammainc_upper huber
         ln_beta zeta]
        [mul_add clamp betainc])
}

/// The functions of complex values.
fn complex<T: Real>(name: &str, order: T, x: T) -> Option<nalgebra::Complex<T>> {
    Some(match name {
        "besselh" => math::besselh(order, x),
        "besselhx" => math::besselhx(order, x),
        "hankelh1" => math::hankelh1(order, x),
        "hankelh1x" => math::hankelh1x(order, x),
        "hankelh2" => math::hankelh2(order, x),
        "hankelh2x" => math::hankelh2x(order, x),
        _ => return None,
    })
}

#[test]
fn derivatives_to_the_fourth_agree_with_mpmath() {
    let (mut missing, mut wrong, mut checked) = (BTreeSet::new(), Vec::new(), 0);
    for line in include_str!("data/taylor.tsv").lines().skip(1) {
        let fields: Vec<_> = line.split('\t').collect();
        let numbers = |text: &str| -> Vec<f64> {
            text.split(',').map(|x| x.parse().expect("a number")).collect()
        };
        let (point, direction) = (numbers(fields[1]), numbers(fields[2]));
        let arguments: Vec<_> =
            point.iter().zip(&direction).map(|(x, d)| variable(*x, *d)).collect();
        let Some(y) = call(fields[0], &arguments) else {
            missing.insert(fields[0]);
            continue;
        };
        let found = derivatives(y);
        // What the rounding of the arguments makes of a derivative is about the next one.
        let size: f64 = point
            .iter()
            .zip(&direction)
            .map(|(x, d)| if *d == 0.0 { 0.0 } else { (x / d).abs() })
            .fold(0.0, f64::max);
        // Scaled functions of Bessel are small beside the parts of their fourth derivatives.
        let tolerance = if is_elementary(fields[0], point.len()) { 1e-12 } else { 1e-9 };
        let expected: Vec<f64> = fields[3..].iter().map(|x| x.parse().expect("a number")).collect();
        for k in 0..5 {
            let next = expected.get(k + 1).copied().unwrap_or(0.0);
            let error = (found[k] - expected[k]).abs();
            let floor = 4.0 * f64::EPSILON * size * next.abs();
            if error.is_nan() || error > tolerance * expected[k].abs() + floor {
                wrong.push(format!(
                    "{} {} {} order {k}: {:e}, not {:e} ({:.1e})",
                    fields[0],
                    fields[1],
                    fields[2],
                    found[k],
                    expected[k],
                    error / expected[k].abs()
                ));
            }
        }
        checked += 1;
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(missing.is_empty() && checked > 900, "{missing:?} {checked}");
}
