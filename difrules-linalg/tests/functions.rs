//! Functions of matrices against arithmetic of 150 digits (see `data/functions.py`), over the kinds of matrices on
//! which their algorithms fail: no more than ten times as far off as the condition numbers allow.

use difrules_core::contract::Kind;
use difrules_core::{Real, Scalar, diagnosed, gradient, hvp, jvp, vjp};
use difrules_linalg::{Error, cos, cosh, exp, exp_action, ln, pow, powf, sign, sin, sinh, sqrt};
use nalgebra::{Complex, DMatrix, dmatrix};
use serde::Deserialize;

#[derive(Deserialize)]
struct Reference {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    function: String,
    scalar: String,
    name: String,
    a: Numbers,
    p: Option<[f64; 2]>,
    b: Option<Numbers>,
    cotangent: Numbers,
    results: Vec<Outcome>,
}

#[derive(Deserialize)]
struct Outcome {
    matrix: Numbers,
    off: f64,
}

#[derive(Deserialize)]
struct Numbers {
    rows: usize,
    cols: usize,
    re: Vec<f64>,
    im: Option<Vec<f64>>,
}

fn number<T: Scalar>(parts: [f64; 2]) -> T {
    let mut x = T::zero();
    x.parts_mut().iter_mut().zip(parts).for_each(|(x, part)| *x = nalgebra::convert(part));
    x
}

impl Numbers {
    fn matrix<T: Scalar>(&self) -> DMatrix<T> {
        DMatrix::from_fn(self.rows, self.cols, |i, j| {
            let k = i + j * self.rows;
            number([self.re[k], self.im.as_ref().map_or(0.0, |im| im[k])])
        })
    }
}

/// A matrix of one entry.
fn entry<T: Scalar>(x: T) -> DMatrix<T> {
    DMatrix::from_element(1, 1, x)
}

/// Runs a function on its arguments in the order of the results of a case, numbers being 1 x 1.
fn run<T: Scalar>(case: &Case, x: &[DMatrix<T>]) -> Result<DMatrix<T>, Error> {
    match case.function.as_str() {
        "exp" => exp(&x[0]),
        "ln" => ln(&x[0]),
        "sqrt" => sqrt(&x[0]),
        "sin" => sin(&x[0]),
        "cos" => cos(&x[0]),
        "sinh" => sinh(&x[0]),
        "cosh" => cosh(&x[0]),
        "sign" => sign(&x[0]),
        "pow" => pow(&x[0], case.p.expect("an exponent")[0] as i32),
        "powf" => powf(&x[0], x[1][0].real()),
        "exp_action" => exp_action(x[0][0], &x[1], &x[2]),
        other => panic!("no function {other} here"),
    }
}

/// What is wrong with a case.
fn check<K: Kind>(case: &Case) -> Vec<String> {
    let a: DMatrix<K::Of<f64>> = case.a.matrix();
    let p = case.p.map(|p| entry(number(p)));
    let arguments = match (case.function.as_str(), p) {
        ("exp_action", Some(p)) => vec![p, a, case.b.as_ref().expect("given").matrix()],
        ("powf", Some(p)) => vec![a, p],
        _ => vec![a],
    };
    let name = format!("{} of {} at {}, p = {:?}", case.function, case.name, case.scalar, case.p);
    let plain = match run(case, &arguments) {
        Ok(plain) => plain,
        Err(error) => return vec![format!("{name}: {error}")],
    };
    let cotangent: DMatrix<K::Of<f64>> = case.cotangent.matrix();
    let found = vjp(|x| run(case, x), &arguments, &cotangent);
    let (value, gradients) = found.expect("as the plain call");
    assert_eq!(value, plain, "{name}: the value in reverse mode");
    let found = std::iter::once(&value).chain(&gradients);
    let mut wrong = Vec::new();
    for (k, (found, expected)) in found.zip(&case.results).enumerate() {
        let difference = found - expected.matrix.matrix::<K::Of<f64>>();
        let off: f64 = difference.norm() / expected.off.max(f64::MIN_POSITIVE);
        if off.is_nan() || off > 10.0 {
            wrong.push(format!("{name}: result {k} is {off:.1} times as far off as may be"));
        }
    }
    wrong
}

