//! What is homogeneous stays so: arguments times a power of two give results, tangents and adjoints times powers
//! of two, as far as numbers reach, with no digit less.
//!
//! By the registry, at the scalars that are registered.

use std::any::Any;

use crate::families::{self, epsilon, families, largest};
use approx::AbsDiffEq;
use difrules_core::registry::Instance;
use difrules_core::testing::Sampler;
use difrules_core::{Real, Scalar, diagnosed, find};
use difrules_linalg::{
    Bidiagonal, ColPivQr, Eigen, FullPivLu, Lblt, Lu, Svd, SymmetricEigen, SymmetricTridiagonal,
    Udu,
};
use nalgebra::{Complex, DMatrix, DVector, Dyn};

/// Calls a function with each number of a value, and the part of it that the number is in; false if the value has no
/// numbers that vary.
fn each<T: Scalar>(value: &mut dyn Any, f: &mut dyn FnMut(usize, &mut T::Real)) -> bool {
    fn numbers<'a, T: Scalar>(
        part: usize,
        x: impl Iterator<Item = &'a mut T>,
        f: &mut dyn FnMut(usize, &mut T::Real),
    ) {
        x.for_each(|x| x.parts_mut().iter_mut().for_each(|x| f(part, x)));
    }
    macro_rules! found {
        ($type:ty, $x:ident => $($body:expr),*) => {
            if let Some($x) = value.downcast_mut::<$type>() {
                $($body;)*
                return true;
            }
        };
    }
    // Below the diagonal is L, and the rest U.
    let packed = |x: &mut DMatrix<T>, f: &mut dyn FnMut(usize, &mut T::Real)| {
        let rows = x.nrows();
        for (k, x) in x.iter_mut().enumerate() {
            numbers(usize::from(k % rows <= k / rows), [x].into_iter(), f);
        }
    };
    found!(DMatrix<T>, x => numbers(0, x.iter_mut(), f));
    found!(DVector<T>, x => numbers(0, x.iter_mut(), f));
    found!(T, x => numbers(0, [x].into_iter(), f));
    found!(DVector<T::Real>, x => x.iter_mut().for_each(|x| f(0, x)));
    found!(T::Real, x => f(0, x));
    found!(DVector<Complex<T::Real>>, x => x.iter_mut().for_each(|x| {
        f(0, &mut x.re);
        f(0, &mut x.im);
    }));
    found!((DMatrix<T>, DMatrix<T>), x =>
        numbers(0, x.0.iter_mut(), f), numbers(1, x.1.iter_mut(), f));
    found!((T::Real, T), x => f(0, &mut x.0), numbers(1, [&mut x.1].into_iter(), f));
    found!(Lu<T, Dyn, Dyn>, x => packed(&mut x.packed, f));
    found!(FullPivLu<T, Dyn, Dyn>, x => packed(&mut x.packed, f));
    found!(Svd<T, Dyn, Dyn>, x => numbers(0, x.u.iter_mut(), f),
        x.singular_values.iter_mut().for_each(|x| f(1, x)), numbers(2, x.v_t.iter_mut(), f));
    found!(SymmetricEigen<T, Dyn>, x => x.eigenvalues.iter_mut().for_each(|x| f(0, x)),
        numbers(1, x.eigenvectors.iter_mut(), f));
    found!(Eigen<T, Dyn>, x =>
        x.eigenvalues.iter_mut().for_each(|x| { f(0, &mut x.re); f(0, &mut x.im); }),
        x.eigenvectors.iter_mut().for_each(|x| { f(1, &mut x.re); f(1, &mut x.im); }));
    found!(ColPivQr<T, Dyn, Dyn>, x =>
        numbers(0, x.q.iter_mut(), f), numbers(1, x.r.iter_mut(), f));
    found!(Bidiagonal<T, Dyn, Dyn>, x => numbers(0, x.u.iter_mut(), f),
        x.diagonal.iter_mut().chain(x.off_diagonal.iter_mut()).for_each(|x| f(1, x)),
        numbers(2, x.v_t.iter_mut(), f));
    found!(SymmetricTridiagonal<T, Dyn>, x => numbers(0, x.q.iter_mut(), f),
        x.diagonal.iter_mut().chain(x.off_diagonal.iter_mut()).for_each(|x| f(1, x)));
    found!(Lblt<T, Dyn>, x => numbers(0, x.l.iter_mut(), f),
        x.diagonal.iter_mut().for_each(|x| f(1, x)), numbers(1, x.off_diagonal.iter_mut(), f));
    found!(Udu<T, Dyn>, x =>
        numbers(0, x.u.iter_mut(), f), x.d.iter_mut().for_each(|x| f(1, x)));
    false
}

