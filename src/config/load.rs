//! Reading a configuration: the file first, then the environment over it, then the relations between settings.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};

use linkloom_ingest::source::kafka::check_option;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::problems::{Problem, Problems};
use super::sections::SceneConfig;
use super::setting::{Section, Setting, Value, quoted, set_checked};
use super::{Config, ScenesConfig};
use crate::similar::nearest;

/// Environment variables that begin with this are settings: `LINKLOOM__SECTION__KEY`.
pub const ENVIRONMENT_PREFIX: &str = "LINKLOOM__";

/// Largest configuration file that is read, in bytes.
const FILE_BYTES_MAX: u64 = 1024 * 1024;

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read the configuration {}: {cause}", path.display())]
    Read {
        /// Which file.
        path: PathBuf,
        /// Why not.
        cause: std::io::Error,
    },
    /// The file, the environment or both together say something that is not allowed.
    #[error("{} in the configuration\n{problems}", count(.problems.0.len()))]
    Bad {
        /// All of it.
        problems: Problems,
    },
}

fn count(problems: usize) -> String {
    if problems == 1 { "1 problem".to_owned() } else { format!("{problems} problems") }
}

/// A configuration and where its values come from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Loaded {
    /// The values.
    pub config: Config,
    /// Place of every value that is not a default, by full key: `linkloom.toml:3:1`, or an environment variable.
    pub origins: BTreeMap<String, String>,
}

impl Loaded {
    /// Reads `file`, if one is named, and the environment of this process.
    pub fn read(file: Option<&Path>) -> Result<Loaded, ConfigError> {
        let text = match file {
            None => None,
            Some(path) => {
                let read = |cause| ConfigError::Read { path: path.to_owned(), cause };
                let bytes = std::fs::metadata(path).map_err(read)?.len();
                if bytes > FILE_BYTES_MAX {
                    return Err(read(std::io::Error::other(format!(
                        "{bytes} bytes long, at most {FILE_BYTES_MAX} are allowed"
                    ))));
                }
                Some((path.display().to_string(), std::fs::read_to_string(path).map_err(read)?))
            }
        };
        // Names and values that are not Unicode cannot be settings; `vars` would panic on them.
        let environment = std::env::vars_os().filter_map(|(name, value)| {
            Some((name.into_string().ok()?, value.to_string_lossy().into_owned()))
        });
        let file = text.as_ref().map(|(name, text)| (name.as_str(), text.as_str()));
        Loaded::from_parts(file, environment).map_err(|problems| ConfigError::Bad { problems })
    }

    /// The configuration that `file` (its name and its text) and `environment` make together.
    ///
    /// Only variables that begin with [`ENVIRONMENT_PREFIX`] count. Errors: all problems of both at once.
    pub fn from_parts(
        file: Option<(&str, &str)>,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Loaded, Problems> {
        let mut loader = Loader::default();
        if let Some((name, text)) = file {
            loader.file(name, text);
        }
        let variables: BTreeMap<String, String> = environment.into_iter().collect();
        for (name, value) in &variables {
            if let Some(path) = name.strip_prefix(ENVIRONMENT_PREFIX) {
                loader.variable(name, path, value);
            }
        }
        for (id, scene) in &mut loader.loaded.config.scenes.by_id {
            // A scene that says nothing of its own follows the value for all scenes.
            if !loader.loaded.origins.contains_key(&scene_key(id, "idle_ms")) {
                scene.idle_ms = loader.loaded.config.scenes.idle_ms;
            }
        }
        loader.loaded.config.check(&mut loader.problems);
        loader.problems.into_result()?;
        Ok(loader.loaded)
    }
}

/// The full key of a setting of one scene.
pub(super) fn scene_key(id: &str, key: &str) -> String {
    format!("scenes.by_id.{}.{key}", quoted(id))
}

/// The full key of a setting of librdkafka.
pub(super) fn option_key(key: &str) -> String {
    format!("kafka.options.{}", quoted(key))
}

/// Whether a setting of librdkafka is nobody's business.
pub(super) fn is_secret(key: &str) -> bool {
    ["password", "secret", "key.pem", "oauthbearer.config"].iter().any(|part| key.contains(part))
}

#[derive(Default)]
struct Loader {
    loaded: Loaded,
    problems: Problems,
    /// Lines of the file that are not TOML: what was recovered from them is not looked at.
    broken_lines: Vec<usize>,
}

/// The file that is being read: name and text, for places.
#[derive(Clone, Copy)]
struct Source<'a> {
    name: &'a str,
    text: &'a str,
}

