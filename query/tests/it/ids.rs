//! Ids with anything in them, through paths and queries.

use axum::Router;
use axum::extract::RawPathParams;
use axum::routing::get;
use linkloom_query::http::path;
use linkloom_query::{ListQuery, LogsQuery};
use linkloom_schema::ids::{LinkMark, MarkRef};
use linkloom_schema::time::Timestamp;
use proptest::prelude::*;

use crate::world::{api, get as ask, later};

pub(crate) const MARK: MarkRef<'_> =
    MarkRef { business_id: "a/b c|ü?%2F", scene_id: "in take/../x", execution_id: "#1&2=3+4" };
const NODE: &str = "no;de %25/";

#[test]
fn an_id_may_hold_what_separates_others() {
    let api = api();
    let list = ListQuery { limit: 1, scene: Some(MARK.scene_id.to_owned()), ..ListQuery::default() };
    let logs = LogsQuery { limit: 1, ..LogsQuery::default() };
    for url in [
        path::executions(MARK.business_id, &list, later()),
        path::execution(MARK, later()),
        path::node(MARK, NODE, Some("#1"), &logs, later()),
    ] {
        let reply = ask(&api, &url);
        assert_eq!(reply.status, 200, "{url}: {}", reply.body);
        assert!(reply.body.contains("2026-11-21T10:03:00.000000Z"), "{url}: {}", reply.body);
    }
}

/// A router that answers with the parts of the path it found, in the API's patterns.
fn echo() -> Router {
    async fn parts(found: RawPathParams) -> String {
        let parts: Vec<&str> = found.iter().map(|(_, part)| part).collect();
        serde_json::to_string(&parts).expect("texts")
    }
    Router::new()
        .route("/api/v1/business/{b}/executions", get(parts))
        .route("/api/v1/business/{b}/scenes/{s}/executions/{e}/nodes/{n}", get(parts))
}

proptest! {
    #[test]
    fn any_ids_come_back_from_a_path(ids in prop::array::uniform4("\\PC{1,40}|[%/?#&+=. ]{1,8}|\\p{Any}{1,9}"), text in any::<Option<String>>()) {
        let [business, scene, execution, node] = &ids;
        let mark = LinkMark::new(business, scene, execution).expect("short ids");
        let logs = LogsQuery {
            level: text.clone(),
            min_level: text.clone(),
            node: text.clone(),
            text: text.clone(),
            without_node: text.is_some(),
            limit: 5,
            cursor: text,
        };
        let echo = echo();
        let url = path::node(mark.as_ref(), node, None, &logs, Timestamp(0));
        let found: Vec<String> = serde_json::from_str(&ask(&echo, &url).body).expect("texts");
        prop_assert_eq!(&found, &ids);
        let url = path::executions(business, &ListQuery::default(), Timestamp(0));
        let found: Vec<String> = serde_json::from_str(&ask(&echo, &url).body).expect("texts");
        prop_assert_eq!(&found[0], business);
    }
}
