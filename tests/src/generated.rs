//! Packages that a benchmark writes and builds, below the target directory.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Checks of its primitives, where they are asked for.
const TESTING: &str = "testing = [\"difrules-core/testing\"]\n";

/// A package of one file, a workspace of its own with the versions of this one's lock file. All
/// packages of one parent directory share a target directory in it.
pub struct Package {
    /// Its directory.
    pub directory: PathBuf,
    /// Its name.
    pub name: String,
}

impl Package {
    /// Writes it into `parent`; `file` is `main.rs` or `lib.rs`, and `dependencies` are packages of
    /// the same parent.
    ///
    /// # Panics
    /// Where a file cannot be written.
    pub fn new(parent: &str, name: &str, file: &str, source: &str, dependencies: &[Self]) -> Self {
        let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
        let dependencies = dependencies.iter().map(|other| {
            format!("{} = {{ path = '{}' }}\n", other.name, other.directory.display())
        });
        let dependencies = format!(
            "difrules-core = {{ path = '{}' }}\n\
             nalgebra = \"0.35\"\n\
             {}",
            tests.join("../difrules-core").display(),
            dependencies.collect::<String>(),
        );
        let package = Self::with_manifest(parent, name, TESTING, &dependencies);
        fs::write(package.directory.join("src").join(file), source).expect("writable");
        package
    }

    /// Writes its manifest into `parent`: `features` and `dependencies` are lines of it.
    ///
    /// # Panics
    /// Where a file cannot be written.
    pub fn with_manifest(parent: &str, name: &str, features: &str, dependencies: &str) -> Self {
        let directory = Path::new(parent).join(name);
        let manifest = format!(
            "[package]\n\
             name = \"{name}\"\n\
             edition = \"2024\"\n\n\
             [workspace]\n\n\
             [features]\n\
             {features}\n\
             [dependencies]\n\
             {dependencies}",
        );
        fs::create_dir_all(directory.join("src")).expect("the target directory is writable");
        fs::write(directory.join("Cargo.toml"), manifest).expect("writable");
        let lock = Path::new(env!("CARGO_MANIFEST_DIR")).join("../Cargo.lock");
        fs::copy(lock, directory.join("Cargo.lock")).expect("writable");
        Self { directory, name: name.to_string() }
    }

    /// Runs cargo on it, quietly and without the network.
    ///
    /// # Panics
    /// Where cargo fails.
    pub fn cargo(&self, arguments: &[&str]) {
        let status = Command::new(env!("CARGO"))
            .args(arguments)
            .args(["--offline", "--quiet", "--target-dir", "../target"])
            .current_dir(&self.directory)
            .status();
        assert!(status.expect("cargo runs").success(), "cargo {arguments:?} in {}", self.name);
    }
}
