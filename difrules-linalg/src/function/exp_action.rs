use difrules_core::testing::Sampler;
use difrules_core::{Cotangent, Real, Scalar, Slot, primitive};
use nalgebra::allocator::Allocator;
use nalgebra::{ComplexField, DMatrix, DMatrixView, DefaultAllocator, Dim, OMatrix};

use crate::algebra::matrix_function::{
    add_product, depth, mean_of_diagonal, plain_one_norm, times,
};
use crate::block::{FIT, block, buffer, multiply, pairing, product, shaped, varies};
use crate::error::{Error, finite, overflow, shape, square};

/// exp(t A) B without exp(t A): its cost is that of products of A with B. To a complex t if A is complex.
///
/// # Errors
/// [`Error::NotSquare`] and [`Error::DimensionMismatch`] if the shapes do not fit; [`Error::NotFinite`];
/// [`Error::Overflow`].
///
/// # Derivation
/// With m the mean of the diagonal of A, s steps F <- exp(t m / s) T(t (A - m) / s) F of a truncated Taylor series T, each by
/// products of A with B; degree and s are those of the fewest products for the one-norm of t (A - m) (Al-Mohy and Higham 2011,
/// "Computing the action of the matrix exponential, with an application to exponential integrators", table 3.1).
///
/// The rules are those of the steps. In one, with c_k = t / (s k) and M = A - m, b_k = c_k M b_(k-1) and F = sum of b_k. Its
/// tangent is b_k' = c_k (M b_(k-1)' + dA b_(k-1)); backwards v_k = F_bar + c_(k+1) M^H v_(k+1), from the last k,
/// A_bar += sum of c_k v_k b_(k-1)^H, one product of v_1, v_2, ... beside each other with b_0, b_1, ...; and v_0 is the cotangent of what the
/// step began with. m is a constant: the result does not depend on it. By t the derivative is A F. So neither rule has
/// exp(t A) either, and with r columns of B reverse takes two products with A in place of one, and one of n^2 r
/// multiplications and additions for A_bar; it keeps the s matrices F.
///
/// ```
/// use difrules_linalg::exp_action;
/// use nalgebra::{dmatrix, dvector};
///
/// let a = dmatrix![0.0, 1.0; 0.0, 0.0];
/// assert_eq!(exp_action(3.0, &a, &dvector![1.0, 2.0])?, dvector![7.0, 2.0]);
/// # Ok::<(), difrules_linalg::Error>(())
/// ```
#[primitive(
    forward = exp_action_forward,
    reverse = exp_action_reverse,
    reads(t, a, b, return),
    instances(
        #[cfg(feature = "f32")] f32,
        f64,
        #[cfg(all(feature = "f32", feature = "complex"))] nalgebra::Complex<f32>,
        #[cfg(feature = "complex")] nalgebra::Complex<f64>,
    ),
    sample = sample
)]
pub fn exp_action<T: Scalar, D: Dim, C: Dim>(
    t: T,
    a: &OMatrix<T, D, D>,
    b: &OMatrix<T, D, C>,
) -> Result<OMatrix<T, D, C>, Error>
where
    DefaultAllocator: Allocator<D, D> + Allocator<D, C>,
{
    let size = square("a", a.shape())?;
    shape("b", b.shape(), (size, b.ncols()))?;
    if !t.is_finite() {
        return Err(Error::NotFinite { argument: "t", row: 0, column: 0 });
    }
    finite("a", a)?;
    finite("b", b)?;
    let steps = Steps::new(t, block(a), 0)?;
    let mut f = block(b).into_owned();
    for _ in 0..steps.count {
        f = steps.step(&f);
    }
    overflow("y", f.as_slice())?;
    Ok(shaped(b.shape_generic(), &f))
}

