//! Which stanzas a rule is about, by kind and type.

use refrain_sdk::{Head, Interest, Kind, Problem, StanzaType};

const KINDS: [(Kind, &str); 3] = [(Kind::Message, "message"), (Kind::Presence, "presence"), (Kind::Iq, "iq")];

/// RFC 6121 §5.2.2 and §4.7.1, RFC 6120 §8.2.3: the types each kind can have.
const TYPES: [(Kind, &str, StanzaType); 17] = [
    (Kind::Message, "normal", StanzaType::Normal),
    (Kind::Message, "chat", StanzaType::Chat),
    (Kind::Message, "groupchat", StanzaType::Groupchat),
    (Kind::Message, "headline", StanzaType::Headline),
    (Kind::Message, "error", StanzaType::Error),
    (Kind::Presence, "available", StanzaType::Available),
    (Kind::Presence, "unavailable", StanzaType::Unavailable),
    (Kind::Presence, "subscribe", StanzaType::Subscribe),
    (Kind::Presence, "subscribed", StanzaType::Subscribed),
    (Kind::Presence, "unsubscribe", StanzaType::Unsubscribe),
    (Kind::Presence, "unsubscribed", StanzaType::Unsubscribed),
    (Kind::Presence, "probe", StanzaType::Probe),
    (Kind::Presence, "error", StanzaType::Error),
    (Kind::Iq, "get", StanzaType::IqGet),
    (Kind::Iq, "set", StanzaType::IqSet),
    (Kind::Iq, "result", StanzaType::IqResult),
    (Kind::Iq, "error", StanzaType::Error),
];

/// A set of kinds and types. Nothing selected is everything.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stanzas {
    /// A mask of types for each kind, in the order of [`KINDS`].
    types: [u32; 3],
}

impl Stanzas {
    /// Adds what a word selects: `message`, `message/chat`.
    pub(crate) fn add(&mut self, word: &str) -> Result<(), Problem> {
        let (kind, stanza_type) = match word.split_once('/') {
            Some((kind, stanza_type)) => (kind, Some(stanza_type)),
            None => (word, None),
        };
        let Some(place) = KINDS.iter().position(|(_, name)| *name == kind) else { return Err(unknown(word)) };
        let of_kind = TYPES.iter().filter(|(of, ..)| *of == KINDS[place].0);
        let mask = match stanza_type {
            None => u32::MAX,
            Some(name) => {
                let Some((.., found)) = of_kind.clone().find(|(_, known, _)| *known == name) else {
                    return Err(unknown(word));
                };
                1 << *found as u32 | also(*found)
            }
        };
        self.types[place] |= mask;
        Ok(())
    }

    /// Whether it selects the stanza.
    pub(crate) fn select(self, head: &Head) -> bool {
        self.is_all() || self.types[head.kind as usize] >> head.stanza_type as u32 & 1 == 1
    }

    fn is_all(self) -> bool {
        self.types == [0; 3]
    }

    /// What either selects.
    pub(crate) fn or(self, other: Self) -> Self {
        if self.is_all() || other.is_all() {
            return Stanzas::default();
        }
        let [message, presence, iq] = self.types;
        let [more_message, more_presence, more_iq] = other.types;
        Stanzas { types: [message | more_message, presence | more_presence, iq | more_iq] }
    }

    /// `base`, for each kind that is selected, with its types.
    pub(crate) fn interests(self, base: &Interest) -> Vec<Interest> {
        if self.is_all() {
            return vec![base.clone()];
        }
        let of_kinds = KINDS.into_iter().zip(self.types).filter(|(_, mask)| *mask != 0);
        of_kinds.map(|((kind, _), mask)| of_types(kind, mask, base.clone().kind(kind))).collect()
    }
}

fn of_types(kind: Kind, mask: u32, base: Interest) -> Interest {
    if mask == u32::MAX {
        return base;
    }
    let named = TYPES.iter().filter(|(of, ..)| *of == kind).map(|(.., stanza_type)| *stanza_type);
    let selected = named.chain([StanzaType::Unknown]).filter(|stanza_type| mask >> *stanza_type as u32 & 1 == 1);
    selected.fold(base, Interest::stanza_type)
}

/// RFC 6121 §5.2.2: a message of a type that nobody knows is `normal`. Presence of such a type is taken for `available`.
fn also(stanza_type: StanzaType) -> u32 {
    let has_unknown = matches!(stanza_type, StanzaType::Normal | StanzaType::Available);
    if has_unknown { 1 << StanzaType::Unknown as u32 } else { 0 }
}

fn unknown(word: &str) -> Problem {
    let types = |kind: Kind| {
        let names: Vec<_> = TYPES.iter().filter(|(of, ..)| *of == kind).map(|(_, name, _)| *name).collect();
        names.join("|")
    };
    let kinds: Vec<_> = KINDS.iter().map(|(kind, name)| format!("{name}, {name}/{}", types(*kind))).collect();
    Problem::new("", format!("{word:?} selects no stanzas; there are {}", kinds.join(", ")))
}
