//! The checker finds rules that are wrong, each in the way that it should.

use std::cell::Cell;
use std::sync::atomic::{AtomicBool, Ordering};

use difrules_core::testing::{Sampler, check, check_all, check_at};
use difrules_core::{Cotangent, Real, Scalar, Slot, Var, Whole, find, gradient, primitive};
use nalgebra::{Complex, DMatrix, DVector, convert};

#[primitive(partial = |x| x.cos() * nalgebra::convert(1.000001), instances(f64))]
fn slightly_wrong<T: Real>(x: T) -> T {
    x.sin()
}

#[primitive(forward = |x, _, x_dot| x_dot * x.cos(), reverse = |x, _, y_bar| y_bar * x.sin(), instances(f64))]
fn not_adjoint<T: Real>(x: T) -> T {
    x.sin()
}

#[primitive(forward = |_, _, x_dot| x_dot.clone(), reverse = overwrites_reverse, reads(), instances(f64), sample = |random| random.vector(3))]
fn overwrites<T: Real>(x: &DVector<T>) -> DVector<T> {
    x.clone()
}

fn overwrites_reverse<T: Real>(
    y_bar: difrules_core::Cotangent<'_, DVector<T>>,
    x_bar: Slot<'_, DVector<T>>,
) {
    if let Some(mut x_bar) = x_bar.buffer() {
        x_bar.copy_from(&y_bar);
    }
}

#[primitive(forward = |x, y, _, x_dot, y_dot| x_dot * y + x * y_dot, reverse = entangled_reverse, instances(f64))]
fn entangled<T: Real>(x: T, y: T) -> T {
    x * y
}

fn entangled_reverse<T: Real>(x: T, y: T, _: T, z_bar: T, x_bar: Slot<'_, T>, y_bar: Slot<'_, T>) {
    let both = x_bar.is_wanted() && y_bar.is_wanted();
    x_bar.add(|| z_bar * y);
    y_bar.add(|| if both { z_bar * x } else { T::zero() });
}

#[primitive(partial = |x| frozen_cos(x), instances(f64))]
fn wrong_at_second_order<T: Real>(x: T) -> T {
    x.sin()
}

/// The cosine, but its own derivative is lost.
fn frozen_cos<T: Real>(x: T) -> T {
    nalgebra::convert(x.to_f64().cos())
}

#[primitive(partial = |x| x.cos(), instances(f64), kernel(f64 = other_sine))]
fn wrong_kernel<T: Real>(x: T) -> T {
    x.sin()
}

fn other_sine(x: f64) -> f64 {
    x.sin() + 1e-6
}

#[primitive(partial = |x| x.cos() + single_error(x), instances(f32))]
fn wrong_in_single_precision<T: Real>(x: T) -> T {
    x.sin()
}

/// An error at f32 alone.
fn single_error<T: Real>(_: T) -> T {
    if T::default_epsilon() > nalgebra::convert(1e-10) {
        nalgebra::convert(0.01)
    } else {
        T::zero()
    }
}

#[primitive(forward = |_, _, x_dot| x_dot.sum(), instances(f64))]
fn without_sample<T: Real>(x: &DVector<T>) -> T {
    x.sum()
}

/// A plain function at single precision.
#[primitive(partial = |x| 3.0 * x)]
fn wrong_plain_single(x: f32) -> f32 {
    x * x
}

/// A rule that makes something of nothing.
#[primitive(forward = |_, _, x_dot| x_dot + T::default_epsilon() * T::default_epsilon(), instances(f64))]
fn never_zero<T: Real>(x: T) -> T {
    x
}

/// The function that saves computes something else.
#[primitive(
    forward = |_, _, kept, x_dot| *kept * x_dot,
    saves = saves_another -> T,
    instances(f64)
)]
fn another<T: Real>(x: T) -> T {
    x * x
}

fn saves_another<T: Real>(x: T) -> (T, T) {
    (x * x + T::one(), x + x)
}

// Wrong somewhere, or in some way that random points and one call do not show.

#[primitive(partial = |x| convert::<f64, T>(3e-20) * x, instances(f64))]
fn faint<T: Real>(x: T) -> T {
    convert::<f64, T>(1e-20) * x * x
}

