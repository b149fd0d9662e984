//! Guests that break the contract of the interface: bad pointers, bad cases, handles kept or made up.

use std::time::Duration;

use refrain_filter::{Chain, Direction, Fault};

use super::guests::{CONFIGURED, ENGINE, Guest, chain, import, says, spec};
use super::{suffers, suffers_on_stanza, suffers_with};
use refrain_proto::Stanza;

fn trap(fault: Fault) -> String {
    match fault {
        Fault::Trap(trap) => trap,
        other => panic!("no trap: {other:?}"),
    }
}

#[test]
fn a_string_beyond_memory_is_a_trap() {
    let call = "(call $reason (local.get $stanza) (i32.const 65530) (i32.const 100)) unreachable";
    assert!(trap(suffers_on_stanza(call)).contains("out of bounds"));
}

#[test]
fn a_string_that_is_not_utf8_is_a_trap() {
    let call = "(i32.store8 (i32.const 1024) (i32.const 0xff))
        (call $reason (local.get $stanza) (i32.const 1024) (i32.const 1)) unreachable";
    assert!(trap(suffers_on_stanza(call)).contains("utf-8"));
}

#[test]
fn a_verdict_that_does_not_exist_is_a_trap() {
    assert!(trap(suffers_on_stanza(&says(99, 0))).contains("discriminant"));
}

#[test]
fn a_result_beyond_memory_is_a_trap() {
    let call = "(call $drop (local.get $stanza)) (i32.const 0x7ffffff0)";
    assert!(trap(suffers_on_stanza(call)).contains("out of bounds"));
}

#[test]
fn a_stanza_that_is_not_given_back_is_a_trap() {
    assert!(trap(suffers_on_stanza("(i32.const 64)")).contains("borrow handles still remain"));
}

#[test]
fn a_handle_made_up_is_a_trap() {
    let call = "(drop (call $test (i32.const 77) (i32.const 0))) unreachable";
    assert!(trap(suffers_on_stanza(call)).contains("handle"));
    let call = "(call $said (local.get $stanza) (i32.const 4) (i32.const 77))";
    assert!(trap(suffers_on_stanza(call)).contains("handle"));
}

#[test]
fn a_selector_made_up_is_a_trap() {
    let call = "(drop (call $test (local.get $stanza) (i32.const 5))) unreachable";
    assert_eq!(trap(suffers_on_stanza(call)), "selector 5 was not compiled in `configure`");
}

#[test]
fn an_index_made_up_is_a_trap() {
    let imports = [import::COUNTER, import::LIMITER, import::OWE, import::LIST, import::BUCKET].concat();
    let grants = ["edit", "list:any", "bucket:any"];
    for (call, refusal) in [
        ("(call $add (i32.const 5) (i64.const 1)) unreachable", "counter 5 was not made"),
        (
            "(drop (call $take (i32.const 5) (i32.const 0) (i32.const 1) (i32.const 1))) unreachable",
            "limiter 5 was not made",
        ),
        ("(drop (call $contains (i32.const 5) (i32.const 0) (i32.const 1))) unreachable", "list 5 was not opened"),
        (
            "(call $lookup (i32.const 5) (i32.const 0) (i32.const 1) (i32.const 128)) unreachable",
            "list 5 was not opened",
        ),
        (
            "(call $get (i32.const 5) (i32.const 0) (i32.const 1) (i32.const 128)) unreachable",
            "bucket 5 was not opened",
        ),
        (
            "(drop (call $owe (i32.const 5) (i32.const 0) (i32.const 1) (i32.const 1))) unreachable",
            "limiter 5 was not made",
        ),
        ("(call $delete (i32.const 5) (i32.const 0) (i32.const 1)) unreachable", "bucket 5 was not opened"),
    ] {
        let guest = Guest { on_stanza: call, imports: &imports, ..Guest::default() };
        assert_eq!(trap(suffers_with(guest, &grants)), format!("{refusal} in `configure`"));
    }
}

/// Redirects to, closes the stream with, or replies with, a text.
fn acts_on(text: &str, call: &str, imports: &str) -> String {
    let (action, len) = (format!("(call $said (local.get $stanza) (i32.const 4) {call})"), text.len());
    let on_stanza = action.replace("$len", &format!("(i32.const {len})"));
    let more = format!("(data (i32.const 1024) \"{text}\")");
    let guest = Guest { on_stanza: &on_stanza, imports, more: &more, ..Guest::default() };
    trap(suffers_with(guest, &["edit", "redirect", "close-stream", "reply"]))
}

#[test]
fn a_redirection_to_nowhere_or_over_the_border_is_a_trap() {
    let redirect = |to| acts_on(to, "(call $redirect (i32.const 1024) $len)", import::REDIRECT);
    assert_eq!(redirect(""), "redirects to what is no address: the domain is not valid");
    assert_eq!(redirect("a@b@c/"), "redirects to what is no address: the domain is not valid");
    assert_eq!(redirect("alice@away.example"), "redirects to another domain, away.example");
}

#[test]
fn a_stream_error_that_does_not_exist_is_a_trap() {
    let call = "(call $close_stream (i32.const 1024) $len (i32.const 0) (i32.const 0) (i32.const 0))";
    let refusal = acts_on("because<>", call, import::CLOSE_STREAM);
    assert_eq!(refusal, "closes the stream with \"because<>\", which RFC 6120 does not define");
}

