//! Sparsity patterns read off a recording, against Jacobians and Hessians, and derivatives in several directions.

use difrules_core::testing::Sampler;
use difrules_core::{
    Aux, Dependencies, Real, Recording, Var, Whole, checkpointed, fingerprint, gradient, hessian,
    hvp, jacobian, jvp, jvps, primitive, symbolic, value_gradient_and_hvps, vjp, vjps,
};
use nalgebra::{DMatrix, DVector, Vector3, dvector, vector};

fn rows(pattern: &Dependencies) -> Vec<Vec<usize>> {
    (0..pattern.rows()).map(|row| pattern.row(row).to_vec()).collect()
}

/// Whether a matrix has nothing outside of a pattern.
fn fits(pattern: &Dependencies, matrix: &DMatrix<f64>) -> bool {
    assert_eq!((pattern.rows(), pattern.columns()), matrix.shape());
    let outside = |i: usize, j: usize| !pattern.row(i).contains(&j);
    (0..matrix.nrows())
        .all(|i| (0..matrix.ncols()).all(|j| matrix[(i, j)] == 0.0 || !outside(i, j)))
}

#[test]
fn operators_and_functions_of_numbers() {
    fn f<T: Real>(x: &DVector<T>) -> DVector<T> {
        let zero = x[0] * T::zero();
        dvector![
            x[0] + x[1] - x[2],
            -x[3] / x[4],
            x[1].sin() * x[1],
            x[2].max(x[3]),
            T::one(),
            zero + x[4],
            x[0].powi(0),
            x[1].hypot(x[1] - x[1]),
        ]
    }
    let point = dvector![0.3, 0.2, 0.9, 0.1, 2.0_f64];
    let recording = Recording::new(f, &point);
    let expected: [&[usize]; 8] = [&[0, 1, 2], &[3, 4], &[1], &[2, 3], &[], &[0, 4], &[0], &[1]];
    assert_eq!(rows(&recording.dependencies()), expected);
    let meet = rows(&recording.interactions());
    // 0 meets itself in a power, whatever its exponent; 4 divides 3.
    assert_eq!(meet, [vec![0], vec![1], vec![2, 3], vec![2, 3, 4], vec![3, 4]]);
}

#[test]
fn what_nothing_depends_on_is_in_no_pattern() {
    let f = |x: &DVector<_>| {
        let unused = x[0] * x[1];
        let _ = unused * unused;
        x[1] + x[2]
    };
    let recording = Recording::new(f, &dvector![1.0_f64, 2.0, 3.0]);
    assert_eq!(rows(&recording.dependencies()), [[1, 2]]);
    assert_eq!(recording.interactions().count(), 0);
    let empty = Recording::new(|x: &DVector<_>| x.clone(), &DVector::<f64>::zeros(0));
    assert_eq!((empty.dependencies().rows(), empty.interactions().rows()), (0, 0));
    let constant = Recording::new(|_: &Var<f64>| Var::constant(1.0), &2.0_f64);
    assert_eq!(rows(&constant.dependencies()), [[0; 0]]);
    assert_eq!(rows(&constant.interactions()), [[0; 0]]);
}

/// A sum of two, place by place, linear.
#[primitive(
    forward = |_, _, _, x_dot, y_dot| x_dot + y_dot,
    reverse = |_, _, _, z_bar| (z_bar.clone_owned(), z_bar.clone_owned()),
    pattern(places, linear),
    instances(f64),
    sample = |random| (random.vector(3), random.vector(3))
)]
fn plus<T: Real>(x: &DVector<T>, y: &DVector<T>) -> DVector<T> {
    x + y
}

/// A product, place by place, with a factor for all.
#[primitive(
    forward = |x, c, _, x_dot, c_dot| x_dot * c + x * c_dot,
    reverse = |x, c, _, z_bar| (&z_bar * c, x.dot(&z_bar)),
    pattern(places),
    instances(f64),
    sample = |random| (random.vector(3), random.between(1.0, 2.0))
)]
fn times<T: Real>(x: &DVector<T>, c: T) -> DVector<T> {
    x * c
}

/// Something that says nothing.
#[primitive(
    forward = |x, _, x_dot| x.component_mul(x_dot) * T::one() + x_dot.component_mul(x),
    reverse = |x, _, z_bar| x.component_mul(&z_bar) * nalgebra::convert::<f64, T>(2.0),
    instances(f64),
    sample = |random| random.vector(3)
)]
fn squares<T: Real>(x: &DVector<T>) -> DVector<T> {
    x.component_mul(x)
}

