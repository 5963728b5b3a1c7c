//! Business logs by plain functions, for code that does not use `tracing`.

use std::error::Error;
use std::fmt::Display;
use std::time::SystemTime;

use serde::Serialize;

use crate::context::Context;
use crate::exception::{Exception, bounded_text};
use crate::json;
use crate::level::Level;
use crate::line::LogLine;
use crate::payload::push_payload;
use crate::reporter::{Reporter, may_report};
use crate::time::{micros_of, now_micros};

/// A business log of the reporter of the process; nothing happens until [`Log::send`].
///
/// ```
/// use linkloom_reporter::{Level, log};
///
/// log(Level::Warn, "no answer").data(&[("tries", 3)]).send();
/// ```
pub fn log<M: Display>(level: Level, message: M) -> Log<M> {
    Log::new(Reporter::global().cloned(), Some(level), Some(message))
}

impl Reporter {
    /// A business log; nothing happens until [`Log::send`].
    pub fn log<M: Display>(&self, level: Level, message: M) -> Log<M> {
        Log::new(Some(self.clone()), Some(level), Some(message))
    }

    /// A business log of which neither level nor message is known.
    pub fn bare_log(&self) -> Log<&'static str> {
        Log::new(Some(self.clone()), None, None)
    }
}

/// A business log that is being made. Without a reporter, or below its level, nothing is done.
#[derive(Debug)]
#[must_use = "nothing is reported until `send`"]
pub struct Log<M> {
    reporter: Option<Reporter>,
    level: Option<Level>,
    message: Option<M>,
    data: Vec<u8>,
    meta: Vec<u8>,
    exception: Option<Exception>,
    time: Option<SystemTime>,
    context: Option<Context>,
}

impl<M: Display> Log<M> {
    fn new(reporter: Option<Reporter>, level: Option<Level>, message: Option<M>) -> Log<M> {
        let wanted =
            |reporter: &Reporter| level.is_none_or(|level| level >= reporter.0.level) && may_report();
        let reporter = reporter.filter(wanted);
        Log {
            reporter,
            level,
            message,
            data: Vec::new(),
            meta: Vec::new(),
            exception: None,
            time: None,
            context: None,
        }
    }

    /// The facts of it: anything that can be serialised.
    pub fn data(mut self, data: &(impl Serialize + ?Sized)) -> Self {
        if let Some(Reporter(inner)) = &self.reporter {
            self.data.clear();
            let done = push_payload(&mut self.data, data, &inner.bounds, inner.bounds.payload);
            inner.unfit("the data of a log", done);
        }
        self
    }

    /// Facts about the execution, such as `trigger`: an object.
    pub fn meta(mut self, meta: &(impl Serialize + ?Sized)) -> Self {
        if let Some(Reporter(inner)) = &self.reporter {
            self.meta.clear();
            let done = push_payload(&mut self.meta, meta, &inner.bounds, inner.bounds.payload);
            inner.unfit("the meta of a log", done);
        }
        self
    }

    /// The error it is about, with its causes.
    pub fn error(self, error: &(impl Error + ?Sized)) -> Self {
        if self.reporter.is_none() {
            return self;
        }
        let exception = Exception::of_type(&error);
        self.exception(exception)
    }

    /// What it is about.
    pub fn exception(mut self, exception: Exception) -> Self {
        self.exception = Some(exception);
        self
    }

    /// When it happened, if not now.
    pub fn at(mut self, time: SystemTime) -> Self {
        self.time = Some(time);
        self
    }

    /// Where it belongs, if not to the current context.
    pub fn within(mut self, context: Context) -> Self {
        self.context = Some(context);
        self
    }

    /// Reports it.
    pub fn send(self) {
        let Some(reporter) = &self.reporter else { return };
        let context = self.context.unwrap_or_else(Context::current);
        reporter.with(|inner, buffers| {
            if let Some(message) = &self.message {
                // Beyond the cap only so much that the cut is seen, and masks see what they need.
                let text =
                    bounded_text(format_args!("{message}"), inner.bounds.message.saturating_add(8_192));
                let masked = inner.bounds.masked(&text, inner.bounds.message);
                json::push_capped(&mut buffers.message, &masked, inner.bounds.message);
            }
            if let Some(exception) = &self.exception {
                exception.push(&mut buffers.exception, &inner.bounds);
            }
            inner.check(&context);
            let some = |json: &'_ [u8]| -> bool { json != b"null" };
            let line = LogLine {
                place: context.place(),
                time: self.time.map_or_else(now_micros, micros_of),
                level: self.level,
                message: &buffers.message,
                data: if some(&self.data) { &self.data } else { b"" },
                exception: &buffers.exception,
                meta: if some(&self.meta) { &self.meta } else { b"" },
            };
            inner.log(&line, &mut buffers.line);
        });
    }
}