impl Source<'_> {
    fn before(&self, span: &Range<usize>) -> &[u8] {
        &self.text.as_bytes()[..span.start.min(self.text.len())]
    }

    /// The line of a byte offset, counted from 1.
    fn line(self, span: &Range<usize>) -> usize {
        self.before(span).iter().filter(|byte| **byte == b'\n').count() + 1
    }

    /// `name:line:column` of a byte offset, both counted from 1.
    fn place(self, span: &Range<usize>) -> String {
        let before = self.before(span);
        let line = self.line(span);
        let line_start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let column = String::from_utf8_lossy(&before[line_start..]).chars().count() + 1;
        format!("{}:{line}:{column}", self.name)
    }

    /// What was written, on one line and not too long.
    fn excerpt(self, span: &Range<usize>) -> String {
        let text = self.text.get(span.clone()).unwrap_or_default().split_whitespace();
        let text = text.collect::<Vec<_>>().join(" ");
        if text.chars().count() <= 60 { text } else { text.chars().take(57).collect::<String>() + "..." }
    }
}

impl Loader {
    fn unknown(&mut self, place: String, key: String, value: String, meant: Option<String>) {
        let meant = meant.map_or_else(String::new, |meant| format!(", did you mean {meant}?"));
        self.problems.add(Problem { place, key, value, allowed: format!("unknown key{meant}") });
    }

    /// The setting `key` of section `table` that a wrong name may have meant, here or in another section.
    fn meant(&self, table: &str, key: &str) -> Option<String> {
        let config = Config::default();
        let names = |section: &dyn Section| section.settings().into_iter().map(|setting| setting.key);
        let here = config.sections().into_iter().filter(|section| section.table() == table);
        if let Some(name) = nearest(key, here.flat_map(names)) {
            return Some(format!("{table}.{name}"));
        }
        let sections = config.sections();
        let other = sections.iter().find(|section| names(**section).any(|name| name == key))?;
        Some(format!("{}.{key}", other.table()))
    }

    fn file(&mut self, name: &str, text: &str) {
        let source = Source { name, text };
        let (root, errors) = DeTable::parse_recoverable(text);
        self.broken_lines = errors.iter().filter_map(|e| Some(source.line(&e.span()?))).collect();
        for error in &errors {
            self.problems.add(Problem {
                place: error.span().map_or_else(|| name.to_owned(), |span| source.place(&span)),
                key: String::new(),
                value: String::new(),
                allowed: format!("not TOML: {}", error.message().replace('\n', ", ")),
            });
        }
        // In the order of the file: people fix it from top to bottom.
        let mut tables: Vec<_> = root.get_ref().iter().collect();
        tables.sort_by_key(|(key, _)| key.span().start);
        for (key, value) in tables {
            let table: &str = key.get_ref();
            let place = source.place(&key.span());
            let known = Config::default().section_mut(table).is_some();
            match value.get_ref() {
                DeValue::Table(entries) if known => self.table(source, table, entries),
                DeValue::Table(_) => {
                    let sections = Config::default();
                    let meant = nearest(table, sections.sections().map(|section| section.table()))
                        .map(|name| format!("[{name}]"))
                        .or_else(|| self.meant("", table));
                    self.unknown(place, format!("[{table}]"), String::new(), meant);
                }
                _ if known => self.problems.add(Problem {
                    place,
                    key: table.to_owned(),
                    value: source.excerpt(&value.span()),
                    allowed: format!("a table is allowed here: [{table}]"),
                }),
                _ => {
                    let meant = self.meant("", table);
                    self.unknown(place, table.to_owned(), source.excerpt(&value.span()), meant);
                }
            }
        }
    }

