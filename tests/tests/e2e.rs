//! Clients of two real servers talk through the proxy, or are kept from it.

use refrain_tests::{
    client::{Client, body_of},
    internet::{Internet, Proof},
    server::{Software, are_installed},
    steps::{chat_both_ways, expect_said, is_presence, is_result, nothing_is_lost, ping, subscribe},
};

/// The three bundled filters, as an operator would write them, but for the time they have: tests run on machines that are busy with others.
const FILTERS: &str = r#"
[chain]
inbound = ["jid-policy", "spim", "file-transfer"]
outbound = ["jid-policy", "file-transfer"]

[filter.jid-policy]
component = "builtin:jid-policy"
deadline-ms = 1000
[filter.jid-policy.settings]
deny = [{ name = "eve", jid = "eve@away.example", match = "either" }]

[filter.spim]
component = "builtin:spim"
deadline-ms = 1000
[filter.spim.settings]
signatures = [
    { name = "casino", text = "best casino bonus", action = "drop" },
    { name = "pills", regex = '(?i)cheap\s+p[i1]lls', action = "bounce" },
]

[filter.file-transfer]
component = "builtin:file-transfer"
deadline-ms = 1000
"#;

#[tokio::test]
async fn two_servers_talk_without_the_proxy() {
    if !are_installed(&[Software::Prosody]) {
        return;
    }
    let internet = Internet::direct();
    let (mut alice, mut bob) = (internet.alice().await, internet.bob().await);
    chat_both_ways(&mut alice, &mut bob).await;
}

#[tokio::test]
async fn chat_subscriptions_pings_and_rooms_cross_both_ways() {
    if !are_installed(&[Software::Prosody]) {
        return;
    }
    let mut internet = Internet::through_refrain(Proof::Certificates, FILTERS);
    let (mut alice, mut bob) = (internet.alice().await, internet.bob().await);
    chat_both_ways(&mut alice, &mut bob).await;
    subscribe(&mut alice, &mut bob).await;
    subscribe(&mut bob, &mut alice).await;
    ping(&mut alice, &mut bob, "away.example").await;
    ping(&mut bob, &mut alice, "home.example").await;
    meet_in("tea@rooms.away.example", &mut bob, &mut alice).await;
    meet_in("balcony@rooms.home.example", &mut alice, &mut bob).await;
    nothing_is_lost(&mut internet);
}

#[tokio::test]
async fn what_a_filter_refuses_does_not_cross_and_the_sender_is_told() {
    if !are_installed(&[Software::Prosody]) {
        return;
    }
    let mut internet = Internet::through_refrain(Proof::Certificates, FILTERS);
    let (mut alice, mut bob, mut eve) = (internet.alice().await, internet.bob().await, internet.eve().await);
    spim_does_not_cross(&mut bob, &mut alice).await;
    denied_senders_do_not_cross(&mut eve, &mut alice).await;
    file_offers_do_not_cross(&mut bob, &mut alice).await;
    file_offers_do_not_cross(&mut alice, &mut bob).await;
    proposals_are_rejected(&mut bob, &mut alice).await;
    proposals_are_rejected(&mut alice, &mut bob).await;
    chat_both_ways(&mut alice, &mut bob).await;
    nothing_is_lost(&mut internet);
}

/// Hygiene as strict as it can be, and few open requests.
const STRICT: &str = r#"
[chain]
inbound = ["rate-limit", "hygiene"]
outbound = ["rate-limit", "hygiene"]
[filter.hygiene.settings]
unasked = "drop"
grace-seconds = 0
[filter.rate-limit.settings]
outstanding = { max = 10, direction = "both" }
"#;

#[tokio::test]
async fn answers_cross_when_they_were_asked_for_and_only_then() {
    if !are_installed(&[Software::Prosody]) {
        return;
    }
    let mut internet = Internet::through_refrain(Proof::Certificates, STRICT);
    let (mut alice, mut bob) = (internet.alice().await, internet.bob().await);
    chat_both_ways(&mut alice, &mut bob).await;
    subscribe(&mut alice, &mut bob).await;
    for _ in 0..20 {
        ping(&mut alice, &mut bob, "away.example").await;
        ping(&mut bob, &mut alice, "home.example").await;
    }
    meet_in("tea@rooms.away.example", &mut bob, &mut alice).await;
    meet_in("balcony@rooms.home.example", &mut alice, &mut bob).await;
    bob.send(&format!("<iq to='{}' type='result' id='guessed'/>", alice.jid()));
    alice.expect_nothing("an answer that nobody asked for", |stanza| stanza.attr("id") == Some("guessed")).await;
    nothing_is_lost(&mut internet);
}

