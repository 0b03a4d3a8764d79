//! nalgebra's own operations on variables are found, and the primitive that replaces them.

use difrules_core::{Real, statements};
use nalgebra::DMatrix;

#[inline(never)]
fn number_by_number<T: Real>(a: &DMatrix<T>) -> T {
    let b = a * a.transpose() + DMatrix::identity(a.nrows(), a.nrows());
    let factor = b.cholesky().expect("positive definite");
    factor.l_dirty().norm()
}

#[inline(never)]
fn by_primitives<T: Real>(a: &DMatrix<T>) -> Result<T, difrules_linalg::Error> {
    let one = DMatrix::identity(a.nrows(), a.nrows());
    let b = difrules_linalg::matmul(a, &difrules_linalg::transpose(a))?;
    let factor = difrules_linalg::cholesky(&difrules_linalg::add(&b, &one)?)?;
    Ok(difrules_linalg::nrm2(&factor))
}

#[test]
fn primitives_that_are_linked_are_named() {
    let a = DMatrix::from_fn(8, 8, |i, j| ((3 * i + 5 * j) % 7) as f64);
    let found = statements(number_by_number, &a);
    for primitive in
        ["difrules_linalg::matmul", "difrules_linalg::cholesky", "difrules_linalg::nrm2"]
    {
        let named = found.lines.iter().any(|line| line.replacement == Some(primitive));
        assert!(named, "no {primitive} in\n{found}");
    }
    let found = statements(by_primitives, &a).unwrap();
    assert_eq!(found.total(), 0, "{found}");
}