#[test]
fn primitives_of_containers_say_what_they_depend_on() {
    fn f<T: Real>(
        (x, y, c): &(Whole<DVector<T>>, Whole<DVector<T>>, T),
    ) -> (DVector<T>, DVector<T>) {
        let sum = plus::whole(x, y);
        let product = times::whole(&sum, *c);
        (product.entries(), squares::whole(x).entries())
    }
    let point = (Whole::gather(dvector![1.0, 2.0]), Whole::gather(dvector![3.0, 5.0]), 2.0_f64);
    let recording = Recording::new(f, &point);
    let pattern = recording.dependencies();
    assert_eq!(rows(&pattern), [vec![0, 2, 4], vec![1, 3, 4], vec![0, 1], vec![0, 1]]);
    let meet = recording.interactions();
    let expected: [&[usize]; 5] =
        [&[0, 1, 2, 4], &[0, 1, 3, 4], &[0, 2, 4], &[1, 3, 4], &[0, 1, 2, 3, 4]];
    assert_eq!(rows(&meet), expected);
    // By entries, put together from pieces and constants.
    let g = |x: &Vector3<_>| {
        let pieces = dvector![x[2], nalgebra::one(), x[0]];
        plus(&pieces, &dvector![nalgebra::one(), x[1], x[1]])
    };
    let pattern = Recording::new(g, &vector![1.0_f64, 2.0, 3.0]).dependencies();
    assert_eq!(rows(&pattern), [vec![2], vec![1], vec![0, 1]]);
}

/// A program of many operations, drawn by chance: which operations, `code` says.
fn program<T: Real>(x: &DVector<T>, code: &[(usize, usize, usize)]) -> DVector<T> {
    let mut values: Vec<T> = x.iter().copied().collect();
    for &(operation, i, j) in code {
        let (a, b) = (values[i % values.len()], values[j % values.len()]);
        values.push(match operation % 9 {
            0 => a + b,
            1 => a - b,
            2 => a * b,
            3 => a / (b * b + T::one()),
            4 => a.sin(),
            5 => -a,
            6 => a * nalgebra::convert(1.5),
            7 => a.atan2(b * b + T::one()),
            _ => a.exp().recip() + T::one(),
        });
    }
    DVector::from_iterator(3, values.into_iter().rev().take(3))
}

#[test]
fn patterns_of_programs_by_chance_hold_at_every_point() {
    let mut random = Sampler::new(3, 3);
    for _ in 0..40 {
        let code: Vec<_> = (0..12)
            .map(|_| (random.size(0, 900), random.size(0, 900), random.size(0, 900)))
            .collect();
        let draw = |random: &mut Sampler| DVector::from_fn(5, |_, _| random.between(-1.0, 1.0));
        let point: DVector<f64> = draw(&mut random);
        let recording = Recording::new(|x: &DVector<_>| program(x, &code), &point);
        let (first, second) = (recording.dependencies(), recording.interactions());
        let flow = fingerprint(|x: &DVector<_>| program(x, &code), &point);
        for _ in 0..3 {
            let point = draw(&mut random);
            assert_eq!(fingerprint(|x: &DVector<_>| program(x, &code), &point), flow);
            let slopes = jacobian(|x| program(x, &code), &point);
            assert!(fits(&first, &slopes), "{code:?}");
            let curvature = hessian(|x| program(x, &code).sum(), &point);
            assert!(fits(&second, &curvature), "{code:?}");
        }
        for (row, dependencies) in rows(&second).iter().enumerate() {
            assert!(dependencies.iter().all(|&column| second.row(column).contains(&row)));
        }
    }
}

/// Turns a vector round, in place.
#[primitive(
    forward = |_, _, x_dot| x_dot.neg_mut(),
    reverse = |_, _, mut x_bar| x_bar.neg_mut(),
    instances(f64),
    sample = |random| random.vector(3)
)]
fn turn_round<T: Real>(x: &mut DVector<T>) {
    x.neg_mut();
}

