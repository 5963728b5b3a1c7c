//! What a conversion simplified, left out or guessed, gathered by kind and subject.

use std::collections::BTreeMap;
use std::fmt;

/// Most different notes that are told apart; further ones are counted together.
const NOTES_MAX: usize = 1_000;
/// Longest subject of a note, in bytes; longer ones are cut.
const SUBJECT_BYTES_MAX: usize = 160;

/// What a note is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NoteKind {
    /// A record that could not be converted: no report was written for it.
    Refused,
    /// A status or lifecycle transition that reports know by another name.
    StatusMapped,
    /// A transition or status that opens and closes nothing became a business log.
    BecameLog,
    /// A run that ends before it starts by the source's clocks: its end was set to its start.
    EndBeforeStart,
    /// An end without a start: a run without a start was written.
    NoStart,
    /// A start without an end: the run stays open.
    NoEnd,
    /// A run was paired by order with a start of another resource.
    PairedAcrossResources,
    /// A time that is absent, unreadable or outside 2000 to 2099.
    Time,
    /// A value that could not be read as what it should be.
    Unreadable,
    /// A field of the source that no report field stands for.
    FieldDropped,
    /// A name or id was changed to fit.
    Renamed,
    /// A payload was cut to its limit.
    PayloadCut,
    /// A role given to a column, attribute or format without being told.
    Guessed,
    /// A limit of the converter was reached.
    Limit,
}

impl NoteKind {
    /// A short name for people and scripts.
    pub fn as_str(self) -> &'static str {
        match self {
            NoteKind::Refused => "refused",
            NoteKind::StatusMapped => "status mapped",
            NoteKind::BecameLog => "became a log",
            NoteKind::EndBeforeStart => "end before start",
            NoteKind::NoStart => "run without a start",
            NoteKind::NoEnd => "run without an end",
            NoteKind::PairedAcrossResources => "paired across resources",
            NoteKind::Time => "time",
            NoteKind::Unreadable => "unreadable",
            NoteKind::FieldDropped => "field not kept",
            NoteKind::Renamed => "renamed",
            NoteKind::PayloadCut => "payload cut",
            NoteKind::Guessed => "guessed",
            NoteKind::Limit => "limit",
        }
    }
}

/// One kind of thing that happened to one subject, and how often.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// What it is about.
    pub kind: NoteKind,
    /// The thing, e.g. a field or a mapping.
    pub subject: String,
    /// How often.
    pub count: u64,
    /// Where it was met first.
    pub first: String,
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} ", self.kind.as_str(), self.subject)?;
        match self.count {
            1 => write!(f, "(once, at {})", self.first),
            count => write!(f, "({count} times, first at {})", self.first),
        }
    }
}

/// The notes of a conversion; at most 1,000 different ones, the rest counted in [`Notes::further`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Notes {
    notes: BTreeMap<(NoteKind, String), (u64, String)>,
    /// Notes beyond the limit of different ones.
    pub further: u64,
}

impl Notes {
    pub(super) fn add(&mut self, kind: NoteKind, subject: &str, place: impl FnOnce() -> String) {
        let subject = head(subject, SUBJECT_BYTES_MAX);
        if let Some((count, _)) = self.notes.get_mut(&(kind, subject.to_owned())) {
            *count += 1;
        } else if self.notes.len() < NOTES_MAX {
            self.notes.insert((kind, subject.to_owned()), (1, place()));
        } else {
            self.further += 1;
        }
    }

    /// All notes, by kind, then subject.
    pub fn iter(&self) -> impl Iterator<Item = Note> + '_ {
        self.notes.iter().map(|((kind, subject), (count, first))| Note {
            kind: *kind,
            subject: subject.clone(),
            count: *count,
            first: first.clone(),
        })
    }

    /// How often a kind of note was made, over all subjects told apart.
    pub fn count(&self, kind: NoteKind) -> u64 {
        self.notes.iter().filter(|((k, _), _)| *k == kind).map(|(_, (count, _))| count).sum()
    }

    /// Whether there is nothing to tell.
    pub fn is_empty(&self) -> bool {
        self.notes.is_empty()
    }
}

/// The longest beginning of `text` of at most `max` bytes that ends between characters.
pub(super) fn head(text: &str, max: usize) -> &str {
    &text[..text.floor_char_boundary(max)]
}
