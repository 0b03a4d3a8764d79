//! Calls by those who do not know the types: through a registered instance.

use std::any::{Any, TypeId, type_name};
use std::fmt;

use crate::passing::{Arguments, Mismatch};
use crate::primitive::{Evaluation, Inputs, MissingRule, Output, Primitive, Shapes};
use crate::registry::{Instance, Mode, Record};
use crate::scalar::Real;
use crate::tape::MOST_ARGUMENTS;
use crate::value::Differentiable;

/// Values whose types the caller does not know, one an argument.
type Values<'a, 'b> = &'a mut [&'b mut dyn Any];
/// The same where some are not there.
type Optional<'a, 'b> = &'a mut [Option<&'b mut dyn Any>];

/// Why a call through the registry was refused, or failed.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// There are more or fewer values than arguments.
    #[error("`{primitive}` takes {wanted} arguments; here are {found} {what}")]
    Arity {
        /// The primitive's path.
        primitive: &'static str,
        /// Arguments, tangents or adjoints.
        what: &'static str,
        /// How many it takes.
        wanted: usize,
        /// How many there are.
        found: usize,
    },
    /// A value is of another type.
    #[error("`{primitive}`: {place} has to be of the type {wanted}")]
    Type {
        /// The primitive's path.
        primitive: &'static str,
        /// Which value.
        place: String,
        /// The type it has to have.
        wanted: &'static str,
    },
    /// A tangent, a cotangent or an adjoint does not have the shape of its value.
    #[error("`{primitive}`: {place} has the shape {found}, but its value has {wanted}")]
    Shape {
        /// The primitive's path.
        primitive: &'static str,
        /// Which value.
        place: String,
        /// The shape it has to have.
        wanted: String,
        /// The shape it has.
        found: String,
    },
    /// The primitive does not have the rule.
    #[error(transparent)]
    MissingRule(#[from] MissingRule),
    /// The primitive itself failed.
    #[error("`{primitive}` failed: {text}")]
    Failed {
        /// The primitive's path.
        primitive: &'static str,
        /// The error as `{:?}` prints it.
        text: String,
        /// The error itself, to be downcast.
        error: Box<dyn Any + Send + Sync>,
    },
}

