//! What the API answers when it has no answer: problem details as in RFC 9457.

use std::borrow::Cow;

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use linkloom_storage::store::StoreError;
use serde::{Deserialize, Serialize};

use crate::QueryError;

/// Content type of a problem.
pub const PROBLEM_JSON: &str = "application/problem+json";
/// Characters of a request that are repeated in a problem.
const FOUND_CHARS_MAX: usize = 64;

/// Why there is no answer.
///
/// `type` is always `about:blank`, as RFC 9457 has it where the status says it all; what is to be read is `detail`, and
/// for requests that were wrong `errors`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// What kind of problem.
    #[serde(rename = "type")]
    pub kind: Cow<'static, str>,
    /// The status in words.
    pub title: Cow<'static, str>,
    /// The status of the response.
    pub status: u16,
    /// What is wrong here, for people.
    pub detail: String,
    /// Every part of the request that is wrong.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<BadParameter>,
    /// Everything that is wrong with the definition in its body, with its place.
    #[serde(default, skip_deserializing, skip_serializing_if = "<[_]>::is_empty")]
    pub problems: Box<[linkloom_schema::definition::Problem]>,
}

/// A part of a request that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BadParameter {
    /// Its name: a parameter of the query, or a part of the path.
    pub parameter: String,
    /// What is wrong with it.
    pub detail: String,
    /// What was found, its beginning when it is long.
    pub found: String,
    /// What is allowed.
    pub allowed: String,
}

impl BadParameter {
    /// A value that is not allowed.
    pub fn value(parameter: &str, found: &str, allowed: impl Into<String>) -> Self {
        let (found, allowed) = (clip(found), allowed.into());
        let detail = format!("{parameter} is {found:?}; allowed is {allowed}");
        BadParameter { parameter: parameter.to_owned(), detail, found, allowed }
    }

    /// A parameter there is not, or not twice.
    pub(super) fn name(parameter: &str, found: &str, what: &'static str, allowed: impl Into<String>) -> Self {
        let (parameter, found, allowed) = (clip(parameter), clip(found), allowed.into());
        let detail = format!("{parameter} {what}; allowed is {allowed}");
        BadParameter { parameter, detail, found, allowed }
    }
}

/// A text of a request, its beginning when it is long.
pub(super) fn clip(text: &str) -> String {
    let mut clipped: String = text.chars().take(FOUND_CHARS_MAX).collect();
    if clipped.len() < text.len() {
        clipped.push_str("...");
    }
    clipped
}

impl Problem {
    /// A problem of a status.
    pub fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Problem {
            kind: Cow::Borrowed("about:blank"),
            title: Cow::Borrowed(status.canonical_reason().unwrap_or("Problem")),
            status: status.as_u16(),
            detail: detail.into(),
            errors: Vec::new(),
            problems: Box::default(),
        }
    }

    /// The same with the words of its status for a title.
    pub(super) fn titled(mut self) -> Self {
        let status = StatusCode::from_u16(self.status).unwrap_or_default();
        self.title = Cow::Borrowed(status.canonical_reason().unwrap_or("Problem"));
        self
    }

    /// A definition that is wrong in these ways.
    pub(super) fn bad_definition(problems: Vec<linkloom_schema::definition::Problem>) -> Self {
        let detail = match problems.as_slice() {
            [] => "the definition cannot be read".to_owned(),
            [one] => one.to_string(),
            [first, further @ ..] => format!("{first}; {} more in problems", further.len()),
        };
        Problem { problems: problems.into(), ..Problem::new(StatusCode::UNPROCESSABLE_ENTITY, detail) }
    }

    /// Nobody is there who could change the store.
    pub(super) fn only_reads() -> Self {
        let why = "this process only reads the store now; /readyz says what it waits for";
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, why)
    }

    /// A request that is wrong in these ways.
    pub fn bad_request(errors: Vec<BadParameter>) -> Self {
        let details: Vec<&str> = errors.iter().map(|error| error.detail.as_str()).collect();
        Problem { detail: details.join("; "), errors, ..Problem::new(StatusCode::BAD_REQUEST, "") }
    }

    /// Something there is not.
    pub fn not_found(detail: impl Into<String>) -> Self {
        Problem::new(StatusCode::NOT_FOUND, detail)
    }
}

impl From<QueryError> for Problem {
    fn from(error: QueryError) -> Self {
        let status = match &error {
            QueryError::Cursor(bad) => {
                let bad =
                    BadParameter::value("cursor", &bad.text, "the nextCursor of an answer of this list");
                return Problem::bad_request(vec![bad]);
            }
            QueryError::Store(StoreError::Unavailable { .. }) => StatusCode::SERVICE_UNAVAILABLE,
            QueryError::Store(_) => StatusCode::INTERNAL_SERVER_ERROR,
        };
        tracing::warn!(%error, "a request could not be answered");
        Problem::new(status, error.to_string())
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut body = serde_json::to_string(&self).unwrap_or_default();
        body.push('\n');
        let mut response = (status, [(header::CONTENT_TYPE, PROBLEM_JSON)], body).into_response();
        if matches!(status, StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS) {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }
}
