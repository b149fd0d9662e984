//! Block lists that real servers publish, followed by the proxy over real streams, and what becomes of the listed.

#![expect(clippy::unwrap_used, reason = "the helpers of a test fail the test")]

use std::{
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use refrain_tests::{
    authority::{Authority, Identity},
    block_list::BlockList,
    client::{Client, body_of},
    dns::{Responder, Zone},
    internet::{AWAY, HOME},
    process::free_address,
    refrain::{HostedDomain, InsideDns, Refrain, RunningRefrain, binary},
    server::{RunningServer, Software, Trust, are_installed},
};
use tempfile::TempDir;
use tokio::time::sleep;

const NODE: &str = "spam_source_domains";
const HASHES: &str = "muc_bans_sha256";
/// printf eve@away.example | sha256sum
const EVE: &str = "0b5251b77e6ee569d985dc35c0ef991f612fb476ca70c9895acc62d5bce56581";

/// An event crosses two servers in milliseconds; lists are made anew once a second.
const SECONDS: Duration = Duration::from_secs(10);
/// A service that was gone is asked again after a pause that grows.
const RETURN: Duration = Duration::from_secs(90);

/// A protected server, the proxy, a server of the world, and services that publish lists.
struct World {
    _home: RunningServer,
    _away: RunningServer,
    lists: Vec<BlockList>,
    plan: Refrain,
    refrain: Option<RunningRefrain>,
    /// Tells the services where everybody is.
    world: Responder,
    /// Tells them that nobody is anywhere.
    nowhere: Responder,
    state: TempDir,
    alice: Client,
    eve: Client,
    bob: Client,
    messages: usize,
}

impl World {
    /// Starts all but the services and the proxy.
    async fn new(services: &[Software], list: impl FnOnce(&[BlockList]) -> String) -> Self {
        let public = Authority::new("Public test authority");
        let inside_authority = Authority::new("Inside test authority");
        let trust = |domains: &[&str]| Trust {
            identity: public.issue(domains),
            authorities: public.pem(),
            certificates_required: true,
        };
        let service = |(index, software): (usize, &Software)| {
            let domain = format!("rtbl{index}.example");
            let names = [domain.clone(), format!("lists.{domain}")];
            BlockList::new(*software, &domain, trust(&names.each_ref().map(String::as_str)))
        };
        let lists: Vec<BlockList> = services.iter().enumerate().map(service).collect();
        let home_identity = Identity::self_signed(&HOME);
        let home_certificate = home_identity.certificate.clone();
        let home_trust =
            Trust { identity: home_identity, authorities: inside_authority.pem(), certificates_required: true };
        let home = Software::Prosody.plan(HOME[0], &["alice"], home_trust);
        let away = Software::Prosody.plan(AWAY[0], &["bob", "eve"], trust(&AWAY));
        let (outside, inside) = Refrain::listeners();
        // ejabberd asks the system for addresses, which knows this one.
        let mut zone = Zone::default().on_host("localhost.");
        for (domain, address) in [(HOME[0], outside), (AWAY[0], away.server_address())] {
            zone = zone.with(domain, address);
        }
        for list in &lists {
            zone = zone.with(&list.service(), list.server_address());
        }
        let (world, nowhere) = (Responder::start(zone), Responder::start(Zone::default()));
        let inside_dns = InsideDns { listen: free_address(), name: "refrain.internal" };
        let state = tempfile::tempdir().unwrap();
        let plan = Refrain {
            outside,
            outside_tls: None,
            inside,
            resolver: world.address(),
            inside_dns: Some(inside_dns),
            roots: public.pem(),
            authority: inside_authority,
            domains: vec![HostedDomain {
                name: HOME[0].to_owned(),
                server: home.server_address(),
                identity: public.issue(&[HOME[0]]),
                server_certificate: Some(home_certificate),
            }],
            rest: format!("{CHAIN}{}\n{}", list(&lists), state_in(state.path())),
        };
        let (home, away) = (home.start(inside_dns.listen), away.start(world.address()));
        let login = async |user: &str, server: &RunningServer| Client::login(user, server.client_address()).await;
        let alice = login("alice@home.example", &home).await;
        let (bob, eve) = (login("bob@away.example", &away).await, login("eve@away.example", &away).await);
        World {
            _home: home,
            _away: away,
            lists,
            plan,
            refrain: None,
            world,
            nowhere,
            state,
            alice,
            eve,
            bob,
            messages: 0,
        }
    }

    /// Starts the services, with an empty node each.
    async fn publish_nothing(&mut self, node: &str) {
        for list in &mut self.lists {
            list.start(self.world.address()).await;
            list.create(node).await;
        }
    }

    fn start_refrain(&mut self) {
        self.refrain = Some(self.plan.start());
    }

    fn log(&self) -> String {
        self.refrain.as_ref().map(RunningRefrain::log).unwrap_or_default()
    }

    /// What `refrain list` says.
    fn told_of_lists(&self) -> serde_json::Value {
        let socket = self.state.path().join("refrain.sock");
        let told = Command::new(binary()).args(["list", "--json", "--socket"]).arg(socket).output().unwrap();
        serde_json::from_slice(&told.stdout).unwrap_or_else(|error| panic!("{error}: {told:?}"))
    }

    /// Waits until each service has a subscriber, and the proxy all its items.
    async fn synced(&self, times: usize) {
        let begin = Instant::now();
        while self.log().matches("all entries are here").count() < times {
            assert!(begin.elapsed() < RETURN, "not synced {times} times in\n{}", self.log());
            sleep(Duration::from_millis(50)).await;
        }
    }

    /// Whether a message of eve's arrives; if not, she is told.
    async fn eve_gets_through(&mut self) -> bool {
        self.messages += 1;
        let body = format!("message {}", self.messages);
        self.eve
            .send(&format!("<message to='{}' type='chat' id='{body}'><body>{body}</body></message>", self.alice.jid()));
        let begin = Instant::now();
        while begin.elapsed() < SECONDS {
            let arrived = self.alice.stanzas().iter().any(|stanza| body_of(stanza).as_deref() == Some(&body));
            let refused = self.eve.stanzas().iter().any(|stanza| stanza.attr("id") == Some(&body));
            if arrived || refused {
                assert!(arrived != refused);
                return arrived;
            }
            sleep(Duration::from_millis(20)).await;
        }
        panic!("{body} neither arrived nor came back\n{}", self.log());
    }

    /// Writes until it is so.
    async fn eve_soon_gets_through(&mut self, expected: bool, patience: Duration) {
        let begin = Instant::now();
        while self.eve_gets_through().await != expected {
            assert!(begin.elapsed() < patience, "eve gets through: {}\n{}", !expected, self.log());
            sleep(Duration::from_millis(200)).await;
        }
        println!("eve gets through: {expected}, after {:.1} s", begin.elapsed().as_secs_f32());
    }

    async fn bob_gets_through(&mut self) {
        self.messages += 1;
        let body = format!("message {}", self.messages);
        self.bob.send(&format!("<message to='{}' type='chat'><body>{body}</body></message>", self.alice.jid()));
        self.alice.expect_message(&body).await;
    }
}

const CHAIN: &str = r#"
[chain]
inbound = ["jid-policy"]
[filter.jid-policy]
component = "builtin:jid-policy"
deadline-ms = 1000
[filter.jid-policy.settings]
deny = [{ name = "listed", outside = "list:spammers", direction = "inbound" }]
"#;

/// What outlives a proxy, and where it is asked.
fn state_in(folder: &Path) -> String {
    format!("[state]\ndirectory = {folder:?}\n[admin]\nsocket = {:?}\n", folder.join("refrain.sock"))
}

/// `[list.spammers]`, with a source for each service.
fn spammers(rest: &str, node: &str, services: &[BlockList]) -> String {
    let source =
        |list: &BlockList| format!("[[list.spammers.pubsub]]\nservice = \"{}\"\nnode = \"{node}\"\n", list.service());
    format!("[list.spammers]\n{rest}\n{}", services.iter().map(source).collect::<String>())
}

async fn what_is_published_counts_within_seconds(software: Software) {
    if !are_installed(&[Software::Prosody, software]) {
        return;
    }
    let mut world = World::new(&[software], |lists| spammers("", NODE, lists)).await;
    world.publish_nothing(NODE).await;
    world.start_refrain();
    world.synced(1).await;
    assert_eq!(world.lists[0].subscribers(NODE).await, ["home.example/refrain-lists"]);
    assert!(world.eve_gets_through().await);

    world.lists[0].publish(NODE, "eve@away.example").await;
    world.eve_soon_gets_through(false, SECONDS).await;
    world.bob_gets_through().await;
    world.lists[0].retract(NODE, "eve@away.example").await;
    world.eve_soon_gets_through(true, SECONDS).await;
    world.lists[0].publish(NODE, "away.example").await;
    world.eve_soon_gets_through(false, SECONDS).await;
    world.lists[0].purge(NODE).await;
    world.eve_soon_gets_through(true, SECONDS).await;
    world.lists[0].publish(NODE, "Eve@AWAY.example").await;
    world.eve_soon_gets_through(false, SECONDS).await;
    // ejabberd tells of it only where `pubsub#notify_delete` is set.
    if software == Software::Prosody {
        world.lists[0].delete(NODE).await;
        world.eve_soon_gets_through(true, SECONDS).await;
    }
    let nobody =
        world.alice.stanzas().iter().any(|stanza| stanza.attr("from").is_some_and(|from| from.contains("rtbl")));
    assert!(!nobody, "what the service says is for nobody else");
}

#[tokio::test]
async fn what_prosody_publishes_counts_within_seconds() {
    what_is_published_counts_within_seconds(Software::Prosody).await;
}

#[tokio::test]
async fn what_ejabberd_publishes_counts_within_seconds() {
    what_is_published_counts_within_seconds(Software::Ejabberd).await;
}

async fn a_long_list_of_hashes_is_fetched_whole(software: Software) {
    if !are_installed(&[Software::Prosody, software]) {
        return;
    }
    let mut world = World::new(&[software], |lists| spammers("", HASHES, lists)).await;
    world.publish_nothing(HASHES).await;
    for number in 0..250 {
        world.lists[0].publish(HASHES, &format!("{number:064x}")).await;
    }
    world.lists[0].publish(HASHES, EVE).await;
    world.lists[0].publish(HASHES, "not-a-hash.example").await;
    world.start_refrain();
    world.synced(1).await;
    let log = world.log();
    let line = log.lines().find(|line| line.contains("all entries are here")).unwrap();
    assert!(line.contains("\"entries\":251") && line.contains("\"skipped\":1"), "{line}");
    world.eve_soon_gets_through(false, SECONDS).await;
    world.lists[0].retract(HASHES, EVE).await;
    world.eve_soon_gets_through(true, SECONDS).await;
}

#[tokio::test]
async fn a_long_list_of_prosodys_is_fetched_whole() {
    a_long_list_of_hashes_is_fetched_whole(Software::Prosody).await;
}

#[tokio::test]
async fn a_long_list_of_ejabberds_is_fetched_page_by_page() {
    a_long_list_of_hashes_is_fetched_whole(Software::Ejabberd).await;
}

/// A service dies, changes its list while nobody hears of it, and returns.
async fn a_change_that_nobody_heard_of_counts_after_the_service_is_back(software: Software) {
    if !are_installed(&[Software::Prosody, software]) {
        return;
    }
    let mut world = World::new(&[software], |lists| spammers("", NODE, lists)).await;
    world.publish_nothing(NODE).await;
    world.lists[0].publish(NODE, "eve@away.example").await;
    world.start_refrain();
    world.synced(1).await;
    world.eve_soon_gets_through(false, SECONDS).await;
    world.lists[0].kill().await;
    world.lists[0].start(world.nowhere.address()).await;
    world.lists[0].retract(NODE, "eve@away.example").await;
    // With time for what might be on its way.
    world.lists[0].kill().await;
    assert!(!world.eve_gets_through().await, "last good is kept");
    world.lists[0].start(world.world.address()).await;
    world.eve_soon_gets_through(true, RETURN).await;
    world.lists[0].publish(NODE, "eve@away.example").await;
    world.eve_soon_gets_through(false, SECONDS).await;
    assert_eq!(world.lists[0].subscribers(NODE).await, ["home.example/refrain-lists"], "subscribed once");
}

#[tokio::test]
async fn a_change_that_nobody_heard_of_counts_after_prosody_is_back() {
    a_change_that_nobody_heard_of_counts_after_the_service_is_back(Software::Prosody).await;
}

#[tokio::test]
async fn a_change_that_nobody_heard_of_counts_after_ejabberd_is_back() {
    a_change_that_nobody_heard_of_counts_after_the_service_is_back(Software::Ejabberd).await;
}

#[tokio::test]
async fn two_services_of_different_make_reach_a_quorum_and_exceptions_win() {
    if !are_installed(&[Software::Prosody, Software::Ejabberd]) {
        return;
    }
    let rest = "quorum = 2\nexcept = [\"bob@away.example\"]";
    let mut world = World::new(&[Software::Prosody, Software::Ejabberd], |lists| spammers(rest, NODE, lists)).await;
    world.publish_nothing(NODE).await;
    world.start_refrain();
    world.synced(2).await;
    world.lists[0].publish(NODE, "eve@away.example").await;
    sleep(Duration::from_secs(3)).await;
    assert!(world.eve_gets_through().await, "one voice of two");
    world.lists[1].publish(NODE, "eve@away.example").await;
    world.eve_soon_gets_through(false, SECONDS).await;
    // Neither word is taken back by the other's.
    world.lists[0].retract(NODE, "eve@away.example").await;
    world.eve_soon_gets_through(true, SECONDS).await;
    for list in &mut world.lists {
        list.publish(NODE, "away.example").await;
    }
    world.eve_soon_gets_through(false, SECONDS).await;
    world.bob_gets_through().await;
}

#[tokio::test]
async fn a_preview_refuses_nothing() {
    if !are_installed(&[Software::Prosody]) {
        return;
    }
    let mut world = World::new(&[Software::Prosody], |lists| spammers("preview = true", NODE, lists)).await;
    world.publish_nothing(NODE).await;
    world.lists[0].publish(NODE, "eve@away.example").await;
    world.start_refrain();
    world.synced(1).await;
    sleep(Duration::from_secs(2)).await;
    assert!(world.eve_gets_through().await);
    assert!(world.eve_gets_through().await);
    let told = world.told_of_lists();
    assert_eq!((&told[0]["preview"], &told[0]["entries"]), (&true.into(), &1.into()), "{told}");
    assert!(told[0]["hits"].as_u64() >= Some(2), "{told}");
}

#[tokio::test]
async fn a_restart_while_the_service_is_down_keeps_the_last_good() {
    if !are_installed(&[Software::Prosody]) {
        return;
    }
    let mut world = World::new(&[Software::Prosody], |lists| spammers("", NODE, lists)).await;
    world.publish_nothing(NODE).await;
    world.lists[0].publish(NODE, "eve@away.example").await;
    world.start_refrain();
    world.synced(1).await;
    world.eve_soon_gets_through(false, SECONDS).await;
    world.lists[0].kill().await;
    let (status, account) = world.refrain.take().unwrap().drain();
    assert!(status.success() && account.lost == 0, "{status}: {account:?}");
    world.start_refrain();
    assert!(!world.eve_gets_through().await, "before anything was heard");
    // It comes back, and its word counts again.
    world.lists[0].start(world.world.address()).await;
    world.lists[0].retract(NODE, "eve@away.example").await;
    world.eve_soon_gets_through(true, RETURN).await;
}

#[tokio::test]
async fn a_source_that_the_operator_removes_is_unsubscribed_and_a_restart_unsubscribes_nothing() {
    if !are_installed(&[Software::Prosody]) {
        return;
    }
    let mut world = World::new(&[Software::Prosody], |lists| spammers("", NODE, lists)).await;
    world.publish_nothing(NODE).await;
    world.lists[0].publish(NODE, "eve@away.example").await;
    world.start_refrain();
    world.synced(1).await;
    let (status, _) = world.refrain.take().unwrap().drain();
    assert!(status.success(), "{status}");
    assert_eq!(world.lists[0].subscribers(NODE).await, ["home.example/refrain-lists"]);
    world.start_refrain();
    world.synced(1).await;
    world.eve_soon_gets_through(false, SECONDS).await;
    let own = "[list.spammers]\nentries = []\n";
    world.plan.rest = format!("{CHAIN}{own}{}", state_in(world.state.path()));
    world.refrain.as_ref().unwrap().reconfigure(&world.plan);
    world.eve_soon_gets_through(true, SECONDS).await;
    let begin = Instant::now();
    while !world.lists[0].subscribers(NODE).await.is_empty() {
        assert!(begin.elapsed() < RETURN, "still subscribed\n{}", world.log());
        sleep(Duration::from_millis(200)).await;
    }
}
