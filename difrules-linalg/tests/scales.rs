//! Values and derivatives of matrices whose rows, columns or whole are scaled: what is scaled is scaled, whatever
//! stands beside it.

use difrules_core::contract::Kind;
use difrules_core::testing::Sampler;
use difrules_core::{
    Dual, Real, Scalar, Var, diagnosed, gradient, hvp, jvp, value_and_gradient, vjp,
};
use difrules_linalg::{
    Error, Lblt, Lu, Operation, Svd, Udu, cholesky_solve, component_div, condition_number,
    determinant, dot, exp, full_piv_lu, hessenberg, inverse, lblt_solve, ln, ln_abs_determinant,
    lq, lstsq, lu, lu_solve, normalize, nuclear_norm, polar, pow, powf, qr, quadratic_form,
    singular_values, solve, solve_lower_triangular, solve_upper_triangular, spectral_norm, svd,
    toeplitz_solve, tridiagonal_solve, udu_solve, unscale,
};
use nalgebra::{
    Complex, ComplexField, DMatrix, DVector, Matrix2, SMatrix, dmatrix, dvector, matrix, vector,
};

fn close(found: &DMatrix<f64>, expected: &DMatrix<f64>, tolerance: f64) {
    let error = (found - expected).amax() / expected.amax();
    assert!(error <= tolerance, "{error:e}: {found} in place of {expected}");
}

/// A matrix times the rows of a diagonal one.
fn rows(d: &[f64], a: &DMatrix<f64>) -> DMatrix<f64> {
    DMatrix::from_fn(a.nrows(), a.ncols(), |i, j| d[i] * a[(i, j)])
}

/// The sum of the logarithms of the pivots.
fn logarithms<S: Real>(a: &DMatrix<S>, full: bool) -> Result<S, Error> {
    let packed = if full { full_piv_lu(a)?.packed } else { lu(a)?.packed };
    let pivots = (0..a.nrows()).map(|i| ComplexField::abs(packed[(i, i)]));
    Ok(pivots.fold(S::zero(), |sum, pivot| sum + ComplexField::ln(pivot)))
}

#[test]
fn a_pivot_is_measured_by_what_it_is_made_of() {
    // Its entries are small beside what stands above them, but nothing of that is in them.
    for s in [1e-17, 1e-30, 1e-200, 1e17] {
        let a = dmatrix![1.0, 1.0, 1.0; 0.0, s, s; 0.0, s, 2.0 * s];
        let expected = dmatrix![2.0, -1.0; -1.0, 1.0];
        for full in [false, true] {
            let (found, heard) = diagnosed(|| gradient(|a| logarithms(a, full), &a).unwrap());
            assert!(heard.is_empty(), "{heard:?}");
            close(&(found.view((1, 1), (2, 2)) * s), &expected, 1e-14);
        }
    }
    // What is left of a column that depends on those before it is rounding.
    let a = dmatrix![0.1, 0.3, 1.0; 0.2, 0.6, 5.0; 0.7, 2.1, 3.0];
    let (_, heard) = diagnosed(|| gradient(|a| Ok::<_, Error>(lu(a)?.packed[(2, 1)]), &a));
    assert!(!heard.is_empty());
}

/// The sum of the solution of (A + t V) x = b.
fn along<S: Real>(t: S, of: [&DMatrix<f64>; 3]) -> S {
    let [a, v, b] = of.map(|x| x.map(nalgebra::convert::<f64, S>));
    solve(&(a + v * t), &b).unwrap().sum()
}

/// Its derivative by t.
fn slope<S: Real>(t: S, of: [&DMatrix<f64>; 3]) -> S {
    jvp(|t: &Dual<S>| along(*t, of), &t, &S::one()).1
}

#[test]
fn second_derivatives_scale_with_the_rows() {
    let mut random = Sampler::new(3, 9);
    let (a, v): (DMatrix<f64>, DMatrix<f64>) = (random.matrix(4, 4), random.matrix(4, 4));
    let b: DMatrix<f64> = random.matrix(4, 1);
    let y = inverse(&a).unwrap();
    for s in [1.0, 1e-16, 1e-20, 1e-60, 1e40] {
        let d = [1.0, s, s, s * s];
        let (scaled, direction) = (rows(&d, &a), rows(&d, &v));
        // The gradient of ln |det A| is A^-T.
        let found = gradient(|a| Ok::<_, Error>(ln_abs_determinant(a)?.0), &scaled).unwrap();
        close(&rows(&d, &found), &y.transpose(), 1e-12);
        let f = |a: &DMatrix<_>| Ok::<_, Error>(ln_abs_determinant(a)?.0);
        let found = hvp(f, &scaled, &direction).unwrap();
        let expected = -(&y * &v * &y).transpose();
        close(&rows(&d, &found), &expected, 1e-11);
        // Along A + t V the solution has the second derivative 2 A^-1 V A^-1 V x.
        let right = rows(&d, &b);
        let of = [&scaled, &direction, &right];
        let (_, found): (f64, f64) = jvp(|t| slope(*t, of), &0.0, &1.0);
        let expected = (&y * &v * &y * &v * &y * &b).sum() * 2.0;
        assert!((found / expected - 1.0).abs() < 1e-10, "{found} in place of {expected}");
        // And by way of the factors.
        let f = |a: &DMatrix<_>| {
            let b = b.map(nalgebra::convert::<f64, _>);
            let scale = DMatrix::from_fn(4, 1, |i, _| nalgebra::convert::<f64, _>(d[i]));
            Ok::<_, Error>(lu_solve(Operation::None, &lu(a)?, &b.component_mul(&scale))?.sum())
        };
        let found = hvp(f, &scaled, &direction).unwrap();
        let ones = DMatrix::from_element(4, 1, 1.0);
        let (x, w) = (&y * &b, y.transpose() * &ones);
        let (x_dot, w_dot) = (-(&y * &v * &x), -(y.transpose() * v.transpose() * &w));
        let expected = -(&w_dot * x.transpose() + &w * x_dot.transpose());
        close(&rows(&d, &found), &expected, 1e-10);
    }
}

#[test]
fn solutions_of_least_squares_of_any_size() {
    for s in [1.0, 1e200, 1e-200, 1e150, 1e-150] {
        let (a, b) = (dmatrix![s; 2.0 * s; 2.0 * s], dmatrix![s; 0.0; s]);
        let x = lstsq(&a, &b).unwrap();
        assert!((x[0] - 1.0 / 3.0).abs() < 1e-15);
        let lift = |x: f64| difrules_core::Var::constant(x);
        let found = gradient(|a| Ok::<_, Error>(lstsq(a, &b.map(lift))?[0]), &a).unwrap() * s;
        close(&found, &(dmatrix![1.0; -4.0; -1.0] / 27.0), 1e-14);
        let (_, found) = jvp(
            |a| lstsq(a, &b.map(nalgebra::convert::<f64, Dual<f64>>)).unwrap(),
            &a,
            &dmatrix![s; 0.0; 0.0],
        );
        assert!((found[0] - 1.0 / 27.0).abs() < 1e-15);
    }
    // Columns of other sizes are none that depend on others.
    let x = lstsq(&dmatrix![1e150, 1e-150; 0.0, 1e-150; 1e150, 0.0], &dvector![2.0, 1.0, 1.0]);
    close(
        &(DMatrix::from_column_slice(2, 1, x.unwrap().as_slice())
            .component_mul(&dmatrix![1e150; 1e-150])),
        &dmatrix![1.0; 1.0],
        1e-15,
    );
}

/// Columns of different sizes, more of them than rows: what is outside of the rows, beside what is not, is no rounding of it.
/// From mpmath with 120 digits.
#[test]
fn solutions_of_least_norm_of_graded_columns() {
    fn loss<S: Real>(a: &DMatrix<S>) -> Result<S, Error> {
        let constant = |m: &DMatrix<f64>| m.map(nalgebra::convert::<f64, S>);
        let x = lstsq(a, &constant(&dmatrix![1.0; 2.0]))?;
        dot(&x, &constant(&dmatrix![1.0; 2.0; 3.0]))
    }
    let graded =
        |m: DMatrix<f64>| DMatrix::from_fn(2, 3, |i, j| m[(i, j)] * 2.0_f64.powi(-20 * j as i32));
    let a = graded(dmatrix![0.7, -0.3, 0.5; 0.4, 0.9, -0.6]);
    let e = graded(dmatrix![0.3, -0.8, 0.2; 0.5, 0.1, 0.7]);
    let (slope, second) = (-2740271.801594655, 2712674.373133158);
    let (_, forward) = jvp(loss, &a, &e).unwrap();
    let reverse = gradient(loss, &a).unwrap().dot(&e);
    let again = hvp(loss, &a, &e).unwrap().dot(&e);
    for (found, expected) in [(forward, slope), (reverse, slope), (again, second)] {
        assert!(f64::abs(found / expected - 1.0) < 1e-8, "{found:e} {expected:e}");
    }
}

