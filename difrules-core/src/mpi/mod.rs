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
use step::{Shared, Step, communicate};
pub use transform::{jvp, value_and_gradient, value_gradient_and_hvp};

/// The processes of a communicator, with a duplicate of it, so that their messages meet no others.
///
/// Made and dropped by all of them, before MPI ends.
///
/// ```no_run
/// use difrules_core::mpi::Processes;
///
/// let universe = mpi::initialize().expect("no other part of the program has");
/// let processes = Processes::new(&universe.world());
/// println!("{} of {}", processes.plain::<f64>().rank(), processes.plain::<f64>().size());
/// ```
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
        Ranks::new(&self.shared(true), T::zero())
    }

    fn shared(&self, plain: bool) -> Rc<Shared> {
        Shared::new(&self.0, plain)
    }
}

/// The processes in a function that is differentiated, in its scalar: what they communicate by.
///
/// Each operation takes any differentiable value: a number, a complex one, a vector, a `Matrix`, a tuple of them. All
/// processes call the same operations in the same order; `send`, `receive` and `exchange` are called by those who take part.
///
/// What ends in `_mut` is in place: of an error, the value stays what it was. A gather has no such form, since what it
/// gives is of another type than what it takes.
///
/// ```no_run
/// use difrules_core::mpi::{MpiError, Processes};
/// use nalgebra::vector;
///
/// let universe = mpi::initialize().expect("no other part of the program has");
/// let ranks = Processes::new(&universe.world()).plain::<f64>();
/// let sum = ranks.all_reduce(&vector![1.0, ranks.rank() as f64])?;
/// assert_eq!(sum[0], ranks.size() as f64);
/// # Ok::<(), MpiError>(())
/// ```
pub struct Ranks<T> {
    world: Rc<Shared>,
    /// What chains the operations: see [`communicate`].
    token: Cell<T>,
}

impl<T: Real> Ranks<T> {
    fn new(world: &Rc<Shared>, token: T) -> Self {
        Self { world: world.clone(), token: Cell::new(token) }
    }

    /// Which of them this process is.
    ///
    /// ```no_run
    /// use difrules_core::mpi::Processes;
    ///
    /// let universe = mpi::initialize().expect("no other part of the program has");
    /// let ranks = Processes::new(&universe.world()).plain::<f64>();
    /// assert!(ranks.rank() < ranks.size());
    /// ```
    #[must_use]
    pub fn rank(&self) -> usize {
        self.world.rank() as usize
    }

    /// How many there are.
    ///
    /// ```no_run
    /// use difrules_core::mpi::Processes;
    ///
    /// let universe = mpi::initialize().expect("no other part of the program has");
    /// let ranks = Processes::new(&universe.world()).plain::<f64>();
    /// assert!(ranks.rank() < ranks.size());
    /// ```
    #[must_use]
    pub fn size(&self) -> usize {
        self.world.size() as usize
    }

    /// The sum of what all have, in each process.
    ///
    /// # Errors
    /// [`MpiError::Unmatched`], [`MpiError::Elsewhere`], and [`MpiError::Count`] where shapes differ.
    ///
    /// ```no_run
    /// use difrules_core::mpi::{MpiError, Processes};
    ///
    /// let universe = mpi::initialize().expect("no other part of the program has");
    /// let ranks = Processes::new(&universe.world()).plain::<f64>();
    /// assert_eq!(ranks.all_reduce(&1.0)?, ranks.size() as f64);
    /// # Ok::<(), MpiError>(())
    /// ```
    pub fn all_reduce<X: Differentiable<Real = T>>(&self, x: &X) -> Result<X, MpiError> {
        let numbers = x.to_reals();
        let count = numbers.len();
        Ok(like(x, &self.step(Kind::AllReduce, numbers, count)?))
    }

