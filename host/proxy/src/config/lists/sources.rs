//! `[[list.NAME.https]]` and `[[list.NAME.pubsub]]`: lists of others.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use refrain_proto::{Domain, Jid};

use super::ListConfigs;
use crate::config::file::Section;
use crate::net::url::HttpsUrl;

/// Each is one bit of a mask while they are combined.
const SOURCES_MAX: usize = 32;
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);
/// Lists of spammers change by the hour; their servers are somebody's favour.
const REFRESH_MINUTES: u64 = 60;
const STALE_HOURS: u64 = 24;
/// 200,000 addresses.
const BYTES_MAX: u64 = 8 << 20;

/// A list of somebody else's, as one of ours uses it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListSource {
    /// What its entries count towards the quorum.
    pub weight: u32,
    /// For how long nothing may be heard of it.
    pub stale_after: Duration,
    /// Where it is.
    pub origin: Origin,
}

/// Where a list of somebody else's is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// A text, fetched now and then.
    Https(HttpsSource),
    /// A node of a publish-subscribe service (XEP-0060), which tells what changes.
    Pubsub(PubsubSource),
}

/// `[[list.NAME.https]]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpsSource {
    /// Its address.
    pub url: HttpsUrl,
    /// How often it is asked for.
    pub refresh: Duration,
    /// More than this is not read.
    pub bytes_max: u64,
    /// Who may vouch for the server; without it, whoever may vouch for remote servers.
    pub ca_file: Option<PathBuf>,
}

/// `[[list.NAME.pubsub]]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PubsubSource {
    /// The service.
    pub service: Jid,
    /// The node.
    pub node: String,
    /// What the ids of its items are.
    pub form: Form,
    /// The hosted domain that subscribes; without it, the first.
    pub asks_as: Option<Domain>,
}

/// What the ids of a node's items are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Hexadecimal SHA-256 of bare addresses and domains.
    Sha256,
    /// Addresses, domains or networks as they are.
    Plain,
}

impl ListSource {
    /// Tells it from any other; two lists that name the same one share what it offers.
    pub fn id(&self) -> String {
        match &self.origin {
            Origin::Https(https) => https.url.to_string(),
            Origin::Pubsub(pubsub) => format!("xmpp:{}?;node={}", pubsub.service, pubsub.node),
        }
    }

    /// What it is called in logs and notes.
    pub fn label(&self) -> String {
        match &self.origin {
            Origin::Https(https) => https.url.label(),
            Origin::Pubsub(pubsub) => format!("{}/{}", pubsub.service, pubsub.node),
        }
    }
}

pub(super) fn read(list: &Section<'_>) -> Vec<ListSource> {
    let https = list.sections("https").into_iter().filter_map(|section| read_https(&section));
    let pubsub = list.sections("pubsub").into_iter().filter_map(|section| read_pubsub(&section));
    let sources: Vec<ListSource> = https.chain(pubsub).collect();
    for (index, source) in sources.iter().enumerate() {
        // By the label: logs and metrics must tell them apart, too.
        if sources[..index].iter().any(|other| other.label() == source.label()) {
            let advice = "name each source once; what it shall count is its weight";
            let key = match source.origin {
                Origin::Https(_) => "https",
                Origin::Pubsub(_) => "pubsub",
            };
            list.mistake(key, format!("{} is a source of this list twice", source.label()), advice);
        }
    }
    if sources.len() > SOURCES_MAX {
        list.mistake("https", format!("{} sources", sources.len()), format!("a list has at most {SOURCES_MAX}"));
    }
    sources.into_iter().take(SOURCES_MAX).collect()
}

fn read_https(section: &Section<'_>) -> Option<ListSource> {
    section.knows(&["url", "weight", "refresh-minutes", "stale-hours", "bytes-max", "ca-file"]);
    section
        .requires("url", "write the address of a text with one entry a line: url = \"https://lists.example/spam.txt\"");
    let refresh = MINUTE * section.number("refresh-minutes", 1..=10_080).unwrap_or(REFRESH_MINUTES) as u32;
    let stale_after = stale_after(section);
    // A pause is up to a tenth longer than it says, and an answer takes its time.
    if stale_after < refresh * 5 / 4 {
        let problem = "is less than a quarter longer than refresh-minutes: the list would be stale now and then, before it is \
                       asked for again";
        section.mistake(
            if section.has("stale-hours") { "stale-hours" } else { "refresh-minutes" },
            problem,
            "write more hours, or fewer minutes",
        );
    }
    let ca_file = section.path("ca-file");
    if let Some(path) = ca_file.as_ref().filter(|path| !path.is_file()) {
        section.mistake(
            "ca-file",
            format!("there is no file {}", path.display()),
            "write a path relative to this file",
        );
    }
    let url = section.parsed("url", HttpsUrl::parse, "write it as in \"https://lists.example/spam.txt\"")?;
    let bytes_max = section.number("bytes-max", 1_000..=64 << 20).unwrap_or(BYTES_MAX);
    let origin = Origin::Https(HttpsSource { url, refresh, bytes_max, ca_file });
    Some(ListSource { weight: weight(section), stale_after, origin })
}

