//! The trait that `#[primitive]` fills in.

use crate::registry::{Mode, Record};
use crate::scalar::Real;
use crate::value::Differentiable;

/// A function with derivative rules.
///
/// `#[primitive]` implements it for an empty type of the function's name; nobody writes it by hand.
/// A mode ([`Dual`](crate::Dual), [`Var`](crate::Var)) is written against it once, for all
/// primitives: it takes the arguments apart, [evaluates](Evaluation::new) the primitive one mode
/// further in, and applies the rule.
///
/// Everything is generic over the real scalar `S`; what else the function is generic over
/// (dimensions, real or complex) are parameters of the implementing type.
pub trait Primitive: Sized + 'static {
    /// Its record in the registry.
    const RECORD: &'static Record;
    /// Whether its rules exist at every real scalar; not so for a plain function.
    const GENERIC: bool;
    /// Whether it maps real numbers to one real number by known [`partial`](Primitive::partial)s,
    /// so that a tape needs no node for it.
    const SCALAR: bool;

    /// The arguments as a call gives them: a tuple of references and values.
    type Arguments<'a, S: Real>;
    /// The arguments, owned: a tuple. Tangents of the arguments have this type too.
    type Inputs<S: Real>: 'static;
    /// Copies of `&mut` arguments that the call overwrites and a rule reads.
    type Overwritten<S: Real>: 'static;
    /// What the call returns on success.
    type Output<S: Real>: Differentiable<Real = S>;
    /// What the augmented primal saves for the rules.
    type Saved<S: Real>: 'static;
    /// What the reverse rule reads; all that a tape keeps alive.
    type Residual<S: Real>: 'static;
    /// The shapes of the arguments and of the output.
    type Shapes<S: Real>: 'static;
    /// Why the call can fail.
    type Error;
    /// What the function returns: `Output` or `Result<Output, Error>`.
    type Return<S: Real>;

    /// Runs the primitive's own text, or its kernel for this scalar.
    fn primal<S: Real>(arguments: Self::Arguments<'_, S>) -> Self::Return<S>;
    /// Evaluates it at `S`, with what it saves for the rules.
    fn augmented<S: Real>(
        arguments: Self::Arguments<'_, S>,
    ) -> Result<(Self::Output<S>, Self::Saved<S>), Self::Error>;
    /// The forward rule: takes the tangents of the arguments, leaves those of `&mut` arguments in
    /// their place and returns that of the output.
    fn forward<S: Real>(
        evaluation: &Evaluation<Self, S>,
        tangents: &mut Self::Inputs<S>,
    ) -> Self::Output<S>;
    /// The reverse rule: `outputs` are the cotangents of the output and of each `&mut` argument
    /// after the call; `slots` are the adjoints to add to, one an argument.
    fn reverse<S: Real>(
        residual: &Self::Residual<S>,
        shapes: &Self::Shapes<S>,
        outputs: &mut [S],
        slots: &mut [Option<&mut [S]>],
    );
    /// The partial derivative by an argument, where [`SCALAR`](Primitive::SCALAR).
    fn partial<S: Real>(evaluation: &Evaluation<Self, S>, argument: usize) -> S;

    /// Keeps what the reverse rule reads.
    fn residual<S: Real>(evaluation: Evaluation<Self, S>) -> Self::Residual<S>;
    /// The shapes of the arguments and of the output.
    fn shapes<S: Real>(evaluation: &Evaluation<Self, S>) -> Self::Shapes<S>;
    /// Copies the `&mut` arguments that a rule reads as they were.
    fn overwritten<S: Real>(inputs: &Self::Inputs<S>) -> Self::Overwritten<S>;
    /// Calls `f` with the number of each argument and its reals in order.
    fn visit<S: Real>(arguments: &Self::Arguments<'_, S>, f: &mut impl FnMut(usize, S));
    /// The arguments, owned, with every real replaced by `f` of its argument's number and of it.
    fn inputs<S: Real, U: Real>(
        arguments: &Self::Arguments<'_, S>,
        f: &mut impl FnMut(usize, S) -> U,
    ) -> Self::Inputs<U>;
    /// Owned arguments with every real replaced by `f` of it.
    fn map_inputs<S: Real, U: Real>(
        inputs: &Self::Inputs<S>,
        f: &mut impl FnMut(S) -> U,
    ) -> Self::Inputs<U>;
    /// Calls `f` with the number of each argument and a reference to its reals in order.
    fn update_inputs<S: Real>(inputs: &mut Self::Inputs<S>, f: &mut impl FnMut(usize, &mut S));
    /// Lends owned arguments to a call.
    fn lend<S: Real>(inputs: &mut Self::Inputs<S>) -> Self::Arguments<'_, S>;
    /// Calls `f` with every real of the `&mut` arguments and the one in the same place of `inputs`.
    fn zip_overwritten<S: Real, U: Real>(
        arguments: &mut Self::Arguments<'_, S>,
        inputs: &Self::Inputs<U>,
        f: &mut impl FnMut(&mut S, U),
    );
    /// The output with every real replaced by `f` of it.
    fn map_output<S: Real, U: Real>(
        output: &Self::Output<S>,
        f: &mut impl FnMut(S) -> U,
    ) -> Self::Output<U>;
    /// Calls `f` with every real of `output` and the one in the same place of `other`.
    fn zip_output<S: Real, U: Real>(
        output: &mut Self::Output<S>,
        other: &Self::Output<U>,
        f: &mut impl FnMut(&mut S, U),
    );
    /// What the function returns, as a result.
    fn into_result<S: Real>(returned: Self::Return<S>) -> Result<Self::Output<S>, Self::Error>;
    /// A result as what the function returns.
    fn from_result<S: Real>(result: Result<Self::Output<S>, Self::Error>) -> Self::Return<S>;
}

/// What one evaluation of a primitive leaves for its rules.
pub struct Evaluation<P: Primitive, S: Real> {
    /// The arguments; the `&mut` ones as the call left them.
    pub inputs: P::Inputs<S>,
    /// The overwritten values that a rule reads.
    pub overwritten: P::Overwritten<S>,
    /// What the call returned.
    pub output: P::Output<S>,
    /// What the augmented primal saved.
    pub saved: P::Saved<S>,
}

impl<P: Primitive, S: Real> Evaluation<P, S> {
    /// Evaluates the primitive.
    ///
    /// # Errors
    /// The primitive's own.
    #[inline]
    pub fn new(mut inputs: P::Inputs<S>) -> Result<Self, P::Error> {
        let overwritten = P::overwritten(&inputs);
        let (output, saved) = P::augmented(P::lend(&mut inputs))?;
        Ok(Self { inputs, overwritten, output, saved })
    }
}

/// A rule that a primitive does not have was asked for: what a mode panics with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "the primitive `{primitive}` has no {mode} rule; give it one with `#[primitive({mode} = ..)]`"
)]
pub struct MissingRule {
    /// The primitive's path.
    pub primitive: &'static str,
    /// The mode whose rule is missing.
    pub mode: Mode,
}
