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
