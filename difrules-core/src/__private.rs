//! What the expansion of `#[primitive]` calls. No part of the interface.

use std::any::TypeId;
use std::convert::Infallible;

pub use inventory;
pub use nalgebra;
use nalgebra::{
    ComplexField, DefaultAllocator, Dim, Dyn, Matrix, MatrixView, MatrixViewMut, OMatrix,
    RawStorage, RawStorageMut, allocator::Allocator,
};

pub use crate::registry::Registered;

use crate::cast;
use crate::primitive::MissingRule;
use crate::registry::{Mode, Notion, Record};
use crate::scalar::{Kind, Real, Scalar};
use crate::value::{Cotangent, Differentiable, SAME_SHAPE, split_front};

/// A result type, also behind an alias.
pub trait Fallible {
    /// Its error.
    type Error;
}

impl<Y, E> Fallible for Result<Y, E> {
    type Error = E;
}

/// The owned matrix types, to name their views.
pub trait Owned {
    /// A view of any strides.
    type View<'a>;
    /// A mutable view of any strides.
    type ViewMut<'a>;
}

impl<T: Scalar, R: Dim, C: Dim> Owned for OMatrix<T, R, C>
where
    DefaultAllocator: Allocator<R, C>,
{
    type View<'a> = MatrixView<'a, T, R, C, Dyn, Dyn>;
    type ViewMut<'a> = MatrixViewMut<'a, T, R, C, Dyn, Dyn>;
}

/// A view of any strides of the matrix type `X`.
pub type View<'a, X> = <X as Owned>::View<'a>;
/// A mutable view of any strides of the matrix type `X`.
pub type ViewMut<'a, X> = <X as Owned>::ViewMut<'a>;

#[inline]
pub fn view<T: Scalar, R: Dim, C: Dim, S: RawStorage<T, R, C>>(
    matrix: &Matrix<T, R, C, S>,
) -> MatrixView<'_, T, R, C, Dyn, Dyn> {
    matrix.generic_view_with_steps((0, 0), matrix.shape_generic(), (0, 0))
}

#[inline]
pub fn view_mut<T: Scalar, R: Dim, C: Dim, S: RawStorageMut<T, R, C>>(
    matrix: &mut Matrix<T, R, C, S>,
) -> MatrixViewMut<'_, T, R, C, Dyn, Dyn> {
    matrix.generic_view_with_steps_mut((0, 0), matrix.shape_generic(), (0, 0))
}

#[inline]
pub fn view_for_each<T: Scalar, R: Dim, C: Dim, S: RawStorage<T, R, C>>(
    matrix: &Matrix<T, R, C, S>,
    f: &mut impl FnMut(<T as Scalar>::Real),
) {
    for column in matrix.column_iter() {
        for x in column.iter() {
            x.for_each_real(f);
        }
    }
}

#[inline]
pub fn view_map<T: Scalar, R: Dim, C: Dim, S: RawStorage<T, R, C>, U: Real>(
    matrix: &Matrix<T, R, C, S>,
    f: &mut impl FnMut(<T as Scalar>::Real) -> U,
) -> OMatrix<<T::Kind as Kind>::Of<U>, R, C>
where
    DefaultAllocator: Allocator<R, C>,
{
    matrix.map(|x| x.map_parts(f))
}

#[inline]
pub fn view_zip<T: Scalar, R: Dim, C: Dim, S: RawStorageMut<T, R, C>, U: Real>(
    matrix: &mut Matrix<T, R, C, S>,
    other: &OMatrix<<T::Kind as Kind>::Of<U>, R, C>,
    f: &mut impl FnMut(&mut <T as Scalar>::Real, U),
) where
    DefaultAllocator: Allocator<R, C>,
{
    assert_eq!(matrix.shape(), other.shape(), "{SAME_SHAPE}");
    for (mut column, other) in matrix.column_iter_mut().zip(other.column_iter()) {
        for (x, y) in column.iter_mut().zip(other.iter()) {
            x.zip_reals(y, f);
        }
    }
}

#[inline]
pub fn is_same<A: 'static, B: 'static>() -> bool {
    TypeId::of::<A>() == TypeId::of::<B>()
}

const SAME: &str = "the attribute casts between equal types only";

#[inline]
pub fn same<A: 'static, B: 'static>(value: A) -> B {
    cast::same_value(value).expect(SAME)
}

#[inline]
pub fn same_ref<A: 'static, B: 'static>(value: &A) -> &B {
    &same_slice_ref(std::slice::from_ref(value))[0]
}

#[inline]
pub fn same_mut<A: 'static, B: 'static>(value: &mut A) -> &mut B {
    &mut same_slice(std::slice::from_mut(value))[0]
}

#[inline]
fn same_slice_ref<A: 'static, B: 'static>(slice: &[A]) -> &[B] {
    cast::same_slice(slice).expect(SAME)
}

#[inline]
pub fn same_slice<A: 'static, B: 'static>(slice: &mut [A]) -> &mut [B] {
    cast::same_slice_mut(slice).expect(SAME)
}

#[inline]
pub fn same_slots<'a, A: 'static, B: 'static>(
    slots: &'a mut [Option<&mut [A]>],
) -> [Option<&'a mut [B]>; crate::tape::MOST_ARGUMENTS] {
    let mut slots = slots.iter_mut();
    std::array::from_fn(|_| slots.next().and_then(Option::as_deref_mut).map(same_slice))
}

#[inline]
pub fn infallible<Y>(result: Result<Y, Infallible>) -> Y {
    match result {
        Ok(y) => y,
        Err(never) => match never {},
    }
}

#[cold]
pub fn missing_rule(record: &'static Record, mode: Mode) -> ! {
    panic!("{}", MissingRule { primitive: record.path, mode })
}

#[inline]
pub fn take_cotangent<'a, X: Differentiable>(
    shape: &X::Shape,
    reals: &mut &'a mut [X::Real],
) -> Cotangent<'a, X> {
    X::as_cotangent(shape, split_front(reals, X::count(shape)))
}

#[inline]
pub fn take_front<'a, X: Differentiable>(
    shape: &X::Shape,
    reals: &mut &'a mut [X::Real],
) -> &'a mut [X::Real] {
    split_front(reals, X::count(shape))
}

#[inline]
pub fn add<S: Real>(slot: &mut Option<&mut [S]>, contribution: &[S]) {
    if let Some(slot) = slot {
        for (adjoint, &contribution) in slot.iter_mut().zip(contribution) {
            *adjoint += contribution;
        }
    }
}

/// The notion of a constant.
pub fn constant() -> Notion {
    Notion::Constant
}

#[inline]
pub fn real<T: Scalar>(number: T) -> <T as Scalar>::Real {
    number.try_real().expect("asked only of real numbers")
}

#[inline]
pub fn zero<T: Scalar>() -> T {
    nalgebra::zero()
}

#[inline]
pub fn is_zero<T: Scalar>(number: &T) -> bool {
    num_traits::Zero::is_zero(number)
}

#[inline]
pub fn conjugate<T: Scalar>(number: T) -> T {
    ComplexField::conjugate(number)
}
