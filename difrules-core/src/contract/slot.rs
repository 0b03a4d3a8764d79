//! Where a reverse rule leaves its result.

use crate::contract::value::{Differentiable, Shape};

/// The place of one argument's adjoint: a reverse rule *adds* into it.
///
/// A rule has one slot for every differentiable argument. It asks [`is_wanted`](Slot::is_wanted)
/// before it does work that only this argument needs, and adds to the buffer it is lent, which is
/// the caller's own: nothing is returned, nothing is copied.
///
/// ```
/// use difrules_core::Slot;
/// use nalgebra::{DMatrix, MatrixViewMut};
///
/// /// Y = A B, so dL = Re tr(Y_bar^T (dA B + A dB)): A_bar += Y_bar B^T, B_bar += A^T Y_bar.
/// fn product_reverse(
///     a: &DMatrix<f64>,
///     b: &DMatrix<f64>,
///     y_bar: MatrixViewMut<'_, f64, nalgebra::Dyn, nalgebra::Dyn>,
///     a_bar: Slot<'_, DMatrix<f64>>,
///     b_bar: Slot<'_, DMatrix<f64>>,
/// ) {
///     if let Some(mut a_bar) = a_bar.buffer() {
///         a_bar.gemm(1.0, &y_bar, &b.transpose(), 1.0);
///     }
///     if let Some(mut b_bar) = b_bar.buffer() {
///         b_bar.gemm_tr(1.0, a, &y_bar, 1.0);
///     }
/// }
/// ```
pub struct Slot<'a, X: Differentiable> {
    buffer: Option<X::Adjoint<'a>>,
}

impl<'a, X: Differentiable> Slot<'a, X> {
    /// The slot that lends `reals`, the adjoint of a value of this shape, or the slot of an
    /// argument whose adjoint nobody wants.
    ///
    /// # Panics
    /// If there are not as many reals as a value of this shape has.
    ///
    /// ```
    /// use difrules_core::Slot;
    ///
    /// let mut adjoint = [1.0];
    /// Slot::<f64>::new(&(), Some(&mut adjoint)).add(|| 2.0);
    /// assert_eq!(adjoint, [3.0]);
    /// Slot::<f64>::new(&(), None).add(|| unreachable!("nobody wants it"));
    /// ```
    pub fn new(shape: &Shape<X>, reals: Option<&'a mut [X::Real]>) -> Self {
        Self {
            buffer: reals.map(|reals| {
                assert_eq!(
                    reals.len(),
                    X::count(shape),
                    "the buffer of an adjoint slot has the wrong size"
                );
                X::as_adjoint(shape, reals)
            }),
        }
    }

    /// Whether anyone will read this argument's adjoint.
    pub fn is_wanted(&self) -> bool {
        self.buffer.is_some()
    }

    /// The adjoint buffer to add into, if it is wanted.
    pub fn buffer(self) -> Option<X::Adjoint<'a>> {
        self.buffer
    }

    /// Adds the value that `contribution` computes, if it is wanted.
    pub fn add(self, contribution: impl FnOnce() -> X) {
        if let Some(buffer) = self.buffer {
            contribution().add_to(buffer);
        }
    }
}
