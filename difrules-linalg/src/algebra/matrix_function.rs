//! What the functions of a matrix share. Their work is on matrices of dynamic size, whatever the argument is.
//!
//! With L(A, E) the derivative of f(A) along E, the adjoint of E -> L(A, E) is E -> L(A^H, E) (Higham 2008,
//! Functions of Matrices, section 3.2), and for f that is real on the real axis L(A^H, E) = L(A, E^H)^H. So a
//! reverse rule is the forward rule between adjoints, with the same saved work.

use approx::AbsDiffEq;
use difrules_core::contract::Kind;
use difrules_core::{Cotangent, Real, Scalar, Slot, diagnosed};
use nalgebra::allocator::Allocator;
use nalgebra::{Complex, DMatrix, DMatrixView, DefaultAllocator, Dim, Dyn, OMatrix};

use crate::algebra::modulus::largest_modulus;
use crate::algebra::scaling::{exponent, is_single, times_power};
use crate::algebra::schur::rounding_sizes;
use crate::algebra::sylvester::eigenvalues;
use crate::block::{block, block_mut, buffer, multiply, product, shaped};
use crate::error::Error;
use crate::systems::inverse::inverse;
use crate::tolerance::{Gap, gap_of, moduli, plain};

/// The value of a function: what was found, or in a mode what the same primitive says one mode further in.
pub(crate) fn value_of<T: Scalar, D: Dim>(
    a: &OMatrix<T, D, D>,
    found: &DMatrix<T>,
    further_in: impl FnOnce(&OMatrix<T, D, D>) -> Result<OMatrix<T, D, D>, Error>,
) -> Result<OMatrix<T, D, D>, Error>
where
    DefaultAllocator: Allocator<D, D>,
{
    if <T::Real as Real>::BASE { Ok(shaped(a.shape_generic(), found)) } else { further_in(a) }
}

/// Whether a number is finite, and its derivatives are.
pub(crate) fn is_finite<T: Scalar>(x: &T) -> bool {
    fn finite<S: Real>(x: &S) -> bool {
        x.is_finite() && x.tangents().iter().all(finite)
    }
    T::parts_of(std::slice::from_ref(x)).iter().all(finite)
}

