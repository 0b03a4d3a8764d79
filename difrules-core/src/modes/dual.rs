//! Forward mode.

use std::cell::RefCell;
use std::fmt;
use std::mem::needs_drop;

use crate::contract::keep::Recycled;
use crate::contract::passing::{Arguments, Gathered, Look, Take, Write, inner};
use crate::contract::primitive::{Called, Given, LentEvaluation, Output, Primitive, Wholes};
use crate::contract::scalar::{Over, Real};
use crate::contract::value::{Differentiable, Family};
use crate::contract::whole::Tangent;
use crate::diagnostic::{between, is_of_jump};
use crate::modes::field::real_field;
use crate::modes::mark::{Mark, NumberMark};
use crate::modes::whole::{DualLent, DualWhole, each};
use crate::tape::{self, Number, Tapes};

/// A number with its derivatives in `N` directions.
///
/// `Dual<T, N>` is a [`Real`] and implements nalgebra's `RealField`, so nalgebra's generic
/// algorithms run on it; it nests with itself and with [`Var`](crate::Var). Whatever it is asked,
/// comparisons, `is_zero`, conversions, it answers as its value does, so that an algorithm takes the
/// branches that it takes at plain numbers; [what that costs](crate::algorithms).
///
/// # Panics
/// An operation on numbers of two derivations, which [`jvp`](crate::jvp) and the other transforms
/// start: their tangents are in different directions (see [nesting](crate::nesting)). Numbers are told
/// apart where debug assertions are on, values in one piece always.
///
/// ```
/// use difrules_core::Dual;
/// use nalgebra::ComplexField;
///
/// let x = Dual::new(2.0, [1.0]);
/// let y = x.sin() * x;
/// assert_eq!(y.value, 2.0_f64.sin() * 2.0);
/// assert_eq!(y.tangents, [2.0_f64.cos() * 2.0 + 2.0_f64.sin()]);
/// ```
#[derive(Clone, Copy)]
pub struct Dual<T, const N: usize = 1> {
    /// Its value.
    pub value: T,
    /// Its derivative in each direction. A zero is -0 where nothing moves the number, and 0 where its
    /// derivative was computed to be zero: see [`infinities`](crate::infinities).
    pub tangents: [T; N],
    /// The derivation that the tangents are of.
    mark: NumberMark,
}

impl<T: Real, const N: usize> Dual<T, N> {
    /// A number with these tangents; it does not move in the directions in which they are zero.
    ///
    /// It is of no derivation, and becomes one of that of the first number it meets: it is what a rule by hand gives back to
    /// the derivation that its tangents are of. Nothing sees where it is of another one, so a derivative within a
    /// derivative is taken by [`jvp`](crate::jvp) and its kin, whose numbers are told apart (see [nesting](crate::nesting)).
    ///
    /// ```
    /// use difrules_core::{Dual, jvp};
    ///
    /// /// The sine, with its rule by hand.
    /// fn sine(x: Dual<f64>) -> Dual<f64> {
    ///     Dual::new(x.value.sin(), [x.value.cos() * x.tangents[0]])
    /// }
    ///
    /// assert_eq!(jvp(|x| *x * sine(*x), &0.5_f64, &1.0).1, 0.5_f64.sin() + 0.5 * 0.5_f64.cos());
    /// ```
    #[inline]
    pub fn new(value: T, tangents: [T; N]) -> Self {
        let still = |tangent: T| if tangent.is_constant_zero() { T::still() } else { tangent };
        Self { value, tangents: tangents.map(still), mark: NumberMark::NONE }
    }

    /// A number that does not change in any direction.
    #[inline]
    pub fn constant(value: T) -> Self {
        Self { value, tangents: [T::still(); N], mark: NumberMark::NONE }
    }

    /// The derivation that it is known to be of.
    #[inline]
    pub(crate) fn mark(&self) -> Mark {
        self.mark.known()
    }

    /// The same number as one of this derivation.
    #[inline]
    pub(crate) fn marked(self, mark: NumberMark) -> Self {
        Self { mark, ..self }
    }

    #[inline]
    fn value(self) -> T {
        self.value
    }

    #[inline]
    fn compare(&self, other: &Self) -> Option<std::cmp::Ordering> {
        self.value.partial_cmp(&other.value)
    }

