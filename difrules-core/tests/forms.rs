//! The forms of arguments and results, each checked as a rule and used in the modes.

use difrules_core::contract::Adjoint;
use difrules_core::registry::by_path;
use difrules_core::testing::check;
use difrules_core::{
    Cotangent, Differentiable, Dual, Real, Scalar, Slot, Var, find, gradient, hessian, jacobian,
    jvp, primitive, value_and_gradient, vjp,
};
use nalgebra::allocator::Allocator;
use nalgebra::{
    Complex, DMatrix, DMatrixView, DMatrixViewMut, DVector, DVectorView, DefaultAllocator, Dim,
    OVector, SMatrix, Vector2, convert, dmatrix, dvector, vector,
};

/// Where users keep what they re-export.
mod reexport {
    pub(crate) use ::difrules_core as rules;
    pub(crate) mod difrules_core {
        pub(crate) use ::difrules_core::Real;
    }
}

/// A weighted sum of a slice.
#[primitive(
    forward = |_, weights, _, x_dot| dot(x_dot, weights),
    reverse = slice_reverse,
    reads(weights),
    constant(weights),
    instances(f32, f64),
    sample = |random| {
        let n = random.size(0, 4);
        (random.like::<Vec<_>>(&vec![(); n]), vec![0.5; n])
    },
)]
fn weighted_sum<'a, T>(x: &'a [T], weights: &'a [f64]) -> T
where
    T: Real + 'a,
{
    dot(x, weights)
}

fn dot<T: Real>(x: &[T], weights: &[f64]) -> T {
    x.iter().zip(weights).fold(T::zero(), |sum, (&x, &w)| sum + x * convert(w))
}

fn slice_reverse<T: Real>(weights: &[f64], y_bar: T, x_bar: Slot<'_, Vec<T>>) {
    for (x_bar, &w) in x_bar.buffer().into_iter().flatten().zip(weights) {
        *x_bar += y_bar * convert(w);
    }
}

/// Doubles the numbers of a slice, and adds a number to them.
#[primitive(
    forward = |_, _, _, x_dot: &mut [T], y_dot| x_dot.iter_mut().for_each(|x| *x = *x + *x + y_dot),
    reverse = |_, _, _, x_bar, y_bar| {
        let mut sum = T::zero();
        for x_bar in x_bar {
            sum += *x_bar;
            *x_bar = *x_bar + *x_bar;
        }
        y_bar.add(|| sum);
    },
    instances(f32, f64),
    sample = |random| {
        let n = random.size(1, 4);
        (random.like::<Vec<_>>(&vec![(); n]), random.normal())
    },
)]
fn double_in_place<T: Real>(x: &mut [T], y: T) {
    x.iter_mut().for_each(|x| *x = *x + *x + y);
}

/// The sum of the entries of a view.
#[primitive(
    forward = |_, _, _, a_dot, x_dot| a_dot.sum() + x_dot.sum(),
    reverse = |_, _, _, y_bar, a_bar, x_bar| {
        if let Some(mut a_bar) = a_bar.buffer() {
            a_bar.add_scalar_mut(y_bar);
        }
        if let Some(mut x_bar) = x_bar.buffer() {
            x_bar.add_scalar_mut(y_bar);
        }
    },
    instances(f64, Complex<f64>),
    sample = |random| (random.matrix(2, 3), random.vector(2)),
)]
fn sum_of_view<T: Scalar>(a: DMatrixView<'_, T>, x: DVectorView<T>) -> T {
    a.sum() + x.sum()
}

/// Subtracts a number from the entries of a view.
#[primitive(
    forward = |_, _, _, a_dot, x_dot| *a_dot = a_dot.map(|a| a - x_dot),
    reverse = |_, _, _, a_bar, x_bar| x_bar.add(|| -a_bar.sum()),
    instances(f64),
    sample = |random| (random.matrix(2, 3), random.normal()),
)]
fn lower<'a, T: Real>(mut a: DMatrixViewMut<'a, T>, x: T) {
    a.add_scalar_mut(-x);
}

/// A plain function of a slice and a view, as a call into C would be.
#[primitive(
    forward = |_, _, _, x_dot, a_dot| x_dot.iter().sum::<f64>() + a_dot.sum(),
    reverse = |_, _, _, y_bar, x_bar, a_bar| {
        x_bar.buffer().into_iter().flatten().for_each(|x| *x += y_bar);
        if let Some(mut a_bar) = a_bar.buffer() {
            a_bar.add_scalar_mut(y_bar);
        }
    },
    sample = |random| (vec![random.normal(), 2.0], random.matrix(2, 2)),
)]
fn plain_sum(x: &[f64], a: DMatrixView<'_, f64>) -> f64 {
    x.iter().sum::<f64>() + a.sum()
}

