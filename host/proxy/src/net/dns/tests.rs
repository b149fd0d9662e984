//! Against a real responder on loopback.

pub(crate) mod zone;

mod dnssec;

use hickory_resolver::proto::op::ResponseCode;
use tokio::net::UdpSocket;

use super::*;
use crate::config::{Dnssec, Outside, ResolverSource};
use zone::Zone;

impl Zone {
    /// Asks about `domain`.
    async fn targets(self, domain: &str) -> Result<Vec<String>, ResolveError> {
        let (server, _) = self.serve().await;
        ask(&resolver(server), domain).await
    }
}

fn resolver(server: SocketAddr) -> Resolver {
    Resolver::new(&outside(ResolverSource::Servers(vec![server]))).unwrap()
}

fn outside(resolver: ResolverSource) -> Outside {
    Outside {
        listen: vec![],
        listen_tls: vec![],
        resolver,
        dnssec: Dnssec::Off,
        roots: crate::config::Roots::System,
        private_addresses: false,
    }
}

/// Every target that can be resolved, in its order; an error only when none can.
async fn found(resolver: &Resolver, domain: &str) -> Result<Vec<Target>, ResolveError> {
    let mut targets = Vec::new();
    let mut failure = None;
    for service in resolver.services(&Domain::parse(domain).unwrap()).await? {
        match resolver.target(service).await {
            Ok(target) => targets.push(target),
            Err(error) => failure = Some(error),
        }
    }
    match failure {
        Some(error) if targets.is_empty() => Err(error),
        _ => Ok(targets),
    }
}

