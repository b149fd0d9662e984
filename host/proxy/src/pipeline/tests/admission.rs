//! Who gets in, who does not, and what is counted: with sockets, and addresses of the loopback network as strangers.

use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use proxy_header::{ProxiedAddress, ProxyHeader};
use refrain_proto::Stanza;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

use super::{Inside, PATIENCE, Server};

const HEADER: &str = "<?xml version='1.0'?><stream:stream xmlns='jabber:server' \
    xmlns:stream='http://etherx.jabber.org/streams' from='away.example' to='home.example' version='1.0'>";

/// Connects from an address of 127.0.0.0/8.
async fn connect_from(address: &str, to: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(SocketAddr::new(address.parse::<IpAddr>().unwrap(), 0)).unwrap();
    socket.connect(to).await.unwrap()
}

/// Says this, and returns what is answered until the connection ends or is silent for a while.
async fn answer(socket: &mut TcpStream, words: &[u8]) -> String {
    let _ = socket.write_all(words).await;
    let mut answer = Vec::new();
    let mut buffer = [0; 4096];
    while let Ok(Ok(length @ 1..)) = timeout(Duration::from_millis(300), socket.read(&mut buffer)).await {
        answer.extend_from_slice(&buffer[..length]);
    }
    String::from_utf8_lossy(&answer).into_owned()
}

/// Waits for the end of a connection that is told nothing more.
async fn ended(socket: &mut TcpStream) -> bool {
    let mut rest = Vec::new();
    matches!(timeout(PATIENCE, socket.read_to_end(&mut rest)).await, Ok(Ok(_) | Err(_)))
}

fn announced(source: &str) -> Vec<u8> {
    let address = ProxiedAddress::stream(source.parse().unwrap(), "198.51.100.1:5269".parse().unwrap());
    let mut bytes = Vec::new();
    ProxyHeader::with_address(address).encode_v2(&mut bytes).unwrap();
    bytes
}

impl Inside {
    fn outside(&self) -> SocketAddr {
        self.app.listeners().0[0]
    }

    fn refused(&self, reason: &str) -> u64 {
        let refusals = self.app.gateway().refusals.read();
        refusals.iter().find(|(name, _)| name == reason).unwrap_or_else(|| panic!("no {reason}")).1
    }
}

#[tokio::test]
async fn an_address_of_a_denied_list_is_told_nothing_from_the_moment_it_is_listed() {
    let rest = "[access]\ndeny-lists = ['ips']\nallow = ['127.0.0.3']\n[list.ips]\nentries = ['127.0.0.4']\n";
    let world = Inside::with(rest).await;
    let mut free = connect_from("127.0.0.2", world.outside()).await;
    assert!(answer(&mut free, HEADER.as_bytes()).await.contains("<starttls"));
    let list = refrain_filter::List::parse("127.0.0.0/8");
    world.app.gateway().snapshot().lists["ips"].set(std::sync::Arc::new(list));
    let mut listed = connect_from("127.0.0.2", world.outside()).await;
    assert_eq!(answer(&mut listed, HEADER.as_bytes()).await, "");
    let mut allowed = connect_from("127.0.0.3", world.outside()).await;
    assert!(answer(&mut allowed, HEADER.as_bytes()).await.contains("<starttls"));
    assert_eq!(world.refused("address-denied"), 1);
}

#[tokio::test]
async fn a_denied_address_is_told_nothing_and_its_exception_is_served() {
    let world = Inside::with("[access]\ndeny = ['127.0.0.0/8']\nallow = ['127.0.0.3']\n").await;
    let mut denied = connect_from("127.0.0.2", world.outside()).await;
    assert_eq!(answer(&mut denied, HEADER.as_bytes()).await, "");
    let mut allowed = connect_from("127.0.0.3", world.outside()).await;
    assert!(answer(&mut allowed, HEADER.as_bytes()).await.contains("<starttls"));
    assert_eq!(world.refused("address-denied"), 1);
    let inside = TcpStream::connect(world.gateway).await.unwrap();
    drop(inside);
    assert_eq!(world.refused("address-denied"), 1, "the protected servers are not asked");
}

#[tokio::test]
async fn the_address_in_a_balancers_header_is_the_one_that_counts() {
    let world = Inside::with(
        "[access]\nproxy-protocol = ['127.0.0.2']\ndeny = ['192.0.2.9']\n[limits]\nhandshakes-per-address-max = 1\n",
    )
    .await;
    let mut held = Vec::new();
    for (source, served) in [
        ("192.0.2.7:5", true),
        ("192.0.2.7:6", false),
        ("192.0.2.8:5", true),
        ("192.0.2.9:5", false),
        ("[2001:db8::1]:5", true),
        ("[2001:db8::2]:5", false),
    ] {
        let source: SocketAddr = source.parse().unwrap();
        let destination = if source.is_ipv4() { "198.51.100.1:1" } else { "[2001:db8:9::1]:1" };
        let mut words = Vec::new();
        let address = ProxiedAddress::stream(source, destination.parse().unwrap());
        ProxyHeader::with_address(address).encode_v2(&mut words).unwrap();
        words.extend_from_slice(HEADER.as_bytes());
        let mut socket = connect_from("127.0.0.2", world.outside()).await;
        assert_eq!(answer(&mut socket, &words).await.contains("<starttls"), served, "{source}");
        held.push(socket);
    }
    assert_eq!((world.refused("address-handshakes"), world.refused("address-denied")), (2, 1));
}

