//! How a call passes its arguments.
//!
//! A mode takes a call apart and calls the primitive again one mode further in. For that it turns
//! each argument into an owned value over another scalar, lends that out again, and writes `&mut`
//! ones back. How, depends on the form of the argument alone, not on the primitive: each form is a
//! type here, and a primitive's [`Arguments`] are a tuple of them.

use std::any::{Any, TypeId};
use std::borrow::{Borrow, ToOwned};
use std::fmt::Debug;
use std::marker::PhantomData;

use nalgebra::allocator::Allocator;
use nalgebra::{DefaultAllocator, Dim, Dyn, MatrixView, MatrixViewMut, OMatrix};

use crate::cast;
use crate::scalar::{Kind, Real, Scalar};
use crate::value::{Differentiable, Family, SAME_SHAPE};

/// A form of argument, apart from the real scalar that it is over.
pub trait Passing: 'static {
    /// The argument as a call gives it.
    type Given<'a, S: Real>;
    /// The argument, owned.
    type Owned<S: Real>: 'static;
    /// The sizes that the type does not fix; nothing for a constant.
    type Shape: Clone + PartialEq + Debug + 'static;
    /// Whether derivatives by it exist.
    const DIFFERENTIABLE: bool = true;
    /// Whether it is read and overwritten.
    const IN_PLACE: bool = false;

    /// How many reals a value of this shape holds.
    fn count(shape: &Self::Shape) -> usize;
    /// Calls `f` with its reals in order.
    fn visit<S: Real>(given: &Self::Given<'_, S>, f: &mut impl FnMut(S));
    /// The argument, owned, with every real replaced by `f` of it.
    fn own<S: Real, U: Real>(
        given: &Self::Given<'_, S>,
        f: &mut impl FnMut(S) -> U,
    ) -> Self::Owned<U>;
    /// The owned argument with every real replaced by `f` of it.
    fn map<S: Real, U: Real>(owned: &Self::Owned<S>, f: &mut impl FnMut(S) -> U) -> Self::Owned<U>;
    /// Calls `f` with a reference to its reals in order.
    fn update<S: Real>(owned: &mut Self::Owned<S>, f: &mut impl FnMut(&mut S));
    /// The owned argument as a call gives it.
    fn lend<S: Real>(owned: &mut Self::Owned<S>) -> Self::Given<'_, S>;
    /// Calls `f` with every real of a `&mut` argument and the one in the same place of `owned`;
    /// does nothing for other arguments.
    fn write_back<S: Real, U: Real>(
        given: &mut Self::Given<'_, S>,
        owned: &Self::Owned<U>,
        f: &mut impl FnMut(&mut S, U),
    );
    /// The shape.
    fn shape<S: Real>(owned: &Self::Owned<S>) -> Self::Shape;
}

/// `x: X`.
pub struct Value<F>(PhantomData<F>);
/// `x: &X`.
pub struct Reference<F>(PhantomData<F>);
/// `x: &mut X`.
pub struct Mutable<F>(PhantomData<F>);
/// `x: &[X]`; owned, a `Vec`.
pub struct Slice<F>(PhantomData<F>);
/// `x: &mut [X]`; owned, a `Vec`.
pub struct SliceMut<F>(PhantomData<F>);
/// A view of a matrix, with its strides, or a reference to a matrix of any storage.
pub struct View<F, RowStride = Dyn, ColumnStride = Dyn>(PhantomData<(F, RowStride, ColumnStride)>);
/// A mutable view of a matrix, or a mutable reference to a matrix of any storage.
pub struct ViewMut<F, RowStride = Dyn, ColumnStride = Dyn>(
    PhantomData<(F, RowStride, ColumnStride)>,
);
/// A constant, `n: C`.
pub struct Constant<C>(PhantomData<C>);
/// A reference to a constant, `data: &C`.
pub struct ConstantReference<C: ?Sized>(PhantomData<C>);

