//! What a filter tells the host once, while it is configured: the stanzas it wants to see, the questions it will ask.

use crate::bindings::refrain::filter::setup as wit;
use crate::head::{BODY, ENCRYPTED, FORWARDED, KNOWN, MUC, STRANGER, SUBJECT};
use crate::{Bucket, Counter, Direction, Kind, Limiter, List, Problem, StanzaType, host};

/// Available while the filter is configured.
#[derive(Debug, Default)]
pub struct Setup {
    pub(crate) host: host::Setup,
}

impl Setup {
    /// Adds a rule by which the host picks the stanzas this filter sees. Rules are ORed; without one the filter sees all.
    ///
    /// Fails when there are more than 64 rules or a domain is none.
    pub fn interest(&mut self, interest: Interest) -> Result<Rule, Problem> {
        self.host.add_interest(interest.0).map(Rule).map_err(|message| Problem::new("", message))
    }

    /// Declares that no stanza is of interest: settings may leave a filter nothing to do.
    pub fn no_interest(&mut self) -> Result<(), Problem> {
        // Without any rule it would see all; nothing real has a payload of this name.
        self.interest(Interest::any().payload("urn:refrain:nothing")).map(|_| ())
    }

    /// Compiles a selector, the question "is there, below the stanza, …?", which the host answers natively.
    ///
    /// Steps `{namespace}name` are joined by `/` (child) or `//` (descendant); `*` is any name, `{*}` any namespace, a trailing
    /// `*` within the braces a prefix. `[@a='v']` or `[@a]` may follow a step, and the last step may be `/@a`, an attribute.
    /// Without braces a name is in the stanza's own namespace: `body`, `{jabber:x:oob}x/{jabber:x:oob}url`.
    pub fn selector(&mut self, path: &str) -> Result<Selector, Problem> {
        self.host.selector(path).map(Selector).map_err(|message| Problem::new("", message))
    }

    /// Compiles the selector of a payload: a child element of this namespace, whatever its name.
    ///
    /// ```
    /// # use refrain_sdk::*;
    /// struct NoGames { games: Selector }
    ///
    /// impl Filter for NoGames {
    ///     type Settings = NoSettings;
    ///
    ///     fn configure(_: NoSettings, setup: &mut Setup) -> Result<Self, Problems> {
    ///         Ok(NoGames { games: setup.payload("urn:example:games*")? })
    ///     }
    ///
    ///     fn on_stanza(&self, _: &Head, stanza: &Stanza<'_>) -> Verdict {
    ///         if stanza.test(self.games) { Verdict::Drop } else { Verdict::Pass }
    ///     }
    /// }
    /// # let stanza = "<message from='a@b.example' to='c@d.example'><move xmlns='urn:example:games:chess'/></message>";
    /// # assert_eq!(testing::verdict::<NoGames>("{}", stanza), Some(Verdict::Drop));
    /// ```
    pub fn payload(&mut self, namespace: &str) -> Result<Selector, Problem> {
        self.selector(&format!("{{{namespace}}}*"))
    }
}

/// What the host keeps for a filter beyond one instance and one call. Each is had once, here, and used by its handle.
///
/// ```
/// # use refrain_sdk::*;
/// /// Ten messages a minute from one sender, friends excepted.
/// struct Pace { friends: List, pace: Limiter, refused: Counter }
///
/// impl Filter for Pace {
///     type Settings = NoSettings;
///
///     fn about() -> About {
///         About::new().requests("list:friends")
///     }
///
///     fn configure(_: NoSettings, setup: &mut Setup) -> Result<Self, Problems> {
///         Ok(Pace {
///             friends: setup.list("friends")?,
///             pace: setup.limiter("pace", 10, 10.0 / 60.0)?,
///             refused: setup.counter("refused", "Messages that came too fast.")?,
///         })
///     }
///
///     fn on_stanza(&self, head: &Head, _: &Stanza<'_>) -> Verdict {
///         if self.friends.covers(&head.from) || self.pace.take(head.sender().bare()) {
///             return Verdict::Pass;
///         }
///         self.refused.add(1);
///         Verdict::bounce(Condition::ResourceConstraint).if_answerable(head)
///     }
/// }
/// # testing::with_list("friends", ["bob@far.example"]);
/// # let mut pace = testing::Tester::<Pace>::new("{}");
/// # let (eve, bob) = ("<message from='eve@evil.example/x' to='a@b.example'/>", "<message from='bob@far.example' to='a@b.example'/>");
/// # for _ in 0..10 { assert_eq!(pace.judge(eve), Some(Verdict::Pass)); }
/// # assert_ne!(pace.judge(eve), Some(Verdict::Pass));
/// # assert_eq!((pace.judge(bob), testing::counter("refused")), (Some(Verdict::Pass), 1));
/// # testing::advance(std::time::Duration::from_secs(6));
/// # assert_eq!(pace.judge(eve), Some(Verdict::Pass));
/// ```
impl Setup {
    /// A counter for the operator's metrics, by a name of `[a-z0-9_]`; at most 32. It goes on counting across reloads.
    pub fn counter(&mut self, name: &str, help: &str) -> Result<Counter, Problem> {
        self.host.counter(name, help).map(Counter).map_err(|message| Problem::new("", message))
    }

    /// Token buckets by key, of `burst` tokens, with `per_second` new ones; at most 16. All instances take from the same ones.
    pub fn limiter(&mut self, name: &str, burst: u32, per_second: f64) -> Result<Limiter, Problem> {
        self.host.limiter(name, burst, per_second).map(Limiter).map_err(|message| Problem::new("", message))
    }