    #[inline]
    fn equal(&self, other: &Self) -> bool {
        self.value == other.value
    }

    #[inline]
    fn decide(&self, decide: fn(&T) -> bool) -> bool {
        decide(&self.value)
    }

    fn carries_nothing(&self) -> bool {
        self.tangents.iter().all(|tangent| tangent.is_constant_zero())
    }

    /// Whether it moves in no direction.
    #[inline]
    fn is_at_rest(&self) -> bool {
        self.tangents.iter().all(|tangent| tangent.is_still())
    }

    /// The result of an operation on two numbers.
    #[inline]
    fn with_tangents(
        value: T,
        first: &Self,
        second: &Self,
        mut tangent: impl FnMut(usize) -> T,
    ) -> Self {
        let mark = first.mark.and(second.mark);
        Self { value, tangents: std::array::from_fn(&mut tangent), mark }
    }

    /// A quotient by a number whose powers underflow or overflow, and digits of the derivatives of its inverse with them: by
    /// quotients alone, (x' - (x / y) y') / y, where these are finite. Where the product underflows that a small divisor makes up
    /// for, y' is divided first.
    #[cold]
    fn over_extreme(&self, y: &Self, quotient: T) -> Option<Self> {
        if !tape::is_divided(quotient, y.value) {
            return None;
        }
        let over = |moved: T| if moved.is_still() { moved } else { (moved / y.value).moved() };
        let by_quotients = Self::with_tangents(quotient, self, y, |i| {
            let y_dot = y.tangents[i];
            let through = chain(-quotient, y_dot);
            let is_lost =
                tape::is_faint(through) && y_dot.to_f64() != 0.0 && y.value.to_f64().abs() < 1.0;
            over(self.tangents[i])
                + if is_lost { chain(-quotient, over(y_dot)) } else { over(through) }
        });
        by_quotients.is_bounded().then_some(by_quotients)
    }

    /// The product or the quotient of two numbers, with these factors of their tangents. A factor is
    /// zero where the other number is, or one of the two is the reciprocal of infinity.
    #[inline]
    fn product(value: T, (x, by_x): (Self, T), (y, by_y): (Self, T)) -> Self {
        let mut bounded = by_x.is_bounded() & by_y.is_bounded();
        let product = Self::with_tangents(value, &x, &y, |i| {
            let tangent = finite_chain(by_x, x.tangents[i]) + finite_chain(by_y, y.tangents[i]);
            bounded &= tangent.is_bounded();
            tangent
        });
        if bounded {
            return product;
        }
        // The factor -x / y^2 of a quotient is zero where it underflows, too: x is not then, and the term counts. Where
        // x is zero, the other factor is what the derivative by x is: y, or 1 / y, which is finite for an infinite y.
        let is_zero = x.value.to_f64() == 0.0;
        Self::with_tangents(value, &x, &y, |i| {
            let [x_dot, y_dot] = [x.tangents[i], y.tangents[i]];
            let by_y = if is_zero { term(by_y, (by_x, y_dot), x_dot) } else { chain(by_y, y_dot) };
            term(by_x, (x.value, x_dot), y_dot) + by_y
        })
    }
}

/// [`chain`] for a partial derivative that is finite.
#[inline]
fn finite_chain<T: Real>(partial: T, tangent: T) -> T {
    if !T::BASE {
        return chain(partial, tangent);
    }
    // A zero keeps its sign, and so what it says. Without a branch, so that loops have vector
    // instructions.
    let product = (partial * tangent).moved();
    if tangent.is_constant_zero() { tangent } else { product }
}

/// A partial derivative times a tangent. The tangent of what does not move is strong: it contributes
/// nothing, whatever the partial.
#[inline]
fn chain<T: Real>(partial: T, tangent: T) -> T {
    if tangent.is_still() { tangent } else { (partial * tangent).moved() }
}

/// A term of the derivative of a product. Where a factor is zero, and moves with a finite derivative,
/// the other number only has to be continuous there for the product to have a derivative, and it is
/// the other term: an infinite derivative of a finite number contributes nothing.
#[cold]
fn term<T: Real>(factor: T, (number, tangent): (T, T), other_tangent: T) -> T {
    let term = chain(factor, tangent);
    let vanishes = factor.to_f64() == 0.0
        && !tangent.to_f64().is_finite()
        && !is_of_jump(tangent.to_f64())
        && number.to_f64().is_finite()
        && other_tangent.to_f64().is_finite();
    match vanishes {
        // Of a factor that does not move either, in the modes inside, nothing is left.
        true if tape::rests(factor) => T::zero(),
        true => term.at_zero(),
        false => term,
    }
}

