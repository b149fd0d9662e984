//! The settings as the operator writes them.

mod field;
mod rules;
mod signature;

use std::collections::BTreeMap;

use refrain_sdk::settings;

pub use field::Field;
pub use rules::{Honeypots, Rule, RuleName};
pub use signature::{Action, Signature, Within};

/// What unwanted messages look like, and what becomes of them.
#[settings]
#[derive(Debug)]
#[serde(default)]
pub struct Settings {
    /// What is looked for. More of them can stand in files, which `settings-files` names.
    pub signatures: Vec<Signature>,
    /// At which sum of scores what happens.
    pub thresholds: Thresholds,
    /// How much the signatures of one `group` can add together, by its name.
    pub groups: BTreeMap<String, f64>,
    /// Whether the rules that the filter has of its own apply, about how something comes from strangers.
    pub defaults: bool,
    /// Changes to those rules, by their names.
    pub rules: Vec<Rule>,
    /// Addresses that are there to be found by spammers, and by nobody else.
    pub honeypots: Honeypots,
    /// Who is never looked at: `user@example.org`, `example.org`, `*.example.org` for its subdomains.
    pub except: Vec<String>,
    /// Lists of the operator's with more of them. If you write `grants` yourself, they need `list:NAME`.
    pub except_lists: Vec<String>,
    /// Addresses where abuse is reported, to which everything may be written: `abuse@example.org`, `example.org` for the server itself.
    pub except_to: Vec<String>,
    /// What the sum is multiplied by if the sender is known to the recipient; 0 lets known senders through unread.
    pub known_factor: f64,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            signatures: Vec::new(),
            thresholds: Thresholds::default(),
            groups: BTreeMap::new(),
            defaults: true,
            rules: Vec::new(),
            honeypots: Honeypots::default(),
            except: Vec::new(),
            except_lists: Vec::new(),
            except_to: Vec::new(),
            known_factor: 1.0,
        }
    }
}

/// At which sum of scores what happens.
#[settings]
#[derive(Debug, Clone, Copy, PartialEq)]
#[serde(default)]
pub struct Thresholds {
    /// From this sum on the stanza passes, and the operator is told why it was suspect.
    pub tag: f64,
    /// From this sum on it is returned with `policy-violation`.
    pub bounce: f64,
    /// From this sum on it disappears.
    pub drop: f64,
}

impl Default for Thresholds {
    fn default() -> Self {
        Thresholds { tag: 4.0, bounce: 6.0, drop: 15.0 }
    }
}
