//! From a domain to its servers (RFC 6120 §3.2, XEP-0368): both SRV services by priority and weight, else A and AAAA on port 5269.
//! With DNSSEC (RFC 4035): what does not validate is a failure, and what is secure may speak of certificates (RFC 7673).
//!
//! The only door to the resolver.

mod failures;
mod proof;
mod setup;

use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use hickory_resolver::TokioResolver;
use hickory_resolver::lookup::Lookup;
use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::proto::dnssec::Proof;
use hickory_resolver::proto::rr::rdata::{SRV, TLSA};
use hickory_resolver::proto::rr::{Name, RData, Record, RecordType};
use refrain_proto::Domain;
use tokio::time::timeout;
use tokio_util::task::AbortOnDropHandle;

use super::address;
use super::dane::{Association, Delegation};
use super::srv::{self, Announced, Service};
use super::target::{Target, Transport};
use failures::Failures;
use proof::Denial;
pub use setup::SetupError;

/// Where a server listens that says nothing else (RFC 6120 §3.2.2).
const DEFAULT_PORT: u16 = 5269;
/// Targets asked for their addresses, addresses taken of each, and TLSA records looked at: a zone must not make us work through
/// thousands.
const TARGETS_MAX: usize = 8;
const ADDRESSES_MAX: usize = 8;
const ASSOCIATIONS_MAX: usize = 16;
/// All questions about the services of a domain, or about one target.
const LOOKUP_TIMEOUT: Duration = Duration::from_secs(10);

/// Why a domain, or one of its targets, has no address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ResolveError {
    /// RFC 2782: the only target is the root; the domain says that it has no such server.
    #[error("the domain says that it has no XMPP server (SRV target \".\")")]
    ServiceAbsent,
    /// No SRV and no address.
    #[error("the domain has no address")]
    NotFound,
    /// The question could not be answered now.
    #[error("the domain cannot be resolved: {0}")]
    Failed(String),
    /// DNSSEC: the answer is forged or broken.
    #[error("the answer for {0} does not validate (DNSSEC): it is forged, or its zone is broken")]
    Bogus(String),
}

/// Asks the resolvers that the operator named.
pub struct Resolver {
    hickory: Option<TokioResolver>,
    failures: Failures,
}

/// The records of one kind in an answer.
struct Answer<T> {
    records: Vec<T>,
    /// All of them, and the aliases that led to them, were validated; without one: that there is none.
    secure: bool,
}

impl Resolver {
    /// Where to ask for `domain`, in the order to try.
    pub async fn services(&self, domain: &Domain) -> Result<Vec<Service>, ResolveError> {
        if self.hickory.is_none() || domain.is_ip_literal() {
            return Err(ResolveError::NotFound);
        }
        let found = timeout(LOOKUP_TIMEOUT, self.announced(domain)).await.map_err(|_| late())??;
        match found {
            Announced::Services(services) => Ok(services),
            Announced::Absence => Err(ResolveError::ServiceAbsent),
            Announced::Nothing => {
                let record = SRV::new(0, 0, DEFAULT_PORT, name(&domain.to_ascii())?);
                // Nobody named the host but the peer's own address, so there is nothing to be secure; if the zone is signed,
                // that there is no SRV was validated.
                Ok(vec![Service { record, transport: Transport::StartTls, secure: true }])
            }
        }
    }

    /// The addresses of one service, and what signed DNS says of its certificate.
    pub async fn target(&self, service: Service) -> Result<Target, ResolveError> {
        timeout(LOOKUP_TIMEOUT, self.resolved(service)).await.map_err(|_| late())?
    }

    /// The addresses of a host that is no XMPP server.
    pub async fn addresses(&self, host: &str, port: u16) -> Result<Vec<SocketAddr>, ResolveError> {
        let record = SRV::new(0, 0, port, name(host)?);
        let target = self.target(Service { record, transport: Transport::DirectTls, secure: false }).await?;
        Ok(target.addresses)
    }

