//! The exponential by scaling and squaring, and its derivative.

use approx::AbsDiffEq;
use difrules_core::contract::Kept;
use difrules_core::{Differentiable, Real, Scalar};
use nalgebra::{ComplexField, DMatrix, DMatrixView, Dyn};

use crate::algebra::basis::Balance;
use crate::algebra::householder::add_columns;
use crate::algebra::matrix_function::{
    add_product, combination, depth, derivative_of_product, mean_of_diagonal, plain_one_norm,
    size_in_derivative, times,
};
use crate::algebra::scaling::{is_single, times_power};
use crate::blas::options::Operation;
use crate::block::{FIT, block, block_mut, multiply};
use crate::decomposition::lu::{Lu, lu};
use crate::error::Error;
use crate::tolerance::moduli;

/// The coefficients of the numerators of the diagonal Pade approximants of orders 3, 5, 7, 9 and 13 (Higham 2005,
/// "The scaling and squaring method for the matrix exponential revisited", table 2.3).
const COEFFICIENTS: [&[f64]; 5] = [
    &[120.0, 60.0, 12.0, 1.0],
    &[30240.0, 15120.0, 3360.0, 420.0, 30.0, 1.0],
    &[17_297_280.0, 8_648_640.0, 1_995_840.0, 277_200.0, 25_200.0, 1512.0, 56.0, 1.0],
    &[
        17_643_225_600.0,
        8_821_612_800.0,
        2_075_673_600.0,
        302_702_400.0,
        30_270_240.0,
        2_162_160.0,
        110_880.0,
        3960.0,
        90.0,
        1.0,
    ],
    &[
        64_764_752_532_480_000.0,
        32_382_376_266_240_000.0,
        7_771_770_303_897_600.0,
        1_187_353_796_428_800.0,
        129_060_195_264_000.0,
        10_559_470_521_600.0,
        670_442_572_800.0,
        33_522_128_640.0,
        1_323_241_920.0,
        40_840_800.0,
        960_960.0,
        16_380.0,
        182.0,
        1.0,
    ],
];

/// For each order the size of A up to which the approximant's backward error is no larger than the unit roundoff, in
/// double and in single precision. Those of orders up to 9 are the ones for the derivative, which are smaller than the
/// ones for the value (Al-Mohy and Higham 2009, "Computing the Frechet derivative of the matrix exponential", table
/// 6.1); and the leading coefficient of the backward error's series.
const ORDERS: [(f64, f64, f64); 5] = [
    (1.08e-2, 3.08e-1, 1.0 / 100_800.0),
    (2.00e-1, 1.48, 1.0 / 10_059_033_600.0),
    (7.83e-1, 3.21, 1.0 / 4_487_938_430_976_000.0),
    (1.78, 4.25, 1.0 / 5_914_384_781_877_411_840_000.0),
    (4.25, 4.25, 1.0 / 113_250_775_606_021_113_483_283_660_800_000_000.0),
];

/// What the exponential of A was made of: the derivative is that of the steps, with the same factors. The memory of all
/// these matrices stays with the thread for the next exponential, as an allocator may give it back to the system.
pub struct Exponential<T: Scalar> {
    /// All else is of D^-1 A D.
    balance: Balance,
    order: usize,
    squarings: i32,
    /// A - m over a power of two, for the mean m of the diagonal or for zero.
    scaled: Kept<DMatrix<T>>,
    /// exp(m) by the same power, which the approximant is multiplied by.
    shift: T,
    /// Its powers 2, 4, ...
    even: Vec<Kept<DMatrix<T>>>,
    /// What its sixth power is multiplied by, for order 13: a term of W and of V.
    inner: Option<(Kept<DMatrix<T>>, Kept<DMatrix<T>>)>,
    /// W, with A W the odd part U of the numerator.
    odd: Kept<DMatrix<T>>,
    /// Of V - U.
    factors: Lu<T, Dyn, Dyn>,
    /// The approximant and its squares, up to the last.
    squares: Vec<Kept<DMatrix<T>>>,
}

/// What the one-norm of |A|^count is to that of A, by products with one vector (Al-Mohy and Higham 2009, "A new
/// scaling and squaring algorithm for the matrix exponential", section 5).
/// Takes |A|^T.
fn norm_of_power(a: &DMatrix<f64>, count: usize, size: f64) -> f64 {
    let mut sums = vec![1.0 / size; a.ncols()];
    let mut next = vec![0.0; a.ncols()];
    for _ in 0..count {
        next.fill(0.0);
        add_columns(block(a), &sums, &mut next);
        std::mem::swap(&mut sums, &mut next);
    }
    sums.into_iter().fold(0.0, f64::max)
}

/// Takes the mean of the diagonal off, as a constant, where this makes A smaller, and returns it: exp(A) = exp(m) exp(A - m).
fn shift<T: Scalar>(a: &mut DMatrix<T>) -> T {
    let mean = mean_of_diagonal(a);
    if mean.is_zero() {
        return T::zero();
    }
    let mut moved = a.copied();
    (0..a.nrows()).for_each(|i| moved[(i, i)] -= mean);
    if plain_one_norm(&moved) >= 0.9 * plain_one_norm(a) {
        return T::zero();
    }
    *a = moved;
    mean
}

