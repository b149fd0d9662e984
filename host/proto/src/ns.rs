//! The namespaces the protocol knows by name.

/// Content namespace of a server-to-server stream (RFC 6120 §4.8.2).
pub const SERVER: &str = "jabber:server";
/// Content namespace of a client-to-server stream: never ours, known to be refused.
pub const CLIENT: &str = "jabber:client";
/// The stream itself: header, features, errors (RFC 6120 §4.8.1).
pub const STREAM: &str = "http://etherx.jabber.org/streams";
/// Conditions of stream errors (RFC 6120 §4.9.2).
pub const STREAMS_ERR: &str = "urn:ietf:params:xml:ns:xmpp-streams";
/// Conditions of stanza errors (RFC 6120 §8.3.2).
pub const STANZAS: &str = "urn:ietf:params:xml:ns:xmpp-stanzas";
/// STARTTLS (RFC 6120 §5.4).
pub const TLS: &str = "urn:ietf:params:xml:ns:xmpp-tls";
/// SASL (RFC 6120 §6.4).
pub const SASL: &str = "urn:ietf:params:xml:ns:xmpp-sasl";
/// Dialback elements (XEP-0220 §2).
pub const DIALBACK: &str = "jabber:server:dialback";
/// Dialback as a stream feature (XEP-0220 §2.4).
pub const DIALBACK_FEATURE: &str = "urn:xmpp:features:dialback";
/// Bidirectional streams, the request (XEP-0288 §2.2).
pub const BIDI: &str = "urn:xmpp:bidi";
/// Bidirectional streams as a stream feature (XEP-0288 §2.1).
pub const BIDI_FEATURE: &str = "urn:xmpp:features:bidi";
/// Stream limits advertisement (XEP-0478).
pub const LIMITS: &str = "urn:xmpp:stream-limits:0";
/// Stream management (XEP-0198).
pub const STREAM_MANAGEMENT: &str = "urn:xmpp:sm:3";
/// Stream compression, always refused (XEP-0138).
pub const COMPRESS: &str = "http://jabber.org/protocol/compress";
/// Ping (XEP-0199).
pub const PING: &str = "urn:xmpp:ping";
/// What the prefix `xml` is bound to, by definition (Namespaces in XML 1.0 §3).
pub const XML: &str = "http://www.w3.org/XML/1998/namespace";
/// What the prefix `xmlns` is bound to, by definition (Namespaces in XML 1.0 §3).
pub const XMLNS: &str = "http://www.w3.org/2000/xmlns/";
