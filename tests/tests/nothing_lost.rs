//! Networks that break between real servers: every message arrives, or its sender is told that it did not.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use refrain_tests::{
    client::{Client, Element, body_of},
    faults::{Relay, Way},
    internet::{Internet, Proof},
    refrain::Account,
    server::{Software, are_installed},
};

/// An Internet with bad networks behind the proxy, on both sides.
struct Weather {
    internet: Internet,
    to_home: Relay,
    to_away: Relay,
}

impl Weather {
    fn new(rest: &str) -> Self {
        let mut relays = Vec::new();
        let onward = |server| {
            let relay = Relay::start(server);
            let address = relay.address();
            relays.push(relay);
            address
        };
        let internet = Internet::through_refrain_over(onward, Proof::Certificates, rest);
        let mut relays = relays.into_iter();
        let (Some(to_home), Some(to_away)) = (relays.next(), relays.next()) else { panic!("two servers, two relays") };
        Weather { internet, to_home, to_away }
    }

    /// The closing account, which must be true and without a loss.
    fn account(&mut self) -> Account {
        let refrain = self.internet.refrain();
        let (status, account) = tokio::task::block_in_place(|| refrain.drain());
        assert!(status.success(), "{status}: {account:?}\n{}", refrain.log());
        assert_eq!(account.lost, 0, "{account:?}");
        assert_eq!(account.accepted, account.forwarded + account.bounced + account.dropped, "{account:?}");
        account
    }
}

/// Messages with numbers, from one client to another.
struct Series<'c> {
    from: &'c mut Client,
    to: &'c mut Client,
    sent: BTreeSet<usize>,
}

/// What became of a series.
#[derive(Debug, Default)]
struct Fate {
    arrived: BTreeSet<usize>,
    bounced: BTreeSet<usize>,
    /// Arrivals of what had arrived already.
    again: usize,
}

impl<'c> Series<'c> {
    fn new(from: &'c mut Client, to: &'c mut Client) -> Self {
        Series { from, to, sent: BTreeSet::new() }
    }

    /// Sends the next so many.
    fn send(&mut self, count: usize) {
        for number in self.sent.len()..self.sent.len() + count {
            // As much text as people write, so that cuts meet the middle of something.
            let text = "o".repeat(300);
            self.from.send(&format!(
                "<message to='{}' type='chat' id='n{number}'><body>number {number} {text}</body></message>",
                self.to.jid()
            ));
            self.sent.insert(number);
        }
    }

