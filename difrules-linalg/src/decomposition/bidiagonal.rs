use difrules_core::contract::Kind;
use difrules_core::diagnostic::jumps;
use difrules_core::{Cotangent, Differentiable, Real, Scalar, Slot, primitive};
use nalgebra::allocator::Allocator;
use nalgebra::{
    DMatrix, DefaultAllocator, Dim, DimDiff, DimMin, DimMinimum, DimSub, OMatrix, OVector, U1,
};

use crate::algebra::bidiagonal::{Band, Jump, bidiagonal_forward, bidiagonal_reverse, over_band};
use crate::algebra::reduction::{CHOICE, sizes};
use crate::algebra::unitary::{TwoSided, two_sided};
use crate::block::{block, block_mut, buffer, multiply};
use crate::dimensions::SvdAllocator;
use crate::error::{Error, finite, overflow};
use crate::sample;
use crate::tolerance::{asks, lose_all, moduli, undefined_with};

/// The factors of [`bidiagonal`](fn@bidiagonal): A = U B V^H.
#[derive(Clone, Debug, PartialEq, Differentiable)]
pub struct Bidiagonal<T, R, C>
where
    T: Scalar,
    R: DimMin<C>,
    C: Dim,
    DimMinimum<R, C>: DimSub<U1>,
    DefaultAllocator: Allocator<R, DimMinimum<R, C>>
        + Allocator<DimMinimum<R, C>, C>
        + Allocator<DimMinimum<R, C>>
        + Allocator<DimDiff<DimMinimum<R, C>, U1>>,
{
    /// U, of min(R, C) orthonormal columns.
    pub u: OMatrix<T, R, DimMinimum<R, C>>,
    /// The diagonal of B, not negative.
    pub diagonal: OVector<T::Real, DimMinimum<R, C>>,
    /// What B has above its diagonal, or below it if A is wide; not negative.
    pub off_diagonal: OVector<T::Real, DimDiff<DimMinimum<R, C>, U1>>,
    /// V^H, of min(R, C) orthonormal rows; for a real A this is V^T.
    pub v_t: OMatrix<T, DimMinimum<R, C>, C>,
}

impl<T, R, C> Bidiagonal<T, R, C>
where
    T: Scalar,
    R: DimMin<C>,
    C: Dim,
    DimMinimum<R, C>: DimSub<U1>,
    DefaultAllocator: Allocator<R, DimMinimum<R, C>>
        + Allocator<DimMinimum<R, C>, C>
        + Allocator<DimMinimum<R, C>>
        + Allocator<DimDiff<DimMinimum<R, C>, U1>>,
{
    /// B, or B^H if A is wide: upper bidiagonal.
    fn band(&self) -> Band<'_, T::Real> {
        Band { diagonal: self.diagonal.as_slice(), off_diagonal: self.off_diagonal.as_slice() }
    }

    /// The sizes of what the numbers of that are made of.
    fn sizes(&self) -> DMatrix<f64> {
        let size = self.diagonal.len();
        let mut b = DMatrix::zeros(size, size);
        self.diagonal.iter().enumerate().for_each(|(k, x)| b[(k, k)] = x.to_f64().abs());
        self.off_diagonal.iter().enumerate().for_each(|(k, x)| b[(k, k + 1)] = x.to_f64().abs());
        let (u, v_t) = (moduli(block(&self.u)), moduli(block(&self.v_t)));
        if self.is_wide() {
            sizes(&v_t.transpose(), &b, &u.transpose())
        } else {
            sizes(&u, &b, &v_t)
        }
    }

    /// Whether the last vectors have a sign alone.
    fn sign(&self) -> bool {
        <T::Kind as Kind>::REAL && self.u.nrows() == self.v_t.ncols()
    }

    /// From where on factors jump.
    fn jump(&self) -> Option<Jump> {
        let jump = self.band().jump(self.sign(), || self.sizes());
        if self.is_wide() { jump.map(Jump::adjoint) } else { jump }
    }

    /// Whether A has fewer rows than columns.
    fn is_wide(&self) -> bool {
        self.u.nrows() < self.v_t.ncols()
    }
}

