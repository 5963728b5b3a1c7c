//! Which column (or XES attribute) plays which role.

use super::ConvertError;

/// Which columns of a table, or attributes of an event log, play which role. What is `None` is found by its usual name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TableMapping {
    /// Which case a record belongs to (`--case`): by default also the business id and the execution id.
    pub case: Option<String>,
    /// The activity, which becomes the node (`--activity`).
    pub activity: Option<String>,
    /// The transition of the record: start, complete, ... (`--lifecycle`).
    pub lifecycle: Option<String>,
    /// The time of an event (`--time`).
    pub time: Option<String>,
    /// When the activity started (`--start`).
    pub start: Option<String>,
    /// When the activity ended (`--end`).
    pub end: Option<String>,
    /// Who or what did it (`--resource`): becomes the instance.
    pub resource: Option<String>,
    /// The scene id of all records (`--scene`, a text and not a column); by default the file stem of the input.
    pub scene: Option<String>,
    /// The business id, if it is not the case (`--business`).
    pub business: Option<String>,
    /// The execution id, if it is not the case (`--execution`).
    pub execution: Option<String>,
    /// Columns that are facts about the execution (`--meta`), besides those whose name begins with `case:`.
    pub meta: Vec<String>,
    /// Columns that are output of the activity (`--out-column`); all other columns are its input.
    pub output: Vec<String>,
    /// `strptime` format of the times (`--time-format`); by default ISO 8601 or a number since the epoch.
    pub time_format: Option<String>,
    /// Seconds east of UTC of times that carry no offset (`--utc-offset`).
    pub utc_offset_secs: i32,
    /// What stands between the fields of a table (`--delimiter`); by default told from the header.
    pub delimiter: Option<u8>,
}

/// Usual names, most telling first; compared without case, spaces, `_`, `-`, `.` and `:`.
pub(super) const CASE: &[&str] = &[
    "case:concept:name",
    "case_id",
    "case",
    "case_key",
    "caseidentifier",
    "trace_id",
    "process_instance_id",
];
pub(super) const ACTIVITY: &[&str] =
    &["concept:name", "activity", "activity_name", "activity_id", "task", "task_name", "event_name", "event"];
pub(super) const LIFECYCLE: &[&str] =
    &["lifecycle:transition", "lifecycle", "transition", "event_type", "lifecycle_transition"];
pub(super) const TIME: &[&str] = &["time:timestamp", "timestamp", "time", "event_time", "datetime", "date"];
pub(super) const START: &[&str] =
    &["start_timestamp", "start_time", "time:start", "started_at", "start", "begin_time"];
pub(super) const END: &[&str] = &[
    "end_timestamp",
    "end_time",
    "complete_timestamp",
    "complete_time",
    "time:end",
    "ended_at",
    "finished_at",
    "end",
];
pub(super) const RESOURCE: &[&str] = &["org:resource", "resource", "resource_name", "user", "performer"];

fn plain(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// The first of `columns` that bears one of the usual names.
pub(super) fn usual(columns: &[String], names: &[&str]) -> Option<usize> {
    names.iter().find_map(|name| columns.iter().position(|column| plain(column) == plain(name)))
}

/// Where the roles are in a table. `None`: the table does not have it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Roles {
    pub(super) case: usize,
    pub(super) activity: usize,
    pub(super) lifecycle: Option<usize>,
    pub(super) start: Option<usize>,
    /// The end of an interval, or the time of an event.
    pub(super) time: Option<usize>,
    pub(super) resource: Option<usize>,
    pub(super) business: usize,
    pub(super) execution: usize,
    pub(super) meta: Vec<usize>,
    pub(super) input: Vec<usize>,
    pub(super) output: Vec<usize>,
    /// What was found by its usual name: role and column, for notes.
    pub(super) guessed: Vec<(&'static str, usize)>,
}

struct Finder<'a> {
    input: &'a str,
    columns: &'a [String],
    guessed: Vec<(&'static str, usize)>,
}

impl Finder<'_> {
    fn named(&self, flag: &'static str, name: &str) -> Result<usize, ConvertError> {
        self.columns.iter().position(|column| column == name).ok_or_else(|| ConvertError::UnknownColumn {
            input: self.input.to_owned(),
            flag,
            name: name.to_owned(),
            found: self.columns.to_vec(),
        })
    }

    fn optional(
        &mut self,
        role: &'static str,
        flag: &'static str,
        name: Option<&str>,
        names: &[&str],
    ) -> Result<Option<usize>, ConvertError> {
        match name {
            Some(name) => self.named(flag, name).map(Some),
            None => {
                let found = usual(self.columns, names);
                self.guessed.extend(found.map(|column| (role, column)));
                Ok(found)
            }
        }
    }

    fn required(
        &mut self,
        role: &'static str,
        flag: &'static str,
        name: Option<&str>,
        names: &[&str],
    ) -> Result<usize, ConvertError> {
        self.optional(role, flag, name, names)?.ok_or_else(|| self.missing(role, flag, names))
    }

    fn missing(&self, role: &'static str, flag: &'static str, names: &[&str]) -> ConvertError {
        ConvertError::NoColumn {
            input: self.input.to_owned(),
            role,
            flag,
            usual: names.join(", "),
            found: self.columns.to_vec(),
        }
    }
}

