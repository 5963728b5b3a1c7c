//! Several processes share the partitions of one topic and the tables in HBase; each execution is summed up by one of them.

use super::{BLOCK, PARTITIONS, Whole, lines};
use crate::support::from_env;
use crate::support::kafka::write_lines;
use crate::support::serve::{Server, until};

/// Whether a process has read reports.
fn reads(server: &Server) -> bool {
    server.metric("linkloom_positions_read_total").is_some_and(|read| read > 0)
}

/// Waits until each process has a partition of reports. What is written earlier may be read by some of them alone.
fn wait_until_shared(whole: &Whole, servers: &[Server]) {
    let of_reports = format!("topic=\"{}\"", whole.name);
    let has_one = |server: &Server| {
        server.metrics().is_some_and(|metrics| {
            metrics.lines().any(|line| line.starts_with("linkloom_kafka_lag{") && line.contains(&of_reports))
        })
    };
    until("each has a partition", || servers.iter().all(has_one));
}

fn member(whole: &Whole, number: usize) -> Server {
    let more = [
        ("LINKLOOM__KAFKA__INSTANCE_ID", String::new()),
        // One that is killed is missed soon.
        ("LINKLOOM__KAFKA__OPTIONS__SESSION_TIMEOUT_MS", "6000".to_owned()),
        ("LINKLOOM__KAFKA__OPTIONS__HEARTBEAT_INTERVAL_MS", "500".to_owned()),
    ];
    whole.start_member(&format!("serve-{number}.log"), &more)
}

#[test]
fn two_then_four_then_one_process_lose_nothing_and_sum_up_each_execution_once() {
    let Some(whole) = Whole::new("scaled") else { return };
    two_then_four_then_one(&whole, 24);
}

#[test]
fn the_same_without_a_topic_of_digests_where_records_are_keyed() {
    let Some(whole) = Whole::new("keyed") else { return };
    two_then_four_then_one(&Whole { keyed: true, ..whole }, 25);
}

#[test]
fn a_backfill_beside_live_processes_hands_over_what_it_stores() {
    let Some(whole) = Whole::new("beside") else { return };
    let _in_use = whole.hbase.shared();
    let reports = whole.reports(from_env("LINKLOOM_WHOLE_REPORTS", 15_000), 26);
    let bytes = std::fs::read(&reports.path).expect("read");
    // Every execution is in both topics: whoever sums it up needs what the others stored.
    let all = lines(&bytes);
    let of = |rest: usize| -> Vec<&[u8]> {
        let lines = all.iter().enumerate().filter(|(number, _)| number % 2 == rest);
        lines.map(|(_, line)| *line).collect()
    };
    let older = format!("{}-older", whole.name);
    whole.broker.topic(&older, PARTITIONS);
    write_lines(&whole.writer, &older, PARTITIONS, BLOCK, &of(1));
    whole.writer.flush().expect("written");

    let mut servers = vec![member(&whole, 0), member(&whole, 1)];
    wait_until_shared(&whole, &servers);
    whole.write(&of(0));
    until("both read", || servers.iter().all(reads));
    whole.run_on(&older, &["backfill", "--no-progress"]);
    // When it ends, its share is given back.
    wait_until_shared(&whole, &servers);
    whole.wait_for_all_of(&mut servers);
    servers.into_iter().for_each(|server| drop(server.stop()));
    whole.assert_all_is_there(&reports);
}

fn two_then_four_then_one(whole: &Whole, seed: u64) {
    let _in_use = whole.hbase.shared();
    let reports = whole.reports(from_env("LINKLOOM_WHOLE_REPORTS", 15_000), seed);
    let bytes = std::fs::read(&reports.path).expect("read");
    let all = lines(&bytes);
    let parts: Vec<&[&[u8]]> = all.chunks(all.len().div_ceil(3)).collect();

    let mut servers = vec![member(whole, 0), member(whole, 1)];
    wait_until_shared(whole, &servers);
    whole.write(parts[0]);
    servers.extend([member(whole, 2), member(whole, 3)]);
    wait_until_shared(whole, &servers);
    whole.write(parts[1]);
    until("all four read", || servers.iter().all(reads));
    // Two are killed in the middle of it, one is stopped: one is left.
    servers.remove(0).kill();
    servers.remove(0).kill();
    whole.write(parts[2]);
    servers.remove(0).stop();
    whole.wait_for_all_of(&mut servers);
    let last = servers.remove(0);
    last.stop();
    whole.assert_all_is_there(&reports);
}
