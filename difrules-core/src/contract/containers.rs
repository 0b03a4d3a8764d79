//! The containers: matrices, lists, arrays, options and tuples.

use std::borrow::Cow;

use nalgebra::allocator::Allocator;
use nalgebra::{DefaultAllocator, Dim, MatrixViewMut, OMatrix, U1};

use crate::cast;
use crate::contract::scalar::{Kind, Real, Scalar};
use crate::contract::value::{Differentiable, Family, SAME_SHAPE, Shape, With};
use crate::contract::whole::{Map, Source, Whole};
use crate::kernel::copied;
use crate::registry::Notion;
use crate::tape::split_front;

impl<K: Kind, R: Dim, C: Dim> Family for OMatrix<K, R, C>
where
    DefaultAllocator: Allocator<R, C>,
{
    type Of<S: Real> = OMatrix<<K as Kind>::Of<S>, R, C>;
    type Shape = (R, C);

    fn written((rows, columns): &(R, C)) -> String {
        format!("{} x {}", rows.value(), columns.value())
    }
}

impl<T: Scalar, R: Dim, C: Dim> Differentiable for OMatrix<T, R, C>
where
    DefaultAllocator: Allocator<R, C>,
{
    type Real = <T as Scalar>::Real;
    type Family = OMatrix<T::Kind, R, C>;
    type Ref<'a> = &'a Self;
    type Cotangent<'a> = MatrixViewMut<'a, T, R, C>;
    type Adjoint<'a> = MatrixViewMut<'a, T, R, C>;
    type Parts = Whole<Self>;
    const NUMBERS_ALONE: bool = true;

    #[inline]
    fn shape(&self) -> (R, C) {
        self.shape_generic()
    }

    fn notion() -> Notion {
        if C::is::<U1>() { Notion::Vector } else { Notion::Matrix }
    }

    #[inline]
    fn count((rows, columns): &(R, C)) -> usize {
        rows.value() * columns.value() * T::count(&())
    }

    #[inline]
    fn build_with((rows, columns): &(R, C), source: &mut impl Source<Self::Real>) -> Self {
        Self::from_fn_generic(*rows, *columns, |_, _| T::build_with(&(), source))
    }

    #[inline]
    fn map_with<S: Real>(&self, map: &mut impl Map<Self::Real, S>) -> With<Self, S> {
        self.map(|x| x.map_parts(&mut |x| map.real(x)))
    }

    #[inline]
    fn from_reals((rows, columns): &(R, C), reals: &[Self::Real]) -> Self {
        Self::from_iterator_generic(*rows, *columns, T::from_parts(reals).iter().copied())
    }

    #[inline]
    fn copied(&self) -> Self {
        if !std::mem::needs_drop::<Self>() {
            // It is on the stack, and small.
            return self.clone();
        }
        let (rows, columns) = self.shape_generic();
        Self::from_iterator_generic(rows, columns, copied(self.as_slice()))
    }

    #[inline]
    fn reals(&self) -> Cow<'_, [Self::Real]> {
        Cow::Borrowed(T::parts_of(self.as_slice()))
    }

    #[inline]
    fn parts(whole: <Self::Real as Real>::Whole<Self::Family>) -> Whole<Self> {
        Whole::new(whole)
    }

    #[inline]
    fn for_each_real(&self, f: &mut impl FnMut(Self::Real)) {
        for x in self.as_slice() {
            x.for_each_real(f);
        }
    }

    #[inline]
    fn update_reals(&mut self, f: &mut impl FnMut(&mut Self::Real)) {
        for x in self.as_mut_slice() {
            x.update_reals(f);
        }
    }

    #[inline]
    fn zip_reals<S: Real>(
        &mut self,
        other: &With<Self, S>,
        f: &mut impl FnMut(&mut Self::Real, S),
    ) {
        assert_eq!(self.shape_generic(), other.shape_generic(), "{SAME_SHAPE}");
        for (x, y) in self.as_mut_slice().iter_mut().zip(other.as_slice()) {
            x.zip_reals(y, f);
        }
    }

    fn add_to(&self, mut adjoint: Self::Adjoint<'_>) {
        let sums = cast::column_major_slice_mut(&mut adjoint).expect("an adjoint is column-major");
        for (sum, term) in sums.iter_mut().zip(self.as_slice()) {
            *sum += *term;
        }
    }

    #[inline]
    fn by_ref(&self) -> &Self {
        self
    }

    #[inline]
    fn as_cotangent<'a>(shape: &(R, C), reals: &'a mut [Self::Real]) -> MatrixViewMut<'a, T, R, C> {
        Self::as_adjoint(shape, reals)
    }

    #[inline]
    fn as_adjoint<'a>(
        (rows, columns): &(R, C),
        reals: &'a mut [Self::Real],
    ) -> MatrixViewMut<'a, T, R, C> {
        MatrixViewMut::from_slice_generic(T::from_parts_mut(reals), *rows, *columns)
    }
}

