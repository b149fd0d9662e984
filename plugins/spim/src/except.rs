//! Whose stanzas are never looked at.

use refrain_sdk::{Address, List, Problem, Problems};

/// Addresses, domains and `*.domain`, in the form the proxy shows them, and lists of the operator's.
#[derive(Debug, Default)]
pub(crate) struct Except {
    entries: Vec<String>,
    pub(crate) lists: Vec<List>,
}

impl Except {
    /// The entries of a setting.
    pub(crate) fn new(key: &str, texts: &[String], problems: &mut Problems) -> Self {
        Except { entries: addresses(key, texts, problems), lists: Vec::new() }
    }

    /// Whether an entry names this address.
    pub(crate) fn names(&self, address: Address<'_>) -> bool {
        let is = |entry: &String| if entry.contains('@') { address.bare() == entry } else { address.is_at(entry) };
        self.entries.iter().any(is) || self.lists.iter().any(|list| list.covers(address.as_str()))
    }
}

/// The entries of a setting, as the proxy shows them.
pub(crate) fn addresses(key: &str, texts: &[String], problems: &mut Problems) -> Vec<String> {
    let checked = |(place, text): (usize, &String)| {
        problems.take(address(text, true).map_err(|problem| problem.at(format!("{key}[{place}]"))))
    };
    texts.iter().enumerate().filter_map(checked).collect()
}

/// An address without resource, or if `wide` a domain or `*.domain`, as the proxy shows it.
pub(crate) fn address(text: &str, wide: bool) -> Result<String, Problem> {
    let says = |advice: &str| Err(Problem::new("", format!("{text:?} {advice}")));
    if text.contains('/') {
        return says("has a resource; write a bare address: \"user@example.org\"");
    }
    let domain = text.split_once('@').map_or(text, |(_, domain)| domain);
    if domain == text && !wide {
        return says("is no address of somebody; write \"user@example.org\"");
    }
    let labels = if domain == text { domain.strip_prefix("*.").unwrap_or(domain) } else { domain };
    let is_label =
        |label: &str| !label.is_empty() && !label.contains(|c: char| c.is_whitespace() || "@*<>\"'&".contains(c));
    if text.starts_with('@') || !labels.split('.').all(is_label) {
        return says("is no address; write \"user@example.org\", \"example.org\" or \"*.example.org\"");
    }
    if labels.split('.').any(|label| label.to_ascii_lowercase().starts_with("xn--")) {
        return says("is in the ASCII form; write the domain as it is read, such as \"bücher.example\"");
    }
    Ok(text.to_lowercase())
}