impl Roles {
    /// Finds the roles among the columns of a table.
    ///
    /// Times: a named or usual start and end make intervals (pm4py writes the end of an interval as `time:timestamp`
    /// beside `start_timestamp`); else one time column, with or without a lifecycle column.
    pub(super) fn find(
        input: &str,
        columns: &[String],
        mapping: &TableMapping,
    ) -> Result<Roles, ConvertError> {
        let mut finder = Finder { input, columns, guessed: Vec::new() };
        let case = finder.required("case", "--case", mapping.case.as_deref(), CASE)?;
        let activity = finder.required("activity", "--activity", mapping.activity.as_deref(), ACTIVITY)?;
        let lifecycle =
            finder.optional("lifecycle", "--lifecycle", mapping.lifecycle.as_deref(), LIFECYCLE)?;
        // A time the caller names is the time of an event: then no interval is looked for.
        let looked_for = mapping.time.is_none();
        let start = match &mapping.start {
            None if !looked_for => None,
            name => finder.optional("start", "--start", name.as_deref(), START)?,
        };
        let end = match &mapping.end {
            None if !looked_for => None,
            name => finder.optional("end", "--end", name.as_deref(), END)?,
        };
        let time = match end {
            Some(end) => Some(end),
            None => finder.optional("time", "--time", mapping.time.as_deref(), TIME)?,
        };
        if start.is_none() && time.is_none() {
            return Err(finder.missing("time", "--time, or --start and --end", TIME));
        }
        let resource = finder.optional("resource", "--resource", mapping.resource.as_deref(), RESOURCE)?;
        let business =
            mapping.business.as_deref().map_or(Ok(case), |name| finder.named("--business", name))?;
        let execution =
            mapping.execution.as_deref().map_or(Ok(case), |name| finder.named("--execution", name))?;
        let all = |flag, names: &[String]| -> Result<Vec<usize>, ConvertError> {
            names.iter().map(|name| finder.named(flag, name)).collect()
        };
        let mut meta = all("--meta", &mapping.meta)?;
        let output = all("--out-column", &mapping.output)?;
        let used =
            [Some(case), Some(activity), lifecycle, start, time, resource, Some(business), Some(execution)];
        let free = |column: &usize| !used.contains(&Some(*column));
        let of_case = |column: &usize| columns[*column].starts_with("case:");
        let rest = || (0..columns.len()).filter(free).filter(|column| !output.contains(column));
        let more = rest().filter(of_case).filter(|column| !meta.contains(column)).collect::<Vec<_>>();
        meta.extend(more);
        let input = rest().filter(|column| !meta.contains(column)).collect();
        let guessed = finder.guessed;
        Ok(Roles {
            case,
            activity,
            lifecycle,
            start,
            time,
            resource,
            business,
            execution,
            meta,
            input,
            output,
            guessed,
        })
    }
}

