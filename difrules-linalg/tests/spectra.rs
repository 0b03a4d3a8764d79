//! Eigenvalues and singular values that are close, of different sizes, or the same: against closed forms.

use difrules_core::diagnostic::Defect;
use difrules_core::testing::{Sampler, difference};
use difrules_core::{
    Dual, Real, Var, diagnosed, gradient, hessian, hvp, jvp, leaving_out_undefined,
};
use difrules_linalg::{
    Eigen, Error, ScalarFunction, Svd, SymmetricEigen, complex_eigenvalues, condition_number, dot,
    eigen, generalized_symmetric_eigen, matmul, nuclear_norm, polar, pseudo_inverse, schur,
    singular_values, sum, svd, symmetric_eigen, symmetric_eigenvalues, symmetric_function,
    transpose,
};
use nalgebra::{Complex, DMatrix, DVector, dmatrix, dvector};

fn constant<S: Real>(m: &DMatrix<f64>) -> DMatrix<S> {
    m.map(nalgebra::convert)
}

fn symmetric(random: &mut Sampler, size: usize) -> DMatrix<f64> {
    let any: DMatrix<f64> = random.matrix(size, size);
    &any + any.transpose()
}

/// The square of the sum of the first two entries of the first eigenvector.
fn of_the_first<S: Real>(a: &DMatrix<S>) -> Result<S, Error> {
    let v = symmetric_eigen(a)?.eigenvectors;
    let x = v[(0, 0)] + v[(1, 0)];
    Ok(x * x)
}

/// The second derivative of a loss along one direction, in the four nestings of two modes. It is a macro, as the loss is called
/// at a scalar for each.
macro_rules! in_every_nesting {
    (|$x:ident| $loss:expr, $a:expr, $e:expr) => {{
        let of_gradient = |a: &DMatrix<Var<f64>>| dot(&gradient(|$x| $loss, a)?, &constant($e));
        let slope = |a: &DMatrix<Var<f64>>| {
            let $x = &a.zip_map($e, |x, v| Dual::new(x, [Var::constant(v)]));
            Ok::<_, Error>($loss?.tangents[0])
        };
        let twice =
            |a: &DMatrix<Dual<f64>>| jvp(|$x| $loss, a, &constant($e)).map(|(_, slope)| slope);
        [
            hvp(|$x| $loss, $a, $e).unwrap().dot($e),
            gradient(of_gradient, $a).unwrap().dot($e),
            gradient(slope, $a).unwrap().dot($e),
            jvp(twice, $a, $e).unwrap().1,
        ]
    }};
}

#[test]
fn eigenvectors_beside_larger_eigenvalues() {
    for size in [10.0, 1e4, 1e9, 1e15, 1e25] {
        let a = DMatrix::from_diagonal(&dvector![1.0, 2.0, size]);
        let (found, heard) = diagnosed(|| gradient(of_the_first::<Var<f64>>, &a).unwrap());
        let mut expected = dmatrix![0.0, -1.0, 0.0; -1.0, 0.0, 0.0; 0.0, 0.0, 0.0];
        (expected[(0, 2)], expected[(2, 0)]) = (0.0, 0.0);
        let beside = found.view((0, 0), (2, 2)) - expected.view((0, 0), (2, 2));
        assert!(beside.norm() < 1e-15 && heard.is_empty(), "{size:e}: {found} {heard:?}");
        assert!(found.view((0, 2), (2, 1)).norm() <= 2.0 / size);
    }
    let a = DMatrix::from_diagonal(&dvector![1.0_f32, 2.0, 4000.0]);
    let found = gradient(of_the_first::<Var<f32>>, &a).unwrap();
    assert!((found[(0, 1)] + 1.0).abs() < 1e-6 && (found[(1, 0)] + 1.0).abs() < 1e-6, "{found}");
    // In a block of its own, small beside one.
    let a = dmatrix![1.4e-9, 0.8e-9, 0.0; 0.8e-9, 2.6e-9, 0.0; 0.0, 0.0, 1.0];
    let first = |a: &DMatrix<Var<f64>>| Ok::<_, Error>(symmetric_eigen(a)?.eigenvectors[(0, 0)]);
    let (found, heard) = diagnosed(|| gradient(first, &a).unwrap());
    let expected = -8.944271909999157e7;
    assert!(f64::abs(found[(0, 0)] / expected - 1.0) < 1e-7 && heard.is_empty(), "{found}");
    let mut direction = DMatrix::zeros(3, 3);
    direction[(0, 0)] = 1.0;
    let (_, moved) = jvp(symmetric_eigen, &a, &direction).unwrap();
    assert!((moved.eigenvectors[(0, 0)] / found[(0, 0)] - 1.0).abs() < 1e-12);
}

#[test]
fn both_modes_agree_at_any_gap() {
    let mut random = Sampler::new(71, 71);
    let direction = symmetric(&mut random, 3);
    let weight: DMatrix<f64> = random.matrix(3, 3);
    for exponent in 3..=15 {
        let relative = 10.0_f64.powi(-exponent);
        for size in [1.0, 1e-9, 1e9] {
            // The vectors are unit vectors, and the gap is what the numbers make of it.
            let a = DMatrix::from_diagonal(&dvector![size, size * (1.0 + relative), 3.0 * size]);
            let gap = a[(1, 1)] - a[(0, 0)];
            let ((_, moved), heard) = diagnosed(|| jvp(symmetric_eigen, &a, &direction).unwrap());
            let expected = direction[(0, 1)] / gap;
            assert!((moved.eigenvectors[(0, 1)] / expected - 1.0).abs() < 1e-12, "{gap:e}");
            assert!((moved.eigenvectors[(1, 0)] / expected + 1.0).abs() < 1e-12, "{gap:e}");
            let paired =
                |a: &DMatrix<Var<f64>>| dot(&symmetric_eigen(a)?.eigenvectors, &constant(&weight));
            let (found, more) = diagnosed(|| gradient(paired, &a).unwrap());
            let (left, right) = (found.dot(&direction), moved.eigenvectors.dot(&weight));
            assert!((left / right - 1.0).abs() < 1e-12, "{gap:e}: {left:e} {right:e}");
            assert!(heard.is_empty() && more.is_empty());
            // And the singular vectors of the same.
            let a = DMatrix::from_diagonal(&dvector![3.0 * size, size * (1.0 + relative), size]);
            let any: DMatrix<f64> = random.matrix(3, 3);
            let (_, moved) = jvp(svd, &a, &any).unwrap();
            let paired = |a: &DMatrix<Var<f64>>| {
                let Svd { u, v_t, .. } = svd(a)?;
                Ok::<_, Error>(dot(&u, &constant(&weight))? + dot(&v_t, &constant(&weight))?)
            };
            let (found, heard) = diagnosed(|| gradient(paired, &a).unwrap());
            let (left, right) = (found.dot(&any), (&moved.u + &moved.v_t).dot(&weight));
            let most = moved.u.norm();
            assert!((left - right).abs() < 1e-12 * most, "{gap:e}: {left:e} {right:e} {heard:?}");
        }
    }
    // Rotated, as far as the gap is determined.
    let (cosine, sine) = (0.6, 0.8);
    for exponent in 3..=11 {
        let gap = 10.0_f64.powi(-exponent);
        let v = dmatrix![cosine, -sine; sine, cosine];
        let a = &v * DMatrix::from_diagonal(&dvector![1.0, 1.0 + gap]) * v.transpose();
        let first =
            |a: &DMatrix<Var<f64>>| Ok::<_, Error>(symmetric_eigen(a)?.eigenvectors[(0, 0)]);
        let found = gradient(first, &a).unwrap();
        // The first vector turns by (v_2^T dA v_1) / gap towards the second, whose first entry is -sine.
        let turned = v.column(1) * v.column(0).transpose();
        let sign = symmetric_eigen(&a).unwrap().eigenvectors[(0, 0)].signum();
        let expected = (&turned + turned.transpose()) * (0.5 * sine / gap) * sign;
        let error = (&found - &expected).norm() / expected.norm();
        assert!(error < 3e-15 / gap + 1e-13, "{gap:e}: {error:e}");
    }
}

/// The tangents of diagonal matrices, whose vectors are unit vectors: each is an entry of the direction over a gap.
fn close_values<S: Real>(exponents: std::ops::RangeInclusive<i32>, rounding: f64) {
    let lift = |m: &DMatrix<f64>| m.map(nalgebra::convert::<f64, S>);
    let mut random = Sampler::new(72, 72);
    for exponent in exponents {
        for size in [1.0, 1e-9, 1e6] {
            let relative = 10.0_f64.powi(-exponent);
            let a = lift(&DMatrix::from_diagonal(&dvector![size, size * (1.0 + relative), 3.0]));
            let gap = (a[(1, 1)] - a[(0, 0)]).to_f64();
            if gap == 0.0 || size == 1e6 {
                continue;
            }
            let (any, even) = (random.matrix::<f64>(3, 3), symmetric(&mut random, 3));
            let (any, even) = (lift(&any), lift(&even));
            let check = |what: &str, found: S, entry: S, factor: f64| {
                let expected = entry.to_f64() * factor / gap;
                let error = (found.to_f64() / expected - 1.0).abs();
                assert!(error < rounding, "{what}, {relative:e} of {size:e}: {error:e}");
            };
            let (_, moved) = jvp(symmetric_eigen, &a, &even).unwrap();
            check("symmetric_eigen", moved.eigenvectors[(0, 1)], even[(0, 1)], 1.0);
            let (_, moved) = jvp(eigen, &a, &any).unwrap();
            check("eigen", moved.eigenvectors[(0, 1)].re, any[(0, 1)], 1.0);
            check("eigen", moved.eigenvectors[(1, 0)].re, any[(1, 0)], -1.0);
            let (_, (q, _)) = jvp(schur, &a, &any).unwrap();
            check("schur", q[(1, 0)], any[(1, 0)], -1.0);
            // A V = 4 V diag(w), and V^T V = 1 / 4.
            let b = lift(&(DMatrix::identity(3, 3) * 4.0)).map(Dual::constant);
            let pencil = |a: &DMatrix<Dual<S>>| generalized_symmetric_eigen(a, &b).unwrap();
            let (_, moved) = jvp(pencil, &a, &even);
            check("pencil", moved.eigenvectors[(0, 1)], even[(0, 1)], 0.5);
        }
    }
}

#[test]
fn tangents_of_vectors_of_close_values() {
    close_values::<f64>(3..=15, 1e-11);
    close_values::<f32>(3..=6, 1e-4);
}

