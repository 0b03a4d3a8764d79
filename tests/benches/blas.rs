//! The reverse rules of BLAS against the plain BLAS calls that they consist of, at n = 256 and on one thread, and what
//! they allocate: `cargo bench -p difrules-tests --bench blas`.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::RefCell;
use std::hint::black_box;
use std::sync::atomic::{AtomicUsize, Ordering};

use difrules_core::testing::Sampler;
use difrules_core::{Differentiable, Slot};
use difrules_linalg::{
    Diagonal, Operation, Side, Triangle, asum, axpy, dot, gemm, gemv, ger, nrm2, rot, scal, symm,
    symv, syr, syr2k, syrk, trmm, trmv, trsm, trsv,
};
use difrules_tests::compare;
use nalgebra::{DMatrix, DVector, Dyn, MatrixViewMut, U1};

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

const SIZE: usize = 256;

/// How often a call is done in one run, so that it can be measured.
const MANY: usize = 200;

fn allocations(f: &mut dyn FnMut()) -> usize {
    f();
    let before = ALLOCATIONS.load(Ordering::Relaxed);
    f();
    ALLOCATIONS.load(Ordering::Relaxed) - before
}

/// The rule against the plain calls, in time and in allocations: none, but on processors for which the products are those of
/// the crate matrixmultiply, which allocates a workspace for each.
fn rule(name: &str, repeats: usize, rule: &mut dyn FnMut(), plain: &mut dyn FnMut()) {
    let counts = (allocations(rule), allocations(plain));
    let mut rules = || (0..repeats).for_each(|_| rule());
    let mut plains = || (0..repeats).for_each(|_| plain());
    compare(name, Some(1.2), ("rule", &mut rules), ("plain calls", &mut plains));
    println!("    allocations: {} and {} of the plain calls", counts.0, counts.1);
}

fn whole(matrix: &mut DMatrix<f64>) -> MatrixViewMut<'_, f64, Dyn, Dyn> {
    matrix.as_view_mut()
}

fn column(vector: &mut DVector<f64>) -> MatrixViewMut<'_, f64, Dyn, U1> {
    vector.as_view_mut()
}

fn slot<'a, X: Differentiable<Real = f64>>(
    like: &X,
    adjoint: Option<&'a mut [f64]>,
) -> Slot<'a, X> {
    Slot::new(&like.shape(), adjoint)
}

