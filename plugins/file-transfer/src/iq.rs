//! Requests and results. A denied request is answered in the recipient's name, with the error of its mechanism; in the place of a denied
//! result an error goes on to the requester, who would wait in vain otherwise.

use refrain_sdk::{Child, Condition, ErrorType, Head, Problem, Setup, Stanza, StanzaType, Verdict};

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
        let children = stanza.children(refrain_sdk::Node::ROOT);
        let verdicts = children.iter().map(|payload| self.judge_payload(head, stanza, payload, denied, texts));
        verdicts.fold(Verdict::Pass, |verdict, next| if verdict == Verdict::Pass { next } else { verdict })
    }

    fn judge_payload(
        &self,
        head: &Head,
        stanza: &Stanza<'_>,
        payload: &Child,
        denied: Denied,
        texts: &Texts,
    ) -> Verdict {
        let is_result = head.stanza_type == StanzaType::IqResult;
        match payload.namespace.as_str() {
            jingle::NAMESPACE if is_result => Verdict::Pass,
            jingle::NAMESPACE => self.jingle.judge(stanza, denied),
            // What is offered here is asked for from the other side.
            disco::INFO | disco::ITEMS if is_result => self.disco.strip(stanza, denied.against),
            disco::INFO | disco::ITEMS => Verdict::Pass,
            names::PUBSUB if !is_result => judge_pubsub(head, stanza, payload, denied, texts),
            names::PUBSUB | names::VCARD | names::VCARD4 | names::COMMANDS => {
                strip(head, stanza, payload, denied.along, texts)
            }
            namespace => judge_mechanism(head, stanza, payload, names::mechanism_of(namespace), denied),
        }
    }
}

/// Refuses what is part of a denied mechanism as a whole.
fn judge_mechanism(
    head: &Head,
    stanza: &Stanza<'_>,
    payload: &Child,
    mechanism: Option<Mechanism>,
    denied: Denied,
) -> Verdict {
    let Some(mechanism) = mechanism else { return Verdict::Pass };
    let is_result = head.stanza_type == StanzaType::IqResult;
    let denied = match mechanism.results() {
        Results::Consent if is_result => denied.against,
        Results::Content if head.stanza_type == StanzaType::IqGet => denied.against,
        Results::Consent | Results::Content => denied.along,
    };
    if !denied.has(mechanism) && !names::is_oversized(payload) {
        return Verdict::Pass;
    }
    stanza.reason(mechanism.reason());
    match mechanism {
        _ if is_result => mechanism.refuse(Condition::Forbidden, ErrorType::Auth),
        // XEP-0047 §2.1: who does not want the stream says so; of what comes in it, the session is not known (§2.2).
        Mechanism::Ibb if payload.name == "open" => mechanism.refuse(Condition::NotAcceptable, ErrorType::Cancel),
        // XEP-0065: a proxy says so to whom it does not serve, a target that does not want the stream says the other.
        Mechanism::Socks5 if is_for_a_proxy(head, stanza, payload) => {
            mechanism.refuse(Condition::Forbidden, ErrorType::Auth)
        }
        _ => mechanism.refusal(),
    }
}

fn is_for_a_proxy(head: &Head, stanza: &Stanza<'_>, payload: &Child) -> bool {
    let activates = || stanza.children(payload.node).iter().any(|child| child.name == "activate");
    head.stanza_type == StanzaType::IqGet || activates()
}

/// Refuses a request to PubSub that is about a denied node, or publishes what is denied.
fn judge_pubsub(head: &Head, stanza: &Stanza<'_>, pubsub: &Child, denied: Denied, texts: &Texts) -> Verdict {
    let Some(mechanism) = asks_for(stanza, pubsub, head, denied) else {
        return strip(head, stanza, pubsub, denied.along, texts);
    };
    stanza.reason(mechanism.reason());
    mechanism.refuse(Condition::Forbidden, ErrorType::Cancel)
}

/// The denied mechanism whose node a request to PubSub is about. What is asked for comes the other way.
fn asks_for(stanza: &Stanza<'_>, pubsub: &Child, head: &Head, denied: Denied) -> Option<Mechanism> {
    let denied = if head.stanza_type == StanzaType::IqGet { denied.against } else { denied.along };
    let nodes = stanza.children(pubsub.node).into_iter().filter_map(|child| stanza.attr(child.node, "node"));
    nodes.filter_map(|node| names::mechanism_of(&node)).find(|mechanism| denied.has(*mechanism))
}

/// Strips what came in a result, or refuses what is published.
fn strip(head: &Head, stanza: &Stanza<'_>, payload: &Child, denied: Set, texts: &Texts) -> Verdict {
    let mut walk = Walk::new(stanza, denied, Bodies::new(texts));
    let fate = walk.visit(payload);
    let mechanism = match (walk.found.iter().next(), fate) {
        (None, Ok(_)) => return Verdict::Pass,
        (None, Err(_)) => walk::too_much(stanza),
        (Some(mechanism), _) => {
            stanza.reason(&walk.found.reason());
            mechanism
        }
    };
    match (head.stanza_type, fate) {
        (StanzaType::IqResult, Ok(Fate::Stays)) => Verdict::Pass,
        (StanzaType::IqResult, _) => mechanism.refuse(Condition::Forbidden, ErrorType::Auth),
        // A vCard is as good without its picture; what is to be published is not.
        (_, Ok(Fate::Stays)) if payload.namespace != names::PUBSUB => Verdict::Pass,
        _ => mechanism.refuse(Condition::Forbidden, ErrorType::Cancel),
    }
}