/// What containers of values of one kind share.
macro_rules! by_element {
    () => {
        fn notion() -> Notion {
            Notion::Structure
        }

        fn for_each_real(&self, f: &mut impl FnMut(Self::Real)) {
            self.iter().for_each(|x| x.for_each_real(f));
        }

        fn update_reals(&mut self, f: &mut impl FnMut(&mut Self::Real)) {
            self.iter_mut().for_each(|x| x.update_reals(f));
        }

        fn zip_reals<S: Real>(
            &mut self,
            other: &With<Self, S>,
            f: &mut impl FnMut(&mut Self::Real, S),
        ) {
            assert_eq!(self.iter().count(), other.iter().count(), "{SAME_SHAPE}");
            for (x, y) in self.iter_mut().zip(other) {
                x.zip_reals(y, f);
            }
        }

        fn add_to(&self, adjoint: Self::Adjoint<'_>) {
            for (x, adjoint) in self.iter().zip(adjoint) {
                x.add_to(adjoint);
            }
        }
    };
}

/// The parts of a shape in brackets.
pub(crate) fn listed(parts: impl IntoIterator<Item = String>, [open, close]: [&str; 2]) -> String {
    let parts: Vec<_> = parts.into_iter().collect();
    format!("{open}{}{close}", parts.join(", "))
}

impl<X: Family> Family for Vec<X> {
    type Of<S: Real> = Vec<X::Of<S>>;
    type Shape = Vec<X::Shape>;

    fn written(shape: &Vec<X::Shape>) -> String {
        listed(shape.iter().map(X::written), ["[", "]"])
    }
}

impl<X: Differentiable> Differentiable for Vec<X> {
    type Real = X::Real;
    type Family = Vec<X::Family>;
    type Ref<'a> = &'a [X];
    type Cotangent<'a> = Vec<X::Cotangent<'a>>;
    type Adjoint<'a> = Vec<X::Adjoint<'a>>;
    type Parts = Vec<X::Parts>;
    by_element!();

    fn parts(whole: <X::Real as Real>::Whole<Vec<X::Family>>) -> Vec<X::Parts> {
        let lent = <X::Real as Real>::lend::<Vec<X::Family>>(&whole);
        let value = <X::Real as Real>::value_of::<Vec<X::Family>>(lent);
        let mut offset = 0;
        let part = |(i, shape): (usize, _)| {
            let start = offset;
            offset += X::count(&shape);
            let take = |all: &Vec<With<X, <X::Real as Real>::Inner>>| all[i].copied();
            X::parts(<X::Real as Real>::part::<Vec<X::Family>, X::Family>(lent, start, take))
        };
        value.shape().into_iter().enumerate().map(part).collect()
    }

    fn shape(&self) -> Shape<Self> {
        self.iter().map(X::shape).collect()
    }

