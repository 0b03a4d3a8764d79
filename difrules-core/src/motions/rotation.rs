//! What isometries and similarities need of their rotations.

use nalgebra::{SMatrix, SVector};

use super::group::LieGroup;
use crate::contract::scalar::Real;

/// A rotation of a space of `D` dimensions, with tangents of `W` numbers.
pub(super) trait Rotation<const D: usize, const W: usize>: LieGroup {
    /// Where the velocity v leads in the time 1 if it turns by w and grows by exp(sigma) meanwhile.
    fn grown(
        w: &SVector<Self::Real, W>,
        sigma: Self::Real,
        v: &SVector<Self::Real, D>,
    ) -> SVector<Self::Real, D>;

    /// The velocity that leads to t: the inverse of [`grown`](Rotation::grown).
    fn ungrown(
        w: &SVector<Self::Real, W>,
        sigma: Self::Real,
        t: &SVector<Self::Real, D>,
    ) -> SVector<Self::Real, D>;

    /// Where the velocity v leads in the time 1 if it turns by w meanwhile.
    fn swept(w: &SVector<Self::Real, W>, v: &SVector<Self::Real, D>) -> SVector<Self::Real, D>;

    /// The velocity that leads to t: the inverse of [`swept`](Rotation::swept).
    fn unswept(w: &SVector<Self::Real, W>, t: &SVector<Self::Real, D>) -> SVector<Self::Real, D>;

    /// The matrix.
    fn turn(&self) -> SMatrix<Self::Real, D, D>;

    /// The velocity of the place t is this times minus the angular velocity.
    fn moment(t: &SVector<Self::Real, D>) -> SMatrix<Self::Real, D, W>;

    /// Whether it is half a turn, so that there are two shortest ways.
    fn is_half_turn(&self) -> bool;
}

/// A tangent, undefined where there is no shortest way.
pub(super) fn shortest<T: Real, const N: usize>(
    xi: SVector<T, N>,
    half_turn: bool,
) -> SVector<T, N> {
    if half_turn { xi.map(crate::math::undefined) } else { xi }
}

/// What a rotation of either kind has of both traits, but for `retract`, `map`, `exponential`, `logarithm` and `adjoint`.
macro_rules! rotation {
    (space $Rotation:ident, $w:literal) => {
        impl Space for $Rotation<f64> {
            type Of<S: Real> = $Rotation<S>;
            type Tangents = SVector<f64, $w>;
        }
    };
    (manifold $Rotation:ident, $w:literal) => {
        type Real = T;
        type Space = $Rotation<f64>;

        fn local(&self, other: &Self) -> SVector<T, $w> {
            (self.inverse() * *other).logarithm()
        }

        fn zero(&self) -> SVector<T, $w> {
            SVector::zeros()
        }

        fn interpolate(&self, to: &Self, part: T) -> Self {
            let between = self.inverse() * *to;
            self.retract(&(shortest(between.logarithm(), between.is_half_turn()) * part))
        }
    };
}

pub(super) use rotation;
