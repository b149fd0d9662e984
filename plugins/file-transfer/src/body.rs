//! The texts of messages: what stands there for something that was taken out goes too, and URIs that are denied.

use std::collections::HashSet;

use refrain_sdk::{Child, EditError, Head, Node, Problem, Selector, Setup, Stanza};

use crate::mechanism::{Mechanism, Set};
use crate::names;
use crate::text::{self, Cut, Remainder};

/// An honest message has a file or two, an album some more. Each URL costs a pass over the texts; those beyond stay in them, as links.
const URLS_MAX: usize = 32;

/// Clients name each URL three or four times, for others that know it by other names.
const MENTIONS_MAX: u32 = 4 * URLS_MAX as u32;

/// An honest message has a body in a language or two.
const TEXTS_MAX: usize = 64;

/// Fallbacks, their spans, and what points into a body: an honest message has one or two of each.
const POINTERS_MAX: usize = 64;

const FALLBACK: &str = "urn:xmpp:fallback:0";

/// The questions about texts.
#[derive(Debug)]
pub(crate) struct Texts {
    /// Bodies and subjects, of the message and of those within it.
    texts: [Selector; 4],
    /// The URLs that a mechanism brings, and clients repeat in the body.
    urls: Vec<(Mechanism, Selector)>,
    styles: Selector,
}

impl Texts {
    pub(crate) fn new(setup: &mut Setup) -> Result<Self, Problem> {
        const INNER: &str = "//{*}message";
        const URLS: [(Mechanism, &str); 5] = [
            (Mechanism::Oob, "//{jabber:x:oob}url"),
            (Mechanism::FileSharing, "//{http://jabber.org/protocol/url-data}url-data/@target"),
            (Mechanism::MediaSharing, "//{urn:xmpp:reference:0}reference[@type='data']/@uri"),
            (Mechanism::CallInvites, "//{urn:xmpp:call-invites:*}external/@uri"),
            (Mechanism::OnlineMeetings, "//{urn:xmpp:http:online-meetings*}url"),
        ];
        let texts = [
            setup.selector("body")?,
            setup.selector("subject")?,
            setup.selector(&format!("{INNER}/{{*}}body"))?,
            setup.selector(&format!("{INNER}/{{*}}subject"))?,
        ];
        let urls = URLS.iter().map(|(mechanism, path)| Ok((*mechanism, setup.selector(path)?)));
        let urls = urls.collect::<Result<_, Problem>>()?;
        let styles = setup.selector(&format!("//{{{}}}*/@style", names::XHTML))?;
        Ok(Texts { texts, urls, styles })
    }

    /// Whether the message itself has a URI of a file in its texts, or is one of OTR.
    pub(crate) fn are_suspect(&self, head: &Head, stanza: &Stanza<'_>, denied: Set) -> bool {
        let (uris, otr) = (denied.has(Mechanism::FileUris), denied.has(Mechanism::E2ee));
        let [body, subject, ..] = self.texts;
        let is_suspect =
            |text: &String| (uris && text.split_whitespace().any(text::is_file_uri)) || (otr && text::is_otr(text));
        let has = |selector| stanza.texts(selector, u32::MAX).iter().any(is_suspect);
        (uris || otr) && ((head.has_body() && has(body)) || (head.has_subject() && has(subject)))
    }
}

/// Takes out the words that are denied, and says what they are.
fn cut_words(cut: &mut Cut<'_>, denied: Set) -> Set {
    if denied.has(Mechanism::E2ee) && cut.all_if(text::is_otr) {
        return Set::of(Mechanism::E2ee);
    }
    let mut cut_all = |mechanism, is_meant: fn(&str) -> bool| {
        if denied.has(mechanism) && cut.words(is_meant) { Set::of(mechanism) } else { Set::NONE }
    };
    cut_all(Mechanism::FileUris, text::is_file_uri).with(cut_all(Mechanism::Urls, text::is_url))
}

/// The texts of one stanza, asked for when they are needed.
pub(crate) struct Bodies<'s> {
    questions: &'s Texts,
    texts: Option<Vec<(Node, String)>>,
    urls: Option<Vec<String>>,
    have_styled_pictures: Option<bool>,
}