    fn table(&mut self, source: Source<'_>, table: &str, entries: &DeTable<'_>) {
        let mut entries: Vec<_> = entries.iter().collect();
        entries.sort_by_key(|(key, _)| key.span().start);
        for (key, value) in entries {
            if table == "scenes" && key.get_ref() == "by_id" {
                self.scenes(source, key, value);
                continue;
            }
            if table == "kafka" && key.get_ref() == "options" {
                self.options(source, key, value);
                continue;
            }
            if self.broken_lines.contains(&source.line(&key.span())) {
                continue;
            }
            let path = format!("{table}.{}", key.get_ref());
            let place = source.place(&key.span());
            let found = written(source, value);
            self.set(table, key.get_ref(), &path, &place, found);
        }
    }

    /// `[scenes.by_id."NAME"]`.
    fn scenes(
        &mut self,
        source: Source<'_>,
        key: &Spanned<std::borrow::Cow<'_, str>>,
        value: &Spanned<DeValue<'_>>,
    ) {
        let not_table = |key: String, value: &Spanned<DeValue<'_>>, place: String| Problem {
            place,
            key,
            value: source.excerpt(&value.span()),
            allowed: "a table is allowed here: [scenes.by_id.\"NAME\"]".to_owned(),
        };
        let DeValue::Table(scenes) = value.get_ref() else {
            self.problems.add(not_table("scenes.by_id".to_owned(), value, source.place(&key.span())));
            return;
        };
        let mut scenes: Vec<_> = scenes.iter().collect();
        scenes.sort_by_key(|(id, _)| id.span().start);
        for (id, value) in scenes {
            let place = source.place(&id.span());
            let DeValue::Table(entries) = value.get_ref() else {
                let key = format!("scenes.by_id.{}", quoted(id.get_ref()));
                self.problems.add(not_table(key, value, place));
                continue;
            };
            self.loaded.config.scenes.by_id.entry(id.get_ref().to_string()).or_default();
            for (key, value) in entries {
                let place = source.place(&key.span());
                self.set_scene(id.get_ref(), key.get_ref(), &place, written(source, value));
            }
        }
    }

    /// `[kafka.options]`.
    fn options(
        &mut self,
        source: Source<'_>,
        key: &Spanned<std::borrow::Cow<'_, str>>,
        value: &Spanned<DeValue<'_>>,
    ) {
        let DeValue::Table(entries) = value.get_ref() else {
            self.problems.add(Problem {
                place: source.place(&key.span()),
                key: "kafka.options".to_owned(),
                value: source.excerpt(&value.span()),
                allowed: "a table is allowed here: [kafka.options]".to_owned(),
            });
            return;
        };
        let mut entries: Vec<_> = entries.iter().collect();
        entries.sort_by_key(|(key, _)| key.span().start);
        for (key, value) in entries {
            let text = match value.get_ref() {
                DeValue::String(text) => Ok(text.to_string()),
                DeValue::Integer(number) if number.radix() == 10 => Ok(number.as_str().to_owned()),
                DeValue::Boolean(truth) => Ok(truth.to_string()),
                _ => Err(source.excerpt(&value.span())),
            };
            self.set_option(key.get_ref(), &source.place(&key.span()), text);
        }
    }

    /// A setting of librdkafka.
    fn set_option(&mut self, key: &str, place: &str, value: Result<String, String>) {
        let path = option_key(key);
        let (value, allowed) = match value {
            Err(found) => {
                (found, "allowed is a text, a number, true or false; names with dots need quotes".to_owned())
            }
            Ok(value) => match check_option(key, &value) {
                Ok(()) => {
                    self.loaded.origins.insert(path, place.to_owned());
                    self.loaded.config.kafka.options.insert(key.to_owned(), value);
                    return;
                }
                Err(refused) => {
                    let value = if is_secret(key) { "(not shown)".to_owned() } else { quoted(&value) };
                    (value, refused.to_string().trim_end().to_owned())
                }
            },
        };
        self.problems.add(Problem { place: place.to_owned(), key: path, value, allowed });
    }

    fn variable(&mut self, name: &str, path: &str, text: &str) {
        if let Some((id, key)) = path.strip_prefix("SCENES__BY_ID__").and_then(|rest| rest.rsplit_once("__"))
        {
            let key = key.to_lowercase();
            self.loaded.config.scenes.by_id.entry(id.to_owned()).or_default();
            self.set_scene(id, &key, name, of_variable(&SceneConfig::default(), &key, text));
            return;
        }
        if let Some(option) = path.strip_prefix("KAFKA__OPTIONS__") {
            self.set_option(&option.to_lowercase().replace('_', "."), name, Ok(text.to_owned()));
            return;
        }
        let Some((table, key)) = path.split_once("__") else {
            let path = path.to_lowercase();
            self.problems.add(Problem {
                place: name.to_owned(),
                key: path,
                value: quoted(text),
                allowed: format!("the name of a variable is {ENVIRONMENT_PREFIX}SECTION__KEY"),
            });
            return;
        };
        let (table, key) = (table.to_lowercase(), key.to_lowercase());
        let mut defaults = Config::default();
        let Some(section) = defaults.section_mut(&table) else {
            let tables = Config::default();
            let meant = nearest(&table, tables.sections().map(|section| section.table()))
                .map(|near| format!("{near}.{key}"))
                .or_else(|| self.meant("", &key));
            self.unknown(name.to_owned(), format!("{table}.{key}"), quoted(text), meant);
            return;
        };
        let value = of_variable(section, &key, text);
        self.set(&table, &key, &format!("{table}.{key}"), name, value);
    }

    fn set(&mut self, table: &str, key: &str, path: &str, place: &str, found: Result<Value, String>) {
        let meant = self.meant(table, key);
        let Some(section) = self.loaded.config.section_mut(table) else { return };
        match setting_of(section, key) {
            None => {
                let found = found.map_or_else(|text| text, |value| value.to_string());
                self.unknown(place.to_owned(), path.to_owned(), found, meant);
            }
            Some(setting) => match found {
                Ok(value) => {
                    if set_checked(section, &setting, path, place, &value, &mut self.problems) {
                        self.loaded.origins.insert(path.to_owned(), place.to_owned());
                    }
                }
                Err(text) => self.wrong_type(&setting, path, place, text),
            },
        }
    }

    fn set_scene(&mut self, id: &str, key: &str, place: &str, found: Result<Value, String>) {
        let path = scene_key(id, key);
        let scenes: &mut ScenesConfig = &mut self.loaded.config.scenes;
        let scene = scenes.by_id.entry(id.to_owned()).or_default();
        match setting_of(scene, key) {
            None => {
                let meant =
                    nearest(key, scene.settings().iter().map(|setting| setting.key)).map(str::to_owned);
                let found = found.map_or_else(|text| text, |value| value.to_string());
                self.unknown(place.to_owned(), path, found, meant);
            }
            Some(setting) => match found {
                Ok(value) => {
                    if set_checked(scene, &setting, &path, place, &value, &mut self.problems) {
                        self.loaded.origins.insert(path, place.to_owned());
                    }
                }
                Err(text) => self.wrong_type(&setting, &path, place, text),
            },
        }
    }

    fn wrong_type(&mut self, setting: &Setting, path: &str, place: &str, found: String) {
        self.problems.add(Problem {
            place: place.to_owned(),
            key: path.to_owned(),
            value: found,
            allowed: format!("allowed is {}", setting.allowed),
        });
    }
}

