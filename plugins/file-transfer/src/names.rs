//! By which names the mechanisms are known: namespaces, and elements within namespaces that say other things too.

use refrain_sdk::Child;

use crate::mechanism::Mechanism::{self, *};

/// Namespaces of payloads that belong to a mechanism as a whole; a trailing `*` matches by prefix, for versions come and go. They name
/// features, nodes of PubSub, and what a fallback stands for, too.
#[rustfmt::skip]
const PAYLOADS: [(&str, Mechanism); 38] = [
    ("jabber:iq:oob", Oob),
    ("jabber:x:oob", Oob),
    ("http://jabber.org/protocol/ibb", Ibb),
    ("http://jabber.org/protocol/bytestreams*", Socks5),
    ("http://jabber.org/protocol/si", Si),
    ("http://jabber.org/protocol/sipub", Sipub),
    ("http://www.jabber.org/protocol/filexfer*", Legacy),
    ("http://jabber.org/protocol/filexfer*", Legacy),
    ("http://jabber.org/protocol/rel", Legacy),
    ("http://jabber.org/protocol/dtcp", Legacy),
    ("http://jabber.org/protocol/jobs", Legacy),
    ("jabber:iq:negotiate", Legacy),
    ("http://www.xmpp.org/extensions/xep-0129.html*", SharedFolders),
    ("http://jabber.org/protocol/files*", SharedFolders),
    ("urn:xmpp:fis:*", SharedFolders),
    ("urn:xmpp:jinglepub:*", Jinglepub),
    ("urn:xmpp:http:upload*", HttpUpload),
    ("eu:siacs:conversations:http:upload*", HttpUpload),
    ("urn:xmpp:sims:*", MediaSharing),
    ("urn:xmpp:sfs:*", FileSharing),
    ("http://jabber.org/protocol/url-data*", FileSharing),
    ("urn:xmpp:bob", BitsOfBinary),
    ("urn:xmpp:webxdc:*", Webxdc),
    ("urn:xmpp:http", HttpOverXmpp),
    ("http://jabber.org/protocol/jinglenodes*", Relays),
    ("urn:xmpp:extdisco:*", Relays),
    ("urn:xmpp:stickers:*", Stickers),
    ("urn:xmpp:avatar:*", Avatars),
    ("vcard-temp:x:update", Avatars),
    ("jabber:iq:avatar", Avatars),
    ("jabber:x:avatar", Avatars),
    ("urn:xmpp:jingle:muji:*", Calls),
    ("urn:xmpp:call-invites:*", CallInvites),
    ("urn:xmpp:http:online-meetings*", OnlineMeetings),
    ("eu.siacs.conversations.axolotl*", E2ee),
    ("urn:xmpp:omemo:*", E2ee),
    ("urn:xmpp:openpgp:*", E2ee),
    ("jabber:x:encrypted", E2ee),
];

/// Namespaces of what stands in payloads only.
#[rustfmt::skip]
const WITHIN: [(&str, Mechanism); 17] = [
    ("http://jabber.org/protocol/si/profile/*", Si),
    ("http://jabber.org/profile/si/*", Si),
    ("urn:xmpp:jingle:apps:file-transfer:*", Jingle),
    ("urn:xmpp:jingle:apps:out-of-band:*", Jingle),
    ("urn:xmpp:jingle:jet*", Jingle),
    ("urn:xmpp:jingle:transports:s5b:*", Jingle),
    ("urn:xmpp:jingle:transports:ibb:*", Jingle),
    ("urn:xmpp:jingle:transports:http:*", Jingle),
    ("urn:xmpp:jingle:transports:dtls-sctp:*", Jingle),
    ("urn:xmpp:jingle:transports:webrtc-datachannel:*", Jingle),
    ("urn:xmpp:file-input:*", FileSharing),
    ("urn:xmpp:esfs:*", FileSharing),
    ("urn:xmpp:file:metadata:*", FileSharing),
    ("urn:xmpp:thumbs:*", Thumbnails),
    ("urn:xmpp:media-element", MediaElement),
    ("urn:xmpp:pubsub-file-sharing:*", PubsubFiles),
    ("urn:xmpp:jingle:apps:rtp:*", Calls),
];

