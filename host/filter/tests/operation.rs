//! What the operator sees and sets: steps, counters, latency, isolation, the circuit of a filter that fails.

#![allow(clippy::unwrap_used, reason = "in a test, what cannot be unwrapped is the failure")]

mod guests;

use std::sync::Arc;
use std::time::Duration;

use guests::{CHAT, Guest, NOW_MS, chain, says, spec};
use refrain_filter::{
    Chain, Circuit, CircuitLimits, Decision, Fault, FaultPolicy, FilterSpec, Isolation, OnFault, Outcome, Word,
};
use refrain_proto::Stanza;

/// Passes the first stanza that an instance sees and drops the others: tells which stanzas met the same instance.
const REMEMBERS: Guest<'static> = Guest {
    configure: guests::CONFIGURED,
    on_stanza: "(global.set $seen (i32.add (global.get $seen) (i32.const 1)))
        (call $said (local.get $stanza)
            (select (i32.const 0) (i32.const 2) (i32.eq (global.get $seen) (i32.const 1))) (i32.const 0))",
    imports: "",
    more: "(global $seen (mut i32) (i32.const 0))",
    pages: 1,
};

const TRAPS: Guest<'static> =
    Guest { configure: guests::CONFIGURED, on_stanza: "unreachable", imports: "", more: "", pages: 1 };

fn remembers(isolation: Isolation) -> FilterSpec {
    FilterSpec { isolation, ..spec("remembers", REMEMBERS) }
}

fn traps(circuit: CircuitLimits, on_fault: impl Into<FaultPolicy>) -> Arc<Chain> {
    chain(vec![FilterSpec { circuit, on_fault: on_fault.into(), ..spec("traps", TRAPS) }])
}

fn circuit(failures: u32, pause: Duration) -> CircuitLimits {
    CircuitLimits { failures, pause, ..CircuitLimits::default() }
}

fn from(domain: &str) -> Stanza {
    Stanza::parse(&CHAT.replace("evil.example", domain)).unwrap()
}

/// Judges a stanza from each domain by one worker; true for those that were dropped.
fn dropped(spec: FilterSpec, domains: &[&str]) -> Vec<bool> {
    let mut worker = chain(vec![spec]).worker();
    let drops = |domain: &&str| worker.judge(&mut from(domain), NOW_MS).outcome == Outcome::Drop;
    domains.iter().map(drops).collect()
}

fn judge_chat(worker: &mut refrain_filter::ChainWorker) -> Decision {
    worker.judge(&mut Stanza::parse(CHAT).unwrap(), NOW_MS)
}

#[test]
fn isolated_by_worker_all_stanzas_meet_one_instance() {
    assert_eq!(dropped(remembers(Isolation::Worker), &["a.example", "b.example", "a.example"]), [false, true, true]);
}

#[test]
fn isolated_by_peer_only_those_of_one_domain_do() {
    let domains = ["a.example", "b.example", "a.example", "c.example", "b.example"];
    assert_eq!(dropped(remembers(Isolation::Peer), &domains), [false, false, true, false, true]);
}

#[test]
fn of_very_many_peers_the_longest_silent_one_starts_anew() {
    let domains: Vec<String> = (0..17).map(|n| format!("peer{n}.example")).collect();
    let mut asked: Vec<&str> = domains.iter().map(String::as_str).collect();
    asked.extend(["peer16.example", "peer0.example"]);
    let dropped = dropped(remembers(Isolation::Peer), &asked);
    assert_eq!(dropped[17..], [true, false], "the newest is remembered, the oldest was given up");
}

#[test]
fn isolated_by_stanza_none_does() {
    assert_eq!(dropped(remembers(Isolation::Stanza), &["a.example"; 4]), [false; 4]);
}

#[test]
fn the_status_tells_instances_and_their_memory_while_they_live() {
    let chain = chain(vec![remembers(Isolation::Peer)]);
    let mut worker = chain.worker();
    ["a.example", "b.example"].iter().for_each(|domain| drop(worker.judge(&mut from(domain), NOW_MS)));
    let counts = chain.status()[0].counts;
    assert_eq!((counts.calls, counts.instances), (2, 2));
    assert!(counts.memory_bytes >= 2 << 16, "a page of memory each, and a table: {}", counts.memory_bytes);
    drop(worker);
    assert_eq!(chain.status()[0].counts.instances, 0);
    let _second = chain.worker();
    assert_eq!(chain.status()[0].counts.calls, 2, "a new worker goes on with the counters of one that ended");
}