impl<T: Real, const N: usize> std::ops::Add for Dual<T, N> {
    type Output = Self;
    #[inline]
    fn add(self, other: Self) -> Self {
        Self::with_tangents(self.value + other.value, &self, &other, |i| {
            self.tangents[i] + other.tangents[i]
        })
    }
}

impl<T: Real, const N: usize> std::ops::Sub for Dual<T, N> {
    type Output = Self;
    #[inline]
    fn sub(self, other: Self) -> Self {
        Self::with_tangents(self.value - other.value, &self, &other, |i| {
            let [x_dot, y_dot] = [self.tangents[i], other.tangents[i]];
            if y_dot.is_still() { x_dot } else { (x_dot - y_dot).moved() }
        })
    }
}

impl<T: Real, const N: usize> std::ops::Mul for Dual<T, N> {
    type Output = Self;
    #[inline]
    fn mul(self, other: Self) -> Self {
        Self::product(self.value * other.value, (self, other.value), (other, self.value))
    }
}

impl<T: Real, const N: usize> std::ops::Div for Dual<T, N> {
    type Output = Self;
    #[inline]
    fn div(self, other: Self) -> Self {
        let quotient = self.value / other.value;
        let inverse = T::one() / other.value;
        let slope = -(quotient * inverse);
        let is_finite = |tangent: &T| tangent.to_f64().is_finite();
        if !T::BASE
            && tape::has_extreme_powers(other.value)
            && let Some(by_quotients) = self.over_extreme(&other, quotient)
        {
            return by_quotients;
        }
        if tape::is_beyond(slope, quotient, inverse) && other.tangents.iter().all(is_finite) {
            return Self::with_tangents(quotient, &self, &other, |i| {
                let moved = chain(-quotient, chain(inverse, other.tangents[i]));
                chain(inverse, self.tangents[i]) + moved
            });
        }
        Self::product(quotient, (self, inverse), (other, slope))
    }
}

impl<T: Real, const N: usize> std::ops::Neg for Dual<T, N> {
    type Output = Self;
    #[inline]
    fn neg(self) -> Self {
        Self::with_tangents(-self.value, &self, &self, |i| {
            let tangent = self.tangents[i];
            if tangent.is_still() { tangent } else { (-tangent).moved() }
        })
    }
}

/// Shows the value and the tangents.
impl<T: Real, const N: usize> fmt::Debug for Dual<T, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tangents = self.tangents.map(Number::moved);
        f.debug_struct("Dual").field("value", &self.value).field("tangents", &tangents).finish()
    }
}

real_field!([T: Real, const N: usize] Dual<T, N>);

impl<T: Real, const N: usize> Over<T> for Dual<T, N> {}

impl<T: Real, const N: usize> Number for Dual<T, N> {
    const ORDER: u8 = T::ORDER + 1;
    const SINGLE: bool = T::SINGLE;

    fn plain(self) -> f64 {
        self.value.plain()
    }

    fn tapes() -> &'static RefCell<Tapes<Self>> {
        tape::tapes_by_type()
    }

    #[inline]
    fn still() -> Self {
        Self::constant(T::still())
    }

    #[inline]
    fn is_still(&self) -> bool {
        self.value.is_still() && self.is_at_rest()
    }

    #[inline]
    fn moved(self) -> Self {
        Self { value: self.value.moved(), ..self }
    }

    #[inline]
    fn is_bounded(&self) -> bool {
        let tangents = self.tangents.iter();
        tangents.fold(self.value.is_bounded(), |bounded, tangent| bounded & tangent.is_bounded())
    }

    #[inline]
    fn is_nothing(&self) -> bool {
        self.value.is_nothing() && self.carries_nothing()
    }

    fn is_same(self, other: Self) -> bool {
        let tangents = self.tangents.into_iter().zip(other.tangents);
        self.value.is_same(other.value) && tangents.fold(true, |same, (a, b)| same && a.is_same(b))
    }

    fn has_digits_of(self, other: Self) -> bool {
        let mut tangents = self.tangents.into_iter().zip(other.tangents);
        self.value.has_digits_of(other.value) && tangents.all(|(a, b)| a.has_digits_of(b))
    }
}

