//! A DNS responder over UDP and TCP that knows one [`Zone`]: what the world is told. (The hosted server asks the proxy.)

use std::{
    collections::HashMap,
    io::{Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use hickory_proto::{
    op::{Message, MessageType, OpCode, Query, ResponseCode},
    rr::{
        Name, RData, Record, RecordType,
        rdata::{A, SRV},
    },
};

use crate::process::must;

/// Every SRV record of the small Internet points at this host, unless a zone names another.
const HOST: &str = "host.example.";

/// Answers are not cached for longer than a test step.
const TTL_SECONDS: u32 = 1;

/// How often the threads look whether they should end.
const STOP_INTERVAL: Duration = Duration::from_millis(100);

/// What one side of the small Internet is told: the s2s address of each domain.
#[derive(Clone, Debug)]
pub struct Zone {
    services: HashMap<String, u16>,
    host: &'static str,
    service: &'static str,
}

impl Default for Zone {
    fn default() -> Self {
        Self { services: HashMap::new(), host: HOST, service: "_xmpp-server._tcp." }
    }
}

impl Zone {
    /// Lets the SRV records point at another name for loopback.
    pub fn on_host(mut self, host: &'static str) -> Self {
        self.host = host;
        self
    }

    /// Lets the records be those of direct TLS (XEP-0368), and no others.
    pub fn over_direct_tls(mut self) -> Self {
        self.service = "_xmpps-server._tcp.";
        self
    }

    /// Announces an XMPP server (`_xmpp-server._tcp`) for a domain.
    pub fn with(mut self, domain: &str, server: SocketAddr) -> Self {
        self.services.insert(domain.to_owned(), server.port());
        self
    }

    /// The records for a question, or none when the name does not exist.
    fn answer(&self, question: &Query) -> Option<Vec<Record>> {
        let name = question.name().to_lowercase().to_ascii();
        if name == self.host {
            let address = RData::A(A(Ipv4Addr::LOCALHOST));
            let asked = question.query_type() == RecordType::A;
            return Some(asked.then(|| record(question, address)).into_iter().collect());
        }
        let domain = name.strip_prefix(self.service)?.strip_suffix('.')?;
        let service =
            RData::SRV(SRV::new(0, 0, *self.services.get(domain)?, must("host name", Name::from_ascii(self.host))));
        let asked = question.query_type() == RecordType::SRV;
        Some(asked.then(|| record(question, service)).into_iter().collect())
    }

    fn respond(&self, packet: &[u8]) -> Option<Vec<u8>> {
        let query = Message::from_vec(packet).ok()?;
        let mut reply = Message::new(query.metadata.id, MessageType::Response, OpCode::Query);
        reply.metadata.recursion_desired = query.metadata.recursion_desired;
        reply.metadata.recursion_available = true;
        let question = query.queries.first()?;
        reply.add_query(question.clone());
        match self.answer(question) {
            Some(records) => {
                reply.add_answers(records);
            }
            None => reply.metadata.response_code = ResponseCode::NXDomain,
        }
        reply.to_vec().ok()
    }
}

fn record(question: &Query, data: RData) -> Record {
    Record::from_rdata(question.name().clone(), TTL_SECONDS, data)
}

/// A responder for one zone; its threads end on drop.
#[derive(Debug)]
pub struct Responder {
    address: SocketAddr,
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Responder {
    /// Answers on a free loopback port, the same for UDP and TCP.
    ///
    /// # Panics
    /// When no port is free for both.
    pub fn start(zone: Zone) -> Self {
        let (udp, tcp) = bind();
        let address = must("responder's address", udp.local_addr());
        let stop = Arc::new(AtomicBool::new(false));
        let threads = vec![
            spawn(zone.clone(), stop.clone(), move |zone, stop| serve_udp(zone, &udp, stop)),
            spawn(zone, stop.clone(), move |zone, stop| serve_tcp(zone, &tcp, stop)),
        ];
        Self { address, stop, threads }
    }

    /// Returns where the responder answers.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Responder {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

fn bind() -> (UdpSocket, TcpListener) {
    for _ in 0..50 {
        let udp = must("UDP port", UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)));
        if let Ok(tcp) = TcpListener::bind(must("responder's address", udp.local_addr())) {
            must("timeout", udp.set_read_timeout(Some(STOP_INTERVAL)));
            must("non-blocking", tcp.set_nonblocking(true));
            return (udp, tcp);
        }
    }
    panic!("no port is free for UDP and TCP");
}

fn spawn(zone: Zone, stop: Arc<AtomicBool>, serve: impl FnOnce(&Zone, &AtomicBool) + Send + 'static) -> JoinHandle<()> {
    thread::spawn(move || serve(&zone, &stop))
}

fn serve_udp(zone: &Zone, socket: &UdpSocket, stop: &AtomicBool) {
    let mut packet = [0; 4096];
    while !stop.load(Ordering::Relaxed) {
        let Ok((length, from)) = socket.recv_from(&mut packet) else { continue };
        if let Some(reply) = zone.respond(&packet[..length]) {
            let _ = socket.send_to(&reply, from);
        }
    }
}

fn serve_tcp(zone: &Zone, listener: &TcpListener, stop: &AtomicBool) {
    while !stop.load(Ordering::Relaxed) {
        match listener.accept() {
            Ok((stream, _)) => drop(serve_connection(zone, stream)),
            Err(_) => thread::sleep(STOP_INTERVAL),
        }
    }
}

/// RFC 1035 §4.2.2: over TCP a message is preceded by its length in two bytes.
fn serve_connection(zone: &Zone, mut stream: TcpStream) -> std::io::Result<()> {
    stream.set_nonblocking(false)?;
    stream.set_read_timeout(Some(Duration::from_secs(2)))?;
    loop {
        let mut length = [0; 2];
        stream.read_exact(&mut length)?;
        let mut packet = vec![0; usize::from(u16::from_be_bytes(length))];
        stream.read_exact(&mut packet)?;
        let Some(reply) = zone.respond(&packet) else { return Ok(()) };
        let length = u16::try_from(reply.len()).unwrap_or(u16::MAX);
        stream.write_all(&length.to_be_bytes())?;
        stream.write_all(&reply)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(zone: &Zone, name: &str, kind: RecordType) -> Message {
        let mut query = Message::query();
        query.add_query(Query::query(Name::from_ascii(name).unwrap(), kind));
        Message::from_vec(&zone.respond(&query.to_vec().unwrap()).unwrap()).unwrap()
    }

    #[test]
    fn knows_what_is_announced_and_nothing_else() {
        let server = SocketAddr::from(([127, 0, 0, 1], 5269));
        let zone = Zone::default().with("away.example", server);
        let reply = ask(&zone, "_xmpp-server._tcp.away.example.", RecordType::SRV);
        assert!(matches!(&reply.answers[0].data, RData::SRV(srv) if srv.port == 5269));
        let reply = ask(&zone, "_xmpp-server._tcp.home.example.", RecordType::SRV);
        assert_eq!(reply.metadata.response_code, ResponseCode::NXDomain);
    }

    #[test]
    fn has_no_address_of_the_newer_family() {
        let reply = ask(&Zone::default(), HOST, RecordType::AAAA);
        assert_eq!(reply.metadata.response_code, ResponseCode::NoError);
        assert!(reply.answers.is_empty());
    }

    #[test]
    fn answers_over_tcp_as_over_udp() {
        let server = SocketAddr::from(([127, 0, 0, 1], 1));
        let responder = Responder::start(Zone::default().with("away.example", server));
        let mut query = Message::query();
        query.add_query(Query::query(Name::from_ascii("_xmpp-server._tcp.away.example.").unwrap(), RecordType::SRV));
        let packet = query.to_vec().unwrap();
        let mut stream = TcpStream::connect(responder.address()).unwrap();
        stream.write_all(&u16::try_from(packet.len()).unwrap().to_be_bytes()).unwrap();
        stream.write_all(&packet).unwrap();
        let mut length = [0; 2];
        stream.read_exact(&mut length).unwrap();
        let mut reply = vec![0; usize::from(u16::from_be_bytes(length))];
        stream.read_exact(&mut reply).unwrap();
        assert_eq!(Message::from_vec(&reply).unwrap().answers.len(), 1);
    }
}
