//! Rearrangements, products and reductions where they are hard: zeros in products, the ends of the range, repeated
//! indices, nothing at all; static sizes, and bad arguments.

use difrules_core::math::{self, sqrt};
use difrules_core::testing::{Sampler, check_at};
use difrules_core::{Real, gradient, hessian, hvp, jvp, lit, value_and_gradient, vjp};
use difrules_linalg::{
    By, Error, Matrix, ad_mul, component_div, cross, cumprod, cumsum, diagonal_at,
    from_diagonal_at, hstack, kronecker, logsumexp, lower_triangle, map, mean, mul_tr, outer,
    quadratic_form, reshape, row_logsumexp, select_columns, select_rows, softmax, upper_triangle,
    variance, view, vstack,
};
use nalgebra::allocator::Allocator;
use nalgebra::{
    Complex, Const, DMatrix, DVector, DefaultAllocator, DimName, Dyn, OMatrix, RowDVector, U1, U2,
    U3, dmatrix, dvector,
};

use std::f64::consts::PI;

const INF: f64 = f64::INFINITY;

/// A static matrix of normally distributed entries.
fn any<R: DimName, C: DimName>(random: &mut Sampler) -> OMatrix<f64, R, C>
where
    DefaultAllocator: Allocator<R, C>,
{
    OMatrix::from_fn_generic(R::name(), C::name(), |_, _| random.normal())
}

macro_rules! static_sizes {
    ($($primitive:ty, $sample:expr;)*) => {
        #[test]
        fn rules_hold_at_static_sizes() {
            $(for seed in 0..4 {
                check_at::<$primitive, f64>($sample, seed).unwrap();
            })*
        }
    };
}

static_sizes! {
    component_div<f64, U2, U3>, |r| (any::<U2, U3>(r), any::<U2, U3>(r).map(|x| x + x.signum()));
    map<f64, By<math::sin, f64>, U3, U2>, |r| (any::<U3, U2>(r),);
    ad_mul<f64, U2, U3, U1>, |r| (any::<U3, U2>(r), any::<U3, U1>(r));
    mul_tr<f64, U2, U3, U2>, |r| (any::<U2, U3>(r), any::<U2, U3>(r));
    quadratic_form<f64, U2, U3>, |r| (any::<U2, U1>(r), any::<U2, U3>(r), any::<U3, U1>(r));
    mean<f64, U2, U3>, |r| (any::<U2, U3>(r),);
    variance<f64, U3, U1>, |r| (any::<U3, U1>(r),);
    diagonal_at<f64, U2, U3>, |r| (any::<U2, U3>(r), 1);
    from_diagonal_at<f64, U2>, |r| (any::<U2, U1>(r), -1);
    lower_triangle<f64, U3, U2>, |r| (any::<U3, U2>(r),);
    upper_triangle<f64, U3, U2>, |r| (any::<U3, U2>(r),);
    kronecker<f64, U2, U1, U3, U2>, |r| (any::<U2, U1>(r), any::<U3, U2>(r));
    cross<f64, U3, U1>, |r| (any::<U3, U1>(r), any::<U3, U1>(r));
    outer<f64, U2, U3>, |r| (any::<U2, U1>(r), any::<U3, U1>(r));
    hstack<f64, U2, U1, U3>, |r| (any::<U2, U1>(r), any::<U2, U3>(r));
    vstack<f64, U1, U3, U2>, |r| (any::<U1, U2>(r), any::<U3, U2>(r));
    view<f64, U3, U3, U2, U1>, |r| (any::<U3, U3>(r), (1, 2), (Const::<2>, Const::<1>));
    select_rows<f64, U3, U2>, |r| (any::<U3, U2>(r), vec![2, 0, 2]);
    select_columns<f64, U3, U2>, |r| (any::<U3, U2>(r), vec![1, 1]);
    reshape<f64, U2, U3, U3, U2>, |r| (any::<U2, U3>(r), (Const::<3>, Const::<2>));
    cumsum<f64, U3, U2>, |r| (any::<U3, U2>(r),);
    cumprod<f64, U3, U2>, |r| (any::<U3, U2>(r),);
    logsumexp<f64, U3, U2>, |r| (any::<U3, U2>(r),);
    row_logsumexp<f64, U3, U2>, |r| (any::<U3, U2>(r),);
    softmax<f64, U3, U2>, |r| (any::<U3, U2>(r),);
}

