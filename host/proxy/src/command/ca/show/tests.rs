//! The pages name what the configuration says, and nothing that it does not.

use std::path::Path;

use super::*;

const CONFIG: &str = "\
[outside]
listen = ['192.0.2.1:5269']
resolver = 'system'
[inside]
listen = ['127.0.0.2:5269']
authority = '/etc/refrain/inside-ca.pem'
[inside.dns]
listen = '127.0.0.1:15353'
[[domain]]
name = 'example.org'
server = '127.0.0.1:15269'
certificate = 'example.org.pem'
[[domain]]
name = 'rooms.example.org'
server = '127.0.0.1:15269'
certificate = 'example.org.pem'
[[domain]]
name = 'example.net'
server = '[::1]:25269'
certificate = 'example.net.pem'
server-certificate = 'server.pem'
";

fn config(text: &str) -> Config {
    let (config, mistakes) = Config::parse(text, Path::new("/etc/refrain/refrain.toml")).unwrap();
    assert!(mistakes.is_empty(), "{mistakes}");
    config
}

/// The page for the server of one domain.
fn page(kind: Kind, text: &str, domain: &str) -> Result<String, String> {
    let config = config(text);
    let sites = sites(&config, Some(&Domain::parse(domain).unwrap()))?;
    let [site] = sites.as_slice() else { panic!("one server hosts {domain}") };
    kind.guide(site).map(|guide| guide.to_string())
}

fn assert_says(page: &str, expected: &[&str]) {
    for expected in expected {
        assert!(page.contains(expected), "{expected}\nis not in\n{page}");
    }
}

#[test]
fn every_protected_server_has_its_page_and_the_domains_it_hosts() {
    let config = config(CONFIG);
    let titles: Vec<String> = sites(&config, None).unwrap().iter().map(|site| site.title("Prosody")).collect();
    assert_eq!(
        titles,
        ["Prosody at 127.0.0.1:15269, for example.org, rooms.example.org", "Prosody at [::1]:25269, for example.net"]
    );
    let unknown = page(Kind::Prosody, CONFIG, "example.com").unwrap_err();
    assert_eq!(unknown, "example.com is in no [[domain]] of /etc/refrain/refrain.toml");
}

#[test]
fn prosody_trusts_our_authority_and_not_the_systems_beside_it() {
    let page = page(Kind::Prosody, CONFIG, "example.org").unwrap();
    assert_says(
        &page,
        &[
            "\ns2s_ports = { 15269 }\ns2s_interfaces = { \"127.0.0.1\" }\n",
            "s2s_ssl = { cafile = \"/etc/refrain/inside-ca.pem\"; capath = false }",
            "forward = { \"127.0.0.1@15353\" };",
            "keep \"dialback\" in modules_enabled",
            "What else it trusts:",
        ],
    );
}

#[test]
fn ejabberd_finds_services_at_the_name_server_and_their_host_in_its_file() {
    let page = page(Kind::Ejabberd, CONFIG, "example.net").unwrap();
    assert_says(
        &page,
        &[
            "    port: 25269\n    ip: \"::1\"\n",
            "s2s_cafile: \"/etc/refrain/inside-ca.pem\"",
            "{resolv_conf, \"\"}.\n{nameserver, {127,0,0,1}, 15353}.\n",
            "\n127.0.0.2 refrain.internal\n",
            "  mod_s2s_dialback: {}\n",
        ],
    );
    assert!(!page.contains("server-certificate ="), "the configuration has it already: {page}");
    let page = super::tests::page(Kind::Ejabberd, CONFIG, "example.org").unwrap();
    assert_says(&page, &["server-certificate = \"/etc/refrain/ejabberd.crt\""]);
    let local = CONFIG.replace("127.0.0.2:5269", "127.0.0.1:5299").replace("15353'", "15353'\nname = 'localhost'");
    let page = super::tests::page(Kind::Ejabberd, &local, "example.net").unwrap();
    assert!(!page.contains("/etc/hosts"), "everybody knows where localhost is: {page}");
}

#[test]
fn jabberd2_takes_the_name_server_from_its_environment() {
    let page = page(Kind::Jabberd2, CONFIG, "example.org").unwrap();
    assert_says(
        &page,
        &[
            "<port>15269</port>",
            "Environment=NAMESERVERS=127.0.0.1 RES_OPTIONS=port:15353",
            "subjectAltName=DNS:example.org,DNS:rooms.example.org",
            "Dialback alone",
            "Refrain would ask itself",
        ],
    );
}

#[test]
fn openfire_is_led_by_its_own_override() {
    let without = CONFIG.replace("[inside.dns]\nlisten = '127.0.0.1:15353'\n", "");
    let page_without = page(Kind::Openfire, &without, "example.org").unwrap();
    assert_says(&page_without, &["{*,127.0.0.2:5269}", "keytool -importcert", "has not been tried"]);
    let six = without.replace("127.0.0.2:5269", "[::2]:5269");
    assert!(page(Kind::Openfire, &six, "example.org").unwrap_err().contains("IPv6"));
}

#[test]
fn mongooseim_is_led_by_name_server_or_domain_by_domain() {
    let page_with = page(Kind::Mongooseim, CONFIG, "example.org").unwrap();
    assert_says(
        &page_with,
        &["port = 15269", "{lookup, [\"file\", \"dns\"]}.", "{nameserver, {127,0,0,1}, 15353}.", "has not been tried"],
    );
    let without = CONFIG.replace("[inside.dns]\nlisten = '127.0.0.1:15353'\n", "");
    let page_without = page(Kind::Mongooseim, &without, "example.org").unwrap();
    assert_says(&page_without, &["ip_address = \"127.0.0.2\", port = 5269"]);
}

#[test]
fn a_server_that_needs_the_name_server_says_so_where_there_is_none() {
    let without = CONFIG.replace("[inside.dns]\nlisten = '127.0.0.1:15353'\n", "");
    for kind in [Kind::Prosody, Kind::Ejabberd, Kind::Jabberd2] {
        let problem = page(kind, &without, "example.org").unwrap_err();
        assert!(problem.contains("[inside.dns] is missing") && problem.contains("listen = "), "{problem}");
    }
}