fn vectors() {
    let mut random = Sampler::new(1, 1);
    let (plain, general, lower) = (Operation::None, Diagonal::General, Triangle::Lower);
    let l: DMatrix<f64> = random.lower_triangular(SIZE);
    let a: DMatrix<f64> = random.matrix(SIZE, SIZE);
    let (x, y): (DVector<f64>, DVector<f64>) = (random.vector(SIZE), random.vector(SIZE));
    let (mut a_bar, mut other_a) = (a.clone(), a.clone());
    let (mut x_bar, mut other_x) = (x.clone(), x.clone());
    let (mut y_bar, mut other_y) = (y.clone(), y.clone());

    rule(
        "gemv",
        MANY,
        &mut || {
            let a_bar = slot(&a, Some(a_bar.as_mut_slice()));
            let x_bar = slot(&x, Some(x_bar.as_mut_slice()));
            let (none, also) = (slot(&1.0, None), slot(&1.0, None));
            gemv::reverse(
                plain,
                1e-3,
                &a,
                &x,
                1.0,
                None::<&DVector<f64>>,
                none,
                a_bar,
                x_bar,
                also,
                column(&mut y_bar),
            );
        },
        &mut || {
            ger(1e-3, &other_y, &x, &mut other_a).unwrap();
            gemv(Operation::Adjoint, 1e-3, black_box(&a), &other_y, 1.0, &mut other_x).unwrap();
        },
    );
    rule(
        "ger",
        MANY,
        &mut || {
            let x_bar = slot(&x, Some(x_bar.as_mut_slice()));
            let y_bar = slot(&y, Some(y_bar.as_mut_slice()));
            ger::reverse(1e-3, &x, &y, slot(&1.0, None), x_bar, y_bar, whole(&mut a_bar));
        },
        &mut || {
            gemv(plain, 1e-3, black_box(&other_a), &y, 1.0, &mut other_x).unwrap();
            gemv(Operation::Transpose, 1e-3, &other_a, &x, 1.0, &mut other_y).unwrap();
        },
    );
    rule(
        "symv",
        MANY,
        &mut || {
            let a_bar = slot(&a, Some(a_bar.as_mut_slice()));
            let x_bar = slot(&x, Some(x_bar.as_mut_slice()));
            let (none, also) = (slot(&1.0, None), slot(&1.0, None));
            symv::reverse(
                lower,
                1e-3,
                &a,
                &x,
                1.0,
                None,
                none,
                a_bar,
                x_bar,
                also,
                column(&mut y_bar),
            );
        },
        &mut || {
            let (x, y) = (x.columns(0, 1), other_y.columns(0, 1));
            syr2k(lower, plain, 1e-3, &y, &x, 1.0, &mut other_a).unwrap();
            symv(lower, 1e-3, black_box(&a), &other_y, 1.0, &mut other_x).unwrap();
        },
    );
    rule(
        "trmv",
        MANY,
        &mut || {
            y_bar.copy_from(&y);
            let l_bar = slot(&l, Some(a_bar.as_mut_slice()));
            trmv::reverse(lower, plain, general, &l, Some(&x), l_bar, column(&mut y_bar));
        },
        &mut || {
            other_y.copy_from(&y);
            syr(lower, 1.0, &x, &mut other_a).unwrap();
            trmv(lower, Operation::Adjoint, general, black_box(&l), &mut other_y).unwrap();
        },
    );
    rule(
        "trsv",
        MANY,
        &mut || {
            y_bar.copy_from(&y);
            let l_bar = slot(&l, Some(a_bar.as_mut_slice()));
            trsv::reverse(lower, plain, general, &l, &x, l_bar, column(&mut y_bar));
        },
        &mut || {
            other_y.copy_from(&y);
            trsv(lower, Operation::Adjoint, general, black_box(&l), &mut other_y).unwrap();
            syr(lower, 1.0, &x, &mut other_a).unwrap();
        },
    );
    rule(
        "syr",
        MANY,
        &mut || {
            let x_bar = slot(&x, Some(x_bar.as_mut_slice()));
            syr::reverse(lower, 1e-3, &x, slot(&1.0, None), x_bar, whole(&mut a_bar));
        },
        &mut || symv(lower, 1e-3, black_box(&other_a), &x, 1.0, &mut other_x).unwrap(),
    );

    // Vectors that are long enough to be measured. The rule and the plain calls work on the same memory: where vectors of
    // half a megabyte lie is up to a quarter of the time.
    let long = SIZE * SIZE;
    let (x, y): (DVector<f64>, DVector<f64>) = (random.vector(long), random.vector(long));
    let (x_bar, y_bar) = (RefCell::new(x.clone()), RefCell::new(y.clone()));
    let (x_bar, y_bar) = (|| x_bar.borrow_mut(), || y_bar.borrow_mut());
    rule(
        "axpy",
        MANY,
        &mut || {
            let (x_bar, y_bar) = (&mut x_bar(), &mut y_bar());
            let x_bar = slot(&x, Some(x_bar.as_mut_slice()));
            axpy::reverse(1e-3, &x, slot(&1.0, None), x_bar, column(y_bar));
        },
        &mut || axpy(1e-3, black_box(&*y_bar()), &mut *x_bar()).unwrap(),
    );
    rule(
        "scal",
        MANY,
        &mut || scal::reverse(-1.0, None, slot(&1.0, None), column(&mut x_bar())),
        &mut || scal(black_box(-1.0), &mut *x_bar()),
    );
    rule(
        "rot",
        MANY,
        &mut || {
            let (none, also) = (slot(&1.0, None), slot(&1.0, None));
            let (x_bar, y_bar) = (&mut x_bar(), &mut y_bar());
            let (x_bar, y_bar) = (column(x_bar), column(y_bar));
            rot::reverse::<f64, _, _>(None, None, 0.6, 0.8, x_bar, y_bar, none, also);
        },
        &mut || rot(&mut *x_bar(), &mut *y_bar(), black_box(0.6), -0.8).unwrap(),
    );
    rule(
        "dot",
        MANY,
        &mut || {
            let (x_bar, y_bar) = (&mut x_bar(), &mut y_bar());
            let x_bar = slot(&x, Some(x_bar.as_mut_slice()));
            let y_bar = slot(&y, Some(y_bar.as_mut_slice()));
            dot::reverse(&x, &y, &(), 1e-3, x_bar, y_bar);
        },
        &mut || {
            axpy(1e-3, black_box(&y), &mut *x_bar()).unwrap();
            axpy(1e-3, &x, &mut *y_bar()).unwrap();
        },
    );
    rule(
        "nrm2",
        MANY,
        &mut || nrm2::reverse(&x, 2.0, 1e-3, slot(&x, Some(x_bar().as_mut_slice()))),
        &mut || axpy(1e-3, black_box(&x), &mut *x_bar()).unwrap(),
    );
    rule(
        "asum",
        MANY,
        &mut || asum::reverse(&x, 1e-3, slot(&x, Some(x_bar().as_mut_slice()))),
        &mut || axpy(1e-3, black_box(&x), &mut *x_bar()).unwrap(),
    );
}

