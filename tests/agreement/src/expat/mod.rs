//! The reading of the real expat, set up as the servers do that stand behind it.

mod ffi;

use crate::reading::{Attribute, Piece, Recorder, Tree};
use std::ffi::{CStr, c_char, c_int, c_void};

/// Whose way of using expat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Server {
    /// `util/xmppstream.lua` over lua-expat: names are split at U+0001, and the encoding is what the stream says.
    Prosody,
    /// `fxml_stream.c`: names are split at line feeds and followed by their prefix, and the encoding is given.
    Ejabberd,
    /// `sx.c`: names are split at `|` and followed by their prefix, and the encoding is what the stream says.
    Jabberd2,
}

impl Server {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Prosody, Self::Ejabberd, Self::Jabberd2];

    fn separator(self) -> char {
        match self {
            Self::Prosody => '\u{1}',
            Self::Ejabberd => '\n',
            Self::Jabberd2 => '|',
        }
    }

    fn encoding(self) -> Option<&'static CStr> {
        match self {
            Self::Prosody | Self::Jabberd2 => None,
            Self::Ejabberd => Some(c"UTF-8"),
        }
    }
}

/// What expat made of a stream.
#[derive(Debug)]
pub struct Reading {
    /// What it found.
    pub pieces: Vec<Piece>,
    /// Why it stopped; none if only more bytes are missing.
    pub refused: Option<String>,
}

/// Reads these reads of a stream, as this server does.
pub fn read<'a>(server: Server, reads: impl IntoIterator<Item = &'a [u8]>) -> Reading {
    let mut parser = Parser::new(server);
    let refused = reads.into_iter().find_map(|read| parser.parse(read).err());
    Reading { pieces: parser.into_pieces(), refused }
}

/// What the handlers write to.
struct Sink {
    recorder: Recorder,
    separator: char,
}

/// Owns one parser of expat and the sink that its handlers write to.
struct Parser {
    raw: *mut c_void,
    sink: *mut Sink,
}

impl Parser {
    fn new(server: Server) -> Self {
        let sink = Box::into_raw(Box::new(Sink { recorder: Recorder::default(), separator: server.separator() }));
        let encoding = server.encoding().map_or(std::ptr::null(), CStr::as_ptr);
        // SAFETY: the encoding is a C string or null; the sink lives until `into_pieces` frees it after the parser.
        let raw = unsafe {
            let raw = ffi::XML_ParserCreateNS(encoding, server.separator() as c_char);
            assert!(!raw.is_null(), "expat is out of memory");
            ffi::XML_SetUserData(raw, sink.cast());
            ffi::XML_SetReturnNSTriplet(raw, c_int::from(server != Server::Prosody));
            ffi::XML_SetElementHandler(raw, Some(start_element), Some(end_element));
            ffi::XML_SetCharacterDataHandler(raw, Some(character_data));
            ffi::XML_SetProcessingInstructionHandler(raw, Some(instruction));
            ffi::XML_SetCommentHandler(raw, Some(comment));
            ffi::XML_SetStartDoctypeDeclHandler(raw, Some(start_doctype));
            raw
        };
        Self { raw, sink }
    }

    fn parse(&mut self, bytes: &[u8]) -> Result<(), String> {
        // SAFETY: the bytes are readable for their length, which expat does not keep; handlers run inside this call only.
        unsafe {
            if ffi::XML_Parse(self.raw, bytes.as_ptr().cast(), bytes.len() as c_int, 0) == ffi::STATUS_OK {
                return Ok(());
            }
            let error = ffi::XML_ErrorString(ffi::XML_GetErrorCode(self.raw));
            Err(text_of(error))
        }
    }

    fn into_pieces(self) -> Vec<Piece> {
        // SAFETY: both were made by `new`; the parser, which alone writes to the sink, is gone before it.
        unsafe {
            ffi::XML_ParserFree(self.raw);
            Box::from_raw(self.sink).recorder.finish()
        }
    }
}

/// # Safety
/// `text` is null or a C string.
unsafe fn text_of(text: *const c_char) -> String {
    if text.is_null() {
        return String::new();
    }
    // SAFETY: the caller's promise.
    unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned()
}

