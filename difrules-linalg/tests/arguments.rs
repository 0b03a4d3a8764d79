//! Static sizes, bad arguments, and memory.

use difrules_core::testing::{Sampler, check_at};
use difrules_core::{Diagnostic, Var, diagnosed, gradient, transpose_view, value_and_gradient};
use difrules_linalg::{
    ColPivQr, Diagonal, Error, Lu, Operation, Side, Svd, SymmetricEigen, Triangle, add, axpy,
    cholesky, cholesky_solve, col_piv_qr, component_mul, determinant, diagonal, dot, gemm, inverse,
    ln_abs_determinant, ln_determinant, lq, lstsq, lu, lu_solve, matmul, neg, norm, norm_inf,
    normalize, nrm2, nuclear_norm, one_norm, pseudo_inverse, qr, scale, singular_values, solve,
    solve_lower_triangular, solve_upper_triangular, spectral_norm, sub, sum, svd, symmetric_eigen,
    symmetric_eigenvalues, symmetric_part, tr_mul, trace, transpose, tridiagonal_solve, trsm,
};
use nalgebra::{Complex, DMatrix, Dyn, Matrix2, OMatrix, U1, U2, U3, U4, dmatrix, dvector, matrix};

/// A static matrix of normally distributed entries.
fn any<T: difrules_core::Scalar, R: nalgebra::DimName, C: nalgebra::DimName>(
    random: &mut Sampler,
) -> OMatrix<T, R, C>
where
    nalgebra::DefaultAllocator: nalgebra::allocator::Allocator<R, C>,
{
    OMatrix::from_fn_generic(R::name(), C::name(), |_, _| random.normal())
}

macro_rules! static_sizes {
    ($($name:ident: $primitive:ty, $sample:expr;)*) => {$(
        #[test]
        fn $name() {
            for seed in 0..4 {
                check_at::<$primitive, f64>($sample, seed).unwrap();
                check_at::<$primitive, f32>($sample, seed).unwrap();
            }
        }
    )*};
}

fn definite<T: difrules_core::Scalar>(random: &mut Sampler) -> OMatrix<T, U3, U3> {
    random.positive_definite(3).fixed_view::<3, 3>(0, 0).into_owned()
}

fn triangle<T: difrules_core::Scalar>(random: &mut Sampler) -> OMatrix<T, U3, U3> {
    random.lower_triangular(3).fixed_view::<3, 3>(0, 0).into_owned()
}

type C64 = Complex<f64>;

static_sizes! {
    static_add: add<f64, U2, U3>, |r| (any(r), any(r));
    static_sub: sub<C64, U2, U3>, |r| (any(r), any(r));
    static_neg: neg<f64, U2, U3>, |r| (any(r),);
    static_scale: scale<C64, U2, U1>, |r| (r.normal(), any(r));
    static_component_mul: component_mul<C64, U2, U3>, |r| (any(r), any(r));
    static_matmul: matmul<f64, U2, U3, U4>, |r| (any(r), any(r));
    static_matmul_complex: matmul<C64, U2, U3, U1>, |r| (any(r), any(r));
    static_tr_mul: tr_mul<f64, U2, U3, U4>, |r| (any(r), any(r));
    static_tr_mul_complex: tr_mul<C64, U2, U3, U1>, |r| (any(r), any(r));
    static_transpose: transpose<f64, U2, U3>, |r| (any(r),);
    static_adjoint: difrules_linalg::adjoint<C64, U2, U3>, |r| (any(r),);
    static_sum: sum<C64, U2, U3>, |r| (any(r),);
    static_trace: trace<C64, U3>, |r| (any(r),);
    static_diagonal: diagonal<C64, U2, U3>, |r| (any(r),);
    static_symmetric_part: symmetric_part<C64, U3>, |r| (any(r),);
    static_dot: dot<C64, U3, U1>, |r| (any(r), any(r));
    static_nrm2: nrm2<C64, U3, U1>, |r| (any(r),);
    static_axpy: axpy<C64, U3, U2>, |r| (r.normal(), any(r), any(r));
    static_gemm: gemm<f64, U2, U3, U4>, |r| (r.normal(), any(r), any(r), r.normal(), any(r));
    static_gemm_complex: gemm<C64, U2, U3, U1>, |r| (r.normal(), any(r), any(r), r.normal(), any(r));
    static_cholesky: cholesky<f64, U3>, |r| (definite(r),);
    static_cholesky_complex: cholesky<C64, U3>, |r| (definite(r),);
    static_ln_determinant: ln_determinant<C64, U3>, |r| (definite(r),);
    static_solve_lower: solve_lower_triangular<C64, U3, U1>, |r| (triangle(r), any(r));
    static_solve_upper: solve_upper_triangular<f64, U3, U2>, |r| (triangle(r).transpose(), any(r));
    static_cholesky_solve: cholesky_solve<C64, U3, U2>, |r| (triangle(r), any(r));
    static_lu: lu<C64, U3, U3>, |r| (any(r),);
    static_wide_lu: lu<f64, U2, U4>, |r| (any(r),);
    static_tall_lu: lu<C64, U4, U2>, |r| (any(r),);
    static_solve: solve<C64, U3, U2>, |r| (any(r), any(r));
    static_lu_solve: lu_solve<f64, U3, U1>, |r| (lu(&any(r)).unwrap(), any(r));
    static_inverse: inverse<C64, U3>, |r| (any(r),);
    static_ln_abs_determinant: ln_abs_determinant<C64, U3>, |r| (any(r),);
    static_qr: qr<C64, U3, U3>, |r| (any(r),);
    static_wide_qr: qr<C64, U2, U4>, |r| (any(r),);
    static_tall_qr: qr<f64, U4, U2>, |r| (any(r),);
    static_lq: lq<C64, U2, U4>, |r| (any(r),);
    static_col_piv_qr: col_piv_qr<C64, U4, U3>, |r| (any(r),);
    static_norm: norm<C64, U4, U3>, |r| (any(r),);
    static_norm_inf: norm_inf<C64, U4, U3>, |r| (any(r),);
    static_one_norm: one_norm<f64, U4, U3>, |r| (any(r),);
    static_normalize: normalize<C64, U4, U1>, |r| (any(r),);
    static_determinant: determinant<C64, U4>, |r| (any(r),);
    static_tridiagonal_solve: tridiagonal_solve<f64, U4, U2>, |r| (any(r), any(r), any(r), any(r));
    static_symmetric_eigen: symmetric_eigen<C64, U3>, |r| (definite(r),);
    static_symmetric_eigenvalues: symmetric_eigenvalues<f64, U3>, |r| (definite(r),);
    static_svd: svd<C64, U3, U3>, |r| (any(r),);
    static_tall_svd: svd<f64, U4, U2>, |r| (any(r),);
    static_singular_values: singular_values<f64, U2, U3>, |r| (any(r),);
    static_nuclear_norm: nuclear_norm<C64, U2, U3>, |r| (any(r),);
    static_spectral_norm: spectral_norm<C64, U2, U3>, |r| (any(r),);
    static_pseudo_inverse: pseudo_inverse<C64, U2, U3>, |r| (any(r),);
    static_lstsq: lstsq<C64, U4, U2, U1>, |r| (any(r), any(r));
    static_wide_lstsq: lstsq<f64, U2, U4, U2>, |r| (any(r), any(r));
    static_trsm: trsm<f64, U3, U3, U2>, |r| {
        let (operation, diagonal) = (Operation::Transpose, Diagonal::General);
        (Side::Left, Triangle::Lower, operation, diagonal, r.normal(), triangle(r), any(r))
    };
    // A dynamic vector, whose type is not that of a dynamic matrix.
    dynamic_vector: matmul<f64, Dyn, Dyn, U1>, |r| {
        let (rows, columns) = (r.size(0, 8), r.size(0, 8));
        (r.matrix(rows, columns), r.vector(columns))
    };
}

