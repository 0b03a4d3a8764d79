//! How a call passes its arguments.
//!
//! A mode takes a call apart and calls the primitive again one mode further in. For that it needs
//! each argument in one piece ([`Whole`](crate::Whole)): those that come as numbers of a mode, it
//! gathers. How, depends on the form of the argument alone, not on the primitive: each form is a
//! type here, and a primitive's [`Arguments`] are a tuple of them.

use std::any::Any;
use std::borrow::{Borrow, Cow, ToOwned};
use std::fmt::Debug;
use std::marker::PhantomData;

use nalgebra::allocator::Allocator;
use nalgebra::{DefaultAllocator, Dim, Dyn, MatrixView, MatrixViewMut, OMatrix};

use crate::cast;
#[doc(hidden)]
pub use crate::contract::handling::Handling;
use crate::contract::handling::{Fixed, Numbers};
use crate::contract::keep::{Keep, Kept};
use crate::contract::scalar::{Kind, Real, Scalar};
use crate::contract::value::{Differentiable, Family, SAME_SHAPE};
use crate::contract::whole::{Tangent, TangentMut};

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

    /// What those who do not know the types do with an owned argument.
    #[doc(hidden)]
    fn handling<S: Real>() -> &'static dyn Handling<S>;
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

    /// The argument as a rule reads it.
    type Read<'a, S: Real>;
    /// Lends the owned argument to be read.
    fn read<S: Real>(owned: &Self::Owned<S>) -> Self::Read<'_, S>;
    /// A copy of what is read.
    fn copy<S: Real>(read: &Self::Read<'_, S>) -> Self::Owned<S>;
    /// The shape.
    fn shape<S: Real>(read: &Self::Read<'_, S>) -> Self::Shape;

    /// The argument in one piece: a reference is lent whole; a value is as it is, a constant too.
    type Whole<'a, S: Real>;
    /// One that is put together from the argument as a call gives it.
    type Held<'a, S: Real>;
    /// Puts the argument together.
    fn hold<'a, S: Real + 'a>(given: &Self::Given<'a, S>) -> Self::Held<'a, S>;
    /// Lends what was put together.
    fn lend_held<'b, 'a: 'b, S: Real>(held: &'b mut Self::Held<'a, S>) -> Self::Whole<'b, S>;
    /// Gives a `&mut` argument what its whole became; does nothing for other arguments.
    fn write_held<S: Real>(given: &mut Self::Given<'_, S>, held: &Self::Held<'_, S>);
    /// The whole argument as a call gives it, one mode further in: nothing is copied but values.
    fn give<'b, 'a: 'b, S: Real>(whole: &'b mut Self::Whole<'a, S>) -> Self::Given<'b, S::Inner>;
    /// The whole argument as a rule reads it, one mode further in.
    fn read_whole<'b, 'a: 'b, S: Real>(whole: &'b Self::Whole<'a, S>) -> Self::Read<'b, S::Inner>;
    /// Shows the whole argument to `look`.
    fn look<S: Real>(whole: &Self::Whole<'_, S>, look: &mut impl Look<S>);
    /// Lets `change` change a whole `&mut` argument; does nothing for other arguments.
    fn change<S: Real>(whole: &mut Self::Whole<'_, S>, change: &mut impl Change<S>);

    /// A tangent, as a forward rule is lent it; nothing for a constant.
    type Tangent<'a, S: Real>;
    /// The owned tangent as a forward rule is lent it.
    fn lend_tangent<S: Real>(owned: &mut Self::Owned<S>) -> Self::Tangent<'_, S>;
    /// Lends a tangent of the whole argument.
    fn tangent<'a, S: Real + 'a>(
        whole: &Self::Whole<'a, S>,
        take: &mut impl Take<S>,
    ) -> Self::Tangent<'a, S::Inner>;
    /// Gives a whole `&mut` argument the tangent that the rule has left; does nothing for other
    /// arguments.
    fn write_tangent<S: Real>(
        whole: &mut Self::Whole<'_, S>,
        tangent: Self::Tangent<'_, S::Inner>,
        write: &mut impl Write<S>,
    );

    /// The argument, for a tape that may keep it.
    type Keep<'a, S: Real>;
    /// What a tape keeps of the argument.
    type Kept<S: Real>: 'static;
    /// Hands the owned argument over.
    fn keep<S: Real>(owned: Self::Owned<S>) -> Self::Keep<'static, S>;
    /// Lends the whole argument.
    fn keep_whole<'b, 'a: 'b, U: Real>(whole: &'b Self::Whole<'a, U>) -> Self::Keep<'b, U::Inner>;
    /// Keeps it.
    fn kept<S: Real>(keep: Self::Keep<'_, S>) -> Self::Kept<S>;
}

/// A form whose values a mode has in one piece.
pub trait Gathered: Passing {
    /// The container that it passes.
    type Family: Family;
    /// See [`Passing::own`].
    fn own_container<S: Real, U: Real>(
        given: &Self::Given<'_, S>,
        f: &mut impl FnMut(S) -> U,
    ) -> <Self::Family as Family>::Of<U>;
}

/// Looks at whole arguments.
pub trait Look<S: Real> {
    /// One that is lent whole.
    fn lent<F: Family>(&mut self, lent: S::Lent<'_, F>);
    /// A number of one that is given by value.
    fn number(&mut self, x: S);
}

/// Takes tangents out of whole arguments.
pub trait Take<S: Real> {
    /// Out of one that is lent whole.
    fn lent<'a, F: Family + 'a>(&mut self, lent: S::Lent<'a, F>) -> Tangent<'a, F::Of<S::Inner>>;
    /// Out of a number of one that is given by value.
    fn number(&mut self, x: S) -> S::Inner;
}

/// Changes whole `&mut` arguments.
pub trait Change<S: Real> {
    /// Changes one.
    fn change<F: Family>(&mut self, whole: &mut S::Whole<F>);
}

/// Writes to whole `&mut` arguments.
pub trait Write<S: Real> {
    /// Writes to one.
    fn write<F: Family>(&mut self, whole: &mut S::Whole<F>, new: F::Of<S::Inner>);
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

/// What the forms that own a value of one family share.
macro_rules! owned {
    ($F:ty) => {
        type Owned<S: Real> = <$F as Family>::Of<S>;
        type Shape = <$F as Family>::Shape;

        fn handling<S: Real>() -> &'static dyn Handling<S> {
            &Numbers::<$F>(PhantomData)
        }

        #[inline]
        fn count(shape: &Self::Shape) -> usize {
            <Self::Owned<f64>>::count(shape)
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
    };
}

/// What the forms that a rule reads by reference share.
macro_rules! read_by_reference {
    ($F:ty) => {
        type Read<'a, S: Real> = &'a Self::Owned<S>;

        #[inline]
        fn read<S: Real>(owned: &Self::Owned<S>) -> &Self::Owned<S> {
            owned
        }

        #[inline]
        fn copy<S: Real>(read: &&Self::Owned<S>) -> Self::Owned<S> {
            (*read).clone()
        }

        #[inline]
        fn shape<S: Real>(read: &&Self::Owned<S>) -> Self::Shape {
            Differentiable::shape(*read)
        }

        type Held<'a, S: Real> = S::Whole<$F>;

        #[inline]
        fn hold<'a, S: Real + 'a>(given: &Self::Given<'a, S>) -> S::Whole<$F> {
            S::gather::<Self>(given)
        }

        type Keep<'a, S: Real> = Keep<'a, Self::Owned<S>>;
        type Kept<S: Real> = Kept<Self::Owned<S>>;

        #[inline]
        fn keep<S: Real>(owned: Self::Owned<S>) -> Keep<'static, Self::Owned<S>> {
            Keep::Own(owned)
        }

        #[inline]
        fn kept<S: Real>(keep: Keep<'_, Self::Owned<S>>) -> Kept<Self::Owned<S>> {
            keep.kept()
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

        #[inline]
        fn write_held<S: Real>(_: &mut Self::Given<'_, S>, _: &Self::Held<'_, S>) {}

        #[inline]
        fn change<S: Real>(_: &mut Self::Whole<'_, S>, _: &mut impl Change<S>) {}

        #[inline]
        fn write_tangent<S: Real>(
            _: &mut Self::Whole<'_, S>,
            _: Self::Tangent<'_, S::Inner>,
            _: &mut impl Write<S>,
        ) {
        }
    };
}

/// How the forms that lend a value of one family do so whole.
macro_rules! lent_whole {
    ($F:ty) => {
        type Whole<'a, S: Real> = S::Lent<'a, $F>;

        #[inline]
        fn lend_held<'b, 'a: 'b, S: Real>(held: &'b mut S::Whole<$F>) -> S::Lent<'b, $F> {
            S::lend::<$F>(held)
        }

        #[inline]
        fn read_whole<'b, 'a: 'b, S: Real>(
            whole: &'b S::Lent<'a, $F>,
        ) -> &'b Self::Owned<S::Inner> {
            S::value_of::<$F>(*whole)
        }

        #[inline]
        fn look<S: Real>(whole: &S::Lent<'_, $F>, look: &mut impl Look<S>) {
            look.lent::<$F>(*whole);
        }

        type Tangent<'a, S: Real> = Tangent<'a, Self::Owned<S>>;

        #[inline]
        fn lend_tangent<S: Real>(owned: &mut Self::Owned<S>) -> Tangent<'_, Self::Owned<S>> {
            Tangent::Lent(owned)
        }

        #[inline]
        fn tangent<'a, S: Real + 'a>(
            whole: &S::Lent<'a, $F>,
            take: &mut impl Take<S>,
        ) -> Tangent<'a, Self::Owned<S::Inner>> {
            take.lent::<$F>(*whole)
        }

        #[inline]
        fn keep_whole<'b, 'a: 'b, U: Real>(
            whole: &'b U::Lent<'a, $F>,
        ) -> Keep<'b, Self::Owned<U::Inner>> {
            U::keep::<$F>(*whole)
        }
    };
}

/// How the forms of `&mut` arguments of one family are passed whole.
macro_rules! lent_whole_mut {
    ($F:ty) => {
        type Whole<'a, S: Real> = &'a mut S::Whole<$F>;

        #[inline]
        fn lend_held<'b, 'a: 'b, S: Real>(held: &'b mut S::Whole<$F>) -> &'b mut S::Whole<$F> {
            held
        }

        #[inline]
        fn write_held<S: Real>(given: &mut Self::Given<'_, S>, held: &S::Whole<$F>) {
            let entries = S::entries::<$F>(S::lend::<$F>(held));
            Self::write_back::<S, S>(given, &entries, &mut |x, new| *x = new);
        }

        #[inline]
        fn read_whole<'b, 'a: 'b, S: Real>(
            whole: &'b &'a mut S::Whole<$F>,
        ) -> &'b Self::Owned<S::Inner> {
            S::value_of::<$F>(S::lend::<$F>(&**whole))
        }

        #[inline]
        fn look<S: Real>(whole: &&mut S::Whole<$F>, look: &mut impl Look<S>) {
            look.lent::<$F>(S::lend::<$F>(&**whole));
        }

        #[inline]
        fn change<S: Real>(whole: &mut &mut S::Whole<$F>, change: &mut impl Change<S>) {
            change.change::<$F>(whole);
        }

        type Tangent<'a, S: Real> = TangentMut<'a, Self::Owned<S>>;

        #[inline]
        fn lend_tangent<S: Real>(owned: &mut Self::Owned<S>) -> TangentMut<'_, Self::Owned<S>> {
            TangentMut::Lent(owned)
        }

        #[inline]
        fn tangent<'a, S: Real + 'a>(
            whole: &&'a mut S::Whole<$F>,
            take: &mut impl Take<S>,
        ) -> TangentMut<'a, Self::Owned<S::Inner>> {
            TangentMut::Own(take.lent::<$F>(S::lend::<$F>(&**whole)).into_owned())
        }

        #[inline]
        fn write_tangent<S: Real>(
            whole: &mut &mut S::Whole<$F>,
            tangent: TangentMut<'_, Self::Owned<S::Inner>>,
            write: &mut impl Write<S>,
        ) {
            write.write::<$F>(whole, tangent.into_owned());
        }

        #[inline]
        fn keep_whole<'b, 'a: 'b, U: Real>(
            whole: &'b &'a mut U::Whole<$F>,
        ) -> Keep<'b, Self::Owned<U::Inner>> {
            U::keep::<$F>(U::lend::<$F>(&**whole))
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

