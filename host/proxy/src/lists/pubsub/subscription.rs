//! One subscription, from the first request to the last event: subscribe, fetch all items, follow the events, and fetch again
//! whenever something may have been missed.
//!
//! It subscribes before it fetches, so nothing that happens in between is missed; and what was fetched replaces what was there,
//! so a retraction that was missed does its work with the next fetch.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use refrain_proto::{Stanza, StreamIds};

use super::Source;
use super::event::{Event, Standing};
use super::items::{Change, Fetch, Fetched, ITEMS_MAX, Items, Page, Turned, is_entry};
use super::notice::Notice;
use super::request::{Answer, Question};
use crate::config::Form;

/// Opening streams both ways with a slow dialback takes some of it; what has no answer by then gets none.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(60);
/// A service that gives its pages one a minute is not waited for.
const FETCH_TIMEOUT: Duration = Duration::from_secs(15 * 60);
/// The ceiling of the first pause after a failure; it doubles with each further one.
const PAUSE_FIRST: Duration = Duration::from_secs(2);
/// Past this a service that came back would be missed for too long.
const PAUSE_MAX: Duration = Duration::from_secs(10 * 60);
/// A stream that lasted so long did not break for what we sent on it.
const STEADY: Duration = Duration::from_secs(10 * 60);
/// Events come in bursts: what they come to is offered once.
const OFFER_PAUSE: Duration = Duration::from_millis(200);
/// The more there are, the longer it takes to write them: a second for a full list.
const OFFER_PAUSE_PER_ITEM: Duration = Duration::from_micros(4);

/// What happens to a subscription.
#[derive(Debug)]
pub enum Input<'a> {
    /// The service answers the request of this id.
    Answer(&'a str, &'a Stanza),
    /// The service tells something of the node.
    Event(Event),
    /// A request could not be delivered, or a stream between us and the service broke, and why: events may be lost.
    Broke(String),
    /// Time has passed.
    Tick,
}

/// What a subscription wants done.
#[derive(Debug)]
pub enum Output {
    /// Send this request; its answer is expected.
    Send(String, Stanza),
    /// These are all entries now.
    Offer(Arc<Items>),
    /// The operator should know.
    Tell(Notice),
    /// Nothing until then.
    Wait(Instant),
}

/// Follows one node.
pub struct Subscription {
    source: Arc<Source>,
    /// Ids that nobody can guess, and jitter.
    ids: StreamIds,
    standing: Standing,
    phase: Phase,
    /// All items, once a fetch was complete, now or in another run.
    items: Option<Arc<Items>>,
    offer_at: Option<Instant>,
    /// Rounds that failed, one after the other.
    failures: u32,
    /// Streams that broke soon, one after the other.
    breaks: u32,
    last_break: Option<Instant>,
    outbox: VecDeque<Output>,
}

enum Phase {
    /// Until the next round.
    Rest(Instant),
    /// Asked to subscribe.
    ExpectStanding(Asked),
    /// Asked for items.
    ExpectPage { asked: Asked, fetch: Fetch, give_up: Instant },
}

struct Asked {
    id: String,
    question: Question,
    until: Instant,
}

impl Subscription {
    /// Begins at once, with what was known when it was followed last.
    pub fn new(source: Arc<Source>, known: Option<Items>, ids: StreamIds, now: Instant) -> Self {
        Subscription {
            source,
            ids,
            standing: Standing::None,
            phase: Phase::Rest(now),
            items: known.map(Arc::new),
            offer_at: None,
            failures: 0,
            breaks: 0,
            last_break: None,
            outbox: VecDeque::new(),
        }
    }

    /// What it follows.
    pub fn source(&self) -> &Arc<Source> {
        &self.source
    }

    /// Takes one input; then drain [`poll`](Self::poll) to `Wait`.
    pub fn handle(&mut self, input: Input<'_>, now: Instant) {
        match input {
            Input::Answer(id, stanza) => self.answered(id, stanza, now),
            Input::Event(event) => self.heard(event, now),
            Input::Broke(why) => self.broke(why, now),
            Input::Tick => self.tick(now),
        }
    }

    /// The next thing to do.
    pub fn poll(&mut self) -> Output {
        self.outbox.pop_front().unwrap_or_else(|| Output::Wait(self.wakes_at()))
    }

    fn wakes_at(&self) -> Instant {
        let phase = match &self.phase {
            Phase::Rest(until) => *until,
            Phase::ExpectStanding(asked) | Phase::ExpectPage { asked, .. } => asked.until,
        };
        self.offer_at.map_or(phase, |offer| offer.min(phase))
    }