/// What an instance needs to be called.
#[doc(hidden)]
#[derive(Debug)]
pub struct Calls {
    pub(crate) types: fn() -> Vec<(TypeId, &'static str)>,
    output: fn() -> (TypeId, &'static str),
    call: fn(Values<'_, '_>, &mut dyn Any) -> Result<(), CallError>,
    forward:
        fn(Values<'_, '_>, Optional<'_, '_>, &mut dyn Any, &mut dyn Any) -> Result<(), CallError>,
    pushforward: fn(Values<'_, '_>, &mut dyn Any) -> Result<Pushforward, CallError>,
    reverse: fn(Values<'_, '_>, &mut dyn Any) -> Result<Pullback, CallError>,
    reverse_at: fn(Values<'_, '_>, &dyn Any) -> Result<Pullback, CallError>,
    zeros: fn(RecordOf, Values<'_, '_>) -> Result<Vec<Box<dyn Any>>, CallError>,
    record: RecordOf,
}

impl Calls {
    /// The calls of `P` at the real scalar `S`.
    pub const fn of<P: Primitive, S: Real>() -> Self {
        Self {
            types: P::Arguments::types::<S>,
            output: || (TypeId::of::<Output<P, S>>(), type_name::<Output<P, S>>()),
            call: call::<P, S>,
            forward: forward::<P, S>,
            pushforward: pushforward::<P, S>,
            reverse: reverse::<P, S>,
            reverse_at: reverse_at::<P, S>,
            zeros: zeros::<P::Arguments, S>,
            record: P::record,
        }
    }
}

impl Instance {
    /// The types of the owned arguments (`DMatrix<f64>` for `&DMatrix<f64>`, `Vec<f64>` for
    /// `&[f64]`), and their names: what [`call`](Instance::call) takes.
    pub fn argument_types(&self) -> Vec<(TypeId, &'static str)> {
        (self.calls.types)()
    }

    /// The type of the result on success, and its name; `[f64; 0]` where a call returns nothing.
    pub fn output_type(&self) -> (TypeId, &'static str) {
        (self.calls.output)()
    }

    /// Calls the primitive.
    ///
    /// The arguments are owned values, borrowed; those that the function takes by `&mut` are
    /// overwritten, the others stay as they are. The result is put into `output`: a value of
    /// [its type](Instance::output_type), or an `Option<Box<dyn Any>>`.
    ///
    /// # Errors
    /// Another number of arguments, an argument or `output` of another type, or the primitive's
    /// own error.
    ///
    /// ```
    /// use difrules_core::find;
    ///
    /// let hypot = &find("hypot", 2).unwrap().instance("f64").unwrap();
    /// let (mut x, mut y, mut z) = (3.0_f64, 4.0_f64, 0.0_f64);
    /// hypot.call(&mut [&mut x, &mut y], &mut z)?;
    /// assert_eq!(z, 5.0);
    /// let error = hypot.call(&mut [&mut x, &mut 1_u8], &mut z).unwrap_err();
    /// assert!(error.to_string().contains("argument `y` has to be of the type f64"));
    /// # Ok::<(), difrules_core::CallError>(())
    /// ```
    pub fn call(
        &self,
        arguments: &mut [&mut dyn Any],
        output: &mut dyn Any,
    ) -> Result<(), CallError> {
        (self.calls.call)(arguments, output)
    }

    /// Calls the primitive and its forward rule.
    ///
    /// `tangents` has a place for each argument; one that is not there is zero, as those of
    /// constants are. The result and its tangent are put into `output` and `output_tangent`; a
    /// `&mut` argument and its tangent, which has to be there, are overwritten.
    ///
    /// # Errors
    /// As [`call`](Instance::call); a tangent of another shape; no forward rule.
    ///
    /// ```
    /// use difrules_core::find;
    ///
    /// let sin = find("sin", 1).unwrap().instance("f64").unwrap();
    /// let (mut x, mut x_dot, mut y, mut y_dot) = (0.5_f64, 2.0_f64, 0.0_f64, 0.0_f64);
    /// sin.forward(&mut [&mut x], &mut [Some(&mut x_dot)], &mut y, &mut y_dot)?;
    /// assert_eq!((y, y_dot), (0.5_f64.sin(), 2.0 * 0.5_f64.cos()));
    /// # Ok::<(), difrules_core::CallError>(())
    /// ```
    pub fn forward(
        &self,
        arguments: &mut [&mut dyn Any],
        tangents: &mut [Option<&mut dyn Any>],
        output: &mut dyn Any,
        output_tangent: &mut dyn Any,
    ) -> Result<(), CallError> {
        (self.calls.forward)(arguments, tangents, output, output_tangent)
    }

    /// Calls the primitive and keeps what its forward rule reads: for tangents in several directions.
    ///
    /// # Errors
    /// As [`call`](Instance::call); no forward rule.
    ///
    /// ```
    /// use difrules_core::find;
    ///
    /// let hypot = find("hypot", 2).unwrap().instance("f64").unwrap();
    /// let (mut x, mut y, mut z) = (3.0_f64, 4.0_f64, 0.0_f64);
    /// let pushforward = hypot.pushforward(&mut [&mut x, &mut y], &mut z)?;
    /// let (mut by_x, mut by_y) = (0.0_f64, 0.0_f64);
    /// pushforward.push(&mut [Some(&mut 1.0_f64), None], &mut by_x)?;
    /// pushforward.push(&mut [None, Some(&mut 1.0_f64)], &mut by_y)?;
    /// assert_eq!((z, by_x, by_y), (5.0, 0.6, 0.8));
    /// # Ok::<(), difrules_core::CallError>(())
    /// ```
    pub fn pushforward(
        &self,
        arguments: &mut [&mut dyn Any],
        output: &mut dyn Any,
    ) -> Result<Pushforward, CallError> {
        (self.calls.pushforward)(arguments, output)
    }

    /// Tangents of the arguments that are zero, boxed; the same for adjoints. Constants come as they
    /// are.
    ///
    /// # Errors
    /// Another number of arguments, or an argument of another type.
    pub fn zeros(&self, arguments: &mut [&mut dyn Any]) -> Result<Vec<Box<dyn Any>>, CallError> {
        (self.calls.zeros)(self.calls.record, arguments)
    }

    /// Calls the primitive and keeps what its reverse rule reads.
    ///
    /// # Errors
    /// As [`call`](Instance::call); no reverse rule.
    ///
    /// ```
    /// use difrules_core::find;
    ///
    /// let sin = find("sin", 1).unwrap().instance("f64").unwrap();
    /// let (mut x, mut y, mut x_bar) = (0.5_f64, 0.0_f64, 1.0_f64);
    /// let pullback = sin.reverse(&mut [&mut x], &mut y)?;
    /// pullback.pull(&2.0_f64, &mut [Some(&mut x_bar)])?;
    /// assert_eq!((y, x_bar), (0.5_f64.sin(), 1.0 + 2.0 * 0.5_f64.cos()));
    /// # Ok::<(), difrules_core::CallError>(())
    /// ```
    pub fn reverse(
        &self,
        arguments: &mut [&mut dyn Any],
        output: &mut dyn Any,
    ) -> Result<Pullback, CallError> {
        (self.calls.reverse)(arguments, output)
    }

    /// As [`reverse`](Instance::reverse), for those who called the primitive before and kept its
    /// result: `output` is what the call at these arguments gave.
    ///
    /// The primitive is evaluated again only if it saves something for its rules or has a `&mut`
    /// argument, which has to be as it was before the call.
    ///
    /// # Errors
    /// As [`reverse`](Instance::reverse).
    ///
    /// ```
    /// use difrules_core::find;
    ///
    /// let exp = find("exp", 1).unwrap().instance("f64").unwrap();
    /// let (mut x, mut y, mut x_bar) = (0.5_f64, 0.0_f64, 0.0_f64);
    /// exp.call(&mut [&mut x], &mut y)?;
    /// exp.reverse_at(&mut [&mut x], &y)?.pull(&1.0_f64, &mut [Some(&mut x_bar)])?;
    /// assert_eq!(x_bar, y);
    /// # Ok::<(), difrules_core::CallError>(())
    /// ```
    pub fn reverse_at(
        &self,
        arguments: &mut [&mut dyn Any],
        output: &dyn Any,
    ) -> Result<Pullback, CallError> {
        (self.calls.reverse_at)(arguments, output)
    }
}

/// One evaluation of a primitive, to be pushed forward as often as one likes.
pub struct Pushforward(Box<dyn Push>);

impl Pushforward {
    /// Runs the forward rule: puts the tangent of the result into `output_tangent`.
    ///
    /// `tangents` are those of [`Instance::forward`]: one that is not there is zero, and that of a
    /// `&mut` argument is overwritten.
    ///
    /// # Errors
    /// Another number of tangents than of arguments; a tangent of another type or shape than its
    /// value.
    pub fn push(
        &self,
        tangents: &mut [Option<&mut dyn Any>],
        output_tangent: &mut dyn Any,
    ) -> Result<(), CallError> {
        self.0.push(tangents, output_tangent)
    }
}

impl fmt::Debug for Pushforward {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pushforward").finish_non_exhaustive()
    }
}

trait Push {
    fn push(&self, tangents: Optional<'_, '_>, output: &mut dyn Any) -> Result<(), CallError>;
}

/// One evaluation of a primitive, to be pulled back as often as one likes.
pub struct Pullback(Box<dyn Pull>);

impl Pullback {
    /// Runs the reverse rule: adds to the adjoints that are there.
    ///
    /// The adjoint of a `&mut` argument, which has to be there, holds the cotangent of the new value
    /// and is given that of the old one.
    ///
    /// # Errors
    /// Another number of adjoints than of arguments; a cotangent or an adjoint of another type or
    /// shape than its value. Nothing is added then.
    pub fn pull(
        &self,
        cotangent: &dyn Any,
        adjoints: &mut [Option<&mut dyn Any>],
    ) -> Result<(), CallError> {
        self.0.pull(cotangent, adjoints)
    }
}

impl fmt::Debug for Pullback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pullback").finish_non_exhaustive()
    }
}

