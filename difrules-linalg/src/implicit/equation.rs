//! Equations of the unknowns, by what they are given as.

use difrules_core::contract::Shape;
use difrules_core::{
    Differentiable, Dual, Function, Real, Returns, Var, With, lift, value_and_gradient,
};
use nalgebra::DVector;

/// Equations that unknowns solve, for given parameters.
pub trait Equation {
    /// The unknowns.
    type Unknown: Differentiable<Real = f64>;
    /// The parameters.
    type Parameters: Differentiable<Real = f64>;
    /// What the function fails with.
    type Error;
    /// Whether the Jacobian is symmetric.
    const SYMMETRIC: bool = false;

    /// What is left of the equations: zero at the solution.
    fn residual<T: Real>(
        &self,
        x: &With<Self::Unknown, T>,
        p: &With<Self::Parameters, T>,
    ) -> Result<DVector<T>, Self::Error>;
}

/// How many real numbers a value has.
pub(super) fn count<X: Differentiable>(x: &X) -> usize {
    let shape: Shape<X> = x.shape();
    X::count(&shape)
}

/// The values with numbers of forward mode that do not move.
pub(super) fn still<P: Differentiable<Real = f64>, const N: usize>(p: &P) -> With<P, Dual<f64, N>> {
    p.map_reals::<Dual<f64, N>>(&mut Dual::constant)
}

/// f(x, p) = 0.
pub struct Root<F>(pub(super) F);

impl<F, X, P> Equation for Root<F>
where
    F: Function<Point = (X, P)>,
    X: Differentiable<Real = f64>,
    P: Differentiable<Real = f64>,
{
    type Unknown = X;
    type Parameters = P;
    type Error = <F::Value as Returns>::Error;

    fn residual<T: Real>(&self, x: &With<X, T>, p: &With<P, T>) -> Result<DVector<T>, Self::Error> {
        let value = self.0.try_call::<T>(&(x.clone(), p.clone()))?;
        Ok(DVector::from_vec(value.to_reals()))
    }
}

/// x = f(x, p).
pub struct FixedPoint<F>(pub(super) F);

impl<F, X, P> Equation for FixedPoint<F>
where
    F: Function<Point = (X, P)>,
    F::Value: Returns<Value = X>,
    X: Differentiable<Real = f64>,
    P: Differentiable<Real = f64>,
{
    type Unknown = X;
    type Parameters = P;
    type Error = <F::Value as Returns>::Error;

    fn residual<T: Real>(&self, x: &With<X, T>, p: &With<P, T>) -> Result<DVector<T>, Self::Error> {
        let value = self.0.try_call::<T>(&(x.clone(), p.clone()))?;
        let mut residual = x.to_reals();
        let next = value.to_reals();
        if next.len() != residual.len() {
            // As many equations as the function has numbers, so that it is said.
            return Ok(DVector::from_vec(next));
        }
        residual.iter_mut().zip(next).for_each(|(x, next)| *x -= next);
        Ok(DVector::from_vec(residual))
    }
}

/// The gradient of f(x, p) by x is zero.
pub struct Minimum<F>(pub(super) F);

impl<F, X, P> Equation for Minimum<F>
where
    F: Function<Point = (X, P)>,
    F::Value: Returns<Value = f64>,
    X: Differentiable<Real = f64>,
    P: Differentiable<Real = f64>,
{
    type Unknown = X;
    type Parameters = P;
    type Error = <F::Value as Returns>::Error;
    const SYMMETRIC: bool = true;

    fn residual<T: Real>(&self, x: &With<X, T>, p: &With<P, T>) -> Result<DVector<T>, Self::Error> {
        let p = lift::<With<P, T>, Var<T>>(p);
        let value = |x: &With<X, Var<T>>| self.0.try_call::<Var<T>>(&(x.clone(), p));
        let (_, gradient) = value_and_gradient(value, x)?;
        Ok(DVector::from_vec(gradient.to_reals()))
    }
}
