//! A responder on loopback, over UDP and TCP, which counts what it is asked and signs what it says as it says it.

use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use hickory_resolver::proto::dnssec::crypto::Ed25519SigningKey;
use hickory_resolver::proto::dnssec::rdata::{DNSKEY, DNSSECRData, NSEC, RRSIG};
use hickory_resolver::proto::dnssec::{DnssecSigner, SigningKey};
use hickory_resolver::proto::op::{Message, MessageType, ResponseCode};
use hickory_resolver::proto::rr::rdata::{A, AAAA, CNAME, NS, SOA, SRV, TLSA};
use hickory_resolver::proto::rr::{DNSClass, Name, RData, Record, RecordSet, RecordType};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UdpSocket};

/// What fits into one packet everywhere.
const UDP_BYTES_MAX: usize = 1_232;

/// What a responder says: records, or a response code in place of them. What is in no zone does not exist.
#[derive(Default)]
pub(crate) struct Zone {
    records: HashMap<(String, RecordType), Vec<RData>>,
    codes: HashMap<String, ResponseCode>,
    ttl: Option<u32>,
    /// The root zone is signed with this key.
    signer: Option<DnssecSigner>,
    /// Delegations without signatures.
    unsigned: Vec<String>,
    /// What is changed after it was signed.
    forged: HashSet<(String, RecordType)>,
    /// What is signed as the expansion of a wildcard.
    expanded: HashSet<(String, RecordType)>,
    /// What somebody on the path leaves out, and what he adds: the SOA of a zone, or an answer.
    suppressed: HashSet<(String, RecordType)>,
    foreign: HashMap<(String, RecordType), Record>,
    asked: AtomicUsize,
    questions: Mutex<Vec<(String, RecordType)>>,
}

impl Zone {
    pub(crate) fn srv(self, domain: &str, priority: u16, port: u16, target: &str) -> Self {
        self.service("_xmpp-server", domain, priority, port, target)
    }

    pub(crate) fn srv_tls(self, domain: &str, priority: u16, port: u16, target: &str) -> Self {
        self.service("_xmpps-server", domain, priority, port, target)
    }

    fn service(self, service: &str, domain: &str, priority: u16, port: u16, target: &str) -> Self {
        self.record(&format!("{service}._tcp.{domain}"), RData::SRV(SRV::new(priority, 1, port, name(target))))
    }

    pub(crate) fn a(self, host: &str, address: &str) -> Self {
        self.record(host, RData::A(A(address.parse().unwrap())))
    }

    pub(crate) fn aaaa(self, host: &str, address: &str) -> Self {
        self.record(host, RData::AAAA(AAAA(address.parse().unwrap())))
    }

    pub(crate) fn cname(self, host: &str, target: &str) -> Self {
        self.record(host, RData::CNAME(CNAME(name(target))))
    }

    pub(crate) fn tlsa(self, host: &str, port: u16, parameters: [u8; 3], data: &[u8]) -> Self {
        let [usage, selector, matching] = parameters;
        let record = TLSA::new(usage.into(), selector.into(), matching.into(), data.to_vec());
        self.record(&format!("_{port}._tcp.{host}"), RData::TLSA(record))
    }

    fn record(mut self, owner: &str, data: RData) -> Self {
        self.records.entry((format!("{owner}."), data.record_type())).or_default().push(data);
        self
    }

    pub(crate) fn code(mut self, name: &str, code: ResponseCode) -> Self {
        self.codes.insert(format!("{name}."), code);
        self
    }

    pub(crate) fn ttl(mut self, seconds: u32) -> Self {
        self.ttl = Some(seconds);
        self
    }

    /// Signs the root zone, to which all of this belongs; the second is the file of trust anchors.
    pub(crate) fn signed(mut self) -> (Self, String) {
        let key = Ed25519SigningKey::from_pkcs8(&Ed25519SigningKey::generate_pkcs8().unwrap()).unwrap();
        let dnskey = DNSKEY::from_key(&key.to_public_key().unwrap());
        let anchors = format!(". 172800 IN DNSKEY {dnskey}\n");
        self.records
            .insert((".".to_owned(), RecordType::DNSKEY), vec![RData::DNSSEC(DNSSECRData::DNSKEY(dnskey.clone()))]);
        self.records.insert((".".to_owned(), RecordType::NS), vec![RData::NS(NS(name("ns.")))]);
        self.signer = Some(DnssecSigner::new(dnskey, Box::new(key), Name::root(), Duration::from_secs(86_400)));
        (self, anchors)
    }

