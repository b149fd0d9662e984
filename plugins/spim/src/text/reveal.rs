//! What a disguised text was meant to be read as.
//!
//! Words with letters of another script that are drawn alike, with digits or signs for letters, with marks struck through them, and
//! words s p a c e d out are undone. All else stays, and is marked as not suspect: a text in two languages is no disguise.

use std::ops::Range;

use unicode_normalization::char::is_combining_mark;

use super::hidden::{Hidden, SPACED_LETTERS_MIN, hidden_words};
use super::look::Script;
use super::lookalikes::{drawn_like, leet};
use super::normalise::{folded_onto, lower, normal};
use super::traits::{is_overlay, without_accent};

/// A text without its disguise, folded and spaced.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Revealed {
    pub(crate) text: String,
    /// The bytes of it that were disguised. A find that has none of them is a find in the plain text, or none.
    pub(crate) suspects: Vec<Range<usize>>,
    /// How many words have letters of two scripts.
    pub(crate) mixed: u32,
    /// Whether digits and signs are read as letters.
    pub(crate) is_leet: bool,
}

impl Revealed {
    /// Whether a part of the text was disguised.
    pub(crate) fn was_disguised(&self, part: &Range<usize>) -> bool {
        let next = self.suspects.partition_point(|suspect| suspect.end <= part.start);
        self.suspects.get(next).is_some_and(|suspect| suspect.start < part.end)
    }
}

/// The readings of a normal text, none if nothing in it is disguised.
///
/// There are up to five: with digits for letters, with `1` for `i` and for `l`; with what may be Latin or Cyrillic as Cyrillic; as
/// it is drawn; and so without accents.
pub(crate) fn reveal(normal: &str) -> Vec<Revealed> {
    if is_plain(normal) { Vec::new() } else { readings(normal) }
}

/// Whether nothing in a text can be disguised: most are ASCII, with neither digits nor signs before letters, which bytes tell fast.
fn is_plain(normal: &str) -> bool {
    let (mut letters, mut digits, mut signs, mut singles) = (0, 0, 0, 0);
    for byte in normal.bytes().chain([b' ']) {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' if digits + signs > 0 => return false,
            b'a'..=b'z' | b'A'..=b'Z' => letters += 1,
            b'0'..=b'9' if letters > 0 => return false,
            b'0'..=b'9' => digits += 1,
            b'@' | b'$' | b'!' | b'|' | b'+' => signs += 1,
            0x80.. => return false,
            _ if letters + digits + signs == 0 => {}
            _ => {
                singles = if letters + digits <= 1 { singles + 1 } else { 0 };
                (letters, digits, signs) = (0, 0, 0);
            }
        }
        if singles == SPACED_LETTERS_MIN {
            return false;
        }
    }
    true
}

fn readings(normal: &str) -> Vec<Revealed> {
    let hidden = hidden_words(normal);
    let has = |is: fn(&Hidden) -> bool| hidden.iter().any(is);
    let ways = [
        (Way { one: Some('i'), ..Way::DRAWN }, has(|word| word.look.is_leet())),
        (
            Way { one: Some('l'), ..Way::DRAWN },
            has(|word| word.look.is_leet() && word.letters.contains(['1', '|', '!'])),
        ),
        (Way { is_cyrillic: true, ..Way::DRAWN }, has(|word| word.look.may_be_cyrillic())),
        (Way::DRAWN, has(|word| word.is_joined || word.look.is_drawn_otherwise())),
        (Way { is_bare: true, ..Way::DRAWN }, has(|word| word.look.is_accented())),
    ];
    let readings = ways.into_iter().filter(|(_, has)| *has).map(|(way, _)| way.read(normal, &hidden));
    readings.filter(|reading| !reading.suspects.is_empty()).collect()
}

/// The reading of a text in which some is written from right to left, by an override (U+202E), and meant to be read as it is seen.
pub(crate) fn unreversed(raw: &str) -> Option<Revealed> {
    if !raw.contains('\u{202e}') {
        return None;
    }
    let (mut reading, mut rest) = (Revealed::default(), raw);
    while let Some((before, reversed)) = rest.split_once('\u{202e}') {
        folded_onto(&mut reading.text, &normal(before));
        let (reversed, behind) = reversed.split_at(reversed.find(['\u{202c}', '\n']).unwrap_or(reversed.len()));
        let begin = reading.text.len();
        folded_onto(&mut reading.text, &normal(reversed).chars().rev().collect::<String>());
        reading.suspects.push(begin..reading.text.len());
        rest = behind;
    }
    folded_onto(&mut reading.text, &normal(rest));
    Some(reading)
}

/// One way to read a text.
#[derive(Debug, Clone, Copy)]
struct Way {
    /// What a `1` is read as, if digits are read as letters.
    one: Option<char>,
    /// Whether a word that may be Cyrillic is.
    is_cyrillic: bool,
    /// Whether letters are read without accents.
    is_bare: bool,
}