/// The implementation of [`Gathered`].
macro_rules! gathered {
    ([$($parameters:tt)*] $Form:ty, $F:ty $(, $bound:path)?) => {
        impl<$($parameters)*> Gathered for $Form
        where
            $(DefaultAllocator: $bound)?
        {
            type Family = $F;

            #[inline]
            fn own_container<S: Real, U: Real>(
                given: &Self::Given<'_, S>,
                f: &mut impl FnMut(S) -> U,
            ) -> <$F as Family>::Of<U> {
                Self::own::<S, U>(given, f)
            }
        }
    };
}
gathered!([F: Family] Reference<F>, F);
gathered!([F: Family] Mutable<F>, F);
gathered!([F: Family] Slice<F>, Vec<F>);
gathered!([F: Family] SliceMut<F>, Vec<F>);
gathered!([K: Kind, R: Dim, C: Dim, RowStride: Dim, ColumnStride: Dim]
    View<OMatrix<K, R, C>, RowStride, ColumnStride>, OMatrix<K, R, C>, Allocator<R, C>);
gathered!([K: Kind, R: Dim, C: Dim, RowStride: Dim, ColumnStride: Dim]
    ViewMut<OMatrix<K, R, C>, RowStride, ColumnStride>, OMatrix<K, R, C>, Allocator<R, C>);

