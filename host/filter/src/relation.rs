//! Whether the two ends of a stanza know each other: what the host learned from what crossed, told to filters as a bit of the head.

use serde::{Deserialize, Serialize};

use crate::head::Bits;

/// What the remote address of a stanza is to the local one.
///
/// Wherever it is optional, `None` means that nothing can be said: no relations are kept, or the local address is that of a
/// server and not of a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Relation {
    /// Nobody at the local address ever turned to the remote one, as far as is remembered.
    Stranger,
    /// Somebody at the local address did.
    Known,
}

impl Relation {
    /// The relation as it is written in case files and recordings.
    pub fn as_str(self) -> &'static str {
        match self {
            Relation::Stranger => "stranger",
            Relation::Known => "known",
        }
    }

    /// The bit of the head that tells it.
    pub fn bit(self) -> u32 {
        match self {
            Relation::Stranger => Bits::STRANGER,
            Relation::Known => Bits::KNOWN,
        }
    }
}
