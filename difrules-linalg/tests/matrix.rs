//! Matrices in one piece: the same numbers, bit for bit, as those of calls on entries, in every mode.

use difrules_core::math::{atan2, erf, exp, floor, gamma, mul_add, powf, relu, sin, sqrt, tanh};
use difrules_core::{
    Differentiable, Dual, Real, Recording, Scalar, Var, checkpointed, gradient, hessian, hvp,
    jacobian, jacobian_reverse, jvp, primitive, value_and_gradient, vjp,
};
use difrules_linalg::{
    EachColumn, EachRow, Error, Matrix, Operation, RowVector, Vector, add, add_to_columns,
    add_to_rows, adjoint, cholesky, cholesky_solve, component_mul, determinant, diagonal, dot,
    elementwise, from_diagonal, inverse, ln_determinant, lu, lu_solve, matmul, neg, norm, qr,
    scale, solve, sub, sum, svd, symmetric_eigen, tr_mul, trace, transpose,
};
use nalgebra::{
    Complex, DMatrix, DVector, RowDVector, SMatrix, U2, U3, dmatrix, dvector, matrix, vector,
};

/// The bits of all numbers.
fn bits<X: Differentiable>(x: &X) -> Vec<u64> {
    x.to_reals().into_iter().map(|x| x.to_f64().to_bits()).collect()
}

/// A program of a mode's numbers and the same of matrices in one piece: values, gradients, and first and
/// second derivatives along a direction have to be the same.
macro_rules! same {
    ($point:expr, $direction:expr, $entries:expr, $whole:expr) => {{
        let (a, v) = ($point, $direction);
        let (whole_a, whole_v) = (Matrix::from(&a), Matrix::from(&v));
        let (value, slope) = value_and_gradient($entries, &a);
        let (whole_value, whole_slope) = value_and_gradient($whole, &whole_a);
        assert_eq!(bits(&value), bits(&whole_value));
        assert_eq!(bits(&slope), bits(&whole_slope));
        assert_eq!(bits(&jvp($entries, &a, &v)), bits(&jvp($whole, &whole_a, &whole_v)));
        assert_eq!(bits(&hvp($entries, &a, &v)), bits(&hvp($whole, &whole_a, &whole_v)));
    }};
}

fn point() -> DMatrix<f64> {
    dmatrix![3.0, 0.4, -0.3; 0.4, 2.0, 0.1; -0.3, 0.1, 1.5]
}

fn direction() -> DMatrix<f64> {
    dmatrix![0.3, -1.0, 0.7; 0.2, 0.5, -0.4; 1.1, 0.0, 0.6]
}

#[test]
fn methods_and_operators_are_the_primitives() {
    same!(point(), direction(), |a| sum(&add(a, a).unwrap()), |a: &Matrix<_>| (a + a).sum());
    same!(
        point(),
        direction(),
        |a| sum(&sub(&matmul(a, a).unwrap(), &neg(a)).unwrap()),
        |a: &Matrix<_>| (a * a - -a).sum()
    );
    same!(
        point(),
        direction(),
        |a| trace(&component_mul(a, &transpose(a)).unwrap()).unwrap() * norm(a),
        |a: &Matrix<_>| a.component_mul(&a.transpose()).unwrap().trace().unwrap() * a.norm()
    );
    same!(
        point(),
        direction(),
        |a| dot(&tr_mul(a, a).unwrap(), &scale(a[(0, 1)], a)).unwrap(),
        |a: &Matrix<_>| a.tr_mul(a).unwrap().dot(&(a * a.get((0, 1)))).unwrap()
    );
    same!(
        point(),
        direction(),
        |a| {
            let l = cholesky(a).unwrap();
            let x = cholesky_solve(&l, &diagonal(a)).unwrap();
            sum(&x) + ln_determinant(a).unwrap()
        },
        |a: &Matrix<_>| {
            let l = a.cholesky().unwrap();
            let x = l.cholesky_solve(&a.diagonal()).unwrap();
            x.sum() + a.ln_determinant().unwrap()
        }
    );
    same!(
        point(),
        direction(),
        |a| sum(&solve(a, &inverse(a).unwrap()).unwrap()) * determinant(a).unwrap(),
        |a: &Matrix<_>| {
            a.solve(&a.inverse().unwrap()).unwrap().sum() * a.determinant().unwrap()
        }
    );
    same!(
        point(),
        direction(),
        |a| {
            let factors = lu(a).unwrap();
            sum(&lu_solve(Operation::None, &factors, &diagonal(a)).unwrap())
        },
        |a: &Matrix<_>| { a.diagonal().lu_solve(Operation::None, &a.lu().unwrap()).unwrap().sum() }
    );
    same!(
        point(),
        direction(),
        |a| {
            let svd = svd(a).unwrap();
            sum(&matmul(&svd.u, &from_diagonal(&svd.singular_values)).unwrap())
        },
        |a: &Matrix<_>| {
            let (u, s, _) = a.svd().unwrap();
            (u * Matrix::from_diagonal(&s)).sum()
        }
    );
    same!(
        point(),
        direction(),
        |a| {
            let eigen = symmetric_eigen(a).unwrap();
            sum(&eigen.eigenvectors) + sum(&eigen.eigenvalues)
        },
        |a: &Matrix<_>| {
            let (values, vectors) = a.symmetric_eigen().unwrap();
            vectors.sum() + values.sum()
        }
    );
    same!(
        point(),
        direction(),
        |a| sum(&add_to_rows(&add_to_columns(a, &diagonal(a)).unwrap(), &a.row(1).into_owned())
            .unwrap()),
        |a: &Matrix<_>| {
            a.add_to_columns(&a.diagonal()).unwrap().add_to_rows(&a.row(1)).unwrap().sum()
        }
    );
}

