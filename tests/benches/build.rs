//! What a user's program takes to build: `cargo bench --bench build`.
//!
//! Programs that do one thing of each kind, by the default release profile: with nalgebra alone, with
//! num-dual, with the functions of numbers of difrules-core, and with difrules-linalg, without and with the feature
//! `calls`. Each is compiled from nothing, again without one package, and again after its own text has changed.

use std::fs;
use std::path::Path;
use std::time::Instant;

use difrules_tests::generated::Package;
use difrules_tests::median;

/// How often each program is built after a change.
const RUNS: usize = 5;

/// nalgebra's own algorithms at any of its numbers.
const ALGORITHMS: &str = r#"
fn work<T: nalgebra::RealField + Copy>(a: &DMatrix<T>) -> T {
    let product = a * a;
    let solution = product.clone().lu().solve(a).expect("regular");
    let triangle = product.clone().cholesky().expect("positive definite").unpack();
    let spectrum = product.clone().symmetric_eigen().eigenvalues;
    let mut sum = triangle;
    sum.gemm(T::one(), a, &solution, T::one());
    (sum.norm() + product.determinant()).ln() * spectrum[0].exp()
}
"#;

/// nalgebra alone.
const NALGEBRA: &str = r#"
fn main() {
    println!("{}", work(&dmatrix![4.0 + CHANGED, 1.0; 1.0, 3.0]));
}
"#;

/// num-dual's numbers, in one direction.
const NUM_DUAL: &str = r#"
use num_dual::{Dual64, first_derivative};

fn main() {
    let a: DMatrix<Dual64> = dmatrix![4.0 + CHANGED, 1.0; 1.0, 3.0].map(Dual64::from);
    println!("{:?}", first_derivative(|x| work(&a.map(|entry| entry * x)), 1.0));
}
"#;

/// A function of numbers of difrules-core and one of the user's own.
const CORE: &str = r#"
use difrules_core::{Real, gradient, math, primitive};

#[primitive(partial = |x, y| y / (x * x + T::one()).sqrt(), instances(f64))]
fn squareplus<T: Real>(x: T) -> T {
    (x + (x * x + T::one()).sqrt()) * nalgebra::convert(0.5)
}

fn work<T: Real>(x: &DVector<T>) -> T {
    squareplus(math::hypot(x[0].exp(), math::gamma(x[1])))
}

fn main() {
    println!("{}", gradient(work, &dvector![4.0 + CHANGED, 1.0]));
}
"#;

/// A primitive of each module of difrules-linalg.
const LINALG: &str = r#"
use difrules_core::{Real, gradient};
use difrules_linalg::{Error, axpy, cholesky, determinant, matmul, norm, solve, symmetric_eigen};

fn work<T: Real>(a: &DMatrix<T>) -> Result<T, Error> {
    let product = matmul(a, a)?;
    let solution = solve(&product, a)?;
    let mut sum = cholesky(&product)?;
    let spectrum = symmetric_eigen(&product)?.eigenvalues;
    axpy(T::one(), &solution, &mut sum)?;
    Ok((norm(&sum) + determinant(&product)?).ln() * spectrum[0].exp())
}

fn main() {
    println!("{:?}", gradient(work, &dmatrix![4.0 + CHANGED, 1.0; 1.0, 3.0]));
}
"#;

/// A program, and the package without which it is compiled again.
struct Program {
    package: Package,
    source: String,
    measured: Option<&'static str>,
}

/// What it took, in seconds.
struct Built {
    from_nothing: f64,
    measured: Option<f64>,
    again: f64,
}

impl Program {
    fn new(
        parent: &str,
        name: &str,
        (dependencies, measured): (&str, Option<&'static str>),
        parts: &[&str],
    ) -> Self {
        let source = format!("use nalgebra::*;\n{}", parts.concat());
        let package = Package::with_manifest(parent, name, "", dependencies);
        Self { package, source, measured }
    }

    /// Writes the text in its `n`-th version.
    fn change(&self, n: usize) {
        let source = self.source.replace("CHANGED", &format!("{n}.0"));
        fs::write(self.package.directory.join("src/main.rs"), source).expect("writable");
    }

    fn build(&self) -> f64 {
        let start = Instant::now();
        self.package.cargo(&["build", "--release"]);
        start.elapsed().as_secs_f64()
    }

    fn measure(&self) -> Built {
        let _ = fs::remove_dir_all(self.package.directory.join("../target"));
        self.change(0);
        let from_nothing = self.build();
        let again = median((1..=RUNS).map(|n| {
            self.change(n);
            self.build()
        }));
        let measured = self.measured.map(|name| {
            self.package.cargo(&["clean", "--release", "--package", name]);
            let start = Instant::now();
            self.package.cargo(&["build", "--release", "--package", name]);
            start.elapsed().as_secs_f64()
        });
        Built { from_nothing, measured, again }
    }
}

fn main() {
    let parent = concat!(env!("CARGO_TARGET_TMPDIR"), "/build");
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let ours = |name: &str, calls: bool| {
        let path = root.join(name);
        format!("{name} = {{ path = '{}', default-features = {calls} }}\n", path.display())
    };
    let nalgebra = "nalgebra = \"0.35\"\n".to_string();
    let num_dual = format!("{nalgebra}num-dual = \"0.15\"\n");
    let core = |calls| format!("{nalgebra}{}", ours("difrules-core", calls));
    let linalg = |calls| format!("{}{}", core(calls), ours("difrules-linalg", calls));
    let programs = [
        Program::new(
            parent,
            "with_nalgebra",
            (&nalgebra, Some("nalgebra")),
            &[ALGORITHMS, NALGEBRA],
        ),
        Program::new(
            parent,
            "with_num_dual",
            (&num_dual, Some("num-dual")),
            &[ALGORITHMS, NUM_DUAL],
        ),
        Program::new(parent, "with_core", (&core(false), Some("difrules-core")), &[CORE]),
        Program::new(parent, "with_linalg", (&linalg(false), Some("difrules-linalg")), &[LINALG]),
        Program::new(parent, "with_core_and_calls", (&core(true), Some("difrules-core")), &[CORE]),
        Program::new(
            parent,
            "with_linalg_and_calls",
            (&linalg(true), Some("difrules-linalg")),
            &[LINALG],
        ),
    ];
    // What each package may take beyond its dependencies, and a build after a change beyond that of the
    // program with nalgebra alone.
    let limits = [None, None, Some(12.0), Some(25.0), None, None];
    let mut alone = 0.0;
    for (program, limit) in programs.iter().zip(limits) {
        let built = program.measure();
        let wanted = |limit: f64| format!(" (wanted: at most {limit:.1} s)");
        println!("{}: {:.1} s from nothing", program.package.name, built.from_nothing);
        if let (Some(name), Some(seconds)) = (program.measured, built.measured) {
            println!("  of it {name} {seconds:.1} s{}", limit.map_or(String::new(), wanted));
        }
        let most = limit.map_or(String::new(), |_| wanted(alone + 3.0));
        println!("  after a change of its own line {:.1} s{most}", built.again);
        if alone == 0.0 {
            alone = built.again;
        }
    }
}
