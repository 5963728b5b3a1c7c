//! Where in a file something stands, as a JSON or XML path. Cheap to extend, written out only for a problem.

use std::fmt::Write;
use std::rc::Rc;

use super::text::{excerpt, quoted};

#[derive(Clone, Copy)]
enum Step<'t> {
    /// `.key` or `["odd key"]`.
    Key(&'t str),
    /// `[3]`.
    Index(usize),
    /// `/name[2]`, counted from 1 among its siblings of that name.
    Element(&'t str, usize),
    /// `/@name`.
    Attribute(&'t str),
}

/// A path from the root of the file; shares its beginning with its neighbours.
#[derive(Clone, Default)]
pub(super) struct Path<'t>(Option<Rc<(Path<'t>, Step<'t>)>>);

impl<'t> Path<'t> {
    /// `$` in JSON, `/` in XML.
    pub(super) fn root() -> Self {
        Self(None)
    }

    fn with(&self, step: Step<'t>) -> Self {
        Self(Some(Rc::new((self.clone(), step))))
    }

    pub(super) fn key(&self, key: &'t str) -> Self {
        self.with(Step::Key(key))
    }

    pub(super) fn index(&self, index: usize) -> Self {
        self.with(Step::Index(index))
    }

    pub(super) fn element(&self, name: &'t str, nth: usize) -> Self {
        self.with(Step::Element(name, nth))
    }

    pub(super) fn attribute(&self, name: &'t str) -> Self {
        self.with(Step::Attribute(name))
    }

    fn steps(&self) -> Vec<Step<'t>> {
        let mut steps = Vec::new();
        let mut at = self;
        while let Some(link) = &at.0 {
            steps.push(link.1);
            at = &link.0;
        }
        steps.reverse();
        steps
    }

    /// `$.nodes[2].decisionCases["no match"][0]`.
    pub(super) fn to_json_path(&self) -> String {
        self.write(String::from("$"))
    }

    /// `/definition/fork[1]/branch[2]/@nodeName`.
    pub(super) fn to_xml_path(&self) -> String {
        let shown = self.write(String::new());
        if shown.is_empty() { String::from("/") } else { shown }
    }

    fn write(&self, mut shown: String) -> String {
        for step in self.steps() {
            // Writing to a string cannot fail.
            let _ = match step {
                Step::Key(key) if is_plain(key) => write!(shown, ".{key}"),
                Step::Key(key) => {
                    write!(shown, "[{}]", quoted(&key.replace('\\', "\\\\").replace('"', "\\\"")))
                }
                Step::Index(index) => write!(shown, "[{index}]"),
                Step::Element(name, 0) => write!(shown, "/{}", excerpt(name, 60)),
                Step::Element(name, nth) => write!(shown, "/{}[{nth}]", excerpt(name, 60)),
                Step::Attribute(name) => write!(shown, "/@{}", excerpt(name, 60)),
            };
        }
        shown
    }
}

fn is_plain(key: &str) -> bool {
    !key.is_empty()
        && key.len() <= 60
        && !key.as_bytes()[0].is_ascii_digit()
        && key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}
