//! What a filter registers in `configure`: compiled by its first instance, repeated by every further one, read by index afterwards.

use std::sync::Arc;

use crate::grants::{Grant, Grants};
use crate::interest::{Interest, InterestSet};
use crate::list::{Lists, LiveList};
use crate::selector::Selector;
use crate::shared::{Bucket, Counter, Limiter, Rate, Shared};

/// A filter is code, not a word list: lists belong into its settings.
const SELECTORS_MAX: usize = 256;
/// Series in the operator's metrics; each costs there for as long as they are kept.
const COUNTERS_MAX: usize = 32;
const LIMITERS_MAX: usize = 16;
/// Lists, and buckets, that one filter opens.
const OPEN_MAX: usize = 64;
const NAME_BYTES_MAX: usize = 64;
const HELP_BYTES_MAX: usize = 256;

const CLOSED: &str = "callable only inside `configure`";
const DIFFERENT: &str = "`configure` registered something else before, with the same settings";

/// What is outside of a filter's sandbox and within its reach.
#[derive(Debug, Default)]
pub(crate) struct Reach {
    /// The filter's name.
    pub(crate) filter: Arc<str>,
    pub(crate) grants: Grants,
    pub(crate) lists: Lists,
    pub(crate) shared: Arc<Shared>,
}

/// Something that was registered by a name or another text.
#[derive(Debug)]
pub(crate) struct Named<T> {
    name: String,
    value: T,
}

/// A limiter with the rate that this configuration gives it.
#[derive(Debug)]
pub(crate) struct Limited {
    limiter: Arc<Limiter>,
    rate: Rate,
}

impl Limited {
    #[inline]
    pub(crate) fn take(&self, key: &str, n: u32, now_ms: u64) -> bool {
        self.limiter.take(self.rate, key, n, now_ms)
    }

    pub(crate) fn owe(&self, key: &str, n: u32, now_ms: u64) -> u32 {
        self.limiter.owe(self.rate, key, n, now_ms)
    }
}

/// What a filter registered: the same for all its instances, so they share it.
#[derive(Debug, Default)]
pub(crate) struct Registered {
    pub(crate) interests: InterestSet,
    pub(crate) selectors: Vec<Selector>,
    counters: Vec<Named<Arc<Counter>>>,
    limiters: Vec<Named<Limited>>,
    lists: Vec<Named<Arc<LiveList>>>,
    buckets: Vec<Named<Arc<Bucket>>>,
}

impl Registered {
    /// Returns a selector that `configure` compiled; asking for another ends the call.
    #[inline]
    pub(crate) fn selector(&self, index: u32) -> wasmtime::Result<&Selector> {
        match self.selectors.get(index as usize) {
            Some(selector) => Ok(selector),
            None => Err(missing("selector", index, "compiled")),
        }
    }

    pub(crate) fn counter(&self, index: u32) -> wasmtime::Result<&Counter> {
        at(&self.counters, index).map(|counter| &**counter).ok_or_else(|| missing("counter", index, "made"))
    }

    pub(crate) fn limiter(&self, index: u32) -> wasmtime::Result<&Limited> {
        at(&self.limiters, index).ok_or_else(|| missing("limiter", index, "made"))
    }

    pub(crate) fn list(&self, index: u32) -> wasmtime::Result<&LiveList> {
        at(&self.lists, index).map(|list| &**list).ok_or_else(|| missing("list", index, "opened"))
    }

    pub(crate) fn bucket(&self, index: u32) -> wasmtime::Result<&Bucket> {
        at(&self.buckets, index).map(|bucket| &**bucket).ok_or_else(|| missing("bucket", index, "opened"))
    }

    fn counts(&self) -> Repeated {
        Repeated {
            interests: self.interests.len() as u32,
            selectors: self.selectors.len() as u32,
            counters: self.counters.len() as u32,
            limiters: self.limiters.len() as u32,
            lists: self.lists.len() as u32,
            buckets: self.buckets.len() as u32,
        }
    }
}

/// How much a further instance has registered of what the first one did.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Repeated {
    interests: u32,
    selectors: u32,
    counters: u32,
    limiters: u32,
    lists: u32,
    buckets: u32,
}

