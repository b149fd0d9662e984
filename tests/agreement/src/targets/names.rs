//! Texts as addresses.

use refrain_proto::xml::is_text;
use refrain_proto::{Domain, Jid};

/// What was prepared stays as it is when it is prepared again, and can be written.
pub fn jid(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    if let Ok(jid) = Jid::parse(text) {
        assert_eq!(Jid::parse(jid.as_str()).as_ref(), Ok(&jid));
        assert!(is_text(jid.as_str()), "{jid:?} cannot be written");
        let parts = [jid.local().map_or(String::new(), |local| format!("{local}@")), jid.domain().to_owned()];
        let resource = jid.resource().map_or(String::new(), |resource| format!("/{resource}"));
        assert_eq!(parts.concat() + &resource, jid.as_str());
        assert_eq!(Domain::parse(jid.domain()).as_ref(), Ok(&jid.to_domain()));
    }
    if let Ok(domain) = Domain::parse(text) {
        assert_eq!(Domain::parse(domain.as_str()).as_ref(), Ok(&domain));
        assert_eq!(Domain::parse(&domain.to_ascii()).as_ref(), Ok(&domain), "by way of {}", domain.to_ascii());
        assert_eq!(Jid::parse(domain.as_str()).map(|jid| jid.to_domain()).as_ref(), Ok(&domain));
    }
}
