//! Sparsity patterns, from one recording.

use std::sync::atomic::{AtomicU64, Ordering};

use difrules_core::contract::Outcome;
use difrules_core::{
    Dependencies, Differentiable, Flow, Function, Recording, Var, With, fingerprint,
};
use nalgebra_sparse::pattern::SparsityPattern;

use super::error::SparseError;
use super::jacobian::{Failure, demand};

/// The sparsity pattern of the Jacobian of a function, from one recording at a point: its lanes are the columns, as in
/// a [`CscMatrix`](nalgebra_sparse::CscMatrix).
///
/// It holds wherever the function takes the branches that it takes at this point, whatever the values: see [`Recording::dependencies`].
///
/// # Errors
/// The function's own, unchanged.
///
/// # Panics
/// If the function returns a `Var` that is not of this computation.
///
/// ```
/// use difrules_linalg::sparse::sparsity;
/// use nalgebra::{Vector3, vector};
///
/// let f = |x: &Vector3<_>| vector![x[0] * x[2], x[2] * x[2]];
/// let pattern = sparsity(f, &vector![1.0_f64, 2.0, 3.0]);
/// assert_eq!([pattern.lane(0), pattern.lane(1), pattern.lane(2)], [&[0][..], &[], &[0, 1]]);
/// ```
pub fn sparsity<X, F, Y, V>(f: F, x: &X) -> Y::Of<SparsityPattern>
where
    X: Differentiable,
    F: FnOnce(&With<X, Var<X::Real>>) -> Y,
    Y: Outcome<Value = V>,
    V: Differentiable<Real = Var<X::Real>>,
{
    let (recording, aux) = recorded(f, x);
    Y::from_parts(recording.map(|recording| Order::Jacobian.of(&recording)), aux)
}

/// The sparsity pattern of the Hessian of a function, symmetric, from one recording at a point; of a function
/// of several numbers, that of all their Hessians together.
///
/// It holds wherever the function takes the branches that it takes at this point, whatever the values: see [`Recording::interactions`].
///
/// # Errors
/// The function's own, unchanged.
///
/// # Panics
/// If the function returns a `Var` that is not of this computation.
///
/// ```
/// use difrules_linalg::sparse::hessian_sparsity;
/// use nalgebra::{Vector3, vector};
///
/// let f = |x: &Vector3<_>| x[0] * x[2] + x[1];
/// let pattern = hessian_sparsity(f, &vector![1.0_f64, 2.0, 3.0]);
/// assert_eq!([pattern.lane(0), pattern.lane(1), pattern.lane(2)], [&[2][..], &[], &[0]]);
/// ```
pub fn hessian_sparsity<X, F, Y, V>(f: F, x: &X) -> Y::Of<SparsityPattern>
where
    X: Differentiable,
    F: FnOnce(&With<X, Var<X::Real>>) -> Y,
    Y: Outcome<Value = V>,
    V: Differentiable<Real = Var<X::Real>>,
{
    let (recording, aux) = recorded(f, x);
    Y::from_parts(recording.map(|recording| Order::Hessian.of(&recording)), aux)
}

/// Where a function is known to fit a pattern.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// Its fingerprint where it did last.
    last: AtomicU64,
    /// Whether it does at every point, so that nobody looks.
    all: bool,
}

impl Clone for Known {
    fn clone(&self) -> Self {
        Self { last: AtomicU64::new(self.last.load(Ordering::Relaxed)), ..*self }
    }
}

/// What a pattern is of.
#[derive(Debug, Clone, Copy)]
pub(super) enum Order {
    Jacobian,
    Hessian,
}

impl Order {
    /// The pattern of a recording, its lanes the columns.
    fn of<X: Differentiable, V: Differentiable<Real = Var<X::Real>>>(
        self,
        recording: &Recording<X, V>,
    ) -> SparsityPattern {
        match self {
            Self::Jacobian => lanes(recording.dependencies()).transpose(),
            Self::Hessian => lanes(recording.interactions()),
        }
    }
}

impl Known {
    /// The pattern of a function at a point, and that it is known to fit.
    pub(super) fn at<F: Function>(
        order: Order,
        function: &F,
        x: &F::Point,
    ) -> Result<(SparsityPattern, Self), SparseError<Failure<F>>> {
        let call = |x: &With<F::Point, Var<f64>>| function.try_call::<Var<f64>>(x);
        let recording = Recording::new(call, x).map_err(SparseError::Function)?;
        let last = AtomicU64::new(flow(function, x)?);
        Ok((order.of(&recording), Self { last, all: false }))
    }

    /// The same where every point fits.
    pub(super) fn all(self) -> Self {
        Self { all: true, ..self }
    }

    /// Demands that a function has no derivative outside of a pattern at a point.
    pub(super) fn demand<F: Function>(
        &self,
        (order, pattern): (Order, &SparsityPattern),
        function: &F,
        x: &F::Point,
    ) -> Result<(), SparseError<Failure<F>>> {
        if self.all {
            return Ok(());
        }
        let here = flow(function, x)?;
        if here == self.last.load(Ordering::Relaxed) {
            return Ok(());
        }
        let call = |x: &With<F::Point, Var<f64>>| function.try_call::<Var<f64>>(x);
        let recording = Recording::new(call, x).map_err(SparseError::Function)?;
        let found = order.of(&recording);
        demand("value", found.minor_dim(), pattern.minor_dim())?;
        let lacks =
            |(column, row): &(usize, usize)| pattern.lane(*column).binary_search(row).is_err();
        if let Some((column, row)) = found.entries().find(lacks) {
            return Err(SparseError::Pattern { row, column });
        }
        self.last.store(here, Ordering::Relaxed);
        Ok(())
    }
}

/// The function's fingerprint at a point.
fn flow<F: Function>(function: &F, x: &F::Point) -> Result<u64, SparseError<Failure<F>>> {
    let call = |x: &With<F::Point, Flow<f64>>| function.try_call::<Flow<f64>>(x);
    fingerprint(call, x).map_err(SparseError::Function)
}

/// A recording of the function, if it has a value, and what comes beside.
fn recorded<X, F, Y, V>(f: F, x: &X) -> (Result<Recording<X, V>, Y::Error>, Y::Aux)
where
    X: Differentiable,
    F: FnOnce(&With<X, Var<X::Real>>) -> Y,
    Y: Outcome<Value = V>,
    V: Differentiable<Real = Var<X::Real>>,
{
    let mut beside = None;
    let value = |x: &With<X, Var<X::Real>>| {
        let (value, aux) = f(x).into_parts();
        beside = Some(aux);
        value
    };
    let recording = Recording::new(value, x);
    (recording, beside.expect("the function was called"))
}

/// The pattern with its rows as lanes.
fn lanes(dependencies: Dependencies) -> SparsityPattern {
    let (rows, columns) = (dependencies.rows(), dependencies.columns());
    let (offsets, indices) = dependencies.into_parts();
    SparsityPattern::try_from_offsets_and_indices(rows, columns, offsets, indices)
        .expect("rows in order, each with its columns in ascending order")
}
