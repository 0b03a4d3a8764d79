//! The Gaussian process: the user's own primitive, and the likelihood built from it.

use std::f64::consts::{PI, TAU};
use std::rc::Rc;

use difrules_core::math::ln;
use difrules_core::testing::Sampler;
use difrules_core::{Cotangent, Real, Slot, primitive};
use difrules_linalg::{Matrix, MatrixError};
use nalgebra::{DMatrix, DVector, SVector, convert};

/// The parameters: logarithms of variances, length scales and shapes.
pub(crate) type Parameters<T> = SVector<T, 11>;

/// Where the search starts.
pub(crate) const START: [f64; 11] = [
    7.824046010856292,
    3.912023005428146,
    1.3862943611198906,
    4.605170185988092,
    0.0,
    -1.3862943611198906,
    0.0,
    0.0,
    -4.605170185988091,
    -2.3025850929940455,
    -4.605170185988091,
];

/// What the covariance of two times depends on, for all pairs: column by column of the lower
/// triangle, each column from its diagonal on.
#[derive(Debug, PartialEq)]
pub(crate) struct Separations {
    size: usize,
    pairs: Vec<Separation>,
}

/// Squared distance d^2 of two times, in years^2, and sin^2(pi d).
#[derive(Debug, Clone, Copy, PartialEq)]
struct Separation {
    square: f64,
    season: f64,
}

impl Separation {
    fn new(x: f64, y: f64) -> Self {
        let distance = (x - y).abs();
        Self { square: distance * distance, season: (PI * distance).sin().powi(2) }
    }
}

impl Separations {
    /// All pairs of these times, in years.
    pub(crate) fn new(times: &[f64]) -> Self {
        let columns = times.iter().enumerate();
        let pairs =
            columns.flat_map(|(j, &x)| times[j..].iter().map(move |&y| Separation::new(x, y)));
        Self { size: times.len(), pairs: pairs.collect() }
    }

    /// The pairs of column `j`, and the row that the first one is in.
    fn columns(&self) -> impl Iterator<Item = (usize, &[Separation])> {
        let mut rest = self.pairs.as_slice();
        (0..self.size).map(move |j| {
            let (column, after) = rest.split_at(self.size - j);
            rest = after;
            (j, column)
        })
    }
}

/// The factors of the covariance that do not depend on the pair.
struct Factors<T> {
    trend: T,
    trend_rate: T,
    seasonal: T,
    seasonal_rate: T,
    season_rate: T,
    medium: T,
    shape: T,
    medium_rate: T,
    short: T,
    short_rate: T,
    noise: T,
}

/// The four terms of one entry, and the logarithm that the third one's derivative needs.
#[derive(Clone, Copy)]
pub(crate) struct Terms<T> {
    trend: T,
    seasonal: T,
    medium: T,
    short: T,
    /// ln(1 + d^2 / (2 e^t6 e^(2 t7))).
    ln_quotient: T,
}

impl<T: Real> Terms<T> {
    fn sum(&self) -> T {
        self.trend + self.seasonal + self.medium + self.short
    }
}

/// exp(x), and zero where it is below 1e-304: going through the smallest numbers is slow, and the
/// terms are added to larger ones.
#[inline]
fn exp<T: Real>(x: T) -> T {
    if x < convert(-700.0) { T::zero() } else { x.exp() }
}

impl<T: Real> Factors<T> {
    fn new(theta: &Parameters<T>) -> Self {
        let half = convert::<f64, T>(0.5);
        let two = convert::<f64, T>(2.0);
        let shape = theta[6].exp();
        let rate = |length: T| (-two * length).exp() * half;
        Self {
            trend: theta[0].exp(),
            trend_rate: rate(theta[1]),
            seasonal: theta[2].exp(),
            seasonal_rate: rate(theta[3]),
            season_rate: two * (-two * theta[4]).exp(),
            medium: theta[5].exp(),
            shape,
            medium_rate: rate(theta[7]) / shape,
            short: theta[8].exp(),
            short_rate: rate(theta[9]),
            noise: theta[10].exp(),
        }
    }

