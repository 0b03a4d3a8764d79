//! Isometries and similarities: their tangent is a velocity in the frame that moves, then that of the rotation, and of a
//! similarity the logarithm of the scale.

use nalgebra::{
    ComplexField, Isometry, Rotation2, Rotation3, SMatrix, SVector, Similarity, UnitComplex,
    UnitQuaternion,
};

use super::group::LieGroup;
use super::manifold::{At, Manifold, Space, advance, lift};
use super::rotation::{Rotation, shortest};
use crate::contract::scalar::Real;
use crate::math::undefined;
use crate::modes::dual::Dual;
use crate::transform::jacobian;

/// `D` dimensions, `W` numbers of a tangent of the rotation, `M` of the isometry, and `N` of the similarity.
macro_rules! motions {
    ($($Rotation:ident $D:literal $W:literal $M:literal $N:literal)*) => {$(
        impl Space for Isometry<f64, $Rotation<f64>, $D> {
            type Of<S: Real> = Isometry<S, $Rotation<S>, $D>;
            type Tangents = SVector<f64, $M>;
        }

        impl<T: Real> Manifold for Isometry<T, $Rotation<T>, $D> {
            type Real = T;
            type Space = Isometry<f64, $Rotation<f64>, $D>;

            fn retract(&self, xi: &SVector<T, $M>) -> Self {
                let (v, w) = (xi.fixed_rows::<$D>(0).into(), xi.fixed_rows::<$W>($D).into());
                let step = self.rotation * $Rotation::swept(&w, &v);
                let translation = self.translation.vector.zip_map(&step, advance);
                Self::from_parts(translation.into(), self.rotation.retract(&w))
            }

            fn local(&self, other: &Self) -> SVector<T, $M> {
                self.inv_mul(other).logarithm()
            }

            fn zero(&self) -> SVector<T, $M> {
                SVector::zeros()
            }

            fn map<S: Real>(&self, f: &mut impl FnMut(T) -> S) -> At<Self, S> {
                Isometry::from_parts(self.translation.map(f), self.rotation.map(f))
            }

            fn interpolate(&self, to: &Self, part: T) -> Self {
                let between = self.inv_mul(to);
                let xi = shortest(between.logarithm(), between.rotation.is_half_turn());
                self.retract(&(xi * part))
            }
        }

        impl<T: Real> LieGroup for Isometry<T, $Rotation<T>, $D> {
            type Matrix = SMatrix<T, $M, $M>;

            fn exponential(xi: &SVector<T, $M>) -> Self {
                let (v, w) = (xi.fixed_rows::<$D>(0).into(), xi.fixed_rows::<$W>($D).into());
                Self::from_parts($Rotation::swept(&w, &v).into(), $Rotation::exponential(&w))
            }

            fn logarithm(&self) -> SVector<T, $M> {
                let w = self.rotation.logarithm();
                let mut xi = SVector::<T, $M>::zeros();
                let v = $Rotation::unswept(&w, &self.translation.vector);
                xi.fixed_rows_mut::<$D>(0).copy_from(&v);
                xi.fixed_rows_mut::<$W>($D).copy_from(&w);
                xi
            }

            fn adjoint(&self) -> Self::Matrix {
                let (mut adjoint, of_rotation) = (Self::Matrix::zeros(), self.rotation.adjoint());
                let moment = $Rotation::moment(&self.translation.vector) * of_rotation;
                adjoint.fixed_view_mut::<$D, $D>(0, 0).copy_from(&self.rotation.turn());
                adjoint.fixed_view_mut::<$D, $W>(0, $D).copy_from(&moment);
                adjoint.fixed_view_mut::<$W, $W>($D, $D).copy_from(&of_rotation);
                adjoint
            }

            fn right_jacobian(xi: &SVector<T, $M>) -> Self::Matrix {
                right_jacobian!(Self, T, xi)
            }
        }

        impl Space for Similarity<f64, $Rotation<f64>, $D> {
            type Of<S: Real> = Similarity<S, $Rotation<S>, $D>;
            type Tangents = SVector<f64, $N>;
        }

        impl<T: Real> Manifold for Similarity<T, $Rotation<T>, $D> {
            type Real = T;
            type Space = Similarity<f64, $Rotation<f64>, $D>;

            fn retract(&self, xi: &SVector<T, $N>) -> Self {
                let (v, w) = (xi.fixed_rows::<$D>(0).into(), xi.fixed_rows::<$W>($D).into());
                let (Isometry { rotation, translation }, scale) = (self.isometry, self.scaling());
                let sigma = xi[$M];
                let step = rotation * $Rotation::grown(&w, sigma, &v) * scale;
                Self::from_parts(
                    translation.vector.zip_map(&step, advance).into(),
                    rotation.retract(&w),
                    defined(scale * ComplexField::exp(sigma)),
                )
            }

            fn local(&self, other: &Self) -> SVector<T, $N> {
                let between = self.isometry.inv_mul(&other.isometry);
                let translation = between.translation.vector / self.scaling();
                let scale = defined(other.scaling() / self.scaling());
                Self::from_parts(translation.into(), between.rotation, scale).logarithm()
            }

            fn zero(&self) -> SVector<T, $N> {
                SVector::zeros()
            }

            fn map<S: Real>(&self, f: &mut impl FnMut(T) -> S) -> At<Self, S> {
                let isometry = self.isometry.map(f);
                Similarity::from_isometry(isometry, f(self.scaling()))
            }

            fn interpolate(&self, to: &Self, part: T) -> Self {
                let turn = self.isometry.rotation.inverse() * to.isometry.rotation;
                self.retract(&(shortest(self.local(to), turn.is_half_turn()) * part))
            }
        }

        impl<T: Real> LieGroup for Similarity<T, $Rotation<T>, $D> {
            type Matrix = SMatrix<T, $N, $N>;

            fn exponential(xi: &SVector<T, $N>) -> Self {
                let (v, w) = (xi.fixed_rows::<$D>(0).into(), xi.fixed_rows::<$W>($D).into());
                let translation = $Rotation::grown(&w, xi[$M], &v);
                let scale = defined(ComplexField::exp(xi[$M]));
                Self::from_parts(translation.into(), $Rotation::exponential(&w), scale)
            }

            fn logarithm(&self) -> SVector<T, $N> {
                let Isometry { rotation, translation } = self.isometry;
                let (w, sigma) = (rotation.logarithm(), ComplexField::ln(self.scaling()));
                let mut xi = SVector::<T, $N>::zeros();
                let v = $Rotation::ungrown(&w, sigma, &translation.vector);
                xi.fixed_rows_mut::<$D>(0).copy_from(&v);
                xi.fixed_rows_mut::<$W>($D).copy_from(&w);
                xi[$M] = sigma;
                xi
            }

            fn adjoint(&self) -> Self::Matrix {
                let mut adjoint = Self::Matrix::identity();
                let (of_isometry, scale) = (self.isometry.adjoint(), self.scaling());
                adjoint.fixed_view_mut::<$M, $M>(0, 0).copy_from(&of_isometry);
                adjoint.fixed_view_mut::<$D, $D>(0, 0).scale_mut(scale);
                let towards = -self.isometry.translation.vector;
                adjoint.fixed_view_mut::<$D, 1>(0, $M).copy_from(&towards);
                adjoint
            }

            fn right_jacobian(xi: &SVector<T, $N>) -> Self::Matrix {
                right_jacobian!(Self, T, xi)
            }
        }
    )*};
}

/// A scale, NaN where it is too small for a number: nalgebra has no similarity with a scale of zero.
fn defined<T: Real>(scale: T) -> T {
    if scale.to_f64() == 0.0 { undefined(scale) } else { scale }
}

/// The derivative of `ln(exp(xi)^-1 exp(eta))` by eta at xi.
macro_rules! right_jacobian {
    ($Group:ty, $T:ident, $xi:ident) => {{
        let x: At<$Group, Dual<$T, 4>> = lift(&<$Group>::exponential($xi));
        let columns = jacobian(|eta| x.local(&<At<$Group, Dual<$T, 4>>>::exponential(eta)), $xi);
        SMatrix::from_column_slice(columns.as_slice())
    }};
}

motions! {
    UnitComplex 2 1 3 4
    Rotation2 2 1 3 4
    UnitQuaternion 3 3 6 7
    Rotation3 3 3 6 7
}