#[tokio::test]
async fn a_peer_without_a_trusted_certificate_is_proven_by_dialback_where_the_operator_allows_it() {
    if !are_installed(&[Software::Prosody]) {
        return;
    }
    let mut internet = Internet::through_refrain(Proof::Dialback, FILTERS);
    let (mut alice, mut bob) = (internet.alice().await, internet.bob().await);
    chat_both_ways(&mut alice, &mut bob).await;
    meet_in("tea@rooms.away.example", &mut bob, &mut alice).await;
    expect_said(&mut internet, &["peer authenticated", "away.example", "dialback"]).await;
    expect_said(&mut internet, &["stream established", "away.example", "dialback"]).await;
    nothing_is_lost(&mut internet);
}

#[tokio::test]
async fn a_peer_without_a_trusted_certificate_is_refused_where_the_operator_does_not_allow_dialback() {
    if !are_installed(&[Software::Prosody]) {
        return;
    }
    let mut internet = Internet::through_refrain(Proof::Nothing, FILTERS);
    let (mut alice, mut bob) = (internet.alice().await, internet.bob().await);
    bob.send(&format!("<message to='{}' type='chat' id='unproven'><body>trust me</body></message>", alice.jid()));
    bob.expect_error("unproven").await;
    alice
        .send(&format!("<message to='{}' type='chat' id='to-unproven'><body>who are you?</body></message>", bob.jid()));
    let (condition, kind) = alice.expect_error("to-unproven").await;
    assert_eq!((condition.as_str(), kind.as_str()), ("remote-server-timeout", "wait"));
    alice.expect_nothing("a message of an unproven peer", |stanza| body_of(stanza).is_some()).await;
    bob.expect_nothing("a message to an unproven peer", |stanza| body_of(stanza).is_some()).await;
    nothing_is_lost(&mut internet);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_drain_under_traffic_loses_no_accepted_stanza() {
    if !are_installed(&[Software::Prosody]) {
        return;
    }
    const EACH_WAY: usize = 600;
    let mut internet = Internet::through_refrain(Proof::Certificates, FILTERS);
    let (mut alice, mut bob) = (internet.alice().await, internet.bob().await);
    chat_both_ways(&mut alice, &mut bob).await;
    for number in 0..EACH_WAY {
        alice.send(&numbered(bob.jid(), number));
        bob.send(&numbered(alice.jid(), number));
    }
    // Half-way through: the first hundred have arrived, the last are still with the clients' servers.
    bob.expect_message("number 100").await;
    let refrain = internet.refrain();
    let (status, account) = tokio::task::block_in_place(|| refrain.drain());
    assert!(status.success(), "{status}: {account:?}");
    assert_eq!(account.lost, 0, "{account:?}");

    // The account is true: what it calls forwarded has reached the clients, in order and once.
    let arrived = arrivals(&mut bob).await + arrivals(&mut alice).await;
    // Two of the chat, and the one waited for.
    let heard_before = 3;
    assert_eq!(u64::try_from(arrived + heard_before).unwrap(), account.forwarded, "{account:?}");
    println!("{} sent each way, {arrived} arrived in all when the proxy was told to stop: {account:?}", EACH_WAY);
}

/// XEP-0045: the host opens an instant room (§10.1.2), the guest enters it from the other side, both speak and both hear.
async fn meet_in(room: &str, host: &mut Client, guest: &mut Client) {
    host.send(&format!("<presence to='{room}/host'><x xmlns='http://jabber.org/protocol/muc'/></presence>"));
    host.expect("own presence in the room", |stanza| is_presence(stanza, "", &format!("{room}/host"))).await;
    host.send(&format!(
        "<iq to='{room}' type='set' id='instant'><query xmlns='http://jabber.org/protocol/muc#owner'>\
         <x xmlns='jabber:x:data' type='submit'/></query></iq>"
    ));
    host.expect("the room's unlocking", |stanza| is_result(stanza, "instant", room)).await;
    guest.send(&format!("<presence to='{room}/guest'><x xmlns='http://jabber.org/protocol/muc'/></presence>"));
    guest.expect("own presence in the room", |stanza| is_presence(stanza, "", &format!("{room}/guest"))).await;
    speak_in(room, "host", host, guest).await;
    speak_in(room, "guest", guest, host).await;
}

async fn speak_in(room: &str, nick: &str, speaker: &Client, listener: &mut Client) {
    let body = format!("{nick} speaks in {room}");
    speaker.send(&format!("<message to='{room}' type='groupchat'><body>{body}</body></message>"));
    let heard = listener.expect_message(&body).await;
    assert_eq!(heard.attr("from"), Some(format!("{room}/{nick}").as_str()));
}

async fn spim_does_not_cross(spammer: &mut Client, user: &mut Client) {
    let to = user.jid().to_owned();
    spammer.send(&format!("<message to='{to}' type='chat' id='dropped'><body>The BEST casino bonus!</body></message>"));
    spammer.send(&format!("<message to='{to}' type='chat' id='bounced'><body>cheap  p1lls</body></message>"));
    let (condition, kind) = spammer.expect_error("bounced").await;
    assert_eq!((condition.as_str(), kind.as_str()), ("policy-violation", "modify"));
    user.expect_nothing("SPIM", |stanza| body_of(stanza).is_some()).await;
    spammer.expect_nothing("an answer to what is dropped", |stanza| stanza.attr("id") == Some("dropped")).await;
}

async fn denied_senders_do_not_cross(denied: &mut Client, user: &mut Client) {
    denied.send(&format!("<message to='{}' type='chat' id='denied'><body>psst</body></message>", user.jid()));
    let (condition, kind) = denied.expect_error("denied").await;
    assert_eq!((condition.as_str(), kind.as_str()), ("forbidden", "auth"));
    user.expect_nothing("a denied message", |stanza| body_of(stanza).is_some()).await;
}

/// XEP-0234: a file offered over Jingle.
async fn file_offers_do_not_cross(sender: &mut Client, receiver: &mut Client) {
    sender.send(&format!(
        "<iq to='{}' type='set' id='offer'><jingle xmlns='urn:xmpp:jingle:1' action='session-initiate' sid='f1'>\
         <content creator='initiator' name='file' senders='initiator'>\
         <description xmlns='urn:xmpp:jingle:apps:file-transfer:5'><file><name>run.exe</name></file></description>\
         <transport xmlns='urn:xmpp:jingle:transports:s5b:1' sid='t1'/></content></jingle></iq>",
        receiver.jid()
    ));
    let (condition, kind) = sender.expect_error("offer").await;
    assert_eq!((condition.as_str(), kind.as_str()), ("service-unavailable", "cancel"));
    receiver.expect_nothing("a file offer", |stanza| stanza.has_child("jingle", "urn:xmpp:jingle:1")).await;
}

/// XEP-0353: a file offered by message, to the account; the caller's client is told, and nobody's rings.
async fn proposals_are_rejected(sender: &mut Client, receiver: &mut Client) {
    let (account, namespace) = (receiver.bare_jid(), "urn:xmpp:jingle-message:0");
    sender.send(&format!(
        "<message to='{account}' type='chat' id='jm1'><propose xmlns='{namespace}' id='ca3cf894'>\
         <description xmlns='urn:xmpp:jingle:apps:file-transfer:5'/></propose><store xmlns='urn:xmpp:hints'/></message>"
    ));
    let rejection = sender.expect("a rejection", |stanza| stanza.has_child("reject", namespace)).await;
    assert_eq!((rejection.attr("from"), rejection.attr("type")), (Some(account.as_str()), Some("chat")));
    let reject = rejection.get_child("reject", namespace).and_then(|reject| reject.attr("id"));
    assert_eq!(reject, Some("ca3cf894"));
    receiver.expect_nothing("a proposal", |stanza| stanza.has_child("propose", namespace)).await;
}

fn numbered(to: &str, number: usize) -> String {
    format!("<message to='{to}' type='chat'><body>number {number}</body></message>")
}

/// Waits until nothing more comes; fails when numbered messages have come twice, or not in order.
async fn arrivals(client: &mut Client) -> usize {
    let mut bodies = client.bodies();
    loop {
        tokio::time::sleep(std::time::Duration::from_millis(500)).await;
        let now = client.bodies();
        if now.len() == bodies.len() {
            break;
        }
        bodies = now;
    }
    let number = |body: &String| body.strip_prefix("number ").and_then(|number| number.parse::<usize>().ok());
    let numbers: Vec<usize> = bodies.iter().filter_map(number).collect();
    assert!(numbers.is_sorted_by(|one, next| one < next), "{} heard {numbers:?}", client.jid());
    numbers.len()
}
