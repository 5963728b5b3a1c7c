//! From the bytes of a line to a [`Report`]: report format version 1, with all the tolerance it names and no more
//! (`docs/report-format.md`).

use std::borrow::Cow;

use linkloom_schema::ids::{ID_BYTES_MAX, check_id};
use linkloom_schema::report::{self, Identity, Line, Mark, Payload, Report};
pub use linkloom_schema::report::{Reason, Refusal};
use linkloom_schema::time::Timestamp;

use crate::source::Record;

/// What a report may be, and how its mark is cut.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Longest report in bytes; longer ones are refused.
    pub report_bytes_max: usize,
    /// Longest payload in bytes without insignificant whitespace; longer ones are cut, with a mark.
    pub payload_bytes_max: usize,
    /// What separates the ids in `linkMark`; scene and execution id must not contain it.
    pub mark_separator: Box<str>,
}

impl Default for Limits {
    fn default() -> Self {
        Limits { report_bytes_max: 1 << 20, payload_bytes_max: 256 << 10, mark_separator: "_".into() }
    }
}

/// What happened to accepted reports, for metrics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Reports whose own time was absent or absurd.
    pub times_substituted: u64,
    /// Payloads that were longer than their limit.
    pub payloads_cut: u64,
    /// `linkMark`s with more than two separators: the business id holds some, or the mark is wrong.
    pub marks_with_more_separators: u64,
}

/// Decodes lines one after another. Keeps a buffer and a tally between them and nothing else: every line stands alone.
#[derive(Debug, Default)]
pub struct Decoder {
    limits: Limits,
    scratch: Vec<u8>,
    /// Counted since this decoder was made; the owner may reset it.
    pub tally: Tally,
}

/// Decodes one line: [`Decoder::decode`] for those who have only one.
pub fn decode<'a>(
    line: &'a [u8],
    source_time: Option<Timestamp>,
    limits: &Limits,
) -> Result<Report<'a>, Refusal> {
    Decoder::new(limits.clone()).decode(line, source_time)
}

impl Decoder {
    /// A decoder with these limits.
    pub fn new(limits: Limits) -> Self {
        Decoder { limits, scratch: Vec::with_capacity(1024), tally: Tally::default() }
    }

