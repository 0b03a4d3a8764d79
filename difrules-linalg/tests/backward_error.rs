//! What every decomposition and solve returns is what it would be, exactly, for arguments that differ from the
//! given ones by a few roundings, whatever these are: random, graded, nearly triangular, nearly diagonal, badly
//! scaled by rows, by columns and as a whole, and structured. Or it is an error.
//!
//! By the registry, at the scalars that are registered, so that nothing generic is compiled here but what
//! compares.

use std::any::{Any, TypeId};

use crate::families::{epsilon, families, largest, number};
use difrules_core::testing::Sampler;
use difrules_core::{Real, Scalar, find};
use difrules_linalg::{
    Bidiagonal, ColPivQr, Eigen, FullPivLu, Lblt, Lu, Svd, SymmetricEigen, SymmetricTridiagonal,
    Udu, singular_values, solve, symmetric_eigenvalues,
};
use nalgebra::{Complex, DMatrix, DVector, Dyn, SMatrix};

type C64 = Complex<f64>;
type Wide = DMatrix<C64>;

/// What is called, at one scalar.
struct At<T: Scalar> {
    registered: bool,
    /// The largest error found, in units of the bound, and where.
    worst: (f64, String),
    /// Where there was an error that there should not be.
    failed: Vec<String>,
    family: String,
    may_fail: bool,
    scalar: std::marker::PhantomData<T>,
}

/// The entries over a power of two, with more digits than f32 has.
fn wide<T: Scalar>(a: &DMatrix<T>, power: i32) -> Wide {
    let half = -f64::from(power) / 2.0;
    let (first, second) = (half.floor().exp2(), half.ceil().exp2());
    a.map(|x| Complex::new(x.real().to_f64(), x.imaginary().to_f64()) * first * second)
}

/// The exponent of the largest entry.
fn power<T: Scalar>(a: &DMatrix<T>) -> i32 {
    let most = largest(a);
    if most > 0.0 { most.log2().floor() as i32 } else { 0 }
}

fn column<S: Real>(x: &DVector<S>) -> DMatrix<S> {
    DMatrix::from_column_slice(x.len(), 1, x.as_slice())
}

fn diagonal<S: Real>(x: &DVector<S>, power: i32) -> Wide {
    DMatrix::from_diagonal(&wide(&column(x), power).column(0).clone_owned())
}

/// The product, by products of the parts: those of real numbers are fast without optimisation too.
fn times(a: &Wide, b: &Wide) -> Wide {
    let [a_re, b_re] = [a, b].map(|x| x.map(|x| x.re));
    if a.iter().chain(b.iter()).all(|x| x.im == 0.0) {
        return (a_re * b_re).map(|x| Complex::new(x, 0.0));
    }
    let [a_im, b_im] = [a, b].map(|x| x.map(|x| x.im));
    let re = &a_re * &b_re - &a_im * &b_im;
    re.zip_map(&(a_re * b_im + a_im * b_re), Complex::new)
}

fn moduli(a: &Wide) -> DMatrix<f64> {
    a.map(|x| x.norm())
}

impl<T: Scalar> At<T> {
    fn new() -> Self {
        let at = Self {
            registered: true,
            worst: (0.0, String::new()),
            failed: Vec::new(),
            family: String::new(),
            may_fail: false,
            scalar: std::marker::PhantomData,
        };
        let svd = find("svd", 1).expect("registered");
        let this = TypeId::of::<DMatrix<T>>();
        Self { registered: svd.instances.iter().any(|x| x.argument_types()[0].0 == this), ..at }
    }

