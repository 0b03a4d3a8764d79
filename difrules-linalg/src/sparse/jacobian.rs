//! Jacobians by compressed columns or rows.

use difrules_core::__private::{jvps_by_number, vjps_by_number};
use difrules_core::{Differentiable, Dual, Function, Returns, Var, With};
use nalgebra_sparse::CscMatrix;
use nalgebra_sparse::pattern::SparsityPattern;

use super::colouring::{Colouring, apart};
use super::error::SparseError;
use super::pattern::{Known, Order};

/// How many directions one forward evaluation has.
pub(super) const DIRECTIONS: usize = 4;

/// What a function fails with.
pub(super) type Failure<F> = <<F as Function>::Value as Returns>::Error;

/// A function's value.
pub(super) type Value<F> = <<F as Function>::Value as Returns>::Value;

/// The Jacobian of a function, by the sparsity pattern at this point: a row for each number of its value, a column
/// for each of `x`.
///
/// To evaluate it at many points, prepare a [`SparseJacobian`]: the pattern and the colouring take longer than an
/// evaluation.
///
/// # Errors
/// [`SparseError::Function`], the function's own.
///
/// ```
/// use difrules_core::{Function, Real};
/// use difrules_linalg::sparse::sparse_jacobian;
/// use nalgebra::{DVector, dvector};
///
/// /// Differences of neighbours.
/// struct Differences;
///
/// impl Function for Differences {
///     type Point = DVector<f64>;
///     type Value = DVector<f64>;
///
///     fn call<T: Real>(&self, x: &DVector<T>) -> DVector<T> {
///         DVector::from_fn(x.len() - 1, |i, _| x[i + 1] * x[i + 1] - x[i])
///     }
/// }
///
/// let jacobian = sparse_jacobian(&Differences, &dvector![1.0, 2.0, 3.0])?;
/// assert_eq!(jacobian.nnz(), 4);
/// let dense = nalgebra::DMatrix::from(&jacobian);
/// assert_eq!(dense, nalgebra::dmatrix![-1.0, 4.0, 0.0; 0.0, -1.0, 6.0]);
/// # Ok::<(), difrules_linalg::sparse::SparseError>(())
/// ```
pub fn sparse_jacobian<F: Function>(
    function: &F,
    x: &F::Point,
) -> Result<CscMatrix<f64>, SparseError<Failure<F>>> {
    SparseJacobian::at(function, x)?.jacobian(function, x)
}

/// The value of a function and its Jacobian, as [`sparse_jacobian`].
///
/// # Errors
/// [`SparseError::Function`], the function's own.
///
/// ```
/// use difrules_core::{Function, Real};
/// use difrules_linalg::sparse::value_and_sparse_jacobian;
/// use nalgebra::{DVector, dvector};
///
/// struct Squares;
///
/// impl Function for Squares {
///     type Point = DVector<f64>;
///     type Value = DVector<f64>;
///
///     fn call<T: Real>(&self, x: &DVector<T>) -> DVector<T> {
///         x.map(|x| x * x)
///     }
/// }
///
/// let (value, jacobian) = value_and_sparse_jacobian(&Squares, &dvector![1.0, 2.0])?;
/// assert_eq!(value, dvector![1.0, 4.0]);
/// assert_eq!(jacobian.values(), [2.0, 4.0]);
/// # Ok::<(), difrules_linalg::sparse::SparseError>(())
/// ```
pub fn value_and_sparse_jacobian<F: Function>(
    function: &F,
    x: &F::Point,
) -> Result<(Value<F>, CscMatrix<f64>), SparseError<Failure<F>>> {
    SparseJacobian::at(function, x)?.value_and_jacobian(function, x)
}

/// Which columns, or rows, of a sparse Jacobian are evaluated together: prepared once, for any number of points.
///
/// ```
/// use difrules_core::{Function, Real};
/// use difrules_linalg::sparse::SparseJacobian;
/// use nalgebra::DVector;
///
/// /// The flow of heat on a line.
/// struct Heat;
///
/// impl Function for Heat {
///     type Point = DVector<f64>;
///     type Value = DVector<f64>;
///
///     fn call<T: Real>(&self, u: &DVector<T>) -> DVector<T> {
///         let at = |i: usize| u.get(i).copied().unwrap_or(T::zero());
///         DVector::from_fn(u.len(), |i, _| at(i.wrapping_sub(1)) - at(i) - at(i) + at(i + 1))
///     }
/// }
///
/// let mut u = DVector::from_fn(100, |i, _| i as f64);
/// let plan = SparseJacobian::at(&Heat, &u)?;
/// assert_eq!(plan.directions(), 3);
/// for _ in 0..3 {
///     let (flow, jacobian) = plan.value_and_jacobian(&Heat, &u)?;
///     assert_eq!(jacobian.nnz(), 298);
///     u += flow * 0.1;
/// }
/// # Ok::<(), difrules_linalg::sparse::SparseError>(())
/// ```
#[derive(Debug, Clone)]
pub struct SparseJacobian {
    pattern: SparsityPattern,
    colouring: Colouring,
    /// Whether rows are coloured, not columns.
    by_rows: bool,
    known: Known,
}

impl SparseJacobian {
    /// Prepares the Jacobian of a function, by the pattern that it has at a point.
    ///
    /// # Errors
    /// [`SparseError::Function`], the function's own.
    pub fn at<F: Function>(function: &F, x: &F::Point) -> Result<Self, SparseError<Failure<F>>> {
        let (pattern, known) = Known::at(Order::Jacobian, function, x)?;
        Ok(Self { known, ..Self::new(pattern) })
    }

