//! The product of packed factors, for any vector registers, with the blocks, panels and loops of Goto and van de Geijn
//! (Anatomy of high-performance matrix multiplication, ACM TOMS 34, 2008).
#![allow(clippy::needless_range_loop)] // Rows and columns go by number, in several arrays at once.

use std::cell::Cell;

use crate::registers::{Avx2, Avx512, Plain, Registers};
use crate::{Line, PANELS, Strided};

/// The terms that are summed up before C is touched: a column of tiles of A and a row of tiles of B are in the
/// first cache (KC in BLIS). As many as in matrixmultiply, for the sum of each block is rounded.
const INNER: usize = 256;
/// The rows of A that are packed at once, a multiple of each tile's: in the second cache (MC).
const ROWS: usize = 64;
/// So many times rows of A may be read where they are.
const FEW: usize = 4;
/// The rows and columns that are turned at once.
pub(crate) const SQUARE: usize = 8;
/// The columns of B that are packed at once, a multiple of each tile's: in the third cache (NC).
const COLUMNS: usize = 504;

/// A factor in tiles: rows of A or columns of B, packed or where they are.
#[derive(Clone, Copy)]
pub(crate) struct Panels<T> {
    first: *const T,
    /// How many numbers further on the next tile is.
    tile: usize,
    /// The same of the next term, a column of A or a row of B.
    term: usize,
    /// The same of the next row of A or column of B.
    line: usize,
}

impl<T> Panels<T> {
    /// Those that follow, from the tile of this number on.
    #[inline(always)]
    fn from(self, tile: usize) -> Self {
        Self { first: self.first.wrapping_add(tile * self.tile), ..self }
    }
}

/// Whether C is computed as it is, not transposed. Columns without gaps are stored by whole registers; but where rows
/// fill these badly, it is better turned, unless there are few terms to each entry.
fn is_by_columns<K: Registers>(c: Strided<K::Number>, inner: usize) -> bool {
    let ((rows, columns), (down, right)) = (c.shape, c.steps);
    if rows.min(columns) == 1 || down != 1 && right != 1 {
        return rows >= columns;
    }
    let work =
        |rows: usize, columns: usize| rows.next_multiple_of(K::COUNT) as f64 * columns as f64;
    let (as_it_is, turned) = (work(rows, columns), work(columns, rows));
    if inner >= 64 && as_it_is.min(turned) < 7.0 / 8.0 * as_it_is.max(turned) {
        as_it_is < turned
    } else {
        down == 1
    }
}

/// C <- alpha A B + beta C, in memory that stays with the thread, on the registers of AVX-512 or on those of AVX2.
///
/// # Safety
/// As for [`gemm`](crate::gemm), on a processor that has the registers.
pub(crate) unsafe fn gemm<T: Plain>(
    wide: bool,
    alpha: T,
    a: Strided<T>,
    b: Strided<T>,
    beta: T,
    c: Strided<T>,
) where
    Avx2<T>: Registers<Number = T>,
    Avx512<T>: Registers<Number = T>,
{
    // A thread that ends has memory for this call alone.
    let mut memory = PANELS.try_with(Cell::take).unwrap_or_default();
    // SAFETY: as the caller says; the processor has the registers.
    unsafe {
        if wide {
            Avx512::<T>::product(&mut memory, alpha, a, b, beta, c);
        } else {
            Avx2::<T>::product(&mut memory, alpha, a, b, beta, c);
        }
    }
    let _ = PANELS.try_with(|panels| panels.set(memory));
}

