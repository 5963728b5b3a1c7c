//! The same reports give the same answers, byte for byte, from HBase and from the embedded store.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use linkloom::config::Config;
use linkloom::service::open_embedded;
use linkloom_schema::ids::LinkMark;
use linkloom_schema::time::Timestamp;

use super::servers::hbase_servers;
use super::{config, load, store, workload};
use crate::support::answers::ask;
use crate::workplace::files_below;

/// Executions that are asked about; all their business ids are listed.
const ASKED: usize = 60;

#[test]
fn answers_are_those_of_the_embedded_store() {
    let Some(servers) = hbase_servers() else { return };
    let _in_use = servers.shared();
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("reports.ndjson");
    let expected = workload(&file, 12_000, 7);
    let samples = files_below(&Path::new(env!("CARGO_MANIFEST_DIR")).join("dsl-samples"));
    let mut files: Vec<&Path> = samples
        .iter()
        .map(|path| &**path)
        .filter(|path| path.extension().is_some_and(|e| e == "ndjson"))
        .collect();
    files.push(&file);

    let mut config = config(servers, "answers");
    // Several flushes, several packs an execution, several calls a batch.
    config.flush.reports_max = 2_000;
    config.flush.packs_per_row_max = 16;
    config.hbase.batch_cells = 300;
    let began = Instant::now();
    let hbase = load(store(&config), &config, &files);
    eprintln!("{} lines into HBase in {:?}", 12_000, began.elapsed());
    let embedded = open_embedded(&folder.path().join("store"), &Config::default()).expect("opened");
    let embedded = load(Arc::new(embedded), &config, &files);

    let mut marks: Vec<LinkMark> =
        expected.iter().step_by((expected.len() / ASKED).max(1)).map(|of| of.mark.clone()).collect();
    let sample = |b: &str, s: &str, e: &str| LinkMark::new(b, s, e).expect("a mark");
    marks.push(sample("sample-1", "sample-link", "run-1"));
    marks.push(sample("content-42", "realtime-input", "5f2c"));
    let businesses: BTreeSet<&str> = marks.iter().map(|mark| &*mark.business_id).collect();
    // Lists must agree with what is shown, so that all of a business id is asked about.
    let mut all: Vec<LinkMark> = expected
        .iter()
        .map(|of| of.mark.clone())
        .filter(|mark| businesses.contains(&*mark.business_id))
        .collect();
    let key = |mark: &LinkMark| (mark.business_id.clone(), mark.scene_id.clone(), mark.execution_id.clone());
    all.sort_by_key(key);
    let generated: BTreeSet<&str> = all.iter().map(|mark| &*mark.business_id).collect();
    let generated: Vec<&str> = generated.into_iter().collect();
    let instants = [Timestamp(1_772_323_200_000_000), Timestamp(1_900_000_000_000_000)];
    let began = Instant::now();
    let of_hbase = ask(&hbase, &generated, &all, &instants);
    eprintln!("all answers on {} executions from HBase in {:?}", all.len(), began.elapsed());
    let of_embedded = ask(&embedded, &generated, &all, &instants);
    assert_eq!(of_hbase.differs(&of_embedded), None);
    // Those of the samples, where lists are longer than what is asked about here.
    for mark in &marks {
        let answer = |open: &linkloom::service::OpenStore| {
            let show = |answer: &linkloom_schema::answer::ExecutionAnswer<'_>| serde_json::to_string(answer);
            open.reader()
                .show(mark, instants[1], show)
                .expect("answered")
                .expect("it is stored")
                .expect("JSON")
        };
        assert_eq!(answer(&hbase), answer(&embedded));
    }
    // And they are right.
    let reader = hbase.reader();
    for of in expected.iter().filter(|of| businesses.contains(&*of.mark.business_id)) {
        let counts = reader.show(&of.mark, instants[1], |answer| answer.counts).expect("answered");
        let counts = counts.unwrap_or_else(|| panic!("{:?} is lost", of.mark));
        let wanted = (u64::from(of.node_reports), u64::from(of.logs));
        assert_eq!((counts.reports - counts.logs, counts.logs), wanted, "{:?}", of.mark);
    }
}
