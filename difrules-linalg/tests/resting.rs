//! Where an infinite derivative follows a linear primitive, both modes say the same: what an entry does not depend on
//! contributes nothing, a derivative that comes out as zero is a factor.

use difrules_core::{Dual, Real, Var, gradient, jvp};
use difrules_linalg::{
    Matrix, ad_mul, add, adjoint, component_div, component_mul, cumsum, diagonal, diagonal_at, dot,
    kronecker, lower_triangle, matmul, mean, mul_tr, neg, scale, select_columns, select_rows,
    solve, sub, sum, symmetric_part, tr_mul, trace, transpose, unscale, upper_triangle,
};
use nalgebra::{DMatrix, dmatrix};

/// Entries that are zero, as functions of a matrix, one by each primitive; how many there are.
fn entries<S: Real>(a: &DMatrix<S>) -> Vec<(&'static str, S)> {
    let number = |x: f64| -> S { nalgebra::convert(x) };
    let constant = |m: DMatrix<f64>| m.map(number);
    let nothing = sub(a, a).unwrap();
    let rest = sub(a, &constant(dmatrix![0.0, 2.0; 3.0, 4.0])).unwrap();
    let weights = constant(dmatrix![1.0, 0.0; -2.0, 3.0]);
    let whole = Matrix::from(rest.clone());
    let plain: DMatrix<f64> = dmatrix![1.0, 0.0; -2.0, 3.0];
    let (by, times): (Matrix<S>, Matrix<S>) = (&plain * &whole, &whole * &plain);
    let column = |m: &DMatrix<S>| m.columns(0, 1).into_owned();
    vec![
        ("sub", nothing[(0, 1)]),
        ("neg", neg(&nothing)[(0, 1)]),
        ("neg of one", neg(&rest)[(1, 0)]),
        ("add", add(&rest, &rest).unwrap()[(1, 1)]),
        ("transpose", transpose(&rest)[(1, 0)]),
        ("adjoint", adjoint(&rest)[(0, 1)]),
        ("diagonal", diagonal(&rest)[1]),
        ("trace", trace(&rest).unwrap()),
        ("sum", sum(&column(&rest))),
        ("scale", scale(number(-3.0), &rest)[(0, 1)]),
        ("scale by a number that varies", scale(a[(0, 1)], &rest)[(1, 0)]),
        ("unscale", unscale(number(-3.0), &rest)[(0, 1)]),
        ("component_mul", component_mul(&rest, &weights).unwrap()[(1, 0)]),
        ("symmetric_part", symmetric_part(&rest).unwrap()[(0, 1)]),
        ("matmul", matmul(&rest, &weights).unwrap()[(0, 1)]),
        ("matmul from the left", matmul(&weights, &rest).unwrap()[(1, 1)]),
        ("matmul of both", matmul(&rest, &rest).unwrap()[(1, 1)]),
        ("tr_mul", tr_mul(&rest, &weights).unwrap()[(0, 1)]),
        ("dot", dot(&column(&rest), &column(&weights)).unwrap()),
        ("component_div", component_div(&rest, &constant(plain.add_scalar(1.5))).unwrap()[(1, 0)]),
        ("ad_mul", ad_mul(&rest, &weights).unwrap()[(0, 1)]),
        ("mul_tr", mul_tr(&rest, &weights).unwrap()[(0, 1)]),
        ("mean", mean(&column(&rest))),
        ("lower_triangle", lower_triangle(&rest)[(1, 0)]),
        ("upper_triangle beside it", upper_triangle(&rest)[(1, 0)]),
        ("kronecker", kronecker(&rest, &weights)[(3, 2)]),
        ("select_rows", select_rows(&rest, &[1, 0, 1]).unwrap()[(2, 0)]),
        ("select_columns", select_columns(&rest, &[1, 1]).unwrap()[(0, 1)]),
        ("diagonal_at", diagonal_at(&rest, 1)[0]),
        ("cumsum", cumsum(&rest)[(1, 1)]),
        ("solve", solve(&weights, &rest).unwrap()[(0, 1)]),
        ("view", whole.view((0, 1), (2, 1)).get(1)),
        ("neg in one piece", (-&whole).get((0, 1))),
        ("sub in one piece", (&whole - &whole.clone()).get((1, 0))),
        ("column_sum", whole.column_sum().get(1)),
        ("row_sum", whole.row_sum().get(1)),
        ("add_scalar", whole.add_scalar(whole.get(0)).get((1, 1))),
        ("hstack", Matrix::hstack(&[&whole, &whole]).unwrap().get((0, 3))),
        ("vstack", Matrix::vstack(&[&whole, &whole]).unwrap().get((3, 1))),
        ("by a constant", by.get((1, 1))),
        ("times a constant", times.get((0, 1))),
    ]
}

#[test]
fn infinite_derivatives_behind_linear_primitives() {
    let a = dmatrix![0.0, 2.0; 3.0, 4.0];
    let mut finite = 0;
    let mut wrong = Vec::new();
    for (which, (name, value)) in entries(&a).into_iter().enumerate() {
        assert_eq!(value, 0.0, "{name}");
        let root = |a: &DMatrix<Var<f64>>| nalgebra::ComplexField::sqrt(entries(a)[which].1);
        let reverse: DMatrix<f64> = gradient(root, &a);
        for k in 0..a.len() {
            let mut e = a.map(|_| 0.0);
            e[k] = 1.0;
            let root = |a: &DMatrix<Dual<f64>>| nalgebra::ComplexField::sqrt(entries(a)[which].1);
            let (_, forward) = jvp(root, &a, &e);
            let same = forward == reverse[k] || f64::is_nan(forward) && reverse[k].is_nan();
            if !same {
                wrong.push(format!("{name}, entry {k}: {forward} and {}", reverse[k]));
            }
            finite += usize::from(forward == 0.0);
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    // Most entries do not matter for another.
    assert!(finite > 50, "{finite}");
}
