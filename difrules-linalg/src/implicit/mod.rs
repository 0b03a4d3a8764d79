#![doc = include_str!("implicit.md")]

mod convergence;
mod equation;
mod error;
mod krylov;
mod operator;

use std::sync::Arc;

use difrules_core::contract::OutcomeOf;
use difrules_core::{Differentiable, Function, Real, Returns, With, lit};
use nalgebra::DVector;

use convergence::{Unconverged, unconverged};
use equation::{Equation, FixedPoint, Minimum, Root, count};
use error::Defect;
pub use error::ImplicitError;
use operator::operator_solve;
pub use operator::{ConjugateGradients, Dense, Gmres, LinearSolver};

/// The x of f(x, p) = 0 that `solve` finds, as a function of the parameters p, with derivatives of every order in
/// every mode.
///
/// See [`Implicit::root`], and [`implicit`](crate::implicit) for all about it.
///
/// # Errors
/// Those of [`Implicit::root`].
///
/// ```
/// use difrules_core::{Function, Real, gradient};
/// use difrules_linalg::root;
/// use nalgebra::ComplexField;
///
/// /// Kepler's equation, E - e sin E = M.
/// struct Kepler;
///
/// impl Function for Kepler {
///     type Point = (f64, (f64, f64));
///     type Value = f64;
///
///     fn call<T: Real>(&self, (anomaly, (mean, eccentricity)): &(T, (T, T))) -> T {
///         *anomaly - *eccentricity * anomaly.sin() - *mean
///     }
/// }
///
/// fn anomaly<T: Real>(orbit: &(T, T)) -> T {
///     let solve = |&(mean, eccentricity): &(f64, f64)| {
///         (0..50).fold(mean, |anomaly, _| mean + eccentricity * anomaly.sin())
///     };
///     root(Kepler, solve, orbit).unwrap()
/// }
///
/// let anomaly_here: f64 = anomaly(&(1.0, 0.3));
/// let (by_mean, by_eccentricity) = gradient(anomaly, &(1.0_f64, 0.3));
/// let slope = 1.0 / (1.0 - 0.3 * anomaly_here.cos());
/// assert!((by_mean - slope).abs() < 1e-14);
/// assert!((by_eccentricity - anomaly_here.sin() * slope).abs() < 1e-14);
/// ```
pub fn root<F, X, P, Y>(
    function: F,
    solve: impl FnOnce(&With<P, f64>) -> Y,
    parameters: &P,
) -> Result<With<X, P::Real>, ImplicitError<Y::Error, <F::Value as Returns>::Error>>
where
    F: Function<Point = (X, With<P, f64>)>,
    X: Differentiable<Real = f64>,
    P: Differentiable,
    Y: OutcomeOf<X, Aux = ()>,
{
    Implicit::new().root(function, solve, parameters)
}

/// The x = f(x, p) that `solve` finds, as a function of the parameters p, with derivatives of every order in every
/// mode.
///
/// See [`Implicit::fixed_point`], and [`implicit`](crate::implicit) for all about it.
///
/// # Errors
/// Those of [`Implicit::fixed_point`].
///
/// ```
/// use difrules_core::{Function, Real, gradient, lit};
/// use difrules_linalg::fixed_point;
///
/// /// Heron's iteration.
/// struct Heron;
///
/// impl Function for Heron {
///     type Point = (f64, f64);
///     type Value = f64;
///
///     fn call<T: Real>(&self, (x, square): &(T, T)) -> T {
///         (*x + *square / *x) * lit(0.5)
///     }
/// }
///
/// /// Any solver: here the iteration itself.
/// let solve = |square: &f64| (0..20).fold(1.0, |x, _| Heron.call(&(x, *square)));
/// let slope = gradient(|square| fixed_point(Heron, solve, square), &2.0_f64)?;
/// assert!((slope - 0.125_f64.sqrt()).abs() < 1e-15);
/// # Ok::<(), difrules_linalg::ImplicitError>(())
/// ```
pub fn fixed_point<F, X, P, Y>(
    function: F,
    solve: impl FnOnce(&With<P, f64>) -> Y,
    parameters: &P,
) -> Result<With<X, P::Real>, ImplicitError<Y::Error, <F::Value as Returns>::Error>>
where
    F: Function<Point = (X, With<P, f64>), Value: Returns<Value = X>>,
    X: Differentiable<Real = f64>,
    P: Differentiable,
    Y: OutcomeOf<X, Aux = ()>,
{
    Implicit::new().fixed_point(function, solve, parameters)
}

