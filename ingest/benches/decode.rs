//! How fast lines become reports, beside the raw limits: `cargo bench -p linkloom-ingest --bench decode [-- SECONDS_PER_CASE [NAME_CONTAINS]]`.
//!
//! Single-threaded, in memory, on lines of 480 to 500 bytes as a busy service sends them (node reports and logs, some with a
//! stack, 0.1 % malformed). Each case passes over all lines until its time is up, in groups of 1,000; printed
//! are the rates below which a tenth, half and 99 % of the groups lie, in lines per second, and MB/s of the middle one. A
//! group takes about a millisecond, so on a busy machine the fastest were not interrupted: look at the last figure.

use std::hint::black_box;
use std::time::{Duration, Instant};

use linkloom_ingest::decode::{Decoder, Limits};
use linkloom_schema::report::{decode_stored, encode_stored};
use linkloom_schema::route::Route;
use serde::Deserialize;
use serde_json::value::RawValue;

fn main() {
    let mut args: Vec<String> = std::env::args().skip(1).filter(|arg| arg != "--bench").collect();
    let seconds: f64 = args.first().and_then(|arg| arg.parse().ok()).unwrap_or(1.0);
    let only = if args.len() > 1 { args.swap_remove(1) } else { String::new() };
    let lines = workload::lines(20_000);
    let bytes: usize = lines.iter().map(Vec::len).sum();
    println!("{} lines, {:.0} B a line", lines.len(), bytes as f64 / lines.len() as f64);
    let bench = Bench { time: Duration::from_secs_f64(seconds), only };

    bench.run("read memory (sum of words)", &lines, |line| {
        let words = line.chunks_exact(8).map(|word| u64::from_le_bytes(word.try_into().unwrap()));
        words.fold(0, u64::wrapping_add)
    });
    bench.run("check UTF-8", &lines, |line| std::str::from_utf8(line).is_ok());
    bench.run("parse: serde_json, payloads skipped", &lines, |line| {
        serde_json::from_slice::<Skipping<'_>>(line).is_ok()
    });
    bench.run("parse: serde_json, payloads as RawValue", &lines, |line| {
        serde_json::from_slice::<Raw<'_>>(line).is_ok()
    });
    bench.run("parse: sonic-rs, payloads skipped", &lines, |line| {
        sonic_rs::from_slice::<Skipping<'_>>(line).is_ok()
    });
    bench.run("parse: sonic-rs, payloads as LazyValue", &lines, |line| {
        sonic_rs::from_slice::<Lazy<'_>>(line).is_ok()
    });
    bench.run("parse: ours, all fields", &lines, |line| {
        std::str::from_utf8(line).is_ok_and(|text| {
            let mut line = linkloom_schema::report::Line::default();
            let read = linkloom_schema::report::read(text, &mut line).is_ok();
            black_box(&line);
            read
        })
    });
    let mut decoder = Decoder::new(Limits::default());
    bench.run("decode (parse, mark, identity, time)", &lines, |line| decoder.decode(line, None).is_ok());
    let mut out = Vec::with_capacity(1 << 20);
    bench.run("decode + classify + encode_stored", &lines, |line| {
        if let Ok(report) = decoder.decode(line, None) {
            black_box(Route::of(&report));
            if out.len() > (1 << 20) - 4096 {
                out.clear();
            }
            encode_stored(&report, &mut out);
        }
    });

    let mut stored = Vec::new();
    let mut marks = Vec::new();
    for report in lines.iter().filter_map(|line| decoder.decode(line, None).ok()) {
        let mut line = Vec::new();
        encode_stored(&report, &mut line);
        stored.push(line);
        marks.push(report.mark.map(|mark| mark.as_ref().to_mark()));
    }
    let bytes: usize = stored.iter().map(Vec::len).sum();
    println!("stored: {:.0} B a line", bytes as f64 / stored.len() as f64);
    let mut marks = marks.iter().map(|mark| mark.as_ref().map(|mark| mark.as_ref())).cycle();
    bench.run("decode_stored (with identity)", &stored, |line| {
        decode_stored(line, marks.next().unwrap()).is_ok()
    });
}

/// Lines timed together.
const GROUP: usize = 1_000;

struct Bench {
    time: Duration,
    only: String,
}

impl Bench {
    fn run<T>(&self, name: &str, lines: &[Vec<u8>], mut each: impl FnMut(&[u8]) -> T) {
        if !name.contains(&self.only) {
            return;
        }
        let bytes: usize = lines.iter().map(Vec::len).sum();
        let mut rates = Vec::new();
        let begin = Instant::now();
        while begin.elapsed() < self.time {
            for group in lines.chunks(GROUP) {
                let start = Instant::now();
                for line in group {
                    black_box(each(black_box(line)));
                }
                rates.push(group.len() as f64 / start.elapsed().as_secs_f64());
            }
        }
        rates.sort_by(f64::total_cmp);
        let at = |share: usize| rates[(rates.len() * share / 100).min(rates.len() - 1)];
        let (slow, middle, fast) = (at(10), at(50), at(99));
        let mega = middle * bytes as f64 / lines.len() as f64 / 1e6;
        println!("{name:42} {slow:>10.0} {middle:>10.0} {fast:>10.0} lines/s {mega:>7.0} MB/s");
    }
}

