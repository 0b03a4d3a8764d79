//! The operations of BLAS with every option: values against products written out with nalgebra, gradients against
//! forward mode and finite differences, what is not read and what is not written.

use difrules_core::contract::Kind;
use difrules_core::{Real, Scalar, gradient, jvp, lit, vjp};
use difrules_linalg::{
    Diagonal, Error, Operation, Side, Triangle, gemm, gemv, ger, gerc, hemm, hemv, her, her2k,
    herk, rot, scal, symm, symv, syr, syr2k, syrk, trmm, trmv, trsm, trsv,
};
use nalgebra::{Complex, ComplexField, DMatrix};
use serde::Deserialize;

use crate::reference::Numbers;

/// A call with its options.
#[derive(Clone, Copy, Debug)]
struct Case {
    name: &'static str,
    side: Side,
    triangle: Triangle,
    operation: Operation,
    diagonal: Diagonal,
}

const OPERATIONS: [Operation; 3] = [Operation::None, Operation::Transpose, Operation::Adjoint];

/// All operations with all options; those that a call does not have are all the same to it.
fn cases() -> Vec<Case> {
    // Of side, operation, and diagonal: whether the call has them.
    let calls = [
        ("gemm", false, true, false),
        ("gemv", false, true, false),
        ("ger", false, false, false),
        ("gerc", false, false, false),
        ("symv", false, false, false),
        ("hemv", false, false, false),
        ("trmv", false, true, true),
        ("trsv", false, true, true),
        ("syr", false, false, false),
        ("her", false, false, false),
        ("symm", true, false, false),
        ("hemm", true, false, false),
        ("syrk", false, true, false),
        ("herk", false, true, false),
        ("syr2k", false, true, false),
        ("her2k", false, true, false),
        ("trmm", true, true, true),
        ("trsm", true, true, true),
        ("scal", false, false, false),
        ("rot", false, false, false),
    ];
    let mut cases = Vec::new();
    for (name, sides, operations, diagonals) in calls {
        for choice in 0..24 {
            let (side, operation) = (choice % 2, choice / 2 % 3);
            let (diagonal, upper) = (choice / 6 % 2, choice / 12 == 1);
            if side > 0 && !sides || operation > 0 && !operations || diagonal > 0 && !diagonals {
                continue;
            }
            cases.push(Case {
                name,
                side: [Side::Left, Side::Right][side],
                triangle: if upper { Triangle::Upper } else { Triangle::Lower },
                operation: OPERATIONS[operation],
                diagonal: [Diagonal::General, Diagonal::Unit][diagonal],
            });
        }
    }
    cases
}

impl Case {
    /// The shapes of A, B and C.
    fn shapes(&self, size: usize, inner: usize) -> [(usize, usize); 3] {
        let (none, left) = (self.operation == Operation::None, self.side == Side::Left);
        let turned = |rows, columns| if none { (rows, columns) } else { (columns, rows) };
        let beside = if left { (size, inner) } else { (inner, size) };
        match self.name {
            "gemm" => [turned(size, inner), (inner, size + 1), (size, size + 1)],
            "gemv" => [turned(size, inner), (inner, 1), (size, 1)],
            "ger" | "gerc" => [(size, 1), (inner, 1), (size, inner)],
            "symv" | "hemv" | "trmv" | "trsv" => [(size, size), (size, 1), (size, 1)],
            "syr" | "her" => [(size, 1), (size, 1), (size, size)],
            "syrk" | "herk" | "syr2k" | "her2k" => {
                [turned(size, inner), turned(size, inner), (size, size)]
            }
            "scal" | "rot" => [(size, inner), (size, inner), (size, inner)],
            _ => [(size, size), beside, beside],
        }
    }

