//! Posted lines at the door: which are refused is told at once, the others go on their way.

use std::sync::{Arc, PoisonError, RwLock};

use linkloom_ingest::decode::{Decoder, Limits, Reason};
use linkloom_ingest::source::{ChannelSender, SendRefused};
use linkloom_query::http::{Intake, NotTaken, RefusedLine, Taken};
use linkloom_schema::time::Timestamp;

use super::Target;

/// Refused lines of one post that are named.
const REFUSED_NAMED_MAX: usize = 1_000;

/// Takes posted lines.
pub struct Posted {
    /// `None` when no more are taken.
    sender: RwLock<Option<ChannelSender>>,
    limits: Limits,
    /// Where they go to, if that is a topic.
    target: Option<Arc<Target>>,
}

impl Posted {
    pub(super) fn new(sender: ChannelSender, limits: Limits, target: Option<Arc<Target>>) -> Self {
        Posted { sender: RwLock::new(Some(sender)), limits, target }
    }

    /// Takes no more from now on. What waits is answered by whoever reads it, or, once nobody does, with 503.
    pub(super) fn close(&self) {
        self.sender.write().unwrap_or_else(PoisonError::into_inner).take();
    }
}

impl Intake for Posted {
    fn accept(
        &self,
        lines: Vec<u8>,
        at: Timestamp,
        durable: Box<dyn FnOnce() + Send>,
    ) -> Result<Taken, NotTaken> {
        let record_bytes_max = self.target.as_ref().map(|target| target.record_bytes_max());
        let taken = look(&mut Decoder::new(self.limits.clone()), record_bytes_max, &lines, at);
        if taken == Taken::default() {
            durable();
            return Ok(taken);
        }
        let sender = self.sender.read().unwrap_or_else(PoisonError::into_inner);
        let Some(sender) = &*sender else { return Err(NotTaken::Closed) };
        match sender.try_send(lines, Some(at), durable) {
            Ok(()) => Ok(taken),
            Err(SendRefused::Full(_)) => Err(NotTaken::Full),
            Err(SendRefused::Closed(_)) => Err(NotTaken::Closed),
        }
    }
}

/// What will be taken of these lines: whoever reads them decodes them in the same way.
fn look(decoder: &mut Decoder, record_bytes_max: Option<usize>, lines: &[u8], at: Timestamp) -> Taken {
    let mut taken = Taken::default();
    for (number, line) in (1..).zip(lines.split(|byte| *byte == b'\n')) {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.is_empty() {
            continue;
        }
        let refused = match decoder.decode(line, Some(at)) {
            Ok(_) => record_bytes_max.filter(|max| line.len() > *max).map(|max| {
                let detail = format!("the report is {} bytes long, the topic takes {max}", line.len());
                (Reason::TooLong.as_str(), detail)
            }),
            Err(refusal) => Some((refusal.reason.as_str(), refusal.detail.to_string())),
        };
        match refused {
            None => taken.accepted += 1,
            Some(_) if taken.refused.len() >= REFUSED_NAMED_MAX => taken.refused_more += 1,
            Some((reason, detail)) => taken.refused.push(RefusedLine { line: number, reason, detail }),
        }
    }
    taken
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_will_be_refused_are_named() {
        let lines = b"{\"businessId\":\"b\",\"sceneId\":\"s\",\"executionId\":\"e\",\"message\":\"m\"}\r\n\nnonsense\n{}";
        let named = |taken: &Taken| {
            taken.refused.iter().map(|refused| (refused.line, refused.reason)).collect::<Vec<_>>()
        };
        let taken = look(&mut Decoder::default(), None, lines, Timestamp(0));
        assert_eq!((taken.accepted, named(&taken)), (2, vec![(3, "malformed_json")]));
        let taken = look(&mut Decoder::default(), Some(20), lines, Timestamp(0));
        assert_eq!((taken.accepted, named(&taken)), (1, vec![(1, "report_too_long"), (3, "malformed_json")]));
        assert_eq!(taken.refused[0].detail, "the report is 64 bytes long, the topic takes 20");
        let many = look(&mut Decoder::default(), None, &b"x\n".repeat(1_500), Timestamp(0));
        assert_eq!((many.accepted, many.refused.len(), many.refused_more), (0, 1_000, 500));
        assert_eq!(look(&mut Decoder::default(), None, b"\n\r\n", Timestamp(0)), Taken::default());
    }
}
