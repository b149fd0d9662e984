//! Keeps the lists of the live generation going: a task for each of its sources, and now and then the [`board`](super::board).

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use tokio::task::JoinHandle;

use super::{https, pubsub};
use crate::config::{HttpsSource, ListSource, Origin};
use crate::pipeline::Gateway;

/// Soon enough for whoever waits for a change, and a look costs nothing.
const TICK: Duration = Duration::from_millis(250);

/// Tends until the drain begins. What is known is written down then.
pub async fn tend(gateway: Arc<Gateway>) {
    let mut tasks = Tasks::default();
    let board = gateway.snapshot().board.clone();
    let _ = tokio::task::spawn_blocking(move || board.tidy_kept()).await;
    loop {
        let snapshot = gateway.snapshot();
        let live: Vec<ListSource> = snapshot.config.lists.values().flat_map(|list| list.sources.clone()).collect();
        let board = snapshot.board.clone();
        tasks.match_with(&gateway, &live);
        drop(snapshot);
        let ended = gateway.ending.receiving.is_cancelled();
        let looked = tokio::task::spawn_blocking(move || {
            let now = Instant::now();
            board.recombine(now);
            board.tidy();
            board.watch(&live, SystemTime::now());
            board.write(now, ended);
        });
        if let Err(error) = looked.await {
            tracing::error!(%error, "the lists could not be tended");
        }
        if ended {
            return;
        }
        tokio::select! {
            () = gateway.ending.receiving.cancelled() => {}
            () = tokio::time::sleep(TICK) => {}
        }
    }
}

/// What is done for a source. While it stays the same, its task goes on.
#[derive(PartialEq, Eq)]
enum Errand {
    Https(HttpsSource),
    Pubsub(pubsub::Source),
}

impl Errand {
    /// The same words may mean another errand than before: of a node, the first hosted domain follows it.
    fn of(gateway: &Gateway, source: &ListSource) -> Option<Self> {
        match &source.origin {
            Origin::Https(https) => Some(Errand::Https(https.clone())),
            Origin::Pubsub(pubsub) => pubsub::Source::of(pubsub, gateway).map(Errand::Pubsub),
        }
    }

    fn start(&self, gateway: &Arc<Gateway>, source: &ListSource) -> JoinHandle<()> {
        let handle = gateway.snapshot().board.handle(source);
        match self {
            Errand::Https(https) => tokio::spawn(https::keep(https.clone(), handle, gateway.clone())),
            Errand::Pubsub(source) => tokio::spawn(pubsub::keep(source.clone(), handle, gateway.clone())),
        }
    }
}

/// One for each source; dropped, all of them end.
#[derive(Default)]
struct Tasks(BTreeMap<String, (Errand, JoinHandle<()>)>);

impl Tasks {
    /// Ends the tasks of sources that are not wanted any more, and starts those of new ones.
    fn match_with(&mut self, gateway: &Arc<Gateway>, sources: &[ListSource]) {
        let errands = sources.iter().filter_map(|source| Some((source.id(), (Errand::of(gateway, source)?, source))));
        let wanted: BTreeMap<String, (Errand, &ListSource)> = errands.collect();
        self.0.retain(|id, (running, task)| {
            let stays = wanted.get(id).is_some_and(|(errand, _)| errand == running) && !task.is_finished();
            if !stays {
                task.abort();
            }
            stays
        });
        for (id, (errand, source)) in wanted {
            self.0.entry(id).or_insert_with(|| {
                let task = errand.start(gateway, source);
                (errand, task)
            });
        }
    }
}

impl Drop for Tasks {
    fn drop(&mut self) {
        self.0.values().for_each(|(_, task)| task.abort());
    }
}
