//! The selections of stanzas, as interest rules that the proxy tests natively.

use StanzaType::{
    Available, Chat, Error, Groupchat, Headline, IqGet, IqResult, IqSet, Normal, Probe, Subscribe, Subscribed,
    Unavailable, Unknown, Unsubscribe, Unsubscribed,
};
use refrain_sdk::{Interest, Kind, Problem, StanzaType};

/// XEP-0033.
pub(crate) const ADDRESSES: &str = "http://jabber.org/protocol/address";

const ALL: &str = "message, chat, invitation, message:TYPE, message:NAMESPACE, presence, subscription, probe, muc-join, \
    presence:TYPE, iq, pubsub, disco, iq:TYPE, iq:NAMESPACE, addresses, error, all";

/// RFC 6121 §5.2.2: what has another type than these is `normal`.
const MESSAGES: [StanzaType; 5] = [Normal, Chat, Groupchat, Headline, Unknown];
const PRESENCE: [StanzaType; 8] =
    [Available, Unavailable, Subscribe, Subscribed, Unsubscribe, Unsubscribed, Probe, Unknown];

/// The types behind a colon, by their kinds.
const TYPES: [(&str, &str, &[StanzaType]); 17] = [
    ("message", "normal", &[Normal, Unknown]),
    ("message", "chat", &[Chat]),
    ("message", "groupchat", &[Groupchat]),
    ("message", "headline", &[Headline]),
    ("message", "error", &[Error]),
    ("presence", "available", &[Available]),
    ("presence", "unavailable", &[Unavailable]),
    ("presence", "subscribe", &[Subscribe]),
    ("presence", "subscribed", &[Subscribed]),
    ("presence", "unsubscribe", &[Unsubscribe]),
    ("presence", "unsubscribed", &[Unsubscribed]),
    ("presence", "probe", &[Probe]),
    ("presence", "error", &[Error]),
    ("iq", "get", &[IqGet]),
    ("iq", "set", &[IqSet]),
    ("iq", "result", &[IqResult]),
    ("iq", "error", &[Error]),
];

/// What invites somebody: to a room by oneself (XEP-0249) and through it (XEP-0045 §7.8.2), to a call (XEP-0353, XEP-0482).
const INVITATIONS: [(&str, &str); 4] = [
    ("jabber:x:conference", "{jabber:x:conference}x"),
    ("http://jabber.org/protocol/muc#user", "{http://jabber.org/protocol/muc#user}x/{*}invite"),
    ("urn:xmpp:jingle-message:*", "{urn:xmpp:jingle-message:*}propose"),
    ("urn:xmpp:call-invites:*", "{urn:xmpp:call-invites:*}invite"),
];
const EVENT: &str = "{http://jabber.org/protocol/pubsub#event}event";

/// A rule of what one word of `stanzas` selects.
#[derive(Debug)]
pub(crate) struct Selection {
    pub(crate) interest: Interest,
    /// Whether a stanza costs as many tokens as it names addresses.
    pub(crate) by_address: bool,
    /// What must be in the stanza beside.
    pub(crate) with: Option<&'static str>,
    /// What must not.
    pub(crate) without: Option<&'static str>,
}

impl Selection {
    /// Reads one word.
    pub(crate) fn parse(word: &str) -> Result<Vec<Self>, Problem> {
        let one = |interest| vec![Selection::of(interest)];
        Ok(match word {
            "message" => one(message(&MESSAGES)),
            "chat" => chat(),
            "invitation" => INVITATIONS.map(invitation).into(),
            "presence" => one(presence(&PRESENCE)),
            "subscription" => one(presence(&[Subscribe])),
            "probe" => one(presence(&[Probe])),
            // XEP-0045 §7.2.2
            "muc-join" => one(presence(&[Available]).payload("http://jabber.org/protocol/muc")),
            "iq" => one(request()),
            "pubsub" => one(request().payload("http://jabber.org/protocol/pubsub*")),
            "disco" => one(request().payload("http://jabber.org/protocol/disco#*")),
            "addresses" => vec![Selection { by_address: true, ..Selection::of(no_error().payload(ADDRESSES)) }],
            "error" => one(Interest::any().stanza_type(Error)),
            "all" => one(Interest::any()),
            _ => one(qualified(word)?),
        })
    }

