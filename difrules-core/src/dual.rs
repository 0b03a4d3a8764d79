//! Forward mode.

use std::cell::RefCell;
use std::mem::needs_drop;

use crate::field::real_field;
use crate::passing::{Arguments, Gathered, Look, Take, Write};
use crate::primitive::{Given, LentEvaluation, Output, Primitive, Wholes};
use crate::registry::Record;
use crate::scalar::{Over, Real};
use crate::symbolic;
use crate::tape::{self, Tapes};
use crate::value::{Differentiable, Family};
use crate::whole::{DualLent, DualWhole, Tangent};

/// A number with its derivatives in `N` directions.
///
/// `Dual<T, N>` is a [`Real`] and implements nalgebra's `RealField`, so nalgebra's generic
/// algorithms run on it; it nests with itself and with [`Var`](crate::Var). Comparisons look at
/// the value alone; `is_zero` and `is_one` hold only where all tangents vanish too, so that no
/// shortcut of an algorithm loses a derivative. Where an algorithm of nalgebra guards a division by
/// `is_zero` (a zero pivot, a zero column), a zero that varies therefore gives NaN where a plain zero
/// takes the shortcut; the primitives of `difrules-linalg` have their own rules there.
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
    /// Its derivative in each direction.
    pub tangents: [T; N],
}

impl<T: Real, const N: usize> Dual<T, N> {
    /// A number with these tangents.
    #[inline]
    pub fn new(value: T, tangents: [T; N]) -> Self {
        Self { value, tangents }
    }

    /// A number that does not change in any direction.
    #[inline]
    pub fn constant(value: T) -> Self {
        Self { value, tangents: [T::zero(); N] }
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
        self.tangents.iter().all(|tangent| tangent.is_zero())
    }

    #[inline]
    fn with_tangents(value: T, mut tangent: impl FnMut(usize) -> T) -> Self {
        Self { value, tangents: std::array::from_fn(&mut tangent) }
    }
}

/// A partial derivative times a tangent. Zero is strong: it contributes nothing, whatever the
/// partial.
#[inline]
fn chain<T: Real>(partial: T, tangent: T) -> T {
    if tangent.is_zero() { T::zero() } else { partial * tangent }
}

impl<T: Real, const N: usize> std::ops::Add for Dual<T, N> {
    type Output = Self;
    #[inline]
    fn add(self, other: Self) -> Self {
        Self::with_tangents(self.value + other.value, |i| self.tangents[i] + other.tangents[i])
    }
}

impl<T: Real, const N: usize> std::ops::Sub for Dual<T, N> {
    type Output = Self;
    #[inline]
    fn sub(self, other: Self) -> Self {
        Self::with_tangents(self.value - other.value, |i| self.tangents[i] - other.tangents[i])
    }
}

impl<T: Real, const N: usize> std::ops::Mul for Dual<T, N> {
    type Output = Self;
    #[allow(clippy::suspicious_arithmetic_impl)] // The product rule is a sum.
    #[inline]
    fn mul(self, other: Self) -> Self {
        Self::with_tangents(self.value * other.value, |i| {
            chain(other.value, self.tangents[i]) + chain(self.value, other.tangents[i])
        })
    }
}

impl<T: Real, const N: usize> std::ops::Div for Dual<T, N> {
    type Output = Self;
    #[allow(clippy::suspicious_arithmetic_impl)] // The quotient rule is a difference.
    #[inline]
    fn div(self, other: Self) -> Self {
        let quotient = self.value / other.value;
        let inverse = T::one() / other.value;
        Self::with_tangents(quotient, |i| {
            chain(inverse, self.tangents[i]) - chain(quotient * inverse, other.tangents[i])
        })
    }
}

impl<T: Real, const N: usize> std::ops::Neg for Dual<T, N> {
    type Output = Self;
    #[inline]
    fn neg(self) -> Self {
        Self::with_tangents(-self.value, |i| -self.tangents[i])
    }
}

real_field!([T: Real, const N: usize] Dual<T, N>);

impl<T: Real, const N: usize> Over<T> for Dual<T, N> {}

impl<T: Real, const N: usize> Real for Dual<T, N> {
    const BASE: bool = false;

    fn to_f64(self) -> f64 {
        self.value.to_f64()
    }

