//! Signatures as the operator writes them.

use refrain_sdk::settings;

use super::Field;

/// One signature. Exactly one of `text`, `regex`, `jid`, `url`, `file` and `hash` is given.
#[settings]
#[derive(Debug)]
pub struct Signature {
    /// What the operator reads as the reason; the sender never sees it.
    pub name: String,
    /// Words in this order, with any white space between them.
    pub text: Option<String>,
    /// A regular expression in the syntax of the crate `regex`.
    pub regex: Option<String>,
    /// An address that is mentioned, such as `sales@casino.example`; or `casino.example` for any address there, `*.casino.example` for any
    /// below.
    pub jid: Option<String>,
    /// A host that is linked to, with its subdomains, such as `casino.example`; a path may follow.
    pub url: Option<String>,
    /// The name of a file that is sent or linked to, in which `*` stands for anything: `*.scr`.
    pub file: Option<String>,
    /// A hash of a file that is sent, such as `sha-256:` with the hash in Base64 or hexadecimal.
    pub hash: Option<String>,
    /// What a hit adds to the sum.
    pub score: Option<f64>,
    /// What becomes of the stanza at once, whatever the sum; without it and `score`, it is returned.
    pub action: Option<Action>,
    /// The group whose signatures add no more than `groups` says together.
    pub group: Option<String>,
    /// Where to look.
    #[serde(default = "Field::all")]
    pub fields: Vec<Field>,
    /// Whether words may go on at the ends of `text`.
    #[serde(default)]
    pub words: Within,
    /// Whether `A` and `a` are different.
    #[serde(default)]
    pub case_sensitive: bool,
    /// Whether `text` and `regex` are also looked for in the text as it was sent, with what is invisible.
    #[serde(default)]
    pub raw: bool,
}

/// What becomes of a stanza that matches.
#[settings]
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Action {
    /// It passes; the operator is told.
    Tag,
    /// It is returned with `policy-violation`.
    #[default]
    Bounce,
    /// It disappears.
    Drop,
}

/// How the ends of a text stand to the words around it.
#[settings]
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub enum Within {
    /// Whole words: `casino` is not found in `casinos`.
    #[default]
    Whole,
    /// The last word may go on: `casino` is found in `casinos`.
    Start,
    /// Words may begin before it and go on behind it: `casino` is found in `mycasino24`.
    Anywhere,
}
