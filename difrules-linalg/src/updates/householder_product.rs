use difrules_core::testing::Sampler;
use difrules_core::{Cotangent, Scalar, Slot, primitive};
use nalgebra::allocator::Allocator;
use nalgebra::{
    DMatrix, DMatrixView, DMatrixViewMut, DVector, DefaultAllocator, Dim, OMatrix, OVector,
};

use crate::algebra::householder::{Compact, form};
use crate::block::{block, block_mut, buffer, multiply, product};
use crate::error::{Error, finite, overflow, shape};

/// The first columns of H_0 H_1 .. H_(k-1), with H_i = 1 - tau_i v_i v_i^H: as many as `vectors` has. Of column i of `vectors`
/// v_i is what is below the diagonal, after a one that is not stored there and zeros before it; what is on and above the
/// diagonal, and in columns beyond the number of `tau`, is not read. LAPACK's `orgqr` and `ungqr`, PyTorch's
/// `householder_product`.
///
/// Q is unitary if the H_i are, which nothing demands.
///
/// # Errors
/// [`Error::DimensionMismatch`] if `vectors` has more columns than rows, or `tau` is longer than it has columns;
/// [`Error::NotFinite`]; [`Error::Overflow`].
///
/// # Derivation
/// With the v_i side by side the product is 1 - V T V^H, T = (1 + D S)^-1 D with D = diag(tau) and S what V^H V has above the
/// diagonal (Schreiber and Van Loan 1989, "A storage-efficient WY representation for products of Householder
/// transformations", solved for T). So with V_1, the first rows of V,
///
/// dQ = -dV T V_1^H - V dT V_1^H - V T dV_1^H, dT = (1 - T S) dD (1 - S T) - T dS T,
///
/// and backwards, with T_bar = -V^H Q_bar V_1 and S_bar what -T^H T_bar T^H has above the diagonal, the cotangent of tau is
/// the diagonal of (1 - T S)^H T_bar (1 - S T)^H, and that of V, below the diagonal,
/// -Q_bar V_1 T^H + V (S_bar + S_bar^H), with -Q_bar^H V T in its first rows. All are products: each rule takes some 6 m k n + 4 k^3
/// multiplications and additions for m rows, n columns and k reflections, beside the primal's 2 m n k.
///
/// ```
/// use difrules_linalg::householder_product;
/// use nalgebra::{dmatrix, dvector};
///
/// let q = householder_product(&dmatrix![7.0; 1.0], &dvector![1.0])?;
/// assert_eq!(q, dmatrix![0.0; -1.0]);
/// # Ok::<(), difrules_linalg::Error>(())
/// ```
#[primitive(
    forward = householder_product_forward,
    reverse = householder_product_reverse,
    reads(vectors, tau),
    instances(
        #[cfg(feature = "f32")] f32,
        f64,
        #[cfg(all(feature = "f32", feature = "complex"))] nalgebra::Complex<f32>,
        #[cfg(feature = "complex")] nalgebra::Complex<f64>,
    ),
    sample = sample
)]
pub fn householder_product<T: Scalar, R: Dim, C: Dim, K: Dim>(
    vectors: &OMatrix<T, R, C>,
    tau: &OVector<T, K>,
) -> Result<OMatrix<T, R, C>, Error>
where
    DefaultAllocator: Allocator<R, C> + Allocator<K>,
{
    let (rows, columns) = vectors.shape();
    shape("vectors", (rows, columns), (rows, columns.min(rows)))?;
    shape("tau", tau.shape(), (tau.len().min(columns), 1))?;
    for column in 0..tau.len() {
        if let Some(below) = (column + 1..rows).find(|&i| !vectors[(i, column)].is_finite()) {
            return Err(Error::NotFinite { argument: "vectors", row: below, column });
        }
    }
    finite("tau", tau)?;
    let (rows, columns) = vectors.shape_generic();
    let mut q = OMatrix::zeros_generic(rows, columns);
    form(block(vectors), tau.as_slice(), 0, &mut block_mut(&mut q));
    overflow("q", q.as_slice())?;
    Ok(q)
}

/// What V has below the diagonal.
fn below<T: Scalar>(vectors: DMatrixView<'_, T>, count: usize) -> DMatrix<T> {
    DMatrix::from_fn(vectors.nrows(), count, |i, j| if i > j { vectors[(i, j)] } else { T::zero() })
}

/// 1 - T S and 1 - S T.
fn around<T: Scalar>(compact: &Compact<T>) -> (DMatrix<T>, DMatrix<T>) {
    let identity = DMatrix::identity(compact.s.nrows(), compact.s.nrows());
    let (t, s) = ((block(&compact.t), false), (block(&compact.s), false));
    (&identity - product(t, s), identity - product(s, t))
}

