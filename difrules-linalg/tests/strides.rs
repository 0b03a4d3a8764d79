//! Products, triangular solves and sums at every size to 12 and every kind of strides: what is written
//! is right, and nothing else is touched. Debug assertions check each access on the way; for memory
//! beyond the allocations, run the test program itself under valgrind:
//! `cargo test -p difrules-linalg --test all --no-run`, then `valgrind <the program it names> strides`.

use difrules_core::{Scalar, gradient};
use difrules_linalg::{Diagonal, Operation, Side, Triangle, axpy, gemm, matmul, sum, tr_mul, trsm};
use nalgebra::{Complex, DMatrix, DMatrixView, Dyn, Matrix, SMatrix, Storage, dmatrix};

const OPERATIONS: [Operation; 3] = [Operation::None, Operation::Transpose, Operation::Adjoint];

/// What is around the entries of a view.
const GUARD: f64 = 1e6;

/// Small whole numbers, so that sums of products are exact.
fn number<T: Scalar>(i: usize, j: usize) -> T {
    let mut x = T::zero();
    for (part, digit) in x.parts_mut().iter_mut().zip([(3 * i + 5 * j) % 7, (2 * i + j) % 5]) {
        *part = nalgebra::convert(digit as f64 - 2.0);
    }
    x
}

fn matrix<T: Scalar>(rows: usize, columns: usize) -> DMatrix<T> {
    DMatrix::from_fn(rows, columns, number)
}

/// Memory that holds a matrix by one kind of strides among guards.
struct Held<T> {
    memory: Vec<T>,
    shape: (usize, usize),
    first: usize,
    strides: (usize, usize),
}

/// How many kinds of strides there are.
const KINDS: usize = 5;

impl<T: Scalar> Held<T> {
    fn new(kind: usize, matrix: &DMatrix<T>) -> Self {
        let (rows, columns) = matrix.shape();
        let (first, strides) = match kind {
            // Contiguous; columns with a gap between them; rows with gaps; both; rows one after another.
            0 => (0, (1, rows)),
            1 => (2, (1, rows + 3)),
            2 => (1, (2, 2 * rows)),
            3 => (3, (3, 3 * rows + 2)),
            _ => (1, (columns, 1)),
        };
        let length = first + rows * strides.0 + columns * strides.1 + 2;
        let mut memory = vec![nalgebra::convert(GUARD); length];
        for ((i, j), &x) in
            (0..columns).flat_map(|j| (0..rows).map(move |i| (i, j))).zip(matrix.iter())
        {
            memory[first + i * strides.0 + j * strides.1] = x;
        }
        Self { memory, shape: (rows, columns), first, strides }
    }

    fn view(&self) -> DMatrixView<'_, T, Dyn, Dyn> {
        let ((rows, columns), strides) = (self.shape, (Dyn(self.strides.0), Dyn(self.strides.1)));
        let memory = &self.memory[self.first..];
        DMatrixView::from_slice_with_strides_generic(
            memory,
            Dyn(rows),
            Dyn(columns),
            strides.0,
            strides.1,
        )
    }

    /// Lends the matrix, then demands that the guards are as they were and the matrix is as expected.
    fn changed(
        mut self,
        expected: &DMatrix<T>,
        change: impl FnOnce(&mut nalgebra::DMatrixViewMut<'_, T, Dyn, Dyn>),
    ) {
        let ((rows, columns), strides) = (self.shape, (Dyn(self.strides.0), Dyn(self.strides.1)));
        change(&mut nalgebra::DMatrixViewMut::from_slice_with_strides_generic(
            &mut self.memory[self.first..],
            Dyn(rows),
            Dyn(columns),
            strides.0,
            strides.1,
        ));
        assert_eq!(self.view(), *expected, "{:?} by {:?}", self.shape, self.strides);
        let guard: T = nalgebra::convert(GUARD);
        let guards = self.memory.iter().filter(|&&x| x == guard).count();
        assert_eq!(guards, self.memory.len() - rows * columns);
    }
}

fn applied<T: Scalar, S: Storage<T, Dyn, Dyn>>(
    operation: Operation,
    a: &Matrix<T, Dyn, Dyn, S>,
) -> DMatrix<T> {
    let (rows, columns) = a.shape();
    match operation {
        Operation::None => a.clone_owned(),
        Operation::Transpose => DMatrix::from_fn(columns, rows, |i, j| a[(j, i)]),
        Operation::Adjoint => DMatrix::from_fn(columns, rows, |i, j| a[(j, i)].conjugate()),
    }
}

fn product<T: Scalar>(a: &DMatrix<T>, b: &DMatrix<T>) -> DMatrix<T> {
    DMatrix::from_fn(a.nrows(), b.ncols(), |i, j| {
        (0..a.ncols()).fold(T::zero(), |sum, k| sum + a[(i, k)] * b[(k, j)])
    })
}

