//! First contact from end to end: what `jid-policy` says to a stranger, until whom they write to answers.

use super::*;

const REQUESTS_ONLY: &str = "[chain]\ninbound = ['jid-policy']\noutbound = ['jid-policy']\n\
    [filter.jid-policy.settings]\nfirst-contact = 'requests-only'\n";

async fn next(arrivals: &mut UnboundedReceiver<Arrival>) -> Arrival {
    timeout(PATIENCE, arrivals.recv()).await.unwrap().unwrap()
}

#[tokio::test]
async fn a_stranger_is_heard_once_the_user_has_turned_to_them() {
    let folder = tempfile::tempdir().unwrap();
    world::make_certificates(folder.path()).unwrap();
    let mut inside = Server::inside(folder.path()).await.unwrap();
    let mut outside = Server::outside(folder.path()).await.unwrap();
    let rest = world::peers(outside.address().unwrap()) + REQUESTS_ONLY;
    let snapshot = world::gateway(folder.path(), inside.address().unwrap(), &rest).unwrap();
    let app = App::start(snapshot, Audit::default()).await.unwrap();
    let (mut home, mut away) = (inside.serve().unwrap(), outside.serve().unwrap());
    let (from_away, from_home) = (app.listeners().0[0], app.listeners().1[0]);
    let hello = |id: &str| {
        let xml = format!(
            "<message from='bob@away.example/p' to='alice@home.example' id='{id}' type='chat'><body>hi</body></message>"
        );
        Stanza::parse(&xml).unwrap()
    };

    outside.send(from_away, &hello("m1")).await.unwrap();
    let bounce = next(&mut away).await;
    assert_eq!((bounce.id.as_str(), bounce.condition.as_deref()), ("m1", Some("subscription-required")));
    let request = Stanza::parse("<presence from='bob@away.example' to='alice@home.example' id='p1' type='subscribe'/>");
    outside.send(from_away, &request.unwrap()).await.unwrap();
    assert_eq!(next(&mut home).await.id, "p1");

    inside.send(from_home, &Stanza::parse(&chat("m2", "bob@away.example")).unwrap()).await.unwrap();
    assert_eq!(next(&mut away).await.id, "m2");
    outside.send(from_away, &hello("m3")).await.unwrap();
    let heard = next(&mut home).await;
    assert_eq!((heard.id.as_str(), heard.condition), ("m3", None));

    let totals = timeout(PATIENCE, app.drain()).await.unwrap();
    assert_eq!((totals.accepted, totals.forwarded, totals.bounced, totals.in_flight()), (4, 3, 1, 0));
}