    /// The same in place.
    ///
    /// # Errors
    /// As [`all_reduce`](Self::all_reduce).
    ///
    /// ```no_run
    /// use difrules_core::mpi::{MpiError, Processes};
    ///
    /// let universe = mpi::initialize().expect("no other part of the program has");
    /// let ranks = Processes::new(&universe.world()).plain::<f64>();
    /// let mut x = 1.0;
    /// ranks.all_reduce_mut(&mut x)?;
    /// assert_eq!(x, ranks.size() as f64);
    /// # Ok::<(), MpiError>(())
    /// ```
    pub fn all_reduce_mut<X: Differentiable<Real = T>>(&self, x: &mut X) -> Result<(), MpiError> {
        *x = self.all_reduce(x)?;
        Ok(())
    }

    /// What the process `root` has, in each process. Of `x` in the others counts the shape alone.
    ///
    /// # Errors
    /// As [`all_reduce`](Self::all_reduce), and [`MpiError::NoProcess`].
    ///
    /// ```no_run
    /// use difrules_core::mpi::{MpiError, Processes};
    ///
    /// let universe = mpi::initialize().expect("no other part of the program has");
    /// let ranks = Processes::new(&universe.world()).plain::<f64>();
    /// assert_eq!(ranks.broadcast(1, &(ranks.rank() as f64))?, 1.0);
    /// # Ok::<(), MpiError>(())
    /// ```
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
    /// As [`broadcast`](Self::broadcast).
    ///
    /// ```no_run
    /// use difrules_core::mpi::{MpiError, Processes};
    ///
    /// let universe = mpi::initialize().expect("no other part of the program has");
    /// let ranks = Processes::new(&universe.world()).plain::<f64>();
    /// let mut x = ranks.rank() as f64;
    /// ranks.broadcast_mut(1, &mut x)?;
    /// assert_eq!(x, 1.0);
    /// # Ok::<(), MpiError>(())
    /// ```
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
    ///
    /// ```no_run
    /// use difrules_core::mpi::{MpiError, Processes};
    ///
    /// let universe = mpi::initialize().expect("no other part of the program has");
    /// let ranks = Processes::new(&universe.world()).plain::<f64>();
    /// let sum = ranks.reduce(0, &1.0)?;
    /// assert_eq!(sum, (ranks.rank() == 0).then_some(ranks.size() as f64));
    /// # Ok::<(), MpiError>(())
    /// ```
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

    /// The same in place: `x` becomes the sum in the process `root`, and stays what it is in the others.
    ///
    /// # Errors
    /// As [`broadcast`](Self::broadcast).
    ///
    /// ```no_run
    /// use difrules_core::mpi::{MpiError, Processes};
    ///
    /// let universe = mpi::initialize().expect("no other part of the program has");
    /// let ranks = Processes::new(&universe.world()).plain::<f64>();
    /// let mut x = 1.0;
    /// ranks.reduce_mut(0, &mut x)?;
    /// assert_eq!(x, if ranks.rank() == 0 { ranks.size() as f64 } else { 1.0 });
    /// # Ok::<(), MpiError>(())
    /// ```
    pub fn reduce_mut<X: Differentiable<Real = T>>(
        &self,
        root: usize,
        x: &mut X,
    ) -> Result<(), MpiError> {
        if let Some(sum) = self.reduce(root, x)? {
            *x = sum;
        }
        Ok(())
    }

