//! Refrain between real servers of three makes: each inside, each outside, with each proof that they know.

use refrain_tests::{
    authority::Usage,
    client::Client,
    internet::{AWAY, AWAY_DOWN, HOME, HOME_DOWN, Internet, Plan, Proof, Side, Transport},
    server::{Software, are_installed},
    steps::{
        FOREIGN_PAYLOAD, FOREIGN_PAYLOAD_WITH_PREFIXES, Stopwatch, ask_version, bounce, bounce_subscription,
        chat_both_ways, come_and_go, expect_said, large_message, nothing_is_lost, pass_unchanged, ping, probe,
        subscribe,
    },
};

/// Refrain's own default (`limits.stanza-bytes-max`).
const REFRAIN_STANZA_BYTES_MAX: usize = 262_144;

/// Room in a stanza for its tags and what servers add to them.
const ENVELOPE_BYTES: usize = 1_024;

/// One test each: who is inside and outside, and what each side and the proxy prove themselves by.
macro_rules! cells {
    ($($name:ident: $inside:ident by $inside_proof:ident, $outside:ident by $outside_proof:ident;)*) => {$(
        #[tokio::test]
        async fn $name() {
            let inside = Side { software: Software::$inside, proof: Proof::$inside_proof };
            let outside = Side { software: Software::$outside, proof: Proof::$outside_proof };
            users_of_both_meet(stringify!($name), inside, outside).await;
        }
    )*};
}

cells! {
    prosody_inside_prosody_outside: Prosody by Certificates, Prosody by Certificates;
    prosody_inside_prosody_by_dialback_outside: Prosody by Certificates, Prosody by Dialback;
    prosody_inside_ejabberd_outside: Prosody by Certificates, Ejabberd by Certificates;
    prosody_inside_ejabberd_by_dialback_outside: Prosody by Certificates, Ejabberd by Dialback;
    prosody_inside_jabberd2_outside: Prosody by Certificates, Jabberd2 by Dialback;
    prosody_by_dialback_inside_prosody_outside: Prosody by Dialback, Prosody by Certificates;
    prosody_by_dialback_inside_prosody_by_dialback_outside: Prosody by Dialback, Prosody by Dialback;
    prosody_by_dialback_inside_ejabberd_outside: Prosody by Dialback, Ejabberd by Certificates;
    prosody_by_dialback_inside_ejabberd_by_dialback_outside: Prosody by Dialback, Ejabberd by Dialback;
    prosody_by_dialback_inside_jabberd2_outside: Prosody by Dialback, Jabberd2 by Dialback;
    ejabberd_inside_prosody_outside: Ejabberd by Certificates, Prosody by Certificates;
    ejabberd_inside_prosody_by_dialback_outside: Ejabberd by Certificates, Prosody by Dialback;
    ejabberd_inside_ejabberd_outside: Ejabberd by Certificates, Ejabberd by Certificates;
    ejabberd_inside_ejabberd_by_dialback_outside: Ejabberd by Certificates, Ejabberd by Dialback;
    ejabberd_inside_jabberd2_outside: Ejabberd by Certificates, Jabberd2 by Dialback;
    ejabberd_by_dialback_inside_prosody_outside: Ejabberd by Dialback, Prosody by Certificates;
    ejabberd_by_dialback_inside_prosody_by_dialback_outside: Ejabberd by Dialback, Prosody by Dialback;
    ejabberd_by_dialback_inside_ejabberd_outside: Ejabberd by Dialback, Ejabberd by Certificates;
    ejabberd_by_dialback_inside_ejabberd_by_dialback_outside: Ejabberd by Dialback, Ejabberd by Dialback;
    ejabberd_by_dialback_inside_jabberd2_outside: Ejabberd by Dialback, Jabberd2 by Dialback;
    jabberd2_inside_prosody_outside: Jabberd2 by Dialback, Prosody by Certificates;
    jabberd2_inside_prosody_by_dialback_outside: Jabberd2 by Dialback, Prosody by Dialback;
    jabberd2_inside_ejabberd_outside: Jabberd2 by Dialback, Ejabberd by Certificates;
    jabberd2_inside_ejabberd_by_dialback_outside: Jabberd2 by Dialback, Ejabberd by Dialback;
    jabberd2_inside_jabberd2_outside: Jabberd2 by Dialback, Jabberd2 by Dialback;
}

