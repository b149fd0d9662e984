//! `on-fault`, `circuit` and `isolation` of a filter: what happens when it fails, and what a failure can reach.

use std::time::Duration;

use refrain_filter::{CircuitLimits, Fault, FaultPolicy, Isolation, OnFault};

use super::file::Section;

const CLOSED_OR_OPEN: &str = "write \"closed\" (bounce) or \"open\" (let pass)";

/// Reads `on-fault`: one word for every cause, or a table with a word for some and a `default`.
pub(super) fn policy(filter: &Section<'_>) -> FaultPolicy {
    if !filter.is_table("on-fault") {
        return filter.parsed("on-fault", on_fault, CLOSED_OR_OPEN).unwrap_or_default().into();
    }
    let Some(table) = filter.section("on-fault") else { return FaultPolicy::default() };
    let known: Vec<&str> = ["default"].into_iter().chain(Fault::CAUSES).collect();
    table.knows(&known);
    let default = FaultPolicy::from(table.parsed("default", on_fault, CLOSED_OR_OPEN).unwrap_or_default());
    Fault::CAUSES.iter().enumerate().fold(default, |policy, (cause, name)| {
        match table.parsed(name, on_fault, CLOSED_OR_OPEN) {
            Some(on_fault) => policy.with(cause, on_fault),
            None => policy,
        }
    })
}

fn on_fault(text: &str) -> Result<OnFault, &'static str> {
    match text {
        "closed" => Ok(OnFault::Closed),
        "open" => Ok(OnFault::Open),
        _ => Err("is neither \"closed\" nor \"open\""),
    }
}

/// Reads `circuit`; what is not written keeps its default.
pub(super) fn circuit(filter: &Section<'_>) -> CircuitLimits {
    let default = CircuitLimits::default();
    let Some(table) = filter.section("circuit") else { return default };
    table.knows(&["failures", "window-seconds", "pause-seconds"]);
    let seconds = |key, range, default| table.number(key, range).map_or(default, Duration::from_secs);
    let failures = table.number("failures", 0..=CircuitLimits::FAILURES_MAX.into());
    CircuitLimits {
        failures: failures.and_then(|failures| u32::try_from(failures).ok()).unwrap_or(default.failures),
        window: seconds("window-seconds", 1..=3_600, default.window),
        pause: seconds("pause-seconds", 1..=CircuitLimits::PAUSE_MAX.as_secs(), default.pause),
    }
}

/// Reads `isolation`.
pub(super) fn isolation(filter: &Section<'_>) -> Isolation {
    let advice = "write \"worker\" (fast), \"peer\" (remote domains apart) or \"stanza\" (all apart, slow)";
    let parse = |text: &str| match text {
        "worker" => Ok(Isolation::Worker),
        "peer" => Ok(Isolation::Peer),
        "stanza" => Ok(Isolation::Stanza),
        _ => Err("there is no such isolation"),
    };
    filter.parsed("isolation", parse, advice).unwrap_or_default()
}