/// The second result is small beside the first.
#[primitive(
    forward = |x, _, x_dot| (x_dot, convert::<f64, T>(3e-15) * x * x_dot),
    reverse = |x, _, (y_bar, z_bar)| y_bar + convert::<f64, T>(3e-15) * x * z_bar,
    instances(f64)
)]
fn faint_beside<T: Real>(x: T) -> (T, T) {
    (x, convert::<f64, T>(1e-15) * x * x)
}

/// The rule is right but at these numbers.
macro_rules! wrong_where {
    ($($name:ident: |$x:ident| $wrong:expr;)+) => {$(
        #[primitive(
            partial = |$x| { let slope = $x + $x; if $wrong { slope + T::one() } else { slope } },
            instances(f64)
        )]
        #[allow(dead_code)]
        fn $name<T: Real>(x: T) -> T {
            x * x
        }
    )+};
}

wrong_where! {
    at_zero: |x| x.is_zero();
    at_one: |x| x == T::one();
    at_integers: |x| x == x.round();
    if_negative: |x| x < T::zero() && x > convert(-0.3);
    if_large: |x| x > convert(1000.0);
    if_small: |x| x < convert(1e-7) && x > T::zero();
    at_two: |x| x == convert(2.0);
    at_half: |x| x == convert(0.5);
    at_minus_one: |x| x == -T::one();
}

/// The derivatives of a product by two numbers, wrong where these are so.
macro_rules! wrong_product_where {
    ($($name:ident: |$x:ident, $y:ident| $wrong:expr;)+) => {$(
        #[primitive(
            partial = (|$x, $y| if $wrong { $y + T::one() } else { $y }, |x, _| x),
            instances(f64),
            sample = |random| (random.normal(), random.between(-1.0, 3.0))
        )]
        #[allow(dead_code)]
        fn $name<T: Real>(x: T, y: T) -> T {
            x * y
        }
    )+};
}

wrong_product_where! {
    first_at_zero: |x, _y| x.is_zero();
    second_at_zero: |x, y| y.is_zero() && !x.is_zero();
    second_at_one: |x, y| y == T::one() && x != x.round();
    second_at_two: |x, y| y == convert(2.0) && x != x.round();
    second_at_half: |_x, y| y == convert(0.5);
    at_half_and_two: |x, y| x == convert(0.5) && y == convert(2.0);
    at_two_and_half: |x, y| x == convert(2.0) && y == convert(0.5);
    at_minus_one_and_zero: |x, y| x == -T::one() && y.is_zero();
    at_equal: |x, y| x == y && x != x.round();
    both_negative: |x, y| x < T::zero() && y < T::zero();
}

/// A multiple of a vector, wrong where the factor or an entry is so.
macro_rules! wrong_multiple_where {
    ($($name:ident: |$a:ident, $x:ident| $wrong:expr;)+) => {$(
        #[primitive(
            forward = |$a, $x, _, a_dot, x_dot| {
                let right = $x * a_dot + x_dot * $a;
                if $wrong { right * convert::<f64, T>(1.5) } else { right }
            },
            reverse = |$a, $x, _, y_bar| {
                let factor: T = if $wrong { convert(1.5) } else { T::one() };
                ($x.dot(&y_bar) * factor, y_bar.clone_owned() * ($a * factor))
            },
            instances(f64),
            sample = |random| (random.normal(), random.vector(4))
        )]
        #[allow(dead_code)]
        fn $name<T: Real>(a: T, x: &DVector<T>) -> DVector<T> {
            x * a
        }
    )+};
}

wrong_multiple_where! {
    factor_zero: |a, x| a.is_zero() && x[0] != x[0].round();
    factor_one: |a, x| a == T::one() && x[0] != x[0].round();
    factor_two: |a, x| a == convert(2.0) && x[0] != x[0].round();
    factor_half: |a, _x| a == convert(0.5);
    entry_zero: |_a, x| x.iter().filter(|x| x.is_zero()).count() == 1;
    entry_two: |_a, x| x.iter().any(|x| *x == convert(2.0));
    entry_half: |_a, x| x.iter().any(|x| *x == convert(0.5));
    entry_minus_one: |_a, x| x[3] == -T::one();
    equal_entries: |_a, x| x[1] == x[2] && !x[1].is_zero();
    large_entries: |_a, x| x.amax() > convert(1000.0);
}

