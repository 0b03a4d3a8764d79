//! What the modes and transforms do to the numbers of a container, and at once to what is whole.

use crate::contract::keep::Kept;
use crate::contract::scalar::Real;
use crate::contract::value::{Differentiable, Family};
use crate::contract::whole::{Map, Source};
use crate::kernel::vectorised;
use crate::modes::dual::Dual;
use crate::modes::mark::Derivation;
use crate::modes::reverse::var::Var;
use crate::modes::whole::{DualLent, DualWhole, VarLent, VarWhole};
use crate::tape::{CONSTANT, Reading};

/// How many numbers are lent.
fn count<T: Real, F: Family>(value: &F::Of<T>) -> usize {
    <F::Of<T>>::count(&value.shape())
}

/// The numbers of a slice, in order.
pub(crate) struct Numbers<'a, A>(pub(crate) &'a [A]);

impl<'a, A> Numbers<'a, A> {
    pub(crate) fn take(&mut self, count: usize) -> &'a [A] {
        let (front, rest) = self.0.split_at(count);
        self.0 = rest;
        front
    }
}

impl<A: Real> Source<A> for Numbers<'_, A> {
    #[inline]
    fn real(&mut self) -> A {
        self.take(1)[0]
    }

    fn whole<F: Family>(&mut self, shape: &F::Shape) -> A::Whole<F> {
        let numbers = self.take(F::Of::<A>::count(shape));
        A::gathered::<F>(F::Of::<A>::from_reals(shape, numbers))
    }
}

/// A value of the shape of `x` made of these numbers.
pub(crate) fn like<X: Differentiable>(x: &X, numbers: &[X::Real]) -> X {
    X::build_with(&x.shape(), &mut Numbers(numbers))
}

/// Numbers the values of a tape, from `next` on.
pub(crate) struct Numbering {
    pub(crate) stamp: u32,
    pub(crate) next: u32,
}

impl<T: Real> Map<T, Var<T>> for Numbering {
    #[inline]
    fn real(&mut self, value: T) -> Var<T> {
        self.next += 1;
        Var::recorded(value, self.stamp, self.next - 1)
    }

    fn whole<F: Family>(&mut self, lent: T::Lent<'_, F>) -> VarWhole<F::Of<T>> {
        let value = T::entries::<F>(lent);
        let (first, numbers) = (self.next, count::<T, F>(&value));
        self.next += numbers as u32;
        T::tapes().borrow_mut().tape(self.stamp).in_one_piece(first, numbers);
        VarWhole { value: Kept::new(value), stamp: self.stamp, first }
    }
}

/// Makes constants of the mode around.
pub(crate) struct Lift;

impl<M: Real> Map<M::Inner, M> for Lift {
    #[inline]
    fn real(&mut self, value: M::Inner) -> M {
        M::from_inner(value)
    }

    fn whole<F: Family>(&mut self, lent: <M::Inner as Real>::Lent<'_, F>) -> M::Whole<F> {
        M::constant_whole::<F>(M::Inner::entries::<F>(lent))
    }
}

/// The values of variables, of which it tells the ranges: first number, count and stamp.
pub(crate) struct Values<Tell>(pub(crate) Tell);

impl<T: Real, Tell: FnMut(u32, u32, u32)> Map<Var<T>, T> for Values<Tell> {
    #[inline]
    fn real(&mut self, x: Var<T>) -> T {
        self.0(x.tape_number(), 1, x.stamp());
        x.value_unseen()
    }

    fn whole<F: Family>(&mut self, lent: VarLent<'_, F::Of<T>>) -> T::Whole<F> {
        self.0(lent.first, count::<T, F>(lent.value) as u32, lent.stamp);
        T::gathered::<F>(lent.value.copied())
    }
}

/// The values of arguments that are read.
pub(crate) fn read(reading: &mut Reading, argument: usize) -> Values<impl FnMut(u32, u32, u32)> {
    Values(move |first, count, stamp| reading.push_range(argument, stamp, first, count))
}

/// The numbers that a result has on a tape: ranges of them, in order.
pub(crate) struct Ranges {
    stamp: u32,
    /// First number and count.
    ranges: Vec<(u32, u32)>,
}

