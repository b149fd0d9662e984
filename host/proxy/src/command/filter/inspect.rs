//! `refrain filter inspect`: what a component says of itself, for whoever is to load it.

use std::path::PathBuf;

use clap::Args;
use refrain_filter::{Component, EngineOptions, Manifest};
use serde_json::{Value, json};

use super::page;
use super::schema::{self, Row};
use super::subject::{Built, Subject};
use super::{Ended, ToolError, bytes, cases};

/// Arguments of `refrain filter inspect`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  refrain filter inspect builtin:spim
  refrain filter inspect link-limit.wasm --schema > schema.json
  refrain filter inspect link-limit.wasm --markdown >> README.md

None of its code runs. What it asks for is what it imports, and what its manifest adds; the operator grants it under
[filter.NAME] grants = [...].

Exit codes: 0 shown, 1 it is no filter that this version of Refrain would load, 2 wrong usage.")]
pub struct Inspect {
    /// The folder of a crate, the file of a component, or builtin:NAME
    #[arg(value_name = "DIR|FILE|builtin:NAME")]
    subject: Option<PathBuf>,
    /// Print the JSON Schema of its settings, and nothing else
    #[arg(long, conflicts_with = "json")]
    schema: bool,
    /// Print its settings as tables in Markdown, for a page of documentation
    #[arg(long, conflicts_with_all = ["json", "schema"])]
    markdown: bool,
    /// Print everything as JSON
    #[arg(long)]
    json: bool,
}

impl Inspect {
    /// Shows it.
    pub(super) fn run(&self) -> Ended {
        let subject = Subject::find(self.subject.as_deref())?;
        let built = subject.built()?;
        let component = examine(&built)?;
        if self.schema {
            say!("{:#}", schema_of(&built, &component)?);
        } else if self.markdown {
            say!("{}", page::tables(&schema::rows(schema_of(&built, &component)?)).trim_end());
        } else if self.json {
            say!("{:#}", as_json(&built, &component));
        } else {
            print_all(&built, &component);
        }
        Ok(())
    }
}

fn schema_of<'c>(built: &Built, component: &'c Component) -> Ended<&'c Value> {
    let schema = component.manifest().and_then(|manifest| manifest.settings_schema.as_ref());
    schema.ok_or_else(|| ToolError::failed(format!("{}: it has no schema of its settings", built.place)))
}

/// Reads a component without running it.
pub(super) fn examine(built: &Built) -> Ended<Component> {
    let engine = cases::engine(EngineOptions::default())?;
    engine.load(&built.name, &built.bytes).map_err(|error| ToolError::failed(format!("{}: {error}", built.place)))
}

/// Prints what matters of a component that was just made.
pub(super) fn print_summary(built: &Built) -> Ended {
    let component = examine(built)?;
    print_facts(&component);
    Ok(())
}

fn print_facts(component: &Component) {
    say!("  size         {}", bytes(component.bytes()));
    say!("  digest       {}", component.digest());
    say!("  asks for     {}", component.requests());
    say!("  imports      {}", wrapped(component.functions(), 15));
}

fn print_all(built: &Built, component: &Component) {
    match component.manifest() {
        Some(manifest) => print_manifest(manifest),
        None => say!("{}: it says nothing of itself: there is no manifest in it", built.place),
    }
    print_facts(component);
    let Some(schema) = component.manifest().and_then(|manifest| manifest.settings_schema.as_ref()) else {
        return say!("  settings     not described");
    };
    let rows = schema::rows(schema);
    if rows.is_empty() {
        return say!("  settings     none");
    }
    say!("\nsettings, under [filter.{}.settings]", built.name);
    print_table(&rows);
}

fn print_manifest(manifest: &Manifest) {
    say!("{} {}", manifest.name, manifest.version);
    if !manifest.description.is_empty() {
        say!("  {}", manifest.description);
    }
    if !manifest.authors.is_empty() {
        say!("  by           {}", manifest.authors.join(", "));
    }
    if let Some(interface) = &manifest.interface {
        say!("  interface    refrain:filter@{interface}");
    }
    let limits = [
        manifest.limits.deadline_ms.map(|milliseconds| format!("{milliseconds} ms a call")),
        manifest.limits.memory_mib.map(|mebibytes| format!("{mebibytes} MiB of memory")),
    ];
    let limits: Vec<String> = limits.into_iter().flatten().collect();
    if !limits.is_empty() {
        say!("  proposes     {}", limits.join(", "));
    }
    if !manifest.self_test.is_empty() {
        say!("  self-test    {}", super::count(manifest.self_test.len(), "file"));
    }
}

/// Joins the words over several lines, those after the first indented.
fn wrapped(words: &[String], indent: usize) -> String {
    const WIDTH: usize = 100;
    if words.is_empty() {
        return "nothing".to_owned();
    }
    let (mut out, mut column) = (String::new(), indent);
    for (index, word) in words.iter().enumerate() {
        if index > 0 && column + word.len() + 2 > WIDTH {
            out.push_str(&format!(",\n{:indent$}", ""));
            column = indent;
        } else if index > 0 {
            out.push_str(", ");
        }
        out.push_str(word);
        column += word.len() + 2;
    }
    out
}

fn print_table(rows: &[Row]) {
    let width = |of: fn(&Row) -> &str, max: usize| {
        rows.iter().map(|row| of(row).chars().count()).filter(|width| *width <= max).max().unwrap_or(0)
    };
    let (key, kind, default) = (width(|row| &row.key, 40), width(|row| &row.kind, 32), width(|row| &row.default, 16));
    for row in rows {
        let line = format!("  {:key$}  {:kind$}  {:default$}  {}", row.key, row.kind, row.default, row.description);
        say!("{}", line.trim_end());
    }
}

fn as_json(built: &Built, component: &Component) -> Value {
    let manifest = component.manifest().map(|manifest| json!(manifest));
    json!({
        "place": built.place,
        "bytes": component.bytes(),
        "digest": component.digest().to_string(),
        "requests": component.requests().to_grants().iter().map(ToString::to_string).collect::<Vec<_>>(),
        "imports": component.imports(),
        "functions": component.functions(),
        "manifest": manifest,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lists_go_on_in_the_next_line() {
        let words: Vec<String> = (0..20).map(|n| format!("interface.function-{n}")).collect();
        let text = wrapped(&words, 4);
        assert!(text.lines().count() > 3 && text.lines().all(|line| line.len() <= 101), "{text}");
        assert_eq!(wrapped(&[], 4), "nothing");
    }
}
