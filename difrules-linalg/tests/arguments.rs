//! Static sizes, bad arguments, and memory.

use difrules_core::math::sqrt;
use difrules_core::testing::{Sampler, check_at};
use difrules_core::{Real, gradient, jvp, lit, value_and_gradient};
use difrules_linalg::{
    ColPivQr, Diagonal, Error, Lu, Operation, Side, Triangle, add, axpy, bidiagonal, cholesky,
    cholesky_rank_one_update, cholesky_solve, col_piv_qr, complex_eigenvalues, component_mul,
    condition_number, continuous_lyapunov, continuous_riccati, determinant, diagonal,
    discrete_lyapunov, discrete_riccati, dot, eigen, full_piv_lu, gemm,
    generalized_symmetric_eigen, hemm, herk, hessenberg, inverse, lblt, lblt_solve,
    ln_abs_determinant, ln_determinant, lp_norm, lq, lstsq, lu, lu_solve, matmul, neg, norm,
    norm_inf, normalize, nrm2, nuclear_norm, one_norm, polar, pseudo_inverse, qr, scale, schur,
    singular_values, solve, solve_lower_triangular, solve_triangular, solve_upper_triangular,
    spectral_norm, sub, sum, svd, sylvester, symmetric_eigen, symmetric_eigenvalues,
    symmetric_part, symmetric_tridiagonal, toeplitz_solve, tr_mul, trace, transpose,
    tridiagonal_solve, trmm, trsm, udu, udu_solve,
};
use nalgebra::{
    Complex, DMatrix, DVector, Dyn, Matrix2, OMatrix, U1, U2, U3, U4, dmatrix, dvector, matrix,
};

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
    ($scalar:ty: $($name:ident: $primitive:ty, $sample:expr;)*) => {$(
        #[test]
        fn $name() {
            for seed in 0..4 {
                check_at::<$primitive, $scalar>($sample, seed).unwrap();
            }
        }
    )*};
}

fn definite<T: difrules_core::Scalar>(random: &mut Sampler) -> OMatrix<T, U3, U3> {
    random.positive_definite(3).fixed_view::<3, 3>(0, 0).into_owned()
}

fn hermitian<T: difrules_core::Scalar, D: nalgebra::DimName>(
    random: &mut Sampler,
) -> OMatrix<T, D, D>
where
    nalgebra::DefaultAllocator: nalgebra::allocator::Allocator<D, D>,
{
    let a: OMatrix<T, D, D> = any(random);
    &a + a.adjoint()
}

fn triangle<T: difrules_core::Scalar>(random: &mut Sampler) -> OMatrix<T, U3, U3> {
    random.lower_triangular(3).fixed_view::<3, 3>(0, 0).into_owned()
}

type C64 = Complex<f64>;

