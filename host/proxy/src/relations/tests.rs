//! What is learned from conversations as they cross.

use std::time::Duration;

use super::*;

const DAY_MS: u64 = 24 * 60 * 60 * 1_000;
const NOON_MS: u64 = 1_767_268_800_000;
const TERMS: Terms = Terms { enabled: true, ttl_days: 180, pairs_max: 200_000 };

struct World {
    relations: Relations,
    now_ms: u64,
    terms: Terms,
}

impl World {
    fn new() -> Self {
        World { relations: Relations::new([7; 16]), now_ms: NOON_MS, terms: TERMS }
    }

    fn of(pairs_max: usize) -> Self {
        World { terms: Terms { pairs_max, ..TERMS }, ..World::new() }
    }

    /// Lets a stanza cross and returns what filters were told.
    fn cross(&self, direction: Direction, xml: &str, outcome: Outcome) -> Option<Relation> {
        let stanza = Stanza::parse(xml).unwrap();
        let standing = self.relations.standing(&stanza, direction, &self.terms, self.now_ms);
        let (reason, fault, delay) = (None, None, Duration::ZERO);
        let decision = Decision { outcome, filter: None, reason, fault, edited: false, delay };
        self.relations.note(standing, &decision, &stanza, direction, &self.terms);
        standing.relation
    }

    fn sends(&self, xml: &str) -> Option<Relation> {
        self.cross(Direction::Outbound, &addressed(xml, "alice@home.example/x", "bob@far.example"), Outcome::Forward)
    }

    fn receives(&self, xml: &str) -> Option<Relation> {
        self.cross(Direction::Inbound, &addressed(xml, "bob@far.example/x", "alice@home.example"), Outcome::Forward)
    }
}

/// Puts addresses where there are none.
fn addressed(xml: &str, from: &str, to: &str) -> String {
    let mut xml = xml.to_owned();
    for (name, value) in [("to", to), ("from", from)] {
        if !xml.contains(&format!(" {name}='")) {
            let at = xml.find([' ', '/', '>']).unwrap();
            xml.insert_str(at, &format!(" {name}='{value}'"));
        }
    }
    xml
}

const HELLO: &str = "<message type='chat'><body>hello</body></message>";
const STRANGER: Option<Relation> = Some(Relation::Stranger);
const KNOWN: Option<Relation> = Some(Relation::Known);

#[test]
fn a_stranger_is_known_once_it_is_answered() {
    let world = World::new();
    assert_eq!([world.receives(HELLO), world.receives(HELLO)], [STRANGER, STRANGER]);
    assert_eq!([world.sends(HELLO), world.sends(HELLO)], [STRANGER, KNOWN]);
    assert_eq!(world.receives(HELLO), KNOWN);
    let other = world.receives("<message from='eve@far.example/x'><body>me too?</body></message>");
    assert_eq!(other, STRANGER);
    let colleague = world.receives("<message to='carol@home.example'><body>and you?</body></message>");
    assert_eq!(colleague, STRANGER);
}

#[test]
fn what_clients_do_by_themselves_makes_nobody_known() {
    let world = World::new();
    world.receives("<message id='1'><body>hi</body><request xmlns='urn:xmpp:receipts'/></message>");
    for automatic in [
        "<message><received xmlns='urn:xmpp:receipts' id='1'/></message>",
        "<iq type='get' id='2'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>",
        "<iq type='result' id='3'/>",
        "<presence type='unavailable'/>",
        "<message type='error'><body>hi</body></message>",
    ] {
        world.sends(automatic);
    }
    assert_eq!(world.receives(HELLO), STRANGER);
    assert_eq!(world.relations.counts().learned, 0);
}

#[test]
fn what_a_filter_stops_teaches_nothing() {
    let world = World::new();
    let xml = addressed(HELLO, "alice@home.example", "bob@far.example");
    world.cross(Direction::Outbound, &xml, Outcome::Drop);
    assert_eq!(world.receives(HELLO), STRANGER);
}

#[test]
fn a_roster_from_before_is_learned_when_its_owner_logs_in() {
    let world = World::new();
    world.sends("<presence type='probe' from='alice@home.example'/>");
    world.sends("<presence to='carol@far.example'/>");
    assert_eq!(world.receives("<presence/>"), KNOWN);
    assert_eq!(world.receives("<presence type='probe' from='carol@far.example'/>"), KNOWN);
}

