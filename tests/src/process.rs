//! Children of the harness: started, watched, their log kept for the moment of failure, ended on drop.

use std::{
    fmt::Display,
    io::{BufRead, BufReader, Read},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU16, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};

/// How many of the last lines are shown when a test fails.
const LINES_SHOWN: usize = 150;

/// How long a log is read after its process has ended.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// How often a condition is looked at while waiting for it.
const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// A running program of the small Internet; killed by its process id on drop.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    log: Log,
    readers: Vec<JoinHandle<()>>,
}

impl Process {
    /// Starts a program with its output captured.
    ///
    /// # Panics
    /// When the program cannot be started.
    pub fn start(name: impl Into<String>, command: &mut Command) -> Self {
        let name = name.into();
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{name} does not start: {error}"));
        let log = Log::default();
        let readers = [log.follow(child.stdout.take()), log.follow(child.stderr.take())];
        Self { name, child, log, readers: readers.into_iter().flatten().collect() }
    }

    /// Returns the operating system's number for the process.
    pub fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    /// Returns everything the process has written so far.
    pub fn log(&self) -> String {
        self.log.text()
    }

    /// Waits until the process accepts connections.
    ///
    /// # Panics
    /// When the process ends first or the deadline passes.
    pub fn wait_until_listening(&mut self, address: SocketAddr, deadline: Duration) {
        let ready = wait_until(deadline, || {
            self.child.try_wait().ok().flatten().is_some() || TcpStream::connect(address).is_ok()
        });
        let ended = self.child.try_wait().ok().flatten();
        assert!(ready && ended.is_none(), "{} does not listen on {address} ({ended:?})\n{}", self.name, self.log());
    }

    /// Waits until the process has written a line with these words.
    ///
    /// # Panics
    /// When the process ends first or the deadline passes.
    pub fn wait_until_says(&mut self, words: &str, deadline: Duration) {
        let ready =
            wait_until(deadline, || self.child.try_wait().ok().flatten().is_some() || self.log.has_line_with(words));
        let ended = self.child.try_wait().ok().flatten();
        assert!(ready && ended.is_none(), "{} does not say “{words}” ({ended:?})\n{}", self.name, self.log());
    }

    /// Asks the process to end (SIGTERM) and waits for it.
    ///
    /// # Panics
    /// When the process is still there after the deadline.
    pub fn terminate(&mut self, deadline: Duration) -> ExitStatus {
        self.signal(Signal::TERM);
        self.wait(deadline)
    }

    /// Sends a signal.
    ///
    /// # Panics
    /// When the process is gone.
    pub fn signal(&self, signal: Signal) {
        if let Err(error) = kill_process(self.pid(), signal) {
            panic!("{} cannot be signalled: {error}\n{}", self.name, self.log());
        }
    }

    /// Waits for the process to end by itself.
    ///
    /// # Panics
    /// When the process is still there after the deadline.
    pub fn wait(&mut self, deadline: Duration) -> ExitStatus {
        let mut status = None;
        wait_until(deadline, || {
            status = self.child.try_wait().ok().flatten();
            status.is_some()
        });
        // Its last words may still be in the pipe; a child of its own that lives on would hold the pipe open for ever.
        wait_until(LAST_WORDS, || self.readers.iter().all(JoinHandle::is_finished));
        status.unwrap_or_else(|| panic!("{} has not ended after {deadline:?}\n{}", self.name, self.log()))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if thread::panicking() {
            eprintln!("---- the last of {} ----\n{}", self.name, self.log.tail(LINES_SHOWN));
        }
    }
}

/// Lines of a child's output, shared with the threads that read them.
#[derive(Clone, Debug, Default)]
struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    fn follow(&self, output: Option<impl Read + Send + 'static>) -> Option<JoinHandle<()>> {
        let output = output?;
        let log = self.clone();
        Some(thread::spawn(move || {
            for line in BufReader::new(output).split(b'\n').map_while(Result::ok) {
                log.lines().push(String::from_utf8_lossy(&line).into_owned());
            }
        }))
    }

    fn lines(&self) -> std::sync::MutexGuard<'_, Vec<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn has_line_with(&self, words: &str) -> bool {
        self.lines().iter().any(|line| line.contains(words))
    }

    fn text(&self) -> String {
        self.lines().join("\n")
    }

    fn tail(&self, count: usize) -> String {
        let lines = self.lines();
        lines[lines.len().saturating_sub(count)..].join("\n")
    }
}

/// Looks at a condition until it holds; false when the deadline passes first.
pub fn wait_until(deadline: Duration, mut condition: impl FnMut() -> bool) -> bool {
    let end = Instant::now() + deadline;
    loop {
        if condition() {
            return true;
        }
        if Instant::now() >= end {
            return false;
        }
        thread::sleep(POLL_INTERVAL);
    }
}

/// Ports that the system does not give to outgoing connections (`ip_local_port_range` starts at 32,768).
const PORTS: std::ops::Range<u16> = 20_000..32_000;

/// Returns a loopback address nobody listens on, and never the same one twice in a process.
///
/// # Panics
/// When no port is left.
pub fn free_address() -> SocketAddr {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let count = PORTS.end - PORTS.start;
    // Test programs that run at the same time start at different ports.
    let start = u16::try_from(std::process::id().wrapping_mul(211) % u32::from(count)).unwrap_or_default();
    for _ in 0..count {
        let offset = start.wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed)) % count;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, PORTS.start + offset));
        if TcpListener::bind(address).is_ok() && UdpSocket::bind(address).is_ok() {
            return address;
        }
    }
    panic!("no port is free in {PORTS:?}");
}

/// Unwraps a step of the harness with a sentence that says what failed.
pub(crate) fn must<T, E: Display>(what: &str, result: Result<T, E>) -> T {
    result.unwrap_or_else(|error| panic!("{what}: {error}"))
}
