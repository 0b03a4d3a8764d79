//! Functions as argmin's problems.

use argmin::core::{CostFunction, Error, Gradient, Hessian, Jacobian, Operator};
use argmin_math::ArgminDot;
use difrules_core::contract::Shape;
use difrules_core::{
    Differentiable, Dual, Function, Returns, Var, gradient, hessian, hvp, jacobian,
};
use std::sync::Arc;

/// A [`Function`] as a problem of argmin: its cost, gradient and Hessian where the value is one number, its
/// residuals ([`Operator`]) and their Jacobian where it is several.
///
/// argmin's parameters are vectors `P` and its matrices `M`, those of `Vec` by default; the numbers of a structure
/// are [put into one](Self::parameters) and [taken out](Self::point). Any vector will do that is made of a `Vec<f64>`
/// and can be iterated, and any matrix: [`with_vector`](Self::with_vector), [`with_matrix`](Self::with_matrix).
///
/// ```
/// use argmin::core::{Executor, State};
/// use argmin::solver::linesearch::MoreThuenteLineSearch;
/// use argmin::solver::quasinewton::LBFGS;
/// use difrules_core::{Function, Real, lit};
/// use difrules_linalg::ArgminProblem;
/// use nalgebra::{Vector2, vector};
///
/// struct Rosenbrock;
///
/// impl Function for Rosenbrock {
///     type Point = Vector2<f64>;
///     type Value = f64;
///
///     fn call<T: Real>(&self, x: &Vector2<T>) -> T {
///         let (a, b) = (T::one() - x[0], x[1] - x[0] * x[0]);
///         a * a + b * b * lit(100.0)
///     }
/// }
///
/// let start = vector![-1.2, 1.0];
/// let problem = ArgminProblem::new(Rosenbrock, &start);
/// let solver = LBFGS::new(MoreThuenteLineSearch::new(), 7);
/// let found = Executor::new(problem.clone(), solver)
///     .configure(|state| state.param(problem.parameters(&start)).max_iters(100))
///     .run()?;
/// let best = problem.point(found.state.get_best_param().unwrap());
/// assert!((best - vector![1.0, 1.0]).norm() < 1e-6);
/// # Ok::<(), argmin::core::Error>(())
/// ```
pub struct ArgminProblem<F: Function, P = Vec<f64>, M = Vec<Vec<f64>>> {
    function: Arc<F>,
    shape: Shape<F::Point>,
    matrix: fn(usize, usize, &[f64]) -> M,
    parameters: std::marker::PhantomData<fn() -> P>,
}

impl<F: Function, P, M> Clone for ArgminProblem<F, P, M> {
    fn clone(&self) -> Self {
        Self {
            function: self.function.clone(),
            shape: self.shape.clone(),
            matrix: self.matrix,
            parameters: std::marker::PhantomData,
        }
    }
}

/// The rows of a matrix whose entries are given column by column.
fn rows(rows: usize, columns: usize, entries: &[f64]) -> Vec<Vec<f64>> {
    (0..rows).map(|i| (0..columns).map(|j| entries[i + j * rows]).collect()).collect()
}

impl<F: Function> ArgminProblem<F> {
    /// A function of what has the shape of `like`.
    pub fn new(function: F, like: &F::Point) -> Self {
        Self {
            function: Arc::new(function),
            shape: like.shape(),
            matrix: rows,
            parameters: std::marker::PhantomData,
        }
    }
}

/// A vector of argmin's: what is made of a `Vec` and can be iterated. `Vec` itself, nalgebra's and ndarray's vectors
/// are, of any version.
pub trait ArgminVector: From<Vec<f64>> {
    /// Its numbers.
    #[doc(hidden)]
    fn numbers(&self) -> Vec<f64>;
}

impl<P: From<Vec<f64>>> ArgminVector for P
where
    for<'a> &'a P: IntoIterator<Item = &'a f64>,
{
    fn numbers(&self) -> Vec<f64> {
        self.into_iter().copied().collect()
    }
}

impl<F: Function, P, M> ArgminProblem<F, P, M> {
    /// The same with other vectors.
    pub fn with_vector<Q: ArgminVector>(self) -> ArgminProblem<F, Q, M> {
        ArgminProblem {
            function: self.function,
            shape: self.shape,
            matrix: self.matrix,
            parameters: std::marker::PhantomData,
        }
    }

