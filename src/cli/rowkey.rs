//! `linkloom rowkey`: where an execution lies in the `link` table.

use linkloom_schema::ids::LinkMark;
use linkloom_schema::row_key;

use super::args::MarkArgs;
use super::{Outcome, Output};

pub(super) fn run(mark: &MarkArgs, out: &mut Output<'_>) -> anyhow::Result<Outcome> {
    let mark = LinkMark::new(&mark.business_id, &mark.scene_id, &mark.execution_id)?;
    out.text(&format!("{}\n", row_key::link(mark.as_ref())))?;
    Ok(Outcome::Done)
}
