//! Follows a list that is fetched over HTTPS: when it is asked for, and what is believed of an answer.
//!
//! **https** → [`board`](super::board)

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::{Entries, SourceHandle};
use crate::config::HttpsSource;
use crate::net::https::{Get, GetError, Got, Patience, Validators, get};
use crate::pipeline::Gateway;
use crate::pipeline::backoff::unit_random;

/// The pause after the first failure; it doubles with each further one, up to the usual time between two questions.
const RETRY_FIRST: Duration = Duration::from_secs(30);
/// Eight megabytes over a slow line.
const PATIENCE: Patience = Patience { step: Duration::from_secs(30), whole: Duration::from_secs(300) };
/// A list below this may change as it likes.
const SHRINKING_FROM: usize = 20;
/// A list that lost more than half of its entries, or all, is believed when it says so for the third time.
const ASKED_AGAIN: u32 = 2;

/// Keeps one source fresh until it is dropped.
pub async fn keep(source: HttpsSource, handle: SourceHandle, gateway: Arc<Gateway>) {
    let mut asking = Asking { source, handle, gateway, patience: PATIENCE, doubts: 0, failures: 0 };
    tokio::time::sleep(asking.first_pause()).await;
    loop {
        let pause = asking.ask().await;
        tokio::time::sleep(pause).await;
    }
}

/// The questions about one list.
struct Asking {
    source: HttpsSource,
    handle: SourceHandle,
    gateway: Arc<Gateway>,
    patience: Patience,
    /// Answers in a row that were too small to be believed.
    doubts: u32,
    /// Questions in a row that were not answered.
    failures: u32,
}

impl Asking {
    /// A restart does not ask for what was fetched a minute ago.
    fn first_pause(&self) -> Duration {
        let age = self.handle.success().map(|at| SystemTime::now().duration_since(at).unwrap_or_default());
        age.map_or(Duration::ZERO, |age| self.source.refresh.saturating_sub(age))
    }

    /// Asks once, tells the board, and returns when to ask again.
    async fn ask(&mut self) -> Duration {
        let answered = self.answer().await;
        match answered {
            Ok(()) => {
                self.failures = 0;
                jittered(self.source.refresh)
            }
            Err(Refused { problem, .. }) if self.doubts > 0 => {
                self.handle.fail(problem);
                // What may be a mirror under repair is given the time for it.
                jittered(self.source.refresh)
            }
            Err(Refused { problem, retry_after }) => {
                self.handle.fail(problem);
                let pause = RETRY_FIRST.saturating_mul(2_u32.saturating_pow(self.failures)).min(self.source.refresh);
                self.failures = self.failures.saturating_add(1);
                // A server's wish counts, up to a day.
                jittered(pause).max(retry_after.unwrap_or_default().min(Duration::from_secs(86_400)))
            }
        }
    }

    async fn answer(&mut self) -> Result<(), Refused> {
        let known = self.handle.known().map(|entries| entries.len());
        let validators = self.handle.validators();
        let question = Get {
            url: &self.source.url,
            // Only what is known can be the same, and only who can be asked whether it is may say so.
            known: (known.is_some() && validators != Validators::default()).then_some(&validators),
            bytes_max: self.source.bytes_max,
            ca_file: self.source.ca_file.as_deref(),
            patience: self.patience,
        };
        let (text, validators) = match get(&self.gateway, &question).await? {
            Got::Same => {
                self.doubts = 0;
                self.handle.confirm();
                return Ok(());
            }
            Got::Text(text, validators) => (text, validators),
        };
        // A million lines take a second.
        let read = tokio::task::spawn_blocking(move || Entries::parse(text.trim_start_matches('\u{feff}')));
        let entries = read.await.map_err(|error| Refused::new(error.to_string()))?;
        self.believe(known.unwrap_or(0), entries.len())?;
        self.handle.offer_as(entries, validators).map_err(Refused::new)
    }

    /// A mirror that is being rebuilt, or a disk that is full, must not empty our list; an owner who ends it must be able to.
    fn believe(&mut self, before: usize, now: usize) -> Result<(), Refused> {
        let is_believable = before < SHRINKING_FROM && (now > 0 || before == 0) || now * 2 >= before && now > 0;
        if is_believable || self.doubts >= ASKED_AGAIN {
            self.doubts = 0;
            return Ok(());
        }
        self.doubts += 1;
        let problem =
            format!("it shrank from {before} entries to {now}: not believed before it says so for the third time");
        Err(Refused::new(problem))
    }
}

/// Why an answer changes nothing.
struct Refused {
    problem: String,
    retry_after: Option<Duration>,
}

impl Refused {
    fn new(problem: String) -> Self {
        Refused { problem, retry_after: None }
    }
}

impl From<GetError> for Refused {
    fn from(error: GetError) -> Self {
        Refused { problem: error.to_string(), retry_after: error.retry_after() }
    }
}

/// Up to a tenth more or less, so that not everybody who started at noon asks at noon.
fn jittered(pause: Duration) -> Duration {
    pause.mul_f64(0.9 + 0.2 * unit_random())
}

#[cfg(test)]
mod tests;
