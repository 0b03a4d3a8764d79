use difrules_core::testing::Sampler;
use difrules_core::{Cotangent, Real, Scalar, Slot, primitive};
use nalgebra::allocator::Allocator;
use nalgebra::{ComplexField, DMatrix, DMatrixView, DefaultAllocator, Dim, Dyn, OMatrix};

use crate::algebra::basis::{Balance, Basis, decoupled};
use crate::algebra::exponential::Exponential;
use crate::algebra::logarithm::LogarithmSteps;
use crate::algebra::matrix_function::{
    PlainWork, add_adjoint_derivative, along, apart_from_defective_zero, derivative_of_product,
    in_domain, is_finite, on_negative_axis, on_plain, times, value_of,
};
use crate::algebra::scaling::{exponent, is_single, times_power};
use crate::algebra::schur::unordered_schur_factors;
use crate::block::{block, buffer, pairing, shaped, varies};
use crate::decomposition::lu::lu;
use crate::error::{Error, finite, overflow, square};
use crate::function::ln::ln_and_steps;
use crate::function::pow::{PowSteps, pow_and_steps};
use crate::sample;
use crate::tolerance::plain;

/// A^p = exp(p ln A), the principal power of A to a real exponent. For a real A it is real. To an integer one of any
/// A: [`pow`](fn@crate::pow).
///
/// # Errors
/// [`Error::NotSquare`]; [`Error::NotFinite`], of `a` or of `p`; [`Error::OutsideDomain`] with an eigenvalue on the
/// closed negative axis, but for rounding; [`Error::NoConvergence`]; [`Error::Overflow`].
///
/// # Derivation
/// With the integer part k of p, A^p = A^k exp((p - k) ln A), of which the exponential is one of a small matrix (Higham
/// and Lin 2011, "A Schur-Pade algorithm for fractional powers of a matrix", split p in the same way), and a power of
/// two taken off A. The derivative L(A, E) is that of these: of the product, by the derivatives of
/// [`pow`](fn@crate::pow), [`exp`](fn@crate::exp) and [`ln`](fn@crate::ln). A_bar = L(A^H, Y_bar) = L(A, Y_bar^H)^H. By p the
/// derivative is Y ln A. All is in the basis that the logarithm has.
///
/// ```
/// use difrules_linalg::powf;
/// use nalgebra::dmatrix;
///
/// let a = dmatrix![1.0_f64, 4.0; 0.0, 1.0];
/// assert!((powf(&a, 0.25)? - dmatrix![1.0, 1.0; 0.0, 1.0]).norm() < 1e-15);
/// # Ok::<(), difrules_linalg::Error>(())
/// ```
#[primitive(
    forward = powf_forward,
    reverse = powf_reverse,
    saves = powf_and_steps -> PowerSteps<T>,
    reads(),
    instances(
        #[cfg(feature = "f32")] f32,
        f64,
        #[cfg(all(feature = "f32", feature = "complex"))] nalgebra::Complex<f32>,
        #[cfg(feature = "complex")] nalgebra::Complex<f64>,
    ),
    sample = sample
)]
pub fn powf<T: Scalar, D: Dim>(a: &OMatrix<T, D, D>, p: T::Real) -> Result<OMatrix<T, D, D>, Error>
where
    DefaultAllocator: Allocator<D, D>,
{
    powf_and_steps(a, p).map(|(y, _)| y)
}

/// What a power was made of: with a power of two c next to the mean modulus of the eigenvalues, the integer part k of p,
/// B = A / c and f = p - k, A^p = A^k B^f c^f. So what the exponential is taken of, f ln B, is small.
pub struct PowerSteps<T: Scalar> {
    /// The basis in which the others are.
    basis: Basis<T>,
    /// ln A.
    logarithm: DMatrix<T>,
    of_logarithm: LogarithmSteps<T>,
    fraction: T::Real,
    /// That of two in c.
    exponent: f64,
    /// c^f, and exp(f ln B).
    factor: T::Real,
    root: DMatrix<T>,
    of_root: Exponential<T>,
    /// A^k, and what it was made of.
    integer: i32,
    whole: DMatrix<T>,
    of_whole: PowSteps<T>,
}

#[expect(clippy::type_complexity, reason = "what an augmented primal returns")]
fn powf_and_steps<T: Scalar, D: Dim>(
    a: &OMatrix<T, D, D>,
    p: T::Real,
) -> Result<(OMatrix<T, D, D>, PowerSteps<T>), Error>
where
    DefaultAllocator: Allocator<D, D>,
{
    square("a", a.shape())?;
    finite("a", a)?;
    let exponent = p.to_f64();
    if !exponent.is_finite() {
        return Err(Error::NotFinite { argument: "p", row: 0, column: 0 });
    }
    // A power that is no i32 is one of the exponential alone, if it does not overflow.
    let integer = if exponent.abs() < 1e9 { exponent.trunc() as i32 } else { 0 };
    let fraction = p - nalgebra::convert(f64::from(integer));
    // All of it in one basis: so the rounding of that is one of A, not of parts of the power.
    let balance = Balance::of(block(a));
    let balanced = balance.inside(block(a));
    let mut found = on_plain::<Decoupled, T>(block(&balanced))?.into_iter();
    let [z, inverse, t] = [(); 3].map(|()| found.next().expect("three matrices"));
    let basis = Basis::new(balance, z, inverse);
    let all = basis.moving(block(a), t);
    let exponent = mean_exponent(&all)?;
    let lowered = all.map(|x| times_power(x, -exponent));
    let (mut logarithm, of_logarithm) = ln_and_steps::<T, Dyn>(&lowered)?;
    let (root, of_root) = Exponential::new(block(&logarithm.map(|x| x.scale(fraction))))?;
    let turn: T::Real = nalgebra::convert(exponent * std::f64::consts::LN_2);
    (0..all.nrows()).for_each(|i| logarithm[(i, i)] += T::from_real(turn));
    // As exact as that of plain numbers; how it moves with p is the second factor, which is one.
    let known = exponent.exp2().powf(fraction.to_f64());
    let moving = fraction - nalgebra::convert(fraction.to_f64());
    let factor = ComplexField::exp(moving * turn) * nalgebra::convert(known);
    let (whole, of_whole) = pow_and_steps::<T, Dyn>(&all, integer)?;
    let y = basis.outside(&times(&whole, &root).map(|x| x.scale(factor)));
    overflow("y", y.as_slice())?;
    let y = value_of(a, &y, |a| powf(a, p))?;
    let steps = PowerSteps {
        basis,
        logarithm,
        of_logarithm,
        fraction,
        exponent,
        factor,
        root,
        of_root,
        integer,
        whole,
        of_whole,
    };
    Ok((y, steps))
}

