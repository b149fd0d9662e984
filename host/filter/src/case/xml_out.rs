//! Writes a case file as XML, in the form that [`xml`](super::xml) reads.

use std::fmt::Write;

use super::{Case, CaseFile, Expected, no_settings};
use crate::head::Direction;
use crate::relation::Relation;

/// Writes a file; comments are not kept.
pub(super) fn write(file: &CaseFile) -> String {
    let mut out = String::from("<cases");
    attribute(&mut out, "direction", (file.direction != Direction::default()).then(|| file.direction.as_str()));
    attribute(&mut out, "relation", file.relation.map(Relation::as_str));
    attribute(&mut out, "grants", file.grants.as_ref().map(|grants| grants.join(" ")).as_deref());
    out.push_str(">\n");
    if file.settings != no_settings() {
        let _ = writeln!(out, "  <settings>{}</settings>", escaped(&format!("{:#}", file.settings)));
    }
    for (name, list) in &file.lists {
        let _ = writeln!(out, "  <list name=\"{}\">\n{}\n  </list>", escaped(name), escaped(&list.entries.join("\n")));
    }
    file.cases.iter().for_each(|case| write_case(&mut out, case));
    out.push_str("</cases>\n");
    out
}

fn write_case(out: &mut String, case: &Case) {
    out.push_str("  <case");
    attribute(out, "name", Some(&case.name));
    attribute(out, "direction", case.direction.map(Direction::as_str));
    attribute(out, "relation", case.relation.map(Relation::as_str));
    attribute(out, "verdict", case.verdict.map(Expected::as_str));
    attribute(out, "error", case.error.as_deref());
    attribute(out, "error-type", case.error_type.as_deref());
    attribute(out, "text", case.text.as_deref());
    attribute(out, "to", case.to.as_deref());
    attribute(out, "delay-ms", case.delay_ms.map(|delay_ms| delay_ms.to_string()).as_deref());
    attribute(out, "reason", case.reason.as_deref());
    let _ = writeln!(out, ">\n    <stanza>{}</stanza>", case.stanza);
    if let Some(reply) = &case.reply {
        let _ = writeln!(out, "    <reply>{reply}</reply>");
    }
    if let Some(result) = &case.result {
        let _ = writeln!(out, "    <result>{result}</result>");
    }
    out.push_str("  </case>\n");
}

fn attribute(out: &mut String, name: &str, value: Option<&str>) {
    if let Some(value) = value {
        let _ = write!(out, " {name}=\"{}\"", escaped(value));
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::xml::read;
    use crate::case::xml::tests::FILE;

    #[test]
    fn what_is_written_reads_as_what_was_read() {
        let first = write(&read(FILE).unwrap());
        assert_eq!(write(&read(&first).unwrap()), first);
    }
}
