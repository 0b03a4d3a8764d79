//! The product on AVX2 and FMA, with the blocks, panels and loops of Goto and van de Geijn (Anatomy of high-performance
//! matrix multiplication, ACM TOMS 34, 2008).
#![allow(clippy::needless_range_loop)] // Rows and columns go by number, in several arrays at once.

use std::arch::is_x86_feature_detected;
use std::arch::x86_64::{
    __m256, __m256d, _mm256_fmadd_pd, _mm256_fmadd_ps, _mm256_loadu_pd, _mm256_loadu_ps,
    _mm256_mul_pd, _mm256_mul_ps, _mm256_set1_pd, _mm256_set1_ps, _mm256_storeu_pd,
    _mm256_storeu_ps,
};
use std::cell::Cell;
use std::ops::Mul;

use crate::{Line, PANELS, Strided};

/// The terms that are summed up before C is touched: a column of tiles of A and a row of tiles of B are in the
/// first cache (KC in BLIS). As many as in matrixmultiply, for the sum of each block is rounded.
const INNER: usize = 256;
/// The rows of A that are packed at once, a multiple of each tile's: in the second cache (MC).
const ROWS: usize = 64;
/// The columns of B that are packed at once, a multiple of the tile's: in the third cache (NC).
const COLUMNS: usize = 504;
/// The columns of a tile (NR).
const WIDTH: usize = 6;

/// Whether the kernel here is the one to take.
pub(crate) fn is_best() -> bool {
    is_x86_feature_detected!("avx2")
        && is_x86_feature_detected!("fma")
        && !is_x86_feature_detected!("avx512f")
}

/// Whether C is computed as it is, not transposed. Columns without gaps are stored by whole registers; but the rows of a
/// tile are more than its columns, so that what is low and wide is better turned, unless there are few terms to each
/// entry.
pub(crate) fn is_by_columns<T>(c: Strided<T>, inner: usize) -> bool {
    let ((rows, columns), (down, right)) = (c.shape, c.steps);
    let short = rows.min(columns);
    if short == 1 || short <= WIDTH && inner >= 64 || down != 1 && right != 1 {
        rows >= columns
    } else {
        down == 1
    }
}

/// Numbers, and registers of them.
trait Lane: Copy + PartialEq + Mul<Output = Self> {
    const ZERO: Self;
    const ONE: Self;
    /// The numbers in a register.
    const COUNT: usize;
    type Register: Copy;

    /// x y + z, rounded once.
    fn fused(self, y: Self, z: Self) -> Self;
    unsafe fn load(from: *const Self) -> Self::Register;
    unsafe fn store(to: *mut Self, x: Self::Register);
    unsafe fn all(x: Self) -> Self::Register;
    unsafe fn times(x: Self::Register, y: Self::Register) -> Self::Register;
    unsafe fn times_plus(x: Self::Register, y: Self::Register, z: Self::Register)
    -> Self::Register;
}

macro_rules! lane {
    (
        $number:ty, $register:ty, $count:literal, $rows:literal, $own:ident:
        $load:ident $store:ident $all:ident $times:ident $times_plus:ident
    ) => {
        impl Lane for $number {
            const ZERO: Self = 0.0;
            const ONE: Self = 1.0;
            const COUNT: usize = $count;
            type Register = $register;

            #[inline(always)]
            fn fused(self, y: Self, z: Self) -> Self {
                self.mul_add(y, z)
            }

            #[inline(always)]
            unsafe fn load(from: *const Self) -> $register {
                // SAFETY: as the caller says.
                unsafe { $load(from) }
            }

            #[inline(always)]
            unsafe fn store(to: *mut Self, x: $register) {
                // SAFETY: as the caller says.
                unsafe { $store(to, x) }
            }

            #[inline(always)]
            unsafe fn all(x: Self) -> $register {
                // SAFETY: as the caller says.
                unsafe { $all(x) }
            }

            #[inline(always)]
            unsafe fn times(x: $register, y: $register) -> $register {
                // SAFETY: as the caller says.
                unsafe { $times(x, y) }
            }

            #[inline(always)]
            unsafe fn times_plus(x: $register, y: $register, z: $register) -> $register {
                // SAFETY: as the caller says.
                unsafe { $times_plus(x, y, z) }
            }
        }

        /// C <- alpha A B + beta C.
        ///
        /// # Safety
        /// As for [`gemm`](crate::gemm), on a processor with AVX2 and FMA.
        #[target_feature(enable = "avx2,fma")]
        pub(crate) unsafe fn $own(
            alpha: $number,
            a: Strided<$number>,
            b: Strided<$number>,
            beta: $number,
            c: Strided<$number>,
        ) {
            // A thread that ends has memory for this call alone.
            let mut memory = PANELS.try_with(Cell::take).unwrap_or_default();
            // SAFETY: as the caller says.
            unsafe { product::<$number, $rows>(&mut memory, alpha, a, b, beta, c) };
            let _ = PANELS.try_with(|panels| panels.set(memory));
        }
    };
}
lane!(
    f64, __m256d, 4, 8, packed_f64:
    _mm256_loadu_pd _mm256_storeu_pd _mm256_set1_pd _mm256_mul_pd _mm256_fmadd_pd
);
lane!(
    f32, __m256, 8, 16, packed_f32:
    _mm256_loadu_ps _mm256_storeu_ps _mm256_set1_ps _mm256_mul_ps _mm256_fmadd_ps
);

