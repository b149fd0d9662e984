//! By which names the mechanisms are known: namespaces, and elements within namespaces that say other things too.

use refrain_sdk::Child;

use crate::mechanism::Mechanism::{self, *};
use crate::{reject, text};

/// Namespaces of payloads that belong to a mechanism as a whole; a trailing `*` matches by prefix, for versions come and go. They name
/// features, nodes of PubSub, and what a fallback stands for, too.
#[rustfmt::skip]
const PAYLOADS: [(&str, Mechanism); 40] = [
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
    ("urn:xmpp:mls:*", E2ee),
    ("http://www.xmpp.org/extensions/xep-0200.html*", E2ee),
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

/// What is asked of an attribute's value.
type Test = fn(&str) -> bool;

/// Elements that belong to a mechanism, in namespaces that do not.
#[derive(Debug)]
struct Element {
    namespace: &'static str,
    /// Any, if there are none.
    names: &'static [&'static str],
    attribute: Option<(&'static str, Test)>,
    mechanism: Mechanism,
    extent: Extent,
}

const fn element(
    namespace: &'static str,
    names: &'static [&'static str],
    mechanism: Mechanism,
    extent: Extent,
) -> Element {
    Element { namespace, names, attribute: None, mechanism, extent }
}

impl Element {
    const fn whose(self, attribute: &'static str, test: Test) -> Element {
        Element { attribute: Some((attribute, test)), ..self }
    }

    fn fits(&self, child: &Child, attribute: &mut impl FnMut(&str) -> Option<String>) -> bool {
        self.namespace == child.namespace
            && (self.names.is_empty() || self.names.contains(&child.name.as_str()))
            && self.attribute.is_none_or(|(name, test)| attribute(name).is_some_and(|value| test(&value)))
    }
}

pub(crate) const REFERENCE: &str = "urn:xmpp:reference:0";
pub(crate) const VCARD: &str = "vcard-temp";
pub(crate) const VCARD4: &str = "urn:ietf:params:xml:ns:vcard-4.0";
pub(crate) const XHTML_IM: &str = "http://jabber.org/protocol/xhtml-im";
pub(crate) const XHTML: &str = "http://www.w3.org/1999/xhtml";
/// XEP-0077.
pub(crate) const REGISTER: &str = "jabber:iq:register";
/// XEP-0050.
const COMMANDS: &str = "http://jabber.org/protocol/commands";
const SEARCH: &str = "jabber:iq:search";
const ROOM_OWNER: &str = "http://jabber.org/protocol/muc#owner";
const PUBSUB_OWNER: &str = "http://jabber.org/protocol/pubsub#owner";
const FORM: &str = "jabber:x:data";
const SVG: &str = "http://www.w3.org/2000/svg";
const RDF: &str = "http://www.w3.org/1999/02/22-rdf-syntax-ns#";
const ATOM: &str = "http://www.w3.org/2005/Atom";
const MEDIA: &[&str] = &["image", "video", "audio"];

