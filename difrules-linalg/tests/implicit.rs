//! Implicit functions against closed forms, differences and each other.

use difrules_core::{
    Differentiable, Dual, Function, Real, Recording, Returns, Var, gradient, hessian, hvp,
    jacobian, jacobian_reverse, jvp, lit, value_and_gradient,
};
use difrules_linalg::{
    ConjugateGradients, Gmres, Implicit, ImplicitError, Matrix, MatrixError, Vector, fixed_point,
    minimum, root, solve,
};
use nalgebra::{Complex, ComplexField, DMatrix, DVector, Vector2, dmatrix, dvector, vector};

/// A function as it is given: what it is of, what it returns, and its text.
macro_rules! function {
    ($name:ident: $point:ty => $value:ty, |$x:pat_param| ($at:ty) -> ($out:ty) $body:block) => {
        #[derive(Clone, Copy)]
        struct $name;

        impl Function for $name {
            type Point = $point;
            type Value = $value;

            fn call<T: Real>(&self, $x: &$at) -> $out $body
        }
    };
}

function!(Square: (f64, f64) => f64, |(x, p)| ((T, T)) -> (T) { *x * *x - *p });

fn square_root<T: Real>(p: T) -> T {
    root(Square, |p: &f64| p.sqrt(), &p).unwrap()
}

macro_rules! derivatives {
    ($($name:ident = $mode:ident $of:ident;)*) => {$(
        fn $name<T: Real>(p: T) -> T {
            derivatives!($mode $of p)
        }
    )*};
    (reverse $of:ident $p:ident) => { gradient(|p| $of(*p), &$p) };
    (forward $of:ident $p:ident) => { jvp(|p| $of(*p), &$p, &T::one()).1 };
}

derivatives! {
    f = forward square_root;
    r = reverse square_root;
    ff = forward f;
    fr = forward r;
    rf = reverse f;
    rr = reverse r;
    fff = forward ff;
    ffr = forward fr;
    frf = forward rf;
    frr = forward rr;
    rff = reverse ff;
    rfr = reverse fr;
    rrf = reverse rf;
    rrr = reverse rr;
}

#[track_caller]
fn near(a: f64, b: f64, tolerance: f64) {
    assert!((a - b).abs() <= tolerance * b.abs().max(1e-300), "{a} {b}");
}

#[test]
fn every_nesting_has_its_derivatives() {
    for p in [2.0_f64, 1e-12, 3e20] {
        let x = p.sqrt();
        for first in [f(p), r(p)] {
            near(first, 0.5 / x, 1e-15);
        }
        for second in [ff(p), fr(p), rf(p), rr(p)] {
            near(second, -0.25 / (p * x), 4e-15);
        }
        for third in [fff(p), ffr(p), frf(p), frr(p), rff(p), rfr(p), rrf(p), rrr(p)] {
            near(third, 0.375 / (p * p * x), 2e-14);
        }
    }
    assert!((f(2.0_f32) - 0.5 / 2.0_f32.sqrt()).abs() < 1e-7);
    assert!((rff(2.0_f32) - 0.375 / 2.0_f32.powf(2.5)).abs() < 1e-6);
}

#[test]
fn fourth_derivatives() {
    fn fourth<T: Real>(p: T) -> T {
        jvp(|p| rfr(*p), &p, &T::one()).1
    }
    near(fourth(2.0_f64), -0.9375 * 2.0_f64.powf(-3.5), 1e-13);
}

function!(Sum: (f64, f64) => f64, |(x, p)| ((T, T)) -> (T) { *x + *p });