#[test]
fn large_matrices_keep_the_rules() {
    for seed in 0..2 {
        check_at::<cholesky<f64, Dyn>, f64>(|r| (r.positive_definite(70),), seed).unwrap();
        check_at::<cholesky<C64, Dyn>, f64>(|r| (r.positive_definite(40),), seed).unwrap();
        check_at::<tr_mul<f64, Dyn, Dyn, Dyn>, f64>(|r| (r.matrix(9, 20), r.matrix(9, 7)), seed)
            .unwrap();
        check_at::<solve_lower_triangular<f64, Dyn, Dyn>, f64>(
            |r| (r.lower_triangular(40), r.matrix(40, 9)),
            seed,
        )
        .unwrap();
        check_at::<solve_upper_triangular<C64, Dyn, Dyn>, f64>(
            |r| (r.lower_triangular(40).transpose(), r.matrix(40, 9)),
            seed,
        )
        .unwrap();
        check_at::<lu<f64, Dyn, Dyn>, f64>(|r| (r.matrix(40, 40),), seed).unwrap();
        check_at::<lu<C64, Dyn, Dyn>, f64>(|r| (r.matrix(21, 40),), seed).unwrap();
        check_at::<lu<f64, Dyn, Dyn>, f64>(|r| (r.matrix(40, 21),), seed).unwrap();
        check_at::<solve<C64, Dyn, Dyn>, f64>(|r| (r.matrix(40, 40), r.matrix(40, 9)), seed)
            .unwrap();
        check_at::<lu_solve<C64, Dyn, Dyn>, f64>(
            |r| (lu(&r.matrix(40, 40)).unwrap(), r.matrix(40, 9)),
            seed,
        )
        .unwrap();
        check_at::<inverse<f64, Dyn>, f64>(|r| (r.matrix(40, 40),), seed).unwrap();
        check_at::<qr<f64, Dyn, Dyn>, f64>(|r| (r.matrix(30, 30),), seed).unwrap();
        check_at::<qr<C64, Dyn, Dyn>, f64>(|r| (r.matrix(30, 17),), seed).unwrap();
        check_at::<qr<C64, Dyn, Dyn>, f64>(|r| (r.matrix(17, 30),), seed).unwrap();
    }
}

#[test]
fn elimination_pivots_as_nalgebra_does() {
    let mut random = Sampler::new(3, 3);
    for (rows, columns) in [(1, 1), (5, 5), (40, 40), (33, 50), (50, 33), (0, 3)] {
        let a: DMatrix<C64> = random.matrix(rows, columns);
        let Lu { packed, pivots } = lu(&a).unwrap();
        let (p, l, u) = a.clone().lu().unpack();
        let size = rows.min(columns);
        let mut strict = packed.columns(0, size).into_owned();
        strict.fill_upper_triangle(nalgebra::zero(), 0);
        assert!((strict + DMatrix::identity(rows, size) - l).norm() < 1e-12);
        assert!((packed.rows(0, size).upper_triangle() - u).norm() < 1e-12);
        let mut swapped = a.clone();
        for (i, &pivot) in pivots.iter().enumerate() {
            swapped.swap_rows(i, pivot);
        }
        let mut permuted = a;
        p.permute_rows(&mut permuted);
        assert_eq!(swapped, permuted);
    }
}

