//! Service discovery (XEP-0030): what is denied is not offered either.

use refrain_sdk::{Problem, Selector, Setup, Stanza, Verdict};

use crate::mechanism::{Mechanism, Set};
use crate::names;

pub(crate) const INFO: &str = "http://jabber.org/protocol/disco#info";
pub(crate) const ITEMS: &str = "http://jabber.org/protocol/disco#items";

/// The first labels of the addresses that servers give to services for files.
const UPLOADS: [&str; 6] = ["upload", "uploads", "http-upload", "httpupload", "httpfileupload", "share"];
const PROXIES: [&str; 5] = ["proxy", "proxy65", "proxy-65", "socks5", "bytestreams"];

/// Takes features and items out of results.
#[derive(Debug)]
pub(crate) struct Disco {
    features: Selector,
    /// Items of which something is known: the addresses, the names.
    addresses: Selector,
    names: Selector,
}

impl Disco {
    pub(crate) fn new(setup: &mut Setup) -> Result<Self, Problem> {
        Ok(Disco {
            features: setup.selector(&format!("{{{INFO}}}query/{{{INFO}}}feature/@var"))?,
            addresses: setup.selector(&format!("{{{ITEMS}}}query/{{{ITEMS}}}item/@jid"))?,
            names: setup.selector(&format!("{{{ITEMS}}}query/{{{ITEMS}}}item/@name"))?,
        })
    }

    /// Strips an answer. The hash of XEP-0115 no longer fits then, and who asked will not keep the answer (§5.4).
    pub(crate) fn strip(&self, stanza: &Stanza<'_>, denied: Set) -> Verdict {
        let found = self
            .remove(stanza, self.features, denied, of_feature)
            .with(self.remove(stanza, self.addresses, denied, of_address))
            .with(self.remove(stanza, self.names, denied, of_name));
        if !found.is_empty() {
            stanza.reason(&format!("not offered: {}", found.reason()));
        }
        Verdict::Pass
    }

    /// An edit that fails leaves an offer in that will be refused when it is taken.
    fn remove(
        &self,
        stanza: &Stanza<'_>,
        selector: Selector,
        denied: Set,
        mechanism_of: impl Fn(&str) -> Option<Mechanism>,
    ) -> Set {
        let texts = stanza.texts(selector, u32::MAX).into_iter();
        let denied = texts.map(|text| mechanism_of(&text).filter(|mechanism| denied.has(*mechanism)));
        let denied: Vec<_> = denied.collect();
        if denied.iter().all(Option::is_none) {
            return Set::NONE;
        }
        let elements = stanza.find(selector, u32::MAX).into_iter().zip(denied);
        elements.fold(Set::NONE, |found, (element, mechanism)| match mechanism {
            Some(mechanism) if stanza.remove(element).is_ok() => found.with(Set::of(mechanism)),
            _ => found,
        })
    }
}

fn of_feature(feature: &str) -> Option<Mechanism> {
    names::mechanism_of(feature.strip_suffix("+notify").unwrap_or(feature))
}

fn of_address(jid: &str) -> Option<Mechanism> {
    match jid.split_once('.') {
        Some((label, _)) if UPLOADS.contains(&label) => Some(Mechanism::HttpUpload),
        Some((label, _)) if PROXIES.contains(&label) => Some(Mechanism::Socks5),
        _ => None,
    }
}

fn of_name(name: &str) -> Option<Mechanism> {
    let name = name.to_lowercase();
    if ["file upload", "http upload", "file share"].iter().any(|service| name.contains(service)) {
        return Some(Mechanism::HttpUpload);
    }
    let is_proxy = ["bytestreams", "socks5", "socks 5"].iter().any(|service| name.contains(service));
    is_proxy.then_some(Mechanism::Socks5)
}
