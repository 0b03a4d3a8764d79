//! Matrices on which primals have been seen to fail.

use approx::AbsDiffEq;
use difrules_core::testing::Sampler;
use difrules_core::{Real, Scalar};
use nalgebra::DMatrix;

/// The distance of numbers at one.
pub(crate) fn epsilon<T: Scalar>() -> f64 {
    <T::Real>::default_epsilon().to_f64()
}

/// A number of any scalar.
pub(crate) fn number<T: Scalar>(x: f64) -> T {
    nalgebra::convert(x)
}

/// The largest of the parts of the entries.
pub(crate) fn largest<T: Scalar>(a: &DMatrix<T>) -> f64 {
    let parts = a.iter().map(|x| [x.real().to_f64().abs(), x.imaginary().to_f64().abs()]);
    parts.fold(0.0, |most, [re, im]| most.max(re).max(im))
}

/// Matrices by name; those where numbers may overflow, or which are singular, may give errors.
pub(crate) fn families<T: Scalar>(
    random: &mut Sampler,
    rows: usize,
    columns: usize,
) -> Vec<(String, DMatrix<T>, bool)> {
    let single = epsilon::<T>() > 1e-10;
    let a: DMatrix<T> = random.matrix(rows, columns);
    let by = |f: &dyn Fn(usize, usize) -> f64| {
        DMatrix::from_fn(rows, columns, |i, j| a[(i, j)] * number(f(i, j)))
    };
    let mut all = vec![("random".to_owned(), a.clone(), false)];
    let mut add = |name: String, a, fails| all.push((name, a, fails));
    for far in [8.0, if single { 15.0 } else { 150.0 }] {
        let step = |k: usize, count: usize| 2.0 * far * k as f64 / (count.max(2) - 1) as f64 - far;
        add(format!("rows to 1e{far}"), by(&|i, _| 10.0_f64.powf(step(i, rows))), false);
        add(format!("rows from 1e{far}"), by(&|i, _| 10.0_f64.powf(-step(i, rows))), false);
        add(format!("columns to 1e{far}"), by(&|_, j| 10.0_f64.powf(step(j, columns))), false);
        add(format!("columns from 1e{far}"), by(&|_, j| 10.0_f64.powf(-step(j, columns))), false);
        let total = (rows + columns) as f64;
        add(
            format!("graded by 1e{far}"),
            by(&|i, j| 10.0_f64.powf(-far * (i + j) as f64 / total)),
            false,
        );
        let end = if single { 30.0 } else { 200.0 };
        for whole in [far, -far, end, -end] {
            add(format!("times 1e{whole}"), by(&|_, _| 10.0_f64.powf(whole)), false);
        }
    }
    let limit = if single { 1e38 } else { 1e308 };
    add(
        "at the end of the numbers".to_owned(),
        a.map(|x| x.unscale(nalgebra::convert(largest(&a))) * number(limit)),
        true,
    );
    add("of the smallest numbers".to_owned(), by(&|_, _| 1e2 / limit), false);
    for small in [1e-3, 2.5e-6, 1e-8, 1e-12, 1e-30] {
        add(
            format!("{small:e} below the diagonal"),
            by(&|i, j| if i > j { small } else { 1.0 }),
            false,
        );
        add(
            format!("{small:e} above the diagonal"),
            by(&|i, j| if i < j { small } else { 1.0 }),
            false,
        );
        add(
            format!("{small:e} beside the diagonal"),
            by(&|i, j| if i == j { 1.0 } else { small }),
            false,
        );
    }
    let zero_or = |inside: bool| if inside { 1.0 } else { 0.0 };
    add("triangular".to_owned(), by(&|i, j| zero_or(i <= j)), false);
    add("diagonal".to_owned(), by(&|i, j| zero_or(i == j)), false);
    add("blocks".to_owned(), by(&|i, j| zero_or((i < 2) == (j < 2))), true);
    add("zero".to_owned(), DMatrix::zeros(rows, columns), true);
    add("the identity".to_owned(), DMatrix::identity(rows, columns), false);
    add("ones".to_owned(), DMatrix::from_element(rows, columns, T::one()), true);
    add(
        "a cycle".to_owned(),
        DMatrix::from_fn(
            rows,
            columns,
            |i, j| if (i + 1) % rows == j { T::one() } else { T::zero() },
        ),
        true,
    );
    add(
        "one step".to_owned(),
        DMatrix::from_fn(rows, columns, |i, j| if i + 1 == j { T::one() } else { T::zero() }),
        true,
    );
    add("of rank one".to_owned(), a.column(0) * a.row(0), true);
    all
}
