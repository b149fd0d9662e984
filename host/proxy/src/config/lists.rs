//! `[list.NAME]`: what the operator lists for filters to look up.

use std::path::PathBuf;
use std::sync::Arc;

use refrain_filter::{List, Lists};

use super::file::Section;

/// A list is held in memory, some 100 bytes an entry.
const ENTRIES_MAX: usize = 1_000_000;
const FILE_BYTES_MAX: u64 = 64 << 20;

/// Reads every list, with the files they name; returns these too.
pub(super) fn read(root: &Section<'_>) -> (Lists, Vec<PathBuf>) {
    let sections = root.section("list").map(|section| section.named_sections()).unwrap_or_default();
    let files = sections.iter().filter_map(|(_, section)| section.path("file")).collect();
    (sections.into_iter().map(|(name, section)| (name, Arc::new(read_list(&section)))).collect(), files)
}

fn read_list(section: &Section<'_>) -> List {
    section.knows(&["entries", "file"]);
    if !section.has("entries") {
        section.requires("file", "write entries = [\"spam.example\"], or the file that has them, one a line");
    }
    let mut list = read_file(section).unwrap_or_default();
    section.texts("entries").into_iter().for_each(|(_, entry)| list.add(entry));
    if list.len() > ENTRIES_MAX {
        let key = if section.has("file") { "file" } else { "entries" };
        section.mistake(key, format!("{} entries", list.len()), format!("a list has at most {ENTRIES_MAX}"));
    }
    list
}

fn read_file(section: &Section<'_>) -> Option<List> {
    let path = section.path("file")?;
    let unreadable = |error: std::io::Error| {
        let advice = "write the path of a text file, relative to this one";
        section.mistake("file", format!("{}: {error}", path.display()), advice);
    };
    let bytes = std::fs::metadata(&path).map_err(unreadable).ok()?.len();
    if bytes > FILE_BYTES_MAX {
        section.mistake("file", format!("{bytes} bytes"), format!("a list has at most {FILE_BYTES_MAX}"));
        return None;
    }
    std::fs::read_to_string(&path).map_err(unreadable).ok().map(|text| List::parse(&text))
}