    /// Prepares a Jacobian of this pattern, whose lanes are the columns.
    ///
    /// Columns are compressed for forward evaluations, or rows for reverse sweeps, whichever takes fewer of
    /// them: an evaluation has four columns.
    #[must_use]
    pub fn new(pattern: SparsityPattern) -> Self {
        let rows = pattern.transpose();
        // A full row takes a colour a column, a full column one a row.
        let full = |lanes: &SparsityPattern| {
            (0..lanes.major_dim()).map(|lane| lanes.lane(lane).len()).max().unwrap_or(0)
        };
        let sweeps = |colours: usize| colours.div_ceil(DIRECTIONS);
        let (by_columns, by_rows) = if full(&pattern) < sweeps(full(&rows)) {
            let by_rows = apart(&rows, &pattern);
            let is_better = by_rows.count <= sweeps(full(&rows));
            ((!is_better).then(|| apart(&pattern, &rows)), Some(by_rows))
        } else {
            let by_columns = apart(&pattern, &rows);
            let is_better = sweeps(by_columns.count) <= full(&pattern);
            (Some(by_columns), (!is_better).then(|| apart(&rows, &pattern)))
        };
        let (colouring, by_rows) = match (by_columns, by_rows) {
            (Some(columns), Some(rows)) if rows.count < sweeps(columns.count) => (rows, true),
            (Some(columns), _) => (columns, false),
            (None, Some(rows)) => (rows, true),
            (None, None) => unreachable!("one of them was coloured"),
        };
        Self { pattern, colouring, by_rows, known: Known::default() }
    }

    /// The same without a look whether the function fits the pattern, which takes another evaluation at each point: for one that
    /// is known to have no derivative outside of it at any point. Of another the derivatives are wrong, and nobody says so.
    #[must_use]
    pub fn trusted(self) -> Self {
        Self { known: self.known.all(), ..self }
    }

    /// The sparsity pattern; its lanes are the columns.
    #[must_use]
    pub fn pattern(&self) -> &SparsityPattern {
        &self.pattern
    }

    /// How many directions are evaluated: four in each forward evaluation, or one in each reverse sweep.
    #[must_use]
    pub fn directions(&self) -> usize {
        self.colouring.count
    }

    /// Whether it is evaluated by reverse sweeps.
    #[must_use]
    pub fn is_reverse(&self) -> bool {
        self.by_rows
    }

    /// The Jacobian of a function at a point.
    ///
    /// # Errors
    /// As [`value_and_jacobian`](Self::value_and_jacobian).
    pub fn jacobian<F: Function>(
        &self,
        function: &F,
        x: &F::Point,
    ) -> Result<CscMatrix<f64>, SparseError<Failure<F>>> {
        self.value_and_jacobian(function, x).map(|(_, jacobian)| jacobian)
    }

    /// The value of a function and its Jacobian at a point.
    ///
    /// # Errors
    /// - [`SparseError::Function`]: the function's own.
    /// - [`SparseError::Count`]: the point or the value has another count of numbers.
    /// - [`SparseError::Pattern`]: the function takes another branch at this point, where it has a derivative outside of
    ///   the pattern.
    pub fn value_and_jacobian<F: Function>(
        &self,
        function: &F,
        x: &F::Point,
    ) -> Result<(Value<F>, CscMatrix<f64>), SparseError<Failure<F>>> {
        let (rows, columns) = (self.pattern.minor_dim(), self.pattern.major_dim());
        demand("point", F::Point::count(&x.shape()), columns)?;
        self.known.demand((Order::Jacobian, &self.pattern), function, x)?;
        let call = |x: &With<F::Point, Dual<f64, DIRECTIONS>>| {
            function.try_call::<Dual<f64, DIRECTIONS>>(x)
        };
        let colours = &self.colouring.of;
        let entries = self.pattern.entries();
        let (value, entries): (_, Vec<f64>) = if self.by_rows {
            let call = |x: &With<F::Point, Var<f64>>| function.try_call::<Var<f64>>(x);
            let member = |colour, row: usize| f64::from(colours.get(row) == Some(&colour));
            let (value, sums) = vjps_by_number(call, x, self.colouring.count, member)
                .map_err(SparseError::Function)?;
            demand("value", Value::<F>::count(&value.shape()), rows)?;
            (value, entries.map(|(column, row)| sums[colours[row]][column]).collect())
        } else {
            let mut sums = Vec::new();
            let mut first = None;
            for colour in (0..self.colouring.count.max(1)).step_by(DIRECTIONS) {
                let members = |column: usize| {
                    std::array::from_fn(|k| f64::from(colours[column] == colour + k))
                };
                let (value, tangents) =
                    jvps_by_number(call, x, members).map_err(SparseError::Function)?;
                demand("value", Value::<F>::count(&value.shape()), rows)?;
                first.get_or_insert(value);
                sums.push(tangents);
            }
            let entry = |(column, row): (usize, usize)| {
                let colour = colours[column];
                sums[colour / DIRECTIONS][row][colour % DIRECTIONS]
            };
            (first.expect("evaluated once at least"), entries.map(entry).collect())
        };
        let jacobian = CscMatrix::try_from_pattern_and_values(self.pattern.clone(), entries)
            .expect("an entry for each place");
        Ok((value, jacobian))
    }
}

impl Colouring {
    /// A value like `x` with ones where the numbers have this colour.
    pub(super) fn direction<X: Differentiable<Real = f64>>(&self, x: &X, colour: usize) -> X {
        let numbers: Vec<_> = self.of.iter().map(|of| f64::from(*of == colour)).collect();
        X::from_reals(&x.shape(), &numbers)
    }
}

/// Demands that something has as many numbers as the pattern is for.
pub(super) fn demand<F>(
    what: &'static str,
    found: usize,
    expected: usize,
) -> Result<(), SparseError<F>> {
    if found == expected { Ok(()) } else { Err(SparseError::Count { what, found, expected }) }
}
