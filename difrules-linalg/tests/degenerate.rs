//! Where decompositions are not unique, matrices are singular, or norms have kinks: against closed forms.

use difrules_core::diagnostic::{Defect, Diagnostic};
use difrules_core::testing::{Sampler, difference};
use difrules_core::{
    Dual, Real, Var, diagnosed, gradient, hvp, jvp, leaving_out_undefined, value_and_gradient,
};
use difrules_linalg::{
    Bidiagonal, Eigen, Error, FullPivLu, Lblt, Lu, Operation, ScalarFunction, Svd, SymmetricEigen,
    SymmetricTridiagonal, Udu, Vector, bidiagonal, col_piv_qr, complex_eigenvalues, component_mul,
    condition_number, determinant, dot, eigen, full_piv_lu, generalized_symmetric_eigen,
    hessenberg, lblt, lblt_solve, lp_norm, lq, lstsq, lu, lu_solve, matmul, norm, norm_inf,
    normalize, nuclear_norm, one_norm, polar, pseudo_inverse, qr, scale, schur, solve,
    spectral_norm, sum, svd, symmetric_eigen, symmetric_eigenvalues, symmetric_function,
    symmetric_tridiagonal, toeplitz_solve, transpose, tridiagonal_solve, udu, udu_solve,
};
use nalgebra::{Complex, ComplexField, DMatrix, DVector, SMatrix, dmatrix, dvector, matrix};

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
    // A column of zeros: what has no derivative is NaN, or left out, and is reported.
    let a = dmatrix![0.0, 1.0; 0.0, 2.0];
    let slope = || gradient(|a| lu(a).map(|lu| sum(&lu.packed) + lu.packed[(1, 0)]), &a).unwrap();
    let (found, heard) = diagnosed(slope);
    assert!(f64::is_nan(found[(1, 0)]));
    let reason = "pivot 0 is zero, counting from 0, and has rows below it";
    assert_eq!(heard, [Diagnostic::undefined("lu", reason)]);
    let (found, heard) = diagnosed(|| leaving_out_undefined(slope));
    assert_eq!(found, dmatrix![1.0, 1.0; 0.0, 1.0]);
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
    let jvp = |a: &DMatrix<f64>, v: &DMatrix<f64>| jvp(qr, a, v).unwrap();
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
    assert!(matches!(heard[0].defect, Defect::Gauge { .. }), "{heard:?}");
    // Nothing at all.
    let zero = DMatrix::<f64>::zeros(3, 2);
    let slope = || gradient(|a| Ok::<_, Error>(sum(&qr(a)?.1)), &zero).unwrap();
    let (found, heard) = diagnosed(slope);
    assert!(found.iter().all(|x| x.is_nan()) && heard.len() == 1, "{heard:?}");
    assert!(leaving_out_undefined(slope).iter().all(|x| x.is_finite()));
    // Scales of columns and of rows are no dependence.
    for a in [
        dmatrix![1.0, 0.0; 0.0, 1e-25],
        dmatrix![1e25, 1e25; 1.0, 2.0],
        dmatrix![1.0, 1e-25; 1.0, 2e-25],
    ] {
        let (_, heard) = diagnosed(|| jvp(&a, &dmatrix![0.1, 0.2; 0.3, 0.4]));
        assert!(heard.is_empty(), "{a}: {heard:?}");
    }
}

/// Of a determinant that is a number its derivative by an entry may be none: that is no matter of the others.
#[test]
fn determinants_with_cofactors_that_overflow() {
    let a = DMatrix::from_diagonal(&dvector![1e200, 1e200, 1e-300]);
    let (value, slopes) = value_and_gradient(determinant, &a).unwrap();
    let expected = DMatrix::from_diagonal(&dvector![1e-100, 1e-100, f64::INFINITY]);
    let near =
        |found: f64, expected: f64| found == expected || (found / expected - 1.0).abs() < 1e-14;
    assert!(
        near(value, 1e100) && slopes.iter().zip(&expected).all(|(x, y)| near(*x, *y)),
        "{slopes}"
    );
    for place in 0..9 {
        let mut unit = DMatrix::zeros(3, 3);
        unit[place] = 1.0;
        let along = jvp(determinant, &a, &unit).unwrap().1;
        assert!(near(along, expected[place]), "{place}: {along}");
    }
    let single = dmatrix![1e30_f32, 0.0, 0.0; 0.0, 1e30, 0.0; 0.0, 0.0, 1e-38];
    let unit = dmatrix![1.0, 0.0, 0.0; 0.0, 0.0, 0.0; 0.0, 0.0, 0.0];
    assert!((jvp(determinant, &single, &unit).unwrap().1 / 1e-8 - 1.0).abs() < 1e-5);
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
    assert_eq!((y, a_bar), (2.0, dmatrix![0.0, 0.0; 1.0, 0.0]));
    let slope = || gradient(|a| Ok::<_, Error>(sum(&normalize(a)?)), &zero).unwrap();
    assert_eq!(leaving_out_undefined(slope), zero);
    let (found, heard) = diagnosed(slope);
    assert!(found.iter().all(|x| x.is_nan()));
    assert_eq!(heard, [Diagnostic::undefined("normalize", "zero has no direction")]);
    for size in [1e200, 1e-200] {
        let y = normalize(&dvector![3.0 * size, 4.0 * size]).unwrap();
        assert!((y - dvector![0.6, 0.8]).norm() < 1e-13);
    }
}

