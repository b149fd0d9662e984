//! First contact: what strangers may send to a user who never turned to them.

use refrain_sdk::{Condition, ErrorType, Head, Limiter, Problem, Problems, Setup, Stanza, Verdict};

use crate::approach::{Approach, Approaches};
use crate::lists::Answers;
use crate::manners::{Manners, may_be_private};
use crate::rate::Rate;
use crate::settings::{Contact, FirstContact, Limits, Refusal};
use crate::stanzas::Stanzas;
use crate::who::{Reader, Who};

/// The first contact of all users.
#[derive(Debug)]
pub(crate) struct Contacts {
    of: Vec<(Who, FirstContact)>,
    of_others: FirstContact,
    approaches: Approaches,
    limiters: Limiters,
    /// Whether errors are sent.
    action: Refusal,
}

/// What becomes of an approach.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Treatment {
    Passes,
    Limited,
    Refused,
}

impl FirstContact {
    /// The table of the page, row by row.
    fn treats(self, approach: Approach) -> Treatment {
        use FirstContact::{Careful, Closed, Open, RequestsOnly};
        use Treatment::{Limited, Passes, Refused};
        match (self, approach) {
            (Open, _) => Passes,
            (
                Careful,
                Approach::Request | Approach::Message | Approach::RoomInvitation | Approach::WordyRoomInvitation,
            ) => Limited,
            (Careful, Approach::Invitation | Approach::Call | Approach::Headline | Approach::Status) => Refused,
            (Careful, Approach::Signal | Approach::Presence | Approach::Query | Approach::ClientQuery) => Passes,
            (RequestsOnly, Approach::Request) => Limited,
            (RequestsOnly, Approach::Query) => Passes,
            (RequestsOnly | Closed, _) => Refused,
        }
    }

    fn as_str(self) -> &'static str {
        match self {
            FirstContact::Open => "open",
            FirstContact::Careful => "careful",
            FirstContact::RequestsOnly => "requests-only",
            FirstContact::Closed => "closed",
        }
    }
}

impl Contacts {
    /// Reads the settings; none if strangers may send everything to everybody.
    pub(crate) fn new(
        (of_others, of, limits, action): (FirstContact, Vec<Contact>, Limits, Refusal),
        reader: &mut Reader,
        setup: &mut Setup,
        problems: &mut Problems,
    ) -> Option<Self> {
        let mut read = Vec::new();
        for (place, contact) in of.into_iter().enumerate() {
            let path = format!("first-contact-to[{place}]");
            let who = reader.who(&contact.inside, &format!("{path}.inside"), setup, problems);
            if !contact.inside.is_written() || contact.inside.is_empty() {
                problems.add(Problem::new(path, "names nobody; write `inside`"));
            }
            read.push((who, contact.first_contact));
        }
        let limiters = Limiters::new(&limits, setup, problems)?;
        let approaches = problems.take(Approaches::new(setup))?;
        let is_open = of_others == FirstContact::Open && read.iter().all(|(_, contact)| *contact == FirstContact::Open);
        (!is_open).then_some(Contacts { of: read, of_others, approaches, limiters, action })
    }

    /// The stanzas that it may have something against.
    pub(crate) fn stanzas() -> Stanzas {
        let mut stanzas = Stanzas::default();
        let words = [
            "message/normal",
            "message/chat",
            "message/headline",
            "presence/available",
            "presence/subscribe",
            "iq/get",
            "iq/set",
        ];
        words.into_iter().for_each(|word| drop(stanzas.add(word)));
        stanzas
    }