    fn of(interest: Interest) -> Self {
        Selection { interest, by_address: false, with: None, without: None }
    }
}

/// Not what a room or an archive repeats, nor events of PubSub: those come in hundreds at once.
fn chat() -> Vec<Selection> {
    let worded = |types: &[StanzaType]| Selection::of(message(types).body().subject().encrypted());
    // What is no headline is shown as somebody's words, whatever else is in it.
    vec![worded(&[Normal, Chat, Unknown]), Selection { without: Some(EVENT), ..worded(&[Headline]) }]
}

fn invitation((namespace, path): (&str, &'static str)) -> Selection {
    let interest = message(&[Normal, Chat, Headline, Unknown]).payload(namespace);
    Selection { with: Some(path), ..Selection::of(interest) }
}

/// Reads `message:TYPE`, `iq:NAMESPACE` and the like.
fn qualified(word: &str) -> Result<Interest, Problem> {
    let (kind, what) = word.split_once(':').ok_or_else(|| unknown(word))?;
    let of = match kind {
        "message" => message,
        "presence" => presence,
        "iq" => iq,
        _ => return Err(unknown(word)),
    };
    if let Some((.., types)) = TYPES.iter().find(|(of, name, _)| (*of, *name) == (kind, what)) {
        return Ok(of(types));
    }
    match kind {
        _ if !may_be_namespace(what) => Err(no_type(kind, what)),
        "message" => Ok(message(&MESSAGES).payload(what)),
        "iq" => Ok(request().payload(what)),
        _ => Err(no_type(kind, what)),
    }
}

/// Of the namespaces of XMPP all but `vcard-temp` and `eu.siacs.conversations.axolotl` have a colon.
fn may_be_namespace(what: &str) -> bool {
    what.contains([':', '.', '-'])
}

fn typed(kind: Kind, types: &[StanzaType]) -> Interest {
    types.iter().fold(Interest::any().kind(kind), |interest, of| interest.stanza_type(*of))
}

fn message(types: &[StanzaType]) -> Interest {
    typed(Kind::Message, types)
}

fn presence(types: &[StanzaType]) -> Interest {
    typed(Kind::Presence, types)
}

fn iq(types: &[StanzaType]) -> Interest {
    typed(Kind::Iq, types)
}

fn request() -> Interest {
    iq(&[IqGet, IqSet])
}

/// An error has in it what it is about.
fn no_error() -> Interest {
    let types = MESSAGES.iter().chain(&PRESENCE).chain(&[IqGet, IqSet, IqResult]);
    types.fold(Interest::any(), |interest, of| interest.stanza_type(*of))
}

fn unknown(word: &str) -> Problem {
    Problem::new("", format!("{word:?} selects no stanzas; there are {ALL}"))
}

fn no_type(kind: &str, what: &str) -> Problem {
    let types: Vec<_> = TYPES.iter().filter(|(of, ..)| *of == kind).map(|(_, name, _)| *name).collect();
    let or = if kind == "presence" { "" } else { " nor a namespace" };
    Problem::new("", format!("{what:?} is no type of {kind}{or}; the types are {}", types.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_behind_a_colon_is_a_type_or_a_namespace() {
        for (kind, name, _) in TYPES {
            assert!(Selection::parse(&format!("{kind}:{name}")).is_ok(), "{kind}:{name}");
        }
        for word in ["iq:urn:xmpp:mam:*", "iq:vcard-temp", "message:eu.siacs.conversations.axolotl", "iq:jabber:*"] {
            assert!(Selection::parse(word).is_ok(), "{word}");
        }
        for word in ["iq:roster", "iq:chat", "iq:", "iq:*", "presence:urn:xmpp:x", "message:get", "room:x", "groupchat"]
        {
            assert!(Selection::parse(word).is_err(), "{word}");
        }
    }
}