/// The addresses of all that, those with TLS at once marked.
async fn ask(resolver: &Resolver, domain: &str) -> Result<Vec<String>, ResolveError> {
    let told = |target: Target| {
        let mark = if target.transport == Transport::DirectTls { " tls" } else { "" };
        target.addresses.into_iter().map(move |address| format!("{address}{mark}")).collect::<Vec<_>>()
    };
    Ok(found(resolver, domain).await?.into_iter().flat_map(told).collect())
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

/// C01, C46.
#[tokio::test]
async fn both_services_are_one_list_by_priority() {
    let zone = Zone::default()
        .srv("r.example", 20, 5269, "a.r.example.")
        .srv_tls("r.example", 10, 443, "a.r.example.")
        .srv_tls("r.example", 30, 5270, "b.r.example.")
        .a("a.r.example", "192.0.2.1")
        .a("b.r.example", "192.0.2.2");
    let expected = ["192.0.2.1:443 tls", "192.0.2.1:5269", "192.0.2.2:5270 tls"];
    assert_eq!(zone.targets("r.example").await.unwrap(), expected);
}

/// C47.
#[tokio::test]
async fn without_direct_tls_there_is_still_starttls_but_no_fallback() {
    let zone = || Zone::default().srv_tls("r.example", 0, 0, ".").a("r.example", "192.0.2.1");
    let with_starttls = zone().srv("r.example", 0, 5269, "a.r.example.").a("a.r.example", "192.0.2.2");
    assert_eq!(with_starttls.targets("r.example").await.unwrap(), ["192.0.2.2:5269"]);
    assert_eq!(zone().targets("r.example").await, Err(ResolveError::ServiceAbsent));
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
async fn one_service_that_cannot_be_asked_does_not_hide_the_other_and_is_no_absence() {
    let zone =
        || Zone::default().code("_xmpps-server._tcp.r.example", ResponseCode::ServFail).a("r.example", "192.0.2.1");
    let other = zone().srv("r.example", 0, 5269, "a.r.example.").a("a.r.example", "192.0.2.2");
    assert_eq!(other.targets("r.example").await.unwrap(), ["192.0.2.2:5269"]);
    let error = zone().targets("r.example").await.unwrap_err();
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
    assert_eq!(ask(&resolver(server), "r.example").await.unwrap().len(), TARGETS_MAX * ADDRESSES_MAX);
    assert_eq!(zone.asked(), 2 + 2 * TARGETS_MAX);
}

#[tokio::test]
async fn an_address_in_the_place_of_a_domain_is_never_looked_up() {
    let (server, zone) = Zone::default().serve().await;
    let resolver = resolver(server);
    for literal in ["192.0.2.1", "[2001:db8::1]"] {
        assert_eq!(ask(&resolver, literal).await, Err(ResolveError::NotFound), "{literal}");
    }
    assert_eq!(zone.asked(), 0);
}

#[tokio::test]
async fn a_silent_resolver_is_a_failure_and_not_an_absent_domain() {
    let silent = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let outside = outside(ResolverSource::Servers(vec![silent.local_addr().unwrap()]));
    let resolver = Resolver::with_timeout(&outside, Duration::from_millis(20)).unwrap();
    let error = ask(&resolver, "r.example").await.unwrap_err();
    assert!(matches!(error, ResolveError::Failed(_)), "{error:?}");
}

#[tokio::test]
async fn without_a_resolver_nothing_is_found() {
    let resolver = Resolver::new(&outside(ResolverSource::None)).unwrap();
    assert_eq!(ask(&resolver, "r.example").await, Err(ResolveError::NotFound));
}

#[test]
fn can_be_made_outside_of_a_runtime() {
    resolver(SocketAddr::from(([127, 0, 0, 1], 53)));
}

/// T42.
#[tokio::test]
async fn a_thousand_records_are_cut_to_a_few_targets() {
    let mut zone = Zone::default().a("t.example", "192.0.2.1");
    for target in 0..1_000 {
        zone = zone.srv("r.example", target, 1_024 + target, "t.example.");
    }
    let expected: Vec<_> = (0..8).map(|target| format!("192.0.2.1:{}", 1_024 + target)).collect();
    assert_eq!(zone.targets("r.example").await.unwrap(), expected);
}

/// T42.
#[tokio::test]
async fn aliases_that_turn_in_a_circle_lead_nowhere_and_soon() {
    let zone = Zone::default()
        .srv("r.example", 0, 5269, "a.example.")
        .cname("a.example", "b.example.")
        .cname("b.example", "a.example.");
    let (server, zone) = zone.serve().await;
    assert!(ask(&resolver(server), "r.example").await.is_err());
    assert!(zone.asked() < 40, "{} questions", zone.asked());
}

/// T42: what fails is not asked for again at once, whoever names it.
#[tokio::test]
async fn a_broken_zone_is_not_asked_again_and_again() {
    let zone = Zone::default()
        .code("_xmpp-server._tcp.r.example", ResponseCode::ServFail)
        .code("_xmpps-server._tcp.r.example", ResponseCode::ServFail);
    let (server, zone) = zone.serve().await;
    let resolver = resolver(server);
    for _ in 0..50 {
        assert!(matches!(ask(&resolver, "r.example").await, Err(ResolveError::Failed(_))));
    }
    assert!(zone.asked() <= 4, "{} questions", zone.asked());
}

#[tokio::test]
async fn an_answer_is_kept_for_its_time_and_an_absence_for_a_while() {
    let zone = || Zone::default().srv("r.example", 0, 5269, "a.example.").a("a.example", "192.0.2.1");
    for (zone, asked) in [(zone().ttl(60), 1), (zone().ttl(0), 3)] {
        let (server, zone) = zone.serve().await;
        let resolver = resolver(server);
        for _ in 0..3 {
            assert_eq!(ask(&resolver, "r.example").await.unwrap(), ["192.0.2.1:5269"]);
            // The cache counts whole seconds.
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        assert_eq!(zone.asked_for("a.example", RecordType::A), asked);
        assert_eq!(zone.asked_for("_xmpps-server._tcp.r.example", RecordType::SRV), 1);
        assert_eq!(zone.asked_for("a.example", RecordType::AAAA), 1);
    }
}

/// The resolver is the one that the operator named, and nobody else.
#[tokio::test]
async fn neither_the_hosts_file_nor_a_search_list_has_a_say() {
    let (server, zone) = Zone::default().serve().await;
    let resolver = resolver(server);
    let host = std::fs::read_to_string("/etc/hostname").unwrap_or_default();
    let host = Some(host.trim()).filter(|host| !host.is_empty()).unwrap_or("somehost").to_owned();
    assert_eq!(ask(&resolver, &host).await, Err(ResolveError::NotFound));
    assert_eq!(zone.asked_for(&host, RecordType::A), 1);
    assert_eq!(zone.asked(), 4, "two services, two families, and no other name");
}
