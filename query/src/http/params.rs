//! What stands behind the `?`, read strictly: a parameter that is misspelt must not widen an answer in silence.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use linkloom_schema::definition::VersionHash;
use linkloom_schema::panorama::ExecutionStatus;
use linkloom_schema::time::Timestamp;
use percent_encoding::percent_decode_str;

use super::problem::{BadParameter, Problem};
use super::routes::{Kind, Parameter};
use crate::{ListQuery, Went};

/// Entries of a list when it is not said how many.
pub const LIMIT_DEFAULT: usize = 50;
/// Most entries of a list.
pub const LIMIT_MAX: usize = 10_000;
/// Both of them.
pub(super) const LIST: (usize, usize) = (LIMIT_DEFAULT, LIMIT_MAX);

/// All statuses, as they are asked for.
const STATUSES: [ExecutionStatus; 4] =
    [ExecutionStatus::Running, ExecutionStatus::Completed, ExecutionStatus::Failed, ExecutionStatus::Stalled];

/// The parameters of one request. Problems are gathered, to be told all at once.
pub(super) struct Params {
    given: BTreeMap<String, String>,
    /// Those that may be given several times.
    many: BTreeMap<String, Vec<String>>,
    errors: Vec<BadParameter>,
}

impl Params {
    /// Reads a query. A parameter without a value counts as absent.
    pub(super) fn read(query: Option<&str>, known: &[Parameter]) -> Self {
        let mut params = Params { given: BTreeMap::new(), many: BTreeMap::new(), errors: Vec::new() };
        for pair in query.unwrap_or_default().split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let (name, value) = match (decode(name), decode(value)) {
                (Some(name), Some(value)) => (name, value),
                (Some(name), None) => {
                    params.errors.push(BadParameter::value(&name, value, "percent-encoded UTF-8"));
                    continue;
                }
                (None, _) => {
                    params.errors.push(BadParameter::value("the query", pair, "percent-encoded UTF-8"));
                    continue;
                }
            };
            let Some(parameter) = known.iter().find(|known| known.name == name) else {
                let allowed = match known {
                    [] => "none".to_owned(),
                    _ => known.iter().map(|known| known.name).collect::<Vec<_>>().join(", "),
                };
                params.errors.push(BadParameter::name(&name, &value, "is not known here", allowed));
                continue;
            };
            if parameter.many {
                params.many.entry(name).or_default().push(value);
                continue;
            }
            match params.given.entry(name) {
                Entry::Vacant(free) => {
                    free.insert(value);
                }
                Entry::Occupied(taken) => {
                    let twice = "is given more than once";
                    params.errors.push(BadParameter::name(taken.key(), &value, twice, "one value"));
                }
            }
        }
        params.given.retain(|_, value| !value.is_empty());
        params.many.values_mut().for_each(|values| values.retain(|value| !value.is_empty()));
        params
    }

    /// A text as it is.
    pub(super) fn text(&mut self, name: &str) -> Option<String> {
        self.given.remove(name)
    }

    /// An instant: RFC 3339, or a date, which is its first instant in UTC.
    pub(super) fn time(&mut self, name: &str) -> Option<Timestamp> {
        const ALLOWED: &str = "RFC 3339 such as 2026-11-21T10:00:00Z (a + in it is written %2B), or a date, \
                               from 2000 to 2099";
        self.read_as(name, ALLOWED, |text| {
            let date = || Timestamp::from_rfc3339(&format!("{text}T00:00:00Z")).filter(|_| text.len() == 10);
            Timestamp::from_rfc3339(text).or_else(date).filter(|time| time.is_sane())
        })
    }

    /// How many entries.
    pub(super) fn limit(&mut self) -> usize {
        self.limit_of(LIST.0, LIST.1)
    }

    /// How many entries of something that has bounds of its own.
    pub(super) fn limit_of(&mut self, default: usize, max: usize) -> usize {
        self.count("limit", (default, max))
    }

    /// A number; `limits`: when it is not given, and at most.
    pub(super) fn count(&mut self, name: &str, (default, max): (usize, usize)) -> usize {
        let read = self.read_as(name, &format!("a whole number from 1 to {max}"), |text| {
            let digits = text.bytes().all(|byte| byte.is_ascii_digit());
            text.parse().ok().filter(|limit| digits && (1..=max).contains(limit))
        });
        read.unwrap_or(default)
    }

    /// Which executions a list is to show, by those of its parameters the endpoint has; `limits`: entries when it is not
    /// said how many, and at most.
    pub(super) fn list(&mut self, (default, max): (usize, usize)) -> ListQuery {
        ListQuery {
            scene: self.text("scene"),
            status: self.status(),
            from: self.time("from"),
            to: self.time("to"),
            meta: self.meta(),
            text: self.text("q"),
            went: self.went(),
            limit: self.limit_of(default, max),
            cursor: self.text("cursor"),
        }
    }

    /// A way out of a node: both parameters or none.
    fn went(&mut self) -> Option<Went> {
        match (self.text("nodeName"), self.text("case")) {
            (Some(node_name), Some(case)) => Some(Went { node_name, case }),
            (None, None) => None,
            (Some(_), None) => {
                self.errors.push(BadParameter::name("case", "", "is missing", "a case of nodeName"));
                None
            }
            (None, Some(_)) => {
                let why = "is missing";
                self.errors.push(BadParameter::name("nodeName", "", why, "the decision that took case"));
                None
            }
        }
    }

    /// Facts that have to hold, `key=value` each.
    pub(super) fn meta(&mut self) -> Vec<(String, String)> {
        let mut facts = Vec::new();
        for text in self.many.remove("meta").unwrap_or_default() {
            match text.split_once('=') {
                Some((key, value)) if !key.is_empty() => facts.push((key.to_owned(), value.to_owned())),
                _ => self.errors.push(BadParameter::value(
                    "meta",
                    &text,
                    "KEY=VALUE such as trigger=manual (the = in it may be written %3D)",
                )),
            }
        }
        facts
    }

    /// What has to be there.
    pub(super) fn required(&mut self, name: &str, allowed: &str) -> String {
        let text = self.given.remove(name);
        if text.is_none() {
            self.errors.push(BadParameter::name(name, "", "is missing", allowed));
        }
        text.unwrap_or_default()
    }

    /// A version of a definition.
    pub(super) fn version(&mut self) -> Option<VersionHash> {
        self.read_as("version", "a version as answers have it: 32 lower-case hex digits", |text| {
            text.parse().ok()
        })
    }

    /// One of the values a parameter may have.
    pub(super) fn one_of(&mut self, name: &str, known: &[Parameter]) -> Option<String> {
        let kind = known.iter().find(|known| known.name == name).map(|known| known.kind);
        let Some(Kind::OneOf(values)) = kind else { return None };
        self.read_as(name, &values.join(", "), |text| values.contains(&text).then(|| text.to_owned()))
    }

    /// Whether something is wanted; not when absent.
    pub(super) fn flag(&mut self, name: &str) -> bool {
        self.read_as(name, "true, false", |text| text.parse().ok()).unwrap_or(false)
    }

    /// The status of an execution.
    pub(super) fn status(&mut self) -> Option<ExecutionStatus> {
        let allowed = STATUSES.map(ExecutionStatus::as_str).join(", ");
        self.read_as("status", &allowed, |text| STATUSES.into_iter().find(|status| status.as_str() == text))
    }

    fn read_as<T>(&mut self, name: &str, allowed: &str, read: impl FnOnce(&str) -> Option<T>) -> Option<T> {
        let text = self.given.remove(name)?;
        let value = read(&text);
        if value.is_none() {
            self.errors.push(BadParameter::value(name, &text, allowed));
        }
        value
    }

    /// Adds problems found elsewhere in the request.
    pub(super) fn also(&mut self, errors: impl IntoIterator<Item = BadParameter>) {
        self.errors.extend(errors);
    }

    /// Everything is read: all problems, if there are any.
    pub(super) fn finish(self) -> Result<(), Problem> {
        debug_assert!(self.given.is_empty(), "known but not read: {:?}", self.given);
        debug_assert!(self.many.is_empty(), "known but not read: {:?}", self.many);
        if self.errors.is_empty() { Ok(()) } else { Err(Problem::bad_request(self.errors)) }
    }
}

