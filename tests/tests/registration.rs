//! Registration across crates, in the build that leaves the most room to lose it: optimised, fat LTO, which makes one
//! unit of all crates. The crates are in `tests/registration`.
// Loading a library and asking it for a function is unsafe; here and nowhere else.
#![allow(unsafe_code)]

use std::env::consts::{DLL_PREFIX, DLL_SUFFIX, EXE_SUFFIX};
use std::path::Path;
use std::process::Command;
use std::sync::LazyLock;

// Named, so that it is linked; nothing of it is used.
use difrules_linalg as _;

use difrules_core::primitives;
use libloading::Library;

/// The directory of the program `listing` and the library `plugin`.
static BUILT: LazyLock<&Path> = LazyLock::new(|| {
    let built = Command::new(env!("CARGO"))
        // The lock file and the sources of this build: nothing is resolved or loaded again. The macros are
        // those of this build too, since all but these options is.
        .args(["build", "--frozen", "--package", "listing", "--package", "plugin"])
        .args(["--config", "profile.dev.lto = 'fat'"])
        .args(["--config", "profile.dev.debug-assertions = false"])
        // What is not reached is left out at each level of optimisation; this one takes half the time.
        .args(["--config", "profile.dev.opt-level = 1"])
        .args(["--config", "profile.dev.package.'*'.opt-level = 0"])
        .args(["--config", "profile.dev.debug = false"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .status();
    assert!(built.expect("cargo runs").success(), "the crates in tests/registration do not build");
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("it is in the target");
    Box::leak(target.join("debug").into_boxed_path())
});

/// What `listing` prints.
fn listed(arguments: &[&str]) -> String {
    let output = Command::new(BUILT.join(format!("listing{EXE_SUFFIX}"))).args(arguments).output();
    let output = output.expect("the program runs");
    assert!(output.status.success());
    String::from_utf8(output.stdout).expect("it prints text")
}

/// The primitives of difrules-core itself are everywhere; these are the others.
fn of_other_crates(paths: impl IntoIterator<Item = String>) -> Vec<String> {
    let (core, others): (Vec<_>, _) =
        paths.into_iter().partition(|path| path.starts_with("difrules_core::"));
    assert!(core.contains(&"difrules_core::math::sin".to_string()), "{core:?}");
    others
}

#[test]
fn a_program_lists_the_crates_that_it_names_and_no_others() {
    // `unnamed` is among its dependencies too, and is not here.
    assert_eq!(
        of_other_crates(listed(&[]).lines().map(String::from)),
        ["annotated::doubled", "annotated::halved"]
    );
}

/// These crates do not ask for the feature `calls`.
#[test]
fn a_call_that_is_not_compiled_says_so() {
    let said = listed(&["annotated::halved"]);
    assert!(said.contains("`annotated::halved` has no calls without types"), "{said}");
    assert!(said.contains("the feature `calls`"), "{said}");
    // What it takes is known all the same.
    assert!(said.starts_with("(f64) -> f64, no sample\n"), "{said}");
}

#[test]
fn a_loaded_library_has_a_registry_of_its_own() {
    let file = BUILT.join(format!("{DLL_PREFIX}plugin{DLL_SUFFIX}"));
    // SAFETY: all that runs when this library is loaded is what registers its primitives, and the
    // two signatures are those of `registration/plugin/src/lib.rs`.
    let library = unsafe { Library::new(file) }.expect("the library is there");
    let count = unsafe { library.get::<extern "C" fn() -> usize>(b"registered_count") };
    let path = unsafe { library.get::<extern "C" fn(usize, usize) -> i32>(b"registered_path") };
    let (count, path) = (count.expect("exported"), path.expect("exported"));
    let inside = (0..count()).map(|index| {
        let bytes = (0..).map_while(|position| u8::try_from(path(index, position)).ok());
        String::from_utf8(bytes.collect()).expect("paths are text")
    });
    assert_eq!(
        of_other_crates(inside),
        ["annotated::doubled", "annotated::halved", "plugin::tripled"]
    );

    // This program asks its own registry only now, after the library registered what it has, and
    // finds the crate that it names above and nothing of the library.
    let own = of_other_crates(primitives().iter().map(|record| record.path.to_string()));
    assert!(own.contains(&"difrules_linalg::cholesky".to_string()));
    assert!(own.iter().all(|path| path.starts_with("difrules_linalg::")), "{own:?}");
}
