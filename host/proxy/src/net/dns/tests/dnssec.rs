//! With a signed root zone of our own on loopback: what is secure, what is not, and what is neither.

use super::*;

/// A resolver that validates from the zone's own key.
async fn validating(zone: Zone) -> (Resolver, std::sync::Arc<Zone>) {
    let (zone, anchors) = zone.signed();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("anchors");
    std::fs::write(&file, anchors).unwrap();
    let (server, zone) = zone.serve().await;
    let outside = Outside { dnssec: Dnssec::Validate(Some(file)), ..outside(ResolverSource::Servers(vec![server])) };
    (Resolver::new(&outside).unwrap(), zone)
}

fn announced() -> Zone {
    Zone::default().srv("r.example", 0, 5269, "xmpp.host.example.").a("xmpp.host.example", "192.0.2.1")
}

fn domain(name: &str) -> Option<Domain> {
    Some(Domain::parse(name).unwrap())
}

const KEY: [u8; 32] = [7; 32];

async fn delegation(zone: Zone) -> Result<Delegation, ResolveError> {
    let (resolver, _) = validating(zone).await;
    Ok(found(&resolver, "r.example").await?.remove(0).delegation)
}

/// C63.
#[tokio::test]
async fn a_secure_target_comes_with_its_name_and_its_tlsa_records() {
    let zone = announced().tlsa("xmpp.host.example", 5269, [3, 1, 1], &KEY);
    let expected =
        Delegation { host: domain("xmpp.host.example"), associations: vec![Association::new(3, 1, 1, &KEY).unwrap()] };
    assert_eq!(delegation(zone).await.unwrap(), expected);
}

#[tokio::test]
async fn a_secure_target_without_tlsa_still_has_its_name() {
    let expected = Delegation { host: domain("xmpp.host.example"), associations: vec![] };
    assert_eq!(delegation(announced()).await.unwrap(), expected);
}

#[tokio::test]
async fn records_that_cannot_be_used_are_as_if_they_were_not_there() {
    let mut zone = announced();
    for parameters in [[4, 1, 1], [255, 1, 1], [3, 2, 1], [3, 1, 3]] {
        zone = zone.tlsa("xmpp.host.example", 5269, parameters, &KEY);
    }
    zone = zone.tlsa("xmpp.host.example", 5269, [3, 1, 2], &KEY).tlsa("xmpp.host.example", 5269, [3, 1, 1], &KEY[1..]);
    assert_eq!(delegation(zone).await.unwrap().associations, []);
}

/// RFC 7673 §3.1: this protocol does not apply.
#[tokio::test]
async fn an_unsigned_srv_makes_tlsa_void_and_is_not_asked_for_it() {
    let zone = Zone::default()
        .unsigned_below("plain.example")
        .srv("plain.example", 0, 5269, "xmpp.host.example.")
        .a("xmpp.host.example", "192.0.2.1")
        .tlsa("xmpp.host.example", 5269, [3, 1, 1], &KEY);
    let (resolver, zone) = validating(zone).await;
    let target = found(&resolver, "plain.example").await.unwrap().remove(0);
    assert_eq!((target.host.as_str(), target.delegation), ("xmpp.host.example", Delegation::default()));
    assert_eq!(zone.asked_for("_5269._tcp.xmpp.host.example", RecordType::TLSA), 0);
}

/// RFC 7673 §3.2.
#[tokio::test]
async fn unsigned_addresses_make_tlsa_void_but_not_the_name() {
    let zone = Zone::default()
        .unsigned_below("plain.example")
        .srv("r.example", 0, 5269, "xmpp.plain.example.")
        .a("xmpp.plain.example", "192.0.2.1")
        .tlsa("xmpp.plain.example", 5269, [3, 1, 1], &KEY);
    let (resolver, zone) = validating(zone).await;
    let target = found(&resolver, "r.example").await.unwrap().remove(0);
    assert_eq!(target.delegation, Delegation { host: domain("xmpp.plain.example"), associations: vec![] });
    assert_eq!(zone.asked_for("_5269._tcp.xmpp.plain.example", RecordType::TLSA), 0);
}