/// x times a power of two, whatever that is.
fn times<S: Real>(x: S, exponent: i32) -> S {
    let step = exponent.clamp(-100, 100);
    let x = x * nalgebra::convert(f64::from(step).exp2());
    if step == exponent { x } else { times(x, exponent - step) }
}

/// The powers that parts of values go with.
type Degrees = &'static [i32];

/// A primitive, the powers of its arguments and that of its result.
type Case = (&'static str, &'static [Degrees], Degrees);

#[rustfmt::skip]
const CASES: &[Case] = &[
    ("svd", &[&[1]], &[0, 1, 0]), ("singular_values", &[&[1]], &[1]), ("polar", &[&[1]], &[0, 1]),
    ("qr", &[&[1]], &[0, 1]), ("lq", &[&[1]], &[1, 0]), ("col_piv_qr", &[&[1]], &[0, 1]),
    ("lu", &[&[1]], &[0, 1]), ("full_piv_lu", &[&[1]], &[0, 1]),
    ("bidiagonal", &[&[1]], &[0, 1, 0]), ("hessenberg", &[&[1]], &[0, 1]),
    ("schur", &[&[1]], &[0, 1]), ("eigen", &[&[1]], &[1, 0]), ("complex_eigenvalues", &[&[1]], &[1]),
    ("symmetric_eigen", &[&[1]], &[1, 0]), ("symmetric_eigenvalues", &[&[1]], &[1]),
    ("symmetric_tridiagonal", &[&[1]], &[0, 1]), ("lblt", &[&[1]], &[0, 1]), ("udu", &[&[1]], &[0, 1]),
    ("cholesky", &[&[2]], &[1]), ("generalized_symmetric_eigen", &[&[1], &[2]], &[-1, -1]),
    ("generalized_symmetric_eigen", &[&[1], &[0]], &[1, 0]),
    ("solve", &[&[1], &[2]], &[1]), ("solve", &[&[1], &[0]], &[-1]), ("inverse", &[&[1]], &[-1]),
    ("pseudo_inverse", &[&[1]], &[-1]), ("lstsq", &[&[1], &[2]], &[1]), ("lstsq", &[&[1], &[0]], &[-1]),
    ("lstsq", &[&[0], &[1]], &[1]), ("cholesky_solve", &[&[1], &[2]], &[0]),
    ("lu_solve", &[&[], &[0, 1], &[2]], &[1]), ("lblt_solve", &[&[0, 1], &[2]], &[1]),
    ("udu_solve", &[&[0, 1], &[2]], &[1]), ("udu_solve", &[&[0, 1], &[0]], &[-1]),
    ("solve_lower_triangular", &[&[1], &[2]], &[1]), ("solve_upper_triangular", &[&[1], &[0]], &[-1]),
    ("tridiagonal_solve", &[&[1], &[1], &[1], &[2]], &[1]),
    ("tridiagonal_solve", &[&[1], &[1], &[1], &[0]], &[-1]),
    ("toeplitz_solve", &[&[1], &[1], &[2]], &[1]), ("toeplitz_solve", &[&[1], &[1], &[0]], &[-1]),
    ("ln_abs_determinant", &[&[1]], &[0, 0]), ("ln_determinant", &[&[1]], &[0, 0]),
    ("condition_number", &[&[1]], &[0]), ("spectral_norm", &[&[1]], &[1]),
    ("nuclear_norm", &[&[1]], &[1]), ("one_norm", &[&[1]], &[1]), ("norm_inf", &[&[1]], &[1]),
    ("norm", &[&[1]], &[1]), ("nrm2", &[&[1]], &[1]), ("lp_norm", &[&[1], &[0]], &[1]),
    ("normalize", &[&[1]], &[0]), ("matmul", &[&[1], &[0]], &[1]), ("matmul", &[&[1], &[-1]], &[0]),
    ("tr_mul", &[&[1], &[-1]], &[0]), ("dot", &[&[1], &[-1]], &[0]), ("sum", &[&[1]], &[1]),
    ("trace", &[&[1]], &[1]), ("component_mul", &[&[1], &[-1]], &[0]),
    ("symmetric_part", &[&[1]], &[1]), ("scale", &[&[1], &[-1]], &[0]),
];

/// Values, tangents and adjoints, by what they are, over their powers of two.
type Found = Vec<(String, Vec<f64>)>;

