//! Rotations of the plane, `UnitComplex` and `Rotation2`: their tangent is an angle.

use nalgebra::{
    Complex, ComplexField, Matrix1, Matrix2, Rotation2, SVector, UnitComplex, Vector1, Vector2,
    convert,
};

use super::group::LieGroup;
use super::manifold::{Manifold, Space, advance};
use super::rotation::{Rotation, rotation, shortest};
use super::similar::stumpff_integral;
use crate::contract::scalar::Real;
use crate::math::cardinal::stumpff;

/// A vector turned by a quarter.
fn quarter<T: Real>(v: &Vector2<T>) -> Vector2<T> {
    Vector2::new(-v.y, v.x)
}

/// cos(angle) - 1, which does not cancel, and sin(angle).
fn turned<T: Real>(angle: T) -> (T, T) {
    let half = ComplexField::sin(angle * convert(0.5));
    (-(half * half) * convert(2.0), ComplexField::sin(angle))
}

/// The parts of the integral of exp(w t) over t from 0 to 1, at w = sigma + i angle.
fn growing<T: Real>(angle: T, sigma: T) -> (T, T) {
    let square = angle * angle;
    (stumpff_integral(0, 0, sigma, square), angle * stumpff_integral(1, 1, sigma, square))
}

macro_rules! planar {
    ($Rotation:ident, $rotation:ident, $cos:expr, $sin:expr) => {
        rotation!(space $Rotation, 1);

        impl<T: Real> LieGroup for $Rotation<T> {
            type Matrix = Matrix1<T>;

            fn exponential(xi: &Vector1<T>) -> Self {
                Self::new(xi.x)
            }

            fn logarithm(&self) -> Vector1<T> {
                Vector1::new(self.angle())
            }

            fn adjoint(&self) -> Matrix1<T> {
                Matrix1::identity()
            }

            fn right_jacobian(_: &Vector1<T>) -> Matrix1<T> {
                Matrix1::identity()
            }
        }

        impl<T: Real> Rotation<2, 1> for $Rotation<T> {
            fn grown(w: &Vector1<T>, sigma: T, v: &Vector2<T>) -> Vector2<T> {
                let (p, q) = growing(w.x, sigma);
                v * p + quarter(v) * q
            }

            /// Division by p + i q, and first by what it is at no angle, as its square may be no number.
            fn ungrown(w: &Vector1<T>, sigma: T, t: &Vector2<T>) -> Vector2<T> {
                let size = stumpff_integral(0, 0, sigma, T::zero());
                let (p, q) = growing(w.x, sigma);
                let (p, q) = (p / size, q / size);
                (t * p - quarter(t) * q) / (p * p + q * q) / size
            }

            fn swept(w: &Vector1<T>, v: &Vector2<T>) -> Vector2<T> {
                let square = w.x * w.x;
                v * stumpff(1, square) + quarter(v) * (w.x * stumpff(2, square))
            }

            /// Division by sin(a) / a + i (1 - cos(a)) / a, whose square is 2 (1 - cos(a)) / a^2.
            fn unswept(w: &Vector1<T>, t: &Vector2<T>) -> Vector2<T> {
                let square = w.x * w.x;
                let along = stumpff(1, square) / (stumpff(2, square) * convert(2.0));
                t * along - quarter(t) * (w.x * convert(0.5))
            }

            fn turn(&self) -> Matrix2<T> {
                let $rotation = self;
                Matrix2::new($cos, -$sin, $sin, $cos)
            }

            fn moment(t: &Vector2<T>) -> Vector2<T> {
                -quarter(t)
            }

            fn is_half_turn(&self) -> bool {
                let $rotation = self;
                $sin.to_f64() == 0.0 && $cos.to_f64() < 0.0
            }
        }
    };
}

planar!(UnitComplex, z, z.re, z.im);
planar!(Rotation2, r, r[(0, 0)], r[(1, 0)]);

impl<T: Real> Manifold for UnitComplex<T> {
    rotation!(manifold UnitComplex, 1);

    fn retract(&self, xi: &Vector1<T>) -> Self {
        let (cos, sin) = turned(xi.x);
        let re = advance(self.re, self.re * cos - self.im * sin);
        let im = advance(self.im, self.re * sin + self.im * cos);
        Self::new_unchecked(Complex::new(re, im))
    }

    fn map<S: Real>(&self, f: &mut impl FnMut(T) -> S) -> UnitComplex<S> {
        let re = f(self.re);
        UnitComplex::new_unchecked(Complex::new(re, f(self.im)))
    }
}

impl<T: Real> Manifold for Rotation2<T> {
    rotation!(manifold Rotation2, 1);

    fn retract(&self, xi: &Vector1<T>) -> Self {
        let (cos, sin) = turned(xi.x);
        let step = self.matrix() * Matrix2::new(cos, -sin, sin, cos);
        Self::from_matrix_unchecked(self.matrix().zip_map(&step, advance))
    }

    fn map<S: Real>(&self, f: &mut impl FnMut(T) -> S) -> Rotation2<S> {
        Rotation2::from_matrix_unchecked(self.matrix().map(f))
    }
}
