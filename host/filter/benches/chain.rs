//! What a chain costs per stanza, on one thread: `cargo bench -p refrain-filter`.
//!
//! The guest reads its head's lengths, asks one `stanza.test` of a selector, and passes: the least that a real filter does. It is
//! written by hand, so its allocator costs next to nothing; what the bundled filters cost shows end to end, in `make bench`.

#[path = "../tests/guests/mod.rs"]
mod guests;

use std::fmt::Write as _;
use std::hint::black_box;
use std::time::{Duration, Instant};

use guests::{CONFIGURED, Guest, NOW_MS, says, spec};
use refrain_filter::{Bits, ChainWorker, Direction, FilterSpec, Interest, InterestSet, Isolation, Selector};
use refrain_proto::Stanza;

/// As the peers were measured: a chat message of 350 bytes with a body, a chat state and a receipt request.
const CHAT: &str = "<message from='juliet@capulet.example/balcony' to='romeo@montague.example' type='chat' \
    id='b4c0f5a2-7d36-4b7e-9d62-3f7f7d0a2d11'><body>Art thou not Romeo, and a Montague? Neither, fair saint, if either \
    thee dislike. How camest thou hither, tell me.</body><active xmlns='http://jabber.org/protocol/chatstates'/>\
    <request xmlns='urn:xmpp:receipts'/></message>";

/// Rounds per figure, of which the median is taken; short ones, so that most of them are not interrupted on a busy machine.
const ROUNDS: usize = 501;
const ROUND: Duration = Duration::from_millis(1);

/// The time of one call, in ns. On an idle machine both are nearly the same.
#[derive(Clone, Copy)]
struct Time {
    median: f64,
    /// That of the fastest tenth of the rounds: what is left when the neighbours are taken out.
    undisturbed: f64,
}

fn measure<T>(mut call: impl FnMut() -> T) -> Time {
    let mut times: Vec<f64> = (0..ROUNDS)
        .map(|_| {
            let (begin, mut calls) = (Instant::now(), 0_u32);
            while begin.elapsed() < ROUND {
                for _ in 0..100 {
                    black_box(call());
                }
                calls += 100;
            }
            begin.elapsed().as_nanos() as f64 / f64::from(calls)
        })
        .collect();
    times.sort_by(f64::total_cmp);
    Time { median: times[ROUNDS / 2], undisturbed: times[ROUNDS / 10] }
}

const SELECTOR: &str = r#"(data (i32.const 1024) "{jabber:x:oob}x")"#;

/// Passes, after as many questions as told.
fn curious(tests: usize) -> (String, String) {
    let configure = format!("(call $selector (i32.const 1024) (i32.const 15) (i32.const 128)) {CONFIGURED}");
    let test = "(drop (call $test (local.get $stanza) (i32.const 0)))".repeat(tests);
    let on_stanza = format!("(drop (i32.add (local.get $from_len) (local.get $to_len))) {test} {}", says(0, 0));
    (configure, on_stanza)
}

fn interested(filters: usize, tests: usize) -> ChainWorker {
    let (configure, on_stanza) = curious(tests);
    let guest = Guest { configure: &configure, on_stanza: &on_stanza, more: SELECTOR, ..Guest::default() };
    guests::worker((0..filters).map(|index| spec(&format!("f{index}"), guest)).collect())
}

/// Filters that want an iq, or a payload that the stanza does not have.
fn uninterested(filters: usize, kinds: u32, namespaces: u32) -> ChainWorker {
    let configure = format!(
        "(call $add_interest (i32.const 0) (i32.const {kinds}) (i32.const 0) (i32.const 0) (i32.const 2048)
            (i32.const {namespaces}) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)
            (i32.const 128)) {CONFIGURED}"
    );
    let more = r#"(data (i32.const 2048) "\00\09\00\00\11\00\00\00\11\09\00\00\0d\00\00\00")
        (data (i32.const 2304) "urn:xmpp:jingle:1") (data (i32.const 2321) "jabber:x:oob*")"#;
    let guest = Guest { configure: &configure, more, ..Guest::default() };
    guests::worker((0..filters).map(|index| spec(&format!("f{index}"), guest)).collect())
}

