//! Signatures as regular expressions, so that one pass over a text tells all that match, in linear time whatever they are.

use refrain_sdk::Problem;
use regex::{RegexBuilder, RegexSet, RegexSetBuilder, escape};

use crate::settings::Signature;

/// Bytes of compiled program for one expression: what the longest honest ones take, and far from what nested repetitions ask for.
const REGEX_BYTES_MAX: usize = 1 << 20;

/// Bytes of compiled program for all signatures, of the 16 MiB that a filter has by default.
const SET_BYTES_MAX: usize = 6 << 20;

/// Bytes of states kept between texts. A set that needs more is slower, never wrong.
const CACHE_BYTES_MAX: usize = 1 << 20;

/// What must stand before a JID: no character that would make it part of a longer one.
const BEFORE_JID: &str = r"(?:^|[^\w.%+@-])";
/// What must stand before a host: nothing, a dot (then it is a subdomain), or what a URL may have there.
const BEFORE_HOST: &str = r"(?:^|[^\w@-]|://[^\s/?#]*@)";
/// What must stand after a domain: no further label, though a sentence may end.
const AFTER_DOMAIN: &str = r"(?:$|[^\w.-]|[.-](?:$|\W))";

/// Compiles all signatures into one set; the index of a match is that of its pattern.
pub(crate) fn compile(patterns: &[String]) -> Result<RegexSet, Problem> {
    let set = RegexSetBuilder::new(patterns)
        .case_insensitive(true)
        .size_limit(SET_BYTES_MAX)
        .dfa_size_limit(CACHE_BYTES_MAX)
        .build();
    set.map_err(|error| Problem::new("signatures", format!("are too many or too large: {error}")))
}

/// The signature at `path` as a regular expression.
pub(crate) fn of(signature: &Signature, path: &str) -> Result<String, Problem> {
    let Signature { text, regex, jid, url, .. } = signature;
    let (key, value, pattern): (_, _, fn(&str) -> Result<String, String>) = match (text, regex, jid, url) {
        (Some(value), None, None, None) => ("text", value, words),
        (None, Some(value), None, None) => ("regex", value, checked),
        (None, None, Some(value), None) => ("jid", value, address),
        (None, None, None, Some(value)) => ("url", value, link),
        (None, None, None, None) => {
            return Err(Problem::new(path, "looks for nothing; write `text`, `regex`, `jid` or `url`"));
        }
        _ => {
            return Err(Problem::new(
                path,
                "has more than one of `text`, `regex`, `jid` and `url`; write one signature each",
            ));
        }
    };
    let pattern = pattern(value).map_err(|message| Problem::new(format!("{path}.{key}"), message))?;
    Ok(if signature.case_sensitive { format!("(?-i){pattern}") } else { pattern })
}

fn words(text: &str) -> Result<String, String> {
    let words: Vec<_> = text.split_whitespace().map(escape).collect();
    if words.is_empty() { Err("is empty, which every text contains".into()) } else { Ok(words.join(r"\s+")) }
}

fn checked(regex: &str) -> Result<String, String> {
    let built = RegexBuilder::new(regex).case_insensitive(true).size_limit(REGEX_BYTES_MAX).build();
    match built {
        Ok(built) if built.is_match("") => Err("matches the empty text, and so every text".into()),
        Ok(_) => Ok(regex.to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

fn address(jid: &str) -> Result<String, String> {
    let jid = jid.strip_prefix("xmpp:").unwrap_or(jid);
    let (local, domain) = jid.split_once('@').unwrap_or(("", jid));
    if !is_domain(domain) || local.contains(char::is_whitespace) {
        return Err(format!("{jid:?} is no address; write \"user@example.org\", or \"example.org\" for all there"));
    }
    let local = if local.is_empty() { String::new() } else { format!("{BEFORE_JID}{}", escape(local)) };
    Ok(format!("{local}@{}{AFTER_DOMAIN}", escape(domain)))
}

fn link(url: &str) -> Result<String, String> {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let (host, path) = rest.find('/').map_or((rest, ""), |slash| rest.split_at(slash));
    if !is_domain(host) {
        return Err(format!("{url:?} has no host; write \"example.org\" or \"example.org/path\""));
    }
    let end = if path.len() > 1 { escape(path) } else { AFTER_DOMAIN.to_owned() };
    Ok(format!(r"{BEFORE_HOST}{}(?::\d+)?{end}", escape(host)))
}

fn is_domain(text: &str) -> bool {
    let is_label =
        |label: &str| !label.is_empty() && label.chars().all(|c| c.is_alphanumeric() || c == '-' || c == '_');
    text.contains('.') && text.split('.').all(is_label)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finds(pattern: Result<String, String>, text: &str) -> bool {
        compile(&[pattern.expect("a pattern")]).expect("a set").is_match(text)
    }

    #[test]
    fn words_stand_in_any_white_space_and_case() {
        assert!(finds(words("best casino bonus"), "The BEST casino\n  Bonus!"));
        assert!(finds(words("лучшее казино"), "ЛУЧШЕЕ КАЗИНО"));
        assert!(!finds(words("best casino bonus"), "the best bonus of the casino"));
        assert!(finds(words("100% (free)"), "it is 100% (free)"));
    }

    #[test]
    fn an_address_is_found_whole() {
        let jid = || address("sales@casino.example");
        assert!(finds(jid(), "sales@casino.example"));
        assert!(finds(jid(), "write to xmpp:Sales@Casino.example."));
        assert!(finds(jid(), "(sales@casino.example/web)"));
        assert!(!finds(jid(), "presales@casino.example"));
        assert!(!finds(jid(), "sales@casino.example.org"));
        assert!(!finds(jid(), "sales@casino.examples"));
    }

    #[test]
    fn a_domain_stands_for_all_addresses_there() {
        assert!(finds(address("casino.example"), "ask bob@casino.example, now"));
        assert!(!finds(address("casino.example"), "see casino.example"));
    }

    #[test]
    fn a_link_is_found_with_or_without_a_scheme() {
        for text in [
            "https://casino.example",
            "see casino.example!",
            "http://www.Casino.example:8080/x?y",
            "https://good.example@casino.example/",
            "casino.example.",
        ] {
            assert!(finds(link("casino.example"), text), "{text}");
        }
        for text in
            ["mycasino.example", "casino.example.org", "my-casino.example", "bob@casino.example", "casinoxexample"]
        {
            assert!(!finds(link("https://casino.example/"), text), "{text}");
        }
    }

    #[test]
    fn a_path_narrows_a_link() {
        assert!(finds(link("casino.example/win"), "https://casino.example/win/now"));
        assert!(!finds(link("casino.example/win"), "https://casino.example/lose"));
    }

    #[test]
    fn what_would_match_everything_is_refused() {
        assert!(words("  ").is_err());
        assert!(checked("a*").is_err());
    }

    #[test]
    fn an_expression_that_is_too_large_is_refused() {
        assert!(checked(r"(?:(?:\w{100}){100}){100}").is_err());
    }
}
