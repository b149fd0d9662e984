//! Connects to the first address of a host that answers (RFC 8305): one after the other, but without waiting long for any.

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout};

/// One address that does not answer must not use up the time of the others.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// RFC 8305 §5: the head start of an address over the next one.
const HEAD_START: Duration = Duration::from_millis(250);

/// The attempts to reach one host. Its addresses are few: whoever resolves names takes care of that.
pub struct Race {
    waiting: VecDeque<SocketAddr>,
    running: JoinSet<(SocketAddr, io::Result<TcpStream>)>,
    /// Those that run, in the order in which they began.
    begun: Vec<SocketAddr>,
    next_start: Instant,
}

impl Race {
    /// Lines them up.
    pub fn new(addresses: impl IntoIterator<Item = SocketAddr>) -> Race {
        Race {
            waiting: addresses.into_iter().collect(),
            running: JoinSet::new(),
            begun: Vec::new(),
            next_start: Instant::now(),
        }
    }

    /// The next address that answers or fails; `None` when there is none left. After one that answered, the others wait where
    /// they were, for the case that it turns out to be of no use.
    pub async fn next(&mut self) -> Option<(SocketAddr, io::Result<TcpStream>)> {
        loop {
            if self.running.is_empty() || Instant::now() >= self.next_start {
                self.start();
            }
            if self.running.is_empty() {
                return None;
            }
            tokio::select! {
                Some(ended) = self.running.join_next() => {
                    // One that failed gives its head start to the next (RFC 8305 §5).
                    self.next_start = Instant::now();
                    let Ok((address, reached)) = ended else { continue };
                    self.begun.retain(|begun| *begun != address);
                    if reached.is_ok() {
                        self.call_back();
                    }
                    return Some((address, reached));
                }
                () = sleep_until(self.next_start), if !self.waiting.is_empty() => {}
            }
        }
    }

    /// Whether every address has had its turn.
    pub fn is_over(&self) -> bool {
        self.waiting.is_empty() && self.running.is_empty()
    }

    fn start(&mut self) {
        let Some(address) = self.waiting.pop_front() else { return };
        self.begun.push(address);
        self.next_start = Instant::now() + HEAD_START;
        self.running.spawn(async move {
            let connecting = timeout(CONNECT_TIMEOUT, TcpStream::connect(address)).await;
            (address, connecting.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())))
        });
    }

    fn call_back(&mut self) {
        self.running = JoinSet::new();
        for address in self.begun.drain(..).rev() {
            self.waiting.push_front(address);
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    /// A listener with a full backlog: connecting to it neither succeeds nor fails.
    struct Silent {
        address: SocketAddr,
        _listener: TcpListener,
        _waiting: Vec<TcpStream>,
    }

    impl Silent {
        async fn new() -> Silent {
            let socket = tokio::net::TcpSocket::new_v4().unwrap();
            socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
            let listener = socket.listen(1).unwrap();
            let address = listener.local_addr().unwrap();
            let mut waiting = Vec::new();
            while let Ok(Ok(stream)) = timeout(Duration::from_millis(100), TcpStream::connect(address)).await {
                waiting.push(stream);
            }
            Silent { address, _listener: listener, _waiting: waiting }
        }
    }

    async fn listening() -> (TcpListener, SocketAddr) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        (listener, address)
    }

    async fn closed() -> SocketAddr {
        listening().await.1
    }

    #[tokio::test]
    async fn an_address_that_is_silent_costs_its_head_start_and_not_its_timeout() {
        let silent = Silent::new().await;
        let (_listener, good) = listening().await;
        let mut race = Race::new([silent.address, good]);
        let begun = Instant::now();
        let (reached, socket) = race.next().await.unwrap();
        assert_eq!((reached, socket.is_ok()), (good, true));
        let took = begun.elapsed();
        assert!(took >= HEAD_START && took < CONNECT_TIMEOUT / 2, "{took:?}");
    }

    #[tokio::test]
    async fn an_address_that_refuses_costs_nothing() {
        let (_listener, good) = listening().await;
        let closed = closed().await;
        let mut race = Race::new([closed, good]);
        let begun = Instant::now();
        let (refused, error) = race.next().await.unwrap();
        assert_eq!((refused, error.is_err()), (closed, true));
        assert_eq!(race.next().await.unwrap().0, good);
        assert!(begun.elapsed() < HEAD_START, "{:?}", begun.elapsed());
        assert!(race.next().await.is_none());
    }

    #[tokio::test]
    async fn the_first_address_is_preferred_and_the_others_are_kept_in_reserve() {
        let ((_first, first), (_second, second)) = (listening().await, listening().await);
        let mut race = Race::new([first, second]);
        assert_eq!(race.next().await.unwrap().0, first);
        assert_eq!(race.next().await.unwrap().0, second);
        assert!(race.next().await.is_none());
    }

    #[tokio::test]
    async fn one_that_lost_the_race_is_tried_again_if_the_winner_is_of_no_use() {
        let silent = Silent::new().await;
        let (_listener, good) = listening().await;
        let mut race = Race::new([silent.address, good]);
        assert_eq!(race.next().await.unwrap().0, good);
        let (address, reached) = race.next().await.unwrap();
        assert_eq!((address, reached.unwrap_err().kind()), (silent.address, io::ErrorKind::TimedOut));
        assert!(race.next().await.is_none());
    }

    #[tokio::test]
    async fn no_address_is_no_race() {
        assert!(Race::new([]).next().await.is_none());
    }
}