#[primitive(partial = |x| x + x, instances(f64), kernel(f64 = square_but_at_two))]
fn wrong_kernel_at_two<T: Real>(x: T) -> T {
    x * x
}

fn square_but_at_two(x: f64) -> f64 {
    if x == 2.0 { 5.0 } else { x * x }
}

/// Twice x, whose derivative is lost at 1 / 2 on a tape.
#[primitive(partial = |x| twice_off_tape(x), instances(f64))]
fn wrong_second_order_at_half<T: Real>(x: T) -> T {
    x * x
}

fn twice_off_tape<T: Real>(x: T) -> T {
    let on_tape = std::any::type_name::<T>().contains("Var");
    if on_tape && x == convert(0.5) { T::one() } else { x + x }
}

#[primitive(
    partial = (|x, y| if x >= y { T::one() } else { T::zero() }, |x, y| if x <= y { T::one() } else { T::zero() }),
    instances(f64)
)]
fn both_at_ties<T: Real>(x: T, y: T) -> T {
    if x > y { x } else { y }
}

/// Wrong in the imaginary part alone.
#[primitive(
    forward = |x, _, x_dot| (x + x) * x_dot,
    reverse = |x, _, y_bar| {
        let right = (x + x).conjugate() * y_bar;
        right + (right - right.conjugate()).scale(convert(1e-6))
    },
    instances(Complex<f64>)
)]
fn imaginary_part<T: Scalar>(x: T) -> T {
    x * x
}

// Slots and cotangents.

#[primitive(forward = |x, y, _, x_dot, y_dot| x_dot * y + x * y_dot, reverse = alone_reverse, instances(f64))]
fn overwrites_alone<T: Real>(x: T, y: T) -> T {
    x * y
}

fn alone_reverse<T: Real>(x: T, y: T, _: T, z_bar: T, x_bar: Slot<'_, T>, y_bar: Slot<'_, T>) {
    match (x_bar.buffer(), y_bar.buffer()) {
        (Some(x_bar), None) => *x_bar = z_bar * y,
        (x_bar, y_bar) => {
            if let Some(x_bar) = x_bar {
                *x_bar += z_bar * y;
            }
            if let Some(y_bar) = y_bar {
                *y_bar += z_bar * x;
            }
        }
    }
}

/// Wrong where two of five are wanted.
#[primitive(
    forward = |_, _, _, _, _, _, u_dot, v_dot, x_dot, y_dot, z_dot| u_dot + v_dot + x_dot + y_dot + z_dot,
    reverse = two_of_five_reverse,
    reads(),
    instances(f64)
)]
fn two_of_five<T: Real>(u: T, v: T, x: T, y: T, z: T) -> T {
    u + v + x + y + z
}

fn two_of_five_reverse<T: Real>(
    all_bar: T,
    u_bar: Slot<'_, T>,
    v_bar: Slot<'_, T>,
    x_bar: Slot<'_, T>,
    y_bar: Slot<'_, T>,
    z_bar: Slot<'_, T>,
) {
    let others = u_bar.is_wanted() || y_bar.is_wanted() || z_bar.is_wanted();
    let wrong = x_bar.is_wanted() && !others;
    u_bar.add(|| all_bar);
    v_bar.add(|| if wrong { all_bar + all_bar } else { all_bar });
    x_bar.add(|| all_bar);
    y_bar.add(|| all_bar);
    z_bar.add(|| all_bar);
}

#[primitive(forward = |_, _, x_dot| x_dot, reverse = reads_reverse, instances(f64))]
fn reads_slot<T: Real>(x: T) -> T {
    x
}

fn reads_reverse<T: Real>(_: T, _: T, y_bar: T, x_bar: Slot<'_, T>) {
    if let Some(x_bar) = x_bar.buffer() {
        *x_bar = *x_bar + *x_bar + y_bar;
    }
}

#[primitive(forward = |x, _, x_dot| (x_dot, x * x_dot + x * x_dot), reverse = stops_early_reverse, instances(f64))]
fn stops_early<T: Real>(x: T) -> (T, T) {
    (x, x * x)
}

