use difrules_core::contract::Adjoint;
use difrules_core::kernel::{Factor, native_gemm};
use difrules_core::testing::Sampler;
use difrules_core::{Real, Scalar, Slot, primitive};
use nalgebra::allocator::Allocator;
use nalgebra::{
    DMatrix, DMatrixView, DMatrixViewMut, DefaultAllocator, Dim, Matrix, OMatrix, Storage,
    StorageMut,
};

use crate::blas::blocked::{change_columns, conjugated, paired_by, sum_with_product, with_columns};
use crate::blas::options::Operation;
use crate::blas::strong::{
    Moving, Resting, column_rests, gemm_moving, has_part, is_bounded, is_bounded_number, row_rests,
};
use crate::block::{
    FIT, along_factor, block, block_mut, buffer, keep_resting, multiply_parts, pairing_by, rests,
    scale_by, scale_moving, still,
};
use crate::error::{Error, shape};

/// C <- alpha op(A) op(B) + beta C, in place, with an operation for each factor as in BLAS; for
/// matrices of any storage.
///
/// Where `beta` is zero, what is in `C` does not matter, NaN or not, and where `alpha` is, what is in A and B.
/// The value only: derivatives by an `alpha` or a `beta` that is zero and varies are those of the formula, and NaN
/// where what they are multiplied with is. Where columns are contiguous nothing is copied.
///
/// # Errors
/// [`Error::DimensionMismatch`] if the shapes of `b` or `c` do not fit.
///
/// # Derivation
/// With P = op(A) and Q = op(B), dC' = dalpha P Q + alpha (dP Q + P dQ) + dbeta C + beta dC. In the
/// pairing Re tr(C_bar^H dC'), with C_bar the cotangent of the new C:
/// P_bar = conj(alpha) C_bar Q^H, Q_bar = conj(alpha) P^H C_bar, beta_bar = tr(C^H C_bar),
/// alpha_bar = tr((P Q)^H C_bar), and conj(beta) C_bar is the cotangent of the old C. A_bar is P_bar,
/// P_bar^T or P_bar^H, and so with B.
///
/// The rule for A and B takes two products, 4 m n k multiplications and additions beside the
/// primal's 2 m n k, and that for alpha one more. A product that needs conj(Q), which BLAS has not, is one
/// of conjugates: conj(alpha) C_bar conj(B) = conj(alpha conj(C_bar) B), in the adjoints' own memory.
/// C as it was is kept only where beta varies.
///
/// ```
/// use difrules_linalg::{Operation, gemm};
/// use nalgebra::dmatrix;
///
/// let a = dmatrix![1.0, 2.0; 3.0, 4.0];
/// let mut c = dmatrix![1.0, 0.0; 0.0, 1.0];
/// gemm(Operation::None, Operation::None, 2.0, &a, &a, -1.0, &mut c)?;
/// assert_eq!(c, dmatrix![13.0, 20.0; 30.0, 43.0]);
/// gemm(Operation::Transpose, Operation::None, 1.0, &a, &a, 0.0, &mut c)?;
/// assert_eq!(c, a.transpose() * a);
/// # Ok::<(), difrules_linalg::Error>(())
/// ```
#[primitive(
    forward = gemm_forward,
    reverse = gemm_reverse,
    reads(operation_a, operation_b, alpha, a, b, beta, c for beta),
    optional(a, b),
    constant(operation_a, operation_b),
    resting,
    instances(
        #[cfg(feature = "f32")] f32,
        f64,
        #[cfg(all(feature = "f32", feature = "complex"))] nalgebra::Complex<f32>,
        #[cfg(feature = "complex")] nalgebra::Complex<f64>,
    ),
    sample = sample
)]
#[allow(clippy::too_many_arguments)] // Those of BLAS.
pub fn gemm<
    T: Scalar,
    RA: Dim,
    CA: Dim,
    RB: Dim,
    CB: Dim,
    R: Dim,
    C: Dim,
    SA: Storage<T, RA, CA>,
    SB: Storage<T, RB, CB>,
    SC: StorageMut<T, R, C>,
