//! One communication, and its adjoint.

use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;

use mpi::collective::SystemOperation;
use mpi::datatype::{Equivalence, Partition, PartitionMut};
use mpi::request::scope;
use mpi::topology::SimpleCommunicator;
use mpi::traits::{Communicator, CommunicatorCollectives, Destination, Root, Source};
use nalgebra::DVector;

use super::error::MpiError;
use crate::cast::same_slice;
use crate::contract::scalar::{Base, Real};
use crate::contract::slot::Slot;
use crate::contract::value::Cotangent;
use crate::primitive;

/// An operation of processes, with the process at the other end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// All have the sum of what all have.
    AllReduce,
    /// All have what one has.
    Broadcast(usize),
    /// One has the sum of what all have.
    Reduce(usize),
    /// One has what all have.
    Gather(usize),
    /// Each has a part of what one has.
    Scatter(usize),
    /// To another process.
    Send(usize),
    /// From another process.
    Receive(usize),
    /// To one process and from one.
    Exchange {
        /// Who gets what this process gives.
        to: usize,
        /// Whose this process gets.
        from: usize,
    },
    /// The end of the function.
    End,
    /// The function failed.
    Failed,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AllReduce => f.write_str("all_reduce"),
            Self::Broadcast(root) => write!(f, "broadcast from {root}"),
            Self::Reduce(root) => write!(f, "reduce to {root}"),
            Self::Gather(root) => write!(f, "gather to {root}"),
            Self::Scatter(root) => write!(f, "scatter from {root}"),
            Self::Send(to) => write!(f, "send to {to}"),
            Self::Receive(from) => write!(f, "receive from {from}"),
            Self::Exchange { to, from } => write!(f, "exchange to {to} and from {from}"),
            Self::End => f.write_str("the end of the function"),
            Self::Failed => f.write_str("a failure of the function"),
        }
    }
}

impl Kind {
    /// Which it is and who is at the other end, as numbers, of one that all meet for.
    fn code(self) -> [u64; 2] {
        match self {
            Self::AllReduce => [0, 0],
            Self::Broadcast(root) => [1, root as u64],
            Self::Reduce(root) => [2, root as u64],
            Self::Gather(root) => [3, root as u64],
            Self::Scatter(root) => [4, root as u64],
            Self::End => [5, 0],
            Self::Failed | Self::Send(_) | Self::Receive(_) | Self::Exchange { .. } => [6, 0],
        }
    }

    fn of_code([code, rank]: [u64; 2]) -> Self {
        let rank = rank as usize;
        match code {
            0 => Self::AllReduce,
            1 => Self::Broadcast(rank),
            2 => Self::Reduce(rank),
            3 => Self::Gather(rank),
            4 => Self::Scatter(rank),
            5 => Self::End,
            _ => Self::Failed,
        }
    }

    /// Demands that MPI can count the numbers.
    fn demand_message(self, rank: usize, count: usize) -> Result<(), MpiError> {
        let fits = i32::try_from(count).is_ok();
        if fits { Ok(()) } else { Err(MpiError::TooMany { operation: self, rank, count }) }
    }

    fn adjoint(self) -> Self {
        match self {
            Self::Broadcast(root) => Self::Reduce(root),
            Self::Reduce(root) => Self::Broadcast(root),
            Self::Gather(root) => Self::Scatter(root),
            Self::Scatter(root) => Self::Gather(root),
            Self::Send(to) => Self::Receive(to),
            Self::Receive(from) => Self::Send(from),
            Self::Exchange { to, from } => Self::Exchange { to: from, from: to },
            same => same,
        }
    }
}

/// What a process does in an operation: how many numbers it gives and takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) kind: Kind,
    pub(super) gives: usize,
    pub(super) takes: usize,
}

impl Step {
    fn adjoint(self) -> Self {
        Self { kind: self.kind.adjoint(), gives: self.takes, takes: self.gives }
    }

    fn words(self) -> [u64; 4] {
        let [code, rank] = self.kind.code();
        [code, rank, self.gives as u64, self.takes as u64]
    }

    fn of_words(words: &[u64]) -> Self {
        let kind = Kind::of_code([words[0], words[1]]);
        Self { kind, gives: words[2] as usize, takes: words[3] as usize }
    }

    /// What all processes are about to do, which has to fit together: all see the same, and fail together.
    pub(super) fn meet(self, world: &Shared) -> Result<Vec<Self>, MpiError> {
        self.fit(world).inspect_err(|error| {
            world.over.borrow_mut().get_or_insert_with(|| error.clone());
        })
    }