/// What `setup` does with a registration.
#[derive(Debug)]
pub(crate) enum Setup {
    /// The first instance: what it registers is compiled.
    Compile(Box<Registered>),
    /// A further instance: it must register the same again.
    Repeat(Box<Repeated>),
    /// No longer configuring.
    Closed,
}

type Index = Result<u32, String>;

impl Setup {
    /// The first instance's.
    pub(crate) fn compile() -> Self {
        Setup::Compile(Box::default())
    }

    /// A further instance's.
    pub(crate) fn repeat() -> Self {
        Setup::Repeat(Box::default())
    }

    pub(crate) fn interest(&mut self, known: &Registered, interest: Interest) -> Index {
        match self {
            Setup::Compile(new) => new.interests.add(interest).map_err(|error| error.to_string()),
            Setup::Repeat(next) => repeated(&mut next.interests, |index| known.interests.get(index) == Some(&interest)),
            Setup::Closed => Err(CLOSED.to_owned()),
        }
    }

    pub(crate) fn selector(&mut self, known: &Registered, source: &str) -> Index {
        match self {
            Setup::Compile(new) => {
                let selector = Selector::compile(source).map_err(|error| error.to_string())?;
                push(&mut new.selectors, selector, SELECTORS_MAX, "selectors")
            }
            Setup::Repeat(next) => repeated(&mut next.selectors, |index| {
                known.selectors.get(index as usize).is_some_and(|known| known.source() == source)
            }),
            Setup::Closed => Err(CLOSED.to_owned()),
        }
    }

    pub(crate) fn counter(&mut self, known: &Registered, reach: &Reach, name: String, help: &str) -> Index {
        match self {
            Setup::Compile(new) => {
                check_name(&name)?;
                room(&new.counters, COUNTERS_MAX, "counters")?;
                let help = &help[..help.floor_char_boundary(HELP_BYTES_MAX)];
                let value = reach.shared.counter(&reach.filter, &name, help)?;
                push(&mut new.counters, Named { name, value }, COUNTERS_MAX, "counters")
            }
            Setup::Repeat(next) => repeated(&mut next.counters, is_named(&known.counters, &name)),
            Setup::Closed => Err(CLOSED.to_owned()),
        }
    }

    pub(crate) fn limiter(&mut self, known: &Registered, reach: &Reach, name: String, rate: (u32, f64)) -> Index {
        let rate = Rate::new(rate.0, rate.1)?;
        match self {
            Setup::Compile(new) => {
                check_name(&name)?;
                room(&new.limiters, LIMITERS_MAX, "limiters")?;
                let value = Limited { limiter: reach.shared.limiter(&reach.filter, &name)?, rate };
                push(&mut new.limiters, Named { name, value }, LIMITERS_MAX, "limiters")
            }
            Setup::Repeat(next) => repeated(&mut next.limiters, |index| {
                let known = known.limiters.get(index as usize);
                known.is_some_and(|known| known.name == name && known.value.rate == rate)
            }),
            Setup::Closed => Err(CLOSED.to_owned()),
        }
    }

    pub(crate) fn list(&mut self, known: &Registered, reach: &Reach, name: String) -> Index {
        match self {
            Setup::Compile(new) => {
                granted(reach, Grant::List(name.clone()))?;
                let value = reach.lists.get(&name).cloned();
                let value =
                    value.ok_or_else(|| format!("there is no list \"{name}\"; describe it in [list.{name}]"))?;
                push(&mut new.lists, Named { name, value }, OPEN_MAX, "lists")
            }
            Setup::Repeat(next) => repeated(&mut next.lists, is_named(&known.lists, &name)),
            Setup::Closed => Err(CLOSED.to_owned()),
        }
    }

    pub(crate) fn bucket(&mut self, known: &Registered, reach: &Reach, name: String) -> Index {
        match self {
            Setup::Compile(new) => {
                granted(reach, Grant::Bucket(name.clone()))?;
                room(&new.buckets, OPEN_MAX, "buckets")?;
                let value = reach.shared.bucket(&name)?;
                push(&mut new.buckets, Named { name, value }, OPEN_MAX, "buckets")
            }
            Setup::Repeat(next) => repeated(&mut next.buckets, is_named(&known.buckets, &name)),
            Setup::Closed => Err(CLOSED.to_owned()),
        }
    }

