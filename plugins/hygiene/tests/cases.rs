//! The golden cases, run natively, and what is said about wrong settings.

use std::time::Duration;

use refrain_hygiene::Hygiene;
use refrain_sdk::Verdict;
use refrain_sdk::testing::{self, Tester};

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

#[test]
fn its_page_has_a_row_for_every_rule_and_setting() {
    let page = include_str!("../../../docs/filters/hygiene.md");
    let manifest = testing::manifest::<Hygiene>();
    let rules = manifest["settings-schema"]["$defs"]["Rule"]["oneOf"].as_array().expect("the rules");
    let rules = rules.iter().filter_map(|rule| rule["const"].as_str());
    let keys = manifest["settings-schema"]["properties"].as_object().expect("the settings").keys();
    for name in rules.chain(keys.map(String::as_str)) {
        assert!(page.contains(&format!("\n| `{name}` | ")), "{name}");
    }
}

#[test]
fn what_is_no_honest_message_is_no_fault() {
    let carbon = "<sent xmlns='urn:xmpp:carbons:2'>".repeat(20) + &"</sent>".repeat(20);
    let forwarded = |what: &str| format!("<forwarded xmlns='urn:xmpp:forward:0'>{what}</forwarded>");
    let event = "<x xmlns='http://jabber.org/protocol/muc#user'>".to_owned()
        + &"<status code='110'/>".repeat(2_000)
        + "<invite/></x>";
    for payload in [
        forwarded(&carbon),
        forwarded(&"<received xmlns='urn:xmpp:carbons:2'/>".repeat(2_000)),
        format!("<delay xmlns='urn:xmpp:delay' from='home.example'>{carbon}</delay>"),
        "<stanza-id xmlns='urn:xmpp:sid:0' by='@/home.example'/>".repeat(2_000),
        event,
    ] {
        let stanza = format!("<message from='eve@evil.example/x' to='alice@home.example'>{payload}</message>");
        let verdict = Tester::<Hygiene>::new("{}").judge(&stanza);
        assert!(matches!(verdict, Some(Verdict::Pass | Verdict::Drop)), "{verdict:?}");
    }
}

#[test]
fn one_rule_can_be_left_out_and_the_others_hold() {
    let mut tester = Tester::<Hygiene>::new(r#"{"allow": ["own-account"]}"#);
    let request =
        |payload: &str| format!("<iq from='e@f.example/x' to='home.example' type='set' id='1'>{payload}</iq>");
    assert_eq!(tester.judge(&request("<query xmlns='jabber:iq:roster'/>")), None);
    let command = tester.judge(&request("<command xmlns='http://jabber.org/protocol/commands' node='x'/>"));
    assert!(matches!(command, Some(Verdict::Bounce(_))), "{command:?}");
}

#[test]
fn a_request_may_be_answered_for_its_time_and_what_was_asked_before_the_start_is_not_known() {
    let mut tester = Tester::<Hygiene>::new(r#"{"unasked":"drop","answer-seconds":300,"grace-seconds":60}"#);
    let asks = |tester: &mut Tester<Hygiene>, id: u32| {
        let request = format!("<iq from='a@b.example/x' to='c.example' type='get' id='{id}'><q xmlns='u'/></iq>");
        assert_eq!(tester.judge_outbound(&request), Some(Verdict::Pass));
    };
    let answer = |tester: &mut Tester<Hygiene>, id: u32| {
        tester.judge(&format!("<iq from='c.example' to='a@b.example/x' type='result' id='{id}'/>"))
    };
    [1, 2].into_iter().for_each(|id| asks(&mut tester, id));
    testing::advance(Duration::from_secs(59));
    assert_eq!(answer(&mut tester, 9), Some(Verdict::Pass));
    testing::advance(Duration::from_secs(1));
    assert_eq!([answer(&mut tester, 9), answer(&mut tester, 1)], [Some(Verdict::Drop), Some(Verdict::Pass)]);
    testing::advance(Duration::from_secs(240));
    assert_eq!(answer(&mut tester, 2), Some(Verdict::Drop));
}

#[test]
fn tests_itself() {
    assert_eq!(testing::manifest::<Hygiene>()["self-test"].as_array().map(Vec::len), Some(1));
}
