//! Who is never looked at.

use refrain_sdk::{Address, List, Problem};

/// Addresses, domains and `*.domain`, in the form the proxy shows them, and lists of the operator's.
#[derive(Debug, Default)]
pub(crate) struct Except {
    entries: Vec<String>,
    pub(crate) lists: Vec<List>,
}

impl Except {
    /// Adds an entry.
    pub(crate) fn add(&mut self, text: &str) -> Result<(), Problem> {
        self.entries.push(address(text, true)?);
        Ok(())
    }

    /// Whether an entry names this sender.
    pub(crate) fn names(&self, sender: Address<'_>) -> bool {
        let is = |entry: &String| if entry.contains('@') { sender.bare() == entry } else { sender.is_at(entry) };
        self.entries.iter().any(is) || self.lists.iter().any(|list| list.covers(sender.as_str()))
    }
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