/// The values of an `Option`, of an array and of a `Vec`.
#[primitive(
    forward = |_, _, _, _, o, a, v| o.copied().unwrap_or(T::zero()) + a[0] * convert(2.0) + v[0],
    reverse = |o, _, v, _, y_bar| {
        let mut v_bar = vec![T::zero(); v.len()];
        v_bar[0] = y_bar;
        (o.map(|_| y_bar), [y_bar * convert(2.0), T::zero()], v_bar)
    },
    instances(f64),
    sample = |random| (Some(random.normal()), [random.normal(), random.normal()], vec![random.normal()]),
)]
#[allow(clippy::ptr_arg)] // What is tested.
fn containers<T: Real>(o: Option<T>, a: [T; 2], v: &Vec<T>) -> T {
    o.unwrap_or(T::zero()) + a[0] * convert(2.0) + v[0]
}

/// The square root, where there is one.
#[primitive(
    partial = |_, y| (y + y).recip(),
    instances(f32, f64),
    sample = |random| random.positive(),
    name = "root",
)]
fn checked_sqrt<T: Real>(x: T) -> Option<T> {
    (x >= T::zero()).then(|| x.sqrt())
}

/// Halves numbers in place, if there are any.
#[primitive(
    forward = |_, _, x_dot| x_dot.scale_mut(convert(0.5)),
    reverse = |_, _, mut x_bar| x_bar.scale_mut(convert(0.5)),
    instances(f64),
    sample = |random| random.vector(2),
)]
fn checked_halve<T: Real>(x: &mut DVector<T>) -> Option<()> {
    (!x.is_empty()).then(|| x.scale_mut(convert(0.5)))
}

/// A constant that is any function.
#[primitive(
    forward = |x, f, _, x_dot| x_dot * x.value_of(&f),
    reverse = |x, f, _, y_bar| y_bar * x.value_of(&f),
    constant(f),
    instances(<f64, fn(f64) -> f64>),
    sample = |random| (random.normal(), (|x| x * 2.0) as fn(f64) -> f64),
    crate = reexport::rules,
)]
fn with_function<T: reexport::difrules_core::Real>(
    x: T,
    f: impl Fn(f64) -> f64 + Clone + 'static,
) -> T {
    x * x.value_of(&f)
}

trait ValueOf: Real {
    fn value_of(self, f: &impl Fn(f64) -> f64) -> Self {
        convert(f(3.0))
    }
}
impl<T: Real> ValueOf for T {}

/// A rectangle, by structures.
#[derive(Clone, Debug, PartialEq, Differentiable)]
struct Rectangle<T: Real> {
    corner: Vector2<T>,
    sides: Sides<T>,
    #[constant]
    name: RectangleFamily,
}

/// A name that the derivation might take.
type RectangleFamily = String;

/// No view, whatever its name.
#[derive(Clone, Debug, PartialEq, Differentiable)]
struct Viewport<T>(T);

/// Reverse rules may return early.
#[primitive(
    forward = |_, y, v_dot| v_dot.0 * y,
    reverse = |_, y, y_bar| {
        if y == T::zero() {
            return Viewport(T::zero());
        }
        Viewport(y_bar * y)
    },
    instances(f64),
    sample = |random| Viewport(random.normal()),
)]
fn magnified<T: Real>(view: Viewport<T>) -> T {
    view.0.exp()
}

#[derive(Clone, Debug, PartialEq, Differentiable)]
struct Sides<T: Real>(T, T);

/// A generic structure of complex numbers.
#[derive(Clone, Debug, PartialEq, Differentiable)]
#[differentiable(crate = reexport::rules)]
struct Signal<T, D, const N: usize>
where
    T: Scalar,
    D: Dim,
    DefaultAllocator: Allocator<D>,
{
    values: OVector<T, D>,
    filter: [T; N],
    power: T::Real,
}

#[derive(Debug, PartialEq)]
struct Flat;

