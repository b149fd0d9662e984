//! What is read, and how mistakes are reported.

use std::net::SocketAddr;
use std::time::Duration;

use refrain_filter::{Fault, FaultPolicy, FilterLimits, Isolation, OnFault};

use super::*;

/// The least that runs.
const LEAST: &str = "\
[outside]
listen = ['[::]:5269']
resolver = ['127.0.0.1']
[inside]
listen = '127.0.0.1:5299'
authority = 'ca.pem'
[[domain]]
name = 'Example.org'
server = '127.0.0.1:15269'
certificate = 'example.pem'
";

fn read(text: &str) -> (Config, Vec<String>) {
    let (config, mistakes) = Config::parse(text, Path::new("etc/refrain.toml")).unwrap();
    (config, mistakes.iter().map(|mistake| mistake.to_string().replace("etc/refrain.toml:", "")).collect())
}

fn good(text: &str) -> Config {
    let (config, mistakes) = read(text);
    assert!(mistakes.is_empty(), "{mistakes:#?}");
    config
}

/// The mistakes in the least that runs with `more` at its end, which starts on line 11.
fn mistakes_with(more: &str) -> Vec<String> {
    read(&format!("{LEAST}{more}")).1
}

#[test]
fn the_least_that_runs_has_safe_defaults() {
    let config = good(LEAST);
    assert_eq!(config.outside.listen, ["[::]:5269".parse::<SocketAddr>().unwrap()]);
    assert_eq!(config.outside.resolver, ResolverSource::Servers(vec!["127.0.0.1:53".parse().unwrap()]));
    assert_eq!(config.outside.roots, Roots::System);
    assert!(!config.outside.private_addresses);
    assert_eq!(config.inside.authority.certificate, Path::new("etc/ca.pem"));
    assert_eq!(config.inside.authority.key, Path::new("etc/ca.pem"));
    assert_eq!(config.domains[0].name.as_str(), "example.org");
    assert_eq!(config.domains[0].server_certificate, None);
    assert!(config.chains.inbound.is_empty() && config.chains.outbound.is_empty());
    assert_eq!(config.limits, Limits::default());
    assert!(!config.peers.for_domain(&"remote.example".parse().unwrap()).dialback);
    assert!(config.warnings.is_empty());
}

#[test]
fn the_example_is_a_configuration() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/refrain.toml");
    let config = Config::load(&path).unwrap_or_else(|mistakes| panic!("{mistakes}"));
    assert!(config.warnings.is_empty(), "{}", config.warnings);
    assert_eq!(config.limits, Limits::default(), "the example shows the defaults");
    let defaults = FilterLimits::default();
    assert!(config.chains.inbound.iter().all(|filter| filter.limits.over(defaults.clone()) == defaults));
    let names: Vec<&str> = config.chains.inbound.iter().map(|filter| filter.name.as_str()).collect();
    assert_eq!(names, ["rate-limit", "hygiene", "jid-policy", "spim", "file-transfer"]);
}

