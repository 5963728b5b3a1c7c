//! Retention: whole segments go when all their days are past the horizon.

use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use fjall::{AbstractTree, UserValue};
use linkloom_schema::time::Timestamp;

use super::segments::{Place, Segment, Segments, Span, Window};
use super::upkeep::LOOK_AGAIN;
use super::{EmbeddedStore, engine, files, scan};
use crate::key;
use crate::retention::{self, Expired, Retention};
use crate::store::StoreError;

/// Cells moved in one commit when their day comes.
const MOVE_CELLS: usize = 1024;
/// Bytes moved in one commit.
const MOVE_BYTES: usize = 4 * 1024 * 1024;
/// How long to wait for the files of a dropped segment to go; a reader that still uses them keeps them longer.
const GONE_WITHIN: Duration = Duration::from_secs(1);

/// A value led by the time it expires by, as the `later` segment holds it.
pub(super) fn with_head(expires_by: Timestamp, value: &[u8]) -> Vec<u8> {
    [&expires_by.micros().to_be_bytes()[..], value].concat()
}

impl EmbeddedStore {
    /// Drops the segments that are past the horizon at `now`, and gives their disk space back. The horizon is the
    /// retention's number of whole UTC days before that of `now`; it never goes back, so an earlier `now` changes
    /// nothing. Call it after opening, before the first write, and then every hour or so: until it was called once, the
    /// store does not know what day it is. The first call of a day also compacts what ended, beside reads and writes.
    ///
    /// Errors: `Refused` if the store keeps everything or `now` is outside 2000 to 2099.
    pub fn expire(&self, now: Timestamp) -> Result<Expired, StoreError> {
        let (past, today) = self.set_horizon(now)?;
        let expired = Expired { segments: past.iter().count(), bytes: self.delete(past)? };
        if let Some(emptied) = self.set_today(today)? {
            self.delete(emptied)?;
            self.tidy(today)?;
        }
        Ok(expired)
    }

    /// Moves the horizon on; the segments behind it, out of sight by now, and the day of `now`.
    fn set_horizon(&self, now: Timestamp) -> Result<(Segments, i64), StoreError> {
        let mut window = self.window.write().unwrap_or_else(PoisonError::into_inner);
        let Retention::Days(days) = window.retention else {
            return Err(self.named.refused("expire", "it keeps everything forever".to_owned()));
        };
        if !retention::sane(now) {
            let why = format!("now is {} µs since 1970, outside 2000 to 2099", now.micros());
            return Err(self.named.refused("expire", why));
        }
        let today = retention::day_of(now).max(window.today.unwrap_or(i64::MIN));
        let horizon = (today - i64::from(days)).max(window.horizon_day.unwrap_or(i64::MIN));
        if window.horizon_day != Some(horizon) {
            // The horizon is known, here and on disk, before anything behind it goes: no answer is silently short.
            self.note(|file| file.horizon_day = Some(horizon))?;
            *self.horizon_day.lock().unwrap_or_else(PoisonError::into_inner) = Some(horizon);
            window.horizon_day = Some(horizon);
        }
        // Also without a new horizon: a crash may have come in between the last time.
        Ok((self.take_out(|s| s.span.is_past(horizon)), today))
    }

    /// Moves today on and brings forward what was dated ahead; `None` if it is today already, else the segments that
    /// are empty now.
    fn set_today(&self, today: i64) -> Result<Option<Segments>, StoreError> {
        let mut window = self.window.write().unwrap_or_else(PoisonError::into_inner);
        if window.today.is_some_and(|known| known >= today) {
            return Ok(None);
        }
        let next = Window { today: Some(today), ..*window };
        let emptied = self.bring_forward(&next)?;
        self.note(|file| file.now_micros = Some(retention::start_of(today).micros()))?;
        *window = next;
        Ok(Some(emptied))
    }

    /// Compacts the segments of days that ended a day or two ago: what is left of them is one sorted run, compressed.
    fn tidy(&self, today: i64) -> Result<(), StoreError> {
        let ended =
            |s: &Segment| matches!(s.span, Span::Days { end, .. } if (today - 1..=today).contains(&end));
        let (_, ended) = self.segments().split(ended);
        self.write_out_of(&ended)?;
        for segment in ended.iter().filter(|s| s.keyspace.tree.l0_run_count() > 0) {
            self.compact_one(segment)?;
        }
        Ok(())
    }

