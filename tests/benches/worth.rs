//! Which primitives earn their place: `cargo bench -p difrules-tests --bench worth`. It prints the page
//! `difrules-linalg/src/worth.md`.

use std::hint::black_box;

use comfy_table::Table;
use comfy_table::presets::ASCII_MARKDOWN;
use difrules_core::testing::Sampler;
use difrules_core::{Dual, Real, Var, gradient, jvp};
use difrules_linalg::*;
use difrules_tests::{Cost, cost, times};
use nalgebra::allocator::Allocator;
use nalgebra::{Complex, DMatrix, DVector, DefaultAllocator, Dim, Dyn, OMatrix, RealField, U1, U4};
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
        _ => return None,
    })
}

/// The same by the primitive.
fn ours<T: Real>(name: &str, a: &DMatrix<T>) -> Option<T> {
    let symmetric = || a + a.transpose();
    let definite = || {
        let size = nalgebra::convert::<f64, T>(a.nrows() as f64);
        let product = matmul(a, &transpose(a)).expect("fits");
        product + DMatrix::identity(a.nrows(), a.nrows()) * size
    };
    Some(match name {
        "cholesky" => total(&cholesky(&definite()).ok()?),
        "lu" => total(&lu(a).ok()?.packed),
        "full_piv_lu" => total(&full_piv_lu(a).ok()?.packed),
        "qr" => {
            let (q, r) = qr(a).ok()?;
            total(&q) + total(&r)
        }
        "lq" => {
            let (l, q) = lq(a).ok()?;
            total(&l) + total(&q)
        }
        "col_piv_qr" => {
            let found = col_piv_qr(a).ok()?;
            total(&found.q) + total(&found.r)
        }
        "svd" => {
            let found = svd(a).ok()?;
            total(&found.u) + total(&found.v_t) + total(&found.singular_values)
        }
        "singular_values" => total(&singular_values(a).ok()?),
        "symmetric_eigen" => {
            let found = symmetric_eigen(&symmetric()).ok()?;
            total(&found.eigenvectors) + total(&found.eigenvalues)
        }
        "symmetric_eigenvalues" => total(&symmetric_eigenvalues(&symmetric()).ok()?),
        "complex_eigenvalues" => moduli(&complex_eigenvalues(a).ok()?),
        "schur" => {
            let (q, t) = schur(a).ok()?;
            total(&q) + total(&t)
        }
        "hessenberg" => {
            let (q, h) = hessenberg(a).ok()?;
            total(&q) + total(&h)
        }
        "bidiagonal" => {
            let found = bidiagonal(a).ok()?;
            total(&found.u)
                + total(&found.diagonal)
                + total(&found.off_diagonal)
                + total(&found.v_t)
        }
        "symmetric_tridiagonal" => {
            let found = symmetric_tridiagonal(&symmetric()).ok()?;
            total(&found.q) + total(&found.diagonal) + total(&found.off_diagonal)
        }
        "polar" => {
            let (u, p) = polar(a).ok()?;
            total(&u) + total(&p)
        }
        "udu" => {
            let found = udu(&definite()).ok()?;
            total(&found.u) + total(&found.d)
        }
        "lblt" => {
            let found = lblt(&symmetric()).ok()?;
            total(&found.l) + total(&found.diagonal) + total(&found.off_diagonal)
        }
        "solve" => total(&solve(a, &transpose(a)).ok()?),
        "solve_lower_triangular" => total(&solve_lower_triangular(&definite(), a).ok()?),
        "solve_upper_triangular" => total(&solve_upper_triangular(&definite(), a).ok()?),
        "cholesky_solve" => total(&cholesky_solve(&definite(), a).ok()?),
        "inverse" => total(&inverse(a).ok()?),
        "pseudo_inverse" => total(&pseudo_inverse(a).ok()?),
        "lstsq" => total(&lstsq(a, &transpose(a)).ok()?),
        "determinant" => determinant(a).ok()?,
        "ln_determinant" => ln_determinant(&definite()).ok()?,
        "ln_abs_determinant" => ln_abs_determinant(a).ok()?.0,
        "norm" => norm(a),
        "lp_norm" => lp_norm(a, nalgebra::convert(3.0)).ok()?,
        "norm_inf" => norm_inf(a).ok()?,
        "normalize" => total(&normalize(a).ok()?),
        "spectral_norm" => spectral_norm(a).ok()?,
        "nuclear_norm" => nuclear_norm(a).ok()?,
        "condition_number" => condition_number(a).ok()?,
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
    generic(name, &a)?;
    let some = |x: Option<_>| x.ok_or("in the domain");
    let found = times(&mut [
        &mut || {
            let f = |a: &DMatrix<Var<f64>>| some(generic(name, a));
            black_box(gradient(f, black_box(&a)).expect("in the domain"));
        },
        &mut || {
            let f = |a: &DMatrix<Var<f64>>| some(ours(name, a));
            black_box(gradient(f, black_box(&a)).expect("in the domain"));
        },
        &mut || {
            let lifted = black_box(&a).zip_map(&v, Dual64::new);
            black_box(generic(name, &lifted).expect("in the domain"));
        },
        &mut || {
            let f = |a: &DMatrix<Dual<f64>>| ours(name, a).expect("in the domain");
            black_box(jvp(f, black_box(&a), &v));
        },
    ]);
    Some((found[0] / found[1], found[2] / found[3]))
}

fn ratio(x: f64) -> String {
    match x {
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