impl Way {
    /// As it is drawn.
    const DRAWN: Way = Way { one: None, is_cyrillic: false, is_bare: false };

    fn read(self, normal: &str, hidden: &[Hidden]) -> Revealed {
        let mut reading = Revealed { is_leet: self.one.is_some(), ..Revealed::default() };
        let mut done = 0;
        for word in hidden {
            folded_onto(&mut reading.text, normal.get(done..word.part.start).unwrap_or_default());
            done = word.part.end;
            self.word(word, &mut reading);
        }
        folded_onto(&mut reading.text, normal.get(done..).unwrap_or_default());
        reading
    }

    fn word(self, word: &Hidden, reading: &mut Revealed) {
        let look = word.look;
        let script = if self.is_cyrillic && look.may_be_cyrillic() { Script::Cyrillic } else { look.script() };
        let is_disguised = look.is_disguised_in(script);
        let one = self.one.filter(|_| look.is_leet());
        let is_bare = look.has_odd_marks() || (self.is_bare && look.is_accented());
        let is_stripped = |c: char| is_overlay(c) || (is_bare && is_combining_mark(c));
        let begin = reading.text.len();
        for c in word.letters.chars().filter(|c| !is_stripped(*c)) {
            let c = if is_bare { without_accent(c) } else { c };
            let drawn =
                if is_disguised { drawn_like(c, script).or_else(|| drawn_like(lower(c), script)) } else { None };
            let c = drawn.unwrap_or(c);
            reading.text.push(one.and_then(|one| leet(c, one)).unwrap_or_else(|| lower(c)));
        }
        let written = reading.text.get(begin..).unwrap_or_default();
        if word.is_joined || !written.chars().eq(word.letters.chars().map(lower)) {
            reading.suspects.push(begin..reading.text.len());
        }
        reading.mixed += u32::from(look.is_mixed());
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::{folded, spaced};
    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        /// Words of two letters and more, of one alphabet each, with what usually stands between them.
        #[test]
        fn words_of_one_alphabet_are_plain(text in "([a-zA-Z]{2,9}|[a-z]{1,5}[áéèöß][a-z]{1,3}|[б-яё]{2,3}|[а-я]{2,6}[жыюдл]|[α-ω]{2,3}|[一-龥]{1,9}|[ぁ-ん]{2,9}|[가-힣]{2,9}|[1-9]{1,6}|[🌀-🙏])([ ,.:;?…—-]{1,3}([a-zA-Z]{2,9}|[ж-я]{2,3}|[一-龥]{2,9}|[🌀-🙏]|[0-9]{2,4})){0,9}") {
            prop_assert_eq!(reveal(&normal(&text)), [], "{:?}", text);
        }

        #[test]
        fn what_looks_plain_at_once_is_plain(text in "[ab1 .!@$_-]{0,24}") {
            prop_assert!(!is_plain(&text) || readings(&text).is_empty(), "{:?} reads as {:?}", text, readings(&text));
        }

        /// What is not disguised is read as it is.
        #[test]
        fn what_is_not_suspect_is_as_it_was(text in "[a-cа-в1@ .]{0,24}") {
            for reading in reveal(&text) {
                let begin = reading.suspects.first().map_or(0, |suspect| suspect.start);
                prop_assert!(folded(&spaced(&text)).starts_with(&reading.text[..begin]));
            }
        }
    }

    fn texts(text: &str) -> Vec<String> {
        reveal(text).into_iter().map(|reading| reading.text).collect()
    }

    fn reads(text: &str, as_what: &str) {
        assert!(texts(text).iter().any(|reading| reading == as_what), "{text:?} reads as {:?}", texts(text));
    }

    #[test]
    fn letters_of_other_scripts_are_read_as_those_they_look_like() {
        reads("bеst саsinо", "best casino");
        reads("вы выигpали kaзинo", "вы выиграли казино");
        reads("ᴄᴀsɪɴᴏ", "casino");
        reads("🇨🇦🇸🇮🇳🇴", "casino");
        reads("🅲🅰🆂🅸🅽🅾", "casino");
        reads("ΒΕΤ casίno", "βετ casino");
    }

    #[test]
    fn digits_and_signs_are_read_as_letters() {
        reads("v1agra c@$ino", "viagra casino");
        reads("c@$1n0 v14gr4", "casino viagra");
        reads("go1d fr33", "gold free");
    }

    #[test]
    fn words_that_are_spaced_out_are_read_as_words() {
        reads("best c a s i n o  b o n u s now", "best casino bonus now");
        reads("c.a.s.i.n.o", "casino");
        reads("I am a c-a-s-i-n-o!", "i am a casino!");
        reads("c🎰a🎰s🎰i🎰n🎰o", "casino");
        reads("c!a!s!i!n!o", "casino");
        reads("с a s і n о", "casino");
    }

