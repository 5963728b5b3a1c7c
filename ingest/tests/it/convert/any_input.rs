//! Whatever the input, a conversion ends with lines of the report format or an error.

use linkloom_ingest::convert::{Format, TableMapping, convert};
use proptest::prelude::*;

use super::{agrees, read_back};

/// What is written before an error stands: it is read back too.
fn ends_well(format: Format, input: &[u8], mapping: &TableMapping) {
    let mut out = Vec::new();
    let done = convert(format, "input", input, mapping, &mut out);
    let lines = String::from_utf8(out).expect("lines are UTF-8");
    let found = read_back(&lines);
    if let Ok(done) = done {
        agrees(&done, &found);
    }
}

fn mapping() -> impl Strategy<Value = TableMapping> {
    let name = || {
        proptest::option::of(prop_oneof![Just("a".to_owned()), Just("b".to_owned()), Just("c".to_owned())])
    };
    (name(), name(), name(), name(), name(), any::<i32>(), proptest::option::of(any::<u8>())).prop_map(
        |(case, activity, lifecycle, time, start, utc_offset_secs, delimiter)| TableMapping {
            case,
            activity,
            lifecycle,
            time,
            start,
            utc_offset_secs,
            delimiter,
            ..TableMapping::default()
        },
    )
}

/// Text near to a format: its own words in any order.
fn words(words: &'static [&'static str]) -> impl Strategy<Value = String> {
    let word = prop_oneof![8 => proptest::sample::select(words).prop_map(str::to_owned), 1 => ".{0,8}"];
    proptest::collection::vec(word, 0..60).prop_map(|words| words.concat())
}

const XES: &[&str] = &[
    "<log>",
    "</log>",
    "<trace>",
    "</trace>",
    "<event>",
    "</event>",
    "<string key=\"concept:name\" value=\"A\"/>",
    "<string key=\"lifecycle:transition\" value=\"start\"/>",
    "<string key=\"lifecycle:transition\" value=\"complete\"/>",
    "<date key=\"time:timestamp\" value=\"2020-01-01T00:00:00Z\"/>",
    "<date key=\"time:timestamp\" value=\"0001-01-01\"/>",
    "<string key=\"concept:instance\" value=\"1\"/>",
    "<list key=\"l\">",
    "</list>",
    "<values>",
    "</values>",
    "<int key=\"i\" value=\"1e999\"/>",
    "<x",
    "&bad;",
    "<!-- -->",
    "<![CDATA[x]]>",
    "<string key=\"org:resource\" value=\"&#0;\"/>",
    "<date key=\"start_timestamp\" value=\"9999-12-31\"/>",
];
const CSV: &[&str] = &[
    "case",
    "activity",
    "start_time",
    "end_time",
    "time:timestamp",
    "lifecycle",
    "resource",
    ",",
    ",",
    ",",
    "\n",
    "\n",
    "\"",
    "a",
    "b",
    "c",
    "start",
    "complete",
    "assign",
    "2020-01-01",
    "2020-01-02T00:00:00+01:00",
    "1600000000000",
    "99999999999999999999",
    "-9999-01-01",
    " ",
];
const JSON: &[&str] = &[
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\"workflowId\":\"w\",",
    "\"tasks\":[",
    "\"taskId\":\"1\",",
    "\"referenceTaskName\":\"t__1\",",
    "\"iteration\":1,",
    "\"status\":\"COMPLETED\",",
    "\"status\":\"SCHEDULED\",",
    "\"startTime\":1600000000000,",
    "\"endTime\":-1,",
    "\"endTime\":9223372036854775807,",
    "\"startTime\":1e300,",
    "\"inputData\":{\"case\":[[]]},",
    "\"logs\":[\"x\",{}],",
    "\"x\":null",
    "\"taskType\":\"SWITCH\",",
    "1",
    "\"\\ud800\"",
    "null",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..400), mapping in mapping()) {
        for (_, format) in Format::ALL {
            ends_well(format, &bytes, &mapping);
        }
    }

    #[test]
    fn nearly_xes(text in words(XES), whole in any::<bool>()) {
        let text = if whole { format!("<log><trace><event>{text}</event></trace></log>") } else { text };
        ends_well(Format::Xes, text.as_bytes(), &TableMapping::default());
    }

    #[test]
    fn nearly_csv(text in words(CSV), header in any::<bool>(), mapping in mapping()) {
        let text = if header { format!("case,activity,start_time,end_time,lifecycle\n{text}") } else { text };
        ends_well(Format::Csv, text.as_bytes(), &TableMapping::default());
        ends_well(Format::Csv, text.replace("case", "a").as_bytes(), &mapping);
    }

    #[test]
    fn nearly_conductor(text in words(JSON), whole in any::<bool>()) {
        let text = if whole { format!("{{\"workflowId\":\"w\",\"tasks\":[{{{text}\"z\":0}}]}}") } else { text };
        ends_well(Format::Conductor, text.as_bytes(), &TableMapping::default());
    }

    #[test]
    fn tables_of_any_times(times in proptest::collection::vec((any::<u8>(), any::<i64>(), any::<bool>()), 0..40)) {
        let mut table = "case,activity,lifecycle,time\n".to_owned();
        for (case, time, start) in times {
            let transition = if start { "start" } else { "complete" };
            table += &format!("{},n,{transition},{}\n", case % 3, time.unsigned_abs());
        }
        ends_well(Format::Csv, table.as_bytes(), &TableMapping::default());
    }
}
