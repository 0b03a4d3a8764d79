//! Packages that a benchmark writes and builds, below the target directory.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

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
        let directory = Path::new(parent).join(name);
        let dependencies = dependencies.iter().map(|other| {
            format!("{} = {{ path = '{}' }}\n", other.name, other.directory.display())
        });
        let manifest = format!(
            "[package]\n\
             name = \"{name}\"\n\
             edition = \"2024\"\n\n\
             [workspace]\n\n\
             [features]\n\
             testing = [\"difrules-core/testing\"]\n\n\
             [dependencies]\n\
             difrules-core = {{ path = '{}' }}\n\
             nalgebra = \"0.35\"\n\
             {}",
            tests.join("../difrules-core").display(),
            dependencies.collect::<String>(),
        );
        fs::create_dir_all(directory.join("src")).expect("the target directory is writable");
        let write = |path, text| fs::write(directory.join(path), text).expect("writable");
        write("Cargo.toml".to_string(), manifest.as_str());
        write(format!("src/{file}"), source);
        fs::copy(tests.join("../Cargo.lock"), directory.join("Cargo.lock")).expect("writable");
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
