//! The golden cases, run natively, and what is said about wrong settings.

use std::time::Duration;

use refrain_jid_policy::JidPolicy;
use refrain_sdk::testing::{self, Relation, Tester};
use refrain_sdk::{Problem, Verdict};

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
    let path = |rule: &str| problem(rule).path;
    assert_eq!(path(r#"{"domain":"a..example"}"#), "deny[1].domain");
    assert_eq!(path(r#"{"jid":"a@b@c.example"}"#), "deny[1].jid");
    assert_eq!(problem(r#"{"jid":"b.example"}"#).message, r#""b.example" is a domain; write `domain = "b.example"`"#);
    assert_eq!(path(r#"{"jid":"a@b.example","domain":"b.example"}"#), "deny[1].jid");
    assert_eq!(path(r#"{"jid":"a@b.example","inside":"b.example"}"#), "deny[1].jid");
    assert!(problem(r#"{"name":"nobody"}"#).message.starts_with("is about everything"));
    assert_eq!(path(r#"{"domain":"b.example","match":"both"}"#), "deny[1].match");
    assert_eq!(path(r#"{"domain":"b.example","acton":"drop"}"#), "deny[1].acton");
    assert!(problem(r#"{"domain":"xn--bcher-kva.example"}"#).message.contains("as it is read"));
    assert_eq!(path(r#"{"outside":["a.example","b c"]}"#), "deny[1].outside[1]");
    assert_eq!(path(r#"{"outside":"a.example","except":7}"#), "deny[1].except");
    assert_eq!(path(r#"{"outside":"a.example","stanzas":["iq","iq/chat"]}"#), "deny[1].stanzas[1]");
    assert_eq!(path(r#"{"outside":"a.example","stanzas":[]}"#), "deny[1].stanzas");
    assert_eq!(path(r#"{"inside":"group:staff"}"#), "deny[1].inside");
    assert_eq!(path(r#"{"inside":[],"outside":"a.example"}"#), "deny[1].inside");
    for wrong in
        ["a.example:5269", "a.example ", "a!b.example", "ｆull.example", "dot。example", "ａ@b.example", "[::1"]
    {
        assert_eq!(path(&format!(r#"{{"outside":"{wrong}"}}"#)), "deny[1].outside", "{wrong}");
    }
    assert!(problem(r#"{"outside":"ｆull.example"}"#).message.contains("write \"full.example\""));
    assert_eq!(path(r#"{"outside":"list:nowhere"}"#), "deny[1].outside");
    assert_eq!(path(r#"{"outside":"a.example","action":"pass"}"#), "deny[1].action");
    assert_eq!(path(r#"{"outside":"a.example","action":"drop","text":"no"}"#), "deny[1].text");
    assert_eq!(path(r#"{"outside":"a.example","error":"teapot"}"#), "deny[1].error");
}

#[test]
fn all_mistakes_are_told_at_once() {
    let settings = r#"{
        "groups": {"staff": ["a@b.example", "group:others", "c d"]},
        "deny": [{"domain": "*."}, {}],
        "allow": [{"jid": "a b@c.example"}, {"outside": "x.example", "action": "drop"}],
        "first-contact-to": [{"first-contact": "open"}],
        "first-contact-limits": {"messages": "many"}
    }"#;
    let settings = serde_json::from_str(settings).expect("JSON");
    let paths: Vec<_> = testing::problems::<JidPolicy>(&settings).into_iter().map(|problem| problem.path).collect();
    let expected = [
        "groups.staff[1]",
        "groups.staff[2]",
        "allow[0].jid",
        "allow[1].action",
        "deny[0].domain",
        "deny[1]",
        "first-contact-to[0]",
        "first-contact-limits.messages",
    ];
    assert_eq!(paths, expected);
}

/// A rule whose addresses were taken away must not become one about everybody.
#[test]
fn an_empty_group_names_nobody() {
    let settings = r#"{"groups":{"interns":[]},"deny":[{"inside":"group:interns"}]}"#;
    let mut policy = Tester::<JidPolicy>::new(settings);
    assert_ne!(policy.judge("<message from='a@far.example' to='b@home.example'/>"), Some(Verdict::Drop));
    let settings = r#"{"groups":{"friends":[]},"default":"deny","allow":[{"outside":"group:friends"}]}"#;
    let verdict = Tester::<JidPolicy>::new(settings).judge("<presence from='a@far.example' to='b@home.example'/>");
    assert_eq!(verdict, Some(Verdict::Drop));
}

#[test]
fn a_rule_among_thousands_is_found_by_its_address() {
    let rules: Vec<_> = (0..5_000)
        .map(|n| serde_json::json!({ "inside": "home.example", "outside": format!("u{n}@d{}.example", n % 7), "action": "drop" }))
        .collect();
    let mut policy = Tester::<JidPolicy>::new(&serde_json::json!({ "deny": rules }).to_string());
    let judge = |policy: &mut Tester<JidPolicy>, from: &str| {
        policy.judge(&format!("<message from='{from}/x' to='alice@home.example'><body>hi</body></message>"))
    };
    assert_eq!(judge(&mut policy, "u4999@d1.example"), Some(Verdict::Drop));
    assert_eq!(judge(&mut policy, "u4999@d2.example"), Some(Verdict::Pass));
}

#[test]
fn strangers_may_write_again_when_time_has_passed() {
    let settings = r#"{"first-contact":"careful","first-contact-limits":{"messages":"2/day"}}"#;
    let mut policy = Tester::<JidPolicy>::new(settings);
    let message = "<message from='eve@far.example/x' to='alice@home.example' type='chat'><body>hi</body></message>";
    let mut passes = || policy.judge_from(Relation::Stranger, message) == Some(Verdict::Pass);
    assert!(passes() && passes() && !passes());
    testing::advance(Duration::from_secs(12 * 3_600));
    assert!(passes() && !passes());
    assert_eq!(policy.judge_from(Relation::Known, message), None, "who is known is not even looked at");
}

fn invitation(room: &str, user: &str) -> String {
    let invite = "<x xmlns='http://jabber.org/protocol/muc#user'><invite from='z@far.example'/></x>";
    format!("<message from='{room}' to='{user}@home.example'>{invite}</message>")
}

#[test]
fn a_refusal_by_a_limit_that_others_used_up_costs_the_sender_nothing() {
    let limits = r#"{"messages":"4/day","messages-to-user":"2/h"}"#;
    let settings = format!(r#"{{"first-contact":"careful","first-contact-limits":{limits}}}"#);
    let mut policy = Tester::<JidPolicy>::new(&settings);
    let mut passes = |from: &str| {
        let message = format!("<message from='{from}@far.example/x' to='alice@home.example'><body>hi</body></message>");
        policy.judge_from(Relation::Stranger, &message) == Some(Verdict::Pass)
    };
    assert!(passes("a") && passes("b"), "the flood");
    assert_eq!([(); 4].map(|()| passes("honest")), [false; 4]);
    testing::advance(Duration::from_secs(3_600));
    assert_eq!([passes("honest"), passes("honest")], [true, true]);
    testing::advance(Duration::from_secs(3_600));
    assert_eq!([passes("honest"), passes("honest")], [true, true]);
}

#[test]
fn who_goes_on_beyond_their_own_limit_leaves_some_of_what_is_shared() {
    let limits = r#"{"messages":"2/day","messages-to-user":"6/h"}"#;
    let settings = format!(r#"{{"first-contact":"careful","first-contact-limits":{limits}}}"#);
    let mut policy = Tester::<JidPolicy>::new(&settings);
    let mut passes = |from: &str| {
        let message = format!("<message from='{from}@far.example/x' to='alice@home.example'><body>hi</body></message>");
        policy.judge_from(Relation::Stranger, &message) == Some(Verdict::Pass)
    };
    assert_eq!((0..100).filter(|_| passes("eve")).count(), 2);
    assert!(passes("honest") && passes("honest"));
}

#[test]
fn one_room_does_not_use_up_what_others_of_its_domain_may() {
    let mut policy = Tester::<JidPolicy>::new(r#"{"first-contact":"careful"}"#);
    let mut passes = |room: &str, user: u32| {
        let invitation = invitation(room, &format!("u{user}"));
        policy.judge_from(Relation::Stranger, &invitation) == Some(Verdict::Pass)
    };
    assert_eq!((0..1_000).filter(|user| passes("spam@rooms.example", *user)).count(), 30);
    assert!(passes("tea@rooms.example", 0));
    let many = (0..1_000).filter(|n| passes(&format!("r{n}@rooms.example"), *n)).count();
    assert!(many < 200, "{many}");
    assert!(!passes("late@rooms.example", 2_000) && passes("late@others.example", 2_000));
}

#[test]
fn describes_its_settings_and_tests_itself() {
    let manifest = testing::manifest::<JidPolicy>();
    assert_eq!(manifest["settings-schema"]["properties"]["deny"]["type"], "array");
    assert_eq!(manifest["self-test"].as_array().map(Vec::len), Some(1));
}

/// Every example of the page and of the crate is taken as it stands.
#[test]
fn takes_the_examples_of_its_pages() {
    let pages = concat!(include_str!("../../../docs/filters/jid-policy.md"), include_str!("../README.md"));
    let examples: Vec<_> =
        pages.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next()).map(example).collect();
    assert!(examples.len() > 6, "{} examples", examples.len());
    for example in examples {
        for (name, list) in &example.lists {
            testing::with_list(name, list.entries.clone());
        }
        assert_eq!(testing::problems::<JidPolicy>(&example.settings), [], "{}", example.settings);
    }
}

/// An example as a file of cases, with lists that need no file.
fn example(toml: &str) -> testing::case::CaseFile {
    let lines = toml.lines().map(|line| match line {
        "[filter.jid-policy.settings]" => "[settings]",
        line if line.starts_with("file = ") => "entries = []",
        line => line,
    });
    let text: Vec<_> = ["case = []"].into_iter().chain(lines).collect();
    testing::case::CaseFile::parse(&text.join("\n")).unwrap_or_else(|error| panic!("{error}"))
}
