//! Products of numbers with tangents, which are multiplied where they are in memory: the values of the
//! plain program, bit for bit, and the same derivatives in every nesting of the modes.

use difrules_core::{
    Differentiable, Dual, Real, Var, gradient, hessian, hvp, jvp, value_and_gradient, vjp,
};
use difrules_linalg::{
    Matrix, Vector, add, component_mul, dot, matmul, neg, norm_squared, scale, sum, tr_mul,
};
use nalgebra::{Complex, ComplexField, DMatrix, DVector, SMatrix, U2, U3, dmatrix, dvector};

/// Numbers that are no multiples of each other.
fn numbers(rows: usize, columns: usize, seed: usize) -> DMatrix<f64> {
    DMatrix::from_fn(rows, columns, |i, j| ((1 + i * 37 + j * 11 + seed * 101) as f64).sin())
}

fn bits<X: Differentiable>(x: &X) -> Vec<u64> {
    x.to_reals().into_iter().map(|x| x.to_f64().to_bits()).collect()
}

#[track_caller]
fn near(found: f64, expected: f64) {
    assert!((found - expected).abs() <= 1e-11 * (1.0 + expected.abs()), "{found} {expected}");
}

/// The second derivative of a program along a direction, by each nesting of two modes; each has to give the
/// value of the plain program.
macro_rules! nestings {
    ($program:expr, $point:expr, $direction:expr) => {{
        let (x, v) = ($point, $direction);
        let plain = $program(&x);
        let slope = |x: &_| gradient(|x| $program(x), x);
        // Forward over reverse, reverse over reverse, forward over forward, reverse over forward.
        let by_hvp = pairing(&hvp(|x| $program(x), &x, &v), &v);
        let reverse = gradient(
            |x: &_| {
                let (value, slope) = value_and_gradient(|x| $program(x), x);
                assert_eq!(bits(&value), bits(&plain));
                pairing(&slope, &constant(&v))
            },
            &x,
        );
        let over_forward = gradient(|x: &_| jvp(|x| $program(x), x, &constant(&v)).1, &x);
        let (value, _) = jvp(|x| $program(x), &x, &v);
        assert_eq!(bits(&value), bits(&plain));
        let twice = jvp(|x: &_| jvp(|x| $program(x), x, &constant(&v)).1, &x, &v).1;
        near(pairing(&reverse, &v), by_hvp);
        near(pairing(&over_forward, &v), by_hvp);
        near(twice, by_hvp);
        // Against a difference of gradients.
        let at = |t: f64| {
            let moved = x.to_reals().into_iter().zip(v.to_reals()).map(|(x, v)| x + t * v);
            like(&x, moved.collect())
        };
        let h = 1e-5;
        let difference = (pairing(&slope(&at(h)), &v) - pairing(&slope(&at(-h)), &v)) / (2.0 * h);
        assert!(
            (difference - by_hvp).abs() <= 1e-6 * (1.0 + by_hvp.abs()),
            "{difference} {by_hvp}"
        );
    }};
}

fn like<X: Differentiable<Real = f64>>(x: &X, numbers: Vec<f64>) -> X {
    let mut numbers = numbers.into_iter();
    X::build(&x.shape(), &mut || numbers.next().expect("as many"))
}

/// A constant of a mode.
fn constant<X: Differentiable<Real = f64>, Y: Differentiable<Family = X::Family>>(x: &X) -> Y {
    let mut numbers = x.to_reals().into_iter();
    Y::build(&x.shape(), &mut || Y::Real::from_plain(numbers.next().expect("as many")))
}

/// A plain number as one of any scalar.
trait FromPlain {
    fn from_plain(x: f64) -> Self;
}

impl<T: Real> FromPlain for T {
    fn from_plain(x: f64) -> T {
        nalgebra::convert(x)
    }
}

fn entries<T: Real>(a: &Matrix<T>) -> DMatrix<T> {
    DMatrix::from_fn(a.nrows(), a.ncols(), |i, j| a.get((i, j)))
}

