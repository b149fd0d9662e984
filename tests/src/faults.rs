//! A network between two servers that fails on demand: a byte relay on loopback that stops, delays and cuts.

use std::{
    io::{ErrorKind, Read as _, Write as _},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

use crate::process::must;

/// How often a relay looks whether it has been told something new.
const PULSE: Duration = Duration::from_millis(10);

/// What passes at once: little, so that a cut after so many bytes is one in the middle.
const PIECE_BYTES: usize = 4 * 1024;

/// From whoever connects to whom it relays to, or back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Towards the target.
    There,
    /// Towards who connected.
    Back,
}

/// A relay to one address; it ends, with its connections, on drop.
#[derive(Debug)]
pub struct Relay {
    address: SocketAddr,
    network: Arc<Mutex<Network>>,
}

/// What the relay does with what it carries.
#[derive(Debug, Default)]
struct Network {
    /// Whether new connections are taken.
    closed: bool,
    /// Cuts so far: a connection from before the last one ends.
    cuts: u64,
    /// How many connections there have been.
    connections: u64,
    there: Behaviour,
    back: Behaviour,
}

/// What happens on one way.
#[derive(Debug, Default)]
struct Behaviour {
    stopped: bool,
    delay: Duration,
    /// When so many more bytes have passed, every connection is cut.
    bytes_left: Option<usize>,
}

impl Relay {
    /// Starts a relay to the target.
    ///
    /// # Panics
    /// When there is no address to listen on.
    pub fn start(target: SocketAddr) -> Self {
        let listener = must("relay", TcpListener::bind("127.0.0.1:0"));
        let address = must("relay", listener.local_addr());
        let network = Arc::new(Mutex::new(Network::default()));
        let shared = network.clone();
        thread::spawn(move || accept(&listener, target, &shared));
        Self { address, network }
    }

    /// Returns where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns how many connections it has carried so far.
    pub fn connections(&self) -> u64 {
        self.network().connections
    }

    /// Ends every connection now.
    pub fn cut(&self) {
        self.network().cuts += 1;
    }

    /// Ends every connection when so many more bytes have gone that way.
    pub fn cut_after(&self, way: Way, bytes: usize) {
        self.network().behaviour(way).bytes_left = Some(bytes);
    }

    /// Lets nothing through on that way, though connections stay open, until it is told otherwise.
    pub fn stop(&self, way: Way, stopped: bool) {
        self.network().behaviour(way).stopped = stopped;
    }

    /// Holds everything back for so long on that way.
    pub fn delay(&self, way: Way, delay: Duration) {
        self.network().behaviour(way).delay = delay;
    }

    /// Takes no new connections, until it is told otherwise.
    pub fn close(&self, closed: bool) {
        self.network().closed = closed;
    }

    fn network(&self) -> MutexGuard<'_, Network> {
        lock(&self.network)
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        let mut network = self.network();
        (network.closed, network.cuts) = (true, u64::MAX);
        drop(network);
        // Wakes the thread that accepts.
        let _ = TcpStream::connect(self.address);
    }
}

impl Network {
    fn behaviour(&mut self, way: Way) -> &mut Behaviour {
        match way {
            Way::There => &mut self.there,
            Way::Back => &mut self.back,
        }
    }
}

fn lock(network: &Mutex<Network>) -> MutexGuard<'_, Network> {
    network.lock().unwrap_or_else(PoisonError::into_inner)
}

fn accept(listener: &TcpListener, target: SocketAddr, network: &Arc<Mutex<Network>>) {
    for connection in listener.incoming().map_while(Result::ok) {
        let mut state = lock(network);
        if state.cuts == u64::MAX {
            return;
        }
        if state.closed {
            continue;
        }
        state.connections += 1;
        let cuts = state.cuts;
        drop(state);
        let Ok(onward) = TcpStream::connect(target) else { continue };
        for (way, from, to) in [(Way::There, &connection, &onward), (Way::Back, &onward, &connection)] {
            let (Ok(from), Ok(to)) = (from.try_clone(), to.try_clone()) else { continue };
            let network = network.clone();
            thread::spawn(move || carry(way, from, to, &network, cuts));
        }
    }
}

/// Carries bytes one way until an end, an error or a cut; then the connection ends both ways.
fn carry(way: Way, mut from: TcpStream, mut to: TcpStream, network: &Mutex<Network>, cuts: u64) {
    let mut piece = [0; PIECE_BYTES];
    let _ = from.set_read_timeout(Some(PULSE));
    while let Some(delay) = wait_to_pass(way, network, cuts) {
        match from.read(&mut piece) {
            Ok(0) => break,
            Ok(count) => {
                thread::sleep(delay);
                // What came while it was told to stop is held, too.
                if wait_to_pass(way, network, cuts).is_none() {
                    break;
                }
                let passing = take_of_budget(way, network, count);
                if to.write_all(&piece[..passing]).is_err() {
                    break;
                }
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            Err(_) => break,
        }
    }
    let _ = from.shutdown(Shutdown::Both);
    let _ = to.shutdown(Shutdown::Both);
}

/// Waits until something may pass, and returns its delay; `None` once the connection is cut.
fn wait_to_pass(way: Way, network: &Mutex<Network>, cuts: u64) -> Option<Duration> {
    loop {
        let mut state = lock(network);
        if state.cuts != cuts {
            return None;
        }
        let behaviour = state.behaviour(way);
        if !behaviour.stopped {
            return Some(behaviour.delay);
        }
        drop(state);
        thread::sleep(PULSE);
    }
}

/// How many of the bytes pass before the cut.
fn take_of_budget(way: Way, network: &Mutex<Network>, count: usize) -> usize {
    let mut network = lock(network);
    let Some(left) = network.behaviour(way).bytes_left else { return count };
    if count < left {
        network.behaviour(way).bytes_left = Some(left - count);
        return count;
    }
    network.behaviour(way).bytes_left = None;
    network.cuts += 1;
    left
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cuts_after_the_bytes_it_was_told() {
        let target = must("target", TcpListener::bind("127.0.0.1:0"));
        let relay = Relay::start(must("target", target.local_addr()));
        let mut source = must("source", TcpStream::connect(relay.address()));
        relay.cut_after(Way::There, 5);
        must("write", source.write_all(b"stanzas"));
        let (mut sink, _) = must("sink", target.accept());
        let mut arrived = Vec::new();
        must("read", sink.read_to_end(&mut arrived));
        assert_eq!(arrived, b"stanz");
    }
}