    /// Delegates everything below `domain` to a zone without signatures, and proves that.
    pub(crate) fn unsigned_below(mut self, domain: &str) -> Self {
        self.unsigned.push(format!("{domain}."));
        self.record(domain, RData::NS(NS(name(&format!("ns.{domain}.")))))
    }

    /// Changes the answer after it was signed.
    pub(crate) fn forged(mut self, owner: &str, kind: RecordType) -> Self {
        self.forged.insert((format!("{owner}."), kind));
        self
    }

    /// Signs the records as if a wildcard of the parent had been expanded to them.
    pub(crate) fn expanded(mut self, owner: &str, kind: RecordType) -> Self {
        self.expanded.insert((format!("{owner}."), kind));
        self
    }

    /// Answers with nothing but the SOA of `zone`, without a signature.
    pub(crate) fn denied_by(mut self, owner: &str, kind: RecordType, zone: &str) -> Self {
        self.suppressed.insert((format!("{owner}."), kind));
        self.with_soa_of(owner, kind, zone)
    }

    /// Adds the SOA of `zone`, without a signature.
    pub(crate) fn with_soa_of(mut self, owner: &str, kind: RecordType, zone: &str) -> Self {
        self.foreign.insert((format!("{owner}."), kind), Record::from_rdata(name(&format!("{zone}.")), 60, soa(60)));
        self
    }

    /// Adds to the answer the address of another host, without a signature.
    pub(crate) fn with_address_of(mut self, owner: &str, kind: RecordType, host: &str) -> Self {
        let address = RData::A(A([192, 0, 2, 99].into()));
        self.foreign.insert((format!("{owner}."), kind), Record::from_rdata(name(&format!("{host}.")), 60, address));
        self
    }