#[test]
fn values_are_those_of_the_solver_bit_for_bit() {
    // What the solver returns is a little beside the root.
    for beside in [0.0, 1e-9, -1e-15] {
        let solver = |p: &f64| p.sqrt() + beside;
        let plain: f64 = root(Square, solver, &2.0).unwrap();
        assert_eq!(plain.to_bits(), (2.0_f64.sqrt() + beside).to_bits());
        let (value, _) = value_and_gradient(|p| root(Square, solver, p), &2.0_f64).unwrap();
        let (forward, _) = jvp(|p| root(Square, solver, p), &2.0_f64, &1.0).unwrap();
        assert_eq!([value.to_bits(), forward.to_bits()], [plain.to_bits(); 2]);
        let nested = jvp(|p| gradient(|p| root(Square, solver, p), p), &2.0_f64, &1.0).unwrap();
        near(nested.1, -0.25 * plain.powi(-3), 1e-14);
    }
    // A zero keeps its sign.
    let value = |p: &Var<f64>| root(Sum, |_: &f64| -0.0, p).map(|x| x + Var::constant(-0.0));
    let (zero, slope) = value_and_gradient(value, &0.0_f64).unwrap();
    assert!(zero.to_bits() == (-0.0_f64).to_bits() && slope == -1.0);
}

/// A x = b.
#[derive(Clone)]
struct System;

impl Function for System {
    type Point = (Vector<f64>, (Matrix<f64>, DVector<f64>));
    type Value = Result<Vector<f64>, MatrixError>;

    fn call<T: Real>(
        &self,
        (x, (a, b)): &(Vector<T>, (Matrix<T>, DVector<T>)),
    ) -> Result<Vector<T>, MatrixError> {
        Ok(a * x - Matrix::from(b.clone()))
    }
}

type LinearSystem<T> = (Matrix<T>, DVector<T>);

fn solved<T: Real>(system: &LinearSystem<T>) -> Vector<T> {
    let solver = |(a, b): &LinearSystem<f64>| solve(a, b).map(Vector::from);
    root(System, solver, system).unwrap()
}

#[test]
fn a_linear_system_has_the_derivatives_of_its_primitive() {
    let system = (
        Matrix::from(dmatrix![4.0, 1.0, 0.5; -1.0, 3.0, 0.0; 2.0, 0.1, 5.0]),
        dvector![1.0, -2.0, 0.5],
    );
    let direction = (
        Matrix::from(dmatrix![0.3, -1.0, 0.2; 0.0, 0.4, 1.0; -0.5, 0.1, 0.7]),
        dvector![0.2, 1.0, -0.3],
    );
    let direct = |(a, b): &LinearSystem<Var<Dual<f64>>>| {
        let x = solve(&a.entries(), b).unwrap();
        x[0] * x[1] + x[2].sin()
    };
    let implicit = |system: &LinearSystem<Var<Dual<f64>>>| {
        let x = solved(system).entries();
        x[0] * x[1] + x[2].sin()
    };
    let (wanted, found) = (hvp(direct, &system, &direction), hvp(implicit, &system, &direction));
    assert!((&*wanted.0 - &*found.0).norm() < 1e-14 && (wanted.1 - found.1).norm() < 1e-14);
    let wanted = jacobian(|(a, b)| solve(&a.entries(), b).unwrap(), &system);
    assert!((jacobian(solved, &system) - &wanted).norm() < 1e-14);
    assert!((jacobian_reverse(solved, &system) - &wanted).norm() < 1e-14);
}

/// Unknowns and parameters that are structures.
#[derive(Clone, Debug, PartialEq, Differentiable)]
struct State<T> {
    x: T,
    y: Vector2<T>,
    #[constant]
    name: &'static str,
}

#[derive(Clone, Debug, PartialEq, Differentiable)]
struct Coefficients<T> {
    a: T,
    b: Option<T>,
}

function!(Structured: (State<f64>, Coefficients<f64>) => [f64; 3],
    |(s, c)| ((State<T>, Coefficients<T>)) -> ([T; 3]) {
        [s.x - c.a.sin(), s.y[0] * s.x - c.b.unwrap_or(c.a), s.y[1] - s.y[0] * c.a]
    }
);

fn structured<T: Real>(c: &Coefficients<T>) -> State<T> {
    let solver = |c: &Coefficients<f64>| {
        let x = c.a.sin();
        let first = c.b.unwrap_or(c.a) / x;
        State { x, y: vector![first, first * c.a], name: "solved" }
    };
    root(Structured, solver, c).unwrap()
}