/// What the forms that own one differentiable value share.
macro_rules! owned {
    ($F:ident) => {
        type Owned<S: Real> = $F::Of<S>;
        type Shape = $F::Shape;

        #[inline]
        fn count(shape: &$F::Shape) -> usize {
            $F::Of::<f64>::count(shape)
        }

        #[inline]
        fn map<S: Real, U: Real>(owned: &$F::Of<S>, f: &mut impl FnMut(S) -> U) -> $F::Of<U> {
            owned.map_reals(f)
        }

        #[inline]
        fn update<S: Real>(owned: &mut $F::Of<S>, f: &mut impl FnMut(&mut S)) {
            owned.update_reals(f);
        }

        #[inline]
        fn shape<S: Real>(owned: &$F::Of<S>) -> $F::Shape {
            owned.shape()
        }
    };
}

/// What the forms that a call does not overwrite share.
macro_rules! untouched {
    () => {
        #[inline]
        fn write_back<S: Real, U: Real>(
            _: &mut Self::Given<'_, S>,
            _: &Self::Owned<U>,
            _: &mut impl FnMut(&mut S, U),
        ) {
        }
    };
}

/// How the forms that refer to one differentiable value read it.
macro_rules! by_reference {
    ($F:ident) => {
        #[inline]
        fn visit<S: Real>(given: &Self::Given<'_, S>, f: &mut impl FnMut(S)) {
            given.for_each_real(f);
        }

        #[inline]
        fn own<S: Real, U: Real>(
            given: &Self::Given<'_, S>,
            f: &mut impl FnMut(S) -> U,
        ) -> $F::Of<U> {
            given.map_reals(f)
        }
    };
}

impl<F: Family> Passing for Value<F> {
    type Given<'a, S: Real> = F::Of<S>;
    owned!(F);
    by_reference!(F);
    untouched!();

    #[inline]
    fn lend<S: Real>(owned: &mut F::Of<S>) -> F::Of<S> {
        owned.clone()
    }
}

impl<F: Family> Passing for Reference<F> {
    type Given<'a, S: Real> = &'a F::Of<S>;
    owned!(F);
    by_reference!(F);
    untouched!();

    #[inline]
    fn lend<S: Real>(owned: &mut F::Of<S>) -> &F::Of<S> {
        owned
    }
}

impl<F: Family> Passing for Mutable<F> {
    type Given<'a, S: Real> = &'a mut F::Of<S>;
    const IN_PLACE: bool = true;
    owned!(F);
    by_reference!(F);

    #[inline]
    fn lend<S: Real>(owned: &mut F::Of<S>) -> &mut F::Of<S> {
        owned
    }

    #[inline]
    fn write_back<S: Real, U: Real>(
        given: &mut &mut F::Of<S>,
        owned: &F::Of<U>,
        f: &mut impl FnMut(&mut S, U),
    ) {
        given.zip_reals(owned, f);
    }
}

/// What the two forms of slices share.
macro_rules! slice {
    ($F:ident) => {
        type Owned<S: Real> = Vec<$F::Of<S>>;
        type Shape = Vec<$F::Shape>;

        #[inline]
        fn count(shape: &Vec<$F::Shape>) -> usize {
            Vec::<$F::Of<f64>>::count(shape)
        }

        #[inline]
        fn visit<S: Real>(given: &Self::Given<'_, S>, f: &mut impl FnMut(S)) {
            given.iter().for_each(|x| x.for_each_real(f));
        }

        #[inline]
        fn own<S: Real, U: Real>(
            given: &Self::Given<'_, S>,
            f: &mut impl FnMut(S) -> U,
        ) -> Vec<$F::Of<U>> {
            given.iter().map(|x| x.map_reals(f)).collect()
        }

        #[inline]
        fn map<S: Real, U: Real>(
            owned: &Vec<$F::Of<S>>,
            f: &mut impl FnMut(S) -> U,
        ) -> Vec<$F::Of<U>> {
            owned.map_reals(f)
        }

        #[inline]
        fn update<S: Real>(owned: &mut Vec<$F::Of<S>>, f: &mut impl FnMut(&mut S)) {
            owned.update_reals(f);
        }

        #[inline]
        fn shape<S: Real>(owned: &Vec<$F::Of<S>>) -> Vec<$F::Shape> {
            owned.shape()
        }
    };
}

impl<F: Family> Passing for Slice<F> {
    type Given<'a, S: Real> = &'a [F::Of<S>];
    slice!(F);
    untouched!();

