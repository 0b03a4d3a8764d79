//! Where an infinite derivative follows a linear primitive, both modes say the same: what an entry does not depend on
//! contributes nothing, a derivative that comes out as zero is a factor.

use difrules_core::math::{ln, sqrt, tanh};
use difrules_core::{Dual, Real, Recording, Var, gradient, hvp, jvp};
use difrules_linalg::{
    Matrix, Operation, Side, Triangle, ad_mul, add, adjoint, asum, cholesky_solve, component_div,
    component_mul, cross, cumsum, diagonal, diagonal_at, dot, kronecker, lower_triangle, lp_norm,
    matmul, mean, mul_tr, neg, norm, norm_inf, normalize, nuclear_norm, one_norm, outer,
    quadratic_form, scale, select_columns, select_rows, softmax, solve, solve_lower_triangular,
    spectral_norm, sub, sum, symmetric_part, tr_mul, trace, transpose, unscale, upper_triangle,
};
use nalgebra::{DMatrix, dmatrix};

/// Entries that are zero, as functions of a matrix, one by each primitive; how many there are.
fn entries<S: Real>(a: &DMatrix<S>) -> Vec<(&'static str, S)> {
    let number = |x: f64| -> S { nalgebra::convert(x) };
    let constant = |m: DMatrix<f64>| m.map(number);
    let nothing = sub(a, a).unwrap();
    let rest = sub(a, &constant(dmatrix![0.0, 2.0; 3.0, 4.0])).unwrap();
    let weights = constant(dmatrix![1.0, 0.0; -2.0, 3.0]);
    let whole = Matrix::from(rest.clone());
    let plain: DMatrix<f64> = dmatrix![1.0, 0.0; -2.0, 3.0];
    let (by, times): (Matrix<S>, Matrix<S>) = (&plain * &whole, &whole * &plain);
    let column = |m: &DMatrix<S>| m.columns(0, 1).into_owned();
    vec![
        ("sub", nothing[(0, 1)]),
        ("neg", neg(&nothing)[(0, 1)]),
        ("neg of one", neg(&rest)[(1, 0)]),
        ("add", add(&rest, &rest).unwrap()[(1, 1)]),
        ("transpose", transpose(&rest)[(1, 0)]),
        ("adjoint", adjoint(&rest)[(0, 1)]),
        ("diagonal", diagonal(&rest)[1]),
        ("trace", trace(&rest).unwrap()),
        ("sum", sum(&column(&rest))),
        ("scale", scale(number(-3.0), &rest)[(0, 1)]),
        ("scale by a number that varies", scale(a[(0, 1)], &rest)[(1, 0)]),
        ("unscale", unscale(number(-3.0), &rest)[(0, 1)]),
        ("component_mul", component_mul(&rest, &weights).unwrap()[(1, 0)]),
        ("symmetric_part", symmetric_part(&rest).unwrap()[(0, 1)]),
        ("matmul", matmul(&rest, &weights).unwrap()[(0, 1)]),
        ("matmul from the left", matmul(&weights, &rest).unwrap()[(1, 1)]),
        ("matmul of both", matmul(&rest, &rest).unwrap()[(1, 1)]),
        ("tr_mul", tr_mul(&rest, &weights).unwrap()[(0, 1)]),
        ("dot", dot(&column(&rest), &column(&weights)).unwrap()),
        ("component_div", component_div(&rest, &constant(plain.add_scalar(1.5))).unwrap()[(1, 0)]),
        ("ad_mul", ad_mul(&rest, &weights).unwrap()[(0, 1)]),
        ("mul_tr", mul_tr(&rest, &weights).unwrap()[(0, 1)]),
        ("mean", mean(&column(&rest))),
        ("lower_triangle", lower_triangle(&rest)[(1, 0)]),
        ("upper_triangle beside it", upper_triangle(&rest)[(1, 0)]),
        ("kronecker", kronecker(&rest, &weights)[(3, 2)]),
        ("select_rows", select_rows(&rest, &[1, 0, 1]).unwrap()[(2, 0)]),
        ("select_columns", select_columns(&rest, &[1, 1]).unwrap()[(0, 1)]),
        ("diagonal_at", diagonal_at(&rest, 1)[0]),
        ("cumsum", cumsum(&rest)[(1, 1)]),
        ("solve", solve(&weights, &rest).unwrap()[(0, 1)]),
        ("view", whole.view((0, 1), (2, 1)).get(1)),
        ("neg in one piece", (-&whole).get((0, 1))),
        ("sub in one piece", (&whole - &whole.clone()).get((1, 0))),
        ("column_sum", whole.column_sum().get(1)),
        ("row_sum", whole.row_sum().get(1)),
        ("add_scalar", whole.add_scalar(whole.get(0)).get((1, 1))),
        ("hstack", Matrix::hstack(&[&whole, &whole]).unwrap().get((0, 3))),
        ("vstack", Matrix::vstack(&[&whole, &whole]).unwrap().get((3, 1))),
        ("by a constant", by.get((1, 1))),
        ("times a constant", times.get((0, 1))),
    ]
}

