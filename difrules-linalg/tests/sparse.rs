//! Sparse Jacobians and Hessians against dense ones.

use difrules_core::math::{relu, tanh};
use difrules_core::testing::Sampler;
use difrules_core::{
    Function, Real, Returns, With, hessian, jacobian, lit, value_and_gradient, value_and_jacobian,
};
use difrules_linalg::sparse::{
    SparseError, SparseHessian, SparseJacobian, hessian_sparsity, sparse_hessian, sparse_jacobian,
    sparsity, value_and_sparse_jacobian, value_gradient_and_sparse_hessian,
};
use difrules_linalg::{Matrix, MatrixError, Vector};
use nalgebra::{DMatrix, DVector, dmatrix, dvector};
use nalgebra_sparse::CscMatrix;
use nalgebra_sparse::pattern::SparsityPattern;

/// Functions that are sums or vectors of terms: each a few numbers of the point.
#[derive(Debug, Clone)]
struct Terms(Vec<Vec<usize>>);

impl Terms {
    fn each<T: Real>(&self, x: &DVector<T>) -> Vec<T> {
        let term = |(k, members): (usize, &Vec<usize>)| {
            let sum: T = members.iter().map(|i| x[*i]).sum();
            // Every third is linear.
            if k % 3 == 2 { sum * lit(2.5) } else { sum.sin() * sum + sum }
        };
        self.0.iter().enumerate().map(term).collect()
    }
}

impl Function for Terms {
    type Point = DVector<f64>;
    type Value = DVector<f64>;

    fn call<T: Real>(&self, x: &DVector<T>) -> DVector<T> {
        DVector::from_vec(self.each(x))
    }
}

/// The sum of what a function returns.
struct Sum<F>(F);

impl<F: Function<Point = DVector<f64>, Value = DVector<f64>>> Function for Sum<F> {
    type Point = DVector<f64>;
    type Value = f64;

    fn call<T: Real>(&self, x: &DVector<T>) -> T {
        self.0.call(x).iter().copied().sum()
    }
}

/// Whether all entries are those of the dense derivative, digit for digit, and it has no others.
fn agrees(sparse: &CscMatrix<f64>, dense: &DMatrix<f64>) {
    assert_eq!((sparse.nrows(), sparse.ncols()), dense.shape());
    assert_eq!(&DMatrix::from(sparse), dense);
}

fn both(terms: &Terms, points: &[DVector<f64>]) -> (SparseJacobian, SparseHessian) {
    let sum = Sum(terms.clone());
    let first = SparseJacobian::at(terms, &points[0]).unwrap();
    let second = SparseHessian::at(&sum, &points[0]).unwrap();
    for x in points {
        let (value, sparse) = first.value_and_jacobian(terms, x).unwrap();
        let (expected, dense) = value_and_jacobian(|x| terms.call(x), x);
        assert_eq!(value, expected);
        if first.is_reverse() {
            assert!((DMatrix::from(&sparse) - dense).amax() < 1e-14);
        } else {
            agrees(&sparse, &dense);
        }
        let (value, gradient, sparse) = second.value_gradient_and_hessian(&sum, x).unwrap();
        let (expected, slope) = value_and_gradient(|x| sum.call(x), x);
        assert_eq!((value, gradient), (expected, slope));
        agrees(&sparse, &hessian(|x| sum.call(x), x));
        assert_eq!(sparse, sparse.transpose());
    }
    (first, second)
}

fn points(count: usize) -> Vec<DVector<f64>> {
    let mut random = Sampler::new(5, count as u64);
    (0..3).map(|_| DVector::from_fn(count, |_, _| random.between(-1.5, 1.5))).collect()
}

