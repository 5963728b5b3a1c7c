//! Nodes by calls and by the attribute.

use std::fmt::Display;

use expect_test::{Expect, expect};
use linkloom_reporter::{FutureExt, LinkMark, log, node, trace_node};

use crate::support::{about, captured, install, reported};

/// The reports of a business id that `work` makes with the reporter of the process, in brief.
#[track_caller]
fn check(business_id: &str, work: impl FnOnce(), want: Expect) {
    install();
    LinkMark::new(business_id, "s", "e").in_scope(work);
    want.assert_eq(&summary(business_id));
}

fn summary(business_id: &str) -> String {
    let mut text = String::new();
    let lines = about(business_id);
    let mut runs: Vec<&str> = Vec::new();
    for line in &lines {
        let mut words = Vec::new();
        if let Some(run) = line["runId"].as_str() {
            let known = runs.iter().position(|known| *known == run);
            let number = known.unwrap_or_else(|| {
                runs.push(run);
                runs.len() - 1
            });
            words.push(format!("#{number}"));
        }
        for name in ["nodeName", "status", "message", "case", "parentNode", "input", "output", "exception"] {
            match &line[name] {
                serde_json::Value::Null => {}
                serde_json::Value::String(text) => words.push(format!("{name}={text}")),
                other => words.push(format!("{name}={other}")),
            }
        }
        text.push_str(&words.join(" "));
        text.push('\n');
    }
    text
}

#[derive(Debug, thiserror::Error)]
#[error("no picture")]
struct NoPicture(#[source] std::num::ParseIntError);

/// Neither serialisable nor with a `Debug` form.
struct Opaque;

#[derive(Debug)]
#[allow(dead_code)]
struct Shown(u32);

#[trace_node("plain")]
fn plain(_a: u32) {}

#[trace_node(input, output)]
fn sum(a: u32, b: u32) -> u32 {
    node("inner").start(()).complete(());
    a + b
}

#[trace_node("picProcess", skip(secret), mask(token), output)]
fn process(name: &str, token: String, secret: u32, shown: Shown, opaque: &Opaque) -> Result<u32, NoPicture> {
    let _ = (token, secret, shown, opaque);
    let number: u32 = name.parse().map_err(NoPicture)?;
    Ok(number)
}

#[trace_node("route", case)]
fn route(risk: f64) -> Result<&'static str, String> {
    match risk {
        ..0.0 => Err("a risk below 0".to_owned()),
        0.0..0.5 => Ok("pass"),
        _ => Ok("review"),
    }
}

#[trace_node("capped", input_max = 20, output_max = 20)]
fn capped(text: &str) -> String {
    text.repeat(2)
}

#[trace_node("generic", input, output)]
fn generic<T: Display, const N: usize>(value: T, rest: [u8; N]) -> impl Display {
    format!("{value} {}", rest.len())
}

#[trace_node("anyhow", output)]
fn with_anyhow(fail: bool) -> anyhow::Result<()> {
    use anyhow::Context as _;
    if fail {
        "x".parse::<u8>().context("no number")?;
    }
    Ok(())
}

type Fallible = Result<(), Box<dyn std::error::Error>>;

#[trace_node("boxed", result)]
fn boxed() -> Fallible {
    Err("only a text".into())
}

struct Service {
    name: String,
}

impl Service {
    #[trace_node("method", input)]
    fn rename(&mut self, r#type: &str) -> &str {
        self.name = r#type.to_owned();
        &self.name
    }

    #[trace_node("asyncMethod", input, output)]
    async fn wait(&self, rounds: u32) -> Result<String, std::io::Error> {
        for _ in 0..rounds {
            tokio::task::yield_now().await;
        }
        log(linkloom_reporter::Level::Info, "waited").send();
        if rounds > 5 {
            return Err(std::io::ErrorKind::TimedOut.into());
        }
        Ok(self.name.clone())
    }
}

#[trace_node("panics")]
fn panics() {
    panic!("on purpose");
}

#[trace_node("nested")]
async fn nested(depth: u32) {
    if depth > 0 {
        Box::pin(nested(depth - 1)).await;
    }
}

#[trace_node("never")]
async fn never() {
    std::future::pending::<()>().await;
}

