//! Tapes that are recorded once and replayed at new points.

use crate::contract::outcome::Outcome;
use crate::contract::value::{Differentiable, Shape, With};
use crate::modes::maps::{Again, Ranges, seed};
use crate::modes::reverse::session::inputs;
use crate::modes::reverse::var::Var;
use crate::tape::{Dependencies, Opened, Plan, ReplayError, Tape};

/// A recorded function that can be evaluated and differentiated at other points, without running it
/// and, but for what its matrix primitives allocate themselves, without allocation.
///
/// The function has to do the same operations at the other points. What it decides by comparing
/// numbers is compared again; a number that it takes out of the computation, by
/// [`Var::value`](crate::Var::value) or a conversion, has to be the same again. Where that is not so,
/// the result is an error, never a wrong number. (A number that it prints is not looked at.)
///
/// ```
/// use difrules_core::{Recording, ReplayError};
/// use nalgebra::{Vector2, vector};
///
/// let mut area = Recording::new(
///     |x: &Vector2<_>| if x[0] > x[1] { x[0] * x[1] } else { x[0] },
///     &vector![3.0_f64, 2.0],
/// );
/// let mut gradient = Vector2::zeros();
/// assert_eq!(area.value_and_gradient(&vector![5.0, 4.0], &mut gradient)?, 20.0);
/// assert_eq!(gradient, vector![4.0, 5.0]);
/// let other_branch = area.value(&vector![1.0, 2.0]);
/// assert!(matches!(other_branch, Err(ReplayError::Comparison { .. })));
/// # Ok::<(), ReplayError>(())
/// ```
pub struct Recording<X: Differentiable, V> {
    tape: Box<Tape<X::Real>>,
    shape: Shape<X>,
    output: V,
    /// The numbers of the output's reals.
    numbers: Ranges,
    /// Room for their adjoints.
    seed: Vec<X::Real>,
}

impl<X: Differentiable, V> std::fmt::Debug for Recording<X, V> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Recording").field("shape", &self.shape).finish_non_exhaustive()
    }
}

impl<X: Differentiable, V: Differentiable<Real = Var<X::Real>>> Recording<X, V> {
    /// Runs a function at a point and records it.
    ///
    /// # Errors
    /// The function's own, unchanged.
    ///
    /// # Panics
    /// If the function returns a `Var` that is not of this computation.
    pub fn new<F, Y>(f: F, x: &X) -> Y::Of<Self>
    where
        F: FnOnce(&With<X, Var<X::Real>>) -> Y,
        Y: Outcome<Value = V>,
    {
        let mut values = vec![nalgebra::zero()];
        x.for_each_real(&mut |x| values.push(x));
        let opened = Opened::observed(values.len() - 1, |tape| {
            tape.plan = Some(Plan::new(values));
        });
        let (output, aux) = f(&inputs(&opened, x)).into_parts();
        let recording = output.map(|output| {
            let mut numbers = Ranges::new(opened.stamp());
            output.map_with(&mut numbers.values());
            let seed = Vec::with_capacity(V::count(&output.shape()));
            Self { tape: opened.keep(), shape: x.shape(), output, numbers, seed }
        });
        Y::from_parts(recording, aux)
    }

    /// The value of the function at a point.
    ///
    /// # Errors
    /// Where the function may do other operations than those that were recorded.
    pub fn value(&mut self, x: &X) -> Result<With<V, X::Real>, ReplayError> {
        if x.shape() != self.shape {
            return Err(ReplayError::Shape { what: "the point" });
        }
        let plan = self.tape.plan.as_mut().expect("this tape is replayed");
        let mut values = plan.values[1..].iter_mut();
        x.for_each_real(&mut |x| *values.next().expect("as many as were recorded") = x);
        self.tape.replay()?;
        let values = &self.tape.plan.as_ref().expect("this tape is replayed").values;
        Ok(self.output.map_with(&mut Again(values)))
    }

