//! Derivatives in a direction: tangents, cotangents, and the Hessian times a vector.

use super::several::{pulled, value_gradient_and_products};
use crate::contract::outcome::{Outcome, OutcomeOf};
use crate::contract::value::{Differentiable, With, demand_shape};
use crate::modes::dual::Dual;
use crate::modes::maps::{Along, Numbers, Primals, Tangents};
use crate::modes::mark::Derivation;
use crate::modes::reverse::var::Var;

/// The value of a function and its derivative in a direction: one forward evaluation.
///
/// # Errors
/// The function's own, unchanged.
///
/// # Panics
/// If `tangent` does not have the shape of `x`.
///
/// ```
/// use difrules_core::jvp;
/// use nalgebra::vector;
///
/// let (y, y_dot) = jvp(|x| x.component_mul(x), &vector![2.0_f64, 3.0], &vector![1.0, -1.0]);
/// assert_eq!(y, vector![4.0, 9.0]);
/// assert_eq!(y_dot, vector![4.0, -6.0]);
/// ```
pub fn jvp<X, F, Y, V>(f: F, x: &X, tangent: &X) -> Y::Of<(With<V, X::Real>, With<V, X::Real>)>
where
    X: Differentiable,
    F: FnOnce(&With<X, Dual<X::Real>>) -> Y,
    Y: Outcome<Value = V>,
    V: Differentiable<Real = Dual<X::Real>>,
{
    demand_shape(("tangent", tangent), ("point", x));
    let (tangent, mut derivation) = (tangent.reals(), Derivation::default());
    let (y, aux) = f(&x.map_with(&mut Along([Numbers(&tangent)], &mut derivation))).into_parts();
    let pair = y.map(|y| (y.map_with(&mut Primals), y.map_with(&mut Tangents(&mut derivation))));
    Y::from_parts(pair, aux)
}

/// The value of a function and the gradient of its pairing with a cotangent: one reverse sweep.
///
/// # Errors
/// The function's own, unchanged.
///
/// # Panics
/// If `cotangent` does not have the shape of the function's value, or if the function returns a
/// `Var` that is not of this computation.
///
/// ```
/// use difrules_core::vjp;
/// use nalgebra::vector;
///
/// let (y, x_bar) = vjp(|x| x.component_mul(x), &vector![2.0_f64, 3.0], &vector![1.0, -1.0]);
/// assert_eq!(y, vector![4.0, 9.0]);
/// assert_eq!(x_bar, vector![4.0, -6.0]);
/// ```
pub fn vjp<X, F, Y, V>(f: F, x: &X, cotangent: &With<V, X::Real>) -> Y::Of<(With<V, X::Real>, X)>
where
    X: Differentiable,
    F: FnOnce(&With<X, Var<X::Real>>) -> Y,
    Y: Outcome<Value = V>,
    V: Differentiable<Real = Var<X::Real>>,
{
    let (pair, aux) = pulled(|x| f(x).into_parts(), x, std::slice::from_ref(cotangent));
    let one = |(value, gradients): (_, Vec<X>)| {
        (value, gradients.into_iter().next().expect("one a cotangent"))
    };
    Y::from_parts(pair.map(one), aux)
}

/// The Hessian of a function times a vector: forward over reverse, one evaluation.
///
/// # Errors
/// The function's own, unchanged.
///
/// # Panics
/// If `direction` does not have the shape of `x`, or if the function returns a `Var` that is not of
/// this computation.
///
/// ```
/// use difrules_core::hvp;
/// use nalgebra::vector;
///
/// let product = hvp(|x| x[0] * x[0] * x[1], &vector![2.0_f64, 3.0], &vector![1.0, -1.0]);
/// assert_eq!(product, vector![2.0, 4.0]);
/// ```
pub fn hvp<X, F, Y>(f: F, x: &X, direction: &X) -> Y::Of<X>
where
    X: Differentiable,
    F: FnOnce(&With<X, Var<Dual<X::Real>>>) -> Y,
    Y: OutcomeOf<Var<Dual<X::Real>>>,
{
    let (result, aux) =
        value_gradient_and_products(|x| f(x).into_parts(), x, std::array::from_ref(direction));
    Y::from_parts(result.map(|(_, _, [product])| product), aux)
}

/// The value and the gradient of a function, and its Hessian times a vector: forward over reverse, one evaluation,
/// the same that [`hvp`] makes.
///
/// # Errors
/// The function's own, unchanged.
///
/// # Panics
/// As [`hvp`].
///
/// ```
/// use difrules_core::value_gradient_and_hvp;
/// use nalgebra::vector;
///
/// let (y, gradient, product) =
///     value_gradient_and_hvp(|x| x[0] * x[0] * x[1], &vector![2.0_f64, 3.0], &vector![1.0, -1.0]);
/// assert_eq!(y, 12.0);
/// assert_eq!(gradient, vector![12.0, 4.0]);
/// assert_eq!(product, vector![2.0, 4.0]);
/// ```
pub fn value_gradient_and_hvp<X, F, Y>(f: F, x: &X, direction: &X) -> Y::Of<(X::Real, X, X)>
where
    X: Differentiable,
    F: FnOnce(&With<X, Var<Dual<X::Real>>>) -> Y,
    Y: OutcomeOf<Var<Dual<X::Real>>>,
{
    let (result, aux) =
        value_gradient_and_products(|x| f(x).into_parts(), x, std::array::from_ref(direction));
    Y::from_parts(result.map(|(y, gradient, [product])| (y, gradient, product)), aux)
}