    /// The same with other matrices, made of a number of rows, one of columns, and the entries column by column, as
    /// nalgebra's `DMatrix::from_column_slice` does of any version.
    pub fn with_matrix<N>(self, matrix: fn(usize, usize, &[f64]) -> N) -> ArgminProblem<F, P, N> {
        ArgminProblem {
            function: self.function,
            shape: self.shape,
            matrix,
            parameters: std::marker::PhantomData,
        }
    }

    /// The same with a Hessian that is never made: only its products with vectors are, each by one evaluation. For
    /// argmin's `NewtonCG` and `Steihaug`.
    pub fn by_products(self) -> ByProducts<F, P, M> {
        ByProducts(self)
    }
}

impl<F: Function, P: ArgminVector, M> ArgminProblem<F, P, M> {
    /// The numbers of a point.
    pub fn parameters(&self, point: &F::Point) -> P {
        P::from(point.to_reals())
    }

    /// The point of these numbers.
    ///
    /// # Panics
    /// If there are fewer than it has.
    pub fn point(&self, parameters: &P) -> F::Point {
        F::Point::from_reals(&self.shape, &parameters.numbers())
    }

    /// The same, where argmin gave the numbers.
    fn given(&self, parameters: &P) -> Result<F::Point, Error> {
        let numbers = parameters.numbers();
        let wanted = F::Point::count(&self.shape);
        if numbers.len() != wanted {
            return Err(Error::msg(format!(
                "the function is of {wanted} numbers, but argmin was given {}: make the parameters by \
                 `ArgminProblem::parameters`",
                numbers.len()
            )));
        }
        Ok(F::Point::from_reals(&self.shape, &numbers))
    }
}

type Failure<F> = <<F as Function>::Value as Returns>::Error;

impl<F, P, M> CostFunction for ArgminProblem<F, P, M>
where
    F: Function<Value: Returns<Value = f64>>,
    P: ArgminVector,
    Error: From<Failure<F>>,
{
    type Param = P;
    type Output = f64;

    fn cost(&self, parameters: &P) -> Result<f64, Error> {
        let x = self.given(parameters)?;
        Ok(self.function.try_call::<f64>(&x)?)
    }
}

impl<F, P, M> Gradient for ArgminProblem<F, P, M>
where
    F: Function<Value: Returns<Value = f64>>,
    P: ArgminVector,
    Error: From<Failure<F>>,
{
    type Param = P;
    type Gradient = P;

    fn gradient(&self, parameters: &P) -> Result<P, Error> {
        let x = self.given(parameters)?;
        let value =
            |x: &difrules_core::With<F::Point, Var<f64>>| self.function.try_call::<Var<f64>>(x);
        Ok(P::from(gradient(value, &x)?.to_reals()))
    }
}

impl<F, P, M> Hessian for ArgminProblem<F, P, M>
where
    F: Function<Value: Returns<Value = f64>>,
    P: ArgminVector,
    Error: From<Failure<F>>,
{
    type Param = P;
    type Hessian = M;

    fn hessian(&self, parameters: &P) -> Result<M, Error> {
        let x = self.given(parameters)?;
        let value = |x: &difrules_core::With<F::Point, Var<Dual<f64, 8>>>| {
            self.function.try_call::<Var<Dual<f64, 8>>>(x)
        };
        let hessian = hessian(value, &x)?;
        Ok((self.matrix)(hessian.nrows(), hessian.ncols(), hessian.as_slice()))
    }
}

impl<F, P, M> Operator for ArgminProblem<F, P, M>
where
    F: Function,
    P: ArgminVector,
    Error: From<Failure<F>>,
{
    type Param = P;
    type Output = P;

    fn apply(&self, parameters: &P) -> Result<P, Error> {
        let x = self.given(parameters)?;
        let value = self.function.try_call::<f64>(&x)?;
        Ok(P::from(value.to_reals()))
    }
}

impl<F, P, M> Jacobian for ArgminProblem<F, P, M>
where
    F: Function,
    P: ArgminVector,
    Error: From<Failure<F>>,
{
    type Param = P;
    type Jacobian = M;

    fn jacobian(&self, parameters: &P) -> Result<M, Error> {
        let x = self.given(parameters)?;
        let value = |x: &difrules_core::With<F::Point, Dual<f64, 4>>| {
            self.function.try_call::<Dual<f64, 4>>(x)
        };
        let jacobian = jacobian(value, &x)?;
        Ok((self.matrix)(jacobian.nrows(), jacobian.ncols(), jacobian.as_slice()))
    }
}

