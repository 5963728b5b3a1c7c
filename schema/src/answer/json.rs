//! Reported JSON inside answers, as it was reported.

use std::borrow::Cow;

use serde::de::{Deserialize, Deserializer};
use serde::ser::{Serialize, Serializer};
use serde_json::value::RawValue;

/// A piece of JSON that is written into an answer as it stands. What is not JSON, as only a damaged store can hold, is
/// written as a JSON string.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Json<'a>(pub Cow<'a, str>);

impl Json<'_> {
    /// The same, owning its text.
    pub fn into_owned(self) -> Json<'static> {
        Json(Cow::Owned(self.0.into_owned()))
    }

    /// What it is compared with as a text: the content of a JSON string, else the JSON itself.
    pub fn as_text(&self) -> Cow<'_, str> {
        if !self.0.starts_with('"') {
            return Cow::Borrowed(&self.0);
        }
        match self.0.strip_prefix('"').and_then(|text| text.strip_suffix('"')) {
            Some(plain) if !plain.contains(['\\', '"']) => Cow::Borrowed(plain),
            _ => serde_json::from_str(&self.0).map_or(Cow::Borrowed(&*self.0), Cow::Owned),
        }
    }
}

impl Serialize for Json<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match serde_json::from_str::<&RawValue>(&self.0) {
            Ok(raw) => raw.serialize(serializer),
            Err(_) => serializer.serialize_str(&self.0),
        }
    }
}

impl<'de> Deserialize<'de> for Json<'_> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        Ok(Json(Cow::Owned(Box::<str>::from(raw).into_string())))
    }
}
