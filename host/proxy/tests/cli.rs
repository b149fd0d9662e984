//! What an operator types, and with which code it ends.

#![expect(clippy::unwrap_used, reason = "the helpers of a test fail the test")]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use rcgen::{CertificateParams, KeyPair};

fn refrain(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_refrain")).args(arguments).current_dir(folder).output().unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// A folder with an inside authority, a certificate for example.org and a configuration that ends with `more`.
fn folder(more: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(
        refrain(folder.path(), &["ca", "init", "--dir", ".", "--excluded", "example.org"]).status.code(),
        Some(0)
    );
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(["example.org".to_owned()]).unwrap().self_signed(&key).unwrap();
    fs::write(folder.path().join("example.pem"), certificate.pem() + &key.serialize_pem()).unwrap();
    let text = format!(
        "[outside]\nlisten = '127.0.0.1:0'\nresolver = '127.0.0.1'\nroots = 'example.pem'\n\
         [inside]\nlisten = '127.0.0.1:0'\nauthority = 'inside-ca.pem'\nauthority-key = 'inside-ca.key'\n\
         [[domain]]\nname = 'example.org'\nserver = '127.0.0.1:15269'\ncertificate = 'example.pem'\n{more}"
    );
    fs::write(folder.path().join("refrain.toml"), text).unwrap();
    folder
}

#[test]
fn check_says_what_would_run() {
    let folder = folder("[chain]\ninbound = 'spim'\n[filter.spim]\ncomponent = 'builtin:spim'\n");
    let output = refrain(folder.path(), &["check"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(stdout(&output).contains("example.org at 127.0.0.1:15269, proven by dialback"), "{}", stdout(&output));
    assert!(stdout(&output).contains("inbound   spim (builtin)"), "{}", stdout(&output));
}

#[test]
fn check_reports_the_mistakes_of_every_stage_at_once() {
    let more = "certificat = 'x'\n[chain]\ninbound = 'spim'\n[filter.spim]\ncomponent = 'builtin:spim'\n\
                [filter.spim.settings]\nsignatures = [\n  { name = 'bad', regex = '(' },\n]\n";
    let folder = folder(more);
    fs::remove_file(folder.path().join("inside-ca.key")).unwrap();
    let output = refrain(folder.path(), &["check", "--config", "refrain.toml"]);
    assert_eq!(output.status.code(), Some(2));
    let report = stderr(&output);
    let expected = [
        "refrain.toml:8: inside.authority-key: ",
        "refrain.toml:13: domain[0].certificat: there is no such key; did you mean \"certificate\"?",
        "refrain.toml:20: filter.spim.settings.signatures[0]",
        "3 mistakes",
    ];
    let lines: Vec<&str> = report.lines().filter(|line| !line.starts_with(' ')).collect();
    assert_eq!(lines.len(), expected.len(), "{report}");
    for (line, expected) in lines.iter().zip(expected) {
        assert!(line.starts_with(expected), "{line}\nis not\n{expected}");
    }
}

#[test]
fn run_refuses_a_wrong_configuration_with_the_same_code() {
    let folder = tempfile::tempdir().unwrap();
    let output = refrain(folder.path(), &["run", "--config", "absent.toml"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("absent.toml: cannot be read"), "{}", stderr(&output));
}

#[test]
fn an_authority_is_never_overwritten() {
    let folder = folder("");
    let output = refrain(folder.path(), &["ca", "init", "--dir", "."]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("is there already"), "{}", stderr(&output));
}

#[test]
fn a_protected_server_is_told_what_the_configuration_says() {
    let folder = folder("");
    let show = |server: &str| refrain(folder.path(), &["ca", "show", "--for", server]);
    let lacking = show("prosody");
    assert_eq!(lacking.status.code(), Some(2));
    assert!(stderr(&lacking).contains("[inside.dns] is missing"), "{}", stderr(&lacking));
    let path = folder.path().join("refrain.toml");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text + "[inside.dns]\nlisten = '127.0.0.1:15353'\n").unwrap();
    for (server, expected) in [
        ("prosody", "forward = { \"127.0.0.1@15353\" };"),
        ("ejabberd", "{nameserver, {127,0,0,1}, 15353}."),
        ("jabberd2", "RES_OPTIONS=port:15353"),
        ("openfire", "dnsutil.dnsOverride"),
        ("mongooseim", "[s2s.outgoing]"),
    ] {
        let page = show(server);
        assert_eq!(page.status.code(), Some(0), "{}", stderr(&page));
        assert!(stdout(&page).contains(expected) && stdout(&page).contains("15269"), "{}", stdout(&page));
    }
    assert_eq!(
        refrain(folder.path(), &["ca", "show", "--for", "prosody", "--config", "absent"]).status.code(),
        Some(2)
    );
}

#[test]
fn a_running_gateway_shows_its_name_server_and_what_it_was_asked() {
    let folder = folder("[admin]\nsocket = 'refrain.sock'\n[inside.dns]\nlisten = '127.0.0.1:0'\n");
    let _running = Running::start(folder.path(), &[]);
    let json: serde_json::Value =
        serde_json::from_slice(&refrain(folder.path(), &["status", "--json"]).stdout).unwrap();
    let names = json["listeners"]["inside-dns"].as_str().unwrap();
    let client = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    client.send_to(b"no question at all", names).unwrap();
    within_a_minute(|| {
        let status = stdout(&refrain(folder.path(), &["status"]));
        status.contains(&format!("names       asked at {names}: 1 questions, not answered: malformed 1"))
    });
}

/// A running gateway; killed if a test fails.
struct Running(std::process::Child);

impl Running {
    /// Starts it and waits until its admin socket answers.
    fn start(folder: &Path, arguments: &[&str]) -> Self {
        let log = fs::File::create(folder.join("log")).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_refrain"));
        let command = command.args(["run", "--config", "refrain.toml"]).args(arguments).current_dir(folder).stderr(log);
        let running = Running(command.spawn().unwrap());
        within_a_minute(|| refrain(folder, &["status"]).status.success());
        running
    }

    fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([name, &self.0.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn within_a_minute(reached: impl Fn() -> bool) {
    for _ in 0..600 {
        if reached() {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    panic!("not within a minute");
}

#[test]
fn a_running_gateway_is_asked_reloaded_and_rolled_back() {
    let folder = folder("[chain]\ninbound = 'spim'\n[admin]\nsocket = 'refrain.sock'\n");
    let mut running = Running::start(folder.path(), &[]);
    let status = stdout(&refrain(folder.path(), &["status"]));
    assert!(status.contains("generation  1 (refrain.toml ") && status.contains("0 accepted = "), "{status}");
    assert!(status.contains("spim"), "{status}");
    let json: serde_json::Value =
        serde_json::from_slice(&refrain(folder.path(), &["status", "--json"]).stdout).unwrap();
    assert_eq!(json["generation"]["number"], 1);
    let chain = stdout(&refrain(folder.path(), &["chain", "--socket", "refrain.sock"]));
    assert!(chain.contains("1. spim") && chain.contains("builtin:spim"), "{chain}");

    let good = fs::read_to_string(folder.path().join("refrain.toml")).unwrap();
    fs::write(folder.path().join("refrain.toml"), good.clone() + "colour = 'red'\n[").unwrap();
    let refused = refrain(folder.path(), &["reload"]);
    assert_eq!(refused.status.code(), Some(2), "the socket is found in a file that is not TOML, too");
    assert!(stderr(&refused).contains("not TOML"), "{}", stderr(&refused));
    let status = stdout(&refrain(folder.path(), &["status"]));
    assert!(status.contains("refused, nothing has changed") && status.contains("not TOML"), "{status}");

    fs::write(folder.path().join("refrain.toml"), good).unwrap();
    let reloaded = refrain(folder.path(), &["reload"]);
    assert_eq!(stdout(&reloaded), "generation 2 is live; `refrain rollback` brings generation 1 back\n");
    running.signal("-HUP");
    within_a_minute(|| stdout(&refrain(folder.path(), &["status"])).contains("generation  3 "));
    assert_eq!(refrain(folder.path(), &["rollback"]).status.code(), Some(0));
    let unknown = refrain(folder.path(), &["explain", "1-1"]);
    assert_eq!(unknown.status.code(), Some(1));
    assert!(stderr(&unknown).contains("from another run"), "{}", stderr(&unknown));

    running.signal("-TERM");
    assert!(running.0.wait().unwrap().success());
    assert!(!folder.path().join("refrain.sock").exists());
    let gone = refrain(folder.path(), &["status"]);
    assert_eq!(gone.status.code(), Some(1));
    assert!(stderr(&gone).contains("nobody listens at"), "{}", stderr(&gone));
}

#[test]
fn a_watched_gateway_reloads_by_itself() {
    let folder = folder("[admin]\nsocket = 'refrain.sock'\n");
    let _running = Running::start(folder.path(), &["--watch"]);
    let path = folder.path().join("refrain.toml");
    fs::write(&path, fs::read_to_string(&path).unwrap() + "trace-id-in-bounces = true\n").unwrap();
    within_a_minute(|| stdout(&refrain(folder.path(), &["status"])).contains("generation  2 "));
}

#[test]
fn who_asks_where_nobody_answers_is_told_what_to_do() {
    let folder = folder("");
    let output = refrain(folder.path(), &["status"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        stderr(&output).contains("names no admin socket") && stderr(&output).contains("[admin]"),
        "{}",
        stderr(&output)
    );
    let output = refrain(folder.path(), &["status", "--config", "absent.toml"]);
    assert!(
        stderr(&output).contains("absent.toml") && stderr(&output).contains("--socket PATH"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn wrong_usage_ends_with_two() {
    let folder = tempfile::tempdir().unwrap();
    for wrong in [
        &["serve"][..],
        &["run", "refrain.toml"],
        &["ca", "init", "--dir", ".", "--excluded", "exa mple"],
        &["check", "-c", "x", "--log", "a=loud"],
    ] {
        assert_eq!(refrain(folder.path(), wrong).status.code(), Some(2), "{wrong:?}");
    }
}

#[test]
fn help_shows_examples_and_exit_codes() {
    let folder = tempfile::tempdir().unwrap();
    let commands = "|ca|ca init|ca show|check|replay|status|explain|reload|shadow|shadow start|shadow diff|shadow stop";
    for command in commands.split('|') {
        let arguments: Vec<&str> = command.split_whitespace().chain(["--help"]).collect();
        let output = refrain(folder.path(), &arguments);
        assert_eq!(output.status.code(), Some(0));
        let help = stdout(&output);
        assert!(help.contains("Examples:") && help.contains("Exit codes"), "{help}");
    }
}

#[test]
fn the_demo_ends_every_stanza_as_expected() {
    let folder = tempfile::tempdir().unwrap();
    let output = refrain(folder.path(), &["demo", "--json"]);
    let lines: Vec<serde_json::Value> =
        stdout(&output).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(output.status.code(), Some(0), "{}", stdout(&output));
    let (summary, stanzas) = lines.split_last().unwrap();
    assert_eq!(summary["summary"]["sent"], stanzas.len());
    assert_eq!(summary["summary"]["lost"], 0);
    assert!(stanzas.iter().all(|stanza| stanza["as_expected"] == true));
}