/// The area of a rectangle, and where it is.
#[primitive(
    forward = rectangle_forward,
    reverse = rectangle_reverse,
    reads(r, return),
    instances(f32, f64),
    sample = |random| Rectangle {
        corner: random.like(&(nalgebra::U2, nalgebra::U1)),
        sides: Sides(random.positive(), random.positive()),
        name: String::new(),
    },
)]
#[must_use]
fn square_of<T: Real>(r: &Rectangle<T>) -> Result<Rectangle<T>, Flat> {
    let Sides(a, b) = r.sides;
    let side = (a * b).sqrt();
    let whole = Rectangle { sides: Sides(side, a * b), ..r.clone() };
    if a * b > T::zero() { Ok(whole) } else { Err(Flat) }
}

/// s = sqrt(a b): ds = (b da + a db) / 2 s.
fn rectangle_forward<T: Real>(
    r: &Rectangle<T>,
    square: &Rectangle<T>,
    r_dot: &Rectangle<T>,
) -> Rectangle<T> {
    let area_dot = r.sides.1 * r_dot.sides.0 + r.sides.0 * r_dot.sides.1;
    let side = square.sides.0;
    Rectangle { sides: Sides(area_dot / (side + side), area_dot), ..r_dot.clone() }
}

fn rectangle_reverse<T: Real>(
    r: &Rectangle<T>,
    square: &Rectangle<T>,
    (corner_bar, (side_bar, area_bar)): Cotangent<'_, Rectangle<T>>,
    r_bar: Slot<'_, Rectangle<T>>,
) {
    let Some((mut corner, (a_bar, b_bar))) = r_bar.buffer() else { return };
    corner += corner_bar;
    let side = square.sides.0;
    let area_bar = area_bar + side_bar / (side + side);
    *a_bar += area_bar * r.sides.1;
    *b_bar += area_bar * r.sides.0;
}

/// The product with the conjugated filter.
#[primitive(
    forward = |s, _, s_dot| {
        s_dot.values.sum() * s.filter[0].conjugate() + s.values.sum() * s_dot.filter[0].conjugate()
    },
    reverse = |s, _, y_bar, s_bar| {
        if let Some((mut values, filter, _)) = s_bar.buffer() {
            values.add_scalar_mut(s.filter[0] * y_bar);
            *filter.into_iter().next().unwrap() += (s.values.sum().conjugate() * y_bar).conjugate();
        }
    },
    instances(<Complex<f64>, nalgebra::Dyn, 2>, <f64, nalgebra::U3, 2>),
    sample = |random| Signal {
        values: random.like(&(Dim::from_usize(3), nalgebra::U1)),
        filter: [random.normal(), random.normal()],
        power: random.normal(),
    },
)]
fn filtered<T: Scalar, D: Dim, const N: usize>(s: &Signal<T, D, N>) -> T
where
    DefaultAllocator: Allocator<D>,
{
    s.values.sum() * s.filter[0].conjugate()
}

struct Circle;

impl Circle {
    const TWO: f64 = 2.0;

    fn slope<T: Real>(r: T) -> T {
        r * convert(Self::TWO) * T::pi()
    }

    /// The area of a circle.
    #[primitive(partial = |r| Self::slope(r), instances(f32, f64), impl = Circle)]
    fn area<T: Real>(r: T) -> T {
        r * Self::slope(r) / convert(Self::TWO)
    }

    /// The circumference, at one type.
    #[primitive(partial = |_| 2.0 * std::f64::consts::PI, impl = Circle)]
    fn circumference(r: f64) -> f64 {
        Self::slope(r)
    }
}

/// A primitive with one rule alone.
#[primitive(forward = |x, _, x_dot| x_dot * (x + x), instances(f64))]
fn forward_alone<T: Real>(x: T) -> T {
    x * x
}

/// A primitive with one rule alone.
#[primitive(reverse = |x, _, y_bar| y_bar * (x + x), instances(f64))]
fn reverse_alone<T: Real>(x: T) -> T {
    x * x
}

#[cfg(any())]
#[primitive(partial = |_| nothing, instances(f64))]
fn not_here<T: Real>(x: T) -> T {
    x
}

