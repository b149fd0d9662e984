//! What is denied to whom: the lists of the settings, then the exceptions by direction and domain.

use refrain_sdk::{Direction, Head, Problem, Problems};

use crate::mechanism::{Mechanism, Set};
use crate::settings::{Exception, Settings};

/// What is denied, for every direction and pair of domains.
#[derive(Debug)]
pub(crate) struct Policy {
    denied: Set,
    exceptions: Vec<Exception>,
}

/// What is denied between the two domains of one stanza.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Denied {
    /// To what goes the way of the stanza.
    pub(crate) along: Set,
    /// To what goes the other way.
    pub(crate) against: Set,
}

impl Policy {
    pub(crate) fn new(settings: Settings) -> Result<Self, Problems> {
        let mut problems = Problems::new();
        for (index, rule) in settings.rules.iter().enumerate() {
            check_domains(&rule.inside, &format!("rules[{index}].inside"), &mut problems);
            check_domains(&rule.outside, &format!("rules[{index}].outside"), &mut problems);
        }
        let by_default = Set::of(Mechanism::Everything).without(Set::allowed_by_default());
        let denied = apply(by_default, &settings.allow, &settings.deny);
        problems.or(Policy { denied, exceptions: settings.rules })
    }

    /// What is denied to anybody.
    pub(crate) fn ever(&self) -> Set {
        self.exceptions.iter().fold(self.denied, |ever, rule| ever.with(apply(ever, &rule.allow, &rule.deny)))
    }

    pub(crate) fn denied(&self, head: &Head) -> Denied {
        let back = match head.direction {
            Direction::Inbound => Direction::Outbound,
            Direction::Outbound => Direction::Inbound,
        };
        Denied { along: self.denied_to(head.direction, head), against: self.denied_to(back, head) }
    }

    fn denied_to(&self, way: Direction, head: &Head) -> Set {
        let fitting = self.exceptions.iter().filter(|rule| rule.fits(way, head));
        fitting.fold(self.denied, |denied, rule| apply(denied, &rule.allow, &rule.deny))
    }
}

/// A domain as it stands in an address, or `*.` and one.
fn check_domains(domains: &[String], path: &str, problems: &mut Problems) {
    for (index, domain) in domains.iter().enumerate() {
        let name = domain.strip_prefix("*.").unwrap_or(domain);
        let is_foreign = |char: char| char.is_whitespace() || char.is_uppercase() || "@/*".contains(char);
        if name.is_empty() || name.starts_with('.') || name.contains(is_foreign) {
            let message = format!("{domain:?} is not a domain in lower case, nor `*.` followed by one");
            problems.add(Problem::new(format!("{path}[{index}]"), message));
        }
    }
}

/// The narrower name wins: `everything` is the widest, then come the groups, then the mechanisms. Of equals, `deny` wins.
fn apply(denied: Set, allow: &[Mechanism], deny: &[Mechanism]) -> Set {
    (0..=2).fold(denied, |denied, rank| {
        let all = |names: &[Mechanism]| {
            let of_rank = names.iter().filter(|name| narrowness(**name) == rank);
            of_rank.fold(Set::NONE, |set, name| set.with(Set::of(*name)))
        };
        denied.without(all(allow)).with(all(deny))
    })
}

fn narrowness(name: Mechanism) -> u32 {
    match name {
        Mechanism::Everything => 0,
        Mechanism::Files | Mechanism::VoiceVideo | Mechanism::Links => 1,
        _ => 2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Mechanism::*;

    #[test]
    fn the_narrower_name_wins_then_deny() {
        let denied = apply(Set::NONE, &[Oob, Avatars], &[Everything, Avatars]);
        assert!(!denied.has(Oob) && denied.has(Ibb) && denied.has(Avatars));
        let denied = apply(Set::of(Everything), &[Files], &[Jingle]);
        assert!(!denied.has(Oob) && denied.has(Jingle) && denied.has(Calls));
    }

    #[test]
    fn what_an_exception_denies_is_looked_for() {
        let rules = vec![Exception { deny: vec![Calls], ..Exception::default() }];
        let policy = Policy::new(Settings { allow: vec![Everything], rules, ..Settings::default() });
        let policy = policy.expect("no problem");
        assert_eq!(policy.ever(), Set::of(Calls));
    }
}
