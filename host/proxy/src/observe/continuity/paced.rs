//! Which changes get a line in the log, so that who changes at will does not drown the change that matters.

use std::collections::HashMap;

use super::groups::site;

/// A domain gets one line in this time. Servers renew their keys every few weeks.
const PAUSE_SECONDS: u64 = 60 * 60;
/// Lines in that time for all domains of one site, for names below one's own cost nothing.
const LINES_PER_SITE: usize = 16;
/// Sites that are kept in mind; with more there are no more lines, and the counter tells.
const SITES_MAX: usize = 1_000;

/// Who got a line of one kind lately, by site.
#[derive(Debug, Default)]
pub struct Paced {
    told: HashMap<Box<str>, Vec<(Box<str>, u64)>>,
    swept: u64,
}

impl Paced {
    /// Says whether this domain gets a line now, and counts it as given.
    pub fn may_tell(&mut self, domain: &str, now: u64) -> bool {
        self.sweep(now);
        let site = site(domain);
        if self.told.len() >= SITES_MAX && !self.told.contains_key(site) {
            return false;
        }
        let told = self.told.entry(site.into()).or_default();
        told.retain(|(_, at)| is_recent(*at, now));
        let may = told.len() < LINES_PER_SITE && told.iter().all(|(other, _)| **other != *domain);
        if may {
            told.push((domain.into(), now));
        }
        may
    }

    fn sweep(&mut self, now: u64) {
        if is_recent(self.swept, now) {
            return;
        }
        self.swept = now;
        self.told.retain(|_, told| told.iter().any(|(_, at)| is_recent(*at, now)));
    }
}

/// A clock that was set back must not silence the log.
fn is_recent(at: u64, now: u64) -> bool {
    now.abs_diff(at) < PAUSE_SECONDS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_domain_gets_one_line_an_hour() {
        let mut paced = Paced::default();
        let told = |paced: &mut Paced, from: u64| {
            (from..from + 3600).filter(|now| paced.may_tell("evil.example", *now)).count()
        };
        assert_eq!([told(&mut paced, 10_000), told(&mut paced, 13_600)], [1, 1]);
    }

    #[test]
    fn names_below_one_name_share_their_lines_and_others_have_their_own() {
        let mut paced = Paced::default();
        let told = (0..10_000).filter(|n| paced.may_tell(&format!("d{n}.evil.example"), 10_000)).count();
        assert_eq!(told, LINES_PER_SITE);
        assert!(paced.may_tell("away.example", 10_000));
    }

    #[test]
    fn what_is_kept_in_mind_is_bounded_and_passes() {
        let mut paced = Paced::default();
        let told = (0..2 * SITES_MAX).filter(|n| paced.may_tell(&format!("evil{n}.example"), 10_000)).count();
        assert_eq!((told, paced.told.len()), (SITES_MAX, SITES_MAX));
        assert!(paced.may_tell("away.example", 13_600));
        assert_eq!(paced.told.len(), 1);
    }
}
