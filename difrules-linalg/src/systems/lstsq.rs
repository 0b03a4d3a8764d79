use approx::AbsDiffEq;
use difrules_core::diagnostic::jumps;
use difrules_core::testing::Sampler;
use difrules_core::{Cotangent, Differentiable, Real, Scalar, Slot, primitive};
use nalgebra::allocator::Allocator;
use nalgebra::{DMatrix, DefaultAllocator, Dim, DimMin, DimMinimum, OMatrix, OVector, U1};

use crate::algebra::modulus::largest_modulus;
use crate::algebra::rank::Ranges;
use crate::algebra::scaling::{binade, exponent, times_power};
use crate::algebra::weighted::Weighted;
use crate::blas::options::{Operation, Side, Triangle};
use crate::block::{block, block_mut, buffer, multiply, solve_again, workspace};
use crate::decomposition::col_piv_qr::{ColPivQr, col_piv_qr};
use crate::decomposition::lq::lq;
use crate::error::{Error, finite, overflow, shape};
use crate::tolerance::{asks, plain};

/// What [`lstsq`](fn@lstsq) saves: A = Q T Z P^T with r columns of Q, r rows of Z and an r x r triangle T,
/// where r is the rank. If that is the number of columns, Z is the identity, and T upper triangular: the
/// factors of a QR decomposition. Else T is lower triangular: a complete orthogonal decomposition.
#[derive(Clone, Debug, PartialEq, Differentiable)]
pub struct Complete<T, R, C>
where
    T: Scalar,
    R: DimMin<C>,
    C: Dim,
    DefaultAllocator: Allocator<R, DimMinimum<R, C>>
        + Allocator<DimMinimum<R, C>, C>
        + Allocator<DimMinimum<R, C>, DimMinimum<R, C>>
        + Allocator<C>,
{
    /// Q; columns from r on do not count.
    q: OMatrix<T, R, DimMinimum<R, C>>,
    /// T; what is beside the first r rows and columns does not count.
    t: OMatrix<T, DimMinimum<R, C>, DimMinimum<R, C>>,
    /// Z; rows from r on do not count, nor do any if the rank is the number of columns.
    z: OMatrix<T, DimMinimum<R, C>, C>,
    /// Column j of A P is column `columns[j]` of A.
    #[constant]
    columns: OVector<usize, C>,
    /// r.
    #[constant]
    rank: usize,
}

