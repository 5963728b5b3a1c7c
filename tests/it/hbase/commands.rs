//! The commands on HBase.

use super::servers::hbase_servers;
use crate::workplace::Workplace;

#[test]
fn tables_are_made_checked_and_used() {
    let Some(servers) = hbase_servers() else { return };
    let _in_use = servers.shared();
    let prefix = format!("whole{}_commands_", std::process::id());
    let gateway = servers.gateway();
    let place = Workplace::new()
        .with_env("LINKLOOM__HBASE__TABLE_PREFIX", &prefix)
        .with_env("LINKLOOM__STORE__RETENTION_DAYS", "3650");
    for file in ["sample-link.json", "sample-link.ndjson"] {
        place.copy(&format!("dsl-samples/{file}"));
    }
    let on = |arguments: &[&str]| place.run(&[arguments, &["--hbase", &gateway]].concat());

    let missing = on(&["hbase", "check"]).ended_with(1).out;
    assert_eq!(missing.lines().count(), 8, "{missing}");
    assert!(missing.contains(&format!("table {prefix}link is missing\n")), "{missing}");
    let said = on(&["ingest", "--no-progress", "sample-link.ndjson"]).ended_with(2).err;
    assert!(said.contains("a table is missing, `linkloom hbase init`"), "{said}");

    let made = on(&["hbase", "init"]).ended_with(0).out;
    assert!(made.lines().count() == 8 && made.lines().all(|line| line.starts_with("made ")), "{made}");
    let again = on(&["hbase", "init", "--compression", "gz"]).ended_with(0).out;
    assert!(again.lines().all(|line| line.starts_with("there already ")), "{again}");
    on(&["hbase", "check"]).ended_with(0);

    on(&["dsl", "put", "sample-link.json"]).ended_with(0);
    on(&["ingest", "--no-progress", "sample-link.ndjson"]).ended_with(0);
    // What was read is remembered in HBase.
    let again = on(&["ingest", "--no-progress", "sample-link.ndjson"]).ended_with(0).err;
    assert!(again.contains("was ingested before, nothing is new"), "{again}");
    on(&["verify", "sample-link.ndjson"]).ended_with(0);
    on(&["link", "wait", "sample-1", "sample-link", "run-1", "--timeout", "10s"]).ended_with(0);
    on(&["unlinked", "list"]).ended_with(0);
    place.run_with(&["ingest", "--no-progress", "--hbase", &gateway, "-"], b"not a report\n").ended_with(0);
    let dead = on(&["dead", "list", "--output", "json"]).ended_with(0).json();
    assert_eq!(dead["deadLetters"].as_array().map(Vec::len), Some(1), "{dead}");
    on(&["dead", "replay", "--all"]).ended_with(0);

    // The same bytes as from a store of one's own, and the configuration names HBase as well as the flag does.
    place.run(&["dsl", "put", "--store", "S", "sample-link.json"]).ended_with(0);
    place.run(&["ingest", "--no-progress", "--store", "S", "sample-link.ndjson"]).ended_with(0);
    place.write("linkloom.toml", format!("[hbase]\ngateways = [\"{gateway}\"]\nframed = false\n"));
    for question in [
        &["link", "list", "sample-1", "--as-of", "2026-12-01", "--output", "json"][..],
        &["link", "show", "sample-1", "sample-link", "run-1", "--as-of", "2026-12-01", "--output", "json"],
        &[
            "node",
            "show",
            "sample-1",
            "sample-link",
            "run-1",
            "A",
            "--as-of",
            "2026-12-01",
            "--output",
            "json",
        ],
    ] {
        let of_store = place.run(&[question, &["--store", "S"]].concat()).ended_with(0).out;
        assert_eq!(on(question).ended_with(0).out, of_store);
        let configured = [question, &["--config", "linkloom.toml"]].concat();
        assert_eq!(place.run(&configured).ended_with(0).out, of_store);
    }

    // Another retention is a difference.
    let place = place.with_env("LINKLOOM__STORE__RETENTION_DAYS", "7");
    let odd = place.run(&["hbase", "check", "--hbase", &gateway]).ended_with(1).out;
    let line = format!("table {prefix}link, family b: TTL is 315450000, not 694800 (store.retention_days)\n");
    assert!(odd.contains(&line) && odd.lines().count() == 10, "{odd}");
}

#[test]
fn the_script_needs_no_hbase_and_flags_say_which_store() {
    let place = Workplace::new();
    let script = place.run(&["hbase", "ddl", "--regions", "2", "--compression", "zstd"]).ended_with(0).out;
    assert!(script.contains("SPLITS => ['80']") && script.contains("COMPRESSION => 'ZSTD'"), "{script}");
    place.run(&["hbase", "ddl", "--regions", "257"]).ended_with(2);
    let said = place.run(&["hbase", "check"]).ended_with(2).err;
    assert!(said.contains("no HBase: name its gateways with --hbase HOST:PORT"), "{said}");
    let said = place.run(&["link", "list", "x", "--store", "S", "--hbase", "localhost:1"]).ended_with(2).err;
    assert!(said.contains("--store and --hbase name two stores"), "{said}");
    let said = place.run(&["link", "list", "x", "--hbase", "localhost"]).ended_with(2).err;
    assert!(said.contains("\"localhost\" is not HOST:PORT"), "{said}");
    let said = place.run(&["link", "list", "x", "--hbase", "127.0.0.1:1"]).ended_with(2).err;
    assert!(said.contains("on HBase at 127.0.0.1:1: 127.0.0.1:1: ") && said.lines().count() == 1, "{said}");
    // A flag goes over the environment.
    let place = place.with_env("LINKLOOM_HBASE", "127.0.0.1:1");
    let said = place.run(&["link", "list", "x", "--store", "S"]).ended_with(2).err;
    assert!(said.contains("there is no store at S"), "{said}");
}