    #[test]
    fn marks_over_letters_do_not_hide_them() {
        let struck = |text: &str| text.chars().flat_map(|c| [c, '\u{336}']).collect::<String>();
        for word in ["casino", "рассылка", "займ", "ставки", "ελλάδα"] {
            reads(&struck(word), word);
        }
        assert_eq!(reveal("हिन्दी עִבְרִית"), []);
    }

    #[test]
    fn honest_texts_are_not_suspect() {
        for text in [
            "See you at eight, J. R. R. Tolkien!",
            "Привет, как дела? Рост цен, сор, комета, автомат",
            "Γειά σου Κόσμε",
            "नमस्ते दुनिया",
            "مرحبا بالعالم",
            "šalom ĳsvogel naïve año côte cúm été",
            "a, b and c; A. B. C. Smith; x = y; 2 + 2 = 4; 1 2 3 4 5; 10 кг, 25 руб., 2025 г., 5-ый, 90-х",
            "《红楼梦》 第 1 回。 你好，世界！ 100% «ёлка» вызов чёлка эхо заяц",
            "Χρόνια πολλά, καλημέρα; ВАСЯ, ЭТО Я; автомат, весна",
            "👩‍👧 🎉🎉 Привет! 🎉 ok 👍 yes",
            "澳门 カジノ 카지노",
            "a, b and c",
        ] {
            assert_eq!(reveal(text), [], "{text}");
        }
    }

    #[test]
    fn accents_are_left_out_of_words_that_have_more_than_one() {
        reads("our cásìnó", "our casino");
        reads("c\u{304}ásìn\u{308}ó", "casino");
        reads("BAHİS SİTESİ k4ra", "bahis sitesi kara");
        let reading = reveal("Příští casino, côté").remove(0);
        assert_eq!(reading.text, "pristi casino, cote");
        assert!(reading.was_disguised(&(0..6)) && !reading.was_disguised(&(7..13)));
    }

    #[test]
    fn letters_are_joined_over_whatever_is_between() {
        for spaced in ["c  a  s  i  n  o", "c . a . s . i . n . o", "c.a-s.i-n.o", "c a $ 1 n 0", "c⠀a⠀s⠀i⠀n⠀o"]
        {
            reads(spaced, "casino");
        }
        reads("(c)(a)(s)(i)(n)(o)", "(casino)");
        reads("澳 门 赌 场 和 我们", "澳门赌场和 我们");
        reads("在 赌.场.网 站", "在 赌场网 站");
        assert_eq!(reveal("好 的"), []);
    }

    #[test]
    fn figures_are_read_as_cyrillic_letters() {
        for word in ["к@зин0", "ка3ино", "казин0", "KA3ИHО"] {
            reads(word, "казино");
        }
        reads("выигр@ли", "выиграли");
    }

    #[test]
    fn whole_words_in_scripts_of_the_museum_are_latin() {
        for word in ["ⲥⲁⲋⲓⲛⲟ", "ⲤⲀⲊⲒⲚⲞ", "ꓚꓮꓢꓲꓠꓳ", "ᏟᎪᏚᏆᏁᎾ", "ꮯꭺꮪꭵꮑꭷ", "ᏣᏗᏕᎥᏁᎧ"]
        {
            reads(word, "casino");
        }
    }

    #[test]
    fn what_is_struck_through_in_every_script_is_read() {
        reads("赌\u{336}场\u{336}", "赌场");
    }

    #[test]
    fn what_is_written_backwards_is_read_as_it_is_seen() {
        let reading = unreversed("best \u{202e}onisac\u{202c} bonus").expect("a reading");
        assert_eq!(reading.text, "best casino bonus");
        assert!(reading.was_disguised(&(5..11)) && !reading.was_disguised(&(12..17)));
        assert_eq!(unreversed("שלום"), None);
    }

    #[test]
    fn letters_of_latin_alphabets_are_of_no_other() {
        for text in ["rođendan anđeo", "kırmızı ısı", "əlavə məsələ", "Þór og Þing", "được đến đâu", "ƒoƒo"]
        {
            assert!(reveal(text).iter().all(|reading| reading.mixed == 0), "{text}");
        }
        assert_eq!(reveal("саsino bоnus").remove(0).mixed, 2);
    }

    #[test]
    fn phonetic_letters_are_of_no_alphabet_by_themselves() {
        reads("бᴇɜ кᴀɜинᴏ", "без казино");
        let phonetic = reveal("wɜk and ʍat, ɸu");
        assert!(phonetic.iter().all(|reading| reading.mixed == 0 && reading.text.contains("wɜk")), "{phonetic:?}");
    }

    #[test]
    fn only_what_was_disguised_is_suspect() {
        let reading = reveal("best саsіnо bonus").remove(0);
        assert_eq!(reading.text, "best casino bonus");
        assert!(reading.was_disguised(&(0..11)) && reading.was_disguised(&(5..6)));
        assert!(!reading.was_disguised(&(0..5)) && !reading.was_disguised(&(11..17)));
        assert_eq!(reading.mixed, 1);
    }
}
