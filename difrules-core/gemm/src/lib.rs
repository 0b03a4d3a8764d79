//! Products of matrices of plain numbers, in memory that stays with the thread.
//!
//! The crate [matrixmultiply](https://docs.rs/matrixmultiply) packs the factors into memory that it allocates at
//! every call. Here that memory is kept, so that a derivative rule which multiplies allocates nothing. A tile is 8 x 6
//! numbers with AVX2, whose sums are 12 of its 16 registers, and 16 x 8 with AVX-512 (of single precision twice as many
//! rows). A factor that one tile alone reads is not packed. matrixmultiply multiplies on processors without AVX2 and
//! FMA.
//!
//! Each entry is a sum of fused products in the order of the terms, in blocks of 256: the digits are those of
//! matrixmultiply with its kernels for FMA where alpha is one, whichever of the two runs. The sign of a zero alone may be
//! another: where products too small for a number meet a negative zero in C, that of matrixmultiply depends on where in
//! a tile the entry is.
//!
//! A crate of its own, so that a workspace can ask for its optimisation in builds for debugging, where it takes a
//! hundred times as long without:
//!
//! ```toml
//! [profile.dev.package.difrules-gemm]
//! opt-level = 3
//! ```
//!
//! Unsafe: the matrices may lie inside of memory of another type, and there are no vector instructions without. A
//! product in safe code, measured, takes six times as long.
#![allow(unsafe_code)]

#[cfg(target_arch = "x86_64")]
mod packed;
#[cfg(target_arch = "x86_64")]
mod registers;

use std::cell::Cell;

/// A matrix in memory: where its first entry is, its shape, and how many numbers further on the next row and the next
/// column are.
#[derive(Debug)]
pub struct Strided<T> {
    /// The first entry.
    pub first: *mut T,
    /// Rows and columns.
    pub shape: (usize, usize),
    /// The distance of rows and of columns.
    pub steps: (usize, usize),
}

impl<T> Clone for Strided<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Strided<T> {}

impl<T> Strided<T> {
    /// The same entries, for who knows them by another name of their type.
    pub fn cast<U>(self) -> Strided<U> {
        Strided { first: self.first.cast(), shape: self.shape, steps: self.steps }
    }

    fn transposed(self) -> Self {
        let Self { first, shape, steps } = self;
        Self { first, shape: (shape.1, shape.0), steps: (steps.1, steps.0) }
    }

    /// Where an entry is.
    #[inline(always)]
    fn place(self, (i, j): (usize, usize)) -> *mut T {
        self.first.wrapping_add(i * self.steps.0 + j * self.steps.1)
    }

    /// The block that starts at an entry.
    #[inline(always)]
    fn block(self, start: (usize, usize), shape: (usize, usize)) -> Self {
        Self { first: self.place(start), shape, steps: self.steps }
    }
}

/// C <- alpha A B + beta C. Where beta is zero, C is not read: nothing need be there.
///
/// Steps of A and B may be zero, which repeats a row or a column, and A and B may be one matrix.
///
/// # Safety
/// All entries that the shapes name are aligned numbers in memory that is borrowed for this call: those of C mutably,
/// and each of them has a place of its own. The shapes fit: C has the rows of A and the columns of B, and A has as many
/// columns as B has rows.
///
/// ```
/// use difrules_gemm::{Strided, gemm};
///
/// // By columns: A is 2 x 1, B is 1 x 2.
/// let (mut a, mut b, mut c) = ([1.0, 2.0], [3.0, 4.0], [10.0, 0.0, 0.0, 10.0]);
/// let [a, b] = [(&mut a, (2, 1)), (&mut b, (1, 2))]
///     .map(|(m, shape)| Strided { first: m.as_mut_ptr(), shape, steps: (1, shape.0) });
/// let whole = Strided { first: c.as_mut_ptr(), shape: (2, 2), steps: (1, 2) };
/// // SAFETY: the matrices are those arrays.
/// unsafe { gemm(1.0, a, b, 1.0, whole) };
/// assert_eq!(c, [13.0, 6.0, 4.0, 18.0]);
/// ```
pub unsafe fn gemm<T: Number>(alpha: T, a: Strided<T>, b: Strided<T>, beta: T, c: Strided<T>) {
    // Of what names nothing, one of the sizes may be any.
    if c.shape.0 == 0 || c.shape.1 == 0 {
        return;
    }
    // SAFETY: as the caller says.
    unsafe { T::gemm(true, alpha, a, b, beta, c) };
}

