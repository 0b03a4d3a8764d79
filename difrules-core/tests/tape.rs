//! What a tape records of operations on numbers and on matrices.

use difrules_core::__private::recorded;
use difrules_core::{Cotangent, Real, Slot, Var, primitive};
use nalgebra::{ComplexField, DMatrix, RealField};

/// 2 A.
#[primitive(
    forward = |_, _, a_dot| a_dot * nalgebra::convert::<f64, T>(2.0),
    reverse = twice_reverse,
    reads(),
    instances(f64),
    sample = |random| random.matrix(2, 3)
)]
fn twice<T: Real>(a: &DMatrix<T>) -> DMatrix<T> {
    a * nalgebra::convert::<f64, T>(2.0)
}

fn twice_reverse<T: Real>(y_bar: Cotangent<'_, DMatrix<T>>, a_bar: Slot<'_, DMatrix<T>>) {
    a_bar.add(|| y_bar * nalgebra::convert::<f64, T>(2.0));
}

/// The numbers as a matrix of 10 rows and columns.
fn square(numbers: &[Var<f64>]) -> DMatrix<Var<f64>> {
    DMatrix::from_column_slice(10, 10, numbers)
}

#[test]
fn a_matrix_operation_is_one_node_about_ranges() {
    let record = |numbers: &[Var<f64>]| {
        twice(&twice(&square(numbers)));
    };
    let found = recorded(100, record, None);
    assert_eq!((found.statements, found.nodes), (0, 2));
    assert_eq!(found.runs, [(1, 100), (101, 100)]);
    assert_eq!(found.next, 301);
}

#[test]
fn pieces_and_constants_are_runs() {
    let record = |numbers: &[Var<f64>]| {
        let mut a = square(numbers);
        a[(3, 0)] = Var::constant(5.0);
        a[(0, 1)] = a[(0, 1)] * a[(0, 1)];
        twice(&a);
        // Nothing of constants is recorded.
        twice(&a.map(|x| Var::constant(x.value())));
    };
    let found = recorded(100, record, (102..202).map(|number| (number, 1.0)));
    assert_eq!((found.statements, found.nodes), (1, 1));
    assert_eq!(found.runs, [(1, 3), (0, 1), (5, 6), (101, 1), (12, 89)]);
    let swept = found.adjoints;
    assert_eq!((swept[0], swept[3], swept[10], swept[99]), (2.0, 0.0, 4.0, 2.0));
}

#[test]
fn scalar_primitives_are_statements() {
    let record = |a: &[Var<f64>]| {
        let x = a[0].sin() * Var::constant(2.0) + a[1].atan2(a[2]) - a[3].mul_add(a[4], a[5]);
        // Three operands take two statements.
        assert!(!x.is_constant());
    };
    let found = recorded(100, record, None);
    assert_eq!((found.statements, found.nodes), (7, 0));
}
