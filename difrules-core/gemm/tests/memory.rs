//! What is allocated for packed factors, known by their alignment: nothing once they have been as large, no more than is
//! documented, and nothing that stays.
#![allow(unsafe_code)] // An allocator is, and what is tested.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::thread;

use difrules_gemm::{Strided, gemm, keeps_memory, release};

/// The system's allocator, which counts what is aligned to a line of the cache.
struct Counting;

#[global_allocator]
static COUNTING: Counting = Counting;

static CALLS: AtomicUsize = AtomicUsize::new(0);
static BYTES: AtomicUsize = AtomicUsize::new(0);

// SAFETY: all is left to the system's.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if layout.align() == 64 {
            CALLS.fetch_add(1, SeqCst);
            BYTES.fetch_add(layout.size(), SeqCst);
        }
        // SAFETY: as the caller says.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        if layout.align() == 64 {
            BYTES.fetch_sub(layout.size(), SeqCst);
        }
        // SAFETY: as the caller says.
        unsafe { System.dealloc(place, layout) }
    }
}

/// The product of matrices of ones.
fn ones(rows: usize, inner: usize, columns: usize) -> Vec<f64> {
    let (mut a, mut b) = (vec![1.0; rows * inner], vec![1.0; inner * columns]);
    let mut c = vec![0.0; rows * columns];
    let strided = |m: &mut Vec<f64>, shape: (usize, usize)| {
        assert_eq!(m.len(), shape.0 * shape.1);
        Strided { first: m.as_mut_ptr(), shape, steps: (1, shape.0) }
    };
    let factors = (strided(&mut a, (rows, inner)), strided(&mut b, (inner, columns)));
    // SAFETY: the matrices are these vectors.
    unsafe { gemm(1.0, factors.0, factors.1, 0.0, strided(&mut c, (rows, columns))) };
    c
}

/// What multiplies when its thread ends.
struct Late(Cell<usize>);

impl Drop for Late {
    fn drop(&mut self) {
        let n = self.0.get();
        assert!(ones(n, n, n).iter().all(|x| *x == n as f64));
        release();
    }
}

thread_local! {
    static BEFORE: Late = const { Late(Cell::new(0)) };
    static AFTER: Late = const { Late(Cell::new(0)) };
}

/// One test, for all threads are counted together.
#[test]
fn memory_is_kept_within_bounds_and_given_back() {
    #[cfg(target_arch = "x86_64")]
    let is_packed_here = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
    #[cfg(not(target_arch = "x86_64"))]
    let is_packed_here = false;
    assert_eq!(keeps_memory(), is_packed_here);
    for sizes in [[(64, 256, 300), (64, 256, 504)], [(3, 200, 503), (70, 300, 520)]] {
        for (rows, inner, columns) in sizes {
            ones(rows, inner, columns);
            assert!(BYTES.load(SeqCst) <= 1_200_000, "{} bytes are kept", BYTES.load(SeqCst));
        }
        let calls = CALLS.load(SeqCst);
        for (rows, inner, columns) in sizes {
            ones(rows, inner, columns);
        }
        assert!(!is_packed_here || CALLS.load(SeqCst) == calls);
        release();
        assert_eq!(BYTES.load(SeqCst), 0);
    }
    for n in 1..50 {
        let thread = thread::spawn(move || {
            BEFORE.with(|late| late.0.set(n));
            ones(n, n, n);
            AFTER.with(|late| late.0.set(50 - n));
        });
        thread.join().expect("products are right until the thread ends");
    }
    assert_eq!(BYTES.load(SeqCst), 0);
}