#[test]
fn structures_are_unknowns_and_parameters() {
    let c = Coefficients { a: 0.7, b: Some(2.0) };
    let closed = |c: &Coefficients<Var<Dual<f64, 8>>>| c.b.unwrap() / c.a.sin() * c.a;
    let wanted = hessian(closed, &c);
    let found = hessian(|c| structured(c).y[1], &c);
    assert!((wanted - found).norm() < 1e-14);
    let by = gradient(|c| structured(c).y[1], &c);
    assert!((by.b.unwrap() - 0.7 / 0.7_f64.sin()).abs() < 1e-15);
    assert_eq!(structured(&c).name, "solved");
    let by = gradient(|c| structured(c).x, &Coefficients { a: 0.7, b: None });
    assert_eq!((by.a, by.b), (0.7_f64.cos(), None));
}

function!(ComplexSquare: (Complex<f64>, Complex<f64>) => Complex<f64>,
    |(z, p)| ((Complex<T>, Complex<T>)) -> (Complex<T>) { *z * *z - *p }
);

#[test]
fn unknowns_may_be_complex() {
    let p = Complex::new(-1.0, 2.0);
    let found = gradient(|p| root(ComplexSquare, |p: &Complex<f64>| p.sqrt(), p).map(|z| z.re), &p);
    let slope = Complex::from(0.5) / p.sqrt();
    assert!((found.unwrap() - slope.conj()).norm() < 1e-15);
}

function!(Cosine: (f64, f64) => f64, |(x, p)| ((T, T)) -> (T) { *p * x.cos() });

#[test]
fn fixed_points() {
    fn dottie<T: Real>(p: T) -> T {
        let iterate = |p: &f64| (0..200).fold(0.5_f64, |x, _| p * x.cos());
        fixed_point(Cosine, iterate, &p).unwrap()
    }
    let p = 0.9_f64;
    let x = dottie(p);
    let slope = x.cos() / (1.0 + p * x.sin());
    near(gradient(|p| dottie(*p), &p), slope, 1e-15);
    // Of x' (1 + p sin x) = cos x.
    let curvature = -(2.0 * x.sin() * slope + p * x.cos() * slope * slope) / (1.0 + p * x.sin());
    near(hessian(|p| dottie(*p), &p)[0], curvature, 1e-14);
    near(jvp(|p| gradient(|p| dottie(*p), p), &p, &1.0).1, curvature, 1e-14);
}

/// The ridge's energy.
#[derive(Clone)]
struct Ridge {
    a: DMatrix<f64>,
    b: DVector<f64>,
}

impl Function for Ridge {
    type Point = (Vector<f64>, f64);
    type Value = f64;

    fn call<T: Real>(&self, (x, p): &(Vector<T>, T)) -> T {
        (&self.a * x - &self.b).norm_squared() + *p * x.norm_squared()
    }
}

fn ridge() -> Ridge {
    let a = DMatrix::from_fn(12, 5, |i, j| ((3 * i + 7 * j) as f64).sin() + f64::from(i == j));
    Ridge { a, b: DVector::from_fn(12, |i, _| (i as f64).cos()) }
}

/// x of (A^T A + p I) x = A^T b.
fn of_normal_equations<T: Real>(ridge: &Ridge, p: T) -> Vector<T> {
    let normal = Matrix::from(ridge.a.tr_mul(&ridge.a).map(lit::<T>));
    let shift = Matrix::from(DMatrix::identity(5, 5).map(lit::<T>)) * p;
    let right = Matrix::from(ridge.a.tr_mul(&ridge.b).map(lit::<T>));
    (normal + shift).solve(&right).unwrap()
}

