//! Eigenvalues and singular values by divide and conquer, from the crate faer, for large matrices of plain numbers.
//!
//! What comes from here is put in the order, and has the signs and phases, of what the text beside it finds, and the rules are
//! the same: a mode asks for values of plain numbers, so it has these.

use std::any::Any;
#[cfg(feature = "faer-rayon")]
use std::sync::atomic::{AtomicUsize, Ordering};

use difrules_core::Scalar;
use faer::diag::Diag;
use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::evd::{ComputeEigenvectors, self_adjoint_evd, self_adjoint_evd_scratch};
use faer::linalg::svd::{ComputeSvdVectors, svd, svd_scratch};
use faer::traits::ComplexField;
use faer::{MatMut, MatRef, Par};
use nalgebra::allocator::Allocator;
use nalgebra::{Complex, DMatrix, DefaultAllocator, Dim, DimMin, DimMinimum, OMatrix, OVector, U1};

use crate::algebra::reduction::rescaled;
use crate::error::is_finite;

/// The size from which divide and conquer is quicker than what this library does.
const LARGE: usize = 96;

#[cfg(feature = "faer-rayon")]
static THREADS: AtomicUsize = AtomicUsize::new(1);

/// How many threads eigenvalues and singular values of large matrices may take, of all later calls in the program: one, unless
/// this says otherwise, and as many as rayon has for zero.
///
/// With other numbers of threads results may differ by rounding.
///
/// ```
/// difrules_linalg::set_threads(2);
/// ```
#[cfg(feature = "faer-rayon")]
pub fn set_threads(count: usize) {
    THREADS.store(count, Ordering::Relaxed);
}

fn threads() -> Par {
    #[cfg(feature = "faer-rayon")]
    match THREADS.load(Ordering::Relaxed) {
        1 => Par::Seq,
        count => Par::rayon(count),
    }
    #[cfg(not(feature = "faer-rayon"))]
    Par::Seq
}

/// The same value, if `A` and `B` are one type.
fn same<A: 'static, B: 'static>(value: A) -> Option<B> {
    (&mut Some(value) as &mut dyn Any).downcast_mut::<Option<B>>().and_then(Option::take)
}

/// Eigenvectors and eigenvalues, in increasing order, of a large finite matrix of plain numbers, of which the lower triangle is
/// read. Nothing for others, and where they are not found.
pub(crate) fn hermitian_eigen<T: Scalar, D: Dim>(
    a: &OMatrix<T, D, D>,
) -> Option<(OMatrix<T, D, D>, OVector<T::Real, D>)>
where
    DefaultAllocator: Allocator<D, D> + Allocator<D>,
{
    fn of<T: Scalar, F: Scalar + ComplexField, D: Dim>(
        a: &OMatrix<T, D, D>,
    ) -> Option<(OMatrix<T, D, D>, OVector<T, D>)>
    where
        DefaultAllocator: Allocator<D, D> + Allocator<D>,
    {
        let a = (a as &dyn Any).downcast_ref::<OMatrix<F, D, D>>()?;
        let (size, par) = (a.nrows(), threads());
        let (rows, columns) = a.shape_generic();
        let mut values = Diag::<F>::zeros(size);
        let mut vectors = OMatrix::<F, D, D>::zeros_generic(rows, columns);
        let compute = ComputeEigenvectors::Yes;
        let needed = self_adjoint_evd_scratch::<F>(size, compute, par, Default::default());
        self_adjoint_evd(
            MatRef::from_column_major_slice(a.as_slice(), size, size),
            values.as_mut(),
            Some(MatMut::from_column_major_slice_mut(vectors.as_mut_slice(), size, size)),
            par,
            MemStack::new(&mut MemBuffer::new(needed)),
            Default::default(),
        )
        .ok()?;
        let values = values.column_vector().iter().copied();
        let values = OVector::<F, D>::from_iterator_generic(rows, U1, values);
        let is_found = is_finite(&vectors) && is_finite(&values);
        if is_found { Some((same(vectors)?, same(values)?)) } else { None }
    }
    if a.nrows() < LARGE {
        return None;
    }
    let (a, scale) = rescaled(a);
    let found = of::<T, f64, D>(&a).or_else(|| of::<T, f32, D>(&a));
    let found = found.or_else(|| of::<T, Complex<f64>, D>(&a));
    let (vectors, values) = found.or_else(|| of::<T, Complex<f32>, D>(&a))?;
    Some((vectors, values.map(|x| x.real() * scale)))
}

/// U, the singular values in decreasing order, and V, of a large finite matrix of plain numbers that is [`rescaled`]. Nothing for others, and where
/// they are not found.
#[expect(clippy::type_complexity, reason = "three factors")]
pub(crate) fn singular_values<T: Scalar, R: DimMin<C>, C: Dim>(
    a: &OMatrix<T, R, C>,
) -> Option<(OMatrix<T, R, DimMinimum<R, C>>, OVector<T::Real, DimMinimum<R, C>>, DMatrix<T>)>
where
    DefaultAllocator:
        Allocator<R, C> + Allocator<R, DimMinimum<R, C>> + Allocator<DimMinimum<R, C>>,
{
    fn of<T: Scalar, F: Scalar + ComplexField, R: DimMin<C>, C: Dim>(
        a: &OMatrix<T, R, C>,
    ) -> Option<(OMatrix<T, R, DimMinimum<R, C>>, OVector<T, DimMinimum<R, C>>, DMatrix<T>)>
    where
        DefaultAllocator:
            Allocator<R, C> + Allocator<R, DimMinimum<R, C>> + Allocator<DimMinimum<R, C>>,
    {
        let a = (a as &dyn Any).downcast_ref::<OMatrix<F, R, C>>()?;
        let ((rows, columns), par) = (a.shape_generic(), threads());
        let size = rows.min(columns);
        let (m, n, k) = (rows.value(), columns.value(), size.value());
        let mut values = Diag::<F>::zeros(k);
        let mut u = OMatrix::<F, R, DimMinimum<R, C>>::zeros_generic(rows, size);
        let mut v = DMatrix::<F>::zeros(n, k);
        let thin = ComputeSvdVectors::Thin;
        let needed = svd_scratch::<F>(m, n, thin, thin, par, Default::default());
        svd(
            MatRef::from_column_major_slice(a.as_slice(), m, n),
            values.as_mut(),
            Some(MatMut::from_column_major_slice_mut(u.as_mut_slice(), m, k)),
            Some(MatMut::from_column_major_slice_mut(v.as_mut_slice(), n, k)),
            par,
            MemStack::new(&mut MemBuffer::new(needed)),
            Default::default(),
        )
        .ok()?;
        let values = values.column_vector().iter().copied();
        let values = OVector::<F, DimMinimum<R, C>>::from_iterator_generic(size, U1, values);
        let is_found = is_finite(&u) && is_finite(&v) && is_finite(&values);
        if is_found { Some((same(u)?, same(values)?, same(v)?)) } else { None }
    }
    if a.nrows().min(a.ncols()) < LARGE {
        return None;
    }
    let found = of::<T, f64, R, C>(a).or_else(|| of::<T, f32, R, C>(a));
    let found = found.or_else(|| of::<T, Complex<f64>, R, C>(a));
    let (u, values, v) = found.or_else(|| of::<T, Complex<f32>, R, C>(a))?;
    Some((u, values.map(|x| x.real()), v))
}
