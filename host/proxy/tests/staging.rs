//! What an operator tries before it is live, as the operator types it.

#![expect(clippy::unwrap_used, reason = "the helpers of a test fail the test")]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::{Value, json};

/// The chains alone: a replay needs nothing else of a configuration.
const STRICT: &str = "\
[chain]
inbound = ['spim']
[filter.spim.settings]
signatures = [{ name = 'casino', text = 'casino', action = 'drop' }]
";
const LAX: &str = "[chain]\ninbound = []\n";

fn refrain(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_refrain")).args(arguments).current_dir(folder).output().unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn json_of(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {}", stderr(output)))
}

fn entry(id: &str, body: &str, verdict: &str) -> String {
    let stanza = format!("<message from='eve@away.example/x' to='alice@home.example'><body>{body}</body></message>");
    let entry = json!({
        "version": 1, "id": id, "direction": "inbound", "now-ms": 1_767_268_800_000_u64, "stanza": stanza,
        "verdict": verdict, "filter": null, "reason": null, "redacted": false,
    });
    format!("{entry}\n")
}

/// A folder with two configurations and a corpus of three stanzas.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("strict.toml"), STRICT).unwrap();
    fs::write(folder.path().join("lax.toml"), LAX).unwrap();
    let corpus =
        entry("a-1", "hello", "forward") + &entry("a-2", "the casino", "drop") + &entry("a-3", "bye", "forward");
    fs::write(folder.path().join("corpus.jsonl"), corpus).unwrap();
    folder
}

#[test]
fn a_replay_counts_verdicts_without_any_certificate() {
    let folder = folder();
    let output = refrain(folder.path(), &["replay", "corpus.jsonl", "--config", "strict.toml", "--json"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let report = json_of(&output);
    assert_eq!((&report["stanzas"], &report["unlike-recorded"]), (&json!(3), &json!(0)));
    let counts = report["config"]["counts"].as_array().unwrap();
    let dropped = counts.iter().find(|count| count["verdict"] == "drop").unwrap();
    assert_eq!((&dropped["filter"], &dropped["count"]), (&json!("spim"), &json!(1)));
}

#[test]
fn a_replay_tells_filters_who_was_a_stranger() {
    let folder = tempfile::tempdir().unwrap();
    let config = "[chain]\ninbound = ['jid-policy']\n[filter.jid-policy.settings]\nfirst-contact = 'closed'\n";
    fs::write(folder.path().join("closed.toml"), config).unwrap();
    let told = |relation: &str, verdict| {
        entry(relation, "hello", verdict).replacen("\"stanza\"", &format!("\"relation\":\"{relation}\",\"stanza\""), 1)
    };
    let corpus = told("stranger", "bounce") + &told("known", "forward") + &entry("untold", "hello", "forward");
    fs::write(folder.path().join("corpus.jsonl"), corpus).unwrap();
    let output = refrain(folder.path(), &["replay", "corpus.jsonl", "--config", "closed.toml", "--json"]);
    let report = json_of(&output);
    assert_eq!((&report["stanzas"], &report["unlike-recorded"]), (&json!(3), &json!(0)), "{}", stderr(&output));
}

#[test]
fn a_replay_against_another_configuration_shows_what_would_change() {
    let folder = folder();
    let arguments = ["replay", "corpus.jsonl", "--config", "strict.toml", "--against", "lax.toml"];
    let output = refrain(folder.path(), &[&arguments[..], &["--json"]].concat());
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    let differences = json_of(&output)["differences"].take();
    assert_eq!(differences["count"], 1);
    let first = &differences["first"][0];
    assert_eq!(
        (&first["id"], &first["against"]["verdict"], &first["config"]["verdict"]),
        (&json!("a-2"), &json!("forward"), &json!("drop"))
    );
    let text = String::from_utf8(refrain(folder.path(), &arguments).stdout).unwrap();
    assert!(text.contains("1 stanza differs, lax.toml → strict.toml:"), "{text}");
    assert!(text.contains("a-2  inbound  eve@away.example/x → alice@home.example"), "{text}");
}

#[test]
fn a_replay_against_itself_has_no_difference() {
    let folder = folder();
    let output =
        refrain(folder.path(), &["replay", "corpus.jsonl", "--config", "strict.toml", "--against", "strict.toml"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
}

#[test]
fn a_replay_that_cannot_be_played_says_where() {
    let folder = folder();
    fs::write(folder.path().join("broken.jsonl"), entry("a", "b", "forward") + "{}\n").unwrap();
    let output = refrain(folder.path(), &["replay", "broken.jsonl", "--config", "strict.toml"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).starts_with("broken.jsonl: line 2: missing field"), "{}", stderr(&output));
    fs::write(folder.path().join("wrong.toml"), "[chain]\ninbound = ['spin']\n").unwrap();
    let output = refrain(folder.path(), &["replay", "corpus.jsonl", "--config", "wrong.toml"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        stderr(&output).starts_with("wrong.toml:2: chain.inbound[0]: there is no filter \"spin\""),
        "{}",
        stderr(&output)
    );
}
