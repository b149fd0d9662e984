//! Characters that are drawn like others: what words are disguised with.
//!
//! From Unicode's table of confusables (UTS #39, `confusables.txt`, version 17, Unicode License v3), of which those are left that are
//! drawn like one Latin letter or digit and have no compatibility form; and small capitals, letters in boxes, and small Cyrillic and
//! Greek letters by the look of their capitals, with which whole words are written.

use std::sync::LazyLock;

use super::look::Script;

/// Each row: a Latin letter or a digit, and what looks like it.
const LATIN: &[(char, &str)] = &[
    ('0', "০੦૦୦௦౦೦൦๐໐၀០߀𐓪"),
    ('1', "ƖǀӀӏו١۱ߊᛁᛐ⏽│┃ⵏ"),
    ('2', "ƧϨᒿꙄ"),
    ('3', "ƷȜЗзӠЭэ३૩Ⳍ"),
    ('4', "ЧчᏎ"),
    ('5', "Ƽ"),
    ('6', "Ϭб"),
    ('8', "Ȣȣ৪"),
    ('9', "৭"),
    ('a', "ɑΑαάАаᎪᗅ⍺ꓮꭤᴀ∆ΛλɐӐӑӒӓ🅐🅰ᏗⲀⲁ"),
    ('b', "ƄΒВвЬьᏏᏴᑲᖯᗷⲂꓐꞴʙβЪъᴃ🅑🅱Ᏸⲃ"),
    ('c', "СсᏟᴄⲤⲥꓚ¢ς🅒🅲Ꮳ"),
    ('d', "ԁᎠᏧᑯᗞᗪꓓꓒᴅđ🅓🅳Ⲇⲇ"),
    ('e', "ΕεέЕеЁёЄєҽᎬ℮ⴹꓰꬲᴇɘəΞξ∈🅔🅴ᏋⲈⲉ"),
    ('f', "ƒʄϜᖴẝꓝꞘꞙꜰ🅕🅵Ꭶ"),
    ('g', "ɡԌԍցᏀᏳᶃꓖɢ🅖🅶Ꮆ"),
    ('h', "ΗНнҺһհᎻᏂᕼⲎꓧʜԊԋ🅗🅷ⲏ"),
    ('i', "¡ıɩɪΙιίІіЇїւᎥ⍳ⲓꙇӤӥΪϊ🅘🅸ꓲⲒᏆ"),
    ('j', "ȷͿϳЈјյᎫᒍꓙꞲᴊ🅙🅹Ꮰ"),
    ('k', "ΚκКкҚқᏦᛕⲔꓗᴋ🅚🅺ⲕ"),
    ('l', "ⅼᏞᒪꓡʟⳐլ🅛🅻Ꮭ"),
    ('m', "ΜϺМмᎷᗰᛖⲘꓟᴍ🅜🅼ⲙ"),
    ('n', "ΝПпηήИиЙйոռⲚꓠɴ🅝🅽Ꮑⲛ"),
    ('o', "ΟοσόОоӦӧՕօסهഠဝⲞⲟⵔ〇ꓳꬽᴏθΘФф🅞🅾ᎧᎾᎤ"),
    ('p', "ƿΡρРрᏢᑭ⍴ⲢⲣꓑᴘÞ🅟🅿Ꭾ"),
    ('q', "ԚԛգզⵕϘϙ🅠🆀"),
    ('r', "ƦɌГгЯяᎡᏒᖇᴦⲅꓣꭇʀᴙ🅡🆁"),
    ('s', "ƽЅѕՏႽᏕᏚꓢꜱⲊⲋ🅢🆂"),
    ('t', "ΤτТтᎢ⊤⟙Ⲧㄒ丅ꓔᴛ†🅣🆃Ꮦⲧ"),
    ('u', "ʋυύЦцՍսሀᑌᴜ∪⋃ꓴꞟꭎµμ🅤🆄Ꮼ"),
    ('v', "νѴѵᏙᐯᴠ∨⋁ⴸꓦ🅥🆅Ꮙ"),
    ('w', "ɯωώшщШЩѡԜԝᎳᏔᴡⲽꓪ🅦🆆ᏇⲰⲱ"),
    ('x', "×ΧχХхҲҳᕁᕽ᙭᙮ⲬꓫꞳ🅧🆇ⲭ"),
    ('y', "ɣʏΥγУуЎўҮүყᎩᎽᶌỿⲨꓬꭚ🅨🆈ⲩ"),
    ('z', "ΖζᏃᴢⲌⴭꓜ🅩🆉ⲍ"),
];

