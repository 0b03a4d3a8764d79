//! Scalar primitives, a file a family.
//!
//! Each is generic over the real scalar and called like any function; the `RealField` methods of
//! [`Dual`](crate::Dual) and [`Var`](crate::Var) call them. The elementary ones of [`exp`](fn@exp), [`sin`](fn@sin),
//! [`sinh`](fn@sinh) and [`sqrt`](fn@sqrt) and their families take complex numbers too, and the functions of Hankel return
//! them. At a kink the rule takes the subgradient that its documentation names; a derivative that nobody knows, by the order
//! of a Bessel function say, is an error when it is asked for.
//!
//! [All of them in a table](table): derivatives, domains, values at the edges, errors against mpmath. DiffRules.jl's names
//! find them too: `find("SpecialFunctions.erf", 2)`.

crate::public_path!();

pub mod cardinal;
mod elementary;
pub mod rotations;
mod special;
mod turns;
mod twofold;

pub use cardinal::{cosc, coshc, sinc as cardinal_sine, sinhc, stumpff};
pub use elementary::*;
pub use special::*;

/// All of them in a table: derivatives, domains, edges, errors.
#[doc = include_str!("table.md")]
pub mod table {}

/// Euler's constant.
const EULER: f64 = 0.577_215_664_901_532_9;

/// A function of two `f64`s at a plain scalar.
fn at_base_of_two<T: crate::Real>(x: T, y: T, f: impl FnOnce(f64, f64) -> f64) -> T {
    nalgebra::convert(f(plain(x), plain(y)))
}

/// A function of `f64`s at a plain scalar, where alone a primitive's own text is run.
pub(crate) fn at_base<T: crate::Real>(x: T, f: impl FnOnce(f64) -> f64) -> T {
    nalgebra::convert(f(plain(x)))
}

/// A partial derivative, of which single precision loses too much: at plain numbers it is that of doubles, rounded, and the
/// primitive's result, the last argument where there is a primitive, is computed anew.
macro_rules! in_double {
    ($f:ident($($x:ident),*; $y:ident = $primitive:ident)) => {
        if T::BASE && T::SINGLE {
            let y = $primitive($(crate::math::plain($x)),*);
            nalgebra::convert($f($(crate::math::plain($x)),*, y))
        } else {
            $f($($x),*, $y)
        }
    };
    ($f:ident($($x:ident),* $(; $option:expr)?)) => {
        if T::BASE && T::SINGLE {
            nalgebra::convert($f($(crate::math::plain($x)),* $(, $option)?))
        } else {
            $f($($x),* $(, $option)?)
        }
    };
}
use in_double;

/// The product of numbers and a power of two, which neither overflows nor underflows on the way.
fn product_of(factors: impl IntoIterator<Item = f64>, power: i32) -> f64 {
    let (product, power) = factors.into_iter().fold((1.0, power), |(product, power), factor| {
        // What is zero or infinite stays so.
        let (number, own) = if factor.is_finite() { libm::frexp(factor) } else { (factor, 0) };
        let (product, of_product) = libm::frexp(product * number);
        (product, power + own + of_product)
    });
    libm::scalbn(product, power)
}

/// A bound on sizes, that for the range of single precision or that for the range of double precision.
fn bound<T: crate::Real>(single: f64, double: f64) -> f64 {
    if T::SINGLE { single } else { double }
}

/// A plain number, or one that a mode does not vary, as an `f64`.
///
/// # Panics
/// If a mode varies it: the result would be a constant there.
pub(crate) fn plain<T: crate::Real>(x: T) -> f64 {
    let number = x.to_f64();
    assert!(
        T::BASE || x.is_same(nalgebra::convert(number)),
        "the text of this function computes with plain numbers, and is run at a number that varies in {}, whose derivatives it \
         would lose; call the function, which has rules, in place of its `primal`",
        std::any::type_name::<T>()
    );
    number
}

/// NaN with derivatives that are NaN: where a value is undefined, so are they.
#[cold]
pub(crate) fn undefined<T: crate::Real>(x: T) -> T {
    nalgebra::ComplexField::exp(x * nalgebra::convert(f64::NAN))
}
