//! The golden cases, run natively, and what is said about wrong settings.

use refrain_hygiene::Hygiene;
use refrain_sdk::testing;

#[test]
fn judges_the_golden_cases() {
    testing::run_cases::<Hygiene>("cases");
}

#[test]
fn what_is_no_domain_is_told_by_its_key() {
    let settings = serde_json::json!({"hosted": ["home.example", "alice@home.example"], "room-domains": ["*."]});
    let problems = testing::problems::<Hygiene>(&settings);
    let paths: Vec<_> = problems.iter().map(|problem| problem.path.as_str()).collect();
    assert_eq!(paths, ["hosted[1]", "room-domains[0]"]);
}
