//! What the store holds of executions whose windows were opened without it.

use linkloom_schema::ids::LinkMark;
use linkloom_schema::row_key;
use linkloom_schema::summary::Summary;
use linkloom_storage::cell::{Family, Table};
use linkloom_storage::execution::{self, Head};
use linkloom_storage::flush::RowId;
use linkloom_storage::read::{self, PackRows};
use linkloom_storage::store::{Store, StoreError};

use crate::window::Window;

/// Reports read in one step, as far as summaries know of them; a single execution may have more.
const REPORTS_AT_ONCE: u64 = 4_096;

/// Lends the stored part of each execution, `None` where nothing was summed up before; not in their order. Executions
/// with few reports are read many at a time.
///
/// After an error some have been lent already.
pub(crate) fn each_rest(
    store: &dyn Store,
    of: &[(RowId, LinkMark)],
    each: &mut dyn FnMut(RowId, Option<Window>),
) -> Result<(), StoreError> {
    let rows: Vec<String> = of.iter().map(|(_, mark)| row_key::link(mark.as_ref())).collect();
    let heads = execution::heads(store, &rows)?;
    let mut few = Few::default();
    for (((id, mark), row), Head { summary, overflow }) in of.iter().zip(rows).zip(heads) {
        let Some(summary) = summary else {
            each(*id, None);
            continue;
        };
        // One that does not decode says nothing of how many there are.
        match Summary::from_json(&summary) {
            Ok(summary) if !overflow && execution::holds_little(&summary) => {
                few.reports += summary.version;
                few.rows.push(row);
                few.of.push((*id, mark));
                if few.reports >= REPORTS_AT_ONCE {
                    std::mem::take(&mut few).read(store, each)?;
                }
            }
            _ => {
                let mut window = Window::new(mark.clone());
                let rows = PackRows::known(Table::Link, &row, overflow);
                for family in [Family::Nodes, Family::BusinessLogs] {
                    read::each_pack(store, rows, family, store.horizon(), &mut |pack| {
                        read::each_report(store, &pack, mark.as_ref(), &mut |report| {
                            window.absorb_report(report)
                        })
                    })?;
                }
                each(*id, Some(window));
            }
        }
    }
    few.read(store, each)
}

/// Executions with few reports.
#[derive(Default)]
struct Few<'a> {
    rows: Vec<String>,
    of: Vec<(RowId, &'a LinkMark)>,
    reports: u64,
}

impl Few<'_> {
    fn read(self, store: &dyn Store, each: &mut dyn FnMut(RowId, Option<Window>)) -> Result<(), StoreError> {
        let mut windows: Vec<Window> = self.of.iter().map(|(_, mark)| Window::new((*mark).clone())).collect();
        for family in [Family::Nodes, Family::BusinessLogs] {
            let packs = read::packs_of_small(store, Table::Link, family, &self.rows, store.horizon())?;
            for (place, _, pack) in packs {
                let window = &mut windows[place];
                let mark = self.of[place].1.as_ref();
                read::each_report(store, &pack, mark, &mut |report| window.absorb_report(report))?;
            }
        }
        for ((id, _), window) in self.of.into_iter().zip(windows) {
            each(id, Some(window));
        }
        Ok(())
    }
}