#[test]
fn factors_of_singular_matrices() {
    // Rank n - 1, the zero pivot being the last: nothing divides by it.
    let a = dmatrix![2.0, 1.0, 3.0; 4.0, 1.0, 5.0; 6.0, 2.0, 8.0];
    let last = |a: &DMatrix<Var<f64>>| Ok::<_, Error>(lu(a)?.packed[(2, 2)]);
    let (found, heard) = diagnosed(|| value_and_gradient(last, &a));
    let (pivot, pivot_bar) = found.unwrap();
    assert!(pivot.abs() < 1e-15 && heard.is_empty(), "{heard:?}");
    // det A = -(product of pivots), so the gradient of the last is adj(A)^T over the others'.
    let adjugate = dmatrix![-2.0, -2.0, 2.0; -2.0, -2.0, 2.0; 2.0, 2.0, -2.0];
    let packed = lu(&a).unwrap().packed;
    let expected = adjugate / (packed[(0, 0)] * packed[(1, 1)]);
    let sign = f64::signum(pivot_bar[(0, 0)] / expected[(0, 0)]);
    assert!((pivot_bar - expected * sign).norm() < 1e-14);
    // A column of zeros: the rest of the derivative is there, and the missing part is reported.
    let a = dmatrix![0.0, 1.0; 0.0, 2.0];
    let (found, heard) = diagnosed(|| gradient(|a| lu(a).map(|lu| sum(&lu.packed)), &a));
    assert_eq!(found.unwrap(), dmatrix![1.0, 1.0; 0.0, 1.0]);
    let reason = "pivot 0 is zero, counting from 0, and has rows below it";
    assert_eq!(heard, [Diagnostic::undefined("lu", reason)]);
}

#[test]
fn orthogonal_factors_where_columns_depend_on_others() {
    let mut random = Sampler::new(5, 5);
    // Real and square, of rank n - 1: the last column of Q has no choice but its sign.
    let first: DMatrix<f64> = random.matrix(4, 3);
    let mix: DMatrix<f64> = random.matrix(3, 4);
    let a = &first * &mix;
    let direction: DMatrix<f64> = random.matrix(4, 4);
    let jvp = |a: &DMatrix<f64>, v: &DMatrix<f64>| difrules_core::jvp(qr, a, v).unwrap();
    let (((q, r), (q_dot, r_dot)), heard) = diagnosed(|| jvp(&a, &direction));
    assert!(r[(3, 3)].abs() < 1e-14 && heard.is_empty(), "{heard:?}");
    assert!((q.tr_mul(&q_dot) + q_dot.tr_mul(&q)).norm() < 1e-12);
    assert!((&q_dot * &r + &q * &r_dot - &direction).norm() < 1e-12);
    // Tall, of rank 2 with independent first columns: along a change of the same rank all of R and
    // Q1 have derivatives; beside it, what has none is reported.
    let (left, right): (DMatrix<f64>, DMatrix<f64>) = (random.matrix(6, 2), random.matrix(2, 4));
    let (left_dot, right_dot) = (random.matrix(6, 2), random.matrix(2, 4));
    let a = &left * &right;
    let kept: DMatrix<f64> = &left_dot * &right + &left * &right_dot;
    let (((q, r), (q_dot, r_dot)), heard) = diagnosed(|| jvp(&a, &kept));
    assert!(heard.is_empty(), "{heard:?}");
    assert!((&q_dot * &r + &q * &r_dot - &kept).norm() < 1e-12);
    let (_, heard) = diagnosed(|| jvp(&a, &random.matrix(6, 4)));
    assert_eq!(heard.len(), 1, "{heard:?}");
    // The projection onto the columns does not depend on the choice of Q2.
    let weight: DMatrix<f64> = random.matrix(6, 6);
    let projection = |a: &DMatrix<Var<f64>>| {
        let (q, _) = qr(a)?;
        let q1 = q.columns(0, 2).into_owned();
        let product = matmul(&q1, &transpose(&q1))?;
        dot(&product, &weight.map(Var::constant))
    };
    let (found, heard) = diagnosed(|| gradient(projection, &a));
    assert!(heard.is_empty(), "{heard:?}");
    let found = found.unwrap();
    // A1_bar = (1 - Q1 Q1^T) (W + W^T) Q1 R11^-T.
    let (q1, r11) = (q.columns(0, 2), r.view((0, 0), (2, 2)));
    let outside = DMatrix::identity(6, 6) - q1 * q1.transpose();
    let expected =
        outside * (&weight + weight.transpose()) * q1 * r11.transpose().try_inverse().unwrap();
    assert!((found.columns(0, 2) - expected).norm() < 1e-11);
    assert!(found.columns(2, 2).norm() < 1e-11);
    let choice = |a: &DMatrix<Var<f64>>| {
        dot(&qr(a)?.0, &random.clone().matrix::<f64>(6, 4).map(Var::constant))
    };
    let (_, heard) = diagnosed(|| gradient(choice, &a));
    assert!(matches!(heard[0].defect, difrules_core::Defect::Gauge { .. }), "{heard:?}");
    // Nothing at all.
    let zero = DMatrix::<f64>::zeros(3, 2);
    let (found, heard) = diagnosed(|| gradient(|a| Ok::<_, Error>(sum(&qr(a)?.1)), &zero));
    assert!(found.unwrap().iter().all(|x| x.is_finite()) && heard.len() == 1, "{heard:?}");
}

#[test]
fn rows_and_pivoted_columns_are_put_together_again() {
    let mut random = Sampler::new(7, 7);
    for (rows, columns) in [(5, 5), (7, 4), (4, 7), (1, 1), (0, 3), (3, 0)] {
        let a: DMatrix<C64> = random.matrix(rows, columns);
        let (l, q) = lq(&a).unwrap();
        assert!(
            (&l * &q - &a).norm() < 1e-12
                && l.upper_triangle().iter().filter(|x| x.norm() > 0.0).count()
                    <= rows.min(columns)
        );
        let ColPivQr { q, r, columns } = col_piv_qr(&a).unwrap();
        let product = q * r;
        for (j, &column) in columns.iter().enumerate() {
            assert!((product.column(j) - a.column(column)).norm() < 1e-12);
        }
    }
}