fn pairing<X: Differentiable>(x: &X, y: &X) -> X::Real {
    x.to_reals().into_iter().zip(y.to_reals()).fold(nalgebra::zero(), |sum, (x, y)| sum + x * y)
}

#[test]
fn products_with_constants_have_the_same_derivatives_in_every_nesting() {
    // Rows, terms and columns: products by loops and by kernels, vectors on either side.
    for (rows, inner, columns) in
        [(9, 7, 8), (30, 6, 1), (1, 9, 7), (4, 3, 2), (0, 3, 2), (3, 0, 2)]
    {
        let (a, b) = (numbers(rows, inner, 1), numbers(columns, rows, 2));
        fn program<T: Real>(x: &Matrix<T>, a: &DMatrix<f64>, b: &DMatrix<f64>) -> T {
            let y = a * x;
            let z = &y * b;
            let view = b.view((0, 0), b.shape()) * a.view((0, 0), a.shape());
            (y.component_mul(&y).unwrap() * 0.5).sum()
                + z.norm_squared()
                + (view * x).norm_squared()
        }
        nestings!(|x| program(x, &a, &b), Matrix::from(numbers(inner, columns, 3)), {
            Matrix::from(numbers(inner, columns, 4))
        });
    }
}

#[test]
fn products_have_the_same_derivatives_in_every_nesting() {
    for (rows, inner, columns) in [(9, 7, 8), (30, 6, 1), (1, 9, 7), (1, 8, 1), (4, 3, 2)] {
        fn program<T: Real>((a, b): &(Matrix<T>, Matrix<T>)) -> T {
            let y = a * b;
            let crossed = a.tr_mul(&y).unwrap();
            y.norm_squared() + crossed.dot(b).unwrap() * y.get(0)
        }
        let pair = |seed| {
            let a = Matrix::from(numbers(rows, inner, seed));
            (a, Matrix::from(numbers(inner, columns, seed + 1)))
        };
        nestings!(program, pair(5), pair(8));
    }
}

#[test]
fn static_products_have_the_same_derivatives_in_every_nesting() {
    fn program<T: Real>(
        (a, v): &(Matrix<T, U2, U3>, Vector<T, U3>),
        c: &SMatrix<f64, 3, 2>,
        d: &SMatrix<f64, 9, 3>,
    ) -> T {
        let y = a * v;
        (c * &y).norm_squared() + (a * c).norm_squared() * y.get(0) + (d * v).dot(&(d * v)).unwrap()
    }
    let fixed = |seed| {
        let a = numbers(2, 3, seed).fixed_view::<2, 3>(0, 0).into_owned();
        let v = numbers(3, 1, seed + 1).fixed_view::<3, 1>(0, 0).into_owned();
        (Matrix::from(a), Matrix::from(v))
    };
    let c = numbers(3, 2, 9).fixed_view::<3, 2>(0, 0).into_owned();
    let d = numbers(9, 3, 10).fixed_view::<9, 3>(0, 0).into_owned();
    nestings!(|x| program(x, &c, &d), fixed(11), fixed(14));
}

#[test]
fn arithmetic_of_numbers_has_the_same_derivatives_in_every_nesting() {
    fn program<T: Real>((a, t): &(Matrix<T>, T)) -> T {
        let (square, b) = (a.component_mul(a).unwrap(), a.scale(*t));
        let mut y = b.unscale(a.get(1)) - &square + a.add_scalar(*t);
        y.axpy(*t, &square).unwrap();
        y.axpy(nalgebra::convert(-0.5), a).unwrap();
        let product = -y.transpose() * a * 1.5;
        y.dot(&square).unwrap()
            + product.sum() * product.trace().unwrap()
            + product.symmetric_part().unwrap().norm_squared()
            + (y.norm() * product.diagonal().norm_squared())
            + Matrix::hstack(&[&y.add_to_columns(&a.column_sum()).unwrap(), a])
                .unwrap()
                .norm_squared()
    }
    for (rows, columns) in [(1, 2), (9, 3), (3, 9), (17, 1)] {
        let pair = |seed| (Matrix::from(numbers(rows, columns, seed)), 0.3 + seed as f64 / 4.0);
        nestings!(program, pair(3), pair(4));
    }
}

