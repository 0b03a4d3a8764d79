//! The rules of both Riccati equations.

use std::sync::Arc;

use difrules_core::testing::Sampler;
use difrules_core::{Real, Scalar};
use nalgebra::allocator::Allocator;
use nalgebra::{DMatrix, DefaultAllocator, Dim, OMatrix};
use num_traits::Zero;

use crate::algebra::hermitian_eigen::{evenly, hermitian};
use crate::algebra::riccati::{ClosedLoop, Regulator};
use crate::algebra::scaling::{exponent, times_power};
use crate::blas::options::{Diagonal, Triangle};
use crate::block::{block, dynamic, product, triple};
use crate::equations::linear::{Wide, lyapunov_again, narrow, solved_again, wide};
use crate::error::{Error, finite, finite_triangle, overflow, shape, square};
use crate::known::{Known, saved};

/// The equation of matrices of any dimensions.
pub(crate) fn regulator<T: Scalar, D: Dim, C: Dim>(
    discrete: bool,
    a: &OMatrix<T, D, D>,
    b: &OMatrix<T, D, C>,
    q: &OMatrix<T, D, D>,
    r: &OMatrix<T, C, C>,
) -> Regulator<T>
where
    DefaultAllocator: Allocator<D, D> + Allocator<D, C> + Allocator<C, C>,
{
    let (a, b, q, r) = (dynamic(a), dynamic(b), dynamic(q), dynamic(r));
    Regulator { discrete, a, b, q, r }
}

/// The stabilising solution, and the factors of its closed loop.
///
/// # Errors
/// Those of [`continuous_riccati`](fn@crate::continuous_riccati).
pub(crate) fn riccati_and_factors<T: Scalar>(
    equation: &Regulator<T>,
) -> Result<(DMatrix<T>, Arc<[f64]>), Error> {
    let Regulator { discrete, a, b, q, r } = equation;
    let size = square("a", a.shape())?;
    shape("b", b.shape(), (size, b.ncols()))?;
    shape("q", q.shape(), (size, size))?;
    shape("r", r.shape(), (b.ncols(), b.ncols()))?;
    finite("a", a)?;
    finite("b", b)?;
    finite_triangle("q", Triangle::Lower, Diagonal::General, q)?;
    finite_triangle("r", Triangle::Lower, Diagonal::General, r)?;
    let (q, r) = (evenly(&wide(q)), evenly(&wide(r)));
    // X is in the unit of the costs, which says nothing of the equation; an even exponent keeps roots of it exact.
    let between = match exponent(q.iter()) {
        _ if q.iter().all(|x| x.is_zero()) => exponent(r.iter()),
        of_q if *discrete && (of_q - exponent(r.iter())).abs() < 1000.0 => of_q,
        of_q => of_q.midpoint(exponent(r.iter())),
    };
    let unit = 2.0 * (between / 2.0).round();
    let over = |m: &DMatrix<Wide<T>>| m.map(|x| times_power(x, -unit));
    let plain = Regulator { discrete: *discrete, a: wide(a), b: wide(b), q: over(&q), r: over(&r) };
    let found = plain.stabilise().map_err(|error| match error {
        Error::NotPositiveDefinite { pivot, value } => {
            Error::NotPositiveDefinite { pivot, value: times_power(value, unit) }
        }
        error => error,
    })?;
    let x = narrow(&found.x.map(|x| times_power(x, unit)));
    overflow("x", x.as_slice())?;
    Ok((x, saved(&[&found.vectors, &found.triangle])))
}

/// What rules read, with the Hermitian matrices of what their triangles say.
pub(crate) struct Solved<'a, T: Scalar> {
    equation: Regulator<T>,
    x: DMatrix<T>,
    closed: ClosedLoop<T>,
    factors: &'a Arc<[f64]>,
}

impl<'a, T: Scalar> Solved<'a, T> {
    pub(crate) fn new(mut equation: Regulator<T>, x: DMatrix<T>, factors: &'a Arc<[f64]>) -> Self {
        equation.r = evenly(&equation.r);
        // The primal has divided by the same matrix, with more digits than the scalar may have.
        let closed = equation.closed_loop(&x).unwrap_or_else(|_| {
            let (rows, columns) = (equation.r.nrows(), x.nrows());
            let k = solved_again(equation.name(), (rows, columns), Err(SINGULAR));
            let a = &equation.a - product((block(&equation.b), false), (block(&k), false));
            ClosedLoop { k, a }
        });
        Self { equation, x, closed, factors }
    }

