//! The shared mathematics of moduli of entries: their phases, and lines of entries by their sums.

use difrules_core::contract::Kind;
use difrules_core::kernel::vectorised;
use difrules_core::{Real, Scalar};
use nalgebra::ComplexField;

/// x / |x|, and 0 for 0: the gradient of the modulus, and a subgradient where it has none. That of a real number is a constant:
/// the derivatives of the quotient are zero as differences of numbers over |x|, which are large where that is small.
pub(crate) fn phase<T: Scalar>(x: T) -> T {
    let size = x.modulus();
    if size == nalgebra::zero() {
        T::zero()
    } else if <T::Kind as Kind>::REAL {
        T::from_real(ComplexField::signum(x.real()))
    } else {
        x.unscale(size)
    }
}

/// x / d. The quotient of complex numbers squares d, which overflows or underflows long before it does; so d
/// is scaled.
pub(crate) fn quotient<T: Scalar>(x: T, d: T) -> T {
    if <T::Kind as Kind>::REAL {
        return x / d;
    }
    let (real, imaginary) = (ComplexField::abs(d.real()), ComplexField::abs(d.imaginary()));
    let size = if imaginary > real { imaginary } else { real };
    if size == nalgebra::zero() {
        return x / d;
    }
    x.unscale(size) / d.unscale(size)
}

/// The sum of the moduli.
pub(crate) fn sum_of_moduli<'a, T: Scalar>(entries: impl Iterator<Item = &'a T>) -> T::Real {
    entries.fold(nalgebra::zero(), |sum: T::Real, x| sum + x.modulus())
}

/// The largest modulus, as a plain number; a NaN is none.
pub(crate) fn largest_modulus<'a, T: Scalar>(entries: impl IntoIterator<Item = &'a T>) -> f64 {
    // Several in turn, as a comparison has to wait for the one before.
    let mut most = [0.0_f64; 8];
    let mut entries = entries.into_iter();
    'all: loop {
        for most in &mut most {
            let Some(x) = entries.next() else { break 'all };
            let size = x.modulus().to_f64();
            *most = if size > *most { size } else { *most };
        }
    }
    most.into_iter().fold(0.0, f64::max)
}

/// The largest of numbers by the sums of the moduli of their parts, with vector instructions.
pub(crate) fn largest_norm1<T: Scalar>(x: &[T]) -> T::Real {
    let (eights, rest) = x.as_chunks::<8>();
    let most = if eights.len() < 4 {
        largest_side_by_side(eights)
    } else {
        vectorised(|| largest_side_by_side(eights))
    };
    let most =
        most.into_iter().fold(nalgebra::zero(), |most: T::Real, x| if x > most { x } else { most });
    rest.iter().fold(most, larger_norm1)
}

#[inline(always)]
fn largest_side_by_side<T: Scalar>(eights: &[[T; 8]]) -> [T::Real; 8] {
    let mut most = [nalgebra::zero(); 8];
    for eight in eights {
        most.iter_mut().zip(eight).for_each(|(most, x)| *most = larger_norm1(*most, x));
    }
    most
}

#[inline(always)]
fn larger_norm1<T: Scalar>(most: T::Real, x: &T) -> T::Real {
    let size = x.norm1();
    if size > most { size } else { most }
}

/// The first of the largest of several sums, none of which is negative, and the sum: zero if there are
/// none.
pub(crate) fn largest<S: Real>(sums: impl Iterator<Item = S>) -> (Option<usize>, S) {
    let mut sums = sums.enumerate();
    let Some((mut found, mut most)) = sums.next() else { return (None, nalgebra::zero()) };
    for (i, sum) in sums {
        if sum > most {
            (found, most) = (i, sum);
        }
    }
    (Some(found), most)
}