impl<F: Family> Passing for Value<F> {
    type Given<'a, S: Real> = F::Of<S>;
    owned!(F);
    by_reference!(F);
    untouched!();

    #[inline]
    fn lend<S: Real>(owned: &mut F::Of<S>) -> F::Of<S> {
        owned.clone()
    }

    type Read<'a, S: Real> = Cow<'a, F::Of<S>>;

    #[inline]
    fn read<S: Real>(owned: &F::Of<S>) -> Cow<'_, F::Of<S>> {
        Cow::Borrowed(owned)
    }

    #[inline]
    fn copy<S: Real>(read: &Cow<'_, F::Of<S>>) -> F::Of<S> {
        F::Of::<S>::clone(read)
    }

    #[inline]
    fn shape<S: Real>(read: &Cow<'_, F::Of<S>>) -> F::Shape {
        F::Of::<S>::shape(read)
    }

    type Whole<'a, S: Real> = F::Of<S>;
    type Held<'a, S: Real> = F::Of<S>;

    #[inline]
    fn hold<'a, S: Real + 'a>(given: &F::Of<S>) -> F::Of<S> {
        given.clone()
    }

    #[inline]
    fn lend_held<'b, 'a: 'b, S: Real>(held: &'b mut F::Of<S>) -> F::Of<S> {
        held.clone()
    }

    #[inline]
    fn give<'b, 'a: 'b, S: Real>(whole: &'b mut F::Of<S>) -> F::Of<S::Inner> {
        whole.map_reals(&mut S::inner)
    }

    #[inline]
    fn read_whole<'b, 'a: 'b, S: Real>(whole: &'b F::Of<S>) -> Cow<'b, F::Of<S::Inner>> {
        Cow::Owned(whole.map_reals(&mut S::inner))
    }

    #[inline]
    fn look<S: Real>(whole: &F::Of<S>, look: &mut impl Look<S>) {
        whole.for_each_real(&mut |x| look.number(x));
    }

    type Tangent<'a, S: Real> = Tangent<'a, F::Of<S>>;

    #[inline]
    fn lend_tangent<S: Real>(owned: &mut F::Of<S>) -> Tangent<'_, F::Of<S>> {
        Tangent::Lent(owned)
    }

    #[inline]
    fn tangent<'a, S: Real + 'a>(
        whole: &F::Of<S>,
        take: &mut impl Take<S>,
    ) -> Tangent<'a, F::Of<S::Inner>> {
        Tangent::Own(whole.map_reals(&mut |x| take.number(x)))
    }

    type Keep<'a, S: Real> = F::Of<S>;
    type Kept<S: Real> = F::Of<S>;

    #[inline]
    fn keep<S: Real>(owned: F::Of<S>) -> F::Of<S> {
        owned
    }

    #[inline]
    fn keep_whole<'b, 'a: 'b, U: Real>(whole: &'b F::Of<U>) -> F::Of<U::Inner> {
        whole.map_reals(&mut U::inner)
    }

    #[inline]
    fn kept<S: Real>(keep: F::Of<S>) -> F::Of<S> {
        keep
    }
}

