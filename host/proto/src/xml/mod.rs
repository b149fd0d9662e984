//! XML as RFC 6120 §11 restricts it: bytes → frames → elements → canonical bytes.
//!
//! bytes → `framer` (where an element ends) → [`reader`] (its parts) → `builder` (their meaning) → [`element`] → [`writer`] → bytes

mod alphabet;
mod builder;
mod chars;
pub mod edit;
pub mod element;
mod framer;
mod node;
pub mod reader;
mod scope;
mod tag;
pub mod writer;

pub use chars::{is_name, is_text};
pub use edit::Edit;
pub use element::{Element, NodeId};
pub use node::{Attribute, Content, Node};
pub use reader::{Reader, Token};

use crate::error::StreamCondition;

/// Why the bytes of a peer are not the XML of RFC 6120 §11, or more of it than we accept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum XmlError {
    /// Not well-formed, or not namespace-well-formed (RFC 6120 §11.3).
    #[error("not well-formed: {0}")]
    NotWellFormed(&'static str),
    /// A comment, processing instruction, document type or entity (RFC 6120 §11.1).
    #[error("restricted XML: {0}")]
    Restricted(&'static str),
    /// A namespace name with a character that is in no URI and that servers split names at.
    #[error("a namespace that servers cannot take")]
    ForeignNamespace,
    /// Declared or begun in another encoding than UTF-8 (RFC 6120 §11.6).
    #[error("not in UTF-8")]
    UnsupportedEncoding,
    /// More bytes than `header_bytes_max` or `stanza_bytes_max`.
    #[error("more than {0} bytes")]
    TooLarge(u32),
    /// More levels than `depth_max`.
    #[error("more than {0} levels of elements")]
    TooDeep(u32),
    /// More attributes on one element than `attributes_max`.
    #[error("more than {0} attributes on one element")]
    TooManyAttributes(u32),
    /// More declarations than `namespaces_max` or `namespaces_in_scope_max`.
    #[error("more than {0} namespace declarations")]
    TooManyNamespaces(u32),
    /// More elements and texts in one stanza than `nodes_max`.
    #[error("more than {0} elements and texts in one stanza")]
    TooManyNodes(u32),
}

impl XmlError {
    /// Returns the stream error the peer is told.
    pub fn condition(self) -> StreamCondition {
        match self {
            Self::NotWellFormed(_) => StreamCondition::NotWellFormed,
            Self::Restricted(_) => StreamCondition::RestrictedXml,
            Self::ForeignNamespace => StreamCondition::UnsupportedStanzaType,
            Self::UnsupportedEncoding => StreamCondition::UnsupportedEncoding,
            // RFC 6120 §13.12: what is too big breaks a policy of ours, not a rule of XML.
            Self::TooLarge(_)
            | Self::TooDeep(_)
            | Self::TooManyAttributes(_)
            | Self::TooManyNamespaces(_)
            | Self::TooManyNodes(_) => StreamCondition::PolicyViolation,
        }
    }
}
