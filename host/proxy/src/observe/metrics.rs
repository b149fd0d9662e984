//! The status in the text format of Prometheus. The names are stable, and their labels take their values from the configuration
//! and from our own lists, never from traffic: no peer can make the number of series grow.

use std::fmt::{Display, Write as _};

use super::audit::direction_name;
use crate::control::status::{CircuitState, FilterStatus, Status};
use crate::lists::freshness::Freshness;
use crate::relations::RelationCounts;

/// Writes all of it.
pub fn write(status: &Status) -> String {
    let mut page = Page::default();
    process(&mut page, status);
    traffic(&mut page, status);
    refusals(&mut page, status);
    lists(&mut page, status);
    filters(&mut page, status);
    page.text
}

fn process(page: &mut Page, status: &Status) {
    page.family("refrain_build_info", "gauge", "The running version.");
    page.sample("refrain_build_info", &[("version", &status.version)], 1);
    page.family("refrain_uptime_seconds", "gauge", "Since the process was ready.");
    page.sample("refrain_uptime_seconds", &[], status.uptime_seconds);
    page.family("refrain_generation", "gauge", "The generation that is live.");
    page.sample("refrain_generation", &[], status.generation.number);
    page.family("refrain_reloads_total", "counter", "Attempts to change the generation.");
    page.sample("refrain_reloads_total", &[("result", "succeeded")], status.reloads.succeeded);
    page.sample("refrain_reloads_total", &[("result", "refused")], status.reloads.refused);
    let refused = status.reloads.last.as_ref().is_some_and(|last| last.generation.is_none());
    page.family(
        "refrain_last_reload_refused",
        "gauge",
        "1 while the file and the live generation differ for its mistakes.",
    );
    page.sample("refrain_last_reload_refused", &[], u64::from(refused));
}

fn traffic(page: &mut Page, status: &Status) {
    let totals = status.stanzas.totals;
    page.family("refrain_stanzas_accepted_total", "counter", "Stanzas that entered the chain.");
    page.sample("refrain_stanzas_accepted_total", &[], totals.accepted);
    page.family("refrain_stanzas_ended_total", "counter", "How accepted stanzas ended.");
    for (end, count) in [("forwarded", totals.forwarded), ("bounced", totals.bounced), ("dropped", totals.dropped)] {
        page.sample("refrain_stanzas_ended_total", &[("end", end)], count);
    }
    page.family("refrain_stanzas_in_flight", "gauge", "Accepted, and not ended yet.");
    page.sample("refrain_stanzas_in_flight", &[], status.stanzas.in_flight);
    page.family("refrain_stanzas_waiting", "gauge", "Of these, in a queue, or written and not acknowledged.");
    page.sample("refrain_stanzas_waiting", &[], status.stanzas.waiting);
    let continuity = &status.continuity;
    page.family("refrain_peers_known", "gauge", "Remote domains that have proven themselves and are remembered.");
    page.sample("refrain_peers_known", &[], continuity.known);
    page.family("refrain_peer_key_changes_total", "counter", "Remote domains that came with another key than before.");
    page.sample("refrain_peer_key_changes_total", &[], continuity.key_changes);
    page.family("refrain_state_failures_total", "counter", "Attempts to read or write the store that failed.");
    page.sample("refrain_state_failures_total", &[], continuity.store_failures);
    if let Some(relations) = &status.relations {
        write_relations(page, relations);
    }
    page.family("refrain_streams", "gauge", "Open streams: accepted ones, and established ones of our own.");
    let streams = &status.streams;
    for (side, way, count) in [
        ("outside", "accepted", streams.from_outside),
        ("inside", "accepted", streams.from_inside),
        ("outside", "initiated", streams.to_outside),
        ("inside", "initiated", streams.to_inside),
    ] {
        page.sample("refrain_streams", &[("side", side), ("way", way)], count);
    }
    page.family("refrain_dial_failures_total", "counter", "Names and servers that a stream could not be opened to.");
    for (side, counts) in [("outside", &status.dials.outside), ("inside", &status.dials.inside)] {
        for (reason, count) in counts {
            page.sample("refrain_dial_failures_total", &[("side", side), ("reason", reason)], count);
        }
    }
    page.family("refrain_dns_questions_total", "counter", "Questions of protected servers to our name server.");
    page.sample("refrain_dns_questions_total", &[], status.names.questions);
    page.family("refrain_dns_refused_total", "counter", "What it did not answer.");
    for (reason, count) in &status.names.refused {
        page.sample("refrain_dns_refused_total", &[("reason", reason)], count);
    }
}

