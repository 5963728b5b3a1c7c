//! What applications hand over at their worst: nothing comes out of the toolkit but reports.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, HashMap};
use std::error::Error;
use std::fmt;
use std::rc::Rc;

use linkloom_reporter::{Exception, Level, LinkMark, MaskRule, Running};
use proptest::prelude::*;
use serde::ser::Error as _;
use serde::{Serialize, Serializer};
use serde_json::{Value, json};
use tracing_subscriber::prelude::*;

use crate::support::{captured, read, reported, settings};

/// What a node reports as its input.
fn input(value: impl Serialize) -> Value {
    let (running, captured) = captured();
    running.reporter().node("n").start(value).leave_open();
    reported(&running, &captured)[0]["input"].clone()
}

struct Refuses;

impl Serialize for Refuses {
    fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        Err(S::Error::custom("not today"))
    }
}

struct Panics;

impl Serialize for Panics {
    fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        panic!("on purpose")
    }
}

impl fmt::Display for Panics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("so far ")?;
        panic!("on purpose")
    }
}

impl fmt::Debug for Panics {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        panic!("on purpose")
    }
}

impl Error for Panics {}

#[derive(Serialize)]
struct Ring {
    name: &'static str,
    next: RefCell<Option<Rc<Ring>>>,
}

struct Wraps;

impl Serialize for Wraps {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_some(&Wraps)
    }
}

#[test]
fn what_cannot_be_serialised_is_an_ellipsis() {
    assert_eq!(input(Refuses), "…");
    assert_eq!(input(json!({"fine": 1})), json!({"fine": 1}));
    assert_eq!(input((1, Panics)), "…");
    let keys: BTreeMap<Vec<u8>, u32> = BTreeMap::from([(vec![1], 1)]);
    assert_eq!(input(keys), "…", "a key that is no text");
}

#[test]
fn keys_that_are_no_texts() {
    let keys: BTreeMap<i32, &str> = BTreeMap::from([(-1, "a"), (7, "b")]);
    assert_eq!(input(keys), json!({"-1": "a", "7": "b"}));
    let keys: BTreeMap<Option<char>, bool> = BTreeMap::from([(None, true), (Some('x'), false)]);
    assert_eq!(input(keys), json!({"null": true, "x": false}));
}

