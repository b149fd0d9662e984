//! Guests that call the host too often, or with too much.

use refrain_filter::{Chain, Direction, Fault, Outcome};
use refrain_proto::Stanza;

use super::guests::{CHAT, CONFIGURED, ENGINE, Guest, NOW_MS, import, says, spec, worker};
use super::{suffers, suffers_on_stanza, suffers_with};

#[test]
fn a_flood_of_reasons_exceeds_the_output_budget() {
    let on_stanza = "(loop $again
          (call $reason (local.get $stanza) (i32.const 0) (i32.const 4096))
          (br $again))
        unreachable";
    assert_eq!(suffers_on_stanza(on_stanza), Fault::OutputBudget);
}

#[test]
fn one_huge_string_exceeds_it_before_it_is_copied() {
    let on_stanza = "(drop (memory.grow (i32.const 200)))
        (call $reason (local.get $stanza) (i32.const 0) (i32.const 10000000)) unreachable";
    assert_eq!(suffers_on_stanza(on_stanza), Fault::OutputBudget);
}

#[test]
fn a_flood_of_actions_exceeds_it_too() {
    let on_stanza = "(loop $again
          (drop (call $bounce (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)))
          (br $again))
        unreachable";
    assert_eq!(suffers_on_stanza(on_stanza), Fault::OutputBudget);
}

#[test]
fn a_flood_of_questions_ends_by_the_deadline() {
    let configure = format!("(call $selector (i32.const 1024) (i32.const 6) (i32.const 128)) {CONFIGURED}");
    let on_stanza = "(loop $again (drop (call $test (local.get $stanza) (i32.const 0))) (br $again)) unreachable";
    let more = r#"(data (i32.const 1024) "//a//b")"#;
    assert_eq!(suffers(Guest { configure: &configure, on_stanza, more, ..Guest::default() }), Fault::OutOfTime);
}

#[test]
fn a_flood_of_answers_fills_the_guests_own_memory_only() {
    // The bump allocator never frees, so it runs past its page.
    let on_stanza = "(loop $again
          (call $xml (local.get $stanza) (i32.const 0) (i32.const 4096) (i32.const 128))
          (br $again))
        unreachable";
    let Fault::Trap(_) = suffers_on_stanza(on_stanza) else { panic!("no trap") };
}

#[test]
fn a_flood_of_log_lines_is_cut_and_no_fault() {
    let on_stanza = format!(
        "(local $left i32)
        (local.set $left (i32.const 1000))
        (loop $again
          (call $log (i32.const 4) (i32.const 0) (i32.const 2000))
          (br_if $again (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))
        {}",
        says(0, 0)
    );
    let guest = Guest { on_stanza: &on_stanza, ..Guest::default() };
    let decision = worker(vec![spec("chatty", guest)]).judge(&mut Stanza::parse(CHAT).unwrap(), NOW_MS);
    assert_eq!((decision.outcome, decision.fault), (Outcome::Forward, None));
}

#[test]
fn a_long_reason_is_cut_at_a_character() {
    // 300 bytes of a letter that takes two, after one that takes one.
    let on_stanza = format!(
        "(memory.fill (i32.const 2048) (i32.const 0xa9) (i32.const 300))
        (local.set $i (i32.const 2049))
        (loop $again
          (i32.store8 (local.get $i) (i32.const 0xc3))
          (br_if $again (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 2))) (i32.const 2347))))
        (i32.store8 (i32.const 2048) (i32.const 0x61))
        (call $reason (local.get $stanza) (i32.const 2048) (i32.const 299)) {}",
        says(2, 0)
    );
    let on_stanza = format!("(local $i i32) {on_stanza}");
    let guest = Guest { on_stanza: &on_stanza, ..Guest::default() };
    let decision = worker(vec![spec("long", guest)]).judge(&mut Stanza::parse(CHAT).unwrap(), NOW_MS);
    let reason = decision.reason.expect("a reason");
    assert_eq!((reason.len(), reason.chars().count()), (255, 128));
}