#[test]
fn functions_of_a_matrix_whose_eigenvalues_repeat() {
    let mut random = Sampler::new(17, 17);
    let size = 5;
    let v = random.matrix::<f64>(size, size).qr().q();
    let s: DMatrix<f64> = random.matrix(size, size);
    let s = &s + s.transpose();
    let exponential: ScalarFunction = "exp(x)".parse().unwrap();
    let itself: ScalarFunction = "x".parse().unwrap();
    let same = [1.5; 5];
    for values in
        [same, [1.0, 1.0, 1.0, 2.0, 2.0], [1.0, 1.0 + 1e-10, 1.0 + 2e-10, 3.0, 3.0 + 1e-13]]
    {
        let a = &v * DMatrix::from_diagonal(&values.to_vec().into()) * v.transpose();
        let a = (&a + a.transpose()) * 0.5;
        let pairing = |a: &DMatrix<Var<f64>>| {
            dot(&symmetric_function(a, &exponential)?, &s.map(Var::constant))
        };
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
            (&found - &expected).norm() < 1e-12 * expected.norm(),
            "{values:?}: {found} {expected}"
        );
        assert!(heard.is_empty(), "{values:?}: {heard:?}");
        // Entry by entry the eigenvectors do not tell.
        if values == same {
            let entries = |a: &DMatrix<Var<f64>>| {
                let rebuilt = spectral_function(a, ComplexField::exp)?;
                dot(&rebuilt, &s.map(Var::constant))
            };
            let (found, heard) = diagnosed(|| gradient(entries, &a).unwrap());
            assert!(found.iter().all(|x| x.is_nan()) && heard.len() == 1, "{heard:?}");
        }
    }
    // The identity, put together again; the gradient is S.
    let a = DMatrix::<f64>::identity(size, size);
    let again =
        |a: &DMatrix<Var<f64>>| dot(&symmetric_function(a, &itself)?, &s.map(Var::constant));
    assert!((gradient(again, &a).unwrap() - &s).norm() < 1e-13 * s.norm());
    let (_, heard) = diagnosed(|| jvp(symmetric_eigen, &a, &s).unwrap());
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
        for values in [[1.0, 1.0, 1.0, 1.0], [3.0, 3.0, 1.0, 1.0], [2.0, 1.5, 1.0, 0.5]] {
            let s = DMatrix::from_diagonal(&values.to_vec().into());
            let a = &u * &s * v.transpose();
            let repeats = values[2] == values[3];
            // Put together again: the gradient is C, but where values repeat the vectors do not tell.
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
            let told = if repeats { error.is_nan() } else { error < 1e-12 };
            assert!(
                told && heard.is_empty() != repeats,
                "{rows} x {columns}, {values:?}: {error:e} {heard:?}"
            );
            // The orthogonal factor U V^T, whose derivative takes sums of singular values alone
            // (Kenney and Laub 1991, "Polar decomposition and matrix sign function condition estimates").
            let factor = |a: &DMatrix<Var<f64>>| dot(&polar(a)?.0, &c.map(Var::constant));
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
        // By all of A the derivatives are undefined, but for what keeps the rank.
        let (found, heard) = diagnosed(|| {
            leaving_out_undefined(|| {
                [gradient(solved, &left).unwrap(), gradient(inverted, &left).unwrap()]
            })
        });
        assert_eq!(heard.len(), 2, "{heard:?}");
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
fn pseudo_inverses_where_the_rank_changes() {
    let any = |a: &DMatrix<Var<f64>>| {
        let ones = DMatrix::from_element(a.nrows(), 1, Var::constant(1.0));
        Ok::<_, Error>((sum(&pseudo_inverse(a)?), sum(&lstsq(a, &ones)?)))
    };
    let mut random = Sampler::new(47, 47);
    let (u, v) = (random.matrix::<f64>(4, 4).qr().q(), random.matrix::<f64>(3, 3).qr().q());
    for (a, u0, v0) in [
        (dmatrix![1.0, 0.0; 0.0, 0.0], dmatrix![0.0; 1.0], dmatrix![0.0; 1.0]),
        (dmatrix![2e-100, 0.0; 0.0, 0.0; 0.0, 0.0], dmatrix![0.0; 1.0; 1.0], dmatrix![0.0; 1.0]),
        (
            u.columns(0, 1) * v.columns(0, 1).transpose() * 1e150,
            u.columns(1, 1).into_owned(),
            v.columns(2, 1).into_owned(),
        ),
        (DMatrix::zeros(2, 3), dmatrix![1.0; 0.0], dmatrix![0.0; 1.0; 0.0]),
    ] {
        let ones = DMatrix::from_element(a.nrows(), 1, 1.0);
        let lift = |x: f64| Dual::constant(x);
        let changes = &u0 * v0.transpose();
        let ((_, moved), heard) = diagnosed(|| jvp(pseudo_inverse, &a, &changes).unwrap());
        assert!(moved.iter().all(|x: &f64| x.is_nan()) && heard.len() == 1, "{moved} {heard:?}");
        let solved = |a: &DMatrix<_>| lstsq(a, &ones.map(lift)).unwrap();
        let ((_, moved), heard) = diagnosed(|| jvp(solved, &a, &changes));
        assert!(moved.iter().all(|x: &f64| x.is_nan()) && heard.len() == 1, "{moved} {heard:?}");
        // A derivative that is undefined has undefined derivatives, where nothing else depends on A too.
        let tangents = |a: &DMatrix<Dual<f64>>| {
            let along = changes.map(Dual::constant);
            let ones = ones.map(|x| Dual::constant(Dual::constant(x)));
            let solved = |a: &DMatrix<Dual<Dual<f64>>>| lstsq(a, &ones);
            (jvp(pseudo_inverse, a, &along).unwrap().1, jvp(solved, a, &along).unwrap().1)
        };
        let (_, (of_inverse, of_solution)) = jvp(tangents, &a, &changes);
        let mut moved = of_inverse.iter().chain(&of_solution);
        assert!(moved.all(|x: &f64| x.is_nan()), "{of_inverse} {of_solution}");
        // Along A itself nothing jumps.
        let ((y, moved), heard) = diagnosed(|| jvp(pseudo_inverse, &a, &a).unwrap());
        assert!((moved + y).norm() <= 1e-15 / a.norm() && heard.is_empty(), "{heard:?}");
        let ((x, moved), heard) = diagnosed(|| jvp(solved, &a, &a));
        assert!((&moved + &x).norm() <= 1e-14 * x.norm() && heard.is_empty(), "{heard:?}");
        // Entry by entry both modes say the same.
        for which in [false, true] {
            let loss = |a: &DMatrix<Var<f64>>| {
                any(a).map(|(of_inverse, of_solution)| if which { of_solution } else { of_inverse })
            };
            let (found, heard) = diagnosed(|| gradient(loss, &a).unwrap());
            assert!(!heard.is_empty() && found.iter().any(|x| x.is_nan()), "{found} {heard:?}");
            for (k, &found) in found.iter().enumerate() {
                let mut direction = a.map(|_| 0.0);
                direction[k] = 1.0;
                let slope = match which {
                    true => jvp(solved, &a, &direction).1.sum(),
                    false => jvp(pseudo_inverse, &a, &direction).unwrap().1.sum(),
                };
                let close = (found - slope).abs() <= 1e-12 * slope.abs().max(found.abs());
                assert!(found.is_nan() && slope.is_nan() || close, "{a} {k}: {found} {slope}");
            }
            let (found, heard) =
                diagnosed(|| leaving_out_undefined(|| gradient(loss, &a).unwrap()));
            assert!(found.iter().all(|x| x.is_finite()) && !heard.is_empty());
        }
    }
    // A direction is no larger where the rank is lost than the rows are.
    for turned in [false, true] {
        let graded = |m: DMatrix<f32>| {
            let m = DMatrix::from_fn(3, 3, |i, j| m[(i, j)] * [1.0, 1e-3, 1e-8][i]);
            if turned { m.transpose() } else { m }
        };
        let a = graded(dmatrix![0.7, -0.3, 0.5; 0.4, 0.9, -0.6; -0.2, 0.8, 0.3]);
        let e = graded(dmatrix![0.3, -0.8, 0.2; 0.5, 0.1, 0.7; 0.6, -0.4, 0.9]);
        let first = |a: &DMatrix<Var<f32>>| Ok::<_, Error>(pseudo_inverse(a)?[(0, 0)]);
        let (found, _) = diagnosed(|| gradient(first, &a).unwrap());
        let ((_, moved), heard) = diagnosed(|| jvp(pseudo_inverse, &a, &e).unwrap());
        assert!(found.dot(&e).is_nan() && moved[(0, 0)].is_nan() && heard.len() == 1, "{moved}");
    }
    // Of full rank nothing does.
    for (rows, columns) in [(3, 2), (2, 3), (3, 3)] {
        let a: DMatrix<f64> = random.matrix(rows, columns);
        let (found, heard) = diagnosed(|| gradient(|a| any(a).map(|(x, y)| x + y), &a).unwrap());
        assert!(heard.is_empty() && found.iter().all(|x| x.is_finite()));
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
fn unitary_factors_at_matrices_whose_singular_values_repeat() {
    let mut random = Sampler::new(31, 31);
    let q = random.matrix::<f64>(5, 5).qr().q();
    let (direction, s, t): (DMatrix<f64>, DMatrix<f64>, DMatrix<f64>) =
        (random.matrix(5, 5), random.matrix(5, 5), random.matrix(5, 5));
    // At an orthogonal matrix 2 dU = dA - A dA^T A, 2 dP = A^T dA + dA^T A.
    let (((u, p), (u_dot, p_dot)), heard) = diagnosed(|| jvp(polar, &q, &direction).unwrap());
    assert!((u - &q).norm() < 1e-13 && (p - DMatrix::identity(5, 5)).norm() < 1e-13);
    assert!((u_dot * 2.0 - (&direction - &q * direction.transpose() * &q)).norm() < 1e-12);
    let along = q.transpose() * &direction;
    assert!((p_dot * 2.0 - (&along + along.transpose())).norm() < 1e-12);
    let pairing = |a: &DMatrix<Var<f64>>| {
        let (u, p) = polar(a)?;
        Ok::<_, Error>(dot(&u, &s.map(Var::constant))? + dot(&p, &t.map(Var::constant))?)
    };
    let (found, more) = diagnosed(|| gradient(pairing, &q).unwrap());
    let expected = (&s - &q * s.transpose() * &q + &q * (&t + t.transpose())) * 0.5;
    assert!((found - expected).norm() < 1e-12 && heard.is_empty() && more.is_empty());
    // Of rank n - 1 the factor of a real square matrix is determined but for a sign.
    let singular = {
        let mut values = dvector![2.0, 2.0, 1.0, 1.0, 0.0];
        values[3] += 1e-11;
        &q * DMatrix::from_diagonal(&values)
    };
    let ((_, (u_dot, p_dot)), heard) = diagnosed(|| jvp(polar, &singular, &direction).unwrap());
    // The positive factor has a kink there.
    assert!(u_dot.iter().chain(p_dot.iter()).all(|x: &f64| x.is_nan()) && heard.len() == 1);
    let (found, heard) = diagnosed(|| gradient(pairing, &singular).unwrap());
    assert!(found.iter().all(|x: &f64| x.is_nan()) && !heard.is_empty());
    // But not along what leaves the zero.
    let mut along = q.transpose() * &direction;
    along[(4, 4)] = 0.0;
    let along = &q * along;
    let (((u, p), (u_dot, p_dot)), heard) = diagnosed(|| jvp(polar, &singular, &along).unwrap());
    assert!(heard.is_empty(), "{heard:?}");
    assert!((u.transpose() * &u_dot + u_dot.transpose() * &u).norm() < 1e-11);
    assert!((u_dot * p + u * p_dot - &along).norm() < 1e-11);
    // Zero has no unitary factor.
    let found =
        diagnosed(|| jvp(polar, &DMatrix::<f64>::zeros(2, 2), &dmatrix![0.0, 1.0; 0.0, 0.0]));
    assert!(found.0.is_ok() && found.1.len() == 1);
    // The condition number has its minimum there.
    let (y, a_bar) = value_and_gradient(condition_number, &q).unwrap();
    assert!((y - 1.0).abs() < 1e-13 && a_bar.norm() == 0.0);
    let deficient = Error::RankDeficient { argument: "a", rank: 1, expected: 2 };
    assert_eq!(condition_number(&dmatrix![1.0, 0.0; 0.0, 0.0]), Err(deficient));
}

#[test]
fn pencils_whose_eigenvalues_repeat() {
    let mut random = Sampler::new(37, 37);
    let b: DMatrix<f64> = random.positive_definite(4);
    let s: DMatrix<f64> = random.matrix(4, 4);
    let s = &s + s.transpose();
    // V diag(w) V^T is B^-1 A B^-1; at A = 3 B all eigenvalues are 3, and V and w do not tell how it changes.
    let pairing = |ab: &(DMatrix<Var<f64>>, DMatrix<Var<f64>>)| {
        let SymmetricEigen { eigenvalues, eigenvectors } =
            generalized_symmetric_eigen(&ab.0, &ab.1)?;
        let mut scaled = eigenvectors.clone();
        for (mut column, &w) in scaled.column_iter_mut().zip(eigenvalues.iter()) {
            column *= w;
        }
        dot(&matmul(&scaled, &transpose(&eigenvectors))?, &s.map(Var::constant))
    };
    let (found, heard) = diagnosed(|| gradient(pairing, &(&b * 3.0, b.clone())));
    let (a_bar, b_bar) = found.unwrap();
    assert!(a_bar.iter().chain(b_bar.iter()).all(|x| x.is_nan()) && heard.len() == 1);
    // The sum of the eigenvalues is tr(B^-1 A).
    let trace = |ab: &(DMatrix<Var<f64>>, DMatrix<Var<f64>>)| {
        Ok::<_, Error>(sum(&generalized_symmetric_eigen(&ab.0, &ab.1)?.eigenvalues))
    };
    let (found, heard) = diagnosed(|| gradient(trace, &(&b * 3.0, b.clone())));
    let (a_bar, b_bar) = found.unwrap();
    let inverse = b.clone().try_inverse().unwrap();
    assert!((a_bar - &inverse).norm() < 1e-12 * inverse.norm());
    assert!((b_bar + &inverse * 3.0).norm() < 1e-12 * inverse.norm());
    assert!(heard.is_empty(), "{heard:?}");
}

#[test]
fn eigenvectors_that_repeat_or_lack() {
    let complex = |re| Complex::new(re, 0.0);
    // A defective matrix: the square root of a perturbation has no derivative.
    for jordan in [
        dmatrix![2.0_f64, 1.0; 0.0, 2.0],
        dmatrix![2.0, 1.0, 0.0; 0.0, 2.0, 1.0; 0.0, 0.0, 2.0],
        // The same in another basis, where rounding splits the eigenvalue.
        dmatrix![3.0, -1.0; 1.0, 1.0],
    ] {
        let size = jordan.nrows();
        let values = complex_eigenvalues(&jordan).unwrap();
        assert!(values.iter().all(|w| (w - complex(2.0)).norm() < 1e-4), "{values}");
        let first = |a: &DMatrix<Var<f64>>| Ok::<_, Error>(complex_eigenvalues(a)?[0].re);
        let (found, heard) = diagnosed(|| gradient(first, &jordan).unwrap());
        assert!(found.iter().all(|x: &f64| x.is_nan()));
        let left_out = leaving_out_undefined(|| gradient(first, &jordan).unwrap());
        assert!(left_out.iter().all(|x: &f64| x.is_finite()));
        assert!(
            matches!(&heard[..], [Diagnostic { defect: Defect::Undefined { reason }, .. }]
                if reason.contains("defective")),
            "{jordan}: {heard:?}"
        );
        let (found, heard) =
            diagnosed(|| jvp(eigen, &jordan, &DMatrix::from_element(size, size, 1.0)).unwrap());
        assert!(found.1.eigenvectors.iter().any(|x| x.norm().is_nan()) && !heard.is_empty());
    }
    // Enough eigenvectors: symmetric functions of the values have derivatives, each vector has none.
    let identity = DMatrix::<f64>::identity(3, 3);
    let trace = |a: &DMatrix<Var<f64>>| Ok::<_, Error>(sum(&complex_eigenvalues(a)?).re);
    let (found, heard) = diagnosed(|| gradient(trace, &identity));
    assert!((found.unwrap() - &identity).norm() < 1e-14 && heard.is_empty());
    let entry = |a: &DMatrix<Var<f64>>| Ok::<_, Error>(eigen(a)?.eigenvectors[(0, 1)].re);
    let (found, heard) = diagnosed(|| gradient(entry, &identity));
    assert!(found.unwrap().iter().all(|x: &f64| x.is_nan()) && heard.len() == 1, "{heard:?}");
    // A rotation: w = cos x + i sin x, so d(im w)/dA is that of sqrt(det - (tr / 2)^2).
    let angle = 0.7_f64;
    let a = dmatrix![angle.cos(), -angle.sin(); angle.sin(), angle.cos()];
    let last = |a: &DMatrix<Var<f64>>| Ok::<_, Error>(complex_eigenvalues(a)?[1].im);
    let found = gradient(last, &a).unwrap();
    let expected = dmatrix![0.0, -0.5; 0.5, 0.0];
    assert!((found - expected).norm() < 1e-14);
}

/// Values are sorted: a direction that moves the first of two that are one past the second exchanges their vectors, which
/// has no derivative, though nothing else has to turn. One that moves the second is none of these: the factors put the
/// matrix together.
#[test]
fn vectors_that_a_direction_exchanges() {
    let unit = |i: usize| {
        let mut unit = DMatrix::<f64>::zeros(3, 3);
        unit[(i, i)] = 1.0;
        unit
    };
    for (a, places) in [
        (DMatrix::from_diagonal(&dvector![2.0, 2.0, 5.0]), [0, 1]),
        (DMatrix::from_diagonal(&dvector![5.0, 2.0, 2.0]), [1, 2]),
    ] {
        let increasing = |direction: &DMatrix<f64>| {
            let ((_, found), heard) = diagnosed(|| jvp(symmetric_eigen, &a, direction).unwrap());
            let SymmetricEigen { eigenvalues: w, eigenvectors: v } = symmetric_eigen(&a).unwrap();
            let w = DMatrix::from_diagonal(&w);
            let w_dot = DMatrix::from_diagonal(&found.eigenvalues);
            let v_dot = found.eigenvectors;
            let moved = &v_dot * &w * v.transpose() + &v * w_dot * v.transpose();
            (moved + &v * w * v_dot.transpose(), heard)
        };
        let decreasing = |direction: &DMatrix<f64>| {
            let ((_, found), heard) = diagnosed(|| jvp(svd, &a, direction).unwrap());
            let Svd { u, singular_values: s, v_t } = svd(&a).unwrap();
            let (s, s_dot) =
                (DMatrix::from_diagonal(&s), DMatrix::from_diagonal(&found.singular_values));
            (found.u * &s * &v_t + &u * s_dot * &v_t + u * s * found.v_t, heard)
        };
        let both: [&dyn Fn(&DMatrix<f64>) -> (DMatrix<f64>, Vec<Diagnostic>); 2] =
            [&increasing, &decreasing];
        for moved in both {
            let mut exchanged = 0;
            for place in places {
                let (found, heard) = moved(&unit(place));
                if heard.is_empty() {
                    assert!((&found - unit(place)).norm() < 1e-14, "{found}");
                } else {
                    assert!(found.iter().any(|x| x.is_nan()), "{found}");
                    exchanged += 1;
                }
            }
            assert_eq!(exchanged, 1);
            // All of them by one.
            let identity = DMatrix::identity(3, 3);
            let (found, heard) = moved(&identity);
            assert!((found - identity).norm() < 1e-14 && heard.is_empty(), "{heard:?}");
        }
    }
}

#[test]
fn schur_forms_of_repeated_eigenvalues() {
    let mut random = Sampler::new(41, 41);
    let q = random.matrix::<f64>(4, 4).qr().q();
    let upper = dmatrix![
        1.0, 0.5, 2.0, 1.0; 0.0, 1.0, 0.3, 0.4; 0.0, 0.0, 2.0, 3.0; 0.0, 0.0, -1.0, 2.0
    ];
    let a = &q * upper * q.transpose();
    let (again, t) = schur(&a).unwrap();
    assert!((&again * &t * again.transpose() - &a).norm() < 1e-13);
    let direction: DMatrix<f64> = random.matrix(4, 4);
    let (found, heard) = diagnosed(|| jvp(schur, &a, &direction).unwrap());
    // Rounding may split a defective eigenvalue; where it does not, the loss is reported.
    let finite = found.1.0.iter().chain(found.1.1.iter()).all(|x| x.is_finite());
    assert!(heard.len() <= 1 && finite == heard.is_empty());
    let (_, heard) = diagnosed(|| jvp(schur, &DMatrix::identity(4, 4), &direction).unwrap());
    assert_eq!(heard.len(), 1);
    // A normal block, a rotation: any rotated basis is as good.
    let rotation = dmatrix![0.6, 0.8; -0.8, 0.6];
    let (_, heard) = diagnosed(|| jvp(schur, &rotation, &dmatrix![1.0, 0.0; 0.0, 0.0]).unwrap());
    assert_eq!(heard.len(), 1);
    // T alone, along the identity: it moves by the identity, and Q does not move.
    let one = DMatrix::identity(2, 2);
    let ((_, (q_dot, t_dot)), heard) = diagnosed(|| jvp(schur, &rotation, &one).unwrap());
    assert!(q_dot.norm() < 1e-15 && (&t_dot - &one).norm() < 1e-15 && heard.is_empty());
    // Of eigenvalues that are one, a direction that moves them out of order exchanges the vectors.
    let apart = dmatrix![1.0, 0.0, 0.0; 0.0, 1.0, 0.0; 0.0, 0.0, 5.0];
    for (first, second, falls) in [(1.0, 2.0, false), (2.0, 1.0, true), (1.0, 1.0, false)] {
        let along = DMatrix::from_diagonal(&dvector![first, second, 0.0]);
        let ((_, (q_dot, t_dot)), heard) = diagnosed(|| jvp(schur, &apart, &along).unwrap());
        let lost = |m: &DMatrix<f64>| (0..3).map(|j| m[(j, j)].is_nan()).collect::<Vec<_>>();
        assert_eq!(lost(&q_dot), [falls, falls, false], "{q_dot}");
        assert_eq!(lost(&t_dot), [falls, falls, false], "{t_dot}");
        assert_eq!(heard.len(), usize::from(falls), "{heard:?}");
        assert!(falls || q_dot.norm() < 1e-15 && t_dot == along, "{t_dot}");
    }
}

#[test]
fn schur_forms_of_repeated_pairs() {
    let (one, zero) = (DMatrix::<f64>::identity(2, 2), DMatrix::<f64>::zeros(2, 2));
    let both = |first: &DMatrix<f64>, second: &DMatrix<f64>| {
        let mut both = DMatrix::zeros(4, 4);
        both.view_mut((0, 0), (2, 2)).copy_from(first);
        both.view_mut((2, 2), (2, 2)).copy_from(second);
        both
    };
    // The pair 1 + i twice, and directions that move its real and its imaginary part.
    let pair = dmatrix![1.0, 2.0; -0.5, 1.0];
    let a = both(&pair, &pair);
    let turn = &pair - &one;
    for part in [&one, &turn] {
        for (first, second, falls) in
            [(1.0, 2.0, false), (2.0, 1.0, true), (1.0, 1.0, false), (-2.0, -1.0, false)]
        {
            let along = both(&(part * first), &(part * second));
            let ((_, (q_dot, t_dot)), heard) = diagnosed(|| jvp(schur, &a, &along).unwrap());
            let lost = |m: &DMatrix<f64>| (0..4).all(|j| m[(j, j)].is_nan());
            assert_eq!((lost(&q_dot), lost(&t_dot)), (falls, falls), "{q_dot} {t_dot}");
            assert_eq!(heard.len(), usize::from(falls), "{heard:?}");
            assert!(falls || q_dot.norm() < 1e-15 && (&t_dot - &along).norm() < 1e-15, "{t_dot}");
        }
    }
    // What is not the same for both has no gradient; the trace has, and the sum of the squared imaginary parts, which
    // is that of the squared real parts less half of tr A^2.
    let entries = [(0, 0), (2, 2), (0, 1), (3, 2), (0, 2)];
    for place in entries {
        let entry = |a: &DMatrix<Var<f64>>| Ok::<_, Error>(schur(a)?.1[place]);
        let (found, heard) = diagnosed(|| gradient(entry, &a).unwrap());
        assert!(found.iter().any(|x| x.is_nan()) && !heard.is_empty(), "{place:?}: {found}");
    }
    let traces = |a: &DMatrix<Var<f64>>| Ok::<_, Error>(schur(a)?.1.trace());
    let (found, heard) = diagnosed(|| gradient(traces, &a).unwrap());
    assert!((found - both(&one, &one)).norm() < 1e-15 && heard.is_empty(), "{heard:?}");
    let squares = |a: &DMatrix<Var<f64>>| {
        let t = schur(a)?.1;
        Ok::<_, Error>(-(t[(0, 1)] * t[(1, 0)]) - t[(2, 3)] * t[(3, 2)])
    };
    let (found, heard) = diagnosed(|| gradient(squares, &a).unwrap());
    let expected = both(&one, &one) - a.transpose();
    assert!((found - expected).norm() < 1e-14 && heard.is_empty(), "{heard:?}");
    // Beside another pair, of which nothing is lost.
    let other = both(&pair, &(&pair * 3.0));
    let ((_, (q_dot, t_dot)), heard) =
        diagnosed(|| jvp(schur, &other, &both(&one, &zero)).unwrap());
    assert!(q_dot.norm() < 1e-15 && (t_dot - both(&one, &zero)).norm() < 1e-15, "{heard:?}");
}

/// Checks the derivatives of eigenvalues of a chain of each length, and of simple ones beside it, at a scalar: numbers times
/// a factor.
macro_rules! chains {
    ($scalar:ty, $real:ty, $var:ty, $factor:expr, $rounding:expr) => {{
        let mut random = Sampler::new(91, 91);
        for (length, value) in (2..=6).flat_map(|length| [(length, 0.0), (length, 1.5)]) {
            let size = length + 2;
            let chain = DMatrix::from_fn(size, size, |i, j| match (i, j) {
                _ if i == j && i < length => value,
                _ if i == j => [6.0, -7.0][i - length],
                _ => f64::from(u8::from(j == i + 1 && j < length)),
            });
            let any: DMatrix<f64> = random.matrix(size, size);
            let bases = [
                DMatrix::identity(size, size),
                any.clone().qr().q(),
                any * 0.2 + chain.map(|_| 0.1),
            ];
            for (which, basis) in bases.into_iter().enumerate() {
                let basis = if which == 2 { basis + DMatrix::identity(size, size) } else { basis };
                let inverse = basis.clone().try_inverse().unwrap();
                let lift = |x: f64| -> $scalar { $factor * x as $real };
                let a = (&basis * &chain * &inverse).map(lift);
                let along: DMatrix<f64> = random.matrix(size, size);
                let moves = (&inverse * &along * &basis).diagonal();
                let e = along.map(lift);
                let (values, moved) = diagnosed(|| jvp(complex_eigenvalues, &a, &e).unwrap()).0;
                let (_, of_eigen) = diagnosed(|| jvp(eigen, &a, &e).unwrap()).0;
                for (i, &w) in values.iter().enumerate() {
                    let what = format!("{length} at {value}, basis {which}: {w}");
                    let distance = |x: f64| (w - Complex::from(lift(x))).norm();
                    let other = [6.0, -7.0].iter().position(|&x| distance(x) < 2.0);
                    let both = [moved[i], of_eigen.eigenvalues[i]];
                    let part = |a: &DMatrix<$var>| Ok::<_, Error>(complex_eigenvalues(a)?[i].re);
                    let slope = diagnosed(|| gradient(part, &a).unwrap()).0;
                    let vector = of_eigen.eigenvectors.column(i);
                    let Some(other) = other else {
                        assert!(both.iter().all(|x| x.re.is_nan()), "{what}: {both:?}");
                        assert!(slope.iter().any(|x| x.is_nan()), "{what}: {slope}");
                        assert!(vector.iter().any(|x| x.re.is_nan()), "{what}: {vector}");
                        continue;
                    };
                    let expected = Complex::from(lift(moves[length + other]));
                    let near = |x: &Complex<$real>| (x - expected).norm() < $rounding;
                    assert!(both.iter().all(near), "{what}: {both:?}, not {expected}");
                    let sum = slope.iter().zip(&e).map(|(x, e)| (x.conjugate() * e).real());
                    let error = sum.sum::<$real>() - expected.re;
                    assert!(error.abs() < $rounding, "{what}: {error:e}");
                    assert!(vector.iter().all(|x| x.re.is_finite()), "{what}: {vector}");
                }
            }
        }
    }};
}

#[test]
fn eigenvalues_of_chains_have_no_derivative() {
    chains!(f64, f64, Var<f64>, 1.0, 1e-10);
    chains!(f32, f32, Var<f32>, 1.0, 1e-3);
    chains!(Complex<f64>, f64, Complex<Var<f64>>, Complex::new(0.6, 0.8), 1e-10);
    chains!(Complex<f32>, f32, Complex<Var<f32>>, Complex::new(0.6, 0.8), 1e-3);
    // The rows of the inverse of the eigenvectors have squares beyond the numbers.
    let shift = matrix![
        0.0_f32, 1.0, 0.0, 0.0; 0.0, 0.0, 1.0, 0.0; 0.0, 0.0, 0.0, 1.0; 0.0, 0.0, 0.0, 0.0
    ];
    for i in 0..4 {
        let part = |a: &SMatrix<Var<f32>, 4, 4>| Ok::<_, Error>(complex_eigenvalues(a)?[i].re);
        let (slope, heard) = diagnosed(|| gradient(part, &shift).unwrap());
        assert!(slope.iter().all(|x| x.is_nan()) && heard.len() == 1, "{slope} {heard:?}");
        for place in 0..16 {
            let unit = SMatrix::from_fn(|i, j| f32::from(u8::from(i + 4 * j == place)));
            let (_, moved) = diagnosed(|| jvp(complex_eigenvalues, &shift, &unit).unwrap()).0;
            assert!(moved[i].re.is_nan(), "{place}: {moved}");
        }
    }
}

/// [1, c; 0, 1 + g] in another basis: the tangents of its eigenvalues are e_11 - (c / g) e_21 and e_22 + (c / g) e_21.
#[test]
fn simple_eigenvalues_of_any_condition_have_derivatives() {
    let (cosine, sine) = (0.6, 0.8);
    let basis = dmatrix![cosine, -sine, 0.0; sine, cosine, 0.0; 0.0, 0.0, 1.0];
    let e = dmatrix![0.3, -0.8, 0.1; 0.7, 0.5, 0.2; -0.4, 0.6, 0.9];
    for (basis, is_exact) in [(DMatrix::identity(3, 3), true), (basis, false)] {
        for (c, g) in (1..16).flat_map(|k| [0.1, 1.0, 30.0, 1e6].map(|c| (c, 10.0_f64.powi(-k)))) {
            let upper = dmatrix![1.0, c, 0.0; 0.0, 1.0 + g, 0.0; 0.0, 0.0, -2.0];
            let gap = upper[(1, 1)] - 1.0;
            if !is_exact && gap < 1e-6 * (1.0 + c) {
                continue;
            }
            let a = &basis * upper * basis.transpose();
            let along = &basis * &e * basis.transpose();
            let turned = c / gap * e[(1, 0)];
            let expected = [e[(0, 0)] - turned, e[(1, 1)] + turned];
            // In another basis the gap has the rounding of c times c / g.
            let rounding = if is_exact { 1e-14 } else { 2e-15 * ((1.0 + c) / gap).powi(2) };
            let (_, moved) = jvp(complex_eigenvalues, &a, &along).unwrap();
            let (_, of_eigen) = diagnosed(|| jvp(eigen, &a, &along).unwrap()).0;
            for (i, &expected) in expected.iter().enumerate() {
                let part =
                    |a: &DMatrix<Var<f64>>| Ok::<_, Error>(complex_eigenvalues(a)?[1 + i].re);
                let slope = gradient(part, &a).unwrap().dot(&along);
                for found in [moved[1 + i].re, of_eigen.eigenvalues[1 + i].re, slope] {
                    let error = (found - expected).abs();
                    assert!(
                        error <= rounding * (1.0 + c / gap),
                        "{c} {g:e}: {found}, not {expected}"
                    );
                }
            }
        }
    }
}

#[test]
fn general_eigenvalues_of_matrices_that_are_hard_to_iterate() {
    let mut random = Sampler::new(43, 43);
    let ones = DMatrix::<f64>::from_element(12, 12, 1.0);
    // Permutations keep what is unshifted of the QR iteration where it is.
    let cycle = DMatrix::from_fn(9, 9, |i, j| f64::from(u8::from((j + 1) % 9 == i)));
    let companion = DMatrix::from_fn(8, 8, |i, j| match (i, j) {
        (i, 7) => -((i + 1) as f64),
        (i, j) if i == j + 1 => 1.0,
        _ => 0.0,
    });
    let large: DMatrix<f64> = random.matrix(60, 60);
    let scaled = [&large * 1e200, &large * 1e-200];
    for a in [ones, cycle, companion, large, DMatrix::zeros(4, 4)].into_iter().chain(scaled) {
        let size = a.camax().max(1e-300);
        let (q, t) = schur(&a).unwrap();
        assert!(((&q * &t * q.transpose() - &a) / size).norm() < 1e-10);
        assert!((q.transpose() * &q - DMatrix::identity(a.nrows(), a.nrows())).norm() < 1e-11);
        let Eigen { eigenvalues, eigenvectors } = eigen(&a).unwrap();
        let lifted = a.map(|x| Complex::new(x, 0.0));
        let mut off = lifted * &eigenvectors;
        for (j, &w) in eigenvalues.iter().enumerate() {
            let moved = eigenvectors.column(j) * w;
            off.column_mut(j).zip_apply(&moved, |x, y| *x -= y);
        }
        assert!(off.camax() / size < 1e-10, "{:e}", off.camax());
        assert!(eigenvalues.as_slice().is_sorted_by(|x, y| (x.re, x.im) <= (y.re, y.im)));
    }
}

#[test]
fn reductions_that_stop_early() {
    let mut random = Sampler::new(47, 47);
    // The subdiagonal vanishes after the first column: the last rows are a choice.
    let a =
        dmatrix![1.0, 2.0, 3.0, 4.0; 5.0, 6.0, 7.0, 8.0; 0.0, 0.0, 1.0, 2.0; 0.0, 0.0, 3.0, 4.0];
    let first = |a: &DMatrix<Var<f64>>| Ok::<_, Error>(hessenberg(a)?.1[(1, 0)]);
    let (found, heard) = diagnosed(|| gradient(first, &a).unwrap());
    // The length of the first column below its first entry.
    let mut expected = DMatrix::zeros(4, 4);
    expected[(1, 0)] = 1.0;
    assert!((found - expected).norm() < 1e-14 && heard.is_empty(), "{heard:?}");
    let direction: DMatrix<f64> = random.matrix(4, 4);
    let (found, heard) = diagnosed(|| jvp(hessenberg, &a, &direction).unwrap());
    assert!(found.1.1.iter().any(|x| x.is_nan()) && heard.len() == 1, "{heard:?}");
    let symmetric = DMatrix::<f64>::identity(4, 4);
    let (found, heard) = diagnosed(|| {
        jvp(symmetric_tridiagonal, &symmetric, &(&direction + direction.transpose())).unwrap()
    });
    assert!(found.1.q.iter().any(|x| x.is_nan()) && heard.len() == 1, "{heard:?}");
    let (found, heard) = diagnosed(|| jvp(bidiagonal, &symmetric, &direction).unwrap());
    assert!(found.1.u.iter().any(|x| x.is_nan()) && heard.len() == 1, "{heard:?}");
    // Large and small numbers.
    let a: DMatrix<f64> = random.matrix(6, 6);
    for size in [1e200, 1e-200] {
        let (q, h) = hessenberg(&(&a * size)).unwrap();
        assert!(((&q * h * q.transpose()) / size - &a).norm() < 1e-13);
        let Bidiagonal { u, diagonal, off_diagonal, v_t } = bidiagonal(&(&a * size)).unwrap();
        let mut b = DMatrix::from_diagonal(&diagonal);
        (0..5).for_each(|i| b[(i, i + 1)] = off_diagonal[i]);
        assert!((u * b * v_t / size - &a).norm() < 1e-13);
    }
}

#[test]
fn factors_of_semidefinite_and_indefinite_matrices() {
    let mut random = Sampler::new(53, 53);
    // Positive semidefinite with a column of zeros, as a covariance without noise.
    let a = dmatrix![4.0, 0.0, 2.0; 0.0, 0.0, 0.0; 2.0, 0.0, 2.0];
    let Udu { u, d } = udu(&a).unwrap();
    assert_eq!(d, dvector![2.0, 0.0, 2.0]);
    assert_eq!(&u * DMatrix::from_diagonal(&d) * u.transpose(), a);
    let direction = dmatrix![1.0, 0.0, 0.0; 0.0, 0.0, 0.0; 0.0, 0.0, 3.0];
    let (_, heard) = diagnosed(|| jvp(udu, &a, &direction).unwrap());
    assert!(heard.is_empty());
    let (_, heard) =
        diagnosed(|| jvp(udu, &a, &dmatrix![0.0, 1.0, 0.0; 1.0, 0.0, 0.0; 0.0, 0.0, 0.0]).unwrap());
    assert_eq!(heard.len(), 1);
    let none = udu(&dmatrix![0.0, 1.0; 1.0, 0.0]);
    assert_eq!(none, Err(Error::SingularBlock { rows: 1 }));
    // Of rank one, where all but one column are rounding.
    for v in [dvector![0.7, 0.1, 0.9], dvector![0.2, 0.6, 0.1]] {
        let a = &v * v.transpose();
        let Udu { u, d } = udu(&a).unwrap();
        assert_eq!((d[0], d[1]), (0.0, 0.0));
        assert!((&u * DMatrix::from_diagonal(&d) * u.transpose() - a).norm() < 1e-15);
    }
    // Indefinite, and singular.
    for size in [1, 2, 5, 12] {
        let any: DMatrix<Complex<f64>> = random.matrix(size, size);
        let a = &any + any.adjoint();
        let factors = lblt(&a).unwrap();
        let x: DMatrix<Complex<f64>> = random.matrix(size, 2);
        assert!((lblt_solve(&factors, &(&a * &x)).unwrap() - x).norm() < 1e-10);
        let Lblt { l, diagonal, off_diagonal, rows, blocks } = factors;
        let mut b = DMatrix::from_diagonal(&diagonal.map(|x| Complex::new(x, 0.0)));
        for k in 0..size - 1 {
            b[(k + 1, k)] = off_diagonal[k];
            b[(k, k + 1)] = off_diagonal[k].conj();
            assert!(off_diagonal[k].norm() == 0.0 || blocks[k] == 2);
        }
        let permuted = DMatrix::from_fn(size, size, |i, j| a[(rows[i], rows[j])]);
        assert!((&l * b * l.adjoint() - permuted).norm() < 1e-12);
    }
    let zero = DMatrix::<f64>::zeros(3, 3);
    let found = lblt_solve(&lblt(&zero).unwrap(), &zero);
    assert_eq!(found, Err(Error::Singular { pivot: 0, reciprocal_condition: 0.0 }));
}

#[test]
fn full_pivoting_of_constant_rank() {
    let mut random = Sampler::new(59, 59);
    let (left, right): (DMatrix<f64>, DMatrix<f64>) = (random.matrix(5, 2), random.matrix(2, 4));
    let (left_dot, right_dot) = (random.matrix(5, 2), random.matrix(2, 4));
    let a = &left * &right;
    let kept: DMatrix<f64> = &left_dot * &right + &left * &right_dot;
    let ((factors, tangent), heard) = diagnosed(|| jvp(full_piv_lu, &a, &kept).unwrap());
    assert!(heard.is_empty(), "{heard:?}");
    let FullPivLu { packed, rows, columns } = factors;
    let unit = |packed: &DMatrix<f64>, one: f64| {
        let mut l = packed.columns(0, 2).into_owned();
        l.fill_upper_triangle(0.0, 1);
        l.fill_diagonal(one);
        l
    };
    let upper = |packed: &DMatrix<f64>| packed.rows(0, 2).upper_triangle();
    let (l, u) = (unit(&packed, 1.0), upper(&packed));
    let (l_dot, u_dot) = (unit(&tangent.packed, 0.0), upper(&tangent.packed));
    let permuted = DMatrix::from_fn(5, 4, |i, j| kept[(rows[i], columns[j])]);
    assert!((l_dot * u + l * u_dot - permuted).norm() < 1e-12);
    let (_, heard) = diagnosed(|| jvp(full_piv_lu, &a, &random.matrix(5, 4)).unwrap());
    assert_eq!(heard.len(), 1);
}

#[test]
fn norms_with_a_power() {
    let a = dmatrix![3.0_f64, -4.0; 0.0, 0.0];
    assert_eq!(lp_norm(&a, 1.0), Ok(7.0));
    assert_eq!(lp_norm(&a, f64::INFINITY), Ok(4.0));
    assert_eq!(lp_norm(&DMatrix::<f64>::zeros(2, 2), 2.0), Ok(0.0));
    for size in [1e200, 1e-200] {
        for p in [0.5, 1.0, 2.0, 40.0] {
            let expected = lp_norm(&a, p).unwrap();
            assert!((lp_norm(&(&a * size), p).unwrap() / size / expected - 1.0).abs() < 1e-12);
        }
    }
    // Zero entries and the zero matrix, with p at a kink.
    for p in [0.5, 1.0, 2.0, f64::INFINITY] {
        let norm = |x: &(DMatrix<Var<f64>>, Var<f64>)| lp_norm(&x.0, x.1);
        let (a_bar, p_bar) = gradient(norm, &(a.clone(), p)).unwrap();
        assert!(a_bar.iter().all(|x: &f64| x.is_finite()) && f64::is_finite(p_bar), "{p}: {a_bar}");
        assert_eq!((a_bar[(1, 0)], a_bar[(1, 1)]), (0.0, 0.0));
        let (a_bar, p_bar) = gradient(norm, &(DMatrix::<f64>::zeros(2, 2), p)).unwrap();
        assert_eq!((a_bar, p_bar), (DMatrix::zeros(2, 2), 0.0));
    }
    for bad in [0.0, -1.0, f64::NAN] {
        assert!(matches!(lp_norm(&a, bad), Err(Error::NotPositive { argument: "p", .. })));
    }
}

#[test]
fn toeplitz_systems_and_their_blocks() {
    let mut random = Sampler::new(61, 61);
    let size = 150;
    let (mut column, row): (DVector<Complex<f64>>, DVector<Complex<f64>>) =
        (random.vector(size), random.vector(size));
    column[0] += Complex::new(40.0, 0.0);
    let a = DMatrix::from_fn(size, size, |i, j| if i >= j { column[i - j] } else { row[j - i] });
    let x: DMatrix<Complex<f64>> = random.matrix(size, 2);
    let found = toeplitz_solve(&column, &row, &(&a * &x)).unwrap();
    assert!((found - &x).norm() < 1e-11 * x.norm());
    // A leading block is singular, though the matrix is not.
    let swap = toeplitz_solve(&dvector![0.0, 1.0], &dvector![0.0, 1.0], &dvector![1.0, 1.0]);
    assert_eq!(swap, Err(Error::SingularBlock { rows: 1 }));
}

#[test]
fn rules_whose_own_elimination_ends_early() {
    // Rounding: the adjoint system meets a pivot of zero, or the derivative overflows. No panic.
    let first = |x: &DMatrix<Var<f64>>| x[0];
    let (lower, upper) = (dvector![0.0, -0.1, 1.0], dvector![-0.6, -0.6, 0.0]);
    let diagonal = dvector![-0.1, 0.9, -0.4];
    let b = DMatrix::from_element(3, 1, 1.0);
    let solved = |b: &DMatrix<Var<f64>>| {
        let lift = |x: &DVector<f64>| x.map(Var::constant);
        let x = tridiagonal_solve(&lift(&lower), &lift(&diagonal), &lift(&upper), b)?;
        Ok::<_, Error>(first(&x))
    };
    let _ = diagnosed(|| gradient(solved, &b));
    let (column, row) = (dvector![0.4, 0.1, 0.2, 0.8], dvector![0.4, 0.0, -0.7, 0.4]);
    let b = DMatrix::from_element(4, 1, 1.0);
    let solved = |b: &DMatrix<Var<f64>>| {
        let x = toeplitz_solve(&column.map(Var::constant), &row.map(Var::constant), b)?;
        Ok::<_, Error>(first(&x))
    };
    let _ = diagnosed(|| gradient(solved, &b));
    let quotient = |a: &DMatrix<difrules_core::Dual<f64>>| {
        solve(a, &dmatrix![difrules_core::Dual::constant(1.0)]).unwrap()
    };
    let (y, y_dot) = jvp(quotient, &dmatrix![1e-200], &dmatrix![1.0]);
    assert_eq!((y, y_dot), (dmatrix![1e200], dmatrix![f64::NEG_INFINITY]));
}

#[test]
fn large_and_small_numbers() {
    let ones = |x: f64| DMatrix::from_element(2, 1, x);
    let upper = |x: f64| dmatrix![1.0, x; 1.0, 2.0];
    for size in [1e200, 1e-200] {
        assert!((lstsq(&ones(size), &ones(size)).unwrap()[0] - 1.0).abs() < 1e-14);
        let factors = lblt(&dmatrix![0.0, size; size, 0.0]).unwrap();
        let x = lblt_solve(&factors, &dmatrix![2.0; 6.0]).unwrap() * size;
        assert!((x - dmatrix![6.0; 2.0]).norm() < 1e-14);
        let complex = Complex::new(size, size);
        let x = solve(&dmatrix![complex], &dmatrix![complex]).unwrap();
        assert!((x[0] - Complex::new(1.0, 0.0)).norm() < 1e-15);
        let x = lu(&dmatrix![complex; complex]).unwrap().packed;
        assert!((x[1] - Complex::new(1.0, 0.0)).norm() < 1e-15);
    }
    for unread in [f64::INFINITY, f64::NAN, 1e300] {
        let found = symmetric_tridiagonal(&upper(unread)).unwrap();
        assert_eq!(found.off_diagonal, dvector![1.0]);
        let found = symmetric_eigen(&upper(unread)).unwrap();
        assert!((found.eigenvalues.sum() - 3.0).abs() < 1e-14);
    }
    assert_eq!(hessenberg(&dmatrix![1.5e308_f64]).unwrap().1[0], 1.5e308);
    assert!(lblt(&(DMatrix::<f64>::identity(2, 2) * 1e-310)).unwrap().diagonal[0] > 0.0);
    // Two real eigenvalues that are one but for rounding, which nalgebra takes for a pair.
    let near = dmatrix![1.5_f64, 0.9; -0.4, 0.3];
    let Eigen { eigenvalues, eigenvectors } = eigen(&near).unwrap();
    assert!(eigenvalues.iter().all(|w| (w - Complex::new(0.9, 0.0)).norm() < 1e-7));
    assert!(eigenvectors.iter().all(|v| v.norm() <= 1.0));
}

#[test]
fn factors_that_are_none() {
    let one = DMatrix::<f64>::identity(2, 2);
    let good = lblt(&one).unwrap();
    let invalid = |found| matches!(found, Err(Error::InvalidFactors { argument: "factors", .. }));
    for blocks in [dvector![0, 1], dvector![1, 2], dvector![2, 1], dvector![3, 3]] {
        assert!(invalid(lblt_solve(&Lblt { blocks, ..good.clone() }, &one)));
    }
    assert!(invalid(lblt_solve(&Lblt { rows: dvector![0, 0], ..good.clone() }, &one)));
    let short = lblt_solve(&Lblt { diagonal: dvector![1.0], ..good }, &one);
    assert!(matches!(short, Err(Error::DimensionMismatch { .. })));
    let long = udu_solve(&Udu { u: one.clone(), d: dvector![1.0, 1.0, 1.0] }, &one);
    assert!(matches!(long, Err(Error::DimensionMismatch { .. })));
    let pivots = dvector![0, 2];
    assert!(invalid(lu_solve(Operation::None, &Lu { packed: one.clone(), pivots }, &one)));
}

#[test]
fn second_derivatives_of_powers_at_zero() {
    let norm = |a: &DMatrix<Var<difrules_core::Dual<f64>>>| {
        lp_norm(a, Var::constant(difrules_core::Dual::constant(2.0)))
    };
    let found = difrules_core::hvp(norm, &dmatrix![3.0, 0.0], &dmatrix![0.0, 1.0]).unwrap();
    assert!((found - dmatrix![0.0, 1.0 / 3.0]).norm() < 1e-15);
    // The ratio to the norm underflows, its power does not.
    let root = |a: &DMatrix<Var<f64>>| lp_norm(a, Var::constant(0.5));
    let found = gradient(root, &dmatrix![1e-200_f64, 1e200]).unwrap();
    assert!((found[0] / 1e200 - 1.0).abs() < 1e-12);
}

#[test]
fn rounding_of_single_precision_is_not_reported() {
    let mut random = Sampler::new(67, 67);
    let v = random.matrix::<f32>(3, 3).qr().q();
    let a = &v * DMatrix::from_diagonal(&dvector![1.0, 1.0, 2.0]) * v.transpose();
    let s: DMatrix<f32> = random.matrix(3, 3);
    let square: ScalarFunction = "x^2".parse().unwrap();
    let pairing =
        |a: &DMatrix<Var<f32>>| dot(&symmetric_function(a, &square)?, &s.map(Var::constant));
    let (found, heard) = diagnosed(|| gradient(pairing, &a).unwrap());
    let both = (&s + s.transpose()) * 0.5;
    let expected = &a * &both + both * &a;
    assert!((found - &expected).norm() < 1e-5 * expected.norm() && heard.is_empty(), "{heard:?}");
}

/// The matrix that factors make again, or with what is taken off the middle one.
fn made_again<S: Real>(which: usize, a: &DMatrix<S>) -> Result<DMatrix<S>, Error> {
    let one = DMatrix::<S>::identity(a.nrows(), a.ncols());
    let product = |x: &DMatrix<S>, y: &DMatrix<S>| {
        DMatrix::from_fn(x.nrows(), y.ncols(), |i, j| {
            (0..x.ncols()).fold(S::zero(), |sum, k| sum + x[(i, k)] * y[(k, j)])
        })
    };
    Ok(match which {
        0 => qr(a).map(|(q, r)| product(&q, &r))?,
        1 => lq(a).map(|(l, q)| product(&l, &q))?,
        2 => col_piv_qr(a).map(|factors| product(&factors.q, &factors.r))?,
        3 => {
            let packed = lu(a)?.packed;
            let l = DMatrix::from_fn(a.nrows(), a.nrows(), |i, j| match i.cmp(&j) {
                std::cmp::Ordering::Greater => packed[(i, j)],
                std::cmp::Ordering::Equal => S::one(),
                std::cmp::Ordering::Less => S::zero(),
            });
            product(&l, &packed.upper_triangle())
        }
        4 => {
            let (q, h) = hessenberg(a)?;
            product(&product(&q, &(h - one)), &q.transpose())
        }
        5 => {
            let SymmetricTridiagonal { q, diagonal, off_diagonal } = symmetric_tridiagonal(a)?;
            let mut t = DMatrix::from_diagonal(&diagonal) - one;
            for (i, &x) in off_diagonal.iter().enumerate() {
                (t[(i, i + 1)], t[(i + 1, i)]) = (x, x);
            }
            product(&product(&q, &t), &q.transpose())
        }
        _ => {
            let Bidiagonal { u, diagonal, off_diagonal, v_t } = bidiagonal(a)?;
            let mut b = DMatrix::from_diagonal(&diagonal);
            off_diagonal.iter().enumerate().for_each(|(i, &x)| b[(i, i + 1)] = x);
            product(&product(&u, &b), &v_t)
        }
    })
}

#[test]
fn factors_that_jump_are_asked_for_by_zeros_too() {
    let (zero, one) = (DMatrix::<f64>::zeros(3, 3), DMatrix::<f64>::identity(3, 3));
    for which in 0..7 {
        let a = if which == 4 || which == 5 { &one } else { &zero };
        // Each entry; the gradient is the unit matrix of it, which no factors tell.
        for k in 0..9 {
            let entry = |a: &DMatrix<Var<f64>>| made_again(which, a).map(|y| y[k]);
            let (found, heard) = diagnosed(|| gradient(entry, a).unwrap());
            let nan = found.iter().any(|x: &f64| x.is_nan());
            // Of the first column some tell.
            let right = (0..9).all(|l| found[l] == f64::from(u8::from(l == k)));
            assert!(right || nan && !heard.is_empty(), "{which}, {k}: {found} {heard:?}");
        }
        // The numbers of the middle factor alone.
        let (_, heard) = diagnosed(|| {
            let first = |a: &DMatrix<Var<f64>>| match which {
                4 => hessenberg(a).map(|(_, h)| h[(0, 0)]),
                5 => symmetric_tridiagonal(a).map(|t| t.diagonal[0]),
                _ => Ok(Var::constant(0.0)),
            };
            gradient(first, a).unwrap()
        });
        assert!(heard.is_empty(), "{which}: {heard:?}");
    }
}

#[test]
fn numbers_of_a_reduction_that_become_one_of_either_sign_jump() {
    // In modulus they have a kink, and the vectors that they lead to change their sign.
    let a = dmatrix![1.0, 2.0, 3.0; 0.0, 1.0, 2.0; 0.0, 0.7, 1.0];
    let one = DMatrix::<f64>::identity(3, 3);
    let mut below = DMatrix::<f64>::zeros(3, 3);
    below[(1, 0)] = 1.0;
    let across = &below + below.transpose();
    for sign in [1.0, -1.0] {
        let (found, heard) = diagnosed(|| jvp(hessenberg, &a, &(&below * sign)).unwrap());
        let (q, h) = found.1;
        assert!(q[(1, 1)].is_nan() && h[(1, 0)].is_nan() && h[(0, 1)].is_nan(), "{q} {h}");
        assert!(heard.len() == 1, "{heard:?}");
        let moved =
            |d: &DMatrix<f64>| diagnosed(|| jvp(symmetric_tridiagonal, &one, d).unwrap()).0.1;
        assert!(moved(&(&across * sign)).off_diagonal[0].is_nan());
        let diagonal = moved(&DMatrix::from_diagonal(&dvector![1.0, 2.0, 3.0])).diagonal;
        assert_eq!(diagonal, dvector![1.0, 2.0, 3.0]);
        let moved = |d: &DMatrix<f64>| diagnosed(|| jvp(bidiagonal, &one, d).unwrap()).0.1;
        assert!(moved(&(below.transpose() * sign)).off_diagonal[0].is_nan());
    }
    let gradient_of = |f: &dyn Fn(&DMatrix<Var<f64>>) -> Result<Var<f64>, Error>,
                       a: &DMatrix<f64>| {
        diagnosed(|| gradient(|a| f(a), a).unwrap()).0
    };
    let nan = |m: DMatrix<f64>| m.iter().any(|x| x.is_nan());
    assert!(nan(gradient_of(&|a| Ok(hessenberg(a)?.1[(1, 0)]), &a)));
    assert!(nan(gradient_of(&|a| Ok(symmetric_tridiagonal(a)?.off_diagonal[0]), &one)));
    assert!(nan(gradient_of(&|a| Ok(bidiagonal(a)?.off_diagonal[0]), &one)));
    assert!(nan(gradient_of(&|a| Ok(bidiagonal(a)?.diagonal[0]), &DMatrix::zeros(3, 3))));
    // What comes before such a number does not ask for what comes after.
    assert_eq!(gradient_of(&|a| Ok(bidiagonal(a)?.diagonal[0]), &one)[(0, 0)], 1.0);
}

/// The factors themselves, one below the other.
fn factors<S: Real>(which: usize, a: &DMatrix<S>) -> Result<Vec<S>, Error> {
    let all = |parts: &[&[S]]| parts.concat();
    Ok(match which {
        0 => qr(a).map(|(q, r)| all(&[q.as_slice(), r.as_slice()]))?,
        1 => lq(a).map(|(l, q)| all(&[l.as_slice(), q.as_slice()]))?,
        2 => col_piv_qr(a).map(|f| all(&[f.q.as_slice(), f.r.as_slice()]))?,
        3 => hessenberg(a).map(|(q, h)| all(&[q.as_slice(), h.as_slice()]))?,
        4 => symmetric_tridiagonal(a)
            .map(|t| all(&[t.q.as_slice(), t.diagonal.as_slice(), t.off_diagonal.as_slice()]))?,
        _ => bidiagonal(a).map(|b| {
            let numbers = [b.diagonal.as_slice(), b.off_diagonal.as_slice()];
            all(&[b.u.as_slice(), b.v_t.as_slice(), numbers[0], numbers[1]])
        })?,
    })
}

/// Along a direction that makes factors jump, all that jumps is undefined: what is not is their derivative from both sides.
/// What a gradient tells, a tangent tells too.
#[test]
fn tangents_of_factors_that_jump() {
    let of_rank = |rows: usize, columns: usize, rank: usize| {
        let left = DMatrix::from_fn(rows, rank, |i, j| ((i * 7 + j * 5 + 3) % 11) as f64 - 4.7);
        left * DMatrix::from_fn(rank, columns, |i, j| ((i * 3 + j * 8 + 1) % 13) as f64 - 5.3)
    };
    let mut matrices = vec![
        DMatrix::identity(3, 3),
        DMatrix::from_element(3, 3, 1.0),
        DMatrix::from_diagonal(&dvector![1.0, 0.0, 2.0]),
        dmatrix![0.0, 1.0, 2.0; 0.0, 3.0, 1.0; 0.0, 1.0, 1.0],
        dmatrix![1.0, 2.0, 3.0, 4.0; 5.0, 6.0, 7.0, 8.0; 0.0, 0.0, 1.0, 2.0; 0.0, 0.0, 3.0, 4.0],
    ];
    for (rows, columns) in [(3, 3), (4, 3), (3, 4), (4, 2), (2, 3)] {
        matrices.extend((0..rows.min(columns)).map(|rank| of_rank(rows, columns, rank)));
    }
    let mut jumped = 0;
    for (a, which) in matrices.iter().flat_map(|a| (0..6).map(move |which| (a, which))) {
        if (which == 3 || which == 4) && !a.is_square() {
            continue;
        }
        let a = if which == 4 { a + a.transpose() } else { a.clone() };
        let at = factors(which, &a).unwrap();
        let slopes: Vec<_> = (0..at.len())
            .map(|k| diagnosed(|| gradient(|a| factors(which, a).map(|f| f[k]), &a).unwrap()).0)
            .collect();
        for place in 0..a.len() {
            let mut unit = DMatrix::zeros(a.nrows(), a.ncols());
            unit[place] = 1.0;
            if which == 4 && unit.diagonal().sum() == 0.0 {
                unit += unit.transpose();
            }
            let tangents = || jvp(|a| factors(which, a), &a, &unit).unwrap().1;
            let (found, heard) = diagnosed(tangents);
            let step = 1e-7;
            let [up, down] = [step, -step].map(|h| factors(which, &(&a + &unit * h)).unwrap());
            for (k, &found) in found.iter().enumerate() {
                let slope = slopes[k].dot(&unit);
                let close = |x: f64, rounding: f64| (x - found).abs() <= rounding * (1.0 + x.abs());
                assert!(slope.is_nan() || close(slope, 1e-11), "{which} {a} {place} {k}: {found}");
                assert!(!found.is_nan() || !heard.is_empty(), "{which} {a} {place} {k}");
                if found.is_nan() || heard.is_empty() || slope.is_finite() {
                    continue;
                }
                let sides = [(up[k] - at[k]) / step, (at[k] - down[k]) / step];
                let right = sides.iter().all(|&side| close(side, 1e-4));
                assert!(right, "{which} {a} {place} {k}: {found} {sides:?}");
            }
            if !heard.is_empty() {
                jumped += 1;
                let left_out = diagnosed(|| leaving_out_undefined(tangents)).0;
                assert!(left_out.iter().all(|x: &f64| x.is_finite()), "{which} {a} {place}");
            }
        }
    }
    assert!(jumped > 100, "{jumped}");
    // A complex pivot that is zero gets a phase, whatever the direction.
    let complex = |a: DMatrix<f64>| a.map(|x| Complex::new(x, 0.0));
    let lift = |a: &DMatrix<f64>, along: &DMatrix<f64>| {
        a.zip_map(along, |x, d| Complex::new(Dual::new(x, [d]), Dual::constant(0.0)))
    };
    for a in [dmatrix![1.0, 2.0; 2.0, 4.0], dmatrix![0.0], dmatrix![1.0, 2.0, 3.0; 2.0, 4.0, 5.0]] {
        let last = (a.nrows() - 1, a.nrows() - 1);
        let mut along = a.map(|_| 0.0);
        along[last] = 1.0;
        let ((q, r), heard) = diagnosed(|| qr(&lift(&a, &along)).unwrap());
        let moved = |x: Complex<Dual<f64>>| x.re.tangents[0];
        assert!(moved(q[last]).is_nan() && moved(r[last]).is_nan() && heard.len() == 1);
        let pivot = |a: &DMatrix<Complex<Var<f64>>>| qr(a).unwrap().1[last].re;
        let (found, heard) = diagnosed(|| gradient(pivot, &complex(a)));
        assert!(found.iter().any(|x| x.re.is_nan()) && heard.len() == 1, "{found}");
    }
}

#[test]
fn reduced_matrices_jump_where_the_reduction_stops_early() {
    // The block that is left commutes with the cotangent: no small rotation changes the result, large ones do.
    let twos = DMatrix::from_fn(4, 4, |i, j| if i / 2 == j / 2 { 1.0 } else { 0.0 });
    let ones = DMatrix::from_element(4, 4, 1.0_f64);
    let raised = &ones + DMatrix::<f64>::identity(4, 4);
    for (a, k) in [(&twos, None), (&raised, None), (&raised, Some(11)), (&raised, Some(6))] {
        let of_h = |a: &DMatrix<Var<f64>>| {
            hessenberg(a).map(|(_, h)| k.map_or_else(|| h.sum(), |k: usize| h[k]))
        };
        let (found, heard) = diagnosed(|| gradient(of_h, a).unwrap());
        assert!(found.iter().all(|x| x.is_nan()) && !heard.is_empty(), "{k:?}: {found}");
        let trace = gradient(|a| hessenberg(a).map(|(_, h)| h.trace()), a).unwrap();
        assert!((trace - DMatrix::<f64>::identity(4, 4)).amax() < 1e-14);
    }
    let of_b = |a: &DMatrix<Var<f64>>| {
        bidiagonal(a)
            .map(|Bidiagonal { diagonal, off_diagonal, .. }| diagonal.sum() + off_diagonal.sum())
    };
    let (found, heard) = diagnosed(|| gradient(of_b, &ones).unwrap());
    assert!(found.iter().all(|x| x.is_nan()) && !heard.is_empty(), "{found}");
}

/// What is left after a pivot that is zero has a quotient of what moves by nothing in it.
#[test]
fn factors_after_a_pivot_that_is_zero() {
    type Last = fn(&DMatrix<Var<f64>>) -> Result<Var<f64>, Error>;
    type Moved = fn(&DMatrix<f64>, &DMatrix<f64>) -> f64;
    let zero = DMatrix::<f64>::zeros(2, 2);
    let beside = dmatrix![0.0, 0.0; 0.0, 1.0];
    let turned = dmatrix![1.0, 0.0; 0.0, 0.0];
    let cases: [(&str, Last, Moved, &[&DMatrix<f64>], bool); 4] = [
        (
            "udu",
            |a| Ok(udu(a)?.d[0]),
            |a, e| jvp(udu, a, e).unwrap().1.d[0],
            &[&zero, &turned],
            true,
        ),
        (
            "lblt",
            |a| Ok(lblt(a)?.diagonal[1]),
            |a, e| jvp(lblt, a, e).unwrap().1.diagonal[1],
            &[&zero],
            false,
        ),
        (
            "lu",
            |a| Ok(lu(a)?.packed[(1, 1)]),
            |a, e| jvp(lu, a, e).unwrap().1.packed[(1, 1)],
            &[&zero, &beside],
            false,
        ),
        (
            "full_piv_lu",
            |a| Ok(full_piv_lu(a)?.packed[(1, 1)]),
            |a, e| jvp(full_piv_lu, a, e).unwrap().1.packed[(1, 1)],
            &[&zero],
            false,
        ),
    ];
    for (name, last, moved, matrices, first) in cases {
        for &a in matrices {
            let (found, heard) = diagnosed(|| gradient(last, a).unwrap());
            // Of the entry below the pivot it is undefined, of its own place one.
            let own = if first { 0 } else { 3 };
            assert!(found[(1, 0)].is_nan() && found[own] == 1.0, "{name} {a}: {found}");
            assert_eq!(heard.len(), 1, "{name} {a}");
            let (left_out, _) = diagnosed(|| leaving_out_undefined(|| gradient(last, a).unwrap()));
            assert!(left_out.iter().all(|x: &f64| x.is_finite()), "{name} {a}: {left_out}");
            let across = dmatrix![0.0, 1.0; 1.0, 0.0];
            let mixed = dmatrix![0.3, -0.5; -0.5, 0.7];
            for e in [&across, &mixed] {
                assert!(diagnosed(|| moved(a, e)).0.is_nan(), "{name} {a} {e}");
            }
            let diagonal = dmatrix![2.0, 0.0; 0.0, 3.0];
            let (slope, heard) = diagnosed(|| moved(a, &diagonal));
            assert!(slope == diagonal[own] && heard.is_empty(), "{name} {a}: {slope}");
        }
    }
    // Where nothing is beside a pivot that is zero, the factors have derivatives.
    let ones = DMatrix::from_element(2, 2, 1.0_f64);
    let (found, heard) = diagnosed(|| gradient(|a| Ok::<_, Error>(udu(a)?.d[0]), &ones).unwrap());
    assert!(found == dmatrix![1.0, -1.0; -1.0, 1.0] && heard.is_empty(), "{found}");
    let (found, heard) =
        diagnosed(|| gradient(|a| Ok::<_, Error>(lblt(a)?.diagonal[1]), &ones).unwrap());
    assert!(found == dmatrix![1.0, -1.0; -1.0, 1.0] && heard.is_empty(), "{found}");
    // An entry of U whose cotangent comes out as zero is asked for.
    let square = |a: &DMatrix<Var<f64>>| Ok::<_, Error>(udu(a)?.u[(0, 1)] * udu(a)?.u[(0, 1)]);
    let (found, _) = diagnosed(|| gradient(square, &turned).unwrap());
    assert!(f64::is_nan(found[(0, 1)]), "{found}");
    // Of others, in a block of their own, nothing is undefined.
    let apart = dmatrix![3.0, 1.0, 0.0; 1.0, 2.0, 0.0; 0.0, 0.0, 0.0];
    let own = |a: &DMatrix<Var<f64>>| Ok::<_, Error>(udu(a)?.d[2]);
    let (found, heard) = diagnosed(|| gradient(own, &apart).unwrap());
    assert!(found.sum() == 1.0 && heard.is_empty(), "{found}");
}

/// A tangent within another derivative, and how it varies there.
fn twice<const N: usize>(
    f: impl Fn(&DMatrix<Dual<Dual<f64>>>) -> [DMatrix<Dual<Dual<f64>>>; N] + Copy,
    a: &DMatrix<f64>,
    along: &DMatrix<f64>,
) -> Vec<(f64, f64)> {
    let inner = |a: &DMatrix<Dual<f64>>| {
        let (_, tangents) = jvp(f, a, &along.map(Dual::constant));
        tangents.iter().flat_map(|m| m.iter().copied()).collect::<Vec<_>>()
    };
    let (values, moved) = jvp(inner, a, along);
    values.into_iter().zip(moved).collect()
}

/// What is undefined of tangents is so within another derivative, and so is how it varies.
fn same_undefined(plain: &[DMatrix<f64>], nested: &[(f64, f64)]) {
    for (x, (again, moved)) in plain.iter().flat_map(|m| m.iter()).zip(nested) {
        assert_eq!(x.is_nan(), again.is_nan(), "{plain:?} {nested:?}");
        assert!(!x.is_nan() || moved.is_nan(), "{plain:?} {nested:?}");
    }
}

#[test]
fn what_is_undefined_is_so_within_another_derivative() {
    let (one, zero) = (DMatrix::identity(3, 3), DMatrix::zeros(3, 3));
    let skew = dmatrix![0.0, 1.0, -2.0; -1.0, 0.0, 0.5; 2.0, -0.5, 0.0];
    let mut corner = DMatrix::<f64>::zeros(3, 3);
    corner[(0, 0)] = 1.0;
    let full = DMatrix::from_fn(3, 3, |i, j| (1.0 + i as f64) / (2.0 + j as f64 * j as f64));
    for along in [&corner, &full] {
        let found = twice(|a| [normalize(a).unwrap()], &zero, along);
        assert!(found.iter().all(|(x, y)| x.is_nan() && y.is_nan()), "{found:?}");
        for a in [&skew, &zero] {
            let (_, plain) = jvp(|a| <[_; 2]>::from(polar(a).unwrap()), a, along);
            same_undefined(&plain, &twice(|a| polar(a).unwrap().into(), a, along));
        }
    }
    for a in [&one, &-&one, &zero] {
        let (_, plain) = jvp(|a| <[_; 2]>::from(schur(a).unwrap()), a, &corner);
        same_undefined(&plain, &twice(|a| schur(a).unwrap().into(), a, &corner));
    }
    // By the gradient of a tangent, and by the derivative of a gradient.
    macro_rules! slopes {
        ($at:expr, $along:expr, $f:expr) => {{
            let tangent = |a: &DMatrix<Var<f64>>| {
                jvp(|a: &DMatrix<Dual<Var<f64>>>| $f(a), a, &$along.map(Var::constant)).1
            };
            let slope = |a: &DMatrix<Dual<f64>>| gradient(|a: &DMatrix<Var<Dual<f64>>>| $f(a), a);
            let first = jvp(|a: &DMatrix<Dual<f64>>| $f(a), $at, $along).1;
            let lost = gradient(|a: &DMatrix<Var<f64>>| $f(a), $at);
            let (again, moved) = jvp(slope, $at, $along);
            assert_eq!(lost.map(f64::is_nan), again.map(f64::is_nan), "{lost} {again}");
            let all = lost.iter().zip(&moved);
            assert!(all.clone().all(|(x, y)| !x.is_nan() || y.is_nan()), "{lost} {moved}");
            let found = gradient(tangent, $at);
            assert!(!first.is_nan() || found.iter().all(|x| x.is_nan()), "{first} {found}");
        }};
    }
    let ones = DMatrix::from_element(3, 3, 1.0);
    let rank_one = DMatrix::from_fn(3, 3, |i, j| (1.0 + i as f64) * (2.0 - j as f64));
    for along in [&corner, &full] {
        for a in [&zero, &ones, &rank_one, &skew] {
            slopes!(a, along, |a| weighted(&svd(a).unwrap().u));
            slopes!(a, along, |a| weighted(&qr(a).unwrap().1));
        }
    }
    let (zero, along) = (dmatrix![0.0], dmatrix![1.0]);
    slopes!(&zero, &along, |a| weighted(&svd(a).unwrap().u));
}

/// A sum of all entries, each with a weight of its own.
fn weighted<T: Real>(m: &DMatrix<T>) -> T {
    let terms = m.iter().enumerate();
    terms.map(|(k, &x)| x * nalgebra::convert(((7 * k + 2) % 11) as f64 - 4.5)).sum()
}

/// What is undefined is asked for by a cotangent whose zeros all came out so, where the result is no Lipschitz function: times zero
/// its derivative is not zero.
#[test]
fn zeros_that_came_out_so_ask_for_what_is_undefined() {
    fn by_entries<T: Real>(v: &DVector<T>) -> Result<T, Error> {
        Ok(sum(&scale(norm(v), &normalize(v)?)))
    }
    fn in_one_piece<T: Real>(v: &Vector<T>) -> Result<T, Error> {
        Ok(v.normalize()?.scale(v.norm()).sum())
    }
    let zero = DVector::<f64>::zeros(2);
    let whole = Vector::from(zero.clone());
    let slopes: [DVector<f64>; 3] = [
        gradient(by_entries, &zero).unwrap(),
        gradient(in_one_piece, &whole).unwrap().into(),
        hvp(by_entries, &zero, &dvector![1.0, 0.5]).unwrap(),
    ];
    assert!(slopes.iter().flat_map(|slope| slope.iter()).all(|x| x.is_nan()), "{slopes:?}");

    // tr A^2
    fn squares<T: Real>(a: &DMatrix<T>) -> Result<T, Error> {
        Ok(complex_eigenvalues(a)?.iter().map(|w| (w * w).re).sum())
    }
    let chain: DMatrix<f64> = dmatrix![0.0, 1.0; 0.0, 0.0];
    let (slope, heard) = diagnosed(|| gradient(squares, &chain).unwrap());
    assert!(slope.iter().all(|x| x.is_nan()) && !heard.is_empty(), "{slope} {heard:?}");
    let nothing = DMatrix::<f64>::zeros(2, 2);
    assert_eq!(gradient(squares, &nothing).unwrap(), nothing);

    fn of_inverse<T: Real>(a: &DMatrix<T>) -> Result<T, Error> {
        let y = pseudo_inverse(a)?;
        Ok(sum(&component_mul(&y, &y)?))
    }
    let slope = gradient(of_inverse, &nothing).unwrap();
    assert!(slope.iter().all(|x| x.is_nan()), "{slope}");
    // Full ranks have derivatives beside cotangents that are zero.
    let vanishing = |a: &DMatrix<Var<f64>>| {
        let y = of_inverse(a)?;
        Ok::<_, Error>(y * (y - y))
    };
    let full: DMatrix<f64> = dmatrix![2.0, 1.0];
    assert_eq!(gradient(vanishing, &full).unwrap(), dmatrix![0.0, 0.0]);

    let solution = |(a, b): &(DMatrix<Var<f64>>, DMatrix<Var<f64>>)| {
        let x = lstsq(a, b)?;
        Ok::<_, Error>(sum(&component_mul(&x, &x)?))
    };
    let (by_a, by_b) = gradient(solution, &(nothing.clone(), dmatrix![1.0; 2.0])).unwrap();
    assert!(by_a.iter().all(|x: &f64| x.is_nan()), "{by_a}");
    assert_eq!(by_b, dmatrix![0.0; 0.0]);
}
