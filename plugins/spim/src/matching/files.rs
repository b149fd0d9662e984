//! Signatures of files: by name, by hash.

use std::collections::HashMap;

use crate::text::Views;

/// Names and patterns of names.
#[derive(Debug, Default)]
pub(crate) struct Names {
    by_extension: HashMap<Box<str>, Vec<u32>>,
    whole: HashMap<Box<str>, Vec<u32>>,
    patterns: Vec<(u32, Box<str>)>,
}

/// Patterns are tried one by one.
const PATTERNS_MAX: usize = 256;

impl Names {
    /// Adds a name, in which `*` stands for any characters: `*.scr`, `invoice*.zip`, `setup.exe`.
    pub(crate) fn add(&mut self, place: u32, name: &str) -> Result<(), String> {
        let name = crate::text::folded(name.trim());
        if name.trim_matches(['*', '.']).is_empty() {
            return Err("names every file; write \"*.scr\" or \"setup.exe\"".into());
        }
        match name.strip_prefix("*.") {
            Some(extension) if !extension.contains(['*', '.']) => {
                self.by_extension.entry(extension.into()).or_default().push(place);
            }
            _ if !name.contains('*') => self.whole.entry(name.into()).or_default().push(place),
            _ if self.patterns.len() == PATTERNS_MAX => {
                return Err(format!("is one pattern with a `*` too many; there may be {PATTERNS_MAX} besides `*.ext`"));
            }
            _ => self.patterns.push((place, name.into())),
        }
        Ok(())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.by_extension.is_empty() && self.whole.is_empty() && self.patterns.is_empty()
    }

    /// Tells the places of the signatures that a folded name has.
    pub(crate) fn find(&self, name: &str, mut found: impl FnMut(u32)) {
        let name = name.trim();
        let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
        let known = self.by_extension.get(extension).into_iter().chain(self.whole.get(name)).flatten();
        known.for_each(|place| found(*place));
        self.patterns.iter().filter(|(_, pattern)| fits(name, pattern)).for_each(|(place, _)| found(*place));
    }
}

/// Whether a name is one of a pattern, by its parts from left to right.
fn fits(name: &str, pattern: &str) -> bool {
    let Some((first, more)) = pattern.split_once('*') else { return name == pattern };
    let Some(mut rest) = name.strip_prefix(first) else { return false };
    let (between, last) = more.rsplit_once('*').unwrap_or(("", more));
    for part in between.split('*') {
        let Some((_, behind)) = rest.split_once(part) else { return false };
        rest = behind;
    }
    rest.ends_with(last)
}

/// A name as a system reads it that saves the file, and the same without its disguise.
pub(crate) fn file_names(views: &Views) -> impl Iterator<Item = String> {
    let plain = views.revealed().iter().filter(|reading| !reading.is_leet).map(|reading| reading.text.as_str());
    std::iter::once(views.folded()).chain(plain).map(saved_name)
}

/// The last part of a path, decoded, without the dots and spaces at the end that Windows leaves out.
fn saved_name(name: &str) -> String {
    let is_end = |c: char| c.is_whitespace() || matches!(c, '.' | '"' | '\'' | '»' | ')' | ',' | ';');
    let name = decoded(name);
    name.trim_end_matches(is_end).rsplit(['/', '\\', ':']).next().unwrap_or_default().trim().to_owned()
}