/// The exponent of a power of two next to the geometric mean of the moduli of the eigenvalues, by the determinant; zero
/// where that is zero.
fn mean_exponent<T: Scalar>(a: &DMatrix<T>) -> Result<f64, Error> {
    let factors = lu::<T, Dyn, Dyn>(&a.map(plain))?;
    let pivots = factors.packed.diagonal();
    let sum: f64 = pivots.iter().map(|x| x.modulus().to_f64().log2()).sum();
    let mean = (sum / pivots.len().max(1) as f64).round();
    let most = if is_single::<T::Real>() { 100.0 } else { 1000.0 };
    Ok(if mean.is_finite() { mean.clamp(-most, most) } else { 0.0 })
}

impl<T: Scalar> PowerSteps<T> {
    /// The derivative along E, with p fixed. E / c may be none of the numbers, as c^f and A^k make up for it: along E times
    /// a power of two of the size of A what comes is of the size of what it is the derivative of.
    fn derivative(&self, e: DMatrixView<'_, T>) -> DMatrix<T> {
        let e = self.basis.inside(e);
        let found = self.derivative_by(&e, self.exponent - exponent(e.iter()));
        let found = if found.iter().all(is_finite) { found } else { self.derivative_by(&e, 0.0) };
        self.basis.outside(&found)
    }

    /// That in the basis, by the one along E times a power of two.
    fn derivative_by(&self, e: &DMatrix<T>, level: f64) -> DMatrix<T> {
        let e = e.map(|x| times_power(x, level));
        let scaled = e.map(|x| times_power(x, -self.exponent));
        let by_root = self.of_logarithm.derivative(block(&scaled)).map(|x| x.scale(self.fraction));
        let root_dot = self.of_root.derivative(block(&self.root), block(&by_root));
        let whole_dot = self.of_whole.derivative(self.integer, block(&e));
        let y_dot = derivative_of_product((&self.whole, &whole_dot), (&self.root, &root_dot));
        y_dot.map(|x| times_power(x.scale(self.factor), -level))
    }

    /// The derivative by p, Y ln A.
    fn by_exponent(&self) -> DMatrix<T> {
        let power = times(&self.whole, &self.root).map(|x| x.scale(self.factor));
        self.basis.outside(&times(&power, &self.logarithm))
    }
}

/// The Schur form without what is between eigenvalues of different sizes.
struct Decoupled;

impl PlainWork for Decoupled {
    fn run<T: Scalar>(a: DMatrixView<'_, T>) -> Result<Vec<DMatrix<T>>, Error> {
        let (q, t) = unordered_schur_factors(a)?;
        in_domain("powf", &q, &t, on_negative_axis)?;
        apart_from_defective_zero("powf", &q, &t)?;
        Ok(decoupled(q, t).into())
    }
}

fn powf_forward<T: Scalar, D: Dim>(
    steps: &PowerSteps<T>,
    a_dot: &OMatrix<T, D, D>,
    p_dot: T::Real,
) -> OMatrix<T, D, D>
where
    DefaultAllocator: Allocator<D, D>,
{
    let mut y_dot = DMatrix::zeros(a_dot.nrows(), a_dot.ncols());
    if varies(a_dot) {
        y_dot = along(block(a_dot), |e| steps.derivative(e));
    }
    if !p_dot.is_constant_zero() {
        let slope = steps.by_exponent();
        y_dot.zip_apply(&slope, |x, slope| *x += slope.scale(p_dot));
    }
    shaped(a_dot.shape_generic(), &y_dot)
}

fn powf_reverse<T: Scalar, D: Dim>(
    steps: &PowerSteps<T>,
    mut y_bar: Cotangent<'_, OMatrix<T, D, D>>,
    a_bar: Slot<'_, OMatrix<T, D, D>>,
    p_bar: Slot<'_, T::Real>,
) where
    DefaultAllocator: Allocator<D, D>,
{
    p_bar.add(|| {
        let slope = steps.by_exponent();
        pairing(&buffer(&mut y_bar), &slope).real()
    });
    add_adjoint_derivative(&mut y_bar, a_bar, |e| steps.derivative(e));
}

fn sample<T: Scalar>(random: &mut Sampler) -> (DMatrix<T>, T::Real) {
    (sample::principal(random), random.between(-2.0, 3.0))
}