#[test]
fn reports_all_mistakes_at_once_in_the_order_of_the_file() {
    let text = "\
[outside]
listen = 5269
resolvers = ['127.0.0.1:53']
[inside]
listen = ['localhost:5299']
[[domain]]
name = 'exa mple'
server = 'localhost'
[[domain]]
name = 'example.org'
server = '127.0.0.1:15269'
certificate = 'a.pem'
[[domain]]
name = 'EXAMPLE.org'
server = '127.0.0.1:15269'
certificate = 'a.pem'
[chain]
inbound = ['spin']
[filter.spim]
component = 'nowhere.wasm'
deadline-ms = 0
on-fault = 'shut'
grants = ['acept']
settings = 7
[limits]
stanza-bytes-max = 100
";
    let found = read(text).1;
    let expected = [
        "1: outside.resolver: is missing, and some remote domain would have to be looked up",
        "2: outside.listen: is a number; it must be a list of texts",
        "3: outside.resolvers: there is no such key; did you mean \"resolver\"?",
        "4: inside.authority: is missing; make one with `refrain ca init",
        "5: inside.listen[0]: \"localhost:5299\": invalid socket address syntax; write an IP address and a port",
        "6: domain[0].certificate: is missing",
        "7: domain[0].name: \"exa mple\"",
        "8: domain[0].server: \"localhost\"",
        "14: domain[2].name: this domain has been described already",
        "18: chain.inbound[0]: there is no filter \"spin\"; describe it in [filter.spin]; did you mean \"spim\"?",
        "20: filter.spim.component: there is no file etc/nowhere.wasm",
        "21: filter.spim.deadline-ms: is out of range; write a whole number from 1 to 1000",
        "22: filter.spim.on-fault: \"shut\": is neither \"closed\" nor \"open\"",
        "23: filter.spim.grants[0]: there is no grant \"acept\"; did you mean \"accept\"?",
        "24: filter.spim.settings: is a number; it must be a table",
        "26: limits.stanza-bytes-max: is out of range",
    ];
    for (found, expected) in found.iter().zip(expected) {
        assert!(found.starts_with(expected), "{found}\nis not\n{expected}");
    }
    assert_eq!(found.len(), expected.len(), "{found:#?}");
}

#[test]
fn an_empty_file_lacks_its_three_parts() {
    let keys: Vec<String> = read("").1;
    assert_eq!(keys.len(), 3, "{keys:#?}");
}

#[test]
fn a_file_that_is_not_there_is_a_mistake_too() {
    let mistakes = Config::load(Path::new("/nowhere/refrain.toml")).unwrap_err();
    assert!(mistakes.to_string().starts_with("/nowhere/refrain.toml: cannot be read: "), "{mistakes}");
}

#[test]
fn the_resolver_may_be_absent_when_every_peer_has_an_address() {
    let without = LEAST.replace("resolver = ['127.0.0.1']\n", "");
    assert_eq!(read(&without).1.len(), 1);
    good(&format!("{without}[[peer]]\nname = 'a.example'\naddress = '192.0.2.1:5269'\n"));
    assert_eq!(read(&format!("{without}[[peer]]\nname = 'a.example'\ndialback = true\n")).1.len(), 1);
}

#[test]
fn the_name_server_of_the_inside_needs_only_its_address() {
    let dns =
        good(&LEAST.replace("[[domain]]", "[inside.dns]\nlisten = '127.0.0.1:15353'\n[[domain]]")).inside.dns.unwrap();
    assert_eq!(dns.listen, "127.0.0.1:15353".parse::<SocketAddr>().unwrap());
    assert_eq!(dns.address, ["127.0.0.1".parse::<std::net::IpAddr>().unwrap()], "of inside.listen");
    assert_eq!(dns.name.as_str(), "refrain.internal");
}