#[test]
fn minima() {
    let ridge = ridge();
    let direct = |p: &Var<Dual<f64, 8>>| of_normal_equations(&ridge, *p).norm_squared();
    let solver = |p: &f64| of_normal_equations(&ridge, *p);
    let wanted = hessian(direct, &0.3)[0];
    near(hessian(|p| minimum(&ridge, solver, p).unwrap().norm_squared(), &0.3)[0], wanted, 1e-12);
    let by_products = Implicit::new().linear_solver(ConjugateGradients::default());
    let found =
        hessian(|p| by_products.minimum(ridge.clone(), solver, p).unwrap().norm_squared(), &0.3);
    near(found[0], wanted, 1e-9);
    let slopes = jacobian(|p| minimum(&ridge, solver, p).unwrap(), &0.3);
    let by_rows = jacobian_reverse(|p| minimum(&ridge, solver, p).unwrap(), &0.3);
    assert!((slopes - by_rows).norm() < 1e-15);
}

function!(Saddle: (Vector2<f64>, f64) => f64, |(x, p)| ((Vector2<T>, T)) -> (T) {
    x[0] * x[0] - x[1] * x[1] + *p * (x[0] + x[1])
});

#[test]
fn a_stationary_point_need_not_be_a_minimum() {
    let solver = |p: &f64| vector![-0.5 * p, 0.5 * p];
    let slopes = jacobian(|p| minimum(Saddle, solver, p).unwrap(), &1.0_f64);
    assert_eq!(slopes, dmatrix![-0.5; 0.5]);
    let indefinite = Implicit::new().linear_solver(ConjugateGradients::default());
    let failed = gradient(|p| indefinite.minimum(Saddle, solver, p).map(|x| x.sum()), &1.0_f64);
    let failed = failed.unwrap_err();
    assert!(matches!(failed, ImplicitError::NotSolved { .. }), "{failed}");
    assert!(failed.to_string().contains("not positive definite"));
}

/// A chain of reactions and diffusion, x_i (3 + x_i^2) - x_(i-1) - p x_(i+1) = q_i.
#[derive(Clone)]
struct Chain(usize);

impl Function for Chain {
    type Point = (DVector<f64>, (f64, DVector<f64>));
    type Value = DVector<f64>;

    fn call<T: Real>(&self, (x, (p, q)): &(DVector<T>, (T, DVector<T>))) -> DVector<T> {
        let at = |i: usize| x.get(i).copied().unwrap_or(T::zero());
        DVector::from_fn(self.0, |i, _| {
            x[i] * (x[i] * x[i] + lit(3.0)) - at(i.wrapping_sub(1)) - *p * at(i + 1) - q[i]
        })
    }
}

impl Chain {
    /// Newton's method, each step by the Thomas algorithm.
    fn solve(&self, (p, q): &(f64, DVector<f64>)) -> DVector<f64> {
        let n = self.0;
        let mut x = DVector::from_element(n, 0.3);
        for _ in 0..60 {
            let mut r = self.call(&(x.clone(), (*p, q.clone())));
            let mut d = x.map(|x| 3.0 + 3.0 * x * x);
            for i in 1..n {
                let factor = -1.0 / d[i - 1];
                d[i] += factor * p;
                r[i] -= factor * r[i - 1];
            }
            for i in (0..n).rev() {
                let next = if i + 1 < n { p * r[i + 1] } else { 0.0 };
                r[i] = (r[i] + next) / d[i];
            }
            x -= &r;
            if r.amax() < 1e-14 {
                break;
            }
        }
        x
    }
}

fn chain_parameters(n: usize) -> (f64, DVector<f64>) {
    (0.8, DVector::from_fn(n, |i, _| 1.0 + 0.5 * (i as f64).sin()))
}

