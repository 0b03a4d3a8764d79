//! nalgebra's own algorithms come to the same values in every mode, to the last bit, by the same branches.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use difrules_core::{Dual, Real, Var, gradient, jvp};
use nalgebra::{DMatrix, DVector, dmatrix};

/// What all of this may have in use: an algorithm that does not end records until it is reached.
const MEMORY: usize = 1 << 30;
/// How long an algorithm may go on that records nothing. All of this takes less than a second.
const TIME: Duration = Duration::from_secs(120);

/// Ends the test where more than that is in use.
struct Limited;

static BYTES: AtomicUsize = AtomicUsize::new(0);

#[allow(unsafe_code)] // A global allocator is unsafe by its trait; this one hands everything on.
unsafe impl GlobalAlloc for Limited {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if BYTES.fetch_add(layout.size(), Ordering::Relaxed) > MEMORY {
            return std::ptr::null_mut();
        }
        // SAFETY: the caller's promises are handed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        BYTES.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller's promises are handed on.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Limited = Limited;

/// The matrices: with structural zeros, repeated eigenvalues, and without.
fn matrices() -> Vec<(&'static str, DMatrix<f64>)> {
    vec![
        ("generic", dmatrix![2.0, 0.1, 0.6; 0.3, 1.5, -0.2; -0.5, 0.4, 1.1]),
        ("identity", DMatrix::identity(3, 3)),
        ("diagonal", DMatrix::from_diagonal(&DVector::from_column_slice(&[3.0, 1.0, 2.0]))),
        ("block diagonal", dmatrix![2.0, 1.0, 0.0; 1.0, 3.0, 0.0; 0.0, 0.0, 1.0]),
        ("triangular", dmatrix![2.0, 1.0, 0.5; 0.0, 3.0, 0.7; 0.0, 0.0, 1.0]),
        ("permutation", dmatrix![0.0, 1.0, 0.0; 0.0, 0.0, 1.0; 1.0, 0.0, 0.0]),
        ("zero", DMatrix::zeros(3, 3)),
        ("singular", dmatrix![1.0, 2.0, 3.0; 2.0, 4.0, 6.0; 1.0, 0.0, 1.0]),
        ("symmetric with zeros", dmatrix![2.0, 0.0, 1.0; 0.0, 3.0, 0.0; 1.0, 0.0, 2.0]),
        ("negative", dmatrix![-2.0, 0.0; 1.0, -2.0]),
        (
            "four",
            dmatrix![4.0, 1.0, 0.0, 0.0; 1.0, 3.0, 0.0, 0.0; 0.0, 0.0, 2.0, 1.0; 0.0, 0.0, 1.0, 2.0],
        ),
        ("one", dmatrix![0.0]),
    ]
}

/// All that nalgebra does with a square matrix, as numbers; a choice as a number too.
fn everything<T: Real>(a: &DMatrix<T>) -> Vec<(&'static str, Vec<T>)> {
    let truth = |holds: bool| if holds { T::one() } else { T::zero() };
    let all = |m: &DMatrix<T>| m.iter().copied().collect::<Vec<_>>();
    let optional = |m: Option<DMatrix<T>>| m.map_or(vec![-T::one()], |m| all(&m));
    let complex =
        |v: &DVector<nalgebra::Complex<T>>| v.iter().flat_map(|z| [z.re, z.im]).collect::<Vec<_>>();
    let n = a.nrows();
    let b = DMatrix::from_fn(n, 2, |i, j| nalgebra::convert((1 + i + 2 * j) as f64));
    let symmetric = (a + a.transpose()) * nalgebra::convert::<f64, T>(0.5);
    let positive = a.tr_mul(a) + DMatrix::identity(n, n);
    let mut found = Vec::new();
    macro_rules! found {
        ($($name:literal: $numbers:expr;)*) => {$( found.push(($name, $numbers)); )*};
    }
    let lu = a.clone().lu();
    let full = a.clone().full_piv_lu();
    let (qr, pivoted) = (a.clone().qr(), a.clone().col_piv_qr());
    let svd = a.clone().svd(true, true);
    let eigen = symmetric.clone().symmetric_eigen();
    let epsilon: T = nalgebra::convert(1e-9);
    found! {
        "svd": [svd.singular_values.as_slice(), svd.u.as_ref().unwrap().as_slice(), svd.v_t.as_ref().unwrap().as_slice()].concat();
        "singular_values": a.singular_values().as_slice().to_vec();
        "rank": vec![nalgebra::convert(a.rank(epsilon) as f64)];
        "pseudo_inverse": all(&a.clone().pseudo_inverse(epsilon).unwrap());
        "svd.solve": optional(svd.solve(&b, epsilon).ok());
        "polar": svd.to_polar().map_or(vec![], |(p, u)| [all(&p), all(&u)].concat());
        "symmetric_eigen": [eigen.eigenvalues.as_slice(), eigen.eigenvectors.as_slice()].concat();
        "symmetric_eigenvalues": symmetric.symmetric_eigenvalues().as_slice().to_vec();
        "complex_eigenvalues": complex(&a.complex_eigenvalues());
        "eigenvalues": a.eigenvalues().map_or(vec![-T::one()], |v| v.as_slice().to_vec());
        "symmetric eigenvalues()": symmetric.eigenvalues().map_or(vec![-T::one()], |v| v.as_slice().to_vec());
        "lu": [all(&lu.l()), all(&lu.u())].concat();
        "lu.determinant": vec![lu.determinant()];
        "lu.solve": optional(lu.solve(&b));
        "lu.is_invertible": vec![truth(lu.is_invertible())];
        "lu.try_inverse": optional(lu.try_inverse());
        "full_piv_lu": [all(&full.l()), all(&full.u()), vec![full.determinant(), truth(full.is_invertible())]].concat();
        "full_piv_lu.solve": optional(full.solve(&b));
        "qr": [all(&qr.q()), all(&qr.r())].concat();
        "qr.solve": optional(qr.solve(&b));
        "qr.is_invertible": vec![truth(qr.is_invertible())];
        "col_piv_qr": [all(&pivoted.q()), all(&pivoted.r()), vec![pivoted.determinant()]].concat();
        "col_piv_qr.solve": optional(pivoted.solve(&b));
        "cholesky": symmetric.clone().cholesky().map_or(vec![-T::one()], |c| [all(&c.l()), all(&c.inverse()), vec![c.determinant()]].concat());
        "cholesky of A^T A + 1": positive.clone().cholesky().map_or(vec![], |c| all(&c.solve(&b)));
        "udu": symmetric.clone().udu().map_or(vec![-T::one()], |f| [f.u.as_slice(), f.d.as_slice()].concat());
        "determinant": vec![a.determinant()];
        "try_inverse": optional(a.clone().try_inverse());
        "is_invertible": vec![truth(a.is_invertible())];
        "is_orthogonal": vec![truth(a.is_orthogonal(epsilon)), truth(a.is_identity(epsilon))];
        "exp": all(&a.exp());
        "pow": all(&a.pow(3));
        "norms": vec![a.norm(), a.norm_squared(), a.lp_norm(3), a.amax(), a.amin(), a.camax(), a.max(), a.min()];
        "normalize": all(&a.normalize());
        "try_normalize": optional(a.try_normalize(epsilon));
        "sums": vec![a.sum(), a.trace(), a.mean(), a.variance()];
        "product": all(&(a * a));
        "solve_lower_triangular": optional(a.solve_lower_triangular(&b));
        "solve_upper_triangular": optional(a.solve_upper_triangular(&b));
        "imax": vec![nalgebra::convert(a.iamax_full().0 as f64), nalgebra::convert(a.iamax_full().1 as f64)];
    }
    if n > 1 {
        let bidiagonal = a.clone().bidiagonalize();
        let tridiagonal = symmetric.clone().symmetric_tridiagonalize();
        let hessenberg = a.clone().hessenberg();
        let (q, t) = a.clone().schur().unpack();
        let (hq, h) = hessenberg.unpack();
        let (tq, diagonal, beside) = tridiagonal.unpack();
        found! {
            "schur": [all(&q), all(&t)].concat();
            "hessenberg": [all(&hq), all(&h)].concat();
            "bidiagonalize": { let (u, d, v) = bidiagonal.unpack(); [all(&u), all(&d), all(&v)].concat() };
            "symmetric_tridiagonalize": [all(&tq), diagonal.as_slice().to_vec(), beside.as_slice().to_vec()].concat();
        }
    }
    if let 2 | 3 = n {
        let small = |name, m: Option<DMatrix<T>>| (name, optional(m));
        if n == 2 {
            let m = nalgebra::Matrix2::from_column_slice(a.as_slice());
            found.push(small(
                "static inverse",
                m.try_inverse().map(|m| DMatrix::from_column_slice(2, 2, m.as_slice())),
            ));
            found.push(("static svd", m.singular_values().as_slice().to_vec()));
            found.push((
                "static eigen",
                m.eigenvalues().map_or(vec![-T::one()], |v| v.as_slice().to_vec()),
            ));
        } else {
            let m = nalgebra::Matrix3::from_column_slice(a.as_slice());
            found.push(small(
                "static inverse",
                m.try_inverse().map(|m| DMatrix::from_column_slice(3, 3, m.as_slice())),
            ));
            found.push(("static determinant", vec![m.determinant()]));
            found.push(("static svd", m.singular_values().as_slice().to_vec()));
        }
    }
    found
}

/// Compares the values with the plain ones.
fn compare<T: Real>(name: &str, mode: &str, plain: &DMatrix<f64>, moved: &DMatrix<T>) {
    let (plain, moved) = (everything(plain), everything(moved));
    assert_eq!(plain.len(), moved.len());
    for ((method, plain), (_, moved)) in plain.iter().zip(&moved) {
        assert_eq!(plain.len(), moved.len(), "{method} of the matrix `{name}` on {mode}");
        for (x, y) in plain.iter().zip(moved) {
            let (x, y) = (*x, y.to_f64());
            let same = x.to_bits() == y.to_bits() || x.is_nan() && y.is_nan();
            assert!(same, "{method} of the matrix `{name}` on {mode}: {x:e} is {y:e}");
        }
    }
}

#[test]
fn values_are_the_plain_ones() {
    let (sender, receiver) = mpsc::channel();
    let thread = std::thread::spawn(move || {
        for (name, a) in matrices() {
            in_all_modes(name, &a);
            sender.send(name).unwrap();
        }
    });
    let mut done = Vec::new();
    loop {
        match receiver.recv_timeout(TIME) {
            Ok(name) => done.push(name),
            Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) => panic!("after {done:?} an algorithm does not end"),
        }
    }
    if let Err(panic) = thread.join() {
        std::panic::resume_unwind(panic);
    }
}