/// The degrees of Taylor polynomials, and the one-norm up to which the backward error of each is no larger than the unit
/// roundoff in double precision. Those of higher degrees need fewer products, but lose digits where terms cancel: these are
/// as large as exp of the bound.
const DEGREES: [(usize, f64); 6] =
    [(5, 2.4e-3), (10, 1.44e-1), (15, 6.41e-1), (20, 1.44), (25, 2.43), (30, 3.54)];

/// How the exponential is taken.
struct Steps<T: Scalar> {
    t: T,
    /// A - m.
    shifted: DMatrix<T>,
    /// exp(t m / s).
    factor: T,
    count: usize,
    degree: usize,
}

/// Most steps, of which each takes some fifty products.
const MOST: f64 = 1e6;

impl<T: Scalar> Steps<T> {
    /// With so many terms more than the value needs.
    ///
    /// # Errors
    /// [`Error::NoConvergence`] where t A is so large that nobody waits for it.
    fn new(t: T, a: DMatrixView<'_, T>, more: usize) -> Result<Self, Error> {
        let mut shifted = a.into_owned();
        let mean = mean_of_diagonal(&shifted);
        (0..shifted.nrows()).for_each(|i| shifted[(i, i)] -= mean);
        let norm = plain_one_norm(&shifted) * t.modulus().to_f64();
        let steps = |bound: f64| (norm / bound).ceil().max(1.0);
        let (mut found, mut least) = (DEGREES[0], f64::INFINITY);
        for (degree, bound) in DEGREES {
            let products = steps(bound) * degree as f64;
            if products < least {
                (found, least) = ((degree, bound), products);
            }
        }
        let count = steps(found.1);
        if count.is_nan() || count > MOST {
            return Err(Error::NoConvergence { sweeps: MOST as usize });
        }
        let factor = ComplexField::exp((t * mean).unscale(nalgebra::convert(count)));
        Ok(Self { t, shifted, factor, count: count as usize, degree: found.0 + more })
    }

    /// For a rule: the same steps, with as many more terms as the derivatives need.
    fn of_rule(t: T, a: DMatrixView<'_, T>) -> Self {
        Self::new(t, a, 2 + depth::<T::Real>()).expect(FIT)
    }

    /// t / (s k).
    fn coefficient(&self, k: usize) -> T {
        self.t.unscale(nalgebra::convert((self.count * k) as f64))
    }

    /// The next term of the series.
    fn next(&self, k: usize, b: &DMatrix<T>) -> DMatrix<T> {
        let c = self.coefficient(k);
        let mut next = times(&self.shifted, b);
        next.apply(|x| *x *= c);
        next
    }

    /// One step.
    fn step(&self, f: &DMatrix<T>) -> DMatrix<T> {
        let (mut sum, mut b) = (f.clone(), f.clone());
        for k in 1..=self.degree {
            b = self.next(k, &b);
            sum += &b;
        }
        sum.apply(|x| *x *= self.factor);
        sum
    }
}

fn exp_action_forward<T: Scalar, D: Dim, C: Dim>(
    t: T,
    a: &OMatrix<T, D, D>,
    b: &OMatrix<T, D, C>,
    y: &OMatrix<T, D, C>,
    t_dot: T,
    a_dot: &OMatrix<T, D, D>,
    b_dot: &OMatrix<T, D, C>,
) -> OMatrix<T, D, C>
where
    DefaultAllocator: Allocator<D, D> + Allocator<D, C>,
{
    let steps = Steps::of_rule(t, block(a));
    let moves = varies(a_dot);
    let a_dot = block(a_dot).into_owned();
    let (mut f, mut f_dot) = (block(b).into_owned(), block(b_dot).into_owned());
    if moves || varies(b_dot) {
        for _ in 0..steps.count {
            let (mut term, mut term_dot) = (f.clone(), f_dot.clone());
            for k in 1..=steps.degree {
                let mut next_dot = times(&steps.shifted, &term_dot);
                if moves {
                    add_product(&a_dot, &term, T::one(), &mut next_dot);
                    term = steps.next(k, &term);
                    f += &term;
                }
                let c = steps.coefficient(k);
                next_dot.apply(|x| *x *= c);
                f_dot += &next_dot;
                term_dot = next_dot;
            }
            f.apply(|x| *x *= steps.factor);
            f_dot.apply(|x| *x *= steps.factor);
        }
    }
    if !t_dot.is_constant_zero() {
        let slope = product((block(a), false), (block(y), false));
        f_dot.zip_apply(&slope, |x, slope| *x += t_dot * slope);
    }
    shaped(y.shape_generic(), &f_dot)
}

