//! What a domain that sends too fast feels: it is held back, and loses nothing.

use std::time::{Duration, Instant};

use super::*;

/// Both servers of the demo with the gateway between.
struct World {
    _folder: tempfile::TempDir,
    app: App,
    outside: Server,
    arrivals: UnboundedReceiver<Arrival>,
}

impl World {
    async fn with(rest: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        world::make_certificates(folder.path()).unwrap();
        let mut inside = Server::inside(folder.path()).await.unwrap();
        let outside = Server::outside(folder.path()).await.unwrap();
        let rest = world::peers(outside.address().unwrap()) + rest;
        let snapshot = world::gateway(folder.path(), inside.address().unwrap(), &rest).unwrap();
        let app = App::start(snapshot, Audit::default()).await.unwrap();
        let arrivals = inside.serve().unwrap();
        World { _folder: folder, app, outside, arrivals }
    }

    async fn send(&mut self, from: &str, id: &str) {
        self.send_body(from, id, "hi").await;
    }

    async fn send_body(&mut self, from: &str, id: &str, body: &str) {
        let stanza = format!(
            "<message from='{from}' to='alice@home.example' id='{id}' type='chat'><body>{body}</body></message>"
        );
        self.outside.send(self.app.listeners().0[0], &Stanza::parse(&stanza).unwrap()).await.unwrap();
    }

    async fn next_id(&mut self) -> String {
        timeout(PATIENCE, self.arrivals.recv()).await.unwrap().unwrap().id
    }
}

/// T45, at the level of the stream: what filters see of it is the filters' affair.
#[tokio::test]
async fn a_domain_past_its_rate_is_held_back_and_others_do_not_feel_it() {
    let mut world = World::with("[limits]\nstanzas-per-second = 20\n").await;
    let begun = Instant::now();
    for n in 0..260 {
        world.send("bob@away.example/p", &n.to_string()).await;
    }
    for n in 0..260 {
        assert_eq!(world.next_id().await, n.to_string());
    }
    world.send("bob@away.example/p", "late").await;
    // Another server, though at the same address.
    world.send("bot@bots.farm.example/p", "other").await;
    assert_eq!(world.next_id().await, "other");
    assert_eq!(world.next_id().await, "late");
    let all = begun.elapsed();
    assert!(all > Duration::from_secs(2), "60 past the burst of 200 at 20 a second take 3 s, not {all:?}");
    let refused = world.app.gateway().refusals.read();
    let count = |reason: &str| refused.iter().find(|(name, _)| name == reason).unwrap().1;
    assert!(count("stanza-rate") > 0 && count("byte-rate") == 0, "{refused:?}");
    let totals = timeout(PATIENCE, world.app.drain()).await.unwrap();
    assert_eq!((totals.accepted, totals.forwarded, totals.in_flight()), (262, 262, 0));
}

#[tokio::test]
async fn a_new_stream_of_a_domain_that_sent_too_much_waits_like_the_old_one() {
    let mut world = World::with("[limits]\nbytes-per-second = 10000\n").await;
    let body = "x".repeat(60_000);
    world.send_body("bob@away.example/p", "first", &body).await;
    world.send_body("bob@away.example/p", "second", &body).await;
    assert_eq!([world.next_id().await, world.next_id().await], ["first", "second"]);
    let begun = Instant::now();
    world.outside.forget_links();
    world.send("bob@away.example/p", "third").await;
    assert_eq!(world.next_id().await, "third");
    assert!(begun.elapsed() > Duration::from_secs(1), "20,000 bytes past the burst: {:?}", begun.elapsed());
}

#[tokio::test]
async fn a_drain_does_not_wait_for_a_domain_that_is_held_back() {
    let mut world = World::with("[limits]\nstanzas-per-second = 1\n").await;
    for n in 0..100 {
        world.send("bob@away.example/p", &n.to_string()).await;
    }
    for _ in 0..10 {
        world.next_id().await;
    }
    let begun = Instant::now();
    let totals = timeout(PATIENCE, world.app.drain()).await.unwrap();
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    assert_eq!((totals.accepted, totals.in_flight()), (totals.forwarded, 0));
}