/// A = U B V^H with a real B of two diagonals: B is upper bidiagonal and V e1 = e1 if A has as many rows
/// as columns or more, lower bidiagonal and U e1 = e1 if it is wide. The numbers of B are not negative.
///
/// Where a number of B is zero, what comes after it is a choice: what has no derivative is NaN and
/// [reported](difrules_core::report). Along a direction that keeps the zero the choice is kept too.
///
/// The last vectors of a real square A have a sign alone: where the number that leads to them is zero, the derivatives are those of
/// the factors that keep their signs, with a number that passes through zero.
///
/// # Errors
/// [`Error::NotFinite`]; [`Error::Overflow`] if entries of the factors are too large.
///
/// # Derivation
/// Of the reduction itself, dB = U^H dA V - X B + B Y with skew-Hermitian X = U^H dU and Y = V^H dV, of
/// which Y e1 = 0: column by column and row by row in turn, in time proportional to the number of entries
/// (`src/algebra/bidiagonal.rs`). Outside of its columns dU = (1 - U U^H) dA V B^-1. For a wide A the same holds
/// of A^H. For a square A each rule takes four products, 8 n^3 multiplications and additions, beside
/// 8/3 n^3 of the primal and as much for each factor.
///
/// ```
/// use difrules_linalg::bidiagonal;
/// use nalgebra::{dmatrix, dvector};
///
/// let factors = bidiagonal(&dmatrix![3.0_f64, 0.0; 4.0, 5.0])?;
/// assert!((factors.diagonal - dvector![5.0, 3.0]).norm() < 1e-14);
/// assert!((factors.off_diagonal - dvector![4.0]).norm() < 1e-14);
/// # Ok::<(), difrules_linalg::Error>(())
/// ```
#[primitive(
    forward = bidiagonal_tangent,
    reverse = bidiagonal_cotangent,
    reads(return),
    instances(
        #[cfg(feature = "f32")] f32,
        f64,
        #[cfg(all(feature = "f32", feature = "complex"))] nalgebra::Complex<f32>,
        #[cfg(feature = "complex")] nalgebra::Complex<f64>,
    ),
    sample = sample::matrix
)]
pub fn bidiagonal<T: Scalar, R: DimMin<C>, C: Dim>(
    a: &OMatrix<T, R, C>,
) -> Result<Bidiagonal<T, R, C>, Error>
where
    DimMinimum<R, C>: DimSub<U1>,
    DefaultAllocator: SvdAllocator<R, C>,
{
    finite("a", a)?;
    let (rows, columns) = a.shape_generic();
    let size = rows.min(columns);
    if a.is_empty() {
        return Ok(Bidiagonal {
            u: OMatrix::zeros_generic(rows, size),
            diagonal: OVector::zeros_generic(size, U1),
            off_diagonal: OVector::zeros_generic(Dim::from_usize(0), U1),
            v_t: OMatrix::zeros_generic(size, columns),
        });
    }
    let TwoSided { u, diagonal, off_diagonal, v_t } = two_sided(a, false)?;
    overflow("b", diagonal.iter().chain(off_diagonal.iter()))?;
    let factors = Bidiagonal { u, diagonal, off_diagonal, v_t };
    jumps("bidiagonal", factors.jump().is_some());
    Ok(factors)
}

fn bidiagonal_tangent<T: Scalar, R: DimMin<C>, C: Dim>(
    factors: &Bidiagonal<T, R, C>,
    a_dot: &OMatrix<T, R, C>,
) -> Bidiagonal<T, R, C>
where
    DimMinimum<R, C>: DimSub<U1>,
    DefaultAllocator: Allocator<R, C>
        + Allocator<R, DimMinimum<R, C>>
        + Allocator<DimMinimum<R, C>, C>
        + Allocator<DimMinimum<R, C>>
        + Allocator<DimMinimum<R, C>, DimMinimum<R, C>>
        + Allocator<DimDiff<DimMinimum<R, C>, U1>>,
{
    let (one, zero) = (T::one(), T::zero());
    let (u, v_t, a_dot) = (block(&factors.u), block(&factors.v_t), block(a_dot));
    let mut tangent = factors.clone();
    // dA V, U^H dA and U^H dA V.
    multiply(one, (a_dot, false), (v_t, true), zero, &mut block_mut(&mut tangent.u));
    if factors.is_wide() {
        multiply(one, (u, true), (a_dot, false), zero, &mut block_mut(&mut tangent.v_t));
    }
    let size = factors.diagonal.shape_generic().0;
    let square = || OMatrix::<T, DimMinimum<R, C>, DimMinimum<R, C>>::zeros_generic(size, size);
    let (mut p, mut x, mut y) = (square(), square(), square());
    multiply(one, (u, true), (block(&tangent.u), false), zero, &mut block_mut(&mut p));
    let wide = factors.is_wide();
    let mut turned = p.clone();
    if wide {
        p.adjoint_to(&mut turned);
    }
    let band = factors.band();
    let numbers_dot = (tangent.diagonal.as_mut_slice(), tangent.off_diagonal.as_mut_slice());
    let sizes = || factors.sizes();
    let band_and_sign = (&band, factors.sign());
    let mut jump = bidiagonal_forward(
        "bidiagonal",
        band_and_sign,
        &turned,
        &mut x,
        &mut y,
        numbers_dot,
        sizes,
    );
    let (x_u, x_v) = if wide { (&y, &x) } else { (&x, &y) };
    let (mut u_dot, mut v_t_dot) = (block_mut(&mut tangent.u), block_mut(&mut tangent.v_t));
    if u.nrows() > u.ncols() {
        multiply(-one, (u, false), (block(&p), false), one, &mut u_dot);
        let outside = over_band("bidiagonal", &band, false, false, &mut u_dot, sizes);
        jump = jump.into_iter().chain(outside).min();
    } else {
        u_dot.fill(zero);
    }
    multiply(one, (u, false), (block(x_u), false), one, &mut u_dot);
    if wide {
        multiply(-one, (block(&p), false), (v_t, false), one, &mut v_t_dot);
        let outside = over_band("bidiagonal", &band, false, true, &mut v_t_dot, sizes);
        jump = jump.into_iter().chain(outside).min();
    } else {
        v_t_dot.fill(zero);
    }
    multiply(-one, (block(x_v), false), (v_t, false), one, &mut v_t_dot);
    if let Some(jump) = if wide { jump.map(Jump::adjoint) } else { jump } {
        let nothing: T = undefined_with(factors.u.iter().chain(factors.v_t.iter()));
        u_dot.columns_range_mut(jump.u..).apply(|x| *x += nothing);
        v_t_dot.rows_range_mut(jump.v..).apply(|x| *x += nothing);
        let diagonal = tangent.diagonal.iter_mut().skip(jump.diagonal);
        let numbers = diagonal.chain(tangent.off_diagonal.iter_mut().skip(jump.off_diagonal));
        numbers.for_each(|x| *x += nothing.real());
    }
    tangent
}

