//! What reverse mode does with primitives and with values in one piece.

use super::apply::{
    Combination, Ranges, call, fold, node, read_pieces, scalar, see, to_replay, whole_node,
};
use super::var::Var;
use crate::contract::keep::{Keep, Kept};
use crate::contract::passing::{Arguments, Gathered, inner};
use crate::contract::primitive::{Called, Evaluated, Given, Output, Primitive, Wholes};
use crate::contract::scalar::Real;
use crate::contract::value::{Differentiable, Family};
use crate::contract::whole::Gather;
use crate::modes::reverse::{called, checkpoint};
use crate::modes::whole::{VarLent, VarWhole};
use crate::tape::{CONSTANT, OBSERVED, PIECE, Reading, Whole};

/// Tells the tape that somebody has the numbers of a value apart.
#[inline]
fn take_apart<F: Family, T: Real>(lent: VarLent<'_, F::Of<T>>) {
    if lent.stamp != 0 && F::Of::<T>::count(&lent.value.shape()) >= PIECE {
        T::tapes().borrow_mut().take_apart(lent.stamp, lent.first);
    }
}

impl<T: Real> Real for Var<T> {
    const BASE: bool = false;
    const RECORDED: bool = true;

    #[inline]
    fn at_zero(self) -> Self {
        Self { value: self.value.at_zero(), ..self }
    }

    fn call<F: Called>(function: F, arguments: &[Self]) -> Result<Self, F::Error> {
        let stamps = arguments.iter().fold(0, |stamps, x| stamps | x.stamp);
        if stamps & OBSERVED != 0 && Self::is_replayed(stamps) {
            return called::record(function, arguments);
        }
        let values: Vec<_> = arguments.iter().map(|x| x.value).collect();
        let value = T::call(function, &values)?;
        let mut combination = Combination::default();
        for (i, x) in arguments.iter().enumerate().filter(|(_, x)| !x.is_constant()) {
            if let Some(partial) = function.partial(i, &values, value)? {
                combination.add(*x, partial);
            }
        }
        Ok(Self { value, ..combination.record() })
    }

