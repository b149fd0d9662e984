//! What two users do in the tests, one step each, and what must come of it on the other side.

use std::time::{Duration, Instant};

use crate::{
    client::{Client, Element, body_of},
    internet::Internet,
};

/// One message each way.
pub async fn chat_both_ways(alice: &mut Client, bob: &mut Client) {
    alice.send(&format!("<message to='{}' type='chat'><body>Art thou not Romeo?</body></message>", bob.jid()));
    bob.expect_message("Art thou not Romeo?").await;
    bob.send(&format!("<message to='{}' type='chat'><body>Neither, fair saint.</body></message>", alice.jid()));
    alice.expect_message("Neither, fair saint.").await;
}

/// RFC 6121 §3.1: a request, its approval, and then the presence that was asked for. (Prosody shows an approval only to those
/// who asked for the roster; the presence is there to see for everybody.)
pub async fn subscribe(subscriber: &mut Client, contact: &mut Client) {
    let (from, to) = (subscriber.bare_jid(), contact.bare_jid());
    subscriber.send(&format!("<presence to='{to}' type='subscribe'/>"));
    contact.expect("a subscription request", |stanza| is_presence(stanza, "subscribe", &from)).await;
    contact.send(&format!("<presence to='{from}' type='subscribed'/>"));
    let online = contact.jid().to_owned();
    subscriber.expect("the contact's presence", |stanza| is_presence(stanza, "", &online)).await;
}

/// RFC 6121 §4.5 and §4.2: the contact goes, and comes back.
pub async fn come_and_go(subscriber: &mut Client, contact: &mut Client) {
    let contact_jid = contact.jid().to_owned();
    contact.send("<presence type='unavailable'/>");
    let gone = |stanza: &Element| is_presence(stanza, "unavailable", &contact_jid);
    subscriber.expect("the contact's leaving", gone).await;
    contact.send("<presence><status>back</status></presence>");
    let back = |stanza: &Element| is_presence(stanza, "", &contact_jid) && has_status(stanza, "back");
    subscriber.expect("the contact's return", back).await;
}

/// RFC 6121 §4.3: a further session of a subscriber is told of the contact's presence, because the server probes for it.
pub async fn probe(further: &mut Client, contact: &Client) {
    let contact_jid = contact.jid().to_owned();
    further.expect("the answer to a probe", |stanza| is_presence(stanza, "", &contact_jid)).await;
}

/// Whether it is presence of this type (none: available) from this address.
pub fn is_presence(stanza: &Element, kind: &str, from: &str) -> bool {
    stanza.name() == "presence"
        && stanza.attr("type").unwrap_or_default() == kind
        && stanza.attr("from").is_some_and(|sender| sender == from)
}

fn has_status(stanza: &Element, text: &str) -> bool {
    stanza.get_child("status", "jabber:client").is_some_and(|status| status.text() == text)
}

/// XEP-0199 to the other's server, and to the other's client.
pub async fn ping(client: &mut Client, other: &mut Client, server: &str) {
    client.send(&format!("<iq to='{server}' type='get' id='to-server'><ping xmlns='urn:xmpp:ping'/></iq>"));
    client.expect("the server's pong", |stanza| is_result(stanza, "to-server", server)).await;
    let peer = other.jid().to_owned();
    client.send(&format!("<iq to='{peer}' type='get' id='to-client'><ping xmlns='urn:xmpp:ping'/></iq>"));
    let question = other.expect("a ping", |stanza| stanza.has_child("ping", "urn:xmpp:ping")).await;
    assert_eq!(question.attr("from"), Some(client.jid()));
    other.send(&format!("<iq to='{}' type='result' id='to-client'/>", client.jid()));
    client.expect("the client's pong", |stanza| is_result(stanza, "to-client", &peer)).await;
}

/// XEP-0092: the other's server says what it is.
pub async fn ask_version(client: &mut Client, server: &str) -> String {
    client.send(&format!("<iq to='{server}' type='get' id='version'><query xmlns='jabber:iq:version'/></iq>"));
    let answer = client.expect("the server's version", |stanza| is_result(stanza, "version", server)).await;
    let name =
        answer.get_child("query", "jabber:iq:version").and_then(|query| query.get_child("name", "jabber:iq:version"));
    name.unwrap_or_else(|| panic!("no name in {}", String::from(&answer))).text()
}

/// Whether it is the result with this id from this address.
pub fn is_result(stanza: &Element, id: &str, from: &str) -> bool {
    let attribute = |name| stanza.attr(name);
    stanza.name() == "iq"
        && (attribute("type"), attribute("id"), attribute("from")) == (Some("result"), Some(id), Some(from))
}

/// A payload that no server knows: namespaces, attributes that need escapes, mixed text.
pub const FOREIGN_PAYLOAD: &str = "<deed xmlns='urn:example:deed' n='&lt;1&gt; &amp; &quot;2&quot;' xml:lang='la'>ante\
    <seal xmlns='urn:example:wax' size='3'><deed/></seal> et <i>post</i> &amp; ’s; &lt;ok/&gt;</deed>";