/// The weighted sum of the cumulative products, its gradient and its Hessian, by products of all but one and all but two.
fn by_products(a: &[f64], weights: &[f64]) -> (f64, DVector<f64>, DMatrix<f64>) {
    let n = a.len();
    let without = |i: usize, left_out: &[usize]| -> f64 {
        let kept = (0..=i).filter(|k| !left_out.contains(k));
        if left_out.iter().all(|k| *k <= i) { kept.map(|k| a[k]).product() } else { 0.0 }
    };
    let sum = |left_out: &[usize]| (0..n).map(|i| weights[i] * without(i, left_out)).sum::<f64>();
    let second = |j, k| if j == k { 0.0 } else { sum(&[j, k]) };
    (sum(&[]), DVector::from_fn(n, |k, _| sum(&[k])), DMatrix::from_fn(n, n, second))
}

#[test]
fn zeros_in_products_are_as_good_as_other_numbers_to_second_order() {
    let weights = [2.0, -3.0, 5.0, 7.0, -1.0];
    fn program<T: Real>(a: &DVector<T>) -> T {
        let weights = [2.0, -3.0, 5.0, 7.0, -1.0];
        let y = cumprod(a);
        y.iter().zip(weights).fold(T::zero(), |sum, (&y, weight)| sum + y * lit::<T>(weight))
    }
    fn in_one_piece<T: Real>(a: &Matrix<T, Dyn, U1>) -> T {
        a.cumprod().dot(&dvector![2.0, -3.0, 5.0, 7.0, -1.0]).unwrap()
    }
    fn along<T: Real>(a: &DVector<T>, direction: &DVector<f64>) -> T {
        jvp(program, a, &direction.map(lit::<T>)).1
    }
    let direction = dvector![1.0, -2.0, 3.0, 0.5, 4.0];
    for zeros in 0..32 {
        let a = DVector::from_fn(5, |k, _| if zeros >> k & 1 == 1 { 0.0 } else { 2.0 + k as f64 });
        let (value, slopes, curvature) = by_products(a.as_slice(), &weights);
        assert_eq!(value_and_gradient(program, &a), (value, slopes.clone()), "{a}");
        assert_eq!(jvp(program, &a, &direction), (value, slopes.dot(&direction)), "{a}");
        assert_eq!(hessian(program, &a), curvature, "{a}");
        let curved = &curvature * &direction;
        assert_eq!(hvp(program, &a, &direction), curved, "{a}");
        // Forward over forward, and reverse over reverse.
        let twice = jvp(|a| along(a, &direction), &a, &direction).1;
        assert_eq!(twice, direction.dot(&curved), "{a}");
        let slopes_of = |a: &DVector<_>| gradient(program, a);
        assert_eq!(vjp(slopes_of, &a, &direction).1, curved, "{a}");
        // In one piece.
        let (whole, along) = (Matrix::from(&a), Matrix::from(&direction));
        let (of_whole, by_whole) = value_and_gradient(in_one_piece, &whole);
        assert_eq!((of_whole, by_whole.entries()), (value, slopes), "{a}");
        assert_eq!(hvp(in_one_piece, &whole, &along).entries(), curved, "{a}");
    }
}

