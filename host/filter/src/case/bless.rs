//! Records what a filter does as what it must do. A TOML file keeps its comments, its order and every case that holds.

use std::path::Path;

use refrain_proto::Stanza;
use toml_edit::{ArrayOfTables, DocumentMut, Item, Table, value};

use super::compare::Details;
use super::{Case, CaseFile, Expected, Judged, Played, file, xml_out};
use crate::verdict::Verdict;

impl CaseFile {
    /// Writes what the filter did into the cases that did not hold, and returns how many there were. A case whose filter failed,
    /// or whose stanza is none, stays as it is.
    pub fn bless(&self, path: &Path, played: &[Played]) -> Result<usize, String> {
        let blessed: Vec<Option<Case>> =
            self.cases.iter().zip(played).map(|(case, played)| recorded(case, played)).collect();
        let count = blessed.iter().flatten().count();
        if count == 0 {
            return Ok(0);
        }
        let text = match file::is_xml(path) {
            true => self.blessed_xml(blessed),
            false => {
                let text = std::fs::read_to_string(path).map_err(|error| error.to_string())?;
                blessed_toml(&text, &blessed)?
            }
        };
        std::fs::write(path, text).map_err(|error| format!("cannot be written: {error}"))?;
        Ok(count)
    }

    fn blessed_xml(&self, blessed: Vec<Option<Case>>) -> String {
        let pairs = self.cases.iter().zip(blessed);
        let cases = pairs.map(|(case, blessed)| blessed.unwrap_or_else(|| case.clone())).collect();
        xml_out::write(&CaseFile { cases, ..self.clone() })
    }
}

fn recorded(case: &Case, played: &Played) -> Option<Case> {
    let judged = played.judged.as_ref().ok()?;
    played.difference.is_some().then(|| case.blessed(judged))
}

impl Case {
    /// The case that this outcome fulfils. It says no more than before, unless it is new: then it says all there is to say.
    fn blessed(&self, judged: &Judged) -> Case {
        let (is_new, details) = (self.verdict.is_none(), Details::of(judged));
        // RFC 6120 §8.3.3 associates a type with each condition; another one is worth saying.
        let has_unusual_type = match &judged.verdict {
            Some(Verdict::Bounce(error)) => error.error_type != error.condition.default_type(),
            _ => false,
        };
        Case {
            verdict: Some(judged.word()),
            error_type: details.error_type.filter(|_| self.error_type.is_some() || is_new && has_unusual_type),
            error: details.error,
            text: details.text.filter(|_| self.text.is_some() || is_new),
            to: details.to,
            reply: self.blessed_reply(details.reply).filter(|_| self.reply.is_some() || is_new),
            delay_ms: details.delay_ms.filter(|_| self.delay_ms.is_some() || is_new),
            reason: judged.reason.clone().filter(|_| self.reason.is_some() || is_new),
            result: self.blessed_result(judged.edited.as_ref()),
            ..self.clone()
        }
    }

    /// Keeps the author's spelling of a reply that means the same.
    fn blessed_reply(&self, found: Option<String>) -> Option<String> {
        if self.canonical_reply() == found { self.reply.clone() } else { found }
    }

    /// Keeps the author's spelling of a result that means the same.
    fn blessed_result(&self, edited: Option<&Stanza>) -> Option<String> {
        let edited = edited?.to_xml();
        let spelt = self.result.as_ref().filter(|xml| Stanza::parse(xml).is_ok_and(|known| known.to_xml() == edited));
        Some(spelt.cloned().unwrap_or(edited))
    }
}

fn blessed_toml(text: &str, blessed: &[Option<Case>]) -> Result<String, String> {
    let mut document: DocumentMut = text.parse().map_err(|error: toml_edit::TomlError| error.to_string())?;
    let tables: &mut ArrayOfTables = document
        .get_mut("case")
        .and_then(Item::as_array_of_tables_mut)
        .ok_or("its cases are not written as [[case]]: write them so, then they can be recorded")?;
    for (table, case) in tables.iter_mut().zip(blessed) {
        if let Some(case) = case {
            record(table, case);
        }
    }
    Ok(document.to_string())
}

fn record(table: &mut Table, case: &Case) {
    set(table, "verdict", case.verdict.map(Expected::as_str));
    set(table, "error", case.error.as_deref());
    set(table, "error-type", case.error_type.as_deref());
    set(table, "text", case.text.as_deref());
    set(table, "to", case.to.as_deref());
    set(table, "reply", case.reply.as_deref());
    set_number(table, "delay-ms", case.delay_ms);
    set(table, "reason", case.reason.as_deref());
    set(table, "result", case.result.as_deref());
}

