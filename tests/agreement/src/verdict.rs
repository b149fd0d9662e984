//! Whether the parsers agree: on what we accept as it came, and on what we write of it.

use crate::expat::{self, Server};
use crate::reading::Piece;
use crate::{openfire, ours, quick};
use refrain_proto::limits::XmlLimits;
use refrain_proto::ns;
use refrain_proto::xml::Element;

/// What our streams begin with.
pub const HEADER: &str = "<?xml version='1.0'?><stream:stream xmlns=\"jabber:server\" \
    xmlns:stream=\"http://etherx.jabber.org/streams\" xmlns:db=\"jabber:server:dialback\" from=\"a.example\" \
    to=\"b.example\" version=\"1.0\">";

/// What our streams end with.
pub const CLOSE: &str = "</stream:stream>";

/// Tells how the parsers differ on a stream, or that they do not: what we accept of it, expat accepts and reads the same,
/// and what we would write of it every one of them reads the same.
pub fn on_stream(stream: &[u8]) -> Result<(), String> {
    let ours = ours::read([stream], &XmlLimits::default());
    on_accepted(&stream[..ours.accepted_bytes], &ours.pieces)?;
    on_written(&ours.stanzas)
}

fn on_accepted(accepted: &[u8], pieces: &[Piece]) -> Result<(), String> {
    for server in Server::ALL {
        for reads in [vec![accepted], accepted.chunks(1).collect()] {
            let theirs = expat::read(server, reads);
            if let Some(error) = theirs.refused {
                return Err(format!("{server:?} refuses what we accept: {error}"));
            }
            same(&format!("{server:?}"), &theirs.pieces, pieces)?;
        }
    }
    Ok(())
}

/// Tells how the parsers differ on these elements as we write them, or that they do not. Streams in a stream are left out:
/// no state machine sends one.
pub fn on_written(elements: &[Element]) -> Result<(), String> {
    let is_stream = |element: &&Element| element.root().is(ns::STREAM, "stream");
    let stanzas: Vec<&Element> = elements.iter().filter(|element| !is_stream(element)).collect();
    let written: Vec<String> = stanzas.iter().map(|stanza| stanza.to_xml()).collect();
    let stream = [HEADER, &written.concat(), CLOSE].concat();
    let meant: Vec<Piece> = stanzas.iter().map(|stanza| Piece::Stanza(ours::tree(stanza.root()))).collect();
    let expected = |header: Vec<Piece>| [header, meant.clone(), vec![Piece::Close]].concat();

    let again = ours::read([stream.as_bytes()], &generous());
    if let Some(error) = again.refused {
        return Err(format!("we refuse what we wrote: {error}: {stream}"));
    }
    let expected = expected(again.pieces.iter().take(1).cloned().collect());
    same("Refrain, reading what it wrote", &again.pieces, &expected)?;
    for server in Server::ALL {
        let theirs = expat::read(server, [stream.as_bytes()]);
        if let Some(error) = theirs.refused {
            return Err(format!("{server:?} refuses what we wrote: {error}: {stream}"));
        }
        same(&format!("{server:?}, reading what we wrote"), &theirs.pieces, &expected)?;
    }
    let theirs = quick::read(&stream).map_err(|error| format!("quick-xml refuses what we wrote: {error}: {stream}"))?;
    same("quick-xml, reading what we wrote", &theirs, &expected)?;
    let framed = openfire::frame(&stream).map_err(|error| format!("Openfire refuses what we wrote: {error}"))?;
    let (declaration, header) = HEADER.split_at("<?xml version='1.0'?>".len());
    let frames: Vec<&str> =
        [declaration, header].into_iter().chain(written.iter().map(String::as_str)).chain([CLOSE]).collect();
    if framed == frames { Ok(()) } else { Err(format!("Openfire cuts elsewhere:\n{framed:#?}\n{frames:#?}")) }
}

/// Escapes make a stanza up to six times as long; each element of ours may declare its namespaces anew.
fn generous() -> XmlLimits {
    let limits = XmlLimits::default();
    XmlLimits {
        stanza_bytes_max: 64 * limits.stanza_bytes_max,
        namespaces_max: limits.attributes_max + 1,
        namespaces_in_scope_max: (limits.attributes_max + 1) * limits.depth_max + 8,
        ..limits
    }
}

fn same(who: &str, theirs: &[Piece], ours: &[Piece]) -> Result<(), String> {
    if theirs == ours {
        return Ok(());
    }
    let at = theirs.iter().zip(ours).take_while(|(one, other)| one == other).count();
    Err(format!("{who} differs at piece {at}:\n theirs {:?}\n ours   {:?}", theirs.get(at), ours.get(at)))
}
