//! Follows a node of a publish-subscribe service (XEP-0060), as real-time block lists are published: asks as a hosted domain, over
//! the streams that stanzas take, and takes answers and events out of what comes in.
//!
//! receive → door → **pubsub** → board; pubsub → route → send ⇢ the service

pub mod door;
pub mod event;
pub mod items;
pub mod notice;
pub mod request;
pub mod subscription;

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::{Duration, Instant};

use refrain_proto::{Domain, DomainPair, Jid, Stanza};
use sha2::{Digest as _, Sha256};
use tokio::time::sleep_until;

use super::{Entries, SourceHandle};
use crate::config::{Form, Origin, PubsubSource};
use crate::pipeline::Gateway;
use crate::pipeline::route::{Chunk, Origin as Writer, deliver};
use door::{Ear, Heard};
use items::Items;
use notice::Notice;
use subscription::{Input, Output, Subscription};

/// What answers and events are sent to: `hosted.example/refrain-lists`, where no server has anybody.
pub const RESOURCE: &str = "refrain-lists";

/// How long an event may have been missed without a sign of it. Each time costs the service a full fetch.
const RESYNC_MAX: Duration = Duration::from_secs(2 * 60 * 60);

/// A node, and as whom it is followed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// Who publishes.
    pub service: Jid,
    /// Where.
    pub node: String,
    /// How the ids of its items are to be read.
    pub form: Form,
    /// The hosted domain that asks.
    pub asker: Domain,
    /// All items are fetched again about this often.
    pub resync: Duration,
}

impl Source {
    /// What the words of a configuration mean while `gateway` has it; nothing without a hosted domain, with which none loads.
    pub fn of(source: &PubsubSource, gateway: &Gateway) -> Option<Self> {
        let snapshot = gateway.snapshot();
        let asker = source.asks_as.clone().or_else(|| Some(snapshot.config.domains.first()?.name.clone()))?;
        let lists = snapshot.config.lists.values().flat_map(|list| &list.sources);
        let stale_after =
            lists.filter(|other| other.origin == Origin::Pubsub(source.clone())).map(|own| own.stale_after);
        Some(Source {
            service: source.service.clone(),
            node: source.node.clone(),
            form: source.form,
            asker,
            // A source that is fetched while nothing changes is not stale.
            resync: stale_after.map(|after| after / 2).fold(RESYNC_MAX, Duration::min),
        })
    }

    /// Whether an item would keep the list's own service out.
    fn covers_service(&self, id: &str) -> bool {
        match self.form {
            Form::Sha256 => id.eq_ignore_ascii_case(&format!("{:x}", Sha256::digest(self.service.domain()))),
            Form::Plain => Jid::parse(id).is_ok_and(|jid| jid.as_str() == self.service.domain()),
        }
    }
}

/// Keeps one source fresh until it is dropped.
pub async fn keep(source: Source, handle: SourceHandle, gateway: Arc<Gateway>) {
    let source = Arc::new(source);
    let known = handle.known().map(|entries| read(&entries));
    let subscription = Subscription::new(source.clone(), known, gateway.ids.clone(), Instant::now());
    let ear = Ear::new(&gateway, source);
    Follower { gateway, handle, subscription, ear, said: None }.run().await;
}

struct Follower {
    gateway: Arc<Gateway>,
    handle: SourceHandle,
    subscription: Subscription,
    ear: Ear,
    /// What the log says already: the last problem, none if it is empty.
    said: Option<String>,
}

impl Follower {
    async fn run(mut self) {
        self.subscription.handle(Input::Tick, Instant::now());
        loop {
            let until = self.act().await;
            tokio::select! {
                heard = self.ear.hear() => self.take(heard),
                () = sleep_until(until.into()) => self.subscription.handle(Input::Tick, Instant::now()),
            }
        }
    }

    fn take(&mut self, heard: Heard) {
        let now = Instant::now();
        match heard {
            Heard::Answer(id, stanza) => self.subscription.handle(Input::Answer(&id, &stanza), now),
            Heard::Event(event) => self.subscription.handle(Input::Event(event), now),
            Heard::Broke(why) => self.subscription.handle(Input::Broke(why), now),
        }
    }

    /// Does what the subscription wants, and returns until when it waits.
    async fn act(&mut self) -> Instant {
        loop {
            match self.subscription.poll() {
                Output::Send(id, stanza) => {
                    self.ear.expect(id);
                    send(&self.gateway, self.subscription.source(), &stanza);
                }
                Output::Offer(items) => self.offer(items).await,
                Output::Tell(notice) => self.tell(notice),
                Output::Wait(until) => return until,
            }
        }
    }

    /// A full list takes a second to write, and the thread has streams to serve meanwhile. It is waited for, so that the items are
    /// the subscription's alone again when it changes them.
    async fn offer(&self, items: Arc<Items>) {
        let handle = self.handle.clone();
        let writing = tokio::task::spawn_blocking(move || handle.offer(write(&items)));
        if let Err(error) = writing.await {
            self.handle.fail(error.to_string());
        }
    }

    /// What happens again and again, for the same reason, is one line in the log.
    fn is_news(&mut self, problem: String) -> bool {
        let is_news = self.said.as_ref() != Some(&problem);
        self.said = Some(problem);
        is_news
    }

    fn tell(&mut self, notice: Notice) {
        let label = self.handle.label().to_owned();
        let source = label.as_str();
        match &notice {
            Notice::Synced { entries, skipped, subscribed } => {
                if self.is_news(String::new()) {
                    tracing::info!(source, entries, skipped, subscribed, "{notice}");
                } else {
                    tracing::debug!(source, entries, skipped, subscribed, "{notice}");
                }
                if !subscribed {
                    self.handle.fail("not subscribed: changes are asked for from time to time");
                }
            }
            Notice::Failed(why, _) => {
                self.handle.fail(why.as_str());
                if self.is_news(why.clone()) {
                    tracing::warn!(source, "{notice}");
                } else {
                    tracing::debug!(source, "{notice}");
                }
            }
            Notice::Standing(_) | Notice::Deleted(_) => {
                self.handle.fail(notice.to_string());
                self.said = None;
                tracing::warn!(source, "{notice}");
            }
            Notice::CoversService | Notice::Full => tracing::warn!(source, "{notice}"),
        }
    }
}

/// Hands a request to the pair's sender, without waiting for it: what does not leave has no answer, and is asked again.
fn send(gateway: &Arc<Gateway>, source: &Source, stanza: &Stanza) {
    let pair = DomainPair::new(source.asker.clone(), source.service.to_domain());
    let mut chunk = Chunk::new(Writer::Reply);
    chunk.push(stanza);
    let gateway = gateway.clone();
    tokio::spawn(async move { deliver(&gateway, &pair, &mut None, chunk).await });
}

/// Sorted, so that the same items are the same entries.
fn write(items: &Items) -> Entries {
    let lines: Vec<String> = items.iter().map(|(id, note)| format!("{id} {note}")).collect();
    lines.iter().map(String::as_str).collect()
}

/// What another run kept, or the source offered before it was described anew.
fn read(entries: &Entries) -> Items {
    entries.iter().map(|entry| (entry.written.into(), entry.note.into())).collect()
}