/// The scene of a table or event log: as told, else the file stem without `.gz`, `.csv`, `.tsv`, `.txt`, `.xes`.
pub(super) fn scene(input: &str, mapping: &TableMapping) -> String {
    if let Some(scene) = mapping.scene.as_deref().filter(|scene| !scene.is_empty()) {
        return scene.to_owned();
    }
    let mut stem = input.rsplit(['/', '\\']).next().unwrap_or(input);
    for end in [".gz", ".csv", ".tsv", ".txt", ".xes"] {
        stem = stem.strip_suffix(end).unwrap_or(stem);
    }
    if stem.is_empty() { "converted".to_owned() } else { stem.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::{Expect, expect};

    #[track_caller]
    fn check(columns: &str, mapping: &TableMapping, want: Expect) {
        let columns: Vec<String> = columns.split(',').map(str::to_owned).collect();
        let name = |column: usize| columns[column].clone();
        let text = match Roles::find("log.csv", &columns, mapping) {
            Ok(roles) => format!(
                "case={} activity={} lifecycle={:?} start={:?} time={:?} resource={:?} meta={:?} input={:?} output={:?}",
                name(roles.case),
                name(roles.activity),
                roles.lifecycle.map(name),
                roles.start.map(name),
                roles.time.map(name),
                roles.resource.map(name),
                roles.meta.iter().map(|c| name(*c)).collect::<Vec<_>>(),
                roles.input.iter().map(|c| name(*c)).collect::<Vec<_>>(),
                roles.output.iter().map(|c| name(*c)).collect::<Vec<_>>(),
            ),
            Err(error) => error.to_string(),
        };
        want.assert_eq(&text);
    }

    #[test]
    fn usual_names_are_found() {
        let auto = TableMapping::default();
        check(
            "case:concept:name,concept:name,org:resource,start_timestamp,time:timestamp",
            &auto,
            expect![[
                r#"case=case:concept:name activity=concept:name lifecycle=None start=Some("start_timestamp") time=Some("time:timestamp") resource=Some("org:resource") meta=[] input=[] output=[]"#
            ]],
        );
        check(
            "case_id,start_time,end_time,LogType,Activity,Resource,case:amount",
            &auto,
            expect![[
                r#"case=case_id activity=Activity lifecycle=None start=Some("start_time") time=Some("end_time") resource=Some("Resource") meta=["case:amount"] input=["LogType"] output=[]"#
            ]],
        );
        check(
            "Case ID,Activity,Lifecycle,Timestamp,cost",
            &auto,
            expect![[
                r#"case=Case ID activity=Activity lifecycle=Some("Lifecycle") start=None time=Some("Timestamp") resource=None meta=[] input=["cost"] output=[]"#
            ]],
        );
    }

    #[test]
    fn named_columns_win_and_unknown_ones_are_told() {
        let mapping = TableMapping {
            case: Some("ticket".into()),
            output: vec!["cost".into()],
            meta: vec!["kind".into()],
            ..TableMapping::default()
        };
        check(
            "ticket,case_id,activity,time,cost,kind",
            &mapping,
            expect![[
                r#"case=ticket activity=activity lifecycle=None start=None time=Some("time") resource=None meta=["kind"] input=["case_id"] output=["cost"]"#
            ]],
        );
        check(
            "id,activity,time",
            &mapping,
            expect![[r#"log.csv has no column "ticket" (--case): the columns are id, activity, time"#]],
        );
        check(
            "a,b",
            &TableMapping::default(),
            expect![
                "log.csv has no case column: name one with --case, or call it case:concept:name, case_id, case, case_key, caseidentifier, trace_id, process_instance_id; the columns are a, b"
            ],
        );
        check(
            "case,activity,b",
            &TableMapping::default(),
            expect![
                "log.csv has no time column: name one with --time, or --start and --end, or call it time:timestamp, timestamp, time, event_time, datetime, date; the columns are case, activity, b"
            ],
        );
    }

    #[test]
    fn the_scene_is_the_file_stem() {
        let auto = TableMapping::default();
        assert_eq!(scene("/data/LoanApp.csv.gz", &auto), "LoanApp");
        assert_eq!(scene(".csv", &auto), "converted");
        assert_eq!(scene("x.csv", &TableMapping { scene: Some("loan".into()), ..auto }), "loan");
    }
}