fn read_pubsub(section: &Section<'_>) -> Option<ListSource> {
    section.knows(&["service", "node", "form", "as", "weight", "stale-hours"]);
    section.requires("service", "write the address of the service: service = \"xmppbl.org\"");
    section.requires("node", "write the name of the node: node = \"muc_bans_sha256\"");
    let service = section.parsed("service", Jid::parse, "write it as in \"xmppbl.org\"");
    let node = section.text("node").filter(|node| !node.is_empty());
    if section.text("node") == Some("") {
        section.mistake("node", "is empty", "write the name of the node");
    }
    let asks_as = section.parsed("as", Domain::parse, "write one of the domains in [[domain]]");
    let (weight, stale_after) = (weight(section), stale_after(section));
    let form = section.parsed("form", parse_form, "write \"sha256\" or \"plain\"");
    let (service, node) = (service?, node?.to_owned());
    let form = form.unwrap_or(if node.ends_with("sha256") { Form::Sha256 } else { Form::Plain });
    Some(ListSource { weight, stale_after, origin: Origin::Pubsub(PubsubSource { service, node, form, asks_as }) })
}

fn parse_form(text: &str) -> Result<Form, &'static str> {
    match text {
        "sha256" => Ok(Form::Sha256),
        "plain" => Ok(Form::Plain),
        _ => Err("is no form"),
    }
}

fn weight(section: &Section<'_>) -> u32 {
    section.number("weight", 1..=1_000).and_then(|weight| u32::try_from(weight).ok()).unwrap_or(1)
}

fn stale_after(section: &Section<'_>) -> Duration {
    HOUR * section.number("stale-hours", 1..=8_760).unwrap_or(STALE_HOURS) as u32
}

/// A service is asked over the streams that stanzas take, from one side to the other.
fn check_pubsub(root: &Section<'_>, list: &str, pubsub: &PubsubSource, hosted: &[Domain]) {
    let key = format!("list.{list}.pubsub");
    if let Some(domain) = pubsub.asks_as.as_ref().filter(|domain| !hosted.contains(domain)) {
        let problem = format!("asks as {domain}, which is in no [[domain]]");
        root.mistake(&key, problem, "write one of the hosted domains, or leave `as` out");
    }
    if hosted.contains(&pubsub.service.to_domain()) {
        let problem = format!("the service {} is one of your own domains", pubsub.service);
        root.mistake(
            &key,
            problem,
            "follow services of the federated world; for your own entries there is file = \"…\"",
        );
    }
}

/// A source is asked once, whoever names it: it cannot be asked in two ways.
fn check_same(root: &Section<'_>, lists: &ListConfigs) {
    let mut described: BTreeMap<String, (&str, &Origin)> = BTreeMap::new();
    let all = lists.iter().flat_map(|(name, list)| list.sources.iter().map(move |source| (name.as_str(), source)));
    for (name, source) in all {
        let (first, origin) = *described.entry(source.id()).or_insert((name, &source.origin));
        if *origin != source.origin {
            let (kind, keys) = match &source.origin {
                Origin::Https(_) => ("https", "refresh-minutes, bytes-max and ca-file"),
                Origin::Pubsub(_) => ("pubsub", "form and as"),
            };
            let problem = format!("{} is described in another way in list.{first}", source.label());
            root.mistake(&format!("list.{name}.{kind}"), problem, format!("write the same {keys} in both"));
        }
    }
}

/// Checks what no list can check alone.
pub(super) fn check_across(root: &Section<'_>, lists: &ListConfigs) {
    let hosted: Vec<Domain> =
        root.sections("domain").iter().filter_map(|domain| Domain::parse(domain.text("name")?).ok()).collect();
    for (name, list) in lists {
        let pubsub = list.sources.iter().filter_map(|source| match &source.origin {
            Origin::Pubsub(pubsub) => Some(pubsub),
            Origin::Https(_) => None,
        });
        pubsub.for_each(|pubsub| check_pubsub(root, name, pubsub, &hosted));
    }
    check_same(root, lists);
    let is_resolved = root.section("outside").is_some_and(|outside| outside.has("resolver"));
    for (name, list) in lists.iter().filter(|_| !is_resolved) {
        let named = |source: &&ListSource| matches!(&source.origin, Origin::Https(https) if https.url.host().parse::<IpAddr>().is_err());
        if let Some(source) = list.sources.iter().find(named) {
            let problem = format!("{} has to be looked up, and there is no outside.resolver", source.label());
            root.mistake(
                &format!("list.{name}.https"),
                problem,
                "write resolver = [\"127.0.0.1:53\"] or \"system\" in [outside]",
            );
        }
    }
    if lists.values().any(|list| !list.sources.is_empty()) && !root.has("state") {
        let problem =
            "lists of others are not kept without [state]: after a start they are empty until their sources answer";
        root.findings().warning("list", problem, "write [state] with a directory");
    }
}
