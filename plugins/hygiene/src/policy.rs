//! Which rules hold, and what is known of domains.

use refrain_sdk::{Address, Head, Problem, Problems};

use crate::lookalike;
use crate::settings::{Lookalikes, Rule, Settings};

/// The settings, checked.
#[derive(Debug)]
pub(crate) struct Policy {
    settings: Settings,
}

impl Policy {
    pub(crate) fn new(mut settings: Settings) -> Result<Self, Problems> {
        let mut problems = Problems::new();
        let lists = [
            ("hosted", &mut settings.hosted),
            ("user-domains", &mut settings.user_domains),
            ("commands-at", &mut settings.commands_at),
            ("room-domains", &mut settings.room_domains),
        ];
        for (key, domains) in lists {
            for (place, domain) in domains.iter_mut().enumerate() {
                *domain = domain.to_lowercase();
                problems.take(check_domain(domain, &format!("{key}[{place}]")));
            }
        }
        problems.or(Policy { settings })
    }

    pub(crate) fn holds(&self, rule: Rule) -> bool {
        !self.settings.allow.contains(&rule)
    }

    /// Whether an address that somebody wrote is of this side, as its reader would prepare it.
    pub(crate) fn is_hosted(&self, head: &Head, claim: &str) -> bool {
        let prepared = lookalike::prepared(claim);
        let claim = Address::of(&prepared);
        claim.domain() == head.recipient().domain() || is_among(claim, &self.settings.hosted)
    }

    pub(crate) fn has_only_users(&self, address: Address<'_>) -> bool {
        is_among(address, &self.settings.user_domains)
    }

    pub(crate) fn has_open_commands(&self, address: Address<'_>) -> bool {
        is_among(address, &self.settings.commands_at)
    }

    pub(crate) fn may_have_rooms(&self, address: Address<'_>) -> bool {
        self.settings.room_domains.is_empty() || is_among(address, &self.settings.room_domains)
    }

    pub(crate) fn bounces_lookalikes(&self) -> bool {
        self.settings.lookalikes == Lookalikes::Bounce && self.holds(Rule::Lookalikes)
    }

    /// Whom the sender looks like, in the words of a reason.
    pub(crate) fn lookalike(&self, head: &Head) -> Option<String> {
        if !self.holds(Rule::Lookalikes) {
            return None;
        }
        let (sender, own) = (head.sender(), head.recipient().domain());
        let named = self.settings.hosted.iter().map(|domain| domain.strip_prefix("*.").unwrap_or(domain));
        let looks_like = [own].into_iter().chain(named).find(|hosted| lookalike::is_of(sender.domain(), hosted));
        if let Some(hosted) = looks_like {
            return Some(format!("lookalikes: a domain that looks like {hosted}"));
        }
        let is_mixed = sender.domain().split('.').chain(sender.local()).any(lookalike::is_mixed);
        is_mixed.then(|| "lookalikes: letters of several scripts in one name".to_owned())
    }
}

fn is_among(address: Address<'_>, domains: &[String]) -> bool {
    domains.iter().any(|domain| address.is_at(domain))
}

fn check_domain(domain: &str, path: &str) -> Result<(), Problem> {
    let is_label = |label: &str| !label.is_empty() && !label.contains(|c: char| c.is_whitespace() || "@*/".contains(c));
    if domain.strip_prefix("*.").unwrap_or(domain).split('.').all(is_label) {
        return Ok(());
    }
    Err(Problem::new(path, format!("{domain:?} is not a domain; write \"home.example\" or \"*.home.example\"")))
}
