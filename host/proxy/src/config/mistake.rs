//! What is wrong with a configuration: where, what, and what to write instead.

use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// One mistake of the operator, or one doubt about what was meant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mistake {
    /// The configuration file.
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

/// Every mistake that was found, in the order of the file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mistakes(Vec<Mistake>);

impl Mistakes {
    /// Adds a mistake, unless its key is already known to be wrong: one wrong value is reported once, where it was seen first.
    pub fn add(&mut self, mistake: Mistake) {
        let known = self.0.iter().any(|other| !mistake.key.is_empty() && other.key == mistake.key);
        if !known {
            self.0.push(mistake);
        }
        self.0.sort_by_key(|mistake| mistake.line);
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

    /// Goes through them in the order of the file.
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
}
