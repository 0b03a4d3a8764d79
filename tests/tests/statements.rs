//! What names lines of the program: where its statements come from, what replaces them, and where a zero that varies
//! decided. This package alone is compiled with the debug information that it takes, see the workspace's `Cargo.toml`.

use difrules_core::diagnostic::Defect;
use difrules_core::{Real, Var, diagnosed, gradient, statements};
use nalgebra::{DMatrix, dmatrix};

#[inline(never)]
fn product<T: Real>(a: &DMatrix<T>) -> DMatrix<T> {
    a * a // The line that is named.
}

#[inline(never)]
fn scalars<T: Real>(x: T) -> T {
    x.sin() * x + x
}

#[test]
fn statements_are_counted_by_line() {
    let n = 6;
    let a = DMatrix::from_fn(n, n, |i, j| (i + 2 * j) as f64 * 0.1);
    let found = statements(|a| scalars(product(a)[(1, 2)]), &a);
    let line = |name: &str| {
        let line = found.lines.iter().find(|line| line.function.contains(name));
        line.unwrap_or_else(|| panic!("no {name} in\n{found}"))
    };
    let product = line("product");
    assert!(product.file.ends_with("statements.rs"), "{found}");
    let source = include_str!("statements.rs").lines().nth(product.line as usize - 1).unwrap();
    assert!(source.contains("The line that is named"), "{found}");
    // n products a number, their sums, and what nalgebra multiplies by besides.
    assert!((n * n * n..=4 * n * n * n).contains(&product.statements), "{found}");
    assert_eq!(product.replacement, Some("difrules_linalg::matmul"));
    assert_eq!(product.operation.as_deref(), Some("mul"));
    let scalars = line("scalars");
    assert_eq!((scalars.statements, scalars.replacement), (3, None));
    assert_eq!(found.lines[0].function, product.function);
    assert_eq!(found.total(), product.statements + 3);
    let text = found.to_string();
    assert!(text.contains("; one node by `difrules_linalg::matmul`"), "{text}");
}

#[test]
fn errors_pass_and_other_transforms_do_not_count() {
    assert_eq!(statements(|_| Err::<difrules_core::Var<f64>, _>("mine"), &1.0_f64), Err("mine"));
    let twice = statements(|a| a.sum() + a.sum(), &dmatrix![1.0_f64, 2.0]);
    let inner = statements(
        |x| {
            // An inner transform has a tape of its own.
            let slope = difrules_core::gradient(|y| *y * *y, &2.0_f64);
            *x * nalgebra::convert::<f64, _>(slope)
        },
        &3.0_f64,
    );
    assert!(twice.total() >= 3);
    assert_eq!(inner.total(), 1);
}

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

#[test]
fn a_zero_that_varies_and_decides_is_named() {
    let a = DMatrix::<f64>::identity(3, 3);
    let here = line!() + 1;
    let reduce = |a: &DMatrix<Var<f64>>| a.clone().hessenberg().h()[(0, 0)];
    let (_, found) = diagnosed(|| gradient(reduce, &a));
    let places: Vec<_> = found
        .iter()
        .filter_map(|d| match &d.defect {
            Defect::Decided { place } => Some(place.as_str()),
            _ => None,
        })
        .collect();
    let expected = format!("statements.rs:{here}");
    assert!(places.iter().any(|place| place.ends_with(&expected)), "{places:?}");
    // Once for each line, and nothing where no such zero is asked about.
    assert_eq!(places.iter().filter(|place| place.ends_with(&expected)).count(), 1);
    let (_, found) =
        diagnosed(|| gradient(|x| if *x == Var::constant(2.0) { *x } else { *x * *x }, &1.0_f64));
    assert!(found.is_empty());
    let (_, found) =
        diagnosed(|| gradient(|x| if *x == Var::constant(1.0) { *x } else { *x * *x }, &1.0_f64));
    assert_eq!(found.len(), 1);
    assert!(found[0].to_string().contains("decided about a number that varies"), "{}", found[0]);
    // Our own rules ask with care.
    let (_, found) = diagnosed(|| {
        difrules_core::hessian(
            |x| difrules_core::math::powi(*x, 2) * difrules_core::math::hypot(*x, *x),
            &0.0_f64,
        )
    });
    assert!(found.is_empty(), "{found:?}");
}