    /// Ends `configure`: returns what is registered from now on, or `None` if a further instance registered less than the first.
    pub(crate) fn close(&mut self, known: &Arc<Registered>) -> Option<Arc<Registered>> {
        match std::mem::replace(self, Setup::Closed) {
            Setup::Compile(new) => Some(Arc::from(new)),
            Setup::Repeat(repeated) => (*repeated == known.counts()).then(|| known.clone()),
            Setup::Closed => Some(known.clone()),
        }
    }
}

fn at<T>(all: &[Named<T>], index: u32) -> Option<&T> {
    all.get(index as usize).map(|named| &named.value)
}

fn is_named<'a, T>(known: &'a [Named<T>], name: &'a str) -> impl FnOnce(u32) -> bool + 'a {
    move |index| known.get(index as usize).is_some_and(|known| known.name == name)
}

fn repeated(next: &mut u32, is_same: impl FnOnce(u32) -> bool) -> Index {
    if !is_same(*next) {
        return Err(DIFFERENT.to_owned());
    }
    *next += 1;
    Ok(*next - 1)
}

fn push<T>(all: &mut Vec<T>, one: T, max: usize, what: &str) -> Index {
    room(all, max, what)?;
    all.push(one);
    Ok(all.len() as u32 - 1)
}

fn room<T>(all: &[T], max: usize, what: &str) -> Result<(), String> {
    if all.len() < max { Ok(()) } else { Err(format!("a filter has at most {max} {what}")) }
}

/// The names end up in metrics, whose readers take no other.
fn check_name(name: &str) -> Result<(), String> {
    let valid = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    if !name.is_empty() && name.len() <= NAME_BYTES_MAX && name.bytes().all(valid) {
        return Ok(());
    }
    Err(format!("\"{}\" is no name of [a-z0-9_]", name.escape_debug()))
}

fn granted(reach: &Reach, grant: Grant) -> Result<(), String> {
    if reach.grants.has(&grant) { Ok(()) } else { Err(format!("\"{grant}\" is not granted to this filter")) }
}

#[cold]
fn missing(what: &str, index: u32, how: &str) -> wasmtime::Error {
    wasmtime::format_err!("{what} {index} was not {how} in `configure`")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a first instance registers: a limiter and a bucket.
    fn first(reach: &Reach) -> Arc<Registered> {
        let (nothing, mut setup) = (Arc::default(), Setup::compile());
        setup.limiter(&nothing, reach, "rate".to_owned(), (2, 1.0)).unwrap();
        setup.bucket(&nothing, reach, "seen".to_owned()).unwrap();
        setup.close(&nothing).unwrap()
    }

    fn reach() -> Reach {
        Reach { grants: Grants::from_iter([Grant::Bucket("seen".to_owned())]), ..Reach::default() }
    }

    #[test]
    fn a_further_instance_registers_the_same_and_gets_the_same_indexes() {
        let reach = reach();
        let (known, mut setup) = (first(&reach), Setup::repeat());
        assert_eq!(setup.limiter(&known, &reach, "rate".to_owned(), (2, 1.0)), Ok(0));
        assert_eq!(setup.bucket(&known, &reach, "seen".to_owned()), Ok(0));
        assert!(setup.close(&known).is_some());
    }

    #[test]
    fn what_differs_or_is_left_out_is_noticed() {
        let reach = reach();
        let (known, mut setup) = (first(&reach), Setup::repeat());
        assert_eq!(setup.limiter(&known, &reach, "rate".to_owned(), (3, 1.0)), Err(DIFFERENT.to_owned()));
        assert_eq!(setup.bucket(&known, &reach, "other".to_owned()), Err(DIFFERENT.to_owned()));
        assert!(setup.close(&known).is_none());
    }

    #[test]
    fn names_are_those_that_metrics_take() {
        let (nothing, reach, mut setup) = (Arc::default(), Reach::default(), Setup::compile());
        for name in ["", "Seen", "seen-by", "s\u{e9}en", &"s".repeat(65)] {
            assert!(setup.counter(&nothing, &reach, name.to_owned(), "").is_err(), "{name}");
        }
        assert_eq!(setup.counter(&nothing, &reach, "seen_2".to_owned(), ""), Ok(0));
    }
}
