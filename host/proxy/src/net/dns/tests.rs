//! Against a real responder on loopback, over UDP.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use hickory_resolver::proto::op::{Message, MessageType, ResponseCode};
use hickory_resolver::proto::rr::Record;
use hickory_resolver::proto::rr::rdata::{A, AAAA};
use tokio::net::UdpSocket;

use super::*;
use crate::config::Roots;

/// What a responder says: records, or a response code in place of them. What is in no zone does not exist.
#[derive(Default)]
struct Zone {
    records: HashMap<(String, RecordType), Vec<RData>>,
    codes: HashMap<String, ResponseCode>,
    asked: AtomicUsize,
}

impl Zone {
    fn srv(mut self, domain: &str, priority: u16, port: u16, target: &str) -> Self {
        let target = Name::from_ascii(target).unwrap();
        let key = (format!("_xmpp-server._tcp.{domain}."), RecordType::SRV);
        self.records.entry(key).or_default().push(RData::SRV(SRV::new(priority, 1, port, target)));
        self
    }

    fn a(mut self, host: &str, address: &str) -> Self {
        let address = A(address.parse().unwrap());
        self.records.entry((format!("{host}."), RecordType::A)).or_default().push(RData::A(address));
        self
    }

    fn aaaa(mut self, host: &str, address: &str) -> Self {
        let address = AAAA(address.parse().unwrap());
        self.records.entry((format!("{host}."), RecordType::AAAA)).or_default().push(RData::AAAA(address));
        self
    }

    fn code(mut self, name: &str, code: ResponseCode) -> Self {
        self.codes.insert(format!("{name}."), code);
        self
    }

    fn answer(&self, question: &Message) -> Message {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let query = &question.queries[0];
        let name = query.name().to_ascii().to_lowercase();
        let mut answer = Message::response(question.metadata.id, question.metadata.op_code);
        answer.metadata.message_type = MessageType::Response;
        answer.metadata.recursion_desired = true;
        answer.metadata.recursion_available = true;
        answer.add_query(query.clone());
        let known = self.records.keys().any(|(known, _)| *known == name);
        let code = if known { ResponseCode::NoError } else { ResponseCode::NXDomain };
        answer.metadata.response_code = *self.codes.get(&name).unwrap_or(&code);
        for data in self.records.get(&(name, query.query_type())).into_iter().flatten() {
            answer.add_answer(Record::from_rdata(query.name().clone(), 60, data.clone()));
        }
        answer
    }

    async fn serve(self) -> (SocketAddr, Arc<Zone>) {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let address = socket.local_addr().unwrap();
        let zone = Arc::new(self);
        let served = zone.clone();
        tokio::spawn(async move {
            let mut buffer = [0; 4096];
            while let Ok((length, from)) = socket.recv_from(&mut buffer).await {
                let answer = served.answer(&Message::from_vec(&buffer[..length]).unwrap());
                socket.send_to(&answer.to_vec().unwrap(), from).await.unwrap();
            }
        });
        (address, zone)
    }

    /// Asks about `domain`, with special addresses allowed.
    async fn targets(self, domain: &str) -> Result<Vec<String>, ResolveError> {
        let (server, _) = self.serve().await;
        ask(&resolver(server, true), domain).await
    }
}

fn resolver(server: SocketAddr, private_addresses: bool) -> Resolver {
    Resolver::new(&outside(ResolverSource::Servers(vec![server]), private_addresses)).unwrap()
}

fn outside(resolver: ResolverSource, private_addresses: bool) -> Outside {
    Outside { listen: vec![], resolver, roots: Roots::System, private_addresses }
}

async fn ask(resolver: &Resolver, domain: &str) -> Result<Vec<String>, ResolveError> {
    let targets = resolver.targets(&Domain::parse(domain).unwrap()).await?;
    Ok(targets.iter().map(SocketAddr::to_string).collect())
}

/// C01.
#[tokio::test]
async fn follows_srv_by_priority() {
    let zone = Zone::default()
        .srv("r.example", 20, 5270, "b.r.example.")
        .srv("r.example", 10, 5269, "a.r.example.")
        .a("a.r.example", "192.0.2.1")
        .a("b.r.example", "192.0.2.2");
    assert_eq!(zone.targets("r.example").await.unwrap(), ["192.0.2.1:5269", "192.0.2.2:5270"]);
}

/// C04.
#[tokio::test]
async fn without_srv_takes_the_addresses_of_the_domain_ipv6_first() {
    let zone = Zone::default().a("r.example", "192.0.2.1").a("r.example", "192.0.2.2").aaaa("r.example", "2001:db8::1");
    assert_eq!(zone.targets("r.example").await.unwrap(), ["[2001:db8::1]:5269", "192.0.2.1:5269", "192.0.2.2:5269"]);
}

