//! Senders that a limit is not about.

use refrain_sdk::{Address, Problem};

/// Addresses, domains and `*.domain`, in the form the proxy shows them.
#[derive(Debug, Default)]
pub(crate) struct Except(Vec<String>);

impl Except {
    /// Adds an entry.
    pub(crate) fn add(&mut self, text: &str) -> Result<(), Problem> {
        let says = |advice: &str| Err(Problem::new("", format!("{text:?} {advice}")));
        if text.contains('/') {
            return says("has a resource; limits count bare addresses: write \"user@example.org\"");
        }
        let domain = text.split_once('@').map_or(text, |(_, domain)| domain);
        let is_wild = domain == text && text.starts_with("*.");
        let labels = if is_wild { &domain[2..] } else { domain };
        let is_label =
            |label: &str| !label.is_empty() && !label.contains(|c: char| c.is_whitespace() || "@*<>\"'&".contains(c));
        if text.starts_with('@') || !labels.split('.').all(is_label) {
            return says("is no address; write \"user@example.org\", \"example.org\" or \"*.example.org\"");
        }
        if labels.split('.').any(|label| label.to_ascii_lowercase().starts_with("xn--")) {
            return says("is in the ASCII form; write the domain as it is read, such as \"bücher.example\"");
        }
        self.0.push(text.to_lowercase());
        Ok(())
    }

    /// Whether an entry names this sender.
    pub(crate) fn names(&self, sender: Address<'_>) -> bool {
        self.0.iter().any(|entry| if entry.contains('@') { sender.bare() == entry } else { sender.is_at(entry) })
    }
}
