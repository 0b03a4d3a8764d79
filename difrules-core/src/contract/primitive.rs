//! The trait that `#[primitive]` fills in.

use num_traits::FromPrimitive;

use crate::cast;
use crate::contract::keep::Keep;
use crate::contract::outcome::Returned;
use crate::contract::passing::Arguments;
use crate::contract::scalar::Real;
use crate::contract::value::{Differentiable, Family};
use crate::registry::Record;
use crate::tape::Room;

/// A function with derivative rules.
///
/// `#[primitive]` implements it for an empty type of the function's name; nobody writes it by hand.
/// A mode ([`Dual`](crate::Dual), [`Var`](crate::Var)) is written against it once, for all
/// primitives: it takes the arguments apart, [evaluates](Primitive::evaluate) the primitive one mode
/// further in, and applies the rule.
///
/// Everything is generic over the real scalar `S`; what else the function is generic over
/// (dimensions, real or complex) are parameters of the implementing type.
pub trait Primitive: Sized + 'static {
    /// Whether its rules exist at every real scalar; not so for a plain function.
    const GENERIC: bool = true;
    /// Whether it maps real numbers to one real number by known [`partial`](Primitive::partial)s,
    /// so that a tape needs no node for it.
    const SCALAR: bool = false;
    /// Whether a number of its result depends on those in the same place of the arguments alone, so that
    /// it has partial derivatives. Its rules are told which zeros are strong: those of negative sign (see
    /// [`infinities`](crate::infinities)).
    const ENTRYWISE: bool = false;
    /// Whether its text is arithmetic of numbers, whose own derivatives are what the rules say, so that
    /// numbers with tangents run it as it is, and those of a tape if it is a function of numbers.
    const DIRECT: bool = false;
    /// Whether its forward rule says what rests: its tangent has a zero of negative sign where nothing moves, and
    /// nowhere else, if those of the arguments have.
    const RESTING: bool = false;
    /// Whether a number of its result depends, of arguments that have as many numbers, on that in the same place
    /// alone.
    const PLACES: bool = false;
    /// Whether its result is linear in all arguments together.
    const LINEAR: bool = false;
    /// Whether its evaluation leaves more for its rules than arguments that it does not overwrite, and the output.
    const SAVES: bool = false;

    /// How it takes its arguments: a tuple of the forms in [`passing`](crate::contract::passing), or two.
    type Arguments: Arguments;
    /// What the call returns on success.
    type Output: Family;
    /// Copies of `&mut` arguments that the call overwrites and a rule reads.
    type Overwritten<S: Real>: 'static;
    /// What the augmented primal saves for the rules.
    type Saved<S: Real>: 'static;
    /// What the reverse rule reads; all that a tape keeps alive.
    type Residual<S: Real>: 'static;
    /// Why the call can fail.
    type Error: std::fmt::Debug + Send + Sync + 'static;
    /// What the function returns: the output, or a `Result` or `Option` of it.
    type Return<S: Real>: Returned<Output<Self, S>, Self::Error>;

    /// Its record in the registry.
    fn record() -> &'static Record;
    /// Runs the primitive's own text, or its kernel for this scalar.
    fn primal<S: Real>(arguments: Given<'_, Self, S>) -> Self::Return<S>;
    /// Evaluates it at `S`, with what it saves for the rules: nothing, unless it says otherwise.
    #[inline]
    fn augmented<S: Real>(
        arguments: Given<'_, Self, S>,
    ) -> Result<(Output<Self, S>, Self::Saved<S>), Self::Error> {
        Ok((S::apply::<Self>(arguments).into_result()?, nothing()))
    }
    /// The forward rule: reads the tangents of the arguments, leaves those of `&mut` arguments in
    /// their place and returns that of the output.
    fn push<S: Real>(
        evaluation: LentEvaluation<'_, Self, S>,
        tangents: &mut Tangents<'_, Self, S>,
    ) -> Output<Self, S>;
    /// The reverse rule: `outputs` are the cotangents of the output and of each `&mut` argument
    /// after the call; `slots` are the adjoints to add to, one an argument.
    fn reverse<S: Real>(
        residual: &Self::Residual<S>,
        shapes: &Shapes<Self>,
        outputs: &mut [S],
        slots: &mut [Option<Room<'_, S>>],
    );
    /// The partial derivative by an argument, where [`SCALAR`](Primitive::SCALAR).
    #[inline]
    fn partial<S: Real>(_evaluation: &Evaluation<Self, S>, _argument: usize) -> S {
        unreachable!("asked only of a function of numbers")
    }
    /// Whether the partial derivative by an argument, which is zero, is so because the argument does not
    /// matter here, and not because it came out so: where the rule says `T::zero()`, in a branch or
    /// always. Such a zero is strong (see [`infinities`](crate::infinities)).
    #[inline]
    fn is_off<S: Real>(_evaluation: &Evaluation<Self, S>, _argument: usize) -> bool {
        false
    }
    /// Whether somebody knows the derivative by an argument.
    #[inline]
    fn is_known(_argument: usize) -> bool {
        true
    }
    /// Copies the `&mut` arguments that a rule reads as they were: none, unless it says otherwise; some only where
    /// an argument varies for which it reads them.
    #[inline]
    fn overwritten<S: Real>(
        _arguments: &Reads<'_, Self, S>,
        _varies: &dyn Fn(usize) -> bool,
    ) -> Self::Overwritten<S> {
        nothing()
    }
    /// Keeps what the reverse rule reads.
    fn keep<S: Real>(
        arguments: Keeps<'_, Self, S>,
        overwritten: Self::Overwritten<S>,
        output: Keep<'_, Output<Self, S>>,
        saved: Self::Saved<S>,
    ) -> Self::Residual<S>;
    /// What the function returns, as a result.
    ///
    /// # Errors
    /// The function's own.
    #[inline]
    fn into_result<S: Real>(returned: Self::Return<S>) -> Result<Output<Self, S>, Self::Error> {
        returned.into_result()
    }
    /// A result as what the function returns.
    #[inline]
    fn from_result<S: Real>(result: Result<Output<Self, S>, Self::Error>) -> Self::Return<S> {
        Self::Return::<S>::from_result(result)
    }

    /// Evaluates it.
    ///
    /// # Errors
    /// The function's own.
    #[inline]
    fn evaluate<S: Real>(mut inputs: Inputs<Self, S>) -> Result<Evaluation<Self, S>, Self::Error> {
        let overwritten = Self::overwritten(&Self::Arguments::read::<S>(&inputs), &|_| true);
        let (output, saved) = Self::augmented(Self::Arguments::lend(&mut inputs))?;
        Ok(Evaluated { inputs, overwritten, output, saved })
    }
    /// Lends an evaluation to the forward rule.
    #[inline]
    fn lend<S: Real>(evaluation: &Evaluation<Self, S>) -> LentEvaluation<'_, Self, S> {
        LentEvaluation {
            arguments: Self::Arguments::read::<S>(&evaluation.inputs),
            overwritten: &evaluation.overwritten,
            output: &evaluation.output,
            saved: &evaluation.saved,
        }
    }
    /// The forward rule of an evaluation: takes the tangents of the arguments, leaves those of `&mut`
    /// arguments in their place and returns that of the output.
    #[inline]
    fn forward<S: Real>(
        evaluation: &Evaluation<Self, S>,
        tangents: &mut Inputs<Self, S>,
    ) -> Output<Self, S> {
        Self::push(Self::lend(evaluation), &mut Self::Arguments::lend_tangents::<S>(tangents))
    }
    /// Keeps what the reverse rule reads of an evaluation.
    #[inline]
    fn residual<S: Real>(evaluation: Evaluation<Self, S>) -> Self::Residual<S> {
        let Evaluated { inputs, overwritten, output, saved } = evaluation;
        Self::keep(Self::Arguments::keep::<S>(inputs), overwritten, Keep::Own(output), saved)
    }
    /// The shapes of the arguments and of the output.
    #[inline]
    fn shapes<S: Real>(evaluation: &Evaluation<Self, S>) -> Shapes<Self> {
        let arguments = Self::Arguments::read::<S>(&evaluation.inputs);
        (Self::Arguments::shapes::<S>(&arguments), evaluation.output.shape())
    }
}

