//! Every bound of the protocol, each with its reason.

/// What one stream header or one stanza may cost before it is refused.
///
/// Each limit is met at a byte of the stream that does not depend on how the bytes were split into reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct XmlLimits {
    /// Bytes of the XML declaration and, separately, of the stream header.
    ///
    /// A header is some 300 bytes; ejabberd allows 8 KiB for everything before authentication.
    pub header_bytes_max: u32,
    /// Bytes of one element at stream level, from `<` to `>`.
    ///
    /// RFC 6120 §13.12 asks for at least 10,000; Prosody and ejabberd accept 512 KiB between servers.
    pub stanza_bytes_max: u32,
    /// Levels of elements in a stanza, its root counted as one.
    ///
    /// The deepest payloads in use (forwarded messages with rich content) stay below twenty. Nothing here recurses, but
    /// those who read after us may.
    pub depth_max: u32,
    /// Attributes of one element, namespace declarations apart. Bounds the quadratic search for duplicates.
    pub attributes_max: u32,
    /// Namespace declarations of one element. Payloads use one to five.
    pub namespaces_max: u32,
    /// Namespace declarations in scope at once, those of the stream header included.
    ///
    /// Resolving a prefix looks through all of them, so this bounds its cost whatever the depth.
    pub namespaces_in_scope_max: u32,
    /// Elements and runs of text in one stanza.
    ///
    /// The smallest useful item of a list takes some sixteen bytes, so a stanza of full size can hold one list of them.
    pub nodes_max: u32,
}

impl Default for XmlLimits {
    fn default() -> Self {
        Self {
            header_bytes_max: 8_192,
            stanza_bytes_max: 262_144,
            depth_max: 64,
            attributes_max: 64,
            namespaces_max: 32,
            namespaces_in_scope_max: 128,
            nodes_max: 16_384,
        }
    }
}
