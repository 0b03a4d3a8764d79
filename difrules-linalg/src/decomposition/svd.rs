use difrules_core::diagnostic::jumps;
use difrules_core::{Cotangent, Differentiable, Real, Scalar, Slot, primitive};
use nalgebra::allocator::Allocator;
use nalgebra::{DefaultAllocator, Dim, DimMin, DimMinimum, DimSub, OMatrix, OVector, U1};

use crate::algebra::hermitian_eigen::largest;
use crate::algebra::svd::{gradient_of_values, svd_forward, svd_reverse, vectors_alone_reverse};
use crate::algebra::unitary::{TwoSided, two_sided};
use crate::block::{block, buffer, varies};
use crate::dimensions::SvdAllocator;
use crate::error::{Error, finite, overflow};
use crate::sample;
use crate::tolerance::{Sizes, asks};

/// The factors of [`svd`](fn@svd): A = U diag(s) V^H.
#[derive(Clone, Debug, PartialEq, Differentiable)]
pub struct Svd<T, R, C>
where
    T: Scalar,
    R: DimMin<C>,
    C: Dim,
    DefaultAllocator: Allocator<R, DimMinimum<R, C>>
        + Allocator<DimMinimum<R, C>, C>
        + Allocator<DimMinimum<R, C>>,
{
    /// U: orthonormal columns, of which the largest entry is real and positive.
    pub u: OMatrix<T, R, DimMinimum<R, C>>,
    /// s, in decreasing order.
    pub singular_values: OVector<T::Real, DimMinimum<R, C>>,
    /// V^H, of orthonormal rows; for a real A this is V^T.
    pub v_t: OMatrix<T, DimMinimum<R, C>, C>,
}

/// A = U diag(s) V^H for an A of any shape, with min(R, C) singular values in decreasing order.
///
/// The first of the largest entries of each column of U is real and positive, which fixes the phases.
///
/// # Where singular values repeat, or are zero
/// Singular vectors are any bases then, and have no derivatives along directions that split the value; the
/// singular values move as these split it, in order. A gradient of what depends on the bases, or of U f(s) V^H put
/// together from the factors, is not determined by their cotangents. What is not determined is NaN and
/// [reported](difrules_core::report), or left out [where that is set](difrules_core::leaving_out_undefined). For
/// U V^H there is [`polar`](fn@crate::polar), for V s^-1 U^H [`pseudo_inverse`](fn@crate::pseudo_inverse), for the values
/// [`singular_values`](fn@crate::singular_values).
///
/// # Where two of them are close
/// First derivatives of U f(s) V^H put together from the factors lose as many digits as the gap has less than the values, and
/// second derivatives twice as many: these are NaN where nothing would be left of them, below the cube root of the
/// rounding. [`polar`](fn@crate::polar) loses none. Vectors whose own value is apart from all others, and from zero, have
/// derivatives that lose nothing by how close these are, or that they repeat.
///
/// # Errors
/// [`Error::NotFinite`]; [`Error::NoConvergence`]; [`Error::Overflow`].
///
/// # Derivation
/// With P = U^H dA V: ds = Re diag(P), and the sum and the difference of U^H dU and V^H dV come from
/// the Hermitian part of P over s_j - s_i and from the skew part over s_j + s_i, apart (Townsend 2016,
/// "Differentiating the singular value decomposition"; Wan and Zhang 2019, arXiv:1909.02659, for
/// complex A): `src/algebra/svd.rs`. For a square A each rule takes four products, 8 n^3
/// multiplications and additions, beside some 20 n^3 of the primal.
///
/// ```
/// use difrules_linalg::svd;
/// use nalgebra::{dmatrix, dvector};
///
/// let svd = svd(&dmatrix![0.0_f64, 2.0; -3.0, 0.0])?;
/// assert!((svd.singular_values - dvector![3.0, 2.0]).norm() < 1e-15);
/// assert!((svd.u - dmatrix![0.0, 1.0; 1.0, 0.0]).norm() < 1e-15);
/// assert!((svd.v_t - dmatrix![-1.0, 0.0; 0.0, 1.0]).norm() < 1e-15);
/// # Ok::<(), difrules_linalg::Error>(())
/// ```
#[primitive(
    forward = svd_tangent,
    reverse = svd_cotangent,
    reads(a, return),
    instances(
        #[cfg(feature = "f32")] f32,
        f64,
        #[cfg(all(feature = "f32", feature = "complex"))] nalgebra::Complex<f32>,
        #[cfg(feature = "complex")] nalgebra::Complex<f64>,
    ),
    sample = sample::matrix
)]
pub fn svd<T: Scalar, R: DimMin<C>, C: Dim>(a: &OMatrix<T, R, C>) -> Result<Svd<T, R, C>, Error>
where
    DimMinimum<R, C>: DimSub<U1>,
    DefaultAllocator: SvdAllocator<R, C>,
{
    finite("a", a)?;
    let (rows, columns) = a.shape_generic();
    let size = rows.min(columns);
    if a.is_empty() {
        return Ok(Svd {
            u: OMatrix::zeros_generic(rows, size),
            singular_values: OVector::zeros_generic(size, U1),
            v_t: OMatrix::zeros_generic(size, columns),
        });
    }
    let TwoSided { mut u, diagonal, mut v_t, .. } = two_sided(a, true)?;
    overflow("singular_values", diagonal.as_slice())?;
    let turns = OVector::from_fn_generic(size, U1, |j, _| {
        let entry = u.column(j)[largest(u.column(j).iter())];
        entry.conjugate().unscale(entry.modulus())
    });
    for (j, &turn) in turns.iter().enumerate() {
        u.column_mut(j).apply(|x| *x *= turn);
    }
    for column in v_t.as_mut_slice().chunks_exact_mut(size.value()) {
        column.iter_mut().zip(turns.iter()).for_each(|(x, turn)| *x *= turn.conjugate());
    }
    let svd = Svd { u, singular_values: diagonal, v_t };
    jumps("svd", repeats(&svd));
    Ok(svd)
}

