//! What the writer emits of elements that were built, as filters build and change them, and of those made to mislead.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use refrain_agreement::verdict;
use refrain_proto::limits::XmlLimits;
use refrain_proto::ns;
use refrain_proto::xml::Element;

#[test]
fn t28_openfire_cuts_what_we_write_where_we_mean_it() {
    let misleading = [
        "<message id='\"'><body>x</body></message>",
        "<message a='>' b='/>' c='&lt;/message>' d='&lt;message>'/>",
        "<message><body>\"'/> ]]&gt; &lt;![CDATA[ &lt;!-- &lt;/message> --></body></message>",
        "<message><![CDATA[</message><message from='v'>]]]]></message>",
        "<m:message xmlns:m='jabber:server' m:a='\"/>'><m:m/></m:message>",
        "<message><message>&#34;<message/>></message></message>",
        "<stream:error xmlns:stream='http://etherx.jabber.org/streams'/>",
    ];
    let parse = |xml: &&str| Element::parse(xml, ns::SERVER, &XmlLimits::default()).expect("an element");
    let elements: Vec<Element> = misleading.iter().map(parse).collect();
    assert_eq!(verdict::on_written(&elements), Ok(()));
    elements.iter().for_each(|one| assert_eq!(verdict::on_written(std::slice::from_ref(one)), Ok(())));
}

fn name() -> impl Strategy<Value = &'static str> {
    select(vec!["message", "stream", "body", "x", "a-b.c", "é_1", "lang", "中", "xml", "_"])
}

fn namespace() -> impl Strategy<Value = &'static str> {
    let foreign = vec!["", "urn:a", "urn:\"<&'>", "a\tb\rc ", "é", "http://www.w3.org/1999/xhtml"];
    prop_oneof![1 => select(vec![ns::SERVER, ns::CLIENT, ns::STREAM, ns::DIALBACK, ns::XML]), 1 => select(foreign)]
}

fn text() -> impl Strategy<Value = String> {
    let telling = select(
        "<>&\"'\t\n\r]/!-[= \u{85}\u{2028}\u{FEFF}\u{FFFD}\u{7F}\u{1F600}\u{10FFFF}".chars().collect::<Vec<_>>(),
    );
    vec(prop_oneof![4 => telling, 1 => any::<char>()], 0..12).prop_map(String::from_iter)
}

#[derive(Clone, Debug)]
enum Step {
    Element(u32, &'static str, &'static str),
    Text(u32, String),
    Attribute(u32, &'static str, &'static str, Option<String>),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (0..9u32, namespace(), name()).prop_map(|(node, namespace, name)| Step::Element(node, namespace, name)),
        (0..9u32, text()).prop_map(|(node, text)| Step::Text(node, text)),
        (0..9u32, namespace(), name(), prop::option::weighted(0.9, text()))
            .prop_map(|(node, namespace, name, value)| Step::Attribute(node, namespace, name, value)),
    ]
}

fn element() -> impl Strategy<Value = Element> {
    (namespace(), name(), vec(step(), 0..20)).prop_map(|(namespace, name, steps)| {
        let mut element = Element::new(namespace, name);
        for step in steps {
            match step {
                Step::Element(node, namespace, name) => drop(element.append(node, namespace, name)),
                Step::Text(node, text) => element.append_text(node, &text),
                Step::Attribute(node, namespace, name, value) => {
                    element.set_attribute_in(node, namespace, name, value.as_deref());
                }
            }
        }
        element
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1024, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn c75_what_is_built_and_passes_the_check_is_read_alike_by_all(elements in vec(element(), 0..4)) {
        let fine: Vec<Element> = elements.into_iter().filter(|one| one.check(&XmlLimits::default()).is_ok()).collect();
        prop_assert_eq!(verdict::on_written(&fine), Ok(()));
    }
}