#[test]
fn static_sizes_and_single_precision_are_the_same() {
    let (a, v) = (matrix![2.0_f64, 0.5; 0.5, 1.0], matrix![0.3_f64, -0.7; 1.0, 0.2]);
    same!(a, v, |a| sum(&matmul(&cholesky(a).unwrap(), a).unwrap()), |a: &Matrix<_, U2, U2>| (a
        .cholesky()
        .unwrap()
        * a)
        .sum());
    same!(
        a.map(|x| x as f32),
        v.map(|x| x as f32),
        |a| sum(&solve(a, &add(a, a).unwrap()).unwrap()),
        |a: &Matrix<_, U2, U2>| a.solve(&(a + a)).unwrap().sum()
    );
    let (a, v) = (point().map(|x| x as f32), direction().map(|x| x as f32));
    same!(a, v, |a| sum(&a.map(tanh)), |a: &Matrix<_>| a.map::<tanh>().sum());
}

#[test]
fn complex_numbers_are_the_same() {
    let complex = |a: &DMatrix<f64>| {
        DMatrix::from_fn(3, 3, |i, j| Complex::new(a[(i, j)], a[(j, i)] * 0.5 - 0.2))
    };
    let (a, v) = (complex(&point()), complex(&direction()));
    same!(a.clone(), v.clone(), |a| sum(&matmul(a, &adjoint(a)).unwrap()).re, |a: &Matrix<_>| (a
        * a.adjoint())
    .sum()
    .re);
    same!(
        a.clone(),
        v.clone(),
        |a| norm(&qr(a).unwrap().0) + determinant(a).unwrap().im,
        |a: &Matrix<_>| a.qr().unwrap().0.norm() + a.determinant().unwrap().im
    );
    same!(a.clone(), v.clone(), |a| sum(&a.map(sin)).im, |a: &Matrix<_>| a.map::<sin>().sum().im);
    same!(a, v, |a| sum(&a.zip_map(&a.map(exp), powf)).re, |a: &Matrix<_>| a
        .zip_map::<powf>(&a.map::<exp>())
        .unwrap()
        .sum()
        .re);
}

#[test]
fn constants_of_nalgebra_stand_on_either_side() {
    fn program<T: Real>(a: &Matrix<T>, x: &DMatrix<f64>) -> T {
        let single = x.map(|x| x as f32);
        let left = x * a + x - a * x.view((0, 0), (3, 3)) * 2.0;
        let right = x.columns(0, 3) * (a - &single) + single * a.clone();
        let mut both = left.clone() * right / 3.0;
        both += x;
        both -= &left;
        both *= 0.5 * a;
        both *= a.get(0);
        (0.25 * both - x.clone() * left).sum()
    }
    fn apart<T: Real>(a: &DMatrix<T>, x: &DMatrix<f64>) -> T {
        let single = x.map(|x| nalgebra::convert::<f32, T>(x as f32));
        let x = x.map(nalgebra::convert::<f64, T>);
        let number = nalgebra::convert::<f64, T>;
        let left = &x * a + &x - a * &x * number(2.0);
        let right = &x * (a - &single) + &single * a;
        let both = (&left * right / number(3.0) + &x - &left) * (a * number(0.5)) * a[0];
        (both * number(0.25) - x * left).sum()
    }
    let x = dmatrix![0.5, -1.0, 0.25; 2.0, 0.1, 0.3; -0.4, 0.6, 1.0];
    let (value, slope) = value_and_gradient(|a| program(a, &x), &Matrix::from(point()));
    let (expected, by_entries) = value_and_gradient(|a| apart(a, &x), &point());
    assert!((value - expected).abs() < 1e-12 * expected.abs());
    assert!((&*slope - by_entries).norm() < 1e-12 * slope.norm());
}

