//! Sparse Hessians and Jacobians against gradients and products with a Jacobian of the same functions:
//! `cargo bench --bench sparse`.

use std::hint::black_box;

use difrules_core::{Function, Real, jvp, lit, value_and_gradient};
use difrules_linalg::sparse::{SparseHessian, SparseJacobian, hessian_sparsity, sparsity};
use difrules_tests::compare;
use nalgebra::DVector;

/// Rosenbrock's function of many variables.
struct Rosenbrock;

impl Function for Rosenbrock {
    type Point = DVector<f64>;
    type Value = f64;

    fn call<T: Real>(&self, x: &DVector<T>) -> T {
        x.as_slice().windows(2).fold(T::zero(), |sum, x| {
            let (a, b) = (x[1] - x[0] * x[0], T::one() - x[0]);
            sum + a * a * lit(100.0) + b * b
        })
    }
}

/// Two substances on a square that diffuse and react (Gray and Scott), by differences of five points.
struct Reaction {
    side: usize,
}

impl Function for Reaction {
    type Point = (DVector<f64>, DVector<f64>);
    type Value = (DVector<f64>, DVector<f64>);

    fn call<T: Real>(&self, (u, v): &(DVector<T>, DVector<T>)) -> (DVector<T>, DVector<T>) {
        let n = self.side;
        let mut change = (u.clone(), v.clone());
        let four = lit::<T>(4.0);
        for i in 0..n {
            let (up, down) = ((i + n - 1) % n * n, (i + 1) % n * n);
            for j in 0..n {
                let (left, right) = ((j + n - 1) % n, (j + 1) % n);
                let k = i * n + j;
                let flow = |x: &DVector<T>| {
                    x[up + j] + x[down + j] + x[i * n + left] + x[i * n + right] - four * x[k]
                };
                let reaction = u[k] * v[k] * v[k];
                change.0[k] = flow(u) * lit(0.2) - reaction + (T::one() - u[k]) * lit(0.04);
                change.1[k] = flow(v) * lit(0.1) + reaction - v[k] * lit(0.1);
            }
        }
        change
    }
}

fn main() {
    let f = Rosenbrock;
    let x = DVector::from_fn(100_000, |i, _| 0.1 * (i % 17) as f64);
    let plan = SparseHessian::at(&f, &x).expect("never fails");
    println!("Rosenbrock: {} entries, {} directions", plan.pattern().nnz(), plan.directions());
    let mut gradient = || {
        black_box(value_and_gradient(|x| f.call(x), black_box(&x)));
    };
    let mut sparse = || {
        black_box(plan.hessian(&f, black_box(&x)).expect("never fails"));
    };
    compare("Hessian", Some(12.0), ("sparse", &mut sparse), ("gradient", &mut gradient));
    let trusted = plan.clone().trusted();
    let mut sparse = || {
        black_box(trusted.hessian(&f, black_box(&x)).expect("never fails"));
    };
    compare("Hessian, trusted", None, ("sparse", &mut sparse), ("gradient", &mut gradient));
    let mut pattern = || {
        black_box(hessian_sparsity(|x| f.call(x), black_box(&x)));
    };
    compare("its pattern", None, ("found", &mut pattern), ("gradient", &mut gradient));
    let mut prepare = || {
        black_box(SparseHessian::new(plan.pattern().clone()));
    };
    compare("its colouring", None, ("found", &mut prepare), ("gradient", &mut gradient));

    let f = Reaction { side: 100 };
    let wave = |by: f64| DVector::from_fn(10_000, |i, _| 0.5 + 0.3 * (by * i as f64).sin());
    let x = (wave(0.3), wave(0.7));
    let plan = SparseJacobian::at(&f, &x).expect("never fails");
    println!("reaction: {} entries, {} directions", plan.pattern().nnz(), plan.directions());
    let mut plain = || {
        black_box(f.call::<f64>(black_box(&x)));
    };
    let mut along = || {
        black_box(jvp(|x| f.call(x), black_box(&x), black_box(&x)));
    };
    let mut sparse = || {
        black_box(plan.jacobian(&f, black_box(&x)).expect("never fails"));
    };
    compare("Jacobian", Some(10.0), ("sparse", &mut sparse), ("one direction", &mut along));
    compare("Jacobian", None, ("sparse", &mut sparse), ("value", &mut plain));
    let trusted = plan.clone().trusted();
    let mut sparse = || {
        black_box(trusted.jacobian(&f, black_box(&x)).expect("never fails"));
    };
    compare("Jacobian, trusted", None, ("sparse", &mut sparse), ("one direction", &mut along));
    let mut pattern = || {
        black_box(sparsity(|x| f.call(x), black_box(&x)));
    };
    compare("its pattern", None, ("found", &mut pattern), ("one direction", &mut along));
    let mut prepare = || {
        black_box(SparseJacobian::new(plan.pattern().clone()));
    };
    compare("its colouring", None, ("found", &mut prepare), ("one direction", &mut along));
}
