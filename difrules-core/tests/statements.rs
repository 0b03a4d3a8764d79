//! Where the statements of a program come from.

use difrules_core::{Real, primitive, statements};
use nalgebra::{DMatrix, dmatrix};

/// Stands for the primitive that a linear algebra crate registers.
#[primitive(forward = |a, b, _, a_dot, b_dot| a_dot * b + a * b_dot, instances(f64), sample = |random| (random.matrix(2, 2), random.matrix(2, 2)))]
fn matmul<T: Real>(a: &DMatrix<T>, b: &DMatrix<T>) -> DMatrix<T> {
    a * b
}

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
    assert_eq!(product.replacement, Some("all::statements::matmul"));
    assert_eq!(product.operation.as_deref(), Some("mul"));
    let scalars = line("scalars");
    assert_eq!((scalars.statements, scalars.replacement), (3, None));
    assert_eq!(found.lines[0].function, product.function);
    assert_eq!(found.total(), product.statements + 3);
    let text = found.to_string();
    assert!(text.contains("; one node by `all::statements::matmul`"), "{text}");
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
