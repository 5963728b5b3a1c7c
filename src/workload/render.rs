//! Writing report lines fast: everything that does not change is rendered once.

use linkloom_schema::time::Timestamp;

use super::plan::Plan;
use super::rng::{Rng, mix};
use super::words::{EXCEPTIONS, LOG_TEXTS, WORDS};

/// Instances of each service.
pub(super) const INSTANCES: u64 = 8;

const HEX: &[u8; 16] = b"0123456789abcdef";

pub(super) fn push_hex(out: &mut Vec<u8>, number: u64) {
    let mut digits = [0; 16];
    for (place, digit) in digits.iter_mut().enumerate() {
        *digit = HEX[(number >> (60 - 4 * place)) as usize & 15];
    }
    out.extend_from_slice(&digits);
}

pub(super) fn push_number(out: &mut Vec<u8>, mut number: u64) {
    let mut digits = [0; 20];
    let mut first = digits.len();
    loop {
        first -= 1;
        digits[first] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[first..]);
}

fn push_words(out: &mut Vec<u8>, rng: &mut Rng, count: usize) {
    let mut bits = 0;
    for number in 0..count {
        // Nine words of seven bits from one random number.
        if number % 9 == 0 {
            bits = rng.next();
        }
        if number > 0 {
            out.push(b' ');
        }
        out.extend_from_slice(WORDS[bits as usize & 127].as_bytes());
        bits >>= 7;
    }
}

/// RFC 3339 texts of instants that mostly lie in the same second.
#[derive(Clone, Debug)]
pub(super) struct Clock {
    second: i64,
    text: String,
}

impl Clock {
    pub(super) fn new() -> Self {
        Self { second: i64::MIN, text: String::new() }
    }

    pub(super) fn push(&mut self, out: &mut Vec<u8>, time: Timestamp) {
        let second = time.seconds();
        if second != self.second {
            self.second = second;
            self.text = civil_text(second.clamp(0, 253_402_300_799));
        }
        out.push(b'"');
        out.extend_from_slice(self.text.as_bytes());
        let micros = time.micros().rem_euclid(1_000_000) as u64;
        out.push(b'.');
        for divisor in [100_000, 10_000, 1_000, 100, 10, 1] {
            out.push(b'0' + (micros / divisor % 10) as u8);
        }
        out.extend_from_slice(b"Z\"");
    }
}

/// `2026-03-01T00:00:00` of a second since the epoch, 1970 to 9999 (civil from days, after Howard Hinnant).
fn civil_text(second: i64) -> String {
    let (days, of_day) = (second.div_euclid(86_400), second.rem_euclid(86_400));
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    let (hour, minute) = (of_day / 3600, of_day / 60 % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{:02}", of_day % 60)
}

/// What never changes of one node.
#[derive(Clone, Debug)]
struct NodeText {
    /// `,"nodeName":"x"`
    name: Vec<u8>,
    /// `,"service":"s","instance":"i","host":"h"` of each instance.
    instances: Vec<Vec<u8>>,
    /// `,"step":"x"`, for the data of logs.
    step: Vec<u8>,
    rpc: bool,
}

/// What never changes of one scene.
#[derive(Clone, Debug)]
struct SceneText {
    nodes: Vec<NodeText>,
    /// `,"case":"x"` of each case.
    cases: Vec<Vec<u8>>,
    /// Whether its reporters give ids; those of the last scene do not.
    ids: bool,
}

/// Who writes a line: what the renderer needs to know of an execution.
pub(super) struct Author<'a> {
    /// `"businessId":"b","sceneId":"s","executionId":"e"`
    pub(super) mark: &'a [u8],
    pub(super) scene: u8,
    pub(super) node: u8,
    /// Number of the content.
    pub(super) content: u64,
    /// Differs between executions.
    pub(super) seed: u64,
    pub(super) trace: (u64, u64),
    pub(super) time: Timestamp,
}

/// Renders report lines. All lines are appended with their line end.
#[derive(Clone, Debug)]
pub(super) struct Renderer {
    scenes: Vec<SceneText>,
    /// `{"type":..,"message":..` of each exception, and its stack, as JSON.
    exceptions: Vec<(Vec<u8>, Vec<u8>)>,
    clock: Clock,
}

/// What a node report says besides its node.
pub(super) struct NodeReport<'a> {
    /// `RUNNING`, `COMPLETED` or `FAILED`.
    pub(super) status: &'static str,
    /// Number of the case in its scene.
    pub(super) case: Option<u8>,
    pub(super) content_type: &'a str,
    /// `meta` of the execution, as JSON; empty: none.
    pub(super) meta: &'a [u8],
}