>(
    operation_a: Operation,
    operation_b: Operation,
    alpha: T,
    a: &Matrix<T, RA, CA, SA>,
    b: &Matrix<T, RB, CB, SB>,
    beta: T,
    c: &mut Matrix<T, R, C, SC>,
) -> Result<(), Error>
where
    DefaultAllocator: Allocator<RA, CA> + Allocator<RB, CB> + Allocator<R, C>,
{
    let (rows, inner) = shape_of_operation(operation_a, a.shape());
    let (_, columns) = shape_of_operation(operation_b, b.shape());
    shape("b", b.shape(), shape_of_operation(operation_b, (inner, columns)))?;
    shape("c", c.shape(), (rows, columns))?;
    with_columns(a, |a| {
        with_columns(b, |b| {
            change_columns(c, |c| product(alpha, (operation_a, a), (operation_b, b), beta, c));
        });
    });
    Ok(())
}

/// The shape of op(A).
pub(crate) fn shape_of_operation(
    operation: Operation,
    (rows, columns): (usize, usize),
) -> (usize, usize) {
    if operation == Operation::None { (rows, columns) } else { (columns, rows) }
}

/// The size up to which loops over columns beat a product that packs its operands.
const SMALL: usize = 5;

/// The largest number of entries of a factor, of numbers that are not plain, at which dot products beat a copy of its
/// adjoint.
const SMALL_FACTOR: usize = 64;

/// Whether the product of a matrix of this shape and one of so many columns is [`native_gemm`]'s.
pub(crate) fn is_native<T: Scalar>((rows, inner): (usize, usize), columns: usize) -> bool {
    <T::Real as Real>::BASE && !is_small_product(rows, inner, columns)
}

/// Whether a product of these rows, terms and columns is computed by loops over columns.
pub(crate) fn is_small_product(rows: usize, inner: usize, columns: usize) -> bool {
    rows.min(inner).min(columns) <= SMALL
}