#[test]
fn singular_values_of_any_size() {
    let a = dmatrix![2.27, -2.5e-6; 0.0, 9.008];
    let Svd { u, singular_values: s, v_t } = svd(&a).unwrap();
    close(&(u * DMatrix::from_diagonal(&s) * v_t), &a, 4e-16);
    let found = gradient(spectral_norm, &a).unwrap();
    assert!((found[(0, 1)] + 2.963_502_4e-7).abs() < 1e-14);
    for s in [1e200, 1e-200, 1e-300, 1e307] {
        let found = singular_values(&(matrix![4.0, 1.0; 1.0, 3.0] * s)).unwrap() / s;
        let expected = vector![4.618_033_988_749_895, 2.381_966_011_250_105];
        assert!((found - expected).amax() < 4e-15, "{found}");
    }
    let mut random = Sampler::new(1, 4);
    for _ in 0..20 {
        let a = rows(&[1.0, 1e16, 1e32], &random.matrix(3, 3));
        let Svd { u, singular_values: s, v_t } = svd(&a).unwrap();
        // The others are as good as zero beside the last row.
        let largest = a.row(2).norm();
        assert!((s[0] / largest - 1.0).abs() < 1e-14);
        close(&(u * DMatrix::from_diagonal(&s) * v_t), &a, 3e-15);
    }
    // The values of a bidiagonal matrix come out to a few roundings of themselves.
    let graded: DMatrix<f64> = dmatrix![1.0, 1e-30; 0.0, 1e-20];
    let s = svd(&graded).unwrap().singular_values;
    assert!((s[1] / 1e-20 - 1.0).abs() < 1e-15);
}

#[test]
fn determinants_whose_factors_are_out_of_range() {
    let diagonal = |d: [f64; 3]| DMatrix::from_diagonal(&DVector::from_row_slice(&d));
    assert_eq!(determinant(&diagonal([1e200, 1e200, 1e-300])).unwrap(), 1e100);
    assert_eq!(determinant(&diagonal([1e-200, -1e-200, 1e300])).unwrap(), -1e-100);
    let found = gradient(determinant, &diagonal([1e100, 1e200, 1e-250])).unwrap();
    let expected = [1e-50, 1e-150, 1e300];
    for i in 0..3 {
        assert!((found[(i, i)] / expected[i] - 1.0).abs() < 1e-14);
    }
    let found = gradient(determinant, &dmatrix![1e-200, 0.0; 3e-200, 1e-200]).unwrap();
    close(&(found * 1e200), &dmatrix![1.0, -3.0; 0.0, 1.0], 1e-15);
}

#[test]
fn numbers_next_to_the_largest_give_results_or_errors() {
    let i = Complex::i();
    for scale in [1e308, 1.7e308, f64::MAX] {
        let z = dmatrix![i + 1.0, i - 1.0; i - 0.5, i * 0.7 + 1.0] * Complex::from(scale);
        if let Ok(Svd { u, singular_values: s, v_t }) = svd(&z) {
            let product = u * DMatrix::from_diagonal(&(s / 1e300).map(Complex::from)) * v_t;
            assert!((product - &z / Complex::from(1e300)).camax() < 1e-7);
        }
        if let Ok(x) = lstsq(&z, &(&z * Complex::from(0.25))) {
            assert!((x - DMatrix::identity(2, 2) * Complex::from(0.25)).camax() < 1e-14);
        }
        // Neither a panic nor a number that is wrong.
        let found = gradient(|a| Ok::<_, Error>(determinant(a)?.re), &z);
        assert!(found.is_err() || found.unwrap().iter().all(|x| x.norm() > 1e307));
        let a = Matrix2::new(1.0, 0.5, 0.25, 1.0) * scale;
        if let Ok(x) = lstsq(&a, &(a * vector![0.5, 0.25])) {
            assert!((x - vector![0.5, 0.25]).amax() < 1e-14);
        }
        match normalize(&a) {
            Ok(y) => assert!((y.norm() - 1.0).abs() < 1e-14),
            Err(error) => assert_eq!(error, Error::Overflow { result: "norm" }),
        }
        match solve(&a, &(a * vector![0.5, 0.25])) {
            Ok(x) => assert!((x - vector![0.5, 0.25]).amax() < 1e-14),
            Err(error) => assert_eq!(error, Error::Overflow { result: "packed" }),
        }
    }
    let found = singular_values(&SMatrix::<f64, 3, 3>::from_element(1e308));
    assert_eq!(found, Err(Error::Overflow { result: "singular_values" }));
}

#[test]
fn toeplitz_matrices_with_leading_blocks_that_are_nearly_singular() {
    for small in [1e-5, 1e-9, 1e-14] {
        // The leading block of two rows has the determinant `small`.
        let (column, row) =
            (dvector![1.0, 1.0 - small, 0.3, -0.7], dvector![1.0, 1.0 + small, 0.1, 2.0]);
        let a = DMatrix::from_fn(4, 4, |i, j| if i >= j { column[i - j] } else { row[j - i] });
        let x = dvector![1.0, -2.0, 0.5, 3.0];
        let found = toeplitz_solve(&column, &row, &(&a * &x)).unwrap();
        assert!((&a * &found - &a * &x).amax() < 1e-14, "{found}");
        let found =
            toeplitz_solve(&(&column * 2.5e307), &(&row * 2.5e307), &dvector![1.0, 2.0, 3.0, 4.0]);
        let expected = solve(&a, &dvector![1.0, 2.0, 3.0, 4.0]).unwrap();
        assert!((found.unwrap() * 2.5e307 - &expected).amax() < 1e-12 * expected.amax());
    }
}

/// Rows far apart in size, in any order: small ones keep their digits, and derivatives have those of the entries.
#[test]
fn orthogonal_factors_of_graded_rows() {
    fn last<S: Real>(a: &DMatrix<S>) -> Result<S, Error> {
        Ok(qr(a)?.1[(1, 1)])
    }
    let near = |found: f64, expected: f64| {
        assert!((found / expected - 1.0).abs() < 1e-13, "{found:e} {expected:e}");
    };
    // Of two columns the last pivot is |det A| / R_00.
    for (first, second) in [(1.0, 1e150), (1e-150, 1e150), (1e150, 1e-150), (1.0, 1e8), (1e20, 1.0)]
    {
        let a = rows(&[first, second], &dmatrix![0.7, -0.3; 0.4, 0.9]);
        let (x, y, z, w) = (a[(0, 0)], a[(0, 1)], a[(1, 0)], a[(1, 1)]);
        let length = x.hypot(z);
        let pivot = (x / length) * w - y * (z / length);
        near(last(&a).unwrap(), pivot);
        let found = gradient(last, &a).unwrap();
        near(found[(0, 0)], w / length - pivot / length * (x / length));
        near(found[(0, 1)], -z / length);
        near(found[(1, 0)], -y / length - pivot / length * (z / length));
        near(found[(1, 1)], x / length);
    }
    // R does not depend on the order of the rows, and Q follows it.
    let mut random = Sampler::new(41, 41);
    let sizes = [1e150, 1e60, 1.0, 1e-150];
    for (height, width) in [(3, 3), (4, 3), (4, 2), (3, 4)] {
        let (any, e): (DMatrix<f64>, DMatrix<f64>) =
            (random.matrix(height, width), random.matrix(height, width));
        let a = rows(&sizes[..height], &any);
        let e = a.component_mul(&e);
        let back =
            |m: &DMatrix<f64>| DMatrix::from_fn(height, m.ncols(), |i, j| m[(height - 1 - i, j)]);
        let ((q, r), (q_dot, r_dot)) = jvp(qr, &a, &e).unwrap();
        let ((q_back, r_back), (q_dot_back, r_dot_back)) = jvp(qr, &back(&a), &back(&e)).unwrap();
        let entries = |found: &DMatrix<f64>, expected: &DMatrix<f64>, sizes: &DMatrix<f64>| {
            for ((found, expected), size) in found.iter().zip(expected).zip(sizes) {
                let error = (found - expected).abs() / size.abs().max(expected.abs());
                assert!(error < 1e-11 || *size == 0.0, "{error:e}: {found:e} {expected:e}");
            }
        };
        entries(&back(&q_back), &q, &q);
        entries(&r_back, &r, &r);
        entries(&back(&q_dot_back), &q_dot, &q);
        entries(&r_dot_back, &r_dot, &r);
        // A = Q R row by row, and its derivative.
        let product = &q_back * &r_back - back(&a);
        let moved = &q_dot_back * &r_back + &q_back * &r_dot_back - back(&e);
        for (i, size) in sizes[..height].iter().rev().enumerate() {
            assert!(product.row(i).amax() < 1e-13 * size, "{i}: {product}");
            assert!(moved.row(i).amax() < 1e-12 * size, "{i}: {moved}");
        }
        // Both modes.
        let bars = (q.map(|x| 0.3 / x), r.map(|x| if x == 0.0 { 0.0 } else { -0.7 / x }));
        let (_, bar) = vjp(qr, &a, &bars).unwrap();
        let (left, right) = (bar.dot(&e), bars.0.dot(&q_dot) + bars.1.dot(&r_dot));
        assert!((left - right).abs() < 1e-11 * (1.0 + right.abs()), "{left} {right}");
        // Columns, by the factors of the adjoint.
        let (l, _) = lq(&back(&a).transpose()).unwrap();
        entries(&l.transpose(), &r, &r);
    }
    // As many independent rows as columns: no residual moves the solution.
    for sizes in [[1e-150, 1.0, 1e150], [1e150, 1.0, 1e-150], [1.0, 1e8, 1e16]] {
        let (any, x): (DMatrix<f64>, DMatrix<f64>) = (random.matrix(3, 3), random.matrix(3, 1));
        let e: DMatrix<f64> = random.matrix(3, 3);
        let scaled = |m: &DMatrix<f64>| rows(&sizes, m);
        let call = |a: &DMatrix<_>| {
            let b = scaled(&(&any * &x)).map(Dual::constant);
            lstsq(a, &b)
        };
        let (_, moved) = jvp(call, &scaled(&any), &scaled(&e)).unwrap();
        close(&moved, &-(any.clone().try_inverse().unwrap() * &e * &x), 1e-11);
        // Columns of any size are units of the solution.
        let turned = |m: &DMatrix<f64>| scaled(&m.transpose()).transpose();
        let call = |a: &DMatrix<_>| lstsq(a, &(&any * &x).map(Dual::constant));
        let (_, moved) = jvp(call, &turned(&any), &turned(&e)).unwrap();
        close(&scaled(&moved), &-(any.clone().try_inverse().unwrap() * &e * &x), 1e-11);
    }
    // A reflection of what is so small that its square is none.
    let a = dmatrix![0.5, 2.0, -1.0; 1e100, 3e100, 2e100; 1e-100, -1e-100, 3e-100];
    let (q, h) = hessenberg(&a).unwrap();
    let error = &q * h * q.transpose() - &a;
    assert!(error.row(2).amax() < 1e-14 * 1e-100 && (q[(2, 1)] / 1e-200 - 1.0).abs() < 1e-14);
}