#[test]
fn bands_arrowheads_and_blocks() {
    let n = 23;
    // Pairs of neighbours.
    let band = Terms((0..n - 1).map(|i| vec![i, i + 1]).collect());
    let (first, second) = both(&band, &points(n));
    assert_eq!((first.directions(), first.is_reverse()), (2, false));
    // The linear terms part it.
    assert_eq!(second.directions(), 2);
    let wide = Terms((0..n - 4).map(|i| (i..i + 5).collect()).collect());
    let (first, second) = both(&wide, &points(n));
    assert_eq!(first.directions(), 5);
    assert!(second.directions() <= 9, "{}", second.directions());
    // An arrowhead: two directions, whichever number is the tip.
    for tip in [0, 11, n - 1] {
        let arrow = Terms((0..n).filter(|i| *i != tip).map(|i| vec![i, tip]).collect());
        let (first, second) = both(&arrow, &points(n));
        assert_eq!((first.directions(), second.directions()), (2, 2));
    }
    // One full row among many: rows go together.
    let mut full: Vec<_> = (0..n).map(|i| vec![i]).collect();
    full.push((0..n).collect());
    let (first, _) = both(&Terms(full), &points(n));
    assert!(first.is_reverse() && first.directions() == 2);
    // Nothing is sparse.
    let all = Terms(vec![(0..9).collect(); 9]);
    let (first, second) = both(&all, &points(9));
    assert_eq!((first.directions(), second.directions()), (9, 9));
}

#[test]
fn empty_constant_linear_and_unused() {
    for terms in [
        Terms(vec![]),
        Terms(vec![vec![]]),
        Terms(vec![vec![0]]),
        Terms(vec![vec![2], vec![2], vec![2]]),
        Terms(vec![vec![0, 0, 1], vec![], vec![1]]),
    ] {
        both(&terms, &points(4));
    }
    both(&Terms(vec![]), &points(0));
    both(&Terms(vec![vec![], vec![]]), &points(0));
    both(&Terms(vec![vec![0], vec![0]]), &points(1));
    // Linear in what it depends on.
    let linear = Sum(Terms(vec![vec![], vec![], vec![0, 2]]));
    let x = dvector![1.0, 2.0, 3.0];
    let pattern = hessian_sparsity(|x| linear.call(x), &x);
    assert_eq!((pattern.nnz(), pattern.major_dim()), (0, 3));
    let (value, gradient, curvature) = value_gradient_and_sparse_hessian(&linear, &x).unwrap();
    assert_eq!((value, gradient), (10.0, dvector![2.5, 0.0, 2.5]));
    assert_eq!(DMatrix::from(&curvature), DMatrix::zeros(3, 3));
    assert_eq!(sparse_hessian(&linear, &x).unwrap(), curvature);
}

#[test]
fn patterns_by_chance() {
    let mut random = Sampler::new(7, 7);
    for turn in 0..30 {
        let (count, rows) = (random.size(1, 14), random.size(0, 14));
        let most = 1 + turn % 4;
        let terms = (0..rows).map(|_| {
            let members = random.size(0, most);
            (0..members).map(|_| random.size(0, count - 1)).collect()
        });
        both(&Terms(terms.collect()), &points(count));
    }
}

/// A grid of two substances that diffuse and react (Gray and Scott), by five points.
struct Reaction {
    side: usize,
}

impl Function for Reaction {
    type Point = (DVector<f64>, DVector<f64>);
    type Value = (DVector<f64>, DVector<f64>);

    fn call<T: Real>(&self, (u, v): &(DVector<T>, DVector<T>)) -> (DVector<T>, DVector<T>) {
        let n = self.side;
        let flow = |x: &DVector<T>, i: usize, j: usize| {
            let at = |i: usize, j: usize| x[i % n * n + j % n];
            at(i + 1, j) + at(i + n - 1, j) + at(i, j + 1) + at(i, j + n - 1) - at(i, j) * lit(4.0)
        };
        let mut result = (u.clone(), v.clone());
        for k in 0..n * n {
            let reaction = u[k] * v[k] * v[k];
            result.0[k] =
                flow(u, k / n, k % n) * lit(0.2) - reaction + (T::one() - u[k]) * lit(0.04);
            result.1[k] = flow(v, k / n, k % n) * lit(0.1) + reaction - v[k] * lit(0.1);
        }
        result
    }
}

