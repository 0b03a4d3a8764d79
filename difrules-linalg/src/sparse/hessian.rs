//! Hessians by compressed columns.

use difrules_core::{Differentiable, Dual, Function, Returns, Var, With, value_gradient_and_hvps};
use nalgebra_sparse::CscMatrix;
use nalgebra_sparse::pattern::SparsityPattern;

use super::colouring::{Colouring, star};
use super::error::SparseError;
use super::jacobian::{DIRECTIONS, Failure, demand};
use super::pattern::{Known, Order};

/// The Hessian of a function, by the sparsity pattern at this point: all of it, not a triangle.
///
/// To evaluate it at many points, prepare a [`SparseHessian`]: the pattern and the colouring take longer than an
/// evaluation.
///
/// # Errors
/// [`SparseError::Function`], the function's own.
///
/// ```
/// use difrules_core::{Function, Real};
/// use difrules_linalg::sparse::sparse_hessian;
/// use nalgebra::{DVector, dvector};
///
/// /// Products of neighbours.
/// struct Chain;
///
/// impl Function for Chain {
///     type Point = DVector<f64>;
///     type Value = f64;
///
///     fn call<T: Real>(&self, x: &DVector<T>) -> T {
///         x.as_slice().windows(2).map(|pair| pair[0] * pair[1]).sum()
///     }
/// }
///
/// let hessian = sparse_hessian(&Chain, &dvector![1.0, 2.0, 3.0])?;
/// let dense = nalgebra::DMatrix::from(&hessian);
/// assert_eq!(dense, nalgebra::dmatrix![0.0, 1.0, 0.0; 1.0, 0.0, 1.0; 0.0, 1.0, 0.0]);
/// assert_eq!(hessian.nnz(), 4);
/// # Ok::<(), difrules_linalg::sparse::SparseError>(())
/// ```
pub fn sparse_hessian<F: Function<Value: Returns<Value = f64>>>(
    function: &F,
    x: &F::Point,
) -> Result<CscMatrix<f64>, SparseError<Failure<F>>> {
    SparseHessian::at(function, x)?.hessian(function, x)
}

/// The value, the gradient and the Hessian of a function, as [`sparse_hessian`].
///
/// # Errors
/// [`SparseError::Function`], the function's own.
///
/// ```
/// use difrules_core::{Function, Real};
/// use difrules_linalg::sparse::value_gradient_and_sparse_hessian;
/// use nalgebra::{DVector, dvector};
///
/// struct Cubes;
///
/// impl Function for Cubes {
///     type Point = DVector<f64>;
///     type Value = f64;
///
///     fn call<T: Real>(&self, x: &DVector<T>) -> T {
///         x.iter().map(|x| *x * *x * *x).sum()
///     }
/// }
///
/// let (value, gradient, hessian) =
///     value_gradient_and_sparse_hessian(&Cubes, &dvector![1.0, 2.0])?;
/// assert_eq!((value, gradient), (9.0, dvector![3.0, 12.0]));
/// assert_eq!(hessian.values(), [6.0, 12.0]);
/// # Ok::<(), difrules_linalg::sparse::SparseError>(())
/// ```
pub fn value_gradient_and_sparse_hessian<F: Function<Value: Returns<Value = f64>>>(
    function: &F,
    x: &F::Point,
) -> Result<(f64, F::Point, CscMatrix<f64>), SparseError<Failure<F>>> {
    SparseHessian::at(function, x)?.value_gradient_and_hessian(function, x)
}

/// Which columns of a sparse Hessian are evaluated together: prepared once, for any number of points.
///
/// ```
/// use difrules_core::{Function, Real};
/// use difrules_linalg::sparse::SparseHessian;
/// use nalgebra::DVector;
///
/// struct Rosenbrock;
///
/// impl Function for Rosenbrock {
///     type Point = DVector<f64>;
///     type Value = f64;
///
///     fn call<T: Real>(&self, x: &DVector<T>) -> T {
///         let term = |x: &[T]| {
///             let (a, b) = (T::one() - x[0], x[1] - x[0] * x[0]);
///             a * a + b * b * difrules_core::lit(100.0)
///         };
///         x.as_slice().windows(2).map(term).sum()
///     }
/// }
///
/// let x = DVector::repeat(1000, 1.5);
/// let plan = SparseHessian::at(&Rosenbrock, &x)?;
/// assert_eq!(plan.directions(), 3);
/// assert_eq!(plan.hessian(&Rosenbrock, &x)?.nnz(), 3 * 1000 - 2);
/// # Ok::<(), difrules_linalg::sparse::SparseError>(())
/// ```
#[derive(Debug, Clone)]
pub struct SparseHessian {
    pattern: SparsityPattern,
    colouring: Colouring,
    /// Where each entry is read: the colour of a sum of columns, and the place there.
    read: Vec<(usize, usize)>,
    known: Known,
}

