//! Functions of numbers that have one text for plain numbers and one for derivatives.

use std::convert::Infallible;

use num_traits::FromPrimitive;

use crate::contract::primitive::Called;
use crate::{Dual, Real};

/// A function of numbers whose fastest or most precise text has derivatives that cancel, overflow or do not exist somewhere.
///
/// In every mode its value is that of [`plain`](Self::plain), in every digit, and its derivatives are those of
/// [`smooth`](Self::smooth), a text for the same function.
pub(in crate::math) trait Twofold: Copy + 'static {
    /// By how many of the numbers, the first of them, it is differentiated. The others are functions of these, which save the
    /// plain text a calculation; the smooth one does not read them.
    const BY: usize;

    /// The value at plain numbers.
    fn plain<T: Real>(self, x: &[T]) -> T;

    /// What its derivatives are of.
    fn smooth<T: Real>(self, x: &[T]) -> T;

    /// The function in any mode.
    #[inline]
    fn at<T: Real>(self, x: &[T]) -> T {
        if T::BASE {
            return self.plain(x);
        }
        match T::call(Function(self), x) {
            Ok(y) => y,
        }
    }
}

/// What a mode calls.
#[derive(Clone, Copy)]
struct Function<F>(F);

impl<F: Twofold> Called for Function<F> {
    type Error = Infallible;

    fn path(self) -> &'static str {
        std::any::type_name::<F>()
    }

    fn call<T: Real + FromPrimitive>(self, _: &'static str, x: &[T]) -> Result<T, Infallible> {
        Ok(self.0.plain(x))
    }

    fn partial<T: Real>(self, by: usize, x: &[T], _: T) -> Result<Option<T>, Infallible> {
        if by >= F::BY {
            return Ok(None);
        }
        let mut moving: Vec<_> = x.iter().map(|x| Dual::<T>::constant(*x)).collect();
        moving[by] = Dual::new(x[by], [T::one()]);
        Ok(Some(self.0.smooth(&moving).tangents[0]))
    }
}

/// Defines a function of real numbers by its [`Twofold`] texts. After a semicolon come the numbers that the plain text alone reads.
macro_rules! twofold {
    (
        $(#[$doc:meta])*
        $vis:vis fn $name:ident<$T:ident>($($x:ident),+ $(; $($given:ident),+)?)
        plain $plain:block
        smooth $smooth:block
    ) => {
        $(#[$doc])*
        #[inline]
        $vis fn $name<$T: $crate::Real>($($x: $T,)+ $($($given: $T),+)?) -> $T {
            #[derive(Clone, Copy)]
            struct This;

            impl $crate::math::twofold::Twofold for This {
                const BY: usize = [$(stringify!($x)),+].len();

                #[inline]
                fn plain<$T: $crate::Real>(self, x: &[$T]) -> $T {
                    let &[$($x,)+ $($($given),+)?] = x else { unreachable!() };
                    $plain
                }

                fn smooth<$T: $crate::Real>(self, x: &[$T]) -> $T {
                    let &[$($x,)+ ..] = x else { unreachable!() };
                    $smooth
                }
            }

            $crate::math::twofold::Twofold::at(This, &[$($x,)+ $($($given),+)?])
        }
    };
}

pub(in crate::math) use twofold;
