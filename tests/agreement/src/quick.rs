//! The reading of quick-xml with its own namespaces and references, as those use it who write servers in Rust.

use crate::reading::{Attribute, Piece, Recorder, Tree};
use quick_xml::events::{BytesRef, BytesStart, Event};
use quick_xml::name::{QName, ResolveResult};
use quick_xml::{NsReader, XmlVersion, escape};

/// Reads a stream; the error says what quick-xml did not like.
pub fn read(stream: &str) -> Result<Vec<Piece>, String> {
    let mut reader = NsReader::from_str(stream);
    // Refrain has a bound of its own.
    reader.resolver_mut().set_max_namespace_bindings(usize::MAX);
    let mut recorder = Recorder::default();
    loop {
        match reader.read_event().map_err(|error| error.to_string())? {
            Event::Start(tag) => recorder.start(tree(&reader, &tag)?),
            Event::Empty(tag) => {
                recorder.start(tree(&reader, &tag)?);
                recorder.end();
            }
            Event::End(_) => recorder.end(),
            Event::Text(text) => recorder.text(&text.xml10_content()),
            Event::CData(text) => recorder.text(&text.xml10_content()),
            Event::GeneralRef(reference) => recorder.text(&resolve(&reference)?),
            Event::Decl(_) => {}
            Event::Comment(_) => recorder.stray("a comment"),
            Event::PI(_) => recorder.stray("a processing instruction"),
            Event::DocType(_) => recorder.stray("a document type"),
            Event::Eof => return Ok(recorder.finish()),
        }
    }
}

fn resolve(reference: &BytesRef<'_>) -> Result<String, String> {
    if let Some(character) = reference.resolve_char_ref().map_err(|error| error.to_string())? {
        return Ok(character.to_string());
    }
    let known = escape::resolve_predefined_entity(reference);
    known.map(str::to_owned).ok_or_else(|| format!("an entity: {}", &**reference))
}

fn tree(reader: &NsReader<&[u8]>, tag: &BytesStart<'_>) -> Result<Tree, String> {
    let (namespace, name) = expanded(reader, tag.name(), true)?;
    let mut attributes = Vec::new();
    for attribute in tag.attributes() {
        let attribute = attribute.map_err(|error| error.to_string())?;
        if attribute.key.as_namespace_binding().is_some() {
            continue;
        }
        let (namespace, name) = expanded(reader, attribute.key, false)?;
        let value = attribute.normalized_value(XmlVersion::Explicit1_0).map_err(|error| error.to_string())?;
        attributes.push(Attribute { namespace, name, value: value.into_owned() });
    }
    Ok(Tree { namespace, name, attributes, content: Vec::new() })
}

/// quick-xml resolves prefixes to what stands between the quotes of the declaration.
fn expanded(reader: &NsReader<&[u8]>, name: QName<'_>, is_element: bool) -> Result<(String, String), String> {
    let namespace = match reader.resolver().resolve_prefix(name.prefix(), is_element) {
        ResolveResult::Unbound => String::new(),
        ResolveResult::Bound(raw) => escape::unescape(raw.0).map_err(|error| error.to_string())?.into_owned(),
        ResolveResult::Unknown(prefix) => return Err(format!("the prefix {prefix} is not declared")),
    };
    Ok((namespace, name.local_name().into_inner().to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_stream() {
        let stream = "<?xml version='1.0'?><s:s xmlns='a&amp;' xmlns:s='b'><m s:x='1&#10;'>t&amp;&#x41;</m> </s:s>";
        let pieces = read(stream).unwrap();
        let [Piece::Header(_), Piece::Stanza(stanza), Piece::Close] = &pieces[..] else { panic!("{pieces:?}") };
        assert_eq!((stanza.namespace.as_str(), stanza.name.as_str()), ("a&", "m"));
        assert_eq!((stanza.attributes[0].namespace.as_str(), stanza.attributes[0].value.as_str()), ("b", "1\n"));
        assert_eq!(stanza.content, [crate::reading::Content::Text("t&A".to_owned())]);
        assert!(read("<a><b></a>").is_err());
    }
}