static_sizes! {
    f64:
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
    static_gemm: gemm<f64, U3, U2, U3, U4, U2, U4>, |r| {
        (Operation::Transpose, Operation::None, r.normal(), any(r), any(r), r.normal(), any(r))
    };
    static_gemm_complex: gemm<C64, U2, U3, U1, U3, U2, U1>, |r| {
        (Operation::None, Operation::Adjoint, r.normal(), any(r), any(r), r.normal(), any(r))
    };
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
    static_lu_solve: lu_solve<f64, U3, U1>, |r| (Operation::None, lu(&any(r)).unwrap(), any(r));
    static_tr_lu_solve: lu_solve<C64, U3, U2>, |r| (Operation::Transpose, lu(&any(r)).unwrap(), any(r));
    static_solve_triangular: solve_triangular<C64, U3, U2>, |r| {
        (Triangle::Lower, Operation::Transpose, Diagonal::Unit, triangle(r), any(r))
    };
    static_full_piv_lu: full_piv_lu<C64, U3, U4>, |r| (any(r),);
    static_udu: udu<C64, U3>, |r| (definite(r),);
    static_udu_solve: udu_solve<C64, U3, U2>, |r| (udu(&definite(r)).unwrap(), any(r));
    static_lblt: lblt<C64, U3>, |r| (definite(r),);
    static_lblt_solve: lblt_solve<C64, U3, U2>, |r| (lblt(&definite(r)).unwrap(), any(r));
    static_toeplitz_solve: toeplitz_solve<f64, U4, U2>, |r| (any(r), any(r), any(r));
    static_eigen: eigen<f64, U3>, |r| (any(r),);
    static_complex_eigenvalues: complex_eigenvalues<C64, U3>, |r| (any(r),);
    static_schur: schur<f64, U4>, |r| (any(r),);
    static_complex_schur: schur<C64, U3>, |r| (any(r),);
    static_hessenberg: hessenberg<C64, U4>, |r| (any(r),);
    static_tall_bidiagonal: bidiagonal<C64, U4, U3>, |r| (any(r),);
    static_wide_bidiagonal: bidiagonal<f64, U3, U4>, |r| (any(r),);
    static_symmetric_tridiagonal: symmetric_tridiagonal<C64, U4>, |r| (hermitian(r),);
    static_generalized_symmetric_eigen: generalized_symmetric_eigen<C64, U3>, |r| (hermitian(r), definite(r));
    static_polar: polar<C64, U4, U3>, |r| (any(r),);
    static_wide_polar: polar<f64, U3, U4>, |r| (any(r),);
    static_lp_norm: lp_norm<C64, U4, U3>, |r| (any(r), r.between(1.5, 3.0));
    static_condition_number: condition_number<C64, U4, U3>, |r| (any(r),);
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
    static_trmm: trmm<C64, U3, U2, U3>, |r| {
        let (operation, diagonal) = (Operation::Transpose, Diagonal::Unit);
        (Side::Right, Triangle::Upper, operation, diagonal, r.normal(), any(r), any(r))
    };
    static_herk: herk<C64, U2, U3, U3>, |r| {
        (Triangle::Lower, Operation::Transpose, r.normal(), any(r), r.normal(), any(r))
    };
    static_hemm: hemm<C64, U3, U3, U2>, |r| {
        (Side::Left, Triangle::Upper, r.normal(), any(r), any(r), r.normal(), any(r))
    };
    // A dynamic vector, whose type is not that of a dynamic matrix.
    dynamic_vector: matmul<f64, Dyn, Dyn, U1>, |r| {
        let (rows, columns) = (r.size(0, 8), r.size(0, 8));
        (r.matrix(rows, columns), r.vector(columns))
    };
}

// Where a text depends on the precision: kernels, iterations and thresholds.
static_sizes! {
    f32:
    single_matmul: matmul<C64, U2, U3, U1>, |r| (any(r), any(r));
    single_gemm: gemm<f64, U3, U2, U3, U4, U2, U4>, |r| {
        (Operation::Transpose, Operation::None, r.normal(), any(r), any(r), r.normal(), any(r))
    };
    single_cholesky: cholesky<C64, U3>, |r| (definite(r),);
    single_solve: solve<C64, U3, U2>, |r| (any(r), any(r));
    single_qr: qr<C64, U3, U3>, |r| (any(r),);
    single_schur: schur<f64, U4>, |r| (any(r),);
    single_symmetric_eigen: symmetric_eigen<C64, U3>, |r| (definite(r),);
    single_svd: svd<f64, U4, U2>, |r| (any(r),);
    single_norm: norm<C64, U4, U3>, |r| (any(r),);
}

