//! What can be wrong between processes.

use super::step::Kind;

/// Why processes could not communicate.
///
/// ```no_run
/// use difrules_core::mpi::{Kind, MpiError, Processes};
///
/// let universe = mpi::initialize().expect("no other part of the program has");
/// let ranks = Processes::new(&universe.world()).plain::<f64>();
/// // More numbers in one process than in the others.
/// let x = vec![1.0; 1 + ranks.rank() / 2];
/// let operation = Kind::AllReduce;
/// let wrong = MpiError::Count { operation, rank: 2, count: 2, expected: 1 };
/// assert_eq!(ranks.all_reduce(&x), Err(wrong));
/// ```
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum MpiError {
    /// Two processes are at different operations.
    #[error("process {rank} is at `{operation}`, but process {other_rank} is at `{other}`")]
    Unmatched {
        /// The first process.
        rank: usize,
        /// Where it is.
        operation: Kind,
        /// The first process that is not where that is.
        other_rank: usize,
        /// Where it is.
        other: Kind,
    },
    /// A process has another count of numbers than the operation takes.
    #[error("`{operation}`: process {rank} has {count} numbers, where {expected} are expected")]
    Count {
        /// The operation.
        operation: Kind,
        /// The process.
        rank: usize,
        /// How many it has.
        count: usize,
        /// How many it should have.
        expected: usize,
    },
    /// A process has more numbers than MPI counts in one message.
    #[error("`{operation}`: process {rank} has {count} numbers, more than fit a message")]
    TooMany {
        /// The operation.
        operation: Kind,
        /// The process.
        rank: usize,
        /// How many it has.
        count: usize,
    },
    /// There is no process of this rank, or it is this process itself, which has nobody to talk to.
    #[error("`{operation}`: there is no other process {rank} among {size}")]
    NoProcess {
        /// The operation.
        operation: Kind,
        /// The rank that was asked for.
        rank: usize,
        /// How many processes there are.
        size: usize,
    },
    /// The function failed in another process.
    #[error("the function failed in process {rank}")]
    Elsewhere {
        /// The first process in which it failed.
        rank: usize,
    },
}
