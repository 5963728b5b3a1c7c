//! How a cell's place is laid out as one byte key: `table letter, row, 0x00, family letter, qualifier`.
//!
//! Row bytes are above 0x00, so the keys of a table sort as (row, family, qualifier). `0x01` after a row is above every
//! key of that row and below every key of the rows after it.

use std::ops::Range;

use crate::cell::{Cell, Family, KEY_BYTES_MAX, Table};
use crate::store::{Rows, Scan};

const ROW_END: u8 = 0x00;
const AFTER_ROW: u8 = 0x01;
/// Above the mark of a row, below its cells.
const BEFORE_FAMILIES: u8 = 0x01;

fn letter(table: Table) -> u8 {
    match table {
        Table::Link => b'l',
        Table::Recent => b'r',
        Table::Scene => b's',
        Table::Trace => b't',
        Table::Unlinked => b'u',
        Table::Definition => b'f',
        Table::Dead => b'd',
        Table::Meta => b'm',
    }
}

fn family_letter(family: Family) -> u8 {
    family.name().as_bytes()[0]
}

fn family_of(letter: u8) -> Option<Family> {
    [Family::BusinessLogs, Family::Link, Family::Nodes].into_iter().find(|f| family_letter(*f) == letter)
}

/// Why a cell cannot be stored, or `None`.
pub(crate) fn why_not(cell: &Cell) -> Option<String> {
    let bytes = cell.row.len() + cell.qualifier.len();
    if bytes > KEY_BYTES_MAX {
        return Some(format!(
            "row and qualifier are {bytes} bytes long, at most {KEY_BYTES_MAX} are allowed"
        ));
    }
    if memchr::memchr(ROW_END, cell.row.as_bytes()).is_some() {
        return Some(format!("row {:?} holds a NUL", cell.row));
    }
    if u32::try_from(cell.value.len()).is_err() {
        return Some(format!(
            "the value is {} bytes long, at most {} are allowed",
            cell.value.len(),
            u32::MAX
        ));
    }
    None
}

/// The key of one cell.
pub(crate) fn cell_key(table: Table, row: &str, family: Family, qualifier: &str) -> Vec<u8> {
    let mut key = Vec::with_capacity(row.len() + qualifier.len() + 3);
    key.push(letter(table));
    key.extend_from_slice(row.as_bytes());
    key.push(ROW_END);
    key.push(family_letter(family));
    key.extend_from_slice(qualifier.as_bytes());
    key
}

/// The mark of a `link` row: a key before every cell of the row, there to be asked for by a point read.
pub(crate) fn row_mark(row: &str) -> Vec<u8> {
    let mut key = Vec::with_capacity(row.len() + 2);
    key.push(letter(Table::Link));
    key.extend_from_slice(row.as_bytes());
    key.push(ROW_END);
    key
}

/// The mark of the row a key of the `link` table belongs to; `None` for other tables.
pub(crate) fn row_mark_of(key: &[u8]) -> Option<&[u8]> {
    if key.first() != Some(&letter(Table::Link)) {
        return None;
    }
    memchr::memchr(ROW_END, key).map(|end| &key[..=end])
}

/// Whether a key is the mark of a row.
pub(crate) fn is_row_mark(key: &[u8]) -> bool {
    key.iter().position(|b| *b == ROW_END) == Some(key.len().wrapping_sub(1))
}

/// Row, family and qualifier of a key, or what is wrong with it.
pub(crate) fn split(key: &[u8]) -> Result<(&str, Family, &str), &'static str> {
    let Some((_, rest)) = key.split_first() else { return Err("the key is empty") };
    let Some(end) = rest.iter().position(|b| *b == ROW_END) else { return Err("the row has no end") };
    let Some((family, qualifier)) = rest[end + 1..].split_first() else { return Err("there is no family") };
    let Some(family) = family_of(*family) else { return Err("the family is none of b, l, n") };
    match (std::str::from_utf8(&rest[..end]), std::str::from_utf8(qualifier)) {
        (Ok(row), Ok(qualifier)) => Ok((row, family, qualifier)),
        _ => Err("row or qualifier is not UTF-8"),
    }
}

