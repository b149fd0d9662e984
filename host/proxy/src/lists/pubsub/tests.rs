//! The machine, played by hand: what a service may do, in any order, and what must come of it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use refrain_proto::{Domain, Jid, Stanza, StreamIds};

use super::items::{ITEMS_MAX, Items};
use super::notice::Notice;
use super::request::Question;
use super::subscription::{Input, Output, Subscription};
use super::{Source, event};
use crate::config::Form;

const SERVICE: &str = "rtbl.example";
const NODE: &str = "spam_source_domains";
const OWN: &str = "home.example/refrain-lists";

fn source(form: Form) -> Arc<Source> {
    Arc::new(Source {
        service: Jid::parse(SERVICE).unwrap(),
        node: NODE.to_owned(),
        form,
        asker: Domain::parse("home.example").unwrap(),
        resync: Duration::from_secs(2 * 60 * 60),
    })
}

/// A subscription and the service it speaks with.
struct Play {
    subscription: Subscription,
    now: Instant,
    /// The request that waits for its answer.
    request: Option<(String, String)>,
    offered: Vec<Items>,
    told: Vec<Notice>,
}

impl Play {
    fn new(form: Form) -> Self {
        Self::knowing(form, None)
    }

    /// A subscription of which another run has kept this.
    fn knowing(form: Form, known: Option<Items>) -> Self {
        let now = Instant::now();
        let subscription = Subscription::new(source(form), known, StreamIds::from_seed([7; 32]), now);
        let mut play = Play { subscription, now, request: None, offered: Vec::new(), told: Vec::new() };
        play.input(Input::Tick);
        play
    }

    /// A subscription that has these items.
    fn with(items: &[&str]) -> Self {
        let mut play = Play::new(Form::Plain);
        play.subscribed();
        play.items(items);
        play
    }

    fn input(&mut self, input: Input<'_>) {
        self.subscription.handle(input, self.now);
        loop {
            match self.subscription.poll() {
                Output::Send(id, stanza) => self.request = Some((id, stanza.to_xml())),
                Output::Offer(items) => self.offered.push((*items).clone()),
                Output::Tell(notice) => self.told.push(notice),
                Output::Wait(_) => return,
            }
        }
    }

    /// Goes to when the machine wants to be woken.
    fn sleep(&mut self) -> Duration {
        let Output::Wait(until) = self.subscription.poll() else { panic!("it waits") };
        let slept = until.saturating_duration_since(self.now);
        self.now = until;
        self.input(Input::Tick);
        slept
    }

    fn asked(&self) -> &str {
        self.request.as_ref().map_or("", |(_, xml)| xml)
    }

    fn answer_as(&mut self, kind: &str, payload: &str) {
        let (id, _) = self.request.take().expect("a request");
        let xml = format!("<iq from='{SERVICE}' to='{OWN}' id='{id}' type='{kind}'>{payload}</iq>");
        self.input(Input::Answer(&id, &Stanza::parse(&xml).unwrap()));
    }

    fn answer(&mut self, pubsub: &str) {
        self.answer_as("result", &format!("<pubsub xmlns='http://jabber.org/protocol/pubsub'>{pubsub}</pubsub>"));
    }

    fn refuse(&mut self, condition: &str) {
        let error = format!("<{condition} xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>");
        self.answer_as("error", &format!("<error type='cancel'>{error}</error>"));
    }

    fn standing(&mut self, standing: &str) {
        assert!(self.asked().contains("<subscribe "), "{}", self.asked());
        self.answer(&format!("<subscription node='{NODE}' jid='{OWN}' subscription='{standing}'/>"));
    }

    fn subscribed(&mut self) {
        self.standing("subscribed");
    }

    fn items(&mut self, ids: &[&str]) {
        assert!(self.asked().contains("<items "), "{}", self.asked());
        self.answer(&format!("<items node='{NODE}'>{}</items>", written(ids)));
    }

    fn page(&mut self, ids: &[&str], set: &str) {
        let set = format!("<set xmlns='http://jabber.org/protocol/rsm'>{set}</set>");
        self.answer(&format!("<items node='{NODE}'>{}</items>{set}", written(ids)));
    }

