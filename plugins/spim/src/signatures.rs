//! All signatures, compiled: which of them a text contains.

use refrain_sdk::{Problem, Problems};

use crate::expression::{self, Expressions};
use crate::fold::{folded, spaced, visible};
use crate::literal::{Literal, Literals};
use crate::settings::Signature;

/// The compiled signatures, each known by its place in the list.
#[derive(Debug)]
pub(crate) struct Signatures {
    /// Where case does not matter.
    folded: Literals,
    /// Where it does.
    exact: Literals,
    expressions: Expressions,
}

impl Signatures {
    pub(crate) fn compile(signatures: &[Signature]) -> Result<Self, Problems> {
        let mut problems = Problems::new();
        let (mut in_any_case, mut exact, mut expressions) = (Vec::new(), Vec::new(), Vec::new());
        for (place, signature) in signatures.iter().enumerate() {
            match problems.take(of(signature, &format!("signatures[{place}]"))) {
                Some(Compiled::Literal(literal)) if signature.case_sensitive => exact.push((place, literal)),
                Some(Compiled::Literal(literal)) => in_any_case.push((place, literal.map(folded))),
                Some(Compiled::Expression(expression)) => expressions.push((place, expression)),
                None => {}
            }
        }
        problems.or(())?;
        Ok(Signatures {
            folded: Literals::compile(in_any_case)?,
            exact: Literals::compile(exact)?,
            expressions: Expressions::compile(expressions)?,
        })
    }

    /// The first signature of the list that the text contains, among those that `look_here`.
    pub(crate) fn first_in(&self, text: String, look_here: impl Fn(usize) -> bool) -> Option<usize> {
        let text = visible(text);
        let expression = self.expressions.found_in(&text).filter(|place| look_here(*place)).min();
        if self.exact.is_empty() && self.folded.is_empty() {
            return expression;
        }
        let text = spaced(text);
        let found = |literals: &Literals, text: &str| literals.found_in(text).filter(|place| look_here(*place)).min();
        let exact = if self.exact.is_empty() { None } else { found(&self.exact, &text) };
        let folded = if self.folded.is_empty() { None } else { found(&self.folded, &folded(text)) };
        [expression, exact, folded].into_iter().flatten().min()
    }
}

enum Compiled {
    Literal(Literal),
    Expression(String),
}

/// Compiles the signature at `path`.
fn of(signature: &Signature, path: &str) -> Result<Compiled, Problem> {
    if signature.fields.is_empty() {
        return Err(Problem::new(format!("{path}.fields"), "is empty, so the signature looks nowhere"));
    }
    let at = |key: &str, message: String| Problem::new(format!("{path}.{key}"), message);
    let Signature { text, regex, jid, url, .. } = signature;
    match (text, regex, jid, url) {
        (Some(text), None, None, None) => {
            Literal::words(text).map(Compiled::Literal).map_err(|message| at("text", message))
        }
        (None, Some(regex), None, None) => {
            let checked = expression::checked(regex, signature.case_sensitive);
            checked.map(Compiled::Expression).map_err(|message| at("regex", message))
        }
        (None, None, Some(jid), None) => {
            Literal::address(jid).map(Compiled::Literal).map_err(|message| at("jid", message))
        }
        (None, None, None, Some(url)) => {
            Literal::link(url).map(Compiled::Literal).map_err(|message| at("url", message))
        }
        (None, None, None, None) => Err(Problem::new(path, "looks for nothing; write `text`, `regex`, `jid` or `url`")),
        _ => Err(Problem::new(path, "has more than one of `text`, `regex`, `jid` and `url`; write one signature each")),
    }
}