    /// Does it in place of C.
    fn call<T: Scalar>(
        &self,
        (alpha, beta): (T, T),
        a: &DMatrix<T>,
        b: &DMatrix<T>,
        c: &mut DMatrix<T>,
    ) {
        let Self { side, triangle, operation, diagonal, .. } = *self;
        let one = T::one().real();
        match self.name {
            "gemm" => gemm(operation, Operation::None, alpha, a, b, beta, c),
            "gemv" => gemv(operation, alpha, a, &b.column(0), beta, &mut c.column_mut(0)),
            "ger" => ger(alpha, &a.column(0), &b.column(0), c),
            "gerc" => gerc(alpha, &a.column(0), &b.column(0), c),
            "symv" => symv(triangle, alpha, a, &b.column(0), beta, &mut c.column_mut(0)),
            "hemv" => hemv(triangle, alpha, a, &b.column(0), beta, &mut c.column_mut(0)),
            "trmv" => trmv(triangle, operation, diagonal, a, &mut c.column_mut(0)),
            "trsv" => trsv(triangle, operation, diagonal, a, &mut c.column_mut(0)),
            "syr" => syr(triangle, alpha, &a.column(0), c),
            "her" => her(triangle, alpha.real(), &a.column(0), c),
            "symm" => symm(side, triangle, alpha, a, b, beta, c),
            "hemm" => hemm(side, triangle, alpha, a, b, beta, c),
            "syrk" => syrk(triangle, operation, alpha, a, beta, c),
            "herk" => herk(triangle, operation, alpha.real(), a, beta.real(), c),
            "syr2k" => syr2k(triangle, operation, alpha, a, b, beta, c),
            "her2k" => her2k(triangle, operation, alpha, a, b, beta.real(), c),
            "trmm" => trmm(side, triangle, operation, diagonal, alpha, a, c),
            "trsm" => trsm(side, triangle, operation, diagonal, alpha, a, c),
            "scal" => {
                scal(alpha, c);
                Ok(())
            }
            _ => {
                let mut x = b.clone();
                rot(&mut x, c, beta.real() + one, alpha).inspect(|()| *c += x)
            }
        }
        .unwrap_or_else(|error| panic!("{self:?}: {error}"));
    }

    fn is_stored(&self, i: usize, j: usize) -> bool {
        if self.triangle == Triangle::Lower { i >= j } else { i <= j }
    }

    /// A as it is meant, and whether an entry of it is read.
    fn whole<T: Scalar>(&self, a: &DMatrix<T>) -> DMatrix<T> {
        let triangular = self.name.starts_with("tr");
        let hermitian = self.name.starts_with("he");
        DMatrix::from_fn(a.nrows(), a.ncols(), |i, j| match (i == j, self.is_stored(i, j)) {
            (true, _) if triangular && self.diagonal == Diagonal::Unit => T::one(),
            (true, _) if hermitian => T::from_real(a[(i, i)].real()),
            (_, true) => a[(i, j)],
            (_, false) if triangular => T::zero(),
            (_, false) if hermitian => a[(j, i)].conjugate(),
            (_, false) => a[(j, i)],
        })
    }

