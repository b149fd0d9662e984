//! Guests that misbehave: each is contained, named, and costs its own call only.

#![allow(clippy::unwrap_used, reason = "in a test, what cannot be unwrapped is the failure")]

#[path = "../guests/mod.rs"]
mod guests;

mod edits;
mod floods;
mod grants;
mod lies;
mod resources;

use guests::{CHAT, Guest, NOW_MS, granted, spec, worker};
use refrain_filter::{CircuitLimits, Decision, Fault, FilterSpec, OnFault, Outcome};
use refrain_proto::{Stanza, StanzaCondition};

/// Judges a chat message by this guest alone, twice with the same worker, and returns the fault.
///
/// What holds for every fault is checked here: the stanza is bounced as an error of ours, stays as it was, and the next one
/// meets a new instance, which can misbehave in the same way only.
fn suffers(guest: Guest<'_>) -> Fault {
    suffers_with(guest, &["edit"])
}

fn suffers_with(guest: Guest<'_>, grants: &[&str]) -> Fault {
    let mut worker = worker(vec![granted(spec("hostile", guest), grants)]);
    let first = fault_of(worker.judge(&mut Stanza::parse(CHAT).unwrap(), NOW_MS));
    let mut stanza = Stanza::parse(CHAT).unwrap();
    let second = worker.judge(&mut stanza, NOW_MS);
    assert_eq!(stanza.to_xml(), Stanza::parse(CHAT).unwrap().to_xml());
    assert_eq!(fault_of(second), first);
    first
}

fn fault_of(decision: Decision) -> Fault {
    let Outcome::Bounce(error) = &decision.outcome else { panic!("not bounced: {decision:?}") };
    assert_eq!(error.condition, StanzaCondition::InternalServerError);
    assert_eq!(decision.filter.as_deref(), Some("hostile"));
    decision.fault.expect("a fault")
}

fn suffers_on_stanza(on_stanza: &str) -> Fault {
    suffers(Guest { on_stanza, ..Guest::default() })
}

#[test]
fn a_guest_that_traps_is_named() {
    let Fault::Trap(trap) = suffers_on_stanza("unreachable") else { panic!("no trap") };
    assert_eq!(trap, "wasm trap: wasm `unreachable` instruction executed");
}

#[test]
fn a_filter_that_helps_is_passed_by_when_it_fails() {
    let open = FilterSpec {
        on_fault: OnFault::Open.into(),
        ..spec("open", Guest { on_stanza: "unreachable", ..Guest::default() })
    };
    let decision = worker(vec![open]).judge(&mut Stanza::parse(CHAT).unwrap(), NOW_MS);
    assert_eq!((decision.outcome, decision.filter, decision.fault), (Outcome::Forward, None, None));
}

#[test]
fn a_fault_does_not_touch_the_other_filters() {
    let failing = FilterSpec {
        on_fault: OnFault::Open.into(),
        circuit: CircuitLimits { failures: 0, ..CircuitLimits::default() },
        ..spec("open", Guest { on_stanza: "unreachable", ..Guest::default() })
    };
    let dropping = spec("drops", Guest { on_stanza: &guests::says(2, 0), ..Guest::default() });
    let chain = guests::chain(vec![failing, dropping]);
    let mut worker = chain.worker();
    for _ in 0..10 {
        let decision = worker.judge(&mut Stanza::parse(CHAT).unwrap(), NOW_MS);
        assert_eq!((decision.outcome, decision.filter.as_deref()), (Outcome::Drop, Some("drops")));
    }
    let counts = chain.counts();
    assert_eq!((counts[0].1.faults[0], counts[1].1.dropped), (10, 10));
}

#[test]
fn a_fault_on_what_must_not_be_answered_drops_it() {
    let error = "<message type='error' from='a@x.example' to='b@y.example'/>";
    let guest = Guest { on_stanza: "unreachable", ..Guest::default() };
    let decision = worker(vec![spec("hostile", guest)]).judge(&mut Stanza::parse(error).unwrap(), NOW_MS);
    assert_eq!(decision.outcome, Outcome::Drop);
    assert!(decision.fault.is_some());
}