#[test]
fn infinite_derivatives_behind_linear_primitives() {
    let a = dmatrix![0.0, 2.0; 3.0, 4.0];
    let mut finite = 0;
    let mut wrong = Vec::new();
    for (which, (name, value)) in entries(&a).into_iter().enumerate() {
        assert_eq!(value, 0.0, "{name}");
        let root = |a: &DMatrix<Var<f64>>| nalgebra::ComplexField::sqrt(entries(a)[which].1);
        let reverse: DMatrix<f64> = gradient(root, &a);
        for k in 0..a.len() {
            let mut e = a.map(|_| 0.0);
            e[k] = 1.0;
            let root = |a: &DMatrix<Dual<f64>>| nalgebra::ComplexField::sqrt(entries(a)[which].1);
            let (_, forward) = jvp(root, &a, &e);
            let same = forward == reverse[k] || f64::is_nan(forward) && reverse[k].is_nan();
            if !same {
                wrong.push(format!("{name}, entry {k}: {forward} and {}", reverse[k]));
            }
            finite += usize::from(forward == 0.0);
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    // Most entries do not matter for another.
    assert!(finite > 50, "{finite}");
}

/// Entries of products of two factors, by each primitive.
fn products<S: Real>(x: &DMatrix<S>) -> Vec<(&'static str, S)> {
    let (a, b) = (x.rows(0, 2).into_owned(), x.rows(2, 2).into_owned());
    let (u, v) = (a.column(0).into_owned(), b.column(1).into_owned());
    let (first, last) = (x.fixed_view::<2, 2>(0, 0).into_owned(), x.fixed_view::<2, 2>(2, 0));
    let (whole, plain) = (Matrix::from(a.clone()), dmatrix![1.0, f64::INFINITY; 2.0, 3.0]);
    let cube = |i: usize| nalgebra::DVector::from_fn(3, |k, _| x[(k + i) % 8]);
    let squares = nalgebra::DMatrix::from_fn(7, 7, |i, j| x[(i + 2 * j) % 8]);
    let every = |name, y: DMatrix<S>| y.iter().map(|&y| (name, y)).collect::<Vec<_>>();
    [
        every("matmul", matmul(&a, &b).unwrap()),
        every("tr_mul", tr_mul(&a, &b).unwrap()),
        every("ad_mul", ad_mul(&a, &b).unwrap()),
        every("mul_tr", mul_tr(&a, &b).unwrap()),
        every("matmul of fixed size", block(&matmul(&first, &last.into_owned()).unwrap())),
        every("matmul of more", matmul(&squares, &squares).unwrap().columns(0, 1).into_owned()),
        every("component_mul", component_mul(&a, &b).unwrap()),
        every("kronecker", block(&kronecker(&u, &v))),
        every("outer", outer(&u, &v)),
        every("cross", block(&cross(&cube(0), &cube(4)).unwrap())),
        every("scale", scale(b[(1, 0)], &a)),
        every("by a constant", (&plain * &whole).entries()),
        every("times a constant", (&whole * &plain).entries()),
        vec![
            ("dot", dot(&u, &v).unwrap()),
            ("quadratic_form", quadratic_form(&u, &b, &v).unwrap()),
        ],
    ]
    .concat()
}

fn block<S: Real, R: nalgebra::Dim, C: nalgebra::Dim>(m: &nalgebra::OMatrix<S, R, C>) -> DMatrix<S>
where
    nalgebra::DefaultAllocator: nalgebra::allocator::Allocator<R, C>,
{
    DMatrix::from_iterator(m.nrows(), m.ncols(), m.iter().copied())
}

#[test]
fn factors_that_are_infinite() {
    let good = dmatrix![1.0, 2.0; 0.0, 0.5; -3.0, 0.0; 4.0, -0.7];
    let (mut wrong, mut finite) = (Vec::new(), 0);
    for (k, bad) in
        [0, 3, 5].into_iter().zip([f64::INFINITY, f64::NAN, -f64::INFINITY].into_iter().cycle())
    {
        let mut at: DMatrix<f64> = good.clone();
        at[k] = bad;
        let recip = |x: Var<f64>, turned| if turned { nalgebra::one::<Var<f64>>() / x } else { x };
        for (which, (name, _)) in products(&at).into_iter().enumerate() {
            for turned in [false, true] {
                let reverse =
                    gradient(|x: &DMatrix<Var<f64>>| recip(products(x)[which].1, turned), &at);
                for i in 0..8 {
                    let mut e = at.map(|_| 0.0);
                    e[i] = 1.0;
                    let (_, forward) = jvp(
                        |x: &DMatrix<Dual<f64>>| {
                            let y = products(x)[which].1;
                            if turned { nalgebra::one::<Dual<f64>>() / y } else { y }
                        },
                        &at,
                        &e,
                    );
                    let same = forward == reverse[i]
                        || (forward - reverse[i]).abs() < 1e-14 * forward.abs()
                        || f64::is_nan(forward) && reverse[i].is_nan();
                    if !same {
                        wrong.push(format!(
                            "{name} {which} ({turned}), {bad} at {k}, by {i}: {forward} and {}",
                            reverse[i]
                        ));
                    }
                    finite += usize::from(forward.is_finite());
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {finite}: {:#?}", wrong.len(), &wrong[..wrong.len().min(50)]);
}

/// The derivative by each number of a function of a matrix, in both modes.
macro_rules! agree {
    ($f:expr, $at:expr) => {{
        let at: DMatrix<f64> = $at;
        let reverse: DMatrix<f64> = gradient(|x: &DMatrix<Var<f64>>| $f(x), &at);
        for (i, &reverse) in reverse.iter().enumerate() {
            let mut e = at.map(|_| 0.0);
            e[i] = 1.0;
            let (_, forward) = jvp(|x: &DMatrix<Dual<f64>>| $f(x), &at, &e);
            let near = (forward - reverse).abs() < 1e-13 * reverse.abs();
            let same = forward == reverse || near || f64::is_nan(forward) && reverse.is_nan();
            assert!(same, "{}, by {i}: {forward} and {reverse}", stringify!($f));
        }
        reverse
    }};
}

fn root<S: Real>(x: S) -> S {
    nalgebra::ComplexField::sqrt(x)
}

#[test]
fn norms_beside_infinite_slopes() {
    fn norms<S: Real>(x: &DMatrix<S>) -> [S; 8] {
        [
            norm_inf(x).unwrap(),
            one_norm(x).unwrap(),
            norm(x),
            asum(x),
            lp_norm(x, nalgebra::convert(3.0)).unwrap(),
            lp_norm(x, nalgebra::convert(f64::INFINITY)).unwrap(),
            nuclear_norm(x).unwrap(),
            spectral_norm(x).unwrap(),
        ]
    }
    let some_zero = || dmatrix![0.0, 4.0; 1.0, 0.25];
    for which in 0..8 {
        agree!(|x: &DMatrix<_>| root(norms(x)[which]), DMatrix::zeros(2, 2));
        agree!(|x: &DMatrix<_>| norms(&x.map(root))[which], DMatrix::zeros(2, 2));
        agree!(|x: &DMatrix<_>| norms(&x.map(root))[which], some_zero());
    }
    // What is not the largest does not matter, whatever its slope.
    let slopes = agree!(|x: &DMatrix<_>| norm_inf(&x.map(root)).unwrap(), some_zero());
    assert_eq!(slopes, dmatrix![0.0, 0.25; 0.0, 0.0]);
    for i in 0..4 {
        agree!(|x: &DMatrix<_>| normalize(&x.map(root)).unwrap()[i], some_zero());
        agree!(|x: &DMatrix<_>| root(normalize(x).unwrap()[i]), some_zero());
    }
}

/// tanh is flat at infinity, and that is a zero that was computed.
#[test]
fn numbers_that_divide_what_is_infinite() {
    fn share<T: Real>((x, a): &(Matrix<T>, T), j: usize) -> T {
        (x / *a).map::<tanh>().get((0, j))
    }
    let at = (Matrix::from(dmatrix![f64::INFINITY, 1.0]), 0.5);
    let by_a = (Matrix::from(dmatrix![0.0, 0.0]), 1.0);
    for j in [0, 1] {
        let (_, reverse) = gradient(|x| share(x, j), &at);
        let (_, forward) = jvp(|x| share(x, j), &at, &by_a);
        assert_eq!((forward.is_nan(), reverse.is_nan()), (j == 0, j == 0));
        assert!(j == 0 || (forward - reverse).abs() < 1e-15, "{forward} and {reverse}");
    }
}

/// Of numbers that are taken out of a matrix, too: where the other factor is zero, an infinite slope does not matter.
#[test]
fn zero_times_an_entry_whose_slope_is_infinite() {
    fn product<T: Real>((x, y): &(Matrix<T>, T)) -> T {
        *y * x.map::<sqrt>().get((0, 0))
    }
    let at = (Matrix::from(dmatrix![0.0, 4.0]), 0.0);
    let (by_x, by_y) = gradient(product, &at);
    assert_eq!((by_x.as_slice(), by_y), (&[0.0; 2][..], 0.0));
    assert_eq!(jvp(product, &at, &(Matrix::from(dmatrix![1.0, 1.0]), 1.0)).1, 0.0);
    let mut again = at.clone();
    let mut recording = Recording::new(product::<Var<f64>>, &at);
    recording.value_and_gradient(&at, &mut again).unwrap();
    assert_eq!((again.0.as_slice(), again.1), (&[0.0; 2][..], 0.0));
}

/// What does not move is constant beside a matrix of plain numbers, too.
#[test]
fn constants_times_what_rests() {
    fn roots<T: Real>(x: &Matrix<T>) -> T {
        let plain: DMatrix<f64> = dmatrix![1.0, 2.0; 3.0, 4.0];
        let columns = (&plain * x.column(1)).map::<sqrt>().sum();
        columns + (x.row(1) * &plain).map::<sqrt>().sum() + x.get((0, 0))
    }
    let (zero, first) = (dmatrix![0.0, 0.0; 0.0, 0.0], dmatrix![1.0, 0.0; 0.0, 0.0]);
    let (zero, first) = (Matrix::from(zero), Matrix::from(first));
    assert_eq!(jvp(roots, &zero, &first).1, 1.0);
    assert_eq!(gradient(roots, &zero)[(0, 0)], 1.0);
}

/// A tangent that came out as zero throughout is a factor as others are.
#[test]
fn flat_factors_beside_infinite_ones() {
    const INFINITE: f64 = f64::INFINITY;
    fn products<T: Real>(x: &Matrix<T>) -> Vec<T> {
        let (flat, plain) = (x.map::<tanh>(), dmatrix![INFINITE]);
        let infinite = Matrix::<T>::constant(&plain);
        let in_place = |f: fn(&mut Matrix<T>, &Matrix<T>, &Matrix<T>)| {
            let mut c = Matrix::zeros(1, 1);
            f(&mut c, &infinite, &flat);
            c
        };
        let all = [
            &infinite * &flat,
            &flat * &infinite,
            infinite.tr_mul(&flat).unwrap(),
            flat.mul_tr(&infinite).unwrap(),
            &plain * &flat,
            &flat * &plain,
            in_place(|c, a, b| {
                let (none, one) = (Operation::None, T::one());
                c.gemm(none, none, one, a, b, one).unwrap();
            }),
            in_place(|c, a, b| {
                c.symm(Side::Left, Triangle::Lower, T::one(), a, b, T::one()).unwrap();
            }),
            in_place(|c, a, b| {
                c.symm(Side::Left, Triangle::Lower, T::one(), b, a, T::one()).unwrap();
            }),
        ];
        all.iter().map(|y| y.get(0)).collect()
    }
    let (at, one) = (Matrix::from(dmatrix![INFINITE]), Matrix::from(dmatrix![1.0]));
    for which in 0..9 {
        let (value, forward) = jvp(|x: &Matrix<_>| products(x)[which], &at, &one);
        let reverse = gradient(|x: &Matrix<_>| products(x)[which], &at);
        let undefined = (forward.is_nan(), reverse[0].is_nan());
        assert_eq!((value, undefined), (INFINITE, (true, true)), "{which}");
    }
}

/// A tangent of a matrix that comes out as zero, and does not move, is the zero of a product with a solution whose own
/// derivative is infinite, as of numbers: who leaves the product out leaves nothing out.
#[test]
fn systems_that_rest_in_one_point_beside_infinite_slopes() {
    type Solve =
        fn(&DMatrix<Dual<Dual<f64>>>, &DMatrix<Dual<Dual<f64>>>) -> DMatrix<Dual<Dual<f64>>>;
    let ways: [(&str, Solve); 4] = [
        ("quotient", |a, b| dmatrix![b[0] / a[0]]),
        ("solve", |a, b| solve(a, b).unwrap()),
        ("lower", |a, b| solve_lower_triangular(a, b).unwrap()),
        ("cholesky", |a, b| cholesky_solve(a, b).unwrap()),
    ];
    for (name, way) in ways {
        // d/dp d/dq of (1 + sqrt(q)) / (1 + p^2) at zeros.
        let p = Dual::new(Dual::constant(0.0), [Dual::constant(1.0)]);
        let q = Dual::constant(Dual::new(0.0, [1.0]));
        let one = Dual::constant(Dual::constant(1.0));
        let found = way(&dmatrix![one + p * p], &dmatrix![one + sqrt(q)])[0];
        assert_eq!(found.value.tangents[0], f64::INFINITY, "{name}");
        assert_eq!(found.tangents[0].tangents[0], 0.0, "{name}");
    }
}

/// A share x e^y / (x e^y + z) is zero where x is, but its derivative by x moves with y: by the logarithm of x it has none, and what
/// comes out as zero of it stays a factor through primitives of matrices, in a mode within a mode.
#[test]
fn a_derivative_of_a_share_that_is_zero_beside_an_infinite_slope() {
    fn in_one_piece<T: Real>(x: &DMatrix<T>) -> T {
        let x = Matrix::from(x.clone());
        let sum = x.columns(0, 1).map::<ln>() + x.columns(1, 1);
        sum.softmax().get(0)
    }
    fn by_entries<T: Real>(x: &DMatrix<T>) -> T {
        let sum = add(&x.columns(0, 1).map(ln), &x.columns(1, 1).into_owned()).unwrap();
        softmax(&sum)[0]
    }
    let at: DMatrix<f64> = dmatrix![0.0, 1.0; 2.0, 0.5];
    let unit = |i, j| DMatrix::from_fn(2, 2, |k, l| if (i, j) == (k, l) { 1.0 } else { 0.0 });
    for products in [
        [(0, 1), (1, 1)].map(|(i, j)| hvp(in_one_piece, &at, &unit(i, j))),
        [(0, 1), (1, 1)].map(|(i, j)| hvp(by_entries, &at, &unit(i, j))),
    ] {
        for product in products {
            assert!(product[(0, 0)].is_nan(), "{product}");
            assert_eq!((product[(1, 0)], product[(0, 1)], product[(1, 1)]), (0.0, 0.0, 0.0));
        }
    }
}
