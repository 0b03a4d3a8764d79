//! Which primitives earn their place: `cargo bench -p difrules-tests --bench worth`. It prints the page
//! `difrules-linalg/src/worth.md`.

use std::hint::black_box;

use comfy_table::Table;
use comfy_table::presets::ASCII_MARKDOWN;
use difrules_core::math::tanh;
use difrules_core::testing::Sampler;
use difrules_core::{Dual, Real, Var, gradient, jvp};
use difrules_linalg::*;
use difrules_tests::{Cost, cost, times};
use nalgebra::allocator::Allocator;
use nalgebra::{
    Complex, DMatrix, DVector, DefaultAllocator, Dim, Dyn, OMatrix, RealField, U1, U2, U3, U4,
};
use num_dual::Dual64;

fn any<R: Dim, C: Dim>(random: &mut Sampler, rows: usize, columns: usize) -> OMatrix<f64, R, C>
where
    DefaultAllocator: Allocator<R, C>,
{
    let (rows, columns) = (R::from_usize(rows), C::from_usize(columns));
    OMatrix::from_fn_generic(rows, columns, |_, _| random.normal())
}

fn definite<D: Dim>(random: &mut Sampler, size: usize) -> OMatrix<f64, D, D>
where
    DefaultAllocator: Allocator<D, D>,
{
    let a: OMatrix<f64, D, D> = any(random, size, size);
    let one = OMatrix::<f64, D, D>::identity_generic(D::from_usize(size), D::from_usize(size));
    &a * a.transpose() + one * size as f64
}

fn symmetric<D: Dim>(random: &mut Sampler, size: usize) -> OMatrix<f64, D, D>
where
    DefaultAllocator: Allocator<D, D>,
{
    let a: OMatrix<f64, D, D> = any(random, size, size);
    &a + a.transpose()
}

