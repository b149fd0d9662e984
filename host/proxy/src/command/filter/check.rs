//! `refrain filter check`: whether a component would load, found without running it.

use std::path::PathBuf;

use clap::Args;
use refrain_filter::case::CaseFile;
use refrain_filter::{Component, Manifest};

use super::subject::Subject;
use super::{Ended, RED, ToolError, count, inspect, paint, schema};

/// Arguments of `refrain filter check`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  refrain filter check link-limit.wasm
  refrain filter check                        the crate in this folder, compiled first

None of its code runs. Looked at: that it is a component of a version of the interface that this Refrain has, what it imports, its
manifest, the schema of its settings, and its self-tests. `refrain filter test` runs it.

Exit codes: 0 it would load, 1 it would not, or its manifest is wrong, 2 wrong usage.")]
pub struct Check {
    /// The folder of a crate, the file of a component, or builtin:NAME
    #[arg(value_name = "DIR|FILE|builtin:NAME")]
    subject: Option<PathBuf>,
}

impl Check {
    /// Checks, and says what is wrong.
    pub(super) fn run(&self) -> Ended {
        let subject = Subject::find(self.subject.as_deref())?;
        let built = subject.built()?;
        let component = inspect::examine(&built)?;
        let mistakes = component.manifest().map(mistakes).unwrap_or_default();
        for mistake in &mistakes {
            eprintln!("{}: {mistake}", paint(RED, &built.place));
        }
        advise(&component);
        if mistakes.is_empty() {
            say!("{} would load: refrain filter {}", built.place, component.digest().short());
            say!("  asks for     {}", component.requests());
            return Ok(());
        }
        eprintln!("{}", count(mistakes.len(), "mistake"));
        Err(ToolError::Told)
    }
}

fn mistakes(manifest: &Manifest) -> Vec<String> {
    let mut mistakes = Vec::new();
    for (key, value) in [("name", &manifest.name), ("version", &manifest.version)] {
        if value.trim().is_empty() {
            mistakes.push(format!("manifest.{key} is empty"));
        }
    }
    if let Some(schema) = &manifest.settings_schema {
        mistakes
            .extend(schema::mistakes(schema).into_iter().map(|mistake| format!("manifest.settings-schema: {mistake}")));
    }
    for (index, text) in manifest.self_test.iter().enumerate() {
        if let Err(error) = CaseFile::parse(text) {
            mistakes.push(format!("manifest.self-test[{index}]: {error}"));
        }
    }
    mistakes
}

/// What is no mistake, and could be better.
fn advise(component: &Component) {
    let Some(manifest) = component.manifest() else {
        return say!("advice: it has no manifest, so an operator sees neither its version nor its settings");
    };
    if manifest.description.is_empty() {
        say!("advice: it has no description; write one in Cargo.toml");
    }
    let Some(schema) = &manifest.settings_schema else {
        return say!("advice: its settings have no schema, so their mistakes are found only when it is configured");
    };
    for row in schema::rows(schema).iter().filter(|row| row.description.is_empty()) {
        say!("advice: the setting {} has no description; write a /// comment above it", row.key);
    }
}