#[test]
fn a_reaction_and_diffusion() {
    let side = 7;
    let f = Reaction { side };
    let point = |k: usize| {
        let wave =
            |shift: usize| DVector::from_fn(side * side, |i, _| ((i * k + shift) as f64).sin());
        (wave(1), wave(5))
    };
    let plan = SparseJacobian::at(&f, &point(3)).unwrap();
    assert_eq!(plan.pattern().nnz(), 2 * side * side * 6);
    assert!(!plan.is_reverse() && plan.directions() <= 13, "{}", plan.directions());
    for k in [1, 3, 4] {
        agrees(&plan.jacobian(&f, &point(k)).unwrap(), &jacobian(|x| f.call(x), &point(k)));
    }
}

/// Matrices in one piece, with products among entries.
struct Pieces;

impl Function for Pieces {
    type Point = (Matrix<f64>, Vector<f64>);
    type Value = Result<(Matrix<f64>, f64), MatrixError>;

    fn call<T: Real>(
        &self,
        (a, x): &(Matrix<T>, Vector<T>),
    ) -> Result<(Matrix<T>, T), MatrixError> {
        let b = (a + a.map::<tanh>()) * T::one() - a.component_mul(a)?;
        Ok((b, (a * x).norm_squared()))
    }
}

/// [`Pieces`] as a number.
struct Total;

impl Function for Total {
    type Point = (Matrix<f64>, Vector<f64>);
    type Value = Result<f64, MatrixError>;

    fn call<T: Real>(&self, x: &(Matrix<T>, Vector<T>)) -> Result<T, MatrixError> {
        let (b, number) = Pieces.call(x)?;
        Ok(b.sum() + number)
    }
}

#[test]
fn matrices_in_one_piece() {
    let point = (
        Matrix::from(dmatrix![1.0, 0.0, 0.5; -1.0, 2.0, 0.25]),
        Vector::from(dvector![0.5, 0.0, -1.0]),
    );
    let plan = SparseJacobian::at(&Pieces, &point).unwrap();
    // Each entry of b depends on that of a, and the number on all.
    assert_eq!(plan.pattern().nnz(), 6 + 9);
    let dense = jacobian(|x| Pieces.call(x), &point).unwrap();
    assert!((DMatrix::from(&plan.jacobian(&Pieces, &point).unwrap()) - dense).amax() < 1e-14);
    let dense = hessian(|x| Total.call(x), &point).unwrap();
    let sparse = sparse_hessian(&Total, &point).unwrap();
    assert!((DMatrix::from(&sparse) - dense).amax() < 1e-14);
}

/// The larger one of neighbours, which `if` decides; `f64::NAN` is refused.
struct Larger;

impl Function for Larger {
    type Point = DVector<f64>;
    type Value = Result<DVector<f64>, String>;

    fn call<T: Real>(&self, x: &DVector<T>) -> Result<DVector<T>, String> {
        if x[0].to_f64().is_nan() {
            return Err("not a number".into());
        }
        let larger = |x: &[T]| if x[0] > x[1] { x[0] * x[0] } else { x[1] * x[1] };
        Ok(DVector::from_iterator(x.len() - 1, x.as_slice().windows(2).map(larger)))
    }
}