    /// What a primitive returns for matrices; none where it reports an error.
    fn call<Y: 'static>(&mut self, name: &str, arguments: &[&dyn Argument]) -> Option<Y> {
        let types: Vec<_> = arguments.iter().map(|x| (**x).id()).collect();
        let record = find(name, arguments.len()).expect("registered");
        let fits = |found: Vec<(TypeId, _)>| found.iter().map(|x| x.0).eq(types.iter().copied());
        let instance = record.instances.iter().find(|x| fits(x.argument_types()));
        let instance = instance.expect("registered at this scalar");
        let mut owned: Vec<_> = arguments.iter().map(|x| (**x).boxed()).collect();
        let mut values: Vec<_> = owned.iter_mut().map(|x| &mut **x).collect();
        let mut output: Option<Box<dyn Any>> = None;
        match instance.call(&mut values, &mut output) {
            Ok(()) => Some(*output.expect("put there").downcast().expect("of its type")),
            Err(error) => {
                if !self.may_fail {
                    self.failed.push(format!("{name}, {}: {error}", self.family));
                }
                None
            }
        }
    }

    /// Compares an error with how large it may be.
    fn bound(&mut self, name: &str, error: f64, most: f64) {
        let part = if error == 0.0 { 0.0 } else { error / most };
        if part.is_nan() || part > self.worst.0 {
            self.worst = (
                if part.is_nan() { f64::INFINITY } else { part },
                format!("{name}, {}", self.family),
            );
        }
    }

    /// Two matrices are the same but for roundings of the largest entry of the first.
    fn same(&mut self, name: &str, a: &Wide, product: &Wide) {
        let size = a.nrows().max(a.ncols()) as f64;
        self.bound(name, largest(&(a - product)), size * epsilon::<T>() * largest(a));
    }

    /// The columns are orthonormal.
    fn orthonormal(&mut self, name: &str, q: &Wide) {
        let (rows, columns) = q.shape();
        let error = times(&q.adjoint(), q) - Wide::identity(columns, columns);
        self.bound(name, largest(&error), rows as f64 * epsilon::<T>());
    }

    /// Two matrices are the same but for roundings of the products that an entry is made of.
    fn made_of(&mut self, name: &str, error: &Wide, parts: &DMatrix<f64>) {
        let rounding = epsilon::<T>() * error.nrows().max(error.ncols()) as f64;
        // Nothing below the smallest number counts.
        let least =
            1e-290 + f64::from(f32::MIN_POSITIVE) * f64::from(u8::from(epsilon::<T>() > 1e-10));
        for (error, part) in error.iter().zip(parts.iter()) {
            self.bound(name, error.norm(), rounding * part + least);
        }
    }

    fn by_reflections(&mut self, a: &DMatrix<T>) {
        let (rows, columns) = a.shape();
        let size = rows.min(columns);
        let p = power(a);
        let a_wide = wide(a, p);
        if let Some(y) = self.call::<Svd<T, Dyn, Dyn>>("svd", &[a]) {
            let (u, v_t) = (wide(&y.u, 0), wide(&y.v_t, 0));
            self.same("svd", &a_wide, &times(&times(&u, &diagonal(&y.singular_values, p)), &v_t));
            self.orthonormal("u", &u);
            self.orthonormal("v", &v_t.adjoint());
            let values = y.singular_values.as_slice();
            assert!(
                values.windows(2).all(|x| x[0] >= x[1])
                    && values.iter().all(|&x| x >= nalgebra::zero())
            );
            let alone = self.call::<DVector<T::Real>>("singular_values", &[a]).expect("as svd");
            assert_eq!(alone, y.singular_values);
        }
        if let Some((u, p_factor)) = self.call::<(DMatrix<T>, DMatrix<T>)>("polar", &[a]) {
            self.same("polar", &a_wide, &times(&wide(&u, 0), &wide(&p_factor, p)));
        }
        if let Some((q, r)) = self.call::<(DMatrix<T>, DMatrix<T>)>("qr", &[a]) {
            self.columns("qr", a, &q, &r);
        }
        if let Some((l, q)) = self.call::<(DMatrix<T>, DMatrix<T>)>("lq", &[a]) {
            self.columns("lq", &a.adjoint(), &q.adjoint(), &l.adjoint());
        }
        if let Some(y) = self.call::<ColPivQr<T, Dyn, Dyn>>("col_piv_qr", &[a]) {
            let permuted = DMatrix::from_fn(rows, columns, |i, j| a[(i, y.columns[j])]);
            self.columns("col_piv_qr", &permuted, &y.q, &y.r);
        }
        if let Some(y) = self.call::<Bidiagonal<T, Dyn, Dyn>>("bidiagonal", &[a]) {
            let mut b = diagonal(&y.diagonal, p);
            let beside = wide(&column(&y.off_diagonal), p);
            for k in 0..size - 1 {
                let at = if rows < columns { (k + 1, k) } else { (k, k + 1) };
                b[at] = beside[k];
            }
            let (u, v_t) = (wide(&y.u, 0), wide(&y.v_t, 0));
            self.same("bidiagonal", &a_wide, &times(&times(&u, &b), &v_t));
            self.orthonormal("bidiagonal", &u);
            self.orthonormal("bidiagonal", &v_t.adjoint());
        }
    }

    /// A = Q R, column by column.
    fn columns(&mut self, name: &str, a: &DMatrix<T>, q: &DMatrix<T>, r: &DMatrix<T>) {
        let wide_q = wide(q, 0);
        for j in 0..a.ncols() {
            let (a, r) = (a.columns(j, 1).clone_owned(), r.columns(j, 1).clone_owned());
            let p = power(&a);
            // A column of numbers without all their digits has none to lose.
            if p > -960 && (epsilon::<T>() < 1e-10 || p > -110) {
                self.same(name, &wide(&a, p), &times(&wide_q, &wide(&r, p)));
            }
        }
        self.orthonormal(name, &wide_q);
        let positive = |i: usize| {
            r[(i, i)].real() >= nalgebra::zero() && r[(i, i)].imaginary() == nalgebra::zero()
        };
        assert!((0..r.nrows()).all(positive), "{name}, {}", self.family);
    }

    fn by_similarity(&mut self, a: &DMatrix<T>) {
        let p = power(a);
        for name in ["schur", "hessenberg"] {
            let Some((q, t)) = self.call::<(DMatrix<T>, DMatrix<T>)>(name, &[a]) else { continue };
            let q = wide(&q, 0);
            self.same(name, &wide(a, p), &times(&times(&q, &wide(&t, p)), &q.adjoint()));
            self.orthonormal(name, &q);
        }
    }

    fn by_symmetry(&mut self, hermitian: &DMatrix<T>) {
        let p = power(hermitian);
        if let Some(y) =
            self.call::<SymmetricTridiagonal<T, Dyn>>("symmetric_tridiagonal", &[hermitian])
        {
            let mut t = diagonal(&y.diagonal, p);
            let beside = wide(&column(&y.off_diagonal), p);
            for k in 0..beside.len() {
                t[(k + 1, k)] = beside[k];
                t[(k, k + 1)] = beside[k];
            }
            let q = wide(&y.q, 0);
            self.same(
                "symmetric_tridiagonal",
                &wide(hermitian, p),
                &times(&times(&q, &t), &q.adjoint()),
            );
            self.orthonormal("symmetric_tridiagonal", &q);
        }
    }

    fn of_squares(&mut self, a: &DMatrix<T>) {
        let p = power(a);
        let a_wide = wide(a, p);
        self.by_similarity(a);
        if let Some(y) = self.call::<Eigen<T, Dyn>>("eigen", &[a]) {
            let (v, w) = (
                wide(&y.eigenvectors, 0),
                wide(&DMatrix::from_column_slice(a.nrows(), 1, y.eigenvalues.as_slice()), p),
            );
            let error =
                times(&a_wide, &v) - times(&v, &DMatrix::from_diagonal(&w.column(0).clone_owned()));
            let size = a.nrows() as f64;
            self.bound("eigen", largest(&error), size * size * epsilon::<T>() * largest(&a_wide));
        }
        let hermitian = (a + a.adjoint()).map(|x| x.scale(nalgebra::convert(0.5)));
        if hermitian.iter().any(|x| !x.is_finite()) {
            return;
        }
        let p = power(&hermitian);
        let h = wide(&hermitian, p);
        if let Some(y) = self.call::<SymmetricEigen<T, Dyn>>("symmetric_eigen", &[&hermitian]) {
            let v = wide(&y.eigenvectors, 0);
            self.same(
                "symmetric_eigen",
                &h,
                &times(&times(&v, &diagonal(&y.eigenvalues, p)), &v.adjoint()),
            );
            self.orthonormal("symmetric_eigen", &v);
        }
        self.by_symmetry(&hermitian);
        if let Some(y) = self.call::<Lblt<T, Dyn>>("lblt", &[&hermitian]) {
            let (l, mut b) = (wide(&y.l, 0), diagonal(&y.diagonal, p));
            let beside = wide(
                &DMatrix::from_column_slice(y.off_diagonal.len(), 1, y.off_diagonal.as_slice()),
                p,
            );
            for k in 0..beside.len() {
                b[(k + 1, k)] = beside[k];
                b[(k, k + 1)] = beside[k].conj();
            }
            let permuted = DMatrix::from_fn(a.nrows(), a.nrows(), |i, j| h[(y.rows[i], y.rows[j])]);
            let parts = moduli(&l) * moduli(&b) * moduli(&l).transpose();
            self.made_of("lblt", &(permuted - &l * b * l.adjoint()), &parts);
        }
    }

    fn by_elimination(&mut self, a: &DMatrix<T>, b: &DMatrix<T>) {
        let (size, p) = (a.nrows(), power(a));
        let a_wide = wide(a, p);
        let factors = |packed: &DMatrix<T>| {
            let (lower, upper) = (wide(packed, 0), wide(packed, p));
            let l = DMatrix::from_fn(size, size, |i, j| match i.cmp(&j) {
                std::cmp::Ordering::Greater => lower[(i, j)],
                std::cmp::Ordering::Equal => C64::new(1.0, 0.0),
                std::cmp::Ordering::Less => C64::new(0.0, 0.0),
            });
            (
                l,
                DMatrix::from_fn(size, size, |i, j| {
                    if i > j { C64::new(0.0, 0.0) } else { upper[(i, j)] }
                }),
            )
        };
        if let Some(y) = self.call::<Lu<T, Dyn, Dyn>>("lu", &[a]) {
            let (l, u) = factors(&y.packed);
            let mut permuted = a_wide.clone();
            (0..size).for_each(|i| permuted.swap_rows(i, y.pivots[i]));
            self.made_of("lu", &(permuted - &l * &u), &(moduli(&l) * moduli(&u)));
        }
        if let Some(y) = self.call::<FullPivLu<T, Dyn, Dyn>>("full_piv_lu", &[a]) {
            let (l, u) = factors(&y.packed);
            let permuted = DMatrix::from_fn(size, size, |i, j| a_wide[(y.rows[i], y.columns[j])]);
            self.made_of("full_piv_lu", &(permuted - &l * &u), &(moduli(&l) * moduli(&u)));
        }
        // A singular matrix is none that can be solved with.
        self.may_fail = true;
        let residual = |x: &DMatrix<T>, right: &DMatrix<T>| {
            // x in units that make A x and b comparable.
            let q = power(right).max(p + power(x));
            let made = largest(&a_wide) * largest(&wide(x, q - p)) + largest(&wide(right, q));
            (largest(&(&a_wide * wide(x, q - p) - wide(right, q))), made)
        };
        let rounding = 4.0 * size as f64 * epsilon::<T>();
        for name in ["solve", "lstsq"] {
            let Some(x) = self.call::<DMatrix<T>>(name, &[a, b]) else { continue };
            let (error, made) = residual(&x, b);
            // Where the rank is less than the size a solution of least squares is no solution.
            if name == "solve" {
                self.bound(name, error, rounding * made);
            } else if error > rounding * made {
                let r = wide(b, 0) - wide(a, 0) * wide(&x, 0);
                let normal = wide(a, 0).adjoint() * &r;
                let most = largest(&wide(a, 0))
                    * (largest(&r) + largest(&wide(a, 0)) * largest(&wide(&x, 0)));
                if most.is_finite() && most > 1e-280 {
                    self.bound(name, largest(&normal), rounding * most);
                }
            }
        }
        if let Some(x) = self.call::<DMatrix<T>>("inverse", &[a]) {
            let (error, made) = residual(&x, &DMatrix::identity(size, size));
            self.bound("inverse", error, rounding * made);
        }
        if let Some(y) = self.call::<DMatrix<T>>("pseudo_inverse", &[a]) {
            let (inverse, size) = (wide(&y, -p), largest(&a_wide));
            let error = largest(&(&a_wide * &inverse * &a_wide - &a_wide));
            self.bound(
                "pseudo_inverse",
                error,
                4.0 * rounding * size * (1.0 + size * largest(&inverse)),
            );
        }
    }

    /// Of a Hermitian positive definite matrix.
    fn by_square_roots(&mut self, a: &DMatrix<T>) {
        let p = power(a);
        let a_wide = wide(a, p);
        let length = |i: usize| a_wide[(i, i)].re.sqrt();
        let parts = DMatrix::from_fn(a.nrows(), a.nrows(), |i, j| length(i) * length(j));
        if let Some(l) = self.call::<DMatrix<T>>("cholesky", &[a]) {
            // Half of an odd power is none.
            let l = if p % 2 == 0 {
                wide(&l, p / 2)
            } else {
                wide(&l, (p - 1) / 2) * C64::new(0.5_f64.sqrt(), 0.0)
            };
            self.made_of("cholesky", &(&a_wide - &l * l.adjoint()), &(parts.clone() * 4.0));
        }
        if let Some(y) = self.call::<Udu<T, Dyn>>("udu", &[a]) {
            let u = wide(&y.u, 0);
            self.made_of("udu", &(&a_wide - &u * diagonal(&y.d, p) * u.adjoint()), &(parts * 4.0));
        }
    }

    fn scalars(&mut self, a: &DMatrix<T>) {
        self.may_fail = true;
        let p = power(a);
        let norm = wide(a, p).norm();
        let found = self.call::<T::Real>("nrm2", &[a]).expect("no error").to_f64();
        let expected = norm * f64::from(p).exp2();
        if expected > 1e-290 && expected < if epsilon::<T>() > 1e-10 { 3e38 } else { 1e308 } {
            self.bound(
                "nrm2",
                (found - expected).abs(),
                a.len() as f64 * epsilon::<T>() * expected,
            );
        }
        if a.nrows() != a.ncols() {
            return;
        }
        let ln = self.call::<(T::Real, T)>("ln_abs_determinant", &[a]);
        let (Some((ln, sign)), Some(y)) = (ln, self.call::<T>("determinant", &[a])) else { return };
        let (ln, found) = (ln.to_f64(), y.modulus().to_f64());
        // As far as a determinant is a number with all digits.
        let (least, most) = limits::<T>();
        if ln > (least / epsilon::<T>()).ln() && ln < most.ln() {
            let error = (found.ln() - ln).abs();
            self.bound("determinant", error, 100.0 * epsilon::<T>() * (1.0 + ln.abs()));
            let turn = (y.unscale(y.modulus()) - sign).modulus().to_f64();
            self.bound("sign of a determinant", turn, 100.0 * epsilon::<T>());
        }
    }

    /// Norms and sums, by sums of wider numbers.
    fn norms(&mut self, a: &DMatrix<T>) {
        self.may_fail = true;
        let p = power(a);
        let sizes = moduli(&wide(a, p));
        let (least, most) = limits::<T>();
        let check = |at: &mut Self, name: &str, found: Option<T::Real>, expected: f64| {
            let (found, expected) = (found.map(|x| x.to_f64()), expected * f64::from(p).exp2());
            if expected > least / epsilon::<T>() && expected < most {
                let error = (found.unwrap_or(f64::NAN) - expected).abs();
                at.bound(name, error, 4.0 * a.len() as f64 * epsilon::<T>() * expected);
            }
        };
        for (name, exponent) in [("1", 1.0), ("2", 2.0), ("3", 3.0), ("1/2", 0.5), ("1.5", 1.5)] {
            let found = self.call::<T::Real>("lp_norm", &[a, &real::<T>(exponent)]);
            let sum: f64 = sizes.iter().map(|x| x.powf(exponent)).sum();
            check(self, &format!("lp_norm of {name}"), found, sum.powf(1.0 / exponent));
        }
        let found = self.call::<T::Real>("lp_norm", &[a, &real::<T>(f64::INFINITY)]);
        check(self, "lp_norm", found, sizes.max());
        let found = self.call("norm_inf", &[a]);
        check(self, "norm_inf", found, sizes.max());
        let found = self.call("one_norm", &[a]);
        let sums = sizes.column_iter().map(|x| x.sum());
        check(self, "one_norm", found, sums.fold(0.0, f64::max));
        let found = self.call("norm", &[a]);
        check(self, "norm", found, sizes.norm());
        if let Some(s) = self.call::<DVector<T::Real>>("singular_values", &[a]) {
            let s = moduli(&wide(&column(&s), p));
            let found = self.call("spectral_norm", &[a]);
            check(self, "spectral_norm", found, s[0]);
            let found = self.call("nuclear_norm", &[a]);
            check(self, "nuclear_norm", found, s.sum());
        }
        if let Some(y) = self.call::<DMatrix<T>>("normalize", &[a]) {
            let error = (wide(&y, 0).norm() - 1.0).abs();
            let bound = a.len() as f64 * epsilon::<T>();
            self.bound("normalize", if sizes.max() == 0.0 { 0.0 } else { error }, bound);
        }
    }

    /// Systems of few numbers: the three diagonals of A, its first column and row, and its triangles.
    fn by_few_numbers(&mut self, a: &DMatrix<T>, b: &DMatrix<T>) {
        self.may_fail = true;
        let size = a.nrows();
        let part = |at: isize| {
            DVector::from_fn(size, |i, _| {
                let j = i as isize + at;
                if (0..size as isize).contains(&j) { a[(i, j as usize)] } else { T::zero() }
            })
        };
        let mut band = a.clone();
        let mut toeplitz = a.clone();
        for j in 0..size {
            for i in 0..size {
                toeplitz[(i, j)] = if i >= j { a[(i - j, 0)] } else { a[(0, j - i)] };
                if i.abs_diff(j) > 1 {
                    band[(i, j)] = T::zero();
                }
            }
        }
        let x = self.call("tridiagonal_solve", &[&part(-1), &part(0), &part(1), b]);
        self.solves("tridiagonal_solve", &band, x, b, false);
        let (column, row) = (a.column(0).clone_owned(), a.row(0).transpose());
        let x = self.call("toeplitz_solve", &[&column, &row, b]);
        self.solves("toeplitz_solve", &toeplitz, x, b, false);
        let x = self.call("solve_lower_triangular", &[a, b]);
        self.solves("solve_lower_triangular", &a.lower_triangle(), x, b, true);
        let x = self.call("solve_upper_triangular", &[a, b]);
        self.solves("solve_upper_triangular", &a.upper_triangle(), x, b, true);
    }

    /// A X = B but for roundings of the largest entries, or of the products that an entry is made of.
    fn solves(
        &mut self,
        name: &str,
        a: &DMatrix<T>,
        x: Option<DMatrix<T>>,
        b: &DMatrix<T>,
        by_entries: bool,
    ) {
        let Some(x) = x else { return };
        let p = power(a);
        for k in 0..b.ncols() {
            let (x, b) = (x.columns(k, 1).clone_owned(), b.columns(k, 1).clone_owned());
            // x in units that make A x and b comparable.
            let q = power(&b).max(p + power(&x));
            let (a, x, b) = (wide(a, p), wide(&x, q - p), wide(&b, q));
            let residual = &a * &x - &b;
            if by_entries {
                self.made_of(name, &residual, &(moduli(&a) * moduli(&x)));
            } else {
                let made = largest(&a) * largest(&x) + largest(&b);
                let rounding = 4.0 * a.nrows() as f64 * epsilon::<T>();
                self.bound(name, largest(&residual), rounding * made);
            }
        }
    }

    /// V^H B V = 1 and V^H A V = diag(w), each entry but for roundings of the products that it is made of.
    fn pencils(&mut self, a: &DMatrix<T>, b: &DMatrix<T>) {
        self.may_fail = false;
        let Some(y) = self.call::<SymmetricEigen<T, Dyn>>("generalized_symmetric_eigen", &[a, b])
        else {
            return;
        };
        let (p, q) = (power(a), power(b));
        // V in units of the root of B.
        let r = -q / 2;
        let v = wide(&y.eigenvectors, r);
        let (a, b) = (wide(a, p), wide(b, -2 * r));
        let w = diagonal(&y.eigenvalues, p + 2 * r);
        let size = a.nrows();
        let rounding = 8.0 * size as f64;
        let sizes = moduli(&v);
        let parts = sizes.tr_mul(&(moduli(&b) * &sizes)) * rounding;
        self.made_of(
            "generalized vectors",
            &(v.adjoint() * b * &v - Wide::identity(size, size)),
            &parts,
        );
        let parts = sizes.tr_mul(&(moduli(&a) * &sizes)).add_scalar(largest(&w)) * rounding;
        self.made_of("generalized values", &(v.adjoint() * a * &v - w), &parts);
    }
}