/// Eleven arguments, of which a tuple has eight, in forms that are in the second one too: a sum of numbers, and h x added to y.
#[primitive(
    forward = |_, _, _, _, _, _, g, scale, x, _, h, _, _, a_dot, b_dot, c_dot, d_dot, e_dot, f_dot, g_dot, x_dot, y_dot, h_dot| {
        let scale = convert(scale);
        y_dot.axpy(h_dot * scale, x, T::one());
        y_dot.axpy(h * scale, x_dot, T::one());
        a_dot + b_dot + c_dot + d_dot + e_dot + f_dot + g_dot * h + g * h_dot
    },
    reverse = |_, _, _, _, _, _, g, scale, x, _, h, _, _, sum_bar, a_bar, b_bar, c_bar, d_bar, e_bar, f_bar, g_bar, x_bar, y_bar, h_bar| {
        let scale: T = convert(scale);
        a_bar.add(|| sum_bar);
        b_bar.add(|| sum_bar);
        c_bar.add(|| sum_bar);
        d_bar.add(|| sum_bar);
        e_bar.add(|| sum_bar);
        f_bar.add(|| sum_bar);
        g_bar.add(|| sum_bar * h);
        h_bar.add(|| sum_bar * g + y_bar.dot(x) * scale);
        if let Some(mut x_bar) = x_bar.buffer() {
            x_bar.axpy(h * scale, &y_bar, T::one());
        }
    },
    constant(scale),
    instances(f32, f64),
    sample = |random| {
        let mut number = || random.normal();
        let (a, b, c, d, e, f, g, h) =
            (number(), number(), number(), number(), number(), number(), number(), number());
        (a, b, c, d, e, f, g, 0.5, random.vector(3), random.vector(3), h)
    },
)]
#[allow(clippy::too_many_arguments, clippy::many_single_char_names)]
fn sum_and_update<T: Real>(
    a: T,
    b: T,
    c: T,
    d: T,
    e: T,
    f: T,
    g: T,
    scale: f64,
    x: &DVector<T>,
    y: &mut DVector<T>,
    h: T,
) -> T {
    y.axpy(h * convert(scale), x, T::one());
    a + b + c + d + e + f + g * h
}

/// Sixteen arguments of a plain function, with a text, a slice and a view behind the eighth.
#[primitive(
    forward = |_, _, _, _, _, _, _, _, sign, _, _, _, _, _, _, _, _,
        a_dot, b_dot, c_dot, d_dot, e_dot, f_dot, g_dot, h_dot, x_dot, m_dot, i_dot, j_dot, k_dot, l_dot, n_dot| {
        let numbers = a_dot + b_dot + c_dot + d_dot + e_dot + f_dot + g_dot + h_dot;
        let others = i_dot + j_dot + k_dot + l_dot + n_dot;
        let sum = numbers + others + x_dot.iter().sum::<f64>() + m_dot.sum();
        if sign == "minus" { -sum } else { sum }
    },
    reverse = |_, _, _, _, _, _, _, _, sign, _, _, _, _, _, _, _, _, sum_bar,
        a_bar, b_bar, c_bar, d_bar, e_bar, f_bar, g_bar, h_bar, x_bar, m_bar, i_bar, j_bar, k_bar, l_bar, n_bar| {
        let bar = if sign == "minus" { -sum_bar } else { sum_bar };
        a_bar.add(|| bar);
        b_bar.add(|| bar);
        c_bar.add(|| bar);
        d_bar.add(|| bar);
        e_bar.add(|| bar);
        f_bar.add(|| bar);
        g_bar.add(|| bar);
        h_bar.add(|| bar);
        for x_bar in x_bar.buffer().into_iter().flatten() {
            *x_bar += bar;
        }
        if let Some(mut m_bar) = m_bar.buffer() {
            m_bar.add_scalar_mut(bar);
        }
        i_bar.add(|| bar);
        j_bar.add(|| bar);
        k_bar.add(|| bar);
        l_bar.add(|| bar);
        n_bar.add(|| bar);
    },
    constant(sign),
    sample = |random| {
        let mut number = || random.normal::<f64>();
        let (a, b, c, d, e, f, g, h) =
            (number(), number(), number(), number(), number(), number(), number(), number());
        let (i, j, k, l, n) = (number(), number(), number(), number(), number());
        let x = vec![number(), number()];
        (a, b, c, d, e, f, g, h, "minus".into(), x, random.matrix(2, 2), i, j, k, l, n)
    },
)]
#[allow(clippy::too_many_arguments, clippy::many_single_char_names)]
fn sum_of_sixteen(
    a: f64,
    b: f64,
    c: f64,
    d: f64,
    e: f64,
    f: f64,
    g: f64,
    h: f64,
    sign: &str,
    x: &[f64],
    m: DMatrixView<'_, f64>,
    i: f64,
    j: f64,
    k: f64,
    l: f64,
    n: f64,
) -> f64 {
    let numbers = a + b + c + d + e + f + g + h + i + j + k + l + n;
    let sum = numbers + x.iter().sum::<f64>() + m.sum();
    if sign == "minus" { -sum } else { sum }
}

