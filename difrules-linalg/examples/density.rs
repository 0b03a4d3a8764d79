//! The density of carbon dioxide by the equation of state of Peng and Robinson: a cubic equation for the volume, solved
//! in closed form, and its derivatives by pressure and temperature by the implicit function theorem.
//!
//! ```text
//! cargo run --release --example density
//! ```

use difrules_core::{Function, Real, gradient, jvp, lit};
use difrules_linalg::{ImplicitError, root};

/// J / (mol K).
const GAS: f64 = 8.314462618;
/// Critical temperature in K and pressure in Pa, and acentric factor.
const CRITICAL: (f64, f64, f64) = (304.13, 7.3773e6, 0.22394);

/// The pressure at a molar density and a temperature, in mol/m^3 and K.
fn pressure<T: Real>(density: T, temperature: T) -> T {
    let (critical, critical_pressure, acentric) = CRITICAL;
    let b = 0.077796 * GAS * critical / critical_pressure;
    let kappa = 0.37464 + 1.54226 * acentric - 0.26992 * acentric * acentric;
    let alpha = T::one() + (T::one() - (temperature * lit(critical.recip())).sqrt()) * lit(kappa);
    let a = alpha * alpha * lit(0.457235 * (GAS * critical).powi(2) / critical_pressure);
    let packed = density * lit(b);
    let repulsion = density * temperature * lit(GAS) / (T::one() - packed);
    repulsion - a * density * density / (T::one() + packed * lit(2.0) - packed * packed)
}

/// The equation of state, for the density at a pressure and a temperature.
struct PengRobinson;

impl Function for PengRobinson {
    type Point = (f64, (f64, f64));
    type Value = f64;

    fn call<T: Real>(&self, (density, (wanted, temperature)): &(T, (T, T))) -> T {
        pressure(*density, *temperature) - *wanted
    }
}

/// The density of the gas: the least root of a cubic, by bisection below the least density at which it is dense.
fn solve(&(wanted, temperature): &(f64, f64)) -> Option<f64> {
    let (mut low, mut high) = (0.0, wanted / (GAS * temperature));
    while pressure(high, temperature) < wanted {
        high *= 1.1;
        if high > 20e3 {
            return None;
        }
    }
    for _ in 0..200 {
        let middle = 0.5 * (low + high);
        if pressure(middle, temperature) < wanted { low = middle } else { high = middle }
    }
    Some(high)
}

/// The density, in any mode.
fn density<T: Real>(pressure: T, temperature: T) -> T {
    root(PengRobinson, solve, &(pressure, temperature)).expect("a gas")
}

/// The density's derivatives by the pressure, of orders one to three: each is the derivative of the one before.
fn first<T: Real>(p: T, t: T) -> T {
    jvp(|(p, t)| density(*p, *t), &(p, t), &(T::one(), T::zero())).1
}

fn second<T: Real>(p: T, t: T) -> T {
    jvp(|(p, t)| first(*p, *t), &(p, t), &(T::one(), T::zero())).1
}

fn third<T: Real>(p: T, t: T) -> T {
    gradient(|(p, t)| second(*p, *t), &(p, t)).0
}

/// What a density is beside a wanted one.
fn demand(name: &str, found: f64, wanted: f64) {
    println!("{name:>28}  {found:+.12e}");
    assert!((found - wanted).abs() <= 1e-11 * wanted.abs(), "{name}: {found} {wanted}");
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (p, t) = (5e6_f64, 320.0);
    let rho = density(p, t);
    println!("{:>28}  {rho:+.12e} mol/m^3", "density at 5 MPa and 320 K");
    assert!((pressure(rho, t) / p - 1.0).abs() < 1e-12);

    // The inverse function by hand: with the pressure's derivatives P' and so on by the density,
    // rho' = 1 / P', rho'' = -P'' / P'^3, rho''' = (3 P''^2 - P' P''') / P'^5.
    let b = 0.077796 * GAS * CRITICAL.0 / CRITICAL.1;
    let slopes = by_density(rho, t, b);
    demand("by pressure", first(p, t), 1.0 / slopes[0]);
    demand("twice", second(p, t), -slopes[1] / slopes[0].powi(3));
    let wanted = (3.0 * slopes[1].powi(2) - slopes[0] * slopes[2]) / slopes[0].powi(5);
    demand("three times", third(p, t), wanted);

    // By temperature: -P_T / P', the expansion of the gas.
    let (_, by_t) = gradient(|(p, t)| density(*p, *t), &(p, t));
    let (_, p_t) = jvp(|t| pressure(lit(rho), *t), &t, &1.0);
    demand("by temperature", by_t, -p_t / slopes[0]);

    // Where the gas condenses there is no such root, which is the solver's error.
    let condensed = root(PengRobinson, solve, &(20e6, 250.0));
    assert!(matches!(condensed, Err(ImplicitError::Solver(_))), "{condensed:?}");
    Ok(())
}

/// The first three derivatives of the pressure by the density, by hand: of R T rho / (1 - b rho), and of the attraction
/// -a rho^2 / D with D = 1 + 2 b rho - b^2 rho^2, whose quotient Q = rho^2 / D obeys Q D = rho^2.
fn by_density(rho: f64, t: f64, b: f64) -> [f64; 3] {
    let open = 1.0 - b * rho;
    let repulsion = [1, 2, 3].map(|order| {
        GAS * t * [1.0, 2.0 * b, 6.0 * b * b][order - 1] / open.powi(order as i32 + 1)
    });
    let kappa = 0.37464 + 1.54226 * CRITICAL.2 - 0.26992 * CRITICAL.2.powi(2);
    let alpha = 1.0 + kappa * (1.0 - (t / CRITICAL.0).sqrt());
    let a = 0.457235 * (GAS * CRITICAL.0).powi(2) / CRITICAL.1 * alpha * alpha;
    let (d, d1, d2) =
        (1.0 + 2.0 * b * rho - b * b * rho * rho, 2.0 * b - 2.0 * b * b * rho, -2.0 * b * b);
    let q = rho * rho / d;
    let q1 = (2.0 * rho - q * d1) / d;
    let q2 = (2.0 - 2.0 * q1 * d1 - q * d2) / d;
    let q3 = (-3.0 * q2 * d1 - 3.0 * q1 * d2) / d;
    [repulsion[0] - a * q1, repulsion[1] - a * q2, repulsion[2] - a * q3]
}