fn householder_product_forward<T: Scalar, R: Dim, C: Dim, K: Dim>(
    vectors: &OMatrix<T, R, C>,
    tau: &OVector<T, K>,
    vectors_dot: &OMatrix<T, R, C>,
    tau_dot: &OVector<T, K>,
) -> OMatrix<T, R, C>
where
    DefaultAllocator: Allocator<R, C> + Allocator<K>,
{
    let (rows, columns) = vectors.shape_generic();
    let mut q_dot = OMatrix::zeros_generic(rows, columns);
    let (tau, tau_dot) = (tau.as_slice(), tau_dot.as_slice());
    forward(
        Compact::new(block(vectors), tau),
        (block(vectors_dot), tau_dot),
        &mut block_mut(&mut q_dot),
    );
    q_dot
}

fn forward<T: Scalar>(
    compact: Compact<T>,
    (vectors_dot, tau_dot): (DMatrixView<'_, T>, &[T]),
    q_dot: &mut DMatrixViewMut<'_, T>,
) {
    let Compact { v, t, .. } = &compact;
    let (count, columns, one) = (tau_dot.len(), q_dot.ncols(), T::one());
    let v_dot = below(vectors_dot, count);
    let mut s_dot = product((block(&v_dot), true), (block(v), false));
    multiply(one, (block(v), true), (block(&v_dot), false), one, &mut block_mut(&mut s_dot));
    s_dot.fill_lower_triangle(T::zero(), 0);
    let (left, right) = around(&compact);
    let scaled = DMatrix::from_fn(count, count, |i, j| tau_dot[i] * right[(i, j)]);
    let mut t_dot = product((block(&left), false), (block(&scaled), false));
    let through = product((block(&s_dot), false), (block(t), false));
    let factors = ((block(t), false), (block(&through), false));
    multiply(-one, factors.0, factors.1, one, &mut block_mut(&mut t_dot));
    // dV T + V dT, and V T.
    let mut outside = product((block(&v_dot), false), (block(t), false));
    let factors = ((block(v), false), (block(&t_dot), false));
    multiply(one, factors.0, factors.1, one, &mut block_mut(&mut outside));
    let vt = product((block(v), false), (block(t), false));
    multiply(-one, (block(&outside), false), (v.rows(0, columns), true), one, q_dot);
    multiply(-one, (block(&vt), false), (v_dot.rows(0, columns), true), one, q_dot);
}

fn householder_product_reverse<T: Scalar, R: Dim, C: Dim, K: Dim>(
    vectors: &OMatrix<T, R, C>,
    tau: &OVector<T, K>,
    mut q_bar: Cotangent<'_, OMatrix<T, R, C>>,
    vectors_bar: Slot<'_, OMatrix<T, R, C>>,
    tau_bar: Slot<'_, OVector<T, K>>,
) where
    DefaultAllocator: Allocator<R, C> + Allocator<K>,
{
    let q_bar = buffer(&mut q_bar);
    let compact = Compact::new(block(vectors), tau.as_slice());
    let (by_vectors, by_tau) = reverse(compact, q_bar.as_view());
    if let Some(mut bar) = vectors_bar.buffer() {
        for j in 0..tau.len() {
            (j + 1..bar.nrows()).for_each(|i| bar[(i, j)] += by_vectors[(i, j)]);
        }
    }
    if let Some(mut bar) = tau_bar.buffer() {
        bar.iter_mut().zip(by_tau.iter()).for_each(|(bar, &x)| *bar += x);
    }
}

fn reverse<T: Scalar>(compact: Compact<T>, q_bar: DMatrixView<'_, T>) -> (DMatrix<T>, DVector<T>) {
    let Compact { v, t, .. } = &compact;
    let (count, columns, one) = (t.nrows(), q_bar.ncols(), T::one());
    let by_first = product((q_bar, false), (v.rows(0, columns), false));
    let t_bar = -product((block(v), true), (block(&by_first), false));
    let (left, right) = around(&compact);
    let through = product((block(&t_bar), false), (block(&right), true));
    let tau_bar = DVector::from_fn(count, |i, _| left.column(i).dotc(&through.column(i)));
    let through = product((block(&t_bar), false), (block(t), true));
    let mut s_bar = -product((block(t), true), (block(&through), false));
    s_bar.fill_lower_triangle(T::zero(), 0);
    let symmetric = &s_bar + s_bar.adjoint();
    let mut v_bar = product((block(v), false), (block(&symmetric), false));
    multiply(-one, (block(&by_first), false), (block(t), true), one, &mut block_mut(&mut v_bar));
    let vt = product((block(v), false), (block(t), false));
    let mut first = v_bar.rows_mut(0, columns);
    multiply(-one, (q_bar, true), (block(&vt), false), one, &mut first);
    (v_bar, tau_bar)
}

fn sample<T: Scalar>(random: &mut Sampler) -> (DMatrix<T>, DVector<T>) {
    let columns = random.choose(&[0, 1, 2, 5]);
    let (rows, count) = (columns + random.size(0, 3), random.size(0, columns));
    let tau: DMatrix<T> = random.matrix(count, 1);
    (random.matrix(rows, columns), tau.column(0).into_owned())
}
