//! A filter as a judge of golden cases.

use std::cell::RefCell;
use std::marker::PhantomData;

use refrain_filter::case::{CaseFile, Judge, Judged};
use refrain_filter::{Bits, Direction, Journal, Relation};

use super::convert;
use crate::host::{self, Call};
use crate::{Filter, Head, Problems, Setup, Stanza, Verdict, settings};

/// Configures `F` anew for each case and asks it natively.
#[derive(Debug)]
pub struct NativeJudge<F>(PhantomData<F>);

impl<F> Default for NativeJudge<F> {
    fn default() -> Self {
        NativeJudge(PhantomData)
    }
}

impl<F: Filter> Judge for NativeJudge<F> {
    fn begin(&mut self, file: &CaseFile) -> Result<(), String> {
        host::begin_world();
        file.lists.iter().for_each(|(name, list)| host::set_list(name, list.to_list()));
        Ok(())
    }

    fn judge(
        &mut self,
        settings: &serde_json::Value,
        direction: Direction,
        relation: Option<Relation>,
        stanza: &refrain_proto::Stanza,
    ) -> Result<Judged, String> {
        let configured = Configured::<F>::new(&settings.to_string()).map_err(|problems| tell(&problems))?;
        match configured.ask(direction, relation, stanza)? {
            None => Ok(Judged::default()),
            Some(answer) => Ok(Judged {
                verdict: Some(convert::verdict(answer.verdict, stanza)?),
                reason: answer.reason,
                edited: answer.edited,
            }),
        }
    }
}

/// A filter with what it declared.
#[derive(Debug)]
pub(super) struct Configured<F> {
    filter: F,
    setup: Setup,
}

/// What a filter says of a stanza.
pub(super) struct Answer {
    pub(super) verdict: Verdict,
    reason: Option<String>,
    edited: Option<refrain_proto::Stanza>,
}

impl<F: Filter> Configured<F> {
    pub(super) fn new(settings: &str) -> Result<Self, Problems> {
        let mut setup = Setup::default();
        let settings = settings::parse(settings)?;
        Ok(Configured { filter: F::configure(settings, &mut setup)?, setup })
    }

    /// Asks about one stanza; `None` if no interest rule picks it.
    pub(super) fn ask(
        &self,
        direction: Direction,
        relation: Option<Relation>,
        stanza: &refrain_proto::Stanza,
    ) -> Result<Option<Answer>, String> {
        let given = relation.map_or(0, Relation::bit);
        let Some(head) = head(&self.setup.host, direction, given, stanza) else { return Ok(None) };
        let mut journal = Journal::default();
        journal.begin(stanza.size());
        let call = Call {
            element: stanza.element(),
            selectors: &self.setup.host.selectors,
            journal: RefCell::new(journal),
            reason: RefCell::default(),
        };
        let verdict = self.filter.on_stanza(&head, &Stanza::new(host::Stanza(&call)));
        let commits = convert::verdict(verdict.clone(), stanza)?.commits();
        let journal = call.journal.into_inner();
        let edited = (commits && !journal.is_empty()).then(|| edited(stanza, &journal)).transpose()?;
        Ok(Some(Answer { verdict, reason: call.reason.into_inner(), edited }))
    }
}

/// The head, or `None` if no interest rule picks the stanza. The bits `given` cannot be seen on the stanza itself.
fn head(setup: &host::Setup, direction: Direction, given: u32, stanza: &refrain_proto::Stanza) -> Option<Head> {
    let bits = Bits::of(stanza) | given;
    let matched = setup.interests.matched(stanza, direction, bits);
    if matched == 0 && !setup.interests.is_empty() {
        return None;
    }
    Some(Head {
        direction: convert::direction(direction),
        kind: convert::kind(stanza.kind()),
        stanza_type: convert::stanza_type(stanza.stanza_type()),
        bits,
        matched,
        size: stanza.size(),
        now_ms: host::now_ms(),
        from: stanza.from().as_str().to_owned(),
        to: stanza.to().as_str().to_owned(),
    })
}

/// The stanza with the edits, checked as the proxy checks it.
fn edited(stanza: &refrain_proto::Stanza, journal: &Journal) -> Result<refrain_proto::Stanza, String> {
    let mut edited = stanza.clone();
    edited.apply(journal.edits(), journal.xml_limits()).map_err(|defect| format!("the edits: {defect}"))?;
    Ok(edited)
}

pub(super) fn tell(problems: &Problems) -> String {
    let lines: Vec<_> =
        problems.iter().map(|problem| format!("settings.{}: {}", problem.path, problem.message)).collect();
    lines.join("; ")
}
