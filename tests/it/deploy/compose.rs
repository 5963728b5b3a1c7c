//! `docker-compose.yml` and the images it builds.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{members, parse_yaml, read, root, texts, yaml};

/// The door of the proxy that has nothing but `/metrics`.
const METRICS_DOOR: &str = "7081";

/// What is wrong with a compose file, a line each. `exists` says whether a path relative to the file is there.
fn problems(compose: &Value, exists: impl Fn(&str) -> bool) -> Vec<String> {
    let services = &compose["services"];
    let mut found = Vec::new();
    let mut used = BTreeSet::new();
    for (name, service) in members(services) {
        let mut say = |problem: String| found.push(format!("{name}: {problem}"));

        match service["image"].as_str() {
            None => say("no image".to_owned()),
            Some(image) => {
                let built_here = !service["build"].is_null() && has_tag(image);
                if !built_here && !is_pinned(image) {
                    say(format!("image {image} is not pinned to a version"));
                }
            }
        }
        if let Some(context) = service["build"]["context"].as_str()
            && !exists(&format!("{context}/Dockerfile"))
        {
            say(format!("no Dockerfile in {context}"));
        }

        for (wanted, how) in members(&service["depends_on"]) {
            let Some(other) = services.get(wanted) else {
                say(format!("depends on {wanted}, which is not there"));
                continue;
            };
            match how["condition"].as_str() {
                Some("service_healthy") if other["healthcheck"]["test"].is_null() => {
                    say(format!("waits for {wanted} to be healthy, which has no health check"));
                }
                Some("service_completed_successfully") if !other["restart"].is_null() => {
                    say(format!("waits for {wanted} to end, which is started again"));
                }
                Some("service_healthy" | "service_completed_successfully") => {}
                other => say(format!("waits for {wanted} to be {other:?}")),
            }
        }
        if service["depends_on"].is_array() {
            say("depends_on without conditions".to_owned());
        }

        for port in service["ports"].as_array().into_iter().flatten() {
            match port.as_str() {
                Some(port) if port.starts_with("127.0.0.1:") => {}
                _ => say(format!("port {port} is not published on 127.0.0.1 only")),
            }
        }
        if let Some(owner) = service["network_mode"].as_str() {
            match owner.strip_prefix("service:").and_then(|owner| services.get(owner)) {
                None => say(format!("network {owner} is not that of a service")),
                Some(_) if !service["ports"].is_null() => {
                    say("ports belong to the owner of the network".to_owned())
                }
                Some(_) => {}
            }
        }

        for mount in texts(&service["volumes"]) {
            let from = mount.split(':').next().unwrap_or_default();
            if from.starts_with('.') {
                if !exists(from) {
                    say(format!("mounts {from}, which is not there"));
                }
                if !mount.ends_with(":ro") {
                    say(format!("can write to {from}"));
                }
            } else if compose["volumes"].get(from).is_none() {
                say(format!("volume {from} is not declared"));
            }
            used.insert(from.to_owned());
        }

        let once = members(services).any(|(_, other)| {
            other["depends_on"][name.as_str()]["condition"] == "service_completed_successfully"
        });
        if !once && service["restart"] != "unless-stopped" {
            say("is not started again when it ends".to_owned());
        }
        // Linkloom's own is in its Dockerfile.
        if !once && service["healthcheck"].is_null() && service["build"]["context"] != "." {
            say("no health check".to_owned());
        }
    }
    for (volume, _) in members(&compose["volumes"]) {
        if !used.contains(volume) {
            found.push(format!("volume {volume} is not used"));
        }
    }
    found
}

/// Whether an image has a tag at all that means one thing.
fn has_tag(image: &str) -> bool {
    tag(image).is_some_and(|tag| !tag.is_empty() && tag != "latest")
}

fn tag(image: &str) -> Option<&str> {
    // A colon before the last slash is that of a port.
    let name = image.rsplit('/').next()?;
    name.split_once(':').map(|(_, tag)| tag)
}