/// The costs of every primitive for square matrices of a size, static or dynamic.
macro_rules! costs {
    ($dimension:ident, $size:expr) => {{
        let mut random = Sampler::new(1, 1);
        let (r, n) = (&mut random, $size);
        type D = $dimension;
        let a: OMatrix<f64, D, D> = any(r, n, n);
        let b: OMatrix<f64, D, D> = any(r, n, n);
        let s: OMatrix<f64, D, D> = symmetric(r, n);
        let p: OMatrix<f64, D, D> = definite(r, n);
        let l = p.clone().cholesky().expect("positive definite").unpack();
        let vector = |r: &mut Sampler| any::<D, U1>(r, n, 1);
        let mut first = vector(r);
        first[0] += 4.0 * n as f64;
        let diagonals = (vector(r), first.clone(), vector(r));
        let (x, y) = (vector(r), vector(r));
        // Eigenvalues next to 4, and a stable one next to -4.
        let one = OMatrix::<f64, D, D>::identity_generic(D::from_usize(n), D::from_usize(n));
        let near = &a * (0.5 / n as f64) + &one * 4.0;
        let (stable, small) = (-&near, &near * 0.125);
        let weights = &x * (1.0 / n as f64);
        let backwards: Vec<usize> = (0..n).rev().collect();
        let (lower, plain, general) = (Triangle::Lower, Operation::None, Diagonal::General);
        vec![
            ("cholesky", cost::<cholesky<f64, D>>((p.clone(),))),
            ("lu", cost::<lu<f64, D, D>>((a.clone(),))),
            ("full_piv_lu", cost::<full_piv_lu<f64, D, D>>((a.clone(),))),
            ("qr", cost::<qr<f64, D, D>>((a.clone(),))),
            ("lq", cost::<lq<f64, D, D>>((a.clone(),))),
            ("col_piv_qr", cost::<col_piv_qr<f64, D, D>>((a.clone(),))),
            ("svd", cost::<svd<f64, D, D>>((a.clone(),))),
            ("singular_values", cost::<singular_values<f64, D, D>>((a.clone(),))),
            ("symmetric_eigen", cost::<symmetric_eigen<f64, D>>((s.clone(),))),
            ("symmetric_eigenvalues", cost::<symmetric_eigenvalues<f64, D>>((s.clone(),))),
            (
                "generalized_symmetric_eigen",
                cost::<generalized_symmetric_eigen<f64, D>>((s.clone(), p.clone())),
            ),
            ("eigen", cost::<eigen<f64, D>>((a.clone(),))),
            ("complex_eigenvalues", cost::<complex_eigenvalues<f64, D>>((a.clone(),))),
            ("schur", cost::<schur<f64, D>>((a.clone(),))),
            ("hessenberg", cost::<hessenberg<f64, D>>((a.clone(),))),
            ("bidiagonal", cost::<bidiagonal<f64, D, D>>((a.clone(),))),
            ("symmetric_tridiagonal", cost::<symmetric_tridiagonal<f64, D>>((s.clone(),))),
            ("polar", cost::<polar<f64, D, D>>((a.clone(),))),
            ("udu", cost::<udu<f64, D>>((p.clone(),))),
            ("lblt", cost::<lblt<f64, D>>((s.clone(),))),
            ("solve", cost::<solve<f64, D, D>>((a.clone(), b.clone()))),
            ("lu_solve", cost::<lu_solve<f64, D, D>>((plain, lu(&a).expect("finite"), b.clone()))),
            (
                "solve_lower_triangular",
                cost::<solve_lower_triangular<f64, D, D>>((l.clone(), b.clone())),
            ),
            (
                "solve_upper_triangular",
                cost::<solve_upper_triangular<f64, D, D>>((l.transpose(), b.clone())),
            ),
            (
                "solve_triangular",
                cost::<solve_triangular<f64, D, D>>((
                    lower,
                    Operation::Transpose,
                    general,
                    l.clone(),
                    b.clone(),
                )),
            ),
            ("cholesky_solve", cost::<cholesky_solve<f64, D, D>>((l.clone(), b.clone()))),
            ("udu_solve", cost::<udu_solve<f64, D, D>>((udu(&p).expect("definite"), b.clone()))),
            ("lblt_solve", cost::<lblt_solve<f64, D, D>>((lblt(&s).expect("finite"), b.clone()))),
            ("inverse", cost::<inverse<f64, D>>((a.clone(),))),
            ("pseudo_inverse", cost::<pseudo_inverse<f64, D, D>>((a.clone(),))),
            ("lstsq", cost::<lstsq<f64, D, D, D>>((a.clone(), b.clone()))),
            (
                "tridiagonal_solve",
                cost::<tridiagonal_solve<f64, D, U1>>((
                    diagonals.0.clone(),
                    diagonals.1.clone(),
                    diagonals.2.clone(),
                    vector(r),
                )),
            ),
            (
                "toeplitz_solve",
                cost::<toeplitz_solve<f64, D, U1>>((first.clone(), diagonals.0.clone(), vector(r))),
            ),
            ("determinant", cost::<determinant<f64, D>>((a.clone(),))),
            ("ln_determinant", cost::<ln_determinant<f64, D>>((p.clone(),))),
            ("ln_abs_determinant", cost::<ln_abs_determinant<f64, D>>((a.clone(),))),
            ("norm", cost::<norm<f64, D, D>>((a.clone(),))),
            ("lp_norm", cost::<lp_norm<f64, D, D>>((a.clone(), 3.0))),
            ("norm_inf", cost::<norm_inf<f64, D, D>>((a.clone(),))),
            ("one_norm", cost::<one_norm<f64, D, D>>((a.clone(),))),
            ("spectral_norm", cost::<spectral_norm<f64, D, D>>((a.clone(),))),
            ("nuclear_norm", cost::<nuclear_norm<f64, D, D>>((a.clone(),))),
            ("normalize", cost::<normalize<f64, D, D>>((a.clone(),))),
            ("condition_number", cost::<condition_number<f64, D, D>>((a.clone(),))),
            ("exp", cost::<exp<f64, D>>((small.clone(),))),
            ("ln", cost::<ln<f64, D>>((near.clone(),))),
            ("sqrt", cost::<sqrt<f64, D>>((near.clone(),))),
            ("pow", cost::<pow<f64, D>>((near.clone(), -5))),
            ("powf", cost::<powf<f64, D>>((near.clone(), 1.3))),
            ("sin", cost::<sin<f64, D>>((near.clone(),))),
            ("cos", cost::<cos<f64, D>>((near.clone(),))),
            ("sinh", cost::<sinh<f64, D>>((near.clone(),))),
            ("cosh", cost::<cosh<f64, D>>((near.clone(),))),
            ("sign", cost::<sign<f64, D>>((near.clone(),))),
            (
                "symmetric_function",
                cost::<symmetric_function<f64, D>>((s.clone(), ScalarFunction::new(|_, x| x.exp()))),
            ),
            ("exp_action", cost::<exp_action<f64, D, D>>((1.0, small.clone(), b.clone()))),
            ("sylvester", cost::<sylvester<f64, D, D>>((near.clone(), near.clone(), b.clone()))),
            (
                "continuous_lyapunov",
                cost::<continuous_lyapunov<f64, D>>((stable.clone(), s.clone())),
            ),
            ("discrete_lyapunov", cost::<discrete_lyapunov<f64, D>>((small.clone(), s.clone()))),
            (
                "continuous_riccati",
                cost::<continuous_riccati<f64, D, D>>((
                    stable.clone(),
                    b.clone(),
                    p.clone(),
                    p.clone(),
                )),
            ),
            (
                "discrete_riccati",
                cost::<discrete_riccati<f64, D, D>>((
                    small.clone(),
                    b.clone(),
                    p.clone(),
                    p.clone(),
                )),
            ),
            (
                "cholesky_rank_one_update",
                cost::<cholesky_rank_one_update<f64, D>>((l.clone(), x.clone(), 0.5)),
            ),
            (
                "householder_product",
                cost::<householder_product<f64, D, D, D>>((a.clone(), weights.clone())),
            ),
            ("mvn_ln_pdf", cost::<mvn_ln_pdf<D>>((x.clone(), y.clone(), l.clone()))),
            ("covariance", cost::<covariance<f64, D, D>>((a.clone(),))),
            ("add", cost::<add<f64, D, D>>((a.clone(), b.clone()))),
            ("sub", cost::<sub<f64, D, D>>((a.clone(), b.clone()))),
            ("neg", cost::<neg<f64, D, D>>((a.clone(),))),
            ("scale", cost::<scale<f64, D, D>>((1.3, a.clone()))),
            ("unscale", cost::<unscale<f64, D, D>>((1.3, a.clone()))),
            ("add_scalar", cost::<add_scalar<f64, D, D>>((a.clone(), 1.3))),
            ("add_to_columns", cost::<add_to_columns<f64, D, D>>((a.clone(), x.clone()))),
            ("add_to_rows", cost::<add_to_rows<f64, D, D>>((a.clone(), x.transpose()))),
            ("component_mul", cost::<component_mul<f64, D, D>>((a.clone(), b.clone()))),
            ("component_div", cost::<component_div<f64, D, D>>((a.clone(), b.clone()))),
            ("matmul", cost::<matmul<f64, D, D, D>>((a.clone(), b.clone()))),
            ("tr_mul", cost::<tr_mul<f64, D, D, D>>((a.clone(), b.clone()))),
            ("ad_mul", cost::<ad_mul<f64, D, D, D>>((a.clone(), b.clone()))),
            ("mul_tr", cost::<mul_tr<f64, D, D, D>>((a.clone(), b.clone()))),
            (
                "quadratic_form",
                cost::<quadratic_form<f64, D, D>>((x.clone(), a.clone(), y.clone())),
            ),
            ("transpose", cost::<transpose<f64, D, D>>((a.clone(),))),
            ("adjoint", cost::<adjoint<f64, D, D>>((a.clone(),))),
            ("sum", cost::<sum<f64, D, D>>((a.clone(),))),
            ("row_sum", cost::<row_sum<f64, D, D>>((a.clone(),))),
            ("column_sum", cost::<column_sum<f64, D, D>>((a.clone(),))),
            ("mean", cost::<mean<f64, D, D>>((a.clone(),))),
            ("variance", cost::<variance<f64, D, D>>((a.clone(),))),
            ("trace", cost::<trace<f64, D>>((a.clone(),))),
            ("diagonal", cost::<diagonal<f64, D, D>>((a.clone(),))),
            ("diagonal_at", cost::<diagonal_at<f64, D, D>>((a.clone(), 1))),
            ("from_diagonal", cost::<from_diagonal<f64, D>>((x.clone(),))),
            ("from_diagonal_at", cost::<from_diagonal_at<f64, D>>((x.clone(), 1))),
            ("lower_triangle", cost::<lower_triangle<f64, D, D>>((a.clone(),))),
            ("upper_triangle", cost::<upper_triangle<f64, D, D>>((a.clone(),))),
            ("symmetric_part", cost::<symmetric_part<f64, D>>((a.clone(),))),
            (
                "kronecker",
                cost::<kronecker<f64, D, D, U2, U2>>((a.clone(), nalgebra::matrix![1.0, 2.0; 3.0, 4.0])),
            ),
            ("cross", cost::<cross<f64, U3, U1>>((nalgebra::vector![1.0, 2.0, 3.0], nalgebra::vector![3.0, 1.0, 2.0]))),
            ("outer", cost::<outer<f64, D, D>>((x.clone(), y.clone()))),
            ("hstack", cost::<hstack<f64, D, D, D>>((a.clone(), b.clone()))),
            ("vstack", cost::<vstack<f64, D, D, D>>((a.clone(), b.clone()))),
            ("view", cost::<view<f64, D, D, Dyn, Dyn>>((a.clone(), (1, 1), (Dyn(n / 2), Dyn(n / 2))))),
            ("select_rows", cost::<select_rows<f64, D, D>>((a.clone(), backwards.clone()))),
            ("select_columns", cost::<select_columns<f64, D, D>>((a.clone(), backwards.clone()))),
            ("reshape", cost::<reshape<f64, D, D, Dyn, Dyn>>((a.clone(), (Dyn(2 * n), Dyn(n / 2))))),
            ("cumsum", cost::<cumsum<f64, D, D>>((a.clone(),))),
            ("cumprod", cost::<cumprod<f64, D, D>>((a.clone(),))),
            ("logsumexp", cost::<logsumexp<f64, D, D>>((a.clone(),))),
            ("row_logsumexp", cost::<row_logsumexp<f64, D, D>>((a.clone(),))),
            ("softmax", cost::<softmax<f64, D, D>>((a.clone(),))),
        ]
    }};
}