    #[inline]
    fn lend<S: Real>(owned: &mut Vec<F::Of<S>>) -> &[F::Of<S>] {
        owned
    }
}

impl<F: Family> Passing for SliceMut<F> {
    type Given<'a, S: Real> = &'a mut [F::Of<S>];
    const IN_PLACE: bool = true;
    slice!(F);

    #[inline]
    fn lend<S: Real>(owned: &mut Vec<F::Of<S>>) -> &mut [F::Of<S>] {
        owned
    }

    #[inline]
    fn write_back<S: Real, U: Real>(
        given: &mut &mut [F::Of<S>],
        owned: &Vec<F::Of<U>>,
        f: &mut impl FnMut(&mut S, U),
    ) {
        assert_eq!(given.len(), owned.len(), "{SAME_SHAPE}");
        for (x, y) in given.iter_mut().zip(owned) {
            x.zip_reals(y, f);
        }
    }
}

/// What the two forms of views share.
macro_rules! view {
    () => {
        type Owned<S: Real> = OMatrix<<K as Kind>::Of<S>, R, C>;
        type Shape = (R, C);

        #[inline]
        fn count(shape: &(R, C)) -> usize {
            OMatrix::<<K as Kind>::Of<f64>, R, C>::count(shape)
        }

        #[inline]
        fn visit<S: Real>(given: &Self::Given<'_, S>, f: &mut impl FnMut(S)) {
            for column in given.column_iter() {
                for x in column.iter() {
                    x.for_each_real(f);
                }
            }
        }

        #[inline]
        fn own<S: Real, U: Real>(
            given: &Self::Given<'_, S>,
            f: &mut impl FnMut(S) -> U,
        ) -> Self::Owned<U> {
            given.map(|x| x.map_parts(f))
        }

        #[inline]
        fn map<S: Real, U: Real>(
            owned: &Self::Owned<S>,
            f: &mut impl FnMut(S) -> U,
        ) -> Self::Owned<U> {
            owned.map_reals(f)
        }

        #[inline]
        fn update<S: Real>(owned: &mut Self::Owned<S>, f: &mut impl FnMut(&mut S)) {
            owned.update_reals(f);
        }

        #[inline]
        fn shape<S: Real>(owned: &Self::Owned<S>) -> (R, C) {
            owned.shape_generic()
        }
    };
}

impl<K: Kind, R: Dim, C: Dim, RowStride: Dim, ColumnStride: Dim> Passing
    for View<OMatrix<K, R, C>, RowStride, ColumnStride>
where
    DefaultAllocator: Allocator<R, C>,
{
    type Given<'a, S: Real> = MatrixView<'a, <K as Kind>::Of<S>, R, C, RowStride, ColumnStride>;
    view!();
    untouched!();

    #[inline]
    fn lend<S: Real>(owned: &mut Self::Owned<S>) -> Self::Given<'_, S> {
        cast::strided_view(owned)
    }
}

impl<K: Kind, R: Dim, C: Dim, RowStride: Dim, ColumnStride: Dim> Passing
    for ViewMut<OMatrix<K, R, C>, RowStride, ColumnStride>
where
    DefaultAllocator: Allocator<R, C>,
{
    type Given<'a, S: Real> = MatrixViewMut<'a, <K as Kind>::Of<S>, R, C, RowStride, ColumnStride>;
    const IN_PLACE: bool = true;
    view!();

    #[inline]
    fn lend<S: Real>(owned: &mut Self::Owned<S>) -> Self::Given<'_, S> {
        cast::strided_view_mut(owned)
    }

    #[inline]
    fn write_back<S: Real, U: Real>(
        given: &mut Self::Given<'_, S>,
        owned: &Self::Owned<U>,
        f: &mut impl FnMut(&mut S, U),
    ) {
        assert_eq!(given.shape(), owned.shape(), "{SAME_SHAPE}");
        for (mut column, owned) in given.column_iter_mut().zip(owned.column_iter()) {
            for (x, y) in column.iter_mut().zip(owned.iter()) {
                x.zip_reals(y, f);
            }
        }
    }
}

