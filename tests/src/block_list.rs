//! A block list as it is published: a node of a real server's publish-subscribe service, and the user who publishes there.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use rustix::process::Signal;
use tokio::time::sleep_until;

use crate::{
    client::{Client, Element},
    ejabberd::Ejabberd,
    process::Process,
    prosody::Prosody,
    server::{Server as _, Software, Trust},
};

/// Who publishes.
const PUBLISHER: &str = "publisher";

/// The nodes of these tests have room for so many items.
const ITEMS_MAX: usize = 5_000;

/// ejabberd has what it acknowledged in memory for two seconds before it writes it down (Mnesia's log).
const WRITTEN: Duration = Duration::from_secs(5);

/// A publish-subscribe service at `lists.DOMAIN`.
#[derive(Debug)]
pub struct BlockList {
    domain: String,
    plan: Plan,
    running: Option<(Process, Client)>,
    requests: usize,
    /// When it was last told to change something.
    changed: Option<Instant>,
}

#[derive(Debug)]
enum Plan {
    Prosody(Prosody),
    Ejabberd(Ejabberd),
}

impl BlockList {
    /// Plans a service at `lists.DOMAIN`; the server's certificate has to cover both names.
    ///
    /// # Panics
    /// When it is to be a server without such a service.
    pub fn new(software: Software, domain: &str, trust: Trust) -> Self {
        let plan = match software {
            Software::Prosody => Plan::Prosody(Prosody::new(domain, &[PUBLISHER], trust).with_pubsub(PUBLISHER)),
            Software::Ejabberd => Plan::Ejabberd(Ejabberd::new(domain, &[PUBLISHER], trust).with_pubsub()),
            Software::Jabberd2 => panic!("jabberd2 publishes nothing"),
        };
        Self { domain: domain.to_owned(), plan, running: None, requests: 0, changed: None }
    }

    /// The address of the service.
    pub fn service(&self) -> String {
        format!("lists.{}", self.domain)
    }

    /// Where other servers connect.
    pub fn server_address(&self) -> SocketAddr {
        match &self.plan {
            Plan::Prosody(prosody) => prosody.server_address(),
            Plan::Ejabberd(ejabberd) => ejabberd.server_address(),
        }
    }

    /// Starts the server, with what it has on disk, and logs the publisher in.
    ///
    /// # Panics
    /// When it runs already, or does not start in time.
    pub async fn start(&mut self, resolver: SocketAddr) {
        assert!(self.running.is_none(), "it runs already");
        let (process, clients) = match &self.plan {
            Plan::Prosody(prosody) => (prosody.launch(resolver), prosody.client_address()),
            Plan::Ejabberd(ejabberd) => (ejabberd.launch(resolver), ejabberd.client_address()),
        };
        let publisher = Client::login(&format!("{PUBLISHER}@{}", self.domain), clients).await;
        self.running = Some((process, publisher));
    }

    /// Ends the server without a word (SIGKILL), but not before what it was told is on its disk: waits until 5 seconds after the
    /// last change.
    ///
    /// # Panics
    /// When it does not run.
    pub async fn kill(&mut self) {
        if let Some(changed) = self.changed {
            sleep_until((changed + WRITTEN).into()).await;
        }
        let (process, _) = self.running.take().unwrap_or_else(|| panic!("it does not run"));
        process.signal(Signal::KILL);
    }

    /// Creates a node that anybody may follow.
    pub async fn create(&mut self, node: &str) {
        let form = format!(
            "<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE' type='hidden'>\
             <value>http://jabber.org/protocol/pubsub#node_config</value></field>\
             <field var='pubsub#access_model'><value>open</value></field>\
             <field var='pubsub#persist_items'><value>1</value></field>\
             <field var='pubsub#max_items'><value>{ITEMS_MAX}</value></field></x>"
        );
        self.ask("", &format!("<create node='{node}'/><configure>{form}</configure>")).await;
    }

    /// Publishes an item as xmppbl.org does: its id says whom it is about.
    pub async fn publish(&mut self, node: &str, id: &str) {
        let report =
            "<report xmlns='urn:xmpp:reporting:1' reason='urn:xmpp:reporting:spam'><text>a test</text></report>";
        self.ask("", &format!("<publish node='{node}'><item id='{id}'>{report}</item></publish>")).await;
    }

    /// Takes an item back.
    pub async fn retract(&mut self, node: &str, id: &str) {
        self.ask("", &format!("<retract node='{node}' notify='true'><item id='{id}'/></retract>")).await;
    }

    /// Takes all items back.
    pub async fn purge(&mut self, node: &str) {
        self.ask("#owner", &format!("<purge node='{node}'/>")).await;
    }

    /// Deletes a node.
    pub async fn delete(&mut self, node: &str) {
        self.ask("#owner", &format!("<delete node='{node}'/>")).await;
    }

    /// Who follows a node, as the service knows them.
    pub async fn subscribers(&mut self, node: &str) -> Vec<String> {
        let answer = self.request("get", "#owner", &format!("<subscriptions node='{node}'/>")).await;
        let pubsub = answer.children().flat_map(|pubsub| pubsub.children());
        let subscriptions = pubsub.flat_map(|subscriptions| subscriptions.children());
        subscriptions.filter_map(|subscription| subscription.attr("jid").map(str::to_owned)).collect()
    }

    async fn ask(&mut self, namespace: &str, payload: &str) {
        self.request("set", namespace, payload).await;
        self.changed = Some(Instant::now());
    }

    async fn request(&mut self, kind: &str, namespace: &str, payload: &str) -> Element {
        self.requests += 1;
        let (service, id) = (self.service(), format!("publisher-{}", self.requests));
        let (_, publisher) = self.running.as_mut().unwrap_or_else(|| panic!("it does not run"));
        publisher.send(&format!(
            "<iq to='{service}' type='{kind}' id='{id}'>\
             <pubsub xmlns='http://jabber.org/protocol/pubsub{namespace}'>{payload}</pubsub></iq>"
        ));
        let is_answer = |stanza: &Element| stanza.name() == "iq" && stanza.attr("id") == Some(&id);
        let answer = publisher.expect("the service's answer", is_answer).await;
        let (kind, from) = (answer.attr("type"), answer.attr("from"));
        assert!(kind == Some("result") && from == Some(&service), "refused: {payload}\n{}", String::from(&answer));
        answer
    }
}
