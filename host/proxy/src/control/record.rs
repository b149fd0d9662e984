//! Keeps a bounded sample of the stanzas that pass by, for a corpus: the command fetches it batch by batch and writes the file.
//!
//! `pipeline::tap` → **record** → [`corpus`]

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::corpus::{self, Entry};
use super::redact::redact;
use crate::pipeline::tap::{Copied, Inlet, Outlet, Taps};

/// Bytes of stanzas in one answer to the command.
const BATCH_BYTES_MAX: usize = 4 << 20;
/// A command that does not come back in this time was interrupted: nothing is kept for it.
const IDLE_MAX: Duration = Duration::from_secs(10);

/// What is asked of a recording.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Wanted {
    /// So many stanzas.
    pub count: u64,
    /// Of a hundred that pass by, so many.
    pub percent: u64,
    /// At most so long.
    pub seconds: u64,
    /// With what people wrote to each other.
    pub with_bodies: bool,
}

/// A part of a recording.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Batch {
    /// Lines of a corpus.
    pub entries: Vec<Entry>,
    /// How many stanzas passed by so far.
    pub seen: u64,
    /// How many of those that were to be recorded found no room.
    pub skipped: u64,
    /// Nothing more will come.
    pub done: bool,
}

/// Why there is no recording.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// One at a time.
    #[error("another recording is under way; it ends by itself when its command does")]
    Busy,
    /// None was begun, or it was given up.
    #[error("there is no recording under way; it ends when its command does not fetch it for {} seconds", IDLE_MAX.as_secs())]
    None,
    /// A number is out of its bounds.
    #[error("{0}")]
    Wrong(&'static str),
}

/// The one recording there may be.
#[derive(Default)]
pub struct Recorder {
    recording: Mutex<Option<Recording>>,
}

struct Recording {
    wanted: Wanted,
    outlet: Arc<Outlet>,
    inlet: Inlet,
    left: u64,
    until: Instant,
    fetched: Instant,
}

impl Wanted {
    /// Checks the numbers.
    fn check(&self) -> Result<(), RecordError> {
        if !(1..=1_000_000).contains(&self.count) {
            return Err(RecordError::Wrong("count must be from 1 to 1000000"));
        }
        if !(1..=100).contains(&self.percent) {
            return Err(RecordError::Wrong("percent must be from 1 to 100"));
        }
        if !(1..=86_400).contains(&self.seconds) {
            return Err(RecordError::Wrong("seconds must be from 1 to 86400"));
        }
        Ok(())
    }
}

impl Recorder {
    /// Begins a recording.
    pub fn begin(&self, taps: &Taps, wanted: Wanted, now: Instant) -> Result<(), RecordError> {
        wanted.check()?;
        let mut recording = self.lock();
        if recording.as_ref().is_some_and(|recording| !recording.is_given_up(now)) {
            return Err(RecordError::Busy);
        }
        end(&mut recording, taps);
        let (outlet, inlet) = taps.open(wanted.percent);
        let (left, until) = (wanted.count, now + Duration::from_secs(wanted.seconds));
        *recording = Some(Recording { wanted, outlet, inlet, left, until, fetched: now });
        Ok(())
    }

    /// Takes what was recorded since the last time; ends the recording with its last batch.
    pub fn fetch(&self, taps: &Taps, now: Instant) -> Result<Batch, RecordError> {
        let mut recording = self.lock();
        let batch = recording.as_mut().ok_or(RecordError::None)?.batch(now);
        if batch.done {
            end(&mut recording, taps);
        }
        Ok(batch)
    }

    /// Ends the recording, if there is one.
    pub fn stop(&self, taps: &Taps) {
        end(&mut self.lock(), taps);
    }

    /// Ends a recording that nobody fetches.
    pub fn tidy(&self, taps: &Taps, now: Instant) {
        let mut recording = self.lock();
        if recording.as_ref().is_some_and(|recording| recording.is_given_up(now)) {
            tracing::info!("a recording was given up: its command did not come back");
            end(&mut recording, taps);
        }
    }

    /// A panic while it was locked left it whole: it is replaced as one.
    fn lock(&self) -> MutexGuard<'_, Option<Recording>> {
        self.recording.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn end(recording: &mut Option<Recording>, taps: &Taps) {
    if let Some(recording) = recording.take() {
        taps.close(&recording.outlet);
    }
}

impl Recording {
    fn is_given_up(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.fetched) > IDLE_MAX
    }

