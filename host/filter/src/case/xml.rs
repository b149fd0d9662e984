//! Case files as XML, for those who have their stanzas as XML already:
//!
//! ```xml
//! <cases direction="inbound" grants="accept list:friends">
//!   <settings>{"max-links": 2}</settings>
//!   <list name="friends">friend.example</list>
//!   <case name="a link too many" verdict="bounce" error="not-acceptable" reason="3 links">
//!     <stanza><message from="a@x.example" to="b@y.example"><body>…</body></message></stanza>
//!     <result>…</result>
//!   </case>
//! </cases>
//! ```
//!
//! The attributes of a case are the keys of the TOML form. The default namespace is that of a stream between servers, so the
//! stanzas look as they do on the wire.

use refrain_proto::{Element, Node, XmlLimits, ns};
use serde::de::value::StrDeserializer;
use serde::de::{Deserialize, IntoDeserializer};

use super::{Case, CaseFile, CaseList, no_settings};

const CASE_ATTRIBUTES: [&str; 10] =
    ["name", "direction", "relation", "verdict", "error", "error-type", "text", "to", "delay-ms", "reason"];

/// Reads a file.
pub(super) fn read(text: &str) -> Result<CaseFile, String> {
    let markup = without_comments(text)?;
    let element = Element::parse(&markup, ns::SERVER, &limits()).map_err(|error| format!("{error}"))?;
    let root = element.root();
    expect_name(root, "cases")?;
    expect_attributes(root, &["direction", "relation", "grants"])?;
    let mut file = CaseFile {
        direction: word(root, "direction")?.unwrap_or_default(),
        relation: word(root, "relation")?,
        settings: no_settings(),
        grants: root.attribute("grants").map(|grants| grants.split_whitespace().map(str::to_owned).collect()),
        lists: Default::default(),
        cases: Vec::new(),
    };
    for child in root.children() {
        match child.name() {
            "settings" => file.settings = settings(child)?,
            "list" => {
                let name = child.attribute("name").ok_or("a <list> has no name")?;
                file.lists.insert(name.to_owned(), list(child));
            }
            "case" => file.cases.push(case(child)?),
            other => return Err(format!("<{other}> in <cases>: write <settings>, <list> or <case>")),
        }
    }
    Ok(file)
}

/// Files are larger than stanzas, and ours.
fn limits() -> XmlLimits {
    XmlLimits { stanza_bytes_max: 16 << 20, nodes_max: 1 << 20, ..XmlLimits::default() }
}

/// The reader takes what a stream may carry, which is neither declarations nor comments (RFC 6120 §11.1).
fn without_comments(text: &str) -> Result<String, String> {
    let mut rest = text.trim_start_matches('\u{feff}').trim_start();
    if rest.starts_with("<?xml") {
        rest = rest.split_once("?>").ok_or("the XML declaration does not end")?.1;
    }
    let mut out = String::with_capacity(rest.len());
    while let Some((before, comment)) = rest.split_once("<!--") {
        out.push_str(before);
        rest = comment.split_once("-->").ok_or("a comment does not end")?.1;
    }
    out.push_str(rest);
    Ok(out)
}

fn settings(node: Node<'_>) -> Result<serde_json::Value, String> {
    serde_json::from_str(&node.text()).map_err(|error| format!("<settings> is not JSON: {error}"))
}

fn list(node: Node<'_>) -> CaseList {
    let text = node.text();
    let entries = text.lines().map(str::trim).filter(|line| !line.is_empty());
    CaseList { entries: entries.map(str::to_owned).collect() }
}

fn case(node: Node<'_>) -> Result<Case, String> {
    let name = node.attribute("name").ok_or("a <case> has no name")?;
    let at_fault = |problem: String| format!("case {name:?}: {problem}");
    expect_attributes(node, &CASE_ATTRIBUTES).map_err(at_fault)?;
    let text = |key: &str| node.attribute(key).map(str::to_owned);
    if let Some(child) = node.children().find(|child| !["stanza", "reply", "result"].contains(&child.name())) {
        return Err(at_fault(format!("<{}>: write <stanza>, <reply> and <result>", child.name())));
    }
    Ok(Case {
        name: name.to_owned(),
        direction: word(node, "direction").map_err(at_fault)?,
        relation: word(node, "relation").map_err(at_fault)?,
        stanza: inner(node, "stanza").map_err(at_fault)?.ok_or_else(|| at_fault("it has no <stanza>".to_owned()))?,
        verdict: word(node, "verdict").map_err(at_fault)?,
        error: text("error"),
        error_type: text("error-type"),
        text: text("text"),
        to: text("to"),
        reply: payload(node),
        delay_ms: number(node, "delay-ms").map_err(at_fault)?,
        reason: text("reason"),
        result: inner(node, "result").map_err(at_fault)?,
    })
}

