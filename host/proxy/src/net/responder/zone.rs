//! What the protected servers are told about names. A message in, a message out: no sockets, no clock.
//!
//! Every remote domain has an XMPP server, which is ours, and every host is us. Hosted names are refused, so that a protected
//! server that looks itself up is told nothing wrong. Whatever else exists has no records: NODATA and never NXDOMAIN, because an
//! NXDOMAIN speaks for all types of a name and for all names below it (RFC 2308 §5, RFC 8020), and those do have answers.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use hickory_proto::op::{Edns, Header, Message, MessageType, OpCode, Query, ResponseCode};
use hickory_proto::rr::rdata::{A, AAAA, NS, SOA, SRV};
use hickory_proto::rr::{DNSClass, Name, RData, Record, RecordType};
use hickory_proto::serialize::binary::{BinDecodable as _, BinDecoder};
use refrain_proto::{Boundary, Domain, Side};

use crate::config::InsideDns;
use crate::observe::counters::Unanswered;

/// How long an answer may be kept, a negative one too (RFC 2308 §5): a changed configuration is seen within a minute.
const TTL_SECONDS: u32 = 60;
/// RFC 1035 §4.2.1: what whoever says nothing else can take in a datagram.
const DATAGRAM_BYTES_DEFAULT: u16 = 512;
/// What passes any network unfragmented (DNS flag day 2020; RFC 9715).
const DATAGRAM_BYTES_MAX: u16 = 1_232;

/// How a message came, and so how long its answer may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// One datagram; what does not fit is asked again over TCP.
    Udp,
    /// At most what two bytes of length can say.
    Tcp,
}

/// What becomes of a message.
#[derive(Debug)]
pub struct Answer {
    /// The answer; nothing is sent without one.
    pub bytes: Option<Vec<u8>>,
    /// Why the question was not answered.
    pub unanswered: Option<Unanswered>,
}

/// What is true inside.
#[derive(Debug, Clone)]
pub struct Zone {
    /// Which domains are remote.
    pub boundary: Arc<Boundary>,
    /// The host that every service is at.
    pub target: Name,
    /// Its addresses, and those of every other host.
    pub addresses: Vec<IpAddr>,
    /// The port of our inside listener.
    pub port: u16,
}

/// What a question meets.
enum Found {
    /// Records, perhaps none.
    Records(Vec<Record>),
    /// No word about it.
    Refused(ResponseCode, Unanswered),
}

impl Zone {
    /// What `dns` says, with our inside listener at `port`.
    pub fn new(boundary: Arc<Boundary>, dns: &InsideDns, port: u16) -> Zone {
        let mut target = Name::from_ascii(dns.name.to_ascii()).unwrap_or_default().to_lowercase();
        target.set_fqdn(true);
        Zone { boundary, target, addresses: dns.address.clone(), port }
    }

    /// Answers one message, whatever it is.
    pub fn answer(&self, message: &[u8], transport: Transport) -> Answer {
        let Ok(header) = Header::read(&mut BinDecoder::new(message)) else { return ignored() };
        // An answer to an answer could go on for ever.
        if header.metadata.message_type == MessageType::Response {
            return ignored();
        }
        let Ok(question) = Message::from_vec(message) else {
            let mut reply = Message::response(header.metadata.id, header.metadata.op_code);
            reply.metadata.response_code = ResponseCode::FormErr;
            return Answer { bytes: reply.to_vec().ok(), unanswered: Some(Unanswered::Malformed) };
        };
        let (reply, unanswered) = self.reply(&question);
        let bytes_max = match transport {
            Transport::Tcp => u16::MAX,
            Transport::Udp => datagram_bytes_max(&question),
        };
        Answer { bytes: fitted(reply, usize::from(bytes_max)), unanswered }
    }

