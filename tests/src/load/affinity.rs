//! Which core runs what: the load on the first, the thing under test on the second.

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// The calling thread's cores, shared out between the load and the thing under test.
#[derive(Clone, Copy, Debug)]
pub struct Cores {
    load: CpuSet,
    subject: CpuSet,
}

impl Cores {
    /// Shares out the first two cores this process may use, and moves the calling thread and those it will start to the
    /// first; `None` when there is only one core or the system does not let us.
    pub fn share_out() -> Option<Self> {
        let allowed = sched_getaffinity(None).ok()?;
        let mut cores = (0..CpuSet::MAX_CPU).filter(|core| allowed.is_set(*core));
        let cores = Self { load: only(cores.next()?), subject: only(cores.next()?) };
        move_to(&cores.load).then_some(cores)
    }

    /// Runs `start` in such a way that the process it starts has the second core.
    pub fn with_subject_core<T>(&self, start: impl FnOnce() -> T) -> T {
        // A child inherits the cores of the thread that starts it.
        move_to(&self.subject);
        let started = start();
        move_to(&self.load);
        started
    }
}

fn only(core: usize) -> CpuSet {
    let mut set = CpuSet::new();
    set.set(core);
    set
}

fn move_to(set: &CpuSet) -> bool {
    sched_setaffinity(None, set).is_ok()
}