fn at<T: Scalar>(
    instance: &Instance,
    case: &Case,
    seed: u64,
    exponent: i32,
) -> Result<Found, String> {
    let (name, degrees, result) = *case;
    let failed = |error: difrules_core::registry::CallError| error.to_string();
    let random = &mut Sampler::new(seed, seed);
    let mut arguments = instance.sample.expect("each has one")(random);
    // The tangents of logarithms do not scale.
    let logarithm = name.starts_with("ln_");
    fn scaled<T: Scalar>(x: &mut dyn Any, by: impl Fn(usize) -> i32) {
        each::<T>(x, &mut |part, x| *x = times(*x, by(part)));
    }
    fn filled<T: Scalar>(x: &mut dyn Any, random: &mut Sampler, by: impl Fn(usize) -> i32) -> bool {
        each::<T>(x, &mut |part, x| *x = times(random.normal(), by(part)))
    }
    let mut found = Found::new();
    let mut note = |what: &str, x: &mut dyn Any, by: &dyn Fn(usize) -> i32| {
        let first = found.len();
        each::<T>(x, &mut |part, x| {
            while found.len() <= first + part {
                found.push((format!("{what}, part {}", found.len() - first), Vec::new()));
            }
            found[first + part].1.push(times((*x).to_f64(), -by(part)));
        });
    };
    for (x, degrees) in arguments.iter_mut().zip(degrees) {
        scaled::<T>(&mut **x, |part| degrees[part] * exponent);
    }
    let mut given: Vec<&mut dyn Any> = arguments.iter_mut().map(|x| &mut **x).collect();
    let mut tangents = instance.zeros(&mut given).map_err(failed)?;
    let mut adjoints = instance.zeros(&mut given).map_err(failed)?;
    let mut places = Vec::new();
    for (x, degrees) in tangents.iter_mut().zip(degrees) {
        let varies = filled::<T>(&mut **x, random, |part| degrees[part] * exponent);
        places.push(varies.then_some(&mut **x));
    }
    let (mut y, mut y_dot, mut again, mut y_bar) =
        (None::<Box<dyn Any>>, None::<Box<dyn Any>>, None::<Box<dyn Any>>, None::<Box<dyn Any>>);
    instance.forward(&mut given, &mut places, &mut y, &mut y_dot).map_err(failed)?;
    let (mut y, mut y_dot) = (y.expect("put there"), y_dot.expect("put there"));
    if !logarithm {
        note("value", &mut *y, &|part| result[part] * exponent);
    }
    note("tangent", &mut *y_dot, &|part| result[part] * exponent);
    instance.call(&mut given, &mut y_bar).map_err(failed)?;
    let mut y_bar = y_bar.expect("put there");
    filled::<T>(&mut *y_bar, random, |part| -result[part] * exponent);
    let pullback = instance.reverse(&mut given, &mut again).map_err(failed)?;
    let mut places: Vec<Option<&mut dyn Any>> = Vec::new();
    for x in &mut adjoints {
        let varies = each::<T>(&mut **x, &mut |_, _| ());
        places.push(varies.then_some(&mut **x));
    }
    pullback.pull(&*y_bar, &mut places).map_err(failed)?;
    for (x, degrees) in adjoints.iter_mut().zip(degrees) {
        note("adjoint", &mut **x, &|part| -degrees[part] * exponent);
    }
    Ok(found)
}