#[test]
fn determinants_of_singular_matrices() {
    let mut random = Sampler::new(11, 11);
    // By minors, which know no rank.
    fn minors(a: &DMatrix<f64>) -> f64 {
        if a.is_empty() {
            return 1.0;
        }
        (0..a.ncols()).fold(0.0, |sum, j| {
            let sign = if j % 2 == 0 { 1.0 } else { -1.0 };
            sum + sign * a[(0, j)] * minors(&a.clone().remove_row(0).remove_column(j))
        })
    }
    let cofactor = |a: &DMatrix<f64>, i: usize, j: usize| {
        let sign = if (i + j).is_multiple_of(2) { 1.0 } else { -1.0 };
        sign * minors(&a.clone().remove_row(i).remove_column(j))
    };
    for rank in 0..=5 {
        let (left, right): (DMatrix<f64>, DMatrix<f64>) =
            (random.matrix(5, rank), random.matrix(rank, 5));
        // Whole numbers, so that the rank is exact.
        let a = left.map(|x| (4.0 * x).round()) * right.map(|x| (4.0 * x).round());
        let (y, a_bar) = value_and_gradient(determinant, &a).unwrap();
        let cofactors = DMatrix::from_fn(5, 5, |i, j| cofactor(&a, i, j));
        // The rounding is that of products of four entries.
        let rounding = 1e-14 * a.norm().powi(4).max(1.0);
        assert!((a_bar - &cofactors).norm() < rounding, "rank {rank}");
        assert!((y - minors(&a)).abs() < 1e-11 * a.norm().powi(5).max(1.0));
        // Second derivatives, by differences of cofactors, which are polynomials.
        let v: DMatrix<f64> = random.matrix(5, 5);
        let found = difrules_core::hvp(determinant, &a, &v).unwrap();
        let h = 1e-3;
        let expected = DMatrix::from_fn(5, 5, |i, j| {
            let at = |t: f64| cofactor(&(&a + &v * t), i, j);
            (8.0 * (at(h) - at(-h)) - (at(2.0 * h) - at(-2.0 * h))) / (12.0 * h)
        });
        let scale = a.norm().powi(3).max(1.0);
        assert!((&found - &expected).norm() < 1e-8 * scale, "rank {rank}: {found} {expected}");
    }
}

#[test]
fn norms_at_zero_and_at_ties() {
    let zero = DMatrix::<f64>::zeros(2, 2);
    assert_eq!(value_and_gradient(norm, &zero), (0.0, zero.clone()));
    assert_eq!(value_and_gradient(one_norm, &zero), Ok((0.0, zero.clone())));
    assert_eq!(value_and_gradient(norm_inf, &zero), Ok((0.0, zero.clone())));
    let tie = dmatrix![1.0, -2.0; 2.0, 1.0];
    let (y, a_bar) = value_and_gradient(one_norm, &tie).unwrap();
    assert_eq!((y, a_bar), (3.0, dmatrix![1.0, 0.0; 1.0, 0.0]));
    let (y, a_bar) = value_and_gradient(norm_inf, &tie).unwrap();
    assert_eq!((y, a_bar), (3.0, dmatrix![1.0, -1.0; 0.0, 0.0]));
    let (found, heard) = diagnosed(|| gradient(|a| Ok::<_, Error>(sum(&normalize(a)?)), &zero));
    assert_eq!(found, Ok(zero));
    assert_eq!(heard, [Diagnostic::undefined("normalize", "zero has no direction")]);
    for size in [1e200, 1e-200] {
        let y = normalize(&dvector![3.0 * size, 4.0 * size]).unwrap();
        approx(&y, &dvector![0.6, 0.8]);
    }
}

/// V f(w) V^T.
fn spectral_function(
    a: &DMatrix<Var<f64>>,
    f: impl Fn(Var<f64>) -> Var<f64>,
) -> Result<DMatrix<Var<f64>>, Error> {
    let SymmetricEigen { eigenvalues, eigenvectors } = symmetric_eigen(a)?;
    let mut scaled = eigenvectors.clone();
    for (mut column, &w) in scaled.column_iter_mut().zip(eigenvalues.iter()) {
        column *= f(w);
    }
    matmul(&scaled, &transpose(&eigenvectors))
}

#[test]
fn functions_of_a_matrix_whose_eigenvalues_repeat() {
    use nalgebra::ComplexField;

    let mut random = Sampler::new(17, 17);
    let size = 5;
    let v = random.matrix::<f64>(size, size).qr().q();
    let s: DMatrix<f64> = random.matrix(size, size);
    let s = &s + s.transpose();
    let same = [1.5; 5];
    for values in
        [same, [1.0, 1.0, 1.0, 2.0, 2.0], [1.0, 1.0 + 1e-10, 1.0 + 2e-10, 3.0, 3.0 + 1e-13]]
    {
        let a = &v * DMatrix::from_diagonal(&values.to_vec().into()) * v.transpose();
        let a = (&a + a.transpose()) * 0.5;
        let pairing =
            |a: &DMatrix<Var<f64>>| dot(&spectral_function(a, |w| w.exp())?, &s.map(Var::constant));
        let (found, heard) = diagnosed(|| gradient(pairing, &a));
        // The divided differences of exp (Higham 2008, Functions of Matrices, theorem 3.11).
        let turned = v.transpose() * &s * &v;
        let inner = DMatrix::from_fn(size, size, |i, j| {
            let (x, y) = (values[i], values[j]);
            let half = 0.5 * (x - y);
            let quotient = if half == 0.0 { 1.0 } else { half.sinh() / half };
            turned[(i, j)] * (0.5 * (x + y)).exp() * quotient
        });
        let expected = &v * inner * v.transpose();
        let found = found.unwrap();
        assert!(
            (&found - &expected).norm() < 1e-8 * expected.norm(),
            "{values:?}: {found} {expected}"
        );
        assert!(heard.is_empty(), "{values:?}: {heard:?}");
    }
    // The identity, put together again; the gradient is S.
    let a = DMatrix::<f64>::identity(size, size);
    let found =
        gradient(|a| dot(&spectral_function(a, |w| w)?, &s.map(Var::constant)), &a).unwrap();
    assert!((found - &s).norm() < 1e-13 * s.norm());
    // One eigenvector of a plane is a choice: reported, and no NaN.
    let (found, heard) = diagnosed(|| {
        gradient(
            |a| {
                Ok::<_, Error>(
                    symmetric_eigen(a)?.eigenvectors[(0, 0)]
                        + symmetric_eigen(a)?.eigenvectors[(1, 0)],
                )
            },
            &a,
        )
    });
    assert!(found.unwrap().iter().all(|x: &f64| x.is_finite()));
    assert!(matches!(heard[0].defect, difrules_core::Defect::Gauge { .. }), "{heard:?}");
    let (_, heard) = diagnosed(|| difrules_core::jvp(symmetric_eigen, &a, &s).unwrap());
    assert_eq!(heard.len(), 1, "{heard:?}");
    // The sum of repeated eigenvalues has a derivative, the trace.
    let found =
        gradient(|a| Ok::<_, Error>(sum(&symmetric_eigenvalues(a)?)), &DMatrix::<f64>::zeros(3, 3));
    assert!((found.unwrap() - DMatrix::identity(3, 3)).norm() < 1e-15);
}

