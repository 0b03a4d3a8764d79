//! Factors from other factors, and statistics: against what they are by definition, and their errors.

use difrules_core::testing::Sampler;
use difrules_core::{Dual, Real, Scalar, Var, gradient, hvp, jvp, value_and_gradient};
use difrules_linalg::{
    Error, cholesky, cholesky_rank_one_update, covariance, householder_product, mvn_ln_pdf,
};
use nalgebra::{Complex, DMatrix, DVector, dmatrix, dvector};

type C64 = Complex<f64>;

fn norm<T: Scalar<Real = f64>>(a: &DMatrix<T>) -> f64 {
    a.iter().fold(0.0, |sum: f64, x| sum.hypot(x.modulus()))
}

fn column<T: Scalar>(random: &mut Sampler, size: usize) -> DVector<T> {
    random.matrix::<T>(size, 1).column(0).into_owned()
}

fn updates<T: Scalar<Real = f64>>() {
    let mut random = Sampler::new(1, 2);
    for size in [0, 1, 2, 7, 30] {
        let l: DMatrix<T> = random.lower_triangular(size);
        let mut ignored = l.clone();
        ignored.fill_upper_triangle(nalgebra::convert(f64::NAN), 1);
        let x: DVector<T> = column(&mut random, size);
        for s in [3.0, 1e-3, 0.0, 1e8] {
            let up = cholesky_rank_one_update(&ignored, &x, s).unwrap();
            let changed =
                &l * l.adjoint() + (&x * x.adjoint()).map(|x| x.scale(nalgebra::convert(s)));
            let bound = 1e-15 * (1 + size) as f64 * norm(&changed);
            assert!(norm(&(&up * up.adjoint() - &changed)) <= bound, "{size} {s}");
            assert!(norm(&(&up - cholesky(&changed).unwrap())) <= 1e3 * bound, "{size} {s}");
            let down = cholesky_rank_one_update(&up, &x, -s).unwrap();
            let back = norm(&(&down * down.adjoint() - &l * l.adjoint()));
            assert!(back <= 10.0 * bound, "{size} {s}: {back:e} {bound:e}");
        }
        // All of one direction taken off, in a basis in which that is a rounding.
        if size > 0 {
            let x = &l * column::<T>(&mut random, size);
            let z = l.clone().solve_lower_triangular(&x).unwrap();
            let whole = z.iter().map(|x| x.modulus_squared()).sum::<f64>();
            let lost = |s: f64| cholesky_rank_one_update(&l, &x, s / whole);
            for s in [-1.0, -1.5, -1e300] {
                let found = lost(s);
                assert!(
                    matches!(found, Err(Error::NotPositiveDefinite { .. })),
                    "{size} {s} {found:?}"
                );
            }
            assert!(lost(-0.99).is_ok());
        }
    }
}

#[test]
fn updated_factors_are_factors() {
    updates::<f64>();
    updates::<C64>();
    let (l, x) = (dmatrix![1.0, 0.0; 1.0, 0.0], dvector![1.0, 1.0]);
    assert!(matches!(cholesky_rank_one_update(&l, &x, 1.0), Err(Error::Singular { .. })));
    let l = DMatrix::<f64>::identity(2, 2);
    let error = Error::NotFinite { argument: "s", row: 0, column: 0 };
    assert_eq!(cholesky_rank_one_update(&l, &x, f64::NAN), Err(error));
    let error = Error::NotPositiveDefinite { pivot: 0, value: 0.0 };
    assert_eq!(cholesky_rank_one_update(&l, &dvector![1.0, 0.0], -1.0), Err(error));
    let error = Error::NotPositiveDefinite { pivot: 1, value: -3.0 };
    assert_eq!(cholesky_rank_one_update(&l, &dvector![0.0, 2.0], -1.0), Err(error));
    let far = cholesky_rank_one_update(&l, &dvector![1e200, 0.0], 1.0);
    assert_eq!(far, Ok(dmatrix![1e200, 0.0; 0.0, 1.0]));
    let far = cholesky_rank_one_update(&l, &dvector![1e200, 0.0], 1e300);
    assert!(matches!(far, Err(Error::Overflow { .. })));
}

