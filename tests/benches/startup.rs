//! What ten thousand registered primitives cost the start of a program:
//! `cargo bench --bench startup`. Compiling the program takes minutes.

use std::env::consts::EXE_SUFFIX;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use difrules_tests::generated::Package;
use difrules_tests::median;

/// How many libraries the program names, and how many primitives each has: in one crate the
/// compiler would need ten gigabytes of memory.
const LIBRARIES: usize = 20;
const EACH: usize = 500;
/// How often each program is started.
const RUNS: usize = 1001;

/// A program that does nothing. With an argument it prints how many primitives are registered and
/// how many microseconds the registry takes when it is first used.
const PROGRAM: &str = r#"
fn main() {
    if std::env::args_os().len() > 1 {
        let start = std::time::Instant::now();
        let count = difrules_core::primitives().len();
        println!("{count} {}", start.elapsed().as_secs_f64() * 1e6);
    }
}
"#;

const FUNCTION: &str = "
/// NUMBER x.
#[primitive(partial = |_| NUMBER.0)]
pub fn times_NUMBER(x: f64) -> f64 {
    NUMBER.0 * x
}
";

const PARENT: &str = concat!(env!("CARGO_TARGET_TMPDIR"), "/startup");

fn library(index: usize) -> Package {
    let functions = (0..EACH).map(|number| FUNCTION.replace("NUMBER", &number.to_string()));
    let source = format!("use difrules_core::primitive;\n{}", functions.collect::<String>());
    Package::new(PARENT, &format!("library_{index}"), "lib.rs", &source, &[])
}

/// The built program that names these libraries.
fn program(name: &str, libraries: &[Package]) -> PathBuf {
    let uses = libraries.iter().map(|library| format!("use {} as _;\n", library.name));
    let source = uses.collect::<String>() + PROGRAM;
    let package = Package::new(PARENT, name, "main.rs", &source, libraries);
    let start = Instant::now();
    package.cargo(&["build", "--release"]);
    println!("compiling `{name}`: {:.0} s", start.elapsed().as_secs_f64());
    Path::new(PARENT).join(format!("target/release/{name}{EXE_SUFFIX}"))
}

/// The microseconds from the start of a program that does nothing to its end.
fn start_and_end(program: &Path) -> f64 {
    let start = Instant::now();
    let status = Command::new(program).status().expect("the program runs");
    let end = start.elapsed().as_secs_f64() * 1e6;
    assert!(status.success());
    end
}

/// How many primitives a program has, and the microseconds of their first use.
fn first_use(program: &Path) -> (usize, f64) {
    let output = Command::new(program).arg("count").output().expect("the program runs");
    let text = String::from_utf8(output.stdout).expect("two numbers");
    let (count, time) = text.trim().split_once(' ').expect("two numbers");
    (count.parse().expect("a number"), time.parse().expect("a number"))
}

fn main() {
    let libraries: Vec<_> = (0..LIBRARIES).map(library).collect();
    let (none, many) = (program("none", &[]), program("many", &libraries));
    let registered = first_use(&many).0 - first_use(&none).0;
    assert_eq!(registered, LIBRARIES * EACH, "not all are registered");
    // They take turns, so that a change in the machine's speed meets both.
    let pairs: Vec<_> = (0..RUNS).map(|_| (start_and_end(&none), start_and_end(&many))).collect();
    println!(
        "start to end: {:.0} us with none, {:.0} us with {registered}, difference {:.0} us \
         (wanted: at most 1000 us)",
        median(pairs.iter().map(|pair| pair.0)),
        median(pairs.iter().map(|pair| pair.1)),
        median(pairs.iter().map(|pair| pair.1 - pair.0)),
    );
    let uses = [&none, &many].map(|program| median((0..RUNS / 10).map(|_| first_use(program).1)));
    let [none, many] = uses;
    println!("first use of the registry: {none:.0} us with none, {many:.0} us with {registered}");
}
