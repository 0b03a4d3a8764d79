//! Values and gradients against an independent source: 60-digit arithmetic, in agreement with
//! PyTorch and JAX (see `data/reference.py` and `data/elementary.py`).

use difrules_core::contract::{Elementwise, Kind};
use difrules_core::math::exp;
use difrules_core::{Differentiable, Scalar, vjp};
use difrules_linalg::{
    By, Error, Formula, Operation, ad_mul, add, adjoint, axpy, bidiagonal, cholesky,
    cholesky_solve, column_sum, complex_eigenvalues, component_div, component_mul,
    condition_number, cross, cumprod, cumsum, determinant, diagonal, diagonal_at, dot, eigen,
    from_diagonal, from_diagonal_at, full_piv_lu, gemm, generalized_symmetric_eigen, hessenberg,
    hstack, inverse, kronecker, ln_abs_determinant, ln_determinant, logsumexp, lower_triangle,
    lp_norm, lq, lstsq, lu, map, matmul, mean, mul_tr, neg, norm, norm_inf, normalize, nrm2,
    nuclear_norm, one_norm, outer, polar, pseudo_inverse, qr, quadratic_form, reshape,
    row_logsumexp, row_sum, scale, select_columns, select_rows, singular_values, softmax, solve,
    solve_lower_triangular, solve_upper_triangular, spectral_norm, sub, sum, svd, symmetric_eigen,
    symmetric_eigenvalues, symmetric_part, symmetric_tridiagonal, toeplitz_solve, tr_mul, trace,
    transpose, tridiagonal_solve, udu, upper_triangle, variance, view, vstack,
};
use nalgebra::{Complex, DMatrix, DVector, Dyn, RowDVector};
use serde::Deserialize;

/// A file of cases.
#[derive(Deserialize)]
pub(crate) struct Reference {
    pub(crate) cases: Vec<Case>,
}

/// A primitive at a point: its values, and the gradients along cotangents.
#[derive(Deserialize)]
pub(crate) struct Case {
    pub(crate) primitive: String,
    pub(crate) scalar: String,
    pub(crate) arguments: Vec<Numbers>,
    pub(crate) values: Vec<Numbers>,
    pub(crate) cotangents: Vec<Numbers>,
    pub(crate) gradients: Vec<Numbers>,
}

/// A matrix, column by column.
#[derive(Deserialize)]
pub(crate) struct Numbers {
    rows: usize,
    cols: usize,
    re: Vec<f64>,
    im: Option<Vec<f64>>,
}

impl Numbers {
    pub(crate) fn matrix<T: Scalar<Real = f64>>(&self) -> DMatrix<T> {
        let entry = |k: usize| {
            let mut parts = [self.re[k], self.im.as_ref().map_or(0.0, |im| im[k])].into_iter();
            T::build(&(), &mut || parts.next().expect("two parts at most"))
        };
        DMatrix::from_fn(self.rows, self.cols, |i, j| entry(i + j * self.rows))
    }
}

/// An output as a complex matrix, whatever its field: those of one primitive may differ in it.
fn matrix<T: Scalar>(x: &DMatrix<T>) -> DMatrix<Complex<T::Real>> {
    x.map(|x| Complex::new(x.real(), x.imaginary()))
}

fn vector<T: Scalar>(x: &DVector<T>) -> DMatrix<Complex<T::Real>> {
    matrix(&DMatrix::from_column_slice(x.len(), 1, x.as_slice()))
}

fn row<T: Scalar>(x: &RowDVector<T>) -> DMatrix<Complex<T::Real>> {
    matrix(&DMatrix::from_row_slice(1, x.len(), x.as_slice()))
}

fn number<T: Scalar>(x: T) -> DMatrix<Complex<T::Real>> {
    matrix(&DMatrix::from_element(1, 1, x))
}

