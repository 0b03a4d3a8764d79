//! The reverse rules of decompositions and solves against nalgebra's own primals:
//! `cargo bench --bench decompositions`.

use std::any::Any;
use std::hint::black_box;

use difrules_core::find;
use difrules_core::testing::Sampler;
use difrules_linalg as _;
use difrules_tests::compare;
use nalgebra::DMatrix;

/// Times the reverse rule of a registered primitive, evaluated before, with what it returned for a
/// cotangent, against a primal of nalgebra.
fn rule(name: &str, limit: f64, arguments: &[&DMatrix<f64>], primal: &mut dyn FnMut()) {
    let record = find(name, arguments.len()).expect("registered");
    let instance = record.instance("f64").expect("registered");
    let mut owned: Vec<_> = arguments.iter().map(|&x| x.clone()).collect();
    let mut values: Vec<_> = owned.iter_mut().map(|x| x as &mut dyn Any).collect();
    let mut output: Option<Box<dyn Any>> = None;
    let pullback = instance.reverse(&mut values, &mut output).expect("in the domain");
    let cotangent = output.expect("put there");
    let mut adjoints = instance.zeros(&mut values).expect("of its types");
    let mut reverse = || {
        let mut adjoints: Vec<_> = adjoints.iter_mut().map(|x| Some(&mut **x)).collect();
        pullback.pull(black_box(&*cotangent), &mut adjoints).expect("of its types");
    };
    let name = format!("reverse {name}, n = {}", arguments[0].nrows());
    compare(&name, Some(limit), ("ours", &mut reverse), ("nalgebra's primal", primal));
}

fn main() {
    let mut random = Sampler::new(1, 1);
    for size in [64, 256] {
        let (a, b): (DMatrix<f64>, DMatrix<f64>) =
            (random.matrix(size, size), random.matrix(size, size));
        let symmetric = &a + a.transpose();
        rule("svd", 0.2, &[&a], &mut || {
            black_box(black_box(&a).clone().svd(true, true));
        });
        rule("symmetric_eigen", 0.4, &[&symmetric], &mut || {
            black_box(black_box(&symmetric).clone().symmetric_eigen());
        });
        rule("solve", 0.6, &[&a, &b], &mut || {
            black_box(black_box(&a).clone().lu().solve(&b));
        });
        rule("inverse", 0.6, &[&a], &mut || {
            black_box(black_box(&a).clone().try_inverse());
        });
        rule("lu", 1.0, &[&a], &mut || {
            black_box(black_box(&a).clone().lu());
        });
        rule("qr", 1.0, &[&a], &mut || {
            black_box(black_box(&a).clone().qr().unpack());
        });
    }
}