/// The product in blocks, by tiles of `M` rows (MR): those of two registers.
///
/// # Safety
/// As for [`gemm`](crate::gemm), on a processor with AVX2 and FMA.
#[target_feature(enable = "avx2,fma")]
unsafe fn product<T: Lane, const M: usize>(
    memory: &mut Vec<Line>,
    alpha: T,
    a: Strided<T>,
    b: Strided<T>,
    beta: T,
    c: Strided<T>,
) {
    let ((rows, columns), inner) = (c.shape, a.shape.1);
    if inner == 0 {
        for (i, j) in (0..columns).flat_map(|j| (0..rows).map(move |i| (i, j))) {
            let place = c.place((i, j));
            // SAFETY: the shape names this entry.
            unsafe { *place = scaled(beta, place) };
        }
    }
    let size_of_a = ROWS.min(rows.next_multiple_of(M)) * INNER.min(inner);
    let size_of_b = COLUMNS.min(columns.next_multiple_of(WIDTH)) * INNER.min(inner);
    let lines = ((size_of_a + size_of_b) * size_of::<T>()).div_ceil(size_of::<Line>());
    if memory.len() < lines {
        // What is there is of no use, and to grow it would take more than is needed.
        *memory = Vec::new();
        *memory = vec![Line([0; 64]); lines];
    }
    let packed_a = memory.as_mut_ptr().cast::<T>();
    let packed_b = packed_a.wrapping_add(size_of_a);
    for j in (0..columns).step_by(COLUMNS) {
        let width = COLUMNS.min(columns - j);
        for k in (0..inner).step_by(INNER) {
            let depth = INNER.min(inner - k);
            let beta = if k == 0 { beta } else { T::ONE };
            // SAFETY: of the blocks, the shapes name the entries; the memory has room for their panels, which
            // are rounded up to whole tiles.
            unsafe {
                pack::<T, WIDTH>(b.block((k, j), (depth, width)).transposed(), packed_b);
                for i in (0..rows).step_by(ROWS) {
                    let height = ROWS.min(rows - i);
                    pack::<T, M>(a.block((i, k), (height, depth)), packed_a);
                    let c = c.block((i, j), (height, width));
                    tiles::<T, M>(depth, alpha, packed_a, packed_b, beta, c);
                }
            }
        }
    }
}

/// Copies a matrix, `N` rows at a time, column by column; what is missing of the last rows is zeros.
///
/// # Safety
/// The entries that the shape names are borrowed, and there is room for them, the rows rounded up to a multiple of `N`.
#[inline(never)]
#[target_feature(enable = "avx2,fma")]
unsafe fn pack<T: Lane, const N: usize>(from: Strided<T>, mut to: *mut T) {
    let ((rows, columns), (down, right)) = (from.shape, from.steps);
    for i in (0..rows).step_by(N) {
        let from = from.place((i, 0)).cast_const();
        let count = N.min(rows - i);
        for j in 0..columns {
            let from = from.wrapping_add(j * right);
            // SAFETY: the shape names these entries, and there is room for `N` in each column.
            unsafe {
                if count == N && down == 1 {
                    copy::<T, N>(from, to);
                } else if count == N {
                    for i in 0..N {
                        *to.add(i) = *from.add(i * down);
                    }
                } else {
                    *to.cast::<[T; N]>() = [T::ZERO; N];
                    if down == 1 {
                        copy_some(from, to, count);
                    } else {
                        for i in 0..count {
                            *to.add(i) = *from.add(i * down);
                        }
                    }
                }
            }
            to = to.wrapping_add(N);
        }
    }
}