/// An [`ArgminProblem`] whose Hessian is known by its products alone.
///
/// ```
/// use argmin::core::Executor;
/// use argmin::solver::trustregion::{Steihaug, TrustRegion};
/// use difrules_core::{Function, Real, lit};
/// use difrules_linalg::ArgminProblem;
///
/// /// A thousand numbers that are to be one, and near each other.
/// struct Chain;
///
/// impl Function for Chain {
///     type Point = Vec<f64>;
///     type Value = f64;
///
///     fn call<T: Real>(&self, x: &Vec<T>) -> T {
///         let apart: T = x.windows(2).map(|x| (x[1] - x[0]).powi(4)).sum();
///         apart + x.iter().map(|x| (*x - lit(1.0)).powi(2)).sum()
///     }
/// }
///
/// let start: Vec<f64> = (0..1000).map(|i| f64::from(i).sin()).collect();
/// let problem = ArgminProblem::new(Chain, &start).by_products();
/// let solver = TrustRegion::new(Steihaug::new().with_max_iters(50));
/// let run = Executor::new(problem, solver).configure(|state| state.param(start).max_iters(50));
/// assert!(run.run()?.state.best_cost < 1e-6);
/// # Ok::<(), argmin::core::Error>(())
/// ```
pub struct ByProducts<F: Function, P = Vec<f64>, M = Vec<Vec<f64>>>(ArgminProblem<F, P, M>);

impl<F: Function, P, M> Clone for ByProducts<F, P, M> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<F: Function, P, M> CostFunction for ByProducts<F, P, M>
where
    ArgminProblem<F, P, M>: CostFunction,
{
    type Param = <ArgminProblem<F, P, M> as CostFunction>::Param;
    type Output = <ArgminProblem<F, P, M> as CostFunction>::Output;

    fn cost(&self, parameters: &Self::Param) -> Result<Self::Output, Error> {
        self.0.cost(parameters)
    }
}

impl<F: Function, P, M> Gradient for ByProducts<F, P, M>
where
    ArgminProblem<F, P, M>: Gradient,
{
    type Param = <ArgminProblem<F, P, M> as Gradient>::Param;
    type Gradient = <ArgminProblem<F, P, M> as Gradient>::Gradient;

    fn gradient(&self, parameters: &Self::Param) -> Result<Self::Gradient, Error> {
        self.0.gradient(parameters)
    }
}

impl<F, P, M> Hessian for ByProducts<F, P, M>
where
    F: Function<Value: Returns<Value = f64>>,
    P: ArgminVector,
    Error: From<Failure<F>>,
{
    type Param = P;
    type Hessian = HessianProducts<F>;

    fn hessian(&self, parameters: &P) -> Result<HessianProducts<F>, Error> {
        let x = self.0.given(parameters)?;
        // What fails fails here: a product cannot.
        self.0.function.try_call::<f64>(&x)?;
        Ok(HessianProducts { function: self.0.function.clone(), x })
    }
}

/// A Hessian at a point, of which only products with vectors are made.
pub struct HessianProducts<F: Function> {
    function: Arc<F>,
    x: F::Point,
}

impl<F: Function> Clone for HessianProducts<F> {
    fn clone(&self) -> Self {
        Self { function: self.function.clone(), x: self.x.clone() }
    }
}

/// Forward over reverse; NaN where the function fails, which it does not at the point itself.
impl<F, P> ArgminDot<P, P> for HessianProducts<F>
where
    F: Function<Value: Returns<Value = f64>>,
    P: ArgminVector,
{
    fn dot(&self, direction: &P) -> P {
        let direction = F::Point::from_reals(&self.x.shape(), &direction.numbers());
        let value = |x: &difrules_core::With<F::Point, Var<Dual<f64>>>| {
            self.function.try_call::<Var<Dual<f64>>>(x)
        };
        let product = hvp(value, &self.x, &direction).map(|product| product.to_reals());
        P::from(product.unwrap_or_else(|_| vec![f64::NAN; F::Point::count(&self.x.shape())]))
    }
}