trait Pull {
    fn pull(&self, cotangent: &dyn Any, adjoints: Optional<'_, '_>) -> Result<(), CallError>;
}

struct Evaluated<P: Primitive, S: Real> {
    residual: P::Residual<S>,
    shapes: Shapes<P>,
}

/// How to come to a primitive's record, where an error needs it: what is generic over the primitive is
/// compiled for each.
type RecordOf = fn() -> &'static Record;

fn check_arity<A: Arguments>(
    record: RecordOf,
    what: &'static str,
    found: usize,
) -> Result<(), CallError> {
    let wanted = A::IN_PLACE.len();
    if found == wanted {
        return Ok(());
    }
    Err(CallError::Arity { primitive: record().path, what, wanted, found })
}

/// The error of an argument, or of its tangent or adjoint.
#[cold]
fn mismatch(record: RecordOf, what: &'static str) -> impl FnOnce(Mismatch) -> CallError {
    move |mismatch| {
        let primitive = record().path;
        let place = |argument: usize| format!("{what} `{}`", record().arguments[argument].name);
        match mismatch {
            Mismatch::Type { argument, wanted } => {
                CallError::Type { primitive, place: place(argument), wanted }
            }
            Mismatch::Shape { argument, wanted, found } => {
                CallError::Shape { primitive, place: place(argument), wanted, found }
            }
        }
    }
}

