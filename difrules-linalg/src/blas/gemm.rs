use difrules_core::contract::{Adjoint, Kind};
use difrules_core::kernel::{column_major_view, column_major_view_mut, native_gemm};
use difrules_core::testing::Sampler;
use difrules_core::{Scalar, Slot, primitive};
use nalgebra::allocator::Allocator;
use nalgebra::{
    DMatrix, DMatrixView, DMatrixViewMut, DefaultAllocator, Dim, Matrix, OMatrix, Storage,
    StorageMut,
};

use crate::blas::options::Operation;
use crate::block::{
    FIT, block, block_mut, buffer, chain, multiply_parts, pairing, scale_by, varies,
};
use crate::error::{Error, shape};

/// C <- alpha op(A) op(B) + beta C, in place, with an operation for each factor as in BLAS; for
/// matrices of any storage.
///
/// Where `beta` is zero, what is in `C` does not matter, NaN or not. Where columns are contiguous
/// nothing is copied, but complex matrices that are used transposed and are not small.
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
/// primal's 2 m n k.
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
    reads(operation_a, operation_b, alpha, a, b, beta, c),
    optional(a, b),
    constant(operation_a, operation_b),
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
    let (copied_a, copied_b);
    let a = match column_major_view(a) {
        Some(a) => a,
        None => {
            copied_a = a.clone_owned();
            block(&copied_a)
        }
    };
    let b = match column_major_view(b) {
        Some(b) => b,
        None => {
            copied_b = b.clone_owned();
            block(&copied_b)
        }
    };
    if let Some(mut c) = column_major_view_mut(c) {
        product(alpha, (operation_a, a), (operation_b, b), beta, &mut c);
        return Ok(());
    }
    let mut owned = c.clone_owned();
    product(alpha, (operation_a, a), (operation_b, b), beta, &mut block_mut(&mut owned));
    c.copy_from(&owned);
    Ok(())
}

/// The shape of op(A).
fn shape_of_operation(operation: Operation, (rows, columns): (usize, usize)) -> (usize, usize) {
    if operation == Operation::None { (rows, columns) } else { (columns, rows) }
}

/// The size up to which loops over columns beat a product that packs its operands.
const SMALL: usize = 5;

/// The largest number of entries of a complex factor at which dot products beat a copy of its adjoint.
const SMALL_FACTOR: usize = 64;

/// Whether a product of these rows, terms and columns is computed by loops over columns.
pub(crate) fn is_small_product(rows: usize, inner: usize, columns: usize) -> bool {
    rows.min(inner).min(columns) <= SMALL
}