/// The same with an attribute in a namespace, and an element in none.
pub const FOREIGN_PAYLOAD_WITH_PREFIXES: &str = "<deed xmlns='urn:example:deed'>ante<x:seal xmlns:x='urn:example:wax' \
    x:colour='red' colour='blue'><y xmlns=''/></x:seal>post</deed>";

/// RFC 6120 §8.4: what no server knows passes as it is: names, namespaces, attributes, text, order.
pub async fn pass_unchanged(payload: &str, sender: &Client, receiver: &mut Client) {
    let sent: Element = payload.parse().unwrap_or_else(|error| panic!("the payload: {error}"));
    sender
        .send(&format!("<message to='{}' type='chat' id='deed'><body>deed</body>{payload}</message>", receiver.jid()));
    let received = receiver.expect_message("deed").await;
    let found = received.get_child("deed", "urn:example:deed");
    assert_eq!(found.map(canonical), Some(canonical(&sent)), "{}", String::from(&received));
}

/// What an element means, however it is written.
fn canonical(element: &Element) -> String {
    let mut text = format!("<{{{}}}{}", element.ns(), element.name());
    for ((namespace, name), value) in element.attrs() {
        text.push_str(&format!(" {{{namespace:?}}}{name:?}={value:?}"));
    }
    text.push('>');
    for node in element.nodes() {
        match (node.as_element(), node.as_text()) {
            (Some(child), _) => text.push_str(&canonical(child)),
            (None, Some(words)) => text.push_str(words),
            (None, None) => {}
        }
    }
    text + "</>"
}

/// A message of about this size, its text to the letter.
pub async fn large_message(sender: &Client, receiver: &mut Client, bytes: usize) {
    let body: String = (0..)
        .map(|number| format!("{number} "))
        .scan(0, |length, word| {
            *length += word.len();
            (*length < bytes).then_some(word)
        })
        .collect();
    let body = body.trim_end();
    sender.send(&format!("<message to='{}' type='chat'><body>{body}</body></message>", receiver.jid()));
    let is_it = |stanza: &Element| body_of(stanza).is_some_and(|text| text == body);
    receiver.expect(&format!("a message of {bytes} bytes"), is_it).await;
}

/// A message to somebody who is not there, or whose server is not: the conditions of the errors that may tell the sender so.
pub async fn bounce(sender: &mut Client, to: &str, expected: &[(&str, &str)]) {
    let id = format!("bounce-{to}");
    sender.send(&format!("<message to='{to}' type='chat' id='{id}'><body>Anybody there?</body></message>"));
    let (condition, kind) = sender.expect_error(&id).await;
    assert!(expected.contains(&(&condition, &kind)), "{to}: {condition} ({kind}), expected one of {expected:?}");
}

/// RFC 6121 §3.1.3: a request that cannot be delivered comes back as presence of type error, from whom it was addressed to.
pub async fn bounce_subscription(sender: &mut Client, to: &str) {
    sender.send(&format!("<presence to='{to}' type='subscribe'/>"));
    let what = format!("the error of a subscription to {to}");
    sender.expect(&what, |stanza| is_presence(stanza, "error", to)).await;
}

/// The proxy stops, and accounts for every stanza.
pub fn nothing_is_lost(internet: &mut Internet) {
    let (status, account) = internet.refrain().drain();
    assert!(status.success(), "{status}: {account:?}");
    assert_eq!(account.lost, 0, "{account:?}");
}

/// Waits until the proxy has said all the words in one line; its log comes by another way than the stanzas.
///
/// # Panics
/// When it does not say so in time.
pub async fn expect_said(internet: &mut Internet, words: &[&str]) {
    const PATIENCE: Duration = Duration::from_secs(5);
    let start = Instant::now();
    while !says(&internet.refrain().log(), words) {
        assert!(start.elapsed() < PATIENCE, "no line with {words:?} in\n{}", internet.refrain().log());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn says(log: &str, words: &[&str]) -> bool {
    log.lines().any(|line| words.iter().all(|word| line.contains(word)))
}

/// Tells how long each step of a test took, on one line, when the test is over.
#[derive(Debug)]
pub struct Stopwatch {
    name: String,
    last: Instant,
    laps: Vec<(&'static str, Duration)>,
}

impl Stopwatch {
    /// Starts.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), last: Instant::now(), laps: Vec::new() }
    }

    /// Ends a step.
    pub fn lap(&mut self, step: &'static str) {
        let now = Instant::now();
        self.laps.push((step, now - self.last));
        self.last = now;
    }
}

impl Drop for Stopwatch {
    fn drop(&mut self) {
        let total: Duration = self.laps.iter().map(|(_, time)| time).sum();
        let laps: Vec<String> =
            self.laps.iter().map(|(step, time)| format!("{step} {:.1}", time.as_secs_f32())).collect();
        println!("{}: {:.1} s ({})", self.name, total.as_secs_f32(), laps.join(", "));
    }
}
