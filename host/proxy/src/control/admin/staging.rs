//! The routes by which changes are tried: shadow, promotion, recording, faults.
//!
//! routes → **staging** → `control::{shadow, record}`, `observe::faults`

use std::time::Instant;

use hyper::StatusCode;
use serde::Deserialize;
use serde_json::json;

use super::Answer;
use super::routes::{self, Request};
use crate::control::record::{RecordError, Wanted};
use crate::control::shadow::{Promotion, ShadowError};

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Promote {
    #[serde(default)]
    force: bool,
}

pub(super) async fn start_shadow(request: Request) -> Answer {
    match request.body() {
        Ok(wanted) => shadowed(request.control.staging.shadows.start(wanted).await.map(|report| Answer::json(&report))),
        Err(refused) => refused,
    }
}

pub(super) async fn shadow(request: Request) -> Answer {
    shadowed(request.control.staging.shadows.report().map(|report| Answer::json(&report)))
}

pub(super) async fn stop_shadow(request: Request) -> Answer {
    match request.control.staging.shadows.stop() {
        true => Answer::json(&json!({ "stopped": true })),
        false => shadowed(Err(ShadowError::None)),
    }
}

pub(super) async fn promote(request: Request) -> Answer {
    match request.body::<Promote>() {
        Ok(Promote { force }) => {
            let promoted = request.control.staging.shadows.promote(force).await;
            shadowed(promoted.map(|promoted| Answer::json(&Promotion::from(promoted))))
        }
        Err(refused) => refused,
    }
}

pub(super) async fn begin_record(request: Request) -> Answer {
    let control = &request.control;
    match request.body::<Wanted>() {
        Ok(wanted) => recorded(
            control.staging.recorder.begin(&control.gateway.taps, wanted, Instant::now()),
            |()| json!({ "begun": true }),
        ),
        Err(refused) => refused,
    }
}

pub(super) async fn fetch_record(request: Request) -> Answer {
    let control = &request.control;
    recorded(control.staging.recorder.fetch(&control.gateway.taps, Instant::now()), |batch| json!(batch))
}

pub(super) async fn stop_record(request: Request) -> Answer {
    request.control.staging.recorder.stop(&request.control.gateway.taps);
    Answer::json(&json!({ "stopped": true }))
}

pub(super) async fn faults(request: Request) -> Answer {
    let bundles = request.control.gateway.faults.bundles();
    Answer::json(&bundles.iter().map(|bundle| &**bundle).collect::<Vec<_>>())
}

fn shadowed(result: Result<Answer, ShadowError>) -> Answer {
    match result {
        Ok(answer) => answer,
        Err(ShadowError::Mistaken(mistakes)) => {
            Answer::mistaken("the candidate's configuration has mistakes: nothing changed", mistakes)
        }
        Err(ShadowError::Refused(error)) => routes::swapped(Err(error)),
        Err(error @ (ShadowError::None | ShadowError::Unproven | ShadowError::Changed(_))) => {
            Answer::refuse(StatusCode::CONFLICT, error.to_string())
        }
        Err(error @ ShadowError::Broken(_)) => Answer::refuse(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()),
    }
}

fn recorded<T>(result: Result<T, RecordError>, json: impl FnOnce(T) -> serde_json::Value) -> Answer {
    match result {
        Ok(done) => Answer::json(&json(done)),
        Err(error @ RecordError::Wrong(_)) => Answer::refuse(StatusCode::BAD_REQUEST, error.to_string()),
        Err(error @ (RecordError::Busy | RecordError::None)) => Answer::refuse(StatusCode::CONFLICT, error.to_string()),
    }
}
