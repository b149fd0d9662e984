//! The golden cases, run natively, and what is said about wrong settings.

use refrain_jid_policy::JidPolicy;
use refrain_sdk::Problem;
use refrain_sdk::testing;

#[test]
fn judges_the_golden_cases() {
    testing::run_cases::<JidPolicy>("cases");
}

fn problem(rule: &str) -> Problem {
    let settings = serde_json::from_str(&format!(r#"{{"deny":[{{"jid":"a@b.example"}},{rule}]}}"#)).expect("JSON");
    testing::problems::<JidPolicy>(&settings).remove(0)
}

#[test]
fn wrong_rules_are_told_by_their_keys() {
    assert_eq!(problem(r#"{"domain":"a.*.example"}"#).path, "deny[1].domain");
    assert_eq!(problem(r#"{"jid":"a@b@c.example"}"#).path, "deny[1].jid");
    assert_eq!(problem(r#"{"jid":"b.example"}"#).message, r#""b.example" is a domain; write `domain = "b.example"`"#);
    assert_eq!(problem(r#"{"jid":"a@b.example","domain":"b.example"}"#).path, "deny[1]");
    assert_eq!(problem(r#"{"name":"nobody"}"#).message, "names nobody; write `jid` or `domain`");
    assert_eq!(problem(r#"{"domain":"b.example","match":"both"}"#).path, "deny[1].match");
    assert_eq!(problem(r#"{"domain":"b.example","acton":"drop"}"#).path, "deny[1].acton");
    assert!(problem(r#"{"domain":"xn--bcher-kva.example"}"#).message.contains("as it is read"));
}

#[test]
fn all_mistakes_are_told_at_once() {
    let settings =
        serde_json::from_str(r#"{"deny":[{"domain":"*"},{}],"allow":[{"jid":"a b@c.example"}]}"#).expect("JSON");
    let paths: Vec<_> = testing::problems::<JidPolicy>(&settings).into_iter().map(|problem| problem.path).collect();
    assert_eq!(paths, ["deny[0].domain", "deny[1]", "allow[0].jid"]);
}

#[test]
fn describes_its_settings_and_tests_itself() {
    let manifest = testing::manifest::<JidPolicy>();
    assert_eq!(manifest["settings-schema"]["properties"]["deny"]["type"], "array");
    assert_eq!(manifest["self-test"].as_array().map(Vec::len), Some(1));
}
