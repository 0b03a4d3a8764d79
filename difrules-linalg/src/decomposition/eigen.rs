use difrules_core::diagnostic::{Diagnostic, jumps};
use difrules_core::{Cotangent, Differentiable, Scalar, Slot, primitive, report};
use nalgebra::allocator::Allocator;
use nalgebra::{
    Complex, ComplexField, DefaultAllocator, Dim, DimDiff, DimSub, OMatrix, OVector, U1,
};

use crate::algebra::eigen::{
    Alone, Left, eigenvectors, lift, lower, report_defective, vectors_jump,
};
use crate::algebra::hermitian_eigen::largest;
use crate::algebra::modulus::largest_modulus;
use crate::block::{block, block_mut, buffer, multiply, rests, still, varies};
use crate::error::Error;
use crate::sample;
use crate::tolerance::{asked_columns, undefined};

/// The factors of [`eigen`](fn@eigen): A V = V diag(w).
#[derive(Clone, Debug, PartialEq, Differentiable)]
pub struct Eigen<T, D>
where
    T: Scalar,
    D: Dim,
    DefaultAllocator: Allocator<D, D> + Allocator<D>,
{
    /// w, in the order of their real parts, then of their imaginary parts.
    pub eigenvalues: OVector<Complex<T::Real>, D>,
    /// V: columns of norm 1, of which the largest entry is real and positive.
    pub eigenvectors: OMatrix<Complex<T::Real>, D, D>,
}

/// The eigenvalues and eigenvectors of a general square A, real or complex; both are complex. Each vector
/// has norm 1 and the first of its largest entries real and positive. A real A has real vectors for real
/// eigenvalues, and pairs of conjugates.
///
/// Where eigenvalues repeat the vectors are a choice, or there are too few of them (A is defective), and
/// the eigenvalues themselves have no derivative: what has none is NaN and [reported](difrules_core::report) (the
/// tangents of eigenvalues that repeat are those of the values that the direction splits them into, in their order), and
/// so is the gradient of whatever depends on eigenvalues that are one with another, as V f(w) V^-1, since V and w
/// do not tell how that changes where they split. For a loss of the eigenvalues alone there is
/// [`complex_eigenvalues`](fn@crate::complex_eigenvalues).
///
/// A vector whose own value is apart from all others has derivatives that lose nothing by how close these are, that they
/// repeat, or that their vectors depend on each other.
///
/// # Errors
/// [`Error::NotSquare`]; [`Error::NotFinite`]; [`Error::NoConvergence`].
///
/// # Derivation
/// With P = V^-1 dA V, A V = V diag(w) gives dw_i = P_ii and V^-1 dV = F o P with F_ij = 1 / (w_j - w_i),
/// but for the length and phase of each vector (Magnus 1985, "On differentiating eigenvalues and
/// eigenvectors", theorem 2; Boeddeker et al. 2017, "On the computation of complex-valued gradients with
/// application to statistically optimum beamforming", section 4.18). These are v_j times
/// c_j = Re(v_j^H u_j) + i Im(u_kj) / v_kj, with u what that gives and k the place of the largest entry:
/// dV = U - V diag(c). Backwards, with s = v_bar^H v, u_bar = v_bar - Re(s) v + i Im(s) / v_k e_k, then with
/// G = V^H U_bar, A_bar = V^-H (diag(w_bar) + conj(F) o G) V^H, of which a real A has the real part. Where V is badly
/// conditioned vectors that are not go by equations of their own: (w - A) dv + v dw = dA v with v^H dv = 0. With
/// the inverse each rule takes 4 complex products and some 3 n^3 complex operations, 44 n^3 real ones, beside
/// some 25 n^3 of the primal for the Schur form and 10 n^3 for the vectors.
///
/// ```
/// use difrules_linalg::eigen;
/// use nalgebra::{Complex, dmatrix, dvector};
///
/// let turn = eigen(&dmatrix![0.0_f64, -1.0; 1.0, 0.0])?;
/// let i = Complex::new(0.0, 1.0);
/// assert!((turn.eigenvalues - dvector![-i, i]).norm() < 1e-15);
/// # Ok::<(), difrules_linalg::Error>(())
/// ```
#[primitive(
    forward = eigen_forward,
    reverse = eigen_reverse,
    reads(a, return),
    instances(
        #[cfg(feature = "f32")] f32,
        f64,
        #[cfg(all(feature = "f32", feature = "complex"))] nalgebra::Complex<f32>,
        #[cfg(feature = "complex")] nalgebra::Complex<f64>,
    ),
    sample = sample::square
)]
pub fn eigen<T: Scalar, D: DimSub<U1>>(a: &OMatrix<T, D, D>) -> Result<Eigen<T, D>, Error>
where
    DefaultAllocator:
        Allocator<D, D> + Allocator<D> + Allocator<DimDiff<D, U1>> + Allocator<D, DimDiff<D, U1>>,
{
    let (eigenvalues, eigenvectors) = eigenvectors(a)?;
    jumps("eigen", vectors_jump(a, &eigenvalues, &eigenvectors));
    Ok(Eigen { eigenvalues, eigenvectors })
}

