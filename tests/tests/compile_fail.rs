//! Every wrong use of the attribute is an error at the user's token that says what to write: a test for each
//! program of `tests/compile_fail`, beside which stands what the compiler says.
//! `DIFRULES_UPDATE=1 cargo test --workspace --test compile_fail NAME` writes that again, to be read before it is
//! committed.
//!
//! The programs are compiled against the libraries that the tests of the workspace have just been linked with, which
//! takes a tenth of a second for each.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::sync::Arc;

use libtest_mimic::{Arguments, Failed, Trial};

/// What the programs name.
const LIBRARIES: [&str; 3] = ["difrules_core", "difrules_linalg", "nalgebra"];

/// Where the programs are, seen from the workspace.
const PROGRAMS: &str = "tests/compile_fail";

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let workspace =
        Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("this package is in a workspace");
    // What is only listed is not compiled.
    let options = Arc::new(if arguments.list { Vec::new() } else { libraries(workspace) });
    let files = fs::read_dir(workspace.join(PROGRAMS)).expect("the folder is there");
    let mut names: Vec<String> = files
        .filter_map(|file| Some(file.ok()?.file_name().to_str()?.strip_suffix(".rs")?.to_string()))
        .collect();
    names.sort();
    let trials = names.into_iter().map(|name| {
        let options = Arc::clone(&options);
        Trial::test(name.clone(), move || refused(workspace, &name, &options))
    });
    libtest_mimic::run(&arguments, trials.collect()).exit_code()
}

/// The options of the compiler that name the libraries. Cargo, which has just built them, says where they are.
fn libraries(workspace: &Path) -> Vec<String> {
    let built = Command::new(env!("CARGO"))
        .args([
            "test",
            "--frozen",
            "--workspace",
            "--test",
            "compile_fail",
            "--no-run",
            "--message-format=json",
        ])
        .current_dir(workspace)
        .output()
        .expect("cargo runs");
    let (messages, report) =
        (String::from_utf8_lossy(&built.stdout), String::from_utf8_lossy(&built.stderr));
    assert!(built.status.success(), "the libraries do not build:\n{report}");
    let messages: Vec<serde_json::Value> = messages
        .lines()
        .map(|line| serde_json::from_str(line).expect("cargo writes JSON"))
        .collect();
    let mut options = vec![];
    for library in LIBRARIES {
        let artifacts = messages.iter().filter(|message| {
            message["reason"] == "compiler-artifact"
                && message["target"]["name"] == library
                && message["target"]["kind"][0] == "lib"
        });
        // Of nalgebra there is an older one too, for `levenberg-marquardt`.
        let artifact = artifacts.max_by_key(|message| message["package_id"].as_str());
        let artifact = artifact.unwrap_or_else(|| panic!("{library} is not built"));
        let mut files = artifact["filenames"]
            .as_array()
            .expect("an array")
            .iter()
            .filter_map(|file| file.as_str());
        let file =
            PathBuf::from(files.rfind(|file| file.ends_with(".rmeta")).expect("it has metadata"));
        let directory = file.parent().expect("it is in a folder");
        options.extend(["-L".to_string(), format!("dependency={}", directory.display())]);
        options.extend(["--extern".to_string(), format!("{library}={}", file.display())]);
    }
    options
}

/// Compiles a program; it is right where this fails with the text beside it.
fn refused(workspace: &Path, name: &str, libraries: &[String]) -> Result<(), Failed> {
    let compiled = Command::new("rustc")
        .args([
            "--edition=2024",
            "--crate-type=bin",
            "--emit=metadata",
            "--cap-lints=allow",
            "--diagnostic-width=140",
        ])
        .args(libraries)
        .arg("-o")
        .arg(Path::new(env!("CARGO_TARGET_TMPDIR")).join(name).with_extension("rmeta"))
        .arg(format!("{PROGRAMS}/{name}.rs"))
        .current_dir(workspace)
        .output()
        .map_err(|error| format!("rustc does not run: {error}"))?;
    if compiled.status.success() {
        return Err("it compiles".into());
    }
    let found = without_places(&String::from_utf8_lossy(&compiled.stderr));
    let file = workspace.join(PROGRAMS).join(name).with_extension("stderr");
    if std::env::var_os("DIFRULES_UPDATE").is_some() {
        fs::write(file, found)?;
        return Ok(());
    }
    let expected = fs::read_to_string(&file).unwrap_or_default();
    if found == expected {
        Ok(())
    } else {
        Err(format!("expected:\n{expected}\nfound:\n{found}").into())
    }
}

/// What the compiler says, without what depends on the machine and on lines of other files: their text, their
/// numbers, the margin as wide as these, and names of folders.
fn without_places(said: &str) -> String {
    let mut kept = String::new();
    for diagnostic in said.split("\n\n") {
        if ["error: aborting", "Some errors have", "For more information"]
            .iter()
            .any(|end| diagnostic.starts_with(end))
        {
            continue;
        }
        let margin = diagnostic.lines().find_map(|line| line.find("--> ")).unwrap_or(0) + 1;
        let mut foreign = false;
        for line in diagnostic.lines() {
            let (number, text) = match line.split_at_checked(margin) {
                Some((number, text)) if number.chars().all(|c| c == ' ' || c.is_ascii_digit()) => {
                    (Some(number.trim()), text)
                }
                _ => (None, line),
            };
            // The arrow is one place to the left of the bar.
            if let Some((arrow @ ("-->" | ":::"), place)) = line.trim_start().split_once(' ') {
                foreign = !place.starts_with(PROGRAMS);
                let place = if foreign { place.split(':').next().expect("a part") } else { place };
                kept += &format!("   {arrow} {}\n", of_any_machine(place));
            } else if foreign && (number.is_some() && text.starts_with('|') || line == "...")
                || line.contains("long-type-")
                || line.contains("consider using `--verbose`")
            {
                continue;
            } else if let Some(number) = number {
                kept += &format!("{number:>3} {}\n", of_any_machine(text));
            } else {
                foreign = false;
                kept += &format!("{}\n", of_any_machine(line));
            }
        }
        kept.push('\n');
    }
    kept.lines().map(str::trim_end).collect::<Vec<_>>().join("\n").trim_end().to_string() + "\n"
}

/// Text without the names of the folders where the standard library and other crates are, and without the number of
/// those types that are not told.
fn of_any_machine(text: &str) -> String {
    if text.trim().starts_with("and ") && text.ends_with(" others") {
        return text.replace(|c: char| c.is_ascii_digit(), "").replace("  others", " others");
    }
    let mut text = text.to_string();
    for (before, name) in [("/library/", "$RUST/"), ("/registry/src/", "$CARGO/")] {
        while let Some(found) = text.find(before) {
            let start = text[..found].rfind([' ', '`', '(']).map_or(0, |space| space + 1);
            let mut end = found + before.len();
            if name == "$CARGO/" {
                end += text[end..].find('/').map_or(0, |slash| slash + 1);
            }
            text.replace_range(start..end, name);
        }
    }
    text
}