#[test]
fn the_name_server_of_the_inside_is_nobody_elses_and_leads_to_the_inside() {
    let with = |dns: &str| LEAST.replace("[[domain]]", &format!("[inside.dns]\n{dns}\n[[domain]]"));
    let mistake = |text: &str| read(text).1.join("\n");
    let cases = [
        (with(""), "7: inside.dns.listen: is missing"),
        (with("listen = '0.0.0.0:53'"), "8: inside.dns.listen: \"0.0.0.0:53\": answers must come from one address"),
        (
            with("listen = '127.0.0.1:5299'"),
            "8: inside.dns.listen: 127.0.0.1:5299 is taken: inside.listen has 127.0.0.1:5299",
        ),
        (
            with("listen = '127.0.0.1:5269'"),
            "8: inside.dns.listen: 127.0.0.1:5269 is taken: outside.listen has [::]:5269",
        ),
        (with("listen = '127.0.0.1:53'"), "3: outside.resolver: 127.0.0.1:53 is Refrain's own name server"),
        (with("listen = '127.0.0.1:9'\nname = 'dns.example.org'"), "9: inside.dns.name: dns.example.org is hosted"),
        (with("listen = '127.0.0.1:9'\nname = 'refrain'"), "9: inside.dns.name: \"refrain\": is no name of a host"),
        (
            with("listen = '127.0.0.1:9'\nname = 'localhost'\naddress = '127.0.0.2'"),
            "9: inside.dns.name: localhost is 127.0.0.1 and ::1 for everybody",
        ),
        (with("listen = '127.0.0.1:9'\naddress = '0.0.0.0'"), "9: inside.dns.address: \"0.0.0.0\": one cannot connect"),
        (with("listen = '127.0.0.1:9'").replace("127.0.0.1:5299", "0.0.0.0:5299"), "7: inside.dns.address: is missing"),
    ];
    for (text, expected) in cases {
        let found = mistake(&text);
        assert!(found.contains(expected), "{found}\nis not\n{expected}");
    }
    let elsewhere = good(&with("listen = '127.0.0.1:9'\naddress = '127.0.0.3'"));
    assert!(
        elsewhere.warnings.to_string().contains("inside.listen does not have 127.0.0.3:5299"),
        "{}",
        elsewhere.warnings
    );
    let public = good(&with("listen = '9.9.9.9:53'"));
    assert!(public.warnings.to_string().contains("whoever reaches it is answered"), "{}", public.warnings);
}

#[test]
fn the_name_server_of_the_inside_changes_its_words_by_a_reload_and_its_address_by_a_restart() {
    let with = |dns: &str| good(&LEAST.replace("[[domain]]", &format!("[inside.dns]\n{dns}\n[[domain]]")));
    let running = with("listen = '127.0.0.1:9'");
    assert!(with("listen = '127.0.0.1:9'\nname = 'gateway.internal'").needs_restart_after(&running).is_empty());
    for other in [with("listen = '127.0.0.1:10'"), good(LEAST)] {
        let mistakes = other.needs_restart_after(&running);
        assert_eq!(mistakes.iter().map(|mistake| mistake.key.as_str()).collect::<Vec<_>>(), ["inside.dns.listen"]);
    }
}

#[test]
fn a_peer_is_described_once() {
    let found = mistakes_with("[[peer]]\nname = '*.A.example'\n[[peer]]\nname = '*.a.example'\n");
    assert_eq!(found, ["14: peer[1].name: this peer has been described already; join the two [[peer]] tables"]);
}

#[test]
fn names_are_validated_and_tls_comes_first_where_the_operator_says_so() {
    let with = |more: &str| LEAST.replace("resolver =", &format!("{more}resolver ="));
    let outside = good(LEAST).outside;
    assert_eq!((outside.dnssec, outside.listen_tls), (Dnssec::Off, vec![]));
    let outside = good(&with("listen-tls = '[::]:5270'\ndnssec = 'validate'\ntrust-anchors = 'root.key'\n")).outside;
    assert_eq!(outside.listen_tls, ["[::]:5270".parse::<SocketAddr>().unwrap()]);
    assert_eq!(outside.dnssec, Dnssec::Validate(Some("etc/root.key".into())));
    assert_eq!(good(&with("dnssec = 'validate'\n")).outside.dnssec, Dnssec::Validate(None));
    let found = read(&with("dnssec = 'yes'\n")).1;
    assert!(found[0].starts_with("3: outside.dnssec: \"yes\": is neither"), "{found:?}");
    let found = read(&with("listen-tls = '[::]:5269'\n")).1;
    assert!(found[0].starts_with("3: outside.listen-tls: [::]:5269 is in outside.listen too"), "{found:?}");
    let found = read(&with("listen-tls = '127.0.0.1:5299'\n")).1;
    assert!(found[0].contains("127.0.0.1:5299 is in outside.listen-tls too"), "{found:?}");
    let useless = good(&with("trust-anchors = 'root.key'\n"));
    assert_eq!(useless.warnings.len(), 1);
}