fn bidiagonal_cotangent<T: Scalar, R: DimMin<C>, C: Dim>(
    factors: &Bidiagonal<T, R, C>,
    (mut u_bar, diagonal_bar, off_diagonal_bar, mut v_t_bar): Cotangent<'_, Bidiagonal<T, R, C>>,
    a_bar: Slot<'_, OMatrix<T, R, C>>,
) where
    DimMinimum<R, C>: DimSub<U1>,
    DefaultAllocator: Allocator<R, C>
        + Allocator<R, DimMinimum<R, C>>
        + Allocator<DimMinimum<R, C>, C>
        + Allocator<DimMinimum<R, C>>
        + Allocator<DimMinimum<R, C>, DimMinimum<R, C>>
        + Allocator<DimDiff<DimMinimum<R, C>, U1>>,
{
    let Some(mut a_bar) = a_bar.buffer() else { return };
    let (one, zero) = (T::one(), T::zero());
    let (u, v_t) = (block(&factors.u), block(&factors.v_t));
    let (mut u_bar, mut v_t_bar) = (buffer(&mut u_bar), buffer(&mut v_t_bar));
    let asked = factors.jump().is_some_and(|jump| {
        asks(u_bar.columns_range(jump.u..).iter())
            || asks(v_t_bar.rows_range(jump.v..).iter())
            || diagonal_bar.iter().skip(jump.diagonal).any(|bar| !bar.is_constant_zero())
            || off_diagonal_bar.iter().skip(jump.off_diagonal).any(|bar| !bar.is_constant_zero())
    });
    if asked {
        let moving = factors.u.iter().chain(factors.v_t.iter());
        return lose_all("bidiagonal", CHOICE, &mut buffer(&mut a_bar), moving);
    }
    let size = factors.diagonal.shape_generic().0;
    let square = || OMatrix::<T, DimMinimum<R, C>, DimMinimum<R, C>>::zeros_generic(size, size);
    let (mut in_u, mut in_v) = (square(), square());
    multiply(one, (u, true), (u_bar.as_view(), false), zero, &mut block_mut(&mut in_u));
    multiply(one, (v_t, false), (v_t_bar.as_view(), true), zero, &mut block_mut(&mut in_v));
    let (band, wide, sizes) = (factors.band(), factors.is_wide(), || factors.sizes());
    let bars =
        Band { diagonal: diagonal_bar.as_slice(), off_diagonal: off_diagonal_bar.as_slice() };
    let (g, h) = if wide { (&in_v, &in_u) } else { (&in_u, &in_v) };
    let mut k = bidiagonal_reverse("bidiagonal", &band, g, h, &bars, sizes);
    if wide {
        k = k.adjoint();
        // Outside of V: (1 - V V^H) V_bar B^-H.
        multiply(-one, (block(&in_v), true), (v_t, false), one, &mut v_t_bar);
        over_band("bidiagonal", &band, true, true, &mut v_t_bar, sizes);
        multiply(one, (block(&k), false), (v_t, false), one, &mut v_t_bar);
        multiply(one, (u, false), (v_t_bar.as_view(), false), one, &mut buffer(&mut a_bar));
        return;
    }
    if u.nrows() > u.ncols() {
        multiply(-one, (u, false), (block(&in_u), false), one, &mut u_bar);
        over_band("bidiagonal", &band, true, false, &mut u_bar, sizes);
    } else {
        u_bar.fill(zero);
    }
    multiply(one, (u, false), (block(&k), false), one, &mut u_bar);
    multiply(one, (u_bar.as_view(), false), (v_t, false), one, &mut buffer(&mut a_bar));
}
