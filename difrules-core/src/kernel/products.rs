//! Products of matrices of numbers with tangents, on the values and the tangents where they are in memory.
//!
//! Unsafe, since these are matrices of plain numbers inside of memory of another type: a product that takes
//! them apart and puts the result together takes several times as long.
#![allow(unsafe_code)]

use std::any::TypeId;
use std::ops::Range;

use difrules_gemm::gemm;
use nalgebra::{
    DMatrix, DMatrixView, DMatrixViewMut, Dyn, Matrix, RawStorage, RawStorageMut, U1, ViewStorage,
};

use crate::cast::{same_value, same_view, same_view_mut};
use crate::contract::scalar::{Real, Scalar};
use crate::tape::Number;

/// A matrix in memory, by its strides in bytes.
#[derive(Clone, Copy)]
struct Strided<S> {
    first: *mut S,
    shape: (usize, usize),
    strides: (usize, usize),
}

/// What the tangents of a matrix in a direction are.
#[derive(Clone, Copy, PartialEq)]
enum Motion {
    /// Those of what does not move.
    Still,
    /// Zero, as it came out.
    Zero,
    Varying,
}

// The functions here are safe where all entries that the shape names are in memory that is borrowed for as
// long as they run: mutably what is written to.
impl<S: Real> Strided<S> {
    /// The matrix that starts there, by strides in numbers of its type.
    fn new(first: *mut S, shape: (usize, usize), (down, right): (usize, usize)) -> Self {
        Self { first, shape, strides: (down * size_of::<S>(), right * size_of::<S>()) }
    }

    fn transposed(self) -> Self {
        let Self { first, shape, strides } = self;
        Self { first, shape: (shape.1, shape.0), strides: (strides.1, strides.0) }
    }

    /// The values, or the tangents in a direction.
    fn part<P: Real>(self, part: usize) -> Strided<P> {
        let first = self.first.wrapping_byte_add(S::place_of_part(part)).cast();
        Strided { first, shape: self.shape, strides: self.strides }
    }

    /// A column, with so many less one that are beside it in memory.
    fn beside(self, columns: usize) -> Self {
        let Self { first, shape: (rows, _), strides: (down, _) } = self;
        Self { first, shape: (rows, columns), strides: (down, size_of::<S>()) }
    }

    /// Its strides in numbers of its type, which has no parts.
    fn steps(self) -> (usize, usize) {
        (self.strides.0 / size_of::<S>(), self.strides.1 / size_of::<S>())
    }

    /// As the kernel takes it, of the type that its numbers have.
    fn plain<P>(self) -> difrules_gemm::Strided<P> {
        let Self { first, shape, .. } = self;
        difrules_gemm::Strided { first, shape, steps: self.steps() }.cast()
    }

    /// Where an entry is.
    fn place(self, (i, j): (usize, usize)) -> *mut S {
        self.first.wrapping_byte_add(i * self.strides.0 + j * self.strides.1)
    }

    /// Where its entries are, column by column.
    fn places(self) -> impl Iterator<Item = *mut S> {
        let (rows, columns) = self.shape;
        (0..columns).flat_map(move |j| (0..rows).map(move |i| self.place((i, j))))
    }

    /// The entries, column by column.
    unsafe fn entries(self) -> Vec<S> {
        let (rows, columns) = self.shape;
        let mut entries = Vec::with_capacity(rows * columns);
        for j in 0..columns {
            // SAFETY: as the caller says.
            entries.extend((0..rows).map(|i| unsafe { *self.place((i, j)) }));
        }
        entries
    }

    /// What they are as tangents.
    unsafe fn motion(self) -> Motion {
        let mut motion = Motion::Still;
        for place in self.places() {
            // SAFETY: as the caller says.
            let entry = unsafe { &*place };
            if !entry.is_constant_zero() {
                return Motion::Varying;
            }
            if !entry.is_still() {
                motion = Motion::Zero;
            }
        }
        motion
    }