/// Second derivatives along a direction of the matrix's own size are among the numbers, whatever that is.
#[test]
fn second_derivatives_of_tiny_and_of_huge_matrices() {
    fn below<S: Real>(a: &DMatrix<S>) -> Result<S, Error> {
        Ok(lu(a)?.packed[(1, 0)])
    }
    fn logarithm<S: Real>(a: &DMatrix<S>) -> Result<S, Error> {
        logarithms(a, false)
    }
    let (a, e) = (dmatrix![2.0, 0.3; -0.5, 1.0], dmatrix![0.4, -0.2; 0.7, 0.9]);
    let expected = [hvp(below, &a, &e).unwrap(), hvp(logarithm, &a, &e).unwrap()];
    for size in [1e-300, 1e-160, 1e-100, 1e100, 1e160, 1e300] {
        let (a, e) = (&a * size, &e * size);
        let found = [hvp(below, &a, &e).unwrap(), hvp(logarithm, &a, &e).unwrap()];
        for (found, expected) in found.iter().zip(&expected) {
            close(&(found * size), expected, 1e-14);
        }
    }
    // Its gradient is of singular values, by quotients of weights and gaps that are beyond the numbers.
    let expected = hvp(condition_number, &a, &e).unwrap();
    for size in [-900, -531, 532, 900].map(|power| 2.0_f64.powi(power)) {
        let found = hvp(condition_number, &(&a * size), &(&e * size)).unwrap();
        close(&(found * size), &expected, 1e-13);
    }
}

/// The residual of large rows is next to nothing beside that of small ones, and the solution large: what is rounding of their
/// products is no part of it. From mpmath.
#[test]
fn residuals_of_rows_of_all_sizes() {
    let e = 2.0_f64.powi(-20);
    let a = dmatrix![2.0, 0.5; 0.7 * e, 3.0 * e; 0.4 * e * e, -0.6 * e * e];
    let first = |a: &DMatrix<_>| {
        let x = lstsq(a, &dvector![1.0, -0.5, 2.0].map(nalgebra::convert))?;
        Ok::<_, Error>(x[0])
    };
    let found = gradient(first, &a).unwrap();
    assert!((found[(0, 0)] / -24635.974210215456 - 1.0).abs() < 1e-6, "{found}");
    assert!((found[(0, 1)] / 98542.83489395917 - 1.0).abs() < 1e-6, "{found}");
    assert!((found[(2, 1)] / -68886302630.78758 - 1.0).abs() < 1e-9, "{found}");
}

/// In forward mode within forward mode the tangent has derivatives: those of entries of the factors, times the size of the
/// matrix, are those of it at size one, whatever the size of the directions.
#[test]
fn second_tangents_of_tiny_and_of_huge_matrices() {
    fn entries<T: Real>(a: &DMatrix<T>) -> [T; 5] {
        let [packed, full, r] =
            [lu(a).unwrap().packed, full_piv_lu(a).unwrap().packed, qr(a).unwrap().1];
        let (_, t) = difrules_linalg::schur(a).unwrap();
        [packed[(1, 1)], full[(1, 1)], r[(1, 1)], t[(0, 0)], svd(a).unwrap().singular_values[0]]
    }
    let a = dmatrix![4.0, 1.0; 1.5, 3.0];
    let [v, w] = [dmatrix![1.0, 0.5; -0.25, 2.0], dmatrix![0.5, -1.0; 1.0, 0.75]];
    let second = |a: &DMatrix<f64>, [v, w]: [DMatrix<f64>; 2]| {
        let inner = |a: &DMatrix<Dual<f64>>| {
            jvp(|a: &DMatrix<Dual<Dual<f64>>>| entries(a), a, &w.map(Dual::constant)).1
        };
        jvp(inner, a, &v).1
    };
    let expected = second(&a, [v.clone(), w.clone()]);
    for scale in [-531, -400, 400, 532].map(|power| 2.0_f64.powi(power)) {
        // Directions of size one, and of the size of the matrix.
        for [of_v, of_w] in [[1.0, 1.0], [1.0, scale], [scale, 1.0], [scale, scale]] {
            let found = second(&(&a * scale), [&v * of_v, &w * of_w]);
            for (found, expected) in found.into_iter().zip(expected) {
                let error = found / of_v * scale / of_w / expected - 1.0;
                assert!(
                    error.abs() < 1e-13,
                    "{scale:e}, {of_v:e}, {of_w:e}: {found:e}, {expected}"
                );
            }
        }
    }
}

/// Where entries of a cotangent overflow on their way, the others are what they are.
#[test]
fn cotangents_that_overflow_beside_others() {
    let infinity = f64::INFINITY;
    let a = dmatrix![1e-200, 0.0; 0.0, 4.0];
    let point = (a.clone(), dmatrix![1e-200; 8.0]);
    let bar = dmatrix![1e200; 2.0];
    let solve_by: [fn(&DMatrix<_>, &DMatrix<_>) -> Result<DMatrix<_>, Error>; 3] =
        [solve, solve_lower_triangular, solve_upper_triangular];
    for (k, solve) in solve_by.into_iter().enumerate() {
        let (x, (by_a, by_b)) = vjp(|(a, b)| solve(a, b), &point, &bar).unwrap();
        assert_eq!(x, dmatrix![1.0; 2.0]);
        assert_eq!(by_b, dmatrix![infinity; 0.5]);
        let (above, below) =
            (if k == 1 { 0.0 } else { -infinity }, if k == 2 { 0.0 } else { -0.5 });
        assert_eq!(by_a, dmatrix![-infinity, above; below, -1.0], "{k}");
    }
    let bar = dmatrix![1e200, 1.0; 2.0, 3.0];
    let (_, found) = vjp(inverse, &a, &bar).unwrap();
    close(&found.map(|x| x.max(-1e300)), &dmatrix![-1e300, -2.5e199; -5e199, -3.0 / 16.0], 1e-14);
}

/// y = a / b for diag(a, b): its slope by b may be none of the numbers where y is one.
#[test]
fn condition_numbers_as_large_as_numbers_go() {
    for small in [1e-100, 1e-160, 1e-200, 1e-300] {
        let a = dmatrix![1.0, 0.0; 0.0, small];
        let e = dmatrix![1.0, 0.3; 0.2, 0.5 * small];
        let (y, slopes) = value_and_gradient(condition_number, &a).unwrap();
        assert_eq!(y, 1.0 / small);
        assert!((slopes[(0, 0)] / y - 1.0).abs() < 1e-14, "{slopes}");
        assert!(slopes[(0, 1)] == 0.0 && slopes[(1, 0)] == 0.0, "{slopes}");
        assert!(slopes[(1, 1)] == -1.0 / small / small, "{slopes}");
        let (_, slope) = jvp(condition_number, &a, &e).unwrap();
        assert!((slope / y - 0.5).abs() < 1e-14, "{slope}");
        // A cotangent of the size of 1 / y, for an entry by which the value moves a little: q / b is its slope over y.
        let q = small.sqrt().sqrt();
        let (y, by_a) = vjp(condition_number, &dmatrix![1.0, q; 0.0, small], &small).unwrap();
        assert!((by_a[(1, 0)] / (q * y) - 1.0).abs() < 1e-13, "{small:e} {by_a}");
        // -2 a' b' / b^2 + 2 a b'^2 / b^3 on the diagonal.
        let e = dmatrix![1.0, 0.0; 0.0, 0.25 * small];
        let along =
            |a: &DMatrix<Dual<f64>>| jvp(condition_number, a, &e.map(Dual::constant)).unwrap().1;
        let (_, second) = jvp(along, &a, &e);
        assert!((second / y + 0.375).abs() < 1e-13, "{small:e}: {second}");
        // In other units, and turned.
        for size in [1e-3, 1e2] {
            let (_, second) = jvp(
                |a: &DMatrix<Dual<f64>>| {
                    jvp(condition_number, a, &(&e * size).map(Dual::constant)).unwrap().1
                },
                &(&a * size),
                &(&e * size),
            );
            assert!((second / y + 0.375).abs() < 1e-12, "{small:e} {size:e}: {second}");
        }
    }
}