/// The product in blocks, by tiles of `M` rows, those of two registers (MR), and `W` columns (NR).
///
/// # Safety
/// As for [`gemm`](crate::gemm), on a processor that has the registers.
#[inline(always)]
pub(crate) unsafe fn product<K: Registers, const M: usize, const W: usize>(
    memory: &mut Vec<Line>,
    alpha: K::Number,
    mut a: Strided<K::Number>,
    mut b: Strided<K::Number>,
    beta: K::Number,
    mut c: Strided<K::Number>,
) {
    if !is_by_columns::<K>(c, a.shape.1) {
        (a, b, c) = (b.transposed(), a.transposed(), c.transposed());
    }
    let ((rows, columns), inner) = (c.shape, a.shape.1);
    if inner == 0 {
        for (i, j) in (0..columns).flat_map(|j| (0..rows).map(move |i| (i, j))) {
            let place = c.place((i, j));
            // SAFETY: the shape names this entry.
            unsafe { *place = scaled(beta, place) };
        }
    }
    let size_of_a = ROWS.min(rows.next_multiple_of(M)) * INNER.min(inner);
    let size_of_b = COLUMNS.min(columns.next_multiple_of(W)) * INNER.min(inner);
    let lines = ((size_of_a + size_of_b) * size_of::<K::Number>()).div_ceil(size_of::<Line>());
    if memory.len() < lines {
        // What is there is of no use, and to grow it would take more than is needed.
        *memory = Vec::new();
        *memory = vec![Line([0; 64]); lines];
    }
    let packed_a = memory.as_mut_ptr().cast::<K::Number>();
    let packed_b = packed_a.wrapping_add(size_of_a);
    // What one tile alone reads, or few of A, is read where it is, if registers can.
    let b_is_packed = rows > M;
    let a_is_packed = |width| width > FEW * W || a.steps.0 != 1 || !rows.is_multiple_of(K::COUNT);
    for j in (0..columns).step_by(COLUMNS) {
        let width = COLUMNS.min(columns - j);
        for k in (0..inner).step_by(INNER) {
            let depth = INNER.min(inner - k);
            let beta = if k == 0 { beta } else { K::Number::ONE };
            // SAFETY: of the blocks, the shapes name the entries; the memory has room for their panels, which
            // are rounded up to whole tiles.
            unsafe {
                let b = b.block((k, j), (depth, width));
                let b = if b_is_packed {
                    K::pack::<W>(b.transposed(), packed_b);
                    Panels { first: packed_b.cast_const(), tile: W * depth, term: W, line: 1 }
                } else {
                    let (down, right) = b.steps;
                    Panels { first: b.first, tile: W * right, term: down, line: right }
                };
                for i in (0..rows).step_by(ROWS) {
                    let height = ROWS.min(rows - i);
                    let a = a.block((i, k), (height, depth));
                    let a = if a_is_packed(width) {
                        K::pack::<M>(a, packed_a);
                        Panels { first: packed_a.cast_const(), tile: M * depth, term: M, line: 1 }
                    } else {
                        Panels { first: a.first, tile: M, term: a.steps.1, line: 1 }
                    };
                    let c = c.block((i, j), (height, width));
                    tiles::<K, M, W>(depth, alpha, a, b, beta, c);
                }
            }
        }
    }
}

/// Copies a matrix, `N` rows at a time, column by column. Where rows are missing of the last, what was there stays: it
/// makes sums that nobody stores.
///
/// # Safety
/// The entries that the shape names are borrowed, and there is room for them, the rows rounded up to a multiple of `N`;
/// the processor has the registers.
#[inline(always)]
pub(crate) unsafe fn pack<K: Registers, const N: usize>(
    from: Strided<K::Number>,
    mut to: *mut K::Number,
) {
    let ((rows, columns), (down, right)) = (from.shape, from.steps);
    for i in (0..rows).step_by(N) {
        let from = from.place((i, 0)).cast_const();
        let count = N.min(rows - i);
        // SAFETY: the shape names these entries, and there is room for `N` in each column.
        unsafe {
            if down == 1 {
                for j in 0..columns {
                    let (from, to) = (from.wrapping_add(j * right), to.wrapping_add(j * N));
                    if count == N {
                        copy::<K::Number, N>(from, to);
                    } else {
                        copy_some(from, to, count);
                    }
                }
            } else {
                // Rows without gaps are turned in squares.
                let squares = |count: usize| if right == 1 { count / SQUARE * SQUARE } else { 0 };
                let turned = (squares(count), squares(columns));
                for j in (0..turned.1).step_by(SQUARE) {
                    for i in (0..turned.0).step_by(SQUARE) {
                        K::turn(from.add(i * down + j), down, to.add(j * N + i), N);
                    }
                }
                for j in 0..columns {
                    for i in if j < turned.1 { turned.0 } else { 0 }..count {
                        *to.add(j * N + i) = *from.add(i * down + j * right);
                    }
                }
            }
        }
        to = to.wrapping_add(N * columns);
    }
}

/// Copies `N` numbers.
///
/// # Safety
/// There are so many, and there is room for them.
#[inline(always)]
unsafe fn copy<T: Plain, const N: usize>(from: *const T, to: *mut T) {
    // SAFETY: as the caller says.
    unsafe { *to.cast::<[T; N]>() = *from.cast() };
}

/// Copies less than 32 numbers by powers of two.
///
/// # Safety
/// As for `copy`.
#[inline(always)]
unsafe fn copy_some<T: Plain>(from: *const T, to: *mut T, count: usize) {
    // SAFETY: as the caller says.
    unsafe {
        if count & 16 != 0 {
            copy::<T, 16>(from, to);
        }
        let done = count & 16;
        if count & 8 != 0 {
            copy::<T, 8>(from.add(done), to.add(done));
        }
        let done = count & 24;
        if count & 4 != 0 {
            copy::<T, 4>(from.add(done), to.add(done));
        }
        let done = count & 28;
        if count & 2 != 0 {
            copy::<T, 2>(from.add(done), to.add(done));
        }
        if count & 1 != 0 {
            *to.add(count - 1) = *from.add(count - 1);
        }
    }
}

