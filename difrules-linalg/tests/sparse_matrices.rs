//! Products, factors and solutions of sparse matrices against those of dense ones.

use std::sync::Arc;

use difrules_core::math::tanh;
use difrules_core::testing::Sampler;
use difrules_core::{Function, Real, Recording, Var, gradient, hvp, jvp, lit, value_and_gradient};
use difrules_linalg::sparse::{
    SparseMatrix, SparseSymmetric, SymmetricPattern, sparse_cholesky, sparse_cholesky_solve,
    sparse_ln_determinant, sparse_matmul, sparse_solve, sparse_tr_mul,
};
use difrules_linalg::{Error, Matrix, MatrixError, Vector};
use nalgebra::{DMatrix, DVector, dmatrix, dvector};
use nalgebra_sparse::pattern::SparsityPattern;
use nalgebra_sparse::{CooMatrix, CscMatrix};
use serde::Deserialize;

/// The pattern of these entries of a lower triangle.
fn lower(size: usize, has: impl Fn(usize, usize) -> bool) -> Arc<SymmetricPattern> {
    let mut entries = CooMatrix::new(size, size);
    for column in 0..size {
        (column..size)
            .filter(|row| has(*row, column))
            .for_each(|row| entries.push(row, column, 1.0));
    }
    Arc::new(SymmetricPattern::new(CscMatrix::from(&entries).pattern()).unwrap())
}

/// Neighbours on a grid.
fn grid(rows: usize, columns: usize) -> Arc<SymmetricPattern> {
    lower(rows * columns, |i, j| i == j || i == j + rows || i == j + 1 && i % rows != 0)
}

/// Values of a positive definite matrix.
fn definite(pattern: &SymmetricPattern, random: &mut Sampler) -> DVector<f64> {
    let mut values: DVector<f64> = random.vector(pattern.lower().nnz());
    let mut sums = vec![0.5; pattern.size()];
    for ((j, i), value) in pattern.lower().entries().zip(values.iter()) {
        sums[i] += value.abs();
        sums[j] += value.abs();
    }
    for ((j, i), value) in pattern.lower().entries().zip(values.iter_mut()) {
        if i == j {
            *value = sums[i];
        }
    }
    values
}

/// By which matrices something is computed.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Route {
    Dense,
    Direct,
    Factored,
}

/// What a sparse matrix is good for, as a function of its values: its determinant, solutions, and its factor.
struct Uses {
    pattern: Arc<SymmetricPattern>,
    b: DMatrix<f64>,
    weights: DVector<f64>,
    route: Route,
}

impl Uses {
    fn new(pattern: &Arc<SymmetricPattern>, random: &mut Sampler) -> Self {
        let b = random.matrix(pattern.size(), 2);
        let weights = random.vector(pattern.factor_nnz());
        Self { pattern: pattern.clone(), b, weights, route: Route::Dense }
    }

    /// The dense matrix, in the order of elimination.
    fn dense<T: Real>(&self, values: &Vector<T>) -> Matrix<T> {
        let (size, order) = (self.pattern.size(), self.pattern.order());
        let mut places = DMatrix::from_element(size, size, None);
        for (place, (j, i)) in self.pattern.lower().entries().enumerate() {
            (places[(i, j)], places[(j, i)]) = (Some(place), Some(place));
        }
        Matrix::from_fn(size, size, |i, j| match places[(order[i], order[j])] {
            Some(place) => values.get(place),
            None => T::zero(),
        })
    }
}

impl Function for Uses {
    type Point = Vector<f64>;
    type Value = Result<f64, MatrixError>;

