//! Keeps the lists of the live generation going: a task for each of its sources, and now and then the [`board`](super::board).

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use tokio::task::JoinHandle;

use super::{https, pubsub};
use crate::config::{ListSource, Origin};
use crate::pipeline::Gateway;

/// Soon enough for whoever waits for a change, and a look costs nothing.
const TICK: Duration = Duration::from_millis(250);

/// Tends until the drain begins. What is known is written down then.
pub async fn tend(gateway: Arc<Gateway>) {
    let mut tasks = Tasks::default();
    loop {
        let snapshot = gateway.snapshot();
        tasks.match_with(&gateway, snapshot.config.lists.values().flat_map(|list| &list.sources));
        let board = snapshot.board.clone();
        drop(snapshot);
        let ended = gateway.ending.receiving.is_cancelled();
        let looked = tokio::task::spawn_blocking(move || {
            let now = Instant::now();
            board.recombine(now);
            board.tidy();
            board.watch(SystemTime::now());
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

/// One for each source; dropped, all of them end.
#[derive(Default)]
struct Tasks(BTreeMap<String, (ListSource, JoinHandle<()>)>);

impl Tasks {
    /// Ends the tasks of sources that are not wanted any more, and starts those of new ones. Of two lists that describe the same
    /// source the first one's word counts.
    fn match_with<'s>(&mut self, gateway: &Arc<Gateway>, sources: impl Iterator<Item = &'s ListSource>) {
        let mut wanted: BTreeMap<String, &ListSource> = BTreeMap::new();
        for source in sources {
            wanted.entry(source.id()).or_insert(source);
        }
        self.0.retain(|id, (running, task)| {
            let stays = wanted.get(id).is_some_and(|source| source.origin == running.origin) && !task.is_finished();
            if !stays {
                task.abort();
            }
            stays
        });
        for (id, source) in wanted {
            self.0.entry(id).or_insert_with(|| (source.clone(), start(gateway, source)));
        }
    }
}

impl Drop for Tasks {
    fn drop(&mut self) {
        self.0.values().for_each(|(_, task)| task.abort());
    }
}

fn start(gateway: &Arc<Gateway>, source: &ListSource) -> JoinHandle<()> {
    let handle = gateway.snapshot().board.handle(source);
    match &source.origin {
        Origin::Https(https) => tokio::spawn(https::keep(https.clone(), handle, gateway.clone())),
        Origin::Pubsub(pubsub) => tokio::spawn(pubsub::keep(pubsub.clone(), handle, gateway.clone())),
    }
}
