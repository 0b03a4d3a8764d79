//! The rules of `cholesky` against nalgebra's factorisation: `cargo bench --bench cholesky`.

use std::hint::black_box;

use difrules_core::{Differentiable, Slot};
use difrules_linalg::cholesky;
use difrules_tests::compare;
use nalgebra::DMatrix;

fn main() {
    for (size, limit) in [(64, None), (256, Some(1.0)), (512, Some(0.7))] {
        let factor = DMatrix::from_fn(size, size, |i, j| ((i * 7 + j * 13) % 11) as f64 / 11.0);
        let a = &factor * factor.transpose() + DMatrix::identity(size, size) * size as f64;
        let l = cholesky(&a).expect("positive definite");
        let cotangent = DMatrix::from_fn(size, size, |i, j| ((i * 5 + j * 3) % 7) as f64 - 3.0);
        let shape = Differentiable::shape(&a);
        let mut l_bar = cotangent.clone();
        let mut a_bar = DMatrix::<f64>::zeros(size, size);
        let mut reverse = || {
            l_bar.copy_from(&cotangent);
            let l_bar = DMatrix::as_cotangent(&shape, l_bar.as_mut_slice());
            let slot = Slot::new(&shape, Some(a_bar.as_mut_slice()));
            cholesky::reverse(&l, l_bar, slot);
            black_box(&a_bar);
        };
        let mut peer = || {
            black_box(nalgebra::Cholesky::new(black_box(&a).clone()));
        };
        let mut forward = || {
            black_box(cholesky::forward(&l, black_box(&cotangent)));
        };
        let mut primal = || {
            black_box(cholesky(black_box(&a)).expect("positive definite"));
        };
        let name = |what: &str| format!("{what} cholesky, n = {size}");
        compare(&name("reverse"), limit, ("ours", &mut reverse), ("nalgebra's primal", &mut peer));
        compare(&name("forward"), None, ("ours", &mut forward), ("nalgebra's primal", &mut peer));
        compare(&name("primal"), None, ("ours", &mut primal), ("nalgebra's primal", &mut peer));
    }
}
