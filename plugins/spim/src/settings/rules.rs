//! The settings of the structural rules.

use refrain_sdk::settings;

/// A change to one of the filter's own rules. What is left out stays as the rule has it.
#[settings]
#[derive(Debug, Clone)]
pub struct Rule {
    /// The rule.
    pub name: RuleName,
    /// What it adds to the sum.
    pub score: Option<f64>,
    /// How many it takes, where the rule counts something.
    pub at_least: Option<u32>,
    /// The time in which they are counted, where the rule counts over time.
    pub minutes: Option<u32>,
    /// Switches the rule off.
    #[serde(default)]
    pub off: bool,
}

/// How something comes. All rules are about inbound stanzas of strangers, so they need relations, which the proxy keeps by itself.
#[settings]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RuleName {
    /// A message of another type than `chat` with a body or subject, written by somebody.
    NonChat,
    /// An invitation to a room.
    Invite,
    /// A subscription request that says something.
    SubscriptionText,
    /// Formatted text (XEP-0071).
    Markup,
    /// A body that begins encryption by OTR.
    Otr,
    /// A sender whose local part looks made by a machine.
    RandomSender,
    /// Many links in a body.
    Links,
    /// Many mentions of people in a body.
    Mentions,
    /// A body of symbols and emoji more than words.
    Symbols,
    /// Words with letters of two scripts.
    MixedScripts,
    /// Invisible characters within words.
    HiddenCharacters,
    /// A long body.
    LongBody,
    /// A program or script as a file or link.
    Program,
    /// One long text from many senders.
    ManySenders,
    /// One long text from one sender to many recipients.
    ManyRecipients,
    /// Many subscription requests from one domain.
    SubscriptionBurst,
}

/// Addresses that are there to be found by spammers, and by nobody else.
#[settings]
#[derive(Debug)]
#[serde(default)]
pub struct Honeypots {
    /// The addresses. Who writes there, or asks for a subscription, is marked.
    pub addresses: Vec<String>,
    /// What a mark adds to the sum of what its bearer sends, to whomever.
    pub score: f64,
    /// Whether the sender's domain is marked as well, and what that adds; 0 leaves it alone.
    pub domain_score: f64,
    /// How long a mark lasts.
    pub hours: u32,
}

impl Default for Honeypots {
    fn default() -> Self {
        Honeypots { addresses: Vec::new(), score: 6.0, domain_score: 0.0, hours: 72 }
    }
}
