//! What a text points to: hosts with their paths, and addresses.

use std::ops::Range;

use super::words::{has_no_spaces, is_alphanumeric};

/// What stands in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Mention<'t> {
    /// The local part, if it is an address.
    pub(crate) local: Option<&'t str>,
    pub(crate) host: &'t str,
    /// The byte where the host begins.
    pub(crate) at: usize,
    /// What follows the host and its port.
    pub(crate) rest: &'t str,
    /// Whether a scheme stands before it.
    pub(crate) has_scheme: bool,
}

/// Where a mention stands, for who keeps it beside its text.
#[derive(Debug, Clone, Copy)]
pub(super) struct Spot {
    at: usize,
    host_bytes: usize,
    local_bytes: usize,
    has_scheme: bool,
}

impl<'t> Mention<'t> {
    /// What a URL names on its host: up to a space, or what closes it in a text.
    pub(crate) fn path(&self) -> &'t str {
        let near = self.rest.get(..self.rest.floor_char_boundary(PATH_BYTES_MAX)).unwrap_or_default();
        [' ', '<', '>', '"'].into_iter().fold(near, |near, end| near.split(end).next().unwrap_or_default())
    }

    /// The last part of the path: the name of a file.
    pub(crate) fn file_name(&self) -> Option<&'t str> {
        if self.local.is_some() || !self.rest.starts_with('/') {
            return None;
        }
        let path = self.path().split('?').next()?.split('#').next()?;
        let name = path.rsplit('/').next()?.trim_end_matches(['.', ',', ')', '!', ';', ':']);
        (!name.is_empty()).then_some(name)
    }

    pub(super) fn spot(&self) -> Spot {
        let Mention { local, host, at, has_scheme, .. } = *self;
        Spot { at, host_bytes: host.len(), local_bytes: local.map_or(0, str::len), has_scheme }
    }

    /// The mention of a text that stands there.
    pub(super) fn at(text: &'t str, spot: Spot) -> Option<Self> {
        let Spot { at, host_bytes, local_bytes, has_scheme } = spot;
        let (host, behind) = text.get(at..)?.split_at_checked(host_bytes)?;
        let local = || text.get((at - 1).checked_sub(local_bytes)?..at - 1);
        let local = if local_bytes > 0 { local() } else { None };
        Some(Mention { local, host, at, rest: without_port(behind), has_scheme })
    }

    /// Without what its local part is written on to.
    fn with_short_local(self) -> Self {
        let short = |local: &'t str| local.rsplit(has_no_spaces).next().filter(|local| !local.is_empty());
        Mention { local: self.local.map(|local| short(local).unwrap_or(local)), ..self }
    }

    fn is_written_on(&self) -> bool {
        self.local.is_some_and(|local| local.contains(has_no_spaces))
    }
}

/// The mentions in a text whose white space is spaces, in order. One that is written on to a script without spaces between words is told
/// with it, and without.
pub(crate) fn mentions(text: &str) -> impl Iterator<Item = Mention<'_>> {
    let (mut done, mut tries, mut cuts) = (0, 0, 0);
    let mut run = Run::default();
    let mentions = dots(text).filter_map(move |at| {
        if at < done || tries == TRIES_MAX {
            return None;
        }
        tries += 1;
        let begin = begin_of(text, at, done);
        run = run.around(text, at);
        done = run.end;
        let whole = mention(text, begin, run.host_end);
        let (cut_begin, cut_end) = without_neighbours(text, begin..run.host_end, at);
        let is_cut = (cut_begin, cut_end) != (begin, run.host_end) || whole.is_some_and(|one| one.is_written_on());
        if !is_cut || cuts == CUTS_MAX {
            return Some([whole, None]);
        }
        cuts += 1;
        // Another may be written on to this one.
        done = cut_end;
        let cut = mention(text, cut_begin, cut_end).map(Mention::with_short_local);
        Some([whole, cut])
    });
    mentions.flatten().flatten().take(MENTIONS_MAX)
}

/// A domain name has at most 253 bytes (RFC 1035 §2.3.4); a local part may have more (RFC 7622 §3.3), which nobody types.
const HOST_BYTES_MAX: usize = 253;
const LOCAL_BYTES_MAX: usize = 256;

/// Longer paths are cut: each mention would go through all of a text without spaces.
const PATH_BYTES_MAX: usize = 1_024;

/// Nobody reads so many; and each costs some look-ups.
const MENTIONS_MAX: usize = 1_024;

/// What looks like a mention is looked at so often.
const TRIES_MAX: u32 = 4_096;

/// So many are cut out of what they are written on to.
const CUTS_MAX: u32 = 256;