fn write_relations(page: &mut Page, counts: &RelationCounts) {
    page.family("refrain_relations", "gauge", "Pairs of a local and a remote address that know each other.");
    page.sample("refrain_relations", &[], counts.known);
    page.family("refrain_relations_changes_total", "counter", "Pairs that were learned, or not, or are known no more.");
    for (change, count) in [
        ("learned", counts.learned),
        ("too-fast", counts.too_fast),
        ("forgotten", counts.forgotten),
        ("evicted", counts.evicted),
        ("expired", counts.expired),
    ] {
        page.sample("refrain_relations_changes_total", &[("change", change)], count);
    }
    page.family("refrain_relations_failures_total", "counter", "Attempts to read or write their store that failed.");
    page.sample("refrain_relations_failures_total", &[], counts.store_failures);
}

fn refusals(page: &mut Page, status: &Status) {
    page.family("refrain_refusals_total", "counter", "What was refused, cut off or held back, and why.");
    for (reason, count) in &status.refusals {
        page.sample("refrain_refusals_total", &[("reason", reason)], count);
    }
}

fn lists(page: &mut Page, status: &Status) {
    page.family("refrain_list_entries", "gauge", "Entries of a list that count.");
    for list in &status.lists {
        page.sample("refrain_list_entries", &[("list", &list.name)], list.entries);
    }
    page.family("refrain_list_hits_total", "counter", "Look-ups that a list covered, or as a preview would have.");
    for list in &status.lists {
        let preview = if list.preview { "true" } else { "false" };
        page.sample("refrain_list_hits_total", &[("list", &list.name), ("preview", preview)], list.hits);
    }
    page.family("refrain_list_stale", "gauge", "1 while a source of a list was not heard for too long, or never.");
    let sources = || status.lists.iter().flat_map(|list| list.sources.iter().map(move |source| (list, source)));
    for (list, source) in sources() {
        let labels = [("list", list.name.as_str()), ("source", source.source.as_str())];
        page.sample("refrain_list_stale", &labels, u64::from(source.freshness != Freshness::Fresh));
    }
    page.family("refrain_list_heard_seconds", "gauge", "Since a source of a list was heard last.");
    for (list, source) in sources() {
        let labels = [("list", list.name.as_str()), ("source", source.source.as_str())];
        if let Some(seconds) = source.heard_seconds_ago {
            page.sample("refrain_list_heard_seconds", &labels, seconds);
        }
    }
}

fn filters(page: &mut Page, status: &Status) {
    let chains = status.chains.iter();
    let filters: Vec<(&str, &FilterStatus)> =
        chains.flat_map(|chain| chain.filters.iter().map(|filter| (direction_name(chain.direction), filter))).collect();
    let mut family = |name: &str, kind, help, samples: &dyn Fn(&FilterStatus) -> Samples| {
        page.family(name, kind, help);
        for (chain, filter) in &filters {
            for (label, value) in samples(filter) {
                let labels = [("chain", *chain), ("filter", &filter.name)];
                let labels: Vec<(&str, &str)> =
                    labels.into_iter().chain(label.as_ref().map(|(key, value)| (*key, value.as_str()))).collect();
                page.sample(name, &labels, value);
            }
        }
    };
    family("refrain_filter_calls_total", "counter", "Stanzas a filter was asked about.", &|f| one(f.calls));
    family("refrain_filter_skips_total", "counter", "Stanzas that none of its interests matched.", &|f| one(f.skips));
    family("refrain_filter_verdicts_total", "counter", "What it said.", &|f| each("verdict", &f.verdicts));
    family("refrain_filter_edits_total", "counter", "Stanzas that it edited.", &|f| one(f.edited));
    family("refrain_filter_faults_total", "counter", "How it failed.", &|f| each("cause", &f.faults));
    family("refrain_filter_memory_bytes", "gauge", "Memory of its instances.", &|f| one(f.memory_bytes));
    family("refrain_filter_instances", "gauge", "Its instances.", &|f| one(u64::from(f.instances)));
    family("refrain_filter_circuit_open", "gauge", "1 while it is not asked because it failed too often.", &|f| {
        one(u64::from(matches!(f.circuit, CircuitState::Open { .. })))
    });
    page.family("refrain_filter_latency_seconds", "histogram", "How long its calls took.");
    for (chain, filter) in &filters {
        latency(page, chain, filter);
    }
    page.family("refrain_filter_counter_total", "counter", "What a filter counts itself.");
    for counter in &status.counters {
        let labels = [("filter", counter.filter.as_str()), ("name", &counter.name)];
        page.sample("refrain_filter_counter_total", &labels, counter.value);
    }
}