    fn event(&mut self, inner: &str) {
        for (node, event) in read(inner) {
            assert_eq!(node, NODE);
            self.input(Input::Event(event));
        }
    }

    /// What was offered last, once events have settled.
    fn entries(&mut self) -> Vec<String> {
        self.now += Duration::from_millis(250);
        self.input(Input::Tick);
        let mut entries: Vec<_> = self.offered.last().into_iter().flatten().map(|(id, _)| id.to_string()).collect();
        entries.sort();
        entries
    }
}

fn broke() -> Input<'static> {
    Input::Broke("the stream broke".to_owned())
}

fn written(ids: &[&str]) -> String {
    ids.iter().map(|id| format!("<item id='{id}'/>")).collect()
}

fn read(inner: &str) -> Vec<(String, event::Event)> {
    let xml = format!(
        "<message from='{SERVICE}' to='{OWN}' type='headline'>\
         <event xmlns='http://jabber.org/protocol/pubsub#event'>{inner}</event></message>"
    );
    event::read(&Stanza::parse(&xml).unwrap())
}

#[test]
fn subscribes_before_it_fetches_and_then_rests() {
    let mut play = Play::new(Form::Plain);
    let asked = play.asked().to_owned();
    assert!(asked.contains(&format!("from=\"{OWN}\" to=\"{SERVICE}\"")), "{asked}");
    assert!(asked.contains(&format!("<subscribe node=\"{NODE}\" jid=\"{OWN}\"/>")), "{asked}");
    play.subscribed();
    assert!(play.asked().contains(&format!("<items node=\"{NODE}\"/><set ")), "{}", play.asked());
    play.items(&["b.example", "eve@a.example", "192.0.2.0/24"]);
    assert_eq!(play.entries(), ["192.0.2.0/24", "b.example", "eve@a.example"]);
    assert_eq!(play.told, [Notice::Synced { entries: 3, skipped: 0, subscribed: true }]);
    assert!(play.sleep() > Duration::from_secs(60 * 60), "the next round is hours away");
    assert!(play.asked().contains("<subscribe "));
}

#[test]
fn events_change_the_entries() {
    let mut play = Play::with(&["a.example"]);
    play.event(&format!("<items node='{NODE}'><item id='b.example'/></items>"));
    assert_eq!(play.entries(), ["a.example", "b.example"]);
    play.event(&format!("<items node='{NODE}'><retract id='a.example'/></items>"));
    assert_eq!(play.entries(), ["b.example"]);
    play.event(&format!("<items node='{NODE}'><retract id='b.example'/><item id='c.example'/></items>"));
    assert_eq!(play.entries(), ["c.example"]);
    play.event(&format!("<purge node='{NODE}'/>"));
    assert_eq!(play.entries(), Vec::<String>::new());
    assert_eq!(play.offered.len(), 5);
}

#[test]
fn a_burst_of_events_is_offered_once() {
    let mut play = Play::with(&[]);
    for number in 0..1_000 {
        play.event(&format!("<items node='{NODE}'><item id='s{number}.example'/></items>"));
    }
    assert_eq!(play.entries().len(), 1_000);
    assert_eq!(play.offered.len(), 2);
}

#[test]
fn what_a_fetch_brings_replaces_what_was_there() {
    let mut play = Play::with(&["a.example", "b.example"]);
    play.sleep();
    play.subscribed();
    play.items(&["b.example", "c.example"]);
    assert_eq!(play.entries(), ["b.example", "c.example"], "a retraction that was missed has done its work");
}

#[test]
fn pages_are_turned_to_the_last() {
    let mut play = Play::new(Form::Plain);
    play.subscribed();
    play.page(&["a.example", "b.example"], "<first index='0'>1</first><last>2</last><count>3</count>");
    assert!(play.asked().contains("<max>200</max><after>2</after>"), "{}", play.asked());
    assert!(play.offered.is_empty(), "half a list is none");
    play.page(&["c.example"], "<first index='2'>3</first><last>3</last><count>3</count>");
    assert_eq!(play.entries(), ["a.example", "b.example", "c.example"]);
}