impl<F: Family> Passing for Reference<F> {
    type Given<'a, S: Real> = &'a F::Of<S>;
    owned!(F);
    by_reference!(F);
    read_by_reference!(F);
    lent_whole!(F);
    untouched!();

    #[inline]
    fn lend<S: Real>(owned: &mut F::Of<S>) -> &F::Of<S> {
        owned
    }

    #[inline]
    fn give<'b, 'a: 'b, S: Real>(whole: &'b mut S::Lent<'a, F>) -> &'b F::Of<S::Inner> {
        S::value_of::<F>(*whole)
    }
}

impl<F: Family> Passing for Mutable<F> {
    type Given<'a, S: Real> = &'a mut F::Of<S>;
    const IN_PLACE: bool = true;
    owned!(F);
    by_reference!(F);
    read_by_reference!(F);
    lent_whole_mut!(F);

    #[inline]
    fn lend<S: Real>(owned: &mut F::Of<S>) -> &mut F::Of<S> {
        owned
    }

    #[inline]
    fn give<'b, 'a: 'b, S: Real>(whole: &'b mut &'a mut S::Whole<F>) -> &'b mut F::Of<S::Inner> {
        S::value_mut::<F>(whole)
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

/// How the two forms of slices read them.
macro_rules! slice {
    ($F:ident) => {
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
    };
}

impl<F: Family> Passing for Slice<F> {
    type Given<'a, S: Real> = &'a [F::Of<S>];
    owned!(Vec<F>);
    slice!(F);
    read_by_reference!(Vec<F>);
    lent_whole!(Vec<F>);
    untouched!();

    #[inline]
    fn lend<S: Real>(owned: &mut Vec<F::Of<S>>) -> &[F::Of<S>] {
        owned
    }

    #[inline]
    fn give<'b, 'a: 'b, S: Real>(whole: &'b mut S::Lent<'a, Vec<F>>) -> &'b [F::Of<S::Inner>] {
        S::value_of::<Vec<F>>(*whole)
    }
}

impl<F: Family> Passing for SliceMut<F> {
    type Given<'a, S: Real> = &'a mut [F::Of<S>];
    const IN_PLACE: bool = true;
    owned!(Vec<F>);
    slice!(F);
    read_by_reference!(Vec<F>);
    lent_whole_mut!(Vec<F>);

    #[inline]
    fn lend<S: Real>(owned: &mut Vec<F::Of<S>>) -> &mut [F::Of<S>] {
        owned
    }

    #[inline]
    fn give<'b, 'a: 'b, S: Real>(
        whole: &'b mut &'a mut S::Whole<Vec<F>>,
    ) -> &'b mut [F::Of<S::Inner>] {
        S::value_mut::<Vec<F>>(whole)
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

/// How the two forms of views read them.
macro_rules! view {
    () => {
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
    };
}

impl<K: Kind, R: Dim, C: Dim, RowStride: Dim, ColumnStride: Dim> Passing
    for View<OMatrix<K, R, C>, RowStride, ColumnStride>
where
    DefaultAllocator: Allocator<R, C>,
{
    type Given<'a, S: Real> = MatrixView<'a, <K as Kind>::Of<S>, R, C, RowStride, ColumnStride>;
    owned!(OMatrix<K, R, C>);
    view!();
    read_by_reference!(OMatrix<K, R, C>);
    lent_whole!(OMatrix<K, R, C>);
    untouched!();

    #[inline]
    fn lend<S: Real>(owned: &mut Self::Owned<S>) -> Self::Given<'_, S> {
        cast::strided_view(owned)
    }

    #[inline]
    fn give<'b, 'a: 'b, S: Real>(
        whole: &'b mut S::Lent<'a, OMatrix<K, R, C>>,
    ) -> Self::Given<'b, S::Inner> {
        cast::strided_view(S::value_of::<OMatrix<K, R, C>>(*whole))
    }
}

