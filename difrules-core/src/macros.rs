//! The macros, which `difrules-macros` has and only who links this crate can run.

/// Gives a function derivative rules and registers it.
///
/// The function stays what it was; a derivative mode intercepts it and applies the rules. The keys,
/// and what a rule takes, are on the [first page](crate).
///
/// ```
/// use difrules_core::{Real, gradient, primitive};
///
/// /// The cube.
/// #[primitive(
///     forward = |x, _, x_dot| three(x * x) * x_dot,
///     reverse = |x, _, y_bar| three(x * x) * y_bar,
///     instances(f32, f64)
/// )]
/// fn cube<T: Real>(x: T) -> T {
///     x * x * x
/// }
///
/// fn three<T: Real>(x: T) -> T {
///     x + x + x
/// }
///
/// assert_eq!(cube(2.0), 8.0);
/// assert_eq!(gradient(|x| cube(*x), &2.0_f64), 12.0);
/// ```
///
/// # Errors
/// A wrong use is a compile error at the user's token that says what to write instead.
pub use difrules_macros::primitive;

/// The value and the derivatives of an expression, written out as straight-line Rust when it is compiled.
///
/// `derivative!(expression, x)` is `(value, by_x)`, `derivative!(expression, x, y)` is `(value, by_x, by_y)`, and
/// `derivative!(expression, x; 2)` is `(value, by_x, by_x_twice)`. The expression is made of variables in scope, which are of
/// one scalar type (`f64`, or any `T: Real`), of numbers, operators, `if`, and the functions of `difrules_core::math`, as
/// functions or as methods; `x^2` is a power too. What several results need is computed once.
///
/// ```
/// use difrules_core::derivative;
///
/// let (x, y) = (0.5_f64, 2.0_f64);
/// let (value, by_x, by_y) = derivative!(y * (x / y).sin() + x^2, x, y);
/// assert!((value - (2.0 * 0.25_f64.sin() + 0.25)).abs() < 1e-15);
/// assert!((by_x - (0.25_f64.cos() + 1.0)).abs() < 1e-15);
/// assert!((by_y - (0.25_f64.sin() - 0.25 * 0.25_f64.cos())).abs() < 1e-15);
/// ```
///
/// For a function of the user's own the rule is given: a closure for each argument, of the arguments and, if it likes, of the value,
/// as in `#[primitive(partial = ..)]`. `crate = path` says where `difrules_core` is found.
///
/// ```
/// use difrules_core::derivative;
///
/// fn bell(t: f64) -> f64 {
///     (-t * t).exp()
/// }
///
/// let x = 0.3_f64;
/// let (_, slope) = derivative!(x * bell(2.0 * x), x, bell = |t, y| -2.0 * t * y);
/// assert!((slope - bell(0.6) * (1.0 - 8.0 * x * x)).abs() < 1e-15);
/// ```
///
/// # Errors
/// An expression that is none, a function without a rule, or one whose derivative nobody knows, is a compile error at the
/// user's token.
pub use difrules_macros::derivative;

/// Makes a structure of numbers, vectors and matrices a value that has derivatives.
///
/// The structure is generic over its scalar; every field is `Differentiable` over it, or is marked
/// `#[constant]`. Tangents, cotangents and gradients are such structures too, with the constants of
/// the point. The structure is `Clone`, and so are its constants, which also print and compare.
///
/// ```
/// use difrules_core::{Differentiable, Real, gradient};
/// use nalgebra::{DVector, dvector};
///
/// #[derive(Clone, Debug, PartialEq, Differentiable)]
/// struct Parameters<T> {
///     lengths: DVector<T>,
///     noise: T,
///     #[constant]
///     name: String,
/// }
///
/// fn loss<T: Real>(p: &Parameters<T>) -> T {
///     p.lengths.norm_squared() * p.noise
/// }
///
/// let at = Parameters { lengths: dvector![1.0, 2.0], noise: 3.0, name: "first".into() };
/// let by = gradient(|p| loss(p), &at);
/// assert_eq!(by, Parameters { lengths: dvector![6.0, 12.0], noise: 5.0, name: "first".into() });
/// ```
///
/// A rule gets its cotangent, and is lent its adjoint, as a tuple of those of its fields, without
/// the constants.
///
/// Constants are part of a point's shape: a tangent has those of its point, and a point whose constant
/// does not equal itself, such as a NaN, fits no other. They are copied with the point, so put large
/// ones behind an `Arc`.
///
/// `#[differentiable(crate = path)]` says where `difrules_core` is found.
///
/// # Errors
/// An enum or a union, a structure without a scalar, or a field that is neither made of the scalar
/// nor marked, is a compile error at the user's token that says what to write instead.
pub use difrules_macros::Differentiable;
