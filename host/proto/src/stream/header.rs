//! The stream header (RFC 6120 §4.7), read and written.

use crate::error::PeerMisbehaved;
use crate::jid::Domain;
use crate::ns;
use crate::xml::{Element, Reader};

/// RFC 5646 §4.4.1 has no registered language tag longer than this.
const LANG_BYTES_MAX: usize = 35;

/// What a peer's stream header says.
#[derive(Debug)]
pub(super) struct Header {
    pub(super) from: Option<Domain>,
    pub(super) to: Option<Domain>,
    pub(super) id: String,
    pub(super) lang: Option<String>,
    /// Without a version, or with 0.x, a peer knows no stream features (RFC 6120 §4.7.5).
    pub(super) has_features: bool,
    /// Whether it declares the dialback namespace, as those do that announce dialback in no other way.
    pub(super) declares_dialback: bool,
}

impl Header {
    /// Reads the header that the reader just returned.
    pub(super) fn parse(element: &Element, reader: &Reader) -> Result<Self, PeerMisbehaved> {
        let root = element.root();
        if matches!(root.name(), "message" | "presence" | "iq") {
            return Err(PeerMisbehaved::NotAuthenticated);
        }
        if root.namespace() != ns::STREAM || !has_content_namespace(reader) {
            return Err(PeerMisbehaved::ForeignNamespace);
        }
        if root.name() != "stream" {
            return Err(PeerMisbehaved::NotAStream);
        }
        Ok(Self {
            from: domain(root.attribute("from"))?,
            to: domain(root.attribute("to"))?,
            id: root.attribute("id").unwrap_or_default().to_owned(),
            lang: element.xml_lang().filter(|lang| lang.len() <= LANG_BYTES_MAX).map(str::to_owned),
            has_features: speaks_version_1(root.attribute("version"))?,
            declares_dialback: reader.declares(ns::DIALBACK),
        })
    }
}

/// RFC 6120 §4.8.3: the content namespace is the default, or it has a prefix and there is no default.
fn has_content_namespace(reader: &Reader) -> bool {
    match reader.header_default_namespace() {
        ns::SERVER => true,
        "" => reader.declares(ns::SERVER),
        _ => false,
    }
}

fn domain(attribute: Option<&str>) -> Result<Option<Domain>, PeerMisbehaved> {
    // COMPAT(jabberd2): an unknown address may be present and empty.
    let present = attribute.filter(|text| !text.is_empty());
    present.map(|text| Domain::parse(text).map_err(|_| PeerMisbehaved::ImproperAddressing)).transpose()
}

/// RFC 6120 §4.7.5: the numbers are compared as integers; a higher minor version is answered with ours.
fn speaks_version_1(version: Option<&str>) -> Result<bool, PeerMisbehaved> {
    let Some(version) = version else { return Ok(false) };
    let (major, minor) = version.split_once('.').unwrap_or((version, "0"));
    match (major.parse::<u32>(), minor.parse::<u32>()) {
        (Ok(0), Ok(_)) => Ok(false),
        (Ok(1), Ok(_)) => Ok(true),
        _ => Err(PeerMisbehaved::UnsupportedVersion),
    }
}

/// Writes our header. It declares the prefixes `stream` and `db`, which Openfire and MongooseIM look for by name; and no
/// language, so that stanzas keep the one they came with, or none.
pub(super) fn write(from: Option<&Domain>, to: Option<&Domain>, id: Option<&str>, out: &mut Vec<u8>) {
    out.extend_from_slice(
        b"<?xml version='1.0'?><stream:stream xmlns=\"jabber:server\" \
          xmlns:stream=\"http://etherx.jabber.org/streams\" xmlns:db=\"jabber:server:dialback\"",
    );
    let attributes = [("from", from.map(Domain::as_str)), ("to", to.map(Domain::as_str)), ("id", id)];
    for (name, value) in attributes {
        // Neither prepared domains nor our ids hold a character that would have to be escaped.
        if let Some(value) = value {
            out.extend_from_slice(format!(" {name}=\"{value}\"").as_bytes());
        }
    }
    out.extend_from_slice(b" version=\"1.0\">");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::XmlLimits;

    fn parse(attributes: &str) -> Result<Header, PeerMisbehaved> {
        let mut reader = Reader::new(XmlLimits::default());
        let mut element = Element::default();
        reader.feed(format!("<?xml version='1.0'?><stream:stream {attributes}>").as_bytes());
        reader.next(&mut element).unwrap();
        Header::parse(&element, &reader)
    }

    const NAMESPACES: &str = "xmlns='jabber:server' xmlns:stream='http://etherx.jabber.org/streams'";

    #[test]
    fn reads_the_header_that_prosody_sends() {
        let header = parse(
            "xml:lang='en' from='local.example' to='remote.example' xmlns:stream='http://etherx.jabber.org/streams' \
             version='1.0' xmlns:db='jabber:server:dialback' xmlns='jabber:server' id=''",
        )
        .unwrap();
        assert_eq!(header.from, Some(Domain::parse("local.example").unwrap()));
        assert_eq!((header.lang.as_deref(), header.id.as_str()), (Some("en"), ""));
        assert!(header.has_features && header.declares_dialback);
    }

    #[test]
    fn a_version_is_compared_by_numbers() {
        for (version, expected) in [
            ("", Ok(false)),
            ("version='0.9'", Ok(false)),
            ("version='1.0'", Ok(true)),
            ("version='1.10'", Ok(true)),
            ("version='2.0'", Err(PeerMisbehaved::UnsupportedVersion)),
            ("version='x'", Err(PeerMisbehaved::UnsupportedVersion)),
        ] {
            assert_eq!(
                parse(&format!("{NAMESPACES} {version}")).map(|header| header.has_features),
                expected,
                "{version}"
            );
        }
    }

    #[test]
    fn foreign_namespaces_are_refused() {
        for attributes in [
            "xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'",
            "xmlns='jabber:server' xmlns:stream='urn:x'",
            "xmlns:stream='http://etherx.jabber.org/streams'",
        ] {
            assert_eq!(parse(attributes).unwrap_err(), PeerMisbehaved::ForeignNamespace, "{attributes}");
        }
        parse("xmlns:q='jabber:server' xmlns:stream='http://etherx.jabber.org/streams'").unwrap();
    }

    #[test]
    fn the_identity_is_what_xml_says_not_what_a_byte_search_finds() {
        let header = parse(&format!("{NAMESPACES} a=\" from='evil.example' \" from=\"victim.example\"")).unwrap();
        assert_eq!(header.from, Some(Domain::parse("victim.example").unwrap()));
    }

    #[test]
    fn writes_what_it_reads() {
        let domain = |text| Domain::parse(text).unwrap();
        let mut out = Vec::new();
        write(Some(&domain("a.example")), Some(&domain("b.example")), Some("gw1"), &mut out);
        let mut reader = Reader::new(XmlLimits::default());
        let mut element = Element::default();
        reader.feed(&out);
        reader.next(&mut element).unwrap();
        let header = Header::parse(&element, &reader).unwrap();
        assert_eq!((header.from, header.to), (Some(domain("a.example")), Some(domain("b.example"))));
        assert_eq!(header.id, "gw1");
        assert!(header.has_features && header.declares_dialback);
    }
}
