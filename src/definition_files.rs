//! Definitions in files: read all of them, report all problems, put what changed.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use linkloom_schema::definition::{
    DEFINITION_BYTES_MAX, Definition, Problem, VersionHash, parse, render_problems,
};
use linkloom_schema::ids::SceneId;
use linkloom_schema::time::Timestamp;
use linkloom_storage::store::StoreError;

use crate::service::OpenStore;

/// A file whose definition has problems.
#[derive(Debug)]
pub struct BadFile {
    /// What is wrong with it.
    pub problems: Vec<Problem>,
    /// Its bytes, to show the places.
    pub source: Vec<u8>,
}

impl BadFile {
    /// The problems with their source lines.
    pub fn render(&self, colour: bool) -> String {
        render_problems(&self.problems, &self.source, colour)
    }
}

/// A file that could be read.
#[derive(Debug)]
pub struct Checked {
    /// The file as it was named.
    pub file: String,
    /// What it holds, or everything that is wrong with it.
    pub definition: Result<Definition, BadFile>,
}

/// Reads and checks one file; the scene of a definition that names none is the file's stem. Errors: it cannot be read.
pub fn check(path: &Path) -> anyhow::Result<Checked> {
    let file = path.display().to_string();
    let (source, full_length) = beginning(path).with_context(|| format!("reading {file}"))?;
    let scene = path.file_stem().map(|stem| stem.to_string_lossy()).unwrap_or_default();
    let definition = parse(&file, &scene, &source).map_err(|mut problems| {
        if let ([too_long], true) = (problems.as_mut_slice(), full_length > source.len() as u64) {
            too_long.found = format!("{full_length} bytes");
        }
        BadFile { problems, source }
    });
    Ok(Checked { file, definition })
}

/// Whether a file is named like a definition and holds one without problems; of long ones it is not found out.
pub fn is_definition(path: &Path) -> bool {
    const LOOKED_AT_BYTES_MAX: u64 = 1 << 20;
    let is_short = || path.metadata().is_ok_and(|file| file.is_file() && file.len() <= LOOKED_AT_BYTES_MAX);
    is_named_so(path) && is_short() && check(path).is_ok_and(|checked| checked.definition.is_ok())
}

fn is_named_so(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "json" || extension == "xml")
}

/// A file up to one byte more than a definition may have, and how long it is.
fn beginning(path: &Path) -> std::io::Result<(Vec<u8>, u64)> {
    let file = File::open(path)?;
    let length = file.metadata()?.len();
    let mut bytes = Vec::new();
    file.take(DEFINITION_BYTES_MAX as u64 + 1).read_to_end(&mut bytes)?;
    let length = length.max(bytes.len() as u64);
    Ok((bytes, length))
}

/// Reads definition files. Errors: a file that cannot be read, or two that define one scene differently.
pub fn read(files: &[PathBuf]) -> anyhow::Result<(Vec<Definition>, Vec<BadFile>)> {
    let checked = files.iter().map(|file| check(file)).collect::<anyhow::Result<Vec<Checked>>>()?;
    if let Some(contradiction) = contradictions(&checked).into_iter().next() {
        anyhow::bail!("{contradiction}");
    }
    let (mut definitions, mut bad) = (Vec::new(), Vec::new());
    for Checked { definition, .. } in checked {
        match definition {
            Ok(definition) => definitions.push(definition),
            Err(file) => bad.push(file),
        }
    }
    Ok((definitions, bad))
}

/// Files that define one scene differently, one text for each: which of them should hold cannot be told.
pub fn contradictions(files: &[Checked]) -> Vec<String> {
    let mut known: BTreeMap<&SceneId, (&str, VersionHash)> = BTreeMap::new();
    let mut found = Vec::new();
    for Checked { file, definition } in files {
        let Ok(definition) = definition else { continue };
        let hash = definition.version_hash();
        let (first, version) = *known.entry(&definition.scene_id).or_insert((file, hash));
        if version != hash {
            found.push(format!(
                "{first} and {file} define the scene {:?} differently; put them one by one, each with its --valid-from",
                &*definition.scene_id
            ));
        }
    }
    found
}

/// The `.json` and `.xml` files of a folder, by name.
pub fn in_folder(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).with_context(|| format!("reading folder {}", folder.display()))? {
        let path = entry.with_context(|| format!("reading folder {}", folder.display()))?.path();
        if is_named_so(&path) {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// What putting a definition did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Put {
    /// The scene.
    pub scene_id: String,
    /// The version.
    pub version: String,
    /// Since when it holds, in event time; `None`: from the beginning.
    pub valid_from: Option<Timestamp>,
    /// Whether it is new in the log.
    pub new: bool,
}

/// Puts definitions into the log of a store. Without `valid_from` the first version of a scene holds from the
/// beginning and another one from `now` on; the one that holds at `now` already is left alone.
pub fn put(
    open: &OpenStore,
    definitions: Vec<Definition>,
    valid_from: Option<Timestamp>,
    now: Timestamp,
) -> Result<Vec<Put>, StoreError> {
    let mut done = Vec::new();
    for definition in definitions {
        let hash = definition.version_hash();
        let scene_id = definition.scene_id.to_string();
        let snapshot = open.definitions.snapshot();
        let holds = snapshot.log().resolve(&scene_id, Some(now)).filter(|_| valid_from.is_none());
        let (valid_from, new) = match holds {
            Some(version) if version.hash == hash => (version.valid_from, false),
            holds => {
                let from = valid_from.or_else(|| holds.map(|_| now));
                (from, open.definitions.put(vec![definition], from)? > 0)
            }
        };
        done.push(Put { scene_id, version: hash.to_string(), valid_from, new });
    }
    Ok(done)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use linkloom_schema::definition::parse_json;
    use linkloom_storage::memory::MemoryStore;

    use super::*;
    use crate::config::Config;

    fn definition(node: &str) -> Definition {
        let json = format!(r#"[{{"nodeName":"{node}","nodeType":"rpc"}}]"#);
        parse_json("f", "s", json.as_bytes()).expect("a definition")
    }

    #[test]
    fn a_definition_is_put_when_another_holds() {
        let open = OpenStore::new(Arc::new(MemoryStore::default()), &Config::default()).expect("a store");
        let at = |second: i64| Timestamp(1_800_000_000_000_000 + second * 1_000_000);
        let mut steps = Vec::new();
        let mut step = |node: &str, valid_from: Option<i64>, now: i64| {
            let put = put(&open, vec![definition(node)], valid_from.map(at), at(now)).expect("put").remove(0);
            let from = put.valid_from.map(|from| (from.micros() - at(0).micros()) / 1_000_000);
            steps.push((node.to_owned(), from, put.new));
        };
        step("a", None, 0);
        step("a", None, 1);
        step("b", None, 2);
        step("b", None, 3);
        // A version for later does not count before its time.
        step("c", Some(50), 4);
        step("b", None, 5);
        step("c", Some(50), 6);
        step("c", None, 60);
        step("a", None, 61);
        let want = [
            ("a", None, true),
            ("a", None, false),
            ("b", Some(2), true),
            ("b", Some(2), false),
            ("c", Some(50), true),
            ("b", Some(2), false),
            ("c", Some(50), false),
            ("c", Some(50), false),
            ("a", Some(61), true),
        ];
        let want: Vec<_> = want.into_iter().map(|(node, from, new)| (node.to_owned(), from, new)).collect();
        assert_eq!(steps, want);
    }
}