#[test]
fn logarithms_of_sums_at_the_ends_of_the_range() {
    let at = |a: &[f64]| {
        let a = DVector::from_column_slice(a);
        let (value, slopes) = value_and_gradient(logsumexp, &a);
        assert_eq!(value.to_bits(), logsumexp(&a).to_bits());
        // Forward mode says the same by each entry.
        for (k, slope) in slopes.iter().enumerate() {
            let unit = DVector::from_fn(a.len(), |i, _| f64::from(u8::from(i == k)));
            let along = jvp(logsumexp, &a, &unit).1;
            assert!(along == *slope || along.is_nan() && slope.is_nan(), "{along} and {slope}");
        }
        (value, slopes.as_slice().to_vec())
    };
    assert_eq!(at(&[1e308, 1e308, -1e308]), (1e308, vec![0.5, 0.5, 0.0]));
    assert_eq!(at(&[-1e308, -1e308]), (-1e308, vec![0.5, 0.5]));
    assert_eq!(at(&[f64::MAX, f64::MIN]), (f64::MAX, vec![1.0, 0.0]));
    assert_eq!(at(&[-INF, 2.0, -INF]), (2.0, vec![0.0, 1.0, 0.0]));
    assert_eq!(at(&[INF, 2.0, -INF]), (INF, vec![1.0, 0.0, 0.0]));
    // One alone is its own, whatever it is.
    for x in [3.0, 1e308, INF, -INF] {
        assert_eq!(at(&[x]), (x, vec![1.0]));
    }
    assert_eq!(at(&[]), (-INF, vec![]));
    // What is little beside one keeps its digits.
    assert_eq!(at(&[0.0, -40.0]).0, (-40.0_f64).exp());
    // Nothing decides between equal infinities.
    let (value, slopes) = at(&[-INF, -INF]);
    assert!(value == -INF && slopes.iter().all(|x| x.is_nan()), "{value} {slopes:?}");
    let (value, slopes) = at(&[INF, 1.0, INF]);
    assert!(value == INF && slopes[0].is_nan() && slopes[2].is_nan(), "{value} {slopes:?}");
    assert_eq!(slopes[1], 0.0);
    // Nor do the derivatives of that.
    for infinity in [INF, -INF] {
        let curved = hvp(logsumexp, &dvector![infinity, infinity], &dvector![1.0, 0.0]);
        assert!(curved.iter().all(|x| x.is_nan()), "{curved}");
    }
    for a in [[f64::NAN, 1.0], [INF, f64::NAN], [-INF, f64::NAN]] {
        let (value, slopes) = at(&a);
        assert!(value.is_nan() && slopes.iter().all(|x| x.is_nan()), "{value} {slopes:?}");
    }
    let (value, slopes) = at(&[f64::NAN]);
    assert!(value.is_nan() && slopes[0].is_nan());
    // Of one complex number too it is the principal logarithm.
    let z = |re, im| Complex::new(re, im);
    let alone = logsumexp(&dvector![z(1e300, 50.0)]);
    let beside = logsumexp(&dvector![z(1e300, 50.0), z(-1e300, 0.0)]);
    assert!(alone.re == 1e300 && (alone.im + 16.0 * PI - 50.0).abs() < 1e-14, "{alone}");
    assert!(alone == beside, "{alone} and {beside}");
    assert_eq!(gradient(|a| logsumexp(a).re, &dvector![z(2.0, 50.0)])[0], z(1.0, 0.0));
    let y = row_logsumexp(&dmatrix![1e308, -INF, INF; -INF, -INF, 0.0]);
    assert_eq!(y, RowDVector::from_vec(vec![1e308, -INF, INF]));
    assert_eq!(row_logsumexp(&DMatrix::<f64>::zeros(0, 2)), RowDVector::from_element(2, -INF));
    assert_eq!(row_logsumexp(&DMatrix::<f64>::zeros(2, 0)).len(), 0);
}

#[test]
fn second_derivatives_of_the_logarithm_of_a_sum_are_those_of_the_entries_that_count() {
    // diag(s) - s s^T, in which an entry of -infinity has no part.
    let a = dvector![0.3_f64, -INF, 1.0, -800.0];
    let s = softmax(&a);
    let expected = DMatrix::from_diagonal(&s) - &s * s.transpose();
    let found = hessian(logsumexp, &a);
    assert!((&found - &expected).amax() < 1e-16, "{found} {expected}");
    let direction = dvector![1.0, 5.0, -2.0, 3.0];
    let curved = &expected * &direction;
    assert!((hvp(logsumexp, &a, &direction) - &curved).amax() < 1e-15);
    let whole = Matrix::from(&a);
    let along = Matrix::from(&direction);
    let of_whole = hvp(|a: &Matrix<_, Dyn, U1>| a.logsumexp(), &whole, &along);
    assert!((of_whole.entries() - &curved).amax() < 1e-15);
    // And so of what softmax is, forward and reverse.
    let (_, along) = jvp(softmax, &a, &direction);
    assert!((&along - &curved).amax() < 1e-15);
    let (_, back) = vjp(softmax, &a, &direction);
    assert!((back - &curved).amax() < 1e-15);
    // A single +infinity has all, and keeps it.
    let a = dvector![INF, 1.0];
    assert_eq!(softmax(&a), dvector![1.0, 0.0]);
    assert_eq!(hessian(logsumexp, &a), DMatrix::zeros(2, 2));
    assert_eq!(vjp(softmax, &a, &dvector![3.0, 4.0]).1, dvector![0.0, 0.0]);
}

