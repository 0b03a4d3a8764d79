//! Column-major blocks: the form in which kernels see every matrix, static or dynamic.

use difrules_core::__private::Number;
use difrules_core::contract::Kind;
use difrules_core::kernel::{
    PlainProduct, add_product_of_parts, column_major_slice, column_major_slice_mut,
    column_major_view, column_major_view_mut, vectorised,
};
use difrules_core::{Cotangent, Real, Scalar, Slot};
use nalgebra::allocator::Allocator;
use nalgebra::storage::{IsContiguous, RawStorage, RawStorageMut};
use nalgebra::{
    DMatrix, DMatrixView, DMatrixViewMut, DefaultAllocator, Dim, Matrix, MatrixViewMut, OMatrix,
};

use crate::blas::gemm::{gemm_again, is_small_product};
use crate::blas::options::{Diagonal, Operation, Side, Triangle};
use crate::blas::strong::{Moving, clashes, gemm_moving, is_bounded, is_bounded_number};
use crate::blas::trsm::trsm;
use crate::error::Error;
use crate::tolerance::plain;

/// Why the calls of rules cannot fail.
pub(crate) const FIT: &str = "the primal has checked the shapes and the diagonal";

/// The whole matrix.
pub(crate) fn block<T: Scalar, R: Dim, C: Dim, S: RawStorage<T, R, C> + IsContiguous>(
    matrix: &Matrix<T, R, C, S>,
) -> DMatrixView<'_, T> {
    column_major_view(matrix).expect("contiguous storage is column-major")
}

/// The whole matrix.
pub(crate) fn block_mut<T: Scalar, R: Dim, C: Dim, S: RawStorageMut<T, R, C> + IsContiguous>(
    matrix: &mut Matrix<T, R, C, S>,
) -> DMatrixViewMut<'_, T> {
    column_major_view_mut(matrix).expect("contiguous storage is column-major")
}

/// A matrix of any dimensions as a dynamic one.
pub(crate) fn dynamic<T: Scalar, R: Dim, C: Dim>(matrix: &OMatrix<T, R, C>) -> DMatrix<T>
where
    DefaultAllocator: Allocator<R, C>,
{
    block(matrix).into_owned()
}

/// The matrix with its own dimensions again.
pub(crate) fn shaped<T: Scalar, R: Dim, C: Dim>(
    (rows, columns): (R, C),
    matrix: &DMatrix<T>,
) -> OMatrix<T, R, C>
where
    DefaultAllocator: Allocator<R, C>,
{
    OMatrix::from_iterator_generic(rows, columns, matrix.iter().copied())
}

/// A function of the entries in each place of two matrices of one shape, with vector instructions, which nalgebra's
/// `zip_map` does without.
pub(crate) fn zip_map<T: Scalar, R: Dim, C: Dim>(
    a: &OMatrix<T, R, C>,
    b: &OMatrix<T, R, C>,
    f: impl Fn(T, T) -> T,
) -> OMatrix<T, R, C>
where
    DefaultAllocator: Allocator<R, C>,
{
    let (rows, columns) = a.shape_generic();
    let mut y = OMatrix::zeros_generic(rows, columns);
    let pairs = a.as_slice().iter().zip(b.as_slice());
    vectorised(|| y.as_mut_slice().iter_mut().zip(pairs).for_each(|(y, (&a, &b))| *y = f(a, b)));
    y
}

/// So many columns are read side by side, whose entries are beside each other in the rows that they become.
const SIDE_BY_SIDE: usize = 8;

/// A function of each entry of a matrix of these dimensions, transposed.
pub(crate) fn transposed<T: Scalar, R: Dim, C: Dim>(
    a: &[T],
    (rows, columns): (R, C),
    f: impl Fn(T) -> T,
) -> OMatrix<T, C, R>
where
    DefaultAllocator: Allocator<C, R>,
{
    let shape = (rows.value(), columns.value());
    let mut y = OMatrix::zeros_generic(columns, rows);
    if a.len() <= SIDE_BY_SIDE * SIDE_BY_SIDE {
        for (i, column) in y.as_mut_slice().chunks_exact_mut(shape.1.max(1)).enumerate() {
            // Not by `step_by`, which divides before the first step.
            let mut from = i;
            for y in column {
                *y = f(a[from]);
                from += shape.0;
            }
        }
        return y;
    }
    put_transposed(a, shape, y.as_mut_slice(), |y, x| *y = f(x));
    y
}

/// Puts the entries of a matrix of this shape to those of its transpose.
pub(crate) fn put_transposed<T: Copy>(
    from: &[T],
    (rows, columns): (usize, usize),
    to: &mut [T],
    put: impl Fn(&mut T, T),
) {
    let column = |j: usize| &from[j * rows..][..rows];
    let whole = columns - columns % SIDE_BY_SIDE;
    for first in (0..whole).step_by(SIDE_BY_SIDE) {
        let side_by_side: [&[T]; SIDE_BY_SIDE] = std::array::from_fn(|k| column(first + k));
        for i in 0..rows {
            let line = to[i * columns + first..][..SIDE_BY_SIDE].iter_mut();
            line.zip(side_by_side).for_each(|(y, column)| put(y, column[i]));
        }
    }
    for j in whole..columns {
        column(j).iter().enumerate().for_each(|(i, &x)| put(&mut to[i * columns + j], x));
    }
}

