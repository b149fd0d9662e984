//! Says what a stream did, one line for each thing, in one form whatever the order of attributes.

use refrain_proto::xml::{Reader, Token};
use refrain_proto::{Element, Event, KeyClaim, Node, NodeId, Output, Stream, Validity, XmlLimits, ns};
use std::collections::VecDeque;

#[derive(Default)]
pub struct Observer {
    lines: VecDeque<String>,
    /// Every question so far.
    pub claims: Vec<KeyClaim>,
    pub last_claim: Option<KeyClaim>,
    reader: Option<Reader>,
    finished: bool,
}

impl Observer {
    pub fn next(&mut self) -> Option<String> {
        self.lines.pop_front()
    }

    pub fn drain(&mut self, stream: &mut Stream) {
        loop {
            match stream.poll() {
                Output::Transmit(bytes) => self.sent(&bytes),
                Output::StartTls => self.lines.push_back("tls".into()),
                Output::Event(event) => self.raised(event, stream),
                Output::Wait(_) => return,
                Output::Finished(outcome) => {
                    if !std::mem::replace(&mut self.finished, true) {
                        self.lines.push_back(format!("finished: {outcome}"));
                    }
                    return;
                }
            }
        }
    }

    pub fn sent(&mut self, bytes: &[u8]) {
        if bytes == b" " {
            return self.lines.push_back("sent space".into());
        }
        // A declaration begins a stream anew.
        let text = std::str::from_utf8(bytes).expect("we send UTF-8");
        for (index, part) in text.split("<?xml version='1.0'?>").enumerate() {
            if index > 0 {
                self.reader = Some(Reader::new(XmlLimits::default()));
            }
            self.sent_part(part);
        }
    }

    fn sent_part(&mut self, part: &str) {
        let Some(reader) = &mut self.reader else {
            assert!(part.is_empty(), "sent before a header: {part}");
            return;
        };
        let mut element = Element::default();
        reader.feed(part.as_bytes());
        while let Some(token) = reader.next(&mut element).expect("we send XML") {
            self.lines.push_back(match token {
                Token::Header => show_header(&element),
                Token::Element => format!("sent {}", show(element.root())),
                Token::Close => "sent </stream>".into(),
            });
        }
        assert!(reader.is_empty(), "we send whole elements");
    }

    fn raised(&mut self, event: Event, stream: &mut Stream) {
        let line = match event {
            Event::Stanza(stanza) => {
                let line = format!("stanza {}", show(stanza.root()));
                stream.recycle(stanza);
                line
            }
            Event::Malformed(_, Some(reply)) => format!("malformed {}", show(reply.root())),
            Event::Malformed(_, None) => "malformed".into(),
            Event::Verify(claim) => self.asked(format!("verify {}", claim.pair), claim),
            Event::Asked(claim) => self.asked(format!("asked {} id {}", claim.pair, claim.stream_id), claim),
            Event::Authenticated { pair, by } => format!("authenticated {pair} by {by}"),
            Event::KeyShown(claim) => format!("key shown {} id {}", claim.pair, claim.stream_id),
            Event::Established(by) => format!("established by {by}"),
            Event::Acknowledged(stanzas) => format!("acknowledged {stanzas}"),
            Event::Verified(claim, validity) => format!("verified {} {}", claim.pair, show_validity(validity)),
            Event::Unsolicited => "unsolicited".into(),
        };
        self.lines.push_back(line);
    }

    fn asked(&mut self, line: String, claim: KeyClaim) -> String {
        self.last_claim = Some(claim.clone());
        self.claims.push(claim);
        line
    }
}

fn show_validity(validity: Validity) -> &'static str {
    match validity {
        Validity::Valid => "valid",
        Validity::Invalid => "invalid",
        Validity::Error(condition) => condition.as_str(),
        Validity::Unreachable => "unreachable",
    }
}

/// Shows what a file says we send as the observer would.
pub fn show_expected(xml: &str) -> Result<String, String> {
    if xml == "space" || xml == "</stream>" {
        return Ok(format!("sent {xml}"));
    }
    let parse =
        |xml: &str| Element::parse(xml, ns::SERVER, &XmlLimits::default()).map_err(|error| format!("{xml}: {error}"));
    if xml.starts_with("<stream ") || xml == "<stream>" {
        let element = parse(&xml.replace('>', "/>"))?;
        return Ok(show_addresses(element.root()));
    }
    Ok(format!("sent {}", show(parse(xml)?.root())))
}

fn show_header(element: &Element) -> String {
    let root = element.root();
    assert!(root.is(ns::STREAM, "stream"), "our header is one");
    assert_eq!(root.attribute("version"), Some("1.0"));
    show_addresses(root)
}

/// The id of a header of ours is random, so only its presence shows.
fn show_addresses(root: Node<'_>) -> String {
    let id = root.attribute("id").map(|_| "*");
    let attributes = [("from", root.attribute("from")), ("to", root.attribute("to")), ("id", id)];
    let shown = attributes.iter().filter_map(|(name, value)| value.map(|value| format!(" {name}='{value}'")));
    format!("sent <stream{}>", shown.collect::<String>())
}

/// The canonical form with its attributes in alphabetical order.
fn show(node: Node<'_>) -> String {
    let mut sorted = Element::new(node.namespace(), node.name());
    copy_sorted(node, &mut sorted, 0);
    sorted.to_xml()
}

fn copy_sorted(node: Node<'_>, out: &mut Element, id: NodeId) {
    let mut attributes: Vec<_> = node.attributes().collect();
    attributes.sort_by_key(|attribute| (attribute.namespace, attribute.name));
    for attribute in attributes {
        out.set_attribute_in(id, attribute.namespace, attribute.name, Some(attribute.value));
    }
    for content in node.content() {
        match content {
            refrain_proto::xml::Content::Text(text) => out.append_text(id, text),
            refrain_proto::xml::Content::Element(child) => {
                let copy = out.append(id, child.namespace(), child.name());
                copy_sorted(child, out, copy);
            }
        }
    }
}
