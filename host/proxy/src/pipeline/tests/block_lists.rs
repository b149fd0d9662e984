//! A list that the world's server publishes, and who else would like to write it, with real TLS on both sides.

use refrain_proto::Element;

use super::*;
use crate::config::ListConfig;
use crate::control::lists;
use crate::control::reload::{Cause, Reloader};

const NODE: &str = "spammers";
const LIST: &str = "[[list.spammers.pubsub]]\nservice = 'away.example'\nnode = 'spammers'\n";

/// The gateway between a protected server and the service.
struct Following {
    folder: tempfile::TempDir,
    inside: SocketAddr,
    peers: String,
    app: App,
    service: Server,
    door: SocketAddr,
    to_inside: UnboundedReceiver<Arrival>,
    to_service: UnboundedReceiver<Arrival>,
}

impl Following {
    async fn start() -> Self {
        Following::configured(LIST).await
    }

    async fn configured(list: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        world::make_certificates(folder.path()).unwrap();
        let mut inside = Server::inside(folder.path()).await.unwrap();
        let mut service = Server::outside(folder.path()).await.unwrap();
        let (peers, inside_address) = (world::peers(service.address().unwrap()), inside.address().unwrap());
        let snapshot = world::gateway(folder.path(), inside_address, &(peers.clone() + list)).unwrap();
        let app = App::start(snapshot, Audit::default()).await.unwrap();
        let (to_inside, to_service) = (inside.serve().unwrap(), service.serve().unwrap());
        let door = app.listeners().0[0];
        Following { folder, inside: inside_address, peers, app, service, door, to_inside, to_service }
    }

    async fn reconfigure(&mut self, list: &str) {
        let config = world::write_config(self.folder.path(), self.inside, &(self.peers.clone() + list)).unwrap();
        let reloader = Reloader::new(self.app.gateway().clone(), crate::snapshot::engine().unwrap(), &config);
        reloader.reload(Cause::Admin).await.unwrap();
    }

    /// One that is subscribed, and has these items.
    async fn with(items: &[&str]) -> Self {
        let mut following = Following::start().await;
        following.answer("<subscribe ", "").await;
        following.answer("<items ", &format!("<items node='{NODE}'>{}</items>", written(items))).await;
        following.has(items.len()).await;
        following
    }

    /// The id of the next request, which must be this.
    async fn request(&mut self, expected: &str) -> String {
        let asked = timeout(PATIENCE, self.to_service.recv()).await.unwrap().unwrap();
        assert!(asked.xml.contains(expected), "{}", asked.xml);
        asked.id
    }

    async fn answer(&mut self, request: &str, pubsub: &str) {
        let id = self.request(request).await;
        self.send(&result("away.example", OWN, &id, pubsub)).await;
    }

    async fn send(&mut self, stanza: &str) {
        let element = Element::parse(
            stanza,
            refrain_proto::ns::SERVER,
            &refrain_proto::XmlLimits { stanza_bytes_max: u32::MAX, nodes_max: u32::MAX, ..Default::default() },
        );
        let mut stanza = Stanza::default();
        stanza.take(&mut element.unwrap(), None).unwrap();
        self.service.send(self.door, &stanza).await.unwrap();
    }

    /// The id of the next stanza that crosses.
    async fn crosses(&mut self) -> String {
        timeout(PATIENCE, self.to_inside.recv()).await.unwrap().unwrap().id
    }

    fn entries(&self) -> usize {
        let snapshot = self.app.gateway().snapshot();
        let config: &ListConfig = &snapshot.config.lists["spammers"];
        let sources = snapshot.board.sources_of(config, std::time::SystemTime::now());
        sources[0].entries.as_ref().map_or(0, |entries| entries.len())
    }

