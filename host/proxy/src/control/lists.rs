//! What the lists have, where it is from, and what covers an address: printed by `refrain list`.

use std::sync::Arc;
use std::time::SystemTime;

use refrain_filter::{Coverage, LiveList, Mode};
use serde::{Deserialize, Serialize};

use crate::config::ListConfig;
use crate::lists::Entries;
use crate::lists::freshness::Freshness;
use crate::pipeline::Gateway;
use crate::snapshot::Snapshot;

/// What a preview would have covered most often.
const TOP: usize = 20;
/// What one question may ask about; its body is bounded anyway.
const VALUES_MAX: usize = 10_000;

/// One list at one moment.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct ListStatus {
    /// Its name.
    pub name: String,
    /// Entries that count.
    pub entries: usize,
    /// The operator's own among what was combined.
    pub own: usize,
    /// Entries of sources that were left out, because there is no room or they cover too much.
    pub left_out: usize,
    /// What the weights must add up to.
    pub quorum: u32,
    /// Whether it only counts what it would cover.
    pub preview: bool,
    /// Look-ups that it covered, or would have.
    pub hits: u64,
    /// Of a preview: what it would have covered most often.
    pub top: Vec<(String, u64)>,
    /// Whose entries were taken over.
    pub sources: Vec<SourceStatus>,
}

/// One source of a list.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct SourceStatus {
    /// Its name in logs and notes.
    pub source: String,
    /// What its entries count.
    pub weight: u32,
    /// Entries that it offered last.
    pub entries: usize,
    /// Whether it was heard lately.
    pub freshness: Freshness,
    /// Seconds since it was heard last.
    pub heard_seconds_ago: Option<u64>,
    /// What went wrong since.
    pub problem: Option<String>,
}

/// What is asked about.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Question {
    /// The list.
    pub list: String,
    /// Addresses, domains or words.
    pub values: Vec<String>,
    /// Whether to say whose entries they are; that takes a look at each of them.
    #[serde(default)]
    pub whose: bool,
}

/// What a list says of one value.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Covered {
    /// What was asked about.
    pub value: String,
    /// The note of the entry that covers it, or would in a list that is no preview.
    pub note: Option<String>,
    /// The exceptions that keep it from being covered.
    pub excepted: Vec<String>,
    /// Every entry that would cover it, whether it counts or not.
    pub entries: Vec<Said>,
    /// What the weights must add up to.
    pub quorum: u32,
    /// Whether the list only counts.
    pub preview: bool,
}

/// What one source has.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Said {
    /// Whose; none: the operator's own.
    pub source: Option<String>,
    /// What it counts.
    pub weight: u32,
    /// The entry as it is written.
    pub entry: String,
    /// Its note.
    pub note: String,
}

/// There is no such list.
#[derive(Debug, thiserror::Error)]
pub enum LookError {
    /// None of this name.
    #[error("there is no list \"{0}\"; there are: {1}")]
    Unknown(String, String),
    /// Too much at once.
    #[error("more than {VALUES_MAX} values at once")]
    TooMany,
}

/// All lists of the live generation.
pub fn statuses(gateway: &Gateway) -> Vec<ListStatus> {
    let snapshot = gateway.snapshot();
    let lists = snapshot.config.lists.iter();
    lists.filter_map(|(name, config)| Some(status(&snapshot, name, config, snapshot.lists.get(name)?))).collect()
}

fn status(snapshot: &Snapshot, name: &str, config: &ListConfig, live: &Arc<LiveList>) -> ListStatus {
    let now = SystemTime::now();
    let sources = snapshot.board.sources_of(config, now).into_iter().map(|source| SourceStatus {
        source: source.label,
        weight: source.weight,
        entries: source.entries.as_ref().map_or(0, Entries::len),
        freshness: source.freshness,
        heard_seconds_ago: source.success.map(|at| now.duration_since(at).unwrap_or_default().as_secs()),
        problem: source.problem,
    });
    ListStatus {
        name: name.to_owned(),
        entries: live.get().len(),
        own: config.own.len(),
        left_out: snapshot.board.left_out(config),
        quorum: config.quorum,
        preview: live.mode() == Mode::Preview,
        hits: live.hits().total(),
        top: live.hits().top(TOP),
        sources: sources.collect(),
    }
}

/// Looks values up as a filter would, without counting. Takes a second or two for a million entries when it must say whose.
pub fn look_up(gateway: &Gateway, question: &Question) -> Result<Vec<Covered>, LookError> {
    let snapshot = gateway.snapshot();
    let known = || snapshot.lists.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
    let (Some(config), Some(live)) = (snapshot.config.lists.get(&question.list), snapshot.lists.get(&question.list))
    else {
        return Err(LookError::Unknown(question.list.clone(), known()));
    };
    if question.values.len() > VALUES_MAX {
        return Err(LookError::TooMany);
    }
    let list = live.get();
    let covered = |value: &String| Covered {
        value: value.clone(),
        note: list.lookup(value).map(str::to_owned),
        excepted: excepted(config, value),
        entries: if question.whose { entries(&snapshot, config, value) } else { Vec::new() },
        quorum: config.quorum,
        preview: live.mode() == Mode::Preview,
    };
    Ok(question.values.iter().map(covered).collect())
}

fn excepted(config: &ListConfig, value: &str) -> Vec<String> {
    let coverage = Coverage::of(value);
    let except = config.except.iter().filter(|entry| coverage.has(&entry.key));
    except.map(|entry| entry.written.to_owned()).collect()
}

fn entries(snapshot: &Snapshot, config: &ListConfig, value: &str) -> Vec<Said> {
    let coverage = Coverage::of(value);
    let of = |source: Option<&str>, weight: u32, entries: &Entries| {
        let said = entries.iter().filter(|entry| coverage.has(&entry.key)).map(|entry| Said {
            source: source.map(str::to_owned),
            weight,
            entry: entry.written.to_owned(),
            note: entry.note.to_owned(),
        });
        said.collect::<Vec<_>>()
    };
    let mut all = of(None, config.quorum, &config.own);
    for source in snapshot.board.sources_of(config, SystemTime::now()) {
        all.extend(of(Some(&source.label), source.weight, &source.entries.unwrap_or_default()));
    }
    all
}