#[test]
fn functions_of_a_matrix_whose_singular_values_repeat() {
    let mut random = Sampler::new(23, 23);
    for (rows, columns) in [(4, 4), (6, 4), (4, 6)] {
        let c: DMatrix<f64> = random.matrix(rows, columns);
        let u = random.matrix::<f64>(rows, rows).qr().q().columns(0, 4).into_owned();
        let v = random.matrix::<f64>(columns, columns).qr().q().columns(0, 4).into_owned();
        for values in [[1.0, 1.0, 1.0, 1.0], [3.0, 3.0, 1.0, 1.0], [2.0, 2.0 - 1e-10, 1.0, 0.5]] {
            let s = DMatrix::from_diagonal(&values.to_vec().into());
            let a = &u * &s * v.transpose();
            // Put together again: the gradient is C.
            let again = |a: &DMatrix<Var<f64>>| {
                let Svd { u, singular_values, v_t } = svd(a)?;
                let scaled = component_mul(
                    &u,
                    &DMatrix::from_fn(u.nrows(), u.ncols(), |_, j| singular_values[j]),
                )?;
                dot(&matmul(&scaled, &v_t)?, &c.map(Var::constant))
            };
            let (found, heard) = diagnosed(|| gradient(again, &a));
            let error = (found.unwrap() - &c).norm() / c.norm();
            assert!(
                error < 1e-8 && heard.is_empty(),
                "{rows} x {columns}, {values:?}: {error:e} {heard:?}"
            );
            // The orthogonal factor U V^T, whose derivative takes sums of singular values alone
            // (Kenney and Laub 1991, "Polar decomposition and matrix sign function condition estimates").
            let factor = |a: &DMatrix<Var<f64>>| {
                let Svd { u, v_t, .. } = svd(a)?;
                dot(&matmul(&u, &v_t)?, &c.map(Var::constant))
            };
            let (found, heard) = diagnosed(|| gradient(factor, &a));
            let inner = u.transpose() * &c * &v;
            let skew = DMatrix::from_fn(4, 4, |i, j| {
                (inner[(i, j)] - inner[(j, i)]) / (values[i] + values[j])
            });
            let inverse = DMatrix::from_diagonal(&values.map(|s| 1.0 / s).to_vec().into());
            let outside_u = DMatrix::identity(rows, rows) - &u * u.transpose();
            let outside_v = DMatrix::identity(columns, columns) - &v * v.transpose();
            let expected = &u * skew * v.transpose()
                + outside_u * &c * &v * &inverse * v.transpose()
                + &u * &inverse * u.transpose() * &c * outside_v;
            let error = (found.unwrap() - expected).norm() / c.norm();
            assert!(
                error < 1e-8 && heard.is_empty(),
                "{rows} x {columns}, {values:?}: {error:e} {heard:?}"
            );
        }
    }
    // Norms at zero, and of an orthogonal matrix.
    let zero = DMatrix::<f64>::zeros(3, 2);
    assert_eq!(value_and_gradient(nuclear_norm, &zero), Ok((0.0, zero.clone())));
    assert_eq!(value_and_gradient(spectral_norm, &zero), Ok((0.0, zero.clone())));
    let q = random.matrix::<f64>(4, 4).qr().q();
    let (y, a_bar) = value_and_gradient(nuclear_norm, &q).unwrap();
    assert!((y - 4.0).abs() < 1e-13 && (a_bar - q).norm() < 1e-13);
}

#[test]
fn least_squares_of_constant_rank() {
    use difrules_core::testing::difference;

    let mut random = Sampler::new(29, 29);
    for (rows, columns) in [(5, 4), (4, 5), (4, 4)] {
        // Of rank 2, whatever the left factor.
        let left: DMatrix<f64> = random.matrix(rows, 2);
        let (right, direction): (DMatrix<f64>, DMatrix<f64>) =
            (random.matrix(2, columns), random.matrix(rows, 2));
        let (b, c): (DMatrix<f64>, DMatrix<f64>) =
            (random.matrix(rows, 3), random.matrix(columns, 3));
        let weight: DMatrix<f64> = random.matrix(columns, rows);
        let solved = |left: &DMatrix<Var<f64>>| {
            let a = matmul(left, &right.map(Var::constant))?;
            dot(&lstsq(&a, &b.map(Var::constant))?, &c.map(Var::constant))
        };
        let inverted = |left: &DMatrix<Var<f64>>| {
            let a = matmul(left, &right.map(Var::constant))?;
            dot(&pseudo_inverse(&a)?, &weight.map(Var::constant))
        };
        let at = |t: f64| (&left + &direction * t) * &right;
        let expected = difference(|t| {
            let (x, y) = (lstsq(&at(t), &b).ok()?, pseudo_inverse(&at(t)).ok()?);
            Some(vec![x.dot(&c), y.dot(&weight)])
        })
        .unwrap();
        let found = [gradient(solved, &left).unwrap(), gradient(inverted, &left).unwrap()];
        for (k, found) in found.iter().enumerate() {
            let slope = found.dot(&direction);
            let error = (slope - expected.derivative[k]).abs();
            assert!(error <= 20.0 * expected.error[k] + 1e-10 * slope.abs(), "{k}: {error:e}");
        }
        // The two are the same, and of the least norm.
        let (a, x) = (at(0.0), lstsq(&at(0.0), &b).unwrap());
        let y = pseudo_inverse(&a).unwrap();
        assert!((&y * &b - &x).norm() < 1e-12 * x.norm());
        assert!((&y * &a * &x - &x).norm() < 1e-12 * x.norm());
    }
}