    /// XEP-0368 §3: both services are one list.
    async fn announced(&self, domain: &Domain) -> Result<Announced, ResolveError> {
        let ascii = domain.to_ascii();
        let (direct, starttls) = tokio::join!(
            self.service(name(&format!("_xmpps-server._tcp.{ascii}"))?, Transport::DirectTls),
            self.service(name(&format!("_xmpp-server._tcp.{ascii}"))?, Transport::StartTls),
        );
        let (services, failure) = match (direct, starttls) {
            // RFC 7673 §3.1: what does not validate ends the attempt.
            (Err(error @ ResolveError::Bogus(_)), _) | (_, Err(error @ ResolveError::Bogus(_))) => return Err(error),
            (Ok(direct), Ok(starttls)) => (direct.into_iter().chain(starttls).collect(), None),
            (Ok(found), Err(error)) | (Err(error), Ok(found)) => (found, Some(error)),
            (Err(error), Err(_)) => return Err(error),
        };
        match (srv::announced(services, TARGETS_MAX, srv::draw), failure) {
            (announced @ Announced::Services(_), _) | (announced, None) => Ok(announced),
            // What could not be asked must not be taken for an absence.
            (Announced::Nothing | Announced::Absence, Some(error)) => Err(error),
        }
    }

    async fn service(&self, name: Name, transport: Transport) -> Result<Vec<Service>, ResolveError> {
        let Answer { records, secure } = self.ask(name, RecordType::SRV, srv_of).await?;
        Ok(records.into_iter().map(|record| Service { record, transport, secure }).collect())
    }

    async fn resolved(&self, Service { record, transport, secure }: Service) -> Result<Target, ResolveError> {
        let host = record.target.clone();
        let (six, four) = tokio::join!(
            self.ask(host.clone(), RecordType::AAAA, ip_of),
            self.ask(host.clone(), RecordType::A, ip_of),
        );
        let (six, four) = match (six, four) {
            // RFC 7673 §3.2: an endpoint with addresses that do not validate is not connected to.
            (Err(error @ ResolveError::Bogus(_)), _) | (_, Err(error @ ResolveError::Bogus(_))) => return Err(error),
            (Err(error), Err(_)) => return Err(error),
            // One family that cannot be asked must not hide the other.
            (six, four) => (six.unwrap_or_else(|_| Answer::none()), four.unwrap_or_else(|_| Answer::none())),
        };
        let addresses_are_secure =
            [&six, &four].iter().all(|answer| answer.secure || answer.records.is_empty()) && self.validates();
        let addresses: Vec<_> = address::interleaved(six.records, four.records)
            .into_iter()
            .take(ADDRESSES_MAX)
            .map(|ip| SocketAddr::new(ip, record.port))
            .collect();
        if addresses.is_empty() {
            return Err(ResolveError::NotFound);
        }
        let delegation = match secure && self.validates() {
            true => self.delegation(&host, record.port, addresses_are_secure).await?,
            false => Delegation::default(),
        };
        Ok(Target { host: text(&host), addresses, transport, delegation })
    }

    /// What a host that secure DNS names has to say of its certificate at `port` (RFC 7673 §3.3).
    async fn delegation(&self, host: &Name, port: u16, addresses_are_secure: bool) -> Result<Delegation, ResolveError> {
        let named = Domain::parse(&text(host)).ok();
        if !addresses_are_secure {
            // RFC 7673 §3.2: no TLSA then; the name of the host is secure all the same.
            return Ok(Delegation { host: named, associations: Vec::new() });
        }
        let owner = name(&format!("_{port}._tcp.{}", text(host)))?;
        // An answer that fails ends the attempt at this target, or whoever suppresses it would switch DANE off.
        let answer = self.ask(owner.clone(), RecordType::TLSA, tlsa_of).await?;
        // The zone of the addresses is signed: that it says nothing of the certificate is signed as well.
        if answer.records.is_empty() && !answer.secure {
            return Err(ResolveError::Bogus(text(&owner)));
        }
        let records = if answer.secure { answer.records } else { Vec::new() };
        let usable = records.iter().take(ASSOCIATIONS_MAX).filter_map(association);
        Ok(Delegation { host: named, associations: usable.collect() })
    }

    fn validates(&self) -> bool {
        self.hickory.as_ref().is_some_and(|hickory| hickory.options().validate)
    }

