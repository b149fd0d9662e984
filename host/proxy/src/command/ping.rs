//! `refrain ping`: whether stanzas cross to a domain and its answers come back.

use std::process::ExitCode;

use clap::Args;
use hyper::Method;
use serde_json::json;

use super::ask::Target;
use crate::pipeline::ping::Pong;

pub(super) const AFTER_HELP: &str = "\
The question is an XMPP ping (XEP-0199). It takes the way of stanzas, so both streams of the two domains are opened if need be, and no \
filter sees it. An error of the other server is an answer, too.

Exit codes: 0 answered, 1 no answer, or Refrain could not be asked.";

/// What it takes.
#[derive(Debug, Args)]
pub struct Ping {
    /// The domain to ask
    #[arg(value_name = "DOMAIN")]
    to: String,
    /// The domain to ask as; a hosted one asks the world, a remote one asks your server. The first hosted one if it is left out
    #[arg(long, value_name = "DOMAIN")]
    from: Option<String>,
    #[command(flatten)]
    target: Target,
}

impl Ping {
    /// Exit codes: 0 answered, 1 no answer, or Refrain could not be asked.
    pub fn run(&self) -> ExitCode {
        let wanted = json!({ "from": self.from, "to": self.to }).to_string();
        self.target.show_answer(Method::POST, "/ping", wanted, |pong: Pong| text(&pong))
    }
}

fn text(Pong { from, to, millis, error }: &Pong) -> String {
    let with = error.as_deref().map(|error| format!(" with {error}")).unwrap_or_default();
    format!("{to} answered {from}{with} after {millis} ms")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_a_sentence() {
        let pong = Pong { from: "home.example".to_owned(), to: "away.example".to_owned(), millis: 7, error: None };
        assert_eq!(text(&pong), "away.example answered home.example after 7 ms");
        let refused = Pong { error: Some("service-unavailable".to_owned()), ..pong };
        assert_eq!(text(&refused), "away.example answered home.example with service-unavailable after 7 ms");
    }
}