    fn tapes() -> &'static RefCell<Tapes<Self>> {
        tape::tapes_by_type()
    }

    fn call_record(
        record: &'static Record,
        arguments: &[Self],
    ) -> Result<Self, symbolic::SymbolicError> {
        let values: Vec<_> = arguments.iter().map(|x| x.value).collect();
        let value = T::call_record(record, &values)?;
        let mut tangents = [T::zero(); N];
        for (i, x) in arguments.iter().enumerate().filter(|(_, x)| !x.carries_nothing()) {
            let partial = symbolic::partial(record, i, &values, value)?;
            for (sum, tangent) in tangents.iter_mut().zip(x.tangents) {
                *sum += chain(partial, tangent);
            }
        }
        Ok(Self { value, tangents })
    }

    fn is_same(self, other: Self) -> bool {
        let tangents = self.tangents.into_iter().zip(other.tangents);
        self.value.is_same(other.value) && tangents.fold(true, |same, (a, b)| same && a.is_same(b))
    }

    #[inline]
    fn apply<P: Primitive>(mut arguments: Given<'_, P, Self>) -> P::Return<Self> {
        if P::SCALAR {
            return P::from_result(scalar::<P, T, N>(&arguments));
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

    #[inline]
    fn from_inner(value: T) -> Self {
        Self::constant(value)
    }

    #[inline]
    fn lend<F: Family>(whole: &DualWhole<F::Of<T>, N>) -> DualLent<'_, F::Of<T>, N> {
        DualLent { value: &whole.value, tangents: whole.tangents.each_ref().map(Option::as_ref) }
    }

    #[inline]
    fn shorten<'s, 'l: 's, F: Family + 's + 'l>(
        lent: DualLent<'l, F::Of<T>, N>,
    ) -> DualLent<'s, F::Of<T>, N> {
        lent
    }

    #[inline]
    fn lend_constant<F: Family>(value: &F::Of<T>) -> DualLent<'_, F::Of<T>, N> {
        DualLent { value, tangents: [None; N] }
    }

    fn hold<F: Family>(lent: DualLent<'_, F::Of<T>, N>) -> DualWhole<F::Of<T>, N> {
        DualWhole { value: lent.value.clone(), tangents: lent.tangents.map(Option::<&_>::cloned) }
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
        if lent.tangents.iter().all(Option::is_none) {
            return lent.value.map_reals(&mut Self::constant);
        }
        if !needs_drop::<F::Of<T>>() {
            // It is on the stack, and small: nothing is allocated.
            let mut entries: F::Of<Self> = lent.value.map_reals(&mut Self::constant);
            for (i, tangent) in lent.tangents.into_iter().enumerate() {
                if let Some(tangent) = tangent {
                    entries.zip_reals::<T>(tangent, &mut |x, tangent| x.tangents[i] = tangent);
                }
            }
            return entries;
        }
        // Number by number, in one pass.
        let tangents = lent.tangents.map(|tangent| tangent.map(Differentiable::to_reals));
        let mut number = 0;
        lent.value.map_reals(&mut |value| {
            number += 1;
            Self::with_tangents(value, |i| {
                tangents[i].as_ref().map_or(T::zero(), |tangents| tangents[number - 1])
            })
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
        let mut varies = [false; N];
        Form::visit::<Self>(given, &mut |x| {
            for (varies, tangent) in varies.iter_mut().zip(x.tangents) {
                *varies |= !tangent.is_zero();
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
            return DualWhole { value, tangents: std::array::from_fn(tangent) };
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
        DualWhole { value, tangents: std::array::from_fn(tangent) }
    }

    fn part<F: Family, G: Family>(
        lent: DualLent<'_, F::Of<T>, N>,
        _: usize,
        take: impl Fn(&F::Of<T>) -> G::Of<T>,
    ) -> DualWhole<G::Of<T>, N> {
        DualWhole {
            value: take(lent.value),
            tangents: lent.tangents.map(|tangent| tangent.map(&take)),
        }
    }

    fn apply_whole<P: Primitive>(
        mut arguments: Wholes<'_, P, Self>,
    ) -> Result<DualWhole<Output<P, T>, N>, P::Error> {
        let mut active = Active([false; N]);
        P::Arguments::look::<Self, _>(&arguments, &mut active, |_, _| {});
        if active.0 == [false; N] {
            let result = T::apply::<P>(P::Arguments::give::<Self>(&mut arguments));
            return P::into_result::<T>(result).map(DualWhole::constant);
        }
        let overwritten = P::overwritten::<T>(&P::Arguments::read_whole::<Self>(&arguments));
        let (value, saved) = P::augmented::<T>(P::Arguments::give::<Self>(&mut arguments))?;
        let mut output = DualWhole::constant(value);
        for i in (0..N).filter(|i| active.0[*i]) {
            let mut tangents = P::Arguments::tangents::<Self>(&arguments, &mut TakeTangent(i));
            let evaluation = LentEvaluation {
                arguments: P::Arguments::read_whole::<Self>(&arguments),
                overwritten: &overwritten,
                output: &output.value,
                saved: &saved,
            };
            output.tangents[i] = Some(P::push::<T>(evaluation, &mut tangents));
            P::Arguments::write_tangents::<Self>(&mut arguments, tangents, &mut WriteTangent(i));
        }
        Ok(output)
    }
}

/// A function of real numbers with known partial derivatives.
#[inline]
fn scalar<P: Primitive, T: Real, const N: usize>(
    arguments: &Given<'_, P, Dual<T, N>>,
) -> Result<Output<P, Dual<T, N>>, P::Error> {
    let inputs = P::Arguments::own(arguments, &mut |_, x: Dual<T, N>| x.value);
    let evaluation = P::evaluate::<T>(inputs)?;
    let mut tangents = [T::zero(); N];
    P::Arguments::visit(arguments, &mut |argument, x: Dual<T, N>| {
        if !x.carries_nothing() {
            let partial = P::partial(&evaluation, argument);
            for (sum, tangent) in tangents.iter_mut().zip(x.tangents) {
                *sum += chain(partial, tangent);
            }
        }
    });
    Ok(evaluation.output.map_reals(&mut |value| Dual { value, tangents }))
}

/// Which directions any argument varies in.
struct Active<const N: usize>([bool; N]);

impl<T: Real, const N: usize> Look<Dual<T, N>> for Active<N> {
    fn lent<F: Family>(&mut self, lent: DualLent<'_, F::Of<T>, N>) {
        for (active, tangent) in self.0.iter_mut().zip(lent.tangents) {
            *active |= tangent.is_some();
        }
    }

    fn number(&mut self, x: Dual<T, N>) {
        for (active, tangent) in self.0.iter_mut().zip(x.tangents) {
            *active |= !tangent.is_zero();
        }
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

/// Gives `&mut` arguments their tangents in a direction.
struct WriteTangent(usize);

impl<T: Real, const N: usize> Write<Dual<T, N>> for WriteTangent {
    fn write<F: Family>(&mut self, whole: &mut DualWhole<F::Of<T>, N>, new: F::Of<T>) {
        whole.tangents[self.0] = Some(new);
    }
}
