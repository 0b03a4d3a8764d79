//! Derivatives of whole programs.
//!
//! A transform takes a function of one differentiable value (a scalar, a vector, a tuple, ...) and
//! a point. It calls the function with the point in another scalar, so write the function generic
//! over the scalar and hand the transform a closure that calls it. Where the function returns a
//! `Result`, so does the transform, and the error passes unchanged; where it returns an
//! [`Aux`](crate::Aux), the transform returns what comes beside the value too.
//!
//! Every transform panics if a primitive lacks the rule that the mode needs (see
//! [`MissingRule`](crate::registry::MissingRule)), and if the function uses or returns a [`Var`] that is not of
//! this computation.

mod directional;
mod function;
mod gradient;
mod hessian;
mod jacobian;
#[cfg(feature = "rayon")]
mod parallel;
mod several;

use crate::contract::scalar::Real;
use crate::contract::value::{Differentiable, With};
use crate::modes::dual::Dual;
use crate::modes::maps::{Lift, Units};
use crate::modes::mark::Derivation;
use crate::modes::reverse::session::inputs;
use crate::modes::reverse::var::Var;
use crate::tape::Opened;

pub use directional::{hvp, jvp, value_gradient_and_hvp, vjp};
pub use function::{Function, Returns};
pub use gradient::{gradient, value_and_gradient};
pub use hessian::{hessian, value_gradient_and_hessian};
pub use jacobian::{
    jacobian, jacobian_by_shape, jacobian_reverse, value_and_jacobian, value_and_jacobian_reverse,
};
#[cfg(feature = "rayon")]
pub use parallel::{
    par_value_and_gradient, par_value_and_jacobian, par_value_and_jacobian_reverse,
    par_value_gradient_and_hessian, par_value_gradient_and_hvp,
};
pub use several::{jvps, jvps_by_number, value_gradient_and_hvps, vjps, vjps_by_number};

/// The point `x` on a tape of its own.
fn recorded<X: Differentiable>(x: &X) -> (Opened<X::Real>, With<X, Var<X::Real>>) {
    let tape = Opened::new(X::count(&x.shape()));
    let variables = inputs(&tape, x);
    (tape, variables)
}

/// The point with unit tangents for the numbers from `first` on, a direction each.
fn seeded<X: Differentiable, const N: usize>(
    x: &X,
    first: usize,
    derivation: &mut Derivation,
) -> With<X, Dual<X::Real, N>> {
    x.map_with(&mut Units { next: 0, first, derivation })
}

/// What a computation has, as constants one mode further out: for an inner transform inside of an outer one.
///
/// The inner transform's function takes numbers of its own mode, and what the outer function was given are
/// none. `M` is that mode; the compiler finds it where the result is used. An inner [`hessian`] or [`hvp`] is two modes
/// further out: lift twice, `lift(&lift::<_, Dual<T>>(a))` for `hvp`.
///
/// ```
/// use difrules_core::{Dual, Real, gradient, hvp, lift};
/// use nalgebra::DVector;
///
/// fn energy<T: Real>(x: T, a: &DVector<T>) -> T {
///     a[0] * x * x + a[1] * x
/// }
///
/// /// The slope by x, for any scalar.
/// fn slope<T: Real>(x: T, a: &DVector<T>) -> T {
///     gradient(|x| energy(*x, &lift(a)), &x)
/// }
///
/// let a = DVector::from_vec(vec![3.0_f64, 1.0]);
/// assert_eq!(slope(2.0, &a), 13.0);
/// assert_eq!(gradient(|a| slope(difrules_core::lit(2.0), a), &a).as_slice(), [4.0, 1.0]);
///
/// /// The curvature by x, for any scalar.
/// fn curvature<T: Real>(x: T, a: &DVector<T>) -> T {
///     hvp(|x| energy(*x, &lift(&lift::<_, Dual<T>>(a))), &x, &T::one())
/// }
///
/// assert_eq!(gradient(|a| curvature(difrules_core::lit(2.0), a), &a).as_slice(), [2.0, 0.0]);
/// ```
pub fn lift<X: Differentiable, M: Real<Inner = X::Real>>(x: &X) -> With<X, M> {
    x.map_with::<M>(&mut Lift)
}
