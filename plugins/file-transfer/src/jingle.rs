//! Jingle sessions that carry files. Voice and video pass.
//!
//! Each action is judged by what it carries alone: this filter remembers no session.

use refrain_sdk::{Condition, ErrorType, Node, Problem, Selector, Setup, Stanza, Verdict};

use crate::refuse;

/// XEP-0166.
pub(crate) const NAMESPACE: &str = "urn:xmpp:jingle:1";

/// XEP-0234, whose namespace was versioned five times.
const FILES: &str = "urn:xmpp:jingle:apps:file-transfer:";
/// XEP-0167.
const VOICE_AND_VIDEO: &str = "urn:xmpp:jingle:apps:rtp:";

/// Transports that carry only files: SOCKS5 (XEP-0260), IBB (XEP-0261), HTTP (XEP-0370).
const OF_FILES: [&str; 3] =
    ["urn:xmpp:jingle:transports:s5b:", "urn:xmpp:jingle:transports:ibb:", "urn:xmpp:jingle:transports:http:"];

/// Tells the sessions that carry files.
#[derive(Debug)]
pub(crate) struct Jingle {
    jingle: Selector,
    contents: Selector,
    /// What makes a session one of files wherever it stands in it.
    signs: [Selector; 3],
    terminate: Selector,
}

impl Jingle {
    pub(crate) fn new(setup: &mut Setup) -> Result<Self, Problem> {
        let mut within = |path: &str| setup.selector(&format!("{{{NAMESPACE}}}jingle{path}"));
        Ok(Jingle {
            jingle: within("")?,
            contents: within(&format!("/{{{NAMESPACE}}}content"))?,
            signs: [
                within(&format!("//{{{FILES}*}}*"))?,
                // XEP-0343: the data channel beside the voice.
                within("//{urn:xmpp:jingle:transports:dtls-sctp:*}*")?,
                within("//{urn:xmpp:jingle:transports:webrtc-datachannel:*}*")?,
            ],
            terminate: within("[@action='session-terminate']")?,
        })
    }

    /// Refuses an action that belongs to a session of files.
    pub(crate) fn deny(&self, stanza: &Stanza<'_>) -> Verdict {
        // A session that is ending may end.
        if stanza.test(self.terminate) || !self.carries_files(stanza) {
            return Verdict::Pass;
        }
        let action = stanza.find(self.jingle, 1).first().and_then(|jingle| stanza.attr(*jingle, "action"));
        if is_within_session(&action.unwrap_or_default()) {
            // XEP-0166: the session is not known.
            return refuse(Condition::ItemNotFound, ErrorType::Cancel);
        }
        // XEP-0166: the answer of who does not support it, or does not communicate with the initiator.
        refuse(Condition::ServiceUnavailable, ErrorType::Cancel)
    }

    fn carries_files(&self, stanza: &Stanza<'_>) -> bool {
        self.signs.iter().any(|sign| stanza.test(*sign))
            || stanza.find(self.contents, u32::MAX).into_iter().any(|content| is_of_files(stanza, content))
    }
}

/// Whether an action presumes that the session was offered before.
fn is_within_session(action: &str) -> bool {
    !matches!(action, "" | "session-initiate" | "content-add" | "transport-replace")
}

fn is_of_files(stanza: &Stanza<'_>, content: Node) -> bool {
    let parts = stanza.children(content);
    let namespaces =
        |name: &'static str| parts.iter().filter(move |part| part.name == name).map(|part| part.namespace.as_str());
    let is_foreign = |namespace: &str| !namespace.starts_with(VOICE_AND_VIDEO);
    let is_file_transport = |namespace: &str| OF_FILES.iter().any(|prefix| namespace.starts_with(prefix));
    // ICE and raw UDP carry anything: without a description, which stood in the offer, they pass; with one they pass for voice.
    namespaces("transport").any(is_file_transport) || namespaces("description").any(is_foreign)
}
