//! What a tape keeps, in bytes.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};

use difrules_core::{
    Cotangent, Dual, Real, Recording, Slot, Var, Whole, checkpointed, gradient, jvp, primitive,
    release_memory, value_and_gradient,
};
use nalgebra::{DMatrix, Vector3, convert, vector};

/// Counts the bytes in use.
struct Counting;

static BYTES: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);
static ALLOCATIONS: AtomicUsize = AtomicUsize::new(0);

#[allow(unsafe_code)] // A global allocator is unsafe by its trait; this one hands everything on.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        let bytes = BYTES.fetch_add(layout.size(), Ordering::Relaxed) + layout.size();
        PEAK.fetch_max(bytes, Ordering::Relaxed);
        // SAFETY: the caller's promises are handed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        BYTES.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller's promises are handed on.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn bytes() -> usize {
    BYTES.load(Ordering::Relaxed)
}

/// The most bytes in use while `f` runs, above those before.
fn peak(f: impl FnOnce()) -> usize {
    let before = bytes();
    PEAK.store(before, Ordering::Relaxed);
    f();
    PEAK.load(Ordering::Relaxed) - before
}

/// On a thread of its own, whose tapes are new.
fn on_a_thread<Out: Send + 'static>(f: impl FnOnce() -> Out + Send + 'static) -> Out {
    std::thread::spawn(f).join().unwrap()
}

/// 2 A: no rule reads a value.
#[primitive(
    forward = |_, _, a_dot| a_dot + a_dot,
    reverse = |_, _, y_bar, a_bar| a_bar.add(|| &y_bar + &y_bar),
    instances(f64)
)]
fn twice<T: Real>(a: &DMatrix<T>) -> DMatrix<T> {
    a + a
}

/// A entry by entry times itself: the rules read the argument and nothing else.
#[primitive(forward = |a, _, a_dot| twice(&a.component_mul(a_dot)), reverse = square_reverse, reads(a), instances(f64))]
fn square<T: Real>(a: &DMatrix<T>) -> DMatrix<T> {
    a.component_mul(a)
}

fn square_reverse<T: Real>(
    a: &DMatrix<T>,
    y_bar: Cotangent<'_, DMatrix<T>>,
    a_bar: Slot<'_, DMatrix<T>>,
) {
    a_bar.add(|| a.component_mul(&y_bar) * convert::<f64, T>(2.0));
}

fn step<T: Real>(_: usize, x: &Vector3<T>, r: &T) -> Vector3<T> {
    vector![x[1] * *r, x[2] + x[0] * convert(0.1), x[0] - x[1] * *r]
}

