//! Clients that no library of today can be: their first message is written byte by byte (C43, C44).

use rustls::{Error, ServerConnection};

use super::*;

const TLS_1_1: [u8; 2] = [3, 2];
const TLS_1_2: [u8; 2] = [3, 3];

/// What an old client, or one that would like to be, asks for.
struct Hello<'a> {
    version: [u8; 2],
    suites: &'a [u16],
    compressions: &'a [u8],
}

impl Hello<'_> {
    /// A record with a ClientHello (RFC 5246 §7.4.1.2), with the extensions without which no suite is considered.
    fn bytes(&self) -> Vec<u8> {
        let suites: Vec<u8> = self.suites.iter().flat_map(|suite| suite.to_be_bytes()).collect();
        let groups = extension(10, &with_length_16(&[0x00, 0x17, 0x00, 0x1d]));
        let points = extension(11, &[1, 0]);
        let signatures = extension(13, &with_length_16(&[0x04, 0x03, 0x08, 0x04, 0x04, 0x01]));
        let body = [
            &self.version[..],
            &[7; 32],
            &[0],
            &with_length_16(&suites),
            &[u8::try_from(self.compressions.len()).unwrap()],
            self.compressions,
            &with_length_16(&[groups, points, signatures].concat()),
        ]
        .concat();
        let message = [&[1, 0], with_length_16(&body).as_slice()].concat();
        [&[22, 3, 1], with_length_16(&message).as_slice()].concat()
    }
}

fn with_length_16(bytes: &[u8]) -> Vec<u8> {
    [&u16::try_from(bytes.len()).unwrap().to_be_bytes(), bytes].concat()
}

fn extension(number: u16, content: &[u8]) -> Vec<u8> {
    [number.to_be_bytes().as_slice(), &with_length_16(content)].concat()
}

fn hello(version: [u8; 2], suites: &[u16]) -> Hello<'_> {
    Hello { version, suites, compressions: &[0] }
}

/// What the server makes of a client's first message.
fn answer(tls: &Tls, hello: &Hello<'_>) -> Result<(), Error> {
    let mut server = ServerConnection::new(tls.server(Side::Outside, None).unwrap()).unwrap();
    server.read_tls(&mut hello.bytes().as_slice()).unwrap();
    server.process_new_packets().map(|_| assert!(server.wants_write(), "the handshake goes on"))
}

const ECDHE_ECDSA_AES_128_GCM: u16 = 0xC02B;

#[test]
fn c43_only_tls_1_2_and_later_with_modern_suites_gets_an_answer() {
    let tls = World::new().tls();
    assert_eq!(answer(&tls, &hello(TLS_1_2, &[ECDHE_ECDSA_AES_128_GCM])), Ok(()));
    for version in [[3, 0], [3, 1], TLS_1_1] {
        assert!(answer(&tls, &hello(version, &[ECDHE_ECDSA_AES_128_GCM])).is_err(), "{version:?}");
    }
    for (name, suite) in [
        ("RC4", 0x0005),
        ("3DES", 0x000A),
        ("3DES, ephemeral", 0xC008),
        ("CBC", 0x002F),
        ("CBC, ephemeral", 0xC009),
        ("CBC with SHA-256, ephemeral", 0xC023),
        ("GCM without ephemeral keys", 0x009C),
        ("export", 0x0003),
        ("no encryption", 0x0002),
        ("anonymous", 0x0034),
    ] {
        assert!(answer(&tls, &hello(TLS_1_2, &[suite])).is_err(), "{name}");
    }
}

/// RFC 7590 §3.2, RFC 9325 §3.3.
#[test]
fn c40_compression_of_tls_is_never_chosen() {
    let tls = World::new().tls();
    let hello = Hello { version: TLS_1_2, suites: &[ECDHE_ECDSA_AES_128_GCM], compressions: &[1] };
    assert!(answer(&tls, &hello).is_err(), "a client that insists on it");
}

/// T20.
#[test]
fn c44_there_is_neither_early_data_nor_a_ticket_to_resume_with() {
    let tls = World::new().tls();
    for side in [Side::Outside, Side::Inside] {
        let server =
            tls.server(side, Some(&name(if side == Side::Outside { "home.example" } else { "away.example" }))).unwrap();
        assert_eq!((server.max_early_data_size, server.send_tls13_tickets), (0, 0));
        assert!(!server.ticketer.enabled());
    }
}
