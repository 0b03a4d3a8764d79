//! Functions of numbers done to each entry of matrices: one node and one pass, whatever the function.

use std::convert::Infallible;
use std::marker::PhantomData;

use difrules_core::__private::{infallible, same, same_slice_ref};
use difrules_core::contract::passing::Value;
use difrules_core::contract::{
    AsWhole, Elementwise, Evaluation, InOnePiece, Inputs, Kind, Lent, Number, Operand, Plain,
    Primitive,
};
use difrules_core::registry::UnknownPartial;
use difrules_core::testing::Sampler;
use difrules_core::{Cotangent, Real, Scalar, Slot, primitive};
use nalgebra::allocator::Allocator;
use nalgebra::{DMatrix, DefaultAllocator, Dim, Dyn, MatrixViewMut, OMatrix, U1, Vector1};
use simba::scalar::SupersetOf;

use super::Matrix;
use super::failure::{MatrixError, named};
use super::operators::{Beside, Term};
use crate::block::{add_to, along, moved, numbers, numbers_mut, still};
use crate::error::Error;

/// A number of a kind over a real scalar.
type Of<K, S> = <K as Kind>::Of<S>;

/// A function of `N` numbers with its partial derivatives, which the primitives here do to each entry.
///
/// [`elementwise!`](crate::elementwise!) writes one for an expression; [`Matrix::map`] and
/// [`Matrix::zip_map`] make one of a registered primitive. One that is written by hand gets its call from
/// [`fuse_1`](crate::fuse_1) and its kin.
///
/// ```
/// use difrules_core::Real;
/// use difrules_linalg::{Formula, Matrix, fuse_1};
/// use nalgebra::dmatrix;
///
/// /// x^2.
/// struct Square;
///
/// impl Formula<1> for Square {
///     type Kind = f64;
///
///     fn value<S: Real>([x]: [S; 1]) -> S {
///         x * x
///     }
///
///     fn value_and_slopes<S: Real>([x]: [S; 1]) -> (S, [S; 1]) {
///         (x * x, [x + x])
///     }
/// }
///
/// let squares = fuse_1(Square, &Matrix::from(dmatrix![1.0, 2.0]));
/// assert_eq!(*squares, dmatrix![1.0, 4.0]);
/// ```
#[diagnostic::on_unimplemented(
    message = "this is no function of {N} numbers",
    note = "the closure of `elementwise!` takes one number for each matrix after it"
)]
pub trait Formula<const N: usize>: 'static {
    /// Real or complex.
    type Kind: Kind;
    /// Whether a derivative of -0 says that the number does not matter at this point.
    #[doc(hidden)]
    const KNOWS_OFF: bool = false;

    /// The value.
    fn value<S: Real>(x: [Of<Self::Kind, S>; N]) -> Of<Self::Kind, S>;

    /// The value, bit for bit that of [`value`](Formula::value), and the partial derivative by each number;
    /// where it is complex, the complex derivative.
    fn value_and_slopes<S: Real>(
        x: [Of<Self::Kind, S>; N],
    ) -> (Of<Self::Kind, S>, [Of<Self::Kind, S>; N]);

    /// Whether the derivative by a number is known.
    ///
    /// # Errors
    /// If it is not: what a mode panics with that needs it.
    fn known(_argument: usize) -> Result<(), UnknownPartial> {
        Ok(())
    }
}

/// A registered primitive as a [`Formula`].
pub struct By<P, K>(PhantomData<(P, K)>);

/// The partial derivative by an argument of a primitive of numbers, whose tangents `unit` gives with a one
/// in that argument's place.
#[inline]
fn slope<P: Primitive<Output = K, Error = Infallible>, K: Kind, S: Real, const N: usize>(
    evaluation: &Evaluation<P, S>,
    argument: usize,
    mut unit: Inputs<P, S>,
    again: impl FnOnce() -> Evaluation<P, S>,
) -> Of<K, S> {
    if !P::is_known(argument) {
        return nalgebra::zero();
    }
    if P::SCALAR {
        let slope = P::partial::<S>(evaluation, argument);
        let off = slope.is_constant_zero() && P::is_off::<S>(evaluation, argument);
        return same(if off { S::still() } else { slope.moved() });
    }
    // Whoever has no partial derivatives has one of the rules.
    if P::record().forward {
        return P::forward::<S>(evaluation, &mut unit);
    }
    let evaluation = again();
    let shapes = P::shapes::<S>(&evaluation);
    let residual = P::residual::<S>(evaluation);
    let mut adjoints = [[S::zero()]; N];
    let mut slots = adjoints.each_mut().map(|adjoint| Some(&mut adjoint[..]));
    P::reverse::<S>(&residual, &shapes, &mut [S::one()], &mut slots);
    same(adjoints[argument][0])
}

