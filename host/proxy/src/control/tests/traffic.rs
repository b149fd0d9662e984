//! Reloads while stanzas flow: none is lost, none overtakes another, none is judged by half of a new chain.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use refrain_proto::Stanza;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::{sleep, timeout};

use super::guests::{Guest, says};
use super::{Cause, ReloadError, Reloader};
use crate::app::App;
use crate::command::demo::world::{self, Arrival, Server};
use crate::observe::audit::Audit;
use crate::pipeline::judge::{Circumstances, judge_and};
use crate::snapshot::{self, Snapshot};

const STANZAS_PER_PAIR: u64 = 10_000;
const RELOADS: u64 = 50;
/// Every fifth reload is wrong, each in a way of its own.
const WRONG_EVERY: u64 = 5;
/// The test as a whole, on a machine that is busy with other tests.
const PATIENCE: Duration = Duration::from_secs(120);

/// Who writes to whom: two pairs that come in and one that goes out, each over a stream of its own.
const INBOUND: [(&str, &str); 2] =
    [("bob@away.example/p", "alice@home.example"), ("tea@rooms.away.example", "alice@home.example")];
const OUTBOUND: (&str, &str) = ("alice@home.example/desk", "bob@away.example");

/// The stanzas that may have been sent by now, per pair: the flow must last as long as the reloads do.
struct Flow {
    allowed: AtomicU64,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_reloads_lose_reorder_and_split_nothing() {
    timeout(PATIENCE, play()).await.expect("the test hangs");
}

async fn play() {
    let folder = tempfile::tempdir().unwrap();
    world::make_certificates(folder.path()).unwrap();
    write_bystanders(folder.path());
    let mut inside = Server::inside(folder.path()).await.unwrap();
    let mut outside = Server::outside(folder.path()).await.unwrap();
    let peers = world::peers(outside.address().unwrap());
    let stage = Stage { folder: folder.path(), inside: inside.address().unwrap(), peers };
    let config = stage.write(1, "");
    let engine = snapshot::engine().unwrap();
    let app = App::start(Snapshot::load(&config, &engine).unwrap(), Audit::default()).await.unwrap();
    let reloader = Reloader::new(app.gateway().clone(), engine, &config);
    let (to_outside, to_inside) = (app.listeners().0[0], app.listeners().1[0]);
    let (home, away) = (inside.serve().unwrap(), outside.serve().unwrap());
    let flow = Arc::new(Flow { allowed: AtomicU64::new(STANZAS_PER_PAIR / RELOADS) });

    let (of_inside, of_outside) = (flow.clone(), flow.clone());
    let sending_in = tokio::spawn(async move {
        of_outside.send(&mut outside, to_outside, &INBOUND).await;
        outside
    });
    let sending_out = tokio::spawn(async move {
        of_inside.send(&mut inside, to_inside, &[OUTBOUND]).await;
        inside
    });
    let receiving_in = tokio::spawn(receive(home, INBOUND.len()));
    let receiving_out = tokio::spawn(receive(away, 1));
    stage.reload(&reloader, &flow).await;
    flow.allowed.store(u64::MAX, Relaxed);

    let (inside, outside) = (sending_out.await.unwrap(), sending_in.await.unwrap());
    let generations = receiving_in.await.unwrap() + receiving_out.await.unwrap();
    assert!(generations > RELOADS, "the stanzas met only {generations} generations");
    let summary = reloader.summary();
    assert_eq!((summary.succeeded, summary.refused), (RELOADS - RELOADS / WRONG_EVERY, RELOADS / WRONG_EVERY));
    let totals = timeout(PATIENCE, app.drain()).await.unwrap();
    let sent = STANZAS_PER_PAIR * (INBOUND.len() as u64 + 1);
    assert_eq!((totals.accepted, totals.forwarded, totals.dropped, totals.in_flight()), (sent, sent, 0, 0));
    drop((inside, outside));
}

impl Flow {
    /// Sends every pair's stanzas in turn, a few at a time, as far as they are allowed.
    async fn send(&self, server: &mut Server, gateway: std::net::SocketAddr, pairs: &[(&str, &str)]) {
        for number in 0..STANZAS_PER_PAIR {
            while number >= self.allowed.load(Relaxed) {
                sleep(Duration::from_millis(1)).await;
            }
            for (from, to) in pairs {
                let stanza =
                    format!("<message from='{from}' to='{to}' id='{number}' type='chat'><body>hi</body></message>");
                server.send(gateway, &Stanza::parse(&stanza).unwrap()).await.unwrap();
            }
            if number % 10 == 9 {
                sleep(Duration::from_millis(1)).await;
            }
        }
    }
}

/// Takes all stanzas of so many pairs; returns how many generations marked them, summed over the pairs.
async fn receive(mut arrivals: UnboundedReceiver<Arrival>, pairs: usize) -> u64 {
    let mut seen: Vec<(String, u64, u64)> = Vec::new();
    let mut generations = 0;
    for _ in 0..STANZAS_PER_PAIR * pairs as u64 {
        let Arrival { id, condition, xml } = arrivals.recv().await.expect("a stanza was lost");
        assert_eq!(condition, None, "{xml}");
        let (from, mark) = (quoted(&xml, "from="), quoted(&xml, " g=").parse::<u64>().unwrap());
        let index = seen.iter().position(|(known, ..)| *known == from).unwrap_or_else(|| {
            seen.push((from, 0, 0));
            seen.len() - 1
        });
        let (_, next, newest) = &mut seen[index];
        assert_eq!(id, next.to_string(), "a stanza was lost or overtaken");
        *next += 1;
        assert!(mark >= *newest, "generation {mark} judged after generation {newest} had");
        generations += u64::from(mark > *newest);
        *newest = mark;
    }
    generations
}

/// The value of the first attribute that is written like this.
fn quoted(xml: &str, name: &str) -> String {
    let value = &xml[xml.find(name).unwrap_or_else(|| panic!("no {name} in {xml}")) + name.len()..];
    let quote = &value[..1];
    value[1..].split(quote).next().unwrap().to_owned()
}

/// The configurations of the test.
struct Stage<'f> {
    folder: &'f Path,
    inside: std::net::SocketAddr,
    peers: String,
}