    /// Judges what a stranger sends.
    pub(crate) fn judge<'a>(
        &self,
        head: &'a Head,
        stanza: &Stanza<'_>,
        lists: &Answers<'a>,
        manners: &Manners,
    ) -> Verdict {
        let named = self.of.iter().find(|(who, _)| who.names(head.recipient(), lists));
        let contact = named.map_or(self.of_others, |(_, contact)| *contact);
        if contact == FirstContact::Open {
            return Verdict::Pass;
        }
        let Some(approach) = self.approaches.of(head, stanza) else { return Verdict::Pass };
        match contact.treats(approach) {
            Treatment::Passes => Verdict::Pass,
            Treatment::Limited => match self.limiters.exceeded(approach, head) {
                None => Verdict::Pass,
                Some(limit) => {
                    stanza.reason(&format!("first contact {}: more than {limit}", contact.as_str()));
                    self.tell(too_many(), head, stanza, manners)
                }
            },
            Treatment::Refused => {
                stanza.reason(&format!("first contact {}: {}", contact.as_str(), approach.as_str()));
                self.tell(refusal(contact, approach), head, stanza, manners)
            }
        }
    }

    fn tell(&self, bounce: Verdict, head: &Head, stanza: &Stanza<'_>, manners: &Manners) -> Verdict {
        match self.action {
            Refusal::Drop => Verdict::Drop,
            // The occupant of a room that the proxy has forgotten is a stranger, too.
            Refusal::Bounce if may_be_private(head) => Verdict::Drop,
            Refusal::Bounce => manners.tell(bounce, head, stanza),
        }
    }
}

/// RFC 6120 §8.3.3.12: a policy, which is not against it for ever.
fn too_many() -> Verdict {
    Verdict::bounce(Condition::PolicyViolation).error_type(ErrorType::Wait).text("Please wait for an answer")
}

fn refusal(contact: FirstContact, approach: Approach) -> Verdict {
    match (contact, approach) {
        // Nobody waits for an answer to a typing notification, and clients would show the error beside the conversation.
        (_, Approach::Signal) => Verdict::Drop,
        // XEP-0166 §6.2 and RFC 6121 §8.5.3.2.3: what a server says that has nobody there. XEP-0191 §3.3 says it to whoever is blocked.
        (FirstContact::Closed, _) | (_, Approach::Call | Approach::Query | Approach::ClientQuery) => {
            Verdict::bounce(Condition::ServiceUnavailable)
        }
        // RFC 6120 §8.3.3.20: "a prior subscription is necessary".
        (FirstContact::RequestsOnly, _) => {
            Verdict::bounce(Condition::SubscriptionRequired).text("Please ask to be added as a contact first")
        }
        (FirstContact::Open | FirstContact::Careful, _) => {
            Verdict::bounce(Condition::PolicyViolation).text("Please write a message first")
        }
    }
}

/// How much of what is limited.
#[derive(Debug)]
struct Limiters {
    messages: Own,
    messages_of_sender: Own,
    messages_to_user: Limited,
    requests_of_sender: Own,
    requests_to_user: Limited,
    invitations_of_room: Own,
    invitations_of_domain: Limited,
    invitations_to_user: Limited,
}

/// One limit, and how it is told.
#[derive(Debug)]
struct Limited {
    limiter: Limiter,
    told: String,
}

/// A limit of one sender's own.
#[derive(Debug)]
struct Own {
    limited: Limited,
    /// Twice as much, and taken before what many share: a refusal there costs the sender nothing of the limit itself, and who goes on
    /// beyond the limit uses up at most as much again of what is shared.
    tries: Limiter,
}

const TRIES_PER_TOKEN: u32 = 2;

