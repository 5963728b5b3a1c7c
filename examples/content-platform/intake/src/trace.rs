//! Trace ids, for want of a tracer: `traceparent` is taken up, or begun, and passed on.
//!
//! The toolkit reads `traceparent` and never writes it, because that is the tracer's. A platform that runs OpenTelemetry needs none of this.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher as _, Hasher as _};

use http::HeaderMap;
use linkloom_reporter::{Context, extract};

/// The context of a request: the mark it carries, if any, and the trace it belongs to, or a new one; the work on it is a new span.
pub(crate) fn context(headers: &HeaderMap) -> Context {
    let arrived = extract(headers);
    let trace =
        arrived.trace_id().map_or_else(|| format!("{:016x}{:016x}", random(), random()), str::to_owned);
    arrived.with_trace(trace, format!("{:016x}", random()))
}

/// The header for a call made now; `None` outside of a request.
pub(crate) fn traceparent() -> Option<String> {
    let context = Context::current();
    Some(format!("00-{}-{}-01", context.trace_id()?, context.span_id()?))
}

/// A number that is never 0, which `traceparent` does not allow. The keys of hash maps are random, which is enough here.
pub(crate) fn random() -> u64 {
    RandomState::new().build_hasher().finish() | 1
}