#[expect(clippy::too_many_arguments, reason = "what is read and a slot for each argument")]
fn exp_action_reverse<T: Scalar, D: Dim, C: Dim>(
    t: T,
    a: &OMatrix<T, D, D>,
    b: &OMatrix<T, D, C>,
    y: &OMatrix<T, D, C>,
    mut y_bar: Cotangent<'_, OMatrix<T, D, C>>,
    t_bar: Slot<'_, T>,
    a_bar: Slot<'_, OMatrix<T, D, D>>,
    b_bar: Slot<'_, OMatrix<T, D, C>>,
) where
    DefaultAllocator: Allocator<D, D> + Allocator<D, C>,
{
    let mut bar = buffer(&mut y_bar).into_owned();
    t_bar.add(|| pairing(&bar, &product((block(a), false), (block(y), false))));
    let (mut a_bar, mut b_bar) = (a_bar.buffer(), b_bar.buffer());
    if a_bar.is_none() && b_bar.is_none() {
        return;
    }
    let steps = Steps::of_rule(t, block(a));
    let (size, columns, degree) = (b.nrows(), b.ncols(), steps.degree);
    let mut starts = Vec::new();
    if a_bar.is_some() {
        starts.push(block(b).into_owned());
        for k in 1..steps.count {
            starts.push(steps.step(&starts[k - 1]));
        }
    }
    let beside = || DMatrix::<T>::zeros(size, columns * degree);
    let (mut terms, mut bars) = (beside(), beside());
    for _ in 0..steps.count {
        bar.apply(|x| *x *= steps.factor.conjugate());
        let mut last = bar.clone();
        for k in (1..=degree).rev() {
            let c = steps.coefficient(k).conjugate();
            let place = columns * (k - 1);
            bars.columns_mut(place, columns).zip_apply(&last, |v, x| *v = x * c);
            let mut next = product((block(&steps.shifted), true), (block(&last), false));
            next.zip_apply(&bar, |next, bar| *next = *next * c + bar);
            last = next;
        }
        if let (Some(a_bar), Some(start)) = (&mut a_bar, starts.pop()) {
            let mut term = start;
            for k in 1..=degree {
                terms.columns_mut(columns * (k - 1), columns).copy_from(&term);
                if k < degree {
                    term = steps.next(k, &term);
                }
            }
            let factors = ((block(&bars), false), (block(&terms), true));
            multiply(T::one(), factors.0, factors.1, T::one(), &mut buffer(a_bar));
        }
        bar = last;
    }
    if let Some(b_bar) = &mut b_bar {
        buffer(b_bar).zip_apply(&bar, |b_bar, x| *b_bar += x);
    }
}

fn sample<T: Scalar>(random: &mut Sampler) -> (T, DMatrix<T>, DMatrix<T>) {
    let (size, columns) = (random.choose(&[0, 1, 2, 3]), random.size(0, 2));
    let (t, mut a, b) =
        (random.normal::<T>(), random.matrix(size, size), random.matrix(size, columns));
    // One step of not many terms: the nestings take each several times.
    let size = plain_one_norm(&a) * t.modulus().to_f64() + plain_one_norm(&a);
    if size > 0.5 {
        let factor = nalgebra::convert(0.5 / size);
        a.apply(|x: &mut T| *x = x.scale(factor));
    }
    (t, a, b)
}
