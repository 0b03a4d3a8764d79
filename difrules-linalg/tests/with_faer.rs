//! What comes by divide and conquer is what the text finds: of a block diagonal matrix the same as of its blocks, which are too
//! small for it, degenerate ones too; and its derivatives agree with each other and with closed forms.

use difrules_core::testing::Sampler;
use difrules_core::{Real, Scalar, gradient, hvp, jvp, value_and_gradient};
use difrules_linalg::{Matrix, MatrixError, svd, symmetric_eigen};
use nalgebra::{Complex, DMatrix, DVector};

use crate::families::{epsilon, number};

/// The size of a block; two of them are large enough.
const PART: usize = 60;

fn blocks<T: Scalar>(parts: [&DMatrix<T>; 2]) -> DMatrix<T> {
    let mut a = DMatrix::zeros(2 * PART, 2 * PART);
    for (k, part) in parts.into_iter().enumerate() {
        a.view_mut((k * PART, k * PART), (PART, PART)).copy_from(part);
    }
    a
}

/// Hermitian matrices: random, singular, of few values, and at the end of the numbers.
fn hermitian<T: Scalar>(random: &mut Sampler) -> Vec<DMatrix<T>> {
    let a: DMatrix<T> = random.matrix(PART, PART);
    let half = a.columns(0, PART / 2).clone_owned();
    let q = difrules_linalg::qr(&a).expect("finite").0;
    let few = DVector::from_fn(PART, |i, _| number::<T>([1.0, 2.0, -3.0][i % 3]));
    let far = if epsilon::<T>() > 1e-10 { 1e30 } else { 1e200 };
    let sum = &a + a.adjoint();
    vec![
        sum.clone(),
        &half * half.adjoint(),
        &q * DMatrix::from_diagonal(&few) * q.adjoint(),
        &sum * number::<T>(far),
        &sum * number::<T>(1.0 / far),
        DMatrix::identity(PART, PART),
        DMatrix::zeros(PART, PART),
    ]
}

fn same_values<S: Real>(found: &[S], expected: impl Iterator<Item = S>, increasing: bool) {
    let mut expected: Vec<S> = expected.collect();
    expected.sort_by(|x, y| x.partial_cmp(y).expect("no NaN"));
    if !increasing {
        expected.reverse();
    }
    let most = expected.iter().fold(0.0_f64, |most, x| most.max(x.to_f64().abs()));
    for (x, y) in found.iter().zip(&expected) {
        let error = (x.to_f64() - y.to_f64()).abs();
        // A rounding for each row.
        let bound = (2 * PART) as f64 * S::default_epsilon().to_f64() * most;
        assert!(error <= bound, "{x} {y}");
    }
    assert_eq!(found.len(), expected.len());
}

fn values_of_blocks<T: Scalar>() {
    let mut random = Sampler::new(5, 5);
    let all = hermitian::<T>(&mut random);
    for (k, a) in all.iter().enumerate() {
        let b = &all[(k + 1) % all.len()];
        let whole = blocks([a, b]);
        let small = [a, b].map(|part| symmetric_eigen(part).expect("finite"));
        let y = symmetric_eigen(&whole).expect("finite");
        let expected = small.iter().flat_map(|y| y.eigenvalues.iter().copied());
        same_values(y.eigenvalues.as_slice(), expected, true);
        for vector in y.eigenvectors.column_iter() {
            // The first of the largest entries, but for rounding, is real and positive.
            let most = vector.iter().map(|x| x.modulus().to_f64()).fold(0.0, f64::max);
            let first = vector.iter().filter(|x| x.modulus().to_f64() >= most * (1.0 - 1e-5));
            let small = |x: &T| x.imaginary().to_f64().abs() <= 4.0 * epsilon::<T>();
            assert!(first.clone().any(|x| x.real().to_f64() > 0.0 && small(x)));
        }
        let small = [a, b].map(|part| svd(part).expect("finite"));
        let y = svd(&whole).expect("finite");
        let expected = small.iter().flat_map(|y| y.singular_values.iter().copied());
        same_values(y.singular_values.as_slice(), expected, false);
    }
}

