//! Rotations of space as smooth functions of their vector, at the identity too.
//!
//! nalgebra's own functions take a shortcut where an angle is zero or nearly so, and a derivative is lost
//! there. These have nalgebra's values up to rounding, and derivatives of any order.
//!
//! ```
//! use difrules_core::{jacobian, rotations};
//! use nalgebra::{Matrix3, Vector3};
//!
//! let at_identity = jacobian(|v| rotations::from_scaled_axis(v).imag(), &Vector3::<f64>::zeros());
//! assert_eq!(at_identity, Matrix3::identity() * 0.5);
//! ```

use nalgebra::{
    ComplexField, Matrix3, Quaternion, RealField, Rotation3, UnitQuaternion, Vector3, convert,
};

use crate::Real;
use crate::math::cardinal::stumpff;

/// The rotation about this axis by its length, as `UnitQuaternion::from_scaled_axis` and `UnitQuaternion::new`.
///
/// cos(|v| / 2) and v sin(|v| / 2) / |v|, which are smooth in |v|^2.
pub fn from_scaled_axis<T: Real>(v: &Vector3<T>) -> UnitQuaternion<T> {
    let square = v.norm_squared() * convert(0.25);
    let along = stumpff(1, square) * convert(0.5);
    UnitQuaternion::new_unchecked(Quaternion::from_parts(stumpff(0, square), v * along))
}

/// The rotation about this axis by its length, as `Rotation3::new` and `Rotation3::from_scaled_axis`.
///
/// The formula of Rodrigues: 1 + K sin(|v|) / |v| + K^2 (1 - cos(|v|)) / |v|^2, where K x is the cross product of v
/// and x.
pub fn matrix_from_scaled_axis<T: Real>(v: &Vector3<T>) -> Rotation3<T> {
    let square = v.norm_squared();
    let cross = v.cross_matrix();
    let turned = cross * stumpff(1, square) + cross * cross * stumpff(2, square);
    Rotation3::from_matrix_unchecked(Matrix3::identity() + turned)
}

/// The axis times the angle, at most pi, as `UnitQuaternion::scaled_axis`.
///
/// 2 v atan(|v| / w) / |v| for the quaternion w + v with w >= 0, smooth in |v|^2. At a rotation by pi, where w is zero,
/// the vector jumps to its negative; the derivatives are those of one side.
pub fn scaled_axis<T: Real>(rotation: &UnitQuaternion<T>) -> Vector3<T> {
    let (mut w, mut v) = (rotation.w, rotation.imag());
    if w < T::zero() {
        (w, v) = (-w, -v);
    }
    v * (arc(v.norm_squared(), w) * convert(2.0))
}

/// The angle over its sine, both scaled alike: atan(x / w) / x for the square of x, smooth in it where w is positive.
pub(crate) fn arc<T: Real>(square: T, w: T) -> T {
    // atan(x) / x by its series: 1 - r / 3 + r^2 / 5 - .., where r = x^2 is at most 1/16.
    if w > T::zero() && square * convert(16.0) <= w * w {
        let ratio = square / (w * w);
        let series = (0..16)
            .rev()
            .fold(T::zero(), |sum, j| convert::<f64, T>(1.0 / f64::from(2 * j + 1)) - ratio * sum);
        series / w
    } else {
        let length = ComplexField::sqrt(square);
        RealField::atan2(length, w) / length
    }
}

/// A rotation by a multiple of the angle, as `UnitQuaternion::powf`.
pub fn powf<T: Real>(rotation: &UnitQuaternion<T>, exponent: T) -> UnitQuaternion<T> {
    from_scaled_axis(&(scaled_axis(rotation) * exponent))
}

/// The rotation a part of the way from one to another, as `UnitQuaternion::slerp`.
pub fn slerp<T: Real>(
    from: &UnitQuaternion<T>,
    to: &UnitQuaternion<T>,
    part: T,
) -> UnitQuaternion<T> {
    from * powf(&(from.conjugate() * to), part)
}
