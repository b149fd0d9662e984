//! The golden cases, run natively, and what is said about wrong settings.

use refrain_sdk::{Problem, Verdict, testing};
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

/// The signatures that are shipped are read as an operator's would be, and none is enough alone.
#[test]
fn the_example_is_a_list_to_begin_with() {
    let example: toml::Value = toml::from_str(include_str!("../../../examples/spim-signatures.toml")).expect("TOML");
    let mut settings = serde_json::to_value(example).expect("JSON");
    let signatures = settings["signatures"].as_array().expect("signatures").clone();
    assert!(signatures.len() > 25);
    for signature in &signatures {
        assert!(signature["score"].as_f64().is_some_and(|score| score < 6.0), "{signature}");
        assert!(signature.get("action").is_none(), "{signature}");
    }
    let caps =
        ["drugs", "gambling", "credentials", "money", "services", "worms"].map(|name| (name.to_owned(), 5.0.into()));
    settings["groups"] = serde_json::Value::Object(caps.into_iter().collect());
    assert_eq!(testing::problems::<Spim>(&settings), []);

    let mut filter = testing::Tester::<Spim>::new(&settings.to_string());
    let mut returned = |body: &str| {
        let message = format!("<message from='e@evil.example/x' to='a@home.example'><body>{body}</body></message>");
        filter.judge_from(testing::Relation::Stranger, &message) != Some(Verdict::Pass)
    };
    assert!(returned("Продажа карт cvv, база fresh! Пишите в jabber: shop@evil.example — cvv shop valid"));
    assert!(returned("Best casino, 200% bonus! Sorry for the spam, contact jabber: win@evil.example"));
    assert!(!returned("I lost at the casino; they have a bonus for members"));
    assert!(!returned("Мне нужна карта города, продажа билетов уже началась?"));
}

/// A stanza has room for sixteen thousand attributes, and a call for far fewer texts.
#[test]
fn of_very_many_texts_the_first_are_looked_at() {
    let mut filter = testing::Tester::<Spim>::new(r#"{"signatures":[{"name":"c","text":"casino"}]}"#);
    let mut returned = |before: usize, behind: &str| {
        let labels = "<field label='1ab'/>".repeat(before);
        let form = format!("<x xmlns='jabber:x:data'>{labels}<field label='casino'/></x>");
        let message = format!("<message from='e@evil.example/x' to='a@home.example'>{behind}{form}</message>");
        filter.judge(&message) == Some(Verdict::bounce(refrain_sdk::Condition::PolicyViolation))
    };
    assert!(returned(0, "") && returned(100, "") && !returned(8_000, ""));
    assert!(returned(8_000, "<body>casino</body>"));
}
