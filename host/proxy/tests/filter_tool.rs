//! What the author of a filter types, from `refrain filter new` to a difference that is shown.
//!
//! One filter is scaffolded and compiled, once, for all tests of this file.

#![expect(clippy::unwrap_used, reason = "the helpers of a test fail the test")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::LazyLock;

const CHECKOUT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

/// Runs `refrain filter` in this folder.
fn tool(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_refrain"))
        .arg("filter")
        .args(arguments)
        .current_dir(folder)
        // Kept between runs of the tests: what the SDK depends on is compiled once.
        .env("CARGO_TARGET_DIR", Path::new(env!("CARGO_TARGET_TMPDIR")).join("filter-tool"))
        .output()
        .unwrap()
}

fn told(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// Runs it and expects this exit code; returns what was told.
fn ends_with(code: i32, folder: &Path, arguments: &[&str]) -> String {
    let output = tool(folder, arguments);
    let told = told(&output);
    assert_eq!(output.status.code(), Some(code), "{arguments:?}\n{told}");
    told
}

/// A filter as `refrain filter new` writes it, built and tested.
struct Scaffold {
    _folder: tempfile::TempDir,
    crate_folder: PathBuf,
    component: PathBuf,
    tested: String,
}

static SCAFFOLD: LazyLock<Scaffold> = LazyLock::new(|| {
    let folder = tempfile::tempdir().unwrap();
    ends_with(0, folder.path(), &["new", "link-limit", "--sdk", CHECKOUT]);
    let crate_folder = folder.path().join("link-limit");
    let tested = ends_with(0, &crate_folder, &["test"]);
    let component = Path::new(env!("CARGO_TARGET_TMPDIR")).join("filter-tool/refrain/link-limit.wasm");
    Scaffold { _folder: folder, crate_folder, component, tested }
});

/// A folder with these cases for the scaffolded component, and what testing them needs.
fn with_cases(file: &str, text: &str) -> (tempfile::TempDir, PathBuf, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(file);
    fs::write(&path, text).unwrap();
    (folder, path, SCAFFOLD.component.display().to_string())
}

const NEW_CASE: &str = "# Why.\n[settings]\nmax-links = 0\n\n[[case]]\nname = \"a link\"\n\
    stanza = \"<message from='a@x.example' to='b@y.example'><body>https://a.example</body></message>\"\n";

#[test]
fn a_new_filter_passes_its_own_tests_natively_and_in_the_sandbox() {
    let told = &SCAFFOLD.tested;
    assert!(told.contains("cargo test") && told.contains("natively"), "{told}");
    for file in ["cases/defaults.xml", "cases/links.toml", "cases/trusted.toml"] {
        assert!(told.lines().any(|line| line.starts_with("ok") && line.contains(file)), "{told}");
    }
    assert!(told.contains("9 cases in 3 files: all as expected"), "{told}");
}

#[test]
fn a_new_filter_never_overwrites_and_has_a_valid_name() {
    let folder = SCAFFOLD.crate_folder.parent().unwrap();
    assert!(ends_with(2, folder, &["new", "link-limit", "--sdk", CHECKOUT]).contains("nothing is overwritten"));
    assert!(ends_with(2, folder, &["new", "Link_Limit"]).contains("lower-case letters"));
    assert!(ends_with(2, folder, &["new", "other", "--sdk", "nowhere"]).contains("refrain-sdk is not there"));
    assert!(!folder.join("other").exists());
}

#[test]
fn a_component_says_what_it_is_without_running() {
    let component = SCAFFOLD.component.to_str().unwrap();
    let here = Path::new(".");
    let told = ends_with(0, here, &["check", component]);
    assert!(told.contains("would load") && told.contains("asks for     nothing"), "{told}");
    let told = ends_with(0, here, &["inspect", component]);
    for expected in ["link-limit 0.1.0", "tree.stanza.texts", "max-links", "whole number", "\"bounce\" | \"drop\""] {
        assert!(told.contains(expected), "{expected} is not in\n{told}");
    }
    let schema = tool(here, &["inspect", component, "--schema"]).stdout;
    let schema: serde_json::Value = serde_json::from_slice(&schema).unwrap();
    assert!(schema["properties"]["max-links"].is_object());
}

#[test]
fn what_is_no_filter_is_told_with_a_remedy() {
    let (folder, path, _) = with_cases("note.wasm", "not wasm");
    assert!(ends_with(1, folder.path(), &["check", path.to_str().unwrap()]).contains("not a WebAssembly binary"));
    assert!(ends_with(2, folder.path(), &["check", "absent.wasm"]).contains("builtin:NAME"));
    assert!(ends_with(2, folder.path(), &["build"]).contains("refrain filter new NAME"));
    assert!(ends_with(2, folder.path(), &["inspect", "builtin:grep"]).contains("there are file-transfer, "));
    assert!(ends_with(2, folder.path(), &["test", "builtin:spim"]).contains("--cases DIR"));
}

#[test]
fn a_new_case_fails_until_it_is_recorded() {
    let (folder, path, component) = with_cases("new.toml", NEW_CASE);
    let test = ["test", &component, "--cases", "."];
    let told = ends_with(1, folder.path(), &test);
    assert!(told.contains("the case says none, found bounce") && told.contains("--bless"), "{told}");
    let told = ends_with(0, folder.path(), &[&test[..], &["--bless"]].concat());
    assert!(told.contains("recorded 1 case"), "{told}");
    let recorded = NEW_CASE.to_owned()
        + "verdict = \"bounce\"\nerror = \"not-acceptable\"\ntext = \"Too many links\"\nreason = \"1 links\"\n";
    assert_eq!(fs::read_to_string(path).unwrap(), recorded);
    ends_with(0, folder.path(), &test);
}

#[test]
fn a_case_that_fails_shows_what_differs() {
    let wrong = "verdict = \"bounce\"\nerror = \"forbidden\"\nreason = \"two links\"\n";
    let (folder, _, component) = with_cases("wrong.toml", &(NEW_CASE.to_owned() + wrong));
    let told = ends_with(1, folder.path(), &["test", &component, "--cases", "."]);
    assert!(told.contains("FAILED") && told.contains("1 of 1 case"), "{told}");
    assert!(told.contains("error: expected \"forbidden\", found \"not-acceptable\""), "{told}");
    assert!(told.contains("reason: expected \"two links\", found \"1 links\""), "{told}");
}

#[test]
fn an_edited_stanza_is_compared_line_by_line() {
    let case = "[[case]]\nname = \"stripped\"\nverdict = \"pass\"\nstanza = \"\"\"<message from='b@x.example' to='a@y.example' \
        type='chat'><body>look: https://x.example/c</body><x xmlns='jabber:x:oob'><url>https://x.example/c</url></x></message>\"\"\"\n\
        result = \"<message from='b@x.example' to='a@y.example' type='chat'><body>other</body></message>\"\n";
    let (folder, path, _) = with_cases("edit.toml", case);
    let test = ["test", "builtin:file-transfer", "--cases", path.to_str().unwrap()];
    let told = ends_with(1, folder.path(), &test);
    assert!(told.contains("-   <body>other</body>") && told.contains("+   <body>look:"), "{told}");
    ends_with(0, folder.path(), &[&test[..], &["--bless"]].concat());
    ends_with(0, folder.path(), &test);
}

#[test]
fn every_case_is_measured() {
    let (folder, _, component) = with_cases("new.toml", NEW_CASE);
    let output = tool(folder.path(), &["bench", &component, "--cases", ".", "--time", "10", "--json"]);
    assert_eq!(output.status.code(), Some(0), "{}", told(&output));
    let lines: Vec<serde_json::Value> =
        String::from_utf8_lossy(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let [case, whole] = &lines[..] else { panic!("{lines:?}") };
    assert!(case["nanos_median"].as_f64().unwrap() > 0.0 && case["fuel"].as_u64().unwrap() > 100, "{case}");
    assert!(whole["memory_bytes"].as_u64().unwrap() >= 65_536, "{whole}");
}

#[test]
fn the_golden_cases_of_the_bundled_filters_hold() {
    let plugins = Path::new(CHECKOUT).join("plugins");
    for name in refrain_plugins::NAMES {
        let told = ends_with(0, &plugins, &["test", &format!("builtin:{name}"), "--cases", &format!("{name}/cases")]);
        assert!(told.contains("all as expected"), "{told}");
    }
}

#[test]
fn help_shows_examples_and_exit_codes() {
    let here = Path::new(".");
    for command in ["new", "build", "check", "test", "bench", "inspect"] {
        let help = ends_with(0, here, &[command, "--help"]);
        assert!(help.contains("Examples:") && help.contains("Exit codes: 0"), "{help}");
    }
}
