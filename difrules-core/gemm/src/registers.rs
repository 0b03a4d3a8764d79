//! The vector registers of x86-64, and what the kernel is made of for each.
//!
//! The kernel is written once, for any registers; here are the functions that a processor has to be compiled for.

use std::arch::is_x86_feature_detected;
#[allow(clippy::wildcard_imports)] // Instructions, each by its name.
use std::arch::x86_64::*;
use std::marker::PhantomData;
use std::ops::Mul;

use crate::packed::{self, Panels};
use crate::{Line, Strided};

/// The registers of AVX2, 4 numbers of 64 bits each, and fused products. There are 16.
pub(crate) struct Avx2<T>(PhantomData<T>);

/// The registers of AVX-512, 8 numbers of 64 bits each. There are 32.
pub(crate) struct Avx512<T>(PhantomData<T>);

/// Whether there is a kernel for this processor.
pub(crate) fn are_known() -> bool {
    is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma")
}

/// Whether the registers are those of AVX-512.
pub(crate) fn are_wide() -> bool {
    is_x86_feature_detected!("avx512f")
}

/// A number that registers hold.
pub(crate) trait Plain: Copy + PartialEq + Mul<Output = Self> {
    const ZERO: Self;
    const ONE: Self;

    /// x y + z, rounded once.
    fn fused(self, y: Self, z: Self) -> Self;
}

macro_rules! plain {
    ($($number:ty)*) => {$(
        impl Plain for $number {
            const ZERO: Self = 0.0;
            const ONE: Self = 1.0;

            #[inline(always)]
            fn fused(self, y: Self, z: Self) -> Self {
                self.mul_add(y, z)
            }
        }
    )*};
}
plain!(f64 f32);

/// Registers, and the parts of the kernel that are compiled for the processor that has them.
///
/// # Safety
/// That of each function is that of the one of its name in [`packed`], on a processor that has the registers.
pub(crate) trait Registers {
    type Number: Plain;
    type Register: Copy;
    /// The numbers in one.
    const COUNT: usize;

    unsafe fn load(from: *const Self::Number) -> Self::Register;
    unsafe fn store(to: *mut Self::Number, x: Self::Register);
    unsafe fn all(x: Self::Number) -> Self::Register;
    unsafe fn times(x: Self::Register, y: Self::Register) -> Self::Register;
    unsafe fn times_plus(x: Self::Register, y: Self::Register, z: Self::Register)
    -> Self::Register;

    /// Copies the square of so many rows and columns that starts there, rows as columns; the one's rows and the other's
    /// columns are so many numbers apart.
    unsafe fn turn(from: *const Self::Number, down: usize, to: *mut Self::Number, right: usize);

    unsafe fn pack<const N: usize>(from: Strided<Self::Number>, to: *mut Self::Number);
    unsafe fn tile<const M: usize, const N: usize, const R: usize>(
        depth: usize,
        alpha: Self::Number,
        a: Panels<Self::Number>,
        b: Panels<Self::Number>,
        beta: Self::Number,
        c: Strided<Self::Number>,
    );
    unsafe fn product(
        memory: &mut Vec<Line>,
        alpha: Self::Number,
        a: Strided<Self::Number>,
        b: Strided<Self::Number>,
        beta: Self::Number,
        c: Strided<Self::Number>,
    );
}