    /// A list of the operator's. Needs the grant `list:NAME`, which [`About::requests`](crate::About::requests).
    pub fn list(&mut self, name: &str) -> Result<List, Problem> {
        self.host.list(name).map(List).map_err(|message| Problem::new("", message))
    }

    /// Values that instances and filters share. Needs the grant `bucket:NAME`, which
    /// [`About::requests`](crate::About::requests).
    pub fn bucket(&mut self, name: &str) -> Result<Bucket, Problem> {
        self.host.bucket(name).map(Bucket).map_err(|message| Problem::new("", message))
    }
}

/// An interest rule that the host accepted; see [`Head::matched`](crate::Head).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule(u32);

impl Rule {
    pub(crate) fn index(self) -> u32 {
        self.0
    }
}

/// A compiled selector.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Selector(u32);

impl Selector {
    pub(crate) fn index(self) -> u32 {
        self.0
    }
}

/// A rule by which the host picks stanzas: all that is said must hold, what is left out is any.
///
/// ```
/// use refrain_sdk::{Direction, Interest, Kind};
/// let files_from_outside = Interest::any().direction(Direction::Inbound).kind(Kind::Message).payload("jabber:x:oob");
/// ```
#[derive(Debug, Clone)]
pub struct Interest(wit::Interest);

impl Interest {
    /// Every stanza.
    pub fn any() -> Self {
        Interest(wit::Interest {
            directions: 0,
            kinds: 0,
            types: 0,
            bits_any: 0,
            payload_ns: Vec::new(),
            from_domains: Vec::new(),
            to_domains: Vec::new(),
            min_size: 0,
        })
    }

    /// Stanzas of this direction (or of another one named so).
    pub fn direction(mut self, direction: Direction) -> Self {
        self.0.directions |= 1 << direction as u8;
        self
    }

    /// Stanzas of this kind (or of another one named so).
    pub fn kind(mut self, kind: Kind) -> Self {
        self.0.kinds |= 1 << kind as u8;
        self
    }

    /// Stanzas of this type (or of another one named so).
    pub fn stanza_type(mut self, stanza_type: StanzaType) -> Self {
        self.0.types |= 1 << stanza_type as u32;
        self
    }

    /// Stanzas that have a body.
    pub fn body(mut self) -> Self {
        self.0.bits_any |= BODY;
        self
    }

    /// Stanzas that have a subject (or a body, if named so).
    pub fn subject(mut self) -> Self {
        self.0.bits_any |= SUBJECT;
        self
    }

    /// Stanzas that wrap others, carbons among them (or have another part named so).
    pub fn forwarded(mut self) -> Self {
        self.0.bits_any |= FORWARDED;
        self
    }

    /// Stanzas with an encrypted payload (or with another part named so).
    pub fn encrypted(mut self) -> Self {
        self.0.bits_any |= ENCRYPTED;
        self
    }

    /// Stanzas that belong to a room (or have a part named so).
    pub fn muc(mut self) -> Self {
        self.0.bits_any |= MUC;
        self
    }

    /// Stanzas between a local address and a remote one that is a stranger to it (or with another part named so); see
    /// [`Head::is_stranger`](crate::Head::is_stranger).
    ///
    /// ```
    /// # use refrain_sdk::*;
    /// /// A stranger's first words are text; what else they have to say can wait until they are answered.
    /// struct FirstWords { links: Selector }
    ///
    /// impl Filter for FirstWords {
    ///     type Settings = NoSettings;
    ///
    ///     fn configure(_: NoSettings, setup: &mut Setup) -> Result<Self, Problems> {
    ///         setup.interest(Interest::any().direction(Direction::Inbound).kind(Kind::Message).stranger())?;
    ///         Ok(FirstWords { links: setup.payload("jabber:x:oob")? })
    ///     }
    ///
    ///     fn on_stanza(&self, _: &Head, stanza: &Stanza<'_>) -> Verdict {
    ///         if stanza.test(self.links) { Verdict::Drop } else { Verdict::Pass }
    ///     }
    /// }
    /// # use testing::Relation::{Known, Stranger};
    /// # let link = "<message from='eve@evil.example/x' to='a@b.example'><x xmlns='jabber:x:oob'/></message>";
    /// # let mut tester = testing::Tester::<FirstWords>::new("{}");
    /// # assert_eq!(tester.judge_from(Stranger, link), Some(Verdict::Drop));
    /// # assert_eq!((tester.judge_from(Known, link), tester.judge(link)), (None, None));
    /// ```
    pub fn stranger(mut self) -> Self {
        self.0.bits_any |= STRANGER;
        self
    }

    /// Stanzas between a local address and a remote one that is known to it (or with another part named so).
    pub fn known(mut self) -> Self {
        self.0.bits_any |= KNOWN;
        self
    }

    /// Stanzas with a child element of this namespace (or of another one named so); a trailing `*` matches by prefix.
    pub fn payload(mut self, namespace: impl Into<String>) -> Self {
        self.0.payload_ns.push(namespace.into());
        self
    }

    /// Stanzas from this domain, or with a leading `*.` from its subdomains (or from another one named so).
    pub fn from_domain(mut self, domain: impl Into<String>) -> Self {
        self.0.from_domains.push(domain.into());
        self
    }

    /// Stanzas to this domain, or with a leading `*.` to its subdomains (or to another one named so).
    pub fn to_domain(mut self, domain: impl Into<String>) -> Self {
        self.0.to_domains.push(domain.into());
        self
    }

    /// Stanzas of at least this many bytes.
    pub fn min_size(mut self, bytes: u32) -> Self {
        self.0.min_size = bytes;
        self
    }
}
