//! Products of plain numbers by the native kernel, complex ones with conjugates and factors of their own.

use difrules_core::kernel::{Factor, native_gemm};
use difrules_core::testing::Sampler;
use nalgebra::{Complex, DMatrix};

fn used(factor: Factor<'_, Complex<f64>>) -> DMatrix<Complex<f64>> {
    let matrix =
        if factor.conjugate { factor.matrix.conjugate() } else { factor.matrix.into_owned() };
    if factor.transpose { matrix.transpose() } else { matrix }
}

/// Against sums of products, to the rounding of these.
#[test]
fn complex_products_are_those_of_the_parts() {
    let mut random = Sampler::new(1, 1);
    let [zero, one] = [0.0, 1.0].map(|x| Complex::new(x, 0.0));
    let numbers =
        [zero, one, -one, Complex::i(), Complex::new(0.75, -0.5), Complex::new(-2.0, 0.0)];
    for (case, (rows, inner, columns)) in
        [(1, 1, 1), (6, 7, 8), (9, 20, 13), (3, 300, 2), (17, 0, 4)].into_iter().enumerate()
    {
        for flags in 0..16 {
            let flag = |bit: usize| flags >> bit & 1 == 1;
            let turned =
                |shape: (usize, usize), turn| if turn { (shape.1, shape.0) } else { shape };
            let (of_a, of_b) = (turned((rows, inner), flag(0)), turned((inner, columns), flag(1)));
            let a: DMatrix<Complex<f64>> = random.matrix(of_a.0, of_a.1);
            let b: DMatrix<Complex<f64>> = random.matrix(of_b.0, of_b.1);
            let old: DMatrix<Complex<f64>> = random.matrix(rows, columns);
            let a = Factor { matrix: a.as_view(), transpose: flag(0), conjugate: flag(2) };
            let b = Factor { matrix: b.as_view(), transpose: flag(1), conjugate: flag(3) };
            let (alpha, beta) = (numbers[(case + flags) % 6], numbers[(case + flags / 6) % 6]);
            let mut c = old.clone();
            if beta == zero {
                c.fill(Complex::new(f64::NAN, f64::NAN));
            }
            assert!(native_gemm(alpha, a, b, beta, &mut c.as_view_mut()));
            let expected = used(a) * used(b) * alpha + &old * beta;
            let sizes = |m: DMatrix<Complex<f64>>| m.map(|x| x.norm());
            let sizes = sizes(used(a)) * sizes(used(b)) * alpha.norm() + sizes(old) * beta.norm();
            for ((x, y), size) in c.iter().zip(&expected).zip(&sizes) {
                let most = f64::EPSILON * (inner + 4) as f64 * size;
                assert!(
                    (x - y).norm() <= most,
                    "{rows} {inner} {columns} {flags} {alpha} {beta}: {x} and {y}"
                );
            }
        }
    }
}