    /// The value of the function at a point, and into `x_bar` the gradient of its pairing with a
    /// cotangent.
    ///
    /// # Errors
    /// Where the function may do other operations than those that were recorded; a cotangent or
    /// `x_bar` of another shape. `x_bar` is as it was then.
    pub fn vjp(
        &mut self,
        x: &X,
        cotangent: &With<V, X::Real>,
        x_bar: &mut X,
    ) -> Result<With<V, X::Real>, ReplayError> {
        if cotangent.shape() != self.output.shape() {
            return Err(ReplayError::Shape { what: "the cotangent" });
        }
        if x_bar.shape() != self.shape {
            return Err(ReplayError::Shape { what: "the place for the gradient" });
        }
        let value = self.value(x)?;
        self.seed.clear();
        cotangent.for_each_real(&mut |y| self.seed.push(y));
        let mut seeds = self.seed.iter_mut();
        value.for_each_real(&mut |y| {
            let y_bar = seeds.next().expect("as many as the cotangent has");
            *y_bar = seed(y, *y_bar);
        });
        let seed = self.numbers.numbers().zip(self.seed.iter().copied());
        let mut swept = self.tape.sweep(seed).iter();
        x_bar.update_reals(&mut |x| *x = *swept.next().expect("as many as inputs"));
        Ok(value)
    }
}

impl<X: Differentiable, V> Recording<X, V> {
    /// Which numbers of the point each number of the value depends on: the sparsity pattern of the Jacobian, a row
    /// for each number of the value.
    ///
    /// It is read off what was recorded, whatever the values were: where the recording can be
    /// replayed, nothing else has a derivative that is not zero. Where the function takes another branch, as
    /// [`value`](Self::value) finds out, the pattern may be another. A primitive of matrices depends with each number of its result on all
    /// its arguments, unless it says otherwise (`pattern`, `entrywise`: see the [attribute](crate::primitive)).
    ///
    /// ```
    /// use difrules_core::Recording;
    /// use nalgebra::{Vector3, vector};
    ///
    /// // The derivative by x[0] happens to be zero here.
    /// let f = |x: &Vector3<_>| vector![x[0] * x[0] * x[1], x[1] - x[1], x[2] - x[2] + x[2]];
    /// let pattern = Recording::new(f, &vector![0.0_f64, 2.0, 3.0]).dependencies();
    /// assert_eq!([pattern.row(0), pattern.row(1), pattern.row(2)], [&[0, 1][..], &[1], &[2]]);
    /// ```
    #[must_use]
    pub fn dependencies(&self) -> Dependencies {
        self.tape.dependencies(&self.numbers.numbers().collect::<Vec<_>>())
    }

    /// In which pairs of numbers of the point the value is not linear: the sparsity pattern of the Hessian,
    /// symmetric, a row for each number of the point. Of a value of several numbers, that of all their Hessians together.
    ///
    /// Two numbers meet where an operation that is not linear depends on both. What
    /// [`dependencies`](Self::dependencies) says of branches and primitives, holds here.
    ///
    /// ```
    /// use difrules_core::Recording;
    /// use nalgebra::{Vector3, vector};
    ///
    /// let f = |x: &Vector3<_>| x[0] * x[1] + x[1] * x[1] + x[2];
    /// let pattern = Recording::new(f, &vector![1.0_f64, 2.0, 3.0]).interactions();
    /// assert_eq!([pattern.row(0), pattern.row(1), pattern.row(2)], [&[1][..], &[0, 1], &[]]);
    /// ```
    #[must_use]
    pub fn interactions(&self) -> Dependencies {
        self.tape.interactions(&self.numbers.numbers().collect::<Vec<_>>())
    }
}

impl<X: Differentiable> Recording<X, Var<X::Real>> {
    /// The value of the function at a point, and its gradient into `gradient`.
    ///
    /// # Errors
    /// Where the function may do other operations than those that were recorded; a `gradient` of
    /// another shape. `gradient` is as it was then.
    pub fn value_and_gradient(&mut self, x: &X, gradient: &mut X) -> Result<X::Real, ReplayError> {
        self.vjp(x, &nalgebra::one(), gradient)
    }
}