/// Half-open range of keys that holds every cell of `scan`; cells in it still have to pass [`wanted`].
pub(crate) fn range(scan: &Scan<'_>) -> Range<Vec<u8>> {
    let table = letter(scan.table);
    let mut range = match scan.rows {
        Rows::One(row) => {
            let mut start = Vec::with_capacity(row.len() + 64);
            start.push(table);
            start.extend_from_slice(row.as_bytes());
            let mut end = start.clone();
            start.push(ROW_END);
            match scan.family {
                Some(family) => {
                    start.push(family_letter(family));
                    end.push(ROW_END);
                    end.push(family_letter(family) + 1);
                    start.extend_from_slice(scan.from_qualifier.unwrap_or_default().as_bytes());
                }
                None => {
                    start.push(BEFORE_FAMILIES);
                    end.push(AFTER_ROW);
                }
            }
            start..end
        }
        Rows::Prefix(prefix) => {
            let mut start = Vec::with_capacity(prefix.len() + 1);
            start.push(table);
            start.extend_from_slice(prefix.as_bytes());
            let mut end = start.clone();
            // UTF-8 has no 0xff and a table is a letter, so the last byte can always go up by one.
            if let Some(last) = end.last_mut() {
                *last += 1;
            }
            start..end
        }
    };
    if let Some(row) = scan.after_row {
        let mut after = Vec::with_capacity(row.len() + 2);
        after.push(table);
        after.extend_from_slice(row.as_bytes());
        after.push(AFTER_ROW);
        range.start = range.start.max(after);
    }
    range.end = range.end.clone().max(range.start.clone());
    range
}

/// Whether a cell within [`range`] belongs to `scan`.
pub(crate) fn wanted(scan: &Scan<'_>, family: Family, qualifier: &str) -> bool {
    scan.family.is_none_or(|f| f == family) && scan.from_qualifier.is_none_or(|from| qualifier >= from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_split_into_what_they_were_made_of() {
        for table in Table::ALL {
            for family in [Family::BusinessLogs, Family::Link, Family::Nodes] {
                for (row, qualifier) in [("", ""), ("a", "q|1"), ("5c|content-42|s|e", "\0\u{1}é")] {
                    let key = cell_key(table, row, family, qualifier);
                    assert_eq!(split(&key), Ok((row, family, qualifier)));
                }
            }
        }
    }

    #[test]
    fn the_mark_of_a_row_is_before_its_cells_and_none_of_them() {
        for (row, qualifier) in [("", ""), ("a", "\0"), ("a|1", "q")] {
            let mark = row_mark(row);
            let cell = cell_key(Table::Link, row, Family::BusinessLogs, qualifier);
            assert!(mark < cell && is_row_mark(&mark) && !is_row_mark(&cell));
            assert_eq!(row_mark_of(&cell), Some(&mark[..]));
            assert!(!range(&Scan::new(Table::Link, Rows::One(row))).contains(&mark));
            assert!(range(&Scan::new(Table::Link, Rows::One(row))).contains(&cell));
        }
        assert_eq!(row_mark_of(&cell_key(Table::Recent, "a", Family::Link, "")), None);
        assert!(!is_row_mark(b"") && !is_row_mark(b"lrow"));
    }

    #[test]
    fn tables_share_no_key() {
        let letters: std::collections::BTreeSet<u8> = Table::ALL.into_iter().map(letter).collect();
        assert_eq!(letters.len(), Table::ALL.len());
    }

    #[test]
    fn broken_keys_say_what_is_wrong() {
        for (key, why) in [
            (&b""[..], "the key is empty"),
            (b"lrow", "the row has no end"),
            (b"lrow\0", "there is no family"),
            (b"lrow\0x", "the family is none of b, l, n"),
            (b"l\xff\0l", "row or qualifier is not UTF-8"),
        ] {
            assert_eq!(split(key), Err(why));
        }
    }
}
