//! With certificates made for the purpose: which record vouches for which certificate, and which refuses one that is otherwise good.

use std::time::{Duration, SystemTime};

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls::RootCertStore;

use super::*;

const DAY: Duration = Duration::from_secs(86_400);

/// An authority, and one below it.
struct Authority {
    certificate: CertificateDer<'static>,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    fn root(name: &str) -> Authority {
        let (params, key) = (Authority::params(name), KeyPair::generate().unwrap());
        let certificate = params.self_signed(&key).unwrap().der().clone();
        Authority { certificate, issuer: Issuer::new(params, key) }
    }

    fn below(&self, name: &str) -> Authority {
        let (params, key) = (Authority::params(name), KeyPair::generate().unwrap());
        let certificate = params.signed_by(&key, &self.issuer).unwrap().der().clone();
        Authority { certificate, issuer: Issuer::new(params, key) }
    }

    fn params(name: &str) -> CertificateParams {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params
    }

    fn issue(&self, domain: &str) -> CertificateDer<'static> {
        self.issue_with(domain, |_| ())
    }

    fn issue_with(&self, domain: &str, change: impl FnOnce(&mut CertificateParams)) -> CertificateDer<'static> {
        let mut params = CertificateParams::new(vec![domain.to_owned()]).unwrap();
        change(&mut params);
        params.signed_by(&KeyPair::generate().unwrap(), &self.issuer).unwrap().der().clone()
    }

    fn anchors(&self) -> RootCertStore {
        let mut store = RootCertStore::empty();
        store.add(self.certificate.clone()).unwrap();
        store
    }
}

/// The record for a certificate.
fn record(usage: u8, selector: u8, matching: u8, certificate: &CertificateDer<'_>) -> Association {
    let (_, parsed) = x509_parser::parse_x509_certificate(certificate).unwrap();
    let selected = if selector == 0 { certificate.as_ref() } else { parsed.tbs_certificate.subject_pki.raw };
    let data = match matching {
        0 => selected.to_vec(),
        1 => Sha256::digest(selected).to_vec(),
        _ => Sha512::digest(selected).to_vec(),
    };
    Association::new(usage, selector, matching, &data).unwrap()
}

/// What becomes of the certificates as the server of `r.example`.
fn judge(
    associations: &[Association],
    host: Option<&str>,
    shown: &[CertificateDer<'static>],
    anchors: &RootCertStore,
) -> Result<Voucher, Mismatch> {
    let domain = Domain::parse("r.example").unwrap();
    let host = host.map(|host| Domain::parse(host).unwrap());
    let delegation = Delegation { host, associations: associations.to_vec() };
    let (facts, voucher) = delegation.judge(&domain, shown, &anchors.roots, UnixTime::now())?;
    Ok(if facts.speaks_for(&domain) { voucher } else { Voucher::Nobody })
}

fn expired(params: &mut CertificateParams) {
    params.not_after = (SystemTime::now() - DAY).into();
}

/// C63, T19.
#[test]
fn a_mismatch_refuses_what_every_authority_vouches_for() {
    let world = Authority::root("world");
    let (genuine, rogue) = (world.issue("r.example"), world.issue("r.example"));
    let anchors = world.anchors();
    for usage in [1, 3] {
        let pinned = [record(usage, 1, 1, &genuine)];
        assert_eq!(judge(&pinned, None, std::slice::from_ref(&genuine), &anchors), Ok(Voucher::Dane));
        assert_eq!(judge(&pinned, None, std::slice::from_ref(&rogue), &anchors), Err(Mismatch));
        assert_eq!(
            judge(&[], None, std::slice::from_ref(&rogue), &anchors),
            Ok(Voucher::Pkix),
            "without DANE it would do"
        );
    }
}

/// RFC 7671 §5.1.
#[test]
fn dane_ee_takes_its_certificate_whatever_it_says() {
    let unknown = Authority::root("unknown");
    let leaf = unknown.issue_with("elsewhere.example", expired);
    let anchors = Authority::root("world").anchors();
    for selector in [0, 1] {
        for matching in [0, 1, 2] {
            let pinned = [record(3, selector, matching, &leaf)];
            assert_eq!(
                judge(&pinned, None, std::slice::from_ref(&leaf), &anchors),
                Ok(Voucher::Dane),
                "3 {selector} {matching}"
            );
            let other = [unknown.issue("r.example")];
            assert_eq!(judge(&pinned, None, &other, &anchors), Err(Mismatch), "3 {selector} {matching}");
        }
    }
}

#[test]
fn one_matching_record_among_several_suffices() {
    let world = Authority::root("world");
    let (old, new) = (world.issue("r.example"), world.issue("r.example"));
    let rolling = [record(3, 1, 1, &old), record(3, 1, 1, &new)];
    assert_eq!(judge(&rolling, None, &[new], &Authority::root("other").anchors()), Ok(Voucher::Dane));
}

/// RFC 7671 §5.2.
#[test]
fn dane_ta_vouches_for_what_its_authority_issued_to_the_name_and_for_its_time() {
    let own = Authority::root("own");
    let anchors = Authority::root("world").anchors();
    let chain = |leaf: CertificateDer<'static>| [leaf, own.certificate.clone()];
    for (selector, matching) in [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2)] {
        let pinned = [record(2, selector, matching, &own.certificate)];
        let told = format!("2 {selector} {matching}");
        assert_eq!(judge(&pinned, None, &chain(own.issue("r.example")), &anchors), Ok(Voucher::Dane), "{told}");
        let elsewhere = chain(own.issue("elsewhere.example"));
        assert_eq!(judge(&pinned, None, &elsewhere, &anchors), Err(Mismatch), "{told}: another name");
        let old = chain(own.issue_with("r.example", expired));
        assert_eq!(judge(&pinned, None, &old, &anchors), Err(Mismatch), "{told}: expired");
        let foreign = chain(Authority::root("foreign").issue("r.example"));
        assert_eq!(judge(&pinned, None, &foreign, &anchors), Err(Mismatch), "{told}: another authority");
    }
}

