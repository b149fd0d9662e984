//! Pings of our own, with real TLS on both sides.

use std::sync::Arc;

use super::*;
use crate::pipeline::Gateway;
use crate::pipeline::ping::{PingError, Pong, ping};

/// The gateway between a protected server and one of the world.
struct Both {
    _folder: tempfile::TempDir,
    app: App,
    inside: Server,
    outside: Server,
    to_inside: UnboundedReceiver<Arrival>,
    to_outside: UnboundedReceiver<Arrival>,
}

impl Both {
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        world::make_certificates(folder.path()).unwrap();
        let mut inside = Server::inside(folder.path()).await.unwrap();
        let mut outside = Server::outside(folder.path()).await.unwrap();
        let rest = world::peers(outside.address().unwrap()) + "[limits]\nqueue-seconds = 2\n";
        let snapshot = world::gateway(folder.path(), inside.address().unwrap(), &rest).unwrap();
        let app = App::start(snapshot, Audit::default()).await.unwrap();
        let (to_inside, to_outside) = (inside.serve().unwrap(), outside.serve().unwrap());
        Both { _folder: folder, app, inside, outside, to_inside, to_outside }
    }

    /// Asks in the background.
    fn ping(&self, from: &str, to: &str) -> tokio::task::JoinHandle<Result<Pong, PingError>> {
        let gateway: Arc<Gateway> = self.app.gateway().clone();
        let domain = |name| Domain::parse(name).unwrap();
        let pair = DomainPair::new(domain(from), domain(to));
        tokio::spawn(async move { ping(&gateway, pair).await })
    }
}

async fn next(arrivals: &mut UnboundedReceiver<Arrival>) -> Arrival {
    timeout(PATIENCE, arrivals.recv()).await.unwrap().unwrap()
}

fn result(id: &str, from: &str, to: &str) -> Stanza {
    Stanza::parse(&format!("<iq from='{from}' to='{to}' id='{id}' type='result'/>")).unwrap()
}

/// C62.
#[tokio::test]
async fn a_domain_of_the_world_is_asked_and_its_answer_goes_no_further() {
    let mut both = Both::start().await;
    let asked = both.ping("home.example", "away.example");
    let question = next(&mut both.to_outside).await;
    assert!(question.xml.contains("<ping xmlns=\"urn:xmpp:ping\"/>"), "{}", question.xml);
    let door = both.app.listeners().0[0];
    // Whoever guesses, from another address or with another id, is no answer, and crosses as what it is.
    for forged in
        [result(&question.id, "bob@away.example/p", "home.example"), result("guessed", "away.example", "home.example")]
    {
        both.outside.send(door, &forged).await.unwrap();
        assert_eq!(Some(next(&mut both.to_inside).await.id.as_str()), forged.id());
    }
    both.outside.send(door, &result(&question.id, "away.example", "home.example")).await.unwrap();
    let pong = timeout(PATIENCE, asked).await.unwrap().unwrap().unwrap();
    assert_eq!((pong.from.as_str(), pong.to.as_str(), pong.error), ("home.example", "away.example", None));
    let totals = timeout(PATIENCE, both.app.drain()).await.unwrap();
    assert_eq!((totals.accepted, totals.forwarded), (2, 2), "neither the ping nor its answer is a stanza that crosses");
    assert!(both.to_inside.try_recv().is_err());
}

#[tokio::test]
async fn the_protected_server_is_asked_as_a_remote_domain_and_an_error_is_an_answer() {
    let mut both = Both::start().await;
    let asked = both.ping("away.example", "home.example");
    let question = next(&mut both.to_inside).await;
    let refusal = format!(
        "<iq from='home.example' to='away.example' id='{}' type='error'><error type='cancel'>\
         <feature-not-implemented xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>",
        question.id
    );
    let door = both.app.listeners().1[0];
    both.inside.send(door, &Stanza::parse(&refusal).unwrap()).await.unwrap();
    let pong = timeout(PATIENCE, asked).await.unwrap().unwrap().unwrap();
    assert_eq!(pong.error.as_deref(), Some("feature-not-implemented"));
}

#[tokio::test]
async fn silence_ends_and_leaves_nothing_behind_and_both_domains_must_be_known() {
    let mut both = Both::start().await;
    let silence = both.ping("home.example", "away.example").await.unwrap();
    assert_eq!(silence, Err(PingError::Silence(Duration::from_secs(2))));
    // Its answer comes too late: nobody asks any more.
    let question = next(&mut both.to_outside).await;
    let door = both.app.listeners().0[0];
    both.outside.send(door, &result(&question.id, "away.example", "home.example")).await.unwrap();
    assert_eq!(next(&mut both.to_inside).await.id, question.id);
    for (from, to) in [("away.example", "other.example"), ("home.example", "home.example")] {
        let refused = both.ping(from, to).await.unwrap();
        assert_eq!(refused, Err(PingError::NotAcross(from.to_owned(), to.to_owned())));
    }
}
