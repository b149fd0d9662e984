//! The road of a change, with real streams and TLS on both sides: shadow, promotion, the guard, recordings and bundles.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use refrain_proto::Stanza;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::timeout;

use super::{Request, ShadowError, Shadows};
use crate::app::App;
use crate::command::demo::world::{self, Arrival, Server};
use crate::control::corpus;
use crate::control::guard::Guard;
use crate::control::record::{Recorder, Wanted};
use crate::control::reload::{Cause, Reloader};
use crate::control::tests::guests::Guest;
use crate::observe::audit::{Audit, Ruling};
use crate::snapshot::{self, Snapshot};

/// Longer than anything takes here, so that a hang is a failure.
const PATIENCE: Duration = Duration::from_secs(30);

const LAX: &str = "[chain]\ninbound = []\n";
const STRICT: &str = "[chain]\ninbound = ['spim']\n[filter.spim.settings]\n\
                      signatures = [{ name = 'casino', text = 'casino', action = 'drop' }]\n";

/// A gateway between two servers, and all that steers it.
struct Stage {
    folder: tempfile::TempDir,
    config: PathBuf,
    app: App,
    reloader: Arc<Reloader>,
    shadows: Shadows,
    outside: Server,
    _inside: Server,
    arrivals: UnboundedReceiver<Arrival>,
    gateway: SocketAddr,
    sent: u64,
}

impl Stage {
    /// `chains` is the part of the configuration that a test is about; `prepare` puts files beside it.
    async fn with(chains: &str, prepare: impl FnOnce(&Path)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        world::make_certificates(folder.path()).unwrap();
        prepare(folder.path());
        let mut inside = Server::inside(folder.path()).await.unwrap();
        let outside = Server::outside(folder.path()).await.unwrap();
        let config = world::write_config(folder.path(), inside.address().unwrap(), chains).unwrap();
        let engine = snapshot::engine().unwrap();
        let app = App::start(Snapshot::load(&config, &engine).unwrap(), Audit::default()).await.unwrap();
        let reloader = Reloader::new(app.gateway().clone(), engine, &config);
        let shadows = Shadows::new(app.gateway().clone(), reloader.clone());
        let gateway = app.listeners().0[0];
        let arrivals = inside.serve().unwrap();
        Stage { folder, config, app, reloader, shadows, outside, _inside: inside, arrivals, gateway, sent: 0 }
    }

    /// Writes another configuration over the one that runs.
    fn write(&self, from: &str, to: &str) {
        let text = fs::read_to_string(&self.config).unwrap();
        assert!(text.contains(from), "{from} is not in {text}");
        fs::write(&self.config, text.replace(from, to)).unwrap();
    }

    /// Sends a message and waits until it was judged.
    async fn send(&mut self, id: &str, body: &str) {
        let xml = format!(
            "<message from='bob@away.example/p' to='alice@home.example' id='{id}'><body>{body}</body></message>"
        );
        self.outside.send(self.gateway, &Stanza::parse(&xml).unwrap()).await.unwrap();
        self.sent += 1;
        let sent = self.sent;
        until(|| self.app.totals().accepted >= sent).await;
    }

    /// The ids of all that arrives before the message with this id.
    async fn arrivals_before(&mut self, last: &str) -> Vec<String> {
        let mut ids = Vec::new();
        loop {
            let arrival = timeout(PATIENCE, self.arrivals.recv()).await.unwrap().unwrap();
            if arrival.id == last {
                return ids;
            }
            ids.push(arrival.id);
        }
    }

    async fn judged(&self, stanzas: u64) {
        until(|| self.shadows.report().is_ok_and(|report| report.account.judged >= stanzas)).await;
    }
}