impl Ranges {
    pub(crate) fn new(stamp: u32) -> Self {
        Self { stamp, ranges: Vec::new() }
    }

    /// The values of a result whose numbers these are going to be.
    ///
    /// # Panics
    /// If it is of another tape.
    pub(crate) fn values(&mut self) -> Values<impl FnMut(u32, u32, u32)> {
        Values(|first, count, stamp| {
            assert!(
                first == CONSTANT || stamp == self.stamp,
                "a transform's function returned a `Var` of another tape"
            );
            self.ranges.push((first, count));
        })
    }

    /// The numbers in order; that of every constant is [`CONSTANT`].
    pub(crate) fn numbers(&self) -> impl Iterator<Item = u32> + '_ {
        self.ranges.iter().flat_map(|&(first, count)| {
            let step = u32::from(first != CONSTANT);
            (0..count).map(move |i| first + step * i)
        })
    }
}

/// The values of a result that was recorded, as they are now: `values` by their numbers.
pub(crate) struct Again<'a, T>(pub(crate) &'a [T]);

impl<T: Real> Map<Var<T>, T> for Again<'_, T> {
    #[inline]
    fn real(&mut self, y: Var<T>) -> T {
        if y.is_constant() { y.value_unseen() } else { self.0[y.tape_number() as usize] }
    }

    fn whole<F: Family>(&mut self, lent: VarLent<'_, F::Of<T>>) -> T::Whole<F> {
        T::gathered::<F>(if lent.first == CONSTANT {
            lent.value.copied()
        } else {
            let shape = lent.value.shape();
            let numbers = &self.0[lent.first as usize..][..<F::Of<T>>::count(&shape)];
            <F::Of<T>>::from_reals(&shape, numbers)
        })
    }
}

/// Gives a point its tangents, in `N` directions.
pub(crate) struct Along<'a, T, const N: usize>(
    pub(crate) [Numbers<'a, T>; N],
    pub(crate) &'a mut Derivation,
);

impl<T: Real, const N: usize> Map<T, Dual<T, N>> for Along<'_, T, N> {
    #[inline]
    fn real(&mut self, value: T) -> Dual<T, N> {
        let tangents = self.0.each_mut().map(Numbers::real);
        Dual::new(value, tangents).marked(self.1.number_mark())
    }

    fn whole<F: Family>(&mut self, lent: T::Lent<'_, F>) -> DualWhole<F::Of<T>, N> {
        let value = T::entries::<F>(lent);
        let shape = value.shape();
        let count = <F::Of<T>>::count(&shape);
        let along = |i: usize| tangents::<T, F>(self.0[i].take(count), &shape);
        DualWhole::new(value, along, self.1.mark())
    }
}

/// Gives a point the tangents that there are for the place of each number.
pub(crate) struct Each<'a, Tangents> {
    /// The place that comes next.
    pub(crate) next: usize,
    pub(crate) tangents: Tangents,
    pub(crate) derivation: &'a mut Derivation,
}

impl<T, Tangents, const N: usize> Map<T, Dual<T, N>> for Each<'_, Tangents>
where
    T: Real,
    Tangents: FnMut(usize) -> [T; N],
{
    #[inline]
    fn real(&mut self, value: T) -> Dual<T, N> {
        self.next += 1;
        Dual::new(value, (self.tangents)(self.next - 1)).marked(self.derivation.number_mark())
    }

    fn whole<F: Family>(&mut self, lent: T::Lent<'_, F>) -> DualWhole<F::Of<T>, N> {
        let value = T::entries::<F>(lent);
        let shape = value.shape();
        let places = self.next..self.next + <F::Of<T>>::count(&shape);
        self.next = places.end;
        let all: Vec<_> = places.map(&mut self.tangents).collect();
        let along = |direction: usize| {
            let numbers: Vec<_> = all.iter().map(|number| number[direction]).collect();
            tangents::<T, F>(&numbers, &shape)
        };
        DualWhole::new(value, along, self.derivation.mark())
    }
}