    /// What C should become, by products of whole matrices.
    fn expected<T: Scalar>(
        &self,
        (alpha, beta): (T, T),
        a: &DMatrix<T>,
        b: &DMatrix<T>,
        c: &DMatrix<T>,
    ) -> DMatrix<T> {
        let times = |x: T, m: DMatrix<T>| m.map(|y| x * y);
        let (p, q) = (applied(self.operation, a), applied(self.operation, b));
        let real = |x: T| T::from_real(x.real());
        let beside = |m: &DMatrix<T>, other: &DMatrix<T>| {
            if self.side == Side::Left { m * other } else { other * m }
        };
        let all = match self.name {
            "gemm" | "gemv" => times(alpha, p * b) + times(beta, c.clone()),
            "ger" => return times(alpha, a * b.transpose()) + c,
            "gerc" => return times(alpha, a * b.adjoint()) + c,
            "symv" | "hemv" | "symm" | "hemm" => {
                times(alpha, beside(&self.whole(a), b)) + times(beta, c.clone())
            }
            "trmv" => applied(self.operation, &self.whole(a)) * c,
            "trmm" => times(alpha, beside(&applied(self.operation, &self.whole(a)), c)),
            "trsv" | "trsm" => {
                let whole = applied(self.operation, &self.whole(a));
                let inverse = whole.try_inverse().expect("it is dominant");
                let alpha = if self.name == "trsv" { T::one() } else { alpha };
                times(alpha, beside(&inverse, c))
            }
            "syr" => times(alpha, a * a.transpose()) + c,
            "her" => times(real(alpha), a * a.adjoint()) + c,
            "syrk" => times(alpha, &p * p.transpose()) + times(beta, c.clone()),
            "herk" => times(real(alpha), &p * p.adjoint()) + times(real(beta), c.clone()),
            "syr2k" => {
                times(alpha, &p * q.transpose() + &q * p.transpose()) + times(beta, c.clone())
            }
            "her2k" => {
                times(alpha, &p * q.adjoint())
                    + times(alpha.conjugate(), &q * p.adjoint())
                    + times(real(beta), c.clone())
            }
            "scal" => times(alpha, c.clone()),
            _ => {
                let cosine = real(beta) + T::one();
                let (x, y) = (b, c);
                times(cosine, x + y) + times(alpha, y.clone()) - times(alpha.conjugate(), x.clone())
            }
        };
        if !self.updates_triangle() {
            return all;
        }
        let hermitian = self.name.starts_with("he");
        DMatrix::from_fn(c.nrows(), c.ncols(), |i, j| match (self.is_stored(i, j), i == j) {
            (true, true) if hermitian => real(all[(i, i)]),
            (true, _) => all[(i, j)],
            (false, _) => c[(i, j)],
        })
    }

    /// Whether it writes one triangle of C.
    fn updates_triangle(&self) -> bool {
        ["syr", "her", "syrk", "herk", "syr2k", "her2k"].contains(&self.name)
    }

    /// Whether it reads one triangle of A.
    fn reads_triangle(&self) -> bool {
        ["symv", "hemv", "trmv", "trsv", "symm", "hemm", "trmm", "trsm"].contains(&self.name)
    }
}

fn applied<T: Scalar>(operation: Operation, a: &DMatrix<T>) -> DMatrix<T> {
    match operation {
        Operation::None => a.clone(),
        Operation::Transpose => a.transpose(),
        Operation::Adjoint => a.adjoint(),
    }
}

/// Numbers without an order, between -1 and 1.
fn any<T: Scalar>(kind: usize, i: usize, j: usize) -> T {
    let mut x = T::zero();
    for (k, part) in x.parts_mut().iter_mut().enumerate() {
        let seed = (7 * i + 31 * j + 101 * kind + 57 * k + 3) as f64;
        *part = nalgebra::convert((seed * 1.618).sin());
    }
    x
}

/// A, B and C, and then alpha and beta, of small entries beside the diagonal of A.
type Point<T> = (DMatrix<T>, DMatrix<T>, DMatrix<T>, T, T);

fn point<T: Scalar>(case: Case, kind: usize, size: usize, inner: usize) -> Point<T> {
    let [a, b, c] = case.shapes(size, inner);
    let matrix = |kind, (rows, columns)| DMatrix::from_fn(rows, columns, |i, j| any(kind, i, j));
    let mut a: DMatrix<T> = matrix(kind, a);
    if case.name.starts_with("trs") && kind == 0 {
        let small = nalgebra::convert::<f64, T::Real>(0.5 / size.max(1) as f64);
        a.apply(|x| *x = x.scale(small));
        (0..size).for_each(|i| a[(i, i)] += nalgebra::convert(1.0 + (i % 3) as f64));
    }
    (a, matrix(kind + 1, b), matrix(kind + 2, c), any(kind + 3, 1, 2), any(kind + 4, 2, 1))
}