/// The product of factors of contiguous columns, whose shapes fit.
///
/// nalgebra's own products are given nothing but matrices of contiguous columns: of others its version
/// 0.35 computes wrong bounds (`axcpy_uninit` takes the length of a strided slice for the number of
/// entries).
#[inline(never)]
pub(crate) fn product<T: Scalar>(
    alpha: T,
    (operation_a, a): (Operation, DMatrixView<'_, T>),
    (operation_b, b): (Operation, DMatrixView<'_, T>),
    beta: T,
    c: &mut DMatrixViewMut<'_, T>,
) {
    let none = |operation| operation == Operation::None;
    let (rows, inner) = shape_of_operation(operation_a, a.shape());
    if alpha.is_constant_zero() || inner == 0 {
        scale_by(beta, c);
        return;
    }
    let small = is_small_product(rows, inner, c.ncols());
    if is_native::<T>((rows, inner), c.ncols()) {
        let factor = |operation, matrix| Factor {
            matrix,
            transpose: !none(operation),
            conjugate: operation == Operation::Adjoint,
        };
        if native_gemm(alpha, factor(operation_a, a), factor(operation_b, b), beta, c) {
            return;
        }
    }
    let dots = small || a.len().max(b.len()) <= SMALL_FACTOR;
    match (operation_a, operation_b) {
        (Operation::None, Operation::None) => c.gemm(alpha, &a, &b, beta),
        // By dot products of columns, unless these are short and many.
        (Operation::Transpose, Operation::None)
            if dots && (inner > SMALL || c.ncols() <= SMALL) =>
        {
            c.gemm_tr(alpha, &a, &b, beta);
        }
        (Operation::Adjoint, Operation::None) if dots && (inner > SMALL || c.ncols() <= SMALL) => {
            c.gemm_ad(alpha, &a, &b, beta);
        }
        (Operation::None, _) if dots => {
            for j in 0..c.ncols() {
                let mut column = c.column_mut(j);
                let mut beta = beta;
                for k in 0..inner {
                    let x = b[(j, k)];
                    let x = if operation_b == Operation::Adjoint { x.conjugate() } else { x };
                    column.axpy(alpha * x, &a.column(k), beta);
                    beta = T::one();
                }
            }
        }
        (Operation::Transpose | Operation::Adjoint, Operation::Transpose | Operation::Adjoint)
            if dots =>
        {
            for (i, j) in (0..c.ncols()).flat_map(|j| (0..rows).map(move |i| (i, j))) {
                let term = |k| {
                    let (x, y) = (a[(k, i)], b[(j, k)]);
                    let x = if operation_a == Operation::Adjoint { x.conjugate() } else { x };
                    x * if operation_b == Operation::Adjoint { y.conjugate() } else { y }
                };
                let sum = alpha * (0..inner).fold(T::zero(), |sum, k| sum + term(k));
                let kept = if beta.is_constant_zero() { beta } else { beta * c[(i, j)] };
                c[(i, j)] = sum + kept;
            }
        }
        (Operation::None, _) => c.gemm(alpha, &a, &formed(operation_b, b), beta),
        (_, Operation::None) => c.gemm(alpha, &formed(operation_a, a), &b, beta),
        _ => c.gemm(alpha, &formed(operation_a, a), &formed(operation_b, b), beta),
    }
}

/// A^T or A^H.
fn formed<T: Scalar>(operation: Operation, a: DMatrixView<'_, T>) -> DMatrix<T> {
    if operation == Operation::Transpose { a.transpose() } else { a.adjoint() }
}

#[allow(clippy::too_many_arguments)] // The arguments of gemm, and their tangents.
fn gemm_forward<T: Scalar, RA: Dim, CA: Dim, RB: Dim, CB: Dim, R: Dim, C: Dim>(
    operation_a: Operation,
    operation_b: Operation,
    alpha: T,
    a: &OMatrix<T, RA, CA>,
    b: &OMatrix<T, RB, CB>,
    beta: T,
    c: Option<&OMatrix<T, R, C>>,
    alpha_dot: T,
    a_dot: Option<&OMatrix<T, RA, CA>>,
    b_dot: Option<&OMatrix<T, RB, CB>>,
    beta_dot: T,
    c_dot: &mut OMatrix<T, R, C>,
) where
    DefaultAllocator: Allocator<RA, CA> + Allocator<RB, CB> + Allocator<R, C>,
{
    let product = Product { operation_a, operation_b, alpha, a: block(a), b: block(b), beta };
    let tangents = (alpha_dot, a_dot.map(block), b_dot.map(block), beta_dot);
    product.push(c.map(block), tangents, &mut block_mut(c_dot));
}

/// The arguments of a product, as its rules read them.
pub(crate) struct Product<'a, T: Scalar> {
    pub(crate) operation_a: Operation,
    pub(crate) operation_b: Operation,
    pub(crate) alpha: T,
    pub(crate) a: DMatrixView<'a, T>,
    pub(crate) b: DMatrixView<'a, T>,
    pub(crate) beta: T,
}

/// The adjoints of the arguments of a product that are wanted.
struct ProductSlots<'a, 'b, 'c, T: Scalar> {
    alpha: Option<Slot<'a, T>>,
    a: Option<DMatrixViewMut<'b, T>>,
    b: Option<DMatrixViewMut<'b, T>>,
    beta: Option<Slot<'c, T>>,
}

