//! Numbers that know how they were computed.

use std::any::TypeId;
use std::cell::RefCell;
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};

use crate::contract::outcome::Outcome;
use crate::contract::passing::{Arguments, Change, Gathered, Look, inner};
use crate::contract::primitive::{Called, Given, Output, Primitive, Wholes};
use crate::contract::scalar::{Over, Real};
use crate::contract::value::{Differentiable, Family, With};
use crate::contract::whole::Map;
use crate::modes::field::real_field;
use crate::tape::{self, Number, Tapes};

/// A number and a hash of how it was computed: by which operations from which numbers of a point, whatever the values.
///
/// It is a [`Real`] that differentiates nothing, the scalar at which [`fingerprint`] calls a function. Whatever it is
/// asked, it answers as its value does.
#[derive(Clone, Copy)]
pub struct Flow<T> {
    value: T,
    /// Zero where it does not depend on the point.
    hash: u64,
}

/// A number that stands for what the value of a function was computed from, and how, whatever the values: where it is the
/// same at two points, the function's [recordings](crate::Recording) have the same
/// [`dependencies`](crate::Recording::dependencies) and [`interactions`](crate::Recording::interactions) there, but for a
/// chance of about one in 2^64.
///
/// It takes about as long as a derivative in one direction, far less than a recording: who has the patterns of one point asks by
/// it whether the function did the same at another. Of two programs it tells nothing.
///
/// # Errors
/// The function's own, unchanged.
///
/// ```
/// use difrules_core::{Real, fingerprint};
/// use nalgebra::{Vector2, vector};
///
/// fn f<T: Real>(x: &Vector2<T>) -> T {
///     if x[0] > x[1] { x[0] * x[1] } else { x[0] }
/// }
///
/// let at = |x: f64, y: f64| fingerprint(f, &vector![x, y]);
/// assert_eq!(at(2.0, 1.0), at(5.0, 3.0));
/// assert_ne!(at(2.0, 1.0), at(1.0, 2.0));
/// ```
pub fn fingerprint<X, F, Y, V>(f: F, x: &X) -> Y::Of<u64>
where
    X: Differentiable,
    F: FnOnce(&With<X, Flow<X::Real>>) -> Y,
    Y: Outcome<Value = V>,
    V: Differentiable<Real = Flow<X::Real>>,
{
    let mut inputs = Inputs(0);
    let point = x.map_with(&mut inputs);
    let (value, aux) = f(&point).into_parts();
    let all = value.map(|value| {
        let mut results = Results(of_parts(Step::Input, inputs.0, 0));
        value.map_with(&mut results);
        results.0
    });
    Y::from_parts(all, aux)
}

/// What was done.
#[derive(Clone, Copy)]
enum Step {
    Input,
    Add,
    Sub,
    Mul,
    Div,
    Neg,
    /// The next argument of a primitive, or number of a container.
    Next,
    /// A number of a value in one piece.
    Entry,
    /// Another value in one piece.
    Part,
    /// A result of a primitive.
    Result,
}

/// Odd, with bits that look random: the fractions of square roots of primes.
const KEYS: [u64; 10] = [
    0x6A09_E667_F3BC_C909,
    0xBB67_AE85_84CA_A73B,
    0x3C6E_F372_FE94_F82B,
    0xA54F_F53A_5F1D_36F1,
    0x510E_527F_ADE6_82D1,
    0x9B05_688C_2B3E_6C1F,
    0x1F83_D9AB_FB41_BD6B,
    0x5BE0_CD19_137E_2179,
    0xCBBB_9D5D_C105_9ED9,
    0x629A_292A_367C_D507,
];

/// The hash of a step by two hashes in order: both halves of a product.
#[inline]
fn of_parts(step: Step, first: u64, second: u64) -> u64 {
    let key = KEYS[step as usize];
    let product = u128::from(first ^ key) * u128::from(second ^ key.rotate_left(32));
    product as u64 ^ (product >> 64) as u64
}

