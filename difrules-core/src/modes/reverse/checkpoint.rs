//! Long loops in little memory.

use std::any::Any;

use crate::contract::outcome::OutcomeOf;
use crate::contract::scalar::Real;
use crate::contract::value::{Differentiable, Shape, With};
use crate::diagnostic::diagnosed;
use crate::modes::maps::{self, Lift, Numbering, Ranges, Values};
use crate::modes::reverse::var::Var;
use crate::tape::ReplayError;
use crate::tape::{CONSTANT, Opened, Reading, Room, Scaled, Store};

/// Runs `x = step(k, &x, parameters)` for `k` from 0 to `steps - 1`, and returns the last `x`.
///
/// A reverse sweep over a loop keeps every step of it. Over this one it keeps the state at about
/// every `sqrt(steps)`-th step, and records that many steps at a time, again, when it comes to them:
/// memory of the order of `sqrt(steps)` for one more evaluation. Plain numbers and forward mode run
/// the loop as it stands.
///
/// What is differentiated by comes in as the state or as a parameter, not by capture; what the step
/// captures otherwise it owns (`move`).
///
/// # Errors
/// The step's own, unchanged: it may return a `Result` or an `Option`, and then so does this.
///
/// # Panics
/// If the step uses a [`Var`] that it captured, or does not do the same when it runs again.
///
/// ```
/// use difrules_core::{Real, checkpointed, value_and_gradient};
///
/// /// The logistic map.
/// fn orbit<T: Real>(x: T, r: T) -> T {
///     checkpointed(100, &x, &r, |_, x: &T, r: &T| *r * *x * (T::one() - *x))
/// }
///
/// let (y, (by_x, by_r)) = value_and_gradient(|(x, r)| orbit(*x, *r), &(0.3_f64, 2.5_f64));
/// assert!((y - 0.6).abs() < 1e-12 && by_x.abs() < 1e-12 && (by_r - 0.16).abs() < 1e-12);
/// ```
pub fn checkpointed<T, X, P, F, Y>(steps: usize, x: &X, parameters: &P, step: F) -> Y::Of<X>
where
    T: Real,
    X: Differentiable<Real = T>,
    P: Parameters<T>,
    F: Fn(usize, &X, &P) -> Y + 'static,
    Y: OutcomeOf<X, Aux = (), Error: 'static> + 'static,
{
    let step = move |k, x: &X, p: &P::Container| step(k, x, P::of(p)).into_parts().0;
    let last = T::checkpointed(steps, x, parameters.container(), step);
    Y::from_parts(last, ())
}

/// The parameters of a loop: what is differentiable, or `()` for none.
///
/// ```
/// use difrules_core::{Real, checkpointed, gradient, lit};
///
/// /// Newton's iteration for the square root of 2, which forgets where it started.
/// fn root<T: Real>(x: T) -> T {
///     checkpointed(20, &x, &(), |_, x, ()| (*x + lit::<T>(2.0) / *x) * lit(0.5))
/// }
///
/// assert!((root(1.0) - 2.0_f64.sqrt()).abs() < 1e-15);
/// assert!(gradient(|x| root(*x), &1.0_f64).abs() < 1e-100);
/// ```
pub trait Parameters<T: Real> {
    /// What stands for them.
    #[doc(hidden)]
    type Container: Differentiable<Real = T>;
    #[doc(hidden)]
    fn container(&self) -> &Self::Container;
    #[doc(hidden)]
    fn of(container: &Self::Container) -> &Self;
}

impl<T: Real, P: Differentiable<Real = T>> Parameters<T> for P {
    type Container = P;

    fn container(&self) -> &P {
        self
    }

    fn of(container: &P) -> &P {
        container
    }
}

impl<T: Real> Parameters<T> for () {
    type Container = [T; 0];

    fn container(&self) -> &[T; 0] {
        &[]
    }

    fn of(_: &[T; 0]) -> &() {
        &()
    }
}

/// A loop that was run.
struct Loop<T: Real, X: Differentiable<Real = Var<T>>, P: Differentiable<Real = Var<T>>, F> {
    steps: usize,
    step: F,
    parameters: With<P, T>,
    /// The state before every so many steps.
    states: Vec<With<X, T>>,
    every: usize,
    last: Shape<X>,
}

/// The loops of one kind on a tape.
struct Loops<T: Real, X: Differentiable<Real = Var<T>>, P: Differentiable<Real = Var<T>>, F>(
    Vec<Loop<T, X, P, F>>,
);

impl<T, X, P, F> Default for Loops<T, X, P, F>
where
    T: Real,
    X: Differentiable<Real = Var<T>>,
    P: Differentiable<Real = Var<T>>,
{
    fn default() -> Self {
        Self(Vec::new())
    }
}

/// The value as constants.
fn constants<T: Real, X: Differentiable<Real = Var<T>>>(value: &With<X, T>) -> X {
    value.map_with::<Var<T>>(&mut Lift)
}

