//! What a content is, and what is refused.

use serde::{Deserialize, Serialize};

/// Most pictures of a content.
const PICTURES_MAX: usize = 8;
/// Most bytes of a title.
const TITLE_MAX: usize = 200;

/// A piece of content, as authors send it.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Content {
    /// What the business calls it: the business id of its executions.
    pub(crate) content_id: String,
    pub(crate) title: String,
    pub(crate) text: String,
    /// The e-mail address of the author.
    pub(crate) author: String,
    #[serde(default = "article")]
    pub(crate) content_type: String,
    /// Names of pictures in the media store.
    #[serde(default)]
    pub(crate) pictures: Vec<String>,
    #[serde(default)]
    pub(crate) tags: Vec<String>,
    /// How long the video is; 0: there is none.
    #[serde(default)]
    pub(crate) video_seconds: u32,
}

fn article() -> String {
    "article".to_owned()
}

impl Content {
    /// Reads a body.
    ///
    /// Errors: what is wrong, and where.
    pub(crate) fn read(body: &[u8]) -> Result<Content, String> {
        let content: Content =
            serde_json::from_slice(body).map_err(|error| format!("the body is no content: {error}"))?;
        if !is_name(&content.content_id) {
            return Err(format!(
                "contentId is {:?}, allowed are 1 to 64 of a-z, A-Z, 0-9, -, . and _",
                content.content_id
            ));
        }
        if content.title.trim().is_empty() || content.title.len() > TITLE_MAX {
            return Err(format!(
                "title has {} bytes, allowed are 1 to {TITLE_MAX}, not all spaces",
                content.title.len()
            ));
        }
        if content.pictures.len() > PICTURES_MAX {
            return Err(format!("{} pictures, allowed are {PICTURES_MAX}", content.pictures.len()));
        }
        if let Some(name) = content.pictures.iter().find(|name| !is_name(name)) {
            return Err(format!(
                "the picture {name:?} has no name, allowed are 1 to 64 of a-z, A-Z, 0-9, -, . and _"
            ));
        }
        Ok(content)
    }
}

fn is_name(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte))
}
