//! The configuration as TOML with a comment for every key, and the reference `docs/config.md`.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::load::{Loaded, is_secret, option_key, scene_key};
use super::sections::SceneConfig;
use super::setting::{Section, Setting, quoted};
use super::{Config, ScenesConfig};

/// The effective configuration: every key with its value, its meaning, what is allowed, and where a value comes from
/// that is not the default. Reading it back gives the same configuration.
pub fn to_toml(loaded: &Loaded) -> String {
    let mut out = String::new();
    for section in loaded.config.sections() {
        if !out.is_empty() {
            out.push('\n');
        }
        for line in section.doc() {
            let _ = writeln!(out, "#{line}");
        }
        let _ = writeln!(out, "[{}]", section.table());
        for setting in section.settings() {
            let path = format!("{}.{}", section.table(), setting.key);
            key(&mut out, section, &setting, loaded.origins.get(&path));
        }
        if section.table() == "kafka" {
            options(&mut out, loaded);
        }
    }
    scenes(&mut out, &loaded.config.scenes, &loaded.origins);
    out
}

fn key(out: &mut String, section: &dyn Section, setting: &Setting, origin: Option<&String>) {
    for line in setting.doc {
        let _ = writeln!(out, "#{line}");
    }
    let _ = write!(out, "# Allowed: {}. Default: {}.", setting.allowed, setting.default);
    let _ = match origin {
        Some(origin) => writeln!(out, " Set by {}.", origin.replace(char::is_control, " ")),
        None => writeln!(out),
    };
    let value = section.get(setting.key).unwrap_or_else(|| setting.default.clone());
    let _ = writeln!(out, "{} = {value}", setting.key);
}

/// Settings of librdkafka; where passwords and keys come from is said, and not what they are.
fn options(out: &mut String, loaded: &Loaded) {
    if loaded.config.kafka.options.is_empty() {
        return;
    }
    out.push_str("\n[kafka.options]\n");
    for (key, value) in &loaded.config.kafka.options {
        let origin =
            loaded.origins.get(&option_key(key)).map_or("", String::as_str).replace(char::is_control, " ");
        let _ = if is_secret(key) {
            writeln!(out, "# {} is set by {origin} and not shown.", quoted(key))
        } else {
            writeln!(out, "# Set by {origin}.\n{} = {}", quoted(key), quoted(value))
        };
    }
}

fn scenes(out: &mut String, scenes: &ScenesConfig, origins: &BTreeMap<String, String>) {
    for (id, scene) in &scenes.by_id {
        let _ = writeln!(out, "\n[scenes.by_id.{}]", quoted(id));
        for setting in scene.settings() {
            key(out, scene, &setting, origins.get(&scene_key(id, setting.key)));
        }
    }
}

/// The text of `docs/config.md`, made from the types.
pub fn reference() -> String {
    let mut out = String::from(
        "# Configuration\n\n\
         <!-- Generated from src/config/sections.rs by `UPDATE_EXPECT=1 cargo test -p linkloom config`. -->\n\n\
         One TOML file, named with `--config FILE` or `LINKLOOM_CONFIG`. Every key has a default, so the file holds\n\
         only what differs. An environment variable goes over the file: `LINKLOOM__FLUSH__DELAY_MS=100` sets\n\
         `delay_ms` of `[flush]`, `LINKLOOM__SCENES__BY_ID__NAME__IDLE_MS` that of one scene.\n\n\
         Unknown keys are refused, and all problems are reported at once, each as `place: key = value: what is\n\
         allowed`. `linkloom config check FILE` checks a file, `linkloom config print` shows what is in effect, with\n\
         these comments and where each value comes from.\n",
    );
    for section in Config::default().sections() {
        table(&mut out, &format!("[{}]", section.table()), section);
        if section.table() == "scenes" {
            table(&mut out, "[scenes.by_id.\"NAME\"]", &SceneConfig::default());
        }
        if section.table() == "kafka" {
            out.push_str(
                "\n`[kafka.options]` holds any setting of librdkafka under its own name, such as `\"security.protocol\" = \"ssl\"`;\n\
                 `LINKLOOM__KAFKA__OPTIONS__SASL_PASSWORD` sets `sasl.password`. Those that would commit what is not durable\n\
                 are refused, with the reason. `config print` does not show passwords and keys.\n",
            );
        }
    }
    out
}

fn table(out: &mut String, title: &str, section: &dyn Section) {
    let _ = writeln!(out, "\n## `{title}`\n\n{}\n", section.doc().join("").trim());
    out.push_str("| key | default | allowed | meaning |\n|---|---|---|---|\n");
    for setting in section.settings() {
        let _ = writeln!(
            out,
            "| `{}` | `{}` | {} | {} |",
            setting.key,
            setting.default,
            setting.allowed.to_string().replace('|', "\\|"),
            setting.doc.join("").trim().replace('|', "\\|"),
        );
    }
}
