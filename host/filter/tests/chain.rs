//! A chain of real guests: verdicts, edits, interests and settings, through the sandbox.

#![allow(clippy::unwrap_used, reason = "in a test, what cannot be unwrapped is the failure")]

mod guests;

use guests::{CHAT, CONFIGURED, ENGINE, Guest, NOW_MS, chain, says, spec, worker};
use refrain_filter::{Chain, Decision, Direction, Fault, FilterSpec, Grant, Grants, Outcome};
use refrain_proto::{ErrorType, Stanza, StanzaCondition};

const PASS: &str = "(call $said (local.get $stanza) (i32.const 0) (i32.const 0))";

fn stanza(xml: &str) -> Stanza {
    Stanza::parse(xml).unwrap()
}

fn judge(on_stanza: &str, xml: &str) -> Decision {
    worker(vec![spec("f", Guest { on_stanza, ..Guest::default() })]).judge(&mut stanza(xml), NOW_MS)
}

fn condition(decision: &Decision) -> Option<StanzaCondition> {
    match &decision.outcome {
        Outcome::Bounce(error) => Some(error.condition),
        Outcome::Forward | Outcome::Drop | Outcome::Reply(_) | Outcome::CloseStream { .. } => None,
    }
}

/// Sets the text of the first child, then says the case.
fn rewrites_then_says(case: u32) -> String {
    format!(
        "(call $set_text (local.get $stanza) (i32.const 1) (i32.const 1024) (i32.const 3) (i32.const 128)) {}",
        says(case, 8)
    )
}

const BYE: &str = r#"(data (i32.const 1024) "bye")"#;

#[test]
fn a_passed_stanza_comes_to_the_end_of_the_chain() {
    let decision = judge(PASS, CHAT);
    assert_eq!((decision.outcome, decision.filter), (Outcome::Forward, None));
}

#[test]
fn a_dropped_stanza_goes_nowhere_and_names_its_filter() {
    let decision = judge(&says(2, 0), CHAT);
    assert_eq!((decision.outcome, decision.filter.as_deref()), (Outcome::Drop, Some("f")));
}

#[test]
fn a_bounced_stanza_is_answered_by_its_condition() {
    assert_eq!(condition(&judge(&says(3, 8), CHAT)), Some(StanzaCondition::NotAcceptable));
}

#[test]
fn a_dropped_request_is_answered_so_that_its_sender_does_not_wait() {
    let get = "<iq type='get' id='1' from='a@x.example' to='b@y.example'><q xmlns='urn:q'/></iq>";
    assert_eq!(condition(&judge(&says(2, 0), get)), Some(StanzaCondition::ServiceUnavailable));
    let result = "<iq type='result' id='1' from='a@x.example' to='b@y.example'/>";
    assert_eq!(judge(&says(2, 0), result).outcome, Outcome::Drop);
}

#[test]
fn an_error_is_never_answered() {
    let error = "<message type='error' from='a@x.example' to='b@y.example'/>";
    assert_eq!(judge(&says(3, 8), error).outcome, Outcome::Drop);
}

#[test]
fn an_action_bounces_with_its_own_type_and_text() {
    let on_stanza = "(call $said (local.get $stanza) (i32.const 4)
        (call $bounce (i32.const 3) (i32.const 1) (i32.const 4) (i32.const 1) (i32.const 1024) (i32.const 3)))";
    let mut worker = worker(vec![spec("f", Guest { on_stanza, more: BYE, ..Guest::default() })]);
    let Outcome::Bounce(error) = worker.judge(&mut stanza(CHAT), NOW_MS).outcome else { panic!("no bounce") };
    assert_eq!((error.condition, error.error_type), (StanzaCondition::Forbidden, ErrorType::Wait));
    assert_eq!(error.text.as_deref(), Some("bye"));
}

#[test]
fn the_reason_is_told_to_the_operator() {
    let on_stanza = format!("(call $reason (local.get $stanza) (i32.const 1024) (i32.const 3)) {}", says(2, 0));
    let mut worker = worker(vec![spec("f", Guest { on_stanza: &on_stanza, more: BYE, ..Guest::default() })]);
    assert_eq!(worker.judge(&mut stanza(CHAT), NOW_MS).reason.as_deref(), Some("bye"));
    assert_eq!(worker.judge(&mut stanza(CHAT), NOW_MS).reason.as_deref(), Some("bye"));
}

#[test]
fn accepting_skips_the_rest_of_the_chain_if_granted() {
    let accepts = says(1, 0);
    let accepts = spec("friend", Guest { on_stanza: &accepts, ..Guest::default() });
    let drops = spec("foe", Guest { on_stanza: &says(2, 0), ..Guest::default() });

    let granted = FilterSpec { grants: Grants::from_iter([Grant::Accept, Grant::Edit]), ..accepts.clone() };
    let decision = worker(vec![granted, drops.clone()]).judge(&mut stanza(CHAT), NOW_MS);
    assert_eq!((decision.outcome, decision.filter.as_deref()), (Outcome::Forward, Some("friend")));

    let decision = worker(vec![accepts, drops]).judge(&mut stanza(CHAT), NOW_MS);
    assert_eq!(condition(&decision), Some(StanzaCondition::InternalServerError));
    assert_eq!(decision.fault, Some(Fault::NotGranted("accept")));
}