impl<'a, T: Scalar> Product<'a, T> {
    /// op(A) op(B), which is added as it is.
    pub(crate) fn of(
        (operation_a, a): (Operation, DMatrixView<'a, T>),
        (operation_b, b): (Operation, DMatrixView<'a, T>),
    ) -> Self {
        Self { operation_a, operation_b, alpha: T::one(), a, b, beta: T::one() }
    }

    /// The forward rule: turns the tangent of C into that of the new C.
    pub(crate) fn push(
        &self,
        c: Option<DMatrixView<'_, T>>,
        (alpha_dot, a_dot, b_dot, beta_dot): (
            T,
            Option<DMatrixView<'_, T>>,
            Option<DMatrixView<'_, T>>,
            T,
        ),
        c_dot: &mut DMatrixViewMut<'_, T>,
    ) {
        let Self { operation_a, operation_b, alpha, a, b, mut beta } = *self;
        let resting = Resting::of(beta, &c_dot.as_view());
        if !is_bounded_number(&beta) {
            scale_moving(beta, c_dot);
            beta = T::one();
        }
        if let Some(a_dot) = a_dot.filter(|a_dot| has_part(a_dot, &b)) {
            let factors = ((operation_a, a_dot), (operation_b, b));
            gemm_moving(alpha, factors.0, factors.1, Moving::First, beta, c_dot);
            beta = T::one();
        }
        if let Some(b_dot) = b_dot.filter(|b_dot| has_part(b_dot, &a)) {
            let factors = ((operation_a, a), (operation_b, b_dot));
            gemm_moving(alpha, factors.0, factors.1, Moving::Second, beta, c_dot);
            beta = T::one();
        }
        if !alpha_dot.is_constant_zero() {
            gemm_again(alpha_dot, (operation_a, a), (operation_b, b), beta, c_dot);
            beta = T::one();
        }
        scale_moving(beta, c_dot);
        add_by_factor(beta_dot, c, c_dot);
        let alone = rests(&[alpha_dot, beta_dot]);
        resting.keep(
            |i| alone && row_rests(operation_a, a_dot.as_ref(), i),
            |j| column_rests(operation_b, b_dot.as_ref(), j),
            c_dot,
        );
    }

    /// The forward rule of op(A) op(B) alone, which has this shape.
    pub(crate) fn push_alone<R: Dim, C: Dim>(
        &self,
        (rows, columns): (R, C),
        a_dot: Option<DMatrixView<'_, T>>,
        b_dot: Option<DMatrixView<'_, T>>,
    ) -> OMatrix<T, R, C>
    where
        DefaultAllocator: Allocator<R, C>,
    {
        let mut y_dot = OMatrix::zeros_generic(rows, columns);
        self.tangent(a_dot, b_dot, &mut block_mut(&mut y_dot));
        keep_resting(
            &mut y_dot,
            |i| row_rests(self.operation_a, a_dot.as_ref(), i),
            |j| column_rests(self.operation_b, b_dot.as_ref(), j),
        );
        y_dot
    }

    /// The tangent of op(A) op(B), into zeros.
    fn tangent(
        &self,
        a_dot: Option<DMatrixView<'_, T>>,
        b_dot: Option<DMatrixView<'_, T>>,
        y_dot: &mut DMatrixViewMut<'_, T>,
    ) {
        let Self { operation_a, operation_b, alpha, a, b, .. } = *self;
        if let Some(a_dot) = a_dot.filter(|a_dot| has_part(a_dot, &b)) {
            gemm_again(alpha, (operation_a, a_dot), (operation_b, b), T::one(), y_dot);
        }
        if let Some(b_dot) = b_dot.filter(|b_dot| has_part(b_dot, &a)) {
            gemm_again(alpha, (operation_a, a), (operation_b, b_dot), T::one(), y_dot);
        }
        if !is_bounded(&y_dot.as_view()) {
            y_dot.fill(T::zero());
            self.push(None, (still(), a_dot, b_dot, still()), y_dot);
        }
    }

    /// The reverse rule: adds to the adjoints, alpha's and beta's where they vary, and turns that of the new C into that of
    /// C.
    pub(crate) fn pull<RA: Dim, CA: Dim, RB: Dim, CB: Dim>(
        &self,
        c: Option<DMatrixView<'_, T>>,
        (alpha, beta): (Option<Slot<'_, T>>, Option<Slot<'_, T>>),
        a_bar: Slot<'_, OMatrix<T, RA, CA>>,
        b_bar: Slot<'_, OMatrix<T, RB, CB>>,
        c_bar: &mut DMatrixViewMut<'_, T>,
    ) where
        DefaultAllocator: Allocator<RA, CA> + Allocator<RB, CB>,
    {
        let (mut a_bar, mut b_bar) = (a_bar.buffer(), b_bar.buffer());
        let (a, b) = (a_bar.as_mut().map(buffer), b_bar.as_mut().map(buffer));
        self.pull_into(c, ProductSlots { alpha, a, b, beta }, c_bar);
    }

    /// [`pull`](Self::pull) for dynamic matrices.
    fn pull_into(
        &self,
        c: Option<DMatrixView<'_, T>>,
        slots: ProductSlots<'_, '_, '_, T>,
        c_bar: &mut DMatrixViewMut<'_, T>,
    ) {
        use Operation::{Adjoint, None as Plain, Transpose};

        let Self { operation_a, operation_b, alpha, a, b, beta } = *self;
        if let (Some(beta_bar), Some(c)) = (slots.beta, c) {
            beta_bar.add(|| pairing_by(beta, c_bar, &c));
        }
        if let Some(alpha_bar) = slots.alpha {
            let factors = ((operation_a, a), (operation_b, b));
            let c_bar = c_bar.as_view();
            alpha_bar.add(|| sum_with_product(None, c_bar, factors.0, factors.1, paired_by(alpha)));
        }
        let (conjugate_alpha, one) = (alpha.conjugate(), T::one());
        let (first, second) = (Moving::First, Moving::Second);
        if let Some(mut a_bar) = slots.a {
            let a_bar = &mut a_bar;
            // conj(alpha) C_bar Q^H; its transpose, conj(alpha) conj(Q) C_bar^T; its adjoint,
            // alpha Q C_bar^H.
            match (operation_a, operation_b) {
                (Plain, Transpose) => conjugated(c_bar, |c_bar| {
                    conjugated(a_bar, |a_bar| {
                        gemm_moving(alpha, (Plain, c_bar.as_view()), (Plain, b), first, one, a_bar);
                    });
                }),
                (Transpose, Plain) => conjugated(a_bar, |a_bar| {
                    gemm_moving(alpha, (Plain, b), (Adjoint, c_bar.as_view()), second, one, a_bar);
                }),
                (Plain, _) => {
                    let turned = if operation_b == Plain { Adjoint } else { Plain };
                    let c_bar = (Plain, c_bar.as_view());
                    gemm_moving(conjugate_alpha, c_bar, (turned, b), first, one, a_bar);
                }
                (Transpose, _) => {
                    let turned = if operation_b == Transpose { Adjoint } else { Transpose };
                    let c_bar = (Transpose, c_bar.as_view());
                    gemm_moving(conjugate_alpha, (turned, b), c_bar, second, one, a_bar);
                }
                (Adjoint, _) => {
                    gemm_moving(
                        alpha,
                        (operation_b, b),
                        (Adjoint, c_bar.as_view()),
                        second,
                        one,
                        a_bar,
                    );
                }
            }
        }
        if let Some(mut b_bar) = slots.b {
            let b_bar = &mut b_bar;
            // conj(alpha) P^H C_bar; its transpose, conj(alpha) C_bar^T conj(P); its adjoint,
            // alpha C_bar^H P.
            match (operation_b, operation_a) {
                (Plain, Transpose) => conjugated(c_bar, |c_bar| {
                    conjugated(b_bar, |b_bar| {
                        gemm_moving(
                            alpha,
                            (Plain, a),
                            (Plain, c_bar.as_view()),
                            second,
                            one,
                            b_bar,
                        );
                    });
                }),
                (Transpose, Plain) => conjugated(b_bar, |b_bar| {
                    gemm_moving(alpha, (Adjoint, c_bar.as_view()), (Plain, a), first, one, b_bar);
                }),
                (Plain, _) => {
                    let turned = if operation_a == Plain { Adjoint } else { Plain };
                    let c_bar = (Plain, c_bar.as_view());
                    gemm_moving(conjugate_alpha, (turned, a), c_bar, second, one, b_bar);
                }
                (Transpose, _) => {
                    let turned = if operation_a == Transpose { Adjoint } else { Transpose };
                    let c_bar = (Transpose, c_bar.as_view());
                    gemm_moving(conjugate_alpha, c_bar, (turned, a), first, one, b_bar);
                }
                (Adjoint, _) => {
                    gemm_moving(
                        alpha,
                        (Adjoint, c_bar.as_view()),
                        (operation_a, a),
                        first,
                        one,
                        b_bar,
                    );
                }
            }
        }
        scale_moving(beta.conjugate(), c_bar);
    }
}

/// Adds to a tangent that of a factor times what is multiplied with it, which is kept where the factor varies.
pub(crate) fn add_by_factor<T: Scalar>(
    factor_dot: T,
    c: Option<DMatrixView<'_, T>>,
    c_dot: &mut DMatrixViewMut<'_, T>,
) {
    if let Some(c) = c.filter(|_| !factor_dot.is_constant_zero()) {
        c_dot.zip_apply(&c, |c_dot, c| *c_dot += along_factor(factor_dot, c));
    }
}

/// [`gemm`] where the shapes fit, in a rule: numbers with tangents are multiplied where they are.
pub(crate) fn gemm_again<T: Scalar>(
    alpha: T,
    (operation_a, a): (Operation, DMatrixView<'_, T>),
    (operation_b, b): (Operation, DMatrixView<'_, T>),
    beta: T,
    c: &mut DMatrixViewMut<'_, T>,
) {
    let transposes = |operation| operation != Operation::None;
    if alpha.is_constant_one()
        && multiply_parts((a, transposes(operation_a)), (b, transposes(operation_b)), beta, c)
    {
        return;
    }
    gemm(operation_a, operation_b, alpha, &a, &b, beta, c).expect(FIT);
}

#[allow(clippy::too_many_arguments)] // The arguments of gemm, and their slots.
fn gemm_reverse<T: Scalar, RA: Dim, CA: Dim, RB: Dim, CB: Dim, R: Dim, C: Dim>(
    operation_a: Operation,
    operation_b: Operation,
    alpha: T,
    a: &OMatrix<T, RA, CA>,
    b: &OMatrix<T, RB, CB>,
    beta: T,
    c: Option<&OMatrix<T, R, C>>,
    alpha_bar: Slot<'_, T>,
    a_bar: Slot<'_, OMatrix<T, RA, CA>>,
    b_bar: Slot<'_, OMatrix<T, RB, CB>>,
    beta_bar: Slot<'_, T>,
    mut c_bar: Adjoint<'_, OMatrix<T, R, C>>,
) where
    DefaultAllocator: Allocator<RA, CA> + Allocator<RB, CB> + Allocator<R, C>,
{
    let product = Product { operation_a, operation_b, alpha, a: block(a), b: block(b), beta };
    let by_factors = (Some(alpha_bar), Some(beta_bar));
    product.pull(c.map(block), by_factors, a_bar, b_bar, &mut buffer(&mut c_bar));
}

type Sample<T> = (Operation, Operation, T, DMatrix<T>, DMatrix<T>, T, DMatrix<T>);

fn sample<T: Scalar>(random: &mut Sampler) -> Sample<T> {
    let operations = [Operation::None, Operation::Transpose, Operation::Adjoint];
    let (operation_a, operation_b) = (random.choose(&operations), random.choose(&operations));
    let (rows, inner, columns) = (random.size(0, 7), random.size(0, 7), random.size(0, 7));
    let (alpha, beta) = (random.normal(), random.normal());
    let (a, b) = (
        shape_of_operation(operation_a, (rows, inner)),
        shape_of_operation(operation_b, (inner, columns)),
    );
    let (a, b) = (random.matrix(a.0, a.1), random.matrix(b.0, b.1));
    (operation_a, operation_b, alpha, a, b, beta, random.matrix(rows, columns))
}