#[tokio::test]
async fn a_balancer_without_a_header_is_refused_and_a_header_from_anybody_else_is_not_xml() {
    let world = Inside::with("[access]\nproxy-protocol = ['127.0.0.2']\n").await;
    let mut balancer = connect_from("127.0.0.2", world.outside()).await;
    assert_eq!(answer(&mut balancer, HEADER.as_bytes()).await, "");
    assert_eq!(world.refused("proxy-header"), 1);
    let mut stranger = connect_from("127.0.0.3", world.outside()).await;
    let words = [announced("192.0.2.7:5"), HEADER.as_bytes().to_vec()].concat();
    let answered = answer(&mut stranger, &words).await;
    assert!(answered.contains("<stream:error>") && !answered.contains("<starttls"), "{answered}");
    assert_eq!(world.refused("proxy-header"), 1);
}

#[tokio::test]
async fn one_address_has_so_many_handshakes_at_once_and_so_many_connections_a_minute() {
    let world =
        Inside::with("[limits]\nhandshakes-per-address-max = 3\nconnections-per-address-per-minute = 5\n").await;
    let mut held = Vec::new();
    for _ in 0..4 {
        held.push(connect_from("127.0.0.2", world.outside()).await);
    }
    assert!(ended(&mut held[3]).await);
    assert_eq!(world.refused("address-handshakes"), 1);
    held.clear();
    let mut served = 0;
    for _ in 0..6 {
        let mut socket = connect_from("127.0.0.2", world.outside()).await;
        served += u32::from(answer(&mut socket, HEADER.as_bytes()).await.contains("<starttls"));
    }
    assert_eq!((served, world.refused("connection-rate")), (2, 4));
    let mut other = connect_from("127.0.0.3", world.outside()).await;
    assert!(answer(&mut other, HEADER.as_bytes()).await.contains("<starttls"), "another address does not feel it");
}

#[tokio::test]
async fn the_oldest_stranger_makes_room_when_there_are_too_many() {
    let world = Inside::with("[limits]\nconnections-max = 8\n").await;
    let mut oldest = connect_from("127.0.0.2", world.outside()).await;
    assert!(answer(&mut oldest, HEADER.as_bytes()).await.contains("<starttls"));
    let _second = connect_from("127.0.0.3", world.outside()).await;
    let mut third = connect_from("127.0.0.4", world.outside()).await;
    assert!(answer(&mut third, HEADER.as_bytes()).await.contains("<starttls"));
    assert!(ended(&mut oldest).await);
    assert_eq!(world.refused("handshake-evicted"), 1);
}

/// T38: no header, half a header, a header and then silence, half a TLS handshake.
#[tokio::test]
async fn whoever_is_slow_to_say_who_it_is_is_cut_off_in_every_phase() {
    let world = Inside::with("[limits]\nhandshake-seconds = 1\n").await;
    let begun = Instant::now();
    let starttls = format!("{HEADER}<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");
    let mut sockets = Vec::new();
    for words in ["", &HEADER[..40], HEADER, &starttls] {
        let mut socket = connect_from("127.0.0.2", world.outside()).await;
        socket.write_all(words.as_bytes()).await.unwrap();
        sockets.push(socket);
    }
    for socket in &mut sockets {
        assert!(ended(socket).await);
    }
    // One for the handshake and, where a header was sent, some for the peer to end its half of the stream.
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    assert_eq!(world.refused("handshake-timeout"), 4);
}

/// T31, C35: before a proof, a phase has 8,192 bytes.
#[tokio::test]
async fn whoever_says_too_much_before_a_proof_is_cut_off_at_the_limit() {
    let world = Inside::with("").await;
    let mut socket = connect_from("127.0.0.2", world.outside()).await;
    let within = HEADER.to_owned() + &" ".repeat(8_192 - HEADER.len());
    assert!(!answer(&mut socket, within.as_bytes()).await.contains("error"));
    assert!(answer(&mut socket, b" ").await.contains("<policy-violation"));
    drop(socket);
    let one_word = format!("<stream:stream xmlns:stream='{}", "a".repeat(100_000));
    let mut socket = connect_from("127.0.0.2", world.outside()).await;
    assert!(answer(&mut socket, one_word.as_bytes()).await.contains("<policy-violation"));
}

/// T39: whoever speaks for many domains on one stream pays for each further one as for a connection.
#[tokio::test]
async fn each_further_domain_of_a_stream_counts_as_a_connection() {
    let mut world = Inside::with("[limits]\nconnections-per-address-per-minute = 2\n").await;
    let mut outside = Server::outside(world._folder.path()).await.unwrap();
    let message = |from: &str, id| {
        Stanza::parse(&format!("<message from='bob@{from}' to='alice@home.example' id='{id}' type='chat'/>")).unwrap()
    };
    let like = message("away.example", "1");
    outside.send(world.outside(), &like).await.unwrap();
    for (id, domain) in [("2", "rooms.away.example"), ("3", "upload.away.example")] {
        let mut bytes =
            format!("<db:result xmlns:db='jabber:server:dialback' from='{domain}' to='home.example'>00</db:result>")
                .into_bytes();
        message(domain, id).write(&mut bytes);
        outside.send_over(&like, &bytes).unwrap();
    }
    for expected in ["1", "2"] {
        assert_eq!(timeout(PATIENCE, world.arrivals.recv()).await.unwrap().unwrap().id, expected);
    }
    while world.refused("pair-rate") == 0 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let totals = world.end().await;
    assert_eq!((totals.forwarded, totals.in_flight()), (totals.accepted, 0));
}