#[test]
fn pages_without_numbers_end_with_the_empty_one() {
    let mut play = Play::new(Form::Plain);
    play.subscribed();
    play.page(&["a.example"], "<last>1</last>");
    play.page(&["b.example"], "<last>2</last>");
    play.page(&[], "<count>2</count>");
    assert_eq!(play.entries(), ["a.example", "b.example"]);
}

#[test]
fn events_amid_a_fetch_are_younger_than_its_pages() {
    let mut play = Play::with(&["old.example"]);
    play.sleep();
    play.subscribed();
    // Both are on a page still, and one is retracted: it is gone at once, and stays so.
    play.event(&format!("<items node='{NODE}'><retract id='a.example'/><item id='new.example'/></items>"));
    assert_eq!(play.entries(), ["new.example", "old.example"]);
    play.page(&["a.example", "b.example"], "<last>1</last>");
    play.event(&format!("<items node='{NODE}'><retract id='b.example'/></items>"));
    play.page(&["c.example"], "<last>2</last>");
    play.page(&[], "");
    assert_eq!(play.entries(), ["c.example", "new.example"]);
}

#[test]
fn a_purge_amid_a_fetch_leaves_what_came_after_it() {
    let mut play = Play::new(Form::Plain);
    play.subscribed();
    play.page(&["a.example"], "<last>1</last>");
    play.event(&format!("<items node='{NODE}'><item id='b.example'/></items>"));
    play.event(&format!("<purge node='{NODE}'/>"));
    play.event(&format!("<items node='{NODE}'><item id='c.example'/></items>"));
    play.page(&[], "");
    assert_eq!(play.entries(), ["c.example"]);
}

#[test]
fn an_event_before_the_first_fetch_does_not_stand_for_the_list() {
    let mut play = Play::new(Form::Plain);
    play.event(&format!("<items node='{NODE}'><item id='a.example'/></items>"));
    assert!(play.entries().is_empty() && play.offered.is_empty());
    play.subscribed();
    play.event(&format!("<items node='{NODE}'><item id='b.example'/></items>"));
    play.items(&["a.example"]);
    assert_eq!(play.entries(), ["a.example", "b.example"]);
}

#[test]
fn what_another_run_kept_is_the_list_until_the_first_fetch() {
    let kept = Items::from([("a.example".into(), "".into()), ("b.example".into(), "".into())]);
    let mut play = Play::knowing(Form::Plain, Some(kept));
    play.event(&format!("<items node='{NODE}'><item id='c.example'/><retract id='a.example'/></items>"));
    assert_eq!(play.entries(), ["b.example", "c.example"]);
    play.sleep();
    assert_eq!(play.entries(), ["b.example", "c.example"], "a service that is silent changes nothing");
}

#[test]
fn ids_of_another_form_are_skipped_and_counted() {
    let hash = "7583a9b348".repeat(7)[..64].to_owned();
    let mut play = Play::new(Form::Sha256);
    play.subscribed();
    let upper = hash.to_uppercase();
    play.items(&[&hash, &upper, &hash[1..], "a.example", ""]);
    assert_eq!(play.entries(), [upper.as_str(), hash.as_str()]);
    assert_eq!(play.told, [Notice::Synced { entries: 2, skipped: 3, subscribed: true }]);
    let mut play = Play::new(Form::Plain);
    play.subscribed();
    play.items(&[
        "a b.example",
        "*",
        "*.example",
        "a@b@c.example",
        "@x.example",
        "",
        "2001:db8::/32",
        "10.0.0.1",
        "ok.example",
    ]);
    assert_eq!(play.entries(), ["10.0.0.1", "2001:db8::/32", "ok.example"]);
}

#[test]
fn a_list_of_the_wrong_form_is_a_failure() {
    let mut play = Play::new(Form::Sha256);
    play.subscribed();
    play.items(&["a.example", "b.example"]);
    assert!(play.offered.is_empty());
    let Some(Notice::Failed(why, _)) = play.told.last() else { panic!("{:?}", play.told) };
    assert_eq!(why, "none of 2 ids is of the form \"sha256\"; if they are of the other, write form = \"plain\"");
}

