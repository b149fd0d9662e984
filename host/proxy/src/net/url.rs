//! Where a list is fetched: `https`, a host, a path. Anything else of a URL is refused with words.

use std::fmt;

use hyper::Uri;
use sha2::{Digest as _, Sha256};

/// Of the https scheme (RFC 9110 §4.2.2).
const DEFAULT_PORT: u16 = 443;
/// RFC 9110 §4.1 asks for 8000 octets at least.
const BYTES_MAX: usize = 8_000;
/// Enough to tell the queries of one configuration from each other, and too few to learn one by trying.
const QUERY_DIGITS: usize = 6;

/// An absolute `https` URL without user and fragment.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct HttpsUrl {
    host: String,
    port: u16,
    /// Path and query, as they stand in a request.
    target: String,
}

impl HttpsUrl {
    /// Reads it.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.len() > BYTES_MAX {
            return Err(format!("has more than {BYTES_MAX} bytes"));
        }
        let text = text.split_once('#').map_or(text, |(before, _)| before);
        let uri: Uri = text.parse().map_err(|error| format!("is no URL: {error}"))?;
        if uri.scheme_str() != Some("https") {
            return Err("does not begin with https://".to_owned());
        }
        let authority = uri.authority().ok_or("names no host")?;
        if authority.as_str().contains('@') {
            return Err("names a user, who would be seen in logs".to_owned());
        }
        let host = authority.host().trim_start_matches('[').trim_end_matches(']');
        if host.is_empty() {
            return Err("names no host".to_owned());
        }
        let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
        Ok(HttpsUrl {
            host: host.to_ascii_lowercase(),
            port: authority.port_u16().unwrap_or(DEFAULT_PORT),
            target: without_dots(uri.path()) + &query,
        })
    }

    /// Where a redirect leads (RFC 9110 §10.2.2, RFC 3986 §5.2), if that is `https` again.
    pub fn follow(&self, location: &str) -> Result<Self, String> {
        let scheme = location.split_once(':').map(|(scheme, _)| scheme);
        if scheme.is_some_and(|scheme| !scheme.contains(['/', '?', '#'])) {
            return Self::parse(location);
        }
        if location.starts_with("//") {
            return Self::parse(&format!("https:{location}"));
        }
        let target = match location.chars().next() {
            None | Some('#') => self.target.clone(),
            Some('?') => format!("{}{location}", self.path()),
            Some('/') => location.to_owned(),
            Some(_) => {
                let folder = self.path().rsplit_once('/').map_or("", |(folder, _)| folder);
                format!("{folder}/{location}")
            }
        };
        Self::parse(&format!("https://{}{target}", self.authority()))
    }

    /// The name or the address of the server, without brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// What is asked for.
    pub fn target(&self) -> &str {
        &self.target
    }

    /// Host and, unless it is the usual one, port, as in the header `Host`.
    pub fn authority(&self) -> String {
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        if self.port == DEFAULT_PORT { host } else { format!("{host}:{}", self.port) }
    }

    /// Host and path, as logs and notes name it: a query may hold what only the server should see. Some digits of its hash tell it
    /// from another one.
    pub fn label(&self) -> String {
        let path = if self.path() == "/" { "" } else { self.path() };
        let query = self.target.split_once('?').map(|(_, query)| format!("{:x}", Sha256::digest(query)));
        let query = query.map(|digest| format!("#{}", &digest[..QUERY_DIGITS])).unwrap_or_default();
        format!("{}{path}{query}", self.authority())
    }

    fn path(&self) -> &str {
        self.target.split_once('?').map_or(&self.target, |(path, _)| path)
    }
}

/// RFC 3986 §5.2.4.
fn without_dots(path: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    for segment in path.split('/').skip(1) {
        match segment {
            "." => {}
            ".." => _ = kept.pop(),
            segment => kept.push(segment),
        }
    }
    // What ends with dots is a folder.
    if matches!(path.rsplit('/').next(), Some("." | "..")) {
        kept.push("");
    }
    format!("/{}", kept.join("/"))
}

/// The whole URL, to tell one from another; for people there is [`label`](HttpsUrl::label).
impl fmt::Display for HttpsUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "https://{}{}", self.authority(), self.target)
    }
}

impl fmt::Debug for HttpsUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.label())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> HttpsUrl {
        HttpsUrl::parse(text).unwrap()
    }

    #[test]
    fn a_label_keeps_the_query_to_itself() {
        let url = url("https://Lists.Example:8443/a/b.txt?token=secret#top");
        // printf token=secret | sha256sum
        assert_eq!(
            (url.label().as_str(), url.target()),
            ("lists.example:8443/a/b.txt#135922", "/a/b.txt?token=secret")
        );
        assert_eq!(url.to_string(), "https://lists.example:8443/a/b.txt?token=secret");
        assert_eq!(HttpsUrl::parse("https://[2001:db8::1]").unwrap().authority(), "[2001:db8::1]");
    }

    #[test]
    fn what_is_not_https_is_refused() {
        for wrong in
            ["http://x.example/", "ftp://x.example/", "/list", "x.example", "https://", "https://a:b@x.example/"]
        {
            assert!(HttpsUrl::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_redirect_leads_to_https_or_nowhere() {
        let from = url("https://x.example:8443/a/b.txt?q");
        let follow = |location| from.follow(location).map(|url| url.to_string());
        assert_eq!(follow("/c").as_deref(), Ok("https://x.example:8443/c"));
        assert_eq!(follow("c.txt").as_deref(), Ok("https://x.example:8443/a/c.txt"));
        assert_eq!(follow("//y.example/c").as_deref(), Ok("https://y.example/c"));
        assert_eq!(follow("https://y.example").as_deref(), Ok("https://y.example/"));
        assert!(follow("http://y.example/c").is_err() && follow("file:/etc/passwd").is_err());
    }

    /// RFC 3986 §5.4.
    #[test]
    fn a_redirect_may_be_relative_in_every_way() {
        let from = url("https://a.example/b/c/d;p?q");
        for (location, expected) in [
            ("", "/b/c/d;p?q"),
            ("#s", "/b/c/d;p?q"),
            ("?y", "/b/c/d;p?y"),
            ("?url=https://x.example/", "/b/c/d;p?url=https://x.example/"),
            ("g?y#s", "/b/c/g?y"),
            (";x", "/b/c/;x"),
            (".", "/b/c/"),
            ("./g/", "/b/c/g/"),
            ("..", "/b/"),
            ("../g", "/b/g"),
            ("../../../g", "/g"),
            ("/./g/../h?x=../y", "/h?x=../y"),
            ("..g", "/b/c/..g"),
        ] {
            let followed = from.follow(location).map(|url| url.target().to_owned());
            assert_eq!(followed.as_deref(), Ok(expected), "{location}");
        }
    }

    #[test]
    fn addresses_that_differ_have_labels_that_differ() {
        let all = ["https://x.example/a", "https://x.example/a/", "https://x.example/a?b", "https://x.example/a?c"];
        let labels: std::collections::BTreeSet<String> = all.iter().map(|text| url(text).label()).collect();
        assert_eq!(labels.len(), all.len(), "{labels:?}");
        assert_eq!(url("https://x.example/").label(), "x.example");
    }
}
