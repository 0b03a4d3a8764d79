//! Unsafe code, which is nowhere but here and in [`kernel`](crate::kernel): reading memory as another type
//! of the same layout, and handing an empty place on from a thread that ends.
//!
//! Copying instead would cost a pass over each adjoint buffer that a rule is lent, and a copy of each
//! matrix that is used transposed: nalgebra's own products take no transpose of a matrix that is large.
#![allow(unsafe_code)]

use std::any::{Any, TypeId};
use std::cell::RefCell;

use nalgebra::{
    Complex, DMatrixView, DMatrixViewMut, Dim, Dyn, Matrix, MatrixView, MatrixViewMut, RawStorage,
    RawStorageMut, Scalar, U1, ViewStorage, ViewStorageMut,
};

/// The real and the imaginary part of a complex number, in this order.
#[inline]
pub(crate) fn parts_of_complex<R>(number: &mut Complex<R>) -> &mut [R] {
    // SAFETY: `Complex<R>` is `repr(C)` with the two fields `re: R` and `im: R`, so it has the size
    // and alignment of `[R; 2]`, and the borrow is handed on whole.
    unsafe { std::slice::from_raw_parts_mut(std::ptr::from_mut(number).cast::<R>(), 2) }
}

/// Reads pairs of reals as complex numbers.
///
/// # Panics
/// If their count is odd.
#[inline]
pub(crate) fn complex_from_parts<R>(parts: &mut [R]) -> &mut [Complex<R>] {
    assert!(parts.len().is_multiple_of(2), "{} reals are not whole complex numbers", parts.len());
    // SAFETY: `Complex<R>` is `repr(C)` with the two fields `re: R` and `im: R`, so `n` of them have
    // the layout of `2 n` values `R`; the borrow is handed on whole.
    unsafe {
        std::slice::from_raw_parts_mut(parts.as_mut_ptr().cast::<Complex<R>>(), parts.len() / 2)
    }
}

/// Reads pairs of reals as complex numbers.
///
/// # Panics
/// If their count is odd.
#[inline]
pub(crate) fn complex_of_parts<R>(parts: &[R]) -> &[Complex<R>] {
    assert!(parts.len().is_multiple_of(2), "{} reals are not whole complex numbers", parts.len());
    // SAFETY: as above.
    unsafe { std::slice::from_raw_parts(parts.as_ptr().cast::<Complex<R>>(), parts.len() / 2) }
}

/// Reads complex numbers as pairs of reals.
#[inline]
pub(crate) fn parts_of_complexes<R>(numbers: &[Complex<R>]) -> &[R] {
    // SAFETY: as above.
    unsafe { std::slice::from_raw_parts(numbers.as_ptr().cast::<R>(), numbers.len() * 2) }
}

/// The same slice, if `A` and `B` are the same type.
#[inline]
pub(crate) fn same_slice<A: 'static, B: 'static>(slice: &[A]) -> Option<&[B]> {
    (TypeId::of::<A>() == TypeId::of::<B>()).then(|| {
        // SAFETY: `A` and `B` are one type (both are `'static`, so the ids cannot hide a lifetime).
        unsafe { std::slice::from_raw_parts(slice.as_ptr().cast::<B>(), slice.len()) }
    })
}

/// The same slice, if `A` and `B` are the same type.
#[inline]
pub(crate) fn same_slice_mut<A: 'static, B: 'static>(slice: &mut [A]) -> Option<&mut [B]> {
    (TypeId::of::<A>() == TypeId::of::<B>()).then(|| {
        // SAFETY: `A` and `B` are one type (both are `'static`, so the ids cannot hide a lifetime).
        unsafe { std::slice::from_raw_parts_mut(slice.as_mut_ptr().cast::<B>(), slice.len()) }
    })
}

/// A place that a thread which ends leaves to another one.
///
/// A place of a thread without a destructor is the fastest to come to, and each operation that is
/// recorded does; so what it refers to is never freed, but used again.
pub(crate) struct Emptied(&'static RefCell<dyn Any>);

// SAFETY: the reference is the only one in use: `new` is given it by the thread that had it, which
// forgets it, and empties it first, so that nothing in it belongs to that thread.
unsafe impl Send for Emptied {}

impl Emptied {
    /// Empties a place that the caller does not look at again.
    pub(crate) fn new<T: Default + 'static>(place: &'static RefCell<T>) -> Self {
        *place.borrow_mut() = T::default();
        Self(place)
    }

    /// The place, if it is of this type, for the caller alone.
    pub(crate) fn take<T: 'static>(self) -> Option<&'static RefCell<T>> {
        let place: &'static RefCell<dyn Any> = self.0;
        let same = (*place.borrow()).type_id() == TypeId::of::<T>();
        // SAFETY: it was made of a `&'static RefCell<T>` of this very `T`.
        same.then(|| unsafe { &*std::ptr::from_ref(place).cast::<RefCell<T>>() })
    }
}

