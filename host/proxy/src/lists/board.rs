//! What each source offered last, and the lists made of it.
//!
//! [`https`](super::https), [`pubsub`](super::pubsub) → **board** → [`combine`](super::combine)
//!
//! There is one for the process: it outlives a reload, so that a source whose configuration did not change is not asked anew.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant, SystemTime};

use refrain_filter::{Hits, List, Lists, LiveList, Mode};

use super::combine::{Part, combine};
use super::kept::{Kept, KeptSource};
use super::{Entries, freshness};
use crate::config::{ENTRIES_MAX, ListConfig, ListConfigs, ListSource};
use crate::net::https::Validators;
use freshness::{Alarm, Freshness};

/// A source may tell its changes one by one; each costs a whole list.
const COMBINE_PAUSE: Duration = Duration::from_secs(1);
/// A large list that changes all the time takes at most a tenth of a processor.
const COMBINE_SHARE: u32 = 10;
/// Of writing down what a source says; what is not written is asked for again after a crash.
const WRITE_PAUSE: Duration = Duration::from_secs(10);
/// Of writing down that it still says the same.
const CONFIRM_PAUSE: Duration = Duration::from_secs(600);

/// Every source, and every list that is made of them.
pub struct Board {
    inner: Mutex<Inner>,
    /// Held while lists are attached: what is new is nobody's until then, and must not be tidied away.
    attaching: Mutex<()>,
    kept: Option<Kept>,
}

#[derive(Default)]
struct Inner {
    sources: BTreeMap<String, Source>,
    groups: Vec<Group>,
    hits: BTreeMap<(String, bool), Arc<Hits>>,
    groups_made: u64,
}

/// What is known of one source.
struct Source {
    label: String,
    entries: Option<Entries>,
    validators: Validators,
    /// Changes with the entries.
    version: u64,
    success: Option<SystemTime>,
    problem: Option<String>,
    alarm: Alarm,
    /// When it may be written down again, if there is something new to write.
    unwritten: Option<Instant>,
    written: Option<Instant>,
}

/// Lists that are made alike have the same entries: those of several generations, above all.
struct Group {
    number: u64,
    config: ListConfig,
    lists: Vec<Weak<LiveList>>,
    list: Arc<List>,
    left_out: usize,
    made_of: Vec<u64>,
    not_before: Instant,
}

/// Whose hits are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// A generation that goes live.
    Live,
    /// A candidate, a check, a replay: what it looks up is not what happened.
    Trial,
}

impl Board {
    /// An empty one that keeps what it is offered in the directory of `[state]`, if there is one.
    pub fn new(state: Option<&Path>) -> Arc<Self> {
        Arc::new(Board { inner: Mutex::default(), attaching: Mutex::default(), kept: state.map(Kept::new) })
    }

    /// Makes the lists of a configuration, of what is known now; they follow what becomes known for as long as somebody has them.
    /// Reads files and combines, which may take a second for a million entries.
    pub fn attach(&self, configs: &ListConfigs, purpose: Purpose) -> Lists {
        let _attaching = self.attaching.lock().unwrap_or_else(PoisonError::into_inner);
        let attach = |(name, config): (&String, &ListConfig)| (name.clone(), self.attach_one(name, config, purpose));
        configs.iter().map(attach).collect()
    }

    fn attach_one(&self, name: &str, config: &ListConfig, purpose: Purpose) -> Arc<LiveList> {
        self.recall(config);
        let known = self.lock().groups.iter().find(|group| group.config == *config).map(|group| group.number);
        let number = known.unwrap_or_else(|| self.make_group(config));
        let mut inner = self.lock();
        let hits = match purpose {
            Purpose::Live => inner.hits.entry((name.to_owned(), config.mode == Mode::Preview)).or_default().clone(),
            Purpose::Trial => Arc::default(),
        };
        // Nobody but `tidy` takes a group away, and it is kept out meanwhile.
        let Some(group) = inner.groups.iter_mut().find(|group| group.number == number) else {
            return Arc::new(List::default().into());
        };
        let live = Arc::new(LiveList::new(group.list.clone(), config.mode, hits));
        group.lists.push(Arc::downgrade(&live));
        live
    }

    /// Learns of the sources of a list, with what the last run kept of them.
    fn recall(&self, config: &ListConfig) {
        for source in &config.sources {
            let id = source.id();
            if self.lock().sources.contains_key(&id) {
                continue;
            }
            let kept = self.kept.as_ref().and_then(|kept| kept.read(&id, &source.label())).unwrap_or_default();
            self.lock().sources.entry(id).or_insert_with(|| Source::new(source.label(), kept));
        }
    }