/// What the two forms of constants share.
macro_rules! constant {
    () => {
        type Shape = ();
        const DIFFERENTIABLE: bool = false;

        #[inline]
        fn count((): &()) -> usize {
            0
        }

        #[inline]
        fn visit<S: Real>(_: &Self::Given<'_, S>, _: &mut impl FnMut(S)) {}

        #[inline]
        fn update<S: Real>(_: &mut Self::Owned<S>, _: &mut impl FnMut(&mut S)) {}

        #[inline]
        fn shape<S: Real>(_: &Self::Owned<S>) {}
    };
}

impl<C: Clone + 'static> Passing for Constant<C> {
    type Given<'a, S: Real> = C;
    type Owned<S: Real> = C;
    constant!();
    untouched!();

    #[inline]
    fn own<S: Real, U: Real>(given: &C, _: &mut impl FnMut(S) -> U) -> C {
        given.clone()
    }

    #[inline]
    fn map<S: Real, U: Real>(owned: &C, _: &mut impl FnMut(S) -> U) -> C {
        owned.clone()
    }

    #[inline]
    fn lend<S: Real>(owned: &mut C) -> C {
        owned.clone()
    }
}

impl<C: ToOwned<Owned: Clone> + ?Sized + 'static> Passing for ConstantReference<C> {
    type Given<'a, S: Real> = &'a C;
    type Owned<S: Real> = C::Owned;
    constant!();
    untouched!();

    #[inline]
    fn own<S: Real, U: Real>(given: &&C, _: &mut impl FnMut(S) -> U) -> C::Owned {
        (*given).to_owned()
    }

    #[inline]
    fn map<S: Real, U: Real>(owned: &C::Owned, _: &mut impl FnMut(S) -> U) -> C::Owned {
        owned.clone()
    }

    #[inline]
    fn lend<S: Real>(owned: &mut C::Owned) -> &C {
        (*owned).borrow()
    }
}

/// The types of views, to name how they are passed and what they are views of.
pub trait Viewed {
    /// How an argument of this type is passed.
    type Passing: Passing;
    /// The matrix that it is a view of, owned.
    type Matrix: Differentiable;
}

impl<T: Scalar, R: Dim, C: Dim, RowStride: Dim, ColumnStride: Dim> Viewed
    for MatrixView<'static, T, R, C, RowStride, ColumnStride>
where
    DefaultAllocator: Allocator<R, C>,
{
    type Passing = View<OMatrix<T::Kind, R, C>, RowStride, ColumnStride>;
    type Matrix = OMatrix<T, R, C>;
}

impl<T: Scalar, R: Dim, C: Dim, RowStride: Dim, ColumnStride: Dim> Viewed
    for MatrixViewMut<'static, T, R, C, RowStride, ColumnStride>
where
    DefaultAllocator: Allocator<R, C>,
{
    type Passing = ViewMut<OMatrix<T::Kind, R, C>, RowStride, ColumnStride>;
    type Matrix = OMatrix<T, R, C>;
}

/// What is wrong with a value where the caller does not know the types.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mismatch {
    /// It is of another type.
    Type {
        /// The argument's number.
        argument: usize,
        /// The type it has to have.
        wanted: &'static str,
    },
    /// It has another shape.
    Shape {
        /// The argument's number.
        argument: usize,
        /// The shape it has to have.
        wanted: String,
        /// The shape it has.
        found: String,
    },
}