/// The plain value of what a step returned.
fn values<T: Real, X: Differentiable<Real = Var<T>>>(x: &X) -> With<X, T> {
    x.map_with(&mut Values(|number, _, _| {
        assert!(
            number == CONSTANT,
            "the step of `checkpointed` uses a `Var` that it captured: give it as a parameter"
        );
    }))
}

/// Runs the loop on constants, which record nothing; returns the states on the way, and the last.
fn run<T, X, P, E>(
    (steps, every): (usize, usize),
    first: With<X, T>,
    parameters: &With<P, T>,
    step: impl Fn(usize, &X, &P) -> Result<X, E>,
) -> Result<(Vec<With<X, T>>, With<X, T>), E>
where
    T: Real,
    X: Differentiable<Real = Var<T>>,
    P: Differentiable<Real = Var<T>>,
{
    let parameters: P = constants(parameters);
    let mut states = Vec::with_capacity(steps.div_ceil(every));
    let mut state = first;
    for k in 0..steps {
        if k % every == 0 {
            states.push(state.clone());
        }
        state = values(&step(k, &constants::<T, X>(&state), &parameters)?);
    }
    Ok((states, state))
}

/// [`checkpointed`] on a tape.
pub(crate) fn recorded<T, X, P, E: 'static>(
    steps: usize,
    x: &X,
    parameters: &P,
    step: impl Fn(usize, &X, &P) -> Result<X, E> + 'static,
) -> Result<X, E>
where
    T: Real,
    X: Differentiable<Real = Var<T>>,
    P: Differentiable<Real = Var<T>>,
{
    let mut reading = Reading::new();
    let first = x.map_with(&mut maps::read(&mut reading, 0));
    let parameter_values = parameters.map_with(&mut maps::read(&mut reading, 1));
    reading.finish(2);
    let stamp = reading.stamp();
    let result = if stamp == 0 || steps == 0 {
        (0..steps).try_fold(x.clone(), |x, k| step(k, &x, parameters))
    } else {
        let every = steps.isqrt().max(1);
        run::<T, X, P, E>((steps, every), first, &parameter_values, &step).map(|(states, last)| {
            let shape = last.shape();
            let results = <With<X, T>>::count(&shape);
            let kept =
                Loop { steps, step, parameters: parameter_values, states, every, last: shape };
            let next = reading.record::<T>(results, false, |tape| {
                if let Some(plan) = &mut tape.plan {
                    last.for_each_real(&mut |x| plan.values.push(x));
                }
                tape.note_loop();
                tape.keep(|Loops(loops)| {
                    loops.push(kept);
                    loops.len() - 1
                })
            });
            last.map_with(&mut Numbering { stamp, next })
        })
    };
    if result.is_err() {
        // What the caller does then depends on the start and the parameters.
        x.for_each_real(&mut |x| {
            x.value();
        });
        parameters.for_each_real(&mut |p| {
            p.value();
        });
    }
    result
}