#[test]
fn shapes_that_do_not_fit_are_named_at_the_callers_line() {
    fn message(f: impl FnOnce() + std::panic::UnwindSafe) -> (String, u32) {
        use std::sync::Mutex;
        static PLACE: Mutex<u32> = Mutex::new(0);
        let hook = std::panic::take_hook();
        std::panic::set_hook(Box::new(|info| {
            *PLACE.lock().unwrap() = info.location().unwrap().line();
            assert!(info.location().unwrap().file().ends_with("tests/matrix.rs"));
        }));
        let payload = std::panic::catch_unwind(f).unwrap_err();
        std::panic::set_hook(hook);
        (payload.downcast_ref::<String>().unwrap().clone(), *PLACE.lock().unwrap())
    }
    let (a, b) = (Matrix::from(dmatrix![1.0, 2.0]), Matrix::from(dmatrix![1.0; 2.0]));
    let (sum_a, sum_b) = (a.clone(), b.clone());
    let (text, line) = message(move || drop(&sum_a + &sum_b));
    assert_eq!(line, line!() - 1);
    assert!(text.starts_with("1 x 2 + 2 x 1: "), "{text}");
    let (text, _) = message({
        let a = a.clone();
        move || drop(&a * &a)
    });
    assert!(text.starts_with("1 x 2 * 1 x 2: "), "{text}");
    let (text, _) = message({
        let a = a.clone();
        move || drop(dmatrix![1.0, 2.0] * &a)
    });
    assert!(text.starts_with("1 x 2 * 1 x 2: "), "{text}");
    let (text, _) = message({
        let mut a = a.clone();
        move || a -= b
    });
    assert!(text.starts_with("1 x 2 - 2 x 1: "), "{text}");
    let (text, _) = message({
        let a = a.clone();
        move || drop(elementwise!(|x, y| x + y, &a, &a.transpose()))
    });
    assert!(text.contains("`y` has to be 1 x 2, but is 2 x 1"), "{text}");
    let (text, _) = message({
        let a = a.clone();
        move || drop(a.row(1))
    });
    assert!(text.contains("no block of 1 x 2 at (1, 0)"), "{text}");
    let (text, _) = message({
        let a = a.clone();
        move || drop(a.view((0, usize::MAX), (1, 2)))
    });
    assert!(text.starts_with("a matrix of 1 x 2 has no block of 1 x 2 at (0, "), "{text}");
    let (text, _) = message({
        let a = a.clone();
        move || drop(a.reshape(3, 1))
    });
    assert_eq!(text, "a matrix of 1 x 2 has not the 3 x 1 entries");
    assert_eq!(
        a.solve_like_errors().unwrap_err().to_string(),
        "`component_mul`: `b` has to be 1 x 2 to fit the other arguments, but is 2 x 1"
    );
}

/// What a test calls as a method.
trait SolveLikeErrors {
    fn solve_like_errors(&self) -> Result<(), difrules_linalg::MatrixError>;
}

impl SolveLikeErrors for Matrix<f64> {
    fn solve_like_errors(&self) -> Result<(), difrules_linalg::MatrixError> {
        self.component_mul(&self.transpose()).map(drop)
    }
}