impl<T, R, C> Complete<T, R, C>
where
    T: Scalar,
    R: DimMin<C>,
    C: Dim,
    DefaultAllocator: Allocator<R, DimMinimum<R, C>>
        + Allocator<DimMinimum<R, C>, C>
        + Allocator<DimMinimum<R, C>, DimMinimum<R, C>>
        + Allocator<C>,
{
    fn triangle(&self) -> Triangle {
        if self.rank == self.columns.len() { Triangle::Upper } else { Triangle::Lower }
    }

    /// Whether the rank is less than it may be.
    fn lacks_rank(&self) -> bool {
        self.rank < self.t.nrows()
    }

    /// The ranges of A and A^H.
    fn ranges(&self) -> Ranges<T> {
        let (rank, width) = (self.rank, self.columns.len());
        let pivot = |k: usize| self.t[(k, k)].modulus().to_f64();
        let (least, most) = (0..rank).fold((f64::INFINITY, 0.0_f64), |(least, most), k| {
            (least.min(pivot(k)), most.max(pivot(k)))
        });
        let mut v_t = DMatrix::zeros(rank, width);
        for (j, &column) in self.columns.iter().enumerate() {
            for i in 0..rank {
                v_t[(i, column)] = match self.triangle() {
                    Triangle::Lower => self.z[(i, j)],
                    Triangle::Upper if i == j => T::one(),
                    Triangle::Upper => T::zero(),
                };
            }
        }
        let condition = if rank == 0 { 1.0 } else { most / least };
        Ranges::new(block(&self.q).columns(0, rank).into_owned(), v_t, condition)
    }

    /// A^+ B = P Z^H T^-1 Q^H B.
    fn solve<N: Dim>(&self, b: &OMatrix<T, R, N>) -> OMatrix<T, C, N>
    where
        DefaultAllocator: Allocator<R, N> + Allocator<C, N> + Allocator<DimMinimum<R, C>, N>,
    {
        let (one, zero, rank, sides) = (T::one(), T::zero(), self.rank, b.shape_generic().1);
        let mut memory = OMatrix::zeros_generic(self.t.shape_generic().0, sides);
        let mut y = workspace(&mut memory, (rank, b.ncols()));
        let (q, t) = (block(&self.q), block(&self.t));
        multiply(one, (q.columns(0, rank), true), (block(b), false), zero, &mut y);
        let t = t.view((0, 0), (rank, rank));
        solve_again(Side::Left, self.triangle(), Operation::None, t, &mut y);
        let mut turned = OMatrix::zeros_generic(self.columns.shape_generic().0, sides);
        if self.triangle() == Triangle::Upper {
            block_mut(&mut turned).copy_from(&y);
        } else {
            let z = block(&self.z);
            let factors = ((z.rows(0, rank), true), (y.as_view(), false));
            multiply(one, factors.0, factors.1, zero, &mut block_mut(&mut turned));
        }
        let mut x = turned.clone();
        for (i, &column) in self.columns.iter().enumerate() {
            x.row_mut(column).copy_from(&turned.row(i));
        }
        x
    }

    /// A^+H X = Q T^-H Z P^T X.
    fn solve_adjoint<N: Dim>(&self, x: &OMatrix<T, C, N>) -> OMatrix<T, R, N>
    where
        DefaultAllocator: Allocator<R, N> + Allocator<C, N> + Allocator<DimMinimum<R, C>, N>,
    {
        let (one, zero, rank) = (T::one(), T::zero(), self.rank);
        let (columns, sides) = x.shape_generic();
        let turned =
            OMatrix::<T, C, N>::from_fn_generic(columns, sides, |i, j| x[(self.columns[i], j)]);
        let mut memory = OMatrix::zeros_generic(self.t.shape_generic().0, sides);
        let mut y = workspace(&mut memory, (rank, x.ncols()));
        if self.triangle() == Triangle::Upper {
            y.copy_from(&block(&turned));
        } else {
            let z = block(&self.z);
            multiply(one, (z.rows(0, rank), false), (block(&turned), false), zero, &mut y);
        }
        let t = block(&self.t);
        let t = t.view((0, 0), (rank, rank));
        solve_again(Side::Left, self.triangle(), Operation::Adjoint, t, &mut y);
        let mut b = OMatrix::zeros_generic(self.q.shape_generic().0, sides);
        let q = block(&self.q);
        let factors = ((q.columns(0, rank), false), (y.as_view(), false));
        multiply(one, factors.0, factors.1, zero, &mut block_mut(&mut b));
        b
    }

    /// (1 - Y A) X, twice: the rounding that is left of what A reaches may be multiplied by the inverse of A twice.
    fn take_off<N: Dim>(&self, a: &OMatrix<T, R, C>, x: &mut OMatrix<T, C, N>)
    where
        DefaultAllocator:
            Allocator<R, C> + Allocator<R, N> + Allocator<C, N> + Allocator<DimMinimum<R, C>, N>,
    {
        let (one, zero) = (T::one(), T::zero());
        let mut through = OMatrix::zeros_generic(a.shape_generic().0, x.shape_generic().1);
        for _ in 0..2 {
            let product = ((block(a), false), (block(x), false));
            multiply(one, product.0, product.1, zero, &mut block_mut(&mut through));
            *x -= self.solve(&through);
        }
    }

    /// The same as (1 - A^H Y^H) X.
    fn take_off_adjoint<N: Dim>(&self, a: &OMatrix<T, R, C>, x: &mut OMatrix<T, C, N>)
    where
        DefaultAllocator:
            Allocator<R, C> + Allocator<R, N> + Allocator<C, N> + Allocator<DimMinimum<R, C>, N>,
    {
        for _ in 0..2 {
            let through = self.solve_adjoint(x);
            let product = ((block(a), true), (block(&through), false));
            multiply(-T::one(), product.0, product.1, T::one(), &mut block_mut(x));
        }
    }

    /// B - A X.
    ///
    /// Q^H of it is zero, whatever A and B are. What comes out instead is rounding of large rows of A, which is divided by small
    /// ones where their residuals are; so it is taken off, as a constant.
    fn residual<N: Dim>(
        &self,
        a: &OMatrix<T, R, C>,
        b: &OMatrix<T, R, N>,
        x: &OMatrix<T, C, N>,
    ) -> OMatrix<T, R, N>
    where
        DefaultAllocator:
            Allocator<R, C> + Allocator<R, N> + Allocator<C, N> + Allocator<DimMinimum<R, C>, N>,
    {
        let (one, zero) = (T::one(), T::zero());
        let mut residual = b.clone();
        let product = ((block(a), false), (block(x), false));
        multiply(-one, product.0, product.1, one, &mut block_mut(&mut residual));
        if !residual.iter().all(|x| x.is_finite()) {
            return residual;
        }
        let size = |k: usize| scale_of(&residual, k);
        let over = columns(&residual, |x, k| plain(x.unscale(size(k))));
        let (q, (reduced, _), sides) =
            (self.q.map(plain), self.t.shape_generic(), residual.shape_generic().1);
        let mut memory = OMatrix::zeros_generic(reduced, sides);
        let mut along = workspace(&mut memory, (self.rank, residual.ncols()));
        let (q, mut rounding) = (block(&q), over.clone());
        let q = q.columns(0, self.rank);
        multiply(one, (q, true), (block(&over), false), zero, &mut along);
        multiply(one, (q, false), (along.as_view(), false), zero, &mut block_mut(&mut rounding));
        let rounding = columns(&rounding, |x, k| x.scale(size(k)));
        residual - rounding
    }
}

