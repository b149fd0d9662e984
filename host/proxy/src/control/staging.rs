//! What stands beside the live chain while a change is tried: the shadow, the recording, the guard.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::fault_files;
use super::guard::Guard;
use super::record::Recorder;
use super::reload::Reloader;
use super::shadow::Shadows;
use crate::pipeline::Gateway;

/// How often it is looked whether the command of a recording is still there.
const TIDY_PERIOD: Duration = Duration::from_secs(2);

/// Everything by which changes are tried.
pub struct Staging {
    /// A candidate beside the live chain.
    pub shadows: Shadows,
    /// A sample of what passes by.
    pub recorder: Recorder,
    /// Takes a new generation back when it is worse.
    pub guard: Guard,
    gateway: Arc<Gateway>,
}

impl Staging {
    /// Prepares it all, and begins nothing.
    pub fn new(gateway: &Arc<Gateway>, reloader: &Arc<Reloader>) -> Arc<Self> {
        Arc::new(Staging {
            shadows: Shadows::new(gateway.clone(), reloader.clone()),
            recorder: Recorder::default(),
            guard: Guard::new(gateway.clone(), reloader.clone()),
            gateway: gateway.clone(),
        })
    }

    /// Starts what goes on by itself: the guard, the tidying, the files of faults.
    pub fn begin(self: &Arc<Self>) {
        let (guarding, tidying) = (self.clone(), self.clone());
        tokio::spawn(async move { guarding.guard.run().await });
        tokio::spawn(async move { tidying.tidy().await });
        tokio::spawn(fault_files::run(self.gateway.clone()));
    }

    async fn tidy(&self) {
        let mut period = tokio::time::interval(TIDY_PERIOD);
        loop {
            period.tick().await;
            self.recorder.tidy(&self.gateway.taps, Instant::now());
        }
    }
}