#[test]
fn a_constant_of_minus_infinity_leaves_an_entry_out() {
    // The mask of attention: what is masked has no slope, though its own would be infinite.
    fn masked<T: Real>(x: &DVector<T>) -> T {
        let a = DVector::from_fn(3, |i, _| if i == 1 { lit(-INF) } else { sqrt(x[i]) });
        softmax(&a)[0]
    }
    let x = dvector![1.0_f64, 0.0, 4.0];
    let share = 1.0 / (1.0 + 1.0_f64.exp());
    let slope = share * (1.0 - share);
    let slopes = gradient(masked, &x);
    assert!((slopes - dvector![slope / 2.0, 0.0, -slope / 4.0]).amax() < 1e-16);
    let (_, along) = jvp(masked, &x, &dvector![0.0, 1.0, 0.0]);
    assert_eq!(along, 0.0);
}

#[test]
fn shares_keep_their_digits_beside_one_that_is_all_but_one() {
    // The slopes of the largest share are those of the others, not what is left of one minus one.
    let a = dvector![700.0_f64, 0.0, 10.0];
    let y = softmax(&a);
    let (_, along) = jvp(softmax, &a, &dvector![1.0, 2.0, -1.0]);
    let expected = -(y[1] - 2.0 * y[2]);
    assert!((along[0] / expected - 1.0).abs() < 1e-15, "{} and {expected}", along[0]);
    let (_, back) = vjp(softmax, &a, &dvector![1.0, 2.0, -1.0]);
    assert_eq!(back, along);
    let undefined = softmax(&dmatrix![-INF, INF, f64::NAN, -INF; -INF, INF, 1.0, 1.0]);
    assert!(undefined.columns(0, 3).iter().all(|x| x.is_nan()), "{undefined}");
    assert_eq!(undefined.column(3), dvector![0.0, 1.0]);
    assert_eq!(softmax(&dmatrix![-INF, INF, 3.0]), dmatrix![1.0, 1.0, 1.0]);
}

#[test]
fn means_and_variances() {
    // nalgebra's numbers where these are good.
    let mut random = Sampler::new(5, 5);
    for size in [1, 2, 7, 30] {
        let a: DMatrix<f64> = random.matrix(size, 3);
        assert_eq!(mean(&a).to_bits(), a.mean().to_bits());
        assert_eq!(variance(&a).to_bits(), a.variance().to_bits());
        let whole = Matrix::from(&a);
        assert!((whole.row_variance().entries() - a.row_variance()).amax() < 1e-14);
        assert!((whole.column_variance().entries() - a.column_variance()).amax() < 1e-14);
        assert!((whole.row_mean().entries() - a.row_mean()).amax() < 1e-15);
        assert!((whole.column_mean().entries() - a.column_mean()).amax() < 1e-15);
    }
    // A mean that is not itself a double: two passes alone would say 4/3.
    let a = dvector![1e16_f64, 1e16 + 2.0, 1e16 + 2.0];
    assert!((variance(&a) - 8.0 / 9.0).abs() < 1e-15, "{}", variance(&a));
    let slopes = gradient(variance, &a);
    let expected = dvector![-8.0, 4.0, 4.0] / 9.0;
    assert!((&slopes - &expected).amax() < 1e-15, "{slopes}");
    let curvature = hessian(variance, &a);
    let centred = DMatrix::from_fn(3, 3, |i, j| f64::from(u8::from(i == j)) - 1.0 / 3.0);
    assert!((curvature - centred * (2.0 / 3.0)).amax() < 1e-15);
    assert_eq!(variance(&DVector::from_element(7, 0.1)), 0.0);
    // The sum overflows, the mean does not.
    assert_eq!(mean(&dvector![1e308, 1.5e308]), 1.25e308);
    assert_eq!(gradient(mean, &dvector![1e308, 1.5e308]), dvector![0.5, 0.5]);
    assert_eq!(variance(&dvector![f64::MAX, f64::MAX]), 0.0);
    // So it is of the squares, and of rows and columns.
    assert!((variance(&dvector![1.2e154_f64, -1.2e154]) / 1.44e308 - 1.0).abs() < 1e-15);
    let large = Matrix::from(dmatrix![1e308, 1.5e308; 1.5e308, 1e308]);
    assert_eq!(*large.row_mean(), RowDVector::from_element(2, 1.25e308));
    assert_eq!(*large.column_mean(), DVector::from_element(2, 1.25e308));
    assert_eq!(
        *gradient(|a: &Matrix<_>| a.row_mean().get(1), &large),
        dmatrix![0.0, 0.5; 0.0, 0.5]
    );
    let infinite = Matrix::from(dmatrix![INF, 1.0, f64::MAX; 1.0, f64::NAN, f64::MIN]).row_mean();
    assert!(infinite.get(0) == INF && infinite.get(1).is_nan() && infinite.get(2) == 0.0);
    assert_eq!(Matrix::from(DVector::from_element(7, 0.1)).row_variance().get(0), 0.0);
    let whole = Matrix::from(&a);
    let (of_column, slopes) =
        value_and_gradient(|a: &Matrix<_, _, _>| a.row_variance().get(0), &whole);
    assert!((of_column - 8.0 / 9.0).abs() < 1e-15, "{of_column}");
    assert!((&*slopes - &expected).amax() < 1e-15, "{slopes:?}");
    let of_rows = Matrix::from(a.transpose()).column_variance().get(0);
    assert!((of_rows - 8.0 / 9.0).abs() < 1e-15, "{of_rows}");
    // Of complex numbers it is the mean of the squared distance, a real number.
    let z = dvector![Complex::new(1.0, 1.0), Complex::new(-1.0, 3.0)];
    assert_eq!(variance(&z), 2.0);
    assert_eq!(gradient(variance, &z)[0], Complex::new(1.0, -1.0));
    let nothing = DMatrix::<f64>::zeros(0, 3);
    assert!(mean(&nothing).is_nan() && variance(&nothing).is_nan());
    assert!(value_and_gradient(variance, &nothing).0.is_nan());
}