    fn call<T: Real>(&self, values: &Vector<T>) -> Result<T, MatrixError> {
        let (determinant, x, root) = match self.route {
            Route::Dense => {
                let a = self.dense(values);
                let ordered = DMatrix::from_fn(self.b.nrows(), 2, |i, j| {
                    self.b[(self.pattern.order()[i], j)]
                });
                let l = a.cholesky()?;
                let mut weights = DMatrix::zeros(self.b.nrows(), self.b.nrows());
                let places = self.pattern.factor_pattern();
                for ((j, i), weight) in places.entries().zip(self.weights.iter()) {
                    weights[(i, j)] = *weight;
                }
                let x = a.solve(&ordered)?;
                let form = x.dot(&ordered)?;
                (a.ln_determinant()?, x.norm_squared() + form, l.dot(&weights)?)
            }
            Route::Direct => {
                let a = SparseSymmetric::new(&self.pattern, values.clone()).unwrap();
                let x = a.solve(&self.b)?;
                let form = x.dot(&self.b)?;
                let root = a.cholesky()?.values().dot(&self.weights)?;
                (a.ln_determinant()?, x.norm_squared() + form, root)
            }
            Route::Factored => {
                let a = SparseSymmetric::new(&self.pattern, values.clone()).unwrap();
                let l = a.cholesky()?;
                let x = l.solve(&self.b)?;
                let form = x.dot(&self.b)?;
                (l.ln_determinant()?, x.norm_squared() + form, l.values().dot(&self.weights)?)
            }
        };
        Ok(determinant * lit(0.7) + x * lit(0.3) + root * lit(0.2))
    }
}

fn near(found: &DVector<f64>, expected: &DVector<f64>, tolerance: f64) {
    let size = expected.amax().max(1.0);
    let distance = (found - expected).amax();
    assert!(distance <= tolerance * size, "{distance} of {size}:\n{found}{expected}");
}

#[test]
fn factors_agree_with_dense_ones() {
    let patterns = [
        ("none", lower(0, |_, _| true)),
        ("one", lower(1, |_, _| true)),
        ("diagonal", lower(5, |i, j| i == j)),
        ("chain", lower(6, |i, j| i - j < 2)),
        ("arrow up", lower(6, |i, j| i == j || j == 0)),
        ("arrow down", lower(6, |i, j| i == j || i == 5)),
        ("all", lower(6, |_, _| true)),
        ("apart", lower(7, |i, j| i % 3 == j % 3)),
        ("grid", grid(4, 5)),
    ];
    let mut random = Sampler::new(1, 2);
    for (name, pattern) in patterns {
        let mut uses = Uses::new(&pattern, &mut random);
        let values = Vector::from(definite(&pattern, &mut random));
        let direction = Vector::from(random.vector(pattern.lower().nnz()));
        let value = uses.call(&values).unwrap();
        let slope = gradient(|x| uses.call(x), &values).unwrap();
        let product = hvp(|x| uses.call(x), &values, &direction).unwrap();
        for route in [Route::Direct, Route::Factored] {
            uses.route = route;
            let plain = uses.call(&values).unwrap();
            assert!((plain - value).abs() < 1e-13 * value.abs().max(1.0), "{name}");
            let (of_gradient, by_route) = value_and_gradient(|x| uses.call(x), &values).unwrap();
            assert_eq!(of_gradient, plain, "{name}");
            near(&by_route, &slope, 1e-12);
            let (along, change) = jvp(|x| uses.call(x), &values, &direction).unwrap();
            assert_eq!(along, plain, "{name}");
            let paired = by_route.value().dot(&direction);
            assert!((change - paired).abs() < 1e-12 * change.abs().max(1.0), "{name}");
            near(&hvp(|x| uses.call(x), &values, &direction).unwrap(), &product, 1e-11);
        }
    }
}

#[test]
fn the_order_leaves_arrows_sparse() {
    // In the order of its rows this would fill.
    let pattern = lower(40, |i, j| i == j || j == 0);
    assert_eq!(pattern.factor_nnz(), 79);
    let mut order = pattern.order().to_vec();
    order.sort_unstable();
    assert!(order.iter().copied().eq(0..40));
    let pattern = grid(30, 30);
    assert!(pattern.factor_nnz() < 12_000, "{}", pattern.factor_nnz());
}