    /// An answer of "none" to a question about `name`, whose aliases lead to `denied`.
    fn absence<T>(&self, name: &Name, denied: &Name, authorities: &[Record]) -> Result<Answer<T>, ResolveError> {
        if !self.validates() {
            return Ok(Answer::none());
        }
        match proof::denial(denied, authorities) {
            Denial::Secure => Ok(Answer { secure: name == denied, ..Answer::none() }),
            Denial::Insecure => Ok(Answer::none()),
            Denial::Unproven => Err(ResolveError::Bogus(text(name))),
        }
    }

    /// Puts one question; an answer of "none" is no error.
    async fn ask<T>(
        &self,
        name: Name,
        kind: RecordType,
        pick: impl Fn(&RData) -> Option<T>,
    ) -> Result<Answer<T>, ResolveError> {
        let Some(hickory) = &self.hickory else { return Err(ResolveError::NotFound) };
        let question = (name, kind);
        if let Some(error) = self.failures.recent(&question, Instant::now()) {
            return Err(error);
        }
        let (hickory, name) = (hickory.clone(), question.0.clone());
        // A task of its own, which ends with us: validation reads what strangers wrote, and a panic in it is one failed question.
        let asking = AbortOnDropHandle::new(tokio::spawn(async move { proof::asked(&hickory, name, kind).await }));
        let answer = match asking.await {
            Ok((denied, asked)) => {
                records(&question.0, asked, pick, |authorities| self.absence(&question.0, &denied, authorities))
            }
            Err(_) => Err(ResolveError::Failed("the answer could not be read".to_owned())),
        };
        if let Err(error) = &answer {
            self.failures.note(question, error.clone(), Instant::now());
        }
        answer
    }
}

impl<T> Answer<T> {
    fn none() -> Self {
        Answer { records: Vec::new(), secure: false }
    }
}

/// The answers of one kind; what `absence` says when the name or the kind does not exist. A SERVFAIL is an error: what a broken or
/// forged zone hides must not be replaced by a guess (RFC 6120 §3.2.1, s2s §1.7).
fn records<T>(
    name: &Name,
    answer: Result<Lookup, NetError>,
    pick: impl Fn(&RData) -> Option<T>,
    absence: impl Fn(&[Record]) -> Result<Answer<T>, ResolveError>,
) -> Result<Answer<T>, ResolveError> {
    match answer {
        Ok(lookup) => proof::answered(name, &lookup, pick),
        Err(NetError::Dns(DnsError::NoRecordsFound(none))) => absence(none.authorities.as_deref().unwrap_or_default()),
        // RFC 9276 §3.2: denied by the zone, with more iterations than anybody counts.
        Err(NetError::Dns(DnsError::Nsec { proof: Proof::Insecure, response, .. })) => {
            absence(&response.authorities).map(|answer| Answer { secure: false, ..answer })
        }
        Err(NetError::Dns(DnsError::DnssecBogus | DnsError::Nsec { .. })) => Err(ResolveError::Bogus(text(name))),
        Err(error) => Err(ResolveError::Failed(error.to_string())),
    }
}

fn srv_of(data: &RData) -> Option<SRV> {
    match data {
        RData::SRV(srv) => Some(srv.clone()),
        _ => None,
    }
}

fn tlsa_of(data: &RData) -> Option<TLSA> {
    match data {
        RData::TLSA(tlsa) => Some(tlsa.clone()),
        _ => None,
    }
}

fn ip_of(data: &RData) -> Option<IpAddr> {
    match data {
        RData::A(address) => Some(IpAddr::V4(address.0)),
        RData::AAAA(address) => Some(IpAddr::V6(address.0)),
        _ => None,
    }
}

fn association(record: &TLSA) -> Option<Association> {
    let usable =
        Association::new(record.cert_usage.into(), record.selector.into(), record.matching.into(), &record.cert_data);
    if usable.is_none() {
        tracing::debug!(%record, "a TLSA record cannot be used");
    }
    usable
}

/// An absolute name: no search list may turn one domain into another.
fn name(ascii: &str) -> Result<Name, ResolveError> {
    let mut name = Name::from_ascii(ascii).map_err(|_| ResolveError::NotFound)?;
    name.set_fqdn(true);
    Ok(name)
}

fn text(name: &Name) -> String {
    name.to_ascii().trim_end_matches('.').to_owned()
}

fn late() -> ResolveError {
    ResolveError::Failed("no answer in time".to_owned())
}

#[cfg(test)]
pub(crate) mod tests;