#[test]
fn a_room_is_known_when_it_is_joined_and_invitations_into_it_come_from_whom_one_knows() {
    let world = World::new();
    let invitation = "<message from='tea@rooms.far.example'>\
        <x xmlns='http://jabber.org/protocol/muc#user'><invite from='eve@far.example'/></x></message>";
    assert_eq!(world.receives(invitation), STRANGER);
    world.sends("<presence to='tea@rooms.far.example/alice'><x xmlns='http://jabber.org/protocol/muc'/></presence>");
    let spoken = "<message type='groupchat' from='tea@rooms.far.example/bob' to='alice@home.example/x'><body>hi</body></message>";
    assert_eq!([world.receives(spoken), world.receives(invitation)], [KNOWN, KNOWN]);
    world.sends("<presence type='unavailable' to='tea@rooms.far.example/alice'/>");
    assert_eq!(world.receives(spoken), KNOWN);
}

#[test]
fn a_gateway_that_one_is_subscribed_to_covers_its_addresses() {
    let world = World::new();
    let through = |local: &str| {
        let xml = format!("<message from='123@irc.far.example' to='{local}'><body>hi</body></message>");
        world.receives(&xml)
    };
    world.sends("<message to='irc.far.example'><body>help</body></message>");
    assert_eq!(through("alice@home.example"), STRANGER, "a word to a server is no subscription to its users");
    assert_eq!(world.receives("<message from='irc.far.example'><body>no</body></message>"), KNOWN);
    let register =
        "<iq type='set' id='1' to='irc.far.example'><query xmlns='jabber:iq:register'><nick>a</nick></query></iq>";
    world.sends(register);
    assert_eq!([through("alice@home.example"), through("carol@home.example")], [KNOWN, STRANGER]);
    world.sends("<presence type='unsubscribe' to='irc.far.example'/>");
    assert_eq!(through("alice@home.example"), STRANGER);
}

#[test]
fn who_is_unsubscribed_is_a_stranger_again() {
    for parting in ["unsubscribe", "unsubscribed"] {
        let world = World::new();
        world.sends(HELLO);
        world.sends(&format!("<presence type='{parting}'/>"));
        assert_eq!((world.receives(HELLO), world.relations.counts().forgotten), (STRANGER, 1));
    }
}

#[test]
fn an_answer_to_a_probe_parts_nobody() {
    let mut world = World::new();
    world.sends(HELLO);
    world.receives("<presence type='probe'/>");
    world.sends("<presence type='unsubscribed' from='alice@home.example'/>");
    assert_eq!(world.receives(HELLO), KNOWN);
    world.receives("<presence type='probe'/>");
    world.now_ms += 11_000;
    world.sends("<presence type='unsubscribed' from='alice@home.example'/>");
    assert_eq!(world.receives(HELLO), STRANGER, "too late for an answer");
}

#[test]
fn a_probe_excuses_one_denial_only() {
    let world = World::new();
    world.sends(HELLO);
    world.receives("<presence type='probe'/>");
    for expected in [KNOWN, STRANGER] {
        world.sends("<presence type='unsubscribed' from='alice@home.example'/>");
        assert_eq!(world.receives(HELLO), expected);
    }
}

#[test]
fn each_client_that_probes_is_answered_once() {
    let world = World::new();
    world.sends(HELLO);
    ["x", "y"].iter().for_each(|client| {
        world.receives(&format!("<presence type='probe' from='bob@far.example/{client}'/>"));
    });
    for expected in [KNOWN, KNOWN, STRANGER] {
        world.sends("<presence type='unsubscribed' from='alice@home.example'/>");
        assert_eq!(world.receives(HELLO), expected);
    }
}

#[test]
fn a_probe_that_presence_answered_excuses_no_denial() {
    for presence in ["<presence/>", "<presence type='unavailable'/>"] {
        let world = World::new();
        world.sends(HELLO);
        world.receives("<presence type='probe'/>");
        world.sends(presence);
        world.sends("<presence type='unsubscribed' from='alice@home.example'/>");
        assert_eq!(world.receives(HELLO), STRANGER, "{presence}");
    }
}

