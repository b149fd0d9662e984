//! Questions as the protected servers ask them, over UDP and TCP, and what else may come.

use hickory_proto::op::{Edns, Message, OpCode, Query, ResponseCode};
use hickory_proto::rr::{DNSClass, Name, RData, RecordType};
use refrain_proto::{Boundary, Domain};

use super::*;
use crate::config::InsideDns;

/// Longer than anything takes here, so that a hang is a failure.
const PATIENCE: Duration = Duration::from_secs(10);

/// `example.org` and `rooms.example.net` are hosted; everybody else is at 127.0.0.2 and ::2, port 5269.
struct Fixed;

impl Zones for Fixed {
    fn zone(&self) -> Option<Zone> {
        let boundary = Boundary::new(["example.org", "rooms.example.net"].map(|name| Domain::parse(name).unwrap()));
        let dns = InsideDns {
            listen: "127.0.0.1:0".parse().unwrap(),
            address: vec!["127.0.0.2".parse().unwrap(), "::2".parse().unwrap()],
            name: Domain::parse("refrain.internal").unwrap(),
        };
        Some(Zone::new(Arc::new(boundary), &dns, 5269))
    }
}

fn question(name: &str, kind: RecordType) -> Message {
    let mut question = Message::query();
    question.metadata.id = 7;
    question.metadata.recursion_desired = true;
    let mut name = Name::from_ascii(name).unwrap();
    name.set_fqdn(true);
    question.add_query(Query::query(name, kind));
    question
}

fn answer_to(question: &Message, transport: Transport) -> Message {
    let answer = Fixed.zone().unwrap().answer(&question.to_vec().unwrap(), transport);
    Message::from_vec(&answer.bytes.unwrap()).unwrap()
}

fn ask(name: &str, kind: RecordType) -> Message {
    answer_to(&question(name, kind), Transport::Udp)
}

/// The data of all records, as in a zone file.
fn data(answer: &Message) -> Vec<String> {
    answer.answers.iter().map(|record| record.data.to_string()).collect()
}

#[test]
fn every_remote_domain_has_its_xmpp_server_at_our_listener() {
    for name in ["away.example", "AWAY.example", "deep.below.away.example", "xn--mnchen-3ya.example", "example.net"] {
        let answer = ask(&format!("_xmpp-server._tcp.{name}"), RecordType::SRV);
        assert_eq!(data(&answer), ["0 0 5269 refrain.internal."], "{name}");
        assert!(answer.metadata.authoritative && answer.metadata.recursion_available);
        let hosts: Vec<String> = answer.additionals.iter().map(|record| record.data.to_string()).collect();
        assert_eq!(hosts, ["127.0.0.2", "::2"], "the next question is answered along with this one");
    }
}

#[test]
fn every_host_is_us() {
    for name in ["refrain.internal", "REFRAIN.internal", "away.example"] {
        assert_eq!(data(&ask(name, RecordType::A)), ["127.0.0.2"], "{name}");
        assert_eq!(data(&ask(name, RecordType::AAAA)), ["::2"], "{name}");
    }
    assert_eq!(data(&ask("localhost", RecordType::A)), ["127.0.0.1"]);
}

/// Where a hosted domain is, is not ours to say: a server that looks itself up must not be led to itself through us.
#[test]
fn hosted_names_and_all_below_them_are_refused() {
    for name in ["example.org", "EXAMPLE.ORG", "rooms.example.org", "rooms.example.net", "a.rooms.example.net"] {
        for (name, kind) in [(name.to_owned(), RecordType::A), (format!("_xmpp-server._tcp.{name}"), RecordType::SRV)] {
            let answer = ask(&name, kind);
            assert_eq!(answer.metadata.response_code, ResponseCode::Refused, "{name}");
            assert!(answer.answers.is_empty() && answer.authorities.is_empty(), "{name}");
        }
    }
}

