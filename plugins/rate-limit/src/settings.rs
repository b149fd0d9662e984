//! The settings as the operator writes them.

use refrain_sdk::settings;

/// How much of what may come from whom.
#[settings]
#[derive(Debug)]
#[serde(default)]
pub struct Settings {
    /// Whether the limits that the filter has of its own apply.
    pub defaults: bool,
    /// Changes to the limits that the filter has of its own, by their names, and further limits; 16 can be on.
    pub limits: Vec<Limit>,
    /// Senders that no limit is about: `user@example.org`, `example.org`, `*.example.org` (its subdomains).
    pub except: Vec<String>,
    /// How many requests of one sender may wait for their answers at a time; without it, any number. See "Open requests".
    pub outstanding: Option<Outstanding>,
}

impl Default for Settings {
    fn default() -> Self {
        Settings { defaults: true, limits: Vec::new(), except: Vec::new(), outstanding: None }
    }
}

/// One limit. Of a limit that the filter has of its own, what is left out stays as it is.
#[settings]
#[derive(Debug, Clone, Default)]
#[serde(default)]
pub struct Limit {
    /// Lower-case letters, digits, hyphens; stands in reasons and metrics. That of one of the filter's own changes it.
    pub name: String,
    /// What it counts: one or more of the selections below with blanks between, such as `pubsub disco`.
    pub stanzas: Option<String>,
    /// Whose stanzas are counted together, so that they have a bucket of their own; `sender` without it.
    pub per: Option<Per>,
    /// How many labels at the end of a domain count together, with `per = "sender-domain"`: by 2, `a.evil.example` and
    /// `b.evil.example` are one. Without it, all.
    pub labels: Option<u32>,
    /// How many pass in the long run: `10/s`, `20/min`, `100/h`, `500/day`.
    pub rate: Option<String>,
    /// How many pass at once, after a silence; without it, the number of `rate`.
    pub burst: Option<u32>,
    /// Which way the stanzas go; `inbound` without it. The filter must be in that chain.
    pub direction: Option<Way>,
    /// What becomes of those that are too many; `bounce` without it.
    pub action: Option<Action>,
    /// The condition of the error, of type `wait`, if there is one; `resource-constraint` without it.
    pub condition: Option<Told>,
    /// Senders that this limit is not about.
    pub except: Vec<String>,
    /// Switches the limit off.
    pub off: bool,
}

/// A bound on requests (iq get and set) that wait for their answers. The filter must be in both chains.
#[settings]
#[derive(Debug, Clone)]
#[serde(default)]
pub struct Outstanding {
    /// How many requests of one address, whatever its resource: 1 to 250.
    pub max: u32,
    /// After how many seconds a request that nobody answered counts no more: 1 to 3600.
    pub seconds: u32,
    /// Which way the requests go; their answers go the other.
    pub direction: Way,
    /// The condition of the error.
    pub condition: Told,
}

impl Default for Outstanding {
    fn default() -> Self {
        Outstanding { max: 100, seconds: 60, direction: Way::Inbound, condition: Told::default() }
    }
}

/// Whose stanzas are counted together.
#[settings]
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub enum Per {
    /// Those from one address, whatever its resource.
    #[default]
    Sender,
    /// Those from one domain.
    SenderDomain,
    /// Those to one address, whatever its resource.
    Recipient,
    /// Those from one address to another.
    Pair,
    /// All.
    All,
}

impl Per {
    /// As it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Per::Sender => "sender",
            Per::SenderDomain => "sender-domain",
            Per::Recipient => "recipient",
            Per::Pair => "pair",
            Per::All => "all",
        }
    }
}

/// Which way a limit applies.
#[settings]
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// From the federated world.
    #[default]
    Inbound,
    /// Into the federated world.
    Outbound,
    /// Both ways, counted together.
    Both,
}

/// What becomes of a stanza that is too many.
#[settings]
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// It is returned with an error, where one may be sent.
    #[default]
    Bounce,
    /// It disappears.
    Drop,
    /// It passes, and its stream waits until there is room for it, with all who send over it; see "Delay".
    Delay,
}

/// The condition of the error.
#[settings]
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub enum Told {
    /// The recipient has no room for it now.
    #[default]
    ResourceConstraint,
    /// It is against the rules.
    PolicyViolation,
}