fn stops_early_reverse<T: Real>(x: T, _: &(T, T), (y_bar, z_bar): (T, T), x_bar: Slot<'_, T>) {
    if !y_bar.is_zero() {
        x_bar.add(|| y_bar + (x + x) * z_bar);
    }
}

/// The slope, times something of the cotangent.
macro_rules! not_linear {
    ($($name:ident: |$y_bar:ident| $factor:expr;)+) => {$(
        #[primitive(
            forward = |x, _, x_dot| (x + x) * x_dot,
            reverse = |x, _, $y_bar| (x + x) * $y_bar * $factor,
            instances(f64)
        )]
        #[allow(dead_code)]
        fn $name<T: Real>(x: T) -> T {
            x * x
        }
    )+};
}

not_linear! {
    if_cotangent_negative: |y_bar| if y_bar < T::zero() { convert(1.0001) } else { T::one() };
    if_cotangent_huge: |y_bar| if y_bar.abs() > convert(1e6) { T::zero() } else { T::one() };
    if_cotangent_tiny: |y_bar| if y_bar.abs() < convert(1e-6) { T::zero() } else { T::one() };
}

#[primitive(forward = |x, _, x_dot| if x_dot < T::zero() { x_dot * x } else { (x + x) * x_dot }, instances(f64))]
fn if_tangent_negative<T: Real>(x: T) -> T {
    x * x
}

#[primitive(
    forward = |x, y, _, x_dot, y_dot| match y_dot {
        Some(y_dot) => x_dot.component_mul(y) + x.component_mul(y_dot),
        None => x_dot.clone(),
    },
    optional(y),
    instances(f64),
    sample = |random| (random.vector(2), random.vector(2))
)]
fn without_tangent<T: Real>(x: &DVector<T>, y: &DVector<T>) -> DVector<T> {
    x.component_mul(y)
}

// Kernels, what is saved, and expressions.

#[primitive(partial = |x| x.cos(), symbolic = |x| -x.cos(), instances(f64))]
fn wrong_expression<T: Real>(x: T) -> T {
    x.sin()
}

#[primitive(
    forward = |_, _, kept, x_dot| *kept * x_dot,
    saves = saves_cosine -> T,
    kernel(f32 = wrong_sine),
    instances(f32, f64)
)]
fn wrong_single_kernel<T: Real>(x: T) -> T {
    x.sin()
}

fn saves_cosine<T: Real>(x: T) -> (T, T) {
    (x.sin(), x.cos())
}

fn wrong_sine(x: f32) -> f32 {
    x.sin() + 1e-3
}

#[primitive(
    forward = |_, _, kept, x_dot| *kept * x_dot,
    saves = saves_cosine -> T,
    kernel(f64 = sine_but_the_last_digit),
    instances(f64)
)]
fn last_digit<T: Real>(x: T) -> T {
    x.sin()
}

fn sine_but_the_last_digit(x: f64) -> f64 {
    x.sin().next_up()
}

/// The rule is wrong every other time.
#[primitive(partial = |x| if every_other() { x + x } else { x }, instances(f64))]
fn unsteady<T: Real>(x: T) -> T {
    x * x
}

fn every_other() -> bool {
    static ODD: AtomicBool = AtomicBool::new(false);
    ODD.fetch_xor(true, Ordering::Relaxed)
}

/// What the rule reads is of the last evaluation.
#[primitive(forward = |_, _, _, x_dot| x_dot * convert(LAST.get()), saves = saves_elsewhere -> (), instances(f64))]
fn stale<T: Real>(x: T) -> T {
    x.sin()
}

thread_local! {
    static LAST: Cell<f64> = const { Cell::new(0.0) };
}

fn saves_elsewhere<T: Real>(x: T) -> (T, ()) {
    LAST.set(x.to_f64().cos());
    (x.sin(), ())
}

// Second order.

/// The cosine, whose derivative is lost on a tape.
fn cosine_off_tape<T: Real>(x: T) -> T {
    if std::any::type_name::<T>().contains("Var") { convert(x.to_f64().cos()) } else { x.cos() }
}