/// What the primal and the rules solve by: the factors, or what is by rows, or of a wide A by columns, where these have sizes of
/// their own.
struct Solver<'a, T, R, C>
where
    T: Scalar,
    R: DimMin<C>,
    C: Dim,
    DefaultAllocator: Allocator<R, C>
        + Allocator<R, DimMinimum<R, C>>
        + Allocator<DimMinimum<R, C>, C>
        + Allocator<DimMinimum<R, C>, DimMinimum<R, C>>
        + Allocator<C>,
{
    a: &'a OMatrix<T, R, C>,
    factors: &'a Complete<T, R, C>,
    weighted: Option<Weighted<T>>,
}

impl<'a, T, R, C> Solver<'a, T, R, C>
where
    T: Scalar,
    R: DimMin<C>,
    C: Dim,
    DefaultAllocator: Allocator<R, C>
        + Allocator<R, DimMinimum<R, C>>
        + Allocator<DimMinimum<R, C>, C>
        + Allocator<DimMinimum<R, C>, DimMinimum<R, C>>
        + Allocator<C>,
{
    fn new(a: &'a OMatrix<T, R, C>, factors: &'a Complete<T, R, C>) -> Self {
        let weighted = match factors.rank {
            rank if rank == a.ncols() => Weighted::new(block(a)),
            rank if rank == a.nrows() => Weighted::of_adjoint(block(a)),
            _ => None,
        };
        Self { a, factors, weighted }
    }

    fn is_wide(&self) -> bool {
        self.a.ncols() > self.a.nrows()
    }

    /// (1 - Y A) X, by columns where these have sizes of their own.
    fn outside<N: Dim>(&self, x: &OMatrix<T, C, N>) -> Option<OMatrix<T, C, N>>
    where
        DefaultAllocator: Allocator<C, N>,
    {
        self.weighted.as_ref().and_then(|weighted| weighted.residual(x))
    }

    /// Y B.
    fn solve<N: Dim>(&self, b: &OMatrix<T, R, N>) -> OMatrix<T, C, N>
    where
        DefaultAllocator: Allocator<R, N> + Allocator<C, N> + Allocator<DimMinimum<R, C>, N>,
    {
        let shape = (self.a.shape_generic().1, b.shape_generic().1);
        let found = self.weighted.as_ref().and_then(|weighted| match self.is_wide() {
            false => weighted.solve(shape, b),
            true => weighted.solve_adjoint(shape, b),
        });
        found.unwrap_or_else(|| self.factors.solve(b))
    }

    /// Y^H X.
    fn solve_adjoint<N: Dim>(&self, x: &OMatrix<T, C, N>) -> OMatrix<T, R, N>
    where
        DefaultAllocator: Allocator<R, N> + Allocator<C, N> + Allocator<DimMinimum<R, C>, N>,
    {
        let shape = (self.a.shape_generic().0, x.shape_generic().1);
        let found = self.weighted.as_ref().and_then(|weighted| match self.is_wide() {
            false => weighted.solve_adjoint(shape, x),
            true => weighted.solve(shape, x),
        });
        found.unwrap_or_else(|| self.factors.solve_adjoint(x))
    }

    /// B - A X.
    fn residual<N: Dim>(&self, b: &OMatrix<T, R, N>, x: &OMatrix<T, C, N>) -> OMatrix<T, R, N>
    where
        DefaultAllocator: Allocator<R, N> + Allocator<C, N> + Allocator<DimMinimum<R, C>, N>,
    {
        let found = self.weighted.as_ref().and_then(|weighted| weighted.residual(b));
        found.unwrap_or_else(|| self.factors.residual(self.a, b, x))
    }
}

