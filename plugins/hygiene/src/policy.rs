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
        // In the name of one's own domain everybody speaks.
        claim.domain() != head.sender().domain()
            && (is_related(claim.domain(), head.recipient().domain()) || is_among(claim, &self.settings.hosted))
    }

    pub(crate) fn has_only_users(&self, address: Address<'_>) -> bool {
        is_among(address, &self.settings.user_domains)
    }

    pub(crate) fn has_open_commands(&self, address: Address<'_>) -> bool {
        is_among(address, &self.settings.commands_at)
    }

    pub(crate) fn user_domains(&self) -> &[String] {
        &self.settings.user_domains
    }

    pub(crate) fn knows_rooms(&self) -> bool {
        self.holds(Rule::Rooms) && !self.settings.room_domains.is_empty()
    }

    pub(crate) fn may_have_rooms(&self, address: Address<'_>) -> bool {
        self.settings.room_domains.is_empty() || is_among(address, &self.settings.room_domains)
    }

    pub(crate) fn bounces_lookalikes(&self) -> bool {
        self.settings.lookalikes == Lookalikes::Bounce && self.holds(Rule::Lookalikes)
    }

    /// Whom the sender looks like.
    pub(crate) fn lookalike(&self, head: &Head) -> Option<Lookalike> {
        if !self.holds(Rule::Lookalikes) {
            return None;
        }
        let sender = head.sender();
        let shown = lookalike::unescaped(sender.local().unwrap_or_default());
        let told = |reason: &str| Some(Lookalike { reason: format!("lookalikes: {reason}"), is_refused: true });
        if let Some(hosted) = self.own(head).find(|hosted| lookalike::is_of(sender.domain(), hosted)) {
            return told(&format!("a domain that looks like {hosted}"));
        }
        if let Some(hosted) = self.own(head).find(|hosted| lookalike::shows(&shown, hosted)) {
            return told(&format!("a name that shows an address of {hosted}"));
        }
        if lookalike::is_mixed(sender.domain()) {
            return told("letters of several scripts in one word");
        }
        if shown.trim() != shown {
            return told("a name that begins or ends with a blank");
        }
        // Honest rooms have such names, too.
        let flagged =
            || Lookalike { is_refused: false, reason: "lookalikes: letters of several scripts in one word".into() };
        lookalike::is_mixed(&shown).then(flagged)
    }

    /// The domains that nobody shall look like.
    fn own<'a>(&'a self, head: &'a Head) -> impl Iterator<Item = &'a str> {
        let named = self.settings.hosted.iter().map(|domain| domain.strip_prefix("*.").unwrap_or(domain));
        [head.recipient().domain()].into_iter().chain(named)
    }
}

/// A sender that looks like somebody else.
#[derive(Debug)]
pub(crate) struct Lookalike {
    pub(crate) reason: String,
    /// Whether it is refused where the operator refuses such senders.
    pub(crate) is_refused: bool,
}

/// Whether a domain is `own`, one of its subdomains, or a parent of it: of one operator, most likely.
fn is_related(domain: &str, own: &str) -> bool {
    lookalike::is_within(domain, own) || domain.contains('.') && lookalike::is_within(own, domain)
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