#[test]
fn values_are_those_of_blocks() {
    values_of_blocks::<f64>();
    values_of_blocks::<f32>();
    values_of_blocks::<Complex<f64>>();
    values_of_blocks::<Complex<f32>>();
}

/// The phases of the vectors: those that the text gives them, where all values differ.
#[test]
fn vectors_are_those_of_blocks() {
    let mut random = Sampler::new(6, 6);
    let a: DMatrix<f64> = random.matrix(PART, PART);
    let shift = DMatrix::identity(PART, PART) * 100.0;
    // Values of the second block are larger than all of the first.
    let (a, b) = (&a + a.transpose(), &a + a.transpose() + shift);
    let (small, whole) =
        (symmetric_eigen(&a).unwrap(), symmetric_eigen(&blocks([&a, &b])).unwrap());
    let vectors = whole.eigenvectors.view((0, 0), (PART, PART));
    assert!((vectors - small.eigenvectors).amax() < 1e-10);
    let (small, whole) = (svd(&a).unwrap(), svd(&blocks([&a, &b])).unwrap());
    let (u, v_t) = (whole.u.view((0, PART), (PART, PART)), whole.v_t.view((PART, 0), (PART, PART)));
    assert!((u - small.u).amax() < 1e-10 && (v_t - small.v_t).amax() < 1e-10);
}

fn program<T: Real>(a: &Matrix<T>, w: &DMatrix<f64>) -> Result<T, MatrixError> {
    let sum = a + &a.transpose();
    let (values, vectors) = sum.symmetric_eigen()?;
    let (u, s, v_t) = a.svd()?;
    let column = w.column(0).clone_owned();
    Ok(values.dot(&column)? + vectors.dot(w)? + u.dot(w)? + s.dot(&column)? + v_t.dot(w)?)
}

/// Forward against reverse, and both against the difference of the primal.
#[test]
fn modes_agree() {
    let mut random = Sampler::new(7, 7);
    let size = 100;
    let (a, w): (DMatrix<f64>, DMatrix<f64>) =
        (random.matrix(size, size), random.matrix(size, size));
    let e: DMatrix<f64> = random.matrix(size, size);
    let at = |a: &DMatrix<f64>| program(&Matrix::from(a.clone()), &w).unwrap();
    let point = Matrix::from(a.clone());
    let along = Matrix::from(e.clone());
    let (value, slope) = value_and_gradient(|a| program(a, &w), &point).unwrap();
    assert_eq!(value, at(&a));
    let (value, tangent) = jvp(|a| program(a, &w), &point, &along).unwrap();
    assert_eq!(value, at(&a));
    let pairing = DMatrix::from(slope).dot(&e);
    assert!((pairing - tangent).abs() <= 1e-9 * tangent.abs().max(1.0), "{pairing} {tangent}");
    let h = 1e-7;
    let difference = (at(&(&a + &e * h)) - at(&(&a - &e * h))) / (2.0 * h);
    assert!(
        (difference - tangent).abs() <= 1e-3 * tangent.abs().max(1.0),
        "{difference} {tangent}"
    );
}

/// The sum of the squares of all eigenvalues is that of the squares of all entries, at repeated values too.
#[test]
fn symmetric_functions_at_repeated_values() {
    let mut random = Sampler::new(8, 8);
    let all = hermitian::<f64>(&mut random);
    let a = Matrix::from(blocks([&all[2], &all[2]]));
    let e: DMatrix<f64> = random.matrix(2 * PART, 2 * PART);
    let e = Matrix::from(&e + e.transpose());
    fn squares<T: Real>(a: &Matrix<T>) -> Result<T, MatrixError> {
        let values = a.symmetric_eigenvalues()?;
        values.dot(&values)
    }
    let slope = DMatrix::from(gradient(squares, &a).unwrap());
    let plain = DMatrix::from(a.clone());
    assert!((slope - &plain * 2.0).amax() < 1e-12 * plain.norm());
    let second = DMatrix::from(hvp(squares, &a, &e).unwrap());
    let e = DMatrix::from(e);
    assert!((second - &e * 2.0).amax() < 1e-10 * e.norm());
}
