//! A corpus: stanzas with what was decided about them, one JSON object a line.
//!
//! [`record`](super) → **corpus** → `refrain replay`

use std::io::{self, BufRead, Write};

use refrain_filter::{Direction, Relation};
use refrain_proto::Stanza;
use serde::{Deserialize, Serialize};

use crate::observe::judgement::Judgement;

/// The version of the format that is written, and the only one that is read.
pub const VERSION: u32 = 1;

/// One stanza of a corpus.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Entry {
    /// [`VERSION`].
    pub version: u32,
    /// The trace id under which it was judged, or any name.
    pub id: String,
    /// Which way it crossed.
    pub direction: Direction,
    /// When it was judged: milliseconds since the Unix epoch.
    pub now_ms: u64,
    /// What its two ends were to each other; none in recordings from before this was known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub relation: Option<Relation>,
    /// The stanza as it was before any filter saw it.
    pub stanza: String,
    /// What the chain decided.
    #[serde(flatten)]
    pub judgement: Judgement,
    /// Whether the words were taken out: then a filter that reads words may say something else.
    #[serde(default)]
    pub redacted: bool,
}

/// Why a line of a corpus cannot be played.
#[derive(Debug, thiserror::Error)]
pub enum CorpusError {
    /// The file cannot be read.
    #[error("line {line}: {error}")]
    Unreadable {
        /// The line, counted from 1.
        line: usize,
        /// What the system says.
        error: io::Error,
    },
    /// The line is not a stanza of a corpus.
    #[error("line {line}: {error}")]
    NotAnEntry {
        /// The line, counted from 1.
        line: usize,
        /// What is wrong with it.
        error: serde_json::Error,
    },
    /// It was written by another Refrain.
    #[error("line {line}: version {version} of the format; this Refrain reads version {VERSION}")]
    OtherVersion {
        /// The line, counted from 1.
        line: usize,
        /// Its version.
        version: u32,
    },
    /// What it holds is not a stanza.
    #[error("line {line}: \"stanza\": {problem}")]
    NotAStanza {
        /// The line, counted from 1.
        line: usize,
        /// What is wrong with it.
        problem: String,
    },
}

/// Reads a corpus line by line; empty lines are passed over.
pub fn read(lines: impl BufRead) -> impl Iterator<Item = Result<(Entry, Stanza), CorpusError>> {
    let numbered = lines.lines().enumerate().map(|(index, line)| (index + 1, line));
    numbered.filter(|(_, text)| !matches!(text, Ok(text) if text.trim().is_empty())).map(|(line, text)| {
        let text = text.map_err(|error| CorpusError::Unreadable { line, error })?;
        parse(line, &text)
    })
}

fn parse(line: usize, text: &str) -> Result<(Entry, Stanza), CorpusError> {
    let entry: Entry = serde_json::from_str(text).map_err(|error| CorpusError::NotAnEntry { line, error })?;
    if entry.version != VERSION {
        return Err(CorpusError::OtherVersion { line, version: entry.version });
    }
    let stanza =
        Stanza::parse(&entry.stanza).map_err(|defect| CorpusError::NotAStanza { line, problem: defect.to_string() })?;
    Ok((entry, stanza))
}

impl Entry {
    /// Writes it as one line.
    pub fn write(&self, mut out: impl Write) -> io::Result<()> {
        serde_json::to_writer(&mut out, self)?;
        out.write_all(b"\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::audit::Ruling;

    const STANZA: &str = "<message from='a@x.example' to='b@y.example'><body>line\nbreak</body></message>";

    fn entry() -> Entry {
        Entry {
            version: VERSION,
            id: "k3-1".to_owned(),
            direction: Direction::Inbound,
            now_ms: 7,
            relation: Some(Relation::Known),
            stanza: STANZA.to_owned(),
            judgement: Judgement { verdict: Ruling::ForwardEdited, filter: Some("spim".to_owned()), reason: None },
            redacted: false,
        }
    }

    fn errors(text: &str) -> String {
        let errors: Vec<String> =
            read(text.as_bytes()).filter_map(Result::err).map(|error| error.to_string()).collect();
        errors.join("; ")
    }

    #[test]
    fn what_was_written_is_read_again_line_by_line() {
        let mut bytes = Vec::new();
        entry().write(&mut bytes).unwrap();
        assert_eq!(bytes.iter().filter(|byte| **byte == b'\n').count(), 1);
        bytes.push(b'\n');
        entry().write(&mut bytes).unwrap();
        let read: Vec<Entry> = read(&*bytes).map(|entry| entry.unwrap().0).collect();
        assert_eq!(read, [entry(), entry()]);
    }

    #[test]
    fn the_format_is_as_documented() {
        let mut bytes = Vec::new();
        entry().write(&mut bytes).unwrap();
        let text = String::from_utf8(bytes).unwrap();
        let head = r#"{"version":1,"id":"k3-1","direction":"inbound","now-ms":7,"relation":"known","stanza":""#;
        assert!(text.starts_with(head), "{text}");
        assert!(
            text.ends_with(",\"verdict\":\"forward-edited\",\"filter\":\"spim\",\"reason\":null,\"redacted\":false}\n"),
            "{text}"
        );
    }

    #[test]
    fn a_line_that_cannot_be_played_is_named() {
        assert!(
            errors("\n{\"version\":1}\n").starts_with("line 2: missing field `id`"),
            "{}",
            errors("\n{\"version\":1}\n")
        );
        let text = |change: fn(&mut Entry)| {
            let (mut entry, mut bytes) = (entry(), Vec::new());
            change(&mut entry);
            entry.write(&mut bytes).unwrap();
            String::from_utf8(bytes).unwrap()
        };
        let newer = text(|entry| entry.version = 2);
        assert_eq!(errors(&newer), "line 1: version 2 of the format; this Refrain reads version 1");
        let broken = text(|entry| entry.stanza = "<message".to_owned());
        assert!(errors(&broken).starts_with("line 1: \"stanza\": "), "{}", errors(&broken));
    }
}