/// The X of least norm among those that make the norm of A X - B least, for an A of any shape and rank: by
/// QR with column pivoting, and where the rank is less than the number of columns by a complete orthogonal
/// decomposition. The rank is how many of the pivots are above the rounding of their own columns, max(R, C)
/// epsilon of them or of the rows of them that they are made of: how rows and columns are scaled does not
/// matter.
///
/// It is discontinuous where the rank changes: by A the derivatives are those of
/// [`pseudo_inverse`](fn@crate::pseudo_inverse), NaN along a direction that changes it and by an entry that does.
///
/// # Errors
/// [`Error::DimensionMismatch`]; [`Error::NotFinite`]; [`Error::Overflow`].
///
/// # Derivation
/// X = Y B with Y = A^+ and the residual r = B - A X. From the derivative of Y (Golub and Pereyra 1973,
/// eq. 4.12), dX = Y (dB - dA X) + Y Y^H dA^H r + (1 - Y A) dA^H Y^H X. So with W = Y^H X_bar, in the
/// pairing Re tr(X_bar^H dX), B_bar = W and
/// A_bar = -W X^H + r (Y W)^H + (Y^H X) (X_bar - A^H W)^H, of which r is zero where the rows are independent, and the last
/// term where the columns are. Y is never formed: its products are by the
/// factors of the primal, some 8 m n N multiplications and additions for N right-hand sides, beside
/// 2 m n^2 of the primal for a tall A. Where rows of a tall A of full rank have sizes of their own, or columns of a wide one,
/// they and the solution are by an elimination in an order of these that it chooses, 4 m n^2 more each time:
/// `src/algebra/weighted.rs`.
///
/// ```
/// use difrules_linalg::lstsq;
/// use nalgebra::{dmatrix, dvector};
///
/// // A line through three points.
/// let x = lstsq(&dmatrix![1.0_f64, 0.0; 1.0, 1.0; 1.0, 2.0], &dvector![1.0, 3.0, 5.0])?;
/// assert!((x - dvector![1.0, 2.0]).norm() < 1e-14);
/// # Ok::<(), difrules_linalg::Error>(())
/// ```
#[primitive(
    forward = lstsq_forward,
    reverse = lstsq_reverse,
    saves = lstsq_and_factors -> Complete<T, R, C>,
    reads(a, b, return),
    instances(
        #[cfg(feature = "f32")] f32,
        f64,
        #[cfg(all(feature = "f32", feature = "complex"))] nalgebra::Complex<f32>,
        #[cfg(feature = "complex")] nalgebra::Complex<f64>,
    ),
    sample = sample
)]
pub fn lstsq<
    T: Scalar,
    R: DimMin<C>,
    C: DimMin<DimMinimum<R, C>, Output = DimMinimum<R, C>>,
    N: Dim,