/// `application/x-www-form-urlencoded`, but nothing is replaced in silence.
fn decode(text: &str) -> Option<String> {
    let spaced = text.replace('+', " ");
    percent_decode_str(&spaced).decode_utf8().ok().map(std::borrow::Cow::into_owned)
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;
    use crate::http::routes::{CURSOR, FROM, LIMIT, META, SCENE, STATUS};

    #[track_caller]
    fn check(query: &str, want: Expect) {
        let mut params = Params::read(Some(query), &[SCENE, STATUS, FROM, LIMIT, CURSOR]);
        let read = (params.text("scene"), params.status(), params.time("from"), params.limit());
        let _ = params.text("cursor");
        want.assert_eq(&match params.finish() {
            Ok(()) => format!("{read:?}"),
            Err(problem) => {
                problem.errors.iter().map(|error| format!("{}\n", error.detail)).collect::<String>()
            }
        });
    }

    #[test]
    fn what_is_given_is_read() {
        check("", expect!["(None, None, None, 50)"]);
        check("scene=&limit=&&status", expect!["(None, None, None, 50)"]);
        check(
            "scene=a%2Fb+c%2Bd&status=failed&from=2026-11-21&limit=10000",
            expect![[r#"(Some("a/b c+d"), Some(Failed), Some(Timestamp(1795219200000000)), 10000)"#]],
        );
        check(
            "from=2026-11-21T18:00:00.5%2B08:00",
            expect!["(None, None, Some(Timestamp(1795255200500000)), 50)"],
        );
    }

    #[test]
    fn all_that_is_wrong_is_told_at_once() {
        check(
            "stauts=failed&limit=0&from=2026-11-21T18:00:00+08:00&status=broken&scene=a&scene=b&cursor=%FF&%FF=1",
            expect![[r#"
                stauts is not known here; allowed is scene, status, from, limit, cursor
                scene is given more than once; allowed is one value
                cursor is "%FF"; allowed is percent-encoded UTF-8
                the query is "%FF=1"; allowed is percent-encoded UTF-8
                status is "broken"; allowed is running, completed, failed, stalled
                from is "2026-11-21T18:00:00 08:00"; allowed is RFC 3339 such as 2026-11-21T10:00:00Z (a + in it is written %2B), or a date, from 2000 to 2099
                limit is "0"; allowed is a whole number from 1 to 10000
            "#]],
        );
        for limit in ["10001", "+5", "1e3", "-1", "99999999999999999999999"] {
            let mut params = Params::read(Some(&format!("limit={}", limit.replace('+', "%2B"))), &[LIMIT]);
            params.limit();
            assert!(params.finish().is_err(), "{limit}");
        }
        for from in ["1999-12-31", "2100-01-01", "2026-02-30", "2026-11-21T10:00:00", "now"] {
            let mut params = Params::read(Some(&format!("from={from}")), &[FROM]);
            params.time("from");
            assert!(params.finish().is_err(), "{from}");
        }
    }

    #[test]
    fn facts_may_be_asked_for_several_times() {
        let facts = |query: &str| {
            let mut params = Params::read(Some(query), &[META]);
            let facts = params.meta();
            params.finish().map(|()| facts).map_err(|problem| problem.detail)
        };
        let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        assert_eq!(
            facts("meta=trigger=a%3Db&meta=&meta=b%3D"),
            Ok(vec![pair("trigger", "a=b"), pair("b", "")])
        );
        assert_eq!(
            facts("meta==x"),
            Err("meta is \"=x\"; allowed is KEY=VALUE such as trigger=manual (the = in it may be written %3D)".to_owned())
        );
    }
}
