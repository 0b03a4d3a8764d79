use difrules_core::diagnostic::jumps;
use difrules_core::{Cotangent, Real, Scalar, Slot, diagnosed, primitive};
use nalgebra::allocator::Allocator;
use nalgebra::{
    Complex, ComplexField, DefaultAllocator, Dim, DimDiff, DimSub, OMatrix, OVector, U1,
};

use crate::algebra::eigen::{
    Alone, Left, eigenvectors, lift, lower, report_defective, vectors_jump,
};
use crate::algebra::modulus::largest_modulus;
use crate::block::{block, block_mut, buffer, multiply, rests, still};
use crate::decomposition::eigen::eigen;
use crate::error::Error;
use crate::sample;
use crate::tolerance::undefined;

/// The eigenvalues of a general square A, real or complex, in the order of their real parts, then of their
/// imaginary parts.
///
/// Symmetric functions of eigenvalues that repeat, as their sum, have derivatives, which are right. Each alone has a kink
/// there: its tangents are those of the values that the direction splits it into, in their order, and a cotangent that is
/// not the same for all that are one gives NaN and is [reported](difrules_core::report). So is a derivative where there are too few eigenvectors
/// (A is defective).
///
/// # Errors
/// [`Error::NotSquare`]; [`Error::NotFinite`]; [`Error::NoConvergence`].
///
/// # Derivation
/// With the eigenvectors V, which are saved for the rules, dw = diag(V^-1 dA V) (Magnus 1985, "On
/// differentiating eigenvalues and eigenvectors", theorem 2), so A_bar = V^-H diag(w_bar) V^H, of which a
/// real A has the real part: an inverse and a complex product each, 29 n^3 real multiplications and
/// additions, beside some 35 n^3 of the primal with the vectors.
///
/// ```
/// use difrules_linalg::complex_eigenvalues;
/// use nalgebra::{Complex, dmatrix, dvector};
///
/// let values = complex_eigenvalues(&dmatrix![1.0_f64, -2.0; 2.0, 1.0])?;
/// let expected = dvector![Complex::new(1.0, -2.0), Complex::new(1.0, 2.0)];
/// assert!((values - expected).norm() < 1e-15);
/// # Ok::<(), difrules_linalg::Error>(())
/// ```
#[primitive(
    forward = complex_eigenvalues_forward,
    reverse = complex_eigenvalues_reverse,
    saves = values_and_vectors -> OMatrix<Complex<T::Real>, D, D>,
    reads(a, return),
    instances(
        #[cfg(feature = "f32")] f32,
        f64,
        #[cfg(all(feature = "f32", feature = "complex"))] nalgebra::Complex<f32>,
        #[cfg(feature = "complex")] nalgebra::Complex<f64>,
    ),
    sample = sample::square
)]
pub fn complex_eigenvalues<T: Scalar, D: DimSub<U1>>(
    a: &OMatrix<T, D, D>,
) -> Result<OVector<Complex<T::Real>, D>, Error>
where
    DefaultAllocator:
        Allocator<D, D> + Allocator<D> + Allocator<DimDiff<D, U1>> + Allocator<D, DimDiff<D, U1>>,
{
    values_and_vectors(a).map(|(values, _)| values)
}

#[expect(clippy::type_complexity, reason = "what an augmented primal returns")]
fn values_and_vectors<T: Scalar, D: DimSub<U1>>(
    a: &OMatrix<T, D, D>,
) -> Result<(OVector<Complex<T::Real>, D>, OMatrix<Complex<T::Real>, D, D>), Error>
where
    DefaultAllocator:
        Allocator<D, D> + Allocator<D> + Allocator<DimDiff<D, U1>> + Allocator<D, DimDiff<D, U1>>,
{
    let (values, vectors) = if <T::Real as Real>::BASE {
        eigenvectors(a)?
    } else {
        // Derivatives of the vectors, which a mode needs, are asked for by nobody else.
        let found = diagnosed(|| eigen(a)).0?;
        (found.eigenvalues, found.eigenvectors)
    };
    jumps("complex_eigenvalues", vectors_jump(a, &values, &vectors));
    Ok((values, vectors))
}