#[test]
fn what_does_not_move_stays_strong_in_arithmetic_of_numbers() {
    // The second entry does not move in the first direction, and its root has an infinite derivative.
    let point = DVector::from_vec(vec![1.0, 0.0]);
    let program = |x: &DVector<Dual<f64>>| {
        let y = scale(Dual::constant(-2.0), &add(x, x).unwrap());
        let y = component_mul(&neg(&y), &dvector![1.0, 1.0].map(Dual::constant)).unwrap();
        sum(&y.map(|y| y.sqrt()))
    };
    assert_eq!(jvp(program, &point, &dvector![1.0, 0.0]).1, 1.0);
    assert_eq!(jvp(program, &point, &dvector![0.0, 1.0]).1, f64::INFINITY);
}

#[test]
fn sums_of_squares_at_zero_and_infinity() {
    let at = |x: f64| hessian(|x| x.norm_squared(), &Vector::from(dvector![x, 0.0]));
    assert_eq!(at(0.0), dmatrix![2.0, 0.0; 0.0, 2.0]);
    assert_eq!(at(1e200), dmatrix![2.0, 0.0; 0.0, 2.0]);
    let x = Vector::from(dvector![3.0, -4.0]);
    let scaled = hessian(|x| x.norm_squared() * x.norm_squared(), &x);
    assert_eq!(scaled, dmatrix![172.0, -96.0; -96.0, 228.0]);
    assert_eq!(norm_squared(&dmatrix![Complex::new(3.0, 4.0)]), 25.0);
}

#[test]
fn a_hessian_is_that_of_the_product_by_hand() {
    let x = numbers(50, 11, 1);
    let w = Vector::from(numbers(11, 1, 2).column(0).into_owned());
    let found = hessian(|w| (&x * w).norm_squared(), &w);
    let by_hand = x.transpose() * &x * 2.0;
    assert!((found - &by_hand).norm() < 1e-12 * by_hand.norm());
    let row = hessian(|w| (w.transpose() * x.transpose()).norm_squared(), &w);
    assert!((row - &by_hand).norm() < 1e-12 * by_hand.norm());
}

/// The rules of products of dual numbers against the same of plain numbers: values, and each direction.
#[test]
fn values_are_those_of_plain_numbers_and_directions_do_not_meet() {
    type D = Dual<f64, 4>;
    for (rows, inner, columns) in [(9, 8, 7), (12, 6, 1), (1, 6, 9), (3, 4, 2)] {
        let (a, b) = (numbers(rows, inner, 1), numbers(inner, columns, 2));
        let (a_dot, b_dot) = (numbers(rows, inner, 3), numbers(inner, columns, 4));
        let weights = numbers(rows, columns, 5);
        // The first factor moves in directions 0 and 3, the second in 1 and 3; nothing does in 2.
        let left = a.zip_map(&a_dot, |x, t| Dual::new(x, [t, 0.0, 0.0, 2.0 * t]));
        let right = b.zip_map(&b_dot, |x, t| Dual::new(x, [0.0, t, 0.0, -t]));
        let seed = weights.map(D::constant);
        for whole in [false, true] {
            let (y, (a_bar, b_bar)) = if whole {
                let point = (Matrix::from(&left), Matrix::from(&right));
                let seed = Matrix::from(&seed);
                let (y, (a_bar, b_bar)) = vjp(|(a, b)| a * b, &point, &seed);
                (entries(&y), (entries(&a_bar), entries(&b_bar)))
            } else {
                vjp(|(a, b)| matmul(a, b), &(left.clone(), right.clone()), &seed).unwrap()
            };
            let (plain, (plain_a, plain_b)) =
                vjp(|(a, b)| matmul(a, b), &(a.clone(), b.clone()), &weights).unwrap();
            let value = |x: &DMatrix<D>| x.map(|x| x.value);
            assert_eq!(bits(&value(&y)), bits(&plain));
            assert_eq!(bits(&value(&a_bar)), bits(&plain_a));
            assert_eq!(bits(&value(&b_bar)), bits(&plain_b));
            for (i, (s, t)) in
                [(1.0, 0.0), (0.0, 1.0), (0.0, 0.0), (2.0, -1.0)].into_iter().enumerate()
            {
                let tangent = |x: &DMatrix<D>| x.map(|x| x.tangents[i]);
                let (a_dot, b_dot) = (&a_dot * s, &b_dot * t);
                let close = |x: DMatrix<f64>, y: DMatrix<f64>| assert!((x - y).norm() < 1e-13);
                close(tangent(&y), &a_dot * &b + &a * &b_dot);
                close(tangent(&a_bar), &weights * b_dot.transpose());
                close(tangent(&b_bar), a_dot.transpose() * &weights);
            }
        }
    }
}