/// The whole adjoint buffer.
pub(crate) fn buffer<'a, T: Scalar, R: Dim, C: Dim>(
    buffer: &'a mut MatrixViewMut<'_, T, R, C>,
) -> DMatrixViewMut<'a, T> {
    column_major_view_mut(buffer).expect("an adjoint buffer is column-major")
}

/// The numbers of a cotangent, in order.
pub(crate) fn numbers<'a, T: Scalar, R: Dim, C: Dim>(
    cotangent: &'a MatrixViewMut<'_, T, R, C>,
) -> &'a [T] {
    column_major_slice(cotangent).expect("an adjoint buffer is column-major")
}

/// The numbers of an adjoint buffer, in order.
pub(crate) fn numbers_mut<'a, T: Scalar, R: Dim, C: Dim>(
    buffer: &'a mut MatrixViewMut<'_, T, R, C>,
) -> &'a mut [T] {
    column_major_slice_mut(buffer).expect("an adjoint buffer is column-major")
}

/// As many numbers as a loop over plain ones has to have for vector instructions to pay.
const VECTORS_PAY: usize = 32;

/// Runs a loop over so many numbers, with vector instructions where they pay. The compiler sees that slices are apart where they
/// are arguments of a function, and not in a closure.
#[inline(always)]
fn run_loop<T: Scalar>(count: usize, run: impl FnOnce()) {
    if is_plain::<T>() && count >= VECTORS_PAY { vectorised(run) } else { run() }
}