fn total<T: RealField + Copy, R: Dim, C: Dim>(x: &OMatrix<T, R, C>) -> T
where
    DefaultAllocator: Allocator<R, C>,
{
    x.iter().fold(T::zero(), |sum, &x| sum + x)
}

fn moduli<T: RealField + Copy>(x: &DVector<Complex<T>>) -> T {
    x.iter().fold(T::zero(), |sum, x| sum + x.re * x.re + x.im * x.im)
}

/// The sum of what nalgebra's own algorithm gives, in whatever arithmetic; `None` where it has none.
fn generic<T: RealField + Copy>(name: &str, a: &DMatrix<T>) -> Option<T> {
    let own = || a.clone();
    // As the primitives do, from one triangle of A + A^T, and from A A^T + n.
    let symmetric = || a + a.transpose();
    let definite = || {
        let size = nalgebra::convert::<f64, T>(a.nrows() as f64);
        a * a.transpose() + DMatrix::identity(a.nrows(), a.nrows()) * size
    };
    Some(match name {
        "cholesky" => total(&definite().cholesky()?.unpack()),
        "lu" => total(&own().lu().lu_internal().clone()),
        "full_piv_lu" => total(&own().full_piv_lu().lu_internal().clone()),
        "qr" => {
            let (q, r) = own().qr().unpack();
            total(&q) + total(&r)
        }
        "lq" => {
            let (q, r) = a.transpose().qr().unpack();
            total(&q) + total(&r)
        }
        "col_piv_qr" => {
            let found = own().col_piv_qr();
            total(&found.q()) + total(&found.r())
        }
        "svd" => {
            let found = own().svd(true, true);
            total(&found.u?) + total(&found.v_t?) + total(&found.singular_values)
        }
        "singular_values" => total(&own().singular_values()),
        "symmetric_eigen" => {
            let found = symmetric().symmetric_eigen();
            total(&found.eigenvectors) + total(&found.eigenvalues)
        }
        "symmetric_eigenvalues" => total(&symmetric().symmetric_eigenvalues()),
        "complex_eigenvalues" => moduli(&own().complex_eigenvalues()),
        "schur" => {
            let (q, t) = own().schur().unpack();
            total(&q) + total(&t)
        }
        "hessenberg" => {
            let (q, h) = own().hessenberg().unpack();
            total(&q) + total(&h)
        }
        "bidiagonal" => {
            let (u, b, v_t) = own().bidiagonalize().unpack();
            total(&u) + total(&b) + total(&v_t)
        }
        "symmetric_tridiagonal" => {
            let (q, diagonal, off_diagonal) = symmetric().symmetric_tridiagonalize().unpack();
            total(&q) + total(&diagonal) + total(&off_diagonal)
        }
        "polar" => {
            let (p, u) = own().svd(true, true).to_polar()?;
            total(&u) + total(&p)
        }
        "udu" => {
            let found = definite().udu()?;
            total(&found.u) + total(&found.d)
        }
        "lblt" => {
            let found = nalgebra::LBLT::new(symmetric());
            total(&found.l_permuted()) + total(&found.d())
        }
        "solve" => total(&own().lu().solve(&a.transpose())?),
        "solve_lower_triangular" => total(&definite().solve_lower_triangular(a)?),
        "solve_upper_triangular" => total(&definite().solve_upper_triangular(a)?),
        "cholesky_solve" => {
            let l = definite();
            let half = l.solve_lower_triangular(a)?;
            total(&l.ad_solve_lower_triangular(&half)?)
        }
        "inverse" => total(&own().try_inverse()?),
        "pseudo_inverse" => total(&own().pseudo_inverse(nalgebra::convert(1e-12)).ok()?),
        "lstsq" => {
            let found = own().svd(true, true);
            total(&found.solve(&a.transpose(), nalgebra::convert(1e-12)).ok()?)
        }
        "determinant" => own().lu().determinant(),
        "ln_determinant" => definite().cholesky()?.ln_determinant(),
        "ln_abs_determinant" => own().lu().determinant().abs().ln(),
        "norm" => a.norm(),
        "lp_norm" => a.lp_norm(3),
        "norm_inf" => a.amax(),
        "normalize" => total(&a.normalize()),
        "spectral_norm" => own().singular_values()[0],
        "nuclear_norm" => total(&own().singular_values()),
        "condition_number" => {
            let values = own().singular_values();
            values[0] / values[values.len() - 1]
        }
        "exp" => total(&(a * nalgebra::convert::<f64, T>(0.25)).exp()),
        "pow" => total(&a.pow(5)),
        "add" => total(&(a + a.transpose())),
        "scale" => total(&(a * a[0])),
        "component_mul" => total(&a.component_mul(&a.transpose())),
        "component_div" => total(&a.component_div(&definite())),
        "map" => total(&a.map(|x| x.tanh())),
        "matmul" => total(&(a * a)),
        "tr_mul" => total(&a.tr_mul(a)),
        "quadratic_form" => a.column(0).dot(&(a * a.column(1))),
        "transpose" => total(&a.transpose().component_mul(a)),
        "row_sum" => a.row_sum().norm_squared(),
        "column_sum" => a.column_sum().norm_squared(),
        "mean" => a.mean(),
        "variance" => a.variance(),
        "trace" => a.trace(),
        "kronecker" => total(&a.kronecker(&a.fixed_view::<2, 2>(0, 0))),
        "outer" => total(&(a.column(0) * a.column(1).transpose())),
        "lower_triangle" => total(&a.lower_triangle().component_mul(a)),
        "select_rows" => total(&a.select_rows(&[1, 0, 1])),
        "covariance" => {
            let centred = a - a.column_mean() * DMatrix::from_element(1, a.ncols(), T::one());
            total(&(&centred * centred.transpose())) / nalgebra::convert((a.ncols() - 1) as f64)
        }
        "mvn_ln_pdf" => {
            let l = definite();
            let z = l.solve_lower_triangular(&(a.column(0) - a.column(1)))?;
            let ln = l.diagonal().iter().fold(T::zero(), |sum, x| sum + x.ln());
            -ln - z.norm_squared() / nalgebra::convert(2.0)
        }
        "logsumexp" => {
            let largest = a.max();
            a.iter().fold(T::zero(), |sum, &x| sum + (x - largest).exp()).ln() + largest
        }
        "softmax" => {
            let mut y = a.clone();
            for mut column in y.column_iter_mut() {
                let largest = column.max();
                column.apply(|x| *x = (*x - largest).exp());
                let sum = column.sum();
                column.apply(|x| *x /= sum);
            }
            total(&y.component_mul(a))
        }
        _ => return None,
    })
}

