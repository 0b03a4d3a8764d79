//! The registry across crates.

use std::collections::HashSet;

// Named, so that it is linked; nothing of it is used.
use difrules_linalg as _;

use difrules_core::testing::Sampler;
use difrules_core::{Argument, Notion, Real, by_path, find, primitive, primitives};
use nalgebra::{DMatrix, Dyn, OMatrix};

mod inner {
    use super::*;

    /// Private, in a module.
    #[primitive(partial = |x| x + x, instances(f64))]
    pub(super) fn squared<T: Real>(x: T) -> T {
        x * x
    }
}

#[test]
fn primitives_of_all_linked_crates_are_found() {
    let all = primitives();
    assert!(all.is_sorted_by_key(|record| record.path));
    let paths: HashSet<_> = all.iter().map(|record| record.path).collect();
    assert_eq!(paths.len(), all.len(), "a path is registered twice");
    for path in [
        "difrules_core::math::elementary::trigonometric::sin",
        "difrules_linalg::decomposition::cholesky::cholesky",
        "registry::inner::squared",
    ] {
        assert!(paths.contains(path), "{path}");
    }
    // The primitives that the first issue names.
    let names = "add sub neg scale component_mul matmul tr_mul transpose adjoint sum trace diagonal \
                 dot nrm2 cholesky solve_lower_triangular solve_upper_triangular cholesky_solve \
                 ln_determinant axpy gemm symmetric_part";
    for name in names.split_whitespace() {
        let found: Vec<_> = all
            .iter()
            .filter(|record| record.name == name && record.path.starts_with("difrules_linalg::"))
            .collect();
        assert_eq!(found.len(), 1, "{name}");
        let record = found[0];
        assert!(record.forward && record.reverse, "{name}");
        let scalars: Vec<_> = record.instances.iter().map(|instance| instance.scalar).collect();
        assert_eq!(scalars, ["f32", "f64", "Complex<f32>", "Complex<f64>"], "{name}");
        assert!(record.doc.contains("# Derivation"), "{name}");
        let constant = |argument: &&Argument| !argument.differentiable();
        let constants = record.arguments.iter().filter(constant).count();
        assert_eq!(constants, if name == "gemm" { 2 } else { 0 }, "{name}");
        assert!(record.instances.iter().all(|instance| instance.sample.is_some()), "{name}");
    }
    assert_eq!(inner::squared(3.0), 9.0);
}

#[test]
fn look_ups_agree() {
    let gemm = by_path("difrules_linalg::blas::gemm::gemm").unwrap();
    assert!(std::ptr::eq(find("gemm", 7).unwrap(), gemm));
    assert!(find("gemm", 4).is_none() && find("nothing", 1).is_none() && by_path("gemm").is_none());
    let notions: Vec<_> = gemm.arguments.iter().map(|argument| argument.notion()).collect();
    let (scalar, matrix) = (Notion::Scalar, Notion::Matrix);
    let operation = Notion::Constant;
    assert_eq!(notions, [operation, operation, scalar, matrix, matrix, scalar, matrix]);
    assert!(gemm.arguments[6].in_place);
}

#[test]
fn samples_have_the_type_of_the_arguments() {
    let cholesky = find("cholesky", 1).unwrap();
    let sample = cholesky.instances[1].sample.unwrap();
    let mut drawn = sample(&mut Sampler::new(3, 4));
    let a = drawn.pop().unwrap().downcast::<OMatrix<f64, Dyn, Dyn>>().unwrap();
    assert_eq!(DMatrix::transpose(&a), *a);
}