    fn reply(&self, question: &Message) -> (Message, Option<Unanswered>) {
        let mut reply = Message::response(question.metadata.id, question.metadata.op_code);
        reply.metadata.authoritative = true;
        reply.metadata.recursion_desired = question.metadata.recursion_desired;
        // Stubs and forwarders want to hear this; there is nothing behind us that would have to be asked.
        reply.metadata.recursion_available = true;
        reply.metadata.checking_disabled = question.metadata.checking_disabled;
        reply.add_queries(question.queries.iter().cloned());
        let version = question.edns.as_ref().map(Edns::version);
        if let Some(asked) = &question.edns {
            reply.set_edns(our_edns(asked));
        }
        let found = match (question.metadata.op_code, question.queries.as_slice(), version) {
            // RFC 6891 §6.1.3.
            (_, _, Some(1..)) => Found::Refused(ResponseCode::BADVERS, Unanswered::Unsupported),
            (OpCode::Query, [query], _) => self.find(query),
            // RFC 9619: a query has exactly one question.
            (OpCode::Query, _, _) => Found::Refused(ResponseCode::FormErr, Unanswered::Malformed),
            _ => Found::Refused(ResponseCode::NotImp, Unanswered::Unsupported),
        };
        match found {
            Found::Refused(code, why) => {
                reply.metadata.response_code = code;
                reply.metadata.authoritative = false;
                (reply, Some(why))
            }
            Found::Records(records) => {
                self.add(&mut reply, records);
                (reply, None)
            }
        }
    }

    fn add(&self, reply: &mut Message, records: Vec<Record>) {
        match records.first().map(|record| &record.data) {
            // RFC 2308 §3: without it a negative answer is not kept.
            None => {
                reply.add_authority(Record::from_rdata(Name::root(), TTL_SECONDS, self.authority()));
            }
            Some(RData::SRV(_)) => {
                reply.add_additionals(self.hosts(&self.target, |_| true));
            }
            Some(_) => {}
        }
        reply.add_answers(records);
    }

    fn find(&self, query: &Query) -> Found {
        match (query.query_class(), query.query_type()) {
            // RFC 8482: whoever wants all would take what it gets for all there is.
            (_, RecordType::ANY) => Found::Refused(ResponseCode::NotImp, Unanswered::Unsupported),
            (_, RecordType::AXFR | RecordType::IXFR) => Found::Refused(ResponseCode::Refused, Unanswered::Unsupported),
            (DNSClass::IN, kind) => self.find_records(query.name(), kind),
            _ => Found::Refused(ResponseCode::Refused, Unanswered::Unsupported),
        }
    }

    fn find_records(&self, name: &Name, kind: RecordType) -> Found {
        let lower = name.to_lowercase();
        if lower == self.target {
            return Found::Records(self.addresses_as(name, kind));
        }
        if name.is_root() {
            return Found::Records(self.root(kind));
        }
        let labels: Vec<&[u8]> = lower.iter().collect();
        let service = labels.iter().take_while(|label| label.starts_with(b"_")).count();
        let Some(domain) = domain_of(&labels[service..]) else { return Found::Records(Vec::new()) };
        if self.is_ours(&domain) {
            return Found::Refused(ResponseCode::Refused, Unanswered::Hosted);
        }
        let records = match &labels[..service] {
            [] if domain.as_str() == "localhost" => loopback(name, kind),
            [] if self.boundary.serves(Side::Inside, &domain) => self.addresses_as(name, kind),
            [b"_xmpp-server", b"_tcp"] if self.boundary.serves(Side::Inside, &domain) => self.service(name, kind),
            _ => Vec::new(),
        };
        Found::Records(records)
    }

    fn is_ours(&self, domain: &Domain) -> bool {
        let hosted = |above: &str| self.boundary.hosted().any(|hosted| hosted.as_str() == above);
        self.boundary.is_hosted(domain) || domain.ancestors().any(hosted)
    }