/// The x of the least f(x, p) that `solve` finds, as a function of the parameters p, with derivatives of every order in
/// every mode.
///
/// See [`Implicit::minimum`], and [`implicit`](crate::implicit) for all about it.
///
/// # Errors
/// Those of [`Implicit::minimum`].
///
/// ```
/// use difrules_core::{Function, Real, jacobian};
/// use difrules_linalg::minimum;
/// use nalgebra::{Vector2, dmatrix, vector};
///
/// /// Of two springs, one from the origin and one from the point (1, 0), the second with stiffness p.
/// struct Springs;
///
/// impl Function for Springs {
///     type Point = (Vector2<f64>, f64);
///     type Value = f64;
///
///     fn call<T: Real>(&self, (x, stiffness): &(Vector2<T>, T)) -> T {
///         x.norm_squared() + *stiffness * (x - vector![T::one(), T::zero()]).norm_squared()
///     }
/// }
///
/// let solve = |&p: &f64| vector![p / (1.0 + p), 0.0];
/// let slope = jacobian(|p| minimum(Springs, solve, p), &3.0_f64)?;
/// assert!((slope - dmatrix![1.0 / 16.0; 0.0]).norm() < 1e-15);
/// # Ok::<(), difrules_linalg::ImplicitError>(())
/// ```
pub fn minimum<F, X, P, Y>(
    function: F,
    solve: impl FnOnce(&With<P, f64>) -> Y,
    parameters: &P,
) -> Result<With<X, P::Real>, ImplicitError<Y::Error, <F::Value as Returns>::Error>>
where
    F: Function<Point = (X, With<P, f64>), Value: Returns<Value = f64>>,
    X: Differentiable<Real = f64>,
    P: Differentiable,
    Y: OutcomeOf<X, Aux = ()>,
{
    Implicit::new().minimum(function, solve, parameters)
}

/// How the derivatives of an implicit function are found, and how well its solver has to have solved.
///
/// ```
/// use difrules_core::{Function, Real, gradient};
/// use difrules_linalg::{Gmres, Implicit, Vector, elementwise};
/// use nalgebra::DVector;
///
/// /// x + x^3 = p, entry by entry, for many entries.
/// struct Cubes;
///
/// impl Function for Cubes {
///     type Point = (Vector<f64>, Vector<f64>);
///     type Value = Vector<f64>;
///
///     fn call<T: Real>(&self, (x, p): &(Vector<T>, Vector<T>)) -> Vector<T> {
///         elementwise!(|x, p| x + x ^ 3 - p, x, p)
///     }
/// }
///
/// fn solve(p: &Vector<f64>) -> Vector<f64> {
///     let newton = |p: f64| (0..50).fold(p, |x: f64, _| x - (x + x * x * x - p) / (1.0 + 3.0 * x * x));
///     Vector::from((**p).map(newton))
/// }
///
/// let by_products = Implicit::new().linear_solver(Gmres::default());
/// let p = Vector::from(DVector::from_element(1000, 2.0_f64));
/// let slope = gradient(|p| by_products.root(Cubes, solve, p).map(|x| x.sum()), &p)?;
/// assert!((slope[999] - 0.25).abs() < 1e-12);
/// # Ok::<(), difrules_linalg::ImplicitError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Implicit<L = Dense> {
    tolerance: f64,
    linear_solver: L,
}

impl Default for Implicit {
    fn default() -> Self {
        Self::new()
    }
}

impl Implicit {
    /// All entries of the Jacobian, and a solver that has to have solved to 1e-6.
    #[must_use]
    pub fn new() -> Self {
        Self { tolerance: 1e-6, linear_solver: Dense }
    }
}

impl<L> Implicit<L> {
    /// By how much, relatively, the unknowns may be changed to make what is left of each equation: 1e-6 by default.
    /// The derivatives are those at the point that the solver found, so they are no better than that.
    #[must_use]
    pub fn tolerance(self, tolerance: f64) -> Self {
        Self { tolerance, ..self }
    }

    /// How to solve with the Jacobian: [`Dense`] by default, [`Gmres`] or [`ConjugateGradients`].
    #[must_use]
    pub fn linear_solver<M>(self, linear_solver: M) -> Implicit<M> {
        Implicit { tolerance: self.tolerance, linear_solver }
    }

    /// The x of f(x, p) = 0 that `solve` finds. There are as many equations as unknowns; the value of f may have
    /// another shape than x.
    ///
    /// `solve` is called once, with the parameters as plain numbers, and returns x, or a `Result` or an `Option` of it.
    /// The value is what it returned, bit for bit.
    ///
    /// # Errors
    /// [`ImplicitError::Solver`] and [`ImplicitError::Function`], what solver and function fail with;
    /// [`ImplicitError::NotConverged`]; [`ImplicitError::Count`]. Where parameters vary,
    /// [`ImplicitError::Singular`], [`ImplicitError::NotFinite`] and [`ImplicitError::NotSolved`].
    pub fn root<F, X, P, Y>(
        &self,
        function: F,
        solve: impl FnOnce(&With<P, f64>) -> Y,
        parameters: &P,
    ) -> Result<With<X, P::Real>, ImplicitError<Y::Error, <F::Value as Returns>::Error>>
    where
        F: Function<Point = (X, With<P, f64>)>,
        X: Differentiable<Real = f64>,
        P: Differentiable,
        Y: OutcomeOf<X, Aux = ()>,
        L: LinearSolver<Root<F>>,
    {
        self.implicit::<_, P::Real, _>(Root(function), solve, parameters)
    }