/// Where those who do not know the type of the output want it.
type Boxed = Option<Box<dyn Any>>;

/// Whether an output of type `Y`, or its tangent, can be put here.
fn check_output<Y: Any>(
    record: RecordOf,
    output: &dyn Any,
    place: &'static str,
) -> Result<(), CallError> {
    if output.is::<Y>() || output.is::<Boxed>() {
        return Ok(());
    }
    Err(wrong_type::<Y>(record, place))
}

/// Puts the output, or its tangent, where it was wanted.
#[inline]
fn put<Y: Any>(output: &mut dyn Any, value: Y) {
    if let Some(output) = output.downcast_mut::<Y>() {
        *output = value;
    } else if let Some(output) = output.downcast_mut::<Boxed>() {
        *output = Some(Box::new(value));
    }
}

#[cold]
fn wrong_type<X>(record: RecordOf, place: &'static str) -> CallError {
    let (primitive, wanted) = (record().path, type_name::<X>());
    CallError::Type { primitive, place: place.into(), wanted }
}

#[cold]
fn failed<E: fmt::Debug + Send + Sync + 'static>(record: RecordOf) -> impl FnOnce(E) -> CallError {
    move |error| {
        let text = format!("{error:?}");
        CallError::Failed { primitive: record().path, text, error: Box::new(error) }
    }
}

/// Whether the primitive has the rule.
fn check_rule(record: RecordOf, mode: Mode) -> Result<(), CallError> {
    let record = record();
    let has = match mode {
        Mode::Forward => record.forward,
        Mode::Reverse => record.reverse,
    };
    if has { Ok(()) } else { Err(MissingRule { primitive: record.path, mode }.into()) }
}

fn call<P: Primitive, S: Real>(
    arguments: Values<'_, '_>,
    output: &mut dyn Any,
) -> Result<(), CallError> {
    check_arity::<P::Arguments>(P::record, "values", arguments.len())?;
    check_output::<Output<P, S>>(P::record, output, "the output")?;
    let given = P::Arguments::lend_any::<S>(arguments).map_err(mismatch(P::record, "argument"))?;
    put(output, P::into_result::<S>(P::primal::<S>(given)).map_err(failed(P::record))?);
    Ok(())
}

/// Copies the arguments.
fn own<A: Arguments, S: Real>(
    record: RecordOf,
    arguments: Values<'_, '_>,
) -> Result<A::Owned<S>, CallError> {
    check_arity::<A>(record, "values", arguments.len())?;
    A::own_any::<S>(arguments).map_err(mismatch(record, "argument"))
}

/// Whether these are tangents of values of these shapes.
fn check_shapes<A: Arguments, S: Real>(
    record: RecordOf,
    tangents: &[Option<&mut dyn Any>],
    shapes: &A::Shapes,
) -> Result<(), CallError> {
    A::count_optional::<S>(tangents, shapes, &mut [0; MOST_ARGUMENTS])
        .map_err(mismatch(record, "the tangent of"))
}