#[test]
fn a_row_that_stands_there_several_times_gets_the_sum_of_its_cotangents() {
    fn program<T: Real>(a: &Matrix<T>) -> T {
        let rows = a.select_rows(&[1, 1, 0, 1]).unwrap();
        let chosen = rows.component_mul(&rows).unwrap().select_columns(&[1, 0, 1]).unwrap();
        chosen
            .component_mul(&dmatrix![1.0, 2.0, 3.0; 4.0, 5.0, 6.0; 7.0, 8.0, 9.0; 1.0, 1.0, 1.0])
            .unwrap()
            .sum()
    }
    let a = Matrix::from(dmatrix![2.0, 3.0; 5.0, 7.0; 11.0, 13.0]);
    // Of the squares: how often, and with which weights, each stands in the sum.
    let weights = dmatrix![8.0, 16.0; 8.0, 16.0; 0.0, 0.0];
    let slopes = gradient(program, &a);
    assert_eq!(*slopes, weights.component_mul(&a) * 2.0);
    let direction = Matrix::from(dmatrix![1.0, -1.0; 2.0, 3.0; 1.0, 1.0]);
    let curved = hvp(program, &a, &direction);
    assert_eq!(*curved, weights.component_mul(&direction) * 2.0);
    let none: &[usize] = &[];
    assert_eq!(select_rows(&*a, none).unwrap().shape(), (0, 2));
    assert_eq!(
        select_columns(&*a, &[0, 2]).unwrap_err(),
        Error::IndexOutOfRange { argument: "columns", index: 2, count: 2 }
    );
    assert_eq!(
        a.select_rows(&[7]).unwrap_err().to_string(),
        "`select_rows`: `rows` holds the index 7, counting from 0, but there are 3"
    );
}

