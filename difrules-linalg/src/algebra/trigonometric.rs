//! Sine and cosine together, and the hyperbolic ones, by scaling and doubling, and their derivatives.

use approx::AbsDiffEq;
use difrules_core::{Real, Scalar};
use nalgebra::{DMatrix, DMatrixView};

use crate::algebra::matrix_function::{
    add_product, combination, depth, derivative_of_product, plain_one_norm, size_in_derivative,
    times,
};
use crate::algebra::scaling::times_power;

/// Which of the two pairs.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pair {
    /// Sine and cosine.
    Circular,
    /// Hyperbolic sine and cosine.
    Hyperbolic,
}

/// Which function of a pair.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// The sine, circular or hyperbolic.
    Sine,
    /// The cosine.
    Cosine,
}

/// What the functions of A were made of: with X = 2^-s A and B = X^2, cos X and X^-1 sin X as Taylor polynomials of B,
/// in powers of B^3 (Paterson and Stockmeyer); then sin 2X = 2 sin X cos X, cos 2X = cos^2 X - sin^2 X. That is the
/// squaring of exp(iX), whose error grows by the factor of the argument; that of cos 2X = 2 cos^2 X - 1 grows by its
/// square where an eigenvalue is small beside others.
pub struct Trigonometric<T: Scalar> {
    pair: Pair,
    doublings: i32,
    scaled: DMatrix<T>,
    /// B, B^2 and B^3.
    powers: [DMatrix<T>; 3],
    /// What B^3 was multiplied by, in order, for X^-1 sin X and for cos X.
    inner: [Vec<DMatrix<T>>; 2],
    /// X^-1 sin X.
    quotient: DMatrix<T>,
    /// Sine and cosine before each doubling.
    doubled: Vec<[DMatrix<T>; 2]>,
}

/// The coefficient of B^k in the series of X^-1 sin X, for 0, or of cos X, for 1.
fn coefficient(pair: Pair, function: usize, k: usize) -> f64 {
    let factorial: f64 = (1..=2 * k + 1 - function).map(|i| i as f64).product();
    if pair == Pair::Circular && k % 2 == 1 { -1.0 / factorial } else { 1.0 / factorial }
}

/// The three terms of the series from B^(3 n) on, over that.
fn chunk<T: Scalar>(
    (pair, function): (Pair, usize),
    n: usize,
    powers: &[DMatrix<T>; 3],
    constant: bool,
) -> DMatrix<T> {
    let c = |k: usize| coefficient(pair, function, 3 * n + k);
    combination(if constant { c(0) } else { 0.0 }, &[(c(1), &powers[0]), (c(2), &powers[1])])
}

