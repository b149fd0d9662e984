//! What a reload changes, what it leaves, and what it says.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;

#[path = "../../../filter/tests/guests/mod.rs"]
pub(crate) mod guests;
mod traffic;

use super::reload::{Cause, ReloadError, Reloader};
use super::watch;
use crate::app::App;
use crate::command::demo::world;
use crate::observe::audit::Audit;
use crate::snapshot::{self, Snapshot};

/// Longer than anything takes here, so that a hang is a failure.
const PATIENCE: Duration = Duration::from_secs(20);

/// A gateway that nobody talks to, and its reloader.
pub(super) struct Steered {
    pub(super) folder: tempfile::TempDir,
    pub(super) config: PathBuf,
    pub(super) app: App,
    pub(super) reloader: Arc<Reloader>,
}

impl Steered {
    async fn start() -> Self {
        Steered::with("").await
    }

    /// `rest` is configuration.
    pub(super) async fn with(rest: &str) -> Self {
        Steered::prepared(rest, |_| ()).await
    }

    /// Likewise, with what `prepare` puts in the folder.
    async fn prepared(rest: &str, prepare: impl FnOnce(&Path)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        prepare(folder.path());
        world::make_certificates(folder.path()).unwrap();
        fs::write(folder.path().join("token"), "0123456789abcdef\n").unwrap();
        let config = world::write_config(folder.path(), "127.0.0.1:1".parse().unwrap(), rest).unwrap();
        let engine = snapshot::engine().unwrap();
        let app = App::start(Snapshot::load(&config, &engine).unwrap(), Audit::default()).await.unwrap();
        let reloader = Reloader::new(app.gateway().clone(), engine, &config);
        Steered { folder, config, app, reloader }
    }

    fn generation(&self) -> u64 {
        self.app.gateway().snapshot().generation
    }

    pub(super) fn edit(&self, from: &str, to: &str) {
        let text = fs::read_to_string(&self.config).unwrap();
        assert!(text.contains(from), "{from} is not in {text}");
        fs::write(&self.config, text.replace(from, to)).unwrap();
    }