#[test]
fn strangers_do_not_push_out_what_others_know_by_invitations_of_rooms() {
    let world = World::new();
    for n in 0..25_000 {
        let (room, invited) = (n % 50, n / 50);
        world.sends(&format!(
            "<message from='r{room}@muc.home.example' to='u{invited}@evil.example'>\
             <x xmlns='http://jabber.org/protocol/muc#user'><invite from='eve@evil.example'/></x></message>"
        ));
    }
    assert_eq!(world.relations.counts().too_fast, 5_000);
}

#[test]
fn a_crowd_at_one_domain_fills_a_quarter_of_the_table_at_once() {
    let mut world = World::of(10_000);
    let crowd = |world: &World, day: u32| {
        for n in 0..6_000 {
            world
                .sends(&format!("<message from='u{n}@home.example' to='d{day}@far.example'><body>hi</body></message>"));
        }
        world.relations.counts().known
    };
    assert_eq!(crowd(&world, 1), 2_500);
    world.sends("<message from='alice@other.example'><body>hi</body></message>");
    world.now_ms += DAY_MS;
    assert_eq!(crowd(&world, 2), 5_001);
}

#[test]
fn strangers_do_not_push_out_what_others_know_through_rooms() {
    let world = World::new();
    world.sends(HELLO);
    for n in 0..25_000 {
        let (room, occupant) = (n % 50, n / 50);
        world.sends(&format!(
            "<presence from='r{room}@muc.home.example/eve' to='eve{occupant}@far.example/x'>\
             <x xmlns='http://jabber.org/protocol/muc#user'><item role='participant'/></x></presence>"
        ));
    }
    assert_eq!(world.relations.counts().too_fast, 5_000);
}

#[test]
fn whom_one_hears_of_stays_known() {
    let mut world = World::new();
    world.sends(HELLO);
    for _ in 0..4 {
        world.now_ms += 100 * DAY_MS;
        assert_eq!(world.receives("<presence/>"), KNOWN);
    }
    world.now_ms += 181 * DAY_MS;
    assert_eq!(world.receives("<presence/>"), STRANGER);
}

#[test]
fn nothing_is_said_of_servers_nor_where_nothing_is_kept() {
    let world = World::new();
    assert_eq!(world.receives("<message to='home.example'><body>hi</body></message>"), None);
    assert_eq!(world.sends("<message from='home.example'><body>hi</body></message>"), None);
    let stanza = Stanza::parse(&addressed(HELLO, "bob@far.example", "alice@home.example")).unwrap();
    let off = Terms { enabled: false, ..TERMS };
    assert_eq!(world.relations.standing(&stanza, Direction::Inbound, &off, NOON_MS).relation, None);
}

#[test]
fn nobody_pushes_out_what_others_know() {
    let world = World::new();
    world.sends(HELLO);
    for n in 0..20_000 {
        world.sends(&format!("<message from='bot@home.example' to='u{n}@far.example'><body>buy</body></message>"));
    }
    assert_eq!(world.receives(HELLO), KNOWN);
    let counts = world.relations.counts();
    assert_eq!((counts.known, counts.evicted, counts.too_fast), (5_001, 0, 15_000));
}

#[test]
fn a_flood_of_pairs_is_bounded() {
    let world = World::of(10_000);
    for n in 0..15_000 {
        let domain = n % 10;
        world.sends(&format!("<message from='u{n}@home{domain}.example'><body>hi</body></message>"));
    }
    let counts = world.relations.counts();
    assert!(counts.known <= 10_000 && counts.known > 9_000, "{counts:?}");
    assert_eq!(counts.known + counts.evicted, 15_000);
}

#[test]
fn a_pair_can_be_looked_up_and_forgotten() {
    let world = World::new();
    world.sends(HELLO);
    let jid = |text: &str| Jid::parse(text).unwrap();
    let (alice, bob) = (jid("alice@home.example/x"), jid("bob@far.example/y"));
    let found = world.relations.look_up(&alice, &bob, &TERMS, world.now_ms);
    assert_eq!((found.relation, found.met, found.by_domain), (KNOWN, Some(NOON_MS / 1_000), false));
    assert!(world.relations.forget(&alice, &bob, &TERMS));
    assert_eq!(world.relations.look_up(&alice, &bob, &TERMS, world.now_ms).relation, STRANGER);
}