impl<T: Scalar> Trigonometric<T> {
    /// Sine and cosine of a finite A.
    pub(crate) fn new(pair: Pair, a: DMatrixView<'_, T>) -> ([DMatrix<T>; 2], Self) {
        let epsilon = <T::Real>::default_epsilon().to_f64();
        let mut scaled = a.into_owned();
        let size = plain_one_norm(&scaled);
        // Beyond this the powers may overflow.
        let most = if epsilon > 1e-10 { 1e5 } else { 1e45 };
        let mut doublings = if size > most { (size / most).log2().ceil() as i32 } else { 0 };
        scaled.apply(|x| *x = times_power(*x, -f64::from(doublings)));
        let first = times(&scaled, &scaled);
        let second = times(&first, &first);
        let third = times(&second, &first);
        let mut powers = [first, second, third];
        let root = |power: &DMatrix<T>, degree: f64| plain_one_norm(power).powf(1.0 / degree);
        let whole = plain_one_norm(&scaled);
        let of_powers = root(&powers[1], 4.0).max(root(&powers[2], 6.0)).min(whole);
        let count = (1 + depth::<T::Real>()).min(6);
        let size = |chunks: usize| {
            of_powers.max(size_in_derivative(whole, &powers, 6 * chunks + 2, count))
        };
        // Of the series up to B^k, and of its derivatives, the first term that is left out is this power over its
        // factorial.
        let bound = |chunks: usize| {
            let degree = 6 * chunks + 2 - count;
            let factorial: f64 = (1..=degree).map(|i| i as f64).product();
            (epsilon / 2.0 * factorial).powf(1.0 / degree as f64)
        };
        let chunks = (1..3).find(|&chunks| size(chunks) <= bound(chunks)).unwrap_or(3);
        if chunks == 3 && size(3) > bound(3) {
            let more = (size(3) / bound(3)).log2().ceil() as i32;
            scaled.apply(|x| *x = times_power(*x, -f64::from(more)));
            for (k, power) in powers.iter_mut().enumerate() {
                let exponent = -f64::from(2 * more) * (k + 1) as f64;
                power.apply(|x| *x = times_power(*x, exponent));
            }
            doublings += more;
        }
        let mut inner = [Vec::new(), Vec::new()];
        let sums = [0, 1].map(|function| {
            // The last term, B^(3 chunks), goes with the last chunk.
            let mut sum: Option<DMatrix<T>> = None;
            for n in (0..chunks).rev() {
                let mut next = chunk((pair, function), n, &powers, true);
                match sum {
                    None => {
                        let last: T::Real =
                            nalgebra::convert(coefficient(pair, function, 3 * chunks));
                        next.zip_apply(&powers[2], |next, x| *next += x.scale(last));
                    }
                    Some(sum) => {
                        add_product(&powers[2], &sum, T::one(), &mut next);
                        inner[function].push(sum);
                    }
                }
                sum = Some(next);
            }
            sum.expect("there is a chunk")
        });
        let [quotient, mut cosine] = sums;
        let mut sine = times(&scaled, &quotient);
        let mut doubled = Vec::new();
        for _ in 0..doublings {
            let mut next = [times(&sine, &cosine), times(&sine, &sine)];
            next[0].apply(|x| *x += *x);
            if pair == Pair::Circular {
                next[1].neg_mut();
            }
            add_product(&cosine, &cosine, T::one(), &mut next[1]);
            doubled.push([sine, cosine]);
            [sine, cosine] = next;
        }
        let steps = Self { pair, doublings, scaled, powers, inner, quotient, doubled };
        ([sine, cosine], steps)
    }

    /// The derivative of one of them along E, of the steps.
    pub(crate) fn derivative(&self, part: Part, e: DMatrixView<'_, T>) -> DMatrix<T> {
        let Self { pair, scaled, powers, inner, quotient, .. } = self;
        let mut e = e.into_owned();
        e.apply(|x| *x = times_power(*x, -f64::from(self.doublings)));
        let first = derivative_of_product((scaled, &e), (scaled, &e));
        let second = derivative_of_product((&powers[0], &first), (&powers[0], &first));
        let third = derivative_of_product((&powers[1], &second), (&powers[0], &first));
        let powers_dot = [first, second, third];
        let dots = [0, 1].map(|function| {
            let chunks = inner[function].len() + 1;
            let last: T::Real = nalgebra::convert(coefficient(*pair, function, 3 * chunks));
            let mut dot = chunk((*pair, function), chunks - 1, &powers_dot, false);
            dot.zip_apply(&powers_dot[2], |dot, x| *dot += x.scale(last));
            for (n, sum) in (0..chunks - 1).rev().zip(&inner[function]) {
                let product = derivative_of_product((&powers[2], &powers_dot[2]), (sum, &dot));
                dot = chunk((*pair, function), n, &powers_dot, false) + product;
            }
            dot
        });
        let [quotient_dot, mut cosine_dot] = dots;
        let mut sine_dot = derivative_of_product((scaled, &e), (quotient, &quotient_dot));
        for [sine, cosine] in &self.doubled {
            let mut next = [
                derivative_of_product((sine, &sine_dot), (cosine, &cosine_dot)),
                derivative_of_product((sine, &sine_dot), (sine, &sine_dot)),
            ];
            next[0].apply(|x| *x += *x);
            if *pair == Pair::Circular {
                next[1].neg_mut();
            }
            next[1] += derivative_of_product((cosine, &cosine_dot), (cosine, &cosine_dot));
            [sine_dot, cosine_dot] = next;
        }
        if part == Part::Sine { sine_dot } else { cosine_dot }
    }
}
