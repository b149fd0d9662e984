//! The settings as the operator writes them.

use refrain_sdk::settings;

/// What is refused, and what must be known to tell it.
#[settings]
#[derive(Debug)]
#[serde(default)]
pub struct Settings {
    /// Rules that do not hold, by their names below.
    pub allow: Vec<Rule>,
    /// Domains of this side; `*.home.example` is every subdomain. For `claims` that of the addressee counts in any case, with its
    /// subdomains and the domains above it.
    pub hosted: Vec<String>,
    /// Domains of this side where only users are, no rooms and no services: nobody outside asks an archive there.
    pub user_domains: Vec<String>,
    /// Domains of this side whose commands are for everybody, such as gateways.
    pub commands_at: Vec<String>,
    /// The only domains elsewhere that have rooms, and archives of rooms; without any, every domain may have some.
    pub room_domains: Vec<String>,
    /// What becomes of a stanza whose sender looks like somebody else.
    pub lookalikes: Lookalikes,
    /// What becomes of answers that nobody asked for, those of archives too; see "Answers that nobody asked for". The filter must be in both chains.
    pub unasked: Unasked,
    /// For how many seconds a request may be answered: 1 to 86400.
    pub answer_seconds: u32,
    /// For how many seconds after the first request since the start no answer is refused: what was asked before is not known.
    pub grace_seconds: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            allow: Vec::new(),
            hosted: Vec::new(),
            user_domains: Vec::new(),
            commands_at: Vec::new(),
            room_domains: Vec::new(),
            lookalikes: Lookalikes::default(),
            unasked: Unasked::default(),
            answer_seconds: 600,
            grace_seconds: 60,
        }
    }
}

/// A rule.
#[settings]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// Rosters, private data, block lists, carbons and the like come from nobody but one's own server.
    OwnAccount,
    /// Carbons (XEP-0280) come from nobody but one's own server.
    Carbons,
    /// Archives (XEP-0313) are asked and answer where there may be one.
    Archives,
    /// Nobody outside stamps a stanza in the name of a hosted domain.
    Claims,
    /// Events of rooms (XEP-0045) come from where a room may be.
    Rooms,
    /// Commands (XEP-0050) to a server as such are for its own users.
    Commands,
    /// Senders that look like somebody else by letters of another script.
    Lookalikes,
}

/// What becomes of a stanza whose sender looks like somebody else.
#[settings]
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub enum Lookalikes {
    /// It passes, and is counted among the reasons in `refrain status`.
    #[default]
    Flag,
    /// It is returned with an error. A name of several scripts before the `@` still passes: honest rooms have such.
    Bounce,
}

/// What becomes of a result or an error of an iq that nobody asked for.
#[settings]
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub enum Unasked {
    /// It passes.
    #[default]
    Pass,
    /// It passes, with a reason for the operator.
    Flag,
    /// It disappears.
    Drop,
}
