//! Where a reverse rule leaves its result.

use crate::contract::value::{Differentiable, Shape};
use crate::tape::Room;

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
    lent: Option<Buffer<'a, X>>,
}

/// An adjoint buffer, or what it takes to make one.
enum Buffer<'a, X: Differentiable> {
    Made(X::Adjoint<'a>),
    Of(&'a Shape<X>, Room<'a, X::Real>),
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
        let made = reals.map(|reals| {
            demand_count::<X>(shape, reals.len());
            Buffer::Made(X::as_adjoint(shape, reals))
        });
        Self { lent: made }
    }

    /// The slot that lends this memory.
    #[doc(hidden)]
    #[inline]
    pub fn of(shape: &'a Shape<X>, room: Option<Room<'a, X::Real>>) -> Self {
        let lent = room.map(|room| {
            demand_count::<X>(shape, room.count());
            Buffer::Of(shape, room)
        });
        Self { lent }
    }

    /// Whether anyone will read this argument's adjoint.
    #[inline]
    pub fn is_wanted(&self) -> bool {
        self.lent.is_some()
    }

    /// The adjoint buffer to add into, if it is wanted.
    #[inline]
    pub fn buffer(self) -> Option<X::Adjoint<'a>> {
        self.lent.map(|lent| match lent {
            Buffer::Made(adjoint) => adjoint,
            Buffer::Of(shape, room) => X::as_adjoint(shape, room.sums()),
        })
    }

    /// The adjoint buffer, if it is wanted, and whether nothing was added to it yet. Then what is in it does not
    /// matter, and the rule writes all of it: the sum of zero and what it adds, so that no zero is negative.
    ///
    /// For rules that take little more time than their memory does; [`buffer`](Slot::buffer) clears it instead.
    ///
    /// ```
    /// use difrules_core::Slot;
    ///
    /// let mut adjoint = [1.0];
    /// let (sum, untouched) = Slot::<f64>::new(&(), Some(&mut adjoint)).uncleared().unwrap();
    /// *sum = 2.0 + if untouched { 0.0 } else { *sum };
    /// assert_eq!(adjoint, [3.0]);
    /// ```
    #[inline]
    pub fn uncleared(self) -> Option<(X::Adjoint<'a>, bool)> {
        self.lent.map(|lent| match lent {
            Buffer::Made(adjoint) => (adjoint, false),
            Buffer::Of(shape, room) => {
                let (reals, untouched) = room.take();
                (X::as_adjoint(shape, reals), untouched)
            }
        })
    }

    /// Whether the memory of the adjoint may be exchanged for that of the cotangent: nothing was added to it yet,
    /// and the result has as many numbers as the argument.
    ///
    /// ```
    /// use difrules_core::Slot;
    ///
    /// assert!(!Slot::<f64>::new(&(), Some(&mut [1.0])).is_exchangeable());
    /// ```
    #[inline]
    pub fn is_exchangeable(&self) -> bool {
        matches!(&self.lent, Some(Buffer::Of(_, room)) if room.is_exchangeable())
    }

    /// Makes what is in the memory of the cotangent after the rule the adjoint of this argument. Where a rule does so
    /// for several, all but the first have a copy.
    /// As in [`uncleared`](Slot::uncleared), no zero of it is negative; a cotangent that is as the rule got it has none.
    ///
    /// # Panics
    /// If it is not [exchangeable](Slot::is_exchangeable).
    ///
    /// ```
    /// use difrules_core::{Cotangent, Slot};
    /// use nalgebra::DMatrix;
    ///
    /// /// y = -x.
    /// fn neg_reverse(mut y_bar: Cotangent<'_, DMatrix<f64>>, x_bar: Slot<'_, DMatrix<f64>>) {
    ///     if x_bar.is_exchangeable() {
    ///         y_bar.apply(|y_bar| *y_bar = 0.0 - *y_bar);
    ///         x_bar.exchange();
    ///     } else if let Some(mut x_bar) = x_bar.buffer() {
    ///         x_bar -= y_bar;
    ///     }
    /// }
    /// ```
    #[inline]
    pub fn exchange(self) {
        assert!(self.is_exchangeable(), "the memory of this adjoint stays where it is");
        if let Some(Buffer::Of(_, room)) = self.lent {
            room.exchange();
        }
    }

    /// Adds the value that `contribution` computes, if it is wanted.
    pub fn add(self, contribution: impl FnOnce() -> X) {
        if let Some(buffer) = self.buffer() {
            contribution().add_to(buffer);
        }
    }
}

/// Demands that a buffer has as many reals as a value of this shape.
#[inline]
fn demand_count<X: Differentiable>(shape: &Shape<X>, reals: usize) {
    assert_eq!(reals, X::count(shape), "the buffer of an adjoint slot has the wrong size");
}
