//! What a running Refrain says about itself: gathered here, sent as JSON, printed by `refrain status` and `refrain chain`.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use refrain_filter::{Chain, Circuit, Direction, Fault};
use refrain_proto::Side;
use serde::{Deserialize, Serialize};

use super::admin::Control;
use super::guard::GuardStatus;
use super::lists::{self, ListStatus};
use super::reload::{Attempt, Swapped};
use crate::config::{ComponentSource, FilterConfig, Mistake};
use crate::observe::counters::Totals;
use crate::relations::RelationCounts;
use crate::snapshot::Snapshot;
use crate::snapshot::roster::Rostered;

/// Everything at one moment.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Status {
    /// Of the binary.
    pub version: String,
    /// The process.
    pub pid: u32,
    /// Since it was ready.
    pub uptime_seconds: u64,
    /// Whether it is on its way out.
    pub draining: bool,
    /// What is live.
    pub generation: Generation,
    /// The generation that a rollback brings back.
    pub previous_generation: Option<u64>,
    /// Attempts to change the generation.
    pub reloads: Reloads,
    /// What watches a new generation.
    pub guard: GuardStatus,
    /// Where it listens.
    pub listeners: Listeners,
    /// What became of the stanzas.
    pub stanzas: Stanzas,
    /// What is known of remote domains.
    pub continuity: Continuity,
    /// Who knows whom; none where nothing is kept of it.
    #[serde(default)]
    pub relations: Option<RelationCounts>,
    /// Streams that are open.
    pub streams: Streams,
    /// Names and servers that a stream could not be opened to.
    pub dials: Dials,
    /// Questions about names.
    pub names: Names,
    /// What was refused, cut off or held back, by reason, since the start.
    pub refusals: Vec<(String, u64)>,
    /// The chains of both directions.
    pub chains: Vec<ChainStatus>,
    /// The lists, and where their entries are from.
    pub lists: Vec<ListStatus>,
    /// What filters count themselves.
    pub counters: Vec<OwnCounter>,
}

/// The live generation.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Generation {
    /// Its number.
    pub number: u64,
    /// The file it was read from.
    pub config: PathBuf,
    /// Which text of the file.
    pub digest: String,
    /// Seconds since it went live.
    pub live_seconds: u64,
}

/// Attempts to change the generation.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Reloads {
    /// That did.
    pub succeeded: u64,
    /// That did not.
    pub refused: u64,
    /// The one that ended last.
    pub last: Option<LastReload>,
}

/// The attempt that ended last.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct LastReload {
    /// Seconds since it ended.
    pub seconds_ago: u64,
    /// Who wanted it.
    pub cause: String,
    /// How long it took.
    pub milliseconds: u64,
    /// The generation that it brought.
    pub generation: Option<u64>,
    /// Why it was refused.
    pub mistakes: Vec<Mistake>,
}

/// Where it listens.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Listeners {
    /// For the federated world.
    pub outside: Vec<SocketAddr>,
    /// For the federated world, with TLS from the first byte.
    pub outside_tls: Vec<SocketAddr>,
    /// For the protected servers.
    pub inside: Vec<SocketAddr>,
    /// For the protected servers' questions about names.
    pub inside_dns: Option<SocketAddr>,
    /// For the operator.
    pub admin_socket: Option<PathBuf>,
    /// For the operator's tools.
    pub admin_http: Option<SocketAddr>,
}

/// The account: accepted = forwarded + bounced + dropped + in flight.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Stanzas {
    /// The counts.
    #[serde(flatten)]
    pub totals: Totals,
    /// Accepted, and not ended yet.
    pub in_flight: u64,
    /// Of these, in a queue or written and not acknowledged: counted apart, and all of them whenever no batch is being judged.
    pub waiting: u64,
}

/// What is known of remote domains.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Continuity {
    /// Domains that have proven themselves; `/peers` has them all.
    pub known: u64,
    /// Keys that changed since the start.
    pub key_changes: u64,
    /// Attempts to read or write the store that failed.
    pub store_failures: u64,
}

/// Streams that are open.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Streams {
    /// Accepted from the federated world.
    pub from_outside: u64,
    /// Accepted from the protected servers.
    pub from_inside: u64,
    /// Established towards the federated world.
    pub to_outside: u64,
    /// Established towards the protected servers.
    pub to_inside: u64,
}

/// Names and servers that a stream could not be opened to, by reason.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Dials {
    /// Of the federated world.
    pub outside: Vec<(String, u64)>,
    /// Of the protected servers.
    pub inside: Vec<(String, u64)>,
}

