//! Golden cases: stanzas with the verdicts a filter must give, in TOML or XML files that a person can review.
//!
//! The same files are run natively by the SDK's tests and in the real sandbox by `refrain filter test`; both are a [`Judge`].

#[cfg(feature = "runtime")]
mod bless;
mod compare;
mod diff;
mod file;
mod xml;
#[cfg(feature = "runtime")]
mod xml_out;

pub use file::case_files;

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use refrain_proto::Stanza;
use serde::Deserialize;

use crate::head::Direction;
use crate::list::List;
use crate::relation::Relation;
use crate::verdict::Verdict;

/// One file of cases.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct CaseFile {
    /// The direction of the cases that name none.
    #[serde(default)]
    pub direction: Direction,
    /// The relation of the cases that name none. Absent: none is told.
    pub relation: Option<Relation>,
    /// The settings of the filter, as an operator writes them under `[filter.NAME.settings]`.
    #[serde(default = "no_settings")]
    pub settings: serde_json::Value,
    /// What the filter is granted, as under `[filter.NAME]`. Absent: all that it asks for, and `accept`.
    pub grants: Option<Vec<String>>,
    /// The operator's lists, as under `[list.NAME]`.
    #[serde(default, rename = "list")]
    pub lists: BTreeMap<String, CaseList>,
    /// The cases, in order.
    #[serde(rename = "case")]
    pub cases: Vec<Case>,
}

/// A list of the operator's, as a case file gives it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CaseList {
    /// Its entries, each with an optional note after white space.
    pub entries: Vec<String>,
}

impl CaseList {
    /// Returns the list as filters look it up.
    pub fn to_list(&self) -> List {
        self.entries.iter().cloned().collect()
    }
}

/// One stanza and what must become of it.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Case {
    /// A sentence: what is shown.
    pub name: String,
    /// Overrides the direction of the file.
    pub direction: Option<Direction>,
    /// Overrides the relation of the file.
    pub relation: Option<Relation>,
    /// The stanza, as XML.
    pub stanza: String,
    /// The word expected of the filter. Absent in a new case, until `refrain filter test --bless` recorded it.
    pub verdict: Option<Expected>,
    /// Of a bounce: its condition, as RFC 6120 §8.3.3 spells it; of a closed stream: that of §4.9.3.
    pub error: Option<String>,
    /// Of a bounce: its type, as RFC 6120 §8.3.2 spells it. Not compared when absent.
    pub error_type: Option<String>,
    /// Of a bounce or a closed stream: its human-readable text. Not compared when absent.
    pub text: Option<String>,
    /// Of a redirect: the new address.
    pub to: Option<String>,
    /// Of a reply: the payload of the message that answers, as XML. Not compared when absent.
    pub reply: Option<String>,
    /// Of a delay: its milliseconds. Not compared when absent.
    pub delay_ms: Option<u32>,
    /// The reason the filter must give. Not compared when absent.
    pub reason: Option<String>,
    /// The stanza that leaves, edited. Absent: it must leave unchanged.
    pub result: Option<String>,
}

/// The verdicts a case can ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Expected {
    /// On to the next filter.
    Pass,
    /// Delivered without asking the others.
    Accept,
    /// Discarded.
    Drop,
    /// Answered by an error.
    Bounce,
    /// Delivered to another address.
    Redirect,
    /// Discarded, and the stream it came by ended.
    CloseStream,
    /// Answered by a message.
    Reply,
    /// On to the next filter, and its stream waits.
    Delay,
    /// Not even asked: no interest rule matched.
    Skip,
}

impl Expected {
    /// Returns the verdict as it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Expected::Pass => "pass",
            Expected::Accept => "accept",
            Expected::Drop => "drop",
            Expected::Bounce => "bounce",
            Expected::Redirect => "redirect",
            Expected::CloseStream => "close-stream",
            Expected::Reply => "reply",
            Expected::Delay => "delay",
            Expected::Skip => "skip",
        }
    }
}

/// What a filter did with one stanza.
#[derive(Clone, Debug, Default)]
pub struct Judged {
    /// Its word; `None` when no interest rule matched and it was not asked.
    pub verdict: Option<Verdict>,
    /// The reason it gave.
    pub reason: Option<String>,
    /// The stanza as it leaves, when the filter edited it with a committing verdict.
    pub edited: Option<Stanza>,
}

