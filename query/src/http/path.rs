//! Paths and queries of the API, for the side that serves them and the side that asks: patterns and builders side by
//! side.
//!
//! Ids stand in a path percent-encoded (RFC 3986): everything but letters, digits, `-`, `.`, `_` and `~` as UTF-8 bytes,
//! also `/` (`%2F`). Only then is a path cut, so an id may hold anything.

use linkloom_schema::ids::MarkRef;
use linkloom_schema::time::Timestamp;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::owner::DeadQuery;
use crate::{ListQuery, LogsQuery, Unlinked};

/// Names of the parts of a path, as problems name them.
pub(super) mod part {
    pub(crate) const BUSINESS: &str = "businessId";
    pub(crate) const SCENE: &str = "sceneId";
    pub(crate) const EXECUTION: &str = "executionId";
    pub(crate) const NODE: &str = "nodeName";
    pub(crate) const LETTER: &str = "letterId";
}

/// The executions of a business id.
pub(super) const EXECUTIONS: &str = "/api/v1/business/{businessId}/executions";
/// One execution.
pub(super) const EXECUTION: &str = "/api/v1/business/{businessId}/scenes/{sceneId}/executions/{executionId}";
/// One node of it.
pub(super) const NODE: &str =
    "/api/v1/business/{businessId}/scenes/{sceneId}/executions/{executionId}/nodes/{nodeName}";
/// Its logs.
pub(super) const LOGS: &str = "/api/v1/business/{businessId}/scenes/{sceneId}/executions/{executionId}/logs";
/// What a text is the id of.
pub(super) const RESOLVE: &str = "/api/v1/resolve";
/// The scenes.
pub(super) const SCENES: &str = "/api/v1/scenes";
/// The executions of a scene.
pub(super) const SCENE_EXECUTIONS: &str = "/api/v1/scenes/{sceneId}/executions";
/// A node over the last executions of its scene.
pub(super) const HISTORY: &str = "/api/v1/scenes/{sceneId}/nodes/{nodeName}/history";
/// A scene over its last executions.
pub(super) const STATISTICS: &str = "/api/v1/scenes/{sceneId}/statistics";
/// The definition of a scene.
pub(super) const DEFINITION: &str = "/api/v1/scenes/{sceneId}/definition";
/// Changes of an execution.
pub(super) const EXECUTION_LIVE: &str =
    "/api/v1/business/{businessId}/scenes/{sceneId}/executions/{executionId}/live";
/// Changes in the executions of a business id.
pub(super) const BUSINESS_LIVE: &str = "/api/v1/business/{businessId}/live";
/// Changes in the executions of a scene.
pub(super) const SCENE_LIVE: &str = "/api/v1/scenes/{sceneId}/live";
/// Reports without a mark.
pub(super) const UNLINKED: &str = "/api/v1/unlinked";
/// Dead letters.
pub(super) const DEAD: &str = "/api/v1/dead";
/// A dead letter decoded again.
pub(super) const REPLAY: &str = "/api/v1/dead/{letterId}/replay";
/// Reports that are posted.
pub(super) const REPORTS: &str = "/api/v1/reports";
/// The OpenAPI document.
pub(super) const OPENAPI: &str = "/api/v1/openapi.json";
/// What a Prometheus server reads.
pub(super) const METRICS: &str = "/metrics";
/// Whether the process is there.
pub(super) const HEALTH: &str = "/healthz";
/// Whether the process is of use.
pub(super) const READY: &str = "/readyz";

/// All that is not reserved by RFC 3986 stays as it is.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The path and query that ask for the executions of a business id.
pub fn executions(business_id: &str, query: &ListQuery, as_of: Timestamp) -> String {
    let mut url = Url::new(&["/api/v1/business/", business_id, "/executions"]);
    url.some("scene", query.scene.as_deref());
    url.some("status", query.status.map(|status| status.as_str()));
    url.some("from", query.from.map(|time| time.to_string()).as_deref());
    url.some("to", query.to.map(|time| time.to_string()).as_deref());
    for (key, value) in &query.meta {
        url.some("meta", Some(&format!("{key}={value}")));
    }
    url.some("q", query.text.as_deref());
    url.page(query.limit, query.cursor.as_deref());
    url.some("asOf", Some(&as_of.to_string()));
    url.text
}

