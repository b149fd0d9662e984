//! The filter of the SDK's page, built as its reader would build it: a crate of its own, a component, a verdict.

use std::fs;
use std::path::{Path, PathBuf};

use refrain_filter::{Engine, EngineOptions, Sandbox, case};
use refrain_pack::{Packed, TARGET, Toolchain};

const README: &str = include_str!("../../sdk/README.md");

/// The part of the page in the nth block of this language.
fn block(language: &str, nth: usize) -> String {
    let opening = format!("```{language}\n");
    let block = README.split(&opening).nth(nth + 1).and_then(|rest| rest.split("```").next()).expect("a block");
    // What a page of documentation hides, the reader does not type.
    block.lines().filter(|line| !line.starts_with("# fn main")).map(|line| format!("{line}\n")).collect()
}

fn manifest(root: &Path) -> String {
    let dependencies = block("toml", 0).replace("…/sdk", &root.join("sdk").display().to_string());
    let profile = "inherits = \"release\"\nlto = \"fat\"\ncodegen-units = 1\npanic = \"abort\"\nstrip = true\n";
    format!(
        "[package]\nname = \"brevity\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n{dependencies}\n\
        [profile.guest]\n{profile}\n[workspace]\n"
    )
}

/// Writes the crate and builds it, with the versions of this workspace and what was compiled for the bundled filters.
fn build() -> Packed {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace");
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("brevity");
    let write = |path: &str, text: String| {
        let path = folder.join(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, text).expect("room for a file");
    };
    write("Cargo.toml", manifest(root));
    write("src/lib.rs", block("rust", 0));
    fs::copy(root.join("Cargo.lock"), folder.join("Cargo.lock")).expect("the lock file");
    let target_dir = Path::new(env!("OUT_DIR")).join("guests");
    let mut cargo = Toolchain::choose().expect("a toolchain for guests").cargo();
    cargo.args(["build", "--offline", "--lib", "--profile", "guest", "--target", TARGET]);
    let output = cargo.arg("--target-dir").arg(&target_dir).current_dir(&folder).output().expect("cargo");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let module = fs::read(target_dir.join(TARGET).join("guest/brevity.wasm")).expect("a module");
    refrain_pack::pack(&module).expect("a component")
}

#[test]
fn the_filter_of_the_page_runs_and_asks_for_nothing() {
    let Packed { component, manifest } = build();
    let manifest = manifest.expect("a manifest");
    assert_eq!((&manifest["name"], &manifest["version"]), (&"brevity".into(), &"0.1.0".into()));
    let limit = &manifest["settings-schema"]["properties"]["limit"];
    assert_eq!(limit["description"], "Bytes that a body may have.");

    let engine = Engine::new(EngineOptions::default()).expect("an engine");
    let loaded = engine.load("brevity", &component).expect("the component loads");
    assert!(loaded.requests().to_grants().is_empty(), "{:?}", loaded.requests());
    let kept = ["edit@", "keyvalue@", "limits@", "lists@", "metrics@"];
    let superfluous: Vec<_> =
        loaded.imports().iter().filter(|import| kept.iter().any(|kept| import.contains(kept))).collect();
    assert!(superfluous.is_empty(), "it imports {superfluous:?}");

    let cases = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("brevity/case.toml");
    fs::write(&cases, block("toml", 1)).expect("room for a file");
    let mut sandbox = Sandbox::new("brevity", &component).expect("the component loads");
    let failures: Vec<_> = case::run_cases(&cases, &mut sandbox).iter().map(ToString::to_string).collect();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
