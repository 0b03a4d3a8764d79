use difrules_core::diagnostic::jumps;
use difrules_core::{Cotangent, Real, Scalar, Slot, diagnosed, primitive};
use nalgebra::allocator::Allocator;
use nalgebra::{
    DMatrixView, DMatrixViewMut, DefaultAllocator, Dim, DimMin, DimMinimum, DimSub, OMatrix, U1,
};

use crate::algebra::modulus::largest_modulus;
use crate::algebra::scaling::{of_smaller_rows, sizes_of_columns, sizes_of_rows};
use crate::algebra::svd::{unitary_factor, unitary_factor_again};
use crate::block::{block, block_mut, buffer, multiply, product};
use crate::decomposition::svd::{Svd, svd};
use crate::dimensions::SvdAllocator;
use crate::error::Error;
use crate::sample;
use crate::tolerance::{Gap, Quotients, Sizes, asks, plain, undefined};

/// (U, P) of the right polar decomposition A = U P, for an A of any shape: P = (A^H A)^(1/2) is Hermitian
/// positive semidefinite, and U has orthonormal columns, or rows if A is wide.
///
/// Singular values that repeat do not matter: at a unitary matrix the derivatives are exact, of any order. Where one
/// is zero P has a kink, as the modulus of a number has, and U is a choice, of a sign if A is real and square and
/// only one is: along directions that change that value, and for cotangents that ask for it, the derivatives are NaN
/// and this is [reported](difrules_core::report).
///
/// # Errors
/// [`Error::NotFinite`]; [`Error::NoConvergence`].
///
/// # Derivation
/// With the factors A = W S V^H, which the primal saves, U = W V^H, and
/// dU = W Omega V^H + (1 - W W^H) dA V S^-1 V^H + W S^-1 W^H dA (1 - V V^H) with
/// Omega_ij = (D - D^H)_ij / (s_i + s_j), D = W^H dA V (Kenney and Laub 1991, "Polar decomposition and
/// matrix sign function condition estimates", for square A; the rest: `unitary_factor` in
/// `src/singular.rs`). The map is its own adjoint. P = U^H A gives dP = dU^H A + U^H dA, and backwards
/// A P_bar^H is added to U_bar and U P_bar to A_bar. For a square A each rule takes six products,
/// 12 n^3 multiplications and additions, beside some 20 n^3 of the primal.
///
/// ```
/// use difrules_linalg::polar;
/// use nalgebra::dmatrix;
///
/// let (u, p) = polar(&dmatrix![0.0_f64, -3.0; 2.0, 0.0])?;
/// assert!((u - dmatrix![0.0, -1.0; 1.0, 0.0]).norm() < 1e-15);
/// assert!((p - dmatrix![2.0, 0.0; 0.0, 3.0]).norm() < 1e-15);
/// # Ok::<(), difrules_linalg::Error>(())
/// ```
#[primitive(
    forward = polar_forward,
    reverse = polar_reverse,
    saves = polar_and_factors -> Svd<T, R, C>,
    reads(a, return),
    instances(
        #[cfg(feature = "f32")] f32,
        f64,
        #[cfg(all(feature = "f32", feature = "complex"))] nalgebra::Complex<f32>,
        #[cfg(feature = "complex")] nalgebra::Complex<f64>,
    ),
    sample = sample::matrix
)]
pub fn polar<T: Scalar, R: DimMin<C>, C: Dim>(
    a: &OMatrix<T, R, C>,
) -> Result<(OMatrix<T, R, C>, OMatrix<T, C, C>), Error>
where
    DimMinimum<R, C>: DimSub<U1>,
    DefaultAllocator: SvdAllocator<R, C> + Allocator<C, C>,
{
    polar_and_factors(a).map(|(factors, _)| factors)
}

