//! The settings as the operator writes them.

use std::collections::BTreeMap;

use refrain_sdk::{Condition, Direction, settings};

pub use crate::several::Several;

/// Who may write to whom. A stanza is asked about in this order: `allow`, `deny`, `default`, `first-contact`.
#[settings]
#[derive(Debug, Default)]
#[serde(default)]
pub struct Settings {
    /// Exceptions: a stanza that one of these rules is about passes, whatever stands below.
    pub allow: Vec<Rule>,
    /// What is refused. The first rule that is about a stanza decides how.
    pub deny: Vec<Rule>,
    /// What happens to a stanza that no rule is about.
    pub default: Otherwise,
    /// What strangers may send to your users: the table above has it in full.
    pub first_contact: FirstContact,
    /// Users and domains of yours with another first contact; the first entry that names the addressee decides.
    pub first_contact_to: Vec<Contact>,
    /// How much strangers may send where they are limited: `"30/h"` is 30 at once, and 30 an hour after that.
    pub first_contact_limits: Limits,
    /// Names for sets of addresses, for `group:NAME` in rules: `{ interns = ["eve@example.org", "*-intern@example.org"] }`.
    pub groups: BTreeMap<String, Several>,
    /// What becomes of what is refused, where no rule says otherwise.
    pub action: Refusal,
    /// The condition of the error; without it `"forbidden"` to a sender and `"not-allowed"` for an addressee whom a rule names.
    pub error: Option<Told>,
    /// What the error says to people.
    pub text: Option<String>,
}

/// A rule: it is about the stanzas for which everything holds that is written. `inside`, `outside` and `except` take one address
/// or a list of them.
#[settings]
#[derive(Debug, Default)]
#[serde(default)]
pub struct Rule {
    /// What the operator calls it, in reasons.
    pub name: Option<String>,
    /// The address on your side: the sender of what goes out, the addressee of what comes in.
    pub inside: Several,
    /// The address in the federated world: the sender of what comes in, the addressee of what goes out.
    pub outside: Several,
    /// Which way the stanza goes.
    pub direction: Way,
    /// Kinds and types of stanzas: `"message"`, `"message/groupchat"`, `["presence/subscribe", "iq"]`; without it all.
    pub stanzas: Several,
    /// Only stanzas between a user of yours and an address outside of which this is true; all without it.
    pub relation: Option<Relation>,
    /// Addresses, on either side, that the rule is not about.
    pub except: Several,
    /// What becomes of the stanza; without it `pass` in `allow`, and in `deny` what `action` above says.
    pub action: Option<Action>,
    /// In `deny`: the condition of the error.
    pub error: Option<Told>,
    /// In `deny`: what the error says to people.
    pub text: Option<String>,
    /// Instead of `inside` and `outside`: an address, on whichever side `match` says.
    pub jid: Option<String>,
    /// Likewise: a domain, or `*.` and one for its subdomains.
    pub domain: Option<String>,
    /// Of `jid` and `domain`: whose address it is.
    #[serde(rename = "match")]
    pub side: Side,
}

/// What strangers may send to some users.
#[settings]
#[derive(Debug, Default)]
#[serde(default)]
pub struct Contact {
    /// Addresses on your side: users, services such as `rooms.example.org`, `group:NAME`.
    pub inside: Several,
    /// What strangers may send to them.
    pub first_contact: FirstContact,
}

/// What happens to a stanza that no rule is about.
#[settings]
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub enum Otherwise {
    /// It passes.
    #[default]
    Allow,
    /// It is refused.
    Deny,
}

/// What strangers may send.
#[settings]
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub enum FirstContact {
    /// Everything.
    #[default]
    Open,
    /// Requests, some messages and some invitations to rooms.
    Careful,
    /// Requests alone.
    RequestsOnly,
    /// Nothing that a user would notice.
    Closed,
}