/// That of a step by two numbers, of which nothing is known if they are constants.
#[inline]
fn of_numbers(step: Step, first: u64, second: u64) -> u64 {
    if first | second == 0 { 0 } else { of_parts(step, first, second) }
}

/// A hash of a type, which the compiler knows.
#[inline]
fn of_type<P: 'static>() -> u64 {
    struct Last(u64);

    impl Hasher for Last {
        fn finish(&self) -> u64 {
            self.0
        }

        fn write(&mut self, bytes: &[u8]) {
            for byte in bytes {
                self.0 = of_parts(Step::Next, self.0, u64::from(*byte));
            }
        }

        fn write_u64(&mut self, number: u64) {
            self.0 ^= number;
        }
    }

    let mut last = Last(0);
    TypeId::of::<P>().hash(&mut last);
    last.0
}

impl<T: Real> Flow<T> {
    #[inline]
    fn constant(value: T) -> Self {
        Self { value, hash: 0 }
    }

    #[inline]
    fn value(self) -> T {
        self.value
    }

    #[inline]
    fn compare(&self, other: &Self) -> Option<Ordering> {
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

    #[inline]
    fn carries_nothing(&self) -> bool {
        self.hash == 0
    }
}

macro_rules! operators {
    ($($Operator:ident $operator:ident),*) => {$(
        impl<T: Real> std::ops::$Operator for Flow<T> {
            type Output = Self;
            #[inline]
            fn $operator(self, other: Self) -> Self {
                let hash = of_numbers(Step::$Operator, self.hash, other.hash);
                Self { value: std::ops::$Operator::$operator(self.value, other.value), hash }
            }
        }
    )*};
}

operators!(Add add, Sub sub, Mul mul, Div div);

impl<T: Real> std::ops::Neg for Flow<T> {
    type Output = Self;
    #[inline]
    fn neg(self) -> Self {
        Self { value: -self.value, hash: of_numbers(Step::Neg, self.hash, 0) }
    }
}

/// Shows the value.
impl<T: Real> fmt::Debug for Flow<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Flow").field("value", &self.value).finish_non_exhaustive()
    }
}

real_field!([T: Real] Flow<T>);

impl<T: Real> Over<T> for Flow<T> {}

impl<T: Real> Number for Flow<T> {
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
        self.carries_nothing() && self.value.is_still()
    }

    #[inline]
    fn moved(self) -> Self {
        Self { value: self.value.moved(), ..self }
    }

    #[inline]
    fn is_bounded(&self) -> bool {
        self.value.is_bounded()
    }

    #[inline]
    fn is_nothing(&self) -> bool {
        self.value.is_nothing() && self.carries_nothing()
    }

    fn is_same(self, other: Self) -> bool {
        self.value.is_same(other.value) && self.hash == other.hash
    }

    fn has_digits_of(self, other: Self) -> bool {
        self.value.has_digits_of(other.value)
    }
}

/// A value in one piece, and how it was computed.
#[derive(Clone)]
pub struct FlowWhole<X> {
    value: X,
    hash: u64,
}

/// One that is lent.
pub struct FlowLent<'a, X> {
    value: &'a X,
    hash: u64,
}

impl<X> Clone for FlowLent<'_, X> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<X> Copy for FlowLent<'_, X> {}

/// The hash of all that a call or a container was put together from.
struct Together {
    hash: u64,
    /// Whether any of it depends on the point.
    varies: bool,
}

impl Together {
    fn of<P: 'static>() -> Self {
        Self { hash: of_type::<P>(), varies: false }
    }

    /// That of what comes of it.
    #[inline]
    fn hash(&self) -> u64 {
        if self.varies { self.hash } else { 0 }
    }

    #[inline]
    fn push(&mut self, hash: u64) {
        self.varies |= hash != 0;
        self.hash = of_parts(Step::Next, self.hash, hash);
    }
}