#[test]
fn a_peer_may_have_special_addresses_of_its_own_but_not_ours() {
    let config = good(&format!("{LEAST}[[peer]]\nname = 'lan.example'\nprivate-addresses = true\n"));
    let policy = |domain: &str| config.peers.for_domain(&domain.parse().unwrap()).private_addresses;
    assert_eq!((policy("lan.example"), policy("other.example")), (Some(true), None));
    let found = mistakes_with("[[peer]]\nname = 'a.example'\naddress = '127.0.0.1:5299'\n");
    assert!(found[0].contains("127.0.0.1:5299 is Refrain itself"), "{found:?}");
}

#[test]
fn the_two_sides_may_not_meet() {
    let found = read(&LEAST.replace("127.0.0.1:5299", "[::]:5269")).1;
    assert_eq!(
        found,
        ["5: inside.listen: [::]:5269 is in outside.listen too; the two sides must not meet on one address"]
    );
    let found = read(&LEAST.replace("127.0.0.1:15269", "127.0.0.1:5299")).1;
    assert!(found[0].starts_with("9: domain[0].server: 127.0.0.1:5299 is Refrain itself"), "{found:?}");
}

#[test]
fn nobody_can_be_reached_at_no_port_or_at_no_address() {
    for nowhere in ["127.0.0.1:0", "0.0.0.0:5269", "[::]:5269"] {
        let found = mistakes_with(&format!("[[peer]]\nname = 'a.example'\naddress = '{nowhere}'\n"));
        assert!(found[0].contains("one cannot connect to this address"), "{nowhere}: {found:?}");
    }
}

#[test]
fn a_filter_in_no_chain_is_only_a_warning() {
    let config = good(&format!("{LEAST}[filter.idle]\ncomponent = 'builtin:spim'\n"));
    let warnings: Vec<String> = config.warnings.iter().map(Mistake::to_string).collect();
    assert_eq!(
        warnings,
        ["etc/refrain.toml:11: filter.idle: this filter is in no chain; name it in chain.inbound or chain.outbound"]
    );
}

#[test]
fn names_the_builtin_filters_when_there_is_no_such_one() {
    let found = mistakes_with("[chain]\ninbound = 'x'\n[filter.x]\ncomponent = 'builtin:spin'\n");
    assert_eq!(found, ["14: filter.x.component: there is no bundled filter \"spin\"; did you mean \"spim\"?"]);
    let found = mistakes_with("[chain]\ninbound = 'x'\n[filter.x]\ncomponent = 'builtin:antivirus'\n");
    assert!(found[0].contains("there are: file-transfer, hygiene, jid-policy, rate-limit, spim"), "{found:?}");
}

#[test]
fn a_bundled_filter_needs_no_description_and_no_component() {
    let config = good(&format!("{LEAST}[chain]\ninbound = ['jid-policy', 'spim']\n[filter.spim]\non-fault = 'open'\n"));
    let [policy, spim] = config.chains.inbound.as_slice() else { panic!() };
    assert_eq!(policy.component, ComponentSource::Builtin("jid-policy".into()));
    assert_eq!(policy.on_fault, OnFault::Closed.into());
    assert_eq!(spim.component, ComponentSource::Builtin("spim".into()));
    assert_eq!(spim.on_fault, OnFault::Open.into());
    let found = mistakes_with("[chain]\ninbound = 'own'\n[filter.own]\n");
    assert_eq!(found, ["13: filter.own.component: is missing; write \"builtin:NAME\" or the path of a component"]);
}

#[test]
fn a_chain_names_each_filter_once() {
    let found =
        mistakes_with("[chain]\ninbound = ['x', 'x']\noutbound = ['x']\n[filter.x]\ncomponent = 'builtin:spim'\n");
    assert_eq!(found, ["12: chain.inbound[1]: \"x\" is in this chain already; name each filter once"]);
}

