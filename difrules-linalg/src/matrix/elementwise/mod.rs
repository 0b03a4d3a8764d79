//! Functions of numbers done to each entry of matrices: one node and one pass, whatever the function.

mod arguments;
mod arities;
mod entries;
mod formula;
mod methods;

pub use arguments::EntryArgument;
pub use arities::{
    elementwise_2, elementwise_3, elementwise_4, elementwise_5, elementwise_6, fuse_1, fuse_2,
    fuse_3, fuse_4, fuse_5, fuse_6,
};
pub use formula::{By, Formula};

pub(crate) use arguments::shape_of;
pub(crate) use entries::{Entries, Slopes, pull, push, values, values_and_slopes};
pub(crate) use formula::Times;

/// An expression of numbers done to each entry of matrices: one node, one pass over memory, and the
/// derivatives written out when it is compiled, with what they share computed once.
///
/// `elementwise!(|x, y| expression, &a, b)` is a [`Matrix`](crate::Matrix) of the shape of `a`, which is one; what stands
/// after it is a matrix of its shape, in one piece or nalgebra's of plain numbers, a number,
/// [`EachColumn`](crate::EachColumn)`(&v)` or [`EachRow`](crate::EachRow)`(&r)`. The expression is as in
/// [`derivative!`](difrules_core::derivative!): numbers, operators, `if`, and the functions of
/// `difrules_core::math`, as functions or as methods. All that varies is an argument: it takes nothing from
/// outside. Its functions are looked for in the module where it stands, too, so import from this crate by name:
/// `use difrules_linalg::*` brings `exp`, `ln` and others of matrices, and the compiler does not know which are meant.
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

            fn name(argument: usize) -> &'static str {
                [$(stringify!($x)),+][argument]
            }

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
            "write a closure of numbers, a matrix for each, and then the derivatives of own functions: \
             `elementwise!(|x, y| x * tanh(y), &a, &b)`, `elementwise!(|x| x * bell(x), &a; bell = |x, y| -2.0 * x * y)`"
        )
    };
}