#[test]
fn what_is_undefined_is_so_at_any_size() {
    // Cotangents of values and of vectors have other units: neither is rounding of the other.
    for size in [1e-30, 1e-12, 1.0, 1e12, 1e30] {
        let identity = DMatrix::<f64>::identity(3, 3) * size;
        let weight = dmatrix![1.0, 2.0, 0.5; 2.0, 1.0, 0.3; 0.5, 0.3, 1.0];
        let root = |a: &DMatrix<Var<f64>>| {
            let SymmetricEigen { eigenvalues, eigenvectors } = symmetric_eigen(a)?;
            let scaled = DMatrix::from_fn(3, 3, |i, j| {
                eigenvectors[(i, j)] * nalgebra::ComplexField::sqrt(eigenvalues[j])
            });
            dot(&matmul(&scaled, &transpose(&eigenvectors))?, &constant(&weight))
        };
        let of_pencil = |a: &DMatrix<Var<f64>>| {
            let b = constant(&DMatrix::identity(3, 3));
            let modes = generalized_symmetric_eigen(a, &b)?;
            let scaled =
                DMatrix::from_fn(3, 3, |i, j| modes.eigenvectors[(i, j)] * modes.eigenvalues[j]);
            dot(&matmul(&scaled, &transpose(&modes.eigenvectors))?, &constant(&weight))
        };
        let of_svd = |a: &DMatrix<Var<f64>>| {
            let Svd { u, singular_values: s, v_t } = svd(a)?;
            let scaled = DMatrix::from_fn(3, 3, |i, j| u[(i, j)] * s[j]);
            dot(&matmul(&scaled, &v_t)?, &constant(&weight))
        };
        let of_schur = |a: &DMatrix<Var<f64>>| {
            let (q, t) = schur(a)?;
            dot(&matmul(&matmul(&q, &t)?, &transpose(&q))?, &constant(&weight))
        };
        let of_eigen = |a: &DMatrix<Var<f64>>| {
            let Eigen { eigenvalues, eigenvectors } = eigen(a)?;
            let scaled = DMatrix::from_fn(3, 3, |i, j| eigenvectors[(i, j)] * eigenvalues[j]);
            let product = matmul(&scaled, &difrules_linalg::inverse(&eigenvectors)?)?;
            dot(&product.map(|x| x.re), &constant(&weight))
        };
        for (what, found) in [
            ("symmetric_eigen", diagnosed(|| gradient(root, &identity).unwrap())),
            ("generalized", diagnosed(|| gradient(of_pencil, &identity).unwrap())),
            ("svd", diagnosed(|| gradient(of_svd, &identity).unwrap())),
            ("schur", diagnosed(|| gradient(of_schur, &identity).unwrap())),
            ("eigen", diagnosed(|| gradient(of_eigen, &identity).unwrap())),
        ] {
            let (found, heard) = found;
            assert!(found.iter().any(|x| x.is_nan()), "{what} {size:e}: {found}");
            assert!(!heard.is_empty(), "{what} {size:e}");
        }
        // A sum of the values has its derivative, beside vectors that nobody asks for.
        let trace = |a: &DMatrix<Var<f64>>| Ok::<_, Error>(sum(&symmetric_eigen(a)?.eigenvalues));
        let (found, heard) = diagnosed(|| gradient(trace, &identity).unwrap());
        assert!((found - DMatrix::identity(3, 3)).norm() < 1e-15 && heard.is_empty());
        // The derivative by a singular value that is zero, beside vectors of the others.
        let a = DMatrix::from_diagonal(&dvector![2.0 * size, size, 0.0]);
        let both = |a: &DMatrix<Var<f64>>| {
            let Svd { u, singular_values: s, .. } = svd(a)?;
            Ok::<_, Error>(u[(0, 1)] + s[2])
        };
        let (found, heard) = diagnosed(|| gradient(both, &a).unwrap());
        assert!(f64::is_nan(found[(2, 2)]) && !heard.is_empty(), "{size:e}: {found}");
    }
}

/// The first entry of the first Schur vector.
fn first_of_schur<S: Real>(a: &DMatrix<S>) -> Result<S, Error> {
    Ok(schur(a)?.0[(0, 0)])
}

#[test]
fn second_derivatives_of_schur_vectors_by_any_nesting() {
    // Of real eigenvalues, of a pair beside one, and of a triangle whose zeros vary.
    for a in [
        dmatrix![1.0, 2.0; 0.5, 3.0],
        dmatrix![1.0, 2.0, 0.3; -2.0, 1.5, 0.4; 0.1, 0.2, 4.0],
        dmatrix![1.0, 2.0, 0.3; 0.0, 2.5, 0.4; 0.0, 0.0, 4.0],
    ] {
        let size = a.nrows();
        for k in 0..a.len() {
            let mut e = DMatrix::zeros(size, size);
            e[k] = 1.0;
            let at = |t: f64| gradient(first_of_schur, &(&a + &e * t)).unwrap();
            let expected = difference(|t| Some(at(t).iter().copied().collect())).unwrap();
            let expected = DMatrix::from_column_slice(size, size, &expected.derivative);
            let of_gradient =
                |a: &DMatrix<Var<f64>>| dot(&gradient(first_of_schur, a)?, &constant(&e));
            let slope = |a: &DMatrix<Var<f64>>| {
                let lifted = a.zip_map(&e, |x, v| Dual::new(x, [Var::constant(v)]));
                Ok::<_, Error>(first_of_schur(&lifted)?.tangents[0])
            };
            let twice = |a: &DMatrix<Dual<f64>>| {
                jvp(first_of_schur, a, &constant(&e)).map(|(_, slope)| slope)
            };
            for found in [
                hvp(first_of_schur, &a, &e).unwrap(),
                gradient(of_gradient, &a).unwrap(),
                gradient(slope, &a).unwrap(),
            ] {
                assert!((&found - &expected).norm() < 1e-8, "{a} {k}: {found} {expected}");
            }
            let (_, found) = jvp(twice, &a, &e).unwrap();
            assert!((found - expected[k]).abs() < 1e-8, "{a} {k}: {found}");
        }
    }
    let e = dmatrix![1.0, 0.0; 0.0, 0.0];
    let found = hvp(first_of_schur, &dmatrix![1.0, 2.0; 0.5, 3.0], &e).unwrap();
    let expected = dmatrix![-0.0130, 0.0037; -0.0385, 0.0130];
    assert!((found - expected).amax() < 5.1e-5);
}

#[test]
fn second_derivatives_by_vectors_of_close_values_are_right_or_none() {
    // U s^3 V^T is A A^T A.
    let w = dmatrix![1.0, 2.0; -0.5, 1.5];
    let cube = |a: &DMatrix<Var<Dual<f64>>>| {
        let Svd { u, singular_values: s, v_t } = svd(a)?;
        let scaled = DMatrix::from_fn(2, 2, |i, j| u[(i, j)] * s[j] * s[j] * s[j]);
        dot(&matmul(&scaled, &v_t)?, &constant(&w))
    };
    let e = dmatrix![0.3, 0.7; -0.4, 0.9];
    for gap in [1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-9, 1e-11, 1e-13, 1e-15] {
        let a = dmatrix![1.0 + gap, 0.0; 0.0, 1.0];
        let found = hvp(cube, &a, &e).unwrap();
        let (t, f) = (a.transpose(), e.transpose());
        let x = w.transpose();
        let expected =
            &w * (&f * &a + &t * &e) + (&e * &x * &a + &a * &x * &e) + (&e * &t + &a * &f) * &w;
        let error = (&found - &expected).norm() / expected.norm();
        // The rounding of the vectors' cotangents is divided by the gap twice.
        let close = error < 1e-15 / (gap * gap) && error < 1e-3;
        assert!(error.is_nan() || close, "{gap:e}: {error:e}");
        assert!(gap < 1e-5 || close, "{gap:e}: {error:e}");
    }
}

/// Sums of third powers of values, tr A^3 and the like, by each primitive that has the values.
fn cubes<S: Real>(which: usize, a: &DMatrix<S>) -> Result<S, Error> {
    let sum = |w: &DVector<S>| w.iter().fold(S::zero(), |sum, &w| sum + w * w * w);
    Ok(match which {
        0 => sum(&symmetric_eigenvalues(a)?),
        1 => sum(&symmetric_eigen(a)?.eigenvalues),
        2 => {
            let b = constant::<S>(&(DMatrix::identity(a.nrows(), a.nrows()) * 0.5));
            sum(&generalized_symmetric_eigen(a, &b)?.eigenvalues) / nalgebra::convert(8.0)
        }
        // s^4 is a polynomial of A, s^3 is none.
        3 => sum(&singular_values(a)?.map(|s| s.powf(nalgebra::convert(4.0 / 3.0)))),
        _ => sum(&svd(a)?.singular_values.map(|s| s.powf(nalgebra::convert(4.0 / 3.0)))),
    })
}

/// A direction for [`cubes`], and the product of their Hessian with it: a symmetric one where they read one triangle.
fn curvature_of_cubes<'a>(
    which: usize,
    a: &DMatrix<f64>,
    even: &'a DMatrix<f64>,
    any: &'a DMatrix<f64>,
) -> (&'a DMatrix<f64>, DMatrix<f64>) {
    if which < 3 {
        (even, (a * even + even * a) * 3.0)
    } else {
        (any, (any * a * a + a * any.transpose() * a + a * a * any) * 4.0)
    }
}

#[test]
fn second_derivatives_of_values_that_repeat_by_any_primitive() {
    let mut random = Sampler::new(80, 80);
    let v = random.matrix::<f64>(4, 4).qr().q();
    for values in [[1.0; 4], [1.0, 1.0, 2.0, 2.0], [1.0, 1.0 + 1e-9, 1.5, 1.5 + 1e-5]] {
        for v in [DMatrix::identity(4, 4), v.clone()] {
            let a = &v * DMatrix::from_diagonal(&values.to_vec().into()) * v.transpose();
            let a = (&a + a.transpose()) * 0.5;
            let (even, any) = (symmetric(&mut random, 4), random.matrix::<f64>(4, 4));
            for which in 0..5 {
                let (e, expected) = curvature_of_cubes(which, &a, &even, &any);
                let size = expected.norm();
                let (found, heard) = diagnosed(|| hvp(|a| cubes(which, a), &a, e).unwrap());
                let error = (&found - &expected).norm() / size;
                // Those that have vectors too say of these that they are undefined.
                let silent = heard.is_empty() || [1, 2, 4].contains(&which);
                assert!(error < 1e-5 && silent, "{which} {values:?}: {error:e} {heard:?}");
                // The other nestings give the same, or NaN: how a direction splits a value is not told by the other.
                let of_gradient =
                    |a: &DMatrix<Var<f64>>| dot(&gradient(|a| cubes(which, a), a)?, &constant(e));
                let slope = |a: &DMatrix<Var<f64>>| {
                    let lifted = a.zip_map(e, |x, v| Dual::new(x, [Var::constant(v)]));
                    Ok::<_, Error>(cubes(which, &lifted)?.tangents[0])
                };
                let twice = |a: &DMatrix<Dual<f64>>| {
                    jvp(|a| cubes(which, a), a, &constant(e)).map(|(_, slope)| slope)
                };
                let found = [gradient(of_gradient, &a).unwrap(), gradient(slope, &a).unwrap()];
                for (k, found) in found.iter().enumerate() {
                    let error = (found - &expected).norm() / size;
                    assert!(error.is_nan() || error < 1e-5, "{which} {values:?} {k}: {error:e}");
                }
                let (_, twice) = jvp(twice, &a, e).unwrap();
                let error = (twice - expected.dot(e)).abs() / size;
                // Along one direction, which splits a value by the same vectors twice.
                assert!(error < 1e-5, "{which} {values:?}: {error:e}");
            }
        }
    }
}

/// Sums of squares, whose second derivatives by entries are those of a sum of squares of these; of a pencil whose second
/// matrix is given, tr B^-2.
fn squares<S: Real>(which: usize, a: &DMatrix<S>) -> Result<S, Error> {
    let sum = |w: &DVector<S>| w.iter().fold(S::zero(), |sum, &w| sum + w * w);
    Ok(match which {
        0 => sum(&singular_values(a)?),
        1 => sum(&svd(a)?.singular_values),
        2 => {
            let even = (a + transpose(a)) * nalgebra::convert::<f64, S>(0.5);
            let one = constant::<S>(&DMatrix::identity(a.nrows(), a.nrows()));
            sum(&generalized_symmetric_eigen(&one, &even)?.eigenvalues)
        }
        _ => {
            let turned =
                a.map(|x| Complex::new(x * nalgebra::convert(0.6), x * nalgebra::convert(0.8)));
            sum(&singular_values(&turned)?)
        }
    })
}

