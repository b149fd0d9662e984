//! Two streams of ours in memory, under virtual time: what one sends the other reads.

use refrain_proto::{
    Boundary, CertificateFacts, CertificateName, DialbackSecret, Domain, DomainPair, Event, InitiatingPolicy, Input,
    KeyClaim, Outcome, Output, PeerMisbehaved, Proof, Purpose, ReceivingPolicy, Refusal, Side, Stanza, Stream,
    StreamIds, StreamLimits, Validity,
};
use std::sync::Arc;
use std::time::{Duration, Instant};

const LOCAL: &str = "home.example";
const REMOTE: &str = "capulet.example";

fn domain(text: &str) -> Domain {
    Domain::parse(text).expect("a domain")
}

fn pair() -> DomainPair {
    DomainPair { from: domain(REMOTE), to: domain(LOCAL) }
}

fn certificate(name: &str) -> Option<CertificateFacts> {
    Some(CertificateFacts { trusted: true, names: vec![CertificateName::Dns(name.into())] })
}

fn secret() -> Arc<DialbackSecret> {
    Arc::new(DialbackSecret::from_bytes([3; 32]))
}

/// `capulet.example` connects to `home.example`.
struct Link {
    initiating: Stream,
    receiving: Stream,
    /// What the initiating side shows in TLS.
    shows: Option<CertificateFacts>,
    now: Instant,
    initiating_events: Vec<Event>,
    receiving_events: Vec<Event>,
}

impl Link {
    fn new(purpose: Purpose, dialback: Option<Arc<DialbackSecret>>, shows: Option<CertificateFacts>) -> Self {
        let now = Instant::now();
        let limits = StreamLimits::default();
        let initiating_policy = InitiatingPolicy {
            certificate_required: true,
            external: shows.is_some(),
            dialback,
            limits: limits.clone(),
        };
        let receiving_policy = ReceivingPolicy {
            boundary: Arc::new(Boundary::new([domain(LOCAL)])),
            side: Side::Outside,
            external: true,
            dialback: true,
            limits,
            ids: StreamIds::from_seed([9; 32]),
        };
        Self {
            initiating: Stream::initiating(pair(), purpose, initiating_policy, now),
            receiving: Stream::receiving(receiving_policy, now),
            shows,
            now,
            initiating_events: Vec::new(),
            receiving_events: Vec::new(),
        }
    }

    /// Carries bytes until both sides rest.
    fn run(&mut self) {
        loop {
            let (to_receiving, tls_asked) = drain(&mut self.initiating, &mut self.initiating_events);
            self.receiving.handle(Input::Bytes(&to_receiving), self.now);
            let (to_initiating, tls_agreed) = drain(&mut self.receiving, &mut self.receiving_events);
            self.initiating.handle(Input::Bytes(&to_initiating), self.now);
            if tls_agreed {
                let (rest, asked) = drain(&mut self.initiating, &mut self.initiating_events);
                assert!(asked && rest.is_empty(), "the initiating side begins TLS when it is told to proceed");
                self.receiving.handle(Input::TlsEstablished(self.shows.clone()), self.now);
                self.initiating.handle(Input::TlsEstablished(certificate(LOCAL)), self.now);
            }
            assert!(!tls_asked, "TLS begins only after it is agreed on");
            if to_receiving.is_empty() && to_initiating.is_empty() && !tls_agreed {
                return;
            }
        }
    }

    fn tick_after(&mut self, duration: Duration) {
        self.now += duration;
        self.initiating.handle(Input::Tick, self.now);
        self.receiving.handle(Input::Tick, self.now);
        self.run();
    }

    fn write(&mut self, xml: &str) {
        let mut bytes = Vec::new();
        Stanza::parse(xml).expect("a stanza").write(&mut bytes);
        assert!(self.initiating.is_established());
        self.initiating.writes(1, bytes.len(), self.now);
        self.receiving.handle(Input::Bytes(&bytes), self.now);
        self.run();
    }

    fn question(&self) -> KeyClaim {
        let mut questions = self.receiving_events.iter().filter_map(|event| match event {
            Event::Verify(claim) | Event::Asked(claim) => Some(claim.clone()),
            _ => None,
        });
        questions.next_back().expect("a question was raised")
    }

    fn answer(&mut self, validity: Validity) {
        let claim = self.question();
        self.receiving.handle(Input::Answered(claim, validity), self.now);
        self.run();
    }

    fn stanzas(&self) -> usize {
        self.receiving_events.iter().filter(|event| matches!(event, Event::Stanza(_))).count()
    }
}

/// Returns what is to be sent, and whether TLS is to begin after it.
fn drain(stream: &mut Stream, events: &mut Vec<Event>) -> (Vec<u8>, bool) {
    let (mut bytes, mut tls) = (Vec::new(), false);
    loop {
        match stream.poll() {
            Output::Transmit(more) => bytes.extend(more),
            Output::StartTls => tls = true,
            Output::Event(event) => events.push(event),
            Output::Wait(_) | Output::Finished(_) => return (bytes, tls),
        }
    }
}

fn outcome(stream: &mut Stream) -> Outcome {
    match stream.poll() {
        Output::Finished(outcome) => outcome,
        other => panic!("not finished but {other:?}"),
    }
}