#[expect(clippy::type_complexity, reason = "what an augmented primal returns")]
fn polar_and_factors<T: Scalar, R: DimMin<C>, C: Dim>(
    a: &OMatrix<T, R, C>,
) -> Result<((OMatrix<T, R, C>, OMatrix<T, C, C>), Svd<T, R, C>), Error>
where
    DimMinimum<R, C>: DimSub<U1>,
    DefaultAllocator: SvdAllocator<R, C> + Allocator<C, C>,
{
    if !<T::Real as Real>::BASE {
        // In a mode it is the same primitive, one mode further in; the rules read plain factors alone.
        return Ok((polar(a)?, svd(&a.map(plain))?));
    }
    let svd = diagnosed(|| svd(a)).0?;
    let (rows, columns) = a.shape_generic();
    let mut u = OMatrix::zeros_generic(rows, columns);
    let mut p = OMatrix::zeros_generic(columns, columns);
    let (one, zero, v_t) = (T::one(), T::zero(), block(&svd.v_t));
    multiply(one, (block(&svd.u), false), (v_t, false), zero, &mut block_mut(&mut u));
    let mut scaled = svd.v_t.clone();
    for (mut row, &s) in scaled.row_iter_mut().zip(svd.singular_values.iter()) {
        row.apply(|x| *x = x.scale(s));
    }
    multiply(one, (v_t, true), (block(&scaled), false), zero, &mut block_mut(&mut p));
    make_diagonal_real(&mut block_mut(&mut p));
    let values = svd.singular_values.as_slice();
    let sizes = Sizes::of_singular_values(values, block(&svd.u), block(&svd.v_t));
    jumps("polar", sizes.sums_vanish(values));
    Ok(((u, p), svd))
}

/// Takes off what rounding makes of the diagonal of a Hermitian matrix, and what a cotangent of it asks in vain.
fn make_diagonal_real<T: Scalar>(p: &mut DMatrixViewMut<'_, T>) {
    (0..p.nrows()).for_each(|j| p[(j, j)] = T::from_real(p[(j, j)].real()));
}

/// The tangent of U from that of A, and the cotangent of A from that of U.
fn unitary<T: Scalar, R: DimMin<C>, C: Dim>(
    a: &OMatrix<T, R, C>,
    (u, p): &(OMatrix<T, R, C>, OMatrix<T, C, C>),
    svd: &Svd<T, R, C>,
    a_dot: DMatrixView<'_, T>,
) -> OMatrix<T, R, C>
where
    DefaultAllocator: Allocator<R, C>
        + Allocator<C, C>
        + Allocator<R, DimMinimum<R, C>>
        + Allocator<DimMinimum<R, C>, C>
        + Allocator<DimMinimum<R, C>>
        + Allocator<DimMinimum<R, C>, DimMinimum<R, C>>,
{
    let Svd { u: w, singular_values: values, v_t } = svd;
    if <T::Real as Real>::BASE {
        return unitary_factor("polar", w, values, v_t, a_dot);
    }
    let (rows, columns) = u.shape_generic();
    let sizes = Sizes::of_singular_values(values.as_slice(), block(w), block(v_t));
    let values = values.as_slice();
    let (by_rows, by_columns) = (sizes_of_rows(a), sizes_of_columns(a));
    let moved = if rows.value() > columns.value()
        || rows.value() == columns.value() && range(&by_rows) <= range(&by_columns)
    {
        let v = block(v_t).adjoint();
        let right = of_smaller_rows(&by_columns, &block(p).adjoint());
        unitary_factor_again("polar", block(u), block(&right), values, block(&v), &sizes, a_dot)
    } else {
        // A^H = U^H (A U^H), where the positive factor has the sizes of the rows.
        let left = product((block(a), false), (block(u), true));
        let left = of_smaller_rows(&by_rows, &left);
        let (u, a_dot) = (block(u).adjoint(), a_dot.adjoint());
        let (u, w, a_dot) = (block(&u), block(w), block(&a_dot));
        unitary_factor_again("polar", u, block(&left), values, w, &sizes, a_dot).adjoint()
    };
    OMatrix::from_fn_generic(rows, columns, |i, j| moved[(i, j)])
}