    /// How many questions there were.
    pub(crate) fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }

    /// How many of them were about this.
    pub(crate) fn asked_for(&self, owner: &str, kind: RecordType) -> usize {
        let question = (format!("{owner}."), kind);
        self.questions.lock().unwrap().iter().filter(|asked| **asked == question).count()
    }

    fn answer(&self, question: &Message) -> Message {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let query = &question.queries[0];
        let (owner, kind) = (query.name().to_ascii().to_lowercase(), query.query_type());
        self.questions.lock().unwrap().push((owner.clone(), kind));
        let mut answer = Message::response(question.metadata.id, question.metadata.op_code);
        answer.metadata.message_type = MessageType::Response;
        answer.metadata.recursion_desired = true;
        answer.metadata.recursion_available = true;
        answer.add_query(query.clone());
        if let Some(code) = self.codes.get(&owner) {
            answer.metadata.response_code = *code;
            return answer;
        }
        let question = (owner.clone(), kind);
        if !self.suppressed.contains(&question) {
            self.fill(&mut answer, owner, kind);
        }
        match self.foreign.get(&question) {
            Some(record) if record.record_type() == RecordType::SOA => _ = answer.add_authority(record.clone()),
            Some(record) => _ = answer.add_answer(record.clone()),
            None => {}
        }
        answer
    }

    /// Answers with the records, along the aliases that lead to them.
    fn fill(&self, answer: &mut Message, mut owner: String, kind: RecordType) {
        for _ in 0..16 {
            if let Some(records) = self.records.get(&(owner.clone(), kind)) {
                return self.add(answer, &owner, kind, records);
            }
            let Some(alias) = self.records.get(&(owner.clone(), RecordType::CNAME)) else { break };
            self.add(answer, &owner, RecordType::CNAME, alias);
            let RData::CNAME(CNAME(target)) = &alias[0] else { break };
            owner = target.to_ascii();
        }
        self.deny(answer, &owner, kind);
    }

    fn add(&self, answer: &mut Message, owner: &str, kind: RecordType, records: &[RData]) {
        let mut set = RecordSet::with_ttl(name(owner), kind, self.ttl.unwrap_or(60));
        for data in records {
            set.add_rdata(data.clone());
        }
        answer.add_answers(set.records_without_rrsigs().cloned());
        if let Some(signature) = self.signature(&set).filter(|_| !self.is_unsigned(owner)) {
            answer.add_answer(signature);
        }
    }

    /// RFC 4470: a denial made for the very question.
    fn deny(&self, answer: &mut Message, owner: &str, kind: RecordType) {
        let known = self.records.keys().any(|(known, _)| known == owner);
        let is_delegation = self.unsigned.iter().any(|cut| cut == owner);
        let is_signed = self.signer.is_some() && (!self.is_unsigned(owner) || kind == RecordType::DS && is_delegation);
        if !is_signed {
            let code = if known { ResponseCode::NoError } else { ResponseCode::NXDomain };
            answer.metadata.response_code = code;
            if let Some(cut) = self.unsigned.iter().find(|cut| is_below(owner, cut)) {
                answer.add_authority(Record::from_rdata(name(cut), 60, soa(60)));
            }
            return;
        }
        let types = self.records.keys().filter(|(known, _)| known == owner).map(|(_, kind)| *kind);
        let types = types.chain([RecordType::RRSIG, RecordType::NSEC]);
        let next = name(owner).prepend_label(&b"\0"[..]).unwrap();
        let nsec = RData::DNSSEC(DNSSECRData::NSEC(NSEC::new(next, types)));
        let soa = soa(self.ttl.unwrap_or(60));
        for (owner, data) in [(name(owner), nsec), (Name::root(), soa)] {
            let mut set = RecordSet::with_ttl(owner, data.record_type(), self.ttl.unwrap_or(60));
            set.add_rdata(data);
            answer.add_authorities(set.records_without_rrsigs().cloned());
            answer.add_authorities(self.signature(&set));
        }
    }

    fn signature(&self, set: &RecordSet) -> Option<Record> {
        let begin = SystemTime::now() - Duration::from_secs(3_600);
        let key = (set.name().to_ascii(), set.record_type());
        let signed = if self.expanded.contains(&key) { wildcard(set) } else { set.clone() };
        let rrsig = RRSIG::from_rrset(&signed, DNSClass::IN, begin.into(), self.signer.as_ref()?).unwrap();
        let forged = self.forged.contains(&key);
        let rrsig = match forged {
            true => RRSIG::from_sig(rrsig.input().clone(), rrsig.sig().iter().map(|byte| !byte).collect()),
            false => rrsig,
        };
        Some(Record::from_rdata(set.name().clone(), set.ttl(), RData::DNSSEC(DNSSECRData::RRSIG(rrsig))))
    }

    fn is_unsigned(&self, owner: &str) -> bool {
        self.unsigned.iter().any(|cut| is_below(owner, cut))
    }

    fn respond(&self, packet: &[u8], room: usize) -> Vec<u8> {
        let mut answer = self.answer(&Message::from_vec(packet).unwrap());
        let whole = answer.to_vec().unwrap();
        if whole.len() <= room {
            return whole;
        }
        answer.answers.clear();
        answer.metadata.truncation = true;
        answer.to_vec().unwrap()
    }

    /// Answers from now on.
    pub(crate) async fn serve(self) -> (SocketAddr, Arc<Zone>) {
        let tcp = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = tcp.local_addr().unwrap();
        let udp = UdpSocket::bind(address).await.unwrap();
        let zone = Arc::new(self);
        tokio::spawn(zone.clone().serve_udp(udp));
        tokio::spawn(zone.clone().serve_tcp(tcp));
        (address, zone)
    }

    async fn serve_udp(self: Arc<Self>, socket: UdpSocket) {
        let mut buffer = [0; 4096];
        while let Ok((length, from)) = socket.recv_from(&mut buffer).await {
            socket.send_to(&self.respond(&buffer[..length], UDP_BYTES_MAX), from).await.unwrap();
        }
    }

    async fn serve_tcp(self: Arc<Self>, listener: TcpListener) {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(self.clone().serve_stream(stream));
        }
    }

    /// RFC 1035 §4.2.2.
    async fn serve_stream(self: Arc<Self>, mut stream: TcpStream) {
        while let Ok(length) = stream.read_u16().await {
            let mut packet = vec![0; usize::from(length)];
            stream.read_exact(&mut packet).await.unwrap();
            let answer = self.respond(&packet, usize::from(u16::MAX));
            stream.write_u16(u16::try_from(answer.len()).unwrap()).await.unwrap();
            stream.write_all(&answer).await.unwrap();
        }
    }
}

fn is_below(owner: &str, cut: &str) -> bool {
    owner == cut || owner.ends_with(&format!(".{cut}"))
}

/// The same records at the wildcard of the parent.
fn wildcard(set: &RecordSet) -> RecordSet {
    let owner = set.name().base_name().prepend_label("*").unwrap();
    let mut wildcard = RecordSet::with_ttl(owner, set.record_type(), set.ttl());
    for record in set.records_without_rrsigs() {
        wildcard.add_rdata(record.data.clone());
    }
    wildcard
}

fn soa(ttl: u32) -> RData {
    RData::SOA(SOA::new(name("ns."), name("admin."), 1, 3_600, 3_600, 3_600, ttl))
}

fn name(ascii: &str) -> Name {
    Name::from_ascii(ascii).unwrap()
}
