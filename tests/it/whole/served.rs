//! A topic served into HBase: the answers are those of the same reports from a file in an embedded store.

use super::{Whole, lines};
use crate::support::from_env;
use crate::support::serve::until;

#[test]
fn a_topic_in_hbase_is_answered_like_a_file_in_an_embedded_store() {
    let Some(whole) = Whole::new("served") else { return };
    let _in_use = whole.hbase.shared();
    let reports = whole.reports(from_env("LINKLOOM_WHOLE_REPORTS", 12_000), 21);
    let bytes = std::fs::read(&reports.path).expect("read");
    let all = lines(&bytes);
    let (before, meanwhile) = all.split_at(all.len() / 2);
    whole.write(before);
    // Nothing fails here, unless HBase takes longer for a call than on any machine.
    let patient = [("LINKLOOM__HBASE__TIMEOUT_MS", "60000".to_owned())];
    let mut server = whole.start_with(&whole.hbase.gateway(), &patient);
    whole.write(meanwhile);
    until("it is ready", || server.get("/readyz") == Some((200, "ready\n".to_owned())));
    whole.wait_for_all(&mut server);
    assert_eq!(server.metric("linkloom_positions_read_total"), Some(all.len() as u64));

    let metrics = server.metrics().expect("metrics");
    let value = |start: &str| {
        let line = metrics.lines().find_map(|line| line.strip_prefix(start));
        line.and_then(|value| value.trim().parse::<f64>().ok())
            .unwrap_or_else(|| panic!("{start} in\n{metrics}"))
    };
    assert!(value("linkloom_hbase_calls_total{method=\"write\",outcome=\"answered\"}") > 0.0);
    assert_eq!(value("linkloom_hbase_calls_total{method=\"write\",outcome=\"failed\"}"), 0.0);
    let writes = value("linkloom_store_write_seconds_count");
    assert!(writes > 0.0 && writes == value("linkloom_flush_seconds_count"));
    // HBase belongs to nobody: a command reads it beside the process that writes it.
    let verified = whole.run(&["verify", "--output", "json"]);
    assert!(verified.contains("\"missing\":0"), "{verified}");
    let log = server.stop();
    assert!(!log.contains("ERROR") && !log.contains("WARN"), "{log}");

    whole.assert_all_is_there(&reports);
    let cells = whole.cells();
    for _ in 0..2 {
        let said = whole.run(&["backfill", "--no-progress"]);
        let total = linkloom::terminal::grouped(all.len() as u64);
        let line = format!("{total} records of {} read, {total} of them were stored before", whole.name);
        assert!(said.contains(&line), "{line} in\n{said}");
        assert_eq!(whole.cells(), cells);
    }
}