impl<K: Kind, R: Dim, C: Dim, RowStride: Dim, ColumnStride: Dim> Passing
    for ViewMut<OMatrix<K, R, C>, RowStride, ColumnStride>
where
    DefaultAllocator: Allocator<R, C>,
{
    type Given<'a, S: Real> = MatrixViewMut<'a, <K as Kind>::Of<S>, R, C, RowStride, ColumnStride>;
    const IN_PLACE: bool = true;
    owned!(OMatrix<K, R, C>);
    view!();
    read_by_reference!(OMatrix<K, R, C>);
    lent_whole_mut!(OMatrix<K, R, C>);

    #[inline]
    fn lend<S: Real>(owned: &mut Self::Owned<S>) -> Self::Given<'_, S> {
        cast::strided_view_mut(owned)
    }

    #[inline]
    fn give<'b, 'a: 'b, S: Real>(
        whole: &'b mut &'a mut S::Whole<OMatrix<K, R, C>>,
    ) -> Self::Given<'b, S::Inner> {
        cast::strided_view_mut(S::value_mut::<OMatrix<K, R, C>>(whole))
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
    ($C:ty) => {
        type Shape = ();
        const DIFFERENTIABLE: bool = false;

        fn handling<S: Real>() -> &'static dyn Handling<S> {
            &Fixed::<<$C as ToOwned>::Owned>(PhantomData)
        }

        #[inline]
        fn count((): &()) -> usize {
            0
        }

        #[inline]
        fn visit<S: Real>(_: &Self::Given<'_, S>, _: &mut impl FnMut(S)) {}

        #[inline]
        fn update<S: Real>(_: &mut Self::Owned<S>, _: &mut impl FnMut(&mut S)) {}

        #[inline]
        fn map<S: Real, U: Real>(
            owned: &Self::Owned<S>,
            _: &mut impl FnMut(S) -> U,
        ) -> Self::Owned<U> {
            owned.clone()
        }

        type Read<'a, S: Real> = &'a $C;

        #[inline]
        fn shape<S: Real>(_: &&$C) {}

        #[inline]
        fn look<S: Real>(_: &Self::Whole<'_, S>, _: &mut impl Look<S>) {}

        type Tangent<'a, S: Real> = ();

        #[inline]
        fn lend_tangent<S: Real>(_: &mut Self::Owned<S>) {}

        #[inline]
        fn tangent<'a, S: Real + 'a>(_: &Self::Whole<'a, S>, _: &mut impl Take<S>) {}

        type Kept<S: Real> = Self::Owned<S>;
    };
}

impl<C: Clone + 'static> Passing for Constant<C> {
    type Given<'a, S: Real> = C;
    type Owned<S: Real> = C;
    constant!(C);
    untouched!();

    #[inline]
    fn own<S: Real, U: Real>(given: &C, _: &mut impl FnMut(S) -> U) -> C {
        given.clone()
    }

    #[inline]
    fn lend<S: Real>(owned: &mut C) -> C {
        owned.clone()
    }

    #[inline]
    fn read<S: Real>(owned: &C) -> &C {
        owned
    }

    #[inline]
    fn copy<S: Real>(read: &&C) -> C {
        (*read).clone()
    }

    type Whole<'a, S: Real> = C;
    type Held<'a, S: Real> = C;

    #[inline]
    fn hold<'a, S: Real + 'a>(given: &C) -> C {
        given.clone()
    }

    #[inline]
    fn lend_held<'b, 'a: 'b, S: Real>(held: &'b mut C) -> C {
        held.clone()
    }

    #[inline]
    fn give<'b, 'a: 'b, S: Real>(whole: &'b mut C) -> C {
        whole.clone()
    }

    #[inline]
    fn read_whole<'b, 'a: 'b, S: Real>(whole: &'b C) -> &'b C {
        whole
    }

    type Keep<'a, S: Real> = C;

    #[inline]
    fn keep<S: Real>(owned: C) -> C {
        owned
    }

    #[inline]
    fn keep_whole<'b, 'a: 'b, U: Real>(whole: &'b C) -> C {
        whole.clone()
    }

    #[inline]
    fn kept<S: Real>(keep: C) -> C {
        keep
    }
}

