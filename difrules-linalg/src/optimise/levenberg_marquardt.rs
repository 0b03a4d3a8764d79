//! Functions as least-squares problems.

use difrules_core::{Differentiable, Dual, Function, Returns, With, value_and_jacobian};
use levenberg_marquardt::LeastSquaresProblem;
use nalgebra_of_levenberg_marquardt::{DMatrix, DVector, Dyn, U1, VecStorage};

/// A [`Function`] as a problem of `levenberg-marquardt`: the x for which the sum of the squares of its values is least.
///
/// It is of the numbers of the point, and its residuals are the numbers of the value: a structure, a matrix, an
/// array, what the function is written with. That crate has another version of nalgebra than this one: what passes
/// between them are slices.
///
/// ```
/// use difrules_core::{Function, Real, lit};
/// use difrules_linalg::LeastSquares;
/// use levenberg_marquardt::LevenbergMarquardt;
/// use nalgebra::{ComplexField, DVector, dvector};
///
/// /// An exponential through points, y = a exp(-b t).
/// struct Decay {
///     points: Vec<(f64, f64)>,
/// }
///
/// impl Function for Decay {
///     type Point = (f64, f64);
///     type Value = DVector<f64>;
///
///     fn call<T: Real>(&self, (a, b): &(T, T)) -> DVector<T> {
///         let left = |&(t, y): &(f64, f64)| *a * (-*b * lit(t)).exp() - lit(y);
///         DVector::from_iterator(self.points.len(), self.points.iter().map(left))
///     }
/// }
///
/// let points = (0..20).map(|i| 0.1 * f64::from(i)).map(|t| (t, 3.0 * (-0.7 * t).exp())).collect();
/// let (found, report) = LevenbergMarquardt::new().minimize(LeastSquares::new(Decay { points }, (1.0, 1.0)));
/// assert!(report.termination.was_successful());
/// let (a, b) = found.point();
/// assert!((a - 3.0).abs() < 1e-9 && (b - 0.7).abs() < 1e-9);
/// ```
pub struct LeastSquares<F: Function> {
    function: F,
    point: F::Point,
    /// Values and Jacobian there, which that crate asks for one after the other: those of a point are computed at once.
    there: std::cell::OnceCell<Option<(Vec<f64>, nalgebra::DMatrix<f64>)>>,
    /// Why the function failed.
    failed: std::cell::RefCell<Option<<F::Value as Returns>::Error>>,
}

impl<F: Function> LeastSquares<F> {
    /// A function, and where to start.
    pub fn new(function: F, start: F::Point) -> Self {
        Self {
            function,
            point: start,
            there: std::cell::OnceCell::new(),
            failed: std::cell::RefCell::new(None),
        }
    }

    /// Where it is, the solution at the end.
    pub fn point(&self) -> &F::Point {
        &self.point
    }

    /// Why the function failed last, if it did: that crate says only that it did.
    pub fn error(&self) -> Option<<F::Value as Returns>::Error> {
        self.failed.take()
    }

    /// Values and Jacobian at the point.
    fn there(&self) -> Option<&(Vec<f64>, nalgebra::DMatrix<f64>)> {
        let evaluate = || {
            let call = |x: &With<F::Point, Dual<f64, 4>>| self.function.try_call::<Dual<f64, 4>>(x);
            let found = value_and_jacobian(call, &self.point);
            let found = found.map_err(|error| self.failed.replace(Some(error))).ok();
            found.map(|(value, jacobian)| (value.to_reals(), jacobian))
        };
        self.there.get_or_init(evaluate).as_ref()
    }
}

impl<F: Function> LeastSquaresProblem<f64, Dyn, Dyn> for LeastSquares<F> {
    type ResidualStorage = VecStorage<f64, Dyn, U1>;
    type JacobianStorage = VecStorage<f64, Dyn, Dyn>;
    type ParameterStorage = VecStorage<f64, Dyn, U1>;

    fn set_params(&mut self, x: &DVector<f64>) {
        self.point = F::Point::from_reals(&self.point.shape(), x.as_slice());
        self.there.take();
    }

    fn params(&self) -> DVector<f64> {
        DVector::from_vec(self.point.to_reals())
    }

    fn residuals(&self) -> Option<DVector<f64>> {
        self.there().map(|(residuals, _)| DVector::from_column_slice(residuals))
    }

    fn jacobian(&self) -> Option<DMatrix<f64>> {
        let (_, jacobian) = self.there()?;
        Some(DMatrix::from_column_slice(jacobian.nrows(), jacobian.ncols(), jacobian.as_slice()))
    }
}