impl Renderer {
    pub(super) fn new(plans: &[Plan]) -> Self {
        let last = plans.len() - 1;
        let mut services: Vec<&str> =
            plans.iter().flat_map(|plan| plan.nodes.iter().map(|node| node.service.as_str())).collect();
        services.sort_unstable();
        services.dedup();
        let scenes = plans.iter().enumerate().map(|(number, plan)| SceneText {
            nodes: plan
                .nodes
                .iter()
                .map(|node| {
                    let service = services.binary_search(&node.service.as_str()).unwrap_or_default();
                    let instance = |number: u64| {
                        let host = (service as u64 * 5 + number * 3) % 64 + 1;
                        format!(
                            ",\"service\":\"{}\",\"instance\":\"10.{}.{}.{}:8080\",\"host\":\"node-{host:02}\"",
                            node.service,
                            40 + service,
                            number + 1,
                            host + 10,
                        )
                        .into_bytes()
                    };
                    NodeText {
                        name: format!(",\"nodeName\":\"{}\"", node.name).into_bytes(),
                        instances: (0..INSTANCES).map(instance).collect(),
                        step: format!(",\"step\":\"{}\"", node.name).into_bytes(),
                        rpc: node.rpc,
                    }
                })
                .collect(),
            cases: plan.cases.iter().map(|case| format!(",\"case\":\"{case}\"").into_bytes()).collect(),
            ids: number != last,
        });
        let exceptions = EXCEPTIONS.map(|(kind, message, stack)| {
            let head = format!(",\"exception\":{{\"type\":\"{kind}\",\"message\":\"{message}\"").into_bytes();
            let stack = serde_json::to_string(stack.trim_end()).expect("a text is always JSON");
            (head, format!(",\"stack\":{stack}").into_bytes())
        });
        Self { scenes: scenes.collect(), exceptions: exceptions.to_vec(), clock: Clock::new() }
    }

    /// `"businessId":"content-1000001","sceneId":"x","executionId":"<32 hex>"`
    pub(super) fn mark(out: &mut Vec<u8>, content: u64, scene: &str, execution: (u64, u64)) {
        out.extend_from_slice(b"\"businessId\":\"content-");
        push_number(out, content);
        out.extend_from_slice(b"\",\"sceneId\":\"");
        out.extend_from_slice(scene.as_bytes());
        out.extend_from_slice(b"\",\"executionId\":\"");
        push_hex(out, execution.0);
        push_hex(out, execution.1);
        out.push(b'"');
    }

    fn instance(author: &Author<'_>) -> usize {
        (mix(author.seed ^ u64::from(author.node)) % INSTANCES) as usize
    }

    /// Node, time and id.
    fn head(&mut self, out: &mut Vec<u8>, author: &Author<'_>, status: Option<&str>) {
        let scene = &self.scenes[usize::from(author.scene)];
        let node = &scene.nodes[usize::from(author.node)];
        out.extend_from_slice(&node.name);
        if let Some(status) = status {
            out.extend_from_slice(b",\"status\":\"");
            out.extend_from_slice(status.as_bytes());
            out.push(b'"');
        }
        out.extend_from_slice(b",\"time\":");
        if Self::instance(author).is_multiple_of(2) {
            self.clock.push(out, author.time);
        } else {
            push_number(out, author.time.micros().max(0) as u64);
        }
        if scene.ids {
            out.extend_from_slice(b",\"id\":\"");
            push_hex(out, mix(author.time.micros() as u64));
            out.push(b'"');
        }
    }

    /// Who reported it.
    fn tail(&self, out: &mut Vec<u8>, author: &Author<'_>) {
        let node = &self.scenes[usize::from(author.scene)].nodes[usize::from(author.node)];
        out.extend_from_slice(&node.instances[Self::instance(author)]);
        out.extend_from_slice(b",\"traceId\":\"");
        push_hex(out, author.trace.0);
        push_hex(out, author.trace.1);
        out.push(b'"');
        if node.rpc {
            out.extend_from_slice(b",\"spanId\":\"");
            push_hex(out, mix(author.seed.rotate_left(13) ^ u64::from(author.node)));
            out.push(b'"');
        }
    }