fn values<T: Scalar<Real = f64>>() {
    let nan = || nalgebra::convert::<f64, T>(f64::NAN);
    for (size, inner) in [(0, 0), (0, 3), (3, 0), (1, 1), (2, 3), (5, 9), (37, 3), (66, 35)] {
        for case in cases() {
            let (a, b, c, alpha, beta) = point::<T>(case, 0, size, inner);
            for (alpha, beta) in [
                (alpha, beta),
                (T::one(), T::one()),
                (alpha, T::zero()),
                (T::zero(), beta),
                (T::zero(), T::zero()),
            ]
            .into_iter()
            .take(if size > 9 { 1 } else { 5 })
            {
                let expected = case.expected((alpha, beta), &a, &b, &c);
                let what = || format!("{case:?} of {size} and {inner}, {alpha} and {beta}");
                let (mut read, mut from) = (a.clone(), b.clone());
                let mut found = c.clone();
                if case.reads_triangle() {
                    // What is not read, does not matter.
                    for (i, j) in (0..size).flat_map(|j| (0..size).map(move |i| (i, j))) {
                        let unit = case.name.starts_with("tr") && case.diagonal == Diagonal::Unit;
                        if !case.is_stored(i, j) || unit && i == j {
                            read[(i, j)] = nan();
                        }
                    }
                }
                let level = !["ger", "gerc", "syr", "her", "scal", "rot"].contains(&case.name);
                if beta == T::zero() && level && !case.name.starts_with("tr") {
                    let triangle = case.updates_triangle();
                    for (i, j) in (0..c.ncols()).flat_map(|j| (0..c.nrows()).map(move |i| (i, j))) {
                        if !triangle || case.is_stored(i, j) {
                            found[(i, j)] = nan();
                        }
                    }
                }
                if alpha == T::zero()
                    && !["trmv", "trsv", "trsm", "scal", "rot"].contains(&case.name)
                {
                    read.fill(nan());
                    if case.name == "trmm" { found.fill(nan()) } else { from.fill(nan()) }
                }
                if alpha == T::zero() && case.name == "trsm" {
                    found.fill(nan());
                }
                case.call((alpha, beta), &read, &from, &mut found);
                let apart = (&found - &expected).map(|x| x.modulus()).max();
                assert!(found.is_empty() || apart < 1e-12, "{}: {apart}", what());
                if case.updates_triangle() {
                    for (i, j) in (0..size).flat_map(|j| (0..size).map(move |i| (i, j))) {
                        assert!(case.is_stored(i, j) || found[(i, j)] == c[(i, j)], "{}", what());
                    }
                }
            }
        }
    }
}

#[test]
fn values_of_real_numbers() {
    values::<f64>();
}

#[test]
fn values_of_complex_numbers() {
    values::<Complex<f64>>();
}

#[test]
fn shapes_that_do_not_fit() {
    let matrix = DMatrix::<f64>::zeros;
    let mismatch =
        |argument, expected, found| Err(Error::DimensionMismatch { argument, expected, found });
    let not_square = |argument| Err(Error::NotSquare { argument, rows: 2, columns: 3 });
    let (two, three, wide) = (matrix(2, 2), matrix(3, 3), matrix(2, 3));
    let (x, y) = (nalgebra::DVector::<f64>::zeros(2), nalgebra::DVector::<f64>::zeros(3));
    let (lower, plain, general) = (Triangle::Lower, Operation::None, Diagonal::General);
    assert_eq!(gemv(plain, 1.0, &wide, &x, 1.0, &mut y.clone()), mismatch("x", (3, 1), (2, 1)));
    assert_eq!(gemv(plain, 1.0, &wide, &y, 1.0, &mut y.clone()), mismatch("y", (2, 1), (3, 1)));
    assert_eq!(ger(1.0, &x, &y, &mut two.clone()), mismatch("a", (2, 3), (2, 2)));
    assert_eq!(symv(lower, 1.0, &wide, &x, 1.0, &mut x.clone()), not_square("a"));
    assert_eq!(symv(lower, 1.0, &two, &y, 1.0, &mut y.clone()), mismatch("x", (2, 1), (3, 1)));
    assert_eq!(symv(lower, 1.0, &two, &x, 1.0, &mut y.clone()), mismatch("y", (2, 1), (3, 1)));
    assert_eq!(trmv(lower, plain, general, &two, &mut y.clone()), mismatch("x", (2, 1), (3, 1)));
    assert_eq!(syr(lower, 1.0, &x, &mut wide.clone()), not_square("a"));
    assert_eq!(syr(lower, 1.0, &x, &mut three.clone()), mismatch("x", (3, 1), (2, 1)));
    let side = Side::Right;
    let found = symm(side, lower, 1.0, &two, &wide, 1.0, &mut wide.clone());
    assert_eq!(found, mismatch("b", (2, 2), (2, 3)));
    let found = symm(side, lower, 1.0, &three, &wide, 1.0, &mut two.clone());
    assert_eq!(found, mismatch("c", (2, 3), (2, 2)));
    let found = syrk(lower, plain, 1.0, &wide, 1.0, &mut three.clone());
    assert_eq!(found, mismatch("a", (3, 3), (2, 3)));
    let turned = Operation::Transpose;
    assert_eq!(syrk(lower, turned, 1.0, &wide, 1.0, &mut three.clone()), Ok(()));
    let found = syr2k(lower, plain, 1.0, &wide, &two, 1.0, &mut two.clone());
    assert_eq!(found, mismatch("b", (2, 3), (2, 2)));
    let found = trmm(Side::Left, lower, plain, general, 1.0, &two, &mut three.clone());
    assert_eq!(found, mismatch("b", (2, 3), (3, 3)));
    let (mut two, mut wide) = (two, wide);
    assert_eq!(rot(&mut two, &mut wide, 1.0, 0.0), mismatch("y", (2, 2), (2, 3)));
    // Its derivative by a factor that is zero needs the inverse.
    let found = trsm(Side::Left, lower, plain, general, 0.0, &two, &mut wide);
    assert!(matches!(found, Err(Error::Singular { pivot: 0, .. })));
}