/// What a primitive keeps that keeps nothing.
#[inline]
fn nothing<X: 'static>() -> X {
    cast::same_value(()).expect("the attribute writes the function where this is more than `()`")
}

/// A primitive's arguments as a call gives them: a tuple of references and values, or the pair of
/// [`Both`](crate::contract::passing::Both).
pub type Given<'a, P, S> = <<P as Primitive>::Arguments as Arguments>::Given<'a, S>;

/// A primitive's arguments in one piece each: a tuple.
pub type Wholes<'a, P, S> = <<P as Primitive>::Arguments as Arguments>::Whole<'a, S>;

/// A primitive's arguments as a rule reads them: a tuple.
pub type Reads<'a, P, S> = <<P as Primitive>::Arguments as Arguments>::Read<'a, S>;

/// A primitive's arguments for a tape that may keep them: a tuple.
pub type Keeps<'a, P, S> = <<P as Primitive>::Arguments as Arguments>::Keep<'a, S>;

/// Tangents of a primitive's arguments, as a forward rule is lent them: a tuple, or a pair.
pub type Tangents<'a, P, S> = <<P as Primitive>::Arguments as Arguments>::Tangents<'a, S>;

/// A primitive's arguments, owned: a tuple; of more than eight a pair of tuples, with the first eight and the others.
pub type Inputs<P, S> = <<P as Primitive>::Arguments as Arguments>::Owned<S>;