    /// The x = f(x, p) that `solve` finds, as [`root`](Self::root).
    ///
    /// # Errors
    /// Those of [`root`](Self::root).
    pub fn fixed_point<F, X, P, Y>(
        &self,
        function: F,
        solve: impl FnOnce(&With<P, f64>) -> Y,
        parameters: &P,
    ) -> Result<With<X, P::Real>, ImplicitError<Y::Error, <F::Value as Returns>::Error>>
    where
        F: Function<Point = (X, With<P, f64>), Value: Returns<Value = X>>,
        X: Differentiable<Real = f64>,
        P: Differentiable,
        Y: OutcomeOf<X, Aux = ()>,
        L: LinearSolver<FixedPoint<F>>,
    {
        self.implicit::<_, P::Real, _>(FixedPoint(function), solve, parameters)
    }

    /// The x of the least f(x, p) that `solve` finds, as [`root`](Self::root) of the gradient by x. Any stationary
    /// point will do.
    ///
    /// # Errors
    /// Those of [`root`](Self::root).
    pub fn minimum<F, X, P, Y>(
        &self,
        function: F,
        solve: impl FnOnce(&With<P, f64>) -> Y,
        parameters: &P,
    ) -> Result<With<X, P::Real>, ImplicitError<Y::Error, <F::Value as Returns>::Error>>
    where
        F: Function<Point = (X, With<P, f64>), Value: Returns<Value = f64>>,
        X: Differentiable<Real = f64>,
        P: Differentiable,
        Y: OutcomeOf<X, Aux = ()>,
        L: LinearSolver<Minimum<F>>,
    {
        self.implicit::<_, P::Real, _>(Minimum(function), solve, parameters)
    }

    fn implicit<E, S, Y>(
        &self,
        equation: E,
        solve: impl FnOnce(&E::Parameters) -> Y,
        parameters: &With<E::Parameters, S>,
    ) -> Result<With<E::Unknown, S>, ImplicitError<Y::Error, E::Error>>
    where
        E: Equation,
        S: Real,
        Y: OutcomeOf<E::Unknown, Aux = ()>,
        L: LinearSolver<E>,
    {
        let equation = Arc::new(equation);
        let p = parameters.map_reals::<f64>(&mut |p| p.to_f64());
        let x = solve(&p).into_parts().0.map_err(ImplicitError::Solver)?;
        let prepare = || self.linear_solver.prepare(&equation, &x, &p);
        self.judge(&*equation, (&x, &p), || Some(Arc::new(prepare().ok()?)))?;
        let mut y = x.map_reals::<S>(&mut |x| lit(x));
        let mut operator = None;
        // Each time the derivatives of one more order are right: see the page `implicit`.
        for _ in 0..depth::<S>() {
            let residual = equation.residual::<S>(&y, parameters).map_err(Defect::Function)?;
            let moved = residual.map(|r| r - lit(r.to_f64()));
            if moved.iter().all(S::is_constant_zero) {
                break;
            }
            let operator = match &mut operator {
                Some(operator) => operator,
                none => none.insert(Arc::new(prepare()?)),
            };
            let step = operator_solve(false, operator, &moved);
            let mut next = y.to_reals();
            next.iter_mut().zip(&step).for_each(|(y, step)| *y -= *step);
            y = With::<E::Unknown, S>::from_reals(&y.shape(), &next);
        }
        Ok(y)
    }

    /// Demands that the equations are solved.
    fn judge<E: Equation, S, A: operator::Operator>(
        &self,
        equation: &E,
        (x, p): (&E::Unknown, &E::Parameters),
        prepare: impl FnOnce() -> Option<Arc<A>>,
    ) -> Result<(), ImplicitError<S, E::Error>> {
        let residual = equation.residual::<f64>(x, p).map_err(ImplicitError::Function)?;
        let (equations, unknowns) = (residual.len(), count(x));
        if equations != unknowns {
            return Err(ImplicitError::Count { equations, unknowns });
        }
        let step = |residual: &DVector<f64>| prepare()?.solve(false, residual).ok();
        let found = unconverged(equation, (x, p), &residual, self.tolerance, step);
        match found.map_err(ImplicitError::Function)? {
            None => Ok(()),
            Some(Unconverged { equation, residual, scale }) => {
                Err(ImplicitError::NotConverged { equation, residual, scale })
            }
        }
    }
}

/// How many modes a scalar has.
fn depth<S: Real>() -> usize {
    if S::BASE { 0 } else { 1 + depth::<S::Inner>() }
}