#[test]
fn every_filter_that_was_asked_leaves_a_step() {
    let reasoned = "(call $reason (local.get $stanza) (i32.const 4096) (i32.const 3))";
    let on_stanza = format!("{reasoned} {}", says(2, 0));
    let guest = Guest { on_stanza: &on_stanza, more: "(data (i32.const 4096) \"why\")", ..Guest::default() };
    let chain = chain(vec![
        FilterSpec { on_fault: OnFault::Open.into(), ..spec("traps", TRAPS) },
        spec("passes", Guest::default()),
        spec("drops", guest),
        spec("never asked", Guest::default()),
    ]);
    let mut worker = chain.worker();
    let decision = judge_chat(&mut worker);
    assert_eq!((decision.filter.as_deref(), decision.reason.as_deref()), (Some("drops"), Some("why")));
    assert!(worker.failed());
    let steps = worker.steps();
    let said: Vec<_> = steps.iter().map(|step| (&*step.filter, step.said)).collect();
    assert_eq!(said, [("traps", None), ("passes", Some(Word::Pass)), ("drops", Some(Word::Drop))]);
    assert!(matches!(steps[0].fault, Some(Fault::Trap(_))));
    assert_eq!(steps[0].evidence.as_deref(), Some(Stanza::parse(CHAT).unwrap().to_xml().as_str()));
    assert!(steps.iter().all(|step| step.nanos > 0));
    let status = chain.status();
    assert_eq!(status[2].reasons, [("why".to_owned(), 1)]);
    assert_eq!((status[2].latency.count(), status[3].latency.count(), chain.latency().count()), (1, 0, 1));
}

#[test]
fn a_trap_is_told_in_the_words_of_the_guest() {
    let on_stanza = "(call $reason (local.get $stanza) (i32.const 4096) (i32.const 12)) unreachable";
    let guest = Guest { on_stanza, more: "(data (i32.const 4096) \"panicked: no\")", ..Guest::default() };
    let decision = judge_chat(&mut chain(vec![spec("panics", guest)]).worker());
    assert_eq!(decision.fault, Some(Fault::Trap("panicked: no".to_owned())));
}

#[test]
fn the_policy_may_differ_by_cause() {
    let out_of_time = Fault::OutOfTime.cause();
    let policy = FaultPolicy::from(OnFault::Open).with(out_of_time, OnFault::Closed);
    let trapped = judge_chat(&mut traps(circuit(0, Duration::ZERO), policy).worker());
    assert_eq!(trapped.outcome, Outcome::Forward);
    let spins = Guest { on_stanza: "(loop (br 0)) unreachable", ..Guest::default() };
    let spins = FilterSpec { on_fault: policy, ..spec("spins", spins) };
    let decision = judge_chat(&mut chain(vec![spins]).worker());
    assert!(matches!(decision.outcome, Outcome::Bounce(_)), "{decision:?}");
    assert_eq!(decision.fault, Some(Fault::OutOfTime));
}

#[test]
fn after_too_many_failures_a_filter_is_not_asked_for_a_while() {
    let chain = traps(circuit(3, Duration::from_secs(600)), OnFault::Closed);
    let mut worker = chain.worker();
    let faults: Vec<_> = (0..5).map(|_| judge_chat(&mut worker).fault.unwrap().cause()).collect();
    assert_eq!(faults, [0, 0, 0, 7, 7]);
    let status = &chain.status()[0];
    assert!(matches!(status.circuit, Circuit::Open(_)));
    assert_eq!((status.counts.calls, status.counts.faults[7], chain.latency().count()), (3, 2, 5));
    assert!(!worker.failed(), "a stanza that met an open circuit is no evidence");
}

#[test]
fn while_it_is_not_asked_the_policy_decides() {
    let mut worker = traps(circuit(1, Duration::from_secs(600)), OnFault::Open).worker();
    assert!((0..3).all(|_| judge_chat(&mut worker).outcome == Outcome::Forward));
}

#[test]
fn a_filter_that_works_again_is_asked_again() {
    // Its first two stanzas trap an instance each; the third has a body of another length and passes.
    let on_stanza =
        format!("(if (i32.eq (local.get $size) (i32.const {})) (then unreachable)) {}", CHAT.len(), says(0, 0));
    let recovers = spec("recovers", Guest { on_stanza: &on_stanza, ..Guest::default() });
    let chain = chain(vec![FilterSpec { circuit: circuit(2, Duration::from_millis(20)), ..recovers }]);
    let mut worker = chain.worker();
    assert_eq!(
        [judge_chat(&mut worker).fault.unwrap().cause(), judge_chat(&mut worker).fault.unwrap().cause()],
        [0, 0]
    );
    let good = || Stanza::parse(&CHAT.replace("hello", "hello again")).unwrap();
    assert_eq!(worker.judge(&mut good(), NOW_MS).fault, Some(Fault::CircuitOpen));
    let tries = (0..500).map(|_| {
        std::thread::sleep(Duration::from_millis(5));
        worker.judge(&mut good(), NOW_MS).fault
    });
    assert!(tries.into_iter().any(|fault| fault.is_none()), "it never closed");
    assert_eq!(chain.status()[0].circuit, Circuit::Closed);
}