impl<T, X, P, E, F> Loop<T, X, P, F>
where
    T: Real,
    X: Differentiable<Real = Var<T>>,
    P: Differentiable<Real = Var<T>>,
    F: Fn(usize, &X, &P) -> Result<X, E>,
{
    /// Records a segment on a tape of its own; returns it with the numbers of its last state.
    fn recorded(&self, segment: usize) -> (Opened<T>, Ranges) {
        let Self { steps, step, parameters, states, every, .. } = self;
        let state = &states[segment];
        let count = <With<X, T>>::count(&state.shape());
        let tape = Opened::<T>::new(count + <With<P, T>>::count(&parameters.shape()));
        let mut numbering = Numbering { stamp: tape.stamp(), next: 1 };
        let mut x: X = state.map_with(&mut numbering);
        let parameters: P = parameters.map_with(&mut numbering);
        let first = segment * every;
        for k in first..(first + every).min(*steps) {
            x = step(k, &x, &parameters).ok().expect(AGAIN);
        }
        let mut ranges = Ranges::new(tape.stamp());
        x.map_with(&mut ranges.values());
        (tape, ranges)
    }

    /// The adjoints of the start and of the parameters, segment by segment, from the last. A zero between two segments is taken
    /// for one that was computed, unless it is known what numbers before each segment have infinite derivatives: then it is
    /// asked which zeros are strong. Says as well whether some adjoint between two segments is too large for a number, or too small.
    fn swept(&self, outputs: &[T], infinite: Option<&[Vec<bool>]>) -> ([Vec<T>; 2], bool) {
        let (mut state_bar, mut lost) = (outputs.to_vec(), false);
        let mut parameters_bar = vec![T::zero(); <With<P, T>>::count(&self.parameters.shape())];
        for (segment, state) in self.states.iter().enumerate().rev() {
            let (tape, ranges) = self.recorded(segment);
            assert_eq!(ranges.numbers().count(), state_bar.len(), "{AGAIN}");
            let count = <With<X, T>>::count(&state.shape());
            tape.close(|tape| {
                let seeds = ranges.numbers().zip(state_bar.drain(..));
                let swept = match infinite {
                    None => tape.sweep(seeds),
                    Some(infinite) => {
                        tape.infinite_inputs.clone_from(&infinite[segment]);
                        tape.sweep_telling(seeds)
                    }
                };
                let (by_state, by_parameters) = swept.split_at(count);
                state_bar.extend_from_slice(by_state);
                for (sum, &term) in parameters_bar.iter_mut().zip(by_parameters) {
                    *sum += term;
                }
                lost |= tape.lost;
            });
        }
        ([state_bar, parameters_bar], lost)
    }

    /// The same with powers of two beside the adjoints, which do not overflow or underflow between two segments.
    fn swept_with_powers(&self, outputs: &[T]) -> [Vec<T>; 2] {
        let mut state_bar: Vec<_> = outputs.iter().map(|&x| Scaled::of(x)).collect();
        let parameters = <With<P, T>>::count(&self.parameters.shape());
        let mut parameters_bar = vec![Scaled::of(T::zero()); parameters];
        for (segment, state) in self.states.iter().enumerate().rev() {
            let (tape, ranges) = self.recorded(segment);
            let count = <With<X, T>>::count(&state.shape());
            tape.close(|tape| {
                let seeds = ranges.numbers().zip(state_bar.drain(..));
                let by_inputs = tape.sweep_scaled(seeds);
                let (by_state, by_parameters) = by_inputs.split_at(count);
                state_bar.extend_from_slice(by_state);
                let sums = parameters_bar.iter_mut().zip(by_parameters);
                sums.for_each(|(sum, &term)| sum.add(term));
            });
        }
        [state_bar, parameters_bar].map(|all| all.into_iter().map(Scaled::raised).collect())
    }

    /// Which numbers of the state before each segment have derivatives by those of the start that are not finite.
    fn infinite(&self) -> Vec<Vec<bool>> {
        let mut all = vec![Vec::new()];
        for segment in 1..self.states.len() {
            let (tape, ranges) = self.recorded(segment - 1);
            all.push(tape.close(|tape| {
                tape.infinite_inputs.clone_from(&all[segment - 1]);
                tape.infinite(ranges.numbers())
            }));
        }
        all
    }
}

impl<T, X, P, E, F> Store<T> for Loops<T, X, P, F>
where
    T: Real,
    X: Differentiable<Real = Var<T>>,
    P: Differentiable<Real = Var<T>>,
    E: 'static,
    F: Fn(usize, &X, &P) -> Result<X, E> + 'static,
{
    fn reverse(&self, entry: usize, outputs: &mut [T], slots: &mut [Option<Room<'_, T>>]) {
        let of_loop = &self.0[entry];
        let (mut adjoints, lost) = of_loop.swept(outputs, None);
        let mut replace = |lost: bool, by: &dyn Fn() -> [Vec<T>; 2]| {
            if of_loop.states.len() < 2 || !lost && adjoints.iter().flatten().all(T::is_bounded) {
                return;
            }
            // The rules have said what they have to say.
            let found = diagnosed(by).0;
            for (x, found) in adjoints.iter_mut().flatten().zip(found.into_iter().flatten()) {
                if !x.is_bounded() || lost && found.is_bounded() {
                    *x = found;
                }
            }
        };
        replace(lost, &|| of_loop.swept_with_powers(outputs));
        // Zeros may have met infinities.
        replace(false, &|| of_loop.swept(outputs, Some(&of_loop.infinite())).0);
        for (slot, adjoint) in slots.iter_mut().zip(adjoints) {
            if let Some(slot) = slot.take() {
                slot.add(&adjoint);
            }
        }
    }

    fn is_loop(&self) -> bool {
        true
    }

    fn replay(
        &mut self,
        entry: usize,
        inputs: &mut dyn FnMut(&mut T),
        outputs: &mut dyn FnMut(T),
    ) -> Result<(), ReplayError> {
        let kept = &mut self.0[entry];
        let failed = |text: &str| ReplayError::Primitive {
            primitive: "difrules_core::checkpointed",
            text: text.into(),
        };
        let first = kept.states.first_mut().expect("a loop that is kept has steps");
        first.update_reals(&mut |x| inputs(x));
        kept.parameters.update_reals(&mut |p| inputs(p));
        let first = first.clone();
        let (states, last) =
            run::<T, X, P, E>((kept.steps, kept.every), first, &kept.parameters, &kept.step)
                .map_err(|_| failed("failed"))?;
        if last.shape() != kept.last {
            return Err(failed("gave a result of another shape"));
        }
        last.for_each_real(&mut |x| outputs(x));
        kept.states = states;
        Ok(())
    }

    fn clear(&mut self) {
        self.0.clear();
    }

    fn as_any_mut(&mut self) -> &mut dyn Any {
        self
    }
}

const AGAIN: &str = "the step of `checkpointed` does not do the same when it runs again";