    fn fit(self, world: &Shared) -> Result<Vec<Self>, MpiError> {
        let size = world.size() as usize;
        let mut words = vec![0_u64; 4 * size];
        world.all_gather_into(&self.words()[..], &mut words[..]);
        let all: Vec<_> = words.chunks(4).map(Self::of_words).collect();
        if let Some(rank) = all.iter().position(|step| step.kind == Kind::Failed) {
            return Err(MpiError::Elsewhere { rank });
        }
        let operation = all[0].kind;
        if let Some(other_rank) = all.iter().position(|step| step.kind != operation) {
            let other = all[other_rank].kind;
            return Err(MpiError::Unmatched { rank: 0, operation, other_rank, other });
        }
        let root = |root: usize| {
            let missing = MpiError::NoProcess { operation, rank: root, size };
            all.get(root).copied().ok_or(missing)
        };
        let demand = |rank: usize, count: usize, expected: usize| {
            let wrong = MpiError::Count { operation, rank, count, expected };
            if count == expected { Ok(()) } else { Err(wrong) }
        };
        match operation {
            Kind::AllReduce | Kind::Reduce(_) => {
                if let Kind::Reduce(rank) = operation {
                    root(rank)?;
                }
                for (rank, step) in all.iter().enumerate() {
                    demand(rank, step.gives, all[0].gives)?;
                }
            }
            Kind::Broadcast(rank) => {
                let gives = root(rank)?.gives;
                for (rank, step) in all.iter().enumerate() {
                    demand(rank, step.takes, gives)?;
                }
            }
            Kind::Gather(rank) => {
                let root = root(rank)?;
                for (rank, step) in all.iter().enumerate() {
                    demand(rank, step.gives, root.gives)?;
                }
                demand(rank, root.takes, root.gives * size)?;
            }
            Kind::Scatter(rank) => {
                let root = root(rank)?;
                for (rank, step) in all.iter().enumerate() {
                    demand(rank, step.takes, root.takes)?;
                }
                demand(rank, root.gives, root.takes * size)?;
            }
            _ => {}
        }
        for (rank, step) in all.iter().enumerate() {
            operation.demand_message(rank, step.gives.max(step.takes))?;
        }
        Ok(all)
    }

    /// Does it with plain numbers.
    fn run<E: Base + Equivalence>(self, world: &Shared, x: &[E]) -> Result<Vec<E>, MpiError> {
        let (here, size) = (world.rank() as usize, world.size() as usize);
        let missing = |rank: usize| MpiError::NoProcess { operation: self.kind, rank, size };
        let other = |rank: usize| {
            if rank < size && rank != here {
                Ok(world.process_at_rank(rank as i32))
            } else {
                Err(missing(rank))
            }
        };
        let fits = |rank: usize, received: Vec<E>| {
            let (count, expected) = (received.len(), self.takes);
            let wrong = MpiError::Count { operation: self.kind, rank, count, expected };
            if count == expected { Ok(received) } else { Err(wrong) }
        };
        world.go_on()?;
        match self.kind {
            Kind::Send(to) => {
                self.kind.demand_message(here, x.len())?;
                other(to)?.send(x);
                Ok(Vec::new())
            }
            Kind::Receive(from) => fits(from, other(from)?.receive_vec().0),
            Kind::Exchange { to, from } if to == here && from == here => fits(here, x.to_vec()),
            Kind::Exchange { to, from } => {
                self.kind.demand_message(here, x.len())?;
                let (to, source) = (other(to)?, other(from)?);
                let received = scope(|scope| {
                    let sent = to.immediate_send(scope, x);
                    let (received, _) = source.receive_vec();
                    sent.wait();
                    received
                });
                fits(from, received)
            }
            collective => {
                let all = self.meet(world)?;
                let mut y = vec![E::zero(); self.takes];
                let root = |rank: usize| (world.process_at_rank(rank as i32), rank == here);
                // Where the part of each process begins.
                let parts = |of: fn(&Self) -> usize| {
                    let counts: Vec<i32> = all.iter().map(|step| of(step) as i32).collect();
                    let begin = |sum: &mut i32, count: &i32| {
                        *sum += count;
                        Some(*sum - count)
                    };
                    let begins: Vec<i32> = counts.iter().scan(0, begin).collect();
                    (counts, begins)
                };
                match collective {
                    Kind::AllReduce => world.all_reduce_into(x, &mut y[..], SystemOperation::sum()),
                    Kind::Broadcast(rank) => {
                        let (root, is_here) = root(rank);
                        if is_here {
                            y.copy_from_slice(x);
                        }
                        root.broadcast_into(&mut y[..]);
                    }
                    Kind::Reduce(rank) => match root(rank) {
                        (root, true) => {
                            root.reduce_into_root(x, &mut y[..], SystemOperation::sum());
                        }
                        (root, false) => root.reduce_into(x, SystemOperation::sum()),
                    },
                    Kind::Gather(rank) => match root(rank) {
                        (root, true) => {
                            let (counts, begins) = parts(|step| step.gives);
                            let mut y = PartitionMut::new(&mut y[..], counts, begins);
                            root.gather_varcount_into_root(x, &mut y);
                        }
                        (root, false) => root.gather_varcount_into(x),
                    },
                    Kind::Scatter(rank) => match root(rank) {
                        (root, true) => {
                            let (counts, begins) = parts(|step| step.takes);
                            let x = Partition::new(x, counts, begins);
                            root.scatter_varcount_into_root(&x, &mut y[..]);
                        }
                        (root, false) => root.scatter_varcount_into(&mut y[..]),
                    },
                    _ => {}
                }
                Ok(y)
            }
        }
    }
}

