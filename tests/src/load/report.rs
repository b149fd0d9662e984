//! The figures of a run, as a table for people and as JSON for whoever compares runs.

use serde_json::{Value, json};

/// What one variant costs.
#[derive(Clone, Debug)]
pub struct Figures {
    /// What was measured.
    pub variant: &'static str,
    /// At full speed, records filled.
    pub full: Peak,
    /// At full speed, one stanza a record.
    pub one_each: Peak,
    /// At 1,000 stanzas a second.
    pub at_1000: Latency,
    /// At 5,000 stanzas a second.
    pub at_5000: Latency,
    /// Resident bytes with one stream.
    pub resident_one: Option<u64>,
    /// Resident bytes with a hundred streams.
    pub resident_many: Option<u64>,
    /// Stanzas sent in all, of which every one has arrived.
    pub sent: u64,
    /// Stanzas that the proxy's closing account does not call forwarded.
    pub lost: Option<u64>,
}

/// Throughput at full speed.
#[derive(Clone, Copy, Debug)]
pub struct Peak {
    /// Stanzas a second that arrived.
    pub per_second: f64,
    /// Processor time of the thing under test, in microseconds a stanza.
    pub cpu_micros: Option<f64>,
}

/// Time under way at a steady rate.
#[derive(Clone, Copy, Debug)]
pub struct Latency {
    /// Half of the stanzas were not slower, in microseconds.
    pub p50: f64,
    /// 99 of 100 were not slower, in microseconds.
    pub p99: f64,
    /// Processor time of the thing under test, in microseconds a stanza.
    pub cpu_micros: Option<f64>,
}

impl Latency {
    /// Sorts out single times, in nanoseconds.
    pub fn of(mut nanoseconds: Vec<u64>, cpu_micros: Option<f64>) -> Self {
        nanoseconds.sort_unstable();
        let at = |part: f64| {
            let index = (nanoseconds.len() as f64 * part) as usize;
            nanoseconds.get(index).map_or(f64::NAN, |time| *time as f64 / 1e3)
        };
        Self { p50: at(0.5), p99: at(0.99), cpu_micros }
    }
}

/// Writes the table.
pub fn table(all: &[Figures]) -> String {
    let mut table = String::from(
        "| thing under test | peak, stanzas/s | CPU µs a stanza | one record a stanza: stanzas/s | CPU µs | \
         p50 / p99 µs at 1,000/s | CPU µs | p50 / p99 µs at 5,000/s | CPU µs | resident MB, 1 / 100 streams |\n\
         |---|---|---|---|---|---|---|---|---|---|\n",
    );
    for figures in all {
        table += &row(figures);
    }
    table
}

fn row(figures: &Figures) -> String {
    let micros = |time: Option<f64>| time.map_or("–".to_owned(), |time| format!("{time:.2}"));
    let latency =
        |latency: &Latency| format!("{:.0} / {:.0} | {}", latency.p50, latency.p99, micros(latency.cpu_micros));
    let megabytes = |bytes: Option<u64>| bytes.map_or("–".to_owned(), |bytes| format!("{:.1}", bytes as f64 / 1e6));
    format!(
        "| {} | {:.0} | {} | {:.0} | {} | {} | {} | {} / {} |\n",
        figures.variant,
        figures.full.per_second,
        micros(figures.full.cpu_micros),
        figures.one_each.per_second,
        micros(figures.one_each.cpu_micros),
        latency(&figures.at_1000),
        latency(&figures.at_5000),
        megabytes(figures.resident_one),
        megabytes(figures.resident_many),
    )
}

/// Writes one JSON object for the whole run.
pub fn json(all: &[Figures], pinned: bool) -> Value {
    let peak = |peak: &Peak| json!({ "stanzas_per_second": peak.per_second, "cpu_micros": peak.cpu_micros });
    let latency = |latency: &Latency| json!({ "p50_micros": latency.p50, "p99_micros": latency.p99, "cpu_micros": latency.cpu_micros });
    let variants: Vec<Value> = all
        .iter()
        .map(|figures| {
            json!({
                "variant": figures.variant,
                "peak": peak(&figures.full),
                "peak_one_record_a_stanza": peak(&figures.one_each),
                "at_1000_per_second": latency(&figures.at_1000),
                "at_5000_per_second": latency(&figures.at_5000),
                "resident_bytes_1_stream": figures.resident_one,
                "resident_bytes_100_streams": figures.resident_many,
                "sent": figures.sent,
                "lost": figures.lost,
            })
        })
        .collect();
    json!({ "stanza_bytes": super::stanza::STANZA_BYTES, "pinned": pinned, "variants": variants })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sorts_times_into_percentiles() {
        let latency = Latency::of((1..=100).rev().map(|micros| micros * 1_000).collect(), None);
        assert_eq!((latency.p50, latency.p99), (51.0, 100.0));
    }
}