#[test]
fn mixed_second_derivatives_where_values_are_zero_or_repeat_are_right_or_none() {
    let (zero, one) = (DMatrix::<f64>::zeros(2, 2), DMatrix::<f64>::identity(2, 2));
    let line = dmatrix![1.0, 2.0; 2.0, 4.0];
    let wide = dmatrix![0.0, 0.0, 0.0; 0.0, 3.0, 0.0];
    for (which, a) in [
        (0, &zero),
        (0, &one),
        (0, &line),
        (0, &wide),
        (1, &zero),
        (1, &line),
        (2, &one),
        (3, &zero),
        (3, &line),
    ] {
        let unit = |k: usize| {
            let mut e = DMatrix::<f64>::zeros(a.nrows(), a.ncols());
            e[k] = 1.0;
            e
        };
        for k in 0..a.len() {
            let d = unit(k);
            let slope =
                |a: &DMatrix<Dual<f64>>| jvp(|a| squares(which, a).unwrap(), a, &constant(&d)).1;
            for l in 0..a.len() {
                let e = unit(l);
                let expected = match which {
                    2 => 1.5 * (&d + d.transpose()).dot(&(&e + e.transpose())),
                    _ => 2.0 * d.dot(&e),
                };
                let (found, heard) = diagnosed(|| jvp(slope, a, &e).1);
                let right = (found - expected).abs() < 1e-13;
                assert!(right || found.is_nan() && k != l, "{which} {a} {k} {l}: {found}");
                assert!(right || !heard.is_empty(), "{which} {a} {k} {l}");
            }
        }
    }
    // Along the same direction they move at one speed, or by what the values that are not zero make of it.
    let d = dmatrix![0.3, -0.5; 0.2, 0.7];
    let nuclear = |a: &DMatrix<Dual<f64>>| {
        jvp(|a: &DMatrix<Dual<Dual<f64>>>| sum(&singular_values(a).unwrap()), a, &constant(&d)).1
    };
    let a = dmatrix![2.0, 0.0; 0.0, 0.0];
    let found = jvp(nuclear, &a, &d).1;
    let at = |t: f64| jvp(|a| sum(&singular_values(a).unwrap()), &(&a + &d * t), &d).1;
    let h = 1e-5;
    let one_sided = (4.0 * at(h) - at(2.0 * h) - 3.0 * at(0.0)) / (2.0 * h);
    assert!((found - one_sided).abs() < 1e-5, "{found} {one_sided}");
}

#[test]
fn tangents_of_values_that_repeat_are_in_order() {
    let identity = DMatrix::<f64>::identity(3, 3);
    let direction = DMatrix::from_diagonal(&dvector![2.0, -1.0, 1.0]);
    let (_, moved) = jvp(symmetric_eigenvalues, &identity, &direction).unwrap();
    assert_eq!(moved, dvector![-1.0, 1.0, 2.0]);
    let (_, moved) = jvp(symmetric_eigen, &identity, &direction).unwrap();
    assert_eq!(moved.eigenvalues, dvector![-1.0, 1.0, 2.0]);
    let (_, moved) = jvp(singular_values, &identity, &direction).unwrap();
    assert_eq!(moved, dvector![2.0, 1.0, -1.0]);
    // How they move along two directions is told if one basis makes both diagonal, and in order.
    let along = |first: &DMatrix<f64>, second: &DMatrix<f64>| {
        let slope = |a: &DMatrix<Dual<f64>>| {
            jvp(|a| symmetric_eigenvalues(a).unwrap(), a, &constant(first))
        };
        let twice = |a: &DMatrix<Dual<f64>>| {
            // A quarter of the derivative of tr A^4 by its eigenvalues.
            let (w, w_dot) = slope(a);
            let terms = w.iter().zip(w_dot.iter());
            terms.fold(Dual::constant(0.0), |t, (&w, &dot)| t + w * w * w * dot)
        };
        diagnosed(|| jvp(twice, &identity, second).1).0
    };
    let other = dmatrix![1.0, 0.5, 0.0; 0.5, 3.0, 0.2; 0.0, 0.2, -1.0];
    let scaled = &other * 2.0 + &identity;
    // 3 tr E F at the identity.
    assert!((along(&other, &scaled) - 3.0 * other.dot(&scaled)).abs() < 1e-12);
    assert!(along(&other, &direction).is_nan() && along(&other, &-&other).is_nan());
    assert!((along(&other, &identity) - 3.0 * other.trace()).abs() < 1e-12);
}

#[test]
fn tangents_of_general_values_that_repeat_are_in_order() {
    let close = |found: &DVector<Complex<f64>>, expected: &[(f64, f64)]| {
        for (found, &(re, im)) in found.iter().zip(expected) {
            assert!((found - Complex::new(re, im)).norm() < 1e-12, "{found}, not {re} {im}");
        }
    };
    let along = |a: &DMatrix<f64>, e: &DMatrix<f64>| {
        let (_, values) = jvp(complex_eigenvalues, a, e).unwrap();
        let of_eigen = diagnosed(|| jvp(eigen, a, e).unwrap().1).0.eigenvalues;
        assert!((&of_eigen - &values).norm() < 1e-13, "{of_eigen} {values}");
        // How the sum of the squares moves is no matter of the order.
        let squares = jvp(
            |a: &DMatrix<Dual<f64>>| {
                let values = complex_eigenvalues(a).unwrap();
                values.iter().fold(Dual::constant(0.0), |sum, w| sum + (*w * *w).re)
            },
            a,
            e,
        );
        assert!((squares.1 - 2.0 * (a * e).trace()).abs() < 1e-12);
        values
    };
    let one = DMatrix::<f64>::identity(2, 2);
    // A pair of conjugates, two real values, and what is in order and is not.
    let root = (0.72_f64 - 0.01).sqrt();
    let pair = dmatrix![0.3, -0.8; 0.9, 0.1];
    close(&along(&one, &pair), &[(0.2, -root), (0.2, root)]);
    close(&along(&DMatrix::zeros(2, 2), &-&pair), &[(-0.2, -root), (-0.2, root)]);
    let root = 5.0_f64.sqrt();
    for sign in [1.0, -1.0] {
        let real = dmatrix![1.0, 2.0; 2.0, -1.0] * sign;
        close(&along(&one, &real), &[(-root, 0.0), (root, 0.0)]);
        let diagonal = dmatrix![2.0, 0.0; 0.0, 3.0] * sign;
        let expected =
            if sign > 0.0 { [(2.0, 0.0), (3.0, 0.0)] } else { [(-3.0, 0.0), (-2.0, 0.0)] };
        close(&along(&one, &diagonal), &expected);
        // Vectors that change places have no derivative.
        let (moved, heard) = diagnosed(|| jvp(eigen, &one, &diagonal).unwrap().1.eigenvectors);
        assert_eq!(moved.iter().any(|x| x.re.is_nan()), sign < 0.0, "{moved}");
        assert_eq!(heard.len(), usize::from(sign < 0.0), "{heard:?}");
    }
    // In a basis that is not orthogonal, beside another value: V diag(2, 2, -1) V^-1, along V E V^-1.
    let v = dmatrix![1.0, 0.5, 0.0; 0.0, 1.0, 0.25; 0.5, 0.0, 1.0];
    let inverse = v.clone().try_inverse().unwrap();
    let a = &v * DMatrix::from_diagonal(&dvector![2.0, 2.0, -1.0]) * &inverse;
    let e = &v * dmatrix![1.0, 4.0, 0.3; 1.0, 1.0, 0.7; 0.2, 0.1, 0.6] * &inverse;
    close(&along(&a, &e), &[(0.6, 0.0), (-1.0, 0.0), (3.0, 0.0)]);
    // A pair that repeats: two quarter turns, along one of them.
    let turn = dmatrix![0.0, -1.0; 1.0, 0.0];
    let turns = turn.kronecker(&one);
    let tangents = along(&turns, &turn.kronecker(&dmatrix![1.0, 0.0; 0.0, 3.0]));
    let mut sorted: Vec<_> = tangents.iter().map(|x| x.im).collect();
    sorted.sort_by(f64::total_cmp);
    close(
        &DVector::from_iterator(4, sorted.iter().map(|&x| Complex::new(x, 0.0))),
        &[(-3.0, 0.0), (-1.0, 0.0), (1.0, 0.0), (3.0, 0.0)],
    );
    // In single precision.
    let pair = pair.map(|x| x as f32);
    let (_, moved) = jvp(complex_eigenvalues, &DMatrix::<f32>::identity(2, 2), &pair).unwrap();
    assert!((moved[1] - Complex::new(0.2, 0.71_f32.sqrt())).norm() < 1e-6, "{moved}");
}

#[test]
fn singular_vectors_beside_larger_singular_values() {
    let mut random = Sampler::new(73, 73);
    let first: DMatrix<f64> = random.matrix(3, 3);
    for size in [1e3, 1e9, 1e18] {
        let a = DMatrix::from_diagonal(&dvector![size, 2.0, 1.0]);
        let loss = |a: &DMatrix<Var<f64>>| {
            let u = svd(a)?.u;
            let x = u[(1, 1)] + u[(2, 1)];
            Ok::<_, Error>(x * x)
        };
        let (found, heard) = diagnosed(|| gradient(loss, &a).unwrap());
        let (_, moved) = jvp(svd, &a, &first).unwrap();
        let forward = 2.0 * (moved.u[(1, 1)] + moved.u[(2, 1)]);
        assert!((found.dot(&first) - forward).abs() < 1e-13, "{found} {forward}");
        // X_32 = (s_2 P_32 + s_3 P_23) / (s_2^2 - s_3^2).
        assert!((forward - 2.0 * (2.0 * first[(2, 1)] + first[(1, 2)]) / 3.0).abs() < 1e-13);
        assert!(heard.is_empty());
    }
}

#[test]
fn what_eigenvectors_of_a_repeated_eigenvalue_do_not_determine_is_nan() {
    let identity = DMatrix::<f64>::identity(3, 3);
    let root = |a: &DMatrix<Var<f64>>| {
        let SymmetricEigen { eigenvalues, eigenvectors } = symmetric_eigen(a)?;
        let scaled = DMatrix::from_fn(3, 3, |i, j| {
            eigenvectors[(i, j)] * nalgebra::ComplexField::sqrt(eigenvalues[j])
        });
        Ok::<_, Error>(matmul(&scaled, &transpose(&eigenvectors))?[(0, 1)])
    };
    let (found, heard) = diagnosed(|| gradient(root, &identity).unwrap());
    assert!(found.iter().all(|x: &f64| x.is_nan()) && heard.len() == 1, "{found} {heard:?}");
    let (left_out, heard) =
        diagnosed(|| leaving_out_undefined(|| gradient(root, &identity).unwrap()));
    assert!(left_out.norm() < 1e-15 && heard.len() == 1, "{left_out} {heard:?}");
    // An eigenvector alone.
    let (found, heard) = diagnosed(|| gradient(of_the_first::<Var<f64>>, &identity).unwrap());
    assert!(found.iter().all(|x: &f64| x.is_nan()));
    assert!(matches!(heard[0].defect, Defect::Gauge { .. }), "{heard:?}");
    let direction = dmatrix![0.0, 1.0, 0.0; 1.0, 0.0, 0.0; 0.0, 0.0, 2.0];
    let ((_, moved), heard) = diagnosed(|| jvp(symmetric_eigen, &identity, &direction).unwrap());
    assert!(moved.eigenvectors.column(0).iter().all(|x: &f64| x.is_nan()) && heard.len() == 1);
    // What the direction splits the eigenvalue into, in order.
    assert!((moved.eigenvalues - dvector![-1.0, 1.0, 2.0]).norm() < 1e-15);
    let ((_, moved), heard) = diagnosed(|| {
        leaving_out_undefined(|| jvp(symmetric_eigen, &identity, &direction).unwrap())
    });
    assert!(moved.eigenvectors.norm() == 0.0 && heard.len() == 1);
    // One of the repeated eigenvalues has a kink, their sum has not.
    let smallest = |a: &DMatrix<Var<f64>>| Ok::<_, Error>(symmetric_eigenvalues(a)?[0]);
    let (found, heard) = diagnosed(|| gradient(smallest, &identity).unwrap());
    assert!(found.iter().all(|x: &f64| x.is_nan()) && heard.len() == 1);
    let trace = |a: &DMatrix<Var<f64>>| Ok::<_, Error>(sum(&symmetric_eigenvalues(a)?));
    let (found, heard) = diagnosed(|| gradient(trace, &identity).unwrap());
    assert!((found - &identity).norm() < 1e-15 && heard.is_empty());
    let trace = |a: &DMatrix<Var<f64>>| Ok::<_, Error>(sum(&symmetric_eigen(a)?.eigenvalues));
    let (found, heard) = diagnosed(|| gradient(trace, &identity).unwrap());
    assert!((found - &identity).norm() < 1e-15 && heard.is_empty());
    // The other eigenvectors and eigenvalues are what they are.
    let a = DMatrix::from_diagonal(&dvector![1.0, 1.0, 2.0]);
    let last = |a: &DMatrix<Var<f64>>| {
        let SymmetricEigen { eigenvalues, eigenvectors } = symmetric_eigen(a)?;
        Ok::<_, Error>(eigenvectors[(0, 2)] + eigenvalues[2])
    };
    let (found, heard) = diagnosed(|| gradient(last, &a).unwrap());
    let expected = dmatrix![0.0, 0.0, 0.5; 0.0, 0.0, 0.0; 0.5, 0.0, 1.0];
    assert!((found - expected).norm() < 1e-15 && heard.is_empty(), "{heard:?}");
    // A pencil of one eigenvalue.
    let paired = |a: &DMatrix<Var<f64>>| {
        let modes = generalized_symmetric_eigen(a, &constant(&DMatrix::identity(3, 3)))?;
        Ok::<_, Error>(modes.eigenvectors[(0, 1)])
    };
    let (found, heard) = diagnosed(|| gradient(paired, &identity).unwrap());
    assert!(found.iter().all(|x: &f64| x.is_nan()) && heard.len() == 1);
}

