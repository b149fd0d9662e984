//! A filter as a judge of golden cases.

use std::cell::RefCell;
use std::marker::PhantomData;

use refrain_filter::case::{Judge, Judged};
use refrain_filter::{Bits, Direction, Journal};

use super::convert;
use crate::host::{self, Call};
use crate::{Filter, Head, Problems, Setup, Stanza, settings};

/// Configures `F` anew for each case and asks it natively.
#[derive(Debug)]
pub struct NativeJudge<F>(PhantomData<F>);

impl<F> Default for NativeJudge<F> {
    fn default() -> Self {
        NativeJudge(PhantomData)
    }
}

/// Makes a filter and returns it with what it declared.
pub(super) fn configure<F: Filter>(settings: &serde_json::Value) -> Result<(F, Setup), Problems> {
    let mut setup = Setup::default();
    let settings = settings::parse(&settings.to_string())?;
    Ok((F::configure(settings, &mut setup)?, setup))
}

impl<F: Filter> Judge for NativeJudge<F> {
    fn judge(
        &mut self,
        settings: &serde_json::Value,
        direction: Direction,
        stanza: &refrain_proto::Stanza,
    ) -> Result<Judged, String> {
        let (filter, setup) = configure::<F>(settings).map_err(|problems| tell(&problems))?;
        let Some(head) = head(&setup.host, direction, stanza) else {
            return Ok(Judged::default());
        };
        let mut journal = Journal::default();
        journal.begin(stanza.size());
        let call = Call {
            element: stanza.element(),
            selectors: &setup.host.selectors,
            journal: RefCell::new(journal),
            reason: RefCell::default(),
        };
        let verdict = convert::verdict(filter.on_stanza(&head, &Stanza::new(host::Stanza(&call))));
        let journal = call.journal.into_inner();
        let edited = (verdict.commits() && !journal.is_empty()).then(|| edited(stanza, &journal)).transpose()?;
        Ok(Judged { verdict: Some(verdict), reason: call.reason.into_inner(), edited })
    }
}

/// The head, or `None` if no interest rule picks the stanza.
fn head(setup: &host::Setup, direction: Direction, stanza: &refrain_proto::Stanza) -> Option<Head> {
    let bits = Bits::of(stanza);
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
        // The moment at which the sandbox judges golden cases too: 2026-01-01T12:00:00Z.
        now_ms: 1_767_268_800_000,
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

fn tell(problems: &Problems) -> String {
    let lines: Vec<_> =
        problems.iter().map(|problem| format!("settings.{}: {}", problem.path, problem.message)).collect();
    lines.join("; ")
}