#[test]
fn eigenvalues_of_matrices_that_are_hard_to_iterate() {
    let mut random = Sampler::new(19, 19);
    let ones = DMatrix::<f64>::from_element(12, 12, 1.0);
    let sparse = DMatrix::from_fn(9, 9, |i, j| f64::from(u8::from(i + j == 8)));
    let large: DMatrix<f64> = random.matrix(60, 60);
    let large = &large + large.transpose();
    for a in [ones, sparse, large.clone() * 1e200, large * 1e-200, DMatrix::zeros(4, 4)] {
        let SymmetricEigen { eigenvalues, eigenvectors } = symmetric_eigen(&a).unwrap();
        let scaled = &eigenvectors * DMatrix::from_diagonal(&eigenvalues);
        let size = a.camax().max(1e-300);
        assert!(((&a * &eigenvectors - scaled) / size).norm() < 1e-11);
        assert!(eigenvalues.as_slice().is_sorted());
    }
}

#[test]
fn long_tridiagonal_systems() {
    let mut random = Sampler::new(13, 13);
    let size = 200;
    let mut vector = || -> nalgebra::DVector<f64> { random.vector(size) };
    // The diagonal is small, so most steps swap.
    let (lower, diagonal, upper) = (vector(), vector() * 0.1, vector());
    let b = vector();
    let mut a = DMatrix::from_diagonal(&diagonal);
    for i in 1..size {
        a[(i, i - 1)] = lower[i];
        a[(i - 1, i)] = upper[i - 1];
    }
    let x = tridiagonal_solve(&lower, &diagonal, &upper, &b).unwrap();
    assert!((&a * &x - &b).norm() < 1e-10 * a.norm() * x.norm());
}

#[test]
fn in_place_primitives_take_views_of_any_strides() {
    let a = DMatrix::from_fn(9, 7, |i, j| (i * 3 + j * 5) as f64 % 7.0);
    let b = DMatrix::from_fn(9, 8, |i, j| (i * 5 + j) as f64 % 5.0);
    // op(A) as a view, into a part of a larger matrix, large enough for packing and too small.
    for (rows, inner, columns) in [(7, 9, 8), (3, 4, 2), (1, 9, 8), (7, 1, 8), (7, 9, 1)] {
        let (a, b) = (a.view((0, 0), (inner, rows)), b.view((0, 0), (inner, columns)));
        let expected = a.transpose() * b;
        let mut c = DMatrix::from_element(20, 20, f64::NAN);
        gemm(1.0, &transpose_view(&a), &b, 0.0, &mut c.view_mut((2, 3), (rows, columns))).unwrap();
        assert_eq!(c.view((2, 3), (rows, columns)), expected);
        // Into every second row.
        gemm(
            1.0,
            &transpose_view(&a),
            &b,
            0.0,
            &mut c.view_with_steps_mut((1, 0), (rows, columns), (1, 1)),
        )
        .unwrap();
        assert_eq!(c.view_with_steps((1, 0), (rows, columns), (1, 1)), expected);
    }
    let mut y = DMatrix::zeros(4, 4);
    axpy(2.0, &a.view_with_steps((0, 0), (2, 2), (1, 1)), &mut y.view_mut((1, 1), (2, 2))).unwrap();
    assert_eq!(y[(2, 2)], 2.0 * a[(2, 2)]);
    // A triangular solve with a transposed view of the matrix, into a strided right-hand side.
    let l = dmatrix![2.0, 0.0; 1.0, 4.0];
    let mut b = dmatrix![2.0, 9.0; 7.0, 7.0];
    trsm(
        Side::Left,
        Triangle::Upper,
        Operation::Transpose,
        Diagonal::General,
        1.0,
        &transpose_view(&l),
        &mut b.row_mut(0).generic_view_with_steps_mut((0, 0), (U1, Dyn(1)), (0, 0)),
    )
    .unwrap_err();
    let mut strided = dmatrix![2.0; 0.0; 9.0];
    trsm(
        Side::Left,
        Triangle::Upper,
        Operation::Transpose,
        Diagonal::General,
        1.0,
        &transpose_view(&l),
        &mut strided.rows_with_step_mut(0, 2, 1),
    )
    .unwrap();
    assert_eq!(strided, dmatrix![1.0; 0.0; 2.0]);
    // Gradients by way of views.
    let found = gradient(
        |a| {
            let mut c = a * a.map(|_| difrules_core::Var::constant(0.0));
            let one = difrules_core::Var::constant(1.0);
            gemm(one, &transpose_view(a), a, one, &mut c).unwrap();
            sum(&c)
        },
        &dmatrix![1.0, 2.0; 3.0, 4.0],
    );
    // sum of A^T A: 2 (A 1) 1^T.
    assert_eq!(found, dmatrix![6.0, 6.0; 14.0, 14.0]);
}