impl Stage<'_> {
    /// Writes the configuration of generation `number`: its first filter marks every stanza with the number, its second drops
    /// what does not bear it.
    fn write(&self, number: u64, more: &str) -> std::path::PathBuf {
        write_guests(self.folder, number);
        let rest = format!(
            "{}\n[chain]\ninbound = ['mark', 'check']\noutbound = ['mark', 'check']\n\
             [filter.mark]\ncomponent = 'mark-{number}.wasm'\ngrants = ['edit']\n\
             [filter.check]\ncomponent = 'check-{number}.wasm'\n{GRANTED}{more}",
            self.peers
        );
        world::write_config(self.folder, self.inside, &rest).unwrap()
    }

    /// All reloads, each after a share of the stanzas was let loose.
    async fn reload(&self, reloader: &Arc<Reloader>, flow: &Flow) {
        let mut generation = 1;
        for round in 1..=RELOADS {
            flow.allowed.fetch_add(STANZAS_PER_PAIR / RELOADS, Relaxed);
            let path = self.write(generation + 1, "");
            if round % WRONG_EVERY == 0 {
                let (from, to, said) = MISTAKES[usize::try_from(round / WRONG_EVERY - 1).unwrap()];
                let text = fs::read_to_string(&path).unwrap();
                let from = from.replace('#', &(generation + 1).to_string());
                assert!(text.contains(&from), "{from} is not in {text}");
                fs::write(&path, text.replacen(&from, to, 1)).unwrap();
                match reloader.reload(Cause::Admin).await {
                    Err(ReloadError::Mistaken(mistakes)) => {
                        assert!(mistakes.to_string().contains(said), "{mistakes}\ndoes not say {said}");
                    }
                    other => panic!("{to}: {other:?}"),
                }
            } else {
                generation += 1;
                assert_eq!(reloader.reload(Cause::Admin).await.unwrap().generation, generation);
            }
        }
    }
}

/// The guests of the template import all interfaces, those for editing among them.
const GRANTED: &str = "grants = ['edit']\n";

/// Ten ways to write a configuration wrongly: what is replaced (`#` is the number of the generation), by what, and what is said.
const MISTAKES: [(&str, &str, &str); 10] = [
    ("[outside]", "[outside", "not TOML"),
    ("[chain]", "[chain]\ncolour = 'red'", "chain.colour: there is no such key"),
    ("mark-#.wasm", "absent.wasm", "there is no file"),
    ("mark-#.wasm", "text.wasm", "this is not a WebAssembly binary"),
    (
        "inbound = ['mark', 'check']\noutbound = ['mark', 'check']",
        "inbound = ['spim', 'mark', 'check']\n[filter.spim.settings]\nsignatures = [{ name = 'bad', regex = '(' }]",
        "filter.spim.settings.signatures[0]",
    ),
    ("grants = ['edit']", "grants = []", "filter.mark"),
    ("[outside]\nlisten = [\"127.0.0.1:0\"]", "[outside]\nlisten = [\"127.0.0.2:0\"]", "needs a restart"),
    ("certificate = \"home-public.pem\"", "certificate = \"absent.pem\"", "domain[0].certificate"),
    ("check-#.wasm", "traps.wasm", "`configure` trapped"),
    ("check-#.wasm", "fails-its-own-test.wasm", "self-test"),
];