    /// Lends it to `f` column by column: itself, or a copy.
    unsafe fn lend<Out>(self, f: impl FnOnce(DMatrixView<'_, S>) -> Out) -> Out {
        let (rows, columns) = self.shape;
        if self.steps().0 == 1 {
            let (shape, strides) = ((Dyn(rows), Dyn(columns)), (U1, Dyn(self.steps().1)));
            // SAFETY: these are the entries that the shape names.
            let data =
                unsafe { ViewStorage::from_raw_parts(self.first.cast_const(), shape, strides) };
            return f(Matrix::from_data(data));
        }
        // SAFETY: as the caller says.
        let entries = unsafe { self.entries() };
        f(DMatrixView::from_slice(&entries, rows, columns))
    }
}

/// A factor of a product, and whether it is used transposed.
#[derive(Clone, Copy)]
struct Factor<S> {
    matrix: Strided<S>,
    transpose: bool,
}

impl<S: Real> Factor<S> {
    fn part<P: Real>(self, part: usize) -> Factor<P> {
        Factor { matrix: self.matrix.part(part), transpose: self.transpose }
    }

    fn turned(self) -> Strided<S> {
        if self.transpose { self.matrix.transposed() } else { self.matrix }
    }

    unsafe fn motion(self, direction: usize) -> Motion {
        if direction >= S::DIRECTIONS {
            return Motion::Still;
        }
        // SAFETY: as the caller says.
        unsafe { self.matrix.part::<S::Inner>(1 + direction).motion() }
    }
}

/// How a product of plain numbers is computed, so that its values are the same in every mode.
pub trait PlainProduct {
    /// C <- op(A) op(B) + C, where op is the transpose if the flag says so.
    fn add<S: Real>(
        a: (DMatrixView<'_, S>, bool),
        b: (DMatrixView<'_, S>, bool),
        c: &mut DMatrixViewMut<'_, S>,
    );

    /// Whether a product of these rows, terms and columns is computed as [`native_gemm`](crate::kernel::native_gemm) does.
    fn is_native(rows: usize, inner: usize, columns: usize) -> bool;
}

/// C <- op(A) op(B) + C for numbers with tangents, dual numbers of dual numbers too; op is the transpose if
/// the flag says so, and a factor of plain numbers is a constant. Returns whether it did: of other numbers
/// nothing is changed.
///
/// Values and tangents are multiplied where they are in memory, as matrices of plain numbers whose strides
/// are larger: nothing is put together and taken apart, a tangent that is zero takes no product, and the
/// tangents of a column in all directions take one.
///
/// # Panics
/// If the shapes do not fit.
///
/// ```
/// use difrules_core::kernel::{PlainProduct, add_product_of_parts};
/// use difrules_core::{Dual, Real};
/// use nalgebra::{DMatrixView, DMatrixViewMut, dmatrix};
///
/// struct Loops;
///
/// impl PlainProduct for Loops {
///     fn add<S: Real>(
///         (a, turn_a): (DMatrixView<'_, S>, bool),
///         (b, turn_b): (DMatrixView<'_, S>, bool),
///         c: &mut DMatrixViewMut<'_, S>,
///     ) {
///         let turned = |m: DMatrixView<'_, S>, turn| if turn { m.transpose() } else { m.into_owned() };
///         *c += turned(a, turn_a) * turned(b, turn_b);
///     }
///
///     fn is_native(_: usize, _: usize, _: usize) -> bool {
///         false
///     }
/// }
///
/// let a = dmatrix![2.0, 1.0];
/// let b = dmatrix![Dual::new(3.0, [1.0]); Dual::new(4.0, [0.5])];
/// let mut c = dmatrix![Dual::constant(0.0)];
/// let factors = ((a.as_view(), false), (b.as_view(), false));
/// assert!(add_product_of_parts::<Loops, _, _, _>(factors.0, factors.1, &mut c.as_view_mut()));
/// assert_eq!((c[0].value, c[0].tangents), (10.0, [2.5]));
/// ```
pub fn add_product_of_parts<P: PlainProduct, A: Scalar, B: Scalar, C: Scalar>(
    (a, transpose_a): (DMatrixView<'_, A>, bool),
    (b, transpose_b): (DMatrixView<'_, B>, bool),
    c: &mut DMatrixViewMut<'_, C>,
) -> bool {
    if !C::Real::PARTS || C::Real::BASE || !is_base_or::<A, C>() || !is_base_or::<B, C>() {
        return false;
    }
    let (Some(a), Some(b), Some(mut c)) = (
        same_view::<A, A::Real, _, _, _, _>(a),
        same_view::<B, B::Real, _, _, _, _>(b),
        same_view_mut::<C, C::Real, Dyn, Dyn, U1, Dyn>(c.as_view_mut()),
    ) else {
        return false;
    };
    if cfg!(debug_assertions) {
        let marks = a.iter().filter_map(|x| same_value::<A::Real, C::Real>(*x));
        let marks = marks.chain(b.iter().filter_map(|x| same_value::<B::Real, C::Real>(*x)));
        let mark = marks.fold(C::Real::still(), C::Real::of_derivation);
        c.apply(|x| *x = x.of_derivation(mark));
    }
    let matrix = Strided::new(a.data.ptr().cast_mut(), a.shape(), a.strides());
    let a = Factor { matrix, transpose: transpose_a };
    let matrix = Strided::new(b.data.ptr().cast_mut(), b.shape(), b.strides());
    let b = Factor { matrix, transpose: transpose_b };
    let (left, right) = (a.turned().shape, b.turned().shape);
    assert_eq!(
        (left.1, (left.0, right.1)),
        (right.0, c.shape()),
        "the shapes of a product have to fit"
    );
    let (shape, strides) = (c.shape(), c.strides());
    let c = Strided::new(c.data.ptr_mut(), shape, strides);
    // SAFETY: the three matrices are borrowed for this call, C for this call alone, and the shapes fit.
    unsafe { add_product::<P, A::Real, B::Real, C::Real>(a, b, c, true) };
    true
}

/// Whether numbers of a type are those of another, or the plain numbers in these.
fn is_base_or<A: Scalar, C: Scalar>() -> bool {
    fn base<S: Real>() -> TypeId {
        if S::BASE { TypeId::of::<S>() } else { base::<S::Inner>() }
    }
    TypeId::of::<A>() == TypeId::of::<C>() || TypeId::of::<A>() == base::<C::Real>()
}

/// C <- op(A) op(B) + C. By the product rule, for values and tangents each; `exact` says that it has to be
/// the plain product to the last digit.
///
/// # Safety
/// The entries that the shapes name are borrowed, those of C mutably, and the shapes fit.
unsafe fn add_product<P: PlainProduct, A: Real, B: Real, C: Real>(
    a: Factor<A>,
    b: Factor<B>,
    c: Strided<C>,
    exact: bool,
) {
    let (rows, columns) = c.shape;
    let inner = a.turned().shape.1;
    if C::BASE {
        if exact && !P::is_native(rows, inner, columns) {
            // SAFETY: as the caller says; all three types are one.
            unsafe { add_plain_product::<P, A, B, C>(a, b, c) };
        } else {
            // SAFETY: as the caller says.
            unsafe { add_native_product(a.turned(), b.turned(), c) };
        }
        return;
    }
    // SAFETY: the parts of entries that are borrowed are.
    unsafe {
        let (a_value, b_value) = (a.part::<A::Inner>(0), b.part::<B::Inner>(0));
        add_product::<P, A::Inner, B::Inner, C::Inner>(a_value, b_value, c.part(0), exact);
        let (mut a_moves, mut b_moves) = (Vec::new(), Vec::new());
        for direction in 0..C::DIRECTIONS {
            let motions = [a.motion(direction), b.motion(direction)];
            if motions.contains(&Motion::Zero) && !motions.contains(&Motion::Varying) {
                let c_dot = c.part::<C::Inner>(1 + direction);
                c_dot.places().for_each(|place| *place = (*place).moved());
            }
            a_moves.push(motions[0] == Motion::Varying);
            b_moves.push(motions[1] == Motion::Varying);
        }
        // The tangents of an entry are beside each other: those of a column, or of a row, are the columns, or
        // the rows, of one matrix.
        for run in runs(&a_moves, rows == 1 && C::Inner::BASE) {
            let (a_dot, c_dot) = (a.part::<A::Inner>(1 + run.start), c.part(1 + run.start));
            if run.len() == 1 {
                add_product::<P, A::Inner, B::Inner, C::Inner>(a_dot, b_value, c_dot, false);
            } else {
                let a_dots = a_dot.turned().transposed().beside(run.len()).transposed();
                let c_dots = c_dot.transposed().beside(run.len()).transposed();
                add_native_product(a_dots, b_value.turned(), c_dots);
            }
        }
        for run in runs(&b_moves, columns == 1 && C::Inner::BASE) {
            let (b_dot, c_dot) = (b.part::<B::Inner>(1 + run.start), c.part(1 + run.start));
            if run.len() == 1 {
                add_product::<P, A::Inner, B::Inner, C::Inner>(a_value, b_dot, c_dot, false);
            } else {
                let b_dots = b_dot.turned().beside(run.len());
                add_native_product(a_value.turned(), b_dots, c_dot.beside(run.len()));
            }
        }
    }
}

/// The runs of directions that move, each alone if they are not taken together.
fn runs(moves: &[bool], together: bool) -> Vec<Range<usize>> {
    let mut runs: Vec<Range<usize>> = Vec::new();
    for direction in (0..moves.len()).filter(|direction| moves[*direction]) {
        match runs.last_mut() {
            Some(run) if together && run.end == direction => run.end += 1,
            _ => runs.push(direction..direction + 1),
        }
    }
    runs
}

/// [`PlainProduct::add`], where `A`, `B` and `C` are one type.
///
/// # Safety
/// The entries that the shapes name are borrowed, those of C mutably, and the shapes fit.
unsafe fn add_plain_product<P: PlainProduct, A: Real, B: Real, C: Real>(
    a: Factor<A>,
    b: Factor<B>,
    c: Strided<C>,
) {
    // SAFETY: as the caller says.
    unsafe {
        let (rows, columns) = c.shape;
        let mut sum = DMatrix::from_vec(rows, columns, c.entries());
        a.matrix.lend(|a_matrix| {
            b.matrix.lend(|b_matrix| {
                let a_matrix = same_view(a_matrix).expect("one type");
                let b_matrix = same_view(b_matrix).expect("one type");
                let factors = ((a_matrix, a.transpose), (b_matrix, b.transpose));
                P::add::<C>(factors.0, factors.1, &mut sum.as_view_mut());
            });
        });
        c.places().zip(sum.iter()).for_each(|(place, sum)| *place = *sum);
    }
}

/// C <- A B + C for plain numbers.
///
/// # Safety
/// The entries that the shapes name are borrowed, those of C mutably, the shapes fit, and the three types are one.
unsafe fn add_native_product<A: Real, B: Real, C: Real>(
    a: Strided<A>,
    b: Strided<B>,
    c: Strided<C>,
) {
    let ((rows, columns), inner) = (c.shape, a.shape.1);
    if inner == 1 {
        for j in 0..columns {
            for i in 0..rows {
                let (a, b) = (a.place((i, 0)).cast::<C>(), b.place((0, j)).cast::<C>());
                // SAFETY: the shapes name these entries; the three types are one.
                unsafe { *c.place((i, j)) += *a * *b };
            }
        }
        return;
    }
    // SAFETY: as the caller says; the types are the kernel's.
    unsafe {
        if TypeId::of::<C>() == TypeId::of::<f64>() {
            gemm::<f64>(1.0, a.plain(), b.plain(), 1.0, c.plain());
        } else if TypeId::of::<C>() == TypeId::of::<f32>() {
            gemm::<f32>(1.0, a.plain(), b.plain(), 1.0, c.plain());
        } else {
            unreachable!("plain numbers are of one of these types");
        }
    }
}
