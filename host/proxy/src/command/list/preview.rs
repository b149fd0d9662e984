//! `refrain list NAME --preview CORPUS`: what a list would have covered of what was recorded.
//!
//! Asked of the running Refrain, which has the entries; the corpus stays here, but for the addresses in it.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::BufReader;
use std::path::Path;
use std::process::ExitCode;

use hyper::Method;
use refrain_filter::Direction;

use crate::command::BAD_USAGE;
use crate::command::ask::{Failed, Target};
use crate::control::corpus;
use crate::control::lists::{Covered, Question};

/// Of one request; the admin door takes 64 KiB.
const BATCH_BYTES_MAX: usize = 32 * 1024;
/// A person reads the first ones and goes to --json for the rest.
const SHOWN_MAX: usize = 20;

pub(super) fn run(target: &Target, list: &str, file: &Path) -> ExitCode {
    let addresses = match addresses(file) {
        Ok(addresses) => addresses,
        Err(problem) => {
            eprintln!("{}: {problem}", file.display());
            return ExitCode::from(BAD_USAGE);
        }
    };
    match covered(target, list, &addresses) {
        Ok(covered) => {
            let hits = Hits::count(&addresses, covered);
            crate::command::print(&if target.json { hits.json().to_string() } else { hits.text(list) });
            ExitCode::SUCCESS
        }
        Err(failed) => target.complain(&failed),
    }
}

/// The remote address of each stanza, and how many stanzas were its.
fn addresses(file: &Path) -> Result<BTreeMap<String, u64>, String> {
    let opened = File::open(file).map_err(|error| error.to_string())?;
    let mut addresses = BTreeMap::new();
    for entry in corpus::read(BufReader::new(opened)) {
        let (entry, stanza) = entry.map_err(|error| error.to_string())?;
        let remote = match entry.direction {
            Direction::Inbound => stanza.from(),
            Direction::Outbound => stanza.to(),
        };
        *addresses.entry(remote.as_str().to_owned()).or_default() += 1;
    }
    Ok(addresses)
}

/// Asks in as many requests as it takes.
fn covered(target: &Target, list: &str, addresses: &BTreeMap<String, u64>) -> Result<Vec<Covered>, Failed> {
    let (mut all, mut batch, mut bytes) = (Vec::new(), Vec::new(), 0);
    for address in addresses.keys() {
        bytes += address.len();
        batch.push(address.clone());
        if bytes >= BATCH_BYTES_MAX {
            all.extend(ask(target, list, std::mem::take(&mut batch))?);
            bytes = 0;
        }
    }
    all.extend(ask(target, list, batch)?);
    Ok(all)
}

fn ask(target: &Target, list: &str, values: Vec<String>) -> Result<Vec<Covered>, Failed> {
    let question = Question { list: list.to_owned(), values, whose: false };
    let body = serde_json::to_string(&question).unwrap_or_default();
    let answer = target.ask(Method::POST, "/lists/lookup", body)?;
    serde_json::from_slice(&answer).map_err(|error| Failed::Unasked(format!("the answer is not understood: {error}")))
}

/// What the list would have covered.
struct Hits {
    stanzas_seen: u64,
    stanzas: u64,
    /// Address, stanzas, note; the most frequent first.
    addresses: Vec<(String, u64, String)>,
}

impl Hits {
    fn count(addresses: &BTreeMap<String, u64>, covered: Vec<Covered>) -> Self {
        let hit = |covered: Covered| {
            let count = addresses.get(&covered.value).copied().unwrap_or(0);
            covered.note.map(|note| (covered.value, count, note))
        };
        let mut hits: Vec<_> = covered.into_iter().filter_map(hit).collect();
        hits.sort_by(|one, other| other.1.cmp(&one.1).then_with(|| one.0.cmp(&other.0)));
        Hits {
            stanzas_seen: addresses.values().sum(),
            stanzas: hits.iter().map(|(_, count, _)| count).sum(),
            addresses: hits,
        }
    }

    fn json(&self) -> serde_json::Value {
        let hits = self.addresses.iter().map(
            |(address, stanzas, note)| serde_json::json!({ "address": address, "stanzas": stanzas, "note": note }),
        );
        serde_json::json!({
            "stanzas-seen": self.stanzas_seen,
            "stanzas": self.stanzas,
            "addresses": hits.collect::<Vec<_>>(),
        })
    }

    fn text(&self, list: &str) -> String {
        let Hits { stanzas_seen, stanzas, addresses } = self;
        let mut lines = vec![format!(
            "{list} would have covered {stanzas} of {stanzas_seen} stanzas, of {} addresses",
            addresses.len()
        )];
        for (address, count, note) in addresses.iter().take(SHOWN_MAX) {
            lines.push(format!("  {count:>7}  {address}{}", super::noted(note)));
        }
        if addresses.len() > SHOWN_MAX {
            lines.push(format!("  … and {} more; --json lists all", addresses.len() - SHOWN_MAX));
        }
        lines.join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hits_are_counted_by_stanzas_and_the_most_frequent_comes_first() {
        let addresses = BTreeMap::from([
            ("a@x.example".to_owned(), 1),
            ("b@y.example".to_owned(), 5),
            ("c@z.example".to_owned(), 7),
        ]);
        let covered = |value: &str, note: Option<&str>| Covered {
            value: value.to_owned(),
            note: note.map(str::to_owned),
            excepted: Vec::new(),
            entries: Vec::new(),
            quorum: 1,
            preview: true,
        };
        let said =
            vec![covered("a@x.example", Some("")), covered("b@y.example", Some("spam")), covered("c@z.example", None)];
        let text = Hits::count(&addresses, said).text("bad");
        let expected = "bad would have covered 6 of 13 stanzas, of 2 addresses\n        5  b@y.example: spam\n        1  a@x.example";
        assert_eq!(text, expected);
    }
}
