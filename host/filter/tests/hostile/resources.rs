//! Time, memory and stack.

use std::time::{Duration, Instant};

use refrain_filter::{Chain, Direction, Fault};
use refrain_proto::Stanza;

use super::guests::{CHAT, CONFIGURED, ENGINE, Guest, NOW_MS, says, spec, worker};
use super::{fault_of, suffers, suffers_on_stanza};

#[test]
fn a_guest_that_spins_ends_by_its_deadline() {
    let spin = Guest { on_stanza: "(loop $for_ever (br $for_ever)) unreachable", ..Guest::default() };
    let mut worker = worker(vec![spec("hostile", spin)]);
    let begin = Instant::now();
    let fault = fault_of(worker.judge(&mut Stanza::parse(CHAT).unwrap(), NOW_MS));
    let took = begin.elapsed();
    assert_eq!(fault, Fault::OutOfTime);
    assert!(took >= Duration::from_millis(5), "{took:?}");
    // Some 7 ms on an idle machine; tests do not run on one.
    assert!(took < Duration::from_secs(2), "{took:?}");
}

#[test]
fn a_guest_that_spins_in_configure_does_not_hold_up_the_build() {
    let spin = Guest { configure: "(loop $for_ever (br $for_ever)) unreachable", ..Guest::default() };
    let errors = Chain::build(&ENGINE, Direction::Inbound, vec![spec("hostile", spin)]).unwrap_err();
    assert_eq!(errors[0].to_string(), "filter hostile: `configure` ran out of time");
}

#[test]
fn a_guest_that_copies_memory_without_end_ends_by_its_deadline() {
    let on_stanza = "(drop (memory.grow (i32.const 200)))
        (loop $again
          (memory.copy (i32.const 0) (i32.const 65536) (i32.const 12000000))
          (br $again))
        unreachable";
    assert_eq!(suffers_on_stanza(on_stanza), Fault::OutOfTime);
}

#[test]
fn a_guest_that_hoards_memory_is_refused_and_named_when_it_gives_up() {
    // Grows page by page until refused, then aborts as an allocator would.
    let on_stanza = "(loop $more (br_if $more (i32.ne (memory.grow (i32.const 1)) (i32.const -1)))) unreachable";
    assert_eq!(suffers_on_stanza(on_stanza), Fault::OutOfMemory);
}

#[test]
fn a_guest_that_can_live_without_more_memory_is_not_at_fault() {
    let on_stanza = format!(
        "(if (i32.ne (memory.grow (i32.const 60000)) (i32.const -1)) (then unreachable))
        (if (i32.eq (memory.grow (i32.const 1)) (i32.const -1)) (then unreachable)) {}",
        says(0, 0)
    );
    let guest = Guest { on_stanza: &on_stanza, ..Guest::default() };
    let decision = worker(vec![spec("modest", guest)]).judge(&mut Stanza::parse(CHAT).unwrap(), NOW_MS);
    assert_eq!(decision.fault, None);
}

#[test]
fn memory_is_bounded_per_filter_not_per_call() {
    // Each call grows by 4 MiB and keeps it; of 16 MiB, the fourth call finds too little left.
    let on_stanza =
        format!("(if (i32.eq (memory.grow (i32.const 64)) (i32.const -1)) (then unreachable)) {}", says(0, 0));
    let mut worker = worker(vec![spec("hostile", Guest { on_stanza: &on_stanza, ..Guest::default() })]);
    let mut faults = (0..4).map(|_| worker.judge(&mut Stanza::parse(CHAT).unwrap(), NOW_MS).fault);
    assert_eq!(faults.by_ref().take(3).collect::<Vec<_>>(), [None, None, None]);
    assert_eq!(faults.next(), Some(Some(Fault::OutOfMemory)));
}

#[test]
fn a_guest_that_begins_with_too_much_memory_does_not_start() {
    let guest = Guest { pages: 512, configure: CONFIGURED, ..Guest::default() };
    let errors = Chain::build(&ENGINE, Direction::Inbound, vec![spec("hostile", guest)]).unwrap_err();
    assert!(errors[0].message.contains("memory"), "{}", errors[0]);
}

#[test]
fn a_guest_that_overflows_its_stack_is_named() {
    let deep = "(func $deep (param i32) (result i32)
        (i32.add (i32.const 1) (call $deep (i32.add (local.get 0) (i32.const 1)))))";
    let guest = Guest { on_stanza: "(call $deep (i32.const 0))", more: deep, ..Guest::default() };
    assert_eq!(suffers(guest), Fault::Trap("wasm trap: call stack exhausted".to_owned()));
}
