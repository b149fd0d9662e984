//! A decision as it is kept and compared: the word, by whom, and why. Never the content of the stanza.

use std::fmt;

use refrain_filter::Decision;
use serde::{Deserialize, Serialize};

use super::audit::Ruling;

/// What a chain decided about one stanza.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Judgement {
    /// What the chain said.
    pub verdict: Ruling,
    /// The filter that decided; none when the chain was walked to its end and nobody edited the stanza.
    #[serde(default)]
    pub filter: Option<String>,
    /// Its reason, or its fault.
    #[serde(default)]
    pub reason: Option<String>,
}

impl Judgement {
    /// Keeps what matters of a decision.
    pub fn of(decision: &Decision) -> Self {
        Judgement {
            verdict: Ruling::of(decision),
            filter: decision.filter.as_deref().map(str::to_owned),
            reason: decision.fault.as_ref().map(ToString::to_string).or_else(|| decision.reason.clone()),
        }
    }
}

/// As in `drop (spim: casino)`.
impl fmt::Display for Judgement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.filter, &self.reason) {
            (Some(filter), Some(reason)) => write!(f, "{} ({filter}: {reason})", self.verdict),
            (Some(filter), None) => write!(f, "{} ({filter})", self.verdict),
            (None, Some(reason)) => write!(f, "{} ({reason})", self.verdict),
            (None, None) => write!(f, "{}", self.verdict),
        }
    }
}
