//! A corpus: files of titles, each with a stanza below it, and with what must become of it behind `=>` if that is not plain.
//!
//! ```text
//! # Gajim: composing
//! <message …>
//!   <composing …/></message>
//! => forward
//! ```
//!
//! A line that goes on with white space belongs to the line before it, without that space.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use refrain_filter::Direction;
use refrain_proto::Stanza;

/// The domains of this side.
const HOSTED: &str = "home.example";

/// A stanza of a corpus.
pub struct Entry {
    file: PathBuf,
    line: usize,
    /// Who sends what.
    pub title: String,
    /// The stanza.
    pub stanza: Stanza,
    /// What must become of it.
    pub expected: Option<String>,
}

impl Entry {
    /// Which way it goes.
    pub fn direction(&self) -> Direction {
        let domain = self.stanza.from().domain();
        let is_ours = domain == HOSTED || domain.ends_with(&format!(".{HOSTED}"));
        if is_ours { Direction::Outbound } else { Direction::Inbound }
    }
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let file = self.file.file_name().unwrap_or_default().display();
        write!(f, "{file}:{}: {}\n    {}", self.line, self.title, self.stanza.to_xml())
    }
}

/// Reads all files of a corpus.
pub fn read(name: &str) -> Vec<Entry> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpora").join(name);
    let mut files: Vec<PathBuf> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.iter().flat_map(|file| read_file(file)).collect()
}

fn read_file(file: &Path) -> Vec<Entry> {
    let text = fs::read_to_string(file).unwrap();
    let mut blocks: Vec<(usize, Vec<String>)> = Vec::new();
    for (index, line) in text.lines().enumerate() {
        match blocks.last_mut() {
            _ if line.starts_with("# ") => blocks.push((index + 1, vec![line[2..].to_owned()])),
            Some((_, lines)) if line.starts_with("=> ") || lines.len() == 1 => lines.push(line.to_owned()),
            Some((_, lines)) => lines.last_mut().unwrap().push_str(line.trim_start()),
            None => assert!(line.is_empty() || line.starts_with("//"), "{}:{}", file.display(), index + 1),
        }
    }
    blocks.into_iter().map(|(line, lines)| entry(file, line, &lines)).collect()
}

fn entry(file: &Path, line: usize, lines: &[String]) -> Entry {
    let [title, stanza, rest @ ..] = lines else { panic!("{}:{line}: no stanza", file.display()) };
    let parsed = Stanza::parse(stanza);
    Entry {
        file: file.to_owned(),
        line,
        title: title.clone(),
        stanza: parsed.unwrap_or_else(|defect| panic!("{}:{line}: {defect}", file.display())),
        expected: rest.first().map(|line| line.trim_start_matches("=> ").to_owned()),
    }
}