/// The one element inside the child `name`, as XML.
fn inner(case: Node<'_>, name: &str) -> Result<Option<String>, String> {
    let mut children = case.children().filter(|child| child.name() == name);
    let Some(child) = children.next() else { return Ok(None) };
    let mut elements = child.children();
    match (elements.next(), elements.next(), children.next()) {
        (Some(stanza), None, None) => Ok(Some(xml(stanza))),
        _ => Err(format!("it needs one <{name}> with one stanza in it")),
    }
}

/// All elements inside the child `reply`, as XML.
fn payload(case: Node<'_>) -> Option<String> {
    let reply = case.children().find(|child| child.name() == "reply")?;
    Some(reply.children().map(xml).collect())
}

fn number(node: Node<'_>, name: &str) -> Result<Option<u32>, String> {
    let Some(value) = node.attribute(name) else { return Ok(None) };
    value.parse().map(Some).map_err(|_| format!("{name}: {value:?} is no number"))
}

fn xml(node: Node<'_>) -> String {
    let mut out = Vec::new();
    node.write(&mut out);
    String::from_utf8_lossy(&out).into_owned()
}

/// An attribute that is one of a few words.
fn word<'a, T: Deserialize<'a>>(node: Node<'a>, name: &str) -> Result<Option<T>, String> {
    let Some(value) = node.attribute(name) else { return Ok(None) };
    let value: StrDeserializer<'_, serde::de::value::Error> = value.into_deserializer();
    T::deserialize(value).map(Some).map_err(|error| format!("{name}: {error}"))
}

fn expect_name(node: Node<'_>, name: &str) -> Result<(), String> {
    match node.is(ns::SERVER, name) {
        true => Ok(()),
        false => Err(format!("<{}> is the root; write <{name}> without a namespace", node.name())),
    }
}

fn expect_attributes(node: Node<'_>, known: &[&str]) -> Result<(), String> {
    match node.attributes().find(|attribute| !known.contains(&attribute.name)) {
        None => Ok(()),
        Some(other) => {
            Err(format!("<{}> has no attribute {:?}; write one of {}", node.name(), other.name, known.join(", ")))
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::case::Expected;
    use crate::head::Direction;
    use crate::relation::Relation;

    pub(in crate::case) const FILE: &str = r#"<?xml version="1.0"?>
        <!-- why these matter -->
        <cases direction="outbound" relation="stranger" grants="accept list:bad">
          <settings>{"limit": 3, "text": "&lt;"}</settings>
          <list name="bad">
            evil.example  since May
            eve@x.example
          </list>
          <case name='it is "refused"' verdict="bounce" error="not-acceptable" error-type="modify" reason="why">
            <stanza><message from='a@x.example' to='b@y.example'><body>a &amp; b</body><x xmlns='u:x'/></message></stanza>
          </case>
          <case name="edited" direction="inbound" relation="known">
            <stanza><presence from='a@x.example' to='b@y.example'/></stanza>
            <result><presence from='a@x.example' to='b@y.example'><show>away</show></presence></result>
          </case>
        </cases>"#;

    #[test]
    fn reads_all_that_the_other_form_can_say() {
        let file = read(FILE).unwrap();
        assert_eq!((file.direction, &file.settings["limit"]), (Direction::Outbound, &3.into()));
        assert_eq!(file.grants.unwrap(), ["accept", "list:bad"]);
        assert_eq!(file.lists["bad"].entries, ["evil.example  since May", "eve@x.example"]);
        let [refused, edited] = &file.cases[..] else { panic!("two cases") };
        assert_eq!((file.relation, edited.relation), (Some(Relation::Stranger), Some(Relation::Known)));
        assert_eq!((refused.verdict, refused.error_type.as_deref()), (Some(Expected::Bounce), Some("modify")));
        assert!(refused.stanza.contains("<body>a &amp; b</body><x xmlns=\"u:x\"/>"), "{}", refused.stanza);
        assert_eq!((edited.verdict, edited.direction), (None, Some(Direction::Inbound)));
        assert!(edited.result.as_ref().unwrap().contains("<show>away</show>"));
    }

    #[test]
    fn mistakes_name_the_case_and_what_to_write() {
        let error = |from: &str, to: &str| read(&FILE.replace(from, to)).unwrap_err();
        assert!(
            error("verdict=\"bounce\"", "verdict=\"bounec\"")
                .contains("\"it is \\\"refused\\\"\": verdict: unknown variant")
        );
        assert!(error(" reason=", " raeson=").contains("no attribute \"raeson\"; write one of name,"));
        assert!(error("\"limit\": 3", "limit").contains("<settings> is not JSON"));
        assert!(error("<stanza><presence", "<presence/><stanza><presence").contains("<presence>: write <stanza>"));
    }
}