/// What varies with a factor t of A: ln det (t A) = n ln t + ln det A, so the derivative at t = 1 is n.
#[test]
fn the_determinant_of_a_grid_scales() {
    let pattern = grid(25, 30);
    let values = definite(&pattern, &mut Sampler::new(3, 4));
    let q = SparseSymmetric::new(&pattern, values.clone()).unwrap();
    let slope = gradient(|q| q.ln_determinant(), &q).unwrap();
    let rate = slope.values().value().dot(&values);
    assert!((rate - 750.0).abs() < 1e-10, "{rate}");
    let factored = gradient(|q| q.cholesky()?.ln_determinant(), &q).unwrap();
    near(factored.values(), slope.values(), 1e-13);
    // The entries of the inverse, twice off the diagonal.
    let (unit, inverse) =
        (DMatrix::from_fn(750, 1, |i, _| f64::from(i == 31)), slope.to_lower_csc());
    let column = q.solve(&unit).unwrap();
    for (row, value) in inverse.col(31).row_indices().iter().zip(inverse.col(31).values()) {
        let expected = column[*row] * if *row == 31 { 1.0 } else { 2.0 };
        assert!((value - expected).abs() < 1e-14, "{row}");
    }
}

/// D A D for powers of ten D: the solution and the determinant follow from those of A.
#[test]
fn scales_do_not_matter() {
    let pattern = lower(6, |i, j| i - j < 3);
    let values = definite(&pattern, &mut Sampler::new(5, 6));
    let d = dvector![1e150, 1e-150, 1.0, 1e150, 1e-150, 1e-70];
    let mut scaled = values.clone();
    for ((j, i), value) in pattern.lower().entries().zip(scaled.iter_mut()) {
        *value *= d[i] * d[j];
    }
    let b = dvector![1.0, -2.0, 0.5, 3.0, 1.0, -1.0];
    let x = sparse_solve(&pattern, &values, &b).unwrap();
    let found = sparse_solve(&pattern, &scaled, &d.component_mul(&b)).unwrap();
    near(&found.component_mul(&d), &x, 1e-14);
    let plain = gradient(|a: &DVector<Var<f64>>| sparse_ln_determinant(&pattern, a), &values);
    let slope = gradient(|a: &DVector<Var<f64>>| sparse_ln_determinant(&pattern, a), &scaled);
    let (plain, slope) = (plain.unwrap(), slope.unwrap());
    for (k, (j, i)) in pattern.lower().entries().enumerate() {
        let back = slope[k] * d[i] * d[j];
        assert!((back - plain[k]).abs() < 1e-14 * plain.amax(), "{i} {j} {back}");
    }
}

#[test]
fn what_is_not_positive_definite_is_an_error() {
    // The row is that of the matrix, whatever the order of elimination.
    let pattern = lower(4, |i, j| i == j || j == 0);
    for wrong in 1..4 {
        let mut values = pattern.values(&CscMatrix::identity(4)).unwrap();
        let place = pattern.lower().major_offsets()[wrong];
        for x in [0.0, -2.0] {
            values[place] = x;
            let expected = Error::NotPositiveDefinite { pivot: wrong, value: x };
            assert_eq!(sparse_cholesky(&pattern, &values).unwrap_err(), expected);
            assert_eq!(sparse_ln_determinant(&pattern, &values).unwrap_err(), expected);
            let b = DVector::repeat(4, 1.0);
            assert_eq!(sparse_solve(&pattern, &values, &b).unwrap_err(), expected);
            let q = SparseSymmetric::new(&pattern, values.clone()).unwrap();
            let failed = gradient(|q| q.ln_determinant(), &q).unwrap_err();
            assert_eq!(failed.error, expected);
        }
    }
    // Of [1, 2; 2, 1] the second pivot of the order is -3.
    let pattern = lower(2, |_, _| true);
    let failed = sparse_cholesky(&pattern, &dvector![1.0, 2.0, 1.0]).unwrap_err();
    let pivot = pattern.order()[1];
    assert_eq!(failed, Error::NotPositiveDefinite { pivot, value: -3.0 });
    // What has no entry on the diagonal.
    let pattern = lower(3, |i, j| i != 1 || j != 1);
    let values = dvector![4.0, 1.0, 1.0, 1.0, 4.0];
    let failed = sparse_cholesky(&pattern, &values).unwrap_err();
    assert!(matches!(failed, Error::NotPositiveDefinite { .. }), "{failed}");
    let lone = lower(1, |_, _| false);
    let failed = sparse_ln_determinant(&lone, &DVector::<f64>::zeros(0)).unwrap_err();
    assert_eq!(failed, Error::NotPositiveDefinite { pivot: 0, value: 0.0 });
}