/// The fields a parser must find, payloads checked by the parser and dropped.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(dead_code, reason = "parsed, not read")]
struct Skipping<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    business_id: &'a str,
    scene_id: &'a str,
    execution_id: &'a str,
    node_name: Option<&'a str>,
    status: Option<&'a str>,
    time: u64,
    level: Option<&'a str>,
    service: Option<&'a str>,
    instance: Option<&'a str>,
    trace_id: Option<&'a str>,
}

/// The same with payloads kept as text.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(dead_code, reason = "parsed, not read")]
struct Raw<'a> {
    #[serde(borrow, rename = "type")]
    kind: &'a str,
    business_id: &'a str,
    scene_id: &'a str,
    execution_id: &'a str,
    node_name: Option<&'a str>,
    status: Option<&'a str>,
    time: u64,
    level: Option<&'a str>,
    #[serde(borrow)]
    message: Option<std::borrow::Cow<'a, str>>,
    service: Option<&'a str>,
    instance: Option<&'a str>,
    trace_id: Option<&'a str>,
    #[serde(borrow)]
    input: Option<&'a RawValue>,
    #[serde(borrow)]
    output: Option<&'a RawValue>,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
    #[serde(borrow)]
    exception: Option<&'a RawValue>,
}

/// The same for sonic-rs.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(dead_code, reason = "parsed, not read")]
struct Lazy<'a> {
    #[serde(borrow, rename = "type")]
    kind: &'a str,
    business_id: &'a str,
    scene_id: &'a str,
    execution_id: &'a str,
    node_name: Option<&'a str>,
    status: Option<&'a str>,
    time: u64,
    level: Option<&'a str>,
    #[serde(borrow)]
    message: Option<std::borrow::Cow<'a, str>>,
    service: Option<&'a str>,
    instance: Option<&'a str>,
    trace_id: Option<&'a str>,
    #[serde(borrow)]
    input: Option<sonic_rs::LazyValue<'a>>,
    #[serde(borrow)]
    output: Option<sonic_rs::LazyValue<'a>>,
    #[serde(borrow)]
    data: Option<sonic_rs::LazyValue<'a>>,
    #[serde(borrow)]
    exception: Option<sonic_rs::LazyValue<'a>>,
}

/// Lines as a busy content service sends them, always the same.
mod workload {
    pub(crate) fn lines(count: u64) -> Vec<Vec<u8>> {
        let mut random = 0x9e37_79b9_7f4a_7c15_u64;
        (0..count).map(|n| line(n, &mut || next(&mut random)).into_bytes()).collect()
    }

    /// xorshift64*.
    fn next(state: &mut u64) -> u64 {
        *state ^= *state >> 12;
        *state ^= *state << 25;
        *state ^= *state >> 27;
        state.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn line(n: u64, random: &mut dyn FnMut() -> u64) -> String {
        let business = random() % 14_000;
        let (node, instance) = (random() % 12, random() % 8);
        let time = 1_795_255_200_000_000 + n * 80;
        let trace = u128::from(random()) << 64 | u128::from(random());
        let head = format!(
            r#"{{"v":1,"type":"{}","businessId":"content-{business}","sceneId":"realtime-input","executionId":"{:016x}","nodeName":"node-{node}","time":{time},"#,
            if n % 5 < 2 { "node" } else { "log" },
            trace >> 64,
        );
        let tail = format!(
            r#""service":"content-api","instance":"10.0.0.{instance}:8080","host":"content-api-7d9f-{instance}","traceId":"{trace:032x}","spanId":"{:016x}"}}"#,
            random(),
        );
        let body = match n % 5 {
            0 => format!(
                r#""status":"RUNNING","input":{{"contentId":{business},"userId":{},"title":"a photo of the harbour at dusk","tags":["harbour","evening","boats"],"size":{{"width":1920,"height":1080}}}},"#,
                random() % 1_000_000
            ),
            1 => format!(
                r#""status":"COMPLETED","output":{{"ok":true,"score":0.{:06},"labels":["harbour","sea","sky"],"model":"pic-v3","elapsedMs":{},"note":"scored by the second model"}},"#,
                random() % 1_000_000,
                random() % 500
            ),
            _ if n % 200 == 2 => format!(
                r#""level":"ERROR","message":"node-{node} failed, contentId:{business}","exception":{{"type":"java.io.IOException","message":"timeout","stack":"{}"}},"#,
                r"\tat com.example.content.PicProcess.run(PicProcess.java:42)\n".repeat(16)
            ),
            _ if n % 1000 == 3 => r#""level":"INFO","message":"half a line"#.to_owned(),
            _ => format!(
                r#""level":"INFO","message":"node-{node} looked up the content and its owner, cache \"hot\" answered, contentId:{business}","data":{{"contentId":{business},"cache":"hot","rows":{},"shard":"shard-{}"}},"#,
                random() % 100,
                random() % 64
            ),
        };
        format!("{head}{body}{tail}")
    }
}
