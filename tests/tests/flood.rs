//! Floods and bombs against the built binary: bounded memory, a bounded number of connections elsewhere, and honest peers that
//! feel nothing (threats T31–T33, T36, T38, T39, T43, T44, T48). No real server is needed.

#![allow(clippy::unwrap_used, reason = "in a test, what cannot be unwrapped is the failure")]

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    thread,
    time::{Duration, Instant},
};

use refrain_tests::{
    authority::Authority,
    load::{
        flood::{self, STRANGERS, Scene},
        sink::Sink,
        stanza::{HOME, PEERS, now, peer},
        strangers::allow_open_files,
        stream::{self, Open, Start},
        subject::{Certificates, Subject},
        tls::{self, Credentials},
    },
    process::wait_until,
};
use rustls::ClientConnection;

const MIB: u64 = 1 << 20;

/// T38: silent, one byte in ten seconds, half a TLS handshake, a header and then silence, never reading.
#[test]
fn two_thousand_slow_or_silent_sockets_cost_bounded_memory_and_delay_nobody() {
    let figures = flood::measure().unwrap();
    println!("{figures}");
    assert_eq!(figures.crowd, STRANGERS, "every one of them was let in");
    let [before, during, after] = figures.resident;
    assert!(during < before + 64 * MIB, "32 KiB each: {before} → {during}");
    assert!(after < before + 64 * MIB, "{before} → {after}");
    // On a loaded machine single times say little; a crowd that is felt is felt by half of the stanzas and of the streams.
    let felt = |without: Duration, with: Duration| with > 4 * without + Duration::from_millis(100);
    let (without, with) = (&figures.without, &figures.with);
    assert!(!felt(without.openings.quantile(0.5), with.openings.quantile(0.5)), "{figures}");
    assert!(!felt(without.stanzas.quantile(0.5), with.stanzas.quantile(0.5)), "{figures}");
}

/// One stream of a remote server, driven by hand.
struct Hand {
    stream: Open<ClientConnection>,
}

impl Hand {
    fn open(address: SocketAddr, credentials: &Credentials, pair: (&str, &str)) -> Self {
        let socket = tls::connect(address).unwrap();
        Self { stream: stream::initiate(socket, credentials, pair, Start::StartTls).unwrap() }
    }

    /// Writes all of it, or as much as the other side takes.
    fn write(&mut self, bytes: &[u8]) -> bool {
        let mut records = Vec::new();
        tls::encrypt(&mut self.stream.tls, bytes, &mut records).is_ok()
            && self.stream.socket.write_all(&records).is_ok()
    }

    /// Reads until this is there, or the connection has ended.
    fn read_until(&mut self, end: &str) -> String {
        let (mut buffer, mut plaintext) = (vec![0; 64 * 1024], Vec::new());
        while !String::from_utf8_lossy(&plaintext).contains(end) {
            if !self.stream.read(&mut buffer, &mut plaintext).unwrap_or(false) {
                break;
            }
        }
        String::from_utf8_lossy(&plaintext).into_owned()
    }
}

fn message(from: &str, payload: &str) -> String {
    format!("<message from='romeo@{from}/orchard' to='juliet@{HOME}' id='bomb'>{payload}</message>")
}