fn setting_of(section: &dyn Section, key: &str) -> Option<Setting> {
    section.settings().into_iter().find(|setting| setting.key == key)
}

/// The value in the file, or the text of something no setting can hold (a negative number, a list of numbers, ...).
fn written(source: Source<'_>, value: &Spanned<DeValue<'_>>) -> Result<Value, String> {
    match value.get_ref() {
        DeValue::Integer(number) => u64::from_str_radix(number.as_str(), number.radix())
            .map(Value::Number)
            .map_err(|_| source.excerpt(&value.span())),
        DeValue::String(text) => Ok(Value::Text(text.to_string())),
        DeValue::Boolean(truth) => Ok(Value::Bool(*truth)),
        DeValue::Array(values) => {
            let texts = values.iter().map(|value| match value.get_ref() {
                DeValue::String(text) => Some(text.to_string()),
                _ => None,
            });
            let texts: Option<Vec<String>> = texts.collect();
            texts.map(Value::List).ok_or_else(|| source.excerpt(&value.span()))
        }
        _ => Err(source.excerpt(&value.span())),
    }
}

/// The value of an environment variable for a setting; that of an unknown one is its text.
fn of_variable(section: &dyn Section, key: &str, text: &str) -> Result<Value, String> {
    setting_of(section, key)
        .map_or_else(|| Ok(Value::Text(text.to_owned())), |setting| setting.allowed.of_variable(text))
}