    /// Reloads a file that is wrong and returns what was said.
    async fn refused(&self) -> Vec<String> {
        match self.reloader.reload(Cause::Admin).await {
            Err(ReloadError::Mistaken(mistakes)) => mistakes.iter().map(ToString::to_string).collect(),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_reload_brings_the_next_generation_and_a_rollback_the_one_before() {
    let steered = Steered::start().await;
    assert_eq!(steered.generation(), 1);
    steered.edit("[inside]", "[limits]\nconnections-max = 7\n[inside]");
    assert_eq!(steered.reloader.reload(Cause::Admin).await.unwrap().generation, 2);
    assert_eq!(steered.app.gateway().snapshot().config.limits.connections_max, 7);
    assert_eq!(steered.reloader.rollback().await.unwrap().generation, 3);
    assert_eq!(steered.app.gateway().snapshot().config.limits.connections_max, 10_000);
    assert_eq!(steered.reloader.rollback().await.unwrap().generation, 4);
    assert_eq!(steered.app.gateway().snapshot().config.limits.connections_max, 7);
}

#[tokio::test]
async fn a_refused_reload_changes_nothing_and_says_every_mistake_with_its_line_and_key() {
    let steered = Steered::start().await;
    let before = steered.app.gateway().snapshot();
    steered.edit("certificate = \"home-public.pem\"", "certificate = \"absent.pem\"\ncolour = 'red'");
    let said = steered.refused().await;
    assert_eq!(said.len(), 2, "{said:?}");
    assert!(said[0].contains("refrain.toml:12: domain[0].certificate"), "{said:?}");
    assert!(said[1].contains("refrain.toml:13: domain[0].colour: there is no such key"), "{said:?}");
    assert!(Arc::ptr_eq(&before, &steered.app.gateway().snapshot()));
    let summary = steered.reloader.summary();
    assert_eq!((summary.succeeded, summary.refused, summary.previous), (0, 1, None));
    assert_eq!(summary.last.unwrap().result.unwrap_err().len(), 2);
}

#[tokio::test]
async fn settings_from_a_file_are_read_anew_and_a_broken_file_leaves_the_live_chain() {
    let rest = "[chain]\ninbound = ['rate-limit']\n[filter.rate-limit]\nsettings-files = { limits = 'rules.toml' }\n";
    let steered = Steered::prepared(rest, |folder| {
        fs::write(folder.join("rules.toml"), rule("first")).unwrap();
    })
    .await;
    let rules = steered.config.with_file_name("rules.toml");
    let live = || steered.app.gateway().snapshot().config.chains.inbound[0].settings.to_string();
    assert!(live().contains("first"));

    fs::write(&rules, rule("first") + &rule("second")).unwrap();
    assert_eq!(steered.reloader.reload(Cause::Admin).await.unwrap().generation, 2);
    assert!(live().contains("second"));

    fs::write(&rules, rule("first") + "[[limits]\n").unwrap();
    let said = steered.refused().await;
    assert!(said[0].contains("rules.toml:5: not TOML: "), "{said:?}");

    fs::write(&rules, rule("first") + &rule("second").replace("20/min", "twenty")).unwrap();
    let said = steered.refused().await;
    assert!(said[0].contains("rules.toml:7: filter.rate-limit.settings.limits[1].rate: "), "{said:?}");
    assert_eq!(steered.generation(), 2);
    assert!(live().contains("second"));
}

fn rule(word: &str) -> String {
    format!("[[limits]]\nname = '{word}'\nrate = '20/min'\nstanzas = 'message'\n")
}

#[tokio::test]
async fn where_it_listens_needs_a_restart() {
    let steered = Steered::start().await;
    steered.edit("[inside]\nlisten = [\"127.0.0.1:0\"]", "[inside]\nlisten = [\"127.0.0.2:0\"]");
    let said = steered.refused().await;
    let expected = "refrain.toml:7: inside.listen: cannot change while Refrain runs: it needs a restart";
    assert!(said[0].contains(expected), "{said:?}");
}

#[tokio::test]
async fn nothing_is_rolled_back_before_the_first_reload() {
    let steered = Steered::start().await;
    assert!(matches!(steered.reloader.rollback().await, Err(ReloadError::NoPrevious)));
}

#[tokio::test]
async fn nothing_is_reloaded_during_a_drain() {
    let steered = Steered::start().await;
    steered.app.gateway().ending.receiving.cancel();
    assert!(matches!(steered.reloader.reload(Cause::Signal).await, Err(ReloadError::Draining)));
    assert_eq!(steered.generation(), 1);
}

#[tokio::test]
async fn reloads_that_are_asked_for_together_come_one_after_the_other() {
    let steered = Steered::start().await;
    let reload = || steered.reloader.reload(Cause::Admin);
    let (a, b, c) = tokio::join!(reload(), reload(), reload());
    let mut generations = [a.unwrap(), b.unwrap(), c.unwrap()].map(|swapped| (swapped.before, swapped.generation));
    generations.sort_unstable();
    assert_eq!(generations, [(1, 2), (2, 3), (3, 4)]);
}

#[tokio::test]
async fn a_watched_file_that_is_written_or_replaced_brings_a_generation() {
    let steered = Steered::start().await;
    let watching = tokio::spawn(watch::watch(steered.reloader.clone()));
    let reached = async |generation| {
        let wait = async {
            while steered.generation() < generation {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        timeout(PATIENCE, wait).await.unwrap();
    };
    // The watcher must have seen the file as it was.
    tokio::time::sleep(Duration::from_millis(400)).await;
    steered.edit("[inside]", "# written in place\n[inside]");
    reached(2).await;
    let beside = steered.config.with_extension("new");
    fs::write(&beside, fs::read_to_string(&steered.config).unwrap() + "# renamed over it\n").unwrap();
    fs::rename(&beside, &steered.config).unwrap();
    reached(3).await;
    let certificate = steered.config.with_file_name("home-public.pem");
    fs::write(&certificate, fs::read_to_string(&certificate).unwrap() + "\n").unwrap();
    reached(4).await;
    watching.abort();
}