/// T31, T32, T33: each ends its stream with `policy-violation`, whether or not it would ever have ended.
#[test]
fn bombs_are_refused_at_their_limit_and_nothing_of_them_crosses() {
    let scene = Scene::start("");
    let credentials = scene.certificates.source();
    let open = |number| Hand::open(scene.subject.address, &credentials, (&peer(number), HOME));
    let mut honest = open(0);
    honest.write(message(&peer(0), &format!("<body>{}</body>", "a".repeat(9_999))).as_bytes());
    assert!(wait_until(Duration::from_secs(10), || scene.sink.received() == 1), "a body of 9,999 bytes passes");
    let before = scene.subject.resident_bytes().unwrap();
    let attributes: String = (0..5_000).map(|n| format!(" a{n}='1'")).collect();
    let namespaces: String = (0..10_000).map(|n| format!(" xmlns:n{n}='urn:n{n}'")).collect();
    let bombs = [
        ("a body of 262,145 bytes", message(&peer(1), &format!("<body>{}</body>", "a".repeat(262_145)))),
        ("a body that never ends", message(&peer(2), &format!("<body>{}", "a".repeat(4 << 20)))),
        ("a name that never ends", message(&peer(3), &format!("<{}", "a".repeat(1 << 20)))),
        ("a value that never ends", message(&peer(4), &format!("<x y='{}", "a".repeat(1 << 20)))),
        ("5,000 levels", message(&peer(5), &"<a>".repeat(5_000))),
        ("5,000 attributes", message(&peer(6), &format!("<x xmlns='urn:x'{attributes}/>"))),
        ("10,000 namespaces", message(&peer(7), &format!("<x xmlns='urn:x'{namespaces}/>"))),
        ("25,001 children", message(&peer(8), &format!("<x xmlns='urn:x'>{}</x>", "<y/>".repeat(25_001)))),
    ];
    for (number, (what, bomb)) in bombs.iter().enumerate() {
        let mut stream = open(number + 1);
        for piece in bomb.as_bytes().chunks(60_000) {
            if !stream.write(piece) {
                break;
            }
        }
        let answer = stream.read_until("</stream:stream>");
        assert!(answer.contains("<policy-violation"), "{what}: {answer}");
    }
    let grown = scene.subject.resident_bytes().unwrap().saturating_sub(before);
    assert!(grown < 16 * MIB, "{grown} bytes");
    honest.write(message(&peer(0), "<body>still here</body>").as_bytes());
    assert!(wait_until(Duration::from_secs(10), || scene.sink.received() >= 2));
    assert_eq!(scene.sink.received(), 2, "nothing else has crossed");
}

/// T36: one byte in each TLS record. Four times the stanza costs about four times, not sixteen.
#[test]
fn a_stanza_that_comes_byte_by_byte_costs_its_length_and_not_the_square_of_it() {
    let scene = Scene::start("");
    let credentials = scene.certificates.source();
    let mut stream = Hand::open(scene.subject.address, &credentials, (&peer(0), HOME));
    let mut cost = |length: usize, number: u64| {
        let before = scene.subject.cpu_time().unwrap();
        for byte in message(&peer(0), &format!("<body>{}</body>", "a".repeat(length))).bytes() {
            assert!(stream.write(&[byte]));
        }
        assert!(
            wait_until(Duration::from_secs(30), || scene.sink.received() == number),
            "{length} bytes have not crossed"
        );
        scene.subject.cpu_time().unwrap() - before
    };
    cost(1_000, 1);
    let (quarter, whole) = (cost(60_000, 2), cost(240_000, 3));
    assert!(whole < 8 * quarter + Duration::from_millis(500), "{quarter:?} for 60,000, {whole:?} for 240,000");
}

/// A server that takes connections and never says a word; returns how many it took, all in all.
fn black_hole() -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (address, taken) = (listener.local_addr().unwrap(), Arc::new(AtomicUsize::new(0)));
    let count = taken.clone();
    thread::spawn(move || {
        let mut held = Vec::new();
        for socket in listener.incoming().map_while(Result::ok) {
            count.fetch_add(1, Relaxed);
            held.push(socket);
        }
    });
    (address, taken)
}

