//! What each filter said about one stanza: the walk along the chain, for whoever asks why.

use std::sync::Arc;

use refrain_proto::Stanza;

use crate::error::Fault;
use crate::verdict::Verdict;
use crate::worker::Said;

/// One filter's part in a decision. A filter that no interest rule brought in has none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The filter.
    pub filter: Arc<str>,
    /// The interest rules that matched, a bit for each.
    pub matched: u64,
    /// What it said; `None` if it failed.
    pub said: Option<Word>,
    /// The reason it gave.
    pub reason: Option<String>,
    /// The edits it committed.
    pub edits: u32,
    /// How it failed.
    pub fault: Option<Fault>,
    /// The stanza on which it failed, as XML: what a replay needs.
    pub evidence: Option<String>,
    /// Nanoseconds, its interest rules and edits included.
    pub nanos: u64,
}

/// A verdict by its name alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Word {
    /// On to the next filter.
    Pass,
    /// Deliver now.
    Accept,
    /// Discard.
    Drop,
    /// Return an error.
    Bounce,
    /// Deliver to another address.
    Redirect,
    /// Discard, and end the stream.
    CloseStream,
    /// Answer by a message.
    Reply,
    /// On to the next filter, and the stream waits.
    Delay,
}

impl Word {
    /// The verdict as `wit/filter.wit` spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Word::Pass => "pass",
            Word::Accept => "accept",
            Word::Drop => "drop",
            Word::Bounce => "bounce",
            Word::Redirect => "redirect",
            Word::CloseStream => "close-stream",
            Word::Reply => "reply",
            Word::Delay => "delay",
        }
    }
}

impl From<&Verdict> for Word {
    fn from(verdict: &Verdict) -> Self {
        match verdict {
            Verdict::Pass => Word::Pass,
            Verdict::Accept => Word::Accept,
            Verdict::Drop => Word::Drop,
            Verdict::Bounce(_) => Word::Bounce,
            Verdict::Redirect(_) => Word::Redirect,
            Verdict::CloseStream { .. } => Word::CloseStream,
            Verdict::Reply(_) => Word::Reply,
            Verdict::Delay(_) => Word::Delay,
        }
    }
}

/// A step as the worker notes it: nothing is allocated for a filter that merely lets a stanza pass.
#[derive(Debug)]
pub(crate) struct Note {
    pub(crate) index: usize,
    pub(crate) matched: u64,
    pub(crate) said: Option<Word>,
    pub(crate) reason: Option<String>,
    pub(crate) edits: u32,
    pub(crate) fault: Option<Fault>,
    pub(crate) evidence: Option<String>,
    pub(crate) nanos: u64,
}

impl Note {
    #[inline]
    pub(crate) fn of_word(index: usize, matched: u64, said: &Said, nanos: u64) -> Self {
        let word = Some(Word::from(&said.verdict));
        Note { index, matched, said: word, reason: None, edits: said.edits, fault: None, evidence: None, nanos }
    }

    #[cold]
    pub(crate) fn of_fault(index: usize, matched: u64, fault: &Fault, stanza: &Stanza, nanos: u64) -> Self {
        let (fault, evidence) = (Some(fault.clone()), Some(stanza.to_xml()));
        Note { index, matched, said: None, reason: None, edits: 0, fault, evidence, nanos }
    }

    #[cold]
    pub(crate) fn of_open_circuit(index: usize, matched: u64) -> Self {
        let fault = Some(Fault::CircuitOpen);
        Note { index, matched, said: None, reason: None, edits: 0, fault, evidence: None, nanos: 0 }
    }

    pub(crate) fn step(&self, filter: &Arc<str>) -> Step {
        Step {
            filter: filter.clone(),
            matched: self.matched,
            said: self.said,
            reason: self.reason.clone(),
            edits: self.edits,
            fault: self.fault.clone(),
            evidence: self.evidence.clone(),
            nanos: self.nanos,
        }
    }
}
