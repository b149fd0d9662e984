//! Dialback elements (XEP-0220), read by namespace and written with the literal `db:`.

use crate::auth::{KeyClaim, Validity};
use crate::error::PeerMisbehaved;
use crate::jid::{Domain, DomainPair};
use crate::ns;
use crate::stanza::{ErrorType, StanzaCondition};
use crate::xml::{Element, Node};

/// A key of XEP-0185 has 64 characters; nobody's has more than 128.
pub(super) const KEY_BYTES_MAX: usize = 512;

/// XEP-0220 §2.5: the authority could not be connected to.
const CONNECTION_FAILED: &str = "remote-connection-failed";

/// A `<db:result/>` or `<db:verify/>`.
#[derive(Debug)]
pub(super) struct Dialback {
    pub(super) kind: DialbackKind,
    /// As addressed: from the sender of this element.
    pub(super) pair: DomainPair,
    pub(super) id: Option<String>,
    pub(super) key: String,
    /// Present on answers.
    pub(super) answer: Option<Validity>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DialbackKind {
    Result,
    Verify,
}

impl DialbackKind {
    fn name(self) -> &'static str {
        match self {
            Self::Result => "result",
            Self::Verify => "verify",
        }
    }
}

impl Dialback {
    /// Reads a dialback element; none if the node is something else.
    pub(super) fn parse(node: Node<'_>) -> Option<Result<Self, PeerMisbehaved>> {
        let kind = match (node.namespace(), node.name()) {
            (ns::DIALBACK, "result") => DialbackKind::Result,
            (ns::DIALBACK, "verify") => DialbackKind::Verify,
            _ => return None,
        };
        Some(Self::read(kind, node))
    }

    fn read(kind: DialbackKind, node: Node<'_>) -> Result<Self, PeerMisbehaved> {
        Ok(Self {
            kind,
            pair: DomainPair { from: address(node, "from")?, to: address(node, "to")? },
            id: node.attribute("id").map(str::to_owned),
            key: node.text().trim().to_owned(),
            answer: node.attribute("type").map(|kind| validity(kind, node)),
        })
    }
}

fn address(node: Node<'_>, name: &str) -> Result<Domain, PeerMisbehaved> {
    let text = node.attribute(name).ok_or(PeerMisbehaved::ImproperAddressing)?;
    Domain::parse(text).map_err(|_| PeerMisbehaved::ImproperAddressing)
}

fn validity(kind: &str, node: Node<'_>) -> Validity {
    match kind {
        "valid" => Validity::Valid,
        "error" => error(node),
        _ => Validity::Invalid,
    }
}

/// XEP-0220 §2.5. One of its conditions is a stanza error nowhere else.
fn error(node: Node<'_>) -> Validity {
    let error = node.children().find(|child| child.name() == "error");
    let names = error.into_iter().flat_map(|error| error.children()).filter(|child| child.namespace() == ns::STANZAS);
    let mut conditions = names.map(|condition| match condition.name() {
        CONNECTION_FAILED => Validity::Unreachable,
        name => Validity::Error(name.parse().unwrap_or(StanzaCondition::UndefinedCondition)),
    });
    conditions.next().unwrap_or(Validity::Error(StanzaCondition::UndefinedCondition))
}

/// Shows our key to the receiving server (§2.1.1).
pub(super) fn show_key(claim: &KeyClaim) -> Element {
    let mut element = addressed(DialbackKind::Result, &claim.pair);
    element.append_text(0, &claim.key);
    element
}

/// Puts a key to the authoritative server (§2.1.2).
pub(super) fn ask_authority(claim: &KeyClaim) -> Element {
    let mut element = addressed(DialbackKind::Verify, &claim.pair.reversed());
    element.set_attribute(0, "id", Some(&claim.stream_id));
    element.append_text(0, &claim.key);
    element
}

/// Answers a key that was shown (§2.2.1), to the one who showed it.
pub(super) fn answer_result(pair: &DomainPair, validity: Validity) -> Element {
    let mut element = addressed(DialbackKind::Result, &pair.reversed());
    set_validity(&mut element, validity);
    element
}

/// Answers a question to us as the authority (§2.2.2): `pair` is the claim's, from the originating domain.
pub(super) fn answer_verify(pair: &DomainPair, stream_id: &str, validity: Validity) -> Element {
    let mut element = addressed(DialbackKind::Verify, pair);
    element.set_attribute(0, "id", Some(stream_id));
    set_validity(&mut element, validity);
    element
}

fn addressed(kind: DialbackKind, pair: &DomainPair) -> Element {
    let mut element = Element::new(ns::DIALBACK, kind.name());
    element.set_attribute(0, "from", Some(pair.from.as_str()));
    element.set_attribute(0, "to", Some(pair.to.as_str()));
    element
}

fn set_validity(element: &mut Element, validity: Validity) {
    match validity {
        Validity::Valid => element.set_attribute(0, "type", Some("valid")),
        Validity::Invalid => element.set_attribute(0, "type", Some("invalid")),
        Validity::Error(condition) => append_error(element, condition.default_type(), condition.as_str()),
        Validity::Unreachable => append_error(element, ErrorType::Wait, CONNECTION_FAILED),
    }
}

fn append_error(element: &mut Element, error_type: ErrorType, condition: &str) {
    element.set_attribute(0, "type", Some("error"));
    let error = element.append(0, ns::SERVER, "error");
    element.set_attribute(error, "type", Some(error_type.as_str()));
    element.append(error, ns::STANZAS, condition);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair() -> DomainPair {
        DomainPair { from: Domain::parse("a.example").unwrap(), to: Domain::parse("b.example").unwrap() }
    }

    fn parse(element: &Element) -> Dialback {
        Dialback::parse(element.root()).unwrap().unwrap()
    }

    #[test]
    fn a_question_is_addressed_to_the_originating_domain() {
        let claim = KeyClaim { pair: pair(), stream_id: "<id>".into(), key: "k&".into() };
        let element = ask_authority(&claim);
        let xml = r#"<db:verify from="b.example" to="a.example" id="&lt;id&gt;">k&amp;</db:verify>"#;
        assert_eq!(element.to_xml(), xml);
        assert_eq!((parse(&element).key.as_str(), parse(&element).answer), ("k&", None));
    }

    #[test]
    fn an_answer_goes_back_the_way_the_request_came() {
        let element = answer_result(&pair(), Validity::Valid);
        assert_eq!(element.to_xml(), r#"<db:result from="b.example" to="a.example" type="valid"/>"#);
        let element = answer_verify(&pair(), "7", Validity::Invalid);
        assert_eq!(element.to_xml(), r#"<db:verify from="a.example" to="b.example" id="7" type="invalid"/>"#);
    }

    #[test]
    fn every_error_condition_survives_the_wire() {
        for &condition in StanzaCondition::ALL {
            let element = answer_result(&pair(), Validity::Error(condition));
            assert_eq!(parse(&element).answer, Some(Validity::Error(condition)));
        }
        assert_eq!(parse(&answer_result(&pair(), Validity::Unreachable)).answer, Some(Validity::Unreachable));
    }
}
