//! Unit vectors: points of a sphere, with tangents of one number less.

use nalgebra::allocator::Allocator;
use nalgebra::{
    ComplexField, DefaultAllocator, DimDiff, DimSub, OVector, RealField, U1, Unit, convert,
};

use super::manifold::{Manifold, Space, advance};
use crate::contract::scalar::Real;
use crate::math::cardinal::stumpff;
use crate::math::rotations::arc;

/// A tangent of a unit vector of `D` numbers.
type Along<T, D> = OVector<T, DimDiff<D, U1>>;

impl<D: DimSub<U1>> Space for Unit<OVector<f64, D>>
where
    DefaultAllocator: Allocator<D> + Allocator<DimDiff<D, U1>>,
{
    type Of<S: Real> = Unit<OVector<S, D>>;
    type Tangents = Along<f64, D>;
}

/// Its tangents are coordinates in the plane that touches the sphere: by the columns, without the first, of the reflection that
/// takes the vector to the first axis or its opposite, whichever is farther. The way along one is a great circle.
///
/// With x = (a, r) and s the sign of a, these are -s r^T above 1 - r r^T / (1 + |a|).
impl<T: Real, D: DimSub<U1>> Manifold for Unit<OVector<T, D>>
where
    DefaultAllocator: Allocator<D> + Allocator<DimDiff<D, U1>>,
{
    type Real = T;
    type Space = Unit<OVector<f64, D>>;

    /// x + B xi sin(a) / a - x (1 - cos(a)), where a is the length of xi.
    fn retract(&self, xi: &Along<T, D>) -> Self {
        let (square, (first, sign)) = (xi.norm_squared(), leading(self[0]));
        let inner = xi.iter().zip(self.iter().skip(1)).fold(T::zero(), |sum, (&d, &x)| sum + d * x);
        let (along, towards) = (stumpff(1, square), square * stumpff(2, square));
        let mut moved = self.clone_owned();
        for (i, x) in moved.iter_mut().enumerate() {
            let tangent =
                if i == 0 { -sign * inner } else { xi[i - 1] - *x * inner / (T::one() + first) };
            *x = advance(*x, tangent * along - *x * towards);
        }
        Self::new_unchecked(moved)
    }

    /// B^T y times the angle over its sine, which is the length of B^T y.
    fn local(&self, other: &Self) -> Along<T, D> {
        let (first, sign) = leading(self[0]);
        let rest = self.iter().zip(other.iter()).skip(1);
        let inner = rest.fold(T::zero(), |sum, (&x, &y)| sum + x * y);
        let by = sign * other[0] + inner / (T::one() + first);
        let mut across = self.zero();
        for (i, d) in across.iter_mut().enumerate() {
            *d = other[i + 1] - self[i + 1] * by;
        }
        let cosine = self[0] * other[0] + inner;
        let square = across.norm_squared();
        // Beside the opposite point, so near that the square is no number any more.
        let largest = across.iter().fold(0.0, |largest: f64, d| largest.max(d.to_f64().abs()));
        if cosine.to_f64() < 0.0 && square.to_f64() < 1e-280 && largest > 0.0 {
            let near = across.map(|d| d / convert(largest));
            let length = ComplexField::sqrt(near.norm_squared());
            return near * (RealField::atan2(length * convert(largest), cosine) / length);
        }
        across * arc(square, cosine)
    }

    fn zero(&self) -> Along<T, D> {
        OVector::zeros_generic(self.shape_generic().0.sub(U1), U1)
    }

    fn map<S: Real>(&self, f: &mut impl FnMut(T) -> S) -> Unit<OVector<S, D>> {
        Unit::new_unchecked(self.as_ref().map(f))
    }

    fn interpolate(&self, to: &Self, part: T) -> Self {
        self.retract(&(self.local(to) * part))
    }
}

/// The size and the sign of a number.
fn leading<T: Real>(first: T) -> (T, T) {
    if RealField::is_sign_negative(&first) { (-first, -T::one()) } else { (first, T::one()) }
}