/// The real part of a weighted sum of what C becomes.
fn loss<T: Scalar>(case: Case, (a, b, c, alpha, beta): &Point<T>) -> T::Real {
    let mut c = c.clone();
    case.call((*alpha, *beta), a, b, &mut c);
    let mut sum = T::zero();
    for j in 0..c.ncols() {
        for i in 0..c.nrows() {
            sum += any::<T>(9, i, j) * c[(i, j)];
        }
    }
    sum.real()
}

/// The point moved along a direction.
fn moved<T: Scalar<Real = f64>>(point: &Point<T>, by: &Point<T>, step: f64) -> Point<T> {
    let add = |x: &DMatrix<T>, y: &DMatrix<T>| x + y.map(|y| y.scale(step));
    (
        add(&point.0, &by.0),
        add(&point.1, &by.1),
        add(&point.2, &by.2),
        point.3 + by.3.scale(step),
        point.4 + by.4.scale(step),
    )
}

fn pairing<T: Scalar<Real = f64>>(by: &Point<T>, direction: &Point<T>) -> f64 {
    let of = |x: T, y: T| (x.conjugate() * y).real();
    let sum = |x: &DMatrix<T>, y: &DMatrix<T>| -> f64 {
        x.iter().zip(y.iter()).map(|(&x, &y)| of(x, y)).sum()
    };
    sum(&by.0, &direction.0)
        + sum(&by.1, &direction.1)
        + sum(&by.2, &direction.2)
        + of(by.3, direction.3)
        + of(by.4, direction.4)
}

/// Whether the cotangent of A is nothing where A is not read.
fn keeps_structure<T: Scalar>(case: Case, a_bar: &DMatrix<T>) -> bool {
    let outside = |(i, j): (usize, usize)| {
        let unit = case.name.starts_with("tr") && case.diagonal == Diagonal::Unit && i == j;
        !case.is_stored(i, j) || unit
    };
    let all = (0..a_bar.ncols()).flat_map(|j| (0..a_bar.nrows()).map(move |i| (i, j)));
    !case.reads_triangle() || all.filter(|at| outside(*at)).all(|at| a_bar[at].is_constant_zero())
}

