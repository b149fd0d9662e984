//! What an operator is told of a subscription, in the words of the log.

use std::fmt;
use std::time::Duration;

use super::event::Standing;
use super::items::ITEMS_MAX;

/// What an operator is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// All items are here.
    Synced {
        /// How many are entries.
        entries: usize,
        /// How many are not.
        skipped: u64,
        /// Whether changes will be told.
        subscribed: bool,
    },
    /// The service has not let us subscribe (yet).
    Standing(Standing),
    /// Something failed, and is tried again after this.
    Failed(String, Duration),
    /// The service deleted the node; the list has nothing of it any more.
    Deleted(Option<String>),
    /// It lists its own service; that entry is left out.
    CoversService,
    /// There is no room for more entries.
    Full,
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Notice::Synced { subscribed: true, .. } => f.write_str("all entries are here, and changes will be told"),
            Notice::Synced { subscribed: false, .. } => {
                f.write_str("all entries are here, but changes will not be told: they are asked for from time to time")
            }
            Notice::Standing(Standing::Pending) => {
                f.write_str("the subscription waits until the owner of the node approves it")
            }
            Notice::Standing(Standing::Unconfigured) => {
                f.write_str("the service wants the subscription configured, which Refrain does not do")
            }
            Notice::Standing(Standing::None) => f.write_str("the service ended the subscription"),
            Notice::Standing(Standing::Subscribed) => f.write_str("subscribed"),
            Notice::Failed(why, pause) => write!(f, "{why}; the next try is in {} s", pause.as_secs()),
            Notice::Deleted(None) => f.write_str("the service deleted the node: nothing of it is in the list any more"),
            Notice::Deleted(Some(elsewhere)) => {
                write!(f, "the service deleted the node and names another, which is not followed: {elsewhere:?}")
            }
            Notice::CoversService => f.write_str("the service lists itself: that entry is left out"),
            Notice::Full => write!(f, "the node has more than {ITEMS_MAX} items: new ones are left out"),
        }
    }
}
