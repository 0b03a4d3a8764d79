//! The digits of the crate matrixmultiply, whichever of the two multiplies, at sizes around those of blocks and tiles and
//! with every kind of stride; and nothing but the entries of C is written.
#![allow(unsafe_code)] // What is tested is unsafe.

use difrules_gemm::{Number, Strided, gemm, gemm_on_narrow_registers};
use std::fmt::Debug;

trait Plain: Number + PartialEq + Debug {
    /// A number of a test.
    fn from(x: f64) -> Self;

    fn bits(self) -> u64;

    /// C <- A B + beta C by matrixmultiply.
    ///
    /// # Safety
    /// As for [`gemm`].
    unsafe fn library(a: Strided<Self>, b: Strided<Self>, beta: Self, c: Strided<Self>);
}

macro_rules! plain {
    ($number:ty, $gemm:ident) => {
        impl Plain for $number {
            fn from(x: f64) -> Self {
                x as $number
            }

            fn bits(self) -> u64 {
                self.to_bits().into()
            }

            unsafe fn library(a: Strided<Self>, b: Strided<Self>, beta: Self, c: Strided<Self>) {
                let steps = |m: Strided<Self>| (m.steps.0 as isize, m.steps.1 as isize);
                let ((rsa, csa), (rsb, csb), (rsc, csc)) = (steps(a), steps(b), steps(c));
                let ((m, n), k) = (c.shape, a.shape.1);
                // SAFETY: as the caller says.
                unsafe {
                    matrixmultiply::$gemm(
                        m, k, n, 1.0, a.first, rsa, csa, b.first, rsb, csb, beta, c.first, rsc, csc,
                    );
                }
            }
        }
    };
}
plain!(f64, dgemm);
plain!(f32, sgemm);

/// How a matrix lies in memory.
#[derive(Clone, Copy, Debug)]
enum Lie {
    Columns,
    Rows,
    /// Columns with something between them.
    Gaps,
    /// Something between the entries, too.
    Spread,
    /// The same, by rows.
    SpreadRows,
}

const LIES: [Lie; 5] = [Lie::Columns, Lie::Rows, Lie::Gaps, Lie::Spread, Lie::SpreadRows];

/// A matrix and the memory that it lies in, up to its last entry.
#[derive(Clone)]
struct Buffer<T> {
    memory: Vec<T>,
    shape: (usize, usize),
    steps: (usize, usize),
}

impl<T: Plain> Buffer<T> {
    fn random(shape: (usize, usize), lie: Lie, random: &mut fastrand::Rng) -> Self {
        let steps = match lie {
            Lie::Columns => (1, shape.0),
            Lie::Rows => (shape.1, 1),
            Lie::Gaps => (1, shape.0 + 3),
            Lie::Spread => (3, 3 * shape.0 + 2),
            Lie::SpreadRows => (2 * shape.1 + 3, 2),
        };
        let last = |count: usize, step| count.saturating_sub(1) * step;
        let length = last(shape.0, steps.0) + last(shape.1, steps.1) + 1;
        let memory = (0..length).map(|_| Plain::from(2.0 * random.f64() - 1.0)).collect();
        Self { memory, shape, steps }
    }

    fn strided(&mut self) -> Strided<T> {
        Strided { first: self.memory.as_mut_ptr(), shape: self.shape, steps: self.steps }
    }

    fn at(&self, (i, j): (usize, usize)) -> T {
        self.memory[i * self.steps.0 + j * self.steps.1]
    }

    fn set(&mut self, (i, j): (usize, usize), x: T) {
        self.memory[i * self.steps.0 + j * self.steps.1] = x;
    }
}

fn entries((rows, columns): (usize, usize)) -> impl Iterator<Item = (usize, usize)> {
    (0..columns).flat_map(move |j| (0..rows).map(move |i| (i, j)))
}

/// Rows, terms and columns around those of tiles and blocks.
fn sizes() -> Vec<(usize, usize, usize)> {
    let mut sizes: Vec<_> = (1..=18).map(|n| (n, (3 * n) % 19 + 1, (7 * n) % 20 + 1)).collect();
    sizes.extend([
        (0, 3, 2),
        (3, 0, 2),
        (2, 3, 0),
        (8, 8, 6),
        (16, 4, 12),
        (64, 5, 6),
        (65, 256, 7),
        (9, 257, 13),
        (63, 600, 5),
        (130, 20, 19),
        (7, 9, 504),
        (5, 3, 505),
        (70, 260, 1011),
        (1, 100, 30),
        (40, 70, 1),
        (5, 64, 33),
        (33, 64, 5),
        (16, 300, 40),
        (24, 40, 7),
        (8, 700, 20),
        (130, 20, 512),
        (512, 30, 8),
    ]);
    sizes
}