/// As many updates as a filter makes, and as many downdates.
#[test]
fn many_updates_keep_the_factor() {
    let mut random = Sampler::new(3, 4);
    let size = 5;
    let first = DMatrix::<f64>::identity(size, size);
    let all: Vec<DVector<f64>> = (0..200).map(|_| column(&mut random, size)).collect();
    let mut l = first.clone();
    for s in [1.0, -1.0] {
        for x in &all {
            l = cholesky_rank_one_update(&l, x, s).unwrap();
        }
    }
    assert!((l - first).norm() < 1e-11);
}

fn reflections<T: Scalar<Real = f64>>() {
    let mut random = Sampler::new(5, 6);
    for (rows, columns, count) in [(0, 0, 0), (1, 1, 1), (4, 2, 2), (6, 4, 3), (5, 5, 5), (3, 2, 0)]
    {
        let mut vectors: DMatrix<T> = random.matrix(rows, columns);
        let tau: DVector<T> = column(&mut random, count);
        let mut all = DMatrix::<T>::identity(rows, rows);
        for k in 0..count {
            let v = DVector::from_fn(rows, |i, _| match i.cmp(&k) {
                std::cmp::Ordering::Less => T::zero(),
                std::cmp::Ordering::Equal => T::one(),
                std::cmp::Ordering::Greater => vectors[(i, k)],
            });
            all = &all - &all * &v * v.adjoint() * tau[k];
        }
        vectors.fill_upper_triangle(nalgebra::convert(f64::NAN), 0);
        let q = householder_product(&vectors, &tau).unwrap();
        assert!(norm(&(&q - all.columns(0, columns))) <= 1e-13 * (1.0 + norm(&q)));
    }
}

#[test]
fn products_of_reflections() {
    reflections::<f64>();
    reflections::<C64>();
    let wide = DMatrix::<f64>::zeros(2, 3);
    let mismatch = |found| matches!(found, Err(Error::DimensionMismatch { .. }));
    assert!(mismatch(householder_product(&wide, &dvector![1.0])));
    assert!(mismatch(householder_product(&wide.transpose(), &dvector![1.0, 1.0, 1.0])));
}

/// The moments of a sample, and the density by what it integrates to.
#[test]
fn statistics() {
    let x = dmatrix![1e9, 1e9 + 1.0, 1e9 + 2.0; 1.0, 3.0, 2.0];
    assert_eq!(covariance(&x).unwrap(), dmatrix![1.0, 0.5; 0.5, 1.0]);
    let i = C64::i();
    let found = covariance(&dmatrix![i, -i; C64::from(1.0), C64::from(-1.0)]).unwrap();
    assert_eq!(found, dmatrix![C64::from(2.0), i * 2.0; i * -2.0, C64::from(2.0)]);
    assert!(matches!(
        covariance(&x.columns(0, 1).into_owned()),
        Err(Error::DimensionMismatch { .. })
    ));
    assert!(matches!(
        covariance(&DMatrix::<f64>::zeros(2, 0)),
        Err(Error::DimensionMismatch { .. })
    ));
    assert_eq!(covariance(&DMatrix::<f64>::zeros(0, 2)).unwrap().shape(), (0, 0));

    let l = dmatrix![0.5, f64::NAN; 0.2, 2.0];
    let mu = dvector![1.0, -1.0];
    let step = 0.05;
    let at = |k: i32, l: &DMatrix<f64>| {
        let x =
            dvector![1.0 + step * f64::from(k % 400 - 200), -1.0 + step * f64::from(k / 400 - 200)];
        mvn_ln_pdf(&x, &mu, l).unwrap().exp()
    };
    let whole: f64 = (0..160_000).map(|k| at(k, &l)).sum();
    assert!((whole * step * step - 1.0).abs() < 1e-6);
    // At the mean the density falls with each diagonal entry, and with nothing else.
    let gradient = |l: &DMatrix<f64>| {
        fn density<T: Real>(l: &DMatrix<T>) -> Result<T, Error> {
            let mu = DVector::from_element(2, T::one());
            mvn_ln_pdf(&mu, &mu, l)
        }
        value_and_gradient(|l: &_| density(l), l).unwrap().1
    };
    assert_eq!(gradient(&dmatrix![0.5, 0.0; 0.2, 2.0]), dmatrix![-2.0, 0.0; 0.0, -0.5]);
    let not = mvn_ln_pdf(&mu, &mu, &dmatrix![1.0, 0.0; 0.0, -2.0]);
    assert_eq!(not, Err(Error::NotPositiveDefinite { pivot: 1, value: -4.0 }));
    let far = mvn_ln_pdf(&dvector![1e300, 0.0], &mu, &dmatrix![1e-9, 0.0; 0.0, 1.0]);
    assert_eq!(far, Err(Error::Overflow { result: "y" }));
    let empty = mvn_ln_pdf(&dvector![], &dvector![], &DMatrix::<f64>::zeros(0, 0));
    assert_eq!(empty, Ok(0.0));
}

