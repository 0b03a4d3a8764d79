//! Rotations of space, `UnitQuaternion` and `Rotation3`: their tangent is the axis times an angle, in the frame that turns.

use nalgebra::{Matrix3, Quaternion, Rotation3, SVector, UnitQuaternion, Vector3, convert};

use super::group::LieGroup;
use super::manifold::{Manifold, Space, advance};
use super::rotation::{Rotation, rotation, shortest};
use super::similar::stumpff_integral;
use crate::contract::scalar::Real;
use crate::math::cardinal::stumpff;
use crate::math::rotations;

macro_rules! spatial {
    ($Rotation:ident, $exponential:path, $rotation:ident, $quaternion:expr, $matrix:expr) => {
        rotation!(space $Rotation, 3);

        impl<T: Real> LieGroup for $Rotation<T> {
            type Matrix = Matrix3<T>;

            fn exponential(xi: &Vector3<T>) -> Self {
                $exponential(xi)
            }

            fn logarithm(&self) -> Vector3<T> {
                let $rotation = self;
                rotations::scaled_axis(&$quaternion)
            }

            fn adjoint(&self) -> Matrix3<T> {
                self.turn()
            }

            /// 1 - K (1 - cos(a)) / a^2 + K^2 (a - sin(a)) / a^3, where a is the angle and K x = cross(w, x).
            fn right_jacobian(xi: &Vector3<T>) -> Matrix3<T> {
                let (square, cross) = (xi.norm_squared(), xi.cross_matrix());
                Matrix3::identity() - cross * stumpff(2, square) + cross * cross * stumpff(3, square)
            }
        }

        impl<T: Real> Rotation<3, 3> for $Rotation<T> {
            fn grown(w: &Vector3<T>, sigma: T, v: &Vector3<T>) -> Vector3<T> {
                let square = w.norm_squared();
                let [first, second] = [w.cross(v), w.cross(&w.cross(v))];
                v * stumpff_integral(0, 0, sigma, T::zero())
                    + first * stumpff_integral(1, 1, sigma, square)
                    + second * stumpff_integral(2, 2, sigma, square)
            }

            /// The integral is c along w and p + q i across, where q is the angle times a: so is the inverse, 1 / c and
            /// (p - q i) / d where d = p^2 + q^2. By K and its square, with p = c - z b and z the square of the angle, that is
            /// 1 / c - K a / d + K^2 (a^2 - b p) / (c d). All is divided by c, whose square may be no number.
            fn ungrown(w: &Vector3<T>, sigma: T, t: &Vector3<T>) -> Vector3<T> {
                let square = w.norm_squared();
                let c = stumpff_integral(0, 0, sigma, T::zero());
                let p = stumpff_integral(0, 0, sigma, square) / c;
                let a = stumpff_integral(1, 1, sigma, square) / c;
                let b = stumpff_integral(2, 2, sigma, square) / c;
                let d = p * p + a * a * square;
                let [first, second] = [w.cross(t), w.cross(&w.cross(t))];
                (t - first * (a / d) + second * ((a * a - b * p) / d)) / c
            }

            fn swept(w: &Vector3<T>, v: &Vector3<T>) -> Vector3<T> {
                let square = w.norm_squared();
                let [first, second] = [w.cross(v), w.cross(&w.cross(v))];
                v + first * stumpff(2, square) + second * stumpff(3, square)
            }

            /// 1 - K / 2 + K^2 (1 - a cot(a / 2) / 2) / a^2: that is (2 c_2 - c_1) / (2 a^2 c_2) by the functions of
            /// Stumpff at a^2, and c_1 = 1 - a^2 c_3 and 2 c_2 = 1 - 2 a^2 c_4.
            fn unswept(w: &Vector3<T>, t: &Vector3<T>) -> Vector3<T> {
                let square = w.norm_squared();
                let [first, second] = [w.cross(t), w.cross(&w.cross(t))];
                let two = convert::<f64, T>(2.0);
                let along =
                    (stumpff(3, square) - stumpff(4, square) * two) / (stumpff(2, square) * two);
                t - first * convert::<f64, T>(0.5) + second * along
            }

            fn turn(&self) -> Matrix3<T> {
                let $rotation = self;
                $matrix
            }

            fn moment(t: &Vector3<T>) -> Matrix3<T> {
                t.cross_matrix()
            }

            fn is_half_turn(&self) -> bool {
                let $rotation = self;
                $quaternion.w.to_f64() == 0.0
            }
        }
    };
}

spatial!(UnitQuaternion, rotations::from_scaled_axis, q, q, *q.to_rotation_matrix().matrix());
spatial!(
    Rotation3,
    rotations::matrix_from_scaled_axis,
    r,
    UnitQuaternion::from_rotation_matrix(r),
    *r.matrix()
);

impl<T: Real> Manifold for UnitQuaternion<T> {
    rotation!(manifold UnitQuaternion, 3);

    /// q + q (exp(xi) - 1), where cos(a / 2) - 1 is -(a / 2)^2 c_2((a / 2)^2).
    fn retract(&self, xi: &Vector3<T>) -> Self {
        let square = xi.norm_squared() * convert(0.25);
        let along = xi * (stumpff(1, square) * convert(0.5));
        let step = **self * Quaternion::from_parts(-square * stumpff(2, square), along);
        Self::new_unchecked(self.coords.zip_map(&step.coords, advance).into())
    }

    fn map<S: Real>(&self, f: &mut impl FnMut(T) -> S) -> UnitQuaternion<S> {
        UnitQuaternion::new_unchecked(self.coords.map(f).into())
    }
}

impl<T: Real> Manifold for Rotation3<T> {
    rotation!(manifold Rotation3, 3);

    /// R + R (exp(xi) - 1), by the formula of Rodrigues.
    fn retract(&self, xi: &Vector3<T>) -> Self {
        let (square, cross) = (xi.norm_squared(), xi.cross_matrix());
        let step = cross * stumpff(1, square) + cross * cross * stumpff(2, square);
        Self::from_matrix_unchecked(self.matrix().zip_map(&(self.matrix() * step), advance))
    }

    fn map<S: Real>(&self, f: &mut impl FnMut(T) -> S) -> Rotation3<S> {
        Rotation3::from_matrix_unchecked(self.matrix().map(f))
    }
}