    /// X, or X A_c in discrete time.
    fn through(&self) -> DMatrix<T> {
        if self.equation.discrete {
            product((block(&self.x), false), (block(&self.closed.a), false))
        } else {
            self.x.clone()
        }
    }

    /// A Lyapunov equation of the closed loop, or of its adjoint: op(A_c) Y + Y op(A_c)^H = -C, or
    /// Y - op(A_c) Y op(A_c)^H = C in discrete time.
    fn closed_lyapunov(&self, adjoint: bool, c: DMatrix<T>) -> DMatrix<T> {
        let discrete = self.equation.discrete;
        let c = if discrete { c } else { -c };
        let known = Known::again(self.factors);
        let y = lyapunov_again(discrete, adjoint, &self.closed.a, &c, &known);
        solved_again(self.equation.name(), self.x.shape(), y)
    }

    /// The tangent of X: A_c^H dX + dX A_c = -M, or dX - A_c^H dX A_c = M in discrete time, with
    /// M = dQ + P^H (dA - dB K) + (dA - dB K)^H P + K^H dR K and P = X, or X A_c.
    pub(crate) fn forward(&self, moved: &Regulator<T>) -> DMatrix<T> {
        let k = &self.closed.k;
        let loop_dot = &moved.a - product((block(&moved.b), false), (block(k), false));
        let by_loop = product((block(&self.through()), true), (block(&loop_dot), false));
        let by_costs = &moved.q + triple((k, true), &moved.r, (k, false));
        let m = hermitian(&(by_costs + by_loop.map(|x| x + x)));
        self.closed_lyapunov(true, m)
    }

    /// The cotangents: with W of A_c W + W A_c^H = -X_bar, or W - A_c W A_c^H = X_bar in discrete time, of A
    /// 2 P W, of B -2 P W K^H, of Q W and of R K W K^H. X is Hermitian, so of X_bar the Hermitian part counts.
    pub(crate) fn reverse(&self, x_bar: &DMatrix<T>) -> Regulator<T> {
        let k = &self.closed.k;
        let w = self.closed_lyapunov(false, hermitian(x_bar));
        let a = product((block(&self.through()), false), (block(&w), false)).map(|x| x + x);
        // In this order, as W may be as small as K is large.
        let by_input = product((block(&w), false), (block(k), true));
        let b = product((block(&self.through()), false), (block(&by_input), false));
        let b = b.map(|x| -(x + x));
        let r = hermitian(&triple((k, false), &w, (k, true)));
        Regulator { discrete: self.equation.discrete, a, b, q: w, r }
    }
}

const SINGULAR: Error = Error::Singular { pivot: 0, reciprocal_condition: 0.0 };

impl<T: Scalar> Regulator<T> {
    fn name(&self) -> &'static str {
        if self.discrete { "discrete_riccati" } else { "continuous_riccati" }
    }
}

pub(crate) fn sample<T: Scalar>(
    discrete: bool,
    random: &mut Sampler,
) -> (DMatrix<T>, DMatrix<T>, DMatrix<T>, DMatrix<T>) {
    let (size, inputs) = (random.size(0, 2), random.size(0, 2));
    let mut a: DMatrix<T> = random.matrix(size, size);
    // What no input moves decays by itself, and what few inputs move is not far from it.
    let sizes = a.iter().fold(1.0, |sum, x| sum + x.norm1().to_f64());
    let root = 1.0 + (size as f64).sqrt();
    let scale = if inputs == 0 { 0.9 / sizes } else { 1.0 / root };
    a.apply(|x| *x = x.scale(nalgebra::convert(scale)));
    if !discrete {
        let shift: T = nalgebra::convert(if inputs == 0 { 1.0 } else { 0.6 });
        (0..size).for_each(|i| a[(i, i)] -= shift);
    }
    let b = random.matrix(size, inputs);
    (a, b, random.positive_definite(size), random.positive_definite(inputs))
}