/// [`gemm`] without the registers of AVX-512: a test compares the two.
///
/// # Safety
/// As for [`gemm`].
#[doc(hidden)]
pub unsafe fn gemm_on_narrow_registers<T: Number>(
    alpha: T,
    a: Strided<T>,
    b: Strided<T>,
    beta: T,
    c: Strided<T>,
) {
    // SAFETY: as the caller says.
    unsafe { T::gemm(false, alpha, a, b, beta, c) };
}

/// The numbers that there are products of: `f64` and `f32`.
pub trait Number: sealed::Gemm {}

mod sealed {
    use super::Strided;

    pub trait Gemm: Copy {
        /// # Safety
        /// As for [`gemm`](super::gemm).
        unsafe fn gemm(
            wide: bool,
            alpha: Self,
            a: Strided<Self>,
            b: Strided<Self>,
            beta: Self,
            c: Strided<Self>,
        );
    }
}

macro_rules! number {
    ($number:ty, $library:ident) => {
        impl Number for $number {}

        impl sealed::Gemm for $number {
            unsafe fn gemm(
                wide: bool,
                alpha: Self,
                a: Strided<Self>,
                b: Strided<Self>,
                beta: Self,
                c: Strided<Self>,
            ) {
                #[cfg(target_arch = "x86_64")]
                if registers::are_known() {
                    let wide = wide && registers::are_wide();
                    // SAFETY: as the caller says; the kernel is for this processor.
                    return unsafe { packed::gemm(wide, alpha, a, b, beta, c) };
                }
                let _ = wide;
                let steps = |m: Strided<Self>| (m.steps.0 as isize, m.steps.1 as isize);
                let ((rsa, csa), (rsb, csb), (rsc, csc)) = (steps(a), steps(b), steps(c));
                let ((rows, columns), inner) = (c.shape, a.shape.1);
                // SAFETY: as the caller says; of each matrix exactly the entries of its shape are addressed.
                unsafe {
                    matrixmultiply::$library(
                        rows, inner, columns, alpha, a.first, rsa, csa, b.first, rsb, csb, beta,
                        c.first, rsc, csc,
                    );
                }
            }
        }
    };
}
number!(f64, dgemm);
number!(f32, sgemm);

/// A line of the cache, so that no register of a panel lies across two.
#[derive(Clone, Copy)]
#[repr(align(64))]
struct Line(#[allow(dead_code)] [u8; 64]);

thread_local! {
    /// The memory of packed factors.
    static PANELS: Cell<Vec<Line>> = const { Cell::new(Vec::new()) };
}

/// Whether this processor's products are packed into memory that stays with the thread. Others are those of matrixmultiply,
/// which allocates memory for each.
///
/// ```
/// println!("a product allocates: {}", !difrules_gemm::keeps_memory());
/// ```
pub fn keeps_memory() -> bool {
    #[cfg(target_arch = "x86_64")]
    {
        registers::are_known()
    }
    #[cfg(not(target_arch = "x86_64"))]
    false
}

/// Gives back the memory that this thread keeps for packed factors, at most 1.2 MB.
///
/// ```
/// difrules_gemm::release();
/// ```
pub fn release() {
    // A thread that ends has given it back.
    let _ = PANELS.try_with(Cell::take);
}