    #[inline]
    fn terms(&self, pair: Separation) -> Terms<T> {
        let square: T = convert(pair.square);
        let season: T = convert(pair.season);
        let ln_quotient = (T::one() + square * self.medium_rate).ln();
        Terms {
            trend: self.trend * exp(-square * self.trend_rate),
            seasonal: self.seasonal * exp(-square * self.seasonal_rate - season * self.season_rate),
            medium: self.medium * exp(-self.shape * ln_quotient),
            short: self.short * exp(-square * self.short_rate),
            ln_quotient,
        }
    }

    /// The derivatives of one entry by the first ten parameters, up to the [scales](Self::scales).
    #[inline]
    fn gradient(&self, pair: Separation, terms: &Terms<T>) -> [T; 10] {
        let square: T = convert(pair.square);
        let season: T = convert(pair.season);
        let quotient = square * self.medium_rate;
        let share = quotient / (T::one() + quotient);
        [
            terms.trend,
            terms.trend * square,
            terms.seasonal,
            terms.seasonal * square,
            terms.seasonal * season,
            terms.medium,
            terms.medium * (share - terms.ln_quotient),
            terms.medium * share,
            terms.short,
            terms.short * square,
        ]
    }

    /// The factors of the derivatives that do not depend on the pair.
    fn scales(&self) -> [T; 11] {
        let two = convert::<f64, T>(2.0);
        let one = T::one();
        [
            one,
            two * self.trend_rate,
            one,
            two * self.seasonal_rate,
            two * self.season_rate,
            one,
            self.shape,
            two * self.shape,
            one,
            two * self.short_rate,
            self.noise,
        ]
    }
}

/// The covariance of the process at all pairs of times, a symmetric matrix.
///
/// With d = |x_i - x_j| and RBF(d; l) = exp(-d^2 / (2 l^2)), its entries are
/// e^t0 RBF(d; e^t1) + e^t2 RBF(d; e^t3) exp(-2 sin^2(pi d) / e^(2 t4))
/// + e^t5 (1 + d^2 / (2 e^t6 e^(2 t7)))^(-e^t6) + e^t8 RBF(d; e^t9) + e^t10 [i = j].
///
/// # Derivation
/// Each term is exp(t) times exp of something, so it is its own derivative by its variance t. By the
/// logarithm of a length scale l, exp(-d^2/(2 l^2)) gives itself times d^2/l^2. The third term is
/// c = e^t5 exp(-s ln(1 + q)) with s = e^t6 and q = d^2 / (2 s e^(2 t7)): from dq/dt6 = -q and
/// dq/dt7 = -2 q follow dc/dt6 = c s (q/(1+q) - ln(1+q)) and dc/dt7 = 2 c s q/(1+q).
#[primitive(
    forward = covariance_forward,
    reverse = covariance_reverse,
    saves = covariance_and_terms -> Vec<Terms<T>>,
    reads(theta, separations),
    constant(separations),
    kernel(f64 = covariance_kernel),
    instances(f64),
    sample = any_covariance
)]
pub(crate) fn covariance<T: Real>(
    theta: &Parameters<T>,
    separations: &Rc<Separations>,
) -> DMatrix<T> {
    covariance_and_terms(theta, separations).0
}

/// The covariance, and the terms of each pair for the rules.
fn covariance_and_terms<T: Real>(
    theta: &Parameters<T>,
    separations: &Rc<Separations>,
) -> (DMatrix<T>, Vec<Terms<T>>) {
    let factors = Factors::new(theta);
    let mut all = Vec::with_capacity(separations.pairs.len());
    let k = symmetric(separations, |column, entries| {
        for (entry, &pair) in entries.iter_mut().zip(column) {
            let terms = factors.terms(pair);
            *entry = terms.sum();
            all.push(terms);
        }
        entries[0] += factors.noise;
    });
    (k, all)
}

/// The same at plain numbers, in place and without the terms.
fn covariance_kernel(theta: &Parameters<f64>, separations: &Rc<Separations>) -> DMatrix<f64> {
    let factors = Factors::new(theta);
    symmetric(separations, |column, entries| {
        for (entry, &pair) in entries.iter_mut().zip(column) {
            *entry = factors.terms(pair).sum();
        }
        entries[0] += factors.noise;
    })
}