macro_rules! gradients {
    ($name:ident, $number:ty, $var:ty, $dual:ty) => {
        #[test]
        fn $name() {
            for (size, inner) in [(3, 2), (37, 34)] {
                for case in cases() {
                    let at = point::<$number>(case, 0, size, inner);
                    let direction = point::<$number>(case, 5, size, inner);
                    let by = gradient(|at: &Point<$var>| loss::<$var>(case, at), &at);
                    assert!(keeps_structure(case, &by.0), "{case:?}");
                    let reverse = pairing(&by, &direction);
                    let (_, forward) =
                        jvp(|at: &Point<$dual>| loss::<$dual>(case, at), &at, &direction);
                    let value = |step| loss::<$number>(case, &moved(&at, &direction, step));
                    let difference = (value(1e-6) - value(-1e-6)) / 2e-6;
                    let scale = 1.0 + forward.abs();
                    assert!(
                        (forward - reverse).abs() < 1e-10 * scale,
                        "{case:?} of {size}: {forward} forward, {reverse} reverse"
                    );
                    assert!(
                        (forward - difference).abs() < 1e-6 * (scale + size as f64),
                        "{case:?} of {size}: {forward}, not {difference}"
                    );
                }
            }
        }
    };
}

gradients!(gradients_of_real_numbers, f64, difrules_core::Var<f64>, difrules_core::Dual<f64>);
gradients!(
    gradients_of_complex_numbers,
    Complex<f64>,
    Complex<difrules_core::Var<f64>>,
    Complex<difrules_core::Dual<f64>>
);

#[test]
fn factors_that_are_zero_and_vary() {
    /// A quadratic function of alpha and beta at zero.
    fn both<T: Real>((alpha, beta): &(T, T)) -> T {
        let a = DMatrix::from_fn(3, 3, |i, j| lit::<T>(any::<f64>(0, i, j)));
        let mut c = a.map(|x| x + lit(1.0));
        symm(Side::Left, Triangle::Lower, *alpha, &a, &a, *beta, &mut c).unwrap();
        c.iter().fold(T::zero(), |sum, &x| sum + x * x + x)
    }
    let at = (0.0_f64, 0.0);
    assert_eq!(both(&at), 0.0);
    let by = gradient(both, &at);
    let along = |direction| jvp(both, &at, &direction).1;
    // Sums of nine terms, in two orders.
    let is = |x: f64, wanted: f64| (x - wanted).abs() < 1e-15 * wanted.abs();
    assert!(is(by.0, along((1.0, 0.0))) && is(by.1, along((0.0, 1.0))));
    assert!(by.0 != 0.0 && by.1 != 0.0);
    let hessian = difrules_core::hessian(
        |x: &nalgebra::DVector<_>| both(&(x[0], x[1])),
        &nalgebra::dvector![0.0, 0.0],
    );
    let value = |x: f64, y: f64| both(&(x, y));
    let mixed = value(1.0, 1.0) - value(1.0, 0.0) - value(0.0, 1.0);
    assert!((hessian[(0, 1)] - mixed).abs() < 1e-12 * mixed.abs());
    // What is multiplied by a zero that varies has a say in how it varies.
    let of_nan = |alpha: &difrules_core::Var<f64>| {
        let a = DMatrix::from_element(1, 1, lit(f64::NAN));
        let mut c = a.map(|_| lit(1.0));
        gemm(Operation::None, Operation::None, *alpha, &a, &a, lit(1.0), &mut c).unwrap();
        c[0]
    };
    let (value, slope) = difrules_core::value_and_gradient(of_nan, &0.0);
    assert_eq!(value, 1.0);
    assert!(slope.is_nan());
    /// The entries of a solution, of which the last reads both of the right-hand side.
    fn solution<T: Real>(alpha: &T, [first, last]: [f64; 2]) -> T {
        let a = DMatrix::from_row_slice(2, 2, &[lit::<T>(2.0), lit(0.0), lit(1.0), lit(4.0)]);
        let mut x = DMatrix::from_column_slice(2, 1, &[lit(first), lit(last)]);
        let none = Operation::None;
        trsm(Side::Left, Triangle::Lower, none, Diagonal::General, *alpha, &a, &mut x).unwrap();
        x[0] + x[1]
    }
    for (side, wanted) in [([f64::INFINITY, 3.0], f64::NAN), ([3.0, f64::INFINITY], f64::INFINITY)]
    {
        let (value, forward) = jvp(|alpha| solution(alpha, side), &0.0, &1.0);
        let reverse = gradient(|alpha| solution(alpha, side), &0.0);
        assert_eq!(value, 0.0);
        for found in [forward, reverse] {
            assert!(found == wanted || found.is_nan() && wanted.is_nan(), "{found}, not {wanted}");
        }
    }
}

