//! The baseline: TLS in, TLS out, bytes moved without a look at them. What no proxy between two servers can do without.
//!
//! Two blocking threads a connection, one a direction; each holds the TLS state only while it works on it, never while it
//! waits for the network.

use std::{
    io::{self, Read, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    ops::DerefMut,
    sync::{Mutex, MutexGuard, PoisonError},
    thread,
};

use rustls::{ConnectionCommon, SideData};

use super::{
    stanza::HOME,
    tls::{self, CHUNK_BYTES, Credentials},
};

/// Serves until the process ends.
///
/// # Errors
/// When the address is taken.
pub fn run(listen: SocketAddr, target: SocketAddr, credentials: &Credentials) -> io::Result<()> {
    for socket in TcpListener::bind(listen)?.incoming() {
        let (socket, credentials) = (socket?, credentials.clone());
        thread::spawn(move || {
            // A probe of the harness connects and says nothing.
            if socket.peek(&mut [0]).is_ok_and(|length| length > 0)
                && let Err(error) = serve(socket, target, &credentials)
            {
                eprintln!("relay: {error}");
            }
        });
    }
    Ok(())
}

fn serve(socket: TcpStream, target: SocketAddr, credentials: &Credentials) -> io::Result<()> {
    let (mut near, mut far) = (tls::configured(socket)?, tls::connect(target)?);
    let near_tls = Mutex::new(credentials.accept(&mut near)?);
    let far_tls = Mutex::new(credentials.connect(&mut far, HOME)?);
    tls::wait_for_ever(&near)?;
    tls::wait_for_ever(&far)?;
    thread::scope(|scope| {
        let back = scope.spawn(|| carry((&far, &far_tls), (&near, &near_tls)));
        let there = carry((&near, &near_tls), (&far, &far_tls));
        let back = back.join().map_err(|_| io::Error::other("a relay thread panicked"))?;
        there.and(back)
    })
}

type End<'a, C> = (&'a TcpStream, &'a Mutex<C>);

fn carry<R, W, A, B>((from, from_tls): End<'_, R>, (to, to_tls): End<'_, W>) -> io::Result<()>
where
    R: DerefMut<Target = ConnectionCommon<A>>,
    W: DerefMut<Target = ConnectionCommon<B>>,
    A: SideData,
    B: SideData,
{
    let (mut from, mut to) = (from, to);
    let mut received = vec![0; CHUNK_BYTES];
    let (mut plaintext, mut records) = (Vec::new(), Vec::new());
    // The record that ended the handshake may have brought the first bytes.
    tls::take_decrypted(&mut locked(from_tls), &mut plaintext)?;
    loop {
        tls::encrypt(&mut locked(to_tls), &plaintext, &mut records)?;
        to.write_all(&records)?;
        plaintext.clear();
        records.clear();
        let length = from.read(&mut received)?;
        if length == 0 {
            // The peer may be gone already.
            let _ = to.shutdown(Shutdown::Write);
            return Ok(());
        }
        tls::decrypt(&mut locked(from_tls), &received[..length], &mut plaintext)?;
    }
}

fn locked<C>(tls: &Mutex<C>) -> MutexGuard<'_, C> {
    tls.lock().unwrap_or_else(PoisonError::into_inner)
}
