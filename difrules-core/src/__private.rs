//! What the expansion of `#[primitive]` calls. No part of the interface.

#[cfg(feature = "calls")]
use std::any::Any;
use std::any::TypeId;

pub extern crate core;
pub extern crate std;

pub use difrules_macros::expression;
pub use inventory;
pub use nalgebra;
use nalgebra::{
    ComplexField, Dim, Dyn, Matrix, MatrixView, MatrixViewMut, RawStorage, RawStorageMut,
};

pub use crate::contract::outcome::{Nothing, infallible};
pub use crate::registry::call::Calls;
pub use crate::registry::{PublicPath, Registered, Written};
pub use crate::tape::Number;
#[cfg(feature = "testing")]
pub use crate::testing::recorded::{Recorded, recorded};
pub use crate::transform::{jacobian_by_shape, jvps_by_number, vjps_by_number};

use crate::cast;
use crate::contract::containers;
#[cfg(feature = "calls")]
use crate::contract::passing::Arguments;
#[cfg(feature = "calls")]
use crate::contract::primitive::{Inputs, Primitive};
use crate::contract::scalar::{Real, Scalar};
use crate::contract::slot::Slot;
use crate::contract::value::{Cotangent, Differentiable, Shape};
use crate::registry::{MissingRule, UnknownPartial};
use crate::registry::{Mode, Notion, Record, Sample};
use crate::tape::{Room, split_front};

/// The shapes of a structure's fields, with their names.
pub fn listed<const N: usize>(fields: [(&str, String); N]) -> String {
    containers::listed(fields.map(|(name, shape)| format!("{name}: {shape}")), ["{ ", " }"])
}

/// A result type, also behind an alias.
pub trait Fallible {
    /// Its error.
    type Error;
}

impl<Y, E> Fallible for Result<Y, E> {
    type Error = E;
}

/// The list types, to name their elements.
pub trait List {
    /// An element.
    type Element;
}

impl<X> List for Vec<X> {
    type Element = X;
}

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
    cast::same_ref(value).expect(SAME)
}

#[inline]
pub fn same_mut<A: 'static, B: 'static>(value: &mut A) -> &mut B {
    &mut same_slice(std::slice::from_mut(value))[0]
}

#[inline]
pub fn same_slice_ref<A: 'static, B: 'static>(slice: &[A]) -> &[B] {
    cast::same_slice(slice).expect(SAME)
}

#[inline]
pub fn same_slice<A: 'static, B: 'static>(slice: &mut [A]) -> &mut [B] {
    cast::same_slice_mut(slice).expect(SAME)
}

#[inline]
pub fn same_view<A: Scalar, B: Scalar, R: Dim, C: Dim, RowStride: Dim, ColumnStride: Dim>(
    view: MatrixView<'_, A, R, C, RowStride, ColumnStride>,
) -> MatrixView<'_, B, R, C, RowStride, ColumnStride> {
    cast::same_view(view).expect(SAME)
}

#[inline]
pub fn same_view_mut<A: Scalar, B: Scalar, R: Dim, C: Dim, RowStride: Dim, ColumnStride: Dim>(
    view: MatrixViewMut<'_, A, R, C, RowStride, ColumnStride>,
) -> MatrixViewMut<'_, B, R, C, RowStride, ColumnStride> {
    cast::same_view_mut(view).expect(SAME)
}

#[inline]
pub fn same_slots<'a, A: 'static, B: 'static>(
    slots: &'a mut [Option<Room<'_, A>>],
) -> [Option<Room<'a, B>>; crate::tape::MOST_ARGUMENTS] {
    let mut slots = slots.iter_mut().map(|slot| slot.as_mut().map(|room| room.lend_as(same_slice)));
    std::array::from_fn(|_| slots.next().flatten())
}

#[cold]
pub fn missing_rule(record: &'static Record, mode: Mode) -> ! {
    panic!("{}", MissingRule { primitive: record.path, mode })
}