fn digits<T: Plain>() {
    let mut random = fastrand::Rng::with_seed(1);
    for (case, (rows, inner, columns)) in sizes().into_iter().enumerate() {
        for turn in 0..10 {
            let lies = [case + turn, case / 5 + turn, turn].map(|choice| LIES[choice % 5]);
            let what = format!("{rows} {inner} {columns} {lies:?}");
            let mut a = Buffer::<T>::random((rows, inner), lies[0], &mut random);
            let mut b = Buffer::<T>::random((inner, columns), lies[1], &mut random);
            let mut c = Buffer::<T>::random((rows, columns), lies[2], &mut random);
            let beta = [0.0, 1.0][turn / 5];
            if beta == 0.0 {
                entries(c.shape).for_each(|at| c.set(at, Plain::from(f64::NAN)));
            }
            let (beta, one) = (Plain::from(beta), Plain::from(1.0));
            let (mut expected, mut narrow) = (c.clone(), c.clone());
            // SAFETY: the matrices lie in these buffers.
            unsafe {
                gemm(one, a.strided(), b.strided(), beta, c.strided());
                gemm_on_narrow_registers(one, a.strided(), b.strided(), beta, narrow.strided());
                T::library(a.strided(), b.strided(), beta, expected.strided());
            }
            for found in [c, narrow] {
                let places = found.memory.iter().zip(&expected.memory).enumerate();
                for (place, (x, y)) in places {
                    assert_eq!(x.bits(), y.bits(), "place {place} of {what}: {x:?} and {y:?}");
                }
            }
        }
    }
}

#[test]
fn products_have_the_digits_of_the_library() {
    digits::<f64>();
    digits::<f32>();
}

/// With any factor, and at any size.
#[test]
fn all_registers_give_the_same_digits() {
    fn check<T: Plain>(shape: (usize, usize, usize), lies: [Lie; 3], random: &mut fastrand::Rng) {
        let mut a = Buffer::<T>::random((shape.0, shape.1), lies[0], random);
        let mut b = Buffer::<T>::random((shape.1, shape.2), lies[1], random);
        let mut c = Buffer::<T>::random((shape.0, shape.2), lies[2], random);
        let (mut narrow, alpha, beta) = (c.clone(), Plain::from(-0.3), Plain::from(0.7));
        // SAFETY: the matrices lie in these buffers.
        unsafe {
            gemm(alpha, a.strided(), b.strided(), beta, c.strided());
            gemm_on_narrow_registers(alpha, a.strided(), b.strided(), beta, narrow.strided());
        }
        let mut both = c.memory.iter().zip(&narrow.memory);
        assert!(both.all(|(x, y)| x.bits() == y.bits()), "{shape:?}, {lies:?}");
    }
    let mut random = fastrand::Rng::with_seed(6);
    for case in 0..400 {
        let mut size = |most: usize| random.usize(1..=most);
        let shape = match case % 4 {
            0 => (size(70), size(70), size(70)),
            1 => (size(8), size(600), size(40)),
            2 => (size(300), size(30), size(8)),
            _ => (8 * size(5), 8 * size(40), 8 * size(70)),
        };
        let lies = [case / 4, case / 20, case / 100].map(|choice| LIES[choice % 5]);
        check::<f64>(shape, lies, &mut random);
        check::<f32>(shape, lies, &mut random);
    }
}

/// Each factor is applied once, whatever the blocks.
#[test]
fn factors_are_those_of_the_whole_sum() {
    let mut random = fastrand::Rng::with_seed(2);
    for ((rows, inner, columns), lie) in sizes().into_iter().zip(LIES.into_iter().cycle()) {
        let mut a = Buffer::<f64>::random((rows, inner), Lie::Columns, &mut random);
        let mut b = Buffer::random((inner, columns), Lie::Rows, &mut random);
        let mut c = Buffer::random((rows, columns), lie, &mut random);
        let old = c.clone();
        // SAFETY: the matrices lie in these buffers.
        unsafe { gemm(-0.75, a.strided(), b.strided(), 0.5, c.strided()) };
        for at in entries((rows, columns)) {
            let terms = (0..inner).map(|k| a.at((at.0, k)) * b.at((k, at.1)));
            let size = old.at(at).abs() + terms.clone().map(f64::abs).sum::<f64>();
            let expected = -0.75 * terms.sum::<f64>() + 0.5 * old.at(at);
            let error = (c.at(at) - expected).abs();
            assert!(
                error <= f64::EPSILON * (inner + 2) as f64 * size,
                "{at:?} of {rows} {inner} {columns}: {error}"
            );
        }
    }
}

