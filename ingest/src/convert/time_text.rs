//! Times as tables and event logs write them.

use jiff::civil::Time;
use jiff::fmt::strtime;
use jiff::fmt::temporal::Pieces;
use jiff::tz::{Offset, TimeZone};
use linkloom_schema::time::Timestamp;

/// How times are read.
#[derive(Clone, Debug)]
pub(super) struct TimeReader {
    /// `strptime` format; without one: ISO 8601 and numbers since the epoch.
    format: Option<String>,
    /// Offset of times that carry none.
    offset: Offset,
}

impl TimeReader {
    /// `offset_secs`: seconds east of UTC for times without an offset; out of range (26 hours) counts as UTC.
    pub(super) fn new(format: Option<&str>, offset_secs: i32) -> Self {
        let offset = Offset::from_seconds(offset_secs).unwrap_or(Offset::UTC);
        Self { format: format.map(str::to_owned), offset }
    }

    /// Reads one time: `None` if it is not one.
    ///
    /// Without a format: `2014-05-20T01:00:00+03:00`, with a space or `T`, fraction, seconds, offset (also `+0300`, `Z`)
    /// and time of day optional; or a number since the epoch in s (also decimal), ms, µs or ns, told by magnitude.
    pub(super) fn read(&self, text: &str) -> Option<Timestamp> {
        let text = text.trim();
        if let Some(format) = &self.format {
            return self.read_formatted(format, text);
        }
        if let Some(time) = epoch(text) {
            return Some(time);
        }
        let pieces = Pieces::parse(text).ok()?;
        let civil = pieces.date().to_datetime(pieces.time().unwrap_or(Time::midnight()));
        let offset = match pieces.to_numeric_offset() {
            Some(offset) => offset,
            None if pieces.time_zone_annotation().is_some() => return None,
            None => self.offset,
        };
        micros(offset.to_timestamp(civil).ok()?)
    }

    fn read_formatted(&self, format: &str, text: &str) -> Option<Timestamp> {
        let parsed = strtime::parse(format, text).ok()?;
        if parsed.offset().is_some() || parsed.timestamp().is_some() {
            return micros(parsed.to_timestamp().ok()?);
        }
        let civil = match parsed.to_datetime() {
            Ok(civil) => civil,
            Err(_) => parsed.to_date().ok()?.to_datetime(Time::midnight()),
        };
        micros(TimeZone::fixed(self.offset).to_timestamp(civil).ok()?)
    }
}

fn micros(time: jiff::Timestamp) -> Option<Timestamp> {
    Some(Timestamp(time.as_microsecond()))
}

/// A number since the epoch, told by magnitude: up to 10^11 s, to 10^14 ms, to 10^17 µs, above ns.
fn epoch(text: &str) -> Option<Timestamp> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    // Eight digits may be a date without dashes; no epoch number of this century is that short.
    if whole.len() < 9 || whole.len() > 20 || !digits(whole) || !digits(fraction) {
        return None;
    }
    let number: i128 = whole.parse().ok()?;
    let fraction: i128 = format!("{:0<6}", fraction.get(..fraction.len().min(6))?).parse().ok()?;
    let micros = if number < 100_000_000_000 {
        number * 1_000_000 + fraction
    } else if number < 100_000_000_000_000 {
        number * 1_000 + fraction / 1_000
    } else if number < 100_000_000_000_000_000 {
        number
    } else {
        number / 1_000
    };
    i64::try_from(micros).ok().map(Timestamp)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(format: Option<&str>, offset_secs: i32, text: &str, want: &str) {
        let got = TimeReader::new(format, offset_secs).read(text);
        let got = got
            .map_or("none".to_owned(), |time| jiff::Timestamp::from_microsecond(time.0).unwrap().to_string());
        assert_eq!(got, want, "{text:?}");
    }

    #[test]
    fn iso_times_with_and_without_offset() {
        check(None, 0, "2014-05-20T01:00:00+03:00", "2014-05-19T22:00:00Z");
        check(None, 0, "2023-04-17 08:13:00.000001+00:00", "2023-04-17T08:13:00.000001Z");
        check(None, 0, "2023-02-09T08:02:40.621", "2023-02-09T08:02:40.621Z");
        check(None, 7200, "2023-02-09T08:02:40.621", "2023-02-09T06:02:40.621Z");
        check(None, 7200, "2023-02-09T08:02:40Z", "2023-02-09T08:02:40Z");
        check(None, 0, "2023-02-09 08:02", "2023-02-09T08:02:00Z");
        check(None, -3600, "2023-02-09", "2023-02-09T01:00:00Z");
        check(None, 0, "2023-02-09T08:02:40+0100", "2023-02-09T07:02:40Z");
        check(None, 0, " 2023-02-09T08:02:40.123456789Z ", "2023-02-09T08:02:40.123456Z");
    }

    #[test]
    fn numbers_since_the_epoch_by_magnitude() {
        check(None, 0, "1547430586", "2019-01-14T01:49:46Z");
        check(None, 0, "1547430586.25", "2019-01-14T01:49:46.25Z");
        check(None, 0, "1547430586952", "2019-01-14T01:49:46.952Z");
        check(None, 0, "1547430586952001", "2019-01-14T01:49:46.952001Z");
        check(None, 0, "1547430586952001999", "2019-01-14T01:49:46.952001Z");
        check(None, 0, "20190114", "2019-01-14T00:00:00Z");
    }

    #[test]
    fn formats_given_by_the_caller() {
        check(Some("%d.%m.%Y %H:%M"), 3600, "14.01.2019 02:49", "2019-01-14T01:49:00Z");
        check(Some("%d/%m/%Y"), 0, "14/01/2019", "2019-01-14T00:00:00Z");
        check(Some("%d/%m/%Y %H:%M:%S %z"), 3600, "14/01/2019 02:49:01 +0200", "2019-01-14T00:49:01Z");
        check(Some("%d.%m.%Y"), 0, "2019-01-14", "none");
    }

    #[test]
    fn what_is_no_time() {
        for text in [
            "",
            "x",
            "NaN",
            "2023-13-01",
            "2023-02-09T08:02:40+99:00",
            "12.5",
            "2023-02-09T08:00[Europe/Rome]",
        ] {
            check(None, 0, text, "none");
        }
        check(None, 0, "999999999999999999999", "none");
    }
}
