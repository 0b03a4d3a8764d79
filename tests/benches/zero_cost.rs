//! At a plain number an annotated function costs what the function costs: instructions, counted by
//! valgrind's callgrind, of a loop that calls either: `cargo bench --bench zero_cost`.

use std::hint::black_box;
use std::process::Command;

use difrules_core::{Real, primitive};
use nalgebra::allocator::Allocator;
use nalgebra::{DefaultAllocator, Dim, Matrix3, OMatrix, SMatrix, U3};

/// log(1 + exp(x)).
#[primitive(partial = |x| (T::one() + (-x).exp()).recip(), instances(f64))]
fn softplus<T: Real>(x: T) -> T {
    if x > T::zero() { x + (-x).exp().ln_1p() } else { x.exp().ln_1p() }
}

fn plain_softplus<T: Real>(x: T) -> T {
    if x > T::zero() { x + (-x).exp().ln_1p() } else { x.exp().ln_1p() }
}

/// A scaled sum of matrices; static, so that the compiler sees all of it.
#[primitive(
    forward = |_, _, _, _, a_dot, b_dot, s_dot| a_dot + b_dot * s_dot,
    instances(<f64, U3>)
)]
fn combine<T: Real, D: Dim>(a: &OMatrix<T, D, D>, b: &OMatrix<T, D, D>, s: T) -> OMatrix<T, D, D>
where
    DefaultAllocator: Allocator<D, D>,
{
    a + b * s
}

fn plain_combine<T: Real, D: Dim>(
    a: &OMatrix<T, D, D>,
    b: &OMatrix<T, D, D>,
    s: T,
) -> OMatrix<T, D, D>
where
    DefaultAllocator: Allocator<D, D>,
{
    a + b * s
}

/// A plain function.
#[primitive(partial = |x| 2.0 * x)]
fn square(x: f64) -> f64 {
    x * x
}

fn plain_square(x: f64) -> f64 {
    x * x
}

const TURNS: usize = 1000;
/// The loops differ in this number alone, or the compiler would make one of them.
const FIRST: f64 = 0.25;
const SECOND: f64 = 0.5;

#[inline(never)]
fn annotated_loop(x: f64, a: &Matrix3<f64>) -> f64 {
    let mut sum = 0.0;
    let mut b = *a;
    for i in 0..TURNS {
        let x = x + i as f64 * 1e-3;
        sum += softplus(x) + square(x);
        b = combine(a, &b, 0.5);
    }
    sum + b.sum() + black_box(FIRST)
}

#[inline(never)]
fn without_attribute_loop(x: f64, a: &Matrix3<f64>) -> f64 {
    let mut sum = 0.0;
    let mut b = *a;
    for i in 0..TURNS {
        let x = x + i as f64 * 1e-3;
        sum += plain_softplus(x) + plain_square(x);
        b = plain_combine(a, &b, 0.5);
    }
    sum + b.sum() + black_box(SECOND)
}

/// The instructions that valgrind counts in the function whose name contains this.
fn instructions(function: &str) -> Option<u64> {
    let program = std::env::current_exe().ok()?;
    let run = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null", "--collect-atstart=no"])
        .arg(format!("--toggle-collect=*{function}*"))
        .arg(program)
        .arg(function)
        .output()
        .ok()?;
    let text = String::from_utf8_lossy(&run.stderr).into_owned();
    let counted = text.lines().find_map(|line| line.split("Collected :").nth(1))?;
    counted.trim().parse().ok()
}

fn main() {
    let (x, a) = (black_box(-0.5), black_box(SMatrix::identity()));
    match std::env::args().nth(1).as_deref() {
        Some("annotated_loop") => println!("{}", annotated_loop(x, &a)),
        Some("without_attribute_loop") => println!("{}", without_attribute_loop(x, &a)),
        _ => {
            assert_eq!(annotated_loop(x, &a) - FIRST, without_attribute_loop(x, &a) - SECOND);
            let (with, without) =
                (instructions("annotated_loop"), instructions("without_attribute_loop"));
            let (Some(with), Some(without)) = (with, without) else {
                println!("no valgrind here: nothing counted");
                return;
            };
            println!("{TURNS} turns: {with} instructions with the attribute, {without} without");
            assert_eq!(with, without, "the attribute costs instructions");
        }
    }
}