// One test in this file: another thread's bytes would be counted too.
#[test]
fn a_tape_keeps_what_it_needs() {
    const SIZE: usize = 100;
    const MATRIX: usize = 8 * SIZE * SIZE;
    let a = DMatrix::from_element(SIZE, SIZE, 0.5);

    // What one call leaves behind, its result gone.
    let left = |f: fn(&DMatrix<Var<f64>>) -> DMatrix<Var<f64>>| {
        let left = Cell::new(0);
        gradient(
            |a| {
                drop(f(a));
                let before = bytes();
                drop(f(a));
                left.set(bytes() - before);
                a[0]
            },
            &a,
        );
        left.get()
    };
    assert!(left(twice) < 1000, "{}", left(twice));
    let kept = left(square);
    assert!((MATRIX..MATRIX + 1000).contains(&kept), "{kept}");
    // Of constants nothing is kept, whatever is computed.
    let constants = left(|a| {
        let constant = a.map(|a| Var::constant(a.value()));
        square(&constant).component_mul(&twice(&constant))
    });
    assert_eq!(constants, 0);

    // At most 32 bytes an operation: a tape grows by doubling, so the peak counts its old half too.
    const OPERATIONS: usize = 1 << 18;
    let tape = on_a_thread(|| {
        peak(|| {
            gradient(|x| (1..OPERATIONS).fold(*x, |y, _| y * *x), &1.0_f64);
        })
    });
    let most = OPERATIONS * (24 + 24 / 2 + 8) + 10_000;
    assert!(tape <= most, "{} bytes an operation", tape / OPERATIONS);

    // A thread's tapes go with it.
    let before = bytes();
    on_a_thread(|| gradient(|x| (1..OPERATIONS).fold(*x, |y, _| y * *x), &1.0_f64));
    assert!(bytes() < before + 10_000, "{} bytes stay", bytes() - before);

    // Two results in one piece are two matrices, though a rule keeps the first.
    let whole = Whole::gather(a.clone());
    let shared = Cell::new(0);
    let run = || {
        gradient(
            |a: &Whole<DMatrix<Var<f64>>>| {
                let before = bytes();
                drop(square::whole(&square::whole(a)));
                shared.set(bytes() - before);
                a.entries()[0]
            },
            &whole,
        )
    };
    drop(run());
    // What the first computation took stays for the second, which takes no more, until it is given back.
    let before = bytes();
    drop(run());
    assert!(bytes().abs_diff(before) < 1000, "{} and {before}", bytes());
    release_memory();
    assert!(bytes() + 3 * MATRIX < before, "{} of {before}", bytes());
    drop(run());
    assert!((2 * MATRIX..2 * MATRIX + 1000).contains(&shared.get()), "{}", shared.get());

    // The same of forward mode.
    release_memory();
    let run = || {
        let first = |a: &Whole<DMatrix<Dual<f64>>>| square::whole(&square::whole(a)).entries()[0];
        jvp(first, &whole, &whole)
    };
    run();
    let before = bytes();
    run();
    assert!(bytes().abs_diff(before) < 1000, "{} and {before}", bytes());
    release_memory();
    assert!(bytes() + 3 * MATRIX < before, "{} of {before}", bytes());

    // Threads that come and go leave nothing. Ten are there at once, each time: what is kept for
    // the next ones is as much as so many need, and would else be chance.
    let some = |count: usize| {
        for _ in 0..count {
            let all = Arc::new(Barrier::new(10));
            let ten = [(); 10].map(|()| {
                let all = Arc::clone(&all);
                std::thread::spawn(move || {
                    gradient(|x| *x * *x, &1.0_f64);
                    let product = difrules_core::hvp(|x| *x * *x, &1.0_f32, &1.0);
                    all.wait();
                    product
                })
            });
            ten.into_iter().for_each(|thread| assert_eq!(thread.join().unwrap(), 2.0));
        }
    };
    some(20);
    let before = bytes();
    some(300);
    assert!(bytes() < before + 1000, "{} bytes stay", bytes() - before);

    // A loop in pieces: four times the steps take twice the memory.
    let looped = |steps: usize, pieces: bool| {
        on_a_thread(move || {
            let at = (vector![1.0_f64, 0.5, -0.5], 0.9);
            peak(|| {
                value_and_gradient(
                    |(x, r)| {
                        if pieces {
                            checkpointed(steps, x, r, step).sum()
                        } else {
                            (0..steps).fold(*x, |x, k| step(k, &x, r)).sum()
                        }
                    },
                    &at,
                );
            })
        })
    };
    let (short, long, plain) = (looped(10_000, true), looped(40_000, true), looped(10_000, false));
    assert!(short < plain / 20, "{short} in pieces, {plain} plain");
    assert!(long < 3 * short, "{short} for 10 000 steps, {long} for 40 000");

    // A replay allocates nothing.
    let mut recording = Recording::new(
        |x: &[Var<f64>; 4]| {
            let product = x.iter().fold(Var::constant(1.0), |y, x| y * *x);
            nalgebra::ComplexField::sin(product) / x[0]
        },
        &[1.0, 2.0, 3.0, 4.0],
    );
    let mut by = [0.0; 4];
    recording.value_and_gradient(&[1.5, 2.0, 3.0, 4.0], &mut by).unwrap();
    let before = ALLOCATIONS.load(Ordering::Relaxed);
    for i in 1..10 {
        recording.value_and_gradient(&[i.into(), 2.0, 3.0, 4.0], &mut by).unwrap();
    }
    assert_eq!(ALLOCATIONS.load(Ordering::Relaxed), before);
}
