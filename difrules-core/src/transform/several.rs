//! Derivatives in several directions at once.

use super::gradient::swept;
use super::recorded;
use crate::contract::outcome::{Outcome, OutcomeOf};
use crate::contract::value::{Differentiable, With, demand_shape};
use crate::modes::dual::Dual;
use crate::modes::maps::{Along, Each, Numbers, Primals, Ranges, like, seed, tangent};
use crate::modes::mark::Derivation;
use crate::modes::reverse::var::Var;
use crate::tape::Number;

/// The value of a function and its derivatives in `N` directions: one forward evaluation.
///
/// It is [`jvp`](crate::jvp) in each direction, and takes less time than that.
///
/// # Errors
/// The function's own, unchanged.
///
/// # Panics
/// If a direction does not have the shape of `x`.
///
/// ```
/// use difrules_core::jvps;
/// use nalgebra::vector;
///
/// let directions = [vector![1.0, 0.0], vector![1.0, -1.0]];
/// let (y, [first, second]) = jvps(|x| x.component_mul(x), &vector![2.0_f64, 3.0], &directions);
/// assert_eq!(y, vector![4.0, 9.0]);
/// assert_eq!((first, second), (vector![4.0, 0.0], vector![4.0, -6.0]));
/// ```
pub fn jvps<X, F, Y, V, const N: usize>(
    f: F,
    x: &X,
    directions: &[X; N],
) -> Y::Of<(With<V, X::Real>, [With<V, X::Real>; N])>
where
    X: Differentiable,
    F: FnOnce(&With<X, Dual<X::Real, N>>) -> Y,
    Y: Outcome<Value = V>,
    V: Differentiable<Real = Dual<X::Real, N>>,
{
    let mut derivation = Derivation::default();
    let (y, aux) = f(&along(x, directions, &mut derivation)).into_parts();
    let result = y.map(|y| {
        let value = y.map_with(&mut Primals);
        let mut tangents: [Vec<X::Real>; N] = std::array::from_fn(|_| Vec::new());
        y.for_each_real(&mut |y| {
            derivation.own(y.mark());
            for (all, y_dot) in tangents.iter_mut().zip(y.tangents) {
                all.push(tangent(y.value, y_dot));
            }
        });
        let tangents = tangents.map(|tangents| like(&value, &tangents));
        (value, tangents)
    });
    Y::from_parts(result, aux)
}

/// The value of a function and the gradients of its pairings with cotangents: one recording, and a reverse sweep for
/// each.
///
/// It is [`vjp`](crate::vjp) of each cotangent, and takes less time than that.
///
/// # Errors
/// The function's own, unchanged.
///
/// # Panics
/// If a cotangent does not have the shape of the function's value, or if the function returns a `Var` that is not of
/// this computation.
///
/// ```
/// use difrules_core::vjps;
/// use nalgebra::vector;
///
/// let cotangents = [vector![1.0, 0.0], vector![1.0, -1.0]];
/// let (y, gradients) = vjps(|x| x.component_mul(x), &vector![2.0_f64, 3.0], &cotangents);
/// assert_eq!(y, vector![4.0, 9.0]);
/// assert_eq!(gradients, [vector![4.0, 0.0], vector![4.0, -6.0]]);
/// ```
pub fn vjps<X, F, Y, V>(
    f: F,
    x: &X,
    cotangents: &[With<V, X::Real>],
) -> Y::Of<(With<V, X::Real>, Vec<X>)>
where
    X: Differentiable,
    F: FnOnce(&With<X, Var<X::Real>>) -> Y,
    Y: Outcome<Value = V>,
    V: Differentiable<Real = Var<X::Real>>,
{
    let (result, aux) = pulled(|x| f(x).into_parts(), x, cotangents);
    Y::from_parts(result, aux)
}

/// The value and the gradients of its pairings with cotangents, and what comes beside.
pub(super) fn pulled<X, F, V, A, E>(
    f: F,
    x: &X,
    cotangents: &[With<V, X::Real>],
) -> (Result<(With<V, X::Real>, Vec<X>), E>, A)
where
    X: Differentiable,
    F: FnOnce(&With<X, Var<X::Real>>) -> (Result<V, E>, A),
    V: Differentiable<Real = Var<X::Real>>,
{
    let numbers = |value: &With<V, X::Real>| {
        for cotangent in cotangents {
            demand_shape(("cotangent", cotangent), ("value", value));
        }
        cotangents.iter().map(Differentiable::to_reals)
    };
    pulled_by(f, x, numbers, |gradient| like(x, gradient))
}

/// The same with cotangents by their numbers, for a value that is known then; `take` takes each gradient.
fn pulled_by<X, F, V, A, E, C, G>(
    f: F,
    x: &X,
    cotangents: impl FnOnce(&With<V, X::Real>) -> C,
    take: impl FnMut(&[X::Real]) -> G,
) -> (Result<(With<V, X::Real>, Vec<G>), E>, A)
where
    X: Differentiable,
    F: FnOnce(&With<X, Var<X::Real>>) -> (Result<V, E>, A),
    V: Differentiable<Real = Var<X::Real>>,
    C: Iterator<Item: IntoIterator<Item = X::Real>>,
{
    let (tape, variables) = recorded(x);
    let (y, aux) = f(&variables);
    let result = y.map(|y| {
        let mut ranges = Ranges::new(tape.stamp());
        let value = y.map_with(&mut ranges.values());
        let (cotangents, values) = (cotangents(&value), value.reals());
        let mut take = take;
        let gradients = tape.close(|tape| {
            let one = |cotangent: C::Item| {
                let seeds = values.iter().zip(cotangent).map(|(&y, y_bar)| seed(y, y_bar));
                take(tape.sweep(ranges.numbers().zip(seeds)))
            };
            cotangents.map(one).collect()
        });
        (value, gradients)
    });
    (result, aux)
}