/// Opens a stream up to TLS and shows `keys` dialback keys, each of another domain; false when it is not served at all.
fn show_keys(address: SocketAddr, credentials: &Credentials, first: usize, keys: usize) -> bool {
    let header = format!(
        "<stream:stream xmlns='jabber:server' xmlns:stream='http://etherx.jabber.org/streams' \
         xmlns:db='jabber:server:dialback' from='r{first}.random.example' to='{HOME}' version='1.0'>"
    );
    let Ok(mut socket) = tls::connect(address) else { return false };
    let words = header.clone() + "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>";
    let mut answer = String::new();
    let mut byte = [0];
    let asked = socket.write_all(words.as_bytes()).is_ok();
    while asked && !(answer.contains("<proceed") && answer.ends_with('>')) {
        if !matches!(socket.read(&mut byte), Ok(1)) {
            return false;
        }
        answer.push(char::from(byte[0]));
    }
    let Ok(tls) = credentials.connect(&mut socket, HOME) else { return false };
    let mut hand = Hand { stream: Open { socket, tls } };
    let keys: String = (first..first + keys)
        .map(|n| format!("<db:result from='r{n}.random.example' to='{HOME}'>{:064x}</db:result>", n))
        .collect();
    hand.write(header.as_bytes()) && hand.read_until("</stream:features>").contains("features") && {
        let shown = keys.as_bytes().chunks(7_000).all(|piece| hand.write(piece));
        hand.read_until("</stream:stream>");
        shown
    }
}

/// T39: ten thousand random domains from one address make us knock at no more doors than the address may open connections.
#[test]
fn a_flood_of_dialback_keys_leads_to_a_bounded_number_of_connections() {
    let (authority, dials) = black_hole();
    let per_minute = 120;
    let scene = Scene::start(&format!(
        "[limits]\nconnections-per-address-per-minute = {per_minute}\nhandshake-seconds = 5\n\
         [[peer]]\nname = '*'\naddress = '{authority}'\ndialback = true\n"
    ));
    let stranger = scene.certificates.stranger();
    let begun = Instant::now();
    let mut served = 0;
    for stream in 0..250 {
        served += usize::from(show_keys(scene.subject.address, &stranger, stream * 40, 40));
    }
    let allowed = per_minute + per_minute * begun.elapsed().as_secs() as usize / 60 + 1;
    let dials = dials.load(Relaxed);
    println!("10,000 keys on {served} streams led to {dials} connections");
    assert!(dials > 0 && served > 0 && dials + served <= allowed + 1, "{dials} + {served}, of {allowed}");
    let log = scene.subject.log();
    let told = log.lines().filter(|line| line.contains("refused") || line.contains("dialback")).count();
    assert!(told < 600, "{told} lines for 10,000 keys");
}

/// A remote server that completes every handshake and then reads nothing any more.
fn deaf_server(credentials: Credentials) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        let mut held = Vec::new();
        for socket in listener.incoming().map_while(Result::ok) {
            held.extend(stream::accept(tls::configured(socket).unwrap(), &credentials).ok());
        }
    });
    address
}

fn chat(to: &str, id: u64) -> String {
    let mut stanza = format!(
        "<message from=\"juliet@{HOME}/balcony\" to=\"romeo@{to}/orchard\" type=\"chat\" id=\"{id:016x}\"><body>"
    );
    stanza.extend(std::iter::repeat_n('a', 330_usize.saturating_sub(stanza.len())));
    stanza + "</body></message>"
}

