//! Values that a mode keeps: a tape shares them where that is cheaper than a copy, and the memory of large ones is used again.

use std::borrow::{Borrow, Cow};
use std::ops::{Deref, DerefMut};
use std::rc::Rc;

use nalgebra::{DMatrix, DVector};

use crate::cast::same_ref;
use crate::contract::value::Differentiable;
use crate::tape::pool;

/// A value whose memory stays with the thread after it, where it is large: see [`pool`].
pub struct Recycled<X: 'static> {
    /// There until it is dropped.
    value: Option<X>,
    /// Zero where the memory is of nobody any more.
    bytes: usize,
}

impl<X: 'static> Recycled<X> {
    /// One of so many bytes.
    #[inline]
    fn of_bytes(value: X, bytes: usize) -> Self {
        let bytes = if std::mem::needs_drop::<X>() && bytes >= pool::LARGE { bytes } else { 0 };
        if bytes > 0 {
            pool::make_room(bytes);
        }
        Self { value: Some(value), bytes }
    }
}

impl<X: Differentiable> Recycled<X> {
    /// The value, which takes the place of an earlier one of its size.
    #[inline]
    pub(crate) fn new(value: X) -> Self {
        let is_heap = X::NUMBERS_ALONE && std::mem::needs_drop::<X>();
        let count = if is_heap { X::count(&value.shape()) } else { 0 };
        Self::of_bytes(value, count * size_of::<X::Real>())
    }
}

impl<X: Clone> Clone for Recycled<X> {
    #[inline]
    fn clone(&self) -> Self {
        Self::of_bytes((**self).clone(), self.bytes)
    }
}

impl<X: 'static> Deref for Recycled<X> {
    type Target = X;

    #[inline]
    fn deref(&self) -> &X {
        self.value.as_ref().expect(THERE)
    }
}

impl<X: 'static> DerefMut for Recycled<X> {
    #[inline]
    fn deref_mut(&mut self) -> &mut X {
        self.value.as_mut().expect(THERE)
    }
}

impl<X: 'static> Drop for Recycled<X> {
    #[inline]
    fn drop(&mut self) {
        if self.bytes > 0 {
            pool::leave(self.bytes, Box::new(self.value.take()));
        }
    }
}

const THERE: &str = "it is there until it is dropped";

/// A value that is kept: its own, or shared with others who keep it.
#[derive(Clone)]
pub enum Kept<X: 'static> {
    /// Its own.
    Own(X),
    /// Shared.
    Shared(Rc<Recycled<X>>),
}

impl<X: Differentiable> Kept<X> {
    /// Keeps a value so that it can be kept again for little: small ones are copied then, others shared.
    #[inline]
    pub fn new(value: X) -> Self {
        if !std::mem::needs_drop::<X>() && size_of::<X>() <= 256 {
            return Self::Own(value);
        }
        Self::Shared(Rc::new(Recycled::new(value)))
    }

    /// The value, of its own.
    #[inline]
    pub(crate) fn make_mut(&mut self) -> &mut X {
        match self {
            Self::Own(value) => value,
            Self::Shared(shared) => &mut *Rc::make_mut(shared),
        }
    }
}

impl<X: 'static> Deref for Kept<X> {
    type Target = X;

    #[inline]
    fn deref(&self) -> &X {
        match self {
            Self::Own(value) => value,
            Self::Shared(shared) => shared,
        }
    }
}

/// A value that a tape may keep.
pub enum Keep<'a, X: 'static> {
    /// It may be taken.
    Own(X),
    /// It may be shared.
    Shared(&'a Kept<X>),
    /// It has to be copied.
    Copied(&'a X),
}

impl<X: Differentiable> Keep<'_, X> {
    /// Keeps it.
    #[inline]
    pub fn kept(self) -> Kept<X> {
        match self {
            Self::Own(value) => Kept::Own(value),
            Self::Shared(kept) => kept.clone(),
            Self::Copied(value) => Kept::new(value.copied()),
        }
    }
}

/// A constant that a tape keeps.
pub struct KeptConstant<C: ToOwned + ?Sized + 'static>(Recycled<C::Owned>);

impl<C: ToOwned + ?Sized> KeptConstant<C> {
    #[inline]
    pub(crate) fn new(constant: Cow<'_, C>) -> Self {
        let bytes = bytes_of(&*constant);
        Self(Recycled::of_bytes(constant.into_owned(), bytes))
    }
}

impl<C: ToOwned + ?Sized> Deref for KeptConstant<C> {
    type Target = C;

    #[inline]
    fn deref(&self) -> &C {
        (*self.0).borrow()
    }
}

/// The bytes of a constant, those of a matrix with its numbers.
#[inline]
fn bytes_of<C: ?Sized + 'static>(constant: &C) -> usize {
    let numbers = same_ref::<C, DMatrix<f64>>(constant).map(|matrix| matrix.len());
    let numbers = numbers.or_else(|| same_ref::<C, DVector<f64>>(constant).map(|v| v.len()));
    numbers.map_or(size_of_val(constant), |numbers| numbers * size_of::<f64>())
}