fn everything<T: Scalar>(scalar: &str) {
    let epsilon = <T::Real>::default_epsilon().to_f64();
    let far = if epsilon > 1e-10 { 110 } else { 960 };
    let mut wrong = Vec::new();
    for case in CASES {
        let (name, degrees, result) = *case;
        let record = find(name, degrees.len()).unwrap_or_else(|error| panic!("{error}"));
        let Some(instance) = record.instance(scalar) else { continue };
        // A sum of two powers is one of the intermediate results that count.
        let most = degrees.iter().chain([&result]).flat_map(|x| x.iter()).map(|x| x.abs()).max();
        let most = far / most.unwrap_or(1).max(1);
        for seed in 0..5 {
            let (plain, heard) = diagnosed(|| at::<T>(instance, case, seed, 0));
            let Ok(plain) = plain else { continue };
            for part in [-100, -70, -40, -15, 15, 40, 70, 100] {
                let exponent = most * part / 100;
                let (found, more) = diagnosed(|| at::<T>(instance, case, seed, exponent));
                let found = match found {
                    Ok(found) => found,
                    Err(error) => {
                        wrong.push(format!("{name} times 2^{exponent}: {error}"));
                        continue;
                    }
                };
                if heard.len() != more.len() {
                    wrong.push(format!("{name} times 2^{exponent}: {more:?}"));
                }
                for ((what, x), (_, y)) in plain.iter().zip(&found) {
                    let size = x.iter().fold(0.0_f64, |most, x| most.max(x.abs()));
                    let error = x.iter().zip(y).fold(0.0_f64, |most, (x, y)| {
                        let error = (x - y).abs();
                        if error > most || error.is_nan() { error } else { most }
                    });
                    // A NaN of the plain call is one of all.
                    if x.iter().all(|x| x.is_finite())
                        && (error > 1e5 * epsilon * size || error.is_nan())
                    {
                        wrong.push(format!(
                            "{name}, {what}, times 2^{exponent}, point {seed}: {:e}",
                            error / size
                        ));
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Primitives of one matrix, whether that is square or Hermitian, and whether its rows and columns have sizes of their
/// own: a unitary factor mixes them.
#[rustfmt::skip]
const OF_ONE_MATRIX: &[(&[&str], Shape, bool)] = &[
    (&["svd", "singular_values", "polar", "qr", "lq", "col_piv_qr", "bidiagonal", "pseudo_inverse",
       "condition_number", "spectral_norm", "nuclear_norm"], Shape::Any, false),
    (&["hessenberg", "schur", "eigen", "complex_eigenvalues"], Shape::Square, false),
    (&["symmetric_eigen", "symmetric_eigenvalues", "symmetric_tridiagonal"], Shape::Hermitian, false),
    (&["lu", "full_piv_lu", "one_norm", "norm_inf", "norm", "nrm2", "normalize"], Shape::Any, true),
    (&["inverse", "ln_abs_determinant"], Shape::Square, true),
    (&["lblt"], Shape::Hermitian, true),
    (&["cholesky", "udu", "ln_determinant"], Shape::Definite, true),
];

#[derive(Clone, Copy, PartialEq)]
enum Shape {
    Any,
    Square,
    Hermitian,
    Definite,
}

fn numbers_of<T: Scalar>(x: &mut dyn Any) -> Vec<f64> {
    let mut all = Vec::new();
    each::<T>(x, &mut |_, x| all.push((*x).to_f64()));
    all
}

fn pairing(x: &[f64], y: &[f64]) -> (f64, f64) {
    let terms = || x.iter().zip(y).filter(|(x, y)| **x != 0.0 && **y != 0.0).map(|(x, y)| x * y);
    (terms().sum(), terms().map(f64::abs).sum())
}

/// The first of the entries at which a reverse rule differs from the forward rule.
fn differ<T: Scalar>(
    instance: &Instance,
    a: &DMatrix<T>,
    (hermitian, by_entries): (bool, bool),
    random: &mut Sampler,
) -> Option<String> {
    let mut argument = a.clone();
    let given: &mut [&mut dyn Any] = &mut [&mut argument];
    let (mut y, mut y_bar, mut again) =
        (None::<Box<dyn Any>>, None::<Box<dyn Any>>, None::<Box<dyn Any>>);
    instance.call(given, &mut y_bar).ok()?;
    let push = instance.pushforward(given, &mut y).ok()?;
    let pull = instance.reverse(given, &mut again).ok()?;
    let mut y_bar = y_bar?;
    // Each part of the cotangent in units of the part.
    let mut sizes = [0.0_f64; 4];
    each::<T>(&mut *y_bar, &mut |part, x| sizes[part] = sizes[part].max((*x).to_f64().abs()));
    each::<T>(&mut *y_bar, &mut |part, x| {
        let size = if sizes[part] == 0.0 { 1.0 } else { sizes[part] };
        *x = random.normal::<T::Real>() / nalgebra::convert(size);
    });
    let cotangent = numbers_of::<T>(&mut *y_bar);
    let mut a_bar = a.map(|_| T::zero());
    let heard = diagnosed(|| pull.pull(&*y_bar, &mut [Some(&mut a_bar)])).1.len();
    let adjoint = numbers_of::<T>(&mut a_bar);
    let all = largest(a);
    let directions = if a[0].clone().parts_mut().len() == 2 { 2 } else { 1 };
    let mut found = Vec::new();
    for k in 0..a.len() * directions {
        let (i, j) = (k / directions % a.nrows(), k / directions / a.nrows());
        if hermitian && (i < j || i == j && k % directions == 1) {
            continue;
        }
        let own = largest(&a.view((i, j), (1, 1)).into_owned());
        let mut along = a.map(|_| T::zero());
        let size = if own == 0.0 || !by_entries { all } else { own };
        along[(i, j)].parts_mut()[k % directions] =
            nalgebra::convert(if size == 0.0 { 1.0 } else { size });
        if hermitian {
            along[(j, i)] = along[(i, j)].conjugate();
        }
        let mut y_dot = None::<Box<dyn Any>>;
        push.push(&mut [Some(&mut along)], &mut y_dot).ok()?;
        let forward = pairing(&cotangent, &numbers_of::<T>(&mut *y_dot?));
        let reverse = pairing(&adjoint, &numbers_of::<T>(&mut along));
        found.push(((i, j), forward, reverse));
    }
    let most = found.iter().map(|x| x.1.1).filter(|x| x.is_finite()).fold(1.0, f64::max);
    for ((i, j), forward, reverse) in found {
        let error = (forward.0 - reverse.0).abs();
        let text = || format!("entry {i}, {j}: {:e} and {:e} of {most:e}", forward.0, reverse.0);
        let undefined = forward.0.is_nan();
        if undefined && reverse.0.is_finite() || !undefined && heard == 0 && reverse.0.is_nan() {
            return Some(text());
        }
        if error > 1e5 * epsilon::<T>() * most {
            return Some(text());
        }
    }
    None
}

fn both_modes<T: Scalar>(scalar: &str) {
    let mut random = Sampler::new(3, 3);
    let mut wrong = Vec::new();
    for (rows, columns) in [(2, 2), (3, 3), (4, 4), (4, 3), (2, 3)] {
        let mut all = families::<T>(&mut random, rows, columns);
        let (u, v) = (random.matrix::<T>(rows, rows), random.matrix::<T>(columns, columns));
        let least = if epsilon::<T>() > 1e-10 { 6 } else { 15 };
        for exponent in (3..=least).step_by(3).filter(|_| rows.min(columns) > 1) {
            // Values that are close, and one that is small beside them.
            let gap = 10.0_f64.powi(-exponent);
            let values = [1.0, 1.0 + gap, gap.sqrt(), 3.0];
            let diagonal = DMatrix::from_fn(rows, columns, |i, j| {
                families::number(if i == j { values[i] } else { 0.0 })
            });
            let turned = u.clone().qr().q() * &diagonal * v.clone().qr().q();
            all.push((format!("a gap of 1e-{exponent}"), diagonal, false));
            all.push((format!("a gap of 1e-{exponent}, turned"), turned, false));
        }
        for (family, a, _) in all {
            // Sums of numbers at either end are none, and a unitary factor mixes what is far apart.
            let far = if epsilon::<T>() > 1e-10 { "1e15" } else { "1e150" };
            let whole = family.starts_with("times");
            if family.contains(" numbers") {
                continue;
            }
            for (names, shape, by_entries) in OF_ONE_MATRIX {
                if rows != columns && *shape != Shape::Any {
                    continue;
                }
                if !*by_entries && !whole && family.ends_with(far) {
                    continue;
                }
                let half = nalgebra::convert(0.5);
                let a = match shape {
                    Shape::Definite if family.ends_with(far) => continue,
                    Shape::Definite => &a * a.adjoint() + DMatrix::identity(rows, rows),
                    Shape::Hermitian => (&a + a.adjoint()).map(|x| x.scale(half)),
                    _ => a.clone(),
                };
                if a.iter().any(|x| !x.is_finite()) {
                    continue;
                }
                for name in *names {
                    let Some(instance) = find(name, 1).ok().and_then(|x| x.instance(scalar)) else {
                        continue;
                    };
                    let (found, _) = diagnosed(|| {
                        let hermitian = matches!(shape, Shape::Hermitian | Shape::Definite);
                        differ(instance, &a, (hermitian, *by_entries), &mut random)
                    });
                    if let Some(found) = found {
                        wrong.push(format!("{name}, {rows} by {columns}, {family}, {found}"));
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn both_modes_at_every_entry() {
    both_modes::<f64>("f64");
    both_modes::<Complex<f64>>("Complex<f64>");
    both_modes::<f32>("f32");
}

#[test]
fn at_f64() {
    everything::<f64>("f64");
}

#[test]
fn at_f32() {
    everything::<f32>("f32");
}

#[test]
fn at_complex_numbers() {
    everything::<Complex<f64>>("Complex<f64>");
    everything::<Complex<f32>>("Complex<f32>");
}