impl<T: Real> Look<Flow<T>> for Together {
    fn lent<F: Family>(&mut self, lent: FlowLent<'_, F::Of<T>>) {
        self.push(lent.hash);
        self.hash = of_parts(Step::Part, self.hash, F::Of::<T>::count(&lent.value.shape()) as u64);
    }

    fn number(&mut self, x: Flow<T>) {
        self.push(x.hash);
    }
}

/// Gives `&mut` arguments what a call made of them.
struct Overwritten(Together, u64);

impl<T: Real> Change<Flow<T>> for Overwritten {
    fn change<F: Family>(&mut self, whole: &mut FlowWhole<F::Of<T>>) {
        self.1 += 1;
        whole.hash = of_parts(Step::Result, self.0.hash, self.1);
    }
}

impl<T: Real> Real for Flow<T> {
    const BASE: bool = false;
    const RECORDED: bool = T::RECORDED;

    #[inline]
    fn at_zero(self) -> Self {
        Self { value: self.value.at_zero(), ..self }
    }

    fn call<F: Called>(function: F, arguments: &[Self]) -> Result<Self, F::Error> {
        let mut together = Together::of::<F>();
        arguments.iter().for_each(|x| together.push(x.hash));
        let values: Vec<_> = arguments.iter().map(|x| x.value).collect();
        let value = T::call(function, &values)?;
        Ok(Self { value, hash: together.hash() })
    }

    fn apply<P: Primitive>(mut arguments: Given<'_, P, Self>) -> P::Return<Self> {
        if P::SCALAR {
            let mut together = Together::of::<P>();
            P::Arguments::visit(&arguments, &mut |_, x: Self| together.push(x.hash));
            let hash = together.hash();
            let mut values = P::Arguments::own(&arguments, &mut inner);
            let output = T::apply::<P>(P::Arguments::lend(&mut values));
            let number = |value| Self { value, hash };
            return P::from_result(
                P::into_result::<T>(output).map(|output| output.map_reals(&mut { number })),
            );
        }
        let mut held = P::Arguments::hold::<Self>(&arguments);
        let result = Self::apply_whole::<P>(P::Arguments::lend_held::<Self>(&mut held));
        P::from_result(result.map(|output| {
            P::Arguments::write_held::<Self>(&mut arguments, &held);
            Self::entries::<P::Output>(Self::lend::<P::Output>(&output))
        }))
    }

    type Inner = T;
    type Whole<F: Family> = FlowWhole<F::Of<T>>;
    type Lent<'a, F: Family> = FlowLent<'a, F::Of<T>>;

    #[inline]
    fn inner(self) -> T {
        self.value
    }

    #[inline]
    fn from_inner(value: T) -> Self {
        Self::constant(value)
    }

