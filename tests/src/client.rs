//! A real client (tokio-xmpp) that sends stanzas written as XML and waits for the ones a test expects.

use std::{collections::VecDeque, net::SocketAddr, time::Duration};

use futures_util::StreamExt as _;
use tokio::{sync::mpsc, task::JoinHandle, time::timeout};
pub use tokio_xmpp::minidom::Element;
use tokio_xmpp::{
    Stanza,
    connect::{DnsConfig, TcpServerConnector},
    jid::{BareJid, Jid},
    stanzastream::{Event, StanzaStream, StreamEvent},
    xmlstream::Timeouts,
};

use crate::{process::must, server::PASSWORD};

/// A stanza crosses two servers and the proxy in milliseconds once streams are open; opening them takes a second or two.
pub const STANZA_DEADLINE: Duration = Duration::from_secs(20);

/// Stanzas that wait in the library, each way.
const QUEUE: usize = 16;

/// How long a test watches for something that must not come.
const QUIET: Duration = Duration::from_millis(1500);

/// A user at a client, online.
#[derive(Debug)]
pub struct Client {
    jid: Jid,
    outgoing: mpsc::UnboundedSender<Stanza>,
    incoming: mpsc::UnboundedReceiver<Element>,
    passed_over: VecDeque<Element>,
    pump: JoinHandle<()>,
}

impl Client {
    /// Logs a user in and sends initial presence.
    ///
    /// # Panics
    /// When the server does not let the user in.
    pub async fn login(jid: &str, server: SocketAddr) -> Self {
        let account: BareJid = must("JID", jid.parse());
        let address = DnsConfig::Addr { addr: server.to_string() };
        // Not the library's `Client`: that lets two tasks share the stream under a lock, and the one that finds it taken is never
        // woken again (6.0.0, `StanzaReceiver::poll_next`), so that now and then a client hears nothing for ever.
        let connector = TcpServerConnector::from(address);
        let mut session =
            StanzaStream::new_c2s(connector, account.into(), PASSWORD.to_owned(), Timeouts::tight(), QUEUE);
        let online = timeout(STANZA_DEADLINE, bound_jid(&mut session)).await;
        let jid = online.unwrap_or_else(|_| panic!("{jid} does not get online at {server}"));
        let (outgoing, commands) = mpsc::unbounded_channel();
        let (events, incoming) = mpsc::unbounded_channel();
        let pump = tokio::spawn(pump(session, commands, events));
        let client = Self { jid, outgoing, incoming, passed_over: VecDeque::new(), pump };
        client.send("<presence/>");
        client
    }

    /// Returns the full JID of this session.
    pub fn jid(&self) -> &str {
        self.jid.as_str()
    }

    /// Returns the user's JID without the resource.
    pub fn bare_jid(&self) -> String {
        self.jid.to_bare().to_string()
    }

    /// Sends a stanza, written without its namespace (`<message to='…'>…`).
    ///
    /// # Panics
    /// When it is not a stanza or the session is over.
    pub fn send(&self, xml: &str) {
        let end = xml.find(['/', '>', ' ']).filter(|end| *end > 0);
        let end = end.unwrap_or_else(|| panic!("not a stanza: {xml}"));
        let xml = format!("{} xmlns='jabber:client'{}", &xml[..end], &xml[end..]);
        let element: Element = must("stanza", xml.parse());
        let stanza = must("stanza", Stanza::try_from(element));
        must("session", self.outgoing.send(stanza));
    }

    /// Waits for the first stanza of which the condition holds, and keeps the others for later expectations.
    ///
    /// # Panics
    /// When none comes in time.
    pub async fn expect(&mut self, what: &str, condition: impl Fn(&Element) -> bool) -> Element {
        if let Some(found) = self.passed_over.iter().position(&condition) {
            return self.passed_over.remove(found).unwrap_or_else(|| unreachable!());
        }
        let found = timeout(STANZA_DEADLINE, self.next_match(&condition)).await.ok().flatten();
        found.unwrap_or_else(|| panic!("{} expected {what}; got only {:#?}", self.jid, self.seen()))
    }

