//! Gradients of which some entries are too large for the numbers, or are on their way: the others are what they are.

use difrules_core::{Dual, Recording, Var, gradient, hvp, jvp, vjp};
use difrules_linalg::{
    Diagonal, Error, Operation, Side, Triangle, cholesky, cholesky_solve, exp_action, inverse,
    lblt, lblt_solve, lstsq, lu, lu_solve, pseudo_inverse, solve, solve_lower_triangular,
    solve_triangular, solve_upper_triangular, sylvester, toeplitz_solve, tridiagonal_solve, trsm,
    trsv, udu, udu_solve,
};
use nalgebra::{DMatrix, DVector, dmatrix, dvector};

type Matrix = DMatrix<Var<f64>>;
type Solve = fn(&Matrix, &Matrix) -> Result<Matrix, Error>;

fn by_tridiagonal(a: &Matrix, b: &Matrix) -> Result<Matrix, Error> {
    let zero = Var::constant(0.0);
    let size = a.nrows();
    let beside = |i: usize, j: usize| if i < size && j < size { a[(i, j)] } else { zero };
    let lower = DVector::from_fn(size, |i, _| if i == 0 { zero } else { a[(i, i - 1)] });
    let upper = DVector::from_fn(size, |i, _| beside(i, i + 1));
    tridiagonal_solve(&lower, &a.diagonal(), &upper, b)
}

fn by_trsv(a: &Matrix, b: &Matrix) -> Result<Matrix, Error> {
    let mut x = b.column(0).into_owned();
    trsv(Triangle::Upper, Operation::None, Diagonal::General, a, &mut x)?;
    Ok(DMatrix::from_columns(&[x]))
}

fn by_trsm(a: &Matrix, b: &Matrix) -> Result<Matrix, Error> {
    let mut x = b.clone();
    let one = Var::constant(1.0);
    trsm(Side::Left, Triangle::Lower, Operation::None, Diagonal::General, one, a, &mut x)?;
    Ok(x)
}

/// Ways to A^-1 B for a diagonal A.
const SOLVES: [(&str, Solve); 15] = [
    ("solve", |a, b| solve(a, b)),
    ("lower", |a, b| solve_lower_triangular(a, b)),
    ("upper", |a, b| solve_upper_triangular(a, b)),
    ("adjoint", |a, b| {
        solve_triangular(Triangle::Lower, Operation::Adjoint, Diagonal::General, a, b)
    }),
    ("trsv", by_trsv),
    ("trsm", by_trsm),
    ("lu", |a, b| lu_solve(Operation::None, &lu(a)?, b)),
    ("lu transposed", |a, b| lu_solve(Operation::Transpose, &lu(a)?, b)),
    ("cholesky", |a, b| cholesky_solve(&cholesky(a)?, b)),
    ("udu", |a, b| udu_solve(&udu(a)?, b)),
    ("lblt", |a, b| lblt_solve(&lblt(a)?, b)),
    ("lstsq", |a, b| lstsq(a, b)),
    ("tridiagonal", by_tridiagonal),
    ("inverse", |a, b| Ok(inverse(a)? * b)),
    ("sylvester", |a, b| sylvester(a, &DMatrix::zeros(1, 1), b)),
];

#[test]
fn gradients_through_solves() {
    let infinity = f64::INFINITY;
    for (small, bar) in [(1e-200, 1e300), (1e-200, 1e200), (1e-150, 1e160), (1e-300, 1e20)] {
        for (first, last) in [(0, 1), (1, 0)] {
            let place = |x: f64, y: f64| if first == 0 { dvector![x, y] } else { dvector![y, x] };
            let a = DMatrix::from_diagonal(&place(small, 4.0));
            let column = |x, y| DMatrix::from_columns(&[place(x, y)]);
            let point = (a, column(small, 8.0));
            // The small one is not lost either, where the large one is lowered.
            for other in [2.0, 2e-20] {
                let bar = column(bar, other);
                for (name, solve) in SOLVES {
                    let (x, (by_a, by_b)) = vjp(|(a, b)| solve(a, b), &point, &bar).unwrap();
                    let near = |x: f64, y: f64| x == y || (x / y - 1.0).abs() < 1e-4;
                    let message = format!("{name} {small} {bar} {by_a} {by_b}");
                    assert!((x - column(1.0, 2.0)).amax() < 1e-15, "{message}");
                    let expected = column(infinity, other / 4.0);
                    assert!(near(by_b[first], expected[first]), "{message}");
                    assert!(near(by_b[last], expected[last]), "{message}");
                    assert!(near(by_a[(first, first)], -infinity), "{message}");
                    assert!(near(by_a[(last, last)], -other / 2.0), "{message}");
                    assert!(by_a.iter().all(|x| !x.is_nan()), "{message}");
                }
            }
        }
    }
}

