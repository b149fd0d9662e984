//! Service discovery (XEP-0030): what is denied is not offered either.

use refrain_sdk::{Address, Node, Problem, Selector, Setup, Stanza, Verdict};

use crate::mechanism::{Mechanism, Set};
use crate::names;
use crate::policy::Denied;

pub(crate) const INFO: &str = "http://jabber.org/protocol/disco#info";
pub(crate) const ITEMS: &str = "http://jabber.org/protocol/disco#items";

/// The first labels of the addresses that servers give to services for files.
const UPLOADS: [&str; 5] = ["upload", "uploads", "http-upload", "httpupload", "httpfileupload"];
const PROXIES: [&str; 5] = ["proxy", "proxy65", "proxy-65", "socks5", "bytestreams"];

/// What a text says that something belongs to.
type Meaning = fn(&str) -> Option<Mechanism>;

/// What is denied to something that is told.
type Way = fn(Denied) -> Set;

/// What is told: elements, the text of each, its meaning, and whose way it goes.
#[rustfmt::skip]
const TOLD: [(&str, &str, &str, Meaning, Way); 7] = [
    (INFO, "{*}feature/@var", "{*}feature/@var", of_feature, offered),
    (INFO, "{*}identity[@category='store']/@type", "{*}identity[@category='store']/@type", of_identity, offered),
    (INFO, "{*}identity[@category='proxy']/@type", "{*}identity[@category='proxy']/@type", of_identity, offered),
    // XEP-0128 §2: a form says by its type what it is about.
    (INFO, "{jabber:x:data}x", "{jabber:x:data}x/{*}field[@var='FORM_TYPE']/{*}value", of_feature, offered),
    (INFO, "{jabber:x:data}x/{*}field/@var", "{jabber:x:data}x/{*}field/@var", of_field, given),
    (ITEMS, "{*}item/@jid", "{*}item/@jid", of_address, offered),
    (ITEMS, "{*}item/@name", "{*}item/@name", of_name, offered),
];

/// What is offered here is asked for from the other side.
fn offered(denied: Denied) -> Set {
    denied.against
}

/// What the answer itself brings.
fn given(denied: Denied) -> Set {
    denied.along
}

/// Takes features and items out of results.
#[derive(Debug)]
pub(crate) struct Disco {
    rows: Vec<Row>,
}

/// One kind of thing that is told.
#[derive(Debug)]
struct Row {
    elements: Selector,
    texts: Selector,
    meaning: Meaning,
    denied: Way,
}

impl Disco {
    pub(crate) fn new(setup: &mut Setup) -> Result<Self, Problem> {
        let rows = TOLD.iter().map(|(namespace, elements, texts, meaning, denied)| {
            let mut within = |path: &str| setup.selector(&format!("{{{namespace}}}query/{path}"));
            Ok(Row { elements: within(elements)?, texts: within(texts)?, meaning: *meaning, denied: *denied })
        });
        Ok(Disco { rows: rows.collect::<Result<_, Problem>>()? })
    }

    /// Strips an answer. The hash of XEP-0115 no longer fits then, and who asked will not keep the answer (§5.4).
    pub(crate) fn strip(&self, stanza: &Stanza<'_>, denied: Denied) -> Verdict {
        let found = self.rows.iter().fold(Set::NONE, |found, row| found.with(row.remove(stanza, (row.denied)(denied))));
        if !found.is_empty() {
            stanza.reason(&format!("not offered: {}", found.reason()));
        }
        Verdict::Pass
    }
}

impl Row {
    /// An edit that fails leaves an offer in that will be refused when it is taken.
    fn remove(&self, stanza: &Stanza<'_>, denied: Set) -> Set {
        let texts = stanza.texts(self.texts, u32::MAX).into_iter();
        let denied = texts.map(|text| (self.meaning)(&text).filter(|mechanism| denied.has(*mechanism)));
        let denied: Vec<_> = denied.collect();
        if denied.iter().all(Option::is_none) {
            return Set::NONE;
        }
        let elements = stanza.find(self.elements, u32::MAX);
        if elements.len() != denied.len() {
            return Set::NONE;
        }
        elements.into_iter().zip(denied).fold(Set::NONE, |found, (element, mechanism)| match mechanism {
            Some(mechanism) if is_of_entity(stanza, element) && stanza.remove(element).is_ok() => {
                found.with(Set::of(mechanism))
            }
            _ => found,
        })
    }
}

/// Whether what is told is of an entity as a whole: among items, whether it is a service, and no room, node or command.
fn is_of_entity(stanza: &Stanza<'_>, element: Node) -> bool {
    let is_at_domain = stanza.attr(element, "jid").is_none_or(|jid| Address::of(&jid).is_domain());
    is_at_domain && stanza.attr(element, "node").is_none()
}

fn of_feature(feature: &str) -> Option<Mechanism> {
    names::mechanism_of(feature.strip_suffix("+notify").unwrap_or(feature))
}

fn of_identity(kind: &str) -> Option<Mechanism> {
    match kind {
        "file" => Some(Mechanism::HttpUpload),
        "bytestreams" => Some(Mechanism::Socks5),
        _ => None,
    }
}

/// XEP-0486.
fn of_field(name: &str) -> Option<Mechanism> {
    (name == "muc#roominfo_avatarhash").then_some(Mechanism::Avatars)
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