#[test]
fn functions_are_as_exact_as_their_condition_numbers_allow() {
    let reference: Reference =
        serde_json::from_str(include_str!("data/functions.json")).expect("valid");
    assert!(reference.cases.len() >= 200);
    let wrong = reference.cases.iter().flat_map(|case| match case.scalar.as_str() {
        "f64" => check::<f64>(case),
        "Complex<f64>" => check::<Complex<f64>>(case),
        other => panic!("no scalar {other}"),
    });
    let wrong: Vec<_> = wrong.collect();
    assert!(wrong.is_empty(), "{} cases:\n{}", wrong.len(), wrong.join("\n"));
}

/// A rotation in a plane of four dimensions, by no simple angle.
fn turned(a: &DMatrix<f64>) -> DMatrix<f64> {
    let v = DMatrix::from_fn(a.nrows(), 1, |i, _| ((i * i + 2 * i + 3) as f64).sin());
    let length = v.norm_squared();
    let q = DMatrix::identity(a.nrows(), a.nrows()) - &v * v.transpose() * (2.0 / length);
    &q * a * &q
}

#[test]
fn what_has_no_value_is_an_error() {
    let real = |x: &[f64], n: usize| DMatrix::from_row_slice(n, n, x);
    let outside = |result: Result<DMatrix<f64>, Error>, name: &str| match result {
        Err(Error::OutsideDomain { function, .. }) => assert_eq!(function, name),
        other => panic!("{name}: {other:?}"),
    };
    let negative = DMatrix::from_diagonal(&nalgebra::dvector![1.0, -2.0, 3.0]);
    let singular = DMatrix::from_diagonal(&nalgebra::dvector![1.0, 0.0, 3.0]);
    for a in [&negative, &turned(&negative)] {
        outside(ln(a), "ln");
        outside(sqrt(a), "sqrt");
        outside(powf(a, 0.5), "powf");
        assert!(sign(a).is_ok() && exp(a).is_ok());
    }
    for a in [&singular, &turned(&singular), &DMatrix::zeros(2, 2)] {
        outside(ln(a), "ln");
        outside(powf(a, 2.0), "powf");
        outside(sign(a), "sign");
        assert!(sqrt(a).is_ok());
        assert!(pow(a, 2).is_ok());
    }
    assert!(matches!(pow(&singular, -1), Err(Error::Singular { .. })));
    // Eigenvalues i and -i; of the larger one beside 1 and 2.
    outside(sign(&real(&[0.0, 1.0, -1.0, 0.0], 2)), "sign");
    outside(sign(&turned(&real(&[1.0, 5.0, 2.0, 0.0, 0.0, 3.0, 0.0, -3.0, 0.0], 3))), "sign");
    // Nilpotent, with and without a root.
    outside(sqrt(&real(&[0.0, 1.0, 0.0, 0.0], 2)), "sqrt");
    assert_eq!(sqrt(&DMatrix::<f64>::zeros(3, 3)), Ok(DMatrix::zeros(3, 3)));
    // On the axis a complex matrix has no principal value either.
    let complex = DMatrix::from_element(1, 1, Complex::new(-1.0, 0.0));
    assert!(matches!(ln(&complex), Err(Error::OutsideDomain { .. })));
    assert!(matches!(sqrt(&complex), Err(Error::OutsideDomain { .. })));
    let wide = DMatrix::<f64>::zeros(2, 3);
    let large = DMatrix::from_element(2, 2, 1e3);
    let bad = real(&[1.0, f64::NAN, 0.0, 1.0], 2);
    for f in [exp, ln, sqrt, sin, cos, sinh, cosh, sign] {
        assert!(matches!(f(&wide), Err(Error::NotSquare { .. })));
        assert!(matches!(f(&bad), Err(Error::NotFinite { row: 0, column: 1, .. })));
        assert_eq!(f(&DMatrix::zeros(0, 0)), Ok(DMatrix::zeros(0, 0)));
    }
    for f in [exp, sinh, cosh] {
        assert!(matches!(f(&large), Err(Error::Overflow { .. })));
    }
    assert!(matches!(exp_action(1.0, &large, &large), Err(Error::Overflow { .. })));
    assert!(matches!(exp_action(f64::NAN, &negative, &negative), Err(Error::NotFinite { .. })));
    assert!(matches!(exp_action(1e300, &negative, &negative), Err(Error::NoConvergence { .. })));
    assert!(matches!(pow(&large, 300), Err(Error::Overflow { .. })));
    assert!(matches!(powf(&large, f64::INFINITY), Err(Error::NotFinite { argument: "p", .. })));
    assert_eq!(exp_action(1.0, &negative, &DMatrix::zeros(3, 0)), Ok(DMatrix::zeros(3, 0)));
    assert_eq!(pow(&singular, 0), Ok(DMatrix::identity(3, 3)));
}

