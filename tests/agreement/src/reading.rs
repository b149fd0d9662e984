//! A reading: what a parser found in a stream, in the terms that all parsers share.

/// An attribute that is not a namespace declaration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attribute {
    /// Its namespace; empty for an attribute without a prefix.
    pub namespace: String,
    /// Its local name.
    pub name: String,
    /// Its value, normalised and with references resolved.
    pub value: String,
}

/// An element with all that is in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tree {
    /// Its namespace; empty if it has none.
    pub namespace: String,
    /// Its local name.
    pub name: String,
    /// In the order they were written.
    pub attributes: Vec<Attribute>,
    /// What is directly inside, texts never empty and never next to each other.
    pub content: Vec<Content>,
}

/// A part of an element's content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// A child.
    Element(Tree),
    /// A run of text.
    Text(String),
}

/// A part of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// The start tag of the stream, which has no content yet.
    Header(Tree),
    /// An element at stream level.
    Stanza(Tree),
    /// The end tag of the stream.
    Close,
    /// What RFC 6120 §11.1 forbids and the parser took nevertheless, or text between stanzas.
    Stray(String),
}

/// Puts the events of a parser together to pieces.
#[derive(Debug, Default)]
pub struct Recorder {
    pieces: Vec<Piece>,
    open: Vec<Tree>,
    in_stream: bool,
}

impl Recorder {
    /// Takes a start tag.
    pub fn start(&mut self, tag: Tree) {
        if self.in_stream {
            self.open.push(tag);
        } else {
            self.in_stream = true;
            self.pieces.push(Piece::Header(tag));
        }
    }

    /// Takes an end tag.
    pub fn end(&mut self) {
        let Some(ended) = self.open.pop() else { return self.pieces.push(Piece::Close) };
        match self.open.last_mut() {
            Some(parent) => parent.content.push(Content::Element(ended)),
            None => self.pieces.push(Piece::Stanza(ended)),
        }
    }

    /// Takes some text; white space between stanzas is nothing.
    pub fn text(&mut self, text: &str) {
        match self.open.last_mut() {
            Some(parent) => parent.append_text(text),
            None if text.bytes().all(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n')) => {}
            None => self.stray(text),
        }
    }

    /// Takes what should not be there.
    pub fn stray(&mut self, what: &str) {
        self.pieces.push(Piece::Stray(what.to_owned()));
    }

    /// Returns the pieces that are complete.
    pub fn finish(self) -> Vec<Piece> {
        self.pieces
    }
}

impl Tree {
    /// Adds text behind the content.
    pub fn append_text(&mut self, text: &str) {
        match self.content.last_mut() {
            Some(Content::Text(before)) => before.push_str(text),
            _ if text.is_empty() => {}
            _ => self.content.push(Content::Text(text.to_owned())),
        }
    }
}