macro_rules! registers {
    (
        $registers:ty, $number:ty, $register:ty, $count:literal, $rows:literal x $columns:literal, $features:literal:
        $load:ident $store:ident $all:ident $times:ident $times_plus:ident $turn:ident
    ) => {
        impl Registers for $registers {
            type Number = $number;
            type Register = $register;
            const COUNT: usize = $count;

            #[inline(always)]
            unsafe fn load(from: *const $number) -> $register {
                // SAFETY: as the caller says.
                unsafe { $load(from) }
            }

            #[inline(always)]
            unsafe fn store(to: *mut $number, x: $register) {
                // SAFETY: as the caller says.
                unsafe { $store(to, x) }
            }

            #[inline(always)]
            unsafe fn all(x: $number) -> $register {
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

            #[inline(always)]
            unsafe fn turn(from: *const $number, down: usize, to: *mut $number, right: usize) {
                // SAFETY: as the caller says.
                unsafe { $turn(from, down, to, right) }
            }

            #[inline(never)]
            #[target_feature(enable = $features)]
            unsafe fn pack<const N: usize>(from: Strided<$number>, to: *mut $number) {
                // SAFETY: as the caller says.
                unsafe { packed::pack::<Self, N>(from, to) }
            }

            #[inline(never)]
            #[target_feature(enable = $features)]
            unsafe fn tile<const M: usize, const N: usize, const R: usize>(
                depth: usize,
                alpha: $number,
                a: Panels<$number>,
                b: Panels<$number>,
                beta: $number,
                c: Strided<$number>,
            ) {
                // SAFETY: as the caller says.
                unsafe { packed::tile::<Self, M, N, R>(depth, alpha, a, b, beta, c) }
            }

            #[target_feature(enable = $features)]
            unsafe fn product(
                memory: &mut Vec<Line>,
                alpha: $number,
                a: Strided<$number>,
                b: Strided<$number>,
                beta: $number,
                c: Strided<$number>,
            ) {
                // SAFETY: as the caller says.
                unsafe { packed::product::<Self, $rows, $columns>(memory, alpha, a, b, beta, c) }
            }
        }
    };
}
registers!(
    Avx2<f64>, f64, __m256d, 4, 8 x 6, "avx2,fma":
    _mm256_loadu_pd _mm256_storeu_pd _mm256_set1_pd _mm256_mul_pd _mm256_fmadd_pd turn_by_fours
);
registers!(
    Avx2<f32>, f32, __m256, 8, 16 x 6, "avx2,fma":
    _mm256_loadu_ps _mm256_storeu_ps _mm256_set1_ps _mm256_mul_ps _mm256_fmadd_ps turn_singles
);
registers!(
    Avx512<f64>, f64, __m512d, 8, 16 x 8, "avx2,fma,avx512f":
    _mm512_loadu_pd _mm512_storeu_pd _mm512_set1_pd _mm512_mul_pd _mm512_fmadd_pd turn_doubles
);
registers!(
    Avx512<f32>, f32, __m512, 16, 32 x 8, "avx2,fma,avx512f":
    _mm512_loadu_ps _mm512_storeu_ps _mm512_set1_ps _mm512_mul_ps _mm512_fmadd_ps turn_singles
);

/// Doubles: neighbours of pairs of rows first, then these pairs, in two steps.
#[target_feature(enable = "avx512f")]
unsafe fn turn_doubles(from: *const f64, down: usize, to: *mut f64, right: usize) {
    // SAFETY: as the caller says.
    unsafe {
        let row = |i: usize| _mm512_loadu_pd(from.add(i * down));
        let even = [0, 2, 4, 6].map(|i| _mm512_unpacklo_pd(row(i), row(i + 1)));
        let odd = [0, 2, 4, 6].map(|i| _mm512_unpackhi_pd(row(i), row(i + 1)));
        for (parity, pairs) in [even, odd].into_iter().enumerate() {
            // The first and third pair of both, and the second and fourth.
            let first = |x, y| _mm512_shuffle_f64x2::<0x88>(x, y);
            let second = |x, y| _mm512_shuffle_f64x2::<0xdd>(x, y);
            let store = |j: usize, x| _mm512_storeu_pd(to.add((j + parity) * right), x);
            let (up, low) = (first(pairs[0], pairs[1]), first(pairs[2], pairs[3]));
            store(0, first(up, low));
            store(4, second(up, low));
            let (up, low) = (second(pairs[0], pairs[1]), second(pairs[2], pairs[3]));
            store(2, first(up, low));
            store(6, second(up, low));
        }
    }
}

/// Doubles by registers of four: four squares of a quarter.
#[target_feature(enable = "avx2,fma")]
unsafe fn turn_by_fours(from: *const f64, down: usize, to: *mut f64, right: usize) {
    for (i, j) in [(0, 0), (4, 0), (0, 4), (4, 4)] {
        // SAFETY: as the caller says.
        unsafe {
            let (from, to) = (from.add(i * down + j), to.add(j * right + i));
            let row = |i: usize| _mm256_loadu_pd(from.add(i * down));
            let even = [0, 2].map(|i| _mm256_unpacklo_pd(row(i), row(i + 1)));
            let odd = [0, 2].map(|i| _mm256_unpackhi_pd(row(i), row(i + 1)));
            for (parity, [up, low]) in [even, odd].into_iter().enumerate() {
                let store = |j: usize, x| _mm256_storeu_pd(to.add((j + parity) * right), x);
                store(0, _mm256_permute2f128_pd::<0x20>(up, low));
                store(2, _mm256_permute2f128_pd::<0x31>(up, low));
            }
        }
    }
}

/// Singles: neighbours of pairs of rows first, then these pairs of four rows, then the halves.
#[target_feature(enable = "avx2,fma")]
unsafe fn turn_singles(from: *const f32, down: usize, to: *mut f32, right: usize) {
    // SAFETY: as the caller says.
    unsafe {
        let row = |i: usize| _mm256_loadu_ps(from.add(i * down));
        let low = [0, 2, 4, 6].map(|i| _mm256_unpacklo_ps(row(i), row(i + 1)));
        let high = [0, 2, 4, 6].map(|i| _mm256_unpackhi_ps(row(i), row(i + 1)));
        for (half, pairs) in [low, high].into_iter().enumerate() {
            let first = |x, y| _mm256_shuffle_ps::<0x44>(x, y);
            let second = |x, y| _mm256_shuffle_ps::<0xee>(x, y);
            let fours = [
                (first(pairs[0], pairs[1]), first(pairs[2], pairs[3])),
                (second(pairs[0], pairs[1]), second(pairs[2], pairs[3])),
            ];
            for (place, (up, down)) in fours.into_iter().enumerate() {
                let to = to.add((2 * half + place) * right);
                _mm256_storeu_ps(to, _mm256_permute2f128_ps::<0x20>(up, down));
                _mm256_storeu_ps(to.add(4 * right), _mm256_permute2f128_ps::<0x31>(up, down));
            }
        }
    }
}
