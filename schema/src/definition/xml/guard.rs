//! Before the tree: limits that keep the XML parser linear, and texts that are not well-formed.

use super::super::check::{At, BLOCK_DEPTH_MAX, Checker};
use super::super::path::Path;
use super::super::problem::Problem;
use super::super::text::{excerpt, visible};

/// Deepest nesting of elements: a block takes two levels, the root and the leaves four.
const ELEMENT_DEPTH_MAX: usize = 2 * BLOCK_DEPTH_MAX + 8;
/// Most attributes of one element.
const ATTRIBUTES_MAX: usize = 64;
/// The first place where elements nest too deep or have too many attributes: both would cost the XML parser more than
/// linear time. Comments, CDATA and processing instructions do not count. Where the text is not well-formed the search
/// ends, as the parser does.
pub(super) fn over_limit(text: &[u8]) -> Option<(usize, String, String)> {
    let after = |from: usize, mark: &[u8]| {
        let tail = text.get(from..).unwrap_or_default();
        tail.windows(mark.len())
            .position(|window| window == mark)
            .map_or(text.len(), |n| from + n + mark.len())
    };
    let mut depth = 0_usize;
    let mut i = 0;
    while let Some(&byte) = text.get(i) {
        let rest = &text[i..];
        if byte != b'<' {
            i += 1;
        } else if rest.starts_with(b"<!--") {
            i = after(i + 4, b"-->");
        } else if rest.starts_with(b"<![CDATA[") {
            i = after(i + 9, b"]]>");
        } else if rest.starts_with(b"<?") {
            i = after(i + 2, b"?>");
        } else if rest.starts_with(b"<!") {
            return None; // a DTD, which the parser refuses at once
        } else if rest.starts_with(b"</") {
            depth = depth.saturating_sub(1);
            i += 2;
        } else {
            let start = i;
            let mut attributes = 0;
            depth += 1;
            if depth > ELEMENT_DEPTH_MAX {
                let allowed =
                    format!("at most {BLOCK_DEPTH_MAX} forks, decisions and loops inside one another");
                return Some((start, format!("elements nest deeper than {ELEMENT_DEPTH_MAX}"), allowed));
            }
            i += 1;
            // A `<` before the element ends is not well-formed wherever it stands: the parser will stop there too.
            while *text.get(i)? != b'>' {
                let byte = text[i];
                i += 1;
                if byte == b'<' {
                    return None;
                }
                if byte == b'"' || byte == b'\'' {
                    attributes += 1;
                    let value = &text[i..];
                    let end = value.iter().position(|b| *b == byte || *b == b'<')?;
                    if value[end] == b'<' {
                        return None;
                    }
                    i += end + 1;
                }
            }
            if attributes > ATTRIBUTES_MAX {
                let allowed = format!("at most {ATTRIBUTES_MAX} attributes");
                return Some((start, format!("an element with {attributes} attributes"), allowed));
            }
            if text[i - 1] == b'/' {
                depth -= 1;
            }
            i += 1;
        }
    }
    None
}

pub(super) fn not_well_formed(file: &str, text: &str, error: &roxmltree::Error) -> Vec<Problem> {
    use roxmltree::Error;
    let offset = match error {
        Error::DtdDetected => text.find("<!DOCTYPE").unwrap_or(0),
        Error::UnclosedRootNode | Error::UnexpectedEndOfStream => text.len(),
        Error::NoRootNode => text.len(),
        error => {
            let pos = error.pos();
            let lines = text.split_inclusive('\n').take(pos.row.saturating_sub(1) as usize);
            let start: usize = lines.map(str::len).sum();
            let column = text[start..].char_indices().nth(pos.col.saturating_sub(1) as usize);
            column.map_or(text.len(), |(n, _)| start + n)
        }
    };
    let pos = error.pos();
    let message = visible(&error.to_string());
    let message = message.strip_suffix(&format!(" at {}:{}", pos.row, pos.col)).unwrap_or(&message);
    let rest = text[offset..].lines().next().unwrap_or("");
    let found = if rest.is_empty() { String::from("the end of the line") } else { excerpt(rest, 40) };
    let end = offset + rest.chars().next().map_or(0, char::len_utf8);
    let mut checker = Checker::new(text, Path::to_xml_path);
    let allowed = match error {
        Error::DtdDetected => "XML 1.0 without a document type",
        _ => "well-formed XML 1.0",
    };
    checker.add(&At { span: offset..end, path: Path::root() }, format!("not XML: {message}"), found, allowed);
    checker.into_problems(file)
}
