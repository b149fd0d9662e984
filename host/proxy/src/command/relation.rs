//! `refrain relation LOCAL REMOTE`: whether a remote address is known to a local one, as filters are told.

use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use clap::Args;
use hyper::Method;
use refrain_filter::Relation;
use serde_json::json;

use super::ask::Target;
use super::table::duration;
use crate::control::admin::Asked;

pub(super) const AFTER_HELP: &str = "\
Only hashes of pairs are kept, so one can ask about two addresses, and not who knows whom.

Exit codes: 0 answered, 1 Refrain could not be asked or said no.";

/// What it takes.
#[derive(Debug, Args)]
pub struct RelationOf {
    /// The address behind Refrain
    #[arg(value_name = "LOCAL")]
    local: String,
    /// The remote address
    #[arg(value_name = "REMOTE")]
    remote: String,
    /// Forget that they know each other; the next word of the local one makes them known again
    #[arg(long)]
    forget: bool,
    #[command(flatten)]
    target: Target,
}

impl RelationOf {
    /// Exit codes: 0 answered, 1 Refrain could not be asked or said no.
    pub fn run(&self) -> ExitCode {
        let wanted = json!({ "local": self.local, "remote": self.remote, "forget": self.forget }).to_string();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        self.target.show_answer(Method::POST, "/relation", wanted, |asked: Asked| text(&asked, self.forget, now))
    }
}

fn text(Asked { was, forgotten, still_known }: &Asked, forget: bool, now: u64) -> String {
    let (local, remote) = (&was.local, &was.remote);
    let mut text = match was.relation {
        Some(Relation::Stranger) => format!("{remote} is a stranger to {local}"),
        Some(Relation::Known) => {
            let ago = was.met.map(|met| format!(", last noted {} ago", duration(now.saturating_sub(met))));
            let by = if was.by_domain { " by its domain, to which it is subscribed" } else { "" };
            format!("{remote} is known to {local}{by}{}", ago.unwrap_or_default())
        }
        None => format!("nothing is said of {local} and {remote}: no user is concerned, or [relations] is off"),
    };
    if *forgotten {
        text += "; it is forgotten";
    }
    if forget && *still_known {
        let domain = remote.rsplit('@').next().unwrap_or(remote);
        let by = if was.by_domain { "" } else { ", but it is known by its domain, to which it is subscribed" };
        text += &format!("{by}; to forget it, forget the domain: refrain relation {local} {domain} --forget");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::relations::Acquaintance;

    fn asked(relation: Option<Relation>, met: Option<u64>, by_domain: bool) -> Asked {
        let (local, remote) = ("alice@home.example".to_owned(), "bob@far.example".to_owned());
        let still_known = relation == Some(Relation::Known);
        Asked { was: Acquaintance { local, remote, relation, met, by_domain }, forgotten: false, still_known }
    }

    #[test]
    fn an_answer_is_a_sentence() {
        let stranger = asked(Some(Relation::Stranger), None, false);
        assert_eq!(text(&stranger, false, 100), "bob@far.example is a stranger to alice@home.example");
        let known = Asked { forgotten: true, still_known: false, ..asked(Some(Relation::Known), Some(90), false) };
        let expected = "bob@far.example is known to alice@home.example, last noted 10 s ago; it is forgotten";
        assert_eq!(text(&known, true, 100), expected);
        let twice = Asked { still_known: true, ..known };
        let expected = "it is forgotten, but it is known by its domain, to which it is subscribed; to forget it, forget the domain: \
                        refrain relation alice@home.example far.example --forget";
        assert!(text(&twice, true, 100).ends_with(expected), "{}", text(&twice, true, 100));
        let covered = asked(Some(Relation::Known), Some(90), true);
        assert!(text(&covered, false, 100).ends_with("by its domain, to which it is subscribed, last noted 10 s ago"));
        assert!(text(&covered, true, 100).ends_with("refrain relation alice@home.example far.example --forget"));
        assert!(text(&asked(None, None, false), false, 100).starts_with("nothing is said"));
    }
}
