//! Reads a selector from its text, left to right.

use refrain_proto::ns;

use super::{AttributeTest, NamespaceTest, Selector, Step};

/// What is wrong with a selector, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("selector {selector:?}, at byte {at}: {expected}")]
pub struct SelectorError {
    selector: String,
    at: usize,
    expected: &'static str,
}

pub(super) fn selector(source: &str) -> Result<Selector, SelectorError> {
    let mut cursor = Cursor { rest: source };
    let parsed = if source.len() > Selector::SOURCE_BYTES_MAX {
        Err("a selector has at most 1,024 bytes")
    } else {
        path(&mut cursor)
    };
    match parsed {
        Ok((steps, attribute)) => Ok(Selector { source: source.into(), steps: steps.into(), attribute }),
        Err(expected) => Err(SelectorError {
            selector: source.chars().take(80).collect(),
            at: source.len() - cursor.rest.len(),
            expected,
        }),
    }
}

type Parsed<T> = Result<T, &'static str>;

fn path(cursor: &mut Cursor<'_>) -> Parsed<(Vec<Step>, Option<Box<str>>)> {
    let mut steps = Vec::new();
    let mut descends = cursor.take("//");
    loop {
        if !descends && cursor.take("@") {
            let attribute = cursor.name("an attribute name")?;
            return cursor.is_at_end("`/@attribute` is the last step").map(|()| (steps, Some(attribute)));
        }
        if steps.len() == Selector::STEPS_MAX {
            return Err("a selector has at most 16 steps");
        }
        steps.push(step(cursor, descends)?);
        if cursor.rest.is_empty() {
            return Ok((steps, None));
        }
        descends = cursor.take("//");
        if !descends && !cursor.take("/") {
            return Err("expected `/`, `//`, `[` or the end");
        }
    }
}

fn step(cursor: &mut Cursor<'_>, descends: bool) -> Parsed<Step> {
    let namespace = namespace(cursor)?;
    let name = if cursor.take("*") { None } else { Some(cursor.name("expected `{namespace}name`, a name or `*`")?) };
    let mut attributes = Vec::new();
    while cursor.take("[") {
        attributes.push(attribute_test(cursor)?);
    }
    Ok(Step { descends, namespace, name, attributes: attributes.into() })
}

fn namespace(cursor: &mut Cursor<'_>) -> Parsed<NamespaceTest> {
    if !cursor.take("{") {
        return Ok(NamespaceTest::Whole(ns::SERVER.into()));
    }
    let namespace = cursor.until('}').ok_or("expected `}` after the namespace")?;
    Ok(match namespace.strip_suffix('*') {
        Some("") => NamespaceTest::Any,
        Some(prefix) => NamespaceTest::Prefix(prefix.into()),
        None => NamespaceTest::Whole(namespace.into()),
    })
}

fn attribute_test(cursor: &mut Cursor<'_>) -> Parsed<AttributeTest> {
    if !cursor.take("@") {
        return Err("expected `@attribute`");
    }
    let name = cursor.name("expected an attribute name")?;
    let value =
        if cursor.take("='") { Some(cursor.until('\'').ok_or("expected `'` after the value")?.into()) } else { None };
    if cursor.take("]") { Ok(AttributeTest { name, value }) } else { Err("expected `]`, or `='value'` and `]`") }
}

struct Cursor<'s> {
    rest: &'s str,
}

impl<'s> Cursor<'s> {
    fn take(&mut self, token: &str) -> bool {
        match self.rest.strip_prefix(token) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    /// Takes what stands before the delimiter, and the delimiter.
    fn until(&mut self, delimiter: char) -> Option<&'s str> {
        let (taken, rest) = self.rest.split_once(delimiter)?;
        self.rest = rest;
        Some(taken)
    }

    fn name(&mut self, expected: &'static str) -> Parsed<Box<str>> {
        let is_name = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | '\u{b7}');
        let end = self.rest.find(|c| !is_name(c)).unwrap_or(self.rest.len());
        let (name, rest) = self.rest.split_at(end);
        if name.is_empty() {
            return Err(expected);
        }
        self.rest = rest;
        Ok(name.into())
    }

    fn is_at_end(&self, expected: &'static str) -> Parsed<()> {
        if self.rest.is_empty() { Ok(()) } else { Err(expected) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(source: &str) -> (usize, &'static str) {
        let error = selector(source).unwrap_err();
        (error.at, error.expected)
    }

    #[test]
    fn names_the_place_of_a_mistake() {
        assert_eq!(error(""), (0, "expected `{namespace}name`, a name or `*`"));
        assert_eq!(error("{urn:x"), (1, "expected `}` after the namespace"));
        assert_eq!(error("body/"), (5, "expected `{namespace}name`, a name or `*`"));
        assert_eq!(error("body text"), (4, "expected `/`, `//`, `[` or the end"));
        assert_eq!(error("x[@a='1]"), (6, "expected `'` after the value"));
        assert_eq!(error("x[a]"), (2, "expected `@attribute`"));
        assert_eq!(error("x/@a/b"), (4, "`/@attribute` is the last step"));
        assert_eq!(error("//@a"), (2, "expected `{namespace}name`, a name or `*`"));
    }

    #[test]
    fn a_namespace_may_contain_what_separates_steps() {
        let selector = selector("{http://jabber.org/protocol/muc#user}x[@a='/']").unwrap();
        assert_eq!(selector.steps.len(), 1);
    }

    #[test]
    fn bounds_the_number_of_steps() {
        assert!(selector(&["a"; 16].join("/")).is_ok());
        assert_eq!(error(&["a"; 17].join("/")).1, "a selector has at most 16 steps");
    }
}
