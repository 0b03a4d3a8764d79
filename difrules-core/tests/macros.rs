//! The attribute, the derive and `derivative!` within macros, on types with markers, on arrays, and with
//! closures that own what they need.
#![allow(unused_parens)] // What is tested.

use std::marker::PhantomData;

use difrules_core::symbolic::differentiate;
use difrules_core::testing::check;
use difrules_core::{Differentiable, Real, Slot, Var, derivative, find, gradient, primitive};
use nalgebra::{DVector, convert, dvector};

// Types, expressions and paths of a macro come in groups that have no delimiters.

macro_rules! of_a_vector {
    ($name:ident($x:ident: $arg:ty, $n:ident: $constant:ty) -> $output:ty, $body:expr, $forward:expr, $reverse:path, $sample:expr) => {
        #[primitive(forward = $forward, reverse = $reverse, reads($x, $n), constant($n), instances(f64), sample = $sample)]
        #[allow(dead_code)]
        fn $name<T: Real>($x: $arg, $n: $constant) -> $output {
            $body
        }
    };
}

of_a_vector!(
    times_square(x: &DVector<T>, n: i32) -> Option<T>,
    Some(x.norm_squared() * convert(f64::from(n))),
    |x, n, _, x_dot| x.dot(x_dot) * convert(f64::from(n + n)),
    times_square_reverse,
    |random| (random.vector(3), 2)
);

fn times_square_reverse<T: Real>(x: &DVector<T>, n: i32, y_bar: T, x_bar: Slot<'_, DVector<T>>) {
    x_bar.add(|| x * (y_bar * convert(f64::from(n + n))));
}

of_a_vector!(
    shifted(x: &mut DVector<T>, n: usize) -> (),
    { let first = x[0]; x[n] += first; },
    |_, n, _, x_dot| { let first = x_dot[0]; x_dot[n] += first; },
    shifted_reverse,
    |random| (random.vector(3), 1)
);

fn shifted_reverse<T: Real>(
    _: &DVector<T>,
    n: usize,
    mut x_bar: difrules_core::contract::Adjoint<'_, DVector<T>>,
) {
    let of_sum = x_bar[n];
    x_bar[0] += of_sum;
}

macro_rules! of_numbers {
    ($name:ident, $scalar:ty, $other:ty, $slope:expr, $module:ident, $kernel:path) => {
        #[primitive(partial = |_| 2.0 * $slope)]
        fn $name(x: $scalar) -> $scalar {
            2.0 * $slope * x
        }

        /// The same for any scalar.
        mod $module {
            use super::*;

            #[primitive(partial = |_| convert::<f64, T>(2.0) * convert($slope), kernel(f64 = $kernel), instances($scalar, $other))]
            #[allow(dead_code)]
            pub(super) fn general<T: Real>(x: T) -> T {
                convert::<f64, T>(2.0) * convert($slope) * x
            }

            fn twice(x: f64) -> f64 {
                2.0 * ($slope) * x
            }
        }
    };
}

of_numbers!(six_times, f64, f32, 1.0 + 2.0, inside, twice);

macro_rules! slope {
    ($value:expr, $x:ident) => {
        derivative!(2.0 * $value, $x)
    };
    ($value:expr, $x:ident, $rule:expr) => {
        derivative!(bell($value) * 2.0, $x, bell = $rule)
    };
}

fn bell(t: f64) -> f64 {
    (-t * t).exp()
}

macro_rules! structure {
    ($visibility:vis $name:ident { $($field:ident: $of:ty),* ; $constant:ident: $other:ty }) => {
        #[derive(Clone, Debug, PartialEq, Differentiable)]
        $visibility struct $name<T> {
            $($field: $of,)*
            #[constant]
            $constant: $other,
        }
    };
}

structure!(pub(crate) Grouped { a: T, b: DVector<T>, c: (T, [T; 2]); name: &'static str });

macro_rules! attributed {
    ($item:item) => {
        #[primitive(partial = |x| x + x, instances(f64))]
        $item
    };
}

attributed!(
    fn square_of_an_item<T: Real>(x: T) -> T {
        x * x
    }
);

#[test]
fn groups_are_seen_through() {
    for (name, arity) in [
        ("times_square", 2),
        ("shifted", 2),
        ("six_times", 1),
        ("general", 1),
        ("square_of_an_item", 1),
    ] {
        check(find(name, arity).expect(name)).assert();
    }
    let by_text = differentiate(&"six_times(x)".parse().unwrap(), "x").unwrap();
    assert_eq!(by_text.to_string(), "6");
    assert_eq!(gradient(|x| six_times::on(*x), &1.0_f64), 6.0);
    let x = 3.0;
    assert_eq!(slope!(x + 1.0, x), (8.0, 2.0));
    assert_eq!(slope!(x - 3.0, x, |t, y| -2.0 * t * y), (2.0, 0.0));
    let at = Grouped { a: 1.0, b: dvector![2.0], c: (3.0, [4.0, 5.0]), name: "g" };
    let by = gradient(|g| g.a * g.b[0] * g.c.0 * g.c.1[1], &at);
    assert_eq!(by, Grouped { a: 30.0, b: dvector![15.0], c: (10.0, [0.0, 6.0]), name: "g" });
    assert_eq!(find("times_square", 2).unwrap().arguments[0].type_name, "&DVector<T>");
}

// Types in parentheses, and functions that C may call.

#[primitive(
    forward = |x, y, _, x_dot, y_dot| x_dot.dot(y) + x.dot(y_dot),
    reverse = |x, y, _, z_bar| (y * z_bar, x * z_bar),
    instances(f64),
    sample = |random| (random.vector(3), random.vector(3))
)]
fn in_parentheses<T: Real>(x: &(DVector<T>), y: (&(DVector<(T)>))) -> (T) {
    x.dot(y)
}

