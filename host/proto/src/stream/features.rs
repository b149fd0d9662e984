//! Stream features (RFC 6120 §4.3.2): one row for each that we offer, one for each that we look for.

use crate::auth::external;
use crate::limits::StreamLimits;
use crate::ns;
use crate::xml::{Element, Node};

/// What we offer at one point of a stream.
#[derive(Default)]
pub(super) struct Offer<'a> {
    /// RFC 6120 §5.4.1, always required.
    pub(super) starttls: bool,
    /// XEP-0178 §3.
    pub(super) external: bool,
    /// XEP-0220 §2.4, with errors.
    pub(super) dialback: bool,
    /// XEP-0478.
    pub(super) limits: Option<&'a StreamLimits>,
}

impl Offer<'_> {
    pub(super) fn to_element(&self) -> Element {
        let mut features = Element::new(ns::STREAM, "features");
        if self.starttls {
            let starttls = features.append(0, ns::TLS, "starttls");
            features.append(starttls, ns::TLS, "required");
        }
        if self.external {
            let mechanisms = features.append(0, ns::SASL, "mechanisms");
            append_value(&mut features, mechanisms, ns::SASL, "mechanism", external::MECHANISM);
        }
        if self.dialback {
            let dialback = features.append(0, ns::DIALBACK_FEATURE, "dialback");
            features.append(dialback, ns::DIALBACK_FEATURE, "errors");
        }
        if let Some(limits) = self.limits {
            let node = features.append(0, ns::LIMITS, "limits");
            append_value(&mut features, node, ns::LIMITS, "max-bytes", &limits.xml.stanza_bytes_max.to_string());
            append_value(&mut features, node, ns::LIMITS, "idle-seconds", &limits.idle_timeout.as_secs().to_string());
        }
        features
    }
}

fn append_value(element: &mut Element, parent: u32, namespace: &str, name: &str, value: &str) {
    let node = element.append(parent, namespace, name);
    element.append_text(node, value);
}

/// What a peer offers, as far as we have a use for it. Anything else is optional by RFC 6120 §4.3.2 and passed over.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Offered {
    pub(super) starttls: bool,
    pub(super) external: bool,
    pub(super) dialback: bool,
    /// The largest stanza the peer takes (XEP-0478).
    pub(super) stanza_bytes_max: Option<u32>,
    /// Whether the peer would acknowledge our stanzas (XEP-0198 §2).
    pub(super) management: bool,
}

impl Offered {
    pub(super) fn parse(features: Node<'_>) -> Self {
        let limits = features.child(ns::LIMITS, "limits");
        let max_bytes = limits.and_then(|limits| limits.child(ns::LIMITS, "max-bytes"));
        Self {
            starttls: features.child(ns::TLS, "starttls").is_some(),
            external: features.child(ns::SASL, "mechanisms").is_some_and(lists_external),
            dialback: features.child(ns::DIALBACK_FEATURE, "dialback").is_some(),
            stanza_bytes_max: max_bytes.and_then(|node| node.text().trim().parse().ok()),
            management: features.child(ns::STREAM_MANAGEMENT, "sm").is_some(),
        }
    }
}

fn lists_external(mechanisms: Node<'_>) -> bool {
    mechanisms.children().any(|node| node.is(ns::SASL, "mechanism") && node.text().trim() == external::MECHANISM)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_we_offer_is_what_we_look_for() {
        let limits = StreamLimits::default();
        let offer = Offer { starttls: true, external: true, dialback: true, limits: Some(&limits) };
        let offered = Offered::parse(offer.to_element().root());
        let expected = Offered {
            starttls: true,
            external: true,
            dialback: true,
            stanza_bytes_max: Some(limits.xml.stanza_bytes_max),
            // What comes in is not acknowledged: its stanzas are in our memory alone, until the next server has them.
            management: false,
        };
        assert_eq!(offered, expected);
    }

    #[test]
    fn nothing_offered_is_an_empty_element() {
        assert_eq!(Offer::default().to_element().to_xml(), "<stream:features/>");
    }
}
