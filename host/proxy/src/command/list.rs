//! `refrain list`: what the lists have, what covers an address, and what a list would have covered in a corpus.

mod preview;

use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use hyper::Method;

use super::ask::{Failed, Target};
use super::print;
use super::table::{Table, duration, paint};
use crate::control::lists::{Covered, ListStatus, Question, SourceStatus};

pub(super) const AFTER_HELP: &str = "\
Examples:
  refrain list                                all lists, their sources, and when these were heard last
  refrain list spammers eve@evil.example      whether it is covered, and by whose entries
  refrain list spammers --preview corpus.jsonl
                                              what the list would have covered of what `refrain record` kept

Exit codes: 0 shown, 1 there is no such list or Refrain could not be asked, 2 the corpus cannot be read.";

/// What it takes.
#[derive(Debug, Args)]
pub struct List {
    /// The list, as in [list.NAME]
    name: Option<String>,
    /// An address, a domain or another word
    #[arg(requires = "name", conflicts_with = "preview")]
    address: Option<String>,
    /// Count what the list would have covered in a recorded corpus
    #[arg(long, value_name = "CORPUS", requires = "name")]
    preview: Option<PathBuf>,
    #[command(flatten)]
    target: Target,
}

impl List {
    /// Exit codes: 0 shown, 1 there is no such list or Refrain could not be asked, 2 the corpus cannot be read.
    pub fn run(&self) -> ExitCode {
        match (&self.name, &self.address, &self.preview) {
            (Some(name), Some(address), _) => self.look_up(name, address),
            (Some(name), None, Some(corpus)) => preview::run(&self.target, name, corpus),
            (Some(name), None, None) => self.show_one(name),
            (None, _, _) => self.target.show(Method::GET, "/lists", |lists: Vec<ListStatus>| {
                let texts: Vec<String> = lists.iter().map(list_text).collect();
                if texts.is_empty() { "there is no list".to_owned() } else { texts.join("\n\n") }
            }),
        }
    }

    /// As JSON it has the shape of the answer about all of them.
    fn show_one(&self, name: &str) -> ExitCode {
        let answer = self.target.ask(Method::GET, "/lists", String::new());
        match answer.and_then(|body| one_of(&body, name)) {
            Ok(list) if self.target.json => print(&serde_json::to_string(&[list]).unwrap_or_default()),
            Ok(list) => print(&list_text(&list)),
            Err(failed) => return self.target.complain(&failed),
        }
        ExitCode::SUCCESS
    }

    fn look_up(&self, name: &str, address: &str) -> ExitCode {
        let question = Question { list: name.to_owned(), values: vec![address.to_owned()], whose: true };
        let body = serde_json::to_string(&question).unwrap_or_default();
        self.target.show_answer(Method::POST, "/lists/lookup", body, |covered: Vec<Covered>| {
            covered.iter().map(|covered| covered_text(name, covered)).collect::<Vec<_>>().join("\n")
        })
    }
}

fn one_of(body: &[u8], name: &str) -> Result<ListStatus, Failed> {
    let unknown = |error| Failed::Unasked(format!("the answer is not understood: {error}"));
    let lists: Vec<ListStatus> = serde_json::from_slice(body).map_err(unknown)?;
    let names = lists.iter().map(|list| list.name.as_str()).collect::<Vec<_>>().join(", ");
    let others = if names.is_empty() { "there are none".to_owned() } else { format!("there are: {names}") };
    let missing = || Failed::Unasked(format!("there is no list \"{name}\"; {others}"));
    lists.into_iter().find(|list| list.name == name).ok_or_else(missing)
}

