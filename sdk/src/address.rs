//! The parts of an address.

use crate::Head;

/// An address, in its parts (RFC 7622 §3.1).
///
/// The addresses of a [`Head`] are prepared: equal ones are equal texts. Others are taken apart as they are written.
///
/// ```
/// use refrain_sdk::Address;
///
/// let address = Address::of("alice@home.example/desk@work");
/// assert_eq!(address.local(), Some("alice"));
/// assert_eq!(address.domain(), "home.example");
/// assert_eq!(address.resource(), Some("desk@work"));
/// assert_eq!(address.bare(), "alice@home.example");
/// assert!(Address::of("a@muc.home.example").is_at("*.home.example"));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Address<'a> {
    text: &'a str,
}

impl<'a> Address<'a> {
    /// Takes a text as an address. One that is none has parts too, which match nothing real.
    pub fn of(text: &'a str) -> Self {
        Address { text }
    }

    /// The whole.
    pub fn as_str(self) -> &'a str {
        self.text
    }

    /// The address without its resource.
    pub fn bare(self) -> &'a str {
        self.text.split_once('/').map_or(self.text, |(bare, _)| bare)
    }

    /// The part before the `@`: the user or room. Servers and components have none.
    pub fn local(self) -> Option<&'a str> {
        self.bare().split_once('@').map(|(local, _)| local)
    }

    /// The domain.
    pub fn domain(self) -> &'a str {
        self.bare().split_once('@').map_or(self.bare(), |(_, domain)| domain)
    }

    /// The part behind the first `/`: a user's client, or the nick of a room's occupant.
    pub fn resource(self) -> Option<&'a str> {
        self.text.split_once('/').map(|(_, resource)| resource)
    }

    /// Whether it is of a server or component as such.
    pub fn is_domain(self) -> bool {
        self.local().is_none() && self.resource().is_none()
    }

    /// Whether its domain is this one or, with a leading `*.`, a subdomain of it.
    pub fn is_at(self, domain: &str) -> bool {
        match domain.strip_prefix("*.") {
            None => self.domain() == domain,
            Some(parent) => {
                self.domain().strip_suffix(parent).is_some_and(|child| child.len() > 1 && child.ends_with('.'))
            }
        }
    }
}

impl Head {
    /// The authenticated sender.
    ///
    /// ```
    /// # use refrain_sdk::*;
    /// fn is_from_admin(head: &Head) -> bool {
    ///     head.sender().local() == Some("admin")
    /// }
    /// ```
    pub fn sender(&self) -> Address<'_> {
        Address::of(&self.from)
    }

    /// The addressee.
    pub fn recipient(&self) -> Address<'_> {
        Address::of(&self.to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_text_has_parts() {
        for text in ["", "@", "/", "a@", "@b", "a@b@c", "a/b/c@d", "é@ü/ö", "//", "@/@"] {
            let address = Address::of(text);
            let (local, resource) = (address.local().unwrap_or_default(), address.resource().unwrap_or_default());
            assert!(local.len() + address.domain().len() + resource.len() <= text.len(), "{text}");
            assert!(!address.is_at("*.example"), "{text}");
        }
    }

    #[test]
    fn a_server_has_no_local_part() {
        assert!(Address::of("home.example").is_domain());
        assert!(!Address::of("home.example/x").is_domain());
        assert_eq!(Address::of("home.example/a@b").local(), None);
    }

    #[test]
    fn a_wildcard_is_of_subdomains_alone() {
        let is_at = |domain: &str| Address::of("a@x.b.example").is_at(domain);
        assert!(is_at("x.b.example") && is_at("*.b.example") && is_at("*.example"));
        assert!(!is_at("b.example") && !is_at("*.x.b.example") && !is_at("*..b.example"));
        assert!(!Address::of("a@notb.example").is_at("*.b.example"));
    }
}