/// Undoes percent-encoding (RFC 3986 §2.1).
fn decoded(text: &str) -> String {
    let mut parts = text.split('%');
    let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        let code = part.get(..2).filter(|code| code.bytes().all(|digit| digit.is_ascii_hexdigit()));
        match code.and_then(|code| u8::from_str_radix(code, 16).ok()).zip(part.get(2..)) {
            Some((byte, behind)) => bytes.extend(std::iter::once(byte).chain(behind.bytes())),
            None => bytes.extend(b"%".iter().chain(part.as_bytes())),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// A hash as XEP-0300 §2 writes it: the name of the function, and Base64.
pub(crate) fn hash(text: &str) -> Result<String, String> {
    let advice = "write \"sha-256:\" and the hash in Base64 or hexadecimal";
    let (function, value) = text.split_once(':').ok_or_else(|| format!("{text:?} names no function; {advice}"))?;
    let function = function.trim().to_ascii_lowercase();
    let Some(bytes) = length(&function) else {
        return Err(format!("{function:?} is no function of XEP-0300; {advice}"));
    };
    let value = value.trim();
    let decoded = if value.len() == 2 * bytes { from_hex(value) } else { from_base64(value) };
    match decoded {
        Some(hash) if hash.len() == bytes => Ok(key(&function, &hash)),
        _ => Err(format!("is no hash of {function}, which has {bytes} bytes; {advice}")),
    }
}

/// The key of a hash in a stanza, if it is one.
pub(crate) fn received(function: &str, value: &str) -> Option<String> {
    let value: String = value.chars().filter(|c| !c.is_whitespace()).collect();
    hash(&format!("{function}:{value}")).ok()
}

fn key(function: &str, hash: &[u8]) -> String {
    let hex: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{function}:{hex}")
}

/// The bytes that a function gives (XEP-0414 §3).
fn length(function: &str) -> Option<usize> {
    Some(match function {
        "md5" => 16,
        "sha-1" => 20,
        "sha-224" => 28,
        "sha-256" | "sha3-256" | "blake2b-256" => 32,
        "sha-384" => 48,
        "sha-512" | "sha3-512" | "blake2b-512" => 64,
        _ => return None,
    })
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digits = text.chars().map(|c| c.to_digit(16)).collect::<Option<Vec<_>>>()?;
    Some(digits.chunks(2).map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | *digit as u8)).collect())
}

fn from_base64(text: &str) -> Option<Vec<u8>> {
    let value = |c: u8| {
        Some(match c {
            b'A'..=b'Z' => c - b'A',
            b'a'..=b'z' => c - b'a' + 26,
            b'0'..=b'9' => c - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            _ => return None,
        })
    };
    let (mut bytes, mut bits, mut count) = (Vec::new(), 0_u32, 0);
    for c in text.trim_end_matches('=').bytes() {
        bits = bits << 6 | u32::from(value(c)?);
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count) as u8);
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finds(pattern: &str, name: &str) -> bool {
        let mut names = Names::default();
        names.add(7, pattern).expect("a name");
        let mut found = false;
        names.find(name, |place| found |= place == 7);
        found
    }

    #[test]
    fn files_are_found_by_name_and_pattern() {
        assert!(finds("*.SCR", "photo.jpg.scr") && !finds("*.scr", "scr") && !finds("*.scr", "a.scr.jpg"));
        assert!(finds("setup.exe", "setup.exe") && !finds("setup.exe", "my-setup.exe"));
        assert!(finds("invoice*.zip", "invoice-17.zip") && !finds("invoice*.zip", "my invoice.zip"));
        assert!(finds("*photo*.jpg.*", "my photo 1.jpg.exe") && !finds("*photo*.jpg.*", "photo.jpg"));
        assert!(Names::default().add(0, "*.*").is_err() && Names::default().add(0, "").is_err());
    }

    #[test]
    fn a_name_is_what_the_file_is_saved_as() {
        for sent in ["a.scr", "A.SCR. ", "C:\\tmp\\a.scr", "./x/a.scr", "a%2Escr", "«a.scr»", "photoa.ѕсr"] {
            let views = Views::of(sent.to_owned());
            assert!(file_names(&views).any(|name| name.ends_with("a.scr")), "{sent}");
        }
        assert_eq!(saved_name("100%.txt"), "100%.txt");
        assert_eq!(saved_name("%"), "%");
    }

    #[test]
    fn a_hash_is_one_in_whatever_way_it_is_written() {
        let hex = "sha-256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae";
        assert_eq!(hash("SHA-256:LCa0a2j/xo/5m0U8HTBBNBNCLXBkg7+g+YpeiGJm564=").as_deref(), Ok(hex));
        assert_eq!(hash(hex).as_deref(), Ok(hex));
        assert_eq!(received("sha-256", "LCa0a2j/xo/5m0U8\nHTBBNBNCLXBkg7+g+YpeiGJm564=").as_deref(), Some(hex));
        assert!(hash("sha-256:abc").is_err() && hash("crc:abc").is_err() && hash("abc").is_err());
    }
}
