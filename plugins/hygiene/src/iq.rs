//! Requests that only one's own server may make, and answers that only it may give.

use refrain_sdk::{Child, Condition, Head, Node, Stanza, StanzaType, Verdict};

use crate::names;
use crate::policy::Policy;
use crate::settings::Rule;

pub(crate) fn judge(policy: &Policy, head: &Head, stanza: &Stanza<'_>) -> Verdict {
    let payloads = stanza.children(Node::ROOT);
    let broken = payloads.iter().find_map(|payload| broken_by(payload, policy, head, stanza));
    let Some((rule, pattern)) = broken else { return Verdict::Pass };
    stanza.reason(&format!("{}: {pattern}", name(rule)));
    match (head.stanza_type, rule) {
        (StanzaType::IqGet | StanzaType::IqSet, Rule::Commands) => Verdict::bounce(Condition::Forbidden),
        // RFC 6121 §2.1.6: it tells nothing of the user.
        (StanzaType::IqGet | StanzaType::IqSet, _) => Verdict::bounce(Condition::ServiceUnavailable),
        // An answer that nobody asked outside for; an error in its place would end somebody's request all the same.
        _ => Verdict::Drop,
    }
}

fn broken_by(payload: &Child, policy: &Policy, head: &Head, stanza: &Stanza<'_>) -> Option<(Rule, &'static str)> {
    let (rule, pattern) = names::rule_of_iq(payload).filter(|(rule, _)| policy.holds(*rule))?;
    let is_request = matches!(head.stanza_type, StanzaType::IqGet | StanzaType::IqSet);
    let to = head.recipient();
    let is_broken = match rule {
        Rule::Archives => {
            // XEP-0442: a node of somebody's PubSub has an archive for others.
            let is_of_node = stanza.attr(payload.node, "node").is_some();
            let is_of_user =
                to.local().is_some() && to.resource().is_some() || policy.has_only_users(to) && !is_of_node;
            is_request && (is_of_user || payload.name == "prefs")
        }
        Rule::Commands => {
            let is_for_owners = stanza.attr(payload.node, "node").is_some_and(|node| node == names::GET_PENDING);
            is_request && to.local().is_none() && !policy.has_open_commands(to) && !is_for_owners
        }
        // A room's owner, wherever he is, gives it a picture by its card (XEP-0486).
        _ if pattern == names::VCARD => head.stanza_type == StanzaType::IqSet && policy.has_only_users(to),
        // An error has the request in it that it is about.
        _ => is_request || head.stanza_type == StanzaType::IqResult,
    };
    is_broken.then_some((rule, pattern))
}

fn name(rule: Rule) -> &'static str {
    match rule {
        Rule::OwnAccount => "own-account",
        Rule::Carbons => "carbons",
        Rule::Archives => "archives",
        Rule::Claims => "claims",
        Rule::Rooms => "rooms",
        Rule::Commands => "commands",
        Rule::Lookalikes => "lookalikes",
    }
}
