//! `settings-files` of a filter: files whose entries are appended to a list of its settings, for lists that somebody else
//! writes or that are too long for the configuration file.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::file::{self, Findings, Section, advise_key};
use super::text_file;

/// 10,000 signatures with names and notes are some 2 MiB.
const FILE_BYTES_MAX: u64 = 8 << 20;
/// Each is held as JSON once for each chain, and as whatever the filter makes of it once for each worker.
const ENTRIES_MAX: usize = 100_000;
/// A file that is no TOML at all has a mistake in every line; nobody reads more of them.
const SYNTAX_MISTAKES_MAX: usize = 20;

/// Appends what the files hold to `settings`; returns the files, readable or not.
pub(super) fn read(filter: &Section<'_>, settings: &mut Value) -> Vec<PathBuf> {
    let Some(section) = filter.section("settings-files") else { return Vec::new() };
    let Value::Object(settings) = settings else { return Vec::new() };
    let mut files = Vec::new();
    for key in section.keys() {
        let target = Target { filter, section: &section, key };
        let mut entries = target.own_entries(settings);
        for (place, path) in section.texts(key) {
            let path = filter.findings().places.folder().join(path);
            target.append(&place, &path, &mut entries);
            files.push(path);
        }
        settings.insert(key.to_owned(), Value::Array(entries));
    }
    files
}

/// The list of the settings that files are appended to.
struct Target<'s, 'd> {
    filter: &'s Section<'d>,
    section: &'s Section<'d>,
    key: &'s str,
}

impl Target<'_, '_> {
    /// The entries that stand in the configuration file itself; they come first.
    fn own_entries(&self, settings: &mut Map<String, Value>) -> Vec<Value> {
        match settings.remove(self.key) {
            None => Vec::new(),
            Some(Value::Array(entries)) => entries,
            Some(_) => {
                let advice = format!("what [settings] has under {} must be a list", self.key);
                self.section.mistake(self.key, "files can only be appended to a list", advice);
                Vec::new()
            }
        }
    }

    fn append(&self, place: &str, path: &Path, entries: &mut Vec<Value>) {
        let text = match text_file::read(path, FILE_BYTES_MAX) {
            Ok(text) => text,
            Err(problem) => {
                let advice = "write the path of a TOML file, relative to this one";
                return self.section.mistake(place, format!("{}: {problem}", path.display()), advice);
            }
        };
        self.findings().depends_on(&text);
        match file::parse(&text, path, |root| read_entries(root, self.key)) {
            Ok((found, within)) => self.take(place, path, found, within, entries),
            Err(mistakes) => self.findings().found(mistakes.into_iter().take(SYNTAX_MISTAKES_MAX)),
        }
    }

    fn take(&self, place: &str, path: &Path, found: Vec<Value>, within: Findings, entries: &mut Vec<Value>) {
        let (places, mistakes, _) = within.into_parts();
        self.findings().found(mistakes);
        if entries.len() + found.len() > ENTRIES_MAX {
            let problem = format!("{}: with it there are {} entries", path.display(), entries.len() + found.len());
            return self.section.mistake(place, problem, format!("a list has at most {ENTRIES_MAX}"));
        }
        let list = format!("{}.{}", self.filter.key("settings"), self.key);
        self.findings().appended(places.appended_to(&list, self.key, entries.len()));
        entries.extend(found);
    }

    fn findings(&self) -> &Findings {
        self.filter.findings()
    }
}

/// The list that the file is for, and nothing else: what stands under another key would be silently lost.
fn read_entries(root: &Section<'_>, key: &str) -> Vec<Value> {
    for other in root.keys().filter(|other| *other != key) {
        let advice = format!("the file is for {key}; {}", advise_key(other, &[key]));
        root.mistake(other, "there is no such key", advice);
    }
    root.requires(key, &format!("write [[{key}]] for each entry"));
    match root.json(key) {
        Some(Value::Array(entries)) => entries,
        Some(_) => {
            root.mistake(key, "is no list", format!("write [[{key}]] for each entry"));
            Vec::new()
        }
        None => Vec::new(),
    }
}

#[cfg(test)]
mod tests;
