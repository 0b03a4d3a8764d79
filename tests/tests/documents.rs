//! A file that a comment or a page names is there.

use std::fs;
use std::path::{Path, PathBuf};

/// The files of the project that end in one of these, below a directory.
fn files(directory: &Path, ends: &[&str]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).expect("a directory").flatten() {
        let (path, name) = (entry.path(), entry.file_name());
        let name = name.to_string_lossy();
        if path.is_dir() && name != "target" && !name.starts_with('.') {
            found.extend(files(&path, ends));
        } else if ends.iter().any(|end| name.ends_with(end)) {
            found.push(path);
        }
    }
    found
}

#[test]
fn named_source_files_are_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace");
    let crates = files(root, &["Cargo.toml"]);
    let mut missing = Vec::new();
    for file in files(root, &[".rs", ".md"]) {
        let text = fs::read_to_string(&file).expect("text");
        for name in text.split('`').filter(|name| name.starts_with("src/") && name.ends_with(".rs"))
        {
            // A comment means its own crate; a page of all of them means one of them.
            let of_page = file.parent() == Some(root);
            let mut homes = crates.iter().filter_map(|manifest| manifest.parent());
            let is_there = homes.any(|home| {
                (of_page || home != root && file.starts_with(home)) && home.join(name).exists()
            });
            if !is_there {
                missing.push(format!("{}: `{name}`", file.display()));
            }
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
}
