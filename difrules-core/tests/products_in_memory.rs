//! Products of numbers with tangents where they are in memory: every size to 12 with every kind of stride, in buffers that end
//! with the last entry, and nothing but the entries is written. Meant to be run under valgrind too.

use difrules_core::kernel::{PlainProduct, add_product_of_parts};
use difrules_core::{Dual, Real};
use nalgebra::{DMatrixView, DMatrixViewMut, Dyn, MatrixView, MatrixViewMut, U1};

/// Products of plain numbers by loops.
struct Loops;
/// The same; what is asked for natively is.
struct Native;

fn add<S: Real>(
    (a, turn_a): (DMatrixView<'_, S>, bool),
    (b, turn_b): (DMatrixView<'_, S>, bool),
    c: &mut DMatrixViewMut<'_, S>,
) {
    let inner = if turn_a { a.nrows() } else { a.ncols() };
    let (rows, columns) = c.shape();
    for (i, j) in (0..columns).flat_map(|j| (0..rows).map(move |i| (i, j))) {
        for k in 0..inner {
            let left = if turn_a { a[(k, i)] } else { a[(i, k)] };
            let right = if turn_b { b[(j, k)] } else { b[(k, j)] };
            c[(i, j)] += left * right;
        }
    }
}

impl PlainProduct for Loops {
    fn add<S: Real>(
        a: (DMatrixView<'_, S>, bool),
        b: (DMatrixView<'_, S>, bool),
        c: &mut DMatrixViewMut<'_, S>,
    ) {
        add(a, b, c);
    }

    fn is_native(_: usize, _: usize, _: usize) -> bool {
        false
    }
}

impl PlainProduct for Native {
    fn add<S: Real>(
        a: (DMatrixView<'_, S>, bool),
        b: (DMatrixView<'_, S>, bool),
        c: &mut DMatrixViewMut<'_, S>,
    ) {
        add(a, b, c);
    }

    fn is_native(rows: usize, _: usize, columns: usize) -> bool {
        (rows + columns).is_multiple_of(2)
    }
}

/// Numbers for tests: small whole ones, so that every order of a sum has the same result.
trait Sample: Real {
    fn sample(seed: &mut u32) -> Self;
}

fn whole(seed: &mut u32) -> f64 {
    *seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
    f64::from((*seed >> 24) % 7) - 3.0
}

impl Sample for f64 {
    fn sample(seed: &mut u32) -> Self {
        whole(seed)
    }
}

impl Sample for f32 {
    fn sample(seed: &mut u32) -> Self {
        whole(seed) as f32
    }
}

impl<T: Sample, const N: usize> Sample for Dual<T, N> {
    fn sample(seed: &mut u32) -> Self {
        // In some directions nothing moves.
        let value = T::sample(seed);
        Dual::new(value, std::array::from_fn(|i| if i == 1 { T::zero() } else { T::sample(seed) }))
    }
}

/// A matrix in a buffer that has no entry too many: so many numbers between its columns.
struct Buffer<S> {
    numbers: Box<[S]>,
    shape: (usize, usize),
    stride: usize,
}

impl<S: Sample> Buffer<S> {
    fn new((rows, columns): (usize, usize), between: usize, seed: &mut u32) -> Self {
        let stride = (rows + between).max(1);
        // A view of no entry is given one.
        let count = columns.saturating_sub(1) * stride + rows.max(1);
        Self {
            numbers: (0..count).map(|_| S::sample(seed)).collect(),
            shape: (rows, columns),
            stride,
        }
    }

    fn view(&self) -> DMatrixView<'_, S> {
        let (rows, columns) = self.shape;
        MatrixView::from_slice_with_strides_generic(
            &self.numbers,
            Dyn(rows),
            Dyn(columns),
            U1,
            Dyn(self.stride),
        )
    }

    fn view_mut(&mut self) -> DMatrixViewMut<'_, S> {
        let (rows, columns) = self.shape;
        MatrixViewMut::from_slice_with_strides_generic(
            &mut self.numbers,
            Dyn(rows),
            Dyn(columns),
            U1,
            Dyn(self.stride),
        )
    }
}

fn lifted<A: Real, C: Real>(x: A) -> C {
    let any: &dyn std::any::Any = &x;
    any.downcast_ref::<C>().copied().unwrap_or_else(|| nalgebra::convert(x.to_f64()))
}

fn check<P: PlainProduct, A: Sample, B: Sample, C: Sample>(
    (rows, inner, columns): (usize, usize, usize),
    (turn_a, turn_b): (bool, bool),
    between: [usize; 3],
    seed: &mut u32,
) {
    let turned = |(rows, columns), turn| if turn { (columns, rows) } else { (rows, columns) };
    let a = Buffer::<A>::new(turned((rows, inner), turn_a), between[0], seed);
    let b = Buffer::<B>::new(turned((inner, columns), turn_b), between[1], seed);
    let mut c = Buffer::<C>::new((rows, columns), between[2], seed);
    let mut wanted = Buffer { numbers: c.numbers.clone(), ..c };
    let lift_a = a.view().map(lifted::<A, C>);
    let lift_b = b.view().map(lifted::<B, C>);
    add((lift_a.as_view(), turn_a), (lift_b.as_view(), turn_b), &mut wanted.view_mut());
    let factors = ((a.view(), turn_a), (b.view(), turn_b));
    let taken = add_product_of_parts::<P, A, B, C>(factors.0, factors.1, &mut c.view_mut());
    assert!(taken);
    let case = (rows, inner, columns, turn_a, turn_b, between);
    for (found, wanted) in c.numbers.iter().zip(&wanted.numbers) {
        assert!(*found == *wanted && same_tangents(found, wanted), "{case:?}");
    }
}

/// Compared by what it would be as text: all parts, where zeros of both signs are one.
fn same_tangents<C: Real>(found: &C, wanted: &C) -> bool {
    let difference = *found - *wanted;
    difference.is_constant_zero()
}

/// Every size to 12, with strides and transposes that take turns.
fn sizes<P: PlainProduct, A: Sample, B: Sample, C: Sample>() {
    let mut seed = 1;
    for rows in 0..=12 {
        for inner in 0..=12 {
            for columns in 0..=12 {
                let turn = rows + 3 * inner + 5 * columns;
                let between = [turn % 3, turn / 3 % 3, turn / 2 % 3];
                let turns = (turn % 2 == 0, turn / 2 % 2 == 0);
                check::<P, A, B, C>((rows, inner, columns), turns, between, &mut seed);
            }
        }
    }
}

/// Some sizes, with every kind of stride and transpose.
fn strides<P: PlainProduct, A: Sample, B: Sample, C: Sample>() {
    let mut seed = 2;
    for size in [(1, 1, 1), (1, 4, 3), (3, 2, 1), (4, 1, 4), (5, 7, 6), (8, 8, 8), (12, 3, 9)] {
        for kind in 0..27 {
            let between = [kind % 3, kind / 3 % 3, kind / 9].map(|k| [0, 1, 5][k]);
            for turns in [(false, false), (false, true), (true, false), (true, true)] {
                check::<P, A, B, C>(size, turns, between, &mut seed);
            }
        }
    }
}

type One = Dual<f64>;
type Four = Dual<f64, 4>;
type Second = Dual<Dual<f64, 2>, 3>;

#[test]
fn every_size() {
    sizes::<Loops, One, One, One>();
    sizes::<Native, Four, f64, Four>();
    sizes::<Native, f64, Second, Second>();
}

#[test]
fn every_kind_of_stride() {
    strides::<Native, One, One, One>();
    strides::<Loops, Four, Four, Four>();
    strides::<Native, Four, f64, Four>();
    strides::<Native, Second, Second, Second>();
    strides::<Native, f32, Dual<f32, 2>, Dual<f32, 2>>();
}
