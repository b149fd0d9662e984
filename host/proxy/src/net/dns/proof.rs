//! What a validated answer proves about the question. The library says which record sets are secure; whether they are about this
//! question is looked at here: it takes the authorities of any unsigned zone for a denial in it.

use hickory_resolver::TokioResolver;
use hickory_resolver::lookup::Lookup;
use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::proto::dnssec::rdata::{DNSSECRData, RRSIG};
use hickory_resolver::proto::rr::{Name, RData, Record, RecordType};

use super::{Answer, ResolveError, text};

/// Aliases that are followed, as many as the library does.
const ALIASES_MAX: usize = 8;

/// What the authorities of an answer say of a name.
#[derive(PartialEq, Eq)]
pub(super) enum Denial {
    /// RFC 4035 §5.4, RFC 5155 §8: denied by the zone of the name or one above it.
    Secure,
    /// The name is in a zone that is proven not to be signed.
    Insecure,
    /// None that is about this name.
    Unproven,
}

/// Puts the question; with the answer comes the name that a denial in it must be about.
pub(super) async fn asked(hickory: &TokioResolver, name: Name, kind: RecordType) -> (Name, Result<Lookup, NetError>) {
    let answer = hickory.lookup(name.clone(), kind).await;
    let denied = match &answer {
        Err(NetError::Dns(DnsError::NoRecordsFound(none))) => Some(none.query.name().clone()),
        Err(NetError::Dns(DnsError::Nsec { query, .. })) => Some(query.name().clone()),
        _ => None,
    };
    match denied.filter(|denied| *denied != name && hickory.options().validate) {
        Some(denied) => (followed(hickory, name, &denied).await, answer),
        None => (name, answer),
    }
}

/// Where validated aliases lead towards `end`: over TCP the library believes the question that stands in the answer.
async fn followed(hickory: &TokioResolver, name: Name, end: &Name) -> Name {
    let mut owner = name;
    for _ in 0..ALIASES_MAX {
        let Ok(lookup) = hickory.lookup(owner.clone(), RecordType::CNAME).await else { break };
        let Ok(mut aliases) = answered(&owner, &lookup, alias_of) else { break };
        let Some(target) = aliases.records.pop() else { break };
        owner = target;
        if owner == *end {
            break;
        }
    }
    owner
}

/// The records at `name`, or where its aliases in the answer lead; what else is strewn into it says nothing.
pub(super) fn answered<T>(
    name: &Name,
    lookup: &Lookup,
    pick: impl Fn(&RData) -> Option<T>,
) -> Result<Answer<T>, ResolveError> {
    let (mut owner, mut secure) = (name.clone(), true);
    for _ in 0..=ALIASES_MAX {
        let here = || lookup.answers().iter().filter(|record| record.name == owner);
        let picked = here().filter_map(|record| Some((record, pick(&record.data)?)));
        let (used, records): (Vec<_>, Vec<_>) = picked.unzip();
        let alias = here().find_map(|record| Some((record, alias_of(&record.data)?)));
        let used = if used.is_empty() { alias.iter().map(|(record, _)| *record).collect() } else { used };
        if !used.iter().all(|record| is_founded(record, lookup)) {
            return Err(ResolveError::Bogus(text(name)));
        }
        secure &= used.iter().all(|record| record.proof.is_secure());
        match alias {
            Some((_, target)) if records.is_empty() => owner = target,
            _ => return Ok(Answer { secure: secure && !records.is_empty(), records }),
        }
    }
    Ok(Answer::none())
}

/// RFC 4035 §5.3.4: what a wildcard was expanded to is secure only with the proof that the name itself does not exist.
fn is_founded(record: &Record, lookup: &Lookup) -> bool {
    if !record.proof.is_secure() {
        return true;
    }
    let Some(signature) = signature(record, lookup.answers()) else { return false };
    let is_expanded = signature.input().num_labels < record.name.num_labels();
    !is_expanded || denial(&record.name, lookup.authorities()) == Denial::Secure
}

/// What `authorities` prove of the absence of `name`, or of a type there.
pub(super) fn denial(name: &Name, authorities: &[Record]) -> Denial {
    let mut denials = authorities.iter().filter(|record| is_denial(record)).peekable();
    if denials.peek().is_some() {
        // An NSEC of another zone may claim a gap that reaches over this one.
        let is_ours =
            |record| signature(record, authorities).is_some_and(|rrsig| rrsig.input().signer_name.zone_of(name));
        return if denials.all(is_ours) { Denial::Secure } else { Denial::Unproven };
    }
    let is_unsigned = |record: &Record| {
        record.proof.is_insecure()
            && matches!(record.record_type(), RecordType::SOA | RecordType::NS)
            && record.name.zone_of(name)
    };
    if authorities.iter().any(is_unsigned) { Denial::Insecure } else { Denial::Unproven }
}

fn is_denial(record: &Record) -> bool {
    record.proof.is_secure() && matches!(record.record_type(), RecordType::NSEC | RecordType::NSEC3)
}

/// The signature that made a record secure; only that one is marked.
fn signature<'a>(record: &Record, section: &'a [Record]) -> Option<&'a RRSIG> {
    let signatures = section.iter().filter(|other| other.name == record.name && other.proof.is_secure());
    let mut signatures = signatures.filter_map(|other| match &other.data {
        RData::DNSSEC(DNSSECRData::RRSIG(rrsig)) => Some(rrsig),
        _ => None,
    });
    signatures.find(|rrsig| rrsig.input().type_covered == record.record_type())
}

fn alias_of(data: &RData) -> Option<Name> {
    match data {
        RData::CNAME(target) => Some(target.0.clone()),
        _ => None,
    }
}
