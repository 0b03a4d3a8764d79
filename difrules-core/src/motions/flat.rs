//! Flat spaces: numbers, vectors and matrices, points, translations, and whatever else has derivatives.

use nalgebra::allocator::Allocator;
use nalgebra::{DefaultAllocator, Dim, DimName, OMatrix, OPoint, OVector, SVector, Translation};

use super::group::LieGroup;
use super::manifold::{At, Manifold, Space, Tangent, advance, scaled};
use crate::contract::scalar::{Kind, Real, Scalar};
use crate::contract::value::{Differentiable, Family, With};

/// Moves each number by its own tangent.
fn advanced<X: Differentiable>(x: &X, by: &X) -> X {
    let mut moved = x.clone();
    moved.zip_reals::<X::Real>(by, &mut |x, d| *x = advance(*x, d));
    moved
}

/// y - x.
fn difference<X: Differentiable>(x: &X, y: &X) -> X {
    let mut difference = y.clone();
    difference.zip_reals::<X::Real>(x, &mut |y, x| *y -= x);
    difference
}

/// What is its own tangent.
macro_rules! flat {
    () => {
        #[inline]
        fn retract(&self, xi: &Self) -> Self {
            advanced(self, xi)
        }

        #[inline]
        fn local(&self, other: &Self) -> Self {
            difference(self, other)
        }

        fn zero(&self) -> Self {
            self.map_reals::<<Self as Differentiable>::Real>(&mut |_| nalgebra::zero())
        }

        #[inline]
        fn map<S: Real>(&self, f: &mut impl FnMut(Self::Real) -> S) -> At<Self, S> {
            self.map_reals(f)
        }

        fn interpolate(&self, to: &Self, part: Self::Real) -> Self {
            advanced(self, &scaled(&difference(self, to), part))
        }
    };
}

impl<K: Kind> Space for K {
    type Of<S: Real> = <K as Kind>::Of<S>;
    type Tangents = K;
}

impl<T: Scalar> Manifold for T {
    type Real = <T as Scalar>::Real;
    type Space = T::Kind;
    flat!();
}

impl<K: Kind, R: Dim, C: Dim> Space for OMatrix<K, R, C>
where
    DefaultAllocator: Allocator<R, C>,
{
    type Of<S: Real> = OMatrix<<K as Kind>::Of<S>, R, C>;
    type Tangents = Self;
}

impl<T: Scalar, R: Dim, C: Dim> Manifold for OMatrix<T, R, C>
where
    DefaultAllocator: Allocator<R, C>,
{
    type Real = <T as Scalar>::Real;
    type Space = OMatrix<T::Kind, R, C>;
    flat!();
}

/// A value with derivatives as a point of a flat space: its tangents are such values.
///
/// What numbers, matrices and tuples of them are by themselves, and what a structure that derives
/// [`Differentiable`](derive@crate::Differentiable) is in this.
///
/// ```
/// use difrules_core::Differentiable;
/// use difrules_core::motions::{Flat, gradient};
/// use nalgebra::{UnitQuaternion, Vector3, vector};
///
/// #[derive(Clone, Debug, PartialEq, Differentiable)]
/// struct Lens<T> {
///     focus: T,
///     centre: Vector3<T>,
/// }
///
/// let lens = Lens { focus: 2.0, centre: vector![1.0, 0.0, 0.0] };
/// let x = (UnitQuaternion::<f64>::identity(), Flat(lens));
/// let (turning, Lens { focus, centre }) =
///     gradient(|(turn, Flat(lens))| (turn * lens.centre).y * lens.focus, &x);
/// assert_eq!(turning, vector![0.0, 0.0, 2.0]);
/// assert_eq!((focus, centre), (0.0, vector![0.0, 2.0, 0.0]));
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Flat<X>(
    /// The value.
    pub X,
);

impl<F: Family> Space for Flat<F> {
    type Of<S: Real> = Flat<F::Of<S>>;
    type Tangents = F;
}

impl<X: Differentiable> Manifold for Flat<X> {
    type Real = X::Real;
    type Space = Flat<X::Family>;

    fn retract(&self, xi: &X) -> Self {
        Self(advanced(&self.0, xi))
    }

    fn local(&self, other: &Self) -> X {
        difference(&self.0, &other.0)
    }

    fn zero(&self) -> X {
        self.0.map_reals::<X::Real>(&mut |_| nalgebra::zero())
    }

    fn map<S: Real>(&self, f: &mut impl FnMut(X::Real) -> S) -> Flat<With<X, S>> {
        Flat(self.0.map_reals(f))
    }

    fn interpolate(&self, to: &Self, part: X::Real) -> Self {
        self.retract(&scaled(&self.local(to), part))
    }
}

impl<D: DimName> Space for OPoint<f64, D>
where
    DefaultAllocator: Allocator<D>,
{
    type Of<S: Real> = OPoint<S, D>;
    type Tangents = OVector<f64, D>;
}

/// Its tangent is the vector by which it moves.
impl<T: Real, D: DimName> Manifold for OPoint<T, D>
where
    DefaultAllocator: Allocator<D>,
{
    type Real = T;
    type Space = OPoint<f64, D>;

    fn retract(&self, xi: &OVector<T, D>) -> Self {
        advanced(&self.coords, xi).into()
    }

    fn local(&self, other: &Self) -> OVector<T, D> {
        difference(&self.coords, &other.coords)
    }

    fn zero(&self) -> OVector<T, D> {
        OVector::zeros_generic(D::name(), nalgebra::U1)
    }

    fn map<S: Real>(&self, f: &mut impl FnMut(T) -> S) -> OPoint<S, D> {
        self.coords.map_reals(f).into()
    }

    fn interpolate(&self, to: &Self, part: T) -> Self {
        self.retract(&scaled(&self.local(to), part))
    }
}

impl<const D: usize> Space for Translation<f64, D> {
    type Of<S: Real> = Translation<S, D>;
    type Tangents = SVector<f64, D>;
}

/// Its tangent is the vector by which it moves.
impl<T: Real, const D: usize> Manifold for Translation<T, D> {
    type Real = T;
    type Space = Translation<f64, D>;

    fn retract(&self, xi: &SVector<T, D>) -> Self {
        advanced(&self.vector, xi).into()
    }

    fn local(&self, other: &Self) -> SVector<T, D> {
        difference(&self.vector, &other.vector)
    }

    fn zero(&self) -> SVector<T, D> {
        SVector::zeros()
    }

    fn map<S: Real>(&self, f: &mut impl FnMut(T) -> S) -> Translation<S, D> {
        self.vector.map_reals(f).into()
    }

    fn interpolate(&self, to: &Self, part: T) -> Self {
        self.retract(&scaled(&self.local(to), part))
    }
}

impl<T: Real, const D: usize> LieGroup for Translation<T, D> {
    type Matrix = nalgebra::SMatrix<T, D, D>;

    fn exponential(xi: &Tangent<Self>) -> Self {
        (*xi).into()
    }

    fn logarithm(&self) -> Tangent<Self> {
        self.vector
    }

    fn adjoint(&self) -> Self::Matrix {
        Self::Matrix::identity()
    }

    fn right_jacobian(_: &Tangent<Self>) -> Self::Matrix {
        Self::Matrix::identity()
    }
}