/// Eight complex numbers: one tuple has them all.
#[primitive(
    partial = (
        |_, _, _, _, _, _, _, _, _| T::one(),
        |_, _, _, _, _, _, _, _, _| T::one(),
        |_, _, _, _, _, _, _, _, _| T::one(),
        |_, _, _, _, _, _, _, _, _| T::one(),
        |_, _, _, _, _, _, _, _, _| T::one(),
        |_, _, _, _, _, _, _, _, _| T::one(),
        |_, _, _, _, _, _, _, h, _| h,
        |_, _, _, _, _, _, g, _, _| g,
    ),
    instances(f64, Complex<f64>),
)]
#[allow(clippy::too_many_arguments, clippy::many_single_char_names)]
fn sum_of_eight<T: Scalar>(a: T, b: T, c: T, d: T, e: T, f: T, g: T, h: T) -> T {
    a + b + c + d + e + f + g * h
}

/// Nine numbers, and their partial derivatives.
#[primitive(
    partial = (
        |_, _, _, _, _, _, _, _, _, _| T::one(),
        |_, _, _, _, _, _, _, _, _, _| T::one(),
        |_, _, _, _, _, _, _, _, _, _| T::one(),
        |_, _, _, _, _, _, _, _, _, _| T::one(),
        |_, _, _, _, _, _, _, _, _, _| T::one(),
        |_, _, _, _, _, _, _, _, _, _| T::one(),
        |_, _, _, _, _, _, _, _, _, _| T::one(),
        |_, _, _, _, _, _, _, _, i, _| i,
        |_, _, _, _, _, _, _, h, _, _| h,
    ),
    instances(f32, f64),
)]
#[allow(clippy::too_many_arguments, clippy::many_single_char_names)]
fn sum_of_nine<T: Real>(a: T, b: T, c: T, d: T, e: T, f: T, g: T, h: T, i: T) -> T {
    a + b + c + d + e + f + g + h * i
}

#[test]
fn rules_of_every_form_hold() {
    let names = [
        ("weighted_sum", 2),
        ("double_in_place", 2),
        ("sum_of_view", 2),
        ("lower", 2),
        ("plain_sum", 2),
        ("containers", 3),
        ("root", 1),
        ("checked_halve", 1),
        ("with_function", 2),
        ("square_of", 1),
        ("magnified", 1),
        ("filtered", 1),
        ("area", 1),
        ("circumference", 1),
        ("forward_alone", 1),
        ("reverse_alone", 1),
        ("sum_and_update", 11),
        ("sum_of_nine", 9),
        ("sum_of_eight", 8),
        ("sum_of_sixteen", 16),
    ];
    for (name, arity) in names {
        check(find(name, arity).unwrap_or_else(|error| panic!("{error}"))).assert();
    }
    assert!(find("not_here", 1).is_err());
}

#[test]
fn slices_and_views_in_the_modes() {
    let by = gradient(|x| weighted_sum(x, &[1.0, 2.0]), &vec![3.0, 4.0]);
    assert_eq!(by, [1.0, 2.0]);
    let (value, by) = value_and_gradient(
        |x| {
            let mut x = x.clone();
            let last = x[1];
            double_in_place(&mut x[..1], last);
            x[0] * x[0]
        },
        &vec![3.0_f64, 4.0],
    );
    assert_eq!((value, by), (100.0, vec![40.0, 20.0]));
    let a = dmatrix![1.0, 2.0; 3.0, 4.0];
    let by = gradient(|a| sum_of_view(a.view((0, 0), (2, 1)), a.column(1).as_view()), &a);
    assert_eq!(by, DMatrix::from_element(2, 2, 1.0));
    let (lowered, along) = jvp(
        |(a, x)| {
            let mut a = a.clone();
            lower(a.view_mut((0, 0), (1, 2)), *x);
            a
        },
        &(a.clone(), 1.0),
        &(DMatrix::zeros(2, 2), 1.0),
    );
    assert_eq!(lowered, dmatrix![0.0, 1.0; 3.0, 4.0]);
    assert_eq!(along, dmatrix![-1.0, -1.0; 0.0, 0.0]);
    let by = gradient(|(x, a)| plain_sum::on(x, a.as_view()), &(vec![1.0], a));
    assert_eq!(by, (vec![1.0], DMatrix::from_element(2, 2, 1.0)));
}