fn judging(mut worker: ChainWorker) -> Time {
    let mut stanza = Stanza::parse(CHAT).expect("a stanza");
    assert_eq!(worker.judge(&mut stanza, NOW_MS).fault, None);
    measure(|| worker.judge(black_box(&mut stanza), NOW_MS))
}

/// One filter, asked once about a stanza of each of ten peers in turn.
fn isolated(isolation: Isolation) -> Time {
    let (configure, on_stanza) = curious(1);
    let guest = Guest { configure: &configure, on_stanza: &on_stanza, more: SELECTOR, ..Guest::default() };
    let mut worker = guests::worker(vec![FilterSpec { isolation, ..spec("isolated", guest) }]);
    let from = |n: usize| Stanza::parse(&CHAT.replace("capulet", &format!("capulet{n}"))).expect("a stanza");
    let mut stanzas: Vec<_> = (0..10).map(from).collect();
    let mut turn = 0;
    measure(|| {
        turn = (turn + 1) % stanzas.len();
        worker.judge(black_box(&mut stanzas[turn]), NOW_MS)
    })
}

fn native() -> [(&'static str, Time); 3] {
    let stanza = Stanza::parse(CHAT).expect("a stanza");
    let selector = Selector::compile("{jabber:x:oob}x").expect("a selector");
    let deep = Selector::compile("//{jabber:x:oob}x/{*}url").expect("a selector");
    let mut set = InterestSet::default();
    let rule = Interest { kinds: 1, bits_any: Bits::BODY, ..Interest::default() };
    set.add(rule).expect("a rule");
    [
        ("native: selector, one step", measure(|| selector.test(black_box(stanza.element())))),
        ("native: selector, any depth", measure(|| deep.test(black_box(stanza.element())))),
        ("native: bits of a stanza", measure(|| set.matched(black_box(&stanza), Direction::Inbound, 0))),
    ]
}

fn main() {
    let mut figures = vec![("no filter", judging(interested(0, 0)))];
    figures.push(("1 filter, not interested (kind)", judging(uninterested(1, 4, 0))));
    figures.push(("5 filters, not interested (kind)", judging(uninterested(5, 4, 0))));
    figures.push(("1 filter, not interested (payload)", judging(uninterested(1, 0, 2))));
    figures.push(("5 filters, not interested (payload)", judging(uninterested(5, 0, 2))));
    figures.push(("1 filter, asks nothing", judging(interested(1, 0))));
    figures.push(("1 filter, one test", judging(interested(1, 1))));
    figures.push(("1 filter, five tests", judging(interested(1, 5))));
    figures.push(("3 filters, one test each", judging(interested(3, 1))));
    figures.push(("5 filters, one test each", judging(interested(5, 1))));
    figures.push(("isolated by worker, 10 peers in turn", isolated(Isolation::Worker)));
    figures.push(("isolated by peer, 10 peers in turn", isolated(Isolation::Peer)));
    figures.push(("isolated by stanza", isolated(Isolation::Stanza)));
    figures.extend(native());
    let mut json = String::new();
    println!("{:<38} {:>10} {:>13}", "ns per stanza", "median", "undisturbed");
    for (name, Time { median, undisturbed }) in &figures {
        println!("{name:<38} {median:>10.1} {undisturbed:>13.1}");
        let comma = if json.is_empty() { "" } else { "," };
        let _ = write!(json, "{comma}\"{name}\":[{median:.1},{undisturbed:.1}]");
    }
    println!("{{\"bench\":\"chain\",\"stanza-bytes\":{},\"ns\":{{{json}}}}}", CHAT.len());
}
