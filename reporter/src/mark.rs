//! The link mark: the three ids that say which execution a report belongs to.

use std::fmt;
use std::sync::Arc;

/// Longest business, scene or execution id, in bytes.
pub const ID_BYTES_MAX: usize = 256;
/// Longest node name, in bytes.
pub const NAME_BYTES_MAX: usize = 128;
/// Longest other text of a report, in bytes.
pub(crate) const TEXT_BYTES_MAX: usize = 256;

/// The link mark. Cheap to clone.
///
/// Any text makes a mark. One with an id that is empty, absent or longer than [`ID_BYTES_MAX`] is *invalid*: reports are then written
/// without mark, with what was given in `attributes`, so that they can be found.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct LinkMark(Arc<[Option<Box<str>>; 3]>);

impl LinkMark {
    /// The mark of an execution: what the business calls the thing, which link is being run, which run of it.
    pub fn new(
        business_id: impl AsRef<str>,
        scene_id: impl AsRef<str>,
        execution_id: impl AsRef<str>,
    ) -> LinkMark {
        let id = |text: &str| Some(Box::from(text));
        LinkMark(Arc::new([id(business_id.as_ref()), id(scene_id.as_ref()), id(execution_id.as_ref())]))
    }

    /// A mark of ids some of which may be missing, as they come from somewhere else; `None` if all are.
    pub fn of(
        business_id: Option<&str>,
        scene_id: Option<&str>,
        execution_id: Option<&str>,
    ) -> Option<LinkMark> {
        let ids = [business_id, scene_id, execution_id];
        ids.iter().any(Option::is_some).then(|| LinkMark(Arc::new(ids.map(|id| id.map(Box::from)))))
    }

    /// Reads `businessId_sceneId_executionId`, cut at the last two `_`; `None` if it is no mark.
    pub fn from_text(text: &str) -> Option<LinkMark> {
        let mut parts = text.rsplitn(3, '_');
        let (execution, scene, business) = (parts.next()?, parts.next()?, parts.next()?);
        Some(LinkMark::new(business, scene, execution)).filter(LinkMark::is_valid)
    }

    /// `businessId_sceneId_executionId`; `None` where it could not be cut again: with a `_` in scene or execution id, or if the mark is
    /// invalid.
    pub fn to_text(&self) -> Option<String> {
        let [business, scene, execution] = self.valid()?;
        let plain = !scene.contains('_') && !execution.contains('_');
        plain.then(|| format!("{business}_{scene}_{execution}"))
    }

    /// Whether reports can carry it.
    pub fn is_valid(&self) -> bool {
        self.valid().is_some()
    }

    /// What the business calls the thing; empty if it is absent.
    pub fn business_id(&self) -> &str {
        self.0[0].as_deref().unwrap_or_default()
    }

    /// Which link is being run; empty if it is absent.
    pub fn scene_id(&self) -> &str {
        self.0[1].as_deref().unwrap_or_default()
    }

    /// Which run of it; empty if it is absent.
    pub fn execution_id(&self) -> &str {
        self.0[2].as_deref().unwrap_or_default()
    }

    /// The ids as given.
    pub(crate) fn given(&self) -> [Option<&str>; 3] {
        self.0.each_ref().map(Option::as_deref)
    }

    /// The ids, if all are there and valid.
    pub(crate) fn valid(&self) -> Option<[&str; 3]> {
        let [Some(business), Some(scene), Some(execution)] = self.given() else { return None };
        let ids = [business, scene, execution];
        ids.iter().all(|id| (1..=ID_BYTES_MAX).contains(&id.len())).then_some(ids)
    }
}

impl fmt::Debug for LinkMark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("LinkMark").field(&self.given()).finish()
    }
}

/// Whether reports can carry a node of this name.
pub(crate) fn is_name(name: &str) -> bool {
    (1..=NAME_BYTES_MAX).contains(&name.len())
}
