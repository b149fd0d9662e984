//! What a filter may ask of the host besides the stanza: lists, limits, values, counters, and the verdicts that need a grant.

#![allow(clippy::unwrap_used, reason = "in a test, what cannot be unwrapped is the failure")]

mod guests;

use std::collections::BTreeMap;
use std::sync::Arc;

use guests::{CHAT, CONFIGURED, ENGINE, Guest, NOW_MS, chain, granted, import, says, spec, worker};
use refrain_filter::{Chain, ChainWorker, Direction, FilterSpec, List, Outcome, Shared};
use refrain_proto::{Stanza, StanzaCondition, StreamCondition};

fn judge(worker: &mut ChainWorker, now_ms: u64) -> Outcome {
    worker.judge(&mut Stanza::parse(CHAT).unwrap(), now_ms).outcome
}

/// Passes if this says 1, drops otherwise.
fn passes_if(condition: &str) -> String {
    format!("(if (result i32) {condition} (then {}) (else {}))", says(0, 0), says(2, 0))
}

/// The name that guests of these tests give to what they register or open.
const NAME: &str = r#"(data (i32.const 1024) "name")"#;

/// Passes two stanzas of a sender at once, and then one a second.
fn limited(name: &str) -> FilterSpec {
    let configure = format!(
        "(call $limiter (i32.const 1024) (i32.const 4) (i32.const 2) (f64.const 1) (i32.const 128))
        (if (i32.load8_u (i32.const 128)) (then unreachable)) {CONFIGURED}"
    );
    let on_stanza = passes_if("(call $take (i32.const 0) (local.get $from) (local.get $from_len) (i32.const 1))");
    let (configure, on_stanza) = (&*configure, &*on_stanza);
    spec(name, Guest { configure, on_stanza, imports: import::LIMITER, more: NAME, ..Guest::default() })
}

#[test]
fn a_limiter_is_shared_by_all_instances_of_its_filter() {
    let chain = chain(vec![limited("shared-limiter")]);
    let [mut one, mut other] = [chain.worker(), chain.worker()];
    let outcomes = [judge(&mut one, 0), judge(&mut other, 0), judge(&mut one, 0), judge(&mut other, 1_000)];
    assert_eq!(outcomes, [Outcome::Forward, Outcome::Forward, Outcome::Drop, Outcome::Forward]);
}

#[test]
fn a_limiter_goes_on_when_its_chain_is_built_anew() {
    let mut before = worker(vec![limited("lasting-limiter")]);
    assert_eq!([judge(&mut before, 0), judge(&mut before, 0)], [Outcome::Forward, Outcome::Forward]);
    drop(before);
    assert_eq!(judge(&mut worker(vec![limited("lasting-limiter")]), 0), Outcome::Drop);
    assert_eq!(judge(&mut worker(vec![limited("another-filter")]), 0), Outcome::Forward);
}

#[test]
fn a_chain_built_apart_takes_nothing_from_those_that_are_live() {
    let mut live = worker(vec![limited("apart")]);
    let apart = Chain::build_in(&ENGINE, &Arc::new(Shared::default()), Direction::Inbound, vec![limited("apart")]);
    let mut apart = Arc::new(apart.unwrap()).worker();
    assert_eq!([judge(&mut apart, 0), judge(&mut apart, 0)], [Outcome::Forward, Outcome::Forward]);
    assert_eq!([judge(&mut apart, 0), judge(&mut live, 0)], [Outcome::Drop, Outcome::Forward]);
}

#[test]
fn a_counter_is_read_by_the_names_of_its_filter_and_its_own() {
    let configure = format!(
        "(call $counter (i32.const 1024) (i32.const 4) (i32.const 1024) (i32.const 4) (i32.const 128))
        (if (i32.load8_u (i32.const 128)) (then unreachable)) {CONFIGURED}"
    );
    let on_stanza = format!("(call $add (i32.const 0) (i64.const 3)) {}", says(0, 0));
    let (configure, on_stanza) = (&*configure, &*on_stanza);
    let guest = Guest { configure, on_stanza, imports: import::COUNTER, more: NAME, ..Guest::default() };
    for _ in 0..2 {
        judge(&mut worker(vec![spec("counting", guest)]), NOW_MS);
    }
    let counters = ENGINE.shared().counters();
    let counter = counters.iter().find(|counter| &*counter.filter == "counting").unwrap();
    assert_eq!((&*counter.name, &*counter.help, counter.value), ("name", "name", 6));
}

