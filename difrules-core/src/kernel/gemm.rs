//! Products of matrices of plain numbers, by the kernel of the crate `difrules-gemm`.
//!
//! Unsafe, since that takes matrices by their places in memory, and the parts of complex numbers lie in the memory of
//! these.
#![allow(unsafe_code)]

use difrules_gemm::{Number, Strided, gemm};
use nalgebra::{Complex, DMatrixView, DMatrixViewMut, Dyn, RawStorage, RawStorageMut, U1};

use crate::cast::{same_value, same_view, same_view_mut};
use crate::contract::scalar::{Real, Scalar};

/// A factor of a product: a matrix, its transpose, its conjugate, or both, which is its adjoint.
#[derive(Clone, Copy, Debug)]
pub struct Factor<'a, T: Scalar> {
    /// The matrix.
    pub matrix: DMatrixView<'a, T>,
    /// Whether its rows are used as columns.
    pub transpose: bool,
    /// Whether the conjugates of its numbers are used; a real number is its own.
    pub conjugate: bool,
}

impl<'a, T: Scalar> Factor<'a, T> {
    /// The matrix as it is.
    pub fn plain(matrix: DMatrixView<'a, T>) -> Self {
        Self { matrix, transpose: false, conjugate: false }
    }

    /// Rows and columns as they are used.
    fn shape(&self) -> (usize, usize) {
        let (rows, columns) = self.matrix.shape();
        if self.transpose { (columns, rows) } else { (rows, columns) }
    }

    /// The same, if the numbers are of this type.
    fn cast<U: Scalar>(self) -> Option<Factor<'a, U>> {
        let Self { matrix, transpose, conjugate } = self;
        same_view(matrix).map(|matrix| Factor { matrix, transpose, conjugate })
    }

    /// Where the kernel finds it.
    fn strided(&self) -> Strided<T> {
        let (down, right) = self.matrix.strides();
        let steps = if self.transpose { (right, down) } else { (down, right) };
        Strided { first: self.matrix.data.ptr().cast_mut(), shape: self.shape(), steps }
    }
}

/// C <- alpha op(A) op(B) + beta C for plain numbers, real or complex, with op as the factors say. Returns whether it did:
/// of other numbers nothing is changed.
///
/// It packs its operands whatever their strides, so neither a transpose nor a conjugate is formed; it is meant for large
/// ones. Where `beta` is zero, what is in C does not matter. A complex product is four real ones, of the real and the
/// imaginary parts. On x86-64 with AVX2 and FMA the memory of packed operands stays with the thread, at most 1.2 MB, until
/// [`release_memory`](crate::release_memory) or its end: a call allocates nothing. For users there is `gemm` of
/// `difrules-linalg`.
///
/// # Panics
/// If the shapes do not fit.
///
/// ```
/// use difrules_core::kernel::{Factor, native_gemm};
/// use nalgebra::dmatrix;
///
/// let a = dmatrix![1.0, 2.0; 3.0, 4.0];
/// let mut c = dmatrix![1.0, 0.0; 0.0, 1.0];
/// let plain = Factor::plain(a.as_view());
/// assert!(native_gemm(2.0, Factor { transpose: true, ..plain }, plain, -1.0, &mut c.as_view_mut()));
/// assert_eq!(c, dmatrix![19.0, 28.0; 28.0, 39.0]);
/// ```
pub fn native_gemm<T: Scalar>(
    alpha: T,
    a: Factor<'_, T>,
    b: Factor<'_, T>,
    beta: T,
    c: &mut DMatrixViewMut<'_, T>,
) -> bool {
    let ((rows, inner), (inner_of_b, columns)) = (a.shape(), b.shape());
    assert_eq!(
        (inner, (rows, columns)),
        (inner_of_b, c.shape()),
        "the shapes of a product have to fit"
    );
    // All that is given, if the numbers are of this type.
    macro_rules! given {
        ($number:ty, $multiply:path) => {
            if let (Some(a), Some(b)) = (a.cast::<$number>(), b.cast::<$number>()) {
                let factor = |x: T| same_value::<T, $number>(x).expect("one type");
                let view = same_view_mut::<T, $number, Dyn, Dyn, U1, Dyn>(c.as_view_mut());
                $multiply(factor(alpha), a, b, factor(beta), &mut view.expect("one type"));
                return true;
            }
        };
    }
    given!(f64, real);
    given!(Complex<f64>, complex);
    given!(f32, real);
    given!(Complex<f32>, complex);
    false
}

fn real<R: Real + Number>(
    alpha: R,
    a: Factor<'_, R>,
    b: Factor<'_, R>,
    beta: R,
    c: &mut DMatrixViewMut<'_, R>,
) {
    let (shape, steps) = (c.shape(), c.strides());
    let c = Strided { first: c.data.ptr_mut(), shape, steps };
    // SAFETY: of A, B and C exactly the entries that their shapes name are addressed, each by its own strides, swapped
    // where a transpose swaps the shape, and the shapes fit; all lie in storage that is borrowed for this call, C's for
    // this call alone.
    unsafe { gemm(alpha, a.strided(), b.strided(), beta, c) };
}

/// By the products of real and imaginary parts, each with its sign: of op(A) op(B) the real part is that of the real parts
/// less that of the imaginary ones, the imaginary part the sum of the mixed ones.
fn complex<R: Real + Number>(
    alpha: Complex<R>,
    a: Factor<'_, Complex<R>>,
    b: Factor<'_, Complex<R>>,
    mut beta: Complex<R>,
    c: &mut DMatrixViewMut<'_, Complex<R>>,
) {
    let (zero, one) = (R::zero(), R::one());
    if alpha == Complex::new(zero, zero) || beta.im != zero {
        if beta == Complex::new(zero, zero) {
            c.fill(beta);
        } else {
            *c *= beta;
        }
        beta = Complex::new(one, zero);
    }
    let sign = |conjugate: bool| if conjugate { -one } else { one };
    let (of_a, of_b) = (sign(a.conjugate), sign(b.conjugate));
    let (shape, steps) = (c.shape(), c.strides());
    let c = Strided { first: c.data.ptr_mut(), shape, steps };
    let parts = |m: Strided<Complex<R>>| {
        let steps = (2 * m.steps.0, 2 * m.steps.1);
        let real = Strided { first: m.first.cast::<R>(), shape: m.shape, steps };
        [real, Strided { first: real.first.wrapping_add(1), ..real }]
    };
    let [a, b, c] = [a.strided(), b.strided(), c].map(parts);
    // Of alpha times the product: its real part times the product's, and i times its imaginary part times that.
    for (part, c) in c.into_iter().enumerate() {
        let mut beta = beta.re;
        let real = [(one, 0, 0), (-(of_a * of_b), 1, 1)];
        let imaginary = [(of_b, 0, 1), (of_a, 1, 0)];
        let (straight, crossed) = match part {
            0 => (real, imaginary.map(|(sign, i, j)| (-sign, i, j))),
            _ => (imaginary, real),
        };
        for (factor, terms) in [(alpha.re, straight), (alpha.im, crossed)] {
            for (sign, i, j) in terms.into_iter().filter(|_| factor != zero) {
                // SAFETY: as above; a complex number is its real part and after it its imaginary part, so that these lie
                // at twice the steps, and those of C have places of their own.
                unsafe { gemm(factor * sign, a[i], b[j], beta, c) };
                beta = one;
            }
        }
    }
}
