//! The primitives of two to six matrices.

use difrules_core::contract::Operand;
use difrules_core::testing::Sampler;
use difrules_core::{Cotangent, Real, Scalar, Slot, primitive};
use nalgebra::allocator::Allocator;
use nalgebra::{DMatrix, DefaultAllocator, Dim, Dyn, OMatrix};

use super::arguments::{EntryArgument, Lends, check};
use super::entries::{Entries, Slopes, pull, push, values, values_and_slopes};
use super::formula::Formula;
use crate::error::Error;
use crate::matrix::Matrix;

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
            mut y_bar: Cotangent<'_, OMatrix<T, R, C>>,
            $a_bar: Slot<'_, OMatrix<T, R, C>>,
            $($b_bar: Slot<'_, OMatrix<T, $R, $C>>,)*
        ) where
            DefaultAllocator: Allocator<R, C> $(+ Allocator<$R, $C>)*,
        {
            pull(0, slopes, &mut y_bar, $a_bar);
            $(pull($i, slopes, &mut y_bar, $b_bar);)*
        }

        fn $draw(random: &mut Sampler) -> $drawn {
            let [$a $(, $b)*] = sample(random);
            ($a $(, $b)*)
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
            $(check::<T, $R, $C, $B>(F::name($i), &$b, $a.shape());)*
            match $name::whole::<T, F, R, C $(, $R, $C)*>($a $(, &Lends($b))*) {
                Ok(y) => Matrix(y),
                Err(error) => unreachable!("{error}"),
            }
        }
    };
}

/// Does a [`Formula`] to each entry of a matrix; see [`elementwise!`](crate::elementwise!), which calls it.
pub fn fuse_1<F, T, R, C>(_: F, a: &Matrix<T, R, C>) -> Matrix<T, R, C>
where
    T: Scalar,
    F: Formula<1, Kind = T::Kind>,
    R: Dim,
    C: Dim,
    DefaultAllocator: Allocator<R, C>,
{
    Matrix(crate::map::whole::<T, F, R, C>(a))
}

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

/// Demands that an argument has the rows and columns of the first, or one that stands for all.
fn fits(argument: &'static str, found: (usize, usize), first: (usize, usize)) -> Result<(), Error> {
    let expected = (if found.0 == 1 { 1 } else { first.0 }, if found.1 == 1 { 1 } else { first.1 });
    crate::error::shape(argument, found, expected)
}
