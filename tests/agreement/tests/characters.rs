//! Every character in every place: taken by us if and only if expat takes it.

use refrain_agreement::expat::{self, Server};
use refrain_agreement::ours;
use refrain_proto::limits::XmlLimits;

/// All of the basic plane, where names and what XML does not have are; and enough of the others.
fn characters() -> impl Iterator<Item = char> {
    (0..=0xFFFF).chain((0x1_0000..=0x10_FFFF).step_by(0x3FF)).filter_map(char::from_u32)
}

#[track_caller]
fn taken_alike(place: impl Fn(char) -> String) {
    for character in characters() {
        let stream = place(character);
        let theirs = expat::read(Server::Prosody, [stream.as_bytes()]);
        let ours = ours::read([stream.as_bytes()], &XmlLimits::default());
        assert_eq!(ours.pieces.len(), theirs.pieces.len(), "{character:?}: {stream}");
    }
}

#[test]
fn t60_names_begin_alike() {
    taken_alike(|character| format!("<s><{character}/>"));
    taken_alike(|character| format!("<s><a xmlns:{character}='u'/>"));
}

#[test]
fn t60_names_go_on_alike() {
    taken_alike(|character| format!("<s><n{character}n/>"));
    taken_alike(|character| format!("<s><n a{character}a=''/>"));
}

#[test]
fn t24_text_is_taken_alike() {
    taken_alike(|character| format!("<s><n>{character}</n>"));
    taken_alike(|character| format!("<s><n><![CDATA[{character}]]></n>"));
}

#[test]
fn t34_references_are_taken_alike() {
    taken_alike(|character| format!("<s><n>&#{};</n>", u32::from(character)));
    taken_alike(|character| format!("<s><n a='&#x{:x};'/>", u32::from(character)));
    for code in
        ["0", "xD800", "xDFFF", "x110000", "99999999999999999999", "", "x", "1F", "xG", "00000000065", "X41", "-1"]
    {
        let stream = format!("<s><n>&#{code};</n>");
        let theirs = expat::read(Server::Prosody, [stream.as_bytes()]);
        let ours = ours::read([stream.as_bytes()], &XmlLimits::default());
        assert_eq!((ours.refused.is_some(), &ours.pieces), (theirs.refused.is_some(), &theirs.pieces), "{code}");
    }
}