/// The arguments of a primitive: a tuple of forms.
///
/// Where a function here takes an `f`, it is given the number of the argument and a real of it.
pub trait Arguments: 'static {
    /// The arguments as a call gives them: a tuple.
    type Given<'a, S: Real>;
    /// The arguments, owned: a tuple. Tangents of the arguments have this type too.
    type Owned<S: Real>: 'static;
    /// Their shapes: a tuple.
    type Shapes: 'static;

    /// Which of them are read and overwritten.
    const IN_PLACE: &'static [bool];

    /// See [`Passing::visit`].
    fn visit<S: Real>(given: &Self::Given<'_, S>, f: &mut impl FnMut(usize, S));
    /// Folds the reals of each argument by `f`, from `start`, and gives `end` the argument's number,
    /// what came out, and a way to visit the argument again.
    fn fold<S: Real, Folded>(
        given: &Self::Given<'_, S>,
        start: impl Fn() -> Folded,
        f: impl Fn(&mut Folded, S),
        end: impl FnMut(usize, Folded, &dyn Fn(&mut dyn FnMut(S))),
    );
    /// See [`Passing::own`].
    fn own<S: Real, U: Real>(
        given: &Self::Given<'_, S>,
        f: &mut impl FnMut(usize, S) -> U,
    ) -> Self::Owned<U>;
    /// See [`Passing::map`].
    fn map<S: Real, U: Real>(
        owned: &Self::Owned<S>,
        f: &mut impl FnMut(usize, S) -> U,
    ) -> Self::Owned<U>;
    /// See [`Passing::update`].
    fn update<S: Real>(owned: &mut Self::Owned<S>, f: &mut impl FnMut(usize, &mut S));
    /// See [`Passing::lend`].
    fn lend<S: Real>(owned: &mut Self::Owned<S>) -> Self::Given<'_, S>;
    /// See [`Passing::write_back`].
    fn write_back<S: Real, U: Real>(
        given: &mut Self::Given<'_, S>,
        owned: &Self::Owned<U>,
        f: &mut impl FnMut(&mut S, U),
    );
    /// See [`Passing::shape`].
    fn shapes<S: Real>(owned: &Self::Owned<S>) -> Self::Shapes;
    /// Whether all shapes agree.
    fn same_shapes(first: &Self::Shapes, second: &Self::Shapes) -> bool;

    /// The types of the owned arguments, and their names.
    fn types<S: Real>() -> Vec<(TypeId, &'static str)>;
    /// Lends owned arguments whose types the caller does not know; there are as many as forms.
    ///
    /// # Errors
    /// The first argument of another type.
    fn lend_any<'a, S: Real>(
        arguments: &'a mut [&mut dyn Any],
    ) -> Result<Self::Given<'a, S>, Mismatch>;
    /// Copies owned arguments whose types the caller does not know; there are as many as forms.
    ///
    /// # Errors
    /// The first argument of another type.
    fn own_any<S: Real>(arguments: &[&mut dyn Any]) -> Result<Self::Owned<S>, Mismatch>;
    /// The owned arguments, one by one, for those who do not know the types.
    fn into_boxes<S: Real>(owned: Self::Owned<S>) -> Vec<Box<dyn Any>>;
    /// Gives `&mut` arguments whose types the caller does not know the values of `owned`.
    ///
    /// # Errors
    /// The first argument of another type.
    fn write_back_any<S: Real>(
        arguments: &mut [&mut dyn Any],
        owned: &Self::Owned<S>,
    ) -> Result<(), Mismatch>;
    /// Gives `owned` those of the values that are there; constants stay as they are.
    ///
    /// # Errors
    /// The first value of another type or shape.
    fn read_optional<S: Real>(
        values: &[Option<&mut dyn Any>],
        owned: &mut Self::Owned<S>,
    ) -> Result<(), Mismatch>;
    /// Gives the values that belong to `&mut` arguments those of `owned`.
    ///
    /// # Errors
    /// One that is not there.
    fn write_optional<S: Real>(
        values: &mut [Option<&mut dyn Any>],
        owned: &Self::Owned<S>,
    ) -> Result<(), Mismatch>;
    /// Counts the reals of those of the values that are there.
    ///
    /// # Errors
    /// The first value of another type or shape; one that is not there for a `&mut` argument.
    fn count_optional<S: Real>(
        values: &[Option<&mut dyn Any>],
        shapes: &Self::Shapes,
        counts: &mut [usize],
    ) -> Result<(), Mismatch>;
    /// Calls `f` with the number and the reals, in order, of those of the values that are there and
    /// of the right type.
    fn update_optional<S: Real>(
        values: &mut [Option<&mut dyn Any>],
        f: &mut impl FnMut(usize, &mut S),
    );
}

/// An argument by its type.
fn typed<X: 'static>(argument: &dyn Any, number: usize) -> Result<&X, Mismatch> {
    let wanted = std::any::type_name::<X>();
    argument.downcast_ref().ok_or(Mismatch::Type { argument: number, wanted })
}