/// Repeats a call with the text at 2048, which begins with eight other bytes each time.
fn with_ever_new_keys(call: &str) -> String {
    format!(
        "(loop $again
          (i32.store (i32.const 2048) (i32.or (i32.const 0x30303030) (i32.and (global.get $n) (i32.const 0x0f0f0f0f))))
          (i32.store (i32.const 2052) (i32.or (i32.const 0x30303030) (i32.and (i32.shr_u (global.get $n) (i32.const 4)) (i32.const 0x0f0f0f0f))))
          (global.set $n (i32.add (global.get $n) (i32.const 1)))
          {call}
          (br $again))
        unreachable"
    )
}

const NAMED: &str = r#"(data (i32.const 1024) "flooded") (global $n (mut i32) (i32.const 0))"#;

#[test]
fn a_flood_of_keys_exceeds_the_output_budget() {
    let configure = format!(
        "(call $limiter (i32.const 1024) (i32.const 7) (i32.const 1) (f64.const 1) (i32.const 128)) {CONFIGURED}"
    );
    let on_stanza =
        with_ever_new_keys("(drop (call $take (i32.const 0) (i32.const 2048) (i32.const 999) (i32.const 1)))");
    let (configure, on_stanza) = (&*configure, &*on_stanza);
    let guest = Guest { configure, on_stanza, imports: import::LIMITER, more: NAMED, ..Guest::default() };
    assert_eq!(suffers(guest), Fault::OutputBudget);
}

#[test]
fn a_flood_of_values_exceeds_it_too() {
    let configure = format!("(call $open_bucket (i32.const 1024) (i32.const 7) (i32.const 128)) {CONFIGURED}");
    let on_stanza = with_ever_new_keys(
        "(call $set (i32.const 0) (i32.const 2048) (i32.const 8) (i32.const 0) (i32.const 4096) (i32.const 0) (i32.const 128))",
    );
    let (configure, on_stanza) = (&*configure, &*on_stanza);
    let guest = Guest { configure, on_stanza, imports: import::BUCKET, more: NAMED, ..Guest::default() };
    assert_eq!(suffers_with(guest, &["edit", "bucket:flooded"]), Fault::OutputBudget);
}

#[test]
fn a_flood_of_counts_ends_by_the_deadline() {
    let configure = format!(
        "(call $counter (i32.const 1024) (i32.const 7) (i32.const 0) (i32.const 0) (i32.const 128)) {CONFIGURED}"
    );
    let on_stanza = "(loop $again (call $add (i32.const 0) (i64.const -1)) (br $again)) unreachable";
    let guest = Guest { configure: &configure, on_stanza, imports: import::COUNTER, more: NAMED, ..Guest::default() };
    assert_eq!(suffers(guest), Fault::OutOfTime);
}

#[test]
fn a_flood_of_names_is_refused_in_configure() {
    // The 33rd counter is an error; the ones before are not.
    let configure = format!(
        "(loop $again
          (call $counter (i32.const 1024) (i32.const 7) (i32.const 0) (i32.const 0) (i32.const 128))
          (if (i32.load8_u (i32.const 128)) (then unreachable))
          (global.set $n (i32.add (global.get $n) (i32.const 1)))
          (br_if $again (i32.lt_u (global.get $n) (i32.const 32))))
        (call $counter (i32.const 1024) (i32.const 7) (i32.const 0) (i32.const 0) (i32.const 128))
        (if (i32.eqz (i32.load8_u (i32.const 128))) (then unreachable))
        {CONFIGURED}"
    );
    let guest = Guest { configure: &configure, imports: import::COUNTER, more: NAMED, ..Guest::default() };
    assert!(Chain::build(&ENGINE, Direction::Inbound, vec![spec("namer", guest)]).is_ok());
}