#[cold]
pub fn unknown_partial(record: &'static Record, argument: usize) -> ! {
    panic!("{}", UnknownPartial::of(record, argument))
}

#[inline]
pub fn take_cotangent<'a, X: Differentiable>(
    shape: &Shape<X>,
    reals: &mut &'a mut [X::Real],
) -> Cotangent<'a, X> {
    X::as_cotangent(shape, split_front(reals, X::count(shape)))
}

/// The cotangent of a number.
#[inline]
pub fn take_number<T: Scalar>(reals: &mut &mut [T::Real]) -> T {
    take_cotangent::<T>(&(), reals)
}

/// The slot of a number.
#[inline]
pub fn number_slot<'a, T: Scalar>(room: Option<Room<'a, T::Real>>) -> Slot<'a, T> {
    Slot::of(&(), room)
}

#[inline]
pub fn take_front<'a, X: Differentiable>(
    shape: &Shape<X>,
    reals: &mut &'a mut [X::Real],
) -> &'a mut [X::Real] {
    split_front(reals, X::count(shape))
}

#[inline]
pub fn add<S: Real>(slot: &mut Option<Room<'_, S>>, contribution: &[S]) {
    if let Some(slot) = slot.take() {
        slot.add(contribution);
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

/// A number of the type of another.
#[inline(always)]
pub fn number<T: Real>(_: T, number: f64) -> T {
    nalgebra::convert(number)
}

#[inline]
pub fn from_real<T: Scalar>(number: <T as Scalar>::Real) -> T {
    ComplexField::from_real(number)
}

#[inline]
pub fn zero<T: Scalar>() -> T {
    nalgebra::zero()
}

/// What draws normal numbers for a primitive of `N` numbers.
pub const fn normals<T: Scalar, const N: usize>() -> Option<Sample> {
    #[cfg(feature = "calls")]
    {
        Some(|random| (0..N).map(|_| Box::new(random.normal::<T>()) as Box<dyn Any>).collect())
    }
    #[cfg(not(feature = "calls"))]
    None
}

/// The arguments of a primitive, one by one.
#[cfg(feature = "calls")]
pub fn boxes<P: Primitive, S: Real>(drawn: Inputs<P, S>) -> Vec<Box<dyn Any>> {
    P::Arguments::into_boxes::<S>(drawn)
}

#[inline]
pub fn is_constant_zero<T: Scalar>(number: &T) -> bool {
    number.is_constant_zero()
}

/// The derivative where a number is NaN, or a part of it: NaN, and so are its own derivatives.
#[inline]
pub fn undefined<T: Scalar>(mut value: T) -> Option<T> {
    let nan = value.parts_mut().iter().copied().find(|part| part.to_f64().is_nan())?;
    value.parts_mut().fill(crate::math::undefined(nan));
    Some(value)
}

/// That each partial derivative counts.
#[inline]
pub fn always() -> bool {
    true
}

/// Adds what a tangent moves to that of the result. A zero is strong: it adds nothing, whatever the partial
/// derivative, and so is a partial derivative of zero that does not `count`.
#[inline]
pub fn push<T: Scalar>(
    sum: &mut T,
    tangent: T,
    partial: impl FnOnce() -> T,
    counts: impl FnOnce() -> bool,
) {
    if !tangent.is_constant_zero() {
        let partial = partial();
        if !partial.is_constant_zero() || counts() {
            *sum += partial.along(tangent);
        }
    }
}

/// Adds what a cotangent is of an argument to its slot, by the rules of [`push`].
#[inline]
pub fn pull<T: Scalar>(
    slot: Slot<'_, T>,
    cotangent: T,
    partial: impl FnOnce() -> T,
    counts: impl FnOnce() -> bool,
) {
    if !cotangent.is_constant_zero() && slot.is_wanted() {
        let partial = partial();
        if !partial.is_constant_zero() || counts() {
            slot.add(|| partial.conjugate().along(cotangent));
        }
    }
}