/// The same reference, if `A` and `B` are the same type.
#[inline]
pub(crate) fn same_ref<A: ?Sized + 'static, B: 'static>(value: &A) -> Option<&B> {
    (TypeId::of::<A>() == TypeId::of::<B>()).then(|| {
        // SAFETY: `A` and `B` are one type (both are `'static`, so the ids cannot hide a lifetime).
        unsafe { &*std::ptr::from_ref(value).cast::<B>() }
    })
}

/// The same value, if `A` and `B` are the same type.
#[inline]
pub(crate) fn same_value<A: 'static, B: 'static>(value: A) -> Option<B> {
    let mut value = Some(value);
    (&mut value as &mut dyn Any).downcast_mut::<Option<B>>().and_then(Option::take)
}

/// The matrix as a column-major view, if its columns are contiguous: the form that kernels ask for.
///
/// ```
/// use difrules_core::kernel::column_major_view;
/// use nalgebra::dmatrix;
///
/// let a = dmatrix![1.0, 2.0, 3.0; 4.0, 5.0, 6.0];
/// assert!(column_major_view(&a.columns(1, 2)).is_some());
/// assert!(column_major_view(&a.rows_with_step(0, 1, 1)).is_none());
/// ```
pub fn column_major_view<T: Scalar, R: Dim, C: Dim, S: RawStorage<T, R, C>>(
    matrix: &Matrix<T, R, C, S>,
) -> Option<DMatrixView<'_, T>> {
    let (rows, columns) = matrix.shape();
    let (row_stride, column_stride) = matrix.strides();
    (row_stride == 1).then(|| {
        // SAFETY: the same entries by the same strides, in storage that stays borrowed for as long
        // as the view lives.
        unsafe {
            Matrix::from_data(ViewStorage::from_raw_parts(
                matrix.data.ptr(),
                (Dyn(rows), Dyn(columns)),
                (U1, Dyn(column_stride)),
            ))
        }
    })
}

/// The matrix as a mutable column-major view, if its columns are contiguous.
///
/// ```
/// use difrules_core::kernel::column_major_view_mut;
/// use nalgebra::dmatrix;
///
/// let mut a = dmatrix![1.0, 2.0, 3.0; 4.0, 5.0, 6.0];
/// column_major_view_mut(&mut a).unwrap()[(0, 0)] = 7.0;
/// assert_eq!(a[(0, 0)], 7.0);
/// ```
pub fn column_major_view_mut<T: Scalar, R: Dim, C: Dim, S: RawStorageMut<T, R, C>>(
    matrix: &mut Matrix<T, R, C, S>,
) -> Option<DMatrixViewMut<'_, T>> {
    let (rows, columns) = matrix.shape();
    let (row_stride, column_stride) = matrix.strides();
    (row_stride == 1).then(|| {
        // SAFETY: the same entries by the same strides, in storage that stays mutably borrowed for
        // as long as the view lives.
        unsafe {
            Matrix::from_data(ViewStorageMut::from_raw_parts(
                matrix.data.ptr_mut(),
                (Dyn(rows), Dyn(columns)),
                (U1, Dyn(column_stride)),
            ))
        }
    })
}

/// Whether the entries follow one upon the other, column by column.
fn has_no_gaps<T, R: Dim, C: Dim, S: RawStorage<T, R, C>>(matrix: &Matrix<T, R, C, S>) -> bool {
    matrix.strides() == (1, matrix.nrows()) || matrix.is_empty()
}

/// The entries column by column, if there is nothing between them in memory: loops over them have vector
/// instructions, which loops over views by their strides have not.
///
/// ```
/// use difrules_core::kernel::column_major_slice;
/// use nalgebra::dmatrix;
///
/// let a = dmatrix![1.0, 2.0, 3.0; 4.0, 5.0, 6.0];
/// assert_eq!(column_major_slice(&a.columns(1, 2)), Some(&[2.0, 5.0, 3.0, 6.0][..]));
/// assert!(column_major_slice(&a.rows(0, 1)).is_none());
/// ```
pub fn column_major_slice<T: Scalar, R: Dim, C: Dim, S: RawStorage<T, R, C>>(
    matrix: &Matrix<T, R, C, S>,
) -> Option<&[T]> {
    has_no_gaps(matrix).then(|| {
        // SAFETY: there is nothing between the entries that the shape names, and they stay borrowed for
        // as long as the slice lives.
        unsafe { std::slice::from_raw_parts(matrix.data.ptr(), matrix.len()) }
    })
}