fn list_text(list: &ListStatus) -> String {
    let ListStatus { name, entries, own, left_out, quorum, preview, hits, top, sources } = list;
    let what = if *preview { "a preview: it covers nothing, and would have covered" } else { "covered" };
    let mut text = format!("{name}  {entries} entries, {own} of them your own; {what} {hits} look-ups");
    if sources.iter().any(|source| source.weight != 1) || *quorum != 1 {
        let _ = write!(text, "; quorum {quorum}");
    }
    if *left_out > 0 {
        let _ = write!(text, "\n  {}", paint::bad(&format!("{left_out} entries are left out: too many, or too wide")));
    }
    if !sources.is_empty() {
        let mut table = Table::new(&["source", "entries", "weight", "state", "heard", "problem"]);
        sources.iter().for_each(|source| table.row(source_row(source)));
        let _ = write!(text, "\n{}", table.to_string().trim_end());
    }
    for (value, count) in top {
        let _ = write!(text, "\n  would have covered {value} {count} times");
    }
    text
}

fn source_row(source: &SourceStatus) -> [String; 6] {
    let SourceStatus { source, weight, entries, freshness, heard_seconds_ago, problem } = source;
    let heard = heard_seconds_ago.map_or("never".to_owned(), |seconds| format!("{} ago", duration(seconds)));
    let problem = problem.clone().unwrap_or_default();
    [source.clone(), entries.to_string(), weight.to_string(), freshness.as_str().to_owned(), heard, problem]
}

fn covered_text(list: &str, covered: &Covered) -> String {
    let Covered { value, note, excepted, entries, quorum, preview } = covered;
    let mut text = match (note, excepted.as_slice()) {
        (Some(note), _) if *preview => format!("{value} would be covered by {list}, a preview{}", noted(note)),
        (Some(note), _) => format!("{value} is covered by {list}{}", noted(note)),
        (None, [_, ..]) => format!("{value} is not covered by {list}: excepted by {}", excepted.join(", ")),
        (None, []) if entries.is_empty() => format!("{value} is not covered by {list}: nobody has an entry for it"),
        (None, []) => format!("{value} is not covered by {list}: no entry has the quorum of {quorum}"),
    };
    if !entries.is_empty() {
        let mut table = Table::new(&["whose", "weight", "entry", "note"]);
        for said in entries {
            let (whose, weight) = match &said.source {
                Some(source) => (source.clone(), said.weight.to_string()),
                None => ("your own".to_owned(), "always".to_owned()),
            };
            table.row([whose, weight, said.entry.clone(), said.note.clone()]);
        }
        let _ = write!(text, "\n{}", table.to_string().trim_end());
    }
    text
}

fn noted(note: &str) -> String {
    if note.is_empty() { String::new() } else { format!(": {note}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::lists::Said;

    #[test]
    fn a_list_that_is_not_there_is_named_beside_those_that_are() {
        let list = |name| {
            let rest = r#""entries":0,"own":0,"left-out":0,"quorum":1,"preview":false,"hits":0,"top":[],"sources":[]"#;
            format!(r#"{{"name":"{name}",{rest}}}"#)
        };
        let body = format!("[{},{}]", list("bad"), list("ips"));
        assert_eq!(one_of(body.as_bytes(), "ips").unwrap().name, "ips");
        let failed = one_of(body.as_bytes(), "worse").unwrap_err().to_string();
        assert_eq!(failed, "there is no list \"worse\"; there are: bad, ips");
    }

    #[test]
    fn an_entry_without_the_quorum_is_shown_as_that() {
        let entries = vec![Said {
            source: Some("a.example/list".to_owned()),
            weight: 1,
            entry: "evil.example".to_owned(),
            note: "spam".to_owned(),
        }];
        let covered = Covered {
            value: "eve@evil.example".to_owned(),
            note: None,
            excepted: Vec::new(),
            entries,
            quorum: 2,
            preview: false,
        };
        let text = covered_text("bad", &covered);
        assert!(text.starts_with("eve@evil.example is not covered by bad: no entry has the quorum of 2\n"), "{text}");
        assert!(text.ends_with("a.example/list  1       evil.example  spam"), "{text}");
        let excepted = Covered { excepted: vec!["*.example".to_owned()], ..covered };
        assert!(covered_text("bad", &excepted).contains("excepted by *.example"));
    }
}
