//! How the cost of a message grows with the number of signatures. `cargo test -p refrain-spim --test scale --release -- --ignored
//! --nocapture` prints it.

use std::time::{Duration, Instant};

use refrain_sdk::{Verdict, testing};
use refrain_spim::Spim;
use serde_json::json;

const BODY: &str = "Hello Alice, the meeting of next week is moved to Thursday at eight. Could you bring the figures of the last \
    quarter, see https://far.example/wiki/Figures, and tell bob@far.example as well? Casino is what the others call it. Thank you!";

/// So many signatures of every kind, none of which the body has.
fn settings(number: usize) -> String {
    let signature = |n: usize| match n % 10 {
        0 => json!({ "name": format!("s{n}"), "url": format!("casino{n}.example") }),
        1 => json!({ "name": format!("s{n}"), "jid": format!("sales{n}@casino.example") }),
        2 => json!({ "name": format!("s{n}"), "regex": format!(r"\bcas[i1]no{n}\s+b[o0]nus\b"), "score": 1 }),
        _ => {
            json!({ "name": format!("s{n}"), "text": format!("best casino number {n} bonus of the town"), "score": 1 })
        }
    };
    json!({ "signatures": (0..number).map(signature).collect::<Vec<_>>() }).to_string()
}

/// The fastest of some batches, a call: what disturbs a measurement only makes it slower.
fn cost(number: usize) -> (Duration, Duration) {
    let settings = settings(number);
    let begin = Instant::now();
    let mut filter = testing::Tester::<Spim>::new(&settings);
    let configured = begin.elapsed();
    let message =
        format!("<message from='b@far.example/x' to='a@home.example' type='chat'><body>{BODY}</body></message>");
    let batch = |filter: &mut testing::Tester<Spim>| {
        let begin = Instant::now();
        (0..500).for_each(|_| assert_eq!(filter.judge(&message), Some(Verdict::Pass)));
        begin.elapsed() / 500
    };
    (configured, (0..20).map(|_| batch(&mut filter)).min().unwrap_or_default())
}

#[test]
#[ignore = "measures"]
fn ten_thousand_signatures_cost_about_what_ten_do() {
    for number in [10, 1_000, 10_000] {
        let (configured, judged) = cost(number);
        println!("{number:>6} signatures: configured in {configured:?}, {judged:?} a message");
    }
}

#[test]
fn a_thousand_times_the_signatures_cost_no_multiple() {
    let (few, many) = (cost(10).1, cost(10_000).1);
    assert!(many < few * 4, "{few:?} with 10 signatures, {many:?} with 10,000");
}

/// Texts of the size of a stanza, among them those that would cost most if anything cost more than its length.
#[test]
#[ignore = "measures"]
fn a_long_text_costs_its_length() {
    let odd = [
        ("english", "the casino of the town is open, come and see "),
        ("russian", "наше казино открыто, приходите посмотреть на город "),
        ("disguised", "оur саsino is v1agra c.a.s.i.n.o "),
        ("chinese", "明天八点见我们去澳门玩"),
        ("compatibility", "ﷺ"),
        ("letters", "a "),
        ("signs", "a@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@"),
        ("dots", "a.b@"),
        ("slashes", "/@a.b"),
        ("marks", "c\u{336}"),
    ];
    let settings = settings(10_000);
    let mut filter = testing::Tester::<Spim>::new(&settings);
    for (name, part) in odd {
        for kib in [16, 64, 250] {
            let body = part.repeat((kib << 10) / part.len());
            let message = format!(
                "<message from='b@far.example/x' to='a@home.example' type='chat'><body>{body}</body></message>"
            );
            let begin = Instant::now();
            filter.judge_from(testing::Relation::Stranger, &message);
            println!("{name:>14} {kib:>4} KiB: {:?}", begin.elapsed());
        }
    }
}