#[tokio::test]
async fn an_alias_out_of_a_signed_zone_is_not_secure() {
    let zone = Zone::default()
        .unsigned_below("plain.example")
        .srv("r.example", 0, 5269, "alias.example.")
        .cname("alias.example", "xmpp.plain.example.")
        .a("xmpp.plain.example", "192.0.2.1")
        .tlsa("alias.example", 5269, [3, 1, 1], &KEY);
    let (resolver, zone) = validating(zone).await;
    let target = found(&resolver, "r.example").await.unwrap().remove(0);
    assert_eq!(target.delegation.associations, []);
    assert_eq!(zone.asked_for("_5269._tcp.alias.example", RecordType::TLSA), 0);
}

/// T42: a forged answer is a failure, and no reason to look elsewhere.
#[tokio::test]
async fn a_forged_srv_answer_ends_the_attempt() {
    let zone = announced().a("r.example", "192.0.2.9").forged("_xmpp-server._tcp.r.example", RecordType::SRV);
    let error = delegation(zone).await.unwrap_err();
    assert_eq!(error, ResolveError::Bogus("_xmpp-server._tcp.r.example".to_owned()));
    let other = announced()
        .srv_tls("r.example", 0, 5270, "xmpp.host.example.")
        .forged("_xmpp-server._tcp.r.example", RecordType::SRV);
    assert!(delegation(other).await.is_err(), "not even with the other service");
}

#[tokio::test]
async fn a_forged_denial_is_no_absence() {
    let zone = Zone::default().a("r.example", "192.0.2.9").forged("_xmpp-server._tcp.r.example", RecordType::NSEC);
    assert!(matches!(delegation(zone).await, Err(ResolveError::Bogus(_))));
}

const SRV_OWNER: &str = "_xmpp-server._tcp.r.example";
const TLSA_OWNER: &str = "_5269._tcp.xmpp.host.example";

fn with_key() -> Zone {
    announced().unsigned_below("plain.example").tlsa("xmpp.host.example", 5269, [3, 1, 1], &KEY)
}

/// T19: a zone without signatures has no say about another.
#[tokio::test]
async fn a_denial_by_an_unsigned_zone_elsewhere_is_forged() {
    for (owner, kind) in [(TLSA_OWNER, RecordType::TLSA), (SRV_OWNER, RecordType::SRV)] {
        let zone = with_key().a("r.example", "192.0.2.9").denied_by(owner, kind, "plain.example");
        assert_eq!(delegation(zone).await, Err(ResolveError::Bogus(owner.to_owned())));
    }
}

/// T19.
#[tokio::test]
async fn below_secure_addresses_only_a_signed_denial_of_tlsa_counts() {
    let zone = announced().unsigned_below("_tcp.xmpp.host.example");
    assert_eq!(delegation(zone).await, Err(ResolveError::Bogus(TLSA_OWNER.to_owned())));
}

/// T19, RFC 4035 §5.3.4.
#[tokio::test]
async fn an_expanded_wildcard_needs_its_proof_whatever_else_the_answer_says() {
    for (owner, kind) in [(TLSA_OWNER, RecordType::TLSA), (SRV_OWNER, RecordType::SRV)] {
        let zone = with_key().expanded(owner, kind).with_soa_of(owner, kind, "plain.example");
        assert_eq!(delegation(zone).await, Err(ResolveError::Bogus(owner.to_owned())));
    }
}

/// T19: nor does a record of another name in the answer make it void.
#[tokio::test]
async fn an_unsigned_record_beside_the_answer_changes_nothing() {
    for (owner, kind) in [(TLSA_OWNER, RecordType::TLSA), (SRV_OWNER, RecordType::SRV)] {
        let zone = with_key().with_address_of(owner, kind, "x.plain.example");
        assert_eq!(delegation(zone).await.unwrap().associations.len(), 1, "{kind}");
    }
}

#[tokio::test]
async fn an_alias_to_nothing_in_an_unsigned_zone_is_an_absence() {
    let zone = Zone::default()
        .unsigned_below("plain.example")
        .cname("_xmpps-server._tcp.plain.example", "host.plain.example.")
        .srv("plain.example", 0, 5269, "host.plain.example.")
        .a("host.plain.example", "192.0.2.1");
    let (resolver, _) = validating(zone).await;
    assert_eq!(ask(&resolver, "plain.example").await.unwrap(), ["192.0.2.1:5269"]);
}

