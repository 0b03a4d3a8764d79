//! Right-hand sides of differential equations as solvers ask for them.

use difrules_core::contract::Shape;
use difrules_core::{Differentiable, Dual, Function, Real, Returns, Var, With, jvp, lift, vjp};

/// The right-hand side f(x, p, t) of dx/dt = f, as `diffsol` asks for it and for its derivatives: closures of slices.
///
/// That crate's builder takes them for forward sensitivities, `rhs_sens_implicit(ode.rhs(), ode.jacobian(),
/// ode.by_parameters())`, and for adjoint ones, `rhs_adjoint_implicit(ode.rhs(), ode.jacobian(), ode.adjoint(),
/// ode.adjoint_by_parameters())`, and equally the roots, resets and outputs that are written as such functions. It is
/// no dependency: nothing but slices of `f64` passes, so any version will do. The products are by one evaluation
/// each; where the function fails they are NaN, at which a solver takes a shorter step.
///
/// ```
/// use difrules_core::{Function, Real};
/// use difrules_linalg::OdeFunction;
/// use nalgebra::{Vector2, vector};
///
/// /// Predators and prey.
/// struct LotkaVolterra;
///
/// impl Function for LotkaVolterra {
///     /// The state, the parameters, the time.
///     type Point = (Vector2<f64>, [f64; 2], f64);
///     type Value = Vector2<f64>;
///
///     fn call<T: Real>(&self, (x, p, _): &(Vector2<T>, [T; 2], T)) -> Vector2<T> {
///         vector![p[0] * x[0] - x[0] * x[1], x[0] * x[1] - p[1] * x[1]]
///     }
/// }
///
/// let ode = OdeFunction::new(LotkaVolterra, &(vector![1.0, 2.0], [0.5, 0.3], 0.0));
/// let (x, p) = ([1.0, 2.0], [0.5, 0.3]);
/// let mut y = [0.0; 2];
/// ode.rhs()(&x, &p, 0.0, &mut y);
/// assert_eq!(y, [-1.5, 1.4]);
/// // J v, f_p v, and, with the sign that `diffsol` wants, -J^T v and -f_p^T v.
/// ode.jacobian()(&x, &p, 0.0, &[1.0, 0.0], &mut y);
/// assert_eq!(y, [-1.5, 2.0]);
/// ode.by_parameters()(&x, &p, 0.0, &[0.0, 1.0], &mut y);
/// assert_eq!(y, [0.0, -2.0]);
/// ode.adjoint()(&x, &p, 0.0, &[1.0, 0.0], &mut y);
/// assert_eq!(y, [1.5, 1.0]);
/// ode.adjoint_by_parameters()(&x, &p, 0.0, &[0.0, 1.0], &mut y);
/// assert_eq!(y, [0.0, 2.0]);
/// ```
pub struct OdeFunction<F, X: Differentiable, P: Differentiable> {
    function: F,
    state: Shape<X>,
    parameters: Shape<P>,
}

impl<F, X, P> OdeFunction<F, X, P>
where
    F: Function<Point = (X, P, f64)>,
    X: Differentiable<Real = f64>,
    P: Differentiable<Real = f64>,
{
    /// A function of a state, parameters and the time, of the shapes of these.
    pub fn new(function: F, (state, parameters, _): &F::Point) -> Self {
        Self { function, state: state.shape(), parameters: parameters.shape() }
    }

    fn point(&self, x: &[f64], p: &[f64], t: f64) -> F::Point {
        (X::from_reals(&self.state, x), P::from_reals(&self.parameters, p), t)
    }

    /// f.
    pub fn rhs(&self) -> impl Fn(&[f64], &[f64], f64, &mut [f64]) + '_ {
        |x, p, t, y| {
            let (x, p, t) = self.point(x, p, t);
            write(y, self.at::<f64>(&x, &p, t), 1.0);
        }
    }

    /// J v, of the derivatives by the state.
    pub fn jacobian(&self) -> impl Fn(&[f64], &[f64], f64, &[f64], &mut [f64]) + '_ {
        |x, p, t, v, y| {
            let (x, p, t) = self.point(x, p, t);
            let (p, t) = lift::<_, Dual<f64>>(&(p, t));
            let value = |x: &With<X, Dual<f64>>| self.at::<Dual<f64>>(x, &p, t);
            let along = jvp(value, &x, &X::from_reals(&self.state, v));
            write(y, along.map(|(_, along)| along), 1.0);
        }
    }

    /// f_p v, of the derivatives by the parameters.
    pub fn by_parameters(&self) -> impl Fn(&[f64], &[f64], f64, &[f64], &mut [f64]) + '_ {
        |x, p, t, v, y| {
            let (x, p, t) = self.point(x, p, t);
            let (x, t) = lift::<_, Dual<f64>>(&(x, t));
            let value = |p: &With<P, Dual<f64>>| self.at::<Dual<f64>>(&x, p, t);
            let along = jvp(value, &p, &P::from_reals(&self.parameters, v));
            write(y, along.map(|(_, along)| along), 1.0);
        }
    }

    /// -J^T v.
    pub fn adjoint(&self) -> impl Fn(&[f64], &[f64], f64, &[f64], &mut [f64]) + '_ {
        |x, p, t, v, y| {
            let (x, p, t) = self.point(x, p, t);
            let (p, t) = lift::<_, Var<f64>>(&(p, t));
            let value = |x: &With<X, Var<f64>>| self.at::<Var<f64>>(x, &p, t);
            let bar = vjp(value, &x, &v.to_vec());
            write(y, bar.map(|(_, bar)| bar.to_reals()), -1.0);
        }
    }

    /// -f_p^T v.
    pub fn adjoint_by_parameters(&self) -> impl Fn(&[f64], &[f64], f64, &[f64], &mut [f64]) + '_ {
        |x, p, t, v, y| {
            let (x, p, t) = self.point(x, p, t);
            let (x, t) = lift::<_, Var<f64>>(&(x, t));
            let value = |p: &With<P, Var<f64>>| self.at::<Var<f64>>(&x, p, t);
            let bar = vjp(value, &p, &v.to_vec());
            write(y, bar.map(|(_, bar)| bar.to_reals()), -1.0);
        }
    }
}

impl<F, X, P> OdeFunction<F, X, P>
where
    F: Function<Point = (X, P, f64)>,
    X: Differentiable<Real = f64>,
    P: Differentiable<Real = f64>,
{
    /// The function in a mode.
    fn at<T: Real>(
        &self,
        x: &With<X, T>,
        p: &With<P, T>,
        t: T,
    ) -> Result<Vec<T>, <F::Value as Returns>::Error> {
        let value = self.function.try_call::<T>(&(x.clone(), p.clone(), t));
        value.map(|value| value.to_reals())
    }
}

/// Writes numbers, times a factor; NaN where there are none.
///
/// # Panics
/// If there are not as many as there is room for.
fn write<E>(y: &mut [f64], numbers: Result<Vec<f64>, E>, factor: f64) {
    let Ok(numbers) = numbers else { return y.fill(f64::NAN) };
    assert_eq!(
        numbers.len(),
        y.len(),
        "the function has {} numbers where the solver wants {}",
        numbers.len(),
        y.len()
    );
    y.iter_mut().zip(numbers).for_each(|(y, number)| *y = factor * number);
}