/// How much strangers may send where `first-contact` limits it: so many at once, and so many again in the time that is named.
#[settings]
#[derive(Debug)]
#[serde(default)]
pub struct Limits {
    /// Messages of one stranger to one user, until there is an answer.
    pub messages: String,
    /// Messages of one stranger to all your users.
    pub messages_of_sender: String,
    /// Messages of all strangers to one user.
    pub messages_to_user: String,
    /// Subscription requests of one stranger to all your users.
    pub requests_of_sender: String,
    /// Subscription requests of all strangers to one user.
    pub requests_to_user: String,
    /// Invitations from one room to users who do not know it.
    pub invitations_of_room: String,
    /// Invitations from all rooms of one domain that the invited do not know; honest rooms share it with others there.
    pub invitations_of_domain: String,
    /// Invitations to one user from all rooms that the user does not know.
    pub invitations_to_user: String,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            messages: "10/day".to_owned(),
            messages_of_sender: "30/h".to_owned(),
            messages_to_user: "100/h".to_owned(),
            requests_of_sender: "30/h".to_owned(),
            requests_to_user: "50/h".to_owned(),
            invitations_of_room: "30/h".to_owned(),
            invitations_of_domain: "200/h".to_owned(),
            invitations_to_user: "10/h".to_owned(),
        }
    }
}

/// Whose address a rule is about.
#[settings]
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The sender's.
    Sender,
    /// The addressee's.
    Recipient,
    /// That of either.
    #[default]
    Either,
}

/// Which way a rule applies.
#[settings]
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// From the federated world.
    Inbound,
    /// Into the federated world.
    Outbound,
    /// Both ways.
    #[default]
    Both,
}

impl Way {
    /// Whether a rule for this way applies to a stanza of `direction`.
    pub fn covers(self, direction: Direction) -> bool {
        match self {
            Way::Inbound => direction == Direction::Inbound,
            Way::Outbound => direction == Direction::Outbound,
            Way::Both => true,
        }
    }
}

/// What the two ends of a stanza are to each other.
#[settings]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Relation {
    /// The local user never turned to the remote address.
    Stranger,
    /// The local user did.
    Known,
}

/// What a rule does.
#[settings]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Of `allow`: the next filter judges.
    Pass,
    /// Of `allow`: it is delivered, and the filters behind this one are not asked.
    Accept,
    /// Of `deny`: it is returned with an error.
    Bounce,
    /// Of `deny`: it disappears.
    Drop,
}

/// What becomes of a refused stanza.
#[settings]
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// It is returned with an error.
    #[default]
    Bounce,
    /// It disappears.
    Drop,
}

/// The condition of an error (RFC 6120 §8.3.3).
#[settings]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Told {
    /// The sender may not, others may.
    Forbidden,
    /// There is nobody of this name.
    ItemNotFound,
    /// Against the rules, as it is.
    NotAcceptable,
    /// Nobody may.
    NotAllowed,
    /// Against a policy of this place.
    PolicyViolation,
    /// The addressee is not to be had now.
    RecipientUnavailable,
    /// One has to register first.
    RegistrationRequired,
    /// There is no such server.
    RemoteServerNotFound,
    /// What XEP-0191 has a blocked sender told; it gives nothing away.
    ServiceUnavailable,
    /// One has to be subscribed first.
    SubscriptionRequired,
}

impl Told {
    pub(crate) fn condition(self) -> Condition {
        match self {
            Told::Forbidden => Condition::Forbidden,
            Told::ItemNotFound => Condition::ItemNotFound,
            Told::NotAcceptable => Condition::NotAcceptable,
            Told::NotAllowed => Condition::NotAllowed,
            Told::PolicyViolation => Condition::PolicyViolation,
            Told::RecipientUnavailable => Condition::RecipientUnavailable,
            Told::RegistrationRequired => Condition::RegistrationRequired,
            Told::RemoteServerNotFound => Condition::RemoteServerNotFound,
            Told::ServiceUnavailable => Condition::ServiceUnavailable,
            Told::SubscriptionRequired => Condition::SubscriptionRequired,
        }
    }
}
