//! The OpenAPI document, made from the table of endpoints. What answers look like is in `schemas.json`, which tests hold
//! against real answers.

use std::sync::OnceLock;

use axum::response::Response;
use http::{Method, Uri};
use serde_json::{Map, Value, json};

use super::params::Params;
use super::problem::{PROBLEM_JSON, Problem};
use super::representation::Wants;
use super::routes::{self, Body, Endpoint, Kind, Parameter};

/// `GET /api/v1/openapi.json`
pub(super) async fn openapi(wants: Wants, uri: Uri) -> Result<Response, Problem> {
    static TEXT: OnceLock<String> = OnceLock::new();
    Params::read(uri.query(), routes::NONE).finish()?;
    let text = TEXT.get_or_init(|| crate::json::line(&document()));
    Ok(wants.respond("application/json", text.clone().into_bytes()))
}

/// The document.
fn document() -> Value {
    let mut paths = Map::new();
    for endpoint in routes::endpoints() {
        let path = paths.entry(endpoint.path).or_insert_with(|| json!({}));
        path[endpoint.method.as_str().to_ascii_lowercase()] = operation(&endpoint);
    }
    let schemas: Value = serde_json::from_str(include_str!("schemas.json")).unwrap_or_default();
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Linkloom",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Executions of business flows, laid over their definitions.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": paths,
        "components": {
            "schemas": schemas,
            "responses": {
                "Problem": {
                    "description": "why there is no answer (RFC 9457)",
                    "content": {PROBLEM_JSON: {"schema": {"$ref": "#/components/schemas/Problem"}}},
                },
            },
        },
    })
}

fn operation(endpoint: &Endpoint) -> Value {
    let parts = endpoint.path.split('{').skip(1).filter_map(|part| part.split('}').next());
    let in_path =
        parts.map(|name| json!({"name": name, "in": "path", "required": true, "schema": {"type": "string"}}));
    let in_query = endpoint.parameters.iter().map(parameter);
    let content = match endpoint.answer {
        "" => json!({"text/plain": {"schema": {"type": "string"}}}),
        "Events" => json!({"text/event-stream": {"schema": {"type": "string"}}}),
        name => json!({"application/json": {"schema": {"$ref": format!("#/components/schemas/{name}")}}}),
    };
    let mut operation = json!({
        "operationId": operation_id(endpoint),
        "summary": endpoint.about,
        "parameters": in_path.chain(in_query).collect::<Vec<Value>>(),
    });
    if let Some(Body { about, types }) = endpoint.body {
        let types = types.iter().map(|media| ((*media).to_owned(), json!({})));
        let content: Map<String, Value> = types.collect();
        operation["requestBody"] = json!({"description": about, "required": true, "content": content});
    }
    operation["responses"] = json!({
        "200": {"description": "the answer", "content": content},
        "default": {"$ref": "#/components/responses/Problem"},
    });
    operation
}

/// `getApiV1ScenesDefinition`: the method and the fixed parts of the path.
fn operation_id(endpoint: &Endpoint) -> String {
    let mut id = endpoint.method.as_str().to_ascii_lowercase();
    let parts = endpoint.path.split(['/', '.']).filter(|part| !part.is_empty());
    for part in parts {
        let part = part.trim_matches(['{', '}']);
        id.extend(part.chars().take(1).flat_map(char::to_uppercase).chain(part.chars().skip(1)));
    }
    id
}

fn parameter(of: &Parameter) -> Value {
    let one = match of.kind {
        Kind::Text => json!({"type": "string"}),
        Kind::Time => json!({"type": "string", "description": "RFC 3339, or a date"}),
        Kind::Flag => json!({"type": "boolean", "default": false}),
        Kind::Count { default, max } => {
            json!({"type": "integer", "minimum": 1, "maximum": max, "default": default})
        }
        Kind::OneOf(values) => json!({"type": "string", "enum": values}),
    };
    let schema = if of.many { json!({"type": "array", "items": one}) } else { one };
    json!({"name": of.name, "in": "query", "description": of.about, "required": of.required, "schema": schema})
}

/// Methods that are allowed at a path.
pub(super) fn allowed(path: Option<&str>) -> String {
    let mut allowed: Vec<&'static str> = Vec::new();
    for endpoint in routes::endpoints().iter().filter(|endpoint| Some(endpoint.path) == path) {
        match endpoint.method {
            Method::GET => allowed.extend(["GET", "HEAD"]),
            Method::PUT => allowed.push("PUT"),
            _ => allowed.push("POST"),
        }
    }
    allowed.join(", ")
}
