//! What a replay found: a table for people, one JSON object for machines.

use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

use refrain_filter::Direction;
use serde_json::{Value, json};

use super::contest::{Contest, Contestant, Difference};
use crate::observe::judgement::Judgement;

/// A person reads the first differences and goes to --json for the rest.
const SHOWN_MAX: usize = 20;
/// Of a resulting stanza; --json has it whole.
const XML_CHARACTERS_MAX: usize = 200;

/// The report as one JSON object.
pub fn json(contest: &Contest) -> Value {
    json!({
        "stanzas": contest.stanzas,
        "redacted": contest.redacted,
        "unlike-recorded": contest.unlike_recorded,
        "config": contestant_json(&contest.candidate),
        "against": contest.against.as_ref().map(contestant_json),
        "differences": { "count": contest.differences.count, "first": contest.differences.first },
    })
}

fn contestant_json(contestant: &Contestant) -> Value {
    let counts = contestant.counts.iter().map(|((direction, judgement), count)| {
        json!({
            "direction": direction,
            "verdict": judgement.verdict,
            "filter": judgement.filter,
            "reason": judgement.reason,
            "count": count,
        })
    });
    let micros = |share| contestant.quantile(share).as_nanos() as f64 / 1_000.0;
    json!({
        "name": contestant.name,
        "counts": counts.collect::<Vec<_>>(),
        "latency-micros": { "p50": micros(0.5), "p99": micros(0.99) },
    })
}

/// The report as text.
pub struct Text<'c>(pub &'c Contest);

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Contest { candidate, against, stanzas, redacted, unlike_recorded, .. } = self.0;
        let without = if *redacted > 0 { format!(", {redacted} of them without their words") } else { String::new() };
        writeln!(
            f,
            "{stanzas} stanzas{without}; {unlike_recorded} are judged otherwise than when they were recorded\n"
        )?;
        let columns: Vec<&Contestant> = std::iter::once(candidate).chain(against).collect();
        write_table(f, &columns)?;
        match against {
            Some(against) => self.write_differences(f, &against.name),
            None => Ok(()),
        }
    }
}

impl Text<'_> {
    fn write_differences(&self, f: &mut fmt::Formatter<'_>, against: &str) -> fmt::Result {
        let differences = &self.0.differences;
        if differences.count == 0 {
            return writeln!(f, "\nno difference: every verdict and every resulting stanza is the same");
        }
        let stanzas = if differences.count == 1 { "stanza differs" } else { "stanzas differ" };
        writeln!(f, "\n{} {stanzas}, {against} → {}:", differences.count, self.0.candidate.name)?;
        for difference in differences.first.iter().take(SHOWN_MAX) {
            write_difference(f, difference)?;
        }
        let rest = differences.count.saturating_sub(SHOWN_MAX as u64);
        if rest > 0 {
            writeln!(f, "  … and {rest} more; --json lists the first 100")?;
        }
        Ok(())
    }
}

fn write_table(f: &mut fmt::Formatter<'_>, columns: &[&Contestant]) -> fmt::Result {
    let rows: BTreeSet<&(Direction, Judgement)> = columns.iter().flat_map(|column| column.counts.keys()).collect();
    let label = |(direction, judgement): &(Direction, Judgement)| format!("{:<9} {judgement}", direction.as_str());
    let width = rows.iter().map(|row| label(row).chars().count()).max().unwrap_or(0).max("latency p99".len());
    let cells = |f: &mut fmt::Formatter<'_>, name: &str, cell: &dyn Fn(&Contestant) -> String| {
        write!(f, "  {name:<width$}")?;
        for column in columns {
            write!(f, "  {:>column_width$}", cell(column), column_width = column.name.chars().count().max(9))?;
        }
        writeln!(f)
    };
    cells(f, "", &|column| column.name.clone())?;
    for row in rows {
        cells(f, &label(row), &|column| column.counts.get(row).copied().unwrap_or(0).to_string())?;
    }
    cells(f, "latency p50", &|column| micros(column.quantile(0.5)))?;
    cells(f, "latency p99", &|column| micros(column.quantile(0.99)))
}

fn micros(duration: Duration) -> String {
    format!("{:.1} µs", duration.as_nanos() as f64 / 1_000.0)
}

fn write_difference(f: &mut fmt::Formatter<'_>, difference: &Difference) -> fmt::Result {
    let Difference { id, direction, from, to, against, config } = difference;
    writeln!(f, "  {id}  {}  {from} → {to}", direction.as_str())?;
    writeln!(f, "      {} → {}", against.judgement, config.judgement)?;
    if against.judgement.verdict == config.judgement.verdict {
        writeln!(f, "      - {}\n      + {}", shortened(&against.xml), shortened(&config.xml))?;
    }
    Ok(())
}

fn shortened(xml: &str) -> String {
    match xml.char_indices().nth(XML_CHARACTERS_MAX) {
        Some((end, _)) => format!("{}…", &xml[..end]),
        None => xml.to_owned(),
    }
}