/// Copies `N` numbers.
///
/// # Safety
/// There are so many, and there is room for them.
#[inline(always)]
unsafe fn copy<T: Lane, const N: usize>(from: *const T, to: *mut T) {
    // SAFETY: as the caller says.
    unsafe { *to.cast::<[T; N]>() = *from.cast() };
}

/// Copies less than 16 numbers by powers of two.
///
/// # Safety
/// As for `copy`.
#[inline(always)]
unsafe fn copy_some<T: Lane>(from: *const T, to: *mut T, count: usize) {
    // SAFETY: as the caller says.
    unsafe {
        if count & 8 != 0 {
            copy::<T, 8>(from, to);
        }
        let done = count & 8;
        if count & 4 != 0 {
            copy::<T, 4>(from.add(done), to.add(done));
        }
        let done = count & 12;
        if count & 2 != 0 {
            copy::<T, 2>(from.add(done), to.add(done));
        }
        if count & 1 != 0 {
            *to.add(count - 1) = *from.add(count - 1);
        }
    }
}

/// The block of C of packed factors.
///
/// # Safety
/// The panels have `depth` columns and rows of whole tiles, and the entries of C are borrowed.
#[target_feature(enable = "avx2,fma")]
unsafe fn tiles<T: Lane, const M: usize>(
    depth: usize,
    alpha: T,
    a: *const T,
    b: *const T,
    beta: T,
    c: Strided<T>,
) {
    let (rows, columns) = c.shape;
    for j in (0..columns).step_by(WIDTH) {
        let b = b.wrapping_add(j * depth);
        for i in (0..rows).step_by(M) {
            let a = a.wrapping_add(i * depth);
            let c = c.block((i, j), (M.min(rows - i), WIDTH.min(columns - j)));
            macro_rules! tile {
                ($columns:expr) => {
                    if c.shape.0 > T::COUNT {
                        tile::<T, M, $columns, 2>(depth, alpha, a, b, beta, c)
                    } else {
                        tile::<T, M, $columns, 1>(depth, alpha, a, b, beta, c)
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
                    _ => tile!(WIDTH),
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
unsafe fn scaled<T: Lane>(beta: T, c: *const T) -> T {
    // SAFETY: as the caller says.
    if beta == T::ZERO { T::ZERO } else { beta * unsafe { *c } }
}

/// A tile of C, which has `N` columns and at most the rows of `R` registers, of panels whose rows are `M` and `WIDTH`.
///
/// # Safety
/// The panels have `depth` columns, and the entries of C are borrowed.
#[inline(never)]
#[target_feature(enable = "avx2,fma")]
unsafe fn tile<T: Lane, const M: usize, const N: usize, const R: usize>(
    depth: usize,
    alpha: T,
    mut a: *const T,
    mut b: *const T,
    beta: T,
    c: Strided<T>,
) {
    // SAFETY: as the caller says.
    unsafe {
        let mut sums = [[T::all(T::ZERO); R]; N];
        for _ in 0..depth {
            let column: [_; R] = std::array::from_fn(|r| T::load(a.add(r * T::COUNT)));
            for j in 0..N {
                let entry = T::all(*b.add(j));
                for r in 0..R {
                    sums[j][r] = T::times_plus(column[r], entry, sums[j][r]);
                }
            }
            a = a.add(M);
            b = b.add(WIDTH);
        }
        let (rows, steps) = (c.shape.0, c.steps);
        if rows == R * T::COUNT && steps.0 == 1 {
            finish(alpha, sums, beta, c.first, steps.1);
            return;
        }
        let mut apart = [[T::ZERO; M]; N];
        for j in 0..N {
            for r in 0..R {
                T::store(apart[j].as_mut_ptr().add(r * T::COUNT), sums[j][r]);
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
/// The entries of C are borrowed.
#[target_feature(enable = "avx2,fma")]
unsafe fn finish<T: Lane, const N: usize, const R: usize>(
    alpha: T,
    sums: [[T::Register; R]; N],
    beta: T,
    c: *mut T,
    right: usize,
) {
    // SAFETY: as the caller says.
    unsafe {
        let (alpha, factor) = (T::all(alpha), T::all(beta));
        for j in 0..N {
            for r in 0..R {
                let c = c.add(j * right + r * T::COUNT);
                let old =
                    if beta == T::ZERO { T::all(T::ZERO) } else { T::times(factor, T::load(c)) };
                T::store(c, T::times_plus(alpha, sums[j][r], old));
            }
        }
    }
}