/// The value of a function of a number at zero, its slope in both modes, and its second derivative in the four nestings of
/// them. It is a macro, as the function is called at a scalar for each.
macro_rules! by_every_nesting {
    (|$t:ident| $f:expr) => {{
        let twice = |t: &Dual<f64>| jvp(|&$t| $f, t, &Dual::constant(1.0)).1;
        let (value, slope) = jvp(|&$t| $f, &0.0, &1.0);
        let seconds = [
            jvp(twice, &0.0, &1.0).1,
            gradient(|t| jvp(|&$t| $f, t, &Var::constant(1.0)).1, &0.0),
            gradient(|t| gradient(|&$t| $f, t), &0.0),
            hvp(|&$t| $f, &0.0, &1.0),
        ];
        (value, [slope, gradient(|&$t| $f, &0.0)], seconds)
    }};
}

/// 1, -2, 1/2 and 3 in turn times the entries of a solution of least squares times these sizes, along A + t E and b + t f.
fn along_least_squares<S: Real>(t: S, of: [&DMatrix<f64>; 4], sizes: &[f64]) -> S {
    let [a, e, b, f] = of.map(|x| x.map(nalgebra::convert::<f64, S>));
    let x = lstsq(&(a + e * t), &(b + f * t)).unwrap();
    let weights = [1.0, -2.0, 0.5, 3.0].into_iter().cycle().zip(sizes).map(|(x, size)| x * size);
    x.iter()
        .zip(weights)
        .fold(S::zero(), |sum, (&x, weight)| sum + x * nalgebra::convert::<f64, S>(weight))
}

/// Numbers that are all but random.
fn whole(i: usize, j: usize, seed: usize) -> f64 {
    let mixed = i * 7 + j * 13 + i * j * 5 + i * i * 3 + seed * 17 + 3;
    ((mixed % 23) as f64 - 11.0) / 8.0
}

/// From mpmath, by the normal equations with 120 digits. The solution is as well conditioned as that of rows of one size.
#[test]
fn least_squares_of_rows_of_any_size() {
    for (columns, exponents, expected) in [
        (2, &[-27, -9, 9, 27][..], [0.11999999994067, -9.4320000000998, -21.868800000553]),
        (2, &[27, 9, -9, -27], [-7.6428571403584, 50.362244864497, -584.55903722909]),
        (3, &[-27, -17, -6, 5, 16, 27], [-2.5434782608696, -26.247137072786, 637.1639662849]),
        (3, &[27, 17, 6, -5, -16, -27], [0.54347793579082, -7.4356507631701, -0.28417535295951]),
        (3, &[5, -27, 27, -6, 16, -17], [-0.17971203691872, 7.5702307077947, 31.230594664805]),
        (4, &[-27, -14, 0, 13, 27], [-5.38, 12.121043458192, -51.058365207722]),
        (4, &[27, 14, 0, -13, -27], [-2.0130434864708, 0.53565220675261, -2.2803479244916]),
        (4, &[-27, 13, -14, 27, 0], [-5.3799999718382, 12.121043217716, -51.058362420452]),
    ] {
        let d: Vec<f64> = exponents.iter().map(|&k: &i32| f64::powi(2.0, k)).collect();
        let graded =
            |columns, seed| DMatrix::from_fn(d.len(), columns, |i, j| d[i] * whole(i, j, seed));
        let parts = [graded(columns, 0), graded(columns, 1), graded(1, 2), graded(1, 3)];
        let of = parts.each_ref();
        let near = |found: f64, expected: f64, rounding: f64| {
            let error = f64::abs(found / expected - 1.0);
            assert!(error < rounding, "{exponents:?}: {error:e}, {found} in place of {expected}");
        };
        let (value, slopes, seconds) = by_every_nesting!(|t| along_least_squares(t, of, &[1.0; 4]));
        near(value, expected[0], 1e-12);
        slopes.into_iter().for_each(|slope| near(slope, expected[1], 1e-12));
        for second in seconds {
            near(second, expected[2], 1e-10);
        }
    }
}

/// The same of wide matrices, by their columns: what they map to nothing is no small difference of large columns.
#[test]
fn least_squares_of_columns_of_any_size() {
    for (rows, exponents, of_size, expected) in [
        (
            2,
            &[-27, -9, 9, 27][..],
            0,
            [0.00175774633875017, -0.00218763941532379, 0.0286706976383756],
        ),
        (2, &[-27, -9, 9, 27], 1, [-5.09999999998743, -14.9199999997141, -84.6799999968553]),
        (2, &[27, 9, -9, -27], 0, [-0.0114396788251252, 0.0896239069905079, -1.04528492369073]),
        (2, &[27, 9, -9, -27], 1, [-5.49999999841711, 39.4642856909703, -459.801019926338]),
        (3, &[-27, -17, -6, 5, 16, 27], 0, [0.748694586834034, -11.869819619964, 422.468492310014]),
        (3, &[-27, -17, -6, 5, 16, 27], 1, [12.9986459113825, -192.949974652127, 7038.92836498542]),
        (
            3,
            &[5, -27, 27, -6, 16, -17],
            0,
            [-1.52602609841885e-5, 0.0313415757879285, 0.208974382769143],
        ),
        (
            3,
            &[5, -27, 27, -6, 16, -17],
            1,
            [-1.19999999999966, 2.54000141726547, -8.44265341059927],
        ),
        (
            2,
            &[-200, -70, 70, 200],
            0,
            [7.6232965252887e-22, -9.48676900924816e-22, 1.24344436656931e-20],
        ),
        (2, &[-200, -70, 70, 200], 1, [-5.1, -14.92, -84.68]),
        (
            2,
            &[200, 70, -70, -200],
            0,
            [-4.96119297677519e-21, 3.88684404469652e-20, -4.53324377970687e-19],
        ),
        (2, &[200, 70, -70, -200], 1, [-5.5, 39.4642857142857, -459.801020408163]),
        (4, &[27, 14, 0, -13, -27], 0, [14745.5599802155, -49151.7278344499, 125829.586877219]),
        (4, &[27, 14, 0, -13, -27], 1, [0.939999997130036, -3.64799998389602, 10.7391999426584]),
    ] {
        let d: Vec<f64> = exponents.iter().map(|&k: &i32| f64::powi(2.0, k)).collect();
        let graded = |seed| DMatrix::from_fn(rows, d.len(), |i, j| d[j] * whole(j, i, seed));
        let side = |seed| DMatrix::from_fn(rows, 1, |i, _| whole(0, i, seed));
        let parts = [graded(0), graded(1), side(2), side(3)];
        let of = parts.each_ref();
        let sizes: Vec<f64> = d.iter().map(|d| d.powi(of_size)).collect();
        let near = |found: f64, expected: f64, rounding: f64| {
            let error = f64::abs(found / expected - 1.0);
            assert!(error < rounding, "{exponents:?}: {error:e}, {found} in place of {expected}");
        };
        let (value, slopes, seconds) = by_every_nesting!(|t| along_least_squares(t, of, &sizes));
        near(value, expected[0], 1e-12);
        slopes.into_iter().for_each(|slope| near(slope, expected[1], 1e-11));
        seconds.into_iter().for_each(|second| near(second, expected[2], 1e-10));
    }
}

/// X <- T^-1 X by substitution, as by hand, in the order of the rows for a lower triangle.
fn substitute<S: Real>(t: &DMatrix<S>, unit: bool, lower: bool, x: &mut DVector<S>) {
    let size = x.len();
    for k in 0..size {
        let (i, solved) = if lower { (k, 0..k) } else { (size - 1 - k, size - k..size) };
        let rest = solved.fold(x[i], |rest, j| rest - t[(i, j)] * x[j]);
        x[i] = if unit { rest } else { rest / t[(i, i)] };
    }
}