    fn checkpointed<X, P, E: 'static>(
        steps: usize,
        x: &X,
        parameters: &P,
        step: impl Fn(usize, &X, &P) -> Result<X, E> + 'static,
    ) -> Result<X, E>
    where
        X: Differentiable<Real = Self>,
        P: Differentiable<Real = Self>,
    {
        checkpoint::recorded(steps, x, parameters, step)
    }

    fn apply<P: Primitive>(mut arguments: Given<'_, P, Self>) -> P::Return<Self> {
        if P::SCALAR && P::DIRECT {
            return P::primal::<Self>(arguments);
        }
        let mut stamps = 0;
        let mut known = true;
        if P::SCALAR {
            P::Arguments::visit(&arguments, &mut |argument, x: Self| {
                stamps |= x.stamp;
                known &= x.is_constant() || P::is_known(argument);
            });
        }
        // A tape that is replayed evaluates the primitive again. A node asks for its derivatives only if
        // its adjoint is not zero, which matters where one is not known.
        if P::SCALAR && known && (stamps & OBSERVED == 0 || !Self::is_replayed(stamps)) {
            let inputs = P::Arguments::own(&arguments, &mut inner);
            let output =
                P::evaluate::<T>(inputs).map(|evaluation| scalar::<P, T>(&arguments, &evaluation));
            return P::from_result(output);
        }
        let mut reading = Reading::new();
        P::Arguments::fold(&arguments, Whole::new, fold::<T>, |argument, whole, given| {
            if !reading.push_whole(argument, whole) {
                read_pieces(&mut reading, argument, given);
            }
        });
        reading.finish(P::Arguments::IN_PLACE.len());
        let mut inputs = P::Arguments::own(&arguments, &mut inner);
        let read = P::Arguments::read::<T>(&inputs);
        let overwritten = P::overwritten::<T>(&read, &|argument| reading.varies(argument));
        let replayed = to_replay::<P, T>(reading.stamp(), &read);
        drop(read);
        let output = match call::<P, T>(&mut inputs) {
            Ok((output, saved)) if reading.stamp() != 0 => {
                let evaluation = Evaluated { inputs, overwritten, output, saved };
                Ok(node::<P, T>(&reading, &mut arguments, evaluation, replayed))
            }
            Ok((output, _)) => {
                P::Arguments::write_back(&mut arguments, &inputs, &mut |x, value| {
                    *x = Self::constant(value);
                });
                Ok(output.map_reals(&mut Self::constant))
            }
            Err(error) => {
                // What the caller does then depends on the arguments.
                P::Arguments::visit(&arguments, &mut |_, x: Self| see(x));
                Err(error)
            }
        };
        P::from_result(output)
    }

    type Inner = T;
    type Whole<F: Family> = VarWhole<F::Of<T>>;
    type Lent<'a, F: Family> = VarLent<'a, F::Of<T>>;

    #[inline]
    fn inner(self) -> T {
        self.value
    }

    #[inline]
    fn from_inner(value: T) -> Self {
        Self::constant(value)
    }

    #[inline]
    fn lend<F: Family>(whole: &VarWhole<F::Of<T>>) -> VarLent<'_, F::Of<T>> {
        VarLent {
            value: &whole.value,
            kept: Some(&whole.value),
            stamp: whole.stamp,
            first: whole.first,
        }
    }

    #[inline]
    fn shorten<'s, 'l: 's, F: Family + 's + 'l>(
        lent: VarLent<'l, F::Of<T>>,
    ) -> VarLent<'s, F::Of<T>> {
        lent
    }

    #[inline]
    fn lend_constant<F: Family>(value: &F::Of<T>) -> VarLent<'_, F::Of<T>> {
        VarLent { value, kept: None, stamp: 0, first: CONSTANT }
    }

    fn hold<F: Family>(lent: VarLent<'_, F::Of<T>>) -> VarWhole<F::Of<T>> {
        VarWhole { value: lent.keep().kept(), stamp: lent.stamp, first: lent.first }
    }

    #[inline]
    fn constant_whole<F: Family>(value: F::Of<T>) -> VarWhole<F::Of<T>> {
        VarWhole::constant(value)
    }

    #[inline]
    fn value_of<'a, F: Family + 'a>(lent: VarLent<'a, F::Of<T>>) -> &'a F::Of<T> {
        lent.value
    }

    #[inline]
    fn keep<'a, F: Family + 'a>(lent: VarLent<'a, F::Of<T>>) -> Keep<'a, F::Of<T>> {
        lent.keep()
    }

    #[inline]
    fn value_mut<F: Family>(whole: &mut VarWhole<F::Of<T>>) -> &mut F::Of<T> {
        whole.value.make_mut()
    }

    fn entries<F: Family>(lent: VarLent<'_, F::Of<T>>) -> F::Of<Self> {
        Self::map_entries::<F, Self>(lent, &mut |x| x)
    }

    #[inline]
    fn map_entries<F: Family, S: Real>(
        lent: VarLent<'_, F::Of<T>>,
        f: &mut impl FnMut(Self) -> S,
    ) -> F::Of<S> {
        take_apart::<F, T>(lent);
        let (mut number, step) = (lent.first, u32::from(lent.stamp != 0));
        lent.value.map_reals(&mut |value| {
            let x = Self { value, stamp: lent.stamp, number };
            number += step;
            f(x)
        })
    }

    fn for_each_entry<F: Family>(lent: VarLent<'_, F::Of<T>>, f: &mut impl FnMut(Self)) {
        take_apart::<F, T>(lent);
        let (mut number, step) = (lent.first, u32::from(lent.stamp != 0));
        lent.value.for_each_real(&mut |value| {
            f(Self { value, stamp: lent.stamp, number });
            number += step;
        });
    }

    fn gather<Form: Gathered>(
        given: &Form::Given<'_, Self>,
    ) -> VarWhole<<Form::Family as Family>::Of<T>> {
        let mut handles = Whole::new();
        Form::visit::<Self>(given, &mut |x| handles.push(x.stamp, x.number));
        if let Some((stamp, first)) = handles.range() {
            let value = Form::own_container::<Self, T>(given, &mut Self::value_unseen);
            return VarWhole { value: Kept::new(value), stamp, first };
        }
        let entries = Form::own_container::<Self, Self>(given, &mut |x| x);
        Self::gathered::<Form::Family>(Self::apply::<Gather<Form::Family>>((&entries,)))
    }

    #[inline]
    fn part<F: Family, G: Family>(
        lent: VarLent<'_, F::Of<T>>,
        offset: usize,
        take: impl Fn(&F::Of<T>) -> G::Of<T>,
    ) -> VarWhole<G::Of<T>> {
        let first = if lent.stamp == 0 { CONSTANT } else { lent.first + offset as u32 };
        let value = take(lent.value);
        // A part that is small is looked at number by number.
        if G::Of::<T>::count(&value.shape()) < PIECE {
            take_apart::<F, T>(VarLent { first, ..lent });
        }
        VarWhole { value: Kept::new(value), stamp: lent.stamp, first }
    }

    fn apply_whole<P: Primitive>(
        mut arguments: Wholes<'_, P, Self>,
    ) -> Result<VarWhole<Output<P, T>>, P::Error> {
        let mut ranges = Ranges { reading: Reading::new(), argument: 0 };
        P::Arguments::look::<Self, _>(&arguments, &mut ranges, |ranges, i| ranges.argument = i);
        // Read where it is: it is large enough that moving it takes time.
        let reading = &mut ranges.reading;
        reading.finish(P::Arguments::IN_PLACE.len());
        if reading.stamp() == 0 {
            let result = T::apply::<P>(P::Arguments::give::<Self>(&mut arguments));
            P::into_result::<T>(result).map(VarWhole::constant)
        } else {
            whole_node::<P, T>(reading, arguments)
        }
    }
}