#[test]
fn parts_are_put_together_again() {
    fn program<T: Real>(a: &Matrix<T>) -> Result<Matrix<T>, Error> {
        let left = Matrix::hstack(&[&a.columns(0, 1), &a.columns(1, 1)])?;
        let whole = Matrix::hstack(&[&left, &a.columns(2, 1)])?;
        let rows: Vec<_> = whole.row_iter().collect();
        let columns: Vec<_> = Matrix::from_rows(&rows)?.column_iter().collect();
        let mut again = Matrix::from_columns(&columns)?;
        again = Matrix::vstack(&[&again.rows(0, 2), &again.view((2, 0), (1, 3))])?;
        let entries: Vec<T> = again.iter().collect();
        let again = Matrix::from_fn(3, 3, |i, j| entries[i + 3 * j]);
        Ok(again
            .reshape_generic(nalgebra::Dyn(9), nalgebra::Dyn(1))
            .reshape_generic(nalgebra::Dyn(3), nalgebra::Dyn(3)))
    }
    let a = Matrix::from(point());
    assert_eq!(program(&a), Ok(a.clone()));
    let slope = jacobian(|a: &Matrix<_>| program(a).unwrap(), &a);
    assert_eq!(slope, DMatrix::identity(9, 9));
    let seed = Matrix::from(direction());
    let (_, back) = vjp(|a: &Matrix<_>| program(a).unwrap(), &a, &seed);
    assert_eq!(back, seed);
    let fixed = |a: &Matrix<Var<f64>>| {
        a.fixed_view::<2, 2>(1, 1).sum()
            + a.fixed_rows::<1>(0).sum()
            + a.fixed_columns::<1>(0).rows(1, 2).sum()
    };
    assert_eq!(*gradient(fixed, &a), DMatrix::from_element(3, 3, 1.0));
}

/// Adjoints of values in one piece have memory of their own as long as somebody adds to it or reads it; those of
/// values that somebody has parts or entries of, or a rule takes twice or beside others, have to come out the same.
#[test]
fn adjoints_are_the_same_wherever_they_are() {
    fn program<T: Real>((a, b): &(Matrix<T>, Matrix<T>)) -> T {
        let product = a * b;
        let _nobody_wants_it = product.transpose();
        let squares = product.component_mul(&product).unwrap();
        let parts = [&squares.columns(0, 17), &product.columns(17, 1)];
        let (q, r) = a.qr().unwrap();
        let mut sum = Matrix::hstack(&parts).unwrap() + q * r;
        sum += &product;
        let stacked = Matrix::vstack(&[&sum, &sum, &product]).unwrap();
        stacked.map::<tanh>().sum() * squares.get((1, 2)) + b.entries()[(0, 4)] * b.norm()
    }
    let matrix = |seed: usize| {
        let entry = |i, j| ((i * 5 + j * 3 + seed) % 7) as f64 / 7.0 - 0.4;
        Matrix::from(DMatrix::identity(18, 18) + DMatrix::from_fn(18, 18, entry) / 3.0)
    };
    let point = (matrix(1), matrix(2));
    let (_, slope) = value_and_gradient(program, &point);
    for seed in [3, 4] {
        let direction = (matrix(seed), matrix(seed + 2));
        let (_, forward) = jvp(program, &point, &direction);
        let reverse = slope.0.dot(&direction.0).unwrap() + slope.1.dot(&direction.1).unwrap();
        assert!((forward - reverse).abs() < 1e-12 * forward.abs(), "{forward}, {reverse}");
    }
    // What is left of another sweep does not matter.
    gradient(|a: &Matrix<_>| a.entries().norm() + (a * a * a).sum(), &matrix(5));
    gradient(|a: &(Matrix<_>, Matrix<_>)| (&a.0 * &a.0 + &a.0).sum(), &point);
    assert_eq!(bits(&value_and_gradient(program, &point).1), bits(&slope));
    // Numbers that are apart have them in one array.
    let apart = |(a, b): &(DMatrix<_>, DMatrix<_>)| {
        let product = matmul(a, b).unwrap();
        let sum = sub(&add(&product, a).unwrap(), &neg(b)).unwrap();
        difrules_linalg::sum(&component_mul(&sum, &product).unwrap())
    };
    let whole = |(a, b): &(Matrix<_>, Matrix<_>)| {
        let product = a * b;
        (&product + a - -b).component_mul(&product).unwrap().sum()
    };
    let entries = (point.0.entries(), point.1.entries());
    assert_eq!(bits(&gradient(whole, &point)), bits(&gradient(apart, &entries)));
    // The rows of a Jacobian are sweeps of one tape.
    let square = |a: &Matrix<Var<f64>>| a * a + a;
    let rows = jacobian_reverse(square, &point.0);
    for (k, row) in [(7, rows.row(7)), (323, rows.row(323))] {
        let one =
            Matrix::from(DMatrix::from_fn(18, 18, |i, j| f64::from(u8::from(i + 18 * j == k))));
        assert_eq!(bits(&vjp(square, &point.0, &one).1), bits(&row.transpose()));
    }
}