/// A symmetric matrix whose columns `fill` writes, from the diagonal on; then mirrored tile by tile.
fn symmetric<T: Real>(
    separations: &Separations,
    mut fill: impl FnMut(&[Separation], &mut [T]),
) -> DMatrix<T> {
    /// Tiles of this size stay in the fastest cache while they are transposed.
    const TILE: usize = 32;
    let size = separations.size;
    let mut k = DMatrix::zeros(size, size);
    for (j, column) in separations.columns() {
        fill(column, &mut k.as_mut_slice()[j * size + j..(j + 1) * size]);
    }
    for first_column in (0..size).step_by(TILE) {
        for first_row in (first_column..size).step_by(TILE) {
            for j in first_column..size.min(first_column + TILE) {
                for i in first_row.max(j + 1)..size.min(first_row + TILE) {
                    k[(j, i)] = k[(i, j)];
                }
            }
        }
    }
    k
}

fn covariance_forward<T: Real>(
    theta: &Parameters<T>,
    separations: &Rc<Separations>,
    terms: &[Terms<T>],
    theta_dot: &Parameters<T>,
) -> DMatrix<T> {
    let factors = Factors::new(theta);
    let scales = factors.scales();
    let weights: [T; 11] = std::array::from_fn(|k| scales[k] * theta_dot[k]);
    let mut terms = terms.iter();
    symmetric(separations, |column, entries| {
        for ((entry, &pair), terms) in entries.iter_mut().zip(column).zip(terms.by_ref()) {
            let gradient = factors.gradient(pair, terms);
            let change = gradient.iter().zip(&weights);
            *entry = change.fold(T::zero(), |sum, (&partial, &weight)| sum + partial * weight);
        }
        entries[0] += weights[10];
    })
}

fn covariance_reverse<T: Real>(
    theta: &Parameters<T>,
    separations: &Rc<Separations>,
    terms: &[Terms<T>],
    k_bar: Cotangent<'_, DMatrix<T>>,
    theta_bar: Slot<'_, Parameters<T>>,
) {
    let Some(mut theta_bar) = theta_bar.buffer() else { return };
    let factors = Factors::new(theta);
    let mut sums = [T::zero(); 11];
    let mut terms = terms.iter();
    for (j, column) in separations.columns() {
        for ((i, &pair), terms) in (j..).zip(column).zip(terms.by_ref()) {
            // Both entries of the pair have this derivative; the diagonal entry is one.
            let weight = if i == j { k_bar[(j, j)] } else { k_bar[(i, j)] + k_bar[(j, i)] };
            for (sum, partial) in sums.iter_mut().zip(factors.gradient(pair, terms)) {
                *sum += weight * partial;
            }
        }
        sums[10] += k_bar[(j, j)];
    }
    for ((theta_bar, sum), scale) in theta_bar.iter_mut().zip(sums).zip(factors.scales()) {
        *theta_bar += sum * scale;
    }
}

pub(crate) fn any_covariance(random: &mut Sampler) -> (Parameters<f64>, Rc<Separations>) {
    let size = random.size(0, 6);
    let times: Vec<f64> = (0..size).map(|i| i as f64 * 0.37).collect();
    (Parameters::from_fn(|_, _| random.between(-1.0, 1.0)), Rc::new(Separations::new(&times)))
}

/// The covariance of the process (without noise) between each of `new` times and each of `times`.
pub(crate) fn cross_covariance(
    theta: &Parameters<f64>,
    new: &[f64],
    times: &[f64],
) -> DMatrix<f64> {
    let factors = Factors::new(theta);
    DMatrix::from_fn(new.len(), times.len(), |i, j| {
        factors.terms(Separation::new(new[i], times[j])).sum()
    })
}

/// The log marginal likelihood of the values `y` with mean zero:
/// -y^T K^-1 y / 2 - ln det K / 2 - n ln(2 pi) / 2.
///
/// # Errors
/// If the covariance is not positive definite in this precision.
pub(crate) fn ln_likelihood<T: Real>(
    theta: &Parameters<T>,
    separations: &Rc<Separations>,
    y: &DVector<f64>,
) -> Result<T, MatrixError> {
    let k = Matrix::from(covariance::whole(&Matrix::from(theta), separations));
    let l = k.cholesky()?;
    let whitened = l.solve_lower_triangular(y)?;
    let half_ln_determinant = l.diagonal().map::<ln>().sum();
    let constant = convert::<f64, T>(0.5 * y.len() as f64 * TAU.ln());
    Ok(-whitened.norm_squared() * convert(0.5) - half_ln_determinant - constant)
}
