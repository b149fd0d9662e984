//! Where answers and events of block lists leave the way of all stanzas: before the chain, and only what is certainly theirs.
//!
//! receive → **door** → pubsub

use std::collections::VecDeque;
use std::fmt::Display;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use refrain_proto::{DomainPair, Kind, Stanza, StanzaType};
use tokio::sync::mpsc;
use tokio::time::sleep;

use super::event::{self, Event};
use super::request::{Question, own_address};
use super::{RESOURCE, Source, send};
use crate::pipeline::Gateway;

/// What waits for the task of one source, each at most a stanza. It keeps up with any service; one that floods it is asked for
/// everything again instead.
const HEARD_MAX: usize = 64;
/// Requests of which the answer is still taken when it comes too late: nobody else asked for it.
const ASKED_MAX: usize = 8;
/// A source that is described in another way ends and begins again; then nothing is unsubscribed.
const PARTING_PAUSE: Duration = Duration::from_secs(5);
/// So long the last answer and the last events are nobody else's either.
const PARTING: Duration = Duration::from_secs(60);

/// What is said when there was no room for news.
const LOST: &str = "more came at once than there is room for";

/// What came for a source.
#[derive(Debug)]
pub enum Heard {
    /// The answer to this request.
    Answer(String, Box<Stanza>),
    /// News of its node.
    Event(Event),
    /// Something may have been lost on the way, and why.
    Broke(String),
}

/// What receiving streams see of the sources.
#[derive(Default)]
pub struct Door {
    /// Whether there is any source of this kind: looked at for every stanza.
    open: AtomicBool,
    listeners: Mutex<Vec<Arc<Listener>>>,
    /// How many sources have come.
    came: AtomicU64,
}

/// One source at the door.
struct Listener {
    source: Arc<Source>,
    own: String,
    sender: mpsc::Sender<Heard>,
    /// The ids of requests, the newest last.
    asked: Mutex<VecDeque<String>>,
    /// News was lost for want of room.
    lagging: AtomicBool,
    /// Nobody follows it any more.
    parted: AtomicBool,
}

impl Door {
    /// Takes a stanza that answers a request of ours, or is news from a service to the address that subscribed. It goes no further.
    pub fn take(&self, stanza: &Stanza) -> bool {
        if !self.open.load(Relaxed) || stanza.to().resource() != Some(RESOURCE) {
            return false;
        }
        match (stanza.kind(), stanza.stanza_type()) {
            (Kind::Iq, StanzaType::IqResult | StanzaType::Error) => self.take_answer(stanza),
            (Kind::Message, _) => event::is_event(stanza) && self.take_event(stanza),
            _ => false,
        }
    }

    fn take_answer(&self, stanza: &Stanza) -> bool {
        let Some(id) = stanza.id() else { return false };
        let listeners = lock(&self.listeners);
        let asked = |listener: &&Arc<Listener>| listener.is_from_and_to(stanza) && listener.forget(id);
        let Some(listener) = listeners.iter().find(asked) else { return false };
        listener.tell(Heard::Answer(id.to_owned(), Box::new(stanza.clone())));
        true
    }

    fn take_event(&self, stanza: &Stanza) -> bool {
        let listeners = lock(&self.listeners);
        let mut concerned = listeners.iter().filter(|listener| listener.is_from_and_to(stanza)).peekable();
        if concerned.peek().is_none() {
            return false;
        }
        let news = event::read(stanza);
        for listener in concerned {
            let of_node = news.iter().filter(|(node, _)| *node == listener.source.node);
            of_node.for_each(|(_, event)| listener.tell(Heard::Event(event.clone())));
        }
        true
    }

    /// Whether a stream of this pair brings news.
    pub fn listens_to(&self, pair: &DomainPair) -> bool {
        self.open.load(Relaxed)
            && lock(&self.listeners).iter().any(|listener| listener.is_between(&pair.from, &pair.to))
    }

    /// Changes when a source comes that streams may bring news of which listened to nobody before.
    pub fn came(&self) -> u64 {
        self.came.load(Relaxed)
    }

    /// A stream between these two broke, or something could not be delivered.
    pub fn broke(&self, pair: &DomainPair) {
        self.broke_for(pair, &"the service cannot be reached, or the stream broke");
    }

    /// Likewise, when it is known why.
    pub fn broke_for(&self, pair: &DomainPair, why: &dyn Display) {
        if !self.open.load(Relaxed) {
            return;
        }
        for listener in lock(&self.listeners).iter() {
            if listener.is_between(&pair.from, &pair.to) || listener.is_between(&pair.to, &pair.from) {
                listener.tell(Heard::Broke(why.to_string()));
            }
        }
    }