#[test]
fn products_alone_give_what_factors_give() {
    let chain = Chain(200);
    let point = chain_parameters(200);
    let by_products = Implicit::new().linear_solver(Gmres::default());
    let dense = gradient(|p| root(&chain, |p| chain.solve(p), p).map(|x| x.norm_squared()), &point);
    let found = gradient(
        |p| by_products.root(Chain(200), |p| chain.solve(p), p).map(|x| x.norm_squared()),
        &point,
    );
    let (dense, found) = (dense.unwrap(), found.unwrap());
    near(found.0, dense.0, 1e-11);
    assert!((&found.1 - &dense.1).norm() < 1e-11 * dense.1.norm());
    // Along one parameter, to second order, in both.
    let direction = (1.0, DVector::zeros(200));
    let dense =
        hvp(|p| root(&chain, |p| chain.solve(p), p).map(|x| x.norm_squared()), &point, &direction);
    let found = hvp(
        |p| by_products.root(Chain(200), |p| chain.solve(p), p).map(|x| x.norm_squared()),
        &point,
        &direction,
    );
    near(found.unwrap().0, dense.unwrap().0, 1e-10);
}

#[test]
fn many_unknowns() {
    let n = 4_000;
    let (chain, point) = (Chain(n), chain_parameters(n));
    let by_products = Implicit::new().linear_solver(Gmres { tolerance: 1e-10, ..Gmres::default() });
    let total = |p: &(Var<f64>, DVector<Var<f64>>)| {
        by_products.root(Chain(n), |p| chain.solve(p), p).map(|x| x.sum())
    };
    let by = gradient(total, &point).unwrap();
    let shifted = |h: f64| chain.solve(&(point.0 + h, point.1.clone())).sum();
    near(by.0, (shifted(1e-5) - shifted(-1e-5)) / 2e-5, 1e-7);
    let along = (1.0, DVector::zeros(n));
    let forward =
        jvp(|p| by_products.root(Chain(n), |p| chain.solve(p), p).map(|x| x.sum()), &point, &along);
    near(forward.unwrap().1, by.0, 1e-8);
}

function!(Nothing: (DVector<f64>, f64) => DVector<f64>, |(x, _)| ((DVector<T>, T)) -> (DVector<T>) {
    x.clone()
});
function!(Alone: (f64, f64) => f64, |(x, _)| ((T, T)) -> (T) { *x * *x - lit(2.0) });

#[test]
fn nothing_to_differentiate() {
    // No unknowns.
    let none = |p: &Var<f64>| root(Nothing, |_: &f64| DVector::zeros(0), p).map(|x| x.sum());
    assert_eq!(value_and_gradient(none, &1.0).unwrap(), (0.0, 0.0));
    // No parameters.
    let alone = |p: &Var<f64>| root(Alone, |_: &f64| 2.0_f64.sqrt(), p);
    assert_eq!(value_and_gradient(alone, &1.0).unwrap(), (2.0_f64.sqrt(), 0.0));
    let still = jvp(|p| root(Alone, |_: &f64| 2.0_f64.sqrt(), p), &1.0_f64, &1.0).unwrap();
    assert_eq!(still, (2.0_f64.sqrt(), 0.0));
    // Parameters that do not vary, where the Jacobian is singular.
    let constant =
        |p: &Var<f64>| root(Square, |p: &f64| p.sqrt(), &Var::constant(0.0)).map(|x| x + *p);
    assert_eq!(gradient(constant, &1.0).unwrap(), 1.0);
}

function!(Unit: (f64, [f64; 0]) => f64, |(x, _)| ((T, [T; 0])) -> (T) { x.cos() - *x });

#[test]
fn no_parameters_at_all() {
    let solver = |_: &[f64; 0]| (0..200).fold(0.7_f64, |x, _| x.cos());
    let x: f64 = root(Unit, solver, &[0.0; 0]).unwrap();
    near(x, x.cos(), 1e-15);
}

function!(Cubic: (f64, f64) => f64, |(x, p)| ((T, T)) -> (T) { *x * *x * *x - *p });
// Two equations that are one.
function!(Twice: (Vector2<f64>, f64) => Vector2<f64>, |(x, p)| ((Vector2<T>, T)) -> (Vector2<T>) {
    let first = x[0] + x[1] * lit(0.1) - *p;
    vector![first, first * lit(3.0)]
});