#[test]
fn what_does_not_fit_is_an_error() {
    let x = dvector![1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
    let plan = SparseJacobian::at(&Larger, &x).unwrap();
    assert_eq!((plan.pattern().nnz(), plan.directions()), (5, 1));
    let other = dvector![9.0, 2.0, 3.0, 4.0, 5.0, 6.0];
    assert_eq!(plan.jacobian(&Larger, &x).unwrap().values(), [4.0, 6.0, 8.0, 10.0, 12.0]);
    // Its entry would be read as that of the column beside.
    let missed = plan.jacobian(&Larger, &other).unwrap_err();
    assert_eq!(missed, SparseError::Pattern { row: 0, column: 0 });
    let found = sparse_jacobian(&Larger, &other).unwrap();
    assert_eq!(found.values(), [18.0, 6.0, 8.0, 10.0, 12.0]);
    // A pattern that has room for both fits both.
    let pairs = sparsity(|x| Terms((0..5).map(|i| vec![i, i + 1]).collect()).call(x), &x);
    let plan = SparseJacobian::new(pairs);
    for x in [&x, &other, &x] {
        agrees(&plan.jacobian(&Larger, x).unwrap(), &jacobian(|x| Larger.call(x), x).unwrap());
        let trusted = plan.clone().trusted().jacobian(&Larger, x).unwrap();
        assert_eq!(trusted, plan.jacobian(&Larger, x).unwrap());
    }
    let short = dvector![1.0, 2.0];
    let error = plan.jacobian(&Larger, &short).unwrap_err();
    assert_eq!(error, SparseError::Count { what: "point", found: 2, expected: 6 });
    let undefined = dvector![f64::NAN, 1.0];
    let error = sparse_jacobian(&Larger, &undefined).unwrap_err();
    assert_eq!(error, SparseError::Function("not a number".into()));
    let error = value_and_sparse_jacobian(&Larger, &undefined).unwrap_err();
    assert_eq!(error.to_string(), "not a number");
    // A pattern that somebody gives, which lacks an entry.
    let diagonal = SparsityPattern::try_from_offsets_and_indices(2, 2, vec![0, 1, 2], vec![0, 1]);
    let plan = SparseHessian::new(diagonal.unwrap());
    let error = plan.hessian(&Sum(Terms(vec![vec![0, 1]])), &dvector![0.3, 0.4]).unwrap_err();
    assert_eq!(error, SparseError::Pattern { row: 1, column: 0 });
}

/// Where the value is NaN an entry is so too where it would be undefined, and perhaps where another column of its direction is.
#[test]
fn undefined_values_have_undefined_hessians() {
    /// Of no value beside -1; of the second number nothing is left there, and the fourth is the factor of a zero.
    struct Root;
    impl Function for Root {
        type Point = DVector<f64>;
        type Value = f64;
        fn call<T: Real>(&self, x: &DVector<T>) -> T {
            let rest = relu(x[1]) * relu(x[1]) + x[2] * x[2] * x[2] + (x[3] * T::zero()).powi(3);
            x[0].sqrt() + rest
        }
    }
    let x = dvector![4.0, -2.0, 3.0, 1.0];
    let plan = SparseHessian::at(&Root, &x).unwrap();
    for x in [x, dvector![-1.0, -2.0, 3.0, 1.0], dvector![-1.0, 2.0, 3.0, 1.0]] {
        let dense = hessian(|x| Root.call(x), &x);
        for plan in [&plan, &SparseHessian::at(&Root, &x).unwrap()] {
            let found = plan.hessian(&Root, &x).unwrap();
            for (row, column, entry) in found.triplet_iter() {
                let expected = dense[(row, column)];
                assert!(entry.is_nan() || *entry == expected, "{row} {column}: {entry} {expected}");
            }
        }
    }
}

#[test]
fn infinite_derivatives_stay_where_they_are() {
    /// Roots, of a zero too, and a quotient by zero.
    struct Roots;
    impl Function for Roots {
        type Point = DVector<f64>;
        type Value = DVector<f64>;

        fn call<T: Real>(&self, x: &DVector<T>) -> <DVector<f64> as Returns>::At<T> {
            DVector::from_fn(x.len(), |i, _| x[i].sqrt() + if i > 0 { x[i - 1] } else { T::zero() })
        }
    }
    let x: With<DVector<f64>, f64> = dvector![0.0, 1.0, 0.0, 4.0, -1.0];
    let sparse = sparse_jacobian(&Roots, &x).unwrap();
    let dense = jacobian(|x| Roots.call(x), &x);
    for (i, j, value) in sparse.triplet_iter() {
        let expected = dense[(i, j)];
        assert!(*value == expected || value.is_nan() && expected.is_nan(), "{i} {j} {value}");
    }
    assert_eq!(sparse.get_entry(0, 0).unwrap().into_value(), f64::INFINITY);
    let pattern = sparsity(|x| Roots.call(x), &x);
    assert_eq!(pattern.nnz(), 9);
}