/// C02.
#[tokio::test]
async fn a_sole_root_target_says_that_there_is_no_service_even_if_there_is_an_address() {
    let zone = Zone::default().srv("r.example", 0, 0, ".").a("r.example", "192.0.2.1");
    assert_eq!(zone.targets("r.example").await, Err(ResolveError::ServiceAbsent));
}

/// C03.
#[tokio::test]
async fn srv_targets_without_an_address_do_not_fall_back_to_the_domain() {
    let zone = Zone::default().srv("r.example", 0, 5269, "gone.example.").a("r.example", "192.0.2.1");
    assert_eq!(zone.targets("r.example").await, Err(ResolveError::NotFound));
}

/// C31.
#[tokio::test]
async fn a_domain_that_does_not_exist_is_not_found() {
    assert_eq!(Zone::default().targets("r.example").await, Err(ResolveError::NotFound));
}

#[tokio::test]
async fn a_failing_srv_lookup_does_not_fall_back_to_the_domain() {
    let zone = Zone::default().code("_xmpp-server._tcp.r.example", ResponseCode::ServFail).a("r.example", "192.0.2.1");
    let error = zone.targets("r.example").await.unwrap_err();
    assert!(matches!(error, ResolveError::Failed(_)), "{error:?}");
}

#[tokio::test]
async fn one_failing_target_does_not_hide_the_others() {
    let zone = Zone::default()
        .srv("r.example", 1, 5269, "broken.example.")
        .srv("r.example", 2, 5269, "fine.example.")
        .code("broken.example", ResponseCode::ServFail)
        .a("fine.example", "192.0.2.1");
    assert_eq!(zone.targets("r.example").await.unwrap(), ["192.0.2.1:5269"]);
}

#[tokio::test]
async fn asks_for_the_a_label() {
    let zone = Zone::default().srv("xn--bcher-kva.example", 0, 5269, "h.example.").a("h.example", "192.0.2.1");
    assert_eq!(zone.targets("bücher.example").await.unwrap(), ["192.0.2.1:5269"]);
}

/// T40.
#[tokio::test]
async fn a_zone_may_not_lead_to_special_addresses_unless_the_operator_allows_it() {
    let zone = || {
        Zone::default()
            .srv("r.example", 1, 5269, "inside.example.")
            .srv("r.example", 2, 5269, "public.example.")
            .srv("r.example", 3, 25, "public.example.")
            .a("inside.example", "127.0.0.1")
            .aaaa("inside.example", "::ffff:10.0.0.1")
            .a("public.example", "9.9.9.9")
    };
    let (server, _) = zone().serve().await;
    assert_eq!(ask(&resolver(server, false), "r.example").await.unwrap(), ["9.9.9.9:5269"]);
    assert_eq!(zone().targets("r.example").await.unwrap().len(), 4);
}

#[tokio::test]
async fn takes_a_bounded_number_of_targets_and_addresses() {
    let mut zone = Zone::default();
    for target in 0..20 {
        let host = format!("t{target}.example");
        zone = zone.srv("r.example", target, 5269, &format!("{host}."));
        for address in 0..12 {
            zone = zone.a(&host, &format!("192.0.{target}.{address}"));
        }
    }
    let (server, zone) = zone.serve().await;
    assert_eq!(ask(&resolver(server, true), "r.example").await.unwrap().len(), TARGETS_MAX * ADDRESSES_MAX);
    assert_eq!(zone.asked.load(Ordering::Relaxed), 1 + 2 * TARGETS_MAX);
}

#[tokio::test]
async fn an_address_in_the_place_of_a_domain_is_never_looked_up() {
    let (server, zone) = Zone::default().serve().await;
    let resolver = resolver(server, true);
    for literal in ["192.0.2.1", "[2001:db8::1]"] {
        assert_eq!(ask(&resolver, literal).await, Err(ResolveError::NotFound), "{literal}");
    }
    assert_eq!(zone.asked.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn a_silent_resolver_is_a_failure_and_not_an_absent_domain() {
    let silent = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let outside = outside(ResolverSource::Servers(vec![silent.local_addr().unwrap()]), true);
    let resolver = Resolver::with_timeout(&outside, Duration::from_millis(20)).unwrap();
    let error = ask(&resolver, "r.example").await.unwrap_err();
    assert!(matches!(error, ResolveError::Failed(_)), "{error:?}");
}

#[tokio::test]
async fn without_a_resolver_nothing_is_found() {
    let resolver = Resolver::new(&outside(ResolverSource::None, false)).unwrap();
    assert_eq!(ask(&resolver, "r.example").await, Err(ResolveError::NotFound));
}

#[test]
fn can_be_made_outside_of_a_runtime() {
    resolver(SocketAddr::from(([127, 0, 0, 1], 53)), false);
}