#[test]
fn large_updates_lose_no_digits() {
    type Arguments<S> = (DMatrix<S>, DVector<S>, S);
    fn update<S: Real>((l, x, s): &Arguments<S>) -> Result<DMatrix<S>, Error> {
        cholesky_rank_one_update(l, x, *s)
    }
    fn below<S: Real>(arguments: &Arguments<S>) -> Result<S, Error> {
        update(arguments).map(|y| y[(1, 0)])
    }
    let close = |found: f64, expected: f64| {
        assert!((found / expected - 1.0).abs() < 1e-14, "{found:e} {expected:e}");
    };
    // Of one row it is sqrt(l^2 + s x^2).
    for x in [0.5_f64, 3.0, 1e5, 1e10, 1e20, 1e100, 1e150] {
        for (l, s) in [(1.0_f64, 1.0_f64), (1e-3, 4.0), (2.0, 1e-3), (1e100, 1e5), (-1.5, 2.0)] {
            let at = (dmatrix![l], dvector![x], s);
            let root = f64::hypot(l, s.sqrt() * x);
            let first = |a: &Arguments<_>| update(a).map(|y| y[(0, 0)]);
            let (y, (by_l, by_x, by_s)) = value_and_gradient(first, &at).unwrap();
            close(y, root * l.signum());
            close(by_l[(0, 0)], l.abs() / root);
            close(by_x[0], s.sqrt() * l.signum() * (s.sqrt() * x / root));
            close(by_s, x / root * x / 2.0 * l.signum());
        }
    }
    // What is below keeps its digits too: with r^2 = 1 + x^2 it is [r 0; 1 / r sqrt(2 - 1 / r^2)].
    for x in [10.0, 1e6, 1e12, 1e100] {
        let at = (dmatrix![1.0, 0.0; 1.0, 1.0], dvector![x, 0.0], 1.0);
        let r = f64::hypot(1.0, x);
        let (y, (by_l, by_x, by_s)) = value_and_gradient(below::<Var<f64>>, &at).unwrap();
        close(y, 1.0 / r);
        close(update(&at).unwrap()[(1, 1)], (2.0 - 1.0 / r / r).sqrt());
        // L_10 L_00 / r
        close(by_l[(0, 0)], (x / r) * (x / r) / r);
        close(by_l[(1, 0)], 1.0 / r);
        close(by_x[0], -x / r / r / r);
        close(by_x[1], x / r);
        close(by_s, -(x / r) * (x / r) / r / 2.0);
        // Along L_00, and again.
        let (along, zero) = (dmatrix![1.0, 0.0; 0.0, 0.0], dvector![0.0, 0.0]);
        let (second, ..) = hvp(below, &at, &(along, zero, 0.0)).unwrap();
        close(second[(0, 0)], -3.0 * (x / r) * (x / r) / r / r / r);
    }
}

/// Far from one, and at the mean or a deviation from it: the second derivatives by L are (1 - 3 z^2) / L^2.
#[test]
fn densities_of_any_scale() {
    fn density<S: Real>((x, l): &(DVector<S>, DMatrix<S>)) -> Result<S, Error> {
        mvn_ln_pdf(x, &DVector::zeros(1), l)
    }
    for size in [1e-300, 1e-160, 1e-20, 1.0, 1e20, 1e160, 1e300] {
        for z in [0.0, 1.0, -0.5] {
            let at = (dvector![z * size], dmatrix![size]);
            let (by_x, by_l) = hvp(density, &at, &(dvector![0.0], dmatrix![size])).unwrap();
            let close = |found: f64, expected: f64| {
                assert!((found - expected).abs() < 1e-14, "{size:e} {z}: {found} {expected}");
            };
            close(by_l[(0, 0)] * size, 1.0 - 3.0 * z * z);
            close(by_x[0] * size, 2.0 * z);
        }
    }
}