impl<T: Scalar> Exponential<T> {
    /// The exponential of a finite A.
    ///
    /// # Errors
    /// [`Error::Overflow`].
    pub(crate) fn new(a: DMatrixView<'_, T>) -> Result<(DMatrix<T>, Self), Error> {
        let single = is_single::<T::Real>();
        let roundoff = <T::Real>::default_epsilon().to_f64() / 2.0;
        let balance = Balance::of(a);
        let mut scaled = balance.inside(a);
        let mean = shift(&mut scaled);
        let size = plain_one_norm(&scaled);
        // Beyond this powers may overflow where the exponential, of a nilpotent matrix, does not.
        let most = if single { 1e6 } else { 1e50 };
        let mut squarings = if size > most { (size / most).log2().ceil() as i32 } else { 0 };
        if squarings > 0 {
            scaled.apply(|x| *x = times_power(*x, -f64::from(squarings)));
        }
        let size = plain_one_norm(&scaled);
        let count = 1 + depth::<T::Real>().min(4);
        let bound = |order: usize| {
            let bound = if single { ORDERS[order].1 } else { ORDERS[order].0 };
            // The first term of the error, c x^(2 m + 1), has larger derivatives of higher order.
            let further = |count: usize| {
                let degree = 2 * (COEFFICIENTS[order].len() - 1) + 1;
                let falling: f64 = (degree + 1 - count..=degree).map(|i| i as f64).product();
                (roundoff / (ORDERS[order].2 * falling)).powf(1.0 / (degree - count) as f64)
            };
            match count {
                1 => bound,
                _ => bound * further(count) / further(1),
            }
        };
        // Beside the size of the powers, that of what derivatives of higher order have.
        let along = |order: usize, even: &[DMatrix<T>]| match count {
            1 => 0.0,
            _ => size_in_derivative(size, even, 2 * COEFFICIENTS[order].len() - 1, count),
        };
        // By how many squarings the truncation error of |A|, which bounds what rounding does to that of A, falls short.
        let mut absolute = None;
        let mut lacking = |order: usize, scale: f64| {
            let degree = 2 * (COEFFICIENTS[order].len() - 1);
            let most = ORDERS[order].2 * (size * scale).powi(degree as i32);
            if most <= roundoff || size == 0.0 {
                return 0;
            }
            let absolute = absolute.get_or_insert_with(|| moduli(scaled.as_view()).transpose());
            let ratio = norm_of_power(absolute, degree + 1, size) * scale.powi(degree as i32);
            let error = ORDERS[order].2 * ratio / roundoff;
            if error <= 1.0 { 0 } else { (error.log2() / degree as f64).ceil() as i32 }
        };
        let root =
            |power: &DMatrix<T>, count: i32| plain_one_norm(power).powf(1.0 / f64::from(count));
        let mut even = vec![times(&scaled, &scaled)];
        let order;
        let fits = |order: usize, size: f64| size <= bound(order);
        // Powers that their norms are needed of, and no others.
        if fits(0, root(&even[0], 2).max(along(0, &even))) && lacking(0, 1.0) == 0 {
            order = 0;
        } else {
            even.push(times(&even[0], &even[0]));
            let fourth = root(&even[1], 4);
            let sixth = (plain_one_norm(&even[0]) * plain_one_norm(&even[1])).powf(1.0 / 6.0);
            if fits(1, fourth.max(sixth).max(along(1, &even))) && lacking(1, 1.0) == 0 {
                order = 1;
            } else {
                even.push(times(&even[1], &even[0]));
                let larger = fourth.max(root(&even[2], 6));
                order = match larger {
                    size if fits(2, size.max(along(2, &even))) && lacking(2, 1.0) == 0 => 2,
                    size if fits(3, size.max(along(3, &even))) && lacking(3, 1.0) == 0 => 3,
                    _ => 4,
                };
                if order == 3 {
                    even.push(times(&even[1], &even[1]));
                }
                if order == 4 {
                    let larger = larger.max(along(4, &even));
                    let more = (larger / bound(4)).log2().ceil().max(0.0) as i32;
                    let more = more + lacking(4, f64::from(-more).exp2());
                    if more > 0 {
                        let down =
                            |x: &mut T, power: i32| *x = times_power(*x, -f64::from(power * more));
                        scaled.apply(|x| down(x, 1));
                        for (k, power) in even.iter_mut().enumerate() {
                            power.apply(|x| down(x, 2 * (k as i32 + 1)));
                        }
                        squarings += more;
                    }
                }
            }
        }
        let c = COEFFICIENTS[order];
        let (mut odd, mut rest, mut inner) = (None, None, None);
        if order == 4 {
            let [a2, a4, a6] = [&even[0], &even[1], &even[2]];
            let of_odd = combination(0.0, &[(c[13], a6), (c[11], a4), (c[9], a2)]);
            let of_even = combination(0.0, &[(c[12], a6), (c[10], a4), (c[8], a2)]);
            let mut w = combination(c[1], &[(c[7], a6), (c[5], a4), (c[3], a2)]);
            let mut v = combination(c[0], &[(c[6], a6), (c[4], a4), (c[2], a2)]);
            add_product(a6, &of_odd, T::one(), &mut w);
            add_product(a6, &of_even, T::one(), &mut v);
            (odd, rest, inner) = (Some(w), Some(v), Some((of_odd, of_even)));
        }
        let sums = |first: usize| {
            let terms: Vec<_> =
                even.iter().enumerate().map(|(k, power)| (c[2 * k + 2 + first], power)).collect();
            combination(c[first], &terms)
        };
        let odd = odd.unwrap_or_else(|| sums(1));
        let v = rest.unwrap_or_else(|| sums(0));
        let u = times(&scaled, &odd);
        let mut x = &v + &u;
        let factors = lu(&(v - u))?;
        factors.solve(Operation::None, &mut x).map_err(|_| Error::Overflow { result: "y" })?;
        let shift = ComplexField::exp(times_power(mean, -f64::from(squarings)));
        if !mean.is_zero() {
            x *= shift;
        }
        let mut squares = Vec::with_capacity(squarings as usize);
        for _ in 0..squarings {
            let square = times(&x, &x);
            squares.push(Kept::new(std::mem::replace(&mut x, square)));
        }
        let [scaled, odd] = [scaled, odd].map(Kept::new);
        let even = even.into_iter().map(Kept::new).collect();
        let inner = inner.map(|(of_odd, of_even)| (Kept::new(of_odd), Kept::new(of_even)));
        let y = balance.outside(x);
        let steps =
            Self { balance, order, squarings, scaled, shift, even, inner, odd, factors, squares };
        Ok((y, steps))
    }