/// How much goes with an element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Extent {
    /// The element alone: what is around it says more.
    Part,
    /// The [unit](is_unit) around it, which would mean something else without it.
    Unit,
}

/// Elements that belong to a mechanism, in namespaces that do not.
#[derive(Debug)]
struct Element {
    namespace: &'static str,
    name: &'static str,
    attribute: Option<(&'static str, &'static str)>,
    mechanism: Mechanism,
    extent: Extent,
}

const fn element(namespace: &'static str, name: &'static str, mechanism: Mechanism, extent: Extent) -> Element {
    Element { namespace, name, attribute: None, mechanism, extent }
}

pub(crate) const REFERENCE: &str = "urn:xmpp:reference:0";
pub(crate) const VCARD: &str = "vcard-temp";
pub(crate) const VCARD4: &str = "urn:ietf:params:xml:ns:vcard-4.0";
pub(crate) const XHTML_IM: &str = "http://jabber.org/protocol/xhtml-im";
/// XEP-0050.
pub(crate) const COMMANDS: &str = "http://jabber.org/protocol/commands";
const XHTML: &str = "http://www.w3.org/1999/xhtml";
const RDF: &str = "http://www.w3.org/1999/02/22-rdf-syntax-ns#";
const OGP: &str = "https://ogp.me/ns#";
const ATOM: &str = "http://www.w3.org/2005/Atom";

#[rustfmt::skip]
const ELEMENTS: [Element; 20] = [
    // XEP-0372: mentions and the like pass.
    Element { attribute: Some(("type", "data")), ..element(REFERENCE, "reference", MediaSharing, Extent::Part) },
    Element { attribute: Some(("rel", "enclosure")), ..element(ATOM, "link", PubsubFiles, Extent::Unit) },
    element(VCARD, "PHOTO", Avatars, Extent::Part),
    element(VCARD, "LOGO", Avatars, Extent::Part),
    element(VCARD, "SOUND", Avatars, Extent::Part),
    element(VCARD4, "photo", Avatars, Extent::Part),
    element(VCARD4, "logo", Avatars, Extent::Part),
    element(VCARD4, "sound", Avatars, Extent::Part),
    element(XHTML, "img", XhtmlImages, Extent::Unit),
    element(XHTML, "object", XhtmlImages, Extent::Unit),
    element(XHTML, "embed", XhtmlImages, Extent::Unit),
    element(XHTML, "picture", XhtmlImages, Extent::Unit),
    element(XHTML, "audio", XhtmlImages, Extent::Unit),
    element(XHTML, "video", XhtmlImages, Extent::Unit),
    element(XHTML, "source", XhtmlImages, Extent::Unit),
    element(XHTML, "iframe", XhtmlImages, Extent::Unit),
    element(XHTML, "a", Urls, Extent::Unit),
    element(OGP, "image", LinkPreviews, Extent::Unit),
    element(OGP, "video", LinkPreviews, Extent::Unit),
    element(OGP, "audio", LinkPreviews, Extent::Unit),
];

/// Payloads in which elements of a mechanism stand.
const AROUND: [(&str, Mechanism); 8] = [
    (REFERENCE, MediaSharing),
    (XHTML_IM, XhtmlImages),
    (RDF, LinkPreviews),
    (VCARD, Avatars),
    (VCARD4, Avatars),
    ("jabber:x:data", MediaElement),
    (COMMANDS, MediaElement),
    (COMMANDS, FileSharing),
];

/// What has any payload within, and says nothing once it is empty: PubSub (XEP-0060), forwarded messages (XEP-0297), carbons (XEP-0280),
/// what is fastened to a message (XEP-0422).
const ENVELOPES: [&str; 5] = [PUBSUB, PUBSUB_EVENT, "urn:xmpp:forward:0", "urn:xmpp:carbons:2", "urn:xmpp:fasten:0"];
/// XEP-0313: results of an archive have messages within, and stay when they are empty.
const ARCHIVE: &str = "urn:xmpp:mam:";
pub(crate) const PUBSUB: &str = "http://jabber.org/protocol/pubsub";
pub(crate) const PUBSUB_EVENT: &str = "http://jabber.org/protocol/pubsub#event";