#[test]
fn what_does_not_fit_is_an_error() {
    let pattern = lower(3, |i, j| i - j < 2);
    let ones = DVector::repeat(5, 1.0);
    let mut values = pattern.values(&CscMatrix::identity(3)).unwrap();
    let short = sparse_cholesky(&pattern, &dvector![1.0]).unwrap_err();
    let expected = Error::DimensionMismatch { argument: "a", expected: (5, 1), found: (1, 1) };
    assert_eq!(short, expected);
    let tall = sparse_solve(&pattern, &values, &ones).unwrap_err();
    let expected = Error::DimensionMismatch { argument: "b", expected: (3, 1), found: (5, 1) };
    assert_eq!(tall, expected);
    values[3] = f64::NAN;
    let undefined = sparse_ln_determinant(&pattern, &values).unwrap_err();
    assert_eq!(undefined, Error::NotFinite { argument: "a", row: 2, column: 1 });
    let b = dvector![1.0, f64::INFINITY, 0.0];
    let infinite = sparse_cholesky_solve(&pattern, &ones, &b).unwrap_err();
    assert_eq!(infinite, Error::NotFinite { argument: "b", row: 1, column: 0 });
    let singular = sparse_cholesky_solve(&pattern, &(&ones * 0.0), &dvector![1.0, 1.0, 0.0]);
    assert_eq!(singular.unwrap_err(), Error::Singular { pivot: 0, reciprocal_condition: 0.0 });
    let undefined = dvector![1.0, 1.0, 1.0, f64::NAN, 1.0];
    let undefined = sparse_cholesky_solve(&pattern, &undefined, &dvector![1.0, 1.0, 0.0]);
    assert_eq!(undefined.unwrap_err(), Error::NotFinite { argument: "l", row: 2, column: 1 });
    // The solution overflows.
    let tiny = dvector![1e-300, 0.0, 1.0, 0.0, 1.0];
    let over = sparse_solve(&pattern, &tiny, &dvector![1e10, 1.0, 1.0]).unwrap_err();
    assert!(matches!(over, Error::Singular { pivot: 0, .. }), "{over}");

    let upper = CscMatrix::from(&dmatrix![1.0, 2.0; 0.0, 1.0]);
    let lonely = SparseSymmetric::try_from(&upper).unwrap_err();
    assert_eq!(lonely, Error::NotSymmetric { argument: "pattern", row: 0, column: 1 });
    let whole = CscMatrix::from(&dmatrix![1.0, 2.0, 0.0; 2.0, 1.0, 0.0; 3.0, 0.0, 1.0]);
    let lonely = SymmetricPattern::new(whole.pattern()).unwrap_err();
    assert_eq!(lonely, Error::NotSymmetric { argument: "pattern", row: 2, column: 0 });
    let oblong = SymmetricPattern::new(&SparsityPattern::zeros(2, 3)).unwrap_err();
    assert_eq!(oblong, Error::NotSquare { argument: "pattern", rows: 3, columns: 2 });
    let outside =
        pattern.values(&CscMatrix::from(&dmatrix![1.0, 0.0, 0.0; 0.0, 0.0, 0.0; 1.0, 0.0, 0.0]));
    let expected = Error::OutsidePattern { argument: "matrix", row: 2, column: 0 };
    assert_eq!(outside.unwrap_err(), expected);
    assert!(SparseSymmetric::new(&pattern, ones.rows(0, 4)).is_err());

    let a = CscMatrix::from(&dmatrix![1.0, 2.0, 0.0; 0.0, 1.0, 4.0]);
    let (pattern, values) = a.into_pattern_and_values();
    let (pattern, values) = (Arc::new(pattern), DVector::from_vec(values));
    let wrong = sparse_matmul(&pattern, &values, &dvector![1.0, 2.0]).unwrap_err();
    let expected = Error::DimensionMismatch { argument: "b", expected: (3, 1), found: (2, 1) };
    assert_eq!(wrong, expected);
    let wrong = sparse_tr_mul(&pattern, &values, &dvector![1.0, 2.0, 3.0]).unwrap_err();
    let expected = Error::DimensionMismatch { argument: "b", expected: (2, 1), found: (3, 1) };
    assert_eq!(wrong, expected);
    let wrong = sparse_tr_mul(&pattern, &dvector![1.0], &dvector![1.0, 2.0]).unwrap_err();
    let expected = Error::DimensionMismatch { argument: "values", expected: (4, 1), found: (1, 1) };
    assert_eq!(wrong, expected);
    assert!(SparseMatrix::new(&pattern, values.rows(0, 3)).is_err());
}

