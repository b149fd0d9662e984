//! Requests and results. A denied request is answered in the recipient's name, with the error of its mechanism; in the place of a denied
//! result an error goes on to the requester, who would wait in vain otherwise.

use refrain_sdk::{Child, Condition, ErrorType, Head, Node, Problem, Setup, Stanza, StanzaType, Verdict};

use crate::body::{Bodies, Texts};
use crate::disco::{self, Disco};
use crate::jingle::{self, Jingle};
use crate::mechanism::{Mechanism, Results, Set};
use crate::names;
use crate::policy::Denied;
use crate::walk::{self, Fate, Walk};

/// Judges iq stanzas.
#[derive(Debug)]
pub(crate) struct Iqs {
    jingle: Jingle,
    disco: Disco,
}

impl Iqs {
    pub(crate) fn new(setup: &mut Setup) -> Result<Self, Problem> {
        Ok(Iqs { jingle: Jingle::new(setup)?, disco: Disco::new(setup)? })
    }

    pub(crate) fn judge(&self, head: &Head, stanza: &Stanza<'_>, denied: Denied, texts: &Texts) -> Verdict {
        let children = stanza.children(Node::ROOT);
        let iq = Iq { head, stanza, denied, texts, children: &children };
        let verdicts = children.iter().map(|payload| self.judge_payload(&iq, payload));
        verdicts.fold(Verdict::Pass, |verdict, next| if verdict == Verdict::Pass { next } else { verdict })
    }

    fn judge_payload(&self, iq: &Iq<'_>, payload: &Child) -> Verdict {
        match payload.namespace.as_str() {
            namespace if jingle::NAMESPACES.contains(&namespace) && iq.is_result() => Verdict::Pass,
            namespace if jingle::NAMESPACES.contains(&namespace) => self.jingle.judge(iq.stanza, iq.denied),
            disco::INFO | disco::ITEMS if iq.is_result() => self.disco.strip(iq.stanza, iq.denied),
            disco::INFO | disco::ITEMS => Verdict::Pass,
            names::PUBSUB if !iq.is_result() => iq.judge_pubsub(payload),
            namespace if names::is_around(namespace) => iq.strip(payload),
            namespace => {
                names::mechanism_of(namespace).map_or(Verdict::Pass, |found| iq.judge_mechanism(found, payload))
            }
        }
    }
}

/// One stanza, and what is denied to it.
struct Iq<'s> {
    head: &'s Head,
    stanza: &'s Stanza<'s>,
    denied: Denied,
    texts: &'s Texts,
    children: &'s [Child],
}

impl Iq<'_> {
    fn is_result(&self) -> bool {
        self.head.stanza_type == StanzaType::IqResult
    }

    fn is_get(&self) -> bool {
        self.head.stanza_type == StanzaType::IqGet
    }

    /// Refuses what is part of a denied mechanism as a whole.
    fn judge_mechanism(&self, mechanism: Mechanism, payload: &Child) -> Verdict {
        let is_denied = names::is_oversized(payload) || self.denied_to(mechanism, payload).has(mechanism);
        let is_of_challenge = mechanism == Mechanism::BitsOfBinary && self.is_challenge();
        if !is_denied || is_of_challenge {
            return Verdict::Pass;
        }
        self.stanza.reason(mechanism.reason());
        match mechanism {
            Mechanism::BitsOfBinary if self.is_beside_more() && self.stanza.remove(payload.node).is_ok() => {
                Verdict::Pass
            }
            _ if self.is_result() => mechanism.refuse(Condition::Forbidden, ErrorType::Auth),
            // XEP-0047 §2.1: who does not want the stream says so; of what comes in it, the session is not known (§2.2).
            Mechanism::Ibb if payload.name == "open" => mechanism.refuse(Condition::NotAcceptable, ErrorType::Cancel),
            // XEP-0065: a proxy says so to whom it does not serve, a target that does not want the stream says the other.
            Mechanism::Socks5 if self.is_for_a_proxy(payload) => {
                mechanism.refuse(Condition::Forbidden, ErrorType::Auth)
            }
            _ => mechanism.refusal(),
        }
    }

    fn denied_to(&self, mechanism: Mechanism, payload: &Child) -> Set {
        // XEP-0137, XEP-0358: the start of what the other side published.
        let asks = self.is_get() || payload.name == "start";
        match mechanism.results() {
            // Either side may close what the other opened.
            Results::Consent if payload.name == "close" => self.denied.along.in_both(self.denied.against),
            Results::Consent if self.is_result() => self.denied.against,
            Results::Content if asks && !self.is_result() => self.denied.against,
            Results::Consent | Results::Content => self.denied.along,
        }
    }

    /// XEP-0231: a result may have bits of binary beside what it is about.
    fn is_beside_more(&self) -> bool {
        self.is_result() && self.children.iter().any(|child| names::mechanism_of(&child.namespace).is_none())
    }

    /// XEP-0158: a service asks who wants to register for a proof of humanity, with the picture of it beside the form.
    fn is_challenge(&self) -> bool {
        let is_of_service = self.is_result() && self.head.sender().is_domain();
        is_of_service && self.children.iter().any(|child| child.namespace == names::REGISTER)
    }

    fn is_for_a_proxy(&self, payload: &Child) -> bool {
        let activates = || self.stanza.children(payload.node).iter().any(|child| child.name == "activate");
        self.is_get() || activates()
    }

    /// Refuses a request to PubSub that is about a denied node, or publishes what is denied.
    fn judge_pubsub(&self, pubsub: &Child) -> Verdict {
        let Some(mechanism) = self.asked_for(pubsub) else { return self.strip(pubsub) };
        self.stanza.reason(mechanism.reason());
        mechanism.refuse(Condition::Forbidden, ErrorType::Cancel)
    }

    /// The denied mechanism whose node a request to PubSub is about. What is asked for comes the other way.
    fn asked_for(&self, pubsub: &Child) -> Option<Mechanism> {
        let denied = |request: &str| match request {
            // Who leaves may go, and what goes may go.
            "unsubscribe" | "retract" | "delete" | "purge" => Set::NONE,
            "subscribe" | "options" => self.denied.against,
            _ if self.is_get() => self.denied.against,
            _ => self.denied.along,
        };
        self.stanza.children(pubsub.node).into_iter().find_map(|child| {
            let mechanism = names::mechanism_of(&self.stanza.attr(child.node, "node")?)?;
            denied(&child.name).has(mechanism).then_some(mechanism)
        })
    }

    /// Strips what came in a result. A request is refused: what it is to store would replace what was there by less than was meant.
    fn strip(&self, payload: &Child) -> Verdict {
        let is_challenge = self.is_challenge();
        let denied = if is_challenge { self.denied.along.without(Set::of_challenges()) } else { self.denied.along };
        let mut walk = Walk::new(self.stanza, denied, is_challenge, Bodies::new(self.texts));
        let fate = walk.visit(payload);
        let found = walk.found();
        let mechanism = match (found.iter().next(), fate) {
            (None, Ok(_)) => return Verdict::Pass,
            (None, Err(_)) => walk::too_much(self.stanza),
            (Some(mechanism), _) => {
                self.stanza.reason(&found.reason());
                mechanism
            }
        };
        match fate {
            Ok(Fate::Stays) if self.is_result() => Verdict::Pass,
            _ if self.is_result() => mechanism.refuse(Condition::Forbidden, ErrorType::Auth),
            _ => mechanism.refuse(Condition::Forbidden, ErrorType::Cancel),
        }
    }
}