#[test]
fn a_singular_jacobian_is_an_error() {
    let triple = |p: &f64| p.cbrt();
    assert_eq!(root(Cubic, triple, &0.0), Ok::<_, ImplicitError>(0.0));
    let reverse = gradient(|p| root(Cubic, triple, p), &0.0_f64).unwrap_err();
    let forward = jvp(|p| root(Cubic, triple, p), &0.0_f64, &1.0).unwrap_err();
    assert_eq!(reverse, ImplicitError::Singular { pivot: 0 });
    assert_eq!(forward, reverse);
    assert!(
        reverse.to_string().starts_with("the Jacobian of the equations is singular at pivot 0")
    );

    let line = |p: &f64| vector![*p, 0.0];
    let failed = gradient(|p| root(Twice, line, p).map(|x| x[0]), &1.0_f64).unwrap_err();
    assert_eq!(failed, ImplicitError::Singular { pivot: 1 });
    let by_products = Implicit::new().linear_solver(Gmres::default());
    let failed = gradient(|p| by_products.root(Twice, line, p).map(|x| x[0]), &1.0_f64);
    assert!(matches!(failed, Err(ImplicitError::NotSolved { method: "GMRES", .. })), "{failed:?}");
    let failed = gradient(|p| by_products.root(Cubic, triple, p), &0.0_f64);
    assert!(matches!(failed, Err(ImplicitError::NotSolved { .. })), "{failed:?}");
}

/// Square roots of equations and unknowns of any size.
#[derive(Clone, Copy)]
struct Scaled([f64; 2]);

impl Function for Scaled {
    type Point = (Vector2<f64>, Vector2<f64>);
    type Value = Vector2<f64>;

    fn call<T: Real>(&self, (x, p): &(Vector2<T>, Vector2<T>)) -> Vector2<T> {
        let rest = |i: usize| (x[i] * x[i] - p[i]) * lit(self.0[i]);
        vector![rest(0) + rest(1) * lit(self.0[0] / self.0[1]), rest(1)]
    }
}

#[test]
fn scales_of_equations_do_not_matter() {
    let p = vector![2.0_f64, 3.0];
    for scales in [[1.0, 1.0], [1e-20, 1e20], [1e15, 1e-200], [1e-300, 1.0]] {
        let by = gradient(
            |p| root(Scaled(scales), |p: &Vector2<f64>| p.map(f64::sqrt), p).map(|x| x.sum()),
            &p,
        );
        assert!((by.unwrap() - p.map(|p| 0.5 / p.sqrt())).norm() < 1e-14, "{scales:?}");
        // A start is no solution, however small the equations are.
        let start = root(Scaled(scales), |p: &Vector2<f64>| p.map(|p| p.sqrt() * 1.001), &p);
        assert!(matches!(start, Err(ImplicitError::NotConverged { .. })), "{scales:?} {start:?}");
    }
    // Small unknowns are no solutions for it.
    for p in [1e-30_f64, 1e-12, 1e12, 1e30] {
        assert!(root(Square, |p: &f64| p.sqrt() * (1.0 + 1e-9), &p).is_ok());
        assert!(root(Square, |p: &f64| p.sqrt() * 1.01, &p).is_err());
    }
}

#[test]
fn equations_may_be_as_large_or_small_as_numbers_are() {
    // The reciprocal of a row is infinite.
    function!(Small: (f64, f64) => f64, |(x, p)| ((T, T)) -> (T) { (*x - *p) * lit(1e-310) });
    near(gradient(|p| root(Small, |p: &f64| *p, p).unwrap(), &2.0), 1.0, 1e-12);
    // The sum of an entry of the Hessian and its mirror image is infinite.
    function!(Large: (f64, f64) => f64, |(x, p)| ((T, T)) -> (T) {
        (*x * *x - *x * *p) * lit(7e307)
    });
    near(gradient(|p| minimum(Large, |p: &f64| 0.5 * p, p).unwrap(), &1.0), 0.5, 1e-15);
}

