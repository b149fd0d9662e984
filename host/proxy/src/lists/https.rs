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
    let mut asking = Asking { source, handle, gateway, patience: PATIENCE, doubts: 0, failures: 0, said: None };
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
    /// The problem that the log tells already.
    said: Option<String>,
}

impl Asking {
    /// A restart does not ask for what was fetched a minute ago.
    fn first_pause(&self) -> Duration {
        let age = self.handle.success().map(|at| SystemTime::now().duration_since(at).unwrap_or_default());
        age.map_or(Duration::ZERO, |age| self.source.refresh.saturating_sub(age))
    }

    /// Asks once, tells the board, and returns when to ask again.
    async fn ask(&mut self) -> Duration {
        match self.answer().await {
            Ok(()) => {
                (self.doubts, self.failures, self.said) = (0, 0, None);
                jittered(self.source.refresh)
            }
            Err(Refused::Doubted(problem)) => {
                self.tell(problem);
                (self.doubts, self.failures) = (self.doubts + 1, 0);
                // What may be a mirror under repair is given the time for it.
                jittered(self.source.refresh)
            }
            Err(Refused::Failed(problem, retry_after)) => {
                self.tell(problem);
                let pause = RETRY_FIRST.saturating_mul(2_u32.saturating_pow(self.failures)).min(self.source.refresh);
                (self.doubts, self.failures) = (0, self.failures.saturating_add(1));
                // A server's wish counts, up to a day.
                jittered(pause).max(retry_after.unwrap_or_default().min(Duration::from_secs(86_400)))
            }
        }
    }

    /// What happens again and again, for the same reason, is one line in the log.
    fn tell(&mut self, problem: String) {
        if self.said.as_ref() != Some(&problem) {
            let source = self.handle.label();
            tracing::warn!(source, problem, "a list cannot be fetched: what was known of it last stays");
        }
        self.said = Some(problem.clone());
        self.handle.fail(problem);
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
                self.handle.confirm();
                return Ok(());
            }
            Got::Text(text, validators) => (text, validators),
        };
        // A million lines take a second.
        let read = tokio::task::spawn_blocking(move || Entries::parse(text.trim_start_matches('\u{feff}')));
        let entries = read.await.map_err(|error| Refused::Failed(error.to_string(), None))?;
        self.believe(known.unwrap_or(0), entries.len())?;
        self.handle.offer_as(entries, validators).map_err(|problem| Refused::Failed(problem, None))
    }

    /// A mirror that is being rebuilt, or a disk that is full, must not empty our list; an owner who ends it must be able to.
    fn believe(&self, before: usize, now: usize) -> Result<(), Refused> {
        let is_believable = before < SHRINKING_FROM && (now > 0 || before == 0) || now * 2 >= before && now > 0;
        if is_believable || self.doubts >= ASKED_AGAIN {
            return Ok(());
        }
        let problem =
            format!("it shrank from {before} entries to {now}: not believed before it says so for the third time");
        Err(Refused::Doubted(problem))
    }
}

/// Why an answer changes nothing.
enum Refused {
    /// It may be true, if the next ones say so too.
    Doubted(String),
    /// There was none, or none to be used; and when the server wants to be asked again.
    Failed(String, Option<Duration>),
}

impl From<GetError> for Refused {
    fn from(error: GetError) -> Self {
        Refused::Failed(error.to_string(), error.retry_after())
    }
}

/// Up to a tenth more or less, so that not everybody who started at noon asks at noon.
fn jittered(pause: Duration) -> Duration {
    pause.mul_f64(0.9 + 0.2 * unit_random())
}

#[cfg(test)]
mod tests;