/// Whether a singular value repeats or is zero, so that its singular vectors jump.
fn repeats<T: Scalar, R: DimMin<C>, C: Dim>(svd: &Svd<T, R, C>) -> bool
where
    DefaultAllocator: Allocator<R, DimMinimum<R, C>>
        + Allocator<DimMinimum<R, C>, C>
        + Allocator<DimMinimum<R, C>>,
{
    let values = svd.singular_values.as_slice();
    let sizes = Sizes::of_singular_values(values, block(&svd.u), block(&svd.v_t));
    sizes.differences_vanish(values) || sizes.sums_vanish(values)
}

fn svd_tangent<T: Scalar, R: DimMin<C>, C: Dim>(
    a: &OMatrix<T, R, C>,
    svd: &Svd<T, R, C>,
    a_dot: &OMatrix<T, R, C>,
) -> Svd<T, R, C>
where
    DefaultAllocator: Allocator<R, C>
        + Allocator<R, DimMinimum<R, C>>
        + Allocator<DimMinimum<R, C>, C>
        + Allocator<DimMinimum<R, C>>
        + Allocator<DimMinimum<R, C>, DimMinimum<R, C>>,
{
    let Svd { u, singular_values, v_t } = svd;
    let (u, singular_values, v_t) = svd_forward("svd", u, singular_values, v_t, (a, a_dot));
    Svd { u, singular_values, v_t }
}

fn svd_cotangent<T: Scalar, R: DimMin<C>, C: Dim>(
    a: &OMatrix<T, R, C>,
    svd: &Svd<T, R, C>,
    (mut u_bar, values_bar, mut v_t_bar): Cotangent<'_, Svd<T, R, C>>,
    a_bar: Slot<'_, OMatrix<T, R, C>>,
) where
    DimMinimum<R, C>: DimSub<U1>,
    DefaultAllocator: SvdAllocator<R, C>,
{
    let Svd { u, singular_values, v_t } = svd;
    let Some(mut a_bar) = a_bar.buffer() else { return };
    let mut a_bar = buffer(&mut a_bar);
    if !<T::Real as Real>::BASE {
        if varies(&u_bar) || varies(&v_t_bar) {
            let bars = (&mut buffer(&mut u_bar), &mut buffer(&mut v_t_bar));
            if let Some(alone) = vectors_alone_reverse(a, u, singular_values, v_t, bars) {
                a_bar += alone;
            }
        }
        // Of the values alone the second derivatives are those of singular_values.
        let asked = varies(&u_bar)
            || varies(&v_t_bar)
            || (asks(u_bar.iter()) || asks(v_t_bar.iter())) && repeats(svd);
        if !asked {
            let gradient = gradient_of_values(a, svd, &values_bar.into_owned());
            a_bar += block(&gradient);
            return;
        }
    }
    svd_reverse(
        "svd",
        block(a),
        u,
        singular_values,
        v_t,
        &mut buffer(&mut u_bar),
        values_bar.as_slice(),
        &mut buffer(&mut v_t_bar),
        &mut a_bar,
    );
}