/// The mutable entries column by column, if there is nothing between them in memory.
///
/// ```
/// use difrules_core::kernel::column_major_slice_mut;
/// use nalgebra::dmatrix;
///
/// let mut a = dmatrix![1.0, 2.0; 3.0, 4.0];
/// column_major_slice_mut(&mut a).unwrap()[1] = 5.0;
/// assert_eq!(a, dmatrix![1.0, 2.0; 5.0, 4.0]);
/// ```
pub fn column_major_slice_mut<T: Scalar, R: Dim, C: Dim, S: RawStorageMut<T, R, C>>(
    matrix: &mut Matrix<T, R, C, S>,
) -> Option<&mut [T]> {
    has_no_gaps(matrix).then(|| {
        let count = matrix.len();
        // SAFETY: there is nothing between the entries that the shape names, and they stay mutably
        // borrowed for as long as the slice lives.
        unsafe { std::slice::from_raw_parts_mut(matrix.data.ptr_mut(), count) }
    })
}

/// The strides of a whole matrix, column by column, as dimensions that a view's type asks for.
///
/// # Panics
/// If these fix another stride.
fn strides<R: Dim, C: Dim, T, S: RawStorage<T, R, C>, RowStride: Dim, ColumnStride: Dim>(
    matrix: &Matrix<T, R, C, S>,
) -> (RowStride, ColumnStride) {
    let (row_stride, column_stride) = matrix.strides();
    let fits = |wanted: Option<usize>, found| wanted.is_none_or(|wanted| wanted == found);
    assert!(
        fits(RowStride::try_to_usize(), row_stride)
            && fits(ColumnStride::try_to_usize(), column_stride),
        "a primitive's view has the strides ({:?}, {:?}), which no {} by {} matrix has: take a \
         matrix of any storage",
        RowStride::try_to_usize(),
        ColumnStride::try_to_usize(),
        matrix.nrows(),
        matrix.ncols(),
    );
    (RowStride::from_usize(row_stride), ColumnStride::from_usize(column_stride))
}

/// The matrix as a view whose type has these strides.
///
/// # Panics
/// If the type fixes strides that the matrix does not have.
pub(crate) fn strided_view<T, R, C, S, RowStride, ColumnStride>(
    matrix: &Matrix<T, R, C, S>,
) -> MatrixView<'_, T, R, C, RowStride, ColumnStride>
where
    T: Scalar,
    R: Dim,
    C: Dim,
    S: RawStorage<T, R, C>,
    RowStride: Dim,
    ColumnStride: Dim,
{
    let strides = strides(matrix);
    // SAFETY: the same entries by the same strides, in storage that stays borrowed for as long as
    // the view lives.
    unsafe {
        let shape = matrix.shape_generic();
        Matrix::from_data(ViewStorage::from_raw_parts(matrix.data.ptr(), shape, strides))
    }
}

/// The matrix as a mutable view whose type has these strides.
///
/// # Panics
/// If the type fixes strides that the matrix does not have.
pub(crate) fn strided_view_mut<T, R, C, S, RowStride, ColumnStride>(
    matrix: &mut Matrix<T, R, C, S>,
) -> MatrixViewMut<'_, T, R, C, RowStride, ColumnStride>
where
    T: Scalar,
    R: Dim,
    C: Dim,
    S: RawStorageMut<T, R, C>,
    RowStride: Dim,
    ColumnStride: Dim,
{
    let strides = strides(matrix);
    // SAFETY: the same entries by the same strides, in storage that stays mutably borrowed for as
    // long as the view lives.
    unsafe {
        let shape = matrix.shape_generic();
        Matrix::from_data(ViewStorageMut::from_raw_parts(matrix.data.ptr_mut(), shape, strides))
    }
}

/// The same view, if `A` and `B` are the same type.
pub(crate) fn same_view<A, B, R: Dim, C: Dim, RowStride: Dim, ColumnStride: Dim>(
    view: MatrixView<'_, A, R, C, RowStride, ColumnStride>,
) -> Option<MatrixView<'_, B, R, C, RowStride, ColumnStride>>
where
    A: 'static,
    B: 'static,
{
    (TypeId::of::<A>() == TypeId::of::<B>()).then(|| {
        // SAFETY: `A` and `B` are one type, so this is the same view; the borrow is handed on whole.
        unsafe {
            Matrix::from_data(ViewStorage::from_raw_parts(
                view.data.ptr().cast::<B>(),
                view.shape_generic(),
                view.data.strides(),
            ))
        }
    })
}

/// The same view, if `A` and `B` are the same type.
pub(crate) fn same_view_mut<A, B, R: Dim, C: Dim, RowStride: Dim, ColumnStride: Dim>(
    mut view: MatrixViewMut<'_, A, R, C, RowStride, ColumnStride>,
) -> Option<MatrixViewMut<'_, B, R, C, RowStride, ColumnStride>>
where
    A: 'static,
    B: 'static,
{
    (TypeId::of::<A>() == TypeId::of::<B>()).then(|| {
        // SAFETY: `A` and `B` are one type, so this is the same view; the borrow is handed on whole.
        unsafe {
            Matrix::from_data(ViewStorageMut::from_raw_parts(
                view.data.ptr_mut().cast::<B>(),
                view.shape_generic(),
                view.data.strides(),
            ))
        }
    })
}
