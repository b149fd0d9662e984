//! What the verdicts `reply` and `delay` do to those who send, over real streams.

use std::time::Instant;

use super::*;
use crate::control::tests::guests::{Guest, import};

/// Both servers of the demo with the gateway between, whose only filter does one thing to every stanza, in both directions.
struct World {
    _folder: tempfile::TempDir,
    app: App,
    inside: Server,
    outside: Server,
    home: UnboundedReceiver<Arrival>,
    away: UnboundedReceiver<Arrival>,
}

impl World {
    /// `action` leaves an action, of `data` at 1024 perhaps.
    async fn with(action: &str, imports: &str, data: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        world::make_certificates(folder.path()).unwrap();
        let on_stanza = format!("(call $said (local.get $stanza) (i32.const 4) {action})");
        let more = format!(r#"(data (i32.const 1024) "{data}")"#);
        let guest = Guest { on_stanza: &on_stanza, imports, more: &more, ..Guest::default() };
        std::fs::write(folder.path().join("acts.wasm"), guest.module()).unwrap();
        let rest = "[chain]\ninbound = ['acts']\noutbound = ['acts']\n\
                    [filter.acts]\ncomponent = 'acts.wasm'\ngrants = ['edit', 'reply']\n";
        World::configured(folder, rest).await
    }

    async fn configured(folder: tempfile::TempDir, rest: &str) -> Self {
        let mut inside = Server::inside(folder.path()).await.unwrap();
        let mut outside = Server::outside(folder.path()).await.unwrap();
        let rest = world::peers(outside.address().unwrap()) + rest;
        let snapshot = world::gateway(folder.path(), inside.address().unwrap(), &rest).unwrap();
        let app = App::start(snapshot, Audit::default()).await.unwrap();
        let (home, away) = (inside.serve().unwrap(), outside.serve().unwrap());
        World { _folder: folder, app, inside, outside, home, away }
    }

    async fn delaying(milliseconds: u32) -> Self {
        World::with(&format!("(call $delay (i32.const {milliseconds}))"), import::DELAY, "").await
    }

    async fn send_in(&mut self, stanza: &str) {
        self.outside.send(self.app.listeners().0[0], &Stanza::parse(stanza).unwrap()).await.unwrap();
    }

    async fn send_out(&mut self, stanza: &str) {
        self.inside.send(self.app.listeners().1[0], &Stanza::parse(stanza).unwrap()).await.unwrap();
    }

    async fn end(self) -> Totals {
        timeout(PATIENCE, self.app.drain()).await.unwrap()
    }
}

async fn next(arrivals: &mut UnboundedReceiver<Arrival>) -> Arrival {
    timeout(PATIENCE, arrivals.recv()).await.unwrap().unwrap()
}

fn inbound(id: &str) -> String {
    format!(
        "<message from='bob@away.example/p' to='alice@home.example' id='{id}' type='chat'><body>hi</body></message>"
    )
}

#[tokio::test]
async fn a_reply_reaches_the_sender_in_the_addressees_name_and_the_message_nobody() {
    let payload = "<gone xmlns='urn:x'/><store xmlns='urn:xmpp:hints'/>";
    let action = format!("(call $reply (i32.const 1024) (i32.const {}))", payload.len());
    let mut world = World::with(&action, import::REPLY, payload).await;
    world.send_in(&inbound("m1")).await;
    assert_eq!(
        next(&mut world.away).await.xml,
        "<message from=\"alice@home.example\" to=\"bob@away.example/p\" type=\"chat\"><gone xmlns=\"urn:x\"/>\
         <store xmlns=\"urn:xmpp:hints\"/></message>"
    );
    world.send_out(&chat("m2", "bob@away.example")).await;
    let reply = next(&mut world.home).await.xml;
    assert!(reply.starts_with("<message from=\"bob@away.example\" to=\"alice@home.example/desk\""), "{reply}");
    // What no message may answer goes nowhere, but for an iq, which must be answered.
    world.send_in("<message from='rooms.away.example' to='alice@home.example' type='groupchat'/>").await;
    world.send_in("<iq from='bob@away.example/p' to='alice@home.example' id='q' type='get'><x xmlns='u'/></iq>").await;
    assert_eq!(next(&mut world.away).await.condition.as_deref(), Some("service-unavailable"));
    assert!(world.home.try_recv().is_err() && world.away.try_recv().is_err());
    let totals = world.end().await;
    assert_eq!((totals.accepted, totals.bounced, totals.dropped, totals.in_flight()), (4, 3, 1, 0));
}

#[tokio::test]
async fn a_delay_holds_back_what_comes_after_on_both_sides_and_nothing_is_lost() {
    let mut world = World::delaying(1_500).await;
    let begun = Instant::now();
    world.send_in(&inbound("m1")).await;
    world.send_out(&chat("m1", "bob@away.example")).await;
    assert_eq!((next(&mut world.home).await.id, next(&mut world.away).await.id), ("m1".to_owned(), "m1".to_owned()));
    let first = begun.elapsed();
    assert!(first < Duration::from_millis(1_400), "the delayed stanza itself goes on at once: {first:?}");
    for id in ["m2", "m3"] {
        world.send_in(&inbound(id)).await;
        world.send_out(&chat(id, "bob@away.example")).await;
    }
    for arrivals in [&mut world.home, &mut world.away] {
        assert_eq!((next(arrivals).await.id, next(arrivals).await.id), ("m2".to_owned(), "m3".to_owned()));
        assert!(begun.elapsed() >= Duration::from_millis(1_500), "{:?}", begun.elapsed());
    }
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    let totals = world.end().await;
    assert_eq!((totals.accepted, totals.forwarded, totals.in_flight()), (6, 6, 0));
}

#[tokio::test]
async fn a_drain_does_not_wait_for_a_delay() {
    let mut world = World::delaying(u32::MAX).await;
    world.send_in(&inbound("m1")).await;
    world.send_out(&chat("m1", "bob@away.example")).await;
    assert_eq!((next(&mut world.home).await.id, next(&mut world.away).await.id), ("m1".to_owned(), "m1".to_owned()));
    let begun = Instant::now();
    world.send_in(&inbound("m2")).await;
    let totals = world.end().await;
    assert!(begun.elapsed() < Duration::from_secs(8), "{:?}", begun.elapsed());
    assert_eq!((totals.accepted, totals.in_flight()), (totals.forwarded, 0));
}

/// T45, at the level of a sender: the bundled filter slows it down, and refuses nothing.
#[tokio::test]
async fn a_limit_that_delays_holds_a_sender_to_its_rate_and_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    world::make_certificates(folder.path()).unwrap();
    let rest = "[chain]\ninbound = ['rate-limit']\n[filter.rate-limit.settings]\n\
                limits = [{ name = 'messages', rate = '20/s', burst = 10, action = 'delay' }]\n";
    let mut world = World::configured(folder, rest).await;
    let begun = Instant::now();
    for n in 0..61 {
        world.send_in(&inbound(&n.to_string())).await;
        // In several batches: what they owe adds up.
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    for n in 0..61 {
        assert_eq!(next(&mut world.home).await.id, n.to_string());
    }
    world.send_in(&inbound("last")).await;
    assert_eq!(next(&mut world.home).await.id, "last");
    let took = begun.elapsed();
    assert!(took > Duration::from_secs(2), "51 past the burst of 10 at 20 a second take 2.5 s, not {took:?}");
    let totals = world.end().await;
    assert_eq!((totals.accepted, totals.forwarded, totals.in_flight()), (62, 62, 0));
}
