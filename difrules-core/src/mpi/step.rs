//! One communication, and its adjoint.

use std::fmt;
use std::rc::Rc;

use mpi::collective::SystemOperation;
use mpi::datatype::{Partition, PartitionMut};
use mpi::topology::SimpleCommunicator;
use mpi::traits::{Communicator, CommunicatorCollectives, Destination, Root, Source};
use nalgebra::DVector;

use super::error::MpiError;
use crate::contract::scalar::{Real, lit};
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
            Self::End => f.write_str("the end of the function"),
            Self::Failed => f.write_str("a failure of the function"),
        }
    }
}

impl Kind {
    /// Which it is and who is at the other end, as numbers.
    fn code(self) -> [u64; 2] {
        match self {
            Self::AllReduce => [0, 0],
            Self::Broadcast(root) => [1, root as u64],
            Self::Reduce(root) => [2, root as u64],
            Self::Gather(root) => [3, root as u64],
            Self::Scatter(root) => [4, root as u64],
            Self::Send(to) => [5, to as u64],
            Self::Receive(from) => [6, from as u64],
            Self::End => [7, 0],
            Self::Failed => [8, 0],
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
            5 => Self::Send(rank),
            6 => Self::Receive(rank),
            7 => Self::End,
            _ => Self::Failed,
        }
    }

    fn adjoint(self) -> Self {
        match self {
            Self::Broadcast(root) => Self::Reduce(root),
            Self::Reduce(root) => Self::Broadcast(root),
            Self::Gather(root) => Self::Scatter(root),
            Self::Scatter(root) => Self::Gather(root),
            Self::Send(to) => Self::Receive(to),
            Self::Receive(from) => Self::Send(from),
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
    pub(super) fn meet(self, world: &SimpleCommunicator) -> Result<Vec<Self>, MpiError> {
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
            Kind::Send(_) | Kind::Receive(_) | Kind::End | Kind::Failed => {}
        }
        Ok(all)
    }

    /// Does it with plain numbers.
    fn run(self, world: &SimpleCommunicator, x: &[f64]) -> Result<Vec<f64>, MpiError> {
        let (here, size) = (world.rank() as usize, world.size() as usize);
        let other = |rank: usize| {
            let missing = MpiError::NoProcess { operation: self.kind, rank, size };
            if rank < size && rank != here {
                Ok(world.process_at_rank(rank as i32))
            } else {
                Err(missing)
            }
        };
        let mut y = vec![0.0; self.takes];
        match self.kind {
            Kind::Send(to) => other(to)?.send(x),
            Kind::Receive(from) => {
                let (received, _) = other(from)?.receive_vec::<f64>();
                if received.len() != self.takes {
                    return Err(MpiError::Count {
                        operation: self.kind,
                        rank: from,
                        count: received.len(),
                        expected: self.takes,
                    });
                }
                y = received;
            }
            collective => {
                let all = self.meet(world)?;
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
                    Kind::Send(_) | Kind::Receive(_) | Kind::End | Kind::Failed => {}
                }
            }
        }
        Ok(y)
    }
}

/// Processes that do a step: what [`communicate`] is generic over, as it cannot be registered for one point.
pub(super) trait World: 'static {
    /// What this process has after a step in which it gives `x`.
    fn run(&self, step: Step, x: &[f64]) -> Result<Vec<f64>, MpiError>;
}

impl World for SimpleCommunicator {
    fn run(&self, step: Step, x: &[f64]) -> Result<Vec<f64>, MpiError> {
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
    debug_assert!(T::BASE, "modes communicate by the rules");
    let plain: Vec<f64> = x.iter().map(|x| x.to_f64()).collect();
    let y = world.run(step, &plain[..step.gives])?;
    let token = plain[step.gives];
    let y = y.into_iter().chain([token]).map(lit);
    Ok(DVector::from_iterator(step.takes + 1, y))
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