fn established_by(link: &Link) -> Option<Proof> {
    link.initiating_events.iter().find_map(|event| match event {
        Event::Established(proof) => Some(*proof),
        _ => None,
    })
}

const MESSAGE: &str = "<message from='juliet@capulet.example' to='alice@home.example'><body>x</body></message>";

#[test]
fn a_certificate_carries_a_stanza_across() {
    let mut link = Link::new(Purpose::Stanzas, None, certificate(REMOTE));
    link.run();
    assert_eq!(established_by(&link), Some(Proof::External));
    assert!(link.receiving.is_established());
    link.write(MESSAGE);
    assert_eq!(link.stanzas(), 1);
    assert_eq!(link.initiating.peer_stanza_bytes_max(), Some(262_144));
}

#[test]
fn a_key_carries_a_stanza_across_once_its_authority_confirms_it() {
    let mut link = Link::new(Purpose::Stanzas, Some(secret()), None);
    link.run();
    assert_eq!(established_by(&link), None);
    let claim = link.question();
    assert!(secret().verify(&claim), "the key that arrives is the one that was made");
    assert!(link.initiating_events.iter().any(|event| matches!(event, Event::KeyShown(shown) if *shown == claim)));
    link.answer(Validity::Valid);
    assert_eq!(established_by(&link), Some(Proof::Dialback));
    link.write(MESSAGE);
    assert_eq!(link.stanzas(), 1);
}

#[test]
fn an_invalid_key_ends_the_stream() {
    let mut link = Link::new(Purpose::Stanzas, Some(secret()), None);
    link.run();
    link.answer(Validity::Invalid);
    assert_eq!(outcome(&mut link.initiating), Outcome::NotAuthenticated(Refusal::KeyInvalid));
    assert_eq!(outcome(&mut link.receiving), Outcome::PeerMisbehaved(PeerMisbehaved::InvalidKey));
}

#[test]
fn a_certificate_of_another_domain_falls_back_to_a_key() {
    let mut link = Link::new(Purpose::Stanzas, Some(secret()), certificate("montague.example"));
    link.run();
    link.answer(Validity::Valid);
    assert_eq!(established_by(&link), Some(Proof::Dialback));
}

#[test]
fn an_authority_is_asked_and_answers() {
    let claim = KeyClaim { pair: pair().reversed(), stream_id: "gw2".into(), key: "b4835385".into() };
    let mut link = Link::new(Purpose::Verify(claim.clone()), None, None);
    link.run();
    assert_eq!(link.question(), claim);
    link.answer(Validity::Valid);
    let verified = |event: &Event| matches!(event, Event::Verified(of, Validity::Valid) if *of == claim);
    assert!(link.initiating_events.iter().any(verified));
    assert_eq!(outcome(&mut link.initiating), Outcome::Closed);
}

#[test]
fn an_authority_that_does_not_answer_times_both_out() {
    let mut link = Link::new(Purpose::Stanzas, Some(secret()), None);
    link.run();
    link.tick_after(Duration::from_secs(29));
    assert!(!link.initiating.is_finished());
    link.tick_after(Duration::from_secs(1));
    assert!(matches!(outcome(&mut link.initiating), Outcome::TimedOut(_)));
    assert!(link.receiving.is_finished());
}

#[test]
fn spaces_keep_a_quiet_stream_open() {
    let mut link = Link::new(Purpose::Stanzas, None, certificate(REMOTE));
    link.run();
    for _ in 0..100 {
        link.tick_after(Duration::from_secs(5 * 60));
        // The host writes now and then, else the initiating side itself would close an idle stream.
        link.initiating.writes(1, 100, link.now);
    }
    assert!(link.receiving.is_established() && link.initiating.is_established());
}

#[test]
fn a_stream_without_stanzas_is_closed_in_order_by_the_side_that_opened_it() {
    let mut link = Link::new(Purpose::Stanzas, None, certificate(REMOTE));
    link.run();
    for _ in 0..6 {
        link.tick_after(Duration::from_secs(5 * 60));
    }
    assert!(matches!(outcome(&mut link.initiating), Outcome::TimedOut(_)));
    assert!(link.receiving.is_finished());
}

#[test]
fn every_wait_ends_at_a_deadline_that_a_tick_meets() {
    let mut link = Link::new(Purpose::Stanzas, Some(secret()), None);
    link.run();
    for stream in [&mut link.initiating, &mut link.receiving] {
        for _ in 0..10 {
            match stream.poll() {
                Output::Wait(until) => stream.handle(Input::Tick, until),
                Output::Transmit(_) | Output::Event(_) => {}
                Output::Finished(_) => break,
                Output::StartTls => panic!("TLS stands"),
            }
        }
        assert!(stream.is_finished());
    }
}

#[test]
fn closing_takes_what_is_still_on_its_way() {
    let mut link = Link::new(Purpose::Stanzas, None, certificate(REMOTE));
    link.run();
    link.receiving.handle(Input::Close(None), link.now);
    link.write(MESSAGE);
    assert_eq!(link.stanzas(), 1);
    assert_eq!(outcome(&mut link.receiving), Outcome::LocalClose);
    assert_eq!(outcome(&mut link.initiating), Outcome::Closed);
}