#[test]
fn what_general_eigenvectors_do_not_determine_is_nan() {
    let identity = DMatrix::<f64>::identity(2, 2);
    for weight in [dmatrix![1.0, 2.0; 3.0, 4.0], dmatrix![1.0, 2.0; 3.0, 1.0]] {
        let cube = |a: &DMatrix<Var<f64>>| {
            let Eigen { eigenvalues, eigenvectors } = eigen(a)?;
            let scaled = DMatrix::from_fn(2, 2, |i, j| {
                eigenvectors[(i, j)] * eigenvalues[j] * eigenvalues[j] * eigenvalues[j]
            });
            let product = matmul(&scaled, &difrules_linalg::inverse(&eigenvectors)?)?;
            dot(&product.map(|x| x.re), &constant(&weight))
        };
        let (found, heard) = diagnosed(|| gradient(cube, &identity).unwrap());
        assert!(found.iter().all(|x: &f64| x.is_nan()) && heard.len() == 1, "{found} {heard:?}");
        let through = |a: &DMatrix<Var<f64>>| {
            let (q, t) = schur(a)?;
            dot(&matmul(&matmul(&q, &t)?, &transpose(&q))?, &constant(&weight))
        };
        let (found, heard) = diagnosed(|| gradient(through, &identity).unwrap());
        assert!(found.iter().all(|x: &f64| x.is_nan()) && heard.len() == 1, "{found} {heard:?}");
    }
    let first = |a: &DMatrix<Var<f64>>| Ok::<_, Error>(complex_eigenvalues(a)?[0].re);
    let (found, heard) = diagnosed(|| gradient(first, &identity).unwrap());
    assert!(found.iter().all(|x: &f64| x.is_nan()) && heard.len() == 1);
    let squares = |a: &DMatrix<Var<f64>>| {
        Ok::<_, Error>(
            complex_eigenvalues(a)?.iter().fold(Var::constant(0.0), |sum, w| sum + (w * w).re),
        )
    };
    let (found, heard) = diagnosed(|| gradient(squares, &identity).unwrap());
    assert!((found - identity * 2.0).norm() < 1e-14 && heard.is_empty());
    // Small beside large.
    let a = dmatrix![1e-9, 1e-10, 0.0; 0.0, 2e-9, 0.0; 0.0, 0.0, 1.0];
    let first = |a: &DMatrix<Var<f64>>| Ok::<_, Error>(eigen(a)?.eigenvectors[(1, 0)].re);
    let (found, heard) = diagnosed(|| gradient(first, &a).unwrap());
    assert!(f64::abs(found[(1, 0)] / -1e9 - 1.0) < 0.1 && heard.is_empty(), "{found} {heard:?}");
}

#[test]
fn symmetric_functions_of_values_that_repeat() {
    fn squares<S: Real>(values: &DVector<S>) -> S {
        values.iter().fold(S::zero(), |sum, &w| sum + w * w)
    }
    fn cubes<S: Real>(values: &DVector<S>) -> S {
        values.iter().fold(S::zero(), |sum, &w| sum + w * w * w)
    }
    let mut random = Sampler::new(79, 79);
    let v = random.matrix::<f64>(4, 4).qr().q();
    for values in
        [[1.0; 4], [1.0, 1.0, 2.0, 2.0], [0.0, 0.0, 1.0, 3.0], [1.0, 1.0 + 1e-9, 1.0 + 1e-5, 2.0]]
    {
        for v in [DMatrix::identity(4, 4), v.clone()] {
            let a = &v * DMatrix::from_diagonal(&values.to_vec().into()) * v.transpose();
            let a = (&a + a.transpose()) * 0.5;
            let direction = symmetric(&mut random, 4);
            // tr A^2 and tr A^3.
            let (found, heard) = diagnosed(|| {
                hvp(|a| symmetric_eigenvalues(a).map(|w| squares(&w)), &a, &direction).unwrap()
            });
            let error = (&found - &direction * 2.0).norm() / direction.norm();
            assert!(error < 1e-6 && heard.is_empty(), "{values:?}: {error:e} {heard:?}");
            let (found, heard) = diagnosed(|| {
                hvp(|a| symmetric_eigenvalues(a).map(|w| cubes(&w)), &a, &direction).unwrap()
            });
            let expected = (&a * &direction + &direction * &a) * 3.0;
            let error = (&found - &expected).norm() / expected.norm();
            assert!(error < 1e-6 && heard.is_empty(), "{values:?}: {error:e} {heard:?}");
            let found = gradient(|a| symmetric_eigenvalues(a).map(|w| cubes(&w)), &a).unwrap();
            assert!((found - &a * &a * 3.0).norm() < 1e-13 * 30.0);
            let (_, slope) =
                jvp(|a| symmetric_eigenvalues(a).map(|w| cubes(&w)), &a, &direction).unwrap();
            assert!((slope - 3.0 * (&a * &a).dot(&direction)).abs() < 1e-12);
            // Four directions at a time.
            let found = hessian(|a| symmetric_eigenvalues(a).map(|w| squares(&w)), &a).unwrap();
            let both = |i: usize, j: usize| {
                f64::from(u8::from(j == i)) + f64::from(u8::from(j == (i % 4) * 4 + i / 4))
            };
            let expected = DMatrix::from_fn(16, 16, both);
            assert!((found - expected).norm() < 1e-5, "{values:?}");
        }
    }
    for (rows, columns) in [(4, 4), (5, 4), (4, 5)] {
        for values in
            [[1.0; 4], [2.0, 2.0, 1.0, 1.0], [2.0, 1.0, 1.0, 0.0], [1.0, 1.0, 0.0, 0.0], [0.0; 4]]
        {
            let diagonal =
                DMatrix::from_fn(rows, columns, |i, j| if i == j { values[i] } else { 0.0 });
            let turn = |size: usize| random.clone().matrix::<f64>(size, size).qr().q();
            for a in [diagonal.clone(), turn(rows) * &diagonal * turn(columns).transpose()] {
                let direction: DMatrix<f64> = random.matrix(rows, columns);
                let (found, heard) = diagnosed(|| {
                    hvp(|a| singular_values(a).map(|s| squares(&s)), &a, &direction).unwrap()
                });
                let error = (&found - &direction * 2.0).norm() / direction.norm();
                assert!(
                    error < 1e-7 && heard.is_empty(),
                    "{rows} {columns} {values:?}: {error:e} {heard:?}"
                );
                // sum s^4 = |A^T A|^2
                let fourth = |a: &DMatrix<Var<Dual<f64>>>| {
                    let squared = singular_values(a)?.map(|s| s * s);
                    Ok::<_, Error>(squares(&squared))
                };
                let (found, heard) = diagnosed(|| hvp(fourth, &a, &direction).unwrap());
                let expected = (&direction * a.transpose() * &a
                    + &a * direction.transpose() * &a
                    + &a * a.transpose() * &direction)
                    * 4.0;
                let error = (&found - &expected).norm() / expected.norm().max(1e-3);
                assert!(
                    error < 1e-7 && heard.is_empty(),
                    "{rows} {columns} {values:?}: {error:e} {heard:?}"
                );
            }
        }
    }
}

#[test]
fn polar_factors_to_second_order() {
    let mut random = Sampler::new(83, 83);
    let q = random.matrix::<f64>(4, 4).qr().q();
    for (rows, columns) in [(3, 3), (4, 3), (3, 4)] {
        let eye = DMatrix::<f64>::identity(rows, columns);
        let turned = q.view((0, 0), (rows, rows)).into_owned().qr().q() * &eye * 2.0;
        let any: DMatrix<f64> = random.matrix(rows, columns);
        let (s, t): (DMatrix<f64>, DMatrix<f64>) =
            (random.matrix(rows, columns), random.matrix(columns, columns));
        for a in [eye, turned, any] {
            let direction: DMatrix<f64> = random.matrix(rows, columns);
            fn paired<S: Real>(
                a: &DMatrix<S>,
                s: &DMatrix<f64>,
                t: &DMatrix<f64>,
            ) -> Result<S, Error> {
                let (u, p) = polar(a)?;
                Ok(dot(&u, &constant(s))? + dot(&p, &constant(t))?)
            }
            let at = |x: f64| gradient(|a| paired(a, &s, &t), &(&a + &direction * x)).unwrap();
            let expected = difference(|x| Some(at(x).iter().copied().collect())).unwrap();
            let (found, heard) = diagnosed(|| hvp(|a| paired(a, &s, &t), &a, &direction).unwrap());
            let expected = DMatrix::from_column_slice(rows, columns, &expected.derivative);
            let error = (&found - &expected).norm() / expected.norm();
            assert!(error < 1e-8 && heard.is_empty(), "{error:e} {heard:?}");
            // The other nestings.
            let slope = |a: &DMatrix<Var<f64>>| {
                let lifted = a.zip_map(&direction, |x, v| Dual::new(x, [Var::constant(v)]));
                Ok::<_, Error>(paired(&lifted, &s, &t)?.tangents[0])
            };
            let second = gradient(slope, &a).unwrap();
            assert!((&second - &found).norm() < 1e-10 * found.norm());
            let of_gradient = |a: &DMatrix<Var<f64>>| {
                let inner = gradient(|a| paired(a, &s, &t), a)?;
                dot(&inner, &constant(&direction))
            };
            let second = gradient(of_gradient, &a).unwrap();
            assert!((&second - &found).norm() < 1e-10 * found.norm());
            let twice = |a: &DMatrix<Dual<f64>>| {
                jvp(|a| paired(a, &s, &t), a, &constant(&direction)).map(|(_, slope)| slope)
            };
            let (_, second) = jvp(twice, &a, &direction).unwrap();
            assert!((second - found.dot(&direction)).abs() < 1e-10 * found.norm());
        }
    }
}