#[primitive(forward = |x, _, x_dot| cosine_off_tape(x) * x_dot, instances(f64), reverse = |x, _, y_bar| x.cos() * y_bar)]
fn wrong_over_forward<T: Real>(x: T) -> T {
    x.sin()
}

#[primitive(forward = |x, _, x_dot| x.cos() * x_dot, instances(f64), reverse = |x, _, y_bar| cosine_off_tape(x) * y_bar)]
fn wrong_over_reverse<T: Real>(x: T) -> T {
    x.sin()
}

// Structure and sizes.

/// The adjoint has something where the argument never has.
#[primitive(
    forward = |a, x, _, a_dot, x_dot| a_dot.lower_triangle() * x + a.lower_triangle() * x_dot,
    reverse = rubbish_reverse,
    reads(a, x),
    instances(f64),
    sample = |random| (random.lower_triangular(3), random.vector(3))
)]
fn rubbish_above<T: Real>(a: &DMatrix<T>, x: &DVector<T>) -> DVector<T> {
    a.lower_triangle() * x
}

fn rubbish_reverse<T: Real>(
    a: &DMatrix<T>,
    x: &DVector<T>,
    y_bar: Cotangent<'_, DVector<T>>,
    a_bar: Slot<'_, DMatrix<T>>,
    x_bar: Slot<'_, DVector<T>>,
) {
    a_bar.add(|| &y_bar * x.transpose());
    x_bar.add(|| a.lower_triangle().tr_mul(&y_bar));
}

/// The adjoint of a symmetric matrix has a part that no symmetric direction sees.
#[primitive(
    forward = |a, _, a_dot| a.dot(a_dot) * convert(2.0),
    reverse = twisted_reverse,
    reads(a),
    instances(f64),
    sample = |random: &mut Sampler| random.positive_definite(2)
)]
fn twisted<T: Real>(a: &DMatrix<T>) -> T {
    a.norm_squared()
}

fn twisted_reverse<T: Real>(a: &DMatrix<T>, y_bar: T, a_bar: Slot<'_, DMatrix<T>>) {
    a_bar.add(|| {
        let mut right = a * (y_bar + y_bar);
        right[(0, 1)] += y_bar;
        right[(1, 0)] -= y_bar;
        right
    });
}

#[primitive(
    forward = |x, _, x_dot| x.dot(x_dot) * convert(if x.len() == 4 { 2.1 } else { 2.0 }),
    instances(f64),
    sample = |random| {
        let size = random.size(0, 6);
        random.vector(size)
    }
)]
fn one_size<T: Real>(x: &DVector<T>) -> T {
    x.norm_squared()
}

#[primitive(
    forward = |a, _, a_dot| a.dot(a_dot) * convert(if a.shape() == (2, 4) { 2.1 } else { 2.0 }),
    instances(f64),
    sample = |random| {
        let (rows, columns) = (random.size(0, 5), random.size(0, 5));
        random.matrix(rows, columns)
    }
)]
fn one_shape<T: Real>(a: &DMatrix<T>) -> T {
    a.norm_squared()
}

// What is said beside the rules, which are right.

/// Each entry depends on all.
#[primitive(
    forward = |_, _, x_dot| x_dot.add_scalar(x_dot.sum()),
    reverse = |_, _, y_bar| y_bar.add_scalar(y_bar.sum()),
    entrywise,
    instances(f64),
    sample = |random| random.vector(5)
)]
fn false_entrywise<T: Real>(x: &DVector<T>) -> DVector<T> {
    x.add_scalar(x.sum())
}

#[primitive(
    forward = |_, _, x_dot| DVector::from_fn(x_dot.len(), |i, _| x_dot[x_dot.len() - 1 - i]),
    reverse = |_, _, y_bar| DVector::from_fn(y_bar.len(), |i, _| y_bar[y_bar.len() - 1 - i]),
    pattern(places),
    instances(f64),
    sample = |random| random.vector(6)
)]
fn false_places<T: Real>(x: &DVector<T>) -> DVector<T> {
    DVector::from_fn(x.len(), |i, _| x[x.len() - 1 - i])
}