/// What the protected servers asked our name server.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Names {
    /// Questions, answered or not.
    pub questions: u64,
    /// What was not answered, by reason.
    pub refused: Vec<(String, u64)>,
}

/// One direction.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct ChainStatus {
    /// Which.
    pub direction: Direction,
    /// Its filters, in order.
    pub filters: Vec<FilterStatus>,
}

/// One filter of a chain, since its generation went live.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct FilterStatus {
    /// The operator's name for it.
    pub name: String,
    /// Where its code is from.
    pub component: String,
    /// The first 12 hexadecimal digits of the SHA-256 of its code.
    pub digest: String,
    /// The version that its manifest names.
    pub version: Option<String>,
    /// What it may do beyond judging.
    pub grants: Vec<String>,
    /// Which stanzas meet the same instance.
    pub isolation: String,
    /// Whether it is asked at all.
    pub circuit: CircuitState,
    /// Where its settings stand.
    pub settings: Option<String>,
    /// The stanzas it is asked about; none = all.
    pub interests: Vec<String>,
    /// Stanzas it was asked about.
    pub calls: u64,
    /// Stanzas it was not asked about.
    pub skips: u64,
    /// What it said, by the kind of verdict.
    pub verdicts: Vec<(String, u64)>,
    /// The reasons it gave most often.
    pub reasons: Vec<(String, u64)>,
    /// Stanzas that it edited.
    pub edited: u64,
    /// How it failed, by cause.
    pub faults: Vec<(String, u64)>,
    /// Half of its calls were not slower.
    pub p50_microseconds: f64,
    /// 99 of 100 of its calls were not slower.
    pub p99_microseconds: f64,
    /// How many calls took up to so many microseconds, and longer than the entry before says.
    pub latency: Vec<(f64, u64)>,
    /// Memory of its instances.
    pub memory_bytes: u64,
    /// Its instances: of each worker thread its own.
    pub instances: u32,
}

/// Whether a filter is asked, or left alone for a while because it failed too often.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", rename_all_fields = "kebab-case", tag = "state")]
pub enum CircuitState {
    /// It is asked.
    Closed,
    /// It is not asked.
    Open {
        /// Until it is tried again.
        seconds_left: f64,
    },
    /// It is being tried.
    HalfOpen,
}

/// A counter that a filter keeps itself, over all generations.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct OwnCounter {
    /// The filter.
    pub filter: String,
    /// Its name for the counter.
    pub name: String,
    /// What it counts.
    pub help: String,
    /// The count.
    pub value: u64,
}

impl Status {
    /// Gathers it.
    pub fn of(control: &Control) -> Status {
        let (gateway, reloads) = (&control.gateway, control.reloader.summary());
        let snapshot = gateway.snapshot();
        let totals = gateway.counters.totals();
        Status {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            pid: std::process::id(),
            uptime_seconds: control.started.elapsed().as_secs(),
            draining: gateway.ending.receiving.is_cancelled(),
            generation: Generation {
                number: snapshot.generation,
                config: snapshot.config.places.file().to_owned(),
                digest: snapshot.config.digest.clone(),
                live_seconds: seconds_since(snapshot.live_since),
            },
            previous_generation: reloads.previous,
            reloads: Reloads {
                succeeded: reloads.succeeded,
                refused: reloads.refused,
                last: reloads.last.map(LastReload::of),
            },
            guard: control.staging.guard.status(Instant::now()),
            listeners: Listeners {
                outside: control.listeners.outside.clone(),
                outside_tls: control.listeners.outside_tls.clone(),
                inside: control.listeners.inside.clone(),
                inside_dns: control.listeners.names,
                admin_socket: snapshot.config.admin.socket.clone(),
                admin_http: snapshot.config.admin.http.as_ref().map(|http| http.listen),
            },
            stanzas: Stanzas { totals, in_flight: totals.in_flight(), waiting: gateway.routes.waiting() },
            continuity: Continuity {
                known: gateway.continuity.count(),
                key_changes: gateway.continuity.changes(),
                store_failures: gateway.continuity.failures(),
            },
            relations: snapshot.config.relations.enabled.then(|| gateway.relations.counts()),
            streams: Streams {
                from_outside: gateway.streams.from_outside.read(),
                from_inside: gateway.streams.from_inside.read(),
                to_outside: gateway.streams.to_outside.read(),
                to_inside: gateway.streams.to_inside.read(),
            },
            dials: Dials { outside: gateway.dials.read(Side::Outside), inside: gateway.dials.read(Side::Inside) },
            names: Names {
                questions: gateway.names.asked(),
                refused: gateway.names.refused().map(|(why, count)| (why.as_str().to_owned(), count)).collect(),
            },
            refusals: gateway.refusals.read(),
            chains: vec![
                ChainStatus::of(&snapshot, &snapshot.inbound, &snapshot.config.chains.inbound),
                ChainStatus::of(&snapshot, &snapshot.outbound, &snapshot.config.chains.outbound),
            ],
            lists: lists::statuses(gateway),
            counters: own_counters(control),
        }
    }
}