#[test]
fn values_within_themselves_end() {
    let ring = Rc::new(Ring { name: "r", next: RefCell::new(None) });
    *ring.next.borrow_mut() = Some(ring.clone());
    let text = input(&*ring).to_string();
    assert_eq!(text.matches(r#""name":"r""#).count(), 32);
    assert!(text.contains(r#""next":"…""#), "{text}");
    ring.next.borrow_mut().take();
    assert_eq!(input(Wraps), "…cycle");
}

/// Ten million numbers that count how many of them were asked for.
struct Counting<'a>(&'a Cell<usize>);

impl Serialize for Counting<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq((0..10_000_000_u32).inspect(|_| self.0.set(self.0.get() + 1)))
    }
}

#[test]
fn ten_megabytes_are_cut_and_not_written_to_their_end() {
    let text = "é\n".repeat(5 << 20);
    let bytes = vec![7_u8; 10 << 20];
    let wide: HashMap<u32, &str> = (0..100_000).map(|key| (key, "value")).collect();
    for value in [input(&text), input(&bytes), input(&wide), input([&text, &text])] {
        let kept = value.as_str().expect("cut to a text");
        assert!(kept.ends_with('…') && kept.len() <= 256 << 10 && kept.len() > 100 << 10, "{}", kept.len());
    }
    let asked = Cell::new(0);
    assert!(input(Counting(&asked)).as_str().expect("cut to a text").ends_with('…'));
    assert!(asked.get() < 200_000, "{} numbers were looked at for 256 KiB", asked.get());
}

#[test]
fn ten_megabytes_are_masked_as_far_as_they_are_seen() {
    let (settings, captured) =
        settings().mask(MaskRule::phone()).payload_bytes_max(1_000).message_bytes_max(1_000).capture();
    let running = settings.start();
    let text = "13812345678 ".repeat(1 << 20);
    running.reporter().log(Level::Info, &text).data(&text).send();
    let line = &reported(&running, &captured)[0];
    for part in [&line["message"], &line["data"]] {
        let part = part.as_str().expect("a text");
        assert!(part.contains("*** ***") && !part.contains("138"), "{part}");
        assert!(part.ends_with('…') && part.len() > 500, "{part}");
    }
}

#[test]
fn texts_that_panic_are_what_they_said_before() {
    let (running, captured) = captured();
    running.reporter().log(Level::Info, Panics).send();
    running.reporter().log(Level::Error, "m").error(&Panics).send();
    let subscriber = tracing_subscriber::registry().with(running.reporter().layer());
    tracing::subscriber::with_default(subscriber, || {
        tracing::info!(bad = ?Panics, good = 1, "m");
        tracing::info!(bad = %Panics, error = &Panics as &dyn Error);
    });
    let lines = reported(&running, &captured);
    assert_eq!(lines[0]["message"], "so far ");
    assert_eq!(lines[1]["exception"]["message"], "so far ");
    assert_eq!(lines[2]["data"], json!({"bad": "…", "good": 1}));
    assert_eq!(lines[3]["exception"]["message"], "so far ");
}

#[test]
fn a_great_exception_is_cut() {
    let (running, captured) = captured();
    let exception =
        Exception::new("T".repeat(10_000), "m".repeat(1 << 20)).with_stack("at x\n".repeat(1 << 20));
    running.reporter().node("n").start(()).failed(Some(exception), ());
    let line = &reported(&running, &captured)[1];
    let length = |name: &str| line["exception"][name].as_str().unwrap().len();
    assert!(length("type") <= 1_024 && length("message") <= 64 << 10 && length("stack") <= 64 << 10);
    assert!(line["exception"]["stack"].as_str().unwrap().ends_with("at x\n…"));
}

#[test]
fn nothing_is_reported_without_a_reporter_and_after_its_end() {
    let (running, captured) = captured();
    let reporter = running.reporter().clone();
    let run = reporter.node("n").start(());
    drop(running);
    run.complete(());
    reporter.log(Level::Info, "late").send();
    assert_eq!(captured.lines().len(), 1);
    assert_eq!(reporter.stats().dropped.no_way_out, 2, "and is counted");
}

/// A thread that is ending reports from its destructors.
#[test]
fn threads_that_end_may_report() {
    struct Tells(linkloom_reporter::Reporter);
    impl Drop for Tells {
        fn drop(&mut self) {
            self.0.log(Level::Info, "the end").send();
            let _ = LinkMark::new("b", "s", "e").enter();
        }
    }
    thread_local! {
        static TELLS: RefCell<Option<Tells>> = const { RefCell::new(None) };
    }
    let (running, captured) = captured();
    let reporter = running.reporter().clone();
    std::thread::spawn(move || {
        TELLS.with(|tells| *tells.borrow_mut() = Some(Tells(reporter.clone())));
        reporter.log(Level::Info, "the beginning").send();
    })
    .join()
    .unwrap();
    assert_eq!(reported(&running, &captured).len(), 2);
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        // Of few digits: the parser of the test does not read all others exactly.
        any::<i16>().prop_map(|number| Value::from(f64::from(number) / 4.0)),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 64, 8, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..8).prop_map(Value::from),
            prop::collection::vec((any::<String>(), inner), 0..8)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

fn with_reporter<T>(work: impl FnOnce(&Running) -> T) -> (T, Vec<String>) {
    let (running, captured) = captured();
    let made = work(&running);
    drop(running);
    (made, captured.lines())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn any_payload_arrives_as_it_was(payload in any_json()) {
        let ((), lines) = with_reporter(|running| running.reporter().node("n").start(&payload).leave_open());
        prop_assert_eq!(&read(&lines[0])["input"], &payload);
    }

    #[test]
    fn any_text_in_any_place_is_a_report(
        texts in prop::array::uniform8(any::<String>()),
        payload in any_json(),
        cap in 64_usize..400,
    ) {
        let (settings, captured) = settings()
            .service(&texts[0])
            .payload_bytes_max(cap)
            .message_bytes_max(cap)
            .stack_bytes_max(cap)
            .mask(MaskRule::email())
            .mask(MaskRule::bank_card())
            .capture();
        let running = settings.start();
        let mark = LinkMark::new(&texts[1], &texts[2], &texts[3]);
        mark.in_scope(|| {
            let run = running.reporter().node(&texts[4]).start(&payload).case(&texts[5]);
            run.in_scope(|| running.reporter().log(Level::Warn, &texts[6]).data(&payload).send());
            run.failed(Some(Exception::new(&texts[7], &texts[6]).with_stack(&texts[5])), &payload);
        });
        drop(running);
        let lines = captured.lines();
        prop_assert_eq!(lines.len(), 3);
        for line in lines {
            let line = read(&line);
            let fits = mark.is_valid() && !texts[4].is_empty() && texts[4].len() <= 128;
            prop_assert_eq!(line["businessId"].as_str(), fits.then_some(texts[1].as_str()));
            prop_assert_eq!(line["attributes"].is_null(), fits && (line["status"] != "FAILED" || texts[5].len() <= 256));
        }
    }
}
