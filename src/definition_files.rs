//! Definitions in files: read all of them, report all problems, put what changed.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use linkloom_schema::definition::{Definition, Problem, parse, render_problems};
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

/// Reads definition files; the scene of a bare node list is the file's stem. Errors: a file that cannot be read.
pub fn read(files: &[PathBuf]) -> anyhow::Result<(Vec<Definition>, Vec<BadFile>)> {
    let (mut definitions, mut bad) = (Vec::new(), Vec::new());
    for file in files {
        let source = std::fs::read(file).with_context(|| format!("reading {}", file.display()))?;
        let scene = file.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        match parse(&file.display().to_string(), &scene, &source) {
            Ok(definition) => definitions.push(definition),
            Err(problems) => bad.push(BadFile { problems, source }),
        }
    }
    Ok((definitions, bad))
}

/// The `.json` and `.xml` files of a folder, by name.
pub fn in_folder(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).with_context(|| format!("reading folder {}", folder.display()))? {
        let path = entry.with_context(|| format!("reading folder {}", folder.display()))?.path();
        if path.extension().is_some_and(|extension| extension == "json" || extension == "xml") {
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
    /// Whether it is new in the log.
    pub new: bool,
}

/// Puts definitions into the log of a store. Without `valid_from` the first version of a scene holds from the
/// beginning, a changed one from `now` on, and one that is the scene's latest already is left alone.
pub fn put(
    open: &OpenStore,
    definitions: Vec<Definition>,
    valid_from: Option<Timestamp>,
    now: Timestamp,
) -> Result<Vec<Put>, StoreError> {
    let mut done = Vec::new();
    for definition in definitions {
        let version = definition.version_hash();
        let scene_id = definition.scene_id.to_string();
        let snapshot = open.definitions.snapshot();
        let latest = snapshot.log().versions(&scene_id).last();
        let unchanged = valid_from.is_none() && latest.is_some_and(|latest| latest.hash == version);
        let from = valid_from.or_else(|| latest.map(|_| now));
        let new = !unchanged && open.definitions.put(vec![definition], from)? > 0;
        done.push(Put { scene_id, version: version.to_string(), new });
    }
    Ok(done)
}