    fn count(shape: &Shape<Self>) -> usize {
        shape.iter().map(X::count).sum()
    }

    fn pieces(shape: &Shape<Self>, pieces: &mut Vec<usize>) {
        shape.iter().for_each(|shape| X::pieces(shape, pieces));
    }

    fn build_with(shape: &Shape<Self>, source: &mut impl Source<Self::Real>) -> Self {
        shape.iter().map(|shape| X::build_with(shape, source)).collect()
    }

    fn map_with<S: Real>(&self, map: &mut impl Map<Self::Real, S>) -> With<Self, S> {
        self.iter().map(|x| x.map_with(map)).collect()
    }

    fn by_ref(&self) -> &[X] {
        self
    }

    fn as_cotangent<'a>(
        shape: &Shape<Self>,
        mut reals: &'a mut [Self::Real],
    ) -> Self::Cotangent<'a> {
        shape
            .iter()
            .map(|shape| X::as_cotangent(shape, split_front(&mut reals, X::count(shape))))
            .collect()
    }

    fn as_adjoint<'a>(shape: &Shape<Self>, mut reals: &'a mut [Self::Real]) -> Self::Adjoint<'a> {
        shape
            .iter()
            .map(|shape| X::as_adjoint(shape, split_front(&mut reals, X::count(shape))))
            .collect()
    }
}

impl<X: Family, const N: usize> Family for [X; N] {
    type Of<S: Real> = [X::Of<S>; N];
    type Shape = [X::Shape; N];

    fn written(shape: &[X::Shape; N]) -> String {
        listed(shape.iter().map(X::written), ["[", "]"])
    }
}

impl<X: Differentiable, const N: usize> Differentiable for [X; N] {
    type Real = X::Real;
    type Family = [X::Family; N];
    type Ref<'a> = &'a [X; N];
    type Cotangent<'a> = [X::Cotangent<'a>; N];
    type Adjoint<'a> = [X::Adjoint<'a>; N];
    type Parts = [X::Parts; N];
    by_element!();

    fn parts(whole: <X::Real as Real>::Whole<[X::Family; N]>) -> [X::Parts; N] {
        let lent = <X::Real as Real>::lend::<[X::Family; N]>(&whole);
        let shapes = <X::Real as Real>::value_of::<[X::Family; N]>(lent).shape();
        let mut offset = 0;
        std::array::from_fn(|i| {
            let start = offset;
            offset += X::count(&shapes[i]);
            let take = |all: &[With<X, <X::Real as Real>::Inner>; N]| all[i].copied();
            X::parts(<X::Real as Real>::part::<[X::Family; N], X::Family>(lent, start, take))
        })
    }

    fn shape(&self) -> Shape<Self> {
        self.each_ref().map(X::shape)
    }

    fn count(shape: &Shape<Self>) -> usize {
        shape.iter().map(X::count).sum()
    }

    fn pieces(shape: &Shape<Self>, pieces: &mut Vec<usize>) {
        shape.iter().for_each(|shape| X::pieces(shape, pieces));
    }

    fn build_with(shape: &Shape<Self>, source: &mut impl Source<Self::Real>) -> Self {
        shape.each_ref().map(|shape| X::build_with(shape, source))
    }

    fn map_with<S: Real>(&self, map: &mut impl Map<Self::Real, S>) -> With<Self, S> {
        self.each_ref().map(|x| x.map_with(map))
    }

    fn by_ref(&self) -> &[X; N] {
        self
    }

    fn as_cotangent<'a>(
        shape: &Shape<Self>,
        mut reals: &'a mut [Self::Real],
    ) -> Self::Cotangent<'a> {
        shape
            .each_ref()
            .map(|shape| X::as_cotangent(shape, split_front(&mut reals, X::count(shape))))
    }

    fn as_adjoint<'a>(shape: &Shape<Self>, mut reals: &'a mut [Self::Real]) -> Self::Adjoint<'a> {
        shape.each_ref().map(|shape| X::as_adjoint(shape, split_front(&mut reals, X::count(shape))))
    }
}

