//! The set-up in `docker-compose.yml` and `deploy/`: its files parse and fit together and to what the binary takes.
//!
//! Nothing is started here. What a file refers to (a service, a mount, a setting, a metric, a runbook) has to be there.

mod agents;
mod alerts;
mod compose;

use std::path::{Path, PathBuf};
use std::process::Command;

use linkloom::config::Config;
use serde_json::Value;

use crate::workplace::{Workplace, files_below};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(file: &str) -> String {
    std::fs::read_to_string(root().join(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

/// A YAML file as the JSON it stands for; keys that come twice are an error.
fn yaml(file: &str) -> Value {
    parse_yaml(&read(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

fn parse_yaml(text: &str) -> Result<Value, String> {
    serde_saphyr::from_str(text).map_err(|error| error.to_string())
}

/// The members of an object, none if it is not there.
fn members(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}

/// The texts of a list, none if it is not there.
fn texts(value: &Value) -> impl Iterator<Item = &str> {
    value
        .as_array()
        .into_iter()
        .flatten()
        .map(|item| item.as_str().unwrap_or_else(|| panic!("{item} is no text")))
}

fn deployed_files() -> Vec<PathBuf> {
    let mut files = files_below(&root().join("deploy"));
    files.push(root().join("docker-compose.yml"));
    files
}

#[test]
fn every_file_parses() {
    let (mut parsed, mut failures) = (0, Vec::new());
    for file in deployed_files() {
        let text = std::fs::read_to_string(&file).expect("a text");
        let failure = match file.extension().and_then(|extension| extension.to_str()).unwrap_or_default() {
            "yml" | "yaml" => parse_yaml(&text).err(),
            "json" => serde_json::from_str::<Value>(&text).err().map(|error| error.to_string()),
            "toml" => text.parse::<toml::Table>().err().map(|error| error.to_string()),
            "xml" => roxmltree::Document::parse(&text).err().map(|error| error.to_string()),
            _ => continue,
        };
        parsed += 1;
        failures.extend(failure.map(|failure| format!("{}: {failure}", file.display())));
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert!(parsed >= 12, "only {parsed} files were found");
}

#[test]
fn yaml_that_is_not_what_it_looks_like_is_refused() {
    for bad in ["a: [1, 2", "a: 1\na: 2", "a:\n\t- b", "a: *nobody"] {
        assert!(parse_yaml(bad).is_err(), "{bad:?}");
    }
    assert_eq!(
        parse_yaml("a: &x [1, two, 'on']\nb: *x").expect("good"),
        serde_json::json!({
            "a": [1, "two", "on"], "b": [1, "two", "on"]
        })
    );
}

/// Every shell script is syntactically right; what they do needs the servers.
#[test]
fn scripts_parse() {
    if Command::new("bash").arg("--version").output().is_err() {
        eprintln!("skipped: no bash");
        return;
    }
    let scripts: Vec<PathBuf> = deployed_files()
        .into_iter()
        .filter(|file| file.extension().is_some_and(|extension| extension == "sh"))
        .collect();
    assert_eq!(scripts.len(), 2, "{scripts:?}");
    for script in scripts {
        let output = Command::new("bash").arg("-n").arg(&script).output().expect("bash runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}

/// The configuration of the set-up is one the binary takes.
#[test]
fn the_configuration_has_no_problems() {
    let place = Workplace::new();
    place.write("linkloom.toml", read("deploy/linkloom.toml"));
    let ran = place.run(&["config", "check", "linkloom.toml"]);
    assert_eq!(ran.code, Some(0), "{}{}", ran.out, ran.err);
}

/// The sample application writes reports, all of which are accepted.
#[test]
fn the_sample_application_writes_reports() {
    let place = Workplace::new();
    let log = place.path("reports.log");
    let played = Command::new("python3")
        .arg(root().join("deploy/sample-app/app.py"))
        .arg(root().join("dsl-samples"))
        .arg(&log)
        .envs([("GAP_SECONDS", "0"), ("ROUNDS", "1"), ("PYTHONDONTWRITEBYTECODE", "1")])
        .output();
    let Ok(played) = played else {
        eprintln!("skipped: no python3");
        return;
    };
    assert!(played.status.success(), "{}", String::from_utf8_lossy(&played.stderr));
    let samples: usize = files_below(&root().join("dsl-samples"))
        .iter()
        .filter(|file| file.extension().is_some_and(|extension| extension == "ndjson"))
        .map(|file| std::fs::read_to_string(file).expect("samples").lines().count())
        .sum();
    let lines = std::fs::read_to_string(&log).expect("a log");
    assert_eq!(lines.lines().count(), samples);
    // Each round is a set of executions of its own.
    for line in lines.lines() {
        let report: Value = serde_json::from_str(line).expect("JSON");
        let round = |id: &Value| id.as_str().and_then(|id| Some(id.rsplit_once('-')?.1.to_owned()));
        assert!(round(&report["businessId"]).is_some_and(|round| round.len() == 8), "{line}");
        for id in
            ["executionId", "subExecutionId"].map(|id| &report[id]).into_iter().filter(|id| !id.is_null())
        {
            assert_eq!(round(id), round(&report["businessId"]), "{line}");
        }
    }
    let dsl = root().join("dsl-samples").display().to_string();
    place.run(&["ingest", "--store", "S", "--strict", "--dsl", &dsl, "reports.log"]).ended_with(0);
    place.run(&["verify", "--store", "S", "reports.log"]).ended_with(0);
}

/// The image is built by the toolchain the crates ask for, and everything the build reads is in its context.
#[test]
fn the_image_is_built_by_the_right_toolchain() {
    let manifest: toml::Table = read("Cargo.toml").parse().expect("Cargo.toml");
    let wanted = manifest["workspace"]["package"]["rust-version"].as_str().expect("a version");
    let dockerfile = read("Dockerfile");
    assert!(
        dockerfile.contains(&format!("FROM rust:{wanted}.")),
        "the Dockerfile does not build with {wanted}"
    );

    let members = manifest["workspace"]["members"].as_array().expect("members");
    let mut needed: Vec<&str> = members.iter().filter_map(|member| member.as_str()).collect();
    needed.extend(["src", "tests", "Cargo.toml", "Cargo.lock"]);
    for line in read(".dockerignore").lines().filter(|line| !line.starts_with('#')) {
        assert!(!needed.contains(&line.trim_matches('/')), "the build needs {line}");
    }
}

/// What a record may weigh grows along the way, so that a report that is too long arrives and becomes a dead letter.
#[test]
fn every_station_lets_a_report_through_that_is_too_long() {
    let report = Config::default().ingest.report_bytes_max as u64;
    let compose = yaml("docker-compose.yml");
    let broker: u64 = compose["services"]["kafka"]["environment"]["KAFKA_MESSAGE_MAX_BYTES"]
        .as_str()
        .and_then(|bytes| bytes.parse().ok())
        .expect("a number");
    let topic: u64 = texts(&compose["services"]["kafka-topics"]["command"])
        .find_map(|word| word.strip_prefix("max.message.bytes="))
        .and_then(|bytes| bytes.parse().ok())
        .expect("a number");
    assert!(report < broker && topic == broker, "report {report}, topic {topic}, broker {broker}");
    assert!(read("docs/operations.md").contains(&format!("max.message.bytes={topic}")));
    for (agent, line, message) in agents::sizes() {
        assert!(report < line, "{agent} cuts or drops lines of {line} bytes, reports have {report}");
        assert!(
            line <= message && message <= topic,
            "{agent}: line {line}, message {message}, topic {topic}"
        );
    }
}
