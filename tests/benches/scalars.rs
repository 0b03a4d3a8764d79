//! What scalar primitives cost: value and derivative against the value alone, and against num-dual's `Dual64`:
//! `cargo bench -p difrules-tests --bench scalars`.
//!
//! Each function is summed over a thousand points: plain; in forward mode; with its reverse rule; in reverse mode, with the
//! tape, its adjoints and the sum; and on num-dual's numbers. With `-- --instructions` valgrind counts instructions in place of time, which shows how often the transcendental is
//! computed.

use std::hint::black_box;
use std::process::Command;

use comfy_table::{Table, presets};
use difrules_core::contract::passing::Arguments;
use difrules_core::contract::{Inputs, Primitive, Room};
use difrules_core::{Differentiable, Dual, Var, math, value_and_gradient};
use difrules_tests::times;
use num_dual::{Dual64, DualNum};

const POINTS: usize = 1000;

/// A function in each way that it is computed.
struct Function {
    name: &'static str,
    between: (f64, f64),
    elementary: bool,
    value: fn(&[f64]) -> f64,
    forward: fn(&[f64]) -> [f64; 2],
    rule: fn(&[f64]) -> [f64; 2],
    reverse: fn(&Vec<f64>) -> (f64, Vec<f64>),
    num_dual: Option<fn(&[f64]) -> [f64; 2]>,
}

/// The value of a primitive, and what its reverse rule adds to the adjoints of its arguments.
#[inline(always)]
fn pulled<P: Primitive>(inputs: Inputs<P, f64>) -> [f64; 2] {
    let Ok(evaluation) = P::evaluate::<f64>(inputs) else { return [f64::NAN; 2] };
    let (mut value, mut cotangents) = (0.0, [1.0; 2]);
    evaluation.output.for_each_real(&mut |y: f64| value += y);
    let results = <P::Output as difrules_core::contract::Family>::Of::<f64>::count(
        &evaluation.output.shape(),
    );
    let shapes = P::shapes(&evaluation);
    let residual = P::residual(evaluation);
    let mut adjoints = [[0.0]; 2];
    let [first, second] = &mut adjoints;
    let arguments = P::Arguments::IN_PLACE.len();
    let mut slots = [Some(Room::from(&mut first[..])), Some(Room::from(&mut second[..]))];
    P::reverse(&residual, &shapes, &mut cotangents[..results], &mut slots[..arguments]);
    [value, adjoints[0][0] + adjoints[1][0]]
}

macro_rules! function {
    ($kind:literal $name:ident $(<$k:ty>)? ($least:expr, $most:expr) = |$x:ident| $ours:expr, $inputs:expr $(, $theirs:expr)?) => {{
        #[inline(never)]
        fn rule(points: &[f64]) -> [f64; 2] {
            points.iter().fold([0.0; 2], |sum, &$x| {
                let [value, slope] = pulled::<math::$name $(<$k>)?>($inputs);
                [sum[0] + value, sum[1] + slope]
            })
        }
        #[inline(never)]
        fn value(points: &[f64]) -> f64 {
            points.iter().map(|&$x| $ours).sum()
        }
        #[inline(never)]
        fn forward(points: &[f64]) -> [f64; 2] {
            let sum: Dual<f64> = points.iter().map(|&x| { let $x = Dual::new(x, [1.0]); $ours }).sum();
            [sum.value, sum.tangents[0]]
        }
        #[inline(never)]
        fn reverse(points: &Vec<f64>) -> (f64, Vec<f64>) {
            value_and_gradient(|points: &Vec<Var<f64>>| points.iter().map(|&$x| $ours).sum::<Var<f64>>(), points)
        }
        #[allow(unused_mut, unused_assignments)]
        let mut num_dual: Option<fn(&[f64]) -> [f64; 2]> = None;
        $(
            #[inline(never)]
            fn theirs(points: &[f64]) -> [f64; 2] {
                let sum: Dual64 = points.iter().map(|&x| { let $x = Dual64::new(x, 1.0); $theirs }).sum();
                [sum.re, sum.eps]
            }
            num_dual = Some(theirs);
        )?
        let (name, between, elementary) = (stringify!($name), ($least, $most), $kind == "elementary");
        Function { name, between, elementary, value, forward, rule, reverse, num_dual }
    }};
}

/// One line a function: where, in our words, and in num-dual's.
macro_rules! functions {
    ($($kind:literal $name:ident $(<$k:ty>)? ($least:expr, $most:expr) $(= $theirs:expr)?;)*) => {
        vec![$(function!($kind $name $(<$k>)? ($least, $most) = |x| math::$name(x), (x,) $(, ($theirs)(x))?)),*]
    };
}