    pub(super) fn node_report(
        &mut self,
        out: &mut Vec<u8>,
        author: &Author<'_>,
        report: &NodeReport<'_>,
        rng: &mut Rng,
    ) {
        out.extend_from_slice(b"{\"v\":1,\"type\":\"node\",");
        out.extend_from_slice(author.mark);
        self.head(out, author, Some(report.status));
        let bits = rng.next();
        if report.status == "RUNNING" {
            out.extend_from_slice(b",\"input\":{\"contentId\":");
            push_number(out, author.content);
            out.extend_from_slice(b",\"contentType\":\"");
            out.extend_from_slice(report.content_type.as_bytes());
            out.extend_from_slice(b"\",\"title\":\"");
            push_words(out, rng, 6 + bits as usize % 8);
            out.extend_from_slice(b"\"}");
        } else {
            if let Some(case) = report.case {
                out.extend_from_slice(&self.scenes[usize::from(author.scene)].cases[usize::from(case)]);
            }
            out.extend_from_slice(b",\"output\":{\"ok\":");
            out.extend_from_slice(if report.status == "COMPLETED" { b"true".as_slice() } else { b"false" });
            out.extend_from_slice(b",\"costMs\":");
            push_number(out, bits >> 32 & 1023);
            out.extend_from_slice(b",\"note\":\"");
            push_words(out, rng, 6 + bits as usize % 9);
            out.extend_from_slice(b"\"}");
            if report.status == "FAILED" {
                out.extend_from_slice(&self.exception(author).0);
                out.push(b'}');
            }
        }
        self.tail(out, author);
        if !report.meta.is_empty() {
            out.extend_from_slice(b",\"meta\":");
            out.extend_from_slice(report.meta);
        }
        out.extend_from_slice(b"}\n");
    }

    fn exception(&self, author: &Author<'_>) -> &(Vec<u8>, Vec<u8>) {
        &self.exceptions[author.seed as usize % self.exceptions.len()]
    }

    pub(super) fn log(
        &mut self,
        out: &mut Vec<u8>,
        author: &Author<'_>,
        marked: bool,
        level: &'static str,
        stack: bool,
        rng: &mut Rng,
    ) {
        out.extend_from_slice(b"{\"v\":1,\"type\":\"log\"");
        if marked {
            out.push(b',');
            out.extend_from_slice(author.mark);
        }
        self.head(out, author, None);
        let bits = rng.next();
        out.extend_from_slice(b",\"level\":\"");
        out.extend_from_slice(level.as_bytes());
        out.extend_from_slice(b"\",\"message\":\"");
        out.extend_from_slice(LOG_TEXTS[bits as usize & 15].as_bytes());
        out.extend_from_slice(b": ");
        push_words(out, rng, 3 + (bits >> 8) as usize % 8);
        out.extend_from_slice(b"\",\"data\":{\"contentId\":");
        push_number(out, author.content);
        let node = &self.scenes[usize::from(author.scene)].nodes[usize::from(author.node)];
        out.extend_from_slice(&node.step);
        out.extend_from_slice(b",\"costMs\":");
        push_number(out, bits >> 32 & 1023);
        out.push(b'}');
        if stack {
            let (head, stack) = self.exception(author);
            out.extend_from_slice(head);
            out.extend_from_slice(stack);
            out.push(b'}');
        }
        self.tail(out, author);
        out.extend_from_slice(b"}\n");
    }

    /// A line no decoder can read: half a report, plain text, invalid UTF-8, an array, or an id that is too long.
    pub(super) fn malformed(&mut self, out: &mut Vec<u8>, author: &Author<'_>, rng: &mut Rng) {
        let first = out.len();
        match rng.below(5) {
            0 => {
                self.log(out, author, true, "INFO", false, rng);
                let half = first + (out.len() - first) / 2;
                out.truncate(half);
                out.push(b'\n');
            }
            1 => {
                self.clock.push(out, author.time);
                out.extend_from_slice(b" ERROR [worker-7] c.e.flow.FlowRunner - ");
                push_words(out, rng, 12);
                out.push(b'\n');
            }
            2 => {
                self.log(out, author, true, "WARN", false, rng);
                // Within the business id.
                out[first + 40] = 0xff;
            }
            3 => {
                out.extend_from_slice(b"[\"");
                push_words(out, rng, 20);
                out.extend_from_slice(b"\"]\n");
            }
            _ => {
                out.extend_from_slice(
                    b"{\"v\":1,\"type\":\"log\",\"businessId\":\"content-1\",\"sceneId\":\"import\"",
                );
                out.extend_from_slice(b",\"executionId\":\"");
                for _ in 0..20 {
                    push_hex(out, author.seed);
                }
                out.extend_from_slice(b"\",\"message\":\"too long an id\"}\n");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn civil_times() {
        for (second, want) in [
            (0, "1970-01-01T00:00:00"),
            (951_782_399, "2000-02-28T23:59:59"),
            (951_782_400, "2000-02-29T00:00:00"),
            (1_772_323_200, "2026-03-01T00:00:00"),
            (4_102_444_799, "2099-12-31T23:59:59"),
        ] {
            assert_eq!(civil_text(second), want);
        }
    }

    #[test]
    fn numbers_and_hex() {
        let mut out = Vec::new();
        push_number(&mut out, 0);
        push_number(&mut out, u64::MAX);
        push_hex(&mut out, 0xabc);
        assert_eq!(out, b"0184467440737095516150000000000000abc");
    }
}
