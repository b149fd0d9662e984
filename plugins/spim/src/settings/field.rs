//! The places of a stanza where a signature can look.

use refrain_sdk::settings;

/// A kind of text of a stanza, in all its languages; of a forwarded or archived message, too.
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
    /// Invitations to rooms: their reasons and addresses, and the reasons of declining and kicking (XEP-0045, XEP-0249).
    Invite,
    /// Data forms: titles, instructions, labels, values (XEP-0004).
    Form,
    /// Formatted text (XEP-0071).
    Markup,
    /// Links beside the text: out of band data, attachments, references, previews (XEP-0066, XEP-0447, XEP-0385, XEP-0372, XEP-0511).
    Link,
    /// Names and descriptions of files that are offered (XEP-0234, XEP-0446, XEP-0096).
    File,
    /// What is published: news, moods (XEP-0277, XEP-0107).
    Feed,
}

impl Field {
    pub(crate) const ALL: [Field; 10] = [
        Field::Body,
        Field::Subject,
        Field::Status,
        Field::Nick,
        Field::Invite,
        Field::Form,
        Field::Markup,
        Field::Link,
        Field::File,
        Field::Feed,
    ];

    pub(crate) fn all() -> Vec<Field> {
        Field::ALL.to_vec()
    }

    /// The bit of the field in a set of them.
    pub(crate) fn bit(self) -> u16 {
        1 << self as u16
    }
}