    /// The derivative along E.
    ///
    /// Each step is differentiated: the powers, A^2k_dot = A^2_dot A^(2k-2) + A^2 A^(2k-2)_dot; U = A W and V; then
    /// (V - U) X = V + U, which is (V - U) dX = dV + dU - (dV - dU) X, but for the factor exp(m); and the squares. `y` is the exponential.
    pub(crate) fn derivative(&self, y: DMatrixView<'_, T>, e: DMatrixView<'_, T>) -> DMatrix<T> {
        let Self { scaled, even, odd, .. } = self;
        let c = COEFFICIENTS[self.order];
        let mut e = self.balance.inside(e);
        if self.squarings > 0 {
            e.apply(|x| *x = times_power(*x, -f64::from(self.squarings)));
        }
        let product_dot = |a: (&DMatrix<T>, &DMatrix<T>), b: (&DMatrix<T>, &DMatrix<T>)| {
            Kept::new(derivative_of_product(a, b))
        };
        let e = Kept::new(e);
        let mut even_dot = vec![product_dot((scaled, &e), (scaled, &e))];
        for k in 1..even.len() {
            // The fourth and the eighth power are squares.
            let (i, j) = if k == 2 { (1, 0) } else { (k / 2, k / 2) };
            let next = product_dot((&even[i], &even_dot[i]), (&even[j], &even_dot[j]));
            even_dot.push(next);
        }
        let combined = |first: usize, shift: usize, count: usize| {
            let terms: Vec<_> = even_dot[..count]
                .iter()
                .enumerate()
                .map(|(k, power)| (c[2 * k + first + shift], &**power))
                .collect();
            combination(0.0, &terms)
        };
        let (mut odd_dot, mut v_dot) = (combined(1, 2, even.len()), combined(0, 2, even.len()));
        if let Some((of_odd, of_even)) = &self.inner {
            let (a6, a6_dot) = (&even[2], &even_dot[2]);
            let (of_odd_dot, of_even_dot) = (combined(1, 8, 3), combined(0, 8, 3));
            odd_dot += &*product_dot((a6, a6_dot), (of_odd, &of_odd_dot));
            v_dot += &*product_dot((a6, a6_dot), (of_even, &of_even_dot));
        }
        let odd_dot = Kept::new(odd_dot);
        let mut u_dot = derivative_of_product((scaled, &e), (odd, &odd_dot));
        let mut x_dot = &v_dot + &u_dot;
        if !self.shift.is_one() {
            x_dot *= self.shift;
        }
        u_dot -= &*Kept::new(v_dot);
        let difference = Kept::new(u_dot);
        let balanced;
        let x = match self.squares.first() {
            Some(x) => block(&**x),
            None => {
                balanced = self.balance.inside(y);
                block(&balanced)
            }
        };
        let product = ((block(&*difference), false), (x, false));
        multiply(T::one(), product.0, product.1, T::one(), &mut block_mut(&mut x_dot));
        self.factors.solve(Operation::None, &mut x_dot).expect(FIT);
        for x in &self.squares {
            let dot = Kept::new(x_dot);
            x_dot = derivative_of_product((x, &dot), (x, &dot));
        }
        self.balance.outside(x_dot)
    }
}