    fn batch(&mut self, now: Instant) -> Batch {
        self.fetched = now;
        let (mut entries, mut bytes) = (Vec::new(), 0);
        while self.left > 0 && bytes < BATCH_BYTES_MAX {
            let Some(copied) = self.inlet.take() else { break };
            let entry = entry(&copied, self.wanted.with_bodies);
            bytes += entry.stanza.len();
            self.left -= 1;
            entries.push(entry);
        }
        let done = self.left == 0 || (now >= self.until && bytes < BATCH_BYTES_MAX);
        Batch { entries, seen: self.outlet.seen(), skipped: self.outlet.skipped(), done }
    }
}

/// Takes the words out here, off the threads that move stanzas.
fn entry(copied: &Copied, with_bodies: bool) -> Entry {
    Entry {
        version: corpus::VERSION,
        id: copied.told.id.to_string(),
        direction: copied.told.direction,
        now_ms: copied.told.circumstances.now_ms,
        relation: copied.told.circumstances.relation,
        stanza: if with_bodies { copied.stanza.to_xml() } else { redact(&copied.stanza) },
        judgement: copied.judgement.clone(),
        redacted: !with_bodies,
    }
}

#[cfg(test)]
mod tests {
    use refrain_filter::{Direction, Relation};
    use refrain_proto::Stanza;

    use super::*;
    use crate::observe::audit::Ruling;
    use crate::observe::judgement::Judgement;
    use crate::observe::trace::TraceId;
    use crate::pipeline::judge::Circumstances;
    use crate::pipeline::tap::{Fingerprint, Told};

    fn wanted(count: u64) -> Wanted {
        Wanted { count, percent: 100, seconds: 60, with_bodies: false }
    }

    fn pass(taps: &Taps) {
        let xml = "<message from='a@x.example' to='b@y.example'><body>secret</body></message>";
        let Some(copy) = taps.copy(&Stanza::parse(xml).unwrap()) else { return };
        copy.give(|stanza| Copied {
            stanza,
            told: Told {
                direction: Direction::Inbound,
                circumstances: Circumstances { relation: Some(Relation::Stranger), now_ms: 5 },
                id: TraceId::next(),
            },
            judgement: Judgement { verdict: Ruling::Forward, filter: None, reason: None },
            result: Fingerprint::default(),
            took: Duration::ZERO,
        });
    }

    #[test]
    fn a_recording_ends_with_its_count_and_has_no_words() {
        let (taps, recorder, now) = (Taps::default(), Recorder::default(), Instant::now());
        recorder.begin(&taps, wanted(2), now).unwrap();
        (0..3).for_each(|_| pass(&taps));
        let batch = recorder.fetch(&taps, now).unwrap();
        assert_eq!((batch.entries.len(), batch.seen, batch.done), (2, 3, true));
        assert_eq!(batch.entries[0].relation, Some(Relation::Stranger));
        assert!(batch.entries[0].redacted && batch.entries[0].stanza.contains("<body>xxxxxx</body>"));
        assert_eq!(recorder.fetch(&taps, now).unwrap_err(), RecordError::None);
        pass(&taps);
    }

    #[test]
    fn a_recording_ends_with_its_time() {
        let (taps, recorder, now) = (Taps::default(), Recorder::default(), Instant::now());
        recorder.begin(&taps, wanted(2), now).unwrap();
        assert!(!recorder.fetch(&taps, now + Duration::from_secs(59)).unwrap().done);
        assert!(recorder.fetch(&taps, now + Duration::from_secs(60)).unwrap().done);
    }

    #[test]
    fn one_recording_at_a_time_and_none_for_a_command_that_is_gone() {
        let (taps, recorder, now) = (Taps::default(), Recorder::default(), Instant::now());
        recorder.begin(&taps, wanted(2), now).unwrap();
        assert_eq!(recorder.begin(&taps, wanted(2), now).unwrap_err(), RecordError::Busy);
        let later = now + Duration::from_secs(11);
        recorder.tidy(&taps, later);
        assert_eq!(recorder.fetch(&taps, later).unwrap_err(), RecordError::None);
        let stanza = Stanza::parse("<message from='a@x.example' to='b@y.example'/>").unwrap();
        assert!(taps.copy(&stanza).is_none(), "the tap is closed");
    }

    #[test]
    fn numbers_out_of_bounds_are_refused() {
        let (taps, recorder, now) = (Taps::default(), Recorder::default(), Instant::now());
        let wrong = Wanted { percent: 0, ..wanted(1) };
        assert!(matches!(recorder.begin(&taps, wrong, now), Err(RecordError::Wrong(_))));
    }
}
