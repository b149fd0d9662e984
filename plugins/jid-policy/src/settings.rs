//! The settings as the operator writes them.

use refrain_sdk::{Direction, Problem, settings};

/// Who may write to whom.
#[settings]
#[derive(Debug, Default)]
#[serde(default)]
pub struct Settings {
    /// What happens to a stanza that no rule names.
    pub default: Otherwise,
    /// The stanzas to refuse; the first rule that matches decides how.
    pub deny: Vec<Deny>,
    /// The exceptions: an `allow` rule that matches wins over every `deny` rule.
    pub allow: Vec<Allow>,
}

/// What happens to a stanza that no rule names.
#[settings]
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub enum Otherwise {
    /// It passes.
    #[default]
    Allow,
    /// It is refused.
    Deny,
}

/// A rule that refuses. Exactly one of `jid` and `domain` is given.
#[settings]
#[derive(Debug)]
pub struct Deny {
    /// An address: bare (any resource of it) or full.
    pub jid: Option<String>,
    /// A domain, or with a leading `*.` its subdomains.
    pub domain: Option<String>,
    /// Whose address it is.
    #[serde(default, rename = "match")]
    pub side: Side,
    /// Which way the stanza goes.
    #[serde(default)]
    pub direction: Way,
    /// What becomes of it.
    #[serde(default)]
    pub action: Action,
    /// What the operator calls the rule; absent, its pattern.
    pub name: Option<String>,
}

/// A rule that lets pass. Exactly one of `jid` and `domain` is given.
#[settings]
#[derive(Debug)]
pub struct Allow {
    /// An address: bare (any resource of it) or full.
    pub jid: Option<String>,
    /// A domain, or with a leading `*.` its subdomains.
    pub domain: Option<String>,
    /// Whose address it is.
    #[serde(default, rename = "match")]
    pub side: Side,
    /// Which way the stanza goes.
    #[serde(default)]
    pub direction: Way,
}

/// Whose address a rule is about.
#[settings]
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The sender's.
    Sender,
    /// The addressee's.
    Recipient,
    /// That of either.
    #[default]
    Either,
}

/// Which way a rule applies.
#[settings]
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// From the federated world.
    Inbound,
    /// Into the federated world.
    Outbound,
    /// Both ways.
    #[default]
    Both,
}

impl Way {
    /// Whether a rule for this way applies to a stanza of `direction`.
    pub fn covers(self, direction: Direction) -> bool {
        match self {
            Way::Inbound => direction == Direction::Inbound,
            Way::Outbound => direction == Direction::Outbound,
            Way::Both => true,
        }
    }
}

/// What becomes of a refused stanza.
#[settings]
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// It is returned with an error.
    #[default]
    Bounce,
    /// It disappears.
    Drop,
}

/// What an address is compared with.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Pattern {
    /// A full or a bare JID, as prepared.
    Jid(String),
    /// A domain, or `*.` and one, as prepared.
    Domain(String),
}

impl Pattern {
    /// Reads the pattern of a rule at `path`.
    pub fn read(jid: Option<&str>, domain: Option<&str>, path: &str) -> Result<Self, Problem> {
        match (jid, domain) {
            (Some(jid), None) => Self::read_jid(jid).map_err(|problem| problem.at(format!("{path}.jid"))),
            (None, Some(domain)) => Self::read_domain(domain).map_err(|problem| problem.at(format!("{path}.domain"))),
            (Some(_), Some(_)) => Err(Problem::new(path, "has both `jid` and `domain`; write two rules")),
            (None, None) => Err(Problem::new(path, "names nobody; write `jid` or `domain`")),
        }
    }

    /// The host shows prepared addresses (RFC 7622): local part and domain in lower case, the resource as it is.
    fn read_jid(text: &str) -> Result<Self, Problem> {
        let (bare, resource) = match text.split_once('/') {
            Some((bare, resource)) => (bare, Some(resource)),
            None => (text, None),
        };
        let (local, domain) = bare.split_once('@').unwrap_or(("", bare));
        check_domain(domain, text)?;
        // RFC 7622 §3.3.1
        if local.contains(|c: char| c.is_whitespace() || "\"&':<>".contains(c)) || bare.starts_with('@') {
            return Err(not_an_address(text));
        }
        if local.is_empty() && resource.is_none() {
            return Err(Problem::new("", format!("{text:?} is a domain; write `domain = {text:?}`")));
        }
        let bare = bare.to_lowercase();
        Ok(Pattern::Jid(resource.map_or(bare.clone(), |resource| format!("{bare}/{resource}"))))
    }

    fn read_domain(text: &str) -> Result<Self, Problem> {
        check_domain(text.strip_prefix("*.").unwrap_or(text), text)?;
        Ok(Pattern::Domain(text.to_lowercase()))
    }

    /// The pattern as one reads it in a reason.
    pub fn as_str(&self) -> &str {
        match self {
            Pattern::Jid(text) | Pattern::Domain(text) => text,
        }
    }

    /// The domain of the addresses it can match, in the form an interest rule takes.
    pub fn domain(&self) -> &str {
        match self {
            Pattern::Domain(domain) => domain,
            Pattern::Jid(jid) => {
                let bare = jid.split_once('/').map_or(jid.as_str(), |(bare, _)| bare);
                bare.split_once('@').map_or(bare, |(_, domain)| domain)
            }
        }
    }
}

fn check_domain(domain: &str, whole: &str) -> Result<(), Problem> {
    let says = |advice: &str| Err(Problem::new("", format!("{whole:?} {advice}")));
    let is_label =
        |label: &str| !label.is_empty() && !label.contains(|c: char| c.is_whitespace() || "@*/<>\"'&".contains(c));
    if domain.contains('*') {
        return says("has a `*` where none may stand; only `*.` before a domain stands for its subdomains");
    }
    if !domain.split('.').all(is_label) {
        return Err(not_an_address(whole));
    }
    if domain.split('.').any(|label| label.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("xn--"))) {
        return says("is in the ASCII form; write the domain as it is read, such as \"bücher.example\"");
    }
    Ok(())
}

fn not_an_address(text: &str) -> Problem {
    let advice = "is no address; write \"user@example.org\", \"example.org\" or \"*.example.org\"";
    Problem::new("", format!("{text:?} {advice}"))
}