/// Products, sparse or dense, one through the other.
struct Products {
    sparse: bool,
    shape: (usize, usize),
    pattern: Arc<SparsityPattern>,
}

impl Function for Products {
    type Point = (Vector<f64>, Matrix<f64>);
    type Value = Result<f64, MatrixError>;

    fn call<T: Real>(&self, (values, b): &(Vector<T>, Matrix<T>)) -> Result<T, MatrixError> {
        let a = SparseMatrix::new(&self.pattern, values.clone()).unwrap();
        if self.sparse {
            let y = a.matmul(b)?;
            return Ok(a.tr_mul(&y.map::<tanh>())?.norm_squared() + y.sum());
        }
        let entries = a.to_csc();
        let a = Matrix::from_fn(self.shape.0, self.shape.1, |i, j| {
            entries.get_entry(i, j).map_or(T::zero(), |entry| entry.into_value())
        });
        let y = &a * b;
        Ok(a.tr_mul(&y.map::<tanh>())?.norm_squared() + y.sum())
    }
}

#[test]
fn products_agree_with_dense_ones() {
    let mut random = Sampler::new(7, 8);
    for (rows, columns, every) in [(4, 6, 3), (6, 3, 1), (5, 5, 100), (0, 3, 1), (3, 0, 1)] {
        let mut entries = CooMatrix::new(rows, columns);
        for k in (0..rows * columns).filter(|k| k % every == 0) {
            entries.push(k % rows, k / rows, 1.0);
        }
        let pattern = Arc::new(CscMatrix::from(&entries).pattern().clone());
        let mut products = Products { sparse: false, shape: (rows, columns), pattern };
        let mut draw = || {
            let values = Vector::from(random.vector(products.pattern.nnz()));
            (values, Matrix::from(random.matrix(columns, 2)))
        };
        let (x, direction) = (draw(), draw());
        let value: f64 = products.call(&x).unwrap();
        let slope = gradient(|x| products.call(x), &x).unwrap();
        let product = hvp(|x| products.call(x), &x, &direction).unwrap();
        products.sparse = true;
        let (found, by_sparse) = value_and_gradient(|x| products.call(x), &x).unwrap();
        assert_eq!(found, products.call(&x).unwrap());
        assert!((found - value).abs() < 1e-13 * value.abs().max(1.0));
        let change = jvp(|x| products.call(x), &x, &direction).unwrap().1;
        let paired =
            by_sparse.0.dot(&*direction.0).unwrap() + by_sparse.1.dot(&*direction.1).unwrap();
        assert!((change - paired).abs() < 1e-12 * change.abs().max(1.0));
        let second = hvp(|x| products.call(x), &x, &direction).unwrap();
        for (found, expected) in [(by_sparse, slope), (second, product)] {
            near(&found.0, &expected.0, 1e-13);
            assert!(
                (&*found.1 - &*expected.1).amax() < 1e-13 * expected.1.amax().max(1.0)
                    || columns == 0
            );
        }
    }
}

