//! Compares what a case says with what the filter did.

use refrain_proto::Stanza;

use super::{Case, Judged, diff};
use crate::journal::JournalLimits;
use crate::payload::Payload;
use crate::verdict::Verdict;

/// What there is to say of a verdict beside its word, as a case spells it.
#[derive(Debug, Default)]
pub(super) struct Details {
    pub(super) error: Option<String>,
    pub(super) error_type: Option<String>,
    pub(super) text: Option<String>,
    pub(super) to: Option<String>,
    /// In the canonical form.
    pub(super) reply: Option<String>,
    pub(super) delay_ms: Option<u32>,
}

impl Details {
    pub(super) fn of(judged: &Judged) -> Details {
        match &judged.verdict {
            None | Some(Verdict::Pass | Verdict::Accept | Verdict::Drop) => Details::default(),
            Some(Verdict::Bounce(error)) => Details {
                error: Some(error.condition.as_str().to_owned()),
                error_type: Some(error.error_type.as_str().to_owned()),
                text: error.text.clone(),
                ..Details::default()
            },
            Some(Verdict::Redirect(to)) => Details { to: Some(to.as_str().to_owned()), ..Details::default() },
            Some(Verdict::CloseStream { condition, text }) => {
                Details { error: Some(condition.as_str().to_owned()), text: text.clone(), ..Details::default() }
            }
            Some(Verdict::Reply(payload)) => Details { reply: Some(payload.to_xml()), ..Details::default() },
            Some(Verdict::Delay(delay)) => {
                Details { delay_ms: u32::try_from(delay.as_millis()).ok(), ..Details::default() }
            }
        }
    }
}

impl Case {
    /// Returns all that differs, a line or several each; `None` if the filter did what the case says.
    pub fn difference(&self, judged: &Judged) -> Option<String> {
        let mut differences = Vec::new();
        if self.verdict == Some(judged.word()) {
            self.compare_details(&Details::of(judged), &mut differences);
        } else {
            differences.push(self.other_verdict(judged));
        }
        compare("reason", self.reason.as_deref(), judged.reason.as_deref(), &mut differences);
        self.compare_result(judged.edited.as_ref(), &mut differences);
        (!differences.is_empty()).then(|| differences.join("\n"))
    }

    fn other_verdict(&self, judged: &Judged) -> String {
        let found = judged.word().as_str();
        let reason = match (&judged.reason, &self.reason) {
            (Some(reason), None) => format!(", for the reason {reason:?}"),
            _ => String::new(),
        };
        match self.verdict {
            Some(expected) => format!("verdict: expected {}, found {found}{reason}", expected.as_str()),
            None => {
                format!("verdict: the case says none, found {found}{reason}; `refrain filter test --bless` records it")
            }
        }
    }

    fn compare_details(&self, found: &Details, differences: &mut Vec<String>) {
        compare("error", self.error.as_deref(), found.error.as_deref(), differences);
        compare("error-type", self.error_type.as_deref(), found.error_type.as_deref(), differences);
        compare("text", self.text.as_deref(), found.text.as_deref(), differences);
        compare("to", self.to.as_deref(), found.to.as_deref(), differences);
        compare("reply", self.canonical_reply().as_deref(), found.reply.as_deref(), differences);
        let milliseconds = |delay_ms: Option<u32>| delay_ms.map(|delay_ms| delay_ms.to_string());
        let (expected, delay) = (milliseconds(self.delay_ms), milliseconds(found.delay_ms));
        compare("delay-ms", expected.as_deref(), delay.as_deref(), differences);
    }

    /// What is no payload is compared as it is written, and differs.
    pub(super) fn canonical_reply(&self) -> Option<String> {
        let written = self.reply.as_deref()?;
        let payload = Payload::parse(written, u32::MAX, &JournalLimits::default());
        Some(payload.map_or_else(|_| written.to_owned(), |payload| payload.to_xml()))
    }

