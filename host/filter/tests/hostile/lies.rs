//! Guests that break the contract of the interface: bad pointers, bad cases, handles kept or made up.

use refrain_filter::{Chain, Direction, Fault};

use super::guests::{CONFIGURED, ENGINE, Guest, chain, says, spec};
use super::{suffers, suffers_on_stanza};
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
