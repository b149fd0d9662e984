#![doc = include_str!("../README.md")]

mod defaults;
mod except;
mod limit;
mod open;
mod rate;
mod select;
mod settings;

use refrain_sdk::{About, Filter, Head, Problem, Problems, Setup, Stanza, Verdict, export};

use except::Except;
use limit::{Admission, Limited, Looks};
use open::Requests;
pub use rate::Rate;
pub use settings::{Action, Limit, Outstanding, Per, Settings, Told, Way};

/// The proxy keeps as many limiters for a filter.
const LIMITS_MAX: usize = 16;

/// The filter.
#[derive(Debug)]
pub struct RateLimit {
    limits: Vec<Limited>,
    except: Except,
    looks: Looks,
    requests: Option<Requests>,
}

impl Filter for RateLimit {
    type Settings = Settings;

    fn about() -> About {
        // Half of it is wall time, of which a busy machine may take all before the filter gets to run.
        About::new().deadline_ms(25).requests(open::GRANT).self_test(include_str!("../cases/self-test.toml"))
    }

    fn configure(settings: Settings, setup: &mut Setup) -> Result<Self, Problems> {
        let mut problems = Problems::new();
        let mut filter =
            RateLimit { limits: Vec::new(), except: Except::default(), looks: Looks::new(setup)?, requests: None };
        for (place, entry) in settings.except.iter().enumerate() {
            problems.take(filter.except.add(entry).map_err(|problem| problem.at(format!("except[{place}]"))));
        }
        if let Some(outstanding) = &settings.outstanding {
            filter.requests = problems.take(Requests::new(outstanding, setup));
        }
        let merged = merge(settings, &mut problems);
        if merged.len() > LIMITS_MAX {
            let message =
                format!("{} limits are on, of at most {LIMITS_MAX}; switch some off by `off = true`", merged.len());
            problems.add(Problem::new("limits", message));
            return problems.or(filter);
        }
        if merged.is_empty() && filter.requests.is_none() {
            setup.no_interest()?;
        }
        for (path, limit) in merged {
            filter.limits.extend(Limited::new(limit, &path, setup, &mut problems));
        }
        problems.or(filter)
    }

    fn on_stanza(&self, head: &Head, stanza: &Stanza<'_>) -> Verdict {
        // An answer counts whoever gives it.
        if let Some(requests) = &self.requests {
            requests.note_answer(head, stanza);
        }
        if self.except.names(head.sender()) {
            return Verdict::Pass;
        }
        let mut wait = 0;
        for limit in &self.limits {
            match limit.count(head, stanza, &self.looks) {
                Admission::Granted => {}
                Admission::Late(milliseconds) => {
                    limit.tell(stanza);
                    wait = wait.max(milliseconds);
                }
                Admission::Refused => return limit.refuse(head, stanza, &self.looks),
                Admission::Never => return limit.refuse_for_good(head, stanza, &self.looks),
            }
        }
        match &self.requests {
            Some(requests) if !requests.admits(head, stanza) => requests.refuse(stanza),
            _ if wait > 0 => Verdict::delay(wait),
            _ => Verdict::Pass,
        }
    }
}

/// The limits that are on, each with the path that its mistakes are blamed on: the filter's own, as the operator changed them, then the
/// operator's.
fn merge(settings: Settings, problems: &mut Problems) -> Vec<(String, Limit)> {
    let own = if settings.defaults { defaults::limits() } else { Vec::new() };
    let mut merged: Vec<_> = own.into_iter().map(|limit| (String::new(), limit)).collect();
    for (place, limit) in settings.limits.into_iter().enumerate() {
        let path = format!("limits[{place}]");
        match merged.iter_mut().find(|(_, known)| known.name == limit.name) {
            Some((first, _)) if !first.is_empty() => {
                let message = format!("{:?} is the name of {first} already", limit.name);
                problems.add(Problem::new(format!("{path}.name"), message));
            }
            Some(known) => *known = (path, limit.over(&known.1)),
            None if limit.stanzas.is_none() => problems.add(unknown(&limit.name, &path, &merged)),
            None => merged.push((path, limit)),
        }
    }
    merged.retain(|(_, limit)| !limit.off);
    merged
}

/// A change of a limit that there is not: most likely its name is misspelt.
fn unknown(name: &str, path: &str, merged: &[(String, Limit)]) -> Problem {
    let own: Vec<_> = merged.iter().map(|(_, limit)| limit.name.as_str()).collect();
    let message = match own.as_slice() {
        [] => format!("{name:?} has nothing to count; write `stanzas`"),
        own => {
            format!("{name:?} is none of the filter's own limits ({}); a further one needs `stanzas`", own.join(", "))
        }
    };
    Problem::new(format!("{path}.name"), message)
}

export!(RateLimit);
