//! The settings as the operator writes them.

use refrain_sdk::settings;

/// What unwanted messages look like.
#[settings]
#[derive(Debug, Default)]
#[serde(default)]
pub struct Settings {
    /// The signatures; the first in the list that matches decides.
    pub signatures: Vec<Signature>,
}

/// One signature. Exactly one of `text`, `regex`, `jid` and `url` is given.
#[settings]
#[derive(Debug)]
pub struct Signature {
    /// What the operator reads as the reason.
    pub name: String,
    /// Words in this order, with any white space between them.
    pub text: Option<String>,
    /// A regular expression in the syntax of the crate `regex`.
    pub regex: Option<String>,
    /// An address that is mentioned, such as `sales@casino.example`; or a domain: any address there.
    pub jid: Option<String>,
    /// A host that is linked to, with its subdomains, such as `casino.example`; a path may follow.
    pub url: Option<String>,
    /// Where to look.
    #[serde(default = "Field::usual")]
    pub fields: Vec<Field>,
    /// What becomes of the stanza.
    #[serde(default)]
    pub action: Action,
    /// Whether `A` and `a` are different.
    #[serde(default)]
    pub case_sensitive: bool,
}

/// A text of a stanza, in all its languages.
#[settings]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Field {
    /// The body of a message.
    Body,
    /// The subject of a message, or of a room.
    Subject,
    /// What a presence says, a subscription request among them.
    Status,
    /// The name a sender gives itself (XEP-0172).
    Nick,
    /// The reason of an invitation to a room (XEP-0045, XEP-0249).
    Invite,
}

impl Field {
    fn usual() -> Vec<Field> {
        vec![Field::Body, Field::Subject, Field::Status, Field::Nick]
    }

    /// Where the field is in a stanza.
    pub fn selectors(self) -> &'static [&'static str] {
        match self {
            Field::Body => &["body"],
            Field::Subject => &["subject"],
            Field::Status => &["status"],
            Field::Nick => &["{http://jabber.org/protocol/nick}nick"],
            Field::Invite => &[
                "{http://jabber.org/protocol/muc#user}x/{http://jabber.org/protocol/muc#user}invite/{http://jabber.org/protocol/muc#user}reason",
                "{jabber:x:conference}x/@reason",
            ],
        }
    }
}

/// What becomes of a stanza that matches.
#[settings]
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// It disappears.
    Drop,
    /// It is returned with `policy-violation`.
    #[default]
    Bounce,
}