    /// Both sides are compared in the canonical form, so quotes and prefixes do not matter.
    fn compare_result(&self, edited: Option<&Stanza>, differences: &mut Vec<String>) {
        let expected = match self.result.as_deref().map(Stanza::parse).transpose() {
            Ok(expected) => expected.map(|stanza| stanza.to_xml()),
            Err(defect) => return differences.push(format!("the case's result: {defect}")),
        };
        match (expected, edited.map(Stanza::to_xml)) {
            (None, None) => {}
            (Some(expected), Some(found)) if expected == found => {}
            (None, Some(found)) => {
                let before = Stanza::parse(&self.stanza).map(|stanza| stanza.to_xml()).unwrap_or_default();
                let lines = diff::of_xml(&before, &found);
                differences.push(format!("result: it must leave unchanged (-), and left as (+)\n{lines}"));
            }
            (Some(_), None) => differences.push("result: expected an edited stanza, it left unchanged".to_owned()),
            (Some(expected), Some(found)) => {
                let lines = diff::of_xml(&expected, &found);
                differences.push(format!("result: expected (-), found (+)\n{lines}"));
            }
        }
    }
}

/// Compares where the case says something.
fn compare(what: &str, expected: Option<&str>, found: Option<&str>, differences: &mut Vec<String>) {
    match (expected, found) {
        (None, _) => {}
        (Some(expected), Some(found)) if expected == found => {}
        (Some(expected), Some(found)) => differences.push(format!("{what}: expected {expected:?}, found {found:?}")),
        (Some(expected), None) => differences.push(format!("{what}: expected {expected:?}, found none")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::CaseFile;
    use refrain_proto::{StanzaCondition, StanzaError};

    const FILE: &str = r#"
        [[case]]
        name = "a case"
        stanza = "<message from='a@x.example' to='b@y.example'><body>hi</body></message>"
        verdict = "bounce"
        error = "not-acceptable"
        reason = "why"
    "#;

    fn difference(text: &str, verdict: Verdict, reason: &str, edited: Option<&str>) -> Option<String> {
        let edited = edited.map(|xml| Stanza::parse(xml).unwrap());
        let judged = Judged { verdict: Some(verdict), reason: Some(reason.to_owned()), edited };
        CaseFile::parse(text).unwrap().cases[0].difference(&judged)
    }

    fn bounce(condition: StanzaCondition) -> Verdict {
        Verdict::Bounce(StanzaError::new(condition))
    }

    #[test]
    fn nothing_differs_when_all_a_case_says_is_so() {
        assert_eq!(difference(FILE, bounce(StanzaCondition::NotAcceptable), "why", None), None);
    }

    #[test]
    fn all_that_differs_is_told() {
        let told = difference(FILE, Verdict::Drop, "x", None).unwrap();
        assert_eq!(told, "verdict: expected bounce, found drop\nreason: expected \"why\", found \"x\"");
        let told = difference(FILE, bounce(StanzaCondition::Forbidden), "why", None).unwrap();
        assert_eq!(told, "error: expected \"not-acceptable\", found \"forbidden\"");
    }

    #[test]
    fn a_case_without_a_verdict_says_how_to_record_it() {
        let told = difference(&FILE.replace("verdict =", "#"), Verdict::Drop, "why", None).unwrap();
        assert!(told.contains("found drop") && told.contains("--bless"), "{told}");
    }

    #[test]
    fn an_unexpected_edit_is_shown_as_a_difference_of_lines() {
        let text = FILE.replace("bounce", "pass").replace("error =", "#");
        let edited = "<message from='a@x.example' to='b@y.example'><body>bye</body></message>";
        let told = difference(&text, Verdict::Pass, "why", Some(edited)).unwrap();
        assert!(told.contains("\n  -   <body>hi</body>\n  +   <body>bye</body>\n"), "{told}");
    }
}