impl SparseHessian {
    /// Prepares the Hessian of a function, by the pattern that it has at a point.
    ///
    /// # Errors
    /// [`SparseError::Function`], the function's own.
    pub fn at<F: Function<Value: Returns<Value = f64>>>(
        function: &F,
        x: &F::Point,
    ) -> Result<Self, SparseError<Failure<F>>> {
        let (pattern, known) = Known::at(Order::Hessian, function, x)?;
        Ok(Self { known, ..Self::new(pattern) })
    }

    /// Prepares a Hessian of this pattern.
    ///
    /// # Panics
    /// If the pattern is not symmetric.
    #[must_use]
    pub fn new(pattern: SparsityPattern) -> Self {
        assert!(pattern == pattern.transpose(), "the pattern of a Hessian is symmetric");
        let colouring = star(&pattern);
        let count = pattern.major_dim();
        let colours = &colouring.of;
        // How many entries of each row have each colour: where one, it stands there by itself.
        let mut among = vec![0_u32; colouring.count * count];
        for (column, row) in pattern.entries() {
            among[colours[column] * count + row] += 1;
        }
        let read = pattern.entries().map(|(column, row)| {
            let by_column = (colours[column], row);
            let by_row = (colours[row], column);
            let alone = |(colour, place): &(usize, usize)| among[colour * count + place] == 1;
            if alone(&by_column) { by_column } else { by_row }
        });
        let read: Vec<_> = read.collect();
        assert!(
            read.iter().all(|(colour, place)| among[colour * count + place] == 1),
            "in a star colouring each entry stands by itself"
        );
        Self { pattern, colouring, read, known: Known::default() }
    }

    /// The same without a look whether the function fits the pattern, which takes another evaluation at each point: for one that
    /// is known to have no derivative outside of it at any point. Of another the derivatives are wrong, and nobody says so.
    #[must_use]
    pub fn trusted(self) -> Self {
        Self { known: self.known.all(), ..self }
    }

    /// The sparsity pattern, which is symmetric.
    #[must_use]
    pub fn pattern(&self) -> &SparsityPattern {
        &self.pattern
    }

    /// How many directions are evaluated, four in each evaluation.
    #[must_use]
    pub fn directions(&self) -> usize {
        self.colouring.count
    }

    /// The Hessian of a function at a point.
    ///
    /// # Errors
    /// As [`value_gradient_and_hessian`](Self::value_gradient_and_hessian).
    pub fn hessian<F: Function<Value: Returns<Value = f64>>>(
        &self,
        function: &F,
        x: &F::Point,
    ) -> Result<CscMatrix<f64>, SparseError<Failure<F>>> {
        self.value_gradient_and_hessian(function, x).map(|(_, _, hessian)| hessian)
    }

    /// The value, the gradient and the Hessian of a function at a point.
    ///
    /// # Errors
    /// - [`SparseError::Function`]: the function's own.
    /// - [`SparseError::Count`]: the point has another count of numbers.
    /// - [`SparseError::Pattern`]: the function takes another branch at this point, where it has a second derivative
    ///   outside of the pattern.
    pub fn value_gradient_and_hessian<F: Function<Value: Returns<Value = f64>>>(
        &self,
        function: &F,
        x: &F::Point,
    ) -> Result<(f64, F::Point, CscMatrix<f64>), SparseError<Failure<F>>> {
        let count = self.pattern.major_dim();
        demand("point", F::Point::count(&x.shape()), count)?;
        self.known.demand((Order::Hessian, &self.pattern), function, x)?;
        let call = |x: &With<F::Point, Var<Dual<f64, DIRECTIONS>>>| {
            function.try_call::<Var<Dual<f64, DIRECTIONS>>>(x)
        };
        let colours = self.colouring.count;
        let mut sums: Vec<Vec<f64>> = Vec::with_capacity(colours);
        let mut first = None;
        for colour in (0..colours.max(1)).step_by(DIRECTIONS) {
            let directions = std::array::from_fn(|k| self.colouring.direction(x, colour + k));
            let (value, gradient, products) =
                value_gradient_and_hvps(call, x, &directions).map_err(SparseError::Function)?;
            first.get_or_insert((value, gradient));
            let left = colours - colour.min(colours);
            sums.extend(products.iter().take(left).map(Differentiable::to_reals));
        }
        let entries = self.read.iter().map(|(colour, place)| sums[*colour][*place]).collect();
        let hessian = CscMatrix::try_from_pattern_and_values(self.pattern.clone(), entries)
            .expect("an entry for each place");
        let (value, gradient) = first.expect("evaluated once at least");
        Ok((value, gradient, hessian))
    }
}