/// An argument by its type.
fn typed_mut<X: 'static>(argument: &mut dyn Any, number: usize) -> Result<&mut X, Mismatch> {
    let wanted = std::any::type_name::<X>();
    argument.downcast_mut().ok_or(Mismatch::Type { argument: number, wanted })
}

/// A tangent or an adjoint by its type, whose shape has to be its value's.
fn shaped<'a, Form: Passing, S: Real>(
    value: &'a dyn Any,
    number: usize,
    shape: &Form::Shape,
) -> Result<&'a Form::Owned<S>, Mismatch> {
    let value = typed::<Form::Owned<S>>(value, number)?;
    let found = Form::shape::<S>(value);
    if found == *shape {
        return Ok(value);
    }
    let (wanted, found) = (format!("{shape:?}"), format!("{found:?}"));
    Err(Mismatch::Shape { argument: number, wanted, found })
}

/// The tangent or adjoint of a `&mut` argument is not there.
fn absent<X>(number: usize) -> Mismatch {
    Mismatch::Type { argument: number, wanted: std::any::type_name::<X>() }
}

macro_rules! arguments {
    ($($Form:ident $i:tt),+) => {
        impl<$($Form: Passing),+> Arguments for ($($Form,)+) {
            type Given<'a, S: Real> = ($($Form::Given<'a, S>,)+);
            type Owned<S: Real> = ($($Form::Owned<S>,)+);
            type Shapes = ($($Form::Shape,)+);
            const IN_PLACE: &'static [bool] = &[$($Form::IN_PLACE),+];

            #[inline]
            fn visit<S: Real>(given: &Self::Given<'_, S>, f: &mut impl FnMut(usize, S)) {
                $($Form::visit::<S>(&given.$i, &mut |x| f($i, x));)+
            }

            #[inline]
            fn fold<S: Real, Folded>(
                given: &Self::Given<'_, S>,
                start: impl Fn() -> Folded,
                f: impl Fn(&mut Folded, S),
                mut end: impl FnMut(usize, Folded, &dyn Fn(&mut dyn FnMut(S))),
            ) {
                $(
                    let mut folded = start();
                    $Form::visit::<S>(&given.$i, &mut |x| f(&mut folded, x));
                    end($i, folded, &|f| $Form::visit::<S>(&given.$i, &mut |x| f(x)));
                )+
            }

            #[inline]
            fn own<S: Real, U: Real>(
                given: &Self::Given<'_, S>,
                f: &mut impl FnMut(usize, S) -> U,
            ) -> Self::Owned<U> {
                ($($Form::own::<S, U>(&given.$i, &mut |x| f($i, x)),)+)
            }

            #[inline]
            fn map<S: Real, U: Real>(
                owned: &Self::Owned<S>,
                f: &mut impl FnMut(usize, S) -> U,
            ) -> Self::Owned<U> {
                ($($Form::map::<S, U>(&owned.$i, &mut |x| f($i, x)),)+)
            }

            #[inline]
            fn update<S: Real>(owned: &mut Self::Owned<S>, f: &mut impl FnMut(usize, &mut S)) {
                $($Form::update::<S>(&mut owned.$i, &mut |x| f($i, x));)+
            }

            #[inline]
            fn lend<S: Real>(owned: &mut Self::Owned<S>) -> Self::Given<'_, S> {
                ($($Form::lend::<S>(&mut owned.$i),)+)
            }

            #[inline]
            fn write_back<S: Real, U: Real>(
                given: &mut Self::Given<'_, S>,
                owned: &Self::Owned<U>,
                f: &mut impl FnMut(&mut S, U),
            ) {
                $($Form::write_back::<S, U>(&mut given.$i, &owned.$i, f);)+
            }

            #[inline]
            fn shapes<S: Real>(owned: &Self::Owned<S>) -> Self::Shapes {
                ($($Form::shape::<S>(&owned.$i),)+)
            }

            fn same_shapes(first: &Self::Shapes, second: &Self::Shapes) -> bool {
                $(first.$i == second.$i)&&+
            }

            fn types<S: Real>() -> Vec<(TypeId, &'static str)> {
                vec![$((
                    TypeId::of::<$Form::Owned<S>>(),
                    std::any::type_name::<$Form::Owned<S>>(),
                )),+]
            }

            #[inline]
            fn lend_any<'a, S: Real>(
                arguments: &'a mut [&mut dyn Any],
            ) -> Result<Self::Given<'a, S>, Mismatch> {
                let mut arguments = arguments.iter_mut();
                Ok(($({
                    let argument = arguments.next().expect("the caller counted them");
                    $Form::lend::<S>(typed_mut(&mut **argument, $i)?)
                },)+))
            }

            #[inline]
            fn own_any<S: Real>(arguments: &[&mut dyn Any]) -> Result<Self::Owned<S>, Mismatch> {
                Ok(($($Form::map::<S, S>(typed(&*arguments[$i], $i)?, &mut |x| x),)+))
            }

            fn into_boxes<S: Real>(owned: Self::Owned<S>) -> Vec<Box<dyn Any>> {
                vec![$(Box::new(owned.$i)),+]
            }

            #[inline]
            fn write_back_any<S: Real>(
                arguments: &mut [&mut dyn Any],
                owned: &Self::Owned<S>,
            ) -> Result<(), Mismatch> {
                $({
                    let mut given = $Form::lend::<S>(typed_mut(&mut *arguments[$i], $i)?);
                    $Form::write_back::<S, S>(&mut given, &owned.$i, &mut |x, y| *x = y);
                })+
                Ok(())
            }

            #[inline]
            fn read_optional<S: Real>(
                values: &[Option<&mut dyn Any>],
                owned: &mut Self::Owned<S>,
            ) -> Result<(), Mismatch> {
                $(if let (Some(value), true) = (&values[$i], $Form::DIFFERENTIABLE) {
                    let shape = $Form::shape::<S>(&owned.$i);
                    let value = shaped::<$Form, S>(&**value, $i, &shape)?;
                    owned.$i = $Form::map::<S, S>(value, &mut |x| x);
                })+
                Ok(())
            }

            #[inline]
            fn write_optional<S: Real>(
                values: &mut [Option<&mut dyn Any>],
                owned: &Self::Owned<S>,
            ) -> Result<(), Mismatch> {
                $(if $Form::IN_PLACE {
                    let value = values[$i].as_mut().ok_or(absent::<$Form::Owned<S>>($i))?;
                    *typed_mut(&mut **value, $i)? = $Form::map::<S, S>(&owned.$i, &mut |x| x);
                })+
                Ok(())
            }

            #[inline]
            fn count_optional<S: Real>(
                values: &[Option<&mut dyn Any>],
                shapes: &Self::Shapes,
                counts: &mut [usize],
            ) -> Result<(), Mismatch> {
                $(match &values[$i] {
                    Some(value) if $Form::DIFFERENTIABLE => {
                        shaped::<$Form, S>(&**value, $i, &shapes.$i)?;
                        counts[$i] = $Form::count(&shapes.$i);
                    }
                    None if $Form::IN_PLACE => return Err(absent::<$Form::Owned<S>>($i)),
                    _ => {}
                })+
                Ok(())
            }

            #[inline]
            fn update_optional<S: Real>(
                values: &mut [Option<&mut dyn Any>],
                f: &mut impl FnMut(usize, &mut S),
            ) {
                $(if let Some(value) = values[$i].as_mut().filter(|_| $Form::DIFFERENTIABLE)
                    && let Ok(value) = typed_mut(&mut **value, $i)
                {
                    $Form::update::<S>(value, &mut |x| f($i, x));
                })+
            }
        }
    };
}
arguments!(A 0);
arguments!(A 0, B 1);
arguments!(A 0, B 1, C 2);
arguments!(A 0, B 1, C 2, D 3);
arguments!(A 0, B 1, C 2, D 3, E 4);
arguments!(A 0, B 1, C 2, D 3, E 4, F 5);
arguments!(A 0, B 1, C 2, D 3, E 4, F 5, G 6);
arguments!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7);
arguments!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8);
arguments!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9);
arguments!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9, K 10);
arguments!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9, K 10, L 11);
arguments!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9, K 10, L 11, M 12);
arguments!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9, K 10, L 11, M 12, N 13);
arguments!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9, K 10, L 11, M 12, N 13, O 14);
arguments!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9, K 10, L 11, M 12, N 13, O 14, P 15);