#[test]
fn edits_are_seen_by_the_next_filter_and_leave_with_the_stanza() {
    // The second filter drops what carries bit 5, edited.
    let on_stanza = format!(
        "(if (result i32) (i32.and (local.get $bits) (i32.const 32)) (then {}) (else {}))",
        says(2, 0),
        says(0, 0)
    );
    let watcher = spec("watcher", Guest { on_stanza: &on_stanza, ..Guest::default() });
    let editor = spec("editor", Guest { on_stanza: &rewrites_then_says(0), more: BYE, ..Guest::default() });

    assert_eq!(worker(vec![watcher.clone()]).judge(&mut stanza(CHAT), NOW_MS).outcome, Outcome::Forward);
    let mut edited = stanza(CHAT);
    let decision = worker(vec![editor, watcher]).judge(&mut edited, NOW_MS);
    assert!(decision.edited);
    assert_eq!(decision.filter.as_deref(), Some("watcher"));
    assert!(edited.to_xml().contains("<body>bye</body>"));
}

#[test]
fn edits_of_a_call_that_does_not_commit_are_forgotten() {
    for (case, outcome) in [(2, Outcome::Drop), (0, Outcome::Forward)] {
        let guest = Guest { on_stanza: &rewrites_then_says(case), more: BYE, ..Guest::default() };
        let mut judged = stanza(CHAT);
        let decision = worker(vec![spec("f", guest)]).judge(&mut judged, NOW_MS);
        assert_eq!((decision.outcome, decision.edited), (outcome, case == 0));
        assert_eq!(judged.to_xml().contains("bye"), case == 0);
    }
}

#[test]
fn a_stanza_that_interests_nobody_enters_no_sandbox() {
    // Rule 0 wants iq; the guest drops what it sees.
    let configure = format!(
        "(call $add_interest (i32.const 0) (i32.const 4) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)
            (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 128)) {CONFIGURED}"
    );
    let guest = Guest { configure: &configure, on_stanza: &says(2, 0), ..Guest::default() };
    let chain = chain(vec![spec("iq-only", guest)]);
    let mut worker = chain.worker();
    assert_eq!(worker.judge(&mut stanza(CHAT), NOW_MS).outcome, Outcome::Forward);
    let result = "<iq type='result' id='1' from='a@x.example' to='b@y.example'/>";
    assert_eq!(worker.judge(&mut stanza(result), NOW_MS).outcome, Outcome::Drop);
    let counts = chain.status()[0].counts;
    assert_eq!((counts.calls, counts.skipped, counts.dropped, counts.passed), (1, 1, 1, 0));
}

#[test]
fn selectors_of_configure_are_evaluated_by_the_host() {
    // Drops what has a body, by selector 0.
    let configure = format!("(call $selector (i32.const 1024) (i32.const 4) (i32.const 128)) {CONFIGURED}");
    let on_stanza = format!(
        "(if (result i32) (call $test (local.get $stanza) (i32.const 0)) (then {}) (else {}))",
        says(2, 0),
        says(0, 0)
    );
    let more = r#"(data (i32.const 1024) "body")"#;
    let guest = Guest { configure: &configure, on_stanza: &on_stanza, more, ..Guest::default() };
    let chain = chain(vec![spec("f", guest)]);
    // The second worker configures an instance of its own, which must come to the same selectors.
    for mut worker in [chain.worker(), chain.worker()] {
        assert_eq!(worker.judge(&mut stanza(CHAT), NOW_MS).outcome, Outcome::Drop);
        let empty = "<message from='a@x.example' to='b@y.example'/>";
        assert_eq!(worker.judge(&mut stanza(empty), NOW_MS).outcome, Outcome::Forward);
    }
}

#[test]
fn all_problems_of_all_filters_are_reported_at_once() {
    // result::err, a list of one problem at 2048: path at 2064, message at 2080.
    let more = r#"
        (data (i32.const 64) "\01\00\00\00\00\08\00\00\01\00\00\00")
        (data (i32.const 2048) "\10\08\00\00\05\00\00\00\20\08\00\00\07\00\00\00")
        (data (i32.const 2064) "limit") (data (i32.const 2080) "too big")"#;
    let picky = Guest { more, ..Guest::default() };
    let lazy = Guest { configure: "unreachable", ..Guest::default() };
    let specs = vec![spec("a", picky), spec("b", lazy), spec("c", picky)];
    let errors = Chain::build(&ENGINE, Direction::Inbound, specs).unwrap_err();
    let errors: Vec<_> = errors.iter().map(ToString::to_string).collect();
    assert_eq!(
        errors,
        [
            "filter a: settings.limit: too big",
            "filter b: `configure` trapped: wasm trap: wasm `unreachable` instruction executed",
            "filter c: settings.limit: too big",
        ]
    );
}
