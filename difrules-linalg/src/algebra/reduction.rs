//! The shared mathematics of reductions to few diagonals by unitary factors of which one column is
//! fixed: the rest follows from it (the implicit Q theorem: Golub and Van Loan 2013, Matrix
//! Computations, theorem 7.4.2), and so do its derivatives, column by column, as long as the numbers
//! beside the diagonal are not zero.

use difrules_core::contract::Kind;
use difrules_core::{Real, Scalar};
use nalgebra::allocator::Allocator;
use nalgebra::{DMatrix, DMatrixView, DefaultAllocator, Dim, OMatrix};

use crate::algebra::modulus::largest_modulus;
use crate::algebra::scaling::is_single;
use crate::tolerance::{Gap, Quotients, gap_of, moduli};

/// A over a power of two, and that: one, unless squares of the entries may overflow or underflow.
pub(crate) fn rescaled<T: Scalar, R: Dim, C: Dim>(
    a: &OMatrix<T, R, C>,
) -> (OMatrix<T, R, C>, T::Real)
where
    DefaultAllocator: Allocator<R, C>,
{
    let size = largest_modulus(a.iter());
    let scale = if size == 0.0 || (1e-12..1e12).contains(&size) {
        1.0
    } else {
        // The modulus of a complex number may overflow where its parts do not.
        let most = if is_single::<T::Real>() { 127.0 } else { 1023.0 };
        size.log2().floor().min(most).exp2()
    };
    let scale: T::Real = nalgebra::convert(scale);
    (a.map(|x| x.unscale(scale)), scale)
}

/// What is reported where a cotangent asks for what jumps.
pub(crate) const CHOICE: &str = "an entry of the reduced matrix is zero, what comes after it is a choice, and the \
                                 cotangents do not tell how the result changes where it is not zero";

/// Divides by numbers beside the diagonal, of which some may be zero.
///
/// A relative change epsilon of the entries of A moves a number of the reduced matrix B of A = U B V^H by up to
/// epsilon times an entry of |U|^T |A| |V|, which are those of |U|^T |U| |B| |V|^T |V| at most: rows and columns of any
/// scale have their own rounding.
pub(super) struct Divider<Sizes: Fn() -> DMatrix<f64>> {
    largest: f64,
    count: usize,
    /// The matrix of these sizes, made where a divisor is small.
    make: Sizes,
    sizes: Option<DMatrix<f64>>,
    quotients: Quotients,
}

impl<Sizes: Fn() -> DMatrix<f64>> Divider<Sizes> {
    /// For a reduced matrix whose largest entry is given, and dividends that are sums of numbers of the size `all`.
    pub(super) fn new<S: Real>(
        primitive: &'static str,
        largest: f64,
        count: usize,
        all: f64,
        make: Sizes,
    ) -> Self {
        let quotients = Quotients::new::<S>(primitive, all);
        Self { largest, count, make, sizes: None, quotients }
    }

    /// Whether the divisor at an entry of the reduced matrix is zero but for rounding.
    pub(super) fn is_nothing<S: Real>(&mut self, divisor: S, at: (usize, usize)) -> bool {
        let (divisor, count) = (divisor.to_f64().abs(), self.count);
        let nothing = |size: f64| gap_of::<S>(divisor, size, count) == Gap::Nothing;
        nothing(self.largest * (count * count) as f64)
            && nothing(self.sizes.get_or_insert_with(&self.make)[at])
    }

    /// How far a number that is nothing, and becomes one of either sign, turns its vector when it moves: undefined. None where
    /// it is something.
    pub(super) fn turn<T: Scalar>(
        &mut self,
        moved: T,
        number: T::Real,
        at: (usize, usize),
    ) -> Option<T> {
        self.is_nothing(number, at).then(|| self.divide(moved, number, at))
    }

    /// Whether something was divided by nothing that is not zero.
    pub(super) fn is_lost(&self) -> bool {
        self.quotients.is_lost()
    }

    pub(super) fn divide<T: Scalar>(&mut self, x: T, divisor: T::Real, at: (usize, usize)) -> T {
        // What is not zero decides alone: the numbers follow from each other by division, also twice.
        let gap = if self.is_nothing(divisor, at) { Gap::Nothing } else { Gap::Apart };
        self.quotients.over(x, divisor, gap)
    }

    /// Divides in a reverse rule. A function of the product of the factors does not depend on a choice of these, so
    /// that the dividend is zero, but how it changes where the number is zero is not told by that: only if the
    /// cotangents of the factors, in their own basis, do not ask for it are they zero too.
    pub(super) fn divide_among<T: Scalar>(
        &mut self,
        x: T,
        divisor: T::Real,
        at: (usize, usize),
        cotangents: &[T],
    ) -> T {
        let mut entry = self.divide(x, divisor, at);
        if self.is_nothing(divisor, at) {
            cotangents.iter().for_each(|&bar| entry += self.quotients.over_nothing(bar));
        }
        entry
    }

    pub(super) fn report(self) {
        self.quotients.report(|| {
            "an entry of the reduced matrix is zero: what comes after it is not determined by what comes \
             before, and has no derivative along this direction"
        });
    }
}

/// The sizes of what the entries of B are made of, for A = U B V^H and the moduli of these.
pub(crate) fn sizes(u: &DMatrix<f64>, b: &DMatrix<f64>, v_t: &DMatrix<f64>) -> DMatrix<f64> {
    u.tr_mul(u) * b * (v_t * v_t.transpose())
}

/// The same for A = Q H Q^H.
pub(super) fn sizes_of_similar<T: Scalar>(
    q: DMatrixView<'_, T>,
    h: DMatrixView<'_, T>,
) -> DMatrix<f64> {
    let q = moduli(q);
    sizes(&q, &moduli(h), &q.transpose())
}

/// i Im x; of a real number a zero that does not vary.
pub(super) fn imaginary<T: Scalar>(x: T) -> T {
    if <T::Kind as Kind>::REAL { T::zero() } else { x - T::from_real(x.real()) }
}

/// The rows of column j that are not zero by shape, of a matrix with one diagonal below and `band` above
/// the diagonal.
pub(super) fn rows(j: usize, band: usize, count: usize) -> std::ops::Range<usize> {
    j.saturating_sub(band)..(j + 2).min(count)
}
