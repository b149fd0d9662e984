//! On which line of the file each key stands, so that any later stage can say where its mistake was made.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::mistake::Mistake;

/// The lines of a configuration file by key, as in `domain[0].server` or `filter.spim.settings.signatures[2].text`.
#[derive(Debug, Clone, Default)]
pub struct Places {
    file: PathBuf,
    lines: HashMap<String, usize>,
}

impl Places {
    /// Places of `file`, none known yet.
    pub fn new(file: &Path) -> Self {
        Places { file: file.to_owned(), lines: HashMap::new() }
    }

    /// Notes that `key` stands on `line`.
    pub fn note(&mut self, key: &str, line: usize) {
        self.lines.insert(key.to_owned(), line);
    }

    /// A mistake at `key`. A key that is not in the file is shown where it belongs: on the line of the table around it.
    pub fn mistake(&self, key: &str, problem: impl Into<String>, advice: impl Into<String>) -> Mistake {
        Mistake {
            file: self.file.clone(),
            line: self.line(key),
            key: key.to_owned(),
            problem: problem.into(),
            advice: advice.into(),
        }
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

    fn line(&self, key: &str) -> Option<usize> {
        let mut key = key;
        loop {
            if let Some(line) = self.lines.get(key) {
                return Some(*line);
            }
            let end = key.rfind(['.', '['])?;
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
}
