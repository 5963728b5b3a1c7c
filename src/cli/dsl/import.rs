//! `linkloom dsl import conductor`: definitions of others as definition files.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, BufReader, Read, Write as _};
use std::path::Path;

use anyhow::Context as _;
use linkloom_schema::definition::conductor::{Imported, import_conductor};
use linkloom_schema::definition::{DEFINITION_BYTES_MAX, VersionHash};
use xxhash_rust::xxh3::xxh3_64;

use super::pretty::pretty;
use crate::cli::args::DslImportArgs;
use crate::cli::{Outcome, Output};
use crate::terminal::{plain, plural};

/// Longest file name without its ending, in bytes: what file systems allow, less room for a number and `.json`.
const NAME_BYTES_MAX: usize = 200;

#[derive(Default)]
struct Counts {
    definitions: u64,
    simplified: u64,
    refused: u64,
}

pub(super) fn run(args: &DslImportArgs, out: &mut Output<'_>) -> anyhow::Result<Outcome> {
    if let Some(folder) = &args.out {
        fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    }
    let mut target = Target { folder: args.out.as_deref(), force: args.force, taken: BTreeMap::new() };
    let mut counts = Counts::default();
    let mut unreadable = Vec::new();
    let mut notes = io::stderr().lock();
    for path in &args.files {
        let file = plain(&path.to_string_lossy()).into_owned();
        let text = match read(path) {
            Ok(text) => text,
            Err(error) => {
                unreadable.push(format!("cannot read {file}: {error}"));
                continue;
            }
        };
        let imported =
            match text.and_then(|text| import_conductor(&text).map_err(|refusal| refusal.to_string())) {
                Ok(imported) => imported,
                Err(reason) => {
                    counts.refused += 1;
                    writeln!(notes, "{file}: refused: {}", plain(&reason))?;
                    continue;
                }
            };
        for one in imported {
            let scene = plain(&one.definition.scene_id).into_owned();
            counts.definitions += 1;
            counts.simplified += u64::from(!one.notes.is_empty());
            for note in &one.notes {
                writeln!(notes, "{file}: {scene}: simplified: {}", plain(note))?;
            }
            if !one.not_carried.is_empty() {
                let keys = one.not_carried.join(", ");
                writeln!(notes, "{file}: {scene}: not part of a plan: {}", plain(&keys))?;
            }
            if let Err(reason) = target.write(&one, out)? {
                counts.refused += 1;
                writeln!(notes, "{file}: {scene}: {}", plain(&reason))?;
            }
        }
    }
    let Counts { definitions, simplified, refused } = counts;
    writeln!(
        notes,
        "{} from {}: {simplified} simplified, {refused} refused",
        plural(definitions, "definition"),
        plural(args.files.len() as u64, "file")
    )?;
    if !unreadable.is_empty() {
        anyhow::bail!("{}", unreadable.join("; "));
    }
    Ok(if refused == 0 { Outcome::Done } else { Outcome::NotFound })
}

/// The text of a file, plain or packed with gzip; `Err` inside: why it cannot be a definition.
fn read(path: &Path) -> io::Result<Result<String, String>> {
    let mut packed = BufReader::new(fs::File::open(path)?);
    let mut bytes = Vec::new();
    let magic = io::BufRead::fill_buf(&mut packed)?.starts_with(&[0x1f, 0x8b]);
    let max = DEFINITION_BYTES_MAX as u64 + 1;
    if magic {
        flate2::bufread::MultiGzDecoder::new(packed).take(max).read_to_end(&mut bytes)?;
    } else {
        packed.take(max).read_to_end(&mut bytes)?;
    }
    if bytes.len() > DEFINITION_BYTES_MAX {
        return Ok(Err(format!("longer than {DEFINITION_BYTES_MAX} bytes")));
    }
    Ok(String::from_utf8(bytes)
        .map_err(|error| format!("not UTF-8 at byte {}", error.utf8_error().valid_up_to())))
}

/// Where definitions are written.
struct Target<'a> {
    folder: Option<&'a Path>,
    force: bool,
    /// Names given in this call, and to which version.
    taken: BTreeMap<String, VersionHash>,
}

impl Target<'_> {
    /// Writes a definition; `Err` inside: why not.
    fn write(&mut self, one: &Imported, out: &mut Output<'_>) -> anyhow::Result<Result<(), String>> {
        let json = pretty(&one.definition.to_canonical_json());
        let Some(folder) = self.folder else {
            out.text(&json)?;
            return Ok(Ok(()));
        };
        let name = self.name(&one.definition.scene_id, one.definition.version_hash());
        let path = folder.join(&name);
        match fs::read(&path) {
            Ok(there) if there == json.as_bytes() => {
                out.text(&format!("{}: unchanged\n", shown(&path)))?;
                return Ok(Ok(()));
            }
            Ok(_) if !self.force => {
                let path = path.display();
                return Ok(Err(format!(
                    "refused: {path} is there with another content; --force replaces it"
                )));
            }
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
        }
        fs::write(&path, json).with_context(|| format!("cannot write {}", path.display()))?;
        out.text(&format!("{}: written\n", shown(&path)))?;
        Ok(Ok(()))
    }

    /// A file name for a scene; a second version of it in the same call gets a number.
    fn name(&mut self, scene: &str, version: VersionHash) -> String {
        let stem = file_stem(scene);
        let mut number = 1;
        loop {
            let name = if number == 1 { format!("{stem}.json") } else { format!("{stem}.{number}.json") };
            if *self.taken.entry(name.clone()).or_insert(version) == version {
                return name;
            }
            number += 1;
        }
    }
}

fn shown(path: &Path) -> String {
    plain(&path.to_string_lossy()).into_owned()
}

/// A scene id as the name of a file: letters, digits, `-`, `_` and inner dots as they are, other bytes
/// percent-encoded; a long one is cut and ends in a hash of the whole.
fn file_stem(scene: &str) -> String {
    let mut stem = String::with_capacity(scene.len());
    for (at, byte) in scene.bytes().enumerate() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_') || (byte == b'.' && at > 0) {
            stem.push(char::from(byte));
        } else {
            stem.push_str(&format!("%{byte:02X}"));
        }
    }
    if stem.len() > NAME_BYTES_MAX {
        stem.truncate(NAME_BYTES_MAX - 17);
        stem.push_str(&format!("-{:016x}", xxh3_64(scene.as_bytes())));
    }
    stem
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_scene_has_a_file_name() {
        assert_eq!(file_stem("order-payment_2.v1"), "order-payment_2.v1");
        assert_eq!(file_stem("../etc/passwd"), "%2E.%2Fetc%2Fpasswd");
        assert_eq!(file_stem("größe x"), "gr%C3%B6%C3%9Fe%20x");
        let (one, other) = (file_stem(&"ü".repeat(128)), file_stem(&format!("{}v", "ü".repeat(127))));
        assert_eq!((one.len(), other.len()), (NAME_BYTES_MAX, NAME_BYTES_MAX));
        assert_ne!(one, other);
    }

    #[test]
    fn two_versions_of_a_scene_get_two_files() {
        let mut target = Target { folder: None, force: false, taken: BTreeMap::new() };
        assert_eq!(target.name("a", VersionHash(1)), "a.json");
        assert_eq!(target.name("a", VersionHash(2)), "a.2.json");
        assert_eq!(target.name("a", VersionHash(1)), "a.json");
        assert_eq!(target.name("a", VersionHash(3)), "a.3.json");
    }
}