/// One node can have several values in one piece as results.
#[test]
fn a_loop_has_several_large_results() {
    fn program<T: Real>((a, x): &(Matrix<T>, T)) -> T {
        let step = |_, (a, x, b): &(Matrix<T>, T, Matrix<T>), c: &Matrix<T>| {
            (a * *x + c, *x * b.sum(), b.component_mul(a).unwrap())
        };
        let (a, x, b) = checkpointed(3, &(a.clone(), *x, a.transpose()), a, step);
        (&a * &b).sum() * x + b.map::<tanh>().sum()
    }
    let matrix = |seed: usize| {
        let entry = |i, j| ((i * 5 + j * 3 + seed) % 7) as f64 / 70.0 - 0.04;
        Matrix::from(DMatrix::from_fn(18, 18, entry))
    };
    let (point, direction) = ((matrix(1), 0.7), (matrix(2), 0.3));
    let (_, forward) = jvp(program, &point, &direction);
    let slope = gradient(program, &point);
    let reverse = slope.0.dot(&direction.0).unwrap() + slope.1 * direction.1;
    assert!((forward - reverse).abs() < 1e-12 * forward.abs(), "{forward}, {reverse}");
}

#[test]
fn a_primitive_of_numbers_is_done_to_each_entry() {
    /// x^3, by its rules.
    #[primitive(
        forward = |x, _, x_dot| x * x * (x_dot + x_dot + x_dot),
        reverse = |x, _, y_bar| x * x * (y_bar + y_bar + y_bar),
        instances(f64)
    )]
    fn cube<T: Real>(x: T) -> T {
        x * x * x
    }
    /// The same with one rule.
    #[primitive(reverse = |x, _, y_bar| x * x * (y_bar + y_bar + y_bar), instances(f64))]
    fn reversed_cube<T: Real>(x: T) -> T {
        x * x * x
    }
    /// x^2 / 2, by its partial derivative.
    #[primitive(partial = |x| x, instances(f64))]
    fn half_square<T: Real>(x: T) -> T {
        x * x * nalgebra::convert(0.5)
    }
    same!(point(), direction(), |a| sum(&a.map(tanh)), |a: &Matrix<_>| a.map::<tanh>().sum());
    same!(point(), direction(), |a| sum(&a.map(erf)), |a: &Matrix<_>| a.map::<erf>().sum());
    same!(point(), direction(), |a| sum(&a.map(gamma)), |a: &Matrix<_>| a.map::<gamma>().sum());
    same!(point(), direction(), |a| sum(&a.map(half_square)), |a: &Matrix<_>| a
        .map::<half_square>()
        .sum());
    same!(point(), direction(), |a| sum(&a.map(cube)), |a: &Matrix<_>| a.map::<cube>().sum());
    same!(point(), direction(), |a| sum(&a.zip_map(&a.transpose(), atan2)), |a: &Matrix<_>| a
        .zip_map::<atan2>(&a.transpose())
        .unwrap()
        .sum());
    same!(
        point(),
        direction(),
        |a| sum(&a.zip_zip_map(&a.transpose(), a, mul_add)),
        |a: &Matrix<_>| a.zip_zip_map::<mul_add>(&a.transpose(), a).unwrap().sum()
    );
    let a = Matrix::from(point());
    let by_reverse = gradient(|a: &Matrix<_>| a.map::<reversed_cube>().sum(), &a);
    assert!((&*by_reverse - point().map(|x| 3.0 * x * x)).norm() < 1e-14);
}

#[test]
fn a_derivative_that_nobody_knows_is_asked_for_where_it_matters() {
    let (s, q) = (Matrix::from(dmatrix![2.0, 3.0]), dmatrix![0.5, 1.5]);
    type Zeta = difrules_core::math::zeta;
    // By the second argument it is known.
    let slope = gradient(
        |q: &Matrix<_>| {
            let s = Matrix::<Var<f64>>::constant(&dmatrix![2.0, 3.0]);
            s.zip_map::<Zeta>(q).unwrap().sum()
        },
        &Matrix::from(&q),
    );
    let expected = q.zip_map(&*s, |q, s| -s * difrules_core::math::zeta(s + 1.0, q));
    assert!((&*slope - expected).norm() < 1e-12);
    let unknown = std::panic::catch_unwind(|| {
        gradient(|s: &Matrix<_>| s.zip_map::<Zeta>(&dmatrix![0.5, 1.5]).unwrap().sum(), &s)
    });
    let text = unknown.unwrap_err();
    assert!(text.downcast_ref::<String>().unwrap().contains("is not known"));
}