#[test]
fn the_root_of_a_singular_matrix_has_no_derivative() {
    let singular = DMatrix::from_diagonal(&nalgebra::dvector![1.0, 0.0, 4.0]);
    for a in [singular.clone(), turned(&singular), DMatrix::zeros(2, 2)] {
        let (result, found) = diagnosed(|| gradient(|a| sqrt(a).map(|y| y.sum()), &a));
        assert!(result.expect("it has a root").iter().all(|x| x.is_nan()));
        assert!(!found.is_empty());
        let value = sqrt(&a).expect("it has a root");
        assert!((&value * &value - &a).norm() < 1e-14);
    }
}

/// Second derivatives, by forward over reverse mode, against differences of gradients, in one piece and entry by
/// entry, also where eigenvalues repeat.
#[test]
fn second_derivatives_are_those_of_the_gradient() {
    fn of<T: Real>(name: &str, a: &DMatrix<T>) -> Result<T, Error> {
        let number = |x: f64| -> T { nalgebra::convert(x) };
        let y = match name {
            "exp" => exp(a)?,
            "ln" => ln(a)?,
            "sqrt" => sqrt(a)?,
            "sin" => sin(a)?,
            "cos" => cos(a)?,
            "sinh" => sinh(a)?,
            "cosh" => cosh(a)?,
            "sign" => sign(
                &a.map_with_location(|i, j, x| if i == j && i < 2 { x - number(4.0) } else { x }),
            )?,
            "pow" => pow(a, -3)?,
            "powf" => powf(a, number(1.3))?,
            _ => exp_action(number(0.7), a, a)?,
        };
        Ok(y.norm_squared())
    }
    let any = DMatrix::from_fn(5, 5, |i, j| ((3 * i + 7 * j + i * j) as f64).sin() * 0.3);
    let general = &any + DMatrix::identity(5, 5) * 1.5;
    let jordan = DMatrix::from_fn(5, 5, |i, j| {
        if i == j {
            0.8
        } else if i + 1 == j {
            1.0
        } else {
            0.0
        }
    });
    let v = any.map(|x| (5.0 * x).cos());
    for a in [general, jordan, DMatrix::identity(5, 5)] {
        for name in
            ["exp", "ln", "sqrt", "sin", "cos", "sinh", "cosh", "sign", "pow", "powf", "exp_action"]
        {
            let second = hvp(|a| of(name, a), &a, &v).expect(name);
            let slope = |h: f64| gradient(|a| of(name, a), &(&a + &v * h)).expect(name);
            let h = 1e-4;
            let near = (slope(h) - slope(-h)) / (2.0 * h);
            let far = (slope(2.0 * h) - slope(-2.0 * h)) / (4.0 * h);
            let difference = (&near * 4.0 - far) / 3.0;
            let off = (&second - &difference).norm() / difference.norm();
            assert!(off < 1e-8, "{name}: {off:e}");
            // The value of the mode is the plain one.
            let (value, _) = jvp(|a| of(name, a), &a, &v).expect(name);
            assert_eq!(value.to_bits(), of(name, &a).expect(name).to_bits(), "{name}");
        }
    }
}