impl<'s> Bodies<'s> {
    pub(crate) fn new(questions: &'s Texts) -> Self {
        Bodies { questions, texts: None, urls: None, have_styled_pictures: None }
    }

    /// Whether formatted text anywhere in the stanza shows a picture by its style.
    pub(crate) fn have_styled_pictures(&mut self, stanza: &Stanza<'_>) -> bool {
        let styles = self.questions.styles;
        let ask = || stanza.texts(styles, u32::MAX).iter().any(|style| names::has_picture(style));
        *self.have_styled_pictures.get_or_insert_with(ask)
    }

    /// Strips the texts among the children that are left of a message, and says whether any text remains.
    pub(crate) fn strip(
        &mut self,
        stanza: &Stanza<'_>,
        left: &[&Child],
        stripped: Set,
        denied: Set,
        found: &mut Set,
    ) -> Result<bool, EditError> {
        if self.questions.urls.iter().any(|(mechanism, _)| stripped.has(*mechanism)) {
            remove_formatted(stanza, left)?;
        }
        let texts: Vec<_> = left.iter().filter(|child| is_text(child)).collect();
        if texts.is_empty() {
            return Ok(false);
        }
        if texts.len() > TEXTS_MAX {
            return Err(EditError::BudgetExceeded);
        }
        let fallbacks = Fallbacks::read(stanza, left, stripped);
        let has_body = texts.iter().any(|text| text.name == "body");
        let mut remains = false;
        let mut first_body = None;
        for child in texts {
            let (remainder, words) = self.cut(stanza, child, stripped, denied, &fallbacks);
            *found = found.with(words);
            remains |= !remainder.text.trim().is_empty();
            // A subject without a body is that of a room (XEP-0045 §8.1), which may be empty, but must come.
            write(stanza, child.node, &remainder, !has_body)?;
            if child.name == "body" && remainder.is_shorter() {
                first_body.get_or_insert(remainder);
            }
        }
        fallbacks.remove(stanza)?;
        if let Some(body) = first_body {
            remove_formatted(stanza, left)?;
            follow(stanza, left, &fallbacks, &body)?;
        }
        Ok(remains)
    }

    /// What remains of one text, and what was denied in it.
    fn cut(
        &mut self,
        stanza: &Stanza<'_>,
        child: &Child,
        stripped: Set,
        denied: Set,
        fallbacks: &Fallbacks,
    ) -> (Remainder, Set) {
        let text = self.text(stanza, child.node);
        let mut cut = Cut::new(&text);
        if !stripped.is_empty() {
            cut.urls(self.urls(stanza, denied));
            fallbacks.cut(&mut cut, &child.name);
        }
        let words = cut_words(&mut cut, denied);
        (cut.finish(), words)
    }

    fn text(&mut self, stanza: &Stanza<'_>, node: Node) -> String {
        let texts = self.texts.get_or_insert_with(|| {
            let of = |selector: &Selector| {
                let nodes = stanza.find(*selector, u32::MAX).into_iter();
                nodes.zip(stanza.texts(*selector, u32::MAX)).collect::<Vec<_>>()
            };
            self.questions.texts.iter().flat_map(of).collect()
        });
        texts.iter().find(|(own, _)| *own == node).map(|(_, text)| text.clone()).unwrap_or_default()
    }

    /// Of all that is denied: what is left in a message of it was taken out of another.
    fn urls(&mut self, stanza: &Stanza<'_>, denied: Set) -> &[String] {
        self.urls.get_or_insert_with(|| {
            let asked = self.questions.urls.iter().filter(|(mechanism, _)| denied.has(*mechanism));
            let mentions = asked.flat_map(|(_, selector)| stanza.texts(*selector, MENTIONS_MAX));
            let mut known = HashSet::new();
            mentions.filter(|url| known.insert(url.trim().to_owned())).take(URLS_MAX).collect()
        })
    }
}

/// Whether a child is a text of the message it stands in.
fn is_text(child: &Child) -> bool {
    names::is_of_stanza(&child.namespace) && matches!(child.name.as_str(), "body" | "subject")
}