#[test]
fn overwritten_buffers() {
    /// Steps of a recursion in one buffer, each with all that is before it.
    fn program<T: Real>((l, x): &(DMatrix<T>, DMatrix<T>)) -> T {
        let (general, lower) = (Diagonal::General, Triangle::Lower);
        let mut y = x.clone();
        for k in 0..5 {
            let operation = OPERATIONS[k % 3];
            trmm(Side::Left, lower, operation, general, lit(0.9), l, &mut y).unwrap();
            let before = y.clone();
            symm(Side::Left, lower, lit(0.3), l, &before, lit(0.5), &mut y).unwrap();
            trsm(Side::Left, lower, Operation::None, general, lit(1.1), l, &mut y).unwrap();
            scal(lit(1.2), &mut y);
        }
        let mut c = l.clone();
        syrk(lower, Operation::None, lit(1.0), &y, lit(2.0), &mut c).unwrap();
        c.iter().fold(T::zero(), |sum, &x| sum + x * x)
    }
    let case = cases().into_iter().find(|case| case.name == "trsm").unwrap();
    let (l, x, ..) = point::<f64>(case, 0, 6, 3);
    let (l_dot, x_dot, ..) = point::<f64>(case, 5, 6, 3);
    let by = gradient(program, &(l.clone(), x.clone()));
    let (_, forward) = jvp(program, &(l.clone(), x.clone()), &(l_dot.clone(), x_dot.clone()));
    assert!((by.0.dot(&l_dot) + by.1.dot(&x_dot) - forward).abs() < 1e-11 * forward.abs());
    let value = |t: f64| program(&(&l + &l_dot * t, &x + &x_dot * t));
    let difference = (value(1e-6) - value(-1e-6)) / 2e-6;
    assert!((forward - difference).abs() < 1e-7 * forward.abs());
}

#[derive(Deserialize)]
struct Reference {
    cases: Vec<ReferenceCase>,
}

#[derive(Deserialize)]
struct ReferenceCase {
    primitive: String,
    scalar: String,
    left: bool,
    lower: bool,
    operation: String,
    unit: bool,
    arguments: Vec<Numbers>,
    cotangent: Numbers,
    value: Numbers,
    gradients: Vec<Numbers>,
}

impl ReferenceCase {
    fn point<T: Scalar<Real = f64>>(of: &[Numbers]) -> Point<T> {
        let [a, b, c, alpha, beta] = of else { panic!("five arguments") };
        (a.matrix(), b.matrix(), c.matrix(), alpha.matrix()[0], beta.matrix()[0])
    }

    fn check<K: Kind>(&self) {
        type T<K> = <K as Kind>::Of<f64>;
        let wanted = |case: &Case| {
            let operation = format!("{:?}", case.operation) == self.operation;
            let sides = (case.side == Side::Left, case.triangle == Triangle::Lower);
            let unit = (case.diagonal == Diagonal::Unit) == self.unit;
            case.name == self.primitive && operation && unit && sides == (self.left, self.lower)
        };
        let case = cases().into_iter().find(wanted).expect("all options are there");
        let at: Point<T<K>> = Self::point(&self.arguments);
        let (value, by) = vjp(
            |(a, b, c, alpha, beta)| {
                let mut c = c.clone();
                case.call((*alpha, *beta), a, b, &mut c);
                c
            },
            &at,
            &self.cotangent.matrix(),
        );
        let near = |found: &DMatrix<T<K>>, expected: DMatrix<T<K>>, what: &str| {
            assert_eq!(found.shape(), expected.shape());
            let largest =
                |m: &DMatrix<T<K>>| m.iter().fold(0.0_f64, |most, x| x.modulus().max(most));
            let apart = largest(&(found - &expected));
            assert!(apart < 1e-13 * largest(&expected).max(1.0), "{case:?}, {what}: {apart:e}");
        };
        near(&value, self.value.matrix(), "the value");
        let expected: Point<T<K>> = Self::point(&self.gradients);
        near(&by.0, expected.0, "by A");
        near(&by.1, expected.1, "by B");
        near(&by.2, expected.2, "by C");
        let factors = |alpha, beta| DMatrix::from_column_slice(2, 1, &[alpha, beta]);
        near(&factors(by.3, by.4), factors(expected.3, expected.4), "by alpha and beta");
    }
}

