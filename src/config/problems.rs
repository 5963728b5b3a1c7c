//! What is wrong with a configuration: every problem of file and environment together, so that it is fixed in one go.

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Where it was said: `linkloom.toml:12:1`, or the name of an environment variable; empty for relations between
    /// settings.
    pub place: String,
    /// The full key, e.g. `flush.workers`; empty when the file does not parse.
    pub key: String,
    /// What was found there, as it was written.
    pub value: String,
    /// What is allowed instead.
    pub allowed: String,
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if !self.place.is_empty() {
            write!(f, "{}: ", self.place)?;
        }
        match (self.key.as_str(), self.value.as_str()) {
            ("", _) => f.write_str(&self.allowed),
            (key, "") => write!(f, "{key}: {}", self.allowed),
            (key, value) => write!(f, "{key} = {value}: {}", self.allowed),
        }
    }
}

/// All that is wrong, in the order of the file, then of the environment.
#[derive(Clone, Debug, Default, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
pub struct Problems(pub Vec<Problem>);

impl Problems {
    /// Notes one more.
    pub fn add(&mut self, problem: Problem) {
        self.0.push(problem);
    }

    /// Notes a relation between settings that does not hold: `key = value: allowed`.
    pub fn relation(&mut self, key: &str, value: impl ToString, allowed: impl Into<String>) {
        self.add(Problem {
            place: String::new(),
            key: key.to_owned(),
            value: value.to_string(),
            allowed: allowed.into(),
        });
    }

    /// `Ok` when there is none.
    pub fn into_result(self) -> Result<(), Problems> {
        if self.0.is_empty() { Ok(()) } else { Err(self) }
    }
}
