//! Products of plain numbers: the digits of the crate matrixmultiply, whichever of the two runs, at sizes around the blocks
//! and tiles of the kernel, and nothing but the entries of C is written.

use difrules_core::Scalar;
use difrules_core::kernel::native_gemm;
use difrules_core::testing::Sampler;
use nalgebra::{DMatrix, DMatrixView};

/// The numbers that both compute with.
trait Plain: Scalar<Real = Self> {
    /// C <- A B + beta C by the crate, with the strides of A and B.
    #[allow(clippy::too_many_arguments)] // Those of the crate's function.
    fn library(
        a: DMatrixView<'_, Self>,
        turn_a: bool,
        b: DMatrixView<'_, Self>,
        turn_b: bool,
        beta: Self,
        c: &mut DMatrix<Self>,
    );

    fn bits(self) -> u64;
}

macro_rules! plain {
    ($number:ty, $gemm:ident) => {
        impl Plain for $number {
            fn library(
                a: DMatrixView<'_, Self>,
                turn_a: bool,
                b: DMatrixView<'_, Self>,
                turn_b: bool,
                beta: Self,
                c: &mut DMatrix<Self>,
            ) {
                let steps = |m: &DMatrixView<'_, Self>, turn| {
                    let (down, right) = (m.strides().0 as isize, m.strides().1 as isize);
                    if turn { (right, down) } else { (down, right) }
                };
                let ((rsa, csa), (rsb, csb)) = (steps(&a, turn_a), steps(&b, turn_b));
                let inner = if turn_a { a.nrows() } else { a.ncols() };
                let (rows, columns) = c.shape();
                // SAFETY: the shapes fit, and the strides are those of the views.
                #[allow(unsafe_code)] // The crate's only function.
                unsafe {
                    matrixmultiply::$gemm(
                        rows,
                        inner,
                        columns,
                        1.0,
                        a.as_ptr(),
                        rsa,
                        csa,
                        b.as_ptr(),
                        rsb,
                        csb,
                        beta,
                        c.as_mut_ptr(),
                        1,
                        rows as isize,
                    );
                }
            }

            fn bits(self) -> u64 {
                self.to_bits().into()
            }
        }
    };
}
plain!(f64, dgemm);
plain!(f32, sgemm);

/// Sizes around those of tiles and blocks: rows, terms, columns.
fn shapes() -> Vec<(usize, usize, usize)> {
    let small = 1..=17;
    let mut shapes: Vec<_> = small.map(|n| (n, (3 * n) % 19 + 1, (7 * n) % 18 + 1)).collect();
    shapes.extend([
        (0, 3, 2),
        (3, 0, 2),
        (2, 3, 0),
        (8, 8, 6),
        (16, 4, 12),
        (64, 5, 6),
        (65, 256, 7),
        (9, 257, 13),
        (63, 600, 5),
        (130, 20, 19),
        (7, 9, 504),
        (5, 3, 505),
        (70, 260, 1011),
    ]);
    shapes
}

fn digits<T: Plain>() {
    let mut random = Sampler::new(1, 1);
    for (rows, inner, columns) in shapes() {
        for (turn_a, turn_b, beta) in
            [(false, false, 0.0), (true, false, 1.0), (false, true, 1.0), (true, true, 0.0)]
        {
            let beta: T = nalgebra::convert(beta);
            // Blocks of larger matrices, with rows and columns around them.
            let turned =
                |(rows, columns), turn| if turn { (columns, rows) } else { (rows, columns) };
            let (shape_a, shape_b) =
                (turned((rows, inner), turn_a), turned((inner, columns), turn_b));
            let a: DMatrix<T> = random.matrix(shape_a.0 + 3, shape_a.1 + 1);
            let b: DMatrix<T> = random.matrix(shape_b.0 + 1, shape_b.1 + 2);
            let (a, b) = (a.view((2, 0), shape_a), b.view((1, 1), shape_b));
            let around: DMatrix<T> = random.matrix(rows + 5, columns + 2);
            let mut whole = around.clone();
            let mut c = whole.view_mut((3, 1), (rows, columns));
            if beta == T::zero() {
                c.fill(nalgebra::convert(f64::NAN));
            }
            let mut expected = c.clone_owned();
            T::library(a, turn_a, b, turn_b, beta, &mut expected);
            assert!(native_gemm(T::one(), (a, turn_a), (b, turn_b), beta, &mut c));
            for ((i, j), x) in
                (0..columns).flat_map(|j| (0..rows).map(move |i| (i, j))).map(|at| (at, c[at]))
            {
                let shape = (rows, inner, columns);
                assert_eq!(
                    x.bits(),
                    expected[(i, j)].bits(),
                    "({i}, {j}) of {shape:?}, {turn_a} {turn_b}"
                );
            }
            c.copy_from(&around.view((3, 1), (rows, columns)));
            assert_eq!(whole, around);
        }
    }
}

#[test]
fn products_have_the_digits_of_the_library() {
    digits::<f64>();
    digits::<f32>();
}

/// Each factor of C and of the product is applied once, whatever the blocks.
#[test]
fn factors_are_those_of_the_whole_sum() {
    let mut random = Sampler::new(2, 1);
    for (rows, inner, columns) in shapes() {
        let (a, b): (DMatrix<f64>, DMatrix<f64>) =
            (random.matrix(rows, inner), random.matrix(inner, columns));
        let old: DMatrix<f64> = random.matrix(rows, columns);
        let mut c = old.clone();
        assert!(native_gemm(
            -0.75,
            (a.as_view(), false),
            (b.as_view(), false),
            0.5,
            &mut c.as_view_mut()
        ));
        for (i, j) in (0..columns).flat_map(|j| (0..rows).map(move |i| (i, j))) {
            let terms = (0..inner).map(|k| a[(i, k)] * b[(k, j)]);
            let size = old[(i, j)].abs() + terms.clone().map(f64::abs).sum::<f64>();
            let expected = -0.75 * terms.sum::<f64>() + 0.5 * old[(i, j)];
            let error = (c[(i, j)] - expected).abs();
            assert!(
                error <= 4.0 * f64::EPSILON * (inner + 2) as f64 * size,
                "({i}, {j}) of {:?}: {error}",
                c.shape()
            );
        }
    }
}

/// What is beside an entry in a tile does not come into it.
#[test]
fn numbers_that_are_not_finite_stay_in_their_row_and_column() {
    let (rows, inner, columns) = (13, 20, 11);
    let mut a = DMatrix::from_element(rows, inner, 0.5);
    let mut b = DMatrix::from_element(inner, columns, 2.0);
    (a[(9, 3)], b[(4, 7)]) = (f64::NAN, f64::INFINITY);
    let mut c = DMatrix::from_element(rows, columns, f64::NAN);
    assert!(native_gemm(
        1.0,
        (a.as_view(), false),
        (b.as_view(), false),
        0.0,
        &mut c.as_view_mut()
    ));
    for (i, j) in (0..columns).flat_map(|j| (0..rows).map(move |i| (i, j))) {
        let fits = match (i, j) {
            (9, _) => c[(i, j)].is_nan(),
            (_, 7) => c[(i, j)] == f64::INFINITY,
            _ => c[(i, j)] == 20.0,
        };
        assert!(fits, "({i}, {j}): {}", c[(i, j)]);
    }
}
