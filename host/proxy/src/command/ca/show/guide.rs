//! What a person is told to do, step by step.

use std::fmt;

/// The page for one server.
#[derive(Debug, Default)]
pub(super) struct Guide {
    title: String,
    steps: Vec<Step>,
    trusts: Vec<String>,
    notes: Vec<String>,
}

#[derive(Debug)]
struct Step {
    what: String,
    /// To be copied as it is.
    text: String,
}

impl Guide {
    pub(super) fn new(title: String) -> Self {
        Guide { title, ..Guide::default() }
    }

    /// One thing to do, with what is to be copied below it.
    pub(super) fn step(mut self, what: impl Into<String>, text: impl Into<String>) -> Self {
        self.steps.push(Step { what: what.into(), text: text.into() });
        self
    }

    /// Whom else the server believes after all this.
    pub(super) fn trusts(mut self, what: impl Into<String>) -> Self {
        self.trusts.push(what.into());
        self
    }

    /// What else one should know.
    pub(super) fn note(mut self, what: impl Into<String>) -> Self {
        self.notes.push(what.into());
        self
    }
}

/// What is to be copied begins at the start of its line, so that indentation that means something survives.
impl fmt::Display for Guide {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}\n{}", self.title, "=".repeat(self.title.chars().count()))?;
        for (index, step) in self.steps.iter().enumerate() {
            writeln!(f, "\n{}. {}", index + 1, step.what)?;
            if !step.text.is_empty() {
                writeln!(f, "\n{}", step.text.trim_end())?;
            }
        }
        for (heading, items) in [("What else it trusts", &self.trusts), ("Mind", &self.notes)] {
            if !items.is_empty() {
                writeln!(f, "\n{heading}:")?;
            }
            for item in items {
                writeln!(f, "- {item}")?;
            }
        }
        Ok(())
    }
}