    fn make_group(&self, config: &ListConfig) -> u64 {
        let (parts, made_of) = self.lock().parts(config);
        let combined = combine(config, &parts);
        let mut inner = self.lock();
        inner.groups_made += 1;
        let number = inner.groups_made;
        inner.groups.push(Group {
            number,
            config: config.clone(),
            lists: Vec::new(),
            list: Arc::new(combined.list),
            left_out: combined.left_out,
            made_of,
            not_before: Instant::now(),
        });
        number
    }

    /// The way for the task of a source to tell what it hears.
    pub fn handle(self: &Arc<Self>, source: &ListSource) -> SourceHandle {
        SourceHandle { board: self.clone(), id: source.id(), label: source.label() }
    }

    /// Whether [`recombine`](Self::recombine) has something to do.
    pub fn is_due(&self, now: Instant) -> bool {
        let inner = self.lock();
        inner.groups.iter().any(|group| group.not_before <= now && inner.versions(&group.config) != group.made_of)
    }

    /// Makes the lists anew whose sources said something else since, each at most once a second. Takes as long as it takes.
    pub fn recombine(&self, now: Instant) {
        let due: Vec<(u64, ListConfig)> = {
            let inner = self.lock();
            let due = |group: &&Group| group.not_before <= now && inner.versions(&group.config) != group.made_of;
            inner.groups.iter().filter(due).map(|group| (group.number, group.config.clone())).collect()
        };
        for (number, config) in due {
            let started = Instant::now();
            let (parts, made_of) = self.lock().parts(&config);
            let combined = combine(&config, &parts);
            let list = Arc::new(combined.list);
            let pause = COMBINE_PAUSE.max(started.elapsed() * COMBINE_SHARE);
            if let Some(group) = self.lock().groups.iter_mut().find(|group| group.number == number) {
                group.lists.iter().filter_map(Weak::upgrade).for_each(|live| live.set(list.clone()));
                (group.list, group.left_out, group.made_of) = (list, combined.left_out, made_of);
                group.not_before = now + pause;
            }
        }
    }

    /// Forgets the lists that nobody has any more, and the sources that were theirs alone.
    pub fn tidy(&self) {
        let Ok(_nobody_attaches) = self.attaching.try_lock() else { return };
        let mut inner = self.lock();
        inner.groups.retain_mut(|group| {
            group.lists.retain(|list| list.strong_count() > 0);
            !group.lists.is_empty()
        });
        let Inner { sources, groups, .. } = &mut *inner;
        sources.retain(|id, _| groups.iter().any(|group| group.config.sources.iter().any(|source| source.id() == *id)));
    }

    /// Says which sources of the live configuration fell silent and which are heard again, each once. Nobody asks the others any
    /// more, and what becomes of them is no news.
    pub fn watch(&self, live: &[ListSource], now: SystemTime) {
        let mut inner = self.lock();
        for (id, source) in &mut inner.sources {
            let stale_after = live.iter().filter(|other| other.id() == *id).map(|source| source.stale_after).min();
            if let Some(stale_after) = stale_after {
                let freshness = Freshness::of(source.success, stale_after, now);
                source.alarm.look(&source.label, freshness, source.problem.as_deref(), now);
            }
        }
    }

    /// Removes what a killed process left on disk.
    pub fn tidy_kept(&self) {
        if let Some(kept) = &self.kept {
            kept.tidy(SystemTime::now());
        }
    }

    /// Writes down what sources said, each now and then; at the end of the process all of it.
    pub fn write(&self, now: Instant, all: bool) {
        let Some(kept) = &self.kept else { return };
        let due: Vec<(String, String, KeptSource)> = {
            let mut inner = self.lock();
            let due =
                inner.sources.iter_mut().filter(|(_, source)| source.unwritten.is_some_and(|at| all || at <= now));
            due.filter_map(|(id, source)| {
                (source.unwritten, source.written) = (None, Some(now));
                Some((id.clone(), source.label.clone(), source.to_kept()?))
            })
            .collect()
        };
        for (id, label, source) in due {
            kept.write(&id, &label, &source);
        }
    }

    /// What is known of the sources of a list, in its order.
    pub fn sources_of(&self, config: &ListConfig, now: SystemTime) -> Vec<SourceState> {
        let inner = self.lock();
        let state = |source: &ListSource| {
            let known = inner.sources.get(&source.id());
            let success = known.and_then(|known| known.success);
            SourceState {
                label: source.label(),
                weight: source.weight,
                entries: known.and_then(|known| known.entries.clone()),
                success,
                freshness: Freshness::of(success, source.stale_after, now),
                problem: known.and_then(|known| known.problem.clone()),
            }
        };
        config.sources.iter().map(state).collect()
    }