async fn until(reached: impl Fn() -> bool) {
    let wait = async {
        while !reached() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(PATIENCE, wait).await.unwrap();
}

#[tokio::test]
async fn a_shadow_shows_what_would_change_and_changes_nothing() {
    let mut stage = Stage::with(LAX, |_| {}).await;
    stage.write(LAX, STRICT);
    stage.shadows.start(Request::default()).await.unwrap();
    stage.send("m1", "hello").await;
    stage.send("m2", "the casino").await;
    stage.send("m3", "bye").await;
    stage.judged(3).await;
    assert_eq!(stage.arrivals_before("m3").await, ["m1", "m2"], "the live chain lets all pass");
    let report = stage.shadows.report().unwrap();
    assert_eq!((report.seen, report.skipped, report.account.differing), (3, 0, 1));
    let difference = &report.account.differences[0];
    assert_eq!((difference.live.verdict, difference.shadow.verdict), (Ruling::Forward, Ruling::Drop));
    assert_eq!(difference.shadow.filter.as_deref(), Some("spim"));
    let text = serde_json::to_string(&report).unwrap();
    assert!(!text.contains("the casino"), "{text}");
    assert!(stage.shadows.stop() && !stage.shadows.stop());
    assert_eq!(stage.app.gateway().snapshot().generation, 1);
}

#[tokio::test]
async fn a_promotion_makes_live_what_was_tried_even_when_the_file_changed_since() {
    let mut stage = Stage::with(LAX, |_| {}).await;
    stage.write(LAX, STRICT);
    stage.shadows.start(Request::default()).await.unwrap();
    assert!(matches!(stage.shadows.promote(false).await, Err(ShadowError::Unproven)));
    stage.send("m1", "the casino").await;
    stage.judged(1).await;
    stage.write("'casino', text", "'other', text");
    let promoted = stage.shadows.promote(false).await.unwrap();
    assert_eq!((promoted.swapped.before, promoted.swapped.generation), (1, 2));
    assert!(promoted.warning.unwrap().contains("the next reload would undo the promotion"));
    stage.send("m2", "the casino").await;
    stage.send("m3", "bye").await;
    assert_eq!(stage.arrivals_before("m3").await, ["m1"]);
    assert!(matches!(stage.shadows.promote(false).await, Err(ShadowError::None)), "the shadow ended");
    stage.reloader.rollback().await.unwrap();
    stage.send("m4", "the casino").await;
    stage.send("m5", "bye").await;
    assert_eq!(stage.arrivals_before("m5").await, ["m4"]);
}

#[tokio::test]
async fn a_wrong_candidate_is_refused_with_its_mistakes() {
    let stage = Stage::with(LAX, |_| {}).await;
    let filters = [("spim".to_owned(), "/nowhere.wasm".into())].into();
    let refused = stage.shadows.start(Request { config: None, filters }).await;
    let Err(ShadowError::Mistaken(mistakes)) = refused else { panic!("it was not refused") };
    assert!(mistakes.to_string().contains("no chain has a filter \"spim\""), "{mistakes}");
    assert!(matches!(stage.shadows.report(), Err(ShadowError::None)));
}

/// Fails on stanzas of more than 300 bytes.
fn fails_on_long_ones(folder: &Path) {
    let on_stanza = "(if (i32.gt_u (local.get $size) (i32.const 300)) (then (unreachable)))
                     (call $said (local.get $stanza) (i32.const 0) (i32.const 0))";
    fs::write(folder.join("brittle.wasm"), Guest { on_stanza, ..Guest::default() }.module()).unwrap();
}

const BRITTLE: &str =
    "[chain]\ninbound = ['brittle']\n[filter.brittle]\ncomponent = 'brittle.wasm'\ngrants = ['edit']\n";

#[tokio::test]
async fn a_promoted_filter_that_begins_to_fail_is_taken_back() {
    let mut stage = Stage::with(LAX, fails_on_long_ones).await;
    let guard = Guard::new(stage.app.gateway().clone(), stage.reloader.clone());
    stage.write(LAX, BRITTLE);
    stage.shadows.start(Request::default()).await.unwrap();
    stage.send("m1", "short").await;
    stage.judged(1).await;
    assert_eq!(stage.shadows.report().unwrap().account.differing, 0, "nothing to be seen yet");
    assert_eq!(stage.shadows.promote(false).await.unwrap().warning, None);
    let now = Instant::now();
    guard.look(now).await;
    assert_eq!(guard.status(now).watching, Some(2));
    for n in 0..6 {
        stage.send(&format!("l{n}"), &"long ".repeat(80)).await;
    }
    guard.look(now).await;
    let status = guard.status(now);
    let taken = status.last_rollback.unwrap();
    assert_eq!((taken.generation, taken.now, status.watching), (2, 3, None));
    assert!(taken.why.contains("faults on 6 stanzas, more than 1 %"), "{}", taken.why);
    stage.send("m2", &"long ".repeat(80)).await;
    stage.send("m3", "bye").await;
    assert_eq!(stage.arrivals_before("m3").await, ["m1", "m2"]);
    guard.look(now).await;
    assert_eq!(guard.status(now).watching, None, "what was brought back is not watched");
}

#[tokio::test]
async fn a_stanza_on_which_a_filter_failed_is_kept_with_its_settings() {
    let mut stage = Stage::with(&format!("{BRITTLE}settings = {{ limit = 3 }}\n"), fails_on_long_ones).await;
    for n in 0..3 {
        stage.send(&format!("l{n}"), &"long ".repeat(80)).await;
    }
    let bundles = stage.app.gateway().faults.bundles();
    assert_eq!(bundles.len(), 1, "each kind once");
    let bundle = &bundles[0];
    assert_eq!((&*bundle.filter, &*bundle.cause, bundle.digest.len()), ("brittle", "trap", 64));
    assert_eq!(bundle.settings, serde_json::json!({ "limit": 3 }));
    assert!(bundle.stanza.contains("id=\"l0\"") && bundle.stanza.contains("long long"));
    assert!(bundle.fault.starts_with("trapped: "), "{}", bundle.fault);
}

#[tokio::test]
async fn what_was_recorded_has_the_verdicts_and_by_default_no_words() {
    let mut stage = Stage::with(STRICT, |_| {}).await;
    let recorder = Recorder::default();
    for with_bodies in [false, true] {
        let wanted = Wanted { count: 2, percent: 100, seconds: 60, with_bodies };
        recorder.begin(&stage.app.gateway().taps, wanted, Instant::now()).unwrap();
        stage.send("m1", "Meet me at noon").await;
        stage.send("m2", "the casino").await;
        let batch = recorder.fetch(&stage.app.gateway().taps, Instant::now()).unwrap();
        assert!(batch.done);
        let mut lines = Vec::new();
        batch.entries.iter().for_each(|entry| entry.write(&mut lines).unwrap());
        let text = String::from_utf8(lines.clone()).unwrap();
        assert_eq!(text.contains("noon") || text.contains("the casino"), with_bodies, "{text}");
        let read: Vec<_> = corpus::read(&*lines).map(|entry| entry.unwrap().0).collect();
        assert_eq!(
            read.iter().map(|entry| entry.judgement.verdict).collect::<Vec<_>>(),
            [Ruling::Forward, Ruling::Drop]
        );
        assert_eq!(read[1].judgement.filter.as_deref(), Some("spim"));
        fs::write(stage.folder.path().join("corpus.jsonl"), text).unwrap();
    }
    // With its words, a corpus is judged as it was live.
    let contest = crate::command::replay::play(&stage.folder.path().join("corpus.jsonl"), &stage.config);
    assert_eq!(contest, (2, 0));
}

#[tokio::test]
async fn a_reload_is_watched_too_and_a_rollback_is_not() {
    let stage = Stage::with(LAX, |_| {}).await;
    let guard = Guard::new(stage.app.gateway().clone(), stage.reloader.clone());
    let now = Instant::now();
    guard.look(now).await;
    assert_eq!(guard.status(now).watching, None, "there is nothing to go back to");
    stage.reloader.reload(Cause::Admin).await.unwrap();
    guard.look(now).await;
    assert_eq!((guard.status(now).watching, guard.status(now).seconds_left), (Some(2), 300));
    guard.look(now + Duration::from_secs(301)).await;
    assert_eq!(guard.status(now).watching, None, "its time is over");
    stage.reloader.rollback().await.unwrap();
    guard.look(now).await;
    assert_eq!(guard.status(now).watching, None);
}
