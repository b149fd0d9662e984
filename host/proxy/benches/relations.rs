//! What it costs to know who knows whom, per stanza and in memory and on disk: `cargo bench -p refrain --bench relations`.

#![allow(clippy::unwrap_used, reason = "in a bench, what cannot be unwrapped is the failure")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use refrain::config::Relations as Terms;
use refrain::relations::Relations;
use refrain::state::{Numbers, Store};
use refrain_filter::{Decision, Direction, Outcome};
use refrain_proto::Stanza;

const NOW_MS: u64 = 1_767_268_800_000;
/// As many as are kept by default.
const PAIRS: usize = 400_000;
/// Stanzas in turn, so that the table is not in the processor's cache.
const STANZAS: usize = 20_000;

fn message(local: usize, remote: usize, direction: Direction) -> Stanza {
    // Of eight domains, since one may fill a part of the table only.
    let (local, remote) = (format!("user{local}@home{}.example", local % 8), format!("contact{remote}@far.example"));
    let (from, to) = match direction {
        Direction::Inbound => (remote, local),
        Direction::Outbound => (local, remote),
    };
    Stanza::parse(&format!("<message from='{from}/x' to='{to}' type='chat'><body>hello</body></message>")).unwrap()
}

fn forwarded() -> Decision {
    let (filter, reason, fault, delay) = (None, None, None, Duration::ZERO);
    Decision { outcome: Outcome::Forward, filter, reason, fault, edited: false, delay }
}

fn cross(relations: &Relations, stanza: &Stanza, direction: Direction, terms: &Terms) {
    let standing = relations.standing(stanza, direction, terms, NOW_MS);
    relations.note(black_box(standing), &forwarded(), stanza, direction, terms);
}

/// Nanoseconds a stanza that was just read, as the pipeline has it; the table is as far away as it will.
fn measure(name: &str, stanzas: &[Stanza], mut one: impl FnMut(&Stanza)) {
    let mut times: Vec<u64> = Vec::with_capacity(stanzas.len());
    for stanza in stanzas {
        black_box(stanza.to_xml());
        let begin = Instant::now();
        one(stanza);
        times.push(begin.elapsed().as_nanos() as u64);
    }
    times.sort_unstable();
    println!("{name:<44} {:>8} ns, fastest tenth {:>6} ns", times[STANZAS / 2], times[STANZAS / 10]);
}

fn resident_bytes() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    statm.split(' ').nth(1).and_then(|pages| pages.parse::<usize>().ok()).unwrap_or(0) * 4096
}

fn main() {
    let terms = Terms::default();
    let before = resident_bytes();
    let relations = Relations::new([7; 16]);
    for n in 0..PAIRS {
        cross(&relations, &message(n / 50, n, Direction::Outbound), Direction::Outbound, &terms);
    }
    let known = relations.counts().known;
    let each = (resident_bytes() - before) as f64 / known as f64;
    println!("{known} pairs known, {each:.0} bytes of memory each");

    // A stride that meets all shards and few cache lines twice.
    let numbers = (0..STANZAS).map(|n| n * 17_977 % PAIRS);
    let known: Vec<Stanza> = numbers.clone().map(|n| message(n / 50, n, Direction::Inbound)).collect();
    let strangers: Vec<Stanza> = numbers.clone().map(|n| message(n / 50, n + PAIRS, Direction::Inbound)).collect();
    let sent: Vec<Stanza> = numbers.map(|n| message(n / 50, n, Direction::Outbound)).collect();
    measure("the clock", &known, |_| ());
    let off = Terms { enabled: false, ..terms };
    measure("off", &known, |stanza| cross(&relations, stanza, Direction::Inbound, &off));
    measure("inbound, known", &known, |stanza| cross(&relations, stanza, Direction::Inbound, &terms));
    measure("inbound, a stranger", &strangers, |stanza| cross(&relations, stanza, Direction::Inbound, &terms));
    measure("outbound, known", &sent, |stanza| cross(&relations, stanza, Direction::Outbound, &terms));
    on_disk();
}

fn on_disk() {
    const TABLE: Numbers = Numbers::new("pairs");
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::named(folder.path(), "relations.redb");
    let key = |n: usize| (n as u128 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
    let rows = |from: usize, to: usize| (from..to).map(|n| (key(n), Some(n as u32))).collect::<Vec<_>>();
    let time = |what: &str, work: &mut dyn FnMut()| {
        let begin = Instant::now();
        work();
        println!("{what:<44} {:>8.0} ms", begin.elapsed().as_secs_f64() * 1e3);
    };
    time("disk: write all pairs", &mut || store.write_numbers(TABLE, false, &rows(0, PAIRS)).unwrap());
    let mut from = 0;
    let mut some = || {
        from += 1_000;
        store.write_numbers(TABLE, false, &rows(from, from + 1_000)).unwrap();
    };
    time("disk: write 1,000 of them", &mut some);
    time("disk: write 1,000 of them, 50 times", &mut || (0..50).for_each(|_| some()));
    let mut read = 0;
    time("disk: read all", &mut || store.read_numbers(TABLE, |_, _| read += 1).unwrap());
    let bytes = std::fs::metadata(folder.path().join("relations.redb")).unwrap().len();
    println!("disk: {:.1} MB for {read} pairs", bytes as f64 / 1e6);
}