/// L(A, E) from the steps that make it, which are linear in E. Where some of its entries overflow, the steps meet
/// infinities that they multiply by zero or take off each other: then those along E over a power of two tell what the
/// entries are, but for zeros beside numbers that are so large that these may be all that is left of what was not zero.
pub(crate) fn along<T: Scalar>(
    e: DMatrixView<'_, T>,
    derivative: impl Fn(DMatrixView<'_, T>) -> DMatrix<T>,
) -> DMatrix<T> {
    let mut found = derivative(e);
    if found.iter().all(is_finite) || !e.iter().all(is_finite) {
        return found;
    }
    let single = is_single::<T::Real>();
    let powers = if single { [40.0, 70.0, 100.0] } else { [300.0, 600.0, 900.0] };
    let most = if single { 160.0 } else { 1300.0 };
    for power in powers.map(|power| exponent(e.iter()) + power) {
        let lowered = e.map(|x| times_power(x, -power));
        // What there is to report has been.
        let (again, _) = diagnosed(|| derivative(block(&lowered)));
        let lost = exponent(again.iter()) - exponent(lowered.iter()) > most;
        found.zip_apply(&again, |x, y| {
            if !(is_finite(x) || lost && y.is_zero()) {
                *x = times_power(y, power);
            }
        });
        if again.iter().all(is_finite) {
            break;
        }
    }
    found
}

/// Adds L(A^H, Y_bar) to A_bar, with the function E -> L(A, E).
pub(crate) fn add_adjoint_derivative<T: Scalar, D: Dim>(
    y_bar: &mut Cotangent<'_, OMatrix<T, D, D>>,
    a_bar: Slot<'_, OMatrix<T, D, D>>,
    derivative: impl Fn(DMatrixView<'_, T>) -> DMatrix<T>,
) where
    DefaultAllocator: Allocator<D, D>,
{
    let Some(mut a_bar) = a_bar.buffer() else { return };
    let adjoint = derivative(block(&buffer(y_bar).adjoint()));
    let mut a_bar = buffer(&mut a_bar);
    for j in 0..adjoint.ncols() {
        let row = adjoint.row(j);
        a_bar.column_mut(j).iter_mut().zip(row.iter()).for_each(|(x, y)| *x += y.conjugate());
    }
}

/// The largest sum of the moduli of a column, as a plain number.
pub(crate) fn plain_one_norm<T: Scalar>(a: &DMatrix<T>) -> f64 {
    let mut most: f64 = 0.0;
    let mut look = |sum: f64| most = if sum > most || sum.is_nan() { sum } else { most };
    // Four columns at once, as an addition has to wait for the one before.
    let whole = a.ncols() / 4 * 4;
    for j in (0..whole).step_by(4) {
        let mut sums = [0.0; 4];
        for i in 0..a.nrows() {
            (0..4).for_each(|l| sums[l] += a[(i, j + l)].modulus().to_f64());
        }
        sums.into_iter().for_each(&mut look);
    }
    for j in whole..a.ncols() {
        look(a.column(j).iter().fold(0.0, |sum, x| sum + x.modulus().to_f64()));
    }
    most
}

/// The mean of the diagonal, a plain number.
pub(crate) fn mean_of_diagonal<T: Scalar>(a: &DMatrix<T>) -> T {
    let size = a.nrows();
    let part: T::Real = nalgebra::convert(1.0 / size.max(1) as f64);
    // Of each its part, so that the sum does not overflow.
    (0..size).fold(T::zero(), |sum, i| sum + plain(a[(i, i)]).scale(part))
}

/// The sum of matrices times numbers, and of a number times the identity.
pub(crate) fn combination<T: Scalar>(identity: f64, terms: &[(f64, &DMatrix<T>)]) -> DMatrix<T> {
    let (factor, first) = terms[0];
    let factor: T::Real = nalgebra::convert(factor);
    let mut sum = first.map(|x| x.scale(factor));
    for &(factor, term) in &terms[1..] {
        let factor: T::Real = nalgebra::convert(factor);
        sum.zip_apply(term, |sum, x| *sum += x.scale(factor));
    }
    if identity != 0.0 {
        let one: T = nalgebra::convert(identity);
        (0..sum.nrows()).for_each(|i| sum[(i, i)] += one);
    }
    sum
}

/// A B.
pub(crate) fn times<T: Scalar>(a: &DMatrix<T>, b: &DMatrix<T>) -> DMatrix<T> {
    product((block(a), false), (block(b), false))
}

/// C <- A B + beta C.
pub(crate) fn add_product<T: Scalar>(a: &DMatrix<T>, b: &DMatrix<T>, beta: T, c: &mut DMatrix<T>) {
    multiply(T::one(), (block(a), false), (block(b), false), beta, &mut block_mut(c));
}

/// dA B + A dB, the derivative of a product.
pub(crate) fn derivative_of_product<T: Scalar>(
    (a, a_dot): (&DMatrix<T>, &DMatrix<T>),
    (b, b_dot): (&DMatrix<T>, &DMatrix<T>),
) -> DMatrix<T> {
    let mut y_dot = times(a_dot, b);
    add_product(a, b_dot, T::one(), &mut y_dot);
    y_dot
}

/// Work on plain numbers, which rules take for constant in every mode.
pub(crate) trait PlainWork {
    /// Matrices that are made of A.
    fn run<T: Scalar>(a: DMatrixView<'_, T>) -> Result<Vec<DMatrix<T>>, Error>;
}

/// A number of the kind of T, one mode further in.
type Inner<T> = <<T as Scalar>::Kind as Kind>::Of<<<T as Scalar>::Real as Real>::Inner>;

/// Does plain work on the plain numbers of A.
pub(crate) fn on_plain<W: PlainWork, T: Scalar>(
    a: DMatrixView<'_, T>,
) -> Result<Vec<DMatrix<T>>, Error> {
    if <T::Real as Real>::BASE {
        return W::run(a);
    }
    let inside = a.map(|mut x| {
        let mut y = <Inner<T> as num_traits::Zero>::zero();
        y.parts_mut().iter_mut().zip(x.parts_mut()).for_each(|(y, x)| *y = x.inner());
        y
    });
    let outside = |mut x: Inner<T>| {
        let mut y = T::zero();
        let parts = y.parts_mut().iter_mut().zip(x.parts_mut());
        parts.for_each(|(y, x)| *y = <T::Real as Real>::from_inner(*x));
        y
    };
    let found = on_plain::<W, Inner<T>>(block(&inside))?;
    Ok(found.into_iter().map(|m| m.map(outside)).collect())
}

/// In how many modes a number is.
pub(crate) fn depth<S: Real>() -> usize {
    if S::BASE { 0 } else { 1 + depth::<S::Inner>() }
}

/// The size of A that derivatives of A^degree along `count` directions depend on, with the one-norms of A and of its powers
/// 2, 4, ...
///
/// They are sums of A^i E A^j E .. A^k, each with all but `count` of the factors. Of a nilpotent A such a term need not be
/// zero where A^degree is, nor small where that is small. It is the size of the multiple of the identity of which the norms
/// of the parts give the same bound of the sum.
pub(crate) fn size_in_derivative(
    size: f64,
    even: &[DMatrix<impl Scalar>],
    degree: usize,
    count: usize,
) -> f64 {
    if size == 0.0 {
        return 0.0;
    }
    let rest = degree - count;
    // Of each power over that of the size.
    let mut norms = vec![1.0; rest + 1];
    for power in 2..=rest {
        let known = if power % 2 == 0 { even.get(power / 2 - 1) } else { None };
        let known = known.map_or(1.0, |m| plain_one_norm(m) / size.powi(power as i32));
        norms[power] = (1..power).fold(known, |least, i| least.min(norms[i] * norms[power - i]));
    }
    let with = |sums: &[f64], norms: &[f64]| -> Vec<f64> {
        (0..=rest).map(|sum| (0..=sum).map(|i| sums[i] * norms[sum - i]).sum()).collect()
    };
    let all = |norms: &[f64]| (0..count).fold(norms.to_vec(), |sums, _| with(&sums, norms))[rest];
    size * (all(&norms) / all(&vec![1.0; rest + 1])).powf(1.0 / rest as f64)
}

/// Demands that a function has a value for A = Q T Q^H: it says of each eigenvalue, and of a test whether a number is
/// zero beside what the eigenvalue is a sum of, whether it has none.
///
/// # Errors
/// [`Error::OutsideDomain`].
pub(crate) fn in_domain<T: Scalar>(
    function: &'static str,
    q: &DMatrix<T>,
    t: &DMatrix<T>,
    has_none: impl Fn(Complex<f64>, &dyn Fn(f64) -> bool) -> bool,
) -> Result<(), Error> {
    let count = t.nrows();
    let sizes = rounding_sizes(Some(block(q)), block(t));
    for (eigenvalue, size) in eigenvalues((block(t), false)).into_iter().zip(sizes) {
        let is_zero = |x: f64| gap_of::<T::Real>(x.abs(), size, count) == Gap::Nothing;
        if has_none(eigenvalue, &is_zero) {
            return Err(Error::OutsideDomain { function, eigenvalue });
        }
    }
    Ok(())
}

/// Demands that A = Q T Q^H is not, but for rounding, one of which zero is a defective eigenvalue: a few of T's that are
/// near zero are all rounding then, and so is a function that is not smooth there.
///
/// A relative change epsilon of the entries of A moves T by up to epsilon |Q|^H |Q| |T| |Q|^H |Q|, entry by entry, and may
/// make it singular if the spectral radius of that after |T^-1| is one. It has what is below the diagonal too, unless Q has
/// none itself: a triangle that is given is as exact as its diagonal. An eigenvalue that is zero by itself, which `sizes` says
/// what it is a sum of, is no concern here.
///
/// # Errors
/// [`Error::OutsideDomain`].
pub(crate) fn apart_from_defective_zero<T: Scalar>(
    function: &'static str,
    q: &DMatrix<T>,
    t: &DMatrix<T>,
) -> Result<(), Error> {
    /// So many squares tell a spectral radius.
    const SQUARES: usize = 7;
    let count = t.nrows();
    let rounding = T::Real::default_epsilon().to_f64() * count as f64;
    let values = eigenvalues((block(t), false));
    let most = values.iter().fold(0.0, |most: f64, value| most.max(value.norm()));
    let all = largest_modulus(t.iter());
    // Of the smallest, as a root of a rounding of the third degree is.
    let is_small = |value: &&Complex<f64>| value.norm() <= rounding.cbrt() * most.max(all);
    if values.iter().filter(is_small).count() < 2 {
        return Ok(());
    }
    let sizes = rounding_sizes(Some(block(q)), block(t));
    let mut apart = t.clone();
    for (k, value) in values.iter().enumerate() {
        let alone = gap_of::<T::Real>(value.norm(), sizes[k], count) == Gap::Nothing;
        if alone {
            apart[(k, k)] = nalgebra::convert(sizes[k].max(all));
        }
    }
    let Ok(inverse) = inverse::<T, Dyn>(&apart) else { return Ok(()) };
    let overlap = moduli(block(q));
    let overlap = overlap.tr_mul(&overlap);
    let mut m = moduli(block(&inverse)) * (&overlap * moduli(block(t)) * &overlap) * rounding;
    let mut logarithm = 0.0;
    for _ in 0..SQUARES {
        let size = m.max();
        if size == 0.0 || !size.is_finite() {
            break;
        }
        m /= size;
        logarithm = (logarithm + size.ln()) * 2.0;
        m = &m * &m;
    }
    let radius = (logarithm + m.max().ln()) / f64::from(1 << SQUARES);
    if radius < 0.0 || radius.is_nan() {
        return Ok(());
    }
    let smallest = values.iter().min_by(|a, b| a.norm().total_cmp(&b.norm()));
    let eigenvalue = smallest.copied().unwrap_or_default();
    Err(Error::OutsideDomain { function, eigenvalue })
}

/// Whether an eigenvalue is on the closed negative axis, where powers and logarithms have no principal value.
pub(crate) fn on_negative_axis(eigenvalue: Complex<f64>, is_zero: &dyn Fn(f64) -> bool) -> bool {
    is_zero(eigenvalue.norm()) || (eigenvalue.re < 0.0 && is_zero(eigenvalue.im))
}
