//! kill -9 of the process between Kafka and HBase, at any moment.

use super::{Whole, lines};
use crate::support::serve::until;
use crate::support::{Random, from_env};

#[test]
fn killed_at_any_moment_nothing_is_lost_or_doubled_in_hbase() {
    let Some(whole) = Whole::new("killed") else { return };
    let _in_use = whole.hbase.shared();
    let reports = whole.reports(from_env("LINKLOOM_WHOLE_REPORTS", 15_000), 22);
    let bytes = std::fs::read(&reports.path).expect("read");
    let all = lines(&bytes);
    let kills = from_env("LINKLOOM_WHOLE_KILLS", 4);
    let mut random = Random(from_env("LINKLOOM_KILL_SEED", 1));
    for part in all.chunks(all.len().div_ceil(kills as usize)) {
        // What it is killed in is still being written when it starts.
        let (before, meanwhile) = part.split_at(part.len() / 2);
        whole.write(before);
        let mut server = whole.start();
        whole.write(meanwhile);
        // By what it has done of the part: read it, or written it to HBase, or nothing at all yet.
        let (name, of) = match random.below(3) {
            0 => ("linkloom_positions_read_total", part.len()),
            1 => ("linkloom_store_cells_written_total", part.len() / 4),
            _ => ("linkloom_assembler_summaries_total", part.len() / 40),
        };
        let much = random.below(of) as u64;
        until("it has done enough", || {
            server.is_running();
            server.metric(name).is_some_and(|done| done >= much)
        });
        server.kill();
    }
    let mut server = whole.start();
    whole.wait_for_all(&mut server);
    server.stop();
    whole.assert_all_is_there(&reports);
}