impl<X: Family> Family for Option<X> {
    type Of<S: Real> = Option<X::Of<S>>;
    type Shape = Option<X::Shape>;

    fn written(shape: &Option<X::Shape>) -> String {
        shape.as_ref().map_or_else(|| "None".into(), X::written)
    }
}

impl<X: Differentiable> Differentiable for Option<X> {
    type Real = X::Real;
    type Family = Option<X::Family>;
    type Ref<'a> = Option<&'a X>;
    type Cotangent<'a> = Option<X::Cotangent<'a>>;
    type Adjoint<'a> = Option<X::Adjoint<'a>>;
    type Parts = Option<X::Parts>;
    by_element!();

    fn parts(whole: <X::Real as Real>::Whole<Option<X::Family>>) -> Option<X::Parts> {
        let lent = <X::Real as Real>::lend::<Option<X::Family>>(&whole);
        <X::Real as Real>::value_of::<Option<X::Family>>(lent).as_ref()?;
        let take = |x: &Option<With<X, <X::Real as Real>::Inner>>| {
            x.as_ref().expect("it is there").copied()
        };
        Some(X::parts(<X::Real as Real>::part::<Option<X::Family>, X::Family>(lent, 0, take)))
    }

    fn shape(&self) -> Shape<Self> {
        self.as_ref().map(X::shape)
    }

    fn count(shape: &Shape<Self>) -> usize {
        shape.as_ref().map_or(0, X::count)
    }

    fn build_with(shape: &Shape<Self>, source: &mut impl Source<Self::Real>) -> Self {
        shape.as_ref().map(|shape| X::build_with(shape, source))
    }

    fn map_with<S: Real>(&self, map: &mut impl Map<Self::Real, S>) -> With<Self, S> {
        self.as_ref().map(|x| x.map_with(map))
    }

    fn by_ref(&self) -> Option<&X> {
        self.as_ref()
    }

    fn as_cotangent<'a>(shape: &Shape<Self>, reals: &'a mut [Self::Real]) -> Self::Cotangent<'a> {
        shape.as_ref().map(|shape| X::as_cotangent(shape, reals))
    }

    fn as_adjoint<'a>(shape: &Shape<Self>, reals: &'a mut [Self::Real]) -> Self::Adjoint<'a> {
        shape.as_ref().map(|shape| X::as_adjoint(shape, reals))
    }
}