/// RFC 7673 §3.2.
#[tokio::test]
async fn a_target_with_forged_addresses_is_passed_over() {
    let zone = announced()
        .srv("r.example", 9, 5269, "second.example.")
        .a("second.example", "192.0.2.2")
        .forged("xmpp.host.example", RecordType::A);
    let (resolver, _) = validating(zone).await;
    assert_eq!(ask(&resolver, "r.example").await.unwrap(), ["192.0.2.2:5269"]);
}

/// Else whoever can suppress the answer could switch DANE off.
#[tokio::test]
async fn a_target_whose_tlsa_answer_is_forged_or_fails_is_passed_over() {
    let zone = || announced().srv("r.example", 9, 5269, "second.example.").a("second.example", "192.0.2.2");
    let owner = "_5269._tcp.xmpp.host.example";
    let forged = zone().tlsa("xmpp.host.example", 5269, [3, 1, 1], &KEY).forged(owner, RecordType::TLSA);
    for zone in [forged, zone().code(owner, ResponseCode::ServFail)] {
        let (resolver, _) = validating(zone).await;
        assert_eq!(ask(&resolver, "r.example").await.unwrap(), ["192.0.2.2:5269"]);
    }
}

#[tokio::test]
async fn without_srv_the_domain_itself_is_the_host() {
    let zone = Zone::default().a("r.example", "192.0.2.1").tlsa("r.example", 5269, [3, 0, 1], &KEY);
    let expected =
        Delegation { host: domain("r.example"), associations: vec![Association::new(3, 0, 1, &KEY).unwrap()] };
    assert_eq!(delegation(zone).await.unwrap(), expected);
}

#[tokio::test]
async fn another_root_key_makes_everything_a_forgery() {
    let (zone, _) = announced().signed();
    let (_, anchors) = Zone::default().signed();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("anchors");
    std::fs::write(&file, anchors).unwrap();
    let (server, _) = zone.serve().await;
    let outside = Outside { dnssec: Dnssec::Validate(Some(file)), ..outside(ResolverSource::Servers(vec![server])) };
    let resolver = Resolver::new(&outside).unwrap();
    assert!(matches!(ask(&resolver, "r.example").await, Err(ResolveError::Bogus(_))));
}

/// A resolver that drops signatures cannot be validated: nothing is guessed then.
#[tokio::test]
async fn an_unsigned_world_under_a_signed_root_is_a_failure() {
    let (_, anchors) = Zone::default().signed();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("anchors");
    std::fs::write(&file, anchors).unwrap();
    let (server, _) = announced().serve().await;
    let outside = Outside { dnssec: Dnssec::Validate(Some(file)), ..outside(ResolverSource::Servers(vec![server])) };
    assert!(ask(&Resolver::new(&outside).unwrap(), "r.example").await.is_err());
}

#[tokio::test]
async fn without_validation_signed_dns_says_nothing() {
    let (zone, _) = announced().tlsa("xmpp.host.example", 5269, [3, 1, 1], &KEY).signed();
    let (server, _) = zone.serve().await;
    assert_eq!(found(&resolver(server), "r.example").await.unwrap()[0].delegation, Delegation::default());
}

#[tokio::test]
async fn validated_answers_are_kept_too() {
    let (resolver, zone) = validating(announced().ttl(60)).await;
    ask(&resolver, "r.example").await.unwrap();
    let asked = zone.asked();
    for _ in 0..5 {
        ask(&resolver, "r.example").await.unwrap();
    }
    assert_eq!(zone.asked(), asked);
}

#[test]
fn trust_anchors_that_are_none_are_a_mistake() {
    let folder = tempfile::tempdir().unwrap();
    let with = |file: &str, text: Option<&str>| {
        let path = folder.path().join(file);
        if let Some(text) = text {
            std::fs::write(&path, text).unwrap();
        }
        let server = SocketAddr::from(([127, 0, 0, 1], 53));
        let outside = outside(ResolverSource::Servers(vec![server]));
        Resolver::new(&Outside { dnssec: Dnssec::Validate(Some(path)), ..outside }).err()
    };
    for (file, text) in [("missing", None), ("empty", Some("")), ("words", Some("these are no keys\n"))] {
        let error = with(file, text).unwrap_or_else(|| panic!("{file}"));
        assert_eq!(error.advice().0, "outside.trust-anchors", "{error}");
    }
    let (_, anchors) = Zone::default().signed();
    assert!(with("good", Some(&anchors)).is_none());
}
