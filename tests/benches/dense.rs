//! Value and gradient of sum(W o Y) for the results Y of decompositions, solves and products, in microseconds, beside
//! PyTorch and JAX, if Python has them: `cargo bench --bench dense`. All on one thread, the best of many runs. Names and
//! sizes as arguments choose rows.

use std::hint::black_box;
use std::time::{Duration, Instant};

use comfy_table::Table;
use comfy_table::presets::ASCII_MARKDOWN;
use difrules_core::{Real, value_and_gradient};
use difrules_linalg::{Matrix, MatrixError};
use difrules_tests::peers;
use nalgebra::DMatrix;

/// A matrix of no structure, or a symmetric one, with something added to its diagonal.
fn entries(n: usize, shift: f64, symmetric: bool) -> DMatrix<f64> {
    let a = DMatrix::from_fn(n, n, |i, j| ((1 + i * 37 + j * 11 + i * j * 5) as f64).sin());
    let a = if symmetric { (&a + a.transpose()) / 2.0 } else { a };
    a + DMatrix::identity(n, n) * shift
}

/// The sum of the products of all entries.
fn along<T: Real>(w: &DMatrix<f64>, y: &Matrix<T>) -> T {
    y.dot(w).expect("the shapes fit")
}

fn program<T: Real>(name: &str, a: &Matrix<T>, w: &DMatrix<f64>) -> Result<T, MatrixError> {
    let first = w.row(0).transpose();
    Ok(match name {
        "svd" => {
            let (u, s, v_t) = a.svd()?;
            along(w, &u) + s.dot(&first)? + along(w, &v_t)
        }
        "symmetric_eigen" => {
            let (values, vectors) = a.symmetric_eigen()?;
            values.dot(&first)? + along(w, &vectors)
        }
        "qr" => {
            let (q, r) = a.qr()?;
            along(w, &q) + along(w, &r)
        }
        "solve" => along(w, &a.solve(w)?),
        "inverse" => along(w, &a.inverse()?),
        "ln_abs_determinant" => a.ln_abs_determinant()?.0,
        "cholesky" => along(w, &a.cholesky()?),
        _ => along(w, &(a * a)),
    })
}

const NAMES: [&str; 8] = [
    "svd",
    "symmetric_eigen",
    "qr",
    "solve",
    "inverse",
    "ln_abs_determinant",
    "cholesky",
    "matmul",
];

/// The best time of a computation in microseconds.
fn best(f: &mut dyn FnMut()) -> f64 {
    f();
    let (start, mut best) = (Instant::now(), Duration::MAX);
    let mut runs = 0;
    while runs < 5 || (start.elapsed() < Duration::from_millis(1500) && runs < 20_000) {
        let start = Instant::now();
        f();
        best = best.min(start.elapsed());
        runs += 1;
    }
    best.as_secs_f64() * 1e6
}

/// A time to three digits, as a reader wants it.
fn shown(x: f64) -> String {
    match x {
        x if x.is_nan() => "-".into(),
        x if x >= 100.0 => format!("{x:.0}"),
        x if x >= 10.0 => format!("{x:.1}"),
        x => format!("{x:.2}"),
    }
}

fn main() {
    let peers = peers("dense.py");
    if peers.is_empty() {
        println!("Python has neither torch nor jax; they are left out");
    }
    let mut table = Table::new();
    table.load_style(ASCII_MARKDOWN);
    table.set_header([
        "",
        "n",
        "value",
        "value and gradient",
        "PyTorch",
        "JAX",
        "the better of both / ours",
    ]);
    let chosen: Vec<String> = std::env::args().skip(1).filter(|x| !x.starts_with("--")).collect();
    let is_chosen = |x: &str, among: &[&str]| {
        chosen.iter().any(|chosen| chosen == x)
            || !chosen.iter().any(|chosen| among.contains(&chosen.as_str()))
    };
    let sizes = ["4", "16", "64", "256", "512"];
    for name in NAMES.into_iter().filter(|name| is_chosen(name, &NAMES)) {
        for size in sizes.into_iter().filter(|size| is_chosen(size, &sizes)) {
            let n: usize = size.parse().expect("a number");
            let symmetric = matches!(name, "symmetric_eigen" | "cholesky");
            let shift = if name == "cholesky" { 2.0 * n as f64 } else { 2.0 };
            let (a, w) = (Matrix::from(entries(n, shift, symmetric)), entries(n, 0.0, false));
            let value = best(&mut || {
                black_box(program(name, black_box(&a), &w).expect("in the domain"));
            });
            let both = best(&mut || {
                let f = |a: &Matrix<_>| program(name, a, &w);
                black_box(value_and_gradient(f, black_box(&a)).expect("in the domain"));
            });
            let [torch, jax] = match peers.get(&(name.to_string(), n)).map(Vec::as_slice) {
                Some(&[torch, jax]) => [torch, jax],
                _ => [f64::NAN; 2],
            };
            let mut row = vec![format!("`{name}`"), n.to_string()];
            row.extend([value, both, torch, jax, torch.min(jax) / both].map(shown));
            table.add_row(row);
        }
    }
    println!("{table}");
}
