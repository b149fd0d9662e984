//! Clients of two real servers talk through the proxy, or are kept from it.

use refrain_tests::{
    client::Client,
    internet::{Internet, real_servers_are_installed},
};

#[tokio::test]
async fn two_servers_talk_without_the_proxy() {
    if !real_servers_are_installed() {
        return;
    }
    let internet = Internet::direct();
    let (mut alice, mut bob) = (internet.alice().await, internet.bob().await);
    chat_both_ways(&mut alice, &mut bob).await;
}

async fn chat_both_ways(alice: &mut Client, bob: &mut Client) {
    alice.send(&format!("<message to='{}' type='chat'><body>Art thou not Romeo?</body></message>", bob.jid()));
    bob.expect_message("Art thou not Romeo?").await;
    bob.send(&format!("<message to='{}' type='chat'><body>Neither, fair saint.</body></message>", alice.jid()));
    alice.expect_message("Neither, fair saint.").await;
}