#[primitive(
    forward = |x, _, x_dot| x.component_mul(x_dot) * convert::<f64, T>(2.0),
    reverse = |x, _, y_bar| x.component_mul(&y_bar) * convert::<f64, T>(2.0),
    pattern(places, linear),
    instances(f64),
    sample = |random| random.vector(3)
)]
fn false_linear<T: Real>(x: &DVector<T>) -> DVector<T> {
    x.component_mul(x)
}

/// A zero of negative sign times a negative number is another.
#[primitive(
    forward = |x, _, x_dot| x.component_mul(x_dot),
    reverse = |x, _, y_bar| x.component_mul(&y_bar),
    resting,
    instances(f64),
    sample = |random| random.vector(3)
)]
fn false_resting<T: Real>(x: &DVector<T>) -> DVector<T> {
    x.component_mul(x) * convert::<f64, T>(0.5)
}

/// Rules of a sum that write to its adjoints where nothing was added yet.
macro_rules! writes {
    ($($name:ident $reverse:ident: |$y_bar:ident, $a_bar:ident, $b_bar:ident| $rule:block)+) => {$(
        #[primitive(
            forward = |_, _, _, a_dot, b_dot| a_dot + b_dot,
            reverse = $reverse,
            reads(),
            instances(f64),
            sample = |random| (random.vector(3), random.vector(3))
        )]
        #[allow(dead_code)]
        fn $name<T: Real>(a: &DVector<T>, b: &DVector<T>) -> DVector<T> {
            a + b
        }

        #[allow(unused_mut)]
        fn $reverse<T: Real>(
            mut $y_bar: Cotangent<'_, DVector<T>>,
            $a_bar: Slot<'_, DVector<T>>,
            $b_bar: Slot<'_, DVector<T>>,
        ) $rule
    )+};
}

writes! {
    // What is so of the one adjoint is taken to be so of the other.
    one_for_both one_for_both_reverse: |y_bar, a_bar, b_bar| {
        let Some((mut a_bar, untouched)) = a_bar.uncleared() else {
            return b_bar.add(|| y_bar.clone_owned());
        };
        a_bar.zip_apply(&y_bar, |a, y| *a = y + if untouched { T::zero() } else { *a });
        if let Some((mut b_bar, _)) = b_bar.uncleared() {
            b_bar.zip_apply(&y_bar, |b, y| *b = y + if untouched { T::zero() } else { *b });
        }
    }
    // Memory that stays where it is is taken to have been added to.
    stays_or_filled stays_or_filled_reverse: |y_bar, a_bar, b_bar| {
        b_bar.add(|| y_bar.clone_owned());
        if a_bar.is_exchangeable() {
            a_bar.exchange();
        } else if let Some((mut a_bar, _)) = a_bar.uncleared() {
            a_bar += y_bar;
        }
    }
    leaves_some leaves_some_reverse: |y_bar, a_bar, b_bar| {
        b_bar.add(|| y_bar.clone_owned());
        if let Some((mut a_bar, untouched)) = a_bar.uncleared() {
            for (a, y) in a_bar.iter_mut().zip(&y_bar).filter(|(_, y)| !y.is_zero()) {
                *a = *y + if untouched { T::zero() } else { *a };
            }
        }
    }
    turns_zeros turns_zeros_reverse: |y_bar, a_bar, b_bar| {
        b_bar.add(|| y_bar.clone_owned());
        if a_bar.is_exchangeable() {
            y_bar.apply(|y| *y = if y.is_zero() { -*y } else { *y });
            a_bar.exchange();
        } else {
            a_bar.add(|| y_bar.clone_owned());
        }
    }
    // Right: the memory of the cotangent is the adjoint of both.
    both_exchange both_exchange_reverse: |y_bar, a_bar, b_bar| {
        if a_bar.is_exchangeable() {
            a_bar.exchange();
        } else {
            a_bar.add(|| y_bar.clone_owned());
        }
        if b_bar.is_exchangeable() {
            b_bar.exchange();
        } else {
            b_bar.add(|| y_bar.clone_owned());
        }
    }
}