/// Evaluates the primitive at copies of the arguments, if `check` finds nothing wrong for their
/// shapes.
fn evaluate<P: Primitive, S: Real>(
    arguments: Values<'_, '_>,
    check: impl FnOnce(&<P::Arguments as Arguments>::Shapes) -> Result<(), CallError>,
) -> Result<Evaluation<P, S>, CallError> {
    let inputs = own::<P::Arguments, S>(P::record, arguments)?;
    check(&P::Arguments::shapes::<S>(&inputs))?;
    let evaluation = Evaluation::<P, S>::new(inputs).map_err(failed(P::record))?;
    P::Arguments::write_back_any::<S>(arguments, &evaluation.inputs)
        .map_err(mismatch(P::record, "argument"))?;
    Ok(evaluation)
}

/// Whether the forward rule can be given as many tangents, and its result be put here.
fn check_tangents<P: Primitive, S: Real>(
    tangents: &[Option<&mut dyn Any>],
    output_tangent: &dyn Any,
) -> Result<(), CallError> {
    check_arity::<P::Arguments>(P::record, "tangents", tangents.len())?;
    check_output::<Output<P, S>>(P::record, output_tangent, "the output's tangent")
}

fn forward<P: Primitive, S: Real>(
    arguments: Values<'_, '_>,
    tangents: Optional<'_, '_>,
    output: &mut dyn Any,
    output_tangent: &mut dyn Any,
) -> Result<(), CallError> {
    check_rule(P::record, Mode::Forward)?;
    // Before a `&mut` argument is overwritten.
    check_tangents::<P, S>(tangents, output_tangent)?;
    check_output::<Output<P, S>>(P::record, output, "the output")?;
    let evaluation = evaluate::<P, S>(arguments, |shapes| {
        check_shapes::<P::Arguments, S>(P::record, tangents, shapes)
    })?;
    push_checked(&evaluation, tangents, output_tangent)?;
    put(output, evaluation.output);
    Ok(())
}

fn pushforward<P: Primitive, S: Real>(
    arguments: Values<'_, '_>,
    output: &mut dyn Any,
) -> Result<Pushforward, CallError> {
    check_rule(P::record, Mode::Forward)?;
    check_output::<Output<P, S>>(P::record, output, "the output")?;
    let evaluation = evaluate::<P, S>(arguments, |_| Ok(()))?;
    put(output, evaluation.output.clone());
    Ok(Pushforward(Box::new(evaluation)))
}

impl<P: Primitive, S: Real> Push for Evaluation<P, S> {
    fn push(&self, tangents: Optional<'_, '_>, output: &mut dyn Any) -> Result<(), CallError> {
        check_tangents::<P, S>(tangents, output)?;
        let shapes = P::Arguments::shapes::<S>(&self.inputs);
        check_shapes::<P::Arguments, S>(P::record, tangents, &shapes)?;
        push_checked(self, tangents, output)
    }
}

/// Runs the forward rule for tangents that were found to fit.
fn push_checked<P: Primitive, S: Real>(
    evaluation: &Evaluation<P, S>,
    tangents: Optional<'_, '_>,
    output: &mut dyn Any,
) -> Result<(), CallError> {
    let mut given: Inputs<P, S> =
        P::Arguments::map::<S, S>(&evaluation.inputs, &mut |_, _| S::zero());
    P::Arguments::read_optional::<S>(tangents, &mut given)
        .map_err(mismatch(P::record, "the tangent of"))?;
    put(output, P::forward::<S>(evaluation, &mut given));
    P::Arguments::write_optional::<S>(tangents, &given)
        .map_err(mismatch(P::record, "the tangent of"))
}

fn zeros<A: Arguments, S: Real>(
    record: RecordOf,
    arguments: Values<'_, '_>,
) -> Result<Vec<Box<dyn Any>>, CallError> {
    let inputs = own::<A, S>(record, arguments)?;
    Ok(A::into_boxes::<S>(A::map::<S, S>(&inputs, &mut |_, _| S::zero())))
}

fn reverse<P: Primitive, S: Real>(
    arguments: Values<'_, '_>,
    output: &mut dyn Any,
) -> Result<Pullback, CallError> {
    check_rule(P::record, Mode::Reverse)?;
    check_output::<Output<P, S>>(P::record, output, "the output")?;
    let evaluation = evaluate::<P, S>(arguments, |_| Ok(()))?;
    put(output, evaluation.output.clone());
    Ok(pullback::<P, S>(evaluation))
}