    /// How many entries of its sources a list leaves out.
    pub fn left_out(&self, config: &ListConfig) -> usize {
        self.lock().groups.iter().find(|group| group.config == *config).map_or(0, |group| group.left_out)
    }

    /// A panic while it was locked left it whole: every change is made of single assignments.
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is known of one source of a list.
#[derive(Debug, Clone)]
pub struct SourceState {
    /// Its name in logs and notes.
    pub label: String,
    /// What its entries count.
    pub weight: u32,
    /// What it offered last.
    pub entries: Option<Entries>,
    /// When it was heard last.
    pub success: Option<SystemTime>,
    /// Whether that is too long ago.
    pub freshness: Freshness,
    /// What went wrong since.
    pub problem: Option<String>,
}

impl Inner {
    fn parts(&self, config: &ListConfig) -> (Vec<Part>, Vec<u64>) {
        let part = |source: &ListSource| Part {
            label: source.label(),
            weight: source.weight,
            entries: self.sources.get(&source.id()).and_then(|known| known.entries.clone()).unwrap_or_default(),
        };
        (config.sources.iter().map(part).collect(), self.versions(config))
    }

    fn versions(&self, config: &ListConfig) -> Vec<u64> {
        let version = |source: &ListSource| self.sources.get(&source.id()).map_or(0, |known| known.version);
        config.sources.iter().map(version).collect()
    }
}

impl Source {
    fn new(label: String, kept: KeptSource) -> Self {
        let KeptSource { entries, success, validators } = kept;
        Source {
            label,
            version: u64::from(entries.is_some()),
            entries,
            validators,
            success,
            problem: None,
            alarm: Alarm::default(),
            unwritten: None,
            written: None,
        }
    }

    fn to_kept(&self) -> Option<KeptSource> {
        let (entries, success) = (Some(self.entries.clone()?), self.success);
        Some(KeptSource { entries, success, validators: self.validators.clone() })
    }

    fn heard(&mut self, pause: Duration, now: Instant) {
        (self.success, self.problem) = (Some(SystemTime::now()), None);
        let at = self.written.map_or(now, |written| written + pause);
        self.unwritten = Some(self.unwritten.map_or(at, |before| before.min(at)));
    }
}

/// By which the task of a source tells what it hears.
#[derive(Clone)]
pub struct SourceHandle {
    board: Arc<Board>,
    id: String,
    label: String,
}

impl SourceHandle {
    /// The source offers these entries now, and no others.
    pub fn offer(&self, entries: Entries) {
        if let Err(problem) = self.offer_as(entries, Validators::default()) {
            self.fail(problem);
        }
    }

    /// Like [`offer`](Self::offer), with what tells this state of it from another; fails with a sentence.
    pub fn offer_as(&self, entries: Entries, validators: Validators) -> Result<(), String> {
        if entries.len() > ENTRIES_MAX {
            return Err(format!("it offers {} entries; a list has at most {ENTRIES_MAX}", entries.len()));
        }
        self.with(|source| {
            if source.entries.as_ref() != Some(&entries) {
                (source.entries, source.version) = (Some(entries), source.version + 1);
                source.validators = validators;
                source.heard(WRITE_PAUSE, Instant::now());
            } else {
                source.validators = validators;
                source.heard(CONFIRM_PAUSE, Instant::now());
            }
        });
        Ok(())
    }

    /// The source offers what it offered before.
    pub fn confirm(&self) {
        self.with(|source| source.heard(CONFIRM_PAUSE, Instant::now()));
    }

    /// The source could not be heard; what it offered last stays.
    pub fn fail(&self, problem: impl Into<String>) {
        let problem = problem.into();
        tracing::debug!(source = %self.label, problem, "a list's source cannot be heard");
        self.with(|source| source.problem = Some(problem));
    }

    /// What it offered last.
    pub fn known(&self) -> Option<Entries> {
        self.read(|source| source.entries.clone())
    }

    /// What told that state from another.
    pub fn validators(&self) -> Validators {
        self.read(|source| Some(source.validators.clone())).unwrap_or_default()
    }

    /// When it was heard last.
    pub fn success(&self) -> Option<SystemTime> {
        self.read(|source| source.success)
    }

    /// What it is called in logs.
    pub fn label(&self) -> &str {
        &self.label
    }

    fn with(&self, change: impl FnOnce(&mut Source)) {
        // A source that is in no configuration any more is not there.
        if let Some(source) = self.board.lock().sources.get_mut(&self.id) {
            change(source);
        }
    }

    fn read<T>(&self, look: impl FnOnce(&Source) -> Option<T>) -> Option<T> {
        self.board.lock().sources.get(&self.id).and_then(look)
    }
}
