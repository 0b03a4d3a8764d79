//! What is done with a value by those who do not know its type: compiled once a type, whatever the
//! primitives that take and give it.

use std::any::{Any, type_name};
use std::marker::PhantomData;

use crate::contract::passing::{Mismatch, typed, typed_mut};
use crate::contract::scalar::Real;
use crate::contract::value::{Differentiable, Family};

/// Where those who do not know the type of the output want it.
pub(crate) type Boxed = Option<Box<dyn Any>>;

/// What can be done with values of one type over the real scalar `S`.
///
/// A value is of the type, unless a function returns a [`Mismatch`].
pub trait Handling<S>: Sync {
    /// Counts the numbers of a value that should have this shape; none of a constant, whatever it is.
    ///
    /// # Errors
    /// Another type or shape, of the argument of this number.
    fn count(&self, argument: usize, value: &dyn Any, shape: &dyn Any) -> Result<usize, Mismatch>;
    /// Whether a value has the type and the shape of another; a constant has, whatever it is.
    ///
    /// # Errors
    /// Another type or shape, of the argument of this number.
    fn check(&self, argument: usize, value: &dyn Any, like: &dyn Any) -> Result<(), Mismatch>;
    /// Whether a number of it is not zero.
    fn varies(&self, value: &dyn Any) -> bool;
    /// Makes it zero; a constant stays as it is.
    fn clear(&self, value: &mut dyn Any);
    /// Gives it the value of another; a constant stays as it is.
    fn set(&self, value: &mut dyn Any, new: &dyn Any);
    /// Gives each number of it that of another, which has to be of the same shape.
    fn overwrite(&self, value: &mut dyn Any, new: &dyn Any);
    /// A zero of its shape, boxed; a constant is copied.
    fn zero(&self, value: &dyn Any) -> Box<dyn Any>;
    /// A copy, into a place of its type or an empty box.
    fn put(&self, output: &mut dyn Any, value: &dyn Any);
    /// Copies its numbers.
    fn read(&self, value: &dyn Any, numbers: &mut [S]);
    /// Adds to its numbers.
    fn add(&self, value: &mut dyn Any, terms: &[S]);
}

/// Puts a value into a place of its type, or into an empty box.
pub(crate) fn put<Y: Any>(output: &mut dyn Any, value: Y) {
    if let Some(output) = output.downcast_mut::<Y>() {
        *output = value;
    } else if let Some(output) = output.downcast_mut::<Boxed>() {
        *output = Some(Box::new(value));
    }
}

/// A value by its type, for an error with the argument's number.
fn checked<X: 'static>(value: &dyn Any, argument: usize) -> Result<&X, Mismatch> {
    value.downcast_ref().ok_or(Mismatch::Type { argument, wanted: type_name::<X>() })
}

/// The error of a value of another shape.
#[cold]
#[inline(never)]
fn another_shape<F: Family>(argument: usize, wanted: &F::Shape, found: &F::Shape) -> Mismatch {
    Mismatch::Shape { argument, wanted: F::written(wanted), found: F::written(found) }
}

/// Values that hold numbers.
pub(crate) struct Numbers<F>(pub(crate) PhantomData<fn() -> F>);

impl<F: Family, S: Real> Handling<S> for Numbers<F> {
    fn count(&self, argument: usize, value: &dyn Any, shape: &dyn Any) -> Result<usize, Mismatch> {
        let (wanted, found) =
            (typed::<F::Shape>(shape), checked::<F::Of<S>>(value, argument)?.shape());
        if found == *wanted {
            Ok(F::Of::<S>::count(wanted))
        } else {
            Err(another_shape::<F>(argument, wanted, &found))
        }
    }

    fn check(&self, argument: usize, value: &dyn Any, like: &dyn Any) -> Result<(), Mismatch> {
        let like = typed::<F::Of<S>>(like).shape();
        Handling::<S>::count(self, argument, value, &like).map(|_| ())
    }

    fn varies(&self, value: &dyn Any) -> bool {
        let mut varies = false;
        typed::<F::Of<S>>(value).for_each_real(&mut |x| varies |= !x.is_constant_zero());
        varies
    }

    fn clear(&self, value: &mut dyn Any) {
        typed_mut::<F::Of<S>>(value).update_reals(&mut |x| *x = S::zero());
    }

    fn set(&self, value: &mut dyn Any, new: &dyn Any) {
        *typed_mut::<F::Of<S>>(value) = typed::<F::Of<S>>(new).clone();
    }

    fn overwrite(&self, value: &mut dyn Any, new: &dyn Any) {
        let (value, new) = (typed_mut::<F::Of<S>>(value), typed::<F::Of<S>>(new));
        value.zip_reals::<S>(new, &mut |x, new| *x = new);
    }

    fn zero(&self, value: &dyn Any) -> Box<dyn Any> {
        let mut zero = typed::<F::Of<S>>(value).clone();
        Handling::<S>::clear(self, &mut zero);
        Box::new(zero)
    }

    fn put(&self, output: &mut dyn Any, value: &dyn Any) {
        put(output, typed::<F::Of<S>>(value).clone());
    }

    fn read(&self, value: &dyn Any, numbers: &mut [S]) {
        let mut next = numbers.iter_mut();
        let mut read = |x| *next.next().expect("counted") = x;
        typed::<F::Of<S>>(value).for_each_real(&mut read);
    }

    fn add(&self, value: &mut dyn Any, terms: &[S]) {
        let mut next = terms.iter();
        let mut add = |x: &mut S| *x += *next.next().expect("counted");
        typed_mut::<F::Of<S>>(value).update_reals(&mut add);
    }
}

/// Constants.
pub(crate) struct Fixed<C>(pub(crate) PhantomData<fn() -> C>);

impl<C: Clone + 'static, S: Real> Handling<S> for Fixed<C> {
    fn count(&self, _: usize, _: &dyn Any, _: &dyn Any) -> Result<usize, Mismatch> {
        Ok(0)
    }

    fn check(&self, _: usize, _: &dyn Any, _: &dyn Any) -> Result<(), Mismatch> {
        Ok(())
    }

    fn varies(&self, _: &dyn Any) -> bool {
        false
    }

    fn clear(&self, _: &mut dyn Any) {}

    fn set(&self, _: &mut dyn Any, _: &dyn Any) {}

    fn overwrite(&self, _: &mut dyn Any, _: &dyn Any) {}

    fn zero(&self, value: &dyn Any) -> Box<dyn Any> {
        Box::new(typed::<C>(value).clone())
    }

    fn put(&self, output: &mut dyn Any, value: &dyn Any) {
        put(output, typed::<C>(value).clone());
    }

    fn read(&self, _: &dyn Any, _: &mut [S]) {}

    fn add(&self, _: &mut dyn Any, _: &[S]) {}
}