/// Drops stanzas of senders that the list `name` covers, for the reason noted there.
fn listed(entry: &str) -> FilterSpec {
    let configure = format!(
        "(call $open_list (i32.const 1024) (i32.const 4) (i32.const 128))
        (if (i32.load8_u (i32.const 128)) (then unreachable)) {CONFIGURED}"
    );
    let on_stanza = format!(
        "(call $lookup (i32.const 0) (local.get $from) (local.get $from_len) (i32.const 128))
        (if (result i32) (i32.load8_u (i32.const 128))
          (then
            (call $reason (local.get $stanza) (i32.load (i32.const 132)) (i32.load (i32.const 136)))
            {})
          (else {}))",
        says(2, 0),
        says(0, 0)
    );
    let (configure, on_stanza) = (&*configure, &*on_stanza);
    let guest = Guest { configure, on_stanza, imports: import::LIST, more: NAME, ..Guest::default() };
    let lists = BTreeMap::from([("name".to_owned(), Arc::new(List::from_iter([entry.to_owned()]).into()))]);
    granted(FilterSpec { lists, ..spec("listed", guest) }, &["edit", "list:name"])
}

#[test]
fn a_list_covers_an_address_and_gives_its_note() {
    let mut worker = worker(vec![listed("evil.example since May")]);
    let decision = worker.judge(&mut Stanza::parse(CHAT).unwrap(), NOW_MS);
    assert_eq!((decision.outcome, decision.reason.as_deref()), (Outcome::Drop, Some("since May")));
    assert_eq!(judge(&mut guests::worker(vec![listed("*.evil.example")]), NOW_MS), Outcome::Forward);
}

/// Counts stanzas in the bucket `name` for a second; passes the first two.
fn remembering(name: &str) -> FilterSpec {
    let configure = format!(
        "(call $open_bucket (i32.const 1024) (i32.const 4) (i32.const 128))
        (if (i32.load8_u (i32.const 128)) (then unreachable)) {CONFIGURED}"
    );
    let on_stanza = format!(
        "(call $increment (i32.const 0) (local.get $from) (local.get $from_len) (i64.const 1) (i32.const 1) (i32.const 128))
        (if (i32.load8_u (i32.const 128)) (then unreachable))
        {}",
        passes_if("(i64.le_s (i64.load (i32.const 136)) (i64.const 2))")
    );
    let (configure, on_stanza) = (&*configure, &*on_stanza);
    let guest = Guest { configure, on_stanza, imports: import::BUCKET, more: NAME, ..Guest::default() };
    granted(spec(name, guest), &["edit", "bucket:name"])
}

#[test]
fn filters_with_the_same_grant_share_a_bucket() {
    let mut worker = worker(vec![remembering("one"), remembering("two")]);
    assert_eq!([judge(&mut worker, 0), judge(&mut worker, 0)], [Outcome::Forward, Outcome::Drop]);
    assert_eq!(judge(&mut worker, 1_000), Outcome::Forward);
}

