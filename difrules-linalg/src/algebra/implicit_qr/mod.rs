//! Implicit QR iterations: the singular values of a bidiagonal matrix, the eigenvalues of a symmetric
//! tridiagonal one and the Schur form of a Hessenberg one, with what they do applied to the columns of their
//! factors.
//!
//! nalgebra's own iteration for singular values ends in a step for 2 x 2 matrices that loses half of the digits,
//! and takes closed forms for small matrices that square their entries.

mod bidiagonal;
mod hessenberg;
mod tridiagonal;

use difrules_core::kernel::vectorised;
use difrules_core::{Real, Scalar};
use nalgebra::{ComplexField, DMatrixViewMut};

use crate::algebra::householder::is_moderate;
use crate::algebra::scaling::is_single;

pub(crate) use bidiagonal::diagonalise_bidiagonal;
pub(crate) use hessenberg::triangularise_hessenberg;
pub(crate) use tridiagonal::diagonalise_tridiagonal;

/// How many steps each number may take.
const STEPS: usize = 60;

/// A rotation [c s; -s c].
#[derive(Clone, Copy)]
struct Rotation<S> {
    c: S,
    s: S,
}

impl<S: Real> Rotation<S> {
    /// The one that takes (f, g) to (r, 0), and r.
    fn new(f: S, g: S) -> (Self, S) {
        let (zero, one) = (nalgebra::zero(), nalgebra::one());
        if g == zero {
            return (Self { c: one, s: zero }, f);
        }
        let square = f * f + g * g;
        let r = if is_moderate(square) {
            ComplexField::sqrt(square)
        } else {
            ComplexField::hypot(f, g)
        };
        (Self { c: f / r, s: g / r }, r)
    }

    fn inverse(self) -> Self {
        Self { c: self.c, s: -self.s }
    }

    /// Rotates two neighbouring columns, of which the first is given.
    fn columns<T: Scalar<Real = S>>(self, m: &mut DMatrixViewMut<'_, T>, first: usize) {
        let (mut x, mut y) = m.columns_range_pair_mut(first, first + 1);
        let (x, y) = (x.as_mut_slice(), y.as_mut_slice());
        vectorised(|| {
            for (x, y) in x.iter_mut().zip(y) {
                let (old_x, old_y) = (*x, *y);
                *x = old_x.scale(self.c) + old_y.scale(self.s);
                *y = old_y.scale(self.c) - old_x.scale(self.s);
            }
        });
    }
}

fn modulus<S: Real>(x: S) -> S {
    ComplexField::abs(x)
}

/// |x| with the sign of y.
fn with_sign<S: Real>(x: S, y: S) -> S {
    if y < nalgebra::zero() { -modulus(x) } else { modulus(x) }
}

/// The smallest normal number.
pub(crate) fn smallest<S: Real>() -> S {
    let single = is_single::<S>();
    nalgebra::convert(if single { f64::from(f32::MIN_POSITIVE) } else { f64::MIN_POSITIVE })
}