macro_rules! tuple {
    ($First:ident $first:tt $(, $Rest:ident $rest:tt)*) => {
        impl<$First: Family $(, $Rest: Family)*> Family for ($First, $($Rest,)*) {
            type Of<S: Real> = ($First::Of<S>, $($Rest::Of<S>,)*);
            type Shape = ($First::Shape, $($Rest::Shape,)*);

            fn written(shape: &Self::Shape) -> String {
                listed([$First::written(&shape.$first), $($Rest::written(&shape.$rest),)*], ["(", ")"])
            }
        }

        impl<$First: Differentiable $(, $Rest: Differentiable<Real = $First::Real>)*> Differentiable
            for ($First, $($Rest,)*)
        {
            type Real = $First::Real;
            type Family = ($First::Family, $($Rest::Family,)*);
            type Ref<'a> = &'a Self;
            type Cotangent<'a> = ($First::Cotangent<'a>, $($Rest::Cotangent<'a>,)*);
            type Adjoint<'a> = ($First::Adjoint<'a>, $($Rest::Adjoint<'a>,)*);
            type Parts = ($First::Parts, $($Rest::Parts,)*);

            #[allow(unused_assignments)]
            fn parts(whole: <$First::Real as Real>::Whole<Self::Family>) -> Self::Parts {
                let lent = <$First::Real as Real>::lend::<Self::Family>(&whole);
                let shape = <$First::Real as Real>::value_of::<Self::Family>(lent).shape();
                let mut offset = 0;
                (
                    {
                        let start = offset;
                        offset += $First::count(&shape.$first);
                        $First::parts(<$First::Real as Real>::part::<Self::Family, $First::Family>(
                            lent, start, |all| all.$first.copied(),
                        ))
                    },
                    $({
                        let start = offset;
                        offset += $Rest::count(&shape.$rest);
                        $Rest::parts(<$First::Real as Real>::part::<Self::Family, $Rest::Family>(
                            lent, start, |all| all.$rest.copied(),
                        ))
                    },)*
                )
            }

            fn shape(&self) -> Shape<Self> {
                (self.$first.shape(), $(self.$rest.shape(),)*)
            }

            fn notion() -> Notion {
                Notion::Structure
            }

            fn count(shape: &Shape<Self>) -> usize {
                $First::count(&shape.$first) $(+ $Rest::count(&shape.$rest))*
            }

            fn pieces(shape: &Shape<Self>, pieces: &mut Vec<usize>) {
                $First::pieces(&shape.$first, pieces);
                $($Rest::pieces(&shape.$rest, pieces);)*
            }

            fn build_with(shape: &Shape<Self>, source: &mut impl Source<Self::Real>) -> Self {
                ($First::build_with(&shape.$first, source), $($Rest::build_with(&shape.$rest, source),)*)
            }

            fn map_with<S: Real>(&self, map: &mut impl Map<Self::Real, S>) -> With<Self, S> {
                (self.$first.map_with(map), $(self.$rest.map_with(map),)*)
            }

            fn for_each_real(&self, f: &mut impl FnMut(Self::Real)) {
                self.$first.for_each_real(f);
                $(self.$rest.for_each_real(f);)*
            }

            fn update_reals(&mut self, f: &mut impl FnMut(&mut Self::Real)) {
                self.$first.update_reals(f);
                $(self.$rest.update_reals(f);)*
            }

            fn zip_reals<S: Real>(
                &mut self,
                other: &With<Self, S>,
                f: &mut impl FnMut(&mut Self::Real, S),
            ) {
                self.$first.zip_reals(&other.$first, f);
                $(self.$rest.zip_reals(&other.$rest, f);)*
            }

            fn add_to(&self, adjoint: Self::Adjoint<'_>) {
                self.$first.add_to(adjoint.$first);
                $(self.$rest.add_to(adjoint.$rest);)*
            }

            fn by_ref(&self) -> &Self {
                self
            }

            fn as_cotangent<'a>(
                shape: &Shape<Self>,
                mut reals: &'a mut [Self::Real],
            ) -> Self::Cotangent<'a> {
                (
                    $First::as_cotangent(
                        &shape.$first,
                        split_front(&mut reals, $First::count(&shape.$first)),
                    ),
                    $($Rest::as_cotangent(
                        &shape.$rest,
                        split_front(&mut reals, $Rest::count(&shape.$rest)),
                    ),)*
                )
            }

            fn as_adjoint<'a>(
                shape: &Shape<Self>,
                mut reals: &'a mut [Self::Real],
            ) -> Self::Adjoint<'a> {
                (
                    $First::as_adjoint(
                        &shape.$first,
                        split_front(&mut reals, $First::count(&shape.$first)),
                    ),
                    $($Rest::as_adjoint(
                        &shape.$rest,
                        split_front(&mut reals, $Rest::count(&shape.$rest)),
                    ),)*
                )
            }
        }
    };
}
tuple!(A 0);
tuple!(A 0, B 1);
tuple!(A 0, B 1, C 2);
tuple!(A 0, B 1, C 2, D 3);
tuple!(A 0, B 1, C 2, D 3, E 4);
tuple!(A 0, B 1, C 2, D 3, E 4, F 5);
tuple!(A 0, B 1, C 2, D 3, E 4, F 5, G 6);
tuple!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7);
