//! The golden cases, run natively, and what is said about wrong settings.

use refrain_sdk::{Problem, testing};
use refrain_spim::Spim;

#[test]
fn judges_the_golden_cases() {
    testing::run_cases::<Spim>("cases");
}

fn problems(signatures: &str) -> Vec<Problem> {
    let settings = serde_json::from_str(&format!(r#"{{"signatures":{signatures}}}"#)).expect("JSON");
    testing::problems::<Spim>(&settings)
}

#[test]
fn wrong_signatures_are_told_by_their_keys() {
    let path = |signature: &str| problems(&format!("[{signature}]")).remove(0).path;
    assert_eq!(path(r#"{"name":"a","regex":"("}"#), "signatures[0].regex");
    assert_eq!(path(r#"{"name":"a","regex":"x?"}"#), "signatures[0].regex");
    assert_eq!(path(r#"{"name":"a","text":" "}"#), "signatures[0].text");
    assert_eq!(path(r#"{"name":"a","jid":"nobody"}"#), "signatures[0].jid");
    assert_eq!(path(r#"{"name":"a","url":"https:///x"}"#), "signatures[0].url");
    assert_eq!(path(r#"{"name":"a"}"#), "signatures[0]");
    assert_eq!(path(r#"{"name":"a","text":"b","regex":"b"}"#), "signatures[0]");
    assert_eq!(path(r#"{"name":"a","text":"b","fields":[]}"#), "signatures[0].fields");
    assert_eq!(path(r#"{"name":"a","text":"b","fields":["footer"]}"#), "signatures[0].fields[0]");
    assert_eq!(path(r#"{"name":"a","text":"b","action":"burn"}"#), "signatures[0].action");
    assert_eq!(path(r#"{"name":"a","txt":"b"}"#), "signatures[0].txt");
}

#[test]
fn all_mistakes_are_told_at_once() {
    let paths: Vec<_> = problems(r#"[{"name":"a","regex":"["},{"name":"b","text":"ok"},{"name":"c"}]"#)
        .into_iter()
        .map(|problem| problem.path)
        .collect();
    assert_eq!(paths, ["signatures[0].regex", "signatures[2]"]);
}

#[test]
fn describes_its_settings_and_tests_itself() {
    let manifest = testing::manifest::<Spim>();
    assert_eq!(manifest["settings-schema"]["properties"]["signatures"]["type"], "array");
    assert_eq!(manifest["self-test"].as_array().map(Vec::len), Some(1));
}
