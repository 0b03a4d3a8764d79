//! What stands beside a matrix entry by entry.

use difrules_core::contract::{AsWhole, InOnePiece, Lent, Number, Operand, Plain};
use difrules_core::{Real, Scalar};
use nalgebra::allocator::Allocator;
use nalgebra::{DefaultAllocator, Dim, OMatrix, U1, Vector1};
use simba::scalar::SupersetOf;

use crate::matrix::Matrix;
use crate::matrix::operators::Term;

/// What can stand after the first matrix in [`elementwise!`](crate::elementwise!): a matrix of its shape, in
/// one piece or nalgebra's of plain numbers; a number; or what [`EachColumn`](crate::EachColumn) or
/// [`EachRow`](crate::EachRow) says is in each column or row.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not stand beside a matrix entry by entry",
    note = "what does: `&Matrix`, nalgebra's matrices of `f64` and `f32`, a number, `EachColumn(&v)` and `EachRow(&r)`"
)]
pub trait EntryArgument<T: Scalar, R: Dim, C: Dim, Is>
where
    DefaultAllocator: Allocator<R, C>,
{
    /// What its rows and columns have to be beside a first matrix of this shape.
    #[doc(hidden)]
    fn expected(first: (usize, usize)) -> (usize, usize);
    /// Its rows and columns.
    #[doc(hidden)]
    fn size(&self) -> (usize, usize);
    /// Lends it to `f`.
    #[doc(hidden)]
    fn lend_entries<Out>(&self, f: impl FnOnce(Lent<'_, OMatrix<T, R, C>>) -> Out) -> Out;
}

macro_rules! whole_arguments {
    ($($Is:ident),*) => {$(
        impl<T: Scalar, R: Dim, C: Dim, B: Term<T, R, C, $Is>> EntryArgument<T, R, C, $Is> for B
        where
            DefaultAllocator: Allocator<R, C>,
        {
            fn expected(first: (usize, usize)) -> (usize, usize) {
                first
            }

            fn size(&self) -> (usize, usize) {
                Term::size(self)
            }

            #[inline]
            fn lend_entries<Out>(
                &self,
                f: impl FnOnce(Lent<'_, OMatrix<T, R, C>>) -> Out,
            ) -> Out {
                self.lend_term(f)
            }
        }
    )*};
}
whole_arguments!(InOnePiece, Plain);

/// A number for all entries.
impl<T: Scalar + SupersetOf<B>, B: Scalar> EntryArgument<T, U1, U1, Number> for B {
    fn expected(_: (usize, usize)) -> (usize, usize) {
        (1, 1)
    }

    fn size(&self) -> (usize, usize) {
        (1, 1)
    }

    #[inline]
    fn lend_entries<Out>(&self, f: impl FnOnce(Lent<'_, Vector1<T>>) -> Out) -> Out {
        Matrix::from(Vector1::new(nalgebra::convert::<B, T>(*self))).lend_to(f)
    }
}

/// An argument of one of the primitives here.
pub(super) struct Lends<B>(pub(super) B);

impl<T: Scalar, R: Dim, C: Dim, B: Operand + EntryArgument<T, R, C, B::Is>>
    AsWhole<OMatrix<T, R, C>> for Lends<B>
where
    DefaultAllocator: Allocator<R, C>,
{
    #[inline]
    fn lend_to<Out>(&self, f: impl FnOnce(Lent<'_, OMatrix<T, R, C>>) -> Out) -> Out {
        self.0.lend_entries(f)
    }
}

/// Panics where shapes do not fit, as the operators do.
#[track_caller]
pub(super) fn check<T: Scalar, R: Dim, C: Dim, B: Operand + EntryArgument<T, R, C, B::Is>>(
    name: &str,
    argument: &B,
    first: (usize, usize),
) where
    DefaultAllocator: Allocator<R, C>,
{
    let (expected, found) = (B::expected(first), argument.size());
    assert!(
        found == expected,
        "entry by entry beside a matrix of {} x {}, `{name}` has to be {} x {}, but is {} x {}",
        first.0,
        first.1,
        expected.0,
        expected.1,
        found.0,
        found.1
    );
}

/// The rows and columns of what is lent.
pub(crate) fn shape_of<T: Scalar, R: Dim, C: Dim>(
    matrix: &impl AsWhole<OMatrix<T, R, C>>,
) -> (usize, usize)
where
    DefaultAllocator: Allocator<R, C>,
{
    matrix.lend_to(|lent| T::Real::value_of::<OMatrix<T::Kind, R, C>>(lent).shape())
}
