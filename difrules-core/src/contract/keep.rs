//! Values that a tape keeps, shared where that is cheaper than a copy.

use std::any::Any;
use std::rc::Rc;

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

impl<X: 'static> std::ops::Deref for Kept<X> {
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
