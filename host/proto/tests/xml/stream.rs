//! The stream around the stanzas: declaration, header, what is between and after.

use refrain_proto::limits::XmlLimits;
use refrain_proto::ns;
use refrain_proto::xml::{Element, Reader, Token, XmlError};

use super::{Found, HEADER, accepts, header, read, read_whole, refuses};

#[test]
fn reads_a_stream_from_declaration_to_close() {
    let stream = format!("\u{FEFF}{HEADER}\n <message/> <db:result>k</db:result>\r\n\t</stream:stream > ");
    let expected = [
        Found::Header("<stream:stream to=\"home.example\" version=\"1.0\"/>".into()),
        Found::Element("<message/>".into(), 10),
        Found::Element("<db:result>k</db:result>".into(), 24),
        Found::Close,
    ];
    assert_eq!(read_whole(stream.as_bytes()), expected);
    assert_eq!(read(&XmlLimits::default(), stream.as_bytes().chunks(1)), expected);
}

#[test]
fn tells_what_the_header_declares() {
    let (mut reader, mut element) = (Reader::new(XmlLimits::default()), Element::default());
    reader.feed(HEADER.as_bytes());
    assert_eq!(reader.next(&mut element), Ok(Some(Token::Header)));
    assert!(element.root().is(ns::STREAM, "stream"));
    assert_eq!(reader.header_prefix(), "stream");
    assert_eq!(reader.header_default_namespace(), ns::SERVER);
    assert_eq!(reader.header_namespace("db"), Some(ns::DIALBACK));
    assert!(reader.declares(ns::DIALBACK) && !reader.declares(ns::CLIENT));
    assert_eq!(element.root().attribute("to"), Some("home.example"));
    assert!(reader.is_empty());
}

#[test]
fn reads_a_header_without_a_default_namespace() {
    let stream = b"<s:stream xmlns:s='http://etherx.jabber.org/streams'><message/></s:stream>";
    let found = read_whole(stream);
    assert_eq!(found[1], Found::Element("<message xmlns=\"\"/>".into(), 10));
    assert_eq!(found[2], Found::Close);
}

#[test]
fn accepts_a_declaration_of_utf_8_only_at_the_start() {
    let rest = "<s xmlns='jabber:server'>";
    for declaration in [
        "",
        "\u{FEFF}",
        "\n",
        "<?xml version='1.0'?>",
        "<?xml\tversion = \"1.0\" encoding='utf-8' standalone='yes' ?>\n",
        "\u{FEFF}<?xml version='1.0' encoding=\"UTF-8\"?>",
    ] {
        assert_eq!(header(format!("{declaration}{rest}")).as_deref(), Ok("<s/>"), "{declaration}");
    }
    for declaration in [
        "<?xml version='1.1'?>",
        "<?xml?>",
        "<?xml ?>",
        "<?xml encoding='UTF-8'?>",
        "<?xml version='1.0' version='1.0'?>",
        "<?xml encoding='UTF-8' version='1.0'?>",
        "<?xml version='1.0'encoding='UTF-8'?>",
        "<?xml version='1.0' standalone='maybe'?>",
        "<?xml version=1.0?>",
        "<?xml version='1.0' other='x'?>",
        "\u{FEFF}\u{FEFF}",
        "text",
    ] {
        let result = header(format!("{declaration}{rest}"));
        let refused = matches!(result, Err(XmlError::NotWellFormed(_) | XmlError::Restricted(_)));
        assert!(refused, "{declaration}: {result:?}");
    }
    for late in
        [" <?xml version='1.0'?>", "<?xml version='1.0'?><?xml version='1.0'?>", "<?xml-stylesheet href='x'?>", "<??>"]
    {
        assert!(matches!(header(format!("{late}{rest}")), Err(XmlError::Restricted(_))), "{late}");
    }
}

#[test]
fn refuses_other_encodings() {
    for declared in ["ISO-8859-1", "UTF-16", "utf8", ""] {
        let stream = format!("<?xml version='1.0' encoding='{declared}'?><s>");
        assert_eq!(header(stream), Err(XmlError::UnsupportedEncoding), "{declared}");
    }
    assert_eq!(header(b"\xFF\xFE<\0s\0>\0"), Err(XmlError::UnsupportedEncoding));
    assert_eq!(header(b"\xFE\xFF\0<\0s\0>"), Err(XmlError::UnsupportedEncoding));
    assert!(header(b"\xEF\xBB<s>").is_err());
}

#[test]
fn refuses_a_header_that_closes_itself() {
    assert!(matches!(header("<stream:stream xmlns:stream='s'/>"), Err(XmlError::NotWellFormed(_))));
    assert!(matches!(header("</stream:stream>"), Err(XmlError::NotWellFormed(_))));
}

#[test]
fn refuses_text_between_stanzas_and_after_the_end() {
    for xml in ["x", "&amp;", "&#32;", "<![CDATA[ ]]>", "\u{A0}", "\0"] {
        refuses(xml);
        let stream = format!("{HEADER}</stream:stream>{xml}");
        assert!(matches!(read_whole(stream.as_bytes())[2], Found::Error(XmlError::NotWellFormed(_))), "{xml}");
    }
    let second = format!("{HEADER}</stream:stream><message/>");
    assert!(matches!(read_whole(second.as_bytes())[2], Found::Error(XmlError::NotWellFormed(_))));
}

#[test]
fn refuses_an_end_of_the_stream_that_is_not_the_headers() {
    refuses("</stream>");
    refuses("</db:stream>");
    refuses("</stream:stream x='y'>");
    refuses("</ stream:stream>");
    refuses("</message>");
}

#[test]
fn a_second_header_is_a_stanza_like_any_other() {
    // T30: what is inside decides nothing; the stream layer sees {streams}stream where a stanza should be.
    accepts("<stream:stream>x</stream:stream>", "<stream:stream>x</stream:stream>");
}

#[test]
fn an_error_is_final() {
    let (mut reader, mut element) = (Reader::new(XmlLimits::default()), Element::default());
    reader.feed(HEADER.as_bytes());
    assert_eq!(reader.next(&mut element), Ok(Some(Token::Header)));
    reader.feed(b"<message><!-- --></message>");
    let error = reader.next(&mut element);
    reader.feed(b"<message/>");
    assert!(error.is_err());
    assert_eq!(reader.next(&mut element), error);
}
