//! Dead letters on a topic of their own, beside the store: for whoever watches what is refused.

use std::sync::OnceLock;

use anyhow::bail;
use linkloom_ingest::dead_letter::DeadLetter;
use linkloom_ingest::source::SourceError;
use linkloom_ingest::source::kafka::{KafkaSettings, KafkaWriter, NewRecord, create_topic};
use linkloom_storage::cell::{Cell, Table};

use super::content_of;

/// Longest record that is written: brokers take 1 MB unless they are told otherwise.
const RECORD_BYTES_MAX: usize = 512 << 10;
/// So many bytes are left of the raw record in one that would be longer; as JSON they may be six times as many.
const RAW_BYTES_LEFT: usize = 64 << 10;

/// A topic dead letters are copied to, once the store has them; made with one partition when it is first needed.
pub struct DeadTopic {
    settings: KafkaSettings,
    name: String,
    writer: KafkaWriter,
    made: OnceLock<()>,
}

impl DeadTopic {
    /// Errors: it is one of the topics that are read, or librdkafka does not take the settings.
    pub fn new(settings: KafkaSettings, name: &str) -> anyhow::Result<Self> {
        if settings.topics.iter().any(|topic| topic == name) {
            bail!(
                "kafka.dead_topic = {name:?}: it is one of kafka.topics; what is refused would be read and refused again"
            );
        }
        let writer = KafkaWriter::new(&settings)?;
        Ok(DeadTopic { settings, name: name.to_owned(), writer, made: OnceLock::new() })
    }

    /// Copies the dead letters among these cells; returns when the topic has them.
    ///
    /// Errors: some of them it does not have, as far as is known; write all of them again.
    pub fn write(&self, cells: &[Cell]) -> Result<(), SourceError> {
        let is_letter = |cell: &&Cell| cell.table == Table::Dead && content_of(&cell.qualifier).is_some();
        let mut letters = cells.iter().filter(is_letter).map(|cell| short(&cell.value)).peekable();
        if letters.peek().is_none() {
            return Ok(());
        }
        if self.made.get().is_none() {
            // Whoever may not make topics may still write to one.
            match create_topic(&self.settings, &self.name, 1) {
                Ok(true) => tracing::info!(topic = self.name, "made the topic of dead letters"),
                Ok(false) => {}
                Err(error) => tracing::warn!(%error, "the topic of dead letters cannot be made"),
            }
            self.made.get_or_init(|| ());
        }
        let letters: Vec<_> = letters.collect();
        let records = letters.iter().map(|value| NewRecord { value: Some(value), ..NewRecord::default() });
        self.writer.write(&self.name, records)
    }
}

/// A letter that fits a record: of a long one only the beginning of what was refused.
fn short(value: &[u8]) -> std::borrow::Cow<'_, [u8]> {
    if value.len() <= RECORD_BYTES_MAX {
        return value.into();
    }
    DeadLetter::from_json(value).map_or_else(
        |_| value.into(),
        |mut letter| {
            letter.raw.truncate(RAW_BYTES_LEFT);
            letter.to_json().into()
        },
    )
}

#[cfg(test)]
mod tests {
    use linkloom_ingest::decode::Reason;

    use super::*;

    fn letter(raw: Vec<u8>) -> DeadLetter {
        DeadLetter {
            source: "topic".to_owned(),
            partition: 0,
            position: 7,
            line: None,
            time: None,
            reason: Reason::ALL[0],
            detail: "why".to_owned(),
            full_length: raw.len() as u64,
            raw,
        }
    }

    #[test]
    fn a_long_letter_is_cut_and_says_so() {
        let few = letter(b"{".to_vec()).to_json();
        assert_eq!(*short(&few), *few);
        // Each byte is six in JSON.
        let many = letter(vec![1; 1 << 20]);
        let cut = short(&many.to_json()).into_owned();
        assert!(cut.len() <= RECORD_BYTES_MAX, "{}", cut.len());
        let cut = DeadLetter::from_json(&cut).expect("a letter");
        assert_eq!((cut.full_length, cut.is_whole()), (1 << 20, false));
        assert_eq!(DeadLetter { raw: many.raw.clone(), ..cut }, many, "nothing else is missing");
    }
}