/// The same by the primitive, as a method of a matrix in one piece.
fn ours<T: Real>(name: &str, a: &Matrix<T>) -> Option<T> {
    let number = |x: f64| nalgebra::convert::<f64, T>(x);
    let symmetric = || a + a.transpose();
    let definite = || {
        let size = DMatrix::<f64>::identity(a.nrows(), a.nrows()) * a.nrows() as f64;
        a * a.transpose() + size
    };
    Some(match name {
        "cholesky" => definite().cholesky().ok()?.sum(),
        "lu" => total(&a.lu().ok()?.entries().packed),
        "full_piv_lu" => total(&a.full_piv_lu().ok()?.entries().packed),
        "qr" => {
            let (q, r) = a.qr().ok()?;
            q.sum() + r.sum()
        }
        "lq" => {
            let (l, q) = a.lq().ok()?;
            l.sum() + q.sum()
        }
        "col_piv_qr" => {
            let found = a.col_piv_qr().ok()?.entries();
            total(&found.q) + total(&found.r)
        }
        "svd" => {
            let (u, s, v_t) = a.svd().ok()?;
            u.sum() + s.sum() + v_t.sum()
        }
        "singular_values" => a.singular_values().ok()?.sum(),
        "symmetric_eigen" => {
            let (values, vectors) = symmetric().symmetric_eigen().ok()?;
            values.sum() + vectors.sum()
        }
        "symmetric_eigenvalues" => symmetric().symmetric_eigenvalues().ok()?.sum(),
        "complex_eigenvalues" => a.complex_eigenvalues().ok()?.norm_squared(),
        "schur" => {
            let (q, t) = a.schur().ok()?;
            q.sum() + t.sum()
        }
        "hessenberg" => {
            let (q, h) = a.hessenberg().ok()?;
            q.sum() + h.sum()
        }
        "bidiagonal" => {
            let (u, diagonal, off_diagonal, v_t) = a.bidiagonal().ok()?;
            u.sum() + diagonal.sum() + off_diagonal.sum() + v_t.sum()
        }
        "symmetric_tridiagonal" => {
            let (q, diagonal, off_diagonal) = symmetric().symmetric_tridiagonal().ok()?;
            q.sum() + diagonal.sum() + off_diagonal.sum()
        }
        "polar" => {
            let (u, p) = a.polar().ok()?;
            u.sum() + p.sum()
        }
        "udu" => {
            let found = definite().udu().ok()?.entries();
            total(&found.u) + total(&found.d)
        }
        "lblt" => {
            let found = symmetric().lblt().ok()?.entries();
            total(&found.l) + total(&found.diagonal) + total(&found.off_diagonal)
        }
        "solve" => a.solve(a.transpose()).ok()?.sum(),
        "solve_lower_triangular" => definite().solve_lower_triangular(a).ok()?.sum(),
        "solve_upper_triangular" => definite().solve_upper_triangular(a).ok()?.sum(),
        "cholesky_solve" => definite().cholesky_solve(a).ok()?.sum(),
        "inverse" => a.inverse().ok()?.sum(),
        "pseudo_inverse" => a.pseudo_inverse().ok()?.sum(),
        "lstsq" => a.lstsq(a.transpose()).ok()?.sum(),
        "determinant" => a.determinant().ok()?,
        "ln_determinant" => definite().ln_determinant().ok()?,
        "ln_abs_determinant" => a.ln_abs_determinant().ok()?.0,
        "norm" => a.norm(),
        "lp_norm" => a.lp_norm(number(3.0)).ok()?,
        "norm_inf" => a.norm_inf().ok()?,
        "normalize" => a.normalize().ok()?.sum(),
        "spectral_norm" => a.spectral_norm().ok()?,
        "nuclear_norm" => a.nuclear_norm().ok()?,
        "condition_number" => a.condition_number().ok()?,
        "exp" => a.scale(number(0.25)).exp().ok()?.sum(),
        "pow" => a.pow(5).ok()?.sum(),
        "add" => (a + a.transpose()).sum(),
        "scale" => a.scale(a.get((0, 0))).sum(),
        "component_mul" => a.component_mul(a.transpose()).ok()?.sum(),
        "component_div" => a.component_div(definite()).ok()?.sum(),
        "map" => a.map::<tanh>().sum(),
        "matmul" => (a * a).sum(),
        "tr_mul" => a.tr_mul(a).ok()?.sum(),
        "quadratic_form" => a.quadratic_form(a.column(0), a.column(1)).ok()?,
        "transpose" => a.transpose().component_mul(a).ok()?.sum(),
        "row_sum" => a.row_sum().norm_squared(),
        "column_sum" => a.column_sum().norm_squared(),
        "mean" => a.mean(),
        "variance" => a.variance(),
        "trace" => a.trace().ok()?,
        "kronecker" => a.kronecker(a.view((0, 0), (2, 2))).sum(),
        "outer" => a.column(0).outer(a.column(1)).sum(),
        "lower_triangle" => a.lower_triangle().component_mul(a).ok()?.sum(),
        "select_rows" => a.select_rows(&[1, 0, 1]).ok()?.sum(),
        "covariance" => a.covariance().ok()?.sum(),
        "mvn_ln_pdf" => a.column(0).mvn_ln_pdf(a.column(1), definite()).ok()?,
        "logsumexp" => a.logsumexp(),
        "softmax" => a.softmax().component_mul(a).ok()?.sum(),
        _ => return None,
    })
}

