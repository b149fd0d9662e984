//! The components as they are embedded, in the engine they run in.

use std::path::{Path, PathBuf};

use refrain_filter::{Engine, EngineOptions, Sandbox, case};

fn sandbox(name: &str) -> Sandbox {
    let component = refrain_plugins::builtin(name).expect("a bundled filter");
    Sandbox::new(name, component).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn case_files(name: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(name).join("cases");
    let entries = std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut files: Vec<_> = entries.map(|entry| entry.expect("an entry").path()).collect();
    files.sort();
    files
}

#[test]
fn judge_the_golden_cases_as_they_do_natively() {
    let mut failures = Vec::new();
    for name in refrain_plugins::NAMES {
        let mut sandbox = sandbox(name);
        let files = case_files(name);
        assert!(!files.is_empty(), "{name} has no golden cases");
        failures.extend(files.iter().flat_map(|file| case::run_cases(file, &mut sandbox)));
    }
    let lines: Vec<_> = failures.iter().map(ToString::to_string).collect();
    assert!(lines.is_empty(), "{} cases failed\n{}", lines.len(), lines.join("\n"));
}

#[test]
fn only_what_strips_may_edit() {
    let engine = Engine::new(EngineOptions::default()).expect("an engine");
    for name in refrain_plugins::NAMES {
        let component = refrain_plugins::builtin(name).expect("a bundled filter");
        let component = engine.load(name, component).unwrap_or_else(|error| panic!("{name}: {error}"));
        let edits = component.imports().iter().any(|import| import.starts_with("refrain:filter/edit@"));
        assert_eq!(edits, ["file-transfer", "hygiene"].contains(name), "{name} imports {:?}", component.imports());
    }
}

#[test]
fn say_of_themselves_what_an_operator_wants_to_know() {
    let engine = Engine::new(EngineOptions::default()).expect("an engine");
    for name in refrain_plugins::NAMES {
        let component = refrain_plugins::builtin(name).expect("a bundled filter");
        let component = engine.load(name, component).unwrap_or_else(|error| panic!("{name}: {error}"));
        let manifest = component.manifest().unwrap_or_else(|| panic!("{name} has no manifest"));
        assert_eq!(manifest.name, format!("refrain-{name}"));
        let schema = manifest.settings_schema.as_ref().unwrap_or_else(|| panic!("{name} has no schema"));
        let undescribed = undescribed(schema);
        assert!(undescribed.is_empty(), "{name} does not describe {undescribed:?}");
        assert_eq!(manifest.self_test.len(), 1, "{name} does not test itself");
    }
}

/// The properties, of any type, without a description.
fn undescribed(schema: &serde_json::Value) -> Vec<&str> {
    let types = schema["$defs"].as_object().into_iter().flatten().map(|(_, of)| of).chain([schema]);
    let all = types.filter_map(|of| of["properties"].as_object()).flatten();
    all.filter(|(_, property)| property["description"].is_null()).map(|(name, _)| name.as_str()).collect()
}

#[test]
fn are_found_by_name_alone() {
    assert_eq!(refrain_plugins::NAMES, ["file-transfer", "hygiene", "jid-policy", "rate-limit", "spim"]);
    assert!(refrain_plugins::builtin("grep").is_none());
}
