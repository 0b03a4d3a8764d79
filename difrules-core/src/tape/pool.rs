//! Memory of values that stays with a thread from one computation to the next.
//!
//! A tape is used again with all its memory. The matrices that it and its variables keep are made by
//! whoever computes them, so nobody can hand them old memory; but an allocator returns large blocks that
//! it gets back to the system, and the next computation pays for clean pages. So a large matrix that
//! nobody uses any more stays here until the next one of its size is kept: what is allocated then takes
//! its place.

use std::any::Any;
use std::cell::RefCell;

use crate::tape;

/// Below this many bytes an allocator keeps a block itself.
pub(crate) const LARGE: usize = 1 << 12;

thread_local! {
    /// Values that nobody uses any more, with their bytes.
    static UNUSED: RefCell<Vec<(usize, Box<dyn Any>)>> = const { RefCell::new(Vec::new()) };
}

/// Leaves a value, of so many bytes, that nobody uses any more.
pub(crate) fn leave(bytes: usize, value: Box<dyn Any>) {
    // A thread that ends keeps nothing.
    let _ = UNUSED.try_with(|unused| unused.borrow_mut().push((bytes, value)));
}

/// Frees an unused value, for a new one of this size is kept. There are never more than were in use at
/// once.
pub(crate) fn make_room(bytes: usize) {
    // It is dropped when they are not borrowed any more.
    let _ = UNUSED.try_with(|unused| {
        let mut unused = unused.borrow_mut();
        match unused.iter().rposition(|(other, _)| *other == bytes) {
            Some(same) => Some(unused.swap_remove(same)),
            // Sizes that come no more go.
            None => unused.pop(),
        }
    });
}

/// Gives back the memory that this thread holds for the next computation: that of its closed tapes,
/// that of large values which nobody uses any more, and that into which products of matrices pack their factors.
///
/// Each thread keeps what its largest computation took, so that the next does not have to ask the system
/// for it. After a computation that was larger than those to come, this frees it. What is open or in use
/// stays as it is.
///
/// ```
/// use difrules_core::{gradient, release_memory};
/// use nalgebra::DVector;
///
/// let slope = gradient(|x| x.norm_squared(), &DVector::from_element(100_000, 1.0_f64));
/// release_memory();
/// assert_eq!(slope[0], 2.0);
/// ```
pub fn release_memory() {
    let _ = UNUSED.try_with(RefCell::take);
    difrules_gemm::release();
    tape::release();
}