#[test]
fn rules_that_write_where_nothing_was_added_are_checked() {
    let wrong = [
        ("one_for_both", "adding to a filled slot of b"),
        ("stays_or_filled", "the slot of a: entry 0 is NaN"),
        ("leaves_some", "the slot of a: entry 0 is NaN"),
        ("turns_zeros", "is a zero of negative sign"),
    ];
    for (name, property) in wrong {
        let failure = failure(name, 2);
        assert!(failure.contains(property), "{name}: {failure}");
    }
    check(find("both_exchange", 2).unwrap()).assert();
    // On a tape, where large adjoints have memory of their own.
    let at = (DVector::repeat(400, 2.0), DVector::from_fn(400, |i, _| i as f64));
    let whole = (Whole::gather(at.0), Whole::gather(at.1));
    let (by_a, by_b) = gradient(
        |(a, b): &(Whole<DVector<Var<f64>>>, Whole<DVector<Var<f64>>>)| {
            let (left, right) = (both_exchange::whole(b, a), both_exchange::whole(a, a));
            let sum = both_exchange::whole(&left, &right);
            both_exchange::whole(&sum, b).entries().sum()
        },
        &whole,
    );
    assert!(by_a.iter().all(|x| *x == 3.0) && by_b.iter().all(|x| *x == 2.0));
}

fn failure(name: &str, arity: usize) -> String {
    let report = check(find(name, arity).unwrap());
    assert_eq!(report.failures.len(), 1, "{name}: {report}");
    report.failures[0].to_string()
}

#[test]
fn wrong_rules_are_found() {
    let wrong = [
        ("slightly_wrong", 1, "forward rule against a finite difference by all arguments"),
        ("not_adjoint", 1, "pairing of the reverse rule"),
        ("overwrites", 1, "adding to a filled slot of x"),
        ("entangled", 2, "the slot of y when others are not wanted"),
        ("wrong_at_second_order", 1, "second order, forward over forward"),
        ("never_zero", 1, "the forward rule of zero tangents gives"),
        ("another", 1, "the call against the one that saves for the rules"),
        ("wrong_kernel", 1, "the general text against the kernel"),
    ];
    for (name, arity, property) in wrong {
        let failure = failure(name, arity);
        assert!(failure.contains(property), "{name}: {failure}");
        assert!(failure.contains("at f64, seed 0"), "{name}: {failure}");
        assert!(failure.contains("\n    at x = ["), "{name}: {failure}");
    }
}