#[test]
fn quotients_do_not_overflow_on_the_way() {
    let (large, small) = (Complex::new(1e200, 1e200), Complex::new(1e-200, -1e-200));
    let a = dvector![large, small, Complex::new(1.0, 0.0)];
    let b = dvector![large, small, Complex::new(0.0, 1e300)];
    let y = component_div(&a, &b).unwrap();
    assert_eq!(
        y,
        dvector![Complex::new(1.0, 0.0), Complex::new(1.0, 0.0), Complex::new(0.0, -1e-300)]
    );
    let one = DVector::from_element(3, Complex::new(1.0, 0.0));
    let (_, by_a) =
        vjp(|a: &DVector<_>| component_div(a, &b.map(nalgebra::convert)), &a, &one).unwrap();
    assert!((by_a[0] - Complex::new(5e-201, 5e-201)).norm() < 1e-215, "{}", by_a[0]);
    let y = component_div(&dvector![1.0, 0.0, -1.0, 0.0], &dvector![0.0, 0.0, 0.0, 2.0]).unwrap();
    assert!(y[0] == INF && y[1].is_nan() && y[2] == -INF && y[3] == 0.0, "{y}");
    // A small divisor, whose reciprocal overflows.
    fn program<T: Real>(a: &DVector<T>) -> Result<DVector<T>, Error> {
        component_div(a, &a.map(|_| lit(1e-310)))
    }
    let (at, by) = (dvector![1e-310_f64], dvector![1e-5]);
    let (value, along) = jvp(program, &at, &by).unwrap();
    assert_eq!(value[0], 1.0);
    assert!((along[0] / 1e305 - 1.0).abs() < 1e-12, "{along}");
    let (_, back) = vjp(program, &at, &by).unwrap();
    assert_eq!(along, back);
}

#[test]
fn cotangents_keep_what_is_zero() {
    let a = DMatrix::from_fn(3, 4, |i, j| 1.0 + (i + 3 * j) as f64);
    let all = DMatrix::from_element(3, 4, INF);
    let (_, lower) = vjp(lower_triangle, &a, &all);
    assert_eq!(lower.map(f64::is_infinite), a.map(|_| true).lower_triangle_of_flags());
    let (_, along) = jvp(|a| lower_triangle(a).map(sqrt), &a, &DMatrix::zeros(3, 4));
    assert_eq!(along, DMatrix::zeros(3, 4));
    // A zero beside the triangle has no slope, though a root's is infinite there.
    fn roots<T: Real>(a: &DMatrix<T>) -> T {
        upper_triangle(a).map(sqrt).sum()
    }
    let slopes = gradient(roots, &a);
    assert_eq!(slopes, upper_triangle(&a.map(|x| 0.5 / x.sqrt())));
    assert!((jvp(roots, &a, &slopes).1 - slopes.norm_squared()).abs() < 1e-15);
    let d = dvector![4.0, 9.0];
    let slopes = gradient(|d| from_diagonal_at(d, 1).map(sqrt).sum(), &d);
    assert_eq!(slopes, dvector![0.25, 0.5 / 3.0]);
}

/// Flags of the lower triangle.
trait LowerTriangleOfFlags {
    fn lower_triangle_of_flags(&self) -> Self;
}

impl LowerTriangleOfFlags for DMatrix<bool> {
    fn lower_triangle_of_flags(&self) -> Self {
        DMatrix::from_fn(self.nrows(), self.ncols(), |i, j| i >= j && self[(i, j)])
    }
}

#[test]
fn nothing_is_an_argument_too() {
    let nothing = DMatrix::<f64>::zeros(0, 3);
    let a = dmatrix![1.0, 2.0];
    assert_eq!(kronecker(&nothing, &a).shape(), (0, 6));
    assert_eq!(kronecker(&a, &nothing).shape(), (0, 6));
    let (_, by_a) = vjp(|a| kronecker(a, &a.rows(0, 0).into_owned()), &a, &DMatrix::zeros(0, 4));
    assert_eq!(by_a, dmatrix![0.0, 0.0]);
    assert_eq!(cumprod(&nothing), nothing);
    assert_eq!(cumsum(&nothing), nothing);
    assert_eq!(softmax(&nothing), nothing);
    assert_eq!(outer(&DVector::<f64>::zeros(0), &dvector![1.0]).shape(), (0, 1));
    let (x, y) = (DVector::<f64>::zeros(0), dvector![1.0, 2.0, 3.0]);
    assert_eq!(quadratic_form(&x, &nothing, &y).unwrap(), 0.0);
    assert_eq!(diagonal_at(&a, 5).len(), 0);
    assert_eq!(diagonal_at(&a, -1).len(), 0);
    assert_eq!(from_diagonal_at(&x, -2), DMatrix::zeros(2, 2));
    assert_eq!(reshape(&nothing, (Dyn(5), Dyn(0))).unwrap().shape(), (5, 0));
}