/// Adds to two adjoints what functions of the place and of the cotangent there say, in one pass over
/// memory where both are wanted.
#[inline(always)]
pub(crate) fn add_to_both<T: Scalar, R: Dim, C: Dim>(
    y_bar: &mut [T],
    (a_bar, to_a): (Slot<'_, OMatrix<T, R, C>>, impl Fn(usize, T) -> T),
    (b_bar, to_b): (Slot<'_, OMatrix<T, R, C>>, impl Fn(usize, T) -> T),
) where
    DefaultAllocator: Allocator<R, C>,
{
    if !a_bar.is_wanted() {
        return add_last(y_bar, b_bar, to_b);
    }
    if !b_bar.is_wanted() {
        return add_last(y_bar, a_bar, to_a);
    }
    if a_bar.is_exchangeable() {
        add_and_turn(y_bar, to_a, b_bar, to_b);
        return a_bar.exchange();
    }
    if b_bar.is_exchangeable() {
        add_and_turn(y_bar, to_b, a_bar, to_a);
        return b_bar.exchange();
    }
    let (Some(mut a_bar), Some(mut b_bar)) = (a_bar.buffer(), b_bar.buffer()) else {
        unreachable!("both are wanted");
    };
    let (a_bar, b_bar) = (numbers_mut(&mut a_bar), numbers_mut(&mut b_bar));
    run_loop::<T>(y_bar.len(), || add_to_each(y_bar, (a_bar, to_a), (b_bar, to_b)));
}

/// The loop of [`add_to_both`](fn@add_to_both).
#[inline]
fn add_to_each<T: Scalar>(
    y_bar: &[T],
    (a_bar, to_a): (&mut [T], impl Fn(usize, T) -> T),
    (b_bar, to_b): (&mut [T], impl Fn(usize, T) -> T),
) {
    let sums = a_bar.iter_mut().zip(b_bar);
    for (k, (&y_bar, (a_bar, b_bar))) in y_bar.iter().zip(sums).enumerate() {
        *a_bar += to_a(k, y_bar);
        *b_bar += to_b(k, y_bar);
    }
}

/// Adds to an adjoint, and turns the cotangent into another one.
#[inline(always)]
fn add_and_turn<T: Scalar, R: Dim, C: Dim>(
    y_bar: &mut [T],
    turn: impl Fn(usize, T) -> T,
    x_bar: Slot<'_, OMatrix<T, R, C>>,
    term: impl Fn(usize, T) -> T,
) where
    DefaultAllocator: Allocator<R, C>,
{
    let Some((mut x_bar, untouched)) = x_bar.uncleared() else { return };
    let x_bar = numbers_mut(&mut x_bar);
    run_loop::<T>(y_bar.len(), || {
        if untouched {
            change_both(y_bar, x_bar, |k, y_bar, _| (turn(k, y_bar), T::zero() + term(k, y_bar)));
        } else {
            change_both(y_bar, x_bar, |k, y_bar, x_bar| (turn(k, y_bar), x_bar + term(k, y_bar)));
        }
    });
}

/// The loop of [`add_and_turn`](fn@add_and_turn).
#[inline]
fn change_both<T: Scalar>(y_bar: &mut [T], x_bar: &mut [T], step: impl Fn(usize, T, T) -> (T, T)) {
    for (k, (y_bar, x_bar)) in y_bar.iter_mut().zip(x_bar).enumerate() {
        let (turned, sum) = step(k, *y_bar, *x_bar);
        *y_bar = T::zero() + turned;
        *x_bar = sum;
    }
}

/// Adds to an adjoint of as many numbers what a function of the place and of the cotangent there says, where
/// nobody reads the cotangent any more.
#[inline(always)]
pub(crate) fn add_last<T: Scalar, R: Dim, C: Dim>(
    y_bar: &mut [T],
    x_bar: Slot<'_, OMatrix<T, R, C>>,
    term: impl Fn(usize, T) -> T,
) where
    DefaultAllocator: Allocator<R, C>,
{
    if x_bar.is_exchangeable() {
        run_loop::<T>(y_bar.len(), || {
            for (k, y_bar) in y_bar.iter_mut().enumerate() {
                *y_bar = T::zero() + term(k, *y_bar);
            }
        });
        x_bar.exchange();
    } else if let Some((mut x_bar, untouched)) = x_bar.uncleared() {
        add_or_write(y_bar, (numbers_mut(&mut x_bar), untouched), term);
    }
}

/// Adds the cotangent to an adjoint of as many numbers, where nobody reads it any more and nobody has changed it.
#[inline(always)]
pub(crate) fn pass_on<T: Scalar, R: Dim, C: Dim, R1: Dim, C1: Dim>(
    y_bar: &MatrixViewMut<'_, T, R, C>,
    x_bar: Slot<'_, OMatrix<T, R1, C1>>,
) where
    DefaultAllocator: Allocator<R1, C1>,
{
    if x_bar.is_exchangeable() {
        x_bar.exchange();
    } else {
        add_cotangent(y_bar, x_bar);
    }
}

/// [`add_to`]; writes where nothing was added before.
#[inline(always)]
pub(crate) fn add_or_write<Y: Copy, T: Scalar>(
    y_bar: &[Y],
    (x_bar, untouched): (&mut [T], bool),
    term: impl Fn(usize, Y) -> T,
) {
    if untouched {
        run_loop::<T>(y_bar.len(), || {
            for (k, (&y_bar, x_bar)) in y_bar.iter().zip(x_bar).enumerate() {
                *x_bar = T::zero() + term(k, y_bar);
            }
        });
    } else {
        add_to(y_bar, x_bar, term);
    }
}

/// Adds one number to every number of an adjoint; writes it where nothing was added before.
pub(crate) fn add_everywhere<T: Scalar>(term: T, x_bar: &mut [T], untouched: bool) {
    if untouched {
        x_bar.fill(T::zero() + term);
    } else {
        x_bar.iter_mut().for_each(|x_bar| *x_bar += term);
    }
}

/// Adds to an adjoint what a function of the place and of the cotangent there says.
#[inline(always)]
pub(crate) fn add_to<Y: Copy, T: Scalar>(
    y_bar: &[Y],
    x_bar: &mut [T],
    term: impl Fn(usize, Y) -> T,
) {
    run_loop::<T>(y_bar.len(), || {
        for (k, (&y_bar, x_bar)) in y_bar.iter().zip(x_bar).enumerate() {
            *x_bar += term(k, y_bar);
        }
    });
}

/// Adds the cotangent to an adjoint of as many numbers.
pub(crate) fn add_cotangent<T: Scalar, R: Dim, C: Dim, R1: Dim, C1: Dim>(
    y_bar: &MatrixViewMut<'_, T, R, C>,
    x_bar: Slot<'_, OMatrix<T, R1, C1>>,
) where
    DefaultAllocator: Allocator<R1, C1>,
{
    add_term(y_bar, x_bar, |_, y_bar| y_bar);
}

/// Adds to an adjoint of as many numbers what a function of the place and of the cotangent there says.
#[inline(always)]
pub(crate) fn add_term<T: Scalar, R: Dim, C: Dim, R1: Dim, C1: Dim>(
    y_bar: &MatrixViewMut<'_, T, R, C>,
    x_bar: Slot<'_, OMatrix<T, R1, C1>>,
    term: impl Fn(usize, T) -> T,
) where
    DefaultAllocator: Allocator<R1, C1>,
{
    if let Some((mut x_bar, untouched)) = x_bar.uncleared() {
        add_or_write(numbers(y_bar), (numbers_mut(&mut x_bar), untouched), term);
    }
}

/// Adds to an adjoint op(A) op(B), of which one is what moves, where op is the adjoint if the flag says so.
pub(crate) fn add_product<T: Scalar, R: Dim, C: Dim>(
    a: (DMatrixView<'_, T>, bool),
    b: (DMatrixView<'_, T>, bool),
    moving: Moving,
    x_bar: Slot<'_, OMatrix<T, R, C>>,
) where
    DefaultAllocator: Allocator<R, C>,
{
    let Some((mut x_bar, untouched)) = x_bar.uncleared() else { return };
    let inner = if a.1 { a.0.nrows() } else { a.0.ncols() };
    // Loops over columns leave zeros of negative sign.
    let loops = is_small_product(x_bar.nrows(), inner, x_bar.ncols());
    let native = !loops && is_plain::<T>();
    let (moves, factor) = moving.split(&a.0, &b.0);
    if untouched
        && has_parts::<T>()
        && !clashes(moves, factor)
        && add_parts(a, b, untouched, &mut buffer(&mut x_bar))
    {
        return;
    }
    if untouched && !native {
        numbers_mut(&mut x_bar).fill(T::zero());
    }
    let beta = if untouched && native { T::zero() } else { T::one() };
    multiply_moving(T::one(), a, b, moving, beta, &mut buffer(&mut x_bar));
}

/// Adds to an adjoint the cotangent times a number.
pub(crate) fn add_scaled<T: Scalar, R: Dim, C: Dim>(
    y_bar: &Cotangent<'_, OMatrix<T, R, C>>,
    factor: T,
    x_bar: Slot<'_, OMatrix<T, R, C>>,
) where
    DefaultAllocator: Allocator<R, C>,
{
    if is_plain::<T>() && factor.is_finite() {
        // Of a finite factor a cotangent that is zero makes nothing anyway.
        return add_term(y_bar, x_bar, |_, y_bar| y_bar * factor);
    }
    let y_bar = numbers(y_bar);
    let Some((mut x_bar, untouched)) = x_bar.uncleared() else { return };
    let x_bar = numbers_mut(&mut x_bar);
    let by_parts = |factor| add_fixed_multiple(factor, y_bar, (&mut *x_bar, untouched));
    if !factor.try_real().is_some_and(by_parts) {
        add_or_write(y_bar, (x_bar, untouched), |_, y_bar| along_factor(y_bar, factor));
    }
}

/// A matrix of this shape in the memory of one that is no smaller: a static one allocates nothing.
pub(crate) fn workspace<T: Scalar, R: Dim, C: Dim>(
    memory: &mut OMatrix<T, R, C>,
    (rows, columns): (usize, usize),
) -> DMatrixViewMut<'_, T>
where
    DefaultAllocator: Allocator<R, C>,
{
    DMatrixViewMut::from_slice(&mut memory.as_mut_slice()[..rows * columns], rows, columns)
}

/// The largest static dimension at which loops beat a call of `gemm`.
pub(crate) const SMALL: usize = 6;

/// Whether a dimension is static and so small that loops over it beat a call of `gemm`.
pub(crate) fn is_small<D: Dim>() -> bool {
    D::try_to_usize().is_some_and(|size| size <= SMALL)
}

/// A cotangent times what it is passed on by. Zero is strong: it contributes nothing, whatever the
/// factor.
pub(crate) fn chain<T: Scalar>(cotangent: T, factor: T) -> T {
    if cotangent.is_constant_zero() { T::zero() } else { cotangent * factor }
}

/// The tangent, or the cotangent, of what does not move: a zero of negative sign in every part.
pub(crate) fn still<T: Scalar>() -> T {
    let mut still = T::zero();
    still.parts_mut().fill(<T::Real>::still());
    still
}

/// A real tangent as one of these numbers; that of what does not move stays so.
pub(crate) fn from_real_tangent<T: Scalar>(x: T::Real) -> T {
    if x.is_still() { still() } else { T::from_real(x) }
}

/// Whether it is the tangent of what does not move.
#[inline(always)]
pub(crate) fn is_still<T: Scalar>(x: &T) -> bool {
    // Without a branch, so that loops have vector instructions.
    T::parts_of(std::slice::from_ref(x)).iter().fold(true, |still, part| still & part.is_still())
}

/// Whether nothing moves of what has these tangents.
pub(crate) fn rests<'a, T: Scalar>(tangents: impl IntoIterator<Item = &'a T>) -> bool {
    tangents.into_iter().all(is_still)
}

/// What a tangent becomes; that of what does not move stays so.
pub(crate) fn kept<T: Scalar>(x: T, f: impl FnOnce(T) -> T) -> T {
    let y = moved(f(x));
    if is_still(&x) { x } else { y }
}

/// A sum of tangents, which is at rest if they all are.
pub(crate) fn kept_sum<'a, T: Scalar>(tangents: impl Iterator<Item = &'a T> + Clone) -> T {
    if rests(tangents.clone()) {
        return still();
    }
    // In the order in which the sum itself is formed, on numbers of the mode too.
    tangents.fold(T::zero(), |sum, &x| sum + x)
}

/// The tangent of a number by those of what it depends on, where a function says the slope by each, conjugated. It rests if they
/// all do.
#[inline(always)]
pub(crate) fn along_slopes<A: Copy, T: Scalar>(
    depends_on: &[A],
    tangents: &[T],
    slope: impl Fn(A) -> T,
) -> T::Real {
    if rests(tangents) {
        return Number::still();
    }
    let along = |x, dot| along_factor(dot, slope(x).conjugate());
    sum_of(depends_on, tangents, along).real().moved()
}

/// [`along_slopes`] where an iterator tells the slopes and tangents, of all numbers or of some.
pub(crate) fn along_some<'a, T: Scalar>(
    terms: impl Iterator<Item = (T, &'a T)> + Clone,
) -> T::Real {
    if rests(terms.clone().map(|(_, dot)| dot)) {
        return Number::still();
    }
    let along = |sum, (slope, &dot): (T, &T)| sum + along_factor(dot, slope.conjugate());
    terms.fold(T::zero(), along).real().moved()
}

/// The sum of what a function makes of each two numbers: several sums in turn, as an addition has to wait for the one
/// before, with vector instructions.
#[inline(always)]
pub(crate) fn sum_of<A: Copy, B: Copy, T: Scalar>(a: &[A], b: &[B], term: impl Fn(A, B) -> T) -> T {
    let ((eights_a, a), (eights_b, b)) = (a.as_chunks::<8>(), b[..a.len()].as_chunks::<8>());
    let rest = a.iter().zip(b).fold(T::zero(), |sum, (&a, &b)| sum + term(a, b));
    // What is short is done before it has been asked for the processor's instructions.
    let [a, b, c, d, e, f, g, h] = if eights_a.len() < 8 {
        sums_side_by_side(eights_a, eights_b, &term)
    } else {
        vectorised(|| sums_side_by_side(eights_a, eights_b, &term))
    };
    rest + (((a + e) + (c + g)) + ((b + f) + (d + h)))
}

/// A function, as a closure that is called in two places has no vector instructions in one of them.
#[inline(always)]
fn sums_side_by_side<A: Copy, B: Copy, T: Scalar>(
    a: &[[A; 8]],
    b: &[[B; 8]],
    term: &impl Fn(A, B) -> T,
) -> [T; 8] {
    let mut sums = [T::zero(); 8];
    for (a, b) in a.iter().zip(b) {
        for ((sum, &a), &b) in sums.iter_mut().zip(a).zip(b) {
            *sum += term(a, b);
        }
    }
    sums
}

/// A difference of tangents; that of what does not move subtracts nothing.
pub(crate) fn difference<T: Scalar>(x: T, y: T) -> T {
    let difference = moved(x - y);
    if is_still(&y) { x } else { difference }
}

/// Makes the tangent of a product rest in the entries whose row of the first factor and column of the second do.
pub(crate) fn keep_resting<T: Scalar, R: Dim, C: Dim>(
    y_dot: &mut OMatrix<T, R, C>,
    row: impl Fn(usize) -> bool,
    column: impl Fn(usize) -> bool,
) where
    DefaultAllocator: Allocator<R, C>,
{
    y_dot.apply(|x| *x = moved(*x));
    for i in (0..y_dot.nrows()).filter(|&i| row(i)) {
        for j in (0..y_dot.ncols()).filter(|&j| column(j)) {
            y_dot[(i, j)] = still();
        }
    }
}

/// A slope times a tangent, or a cotangent. What does not move contributes nothing, whatever the slope, and
/// a slope by what does not matter passes nothing on.
#[inline(always)]
pub(crate) fn along<T: Scalar>(slope: T, moving: T) -> T {
    // Without a branch where the numbers are plain, so that loops have vector instructions.
    let product = moved(slope.along(moving));
    if is_still(&moving) | is_still(&slope) { still() } else { product }
}

/// A tangent times a factor: where the factor is zero it is one that was computed, not one that leaves the tangent
/// out.
#[inline(always)]
pub(crate) fn along_factor<T: Scalar>(moving: T, factor: T) -> T {
    along(moved(factor), moving)
}

/// As of what moves: no part is a zero of negative sign.
#[inline(always)]
pub(crate) fn moved<T: Scalar>(mut x: T) -> T {
    x.parts_mut().iter_mut().for_each(|part| *part = part.moved());
    x
}

/// Whether a tangent is not zero throughout. A product with one that is need not be formed.
pub(crate) fn varies<T: Scalar, R: Dim, C: Dim, S: RawStorage<T, R, C>>(
    tangent: &Matrix<T, R, C, S>,
) -> bool {
    tangent.iter().any(|x| !x.is_constant_zero())
}

/// The sum over all entries of a cotangent times the conjugate of a factor, where each zero of the cotangent is strong.
pub(crate) fn pairing<T: Scalar, R: Dim, C: Dim, SA, SB>(
    cotangent: &Matrix<T, R, C, SA>,
    factor: &Matrix<T, R, C, SB>,
) -> T
where
    SA: RawStorage<T, R, C>,
    SB: RawStorage<T, R, C>,
{
    sum_of_terms(cotangent, factor, chain)
}

/// What a number adds up that multiplies the entries of a factor in a product: its cotangent says which zeros are strong,
/// unless the number is zero, and what the factor is is not seen in the product.
pub(crate) fn pairing_by<T: Scalar, R: Dim, C: Dim, SA, SB>(
    number: T,
    cotangent: &Matrix<T, R, C, SA>,
    factor: &Matrix<T, R, C, SB>,
) -> T
where
    SA: RawStorage<T, R, C>,
    SB: RawStorage<T, R, C>,
{
    if number.is_constant_zero() {
        return pairing(cotangent, factor);
    }
    sum_of_terms(cotangent, factor, along_factor)
}

/// The sum over all entries of what a term makes of that of a cotangent and the conjugate of that of a factor.
#[inline(always)]
fn sum_of_terms<T: Scalar, R: Dim, C: Dim, SA, SB>(
    cotangent: &Matrix<T, R, C, SA>,
    factor: &Matrix<T, R, C, SB>,
    term: impl Fn(T, T) -> T,
) -> T
where
    SA: RawStorage<T, R, C>,
    SB: RawStorage<T, R, C>,
{
    let term = |&cotangent: &T, factor: &T| term(cotangent, factor.conjugate());
    let (Some(a), Some(b)) = (column_major_slice(cotangent), column_major_slice(factor)) else {
        let terms = cotangent.iter().zip(factor.iter());
        return terms.fold(T::zero(), |sum, (a, b)| sum + term(a, b));
    };
    sum_of(a, b, |a, b| term(&a, &b))
}

/// C <- beta C. Where beta is zero, what is in C does not matter.
pub(crate) fn scale_by<T: Scalar>(beta: T, c: &mut DMatrixViewMut<'_, T>) {
    if beta.is_constant_zero() {
        c.fill(T::zero());
    } else if !beta.is_constant_one() {
        *c *= beta;
    }
}

/// C <- beta C in a rule, where C is what moves.
pub(crate) fn scale_moving<T: Scalar>(beta: T, c: &mut DMatrixViewMut<'_, T>) {
    if is_bounded_number(&beta) {
        scale_by(beta, c);
    } else {
        c.apply(|c| *c = along_factor(*c, beta));
    }
}

/// The products of plain numbers: [`gemm`](fn@crate::gemm).
struct Plain;

impl PlainProduct for Plain {
    fn add<S: Real>(
        a: (DMatrixView<'_, S>, bool),
        b: (DMatrixView<'_, S>, bool),
        c: &mut DMatrixViewMut<'_, S>,
    ) {
        multiply(S::one(), a, b, S::one(), c);
    }

    fn is_native(rows: usize, inner: usize, columns: usize) -> bool {
        !is_small_product(rows, inner, columns)
    }
}

/// C <- op(A) op(B) + beta C of numbers with tangents, where op is the transpose if the flag says so, beta is
/// one or zero, and a factor may be of plain numbers. Returns whether it did.
///
/// What a rule multiplies in a derivative of higher order: the numbers are not taken apart for a call.
pub(crate) fn multiply_parts<A: Scalar, B: Scalar, C: Scalar>(
    a: (DMatrixView<'_, A>, bool),
    b: (DMatrixView<'_, B>, bool),
    beta: C,
    c: &mut DMatrixViewMut<'_, C>,
) -> bool {
    if !has_parts::<C>() {
        return false;
    }
    if beta.is_constant_zero() {
        c.fill(C::zero());
        return add_parts_to_zeros(a, b, c);
    }
    if !beta.is_constant_one() {
        return false;
    }
    // Where a number is infinite, it matters which zeros are strong. It is seen in the sum, too, which has fewer numbers than
    // the factors of a product that is long.
    let (factors, add) =
        (a.0.len() + b.0.len(), add_product_of_parts::<Plain, A, B, C> as Add<A, B, C>);
    if factors < LONG || factors < 2 * c.len() {
        return is_bounded(&a.0) && is_bounded(&b.0) && add(a, b, c);
    }
    let before = c.clone_owned();
    if add(a, b, c) && is_bounded(&c.as_view()) {
        return true;
    }
    c.copy_from(&before);
    false
}

/// So many numbers of factors are looked at sooner than memory is asked for.
const LONG: usize = 1024;

/// By a pointer, so that the compiler's search for cycles among functions, from each that multiplies, ends here.
type Add<A, B, C> =
    fn((DMatrixView<'_, A>, bool), (DMatrixView<'_, B>, bool), &mut DMatrixViewMut<'_, C>) -> bool;

/// [`multiply_parts`], where C is zero.
fn add_parts_to_zeros<A: Scalar, B: Scalar, C: Scalar>(
    a: (DMatrixView<'_, A>, bool),
    b: (DMatrixView<'_, B>, bool),
    c: &mut DMatrixViewMut<'_, C>,
) -> bool {
    let add = add_product_of_parts::<Plain, A, B, C> as Add<A, B, C>;
    add(a, b, c) && is_bounded(&c.as_view())
}

/// C <- op(A) op(B) + C as in [`multiply_parts`], in an adjoint. Nothing need be in one that nothing was added to.
pub(crate) fn add_parts<A: Scalar, B: Scalar, C: Scalar>(
    a: (DMatrixView<'_, A>, bool),
    b: (DMatrixView<'_, B>, bool),
    untouched: bool,
    c: &mut DMatrixViewMut<'_, C>,
) -> bool {
    multiply_parts(a, b, if untouched { C::zero() } else { C::one() }, c)
}

/// A B of numbers with tangents, as in [`multiply_parts`]; nothing for other numbers.
pub(crate) fn product_of_parts<A: Scalar, B: Scalar, T: Scalar, R: Dim, C: Dim>(
    shape: (R, C),
    a: DMatrixView<'_, A>,
    b: DMatrixView<'_, B>,
) -> Option<OMatrix<T, R, C>>
where
    DefaultAllocator: Allocator<R, C>,
{
    if !has_parts::<T>() {
        return None;
    }
    let mut y = OMatrix::zeros_generic(shape.0, shape.1);
    add_parts_to_zeros((a, false), (b, false), &mut block_mut(&mut y)).then_some(y)
}

/// The numbers as real ones whose value and tangents are plain numbers, if they are such.
pub(crate) fn with_tangents<T: Scalar>(numbers: &[T]) -> Option<&[T::Real]> {
    (has_parts::<T>() && <<T::Real as Real>::Inner as Real>::BASE).then(|| T::parts_of(numbers))
}

/// A number that does not move, and is finite, times one that has plain numbers as tangents.
#[inline(always)]
pub(crate) fn times_constant<S: Real>(factor: S, x: S) -> S {
    let mut product = S::from_inner(factor.inner() * x.inner());
    let mut bounded = true;
    for (product, tangent) in product.tangents_mut().iter_mut().zip(x.tangents()) {
        // A zero keeps its sign, and so what it says. Without a branch, so that loops have vector
        // instructions.
        let moving = (factor.inner() * *tangent).moved();
        *product = if tangent.is_constant_zero() { *tangent } else { moving };
        bounded &= product.is_bounded();
    }
    // Where a number is infinite, it matters which zeros are strong.
    if bounded { product.of_derivation(x) } else { factor * x }
}

/// Adds to an adjoint a number times others, if that does not move and is finite, and these have plain numbers
/// as tangents; writes where nothing was added before. Returns whether it did.
pub(crate) fn add_fixed_multiple<T: Scalar>(
    factor: T::Real,
    x: &[T],
    adjoint: (&mut [T], bool),
) -> bool {
    let Some(x) = with_tangents(x) else { return false };
    let fixed = factor.tangents().iter().all(Number::is_still);
    if !fixed || !factor.is_bounded() || factor.is_constant_zero() {
        return false;
    }
    add_or_write(x, adjoint, |_, x| T::from_real(times_constant(factor, x)));
    true
}

/// Adds to the tangents of a sum those of its terms: the tangents of numbers times others.
pub(crate) fn add_products<S: Real>(moving: &[S], factors: &[S], sum: &mut S) {
    let mut y = *sum;
    for (moving, factor) in moving.iter().zip(factors) {
        for (y_dot, x_dot) in y.tangents_mut().iter_mut().zip(moving.tangents()) {
            *y_dot += *x_dot * factor.inner();
        }
        y = y.of_derivation(*moving).of_derivation(*factor);
    }
    *sum = y;
}

/// A sum whose tangents were computed without regard to which zeros are strong: as it is if nothing moves
/// its terms. Nothing where it is infinite.
pub(crate) fn with_zeros<S: Real>(mut sum: S, moving: &[&[S]]) -> Option<S> {
    for (direction, tangent) in sum.tangents_mut().iter_mut().enumerate() {
        let is_still = |x: &S| x.tangents()[direction].is_still();
        let still = tangent.is_constant_zero() && moving.iter().all(|x| x.iter().all(is_still));
        *tangent = if still { Number::still() } else { tangent.moved() };
    }
    sum.is_bounded().then_some(sum)
}

/// Whether numbers are real and have nothing beside their values: a product of two that is not finite needs no care then
/// but where a zero is strong.
pub(crate) fn is_plain<T: Scalar>() -> bool {
    T::Real::BASE && <T::Kind as Kind>::REAL
}

/// Whether numbers are real and have tangents beside their values.
pub(crate) fn has_parts<T: Scalar>() -> bool {
    <T::Real as Real>::PARTS && !<T::Real as Real>::BASE && <T::Kind as Kind>::REAL
}

/// C <- alpha op(A) op(B) + beta C, where op is the adjoint if the flag says so. The shapes fit.
pub(crate) fn multiply<T: Scalar>(
    alpha: T,
    (a, adjoint_a): (DMatrixView<'_, T>, bool),
    (b, adjoint_b): (DMatrixView<'_, T>, bool),
    beta: T,
    c: &mut DMatrixViewMut<'_, T>,
) {
    let operation = |adjoint| if adjoint { Operation::Adjoint } else { Operation::None };
    gemm_again(alpha, (operation(adjoint_a), a), (operation(adjoint_b), b), beta, c);
}

/// [`multiply`] in a rule, where A or B is what moves.
pub(crate) fn multiply_moving<T: Scalar>(
    alpha: T,
    (a, adjoint_a): (DMatrixView<'_, T>, bool),
    (b, adjoint_b): (DMatrixView<'_, T>, bool),
    moving: Moving,
    beta: T,
    c: &mut DMatrixViewMut<'_, T>,
) {
    let operation = |adjoint| if adjoint { Operation::Adjoint } else { Operation::None };
    gemm_moving(alpha, (operation(adjoint_a), a), (operation(adjoint_b), b), moving, beta, c);
}

/// op(A) op(B), as in [`multiply`].
pub(crate) fn product<T: Scalar>(
    a: (DMatrixView<'_, T>, bool),
    b: (DMatrixView<'_, T>, bool),
) -> DMatrix<T> {
    let rows = if a.1 { a.0.ncols() } else { a.0.nrows() };
    let columns = if b.1 { b.0.nrows() } else { b.0.ncols() };
    let mut product = DMatrix::zeros(rows, columns);
    multiply(T::one(), a, b, T::zero(), &mut block_mut(&mut product));
    product
}

/// op(A) X op(B), where op is the adjoint if the flag says so.
pub(crate) fn triple<T: Scalar>(
    (a, adjoint_a): (&DMatrix<T>, bool),
    x: &DMatrix<T>,
    (b, adjoint_b): (&DMatrix<T>, bool),
) -> DMatrix<T> {
    let through = product((block(x), false), (block(b), adjoint_b));
    product((block(a), adjoint_a), (block(&through), false))
}

/// V^H A V.
pub(crate) fn in_basis<T: Scalar, D: Dim>(
    v: &OMatrix<T, D, D>,
    a: DMatrixView<'_, T>,
) -> OMatrix<T, D, D>
where
    DefaultAllocator: Allocator<D, D>,
{
    let (size, _) = v.shape_generic();
    let mut product = OMatrix::zeros_generic(size, size);
    let mut turned = OMatrix::zeros_generic(size, size);
    let (one, zero) = (T::one(), T::zero());
    multiply(one, (a, false), (block(v), false), zero, &mut block_mut(&mut product));
    multiply(one, (block(v), true), (block(&product), false), zero, &mut block_mut(&mut turned));
    turned
}

/// V^H A V in a derivative mode, of which the value is known otherwise: by less rounding, or triangular.
pub(crate) fn moving_in_basis<T: Scalar>(
    v: &DMatrix<T>,
    a: DMatrixView<'_, T>,
    value: &DMatrix<T>,
) -> DMatrix<T> {
    in_basis(v, a).zip_map(value, with_value)
}

/// x as it moves, with another value.
pub(crate) fn with_value<T: Scalar>(x: T, value: T) -> T {
    (x - plain(x)) + value
}

/// V M V^H.
pub(crate) fn out_of_basis<T: Scalar, D: Dim>(
    v: &OMatrix<T, D, D>,
    m: &OMatrix<T, D, D>,
) -> OMatrix<T, D, D>
where
    DefaultAllocator: Allocator<D, D>,
{
    let (size, _) = v.shape_generic();
    let mut product = OMatrix::zeros_generic(size, size);
    let mut turned = OMatrix::zeros_generic(size, size);
    let (one, zero) = (T::one(), T::zero());
    multiply(one, (block(v), false), (block(m), false), zero, &mut block_mut(&mut product));
    multiply(one, (block(&product), false), (block(v), true), zero, &mut block_mut(&mut turned));
    turned
}

/// B <- op(A)^-1 B or B op(A)^-1 with one triangle of A.
///
/// # Errors
/// [`Error::Singular`] if a diagonal entry is zero, [`Error::NotFinite`] if one is not finite.
pub(crate) fn solve<T: Scalar>(
    side: Side,
    triangle: Triangle,
    operation: Operation,
    a: DMatrixView<'_, T>,
    b: &mut DMatrixViewMut<'_, T>,
) -> Result<(), Error> {
    trsm(side, triangle, operation, Diagonal::General, T::one(), &a, b)
}

/// [`solve`] where the primal has succeeded with the same triangle.
pub(crate) fn solve_again<T: Scalar>(
    side: Side,
    triangle: Triangle,
    operation: Operation,
    a: DMatrixView<'_, T>,
    b: &mut DMatrixViewMut<'_, T>,
) {
    solve(side, triangle, operation, a, b).expect(FIT);
}

/// X <- op(T)^-1 X or X op(T)^-1 for a unit triangular T.
pub(crate) fn solve_unit<T: Scalar>(
    side: Side,
    triangle: Triangle,
    operation: Operation,
    factor: DMatrixView<'_, T>,
    x: &mut DMatrixViewMut<'_, T>,
) {
    trsm(side, triangle, operation, Diagonal::Unit, T::one(), &factor, x).expect(FIT);
}