    /// Its limits.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Decodes one line.
    ///
    /// Shape: `line` is one JSON object, whitespace around it and a byte order mark before it are skipped. `source_time`
    /// is what the source knows about when the line was written (a Kafka record's time); it stands in for a time that is
    /// absent or absurd, if it is not absurd itself.
    /// Errors: a [`Refusal`], whatever the bytes; never panics.
    pub fn decode<'a>(
        &mut self,
        line: &'a [u8],
        source_time: Option<Timestamp>,
    ) -> Result<Report<'a>, Refusal> {
        if line.len() > self.limits.report_bytes_max {
            return Err(self.too_long(line.len() as u64));
        }
        let text = std::str::from_utf8(line).map_err(not_utf8)?;
        let mut line = Line::default();
        report::read(text.strip_prefix('\u{feff}').unwrap_or(text), &mut line)?;
        let mark = self.mark(&mut line)?;
        let mut report = line.report;
        report.mark = mark;
        report.identity = Identity::of(&report, line.own_time, &mut self.scratch);
        self.cut(&mut report);
        report.time = line.own_time.filter(|time| time.is_sane());
        if report.time.is_none() {
            report.time = source_time.filter(|time| time.is_sane());
            report.time_substituted = true;
            self.tally.times_substituted += 1;
        }
        Ok(report)
    }

    /// Decodes a record of a source, which may hold only the beginning of a line that is too long.
    pub fn decode_record<'a>(&mut self, record: &Record<'a>) -> Result<Report<'a>, Refusal> {
        if record.full_length > record.bytes.len() as u64 {
            return Err(self.too_long(record.full_length));
        }
        self.decode(record.bytes, record.time)
    }

    /// The refusal of a report of `bytes` bytes, more than are allowed.
    #[cold]
    fn too_long(&self, bytes: u64) -> Refusal {
        let max = self.limits.report_bytes_max;
        Refusal::new(Reason::TooLong, format!("the report is {bytes} bytes long, at most {max} are allowed"))
    }

    /// The mark: three ids, or one string, or both if they agree, or none.
    fn mark<'a>(&mut self, line: &mut Line<'a>) -> Result<Option<Mark<'a>>, Refusal> {
        let ids = (line.business_id.take(), line.scene_id.take(), line.execution_id.take());
        let three = match ids {
            (Some(business_id), Some(scene_id), Some(execution_id)) => {
                Some(Mark { business_id, scene_id, execution_id })
            }
            (None, None, None) => None,
            (business_id, scene_id, execution_id) => {
                return Err(incomplete_mark([business_id, scene_id, execution_id]));
            }
        };
        let Some(link_mark) = line.link_mark.take() else { return Ok(three) };
        let one = self.cut_mark(link_mark)?;
        match three {
            Some(three) if three != one => {
                let detail = "linkMark and the ids businessId, sceneId, executionId name different executions; \
                              allowed is one of them, or both if they agree";
                Err(Refusal::new(Reason::Mark, detail))
            }
            _ => Ok(Some(one)),
        }
    }

    /// Cuts `business_scene_execution` at its last two separators.
    fn cut_mark<'a>(&mut self, link_mark: Cow<'a, str>) -> Result<Mark<'a>, Refusal> {
        let separator = &*self.limits.mark_separator;
        let cut = |text: &str| -> Option<(usize, usize)> {
            let second = text.rfind(separator)?;
            let first = text[..second].rfind(separator)?;
            Some((first, second))
        };
        let Some((first, second)) = cut(&link_mark).filter(|_| !separator.is_empty()) else {
            let detail = format!(
                "linkMark has fewer than two separators {separator:?}; \
                 allowed is businessId{separator}sceneId{separator}executionId"
            );
            return Err(Refusal::new(Reason::Mark, detail));
        };
        let width = separator.len();
        let more = link_mark[..first].contains(separator);
        let part = |from: usize, to: usize| match &link_mark {
            Cow::Borrowed(text) => Cow::Borrowed(&text[from..to]),
            Cow::Owned(text) => Cow::Owned(text[from..to].to_owned()),
        };
        let mark = Mark {
            business_id: part(0, first),
            scene_id: part(first + width, second),
            execution_id: part(second + width, link_mark.len()),
        };
        check_id("businessId in linkMark", &mark.business_id, ID_BYTES_MAX)?;
        check_id("sceneId in linkMark", &mark.scene_id, ID_BYTES_MAX)?;
        check_id("executionId in linkMark", &mark.execution_id, ID_BYTES_MAX)?;
        self.tally.marks_with_more_separators += u64::from(more);
        Ok(mark)
    }

    fn cut(&mut self, report: &mut Report<'_>) {
        let max = self.limits.payload_bytes_max;
        let payloads = [
            &mut report.input,
            &mut report.output,
            &mut report.data,
            &mut report.exception,
            &mut report.meta,
            &mut report.attributes,
        ];
        for payload in payloads {
            let cut = payload.as_mut().is_some_and(|payload: &mut Payload<'_>| payload.cut_to(max));
            self.tally.payloads_cut += u64::from(cut);
        }
    }
}

#[cold]
fn not_utf8(error: std::str::Utf8Error) -> Refusal {
    Refusal::new(Reason::NotUtf8, format!("invalid UTF-8 at byte {}", error.valid_up_to()))
}

#[cold]
fn incomplete_mark(ids: [Option<Cow<'_, str>>; 3]) -> Refusal {
    const NAMES: [&str; 3] = ["businessId", "sceneId", "executionId"];
    let pick = |present: bool| {
        let names = NAMES.iter().zip(&ids).filter(|(_, id)| id.is_some() == present).map(|(name, _)| *name);
        names.collect::<Vec<_>>().join(" and ")
    };
    let (given, lacking) = (pick(true), pick(false));
    let detail = format!("{given} without {lacking}; allowed are all three, linkMark, or none");
    Refusal::new(Reason::Mark, detail)
}