/// How many times as long nalgebra's generic algorithm takes as the primitive: for a gradient on `Var`, and
/// for a derivative along one direction on `Dual64`.
fn gains(name: &str, size: usize) -> Option<(f64, f64)> {
    let mut random = Sampler::new(7, 7);
    let a: DMatrix<f64> = any(&mut random, size, size);
    let v: DMatrix<f64> = any(&mut random, size, size);
    let a = a + DMatrix::identity(size, size) * 2.0;
    let (whole, whole_v) = (Matrix::from(a.clone()), Matrix::from(v.clone()));
    generic(name, &a)?;
    let some = |x: Option<_>| x.ok_or("in the domain");
    // nalgebra's exponential rounds a number up, which panics on those of num-dual.
    let has_dual = name != "exp";
    let found = times(&mut [
        &mut || {
            let f = |a: &DMatrix<Var<f64>>| some(generic(name, a));
            black_box(gradient(f, black_box(&a)).expect("in the domain"));
        },
        &mut || {
            let f = |a: &Matrix<Var<f64>>| some(ours(name, a));
            black_box(gradient(f, black_box(&whole)).expect("in the domain"));
        },
        &mut || {
            if has_dual {
                let lifted = black_box(&a).zip_map(&v, Dual64::new);
                black_box(generic(name, &lifted).expect("in the domain"));
            }
        },
        &mut || {
            let f = |a: &Matrix<Dual<f64>>| ours(name, a).expect("in the domain");
            black_box(jvp(f, black_box(&whole), &whole_v));
        },
    ]);
    Some((found[0] / found[1], if has_dual { found[2] / found[3] } else { f64::NAN }))
}

