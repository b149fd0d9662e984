//! `[list.NAME]`: what the operator lists for filters to look up, and whose lists are taken over.

mod sources;

use std::collections::BTreeMap;
use std::path::PathBuf;

use refrain_filter::Mode;

pub use sources::{Form, HttpsSource, ListSource, Origin, PubsubSource};

use super::file::Section;
use super::text_file;
use crate::lists::Entries;

/// A list is held in memory, some 100 bytes an entry.
pub const ENTRIES_MAX: usize = 1_000_000;
const FILE_BYTES_MAX: u64 = 64 << 20;

/// The lists by name.
pub type ListConfigs = BTreeMap<String, ListConfig>;

/// What one list is made of. Two that are equal have the same entries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListConfig {
    /// The operator's own entries, which always count.
    pub own: Entries,
    /// What is never covered.
    pub except: Entries,
    /// What the weights of the sources that have an entry must add up to.
    pub quorum: u32,
    /// Whether it covers anything.
    pub mode: Mode,
    /// Whose entries are taken over.
    pub sources: Vec<ListSource>,
}

/// Reads every list, with the files they name; returns these too.
pub(super) fn read(root: &Section<'_>) -> (ListConfigs, Vec<PathBuf>) {
    let sections = root.section("list").map(|section| section.named_sections()).unwrap_or_default();
    let files = sections.iter().filter_map(|(_, section)| section.path("file")).collect();
    let lists: ListConfigs = sections.into_iter().map(|(name, section)| (name, read_list(&section))).collect();
    sources::check_across(root, &lists);
    (lists, files)
}

fn read_list(section: &Section<'_>) -> ListConfig {
    section.knows(&["entries", "file", "except", "quorum", "preview", "https", "pubsub"]);
    if !["entries", "https", "pubsub"].iter().any(|key| section.has(key)) {
        section.requires("file", "write entries = [\"spam.example\"], or the file that has them, one a line");
    }
    let sources = sources::read(section);
    ListConfig {
        own: own(section),
        except: section.texts("except").into_iter().map(|(_, entry)| entry).collect(),
        quorum: quorum(section, &sources),
        mode: if section.flag("preview") == Some(true) { Mode::Preview } else { Mode::Covers },
        sources,
    }
}

fn own(section: &Section<'_>) -> Entries {
    let file = read_file(section).unwrap_or_default();
    let entries: Entries = section.texts("entries").into_iter().map(|(_, entry)| entry).collect();
    // The file first: of two notes for the same entry the last one stays.
    let own: Entries = if entries.is_empty() { file } else { file.iter().chain(entries.iter()).collect() };
    if own.len() > ENTRIES_MAX {
        let key = if section.has("file") { "file" } else { "entries" };
        section.mistake(key, format!("{} entries", own.len()), format!("a list has at most {ENTRIES_MAX}"));
    }
    own
}

fn quorum(section: &Section<'_>, sources: &[ListSource]) -> u32 {
    let quorum = section.number("quorum", 1..=1_000_000).and_then(|quorum| u32::try_from(quorum).ok()).unwrap_or(1);
    let reachable: u32 = sources.iter().map(|source| source.weight).sum();
    if section.has("quorum") && reachable < quorum {
        let problem =
            format!("is {quorum}, and all sources together weigh {reachable}: no entry of theirs would count");
        section.mistake("quorum", problem, "write a smaller one, or more sources");
    }
    quorum
}

fn read_file(section: &Section<'_>) -> Option<Entries> {
    let path = section.path("file")?;
    let unreadable = |error: std::io::Error| {
        let advice = "write the path of a text file, relative to this one";
        section.mistake("file", format!("{}: {error}", path.display()), advice);
    };
    text_file::read(&path, FILE_BYTES_MAX).map_err(unreadable).ok().map(|text| Entries::parse(&text))
}

#[cfg(test)]
mod tests;
