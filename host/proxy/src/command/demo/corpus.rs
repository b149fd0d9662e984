//! What the demo sends: ordinary traffic, and one of each thing that the three bundled filters stop.

use refrain_filter::Direction;

/// One stanza of the demo and how it must end.
pub struct Entry {
    /// Which way it goes.
    pub direction: Direction,
    /// What it is, in a few words.
    pub what: &'static str,
    /// The stanza, without its `id` (the demo numbers them).
    pub stanza: &'static str,
    /// How it must end.
    pub expect: Expect,
}

/// The one right ending of a demo stanza.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expect {
    /// Arrives unchanged in meaning.
    Forwarded,
    /// Arrives without this text in it.
    Stripped(&'static str),
    /// Comes back as an error with this condition.
    Bounced(&'static str),
    /// Is never seen again.
    Dropped,
}

/// The filters of the demo and their settings, as an operator writes them.
pub const CHAIN: &str = r#"
[chain]
inbound = ["jid-policy", "spim", "file-transfer"]
outbound = ["jid-policy", "file-transfer"]

[filter.jid-policy]
component = "builtin:jid-policy"
[filter.jid-policy.settings]
deny = [
    { name = "spam-farm", domain = "*.farm.example", match = "sender", direction = "inbound", action = "drop" },
    { name = "mallory", jid = "mallory@away.example", match = "sender", direction = "inbound" },
    { name = "intern", jid = "intern@home.example", match = "sender", direction = "outbound" },
]

[filter.spim]
component = "builtin:spim"
[filter.spim.settings]
signatures = [
    { name = "casino", text = "best casino bonus", action = "drop" },
    { name = "pills", regex = '(?i)cheap\s+p[i1]lls', action = "bounce" },
    { name = "advertiser", jid = "sales@cards.example", action = "bounce" },
]

[filter.file-transfer]
component = "builtin:file-transfer"
"#;

use Direction::{Inbound, Outbound};
use Expect::{Bounced, Dropped, Forwarded, Stripped};

const fn entry(direction: Direction, what: &'static str, expect: Expect, stanza: &'static str) -> Entry {
    Entry { direction, what, stanza, expect }
}

/// The corpus, in the order in which it is played.
pub const CORPUS: &[Entry] = &[
    entry(
        Outbound,
        "chat",
        Forwarded,
        "<message from='alice@home.example/desk' to='bob@away.example' type='chat'><body>Shall we meet at noon?</body>\
         <active xmlns='http://jabber.org/protocol/chatstates'/></message>",
    ),
    entry(
        Inbound,
        "chat",
        Forwarded,
        "<message from='bob@away.example/phone' to='alice@home.example' type='chat'><body>Noon it is &amp; thanks</body></message>",
    ),
    entry(
        Outbound,
        "subscription request",
        Forwarded,
        "<presence from='alice@home.example' to='bob@away.example' type='subscribe'/>",
    ),
    entry(
        Inbound,
        "subscription approved",
        Forwarded,
        "<presence from='bob@away.example' to='alice@home.example' type='subscribed'/>",
    ),
    entry(
        Inbound,
        "presence with status",
        Forwarded,
        "<presence from='bob@away.example/phone' to='alice@home.example'><show>away</show><status>on the train</status></presence>",
    ),
    entry(
        Outbound,
        "ping",
        Forwarded,
        "<iq from='alice@home.example/desk' to='away.example' type='get'><ping xmlns='urn:xmpp:ping'/></iq>",
    ),
    entry(
        Inbound,
        "room message",
        Forwarded,
        "<message from='tea@rooms.away.example/bob' to='alice@home.example/desk' type='groupchat'><body>Anyone for tea?</body></message>",
    ),
    entry(
        Inbound,
        "voice call offer",
        Forwarded,
        "<iq from='bob@away.example/phone' to='alice@home.example/desk' type='set'><jingle xmlns='urn:xmpp:jingle:1' \
         action='session-initiate' sid='v1'><content creator='initiator' name='voice'><description \
         xmlns='urn:xmpp:jingle:apps:rtp:1' media='audio'/><transport xmlns='urn:xmpp:jingle:transports:ice-udp:1'/></content></jingle></iq>",
    ),
    entry(
        Inbound,
        "SPIM, signature drops",
        Dropped,
        "<message from='win@away.example/bot' to='alice@home.example' type='chat'><body>The BEST casino bonus is here</body></message>",
    ),
    entry(
        Inbound,
        "SPIM, signature bounces",
        Bounced("policy-violation"),
        "<message from='win@away.example/bot' to='alice@home.example' type='chat'><body>Cheap  p1lls today</body></message>",
    ),
    entry(
        Inbound,
        "SPIM, contact JID in status",
        Bounced("policy-violation"),
        "<presence from='ad@away.example' to='alice@home.example' type='subscribe'><status>write to sales@cards.example</status></presence>",
    ),
    entry(
        Inbound,
        "sender denied",
        Bounced("forbidden"),
        "<message from='mallory@away.example/x' to='alice@home.example' type='chat'><body>hello</body></message>",
    ),
    entry(
        Outbound,
        "user kept inside",
        Bounced("forbidden"),
        "<message from='intern@home.example/desk' to='bob@away.example' type='chat'><body>hello out there</body></message>",
    ),
    entry(
        Outbound,
        "file: out-of-band iq",
        Bounced("not-acceptable"),
        "<iq from='alice@home.example/desk' to='bob@away.example/phone' type='set'><query xmlns='jabber:iq:oob'>\
         <url>https://files.example/plan.pdf</url></query></iq>",
    ),
    entry(
        Inbound,
        "file: out-of-band link",
        Stripped("https://files.example/cat.jpg"),
        "<message from='bob@away.example/phone' to='alice@home.example' type='chat'><body>look: https://files.example/cat.jpg</body>\
         <x xmlns='jabber:x:oob'><url>https://files.example/cat.jpg</url></x></message>",
    ),
    entry(
        Inbound,
        "file: in-band bytestream",
        Bounced("not-acceptable"),
        "<iq from='bob@away.example/phone' to='alice@home.example/desk' type='set'><open xmlns='http://jabber.org/protocol/ibb' \
         block-size='4096' sid='i1'/></iq>",
    ),
    entry(
        Outbound,
        "file: SOCKS5 bytestream",
        Bounced("not-acceptable"),
        "<iq from='alice@home.example/desk' to='bob@away.example/phone' type='set'><query \
         xmlns='http://jabber.org/protocol/bytestreams' sid='s1'><streamhost jid='proxy.home.example' host='192.0.2.7' port='7625'/></query></iq>",
    ),
    entry(
        Inbound,
        "file: stream initiation",
        Bounced("forbidden"),
        "<iq from='bob@away.example/phone' to='alice@home.example/desk' type='set'><si xmlns='http://jabber.org/protocol/si' id='a0' \
         profile='http://jabber.org/protocol/si/profile/file-transfer'><file \
         xmlns='http://jabber.org/protocol/si/profile/file-transfer' name='run.exe' size='1022'/></si></iq>",
    ),
    entry(
        Inbound,
        "file: Jingle offer",
        Bounced("service-unavailable"),
        "<iq from='bob@away.example/phone' to='alice@home.example/desk' type='set'><jingle xmlns='urn:xmpp:jingle:1' \
         action='session-initiate' sid='f1'><content creator='initiator' name='file'><description \
         xmlns='urn:xmpp:jingle:apps:file-transfer:5'><file><name>run.exe</name></file></description><transport \
         xmlns='urn:xmpp:jingle:transports:s5b:1' sid='t1'/></content></jingle></iq>",
    ),
    entry(
        Outbound,
        "file: Jingle, in-band transport",
        Bounced("service-unavailable"),
        "<iq from='alice@home.example/desk' to='bob@away.example/phone' type='set'><jingle xmlns='urn:xmpp:jingle:1' \
         action='session-initiate' sid='f2'><content creator='initiator' name='file'><description \
         xmlns='urn:xmpp:jingle:apps:file-transfer:5'><file><name>plan.pdf</name></file></description><transport \
         xmlns='urn:xmpp:jingle:transports:ibb:1' block-size='4096' sid='t2'/></content></jingle></iq>",
    ),
    entry(
        Outbound,
        "file: upload slot request",
        Bounced("forbidden"),
        "<iq from='alice@home.example/desk' to='upload.away.example' type='get'><request xmlns='urn:xmpp:http:upload:0' \
         filename='plan.pdf' size='23456' content-type='application/pdf'/></iq>",
    ),
    entry(
        Inbound,
        "chat, after all that",
        Forwarded,
        "<message from='bob@away.example/phone' to='alice@home.example' type='chat'><body>Still here?</body></message>",
    ),
];
