//! What every notation starts with: bounded size, UTF-8, no byte order mark, JSON or XML.

use super::check::{At, Checker, DEFINITION_BYTES_MAX};
use super::model::Definition;
use super::path::Path;
use super::problem::Problem;
use super::{parse_json, parse_xml};

/// Reads a definition in either notation, told apart by its first character: `<` is XML.
///
/// `file` names the text in problems; `scene` is the scene id of a text that does not give one (the file stem).
/// Errors: as [`parse_json`] and [`parse_xml`].
pub fn parse(file: &str, scene: &str, bytes: &[u8]) -> Result<Definition, Vec<Problem>> {
    let body = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
    match body.iter().find(|b| !b.is_ascii_whitespace()) {
        Some(b'<') => parse_xml(file, scene, bytes),
        _ => parse_json(file, scene, bytes),
    }
}

/// The text without a byte order mark.
pub(super) fn text<'t>(file: &str, bytes: &'t [u8]) -> Result<&'t str, Vec<Problem>> {
    if bytes.len() > DEFINITION_BYTES_MAX {
        let mut checker = Checker::new("", Path::to_json_path);
        checker.add(
            &At { span: 0..0, path: Path::root() },
            "the definition is too long",
            format!("{} bytes", bytes.len()),
            format!("at most {DEFINITION_BYTES_MAX} bytes"),
        );
        return Err(checker.into_problems(file));
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(text.strip_prefix('\u{feff}').unwrap_or(text)),
        Err(error) => {
            let valid = bytes.get(..error.valid_up_to()).unwrap_or_default();
            let valid = std::str::from_utf8(valid).unwrap_or("");
            let valid = valid.strip_prefix('\u{feff}').unwrap_or(valid);
            let bad = bytes.get(error.valid_up_to()).copied().unwrap_or_default();
            let mut checker = Checker::new(valid, Path::to_json_path);
            checker.add(
                &At { span: valid.len()..valid.len() + 1, path: Path::root() },
                "the file is not UTF-8",
                format!("the byte {bad:#04x}"),
                "UTF-8 text",
            );
            Err(checker.into_problems(file))
        }
    }
}