    fn tick(&mut self, now: Instant) {
        if self.offer_at.is_some_and(|at| at <= now) {
            self.offer();
        }
        match &self.phase {
            Phase::Rest(until) if *until <= now => {
                let asked = self.ask(Question::Subscribe, now);
                self.phase = Phase::ExpectStanding(asked);
            }
            Phase::ExpectStanding(asked) | Phase::ExpectPage { asked, .. } if asked.until <= now => {
                self.fail("no answer".to_owned(), now);
            }
            Phase::Rest(_) | Phase::ExpectStanding(_) | Phase::ExpectPage { .. } => {}
        }
    }

    fn ask(&mut self, question: Question, now: Instant) -> Asked {
        let id = self.ids.draw();
        self.outbox.push_back(Output::Send(id.clone(), question.write(&self.source, &id)));
        Asked { id, question, until: now + ANSWER_TIMEOUT }
    }

    fn answered(&mut self, id: &str, stanza: &Stanza, now: Instant) {
        match std::mem::replace(&mut self.phase, Phase::Rest(now)) {
            Phase::ExpectStanding(asked) if asked.id == id => {
                self.stands(Answer::read(stanza, &asked.question, &self.source.node), now);
            }
            Phase::ExpectPage { asked, fetch, give_up } if asked.id == id => {
                match Answer::read(stanza, &asked.question, &self.source.node) {
                    Answer::Page(page) => self.turn(fetch, page, give_up, now),
                    answer => self.fail(complaint(answer), now),
                }
            }
            // The answer to a question that was given up.
            other => self.phase = other,
        }
    }

    /// Goes on to the items however it stands: who is not told of changes has to ask for them, again and again.
    fn stands(&mut self, answer: Answer, now: Instant) {
        match answer {
            Answer::Standing(standing) => self.set_standing(standing),
            other => {
                self.standing = Standing::None;
                let why = format!("the service refuses the subscription: {}", complaint(other));
                self.tell(Notice::Failed(why, ceiling(self.failures)));
            }
        }
        self.begin_fetch(now);
    }

    fn set_standing(&mut self, standing: Standing) {
        let news = self.standing != standing;
        self.standing = standing;
        if news && standing != Standing::Subscribed {
            self.tell(Notice::Standing(standing));
        }
    }

    fn begin_fetch(&mut self, now: Instant) {
        let asked = self.ask(Question::Items(None), now);
        self.phase = Phase::ExpectPage { asked, fetch: Fetch::default(), give_up: now + FETCH_TIMEOUT };
    }

    fn turn(&mut self, mut fetch: Fetch, page: Page, give_up: Instant, now: Instant) {
        match fetch.add(page, &self.source) {
            Ok(Turned::Next(_)) if now >= give_up => self.fail("the items took too long".to_owned(), now),
            Ok(Turned::Next(after)) => {
                let asked = self.ask(Question::Items(Some(after)), now);
                self.phase = Phase::ExpectPage { asked, fetch, give_up };
            }
            Ok(Turned::Done) => self.finish(fetch, now),
            Err(endless) => self.fail(endless.to_string(), now),
        }
    }

    fn finish(&mut self, fetch: Fetch, now: Instant) {
        let Fetched { items, skipped, covers_service } = fetch.finish();
        let (entries, subscribed) = (items.len(), self.standing == Standing::Subscribed);
        if covers_service {
            self.tell(Notice::CoversService);
        }
        if entries == 0 && skipped > 0 {
            return self.fail(wrong_form(self.source.form, skipped), now);
        }
        self.items = Some(Arc::new(items));
        self.offer();
        self.tell(Notice::Synced { entries, skipped, subscribed });
        let pause = if subscribed {
            self.failures = 0;
            self.source.resync.mul_f64(0.75 + self.chance() / 4.0)
        } else {
            self.next_pause()
        };
        self.phase = Phase::Rest(now + pause);
    }

    fn heard(&mut self, event: Event, now: Instant) {
        match event {
            Event::Changed(changes) => {
                for change in changes {
                    self.change(change, now);
                }
            }
            Event::Deleted(elsewhere) => {
                self.items = Some(Arc::default());
                self.offer();
                self.tell(Notice::Deleted(elsewhere));
                self.standing = Standing::None;
                self.rest_for_another_try(now);
            }
            // What it keeps, or whom it lets in, may be another now.
            Event::Configured => self.sync_soon(now),
            Event::Subscription(standing) => {
                let before = self.standing;
                self.set_standing(standing);
                if before != standing {
                    self.sync_soon(now);
                }
            }
        }
    }

