//! The golden cases, run natively, and what is said about wrong settings.

use refrain_file_transfer::FileTransfer;
use refrain_sdk::testing;

#[test]
fn judges_the_golden_cases() {
    testing::run_cases::<FileTransfer>("cases");
}

#[test]
fn an_unknown_mechanism_is_told_by_its_key() {
    let settings = serde_json::from_str(r#"{"allow":["oob","pigeon"]}"#).expect("JSON");
    let problem = testing::problems::<FileTransfer>(&settings).remove(0);
    assert_eq!(problem.path, "allow[1]");
    assert!(problem.message.contains("unknown variant `pigeon`"), "{}", problem.message);
}

#[test]
fn what_is_no_domain_is_told_by_its_key() {
    let settings =
        serde_json::json!({"rules": [{"inside": ["home.example", "alice@home.example"], "outside": ["*."]}]});
    let problems = testing::problems::<FileTransfer>(&settings);
    let paths: Vec<_> = problems.iter().map(|problem| problem.path.as_str()).collect();
    assert_eq!(paths, ["rules[0].inside[1]", "rules[0].outside[0]"]);
    assert!(problems[0].message.contains("\"alice@home.example\" is not a domain"), "{}", problems[0].message);
}

#[test]
fn describes_its_settings_and_tests_itself() {
    let manifest = testing::manifest::<FileTransfer>();
    assert_eq!(manifest["settings-schema"]["properties"]["allow"]["type"], "array");
    assert_eq!(manifest["self-test"].as_array().map(Vec::len), Some(1));
}

#[test]
fn its_page_has_a_row_for_every_mechanism() {
    let page = include_str!("../../../docs/filters/file-transfer.md");
    let manifest = testing::manifest::<FileTransfer>();
    let names = manifest["settings-schema"]["$defs"]["Mechanism"]["oneOf"].as_array().expect("the mechanisms");
    let names = names.iter().filter_map(|name| name["const"].as_str());
    let keys = manifest["settings-schema"]["properties"].as_object().expect("the settings").keys();
    for name in names.chain(keys.map(String::as_str)) {
        let is_told = page.contains(&format!("\n| `{name}` | "));
        assert!(is_told, "{name}");
    }
}