fn own_counters(control: &Control) -> Vec<OwnCounter> {
    let counters = control.reloader.engine().shared().counters().into_iter();
    let own = counters.map(|counter| OwnCounter {
        filter: counter.filter.to_string(),
        name: counter.name.to_string(),
        help: counter.help.to_string(),
        value: counter.value,
    });
    own.collect()
}

impl LastReload {
    fn of(attempt: Attempt) -> Self {
        let (generation, mistakes) = match attempt.result {
            Ok(Swapped { generation, .. }) => (Some(generation), Vec::new()),
            Err(mistakes) => (None, mistakes.into_iter().collect()),
        };
        LastReload {
            seconds_ago: seconds_since(attempt.at),
            cause: attempt.cause.to_string(),
            milliseconds: attempt.millis,
            generation,
            mistakes,
        }
    }
}

impl ChainStatus {
    fn of(snapshot: &Snapshot, chain: &Chain, configured: &[FilterConfig]) -> Self {
        let direction = chain.direction();
        let roster = snapshot.roster(direction);
        let filters = chain.status().into_iter().zip(&roster.filters).zip(configured);
        let filters =
            filters.map(|((filter, rostered), configured)| FilterStatus::of(snapshot, configured, rostered, filter));
        ChainStatus { direction, filters: filters.collect() }
    }
}

impl FilterStatus {
    fn of(
        snapshot: &Snapshot,
        configured: &FilterConfig,
        rostered: &Rostered,
        filter: refrain_filter::FilterStatus,
    ) -> Self {
        let refrain_filter::FilterStatus { counts, latency, .. } = &filter;
        let named = |counts: &[(&str, u64)]| counts.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect();
        let faults: Vec<(&str, u64)> = Fault::CAUSES.into_iter().zip(counts.faults).collect();
        FilterStatus {
            name: configured.name.clone(),
            component: match &configured.component {
                ComponentSource::Builtin(name) => format!("builtin:{name}"),
                ComponentSource::Path(path) => path.display().to_string(),
            },
            digest: filter.component.digest().short(),
            version: filter.component.manifest().map(|manifest| manifest.version.clone()),
            grants: filter.grants.iter().map(ToString::to_string).collect(),
            isolation: filter.isolation.as_str().to_owned(),
            circuit: CircuitState::of(&filter.circuit),
            settings: snapshot.config.places.of(&format!("filter.{}.settings", configured.name)),
            interests: rostered.interests.clone(),
            calls: counts.calls,
            skips: counts.skipped,
            verdicts: named(&[
                ("pass", counts.passed),
                ("accept", counts.accepted),
                ("drop", counts.dropped),
                ("bounce", counts.bounced),
                ("redirect", counts.redirected),
                ("close-stream", counts.closed_streams),
                ("reply", counts.replied),
                ("delay", counts.delayed),
            ]),
            reasons: filter.reasons.clone(),
            edited: counts.edited,
            faults: named(&faults),
            p50_microseconds: micros(latency.quantile(0.5)),
            p99_microseconds: micros(latency.quantile(0.99)),
            latency: latency.buckets().map(|(up_to, count)| (micros(up_to), count)).collect(),
            memory_bytes: counts.memory_bytes,
            instances: counts.instances,
        }
    }
}

impl CircuitState {
    fn of(circuit: &Circuit) -> Self {
        match circuit {
            Circuit::Closed => CircuitState::Closed,
            Circuit::Open(pause) => CircuitState::Open { seconds_left: pause.as_secs_f64() },
            Circuit::HalfOpen => CircuitState::HalfOpen,
        }
    }
}

fn micros(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e6
}

fn seconds_since(moment: SystemTime) -> u64 {
    SystemTime::now().duration_since(moment).unwrap_or_default().as_secs()
}

/// Milliseconds since the Unix epoch.
pub fn millis_of(moment: SystemTime) -> u64 {
    let since_epoch = moment.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX)
}