#[test]
fn an_expression_is_one_node_with_the_derivatives_of_its_entries() {
    fn fused<T: Real>((a, v, r, x): &(Matrix<T>, Vector<T>, RowVector<T>, T)) -> T {
        let data = dmatrix![1.0, 2.0; -0.5, 0.3; 0.7, 0.1];
        elementwise!(
            |a, v, r, x, d| if a > 0.0 { tanh(a * v) * exp(r) } else { d * x ^ 2 + v / r },
            a,
            EachColumn(v),
            EachRow(r),
            *x,
            &data
        )
        .sum()
    }
    fn apart<T: Real>((a, v, r, x): &(DMatrix<T>, DVector<T>, RowDVector<T>, T)) -> T {
        let data = dmatrix![1.0, 2.0; -0.5, 0.3; 0.7, 0.1];
        let mut total = T::zero();
        for j in 0..2 {
            for i in 0..3 {
                let d: T = nalgebra::convert(data[(i, j)]);
                total += if a[(i, j)] > T::zero() {
                    (a[(i, j)] * v[i]).tanh() * r[j].exp()
                } else {
                    d * *x * *x + v[i] / r[j]
                };
            }
        }
        total
    }
    let a = dmatrix![0.5_f64, -1.0; 0.2, 0.9; -0.3, 1.1];
    let (v, r) = (dvector![1.0, 0.3, -0.8], RowDVector::from_vec(vec![0.4, 1.2]));
    let at = (a.clone(), v.clone(), r.clone(), 0.7_f64);
    let whole = (Matrix::from(&a), Matrix::from(&v), Matrix::from(&r), 0.7_f64);
    let (value, slope) = value_and_gradient(apart, &at);
    let (fused_value, fused_slope) = value_and_gradient(fused, &whole);
    assert_eq!(value.to_bits(), fused_value.to_bits());
    let close = |x: &[f64], y: &[f64]| {
        assert_eq!(x.len(), y.len());
        for (x, y) in x.iter().zip(y) {
            assert!((x - y).abs() <= 1e-14 * (1.0 + x.abs()), "{x} {y}");
        }
    };
    close(&slope.to_reals(), &fused_slope.to_reals());
    let second = hessian(apart, &at);
    close(second.as_slice(), hessian(fused, &whole).as_slice());
    // Plain numbers, where no tape is.
    assert_eq!(fused(&whole).to_bits(), apart(&at).to_bits());
}

#[test]
fn static_matrices_are_broadcast_and_mapped() {
    fn program<T: Real>(a: &Matrix<T, U2, U3>) -> T {
        let centred = a.sub_from_columns(&(a.column_sum() / 3.0)).unwrap();
        let scaled =
            centred.mul_rows(&a.row_sum()).unwrap().mul_columns(&vector![1.0, 2.0]).unwrap();
        elementwise!(|x, y| x * y, &scaled, a).add_scalar(a.get((0, 0))).mean()
    }
    let a = matrix![0.5, 1.0, -0.2; 0.3, 0.8, 0.1];
    let at = Matrix::from(a);
    let slope = gradient(program, &at);
    let step = 1e-5;
    for k in 0..6 {
        let moved = |step: f64| {
            let mut a: SMatrix<f64, 2, 3> = a;
            a[k] += step;
            program(&Matrix::from(a))
        };
        let difference = (moved(step) - moved(-step)) / (2.0 * step);
        assert!((difference - slope[k]).abs() < 1e-9);
    }
}