    #[inline]
    fn lend<F: Family>(whole: &FlowWhole<F::Of<T>>) -> FlowLent<'_, F::Of<T>> {
        FlowLent { value: &whole.value, hash: whole.hash }
    }

    #[inline]
    fn shorten<'s, 'l: 's, F: Family + 's + 'l>(
        lent: FlowLent<'l, F::Of<T>>,
    ) -> FlowLent<'s, F::Of<T>> {
        lent
    }

    #[inline]
    fn lend_constant<F: Family>(value: &F::Of<T>) -> FlowLent<'_, F::Of<T>> {
        FlowLent { value, hash: 0 }
    }

    fn hold<F: Family>(lent: FlowLent<'_, F::Of<T>>) -> FlowWhole<F::Of<T>> {
        FlowWhole { value: lent.value.copied(), hash: lent.hash }
    }

    #[inline]
    fn constant_whole<F: Family>(value: F::Of<T>) -> FlowWhole<F::Of<T>> {
        FlowWhole { value, hash: 0 }
    }

    #[inline]
    fn value_of<'a, F: Family + 'a>(lent: FlowLent<'a, F::Of<T>>) -> &'a F::Of<T> {
        lent.value
    }

    #[inline]
    fn value_mut<F: Family>(whole: &mut FlowWhole<F::Of<T>>) -> &mut F::Of<T> {
        &mut whole.value
    }

    fn entries<F: Family>(lent: FlowLent<'_, F::Of<T>>) -> F::Of<Self> {
        Self::map_entries::<F, Self>(lent, &mut |x| x)
    }

    fn map_entries<F: Family, S: Real>(
        lent: FlowLent<'_, F::Of<T>>,
        f: &mut impl FnMut(Self) -> S,
    ) -> F::Of<S> {
        let mut next = 0;
        lent.value.map_reals(&mut |value| {
            next += 1;
            let hash = if lent.hash == 0 { 0 } else { of_parts(Step::Entry, lent.hash, next) };
            f(Self { value, hash })
        })
    }

    fn gather<Form: Gathered>(
        given: &Form::Given<'_, Self>,
    ) -> FlowWhole<<Form::Family as Family>::Of<T>> {
        let mut together = Together { hash: 0, varies: false };
        Form::visit::<Self>(given, &mut |x| together.push(x.hash));
        let value = Form::own_container::<Self, T>(given, &mut |x| x.value);
        FlowWhole { value, hash: together.hash() }
    }

    fn part<F: Family, G: Family>(
        lent: FlowLent<'_, F::Of<T>>,
        offset: usize,
        take: impl Fn(&F::Of<T>) -> G::Of<T>,
    ) -> FlowWhole<G::Of<T>> {
        let value = take(lent.value);
        let hash = match lent.hash {
            0 => 0,
            hash => of_parts(Step::Part, hash, offset as u64),
        };
        FlowWhole { value, hash }
    }

    fn apply_whole<P: Primitive>(
        mut arguments: Wholes<'_, P, Self>,
    ) -> Result<FlowWhole<Output<P, T>>, P::Error> {
        let mut together = Together::of::<P>();
        P::Arguments::look::<Self, _>(&arguments, &mut together, |_, _| {});
        let result = T::apply::<P>(P::Arguments::give::<Self>(&mut arguments));
        let value = P::into_result::<T>(result)?;
        let hash = if together.varies {
            let count = Output::<P, T>::count(&value.shape());
            together.push(count as u64);
            let hash = together.hash;
            P::Arguments::change::<Self>(&mut arguments, &mut Overwritten(together, 0));
            of_parts(Step::Result, hash, 0)
        } else {
            0
        };
        Ok(FlowWhole { value, hash })
    }
}

/// Numbers the inputs.
struct Inputs(u64);

impl<T: Real> Map<T, Flow<T>> for Inputs {
    #[inline]
    fn real(&mut self, value: T) -> Flow<T> {
        self.0 += 1;
        // Twice, so that all of its bits look random.
        let hash = of_parts(Step::Input, of_parts(Step::Input, self.0, 0), 0);
        Flow { value, hash }
    }

    fn whole<F: Family>(&mut self, lent: T::Lent<'_, F>) -> FlowWhole<F::Of<T>> {
        let value = T::entries::<F>(lent);
        let first: Flow<T> = self.real(T::zero());
        self.0 += F::Of::<T>::count(&value.shape()) as u64;
        FlowWhole { value, hash: first.hash }
    }
}

/// The hash of all results in order.
struct Results(u64);

impl<T: Real> Map<Flow<T>, T> for Results {
    #[inline]
    fn real(&mut self, y: Flow<T>) -> T {
        self.0 = of_parts(Step::Next, self.0, y.hash);
        y.value
    }

    fn whole<F: Family>(&mut self, lent: FlowLent<'_, F::Of<T>>) -> T::Whole<F> {
        let count = F::Of::<T>::count(&lent.value.shape());
        self.0 = of_parts(Step::Part, self.0, count as u64);
        self.0 = of_parts(Step::Next, self.0, lent.hash);
        T::gathered::<F>(lent.value.copied())
    }
}