#[test]
fn a_page_of_nothing_but_the_service_is_not_the_last() {
    let mut play = Play::new(Form::Plain);
    play.subscribed();
    play.page(&["rtbl.example"], "<last>1</last>");
    play.page(&["a.example"], "<last>2</last>");
    play.page(&[], "");
    assert_eq!(play.entries(), ["a.example"]);
}

#[test]
fn why_a_stream_broke_is_told() {
    let mut play = Play::new(Form::Plain);
    play.input(Input::Broke("more than 4194304 bytes".to_owned()));
    assert!(matches!(play.told.last(), Some(Notice::Failed(why, _)) if why == "more than 4194304 bytes"));
}

#[test]
fn the_reason_of_a_report_becomes_the_note() {
    let mut play = Play::new(Form::Plain);
    play.subscribed();
    let long = "x".repeat(300);
    let report = |text: &str| {
        format!("<report xmlns='urn:xmpp:reporting:1' reason='urn:xmpp:reporting:spam'><text>{text}</text></report>")
    };
    play.answer(&format!(
        "<items node='{NODE}'><item id='a.example'>{}</item><item id='b.example'>{}</item><item id='c.example'>\
         <entry xmlns='http://www.w3.org/2005/Atom'/></item></items>",
        report("sends\nadverts "),
        report(&long)
    ));
    let items = play.offered.last().unwrap();
    assert_eq!(&*items["a.example"], "spam: sends adverts");
    assert_eq!((items["b.example"].len(), &*items["c.example"]), (200, ""));
}

#[test]
fn a_list_does_not_keep_its_own_service_out() {
    let mut play = Play::new(Form::Plain);
    play.subscribed();
    play.items(&["RTBL.example", "a.example"]);
    assert_eq!(play.entries(), ["a.example"]);
    assert_eq!(play.told[0], Notice::CoversService);
    play.event(&format!("<items node='{NODE}'><item id='rtbl.example'/></items>"));
    assert_eq!(play.entries(), ["a.example"]);
    let mut play = Play::new(Form::Sha256);
    play.subscribed();
    // printf rtbl.example | sha256sum
    let own = format!("{:x}", <sha2::Sha256 as sha2::Digest>::digest(SERVICE));
    play.items(&[&own]);
    assert_eq!(play.entries(), Vec::<String>::new());
}

#[test]
fn silence_and_errors_are_tried_again_later_and_later() {
    let mut play = Play::new(Form::Plain);
    let mut pauses = Vec::new();
    for round in 0..12 {
        match round % 2 {
            0 => {
                assert_eq!(play.sleep(), Duration::from_secs(60), "an answer is waited for");
                assert!(matches!(&play.told.last(), Some(Notice::Failed(why, _)) if why == "no answer"));
            }
            _ => {
                play.subscribed();
                play.refuse("internal-server-error");
            }
        }
        play.request = None;
        pauses.push(play.sleep());
    }
    assert!(pauses[0] < Duration::from_secs(3), "{pauses:?}");
    assert!(pauses.iter().all(|pause| *pause <= Duration::from_secs(600)), "{pauses:?}");
    assert!(pauses[11] >= Duration::from_secs(300), "{pauses:?}");
    assert!(play.offered.is_empty());
    play.subscribed();
    play.items(&["a.example"]);
    assert_eq!(play.entries(), ["a.example"]);
}

#[test]
fn who_may_not_subscribe_fetches_from_time_to_time() {
    let mut play = Play::new(Form::Plain);
    play.refuse("not-allowed");
    play.items(&["a.example"]);
    assert_eq!(play.entries(), ["a.example"]);
    assert_eq!(play.told.last(), Some(&Notice::Synced { entries: 1, skipped: 0, subscribed: false }));
    assert!(matches!(&play.told[0], Notice::Failed(why, _) if why.ends_with("not-allowed")));
    assert!(play.sleep() <= Duration::from_secs(600));
}