/// These tangents of a value in one piece, if it moves: what does not vary is a constant.
pub(crate) fn tangents<T: Real, F: Family>(tangents: &[T], shape: &F::Shape) -> Option<F::Of<T>> {
    let resting = resting(tangents);
    if resting == tangents.len() {
        return None;
    }
    let mut value = <F::Of<T>>::from_reals(shape, tangents);
    if resting > 0 {
        let still = |tangent: T| if tangent.is_constant_zero() { T::still() } else { tangent };
        value.update_reals(&mut |tangent| *tangent = still(*tangent));
    }
    Some(value)
}

/// How many of these tangents are zero.
fn resting<T: Real>(tangents: &[T]) -> usize {
    vectorised(|| tangents.iter().fold(0, |count, x| count + usize::from(x.is_constant_zero())))
}

/// Gives a point unit tangents for the numbers from `first` on, a direction each.
pub(crate) struct Units<'a> {
    /// The number that comes next.
    pub(crate) next: usize,
    pub(crate) first: usize,
    pub(crate) derivation: &'a mut Derivation,
}

impl<T: Real, const N: usize> Map<T, Dual<T, N>> for Units<'_> {
    #[inline]
    fn real(&mut self, value: T) -> Dual<T, N> {
        let number = self.next;
        self.next += 1;
        Dual::new(value, std::array::from_fn(|direction| unit(number == self.first + direction)))
            .marked(self.derivation.number_mark())
    }

    fn whole<F: Family>(&mut self, lent: T::Lent<'_, F>) -> DualWhole<F::Of<T>, N> {
        let value = T::entries::<F>(lent);
        let shape = value.shape();
        let numbers = self.next..self.next + <F::Of<T>>::count(&shape);
        self.next = numbers.end;
        let tangent = |direction: usize| {
            let one = self.first + direction;
            numbers.contains(&one).then(|| {
                let mut number = numbers.start;
                <F::Of<T>>::build(&shape, &mut || {
                    number += 1;
                    unit(number - 1 == one)
                })
            })
        };
        DualWhole::new(value, tangent, self.derivation.mark())
    }
}

fn unit<T: Real>(one: bool) -> T {
    if one { T::one() } else { T::still() }
}

/// The values of a result.
pub(crate) struct Primals;

impl<T: Real, const N: usize> Map<Dual<T, N>, T> for Primals {
    #[inline]
    fn real(&mut self, x: Dual<T, N>) -> T {
        x.value
    }

    fn whole<F: Family>(&mut self, lent: DualLent<'_, F::Of<T>, N>) -> T::Whole<F> {
        T::gathered::<F>(lent.value.copied())
    }
}

/// The tangents of a result, which has to be of this derivation.
pub(crate) struct Tangents<'a>(pub(crate) &'a mut Derivation);

impl<T: Real> Map<Dual<T>, T> for Tangents<'_> {
    #[inline]
    fn real(&mut self, x: Dual<T>) -> T {
        self.0.own(x.mark());
        tangent(x.value, x.tangents[0])
    }

    fn whole<F: Family>(&mut self, lent: DualLent<'_, F::Of<T>, 1>) -> T::Whole<F> {
        self.0.own(lent.mark);
        T::gathered::<F>(match lent.tangents[0] {
            Some(tangents) => {
                let mut tangents = tangents.copied();
                tangents.zip_reals(lent.value, &mut |dot, value| *dot = tangent(value, *dot));
                tangents
            }
            None => crate::contract::whole::zeros(lent.value),
        })
    }
}

/// The tangent of a result. What is NaN has no derivative in a direction in which it moves.
#[inline]
pub(crate) fn tangent<T: Real>(value: T, tangent: T) -> T {
    if tangent.is_still() { tangent.moved() } else { defined(value, tangent.moved()) }
}

/// The seed of a sweep at a result with this cotangent. What is NaN has no derivative. A zero is that of a result that nobody
/// asks for.
#[inline]
pub(crate) fn seed<T: Real>(value: T, cotangent: T) -> T {
    if cotangent.is_constant_zero() { T::still() } else { defined(value, cotangent) }
}

#[inline]
fn defined<T: Real>(value: T, derivative: T) -> T {
    if value.is_bounded() || !value.to_f64().is_nan() {
        return derivative;
    }
    // Undefined, and so are its own derivatives by whatever the value depends on.
    derivative + value * nalgebra::convert(f64::NAN)
}