impl Judged {
    /// Returns the word, as a case spells it.
    pub fn word(&self) -> Expected {
        match &self.verdict {
            None => Expected::Skip,
            Some(Verdict::Pass) => Expected::Pass,
            Some(Verdict::Accept) => Expected::Accept,
            Some(Verdict::Drop) => Expected::Drop,
            Some(Verdict::Bounce(_)) => Expected::Bounce,
            Some(Verdict::Redirect(_)) => Expected::Redirect,
            Some(Verdict::CloseStream { .. }) => Expected::CloseStream,
            Some(Verdict::Reply(_)) => Expected::Reply,
            Some(Verdict::Delay(_)) => Expected::Delay,
        }
    }
}

/// Something that runs the filter under test.
pub trait Judge {
    /// Takes what a file says of all its cases: grants and lists. Nothing that earlier files left behind may matter after it.
    fn begin(&mut self, file: &CaseFile) -> Result<(), String> {
        let _ = file;
        Ok(())
    }

    /// Judges one stanza by the filter configured with these settings. A fault or a problem of the settings is an `Err`, told
    /// as a sentence.
    fn judge(
        &mut self,
        settings: &serde_json::Value,
        direction: Direction,
        relation: Option<Relation>,
        stanza: &Stanza,
    ) -> Result<Judged, String>;
}

/// A case that did not end as it says.
#[derive(Clone, Debug)]
pub struct Failure {
    /// The file it is in.
    pub file: PathBuf,
    /// Its name; empty when the file itself is at fault.
    pub case: String,
    /// What differs, in one line or several.
    pub message: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.case.as_str() {
            "" => write!(f, "{}: {}", self.file.display(), self.message),
            case => write!(f, "{}: {case:?}: {}", self.file.display(), self.message),
        }
    }
}

/// What became of one case.
#[derive(Clone, Debug)]
pub struct Played {
    /// What the filter did, or why it could not be asked.
    pub judged: Result<Judged, String>,
    /// What differs from what the case says; `None` when nothing does.
    pub difference: Option<String>,
}

impl CaseFile {
    /// Asks the judge about every case, in order.
    pub fn play(&self, judge: &mut dyn Judge) -> Result<Vec<Played>, String> {
        judge.begin(self)?;
        Ok(self.cases.iter().map(|case| case.play(self, judge)).collect())
    }
}

impl Case {
    /// Returns the direction it is judged in.
    pub fn direction(&self, file: &CaseFile) -> Direction {
        self.direction.unwrap_or(file.direction)
    }

    /// Returns what the remote address is to the local one.
    pub fn relation(&self, file: &CaseFile) -> Option<Relation> {
        self.relation.or(file.relation)
    }

    fn play(&self, file: &CaseFile, judge: &mut dyn Judge) -> Played {
        let judged = Stanza::parse(&self.stanza)
            .map_err(|defect| format!("the case's stanza: {defect}"))
            .and_then(|stanza| judge.judge(&file.settings, self.direction(file), self.relation(file), &stanza));
        let difference = match &judged {
            Ok(judged) => self.difference(judged),
            Err(problem) => Some(problem.clone()),
        };
        Played { judged, difference }
    }
}

/// Runs all cases of a file and returns those that failed; a file that cannot be read is one failure.
pub fn run_cases(path: impl AsRef<Path>, judge: &mut dyn Judge) -> Vec<Failure> {
    let path = path.as_ref();
    let failure = |case: &str, message| Failure { file: path.to_owned(), case: case.to_owned(), message };
    let file = match CaseFile::read(path) {
        Ok(file) => file,
        Err(message) => return vec![failure("", message)],
    };
    match file.play(judge) {
        Err(message) => vec![failure("", message)],
        Ok(played) => file
            .cases
            .iter()
            .zip(played)
            .filter_map(|(case, played)| played.difference.map(|message| failure(&case.name, message)))
            .collect(),
    }
}

fn no_settings() -> serde_json::Value {
    serde_json::Value::Object(serde_json::Map::new())
}