/// [`Formula::known`] of a primitive.
fn known<P: Primitive>(argument: usize) -> Result<(), UnknownPartial> {
    if P::is_known(argument) {
        return Ok(());
    }
    let record = P::record();
    Err(UnknownPartial::of(record, argument))
}

macro_rules! by {
    ($N:tt [$($Value:ident)+] $($x:ident $i:tt [$($unit:ident)+])+) => {
        impl<P: Elementwise<K>, K: Kind> Formula<$N> for By<P, K>
        where
            P::At: Primitive<
                Arguments = ($($Value<K>,)+),
                Output = K,
                Error = Infallible,
            >,
        {
            type Kind = K;
            const KNOWS_OFF: bool = P::At::SCALAR;

            #[inline]
            fn value<S: Real>([$($x),+]: [Of<K, S>; $N]) -> Of<K, S> {
                infallible(P::At::into_result::<S>(P::At::primal::<S>(($($x,)+))))
            }

            #[inline]
            fn value_and_slopes<S: Real>(
                [$($x),+]: [Of<K, S>; $N],
            ) -> (Of<K, S>, [Of<K, S>; $N]) {
                let evaluation = infallible(P::At::evaluate::<S>(($($x,)+)));
                let again = || infallible(P::At::evaluate::<S>(($($x,)+)));
                let slopes = [$(
                    slope::<P::At, K, S, $N>(&evaluation, $i, ($(nalgebra::$unit(),)+), again)
                ),+];
                (evaluation.output, slopes)
            }

            fn known(argument: usize) -> Result<(), UnknownPartial> {
                known::<P::At>(argument)
            }
        }
    };
}
by!(1 [Value] x 0 [one]);
by!(2 [Value Value] x 0 [one zero] y 1 [zero one]);
by!(3 [Value Value Value] x 0 [one zero zero] y 1 [zero one zero] z 2 [zero zero one]);

/// The product.
pub(super) struct Times<K>(PhantomData<K>);

impl<K: Kind> Formula<2> for Times<K> {
    type Kind = K;

    #[inline]
    fn value<S: Real>([x, y]: [Of<K, S>; 2]) -> Of<K, S> {
        x * y
    }

    #[inline]
    fn value_and_slopes<S: Real>([x, y]: [Of<K, S>; 2]) -> (Of<K, S>, [Of<K, S>; 2]) {
        (x * y, [y, x])
    }
}

/// The entries of an argument, and how far it is from one row, and from one column, to the next: nothing
/// where there is one for all.
struct Entries<'a, T> {
    entries: &'a [T],
    row_step: usize,
    column_step: usize,
}

impl<'a, T: Scalar> Entries<'a, T> {
    fn new<R: Dim, C: Dim>(matrix: &'a OMatrix<T, R, C>) -> Self
    where
        DefaultAllocator: Allocator<R, C>,
    {
        let (rows, columns) = matrix.shape();
        Self {
            entries: matrix.as_slice(),
            row_step: usize::from(rows != 1),
            column_step: if columns == 1 { 0 } else { rows },
        }
    }

    /// As numbers of the same type by another name.
    fn of<U: Scalar>(self) -> Entries<'a, U> {
        let entries = same_slice_ref(self.entries);
        Entries { entries, row_step: self.row_step, column_step: self.column_step }
    }
}