/// The dots that may join labels. Most texts have none with a letter on both sides, which bytes tell faster than characters.
fn dots(text: &str) -> impl Iterator<Item = usize> {
    let bytes = text.as_bytes();
    let is_part = |at: usize| bytes.get(at).is_some_and(|b| !b.is_ascii() || b.is_ascii_alphanumeric());
    let joins = move |at: usize| at.checked_sub(1).is_some_and(is_part) && is_part(at + 1);
    let is_dot = move |at: usize| match bytes.get(at) {
        Some(b'.') => joins(at),
        _ => bytes.get(at..).is_some_and(|rest| rest.starts_with("。".as_bytes())),
    };
    let mut at = 0;
    let first_bytes = std::iter::from_fn(move || {
        let found = at + bytes.get(at..)?.iter().position(|byte| matches!(byte, b'.' | 0xe3))?;
        at = found + 1;
        Some(found)
    });
    first_bytes.filter(move |at| is_dot(*at))
}

fn begin_of(text: &str, at: usize, not_before: usize) -> usize {
    let before = text.get(not_before..at).unwrap_or_default();
    let mut behind = '.';
    let goes_on = |(_, c): &(usize, char)| is_host(*c) && !(is_dot(std::mem::replace(&mut behind, *c)) && is_dot(*c));
    let begin = before.char_indices().rev().take(HOST_BYTES_MAX).take_while(goes_on).last();
    not_before + begin.map_or(before.len(), |(begin, _)| begin)
}

/// Characters of hosts in a row: told once for all the dots in it, or a text without spaces would be gone through for each.
#[derive(Debug, Clone, Copy, Default)]
struct Run {
    end: usize,
    /// Where a host in it ends at last, which has no sign behind its letters.
    host_end: usize,
}

impl Run {
    /// The run that the dot is in. Two dots in a row end one, as dots of omission do.
    fn around(self, text: &str, at: usize) -> Self {
        if at < self.end {
            return self;
        }
        let (mut end, mut host_end, mut last_was_dot) = (at, at, false);
        for c in text.get(at..).unwrap_or_default().chars() {
            if !is_host(c) && !is_dot(c) || is_dot(c) && last_was_dot {
                break;
            }
            end += c.len_utf8();
            last_was_dot = is_dot(c);
            host_end = if is_alphanumeric(c) { end } else { host_end };
        }
        Run { end, host_end }
    }
}

/// What is left of a host around one of its dots without the letters of scripts that have no spaces between words.
fn without_neighbours(text: &str, host: Range<usize>, at: usize) -> (usize, usize) {
    let before = text.get(host.start..at).unwrap_or_default();
    let behind = text.get(at..host.end).unwrap_or_default();
    let begin = before.char_indices().rev().find(|(_, c)| has_no_spaces(*c)).map_or(0, |(at, c)| at + c.len_utf8());
    (host.start + begin, at + behind.find(has_no_spaces).unwrap_or(behind.len()))
}

fn mention(text: &str, begin: usize, end: usize) -> Option<Mention<'_>> {
    let whole = text.get(begin..end)?;
    let host = whole.trim_start_matches(['.', '-', '_']);
    let begin = begin + (whole.len() - host.len());
    let host = host.trim_end_matches(['.', '-', '_', '。']);
    if host.len() > HOST_BYTES_MAX || !is_domain(host) {
        return None;
    }
    let (before, behind) = (text.get(..begin)?, text.get(begin + host.len()..)?);
    let (local, has_scheme) = match before.strip_suffix('@') {
        Some(before) => authority(before)?,
        None => (None, before.ends_with("://")),
    };
    Some(Mention { local, host, at: begin, rest: without_port(behind), has_scheme })
}

/// What stands before the `@` of a host: a local part, or the user that a URL may name.
fn authority(before: &str) -> Option<(Option<&str>, bool)> {
    let near = before.get(before.floor_char_boundary(before.len().saturating_sub(LOCAL_BYTES_MAX))..)?;
    let begin = near.char_indices().rev().take_while(|(_, c)| is_local(*c)).last().map_or(near.len(), |(at, _)| at);
    let local = near.get(begin..)?;
    let word = near.rsplit(' ').next().filter(|word| word.contains('/'));
    let is_user = word
        .and_then(|word| word.rsplit_once("://"))
        .is_some_and(|(scheme, user)| !user.contains(['/', '?', '#']) && !scheme.ends_with("xmpp"));
    if is_user {
        return Some((None, true));
    }
    (!local.is_empty()).then_some((Some(local), false))
}

/// What follows a host, the dot of the root and a port.
fn without_port(after: &str) -> &str {
    let rooted = after.strip_prefix('.').filter(|rest| rest.starts_with(['/', ':']));
    let after = rooted.unwrap_or(after);
    match after.strip_prefix(':').map(|port| (port, port.trim_start_matches(|c: char| c.is_ascii_digit()))) {
        Some((port, rest)) if port.len() > rest.len() => rest,
        _ => after,
    }
}

/// RFC 3490 §3.1 names the second as one.
fn is_dot(c: char) -> bool {
    matches!(c, '.' | '。')
}

