//! The opening of an s2s stream, hand-driven: header, STARTTLS, SASL EXTERNAL (RFC 6120, XEP-0178). Tests of the proxy's own
//! protocol are elsewhere; this end only has to be a correct and cheap counterpart.

use std::{
    io::{self, Read, Write},
    net::TcpStream,
    ops::DerefMut,
};

use rustls::{ClientConnection, ConnectionCommon, ServerConnection, SideData};

use super::tls::{self, Credentials};

/// Neither end of ours says more than this before stanzas flow.
const HANDSHAKE_BYTES_MAX: usize = 16 * 1024;

/// The first byte of a TLS handshake record: the peer starts with TLS (XEP-0368), not with a stream header.
const TLS_HANDSHAKE: u8 = 0x16;

/// How TLS starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// After a plaintext header (RFC 6120 §5).
    StartTls,
    /// With the first byte (XEP-0368).
    Direct,
}

/// An open stream: stanzas may be written, or read, at once.
#[derive(Debug)]
pub struct Open<C> {
    /// The socket.
    pub socket: TcpStream,
    /// TLS on it.
    pub tls: C,
}

/// Opens a stream as the initiating server.
///
/// # Errors
/// When the receiving server does not follow the expected steps.
pub fn initiate(
    mut socket: TcpStream,
    credentials: &Credentials,
    (from, to): (&str, &str),
    start: Start,
) -> io::Result<Open<ClientConnection>> {
    let header = header(from, to, "");
    if start == Start::StartTls {
        socket.write_all(header.as_bytes())?;
        read_until(&mut socket, b"</stream:features>")?;
        socket.write_all(b"<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")?;
        read_until(&mut socket, b">")?;
    }
    let tls = credentials.connect(&mut socket, to)?;
    let mut stream = Open { socket, tls };
    stream.write(&header)?;
    let features = stream.read_until(b"</stream:features>")?;
    expect(&features, "EXTERNAL")?;
    // XEP-0178 §3: an empty authorization identity stands for the stream's 'from'.
    stream.write("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='EXTERNAL'>=</auth>")?;
    expect(&stream.read_until(b">")?, "<success")?;
    stream.write(&header)?;
    stream.read_features()?;
    Ok(stream)
}

/// Opens a stream as the receiving server, which believes every claim: it is a load, not a server.
///
/// # Errors
/// When the initiating server does not follow the expected steps.
pub fn accept(mut socket: TcpStream, credentials: &Credentials) -> io::Result<Open<ServerConnection>> {
    let mut first = [0];
    socket.peek(&mut first)?;
    if first[0] != TLS_HANDSHAKE {
        let asked = read_until_header(&mut |end| read_until(&mut socket, end))?;
        let features = "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'><required/></starttls>";
        socket.write_all(answer(&asked, features).as_bytes())?;
        read_until(&mut socket, b">")?;
        socket.write_all(b"<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")?;
    }
    let tls = credentials.accept(&mut socket)?;
    let mut stream = Open { socket, tls };
    let asked = read_until_header(&mut |end| stream.read_until(end))?;
    let mechanisms =
        "<mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>EXTERNAL</mechanism></mechanisms>";
    stream.write(&answer(&asked, mechanisms))?;
    let auth = stream.read_until(b">")?;
    if !auth.ends_with("/>") {
        stream.read_until(b"</auth>")?;
    }
    stream.write("<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>")?;
    let asked = read_until_header(&mut |end| stream.read_until(end))?;
    stream.write(&answer(&asked, ""))?;
    Ok(stream)
}

fn header(from: &str, to: &str, id: &str) -> String {
    format!(
        "<?xml version='1.0'?><stream:stream xmlns='jabber:server' xmlns:stream='http://etherx.jabber.org/streams' \
         xmlns:db='jabber:server:dialback' from='{from}' to='{to}'{id} version='1.0'>"
    )
}

fn answer(asked: &str, features: &str) -> String {
    let (from, to) = (attribute(asked, "from"), attribute(asked, "to"));
    header(to, from, " id='load'") + &format!("<stream:features>{features}</stream:features>")
}

fn attribute<'a>(header: &'a str, name: &str) -> &'a str {
    let value = header.split(&format!(" {name}=")).nth(1).unwrap_or_default();
    value.split(['\'', '"']).nth(1).unwrap_or_default()
}

fn expect(received: &str, what: &str) -> io::Result<()> {
    if received.contains(what) { Ok(()) } else { Err(io::Error::other(format!("no {what} in {received}"))) }
}

/// Skips the XML declaration, if there is one, and returns the stream header.
fn read_until_header(read_until: &mut dyn FnMut(&[u8]) -> io::Result<String>) -> io::Result<String> {
    loop {
        let tag = read_until(b">")?;
        if tag.contains("<stream:stream") {
            return Ok(tag);
        }
    }
}

/// Reads plaintext byte by byte, so that nothing beyond the end is taken: what follows may be TLS.
fn read_until(socket: &mut TcpStream, end: &[u8]) -> io::Result<String> {
    let mut received = Vec::new();
    let mut byte = [0];
    while !received.ends_with(end) {
        socket.read_exact(&mut byte)?;
        received.push(byte[0]);
        bounded(&received)?;
    }
    Ok(String::from_utf8_lossy(&received).into_owned())
}

fn bounded(received: &[u8]) -> io::Result<()> {
    if received.len() <= HANDSHAKE_BYTES_MAX { Ok(()) } else { Err(io::Error::other("too long a handshake")) }
}

impl<C, S> Open<C>
where
    C: DerefMut<Target = ConnectionCommon<S>>,
    S: SideData,
{
    fn write(&mut self, xml: &str) -> io::Result<()> {
        let mut records = Vec::new();
        tls::encrypt(&mut self.tls, xml.as_bytes(), &mut records)?;
        self.socket.write_all(&records)
    }

    fn read_features(&mut self) -> io::Result<()> {
        let mut received = String::new();
        // `<stream:features/>` or a list that we do not need.
        while !received.contains("</stream:features>") && !received.contains("<stream:features/>") {
            received += &self.read_until(b">")?;
        }
        Ok(())
    }

    fn read_until(&mut self, end: &[u8]) -> io::Result<String> {
        let mut received = Vec::new();
        let mut byte = [0];
        while !received.ends_with(end) {
            rustls::Stream::new(&mut self.tls, &mut self.socket).read_exact(&mut byte)?;
            received.push(byte[0]);
            bounded(&received)?;
        }
        Ok(String::from_utf8_lossy(&received).into_owned())
    }

    /// Appends what has come to `plaintext`; false at the end of the connection.
    ///
    /// # Errors
    /// When the connection breaks.
    pub fn read(&mut self, received: &mut [u8], plaintext: &mut Vec<u8>) -> io::Result<bool> {
        // The record that ended the handshake may have brought the first stanzas.
        if tls::take_decrypted(&mut self.tls, plaintext)? > 0 {
            return Ok(true);
        }
        let length = self.socket.read(received)?;
        tls::decrypt(&mut self.tls, &received[..length], plaintext)?;
        Ok(length > 0)
    }

    /// Answers the end of the peer's stream.
    ///
    /// # Errors
    /// When the connection is gone.
    pub fn close(&mut self) -> io::Result<()> {
        self.write("</stream:stream>")?;
        self.tls.send_close_notify();
        let mut records = Vec::new();
        tls::flush(&mut self.tls, &mut records)?;
        self.socket.write_all(&records)
    }
}
