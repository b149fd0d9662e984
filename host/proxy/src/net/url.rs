//! Where a list is fetched: `https`, a host, a path. Anything else of a URL is refused with words.

use std::fmt;

use hyper::Uri;

/// Of the https scheme (RFC 9110 §4.2.2).
const DEFAULT_PORT: u16 = 443;
/// RFC 9110 §4.1 asks for 8000 octets at least.
const BYTES_MAX: usize = 8_000;

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
        let target = uri.path_and_query().map_or("/", |target| target.as_str());
        Ok(HttpsUrl {
            host: host.to_ascii_lowercase(),
            port: authority.port_u16().unwrap_or(DEFAULT_PORT),
            target: target.to_owned(),
        })
    }

    /// Where a redirect leads (RFC 9110 §10.2.2), if that is `https` again.
    pub fn follow(&self, location: &str) -> Result<Self, String> {
        if let Some(rest) = location.strip_prefix("//") {
            return Self::parse(&format!("https://{rest}"));
        }
        if location.starts_with('/') {
            return Self::parse(&format!("https://{}{location}", self.authority()));
        }
        let scheme = location.split_once(':').map(|(scheme, _)| scheme);
        if scheme.is_some_and(|scheme| !scheme.contains(['/', '?'])) {
            return Self::parse(location);
        }
        let folder = self.path().rsplit_once('/').map_or("", |(folder, _)| folder);
        Self::parse(&format!("https://{}{folder}/{location}", self.authority()))
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

    /// Host and path, as logs and notes name it: a query may hold what only the server should see.
    pub fn label(&self) -> String {
        format!("{}{}", self.authority(), self.path().trim_end_matches('/'))
    }

    fn path(&self) -> &str {
        self.target.split_once('?').map_or(&self.target, |(path, _)| path)
    }
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
        assert_eq!((url.label().as_str(), url.target()), ("lists.example:8443/a/b.txt", "/a/b.txt?token=secret"));
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
}