#[test]
fn an_argument_can_be_used_twice() {
    // The two slots of one node are the same adjoints.
    let a = dmatrix![1.0, 2.0; 3.0, 4.0];
    let found = gradient(|a| sum(&matmul(a, a).unwrap()), &a);
    assert_eq!(found, dmatrix![7.0, 11.0; 9.0, 13.0]);
    let found = gradient(|a| dot(a, a).unwrap(), &a);
    assert_eq!(found, &a * 2.0);
    // A matrix put together from variables and constants.
    let found = gradient(
        |x| {
            let zero = difrules_core::Var::constant(0.0);
            let l = dmatrix![x[0], zero; x[1], x[0]];
            let (ln_det, product) = (ln_determinant(&matmul(&l, &transpose(&l)).unwrap()), x[1]);
            ln_det.unwrap() + product
        },
        &dvector![2.0, 5.0],
    );
    // ln det = 4 ln x_0.
    approx(&found, &dvector![2.0, 1.0]);
}

fn approx(found: &nalgebra::DVector<f64>, expected: &nalgebra::DVector<f64>) {
    assert!((found - expected).norm() < 1e-13 * expected.norm(), "{found} in place of {expected}");
}

#[test]
fn bad_arguments_are_named() {
    let (two, three) = (DMatrix::<f64>::identity(2, 2), DMatrix::<f64>::identity(3, 3));
    let wide = DMatrix::<f64>::zeros(2, 3);
    let mismatch =
        |argument, expected, found| Error::DimensionMismatch { argument, expected, found };
    let not_square = |argument| Error::NotSquare { argument, rows: 2, columns: 3 };
    assert_eq!(add(&two, &three), Err(mismatch("b", (2, 2), (3, 3))));
    assert_eq!(sub(&two, &three), Err(mismatch("b", (2, 2), (3, 3))));
    assert_eq!(component_mul(&two, &three), Err(mismatch("b", (2, 2), (3, 3))));
    assert_eq!(dot(&two, &three), Err(mismatch("b", (2, 2), (3, 3))));
    assert_eq!(matmul(&two, &three), Err(mismatch("b", (2, 3), (3, 3))));
    assert_eq!(tr_mul(&wide, &three), Err(mismatch("b", (2, 3), (3, 3))));
    assert_eq!(trace(&wide), Err(not_square("a")));
    assert_eq!(symmetric_part(&wide), Err(not_square("a")));
    assert_eq!(cholesky(&wide), Err(not_square("a")));
    assert_eq!(ln_determinant(&wide), Err(not_square("a")));
    assert_eq!(solve_lower_triangular(&wide, &two), Err(not_square("l")));
    assert_eq!(solve_upper_triangular(&wide, &two), Err(not_square("u")));
    assert_eq!(cholesky_solve(&wide, &two), Err(not_square("l")));
    assert_eq!(solve_lower_triangular(&two, &three), Err(mismatch("b", (2, 3), (3, 3))));
    assert_eq!(solve_upper_triangular(&two, &three), Err(mismatch("b", (2, 3), (3, 3))));
    assert_eq!(cholesky_solve(&two, &three), Err(mismatch("b", (2, 3), (3, 3))));
    assert_eq!(axpy(1.0, &two, &mut three.clone()), Err(mismatch("y", (2, 2), (3, 3))));
    assert_eq!(gemm(1.0, &two, &two, 1.0, &mut three.clone()), Err(mismatch("c", (2, 2), (3, 3))));
    assert_eq!(gemm(1.0, &two, &three, 1.0, &mut two.clone()), Err(mismatch("b", (2, 3), (3, 3))));
    let text = gemm(1.0, &two, &three, 1.0, &mut two.clone()).unwrap_err().to_string();
    assert_eq!(text, "`b` has to be 2 x 3 to fit the other arguments, but is 3 x 3");

    assert_eq!(solve(&wide, &two), Err(not_square("a")));
    assert_eq!(solve(&two, &three), Err(mismatch("b", (2, 3), (3, 3))));
    assert_eq!(inverse(&wide), Err(not_square("a")));
    assert_eq!(ln_abs_determinant(&wide), Err(not_square("a")));
    assert_eq!(lu_solve(&lu(&wide).unwrap(), &two), Err(not_square("factors")));
    assert_eq!(lu_solve(&lu(&two).unwrap(), &three), Err(mismatch("b", (2, 3), (3, 3))));
    assert_eq!(determinant(&wide), Err(not_square("a")));
    assert_eq!(lstsq(&two, &three), Err(mismatch("b", (2, 3), (3, 3))));
    assert_eq!(symmetric_eigen(&wide), Err(not_square("a")));
    assert_eq!(symmetric_eigenvalues(&wide), Err(not_square("a")));
    let (short, long) = (dvector![1.0, 1.0], dvector![1.0, 1.0, 1.0]);
    let found = tridiagonal_solve(&long, &short, &short, &short);
    assert_eq!(found, Err(mismatch("lower", (2, 1), (3, 1))));
    let found = tridiagonal_solve(&short, &short, &short, &long);
    assert_eq!(found, Err(mismatch("b", (2, 1), (3, 1))));
    let found = tridiagonal_solve(&short, &short, &short, &short);
    assert_eq!(found, Err(Error::Singular { pivot: 1 }));
    let singular = dmatrix![1.0, 2.0; 2.0, 4.0];
    assert_eq!(solve(&singular, &two), Err(Error::Singular { pivot: 1 }));
    assert_eq!(inverse(&singular), Err(Error::Singular { pivot: 1 }));
    assert_eq!(ln_abs_determinant(&singular), Err(Error::Singular { pivot: 1 }));
    for bad in [f64::NAN, f64::INFINITY] {
        let a = dmatrix![1.0, 2.0; bad, 4.0];
        let not_finite = |argument| Error::NotFinite { argument, row: 1, column: 0 };
        assert_eq!(lu(&a), Err(not_finite("a")));
        assert_eq!(solve(&a, &two), Err(not_finite("a")));
        assert_eq!(solve(&two, &a), Err(not_finite("b")));
        assert_eq!(inverse(&a), Err(not_finite("a")));
        assert_eq!(qr(&a), Err(not_finite("a")));
        assert_eq!(pseudo_inverse(&a), Err(not_finite("a")));
        assert_eq!(lstsq(&a, &two), Err(not_finite("a")));
        assert_eq!(lstsq(&two, &a), Err(not_finite("b")));
        assert_eq!(svd(&a), Err(not_finite("a")));
        assert_eq!(singular_values(&a), Err(not_finite("a")));
        assert_eq!(nuclear_norm(&a), Err(not_finite("a")));
        assert_eq!(spectral_norm(&a), Err(not_finite("a")));
        assert_eq!(symmetric_eigen(&a), Err(not_finite("a")));
        assert_eq!(symmetric_eigenvalues(&a), Err(not_finite("a")));
        assert_eq!(lq(&a), Err(not_finite("a")));
        assert_eq!(col_piv_qr(&a), Err(not_finite("a")));
        assert_eq!(one_norm(&a), Err(not_finite("a")));
        assert_eq!(norm_inf(&a), Err(not_finite("a")));
        assert_eq!(normalize(&a), Err(not_finite("a")));
        assert_eq!(determinant(&a), Err(not_finite("a")));
        let (one, bad) = (dvector![1.0, 1.0], dvector![1.0, bad]);
        assert_eq!(tridiagonal_solve(&bad, &one, &one, &one), Err(not_finite("lower")));
        assert_eq!(tridiagonal_solve(&one, &bad, &one, &one), Err(not_finite("diagonal")));
        assert_eq!(tridiagonal_solve(&one, &one, &one, &bad), Err(not_finite("b")));
        // What is not read may be anything.
        assert_eq!(
            tridiagonal_solve(&(&one - &one), &one, &bad, &one).unwrap(),
            dvector![0.0, 1.0]
        );
        assert_eq!(ln_abs_determinant(&a), Err(not_finite("a")));
        assert_eq!(lu_solve(&lu(&two).unwrap(), &a), Err(not_finite("b")));
    }

    let indefinite = matrix![4.0, 2.0; 2.0, 1.0];
    assert_eq!(cholesky(&indefinite), Err(Error::NotPositiveDefinite { pivot: 1, value: 0.0 }));
    let found = value_and_gradient(ln_determinant, &indefinite);
    assert_eq!(found, Err(Error::NotPositiveDefinite { pivot: 1, value: 0.0 }));
    // A large one: the pivot is counted over the blocks.
    let mut large = DMatrix::<f64>::identity(100, 100);
    large[(77, 77)] = -3.0;
    assert_eq!(cholesky(&large), Err(Error::NotPositiveDefinite { pivot: 77, value: -3.0 }));
    large[(77, 77)] = f64::NAN;
    match cholesky(&large) {
        Err(Error::NotPositiveDefinite { pivot: 77, value }) => assert!(value.is_nan()),
        other => panic!("{other:?}"),
    }
    for bad in [0.0, f64::NAN, f64::INFINITY] {
        let singular = matrix![1.0, 0.0; 2.0, bad];
        let b = Matrix2::identity();
        assert_eq!(solve_lower_triangular(&singular, &b), Err(Error::Singular { pivot: 1 }));
        assert_eq!(solve_upper_triangular(&singular, &b), Err(Error::Singular { pivot: 1 }));
        assert_eq!(cholesky_solve(&singular, &b), Err(Error::Singular { pivot: 1 }));
    }
}