#[test]
fn functions_of_a_symmetric_matrix_at_any_spectrum() {
    fn paired<S: Real>(a: &DMatrix<S>, f: &ScalarFunction, s: &DMatrix<f64>) -> Result<S, Error> {
        dot(&symmetric_function(a, f)?, &constant(s))
    }
    let mut random = Sampler::new(89, 89);
    let v = random.matrix::<f64>(4, 4).qr().q();
    let s: DMatrix<f64> = random.matrix(4, 4);
    let direction = symmetric(&mut random, 4) * 0.3;
    let both = (&s + s.transpose()) * 0.5;
    let function = |text: &str| text.parse::<ScalarFunction>().unwrap();
    // A^3 is a polynomial, with derivatives by hand.
    let cube = function("x^3");
    for values in [
        [1.0; 4],
        [1.0, 1.0, 2.0, 2.0],
        [0.0, 0.0, 0.0, 1.0],
        [1.0, 1.0 + 1e-15, 1.0 + 1e-9, 1.0 + 1e-3],
        [1e-9, 3e-9, 1.0, 1.0],
        [-1.0, 1.0, 1.0 + 1e-7, 1e3],
    ] {
        for v in [DMatrix::identity(4, 4), v.clone()] {
            let a = &v * DMatrix::from_diagonal(&values.to_vec().into()) * v.transpose();
            let a = (&a + a.transpose()) * 0.5;
            let size = values.iter().fold(1.0_f64, |most, w| most.max(w.abs()));
            let (found, heard) = diagnosed(|| gradient(|a| paired(a, &cube, &s), &a).unwrap());
            let expected = &a * &a * &both + &a * &both * &a + &both * &a * &a;
            assert!((&found - &expected).norm() < 1e-13 * size * size, "{values:?}");
            let (_, slope) = jvp(|a| paired(a, &cube, &s), &a, &direction).unwrap();
            assert!((slope - expected.dot(&direction)).abs() < 1e-13 * size * size);
            let (second, more) =
                diagnosed(|| hvp(|a| paired(a, &cube, &s), &a, &direction).unwrap());
            let e = &direction;
            let expected = e * &a * &both
                + &a * e * &both
                + e * &both * &a
                + &a * &both * e
                + &both * e * &a
                + &both * &a * e;
            assert!((&second - &expected).norm() < 1e-12 * size, "{values:?}: {second} {expected}");
            assert!(heard.is_empty() && more.is_empty());
            // The other nestings.
            let slope = |a: &DMatrix<Var<f64>>| {
                let lifted = a.zip_map(e, |x, v| Dual::new(x, [Var::constant(v)]));
                Ok::<_, Error>(paired(&lifted, &cube, &s)?.tangents[0])
            };
            assert!((gradient(slope, &a).unwrap() - &second).norm() < 1e-12 * size);
            let of_gradient =
                |a: &DMatrix<Var<f64>>| dot(&gradient(|a| paired(a, &cube, &s), a)?, &constant(e));
            assert!((gradient(of_gradient, &a).unwrap() - &second).norm() < 1e-12 * size);
            let twice = |a: &DMatrix<Dual<f64>>| {
                jvp(|a| paired(a, &cube, &s), a, &constant(e)).map(|(_, slope)| slope)
            };
            let (_, twice) = jvp(twice, &a, e).unwrap();
            assert!((twice - second.dot(e)).abs() < 1e-12 * size);
        }
    }
    // Others, against differences.
    for (text, values) in [
        ("exp(x)", [1.0, 1.0, 1.0, 2.0]),
        ("sqrt(x)", [1.0, 1.0 + 1e-8, 1.0 + 1e-4, 3.0]),
        ("ln(x)", [1.0; 4]),
        ("1 / sqrt(x)", [0.5, 0.5, 2.0, 2.5]),
        ("tanh(x)", [-0.3, 0.0, 0.0, 0.1]),
    ] {
        let f = function(text);
        let a = &v * DMatrix::from_diagonal(&values.to_vec().into()) * v.transpose();
        let a = (&a + a.transpose()) * 0.5;
        let at = |x: f64| symmetric_function(&(&a + &direction * x), &f).unwrap().dot(&s);
        let expected = difference(|x| Some(vec![at(x)])).unwrap().derivative[0];
        let found = gradient(|a| paired(a, &f, &s), &a).unwrap();
        assert!((found.dot(&direction) - expected).abs() < 1e-9, "{text}");
        let at = |x: f64| gradient(|a| paired(a, &f, &s), &(&a + &direction * x)).unwrap();
        let expected = difference(|x| Some(at(x).iter().copied().collect())).unwrap();
        let found = hvp(|a| paired(a, &f, &s), &a, &direction).unwrap();
        let expected = DMatrix::from_column_slice(4, 4, &expected.derivative);
        assert!((&found - &expected).norm() < 1e-8 * expected.norm(), "{text}");
    }
    // At the identity: (1 + E)^(1/2) = 1 + E / 2 - E^2 / 8 + E^3 / 16.
    let (identity, root) = (DMatrix::<f64>::identity(3, 3), function("sqrt(x)"));
    let entry = |a: &DMatrix<Var<f64>>| Ok::<_, Error>(symmetric_function(a, &root)?[(0, 1)]);
    let found = gradient(entry, &identity).unwrap();
    assert_eq!(found, dmatrix![0.0, 0.25, 0.0; 0.25, 0.0, 0.0; 0.0, 0.0, 0.0]);
    let e = symmetric(&mut random, 3);
    let third = |t: &Dual<Dual<Dual<f64>>>| {
        let a = constant::<Dual<Dual<Dual<f64>>>>(&identity) + constant(&e) * *t;
        symmetric_function(&a, &root)
    };
    let cubed = jvp(
        |t| {
            jvp(
                |t| jvp(third, t, &Dual::constant(Dual::constant(1.0))).map(|y| y.1),
                t,
                &Dual::constant(1.0),
            )
            .map(|y| y.1)
        },
        &0.0,
        &1.0,
    );
    let expected = &e * &e * &e * (6.0 / 16.0);
    assert!((cubed.unwrap().1 - &expected).norm() < 1e-12 * expected.norm());
    // No value, no derivative.
    assert!(matches!(
        symmetric_function(&-&identity, &root),
        Err(Error::NotFinite { argument: "f", .. })
    ));
    let singular = DMatrix::from_diagonal(&dvector![0.0, 1.0]);
    let last = |a: &DMatrix<Var<f64>>| Ok::<_, Error>(symmetric_function(a, &root)?[(0, 0)]);
    assert!(!f64::is_finite(gradient(last, &singular).unwrap()[(0, 0)]));
    assert!("x + y".parse::<ScalarFunction>().is_err());
}

/// V f(w) V^T and its like by each primitive that has the factors, put together by the numbers one by one.
fn put_together<S: Real>(
    which: usize,
    a: &DMatrix<S>,
    f: impl Fn(S) -> S,
) -> Result<DMatrix<S>, Error> {
    let by_numbers = |x: &DMatrix<S>, f: &[S], y: &DMatrix<S>| {
        DMatrix::from_fn(x.nrows(), y.ncols(), |i, j| {
            (0..f.len()).fold(S::zero(), |sum, k| sum + x[(i, k)] * f[k] * y[(k, j)])
        })
    };
    Ok(match which {
        0 => {
            let SymmetricEigen { eigenvalues, eigenvectors } = symmetric_eigen(a)?;
            let f: Vec<S> = eigenvalues.iter().map(|&w| f(w)).collect();
            by_numbers(&eigenvectors, &f, &eigenvectors.transpose())
        }
        1 => {
            let SymmetricEigen { eigenvalues, eigenvectors } = symmetric_eigen(a)?;
            let scaled = DMatrix::from_fn(a.nrows(), a.ncols(), |i, j| {
                eigenvectors[(i, j)] * f(eigenvalues[j])
            });
            matmul(&scaled, &transpose(&eigenvectors))?
        }
        2 => {
            let b = constant(&DMatrix::identity(a.nrows(), a.nrows()));
            let SymmetricEigen { eigenvalues, eigenvectors } = generalized_symmetric_eigen(a, &b)?;
            let f: Vec<S> = eigenvalues.iter().map(|&w| f(w)).collect();
            by_numbers(&eigenvectors, &f, &eigenvectors.transpose())
        }
        3 => {
            let Svd { u, singular_values, v_t } = svd(a)?;
            let f: Vec<S> = singular_values.iter().map(|&s| f(s)).collect();
            by_numbers(&u, &f, &v_t)
        }
        4 => {
            let Eigen { eigenvalues, eigenvectors } = eigen(a)?;
            let f: Vec<S> = eigenvalues.iter().map(|w| f(w.re)).collect();
            let inverse = difrules_linalg::inverse(&eigenvectors)?;
            by_numbers(&eigenvectors.map(|x| x.re), &f, &inverse.map(|x| x.re))
        }
        _ => {
            let (q, t) = schur(a)?;
            let f: Vec<S> = t.diagonal().iter().map(|&w| f(w)).collect();
            by_numbers(&q, &f, &q.transpose())
        }
    })
}

#[test]
fn cotangents_of_vectors_that_come_out_as_zero_ask_for_them() {
    // ln of one is zero, and so is what it scales; at other matrices x - c.
    let identity = DMatrix::<f64>::identity(3, 3);
    let beside = DMatrix::from_diagonal(&dvector![2.0, 5.0, 2.0]);
    let direction = dmatrix![0.3, 0.5, -0.2; 0.5, 0.1, 0.7; -0.2, 0.7, -0.4];
    for which in 0..6 {
        for (a, zero) in [(&identity, 1.0), (&beside, 2.0)] {
            fn f<S: Real>(x: S, zero: f64) -> S {
                let x = x / nalgebra::convert(zero);
                x.ln()
            }
            // Weights of either sign, of one entry, and none on the diagonal.
            for weight in [
                DMatrix::from_element(3, 3, 1.0),
                DMatrix::from_element(3, 3, -1.0),
                dmatrix![0.0, 0.0, 1.0; 0.0, 0.0, 0.0; 0.0, 0.0, 0.0],
                dmatrix![0.0, 0.0, -1.0; 0.0, 0.0, 0.0; -1.0, 0.0, 0.0],
            ] {
                fn loss<S: Real>(
                    which: usize,
                    a: &DMatrix<S>,
                    zero: f64,
                    weight: &DMatrix<f64>,
                ) -> Result<S, Error> {
                    let y = put_together(which, a, |x| f(x, zero))?;
                    let terms = y.iter().zip(weight).filter(|(_, w)| **w != 0.0);
                    Ok(terms.fold(S::zero(), |sum, (&y, &w)| sum + y * nalgebra::convert(w)))
                }
                let (found, heard) =
                    diagnosed(|| gradient(|a| loss(which, a, zero, &weight), a).unwrap());
                let nan = found.iter().any(|x: &f64| x.is_nan());
                assert!(nan && !heard.is_empty(), "{which} {weight}: {found} {heard:?}");
                let (_, slope) = jvp(|a| loss(which, a, zero, &weight), a, &direction).unwrap();
                assert!(f64::is_nan(slope), "{which} {weight}: {slope}");
                let second = hvp(|a| loss(which, a, zero, &weight), a, &direction).unwrap();
                assert!(second.iter().any(|x: &f64| x.is_nan()), "{which}: {second}");
            }
        }
    }
    // Zeros that come from nothing are strong: of the values alone, and of other vectors.
    for which in [0, 1] {
        let trace = |a: &DMatrix<Var<f64>>| {
            let SymmetricEigen { eigenvalues, eigenvectors } = symmetric_eigen(a)?;
            let beside = if which == 1 { eigenvectors[(1, 2)] } else { Var::constant(0.0) };
            Ok::<_, Error>(sum(&eigenvalues) + beside)
        };
        let (found, heard) = diagnosed(|| gradient(trace, &beside).unwrap());
        assert!((found - &identity).norm() < 1.0 && heard.is_empty(), "{heard:?}");
    }
    // Replayed at a matrix of other eigenvalues, and back.
    let entry = |a: &DMatrix<Var<f64>>| {
        Ok::<_, Error>(put_together(0, a, nalgebra::ComplexField::ln)?[(0, 2)])
    };
    let apart = dmatrix![1.0, 0.1, 0.2; 0.1, 2.0, 0.3; 0.2, 0.3, 4.0];
    let mut recording = difrules_core::Recording::new(entry, &apart).unwrap();
    for a in [&apart, &identity, &apart] {
        let expected = diagnosed(|| gradient(entry, a).unwrap()).0;
        let mut found = a * 0.0;
        diagnosed(|| recording.value_and_gradient(a, &mut found)).0.unwrap();
        let same = |(x, y): (&f64, &f64)| x == y || x.is_nan() && y.is_nan();
        assert!(found.iter().zip(&expected).all(same), "{found} {expected}");
    }
}