>(
    a: &OMatrix<T, R, C>,
    b: &OMatrix<T, R, N>,
) -> Result<OMatrix<T, C, N>, Error>
where
    DefaultAllocator: Allocator<R, C>
        + Allocator<R>
        + Allocator<C>
        + Allocator<U1, C>
        + Allocator<DimMinimum<R, C>>
        + Allocator<R, DimMinimum<R, C>>
        + Allocator<DimMinimum<R, C>, C>
        + Allocator<DimMinimum<R, C>, DimMinimum<R, C>>
        + Allocator<C, DimMinimum<R, C>>
        + Allocator<R, N>
        + Allocator<C, N>
        + Allocator<DimMinimum<R, C>, N>,
{
    lstsq_and_factors(a, b).map(|(x, _)| x)
}

#[expect(clippy::type_complexity, reason = "what an augmented primal returns")]
fn lstsq_and_factors<
    T: Scalar,
    R: DimMin<C>,
    C: DimMin<DimMinimum<R, C>, Output = DimMinimum<R, C>>,
    N: Dim,
>(
    a: &OMatrix<T, R, C>,
    b: &OMatrix<T, R, N>,
) -> Result<(OMatrix<T, C, N>, Complete<T, R, C>), Error>
where
    DefaultAllocator: Allocator<R, C>
        + Allocator<R>
        + Allocator<C>
        + Allocator<U1, C>
        + Allocator<DimMinimum<R, C>>
        + Allocator<R, DimMinimum<R, C>>
        + Allocator<DimMinimum<R, C>, C>
        + Allocator<DimMinimum<R, C>, DimMinimum<R, C>>
        + Allocator<C, DimMinimum<R, C>>
        + Allocator<R, N>
        + Allocator<C, N>
        + Allocator<DimMinimum<R, C>, N>,
{
    shape("b", b.shape(), (a.nrows(), b.ncols()))?;
    let factors = complete(a)?;
    finite("b", b)?;
    let x = Solver::new(a, &factors).solve(b);
    overflow("x", x.as_slice())?;
    jumps("lstsq", factors.lacks_rank());
    Ok((x, factors))
}

