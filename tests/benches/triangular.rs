//! A triangular solve with as many right-hand sides as rows, against faer's and nalgebra's, on one thread:
//! `cargo bench -p difrules-tests --features peers --bench triangular`.

use std::hint::black_box;

use difrules_core::testing::Sampler;
use difrules_linalg::{Diagonal, Operation, Side, Triangle, trsm};
use difrules_tests::compare;
use faer::linalg::triangular_solve::solve_lower_triangular_in_place;
use faer::{Mat, Par};
use nalgebra::DMatrix;

fn main() {
    let mut random = Sampler::new(1, 1);
    for (size, limit) in [(64, None), (256, Some(1.6)), (512, None)] {
        let l: DMatrix<f64> = random.lower_triangular(size);
        let b: DMatrix<f64> = random.matrix(size, size);
        let (faer_l, faer_b) = (
            Mat::from_fn(size, size, |i, j| l[(i, j)]),
            Mat::from_fn(size, size, |i, j| b[(i, j)]),
        );
        let (mut x, mut faer_x) = (b.clone(), faer_b.clone());
        let mut ours = || {
            x.copy_from(&b);
            let form = (Side::Left, Triangle::Lower, Operation::None, Diagonal::General);
            trsm(form.0, form.1, form.2, form.3, 1.0, black_box(&l), &mut x).expect("regular");
        };
        let mut peer = || {
            faer_x.copy_from(&faer_b);
            solve_lower_triangular_in_place(black_box(faer_l.as_ref()), faer_x.as_mut(), Par::Seq);
        };
        let name = format!("triangular solve, n = {size}");
        compare(&name, limit, ("ours", &mut ours), ("faer", &mut peer));
        let mut other = b.clone();
        let mut nalgebra = || {
            other.copy_from(&b);
            assert!(black_box(&l).solve_lower_triangular_mut(&mut other));
        };
        compare(&name, None, ("nalgebra", &mut nalgebra), ("faer", &mut peer));
    }
}