/// The two filters of a generation.
fn write_guests(folder: &Path, number: u64) {
    let xml = format!("<mark xmlns='urn:mark' g='{number}'/>");
    let insert = format!(
        "(drop (i32.const 0)) (call $insert_xml (local.get $stanza) (i32.const 0) (i32.const 1024) (i32.const {}) (i32.const 128)) {}",
        xml.len(),
        says(0, 0)
    );
    let more = format!("(data (i32.const 1024) \"{xml}\")");
    let mark = Guest { on_stanza: &insert, more: &more, ..Guest::default() };
    fs::write(folder.join(format!("mark-{number}.wasm")), mark.module()).unwrap();
    fs::write(folder.join(format!("check-{number}.wasm")), check(number)).unwrap();
}

/// Lets a stanza pass that bears the mark, and drops every other.
fn check(number: u64) -> Vec<u8> {
    let selector = format!("{{urn:mark}}mark[@g='{number}']");
    let configure =
        format!("(call $selector (i32.const 1024) (i32.const {}) (i32.const 128)) (i32.const 64)", selector.len());
    let on_stanza = format!(
        "(if (result i32) (call $test (local.get $stanza) (i32.const 0)) (then {}) (else {}))",
        says(0, 0),
        says(2, 0)
    );
    let more = format!("(data (i32.const 1024) \"{selector}\")");
    Guest { configure: &configure, on_stanza: &on_stanza, more: &more, ..Guest::default() }.module()
}

/// The components of the wrong configurations.
fn write_bystanders(folder: &Path) {
    fs::write(folder.join("text.wasm"), "hello").unwrap();
    let traps = Guest { configure: "unreachable", ..Guest::default() };
    fs::write(folder.join("traps.wasm"), traps.module()).unwrap();
    // Drops what has no mark, and claims that it lets it pass.
    let case = "[[case]]\nname = \"lets all pass\"\nverdict = \"pass\"\n\
                stanza = \"<message from='a@b.example' to='c@d.example'/>\"\n";
    let manifest = serde_json::json!({ "name": "liar", "version": "1.0.0", "self-test": [case] }).to_string();
    let module = with_section(check(0), refrain_filter::MANIFEST_SECTION, manifest.as_bytes());
    fs::write(folder.join("fails-its-own-test.wasm"), module).unwrap();
}

/// Appends a custom section to a module.
fn with_section(mut module: Vec<u8>, name: &str, content: &[u8]) -> Vec<u8> {
    let mut section = vec![u8::try_from(name.len()).unwrap()];
    section.extend_from_slice(name.as_bytes());
    section.extend_from_slice(content);
    module.push(0);
    let mut size = section.len();
    while size >= 0x80 {
        module.push(u8::try_from(size & 0x7f).unwrap() | 0x80);
        size >>= 7;
    }
    module.push(u8::try_from(size).unwrap());
    module.extend(section);
    module
}

/// What a generation leaves behind when it goes: nothing.
#[tokio::test]
async fn retired_generations_leave_nothing_behind() {
    let steered = super::Steered::with("[chain]\ninbound = ['jid-policy']\n").await;
    let gateway = steered.app.gateway();
    let (mut generations, mut chains) = (Vec::new(), Vec::new());
    for _ in 0..1_000 {
        let live = gateway.snapshot();
        let mut stanza = Stanza::parse("<message from='bob@away.example' to='alice@home.example'/>").unwrap();
        let nothing_more = Circumstances { relation: None, now_ms: 0 };
        judge_and(&live, refrain_proto::Side::Outside, &mut stanza, nothing_more, |_, _| ());
        generations.push(Arc::downgrade(&live));
        chains.push(Arc::downgrade(&live.inbound));
        drop(live);
        steered.reloader.reload(Cause::Admin).await.unwrap();
    }
    assert_eq!(generations.iter().filter(|generation| generation.strong_count() > 0).count(), 0);
    // The chain that a rollback brings back, and those whose instances this thread drops with its next stanza.
    let alive = chains.iter().filter(|chain| chain.strong_count() > 0).count();
    assert!(alive <= 2, "{alive} chains are still there");
}