fn complete<T: Scalar, R: DimMin<C>, C: DimMin<DimMinimum<R, C>, Output = DimMinimum<R, C>>>(
    a: &OMatrix<T, R, C>,
) -> Result<Complete<T, R, C>, Error>
where
    DefaultAllocator: Allocator<R, C>
        + Allocator<R>
        + Allocator<C>
        + Allocator<U1, C>
        + Allocator<DimMinimum<R, C>>
        + Allocator<R, DimMinimum<R, C>>
        + Allocator<DimMinimum<R, C>, C>
        + Allocator<DimMinimum<R, C>, DimMinimum<R, C>>
        + Allocator<C, DimMinimum<R, C>>,
{
    let ColPivQr { q, r, columns } = col_piv_qr(a)?;
    let (size, _) = r.shape_generic();
    let rounding = T::Real::default_epsilon().to_f64() * a.nrows().max(a.ncols()) as f64;
    let independent = |&k: &usize| {
        let (pivot, own) = (r[(k, k)].modulus().to_f64(), largest_modulus(r.column(k).iter()));
        // What is left of a column may be rounding of the whole; it is of the rows that Q's column reaches.
        pivot > rounding * own || {
            let (q, a) = (q.column(k), a.column(columns[k]));
            let reached = q.iter().zip(a.iter());
            let reached = reached.map(|(q, a)| q.modulus().to_f64() * a.modulus().to_f64());
            pivot > rounding * reached.sum::<f64>()
        }
    };
    let rank = (0..r.nrows()).take_while(independent).count();
    if rank == a.ncols() {
        let t = OMatrix::from_fn_generic(size, size, |i, j| r[(i, j)]);
        let z = OMatrix::zeros_generic(size, columns.shape_generic().0);
        return Ok(Complete { q, t, z, columns, rank });
    }
    let mut kept = r;
    kept.rows_range_mut(rank..).fill(T::zero());
    let (t, z) = lq(&kept)?;
    Ok(Complete { q, t, z, columns, rank })
}

fn lstsq_forward<T: Scalar, R: DimMin<C>, C: Dim, N: Dim>(
    a: &OMatrix<T, R, C>,
    b: &OMatrix<T, R, N>,
    x: &OMatrix<T, C, N>,
    factors: &Complete<T, R, C>,
    a_dot: &OMatrix<T, R, C>,
    b_dot: &OMatrix<T, R, N>,
) -> OMatrix<T, C, N>
where
    DefaultAllocator: Allocator<R, C>
        + Allocator<C>
        + Allocator<R, N>
        + Allocator<C, N>
        + Allocator<DimMinimum<R, C>, N>
        + Allocator<R, DimMinimum<R, C>>
        + Allocator<DimMinimum<R, C>, C>
        + Allocator<DimMinimum<R, C>, DimMinimum<R, C>>,
{
    let (one, zero) = (T::one(), T::zero());
    let solver = Solver::new(a, factors);
    // Columns over powers of two: their products with A' and A^+ need not be among the numbers.
    let of_x = |k: usize| scale_of(x, k);
    // Y (dB - dA X + Y^H dA^H r)
    let (mut turned, mut moved) = (x.clone(), b_dot.clone());
    if factors.rank < a.nrows() {
        let residual = solver.residual(b, x);
        let of_r = |k: usize| scale_of(&residual, k);
        let over = columns(&residual, |x, k| x.unscale(of_r(k)));
        let product = ((block(a_dot), true), (block(&over), false));
        multiply(one, product.0, product.1, zero, &mut block_mut(&mut turned));
        moved += columns(&solver.solve_adjoint(&turned), |x, k| x.scale(of_r(k)));
    }
    let product = ((block(a_dot), false), (block(x), false));
    multiply(-one, product.0, product.1, one, &mut block_mut(&mut moved));
    turned.fill(zero);
    if factors.rank < a.ncols() {
        // (1 - Y A) dA^H Y^H X
        let through = solver.solve_adjoint(&columns(x, |x, k| x.unscale(of_x(k))));
        let product = ((block(a_dot), true), (block(&through), false));
        multiply(one, product.0, product.1, zero, &mut block_mut(&mut turned));
        match solver.outside(&turned) {
            Some(outside) => turned = outside,
            None => factors.take_off(a, &mut turned),
        }
        turned = columns(&turned, |x, k| x.scale(of_x(k)));
    }
    let mut x_dot = turned + solver.solve(&moved);
    if factors.lacks_rank() {
        factors.ranges().along("lstsq", block(a), block(a_dot), &mut block_mut(&mut x_dot));
    }
    x_dot
}

