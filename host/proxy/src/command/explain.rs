//! `refrain explain ID`: how one stanza was judged.

use std::process::ExitCode;
use std::time::SystemTime;

use clap::Args;
use hyper::Method;
use refrain_filter::Relation;

use super::ask::Target;
use super::table::{Table, duration};
use crate::control::explain::{Asked, Explanation, Part};
use crate::control::status::millis_of;
use crate::observe::audit::direction_name;

/// What `refrain explain` takes.
#[derive(Debug, Args)]
pub struct Explain {
    /// The id in the log line (id=…) or in the text of the bounce
    id: String,
    #[command(flatten)]
    target: Target,
}

impl Explain {
    /// Exit codes: 0 found, 1 not found or not asked.
    pub fn run(&self) -> ExitCode {
        self.target.show(Method::GET, &format!("/explain/{}", in_path(&self.id)), |explanation| text(&explanation))
    }
}

/// Only what an id may have: anything else is no id, and must not change the path.
fn in_path(id: &str) -> String {
    let id = id.trim().trim_matches(['[', ']']);
    id.chars().map(|letter| if letter.is_ascii_alphanumeric() || letter == '-' { letter } else { '_' }).collect()
}

fn text(explanation: &Explanation) -> String {
    let Explanation { id, generation, from, to, size, outcome, microseconds, .. } = explanation;
    let direction = direction_name(explanation.direction);
    let decided = match (&explanation.decided_by, &explanation.reason) {
        (Some(filter), Some(reason)) => format!(" by {filter}: {reason}"),
        (Some(filter), None) => format!(" by {filter}"),
        (None, _) => String::new(),
    };
    let stanza_id = explanation.stanza_id.as_deref().map_or(String::new(), |id| format!(", id {id:?}"));
    let relation = match explanation.relation {
        Some(Relation::Stranger) => ", strangers",
        Some(Relation::Known) => ", known to each other",
        None => "",
    };
    let mut text = format!(
        "{id}  {direction}  {from} → {to}  ({size} bytes{stanza_id}{relation})\n\
         {outcome}{decided}\n\
         judged by generation {generation} in {microseconds:.0} µs, {}\n",
        ago(explanation.at_ms)
    );
    let mut table = Table::new(&["filter", "said", "reason", "edits", "time", "because of"]);
    explanation.chain.iter().for_each(|part| table.row(row(part)));
    text += &table.to_string();
    text.trim_end().to_owned()
}

fn row(part: &Part) -> [String; 6] {
    let said = match part.asked {
        Asked::NotInterested => "not asked: no interest matched".to_owned(),
        Asked::NotReached => "not reached".to_owned(),
        Asked::Yes => match (&part.verdict, &part.fault) {
            (Some(verdict), _) => verdict.clone(),
            (None, Some(fault)) => format!("failed: it {fault}"),
            (None, None) => "-".to_owned(),
        },
    };
    let asked = part.asked == Asked::Yes;
    let matched =
        if asked && part.matched.is_empty() { "sees every stanza".to_owned() } else { part.matched.join("; ") };
    [
        part.filter.clone(),
        said,
        part.reason.clone().unwrap_or_default(),
        if part.edits > 0 { part.edits.to_string() } else { String::new() },
        if asked { format!("{:.1} µs", part.microseconds) } else { String::new() },
        matched,
    ]
}

fn ago(at_ms: u64) -> String {
    let now_ms = millis_of(SystemTime::now());
    format!("{} ago", duration(now_ms.saturating_sub(at_ms) / 1_000))
}