/// What a primitive returns on success.
pub type Output<P, S> = <<P as Primitive>::Output as Family>::Of<S>;

/// The shapes of a primitive's arguments and of its output.
pub type Shapes<P> = (
    <<P as Primitive>::Arguments as Arguments>::Shapes,
    <<P as Primitive>::Output as Family>::Shape,
);

/// What one evaluation of a primitive leaves for its rules.
pub type Evaluation<P, S> = Evaluated<
    Inputs<P, S>,
    <P as Primitive>::Overwritten<S>,
    Output<P, S>,
    <P as Primitive>::Saved<S>,
>;

/// An [`Evaluation`] by the types of its parts: the same for all primitives that have these.
pub struct Evaluated<Inputs, Overwritten, Output, Saved> {
    /// The arguments; the `&mut` ones as the call left them.
    pub inputs: Inputs,
    /// The overwritten values that a rule reads.
    pub overwritten: Overwritten,
    /// What the call returned.
    pub output: Output,
    /// What the augmented primal saved.
    pub saved: Saved,
}

#[cfg(feature = "calls")]
impl<Inputs, Overwritten: 'static, Output, Saved: 'static>
    Evaluated<Inputs, Overwritten, Output, Saved>
{
    /// What an evaluation leaves that saves nothing.
    pub(crate) fn of(inputs: Inputs, output: Output) -> Self {
        Self { inputs, overwritten: nothing(), output, saved: nothing() }
    }
}

/// An evaluation that is lent to a forward rule.
pub struct LentEvaluation<'a, P: Primitive, S: Real> {
    /// The arguments; the `&mut` ones as the call left them.
    pub arguments: Reads<'a, P, S>,
    /// The overwritten values that a rule reads.
    pub overwritten: &'a P::Overwritten<S>,
    /// What the call returned.
    pub output: &'a Output<P, S>,
    /// What the augmented primal saved.
    pub saved: &'a P::Saved<S>,
}

/// A function of numbers that is known when the program runs, with its partial derivatives: what a mode calls
/// where no [`Primitive`] is known to the compiler.
pub trait Called: Copy + 'static {
    /// Why it has no value, or no derivative.
    type Error: std::fmt::Display;
    /// Its path, for an error.
    fn path(self) -> &'static str;
    /// Its value at plain numbers, of the scalar of this name.
    fn call<T: Real + FromPrimitive>(
        self,
        scalar: &'static str,
        arguments: &[T],
    ) -> Result<T, Self::Error>;
    /// Its partial derivative by an argument, where its value is known; none where the argument does not matter.
    fn partial<T: Real>(
        self,
        argument: usize,
        arguments: &[T],
        value: T,
    ) -> Result<Option<T>, Self::Error>;
}