fn reverse_at<P: Primitive, S: Real>(
    arguments: Values<'_, '_>,
    output: &dyn Any,
) -> Result<Pullback, CallError> {
    check_rule(P::record, Mode::Reverse)?;
    let output = output
        .downcast_ref::<Output<P, S>>()
        .ok_or_else(|| wrong_type::<Output<P, S>>(P::record, "the output"))?;
    // A primitive that saves nothing saves `()`.
    let saved = (Box::new(()) as Box<dyn Any>).downcast::<P::Saved<S>>();
    let Some(saved) = saved.ok().filter(|_| !P::Arguments::IN_PLACE.contains(&true)) else {
        return Ok(pullback::<P, S>(evaluate(arguments, |_| Ok(()))?));
    };
    let inputs = own::<P::Arguments, S>(P::record, arguments)?;
    let overwritten = P::overwritten(&inputs);
    Ok(pullback::<P, S>(Evaluation { inputs, overwritten, output: output.clone(), saved: *saved }))
}

fn pullback<P: Primitive, S: Real>(evaluation: Evaluation<P, S>) -> Pullback {
    let shapes = evaluation.shapes();
    Pullback(Box::new(Evaluated::<P, S> { residual: P::residual(evaluation), shapes }))
}

/// Lends `count` zeros: without an allocation where they are few.
fn with_zeros<S: Real, Out>(count: usize, f: impl FnOnce(&mut [S]) -> Out) -> Out {
    const FEW: usize = 16;
    if count <= FEW { f(&mut [S::zero(); FEW][..count]) } else { f(&mut vec![S::zero(); count]) }
}

impl<P: Primitive, S: Real> Pull for Evaluated<P, S> {
    fn pull(&self, cotangent: &dyn Any, adjoints: Optional<'_, '_>) -> Result<(), CallError> {
        const COTANGENT: &str = "the cotangent";
        let primitive = P::record().path;
        check_arity::<P::Arguments>(P::record, "adjoints", adjoints.len())?;
        let cotangent = cotangent
            .downcast_ref::<Output<P, S>>()
            .ok_or_else(|| wrong_type::<Output<P, S>>(P::record, COTANGENT))?;
        let (arguments, output) = &self.shapes;
        let found = cotangent.shape();
        if found != *output {
            let (wanted, found) = (format!("{output:?}"), format!("{found:?}"));
            return Err(CallError::Shape { primitive, place: COTANGENT.into(), wanted, found });
        }
        let adjoint = mismatch(P::record, "the adjoint of");
        let mut counts = [0; MOST_ARGUMENTS];
        if let Err(error) = P::Arguments::count_optional::<S>(adjoints, arguments, &mut counts) {
            return Err(adjoint(error));
        }
        let in_place = |argument: usize| P::Arguments::IN_PLACE[argument];
        let returned = <Output<P, S>>::count(output);
        let inputs: usize = counts.iter().sum();
        let overwritten: usize =
            (0..adjoints.len()).filter(|i| in_place(*i)).map(|i| counts[i]).sum();
        with_zeros(inputs + returned + overwritten, |reals: &mut [S]| {
            let (inputs, outputs) = reals.split_at_mut(inputs);
            let mut next = outputs.iter_mut();
            cotangent.for_each_real(&mut |x| *next.next().expect("counted") = x);
            P::Arguments::update_optional::<S>(adjoints, &mut |argument, x| {
                if in_place(argument) {
                    *next.next().expect("counted") = *x;
                    *x = S::zero();
                }
            });
            let mut rest = &mut *inputs;
            let mut slots = [const { None }; MOST_ARGUMENTS];
            for (i, adjoint) in adjoints.iter().enumerate() {
                if adjoint.is_some() {
                    slots[i] = Some(crate::value::split_front(&mut rest, counts[i]));
                }
            }
            let slots = &mut slots[..adjoints.len()];
            P::reverse::<S>(&self.residual, &self.shapes, outputs, slots);
            let mut sums = inputs.iter();
            P::Arguments::update_optional::<S>(adjoints, &mut |_, x| {
                *x += *sums.next().expect("counted");
            });
        });
        Ok(())
    }
}