fn in_all_modes(name: &'static str, a: &DMatrix<f64>) {
    let direction = DMatrix::from_fn(a.nrows(), a.ncols(), |i, j| 0.3 + i as f64 - 0.7 * j as f64);
    jvp(
        |m| {
            compare(name, "Dual", a, m);
            m[0]
        },
        a,
        &direction,
    );
    gradient(
        |m| {
            compare(name, "Var", a, m);
            m[0]
        },
        a,
    );
    jvp(
        |m: &DMatrix<Dual<f64>>| {
            gradient(
                |m| {
                    compare(name, "Var<Dual>", a, m);
                    m[0]
                },
                m,
            )
        },
        a,
        &direction,
    );
    gradient(
        |m: &DMatrix<Var<f64>>| {
            let along = direction.map(Var::constant);
            jvp(
                |m| {
                    compare(name, "Dual<Var>", a, m);
                    m[0]
                },
                m,
                &along,
            )
            .1
        },
        a,
    );
}

#[test]
fn functions_of_numbers_are_those_of_nalgebra() {
    use nalgebra::ComplexField;
    use num_traits::FromPrimitive;

    fn all<T: Real>(x: T) -> Vec<T> {
        vec![
            x.sin(),
            x.cos(),
            x.tan(),
            x.asin(),
            x.acos(),
            x.atan(),
            x.sinh(),
            x.cosh(),
            x.tanh(),
            x.asinh(),
            x.acosh(),
            x.atanh(),
            x.exp(),
            x.exp2(),
            x.exp_m1(),
            x.ln(),
            x.ln_1p(),
            x.log2(),
            x.log10(),
            x.sqrt(),
            x.cbrt(),
            x.recip(),
            ComplexField::abs(x),
            x.floor(),
            x.ceil(),
            x.round(),
            x.trunc(),
            x.fract(),
            ComplexField::signum(x),
            x.powi(3),
            x.powf(x),
            x.sinc(),
            x.sinhc(),
            x.cosc(),
            x.coshc(),
            x.hypot(x),
            x.log(x),
            x.mul_add(x, x),
            x.atan2(x),
            x.argument(),
            x % nalgebra::convert(0.7),
        ]
    }
    let edges = [0.0, -0.0, 1e-11, 1e-300, 710.5, 1e300, f64::INFINITY, f64::NAN];
    let between = (-400..400).map(|i| f64::from(i) * 0.013 + 1e-3);
    for x in edges.into_iter().chain(between) {
        let (plain, dual, var) = (all(x), all(Dual::<f64>::new(x, [1.0])), all(Var::constant(x)));
        for (i, y) in plain.iter().enumerate() {
            for found in [dual[i].value, var[i].value()] {
                assert!(
                    y.to_bits() == found.to_bits() || y.is_nan() && found.is_nan(),
                    "{i} at {x}"
                );
            }
        }
        let x = x as f32;
        let (plain, dual) = (all(x), all(Dual::<f32>::new(x, [1.0])));
        for (i, y) in plain.iter().enumerate() {
            let found = dual[i].value;
            assert!(y.to_bits() == found.to_bits() || y.is_nan() && found.is_nan(), "{i} at {x}");
        }
    }
    assert_eq!(Var::<f64>::from_i128(i128::MIN).map(Var::value), f64::from_i128(i128::MIN));
    assert_eq!(Dual::<f64>::from_u128(u128::MAX).map(|x| x.value), f64::from_u128(u128::MAX));
}