/// Calls `f` with the number of each entry of a matrix of this shape, in order, and with the numbers in its
/// place.
#[inline(always)]
fn each<T: Scalar, const N: usize>(
    (rows, columns): (usize, usize),
    all: &[Entries<'_, T>; N],
    mut f: impl FnMut(usize, [T; N]),
) {
    let count = rows * columns;
    if all.iter().all(|one| one.entries.len() == count) {
        // The slices are known to be long enough, so that the loop has no branch.
        let slices = all.each_ref().map(|one| &one.entries[..count]);
        #[expect(clippy::needless_range_loop, reason = "there is no one slice to go through")]
        for k in 0..count {
            f(k, std::array::from_fn(|i| slices[i][k]));
        }
        return;
    }
    for j in 0..columns {
        let firsts = all.each_ref().map(|one| j * one.column_step);
        for i in 0..rows {
            let number = |n: usize| all[n].entries[firsts[n] + i * all[n].row_step];
            f(i + j * rows, std::array::from_fn(number));
        }
    }
}

/// The partial derivatives of a function at each entry, a matrix for each of its numbers.
pub struct Slopes<F, X, const N: usize> {
    by: [X; N],
    of: PhantomData<fn() -> F>,
}

/// The function of each entry.
#[inline(always)]
fn values<T: Scalar, F: Formula<N>, R: Dim, C: Dim, const N: usize>(
    shape: (R, C),
    all: [Entries<'_, T>; N],
) -> OMatrix<T, R, C>
where
    DefaultAllocator: Allocator<R, C>,
{
    let mut y = OMatrix::zeros_generic(shape.0, shape.1);
    let entries: &mut [T] = y.as_mut_slice();
    let all = all.map(Entries::of::<Of<F::Kind, T::Real>>);
    each((shape.0.value(), shape.1.value()), &all, |k, x| {
        entries[k] = same(F::value::<T::Real>(x));
    });
    y
}

/// The function of each entry, and the slopes there.
#[inline(always)]
fn values_and_slopes<T: Scalar, F: Formula<N>, R: Dim, C: Dim, const N: usize>(
    shape: (R, C),
    all: [Entries<'_, T>; N],
) -> (OMatrix<T, R, C>, Slopes<F, OMatrix<T, R, C>, N>)
where
    DefaultAllocator: Allocator<R, C>,
{
    let mut y = OMatrix::zeros_generic(shape.0, shape.1);
    let mut slopes: [OMatrix<T, R, C>; N] =
        std::array::from_fn(|_| OMatrix::zeros_generic(shape.0, shape.1));
    {
        let count = shape.0.value() * shape.1.value();
        let entries: &mut [T] = &mut y.as_mut_slice()[..count];
        let mut slopes = slopes.each_mut().map(|slopes| &mut slopes.as_mut_slice()[..count]);
        let all = all.map(Entries::of::<Of<F::Kind, T::Real>>);
        each((shape.0.value(), shape.1.value()), &all, |k, x| {
            let (value, by) = F::value_and_slopes::<T::Real>(x);
            entries[k] = same(value);
            for (slopes, by) in slopes.iter_mut().zip(by) {
                let slope: T = same(by);
                slopes[k] = if F::KNOWS_OFF { slope } else { moved(slope) };
            }
        });
    }
    (y, Slopes { by: slopes, of: PhantomData })
}

/// Panics if somebody asks for a derivative that nobody knows.
fn ask<F: Formula<N>, const N: usize>(argument: usize, varies: impl FnOnce() -> bool) {
    if let Err(unknown) = F::known(argument)
        && varies()
    {
        panic!("{unknown}");
    }
}

/// The tangent: the sum of the slopes times the tangents.
#[inline(always)]
fn push<T: Scalar, F: Formula<N>, R: Dim, C: Dim, const N: usize>(
    slopes: &Slopes<F, OMatrix<T, R, C>, N>,
    all: [Entries<'_, T>; N],
) -> OMatrix<T, R, C>
where
    DefaultAllocator: Allocator<R, C>,
{
    for (argument, tangents) in all.iter().enumerate() {
        ask::<F, N>(argument, || tangents.entries.iter().any(|x| !x.is_constant_zero()));
    }
    let slopes = &slopes.by;
    let shape = slopes[0].shape_generic();
    let mut y_dot = OMatrix::zeros_generic(shape.0, shape.1);
    let entries: &mut [T] = y_dot.as_mut_slice();
    each(slopes[0].shape(), &all, |k, x_dot| {
        let terms = slopes.iter().zip(x_dot);
        entries[k] =
            terms.fold(still(), |sum, (slopes, x_dot)| sum + along(slopes.as_slice()[k], x_dot));
    });
    y_dot
}

/// Adds the cotangent times the conjugate slope to an adjoint; over all places that one entry stands in.
fn pull<T: Scalar, F: Formula<N>, R: Dim, C: Dim, R1: Dim, C1: Dim, const N: usize>(
    argument: usize,
    slopes: &Slopes<F, OMatrix<T, R, C>, N>,
    y_bar: &Cotangent<'_, OMatrix<T, R, C>>,
    x_bar: &mut MatrixViewMut<'_, T, R1, C1>,
) where
    DefaultAllocator: Allocator<R, C>,
{
    ask::<F, N>(argument, || y_bar.iter().any(|y_bar| !y_bar.is_constant_zero()));
    let slopes = slopes.by[argument].as_slice();
    let ((rows, columns), shape) = (y_bar.shape(), x_bar.shape());
    let (y_bar, x_bar) = (numbers(y_bar), numbers_mut(x_bar));
    if shape == (rows, columns) {
        let slopes = &slopes[..y_bar.len()];
        return add_to(y_bar, x_bar, |k, y_bar| along(slopes[k].conjugate(), y_bar));
    }
    for j in 0..columns {
        let column = j * rows..(j + 1) * rows;
        let (y_bar, slopes) = (&y_bar[column.clone()], &slopes[column]);
        let x_bar = if shape.1 == 1 { &mut *x_bar } else { &mut x_bar[j * shape.0..][..shape.0] };
        if let [x_bar] = x_bar {
            for (&y_bar, slope) in y_bar.iter().zip(slopes) {
                *x_bar += along(slope.conjugate(), y_bar);
            }
        } else {
            add_to(y_bar, x_bar, |i, y_bar| along(slopes[i].conjugate(), y_bar));
        }
    }
}

/// Demands that an argument has the rows and columns of the first, or one that stands for all.
fn fits(argument: &'static str, found: (usize, usize), first: (usize, usize)) -> Result<(), Error> {
    let expected = (if found.0 == 1 { 1 } else { first.0 }, if found.1 == 1 { 1 } else { first.1 });
    crate::error::shape(argument, found, expected)
}

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
struct Lends<B>(B);

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
fn check<T: Scalar, R: Dim, C: Dim, B: Operand + EntryArgument<T, R, C, B::Is>>(
    number: usize,
    argument: &B,
    first: (usize, usize),
) where
    DefaultAllocator: Allocator<R, C>,
{
    let (expected, found) = (B::expected(first), argument.size());
    assert!(
        found == expected,
        "entry by entry beside a matrix of {} x {}, matrix {number} has to be {} x {}, but is {} x {}",
        first.0,
        first.1,
        expected.0,
        expected.1,
        found.0,
        found.1
    );
}

/// (x + y + ..)^2: what the checker tries.
struct Example;

impl<const N: usize> Formula<N> for Example {
    type Kind = f64;

    fn value<S: Real>(x: [S; N]) -> S {
        <Self as Formula<N>>::value_and_slopes(x).0
    }

    fn value_and_slopes<S: Real>(x: [S; N]) -> (S, [S; N]) {
        let sum = x.into_iter().fold(S::zero(), |sum, x| sum + x);
        (sum * sum, [sum + sum; N])
    }
}

/// A matrix, and what stands beside it: others of its shape, columns, rows, and numbers in turn.
fn sample<const N: usize>(random: &mut Sampler) -> [DMatrix<f64>; N] {
    let (rows, columns) = (random.size(0, 4), random.size(0, 4));
    let shapes = [(rows, columns), (rows, 1), (1, columns), (1, 1)];
    let kinds: [usize; N] =
        std::array::from_fn(|i| if i == 0 { 0 } else { random.size(0, shapes.len() - 1) });
    kinds.map(|kind| random.matrix(shapes[kind].0, shapes[kind].1))
}

/// The primitive of one number of arguments, and its call.
macro_rules! arity {
    (
        $N:tt $name:ident $fuse:ident $augmented:ident $forward:ident $reverse:ident
        [$a:ident $a_dot:ident $a_bar:ident]
        [$($b:ident $b_dot:ident $b_bar:ident $B:ident $R:ident $C:ident $i:tt $shown:tt)*]
        [$($dynamic:tt)*] [$draw:ident $drawn:ty]
    ) => {
        /// A function of numbers, of the type `F`, done to each entry: what
        /// [`elementwise!`](crate::elementwise!) and [`Matrix::map`](crate::Matrix::map) call. An argument
        /// with one row, or one column, stands in every row, or column, of the first.
        ///
        /// # Errors
        /// [`Error::DimensionMismatch`] if the shapes do not fit.
        ///
        /// # Derivation
        /// With y_ij = f(a_ij, b_ij, ..): dy_ij is the sum of the partial derivatives, which the first pass
        /// keeps, times the tangents; an adjoint gets the cotangents times the conjugate partial
        /// derivatives, summed over the places that an entry stands in.
        #[primitive(
            forward = $forward,
            reverse = $reverse,
            saves = $augmented -> Slopes<F, OMatrix<T, R, C>, $N>,
            reads(),
            entrywise,
            instances(<f64, Example, $($dynamic)*>),
            sample = $draw
        )]
        pub fn $name<T: Scalar, F: Formula<$N>, R: Dim, C: Dim $(, $R: Dim, $C: Dim)*>(
            $a: &OMatrix<T, R, C>,
            $($b: &OMatrix<T, $R, $C>,)*
        ) -> Result<OMatrix<T, R, C>, Error>
        where
            DefaultAllocator: Allocator<R, C> $(+ Allocator<$R, $C>)*,
        {
            $(fits($shown, $b.shape(), $a.shape())?;)*
            let all = [Entries::new($a) $(, Entries::new($b))*];
            Ok(values::<T, F, R, C, $N>($a.shape_generic(), all))
        }

        fn $augmented<T: Scalar, F: Formula<$N>, R: Dim, C: Dim $(, $R: Dim, $C: Dim)*>(
            $a: &OMatrix<T, R, C>,
            $($b: &OMatrix<T, $R, $C>,)*
        ) -> Result<(OMatrix<T, R, C>, Slopes<F, OMatrix<T, R, C>, $N>), Error>
        where
            DefaultAllocator: Allocator<R, C> $(+ Allocator<$R, $C>)*,
        {
            $(fits($shown, $b.shape(), $a.shape())?;)*
            let all = [Entries::new($a) $(, Entries::new($b))*];
            Ok(values_and_slopes::<T, F, R, C, $N>($a.shape_generic(), all))
        }

        fn $forward<T: Scalar, F: Formula<$N>, R: Dim, C: Dim $(, $R: Dim, $C: Dim)*>(
            slopes: &Slopes<F, OMatrix<T, R, C>, $N>,
            $a_dot: &OMatrix<T, R, C>,
            $($b_dot: &OMatrix<T, $R, $C>,)*
        ) -> OMatrix<T, R, C>
        where
            DefaultAllocator: Allocator<R, C> $(+ Allocator<$R, $C>)*,
        {
            push(slopes, [Entries::new($a_dot) $(, Entries::new($b_dot))*])
        }

        #[allow(clippy::too_many_arguments)] // A slot an argument.
        fn $reverse<T: Scalar, F: Formula<$N>, R: Dim, C: Dim $(, $R: Dim, $C: Dim)*>(
            slopes: &Slopes<F, OMatrix<T, R, C>, $N>,
            y_bar: Cotangent<'_, OMatrix<T, R, C>>,
            $a_bar: Slot<'_, OMatrix<T, R, C>>,
            $($b_bar: Slot<'_, OMatrix<T, $R, $C>>,)*
        ) where
            DefaultAllocator: Allocator<R, C> $(+ Allocator<$R, $C>)*,
        {
            if let Some(mut a_bar) = $a_bar.buffer() {
                pull(0, slopes, &y_bar, &mut a_bar);
            }
            $(if let Some(mut b_bar) = $b_bar.buffer() {
                pull($i, slopes, &y_bar, &mut b_bar);
            })*
        }

        fn $draw(random: &mut Sampler) -> $drawn {
            let [$a $(, $b)*] = sample(random);
            arity!(@all $a $($b)*)
        }

        /// Does a [`Formula`] to each entry of a matrix and of what stands beside it; see
        /// [`elementwise!`](crate::elementwise!), which calls it.
        ///
        /// # Panics
        /// If the shapes do not fit.
        #[track_caller]
        pub fn $fuse<F, T, R, C $(, $B, $R, $C)*>(
            _: F,
            $a: &Matrix<T, R, C>,
            $($b: $B,)*
        ) -> Matrix<T, R, C>
        where
            T: Scalar,
            F: Formula<$N, Kind = T::Kind>,
            R: Dim,
            C: Dim,
            $($B: Operand + EntryArgument<T, $R, $C, $B::Is>, $R: Dim, $C: Dim,)*
            DefaultAllocator: Allocator<R, C> $(+ Allocator<$R, $C>)*,
        {
            $(check::<T, $R, $C, $B>($i, &$b, $a.shape());)*
            match $name::whole::<T, F, R, C $(, $R, $C)*>($a $(, &Lends($b))*) {
                Ok(y) => Matrix(y),
                Err(error) => unreachable!("{error}"),
            }
        }
    };
    (@all $a:ident) => { $a };
    (@all $($a:ident)+) => { ($($a),+) };
}
arity!(
    1 elementwise_1 fuse_1 augmented_1 forward_1 reverse_1
    [a a_dot a_bar] []
    [Dyn, Dyn] [sample_1 DMatrix<f64>]
);
arity!(
    2 elementwise_2 fuse_2 augmented_2 forward_2 reverse_2
    [a a_dot a_bar] [b b_dot b_bar A1 R1 C1 1 "b"]
    [Dyn, Dyn, Dyn, Dyn] [sample_2 (DMatrix<f64>, DMatrix<f64>)]
);
arity!(
    3 elementwise_3 fuse_3 augmented_3 forward_3 reverse_3
    [a a_dot a_bar] [b b_dot b_bar A1 R1 C1 1 "b" c c_dot c_bar A2 R2 C2 2 "c"]
    [Dyn, Dyn, Dyn, Dyn, Dyn, Dyn] [sample_3 (DMatrix<f64>, DMatrix<f64>, DMatrix<f64>)]
);
arity!(
    4 elementwise_4 fuse_4 augmented_4 forward_4 reverse_4
    [a a_dot a_bar] [b b_dot b_bar A1 R1 C1 1 "b" c c_dot c_bar A2 R2 C2 2 "c" d d_dot d_bar A3 R3 C3 3 "d"]
    [Dyn, Dyn, Dyn, Dyn, Dyn, Dyn, Dyn, Dyn] [sample_4 (DMatrix<f64>, DMatrix<f64>, DMatrix<f64>, DMatrix<f64>)]
);
arity!(
    5 elementwise_5 fuse_5 augmented_5 forward_5 reverse_5
    [a a_dot a_bar] [b b_dot b_bar A1 R1 C1 1 "b" c c_dot c_bar A2 R2 C2 2 "c" d d_dot d_bar A3 R3 C3 3 "d" e e_dot e_bar A4 R4 C4 4 "e"]
    [Dyn, Dyn, Dyn, Dyn, Dyn, Dyn, Dyn, Dyn, Dyn, Dyn] [sample_5 (DMatrix<f64>, DMatrix<f64>, DMatrix<f64>, DMatrix<f64>, DMatrix<f64>)]
);
arity!(
    6 elementwise_6 fuse_6 augmented_6 forward_6 reverse_6
    [a a_dot a_bar] [b b_dot b_bar A1 R1 C1 1 "b" c c_dot c_bar A2 R2 C2 2 "c" d d_dot d_bar A3 R3 C3 3 "d" e e_dot e_bar A4 R4 C4 4 "e" f f_dot f_bar A5 R5 C5 5 "f"]
    [Dyn, Dyn, Dyn, Dyn, Dyn, Dyn, Dyn, Dyn, Dyn, Dyn, Dyn, Dyn] [sample_6 (DMatrix<f64>, DMatrix<f64>, DMatrix<f64>, DMatrix<f64>, DMatrix<f64>, DMatrix<f64>)]
);

impl<T: Scalar, R: Dim, C: Dim> Matrix<T, R, C>
where
    DefaultAllocator: Allocator<R, C>,
{
    /// A registered primitive of one number, by the name of its function, done to each entry: one step and
    /// one pass. The user's own primitives have it too; [`elementwise!`](crate::elementwise!) is for
    /// expressions. Of plain numbers, nalgebra's `map` with a closure is `(*a).map(..)`.
    ///
    /// ```
    /// use difrules_core::math::tanh;
    /// use difrules_linalg::Matrix;
    /// use nalgebra::dmatrix;
    ///
    /// let a = Matrix::from(dmatrix![0.5, -1.0]);
    /// assert_eq!(*a.map::<tanh>(), dmatrix![tanh(0.5), tanh(-1.0)]);
    /// ```
    pub fn map<P: Elementwise<T::Kind>>(&self) -> Self
    where
        By<P, T::Kind>: Formula<1, Kind = T::Kind>,
    {
        fuse_1(By::<P, T::Kind>(PhantomData), self)
    }

    /// A registered primitive of two numbers done to the entries of two matrices.
    ///
    /// # Errors
    /// If `b` has another shape.
    ///
    /// ```
    /// use difrules_core::math::atan2;
    /// use difrules_linalg::Matrix;
    /// use nalgebra::dmatrix;
    ///
    /// let (y, x) = (Matrix::from(dmatrix![1.0, 0.0]), dmatrix![2.0, -1.0]);
    /// assert_eq!(*y.zip_map::<atan2>(&x)?, dmatrix![atan2(1.0, 2.0), atan2(0.0, -1.0)]);
    /// # Ok::<(), difrules_linalg::Error>(())
    /// ```
    pub fn zip_map<P: Elementwise<T::Kind>>(
        &self,
        b: impl Beside<T, R, C>,
    ) -> Result<Self, MatrixError>
    where
        By<P, T::Kind>: Formula<2, Kind = T::Kind>,
    {
        // An argument of one row or column would stand for all, were it not of this type and shape.
        let same = same_shape(self.shape(), &[("b", shape_of::<T, R, C>(&b.beside()))]);
        named(
            "zip_map",
            same.and_then(|()| {
                elementwise_2::whole::<T, By<P, T::Kind>, R, C, R, C>(self, &b.beside())
            })
            .map(Matrix),
        )
    }

    /// A registered primitive of three numbers done to the entries of three matrices.
    ///
    /// # Errors
    /// If `b` or `c` has another shape.
    ///
    /// ```
    /// use difrules_core::math::mul_add;
    /// use difrules_linalg::Matrix;
    /// use nalgebra::dmatrix;
    ///
    /// let a = Matrix::from(dmatrix![1.0, 2.0]);
    /// let y = a.zip_zip_map::<mul_add>(&dmatrix![3.0, 4.0], &dmatrix![5.0, 6.0])?;
    /// assert_eq!(*y, dmatrix![8.0, 14.0]);
    /// # Ok::<(), difrules_linalg::Error>(())
    /// ```
    pub fn zip_zip_map<P: Elementwise<T::Kind>>(
        &self,
        b: impl Beside<T, R, C>,
        c: impl Beside<T, R, C>,
    ) -> Result<Self, MatrixError>
    where
        By<P, T::Kind>: Formula<3, Kind = T::Kind>,
    {
        let shapes =
            [("b", shape_of::<T, R, C>(&b.beside())), ("c", shape_of::<T, R, C>(&c.beside()))];
        let same = same_shape(self.shape(), &shapes);
        named(
            "zip_zip_map",
            same.and_then(|()| {
                elementwise_3::whole::<T, By<P, T::Kind>, R, C, R, C, R, C>(
                    self,
                    &b.beside(),
                    &c.beside(),
                )
            })
            .map(Matrix),
        )
    }
}

/// The rows and columns of what is lent.
pub(super) fn shape_of<T: Scalar, R: Dim, C: Dim>(
    matrix: &impl AsWhole<OMatrix<T, R, C>>,
) -> (usize, usize)
where
    DefaultAllocator: Allocator<R, C>,
{
    matrix.lend_to(|lent| T::Real::value_of::<OMatrix<T::Kind, R, C>>(lent).shape())
}

/// Demands that no argument stands for all rows or columns.
fn same_shape(
    first: (usize, usize),
    others: &[(&'static str, (usize, usize))],
) -> Result<(), Error> {
    others.iter().try_for_each(|(argument, found)| crate::error::shape(argument, *found, first))
}

/// An expression of numbers done to each entry of matrices: one node, one pass over memory, and the
/// derivatives written out when it is compiled, with what they share computed once.
///
/// `elementwise!(|x, y| expression, &a, b)` is a [`Matrix`] of the shape of `a`, which is one; what stands
/// after it is a matrix of its shape, in one piece or nalgebra's of plain numbers, a number,
/// [`EachColumn`](crate::EachColumn)`(&v)` or [`EachRow`](crate::EachRow)`(&r)`. The expression is as in
/// [`derivative!`](difrules_core::derivative!): numbers, operators, `if`, and the functions of
/// `difrules_core::math`, as functions or as methods. All that varies is an argument: it takes nothing from
/// outside.
///
/// ```
/// use difrules_core::{Real, gradient};
/// use difrules_linalg::{EachColumn, Matrix, Vector, elementwise};
/// use nalgebra::{dmatrix, dvector};
///
/// fn activity<T: Real>(a: &Matrix<T>, bias: &Vector<T>, gain: T) -> T {
///     elementwise!(|x, b, g| tanh(g * (x + b)) + 0.5, a, EachColumn(bias), gain).sum()
/// }
///
/// let a = Matrix::from(dmatrix![1.0_f64, 2.0; 3.0, 4.0]);
/// let at = (a, Vector::from(dvector![0.1, 0.2]), 0.3);
/// let (by_a, by_bias, _) = gradient(|(a, bias, gain)| activity(a, bias, *gain), &at);
/// // The bias stands in each column.
/// assert!((by_a.column_sum() - &*by_bias).norm() < 1e-15);
/// ```
///
/// For a function of your own, after a semicolon, its derivative: a closure an argument, of the arguments
/// and, if it likes, of the value.
///
/// ```
/// use difrules_core::Real;
/// use difrules_linalg::{Matrix, elementwise};
/// use nalgebra::dmatrix;
///
/// fn bell<T: Real>(x: T) -> T {
///     (-x * x).exp()
/// }
///
/// let a = Matrix::from(dmatrix![0.5, 1.0]);
/// let y = elementwise!(|x| x * bell(x), &a; bell = |x, y| -2.0 * x * y);
/// assert_eq!(*y, dmatrix![0.5 * bell(0.5), bell(1.0)]);
/// ```
///
/// # Panics
/// If the shapes do not fit, as the operators do.
#[macro_export]
macro_rules! elementwise {
    (|$($x:ident),+ $(,)?| $body:expr $(, $argument:expr)+ $(,)? $(; $($rules:tt)*)?) => {{
        struct Fused;

        impl $crate::Formula<{ <[&str]>::len(&[$(stringify!($x)),+]) }> for Fused {
            type Kind = f64;

            #[inline]
            fn value<S: $crate::difrules_core::Real>(
                [$($x),+]: [S; <[&str]>::len(&[$(stringify!($x)),+])],
            ) -> S {
                $crate::difrules_core::__private::expression!(
                    $body, $($x),+, crate = $crate::difrules_core $(, $($rules)*)?
                )
            }

            #[inline]
            fn value_and_slopes<S: $crate::difrules_core::Real>(
                [$($x),+]: [S; <[&str]>::len(&[$(stringify!($x)),+])],
            ) -> (S, [S; <[&str]>::len(&[$(stringify!($x)),+])]) {
                let (value, $($x),+) =
                    $crate::difrules_core::derivative!(
                        $body, $($x),+, crate = $crate::difrules_core $(, $($rules)*)?
                    );
                (value, [$($x),+])
            }
        }

        $crate::elementwise!(@call Fused $(, $argument)+)
    }};
    (@call $f:expr, $a:expr) => { $crate::fuse_1($f, $a) };
    (@call $f:expr, $a:expr, $b:expr) => { $crate::fuse_2($f, $a, $b) };
    (@call $f:expr, $a:expr, $b:expr, $c:expr) => { $crate::fuse_3($f, $a, $b, $c) };
    (@call $f:expr, $a:expr, $b:expr, $c:expr, $d:expr) => { $crate::fuse_4($f, $a, $b, $c, $d) };
    (@call $f:expr, $a:expr, $b:expr, $c:expr, $d:expr, $e:expr) => {
        $crate::fuse_5($f, $a, $b, $c, $d, $e)
    };
    (@call $f:expr, $a:expr, $b:expr, $c:expr, $d:expr, $e:expr, $g:expr) => {
        $crate::fuse_6($f, $a, $b, $c, $d, $e, $g)
    };
    (@call $($all:tt)*) => {
        $crate::difrules_core::__private::core::compile_error!("`elementwise!` takes at most six matrices")
    };
    ($($all:tt)*) => {
        $crate::difrules_core::__private::core::compile_error!(
            "write a closure of numbers and a matrix for each: `elementwise!(|x, y| x * tanh(y), &a, &b)`"
        )
    };
}