/// The path and query that ask for one execution.
pub fn execution(mark: MarkRef<'_>, as_of: Timestamp) -> String {
    let mut url = Url::execution(mark);
    url.some("asOf", Some(&as_of.to_string()));
    url.text
}

/// The path and query that ask for one node and a page of its logs; the API cannot search the logs of a node for a text.
pub fn node(
    mark: MarkRef<'_>,
    node_name: &str,
    run: Option<&str>,
    query: &LogsQuery,
    as_of: Timestamp,
) -> String {
    let mut url = Url::execution(mark);
    url.text.push_str("/nodes/");
    url.id(node_name);
    url.some("run", run);
    url.logs(query);
    url.some("asOf", Some(&as_of.to_string()));
    url.text
}

/// The path and query that ask for a page of the logs of an execution.
pub fn logs(mark: MarkRef<'_>, query: &LogsQuery) -> String {
    let mut url = Url::execution(mark);
    url.text.push_str("/logs");
    url.some("nodeName", query.node.as_deref());
    url.logs(query);
    url.some("withoutNode", query.without_node.then_some("true"));
    url.text
}

/// The path and query that ask for traces and services that have reports without a mark.
pub fn unlinked(limit: usize, cursor: Option<&str>) -> String {
    let mut url = Url::new(&[UNLINKED]);
    url.page(limit, cursor);
    url.text
}

/// The service under which [`unlinked_reports`] asks for reports that name none.
pub const NO_SERVICE: &str = "none";

/// The path and query that ask for the reports without a mark of a trace or a service. A service that is named
/// [`NO_SERVICE`] cannot be asked for.
pub fn unlinked_reports(of: Unlinked<'_>, query: &LogsQuery) -> String {
    let mut url = Url::new(&[UNLINKED]);
    match of {
        Unlinked::Trace(trace) => url.some("trace", Some(trace)),
        Unlinked::Service("") => url.some("service", Some(NO_SERVICE)),
        Unlinked::Service(service) => url.some("service", Some(service)),
    }
    url.logs(query);
    url.text
}

/// The path and query that ask for dead letters.
pub fn dead(query: &DeadQuery) -> String {
    let mut url = Url::new(&[DEAD]);
    url.some("source", query.source.as_deref());
    url.some("reason", query.reason.as_deref());
    url.some("replayed", query.with_replayed.then_some("true"));
    url.page(query.limit, query.cursor.as_deref());
    url.text
}

/// A path and query in the making.
struct Url {
    text: String,
    has_query: bool,
}

impl Url {
    /// A path: fixed parts and ids in turn.
    fn new(parts: &[&str]) -> Self {
        let mut url = Url { text: String::new(), has_query: false };
        for (place, part) in parts.iter().enumerate() {
            if place % 2 == 0 { url.text.push_str(part) } else { url.id(part) }
        }
        url
    }

    fn execution(mark: MarkRef<'_>) -> Self {
        Url::new(&[
            "/api/v1/business/",
            mark.business_id,
            "/scenes/",
            mark.scene_id,
            "/executions/",
            mark.execution_id,
        ])
    }

    fn id(&mut self, id: &str) {
        self.text.extend(utf8_percent_encode(id, ENCODED));
    }

    fn some(&mut self, name: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.text.push(if self.has_query { '&' } else { '?' });
            self.has_query = true;
            self.text.push_str(name);
            self.text.push('=');
            self.id(value);
        }
    }

    fn page(&mut self, limit: usize, cursor: Option<&str>) {
        self.some("limit", Some(&limit.to_string()));
        self.some("cursor", cursor);
    }

    fn logs(&mut self, query: &LogsQuery) {
        self.some("level", query.level.as_deref());
        self.some("minLevel", query.min_level.as_deref());
        self.some("q", query.text.as_deref());
        self.page(query.limit, query.cursor.as_deref());
    }
}
