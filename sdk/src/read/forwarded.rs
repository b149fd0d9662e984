//! Stanzas within stanzas: forwarded messages (XEP-0297) and carbons (XEP-0280).

use crate::{Node, Problem, Selector, Setup, Stanza};

/// Messages within one stanza that are looked at: an honest one has a single message in it, and each costs four questions.
const MESSAGES_MAX: u32 = 16;

/// Reads the messages that a stanza has inside, however deep.
///
/// ```
/// # use refrain_sdk::*;
/// /// A carbon copy comes from one's own server, never from another.
/// struct NoForeignCarbons { forwarded: Forwarded }
///
/// impl Filter for NoForeignCarbons {
///     type Settings = NoSettings;
///
///     fn configure(_: NoSettings, setup: &mut Setup) -> Result<Self, Problems> {
///         setup.interest(Interest::any().direction(Direction::Inbound).forwarded())?;
///         Ok(NoForeignCarbons { forwarded: Forwarded::new(setup)? })
///     }
///
///     fn on_stanza(&self, _: &Head, stanza: &Stanza<'_>) -> Verdict {
///         let inner = self.forwarded.read(stanza);
///         if inner.iter().any(|inner| inner.wrapper != Wrapper::Forwarded) { Verdict::Drop } else { Verdict::Pass }
///     }
/// }
/// # let forged = "<message from='eve@evil.example' to='a@home.example'><received xmlns='urn:xmpp:carbons:2'><forwarded xmlns='urn:xmpp:forward:0'><message xmlns='jabber:client' from='boss@home.example' to='a@home.example'><body>pay eve</body></message></forwarded></received></message>";
/// # assert_eq!(testing::verdict::<NoForeignCarbons>("{}", forged), Some(Verdict::Drop));
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Forwarded {
    messages: Selector,
    bodies: Selector,
    sent: Selector,
    received: Selector,
}

/// One message inside a stanza. Its addresses are what the sender of the stanza claims.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inner {
    /// What it is wrapped in.
    pub wrapper: Wrapper,
    /// The `from` it has.
    pub from: Option<String>,
    /// The `to` it has.
    pub to: Option<String>,
    /// Its bodies, in document order.
    pub bodies: Vec<String>,
    /// The message itself, for further questions.
    pub node: Node,
}

/// How a message came into another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wrapper {
    /// XEP-0280: a copy of what another client of the addressee sent.
    CarbonSent,
    /// XEP-0280: a copy of what another client of the addressee received.
    CarbonReceived,
    /// XEP-0297, without more.
    Forwarded,
}

impl Forwarded {
    /// Compiles what is asked.
    pub fn new(setup: &mut Setup) -> Result<Self, Problem> {
        const MESSAGE: &str = "{urn:xmpp:forward:0}forwarded/{*}message";
        Ok(Forwarded {
            messages: setup.selector(&format!("//{MESSAGE}"))?,
            bodies: setup.selector(&format!("//{MESSAGE}/{{*}}body"))?,
            sent: setup.selector(&format!("//{{urn:xmpp:carbons:2}}sent/{MESSAGE}"))?,
            received: setup.selector(&format!("//{{urn:xmpp:carbons:2}}received/{MESSAGE}"))?,
        })
    }

    /// Whether the stanza has a message inside: one question.
    pub fn is_in(self, stanza: &Stanza<'_>) -> bool {
        stanza.test(self.messages)
    }

    /// The texts of all bodies inside, in document order: one question, for who does not care whose they are.
    pub fn bodies(self, stanza: &Stanza<'_>) -> Vec<String> {
        stanza.texts(self.bodies, u32::MAX)
    }

    /// The first 16 messages inside, in document order, those within others among them.
    pub fn read(self, stanza: &Stanza<'_>) -> Vec<Inner> {
        let messages = stanza.find(self.messages, MESSAGES_MAX);
        if messages.is_empty() {
            return Vec::new();
        }
        let sent = stanza.find(self.sent, MESSAGES_MAX);
        let received = stanza.find(self.received, MESSAGES_MAX);
        let bodies: Vec<_> = stanza.find(self.bodies, u32::MAX).into_iter().zip(self.bodies(stanza)).collect();
        let wrapper = |node| match (sent.contains(&node), received.contains(&node)) {
            (true, _) => Wrapper::CarbonSent,
            (false, true) => Wrapper::CarbonReceived,
            (false, false) => Wrapper::Forwarded,
        };
        messages.into_iter().map(|node| inner(stanza, node, wrapper(node), &bodies)).collect()
    }
}

fn inner(stanza: &Stanza<'_>, node: Node, wrapper: Wrapper, bodies: &[(Node, String)]) -> Inner {
    let children = stanza.children(node);
    let is_own = |body: &Node| children.iter().any(|child| child.node == *body);
    Inner {
        wrapper,
        from: stanza.attr(node, "from"),
        to: stanza.attr(node, "to"),
        bodies: bodies.iter().filter(|(body, _)| is_own(body)).map(|(_, text)| text.clone()).collect(),
        node,
    }
}
