//! The XMPP server-to-server protocol without I/O: strict XML, addresses, stream state machines.
//!
//! Bytes go in; bytes and events come out. Nothing here waits, reads a clock or draws a random number: time is an argument and
//! randomness a seed, so that a whole federation can be tested in memory.
//!
//! # The contract
//!
//! - [`Stream::handle`] takes one [`Input`] and never fails. A peer that misbehaves is not our error: it is told so in bytes to
//!   transmit, and the stream finishes with [`PeerMisbehaved`].
//! - After each input, [`Stream::poll`] is drained until it says [`Output::Wait`] or [`Output::Finished`]. At most one stanza
//!   is read ahead; what the host does not poll stays bytes, so back-pressure is not polling.
//! - After [`Output::StartTls`] the reader is gone with its bytes. Bytes read together with `<starttls/>` are given to the
//!   stream like any others, and end it: an injection is not a handshake.
//! - An [`Event::Stanza`] comes from a domain pair that was proven on this very stream, with prepared addresses. Given back by
//!   [`Stream::recycle`], its memory carries the next one: a warm stream does not touch the heap.
//! - A question, [`Event::Verify`] or [`Event::Asked`], is answered by [`Input::Answered`] with the claim it came with,
//!   whenever the answer is there; an answer that comes too late is passed over.
//! - On an initiating stream that [is established](Stream::is_established) the host writes stanzas itself, behind whatever it
//!   was given to transmit: [`Stream::writes`] is told before, and returns what is to follow them.
//!
//! ```
//! use refrain_proto::{Boundary, Domain, Input, Output, ReceivingPolicy, Side, Stream, StreamIds, StreamLimits};
//! use std::{sync::Arc, time::Instant};
//!
//! let policy = ReceivingPolicy {
//!     boundary: Arc::new(Boundary::new([Domain::parse("home.example")?])),
//!     side: Side::Outside,
//!     external: true,
//!     dialback: false,
//!     limits: StreamLimits::default(),
//!     ids: StreamIds::from_seed([0; 32]), // from the system's randomness
//! };
//! let mut stream = Stream::receiving(policy, Instant::now());
//! stream.handle(Input::Bytes(b"GET / HTTP/1.1\r\n"), Instant::now());
//! let Output::Transmit(bytes) = stream.poll() else { panic!("the peer is told") };
//! assert!(String::from_utf8_lossy(&bytes).contains("not-well-formed"));
//! # Ok::<(), refrain_proto::JidError>(())
//! ```
//!
//! # Where things are
//!
//! [`xml`] reads and writes elements; [`jid`] and [`stanza`] are what elements mean; [`auth`] and [`boundary`] say who may
//! speak for whom; [`stream`] is the conversation; [`limits`] bounds all of it and [`error`] says what the peer did wrong.

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