fn is_host(c: char) -> bool {
    is_alphanumeric(c) || matches!(c, '-' | '_' | '.')
}

/// Of what RFC 7622 §3.3 allows, what people have in addresses.
fn is_local(c: char) -> bool {
    is_alphanumeric(c) || matches!(c, '.' | '%' | '+' | '-' | '_' | '~' | '=' | '#' | '\\')
}

/// Whether a text is a domain name of at least two labels.
pub(crate) fn is_domain(text: &str) -> bool {
    let is_label = |label: &str| !label.is_empty() && label.chars().all(|c| is_host(c) && c != '.');
    text.contains(is_dot) && text.split(is_dot).all(is_label)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(text: &str) -> Vec<(Option<&str>, &str, &str)> {
        mentions(text).map(|mention| (mention.local, mention.host, mention.path())).collect()
    }

    #[test]
    fn hosts_and_addresses_are_told_apart() {
        assert_eq!(seen("see casino.example!"), [(None, "casino.example", "!")]);
        assert_eq!(seen("http://www.casino.example:8080/x?y z"), [(None, "www.casino.example", "/x?y")]);
        assert_eq!(
            seen("ask Bob@a.example, or xmpp:eve@b.example?join."),
            [(Some("Bob"), "a.example", ","), (Some("eve"), "b.example", "?join."),]
        );
        assert_eq!(
            seen("https://good.example@casino.example/"),
            [(None, "good.example", "@casino.example/"), (None, "casino.example", "/"),]
        );
        assert_eq!(seen("https://good.example/@casino.example"), [(None, "good.example", "/@casino.example")]);
        assert_eq!(seen("казино.рф и casino。example."), [(None, "казино.рф", ""), (None, "casino。example", ".")]);
        assert_eq!(seen("lobby@muc.lucky.example"), [(Some("lobby"), "muc.lucky.example", "")]);
        assert_eq!(seen("well... e. g. this. And that."), []);
    }

    #[test]
    fn two_dots_in_a_row_end_a_host() {
        assert_eq!(seen("see...casino.example"), [(None, "casino.example", "")]);
        assert_eq!(seen("casino.example..now"), [(None, "casino.example", "..now")]);
        assert_eq!(seen("a.example...b.example"), [(None, "a.example", "...b.example"), (None, "b.example", "")]);
    }

    #[test]
    fn what_is_written_on_to_scripts_without_spaces_is_seen_by_itself() {
        let hosts = |text| mentions(text).map(|mention| mention.host).collect::<Vec<_>>();
        assert_eq!(hosts("访问casino.example注册"), ["访问casino.example注册", "casino.example"]);
        assert!(hosts("访问casino.example或者lucky.example注册").contains(&"lucky.example"));
        assert_eq!(hosts("日本語.example"), ["日本語.example"]);
        assert_eq!(
            seen("联系sales@casino.example注册"),
            [(Some("联系sales"), "casino.example注册", ""), (Some("sales"), "casino.example", "注册")]
        );
        assert_eq!(seen("联系sales@casino.example")[1], (Some("sales"), "casino.example", ""));
        mentions(&"a.b注".repeat(30_000)).for_each(drop);
    }

    #[test]
    fn the_name_of_a_file_is_the_end_of_a_path() {
        let name = |text| mentions(text).next().and_then(|mention| mention.file_name());
        assert_eq!(name("https://a.example/x/photo.jpg.scr?y#z"), Some("photo.jpg.scr"));
        assert_eq!(name("https://a.example/"), None);
        assert_eq!(name("a.example"), None);
    }

    #[test]
    fn a_text_of_nothing_but_signs_is_gone_through_once() {
        for text in [".".repeat(100_000), "@".repeat(100_000), "a.".repeat(50_000), "a@".repeat(50_000)] {
            assert!(mentions(&text).count() <= 1);
        }
    }

    #[test]
    fn no_text_is_gone_through_again_and_again() {
        let texts = [
            "a.b注",
            "赌。场",
            "a。b",
            "a@b.",
            "a.",
            "@",
            "a.b/",
            "x@y.z ",
            "注a.b",
            "a.b/?",
            "://a@b.c",
            "_a.b",
            "a.b:1注",
        ];
        let ends = ["", "_", "z", "1"].map(|end| end.repeat(32 << 10));
        for (part, end) in texts.iter().flat_map(|part| ends.iter().map(move |end| (part, end))) {
            let text = part.repeat((64 << 10) / part.len()) + end;
            let measured = |_| {
                let begin = std::time::Instant::now();
                mentions(&text).for_each(|mention| _ = mention.file_name());
                begin.elapsed()
            };
            let took = (0..3).map(measured).min().unwrap_or_default();
            assert!(took.as_millis() < 100, "{part} takes {took:?}");
        }
    }
}