impl<T: Real, const N: usize> Real for Dual<T, N> {
    const BASE: bool = false;
    const RECORDED: bool = T::RECORDED;

    #[inline]
    fn at_zero(self) -> Self {
        Self { value: self.value.at_zero(), ..self }
    }

    fn call<F: Called>(function: F, arguments: &[Self]) -> Result<Self, F::Error> {
        let values: Vec<_> = arguments.iter().map(|x| x.value).collect();
        let value = T::call(function, &values)?;
        let mut result = Self::constant(value);
        for (i, x) in arguments.iter().enumerate().filter(|(_, x)| !x.is_at_rest()) {
            result.mark = result.mark.and(x.mark);
            let Some(partial) = function.partial(i, &values, value)? else { continue };
            for (sum, tangent) in result.tangents.iter_mut().zip(x.tangents) {
                *sum += chain(partial, tangent);
            }
        }
        Ok(result)
    }

    #[inline]
    fn apply<P: Primitive>(mut arguments: Given<'_, P, Self>) -> P::Return<Self> {
        if P::SCALAR && !P::DIRECT {
            return P::from_result(scalar::<P, T, N>(&arguments));
        }
        if P::DIRECT && (P::SCALAR || T::PARTS) {
            return P::primal::<Self>(arguments);
        }
        let mut held = P::Arguments::hold::<Self>(&arguments);
        let result = Self::apply_whole::<P>(P::Arguments::lend_held::<Self>(&mut held));
        P::from_result(result.map(|output| {
            P::Arguments::write_held::<Self>(&mut arguments, &held);
            Self::entries::<P::Output>(Self::lend::<P::Output>(&output))
        }))
    }

    type Inner = T;
    type Whole<F: Family> = DualWhole<F::Of<T>, N>;
    type Lent<'a, F: Family> = DualLent<'a, F::Of<T>, N>;

    #[inline]
    fn inner(self) -> T {
        self.value
    }

    const PARTS: bool = T::PARTS;
    const DIRECTIONS: usize = N;

    #[inline]
    fn place_of_part(part: usize) -> usize {
        match part.checked_sub(1) {
            None => std::mem::offset_of!(Self, value),
            Some(direction) => std::mem::offset_of!(Self, tangents) + direction * size_of::<T>(),
        }
    }

    #[inline]
    fn tangents(&self) -> &[T] {
        &self.tangents
    }

    #[inline]
    fn tangents_mut(&mut self) -> &mut [T] {
        &mut self.tangents
    }

    #[inline]
    fn of_derivation(self, other: Self) -> Self {
        self.marked(self.mark.and(other.mark))
    }

    #[inline]
    fn from_inner(value: T) -> Self {
        Self::constant(value)
    }