/// RFC 8020: an NXDOMAIN would speak for what is below the name as well.
#[test]
fn what_has_no_records_exists_all_the_same_and_says_for_how_long() {
    let questions = [
        ("_xmpps-server._tcp.away.example", RecordType::SRV),
        ("_jabber._tcp.away.example", RecordType::SRV),
        ("_tcp.away.example", RecordType::A),
        ("_5269._tcp.refrain.internal", RecordType::TLSA),
        ("away.example", RecordType::MX),
        ("away.example", RecordType::SOA),
        ("example", RecordType::A),
        ("_xmpp-server._tcp.192.0.2.1", RecordType::SRV),
        ("_xmpp-server._tcp.intranet", RecordType::SRV),
        ("2.0.0.127.in-addr.arpa", RecordType::PTR),
    ];
    for (name, kind) in questions {
        let answer = ask(name, kind);
        assert_eq!(answer.metadata.response_code, ResponseCode::NoError, "{name}");
        assert!(answer.answers.is_empty(), "{name}: {:?}", data(&answer));
        let [authority] = answer.authorities.as_slice() else { panic!("{name}: {answer}") };
        assert!(matches!(&authority.data, RData::SOA(soa) if soa.minimum == authority.ttl), "{name}");
        assert!(authority.name.is_root());
    }
}

#[test]
fn the_root_has_an_authority_and_a_server() {
    assert_eq!(data(&ask(".", RecordType::NS)), ["refrain.internal."]);
    assert_eq!(ask(".", RecordType::SOA).answers.len(), 1);
}

#[test]
fn what_is_no_question_of_a_resolver_is_refused_by_name() {
    assert_eq!(ask("away.example", RecordType::AXFR).metadata.response_code, ResponseCode::Refused);
    assert_eq!(ask("away.example", RecordType::ANY).metadata.response_code, ResponseCode::NotImp);
    let mut chaos = question("version.bind", RecordType::TXT);
    chaos.queries[0].set_query_class(DNSClass::CH);
    assert_eq!(answer_to(&chaos, Transport::Udp).metadata.response_code, ResponseCode::Refused);
    let mut notify = question("away.example", RecordType::SOA);
    notify.metadata.op_code = OpCode::Notify;
    assert_eq!(answer_to(&notify, Transport::Udp).metadata.response_code, ResponseCode::NotImp);
    let mut two = question("away.example", RecordType::A);
    two.add_query(two.queries[0].clone());
    assert_eq!(answer_to(&two, Transport::Udp).metadata.response_code, ResponseCode::FormErr);
    let mut none = question("away.example", RecordType::A);
    none.queries.clear();
    assert_eq!(answer_to(&none, Transport::Udp).metadata.response_code, ResponseCode::FormErr);
}

/// RFC 6891.
#[test]
fn speaks_edns_with_those_who_do() {
    assert!(ask("away.example", RecordType::A).edns.is_none());
    let mut question = question("away.example", RecordType::A);
    let mut edns = Edns::new();
    edns.set_max_payload(4_096).set_dnssec_ok(true);
    question.set_edns(edns);
    let answered = answer_to(&question, Transport::Udp).edns.unwrap();
    assert_eq!((answered.version(), answered.max_payload(), answered.flags().dnssec_ok), (0, 1_232, true));
    question.edns.as_mut().unwrap().set_version(1);
    let answer = answer_to(&question, Transport::Udp);
    // 16 is BADSIG, too, and is read as that.
    assert_eq!(u16::from(answer.metadata.response_code), u16::from(ResponseCode::BADVERS));
    assert_eq!(answer.edns.unwrap().version(), 0);
}

/// The longest name there is, whose answer has it once more.
fn longest() -> String {
    let label = "a".repeat(63);
    let rest = "b".repeat(253 - "_xmpp-server._tcp.".len() - 3 * 64 - ".example".len());
    format!("_xmpp-server._tcp.{label}.{label}.{label}.{rest}.example")
}