#[test]
fn second_derivatives_of_symmetric_functions_at_any_gap() {
    let mut random = Sampler::new(83, 83);
    let (cosine, sine) = (0.6, 0.8);
    for turned in [dmatrix![1.0, 0.0; 0.0, 1.0], dmatrix![cosine, -sine; sine, cosine]] {
        for gap in [1e-3, 1e-5, 1e-7, 1e-9, 1e-11, 1e-12, 1e-13, 1e-14, 1e-15] {
            let values = DMatrix::from_diagonal(&dvector![1.0, 1.0 + gap]);
            let a = &turned * values * turned.transpose();
            let a = (&a + a.transpose()) * 0.5;
            let (even, any) = (symmetric(&mut random, 2), random.matrix::<f64>(2, 2));
            for which in 0..5 {
                let (e, expected) = curvature_of_cubes(which, &a, &even, &any);
                let (found, _) = diagnosed(|| hvp(|a| cubes(which, a), &a, e).unwrap());
                let error = (&found - &expected).norm() / expected.norm();
                assert!(error < 1e-7, "{which} {gap:e}: {error:e}");
            }
        }
    }
}

/// A matrix whose columns are of different sizes has small singular values that the factors know by their rounding alone; the
/// second derivatives of its unitary factor are no worse for it.
#[test]
fn second_derivatives_of_the_unitary_factor_of_graded_columns() {
    fn loss<S: Real>(a: &DMatrix<S>) -> Result<S, Error> {
        let weights = dmatrix![1.0, 0.3, 0.7; -0.5, 1.5, 0.2; 2.0, -1.0, -0.4];
        dot(&polar(a)?.0, &constant(&weights))
    }
    let a = dmatrix![2e-7, 0.5, 3e7; -1e-7, 1.5, 1e7; 3e-7, -1.0, -2e7];
    // mpmath with 400 digits, along a direction of the size of the columns and along one that is not.
    for (along, expected) in [
        (
            dmatrix![1e-7, 1.0, -1e7; 2e-7, 0.5, 3e7; -1e-7, 2.0, 1e7],
            dmatrix![
                -1.1036797271329, -0.9196122153836, 4.755333503606e-8;
                2.0794795199642, -2.2593738086979, 3.2545896890157e-9;
                -1.9457415298368, -1.7435270244459, 9.020993085663e-9
            ],
        ),
        (
            dmatrix![1.0, 2.0, -1.0; 0.5, 1.0, 2.0; -1.0, 0.3, 0.2],
            dmatrix![
                -1.311915551409, -0.49379021481561, -2.3734412016063e-8;
                1.5261868735885, -1.6672213510811, 5.2994565518314e-8;
                -1.2047799884921, -1.5742959690177, -9.1043375195191e-9
            ],
        ),
    ] {
        let over = |a: &DMatrix<Var<f64>>| {
            let lifted = a.zip_map(&along, |a, d| Dual::new(a, [Var::constant(d)]));
            Ok::<_, Error>(loss(&lifted)?.tangents[0])
        };
        let twice = |a: &DMatrix<Var<f64>>| dot(&gradient(loss, a)?, &constant(&along));
        let found =
            [hvp(loss, &a, &along), gradient(over, &a), gradient(twice, &a)].map(Result::unwrap);
        for found in found {
            let error = (&found - &expected).amax() / expected.amax();
            assert!(error < 1e-7, "{error:e}: {found}");
        }
    }
}

/// Singular vectors of more entries than there are of them, of rows or columns of different sizes, and of what is nearly of
/// rank one: what is outside of the others, over a small value, is not their rounding. From mpmath with 120 digits.
#[test]
fn second_derivatives_of_singular_vectors_of_graded_matrices() {
    fn long<S: Real>(a: &DMatrix<S>) -> Result<S, Error> {
        let (rows, columns) = a.shape();
        let Svd { u, v_t, .. } = svd(a)?;
        let m = if rows < columns { transpose(&v_t) } else { u };
        dot(&m, &constant(&dmatrix![1.0, 3.0; 2.0, -2.0; -1.0, 1.0]))
    }
    fn short<S: Real>(a: &DMatrix<S>) -> Result<S, Error> {
        dot(&svd(a)?.u, &constant(&dmatrix![1.0, -1.0; 2.0, 3.0]))
    }
    let near = |found: [f64; 4], expected: f64| {
        for (k, found) in found.into_iter().enumerate() {
            let error = (found / expected - 1.0).abs();
            assert!(error < 1e-7, "{k}: {found:e} {expected:e}");
        }
    };
    let (a, e) =
        (dmatrix![0.7, -0.3, 0.5; 0.4, 0.9, -0.6], dmatrix![0.3, -0.8, 0.2; 0.5, 0.1, 0.7]);
    for (turned, wide, tall, other) in [
        (false, -1.105460908347951e-6, -1.105460908347951e-6, -0.898040835756293),
        (true, -2.894290350086202e-5, -3.06266128575264e-5, -0.491639597010942),
    ] {
        let size = |j: usize| 2.0_f64.powi(-20 * if turned { 2 - j } else { j } as i32);
        let scaled = |m: &DMatrix<f64>| DMatrix::from_fn(2, 3, |i, j| m[(i, j)] * size(j));
        let (a, e) = (scaled(&a), scaled(&e));
        near(in_every_nesting!(|a| long(a), &a, &e), wide);
        near(in_every_nesting!(|a| short(a), &a, &e), other);
        near(in_every_nesting!(|a| long(a), &a.transpose(), &e.transpose()), tall);
    }
    let a = dmatrix![1.0, 2.0, -1.0; 1.0 + 2.0_f64.powi(-34), 2.0, -1.0];
    near(in_every_nesting!(|a| short(a), &a, &e), 0.1400955310208319);
}

/// The positive factor of a matrix that is nearly of rank one: what the unitary factor's derivatives have outside of its
/// columns, over the square of a small singular value, is no part of it. From mpmath with 120 digits.
#[test]
fn second_derivatives_of_the_positive_factor_beside_a_small_singular_value() {
    fn positive<S: Real>(a: &DMatrix<S>) -> Result<S, Error> {
        let p = polar(a)?.1;
        let weights = match p.nrows() {
            2 => dmatrix![1.0, 0.5; 0.5, 3.0],
            _ => dmatrix![1.0, 0.5, -1.0; 0.5, -2.0, 0.25; -1.0, 0.25, 3.0],
        };
        dot(&p, &constant(&weights))
    }
    let (t, e) = (2.0_f64.powi(-33), dmatrix![0.3, -0.8; 0.5, 0.1; 0.2, 0.7]);
    let a = dmatrix![1.0, 2.0; -1.0, -2.0 + t; 2.0, 4.0 + t / 2.0];
    let tall = in_every_nesting!(|a| positive(a), &a, &e);
    let wide = in_every_nesting!(|a| positive(a), &a.transpose(), &e.transpose());
    // A rounding of A moves them by 1e-5 of them.
    for (found, expected) in [(tall, 8274970324.238055), (wide, 39168192865.49105)] {
        for (k, found) in found.into_iter().enumerate() {
            let error = (found / expected - 1.0).abs();
            assert!(error < 1e-4, "{k}: {found:e} {expected:e}");
        }
    }
    // Where there are more columns and no entry is anything, P has a kink along every direction.
    let (none, along) = (DMatrix::zeros(1, 2), dmatrix![0.0, 1.0]);
    for entry in [(0, 0), (1, 1)] {
        let of = |a: &DMatrix<Var<f64>>| Ok::<_, Error>(polar(a)?.1[entry]);
        let (found, heard) = diagnosed(|| gradient(of, &none).unwrap());
        assert!(found.iter().all(|x: &f64| x.is_nan()) && heard.len() == 1, "{found} {heard:?}");
    }
    let (_, (_, p_dot)) = diagnosed(|| jvp(polar, &none, &along).unwrap()).0;
    assert!(p_dot.iter().any(|x: &f64| x.is_nan()), "{p_dot}");
}

/// Functions of the singular values of rows or columns of different sizes, more of them than there are values. From mpmath with
/// 120 digits.
#[test]
fn second_derivatives_of_norms_of_graded_matrices() {
    let (a, e) =
        (dmatrix![0.7, -0.3, 0.5; 0.4, 0.9, -0.6], dmatrix![0.3, -0.8, 0.2; 0.5, 0.1, 0.7]);
    for (turned, condition, nuclear) in [
        (false, -447690.6882845576, 0.10094559511654468),
        (true, -6693775.054554161, 0.46366277349172613),
    ] {
        let size = |j: usize| 2.0_f64.powi(-20 * if turned { 2 - j } else { j } as i32);
        let scaled = |m: &DMatrix<f64>| DMatrix::from_fn(2, 3, |i, j| m[(i, j)] * size(j));
        let (a, e) = (scaled(&a), scaled(&e));
        for (a, e) in [(a.transpose(), e.transpose()), (a, e)] {
            for (found, expected, tolerance) in [
                (in_every_nesting!(|a| condition_number(a), &a, &e), condition, 1e-8),
                (in_every_nesting!(|a| nuclear_norm(a), &a, &e), nuclear, 1e-9),
            ] {
                for (k, found) in found.into_iter().enumerate() {
                    let error = (found / expected - 1.0).abs();
                    assert!(error < tolerance, "{k}: {found:e} {expected:e}");
                }
            }
        }
    }
}

/// Vectors of a pencil whose B is nearly singular are large, and what they have in each other's derivatives is not their
/// difference. From mpmath with 120 digits.
#[test]
fn derivatives_of_pencils_that_are_nearly_singular() {
    fn first<S: Real>(a: &DMatrix<S>, vector: bool) -> Result<S, Error> {
        let part = |columns: usize| DMatrix::from_fn(3, 3, |i, j| a[(i, columns + j)]);
        let SymmetricEigen { eigenvalues, eigenvectors: v } =
            generalized_symmetric_eigen(&part(0), &part(3))?;
        let along = v[(0, 0)] + v[(1, 0)] + v[(1, 0)] - v[(2, 0)];
        Ok(if vector { along } else { eigenvalues[0] })
    }
    let beside = |a: &DMatrix<f64>, b: &DMatrix<f64>| {
        DMatrix::from_fn(3, 6, |i, j| if j < 3 { a[(i, j)] } else { b[(i, j - 3)] })
    };
    let b = dmatrix![1.0, 1.0, 0.0; 1.0, 1.0 + 2.0_f64.powi(-34), 0.0; 0.0, 0.0, 1.0];
    let at = beside(&dmatrix![2.0, 1.0, 0.0; 1.0, 3.0, 1.0; 0.0, 1.0, -1.0], &b);
    let along = beside(
        &dmatrix![0.3, -0.8, 0.5; -0.8, 0.1, 0.2; 0.5, 0.2, 0.7],
        &dmatrix![0.1, 0.4, -0.3; 0.4, -0.2, 0.6; -0.3, 0.6, 0.5],
    );
    for (vector, slope, second) in [
        (true, -0.6204994873566949, -0.41634039508430776),
        (false, 0.7207799151081522, -0.31209633454565905),
    ] {
        // The values lose as many digits as the condition of B has.
        let (_, forward) = jvp(|a| first(a, vector), &at, &along).unwrap();
        let reverse = gradient(|a| first(a, vector), &at).unwrap().dot(&along);
        for found in [forward, reverse] {
            assert!((found / slope - 1.0).abs() < 1e-4, "{vector}: {found:e} {slope:e}");
        }
        for (k, found) in
            in_every_nesting!(|a| first(a, vector), &at, &along).into_iter().enumerate()
        {
            let error = (found / second - 1.0).abs();
            assert!(error < 1e-4, "{vector} {k}: {found:e} {second:e}");
        }
    }
}