impl<C: ToOwned<Owned: Clone> + ?Sized + 'static> Passing for ConstantReference<C> {
    type Given<'a, S: Real> = &'a C;
    type Owned<S: Real> = C::Owned;
    constant!(C);
    untouched!();

    #[inline]
    fn own<S: Real, U: Real>(given: &&C, _: &mut impl FnMut(S) -> U) -> C::Owned {
        (*given).to_owned()
    }

    #[inline]
    fn lend<S: Real>(owned: &mut C::Owned) -> &C {
        (*owned).borrow()
    }

    #[inline]
    fn read<S: Real>(owned: &C::Owned) -> &C {
        owned.borrow()
    }

    #[inline]
    fn copy<S: Real>(read: &&C) -> C::Owned {
        (*read).to_owned()
    }

    type Whole<'a, S: Real> = &'a C;
    type Held<'a, S: Real> = &'a C;

    #[inline]
    fn hold<'a, S: Real + 'a>(given: &&'a C) -> &'a C {
        given
    }

    #[inline]
    fn lend_held<'b, 'a: 'b, S: Real>(held: &'b mut &'a C) -> &'b C {
        held
    }

    #[inline]
    fn give<'b, 'a: 'b, S: Real>(whole: &'b mut &'a C) -> &'b C {
        whole
    }

    #[inline]
    fn read_whole<'b, 'a: 'b, S: Real>(whole: &'b &'a C) -> &'b C {
        whole
    }

    type Keep<'a, S: Real> = Cow<'a, C>;

    #[inline]
    fn keep<S: Real>(owned: C::Owned) -> Cow<'static, C> {
        Cow::Owned(owned)
    }

    #[inline]
    fn keep_whole<'b, 'a: 'b, U: Real>(whole: &'b &'a C) -> Cow<'b, C> {
        Cow::Borrowed(whole)
    }

    #[inline]
    fn kept<S: Real>(keep: Cow<'_, C>) -> C::Owned {
        keep.into_owned()
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
    /// The arguments as a rule reads them: a tuple.
    type Read<'a, S: Real>;
    /// See [`Passing::read`].
    fn read<S: Real>(owned: &Self::Owned<S>) -> Self::Read<'_, S>;
    /// See [`Passing::copy`].
    fn copy<S: Real>(read: &Self::Read<'_, S>) -> Self::Owned<S>;
    /// See [`Passing::shape`].
    fn shapes<S: Real>(read: &Self::Read<'_, S>) -> Self::Shapes;
    /// The arguments in one piece each: a tuple.
    type Whole<'a, S: Real>;
    /// Those that are put together: a tuple.
    type Held<'a, S: Real>;
    /// See [`Passing::hold`].
    fn hold<'a, S: Real + 'a>(given: &Self::Given<'a, S>) -> Self::Held<'a, S>;
    /// See [`Passing::lend_held`].
    fn lend_held<'b, 'a: 'b, S: Real>(held: &'b mut Self::Held<'a, S>) -> Self::Whole<'b, S>;
    /// See [`Passing::write_held`].
    fn write_held<S: Real>(given: &mut Self::Given<'_, S>, held: &Self::Held<'_, S>);
    /// See [`Passing::give`].
    fn give<'b, 'a: 'b, S: Real>(whole: &'b mut Self::Whole<'a, S>) -> Self::Given<'b, S::Inner>;
    /// See [`Passing::read_whole`].
    fn read_whole<'b, 'a: 'b, S: Real>(whole: &'b Self::Whole<'a, S>) -> Self::Read<'b, S::Inner>;
    /// See [`Passing::look`]; `next` is told where an argument begins.
    fn look<S: Real, Looking: Look<S>>(
        whole: &Self::Whole<'_, S>,
        look: &mut Looking,
        next: impl FnMut(&mut Looking, usize),
    );
    /// See [`Passing::change`].
    fn change<S: Real>(whole: &mut Self::Whole<'_, S>, change: &mut impl Change<S>);
    /// Tangents of the arguments, as a forward rule is lent them: a tuple.
    type Tangents<'a, S: Real>;
    /// See [`Passing::lend_tangent`].
    fn lend_tangents<S: Real>(owned: &mut Self::Owned<S>) -> Self::Tangents<'_, S>;
    /// See [`Passing::tangent`].
    fn tangents<'a, S: Real + 'a>(
        whole: &Self::Whole<'a, S>,
        take: &mut impl Take<S>,
    ) -> Self::Tangents<'a, S::Inner>;
    /// See [`Passing::write_tangent`].
    fn write_tangents<S: Real>(
        whole: &mut Self::Whole<'_, S>,
        tangents: Self::Tangents<'_, S::Inner>,
        write: &mut impl Write<S>,
    );
    /// The arguments, for a tape that may keep them: a tuple.
    type Keep<'a, S: Real>;
    /// See [`Passing::keep`].
    fn keep<S: Real>(owned: Self::Owned<S>) -> Self::Keep<'static, S>;
    /// See [`Passing::keep_whole`].
    fn keep_whole<'b, 'a: 'b, U: Real>(whole: &'b Self::Whole<'a, U>) -> Self::Keep<'b, U::Inner>;
    /// Whether all shapes agree.
    fn same_shapes(first: &Self::Shapes, second: &Self::Shapes) -> bool;

    /// See [`Passing::handling`].
    #[doc(hidden)]
    fn handling<S: Real>() -> Vec<&'static dyn Handling<S>>;
    /// Lends owned arguments whose types the caller has checked.
    fn lend_any<'a, S: Real>(arguments: &'a mut [&mut dyn Any]) -> Self::Given<'a, S>;
    /// Copies owned arguments whose types the caller has checked.
    fn own_any<S: Real>(arguments: &[&mut dyn Any]) -> Self::Owned<S>;
    /// The owned arguments, one by one, for those who do not know the types.
    fn into_boxes<S: Real>(owned: Self::Owned<S>) -> Vec<Box<dyn Any>>;
    /// Shows each owned argument to those who do not know the types.
    fn each<S: Real>(owned: &Self::Owned<S>, f: &mut dyn FnMut(usize, &dyn Any));
    /// Lends each owned argument to those who do not know the types.
    fn each_mut<S: Real>(owned: &mut Self::Owned<S>, f: &mut dyn FnMut(usize, &mut dyn Any));
    /// Shows each shape to those who do not know the types.
    fn each_shape(shapes: &Self::Shapes, f: &mut dyn FnMut(usize, &dyn Any));
}

/// A value by its type, which was checked.
pub(crate) fn typed<X: 'static>(value: &dyn Any) -> &X {
    value.downcast_ref().expect(CHECKED)
}

/// A value by its type, which was checked.
pub(crate) fn typed_mut<X: 'static>(value: &mut dyn Any) -> &mut X {
    value.downcast_mut().expect(CHECKED)
}

const CHECKED: &str = "the types were checked";

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

            type Read<'a, S: Real> = ($($Form::Read<'a, S>,)+);

            #[inline]
            fn read<S: Real>(owned: &Self::Owned<S>) -> Self::Read<'_, S> {
                ($($Form::read::<S>(&owned.$i),)+)
            }

            #[inline]
            fn copy<S: Real>(read: &Self::Read<'_, S>) -> Self::Owned<S> {
                ($($Form::copy::<S>(&read.$i),)+)
            }

            #[inline]
            fn shapes<S: Real>(read: &Self::Read<'_, S>) -> Self::Shapes {
                ($($Form::shape::<S>(&read.$i),)+)
            }

            type Whole<'a, S: Real> = ($($Form::Whole<'a, S>,)+);
            type Held<'a, S: Real> = ($($Form::Held<'a, S>,)+);

            #[inline]
            fn hold<'a, S: Real + 'a>(given: &Self::Given<'a, S>) -> Self::Held<'a, S> {
                ($($Form::hold::<S>(&given.$i),)+)
            }

            #[inline]
            fn lend_held<'b, 'a: 'b, S: Real>(
                held: &'b mut Self::Held<'a, S>,
            ) -> Self::Whole<'b, S> {
                ($($Form::lend_held::<S>(&mut held.$i),)+)
            }

            #[inline]
            fn write_held<S: Real>(given: &mut Self::Given<'_, S>, held: &Self::Held<'_, S>) {
                $($Form::write_held::<S>(&mut given.$i, &held.$i);)+
            }

            #[inline]
            fn give<'b, 'a: 'b, S: Real>(
                whole: &'b mut Self::Whole<'a, S>,
            ) -> Self::Given<'b, S::Inner> {
                ($($Form::give::<S>(&mut whole.$i),)+)
            }

            #[inline]
            fn read_whole<'b, 'a: 'b, S: Real>(
                whole: &'b Self::Whole<'a, S>,
            ) -> Self::Read<'b, S::Inner> {
                ($($Form::read_whole::<S>(&whole.$i),)+)
            }

            #[inline]
            fn look<S: Real, Looking: Look<S>>(
                whole: &Self::Whole<'_, S>,
                look: &mut Looking,
                mut next: impl FnMut(&mut Looking, usize),
            ) {
                $(
                    next(look, $i);
                    $Form::look::<S>(&whole.$i, look);
                )+
            }

            #[inline]
            fn change<S: Real>(whole: &mut Self::Whole<'_, S>, change: &mut impl Change<S>) {
                $($Form::change::<S>(&mut whole.$i, change);)+
            }

            type Tangents<'a, S: Real> = ($($Form::Tangent<'a, S>,)+);

            #[inline]
            fn lend_tangents<S: Real>(owned: &mut Self::Owned<S>) -> Self::Tangents<'_, S> {
                ($($Form::lend_tangent::<S>(&mut owned.$i),)+)
            }

            #[inline]
            fn tangents<'a, S: Real + 'a>(
                whole: &Self::Whole<'a, S>,
                take: &mut impl Take<S>,
            ) -> Self::Tangents<'a, S::Inner> {
                ($($Form::tangent::<S>(&whole.$i, take),)+)
            }

            #[inline]
            fn write_tangents<S: Real>(
                whole: &mut Self::Whole<'_, S>,
                tangents: Self::Tangents<'_, S::Inner>,
                write: &mut impl Write<S>,
            ) {
                $($Form::write_tangent::<S>(&mut whole.$i, tangents.$i, write);)+
            }

            type Keep<'a, S: Real> = ($($Form::Keep<'a, S>,)+);

            #[inline]
            fn keep<S: Real>(owned: Self::Owned<S>) -> Self::Keep<'static, S> {
                ($($Form::keep::<S>(owned.$i),)+)
            }

            #[inline]
            fn keep_whole<'b, 'a: 'b, U: Real>(whole: &'b Self::Whole<'a, U>) -> Self::Keep<'b, U::Inner> {
                ($($Form::keep_whole::<U>(&whole.$i),)+)
            }

            fn same_shapes(first: &Self::Shapes, second: &Self::Shapes) -> bool {
                $(first.$i == second.$i)&&+
            }

            fn handling<S: Real>() -> Vec<&'static dyn Handling<S>> {
                vec![$($Form::handling::<S>()),+]
            }

            #[inline]
            fn lend_any<'a, S: Real>(arguments: &'a mut [&mut dyn Any]) -> Self::Given<'a, S> {
                let mut arguments = arguments.iter_mut();
                ($({
                    let argument = arguments.next().expect("the caller counted them");
                    $Form::lend::<S>(typed_mut(&mut **argument))
                },)+)
            }

            #[inline]
            fn own_any<S: Real>(arguments: &[&mut dyn Any]) -> Self::Owned<S> {
                ($($Form::copy::<S>(&$Form::read::<S>(typed(&*arguments[$i]))),)+)
            }

            fn into_boxes<S: Real>(owned: Self::Owned<S>) -> Vec<Box<dyn Any>> {
                vec![$(Box::new(owned.$i)),+]
            }

            fn each<S: Real>(owned: &Self::Owned<S>, f: &mut dyn FnMut(usize, &dyn Any)) {
                $(f($i, &owned.$i);)+
            }

            fn each_mut<S: Real>(
                owned: &mut Self::Owned<S>,
                f: &mut dyn FnMut(usize, &mut dyn Any),
            ) {
                $(f($i, &mut owned.$i);)+
            }

            fn each_shape(shapes: &Self::Shapes, f: &mut dyn FnMut(usize, &dyn Any)) {
                $(f($i, &shapes.$i);)+
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
