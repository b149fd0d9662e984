//! Everything that can be asked of a running Refrain, in one table.
//!
//! server → **routes**

use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use hyper::{Method, StatusCode};
use refrain_proto::{Domain, DomainPair};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::{Answer, Control, relation, staging};
use crate::control::explain::Explanation;
use crate::control::lists::{self, LookError, Question};
use crate::control::reload::{Cause, ReloadError, Swapped};
use crate::control::status::Status;
use crate::observe::metrics;
use crate::observe::trace::TraceId;
use crate::pipeline::Gateway;
use crate::pipeline::ping::{self, PingError};

/// The media type of the Prometheus text format.
const PROMETHEUS: &str = "text/plain; version=0.0.4; charset=utf-8";

/// One thing that can be asked.
struct Route {
    method: Method,
    /// A path that ends in `/` takes one argument after it.
    path: &'static str,
    about: &'static str,
    answer: fn(Request) -> Answering,
}

/// What a route is given.
pub(super) struct Request {
    pub(super) control: Arc<Control>,
    /// What stands after a path that ends in `/`.
    pub(super) argument: String,
    pub(super) body: Bytes,
}

impl Request {
    /// What the body says; an empty one asks for what is the default.
    pub(super) fn body<T: DeserializeOwned>(&self) -> Result<T, Answer> {
        let bytes: &[u8] = if self.body.is_empty() { b"{}" } else { &self.body };
        serde_json::from_slice(bytes)
            .map_err(|error| Answer::refuse(StatusCode::BAD_REQUEST, format!("the body of the request: {error}")))
    }
}

/// An answer under way.
type Answering = Pin<Box<dyn Future<Output = Answer> + Send>>;

#[rustfmt::skip]
const ROUTES: &[Route] = &[
    Route { method: Method::GET, path: "/status", about: "everything about the running process", answer: |r| Box::pin(status(r)) },
    Route { method: Method::GET, path: "/chain", about: "the chains of both directions", answer: |r| Box::pin(chain(r)) },
    Route { method: Method::GET, path: "/explain/", about: "how one stanza was judged, by its id", answer: |r| Box::pin(explain(r)) },
    Route { method: Method::GET, path: "/peers", about: "the remote domains that were here, and their keys", answer: |r| Box::pin(peers(r)) },
    Route { method: Method::POST, path: "/relation", about: "whether a remote address is known to a local one", answer: |r| Box::pin(relation::relation(r)) },
    Route { method: Method::GET, path: "/lists", about: "the lists, and where their entries are from", answer: |r| Box::pin(lists(r)) },
    Route { method: Method::POST, path: "/lists/lookup", about: "what a list says of some addresses", answer: |r| Box::pin(look_up(r)) },
    Route { method: Method::POST, path: "/ping", about: "ask a domain for a sign of life", answer: |r| Box::pin(ping(r)) },
    Route { method: Method::GET, path: "/metrics", about: "the same for Prometheus", answer: |r| Box::pin(metrics(r)) },
    Route { method: Method::POST, path: "/reload", about: "read the configuration again", answer: |r| Box::pin(reload(r)) },
    Route { method: Method::POST, path: "/rollback", about: "bring the previous generation back", answer: |r| Box::pin(rollback(r)) },
    Route { method: Method::POST, path: "/shadow", about: "let a candidate judge copies of live stanzas", answer: |r| Box::pin(staging::start_shadow(r)) },
    Route { method: Method::GET, path: "/shadow", about: "what it would change", answer: |r| Box::pin(staging::shadow(r)) },
    Route { method: Method::DELETE, path: "/shadow", about: "end it", answer: |r| Box::pin(staging::stop_shadow(r)) },
    Route { method: Method::POST, path: "/promote", about: "make it live", answer: |r| Box::pin(staging::promote(r)) },
    Route { method: Method::POST, path: "/record", about: "begin a recording", answer: |r| Box::pin(staging::begin_record(r)) },
    Route { method: Method::GET, path: "/record", about: "take what was recorded since", answer: |r| Box::pin(staging::fetch_record(r)) },
    Route { method: Method::DELETE, path: "/record", about: "end it", answer: |r| Box::pin(staging::stop_record(r)) },
    Route { method: Method::GET, path: "/faults", about: "stanzas on which filters failed, with their words", answer: |r| Box::pin(staging::faults(r)) },
];

/// Finds the route and lets it answer.
pub(super) async fn answer(control: Arc<Control>, method: &Method, path: &str, body: Bytes) -> Answer {
    if path == "/" {
        return overview();
    }
    let known: Vec<(&Route, &str)> = ROUTES.iter().filter_map(|route| Some((route, argument(route, path)?))).collect();
    match known.iter().find(|(route, _)| route.method == *method) {
        Some((route, argument)) => (route.answer)(Request { control, argument: (*argument).to_owned(), body }).await,
        None if known.is_empty() => Answer::refuse(StatusCode::NOT_FOUND, "there is no such path; GET / lists all"),
        None => {
            let methods: Vec<&str> = known.iter().map(|(route, _)| route.method.as_str()).collect();
            let problem = format!("{path} takes {}", methods.join(", "));
            Answer::refuse(StatusCode::METHOD_NOT_ALLOWED, problem)
        }
    }
}

