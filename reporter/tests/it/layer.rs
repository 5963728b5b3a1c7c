//! Events of `tracing` and `log` as business logs.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use expect_test::expect;
use linkloom_reporter::{Captured, Context, Level, LinkMark, Running};
use serde_json::Value;
use tracing::{debug, error, info, info_span, trace, warn};
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::prelude::*;

use crate::support::{captured, reported, settings};

/// Calls `work` with the layer of a reporter.
fn with_layer(running: &Running, work: impl FnOnce()) {
    let subscriber = tracing_subscriber::registry().with(running.reporter().layer());
    tracing::subscriber::with_default(subscriber, work);
}

/// What a line says beside when and by whom.
fn said(line: &Value) -> String {
    let mut line = line.clone();
    let members = line.as_object_mut().expect("an object");
    for name in ["v", "id", "time", "seq", "boot", "service", "instance", "host"] {
        members.shift_remove(name);
    }
    line.to_string()
}

fn all_said(running: &Running, captured: &Captured) -> String {
    reported(running, captured).iter().map(|line| said(line) + "\n").collect()
}

#[derive(Debug, thiserror::Error)]
#[error("row {row} is not written")]
struct StoreError {
    row: u32,
    source: Timeout,
}

#[derive(Debug, thiserror::Error)]
#[error("no answer within 5 s")]
struct Timeout;

