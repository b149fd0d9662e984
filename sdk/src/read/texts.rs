//! Texts of a stanza in all their languages.

use crate::{Node, Problem, Selector, Setup, Stanza};

/// RFC 6121 §5.2.3 allows one body a language. A sender of more repeats itself.
const TEXTS_MAX: u32 = 64;

/// Start tags are short; a language behind so many bytes is not looked for.
const START_TAG_BYTES_MAX: u32 = 1_024;

/// Reads the texts of one kind: bodies, subjects, or what a selector finds.
///
/// ```
/// # use refrain_sdk::*;
/// struct Polyglot { bodies: Texts }
///
/// impl Filter for Polyglot {
///     type Settings = NoSettings;
///
///     fn configure(_: NoSettings, setup: &mut Setup) -> Result<Self, Problems> {
///         setup.interest(Interest::any().kind(Kind::Message).body())?;
///         Ok(Polyglot { bodies: Texts::bodies(setup)? })
///     }
///
///     fn on_stanza(&self, _: &Head, stanza: &Stanza<'_>) -> Verdict {
///         let is_german = |text: &Text| text.lang.as_deref() == Some("de");
///         if self.bodies.with_languages(stanza).iter().any(is_german) { Verdict::Pass } else { Verdict::Drop }
///     }
/// }
/// # assert_eq!(testing::verdict::<Polyglot>("{}", "<message from='a@b.example' to='c@d.example' xml:lang='de'><body>Gr\u{fc}\u{df} Gott</body></message>"), Some(Verdict::Pass));
/// # assert_eq!(testing::verdict::<Polyglot>("{}", "<message from='a@b.example' to='c@d.example'><body>hi</body><body xml:lang='fr'>salut</body></message>"), Some(Verdict::Drop));
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Texts(Selector);

/// A text and its language.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    /// The `xml:lang` of the element, or else of the stanza.
    pub lang: Option<String>,
    /// The text.
    pub text: String,
}

impl Texts {
    /// The bodies of a message.
    pub fn bodies(setup: &mut Setup) -> Result<Self, Problem> {
        Texts::at("body", setup)
    }

    /// The subjects of a message.
    pub fn subjects(setup: &mut Setup) -> Result<Self, Problem> {
        Texts::at("subject", setup)
    }

    /// The texts of the elements that a selector finds.
    pub fn at(path: &str, setup: &mut Setup) -> Result<Self, Problem> {
        setup.selector(path).map(Texts)
    }

    /// Whether there is one.
    pub fn are_in(self, stanza: &Stanza<'_>) -> bool {
        stanza.test(self.0)
    }

    /// The first one, in whatever language.
    pub fn first(self, stanza: &Stanza<'_>) -> Option<String> {
        stanza.text(self.0)
    }

    /// All of them, in document order: one question. What a filter must not miss is asked for like this.
    pub fn all(self, stanza: &Stanza<'_>) -> Vec<String> {
        stanza.texts(self.0, u32::MAX)
    }

    /// The first 64 of them with their languages: one question more for each text.
    pub fn with_languages(self, stanza: &Stanza<'_>) -> Vec<Text> {
        let texts = stanza.texts(self.0, TEXTS_MAX);
        let nodes = stanza.find(self.0, TEXTS_MAX);
        let of_stanza = if texts.is_empty() { None } else { language(stanza, Node::ROOT) };
        let text = |(text, node)| Text { lang: language(stanza, node).or_else(|| of_stanza.clone()), text };
        texts.into_iter().zip(nodes).map(text).collect()
    }
}

/// The element's own `xml:lang`, which stands in a namespace where `attr` does not look.
fn language(stanza: &Stanza<'_>, node: Node) -> Option<String> {
    let xml = stanza.xml(node, START_TAG_BYTES_MAX);
    // The host writes canonical XML: no `<` or `>` in a value, and `"` around it.
    let (tag, _) = xml.split_once('>')?;
    let (_, value) = tag.split_once(" xml:lang=\"")?;
    let (language, _) = value.split_once('"')?;
    Some(language.to_owned())
}