/// Each Cyrillic letter with what looks like it, for Cyrillic words with foreign letters and small capitals in them.
const CYRILLIC: &[(char, &str)] = &[
    ('а', "aɑαΑ@ᴀ"),
    ('в', "bβΒ8ʙ"),
    ('е', "eεΕᴇ"),
    ('з', "3ɜ"),
    ('и', "u"),
    ('к', "kκΚᴋĸ"),
    ('м', "mΜʍ"),
    ('н', "hΗʜ"),
    ('о', "oοΟσ0ᴏ"),
    ('п', "nπᴨ"),
    ('р', "pρΡᴩᴘ"),
    ('с', "cϲᴄ"),
    ('т', "tτΤᴛ"),
    ('у', "yγΥ"),
    ('х', "xχΧ"),
    ('ч', "4"),
    ('б', "6"),
    ('і', "iı"),
    ('г', "ᴦ"),
    ('л', "ᴧ"),
    ('ф', "ɸ"),
    ('ш', "ɯ"),
];

/// Digits and signs that are read as letters: `v1agra`, `c@$ino`. What may be an `i` or an `l` is the caller's to say.
pub(crate) fn leet(c: char, one: char) -> Option<char> {
    Some(match c {
        '0' => 'o',
        '1' | '|' | '!' => one,
        '3' | '€' => 'e',
        '4' | '@' => 'a',
        '5' | '$' => 's',
        '6' | '8' => 'b',
        '7' | '+' => 't',
        '9' => 'g',
        _ => return None,
    })
}

static TO_LATIN: LazyLock<Vec<(char, char)>> = LazyLock::new(|| sorted(LATIN));
static TO_CYRILLIC: LazyLock<Vec<(char, char)>> = LazyLock::new(|| sorted(CYRILLIC));

fn sorted(rows: &[(char, &str)]) -> Vec<(char, char)> {
    let pairs = rows.iter().flat_map(|(letter, others)| others.chars().map(|other| (other, *letter)));
    let mut pairs: Vec<_> = pairs.collect();
    pairs.sort_unstable();
    pairs.dedup_by_key(|(other, _)| *other);
    pairs
}

/// The letter of a script that a character of another one is drawn like.
pub(crate) fn drawn_like(c: char, script: Script) -> Option<char> {
    let table = match script {
        Script::Latin => &TO_LATIN,
        Script::Cyrillic => &TO_CYRILLIC,
        Script::Other => return None,
    };
    // Regional indicators, of which flags are made, are drawn as letters in boxes.
    if script == Script::Latin && matches!(c, '\u{1f1e6}'..='\u{1f1ff}') {
        return char::from_u32(u32::from('a') + (u32::from(c) - 0x1_f1e6));
    }
    // Small Cherokee letters are drawn as its capitals.
    let c = match c {
        'ꭰ'..='ꮿ' => char::from_u32(u32::from(c) - 0xab70 + 0x13a0).unwrap_or(c),
        _ => c,
    };
    let place = table.binary_search_by_key(&c, |(other, _)| *other).ok()?;
    table.get(place).map(|(_, letter)| *letter)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_are_read_as_they_are_drawn() {
        assert_eq!(drawn_like('а', Script::Latin), Some('a'));
        assert_eq!(drawn_like('a', Script::Cyrillic), Some('а'));
        assert_eq!(drawn_like('ᴄ', Script::Latin), Some('c'));
        assert_eq!(drawn_like('ᴧ', Script::Cyrillic), Some('л'));
        assert_eq!(drawn_like('ꭺ', Script::Latin), Some('a'));
        assert_eq!(drawn_like('🇨', Script::Latin), Some('c'));
        assert_eq!(drawn_like('ж', Script::Latin), None);
    }

    #[test]
    fn no_character_stands_in_two_rows() {
        for rows in [LATIN, CYRILLIC] {
            let all: usize = rows.iter().map(|(_, others)| others.chars().count()).sum();
            assert_eq!(sorted(rows).len(), all);
        }
    }
}