fn all() -> Vec<Function> {
    let mut all = functions! {
        "elementary" sin<f64>(-3.0, 3.0) = |x: Dual64| x.sin();
        "elementary" cos<f64>(-3.0, 3.0) = |x: Dual64| x.cos();
        "elementary" tan<f64>(-1.4, 1.4) = |x: Dual64| x.tan();
        "elementary" asin<f64>(-0.9, 0.9) = |x: Dual64| x.asin();
        "elementary" acos<f64>(-0.9, 0.9) = |x: Dual64| x.acos();
        "elementary" atan<f64>(-3.0, 3.0) = |x: Dual64| x.atan();
        "elementary" sinh<f64>(-3.0, 3.0) = |x: Dual64| x.sinh();
        "elementary" cosh<f64>(-3.0, 3.0) = |x: Dual64| x.cosh();
        "elementary" tanh<f64>(-3.0, 3.0) = |x: Dual64| x.tanh();
        "elementary" asinh<f64>(-3.0, 3.0) = |x: Dual64| x.asinh();
        "elementary" acosh<f64>(1.1, 5.0) = |x: Dual64| x.acosh();
        "elementary" atanh<f64>(-0.9, 0.9) = |x: Dual64| x.atanh();
        "elementary" exp<f64>(-3.0, 3.0) = |x: Dual64| x.exp();
        "elementary" exp2<f64>(-3.0, 3.0) = |x: Dual64| x.exp2();
        "elementary" exp_m1<f64>(-3.0, 3.0) = |x: Dual64| x.exp_m1();
        "elementary" exp10<f64>(-3.0, 3.0);
        "elementary" ln<f64>(0.1, 5.0) = |x: Dual64| x.ln();
        "elementary" ln_1p<f64>(-0.9, 5.0) = |x: Dual64| x.ln_1p();
        "elementary" log2<f64>(0.1, 5.0) = |x: Dual64| x.log2();
        "elementary" log10<f64>(0.1, 5.0) = |x: Dual64| x.log10();
        "elementary" sqrt<f64>(0.1, 5.0) = |x: Dual64| x.sqrt();
        "elementary" cbrt<f64>(0.1, 5.0) = |x: Dual64| x.cbrt();
        "elementary" recip<f64>(0.1, 5.0) = |x: Dual64| x.recip();
        "elementary" logistic(-3.0, 3.0);
        "elementary" log1pexp(-3.0, 3.0);
        "elementary" sec<f64>(-1.4, 1.4);
        "elementary" csc<f64>(0.3, 2.8);
        "elementary" cot<f64>(0.3, 2.8);
        "elementary" sech<f64>(-3.0, 3.0);
        "elementary" csch<f64>(0.3, 3.0);
        "elementary" coth<f64>(0.3, 3.0);
        "elementary" sinpi<f64>(-3.0, 3.0);
        "elementary" cospi<f64>(-3.0, 3.0);
        "elementary" sinc<f64>(-3.0, 3.0);
        "elementary" sind(-180.0, 180.0);
        "elementary" cosd(-180.0, 180.0);
        "elementary" tand(-80.0, 80.0);
        "elementary" xlogx(0.1, 5.0);
        "elementary" logit(0.1, 0.9);
        "elementary" log1mexp(-4.0, -0.1);
        "elementary" logexpm1(0.1, 4.0);
        "special" gamma(0.5, 20.0);
        "special" ln_gamma(0.5, 20.0);
        "special" digamma(0.5, 20.0);
        "special" trigamma(0.5, 20.0);
        "special" invdigamma(-2.0, 3.0);
        "special" erf(-3.0, 3.0);
        "special" erfc(-3.0, 3.0);
        "special" erfcx(-3.0, 10.0);
        "special" erfi(-3.0, 3.0);
        "special" dawson(-10.0, 10.0);
        "special" erfinv(-0.95, 0.95);
        "special" erfcinv(0.05, 1.95);
        "special" logerfc(-3.0, 20.0);
        "special" logerfcx(-3.0, 20.0);
        "special" ndtr(-5.0, 5.0);
        "special" log_ndtr(-20.0, 5.0);
        "special" ndtri(0.05, 0.95);
        "special" airyai(-8.0, 8.0);
        "special" airybi(-8.0, 8.0);
        "special" airyaix(0.1, 20.0);
        "special" besselj0(-20.0, 20.0) = |x: Dual64| num_dual::BesselDual::bessel_j0(x);
        "special" besselj1(-20.0, 20.0) = |x: Dual64| num_dual::BesselDual::bessel_j1(x);
        "special" bessely0(0.5, 20.0);
        "special" bessely1(0.5, 20.0);
        "special" expint(0.1, 10.0);
        "special" sinint(-20.0, 20.0);
        "special" cosint(0.5, 20.0);
        "special" fresnel_s(-5.0, 5.0);
        "special" fresnel_c(-5.0, 5.0);
        "special" spence(0.1, 5.0);
        "special" ellipk(-2.0, 0.95);
        "special" ellipe(-2.0, 0.95);
        "elementary" softplus(-3.0, 3.0);
        "elementary" relu(-3.0, 3.0);
        "elementary" gelu(-3.0, 3.0);
        "elementary" silu(-3.0, 3.0);
        "elementary" exprel(-3.0, 3.0);
        "elementary" cosm1(-3.0, 3.0);
    };
    all.push(function!("elementary" powi<f64>(0.1, 5.0) = |x| math::powi(x, 5), (x, 5), x.powi(5)));
    all.push(function!("elementary" powf<f64>(0.1, 5.0) = |x| math::powf(x, x), (x, x), x.powd(x)));
    all.push(function!("elementary" hypot(0.1, 5.0) = |x| math::hypot(x, x), (x, x)));
    all.push(function!("elementary" atan2(0.1, 5.0) = |x| math::atan2(x, x), (x, x), x.atan2(x)));
    all.push(function!("elementary" sin_cos(-3.0, 3.0) = |x| { let (sin, cos) = math::sin_cos(x); sin + cos }, (x,), { let (sin, cos) = x.sin_cos(); sin + cos }));
    all.push(function!("special" beta(0.5, 5.0) = |x| math::beta(x, x), (x, x)));
    all.push(function!("special" ln_beta(0.5, 5.0) = |x| math::ln_beta(x, x), (x, x)));
    all.push(
        function!("special" gammainc_lower(0.5, 5.0) = |x| math::gammainc_lower(x, x), (x, x)),
    );
    all.push(
        function!("special" erf_between(0.1, 2.0) = |x| math::erf_between(x, x + x), (x, x + x)),
    );
    all.push(function!("special" eccentric_anomaly(0.1, 0.9) = |x| math::eccentric_anomaly(x, x), (x, x)));
    all
}

