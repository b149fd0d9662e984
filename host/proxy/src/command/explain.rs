//! `refrain explain ID`: how one stanza was judged.

use std::process::ExitCode;

use clap::Args;
use hyper::Method;

use super::ask::Target;
use crate::control::explain::Explanation;
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
    format!(
        "{id}  {direction}  {from} → {to}  ({size} bytes{stanza_id})\n\
         {outcome}{decided}\n\
         judged by generation {generation} in {microseconds:.0} µs\n\
         chain     {}",
        explanation.chain.join(" → "),
    )
}