/// Does one of many things with two numbers and a vector in one piece.
fn thing<T: Real>(which: usize, (x, y, v): &(T, T, Whole<DVector<T>>)) -> (T, DVector<T>) {
    let (x, y, w) = (*x, *y, v.entries());
    let number = match which {
        0 => x,
        1 => y,
        2 => x + y,
        3 => y + x,
        4 => x - y,
        5 => x * y,
        6 => x / y,
        7 => -x,
        8 => -(-x),
        9 => x + x,
        10 => x * T::one(),
        11 => T::one() * x,
        12 => x.sin(),
        13 => x.cos(),
        14 => x.atan2(y),
        15 => y.atan2(x),
        16 => w[0],
        17 => w[1],
        18 => times::whole(v, x).entries()[0],
        19 => times::whole(v, y).entries()[0],
        20 => times::whole(v, T::one()).entries()[0],
        21 => plus::whole(v, v).entries()[0],
        22 => plus::whole(v, v).entries()[1],
        23 => squares::whole(v).entries()[0],
        24 => squares(&dvector![x, y])[0],
        25 => squares(&dvector![x, y, y])[0],
        26 => squares(&dvector![y, x])[0],
        27 => checkpointed(2, &x, &y, |_, x: &T, y: &T| *x * *y),
        28 => checkpointed(3, &x, &y, |_, x: &T, y: &T| *x * *y),
        29 => gradient(|x| *x * *x * *x, &x),
        30 => jvp(|x| *x * *x * *x, &x, &y).1,
        31 => symbolic::evaluate(&"atan2(x, y)".parse().unwrap(), &[("x", x), ("y", y)]).unwrap(),
        32 => symbolic::evaluate(&"atan2(y, x)".parse().unwrap(), &[("x", x), ("y", y)]).unwrap(),
        _ => T::one(),
    };
    let mut rest = w;
    match which {
        33 => turn_round(&mut rest),
        34 => rest.neg_mut(),
        _ => {}
    }
    (number, rest)
}

#[test]
fn fingerprints_tell_what_was_done_apart() {
    let at = |which: usize, x: f64, y: f64, v: DVector<f64>| {
        fingerprint(|p: &_| thing(which, p), &(x, y, Whole::gather(v)))
    };
    let all: Vec<_> = (0..36).map(|which| at(which, 0.5, 2.0, dvector![1.0, 3.0])).collect();
    for (i, one) in all.iter().enumerate() {
        assert!(!all[..i].contains(one), "{i}");
        // Whatever the values.
        assert_eq!(at(i, -3.0, 0.0, dvector![0.0, f64::NAN]), *one, "{i}");
    }
    assert_ne!(at(0, 0.5, 2.0, dvector![1.0, 3.0, 0.0]), all[0]);
    // Constants do not count, and what nothing depends on.
    let scaled = |by: f64| {
        let f = |x: &DVector<_>| {
            let _ = x[1] * x[0];
            x[0] * nalgebra::convert(by) + nalgebra::convert(by * by)
        };
        fingerprint(f, &dvector![1.0, 2.0])
    };
    assert_eq!(scaled(2.0), scaled(0.0));
    // A value in one piece, and where it was put together.
    let whole = |x: &Whole<DVector<_>>| squares::whole(x);
    let point = Whole::gather(dvector![1.0, 2.0]);
    let apart = |x: &Whole<DVector<_>>| squares(&x.entries());
    assert_ne!(fingerprint(whole, &point), fingerprint(apart, &point));
    let beside = fingerprint(|x| Aux(Err::<(), _>("no").map(|()| *x), 3), &1.0_f64);
    assert_eq!(beside, (Err("no"), 3));
}

#[test]
fn several_directions_are_each_for_itself() {
    fn f<T: Real>((x, c): &(Whole<DVector<T>>, T)) -> DVector<T> {
        let product = times::whole(x, c.exp()).entries();
        product.map(|entry| entry.sin() * *c)
    }
    let point = (Whole::gather(dvector![1.0, 2.0, 0.0]), 0.5_f64);
    let direction = |a, b, c, d| (Whole::gather(dvector![a, b, c]), d);
    let directions = [
        direction(1.0, 0.0, -1.0, 0.0),
        direction(0.0, 0.0, 0.0, 1.0),
        direction(2.0, 1.0, 0.0, 3.0),
    ];
    let (value, all) = jvps(f, &point, &directions);
    for (direction, found) in directions.iter().zip(&all) {
        assert_eq!((value.clone(), found.clone()), jvp(f, &point, direction));
    }
    let cotangents = [dvector![1.0, 0.0, 0.0], dvector![0.0, -1.0, 2.0]];
    let (value, all) = vjps(f, &point, &cotangents);
    for (cotangent, (x_bar, c_bar)) in cotangents.iter().zip(&all) {
        let (expected, (x, c)) = vjp(f, &point, cotangent);
        assert_eq!((&value, &**x_bar, c_bar), (&expected, &*x, &c));
    }
    let (value, (x_bar, c_bar), all) = value_gradient_and_hvps(|p| f(p).sum(), &point, &directions);
    let (x, c) = gradient(|p| f(p).sum(), &point);
    assert_eq!((value, &*x_bar, c_bar), (f(&point).sum(), &*x, c));
    for (direction, (x_bar, c_bar)) in directions.iter().zip(&all) {
        let (x, c) = hvp(|p| f(p).sum(), &point, direction);
        assert_eq!((&**x_bar, c_bar), (&*x, &c));
    }
    let (failed, beside) =
        jvps(|x| Aux(Err::<_, &str>("no").map(|()| *x), 3), &1.0_f64, &[1.0, 2.0]);
    assert_eq!((failed, beside), (Err("no"), 3));
}