    /// A change is true at once, and what a fetch under way brings is older than it.
    fn change(&mut self, change: Change, now: Instant) {
        if let Change::Published(item) = &change {
            if self.source.covers_service(&item.id) {
                return self.tell(Notice::CoversService);
            }
            if !is_entry(self.source.form, &item.id) {
                return;
            }
        }
        if let Phase::ExpectPage { fetch, .. } = &mut self.phase {
            fetch.note(&change);
        }
        // Before the first fetch ever, one event would stand for the whole list.
        let Some(items) = self.items.as_mut().map(Arc::make_mut) else { return };
        match change {
            Change::Published(item) if items.len() >= ITEMS_MAX && !items.contains_key(&item.id) => {
                return self.tell(Notice::Full);
            }
            Change::Published(item) => _ = items.insert(item.id, item.note),
            Change::Retracted(id) => _ = items.remove(&id),
            Change::Purged => items.clear(),
        }
        let per_item = OFFER_PAUSE_PER_ITEM * u32::try_from(items.len()).unwrap_or(u32::MAX);
        self.offer_at.get_or_insert(now + OFFER_PAUSE + per_item);
    }

    fn offer(&mut self) {
        self.offer_at = None;
        if let Some(items) = &self.items {
            self.outbox.push_back(Output::Offer(items.clone()));
        }
    }

    fn broke(&mut self, why: String, now: Instant) {
        match self.phase {
            Phase::Rest(_) => self.sync_soon(now),
            Phase::ExpectStanding(_) | Phase::ExpectPage { .. } => {
                self.fail(why, now);
            }
        }
    }

    /// Both streams between two servers break in the same moment, and a service that breaks them whenever we ask is asked less and
    /// less.
    fn sync_soon(&mut self, now: Instant) {
        let Phase::Rest(until) = self.phase else { return };
        if self.last_break.is_none_or(|last| now.saturating_duration_since(last) > STEADY) {
            self.breaks = 0;
        }
        self.last_break = Some(now);
        let soon = now + self.pause(self.breaks);
        if soon < until {
            self.breaks = self.breaks.saturating_add(1);
            self.phase = Phase::Rest(soon);
        }
    }

    fn fail(&mut self, why: String, now: Instant) {
        let pause = self.next_pause();
        self.phase = Phase::Rest(now + pause);
        self.tell(Notice::Failed(why, pause));
    }

    fn rest_for_another_try(&mut self, now: Instant) {
        let pause = self.next_pause();
        self.phase = Phase::Rest(now + pause);
    }

    fn next_pause(&mut self) -> Duration {
        let pause = self.pause(self.failures);
        self.failures = self.failures.saturating_add(1);
        pause
    }

    /// At least half of the ceiling, so that a service that fails at once is not asked at once.
    fn pause(&self, times: u32) -> Duration {
        ceiling(times).mul_f64(0.5 + self.chance() / 2.0)
    }

    /// A number in 0..1, so that the subscribers of a service that comes back do not all come in the same moment.
    fn chance(&self) -> f64 {
        let drawn = self.ids.draw();
        let bits = drawn.get(..8).and_then(|digits| u32::from_str_radix(digits, 16).ok()).unwrap_or_default();
        f64::from(bits) / (f64::from(u32::MAX) + 1.0)
    }

    fn tell(&mut self, notice: Notice) {
        self.outbox.push_back(Output::Tell(notice));
    }
}

fn ceiling(times: u32) -> Duration {
    PAUSE_FIRST.saturating_mul(2_u32.saturating_pow(times)).min(PAUSE_MAX)
}

/// Such a list would look healthy, and cover nobody.
fn wrong_form(form: Form, skipped: u64) -> String {
    let (form, other) = match form {
        Form::Sha256 => ("sha256", "plain"),
        Form::Plain => ("plain", "sha256"),
    };
    format!("none of {skipped} ids is of the form \"{form}\"; if they are of the other, write form = \"{other}\"")
}

fn complaint(answer: Answer) -> String {
    match answer {
        Answer::Refused(condition) => condition,
        Answer::Odd(what) => format!("an answer with {what}"),
        Answer::Standing(_) | Answer::Page(_) => "an answer to another question".to_owned(),
    }
}