#[rustfmt::skip]
const ELEMENTS: [Element; 19] = [
    // XEP-0372: mentions and the like pass.
    element(REFERENCE, &["reference"], MediaSharing, Extent::Part).whose("type", |kind| kind == "data"),
    element(ATOM, &["link"], PubsubFiles, Extent::Unit).whose("rel", is_enclosure),
    element(ATOM, &["content"], PubsubFiles, Extent::Unit).whose("src", |_| true),
    element(ATOM, &["content"], PubsubFiles, Extent::Unit).whose("type", is_no_text),
    element(VCARD, &["PHOTO", "LOGO", "SOUND"], Avatars, Extent::Part),
    element(VCARD4, &["photo", "logo", "sound"], Avatars, Extent::Part),
    element(XHTML, &["img", "object", "embed", "picture", "audio", "video", "source", "iframe"], XhtmlImages, Extent::Unit),
    element(XHTML, &["a"], XhtmlImages, Extent::Unit).whose("href", text::is_file_address),
    element(XHTML, &[], XhtmlImages, Extent::Unit).whose("style", has_picture),
    element(SVG, &[], XhtmlImages, Extent::Unit),
    element(XHTML, &["a"], Urls, Extent::Unit),
    // The sub-properties, such as `og:image:url`, cannot be written in XML but as names in a namespace of their own.
    element("https://ogp.me/ns#", MEDIA, LinkPreviews, Extent::Unit),
    element("https://ogp.me/ns#image:", &[], LinkPreviews, Extent::Unit),
    element("https://ogp.me/ns#video:", &[], LinkPreviews, Extent::Unit),
    element("https://ogp.me/ns#audio:", &[], LinkPreviews, Extent::Unit),
    element("http://ogp.me/ns#", MEDIA, LinkPreviews, Extent::Unit),
    element("http://ogp.me/ns#image:", &[], LinkPreviews, Extent::Unit),
    element("http://ogp.me/ns#video:", &[], LinkPreviews, Extent::Unit),
    element("http://ogp.me/ns#audio:", &[], LinkPreviews, Extent::Unit),
];

/// RFC 4287 §4.2.7.2: a registered relation may be written as its IRI, too.
fn is_enclosure(relation: &str) -> bool {
    matches!(relation, "enclosure" | "http://www.iana.org/assignments/relation/enclosure")
}

/// RFC 4287 §4.1.3.3: what is neither text nor XML is Base64 of something else.
fn is_no_text(kind: &str) -> bool {
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let is_text = matches!(kind.as_str(), "text" | "html" | "xhtml") || kind.starts_with("text/");
    !is_text && !kind.ends_with("/xml") && !kind.ends_with("+xml")
}

/// Whether a style shows a picture, as a background or otherwise.
pub(crate) fn has_picture(style: &str) -> bool {
    style.to_ascii_lowercase().contains("url(")
}

/// Payloads in which elements of a mechanism stand.
#[rustfmt::skip]
const AROUND: [(&str, Mechanism); 24] = [
    (REFERENCE, MediaSharing),
    (XHTML_IM, XhtmlImages),
    (RDF, LinkPreviews),
    (VCARD, Avatars),
    (VCARD4, Avatars),
    (ATOM, PubsubFiles),
    (FORM, MediaElement),
    (FORM, FileSharing),
    (COMMANDS, MediaElement),
    (COMMANDS, FileSharing),
    (REGISTER, MediaElement),
    (REGISTER, FileSharing),
    (SEARCH, MediaElement),
    (SEARCH, FileSharing),
    (ROOM_OWNER, MediaElement),
    (ROOM_OWNER, FileSharing),
    (PUBSUB_OWNER, MediaElement),
    (PUBSUB_OWNER, FileSharing),
    ("urn:xmpp:sfs:*", Thumbnails),
    ("urn:xmpp:sfs:*", Jinglepub),
    ("urn:xmpp:sims:*", Thumbnails),
    ("urn:xmpp:stickers:*", Thumbnails),
    (REFERENCE, Thumbnails),
    (REFERENCE, Jinglepub),
];

/// What has any payload within, and says nothing once it is empty: PubSub (XEP-0060), forwarded messages (XEP-0297), carbons (XEP-0280),
/// what is fastened to a message (XEP-0422).
const ENVELOPES: [&str; 5] = [PUBSUB, PUBSUB_EVENT, "urn:xmpp:forward:*", "urn:xmpp:carbons:*", "urn:xmpp:fasten:*"];
pub(crate) const PUBSUB: &str = "http://jabber.org/protocol/pubsub";
pub(crate) const PUBSUB_EVENT: &str = "http://jabber.org/protocol/pubsub#event";

/// Whether a namespace is this one, or begins so if a `*` stands behind.
fn fits(pattern: &str, namespace: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(prefix) => namespace.starts_with(prefix),
        None => namespace == pattern,
    }
}