/// Second and third derivatives where powers of A vanish, though products of its powers with directions between them do
/// not: f of a block matrix with A on the diagonal and E above it has D^k f(A)[E, .., E] / k! in its corner.
#[test]
fn derivatives_of_higher_order_at_nilpotent_matrices() {
    fn of<T: Real>(name: &str, a: &DMatrix<T>) -> Result<DMatrix<T>, Error> {
        match name {
            "exp" => exp(a),
            "ln" => ln(&(a + DMatrix::<T>::identity(a.nrows(), a.nrows()))),
            "sin" => sin(a),
            "cos" => cos(a),
            "sinh" => sinh(a),
            "cosh" => cosh(a),
            _ => powf(&(a + DMatrix::<T>::identity(a.nrows(), a.nrows())), nalgebra::convert(0.7)),
        }
    }
    fn constant<T: Real>(a: &DMatrix<f64>) -> DMatrix<T> {
        a.map(|x| nalgebra::convert(x))
    }
    fn along<T: Real>(name: &str, a: &DMatrix<T>, e: &DMatrix<f64>) -> Result<DMatrix<T>, Error> {
        jvp(|a: &DMatrix<_>| of(name, a), a, &constant(e)).map(|y| y.1)
    }
    let mut wrong = Vec::new();
    for size in 2..=5 {
        let shift = DMatrix::from_fn(size, size, |i, j| if i + 1 == j { 1.0 } else { 0.0 });
        let e = DMatrix::from_fn(size, size, |i, j| ((3 * i + 7 * j + i * j + 1) as f64).sin());
        for scale in [1.0, 0.1, 10.0] {
            let a = &shift * scale;
            for name in ["exp", "ln", "sin", "cos", "sinh", "cosh", "powf"] {
                let twice = |a: &DMatrix<_>| {
                    jvp(|a: &DMatrix<_>| along(name, a, &e), a, &constant(&e)).map(|y| y.1)
                };
                let (second, third) = jvp(twice, &a, &e).expect(name);
                let blocks = DMatrix::from_fn(4 * size, 4 * size, |i, j| {
                    match (j / size).checked_sub(i / size) {
                        Some(0) => a[(i % size, j % size)],
                        Some(1) => e[(i % size, j % size)],
                        _ => 0.0,
                    }
                });
                let whole = of(name, &blocks).expect(name);
                for (k, factor, found) in [(2, 2.0, second), (3, 6.0, third)] {
                    let expected = whole.view((0, k * size), (size, size)) * factor;
                    let off = (&found - &expected).norm() / expected.norm();
                    if off.is_nan() || off > 1e-11 {
                        wrong.push(format!("{name} {size} {scale} {k}: {off:e}"));
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The same of first derivatives, where a power is not zero but small.
#[test]
fn first_derivatives_next_to_nilpotent_matrices() {
    for (scale, change) in [(10.0, 1e-10), (100.0, 1e-13), (3.0, 1e-9), (1.0, 1e-8)] {
        let numbers = |k: usize| DMatrix::from_fn(3, 3, |i, j| ((3 * i + 7 * j + k) as f64).sin());
        let shift = DMatrix::from_fn(3, 3, |i, j| if i + 1 == j { scale } else { 0.0 });
        let (a, e) = (shift + numbers(1) * change, numbers(5));
        let mut blocks = DMatrix::zeros(6, 6);
        (0..2).for_each(|k| blocks.view_mut((3 * k, 3 * k), (3, 3)).copy_from(&a));
        blocks.view_mut((0, 3), (3, 3)).copy_from(&e);
        let check = |name: &str, found: DMatrix<f64>, whole: DMatrix<f64>| {
            let expected = whole.view((0, 3), (3, 3));
            let off = (found - expected).norm() / expected.norm();
            assert!(off < 1e-12, "{name} {scale} {change}: {off:e}");
        };
        check("exp", jvp(|a: &DMatrix<_>| exp(a), &a, &e).unwrap().1, exp(&blocks).unwrap());
        check("cos", jvp(|a: &DMatrix<_>| cos(a), &a, &e).unwrap().1, cos(&blocks).unwrap());
        check("cosh", jvp(|a: &DMatrix<_>| cosh(a), &a, &e).unwrap().1, cosh(&blocks).unwrap());
        check("sin", jvp(|a: &DMatrix<_>| sin(a), &a, &e).unwrap().1, sin(&blocks).unwrap());
    }
}

/// Of a gradient with entries that overflow these alone are infinite.
#[test]
fn entries_of_gradients_that_overflow() {
    let infinite = |name: &str, found: &DMatrix<f64>, expected: &DMatrix<f64>| {
        let same = |(x, y): (&f64, &f64)| x == y || (x / y - 1.0).abs() < 1e-11;
        assert!(found.iter().zip(expected).all(same), "{name}: {found} {expected}");
    };
    let infinity = f64::INFINITY;
    let bar = dmatrix![1e10, 2.0; 3.0, 4.0];
    // Divided differences of the values times the cotangents.
    for (x, y) in [(705.0_f64, 1.0_f64), (700.0, -700.0), (705.0, 2.0)] {
        let a = dmatrix![x, 0.0; 0.0, y];
        let check = |name: &str, found: DMatrix<f64>, f: fn(f64) -> f64, slope: fn(f64) -> f64| {
            let between = (f(x) - f(y)) / (x - y);
            let expected = dmatrix![
                bar[0] * slope(x), bar[2] * between; bar[1] * between, bar[3] * slope(y)
            ];
            infinite(name, &found, &expected);
        };
        check("exp", vjp(exp, &a, &bar).unwrap().1, f64::exp, f64::exp);
        check("exp along", jvp(exp, &a, &bar).unwrap().1, f64::exp, f64::exp);
        check("cosh", vjp(cosh, &a, &bar).unwrap().1, f64::cosh, f64::sinh);
        check("sinh along", jvp(sinh, &a, &bar).unwrap().1, f64::sinh, f64::cosh);
    }
    let a = dmatrix![1e-310, 0.0; 0.0, 2.0];
    let found = vjp(ln, &a, &bar).unwrap().1;
    assert!(found[0] == infinity && found.iter().skip(1).all(|x| x.is_finite()), "{found}");
    let a = dmatrix![1e-200, 0.0; 0.0, 4.0];
    let found = vjp(|a: &DMatrix<_>| pow(a, -1), &a, &bar).unwrap().1;
    infinite("pow", &found, &dmatrix![-infinity, -5e199; -7.5e199, -0.25]);
    let power = |a: &DMatrix<_>| powf(a, nalgebra::convert(-1.0));
    infinite("powf", &vjp(power, &a, &bar).unwrap().1, &found);
    let a = dmatrix![1e150, 0.0; 0.0, 2.0];
    let found = vjp(|a: &DMatrix<_>| pow(a, 2), &a, &(&bar * 1e150)).unwrap().1;
    infinite("square", &found, &dmatrix![infinity, 2e300; 3e300, 1.6e151]);
    // The second derivative too.
    let a = dmatrix![705.0, 0.0; 0.0, 1.0];
    let loss = |a: &DMatrix<_>| Ok::<_, Error>(exp(a)?[(0, 0)]);
    let found = hvp(loss, &a, &dmatrix![1e10, 0.0; 0.0, 1.0]).unwrap();
    infinite("second", &found, &dmatrix![infinity, 0.0; 0.0, 0.0]);
}

/// A defective eigenvalue that is zero but for rounding comes out as a few small ones.
#[test]
fn functions_next_to_defective_zeros() {
    let turn = |a: &DMatrix<f64>, seed: usize| {
        let size = a.nrows();
        let any =
            DMatrix::from_fn(size, size, |i, j| ((5 * i + 3 * j + 11 * seed + 1) as f64).sin());
        let q = any.qr().q();
        &q * a * q.transpose()
    };
    for seed in 0..5 {
        for a in [
            dmatrix![0.0, 1.0; 0.0, 0.0],
            dmatrix![0.0, 3.0, 0.0; 0.0, 0.0, 2.0; 0.0, 0.0, 0.0],
            dmatrix![0.0, 0.7, 0.0; 0.0, 0.0, 0.0; 0.0, 0.0, 2.0],
        ] {
            let a = turn(&a, seed);
            let lost = |found| matches!(found, Err(Error::OutsideDomain { .. }));
            assert!(lost(sqrt(&a)) && lost(ln(&a)) && lost(powf(&a, 0.3)) && lost(sign(&a)), "{a}");
        }
        // Zeros that are not defective have a root, and small eigenvalues that are exact too.
        let a = turn(&dmatrix![0.0, 0.0, 0.0; 0.0, 0.0, 0.0; 0.0, 0.0, 2.0], seed);
        let root = sqrt(&a).unwrap();
        assert!((&root * &root - a).norm() < 1e-14);
    }
    let a = dmatrix![1e-20, 1.0; 0.0, 1e-20];
    assert!((sqrt(&a).unwrap() - dmatrix![1e-10, 5e9; 0.0, 1e-10]).norm() < 1e-5);
}

/// Along directions too that keep the zero, as a gradient has none.
#[test]
fn roots_of_singular_matrices_have_no_derivative_in_either_mode() {
    let line = dmatrix![1.0, 2.0, 0.0; 2.0, 4.0, 0.0; 0.0, 0.0, 3.0];
    for a in
        [dmatrix![4.0, 0.0; 0.0, 0.0], dmatrix![4.0, 1.0; 0.0, 0.0], line, DMatrix::zeros(2, 2)]
    {
        for place in 0..a.len() {
            let unit = DMatrix::from_fn(a.nrows(), a.ncols(), |i, j| {
                f64::from(u8::from(i + j * a.nrows() == place))
            });
            let ((_, moved), heard) = diagnosed(|| jvp(sqrt, &a, &unit).unwrap());
            assert!(moved.iter().all(|x| x.is_nan()) && heard.len() == 1, "{a} {moved}");
            let entry = |a: &DMatrix<_>| Ok::<_, Error>(sqrt(a)?[place]);
            let (slope, heard) = diagnosed(|| gradient(entry, &a).unwrap());
            assert!(slope.iter().all(|x| f64::is_nan(*x)) && heard.len() == 1, "{a} {slope}");
        }
    }
}