unsafe extern "C" fn start_element(sink: *mut c_void, name: *const c_char, mut values: *const *const c_char) {
    // SAFETY: expat gives what `XML_SetUserData` was given, and C strings in pairs up to a null.
    unsafe {
        let sink = &mut *sink.cast::<Sink>();
        let (namespace, name) = expanded(&text_of(name), sink.separator);
        let mut tag = Tree { namespace, name, ..Tree::default() };
        while !(*values).is_null() {
            let (namespace, name) = expanded(&text_of(*values), sink.separator);
            tag.attributes.push(Attribute { namespace, name, value: text_of(*values.add(1)) });
            values = values.add(2);
        }
        sink.recorder.start(tag);
    }
}

/// Splits `namespace name` or `namespace name prefix`, as the servers do.
fn expanded(text: &str, separator: char) -> (String, String) {
    let mut parts = text.split(separator);
    match (parts.next(), parts.next()) {
        (Some(namespace), Some(name)) => (namespace.to_owned(), name.to_owned()),
        (name, _) => (String::new(), name.unwrap_or_default().to_owned()),
    }
}

unsafe extern "C" fn end_element(sink: *mut c_void, _name: *const c_char) {
    // SAFETY: expat gives what `XML_SetUserData` was given.
    unsafe { &mut *sink.cast::<Sink>() }.recorder.end();
}

unsafe extern "C" fn character_data(sink: *mut c_void, text: *const c_char, length: c_int) {
    // SAFETY: expat gives what `XML_SetUserData` was given, and so many readable bytes.
    unsafe {
        let bytes = std::slice::from_raw_parts(text.cast::<u8>(), length as usize);
        (*sink.cast::<Sink>()).recorder.text(&String::from_utf8_lossy(bytes));
    }
}

unsafe extern "C" fn instruction(sink: *mut c_void, _target: *const c_char, _data: *const c_char) {
    // SAFETY: expat gives what `XML_SetUserData` was given.
    unsafe { &mut *sink.cast::<Sink>() }.recorder.stray("a processing instruction");
}

unsafe extern "C" fn comment(sink: *mut c_void, _text: *const c_char) {
    // SAFETY: expat gives what `XML_SetUserData` was given.
    unsafe { &mut *sink.cast::<Sink>() }.recorder.stray("a comment");
}

unsafe extern "C" fn start_doctype(
    sink: *mut c_void,
    _name: *const c_char,
    _system: *const c_char,
    _public: *const c_char,
    _internal: c_int,
) {
    // SAFETY: expat gives what `XML_SetUserData` was given.
    unsafe { &mut *sink.cast::<Sink>() }.recorder.stray("a document type");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_stream_as_each_server_does() {
        let stream = b"<?xml version='1.0'?><s:s xmlns='a' xmlns:s='b' s:x='1' y='2'><m>t&amp;<s:n/></m> </s:s>";
        for server in Server::ALL {
            let reading = read(server, [stream.as_slice()]);
            assert_eq!(reading.refused, None);
            let [Piece::Header(header), Piece::Stanza(stanza), Piece::Close] = &reading.pieces[..] else {
                panic!("{reading:?}")
            };
            assert_eq!((header.namespace.as_str(), header.name.as_str()), ("b", "s"));
            assert_eq!((header.attributes[0].namespace.as_str(), header.attributes[1].value.as_str()), ("b", "2"));
            assert_eq!((stanza.namespace.as_str(), stanza.content.len()), ("a", 2));
        }
    }

    #[test]
    fn says_what_it_refuses_and_what_it_takes_that_is_restricted() {
        let refused = |bytes: &[u8]| read(Server::Prosody, [bytes]).refused;
        assert_eq!(refused(b"<a><b></a>").as_deref(), Some("mismatched tag"));
        assert_eq!(refused(b"<a>").as_deref(), None);
        let reading = read(Server::Ejabberd, [b"<a><b><!-- --><?x?></b>".as_slice()]);
        assert_eq!(reading.pieces.iter().filter(|piece| matches!(piece, Piece::Stray(_))).count(), 2);
    }
}
