//! The last judged stanzas, by an id that stands in the log and, by choice, in the bounce: what `refrain explain` shows.

use std::collections::VecDeque;
use std::fmt;
use std::str::FromStr;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use super::audit::Record;

/// A busy server bounces some hundred stanzas an hour; during a flood this is the last seconds of it. At most some 8 MiB.
const TRACES_MAX: usize = 4_096;
/// Real addresses are shorter; a long one must not make the ring large.
const ADDRESS_BYTES_MAX: usize = 512;

/// Names one judged stanza within this run of the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TraceId(u64);

impl TraceId {
    /// The next one.
    pub fn next() -> Self {
        static LAST: AtomicU64 = AtomicU64::new(0);
        TraceId(LAST.fetch_add(1, Relaxed) + 1)
    }
}

/// The second in which this run started: tells the ids of one run from those of another.
fn run() -> u64 {
    static RUN: LazyLock<u64> =
        LazyLock::new(|| SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs());
    *RUN
}

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", Base36(run()), Base36(self.0))
    }
}

/// Why a text names no stanza of this run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TraceIdError {
    /// It is no id.
    #[error("\"{0}\" is not a stanza id; it looks like {example}, as in the log", example = TraceId(1_000))]
    Malformed(String),
    /// It was made before the last start.
    #[error("{0} is from another run of Refrain; the log may still have its line")]
    OtherRun(String),
}

impl FromStr for TraceId {
    type Err = TraceIdError;

    fn from_str(text: &str) -> Result<Self, TraceIdError> {
        let malformed = || TraceIdError::Malformed(text.chars().take(32).collect());
        let (of, number) = text.split_once('-').ok_or_else(malformed)?;
        let of = u64::from_str_radix(of, 36).map_err(|_| malformed())?;
        let number = u64::from_str_radix(number, 36).map_err(|_| malformed())?;
        if of == run() { Ok(TraceId(number)) } else { Err(TraceIdError::OtherRun(text.to_owned())) }
    }
}

/// A number in digits and small letters: short, and easily copied by hand.
struct Base36(u64);

impl fmt::Display for Base36 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut digits = Vec::with_capacity(13);
        let mut rest = self.0;
        loop {
            let digit = u32::try_from(rest % 36).unwrap_or(0);
            digits.extend(char::from_digit(digit, 36));
            rest /= 36;
            if rest == 0 {
                break;
            }
        }
        f.write_str(&digits.into_iter().rev().collect::<String>())
    }
}

/// The newest records. Locked once per stanza that is recorded at all.
#[derive(Debug, Default)]
pub struct Traces(Mutex<VecDeque<Record>>);

impl Traces {
    /// Keeps a record; the oldest goes.
    pub(super) fn keep(&self, mut record: Record) {
        clip(&mut record.from);
        clip(&mut record.to);
        // The stanza itself, for a replay bundle: content is never kept here.
        record.steps.iter_mut().for_each(|step| step.evidence = None);
        let mut ring = self.lock();
        if ring.len() == TRACES_MAX {
            ring.pop_front();
        }
        ring.push_back(record);
    }

    /// The record of this stanza, if it is still there.
    pub fn find(&self, id: TraceId) -> Option<Record> {
        self.lock().iter().rev().find(|record| record.trace == id).cloned()
    }

    /// A panic while the ring was locked left it whole.
    fn lock(&self) -> MutexGuard<'_, VecDeque<Record>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn clip(address: &mut String) {
    if address.len() > ADDRESS_BYTES_MAX {
        address.truncate(address.floor_char_boundary(ADDRESS_BYTES_MAX));
        address.push('…');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_read_as_it_is_written() {
        let (first, second) = (TraceId::next(), TraceId::next());
        assert_ne!(first, second);
        assert_eq!(second.to_string().parse(), Ok(second));
        assert_eq!(Base36(u64::MAX).to_string(), "3w5e11264sgsf");
        assert_eq!(Base36(0).to_string(), "0");
    }

    #[test]
    fn what_is_no_id_of_this_run_is_said_to_be_none() {
        for wrong in ["", "-", "abc", "abc-", "a-b-c", "ä-1", "99999999999999-1"] {
            assert!(matches!(wrong.parse::<TraceId>(), Err(TraceIdError::Malformed(_))), "{wrong}");
        }
        assert_eq!("1-1".parse::<TraceId>(), Err(TraceIdError::OtherRun("1-1".to_owned())));
    }
}