    async fn has(&self, count: usize) {
        let wait = async {
            while self.entries() != count {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        timeout(PATIENCE, wait).await.unwrap_or_else(|_| panic!("{} entries instead of {count}", self.entries()));
    }
}

const OWN: &str = "home.example/refrain-lists";

fn written(items: &[&str]) -> String {
    items.iter().map(|id| format!("<item id='{id}'/>")).collect()
}

fn result(from: &str, to: &str, id: &str, pubsub: &str) -> String {
    let pubsub = format!("<pubsub xmlns='http://jabber.org/protocol/pubsub'>{pubsub}</pubsub>");
    format!("<iq from='{from}' to='{to}' id='{id}' type='result'>{pubsub}</iq>")
}

fn event(from: &str, to: &str, id: &str, inner: &str) -> String {
    format!(
        "<message from='{from}' to='{to}' id='{id}' type='headline'>\
         <event xmlns='http://jabber.org/protocol/pubsub#event'>{inner}</event></message>"
    )
}

#[tokio::test]
async fn only_the_service_writes_the_list_and_what_it_writes_goes_no_further() {
    let mut following = Following::with(&["a.example"]).await;
    let publish = |id: &str| format!("<items node='{NODE}'><item id='{id}'/></items>");
    // Each of them crosses as what it is: whoever else is at the service's domain, and other addresses of ours.
    for (id, from, to) in [
        ("user", "mallory@away.example", OWN),
        ("resource", "away.example/pubsub", OWN),
        ("bare", "away.example", "home.example"),
        ("other", "away.example", "home.example/refrain-list"),
        ("local", "away.example", "alice@home.example/refrain-lists"),
    ] {
        following.send(&event(from, to, id, &publish("forged.example"))).await;
        assert_eq!(following.crosses().await, id);
    }
    let chat = format!("<message from='away.example' to='{OWN}' id='chat'><body>hi</body></message>");
    following.send(&chat).await;
    assert_eq!(following.crosses().await, "chat", "not an event");
    let error = event("away.example", OWN, "error", &publish("forged.example")).replace("headline", "error");
    following.send(&error).await;
    assert_eq!(following.crosses().await, "error", "an error is no event");
    assert_eq!(following.entries(), 1);
    // The service's own are taken, those of another node without effect.
    let elsewhere = "<items node='another'><item id='x.example'/></items>";
    following.send(&event("away.example", OWN, "elsewhere", elsewhere)).await;
    following.send(&event("away.example", OWN, "true", &publish("b.example"))).await;
    following.has(2).await;
    following
        .send(&event(
            "away.example",
            OWN,
            "retract",
            &format!("<items node='{NODE}'><retract id='a.example'/></items>"),
        ))
        .await;
    following.has(1).await;
    assert!(following.to_inside.try_recv().is_err());
    let totals = timeout(PATIENCE, following.app.drain()).await.unwrap();
    assert_eq!((totals.accepted, totals.forwarded), (7, 7), "what is about the list is no stanza that crosses");
}

#[tokio::test]
async fn only_the_service_answers_and_only_what_was_asked() {
    let mut following = Following::start().await;
    let id = following.request("<subscribe ").await;
    let items = format!("<items node='{NODE}'>{}</items>", written(&["forged.example"]));
    for (from, to, with) in [
        ("mallory@away.example", OWN, id.as_str()),
        ("away.example", "home.example", id.as_str()),
        ("away.example", "bob@home.example/refrain-lists", id.as_str()),
        ("away.example", OWN, "guessed"),
    ] {
        following.send(&result(from, to, with, &items)).await;
        assert_eq!(following.crosses().await, with);
    }
    following.send(&result("away.example", OWN, &id, "")).await;
    following.answer("<items ", &format!("<items node='{NODE}'>{}</items>", written(&["a.example"]))).await;
    following.has(1).await;
    // Once is enough.
    following.send(&result("away.example", OWN, &id, "")).await;
    assert_eq!(following.crosses().await, id);
}

/// All of a node that is longer than any other stanza may be.
fn large_answer() -> String {
    let payload =
        "<report xmlns='urn:xmpp:reporting:1' reason='urn:xmpp:reporting:spam'><text>sends adverts</text></report>";
    let items: String = (0..6_000).map(|number| format!("<item id='s{number}.example'>{payload}</item>")).collect();
    let answer = format!("<items node='{NODE}'>{items}</items>");
    assert!(answer.len() > 3 * 262_144);
    answer
}

/// A service is a server that may have had a stream before it was followed.
#[tokio::test]
async fn an_answer_may_be_large_on_a_stream_that_is_older_than_the_list() {
    let mut following = Following::configured("").await;
    following.send("<message from='away.example' to='alice@home.example' id='before'><body>hi</body></message>").await;
    assert_eq!(following.crosses().await, "before");
    following.reconfigure(LIST).await;
    following.answer("<subscribe ", "").await;
    following.answer("<items ", &large_answer()).await;
    following.has(6_000).await;
}

#[tokio::test]
async fn an_answer_that_is_too_large_is_a_problem_with_a_name() {
    let mut following = Following::start().await;
    following.answer("<subscribe ", "").await;
    let long = "x".repeat(5 << 20);
    following.answer("<items ", &format!("<items node='{NODE}'><item id='{long}'/></items>")).await;
    let problem = async {
        loop {
            let problem = lists::statuses(following.app.gateway())[0].sources[0].problem.clone();
            if let Some(problem) = problem.filter(|problem| problem.contains("more than 4194304 bytes")) {
                return problem;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let problem = timeout(PATIENCE, problem).await.unwrap();
    assert!(problem.starts_with("the stream broke: "), "{problem}");
}

/// The first hosted domain follows a node whose list names none.
#[tokio::test]
async fn another_first_domain_follows_at_once() {
    let mut following = Following::with(&["a.example"]).await;
    let key = rcgen::KeyPair::generate().unwrap();
    let certificate = rcgen::CertificateParams::new(["work.example".to_owned()]).unwrap().self_signed(&key).unwrap();
    std::fs::write(following.folder.path().join("work.pem"), certificate.pem() + &key.serialize_pem()).unwrap();
    let work = format!(
        "[[domain]]\nname = 'work.example'\nserver = '{}'\ncertificate = 'work.pem'\nserver-certificate = 'inside-ca.pem'\n",
        following.inside
    );
    following.reconfigure(&(LIST.to_owned() + &work)).await;
    let [service, work] = ["away.example", "work.example"].map(|name| Domain::parse(name).unwrap());
    let way = DomainPair::new(service, work);
    let follows = async {
        while !following.app.gateway().block_lists.listens_to(&way) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(PATIENCE, follows).await.unwrap();
}

/// Prosody 0.12 does not page.
#[tokio::test]
async fn an_answer_may_be_large_and_nothing_else_may() {
    let mut following = Following::start().await;
    following.answer("<subscribe ", "").await;
    following.answer("<items ", &large_answer()).await;
    following.has(6_000).await;
    let large = format!(
        "<message from='away.example' to='alice@home.example' id='large'><body>{}</body></message>",
        "x".repeat(300_000)
    );
    following.send(&large).await;
    // The stream ends as any other does for this; on the next one all is as it was.
    tokio::time::sleep(Duration::from_millis(500)).await;
    following.service.forget_links();
    following.send(&event("away.example", OWN, "purge", &format!("<purge node='{NODE}'/>"))).await;
    following.has(0).await;
    assert!(following.to_inside.try_recv().is_err(), "what is too large does not cross");
}

#[tokio::test]
async fn a_flood_of_events_is_a_full_fetch_and_nothing_waits_for_it() {
    let mut following = Following::with(&[]).await;
    for number in 0..5_000 {
        let item = format!("<items node='{NODE}'><item id='s{number}.example'/></items>");
        following.send(&event("away.example", OWN, "", &item)).await;
    }
    let heard = {
        let gateway = following.app.gateway().clone();
        async move {
            loop {
                let snapshot = gateway.snapshot();
                let sources =
                    snapshot.board.sources_of(&snapshot.config.lists["spammers"], std::time::SystemTime::now());
                if sources[0].entries.as_ref().is_some_and(|entries| entries.len() == 5_000) {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        }
    };
    // Heard, or, if that was too fast, asked for.
    let asked = async {
        loop {
            let Some(asked) = following.to_service.recv().await else { return };
            if asked.xml.contains("<subscribe ") {
                let answer = result("away.example", OWN, &asked.id, "");
                following.service.send(following.door, &Stanza::parse(&answer).unwrap()).await.unwrap();
                continue;
            }
            let all: String = (0..5_000).map(|number| format!("<item id='s{number}.example'/>")).collect();
            let answer = result("away.example", OWN, &asked.id, &format!("<items node='{NODE}'>{all}</items>"));
            following.service.send(following.door, &Stanza::parse(&answer).unwrap()).await.unwrap();
        }
    };
    let done = async {
        tokio::select! {
            () = asked => {}
            () = heard => {}
        }
    };
    timeout(PATIENCE, done).await.unwrap();
}