/// The processes of one call of a transform, or at plain numbers.
pub(super) struct Shared {
    communicator: Rc<SimpleCommunicator>,
    /// Why all know that it failed.
    over: RefCell<Option<MpiError>>,
    /// Whether it is at plain numbers, where all may go on after a failure.
    plain: bool,
}

impl Shared {
    pub(super) fn new(communicator: &Rc<SimpleCommunicator>, plain: bool) -> Rc<Self> {
        Rc::new(Self { communicator: communicator.clone(), over: RefCell::default(), plain })
    }

    /// An error where the function has failed: a process that overlooks that has nobody to talk to.
    pub(super) fn go_on(&self) -> Result<(), MpiError> {
        match &*self.over.borrow() {
            Some(error) if !self.plain => Err(error.clone()),
            _ => Ok(()),
        }
    }

    /// Tells the others that this process has failed: all of them fail now, each for itself.
    pub(super) fn fail(&self) {
        let _ = Step { kind: Kind::Failed, gives: 0, takes: 0 }.meet(self);
    }
}

impl std::ops::Deref for Shared {
    type Target = SimpleCommunicator;

    fn deref(&self) -> &SimpleCommunicator {
        &self.communicator
    }
}

/// Tells the others, where it is dropped by a panic, that this process does not come.
pub(super) struct Told<'a>(pub(super) &'a Shared);

impl Drop for Told<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() && self.0.go_on().is_ok() {
            self.0.fail();
        }
    }
}

/// Processes that do a step: what [`communicate`] is generic over, as it cannot be registered for one point.
pub(super) trait World: 'static {
    /// What this process has after a step in which it gives `x`.
    fn run<E: Base + Equivalence>(&self, step: Step, x: &[E]) -> Result<Vec<E>, MpiError>;
}

impl World for Shared {
    fn run<E: Base + Equivalence>(&self, step: Step, x: &[E]) -> Result<Vec<E>, MpiError> {
        step.run(self, x)
    }
}

const MATCHED: &str = "derivatives are communicated as the values were, which fitted together";

/// What a process has after a step: `x` is what it gives, and a token, which it keeps.
///
/// # Derivation
/// All processes together have one vector x, and y = A x, where A has a one wherever a number goes, in whichever process
/// it arrives. The result that is differentiated is the sum over processes of what each computes from its y, so
/// x_bar = A^T y_bar: each cotangent goes back where the number came from, and where it went to many the
/// cotangents of all are added. So an `all_reduce` (all ones) is its own adjoint, that of a `broadcast` is a sum at the root,
/// that of `gather` is `scatter`, that of `send` is `receive`. Each is this primitive again, so it has
/// derivatives of every order.
///
/// The token is a number that varies in each mode and whose cotangent does not vanish. So the node is never left out: not
/// where what is given is constant here, nor where what is taken is not used here, while it matters elsewhere.
#[primitive(
    forward = communicate_forward,
    reverse = communicate_reverse,
    reads(step, world),
    constant(step, world),
    instances()
)]
pub(super) fn communicate<T: Real, W: World>(
    step: Step,
    world: &Rc<W>,
    x: &DVector<T>,
) -> Result<DVector<T>, MpiError> {
    in_world::<f64, T, W>(step, world, x)
        .or_else(|| in_world::<f32, T, W>(step, world, x))
        .expect("modes communicate by the rules, and plain numbers are `f64` and `f32`")
}

/// The step where numbers are `E`.
fn in_world<E: Base + Equivalence, T: Real, W: World>(
    step: Step,
    world: &Rc<W>,
    x: &DVector<T>,
) -> Option<Result<DVector<T>, MpiError>> {
    let x = same_slice::<T, E>(x.as_slice())?;
    let (given, token) = x.split_at(step.gives);
    Some(world.run(step, given).map(|mut y| {
        y.extend(token);
        DVector::from_column_slice(same_slice(&y).expect("the other way"))
    }))
}

fn communicate_forward<T: Real, W: World>(
    step: Step,
    world: &Rc<W>,
    x_dot: &DVector<T>,
) -> DVector<T> {
    communicate(step, world, x_dot).expect(MATCHED)
}

fn communicate_reverse<T: Real, W: World>(
    step: Step,
    world: &Rc<W>,
    y_bar: Cotangent<'_, DVector<T>>,
    x_bar: Slot<'_, DVector<T>>,
) {
    x_bar.add(|| communicate(step.adjoint(), world, &y_bar.into_owned()).expect(MATCHED));
}
