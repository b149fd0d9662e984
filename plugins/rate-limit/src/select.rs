//! The selections of stanzas, as interest rules that the proxy tests natively.

use refrain_sdk::{Interest, Kind, Problem, StanzaType};

/// XEP-0033.
pub(crate) const ADDRESSES: &str = "http://jabber.org/protocol/address";

const ALL: &str = "message, chat, message:NAMESPACE, presence, subscription, \
    probe, muc-join, iq, pubsub, disco, iq:NAMESPACE, addresses, error, all";

/// What one word of `stanzas` selects.
#[derive(Debug)]
pub(crate) struct Selection {
    pub(crate) interest: Interest,
    /// Whether a stanza costs as many tokens as it names addresses.
    pub(crate) by_address: bool,
    /// Whether it is somebody who enters a room, and waits to be let in.
    pub(crate) is_join: bool,
}

impl Selection {
    /// Reads one word.
    pub(crate) fn parse(word: &str) -> Result<Self, Problem> {
        let interest = match word {
            "message" => all_messages(),
            // Not what a room or an archive repeats, nor events of PubSub: those come in hundreds at once.
            "chat" => message().stanza_type(StanzaType::Headline).body().subject().encrypted(),
            "presence" => presence()
                .stanza_type(StanzaType::Available)
                .stanza_type(StanzaType::Unavailable)
                .stanza_type(StanzaType::Subscribe)
                .stanza_type(StanzaType::Subscribed)
                .stanza_type(StanzaType::Unsubscribe)
                .stanza_type(StanzaType::Unsubscribed)
                .stanza_type(StanzaType::Probe)
                .stanza_type(StanzaType::Unknown),
            "subscription" => presence().stanza_type(StanzaType::Subscribe),
            "probe" => presence().stanza_type(StanzaType::Probe),
            // XEP-0045 §7.2.2
            "muc-join" => presence().stanza_type(StanzaType::Available).payload("http://jabber.org/protocol/muc"),
            "iq" => request(),
            "pubsub" => request().payload("http://jabber.org/protocol/pubsub*"),
            "disco" => request().payload("http://jabber.org/protocol/disco#*"),
            "addresses" => Interest::any().payload(ADDRESSES),
            "error" => Interest::any().stanza_type(StanzaType::Error),
            "all" => Interest::any(),
            _ => match word.split_once(':') {
                Some((_, "" | "*")) => return Err(unknown(word)),
                Some(("iq", namespace)) => request().payload(namespace),
                Some(("message", namespace)) => all_messages().payload(namespace),
                _ => return Err(unknown(word)),
            },
        };
        Ok(Selection { interest, by_address: word == "addresses", is_join: word == "muc-join" })
    }
}

/// Messages of type `normal` and `chat`; RFC 6121 §5.2.2: what has another type that is none is `normal`.
fn message() -> Interest {
    let message = Interest::any().kind(Kind::Message).stanza_type(StanzaType::Normal).stanza_type(StanzaType::Chat);
    message.stanza_type(StanzaType::Unknown)
}

fn all_messages() -> Interest {
    message().stanza_type(StanzaType::Groupchat).stanza_type(StanzaType::Headline)
}

fn presence() -> Interest {
    Interest::any().kind(Kind::Presence)
}

fn request() -> Interest {
    Interest::any().kind(Kind::Iq).stanza_type(StanzaType::IqGet).stanza_type(StanzaType::IqSet)
}

fn unknown(word: &str) -> Problem {
    Problem::new("", format!("{word:?} selects no stanzas; there are {ALL}"))
}
