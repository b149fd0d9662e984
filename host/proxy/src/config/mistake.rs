//! What is wrong with a configuration: where, what, and what to write instead.

use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// One mistake of the operator, or one doubt about what was meant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mistake {
    /// The configuration file, or one that it includes.
    pub file: PathBuf,
    /// The line, counted from 1, where it is known.
    pub line: Option<usize>,
    /// The key, as in `domain[0].server`. Empty when the file as a whole is meant.
    pub key: String,
    /// What is wrong.
    pub problem: String,
    /// What to write instead; empty when the problem says it all.
    pub advice: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file.display())?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        if !self.key.is_empty() {
            write!(f, ": {}", self.key)?;
        }
        // A problem of several lines, as of a regular expression with its caret, stays aligned below its first.
        write!(f, ": {}", self.problem.replace('\n', "\n    "))?;
        if !self.advice.is_empty() {
            write!(f, "; {}", self.advice)?;
        }
        Ok(())
    }
}

/// Every mistake that was found, file by file, in the order of each.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mistakes(Vec<Mistake>);

impl Mistakes {
    /// Adds a mistake, unless its key is already known to be wrong: one wrong value is reported once, where it was seen first.
    pub fn add(&mut self, mistake: Mistake) {
        let same = |other: &Mistake| other.file == mistake.file && other.key == mistake.key;
        if !mistake.key.is_empty() && self.0.iter().any(same) {
            return;
        }
        let of_file = |other: &Mistake| other.file == mistake.file;
        let before = self.0.iter().rposition(|other| of_file(other) && other.line <= mistake.line);
        let at = before.map_or_else(|| self.0.iter().position(of_file).unwrap_or(self.0.len()), |last| last + 1);
        self.0.insert(at, mistake);
    }

    /// Adds what a later stage found.
    pub fn extend(&mut self, others: impl IntoIterator<Item = Mistake>) {
        others.into_iter().for_each(|mistake| self.add(mistake));
    }

    /// Whether nothing is wrong.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Goes through them, file by file, in the order of each.
    pub fn iter(&self) -> std::slice::Iter<'_, Mistake> {
        self.0.iter()
    }

    /// `Ok` with `value` when nothing is wrong.
    pub fn or<T>(self, value: T) -> Result<T, Mistakes> {
        if self.is_empty() { Ok(value) } else { Err(self) }
    }
}

impl FromIterator<Mistake> for Mistakes {
    fn from_iter<I: IntoIterator<Item = Mistake>>(found: I) -> Self {
        let mut mistakes = Mistakes::default();
        mistakes.extend(found);
        mistakes
    }
}

impl IntoIterator for Mistakes {
    type Item = Mistake;
    type IntoIter = std::vec::IntoIter<Mistake>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

/// One after the other, each from the start of a line.
impl fmt::Display for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, mistake) in self.0.iter().enumerate() {
            if index > 0 {
                writeln!(f)?;
            }
            write!(f, "{mistake}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Mistakes {}

#[cfg(test)]
mod tests {
    use super::*;

    fn mistake(line: usize, key: &str) -> Mistake {
        Mistake {
            file: "refrain.toml".into(),
            line: Some(line),
            key: key.into(),
            problem: "is wrong".into(),
            advice: "write it right".into(),
        }
    }

    #[test]
    fn reads_as_file_line_key_problem_and_advice() {
        assert_eq!(
            mistake(7, "domain[0].server").to_string(),
            "refrain.toml:7: domain[0].server: is wrong; write it right"
        );
    }

    #[test]
    fn keeps_the_order_of_the_file_and_names_each_key_once() {
        let mut mistakes = Mistakes::default();
        mistakes.extend([mistake(9, "b"), mistake(2, "a"), mistake(9, "b")]);
        let lines: Vec<_> = mistakes.iter().map(|mistake| mistake.line).collect();
        assert_eq!(lines, [Some(2), Some(9)]);
    }

    #[test]
    fn keeps_the_files_apart() {
        let in_rules = |line, key| Mistake { file: "rules.toml".into(), ..mistake(line, key) };
        let mistakes = Mistakes::from_iter([mistake(9, "b"), in_rules(3, "b"), mistake(2, "a"), in_rules(1, "c")]);
        let told: Vec<_> = mistakes.iter().map(|mistake| (mistake.file.to_str().unwrap(), mistake.line)).collect();
        let (main, rules) = ("refrain.toml", "rules.toml");
        assert_eq!(told, [(main, Some(2)), (main, Some(9)), (rules, Some(1)), (rules, Some(3))]);
    }
}