/// The mechanism that a namespace belongs to, or a feature, or a node of PubSub.
pub(crate) fn mechanism_of(namespace: &str) -> Option<Mechanism> {
    let mut rows = PAYLOADS.iter().chain(&WITHIN);
    rows.find(|(pattern, _)| fits(pattern, namespace)).map(|(_, mechanism)| *mechanism)
}

/// The mechanism that a fallback stands for (XEP-0428), by the namespace it names.
pub(crate) fn stood_for(namespace: &str) -> Option<Mechanism> {
    let around = || AROUND.iter().find(|(around, _)| *around == namespace).map(|(_, mechanism)| *mechanism);
    mechanism_of(namespace).or_else(around)
}

/// The mechanism that an element belongs to, whose attributes can be asked for, and how much goes with it.
pub(crate) fn element_of(
    child: &Child,
    mut attribute: impl FnMut(&str) -> Option<String>,
) -> Option<(Mechanism, Extent)> {
    if let Some(mechanism) = mechanism_of(&child.namespace) {
        // A call that is ending may end.
        let ends = mechanism == CallInvites && matches!(child.name.as_str(), "retract" | "reject" | "left");
        return (!ends).then_some((mechanism, Extent::Unit));
    }
    let found = ELEMENTS.iter().find(|element| element.fits(child, &mut attribute));
    found.map(|element| (element.mechanism, element.extent))
}

/// Whether an element goes or stays as a whole: an item of PubSub, a formatted message, what is said of a link, a proposed call.
pub(crate) fn is_unit(child: &Child) -> bool {
    match child.namespace.as_str() {
        PUBSUB | PUBSUB_EVENT => child.name == "item",
        XHTML_IM => child.name == "html",
        RDF => child.name == "Description",
        namespace => child.name == "propose" && namespace.starts_with(reject::JINGLE_MESSAGE),
    }
}

/// Whether the payload of an iq is no mechanism itself, and may have something of one in it: an item, a picture, a form.
pub(crate) fn is_around(namespace: &str) -> bool {
    const OTHERS: [&str; 8] = [PUBSUB, VCARD, VCARD4, COMMANDS, REGISTER, SEARCH, ROOM_OWNER, PUBSUB_OWNER];
    OTHERS.contains(&namespace)
}

/// Whether elements of this namespace are parts of a stanza: of this one, or of a forwarded one, which without a namespace of its own has
/// that of what is around it.
pub(crate) fn is_of_stanza(namespace: &str) -> bool {
    matches!(namespace, "jabber:client" | "jabber:server") || namespace.starts_with("urn:xmpp:forward:")
}

/// Whether bits of binary are more than the 8 KiB that XEP-0231 has them for: then they are a file by another name.
pub(crate) fn is_oversized(child: &Child) -> bool {
    const BASE64_BYTES_MAX: u32 = 8 * 1024 * 4 / 3 + 256;
    child.text_len > BASE64_BYTES_MAX && mechanism_of(&child.namespace) == Some(BitsOfBinary)
}

/// Whether an element says nothing once it is empty.
pub(crate) fn is_envelope(child: &Child) -> bool {
    ENVELOPES.iter().any(|pattern| fits(pattern, &child.namespace))
}

/// Whether an element is a result of an archive (XEP-0313): it has a message within, and stays when it is empty.
pub(crate) fn is_archive(child: &Child) -> bool {
    child.namespace.starts_with("urn:xmpp:mam:") && child.name == "result"
}

/// The namespaces of payloads, as an interest rule takes them, that may have to do with one of the mechanisms asked for.
pub(crate) fn payloads(is_asked: impl Fn(Mechanism) -> bool) -> Vec<&'static str> {
    let is_asked = |mechanism| is_asked(mechanism) || mechanism == BitsOfBinary;
    let own = PAYLOADS.iter().chain(&WITHIN).chain(&AROUND).filter(|(_, mechanism)| is_asked(*mechanism));
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
