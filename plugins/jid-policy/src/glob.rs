//! Globs: `*` stands for any characters, also none, `?` for exactly one. Neither crosses the `@` or the `/` of an address.

use std::fmt;

use refrain_sdk::Address;

/// A pattern of an address with a wildcard in some part.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Glob {
    /// Of a domain alone it is absent: then any local part will do, or none.
    pub(crate) local: Option<String>,
    pub(crate) domain: String,
    /// Absent, any resource will do, or none.
    pub(crate) resource: Option<String>,
}

impl Glob {
    /// Whether it matches a prepared address.
    pub(crate) fn matches(&self, address: Address<'_>) -> bool {
        let part = |glob: &Option<String>, part: Option<&str>| match (glob, part) {
            (None, _) => true,
            (Some(glob), Some(part)) => matches(glob, part),
            (Some(_), None) => false,
        };
        // `example.org/x*` is of the server itself, as `example.org/x` is.
        let is_of_server = self.local.is_none() && self.resource.is_some();
        matches(&self.domain, address.domain())
            && !(is_of_server && address.local().is_some())
            && part(&self.local, address.local())
            && part(&self.resource, address.resource())
    }

    /// The domain, if it has no wildcard.
    pub(crate) fn exact_domain(&self) -> Option<&str> {
        (!is_wild(&self.domain)).then_some(&self.domain)
    }
}

impl fmt::Display for Glob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.local.iter().try_for_each(|local| write!(f, "{local}@"))?;
        f.write_str(&self.domain)?;
        self.resource.iter().try_for_each(|resource| write!(f, "/{resource}"))
    }
}

/// Whether a text has a wildcard.
pub(crate) fn is_wild(text: &str) -> bool {
    text.contains(['*', '?'])
}

/// Whether `glob` matches all of `text`. It goes back to the last `*` only, so it takes at most the product of both lengths.
pub(crate) fn matches(glob: &str, text: &str) -> bool {
    let (mut glob, mut text) = (glob.chars(), text.chars());
    let mut last_star = None;
    loop {
        let here = text.clone();
        match (glob.next(), text.next()) {
            (None, None) => return true,
            (Some('*'), _) => {
                // It stands for nothing at first, and for one character more each time that is not enough.
                text = here.clone();
                last_star = Some((glob.clone(), here));
            }
            (Some('?'), Some(_)) => {}
            (Some(expected), Some(found)) if expected == found => {}
            (_, None) => return false,
            (_, Some(_)) => {
                let Some((behind_star, mut from)) = last_star.take() else { return false };
                from.next();
                (glob, text) = (behind_star.clone(), from.clone());
                last_star = Some((behind_star, from));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_stand_for_runs_and_single_characters() {
        for (glob, text) in [
            ("*", ""),
            ("*", "a"),
            ("a*", "a"),
            ("*a", "ba"),
            ("a*c", "abbc"),
            ("a?c", "aéc"),
            ("*a*b*", "xaxbx"),
            ("a**b", "ab"),
            ("*ab", "aab"),
        ] {
            assert!(matches(glob, text), "{glob} {text}");
        }
        for (glob, text) in [
            ("", "a"),
            ("?", ""),
            ("a?", "a"),
            ("a*c", "abd"),
            ("*a", "ab"),
            ("a", "ab"),
            ("ab", "a"),
            ("*ab*c", "abab"),
        ] {
            assert!(!matches(glob, text), "{glob} {text}");
        }
    }

    #[test]
    fn many_stars_take_no_longer_than_the_product() {
        let (glob, text) = (format!("{}b", "*a".repeat(100)), "a".repeat(1_000));
        assert!(!matches(&glob, &text));
    }

    #[test]
    fn no_wildcard_crosses_a_delimiter() {
        let glob = |local: Option<&str>, domain: &str, resource: Option<&str>| Glob {
            local: local.map(Into::into),
            domain: domain.into(),
            resource: resource.map(Into::into),
        };
        let matches = |glob: &Glob, text| glob.matches(Address::of(text));
        let any_user = glob(Some("*"), "x.example", None);
        assert!(
            matches(&any_user, "a@x.example/r")
                && !matches(&any_user, "x.example")
                && !matches(&any_user, "a@y.x.example")
        );
        let server = glob(None, "x.example", Some("*"));
        assert!(
            matches(&server, "x.example/r") && !matches(&server, "a@x.example/r") && !matches(&server, "x.example")
        );
        assert!(matches(&glob(None, "*.example", None), "a@b.c.example/r"));
    }
}