/// The entries of solutions from factors, that is, from numbers of any size, against substitution by hand.
#[test]
fn solutions_from_factors_of_any_size() {
    const SIZE: usize = 3;
    type Parts<'a> = [&'a DMatrix<f64>; 4];
    /// The factors and the right-hand side along t.
    fn at<S: Real>(t: S, [f, e, b, d]: Parts<'_>) -> (DMatrix<S>, DVector<S>) {
        let moved = |x: &DMatrix<f64>, y: &DMatrix<f64>| {
            let number = nalgebra::convert::<f64, S>;
            x.zip_map(y, |x, y| number(x) + if y == 0.0 { S::zero() } else { t * number(y) })
        };
        (moved(f, e), moved(b, d).column(0).into_owned())
    }
    fn found<S: Real>(name: &str, t: S, of: Parts<'_>) -> Vec<S> {
        let (f, b) = at(t, of);
        let one = DVector::from_element(SIZE, 1);
        let order = DVector::from_fn(SIZE, |i, _| i);
        let x = match name {
            "cholesky" => cholesky_solve(&f, &b),
            "udu" => udu_solve(&Udu { d: f.diagonal(), u: f }, &b),
            "lblt" => {
                let (l, diagonal) = (f.transpose(), f.diagonal());
                let off_diagonal = DVector::zeros(SIZE - 1);
                lblt_solve(&Lblt { l, diagonal, off_diagonal, rows: order, blocks: one }, &b)
            }
            "lu" => lu_solve(Operation::None, &Lu { packed: f, pivots: order }, &b),
            _ => lu_solve(Operation::Transpose, &Lu { packed: f, pivots: order }, &b),
        };
        x.unwrap().iter().copied().collect()
    }
    fn expected<S: Real>(name: &str, t: S, of: Parts<'_>) -> Vec<S> {
        let (f, mut x) = at(t, of);
        let turned = f.transpose();
        // Each triangle, whether its diagonal is of ones, and whether it is a lower one.
        let [first, second] = match name {
            "cholesky" => [(&f, false, true), (&turned, false, false)],
            "udu" => [(&f, true, false), (&turned, true, true)],
            "lblt" => [(&turned, true, true), (&f, true, false)],
            "lu" => [(&f, true, true), (&f, false, false)],
            _ => [(&turned, false, true), (&turned, true, false)],
        };
        substitute(first.0, first.1, first.2, &mut x);
        if first.1 && second.1 {
            (0..SIZE).for_each(|i| x[i] /= f[(i, i)]);
        }
        substitute(second.0, second.1, second.2, &mut x);
        x.iter().copied().collect()
    }
    let mut random = Sampler::new(71, 71);
    let [f, e, b, d] = [SIZE, SIZE, 1, 1].map(|columns| random.matrix::<f64>(SIZE, columns));
    let f = f + DMatrix::identity(SIZE, SIZE) * 2.0;
    for name in ["cholesky", "udu", "lblt", "lu", "transposed lu"] {
        for sizes in [[1.0; 3], [1e20, 1.0, 1e-20], [1e-70, 1.0, 1e70], [1e70, 1e-70, 1.0]] {
            for (of_rows, of_columns) in [(true, false), (false, true), (true, true)] {
                let scaled = |x: &DMatrix<f64>| {
                    DMatrix::from_fn(SIZE, SIZE, |i, j| match name {
                        "udu" | "lblt" if i != j => x[(i, j)],
                        _ => {
                            let size = if of_rows { sizes[i] } else { 1.0 };
                            x[(i, j)] * size * if of_columns && !of_rows { sizes[j] } else { 1.0 }
                        }
                    })
                };
                let (mut f, mut e) = (scaled(&f), scaled(&e));
                if of_rows && of_columns {
                    // The diagonal alone.
                    for (i, j) in [(0, 1), (0, 2), (1, 2), (1, 0), (2, 0), (2, 1)] {
                        (f[(i, j)], e[(i, j)]) = (0.3, 0.2);
                    }
                }
                match name {
                    "cholesky" => [&mut f, &mut e].map(|x| x.fill_upper_triangle(0.0, 1)),
                    "udu" | "lblt" => [&mut f, &mut e].map(|x| x.fill_lower_triangle(0.0, 1)),
                    _ => [(), ()],
                };
                let of = [&f, &e, &b, &d];
                for k in 0..SIZE {
                    let found = by_every_nesting!(|t| found(name, t, of)[k]);
                    let expected = by_every_nesting!(|t| expected(name, t, of)[k]);
                    let near = |found: f64, expected: f64, rounding: f64| {
                        let error = (found - expected).abs() / expected.abs();
                        assert!(
                            error < rounding || expected == 0.0 && found == 0.0,
                            "{name} {sizes:?} {of_rows} {of_columns} {k}: {found:e} {expected:e}"
                        );
                    };
                    near(found.0, expected.0, 1e-12);
                    found.1.into_iter().for_each(|x| near(x, expected.1[0], 1e-11));
                    found.2.into_iter().for_each(|x| near(x, expected.2[0], 1e-10));
                }
            }
        }
    }
}

/// Slopes over values, and second derivatives over these, do not depend on the size of the matrix, whatever the cotangent is.
#[test]
fn powers_of_tiny_and_of_huge_matrices() {
    let (a, e) = (dmatrix![2.0, 0.3; -0.5, 1.0], dmatrix![0.4, -0.2; 0.7, 0.9]);
    fn loss<S: Real>(t: S, of: [&DMatrix<f64>; 2], (p, weight): (f64, f64)) -> S {
        let [a, e] = of.map(|x| x.map(nalgebra::convert::<f64, S>));
        let y = powf(&(a + e * t), nalgebra::convert(p)).unwrap();
        let weights = [1.0, -2.0, 0.5, 3.0].map(|x| nalgebra::convert::<f64, S>(x * weight));
        y.iter().zip(weights).fold(S::zero(), |sum, (&y, weight)| sum + y * weight)
    }
    for p in [2.7, 0.4, -1.3] {
        let (value, [slope, _], [second, ..]) = by_every_nesting!(|t| loss(t, [&a, &e], (p, 1.0)));
        for size in [-340, -330, -200, 200, 330, 370].map(|power| 2.0_f64.powi(power)) {
            let of = [&(&a * size), &(&e * size)];
            let whole = powf(of[0], p).unwrap().amax();
            for weight in [1.0, 1.0 / whole] {
                let found = by_every_nesting!(|t| loss(t, of, (p, weight)));
                let near = |ratio: f64, expected: f64| {
                    let error = (ratio / expected - 1.0).abs();
                    assert!(error < 1e-12, "{p} {size:e} {weight:e}: {error:e}");
                };
                found.1.into_iter().for_each(|x| near(x / found.0, slope / value));
                found.2.into_iter().for_each(|x| near(x / found.0, second / value));
            }
        }
    }
}

/// A + t E with rows and columns times powers of two, and what comes of it times the inverse of what that does.
fn of_scaled<S: Real>(
    name: &str,
    t: S,
    [a, e]: [&DMatrix<f64>; 2],
    [rows, columns]: [&[i32]; 2],
) -> S {
    let power = |k: i32| 2.0_f64.powi(k);
    let number = nalgebra::convert::<f64, S>;
    let at = |i: usize, j: usize| {
        let scaled = |x: &DMatrix<f64>| number(x[(i, j)] * power(rows[i]) * power(columns[j]));
        scaled(a) + t * scaled(e)
    };
    let (height, width) = a.shape();
    let weight = |i: usize, j: usize| ((3 * i + 5 * j + 1) as f64).sin();
    match name {
        "determinant" => determinant(&DMatrix::from_fn(height, width, at)).unwrap(),
        "lu" => {
            let packed = lu(&DMatrix::from_fn(height, width, at)).unwrap().packed;
            let entry = |(i, j): (usize, usize)| {
                let unit = if i > j { 1.0 } else { power(-columns[j]) };
                packed[(i, j)] * number(weight(i, j) * unit)
            };
            let places = (0..height).flat_map(|i| (0..width).map(move |j| (i, j)));
            places.map(entry).fold(S::zero(), |sum, x| sum + x)
        }
        _ => {
            let vector = |f: &dyn Fn(usize) -> S| DVector::from_fn(height, |i, _| f(i));
            let x = tridiagonal_solve(
                &vector(&|i| if i > 0 { at(i, i - 1) } else { S::zero() }),
                &vector(&|i| at(i, i)),
                &vector(&|i| if i + 1 < height { at(i, i + 1) } else { S::zero() }),
                &vector(&|i| number(weight(i, i) * power(rows[i]))),
            );
            let x = x.unwrap();
            let entry = |i: usize| x[i] * number(weight(i, 2) * power(columns[i]));
            (0..height).map(entry).fold(S::zero(), |sum, x| sum + x)
        }
    }
}

#[test]
fn second_derivatives_of_what_is_scaled_by_rows_and_by_columns() {
    const NONE: [i32; 4] = [0; 4];
    let mut random = Sampler::new(53, 53);
    for (name, height, width) in [
        ("determinant", 2, 2),
        ("determinant", 3, 3),
        ("determinant", 4, 4),
        ("lu", 2, 4),
        ("lu", 3, 4),
        ("lu", 4, 4),
        ("lu", 4, 2),
        ("tridiagonal_solve", 2, 2),
        ("tridiagonal_solve", 3, 3),
        ("tridiagonal_solve", 4, 4),
    ] {
        let mut a: DMatrix<f64> = random.matrix(height, width);
        let e: DMatrix<f64> = random.matrix(height, width);
        for k in 0..height.min(width) {
            a[(k, k)] += if a[(k, k)] < 0.0 { -2.0 } else { 2.0 };
        }
        let of = [&a, &e];
        let base = by_every_nesting!(|t| of_scaled(name, t, of, [&NONE, &NONE]));
        for scales in [[-500, 500, 300, -300], [500, -500, -200, 200], [-400, 0, 400, 0]] {
            let (mut rows, mut columns) = (NONE, scales);
            // The sum is zero, so that the determinant is as it was.
            columns[height - 1] -=
                columns[..height].iter().sum::<i32>() * i32::from(name == "determinant");
            for turn in [false, true] {
                if turn && name != "lu" {
                    std::mem::swap(&mut rows, &mut columns);
                }
                let found = by_every_nesting!(|t| of_scaled(name, t, of, [&rows, &columns]));
                let near = |found: f64, expected: f64| {
                    let error = f64::abs(found / expected - 1.0);
                    assert!(
                        error < 1e-10,
                        "{name} {height} {width} {rows:?} {columns:?}: {found:e} {expected:e}"
                    );
                };
                near(found.0, base.0);
                found.1.into_iter().for_each(|x| near(x, base.1[0]));
                found.2.into_iter().for_each(|x| near(x, base.2[0]));
            }
        }
    }
}

#[test]
fn forms_of_numbers_of_all_sizes_along_small_tangents() {
    // The product of the vectors is a number, but not that of either with the tangent.
    for (x, y) in [(1e-200, 1e300), (1e300, 1e-200)] {
        let point = (dvector![x, 0.0], DMatrix::<f64>::identity(2, 2), dvector![y, 0.0]);
        let direction =
            (dvector![0.0, 0.0], DMatrix::from_element(2, 2, 1e-200), dvector![0.0, 0.0]);
        let along = jvp(|(x, a, y)| quadratic_form(x, a, y), &point, &direction).unwrap().1;
        let by_a = gradient(|(x, a, y)| quadratic_form(x, a, y), &point).unwrap().1;
        assert!((along / 1e-100 - 1.0).abs() < 1e-14, "{along:e} at x = {x:e}");
        assert!((by_a[(0, 0)] / 1e100 - 1.0).abs() < 1e-14);
    }
}