#[test]
fn what_does_not_fit_a_datagram_is_left_out_or_asked_again_over_tcp() {
    struct Long;
    impl Zones for Long {
        fn zone(&self) -> Option<Zone> {
            let name = longest().replace("_xmpp-server._tcp.", &format!("{}.", "c".repeat(17)));
            let dns = InsideDns {
                listen: "127.0.0.1:0".parse().unwrap(),
                address: (1..=8).map(|n| std::net::Ipv4Addr::new(127, 0, 0, n).into()).collect(),
                name: Domain::parse(&name).unwrap(),
            };
            Some(Zone::new(Arc::default(), &dns, 5269))
        }
    }
    let mut question = question(&longest(), RecordType::SRV);
    let zone = Long.zone().unwrap();
    let ask = |question: &Message, transport| {
        let bytes = zone.answer(&question.to_vec().unwrap(), transport).bytes.unwrap();
        (bytes.len(), Message::from_vec(&bytes).unwrap())
    };
    let (length, answer) = ask(&question, Transport::Udp);
    assert!(length <= 512 && answer.metadata.truncation && answer.answers.is_empty(), "{length} bytes");
    let (length, answer) = ask(&question, Transport::Tcp);
    assert!(length > 512 && !answer.metadata.truncation && answer.answers.len() == 1, "{length} bytes");
    let mut edns = Edns::new();
    edns.set_max_payload(560);
    question.set_edns(edns);
    let (length, answer) = ask(&question, Transport::Udp);
    assert!(length <= 560 && !answer.metadata.truncation && answer.additionals.is_empty(), "{length} bytes");
    assert_eq!(answer.answers.len(), 1, "what was asked for goes before what was not");
}

/// A running responder.
struct Running {
    address: SocketAddr,
    questions: Arc<NameQuestions>,
    ending: CancellationToken,
    task: tokio::task::JoinHandle<()>,
}

impl Running {
    async fn start() -> Running {
        let responder = Responder::bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let (address, questions, ending) =
            (responder.address(), Arc::<NameQuestions>::default(), CancellationToken::new());
        let task = tokio::spawn(responder.serve(Arc::new(Fixed), questions.clone(), ending.clone()));
        Running { address, questions, ending, task }
    }

    async fn client(&self) -> UdpSocket {
        let client = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        client.connect(self.address).await.unwrap();
        client
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    fn refused(&self, why: Unanswered) -> u64 {
        self.questions.refused().find(|(reason, _)| *reason == why).unwrap().1
    }

    async fn end(self) {
        self.ending.cancel();
        timeout(PATIENCE, self.task).await.unwrap().unwrap();
    }
}

async fn ask_over_udp(client: &UdpSocket) -> Message {
    client.send(&question("_xmpp-server._tcp.away.example", RecordType::SRV).to_vec().unwrap()).await.unwrap();
    let mut packet = [0; 2_048];
    let length = timeout(PATIENCE, client.recv(&mut packet)).await.unwrap().unwrap();
    Message::from_vec(&packet[..length]).unwrap()
}

async fn ask_over_tcp(client: &mut TcpStream) -> io::Result<Message> {
    let packet = question("_xmpp-server._tcp.away.example", RecordType::SRV).to_vec().unwrap();
    client.write_all(&u16::try_from(packet.len()).unwrap().to_be_bytes()).await?;
    client.write_all(&packet).await?;
    let mut packet = vec![0; usize::from(client.read_u16().await?)];
    client.read_exact(&mut packet).await?;
    Ok(Message::from_vec(&packet).unwrap())
}

#[tokio::test]
async fn answers_over_both_protocols_several_questions_each_and_ends_when_told() {
    let running = Running::start().await;
    let (datagrams, mut connection) = (running.client().await, running.connect().await);
    for _ in 0..2 {
        assert_eq!(data(&ask_over_udp(&datagrams).await), ["0 0 5269 refrain.internal."]);
        assert_eq!(data(&ask_over_tcp(&mut connection).await.unwrap()), ["0 0 5269 refrain.internal."]);
    }
    assert_eq!(running.questions.asked(), 4);
    running.end().await;
}

/// Every message that one flipped byte, one cut or one run of noise makes of a question. (T42)
fn garbage() -> Vec<Vec<u8>> {
    let mut question = question("_xmpp-server._tcp.away.example", RecordType::SRV);
    question.set_edns(Edns::new());
    let good = question.to_vec().unwrap();
    let mut all: Vec<Vec<u8>> = (0..good.len()).map(|length| good[..length].to_vec()).collect();
    for at in 0..good.len() {
        for bits in [0x01, 0x40, 0x80, 0xc0, 0xff] {
            let mut bad = good.clone();
            bad[at] ^= bits;
            all.push(bad);
        }
    }
    // A name that points at itself, counts that promise 65535 records of each kind, and bytes of no sense at all.
    all.push([&good[..12], &[0xc0, 12, 0, 33, 0, 1]].concat());
    all.push([&good[..4], &[0xff; 8], &good[12..]].concat());
    let mut state = 1_u32;
    for length in [1, 11, 12, 13, 100, 512, 1_232, 1_233, 9_000] {
        all.push(
            std::iter::repeat_with(|| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                state.to_be_bytes()[0]
            })
            .take(length)
            .collect(),
        );
    }
    all
}

