//! Ids and lists of dead letters.

use std::sync::Arc;

use linkloom_ingest::decode::{Reason, Refusal};
use linkloom_ingest::source::{Origin, Record};
use linkloom_storage::cell::CellBatch;
use linkloom_storage::memory::MemoryStore;

use super::*;

fn letter(source: &str, position: u64, raw: &[u8]) -> DeadLetter {
    let origin = Origin { source, partition: 0, position, line: None };
    let record = Record { origin, time: None, bytes: raw, full_length: raw.len() as u64 };
    DeadLetter::new(&record, Refusal::new(Reason::Malformed, "no JSON"))
}

#[test]
fn ids_are_read_back() {
    for source in ["in.ndjson", "a#b|c d.ndjson", "-", "größe"] {
        let id = LetterId::of(&letter(source, 77, b"{"));
        assert_eq!(id.to_string().parse(), Ok(id.clone()));
        assert!(id.to_string().bytes().all(|byte| (0x21..0x7f).contains(&byte)), "{id}");
    }
    for wrong in ["", "#", "a#", "a#xyz", "#0123456789abcdef", "a#0123456789abcde", "a#+123456789abcdef"] {
        assert!(wrong.parse::<LetterId>().is_err(), "{wrong:?}");
    }
}

/// Every way to page gives the same letters, also where several share a row and some were replayed.
#[test]
fn pages_of_any_size_list_every_letter_once() {
    let store = Arc::new(MemoryStore::default());
    let mut cells = Vec::new();
    let mut want = Vec::new();
    for source in ["a", "b"] {
        for position in 0..5 {
            for raw in [&b"one"[..], b"two", b"three"] {
                let letter = letter(source, position, raw);
                cells.push(cell(&letter));
                if raw == b"two" {
                    cells.push(replayed(&letter));
                } else {
                    want.push(LetterId::of(&letter).to_string());
                }
            }
        }
    }
    store.write(&CellBatch { cells }).expect("written");
    want.sort();
    for limit in [1, 2, 3, 7, 19, 20, 21] {
        let mut found = Vec::new();
        let mut cursor = None;
        loop {
            let page = list(&*store, &DeadQuery::default(), limit, cursor.as_deref()).expect("listed");
            assert!(page.dead_letters.len() <= limit);
            found.extend(page.dead_letters.into_iter().map(|entry| entry.id));
            cursor = page.next_cursor;
            if cursor.is_none() {
                break;
            }
        }
        assert_eq!(found, want, "pages of {limit}");
    }
    let with_replayed = DeadQuery { with_replayed: true, ..DeadQuery::default() };
    let all = list(&*store, &with_replayed, 100, None).expect("listed").dead_letters;
    assert_eq!((all.len(), all.iter().filter(|entry| entry.replayed).count()), (30, 10));
    assert!(list(&*store, &DeadQuery::default(), 1, Some("x")).is_err(), "no cursor of this list");
}

#[test]
fn a_list_shows_the_beginning_of_a_long_letter() {
    let store = MemoryStore::default();
    let raw = "ü".repeat(1_000).into_bytes();
    let id = LetterId::of(&letter("a", 0, &raw[1..]));
    store.write(&CellBatch { cells: vec![cell(&letter("a", 0, &raw[1..]))] }).expect("written");
    let entry = list(&store, &DeadQuery::default(), 1, None).expect("listed").dead_letters.remove(0);
    assert_eq!(entry.start, format!("\u{fffd}{}", "ü".repeat(511)));
    assert_eq!((entry.full_length, entry.whole, entry.replayed), (1_999, true, false));
    assert_eq!(id.read(&store).expect("read").map(|letter| letter.raw), Some(raw[1..].to_vec()));
}

/// A source is not one whose name begins alike, and a filter does not end a page.
#[test]
fn a_list_is_filtered_by_source_and_reason() {
    let store = MemoryStore::default();
    let mut cells = Vec::new();
    for source in ["a", "a|b", "ab"] {
        for position in 0..3 {
            let mut letter = letter(source, position, b"x");
            if position == 1 {
                letter.reason = Reason::Time;
            }
            cells.push(cell(&letter));
            if position == 2 {
                cells.push(replayed(&letter));
            }
        }
    }
    store.write(&CellBatch { cells }).expect("written");
    let found = |query: DeadQuery, limit: usize| {
        let page = list(&store, &query, limit, None).expect("listed");
        let letters = page.dead_letters.iter().map(|entry| format!("{}@{}", entry.source, entry.position));
        (letters.collect::<Vec<_>>(), page.next_cursor.is_some())
    };
    let of_a = DeadQuery { source: Some("a".to_owned()), ..DeadQuery::default() };
    assert_eq!(found(of_a.clone(), 9), (vec!["a@0".to_owned(), "a@1".to_owned()], false));
    let times = DeadQuery { reason: Some(Reason::Time), ..DeadQuery::default() };
    assert_eq!(found(times.clone(), 9).0, ["a|b@1", "ab@1", "a@1"]);
    assert_eq!(found(times, 2), (vec!["a|b@1".to_owned(), "ab@1".to_owned()], true));
    assert_eq!(found(DeadQuery { reason: Some(Reason::Time), ..of_a }, 1), (vec!["a@1".to_owned()], false));
    assert_eq!((count(&store, "a").ok(), count(&store, "none").ok()), (Some((3, 2)), Some((0, 0))));
}