/// [`jvps`] where the tangents of each number of the point are those that `tangents` gives for its place; those of the value's
/// numbers come in their order.
#[doc(hidden)]
pub fn jvps_by_number<X, F, V, E, const N: usize>(
    f: F,
    x: &X,
    tangents: impl FnMut(usize) -> [X::Real; N],
) -> Result<(With<V, X::Real>, Vec<[X::Real; N]>), E>
where
    X: Differentiable,
    F: FnOnce(&With<X, Dual<X::Real, N>>) -> Result<V, E>,
    V: Differentiable<Real = Dual<X::Real, N>>,
{
    let mut derivation = Derivation::default();
    let y = f(&x.map_with(&mut Each { next: 0, tangents, derivation: &mut derivation }))?;
    let mut all = Vec::with_capacity(V::count(&y.shape()));
    y.for_each_real(&mut |y| {
        derivation.own(y.mark());
        all.push(y.tangents.map(|y_dot| tangent(y.value, y_dot)));
    });
    Ok((y.map_with(&mut Primals), all))
}

/// [`vjps`] of so many cotangents, of which `cotangent` gives the number in each place; the gradients are the numbers of
/// the point.
#[doc(hidden)]
pub fn vjps_by_number<X, F, V, E>(
    f: F,
    x: &X,
    count: usize,
    cotangent: impl Fn(usize, usize) -> X::Real,
) -> Result<(With<V, X::Real>, Vec<Vec<X::Real>>), E>
where
    X: Differentiable,
    F: FnOnce(&With<X, Var<X::Real>>) -> Result<V, E>,
    V: Differentiable<Real = Var<X::Real>>,
{
    let cotangent = &cotangent;
    let numbers = |value: &With<V, X::Real>| {
        let places = <With<V, X::Real>>::count(&value.shape());
        (0..count).map(move |k| (0..places).map(move |i| cotangent(k, i)))
    };
    pulled_by(|x| (f(x), ()), x, numbers, <[X::Real]>::to_vec).0
}

/// The value and the gradient of a function, and its Hessian times `N` vectors: forward over reverse, one evaluation.
///
/// It is [`value_gradient_and_hvp`](crate::value_gradient_and_hvp) in each direction, and takes less time than that.
///
/// # Errors
/// The function's own, unchanged.
///
/// # Panics
/// If a direction does not have the shape of `x`, or if the function returns a `Var` that is not of this computation.
///
/// ```
/// use difrules_core::value_gradient_and_hvps;
/// use nalgebra::vector;
///
/// let directions = [vector![1.0, 0.0], vector![1.0, -1.0]];
/// let (y, gradient, products) =
///     value_gradient_and_hvps(|x| x[0] * x[0] * x[1], &vector![2.0_f64, 3.0], &directions);
/// assert_eq!((y, gradient), (12.0, vector![12.0, 4.0]));
/// assert_eq!(products, [vector![6.0, 4.0], vector![2.0, 4.0]]);
/// ```
pub fn value_gradient_and_hvps<X, F, Y, const N: usize>(
    f: F,
    x: &X,
    directions: &[X; N],
) -> Y::Of<(X::Real, X, [X; N])>
where
    X: Differentiable,
    F: FnOnce(&With<X, Var<Dual<X::Real, N>>>) -> Y,
    Y: OutcomeOf<Var<Dual<X::Real, N>>>,
{
    let (result, aux) = value_gradient_and_products(|x| f(x).into_parts(), x, directions);
    Y::from_parts(result, aux)
}

/// The value, the gradient and the Hessian times each direction, and what comes beside.
pub(super) fn value_gradient_and_products<X, F, A, E, const N: usize>(
    f: F,
    x: &X,
    directions: &[X; N],
) -> (Result<(X::Real, X, [X; N]), E>, A)
where
    X: Differentiable,
    F: FnOnce(&With<X, Var<Dual<X::Real, N>>>) -> (Result<Var<Dual<X::Real, N>>, E>, A),
{
    let mut derivation = Derivation::default();
    let point = along(x, directions, &mut derivation);
    let (swept, aux) = swept(f, &point, |entries| {
        let gradient: Vec<_> = entries.iter().map(|entry| entry.value).collect();
        entries.iter().for_each(|entry| derivation.own(entry.mark()));
        let products = std::array::from_fn(|direction| {
            let product = entries.iter().map(|entry| entry.tangents[direction].moved());
            like(x, &product.collect::<Vec<_>>())
        });
        (like(x, &gradient), products)
    });
    (swept.map(|(y, (gradient, products))| (y.value, gradient, products)), aux)
}

/// The point with tangents in these directions.
fn along<X: Differentiable, const N: usize>(
    x: &X,
    directions: &[X; N],
    derivation: &mut Derivation,
) -> With<X, Dual<X::Real, N>> {
    let numbers = directions.each_ref().map(|direction| {
        demand_shape(("direction", direction), ("point", x));
        direction.reals()
    });
    let numbers = numbers.each_ref().map(|numbers| Numbers(numbers));
    x.map_with(&mut Along(numbers, derivation))
}
