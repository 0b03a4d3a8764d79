//! Products: tuples, arrays, lists and options of points, with tuples, arrays, .. of their tangents.

use super::manifold::{At, Manifold, Space, Tangent};
use crate::contract::scalar::Real;
use crate::contract::value::SAME_SHAPE;

impl<X: Space> Space for Vec<X> {
    type Of<S: Real> = Vec<X::Of<S>>;
    type Tangents = Vec<X::Tangents>;
}

impl<X: Manifold> Manifold for Vec<X> {
    type Real = X::Real;
    type Space = Vec<X::Space>;

    fn retract(&self, xi: &Vec<Tangent<X>>) -> Self {
        assert_eq!(self.len(), xi.len(), "{SAME_SHAPE}");
        self.iter().zip(xi).map(|(x, xi)| x.retract(xi)).collect()
    }

    fn local(&self, other: &Self) -> Vec<Tangent<X>> {
        assert_eq!(self.len(), other.len(), "{SAME_SHAPE}");
        self.iter().zip(other).map(|(x, y)| x.local(y)).collect()
    }

    fn zero(&self) -> Vec<Tangent<X>> {
        self.iter().map(X::zero).collect()
    }

    fn map<S: Real>(&self, f: &mut impl FnMut(X::Real) -> S) -> Vec<At<X, S>> {
        self.iter().map(|x| x.map(f)).collect()
    }

    fn interpolate(&self, to: &Self, part: X::Real) -> Self {
        assert_eq!(self.len(), to.len(), "{SAME_SHAPE}");
        self.iter().zip(to).map(|(x, y)| x.interpolate(y, part)).collect()
    }
}

impl<X: Space, const N: usize> Space for [X; N] {
    type Of<S: Real> = [X::Of<S>; N];
    type Tangents = [X::Tangents; N];
}

impl<X: Manifold, const N: usize> Manifold for [X; N] {
    type Real = X::Real;
    type Space = [X::Space; N];

    fn retract(&self, xi: &[Tangent<X>; N]) -> Self {
        std::array::from_fn(|i| self[i].retract(&xi[i]))
    }

    fn local(&self, other: &Self) -> [Tangent<X>; N] {
        std::array::from_fn(|i| self[i].local(&other[i]))
    }

    fn zero(&self) -> [Tangent<X>; N] {
        self.each_ref().map(X::zero)
    }

    fn map<S: Real>(&self, f: &mut impl FnMut(X::Real) -> S) -> [At<X, S>; N] {
        self.each_ref().map(|x| x.map(f))
    }

    fn interpolate(&self, to: &Self, part: X::Real) -> Self {
        std::array::from_fn(|i| self[i].interpolate(&to[i], part))
    }
}

impl<X: Space> Space for Option<X> {
    type Of<S: Real> = Option<X::Of<S>>;
    type Tangents = Option<X::Tangents>;
}

impl<X: Manifold> Manifold for Option<X> {
    type Real = X::Real;
    type Space = Option<X::Space>;

    fn retract(&self, xi: &Option<Tangent<X>>) -> Self {
        assert_eq!(self.is_some(), xi.is_some(), "{SAME_SHAPE}");
        self.as_ref().zip(xi.as_ref()).map(|(x, xi)| x.retract(xi))
    }

    fn local(&self, other: &Self) -> Option<Tangent<X>> {
        assert_eq!(self.is_some(), other.is_some(), "{SAME_SHAPE}");
        self.as_ref().zip(other.as_ref()).map(|(x, y)| x.local(y))
    }

    fn zero(&self) -> Option<Tangent<X>> {
        self.as_ref().map(X::zero)
    }

    fn map<S: Real>(&self, f: &mut impl FnMut(X::Real) -> S) -> Option<At<X, S>> {
        self.as_ref().map(|x| x.map(f))
    }

    fn interpolate(&self, to: &Self, part: X::Real) -> Self {
        assert_eq!(self.is_some(), to.is_some(), "{SAME_SHAPE}");
        self.as_ref().zip(to.as_ref()).map(|(x, y)| x.interpolate(y, part))
    }
}

