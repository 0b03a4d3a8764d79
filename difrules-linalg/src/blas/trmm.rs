use difrules_core::contract::Adjoint;
use difrules_core::testing::Sampler;
use difrules_core::{Scalar, Slot, primitive};
use nalgebra::allocator::Allocator;
use nalgebra::{
    DMatrix, DMatrixView, DMatrixViewMut, DefaultAllocator, Dim, Matrix, OMatrix, Storage,
    StorageMut,
};

use crate::blas::blocked::{
    Stored, Symmetry, add_operand, add_triangular, change_columns, conjugate, with_columns,
};
use crate::blas::options::{Diagonal, Operation, Side, Triangle};
use crate::blas::strong::{
    Moving, TriangularResting, add_stored, has_part, is_bounded, is_bounded_number,
};
use crate::block::{
    FIT, along_factor, block, block_mut, buffer, is_still, pairing_by, scale_by, scale_moving,
    still,
};
use crate::error::{Error, shape, square};

/// B <- alpha op(A) B or B <- alpha B op(A), in place, for a triangular matrix A.
///
/// The other triangle of A is not read, nor is a unit diagonal. Where `alpha` is zero, what is in A and B does not
/// matter; see [`gemm`](fn@crate::gemm). Matrices are of any storage; where the columns are contiguous nothing is
/// copied. Nearly all work is in matrix products.
///
/// # Errors
/// [`Error::NotSquare`] and [`Error::DimensionMismatch`] if the shapes do not fit.
///
/// # Derivation
/// With P = op(A), from the left: dB' = dalpha P B + alpha (dP B + P dB). So with B_bar the cotangent of the new B
/// and W = P^H B_bar, which is what the rule turns B_bar into: conj(alpha) W is the cotangent of the old B,
/// alpha_bar = tr(B^H W), and P_bar = conj(alpha) B_bar B^H, that is A_bar = conj(alpha) B_bar B^H, its transpose or
/// its adjoint, of which the triangle is formed and no more. From the right in the same way: W = B_bar P^H and
/// P_bar = conj(alpha) B^H B_bar. The old B is kept only where alpha or A varies.
///
/// ```
/// use difrules_linalg::{Diagonal, Operation, Side, Triangle, trmm};
/// use nalgebra::{dmatrix, dvector};
///
/// // What is above the diagonal is not read.
/// let l = dmatrix![2.0, f64::NAN; 1.0, 4.0];
/// let mut b = dvector![1.0, 2.0];
/// trmm(Side::Left, Triangle::Lower, Operation::None, Diagonal::General, 1.0, &l, &mut b)?;
/// assert_eq!(b, dvector![2.0, 9.0]);
/// # Ok::<(), difrules_linalg::Error>(())
/// ```
#[primitive(
    forward = trmm_forward,
    reverse = trmm_reverse,
    reads(side, triangle, operation, diagonal, alpha, a, b for (alpha, a)),
    constant(side, triangle, operation, diagonal),
    structure(a = triangular(triangle, diagonal)),
    resting,
    instances(
        #[cfg(feature = "f32")] f32,
        f64,
        #[cfg(all(feature = "f32", feature = "complex"))] nalgebra::Complex<f32>,
        #[cfg(feature = "complex")] nalgebra::Complex<f64>,
    ),
    sample = sample
)]
pub fn trmm<T: Scalar, D: Dim, R: Dim, C: Dim, SA: Storage<T, D, D>, SB: StorageMut<T, R, C>>(
    side: Side,
    triangle: Triangle,
    operation: Operation,
    diagonal: Diagonal,
    alpha: T,
    a: &Matrix<T, D, D, SA>,
    b: &mut Matrix<T, R, C, SB>,
) -> Result<(), Error>
where
    DefaultAllocator: Allocator<D, D> + Allocator<R, C>,
{
    let size = square("a", a.shape())?;
    match side {
        Side::Left => shape("b", b.shape(), (size, b.ncols()))?,
        Side::Right => shape("b", b.shape(), (b.nrows(), size))?,
    }
    with_columns(a, |a| {
        let stored = Stored { triangle, symmetry: Symmetry::Triangular(diagonal), operation, a };
        change_columns(b, |b| {
            if !alpha.is_constant_zero() {
                stored.multiply(side, b);
            }
            scale_by(alpha, b);
        });
    });
    Ok(())
}