fn eigen_forward<T: Scalar, D: Dim>(
    a: &OMatrix<T, D, D>,
    eigen: &Eigen<T, D>,
    a_dot: &OMatrix<T, D, D>,
) -> Eigen<T, D>
where
    DefaultAllocator: Allocator<D, D> + Allocator<D>,
{
    let Eigen { eigenvalues: w, eigenvectors: v } = eigen;
    let (size, _) = v.shape_generic();
    let zeros = || OMatrix::<Complex<T::Real>, D, D>::zeros_generic(size, size);
    let mut left = Left::new(a, w, v);
    let alone = Alone::new(&mut left, a, w, v);
    let is_alone = |j: usize| alone.as_ref().is_some_and(|alone| alone.contains(j));
    let (one, zero) = (Complex::from_real(nalgebra::one()), nalgebra::zero());
    let mut eigenvectors = zeros();
    let mut eigenvalues = OVector::from_element_generic(size, U1, undefined());
    if let Some(left) = &left {
        let (mut product, mut p) = (zeros(), zeros());
        let lifted = a_dot.map(lift);
        let factors = ((block(&lifted), false), (block(v), false));
        multiply(one, factors.0, factors.1, zero, &mut block_mut(&mut product));
        let factors = ((block(&left.inverse), false), (block(&product), false));
        multiply(one, factors.0, factors.1, zero, &mut block_mut(&mut p));
        for j in (0..size.value()).filter(|&j| is_alone(j)) {
            p.column_mut(j).fill(still());
        }
        eigenvalues.copy_from(&p.diagonal());
        let moved = largest_modulus(product.iter());
        let lost = left.split("eigen", moved, |i, j| p[(i, j)], &mut eigenvalues);
        left.over_gaps("eigen", w, false, &mut p);
        if !lost.is_empty() {
            let reason =
                "an eigenvalue repeats: along this direction its eigenvectors change places";
            report(Diagnostic::undefined("eigen", reason));
            lost.iter().for_each(|&j| p.column_mut(j).fill(undefined()));
        }
        p.fill_diagonal(zero);
        let vectors = &mut block_mut(&mut eigenvectors);
        multiply(one, (block(v), false), (block(&p), false), zero, vectors);
    } else {
        eigenvectors.fill(undefined());
        if !(0..size.value()).all(is_alone) {
            report_defective("eigen");
        }
    }
    if let Some(alone) = &alone {
        alone.forward(a_dot, v, |j, value_dot, vector_dot| {
            eigenvalues[j] = value_dot;
            block_mut(&mut eigenvectors).column_mut(j).copy_from(&vector_dot);
        });
    }
    for (mut u, v) in eigenvectors.column_iter_mut().zip(v.column_iter()) {
        let k = largest(v.iter());
        let change = Complex::new(v.dotc(&u).re, u[k].im / v[k].re);
        u.axpy(-change, &v, one);
    }
    Eigen { eigenvalues, eigenvectors }
}

fn eigen_reverse<T: Scalar, D: Dim>(
    a: &OMatrix<T, D, D>,
    eigen: &Eigen<T, D>,
    (values_bar, mut vectors_bar): Cotangent<'_, Eigen<T, D>>,
    a_bar: Slot<'_, OMatrix<T, D, D>>,
) where
    DefaultAllocator: Allocator<D, D> + Allocator<D>,
{
    let Some(mut a_bar) = a_bar.buffer() else { return };
    let Eigen { eigenvalues: w, eigenvectors: v } = eigen;
    let mut left = Left::new(a, w, v);
    let (size, _) = v.shape_generic();
    let zeros = || OMatrix::<Complex<T::Real>, D, D>::zeros_generic(size, size);
    let (one, zero) = (Complex::from_real(nalgebra::one()), nalgebra::zero());
    let mut u_bar = buffer(&mut vectors_bar);
    let repeats = left.as_ref().is_none_or(|left| left.repeats());
    let mut asked = asked_columns(repeats, u_bar.as_view());
    for (mut bar, v) in u_bar.column_iter_mut().zip(block(v).column_iter()) {
        if !varies(&bar) {
            continue;
        }
        let (k, along) = (largest(v.iter()), bar.dotc(&v));
        bar.axpy(-Complex::from_real(along.re), &v, one);
        bar[k].im += along.im / v[k].re;
    }
    let mut values_bar = values_bar.into_owned();
    if let Some(alone) = Alone::new(&mut left, a, w, v) {
        let bars = (values_bar.as_mut_slice(), Some(&mut u_bar));
        alone.reverse(v, bars.0, bars.1, &mut buffer(&mut a_bar));
        asked.iter_mut().enumerate().for_each(|(j, asked)| *asked &= !alone.contains(j));
    }
    let Some(left) = &mut left else {
        if asked.contains(&true) || varies(&u_bar) || !rests(values_bar.iter()) {
            report_defective("eigen");
            a_bar.apply(|bar| *bar += undefined::<T>());
        }
        return;
    };
    let (mut m, mut product) = (zeros(), zeros());
    multiply(one, (block(v), true), (u_bar.as_view(), false), zero, &mut block_mut(&mut m));
    for (j, bar) in u_bar.column_iter().enumerate() {
        if !varies(&bar) {
            m.column_mut(j).fill(zero);
        }
    }
    for (i, &value_bar) in values_bar.iter().enumerate() {
        m[(i, i)] = value_bar;
    }
    let known = left.over_gaps("eigen", w, true, &mut m);
    left.open("eigen", (&asked, known), &mut m);
    let nothing = |j: usize| !varies(&m.column(j)) && !varies(&m.row(j));
    let v = left.with_constants(v, nothing);
    multiply(one, (block(&m), false), (block(&v), true), zero, &mut block_mut(&mut product));
    let factors = ((block(&left.inverse), true), (block(&product), false));
    multiply(one, factors.0, factors.1, zero, &mut block_mut(&mut m));
    a_bar.zip_apply(&m, |bar, x| *bar += lower::<T>(x));
}
