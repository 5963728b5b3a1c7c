//! The OpenAPI document against the API it describes.

use std::collections::BTreeSet;

use axum::Router;
use axum::body::Body;
use http::{Method, Request};
use serde_json::{Value, json};

use crate::world::{ask, get, put_api};

fn document(api: &Router) -> Value {
    serde_json::from_str(&get(api, "/api/v1/openapi.json").body).expect("JSON")
}

/// A request for each endpoint that is answered with 200, by method and path of the document.
fn examples() -> Vec<(&'static str, &'static str, Vec<String>, &'static str)> {
    const EXECUTION: &str = "/api/v1/business/content-42/scenes/intake/executions/e1";
    let one = |path: &str| vec![path.to_owned()];
    vec![
        (
            "get",
            "/api/v1/business/{businessId}/executions",
            one("/api/v1/business/content-42/executions?limit=2"),
            "",
        ),
        (
            "get",
            "/api/v1/business/{businessId}/scenes/{sceneId}/executions/{executionId}",
            one(EXECUTION),
            "",
        ),
        (
            "get",
            "/api/v1/business/{businessId}/scenes/{sceneId}/executions/{executionId}/nodes/{nodeName}",
            one(&format!("{EXECUTION}/nodes/check")),
            "",
        ),
        (
            "get",
            "/api/v1/business/{businessId}/scenes/{sceneId}/executions/{executionId}/logs",
            one(&format!("{EXECUTION}/logs")),
            "",
        ),
        (
            "get",
            "/api/v1/resolve",
            ["content-42", "content-42_intake_e1", "e2", "intake", "nothing"]
                .map(|text| format!("/api/v1/resolve?q={text}"))
                .to_vec(),
            "",
        ),
        (
            "get",
            "/api/v1/business/{businessId}/scenes/{sceneId}/executions/{executionId}/live",
            one(&format!("{EXECUTION}/live")),
            "",
        ),
        ("get", "/api/v1/business/{businessId}/live", one("/api/v1/business/content-42/live"), ""),
        ("get", "/api/v1/scenes/{sceneId}/live", one("/api/v1/scenes/intake/live"), ""),
        ("get", "/api/v1/scenes", one("/api/v1/scenes"), ""),
        ("get", "/api/v1/scenes/{sceneId}/executions", one("/api/v1/scenes/intake/executions"), ""),
        (
            "get",
            "/api/v1/scenes/{sceneId}/nodes/{nodeName}/history",
            one("/api/v1/scenes/intake/nodes/check/history"),
            "",
        ),
        ("get", "/api/v1/scenes/{sceneId}/statistics", one("/api/v1/scenes/intake/statistics"), ""),
        ("get", "/api/v1/scenes/{sceneId}/definition", one("/api/v1/scenes/intake/definition"), ""),
        (
            "put",
            "/api/v1/scenes/{sceneId}/definition",
            one("/api/v1/scenes/intake/definition"),
            r#"[{"nodeName":"receive","nodeType":"local"}]"#,
        ),
        (
            "get",
            "/api/v1/unlinked",
            vec!["/api/v1/unlinked".to_owned(), "/api/v1/unlinked?service=none".to_owned()],
            "",
        ),
        ("get", "/api/v1/dead", one("/api/v1/dead"), ""),
        (
            "post",
            "/api/v1/dead/{letterId}/replay",
            vec![
                "/api/v1/dead/replayed/replay".to_owned(),
                "/api/v1/dead/a%7C00000%7C7%23x/replay".to_owned(),
            ],
            "",
        ),
        ("post", "/api/v1/reports", one("/api/v1/reports"), "{}"),
        ("get", "/api/v1/openapi.json", one("/api/v1/openapi.json"), ""),
        ("get", "/metrics", one("/metrics"), ""),
        ("get", "/healthz", one("/healthz"), ""),
        ("get", "/readyz", one("/readyz"), ""),
    ]
}