#[test]
fn functions() {
    check(
        "functions",
        || {
            plain(1);
            assert_eq!(sum(1, 2), 3);
        },
        expect![[r#"
            #0 nodeName=plain status=RUNNING
            #0 nodeName=plain status=COMPLETED
            #1 nodeName=sum status=RUNNING input={"a":1,"b":2}
            #2 nodeName=inner status=RUNNING parentNode=sum
            #2 nodeName=inner status=COMPLETED parentNode=sum
            #1 nodeName=sum status=COMPLETED output=3
        "#]],
    );
}

#[test]
fn results_and_arguments_of_all_kinds() {
    check(
        "results",
        || {
            assert_eq!(process("7", "t".to_owned(), 1, Shown(2), &Opaque).unwrap(), 7);
            process("x", "t".to_owned(), 1, Shown(2), &Opaque).unwrap_err();
        },
        expect![[r#"
            #0 nodeName=picProcess status=RUNNING input={"name":"7","token":"***","shown":"Shown(2)","opaque":"&it::node::Opaque"}
            #0 nodeName=picProcess status=COMPLETED output=7
            #1 nodeName=picProcess status=RUNNING input={"name":"x","token":"***","shown":"Shown(2)","opaque":"&it::node::Opaque"}
            #1 nodeName=picProcess status=FAILED exception={"type":"it::node::NoPicture","message":"no picture","stack":"Caused by: ParseIntError: invalid digit found in string"}
        "#]],
    );
}

#[test]
fn decisions() {
    check(
        "decisions",
        || {
            route(0.1).unwrap();
            route(0.9).unwrap();
            route(-1.0).unwrap_err();
        },
        expect![[r#"
            #0 nodeName=route status=RUNNING
            #0 nodeName=route status=COMPLETED case=pass
            #1 nodeName=route status=RUNNING
            #1 nodeName=route status=COMPLETED case=review
            #2 nodeName=route status=RUNNING
            #2 nodeName=route status=FAILED exception={"message":"a risk below 0"}
        "#]],
    );
}

#[test]
fn caps_generics_and_errors_of_all_kinds() {
    check(
        "kinds",
        || {
            capped("0123456789");
            assert_eq!(generic("a", [0; 3]).to_string(), "a 3");
            with_anyhow(false).unwrap();
            with_anyhow(true).unwrap_err();
            boxed().unwrap_err();
        },
        expect![[r#"
            #0 nodeName=capped status=RUNNING input={"text":"012…
            #0 nodeName=capped status=COMPLETED output="0123456789012…
            #1 nodeName=generic status=RUNNING input={"value":"&str","rest":"[0, 0, 0]"}
            #1 nodeName=generic status=COMPLETED output=a 3
            #2 nodeName=anyhow status=RUNNING
            #2 nodeName=anyhow status=COMPLETED
            #3 nodeName=anyhow status=RUNNING
            #3 nodeName=anyhow status=FAILED exception={"type":"Error","message":"no number","stack":"Caused by: ParseIntError: invalid digit found in string"}
            #4 nodeName=boxed status=RUNNING
            #4 nodeName=boxed status=FAILED exception={"message":"only a text"}
        "#]],
    );
}

#[tokio::test]
async fn methods_and_async() {
    install();
    let work = async {
        let mut service = Service { name: "a".to_owned() };
        assert_eq!(service.rename("b"), "b");
        assert_eq!(service.wait(2).await.unwrap(), "b");
        service.wait(9).await.unwrap_err();
        nested(2).await;
    };
    work.with_mark(LinkMark::new("async", "s", "e")).await;
    expect![[r#"
        #0 nodeName=method status=RUNNING input={"type":"b"}
        #0 nodeName=method status=COMPLETED
        #1 nodeName=asyncMethod status=RUNNING input={"rounds":2}
        nodeName=asyncMethod message=waited
        #1 nodeName=asyncMethod status=COMPLETED output=b
        #2 nodeName=asyncMethod status=RUNNING input={"rounds":9}
        nodeName=asyncMethod message=waited
        #2 nodeName=asyncMethod status=FAILED exception={"type":"std::io::error::Error","message":"timed out"}
        #3 nodeName=nested status=RUNNING
        #4 nodeName=nested status=RUNNING parentNode=nested
        #5 nodeName=nested status=RUNNING parentNode=nested
        #5 nodeName=nested status=COMPLETED parentNode=nested
        #4 nodeName=nested status=COMPLETED parentNode=nested
        #3 nodeName=nested status=COMPLETED
    "#]]
    .assert_eq(&summary("async"));
}

#[test]
fn panics_and_what_is_dropped() {
    check(
        "dropped",
        || {
            std::panic::catch_unwind(panics).unwrap_err();
            drop(node("left").start(()));
            drop(node("leftEntered").start(()).entered());
            node("open").start(()).leave_open();
            assert_eq!(linkloom_reporter::Context::current().node(), None);
        },
        expect![[r#"
            #0 nodeName=panics status=RUNNING
            #0 nodeName=panics status=FAILED exception={"type":"panic","message":"the node ended in a panic"}
            #1 nodeName=left status=RUNNING
            #1 nodeName=left status=FAILED exception={"type":"dropped","message":"the node was left without an end: an early return, or a cancelled future"}
            #2 nodeName=leftEntered status=RUNNING
            #2 nodeName=leftEntered status=FAILED exception={"type":"dropped","message":"the node was left without an end: an early return, or a cancelled future"}
            #3 nodeName=open status=RUNNING
        "#]],
    );
}

#[tokio::test]
async fn a_cancelled_future_failed() {
    install();
    let work = never().with_mark(LinkMark::new("cancelled", "s", "e"));
    tokio::select! {
        biased;
        () = work => unreachable!("it never ends"),
        () = tokio::task::yield_now() => {}
    }
    let lines = about("cancelled");
    assert_eq!(lines.len(), 2);
    assert_eq!((&lines[1]["status"], &lines[1]["exception"]["type"]), (&"FAILED".into(), &"dropped".into()));
}

#[test]
fn a_node_may_end_on_another_thread() {
    let (running, captured) = captured();
    let run = running.reporter().node("far").start(());
    std::thread::spawn(move || run.case("x").complete(7)).join().unwrap();
    let lines = reported(&running, &captured);
    assert_eq!(lines[0]["runId"], lines[1]["runId"]);
    assert_eq!((&lines[1]["case"], &lines[1]["output"]), (&"x".into(), &7.into()));
}