    /// Waits until every message has arrived or been bounced.
    async fn fate(&mut self) -> Fate {
        let deadline = Instant::now() + Duration::from_secs(60);
        loop {
            let fate = self.look();
            if fate.arrived.union(&fate.bounced).count() == self.sent.len() {
                return fate;
            }
            assert!(
                Instant::now() < deadline,
                "neither arrived nor bounced: {:?}",
                self.sent.iter().filter(|n| !fate.arrived.contains(n) && !fate.bounced.contains(n)).collect::<Vec<_>>()
            );
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    fn look(&mut self) -> Fate {
        let mut fate = Fate::default();
        for number in self.to.stanzas().iter().filter_map(number_of) {
            fate.again += usize::from(!fate.arrived.insert(number));
        }
        let is_error = |stanza: &&Element| stanza.attr("type") == Some("error");
        let ids = self.from.stanzas().into_iter().filter(|stanza| is_error(&stanza));
        fate.bounced = ids.filter_map(|stanza| stanza.attr("id")?.strip_prefix('n')?.parse().ok()).collect();
        fate
    }
}

fn number_of(stanza: &Element) -> Option<usize> {
    body_of(stanza)?.strip_prefix("number ")?.split(' ').next()?.parse().ok()
}

async fn greet(one: &mut Client, other: &mut Client) {
    one.send(&format!("<message to='{}' type='chat'><body>hello</body></message>", other.jid()));
    other.expect_message("hello").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_cut_connection_had_not_delivered_is_sent_again() {
    if !are_installed(&[Software::Prosody]) {
        return;
    }
    let mut weather = Weather::new("");
    let (mut alice, mut bob) = (weather.internet.alice().await, weather.internet.bob().await);
    greet(&mut alice, &mut bob).await;
    let mut series = Series::new(&mut alice, &mut bob);
    for bytes in [1, 2_000, 17_000, 40_000] {
        weather.to_away.cut_after(Way::There, bytes);
        series.send(100);
        series.fate().await;
    }
    let fate = series.fate().await;
    assert!(fate.bounced.is_empty(), "the server could be reached again at once: {fate:?}");
    assert!(weather.to_away.connections() >= 4, "every cut takes a new connection");
    println!("{} arrived, {} of them twice", fate.arrived.len(), fate.again);
    weather.account();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_delivered_and_not_acknowledged_may_come_twice_but_never_not_at_all() {
    if !are_installed(&[Software::Prosody]) {
        return;
    }
    let mut weather = Weather::new("");
    let (mut alice, mut bob) = (weather.internet.alice().await, weather.internet.bob().await);
    greet(&mut bob, &mut alice).await;
    let mut series = Series::new(&mut bob, &mut alice);
    weather.to_home.stop(Way::Back, true);
    series.send(50);
    series.fate().await;
    weather.to_home.stop(Way::Back, false);
    weather.to_home.cut();
    series.send(50);
    let fate = series.fate().await;
    assert!(fate.bounced.is_empty(), "{fate:?}");
    println!("{} arrived, {} of them twice", fate.arrived.len(), fate.again);
    weather.account();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_no_stream_can_carry_any_more_bounces_once() {
    if !are_installed(&[Software::Prosody]) {
        return;
    }
    let mut weather = Weather::new("");
    let (mut alice, mut bob) = (weather.internet.alice().await, weather.internet.bob().await);
    greet(&mut alice, &mut bob).await;
    // Nothing reaches the server any more, so nothing is acknowledged; then it is gone.
    weather.to_away.stop(Way::There, true);
    let mut series = Series::new(&mut alice, &mut bob);
    series.send(80);
    tokio::time::sleep(Duration::from_secs(1)).await;
    weather.to_away.close(true);
    weather.to_away.cut();
    let fate = series.fate().await;
    assert!(fate.arrived.is_empty() && fate.bounced.len() == 80, "{fate:?}");
    let errors = alice.stanzas().iter().filter(|stanza| stanza.attr("type") == Some("error")).count();
    assert_eq!(errors, 80, "each is told once");
    assert_eq!(alice.expect_error("n0").await.0, "remote-server-timeout");
    let account = weather.account();
    assert_eq!(account.bounced, 80, "{account:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_operator_may_prefer_bounces_to_repetitions() {
    if !are_installed(&[Software::Prosody]) {
        return;
    }
    let mut weather = Weather::new("[limits]\nafter-break = \"bounce\"\n");
    let (mut alice, mut bob) = (weather.internet.alice().await, weather.internet.bob().await);
    greet(&mut alice, &mut bob).await;
    weather.to_away.cut_after(Way::There, 10_000);
    let mut series = Series::new(&mut alice, &mut bob);
    series.send(100);
    let fate = series.fate().await;
    assert_eq!(fate.again, 0, "{fate:?}");
    assert!(!fate.bounced.is_empty(), "{fate:?}");
    weather.account();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_drain_waits_for_the_acknowledgements_of_a_slow_network() {
    if !are_installed(&[Software::Prosody]) {
        return;
    }
    let mut weather = Weather::new("");
    let (mut alice, mut bob) = (weather.internet.alice().await, weather.internet.bob().await);
    greet(&mut alice, &mut bob).await;
    weather.to_away.delay(Way::Back, Duration::from_millis(700));
    weather.to_away.delay(Way::There, Duration::from_millis(30));
    let mut series = Series::new(&mut alice, &mut bob);
    series.send(200);
    tokio::time::sleep(Duration::from_millis(300)).await;
    let account = weather.account();
    let series = series.look();
    // One greeting; what the home server still had belongs to it.
    assert_eq!(series.arrived.len() as u64 + 1, account.forwarded, "{account:?} {series:?}");
    assert_eq!((account.bounced, series.again), (0, 0), "{account:?} {series:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_drain_bounces_what_a_silent_peer_does_not_acknowledge() {
    if !are_installed(&[Software::Prosody]) {
        return;
    }
    let mut weather = Weather::new("[limits]\ndrain-seconds = 8\n");
    let (mut alice, mut bob) = (weather.internet.alice().await, weather.internet.bob().await);
    greet(&mut alice, &mut bob).await;
    weather.to_away.stop(Way::There, true);
    let mut series = Series::new(&mut alice, &mut bob);
    series.send(20);
    tokio::time::sleep(Duration::from_secs(1)).await;
    let account = weather.account();
    assert_eq!(account.bounced, 20, "{account:?}");
    assert_eq!(series.fate().await.bounced.len(), 20, "and the senders know");
}

/// What it had acknowledged was its own to lose; the rest comes back, and so does what is sent to it later.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_killed_in_mid_stream_leaves_nobody_waiting() {
    if !are_installed(&[Software::Prosody]) {
        return;
    }
    let mut weather = Weather::new("");
    let (mut alice, mut bob) = (weather.internet.alice().await, weather.internet.bob().await);
    greet(&mut alice, &mut bob).await;
    // Acknowledgements are late, so that some are under way when it dies.
    weather.to_away.delay(Way::Back, Duration::from_millis(500));
    let mut series = Series::new(&mut alice, &mut bob);
    series.send(200);
    tokio::time::sleep(Duration::from_millis(300)).await;
    weather.internet.away.kill();
    series.send(20);
    assert_eq!(alice.expect_error("n219").await.0, "remote-server-timeout");
    let account = weather.account();
    assert!(account.bounced >= 20 && account.forwarded >= 1, "{account:?}");
    println!("{account:?}");
}

/// C74 in all weathers at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_account_closes_however_networks_fail_and_whenever_the_end_comes() {
    if !are_installed(&[Software::Prosody]) {
        return;
    }
    for round in 0..3_u32 {
        let mut weather = Weather::new("[limits]\ndrain-seconds = 10\n");
        let (mut alice, mut bob) = (weather.internet.alice().await, weather.internet.bob().await);
        greet(&mut alice, &mut bob).await;
        greet(&mut bob, &mut alice).await;
        let mut series = Series::new(&mut alice, &mut bob);
        for step in 0..4_u32 {
            series.send(60);
            let bytes = 1_500 * (1 + 7 * round + 5 * step) as usize;
            match (round + step) % 4 {
                0 => weather.to_away.cut_after(Way::There, bytes),
                1 => weather.to_away.cut_after(Way::Back, 40),
                2 => weather.to_home.cut(),
                _ => weather.to_away.delay(Way::Back, Duration::from_millis(200)),
            }
            tokio::time::sleep(Duration::from_millis(400)).await;
        }
        if round == 2 {
            // The remote server is gone for good.
            weather.to_away.close(true);
            weather.to_away.cut();
        }
        let account = weather.account();
        let fate = series.look();
        println!("round {round}: {account:?}, {} arrived, {} of them twice", fate.arrived.len(), fate.again);
        // The greetings, and what the home server never sent because the proxy had ended, are not in the series' fate.
        assert!(fate.arrived.len() as u64 <= account.forwarded + account.bounced, "{account:?} {fate:?}");
    }
}
