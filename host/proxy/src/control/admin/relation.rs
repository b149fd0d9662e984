//! Whether two know each other, and that they are to know each other no more.

use hyper::StatusCode;
use refrain_filter::Relation;
use refrain_proto::Jid;
use serde::{Deserialize, Serialize};

use super::Answer;
use super::routes::Request;
use crate::pipeline::judge::now_ms;
use crate::relations::Acquaintance;

/// A pair as it is asked about.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    local: String,
    remote: String,
    #[serde(default)]
    forget: bool,
}

/// What is answered.
#[derive(Debug, Serialize, Deserialize)]
pub struct Asked {
    /// The pair as it was.
    #[serde(flatten)]
    pub was: Acquaintance,
    /// Whether it was forgotten now.
    pub forgotten: bool,
    /// Whether they know each other all the same.
    pub still_known: bool,
}

/// Says what the remote address is to the local one.
pub(super) async fn relation(request: Request) -> Answer {
    let (gateway, parsed) = (&request.control.gateway, request.body::<Wanted>().and_then(parse));
    let ((local, remote), forget) = match parsed {
        Ok(parsed) => parsed,
        Err(refused) => return refused,
    };
    let snapshot = gateway.snapshot();
    if !snapshot.boundary.is_hosted(&local.to_domain()) || snapshot.boundary.is_hosted(&remote.to_domain()) {
        let problem = format!("{local} must be of a hosted domain and {remote} of another: write the local one first");
        return Answer::refuse(StatusCode::BAD_REQUEST, problem);
    }
    let terms = &snapshot.config.relations;
    let look_up = || gateway.relations.look_up(&local, &remote, terms, now_ms());
    let was = look_up();
    let forgotten = forget && gateway.relations.forget(&local, &remote, terms);
    // By the domain, of which this pair is one of many.
    let still_known = look_up().relation == Some(Relation::Known);
    Answer::json(&Asked { was, forgotten, still_known })
}

fn parse(wanted: Wanted) -> Result<((Jid, Jid), bool), Answer> {
    let jid = |text: &str| {
        Jid::parse(text).map_err(|error| Answer::refuse(StatusCode::BAD_REQUEST, format!("{text:?}: {error}")))
    };
    Ok(((jid(&wanted.local)?, jid(&wanted.remote)?), wanted.forget))
}
