//! What a filter says of itself before it runs.

/// What a filter asks of the operator and how it is tested: its part of the manifest, which is packed into the component.
///
/// ```
/// use refrain_sdk::About;
///
/// const CASES: &str = "[[case]]\nname = \"a ping passes\"\n…";
/// let about = About::new().requests("list:spammers").deadline_ms(5).self_test(CASES);
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct About {
    pub(crate) requests: Vec<&'static str>,
    pub(crate) deadline_ms: Option<u32>,
    pub(crate) memory_mib: Option<u32>,
    pub(crate) self_test: Vec<&'static str>,
}

impl About {
    /// A filter that needs no grant beyond what it imports, with the host's own limits, and is not tested before it goes live.
    pub fn new() -> Self {
        About::default()
    }

    /// Asks for a grant: `accept`, `edit-addresses`, `list:NAME`, `bucket:NAME`.
    ///
    /// `edit`, `redirect` and `close-stream` need not be asked for: they are seen in what the component imports.
    pub fn requests(mut self, grant: &'static str) -> Self {
        self.requests.push(grant);
        self
    }

    /// Proposes how long one stanza may take. The operator's configuration has the last word.
    pub fn deadline_ms(mut self, milliseconds: u32) -> Self {
        self.deadline_ms = Some(milliseconds);
        self
    }

    /// Proposes how much memory an instance may have. The operator's configuration has the last word.
    pub fn memory_mib(mut self, mebibytes: u32) -> Self {
        self.memory_mib = Some(mebibytes);
        self
    }

    /// Adds a file of golden cases, which the proxy plays before the filter goes live: `self_test(include_str!("../cases/a.toml"))`.
    ///
    /// A few stanzas are enough to show that the filter works on this machine. The file is part of the component.
    pub fn self_test(mut self, cases: &'static str) -> Self {
        self.self_test.push(cases);
        self
    }
}