    fn note(&self, change: impl FnOnce(&mut super::format::StoreFile)) -> Result<(), StoreError> {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let mut next = file.clone();
        change(&mut next);
        next.write(&self.dir, &self.named.store)?;
        *file = next;
        Ok(())
    }

    /// Takes segments out of what readers and writers see.
    fn take_out(&self, goes: impl Fn(&Segment) -> bool) -> Segments {
        let _shape = self.shape();
        let mut segments = self.segments.write().unwrap_or_else(PoisonError::into_inner);
        let (stay, gone) = segments.split(goes);
        *segments = Arc::new(stay);
        gone
    }

    /// Deletes segments that were taken out and waits for their files to go; the bytes they held on disk.
    fn delete(&self, segments: Segments) -> Result<u64, StoreError> {
        if segments.iter().next().is_none() {
            return Ok(0);
        }
        // What they still buffer would count against the write buffer for ever.
        self.write_out_of(&segments)?;
        let database = self.database()?;
        let mut bytes = 0;
        let mut paths = Vec::new();
        for segment in segments.iter() {
            let path = segment.keyspace.path();
            bytes += files::disk_bytes(path)
                .map_err(|cause| files::unavailable(&self.named.store, "expire", &cause))?;
            paths.push(path.to_path_buf());
            let deleted = database.delete_keyspace(segment.keyspace.clone());
            deleted.map_err(|error| self.named.error("drop segment", error))?;
        }
        drop(segments);
        // Old journals hold on to every segment they mention until one of those left is written out.
        self.nudge()?;
        let started = Instant::now();
        for path in paths {
            while path.exists() && started.elapsed() < GONE_WITHIN {
                std::thread::sleep(LOOK_AGAIN);
            }
            if path.exists() {
                tracing::warn!(path = %path.display(), "a dropped segment is still being read, its files go later");
            }
        }
        Ok(bytes)
    }

    /// Moves cells of `later` whose day is tomorrow or before into the segments of their days.
    ///
    /// Returns `later` itself, taken out, if nothing is left in it.
    fn bring_forward(&self, window: &Window) -> Result<Segments, StoreError> {
        let Some(later) = self.segments().get(Span::Later).cloned() else { return Ok(Segments::default()) };
        let database = self.database()?;
        let mut stays = false;
        let mut batch = database.batch();
        let mut bytes = 0;
        for guard in later.keyspace.iter() {
            let (key, value) = guard.into_inner().map_err(|error| self.named.error("expire", error))?;
            let rest = scan::after_head(&self.named, &value)?;
            let mut head = [0; scan::LATER_HEAD];
            head.copy_from_slice(&value[..scan::LATER_HEAD]);
            let time = Timestamp(i64::from_be_bytes(head));
            match window.place(Some(time), &self.segments()) {
                Place::In(Span::Later) => {
                    stays = true;
                    continue;
                }
                Place::In(span) => {
                    bytes += key.len() + rest.len();
                    let segment = self.segment(span)?;
                    if let Some(mark) = key::row_mark_of(&key) {
                        batch.insert(&segment.keyspace, mark, []);
                    }
                    batch.insert(&segment.keyspace, key.clone(), UserValue::from(rest));
                }
                Place::Gone => {}
            }
            batch.remove(&later.keyspace, key);
            if batch.len() >= MOVE_CELLS || bytes >= MOVE_BYTES {
                std::mem::replace(&mut batch, database.batch())
                    .commit()
                    .map_err(|error| self.named.error("expire", error))?;
                bytes = 0;
                self.seal_full(self.segments().iter())?;
                self.make_room()?;
            }
        }
        batch.commit().map_err(|error| self.named.error("expire", error))?;
        engine::sync(database).map_err(|error| self.named.error("expire", error))?;
        Ok(self.take_out(|s| s.span == Span::Later && !stays))
    }
}
