//! Golden cases: stanzas with the verdicts a filter must give, in TOML files that a person can review.
//!
//! The same files are run natively by the SDK's tests and in the real sandbox by the plugins'; both are a [`Judge`].

use std::fmt;
use std::path::{Path, PathBuf};

use refrain_proto::{Stanza, StanzaError};
use serde::Deserialize;

use crate::head::Direction;
use crate::verdict::Verdict;

/// One file of cases.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct CaseFile {
    /// The direction of the cases that name none.
    #[serde(default)]
    pub direction: Direction,
    /// The settings of the filter, as an operator writes them under `[filter.NAME.settings]`.
    #[serde(default = "no_settings")]
    pub settings: serde_json::Value,
    /// The cases, in order.
    #[serde(rename = "case")]
    pub cases: Vec<Case>,
}

/// One stanza and what must become of it.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Case {
    /// A sentence: what is shown.
    pub name: String,
    /// Overrides the direction of the file.
    pub direction: Option<Direction>,
    /// The stanza, as XML.
    pub stanza: String,
    /// The word expected of the filter.
    pub verdict: Expected,
    /// Of a bounce: its condition, as RFC 6120 §8.3.3 spells it.
    pub error: Option<String>,
    /// Of a bounce: its type, as RFC 6120 §8.3.2 spells it. Not compared when absent.
    pub error_type: Option<String>,
    /// Of a bounce: its human-readable text. Not compared when absent.
    pub text: Option<String>,
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
    /// Not even asked: no interest rule matched.
    Skip,
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

/// Something that runs the filter under test.
pub trait Judge {
    /// Judges one stanza by the filter configured with these settings. A fault or a problem of the settings is an `Err`, told
    /// as a sentence.
    fn judge(&mut self, settings: &serde_json::Value, direction: Direction, stanza: &Stanza) -> Result<Judged, String>;
}

/// A case that did not end as it says.
#[derive(Clone, Debug)]
pub struct Failure {
    /// The file it is in.
    pub file: PathBuf,
    /// Its name; empty when the file itself is at fault.
    pub case: String,
    /// What differs.
    pub message: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {:?}: {}", self.file.display(), self.case, self.message)
    }
}

impl CaseFile {
    /// Reads cases from TOML; the error names line and column.
    pub fn parse(text: &str) -> Result<CaseFile, String> {
        toml::from_str(text).map_err(|error| error.to_string())
    }
}

/// Runs all cases of a file and returns those that failed; a file that cannot be read is one failure.
pub fn run_cases(path: impl AsRef<Path>, judge: &mut dyn Judge) -> Vec<Failure> {
    let path = path.as_ref();
    let failure = |case: &str, message| Failure { file: path.to_owned(), case: case.to_owned(), message };
    let text = std::fs::read_to_string(path).map_err(|error| error.to_string());
    match text.and_then(|text| CaseFile::parse(&text)) {
        Err(message) => vec![failure("", message)],
        Ok(file) if file.cases.is_empty() => vec![failure("", "the file has no case".to_owned())],
        Ok(file) => file
            .cases
            .iter()
            .filter_map(|case| case.run(&file, judge).err().map(|message| failure(&case.name, message)))
            .collect(),
    }
}

impl Case {
    fn run(&self, file: &CaseFile, judge: &mut dyn Judge) -> Result<(), String> {
        let stanza = Stanza::parse(&self.stanza).map_err(|defect| format!("the case's stanza: {defect}"))?;
        let judged = judge.judge(&file.settings, self.direction.unwrap_or(file.direction), &stanza)?;
        self.check_verdict(&judged)?;
        if let Some(Verdict::Bounce(error)) = &judged.verdict {
            self.check_error(error)?;
        }
        same("reason", self.reason.as_deref(), judged.reason.as_deref())?;
        self.check_result(judged.edited.as_ref())
    }

    fn check_verdict(&self, judged: &Judged) -> Result<(), String> {
        let found = match &judged.verdict {
            None => Expected::Skip,
            Some(Verdict::Pass) => Expected::Pass,
            Some(Verdict::Accept) => Expected::Accept,
            Some(Verdict::Drop) => Expected::Drop,
            Some(Verdict::Bounce(_)) => Expected::Bounce,
            Some(Verdict::Redirect(_)) => Expected::Redirect,
            Some(Verdict::CloseStream { .. }) => Expected::CloseStream,
        };
        if found == self.verdict {
            return Ok(());
        }
        let reason = judged.reason.as_ref().map(|reason| format!(", for the reason {reason:?}")).unwrap_or_default();
        Err(format!("expected {:?}, the filter said {found:?}{reason}", self.verdict).to_lowercase())
    }

