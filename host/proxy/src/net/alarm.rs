//! One timer per connection, moved only when it rings: a deadline that is pushed back with every batch costs nothing.

use std::pin::Pin;
use std::time::Instant;

use tokio::time::{Sleep, sleep_until};

/// A timer whose deadline may be given anew at every wait.
pub struct Alarm {
    sleep: Pin<Box<Sleep>>,
    set_for: Instant,
}

impl Alarm {
    /// A timer that rings at once until it is given a deadline.
    pub fn new(now: Instant) -> Self {
        Alarm { sleep: Box::pin(sleep_until(now.into())), set_for: now }
    }

    /// Completes when `until` has come. Cancel-safe.
    pub async fn reached(&mut self, until: Instant) {
        if until < self.set_for {
            self.set(until);
        }
        loop {
            self.sleep.as_mut().await;
            if Instant::now() >= until {
                return;
            }
            self.set(until);
        }
    }

    fn set(&mut self, until: Instant) {
        self.sleep.as_mut().reset(until.into());
        self.set_for = until;
    }
}