#[test]
fn all_levels_of_nesting_take_matrices() {
    fn program<T: Real>(a: &Matrix<T>) -> T {
        (a.map::<tanh>() * a + 2.0 * a).cholesky_or_sum()
    }
    trait CholeskyOrSum<T> {
        fn cholesky_or_sum(&self) -> T;
    }
    impl<T: Real> CholeskyOrSum<T> for Matrix<T> {
        fn cholesky_or_sum(&self) -> T {
            self.symmetric_part().unwrap().cholesky().map_or_else(|_| self.sum(), |l| l.sum())
        }
    }
    // The gradient along a line, of the gradient along the line.
    let along = |t: f64| point() + direction() * t;
    let third = |t: f64| {
        let at = Matrix::from(along(t));
        let seed = Matrix::from(direction());
        let product = hvp(program, &at, &seed);
        product.dot(&direction()).unwrap()
    };
    let nested = jvp(
        |a: &Matrix<Dual<f64>>| {
            let seed = Matrix::from(direction().map(Dual::constant));
            hvp(program, a, &seed)
        },
        &Matrix::from(point()),
        &Matrix::from(direction()),
    );
    let difference = (third(1e-5) - third(-1e-5)) / 2e-5;
    assert!((nested.1.dot(&direction()).unwrap() - difference).abs() < 1e-6 * difference.abs());
}

fn squares<T: Scalar>(a: &Matrix<T>) -> T::Real {
    a.norm_squared()
}

#[test]
fn conversions_keep_the_numbers() {
    let a = Matrix::from(point());
    assert_eq!(DMatrix::from(a.clone()), point());
    assert_eq!(a.value(), point());
    assert_eq!(format!("{a}"), format!("{}", point()));
    assert_eq!(format!("{a:?}"), format!("{:?}", point()));
    assert_eq!(Matrix::from(point().view((0, 0), (2, 2))).shape(), (2, 2));
    assert_eq!(squares(&Matrix::from(dmatrix![Complex::new(0.0, 1.0)])), 1.0);
    assert_eq!(*Matrix::from_element(1, 2, 3.0), dmatrix![3.0, 3.0]);
    let identity = Matrix::<Dual<f64>>::identity(2, 2);
    assert!(identity.iter().all(|x| x.tangents == [0.0]));
    assert_eq!(Matrix::<f32>::zeros(1, 1).get((0, 0)), 0.0);
}

/// The derivative of a function of each entry, forward and in reverse, along ones.
macro_rules! slopes_of {
    ($f:expr, $a:expr) => {{
        let a = Matrix::from($a);
        let ones = Matrix::from(a.map_reals(&mut |_| 1.0));
        let (_, forward): (Matrix<f64>, Matrix<f64>) = jvp($f, &a, &ones);
        let reverse: Matrix<f64> = gradient(|a: &Matrix<_>| $f(a).sum(), &a);
        for (forward, reverse) in forward.iter().zip(reverse.iter()) {
            let same = forward == reverse || forward.is_nan() && reverse.is_nan();
            assert!(same, "{forward} forward, {reverse} in reverse");
        }
        (*reverse).clone()
    }};
}

/// A structure of matrices, which prints and compares as they do.
#[derive(Clone, Debug, PartialEq, Differentiable)]
struct Layer<T: Real> {
    weights: Matrix<T>,
    bias: Vector<T>,
}

#[test]
fn matrices_compare_by_their_values() {
    let layer = |bias| Layer { weights: Matrix::from(point()), bias: Vector::from(bias) };
    let (at, other) = (layer(dvector![1.0, 2.0]), layer(dvector![1.0, 3.0]));
    assert!(at == at.clone() && at != other);
    let longer = layer(dvector![1.0, 2.0, 0.0]);
    let f = |x: &Layer<Var<f64>>| {
        let moved = Layer { bias: &x.bias + dvector![0.0, 1.0], ..x.clone() };
        assert!(*x == x.clone() && *x != moved && x.bias != Vector::constant(&*longer.bias));
        assert!(Vector::constant(&*other.bias) == moved.bias);
        x.weights.sum() + x.bias.norm_squared()
    };
    let slope = gradient(f, &at);
    assert_eq!(slope, Layer { weights: Matrix::from_element(3, 3, 1.0), bias: &at.bias * 2.0 });
    // A recording knows what came out.
    let equal = |x: &Vector<Var<f64>>| {
        if *x == Vector::constant(&dvector![1.0, 2.0]) { x.sum() } else { x.norm_squared() }
    };
    let mut recording = Recording::new(equal, &at.bias);
    let mut slope = at.bias.clone();
    assert_eq!(recording.value_and_gradient(&at.bias, &mut slope), Ok(3.0));
    assert!(recording.value_and_gradient(&other.bias, &mut slope).is_err());
}