    fn check_error(&self, error: &StanzaError) -> Result<(), String> {
        same("error", self.error.as_deref(), Some(error.condition.as_str()))?;
        same("error-type", self.error_type.as_deref(), Some(error.error_type.as_str()))?;
        same("text", self.text.as_deref(), error.text.as_deref())
    }

    /// Both sides are compared in the canonical form, so quotes and prefixes do not matter.
    fn check_result(&self, edited: Option<&Stanza>) -> Result<(), String> {
        let expected = match &self.result {
            Some(xml) => Some(Stanza::parse(xml).map_err(|defect| format!("the case's result: {defect}"))?),
            None => None,
        };
        match (expected, edited) {
            (None, None) => Ok(()),
            (None, Some(edited)) => Err(format!("it must leave unchanged, it left as {}", canonical(edited))),
            (Some(_), None) => Err("it left unchanged".to_owned()),
            (Some(expected), Some(edited)) => same("result", Some(&canonical(&expected)), Some(&canonical(edited))),
        }
    }
}

/// Compares where the case says something.
fn same(what: &str, expected: Option<&str>, found: Option<&str>) -> Result<(), String> {
    match (expected, found) {
        (None, _) => Ok(()),
        (Some(expected), Some(found)) if expected == found => Ok(()),
        (Some(expected), Some(found)) => Err(format!("{what}: expected {expected:?}, found {found:?}")),
        (Some(expected), None) => Err(format!("{what}: expected {expected:?}, found none")),
    }
}

fn canonical(stanza: &Stanza) -> String {
    let mut out = Vec::new();
    stanza.write(&mut out);
    String::from_utf8_lossy(&out).into_owned()
}

fn no_settings() -> serde_json::Value {
    serde_json::Value::Object(serde_json::Map::new())
}

#[cfg(test)]
mod tests {
    use super::*;
    use refrain_proto::StanzaCondition;

    const FILE: &str = r#"
        direction = "outbound"
        [settings]
        limit = 3
        [[case]]
        name = "a case"
        stanza = "<message from='a@x.example' to='b@y.example'/>"
        verdict = "bounce"
        error = "not-acceptable"
        reason = "why"
    "#;

    struct Says(Judged);

    impl Judge for Says {
        fn judge(&mut self, settings: &serde_json::Value, direction: Direction, _: &Stanza) -> Result<Judged, String> {
            assert_eq!((settings["limit"].as_i64(), direction), (Some(3), Direction::Outbound));
            Ok(self.0.clone())
        }
    }

    fn run(verdict: Verdict, reason: &str) -> Result<(), String> {
        let file = CaseFile::parse(FILE).unwrap();
        let judged = Judged { verdict: Some(verdict), reason: Some(reason.to_owned()), edited: None };
        file.cases[0].run(&file, &mut Says(judged))
    }

    #[test]
    fn a_case_passes_when_all_it_says_is_so() {
        let error = StanzaError::new(StanzaCondition::NotAcceptable);
        assert_eq!(run(Verdict::Bounce(error), "why"), Ok(()));
    }

    #[test]
    fn a_case_fails_with_what_differs() {
        assert_eq!(run(Verdict::Drop, "x").unwrap_err(), "expected bounce, the filter said drop, for the reason \"x\"");
        let error = StanzaError::new(StanzaCondition::Forbidden);
        let message = run(Verdict::Bounce(error), "why").unwrap_err();
        assert_eq!(message, "error: expected \"not-acceptable\", found \"forbidden\"");
        let error = StanzaError::new(StanzaCondition::NotAcceptable);
        assert_eq!(run(Verdict::Bounce(error), "no").unwrap_err(), "reason: expected \"why\", found \"no\"");
    }

    #[test]
    fn a_misspelt_key_is_an_error_with_its_line() {
        let error = CaseFile::parse(&FILE.replace("reason", "raeson")).unwrap_err();
        assert!(error.contains("raeson") && error.contains("line"), "{error}");
    }
}