/// x_0 = p_0, and 1e-12 of x_1 = p_1 / 10; as the gradient of a square, too.
#[derive(Clone, Copy)]
struct Uneven;

impl Function for Uneven {
    type Point = (Vector2<f64>, Vector2<f64>);
    type Value = Vector2<f64>;

    fn call<T: Real>(&self, (x, p): &(Vector2<T>, Vector2<T>)) -> Vector2<T> {
        vector![x[0] - p[0], (x[1] - p[1] * lit(0.1)) * lit(1e-12)]
    }
}

#[derive(Clone, Copy)]
struct UnevenSquare;

impl Function for UnevenSquare {
    type Point = (Vector2<f64>, Vector2<f64>);
    type Value = f64;

    fn call<T: Real>(&self, point: &(Vector2<T>, Vector2<T>)) -> T {
        let (x, left) = (&point.0, Uneven.call(point));
        (left[0] * (x[0] - point.1[0]) + left[1] * (x[1] - point.1[1] * lit(0.1))) * lit(0.5)
    }
}

#[test]
fn an_iteration_solves_small_equations_beside_large_ones() {
    let solver = |p: &Vector2<f64>| vector![p[0], 0.1 * p[1]];
    let (p, direction) = (vector![1.0, 1.0], vector![1.0, 1.0]);
    let gmres = Implicit::new().linear_solver(Gmres::default());
    let cg = Implicit::new().linear_solver(ConjugateGradients::default());
    let forward = jvp(|p| gmres.root(Uneven, solver, p).unwrap(), &p, &direction).1;
    let reverse = gradient(|p| gmres.root(Uneven, solver, p).map(|x| x.sum()), &p).unwrap();
    let definite = jvp(|p| cg.minimum(UnevenSquare, solver, p).unwrap(), &p, &direction).1;
    let back = gradient(|p| cg.minimum(UnevenSquare, solver, p).map(|x| x.sum()), &p).unwrap();
    for found in [forward, reverse, definite, back] {
        near(found[0], 1.0, 1e-10);
        near(found[1], 0.1, 1e-10);
    }
}

#[test]
fn solutions_near_zero_are_solutions() {
    function!(Sine: (f64, f64) => f64, |(x, p)| ((T, T)) -> (T) { x.sin() - *p });
    function!(Exponential: (f64, f64) => f64, |(x, p)| ((T, T)) -> (T) {
        x.exp() * *p - *p
    });
    for beside in [0.0, 1e-17, -3e-12, 1e-10] {
        assert!(root(Sine, |_: &f64| beside, &0.0).is_ok(), "{beside}");
        assert!(root(Exponential, |_: &f64| beside, &1e5).is_ok(), "{beside}");
    }
    near(gradient(|p| root(Sine, |_: &f64| -3e-12, p).unwrap(), &0.0), 1.0, 1e-15);
    assert!(root(Sine, |_: &f64| 1e-3, &0.0).is_err());
    // The triple root of a cubic is not reached.
    assert!(root(Cubic, |_: &f64| 1e-5, &0.0).is_err());
}

#[test]
fn solvers_that_fail_say_so() {
    // Their own errors.
    let failed = root(Square, |_: &f64| Err::<f64, _>("too many steps"), &2.0);
    assert_eq!(failed, Err(ImplicitError::Solver("too many steps")));
    assert_eq!(failed.unwrap_err().to_string(), "too many steps");
    let failed = gradient(|p| root(Square, |_: &f64| None::<f64>, p), &2.0_f64);
    assert!(matches!(failed, Err(ImplicitError::Solver(_))));
    // What is no solution, or no number.
    for (p, x) in [(2.0, 1.5), (2.0, f64::NAN), (f64::NAN, 1.0), (f64::INFINITY, 1.0)] {
        let plain = root(Square, |_: &f64| x, &p);
        let forward = jvp(|p| root(Square, |_: &f64| x, p), &p, &1.0).map(|_| 0.0);
        let reverse = gradient(|p| root(Square, |_: &f64| x, p), &p);
        for failed in [plain, forward, reverse] {
            let failed = failed.unwrap_err();
            assert!(matches!(failed, ImplicitError::NotConverged { equation: 0, .. }));
            assert!(failed.to_string().starts_with("the solver did not converge: equation 0"));
        }
    }
    let two = Implicit::new().tolerance(0.1);
    assert!(two.root(Square, |p: &f64| p.sqrt() * 1.01, &2.0).is_ok());
    // As many equations as unknowns.
    function!(Few: (Vector2<f64>, f64) => f64, |(x, p)| ((Vector2<T>, T)) -> (T) { x.sum() - *p });
    let failed = root(Few, |_: &f64| vector![0.5, 0.5], &1.0).unwrap_err();
    assert_eq!(failed, ImplicitError::Count { equations: 1, unknowns: 2 });
    assert_eq!(failed.to_string(), "there are 1 equations for 2 unknowns: as many are needed");
}

