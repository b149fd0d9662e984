//! How `spim` bears ten thousand signatures, in the engine it runs in.

use std::time::{Duration, Instant};

use refrain_filter::case::CaseFile;
use refrain_filter::{Cost, Engine, EngineOptions, Sandbox};
use serde_json::{Value, json};

const BODY: &str = "Hello Alice, the meeting of next week is moved to Thursday at eight. Could you bring the figures of the last \
    quarter, see https://far.example/wiki/Figures, and tell bob@far.example as well? Casino is what the others call it. Thank you!";

/// Signatures of every kind, as lists of them are: most are words.
fn mixed(n: usize) -> Value {
    match n % 10 {
        0 => json!({ "name": format!("s{n}"), "url": format!("casino{n}.example") }),
        1 => json!({ "name": format!("s{n}"), "jid": format!("sales{n}@casino.example") }),
        2 => json!({ "name": format!("s{n}"), "regex": format!(r"\bcas[i1]no{n}\s+b[o0]nus\b"), "score": 1 }),
        _ => {
            json!({ "name": format!("s{n}"), "text": format!("best casino number {n} bonus of the town"), "score": 1 })
        }
    }
}

fn regex(n: usize) -> Value {
    json!({ "name": format!("s{n}"), "regex": format!(r"\bcas[i1]no{n}\s+b[o0]nus\b"), "score": 1 })
}

/// What a message costs, and how long it took to configure the filter and ask it often enough. The sandbox has 16 MiB and two seconds for
/// `configure`.
fn cost(number: usize, signature: fn(usize) -> Value) -> (Cost, Duration) {
    let engine = Engine::new(EngineOptions { fuel: true, ..EngineOptions::default() }).expect("an engine");
    let component = engine.load("spim", refrain_plugins::builtin("spim").expect("bundled")).expect("a component");
    let message =
        format!("<message from='b@far.example/x' to='a@home.example' type='chat'><body>{BODY}</body></message>");
    let file: CaseFile = serde_json::from_value(json!({
        "settings": { "signatures": (0..number).map(signature).collect::<Vec<_>>() },
        "case": [{ "name": "a message", "stanza": message, "verdict": "pass" }],
    }))
    .expect("a file of cases");
    let mut sandbox = Sandbox::of(engine, component);
    let begin = Instant::now();
    let cost = sandbox.measure(&file.cases[0], &file, Duration::ZERO).expect("no fault");
    (cost, begin.elapsed())
}

/// Instructions, which no other load on the machine changes.
fn fuel(cost: &Cost) -> u64 {
    cost.fuel.expect("an engine that counts")
}

#[test]
fn ten_thousand_signatures_cost_about_what_ten_do_and_fit() {
    let costs = [10, 1_000, 10_000].map(|number| (number, cost(number, mixed)));
    for (number, (cost, took)) in &costs {
        println!("{number:>6} signatures: {} instructions, {} KiB, {took:?}", fuel(cost), cost.memory_bytes >> 10);
    }
    let [few, .., many] = costs.map(|(_, (cost, _))| fuel(&cost));
    assert!(many < few * 3 / 2, "{few} instructions with ten, {many} with ten thousand");
}

#[test]
fn five_thousand_expressions_fit() {
    let (cost, took) = cost(5_000, regex);
    println!("  5000 expressions: {} instructions, {} KiB, {took:?}", fuel(&cost), cost.memory_bytes >> 10);
}
