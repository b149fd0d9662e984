//! The PROXY protocol, version 2: a load balancer says for whom it connects, before anything else
//! (<https://www.haproxy.org/download/3.0/doc/proxy-protocol.txt>).

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use proxy_header::{ParseConfig, Protocol, ProxyHeader};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::time::timeout;

/// What comes before the addresses (§2.2): 12 bytes of signature, version and command, family, length.
const FIXED_BYTES: usize = 16;
/// Addresses take 36 bytes; what else a balancer may tell, such as a client's certificate, seldom takes 1 KiB.
const REST_BYTES_MAX: u16 = 4_096;
/// Version 2, command LOCAL: the balancer connects for itself, to see whether we live.
const LOCAL: u8 = 0x20;
/// The balancer sends it with its first packet (§2).
const TIMEOUT: Duration = Duration::from_secs(5);

/// Why a header cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum HeaderError {
    /// The connection ended or broke first.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// It did not come.
    #[error("no PROXY header within {} s", TIMEOUT.as_secs())]
    TimedOut,
    /// What came is none of version 2 for TCP.
    #[error("not a PROXY header of version 2: {0}")]
    Malformed(proxy_header::Error),
}

/// Takes the header off a fresh connection, and nothing behind it. Returns for whom the balancer connects; `None` when it is for
/// itself or for somebody without an address, where the addresses of the connection itself count (§2.2).
pub async fn read(socket: &mut (impl AsyncRead + Unpin)) -> Result<Option<SocketAddr>, HeaderError> {
    read_within(socket, TIMEOUT).await
}

async fn read_within(
    socket: &mut (impl AsyncRead + Unpin),
    patience: Duration,
) -> Result<Option<SocketAddr>, HeaderError> {
    timeout(patience, read_header(socket)).await.map_err(|_| HeaderError::TimedOut)?
}

async fn read_header(socket: &mut (impl AsyncRead + Unpin)) -> Result<Option<SocketAddr>, HeaderError> {
    let mut header = vec![0; FIXED_BYTES];
    socket.read_exact(&mut header).await?;
    check_signature(&header)?;
    let rest = u16::from_be_bytes([header[14], header[15]]);
    if rest > REST_BYTES_MAX {
        return Err(HeaderError::Malformed(proxy_header::Error::HeaderTooBig));
    }
    header.resize(FIXED_BYTES + usize::from(rest), 0);
    socket.read_exact(&mut header[FIXED_BYTES..]).await?;
    if header[12] == LOCAL {
        // §2.2: the receiver discards the protocol block, whatever it says.
        return Ok(None);
    }
    let config = ParseConfig { include_tlvs: false, allow_v1: false, allow_v2: true };
    let (parsed, _) = ProxyHeader::parse(&header, config).map_err(HeaderError::Malformed)?;
    match parsed.proxied_address() {
        Some(address) if address.protocol == Protocol::Stream => Ok(Some(address.source)),
        Some(_) => Err(HeaderError::Malformed(proxy_header::Error::Invalid)),
        None => Ok(None),
    }
}

/// Whoever does not begin with the signature is told nothing, and is not waited for.
fn check_signature(fixed: &[u8]) -> Result<(), HeaderError> {
    if fixed.starts_with(b"\r\n\r\n\0\r\nQUIT\n") {
        return Ok(());
    }
    Err(HeaderError::Malformed(proxy_header::Error::Invalid))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proxy_header::{ProxiedAddress, Tlv};

    const STREAM: &[u8] = b"<?xml version='1.0'?>";

    fn header(family: u8, rest: &[u8]) -> Vec<u8> {
        let mut header = b"\r\n\r\n\0\r\nQUIT\n\x21".to_vec();
        header.push(family);
        header.extend_from_slice(&(rest.len() as u16).to_be_bytes());
        header.extend_from_slice(rest);
        header
    }

    fn proxied(source: &str, tlv_bytes: usize) -> Vec<u8> {
        let source: SocketAddr = source.parse().unwrap();
        let destination = if source.is_ipv4() { "198.51.100.1:5269" } else { "[2001:db8::1]:5269" };
        let address = ProxiedAddress::stream(source, destination.parse().unwrap());
        let mut bytes = Vec::new();
        let header = ProxyHeader::with_tlvs(Some(address), [Tlv::Noop(tlv_bytes)]);
        header.encode_v2(&mut bytes).unwrap();
        bytes
    }

    /// What comes of these bytes, and what is left of the stream behind them.
    async fn read_all(header: &[u8]) -> (Result<Option<SocketAddr>, String>, Vec<u8>) {
        let bytes = [header, STREAM].concat();
        let mut socket = bytes.as_slice();
        let found = read(&mut socket).await.map_err(|error| error.to_string());
        (found, socket.to_vec())
    }

    #[tokio::test]
    async fn the_address_of_the_client_is_taken_and_nothing_behind_the_header() {
        for source in ["192.0.2.7:50000", "[2001:db8::7]:50000"] {
            for tlv_bytes in [0, 3_000] {
                let (found, left) = read_all(&proxied(source, tlv_bytes)).await;
                assert_eq!(found, Ok(Some(source.parse().unwrap())));
                assert_eq!(left, STREAM);
            }
        }
    }

    #[tokio::test]
    async fn a_balancer_may_connect_for_itself_or_for_somebody_without_an_address() {
        let mut local = header(0x77, b"whatever");
        local[12] = LOCAL;
        for header in [local, header(0x00, b""), header(0x31, &[0; 216])] {
            assert_eq!(read_all(&header).await, (Ok(None), STREAM.to_vec()));
        }
    }

    #[tokio::test]
    async fn what_is_no_header_of_version_2_for_tcp_is_refused() {
        let mut version_3 = header(0x11, &[0; 12]);
        version_3[12] = 0x31;
        for (what, header) in [
            ("no header", b"<stream:stream to='example.org'>".to_vec()),
            ("version 1", b"PROXY TCP4 192.0.2.1 192.0.2.2 5 6\r\n".to_vec()),
            ("version 3", version_3),
            ("datagrams", header(0x12, &[0; 12])),
            ("too short for its addresses", header(0x11, &[0; 11])),
            ("an unknown family", header(0x41, &[0; 12])),
            ("too large", header(0x11, &[0; REST_BYTES_MAX as usize + 1])),
        ] {
            let (found, _) = read_all(&header).await;
            assert!(found.as_ref().is_err_and(|error| error.starts_with("not a PROXY header")), "{what}: {found:?}");
        }
    }

    #[tokio::test]
    async fn a_header_that_does_not_come_is_not_waited_for() {
        let (mut ours, _theirs) = tokio::io::duplex(64);
        assert!(matches!(read_within(&mut ours, Duration::from_millis(10)).await, Err(HeaderError::TimedOut)));
    }
}