impl Limiters {
    fn new(limits: &Limits, setup: &mut Setup, problems: &mut Problems) -> Option<Self> {
        let mut making = Making { setup, problems };
        let messages = making.own("messages", &limits.messages);
        let messages_of_sender = making.own("messages-of-sender", &limits.messages_of_sender);
        let messages_to_user = making.shared("messages-to-user", &limits.messages_to_user);
        let requests_of_sender = making.own("requests-of-sender", &limits.requests_of_sender);
        let requests_to_user = making.shared("requests-to-user", &limits.requests_to_user);
        let invitations_of_room = making.own("invitations-of-room", &limits.invitations_of_room);
        let invitations_of_domain = making.shared("invitations-of-domain", &limits.invitations_of_domain);
        let invitations_to_user = making.shared("invitations-to-user", &limits.invitations_to_user);
        Some(Limiters {
            messages: messages?,
            messages_of_sender: messages_of_sender?,
            messages_to_user: messages_to_user?,
            requests_of_sender: requests_of_sender?,
            requests_to_user: requests_to_user?,
            invitations_of_room: invitations_of_room?,
            invitations_of_domain: invitations_of_domain?,
            invitations_to_user: invitations_to_user?,
        })
    }

    /// The limit that is used up.
    fn exceeded(&self, approach: Approach, head: &Head) -> Option<&str> {
        let (sender, recipient) = (head.sender(), head.recipient());
        match approach {
            Approach::Request => {
                exceeded(&[(&self.requests_of_sender, sender.bare())], &[(&self.requests_to_user, recipient.bare())])
            }
            Approach::RoomInvitation => exceeded(
                &[(&self.invitations_of_room, sender.bare())],
                &[(&self.invitations_to_user, recipient.bare()), (&self.invitations_of_domain, sender.domain())],
            ),
            Approach::WordyRoomInvitation => {
                let as_invitation = self.exceeded(Approach::RoomInvitation, head);
                as_invitation.or_else(|| self.exceeded(Approach::Message, head))
            }
            _ => {
                // No bare address has a blank in it.
                let pair = format!("{} {}", sender.bare(), recipient.bare());
                exceeded(
                    &[(&self.messages, &pair), (&self.messages_of_sender, sender.bare())],
                    &[(&self.messages_to_user, recipient.bare())],
                )
            }
        }
    }
}

/// Takes from the buckets of the sender's own and from the shared ones, each with its key.
fn exceeded<'a>(own: &[(&'a Own, &str)], shared: &[(&'a Limited, &str)]) -> Option<&'a str> {
    let tried = own.iter().find(|(own, key)| !own.tries.take(key)).map(|(own, _)| &own.limited);
    let shared = || shared.iter().find(|(shared, key)| !shared.limiter.take(key)).map(|(shared, _)| *shared);
    let used_up = || own.iter().find(|(own, key)| !own.limited.limiter.take(key)).map(|(own, _)| &own.limited);
    tried.or_else(shared).or_else(used_up).map(|limited| limited.told.as_str())
}

/// What limits are made with.
struct Making<'a> {
    setup: &'a mut Setup,
    problems: &'a mut Problems,
}

impl Making<'_> {
    fn shared(&mut self, key: &str, rate: &str) -> Option<Limited> {
        let made = Rate::parse(rate).and_then(|parsed| self.limited(key, rate, parsed));
        self.take(key, made)
    }

    fn own(&mut self, key: &str, rate: &str) -> Option<Own> {
        let made = Rate::parse(rate).and_then(|parsed| {
            let limited = self.limited(key, rate, parsed)?;
            let burst = parsed.burst.saturating_mul(TRIES_PER_TOKEN);
            let per_second = parsed.per_second * f64::from(TRIES_PER_TOKEN);
            let tries = self.setup.limiter(&format!("{}_tries", key.replace('-', "_")), burst, per_second)?;
            Ok(Own { limited, tries })
        });
        self.take(key, made)
    }

    fn limited(&mut self, key: &str, rate: &str, parsed: Rate) -> Result<Limited, Problem> {
        let limiter = self.setup.limiter(&key.replace('-', "_"), parsed.burst, parsed.per_second)?;
        Ok(Limited { limiter, told: format!("{rate} {}", key.replace('-', " ")) })
    }

    fn take<T>(&mut self, key: &str, made: Result<T, Problem>) -> Option<T> {
        self.problems.take(made.map_err(|problem| problem.at(format!("first-contact-limits.{key}"))))
    }
}
