//! Reads a conversation.

use super::notation::expand;
use super::observe::show_expected;
use super::{claim, facts, pair, validity};
use refrain_proto::auth::external;
use refrain_proto::{CertificateFacts, DomainPair, KeyClaim, Side, StreamCondition, Validity};
use std::time::Duration;

/// A conversation as written.
pub struct Script {
    pub opening: Opening,
    pub external: bool,
    pub dialback: bool,
    pub certificate_required: bool,
    pub tls_first: bool,
    pub lines: Vec<(usize, Line)>,
}

pub enum Opening {
    Receiving(Side),
    Initiating(DomainPair),
    Verifying(KeyClaim),
}

pub enum Line {
    PeerSends {
        bytes: Vec<u8>,
        at_once: bool,
    },
    /// What the observer should say next.
    Expect(String),
    Ask {
        question: String,
        answer: Option<Validity>,
    },
    Do(Command),
}

pub enum Command {
    Tls(Option<CertificateFacts>),
    DirectTls(Option<CertificateFacts>),
    Answer(DomainPair, Validity),
    Revoke(DomainPair),
    Close(Option<(StreamCondition, Option<String>)>),
    Eof,
    Write(u32),
    After(Duration),
}

impl Script {
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut script = Self {
            opening: Opening::Receiving(Side::Outside),
            external: true,
            dialback: true,
            certificate_required: true,
            tls_first: false,
            lines: Vec::new(),
        };
        let mut at_once = false;
        for (index, line) in text.lines().enumerate() {
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            if line == "! at once" {
                at_once = true;
                continue;
            }
            script
                .take(index + 1, line, std::mem::take(&mut at_once))
                .map_err(|e| format!("line {}: {e}", index + 1))?;
        }
        Ok(script)
    }

    fn take(&mut self, number: usize, line: &str, at_once: bool) -> Result<(), String> {
        let (mark, rest) = line.split_once(' ').ok_or("a line without a mark")?;
        if mark == "!" && self.take_setting(rest)? {
            return Ok(());
        }
        if let Some(domains) = line.strip_prefix("! proven ") {
            return proof(&pair(domains)?).lines().try_for_each(|line| self.take(number, line, false));
        }
        let line = match mark {
            ">" => Line::PeerSends { bytes: expand(rest), at_once },
            "<" => Line::Expect(show_expected(rest)?),
            "?" => question(rest)?,
            "=" => Line::Expect(rest.to_owned()),
            "!" => Line::Do(command(rest)?),
            _ => return Err(format!("unknown mark {mark}")),
        };
        self.lines.push((number, line));
        Ok(())
    }

    fn take_setting(&mut self, text: &str) -> Result<bool, String> {
        match text {
            "receiving outside" => self.opening = Opening::Receiving(Side::Outside),
            "receiving inside" => self.opening = Opening::Receiving(Side::Inside),
            "without external" => self.external = false,
            "without dialback" => self.dialback = false,
            "without required certificate" => self.certificate_required = false,
            _ => {
                if let Some(domains) = text.strip_prefix("initiating ") {
                    self.opening = Opening::Initiating(pair(domains)?);
                } else if let Some(text) = text.strip_prefix("verifying ") {
                    self.opening = Opening::Verifying(claim(text)?);
                } else {
                    self.tls_first |= text.starts_with("direct tls") || text.starts_with("proven ");
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }
}

/// How a peer proves a pair by its certificate, with nothing unusual about it.
fn proof(pair: &DomainPair) -> String {
    let (from, to, identity) = (&pair.from, &pair.to, external::encode(&pair.from));
    let certified = pair.from.to_ascii();
    let limits = "<limits xmlns='urn:xmpp:stream-limits:0'><max-bytes>262144</max-bytes><idle-seconds>1800</idle-seconds></limits>";
    let sasl = "urn:ietf:params:xml:ns:xmpp-sasl";
    format!(
        "! direct tls certificate {certified}\n> <stream from='{from}' to='{to}'>\n< <stream from='{to}' to='{from}' id='1'>\n\
         < <stream:features><mechanisms xmlns='{sasl}'><mechanism>EXTERNAL</mechanism></mechanisms>\
         <dialback xmlns='urn:xmpp:features:dialback'><errors/></dialback>{limits}</stream:features>\n\
         > <auth xmlns='{sasl}' mechanism='EXTERNAL'>{identity}</auth>\n< <success xmlns='{sasl}'/>\n\
         > <stream from='{from}' to='{to}'>\n< <stream from='{to}' to='{from}' id='1'>\n\
         < <stream:features>{limits}</stream:features>\n= authenticated {pair} by external\n"
    )
}

fn question(text: &str) -> Result<Line, String> {
    if let Some((question, answer)) = text.split_once(" answer ") {
        let answer = if answer == "later" { None } else { Some(validity(answer)?) };
        return Ok(Line::Ask { question: question.to_owned(), answer });
    }
    for event in ["stanza ", "malformed "] {
        if let Some(xml) = text.strip_prefix(event).filter(|xml| xml.starts_with('<')) {
            let xml = String::from_utf8(expand(xml)).map_err(|error| error.to_string())?;
            return Ok(Line::Expect(format!("{event}{}", show_expected(&xml)?.trim_start_matches("sent "))));
        }
    }
    Ok(Line::Expect(text.to_owned()))
}

fn command(text: &str) -> Result<Command, String> {
    let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
    match word {
        "tls" => Ok(Command::Tls(facts(rest)?)),
        "direct" => Ok(Command::DirectTls(facts(rest.strip_prefix("tls ").unwrap_or(rest))?)),
        "answer" => {
            let (domains, answer) = rest.rsplit_once(' ').ok_or("no answer")?;
            Ok(Command::Answer(pair(domains)?, validity(answer)?))
        }
        "revoke" => Ok(Command::Revoke(pair(rest)?)),
        "close" if rest.is_empty() => Ok(Command::Close(None)),
        "close" => Ok(Command::Close(Some((rest.parse().map_err(|_| "no condition")?, None)))),
        "eof" => Ok(Command::Eof),
        "write" => rest.parse().map(Command::Write).map_err(|_| "no number".to_owned()),
        "after" => {
            let seconds = rest.strip_suffix(" s").and_then(|seconds| seconds.parse().ok()).ok_or("no duration")?;
            Ok(Command::After(Duration::from_secs(seconds)))
        }
        _ => Err(format!("unknown command {text}")),
    }
}
