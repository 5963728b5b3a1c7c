//! What the tests have in common: a reporter of the process, and lines as values.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use linkloom_reporter::{Builder, Captured, Reporter, Running};
use serde_json::Value;

/// Bound on anything waited for, so that a failing test ends.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Settings that depend on nothing around the test.
pub(crate) fn settings() -> Builder {
    Reporter::builder().without_environment().service("test").instance("i").host("h")
}

/// A reporter into memory.
pub(crate) fn captured() -> (Running, Captured) {
    let (settings, captured) = settings().capture();
    (settings.start(), captured)
}

/// A line as the receiver reads it; one that does not fit the format fails the test.
#[track_caller]
pub(crate) fn read(line: &str) -> Value {
    let mut read = linkloom_schema::report::Line::default();
    if let Err(refusal) = linkloom_schema::report::read(line, &mut read) {
        panic!("{refusal}: {line}");
    }
    serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))
}

/// What was reported so far.
#[track_caller]
pub(crate) fn reported(running: &Running, captured: &Captured) -> Vec<Value> {
    assert!(running.flush(PATIENCE));
    captured.lines().iter().map(|line| read(line)).collect()
}

static PROCESS: OnceLock<(Running, Captured)> = OnceLock::new();

/// The reporter of the process, for what can have no other. Shared by all tests: they tell their lines by the business id.
pub(crate) fn install() -> &'static Running {
    let (running, _) = PROCESS.get_or_init(|| {
        let (settings, captured) = settings().capture();
        (settings.install(), captured)
    });
    running
}

/// What the process reported about a business id.
pub(crate) fn about(business_id: &str) -> Vec<Value> {
    let (running, captured) = PROCESS.get().expect("it is installed");
    let mut lines = reported(running, captured);
    lines.retain(|line| line["businessId"] == business_id);
    lines
}

/// Waits until something holds.
#[track_caller]
pub(crate) fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < PATIENCE, "{what}");
        std::thread::yield_now();
    }
}

/// Some members of lines, each line as one text.
pub(crate) fn brief(lines: &[Value], members: &[&str]) -> Vec<String> {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    lines
        .iter()
        .map(|line| members.iter().map(|member| text(&line[*member])).collect::<Vec<_>>().join(" "))
        .collect()
}