#[tokio::test]
async fn garbage_over_udp_does_not_keep_the_next_question_from_its_answer() {
    let running = Running::start().await;
    let (noisy, honest) = (running.client().await, running.client().await);
    for bad in garbage() {
        noisy.send(&bad).await.unwrap();
        // One at a time, so that none is lost in a full buffer of the kernel.
        assert_eq!(ask_over_udp(&honest).await.answers.len(), 1);
    }
    assert!(running.refused(Unanswered::Malformed) > 50);
    running.end().await;
}

#[tokio::test]
async fn garbage_over_tcp_ends_at_most_its_own_connection() {
    let running = Running::start().await;
    for bad in garbage().iter().step_by(7) {
        let mut connection = running.connect().await;
        let length = u16::try_from(bad.len()).unwrap();
        let _ = connection.write_all(&[&length.to_be_bytes(), bad.as_slice()].concat()).await;
        drop(connection);
        assert_eq!(ask_over_udp(&running.client().await).await.answers.len(), 1);
    }
    running.end().await;
}

/// An answer that would be answered could be sent to and fro for ever between two responders.
#[tokio::test]
async fn an_answer_is_not_answered() {
    let mut answer = question("away.example", RecordType::A);
    answer.metadata.message_type = hickory_proto::op::MessageType::Response;
    assert!(Fixed.zone().unwrap().answer(&answer.to_vec().unwrap(), Transport::Udp).bytes.is_none());
}

#[tokio::test]
async fn takes_a_bounded_number_of_connections_and_keeps_answering_over_udp() {
    let running = Running::start().await;
    let mut silent = Vec::new();
    for _ in 0..CONNECTIONS_MAX {
        let mut connection = running.connect().await;
        // Answered once, so that it is surely counted.
        ask_over_tcp(&mut connection).await.unwrap();
        silent.push(connection);
    }
    let mut late = running.connect().await;
    assert!(ask_over_tcp(&mut late).await.is_err());
    assert_eq!(running.refused(Unanswered::TooMany), 1);
    assert_eq!(ask_over_udp(&running.client().await).await.answers.len(), 1);
    drop(silent);
    running.end().await;
}

#[tokio::test]
async fn a_connection_that_says_nothing_is_closed() {
    let running = Running::start().await;
    let mut silent = running.connect().await;
    silent.write_all(&[0]).await.unwrap();
    let began = tokio::time::Instant::now();
    assert_eq!(silent.read(&mut [0; 1]).await.unwrap(), 0);
    assert!(began.elapsed() < CONNECTION_TIMEOUT);
    running.end().await;
}