/// The same points in each run.
fn points((least, most): (f64, f64)) -> Vec<f64> {
    (0..POINTS)
        .map(|i| least + (most - least) * ((i * 619 % POINTS) as f64 + 0.5) / POINTS as f64)
        .collect()
}

/// The instructions that valgrind counts, a point, of a way to compute a function.
fn instructions(name: &str, way: &str) -> Option<f64> {
    let run = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(std::env::current_exe().ok()?)
        .args(["--run", name, way])
        .output()
        .ok()?;
    let text = String::from_utf8_lossy(&run.stderr).into_owned();
    let counted = text.lines().find_map(|line| line.split("Collected :").nth(1))?;
    counted.trim().parse().ok()
}

fn run(function: &Function, way: &str) {
    let points = points(function.between);
    // A hundred times, so that the program's start does not count.
    for _ in 0..100 {
        match way {
            "value" => {
                black_box((function.value)(black_box(&points)));
            }
            "forward" => {
                black_box((function.forward)(black_box(&points)));
            }
            "rule" => {
                black_box((function.rule)(black_box(&points)));
            }
            "reverse" => {
                black_box((function.reverse)(black_box(&points)));
            }
            "num-dual" => {
                black_box(function.num_dual.map(|f| f(black_box(&points))));
            }
            _ => {}
        }
    }
}

fn main() {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let all = all();
    if let Some(at) = arguments.iter().position(|argument| argument == "--run") {
        let function = all.iter().find(|function| function.name == arguments[at + 1]);
        return run(function.expect("one of these"), &arguments[at + 2]);
    }
    let counting = arguments.iter().any(|argument| argument == "--instructions");
    let only: Vec<_> = arguments.iter().filter(|argument| !argument.starts_with("--")).collect();
    let mut table = Table::new();
    let unit = if counting { "instructions" } else { "ns" };
    table.load_style(presets::ASCII_MARKDOWN).set_header([
        "function".to_string(),
        format!("value, {unit}"),
        "forward / value".into(),
        "reverse rule / value".into(),
        "reverse with tape / value".into(),
        "forward / num-dual".into(),
    ]);
    for function in
        all.iter().filter(|f| only.is_empty() || only.iter().any(|name| *name == f.name))
    {
        let found = if counting {
            let nothing = instructions(function.name, "nothing").unwrap_or(f64::NAN);
            ["value", "forward", "rule", "reverse", "num-dual"].map(|way| {
                let all = instructions(function.name, way).unwrap_or(f64::NAN);
                (all - nothing) / (100 * POINTS) as f64
            })
        } else {
            let points = points(function.between);
            let found = times(&mut [
                &mut || {
                    black_box((function.value)(black_box(&points)));
                },
                &mut || {
                    black_box((function.forward)(black_box(&points)));
                },
                &mut || {
                    black_box((function.rule)(black_box(&points)));
                },
                &mut || {
                    black_box((function.reverse)(black_box(&points)));
                },
                &mut || {
                    black_box(function.num_dual.map(|f| f(black_box(&points))));
                },
            ]);
            [0, 1, 2, 3, 4].map(|i: usize| found[i]).map(|ms| ms * 1e6 / POINTS as f64)
        };
        let [value, forward, rule, reverse, theirs] = found;
        let mark = |ratio: f64, limit: f64| {
            let missed = if function.elementary && ratio > limit { " (!)" } else { "" };
            format!("{ratio:.2}{missed}")
        };
        table.add_row([
            function.name.to_string(),
            format!("{value:.1}"),
            mark(forward / value, 1.6),
            mark(rule / value, 2.5),
            format!("{:.2}", reverse / value),
            function.num_dual.map_or(String::new(), |_| mark(forward / theirs, 1.0)),
        ]);
    }
    println!("{table}");
    println!("(!): more than 1.6, 2.5 and 1.0 for elementary functions");
}
