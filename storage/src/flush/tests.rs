//! Flushes: what becomes of reports in a sealed flush.

use linkloom_schema::digest::records;
use linkloom_schema::report::{Mark, ReportKind, Status};
use linkloom_schema::time::Timestamp;

use super::*;
use crate::cell::{Cell, Family};
use crate::pack::{PACK_BYTES_MAX, PackName, PackText, decompress};
use crate::read::merge;

const AT: i64 = 1_795_255_200_000_000;

fn mark(business: &str) -> Mark<'_> {
    Mark { business_id: business.into(), scene_id: "realtime-input".into(), execution_id: "5f2c".into() }
}

fn node<'a>(business: &'a str, name: &'a str, after: i64, number: u128) -> Report<'a> {
    Report {
        kind: ReportKind::Node,
        mark: Some(mark(business)),
        id: Some(format!("r{number}").into()),
        node_name: Some(name.into()),
        status: Some(Status::Running),
        time: Some(Timestamp(AT + after)),
        ..Report::default()
    }
}

fn log<'a>(business: &'a str, message: &'a str, after: i64, number: u128) -> Report<'a> {
    Report {
        kind: ReportKind::Log,
        status: None,
        level: Some("ERROR".into()),
        message: Some(message.into()),
        ..node(business, "picProcess", after, number)
    }
}

/// Pushes a report under its own identity.
fn push(flush: &mut Flush, report: &Report<'_>) {
    let identity = Identity::of(report, report.time, &mut Vec::new());
    flush.push(&Report { identity, ..report.clone() });
}

fn sealer() -> Sealer {
    Sealer::new(1, 4_096, 1_000).expect("level 1 exists")
}