/// Whether the tag names one release: three numbers (`4.3.1`, `v3.13.3`, `17.0.20_8-jre`), or a date (`20260824`).
fn is_pinned(image: &str) -> bool {
    let Some(tag) = tag(image) else { return false };
    let version = tag.strip_prefix('v').unwrap_or(tag);
    let numbers = version.split(['.', '-', '_']).take_while(|part| part.parse::<u32>().is_ok()).count();
    let dated =
        tag.split('-').any(|part| part.len() == 8 && part.starts_with("20") && part.parse::<u32>().is_ok());
    numbers >= 3 || dated
}

fn compose() -> Value {
    yaml("docker-compose.yml")
}

#[test]
fn the_services_fit_together() {
    let found = problems(&compose(), |path| root().join(path).exists());
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn what_does_not_fit_is_found() {
    let broken = parse_yaml(
        "
services:
  a:
    image: vendor/a
    restart: unless-stopped
    depends_on: {nobody: {condition: service_healthy}, b: {condition: service_healthy}, c: {condition: service_started}}
    ports: ['8080:80', '0.0.0.0:81:81', '127.0.0.1:82:82']
    volumes: ['./gone:/gone:ro', './there:/there', 'unknown:/x']
    healthcheck: {test: ['CMD', 'true']}
  b:
    image: vendor/b:latest
    network_mode: 'service:nobody'
    depends_on: [a]
  c:
    image: vendor/c:1
    restart: unless-stopped
    network_mode: 'service:a'
    ports: ['127.0.0.1:83:83']
    healthcheck: {test: ['CMD', 'true']}
    depends_on: {d: {condition: service_completed_successfully}}
  d:
    image: vendor/d:1.2.3
    restart: always
  e:
    image: e:dev
    build: {context: ./gone}
    restart: unless-stopped
volumes:
  idle:
",
    )
    .expect("YAML");
    let expected = expect_test::expect![[r#"
        a: image vendor/a is not pinned to a version
        a: depends on nobody, which is not there
        a: waits for b to be healthy, which has no health check
        a: waits for c to be Some("service_started")
        a: port "8080:80" is not published on 127.0.0.1 only
        a: port "0.0.0.0:81:81" is not published on 127.0.0.1 only
        a: mounts ./gone, which is not there
        a: can write to ./there
        a: volume unknown is not declared
        b: image vendor/b:latest is not pinned to a version
        b: depends_on without conditions
        b: network service:nobody is not that of a service
        b: is not started again when it ends
        b: no health check
        c: image vendor/c:1 is not pinned to a version
        c: waits for d to end, which is started again
        c: ports belong to the owner of the network
        e: no Dockerfile in ./gone
        e: no health check
        volume idle is not used"#]];
    expected.assert_eq(&problems(&broken, |path| path.starts_with("./there")).join("\n"));
}

#[test]
fn pinned_is_a_release() {
    for pinned in [
        "apache/kafka:4.3.1",
        "prom/prometheus:v3.13.3",
        "eclipse-temurin:17.0.20_8-jre-jammy",
        "debian:bookworm-20260824-slim",
        "registry.example:5000/team/thing:1.2.3-alpine",
    ] {
        assert!(is_pinned(pinned), "{pinned}");
    }
    for moving in [
        "apache/kafka",
        "apache/kafka:latest",
        "apache/kafka:4",
        "haproxy:3.2-alpine",
        "debian:bookworm-slim",
        "registry.example:5000/team/thing",
    ] {
        assert!(!is_pinned(moving), "{moving}");
    }
}

/// Images that Dockerfiles start from are pinned like those of the services, and the same image has one version.
#[test]
fn images_have_one_pinned_version() {
    let mut versions: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut note = |image: &str| {
        assert!(is_pinned(image), "{image} is not pinned");
        let (name, tag) = image.rsplit_once(':').expect("a tag");
        versions.entry(name.to_owned()).or_default().insert(tag.to_owned());
    };
    for (_, service) in members(&compose()["services"]) {
        if service["build"].is_null() {
            note(service["image"].as_str().expect("an image"));
        }
    }
    for file in ["Dockerfile", "deploy/hbase/Dockerfile"] {
        let text = read(file);
        let froms: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("FROM ")).collect();
        assert_eq!(froms.len(), 2, "{file}");
        for from in froms {
            note(from.split_whitespace().next().expect("an image"));
        }
        // The last stage does not run as root.
        let last = text.rsplit("\nFROM ").next().unwrap_or_default();
        assert!(last.contains("\nUSER "), "{file} runs as root");
    }
    let several: Vec<_> = versions.iter().filter(|(_, tags)| tags.len() > 1).collect();
    assert!(several.is_empty(), "{several:?}");
}

/// What containers are told to read lies where it is mounted, and whom they are told to talk to is there.
#[test]
fn containers_find_what_they_are_told() {
    let compose = compose();
    let services = &compose["services"];
    let mounted = |service: &str, path: &str| {
        texts(&services[service]["volumes"]).any(|mount| {
            let at = mount.split(':').nth(1).unwrap_or_default();
            path == at || path.starts_with(&format!("{at}/"))
        })
    };
    let prometheus = yaml("deploy/prometheus/prometheus.yml");
    let rules: Vec<&str> = texts(&prometheus["rule_files"]).collect();
    assert!(!rules.is_empty());
    for rule in rules {
        assert!(mounted("prometheus", rule), "prometheus does not see {rule}");
    }
    let jobs = prometheus["scrape_configs"].as_array().expect("jobs");
    assert!(jobs.iter().any(|job| job["job_name"] == "linkloom"), "the alerts ask for the job linkloom");
    let vector = yaml("deploy/agents/vector.yaml");
    for target in jobs.iter().flat_map(|job| texts(&job["static_configs"][0]["targets"])) {
        let (host, port) = target.split_once(':').expect("host:port");
        let service = services.get(host).unwrap_or_else(|| panic!("{target} is not a service"));
        assert!(service["network_mode"].is_null(), "{target} has no network, and so no name, of its own");
        match host {
            "edge" => assert_eq!(port, METRICS_DOOR),
            _ => assert_eq!(
                vector["sinks"]["agent_metrics_to_prometheus"]["address"],
                format!("0.0.0.0:{port}")
            ),
        }
    }
    for provider in
        yaml("deploy/grafana/provisioning/dashboards/linkloom.yml")["providers"].as_array().expect("some")
    {
        let path = provider["options"]["path"].as_str().expect("a path");
        assert!(mounted("grafana", path), "grafana does not see {path}");
    }
    let home = services["grafana"]["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"].as_str();
    assert!(mounted("grafana", home.expect("a home")));
    let source = &yaml("deploy/grafana/provisioning/datasources/prometheus.yml")["datasources"][0];
    assert_eq!(source["url"], "http://prometheus:9090");

    let config: toml::Table = read("deploy/linkloom.toml").parse().expect("TOML");
    for file in ["/etc/linkloom/linkloom.toml", config["dsl"]["dir"].as_str().expect("a folder")] {
        assert!(mounted("linkloom", file), "linkloom does not see {file}");
    }
    let brokers = config["kafka"]["brokers"].as_str().expect("brokers").split(',');
    let gateways =
        config["hbase"]["gateways"].as_array().expect("gateways").iter().filter_map(|it| it.as_str());
    for address in brokers.chain(gateways) {
        let (host, port) = address.split_once(':').expect("host:port");
        assert!(services.get(host).is_some(), "{address} is not a service");
        assert!(port.parse::<u16>().is_ok(), "{address}");
    }

    // Linkloom listens where its health check and the proxy look for it.
    let listen = config["api"]["listen"].as_str().expect("an address");
    assert!(read("Dockerfile").contains(&format!("\"--listen\", \"{listen}\"")));
    assert!(read("Dockerfile").contains(&format!("http://{listen}/healthz")));
    let proxy = read("deploy/edge/haproxy.cfg");
    assert_eq!(proxy.matches(&format!("server linkloom {listen}\n")).count(), 2);
    let edge = &services["edge"];
    for door in
        texts(&edge["ports"]).map(|port| port.rsplit(':').next().unwrap_or_default()).chain([METRICS_DOOR])
    {
        assert!(proxy.contains(&format!("bind :{door}\n")), "the proxy has no door {door}");
    }
    assert_eq!(services["linkloom"]["network_mode"], "service:edge");
}