    fn service(&self, name: &Name, kind: RecordType) -> Vec<Record> {
        let service = RData::SRV(SRV::new(0, 0, self.port, self.target.clone()));
        let records = (kind == RecordType::SRV).then(|| Record::from_rdata(name.clone(), TTL_SECONDS, service));
        records.into_iter().collect()
    }

    fn addresses_as(&self, name: &Name, kind: RecordType) -> Vec<Record> {
        self.hosts(name, |address| is_of(kind, address)).collect()
    }

    fn hosts(&self, name: &Name, wanted: impl Fn(&IpAddr) -> bool) -> impl Iterator<Item = Record> {
        let addresses = self.addresses.iter().filter(move |address| wanted(address));
        addresses.map(|address| host(name, *address))
    }

    fn root(&self, kind: RecordType) -> Vec<Record> {
        let data = match kind {
            RecordType::SOA => self.authority(),
            RecordType::NS => RData::NS(NS(self.target.clone())),
            _ => return Vec::new(),
        };
        vec![Record::from_rdata(Name::root(), TTL_SECONDS, data)]
    }

    /// RFC 2308 §5: its last number bounds how long a negative answer is kept.
    fn authority(&self) -> RData {
        let (serial, refresh, retry, expire) = (1, 3_600, 600, 86_400);
        let mail = Name::root();
        RData::SOA(SOA::new(self.target.clone(), mail, serial, refresh, retry, expire, TTL_SECONDS))
    }
}

/// What gets no answer at all: it is too short to be a message, or it is an answer.
fn ignored() -> Answer {
    Answer { bytes: None, unanswered: Some(Unanswered::Malformed) }
}

/// The domain that these labels are, in A-labels or not. A domain that XMPP has no room for is nobody's.
fn domain_of(labels: &[&[u8]]) -> Option<Domain> {
    let texts: Option<Vec<&str>> = labels.iter().map(|label| std::str::from_utf8(label).ok()).collect();
    // A dot within a label would turn one label into two.
    let texts = texts.filter(|texts| texts.iter().all(|text| !text.contains('.')))?;
    Domain::parse(&texts.join(".")).ok()
}

/// RFC 6761 §6.3: it is this machine, whoever is asked.
fn loopback(name: &Name, kind: RecordType) -> Vec<Record> {
    let addresses = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];
    addresses.into_iter().filter(|address| is_of(kind, address)).map(|address| host(name, address)).collect()
}

fn host(name: &Name, address: IpAddr) -> Record {
    let data = match address {
        IpAddr::V4(address) => RData::A(A(address)),
        IpAddr::V6(address) => RData::AAAA(AAAA(address)),
    };
    Record::from_rdata(name.clone(), TTL_SECONDS, data)
}

fn is_of(kind: RecordType, address: &IpAddr) -> bool {
    match address {
        IpAddr::V4(_) => kind == RecordType::A,
        IpAddr::V6(_) => kind == RecordType::AAAA,
    }
}

/// RFC 6891 §6.1.1: an answer has one exactly when the question had.
fn our_edns(asked: &Edns) -> Edns {
    let mut edns = Edns::new();
    edns.set_version(0).set_max_payload(DATAGRAM_BYTES_MAX).set_dnssec_ok(asked.flags().dnssec_ok);
    edns
}

fn datagram_bytes_max(question: &Message) -> u16 {
    let asked = question.edns.as_ref().map_or(DATAGRAM_BYTES_DEFAULT, Edns::max_payload);
    asked.clamp(DATAGRAM_BYTES_DEFAULT, DATAGRAM_BYTES_MAX)
}

/// The message in at most so many bytes: first without what was not asked for, then without everything, and saying so.
fn fitted(mut reply: Message, bytes_max: usize) -> Option<Vec<u8>> {
    let whole = reply.to_vec().ok()?;
    if whole.len() <= bytes_max {
        return Some(whole);
    }
    reply.additionals.clear();
    let asked = reply.to_vec().ok()?;
    if asked.len() <= bytes_max { Some(asked) } else { reply.truncate().to_vec().ok() }
}