/// The smallest number with all digits, and half of the largest number.
fn limits<T: Scalar>() -> (f64, f64) {
    if epsilon::<T>() > 1e-10 {
        (f64::from(f32::MIN_POSITIVE), f64::from(f32::MAX) / 2.0)
    } else {
        (f64::MIN_POSITIVE, f64::MAX / 2.0)
    }
}

fn real<T: Scalar>(x: f64) -> T::Real {
    nalgebra::convert(x)
}

/// An argument by its type.
trait Argument {
    fn id(&self) -> TypeId;
    fn boxed(&self) -> Box<dyn Any>;
}

impl<X: Clone + 'static> Argument for X {
    fn id(&self) -> TypeId {
        TypeId::of::<X>()
    }

    fn boxed(&self) -> Box<dyn Any> {
        Box::new(self.clone())
    }
}

fn everything<T: Scalar>() {
    let (mut random, mut at) = (Sampler::new(5, 7), At::<T>::new());
    if !at.registered {
        return;
    }
    for (rows, columns) in
        [(1, 1), (2, 2), (3, 3), (4, 4), (3, 2), (2, 5), (7, 7), (9, 7), (12, 12)]
    {
        for (name, a, may_fail) in families::<T>(&mut random, rows, columns) {
            at.family = format!("{rows} by {columns}, {name}");
            at.may_fail = may_fail;
            at.by_reflections(&a);
            if rows == columns {
                at.of_squares(&a);
                let b = random
                    .matrix::<T>(rows, 2)
                    .map(|x| x.scale(nalgebra::convert(f64::from(power(&a)).exp2())));
                at.by_elimination(&a, &b);
                at.by_few_numbers(&a, &b);
            }
            at.scalars(&a);
            at.norms(&a);
            at.may_fail = may_fail;
        }
        if rows == columns {
            let definite = random.positive_definite::<T>(rows);
            for far in [0.0, 5.0, if epsilon::<T>() > 1e-10 { 8.0 } else { 75.0 }] {
                let d = |i: usize| {
                    number::<T>(
                        10.0_f64.powf(far - 2.0 * far * i as f64 / (rows.max(2) - 1) as f64),
                    )
                };
                at.family = format!("{rows} by {rows}, definite, scaled by 1e{far}");
                let scaled =
                    |a: &DMatrix<T>| DMatrix::from_fn(rows, rows, |i, j| d(i) * a[(i, j)] * d(j));
                at.by_square_roots(&scaled(&definite));
                let any: DMatrix<T> = random.matrix(rows, rows);
                let hermitian = &any + any.adjoint();
                at.pencils(&scaled(&hermitian), &scaled(&definite));
                at.pencils(&hermitian, &definite.map(|x| x * number(10.0_f64.powf(far))));
                // Of a badly conditioned B.
                let graded = DMatrix::from_fn(rows, rows, |i, j| any[(i, j)] * d(j));
                let nearly = &graded * graded.adjoint() / number::<T>(largest(&graded).powi(2));
                let least = number::<T>(100.0 * epsilon::<T>());
                at.pencils(&hermitian, &(nearly + DMatrix::identity(rows, rows) * least));
            }
        }
    }
    // Reflections in blocks.
    for (rows, columns) in [(60, 50), (50, 50)] {
        for (name, a, may_fail) in families::<T>(&mut random, rows, columns) {
            if name == "random" || name == "rows to 1e8" || name == "blocks" {
                at.family = format!("{rows} by {columns}, {name}");
                at.may_fail = may_fail;
                at.by_reflections(&a);
                if rows == columns {
                    at.by_similarity(&a);
                    at.by_symmetry(&(&a + a.adjoint()));
                }
            }
        }
    }
    // By divide and conquer.
    #[cfg(feature = "faer")]
    for (rows, columns) in [(110, 96), (96, 96)] {
        for (name, a, may_fail) in families::<T>(&mut random, rows, columns) {
            let starts = ["random", "blocks", "graded", "rows to 1e8"];
            if !starts.iter().any(|start| name.starts_with(start)) {
                continue;
            }
            at.family = format!("{rows} by {columns}, {name}");
            at.may_fail = may_fail;
            at.by_reflections(&a);
            if rows == columns {
                at.by_symmetry(&(&a + a.adjoint()));
            }
        }
    }
    assert!(at.failed.is_empty(), "{:#?}", at.failed);
    // As many roundings as a column has entries, a few times.
    assert!(at.worst.0 <= 12.0, "{:?}", at.worst);
}