#[test]
fn dane_ta_needs_the_authority_itself_from_the_record_or_the_server() {
    let own = Authority::root("own");
    let anchors = Authority::root("world").anchors();
    let alone = [own.issue("r.example")];
    assert_eq!(judge(&[record(2, 0, 0, &own.certificate)], None, &alone, &anchors), Ok(Voucher::Dane));
    assert_eq!(judge(&[record(2, 0, 1, &own.certificate)], None, &alone, &anchors), Err(Mismatch));
}

#[test]
fn dane_ta_may_be_an_authority_in_the_middle() {
    let middle = Authority::root("own").below("middle");
    let chain = [middle.issue("r.example"), middle.certificate.clone()];
    let anchors = Authority::root("world").anchors();
    assert_eq!(judge(&[record(2, 1, 1, &middle.certificate)], None, &chain, &anchors), Ok(Voucher::Dane));
}

#[test]
fn pkix_ee_needs_an_authority_of_ours_too() {
    let world = Authority::root("world");
    let leaf = world.issue("r.example");
    let pinned = [record(1, 1, 1, &leaf)];
    assert_eq!(judge(&pinned, None, std::slice::from_ref(&leaf), &world.anchors()), Ok(Voucher::Dane));
    assert_eq!(judge(&pinned, None, &[leaf], &Authority::root("other").anchors()), Err(Mismatch));
    let elsewhere = world.issue("elsewhere.example");
    assert_eq!(judge(&[record(1, 1, 1, &elsewhere)], None, &[elsewhere], &world.anchors()), Err(Mismatch));
}

#[test]
fn pkix_ta_must_be_on_the_path_and_not_only_sent_along() {
    let world = Authority::root("world");
    let (chosen, other) = (world.below("chosen"), world.below("other"));
    let anchors = world.anchors();
    for selector in [0, 1] {
        let pinned = [record(0, selector, 1, &chosen.certificate)];
        let good = [chosen.issue("r.example"), chosen.certificate.clone()];
        assert_eq!(judge(&pinned, None, &good, &anchors), Ok(Voucher::Dane));
        let bad = [other.issue("r.example"), other.certificate.clone(), chosen.certificate.clone()];
        assert_eq!(judge(&pinned, None, &bad, &anchors), Err(Mismatch), "sent along for show");
    }
    let root = [record(0, 1, 1, &world.certificate)];
    assert_eq!(judge(&root, None, &[world.issue("r.example")], &anchors), Ok(Voucher::Dane));
}

/// RFC 7673 §4.1.
#[test]
fn the_host_that_secure_dns_names_is_as_good_as_the_domain() {
    let world = Authority::root("world");
    let (leaf, anchors) = ([world.issue("xmpp.host.example")], world.anchors());
    assert_eq!(judge(&[], None, &leaf, &anchors), Ok(Voucher::Nobody), "of itself it is another's");
    assert_eq!(judge(&[], Some("xmpp.host.example"), &leaf, &anchors), Ok(Voucher::Pkix));
    assert_eq!(judge(&[], Some("other.host.example"), &leaf, &anchors), Ok(Voucher::Nobody));
    let unknown = Authority::root("unknown").anchors();
    assert_eq!(judge(&[], Some("xmpp.host.example"), &leaf, &unknown), Ok(Voucher::Nobody));
    let of_authority = [record(2, 0, 0, &world.certificate)];
    assert_eq!(judge(&of_authority, Some("xmpp.host.example"), &leaf, &unknown), Ok(Voucher::Dane));
    assert_eq!(judge(&of_authority, None, &leaf, &unknown), Err(Mismatch));
}

#[test]
fn records_of_no_known_kind_or_of_a_wrong_length_cannot_be_used() {
    let digest = [0; 32];
    for (usage, selector, matching) in
        [(4, 1, 1), (255, 1, 1), (3, 2, 1), (3, 255, 1), (3, 1, 3), (3, 1, 255), (3, 1, 2)]
    {
        assert_eq!(Association::new(usage, selector, matching, &digest), None, "{usage} {selector} {matching}");
    }
    assert_eq!(Association::new(3, 1, 1, &digest[1..]), None);
    assert_eq!(Association::new(3, 1, 0, &[]), None);
    assert!(Association::new(3, 1, 1, &digest).is_some());
}