fn matrices() {
    let mut random = Sampler::new(1, 1);
    let (plain, general, lower) = (Operation::None, Diagonal::General, Triangle::Lower);
    let left = Side::Left;
    let l: DMatrix<f64> = random.lower_triangular(SIZE);
    let (a, b): (DMatrix<f64>, DMatrix<f64>) =
        (random.matrix(SIZE, SIZE), random.matrix(SIZE, SIZE));
    let (mut a_bar, mut other_a) = (a.clone(), a.clone());
    let (mut b_bar, mut other_b) = (b.clone(), b.clone());
    let (mut c_bar, mut other_c) = (a.clone(), a.clone());

    rule(
        "gemm",
        1,
        &mut || {
            let a_bar = slot(&a, Some(a_bar.as_mut_slice()));
            let b_bar = slot(&b, Some(b_bar.as_mut_slice()));
            let (none, also) = (slot(&1.0, None), slot(&1.0, None));
            gemm::reverse(
                plain,
                plain,
                1e-3,
                &a,
                &b,
                1.0,
                None,
                none,
                a_bar,
                b_bar,
                also,
                whole(&mut c_bar),
            );
        },
        &mut || {
            gemm(plain, Operation::Transpose, 1e-3, &other_c, &b, 1.0, &mut other_a).unwrap();
            gemm(Operation::Transpose, plain, 1e-3, black_box(&a), &other_c, 1.0, &mut other_b)
                .unwrap();
        },
    );
    rule(
        "symm",
        1,
        &mut || {
            let a_bar = slot(&a, Some(a_bar.as_mut_slice()));
            let b_bar = slot(&b, Some(b_bar.as_mut_slice()));
            let (none, also) = (slot(&1.0, None), slot(&1.0, None));
            symm::reverse(
                left,
                lower,
                1e-3,
                &a,
                &b,
                1.0,
                None,
                none,
                a_bar,
                b_bar,
                also,
                whole(&mut c_bar),
            );
        },
        &mut || {
            syr2k(lower, plain, 1e-3, &other_c, &b, 1.0, &mut other_a).unwrap();
            symm(left, lower, 1e-3, black_box(&a), &other_c, 1.0, &mut other_b).unwrap();
        },
    );
    rule(
        "syrk",
        1,
        &mut || {
            let a_bar = slot(&a, Some(a_bar.as_mut_slice()));
            let (none, also) = (slot(&1.0, None), slot(&1.0, None));
            syrk::reverse(lower, plain, 1e-3, &a, 1.0, None, none, a_bar, also, whole(&mut c_bar));
        },
        &mut || symm(left, lower, 1e-3, black_box(&other_c), &a, 1.0, &mut other_a).unwrap(),
    );
    rule(
        "syr2k",
        1,
        &mut || {
            let a_bar = slot(&a, Some(a_bar.as_mut_slice()));
            let b_bar = slot(&b, Some(b_bar.as_mut_slice()));
            let (none, also) = (slot(&1.0, None), slot(&1.0, None));
            syr2k::reverse(
                lower,
                plain,
                1e-3,
                &a,
                &b,
                1.0,
                None,
                none,
                a_bar,
                b_bar,
                also,
                whole(&mut c_bar),
            );
        },
        &mut || {
            symm(left, lower, 1e-3, black_box(&other_c), &b, 1.0, &mut other_a).unwrap();
            symm(left, lower, 1e-3, &other_c, &a, 1.0, &mut other_b).unwrap();
        },
    );
    rule(
        "trmm",
        1,
        &mut || {
            c_bar.copy_from(&a);
            let l_bar = slot(&l, Some(a_bar.as_mut_slice()));
            trmm::reverse(
                left,
                lower,
                plain,
                general,
                1e-3,
                &l,
                Some(&b),
                slot(&1.0, None),
                l_bar,
                whole(&mut c_bar),
            );
        },
        &mut || {
            other_c.copy_from(&a);
            syrk(lower, plain, 1e-3, &b, 1.0, &mut other_a).unwrap();
            trmm(left, lower, Operation::Adjoint, general, 1e-3, black_box(&l), &mut other_c)
                .unwrap();
        },
    );
    rule(
        "trsm",
        1,
        &mut || {
            c_bar.copy_from(&a);
            let l_bar = slot(&l, Some(a_bar.as_mut_slice()));
            trsm::reverse(
                left,
                lower,
                plain,
                general,
                1e-3,
                &l,
                None,
                &b,
                slot(&1.0, None),
                l_bar,
                whole(&mut c_bar),
            );
        },
        &mut || {
            other_c.copy_from(&a);
            trsm(left, lower, Operation::Adjoint, general, 1e-3, black_box(&l), &mut other_c)
                .unwrap();
            syrk(lower, plain, 1e-3, &b, 1.0, &mut other_a).unwrap();
        },
    );
    // The triangle updates beside the products of whole matrices that they are half of.
    let mut c = a.clone();
    let mut other = a.clone();
    compare(
        "symm beside gemm",
        None,
        ("symm", &mut || symm(left, lower, 1e-3, black_box(&a), &b, 1.0, &mut c).unwrap()),
        ("gemm", &mut || gemm(plain, plain, 1e-3, black_box(&a), &b, 1.0, &mut other).unwrap()),
    );
    compare(
        "syrk beside gemm",
        None,
        ("syrk", &mut || syrk(lower, plain, 1e-3, black_box(&a), 1.0, &mut c).unwrap()),
        ("gemm", &mut || {
            gemm(plain, Operation::Transpose, 1e-3, black_box(&a), &a, 1.0, &mut other).unwrap();
        }),
    );
    compare(
        "trmm beside gemm",
        None,
        ("trmm", &mut || {
            c.copy_from(&b);
            trmm(left, lower, plain, general, 1.0, black_box(&l), &mut c).unwrap();
        }),
        ("gemm", &mut || gemm(plain, plain, 1.0, black_box(&a), &b, 0.0, &mut other).unwrap()),
    );
}

fn main() {
    vectors();
    matrices();
}
