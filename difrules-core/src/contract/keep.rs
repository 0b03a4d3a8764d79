//! Values that a tape keeps, shared where that is cheaper than a copy.

use std::any::Any;
use std::borrow::{Borrow, Cow};
use std::ops::Deref;
use std::rc::Rc;

use nalgebra::{DMatrix, DVector};

use crate::cast::same_ref;
use crate::contract::value::Differentiable;
use crate::tape::pool;

/// A value that is kept: its own, or shared with others who keep it.
#[derive(Clone)]
pub enum Kept<X: 'static> {
    /// Its own.
    Own(X),
    /// Shared.
    Shared(Shared<X>),
}

/// A value that is shared.
#[derive(Clone)]
pub struct Shared<X: 'static> {
    value: Rc<X>,
    /// The bytes that its memory stays with the thread for; none if it goes with the last who shares it.
    bytes: usize,
}

impl<X: 'static> Drop for Shared<X> {
    fn drop(&mut self) {
        if self.bytes > 0 && Rc::strong_count(&self.value) == 1 {
            pool::leave(self.bytes, Rc::clone(&self.value) as Rc<dyn Any>);
        }
    }
}

impl<X: Differentiable> Kept<X> {
    /// Keeps a value so that it can be kept again for little: small ones are copied then, others shared.
    #[inline]
    pub fn new(value: X) -> Self {
        if !std::mem::needs_drop::<X>() && size_of::<X>() <= 256 {
            return Self::Own(value);
        }
        let mut bytes = 0;
        if X::NUMBERS_ALONE {
            bytes = X::count(&value.shape()) * size_of::<X::Real>();
            if bytes < pool::LARGE {
                bytes = 0;
            } else {
                pool::make_room(bytes);
            }
        }
        Self::Shared(Shared { value: Rc::new(value), bytes })
    }

    /// The value, of its own.
    #[inline]
    pub(crate) fn make_mut(&mut self) -> &mut X {
        match self {
            Self::Own(value) => value,
            Self::Shared(shared) => Rc::make_mut(&mut shared.value),
        }
    }
}

impl<X: 'static> Deref for Kept<X> {
    type Target = X;

    #[inline]
    fn deref(&self) -> &X {
        match self {
            Self::Own(value) => value,
            Self::Shared(shared) => &shared.value,
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
            Self::Copied(value) => Kept::new(value.clone()),
        }
    }
}

/// A constant that a tape keeps. The memory of a large matrix stays with the thread.
pub struct KeptConstant<C: ToOwned + ?Sized + 'static>(Option<C::Owned>);

impl<C: ToOwned + ?Sized> KeptConstant<C> {
    #[inline]
    pub(crate) fn new(constant: Cow<'_, C>) -> Self {
        if let Cow::Borrowed(constant) = constant
            && std::mem::needs_drop::<C::Owned>()
        {
            let bytes = bytes_of(constant);
            if bytes >= pool::LARGE {
                pool::make_room(bytes);
            }
        }
        Self(Some(constant.into_owned()))
    }
}

impl<C: ToOwned + ?Sized> Deref for KeptConstant<C> {
    type Target = C;

    #[inline]
    fn deref(&self) -> &C {
        self.0.as_ref().expect("it is there until it is dropped").borrow()
    }
}

impl<C: ToOwned + ?Sized> Drop for KeptConstant<C> {
    #[inline]
    fn drop(&mut self) {
        if std::mem::needs_drop::<C::Owned>() {
            let bytes = bytes_of(&**self);
            if bytes >= pool::LARGE {
                pool::leave(bytes, Rc::new(self.0.take()));
            }
        }
    }
}

/// The bytes of a constant, those of a matrix with its numbers.
#[inline]
fn bytes_of<C: ?Sized + 'static>(constant: &C) -> usize {
    let numbers = same_ref::<C, DMatrix<f64>>(constant).map(|matrix| matrix.len());
    let numbers = numbers.or_else(|| same_ref::<C, DVector<f64>>(constant).map(|v| v.len()));
    numbers.map_or(size_of_val(constant), |numbers| numbers * size_of::<f64>())
}