/// Sums of quotients (A + t E) / (B + t F) and of what else divides, times powers of two.
fn along_quotients<T: Scalar>(name: &str, t: T::Real, powers: [i32; 3]) -> T::Real {
    let [of_a, of_b, of_weight] = powers.map(|k| 2.0_f64.powi(k));
    let entry = |size: f64, i: usize, j: usize, seed: usize| {
        let number = |x: f64| nalgebra::convert::<f64, T::Real>(x * size);
        let mut entry = T::zero();
        for (k, part) in entry.parts_mut().iter_mut().enumerate() {
            let seed = seed + 7 * k;
            *part = number(whole(i, j, seed) + 0.1) + t * number(whole(j, i, seed + 1) - 0.2);
        }
        entry
    };
    let matrix = |size: f64, seed| DMatrix::from_fn(3, 2, |i, j| entry(size, i, j, seed));
    let a = matrix(of_a, 1);
    let y = match name {
        "component_div" => component_div(&a, &matrix(of_b, 5)).unwrap(),
        "unscale" => unscale(entry(of_b, 1, 1, 5), &a),
        _ => normalize(&a).unwrap(),
    };
    let weight = |k: f64| nalgebra::convert::<f64, T::Real>((k + 0.5) * of_weight);
    y.iter().enumerate().fold(nalgebra::zero(), |sum: T::Real, (k, x)| {
        let is_real = <T::Kind as Kind>::REAL;
        let sum = sum + x.real() * weight(k as f64);
        if is_real { sum } else { sum - x.imaginary() * weight(0.75 * k as f64) }
    })
}

