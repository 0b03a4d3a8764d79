//! Calls by those who do not know the types: through a registered instance.

use std::any::{Any, TypeId};
use std::fmt;

use crate::registry::Instance;
use crate::registry::{MissingRule, UnknownPartial};

/// Values whose types the caller does not know, one an argument.
pub(crate) type Values<'a, 'b> = &'a mut [&'b mut dyn Any];
/// The same where some are not there.
pub(crate) type Optional<'a, 'b> = &'a mut [Option<&'b mut dyn Any>];

/// Why a call through the registry was refused, or failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
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
    /// Nobody knows a derivative that is asked for.
    #[error(transparent)]
    UnknownPartial(#[from] UnknownPartial),
    /// Calls without types are not compiled.
    #[error(
        "`{primitive}` has no calls without types in this program: turn on the feature `calls` of difrules-core"
    )]
    NotCompiled {
        /// The primitive's path.
        primitive: &'static str,
    },
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
pub struct Calls(pub(crate) &'static dyn Erased);

impl fmt::Debug for Calls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Calls").finish_non_exhaustive()
    }
}

/// The methods of [`Instance`](crate::registry::Instance).
pub(crate) trait Erased: Sync {
    fn types(&self) -> Vec<(TypeId, &'static str)>;
    fn output(&self) -> (TypeId, &'static str);
    fn call(&self, arguments: Values<'_, '_>, output: &mut dyn Any) -> Result<(), CallError>;
    fn forward(
        &self,
        arguments: Values<'_, '_>,
        tangents: Optional<'_, '_>,
        output: &mut dyn Any,
        output_tangent: &mut dyn Any,
    ) -> Result<(), CallError>;
    fn pushforward(
        &'static self,
        arguments: Values<'_, '_>,
        output: &mut dyn Any,
    ) -> Result<Box<dyn Push>, CallError>;
    fn reverse(
        &'static self,
        arguments: Values<'_, '_>,
        output: &mut dyn Any,
    ) -> Result<Box<dyn Pull>, CallError>;
    fn reverse_at(
        &'static self,
        arguments: Values<'_, '_>,
        output: &dyn Any,
    ) -> Result<Box<dyn Pull>, CallError>;
    fn zeros(&self, arguments: Values<'_, '_>) -> Result<Vec<Box<dyn Any>>, CallError>;
}

/// See [`Pushforward`].
pub(crate) trait Push {
    fn push(&self, tangents: Optional<'_, '_>, output: &mut dyn Any) -> Result<(), CallError>;
}

/// See [`Pullback`].
pub(crate) trait Pull {
    fn pull(&self, cotangent: &dyn Any, adjoints: Optional<'_, '_>) -> Result<(), CallError>;
}

impl Instance {
    /// The types of the owned arguments (`DMatrix<f64>` for `&DMatrix<f64>`, `Vec<f64>` for
    /// `&[f64]`), and their names: what [`call`](Instance::call) takes.
    pub fn argument_types(&self) -> Vec<(TypeId, &'static str)> {
        self.calls.0.types()
    }

    /// The type of the result on success, and its name; `[f64; 0]` where a call returns nothing.
    pub fn output_type(&self) -> (TypeId, &'static str) {
        self.calls.0.output()
    }

    /// Calls the primitive.
    ///
    /// The arguments are owned values, borrowed; those that the function takes by `&mut` are
    /// overwritten, the others stay as they are. The result is put into `output`: a value of
    /// [its type](Instance::output_type), or an `Option<Box<dyn Any>>`. Where a call returns nothing, that
    /// is the empty array of the scalar, `&mut [0.0_f64; 0]`.
    ///
    /// # Errors
    /// Another number of arguments, an argument or `output` of another type, or the primitive's
    /// own error; [`CallError::NotCompiled`] without the feature `calls`.
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
    /// # Ok::<(), difrules_core::registry::CallError>(())
    /// ```
    pub fn call(
        &self,
        arguments: &mut [&mut dyn Any],
        output: &mut dyn Any,
    ) -> Result<(), CallError> {
        self.calls.0.call(arguments, output)
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
    /// # Ok::<(), difrules_core::registry::CallError>(())
    /// ```
    pub fn forward(
        &self,
        arguments: &mut [&mut dyn Any],
        tangents: &mut [Option<&mut dyn Any>],
        output: &mut dyn Any,
        output_tangent: &mut dyn Any,
    ) -> Result<(), CallError> {
        self.calls.0.forward(arguments, tangents, output, output_tangent)
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
    /// # Ok::<(), difrules_core::registry::CallError>(())
    /// ```
    pub fn pushforward(
        &self,
        arguments: &mut [&mut dyn Any],
        output: &mut dyn Any,
    ) -> Result<Pushforward, CallError> {
        self.calls.0.pushforward(arguments, output).map(Pushforward)
    }

    /// Tangents of the arguments that are zero, boxed; the same for adjoints. Constants come as they
    /// are.
    ///
    /// # Errors
    /// Another number of arguments, an argument of another type, or [`CallError::NotCompiled`].
    pub fn zeros(&self, arguments: &mut [&mut dyn Any]) -> Result<Vec<Box<dyn Any>>, CallError> {
        self.calls.0.zeros(arguments)
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
    /// # Ok::<(), difrules_core::registry::CallError>(())
    /// ```
    pub fn reverse(
        &self,
        arguments: &mut [&mut dyn Any],
        output: &mut dyn Any,
    ) -> Result<Pullback, CallError> {
        self.calls.0.reverse(arguments, output).map(Pullback)
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
    /// # Ok::<(), difrules_core::registry::CallError>(())
    /// ```
    pub fn reverse_at(
        &self,
        arguments: &mut [&mut dyn Any],
        output: &dyn Any,
    ) -> Result<Pullback, CallError> {
        self.calls.0.reverse_at(arguments, output).map(Pullback)
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