    fn add(&self, listener: Arc<Listener>) {
        let mut listeners = lock(&self.listeners);
        listeners.push(listener);
        self.open.store(true, Relaxed);
        self.came.fetch_add(1, Relaxed);
    }

    fn remove(&self, listener: &Arc<Listener>) {
        let mut listeners = lock(&self.listeners);
        listeners.retain(|other| !Arc::ptr_eq(other, listener));
        self.open.store(!listeners.is_empty(), Relaxed);
    }

    /// Whether somebody follows the node by the same address.
    fn has_follower(&self, source: &Source) -> bool {
        let follows = |listener: &Arc<Listener>| {
            let other = &listener.source;
            !listener.parted.load(Relaxed)
                && (&other.service, &other.node, &other.asker) == (&source.service, &source.node, &source.asker)
        };
        lock(&self.listeners).iter().any(follows)
    }
}

impl Listener {
    /// Exactly the service, and exactly the address by which it was asked.
    fn is_from_and_to(&self, stanza: &Stanza) -> bool {
        stanza.from() == &self.source.service && stanza.to().as_str() == self.own
    }

    fn is_between(&self, service: &refrain_proto::Domain, asker: &refrain_proto::Domain) -> bool {
        self.source.service.domain() == service.as_str() && self.source.asker == *asker
    }

    fn expect(&self, id: String) {
        let mut asked = lock(&self.asked);
        asked.push_back(id);
        if asked.len() > ASKED_MAX {
            asked.pop_front();
        }
    }

    /// Whether this was asked; each answer is one.
    fn forget(&self, id: &str) -> bool {
        let mut asked = lock(&self.asked);
        let found = asked.iter().position(|known| known == id);
        found.is_some_and(|at| asked.remove(at).is_some())
    }

    /// Never waits: a receiving stream has others to serve.
    fn tell(&self, heard: Heard) {
        if self.sender.try_send(heard).is_err() {
            self.lagging.store(true, Relaxed);
        }
    }
}

/// What the task of a source hears. Dropped, it says good-bye to the service, unless the process ends: then all is as it was when
/// it runs again.
pub(super) struct Ear {
    gateway: Arc<Gateway>,
    listener: Arc<Listener>,
    heard: mpsc::Receiver<Heard>,
}

impl Ear {
    /// Listens for a source from now on.
    pub(super) fn new(gateway: &Arc<Gateway>, source: Arc<Source>) -> Self {
        let (sender, heard) = mpsc::channel(HEARD_MAX);
        let listener = Arc::new(Listener {
            own: own_address(&source.asker),
            source,
            sender,
            asked: Mutex::default(),
            lagging: AtomicBool::new(false),
            parted: AtomicBool::new(false),
        });
        gateway.block_lists.add(listener.clone());
        Ear { gateway: gateway.clone(), listener, heard }
    }

    /// The next thing that came. What was lost for want of room counts as a break.
    pub(super) async fn hear(&mut self) -> Heard {
        if self.listener.lagging.swap(false, Relaxed) {
            return Heard::Broke(LOST.to_owned());
        }
        // The sender is in the listener, which is ours.
        self.heard.recv().await.unwrap_or_else(|| Heard::Broke(LOST.to_owned()))
    }

    /// Expects the answer to a request.
    pub(super) fn expect(&self, id: String) {
        self.listener.expect(id);
    }
}

impl Drop for Ear {
    fn drop(&mut self) {
        self.listener.parted.store(true, Relaxed);
        if self.gateway.ending.receiving.is_cancelled() {
            return self.gateway.block_lists.remove(&self.listener);
        }
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn(part(self.gateway.clone(), self.listener.clone()))),
            Err(_) => self.gateway.block_lists.remove(&self.listener),
        }
    }
}

/// Ends the subscription of a source that nobody wants any more (XEP-0060 §6.2), as far as the service hears of it.
async fn part(gateway: Arc<Gateway>, listener: Arc<Listener>) {
    sleep(PARTING_PAUSE).await;
    if !gateway.block_lists.has_follower(&listener.source) {
        let id = gateway.ids.draw();
        listener.expect(id.clone());
        let stanza = Question::Unsubscribe.write(&listener.source, &id);
        tracing::info!(service = %listener.source.service, node = listener.source.node, "unsubscribing: no list has this source any more");
        send(&gateway, &listener.source, &stanza);
        sleep(PARTING).await;
    }
    gateway.block_lists.remove(&listener);
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