    /// What each process has, by rank, in the process `root` alone. All have the same shape.
    ///
    /// # Errors
    /// As [`broadcast`](Self::broadcast).
    ///
    /// ```no_run
    /// use difrules_core::mpi::{MpiError, Processes};
    ///
    /// let universe = mpi::initialize().expect("no other part of the program has");
    /// let ranks = Processes::new(&universe.world()).plain::<f64>();
    /// if let Some(all) = ranks.gather(0, &(ranks.rank() as f64))? {
    ///     assert_eq!(all[..2], [0.0, 1.0]);
    /// }
    /// # Ok::<(), MpiError>(())
    /// ```
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
    ///
    /// ```no_run
    /// use difrules_core::mpi::{MpiError, Processes};
    ///
    /// let universe = mpi::initialize().expect("no other part of the program has");
    /// let ranks = Processes::new(&universe.world()).plain::<f64>();
    /// let parts: Vec<f64> = (0..ranks.size()).map(|rank| rank as f64).collect();
    /// let parts = if ranks.rank() == 0 { &parts[..] } else { &[] };
    /// assert_eq!(ranks.scatter(0, parts, &0.0)?, ranks.rank() as f64);
    /// # Ok::<(), MpiError>(())
    /// ```
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
                    self.world.go_on()?;
                    self.world.fail();
                    return Err(MpiError::Count { operation, rank: root, count, expected });
                }
                numbers.extend(part);
            }
        }
        let part = self.step(operation, numbers, expected)?;
        Ok(like(shape, &part))
    }

    /// The same in place: `x`, of which the shape counts alone, becomes the part of this process.
    ///
    /// # Errors
    /// As [`broadcast`](Self::broadcast).
    ///
    /// ```no_run
    /// use difrules_core::mpi::{MpiError, Processes};
    ///
    /// let universe = mpi::initialize().expect("no other part of the program has");
    /// let ranks = Processes::new(&universe.world()).plain::<f64>();
    /// let (parts, mut x) = (vec![2.0; ranks.size()], 0.0);
    /// ranks.scatter_mut(0, &parts, &mut x)?;
    /// assert_eq!(x, 2.0);
    /// # Ok::<(), MpiError>(())
    /// ```
    pub fn scatter_mut<X: Differentiable<Real = T>>(
        &self,
        root: usize,
        parts: &[X],
        x: &mut X,
    ) -> Result<(), MpiError> {
        *x = self.scatter(root, parts, x)?;
        Ok(())
    }

    /// Sends a value to another process, which [receives](Self::receive) it.
    ///
    /// It may wait until that does: where each sends before it receives, as round a ring, all may wait for ever, and
    /// [`exchange`](Self::exchange) is what is meant.
    ///
    /// # Errors
    /// [`MpiError::NoProcess`].
    ///
    /// ```no_run
    /// use difrules_core::mpi::{MpiError, Processes};
    /// use nalgebra::{Vector2, vector};
    ///
    /// let universe = mpi::initialize().expect("no other part of the program has");
    /// let ranks = Processes::new(&universe.world()).plain::<f64>();
    /// match ranks.rank() {
    ///     0 => ranks.send(1, &vector![1.0, 2.0])?,
    ///     1 => assert_eq!(ranks.receive(0, &Vector2::zeros())?, vector![1.0, 2.0]),
    ///     _ => {}
    /// }
    /// # Ok::<(), MpiError>(())
    /// ```
    pub fn send<X: Differentiable<Real = T>>(&self, to: usize, x: &X) -> Result<(), MpiError> {
        self.step(Kind::Send(to), x.to_reals(), 0).map(|_| ())
    }

    /// A value that another process [sends](Self::send), of the shape of `shape`.
    ///
    /// # Errors
    /// [`MpiError::NoProcess`], and [`MpiError::Count`] if it has another count of numbers.
    ///
    /// ```no_run
    /// use difrules_core::mpi::{MpiError, Processes};
    ///
    /// let universe = mpi::initialize().expect("no other part of the program has");
    /// let ranks = Processes::new(&universe.world()).plain::<f64>();
    /// match ranks.rank() {
    ///     0 => ranks.send(1, &3.0)?,
    ///     1 => assert_eq!(ranks.receive(0, &0.0)?, 3.0),
    ///     _ => {}
    /// }
    /// # Ok::<(), MpiError>(())
    /// ```
    pub fn receive<X: Differentiable<Real = T>>(
        &self,
        from: usize,
        shape: &X,
    ) -> Result<X, MpiError> {
        let numbers = self.step(Kind::Receive(from), Vec::new(), X::count(&shape.shape()))?;
        Ok(like(shape, &numbers))
    }

    /// The same in place: `x`, of which the shape counts alone, becomes what is received.
    ///
    /// # Errors
    /// As [`receive`](Self::receive).
    ///
    /// ```no_run
    /// use difrules_core::mpi::{MpiError, Processes};
    ///
    /// let universe = mpi::initialize().expect("no other part of the program has");
    /// let ranks = Processes::new(&universe.world()).plain::<f64>();
    /// let mut x = 3.0;
    /// match ranks.rank() {
    ///     0 => ranks.send(1, &4.0)?,
    ///     1 => ranks.receive_mut(0, &mut x)?,
    ///     _ => {}
    /// }
    /// # Ok::<(), MpiError>(())
    /// ```
    pub fn receive_mut<X: Differentiable<Real = T>>(
        &self,
        from: usize,
        x: &mut X,
    ) -> Result<(), MpiError> {
        *x = self.receive(from, x)?;
        Ok(())
    }

    /// Sends a value to one process and receives one, of the same shape, from another or the same, at once: what a ring or
    /// neighbours on a grid do, which need not care who is first.
    ///
    /// Both may be this process itself, as in a ring of one.
    ///
    /// # Errors
    /// [`MpiError::NoProcess`], and [`MpiError::Count`] if what is received has another count of numbers.
    ///
    /// ```no_run
    /// use difrules_core::mpi::{MpiError, Processes};
    ///
    /// let universe = mpi::initialize().expect("no other part of the program has");
    /// let ranks = Processes::new(&universe.world()).plain::<f64>();
    /// // Round a ring.
    /// let (rank, size) = (ranks.rank(), ranks.size());
    /// let before = ranks.exchange((rank + 1) % size, (rank + size - 1) % size, &(rank as f64))?;
    /// assert_eq!(before, ((rank + size - 1) % size) as f64);
    /// # Ok::<(), MpiError>(())
    /// ```
    pub fn exchange<X: Differentiable<Real = T>>(
        &self,
        to: usize,
        from: usize,
        x: &X,
    ) -> Result<X, MpiError> {
        let numbers = x.to_reals();
        let count = numbers.len();
        Ok(like(x, &self.step(Kind::Exchange { to, from }, numbers, count)?))
    }

    /// The same in place.
    ///
    /// # Errors
    /// As [`exchange`](Self::exchange).
    ///
    /// ```no_run
    /// use difrules_core::mpi::{MpiError, Processes};
    ///
    /// let universe = mpi::initialize().expect("no other part of the program has");
    /// let ranks = Processes::new(&universe.world()).plain::<f64>();
    /// let (rank, size) = (ranks.rank(), ranks.size());
    /// let mut x = rank as f64;
    /// ranks.exchange_mut((rank + 1) % size, (rank + size - 1) % size, &mut x)?;
    /// assert_eq!(x, ((rank + size - 1) % size) as f64);
    /// # Ok::<(), MpiError>(())
    /// ```
    pub fn exchange_mut<X: Differentiable<Real = T>>(
        &self,
        to: usize,
        from: usize,
        x: &mut X,
    ) -> Result<(), MpiError> {
        *x = self.exchange(to, from, x)?;
        Ok(())
    }

    fn step(&self, kind: Kind, mut numbers: Vec<T>, takes: usize) -> Result<Vec<T>, MpiError> {
        let step = Step { kind, gives: numbers.len(), takes };
        numbers.push(self.token.get());
        let mut numbers: Vec<T> =
            communicate(step, &self.world, &DVector::from_vec(numbers))?.data.into();
        self.token.set(numbers.pop().expect("the token is the last"));
        Ok(numbers)
    }

    /// The end of the function, where all processes meet; an error of one is an error of all.
    fn end<Y, E: From<MpiError>>(&self, result: Result<Y, E>) -> Result<Y, E> {
        let kind = if result.is_ok() { Kind::End } else { Kind::Failed };
        let met = self
            .world
            .go_on()
            .and_then(|()| Step { kind, gives: 0, takes: 0 }.meet(&self.world).map(|_| ()));
        if result.is_ok() {
            met?;
        }
        result
    }
}