fn seal(reports: &[Report<'_>]) -> Sealed {
    let mut flush = Flush::new();
    reports.iter().for_each(|report| push(&mut flush, report));
    let mut sealed = sealer().seal(&flush);
    sealed.batch.cells.sort_by(|a, b| {
        (a.table, &a.row, a.family, &a.qualifier).cmp(&(b.table, &b.row, b.family, &b.qualifier))
    });
    sealed.digests.sort_by_key(|digest| digest.id);
    sealed
}

fn text(cell: &Cell) -> PackText {
    PackText::new(decompress(&cell.value).expect("decompresses")).expect("a pack")
}

#[test]
fn one_pack_per_execution_family_and_hour() {
    let hour = 3_600_000_000;
    let sealed = seal(&[
        node("content-1", "picProcess", 0, 1),
        node("content-2", "picProcess", 1, 2),
        log("content-1", "failed", 2, 3),
        node("content-1", "store", hour, 4),
        Report { time: None, ..node("content-1", "store", 0, 5) },
    ]);
    let places: Vec<(&str, &str, &str)> =
        sealed.batch.cells.iter().map(|c| (c.row.as_str(), c.family.name(), &c.qualifier[..10])).collect();
    expect_test::expect![[r#"
        [
            (
                "59|content-2|realtime-input|5f2c",
                "n",
                "2026112110",
            ),
            (
                "e3|content-1|realtime-input|5f2c",
                "b",
                "2026112110",
            ),
            (
                "e3|content-1|realtime-input|5f2c",
                "n",
                "0000000000",
            ),
            (
                "e3|content-1|realtime-input|5f2c",
                "n",
                "2026112110",
            ),
            (
                "e3|content-1|realtime-input|5f2c",
                "n",
                "2026112111",
            ),
        ]
    "#]]
    .assert_debug_eq(&places);
    assert_eq!((sealed.stored, sealed.duplicates, sealed.packs, sealed.digests.len()), (5, 0, 5, 2));
}

#[test]
fn order_and_repetition_do_not_change_the_cells() {
    let reports = [
        node("content-1", "picProcess", 5, 1),
        node("content-1", "store", 1, 2),
        node("content-1", "audit", 1, 3),
        log("content-1", "failed", 2, 4),
    ];
    let once = seal(&reports);
    let mut shuffled: Vec<_> = reports.iter().rev().cloned().collect();
    shuffled.extend(reports.iter().cloned());
    let twice = seal(&shuffled);
    assert_eq!(once.batch, twice.batch);
    assert_eq!((twice.stored, twice.duplicates), (4, 4));
    let of = |sealed: &Sealed| {
        let mut digest = sealed.digests[0].clone();
        digest.logs.sort_unstable();
        (records(&digest.records).count(), digest.logs, digest.span)
    };
    assert_eq!(of(&once), of(&twice));
    assert_eq!(of(&once).0, 3);
}

#[test]
fn two_contents_under_one_identity_are_both_kept_and_the_lesser_is_read() {
    let (a, b) = (log("content-1", "a", 0, 7), log("content-1", "b", 0, 7));
    let sealed = seal(&[b.clone(), a.clone()]);
    assert_eq!((sealed.stored, sealed.duplicates), (2, 0));
    let other_flush = seal(&[b]);
    let packs: Vec<PackText> = sealed.batch.cells.iter().chain(&other_flush.batch.cells).map(text).collect();
    let merged = merge(packs.iter().map(|pack| (pack, None)), None).expect("decodes");
    assert_eq!(merged.reports.len(), 1);
    assert_eq!(merged.reports[0].message.as_deref(), Some("a"));
    assert_eq!(merged.conflicts.len(), 1);
}

#[test]
fn a_report_without_a_time_that_came_twice_is_one_report() {
    let at = |time: i64, message| Report {
        time: Some(Timestamp(1_795_255_200_000_000 + time)),
        time_substituted: true,
        ..log("content-1", message, 0, 7)
    };
    let without = Report { time: None, ..at(0, "a") };
    let merged_of = |reports: &[Report<'_>]| {
        let packs: Vec<PackText> = reports
            .iter()
            .flat_map(|report| {
                seal(std::slice::from_ref(report)).batch.cells.iter().map(text).collect::<Vec<_>>()
            })
            .collect();
        let merged = merge(packs.iter().map(|pack| (pack, None)), None).expect("decodes");
        assert_eq!(merged.reports.len(), 1);
        (merged.reports[0].time.map(|time| time.0), merged.conflicts.len(), merged.winners.is_empty())
    };
    let early = Some(1_795_255_200_000_000);
    assert_eq!(merged_of(&[at(5, "a"), at(0, "a"), at(9, "a")]), (early, 0, false));
    assert_eq!(merged_of(&[at(0, "a"), without.clone()]).1, 0, "a file was read as well");
    assert_eq!(merged_of(&[at(0, "a"), at(5, "b")]), (early, 1, false), "another text is another matter");
    let own = Report { time_substituted: false, ..at(5, "a") };
    assert_eq!(merged_of(&[at(0, "a"), own]).1, 1);
}

#[test]
fn large_executions_are_cut_by_node_and_overflow_into_further_rows() {
    let message = "x".repeat(1_000);
    let reports: Vec<_> = (0..2_000)
        .map(|number| Report {
            node_name: Some(if number % 2 == 0 { "even" } else { "odd" }.into()),
            ..log("content-1", &message, number, number as u128 + 1)
        })
        .collect();
    let mut flush = Flush::new();
    reports.iter().for_each(|report| push(&mut flush, report));
    let mut sealed = Sealer::new(1, 4, 1_000).expect("level 1 exists").seal(&flush);
    let (notes, packs) = std::mem::take(&mut sealed.batch.cells)
        .into_iter()
        .partition::<Vec<_>, _>(|cell| cell.family == Family::Link);
    sealed.batch.cells = packs;
    let named =
        sealed.batch.cells.iter().filter(|c| PackName::decode(&c.qualifier).expect("a name").node.is_some());
    assert!(named.count() >= sealed.batch.cells.len() - 1, "all but the pack at the border are of one node");
    assert!(sealed.batch.cells.iter().all(|cell| text(cell).len() <= PACK_BYTES_MAX + 1_024));
    let rows: std::collections::BTreeSet<&str> = sealed.batch.cells.iter().map(|c| c.row.as_str()).collect();
    let base = row_key::link(mark("content-1").as_ref());
    assert!(rows.contains(base.as_str()) && rows.contains(format!("{base}|1").as_str()), "{rows:?}");
    let notes: Vec<(&str, &str)> = notes.iter().map(|c| (c.row.as_str(), c.qualifier.as_str())).collect();
    assert_eq!(notes, [(base.as_str(), "overflow")], "once, in the row itself");
    let packs: Vec<PackText> = sealed.batch.cells.iter().map(text).collect();
    assert_eq!(merge(packs.iter().map(|pack| (pack, None)), None).expect("decodes").reports.len(), 2_000);
}

#[test]
fn traces_are_tied_once_and_unmarked_reports_go_to_their_trace_or_service() {
    let traced = |business, number| Report {
        trace_id: Some("4bf9".into()),
        ..node(business, "a", number, number as u128)
    };
    let unmarked = Report { mark: None, ..traced("", 3) };
    let lost = Report { mark: None, service: Some("api".into()), ..node("", "a", 4, 4) };
    let mut flush = Flush::new();
    [traced("content-1", 1), unmarked, lost].iter().for_each(|report| push(&mut flush, report));
    let mut sealer = sealer();
    let first = sealer.seal(&flush);
    let rows: Vec<(Table, &str, &str)> =
        first.batch.cells.iter().map(|c| (c.table, c.row.as_str(), c.family.name())).collect();
    assert_eq!(
        rows,
        [
            (Table::Link, "e3|content-1|realtime-input|5f2c", "n"),
            (Table::Trace, "8d|4bf9|content-1|realtime-input|5f2c", "l"),
            (Table::Unlinked, "t|8d|4bf9", "n"),
            (Table::Unlinked, "t|8d|4bf9", "l"),
            (Table::Unlinked, "s|api|2026112110", "n"),
        ]
    );
    assert!(first.batch.cells.iter().any(|c| c.qualifier == "unmarked" && c.table == Table::Unlinked));
    let again = sealer.seal(&flush);
    assert!(
        again.batch.cells.iter().all(|cell| cell.family != Family::Link),
        "tied and noted lately, not written again"
    );
}
