//! What RFC 6120 §11 leaves of XML, stanza by stanza; tests of the threat map carry its numbers.

use refrain_proto::xml::XmlError;

use super::{accepts, header, refuses, restricts, stanza};

#[test]
fn t21_refuses_document_types_and_entities() {
    let bomb = r#"<!DOCTYPE x [<!ENTITY a "aaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>"#;
    assert!(matches!(header(format!("{bomb}<s>")), Err(XmlError::Restricted(_))));
    assert!(matches!(header(format!("<?xml version='1.0'?>{bomb}<s>")), Err(XmlError::Restricted(_))));
    restricts(bomb);
    restricts(format!("<message>{bomb}</message>"));
    restricts(r#"<!ENTITY x SYSTEM "file:///etc/passwd">"#);
    restricts("<message><body>&b;</body></message>");
    restricts("<message id='&nbsp;'/>");
}

#[test]
fn t21_refuses_a_document_type_before_it_is_complete() {
    restricts("<message><!D");
}

#[test]
fn t22_refuses_comments_and_processing_instructions() {
    restricts("<message><body>a<!--</body></message><message/>--></body></message>");
    restricts("<message><?x ?></message>");
    restricts("<!-- -->");
    restricts("<?xml version='1.0'?>");
    refuses("<message <!-- --> />");
}

#[test]
fn t23_takes_cdata_as_text() {
    accepts("<m><![CDATA[</m><message from='V'>&amp;]]></m>", "<m>&lt;/m&gt;&lt;message from='V'&gt;&amp;amp;</m>");
    accepts("<m>a<![CDATA[b]]>c<![CDATA[]]><![CDATA[]]]]><![CDATA[>]]></m>", "<m>abc]]&gt;</m>");
    accepts("<m><![CDATA[]]></m>", "<m/>");
    accepts("<m><![CDATA[]>]]>></m>", "<m>]&gt;&gt;</m>");
    for xml in ["<m><![cdata[x]]></m>", "<m><![CDATA [x]]></m>", "<m><![CDATA", "<m><![]]></m>"] {
        if xml.ends_with('>') {
            refuses(xml);
        }
    }
}

#[test]
fn t23_refuses_the_end_of_cdata_in_text() {
    refuses("<m>]]></m>");
    refuses("<m>a]]]>b</m>");
    refuses("<m><![CDATA[a]]>]]></m>");
    accepts("<m>]]&gt; ]] ></m>", "<m>]]&gt; ]] &gt;</m>");
    accepts("<m a=']]>'/>", "<m a=\"]]&gt;\"/>");
}

#[test]
fn t24_refuses_bytes_that_are_not_utf_8() {
    for bytes in
        [&b"\xEB\x3C\x3E"[..], b"\xC0\xBC", b"\xED\xA0\x80", b"\xF5\x80\x80\x80", b"\xE2\x82", b"\x80", b"\xFF"]
    {
        refuses([b"<message><body>", bytes, b"</body></message>"].concat());
        refuses([b"<message id='", bytes, b"'/>"].concat());
        refuses([b"<message><", bytes, b"/></message>"].concat());
    }
}

#[test]
fn t25_takes_a_namespace_as_it_is_spelt() {
    for (separator, _server) in [("&#10;", "ejabberd"), ("|", "jabberd2")] {
        let result = stanza(format!("<message><x xmlns='jabber:server{separator}x'/></message>"));
        assert_eq!(result, Err(XmlError::ForeignNamespace));
    }
    accepts("<message xmlns='jabber:server\nx'/>", "<message xmlns=\"jabber:server x\"/>");
    accepts("<message xmlns='jabber:serve&#x72;'/>", "<message/>");
    refuses("<message xmlns='jabber:server&#1;x'/>");
}

#[test]
fn t60_takes_no_name_that_expat_does_not() {
    for name in ["\u{1F600}", "n\u{1F600}", "n\u{37F}", "\u{3001}"] {
        refuses(format!("<message><{name}/></message>"));
        refuses(format!("<message {name}=''/>"));
    }
    accepts("<message><中é·/></message>", "<message><中é·/></message>");
}

#[test]
fn t26_tells_namespaces_apart() {
    accepts("<message xmlns='jabber:client'/>", "<message xmlns=\"jabber:client\"/>");
    accepts("<message xmlns=''><a/></message>", "<message xmlns=\"\"><a/></message>");
    accepts("<stream:message/>", "<stream:message/>");
    accepts(
        "<message><x xmlns='urn:x'><iq xmlns='jabber:server'/></x></message>",
        "<message><x xmlns=\"urn:x\"><iq xmlns=\"jabber:server\"/></x></message>",
    );
}

#[test]
fn t27_goes_by_the_namespace_and_never_by_the_prefix() {
    accepts("<db:result xmlns:db='urn:x'/>", "<result xmlns=\"urn:x\"/>");
    accepts("<q:iq xmlns:q='jabber:server'><q:a/></q:iq>", "<iq><a/></iq>");
    accepts(
        "<message xmlns:p='urn:p' p:a='1'><p:x p:b='2' xmlns:p='urn:q'/><p:x/></message>",
        "<message xmlns:a0=\"urn:p\" a0:a=\"1\"><x xmlns=\"urn:q\" xmlns:a0=\"urn:q\" a0:b=\"2\"/><x xmlns=\"urn:p\"/></message>",
    );
    accepts("<a xmlns='urn:a'><b xmlns=''/><c/></a>", "<a xmlns=\"urn:a\"><b xmlns=\"\"/><c/></a>");
    accepts("<m xmlns:xml='http://www.w3.org/XML/1998/namespace' xml:lang='en'/>", "<m xml:lang=\"en\"/>");
}

#[test]
fn t27_refuses_names_that_mean_no_namespace() {
    refuses("<p:message/>");
    refuses("<message p:a='b'/>");
    refuses("<message><p:a xmlns:p='urn:p'/><p:a/></message>");
    refuses("<xmlns:message/>");
    refuses("<message xmlns:p=''/>");
    refuses("<message xmlns:xml='urn:x'/>");
    refuses("<message xmlns:xmlns='urn:x'/>");
    refuses("<message xmlns:xmlns='http://www.w3.org/2000/xmlns/'/>");
    refuses("<message xmlns:p='http://www.w3.org/2000/xmlns/'/>");
    refuses("<message xmlns:p='http://www.w3.org/XML/1998/namespace'/>");
    refuses("<message xmlns='http://www.w3.org/XML/1998/namespace'/>");
    refuses("<message xmlns='http://www.w3.org/2000/xmlns/'/>");
}

#[test]
fn t29_refuses_an_attribute_twice() {
    refuses("<message a='1' a='2'/>");
    refuses("<message xmlns='jabber:server' xmlns='jabber:server'/>");
    refuses("<message xmlns:p='urn:p' xmlns:p='urn:q'/>");
    refuses("<message p:a='1' q:a='2' xmlns:p='urn:p' xmlns:q='urn:p'/>");
    refuses("<message xml:lang='en' xml:lang='de'/>");
    accepts("<m a='1' p:a='2' xmlns:p='urn:p'/>", "<m a=\"1\" xmlns:a1=\"urn:p\" a1:a=\"2\"/>");
}

#[test]
fn refuses_tags_that_quick_xml_would_take() {
    for xml in [
        "<m a/>",
        "<m a=/>",
        "<m a=1/>",
        "<m ='1'/>",
        "<m a='1'b='2'/>",
        "<m a=\"1\"\"2\"/>",
        "<m a='1'/ ></m>",
        "<m/a='1'/>",
        "<m a=='1'/>",
        "<m a='<'/>",
        "<m a='1' <b/>",
        "<m 1a='1'/>",
        "<m -a='1'/>",
        "<m :a='1'/>",
        "<m a:='1'/>",
        "<m xmlns:='urn:a'/>",
        "<m xmlns:b:c='urn:a'/>",
        "<m db:b:c='1'/>",
        "<m a\u{B}='1'/>",
        "<m a,b='1'/>",
        "<m \u{D7}='1'/>",
        "< m/>",
        "<>",
        "<1/>",
        "<-m/>",
        "<.m/>",
        "<:m/>",
        "<m:/>",
        "<db:m:n/>",
        "<db:1/>",
        "<m!/>",
        "<m\u{2192}/>",
        "<=/>",
        "<'/>'/>",
        "<m></m/>",
        "<m></m a='1'>",
        "<m></ m>",
        "<m></n>",
        "<m><a></m></a>",
        "<m><a></A></m>",
        "<db:m></m>",
        "<db:m xmlns:e='jabber:server:dialback'></e:m>",
        "<m></m'>'>",
    ] {
        refuses(xml);
    }
}

#[test]
fn accepts_odd_but_legal_tags() {
    accepts("<m\n\ta = '1'\r\nb\n=\n\"2\" ></m\n>", "<m a=\"1\" b=\"2\"/>");
    accepts("<m a='/>' b='>'  />", "<m a=\"/&gt;\" b=\"&gt;\"/>");
    accepts("<xml:m><a/><xml:b>c</xml:b></xml:m>", "<xml:m><a/><xml:b>c</xml:b></xml:m>");
    accepts("<m a='\"' b=\"'\"/>", "<m a=\"&quot;\" b=\"&apos;\"/>");
    accepts("<_é.1-2 ü=''/>", "<_é.1-2 ü=\"\"/>");
    accepts("<m><xmlfoo xMl:a='1' xmlns:xMl='urn:x'/></m>", "<m><xmlfoo xmlns:a0=\"urn:x\" a0:a=\"1\"/></m>");
    accepts("<m>></m>", "<m>&gt;</m>");
    accepts("<m>\u{7F}\u{85}\u{FFFD}\u{10FFFF}\u{FDD0}</m>", "<m>\u{7F}\u{85}\u{FFFD}\u{10FFFF}\u{FDD0}</m>");
}

#[test]
fn t34_resolves_references_to_legal_characters_only() {
    accepts("<m>&#65;&#x41;&#00000000000000000065;&#x1F600;</m>", "<m>AAA\u{1F600}</m>");
    accepts("<m>&lt;&gt;&amp;&quot;&apos;</m>", "<m>&lt;&gt;&amp;\"'</m>");
    accepts("<m>&amp;lt;&#38;amp;</m>", "<m>&amp;lt;&amp;amp;</m>");
    for reference in [
        "&#0;",
        "&#1;",
        "&#x0B;",
        "&#xD800;",
        "&#xDFFF;",
        "&#xFFFE;",
        "&#xFFFF;",
        "&#x110000;",
        "&#4294967361;",
        "&#;",
        "&#x;",
        "&#X41;",
        "&#-65;",
        "&#+65;",
        "&# 65;",
        "&#6A;",
        "&;",
        "& amp;",
        "&amp",
        "&",
        "&1;",
        "&a b;",
        "&&amp;",
    ] {
        refuses(format!("<m>{reference}</m>"));
        refuses(format!("<m a='{reference}'/>"));
    }
    refuses("<m>&am<a/>p;</m>");
    restricts("<m>&AMP;</m>");
    restricts("<m a='&LT;'/>");
}

#[test]
fn t34_refuses_characters_that_xml_does_not_have() {
    for character in ["\0", "\u{1}", "\u{8}", "\u{B}", "\u{C}", "\u{1F}", "\u{FFFE}", "\u{FFFF}"] {
        refuses(format!("<m>{character}</m>"));
        refuses(format!("<m a='{character}'/>"));
        refuses(format!("<m><![CDATA[{character}]]></m>"));
        refuses(format!("<m {character}/>"));
    }
}

#[test]
fn t34_normalises_white_space_as_xml_has_it() {
    accepts("<m a=' \t\n\r\r\n&#9;&#10;&#13; '/>", "<m a=\"     &#9;&#10;&#13; \"/>");
    accepts("<m>a\r\nb\rc\nd\te&#13;&#13;\n</m>", "<m>a\nb\nc\nd\te&#13;&#13;\n</m>");
    accepts("<m><![CDATA[a\r\r\nb]]>\r<![CDATA[\n]]></m>", "<m>a\n\nb\n\n</m>");
}