fn write(stanza: &Stanza<'_>, node: Node, remainder: &Remainder, may_be_empty: bool) -> Result<(), EditError> {
    match remainder.is_shorter() {
        false => Ok(()),
        true if remainder.text.is_empty() && !may_be_empty => stanza.remove(node),
        true => stanza.set_text(node, &remainder.text),
    }
}

/// What of the texts stands for what was taken out (XEP-0428).
struct Fallbacks {
    elements: Vec<Node>,
    /// Of which text: `body` or `subject`; and from where to where.
    spans: Vec<(String, usize, usize)>,
}

impl Fallbacks {
    fn read(stanza: &Stanza<'_>, left: &[&Child], stripped: Set) -> Self {
        let mut fallbacks = Fallbacks { elements: Vec::new(), spans: Vec::new() };
        let elements = left.iter().filter(|child| child.namespace == FALLBACK && !stripped.is_empty());
        for child in elements.take(POINTERS_MAX) {
            let stands_for = stanza.attr(child.node, "for");
            let is_gone =
                |namespace: &str| names::stood_for(namespace).is_some_and(|mechanism| stripped.has(mechanism));
            match stands_for.is_none_or(|namespace| is_gone(&namespace)) {
                // The body of a sticker is an emoji, which says the same without it.
                true if stripped.has(Mechanism::Stickers) => fallbacks.elements.push(child.node),
                true => fallbacks.take(stanza, child),
                false => {}
            }
        }
        fallbacks
    }

    fn take(&mut self, stanza: &Stanza<'_>, fallback: &Child) {
        self.elements.push(fallback.node);
        let number = |node, name| stanza.attr(node, name).and_then(|value| value.parse().ok());
        if fallback.child_count == 0 {
            let all = ["body", "subject"].map(|name| (name.to_owned(), 0, usize::MAX));
            self.spans.extend(all);
            return;
        }
        for part in stanza.children(fallback.node).into_iter().take(POINTERS_MAX.saturating_sub(self.spans.len())) {
            let (start, end) = (number(part.node, "start"), number(part.node, "end"));
            self.spans.push((part.name, start.unwrap_or(0), end.unwrap_or(usize::MAX)));
        }
    }

    fn cut(&self, cut: &mut Cut, name: &str) {
        for (_, start, end) in self.spans.iter().filter(|(text, _, _)| text == name) {
            cut.span(*start, *end);
        }
    }

    fn remove(&self, stanza: &Stanza<'_>) -> Result<(), EditError> {
        self.elements.iter().try_for_each(|node| stanza.remove(*node))
    }
}

/// The formatted copy says the same as the body, with the links in it.
fn remove_formatted(stanza: &Stanza<'_>, left: &[&Child]) -> Result<(), EditError> {
    let mut copies = left.iter().filter(|child| child.namespace == names::XHTML_IM);
    copies.try_for_each(|copy| stanza.remove(copy.node))
}

/// Lets what points into the body follow it.
fn follow(stanza: &Stanza<'_>, left: &[&Child], gone: &Fallbacks, body: &Remainder) -> Result<(), EditError> {
    for child in left.iter().filter(|child| child.namespace == names::REFERENCE).take(POINTERS_MAX) {
        shift(stanza, child.node, ["begin", "end"], body)?;
    }
    let is_left = |child: &&&Child| child.namespace == FALLBACK && !gone.elements.contains(&child.node);
    for fallback in left.iter().filter(is_left).take(POINTERS_MAX) {
        let parts = stanza.children(fallback.node).into_iter().filter(|part| part.name == "body");
        parts.take(POINTERS_MAX).try_for_each(|part| shift(stanza, part.node, ["start", "end"], body))?;
    }
    Ok(())
}

fn shift(stanza: &Stanza<'_>, node: Node, ends: [&str; 2], body: &Remainder) -> Result<(), EditError> {
    for name in ends {
        let Some(old) = stanza.attr(node, name).and_then(|value| value.parse().ok()) else { continue };
        let new = body.moved(old);
        if new != old {
            stanza.set_attr(node, name, Some(&new.to_string()))?;
        }
    }
    Ok(())
}
