//! Which stanzas the rules can be about at all, so that no other enters the sandbox.

use std::collections::BTreeSet;

use refrain_sdk::{Direction, Interest, Problem, Setup};

use crate::index::Ends;
use crate::rules::Rule;
use crate::settings::Relation;
use crate::stanzas::Stanzas;

/// The host takes 65,536 domains in a rule of interest. Whoever names more sees every stanza.
const DOMAINS_MAX: usize = 65_536;

/// What must be seen, by direction.
#[derive(Debug, Default)]
pub(crate) struct Interests {
    inbound: Seen,
    outbound: Seen,
}

#[derive(Debug, Default)]
struct Seen {
    /// Stanzas from these domains.
    from: BTreeSet<String>,
    /// Stanzas to these.
    to: BTreeSet<String>,
    /// Stanzas of these kinds, whatever their domains: all, those between strangers, those between who know each other.
    wide: [Option<Stanzas>; 3],
}

impl Interests {
    /// Adds what a rule is about.
    pub(crate) fn add(&mut self, direction: Direction, rule: &Rule, ends: &Ends) {
        let from = ends.from.as_ref().and_then(|who| who.domains());
        let to = ends.to.as_ref().and_then(|who| who.domains());
        // Every stanza has a domain of ours at one end: that at the other tells more.
        match direction {
            Direction::Inbound => self.inbound.add(rule, from, to, true),
            Direction::Outbound => self.outbound.add(rule, from, to, false),
        }
    }

    /// Adds what strangers send.
    pub(crate) fn add_strangers(&mut self, stanzas: Stanzas) {
        self.inbound.add_wide(Some(Relation::Stranger), stanzas);
    }

    /// Tells the host.
    pub(crate) fn declare(self, setup: &mut Setup) -> Result<(), Problem> {
        let mut rules = self.inbound.rules(Direction::Inbound);
        rules.extend(self.outbound.rules(Direction::Outbound));
        if rules.is_empty() {
            return setup.no_interest();
        }
        rules.into_iter().try_for_each(|rule| setup.interest(rule).map(|_| ()))
    }
}

impl Seen {
    fn add(&mut self, rule: &Rule, from: Option<Vec<String>>, to: Option<Vec<String>>, prefers_from: bool) {
        let (set, domains) = match (from, to) {
            (Some(from), to) if prefers_from || to.is_none() => (&mut self.from, from),
            (_, Some(to)) => (&mut self.to, to),
            _ => return self.add_wide(rule.relation, rule.stanzas),
        };
        if set.len() + domains.len() > DOMAINS_MAX {
            return self.add_wide(rule.relation, rule.stanzas);
        }
        set.extend(domains);
    }

    fn add_wide(&mut self, relation: Option<Relation>, stanzas: Stanzas) {
        let [any, strangers, known] = &mut self.wide;
        let seen = match relation {
            None => any,
            Some(Relation::Stranger) => strangers,
            Some(Relation::Known) => known,
        };
        *seen = Some(seen.map_or(stanzas, |seen| seen.or(stanzas)));
    }

    fn rules(self, direction: Direction) -> Vec<Interest> {
        let any = Interest::any().direction(direction);
        let [all, strangers, known] = self.wide;
        let wide = [(all, any.clone()), (strangers, any.clone().stranger()), (known, any.clone().known())];
        let mut rules: Vec<_> = wide
            .into_iter()
            .flat_map(|(stanzas, base)| stanzas.into_iter().flat_map(move |of| of.interests(&base)))
            .collect();
        if !self.from.is_empty() {
            rules.push(self.from.into_iter().fold(any.clone(), Interest::from_domain));
        }
        if !self.to.is_empty() {
            rules.push(self.to.into_iter().fold(any, Interest::to_domain));
        }
        rules
    }
}
