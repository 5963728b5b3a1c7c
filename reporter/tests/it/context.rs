//! The context is lost nowhere and leaks nowhere: threads, pools, tasks, futures, headers.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use linkloom_reporter::{
    Context, FutureExt, Level, LinkMark, Reporter, carry, carry_map, extract, inject, inject_context, task,
};
use rayon::prelude::*;

use crate::support::{brief, captured, reported};

fn mark(business_id: impl AsRef<str>) -> LinkMark {
    LinkMark::new(business_id, "scene", "e")
}

/// Business id and node of the place this is called at.
fn here() -> String {
    let context = Context::current();
    format!("{}/{}", context.mark().map_or("-", LinkMark::business_id), context.node().unwrap_or("-"))
}

#[test]
fn threads_and_pools_with_the_wrapper() {
    let _guard = Context::of_mark(mark("b")).within_node("n").enter();
    assert_eq!(std::thread::spawn(here).join().unwrap(), "-/-", "without it there is none");
    assert_eq!(std::thread::spawn(carry(here)).join().unwrap(), "b/n");
    let items: Vec<u32> = (0..1_000).collect();
    let there: Vec<String> = items.par_iter().map(carry_map(|_| here())).collect();
    assert!(there.iter().all(|place| place == "b/n"));
    let left: Vec<String> = rayon::broadcast(|_| here());
    // The thread of the test may help; those of the pool keep nothing.
    assert!(left.iter().all(|place| place == "-/-"), "{left:?}");
    let (one, two) = rayon::join(carry(here), carry(here));
    assert_eq!((one.as_str(), two.as_str()), ("b/n", "b/n"));
    std::thread::scope(|scope| {
        let found = scope.spawn(carry(here)).join().unwrap();
        assert_eq!(found, "b/n");
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn tasks_and_what_they_spawn() {
    async fn deep() -> String {
        tokio::task::yield_now().await;
        here()
    }
    let outer = async {
        let joined = tokio::join!(deep(), deep());
        let spawned = task::spawn(deep()).await.unwrap();
        let blocking = task::spawn_blocking(here).await.unwrap();
        let by_hand = tokio::spawn(deep().in_current_context()).await.unwrap();
        let other = tokio::spawn(deep().with_mark(mark("other"))).await.unwrap();
        let bare = tokio::spawn(deep()).await.unwrap();
        [joined.0, joined.1, spawned, blocking, by_hand, other, bare, here()].join(" ")
    };
    let found = tokio::spawn(outer.in_context(Context::of_mark(mark("b")).within_node("n"))).await.unwrap();
    assert_eq!(found, "b/n b/n b/n b/n b/n other/- -/- b/n");
    assert_eq!(here(), "-/-");
}

#[tokio::test]
async fn futures_of_one_thread_do_not_mix() {
    let one = async {
        let mut seen = Vec::new();
        for _ in 0..10 {
            seen.push(here());
            tokio::task::yield_now().await;
        }
        seen
    };
    let two = async {
        tokio::task::yield_now().await;
        here()
    };
    let (one, two) = tokio::join!(one.with_mark(mark("1")), two.with_mark(mark("2")));
    assert!(one.iter().all(|place| place == "1/-"), "{one:?}");
    assert_eq!(two, "2/-");
}

#[tokio::test]
async fn what_a_future_holds_is_dropped_in_its_context() {
    struct Tells(Arc<std::sync::Mutex<String>>);
    impl Drop for Tells {
        fn drop(&mut self) {
            *self.0.lock().unwrap() = here();
        }
    }
    let told = Arc::new(std::sync::Mutex::new(String::new()));
    let held = Tells(told.clone());
    let pending = async move {
        let _held = held;
        std::future::pending::<()>().await;
    };
    let mut pending = Box::pin(pending.with_mark(mark("b")));
    assert!(futures_are_pending(pending.as_mut()).await);
    drop(pending);
    assert_eq!(*told.lock().unwrap(), "b/-");
}

async fn futures_are_pending<F: Future>(mut future: std::pin::Pin<&mut F>) -> bool {
    std::future::poll_fn(|task| std::task::Poll::Ready(future.as_mut().poll(task).is_pending())).await
}

/// Many requests at once, each of many tasks on many threads: every report carries the mark of its own request.
#[tokio::test(flavor = "multi_thread", worker_threads = 8)]
async fn concurrent_requests_do_not_leak() {
    const REQUESTS: usize = 200;
    const STEPS: usize = 10;
    let (running, captured) = captured();
    let reporter = running.reporter().clone();

    async fn step(reporter: Reporter, request: usize, step: usize) {
        let run = reporter.node(format!("{request}.{step}")).start(request);
        run.scope(async {
            tokio::task::yield_now().await;
            reporter.log(Level::Info, format!("{request}.{step}")).send();
            let blocking = reporter.clone();
            task::spawn_blocking(move || blocking.log(Level::Warn, format!("{request}.{step}")).send())
                .await
                .unwrap();
            let threads: Vec<usize> = (0..4).collect();
            threads.par_iter().for_each(carry_map(|_: &usize| {
                reporter.log(Level::Error, format!("{request}.{step}")).send()
            }));
        })
        .await;
        run.complete(());
    }

    let requests: Vec<_> = (0..REQUESTS)
        .map(|request| {
            let reporter = reporter.clone();
            let work = async move {
                let steps: Vec<_> =
                    (0..STEPS).map(|at| task::spawn(step(reporter.clone(), request, at))).collect();
                for step in steps {
                    step.await.unwrap();
                }
            };
            tokio::spawn(work.with_mark(mark(format!("b{request}"))))
        })
        .collect();
    for request in requests {
        request.await.unwrap();
    }

    let lines = reported(&running, &captured);
    assert_eq!(lines.len(), REQUESTS * STEPS * 8);
    let mut of_request: HashMap<String, usize> = HashMap::new();
    for line in &lines {
        let node = line["nodeName"].as_str().expect("every report is within a node");
        let request = node.split('.').next().unwrap();
        assert_eq!(line["businessId"], format!("b{request}"), "{line}");
        if line["type"] == "log" {
            assert_eq!(line["message"], node, "{line}");
        }
        *of_request.entry(request.to_owned()).or_default() += 1;
    }
    assert!(of_request.values().all(|count| *count == STEPS * 8));
    let mut numbers: Vec<u64> = lines.iter().map(|line| line["seq"].as_u64().unwrap()).collect();
    numbers.sort_unstable();
    assert!(numbers.iter().enumerate().all(|(at, seq)| at as u64 == *seq), "numbers have no gaps");
}

#[test]
fn a_second_service_goes_on_by_kafka_headers() {
    let (first, first_lines) = captured();
    let (second, second_lines) = captured();
    // As the records of a client have them: names and bytes, with headers of others among them.
    let mut record: Vec<(String, Vec<u8>)> = vec![
        ("Baggage".to_owned(), b"user=1".to_vec()),
        ("traceparent".to_owned(), b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".to_vec()),
        ("other".to_owned(), vec![0xff]),
    ];
    LinkMark::new("图 1", "intake", "e").in_scope(|| {
        let run = first.reporter().node("send").start(());
        run.in_scope(|| inject(&mut record));
        run.complete(());
    });
    let baggage: Vec<&str> = record
        .iter()
        .filter(|(name, _)| name.eq_ignore_ascii_case("baggage"))
        .map(|(_, value)| std::str::from_utf8(value).unwrap())
        .collect();
    assert_eq!(
        baggage,
        [
            "user=1,linkloom.business-id=%E5%9B%BE%201,linkloom.scene-id=intake,linkloom.execution-id=e,linkloom.parent-node=send"
        ]
    );
    extract(&record).in_scope(|| second.reporter().node("take").start(()).complete(()));
    let members = ["businessId", "sceneId", "executionId", "nodeName", "parentNode", "traceId", "spanId"];
    assert_eq!(brief(&reported(&first, &first_lines)[..1], &members), ["图 1 intake e send null null null"]);
    assert_eq!(
        brief(&reported(&second, &second_lines)[..1], &members),
        ["图 1 intake e take send 4bf92f3577b34da6a3ce929d0e0e4736 00f067aa0ba902b7"]
    );
}

#[test]
fn headers_of_all_kinds() {
    let context = Context::of_mark(mark("b")).within_node("n");
    let mut http = http::HeaderMap::new();
    http.append("baggage", "a=1".parse().unwrap());
    http.append("baggage", "b=2".parse().unwrap());
    inject_context(&context, &mut http);
    assert_eq!(http.get_all("baggage").iter().count(), 1);
    assert!(http["baggage"].to_str().unwrap().starts_with("a=1,b=2,linkloom.business-id=b,"));
    let mut sorted: BTreeMap<String, String> = BTreeMap::new();
    inject_context(&context, &mut sorted);
    let mut hashed: HashMap<String, String> = HashMap::new();
    hashed.insert("BAGGAGE".to_owned(), "linkloom.business-id=old".to_owned());
    inject_context(&context, &mut hashed);
    assert_eq!(hashed.len(), 1);
    for found in [extract(&http), extract(&sorted), extract(&hashed)] {
        assert_eq!((found.mark(), found.node(), found.parent_node()), (context.mark(), None, Some("n")));
    }
    inject_context(&Context::default(), &mut sorted);
    assert_eq!(sorted.len(), 1, "without a mark nothing changes");
    assert!(extract(&Vec::<(String, String)>::new()).is_empty());
}