#[test]
fn reads_filters_in_the_order_of_the_chain() {
    let config = good(&format!(
        "{LEAST}[chain]\ninbound = ['b', 'a']\noutbound = 'a'\n\
         [filter.a]\ncomponent = 'builtin:spim'\n\
         [filter.b]\ncomponent = 'builtin:jid-policy'\non-fault = 'open'\ndeadline-ms = 9\nmemory-mib = 32\ngrants = 'accept'\n\
         [filter.b.settings]\nx = [1]\n"
    ));
    let [b, a] = config.chains.inbound.as_slice() else { panic!() };
    assert_eq!((b.name.as_str(), a.name.as_str()), ("b", "a"));
    assert_eq!(b.component, ComponentSource::Builtin("jid-policy".into()));
    assert_eq!(b.on_fault, OnFault::Open.into());
    assert_eq!((b.limits.deadline_ms, b.limits.memory_bytes), (Some(9), Some(32 << 20)));
    assert_eq!((b.grants.as_ref().unwrap().to_string(), &a.grants), ("accept".to_owned(), &None));
    assert_eq!(b.settings.to_string(), r#"{"x":[1]}"#);
    assert_eq!(a.settings.to_string(), "{}");
    assert_eq!(config.chains.outbound.len(), 1);
}

#[test]
fn reads_lists_and_grants_them_by_name() {
    let config = good(&format!(
        "{LEAST}[chain]\ninbound = 'x'\n[filter.x]\ncomponent = 'builtin:spim'\ngrants = ['list:bad', 'bucket:seen']\n\
         [list.bad]\nentries = ['*.evil.example since May', 'eve@x.example']\n"
    ));
    assert_eq!(config.lists["bad"].own.text(), "*.evil.example since May\neve@x.example\n");
    assert_eq!(config.chains.inbound[0].grants.as_ref().unwrap().to_string(), "list:bad, bucket:seen");
}

#[test]
fn a_grant_of_no_kind_or_of_no_list_is_named() {
    let found = mistakes_with(
        "[chain]\ninbound = 'x'\n[filter.x]\ncomponent = 'builtin:spim'\n\
         grants = ['list:spamers', 'lists:spammers', 'redirects']\n[list.spammers]\nfile = 'none.txt'\n[list.empty]\n",
    );
    let expected = [
        "15: filter.x.grants[0]: there is no list \"spamers\"; describe it in [list.spamers]; did you mean \"spammers\"?",
        "15: filter.x.grants[1]: there is no grant \"lists:spammers\"; did you mean \"list:NAME\"?",
        "15: filter.x.grants[2]: there is no grant \"redirects\"; did you mean \"redirect\"?",
        "17: list.spammers.file: etc/none.txt: No such file",
        "18: list.empty.file: is missing; write entries",
    ];
    for (found, expected) in found.iter().zip(expected) {
        assert!(found.starts_with(expected), "{found}\nis not\n{expected}");
    }
    assert_eq!(found.len(), expected.len(), "{found:#?}");
}

#[test]
fn reads_whose_lists_are_taken_over() {
    let config = good(&format!(
        "{LEAST}[state]\ndirectory = 'state'\n[access]\ndeny-lists = 'bad'\nallow = '192.0.2.1'\n\
         [list.bad]\nquorum = 3\npreview = true\nexcept = ['friend.example']\n\
         [[list.bad.https]]\nurl = 'https://lists.example/bad.txt?key'\nweight = 2\nrefresh-minutes = 5\n\
         [[list.bad.pubsub]]\nservice = 'xmppbl.org'\nnode = 'muc_bans_sha256'\nas = 'example.org'\n"
    ));
    assert!(config.warnings.is_empty(), "{}", config.warnings);
    let list = &config.lists["bad"];
    assert_eq!((list.quorum, list.mode, list.except.len()), (3, refrain_filter::Mode::Preview, 1));
    let labels: Vec<String> = list.sources.iter().map(super::ListSource::label).collect();
    assert_eq!(labels, ["lists.example/bad.txt#2c70e1", "xmppbl.org/muc_bans_sha256"]);
    let super::Origin::Pubsub(pubsub) = &list.sources[1].origin else { panic!() };
    assert_eq!(pubsub.form, super::Form::Sha256);
}

#[test]
fn a_service_is_not_one_of_the_hosted_domains() {
    let found = mistakes_with("[[list.own.pubsub]]\nservice = 'example.org'\nnode = 'n'\n");
    assert!(found[0].contains("list.own.pubsub: the service example.org is one of your own domains"), "{found:#?}");
}

#[test]
fn what_is_wrong_with_a_source_is_said_where_it_stands() {
    let found = mistakes_with(
        "[access]\ndeny-lists = ['bat']\n[list.bad]\nquorum = 5\n\
         [[list.bad.https]]\nurl = 'http://lists.example/'\n\
         [[list.bad.https]]\nurl = 'https://lists.example/'\nweight = 3\nrefresh-minutes = 120\nstale-hours = 1\nca-file = 'none.pem'\n\
         [[list.bad.pubsub]]\nservice = 'a@@b'\nform = 'md5'\nas = 'other.example'\n\
         [[list.bad.pubsub]]\nservice = 'x.example'\nnode = 'n'\nas = 'other.example'\n[[list.bad.http]]\n",
    );
    let expected = [
        "12: access.deny-lists[0]: there is no list \"bat\"; describe it in [list.bat]; did you mean \"bad\"?",
        "14: list.bad.quorum: is 5, and all sources together weigh 4",
        "16: list.bad.https[0].url: \"http://lists.example/\": does not begin with https://; write it as in",
        "21: list.bad.https[1].stale-hours: is less than a quarter longer than refresh-minutes",
        "22: list.bad.https[1].ca-file: there is no file etc/none.pem",
        "24: list.bad.pubsub[0].service: \"a@@b\": ",
        "23: list.bad.pubsub[0].node: is missing",
        "25: list.bad.pubsub[0].form: \"md5\": is no form",
        "23: list.bad.pubsub: asks as other.example, which is in no [[domain]]",
        "31: list.bad.http: there is no such key",
    ];
    for expected in expected {
        assert!(found.iter().any(|found| found.starts_with(expected)), "{expected}\nis not in {found:#?}");
    }
    assert_eq!(found.len(), expected.len(), "{found:#?}");
}

#[test]
fn a_fault_policy_may_name_causes_and_a_filter_its_circuit_and_isolation() {
    let with = |more: &str| format!("{LEAST}[chain]\ninbound = 'x'\n[filter.x]\ncomponent = 'builtin:spim'\n{more}");
    let config = good(&with(
        "on-fault = { default = 'open', out-of-time = 'closed' }\ncircuit = { failures = 3, pause-seconds = 1 }\nisolation = 'peer'\n",
    ));
    let x = &config.chains.inbound[0];
    let policy = FaultPolicy::from(OnFault::Open).with(Fault::OutOfTime.cause(), OnFault::Closed);
    assert_eq!((x.on_fault, x.isolation), (policy, Isolation::Peer));
    assert_eq!(
        (x.circuit.failures, x.circuit.window, x.circuit.pause),
        (3, Duration::from_secs(60), Duration::from_secs(1))
    );
    let found = mistakes_with(
        "[chain]\ninbound = 'x'\n[filter.x]\ncomponent = 'builtin:spim'\non-fault = { out-of-tme = 'open' }\nisolation = 'domain'\n",
    );
    assert_eq!(
        found,
        [
            "15: filter.x.on-fault.out-of-tme: there is no such key; did you mean \"out-of-time\"?",
            "16: filter.x.isolation: \"domain\": there is no such isolation; write \"worker\" (fast), \"peer\" (remote domains \
             apart) or \"stanza\" (all apart, slow)",
        ]
    );
}

#[test]
fn what_is_written_wins_over_what_a_component_proposes() {
    let proposed = FilterLimits { deadline_ms: 20, ..FilterLimits::default() };
    let written = WrittenLimits { deadline_ms: None, memory_bytes: Some(1 << 20) };
    let limits = written.over(proposed);
    assert_eq!((limits.deadline_ms, limits.memory_bytes), (20, 1 << 20));
}

#[test]
fn limits_are_read_one_by_one() {
    let config = good(&format!("{LEAST}[limits]\nqueue-seconds = 5\nconnections-max = 7\n"));
    let expected = Limits { queue_timeout: Duration::from_secs(5), connections_max: 7, ..Limits::default() };
    assert_eq!(config.limits, expected);
}

#[test]
fn later_stages_find_the_line_of_any_key() {
    let config = good(&format!(
        "{LEAST}[chain]\ninbound = 'x'\n[filter.x]\ncomponent = 'builtin:spim'\n[filter.x.settings]\nlist = [\n  {{ a = 1 }},\n  {{ a = 2 }},\n]\n"
    ));
    let line = |key: &str| config.places.mistake(key, "", "").line;
    assert_eq!(line("filter.x.settings.list[1].a"), Some(18));
    assert_eq!(line("filter.x.settings.list[1].b"), Some(18));
    assert_eq!(line("filter.x.settings.absent"), Some(15));
}

#[test]
fn the_same_socket_by_another_path_needs_no_restart() {
    let text = format!("{LEAST}[admin]\nsocket = 'refrain.sock'\n");
    let here = std::env::current_dir().unwrap();
    let read = |path: &Path| Config::parse(&text, path).unwrap().0;
    let (relative, absolute) = (read(Path::new("refrain.toml")), read(&here.join("candidate.toml")));
    assert!(absolute.needs_restart_after(&relative).is_empty());
    assert_eq!(read(Path::new("etc/refrain.toml")).needs_restart_after(&relative).len(), 1);
}

#[test]
fn a_peer_may_have_rates_of_its_own() {
    let config = good(&format!(
        "{LEAST}[limits]\nstanzas-per-second = 50\n[[peer]]\nname = 'hoster.example'\nbytes-per-second = 9999999\n"
    ));
    let rates = |domain: &str| config.rates_of(&domain.parse().unwrap());
    assert_eq!(rates("hoster.example"), Rates { stanzas_per_second: 50, bytes_per_second: 9_999_999 });
    assert_eq!(rates("other.example"), Rates { stanzas_per_second: 50, ..Rates::default() });
}

#[test]
fn who_may_connect_is_checked_range_by_range() {
    let found = mistakes_with(
        "[access]\ndeny = ['192.0.2.0/24', '10.0.0.1/8']\nallow = ['192.0.2.7', '198.51.100.0/24']\nproxy = '127.0.0.1'\n",
    );
    assert_eq!(
        found,
        [
            "12: access.deny[1]: \"10.0.0.1/8\": has bits behind its prefix; the range is 10.0.0.0/8; write an address or a range, \
             as in \"192.0.2.7\", \"192.0.2.0/24\" or \"2001:db8::/32\"",
            "13: access.allow: 198.51.100.0/24 is in no range of deny, so it would change nothing; allow makes exceptions to \
             deny: to let nobody else in, write deny = [\"0.0.0.0/0\", \"::/0\"]",
            "14: access.proxy: there is no such key; there are: allow, deny, deny-lists, proxy-protocol",
        ]
    );
}

#[test]
fn who_knows_whom_is_learned_unless_that_is_switched_off() {
    assert_eq!(good(LEAST).relations, Relations { enabled: true, ttl_days: 180, pairs_max: 400_000 });
    assert!(!good(&format!("{LEAST}[relations]\nenabled = false\n")).relations.enabled);
    let found = mistakes_with("[relations]\nttl-days = 0\npairs = 5\n");
    assert!(found.len() == 2 && found[0].contains("relations.ttl-days") && found[1].contains("pairs-max"), "{found:?}");
}
