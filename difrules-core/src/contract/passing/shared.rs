//! What several forms share.

/// What the forms that own a value of one family share.
macro_rules! owned {
    ($F:ty) => {
        type Owned<S: Real> = <$F as Family>::Of<S>;
        type Shape = <$F as Family>::Shape;

        #[cfg(feature = "calls")]
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
            (*read).copied()
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