/// The mechanism that a namespace belongs to, or a feature, or a node of PubSub.
pub(crate) fn mechanism_of(namespace: &str) -> Option<Mechanism> {
    let fits = |pattern: &str| match pattern.strip_suffix('*') {
        Some(prefix) => namespace.starts_with(prefix),
        None => namespace == pattern,
    };
    PAYLOADS.iter().chain(&WITHIN).find(|(pattern, _)| fits(pattern)).map(|(_, mechanism)| *mechanism)
}

/// The mechanism that a fallback stands for (XEP-0428), by the namespace it names.
pub(crate) fn stood_for(namespace: &str) -> Option<Mechanism> {
    let around = || AROUND.iter().find(|(around, _)| *around == namespace).map(|(_, mechanism)| *mechanism);
    mechanism_of(namespace).or_else(around)
}

/// The mechanism that an element belongs to, whose attributes can be asked for, and how much goes with it.
pub(crate) fn element_of(child: &Child, attribute: impl Fn(&str) -> Option<String>) -> Option<(Mechanism, Extent)> {
    if let Some(mechanism) = mechanism_of(&child.namespace) {
        // A call that is ending may end.
        let ends = mechanism == CallInvites && matches!(child.name.as_str(), "retract" | "reject" | "left");
        return (!ends).then_some((mechanism, Extent::Unit));
    }
    let is_same = |element: &&Element| {
        element.namespace == child.namespace
            && element.name == child.name
            && element.attribute.is_none_or(|(name, value)| attribute(name).as_deref() == Some(value))
    };
    ELEMENTS.iter().find(is_same).map(|element| (element.mechanism, element.extent))
}

/// Whether an element goes or stays as a whole: an item of PubSub, a formatted message, what is said of a link.
pub(crate) fn is_unit(child: &Child) -> bool {
    match child.namespace.as_str() {
        PUBSUB | PUBSUB_EVENT => child.name == "item",
        XHTML_IM => child.name == "html",
        RDF => child.name == "Description",
        _ => false,
    }
}

/// Whether bits of binary are more than the 8 KiB that XEP-0231 has them for: then they are a file by another name.
pub(crate) fn is_oversized(child: &Child) -> bool {
    const BASE64_BYTES_MAX: u32 = 8 * 1024 * 4 / 3 + 256;
    child.text_len > BASE64_BYTES_MAX && mechanism_of(&child.namespace) == Some(BitsOfBinary)
}

/// Whether an element says nothing once it is empty.
pub(crate) fn is_envelope(child: &Child) -> bool {
    ENVELOPES.contains(&child.namespace.as_str())
}

/// Whether an element is of an archive.
pub(crate) fn is_archive(child: &Child) -> bool {
    child.namespace.starts_with(ARCHIVE)
}

/// The namespaces of payloads, as an interest rule takes them, that may have to do with one of the mechanisms asked for.
pub(crate) fn payloads(is_asked: impl Fn(Mechanism) -> bool) -> Vec<&'static str> {
    let is_asked = |mechanism| is_asked(mechanism) || mechanism == BitsOfBinary;
    let own = PAYLOADS.iter().chain(&AROUND).filter(|(_, mechanism)| is_asked(*mechanism));
    own.map(|(pattern, _)| *pattern).chain(ENVELOPES).chain(["urn:xmpp:mam:*"]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_matched_by_prefix_and_near_names_are_not() {
        assert_eq!(mechanism_of("urn:xmpp:jingle:apps:file-transfer:9"), Some(Jingle));
        assert_eq!(mechanism_of("http://jabber.org/protocol/si/profile/tree-transfer"), Some(Si));
        assert_eq!(mechanism_of("http://jabber.org/protocol/sipub"), Some(Sipub));
        assert_eq!(mechanism_of("urn:xmpp:http"), Some(HttpOverXmpp));
        assert_eq!(mechanism_of("urn:xmpp:http:upload:0"), Some(HttpUpload));
        assert_eq!(mechanism_of("http://jabber.org/protocol/files#shared"), Some(SharedFolders));
        assert_eq!(mechanism_of("http://jabber.org/protocol/fileshare#listing"), Some(SharedFolders));
        assert_eq!(mechanism_of("http://jabber.org/protocol/chatstates"), None);
        assert_eq!(mechanism_of("urn:xmpp:jingle:1"), None);
    }
}