/// A power of two next to the largest entry of a column.
fn scale_of<T: Scalar, R: Dim, N: Dim>(x: &OMatrix<T, R, N>, k: usize) -> T::Real
where
    DefaultAllocator: Allocator<R, N>,
{
    binade(x.column(k).iter())
}

/// A matrix with each entry of a column changed.
fn columns<T: Scalar, R: Dim, N: Dim>(
    x: &OMatrix<T, R, N>,
    f: impl Fn(T, usize) -> T,
) -> OMatrix<T, R, N>
where
    DefaultAllocator: Allocator<R, N>,
{
    x.map_with_location(|_, k, x| f(x, k))
}

fn lstsq_reverse<T: Scalar, R: DimMin<C>, C: Dim, N: Dim>(
    a: &OMatrix<T, R, C>,
    b: &OMatrix<T, R, N>,
    x: &OMatrix<T, C, N>,
    factors: &Complete<T, R, C>,
    x_bar: Cotangent<'_, OMatrix<T, C, N>>,
    a_bar: Slot<'_, OMatrix<T, R, C>>,
    b_bar: Slot<'_, OMatrix<T, R, N>>,
) where
    DefaultAllocator: Allocator<R, C>
        + Allocator<C>
        + Allocator<R, N>
        + Allocator<C, N>
        + Allocator<DimMinimum<R, C>, N>
        + Allocator<R, DimMinimum<R, C>>
        + Allocator<DimMinimum<R, C>, C>
        + Allocator<DimMinimum<R, C>, DimMinimum<R, C>>,
{
    let one = T::one();
    let solver = Solver::new(a, factors);
    let mut outside: OMatrix<T, C, N> = x_bar.into_owned();
    let asked = asks(outside.iter());
    let w = solver.solve_adjoint(&outside);
    if let Some(mut a_bar) = a_bar.buffer() {
        let mut a_bar = buffer(&mut a_bar);
        multiply(-one, (block(&w), false), (block(x), true), one, &mut a_bar);
        // Powers of two kept aside: no product of two of r, Y and W need be among the numbers, nor Y^H X.
        let of_x = |k: usize| scale_of(x, k);
        if factors.rank < a.nrows() {
            let residual = solver.residual(b, x);
            let is_zero = |k: usize| largest_modulus(residual.column(k).iter()) == 0.0;
            let of_r = |k: usize| {
                exponent(if is_zero(k) { b.column(k) } else { residual.column(k) }.iter())
            };
            let through = solver.solve(&columns(&w, |x, k| x.unscale(scale_of(&w, k))));
            let through = columns(&through, |x, k| match is_zero(k) && T::Real::BASE {
                true => T::zero(),
                false => times_power(x, of_r(k) + exponent(w.column(k).iter())),
            });
            let over = columns(&residual, |x, k| times_power(x, -of_r(k)));
            multiply(one, (block(&over), false), (block(&through), true), one, &mut a_bar);
        }
        if factors.rank < a.ncols() {
            match solver.outside(&outside) {
                Some(found) => outside = found,
                None => factors.take_off_adjoint(a, &mut outside),
            }
            let outside = columns(&outside, |x, k| x.scale(of_x(k)));
            let through = solver.solve_adjoint(&columns(x, |x, k| x.unscale(of_x(k))));
            multiply(one, (block(&through), false), (block(&outside), true), one, &mut a_bar);
        }
        if asked && factors.lacks_rank() {
            factors.ranges().by_entries("lstsq", &mut a_bar);
        }
    }
    if let Some(mut b_bar) = b_bar.buffer() {
        b_bar += w;
    }
}

fn sample<T: Scalar>(random: &mut Sampler) -> (DMatrix<T>, DMatrix<T>) {
    let (rows, columns) = (random.size(0, 5), random.size(0, 5));
    let sides = random.size(0, 3);
    (random.matrix(rows, columns), random.matrix(rows, sides))
}