fn complex_eigenvalues_forward<T: Scalar, D: Dim>(
    a: &OMatrix<T, D, D>,
    values: &OVector<Complex<T::Real>, D>,
    vectors: &OMatrix<Complex<T::Real>, D, D>,
    a_dot: &OMatrix<T, D, D>,
) -> OVector<Complex<T::Real>, D>
where
    DefaultAllocator: Allocator<D, D> + Allocator<D>,
{
    let (size, _) = vectors.shape_generic();
    let mut product = OMatrix::<Complex<T::Real>, D, D>::zeros_generic(size, size);
    let mut left = Left::new(a, values, vectors);
    let alone = Alone::new(&mut left, a, values, vectors);
    let is_alone = |j: usize| alone.as_ref().is_some_and(|alone| alone.contains(j));
    let (one, lifted) = (Complex::from_real(nalgebra::one()), a_dot.map(lift));
    let factors = ((block(&lifted), false), (block(vectors), false));
    multiply(one, factors.0, factors.1, nalgebra::zero(), &mut block_mut(&mut product));
    let mut values_dot = OVector::from_fn_generic(size, U1, |i, _| match &left {
        Some(left) if !is_alone(i) => (0..size.value())
            .fold(nalgebra::zero(), |sum: Complex<T::Real>, k| {
                sum + left.inverse[(i, k)] * product[(k, i)]
            }),
        Some(_) => still(),
        None => undefined(),
    });
    if let Some(left) = &left {
        let entry = |i: usize, j: usize| {
            let terms = (0..size.value()).map(|k| left.inverse[(i, k)] * product[(k, j)]);
            terms.fold(nalgebra::zero(), |sum: Complex<T::Real>, term| sum + term)
        };
        let moved = largest_modulus(product.iter());
        left.split("complex_eigenvalues", moved, entry, &mut values_dot);
    } else if !(0..size.value()).all(is_alone) {
        report_defective("complex_eigenvalues");
    }
    if let Some(alone) = &alone {
        alone.forward(a_dot, vectors, |j, value_dot, _| values_dot[j] = value_dot);
    }
    values_dot
}

fn complex_eigenvalues_reverse<T: Scalar, D: Dim>(
    a: &OMatrix<T, D, D>,
    values: &OVector<Complex<T::Real>, D>,
    vectors: &OMatrix<Complex<T::Real>, D, D>,
    values_bar: Cotangent<'_, OVector<Complex<T::Real>, D>>,
    a_bar: Slot<'_, OMatrix<T, D, D>>,
) where
    DefaultAllocator: Allocator<D, D> + Allocator<D>,
{
    let Some(mut a_bar) = a_bar.buffer() else { return };
    let mut left = Left::new(a, values, vectors);
    let mut values_bar = values_bar.into_owned();
    if let Some(alone) = Alone::new(&mut left, a, values, vectors) {
        alone.reverse(vectors, values_bar.as_mut_slice(), None, &mut buffer(&mut a_bar));
    }
    let Some(mut left) = left else {
        if !rests(values_bar.iter()) {
            report_defective("complex_eigenvalues");
            a_bar.apply(|bar| *bar += undefined::<T>());
        }
        return;
    };
    left.without_defective("complex_eigenvalues", &mut values_bar);
    left.settle("complex_eigenvalues", &mut values_bar);
    let vectors = &left.with_constants(vectors, |j| values_bar[j].is_constant_zero());
    // V^-H diag(w_bar) is (diag(conj(w_bar)) V^-1)^H.
    for (mut row, value_bar) in left.inverse.row_iter_mut().zip(values_bar.iter()) {
        row.apply(|x| *x *= value_bar.conjugate());
    }
    let (size, _) = vectors.shape_generic();
    let mut m = OMatrix::<Complex<T::Real>, D, D>::zeros_generic(size, size);
    let one = Complex::from_real(nalgebra::one());
    // (V M)^H = M^H V^H, since a product of two adjoints is none of the kernel's.
    let factors = ((block(vectors), false), (block(&left.inverse), false));
    multiply(one, factors.0, factors.1, nalgebra::zero(), &mut block_mut(&mut m));
    for j in 0..m.ncols() {
        (0..m.nrows()).for_each(|i| a_bar[(i, j)] += lower::<T>(m[(j, i)].conjugate()));
    }
}