#[test]
fn errors_of_the_function_pass() {
    function!(Root: (f64, f64) => Result<f64, String>, |(x, p)| ((T, T)) -> (Result<T, String>) {
        if *p < T::zero() { Err("negative".into()) } else { Ok(*x * *x - *p) }
    });
    assert_eq!(
        root(Root, |_: &f64| 1.0, &-1.0),
        Err(ImplicitError::<std::convert::Infallible, _>::Function("negative".to_string()))
    );
    near(gradient(|p| root(Root, |p: &f64| p.sqrt(), p).unwrap(), &4.0_f64), 0.25, 1e-15);
}

#[test]
fn infinite_slopes_are_no_numbers() {
    function!(Vertical: (f64, f64) => f64, |(x, p)| ((T, T)) -> (T) { x.sqrt() - *p });
    let failed = gradient(|p| root(Vertical, |p: &f64| p * p, p), &0.0_f64);
    assert_eq!(failed, Err(ImplicitError::NotFinite { equation: 0 }));
    function!(Steep: (f64, f64) => f64, |(x, p)| ((T, T)) -> (T) { *x - p.sqrt() });
    let slope = gradient(|p| root(Steep, |p: &f64| p.sqrt(), p), &0.0_f64).unwrap();
    assert_eq!(slope, f64::INFINITY);
}

/// An implicit function of an implicit function: x^2 = p, y^2 = x.
#[test]
fn implicit_functions_nest() {
    function!(Outer: (f64, f64) => Result<f64, ImplicitError>,
        |(y, p)| ((T, T)) -> (Result<T, ImplicitError>) {
            Ok(*y * *y - root(Square, |p: &f64| p.sqrt(), p)?)
        }
    );
    fn fourth_root<T: Real>(p: T) -> T {
        root(Outer, |p: &f64| p.powf(0.25), &p).unwrap()
    }
    let p = 3.0_f64;
    near(gradient(|p| fourth_root(*p), &p), 0.25 * p.powf(-0.75), 1e-15);
    near(hessian(|p| fourth_root(*p), &p)[0], -0.1875 * p.powf(-1.75), 1e-14);
}

#[test]
fn a_recording_is_right_or_refuses() {
    let mut recorded = Recording::new(|p: &Var<f64>| square_root(*p) * *p, &2.0_f64);
    let mut slope = 0.0;
    let value = recorded.value_and_gradient(&2.0, &mut slope).unwrap();
    assert_eq!(value, 2.0_f64.sqrt() * 2.0);
    near(slope, 1.5 * 2.0_f64.sqrt(), 1e-15);
    assert!(recorded.value(&3.0).is_err());
}

#[test]
fn functions_are_taken_by_reference_too() {
    fn returned<F: Function<Point = (f64, f64), Value = f64>>(f: &F) -> f64 {
        <f64 as Returns>::into_result::<f64>(f.call(&(3.0, 2.0))).unwrap()
    }
    assert_eq!(returned(&&Square), 7.0);
    assert_eq!(root(&Square, |_: &f64| 3.0, &9.0), Ok::<_, ImplicitError>(3.0));
}