/// Numerators and denominators of any size along directions of their sizes: of y b' / b no quotient has to be a number but the
/// result.
#[test]
fn quotients_of_numbers_of_any_size() {
    fn of_complex<S: Real>(name: &str, t: S, powers: [i32; 3]) -> S {
        along_quotients::<Complex<S>>(name, t, powers)
    }
    fn of_reals<S: Real>(name: &str, t: S, powers: [i32; 3]) -> S {
        along_quotients::<S>(name, t, powers)
    }
    let mut wrong = Vec::new();
    for (name, complex) in [
        ("component_div", false),
        ("unscale", false),
        ("normalize", false),
        ("component_div", true),
        ("unscale", true),
    ] {
        let found = |powers| match complex {
            true => by_every_nesting!(|t| of_complex(name, t, powers)),
            false => by_every_nesting!(|t| of_reals(name, t, powers)),
        };
        let expected = found([0; 3]);
        for (of_a, of_b) in [
            (0, 1000),
            (1000, 1000),
            (900, 996),
            (996, 600),
            (0, 530),
            (300, 700),
            (-500, 500),
            (0, -330),
            (0, -500),
            (-600, -330),
            (-1000, -1000),
            (-996, -600),
            (-530, 0),
            (990, 0),
            (0, 340),
            (0, -1000),
            (0, -980),
            (-20, -980),
            (-980, -1000),
            (400, -400),
        ] {
            let power = if name == "normalize" { 0 } else { of_a - of_b };
            for of_weight in [-power, 0] {
                if name != "normalize" && i32::abs(of_weight + of_a - 2 * of_b) > 1000 {
                    // The cotangent of B is none of the numbers.
                    continue;
                }
                let found = found([of_a, of_b, of_weight]);
                let size = 2.0_f64.powi(power + of_weight);
                let mut near = |found: &[f64], expected: f64| {
                    let off = |x: &f64| f64::abs(x / size / expected - 1.0);
                    if found.iter().any(|x| off(x).is_nan() || off(x) > 1e-12) {
                        let case = (name, complex, of_a, of_b, of_weight);
                        wrong.push(format!("{case:?}: {found:?} {expected:e}"));
                    }
                };
                near(&[found.0], expected.0);
                near(&found.1, expected.1[0]);
                near(&found.2, expected.2[0]);
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// The sum of a, -a and 3 a over b + t.
fn over_steps<S: Real>(t: S, a: f64, b: f64) -> S {
    let numbers = dvector![a, -a, 3.0 * a].map(nalgebra::convert::<f64, S>);
    let quotients = unscale(t + nalgebra::convert::<f64, S>(b), &numbers);
    quotients.iter().fold(S::zero(), |sum, &x| sum + x)
}

/// One over the square of such a divisor is none of the numbers, but the second derivative of the quotient is one.
#[test]
fn quotients_by_large_and_small_numbers_along_steps_of_one() {
    let close = |x: f64, y: f64| (x / y - 1.0).abs() < 1e-12;
    for (a, b) in [(1e300, 1e200), (1e300, 1e160), (1e-200, 3e-160), (-1e-124, 1e-138)] {
        let (value, slopes, seconds) = by_every_nesting!(|t| over_steps(t, a, b));
        let [slope, second] = [-3.0 * (a / b / b), 6.0 * (a / b / b / b)];
        assert!(close(value, 3.0 * (a / b)), "{a:e} / {b:e}: {value:e}");
        assert!(slopes.iter().all(|&x| close(x, slope)), "{a:e} / {b:e}: {slopes:?}");
        assert!(seconds.iter().all(|&x| close(x, second)), "{a:e} / {b:e}: {seconds:?}");
    }
}

/// What is outside of the range of large rows and of small ones. From mpmath.
#[test]
fn polar_factors_of_tall_matrices_of_all_sizes() {
    fn loss<S: Real>(t: S, columns: usize, powers: &[i32]) -> S {
        let a = DMatrix::from_fn(powers.len(), columns, |i, j| {
            let part =
                |seed| nalgebra::convert::<f64, S>(whole(i, j, seed) * 2.0_f64.powi(powers[i]));
            part(0) + t * part(1)
        });
        let (u, p) = polar(&a).unwrap();
        let most = *powers.iter().max().unwrap();
        let mut sum = S::zero();
        for j in 0..columns {
            for i in 0..powers.len() {
                sum += u[(i, j)] * nalgebra::convert(whole(i, j, 2));
                if i <= j {
                    let weight = whole(i, j, 2) * 2.0_f64.powi(-most);
                    sum += p[(i, j)] * nalgebra::convert(weight);
                }
            }
        }
        sum
    }
    for (columns, powers, expected) in [
        (2, &[250, 83, -83, -250][..], [0.145749708500874, -0.0643703066527739, 0.903550419576893]),
        (2, &[20, -500, 500, -20], [-1.72357277914205, 0.486135912065314, 0.0]),
        (3, &[200, 100, 0, -100, -200], [-1.61421538745757, -1.31663443420211, 6.08610652937922]),
        (3, &[-200, 0, 200, -100, 100], [-2.90790952849751, 1.88540947282237, 0.0]),
        (3, &[40, 20, 0], [-1.6142148369537, -1.31663613476574, 6.08608645842648]),
        (3, &[20, -20, 0], [-1.63091634109411, -2.31554309500068, 0.689986006578029]),
        (3, &[12, 0, -12, 6], [-1.86624219211314, -1.00261388549687, -1.5567107631352]),
        (3, &[-25, -50, 25, 50, 0], [-3.64164863441468, -2.54210933849664, 2.82185637382262]),
        (4, &[90, -30, 30, -90], [-4.93898383827176, -2.14825536345464, 12.7821776798812]),
        (4, &[30, -10, 10, -30, 0], [-3.21481616759424, -1.22907635787278, -0.753262997499517]),
        (3, &[300, 290, -300, -310], [-1.61444674556736, -1.31555289819023, 6.08753374322587]),
    ] {
        let found = by_every_nesting!(|t| loss(t, columns, powers));
        let near = |found: f64, expected: f64| {
            let error = f64::abs(found - expected) / f64::abs(expected).max(1.0);
            assert!(error < 1e-11, "{powers:?}: {found:e} in place of {expected:e}");
        };
        near(found.0, expected[0]);
        found.1.into_iter().for_each(|x| near(x, expected[1]));
        found.2.into_iter().for_each(|x| near(x, expected[2]));
    }
}

/// What is made of singular values and of pairs of vectors, of columns and of rows of all sizes. From mpmath.
#[test]
fn singular_values_of_wide_and_of_tall_matrices_of_all_sizes() {
    /// Of which the exponents of the values are given, and the largest entry of each vector on the right.
    fn loss<S: Real>(name: &str, t: S, turn: bool, of: (&[i32], &[i32], &[usize])) -> S {
        let (powers, exponents, largest) = of;
        let count = exponents.len();
        let a = DMatrix::from_fn(count, powers.len(), |i, j| {
            let part =
                |seed| nalgebra::convert::<f64, S>(whole(i, j, seed) * 2.0_f64.powi(powers[j]));
            part(0) + t * part(1)
        });
        let a = if turn { a.transpose() } else { a };
        let number = nalgebra::convert::<f64, S>;
        let power = |k: usize| 2.0_f64.powi(-exponents[k]);
        let weighted = |s: &DVector<S>| {
            (0..count).fold(S::zero(), |sum, k| sum + s[k] * number(whole(k, 0, 2) * power(k)))
        };
        match name {
            "values" => weighted(&singular_values(&a).unwrap()),
            "values of svd" => weighted(&svd(&a).unwrap().singular_values),
            "condition" => {
                let scale = 2.0_f64.powi(exponents[count - 1] - exponents[0]);
                condition_number(&a).unwrap() * number(scale)
            }
            "nuclear" => nuclear_norm(&a).unwrap() * number(power(0)),
            "spectral" => spectral_norm(&a).unwrap() * number(power(0)),
            _ => {
                let Svd { u, v_t, .. } = svd(&a).unwrap();
                let (u, v_t) = if turn { (v_t.transpose(), u.transpose()) } else { (u, v_t) };
                (0..count).fold(S::zero(), |sum, k| {
                    sum + u[(k, k)] * v_t[(k, largest[k])] * number(whole(k, 1, 2))
                })
            }
        }
    }
    let mut wrong = Vec::new();
    for (powers, exponents, largest, all) in [
        (
            &[250, 83, -83, -250][..],
            &[250, 80][..],
            &[0, 1][..],
            [
                [-1.73564556666626, -13.1076238530665, -3.8957088078426],
                [0.607142857142857, -4.33418367346939, 50.5889212827988],
                [1.03077640640442, -1.21267812518166, 0.0436920795102217],
                [1.03077640640442, -1.21267812518166, 0.0436920795102217],
                [-0.121267812518166, -0.00624172564431739, -0.00954616863248542],
            ],
        ),
        (
            &[-250, -83, 83, 250],
            &[250, 80],
            &[3, 2],
            [
                [-0.766227519265974, 18.8267946096233, -0.603341351490127],
                [1.46428571428571, 20.4540816326531, 556.820699708455],
                [1.60078105935821, 0.546608166610121, 0.00857051132315521],
                [1.60078105935821, 0.546608166610121, 0.00857051132315521],
                [-1.17130321416455, 0.10713139153944, -0.0668917956929187],
            ],
        ),
        (
            &[200, 100, 0, -100, -200],
            &[200, 99, 0],
            &[0, 1, 2],
            [
                [-1.09096446873906, -5.73378566196874, 10.9009355283513],
                [1.19137162615483, 1.08582176348348, 1.43347522864438],
                [1.20545634512412, -0.324047404603258, 2.73858385077394],
                [1.20545634512412, -0.324047404603258, 2.73858385077394],
                [0.527714359306315, -1.23817789726345, -1.73193040686393],
            ],
        ),
        (
            &[-200, 0, 200, -100, 100],
            &[200, 99, -1],
            &[2, 4, 1],
            [
                [-0.41433756667808, -1.61713409195121, 18.3673510436105],
                [0.726976284316354, -0.524349381735143, 2.21524512669351],
                [1.33463478150391, 0.444878260501305, 3.63317246076065],
                [1.33463478150391, 0.444878260501305, 3.63317246076065],
                [0.650993566680914, 1.73802571237298, -3.30282483313681],
            ],
        ),
        (
            &[30, 0, -30],
            &[30, -3],
            &[0, 1],
            [
                [-1.73564556666626, -13.1076238530665, -3.8957088078426],
                [0.607142857142857, -4.33418367346939, 50.5889212827988],
                [1.03077640660206, -1.21267812400327, 0.0436920798745638],
                [1.03077640640442, -1.21267812518166, 0.0436920795102217],
                [-0.121267812518166, -0.00624172564431755, -0.00954616863248257],
            ],
        ),
        (
            &[20, 0, -20, -40],
            &[20, -1, -20],
            &[0, 1, 2],
            [
                [-1.09096446873869, -5.73378566196549, 10.9009355283674],
                [1.1913716261537, 1.08582176347568, 1.43347522861567],
                [1.20545722322157, -0.324045605350612, 2.73858101627915],
                [1.20545634512415, -0.324047404603653, 2.73858385077544],
                [0.527714359306076, -1.23817789726414, -1.73193040687835],
            ],
        ),
        (
            &[250, -250],
            &[250, -253],
            &[0, 1],
            [
                [-1.73564556666626, -13.1076238530665, -3.89570880784259],
                [0.607142857142857, -4.33418367346939, 50.5889212827988],
                [1.03077640640442, -1.21267812518166, 0.0436920795102217],
                [1.03077640640442, -1.21267812518166, 0.0436920795102217],
                [-0.121267812518166, -0.00624172564431739, -0.00954616863248543],
            ],
        ),
        (
            &[166, 0, -166],
            &[166, -1, -166],
            &[0, 1, 2],
            [
                [-1.09096446873906, -5.73378566196874, 10.9009355283513],
                [1.19137162615483, 1.08582176348348, 1.43347522864438],
                [1.20545634512412, -0.324047404603258, 2.73858385077394],
                [1.20545634512412, -0.324047404603258, 2.73858385077394],
                [0.527714359306315, -1.23817789726345, -1.73193040686393],
            ],
        ),
    ] {
        for (names, expected) in [
            (&["values", "values of svd"][..], all[0]),
            (&["condition"], all[1]),
            (&["nuclear"], all[2]),
            (&["spectral"], all[3]),
            (&["vectors"], all[4]),
        ] {
            for (name, turn) in names.iter().flat_map(|name| [(name, false), (name, true)]) {
                let found =
                    by_every_nesting!(|t| loss(name, t, turn, (powers, exponents, largest)));
                let mut near = |found: f64, expected: f64| {
                    let error = f64::abs(found - expected) / f64::abs(expected).max(1.0);
                    if error.is_nan() || error > 1e-11 {
                        wrong.push(format!("{name} {turn} {powers:?}: {found:e} {expected:e}"));
                    }
                };
                near(found.0, expected[0]);
                found.1.into_iter().for_each(|x| near(x, expected[1]));
                found.2.into_iter().for_each(|x| near(x, expected[2]));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// The sum of the products of an entry of each row and column, with signs: of numbers of all sizes.
fn by_permutations(a: &DMatrix<f64>) -> f64 {
    if a.nrows() == 0 {
        return 1.0;
    }
    let minor = |j: usize| by_permutations(&a.clone().remove_row(0).remove_column(j));
    let term =
        |j: usize| if j.is_multiple_of(2) { a[(0, j)] * minor(j) } else { -a[(0, j)] * minor(j) };
    (0..a.ncols()).map(term).sum()
}

/// Along a direction that is not graded as the matrix is, what moves a row is not multiplied with itself.
#[test]
fn second_derivatives_of_determinants_along_directions_of_any_size() {
    let mut random = Sampler::new(61, 61);
    for power in [27, 60, 150, 300] {
        for size in 2..5 {
            let [any, e] = [(); 2].map(|()| random.matrix::<f64>(size, size));
            for which in 0..4 {
                let sizes: Vec<i32> =
                    (0..size as i32).map(|k| power - 2 * power * k / (size as i32 - 1)).collect();
                let a = DMatrix::from_fn(size, size, |i, j| {
                    let k = match which {
                        0 => sizes[i],
                        1 => sizes[j],
                        2 => sizes[i] / 2 + sizes[j] / 2,
                        _ => -sizes[i],
                    };
                    any[(i, j)] * 2.0_f64.powi(k)
                });
                let with = |rows: &[usize]| {
                    by_permutations(&DMatrix::from_fn(size, size, |i, j| {
                        if rows.contains(&i) { e[(i, j)] } else { a[(i, j)] }
                    }))
                };
                let slope: f64 = (0..size).map(|i| with(&[i])).sum();
                let pairs = (0..size).flat_map(|i| (0..i).map(move |k| [i, k]));
                let second: f64 = pairs.map(|pair| 2.0 * with(&pair)).sum();
                let found = by_every_nesting!(|t| determinant(&moved(t, &a, &e)).unwrap());
                let near = |found: f64, expected: f64| {
                    let error = f64::abs(found / expected - 1.0);
                    assert!(error < 1e-9, "{size} {power} {which}: {found:e} {expected:e}");
                };
                found.1.into_iter().for_each(|x| near(x, slope));
                found.2.into_iter().for_each(|x| near(x, second));
            }
        }
    }
}

/// The same of more rows.
#[test]
fn second_derivatives_of_large_determinants_along_directions_of_any_size() {
    let mut random = Sampler::new(67, 67);
    for (size, power) in [(9, 20), (9, 45), (9, 150), (12, 90), (17, 40)] {
        let [mut any, e] = [(); 2].map(|()| random.matrix::<f64>(size, size));
        (0..size).for_each(|i| any[(i, i)] += if i % 2 == 0 { 4.0 } else { -4.0 });
        for which in 0..3 {
            // Rows in no order, so that the smallest two are anywhere. With the smallest columns first elimination takes rows of
            // the direction, where they are largest, as they are.
            let by_place = |place: usize| power - 2 * power * place as i32 / (size as i32 - 1);
            let of_row = |i: usize| by_place((5 * i) % size);
            let of_column = |j: usize| by_place(size - 1 - j);
            let a = DMatrix::from_fn(size, size, |i, j| {
                let k = [of_row(i), of_column(j), of_row(i) / 2 + of_column(j) / 2][which];
                any[(i, j)] * 2.0_f64.powi(k)
            });
            let with = |rows: &[usize]| {
                let mut m = DMatrix::from_fn(size, size, |i, j| {
                    if rows.contains(&i) { e[(i, j)] } else { a[(i, j)] }
                });
                let mut power = 0.0;
                if which == 2 {
                    // Elimination of rows and columns of any size would lose digits.
                    for mut row in m.row_iter_mut() {
                        let of_row = row.amax().log2().floor();
                        row *= (-of_row).exp2();
                        power += of_row;
                    }
                }
                determinant(&m).unwrap() * power.exp2()
            };
            let slopes: Vec<f64> = (0..size).map(|i| with(&[i])).collect();
            let pairs = (0..size).flat_map(|i| (0..i).map(move |k| [i, k]));
            let seconds: Vec<f64> = pairs.map(|pair| 2.0 * with(&pair)).collect();
            let found = by_every_nesting!(|t| determinant(&moved(t, &a, &e)).unwrap());
            // Beside the largest of what is added up.
            let near = |found: f64, terms: &[f64]| {
                let (sum, most) =
                    terms.iter().fold((0.0, 0.0), |(sum, most), x| (sum + x, x.abs().max(most)));
                let error = f64::abs(found - sum) / most;
                assert!(error < 1e-11, "{size} {power} {which}: {found:e} {sum:e}");
            };
            found.1.into_iter().for_each(|x| near(x, &slopes));
            found.2.into_iter().for_each(|x| near(x, &seconds));
        }
    }
}

/// A + t E.
fn moved<S: Real>(t: S, a: &DMatrix<f64>, e: &DMatrix<f64>) -> DMatrix<S> {
    let number = nalgebra::convert::<f64, S>;
    a.zip_map(e, |a, e| number(a) + t * number(e))
}

/// The sum of the entries of the inverse of a square, times powers of two: of A = B D it is D^-1 (B^-1 D^-1 B^-1).
#[test]
fn powers_of_inverses_of_columns_of_any_size() {
    for power in [100, 300, 498] {
        for turn in [false, true] {
            let sizes = if turn { [-power, power] } else { [power, -power] };
            let scaled =
                |m: DMatrix<f64>| DMatrix::from_fn(2, 2, |i, j| m[(i, j)] * 2.0_f64.powi(sizes[j]));
            let (a, e) = (dmatrix![2.0, 0.5; -0.75, 1.5], dmatrix![0.5, -0.25; 0.75, 1.0]);
            let of = [&scaled(a.clone()), &scaled(e.clone())];
            // What is divided by the smaller size twice.
            let weight = |i: usize| 2.0_f64.powi(sizes[i] - power);
            fn loss<S: Real>(t: S, of: [&DMatrix<f64>; 2], weights: [f64; 2]) -> S {
                let y = pow(&moved(t, of[0], of[1]), -2).unwrap();
                let weight = |k: usize| weights[k % 2] * (1.0 + k as f64);
                let terms = y.iter().enumerate().map(|(k, &x)| x * nalgebra::convert(weight(k)));
                terms.fold(S::zero(), |sum, x| sum + x)
            }
            fn limit<S: Real>(t: S, of: [&DMatrix<f64>; 2], small: usize) -> S {
                let b = inverse(&moved(t, of[0], of[1])).unwrap();
                let mut sum = S::zero();
                for k in 0..4 {
                    // Of the product over the smaller size nothing else is left.
                    let entry = b[(k % 2, small)] * b[(small, k / 2)];
                    sum += entry * nalgebra::convert::<f64, S>(1.0 + k as f64);
                }
                sum
            }
            let weights = [weight(0), weight(1)];
            let found = by_every_nesting!(|t| loss(t, of, weights));
            let small = usize::from(!turn);
            let of = [&a, &e];
            let expected = by_every_nesting!(|t| limit(t, of, small));
            let near = |found: f64, expected: f64| {
                let error = f64::abs(found / expected - 1.0);
                assert!(error < 1e-12, "{power} {turn}: {found:e} {expected:e}");
            };
            near(found.0, expected.0);
            found.1.into_iter().for_each(|x| near(x, expected.1[0]));
            found.2.into_iter().for_each(|x| near(x, expected.2[0]));
        }
    }
}

/// First columns that are small beside first rows, and the other way: each unknown has a size of its own.
#[test]
fn toeplitz_matrices_with_small_columns() {
    fn loss<S: Real>(dense: bool, t: S, powers: [i32; 2], weights: &[f64]) -> S {
        let size = weights.len();
        let vector = |seed: usize, power: i32| {
            DVector::from_fn(size, |i, _| {
                let part =
                    |seed| nalgebra::convert::<f64, S>(whole(i, 2, seed) * 2.0_f64.powi(power));
                part(seed) + t * part(seed + 1)
            })
        };
        let (column, row, b) = (vector(0, powers[0]), vector(2, powers[1]), vector(5, 0));
        let x = if dense {
            let entry = |i: usize, j: usize| if i >= j { column[i - j] } else { row[j - i] };
            solve(&DMatrix::from_fn(size, size, entry), &b)
        } else {
            toeplitz_solve(&column, &row, &b)
        };
        let x = x.unwrap();
        let terms = x.iter().zip(weights).map(|(&x, &weight)| x * nalgebra::convert(weight));
        terms.fold(S::zero(), |sum, x| sum + x)
    }
    for size in [2, 3, 4, 6] {
        for powers in [[0, 0], [-10, 0], [-50, 0], [-160, 0], [-250, 0], [10, 0], [50, 0], [160, 0]]
        {
            // Weights of the sizes of the unknowns.
            let weights: Vec<f64> = (0..size)
                .map(|k| {
                    let mut one = vec![0.0; size];
                    one[k] = 1.0;
                    (1.0 + k as f64) / loss::<f64>(true, 0.0, powers, &one).abs()
                })
                .collect();
            let found = by_every_nesting!(|t| loss(false, t, powers, &weights));
            let expected = by_every_nesting!(|t| loss(true, t, powers, &weights));
            let near = |found: f64, expected: f64, rounding: f64| {
                let error = f64::abs(found - expected) / f64::abs(expected).max(1.0);
                assert!(error < rounding, "{size} {powers:?}: {found:e} {expected:e}");
            };
            near(found.0, expected.0, 1e-11);
            found.1.into_iter().for_each(|x| near(x, expected.1[0], 1e-10));
            found.2.into_iter().for_each(|x| near(x, expected.2[0], 1e-9));
        }
    }
}

/// Next to a singular matrix derivatives of a logarithm by the small eigenvalue are far above those of a power. From mpmath.
#[test]
fn powers_next_to_singular_matrices() {
    fn loss<S: Real>(t: S, small: f64, p: f64) -> S {
        let a = dmatrix![2.0 - small, 2.0 * small - 2.0; 1.0 - small, 2.0 * small - 1.0];
        let e = dmatrix![0.375, -0.25; 0.75, 0.875];
        let y = powf(&moved(t, &a, &e), nalgebra::convert(p)).unwrap();
        let weights = [1.0, 0.5, -2.0, 3.0].map(nalgebra::convert::<f64, S>);
        y.iter().zip(weights).fold(S::zero(), |sum, (&y, weight)| sum + y * weight)
    }
    for (power, p, expected) in [
        (-20, 2.7, [3.5, -8.84374153588681, -26.8669498250987]),
        (-30, 2.7, [3.5, -8.84374999173451, -26.8683486474184]),
        (-36, 2.7, [3.5, -8.84374999987085, -26.8683587928954]),
        (-20, 0.7, [3.50003051757813, 74.2807167763394, -68814929.5280182]),
    ] {
        let found = by_every_nesting!(|t| loss(t, 2.0_f64.powi(power), p));
        let near = |found: f64, expected: f64, rounding: f64| {
            let error = f64::abs(found / expected - 1.0);
            assert!(error < rounding, "{power} {p}: {found:e} {expected:e}");
        };
        near(found.0, expected[0], 1e-12);
        found.1.into_iter().for_each(|x| near(x, expected[1], 1e-8));
        found.2.into_iter().for_each(|x| near(x, expected[2], 1e-5));
    }
}

/// f(D A D^-1) is D f(A) D^-1.
#[test]
fn functions_in_units_of_any_size() {
    fn loss<S: Real>(name: &str, t: S, of: [&DMatrix<f64>; 2], powers: [i32; 3]) -> S {
        let at = moved(t, of[0], of[1]);
        let scaled = |m: DMatrix<S>, sign: i32| {
            DMatrix::from_fn(3, 3, |i, j| {
                m[(i, j)] * nalgebra::convert(2.0_f64.powi(sign * (powers[i] - powers[j])))
            })
        };
        let a = scaled(at, 1);
        let y = match name {
            "exp" => exp(&a),
            "ln" => ln(&a),
            _ => powf(&a, nalgebra::convert(2.7)),
        };
        let weight = |(k, &x): (usize, &S)| x * nalgebra::convert(whole(k, 1, 0));
        scaled(y.unwrap(), -1).iter().enumerate().map(weight).fold(S::zero(), |sum, x| sum + x)
    }
    let a = dmatrix![2.0, 0.5, -0.25; 0.75, 1.5, 0.5; -0.5, 0.25, 1.25];
    let e = dmatrix![0.5, -0.25, 1.0; 0.75, 1.0, -0.5; 0.25, 0.5, 0.75];
    for name in ["exp", "ln", "powf"] {
        let expected = by_every_nesting!(|t| loss(name, t, [&a, &e], [0; 3]));
        for powers in [[10, 0, -10], [0, 80, -90], [-200, 220, 0]] {
            let found = by_every_nesting!(|t| loss(name, t, [&a, &e], powers));
            let near = |found: f64, expected: f64| {
                let error = f64::abs(found / expected - 1.0);
                assert!(error < 1e-11, "{name} {powers:?}: {found:e} {expected:e}");
            };
            near(found.0, expected.0);
            found.1.into_iter().for_each(|x| near(x, expected.1[0]));
            found.2.into_iter().for_each(|x| near(x, expected.2[0]));
        }
    }
}