/// What no entry meets contributes nothing, and what rests is not multiplied.
#[test]
fn infinities_stay_where_they_are() {
    let a = CscMatrix::from(&dmatrix![2.0, 0.0; 0.0, 3.0]);
    let a = SparseMatrix::from(&a);
    let b = Vector::from(dvector![f64::INFINITY, 1.0]);
    let (value, slope) =
        value_and_gradient(|a| Ok::<_, MatrixError>(a.matmul(&*b)?.get(1)), &a).unwrap();
    assert_eq!((value, slope.to_csc().values()), (3.0, &[0.0, 1.0][..]));
    let (_, along) = jvp(
        |a| Ok::<_, MatrixError>(a.matmul(&*b)?.get(1)),
        &a,
        &SparseMatrix::new(a.pattern(), dvector![0.0, 5.0]).unwrap(),
    )
    .unwrap();
    assert_eq!(along, 5.0);
}

#[test]
fn matrices_are_made_and_taken_apart() {
    let mut entries = CooMatrix::new(2, 3);
    for (i, j, x) in [(1, 2, 4.0), (0, 0, 1.0), (1, 2, 0.5)] {
        entries.push(i, j, x);
    }
    let a = SparseMatrix::from(&entries);
    assert_eq!((a.nrows(), a.ncols(), a.nnz()), (2, 3, 2));
    assert_eq!(a.to_csc(), CscMatrix::from(&entries));
    assert_eq!(SparseMatrix::from(&a.to_csc()), a);
    let full = dmatrix![4.0, 1.0, 0.0; 1.0, 2.0, -1.0; 0.0, -1.0, 3.0];
    let q = SparseSymmetric::try_from(&CscMatrix::from(&full)).unwrap();
    assert_eq!(**q.values(), dvector![4.0, 1.0, 2.0, -1.0, 3.0]);
    assert_eq!(DMatrix::from(&q.to_full().to_csc()), full);
    assert_eq!(q, SparseSymmetric::try_from(&q.to_lower_csc()).unwrap());
    let constant = SparseMatrix::<f64>::constant(&q.to_full().to_csc());
    let x = dvector![1.0, 2.0, 3.0];
    assert_eq!(*constant.matmul(&x).unwrap(), &full * &x);
    let form = |q: &SparseSymmetric<Var<f64>>| q.to_full().matmul(&x)?.dot(&x);
    let slope = gradient(form, &q).unwrap();
    assert_eq!(**slope.values(), dvector![1.0, 4.0, 4.0, 12.0, 9.0]);
}

#[test]
fn a_recording_is_replayed_elsewhere() {
    let pattern = grid(3, 4);
    let mut random = Sampler::new(9, 10);
    let mut uses = Uses::new(&pattern, &mut random);
    uses.route = Route::Factored;
    let [first, second] = [(); 2].map(|()| Vector::from(definite(&pattern, &mut random)));
    let mut recording = Recording::new(|x: &Vector<Var<f64>>| uses.call(x), &first).unwrap();
    let mut slope = first.clone();
    let value = recording.value_and_gradient(&second, &mut slope).unwrap();
    let expected = value_and_gradient(|x| uses.call(x), &second).unwrap();
    assert_eq!((value, slope), expected);
}

