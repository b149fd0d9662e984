//! The settings of a filter as a page of documentation has them: one table for the keys, one for each list of tables within.

use std::fmt::Write as _;

use super::schema::{Choice, Row};

/// More words than these are for the page to explain.
const WORDS_SHOWN: usize = 12;
/// As many are told with their meaning in one cell.
const WORDS_EXPLAINED: usize = 6;

/// Returns the tables, those of nested settings behind the one that they are in.
pub(super) fn tables(rows: &[Row]) -> String {
    let mut tables: Vec<(&str, Vec<&Row>)> = vec![("", Vec::new())];
    for row in rows {
        let (table, _) = split(&row.key);
        match tables.iter_mut().find(|(name, _)| *name == table) {
            Some((_, rows)) => rows.push(row),
            None => tables.push((table, vec![row])),
        }
    }
    let mut text = String::new();
    for (name, rows) in tables.iter().filter(|(_, rows)| !rows.is_empty()) {
        let separator = if text.is_empty() { "" } else { "\n" };
        let _ = write!(text, "{separator}{}", table(name, rows));
    }
    text
}

/// The table that a key is in, and what it is called there: `limits[].name` is `name` of `limits[]`.
fn split(key: &str) -> (&str, &str) {
    key.rsplit_once('.').unwrap_or(("", key))
}

fn table(name: &str, rows: &[&Row]) -> String {
    let heading = match name {
        "" => "setting".to_owned(),
        nested => format!("key of `{nested}`"),
    };
    let mut text = format!("| {heading} | what may be written | default | meaning |\n|---|---|---|---|\n");
    for row in rows {
        let (_, key) = split(&row.key);
        let _ = writeln!(text, "| `{key}` | {} | {} | {} |", kind(row), default(row), cell(&meaning(row)));
    }
    text
}

fn kind(row: &Row) -> String {
    let kind = match row.choices.as_slice() {
        [] => row.kind.trim_start_matches("list of ").replace("true | false", "`true`, `false`"),
        many if many.len() > WORDS_SHOWN => "names, explained below".to_owned(),
        choices => choices.iter().map(|choice| code(&choice.word)).collect::<Vec<_>>().join(", "),
    };
    if row.is_list { format!("list of {}", plural(&kind)) } else { kind }
}

/// As the types are called that [`Row::kind`] has.
fn plural(kind: &str) -> String {
    match kind {
        "table" | "text" | "whole number" | "number" => format!("{kind}s"),
        other => other.to_owned(),
    }
}

/// What is quoted is a word to write, anything else is said of it.
fn code(word: &str) -> String {
    if word.starts_with('"') { format!("`{word}`") } else { word.to_owned() }
}

fn default(row: &Row) -> String {
    match row.default.as_str() {
        word @ ("" | "required") => word.to_owned(),
        "[]" | "{}" | "\"\"" => "none".to_owned(),
        other => cell(&format!("`{other}`")),
    }
}

fn meaning(row: &Row) -> String {
    let explained = |choices: &[Choice]| choices.len() <= WORDS_EXPLAINED;
    let mut text = row.description.clone();
    for choice in row.choices.iter().filter(|choice| explained(&row.choices) && !choice.description.is_empty()) {
        let _ = write!(text, "<br>`{}`: {}", choice.word, choice.description);
    }
    text
}

/// A bar would end the cell.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

#[cfg(test)]
mod tests;
