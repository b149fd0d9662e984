//! `refrain peers`: the remote domains that were here, and what each proved itself with.

use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use clap::Args;
use hyper::Method;

use super::ask::Target;
use super::table::{Table, duration};
use crate::observe::continuity::{KeyDigest, KnownPeer};

pub(super) const AFTER_HELP: &str = "\
A key is shown by the first 16 digits of the SHA-256 of its SubjectPublicKeyInfo; --json has all of it, and the key before the last \
change.

Exit codes: 0 shown, 1 Refrain could not be asked.";

/// What it takes.
#[derive(Debug, Args)]
pub struct Peers {
    #[command(flatten)]
    target: Target,
}

impl Peers {
    /// Exit codes: 0 shown, 1 Refrain could not be asked.
    pub fn run(&self) -> ExitCode {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        self.target.show(Method::GET, "/peers", |peers: Vec<KnownPeer>| text(&peers, now))
    }
}

fn text(peers: &[KnownPeer], now: u64) -> String {
    if peers.is_empty() {
        return "no remote domain has proven itself yet".to_owned();
    }
    let ago = |then: u64| format!("{} ago", duration(now.saturating_sub(then)));
    let mut table =
        Table::new(&["domain", "as client", "as server", "key", "first seen", "last seen", "changes", "last change"]);
    for KnownPeer { domain, sighting } in peers {
        table.row([
            domain.clone(),
            or_none(sighting.as_client.as_deref()),
            or_none(sighting.as_server.as_deref()),
            or_none(sighting.key.map(short).as_deref()),
            ago(sighting.first_seen),
            ago(sighting.last_seen),
            sighting.changes.to_string(),
            or_none(sighting.changed.map(ago).as_deref()),
        ]);
    }
    table.to_string().trim_end().to_owned()
}

fn or_none(text: Option<&str>) -> String {
    text.unwrap_or("-").to_owned()
}

fn short(key: KeyDigest) -> String {
    let mut text = key.to_string();
    text.truncate(16);
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::continuity::Sighting;

    #[test]
    fn a_peer_is_a_line() {
        let sighting = Sighting {
            key: Some(KeyDigest([0xab; 32])),
            as_client: Some("external".to_owned()),
            as_server: None,
            first_seen: 0,
            last_seen: 90,
            changes: 1,
            previous_key: Some(KeyDigest([1; 32])),
            changed: Some(60),
        };
        let shown = text(&[KnownPeer { domain: "away.example".to_owned(), sighting }], 100);
        let line = shown.lines().nth(1).unwrap().split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(line, "away.example external - abababababababab 1 min 40 s ago 10 s ago 1 40 s ago");
    }
}
