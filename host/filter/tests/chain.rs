//! A chain of real guests: verdicts, edits, interests and settings, through the sandbox.

mod guests;

use std::sync::{Arc, LazyLock};

use guests::Guest;
use refrain_filter::{
    Chain, ChainWorker, Decision, Direction, Engine, EngineOptions, FilterLimits, FilterSpec, Grants, OnFault, Outcome,
};
use refrain_proto::{Stanza, StanzaCondition};

static ENGINE: LazyLock<Arc<Engine>> = LazyLock::new(|| Engine::new(EngineOptions::default()).unwrap());

const CHAT: &str =
    "<message type='chat' id='1' from='eve@evil.example/x' to='alice@home.example'><body>hello</body></message>";
const NOW_MS: u64 = 1_000;

fn spec(name: &str, guest: Guest<'_>) -> FilterSpec {
    FilterSpec {
        name: name.to_owned(),
        component: ENGINE.load(name, &guest.module()).unwrap(),
        settings: serde_json::json!({}),
        grants: Grants::default(),
        limits: FilterLimits { deadline_ms: 200, ..FilterLimits::default() },
        on_fault: OnFault::Closed,
    }
}

fn worker(specs: Vec<FilterSpec>) -> ChainWorker {
    Arc::new(Chain::build(&ENGINE, Direction::Inbound, specs).unwrap()).worker()
}

/// A guest that says this case of `verdict`, with this payload.
fn says(case: u32, payload: u32) -> String {
    format!("(call $said (local.get $stanza) (i32.const {case}) (i32.const {payload}))")
}

fn judge(on_stanza: &str, xml: &str) -> Decision {
    let guest = Guest { on_stanza, ..Guest::default() };
    worker(vec![spec("f", guest)]).judge(&mut Stanza::parse(xml).unwrap(), NOW_MS)
}

#[test]
fn a_passed_stanza_comes_to_the_end_of_the_chain() {
    let decision = judge(&says(0, 0), CHAT);
    assert_eq!((decision.outcome, decision.filter), (Outcome::Forward, None));
}

#[test]
fn a_dropped_stanza_goes_nowhere_and_names_its_filter() {
    let decision = judge(&says(2, 0), CHAT);
    assert_eq!((decision.outcome, decision.filter.as_deref()), (Outcome::Drop, Some("f")));
}

#[test]
fn a_bounced_stanza_is_answered_by_its_condition() {
    let decision = judge(&says(3, 8), CHAT);
    let Outcome::Bounce(error) = decision.outcome else { panic!("{decision:?}") };
    assert_eq!(error.condition, StanzaCondition::NotAcceptable);
}
