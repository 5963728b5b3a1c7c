//! Row keys round-trip, sort as what they stand for, and no text makes a decoder panic.

use linkloom_schema::ids::LinkMark;
use linkloom_schema::row_key::{self, LAST_SECOND};
use linkloom_schema::time::Timestamp;
use proptest::prelude::*;

/// Ids of any characters, separators and control characters often among them.
fn id() -> impl Strategy<Value = String> {
    let few = proptest::sample::select(&["|", "%", "a", "b", "_", " ", "\0", "\u{7f}", "%7C", "é", "1", "0"]);
    prop_oneof![
        3 => proptest::collection::vec(few, 1..6).prop_map(|parts| parts.concat()),
        1 => "\\PC{1,20}",
        1 => any::<String>().prop_filter("an id is not empty", |id| (1..=256).contains(&id.len())),
    ]
}

fn mark() -> impl Strategy<Value = LinkMark> {
    (id(), id(), id()).prop_map(|(business, scene, execution)| {
        LinkMark::new(&business, &scene, &execution).expect("within the limits")
    })
}

fn second() -> impl Strategy<Value = i64> {
    prop_oneof![0..=LAST_SECOND, 1_795_255_200..1_795_255_203_i64]
}

fn is_printable(key: &str) -> bool {
    key.bytes().all(|byte| (0x21..0x7f).contains(&byte))
}

proptest! {
    #[test]
    fn keys_round_trip_and_are_printable(mark in mark(), trace in id(), second in second(), chunk in any::<u64>()) {
        let start = Timestamp(second * 1_000_000 + 999_999);
        let link = row_key::link(mark.as_ref());
        prop_assert_eq!(row_key::decode_link(&link), Ok((mark.clone(), None)));
        let overflow = format!("{link}|{chunk}");
        prop_assert_eq!(row_key::decode_link(&overflow), Ok((mark.clone(), Some(chunk))));
        let recent = row_key::recent(mark.as_ref(), start);
        prop_assert_eq!(row_key::decode_recent(&recent), Ok((mark.clone(), second)));
        let scene = row_key::scene(mark.as_ref(), "running", start);
        prop_assert_eq!(row_key::decode_scene(&scene), Ok((mark.clone(), "running".to_owned(), second)));
        let tie = row_key::trace(&trace, mark.as_ref());
        prop_assert_eq!(row_key::decode_trace(&tie), Ok((trace.clone(), mark.clone())));
        for key in [link, recent, scene, tie, row_key::unlinked_trace(&trace), row_key::dead(&trace, 3, 4)] {
            prop_assert!(is_printable(&key), "{}", key);
        }
    }

    #[test]
    fn different_executions_have_different_rows_that_do_not_reach_into_one_another(a in mark(), b in mark()) {
        let (row_a, row_b) = (row_key::link(a.as_ref()), row_key::link(b.as_ref()));
        prop_assert_eq!(a == b, row_a == row_b);
        // Overflow rows of one are not those of the other.
        let overflow = format!("{row_a}|");
        prop_assert!(a == b || !row_b.starts_with(&overflow));
        let of_business = row_b.starts_with(&row_key::business_prefix(&a.business_id));
        prop_assert_eq!(of_business, a.business_id == b.business_id);
        let recent = row_key::recent(b.as_ref(), Timestamp(0));
        let listed = recent.starts_with(&row_key::business_prefix(&a.business_id));
        prop_assert_eq!(listed, a.business_id == b.business_id);
    }

    #[test]
    fn recent_rows_sort_newest_first(business in id(), a in (mark(), second()), b in (mark(), second())) {
        let row = |(mark, second): &(LinkMark, i64)| {
            let mark = LinkMark::new(&business, &mark.scene_id, &mark.execution_id).expect("valid");
            row_key::recent(mark.as_ref(), Timestamp(second * 1_000_000))
        };
        if a.1 != b.1 {
            prop_assert_eq!(row(&a).cmp(&row(&b)), b.1.cmp(&a.1));
        }
    }

    #[test]
    fn rows_of_positions_and_definitions_sort_by_time(scene in id(), a in any::<u64>(), b in any::<u64>()) {
        let dead = |position| row_key::dead(&scene, 0, position);
        prop_assert_eq!(dead(a).cmp(&dead(b)), a.cmp(&b));
        let from = |micros: u64| Timestamp((micros >> 1) as i64);
        let version = |micros| row_key::definition(&scene, Some(from(micros)), "v");
        prop_assert_eq!(version(a).cmp(&version(b)), from(a).cmp(&from(b)));
        prop_assert!(row_key::definition(&scene, None, "v") <= version(a), "the beginning is first");
    }

    #[test]
    fn any_text_is_a_key_written_this_way_or_none(
        text in prop_oneof![any::<String>(), "[0-9a-f]{2}(\\|[ab%|0-9A-F]{1,12}){1,5}"],
    ) {
        if let Ok((mark, chunk)) = row_key::decode_link(&text) {
            let row = row_key::link(mark.as_ref());
            let overflow = format!("{row}|");
            prop_assert!(text == row || chunk.is_some() && text.starts_with(&overflow), "{}", text);
        }
        if let Ok((mark, second)) = row_key::decode_recent(&text) {
            let row = row_key::recent(mark.as_ref(), Timestamp(second * 1_000_000));
            prop_assert_eq!(row, text.clone());
        }
        if let Ok((mark, status, second)) = row_key::decode_scene(&text) {
            let row = row_key::scene(mark.as_ref(), &status, Timestamp(second * 1_000_000));
            prop_assert_eq!(row, text.clone());
        }
        if let Ok((trace, mark)) = row_key::decode_trace(&text) {
            prop_assert_eq!(row_key::trace(&trace, mark.as_ref()), text.clone());
        }
        if let Ok(id) = row_key::decode_id(&text) {
            let mut again = String::new();
            row_key::push_id(&mut again, &id);
            prop_assert_eq!(again, text);
        }
    }
}
