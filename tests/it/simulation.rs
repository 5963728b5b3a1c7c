//! The pipeline on one thread and a simulated clock, with everything going wrong on purpose.
//!
//! Each seed makes a set of reports on a few partitions and a run of steps: reading, flushing, writing, summing up, time
//! passing, the store refusing before or after (or in the middle of) taking effect, reads failing, the process dying.
//! After every step what was promised must hold; at the end everything comes to rest, the counts balance and the
//! answers are those of an undisturbed run. `SIM_SEED=n` replays one seed, `SIM_SEEDS=n` runs so many.

mod process;
mod sim;

use linkloom_assembler::settings::WindowSettings;
use linkloom_ingest::decode::Limits;
use serde_json::json;

use crate::support::feeding::PAYLOAD_BYTES_MAX;
use crate::support::reports::{BASE, BUSINESSES, World};
use crate::support::{Random, from_env};
use sim::{PARTITIONS, Sim};

const STEPS: usize = 250;

fn limits() -> Limits {
    Limits { payload_bytes_max: PAYLOAD_BYTES_MAX, ..Limits::default() }
}

#[test]
fn what_goes_wrong_changes_nothing() {
    let seeds = match std::env::var("SIM_SEED") {
        Ok(_) => {
            let seed = from_env("SIM_SEED", 0);
            seed..seed + 1
        }
        Err(_) => 0..from_env("SIM_SEEDS", 60),
    };
    let mut crashes = 0;
    for seed in seeds.clone() {
        println!("SIM_SEED={seed}");
        let mut sim = Sim::new(seed);
        for _ in 0..STEPS {
            sim.step();
            sim.check();
        }
        sim.drain();
        sim.check_answers();
        crashes += sim.crashes;
    }
    assert!(crashes > 0 || seeds.end - seeds.start < 5, "some processes must have died");
}

#[test]
fn a_trace_that_cannot_be_looked_up_is_taken_for_one_that_joins_reports() {
    let lines = [
        json!({"traceId": "t", "nodeName": "B", "status": "FAILED", "time": BASE}).to_string(),
        json!({"businessId": BUSINESSES[0], "sceneId": "bare", "executionId": "e0", "time": BASE, "traceId": "t"})
            .to_string(),
    ];
    let mut topic = vec![Vec::new(); PARTITIONS];
    topic[0] = lines.to_vec();
    let mut sim = Sim::of(World { lines: lines.to_vec() }, topic, Random(1));
    sim.settings.windows = WindowSettings { summary_delay_ms: 0, ..WindowSettings::default() };
    (sim.arrived[0], sim.flush_max) = (2, 100);
    sim.die();
    sim.start();
    for _ in 0..2 {
        sim.read(0, 1);
        sim.submit();
        // Taken, sealed and written.
        (0..3).for_each(|_| sim.work_on(0, false));
        sim.store.fail_reads(1);
        sim.work_on(0, false);
        sim.store.heal();
        sim.work_on(0, false);
        sim.sum_up();
        sim.check();
        sim.check_what_is_left();
    }
    sim.drain();
    sim.check_answers();
}
