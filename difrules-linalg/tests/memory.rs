//! The rule of `cholesky` works in the memory it is given.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

use difrules_core::{Differentiable, Slot};
use difrules_linalg::cholesky;
use nalgebra::DMatrix;

/// Counts the allocations.
struct Counting;

static ALLOCATIONS: AtomicUsize = AtomicUsize::new(0);

#[allow(unsafe_code)] // A global allocator is unsafe by its trait; this one hands everything on.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller's promises are handed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's promises are handed on.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

// One test in this file: another thread's allocations would be counted too.
#[test]
fn reverse_cholesky_allocates_nothing_of_its_own() {
    for (size, most) in [(1, 0), (4, 0), (10, 0), (100, 64)] {
        let factor = DMatrix::from_fn(size, size, |i, j| ((i * 7 + j * 13) % 11) as f64);
        let a = &factor * factor.transpose() + DMatrix::identity(size, size) * 10.0;
        let l = cholesky(&a).expect("positive definite");
        let shape = Differentiable::shape(&a);
        let mut l_bar = factor.clone();
        let mut a_bar = DMatrix::<f64>::zeros(size, size);
        let before = ALLOCATIONS.load(Ordering::Relaxed);
        let cotangent = DMatrix::as_cotangent(&shape, l_bar.as_mut_slice());
        cholesky::reverse(&l, cotangent, Slot::new(&shape, Some(a_bar.as_mut_slice())));
        let allocations = ALLOCATIONS.load(Ordering::Relaxed) - before;
        // matrixmultiply, behind nalgebra's product of larger matrices, allocates a workspace a
        // product; below its size there is none, and nothing else allocates.
        assert!(allocations <= most, "{allocations} allocations at n = {size}");
    }
}