/// An entry of x moves its own row of a factor and those below alone, however large the rows above are.
#[test]
fn second_derivatives_of_downdates_of_graded_rows() {
    fn loss<S: Real>((l, x, s): &(DMatrix<S>, DVector<S>, S), rows: &[f64]) -> Result<S, Error> {
        let y = cholesky_rank_one_update(l, x, *s)?;
        let weight = |i: usize, j: usize| rows[i] * ((3 * i + 5 * j + 1) as f64).sin();
        let entries = (0..rows.len()).flat_map(|j| (j..rows.len()).map(move |i| (i, j)));
        Ok(entries.fold(S::zero(), |sum, (i, j)| {
            sum + y[(i, j)] * nalgebra::convert::<f64, S>(weight(i, j))
        }))
    }
    let mut random = Sampler::new(31, 31);
    let l: DMatrix<f64> = random.lower_triangular(4);
    let x = &l * dvector![0.3, -0.4, 0.5, 0.2];
    let (point, along) = ((l.clone(), x.clone(), -0.7), (l.map(|x| 0.5 * x), x.map(f64::sin), 0.1));
    let lift = |along: &(DMatrix<f64>, DVector<f64>, f64)| {
        (along.0.map(Var::constant), along.1.map(Var::constant), Var::constant(along.2))
    };
    let graded = [1.0, 1e-8, 1e-16, 1e-24];
    let last = [0.0, 0.0, 0.0, 1e-24];
    let of = |rows: &[f64; 4]| {
        let by_hvp = hvp(|x| loss(x, rows), &point, &along).unwrap();
        let over_forward =
            gradient(|x: &_| Ok::<_, Error>(jvp(|x| loss(x, rows), x, &lift(&along))?.1), &point)
                .unwrap();
        let over_reverse = |x: &(DMatrix<Var<f64>>, DVector<Var<f64>>, Var<f64>)| {
            let (slope, e) = (gradient(|x| loss(x, rows), x)?, lift(&along));
            Ok::<_, Error>(slope.0.dot(&e.0) + slope.1.dot(&e.1) + slope.2 * e.2)
        };
        [by_hvp.1[3], over_forward.1[3], gradient(over_reverse, &point).unwrap().1[3]]
    };
    for (found, expected) in of(&graded).into_iter().zip(of(&last)) {
        assert!((found / expected - 1.0).abs() < 1e-12, "{found:e} {expected:e}");
    }
}