fn ratio(x: f64) -> String {
    match x {
        x if x.is_nan() => "-".to_owned(),
        x if x >= 9.5 => format!("{x:.0}"),
        x if x >= 0.95 => format!("{x:.1}"),
        x => format!("{x:.2}"),
    }
}

fn main() {
    let (small, middle, large) = (costs!(U4, 4), costs!(Dyn, 64), costs!(Dyn, 256));
    println!("<!-- Printed by `cargo bench -p difrules-tests --bench worth`. -->");
    println!("Which primitives earn their place, measured on one core; a generated page.\n");
    println!("## What a rule costs beside its own primal\n");
    println!(
        "The time of the forward and of the reverse rule over that of the call, for square matrices of \
         `f64`: static ones of 4 rows, dynamic ones of 64 and 256, and as many right-hand sides. The tangents \
         and cotangents are full.\n"
    );
    let mut table = Table::new();
    table.load_style(ASCII_MARKDOWN);
    table.set_header(["", "forward, 4", "64", "256", "reverse, 4", "64", "256"]);
    for (((name, small), (_, middle)), (_, large)) in small.iter().zip(&middle).zip(&large) {
        let costs = [small, middle, large];
        let forward = costs.map(|cost: &Cost| ratio(cost.forward / cost.primal));
        let reverse = costs.map(|cost: &Cost| ratio(cost.reverse / cost.primal));
        let mut row = vec![format!("[`{name}`](fn@crate::{name})")];
        row.extend(forward);
        row.extend(reverse);
        table.add_row(row);
    }
    println!("{table}\n");
    println!("## What a primitive gains\n");
    println!(
        "How many times as long it takes to differentiate nalgebra's own generic algorithm: a gradient in \
         reverse mode with the algorithm run on `Var<f64>`, and a derivative along one direction with the \
         algorithm run on `Dual64` of the crate num-dual, against the same function with the primitive. \
         Dynamic matrices of 4, 16 and 64 rows. What is not here nalgebra does not have.\n"
    );
    let mut table = Table::new();
    table.load_style(ASCII_MARKDOWN);
    table.set_header(["", "Var, 4", "16", "64", "Dual64, 4", "16", "64"]);
    for (name, _) in &small {
        let Some(found): Option<Vec<_>> =
            [4, 16, 64].map(|size| gains(name, size)).into_iter().collect()
        else {
            continue;
        };
        let mut row = vec![format!("[`{name}`](fn@crate::{name})")];
        row.extend(found.iter().map(|gain| ratio(gain.0)));
        row.extend(found.iter().map(|gain| ratio(gain.1)));
        table.add_row(row);
    }
    println!("{table}");
}
