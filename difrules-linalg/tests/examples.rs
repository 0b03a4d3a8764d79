//! The examples as a user runs them.

use std::path::PathBuf;
use std::process::{Command, Output};

/// Runs an example of this package, from the workspace, whose features the tests have too: nothing is compiled once more.
fn run(example: &str, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO"))
        .args(["run", "--quiet", "--example", example, "--"])
        .args(arguments)
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
        .output()
        .expect("cargo runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("text")
}

/// A file of this run's own.
fn file(name: &str, content: &str) -> String {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&path, content).expect("writable");
    path.to_str().expect("a path of characters").to_string()
}

#[test]
fn rules_are_listed_for_programs() {
    let output = run("rules", &["--json"]);
    let listed: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let listed = listed.as_array().expect("an array");
    assert!(listed.len() >= 55, "{}", listed.len());
    let keys = [
        "path",
        "module",
        "name",
        "aliases",
        "arguments",
        "result",
        "output",
        "forward",
        "reverse",
        "symbolic",
        "partials",
        "instances",
        "file",
        "line",
        "doc",
    ];
    for record in listed {
        let record = record.as_object().expect("an object");
        assert_eq!(record.len(), keys.len());
        assert!(keys.iter().all(|key| record.contains_key(*key)));
        for argument in record["arguments"].as_array().expect("an array") {
            for key in ["name", "type", "notion", "differentiable", "in_place", "structure"] {
                assert!(argument.get(key).is_some(), "{key}");
            }
        }
    }
    let sqrt = listed.iter().find(|record| record["name"] == "sqrt").expect("registered");
    assert_eq!(sqrt["symbolic"][0], "convert::<f64, T>(0.5) / (y + T::zero())");
    let partial = "if x > 0 { 0.5 / sqrt(x) } else { 0.5 * power_by_logarithm(0, x, -0.5) }";
    assert_eq!(sqrt["partials"][0], partial);
    let gemm = listed.iter().find(|record| record["name"] == "gemm").expect("registered");
    assert_eq!(gemm["arguments"][6]["in_place"], true);
    assert_eq!(gemm["arguments"][6]["type"], "&mut Matrix<T, R, C, SC>");
    assert_eq!(gemm["result"], "Result<(), Error>");
    let structure = |name: &str, argument: usize| {
        let record = listed.iter().find(|record| record["name"] == name).expect("registered");
        record["arguments"][argument]["structure"].clone()
    };
    let expected =
        serde_json::json!([{ "kind": "triangular", "options": ["triangle", "diagonal"] }]);
    assert_eq!(structure("trsm", 5), expected);
    let expected = serde_json::json!([{ "field": "pivots", "kind": "permutation", "options": [] }]);
    assert_eq!(structure("lu_solve", 1), expected);
    assert_eq!(structure("gemm", 6), serde_json::json!([]));
}

#[test]
fn rules_are_listed_for_people() {
    let table = text(&run("rules", &[]).stdout);
    for part in ["difrules_linalg::cholesky", "forward, reverse", "by x: cos(x)"] {
        assert!(table.contains(part), "{part}");
    }
}

#[test]
fn one_primitive_is_shown_in_full() {
    let shown = text(&run("rules", &["cholesky"]).stdout);
    for part in ["# Derivation", "a: &OMatrix<T, D, D> (matrix), hermitian", "Complex<f64>"] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    assert!(!shown.contains('\u{1b}'), "colours where there is no terminal");
    let unknown = run("rules", &["choleski"]);
    assert!(!unknown.status.success());
    assert!(text(&unknown.stderr).contains("no linked primitive is called `choleski`"));
}

#[test]
fn rules_are_chosen_and_printed_as_a_page() {
    let page = text(&run("rules", &["--markdown", "--crate", "difrules_core"]).stdout);
    assert!(page.contains("## `difrules_core::math`"));
    assert!(page.contains("| `sin` |"));
    assert!(!page.contains("cholesky"));
    let options = ["--json", "--notion", "vector", "--rule", "reverse"];
    let chosen: serde_json::Value = serde_json::from_slice(&run("rules", &options).stdout).unwrap();
    for record in chosen.as_array().unwrap() {
        let notions = record["arguments"].as_array().unwrap();
        assert!(notions.iter().any(|argument| argument["notion"] == "vector"));
    }
    let unlinked = run("rules", &["--unlinked"]);
    assert!(unlinked.status.success(), "{}", text(&unlinked.stderr));
    assert!(text(&unlinked.stdout).contains("use difrules_tests as _;"));
}

#[test]
fn bad_data_is_named() {
    let cases = [
        ("no such file.csv".to_string(), "cannot read no such file.csv"),
        (
            file("bad.csv", "decimal_year,co2_ppmv\n1.0,2.0\n3.0,high\n"),
            "line 3: field 1: invalid float literal",
        ),
        (file("short.csv", "decimal_year,co2_ppmv\n1.0,2.0\n3.0\n"), "line 3"),
        (
            file("infinite.csv", "decimal_year,co2_ppmv\n1.0,inf\n"),
            "line 2: a number is not finite",
        ),
        (file("columns.csv", "year,value\n1.0,2.0\n"), "line 2: missing field `decimal_year`"),
        (
            file("few.csv", "decimal_year,co2_ppmv\n1.0,2.0\n"),
            "has 1 rows; the fit needs 20 at least",
        ),
        (
            file(
                "twice.csv",
                &(0..30).fold("decimal_year,co2_ppmv\n".to_string(), |text, i| {
                    text + &format!("{}.0,1.0\n", i % 29)
                }),
            ),
            "line 31: the time 0 is also on line 2",
        ),
    ];
    for (path, expected) in cases {
        let output = run("co2", &["--csv", &path]);
        let error = text(&output.stderr);
        assert!(!output.status.success());
        assert!(error.contains(expected), "{expected}: {error}");
    }
}

#[test]
fn the_filter_fits_its_variances() {
    let output = run("kalman", &["40"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(text(&output.stdout).contains("standard deviation of the season"));
}

#[test]
fn the_pendulum_is_balanced() {
    let output = run("lqr", &[]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let printed = text(&output.stdout);
    assert!(printed.contains("the best") && printed.contains("lqr.svg"), "{printed}");
}

#[test]
fn the_network_learns() {
    let output = run("network", &[]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(text(&output.stdout).contains("in the right class"));
}

#[test]
fn implicit_functions_are_differentiated() {
    let printed = [
        ("density", "three times"),
        ("reactions", "closed: the Jacobian of the equations is singular"),
        ("regularisation", "slope"),
    ];
    for (example, expected) in printed {
        let output = run(example, &[]);
        assert!(output.status.success(), "{}", text(&output.stderr));
        assert!(text(&output.stdout).contains(expected), "{example}");
    }
}

#[test]
fn the_arm_reaches() {
    let output = run("robot_arm", &[]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(text(&output.stdout).contains("joints by the height of the hand"));
}

#[test]
fn the_evidence_is_largest_where_its_slope_vanishes() {
    let output = run("logistic", &[]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(text(&output.stdout).contains("log evidence"));
}

#[test]
fn the_poses_fit_together() {
    let output = run("pose_graph", &[]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(text(&output.stdout).contains("after: the poses are"));
}

#[test]
fn the_camera_is_calibrated() {
    let output = run("calibration", &[]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(text(&output.stdout).contains("standard deviations away"));
}

#[test]
fn the_field_is_fitted() {
    let output = run("gmrf", &["400"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(text(&output.stdout).contains("standard deviations"));
}