/// The block of C of factors in tiles.
///
/// # Safety
/// The factors have `depth` terms and the rows of A in whole registers, and the entries of C are borrowed; the processor
/// has the registers.
#[inline(always)]
unsafe fn tiles<K: Registers, const M: usize, const W: usize>(
    depth: usize,
    alpha: K::Number,
    a: Panels<K::Number>,
    b: Panels<K::Number>,
    beta: K::Number,
    c: Strided<K::Number>,
) {
    let (rows, columns) = c.shape;
    for (j, b) in (0..columns).step_by(W).enumerate().map(|(tile, j)| (j, b.from(tile))) {
        for (i, a) in (0..rows).step_by(M).enumerate().map(|(tile, i)| (i, a.from(tile))) {
            let c = c.block((i, j), (M.min(rows - i), W.min(columns - j)));
            macro_rules! tile {
                ($columns:expr) => {
                    if c.shape.0 > K::COUNT {
                        K::tile::<M, $columns, 2>(depth, alpha, a, b, beta, c)
                    } else {
                        K::tile::<M, $columns, 1>(depth, alpha, a, b, beta, c)
                    }
                };
            }
            // SAFETY: as the caller says.
            unsafe {
                match c.shape.1 {
                    1 => tile!(1),
                    2 => tile!(2),
                    3 => tile!(3),
                    4 => tile!(4),
                    5 => tile!(5),
                    6 if W > 6 => tile!(6),
                    7 if W > 7 => tile!(7),
                    _ => tile!(W),
                }
            }
        }
    }
}

/// beta c. Where the factor is zero, the entry is not read.
///
/// # Safety
/// The entry is borrowed.
#[inline(always)]
unsafe fn scaled<T: Plain>(beta: T, c: *const T) -> T {
    // SAFETY: as the caller says.
    if beta == T::ZERO { T::ZERO } else { beta * unsafe { *c } }
}

/// A tile of C, which has `N` columns and at most the rows of `R` registers, as many as `M`.
///
/// # Safety
/// The factors have `depth` terms, A has rows for the registers, and the entries of C are borrowed; the processor has the registers.
#[inline(always)]
pub(crate) unsafe fn tile<K: Registers, const M: usize, const N: usize, const R: usize>(
    depth: usize,
    alpha: K::Number,
    a: Panels<K::Number>,
    b: Panels<K::Number>,
    beta: K::Number,
    c: Strided<K::Number>,
) {
    // SAFETY: as the caller says.
    unsafe {
        let mut sums = [[K::all(K::Number::ZERO); R]; N];
        let (mut rows, mut columns) = (a.first, b.first);
        for _ in 0..depth {
            let mut column = [K::all(K::Number::ZERO); R];
            for r in 0..R {
                column[r] = K::load(rows.add(r * K::COUNT));
            }
            for j in 0..N {
                let entry = K::all(*columns.add(j * b.line));
                for r in 0..R {
                    sums[j][r] = K::times_plus(column[r], entry, sums[j][r]);
                }
            }
            rows = rows.wrapping_add(a.term);
            columns = columns.wrapping_add(b.term);
        }
        let (rows, steps) = (c.shape.0, c.steps);
        if rows == R * K::COUNT && steps.0 == 1 {
            finish::<K, N, R>(alpha, sums, beta, c.first, steps.1);
            return;
        }
        let mut apart = [[K::Number::ZERO; M]; N];
        for j in 0..N {
            for r in 0..R {
                K::store(apart[j].as_mut_ptr().add(r * K::COUNT), sums[j][r]);
            }
        }
        for j in 0..N {
            for i in 0..rows {
                let c = c.place((i, j));
                *c = alpha.fused(apart[j][i], scaled(beta, c));
            }
        }
    }
}

/// C <- alpha sums + beta C for a whole tile whose columns have no gaps.
///
/// # Safety
/// The entries of C are borrowed; the processor has the registers.
#[inline(always)]
unsafe fn finish<K: Registers, const N: usize, const R: usize>(
    alpha: K::Number,
    sums: [[K::Register; R]; N],
    beta: K::Number,
    c: *mut K::Number,
    right: usize,
) {
    // SAFETY: as the caller says.
    unsafe {
        let (alpha, factor) = (K::all(alpha), K::all(beta));
        for j in 0..N {
            for r in 0..R {
                let c = c.add(j * right + r * K::COUNT);
                let old = if beta == K::Number::ZERO {
                    K::all(K::Number::ZERO)
                } else {
                    K::times(factor, K::load(c))
                };
                K::store(c, K::times_plus(alpha, sums[j][r], old));
            }
        }
    }
}
