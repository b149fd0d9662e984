//! What the host keeps for filters, in their tests: one world a thread, so that tests do not see each other.
//!
//! It is the state of the proxy's own engine; only the operator's lists come from the test, and time passes when the test says so.

use std::cell::RefCell;
use std::sync::Arc;
use std::time::Duration;

use refrain_filter::{Bucket, Counter, KvError, Limiter, List, Lists, LiveList, Rate, Shared};

use crate::BucketError;

/// The moment at which the sandbox judges golden cases too: 2026-01-01T12:00:00Z.
const START_MS: u64 = 1_767_268_800_000;

/// A test has one filter; its name does not matter.
const FILTER: &str = "filter";

thread_local! {
    static WORLD: RefCell<World> = RefCell::default();
}

#[derive(Debug)]
struct World {
    shared: Shared,
    lists: Lists,
    now_ms: u64,
    /// What was opened so far, by the index of the handle.
    opened: Opened,
}

#[derive(Debug, Default)]
struct Opened {
    counters: Vec<Arc<Counter>>,
    limiters: Vec<(Arc<Limiter>, Rate)>,
    lists: Vec<Arc<LiveList>>,
    buckets: Vec<Arc<Bucket>>,
}

impl Default for World {
    fn default() -> Self {
        World { shared: Shared::default(), lists: Lists::default(), now_ms: START_MS, opened: Opened::default() }
    }
}

/// Looks at the world of this thread.
fn with<T>(look: impl FnOnce(&mut World) -> T) -> T {
    WORLD.with_borrow_mut(look)
}

/// Begins anew: nothing counted, taken or kept, and the time of golden cases. Handles go stale.
pub(crate) fn begin_world() {
    with(|world| *world = World { lists: std::mem::take(&mut world.lists), ..World::default() });
}

pub(crate) fn set_list(name: &str, list: List) {
    with(|world| world.lists.insert(name.to_owned(), Arc::new(list.into())));
}

pub(crate) fn now_ms() -> u64 {
    with(|world| world.now_ms)
}

pub(crate) fn advance(time: Duration) {
    with(|world| world.now_ms = world.now_ms.saturating_add(time.as_millis() as u64));
}

pub(crate) fn counter_value(name: &str) -> u64 {
    let counters = with(|world| world.shared.counters());
    counters.iter().find(|counter| &*counter.name == name).map_or(0, |counter| counter.value)
}

fn push<T>(all: &mut Vec<T>, one: T) -> u32 {
    all.push(one);
    all.len() as u32 - 1
}

pub(crate) fn open_counter(name: &str, help: &str) -> Result<u32, String> {
    with(|world| Ok(push(&mut world.opened.counters, world.shared.counter(&FILTER.into(), name, help)?)))
}

pub(crate) fn open_limiter(name: &str, burst: u32, per_second: f64) -> Result<u32, String> {
    let rate = Rate::new(burst, per_second)?;
    with(|world| Ok(push(&mut world.opened.limiters, (world.shared.limiter(&FILTER.into(), name)?, rate))))
}

pub(crate) fn open_list(name: &str) -> Result<u32, String> {
    with(|world| match world.lists.get(name) {
        Some(list) => Ok(push(&mut world.opened.lists, list.clone())),
        None => Err(format!("there is no list {name:?}; a test gives it with testing::with_list")),
    })
}

pub(crate) fn open_bucket(name: &str) -> Result<u32, String> {
    with(|world| Ok(push(&mut world.opened.buckets, world.shared.bucket(name)?)))
}

pub(crate) fn counter_add(counter: u32, n: u64) {
    with(|world| {
        if let Some(counter) = world.opened.counters.get(counter as usize) {
            counter.add(n);
        }
    });
}

pub(crate) fn limiter_take(limiter: u32, key: &str, n: u32) -> bool {
    with(|world| {
        let limiter = world.opened.limiters.get(limiter as usize);
        limiter.is_some_and(|(limiter, rate)| limiter.take(*rate, key, n, world.now_ms))
    })
}

pub(crate) fn limiter_owe(limiter: u32, key: &str, n: u32) -> u32 {
    with(|world| {
        let limiter = world.opened.limiters.get(limiter as usize);
        limiter.map_or(0, |(limiter, rate)| limiter.owe(*rate, key, n, world.now_ms))
    })
}

pub(crate) fn list_contains(list: u32, value: &str) -> bool {
    with(|world| world.opened.lists.get(list as usize).is_some_and(|list| list.contains(value)))
}

pub(crate) fn list_lookup(list: u32, value: &str) -> Option<String> {
    with(|world| world.opened.lists.get(list as usize)?.lookup(value))
}

fn bucket(world: &World, bucket: u32) -> Option<&Bucket> {
    world.opened.buckets.get(bucket as usize).map(|bucket| &**bucket)
}

pub(crate) fn bucket_get(index: u32, key: &str) -> Option<Vec<u8>> {
    with(|world| bucket(world, index)?.get(key, world.now_ms))
}

pub(crate) fn bucket_set(index: u32, key: &str, value: &[u8], ttl_s: u32) -> Result<(), BucketError> {
    with(|world| match bucket(world, index) {
        Some(bucket) => bucket.set(key, value.to_vec(), ttl_s, world.now_ms).map_err(error),
        None => Ok(()),
    })
}

pub(crate) fn bucket_delete(index: u32, key: &str) {
    with(|world| {
        if let Some(bucket) = bucket(world, index) {
            bucket.delete(key);
        }
    });
}

pub(crate) fn bucket_increment(index: u32, key: &str, by: i64, ttl_s: u32) -> Result<i64, BucketError> {
    with(|world| match bucket(world, index) {
        Some(bucket) => bucket.increment(key, by, ttl_s, world.now_ms).map_err(error),
        None => Ok(by),
    })
}

fn error(error: KvError) -> BucketError {
    match error {
        KvError::TooBig => BucketError::TooBig,
        KvError::Quota => BucketError::Quota,
    }
}
