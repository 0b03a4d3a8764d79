//! Views of matrices.

use std::marker::PhantomData;

use nalgebra::allocator::Allocator;
use nalgebra::{DefaultAllocator, Dim, Dyn, MatrixView, MatrixViewMut, OMatrix};

use crate::cast;
#[cfg(feature = "calls")]
use crate::contract::handling::{Handling, Numbers};
use crate::contract::keep::{Keep, Kept};
use crate::contract::passing::{Change, Gathered, Look, Passing, Take, Write};
use crate::contract::scalar::{Kind, Real, Scalar};
use crate::contract::value::{Differentiable, Family, SAME_SHAPE};
use crate::contract::whole::{Tangent, TangentMut};

/// A view of a matrix, with its strides, or a reference to a matrix of any storage.
pub struct View<F, RowStride = Dyn, ColumnStride = Dyn>(PhantomData<(F, RowStride, ColumnStride)>);
/// A mutable view of a matrix, or a mutable reference to a matrix of any storage.
pub struct ViewMut<F, RowStride = Dyn, ColumnStride = Dyn>(
    PhantomData<(F, RowStride, ColumnStride)>,
);

gathered!([K: Kind, R: Dim, C: Dim, RowStride: Dim, ColumnStride: Dim]
    View<OMatrix<K, R, C>, RowStride, ColumnStride>, OMatrix<K, R, C>, Allocator<R, C>);
gathered!([K: Kind, R: Dim, C: Dim, RowStride: Dim, ColumnStride: Dim]
    ViewMut<OMatrix<K, R, C>, RowStride, ColumnStride>, OMatrix<K, R, C>, Allocator<R, C>);

/// How the two forms of views read them.
macro_rules! view {
    () => {
        #[inline]
        fn visit<S: Real>(given: &Self::Given<'_, S>, f: &mut impl FnMut(S)) {
            for column in given.column_iter() {
                for x in column.iter() {
                    x.for_each_real(f);
                }
            }
        }

        #[inline]
        fn own<S: Real, U: Real>(
            given: &Self::Given<'_, S>,
            f: &mut impl FnMut(S) -> U,
        ) -> Self::Owned<U> {
            given.map(|x| x.map_parts(f))
        }
    };
}

impl<K: Kind, R: Dim, C: Dim, RowStride: Dim, ColumnStride: Dim> Passing
    for View<OMatrix<K, R, C>, RowStride, ColumnStride>
where
    DefaultAllocator: Allocator<R, C>,
{
    type Given<'a, S: Real> = MatrixView<'a, <K as Kind>::Of<S>, R, C, RowStride, ColumnStride>;
    owned!(OMatrix<K, R, C>);
    view!();
    read_by_reference!(OMatrix<K, R, C>);
    lent_whole!(OMatrix<K, R, C>);
    untouched!();

    #[inline]
    fn lend<S: Real>(owned: &mut Self::Owned<S>) -> Self::Given<'_, S> {
        cast::strided_view(owned)
    }

    #[inline]
    fn give<'b, 'a: 'b, S: Real>(
        whole: &'b mut S::Lent<'a, OMatrix<K, R, C>>,
    ) -> Self::Given<'b, S::Inner> {
        cast::strided_view(S::value_of::<OMatrix<K, R, C>>(*whole))
    }
}

impl<K: Kind, R: Dim, C: Dim, RowStride: Dim, ColumnStride: Dim> Passing
    for ViewMut<OMatrix<K, R, C>, RowStride, ColumnStride>
where
    DefaultAllocator: Allocator<R, C>,
{
    type Given<'a, S: Real> = MatrixViewMut<'a, <K as Kind>::Of<S>, R, C, RowStride, ColumnStride>;
    const IN_PLACE: bool = true;
    owned!(OMatrix<K, R, C>);
    view!();
    read_by_reference!(OMatrix<K, R, C>);
    lent_whole_mut!(OMatrix<K, R, C>);

    #[inline]
    fn lend<S: Real>(owned: &mut Self::Owned<S>) -> Self::Given<'_, S> {
        cast::strided_view_mut(owned)
    }

    #[inline]
    fn give<'b, 'a: 'b, S: Real>(
        whole: &'b mut &'a mut S::Whole<OMatrix<K, R, C>>,
    ) -> Self::Given<'b, S::Inner> {
        cast::strided_view_mut(S::value_mut::<OMatrix<K, R, C>>(whole))
    }

    #[inline]
    fn write_back<S: Real, U: Real>(
        given: &mut Self::Given<'_, S>,
        owned: &Self::Owned<U>,
        f: &mut impl FnMut(&mut S, U),
    ) {
        assert_eq!(given.shape(), owned.shape(), "{SAME_SHAPE}");
        for (mut column, owned) in given.column_iter_mut().zip(owned.column_iter()) {
            for (x, y) in column.iter_mut().zip(owned.iter()) {
                x.zip_reals(y, f);
            }
        }
    }
}

/// The types of views, to name how they are passed and what they are views of.
pub trait Viewed {
    /// How an argument of this type is passed.
    type Passing: Passing;
    /// The matrix that it is a view of, owned.
    type Matrix: Differentiable;
}

impl<T: Scalar, R: Dim, C: Dim, RowStride: Dim, ColumnStride: Dim> Viewed
    for MatrixView<'static, T, R, C, RowStride, ColumnStride>
where
    DefaultAllocator: Allocator<R, C>,
{
    type Passing = View<OMatrix<T::Kind, R, C>, RowStride, ColumnStride>;
    type Matrix = OMatrix<T, R, C>;
}

impl<T: Scalar, R: Dim, C: Dim, RowStride: Dim, ColumnStride: Dim> Viewed
    for MatrixViewMut<'static, T, R, C, RowStride, ColumnStride>
where
    DefaultAllocator: Allocator<R, C>,
{
    type Passing = ViewMut<OMatrix<T::Kind, R, C>, RowStride, ColumnStride>;
    type Matrix = OMatrix<T, R, C>;
}
