//! How bytes are written in a conversation; `refrain-agreement` reads the conversations by this very file.

/// `<stream …>` stands for a whole header, `«N×text»` for a text N times, `\n` and `\r` for line ends and `\xHH` for any byte.
pub fn expand(text: &str) -> Vec<u8> {
    let header = "<?xml version='1.0'?><stream:stream xmlns='jabber:server' xmlns:db='jabber:server:dialback' \
                  xmlns:stream='http://etherx.jabber.org/streams' version='1.0' ";
    let mut text = text.replace("<stream ", header).replace("\\n", "\n").replace("\\r", "\r");
    while let Some((before, rest)) = text.split_once('«') {
        let (count, rest) = rest.split_once('×').unwrap_or(("0", rest));
        let (unit, after) = rest.split_once('»').unwrap_or((rest, ""));
        text = format!("{before}{}{after}", unit.repeat(count.parse().unwrap_or(0)));
    }
    let mut pieces = text.split("\\x");
    let mut bytes = pieces.next().unwrap_or_default().as_bytes().to_vec();
    for piece in pieces {
        let digits = piece.get(..2).and_then(|digits| u8::from_str_radix(digits, 16).ok());
        bytes.push(digits.unwrap_or(b'?'));
        bytes.extend_from_slice(piece.get(2..).unwrap_or_default().as_bytes());
    }
    bytes
}