/// Runs a primitive on a list of matrices, vectors being n x 1 and numbers 1 x 1.
fn run<T: Scalar>(name: &str, x: &[DMatrix<T>]) -> Result<Vec<DMatrix<Complex<T::Real>>>, Error>
where
    exp: Elementwise<T::Kind>,
    By<exp, T::Kind>: Formula<1>,
{
    let column = |i: usize| x[i].column(0).into_owned();
    Ok(match name {
        "add" => vec![matrix(&add(&x[0], &x[1])?)],
        "sub" => vec![matrix(&sub(&x[0], &x[1])?)],
        "neg" => vec![matrix(&neg(&x[0]))],
        "scale" => vec![matrix(&scale(x[0][0], &x[1]))],
        "component_mul" => vec![matrix(&component_mul(&x[0], &x[1])?)],
        "matmul" => vec![matrix(&matmul(&x[0], &x[1])?)],
        "tr_mul" => vec![matrix(&tr_mul(&x[0], &x[1])?)],
        "transpose" => vec![matrix(&transpose(&x[0]))],
        "adjoint" => vec![matrix(&adjoint(&x[0]))],
        "sum" => vec![number(sum(&x[0]))],
        "trace" => vec![number(trace(&x[0])?)],
        "diagonal" => vec![vector(&diagonal(&x[0]))],
        "dot" => vec![number(dot(&x[0], &x[1])?)],
        "nrm2" => vec![number(nrm2(&x[0]))],
        "cholesky" => vec![matrix(&cholesky(&x[0])?)],
        "solve_lower_triangular" => vec![matrix(&solve_lower_triangular(&x[0], &x[1])?)],
        "solve_upper_triangular" => vec![matrix(&solve_upper_triangular(&x[0], &x[1])?)],
        "cholesky_solve" => vec![matrix(&cholesky_solve(&x[0], &x[1])?)],
        "ln_determinant" => vec![number(ln_determinant(&x[0])?)],
        "symmetric_part" => vec![matrix(&symmetric_part(&x[0])?)],
        "axpy" => {
            let mut y = x[2].clone();
            axpy(x[0][0], &x[1], &mut y)?;
            vec![matrix(&y)]
        }
        "gemm" => {
            let mut c = x[4].clone();
            let none = Operation::None;
            gemm(none, none, x[0][0], &x[1], &x[2], x[3][0], &mut c)?;
            vec![matrix(&c)]
        }
        "lu" => vec![matrix(&lu(&x[0])?.packed)],
        "full_piv_lu" => vec![matrix(&full_piv_lu(&x[0])?.packed)],
        "qr" => {
            let (q, r) = qr(&x[0])?;
            vec![matrix(&q), matrix(&r)]
        }
        "lq" => {
            let (l, q) = lq(&x[0])?;
            vec![matrix(&l), matrix(&q)]
        }
        "svd" => {
            let y = svd(&x[0])?;
            vec![matrix(&y.u), vector(&y.singular_values), matrix(&y.v_t)]
        }
        "singular_values" => vec![vector(&singular_values(&x[0])?)],
        "symmetric_eigen" => {
            let y = symmetric_eigen(&x[0])?;
            vec![vector(&y.eigenvalues), matrix(&y.eigenvectors)]
        }
        "symmetric_eigenvalues" => vec![vector(&symmetric_eigenvalues(&x[0])?)],
        "generalized_symmetric_eigen" => {
            let y = generalized_symmetric_eigen(&x[0], &x[1])?;
            vec![vector(&y.eigenvalues), matrix(&y.eigenvectors)]
        }
        "eigen" => {
            let y = eigen(&x[0])?;
            vec![vector(&y.eigenvalues), matrix(&y.eigenvectors)]
        }
        "complex_eigenvalues" => vec![vector(&complex_eigenvalues(&x[0])?)],
        "hessenberg" => {
            let (q, h) = hessenberg(&x[0])?;
            vec![matrix(&q), matrix(&h)]
        }
        "symmetric_tridiagonal" => {
            let y = symmetric_tridiagonal(&x[0])?;
            vec![matrix(&y.q), vector(&y.diagonal), vector(&y.off_diagonal)]
        }
        "bidiagonal" => {
            let y = bidiagonal(&x[0])?;
            vec![matrix(&y.u), vector(&y.diagonal), vector(&y.off_diagonal), matrix(&y.v_t)]
        }
        "udu" => {
            let y = udu(&x[0])?;
            vec![matrix(&y.u), vector(&y.d)]
        }
        "polar" => {
            let (u, p) = polar(&x[0])?;
            vec![matrix(&u), matrix(&p)]
        }
        "inverse" => vec![matrix(&inverse(&x[0])?)],
        "pseudo_inverse" => vec![matrix(&pseudo_inverse(&x[0])?)],
        "solve" => vec![matrix(&solve(&x[0], &x[1])?)],
        "lstsq" => vec![matrix(&lstsq(&x[0], &x[1])?)],
        "tridiagonal_solve" => {
            vec![matrix(&tridiagonal_solve(&column(0), &column(1), &column(2), &x[3])?)]
        }
        "toeplitz_solve" => vec![matrix(&toeplitz_solve(&column(0), &column(1), &x[2])?)],
        "determinant" => vec![number(determinant(&x[0])?)],
        "ln_abs_determinant" => {
            let (y, sign) = ln_abs_determinant(&x[0])?;
            vec![number(y), number(sign)]
        }
        "norm" => vec![number(norm(&x[0]))],
        "lp_norm" => vec![number(lp_norm(&x[0], x[1][0].real())?)],
        "norm_inf" => vec![number(norm_inf(&x[0])?)],
        "one_norm" => vec![number(one_norm(&x[0])?)],
        "spectral_norm" => vec![number(spectral_norm(&x[0])?)],
        "nuclear_norm" => vec![number(nuclear_norm(&x[0])?)],
        "normalize" => vec![matrix(&normalize(&x[0])?)],
        "component_div" => vec![matrix(&component_div(&x[0], &x[1])?)],
        "ad_mul" => vec![matrix(&ad_mul(&x[0], &x[1])?)],
        "mul_tr" => vec![matrix(&mul_tr(&x[0], &x[1])?)],
        "quadratic_form" => vec![number(quadratic_form(&column(0), &x[1], &column(2))?)],
        "row_sum" => vec![row(&row_sum(&x[0]))],
        "column_sum" => vec![vector(&column_sum(&x[0]))],
        "mean" => vec![number(mean(&x[0]))],
        "variance" => vec![number(variance(&x[0]))],
        "from_diagonal" => vec![matrix(&from_diagonal(&column(0)))],
        "from_diagonal_at" => vec![matrix(&from_diagonal_at(&column(0), -2))],
        "diagonal_at" => vec![vector(&diagonal_at(&x[0], 1))],
        "lower_triangle" => vec![matrix(&lower_triangle(&x[0]))],
        "upper_triangle" => vec![matrix(&upper_triangle(&x[0]))],
        "kronecker" => vec![matrix(&kronecker(&x[0], &x[1]))],
        "cross" => vec![matrix(&cross(&x[0], &x[1])?)],
        "outer" => vec![matrix(&outer(&column(0), &column(1)))],
        "hstack" => vec![matrix(&hstack(&x[0], &x[1])?)],
        "vstack" => vec![matrix(&vstack(&x[0], &x[1])?)],
        "view" => {
            let shape = (Dyn(x[0].nrows() - 1), Dyn(x[0].ncols() - 1));
            vec![matrix(&view(&x[0], (1, 0), shape)?)]
        }
        "select_rows" => vec![matrix(&select_rows(&x[0], &[1, 0, 1, 1])?)],
        "select_columns" => vec![matrix(&select_columns(&x[0], &[2, 2, 0])?)],
        "reshape" => vec![matrix(&reshape(&x[0], (Dyn(6), Dyn(2)))?)],
        "cumsum" => vec![matrix(&cumsum(&x[0]))],
        "cumprod" => vec![matrix(&cumprod(&x[0]))],
        "logsumexp" => vec![number(logsumexp(&x[0]))],
        "row_logsumexp" => vec![row(&row_logsumexp(&x[0]))],
        "softmax" => vec![matrix(&softmax(&x[0]))],
        "map" => vec![matrix(&map::<_, By<exp, T::Kind>, _, _>(&x[0]))],
        "condition_number" => vec![number(condition_number(&x[0])?)],
        other => panic!("no primitive {other} here"),
    })
}