#[test]
fn gradients_through_other_primitives() {
    // A band next to nothing: x_0 = b_0 / t, x_1 = (b_1 - x_0 t) / t.
    let t = 1e-200;
    let column: DVector<f64> = dvector![1.0, 0.0, 0.0];
    let point = (column, dvector![0.0, 1e-200, 0.0], dmatrix![1.0; 2.0; 3.0]);
    let bar = dmatrix![1e300; 0.5; 1e-20];
    let toeplitz = |(c, r, b): &(DVector<_>, DVector<_>, Matrix)| toeplitz_solve(c, r, b);
    let (_, (.., by_b)) = vjp(toeplitz, &point, &bar).unwrap();
    assert_eq!(by_b, dmatrix![1e300; 0.5 - 1e100; 1e-20 + 1e-100]);
    let (_, found) =
        vjp(pseudo_inverse, &dmatrix![t, 0.0; 0.0, 4.0], &dmatrix![1e300, 0.0; 0.0, 3.0]).unwrap();
    assert_eq!(found.map(|x: f64| x.max(-1e305)), dmatrix![-1e305, 0.0; 0.0, -3.0 / 16.0]);
    // exp(tA) B with one growing part.
    let point = (1.0, dmatrix![300.0, 0.0; 0.0, -1.0], dmatrix![1.0; 2.0]);
    let bar = dmatrix![1e200; 3.0];
    let action = |(t, a, b): &(Var<f64>, Matrix, Matrix)| exp_action(*t, a, b);
    let (_, (_, by_a, by_b)) = vjp(action, &point, &bar).unwrap();
    let decay = (-1.0_f64).exp();
    assert!(by_a[0] == f64::INFINITY && by_b[0] == f64::INFINITY, "{by_a} {by_b}");
    let near = |x: f64, y: f64| assert!((x / y - 1.0).abs() < 1e-12, "{x} {y}");
    near(by_b[1], 3.0 * decay);
    near(by_a[3], 6.0 * decay);
    near(by_a[1], 3.0 * (300.0_f64.exp() - decay) / 301.0);
}

#[test]
fn gradients_in_other_ways() {
    // By a tape that is replayed, in a mode of a mode, and at single precision.
    let loss = |x: &DMatrix<Var<f64>>| {
        let y = solve(&x.columns(0, 2).into_owned(), &x.columns(2, 1).into_owned()).unwrap();
        y[0] * Var::constant(1e300) + y[1] * Var::constant(1e-20)
    };
    let x = dmatrix![1e-200, 0.0, 1e-200; 0.0, 4.0, 8.0];
    let expected =
        dmatrix![-f64::INFINITY, -f64::INFINITY, f64::INFINITY; -2.5e-21, -5e-21, 2.5e-21];
    let found = gradient(loss, &x);
    assert_eq!(found, expected);
    let mut recording = Recording::new(loss, &x);
    let mut again = x.clone();
    recording.value_and_gradient(&x, &mut again).unwrap();
    assert_eq!(again, expected);
    // f = 1e300 b_0 / a_00 + 2 (b_1 / a_11)^2, along a_11 and b_1.
    let twice = |x: &DMatrix<Var<Dual<f64>>>| {
        let y = solve(&x.columns(0, 2).into_owned(), &x.columns(2, 1).into_owned())?;
        let number = |x: f64| nalgebra::convert::<f64, Var<Dual<f64>>>(x);
        Ok::<_, Error>(y[0] * number(1e300) + y[1] * y[1] * number(2.0))
    };
    let found = hvp(twice, &x, &dmatrix![0.0, 0.0, 0.0; 0.0, 1.0, 1.0]).unwrap();
    // 4 b (1, -b / a) / a^2 by b and a.
    let (a, b) = (4.0, 8.0);
    let by_b = 4.0 / (a * a) - 8.0 * b / (a * a * a);
    let by_a = -8.0 * b / (a * a * a) + 12.0 * b * b / (a * a * a * a);
    assert_eq!((found[5], found[3]), (by_b, by_a));
    let point = (dmatrix![1e-25_f32, 0.0; 0.0, 4.0], dmatrix![1e-25_f32; 8.0]);
    let (_, (by_a, by_b)) =
        vjp(|(a, b)| lu_solve(Operation::None, &lu(a)?, b), &point, &dmatrix![1e30_f32; 2.0])
            .unwrap();
    assert_eq!((by_a[3], by_b[1], by_b[0]), (-1.0, 0.5, f32::INFINITY));
}

/// Numbers of a scalar program too: what is multiplied by zero behind a number that overflows is zero, as in forward mode.
#[test]
fn adjoints_of_numbers() {
    let huge = |x: f64| nalgebra::convert::<f64, Var<f64>>(x);
    let found = gradient(|x| (*x * huge(1e-200)) * huge(1e200) * huge(1e200), &3.0);
    assert_eq!(found, 1e200);
    let (_, slope) = jvp(
        |x: &DVector<Dual<f64>>| (x[0] * x[1]) * Dual::constant(1e200) * Dual::constant(1e200),
        &dvector![0.0, 0.0],
        &dvector![1.0, 2.0],
    );
    let found =
        gradient(|x: &DVector<_>| (x[0] * x[1]) * huge(1e200) * huge(1e200), &dvector![0.0, 0.0]);
    assert_eq!((slope, found), (0.0, dvector![0.0, 0.0]));
}
