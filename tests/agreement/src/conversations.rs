//! The golden conversations as bytes: what the peer does in each, for other players than that of `refrain-proto`.

#[path = "../../../host/proto/tests/player/notation.rs"]
mod notation;

use std::path::{Path, PathBuf};

use notation::expand;

/// What the peer does, in the bytes of [`crate::targets`].
#[derive(Debug)]
pub struct Conversation {
    /// The name of its file.
    pub name: String,
    /// Whether we connected to the peer.
    pub initiating: bool,
    /// How the stream begins, then what the peer sends and when.
    pub doings: Vec<u8>,
    /// The streams that the peer sends: a new one begins with TLS and with SASL.
    pub streams: Vec<Vec<u8>>,
}

/// A proof without anything unusual about it, which `! proven` stands for.
const PROOF: &[&str] = &[
    "<stream from='capulet.example' to='home.example'>",
    "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='EXTERNAL'>=</auth>",
    "<stream from='capulet.example' to='home.example'>",
];

/// Reads all conversations.
pub fn all() -> std::io::Result<Vec<Conversation>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../conversations");
    let entries = std::fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path()));
    let mut paths: Vec<PathBuf> = entries.collect::<Result<_, _>>()?;
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "txt"));
    paths.sort();
    paths.iter().map(|path| Ok(read(path, &std::fs::read_to_string(path)?))).collect()
}

fn read(path: &Path, text: &str) -> Conversation {
    let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let mut conversation = Conversation { name, initiating: false, doings: vec![setting(text)], streams: Vec::new() };
    text.lines().for_each(|line| conversation.take(line));
    conversation
}

/// The first byte of an input for the streams.
fn setting(text: &str) -> u8 {
    let is = |line: &str| text.lines().any(|one| one.starts_with(line));
    let bit = |number: u8, is_set: bool| u8::from(is_set) << number;
    bit(0, is("! direct tls") || is("! proven "))
        | bit(1, is("! receiving inside") || is("! verifying "))
        | bit(2, is("! without external"))
        | bit(3, is("! without dialback"))
        | bit(4, is("! without required certificate"))
}

impl Conversation {
    fn take(&mut self, line: &str) {
        match line.split_once(' ') {
            Some((">", said)) => self.says(said),
            Some(("!", rest)) if rest.starts_with("proven ") => PROOF.iter().for_each(|said| self.says(said)),
            Some(("!", rest)) if rest.starts_with("initiating ") || rest.starts_with("verifying ") => {
                self.initiating = true;
            }
            Some(("!", rest)) if rest.starts_with("after ") => self.doings.push(0xFE),
            Some(("!", "eof")) => self.doings.push(0xFD),
            Some(("!", rest)) if rest.starts_with("close") => self.doings.push(0xFC),
            _ => {}
        }
    }

    fn says(&mut self, said: &str) {
        let bytes = expand(said);
        self.doings.extend_from_slice(&bytes);
        self.doings.push(0xFF);
        match self.streams.last_mut() {
            Some(stream) if !bytes.starts_with(b"<?xml") => stream.extend(bytes),
            _ => self.streams.push(bytes),
        }
    }
}