/// The last eigenvector of a symmetric matrix along t, by each primitive that has it.
fn last_vector<S: Real>(which: usize, a: &DMatrix<S>, t: &DVector<f64>) -> Result<S, Error> {
    let size = a.nrows();
    let one = constant::<S>(&DMatrix::identity(size, size));
    let square = |a: &DMatrix<S>| matmul(a, &transpose(a));
    let vector = match which {
        0 => symmetric_eigen(a)?.eigenvectors.column(size - 1).into_owned(),
        1 => generalized_symmetric_eigen(a, &one)?.eigenvectors.column(size - 1).into_owned(),
        // The square root of the eigenvalue is the length of the vector of the pencil of 1 and A.
        2 => {
            let SymmetricEigen { eigenvalues, eigenvectors } =
                generalized_symmetric_eigen(&one, a)?;
            eigenvectors.column(0) / nalgebra::ComplexField::sqrt(eigenvalues[0])
        }
        3 => svd(a)?.u.column(0).into_owned(),
        4 => svd(a)?.v_t.row(0).transpose(),
        // Of a tall matrix, of whose vectors some are none of A.
        5 => {
            let tall =
                DMatrix::from_fn(
                    size + 1,
                    size,
                    |i, j| {
                        if i < size { a[(i, j)] } else { S::zero() }
                    },
                );
            svd(&tall)?.v_t.row(0).transpose()
        }
        _ => symmetric_eigen(&square(a)?)?.eigenvectors.column(size - 1).into_owned(),
    };
    let terms = vector.iter().zip(t);
    Ok(terms.fold(S::zero(), |sum, (&v, &t)| sum + v * nalgebra::convert(t)))
}

/// A vector whose value is apart from all others has derivatives that know nothing of how close these are to each other.
#[test]
fn second_derivatives_of_a_vector_beside_values_that_are_close() {
    let mut random = Sampler::new(97, 97);
    // A reflection, of whole numbers over 9.
    let v = dvector![1.0, 2.0, 2.0];
    let q = DMatrix::identity(3, 3) - &v * v.transpose() * (2.0 / 9.0);
    for gap in [1e-1, 1e-4, 1e-7, 1e-10, 1e-13, 0.0] {
        let values = dvector![1.0, 1.0 + gap, 3.0];
        let a = &q * DMatrix::from_diagonal(&values) * q.transpose();
        let a = (&a + a.transpose()) * 0.5;
        let v = q.column(2) * -1.0;
        let e = symmetric(&mut random, 3);
        let t: DVector<f64> = random.vector(3);
        // The series of the vector along E (Rayleigh and Schroedinger), then of one of length 1.
        let outside = |x: DVector<f64>| {
            let along = q.transpose() * x;
            &q * dvector![along[0] / (3.0 - values[0]), along[1] / (3.0 - values[1]), 0.0]
        };
        let w1 = v.dot(&(&e * &v));
        let v1 = outside(&e * &v);
        let w2 = v.dot(&(&e * &v1));
        let v2 = outside(&e * &v1 - &v1 * w1);
        let v3 = outside(&e * &v2 - &v2 * w1 - &v1 * w2);
        let (n2, n3) = (v1.dot(&v1), 2.0 * v1.dot(&v2));
        let second = 2.0 * t.dot(&(&v2 - &v * (0.5 * n2)));
        let third = 6.0 * t.dot(&(&v3 - &v1 * (0.5 * n2) - &v * (0.5 * n3)));
        for which in 0..7 {
            let sign = (last_vector(which, &a, &t).unwrap() * t.dot(&v)).signum();
            let along = |g: &DMatrix<f64>| g.dot(&e) * sign;
            let of_gradient = |a: &DMatrix<Var<f64>>| {
                dot(&gradient(|a| last_vector(which, a, &t), a)?, &constant(&e))
            };
            let slope = |a: &DMatrix<Var<f64>>| {
                let lifted = a.zip_map(&e, |x, v| Dual::new(x, [Var::constant(v)]));
                Ok::<_, Error>(last_vector(which, &lifted, &t)?.tangents[0])
            };
            let twice = |a: &DMatrix<Dual<f64>>| {
                jvp(|a| last_vector(which, a, &t), a, &constant(&e)).map(|(_, slope)| slope)
            };
            let thrice = |a: &DMatrix<Dual<f64>>| {
                let twice = |a: &DMatrix<Dual<Dual<f64>>>| {
                    jvp(|a| last_vector(which, a, &t), a, &constant(&e)).map(|(_, slope)| slope)
                };
                jvp(twice, a, &constant(&e)).map(|(_, slope)| slope)
            };
            let found = diagnosed(|| {
                [
                    along(&hvp(|a| last_vector(which, a, &t), &a, &e).unwrap()),
                    along(&gradient(of_gradient, &a).unwrap()),
                    along(&gradient(slope, &a).unwrap()),
                    jvp(twice, &a, &e).unwrap().1 * sign,
                ]
            });
            for (k, found) in found.0.iter().enumerate() {
                let error = (found - second).abs() / (v1.norm_squared() + v2.norm()) / t.norm();
                assert!(error < 1e-13, "{which} {gap:e} {k}: {found} {second}");
            }
            let (_, found) = diagnosed(|| jvp(thrice, &a, &e).unwrap()).0;
            let size = (v1.norm().powi(3) + v3.norm()) * t.norm();
            let error = (found * sign - third).abs() / size;
            assert!(error < 1e-12, "{which} {gap:e}: {found} {third}");
        }
    }
}

/// The same of complex matrices, of several vectors beside a value that repeats, beside zeros, and in single precision.
#[test]
fn second_derivatives_of_vectors_beside_a_value_that_repeats() {
    fn loss<S: Real>(which: usize, a: &DMatrix<S>) -> Result<S, Error> {
        // Real and imaginary parts above each other.
        let size = a.ncols();
        let a = DMatrix::from_fn(a.nrows() / 2, size, |i, j| {
            Complex::new(a[(i, j)], a[(i + a.nrows() / 2, j)])
        });
        let sum = |v: &DMatrix<Complex<S>>, j: usize| {
            v.column(j).iter().enumerate().fold(S::zero(), |sum, (i, v)| {
                sum + v.re * nalgebra::convert(1.0 + i as f64) - v.im * nalgebra::convert(0.5)
            })
        };
        Ok(match which {
            0 => {
                let SymmetricEigen { eigenvalues: w, eigenvectors: v } = symmetric_eigen(&a)?;
                sum(&v, 0) * w[0] + sum(&v, size - 1) * w[size - 1]
            }
            _ => {
                let Svd { u, singular_values: s, v_t } = svd(&a)?;
                sum(&u, 0) * s[1] + sum(&v_t.transpose(), 1) * s[0]
            }
        })
    }
    let mut random = Sampler::new(98, 98);
    for which in 0..2 {
        for (rows, columns) in [(4, 4), (5, 4), (4, 5)] {
            if which == 0 && rows != columns {
                continue;
            }
            let unitary =
                |random: &mut Sampler, size| random.matrix::<Complex<f64>>(size, size).qr().q();
            let (u, v) = (unitary(&mut random, rows), unitary(&mut random, columns));
            let number = |x: f64| Complex::new(x, 0.0);
            let values: [f64; 4] =
                if which == 0 { [1.0, 2.0, 2.0, 4.0] } else { [4.0, 2.0, 0.0, 0.0] };
            let middle = DMatrix::from_fn(rows, columns, |i, j| {
                number(if i == j { values[i] } else { 0.0 })
            });
            let a = if which == 0 { &u * middle * u.adjoint() } else { &u * middle * v };
            let e: DMatrix<Complex<f64>> = random.matrix(rows, columns);
            let half = number(0.5);
            let even =
                |m: DMatrix<Complex<f64>>| if which == 0 { (&m + m.adjoint()) * half } else { m };
            let flat = |m: DMatrix<Complex<f64>>| {
                DMatrix::from_fn(2 * rows, columns, |i, j| {
                    if i < rows { m[(i, j)].re } else { m[(i - rows, j)].im }
                })
            };
            let (a, e) = (flat(even(a)), flat(even(e)));
            let at = |x: f64| {
                let found = diagnosed(|| jvp(|a| loss(which, a), &(&a + &e * x), &e).unwrap()).0;
                Some(vec![found.1])
            };
            let expected = difference(at).unwrap().derivative[0];
            let found = diagnosed(|| in_every_nesting!(|a| loss(which, a), &a, &e));
            for (k, found) in found.0.iter().enumerate() {
                let error = (found - expected).abs() / (1.0 + expected.abs());
                assert!(error < 1e-7, "{which} {rows} x {columns} {k}: {found} {expected}");
            }
        }
    }
}

/// A general matrix has vectors and values of its own too, beside such as are close, whose vectors may nearly depend on each
/// other.
#[test]
fn second_derivatives_of_an_eigenvector_beside_values_that_are_close() {
    fn loss<S: Real>(which: usize, a: &DMatrix<S>) -> Result<S, Error> {
        let (number, last) = (|x: f64| nalgebra::convert::<f64, S>(x), a.nrows() - 1);
        if which == 0 {
            let w = complex_eigenvalues(a)?;
            return Ok(w[last].re * w[last].re + w[0].re);
        }
        let (w, v) = if which == 1 {
            let found = eigen(a)?;
            (found.eigenvalues, found.eigenvectors)
        } else {
            let found = eigen(&a.map(|x| Complex::new(x, x * number(0.3))))?;
            (found.eigenvalues, found.eigenvectors)
        };
        let part = |v: Complex<S>| v.re - v.im * number(0.4);
        let vector = v.column(last).map(part) * (number(1.0) + w[last].re);
        let first = v.column(0).map(part) * w[0].re;
        Ok((0..=last).fold(number(0.0), |sum, i| {
            sum + vector[i] * number(1.0 + i as f64) + first[i] * number(0.7 - i as f64)
        }))
    }
    let mut random = Sampler::new(102, 102);
    for which in 0..3 {
        for (gap, coupling) in [
            (1e-2, 0.0),
            (1e-4, 0.0),
            (1e-6, 1e-6),
            (1e-7, 0.0),
            (1e-5, 1.0),
            (1e-10, 1e-10),
            (0.0, 0.0),
        ] {
            let mut middle = DMatrix::from_diagonal(&dvector![-1.0, 1.0, 1.0 + gap, 3.0]);
            middle[(1, 2)] = coupling;
            let v: DMatrix<f64> = DMatrix::identity(4, 4) + random.matrix(4, 4) * 0.3;
            let a = &v * &middle * v.clone().try_inverse().unwrap();
            let e: DMatrix<f64> = random.matrix(4, 4);
            let at = |x: f64| {
                Some(vec![diagnosed(|| jvp(|a| loss(which, a), &(&a + &e * x), &e).unwrap()).0.1])
            };
            let expected = difference(at).unwrap().derivative[0];
            let found = diagnosed(|| in_every_nesting!(|a| loss(which, a), &a, &e));
            for (k, found) in found.0.iter().enumerate() {
                let error = (found - expected).abs() / (1.0 + expected.abs());
                assert!(error < 1e-9, "{which} {gap:e} {coupling:e} {k}: {found} {expected}");
            }
        }
    }
}