/// The arguments of a product with a triangular matrix, as its rules read them.
pub(crate) struct TriangularProduct<'a, T: Scalar> {
    pub(crate) side: Side,
    pub(crate) triangle: Triangle,
    pub(crate) operation: Operation,
    pub(crate) diagonal: Diagonal,
    pub(crate) alpha: T,
    pub(crate) a: DMatrixView<'a, T>,
    /// As it was.
    pub(crate) b: Option<DMatrixView<'a, T>>,
}

impl<T: Scalar> TriangularProduct<'_, T> {
    /// A as it is used.
    fn stored(&self, operation: Operation) -> Stored<'_, T> {
        let Self { triangle, diagonal, a, .. } = *self;
        Stored { triangle, symmetry: Symmetry::Triangular(diagonal), operation, a }
    }

    /// B <- factor op(A) B or factor B op(A), in any mode, where B is what moves.
    fn multiply(&self, operation: Operation, factor: T, b: &mut DMatrixViewMut<'_, T>) {
        let Self { side, triangle, diagonal, a, .. } = *self;
        let stored = self.stored(operation);
        let clashing =
            stored.clashes(Moving::Second, &b.as_view()) || !is_bounded_number(&self.alpha);
        if clashing && !factor.is_constant_zero() {
            let moving = b.clone_owned();
            b.fill(still());
            add_stored(side, stored, Moving::Second, factor, moving.as_view(), b);
            return;
        }
        trmm(side, triangle, operation, diagonal, factor, &a, b).expect(FIT);
    }

    /// The forward rule: turns the tangent of B into that of the new B.
    pub(crate) fn push(
        &self,
        (alpha_dot, a_dot): (T, DMatrixView<'_, T>),
        b_dot: &mut DMatrixViewMut<'_, T>,
    ) {
        let Self { side, operation, alpha, b, .. } = *self;
        let resting = TriangularResting::of(side, self.stored(operation), false, &a_dot, b_dot);
        self.multiply(operation, alpha, b_dot);
        if let Some(b) = b {
            self.add_by_factors(b, (alpha_dot, a_dot), b_dot);
        }
        resting.keep(is_still(&alpha_dot), b_dot);
    }

    /// Adds what changes by alpha and A.
    fn add_by_factors(
        &self,
        b: DMatrixView<'_, T>,
        (alpha_dot, a_dot): (T, DMatrixView<'_, T>),
        b_dot: &mut DMatrixViewMut<'_, T>,
    ) {
        let Self { side, triangle, operation, diagonal, alpha, .. } = *self;
        if has_part(&a_dot, &b) {
            let symmetry = Symmetry::TriangularTangent(diagonal);
            let stored = Stored { triangle, symmetry, operation, a: a_dot };
            add_triangular(side, stored, alpha, b, b_dot);
        }
        if alpha_dot.is_constant_zero() {
            return;
        }
        if let Some(product) = self.infinite_product(b) {
            b_dot.zip_apply(&product, |b_dot, x| *b_dot += along_factor(alpha_dot, x));
            return;
        }
        add_triangular(side, self.stored(operation), alpha_dot, b, b_dot);
    }

    /// op(A) B or B op(A) itself, which alpha multiplies, if a factor is not finite.
    fn infinite_product(&self, b: DMatrixView<'_, T>) -> Option<DMatrix<T>> {
        let Self { side, triangle, operation, diagonal, a, .. } = *self;
        if is_bounded(&a) && is_bounded(&b) {
            return None;
        }
        let mut product = b.into_owned();
        trmm(side, triangle, operation, diagonal, T::one(), &a, &mut product).expect(FIT);
        Some(product)
    }

    /// The reverse rule: adds to the adjoints and turns that of the new B into that of B.
    pub(crate) fn pull(
        &self,
        alpha_bar: Option<Slot<'_, T>>,
        a_bar: Option<DMatrixViewMut<'_, T>>,
        b_bar: &mut DMatrixViewMut<'_, T>,
    ) {
        let Self { side, triangle, operation, diagonal, alpha, b, .. } = *self;
        if let (Some(mut a_bar), Some(b)) = (a_bar, b) {
            let part = (triangle, diagonal);
            add_operand(part, operation, side, alpha.conjugate(), b_bar.as_view(), b, &mut a_bar);
        }
        let mut alpha_bar = alpha_bar;
        if let Some(product) =
            b.filter(|_| alpha_bar.is_some()).and_then(|b| self.infinite_product(b))
        {
            alpha_bar.take().expect("it is wanted").add(|| pairing_by(alpha, b_bar, &product));
        }
        match operation {
            Operation::None => self.multiply(Operation::Adjoint, T::one(), b_bar),
            Operation::Adjoint => self.multiply(Operation::None, T::one(), b_bar),
            // (A^T)^H = conj(A).
            Operation::Transpose => {
                conjugate(b_bar);
                self.multiply(Operation::None, T::one(), b_bar);
                conjugate(b_bar);
            }
        }
        if let (Some(alpha_bar), Some(b)) = (alpha_bar, b) {
            alpha_bar.add(|| pairing_by(alpha, b_bar, &b));
        }
        scale_moving(alpha.conjugate(), b_bar);
    }
}

#[allow(clippy::too_many_arguments)] // The arguments of trmm, and their tangents.
fn trmm_forward<T: Scalar, D: Dim, R: Dim, C: Dim>(
    side: Side,
    triangle: Triangle,
    operation: Operation,
    diagonal: Diagonal,
    alpha: T,
    a: &OMatrix<T, D, D>,
    b: Option<&OMatrix<T, R, C>>,
    alpha_dot: T,
    a_dot: &OMatrix<T, D, D>,
    b_dot: &mut OMatrix<T, R, C>,
) where
    DefaultAllocator: Allocator<D, D> + Allocator<R, C>,
{
    let (a, b) = (block(a), b.map(block));
    let product = TriangularProduct { side, triangle, operation, diagonal, alpha, a, b };
    product.push((alpha_dot, block(a_dot)), &mut block_mut(b_dot));
}

#[allow(clippy::too_many_arguments)] // The arguments of trmm, and their slots.
fn trmm_reverse<T: Scalar, D: Dim, R: Dim, C: Dim>(
    side: Side,
    triangle: Triangle,
    operation: Operation,
    diagonal: Diagonal,
    alpha: T,
    a: &OMatrix<T, D, D>,
    b: Option<&OMatrix<T, R, C>>,
    alpha_bar: Slot<'_, T>,
    a_bar: Slot<'_, OMatrix<T, D, D>>,
    mut b_bar: Adjoint<'_, OMatrix<T, R, C>>,
) where
    DefaultAllocator: Allocator<D, D> + Allocator<R, C>,
{
    let (a, b, mut a_bar) = (block(a), b.map(block), a_bar.buffer());
    let product = TriangularProduct { side, triangle, operation, diagonal, alpha, a, b };
    product.pull(Some(alpha_bar), a_bar.as_mut().map(buffer), &mut buffer(&mut b_bar));
}

type Sample<T> = (Side, Triangle, Operation, Diagonal, T, DMatrix<T>, DMatrix<T>);

fn sample<T: Scalar>(random: &mut Sampler) -> Sample<T> {
    let side = random.choose(&[Side::Left, Side::Right]);
    let triangle = random.choose(&[Triangle::Lower, Triangle::Upper]);
    let operation = random.choose(&[Operation::None, Operation::Transpose, Operation::Adjoint]);
    let diagonal = random.choose(&[Diagonal::General, Diagonal::Unit]);
    let (size, others) = (random.choose(&[0, 1, 3, 6]), random.size(0, 6));
    let (rows, columns) = if side == Side::Left { (size, others) } else { (others, size) };
    let (a, b) = (random.matrix(size, size), random.matrix(rows, columns));
    (side, triangle, operation, diagonal, random.normal(), a, b)
}