#[test]
fn a_subscription_that_waits_for_approval_is_told_and_its_approval_heard() {
    for (standing, word) in [("pending", "approves"), ("unconfigured", "configured")] {
        let mut play = Play::new(Form::Plain);
        play.standing(standing);
        assert!(play.told[0].to_string().contains(word), "{}", play.told[0]);
        play.refuse("not-authorized");
        play.event(&format!("<subscription node='{NODE}' jid='{OWN}' subscription='subscribed'/>"));
        assert!(play.sleep() <= Duration::from_secs(5));
        play.subscribed();
        play.items(&["a.example"]);
        assert_eq!(play.entries(), ["a.example"]);
    }
}

#[test]
fn a_subscription_that_was_ended_is_renewed() {
    let mut play = Play::with(&["a.example"]);
    play.event(&format!("<subscription node='{NODE}' jid='{OWN}' subscription='none'/>"));
    assert_eq!(play.entries(), ["a.example"]);
    assert!(play.sleep() <= Duration::from_secs(2));
    play.subscribed();
}

#[test]
fn a_deleted_node_leaves_no_entry_and_is_looked_for_again() {
    let mut play = Play::with(&["a.example"]);
    play.event(&format!("<delete node='{NODE}'><redirect uri='xmpp:evil.example?;node=x'/></delete>"));
    assert_eq!(play.entries(), Vec::<String>::new());
    assert_eq!(play.told.last(), Some(&Notice::Deleted(Some("xmpp:evil.example?;node=x".to_owned()))));
    play.sleep();
    play.refuse("item-not-found");
    play.refuse("item-not-found");
    play.sleep();
    play.subscribed();
    play.items(&["b.example"]);
    assert_eq!(play.entries(), ["b.example"]);
}

#[test]
fn a_node_that_is_not_found_keeps_what_was_known_of_it() {
    let mut play = Play::with(&["a.example"]);
    play.sleep();
    play.refuse("item-not-found");
    play.refuse("item-not-found");
    assert_eq!(play.entries(), ["a.example"]);
}

#[test]
fn a_changed_configuration_has_everything_fetched_again() {
    let mut play = Play::with(&["a.example"]);
    play.event(&format!("<configuration node='{NODE}'/>"));
    assert!(play.sleep() <= Duration::from_secs(2));
    play.subscribed();
    play.items(&["b.example"]);
    assert_eq!(play.entries(), ["b.example"]);
}

#[test]
fn a_broken_stream_has_everything_fetched_again() {
    let mut play = Play::with(&["a.example"]);
    play.input(broke());
    play.input(broke());
    assert!(play.sleep() <= Duration::from_secs(2));
    play.input(broke());
    assert!(play.sleep() <= Duration::from_secs(2), "a request that was lost is not waited for");
    play.subscribed();
    play.items(&["b.example"]);
    assert_eq!(play.entries(), ["b.example"]);
}

#[test]
fn a_service_whose_streams_always_break_is_left_in_peace() {
    let mut play = Play::with(&["a.example"]);
    let mut pauses = Vec::new();
    for _ in 0..12 {
        play.input(broke());
        pauses.push(play.sleep());
        play.subscribed();
        play.items(&["a.example"]);
    }
    assert!(pauses[11] >= Duration::from_secs(300), "{pauses:?}");
}

#[test]
fn endless_pages_end() {
    let mut play = Play::new(Form::Plain);
    play.subscribed();
    for number in 0.. {
        play.page(&[&format!("s{number}.example")], &format!("<last>{number}</last>"));
        if play.request.is_none() {
            assert_eq!(number, 2_499);
            break;
        }
    }
    assert!(matches!(&play.told[0], Notice::Failed(why, _) if why.contains("without end")), "{:?}", play.told);
    assert!(play.offered.is_empty());
    play.sleep();
    play.subscribed();
    play.page(&["a.example"], "<last>1</last>");
    play.page(&["a.example"], "<last>1</last>");
    assert!(matches!(play.told.last(), Some(Notice::Failed(why, _)) if why.contains("same page")));
}