    #[inline]
    fn lend<F: Family>(whole: &DualWhole<F::Of<T>, N>) -> DualLent<'_, F::Of<T>, N> {
        DualLent {
            value: &whole.value,
            tangents: each([None; N], |i| whole.tangents[i].as_deref()),
            mark: whole.mark,
        }
    }

    #[inline]
    fn shorten<'s, 'l: 's, F: Family + 's + 'l>(
        lent: DualLent<'l, F::Of<T>, N>,
    ) -> DualLent<'s, F::Of<T>, N> {
        lent
    }

    #[inline]
    fn lend_constant<F: Family>(value: &F::Of<T>) -> DualLent<'_, F::Of<T>, N> {
        DualLent { value, tangents: [None; N], mark: Mark::NONE }
    }

    fn hold<F: Family>(lent: DualLent<'_, F::Of<T>, N>) -> DualWhole<F::Of<T>, N> {
        DualWhole::new(
            lent.value.copied(),
            |i| lent.tangents[i].map(Differentiable::copied),
            lent.mark,
        )
    }

    #[inline]
    fn constant_whole<F: Family>(value: F::Of<T>) -> DualWhole<F::Of<T>, N> {
        DualWhole::constant(value)
    }

    #[inline]
    fn value_of<'a, F: Family + 'a>(lent: DualLent<'a, F::Of<T>, N>) -> &'a F::Of<T> {
        lent.value
    }

    #[inline]
    fn value_mut<F: Family>(whole: &mut DualWhole<F::Of<T>, N>) -> &mut F::Of<T> {
        &mut whole.value
    }

    fn entries<F: Family>(lent: DualLent<'_, F::Of<T>, N>) -> F::Of<Self> {
        let mark = NumberMark::of(lent.mark);
        if lent.tangents.iter().all(Option::is_none) {
            return lent.value.map_reals(&mut |x| Self::constant(x).marked(mark));
        }
        if !needs_drop::<F::Of<T>>() {
            // It is on the stack, and small: nothing is allocated.
            let mut entries: F::Of<Self> =
                lent.value.map_reals(&mut |x| Self::constant(x).marked(mark));
            for (i, tangent) in lent.tangents.into_iter().enumerate() {
                if let Some(tangent) = tangent {
                    entries.zip_reals::<T>(tangent, &mut |x, tangent| x.tangents[i] = tangent);
                }
            }
            return entries;
        }
        // Number by number, in one pass.
        let tangents = each([const { None }; N], |i| lent.tangents[i].map(Differentiable::reals));
        let mut number = 0;
        lent.value.map_reals(&mut |value| {
            number += 1;
            let tangent = |i: usize| match &tangents[i] {
                Some(tangents) => tangents[number - 1],
                None => T::still(),
            };
            Self { value, tangents: std::array::from_fn(tangent), mark }
        })
    }

    fn map_entries<F: Family, S: Real>(
        lent: DualLent<'_, F::Of<T>, N>,
        f: &mut impl FnMut(Self) -> S,
    ) -> F::Of<S> {
        Self::entries::<F>(lent).map_reals(f)
    }

    fn gather<Form: Gathered>(
        given: &Form::Given<'_, Self>,
    ) -> DualWhole<<Form::Family as Family>::Of<T>, N> {
        let (mut varies, mut mark) = ([false; N], Mark::NONE);
        Form::visit::<Self>(given, &mut |x| {
            mark = mark.and(x.mark.known());
            for (varies, tangent) in varies.iter_mut().zip(x.tangents) {
                *varies |= !tangent.is_still();
            }
        });
        let value = Form::own_container::<Self, T>(given, &mut |x| x.value);
        if varies == [false; N] {
            return DualWhole::constant(value);
        }
        if !needs_drop::<<Form::Family as Family>::Of<T>>() {
            // It is on the stack, and small: nothing is allocated.
            let tangent = |i: usize| {
                varies[i].then(|| Form::own_container::<Self, T>(given, &mut |x| x.tangents[i]))
            };
            return DualWhole::new(value, tangent, mark);
        }
        // Number by number, in one pass.
        let shape = value.shape();
        let count = <Form::Family as Family>::Of::<T>::count(&shape);
        let mut tangents = varies.map(|varies| Vec::with_capacity(if varies { count } else { 0 }));
        Form::visit::<Self>(given, &mut |x| {
            for ((tangents, tangent), varies) in tangents.iter_mut().zip(x.tangents).zip(varies) {
                if varies {
                    tangents.push(tangent);
                }
            }
        });
        let tangent = |i: usize| {
            varies[i].then(|| <Form::Family as Family>::Of::from_reals(&shape, &tangents[i]))
        };
        DualWhole::new(value, tangent, mark)
    }

    fn part<F: Family, G: Family>(
        lent: DualLent<'_, F::Of<T>, N>,
        _: usize,
        take: impl Fn(&F::Of<T>) -> G::Of<T>,
    ) -> DualWhole<G::Of<T>, N> {
        DualWhole::new(take(lent.value), |i| lent.tangents[i].map(&take), lent.mark)
    }

    fn apply_whole<P: Primitive>(
        mut arguments: Wholes<'_, P, Self>,
    ) -> Result<DualWhole<Output<P, T>, N>, P::Error> {
        let mut active = Active([false; N], Mark::NONE);
        P::Arguments::look::<Self, _>(&arguments, &mut active, |_, _| {});
        if active.0 == [false; N] {
            let result = T::apply::<P>(P::Arguments::give::<Self>(&mut arguments));
            return P::into_result::<T>(result).map(DualWhole::constant);
        }
        let overwritten =
            P::overwritten::<T>(&P::Arguments::read_whole::<Self>(&arguments), &|_| true);
        let (value, saved) = P::augmented::<T>(P::Arguments::give::<Self>(&mut arguments))?;
        let mut output = DualWhole::new(value, |_| None, active.1);
        for i in (0..N).filter(|i| active.0[*i]) {
            let mut tangents = P::Arguments::tangents::<Self>(&arguments, &mut TakeTangent(i));
            let evaluation = LentEvaluation {
                arguments: P::Arguments::read_whole::<Self>(&arguments),
                overwritten: &overwritten,
                output: &*output.value,
                saved: &saved,
            };
            let mut tangent = between(|| P::push::<T>(evaluation, &mut tangents));
            if !P::ENTRYWISE && !P::RESTING {
                // A zero that a rule came to is no sign of rest.
                tangent.update_reals(&mut |x| *x = x.moved());
            }
            output.tangents[i] = Some(Recycled::new(tangent));
            let mut write = WriteTangent { direction: i, rests: P::RESTING };
            P::Arguments::write_tangents::<Self>(&mut arguments, tangents, &mut write);
        }
        Ok(output)
    }
}