#[test]
fn fields_are_data() {
    let (running, captured) = captured();
    with_layer(&running, || {
        let _mark = LinkMark::new("b", "s", "e").enter();
        info!("plain");
        warn!(tries = 3, ratio = 0.5, ok = false, who = "me", big = u64::MAX, "with {} fields", 5);
        debug!(shown = %"a\"b", debugged = ?Some("c\n"), wide = u128::from(u64::MAX));
        trace!(r#type = "t", message = "message as a field", after = i64::MIN);
        info!(nan = f64::NAN, infinite = f64::NEG_INFINITY);
        let empty = tracing::field::Empty;
        info!(empty, "an empty field is none");
    });
    expect![[r#"
        {"type":"log","businessId":"b","sceneId":"s","executionId":"e","level":"INFO","message":"plain"}
        {"type":"log","businessId":"b","sceneId":"s","executionId":"e","level":"WARN","message":"with 5 fields","data":{"tries":3,"ratio":0.5,"ok":false,"who":"me","big":18446744073709551615}}
        {"type":"log","businessId":"b","sceneId":"s","executionId":"e","level":"DEBUG","data":{"shown":"a\"b","debugged":"Some(\"c\\n\")","wide":18446744073709551615}}
        {"type":"log","businessId":"b","sceneId":"s","executionId":"e","level":"TRACE","message":"message as a field","data":{"type":"t","after":-9223372036854775808}}
        {"type":"log","businessId":"b","sceneId":"s","executionId":"e","level":"INFO","data":{"nan":"NaN","infinite":"-Infinity"}}
        {"type":"log","businessId":"b","sceneId":"s","executionId":"e","level":"INFO","message":"an empty field is none"}
    "#]]
    .assert_eq(&all_said(&running, &captured));
}

#[test]
fn errors_are_exceptions() {
    let (running, captured) = captured();
    let failed = StoreError { row: 7, source: Timeout };
    with_layer(&running, || {
        error!(error = &failed as &dyn Error, row = 7, "not stored");
        error!(error = %failed, "not stored");
        error!(err = ?failed, error = "second", "not stored");
        error!(cause = &Timeout as &(dyn Error + 'static), "of any name");
    });
    expect![[r#"
        {"type":"log","level":"ERROR","message":"not stored","data":{"row":7},"exception":{"type":"StoreError","message":"row 7 is not written","stack":"Caused by: Timeout: no answer within 5 s"}}
        {"type":"log","level":"ERROR","message":"not stored","exception":{"message":"row 7 is not written"}}
        {"type":"log","level":"ERROR","message":"not stored","data":{"error":"second"},"exception":{"message":"StoreError { row: 7, source: Timeout }"}}
        {"type":"log","level":"ERROR","message":"of any name","exception":{"type":"Timeout","message":"no answer within 5 s"}}
    "#]]
    .assert_eq(&all_said(&running, &captured));
}

#[test]
fn logs_within_a_node_carry_its_name() {
    let (running, captured) = captured();
    with_layer(&running, || {
        let _mark = LinkMark::new("b", "s", "e").enter();
        let run = running.reporter().node("outer").start(()).entered();
        info!("in it");
        run.complete(());
        info!("after");
    });
    let names: Vec<Value> =
        reported(&running, &captured).iter().map(|line| line["nodeName"].clone()).collect();
    assert_eq!(names, ["outer".into(), "outer".into(), "outer".into(), Value::Null]);
}

#[test]
fn spans_keep_the_context_they_were_made_in() {
    let (running, captured) = captured();
    with_layer(&running, || {
        let span = LinkMark::new("b", "s", "e").in_scope(|| info_span!("request"));
        info!("outside");
        let dispatch = tracing::dispatcher::get_default(Clone::clone);
        // A thread that knows of the span and not of the mark.
        let within = std::thread::spawn(move || {
            tracing::dispatcher::with_default(&dispatch, || {
                let _entered = span.enter();
                let _inner = info_span!("inner").entered();
                info!("inside");
                LinkMark::new("other", "s", "e").in_scope(|| info!("the current context goes first"));
            });
        });
        within.join().unwrap();
    });
    let found: Vec<Value> =
        reported(&running, &captured).iter().map(|line| line["businessId"].clone()).collect();
    assert_eq!(found, [Value::Null, "b".into(), "other".into()]);
}

#[test]
fn log_macros_are_heard() {
    let (running, captured) = captured();
    linkloom_reporter::init_log();
    log::set_max_level(log::LevelFilter::Trace);
    with_layer(&running, || {
        let _mark = LinkMark::new("b", "s", "e").enter();
        log::warn!("from a library: {}", 7);
        log::debug!(target: "somewhere", "details");
    });
    expect![[r#"
        {"type":"log","businessId":"b","sceneId":"s","executionId":"e","level":"WARN","message":"from a library: 7"}
        {"type":"log","businessId":"b","sceneId":"s","executionId":"e","level":"DEBUG","message":"details"}
    "#]]
    .assert_eq(&all_said(&running, &captured));
}

#[test]
fn a_level_that_is_off_costs_no_memory() {
    let (settings, captured) = settings().level(Level::Info).capture();
    let running = settings.start();
    let reporter = running.reporter().clone();
    let _mark = LinkMark::new("b", "s", "e").enter();
    let filtered = tracing_subscriber::registry().with(reporter.layer().with_filter(LevelFilter::WARN));
    let quiet = Arc::new("text".to_owned());
    let allocated = |work: &mut dyn FnMut()| {
        // What is set up once is not counted.
        work();
        allocation_counter::measure(work).count_total
    };
    tracing::subscriber::with_default(filtered, || {
        let by_tracing = allocated(&mut || info!(tries = 3, who = %quiet, "off by the filter of the layer"));
        assert_eq!(by_tracing, 0);
    });
    with_layer(&running, || {
        let by_us = allocated(&mut || debug!(tries = 3, who = %quiet, "off by the level of the reporter"));
        assert_eq!(by_us, 0);
        let on = allocated(&mut || info!(tries = 3, who = %quiet, "on"));
        // The buffers of the thread are there; only the queue may grow.
        assert!(on <= 4, "{on} allocations");
    });
    let by_call = allocated(&mut || reporter.log(Level::Debug, &quiet).data(&[1, 2, 3]).send());
    assert_eq!(by_call, 0);
    let none = allocated(&mut || {
        std::hint::black_box(Context::current());
    });
    assert_eq!(none, 0);
    assert!(reported(&running, &captured).iter().all(|line| line["message"] == "on"));
}

#[test]
fn what_logs_while_it_is_reported_is_reported_too() {
    struct Chatty<'a>(&'a Running);
    impl fmt::Display for Chatty<'_> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            // Events of `tracing` within events are none: it says so itself.
            self.0.reporter().log(Level::Info, "while it says what it is").send();
            f.write_str("chatty")
        }
    }
    let (running, captured) = captured();
    with_layer(&running, || info!(who = %Chatty(&running), "outer"));
    expect![[r#"
        {"type":"log","level":"INFO","message":"while it says what it is"}
        {"type":"log","level":"INFO","message":"outer","data":{"who":"chatty"}}
    "#]]
    .assert_eq(&all_said(&running, &captured));
}
