//! Strict XML from the outside: what is refused, and that neither the reads nor the way it was written change what is read.

mod limits;
mod properties;
mod refusals;
mod stream;
mod writing;

use refrain_proto::limits::XmlLimits;
use refrain_proto::xml::{Element, Reader, Token, XmlError};

const HEADER: &str = "<?xml version='1.0'?><stream:stream xmlns='jabber:server' \
    xmlns:stream='http://etherx.jabber.org/streams' xmlns:db='jabber:server:dialback' to='home.example' version='1.0'>";

/// What a stream came to, in order; an error is the end of it.
#[derive(Debug, PartialEq)]
enum Found {
    Header(String),
    Element(String, u32),
    Close,
    Error(XmlError),
}

/// Reads the pieces as so many reads.
fn read<'a>(limits: &XmlLimits, pieces: impl IntoIterator<Item = &'a [u8]>) -> Vec<Found> {
    let (mut reader, mut element, mut found) = (Reader::new(limits.clone()), Element::default(), Vec::new());
    for piece in pieces {
        reader.feed(piece);
        loop {
            found.push(match reader.next(&mut element) {
                Ok(None) => break,
                Ok(Some(Token::Header)) => Found::Header(element.to_xml()),
                Ok(Some(Token::Element)) => Found::Element(element.to_xml(), element.received_bytes()),
                Ok(Some(Token::Close)) => Found::Close,
                Err(error) => {
                    found.push(Found::Error(error));
                    return found;
                }
            });
        }
    }
    found
}

fn read_whole(bytes: &[u8]) -> Vec<Found> {
    read(&XmlLimits::default(), [bytes])
}

/// Reads a stanza after the usual header; also byte by byte, which must come to the same.
fn stanza(xml: impl AsRef<[u8]>) -> Result<String, XmlError> {
    stanza_within(&XmlLimits::default(), xml)
}

fn stanza_within(limits: &XmlLimits, xml: impl AsRef<[u8]>) -> Result<String, XmlError> {
    let bytes = [HEADER.as_bytes(), xml.as_ref()].concat();
    let whole = read(limits, [bytes.as_slice()]);
    assert_eq!(whole, read(limits, bytes.chunks(1)));
    match whole.into_iter().nth(1) {
        Some(Found::Element(xml, _)) => Ok(xml),
        Some(Found::Error(error)) => Err(error),
        other => panic!("{}: {other:?}", String::from_utf8_lossy(xml.as_ref())),
    }
}

fn header(xml: impl AsRef<[u8]>) -> Result<String, XmlError> {
    let whole = read_whole(xml.as_ref());
    assert_eq!(whole, read(&XmlLimits::default(), xml.as_ref().chunks(1)));
    match whole.into_iter().next() {
        Some(Found::Header(xml)) => Ok(xml),
        Some(Found::Error(error)) => Err(error),
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn refuses(xml: impl AsRef<[u8]>) {
    let result = stanza(&xml);
    assert!(matches!(result, Err(XmlError::NotWellFormed(_))), "{}: {result:?}", String::from_utf8_lossy(xml.as_ref()));
}

#[track_caller]
fn restricts(xml: impl AsRef<[u8]>) {
    let result = stanza(&xml);
    assert!(matches!(result, Err(XmlError::Restricted(_))), "{}: {result:?}", String::from_utf8_lossy(xml.as_ref()));
}

#[track_caller]
fn accepts(xml: &str, canonical: &str) {
    assert_eq!(stanza(xml).as_deref(), Ok(canonical));
}