/// First derivatives know nothing either of vectors that nearly depend on each other, or do: those of the last value and of
/// the first do not move them.
#[test]
fn derivatives_of_an_eigenvector_beside_vectors_that_depend_on_each_other() {
    fn terms<S: Real>(w: &DVector<Complex<S>>, v: &DMatrix<Complex<S>>) -> S {
        let (number, last) = (|x: f64| nalgebra::convert::<f64, S>(x), w.len() - 1);
        let vector = v.column(last).map(|v| v.re - v.im * number(0.4));
        (0..=last).fold(w[last].re * w[0].re, |sum, i| {
            sum + vector[i] * number(1.0 + i as f64) + v[(i, 0)].re * number(0.7 - i as f64)
        })
    }
    fn loss<S: Real>(which: usize, a: &DMatrix<S>) -> Result<S, Error> {
        match which {
            0 => {
                let w = complex_eigenvalues(a)?;
                Ok(w[0].re * w[w.len() - 1].re)
            }
            1 => eigen(a).map(|found| terms(&found.eigenvalues, &found.eigenvectors)),
            _ => {
                let found = eigen(&a.map(|x| Complex::new(x, x * nalgebra::convert(0.3))))?;
                Ok(terms(&found.eigenvalues, &found.eigenvectors))
            }
        }
    }
    let mut random = Sampler::new(103, 103);
    for which in 0..3 {
        for (gap, chain) in
            [1e-4, 1e-6, 1e-9, 1e-12, 1e-15, 0.0].into_iter().flat_map(|gap| [(gap, 2), (gap, 3)])
        {
            for turned in [false, true] {
                let values: Vec<f64> = (0..chain).map(|k| 1.0 + gap * k as f64).collect();
                let values = [&[-1.0], &values[..], &[3.0]].concat();
                let mut a = DMatrix::from_diagonal(&DVector::from_vec(values));
                let size = a.nrows();
                (1..size).for_each(|j| a[(j - 1, j)] = 1.0 - 0.25 * j as f64);
                if turned {
                    let v: DMatrix<f64> =
                        DMatrix::identity(size, size) + random.matrix(size, size) * 0.3;
                    a = &v * &a * v.clone().try_inverse().unwrap();
                }
                let e: DMatrix<f64> = random.matrix(size, size);
                let at = |x: f64| loss(which, &(&a + &e * x)).ok().map(|y| vec![y]);
                let expected = difference(at).unwrap().derivative[0];
                let forward = diagnosed(|| jvp(|a| loss(which, a), &a, &e).unwrap().1).0;
                let reverse = diagnosed(|| gradient(|a| loss(which, a), &a).unwrap().dot(&e)).0;
                for found in [forward, reverse] {
                    let error = (found - expected).abs() / (1.0 + expected.abs());
                    assert!(error < 1e-10, "{which} {gap:e} {chain} {turned}: {found} {expected}");
                }
                let at = |x: f64| {
                    let slope = diagnosed(|| jvp(|a| loss(which, a), &(&a + &e * x), &e).unwrap());
                    Some(vec![slope.0.1])
                };
                let second = difference(at).unwrap().derivative[0];
                let found = diagnosed(|| in_every_nesting!(|a| loss(which, a), &a, &e)).0;
                for (k, found) in found.into_iter().enumerate() {
                    let error = (found - second).abs() / (1.0 + second.abs());
                    assert!(error < 1e-8, "{which} {gap:e} {chain} {turned} {k}: {found} {second}");
                }
                // The rounding of the numbers themselves is there too.
                let (single, along) = (a.map(|x| x as f32), e.map(|x| x as f32));
                let forward = diagnosed(|| jvp(|a| loss(which, a), &single, &along).unwrap().1).0;
                let reverse = diagnosed(|| gradient(|a| loss(which, a), &single).unwrap()).0;
                for found in [forward, reverse.dot(&along)].map(f64::from) {
                    let error = (found - expected).abs() / (1.0 + expected.abs());
                    assert!(error < 1e-3, "{which} {gap:e} {chain} {turned}: {found} {expected}");
                }
            }
        }
    }
}

/// So has the Schur form vectors of its own, before and behind those of values that are close.
#[test]
fn second_derivatives_of_schur_vectors_beside_values_that_are_close() {
    fn terms<S: Real, T>(q: &DMatrix<T>, t: &DMatrix<T>, part: impl Fn(&T) -> S) -> S {
        let (number, last) = (|x: f64| nalgebra::convert::<f64, S>(x), q.nrows() - 1);
        let values = part(&t[(last, last)]) + part(&t[(0, 0)]) * part(&t[(0, last)]);
        (0..=last).fold(values, |sum, i| {
            sum + part(&q[(i, last)]) * number(1.0 + i as f64) * part(&t[(last, last)])
                + part(&q[(i, 0)]) * number(0.7 - i as f64)
        })
    }
    fn loss<S: Real>(which: usize, a: &DMatrix<S>) -> Result<S, Error> {
        let number = |x: f64| nalgebra::convert::<f64, S>(x);
        if which < 2 {
            let (q, t) = schur(a)?;
            return Ok(terms(&q, &t, |x| *x));
        }
        let (q, t) = schur(&a.map(|x| Complex::new(x, x * number(0.3))))?;
        Ok(terms(&q, &t, |x| x.re - x.im * number(0.4)))
    }
    let mut random = Sampler::new(103, 103);
    for which in 0..3 {
        for (gap, coupling) in [
            (1e-2, 0.5),
            (1e-5, 0.5),
            (1e-7, 1e-7),
            (1e-9, 0.5),
            (1e-10, 0.0),
            (1e-13, 1e-13),
            (0.0, 0.0),
        ] {
            // A pair of complex values first, or a real one.
            let mut middle = DMatrix::from_diagonal(&dvector![-1.0, -1.0, 1.0, 1.0 + gap, 3.0]);
            if which == 1 {
                (middle[(0, 1)], middle[(1, 0)]) = (0.8, -0.2);
            } else {
                middle[(0, 0)] = -2.0;
            }
            middle[(2, 3)] = coupling;
            let v: DMatrix<f64> = DMatrix::identity(5, 5) + random.matrix(5, 5) * 0.3;
            let a = &v * &middle * v.clone().try_inverse().unwrap();
            let e: DMatrix<f64> = random.matrix(5, 5);
            let at = |x: f64| {
                Some(vec![diagnosed(|| jvp(|a| loss(which, a), &(&a + &e * x), &e).unwrap()).0.1])
            };
            let expected = difference(at).unwrap().derivative[0];
            let found = diagnosed(|| in_every_nesting!(|a| loss(which, a), &a, &e));
            for (k, found) in found.0.iter().enumerate() {
                let error = (found - expected).abs() / (1.0 + expected.abs());
                assert!(error < 1e-9, "{which} {gap:e} {coupling:e} {k}: {found} {expected}");
            }
        }
    }
}

/// And behind a block of two rows that is nearly normal, whose own vectors are nearly a choice.
#[test]
fn second_derivatives_of_schur_vectors_behind_a_block_that_is_nearly_normal() {
    fn loss<S: Real>(a: &DMatrix<S>) -> Result<S, Error> {
        let (q, t) = schur(a)?;
        let number = |x: f64| nalgebra::convert::<f64, S>(x);
        Ok((0..4).fold(t[(2, 3)] * t[(3, 3)], |sum, i| {
            sum + q[(i, 2)] * number(1.0 + i as f64) + q[(i, 3)] * number(0.7 - i as f64)
        }))
    }
    let mut random = Sampler::new(104, 104);
    for gap in [0.3, 1e-3, 1e-6, 1e-9, 1e-12, 0.0] {
        let q = random.matrix::<f64>(4, 4).qr().q();
        let middle = dmatrix![
            -1.0, 0.5 + gap, 0.3, -0.6;
            -0.5, -1.0, 0.8, 0.4;
            0.0, 0.0, 1.0, -0.7;
            0.0, 0.0, 0.0, 2.0
        ];
        let a = &q * middle * q.transpose();
        let e: DMatrix<f64> = random.matrix(4, 4);
        let at = |x: f64| Some(vec![diagnosed(|| jvp(loss, &(&a + &e * x), &e).unwrap()).0.1]);
        let expected = difference(at).unwrap().derivative[0];
        let found = diagnosed(|| in_every_nesting!(|a| loss(a), &a, &e));
        for (k, found) in found.0.iter().enumerate() {
            let error = (found - expected).abs() / (1.0 + expected.abs());
            assert!(error < 1e-9, "{gap:e} {k}: {found} {expected}");
        }
    }
}

/// By the rules at f64: rows of all sizes are no matter of the condition, in single precision, either.
#[test]
fn second_derivatives_of_graded_rows_in_single_precision() {
    fn loss<S: Real>(which: usize, a: &DMatrix<S>) -> Result<S, Error> {
        let y = if which == 0 { polar(a)?.0 } else { pseudo_inverse(a)? };
        let weights =
            DMatrix::from_fn(y.nrows(), y.ncols(), |i, j| ((1 + 3 * i + 5 * j) as f64).sin());
        dot(&y, &constant(&weights))
    }
    fn seconds<S: Real>(which: usize, a: &DMatrix<S>, e: &DMatrix<S>) -> [f64; 4] {
        let over = |a: &DMatrix<Var<S>>| {
            let lifted = a.zip_map(e, |a, d| Dual::new(a, [Var::constant(d)]));
            Ok::<_, Error>(loss(which, &lifted)?.tangents[0])
        };
        let of_gradient =
            |a: &DMatrix<Var<S>>| dot(&gradient(|a| loss(which, a), a)?, &e.map(Var::constant));
        let twice = |a: &DMatrix<Dual<S>>| {
            jvp(|a| loss(which, a), a, &e.map(Dual::constant)).map(|(_, slope)| slope)
        };
        let along = |g: DMatrix<S>| g.dot(e).to_f64();
        [
            along(hvp(|a| loss(which, a), a, e).unwrap()),
            along(gradient(of_gradient, a).unwrap()),
            along(gradient(over, a).unwrap()),
            jvp(twice, a, e).unwrap().1.to_f64(),
        ]
    }
    let single = |m: DMatrix<f64>| m.map(|x| x as f32);
    let mut random = Sampler::new(101, 101);
    for (which, rows, sizes, tolerance) in [
        (0, 3, vec![1.0, 1e-6, 1e-12], 1e-4),
        (0, 3, vec![1e-6, 1.0, 1e-3], 1e-4),
        (0, 5, vec![1.0, 1e-1, 1e-2, 1e-3, 1e-3], 1e-2),
        (1, 5, vec![1.0, 1e-2, 1e-4, 1e-6, 1e-8], 1e-3),
        (1, 4, vec![1e-2, 1.0, 1e-1, 1e-3], 1e-3),
    ] {
        for wide in [false, true] {
            let graded = |m: DMatrix<f64>| {
                let m = DMatrix::from_fn(rows, 3, |i, j| m[(i, j)] * sizes[i]);
                single(if wide { m.transpose() } else { m })
            };
            let (a, e) = (graded(random.matrix(rows, 3)), graded(random.matrix(rows, 3)));
            let (exact_a, exact_e) = (a.map(f64::from), e.map(f64::from));
            let expected = hvp(|a| loss(which, a), &exact_a, &exact_e).unwrap().dot(&exact_e);
            let size =
                gradient(|a| loss(which, a), &exact_a).unwrap().component_mul(&exact_e).abs().sum();
            for (k, found) in seconds(which, &a, &e).into_iter().enumerate() {
                let error = (found - expected).abs() / (expected.abs() + size);
                assert!(error < tolerance, "{which} {sizes:?} {wide} {k}: {found:e} {expected:e}");
            }
        }
    }
}
