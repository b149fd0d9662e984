//! What a route answers.

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use hyper::{Response, StatusCode};
use serde::{Deserialize, Serialize};

use crate::config::{Mistake, Mistakes};

/// A status and a body.
#[derive(Debug)]
pub struct Answer {
    status: StatusCode,
    kind: &'static str,
    body: String,
}

/// The body of every answer that is not a success.
#[derive(Debug, Serialize, Deserialize)]
pub struct Refusal {
    /// What is wrong, as a sentence.
    pub error: String,
    /// Each mistake of a configuration.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mistakes: Vec<Mistake>,
}

impl Answer {
    /// 200 with JSON.
    pub fn json(body: &impl Serialize) -> Self {
        Self::with_json(StatusCode::OK, body)
    }

    /// 200 with text of a media type.
    pub fn text(kind: &'static str, body: String) -> Self {
        Answer { status: StatusCode::OK, kind, body }
    }

    /// A refusal with a sentence.
    pub fn refuse(status: StatusCode, error: impl Into<String>) -> Self {
        Self::with_json(status, &Refusal { error: error.into(), mistakes: Vec::new() })
    }

    /// A refusal because of a wrong configuration.
    pub fn mistaken(error: impl Into<String>, mistakes: Mistakes) -> Self {
        let refusal = Refusal { error: error.into(), mistakes: mistakes.into_iter().collect() };
        Self::with_json(StatusCode::UNPROCESSABLE_ENTITY, &refusal)
    }

    fn with_json(status: StatusCode, body: &impl Serialize) -> Self {
        match serde_json::to_string(body) {
            Ok(body) => Answer { status, kind: "application/json", body: body + "\n" },
            // Our own types have no maps with keys that are not texts, which is all that can go wrong.
            Err(error) => {
                Answer { status: StatusCode::INTERNAL_SERVER_ERROR, kind: "text/plain", body: format!("{error}\n") }
            }
        }
    }
}

impl From<Answer> for Response<Full<Bytes>> {
    fn from(answer: Answer) -> Self {
        let mut response = Response::new(Full::new(Bytes::from(answer.body)));
        *response.status_mut() = answer.status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(answer.kind));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        response
    }
}