/// A function of real numbers with known partial derivatives.
#[inline]
fn scalar<P: Primitive, T: Real, const N: usize>(
    arguments: &Given<'_, P, Dual<T, N>>,
) -> Result<Output<P, Dual<T, N>>, P::Error> {
    let inputs = P::Arguments::own(arguments, &mut inner);
    let evaluation = P::evaluate::<T>(inputs)?;
    let (mut tangents, mut mark) = ([T::still(); N], NumberMark::NONE);
    P::Arguments::visit(arguments, &mut |argument, x: Dual<T, N>| {
        mark = mark.and(x.mark);
        if x.is_at_rest() || !P::is_known(argument) && x.carries_nothing() {
            return;
        }
        let partial = P::partial(&evaluation, argument);
        if partial.is_constant_zero() && P::is_off(&evaluation, argument) {
            return;
        }
        for (sum, tangent) in tangents.iter_mut().zip(x.tangents) {
            *sum += chain(partial, tangent);
        }
    });
    Ok(evaluation.output.map_reals(&mut |value| Dual { value, tangents, mark }))
}

/// Which directions any argument varies in, and of which derivation they are.
struct Active<const N: usize>([bool; N], Mark);

impl<T: Real, const N: usize> Look<Dual<T, N>> for Active<N> {
    fn lent<F: Family>(&mut self, lent: DualLent<'_, F::Of<T>, N>) {
        for (active, tangent) in self.0.iter_mut().zip(lent.tangents) {
            *active |= tangent.is_some();
        }
        self.1 = self.1.and(lent.mark);
    }

    fn number(&mut self, x: Dual<T, N>) {
        for (active, tangent) in self.0.iter_mut().zip(x.tangents) {
            *active |= !tangent.is_still();
        }
        self.1 = self.1.and(x.mark.known());
    }
}

/// Lends the tangents in a direction.
struct TakeTangent(usize);

impl<T: Real, const N: usize> Take<Dual<T, N>> for TakeTangent {
    fn lent<'a, F: Family + 'a>(
        &mut self,
        lent: DualLent<'a, F::Of<T>, N>,
    ) -> Tangent<'a, F::Of<T>> {
        match lent.tangents[self.0] {
            Some(tangent) => Tangent::Lent(tangent),
            None => Tangent::zero(lent.value),
        }
    }

    fn number(&mut self, x: Dual<T, N>) -> T {
        x.tangents[self.0]
    }
}

/// Gives `&mut` arguments their tangents in a direction, of which the rule said what rests or not.
struct WriteTangent {
    direction: usize,
    rests: bool,
}

impl<T: Real, const N: usize> Write<Dual<T, N>> for WriteTangent {
    fn write<F: Family>(&mut self, whole: &mut DualWhole<F::Of<T>, N>, mut new: F::Of<T>) {
        if !self.rests {
            new.update_reals(&mut |x| *x = x.moved());
        }
        whole.tangents[self.direction] = Some(Recycled::new(new));
    }
}