macro_rules! tuples {
    ($(($First:ident $first:tt $(, $Rest:ident $rest:tt)*))*) => {$(
        tuples!(@ $First ($First $first $(, $Rest $rest)*));
    )*};
    (@ $First:ident ($($X:ident $i:tt),*)) => {
        impl<$($X: Space),*> Space for ($($X,)*) {
            type Of<S: Real> = ($($X::Of<S>,)*);
            type Tangents = ($($X::Tangents,)*);
        }

        impl<Scalar: Real, $($X: Manifold<Real = Scalar>),*> Manifold for ($($X,)*) {
            type Real = Scalar;
            type Space = ($($X::Space,)*);

            fn retract(&self, xi: &Tangent<Self>) -> Self {
                ($(self.$i.retract(&xi.$i),)*)
            }

            fn local(&self, other: &Self) -> Tangent<Self> {
                ($(self.$i.local(&other.$i),)*)
            }

            fn zero(&self) -> Tangent<Self> {
                ($(self.$i.zero(),)*)
            }

            fn map<S: Real>(&self, f: &mut impl FnMut(Scalar) -> S) -> At<Self, S> {
                ($(self.$i.map(f),)*)
            }

            fn interpolate(&self, to: &Self, part: Scalar) -> Self {
                ($(self.$i.interpolate(&to.$i, part),)*)
            }
        }
    };
}

tuples! {
    (A 0)
    (A 0, B 1)
    (A 0, B 1, C 2)
    (A 0, B 1, C 2, D 3)
    (A 0, B 1, C 2, D 3, E 4)
    (A 0, B 1, C 2, D 3, E 4, F 5)
    (A 0, B 1, C 2, D 3, E 4, F 5, G 6)
    (A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7)
}

/// Makes points of a structure's values, whose tangents are tuples of those of its fields.
///
/// The structure has one parameter, the scalar, and its fields are listed with their types over `f64`.
///
/// ```
/// use difrules_core::{Real, manifold};
/// use difrules_core::motions::{Flat, Manifold, gradient, lift};
/// use nalgebra::{Isometry3, Point3, UnitQuaternion, Vector2, vector};
///
/// #[derive(Clone)]
/// struct Camera<T: Real> {
///     pose: Isometry3<T>,
///     focus: T,
/// }
///
/// manifold!(Camera { pose: Isometry3<f64>, focus: f64 });
///
/// fn project<T: Real>(camera: &Camera<T>, point: &Point3<T>) -> Vector2<T> {
///     let seen = camera.pose.inverse_transform_point(point);
///     seen.xy().coords * (camera.focus / seen.z)
/// }
///
/// let camera = Camera { pose: Isometry3::identity(), focus: 2.0 };
/// let point = Point3::new(0.0, 1.0, 4.0);
/// let (by_pose, by_focus) = gradient(|camera| project(camera, &lift(&point)).y, &camera);
/// assert_eq!((by_pose[1], by_focus), (-0.5, 0.25));
/// let turned = camera.retract(&(vector![0.0, 0.0, 0.0, 0.1, 0.0, 0.0], 0.0));
/// assert!(project(&turned, &point).y > project(&camera, &point).y);
/// ```
#[macro_export]
macro_rules! manifold {
    ($Point:ident { $($field:ident : $Field:ty),+ $(,)? }) => {
        impl $crate::motions::Space for $Point<f64> {
            type Of<S: $crate::Real> = $Point<S>;
            type Tangents = ($(
                <<$Field as $crate::motions::Manifold>::Space as $crate::motions::Space>::Tangents,
            )+);
        }

        impl<T: $crate::Real> $crate::motions::Manifold for $Point<T> {
            type Real = T;
            type Space = $Point<f64>;

            fn retract(&self, ($($field,)+): &$crate::motions::Tangent<Self>) -> Self {
                $(let $field = $crate::motions::Manifold::retract(&self.$field, $field);)+
                Self { $($field),+ }
            }

            fn local(&self, other: &Self) -> $crate::motions::Tangent<Self> {
                ($($crate::motions::Manifold::local(&self.$field, &other.$field),)+)
            }

            fn zero(&self) -> $crate::motions::Tangent<Self> {
                ($($crate::motions::Manifold::zero(&self.$field),)+)
            }

            fn map<S: $crate::Real>(&self, f: &mut impl FnMut(T) -> S) -> $Point<S> {
                $(let $field = $crate::motions::Manifold::map(&self.$field, f);)+
                $Point { $($field),+ }
            }

            fn interpolate(&self, to: &Self, part: T) -> Self {
                $(let $field = $crate::motions::Manifold::interpolate(&self.$field, &to.$field, part);)+
                Self { $($field),+ }
            }
        }
    };
}
