#![doc = include_str!("mpi.md")]

mod error;
mod step;
mod transform;

use std::cell::Cell;
use std::rc::Rc;

use mpi::topology::SimpleCommunicator;
use mpi::traits::Communicator;
use nalgebra::DVector;

use crate::contract::scalar::{Base, Real};
use crate::contract::value::Differentiable;
use crate::modes::maps::like;
pub use error::MpiError;
pub use step::Kind;
use step::{Step, communicate};
pub use transform::{jvp, value_and_gradient, value_gradient_and_hvp};

/// The processes of a communicator, with a duplicate of it, so that their messages meet no others.
///
/// Made and dropped by all of them, before MPI ends.
pub struct Processes(Rc<SimpleCommunicator>);

impl Processes {
    /// Those of a communicator.
    #[must_use]
    pub fn new(communicator: &impl Communicator) -> Self {
        Self(Rc::new(communicator.duplicate()))
    }

    /// These processes at plain numbers.
    #[must_use]
    pub fn plain<T: Base>(&self) -> Ranks<T> {
        self.ranks(T::zero())
    }

    fn ranks<T: Real>(&self, token: T) -> Ranks<T> {
        Ranks { world: self.0.clone(), token: Cell::new(token), over: Cell::new(false) }
    }
}

/// The processes in a function that is differentiated, in its scalar: what they communicate by.
///
/// Each operation takes any differentiable value: a number, a complex one, a vector, a `Matrix`, a tuple of them. All
/// processes call the same operations in the same order; `send` and `receive` are called by two.
pub struct Ranks<T> {
    world: Rc<SimpleCommunicator>,
    /// What chains the operations: see [`communicate`].
    token: Cell<T>,
    /// Whether a failure is known to all.
    over: Cell<bool>,
}

impl<T: Real> Ranks<T> {
    /// Which of them this process is.
    #[must_use]
    pub fn rank(&self) -> usize {
        self.world.rank() as usize
    }

    /// How many there are.
    #[must_use]
    pub fn size(&self) -> usize {
        self.world.size() as usize
    }

    /// The sum of what all have, in each process.
    ///
    /// # Errors
    /// [`MpiError::Unmatched`], [`MpiError::Elsewhere`], and [`MpiError::Count`] where shapes differ.
    pub fn all_reduce<X: Differentiable<Real = T>>(&self, x: &X) -> Result<X, MpiError> {
        let numbers = x.to_reals();
        let count = numbers.len();
        Ok(like(x, &self.step(Kind::AllReduce, numbers, count)?))
    }

    /// The same in place.
    ///
    /// # Errors
    /// As [`all_reduce`](Self::all_reduce); then `x` is what it was.
    pub fn all_reduce_mut<X: Differentiable<Real = T>>(&self, x: &mut X) -> Result<(), MpiError> {
        *x = self.all_reduce(x)?;
        Ok(())
    }

    /// What the process `root` has, in each process. Of `x` in the others counts the shape alone.
    ///
    /// # Errors
    /// As [`all_reduce`](Self::all_reduce), and [`MpiError::NoProcess`].
    pub fn broadcast<X: Differentiable<Real = T>>(
        &self,
        root: usize,
        x: &X,
    ) -> Result<X, MpiError> {
        let numbers = if self.rank() == root { x.to_reals() } else { Vec::new() };
        let count = X::count(&x.shape());
        Ok(like(x, &self.step(Kind::Broadcast(root), numbers, count)?))
    }

    /// The same in place.
    ///
    /// # Errors
    /// As [`broadcast`](Self::broadcast); then `x` is what it was.
    pub fn broadcast_mut<X: Differentiable<Real = T>>(
        &self,
        root: usize,
        x: &mut X,
    ) -> Result<(), MpiError> {
        *x = self.broadcast(root, x)?;
        Ok(())
    }