/// What stands behind the path of a route that takes an argument; empty for one that takes none.
fn argument<'p>(route: &Route, path: &'p str) -> Option<&'p str> {
    if route.path.ends_with('/') {
        return path.strip_prefix(route.path).filter(|argument| !argument.is_empty());
    }
    (path == route.path).then_some("")
}

fn overview() -> Answer {
    let lines = ROUTES.iter().map(|route| format!("{:<6} {:<14} {}\n", route.method.as_str(), route.path, route.about));
    Answer::text("text/plain; charset=utf-8", lines.collect())
}

async fn status(request: Request) -> Answer {
    Answer::json(&Status::of(&request.control))
}

async fn chain(request: Request) -> Answer {
    Answer::json(&Status::of(&request.control).chains)
}

async fn peers(request: Request) -> Answer {
    Answer::json(&request.control.gateway.continuity.peers())
}

async fn lists(request: Request) -> Answer {
    Answer::json(&lists::statuses(&request.control.gateway))
}

async fn look_up(request: Request) -> Answer {
    let question = match request.body::<Question>() {
        Ok(question) => question,
        Err(refused) => return refused,
    };
    // A million entries take a second to look at one by one.
    let control = request.control;
    match tokio::task::spawn_blocking(move || lists::look_up(&control.gateway, &question)).await {
        Ok(Ok(covered)) => Answer::json(&covered),
        Ok(Err(error @ LookError::Unknown(..))) => Answer::refuse(StatusCode::NOT_FOUND, error.to_string()),
        Ok(Err(error @ LookError::TooMany)) => Answer::refuse(StatusCode::BAD_REQUEST, error.to_string()),
        Err(error) => Answer::refuse(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()),
    }
}

/// A ping as it is asked for.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    to: String,
    /// The first hosted domain if it is left out.
    from: Option<String>,
}

async fn ping(request: Request) -> Answer {
    let gateway = &request.control.gateway;
    let pair = match request.body::<Wanted>().and_then(|wanted| pair(gateway, &wanted)) {
        Ok(pair) => pair,
        Err(refused) => return refused,
    };
    match ping::ping(gateway, pair).await {
        Ok(pong) => Answer::json(&pong),
        Err(error @ PingError::NotAcross(..)) => Answer::refuse(StatusCode::BAD_REQUEST, error.to_string()),
        Err(error @ PingError::TooMany) => Answer::refuse(StatusCode::CONFLICT, error.to_string()),
        Err(error @ PingError::Silence(_)) => Answer::refuse(StatusCode::GATEWAY_TIMEOUT, error.to_string()),
    }
}

fn pair(gateway: &Gateway, wanted: &Wanted) -> Result<DomainPair, Answer> {
    let domain = |name: &str| {
        Domain::parse(name).map_err(|error| Answer::refuse(StatusCode::BAD_REQUEST, format!("{name:?}: {error}")))
    };
    let from = match &wanted.from {
        Some(from) => domain(from)?,
        None => gateway.snapshot().config.domains[0].name.clone(),
    };
    Ok(DomainPair::new(from, domain(&wanted.to)?))
}

async fn metrics(request: Request) -> Answer {
    Answer::text(PROMETHEUS, metrics::write(&Status::of(&request.control)))
}

async fn explain(request: Request) -> Answer {
    let id = match request.argument.parse::<TraceId>() {
        Ok(id) => id,
        Err(error) => return Answer::refuse(StatusCode::NOT_FOUND, error.to_string()),
    };
    match request.control.gateway.audit.traces().find(id) {
        Some(record) => Answer::json(&Explanation::of(record)),
        None => {
            let problem =
                format!("{id} is not among the last stanzas that were traced; the log may still have its line");
            Answer::refuse(StatusCode::NOT_FOUND, problem)
        }
    }
}

async fn reload(request: Request) -> Answer {
    swapped(request.control.reloader.reload(Cause::Admin).await)
}

async fn rollback(request: Request) -> Answer {
    swapped(request.control.reloader.rollback().await)
}

/// What came of an attempt to change the generation.
pub(super) fn swapped(result: Result<Swapped, ReloadError>) -> Answer {
    match result {
        Ok(swapped) => Answer::json(&swapped),
        Err(ReloadError::Mistaken(mistakes)) => {
            Answer::mistaken("the configuration has mistakes: the generation that was live stays", mistakes)
        }
        Err(error @ (ReloadError::Draining | ReloadError::NoPrevious | ReloadError::NotLive(_))) => {
            Answer::refuse(StatusCode::CONFLICT, error.to_string())
        }
        Err(error @ ReloadError::Broken(_)) => Answer::refuse(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()),
    }
}