#[test]
fn large_matrices_keep_the_rules_of_systems() {
    check_at::<cholesky<f64, Dyn>, f64>(|r| (r.positive_definite(40),), 3).unwrap();
    check_at::<cholesky<C64, Dyn>, f64>(|r| (r.positive_definite(34),), 3).unwrap();
    check_at::<tr_mul<f64, Dyn, Dyn, Dyn>, f64>(|r| (r.matrix(9, 20), r.matrix(9, 7)), 3).unwrap();
    check_at::<solve_lower_triangular<f64, Dyn, Dyn>, f64>(
        |r| (r.lower_triangular(34), r.matrix(34, 5)),
        3,
    )
    .unwrap();
    check_at::<solve_upper_triangular<C64, Dyn, Dyn>, f64>(
        |r| (r.lower_triangular(34).transpose(), r.matrix(34, 5)),
        3,
    )
    .unwrap();
    check_at::<lu<f64, Dyn, Dyn>, f64>(|r| (r.matrix(34, 34),), 3).unwrap();
    check_at::<lu<C64, Dyn, Dyn>, f64>(|r| (r.matrix(21, 34),), 3).unwrap();
    check_at::<lu<f64, Dyn, Dyn>, f64>(|r| (r.matrix(34, 21),), 3).unwrap();
    check_at::<solve<C64, Dyn, Dyn>, f64>(|r| (r.matrix(34, 34), r.matrix(34, 5)), 3).unwrap();
    check_at::<lu_solve<C64, Dyn, Dyn>, f64>(
        |r| (Operation::Adjoint, lu(&r.matrix(34, 34)).unwrap(), r.matrix(34, 5)),
        3,
    )
    .unwrap();
    check_at::<inverse<f64, Dyn>, f64>(|r| (r.matrix(34, 34),), 3).unwrap();
}

#[test]
fn large_matrices_keep_the_rules_of_decompositions() {
    check_at::<qr<f64, Dyn, Dyn>, f64>(|r| (r.matrix(20, 20),), 3).unwrap();
    check_at::<qr<C64, Dyn, Dyn>, f64>(|r| (r.matrix(20, 13),), 3).unwrap();
    check_at::<qr<C64, Dyn, Dyn>, f64>(|r| (r.matrix(13, 20),), 3).unwrap();
    check_at::<polar<C64, Dyn, Dyn>, f64>(|r| (r.matrix(20, 13),), 3).unwrap();
    check_at::<lstsq<f64, Dyn, Dyn, Dyn>, f64>(|r| (r.matrix(20, 13), r.matrix(20, 3)), 3).unwrap();
    check_at::<udu<C64, Dyn>, f64>(|r| (r.positive_definite(20),), 3).unwrap();
    check_at::<lblt<f64, Dyn>, f64>(
        |r| {
            let a: DMatrix<f64> = r.matrix(20, 20);
            (&a + a.transpose(),)
        },
        3,
    )
    .unwrap();
    check_at::<hessenberg<f64, Dyn>, f64>(|r| (r.matrix(17, 17),), 3).unwrap();
    check_at::<bidiagonal<C64, Dyn, Dyn>, f64>(|r| (r.matrix(13, 17),), 3).unwrap();
    check_at::<schur<f64, Dyn>, f64>(|r| (r.matrix(12, 12),), 3).unwrap();
    check_at::<eigen<f64, Dyn>, f64>(|r| (r.matrix(14, 14),), 3).unwrap();
}

/// Updates that are large beside what is updated are made in another way.
#[test]
fn large_updates_keep_their_rules() {
    fn large<T: difrules_core::Scalar>(random: &mut Sampler) -> (DMatrix<T>, DVector<T>) {
        let x: DMatrix<T> = random.matrix(4, 1);
        (random.lower_triangular(4), x.column(0).map(|x| x.scale(nalgebra::convert(9.0))))
    }
    for seed in 0..3 {
        let real = |r: &mut Sampler| {
            let (l, x) = large(r);
            (l, x, 2.0)
        };
        check_at::<cholesky_rank_one_update<f64, Dyn>, f64>(real, seed).unwrap();
        let complex = |r: &mut Sampler| {
            let (l, x) = large(r);
            (l, x, 0.7)
        };
        check_at::<cholesky_rank_one_update<C64, Dyn>, f64>(complex, seed).unwrap();
    }
}