    /// Waits for a message with this body.
    ///
    /// # Panics
    /// When none comes in time.
    pub async fn expect_message(&mut self, body: &str) -> Element {
        self.expect(&format!("a message “{body}”"), |stanza| body_of(stanza).as_deref() == Some(body)).await
    }

    /// Waits for the error that answers a stanza, and returns its defined condition and type.
    ///
    /// # Panics
    /// When none comes in time.
    pub async fn expect_error(&mut self, id: &str) -> (String, String) {
        let is_answer = |stanza: &Element| stanza.attr("id") == Some(id) && stanza.attr("type") == Some("error");
        let stanza = self.expect(&format!("an error for {id}"), is_answer).await;
        let error = stanza.children().find(|child| child.name() == "error");
        let error = error.unwrap_or_else(|| panic!("no <error/> in {}", String::from(&stanza)));
        let condition = error.children().find(|child| child.name() != "text");
        let condition = condition.unwrap_or_else(|| panic!("no condition in {}", String::from(error)));
        (condition.name().to_owned(), error.attr("type").unwrap_or_default().to_owned())
    }

    /// Watches for a while that no stanza comes of which the condition holds.
    ///
    /// # Panics
    /// When one comes.
    pub async fn expect_nothing(&mut self, what: &str, condition: impl Fn(&Element) -> bool) {
        let early = self.passed_over.iter().find(|stanza| condition(stanza)).cloned();
        let found = match early {
            Some(stanza) => Some(stanza),
            None => timeout(QUIET, self.next_match(&condition)).await.ok().flatten(),
        };
        assert!(found.is_none(), "{} got {what}: {}", self.jid, found.as_ref().map(String::from).unwrap_or_default());
    }

    /// Returns the bodies of all messages that have come and no test step has asked for.
    pub fn bodies(&mut self) -> Vec<String> {
        self.stanzas().iter().filter_map(body_of).collect()
    }

    /// Returns all stanzas that have come and no test step has asked for.
    pub fn stanzas(&mut self) -> Vec<Element> {
        while let Ok(stanza) = self.incoming.try_recv() {
            self.passed_over.push_back(stanza);
        }
        self.passed_over.iter().cloned().collect()
    }

    async fn next_match(&mut self, condition: impl Fn(&Element) -> bool) -> Option<Element> {
        loop {
            let stanza = self.incoming.recv().await?;
            if condition(&stanza) {
                return Some(stanza);
            }
            self.passed_over.push_back(stanza);
        }
    }

    fn seen(&self) -> Vec<String> {
        self.passed_over.iter().map(String::from).collect()
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.pump.abort();
    }
}

/// Returns the text of a message's body.
pub fn body_of(stanza: &Element) -> Option<String> {
    (stanza.name() == "message" && stanza.attr("type") != Some("error"))
        .then(|| stanza.get_child("body", "jabber:client").map(Element::text))
        .flatten()
}

async fn bound_jid(session: &mut StanzaStream) -> Jid {
    loop {
        match session.next().await {
            Some(Event::Stream(StreamEvent::Reset { bound_jid, .. })) => return bound_jid,
            Some(_) => {}
            None => panic!("the session ended at login"),
        }
    }
}

/// Owns the session: writes what the test sends, hands over what comes.
async fn pump(
    mut session: StanzaStream,
    mut commands: mpsc::UnboundedReceiver<Stanza>,
    events: mpsc::UnboundedSender<Element>,
) {
    loop {
        tokio::select! {
            event = session.next() => match event {
                Some(Event::Stanza(stanza)) => drop(events.send(stanza.into())),
                Some(Event::Stream(_)) => {}
                None => return,
            },
            command = commands.recv() => match command {
                // Waits for room in the queue, which the library empties whether or not it is listened to.
                Some(stanza) => drop(session.send(Box::new(stanza)).await),
                None => return,
            },
        }
    }
}