/// What a small x moves is |L^-1 x|^2 times L, which is a number where that square is none: to first order in it the factor
/// of L L^T moves along s x x^T, which is of any size.
#[test]
fn derivatives_by_vectors_that_are_small_beside_the_factor() {
    fn loss<S: Real>(
        t: S,
        l: &DMatrix<f64>,
        x: [&DVector<f64>; 2],
        of: (f64, f64),
        weight: f64,
    ) -> S {
        let number = nalgebra::convert::<f64, S>;
        let x = x[0].zip_map(x[1], |x, v| number(x) + number(v) * t);
        let s = number(of.0) + number(of.1) * t;
        let y = cholesky_rank_one_update(&l.map(number), &x, s).unwrap();
        let entries = y.iter().enumerate().filter(|(_, y)| y.to_f64() != 0.0);
        entries.fold(S::zero(), |sum, (k, &y)| {
            sum + y * number(weight) * number((3.0 * k as f64 + 1.0).sin())
        })
    }
    let mut random = Sampler::new(37, 37);
    let size = 1;
    let l: DMatrix<f64> = random.lower_triangular(size);
    let (x, v) = (column::<f64>(&mut random, size), column::<f64>(&mut random, size));
    let a = &l * l.transpose();
    let along = |e: DMatrix<f64>| {
        let (_, moved) = jvp(cholesky, &a, &e).unwrap();
        let entries = moved.iter().enumerate().filter(|(k, _)| k % size >= k / size);
        entries.fold(0.0, |sum, (k, y)| sum + y * (3.0 * k as f64 + 1.0).sin())
    };
    for (s, s_dot) in [(0.7, 0.0), (-0.6, 0.0), (0.7, 0.3)] {
        let both = &x * v.transpose() + &v * x.transpose();
        let slope = along(&both * s + &x * x.transpose() * s_dot);
        let second = along((&v * v.transpose() * s + &both * s_dot) * 2.0);
        for scale in
            [1e40, 1e140, 1e153, 1e155, 1e158, 1e170, 1e200].map(|x: f64| x.log2().round().exp2())
        {
            // Weights of one, and so large that what is summed is of size one.
            for weight in [1.0, scale].into_iter().filter(|weight| weight * scale < 1e300) {
                let huge = &l * scale;
                let f = (&huge, [&x, &v], (s, s_dot), weight);
                let unit = weight / scale;
                let near = |found: f64, expected: f64| {
                    let error = (found / unit / expected - 1.0).abs();
                    assert!(error < 1e-11, "{size} {s} {s_dot} {scale:e} {weight:e}: {error:e}");
                };
                let twice = |t: &Dual<f64>| {
                    jvp(|&t| loss(t, f.0, f.1, f.2, f.3), t, &Dual::constant(1.0)).1
                };
                let over_forward = gradient(
                    |t| jvp(|&t| loss(t, f.0, f.1, f.2, f.3), t, &Var::constant(1.0)).1,
                    &0.0,
                );
                near(jvp(|&t| loss(t, f.0, f.1, f.2, f.3), &0.0, &1.0).1, slope);
                near(gradient(|&t| loss(t, f.0, f.1, f.2, f.3), &0.0), slope);
                near(jvp(twice, &0.0, &1.0).1, second);
                near(over_forward, second);
                near(hvp(|&t| loss(t, f.0, f.1, f.2, f.3), &0.0, &1.0), second);
                let by_reverse = gradient(|t| gradient(|&t| loss(t, f.0, f.1, f.2, f.3), t), &0.0);
                near(by_reverse, second);
            }
        }
    }
}

/// Where x is large beside L, an entry of L moves the factor by its own square: in no mode by a sign of it over itself.
#[test]
fn second_derivatives_by_factors_that_are_small_beside_the_vector() {
    let s = 0.7_f64;
    for (l, x) in [(1e-15, 1.3), (-1e-15, 1.3), (1e-50, -1.3), (-1e-150, 1.3), (1e-300, 1.3)] {
        fn one<S: Real>([l, x]: [S; 2], s: f64) -> S {
            let s = nalgebra::convert(s);
            cholesky_rank_one_update(&dmatrix![l], &dvector![x], s).unwrap()[(0, 0)]
        }
        // y = sign(l) sqrt(l^2 + s x^2), along the direction (1, 0.5): y'' = s (x l' - l x')^2 / y^3.
        let y = f64::signum(l) * (s * x * x).sqrt();
        let expected = s * (x - 0.5 * l).powi(2) / y.powi(3);
        let along = [1.0, 0.5];
        let near = |found: f64| {
            let error = (found / expected - 1.0).abs();
            assert!(error < 1e-13, "{l:e} {x}: {found:e} {expected:e}");
        };
        let lifted = along.map(Dual::<f64>::constant);
        near(jvp(|v: &[Dual<f64>; 2]| jvp(|v| one(*v, s), v, &lifted).1, &[l, x], &along).1);
        let by_hvp = hvp(|v| one(*v, s), &[l, x], &along);
        near(by_hvp[0] * along[0] + by_hvp[1] * along[1]);
        let tapes = along.map(Var::<f64>::constant);
        let over_forward = gradient(|v: &[Var<f64>; 2]| jvp(|v| one(*v, s), v, &tapes).1, &[l, x]);
        near(over_forward[0] * along[0] + over_forward[1] * along[1]);
        let over_reverse = gradient(
            |v: &[Var<f64>; 2]| {
                let slope = gradient(|v| one(*v, s), v);
                slope[0] * tapes[0] + slope[1] * tapes[1]
            },
            &[l, x],
        );
        near(over_reverse[0] * along[0] + over_reverse[1] * along[1]);
    }
}