#[test]
fn where_a_zero_meets_an_infinity_both_modes_say_the_same() {
    let a = dmatrix![-1.0, 4.0; 0.0, 0.25];
    // A branch that is not taken, before and after.
    assert_eq!(
        slopes_of!(|a: &Matrix<_>| a.map::<relu>().map::<sqrt>(), a.clone()),
        dmatrix![0.0, 0.25; 0.0, 1.0]
    );
    assert_eq!(
        slopes_of!(|a: &Matrix<_>| elementwise!(|x| sqrt(relu(x)), a), a.clone()),
        dmatrix![0.0, 0.25; 0.0, 1.0]
    );
    assert_eq!(
        slopes_of!(|a: &Matrix<_>| a.map::<floor>().map::<sqrt>(), dmatrix![0.5, 1.5]),
        dmatrix![0.0, 0.0]
    );
    let b = dmatrix![0.0, 4.0];
    assert_eq!(
        slopes_of!(
            |a: &Matrix<_>| elementwise!(|x| x - 1.0, &a.map::<sqrt>()).map::<relu>(),
            b.clone()
        ),
        dmatrix![0.0, 0.25]
    );
    // A zero that came out so.
    for slopes in [
        slopes_of!(|a: &Matrix<_>| elementwise!(|x| x * x, a).map::<sqrt>(), b.clone()),
        slopes_of!(|a: &Matrix<_>| elementwise!(|x| x * x, &a.map::<sqrt>()), b.clone()),
        slopes_of!(
            |a: &Matrix<_>| {
                let r = a.map::<sqrt>();
                r.component_mul(&r).unwrap()
            },
            b.clone()
        ),
    ] {
        assert!(slopes[0].is_nan() && (slopes[1] - 1.0).abs() < 1e-15, "{slopes}");
    }
    // What no result depends on.
    let used: Matrix<f64> = gradient(|a: &Matrix<_>| a.map::<sqrt>().get((0, 1)), &Matrix::from(b));
    assert_eq!(*used, dmatrix![0.0, 0.25]);
    let second: Matrix<f64> = hvp(
        |a: &Matrix<_>| a.map::<relu>().map::<sqrt>().sum(),
        &Matrix::from(a),
        &Matrix::from(dmatrix![1.0, 1.0; 1.0, 1.0]),
    );
    assert_eq!(*second, dmatrix![0.0, -1.0 / 32.0; 0.0, -2.0]);
}

/// What an infinite slope makes of adjoints that are zero stays with the numbers that it is of, and does not come back
/// in the next sweep.
#[test]
fn undefined_slopes_stay_where_they_are() {
    let mask = DMatrix::<f64>::zeros(20, 20);
    let masked =
        |a: &Matrix<Var<f64>>| a.columns(0, 20).map::<sqrt>().component_mul(&mask).unwrap().sum();
    let zeros = Matrix::from(DMatrix::<f64>::zeros(20, 40));
    for slope in [gradient(masked, &zeros), gradient(|a: &Matrix<_>| masked(&-a), &zeros)] {
        assert!(slope.columns(0, 20).iter().all(|slope| slope.is_nan()));
        assert!(slope.columns(20, 20).iter().all(|slope| slope == 0.0));
    }
    let slope = gradient(|a: &Matrix<_>| (-a).entries()[(1, 1)] - (-a).sum(), &zeros);
    assert_eq!((slope.sum(), slope[(1, 1)]), (799.0, 0.0));
}

#[test]
#[should_panic(expected = "different derivations in one operation")]
fn a_captured_matrix_of_another_derivation_is_refused() {
    let a = Matrix::from(point());
    jvp(
        |x: &Matrix<Dual<f64>>| {
            let inner: (Matrix<f64>, Matrix<f64>) =
                jvp(|y: &Matrix<Dual<f64>>| x * y, &Matrix::from(point()), &a);
            x * &*inner.1
        },
        &a,
        &a,
    );
}

#[cfg(feature = "motions")]
#[test]
fn a_matrix_moves_beside_a_rotation() {
    use difrules_core::motions::{Flat, Manifold, gradient};
    let (z, a) = (nalgebra::UnitComplex::new(0.3_f64), Matrix::from(dmatrix![1.0, 2.0; 3.0, 4.0]));
    let x = (z, Flat(a.clone()));
    let (turning, of_a) = gradient(|(z, Flat(a))| a.norm_squared() * z.re, &x);
    assert_eq!(of_a, &a * (2.0 * z.re));
    assert!((turning.x + 30.0 * z.im).abs() < 1e-14);
    assert_eq!(x.retract(&(turning, of_a)).1.0, &a + &a * (2.0 * z.re));
}