#[test]
fn what_does_not_move_is_strong() {
    // Infinite data beside what moves in other directions: no NaN where nothing moves.
    let x = dmatrix![f64::INFINITY, 1.0; 2.0, 3.0];
    let point = dmatrix![Dual::<f64, 2>::new(1.0, [0.0, 0.0]); Dual::new(2.0, [0.0, 0.0])];
    let (y, _) = vjp(
        |w: &Matrix<Var<Dual<f64, 2>>>| &x * w,
        &Matrix::from(&point),
        &Matrix::from(dmatrix![Dual::constant(1.0); Dual::constant(1.0)]),
    );
    assert_eq!(y.get((0, 0)).value, f64::INFINITY);
    assert_eq!(y.get((0, 0)).tangents, [0.0; 2]);
    // Entry by entry in a dot product.
    let product = |w: &DVector<Var<Dual<f64>>>| {
        let x = dvector![f64::INFINITY, 1.0].map(|x| Var::constant(Dual::constant(x)));
        dot(&x, w).unwrap()
    };
    let at = dvector![Dual::<f64>::constant(1.0), Dual::new(2.0, [3.0])];
    let (value, slope) = value_and_gradient(product, &at);
    assert_eq!((value.value, value.tangents), (f64::INFINITY, [3.0]));
    assert_eq!((slope[0].value, slope[1].value), (f64::INFINITY, 1.0));
    assert_eq!(slope[1].tangents, [0.0]);
}

#[test]
fn higher_orders_and_other_scalars_take_the_same_products() {
    // The third derivative of the cube of a product, 6 (x^T v)^3.
    let x = numbers(1, 7, 1);
    let v = numbers(7, 1, 2);
    let cube = |w: &Matrix<_>| {
        let y = (&x * w).get(0);
        y * y * y
    };
    let seed = Matrix::from(v.clone());
    let (_, third) = jvp(
        |w: &Matrix<Dual<f64>>| hvp(cube, w, &Matrix::from(v.map(Dual::constant))),
        &Matrix::from(numbers(7, 1, 3)),
        &seed,
    );
    near(third.dot(&v).unwrap(), 6.0 * (&x * &v)[0].powi(3));
    // Single precision, with data of double.
    let single = numbers(6, 1, 4).map(|x| x as f32);
    let data = numbers(8, 6, 5);
    let product =
        hvp(|w| (&data * w).norm_squared(), &Matrix::from(&single), &Matrix::from(&single));
    let narrow = data.map(|x| x as f32);
    assert!((&*product - narrow.tr_mul(&(&narrow * &single)) * 2.0).norm() < 1e-4);
    // Transposed products.
    let pair = (numbers(7, 6, 6), numbers(7, 8, 7));
    let found = hvp(
        |(a, b): &(DMatrix<_>, DMatrix<_>)| {
            let y = tr_mul(a, b).unwrap();
            dot(&y, &y).unwrap()
        },
        &pair,
        &pair,
    );
    let (a, b) = &pair;
    let expected = (b * (a.tr_mul(b)).transpose() * 6.0, a * a.tr_mul(b) * 6.0);
    assert!((found.0 - expected.0).norm() + (found.1 - expected.1).norm() < 1e-11);
}