fn request(method: &str, path: &str, body: &'static str) -> Request<Body> {
    let method: Method = method.to_uppercase().parse().expect("a method");
    Request::builder().method(method).uri(path).body(Body::from(body)).expect("a request")
}

/// Checks JSON against one schema of the document.
fn conforms(document: &Value, schema: &str, text: &str) {
    let whole =
        json!({"$ref": format!("#/components/schemas/{schema}"), "components": document["components"]});
    let validator = jsonschema::validator_for(&whole).unwrap_or_else(|error| panic!("{schema}: {error}"));
    let found: Value = serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"));
    let wrong: Vec<String> =
        validator.iter_errors(&found).map(|error| format!("{error} at {}", error.instance_path())).collect();
    assert!(wrong.is_empty(), "{schema}: {}\n{text}", wrong.join("\n"));
}

#[test]
fn answers_are_as_the_document_says() {
    let api = put_api();
    let document = document(&api);
    let mut left: BTreeSet<(String, String)> = BTreeSet::new();
    for (path, methods) in document["paths"].as_object().expect("paths") {
        left.extend(
            methods.as_object().expect("methods").keys().map(|method| (method.clone(), path.clone())),
        );
    }
    for (method, path, examples, body) in examples() {
        assert!(left.remove(&(method.to_owned(), path.to_owned())), "{method} {path} is not in the document");
        let content = &document["paths"][path][method]["responses"]["200"]["content"];
        let (media, content) = content.as_object().expect("content").iter().next().expect("a type");
        for example in examples {
            if media == "text/event-stream" {
                // They never end; `live` looks at them.
                continue;
            }
            let reply = ask(&api, request(method, &example, body));
            assert_eq!(reply.status, 200, "{method} {example}: {}", reply.body);
            assert!(
                reply.header("content-type").starts_with(media.as_str()),
                "{example}: {:?}",
                reply.headers
            );
            if let Some(schema) = content["schema"]["$ref"].as_str() {
                conforms(&document, schema.rsplit('/').next().expect("a name"), &reply.body);
            }
        }
    }
    assert!(left.is_empty(), "these are in the document and have no example here: {left:?}");
}

#[test]
fn parameters_are_those_that_are_allowed() {
    let api = put_api();
    let document = document(&api);
    for (method, path, examples, body) in examples() {
        let example = examples[0].split('?').next().expect("a path");
        if !path.starts_with("/api/") {
            continue;
        }
        let reply = ask(&api, request(method, &format!("{example}?nobody=1"), body));
        assert_eq!(reply.status, 400, "{path}: {}", reply.body);
        conforms(&document, "Problem", &reply.body);
        let problem: Value = serde_json::from_str(&reply.body).expect("JSON");
        let unknown =
            problem["errors"].as_array().expect("errors").iter().find(|error| error["parameter"] == "nobody");
        let allowed = unknown.expect("it is told")["allowed"].as_str().expect("a text").to_owned();
        let documented: Vec<&str> = document["paths"][path][method]["parameters"]
            .as_array()
            .expect("parameters")
            .iter()
            .filter(|parameter| parameter["in"] == "query")
            .map(|parameter| parameter["name"].as_str().expect("a name"))
            .collect();
        let documented = if documented.is_empty() { "none".to_owned() } else { documented.join(", ") };
        assert_eq!(allowed, documented, "{method} {path}");
    }
}

#[test]
fn the_handbook_names_every_path() {
    let handbook = include_str!("../../../docs/api.md");
    let document = document(&put_api());
    for path in document["paths"].as_object().expect("paths").keys() {
        let short = path.rsplit_once("{executionId}").map_or(path.clone(), |(_, rest)| match rest {
            "" => path.clone(),
            rest => format!("...{rest}"),
        });
        assert!(
            handbook.contains(&format!("`{path}`"))
                || handbook.contains(&format!("`{short}`"))
                || handbook.contains(&format!("`PUT {path}`"))
                || handbook.contains(&format!("`POST {path}`")),
            "docs/api.md does not name {path}"
        );
    }
}