#[test]
fn arguments_that_do_not_fit_are_named() {
    let (a, x) = (dmatrix![1.0, 2.0; 3.0, 4.0], dvector![1.0, 2.0, 3.0]);
    let mismatch =
        |argument, expected, found| Error::DimensionMismatch { argument, expected, found };
    let wide = dmatrix![1.0, 2.0, 3.0];
    assert_eq!(component_div(&a, &wide), Err(mismatch("b", (2, 2), (1, 3))));
    assert_eq!(ad_mul(&a, &wide), Err(mismatch("b", (2, 3), (1, 3))));
    assert_eq!(mul_tr(&a, &wide), Err(mismatch("b", (1, 2), (1, 3))));
    assert_eq!(quadratic_form(&x, &a, &x), Err(mismatch("x", (2, 1), (3, 1))));
    assert_eq!(quadratic_form(&dvector![1.0, 2.0], &a, &x), Err(mismatch("y", (2, 1), (3, 1))));
    assert_eq!(cross(&a, &a), Err(mismatch("a", (3, 1), (2, 2))));
    assert_eq!(cross(&wide, &dmatrix![1.0, 2.0]), Err(mismatch("b", (1, 3), (1, 2))));
    assert_eq!(reshape(&a, (Dyn(3), Dyn(1))), Err(mismatch("a", (3, 1), (2, 2))));
    assert!(reshape(&a, (Dyn(usize::MAX), Dyn(usize::MAX))).is_err());
    let beyond = view(&a, (usize::MAX, 0), (Dyn(2), Dyn(2)));
    assert_eq!(beyond, Err(mismatch("a", (usize::MAX, 2), (2, 2))));
    let failed = Matrix::<f64>::hstack::<Dyn>(&[]).unwrap_err();
    assert_eq!(failed.to_string(), "`hstack`: `parts` is empty");
    assert_eq!(
        Matrix::<f64>::vstack::<Dyn>(&[]).unwrap_err().error,
        Error::Empty { argument: "parts" }
    );
}

#[test]
fn products_without_a_transpose_are_those_with_one() {
    let mut random = Sampler::new(3, 3);
    let a: DMatrix<Complex<f64>> = random.matrix(4, 3);
    let b: DMatrix<Complex<f64>> = random.matrix(4, 2);
    assert!((ad_mul(&a, &b).unwrap() - a.adjoint() * &b).norm() < 1e-14);
    let c: DMatrix<Complex<f64>> = random.matrix(5, 3);
    assert!((mul_tr(&a, &c).unwrap() - &a * c.transpose()).norm() < 1e-14);
    let (x, y) = (a.column(0).into_owned(), c.row(0).transpose());
    let form = quadratic_form(&x, &a, &y).unwrap();
    assert!((form - (x.transpose() * &a * &y)[0]).norm() < 1e-14);
    assert_eq!(outer(&x, &y), &x * y.adjoint());
    assert_eq!(hstack(&a, &b).unwrap().column(3), b.column(0));
    assert_eq!(vstack(&a, &c).unwrap().row(4), c.row(0));
    assert_eq!(view(&a, (1, 1), (Dyn(2), Dyn(1))).unwrap(), a.view((1, 1), (2, 1)));
}

#[test]
fn shares_of_the_largest_cotangents() {
    let a = dvector![0.0, 0.0];
    let y_bar = dvector![1.5e308, -1.5e308];
    let (_, a_bar) = difrules_core::vjp(|a: &DVector<_>| softmax(a), &a, &y_bar);
    assert_eq!(a_bar, dvector![0.75e308, -0.75e308]);
    let (_, y_dot) = jvp(|a: &DVector<_>| softmax(a), &a, &y_bar);
    assert_eq!(y_dot, a_bar);
}

#[test]
fn quadratic_forms_at_the_ends_of_the_range() {
    let one = |x: f64| (dvector![x], dmatrix![x], dvector![x]);
    for [x, a, y] in [
        [1e-300, 1e300, 1e300],
        [1e300, 1e-200, 1e-200],
        [1e300, 1e300, 1e-300],
        [1e-300, 1e-300, 1e300],
        [3.0, 2.0, 0.0],
    ] {
        let z = quadratic_form(&one(x).0, &one(a).1, &one(y).2).unwrap();
        let expected = 10.0_f64.powf((x.log10() + a.log10() + y.log10()).round());
        assert!((z - expected).abs() <= 1e-13 * expected, "{z:e}, not {expected:e}");
    }
    let infinite = quadratic_form(&one(f64::INFINITY).0, &one(1.0).1, &one(2.0).2).unwrap();
    assert_eq!(infinite, f64::INFINITY);
}