#[test]
fn many_arguments_in_the_modes() {
    let x = dvector![1.0, 2.0];
    let by = gradient(
        |(h, x)| {
            let (one, mut y) = (convert(1.0), x.clone());
            let sum = sum_and_update(one, one, one, one, one, one, *h, 0.5, x, &mut y, *h);
            sum + y[1]
        },
        &(3.0, x),
    );
    // 6 + h^2 + x_1 + h x_1 / 2.
    assert_eq!(by, (7.0, dvector![0.0, 2.5]));
    let second = hessian(
        |x| sum_of_nine(x[0], x[0], x[0], x[0], x[0], x[0], x[0], x[0], x[1]),
        &vector![2.0, 3.0],
    );
    assert_eq!(second, nalgebra::matrix![0.0, 1.0; 1.0, 0.0]);
}

#[test]
fn options_pass_through_every_mode() {
    assert_eq!(checked_sqrt(-1.0), None);
    let by = gradient(|x| checked_sqrt(*x).ok_or("negative"), &4.0_f64);
    assert_eq!(by, Ok(0.25));
    let by = gradient(|x| checked_sqrt(*x).ok_or("negative"), &-4.0_f64);
    assert_eq!(by, Err("negative"));
    let (_, along) = jvp(|x| checked_sqrt(*x).unwrap(), &4.0_f64, &1.0);
    assert_eq!(along, 0.25);
    assert!(checked_halve(&mut DVector::<Dual<f64>>::zeros(0)).is_none());
}

fn rectangle() -> Rectangle<f64> {
    Rectangle { corner: vector![1.0, 2.0], sides: Sides(2.0, 8.0), name: "mine".into() }
}

#[test]
fn structures_are_values() {
    let loss = |r: &Rectangle<Var<f64>>| square_of(r).map(|s| s.sides.0 * s.corner[0]);
    let by = gradient(loss, &rectangle()).unwrap();
    assert_eq!(by.corner, vector![4.0, 0.0]);
    assert_eq!((by.sides, by.name), (Sides(1.0, 0.25), "mine".into()));
    let flat = Rectangle { sides: Sides(0.0, 1.0), ..rectangle() };
    assert_eq!(gradient(loss, &flat), Err(Flat));
    let (square, along) = jvp(|r| square_of(r).unwrap(), &rectangle(), &rectangle());
    assert_eq!(square.sides, Sides(4.0, 16.0));
    assert_eq!(along.sides, Sides(4.0, 32.0));
    let (_, back) = vjp(|r| square_of(r).unwrap(), &rectangle(), &rectangle());
    assert_eq!(back.corner, rectangle().corner);
    assert_eq!(jacobian(|r: &Rectangle<_>| r.sides.0 * r.sides.1, &rectangle()).shape(), (1, 4));
    assert_eq!(hessian(|r| r.sides.0 * r.sides.1, &rectangle())[(2, 3)], 1.0);
    let signal = Signal {
        values: dvector![Complex::new(1.0, 2.0)],
        filter: [Complex::new(0.0, 1.0); 2],
        power: 2.0,
    };
    let by = gradient(|s| filtered(s).re * s.power, &signal);
    assert_eq!(by.values[0], Complex::new(0.0, 2.0));
    assert_eq!(by.power, 2.0);
}

#[test]
fn associated_functions_are_primitives() {
    assert_eq!(Circle::area(1.0), std::f64::consts::PI);
    assert_eq!(gradient(|r| Circle::area(*r), &1.0), 2.0 * std::f64::consts::PI);
    assert_eq!(Circle::circumference(0.5), std::f64::consts::PI);
    assert!(by_path("all::forms::Circle::area").is_some());
    let opaque = gradient(|x| with_function(*x, |x| x + 1.0), &2.0_f64);
    assert_eq!(opaque, 4.0);
}

#[test]
fn names_are_those_of_the_attribute() {
    let root = find("root", 1).unwrap();
    assert_eq!((root.name, root.path), ("root", "all::forms::checked_sqrt"));
    assert!(find("checked_sqrt", 1).is_err());
    let opaque = find("with_function", 2).unwrap();
    assert_eq!(opaque.arguments[1].type_name, "impl Fn(f64) -> f64 + Clone + 'static");
}

#[test]
fn static_matrices_are_views_too() {
    fn corner<T: Real>(a: &SMatrix<T, 3, 3>) -> T {
        sum_of_view(
            DMatrixView::from(&a.view((0, 0), (2, 2))),
            a.view((0, 2), (2, 1)).column(0).as_view(),
        )
    }
    let _: Option<Adjoint<'_, f64>> = None;
    let by = gradient(corner, &SMatrix::<f64, 3, 3>::identity());
    assert_eq!(by.sum(), 6.0);
}