/// How many times larger the largest is than the smallest.
fn range(sizes: &[f64]) -> f64 {
    let largest = sizes.iter().fold(0.0, |largest: f64, &size| largest.max(size));
    sizes.iter().fold(1.0, |most: f64, &size| most.max(largest / size))
}

fn polar_forward<T: Scalar, R: DimMin<C>, C: Dim>(
    a: &OMatrix<T, R, C>,
    factors: &(OMatrix<T, R, C>, OMatrix<T, C, C>),
    svd: &Svd<T, R, C>,
    a_dot: &OMatrix<T, R, C>,
) -> (OMatrix<T, R, C>, OMatrix<T, C, C>)
where
    DefaultAllocator: Allocator<R, C>
        + Allocator<C, C>
        + Allocator<R, DimMinimum<R, C>>
        + Allocator<DimMinimum<R, C>, C>
        + Allocator<DimMinimum<R, C>>
        + Allocator<DimMinimum<R, C>, DimMinimum<R, C>>,
{
    let u_dot = unitary(a, factors, svd, block(a_dot));
    let (u, p) = factors;
    let (columns, _) = p.shape_generic();
    let mut p_dot = OMatrix::zeros_generic(columns, columns);
    let (one, zero) = (T::one(), T::zero());
    multiply(one, (block(&u_dot), true), (block(a), false), zero, &mut block_mut(&mut p_dot));
    multiply(one, (block(u), true), (block(a_dot), false), one, &mut block_mut(&mut p_dot));
    make_diagonal_real(&mut block_mut(&mut p_dot));
    (u_dot, p_dot)
}

fn polar_reverse<T: Scalar, R: DimMin<C>, C: Dim>(
    a: &OMatrix<T, R, C>,
    factors: &(OMatrix<T, R, C>, OMatrix<T, C, C>),
    svd: &Svd<T, R, C>,
    (mut u_bar, mut p_bar): Cotangent<'_, (OMatrix<T, R, C>, OMatrix<T, C, C>)>,
    a_bar: Slot<'_, OMatrix<T, R, C>>,
) where
    DefaultAllocator: Allocator<R, C>
        + Allocator<C, C>
        + Allocator<R, DimMinimum<R, C>>
        + Allocator<DimMinimum<R, C>, C>
        + Allocator<DimMinimum<R, C>>
        + Allocator<DimMinimum<R, C>, DimMinimum<R, C>>,
{
    let Some(mut a_bar) = a_bar.buffer() else { return };
    let (u, _) = factors;
    let (mut u_bar, mut p_bar) = (buffer(&mut u_bar), buffer(&mut p_bar));
    make_diagonal_real(&mut p_bar);
    let asked = asks(u_bar.iter());
    let (one, p_bar) = (T::one(), p_bar.as_view());
    multiply(one, (block(a), false), (p_bar, true), one, &mut u_bar);
    multiply(one, (block(u), false), (p_bar, false), one, &mut buffer(&mut a_bar));
    a_bar += unitary(a, factors, svd, u_bar.as_view());
    // What is left of P where a singular value is zero is the modulus of a number, or of several.
    let Svd { u: w, singular_values: values, v_t } = svd;
    let sizes = Sizes::of_singular_values(values.as_slice(), block(w), block(v_t));
    let is_zero = |i: &usize| sizes.gap(*i, *i, values[*i]) == Gap::Nothing;
    let Some(first) = (0..values.len()).find(is_zero) else { return };
    let last = block(v_t).rows(first, values.len() - first).into_owned();
    let along = product((block(&last), false), (p_bar, false));
    let along = product((block(&along), false), (block(&last), true));
    let mut quotients = Quotients::new::<T::Real>("polar", largest_modulus(p_bar.iter()));
    let mut kink = T::zero();
    along.iter().for_each(|&x| kink += quotients.over_nothing(x));
    if asked {
        quotients.lose(1.0);
        kink += undefined();
    }
    a_bar.apply(|x| *x += kink);
    quotients.report(|| "a singular value is zero: there the unitary factor jumps and the positive one has a kink");
}
