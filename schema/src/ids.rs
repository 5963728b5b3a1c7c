//! Ids of the tree: business id, scene id, execution id, and the link mark they form together.

use std::fmt;

/// Longest business, scene, execution or trace id, in bytes. Longer ids are refused, never cut: cutting would
/// merge executions.
pub const ID_BYTES_MAX: usize = 256;
/// Longest node name, in bytes.
pub const NAME_BYTES_MAX: usize = 128;

/// Why an id or a name is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadId {
    /// The id is the empty string.
    #[error("{what} is empty")]
    Empty {
        /// Which id, e.g. `businessId`.
        what: &'static str,
    },
    /// The id is longer than its limit.
    #[error("{what} is {bytes} bytes long, at most {max} are allowed")]
    TooLong {
        /// Which id, e.g. `businessId`.
        what: &'static str,
        /// Its length.
        bytes: usize,
        /// The limit.
        max: usize,
    },
}

/// Checks one id or name: non-empty and at most `max` bytes of UTF-8.
pub fn check_id(what: &'static str, text: &str, max: usize) -> Result<(), BadId> {
    match text.len() {
        0 => Err(BadId::Empty { what }),
        bytes if bytes > max => Err(BadId::TooLong { what, bytes, max }),
        _ => Ok(()),
    }
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $what:literal, $max:expr) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Box<str>);

        impl $name {
            /// Checks and wraps an id: 1 to the maximum number of bytes, any characters.
            pub fn new(text: &str) -> Result<Self, BadId> {
                check_id($what, text, $max)?;
                Ok(Self(text.into()))
            }

            /// The id as it was reported.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl std::ops::Deref for $name {
            type Target = str;
            fn deref(&self) -> &str {
                &self.0
            }
        }
    };
}

id!(
    /// What the business calls the thing (content id, order id, user id): the root of the tree.
    BusinessId, "businessId", ID_BYTES_MAX
);
id!(
    /// Which link is being run.
    SceneId, "sceneId", ID_BYTES_MAX
);
id!(
    /// One run of a link: a trace id when one call runs it all, else a shared public id such as a task id.
    ExecutionId, "executionId", ID_BYTES_MAX
);

/// The link mark: which execution a report belongs to. Ordered by business id, scene id, execution id.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LinkMark {
    /// The root of the tree.
    pub business_id: BusinessId,
    /// The link that runs.
    pub scene_id: SceneId,
    /// The run.
    pub execution_id: ExecutionId,
}

impl LinkMark {
    /// Checks the three ids and joins them.
    pub fn new(business_id: &str, scene_id: &str, execution_id: &str) -> Result<Self, BadId> {
        Ok(Self {
            business_id: BusinessId::new(business_id)?,
            scene_id: SceneId::new(scene_id)?,
            execution_id: ExecutionId::new(execution_id)?,
        })
    }

    /// The borrowed form.
    pub fn as_ref(&self) -> MarkRef<'_> {
        MarkRef { business_id: &self.business_id, scene_id: &self.scene_id, execution_id: &self.execution_id }
    }
}

/// A link mark that borrows its three ids. They have been checked (see [`check_id`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MarkRef<'a> {
    /// The root of the tree.
    pub business_id: &'a str,
    /// The link that runs.
    pub scene_id: &'a str,
    /// The run.
    pub execution_id: &'a str,
}

impl MarkRef<'_> {
    /// The owned form. Ids in a `MarkRef` were checked when it was made, so this cannot fail.
    pub fn to_mark(self) -> LinkMark {
        LinkMark {
            business_id: BusinessId(self.business_id.into()),
            scene_id: SceneId(self.scene_id.into()),
            execution_id: ExecutionId(self.execution_id.into()),
        }
    }
}