fn products<T: Scalar>() {
    let mut turn = 0;
    for (rows, inner, columns) in (0..13 * 13 * 13).map(|k| (k % 13, k / 13 % 13, k / 169)) {
        for (operation_a, operation_b) in
            OPERATIONS.into_iter().flat_map(|a| OPERATIONS.map(|b| (a, b)))
        {
            // All three kinds in turn; their number has no factor in common with that of the operations.
            turn += 1;
            let kinds = (turn % KINDS, turn / KINDS % KINDS, turn / KINDS / KINDS % KINDS);
            let (left, right) = (matrix::<T>(rows, inner), matrix::<T>(inner, columns));
            let (a, b) = (applied(operation_a, &left), applied(operation_b, &right));
            let (left, right) = (applied(operation_a, &a), applied(operation_b, &b));
            let (alpha, beta) = (number(1, 2), number(2, turn % 5));
            let c = matrix::<T>(rows, columns).map(|x| x + T::one());
            let expected = product(&left, &right).map(|x| alpha * x) + c.map(|x| beta * x);
            let (a, b) = (Held::new(kinds.0, &a), Held::new(kinds.1, &b));
            Held::new(kinds.2, &c).changed(&expected, |c| {
                gemm(operation_a, operation_b, alpha, &a.view(), &b.view(), beta, c).unwrap();
            });
            // What is overwritten does not matter.
            let nothing = c.map(|_| nalgebra::convert(f64::NAN));
            Held::new(kinds.2, &nothing).changed(&product(&left, &right), |c| {
                let (one, zero) = (T::one(), T::zero());
                gemm(operation_a, operation_b, one, &a.view(), &b.view(), zero, c).unwrap();
            });
        }
        let (a, b) = (matrix::<T>(rows, inner), matrix::<T>(inner, columns));
        assert_eq!(matmul(&a, &b).unwrap(), product(&a, &b));
        assert_eq!(tr_mul(&a.transpose(), &b).unwrap(), product(&a, &b));
    }
}

#[test]
fn products_of_f32() {
    products::<f32>();
}

#[test]
fn products_of_f64() {
    products::<f64>();
}

#[test]
fn products_of_complex_numbers() {
    products::<Complex<f64>>();
}

/// A triangle with ones and twos on its diagonal: a solve is exact.
fn triangle<T: Scalar>(lower: bool, size: usize) -> DMatrix<T> {
    DMatrix::from_fn(size, size, |i, j| {
        let inside = if lower { i > j } else { i < j };
        match (i == j, inside) {
            (true, _) => nalgebra::convert(1.0 + (i % 2) as f64),
            // The other triangle is not read.
            (_, false) => nalgebra::convert(f64::NAN),
            (_, true) if (i + 2 * j) % 3 == 0 => number(i, j),
            _ => T::zero(),
        }
    })
}

fn triangular_solves<T: Scalar>() {
    let mut turn = 0;
    for (size, others) in (0..13 * 13).map(|k| (k % 13, k / 13)) {
        for choice in 0..24 {
            turn += 1;
            let (side, lower) = ([Side::Left, Side::Right][choice % 2], choice / 2 % 2 == 0);
            let diagonal = [Diagonal::General, Diagonal::Unit][choice / 4 % 2];
            let operation = OPERATIONS[choice / 8];
            let stored = triangle::<T>(lower, size);
            let whole = DMatrix::from_fn(size, size, |i, j| match i == j {
                true if diagonal == Diagonal::Unit => T::one(),
                _ if i == j || (i > j) == lower => stored[(i, j)],
                _ => T::zero(),
            });
            let whole = applied(operation, &whole);
            let (x, b) = if side == Side::Left {
                let x = matrix(size, others);
                (x.clone(), product(&whole, &x))
            } else {
                let x = matrix(others, size);
                (x.clone(), product(&x, &whole))
            };
            let a = Held::new(turn % KINDS, &stored);
            let triangle = if lower { Triangle::Lower } else { Triangle::Upper };
            Held::new(turn / KINDS % KINDS, &b).changed(&x, |b| {
                trsm(side, triangle, operation, diagonal, T::one(), &a.view(), b).unwrap();
            });
        }
        for kinds in 0..KINDS * KINDS {
            let (x, y) = (matrix::<T>(size, others), matrix::<T>(size, others).map(|x| x + x));
            let held = Held::new(kinds % KINDS, &x);
            let expected = &x.map(|x| x + x) + &y;
            Held::new(kinds / KINDS, &y).changed(&expected, |y| {
                axpy(T::one() + T::one(), &held.view(), y).unwrap();
            });
        }
    }
}

#[test]
fn triangular_solves_and_sums() {
    triangular_solves::<f64>();
    triangular_solves::<Complex<f64>>();
}

fn static_products<const R: usize, const K: usize, const C: usize>() {
    let (a, b) = (SMatrix::<f64, R, K>::from_fn(number), SMatrix::<f64, K, C>::from_fn(number));
    let whole = |a: &[f64], rows| DMatrix::from_column_slice(rows, a.len() / rows, a);
    let expected = product(&whole(a.as_slice(), R), &whole(b.as_slice(), K));
    assert_eq!(matmul(&a, &b).unwrap(), expected);
    let mut c = SMatrix::<f64, R, C>::zeros();
    gemm(Operation::Transpose, Operation::None, 1.0, &a.transpose(), &b, 0.0, &mut c).unwrap();
    assert_eq!(c, expected);
    gemm(Operation::None, Operation::Adjoint, 1.0, &a, &b.transpose(), 1.0, &mut c).unwrap();
    assert_eq!(c, expected * 2.0);
}

#[test]
fn static_sizes() {
    static_products::<1, 1, 1>();
    static_products::<2, 3, 4>();
    static_products::<4, 2, 1>();
    static_products::<6, 6, 7>();
}

#[test]
fn gradients_by_way_of_views() {
    let found = gradient(
        |a| {
            let mut c = DMatrix::from_element(2, 2, difrules_core::Var::constant(0.0));
            let one = difrules_core::Var::constant(1.0);
            let every = a.view_with_steps((0, 0), (2, 2), (1, 0));
            gemm(Operation::Transpose, Operation::None, one, &every, &every, one, &mut c).unwrap();
            sum(&c)
        },
        &dmatrix![1.0, 2.0; 7.0, 7.0; 3.0, 4.0],
    );
    // sum of A^T A: 2 (A 1) 1^T.
    assert_eq!(found, dmatrix![6.0, 6.0; 0.0, 0.0; 14.0, 14.0]);
}
