//! The status in the text format of Prometheus. The names are stable, and their labels take their values from the configuration
//! and from our own lists, never from traffic: no peer can make the number of series grow.

use std::fmt::{Display, Write as _};

use super::audit::direction_name;
use crate::control::status::{FilterStatus, Status};

/// Writes all of it.
pub fn write(status: &Status) -> String {
    let mut page = Page::default();
    process(&mut page, status);
    traffic(&mut page, status);
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