#[test]
fn a_reply_that_is_no_payload_is_a_trap() {
    let call = "(call $reply (i32.const 1024) $len)";
    for (text, defect) in [
        ("", "not well-formed"),
        ("no element", "not well-formed"),
        ("<a></b>", "not well-formed"),
        ("</message><message to='eve@evil.example'>", "not well-formed"),
        ("<x xmlns='urn:x'><result xmlns='jabber:server:dialback'/></x>", "forbidden target"),
    ] {
        assert_eq!(acts_on(text, call, import::REPLY), format!("replies with what is no payload: {defect}"), "{text}");
    }
}

#[test]
fn a_reply_that_is_too_large_is_a_trap() {
    let long = format!("<body>{}</body>", "x".repeat(60_000));
    let on_stanza = format!(
        "(call $said (local.get $stanza) (i32.const 4) (call $reply (i32.const 1024) (i32.const {})))",
        long.len()
    );
    let guest = Guest { on_stanza: &on_stanza, imports: import::REPLY, pages: 4, ..Guest::default() };
    let zeros = trap(suffers_with(guest, &["edit", "reply"]));
    assert_eq!(zeros, "replies with what is no payload: not well-formed");
    let call = format!("(drop (call $reply (i32.const 1024) (i32.const {}))) unreachable", 70_000);
    let guest = Guest { on_stanza: &call, ..guest };
    assert_eq!(trap(suffers_with(guest, &["edit", "reply"])), "replies with what is no payload: budget exceeded");
}

#[test]
fn a_delay_is_never_longer_than_its_bound() {
    let on_stanza = "(call $said (local.get $stanza) (i32.const 4) (call $delay (i32.const -1)))";
    let endless = spec("endless", Guest { on_stanza, imports: import::DELAY, ..Guest::default() });
    let decision = chain(vec![endless]).worker().judge(&mut Stanza::parse(super::CHAT).unwrap(), super::NOW_MS);
    assert_eq!((decision.fault, decision.delay), (None, Duration::from_secs(10)));
}

#[test]
fn a_rate_that_is_no_number_is_an_answer_not_a_fault() {
    for (burst, rate) in [("1", "nan"), ("1", "-1"), ("1", "inf"), ("0", "1")] {
        let configure = format!(
            "(call $limiter (i32.const 1024) (i32.const 4) (i32.const {burst}) (f64.const {rate}) (i32.const 128))
            (if (i32.eqz (i32.load8_u (i32.const 128))) (then unreachable)) {CONFIGURED}"
        );
        let more = r#"(data (i32.const 1024) "name")"#;
        let guest = Guest { configure: &configure, imports: import::LIMITER, more, ..Guest::default() };
        assert!(Chain::build(&ENGINE, Direction::Inbound, vec![spec("unsteady", guest)]).is_ok(), "{rate}");
    }
}

#[test]
fn an_action_of_an_earlier_call_is_a_trap() {
    // The first call makes an action, keeps it, and passes; the second returns it.
    let on_stanza = "(if (result i32) (global.get $kept)
        (then (call $said (local.get $stanza) (i32.const 4) (global.get $kept)))
        (else
          (global.set $kept (call $bounce (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)))
          (call $said (local.get $stanza) (i32.const 0) (i32.const 0))))";
    let guest = Guest { on_stanza, more: "(global $kept (mut i32) (i32.const 0))", ..Guest::default() };
    let mut worker = chain(vec![spec("hostile", guest)]).worker();
    let mut judge = || worker.judge(&mut Stanza::parse(super::CHAT).unwrap(), super::NOW_MS).fault;
    assert_eq!(judge(), None);
    assert_eq!(judge(), Some(Fault::Trap("returned an action of an earlier call".to_owned())));
}

#[test]
fn an_allocator_that_lies_is_a_trap() {
    // The strings of the head are put where the guest's allocator says.
    let guest = Guest {
        on_stanza: "(global.set $free (i32.const 0x7ffffff0)) (call $xml (local.get $stanza) (i32.const 0) (i32.const 99) (i32.const 128)) unreachable",
        ..Guest::default()
    };
    assert!(trap(suffers(guest)).contains("out of bounds"));
}

#[test]
fn setup_is_closed_while_stanzas_are_judged() {
    // Result at 128: its first byte is 1 for an error.
    let on_stanza = format!(
        "(call $selector (i32.const 1024) (i32.const 4) (i32.const 128))
        (if (i32.eqz (i32.load8_u (i32.const 128))) (then unreachable)) {}",
        says(2, 0)
    );
    let guest = Guest { on_stanza: &on_stanza, more: r#"(data (i32.const 1024) "body")"#, ..Guest::default() };
    let mut worker = chain(vec![spec("late", guest)]).worker();
    assert_eq!(worker.judge(&mut Stanza::parse(super::CHAT).unwrap(), super::NOW_MS).fault, None);
}

#[test]
fn a_selector_that_does_not_compile_is_an_answer_not_a_fault() {
    let configure = format!(
        "(call $selector (i32.const 1024) (i32.const 3) (i32.const 128))
        (if (i32.eqz (i32.load8_u (i32.const 128))) (then unreachable)) {CONFIGURED}"
    );
    let guest = Guest { configure: &configure, more: r#"(data (i32.const 1024) "{a}")"#, ..Guest::default() };
    assert!(Chain::build(&ENGINE, Direction::Inbound, vec![spec("typo", guest)]).is_ok());
}