#[test]
fn slow_pages_end() {
    let mut play = Play::new(Form::Plain);
    play.subscribed();
    for number in 0..20 {
        if play.request.is_none() {
            break;
        }
        play.now += Duration::from_secs(59);
        play.page(&[&format!("s{number}.example")], &format!("<last>{number}</last>"));
    }
    assert!(matches!(play.told.last(), Some(Notice::Failed(why, _)) if why.contains("too long")), "{:?}", play.told);
}

#[test]
fn more_items_than_there_is_room_for_are_refused() {
    let mut play = Play::new(Form::Plain);
    play.subscribed();
    let ids: Vec<String> = (0..1_000).map(|number| format!("{number}.example")).collect();
    let mut pages = 0;
    while play.request.is_some() {
        let page: Vec<String> = ids.iter().map(|id| format!("p{pages}-{id}")).collect();
        play.page(&page.iter().map(String::as_str).collect::<Vec<_>>(), &format!("<last>{pages}</last>"));
        pages += 1;
    }
    assert_eq!(pages, ITEMS_MAX / 1_000 + 1);
    assert!(matches!(&play.told[0], Notice::Failed(why, _) if why.contains("more than")), "{:?}", play.told);
}

#[test]
fn odd_answers_are_failures_and_change_nothing() {
    let odd = [
        "<items node='another'><item id='x.example'/></items>".to_owned(),
        format!("<subscription node='{NODE}' jid='{OWN}' subscription='subscribed'/>"),
        String::new(),
    ];
    for pubsub in odd {
        let mut play = Play::with(&["a.example"]);
        play.sleep();
        play.subscribed();
        play.answer(&pubsub);
        assert!(matches!(play.told.last(), Some(Notice::Failed(..))), "{pubsub}");
        assert_eq!(play.entries(), ["a.example"], "{pubsub}");
    }
    let mut play = Play::new(Form::Plain);
    play.standing("befriended");
    assert!(matches!(&play.told[0], Notice::Failed(..)));
}

#[test]
fn an_answer_that_comes_too_late_is_nobodys() {
    let mut play = Play::new(Form::Plain);
    play.subscribed();
    let late = play.request.clone().unwrap();
    play.sleep();
    let xml = format!(
        "<iq from='{SERVICE}' to='{OWN}' id='{}' type='result'><pubsub xmlns='http://jabber.org/protocol/pubsub'>\
         <items node='{NODE}'><item id='x.example'/></items></pubsub></iq>",
        late.0
    );
    play.input(Input::Answer(&late.0, &Stanza::parse(&xml).unwrap()));
    assert!(play.offered.is_empty());
}

#[test]
fn malformed_events_are_no_events() {
    for inner in [
        "<items><item id='x'/></items>".to_owned(),
        "<items xmlns='urn:other' node='n'><item id='x'/></items>".to_owned(),
        format!("<collection node='{NODE}'/>"),
        format!("<subscription node='{NODE}' subscription='befriended'/>"),
    ] {
        assert_eq!(read(&inner), [], "{inner}");
    }
    let empty = vec![(NODE.to_owned(), event::Event::Changed(Vec::new()))];
    assert_eq!(read(&format!("<items node='{NODE}'><item/><retract/><other id='x'/></items>")), empty);
}

#[test]
fn each_request_has_an_id_of_its_own_that_nobody_can_guess() {
    let mut play = Play::new(Form::Plain);
    let first = play.request.clone().unwrap().0;
    play.subscribed();
    let second = play.request.clone().unwrap().0;
    assert_ne!(first, second);
    assert!(first.len() == 32 && first.bytes().all(|byte| byte.is_ascii_hexdigit()));
}

#[test]
fn says_good_bye_by_the_same_address() {
    let xml = Question::Unsubscribe.write(&source(Form::Plain), "x").to_xml();
    assert!(
        xml.contains(&format!("<unsubscribe node=\"{NODE}\" jid=\"{OWN}\"/>")) && xml.contains("type=\"set\""),
        "{xml}"
    );
}