/// Upper bounds of the published buckets, in microseconds: from a call that does nothing to the longest deadline.
const LATENCY_BOUNDS: [f64; 14] = [1.0, 2.5, 5.0, 10.0, 25.0, 50.0, 100.0, 250.0, 500.0, 1e3, 2.5e3, 5e3, 1e5, 1e6];

/// A call counts as no faster than the upper end of the fine bucket it fell into: at most a quarter too slow.
fn latency(page: &mut Page, chain: &str, filter: &FilterStatus) {
    let name = |suffix: &str| format!("refrain_filter_latency_seconds_{suffix}");
    let labels = [("chain", chain), ("filter", filter.name.as_str())];
    for bound in LATENCY_BOUNDS {
        let within: u64 = filter.latency.iter().filter(|(up_to, _)| *up_to <= bound).map(|(_, count)| count).sum();
        let le = (bound / 1e6).to_string();
        page.sample(&name("bucket"), &[labels[0], labels[1], ("le", &le)], within);
    }
    let count: u64 = filter.latency.iter().map(|(_, count)| count).sum();
    let sum: f64 = filter.latency.iter().map(|(up_to, count)| up_to / 1e6 * *count as f64).sum();
    page.sample(&name("bucket"), &[labels[0], labels[1], ("le", "+Inf")], count);
    page.sample(&name("sum"), &labels, sum);
    page.sample(&name("count"), &labels, count);
}

/// The samples of one filter in one family, each with a label of its own or none.
type Samples = Vec<(Option<(&'static str, String)>, u64)>;

fn one(value: u64) -> Samples {
    vec![(None, value)]
}

fn each(label: &'static str, counts: &[(String, u64)]) -> Samples {
    counts.iter().map(|(value, count)| (Some((label, value.clone())), *count)).collect()
}

/// The page as it grows.
#[derive(Default)]
struct Page {
    text: String,
}

impl Page {
    fn family(&mut self, name: &str, kind: &str, help: &str) {
        // Writing to a string cannot fail.
        let _ = writeln!(self.text, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: impl Display) {
        self.text.push_str(name);
        for (index, (label, value)) in labels.iter().enumerate() {
            let open = if index == 0 { '{' } else { ',' };
            let _ = write!(self.text, "{open}{label}=\"{}\"", escaped(value));
        }
        let _ = writeln!(self.text, "{} {value}", if labels.is_empty() { "" } else { "}" });
    }
}

fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_is_written_as_prometheus_reads_it() {
        let mut page = Page::default();
        page.family("refrain_x_total", "counter", "Xs.");
        page.sample("refrain_x_total", &[], 1);
        page.sample("refrain_x_total", &[("a", "b\"c\\d\n"), ("e", "f")], 2.5);
        assert_eq!(
            page.text,
            "# HELP refrain_x_total Xs.\n# TYPE refrain_x_total counter\nrefrain_x_total 1\n\
             refrain_x_total{a=\"b\\\"c\\\\d\\n\",e=\"f\"} 2.5\n"
        );
    }
}