/// What is beside an entry in a tile does not come into it.
#[test]
fn numbers_that_are_not_finite_stay_in_their_row_and_column() {
    let (rows, inner, columns) = (13, 20, 11);
    let mut random = fastrand::Rng::with_seed(3);
    for lie in LIES {
        let mut a = Buffer::<f64>::random((rows, inner), lie, &mut random);
        let mut b = Buffer::random((inner, columns), lie, &mut random);
        let mut c = Buffer::random((rows, columns), lie, &mut random);
        entries((rows, inner)).for_each(|at| a.set(at, 0.5));
        entries((inner, columns)).for_each(|at| b.set(at, 2.0));
        a.set((9, 3), f64::NAN);
        b.set((4, 7), f64::INFINITY);
        // SAFETY: the matrices lie in these buffers.
        unsafe { gemm(1.0, a.strided(), b.strided(), 0.0, c.strided()) };
        for at in entries((rows, columns)) {
            let fits = match at {
                (9, _) => c.at(at).is_nan(),
                (_, 7) => c.at(at) == f64::INFINITY,
                _ => c.at(at) == 20.0,
            };
            assert!(fits, "{at:?}, {lie:?}: {}", c.at(at));
        }
    }
}

/// Where the factor is zero, C is not read: it may be memory that nobody has written to.
#[test]
fn c_need_not_be_there_before() {
    let mut random = fastrand::Rng::with_seed(4);
    for (rows, inner, columns) in [(8, 4, 6), (13, 5, 7), (3, 0, 2), (70, 260, 9)] {
        for steps in [(1, rows), (columns, 1)] {
            let mut a = Buffer::<f32>::random((rows, inner), Lie::Rows, &mut random);
            let mut b = Buffer::random((inner, columns), Lie::Columns, &mut random);
            let mut c = Vec::with_capacity(rows * columns);
            let whole = Strided { first: c.as_mut_ptr(), shape: (rows, columns), steps };
            // SAFETY: the matrices lie in these buffers, and all of C is written.
            unsafe {
                gemm(1.0, a.strided(), b.strided(), 0.0, whole);
                c.set_len(rows * columns);
            }
            for (i, j) in entries((rows, columns)) {
                let expected = (0..inner)
                    .step_by(256)
                    .map(|from| {
                        let terms = from..inner.min(from + 256);
                        terms.fold(0.0, |sum, k| a.at((i, k)).mul_add(b.at((k, j)), sum))
                    })
                    .fold(0.0, |c, sum| c + sum);
                let entry: f32 = c[i * steps.0 + j * steps.1];
                assert!((entry - expected).abs() <= 1e-4, "{entry} and {expected}");
            }
        }
    }
}

/// One of the sizes of a matrix without entries may be any.
#[test]
fn matrices_without_entries_may_be_long() {
    for (rows, inner, columns) in [(usize::MAX, 3, 0), (0, 3, usize::MAX), (0, 0, usize::MAX)] {
        let nothing = |shape| Strided { first: [0.0_f64; 0].as_mut_ptr(), shape, steps: (1, 0) };
        let (a, b) = (nothing((rows, inner)), nothing((inner, columns)));
        // SAFETY: C names nothing, so that nothing of A and B comes into it.
        unsafe { gemm(1.0, a, b, 1.0, nothing((rows, columns))) };
    }
}

/// A step of zero repeats a row or a column; both factors may be one matrix, and C may lie in the gaps of another.
#[test]
fn matrices_may_share_memory() {
    let mut random = fastrand::Rng::with_seed(5);
    for (n, inner) in [(1, 9), (5, 20), (8, 3), (17, 30), (70, 300)] {
        let mut a = Buffer::<f64>::random((n, inner), Lie::Columns, &mut random);
        for steps in [(1, n), (0, n), (1, 0)] {
            // Entries and what is not C's by turns, as values and tangents are.
            let mut c: Vec<_> = (0..2 * n * n).map(|i| i as f64).collect();
            let (old, mut expected) = (c.clone(), c.clone());
            let left = Strided { steps, ..a.strided() };
            let right = Strided { shape: (inner, n), steps: (steps.1, steps.0), ..left };
            let whole = |c: &mut Vec<f64>| Strided {
                first: c[1..].as_mut_ptr(),
                shape: (n, n),
                steps: (2, 2 * n),
            };
            // SAFETY: the matrices lie in these buffers.
            unsafe {
                gemm(1.0, left, right, 1.0, whole(&mut c));
                Plain::library(left, right, 1.0, whole(&mut expected));
            }
            assert_eq!(c, expected, "{n} {inner} {steps:?}");
            assert!(c.iter().zip(&old).step_by(2).all(|(c, old)| c == old), "{n} {inner}");
        }
    }
}
