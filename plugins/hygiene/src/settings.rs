//! The settings as the operator writes them.

use refrain_sdk::settings;

/// What is refused, and what must be known to tell it.
#[settings]
#[derive(Debug, Default)]
#[serde(default)]
pub struct Settings {
    /// Rules that do not hold, by their names below.
    pub allow: Vec<Rule>,
    /// Domains of this side, beside that of the addressee, which always counts; `*.home.example` is every subdomain.
    pub hosted: Vec<String>,
    /// Domains of this side where only users are, no rooms and no services: nobody outside asks an archive there.
    pub user_domains: Vec<String>,
    /// Domains of this side whose commands are for everybody, such as gateways.
    pub commands_at: Vec<String>,
    /// The only domains elsewhere that have rooms; without any, every domain may have some.
    pub room_domains: Vec<String>,
    /// What becomes of a stanza whose sender looks like somebody else.
    pub lookalikes: Lookalikes,
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
    /// It is returned with an error.
    Bounce,
}