/// Beyond the size at which the recursion ends.
#[test]
fn large_matrices_keep_the_rules_of_equations() {
    let shifted = |r: &mut Sampler, size: usize, shift: f64| -> DMatrix<f64> {
        r.matrix(size, size) - DMatrix::identity(size, size) * shift
    };
    check_at::<sylvester<f64, Dyn, Dyn>, f64>(
        |r| (shifted(r, 17, 6.0), shifted(r, 4, 6.0), r.matrix(17, 4)),
        3,
    )
    .unwrap();
    check_at::<continuous_lyapunov<f64, Dyn>, f64>(|r| (shifted(r, 17, 6.0), r.matrix(17, 17)), 3)
        .unwrap();
    let regulator = |r: &mut Sampler, shift: f64| {
        let a = (shifted(r, 4, 0.0) * 0.4 - DMatrix::identity(4, 4) * shift, r.matrix(4, 2));
        (a.0, a.1, r.positive_definite(4), r.positive_definite(2))
    };
    check_at::<continuous_riccati<f64, Dyn, Dyn>, f64>(|r| regulator(r, 0.6), 3).unwrap();
    check_at::<discrete_riccati<f64, Dyn, Dyn>, f64>(|r| regulator(r, 0.0), 3).unwrap();
    check_at::<discrete_lyapunov<f64, Dyn>, f64>(
        |r| (shifted(r, 17, 0.0) * 0.1, r.matrix(17, 17)),
        3,
    )
    .unwrap();
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
    let singular = |pivot| Error::Singular { pivot, reciprocal_condition: 0.0 };
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
    const N: Operation = Operation::None;
    assert_eq!(
        gemm(N, N, 1.0, &two, &two, 1.0, &mut three.clone()),
        Err(mismatch("c", (2, 2), (3, 3)))
    );
    assert_eq!(
        gemm(N, N, 1.0, &two, &three, 1.0, &mut two.clone()),
        Err(mismatch("b", (2, 3), (3, 3)))
    );
    let text = gemm(N, N, 1.0, &two, &three, 1.0, &mut two.clone()).unwrap_err().to_string();
    assert_eq!(text, "`b` has to be 2 x 3 to fit the other arguments, but is 3 x 3");

    assert_eq!(solve(&wide, &two), Err(not_square("a")));
    assert_eq!(solve(&two, &three), Err(mismatch("b", (2, 3), (3, 3))));
    assert_eq!(inverse(&wide), Err(not_square("a")));
    assert_eq!(ln_abs_determinant(&wide), Err(not_square("a")));
    assert_eq!(lu_solve(Operation::None, &lu(&wide).unwrap(), &two), Err(not_square("factors")));
    assert_eq!(
        lu_solve(Operation::None, &lu(&two).unwrap(), &three),
        Err(mismatch("b", (2, 3), (3, 3)))
    );
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
    assert_eq!(found, Err(singular(1)));
    let dependent = dmatrix![1.0, 2.0; 2.0, 4.0];
    assert_eq!(solve(&dependent, &two), Err(singular(1)));
    assert_eq!(inverse(&dependent), Err(singular(1)));
    assert_eq!(ln_abs_determinant(&dependent), Err(singular(1)));
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
        assert_eq!(lu_solve(Operation::None, &lu(&two).unwrap(), &a), Err(not_finite("b")));
    }

    let indefinite = matrix![4.0, 2.0; 2.0, 1.0];
    assert_eq!(cholesky(&indefinite), Err(Error::NotPositiveDefinite { pivot: 1, value: 0.0 }));
    let found = value_and_gradient(ln_determinant, &indefinite);
    assert_eq!(found, Err(Error::NotPositiveDefinite { pivot: 1, value: 0.0 }));
    // A large one: the pivot is counted over the blocks.
    let mut large = DMatrix::<f64>::identity(100, 100);
    large[(77, 77)] = -3.0;
    assert_eq!(cholesky(&large), Err(Error::NotPositiveDefinite { pivot: 77, value: -3.0 }));
    for bad in [f64::NAN, f64::INFINITY] {
        let entry = |argument, row, column| Error::NotFinite { argument, row, column };
        large[(77, 77)] = bad;
        assert_eq!(cholesky(&large), Err(entry("a", 77, 77)));
        let triangle = matrix![1.0, 0.0; 2.0, bad];
        let b = Matrix2::identity();
        assert_eq!(solve_lower_triangular(&triangle, &b), Err(entry("l", 1, 1)));
        assert_eq!(solve_upper_triangular(&triangle, &b), Err(entry("u", 1, 1)));
        assert_eq!(cholesky_solve(&triangle, &b), Err(entry("l", 1, 1)));
        assert_eq!(cholesky_solve(&b, &triangle), Err(entry("b", 1, 1)));
        // What is not read may be anything.
        let lower = (Triangle::Lower, Operation::None);
        let x = solve_triangular(lower.0, lower.1, Diagonal::Unit, &triangle, &b).unwrap();
        assert_eq!(x, Matrix2::new(1.0, 0.0, -2.0, 1.0));
        assert_eq!(solve_lower_triangular(&matrix![1.0, bad; 0.0, 1.0], &b), Ok(b));
        assert_eq!(cholesky(&matrix![1.0, bad; 0.0, 1.0]), Ok(b));
    }
    let triangle = matrix![1.0, 0.0; 2.0, 0.0];
    let b = Matrix2::identity();
    assert_eq!(solve_lower_triangular(&triangle, &b), Err(singular(1)));
    assert_eq!(solve_upper_triangular(&triangle, &b), Err(singular(1)));
    assert_eq!(cholesky_solve(&triangle, &b), Err(singular(1)));
    // What overflows is an error too, that says how near the matrix is to a singular one.
    let near = matrix![2.0, 0.0; 0.0, 1e-310];
    let overflows = Error::Singular { pivot: 1, reciprocal_condition: 1e-310 / 2.0 };
    assert_eq!(solve_lower_triangular(&near, &b), Err(overflows.clone()));
    assert_eq!(solve(&near, &b), Err(overflows.clone()));
    assert_eq!(inverse(&near), Err(overflows));
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
    // A slope that is infinite and one that is taken as 0 make none, in either order and mode.
    fn of_roots<T: Real>(x: &DVector<T>, p: f64) -> T {
        let roots = x.map(sqrt);
        if p == 2.0 { nrm2(&roots) } else { lp_norm(&roots, lit(p)).unwrap() }
    }
    fn root_of<T: Real>(x: &DVector<T>, p: f64) -> T {
        sqrt(if p == 2.0 { nrm2(x) } else { lp_norm(x, lit(p)).unwrap() })
    }
    let (at, direction) = (dvector![0.0_f64, 0.0], dvector![1.0, 0.0]);
    for p in [2.0, 3.0, 1.0] {
        let slopes = gradient(|x: &DVector<_>| of_roots(x, p), &at);
        assert!(slopes.iter().all(|x| x.is_nan()), "{slopes}");
        let along = jvp(|x: &DVector<_>| of_roots(x, p), &at, &direction).1;
        assert!(along.is_nan(), "{along}");
        let slopes = gradient(|x: &DVector<_>| root_of(x, p), &at);
        assert!(slopes.iter().all(|x| x.is_nan()), "{slopes}");
        let along = jvp(|x: &DVector<_>| root_of(x, p), &at, &direction).1;
        assert!(along.is_nan(), "{along}");
    }
    assert_eq!(jvp(nrm2, &at, &direction).1, 0.0);
    assert_eq!(nrm2(&dvector![f64::NAN, f64::INFINITY]), f64::INFINITY);
    assert_eq!(nrm2(&dvector![f64::INFINITY, f64::NAN]), f64::INFINITY);
    assert!(nrm2(&dvector![f64::NAN, 1e200]).is_nan());
    assert!(nrm2(&dvector![1e200, f64::NAN]).is_nan());
}