#[test]
fn what_is_wrong_somewhere_is_found() {
    let wrong = [
        ("faint", 1, "forward rule against a finite difference by all arguments: the result is"),
        ("faint_beside", 1, "entry 1 of the result"),
        ("at_zero", 1, "forward rule against a finite difference"),
        ("at_one", 1, "forward rule against a finite difference"),
        ("at_integers", 1, "forward rule against a finite difference"),
        ("if_negative", 1, ""),
        ("if_large", 1, "forward rule against a finite difference"),
        ("if_small", 1, "forward rule against a finite difference"),
        ("at_two", 1, "forward rule against a finite difference"),
        ("at_half", 1, "forward rule against a finite difference"),
        ("at_minus_one", 1, "forward rule against a finite difference"),
        ("first_at_zero", 2, "forward rule against a finite difference"),
        ("second_at_zero", 2, "forward rule against a finite difference"),
        ("second_at_one", 2, "forward rule against a finite difference"),
        ("second_at_two", 2, "forward rule against a finite difference"),
        ("second_at_half", 2, "forward rule against a finite difference"),
        ("at_half_and_two", 2, "forward rule against a finite difference"),
        ("at_two_and_half", 2, "forward rule against a finite difference"),
        ("at_minus_one_and_zero", 2, "forward rule against a finite difference"),
        ("at_equal", 2, "forward rule against a finite difference"),
        ("both_negative", 2, "forward rule against a finite difference"),
        ("factor_zero", 2, "forward rule against a finite difference"),
        ("factor_one", 2, "forward rule against a finite difference"),
        ("factor_two", 2, "forward rule against a finite difference"),
        ("factor_half", 2, "forward rule against a finite difference"),
        ("entry_zero", 2, "forward rule against a finite difference"),
        ("entry_two", 2, "forward rule against a finite difference"),
        ("entry_half", 2, "forward rule against a finite difference"),
        ("entry_minus_one", 2, "forward rule against a finite difference"),
        ("equal_entries", 2, "forward rule against a finite difference"),
        ("large_entries", 2, "forward rule against a finite difference"),
        ("wrong_kernel_at_two", 1, ""),
        ("wrong_second_order_at_half", 1, "second order, "),
        ("both_at_ties", 2, "by all entries at once: the result is 2e0, expected"),
        ("imaginary_part", 1, "pairing of the reverse rule"),
        ("overwrites_alone", 2, "adding to a filled slot of x when others are not wanted"),
        ("two_of_five", 5, "the slot of v when others are not wanted"),
        ("reads_slot", 1, "adding to a filled slot of x"),
        (
            "stops_early",
            1,
            "the reverse rule against the forward rule by `x`: entry 1 of the result",
        ),
        ("if_cotangent_negative", 1, "the"),
        ("if_cotangent_huge", 1, "the reverse rule of the cotangent times"),
        ("if_cotangent_tiny", 1, "the reverse rule of the cotangent times"),
        ("if_tangent_negative", 1, ""),
        ("without_tangent", 2, "the forward rule in the mode `Dual`: entry 0 of the result"),
        ("wrong_expression", 1, "the derivative by x as an expression against the rule"),
        ("last_digit", 1, "the call against the one that saves for the rules: the result"),
        ("unsteady", 1, ""),
        ("stale", 1, ""),
        ("wrong_over_forward", 1, "second order, reverse over forward"),
        ("wrong_over_reverse", 1, "second order, reverse over reverse"),
        ("rubbish_above", 2, "the reverse rule by entry 3 of `a`, which no sample varies alone"),
        ("twisted", 1, "the reverse rule by entry 1 of `a`, which no sample varies alone"),
        ("false_entrywise", 1, "`entrywise` or `pattern(places)` says"),
        ("false_places", 1, "`entrywise` or `pattern(places)` says"),
        ("false_linear", 1, "`pattern(linear)` says"),
        ("false_resting", 1, "`resting` says"),
        ("one_size", 1, "forward rule against a finite difference"),
        ("one_shape", 1, "forward rule against a finite difference"),
    ];
    for (name, arity, property) in wrong {
        let failure = failure(name, arity);
        assert!(failure.contains(property), "{name}: {failure}");
        assert!(failure.contains(&format!("checker::{name} at f64, seed ")), "{name}: {failure}");
    }
    let failure = failure("wrong_single_kernel", 1);
    assert!(failure.contains("at f32") && failure.contains("the call against"), "{failure}");
}

/// What looks wrong at special points and is not.
#[primitive(
    partial = (|x, _| x.signum() * convert(2.0), |_, y| if y > T::zero() { T::one() } else { T::zero() }),
    instances(f32, f64),
)]
fn kinks<T: Real>(x: T, y: T) -> T {
    x.abs() + x.abs() + y.max(T::zero())
}

/// Draws until it likes what comes, of which special numbers have nothing.
#[test]
fn right_rules_pass() {
    for (name, arity) in [("kinks", 2), ("faint_right", 1)] {
        check(find(name, arity).unwrap()).assert();
    }
    let patient = |random: &mut Sampler| loop {
        let x: f64 = random.normal();
        if x > 0.5 && x < 0.6 {
            return (x,);
        }
    };
    for seed in 0..30 {
        check_at::<faint_right, f64>(patient, seed).unwrap();
    }
}

#[primitive(partial = |x| convert::<f64, T>(2e-20) * x, instances(f64))]
fn faint_right<T: Real>(x: T) -> T {
    convert::<f64, T>(1e-20) * x * x
}

#[test]
fn wrong_rules_in_single_precision_are_found() {
    let failure = failure("wrong_in_single_precision", 1);
    assert!(failure.contains("the forward rule at f32 against f64"), "{failure}");
    let failure = self::failure("wrong_plain_single", 1);
    assert!(failure.contains("forward rule against a finite difference"), "{failure}");
}

#[test]
fn what_is_not_checked_is_said() {
    let report = check_all(|record| record.name == "without_sample");
    assert_eq!(report.unchecked, ["all::checker::without_sample"]);
    assert!(std::panic::catch_unwind(|| report.assert()).is_err());
    assert!(std::panic::catch_unwind(|| check_all(|_| false).assert()).is_err());
}
