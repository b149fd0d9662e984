//! Refrain's own reading.

use crate::reading::{Attribute, Content, Piece, Tree};
use refrain_proto::limits::XmlLimits;
use refrain_proto::xml::{self, Element, Node, Reader, Token, XmlError};

/// What Refrain made of a stream.
#[derive(Debug)]
pub struct Ours {
    /// What was accepted.
    pub pieces: Vec<Piece>,
    /// The elements at stream level among it, to be written again.
    pub stanzas: Vec<Element>,
    /// Where the last accepted piece ends.
    pub accepted_bytes: usize,
    /// Why nothing more was accepted; none if only more bytes are missing.
    pub refused: Option<XmlError>,
}

/// Reads these reads of a stream.
pub fn read<'a>(reads: impl IntoIterator<Item = &'a [u8]>, limits: &XmlLimits) -> Ours {
    let mut reader = Reader::new(limits.clone());
    let mut ours = Ours { pieces: Vec::new(), stanzas: Vec::new(), accepted_bytes: 0, refused: None };
    let mut fed = 0;
    for read in reads {
        reader.feed(read);
        fed += read.len();
        if let Err(error) = drain(&mut reader, fed, &mut ours) {
            ours.refused = Some(error);
            break;
        }
    }
    ours
}

fn drain(reader: &mut Reader, fed: usize, ours: &mut Ours) -> Result<(), XmlError> {
    let mut element = Element::default();
    while let Some(token) = reader.next(&mut element)? {
        ours.accepted_bytes = fed - reader.buffered();
        match token {
            Token::Header => ours.pieces.push(Piece::Header(tree(element.root()))),
            Token::Element => {
                ours.pieces.push(Piece::Stanza(tree(element.root())));
                ours.stanzas.push(element.clone());
            }
            Token::Close => ours.pieces.push(Piece::Close),
        }
    }
    Ok(())
}

/// Returns an element in the terms that all parsers share.
pub fn tree(node: Node<'_>) -> Tree {
    let attribute = |one: xml::Attribute<'_>| Attribute {
        namespace: one.namespace.to_owned(),
        name: one.name.to_owned(),
        value: one.value.to_owned(),
    };
    let content = |part| match part {
        xml::Content::Element(child) => Content::Element(tree(child)),
        xml::Content::Text(text) => Content::Text(text.to_owned()),
    };
    Tree {
        namespace: node.namespace().to_owned(),
        name: node.name().to_owned(),
        attributes: node.attributes().map(attribute).collect(),
        content: node.content().map(content).collect(),
    }
}