#[tokio::test]
async fn direct_tls_both_ways_with_prosody() {
    speak_over_direct_tls(Software::Prosody).await;
}

#[tokio::test]
async fn direct_tls_both_ways_with_ejabberd() {
    speak_over_direct_tls(Software::Ejabberd).await;
}

/// The world's DNS has no other records than those of XEP-0368.
async fn speak_over_direct_tls(software: Software) {
    if !are_installed(&[Software::Prosody, software]) {
        return;
    }
    let plan = Plan { transport: Transport::DirectTls, ..prosody_before(software, Proof::Certificates) };
    let mut internet = plan.start();
    let (mut alice, mut bob) = (internet.alice().await, internet.bob().await);
    chat_both_ways(&mut alice, &mut bob).await;
    proofs_are(&mut internet, Proof::Certificates, Proof::Certificates).await;
    nothing_is_lost(&mut internet);
}

/// RFC 5280 §4.2.1.12, as XMPP has always read it: a server is a server, even where it connects.
#[tokio::test]
async fn a_certificate_for_servers_alone_is_external_for_prosody() {
    if !are_installed(&[Software::Prosody]) {
        return;
    }
    let plan = Plan { usage: Usage::Server, ..prosody_before(Software::Prosody, Proof::Certificates) };
    let mut internet = plan.start();
    let (mut alice, mut bob) = (internet.alice().await, internet.bob().await);
    chat_both_ways(&mut alice, &mut bob).await;
    proofs_are(&mut internet, Proof::Certificates, Proof::Certificates).await;
}

/// ejabberd before 25.08 wants certificates for clients from who connects to it, and takes dialback instead if it may.
#[tokio::test]
async fn a_certificate_for_servers_alone_leaves_dialback_with_old_ejabberd() {
    if !are_installed(&[Software::Prosody, Software::Ejabberd]) {
        return;
    }
    for (usage, proof) in [(Usage::Both, "external"), (Usage::Server, "dialback")] {
        let plan = Plan { usage, ..prosody_before(Software::Ejabberd, Proof::CertificatesOrDialback) };
        let mut internet = plan.start();
        let (mut alice, mut bob) = (internet.alice().await, internet.bob().await);
        chat_both_ways(&mut alice, &mut bob).await;
        expect_said(&mut internet, &["stream established", "outside", proof]).await;
        expect_said(&mut internet, &["peer authenticated", "outside", "external"]).await;
    }
}

/// A hosted Prosody, and another server outside.
fn prosody_before(software: Software, proof: Proof) -> Plan<'static> {
    let inside = Side { software: Software::Prosody, proof: Proof::Certificates };
    let outside = Side { software, proof };
    Plan::new(inside, outside, "")
}

async fn users_of_both_meet(name: &str, inside: Side, outside: Side) {
    if !are_installed(&[inside.software, outside.software]) {
        return;
    }
    let mut watch = Stopwatch::new(name);
    let mut internet = Internet::between(inside, outside, "");
    watch.lap("start");
    let (mut alice, mut bob) = (internet.alice().await, internet.bob().await);
    chat_both_ways(&mut alice, &mut bob).await;
    watch.lap("chat");
    proofs_are(&mut internet, inside.proof, outside.proof).await;
    presence_crosses(&internet, &mut alice, &mut bob).await;
    watch.lap("presence");
    queries_cross(&mut alice, &mut bob).await;
    watch.lap("iq");
    payloads_cross(inside.software, outside.software, &mut alice, &mut bob).await;
    watch.lap("payload");
    large_stanzas_cross(inside.software, outside.software, &mut alice, &mut bob).await;
    watch.lap("large");
    undeliverable_stanzas_return(&mut alice, &mut bob).await;
    subscriptions_return(inside.software, outside.software, &mut alice, &mut bob).await;
    watch.lap("bounce");
    nothing_is_lost(&mut internet);
    watch.lap("drain");
}