#[primitive(partial = |x| x + x, instances(f64))]
extern "C" fn for_c<T: Real>(x: T) -> T {
    x * x
}

#[test]
fn types_in_parentheses_and_functions_of_another_call() {
    check(find("in_parentheses", 2).unwrap()).assert();
    check(find("for_c", 1).unwrap()).assert();
    let called: extern "C" fn(f64) -> f64 = for_c;
    assert_eq!((called(3.0), gradient(|x| for_c(*x), &3.0_f64)), (9.0, 6.0));
}

// Markers: types that nothing is stored of.

#[derive(Clone, Copy, Debug, PartialEq)]
struct Metres;

#[derive(Clone, Debug, PartialEq, Differentiable)]
struct Tagged<T: Real, Unit: Clone> {
    value: T,
    #[constant]
    unit: PhantomData<Unit>,
}

#[primitive(
    forward = |_, _, x_dot| x_dot.value,
    reverse = |_, _, y_bar, x_bar| {
        if let Some((value,)) = x_bar.buffer() {
            *value += y_bar;
        }
    },
    instances(<f64, Metres>),
    sample = |random| Tagged { value: random.normal(), unit: PhantomData }
)]
fn bare<T: Real, Unit: Clone + 'static>(x: &Tagged<T, Unit>) -> T {
    x.value
}

#[primitive(
    partial = |x, _| x + x,
    constant(unit),
    instances(<f64, Metres>),
    sample = |random| (random.normal(), PhantomData)
)]
fn square_in<T: Real, Unit: 'static>(x: T, unit: PhantomData<Unit>) -> T {
    let _ = unit;
    x * x
}

/// The first of some numbers.
#[primitive(
    forward = |_, _, x_dot| x_dot[0],
    reverse = |_, _, y_bar, x_bar| {
        if let Some(x_bar) = x_bar.buffer() {
            for (i, x_bar) in x_bar.into_iter().enumerate() {
                if i == 0 {
                    *x_bar += y_bar;
                }
            }
        }
    },
    instances(<f64, 3>),
    sample = |random| [random.normal(), random.normal(), random.normal()]
)]
fn first<T: Real, const N: usize>(x: [T; N]) -> T {
    x[0]
}

#[test]
fn markers_and_lengths_are_parameters() {
    for (name, arity) in [("bare", 1), ("square_in", 2), ("first", 1)] {
        check(find(name, arity).expect(name)).assert();
    }
    let at = Tagged { value: 2.0, unit: PhantomData::<Metres> };
    let by = gradient(|x| bare(x) * bare(x), &at);
    assert_eq!(by.value, 4.0);
    assert_eq!(gradient(|x: &Var<f64>| square_in(*x, PhantomData::<Metres>), &3.0), 6.0);
    assert_eq!(gradient(|x: &[Var<f64>; 2]| first(*x), &[3.0, 1.0]), [1.0, 0.0]);
}

// Closures that own.

#[primitive(
    forward = move |x, _, x_dot: T| -> T { (x + x) * x_dot },
    reverse = move |x, _, y_bar| (x + x) * y_bar,
    instances(f64),
    sample = move |random| random.between(-2.0, 2.0)
)]
fn moved<T: Real>(x: T) -> T {
    x * x
}

#[primitive(
    partial = move |x, f| convert::<f64, T>(f(1.0)) + x - x,
    constant(f),
    instances(<f64, fn(f64) -> f64>),
    sample = |random| (random.normal(), f64::sin as fn(f64) -> f64)
)]
fn times_called<T: Real>(x: T, f: impl Fn(f64) -> f64 + Clone + 'static) -> T {
    x * convert(f(1.0))
}

#[test]
fn closures_may_own_what_they_need() {
    check(find("moved", 1).unwrap()).assert();
    check(find("times_called", 2).unwrap()).assert();
    let weights = Vec::from([1.0, 2.0]);
    let owning = move |x: f64| x * weights.iter().sum::<f64>();
    assert_eq!(gradient(|x: &Var<f64>| times_called(*x, owning), &2.0), 3.0);
}
