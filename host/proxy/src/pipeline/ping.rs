//! Asks the other end of a domain pair for a sign of life (XEP-0199), over the streams that stanzas of the pair take.
//!
//! admin → **ping** → route → send ⇢ the next server ⇢ receive → **ping**

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use refrain_proto::{DomainPair, Element, Kind, Side, Stanza, StanzaType, ns};
use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::Gateway;
use super::route::{Chunk, Origin, deliver};

/// Whoever may ask is at the admin's door, where there are 16 at once.
const PINGS_MAX: usize = 16;

/// The other end answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pong {
    /// As whom we asked.
    pub from: String,
    /// Who answered.
    pub to: String,
    /// How long it took, opening the streams included.
    pub millis: u64,
    /// The condition of its error, if it was one: who does not know pings is alive, too (XEP-0199 §4.2).
    pub error: Option<String>,
}

/// Why there was no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PingError {
    /// Not one hosted and one remote domain.
    #[error("{0} and {1} are not on the two sides of the proxy: one must be hosted, the other remote")]
    NotAcross(String, String),
    /// Too many are under way.
    #[error("{PINGS_MAX} pings are under way; wait until one is answered")]
    TooMany,
    /// The time is up.
    #[error("no answer within {} s; the log says what became of the stream", .0.as_secs())]
    Silence(Duration),
}

/// Pings that wait for their answer.
#[derive(Default)]
pub struct Pings {
    waiting: Mutex<Vec<Waiting>>,
    /// Whether there is one: looked at for every stanza.
    any: AtomicBool,
}

struct Waiting {
    id: String,
    pair: DomainPair,
    answer: oneshot::Sender<Option<String>>,
}

impl Waiting {
    fn is_answered_by(&self, stanza: &Stanza) -> bool {
        let (from, to) = (stanza.from().as_str(), stanza.to().as_str());
        stanza.id() == Some(self.id.as_str()) && from == self.pair.to.as_str() && to == self.pair.from.as_str()
    }
}

impl Pings {
    /// Takes a stanza that answers one of ours. Nobody else asked for it, so it goes no further.
    pub fn take(&self, stanza: &Stanza) -> bool {
        if !self.any.load(Relaxed) || stanza.kind() != Kind::Iq {
            return false;
        }
        let error = match stanza.stanza_type() {
            StanzaType::IqResult => None,
            StanzaType::Error => Some(condition(stanza).to_owned()),
            _ => return false,
        };
        let Some(waiting) = self.remove(|waiting| waiting.is_answered_by(stanza)) else { return false };
        // Whoever asked may have given up in this very moment.
        let _ = waiting.answer.send(error);
        true
    }

    fn add(&self, waiting: Waiting) -> Result<(), PingError> {
        let mut all = self.lock();
        if all.len() >= PINGS_MAX {
            return Err(PingError::TooMany);
        }
        all.push(waiting);
        self.any.store(true, Relaxed);
        Ok(())
    }

    fn remove(&self, is_it: impl Fn(&Waiting) -> bool) -> Option<Waiting> {
        let mut all = self.lock();
        let found = all.iter().position(is_it).map(|at| all.swap_remove(at));
        self.any.store(!all.is_empty(), Relaxed);
        found
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Waiting>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Forgets a ping, however the wait for its answer ends.
struct Forget<'g> {
    pings: &'g Pings,
    id: String,
}

impl Drop for Forget<'_> {
    fn drop(&mut self) {
        self.pings.remove(|waiting| waiting.id == self.id);
    }
}

/// Asks `pair.to` as `pair.from`. Both streams of the pair are opened for it if need be: ours for the question, and theirs for the
/// answer.
pub async fn ping(gateway: &Arc<Gateway>, pair: DomainPair) -> Result<Pong, PingError> {
    let snapshot = gateway.snapshot();
    let across = |side| snapshot.boundary.may_send(side, &pair.from) && snapshot.boundary.serves(side, &pair.to);
    if !across(Side::Inside) && !across(Side::Outside) {
        return Err(PingError::NotAcross(pair.from.to_string(), pair.to.to_string()));
    }
    let patience = snapshot.config.limits.queue_timeout;
    drop(snapshot);
    let (id, (answer, answered)) = (gateway.ids.draw(), oneshot::channel());
    gateway.pings.add(Waiting { id: id.clone(), pair: pair.clone(), answer })?;
    let forget = Forget { pings: &gateway.pings, id };
    let mut question = Chunk::new(Origin::Reply);
    question.push(&iq(&pair, &forget.id));
    let begin = Instant::now();
    deliver(gateway, &pair, &mut None, question).await;
    let Ok(Ok(error)) = timeout(patience, answered).await else { return Err(PingError::Silence(patience)) };
    let millis = u64::try_from(begin.elapsed().as_millis()).unwrap_or(u64::MAX);
    Ok(Pong { from: pair.from.to_string(), to: pair.to.to_string(), millis, error })
}

/// XEP-0199 §4.1.
fn iq(pair: &DomainPair, id: &str) -> Stanza {
    let mut element = Element::new(ns::SERVER, "iq");
    for (name, value) in [("from", pair.from.as_str()), ("to", pair.to.as_str()), ("id", id), ("type", "get")] {
        element.set_attribute(0, name, Some(value));
    }
    element.append(0, ns::PING, "ping");
    let mut stanza = Stanza::default();
    // It has two addresses, a type, an id and one child.
    let _ = stanza.take(&mut element, None);
    stanza
}

fn condition(stanza: &Stanza) -> &str {
    let errors = stanza.root().children().filter(|child| child.name() == "error");
    let mut conditions = errors.flat_map(|error| error.children()).filter(|child| child.namespace() == ns::STANZAS);
    conditions.find(|condition| condition.name() != "text").map_or("undefined-condition", |condition| condition.name())
}