#[test]
fn values_and_gradients_agree_with_blas_and_sixty_digits() {
    let reference: Reference = serde_json::from_str(include_str!("data/blas.json")).expect("valid");
    assert!(reference.cases.len() > 200);
    for case in &reference.cases {
        match case.scalar.as_str() {
            "f64" => case.check::<f64>(),
            "Complex<f64>" => case.check::<Complex<f64>>(),
            other => panic!("no scalar {other}"),
        }
    }
}

/// An entry of what C becomes, or its reciprocal.
fn one_of<T: Scalar>(case: Case, point: &Point<T>, place: usize, reciprocal: bool) -> T::Real {
    let (a, b, c, alpha, beta) = point;
    let mut c = c.clone();
    case.call((*alpha, *beta), a, b, &mut c);
    let entry = c[place].real();
    if reciprocal { entry.recip() } else { entry }
}

/// The numbers of a point, in order.
fn numbers<T: Scalar>((a, b, c, alpha, beta): &mut Point<T>) -> Vec<&mut T> {
    let matrices = [a, b, c].into_iter().flat_map(|x| x.iter_mut());
    matrices.chain([alpha, beta]).collect()
}

/// Both modes leave out of an entry what it does not depend on, infinite or not.
macro_rules! factors_that_are_infinite {
    ($name:ident, $number:ty, $var:ty, $dual:ty, $step:literal) => {
        #[test]
        fn $name() {
            // Infinities of complex numbers lose their direction where they are added.
            let is_real = <$number as Scalar>::Kind::REAL;
            for case in cases().into_iter().step_by($step) {
                let good = point::<$number>(case, 0, 2, 2);
                let count = numbers(&mut good.clone()).len();
                // In A, B, C, alpha and beta.
                let places = [1, good.0.len(), count - 3, count - 2, count - 1];
                let bad = [f64::INFINITY, f64::NEG_INFINITY, f64::NAN].into_iter().cycle();
                for (k, bad) in places.into_iter().zip(bad) {
                    let mut at = good.clone();
                    *numbers(&mut at)[k] = nalgebra::convert(bad);
                    for (place, reciprocal) in
                        (0..at.2.len()).flat_map(|place| [(place, false), (place, true)])
                    {
                        let f = |at: &Point<$var>| one_of(case, at, place, reciprocal);
                        let mut reverse = gradient(f, &at);
                        for (i, reverse) in numbers(&mut reverse).into_iter().enumerate() {
                            let mut along = good.clone();
                            numbers(&mut along).into_iter().for_each(|x| *x *= 0.0);
                            *numbers(&mut along)[i] = nalgebra::one();
                            let f = |at: &Point<$dual>| one_of(case, at, place, reciprocal);
                            let ((_, forward), reverse) = (jvp(f, &at, &along), reverse.real());
                            let near = (forward - reverse).abs() <= 1e-12 * reverse.abs();
                            let undefined = if is_real {
                                forward.is_nan() && reverse.is_nan()
                            } else {
                                !forward.is_finite() && !reverse.is_finite()
                            };
                            assert!(
                                forward == reverse || near || undefined,
                                "{case:?}, {bad} at {k}: entry {place}, reciprocal {reciprocal}, \
                                 by {i}: {forward} forward, {reverse} in reverse"
                            );
                        }
                    }
                }
            }
        }
    };
}

factors_that_are_infinite!(
    infinite_factors_of_real_numbers,
    f64,
    difrules_core::Var<f64>,
    difrules_core::Dual<f64>,
    3
);
factors_that_are_infinite!(
    infinite_factors_of_complex_numbers,
    Complex<f64>,
    Complex<difrules_core::Var<f64>>,
    Complex<difrules_core::Dual<f64>>,
    3
);