/// Says an action made of the texts at 1024.
fn acts(action: &str, imports: &str, data: &str, grants: &[&str]) -> FilterSpec {
    let on_stanza = format!("(call $said (local.get $stanza) (i32.const 4) {action})");
    let more = format!(r#"(data (i32.const 1024) "{data}")"#);
    let guest = Guest { on_stanza: &on_stanza, imports, more: &more, ..Guest::default() };
    granted(spec("acts", guest), grants)
}

#[test]
fn a_redirected_stanza_goes_to_the_new_address_past_the_rest_of_the_chain() {
    let action = "(call $redirect (i32.const 1024) (i32.const 16))";
    let redirects = acts(action, import::REDIRECT, "Bob@home.example", &["edit", "redirect"]);
    let drops = spec("drops", Guest { on_stanza: &says(2, 0), ..Guest::default() });
    let chain = chain(vec![redirects, drops]);
    let mut stanza = Stanza::parse(CHAT).unwrap();
    let decision = chain.worker().judge(&mut stanza, NOW_MS);
    assert_eq!((decision.outcome, decision.edited, decision.filter.as_deref()), (Outcome::Forward, true, Some("acts")));
    assert_eq!((stanza.to().as_str(), chain.counts()[0].1.redirected), ("bob@home.example", 1));
    assert!(stanza.to_xml().contains("to=\"bob@home.example\""), "{}", stanza.to_xml());
}

#[test]
fn a_stream_is_closed_by_a_condition_and_a_text() {
    let action = "(call $close_stream (i32.const 1024) (i32.const 16) (i32.const 1) (i32.const 1040) (i32.const 6))";
    let closes = acts(action, import::CLOSE_STREAM, "policy-violationenough", &["edit", "close-stream"]);
    let closed = Outcome::CloseStream { condition: StreamCondition::PolicyViolation, text: Some("enough".to_owned()) };
    assert_eq!(judge(&mut worker(vec![closes]), NOW_MS), closed);
}

#[test]
fn a_message_is_answered_by_a_payload_and_what_is_no_message_dropped() {
    let action = "(call $reply (i32.const 1024) (i32.const 17))";
    let chain = chain(vec![acts(action, import::REPLY, "<gone xmlns='u'/>", &["edit", "reply"])]);
    let mut worker = chain.worker();
    let mut outcome = |xml: &str| worker.judge(&mut Stanza::parse(xml).unwrap(), NOW_MS).outcome;
    let Outcome::Reply(payload) = outcome(CHAT) else { panic!("no reply") };
    assert_eq!(payload.to_xml(), "<gone xmlns=\"u\"/>");
    for kind in ["groupchat", "error"] {
        assert_eq!(outcome(&CHAT.replace("chat", kind)), Outcome::Drop, "{kind}");
    }
    assert_eq!(outcome("<presence from='eve@evil.example/x' to='alice@home.example'/>"), Outcome::Drop);
    let asked = "<iq type='get' id='1' from='eve@evil.example/x' to='alice@home.example'><q xmlns='u'/></iq>";
    let Outcome::Bounce(error) = outcome(asked) else { panic!("an iq is answered") };
    assert_eq!(error.condition, StanzaCondition::ServiceUnavailable);
    assert_eq!(chain.counts()[0].1.replied, 5);
}

#[test]
fn the_longest_delay_counts_and_the_chain_goes_on() {
    let delays = |name: &str, milliseconds: u32| {
        let action = format!("(call $delay (i32.const {milliseconds}))");
        FilterSpec { name: name.to_owned(), ..acts(&action, import::DELAY, "", &["edit"]) }
    };
    let specs = vec![delays("short", 20), delays("long", 300), delays("none", 0)];
    let mut worker = worker(specs.clone());
    let decision = worker.judge(&mut Stanza::parse(CHAT).unwrap(), NOW_MS);
    assert_eq!((decision.outcome, decision.delay.as_millis()), (Outcome::Forward, 300));
    assert_eq!((decision.filter.as_deref(), decision.edited), (Some("long"), false));
    assert_eq!(worker.steps().iter().map(|step| step.said.unwrap().as_str()).collect::<Vec<_>>(), ["delay"; 3]);
    let drops = spec("drops", Guest { on_stanza: &says(2, 0), ..Guest::default() });
    let decision = guests::worker([specs, vec![drops]].concat()).judge(&mut Stanza::parse(CHAT).unwrap(), NOW_MS);
    assert_eq!(
        (decision.outcome, decision.delay.as_millis(), decision.filter.as_deref()),
        (Outcome::Drop, 300, Some("drops"))
    );
}

#[test]
fn an_edited_address_is_the_one_that_the_next_filter_is_told() {
    // The second drops what is addressed to somebody whose name has three letters.
    let on_stanza = format!(
        "(call $set_attr (local.get $stanza) (i32.const 0) (i32.const 1024) (i32.const 2)
          (i32.const 1) (i32.const 1026) (i32.const 16) (i32.const 128)) {}",
        says(0, 0)
    );
    let more = r#"(data (i32.const 1024) "tobob@home.example")"#;
    let edits =
        granted(spec("edits", Guest { on_stanza: &on_stanza, more, ..Guest::default() }), &["edit", "edit-addresses"]);
    let told = passes_if("(i32.ne (local.get $to_len) (i32.const 16))");
    let told = spec("told", Guest { on_stanza: &told, ..Guest::default() });
    assert_eq!(judge(&mut worker(vec![told.clone()]), NOW_MS), Outcome::Forward);
    let mut stanza = Stanza::parse(CHAT).unwrap();
    let decision = worker(vec![edits, told]).judge(&mut stanza, NOW_MS);
    assert_eq!((decision.outcome, decision.filter.as_deref()), (Outcome::Drop, Some("told")));
    assert_eq!(stanza.to().as_str(), "bob@home.example");
}

#[test]
fn a_guest_built_for_an_earlier_version_still_judges() {
    for version in ["0.1.0", "0.1.1"] {
        let frozen = format!("{}/../../wit/{version}/filter.wit", env!("CARGO_MANIFEST_DIR"));
        let text =
            Guest { on_stanza: &says(2, 0), ..Guest::default() }.text().replace("@0.1.2", &format!("@{version}"));
        let module = guests::embed(wat::parse_str(text).unwrap(), &std::fs::read_to_string(frozen).unwrap());
        let component = ENGINE.load("old", &module).unwrap();
        assert!(component.imports().iter().all(|import| import.ends_with(&format!("@{version}"))));
        let old = FilterSpec { component, ..spec("old", Guest::default()) };
        assert_eq!(judge(&mut worker(vec![old]), NOW_MS), Outcome::Drop, "{version}");
    }
}
