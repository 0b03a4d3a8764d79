//! Lie groups: their exponential and logarithm, and what a change of frame does to a tangent.

use std::ops::Mul;

use super::manifold::{Manifold, Tangent};
use crate::contract::value::Differentiable;

/// A rotation or a motion: a point that is multiplied, and that the exponential of its tangents gives.
///
/// The methods have other names than nalgebra's own `exp` and `ln`, which of a `UnitQuaternion` are those of a quaternion.
///
/// ```
/// use difrules_core::motions::LieGroup;
/// use nalgebra::{Isometry3, Vector6, vector};
///
/// let xi = vector![1.0, 2.0, 3.0, 0.1, 0.2, 0.3];
/// let x = Isometry3::exponential(&xi);
/// assert!((x.logarithm() - xi).norm() < 1e-14);
/// // x exp(eta) is exp(Ad eta) x.
/// let eta = vector![0.1, 0.0, 0.0, 0.0, 0.2, 0.0];
/// let left = Isometry3::exponential(&(x.adjoint() * eta)) * x;
/// assert!((left.to_homogeneous() - (x * Isometry3::exponential(&eta)).to_homogeneous()).norm() < 1e-14);
/// ```
pub trait LieGroup: Manifold + Copy + Mul<Self, Output = Self> {
    /// A matrix that takes tangents to tangents.
    type Matrix: Differentiable<Real = Self::Real>;

    /// The exponential: where the constant velocity `xi` leads from the identity in the time 1.
    fn exponential(xi: &Tangent<Self>) -> Self;

    /// The logarithm: the tangent of least angle whose exponential this is.
    ///
    /// At half a turn there are two such tangents. It is the one that the stored numbers have, and its derivatives are those
    /// of that branch, on beyond half a turn.
    fn logarithm(&self) -> Tangent<Self>;

    /// The adjoint Ad: `x exp(xi)` is `exp(Ad xi) x`.
    fn adjoint(&self) -> Self::Matrix;

    /// The right Jacobian of the exponential: `exp(xi + d)` is `exp(xi) exp(J d)` to first order.
    ///
    /// The left Jacobian is the right one of `-xi`, and both are related by the adjoint: `Ad J`.
    ///
    /// ```
    /// use difrules_core::motions::LieGroup;
    /// use nalgebra::{Matrix3, UnitQuaternion, vector};
    ///
    /// let xi = vector![0.0, 0.0, 1e-9];
    /// let j = UnitQuaternion::right_jacobian(&xi);
    /// assert!((j - Matrix3::identity() + xi.cross_matrix() * 0.5).norm() < 1e-17);
    /// ```
    fn right_jacobian(xi: &Tangent<Self>) -> Self::Matrix;
}
