//! The registry across crates.

use std::collections::HashSet;

// Named, so that it is linked; nothing of it is used.
use difrules_linalg as _;

use difrules_core::registry::{Argument, FindError, Notion, by_path};
use difrules_core::testing::Sampler;
use difrules_core::{Real, find, primitive, primitives};
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
    for path in
        ["difrules_core::math::sin", "difrules_linalg::cholesky", "registry::inner::squared"]
    {
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
    let gemm = by_path("difrules_linalg::gemm").unwrap();
    assert!(std::ptr::eq(find("gemm", 7).unwrap(), gemm));
    assert_eq!(
        find("gemm", 4).unwrap_err(),
        FindError::Arity { name: "gemm".into(), arity: 4, arities: vec![7] }
    );
    assert_eq!(find("nothing", 1).unwrap_err(), FindError::Unknown { name: "nothing".into() });
    assert!(by_path("gemm").is_none());
    // What several crates have is found by its crate, whatever module it is in.
    let add = find("add", 2).unwrap_err();
    let paths = vec!["difrules_core::math::add", "difrules_linalg::add"];
    assert_eq!(
        add.to_string(),
        format!(
            "`add` with 2 arguments may be `{}` or `{}`; write the path of the one that is meant",
            paths[0], paths[1]
        )
    );
    assert_eq!(add, FindError::Ambiguous { name: "add".into(), arity: 2, paths });
    for (name, path) in [
        ("difrules_linalg::add", "difrules_linalg::add"),
        ("difrules_core::add", "difrules_core::math::add"),
        ("difrules_core::math::add", "difrules_core::math::add"),
        ("registry::squared", "registry::inner::squared"),
    ] {
        let arity = if name.ends_with("add") { 2 } else { 1 };
        assert_eq!(find(name, arity).unwrap().path, path);
    }
    assert!(find("difrules_linalg::tanh", 1).is_err() && find("linalg::add", 2).is_err());
    let notions: Vec<_> = gemm.arguments.iter().map(|argument| argument.notion()).collect();
    let (scalar, matrix) = (Notion::Scalar, Notion::Matrix);
    let operation = Notion::Constant;
    assert_eq!(notions, [operation, operation, scalar, matrix, matrix, scalar, matrix]);
    assert!(gemm.arguments[6].in_place);
}

#[test]
fn structure_is_registered() {
    let shown = |name: &str, arity: usize, argument: usize| -> Vec<String> {
        let structure = find(name, arity).unwrap().arguments[argument].structure;
        structure.iter().map(ToString::to_string).collect()
    };
    assert_eq!(shown("cholesky", 1, 0), ["hermitian"]);
    assert_eq!(shown("solve_lower_triangular", 2, 0), ["lower"]);
    assert_eq!(shown("solve_lower_triangular", 2, 1), [""; 0]);
    assert_eq!(shown("trmm", 7, 5), ["triangular(triangle, diagonal)"]);
    assert_eq!(shown("symm", 7, 3), ["symmetric(triangle)"]);
    assert_eq!(shown("hemm", 7, 3), ["hermitian(triangle)"]);
    assert_eq!(shown("syrk", 6, 5), ["symmetric(triangle)"]);
    assert_eq!(shown("udu_solve", 2, 0), ["u: unit_upper", "d: diagonal"]);
    assert_eq!(shown("lu_solve", 3, 1), ["pivots: permutation"]);
    // What a tool asks: which arguments are structured.
    let structured = primitives()
        .iter()
        .filter(|record| record.arguments.iter().any(|argument| !argument.structure.is_empty()));
    assert!(structured.count() > 25);
}

/// The sum of the entries, said to be that of a lower triangle, with a rule that knows nothing of it.
#[primitive(
    forward = |_, _, l_dot| l_dot.sum(),
    reverse = |l, _, y_bar| DMatrix::from_element(l.nrows(), l.ncols(), y_bar),
    structure(l = lower)
)]
fn wrong_triangle(l: &DMatrix<f64>) -> f64 {
    l.sum()
}

#[test]
fn the_checker_demands_the_structure() {
    let sample = |random: &mut Sampler| (random.lower_triangular(3),);
    let found = difrules_core::testing::check_at::<wrong_triangle, f64>(sample, 1).unwrap_err();
    assert!(found.property.contains("gives `l`, which is lower"), "{}", found.property);
}

/// Re-exports what its modules have, but for what says otherwise.
pub mod shapes {
    difrules_core::public_path!();

    mod round {
        use difrules_core::primitive;

        /// Found a module further up.
        #[primitive(partial = |r| 2.0 * r)]
        pub fn disc(r: f64) -> f64 {
            r * r
        }

        /// Found where it says.
        #[primitive(partial = |r| 3.0 * r * r, path = "crate::shapes::solids::ball")]
        pub fn ball(r: f64) -> f64 {
            r * r * r
        }

        /// Found nowhere else.
        #[primitive(partial = |_| 1.0)]
        pub(super) fn radius(r: f64) -> f64 {
            r
        }

        /// Has a path of its own.
        pub mod rings {
            difrules_core::public_path!(crate::shapes::round::rings => crate::rings);

            /// A function in an `impl`.
            pub struct Ring;

            impl Ring {
                /// The difference of two discs.
                #[difrules_core::primitive(partial = (|r, _| 2.0 * r, |_, s| -2.0 * s), impl = Ring)]
                pub fn area(r: f64, s: f64) -> f64 {
                    r * r - s * s
                }
            }
        }

        #[test]
        fn it_is_called() {
            assert_eq!(radius(2.0) + rings::Ring::area(2.0, 1.0), 5.0);
        }
    }
    pub use round::disc;
    /// Another module.
    pub mod solids {
        pub use super::round::ball;
    }
    pub use round::rings;
}

pub use shapes::rings;

#[test]
fn paths_are_public() {
    for (name, arity, path) in [
        ("disc", 1, "registry::shapes::disc"),
        ("ball", 1, "registry::shapes::solids::ball"),
        ("radius", 1, "registry::shapes::round::radius"),
        ("area", 2, "registry::rings::Ring::area"),
    ] {
        let record = find(name, arity).unwrap();
        assert_eq!(record.path, path);
        assert!(record.module.starts_with("registry::shapes::round"), "{}", record.module);
        assert!(std::ptr::eq(by_path(path).unwrap(), record));
        assert!(std::ptr::eq(find(&format!("registry::{name}"), arity).unwrap(), record));
    }
}

#[test]
fn samples_have_the_type_of_the_arguments() {
    let cholesky = find("cholesky", 1).unwrap();
    let sample = cholesky.instances[1].sample.unwrap();
    let mut drawn = sample(&mut Sampler::new(3, 4));
    let a = drawn.pop().unwrap().downcast::<OMatrix<f64, Dyn, Dyn>>().unwrap();
    assert_eq!(DMatrix::transpose(&a), *a);
}