#[test]
fn zero_is_strong_entry_by_entry() {
    // The entries that are not used are infinite.
    let x = dvector![1.0, f64::INFINITY];
    let lifted = || x.map(difrules_core::Var::constant);
    assert_eq!(gradient(|a| scale(*a, &lifted())[0], &2.0), 1.0);
    let found = gradient(|a| component_mul(a, &lifted()).unwrap()[0], &dvector![2.0, 3.0]);
    assert_eq!(found, dvector![1.0, 0.0]);
    let (_, tangent) = difrules_core::jvp(
        |x| scale(difrules_core::Dual::constant(2.0), x),
        &x,
        &dvector![1.0, 0.0],
    );
    assert_eq!(tangent, dvector![2.0, 0.0]);
}

#[test]
fn small_pivots_are_divided_by() {
    let tiny = matrix![1e-310];
    assert_eq!(solve_lower_triangular(&tiny, &matrix![1e-310]), Ok(matrix![1.0]));
    assert_eq!(
        cholesky(&matrix![f64::INFINITY, 1.0; 1.0, 1.0]),
        Err(Error::NotPositiveDefinite { pivot: 0, value: f64::INFINITY })
    );
}

#[test]
fn norms_neither_overflow_nor_underflow() {
    for size in [1e200_f64, 1e-200, 1e300, 1e-310, 1.0] {
        let x = dvector![3.0 * size, -4.0 * size];
        let (y, x_bar) = value_and_gradient(nrm2, &x);
        assert!((y / size - 5.0).abs() < 1e-12, "{y:e} at {size:e}");
        approx(&x_bar, &dvector![0.6, -0.8]);
    }
    let large = dvector![Complex::new(1.2e308, 1.2e308)];
    assert!((nrm2(&large) / (1.2e308 * 2.0_f64.sqrt()) - 1.0).abs() < 1e-15);
    assert_eq!(nrm2(&dvector![3e-30_f32, 4e-30]), 5e-30);
    assert_eq!(nrm2(&dvector![3e30_f32, 4e30]), 5e30);
    assert_eq!(value_and_gradient(nrm2, &dvector![0.0, 0.0]), (0.0, dvector![0.0, 0.0]));
    assert_eq!(nrm2(&dvector![f64::NAN, f64::INFINITY]), f64::INFINITY);
    assert_eq!(nrm2(&dvector![f64::INFINITY, f64::NAN]), f64::INFINITY);
    assert!(nrm2(&dvector![f64::NAN, 1e200]).is_nan());
    assert!(nrm2(&dvector![1e200, f64::NAN]).is_nan());
}
