//! What a stanza is, and what it is not.

use super::*;

fn stanza(xml: &str) -> Stanza {
    Stanza::parse(xml).unwrap()
}

fn defect(xml: &str) -> StanzaDefect {
    Stanza::parse(xml).unwrap_err()
}

#[test]
fn reads_kind_type_addresses_and_id() {
    let stanza =
        stanza("<message from='Romeo@Montague.example/Orchard' to='juliet@capulet.example' id='m1' type='chat'/>");
    assert_eq!((stanza.kind(), stanza.stanza_type()), (Kind::Message, StanzaType::Chat));
    assert_eq!(stanza.from().as_str(), "romeo@montague.example/Orchard");
    assert_eq!(stanza.to().domain(), "capulet.example");
    assert_eq!(stanza.id(), Some("m1"));
    assert_eq!(stanza.size(), 96);
}

#[test]
fn prepared_addresses_are_written_back() {
    let stanza = stanza("<presence from='A@X.example' to='b@y.example.'/>");
    assert_eq!(stanza.to_xml(), r#"<presence from="a@x.example" to="b@y.example"/>"#);
}

#[test]
fn inherits_the_language_of_the_stream_unless_it_has_one() {
    let mut taken = Stanza::default();
    for (xml, lang) in [
        ("<message from='a.example' to='b.example'/>", "en"),
        ("<message from='a.example' to='b.example' xml:lang='de'/>", "de"),
    ] {
        let mut element = Element::parse(xml, ns::SERVER, &XmlLimits::default()).unwrap();
        taken.take(&mut element, Some("en")).unwrap();
        assert_eq!(taken.element().xml_lang(), Some(lang));
    }
}

#[test]
fn an_absent_type_is_the_default_and_a_foreign_one_unknown() {
    for (xml, expected) in [
        ("<message from='a.example' to='b.example'/>", StanzaType::Normal),
        ("<message from='a.example' to='b.example' type='get'/>", StanzaType::Unknown),
        ("<presence from='a.example' to='b.example'/>", StanzaType::Available),
        ("<presence from='a.example' to='b.example' type='available'/>", StanzaType::Unknown),
        ("<presence from='a.example' to='b.example' type='probe'/>", StanzaType::Probe),
        ("<iq from='a.example' to='b.example' type='result' id='1'/>", StanzaType::IqResult),
        ("<iq from='a.example' to='b.example' type='error'/>", StanzaType::Error),
    ] {
        assert_eq!(stanza(xml).stanza_type(), expected, "{xml}");
    }
}

#[test]
fn only_the_three_names_in_the_content_namespace_are_stanzas() {
    for xml in [
        "<message xmlns='jabber:client' from='a.example' to='b.example'/>",
        "<message xmlns='' from='a.example' to='b.example'/>",
        "<stream:message from='a.example' to='b.example'/>",
        "<message xmlns='urn:x' from='a.example' to='b.example'/>",
        "<message xmlns='jabber:server x' from='a.example' to='b.example'/>",
        "<Message from='a.example' to='b.example'/>",
    ] {
        assert_eq!(defect(xml), StanzaDefect::NotAStanza, "{xml}");
    }
}

#[test]
fn addresses_are_required_and_must_have_a_valid_domain() {
    assert_eq!(defect("<message to='b.example'/>"), StanzaDefect::MissingAddress);
    assert_eq!(defect("<message from='a.example'/>"), StanzaDefect::MissingAddress);
    assert_eq!(defect("<message from='a@' to='b.example'/>"), StanzaDefect::MalformedDomain);
    assert_eq!(defect("<message from='a.example' to=''/>"), StanzaDefect::MalformedDomain);
    assert_eq!(defect("<message from='a b@a.example' to='b.example'/>"), StanzaDefect::MalformedFrom);
    assert_eq!(defect("<message from='a.example' to='b.example/'/>"), StanzaDefect::MalformedTo);
}

#[test]
fn an_iq_request_has_an_id_and_one_payload() {
    let head = "from='a.example' to='b.example'";
    assert_eq!(defect(&format!("<iq {head} type='get'><a xmlns='u'/></iq>")), StanzaDefect::IqWithoutId);
    assert_eq!(defect(&format!("<iq {head} type='get' id='1'/>")), StanzaDefect::IqPayload);
    assert_eq!(
        defect(&format!("<iq {head} type='set' id='1'><a xmlns='u'/><b xmlns='u'/></iq>")),
        StanzaDefect::IqPayload
    );
    assert_eq!(defect(&format!("<iq {head} id='1'><a xmlns='u'/></iq>")), StanzaDefect::IqType);
    stanza(&format!("<iq {head} type='set' id='1'>\n<a xmlns='u'/>\n</iq>"));
}

#[test]
fn a_malformed_addressee_is_answered_in_the_name_of_its_domain() {
    let mut element = Element::parse(
        "<message from='a@a.example' to='b c@b.example/r' id='1'><body>x</body></message>",
        ns::SERVER,
        &XmlLimits::default(),
    )
    .unwrap();
    let mut stanza = Stanza::default();
    let defect = stanza.take(&mut element, None).unwrap_err();
    let reply = stanza.error_reply(&defect.condition().unwrap().into()).unwrap();
    assert_eq!(
        reply.to_xml(),
        r#"<message from="b.example" to="a@a.example" type="error" id="1"><error type="modify"><jid-malformed xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/></error></message>"#
    );
}

#[test]
fn an_error_reply_swaps_the_addresses_and_leaves_the_payload_out() {
    let request = stanza("<iq from='a@a.example/r' to='b@b.example' type='get' id='7'><q xmlns='u'/></iq>");
    let error = StanzaError::new(StanzaCondition::PolicyViolation).with_text("too <large>");
    let reply = request.error_reply(&error).unwrap();
    assert_eq!(
        reply.to_xml(),
        r#"<iq from="b@b.example" to="a@a.example/r" type="error" id="7"><error type="modify"><policy-violation xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/><text xmlns="urn:ietf:params:xml:ns:xmpp-stanzas" xml:lang="en">too &lt;large&gt;</text></error></iq>"#
    );
    assert_eq!(Stanza::parse(&reply.to_xml()).unwrap().to(), request.from());
}

#[test]
fn an_error_is_never_answered() {
    let error = StanzaError::new(StanzaCondition::ServiceUnavailable);
    for xml in [
        "<message from='a.example' to='b.example' type='error'/>",
        "<iq from='a.example' to='b.example' type='result' id='1'/>",
        "<presence from='a.example' to='b.example' type='unavailable'/>",
    ] {
        assert!(stanza(xml).error_reply(&error).is_none(), "{xml}");
    }
}

#[test]
fn edits_change_the_payload_but_not_the_envelope() {
    let limits = XmlLimits::default();
    let mut message = stanza("<message from='a.example' to='b.example' id='1'><body>x</body></message>");
    let body = message.root().children().next().unwrap().id();
    message.apply(&[Edit::SetText { node: body, text: "<y>".into() }], &limits).unwrap();
    let edited = r#"<message from="a.example" to="b.example" id="1"><body>&lt;y&gt;</body></message>"#;
    assert_eq!(message.to_xml(), edited);
    let set = |name: &str, value: &str| Edit::SetAttribute { node: 0, name: name.into(), value: Some(value.into()) };
    for edit in [set("to", "c.example"), set("from", "a@a.example"), set("type", "error"), set("id", "2")] {
        assert_eq!(message.apply(&[edit], &limits), Err(StanzaDefect::EnvelopeChanged));
    }
    assert!(message.apply(&[Edit::SetText { node: body, text: "\u{0}".into() }], &limits).is_err());
    let large = Edit::SetText { node: body, text: "&".repeat(60_000) };
    assert!(message.apply(&[large], &limits).is_err());
    assert_eq!(message.to_xml(), edited);
}

#[test]
fn an_iq_result_that_must_not_pass_reaches_the_requester_as_an_error() {
    let result =
        "<iq from='upload.far.example' to='alice@home.example/desk' type='result' id='q1'><slot xmlns='urn:x'/></iq>";
    let mut stanza = Stanza::parse(result).unwrap();
    stanza.fail_result(&StanzaError::new(StanzaCondition::Forbidden));
    let expected = "<iq from=\"upload.far.example\" to=\"alice@home.example/desk\" type=\"error\" id=\"q1\"><error type=\"auth\">\
                    <forbidden xmlns=\"urn:ietf:params:xml:ns:xmpp-stanzas\"/></error></iq>";
    assert_eq!(stanza.to_xml(), expected);
    assert_eq!(stanza.stanza_type(), StanzaType::Error);
}