/// The largest error relative to the largest entry.
fn error<T: Scalar<Real = f64>>(found: &DMatrix<T>, expected: &DMatrix<T>) -> f64 {
    assert_eq!(found.shape(), expected.shape());
    let largest = |m: &DMatrix<T>| m.iter().fold(0.0, |most, x| x.modulus().max(most));
    largest(&(found - expected)) / largest(expected).max(1e-3)
}

fn check<K: Kind>(case: &Case)
where
    exp: Elementwise<K>,
    By<exp, K>: Formula<1>,
{
    type T<K> = <K as Kind>::Of<f64>;
    let arguments: Vec<DMatrix<T<K>>> = case.arguments.iter().map(Numbers::matrix).collect();
    let cotangents: Vec<DMatrix<Complex<f64>>> =
        case.cotangents.iter().map(Numbers::matrix).collect();
    let primal = run(&case.primitive, &arguments).expect("in the domain");
    // The condition number of the 8 x 8 cases is 1e8; the rest is well conditioned.
    let tolerance = match (case.primitive.as_str(), case.arguments[0].rows) {
        ("cholesky" | "ln_determinant" | "cholesky_solve", 8) => 1e-8,
        (_, 8) => 1e-7,
        _ => 1e-12,
    };
    let name = format!("{} at {}", case.primitive, case.scalar);
    assert_eq!(primal.len(), case.values.len(), "{name}: the number of outputs");
    for (i, (found, expected)) in primal.iter().zip(&case.values).enumerate() {
        let off = error(found, &expected.matrix());
        assert!(off < tolerance, "{name}: output {i} is off by {off:e}");
    }
    let (values, gradients) =
        vjp(|x| run(&case.primitive, x), &arguments, &cotangents).expect("in the domain");
    assert_eq!(values, primal, "{name}: the values in reverse mode");
    for (i, (found, expected)) in gradients.iter().zip(&case.gradients).enumerate() {
        let off = error(found, &expected.matrix());
        assert!(off < tolerance, "{name}: the gradient by argument {i} is off by {off:e}");
    }
}

#[test]
fn values_and_gradients_agree_with_sixty_digits() {
    let read = |text| serde_json::from_str::<Reference>(text).expect("valid").cases;
    let mut cases = read(include_str!("data/reference.json"));
    cases.extend(read(include_str!("data/elementary.json")));
    assert!(cases.len() >= 270);
    for case in &cases {
        match case.scalar.as_str() {
            "f64" => check::<f64>(case),
            "Complex<f64>" => check::<Complex<f64>>(case),
            other => panic!("no scalar {other}"),
        }
    }
}