/// The product of factors of contiguous columns, whose shapes fit.
///
/// nalgebra's own products are given nothing but matrices of contiguous columns: of others its version
/// 0.35 computes wrong bounds (`axcpy_uninit` takes the length of a strided slice for the number of
/// entries).
fn product<T: Scalar>(
    alpha: T,
    (operation_a, a): (Operation, DMatrixView<'_, T>),
    (operation_b, b): (Operation, DMatrixView<'_, T>),
    beta: T,
    c: &mut DMatrixViewMut<'_, T>,
) {
    let none = |operation| operation == Operation::None;
    let (rows, inner) = shape_of_operation(operation_a, a.shape());
    let small = is_small_product(rows, inner, c.ncols());
    if !small && native_gemm(alpha, (a, !none(operation_a)), (b, !none(operation_b)), beta, c) {
        return;
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
            if inner == 0 {
                scale_by(beta, c);
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
    c: &OMatrix<T, R, C>,
    alpha_dot: T,
    a_dot: Option<&OMatrix<T, RA, CA>>,
    b_dot: Option<&OMatrix<T, RB, CB>>,
    beta_dot: T,
    c_dot: &mut OMatrix<T, R, C>,
) where
    DefaultAllocator: Allocator<RA, CA> + Allocator<RB, CB> + Allocator<R, C>,
{
    let (a, b, mut c_dot) = (block(a), block(b), block_mut(c_dot));
    let mut beta = beta;
    let mut add = |alpha, a: DMatrixView<'_, T>, b: DMatrixView<'_, T>| {
        gemm_again(alpha, (operation_a, a), (operation_b, b), beta, &mut c_dot);
        beta = T::one();
    };
    if let Some(a_dot) = a_dot.filter(|a_dot| varies(a_dot)) {
        add(alpha, block(a_dot), b);
    }
    if let Some(b_dot) = b_dot.filter(|b_dot| varies(b_dot)) {
        add(alpha, a, block(b_dot));
    }
    if !alpha_dot.is_constant_zero() {
        add(alpha_dot, a, b);
    }
    scale_by(beta, &mut c_dot);
    if !beta_dot.is_constant_zero() {
        c_dot.zip_apply(&block(c), |c_dot, c| *c_dot += chain(beta_dot, c));
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

/// A matrix that is conj(op(A)) by an operation: A itself but where that is the conjugate of A.
struct Conjugated<'a, T> {
    operation: Operation,
    matrix: DMatrixView<'a, T>,
    copy: Option<DMatrix<T>>,
}

impl<'a, T: Scalar> Conjugated<'a, T> {
    fn new(operation: Operation, matrix: DMatrixView<'a, T>) -> Self {
        let real = <T::Kind as Kind>::REAL;
        let (operation, copied) = match operation {
            Operation::None => (Operation::None, !real),
            Operation::Transpose => (Operation::Adjoint, false),
            Operation::Adjoint => (Operation::Transpose, false),
        };
        let copy = copied.then(|| matrix.map(|x| x.conjugate()));
        Self { operation, matrix, copy }
    }

    fn factor(&self) -> (Operation, DMatrixView<'_, T>) {
        (self.operation, self.copy.as_ref().map_or(self.matrix, |copy| copy.as_view()))
    }
}

/// op(A)^H, which is conj(op(A)^T).
fn adjoint<T: Scalar>(operation: Operation, a: DMatrixView<'_, T>) -> Conjugated<'_, T> {
    match operation {
        Operation::None => Conjugated { operation: Operation::Adjoint, matrix: a, copy: None },
        Operation::Transpose => Conjugated::new(Operation::None, a),
        Operation::Adjoint => Conjugated { operation: Operation::None, matrix: a, copy: None },
    }
}

#[allow(clippy::too_many_arguments)] // The arguments of gemm, and their slots.
fn gemm_reverse<T: Scalar, RA: Dim, CA: Dim, RB: Dim, CB: Dim, R: Dim, C: Dim>(
    operation_a: Operation,
    operation_b: Operation,
    alpha: T,
    a: &OMatrix<T, RA, CA>,
    b: &OMatrix<T, RB, CB>,
    beta: T,
    c: &OMatrix<T, R, C>,
    alpha_bar: Slot<'_, T>,
    a_bar: Slot<'_, OMatrix<T, RA, CA>>,
    b_bar: Slot<'_, OMatrix<T, RB, CB>>,
    beta_bar: Slot<'_, T>,
    mut c_bar: Adjoint<'_, OMatrix<T, R, C>>,
) where
    DefaultAllocator: Allocator<RA, CA> + Allocator<RB, CB> + Allocator<R, C>,
{
    beta_bar.add(|| pairing(&c_bar, c));
    let (a, b, one) = (block(a), block(b), T::one());
    alpha_bar.add(|| {
        let mut product = DMatrix::zeros(c.nrows(), c.ncols());
        let c_bar = buffer(&mut c_bar);
        let factors = ((operation_a, a), (operation_b, b));
        gemm_again(one, factors.0, factors.1, T::zero(), &mut product.as_view_mut());
        pairing(&c_bar, &product)
    });
    let (none, conjugate) = (Operation::None, alpha.conjugate());
    if let Some(mut a_bar) = a_bar.buffer() {
        let c_bar = buffer(&mut c_bar);
        let (c_bar, a_bar) = (c_bar.as_view(), &mut buffer(&mut a_bar));
        match operation_a {
            // conj(alpha) C_bar Q^H; its transpose, conj(alpha) conj(Q) C_bar^T; its adjoint,
            // alpha Q C_bar^H.
            Operation::None => {
                let b = adjoint(operation_b, b);
                gemm_again(conjugate, (none, c_bar), b.factor(), one, a_bar);
            }
            Operation::Transpose => {
                let b = Conjugated::new(operation_b, b);
                gemm_again(conjugate, b.factor(), (Operation::Transpose, c_bar), one, a_bar);
            }
            Operation::Adjoint => {
                gemm_again(alpha, (operation_b, b), (Operation::Adjoint, c_bar), one, a_bar);
            }
        }
    }
    if let Some(mut b_bar) = b_bar.buffer() {
        let c_bar = buffer(&mut c_bar);
        let (c_bar, b_bar) = (c_bar.as_view(), &mut buffer(&mut b_bar));
        match operation_b {
            // conj(alpha) P^H C_bar; its transpose, conj(alpha) C_bar^T conj(P); its adjoint,
            // alpha C_bar^H P.
            Operation::None => {
                let a = adjoint(operation_a, a);
                gemm_again(conjugate, a.factor(), (none, c_bar), one, b_bar);
            }
            Operation::Transpose => {
                let a = Conjugated::new(operation_a, a);
                gemm_again(conjugate, (Operation::Transpose, c_bar), a.factor(), one, b_bar);
            }
            Operation::Adjoint => {
                gemm_again(alpha, (Operation::Adjoint, c_bar), (operation_a, a), one, b_bar);
            }
        }
    }
    scale_by(beta.conjugate(), &mut buffer(&mut c_bar));
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