/// Whether numbers of a static matrix are those of a dynamic one, or errors as well.
fn same_numbers<E>(what: &str, found: Result<Vec<f64>, E>, expected: Result<Vec<f64>, E>) {
    let (Ok(found), Ok(expected)) = (&found, &expected) else {
        assert_eq!(found.is_err(), expected.is_err(), "{what}");
        return;
    };
    let most = expected.iter().fold(0.0_f64, |most, x| most.max(x.abs()));
    let error = found.iter().zip(expected).map(|(x, y)| (x - y).abs()).fold(0.0, f64::max);
    assert!(error <= 1e-13 * most, "{what}: {found:?} {expected:?}");
}

#[test]
fn static_matrices() {
    let mut random = Sampler::new(9, 9);
    macro_rules! of_size {
        ($size:literal) => {
            for (family, a, _) in families::<f64>(&mut random, $size, $size) {
                let s = SMatrix::<f64, $size, $size>::from_fn(|i, j| a[(i, j)]);
                let what = |name| format!("{name}, {}, {family}", $size);
                let values = |x: &[f64]| x.to_vec();
                let found = singular_values(&s).map(|x| values(x.as_slice()));
                let expected = singular_values(&a).map(|x| values(x.as_slice()));
                same_numbers(&what("singular_values"), found, expected);
                let found =
                    solve(&s, &s.column(0).clone_owned()).map(|x| values((s * x).as_slice()));
                let expected =
                    solve(&a, &a.column(0).clone_owned()).map(|x| values((&a * x).as_slice()));
                same_numbers(&what("solve"), found, expected);
                let (s, a) = ((s + s.transpose()) * 0.5, (&a + a.transpose()) * 0.5);
                let found = symmetric_eigenvalues(&s).map(|x| values(x.as_slice()));
                let expected = symmetric_eigenvalues(&a).map(|x| values(x.as_slice()));
                same_numbers(&what("symmetric_eigenvalues"), found, expected);
            }
        };
    }
    of_size!(1);
    of_size!(2);
    of_size!(3);
    of_size!(4);
}

#[test]
fn at_f64() {
    everything::<f64>();
}

#[test]
fn at_f32() {
    everything::<f32>();
}

#[test]
fn at_complex_f64() {
    everything::<Complex<f64>>();
}

#[test]
fn at_complex_f32() {
    everything::<Complex<f32>>();
}
