//! The golden cases, run natively, and what is said about wrong settings.

use std::time::Duration;

use refrain_rate_limit::RateLimit;
use refrain_sdk::{Verdict, testing};

#[test]
fn judges_the_golden_cases() {
    testing::run_cases::<RateLimit>("cases");
}

fn problem(settings: &str) -> (String, String) {
    let settings = serde_json::from_str(settings).expect("JSON");
    let problem = testing::problems::<RateLimit>(&settings).remove(0);
    (problem.path, problem.message)
}

#[test]
fn mistakes_are_told_by_their_keys_with_advice() {
    let of = |limit: &str| problem(&format!(r#"{{"limits":[{{"name":"probes","off":true}},{limit}]}}"#));
    let (path, message) = of(r#"{"name":"joins","rate":"10/x"}"#);
    assert_eq!(path, "limits[1].rate");
    assert!(message.starts_with(r#""10/x" is not a rate; write "10/s""#), "{message}");
    let (path, message) = of(r#"{"name":"a","stanzas":"subscriptions","rate":"1/s"}"#);
    assert_eq!(path, "limits[1].stanzas");
    assert!(message.starts_with(r#""subscriptions" selects no stanzas; there are message, "#), "{message}");
    let (path, message) = of(r#"{"name":"a","stanzas":"iq:roster","rate":"1/s"}"#);
    assert_eq!(path, "limits[1].stanzas");
    assert_eq!(message, r#""roster" is no type of iq nor a namespace; the types are get, set, result, error"#);
    assert_eq!(of(r#"{"name":"a","stanzas":" ","rate":"1/s"}"#).0, "limits[1].stanzas");
    let (path, message) = of(r#"{"name":"jions","off":true}"#);
    assert_eq!(path, "limits[1].name");
    assert!(message.starts_with(r#""jions" is none of the filter's own limits (subscriptions, "#), "{message}");
    assert_eq!(
        problem(r#"{"defaults":false,"limits":[{"name":"joins","off":true}]}"#).1,
        r#""joins" has nothing to count; write `stanzas`"#
    );
    assert_eq!(of(r#"{"name":"a","stanzas":"iq:*","rate":"1/s"}"#).0, "limits[1].stanzas");
    assert_eq!(of(r#"{"name":"a","stanzas":"iq"}"#).1, r#"must say how many may pass; write "20/min""#);
    assert_eq!(of(r#"{"name":"joins","burst":0}"#).0, "limits[1].burst");
    assert_eq!(of(r#"{"name":"A_b","stanzas":"iq","rate":"1/s"}"#).0, "limits[1].name");
    assert_eq!(of(r#"{"stanzas":"iq","rate":"1/s"}"#).0, "limits[1].name");
    assert_eq!(of(r#"{"name":"outstanding","stanzas":"iq","rate":"1/s"}"#).0, "limits[1].name");
    assert_eq!(of(r#"{"name":"joins","labels":2}"#).0, "limits[1].labels");
    assert_eq!(of(r#"{"name":"subscriptions","labels":1}"#).0, "limits[1].labels");
    let (path, message) = of(r#"{"name":"probes"}"#);
    assert_eq!((path.as_str(), message.as_str()), ("limits[1].name", r#""probes" is the name of limits[0] already"#));
    assert_eq!(of(r#"{"name":"joins","per":"domain"}"#).0, "limits[1].per");
    assert_eq!(of(r#"{"name":"joins","except":["a@b.example/x"]}"#).0, "limits[1].except[0]");
    assert_eq!(problem(r#"{"except":["b.example","*"]}"#).0, "except[1]");
    assert!(problem(r#"{"except":["xn--bcher-kva.example"]}"#).1.contains("as it is read"));
}

#[test]
fn one_sender_cannot_have_the_streams_of_others_wait() {
    let limit = |per| format!(r#"{{"name":"a","stanzas":"chat","rate":"1/s","per":"{per}","action":"delay"}}"#);
    let problems = |limit: &str| {
        let settings = format!(r#"{{"limits":[{{"name":"probes","off":true}},{limit}]}}"#);
        testing::problems::<RateLimit>(&serde_json::from_str(&settings).expect("JSON"))
    };
    for per in ["recipient", "all"] {
        let problem = problems(&limit(per)).remove(0);
        assert_eq!(problem.path, "limits[1].action");
        let message =
            format!(r#""delay" with `per = "{per}"` would let one sender stall the streams of others; write "#);
        assert!(problem.message.starts_with(&message), "{}", problem.message);
    }
    assert_eq!(problems(r#"{"name":"joins","per":"all","action":"delay"}"#).remove(0).path, "limits[1].action");
    for per in ["sender", "sender-domain", "pair"] {
        let settings = format!(r#"{{"limits":[{}]}}"#, limit(per));
        testing::Tester::<RateLimit>::new(&settings);
    }
}

#[test]
fn more_limits_than_the_proxy_keeps_are_refused() {
    let limit = |n: usize| format!(r#"{{"name":"l{n}","stanzas":"iq","rate":"1/s"}}"#);
    let limits = |n| (0..n).map(limit).collect::<Vec<_>>().join(",");
    assert_eq!(problem(&format!(r#"{{"limits":[{}]}}"#, limits(5))).0, "limits");
    let mut sixteen = testing::Tester::<RateLimit>::new(&format!(r#"{{"limits":[{}]}}"#, limits(4)));
    assert_eq!(sixteen.judge("<message from='a@b.example' to='c@d.example'/>"), None);
}

#[test]
fn bounds_of_open_requests_are_bounded() {
    assert_eq!(problem(r#"{"outstanding":{"max":251}}"#).0, "outstanding.max");
    assert_eq!(problem(r#"{"outstanding":{"max":0}}"#).0, "outstanding.max");
    assert_eq!(problem(r#"{"outstanding":{"seconds":3601}}"#).0, "outstanding.seconds");
}

#[test]
fn a_request_that_nobody_answers_counts_for_its_time() {
    let mut filter = testing::Tester::<RateLimit>::new(r#"{"outstanding":{"max":2,"seconds":30}}"#);
    let mut passes = |id: u32| {
        let request = format!("<iq from='a@b.example/x' to='d.example' type='get' id='{id}'><q xmlns='u'/></iq>");
        filter.judge(&request) == Some(Verdict::Pass)
    };
    assert!(passes(1));
    testing::advance(Duration::from_secs(20));
    assert_eq!([passes(2), passes(3)], [true, false]);
    testing::advance(Duration::from_secs(10));
    assert_eq!([passes(4), passes(5)], [true, false]);
    assert_eq!(testing::counter("outstanding_refused"), 2);
}

#[test]
fn whoever_waits_as_long_as_told_keeps_the_rate() {
    let limit = r#"{"name":"chats","stanzas":"chat","rate":"5/s","burst":1,"action":"delay"}"#;
    let mut filter = testing::Tester::<RateLimit>::new(&format!(r#"{{"limits":[{limit}]}}"#));
    let (mut waited, mut passed) = (Duration::ZERO, 0);
    while waited < Duration::from_secs(20) {
        // As many as one read of the stream may bring; all of them pass, and the longest delay counts.
        let verdicts =
            [(); 40].map(|()| filter.judge("<message from='a@b.example' to='c@d.example'><body>x</body></message>"));
        let delays = verdicts.into_iter().map(|verdict| match verdict {
            Some(Verdict::Delay(delay)) => delay.milliseconds(),
            _ => 0,
        });
        let pause = Duration::from_millis(delays.max().unwrap_or_default().into());
        testing::advance(pause);
        (waited, passed) = (waited + pause, passed + 40);
    }
    assert!((100..=140).contains(&passed), "{passed} in {waited:?} at 5 a second");
}

#[test]
fn tokens_come_back_with_time() {
    let settings = r#"{"limits":[{"name":"subscriptions-by-sender","rate":"20/min","burst":2}]}"#;
    let mut filter = testing::Tester::<RateLimit>::new(settings);
    let mut passes = || {
        let verdict = filter.judge("<presence from='a@b.example' to='c@d.example' type='subscribe'/>");
        verdict == Some(Verdict::Pass)
    };
    assert_eq!([passes(), passes(), passes()], [true, true, false]);
    testing::advance(Duration::from_secs(3));
    assert_eq!([passes(), passes()], [true, false]);
    assert_eq!(testing::counter("subscriptions_by_sender_refused"), 2);
}

/// T46: thousands of strangers of one domain, each with one request.
#[test]
fn a_flood_from_many_addresses_is_held_to_the_rate_of_its_domain() {
    let mut filter = testing::Tester::<RateLimit>::new("{}");
    let request = |n: &u32| format!("<presence from='u{n}@evil.example' to='alice@home.example' type='subscribe'/>");
    let passed = (0..3_000_u32).filter(|n| filter.judge(&request(n)) == Some(Verdict::Pass)).count();
    assert_eq!(passed, 2_000);
}

#[test]
fn describes_its_settings_and_tests_itself() {
    let manifest = testing::manifest::<RateLimit>();
    assert_eq!(manifest["settings-schema"]["properties"]["limits"]["type"], "array");
    assert_eq!(manifest["self-test"].as_array().map(Vec::len), Some(1));
}