#[derive(Deserialize)]
struct Reference {
    cases: Vec<Case>,
}

/// See `data/sparse.py`.
#[derive(Deserialize)]
struct Case {
    name: String,
    shape: (usize, usize),
    places: Vec<(usize, usize)>,
    columns: usize,
    point: [Vec<f64>; 2],
    weights: Vec<f64>,
    direction: [Vec<f64>; 2],
    value: f64,
    gradient: [Vec<f64>; 2],
    product: [Vec<f64>; 2],
}

impl Case {
    /// Values and a matrix of these numbers.
    fn pair([values, b]: &[Vec<f64>; 2], columns: usize) -> (Vector<f64>, Matrix<f64>) {
        let rows = b.len().checked_div(columns).unwrap_or(0);
        let b = DMatrix::from_column_slice(rows, columns, b);
        (Vector::from(DVector::from_column_slice(values)), Matrix::from(b))
    }

    fn pattern(&self) -> SparsityPattern {
        let mut entries = CooMatrix::new(self.shape.0, self.shape.1);
        self.places.iter().for_each(|(i, j)| entries.push(*i, *j, 1.0));
        CscMatrix::from(&entries).pattern().clone()
    }
}

impl Function for Case {
    type Point = (Vector<f64>, Matrix<f64>);
    type Value = Result<f64, MatrixError>;

    fn call<T: Real>(&self, (values, b): &(Vector<T>, Matrix<T>)) -> Result<T, MatrixError> {
        let symmetric = || {
            let pattern = Arc::new(SymmetricPattern::new(&self.pattern()).unwrap());
            SparseSymmetric::new(&pattern, values.clone()).unwrap()
        };
        let oblong = || SparseMatrix::new(&Arc::new(self.pattern()), values.clone()).unwrap();
        let y = match self.name.as_str() {
            "ln_determinant" => return symmetric().ln_determinant(),
            "solve" => symmetric().solve(b)?,
            "matmul" => oblong().matmul(b)?,
            "tr_mul" => oblong().tr_mul(b)?,
            other => panic!("no function {other} here"),
        };
        let weights = DMatrix::from_column_slice(y.nrows(), self.columns, &self.weights);
        y.component_mul(&weights)?.dot(&y)
    }
}

/// Values by SciPy's sparse matrices, derivatives by JAX's dense ones.
#[test]
fn others_compute_the_same() {
    let reference: Reference =
        serde_json::from_str(include_str!("data/sparse.json")).expect("valid");
    assert_eq!(reference.cases.len(), 4);
    for case in &reference.cases {
        let [x, v, slope, change] = [&case.point, &case.direction, &case.gradient, &case.product]
            .map(|pair| Case::pair(pair, case.columns));
        let (value, gradient) = value_and_gradient(|x| case.call(x), &x).unwrap();
        assert!((value - case.value).abs() <= 1e-13 * value.abs(), "{}", case.name);
        let product = hvp(|x| case.call(x), &x, &v).unwrap();
        let rate = jvp(|x| case.call(x), &x, &v).unwrap().1;
        let paired = slope.0.dot(&*v.0).unwrap() + slope.1.dot(&*v.1).unwrap();
        assert!((rate - paired).abs() <= 1e-12 * paired.abs(), "{}", case.name);
        // Entry by entry, as the rows are of different sizes.
        for (found, expected) in [(gradient, slope), (product, change)] {
            let pairs = found.0.iter().zip(expected.0.iter());
            for (found, expected) in pairs.chain(found.1.iter().zip(expected.1.iter())) {
                let error = (found - expected).abs();
                assert!(error <= 1e-11 * expected.abs(), "{}: {found} {expected}", case.name);
            }
        }
    }
}