    /// The sum of what all have, in the process `root` alone.
    ///
    /// # Errors
    /// As [`broadcast`](Self::broadcast).
    pub fn reduce<X: Differentiable<Real = T>>(
        &self,
        root: usize,
        x: &X,
    ) -> Result<Option<X>, MpiError> {
        let numbers = x.to_reals();
        let takes = if self.rank() == root { numbers.len() } else { 0 };
        let sum = self.step(Kind::Reduce(root), numbers, takes)?;
        Ok((self.rank() == root).then(|| like(x, &sum)))
    }

    /// What each process has, by rank, in the process `root` alone. All have the same shape.
    ///
    /// # Errors
    /// As [`broadcast`](Self::broadcast).
    pub fn gather<X: Differentiable<Real = T>>(
        &self,
        root: usize,
        x: &X,
    ) -> Result<Option<Vec<X>>, MpiError> {
        let numbers = x.to_reals();
        let count = numbers.len();
        let takes = if self.rank() == root { count * self.size() } else { 0 };
        let all = self.step(Kind::Gather(root), numbers, takes)?;
        let part = |rank: usize| like(x, &all[rank * count..][..count]);
        Ok((self.rank() == root).then(|| (0..self.size()).map(part).collect()))
    }

    /// The part of this process of what `root` has, by rank: `parts` there, and nothing elsewhere. All have the shape
    /// of `shape`.
    ///
    /// # Errors
    /// As [`broadcast`](Self::broadcast).
    pub fn scatter<X: Differentiable<Real = T>>(
        &self,
        root: usize,
        parts: &[X],
        shape: &X,
    ) -> Result<X, MpiError> {
        let operation = Kind::Scatter(root);
        let expected = X::count(&shape.shape());
        let mut numbers = Vec::new();
        if self.rank() == root {
            for part in parts {
                let part = part.to_reals();
                let count = part.len();
                if count != expected {
                    let wrong = MpiError::Count { operation, rank: root, count, expected };
                    return self.known(operation, self.end(Err(wrong)));
                }
                numbers.extend(part);
            }
        }
        let part = self.step(operation, numbers, expected)?;
        Ok(like(shape, &part))
    }

    /// Sends a value to another process, which [receives](Self::receive) it.
    ///
    /// # Errors
    /// [`MpiError::NoProcess`].
    pub fn send<X: Differentiable<Real = T>>(&self, to: usize, x: &X) -> Result<(), MpiError> {
        self.step(Kind::Send(to), x.to_reals(), 0).map(|_| ())
    }

    /// A value that another process [sends](Self::send), of the shape of `shape`.
    ///
    /// # Errors
    /// [`MpiError::NoProcess`], and [`MpiError::Count`] if it has another count of numbers.
    pub fn receive<X: Differentiable<Real = T>>(
        &self,
        from: usize,
        shape: &X,
    ) -> Result<X, MpiError> {
        let numbers = self.step(Kind::Receive(from), Vec::new(), X::count(&shape.shape()))?;
        Ok(like(shape, &numbers))
    }

    fn step(&self, kind: Kind, mut numbers: Vec<T>, takes: usize) -> Result<Vec<T>, MpiError> {
        let step = Step { kind, gives: numbers.len(), takes };
        numbers.push(self.token.get());
        let result = communicate(step, &self.world, &DVector::from_vec(numbers));
        let mut numbers: Vec<T> = self.known(kind, result)?.data.into();
        self.token.set(numbers.pop().expect("the token is the last"));
        Ok(numbers)
    }

    /// Remembers a failure that all processes see.
    fn known<Y>(&self, kind: Kind, result: Result<Y, MpiError>) -> Result<Y, MpiError> {
        if result.is_err() && !matches!(kind, Kind::Send(_) | Kind::Receive(_)) {
            self.over.set(true);
        }
        result
    }

    /// The end of the function, where all processes meet; an error of one is an error of all.
    fn end<Y, E: From<MpiError>>(&self, result: Result<Y, E>) -> Result<Y, E> {
        let kind = if result.is_ok() { Kind::End } else { Kind::Failed };
        if !self.over.get() {
            let met = Step { kind, gives: 0, takes: 0 }.meet(&self.world);
            if result.is_ok() {
                met?;
            }
        }
        result
    }
}