/// Both of a side's two streams were proven so: the one that its server opened, and the one that was opened to it.
async fn proofs_are(internet: &mut Internet, inside: Proof, outside: Proof) {
    for (side, proof) in [("inside", inside), ("outside", outside)] {
        let word = if proof == Proof::Certificates { "external" } else { "dialback" };
        expect_said(internet, &["peer authenticated", side, word]).await;
        expect_said(internet, &["stream established", side, word]).await;
    }
}

/// RFC 6121 §3 and §4: subscriptions both ways, going and coming, and a probe.
async fn presence_crosses(internet: &Internet, alice: &mut Client, bob: &mut Client) {
    subscribe(alice, bob).await;
    subscribe(bob, alice).await;
    come_and_go(alice, bob).await;
    come_and_go(bob, alice).await;
    probe(&mut internet.alice().await, bob).await;
    probe(&mut internet.bob().await, alice).await;
}

async fn queries_cross(alice: &mut Client, bob: &mut Client) {
    ping(alice, bob, AWAY[0]).await;
    ping(bob, alice, HOME[0]).await;
    ask_version(alice, AWAY[0]).await;
    ask_version(bob, HOME[0]).await;
}

async fn payloads_cross(inside: Software, outside: Software, alice: &mut Client, bob: &mut Client) {
    // jabberd2 itself forgets the prefixes of attributes, and takes `xmlns=''` for nothing.
    let with_prefixes = inside != Software::Jabberd2 && outside != Software::Jabberd2;
    for payload in [FOREIGN_PAYLOAD].into_iter().chain(with_prefixes.then_some(FOREIGN_PAYLOAD_WITH_PREFIXES)) {
        pass_unchanged(payload, alice, bob).await;
        pass_unchanged(payload, bob, alice).await;
    }
}

/// As large as the strictest of the three on the way allows.
async fn large_stanzas_cross(inside: Software, outside: Software, alice: &mut Client, bob: &mut Client) {
    let bytes_max = inside.stanza_bytes_max().min(outside.stanza_bytes_max()).min(REFRAIN_STANZA_BYTES_MAX);
    large_message(alice, bob, bytes_max - ENVELOPE_BYTES).await;
    large_message(bob, alice, bytes_max - ENVELOPE_BYTES).await;
}

/// RFC 6121 §3.1.3. jabberd2 keeps such an error from its users.
async fn subscriptions_return(inside: Software, outside: Software, alice: &mut Client, bob: &mut Client) {
    if inside != Software::Jabberd2 {
        bounce_subscription(alice, &format!("somebody@{AWAY_DOWN}")).await;
    }
    if outside != Software::Jabberd2 {
        bounce_subscription(bob, &format!("somebody@{HOME_DOWN}")).await;
    }
}

/// RFC 6121 §8.5.1: no such user, said by the other server; RFC 6120 §10.4.3: no way to the other server, said by the proxy.
async fn undeliverable_stanzas_return(alice: &mut Client, bob: &mut Client) {
    const NOBODY: [(&str, &str); 2] = [("service-unavailable", "cancel"), ("item-not-found", "cancel")];
    const UNREACHABLE: [(&str, &str); 1] = [("remote-server-timeout", "wait")];
    bounce(alice, &format!("nobody@{}", AWAY[0]), &NOBODY).await;
    bounce(bob, &format!("nobody@{}", HOME[0]), &NOBODY).await;
    bounce(alice, &format!("anybody@{AWAY_DOWN}"), &UNREACHABLE).await;
    bounce(bob, &format!("anybody@{HOME_DOWN}"), &UNREACHABLE).await;
    bounce(alice, "anybody@nowhere.example", &[("remote-server-not-found", "cancel")]).await;
}
