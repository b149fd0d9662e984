//! On which line of which file each key stands, so that any later stage can say where its mistake was made.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::mistake::Mistake;

/// The lines of a configuration file by key, as in `domain[0].server` or `filter.spim.settings.signatures[2].text`, and of the
/// files that are appended to it.
#[derive(Debug, Clone, Default)]
pub struct Places {
    file: PathBuf,
    lines: HashMap<String, usize>,
    appended: HashMap<String, Place>,
}

/// A line of a file that is appended to the configuration file.
#[derive(Debug, Clone)]
pub struct Place {
    file: Arc<Path>,
    line: usize,
}

impl Places {
    /// Places of `file`, none known yet.
    pub fn new(file: &Path) -> Self {
        Places { file: file.to_owned(), ..Places::default() }
    }

    /// Notes that `key` stands on `line`.
    pub fn note(&mut self, key: &str, line: usize) {
        self.lines.insert(key.to_owned(), line);
    }

    /// Notes where keys stand in other files.
    pub fn append(&mut self, keys: impl IntoIterator<Item = (String, Place)>) {
        self.appended.extend(keys);
    }

    /// Where the entries of the list `key` of this file stand, if they are appended to a list called `list` that has `before` of
    /// its own.
    pub fn appended_to(&self, list: &str, key: &str, before: usize) -> Vec<(String, Place)> {
        let file: Arc<Path> = self.file.as_path().into();
        let placed = |(own, line): (&String, &usize)| {
            let (index, rest) = own.strip_prefix(key)?.strip_prefix('[')?.split_once(']')?;
            let index = before + index.parse::<usize>().ok()?;
            Some((format!("{list}[{index}]{rest}"), Place { file: file.clone(), line: *line }))
        };
        self.lines.iter().filter_map(placed).collect()
    }

    /// A mistake at `key`. A key that is not in the file is shown where it belongs: on the line of the table around it.
    pub fn mistake(&self, key: &str, problem: impl Into<String>, advice: impl Into<String>) -> Mistake {
        let (file, line) = self.place(key);
        let (problem, advice) = (problem.into(), advice.into());
        Mistake { file: file.to_owned(), line, key: key.to_owned(), problem, advice }
    }

    /// The file and the line of a key, if it stands there.
    pub fn of(&self, key: &str) -> Option<String> {
        self.lines.get(key).map(|line| format!("{}:{line}", self.file.display()))
    }

    /// The file itself.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// The folder that relative paths start from: the configuration file's own.
    pub fn folder(&self) -> &Path {
        match self.file.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        }
    }

    fn place(&self, key: &str) -> (&Path, Option<usize>) {
        let mut key = key;
        loop {
            if let Some(place) = self.appended.get(key) {
                return (&place.file, Some(place.line));
            }
            if let Some(line) = self.lines.get(key) {
                return (&self.file, Some(*line));
            }
            let Some(end) = key.rfind(['.', '[']) else { return (&self.file, None) };
            key = &key[..end];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_an_absent_key_on_the_line_of_the_table_around_it() {
        let mut places = Places::new(Path::new("etc/refrain.toml"));
        places.note("domain[0]", 4);
        places.note("domain[0].name", 5);
        assert_eq!(places.mistake("domain[0].name", "", "").line, Some(5));
        assert_eq!(places.mistake("domain[0].server.port[3]", "", "").line, Some(4));
        assert_eq!(places.mistake("inside", "", "").line, None);
        assert_eq!(places.folder(), Path::new("etc"));
    }

    #[test]
    fn shows_an_appended_key_in_its_own_file() {
        let (mut places, mut rules) = (Places::new(Path::new("refrain.toml")), Places::new(Path::new("rules.toml")));
        places.note("filter.x.settings.words[0]", 4);
        rules.note("words[0]", 1);
        rules.note("words[0].text", 2);
        places.append(rules.appended_to("filter.x.settings.words", "words", 1));
        let told = |key: &str| places.mistake(key, "", "").to_string();
        assert_eq!(told("filter.x.settings.words[0].text"), "refrain.toml:4: filter.x.settings.words[0].text: ");
        assert_eq!(told("filter.x.settings.words[1].text"), "rules.toml:2: filter.x.settings.words[1].text: ");
        assert_eq!(told("filter.x.settings.words[1].score"), "rules.toml:1: filter.x.settings.words[1].score: ");
    }
}
