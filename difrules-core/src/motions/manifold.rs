//! What a point is, apart from its coordinates, and how it moves along a tangent.

use crate::contract::scalar::Real;
use crate::contract::value::{Differentiable, Family};

/// A manifold, apart from the real scalar that its points are over: [`Family`] is to
/// [`Differentiable`](trait@Differentiable) what this is to [`Manifold`].
///
/// The points over `f64` stand for it: `UnitQuaternion<f64>` for `UnitQuaternion<Var<f64>>`.
///
/// ```
/// use difrules_core::Dual;
/// use difrules_core::motions::{At, lift};
/// use nalgebra::UnitQuaternion;
///
/// let here = UnitQuaternion::<f64>::identity();
/// let there: At<UnitQuaternion<f64>, Dual<f64>> = lift(&here);
/// assert_eq!(there.w, Dual::constant(1.0));
/// ```
pub trait Space: 'static {
    /// A point over the real scalar `S`.
    type Of<S: Real>: Manifold<Real = S, Space = Self>;
    /// What the tangents are.
    type Tangents: Family;
}

/// The point `X` over the real scalar `S`.
pub type At<X, S> = <<X as Manifold>::Space as Space>::Of<S>;

/// A tangent of the point `X`: its numbers are coordinates in the tangent space there.
pub type Tangent<X> =
    <<<X as Manifold>::Space as Space>::Tangents as Family>::Of<<X as Manifold>::Real>;

/// A point of a space that is not flat, or is, with tangents that have coordinates of their own.
///
/// [The page](crate::motions) says for which types, and what their coordinates are.
///
/// ```
/// use difrules_core::motions::Manifold;
/// use nalgebra::{UnitQuaternion, Vector3, vector};
///
/// let x = UnitQuaternion::from_euler_angles(0.1, 0.2, 0.3);
/// let y = x.retract(&vector![0.0, 0.0, 1e-3]);
/// // A thousandth of a turn about the axis z of the body.
/// assert!(y.angle_to(&(x * UnitQuaternion::from_axis_angle(&Vector3::z_axis(), 1e-3))) < 1e-15);
/// assert!((x.local(&y) - vector![0.0, 0.0, 1e-3]).norm() < 1e-15);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no point of a manifold",
    note = "points are numbers, nalgebra's matrices, points, rotations, isometries, similarities and unit vectors, and tuples, arrays, `Vec` and `Option` of them",
    note = "any other value with derivatives is one inside of `difrules_core::motions::Flat`, and a structure of points by `difrules_core::manifold!`"
)]
pub trait Manifold: Clone + 'static {
    /// The real scalar it is over.
    type Real: Real;
    /// The same point over all real scalars.
    type Space: Space<Of<Self::Real> = Self>;

    /// The point that is reached from here along a tangent: of a group, `x exp(xi)`.
    ///
    /// Along zero it is this point, bit for bit.
    #[must_use]
    fn retract(&self, xi: &Tangent<Self>) -> Self;

    /// The tangent along which `other` is reached from here: of a group, `ln(x^-1 y)`.
    fn local(&self, other: &Self) -> Tangent<Self>;

    /// The tangent zero here.
    fn zero(&self) -> Tangent<Self>;

    /// The same point with `f` of each number that it is stored as.
    #[must_use]
    fn map<S: Real>(&self, f: &mut impl FnMut(Self::Real) -> S) -> At<Self, S>;

    /// The point a part of the way to another, on the shortest way, which of a group is `x exp(t ln(x^-1 y))`.
    ///
    /// NaN where there is no shortest way, between rotations that are half a turn apart and opposite unit vectors.
    ///
    /// ```
    /// use difrules_core::motions::Manifold;
    /// use nalgebra::{Isometry3, vector};
    ///
    /// // A screw: a quarter turn about z while moving along it.
    /// let x = Isometry3::identity();
    /// let y = Isometry3::new(vector![0.0, 0.0, 1.0], vector![0.0, 0.0, std::f64::consts::FRAC_PI_2]);
    /// let half = x.interpolate(&y, 0.5);
    /// assert!((half.translation.vector - vector![0.0, 0.0, 0.5]).norm() < 1e-15);
    /// assert!((half.rotation.angle() - std::f64::consts::FRAC_PI_4).abs() < 1e-15);
    /// ```
    #[must_use]
    fn interpolate(&self, to: &Self, part: Self::Real) -> Self;
}

/// A tangent times a number.
pub(super) fn scaled<V: Differentiable>(tangent: &V, factor: V::Real) -> V {
    tangent.map_reals(&mut |x| x * factor)
}

/// A point of a computation as one that is constant one mode further out, as [`crate::lift`] makes of values.
///
/// ```
/// use difrules_core::Real;
/// use difrules_core::motions::{gradient, lift};
/// use nalgebra::{UnitQuaternion, Vector3};
///
/// /// How fast two rotations come to agree, for any scalar.
/// fn slope<T: Real>(x: &UnitQuaternion<T>, y: &UnitQuaternion<T>) -> Vector3<T> {
///     gradient(|x| x.coords.dot(&lift(y).coords), x)
/// }
///
/// let x = UnitQuaternion::<f64>::identity();
/// assert_eq!(slope(&x, &x), Vector3::zeros());
/// ```
pub fn lift<X: Manifold, M: Real<Inner = X::Real>>(x: &X) -> At<X, M> {
    x.map(&mut M::from_inner)
}

/// The point as a function of the tangent along which it moves, which is of the mode around: what every transform of this
/// module begins with. Any transform of this crate takes such a function, and so does a [`Recording`](crate::Recording).
///
/// ```
/// use difrules_core::motions::{self, along};
/// use difrules_core::gradient;
/// use nalgebra::{UnitQuaternion, Vector3};
///
/// let x = UnitQuaternion::from_euler_angles(0.1, 0.2, 0.3);
/// let slope = gradient(|xi| (along(&x, xi) * Vector3::x()).z, &Vector3::<f64>::zeros());
/// assert_eq!(slope, motions::gradient(|x| (x * Vector3::x()).z, &x));
/// ```
pub fn along<X, V>(x: &X, xi: &V) -> At<X, V::Real>
where
    X: Manifold<Space: Space<Tangents = V::Family>>,
    V: Differentiable<Real: Real<Inner = X::Real>>,
{
    lift::<X, V::Real>(x).retract(xi)
}

/// x + d, and bit for bit x where d is zero: a zero keeps its sign.
#[inline]
pub(super) fn advance<T: Real>(x: T, d: T) -> T {
    let plain = x.to_f64();
    if plain == 0.0 && plain.is_sign_negative() { -(-x - d) } else { x + d }
}