/// T43, T48: the protected server sends 100,000 stanzas to a server that reads nothing. What does not fit comes back; memory is
/// bounded; stanzas to others go on, over another stream and over the very same.
#[test]
fn a_peer_that_reads_nothing_costs_bounded_memory_and_stalls_nobody_else() {
    allow_open_files();
    let (certificates, inside) = (Certificates::new(), Authority::new("Inside test authority"));
    let (home, remote) = (certificates.sink(&inside), certificates.source());
    let (deaf, well) = (deaf_server(remote.clone()), Sink::start(remote));
    let bounces = Sink::start(home.clone());
    let rest = format!(
        "[limits]\ndrain-seconds = 1\n[[peer]]\nname = 'p0.{PEERS}'\naddress = '{deaf}'\n\
         [[peer]]\nname = 'p1.{PEERS}'\naddress = '{}'\n",
        well.address()
    );
    let subject = Subject::refrain(bounces.address(), &certificates, inside, &rest);
    let (p0, p1, gateway) = (peer(0), peer(1), subject.inside.unwrap());
    let before = subject.resident_bytes().unwrap();
    let mut flooding = Hand::open(gateway, &home, (HOME, &p0));
    // XEP-0344: the certificate speaks for the second pair, too.
    flooding.write(format!("<db:result from='{HOME}' to='{p1}'>key</db:result>").as_bytes());
    assert!(flooding.read_until("/>").contains("valid"));
    let mut other = Hand::open(gateway, &home, (HOME, &p1));
    other.write(chat(&p1, now()).as_bytes());
    assert!(wait_until(Duration::from_secs(10), || well.received() == 1));

    const FLOOD: usize = 100_000;
    let done = thread::spawn(move || {
        let batch = chat(&p0, 7).repeat(200);
        let written = (0..FLOOD / 200).all(|_| flooding.write(batch.as_bytes()));
        (flooding, written)
    });
    well.start_timing();
    let mut peak = before;
    let mut sent = 1;
    while !done.is_finished() {
        other.write(chat(&p1, now()).as_bytes());
        sent += 1;
        thread::sleep(Duration::from_millis(100));
        peak = peak.max(subject.resident_bytes().unwrap());
        assert!(sent < 600, "the flood is held back for ever");
    }
    let (mut flooding, written) = done.join().unwrap();
    assert!(written);
    assert!(wait_until(Duration::from_secs(10), || well.received() == sent), "{} of {sent}", well.received());
    let slowest = well.stop_timing().into_iter().max().unwrap();
    assert!(Duration::from_nanos(slowest) < Duration::from_secs(3), "another stream waited {slowest} ns");
    let asked = Instant::now();
    flooding.write(chat(&peer(1), now()).as_bytes());
    assert!(wait_until(Duration::from_secs(10), || well.received() == sent + 1), "the same stream is stalled");
    println!(
        "100,000 stanzas to a deaf server: {} bounced, {:.1} MiB more, others waited {:.1} ms at most, {:.1} ms on the same stream",
        bounces.received(),
        (peak - before) as f64 / MIB as f64,
        slowest as f64 / 1e6,
        asked.elapsed().as_secs_f64() * 1e3,
    );
    assert!(bounces.received() > FLOOD as u64 / 2, "{} came back", bounces.received());
    assert!(peak < before + 64 * MIB, "{before} → {peak}");
    let returned = subject.log().lines().filter(|line| line.contains("returned")).count();
    assert!(returned < 100, "{returned} lines about what was returned");
}

/// T44: what cannot be delivered is answered once, and errors never are, though neither direction leads anywhere.
#[test]
fn nothing_that_cannot_be_delivered_is_answered_twice() {
    let (certificates, inside) = (Certificates::new(), Authority::new("Inside test authority"));
    let nowhere = SocketAddr::from(([127, 0, 0, 1], 1));
    let rest = format!("[[peer]]\nname = '*'\naddress = '{nowhere}'\n");
    let subject = Subject::refrain(nowhere, &certificates, inside, &rest);
    let from = peer(0);
    let mut outside = Hand::open(subject.address, &certificates.source(), (&from, HOME));
    for n in 0..900 {
        let kind = ["type='error'", "", "type='headline'"][n % 3];
        outside.write(
            format!("<message from='r@{from}' to='j@{HOME}' id='{n}' {kind}><body>x</body></message>").as_bytes(),
        );
    }
    outside.write(b"</stream:stream>");
    outside.read_until("</stream:stream>");
    let account = subject.stop().unwrap();
    assert_eq!((account.accepted, account.forwarded, account.lost), (900, 0, 0));
    // RFC 6120 §8.3.1: an error is never answered. Of our answers, which find nobody either, none is counted or answered.
    assert_eq!((account.bounced, account.dropped), (600, 300));
}
