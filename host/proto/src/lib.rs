//! The XMPP server-to-server protocol without I/O: strict XML, addresses, stream state machines.
//!
//! Bytes go in; bytes and events come out. Nothing here waits, reads a clock or draws a random number: time is an argument and
//! randomness a seed, so that a whole federation can be tested in memory.

mod domain;
mod names;

pub mod auth;
pub mod boundary;
pub mod error;
pub mod jid;
pub mod limits;
pub mod ns;
pub mod stanza;
pub mod stream;
pub mod xml;

pub use auth::{CertificateFacts, CertificateName, DialbackSecret, KeyClaim, Proof, Validity};
pub use boundary::{Boundary, Side};
pub use error::{Awaited, PeerMisbehaved, StreamCondition};
pub use jid::{Domain, DomainPair, Jid, JidError};
pub use limits::{StreamLimits, XmlLimits};
pub use stanza::{ErrorType, Kind, Stanza, StanzaCondition, StanzaDefect, StanzaError, StanzaType};
pub use stream::{
    Event, InitiatingPolicy, Input, Outcome, Output, Purpose, ReceivingPolicy, Refusal, Stream, StreamIds,
};
pub use xml::{Edit, Element, Node, NodeId, XmlError};