fn set_number(table: &mut Table, key: &str, number: Option<u32>) {
    let known = table.get(key).and_then(Item::as_integer);
    match number.map(i64::from) {
        None => drop(table.remove(key)),
        Some(number) if known != Some(number) => drop(table.insert(key, value(number))),
        Some(_) => {}
    }
}

/// Sets or removes a key; a comment behind its value stays.
fn set(table: &mut Table, key: &str, text: Option<&str>) {
    let Some(text) = text else {
        table.remove(key);
        return;
    };
    let Some(known) = table.get_mut(key).and_then(Item::as_value_mut) else {
        table.insert(key, value(text));
        return;
    };
    if known.as_str() != Some(text) {
        let decor = known.decor().clone();
        *known = text.into();
        *known.decor_mut() = decor;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use refrain_proto::{StanzaCondition, StanzaError};

    const FILE: &str = "# Why these matter.\n[settings]\nlimit = 3 # a few\n\n# The first.\n[[case]]\nname = 'old'\n\
        stanza = \"<message from='a@x.example' to='b@y.example'/>\"\nverdict = 'pass' # for now\n\n[[case]]\nname = 'new'\n\
        stanza = \"<message from='a@x.example' to='b@y.example'/>\"\n";

    fn bless(name: &str, text: &str, judged: Judged) -> (usize, String) {
        let folder = std::env::temp_dir().join(format!("refrain-bless-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let path = folder.join(name);
        std::fs::write(&path, text).unwrap();
        let file = CaseFile::read(&path).unwrap();
        let played: Vec<Played> = file
            .cases
            .iter()
            .map(|case| Played { judged: Ok(judged.clone()), difference: case.difference(&judged) })
            .collect();
        let count = file.bless(&path, &played).unwrap();
        (count, std::fs::read_to_string(&path).unwrap())
    }

    fn bounced() -> Judged {
        let error = StanzaError { text: Some("no".to_owned()), ..StanzaError::new(StanzaCondition::Forbidden) };
        Judged { verdict: Some(Verdict::Bounce(error)), reason: Some("why".to_owned()), edited: None }
    }

    #[test]
    fn a_toml_file_keeps_its_comments_and_order() {
        let (count, text) = bless("a.toml", FILE, bounced());
        assert_eq!(count, 2);
        let expected = FILE
            .replace("verdict = 'pass' # for now\n", "verdict = \"bounce\" # for now\nerror = \"forbidden\"\n")
            + "verdict = \"bounce\"\nerror = \"forbidden\"\ntext = \"no\"\nreason = \"why\"\n";
        assert_eq!(text, expected);
    }

    #[test]
    fn what_holds_is_not_touched() {
        let judged = Judged { verdict: Some(Verdict::Pass), ..Judged::default() };
        let (count, text) = bless("b.toml", FILE, judged.clone());
        assert_eq!((count, text), (1, format!("{FILE}verdict = \"pass\"\n")));
        let (count, _) = bless("c.toml", &format!("{FILE}verdict = \"pass\"\n"), judged);
        assert_eq!(count, 0);
    }

    #[test]
    fn an_edited_stanza_is_recorded_and_forgotten_again() {
        let edited = Stanza::parse("<message from='a@x.example' to='b@y.example'><body>x</body></message>").unwrap();
        let judged = Judged { verdict: Some(Verdict::Pass), edited: Some(edited), ..Judged::default() };
        let (_, text) = bless("d.toml", FILE, judged);
        assert_eq!(text.matches("result = '<message").count(), 2, "{text}");
        let (_, text) = bless("d.toml", &text, Judged { verdict: Some(Verdict::Drop), ..Judged::default() });
        assert!(!text.contains("result") && text.contains("verdict = \"drop\" # for now"), "{text}");
    }

    #[test]
    fn an_xml_file_is_written_anew() {
        let xml =
            "<cases><case name='new'><stanza><message from='a@x.example' to='b@y.example'/></stanza></case></cases>";
        let (count, text) = bless("e.xml", xml, bounced());
        assert_eq!(count, 1);
        assert!(
            text.contains("<case name=\"new\" verdict=\"bounce\" error=\"forbidden\" text=\"no\" reason=\"why\">"),
            "{text}"
        );
    }
}
