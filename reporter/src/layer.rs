//! The layer of `tracing-subscriber`: events become business logs.

use std::error::Error;
use std::fmt::{self, Debug};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id};
use tracing::{Event, Subscriber};
use tracing_subscriber::layer::Context as Spans;
use tracing_subscriber::registry::LookupSpan;

use crate::context::Context;
use crate::exception::{Exception, write_bounded};
use crate::json;
use crate::level::Level;
use crate::line::{Buffers, LogLine};
use crate::mask::MASKED;
use crate::reporter::{Inner, Reporter, may_report};
use crate::time::now_micros;

/// Most raw bytes of a text beyond its cap, for masks.
const SLACK: usize = 8_192;

/// A layer that reports events as business logs: the message as `message`, fields as `data`, an error as `exception`.
///
/// They carry the mark, node and trace of the current [`Context`]; if there is none, those of the context in which one of the spans around
/// the event was made. So `tracing`'s own `.instrument(span)` carries them, too.
///
/// An error is a field recorded as `dyn Error`, with its causes; or, as a text, one named `error`, `err` or `exception`.
#[derive(Clone, Debug)]
pub struct ReporterLayer {
    /// None: that of the process, once there is one.
    reporter: Option<Reporter>,
}

/// The layer of the reporter of the process, also of one that is installed later.
///
/// ```
/// use tracing_subscriber::prelude::*;
///
/// let (settings, captured) = linkloom_reporter::Reporter::builder().service("shop").capture();
/// let reporting = settings.install();
/// let subscriber = tracing_subscriber::registry().with(linkloom_reporter::layer());
/// tracing::subscriber::with_default(subscriber, || {
///     let _mark = linkloom_reporter::LinkMark::new("order-7", "checkout", "5f2c").enter();
///     tracing::warn!(tries = 3, "no answer");
/// });
/// drop(reporting);
/// assert!(captured.lines()[0].contains(r#""level":"WARN","message":"no answer","data":{"tries":3}"#));
/// ```
pub fn layer() -> ReporterLayer {
    ReporterLayer { reporter: None }
}

impl Reporter {
    /// The layer of this reporter.
    pub fn layer(&self) -> ReporterLayer {
        ReporterLayer { reporter: Some(self.clone()) }
    }
}

/// The context a span was made in.
struct MadeIn(Context);

impl<S> tracing_subscriber::Layer<S> for ReporterLayer
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn on_new_span(&self, _: &Attributes<'_>, id: &Id, spans: Spans<'_, S>) {
        let context = Context::current();
        if !context.is_empty()
            && let Some(span) = spans.span(id)
        {
            span.extensions_mut().replace(MadeIn(context));
        }
    }

    fn on_event(&self, event: &Event<'_>, spans: Spans<'_, S>) {
        let Some(reporter) = self.reporter.as_ref().or_else(|| Reporter::global()) else { return };
        let level = Level::from(event.metadata().level());
        if level < reporter.0.level || !may_report() {
            return;
        }
        let mut context = Context::current();
        if context.is_empty()
            && let Some(scope) = spans.event_scope(event)
        {
            // The innermost that was made in a context.
            let mut made_in =
                scope.filter_map(|span| span.extensions().get::<MadeIn>().map(|made| made.0.clone()));
            context = made_in.next().unwrap_or_default();
        }
        reporter.with(|inner, buffers| report(inner, buffers, event, level, &context));
    }
}

fn report(inner: &Inner, buffers: &mut Buffers, event: &Event<'_>, level: Level, context: &Context) {
    let mut fields = Fields { inner, buffers, full: false };
    event.record(&mut fields);
    let cap = inner.bounds.payload;
    if !fields.buffers.data.is_empty() {
        fields.buffers.data.push(b'}');
        if fields.full || fields.buffers.data.len() > cap {
            json::cut_payload(&mut fields.buffers.data, 0, cap);
        }
    }
    inner.check(context);
    let line = LogLine {
        place: context.place(),
        time: now_micros(),
        level: Some(level),
        message: &buffers.message,
        data: &buffers.data,
        exception: &buffers.exception,
        meta: b"",
    };
    inner.log(&line, &mut buffers.line);
}

/// Writes the fields of an event.
struct Fields<'a> {
    inner: &'a Inner,
    buffers: &'a mut Buffers,
    /// `data` is longer than its cap.
    full: bool,
}

impl Fields<'_> {
    /// Writes a key; says whether a value is to follow.
    fn key(&mut self, field: &Field) -> bool {
        let name = field.name();
        if self.full || (cfg!(feature = "log") && name.starts_with("log.")) {
            return false;
        }
        let data = &mut self.buffers.data;
        data.push(if data.is_empty() { b'{' } else { b',' });
        json::push_string(data, name.strip_prefix("r#").unwrap_or(name));
        data.push(b':');
        if self.inner.bounds.masks.key(name) {
            json::push_string(data, MASKED);
            return false;
        }
        true
    }

    fn number(&mut self, field: &Field, number: impl itoa::Integer) {
        if self.key(field) {
            json::push_number(&mut self.buffers.data, number);
        }
    }

    fn text(&mut self, field: &Field, text: &str) {
        let bounds = &self.inner.bounds;
        match field.name() {
            "message" => {
                self.buffers.message.clear();
                let masked = bounds.masked(text, bounds.message);
                json::push_capped(&mut self.buffers.message, &masked, bounds.message);
            }
            "error" | "err" | "exception" if self.buffers.exception.is_empty() => {
                Exception::text(text).push(&mut self.buffers.exception, bounds);
            }
            _ => {
                if self.key(field) {
                    let data = &mut self.buffers.data;
                    json::push_string(data, &bounds.masked(text, bounds.payload));
                    self.full = data.len() > bounds.payload;
                }
            }
        }
    }
}

impl Visit for Fields<'_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.text(field, value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.said(field, format_args!("{value:?}"));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.number(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.number(field, value);
    }

    fn record_i128(&mut self, field: &Field, value: i128) {
        self.number(field, value);
    }

    fn record_u128(&mut self, field: &Field, value: u128) {
        self.number(field, value);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        if self.key(field) {
            json::push_float(&mut self.buffers.data, value);
        }
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        if self.key(field) {
            self.buffers.data.extend_from_slice(if value { b"true" } else { b"false" });
        }
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        if self.buffers.exception.is_empty() {
            Exception::of(value).push(&mut self.buffers.exception, &self.inner.bounds);
        } else {
            self.said(field, format_args!("{value}"));
        }
    }
}

impl Fields<'_> {
    /// A text that is made only now, by code that may do anything.
    fn said(&mut self, field: &Field, text: fmt::Arguments<'_>) {
        if cfg!(feature = "log") && field.name().starts_with("log.") {
            return;
        }
        let max =
            if field.name() == "message" { self.inner.bounds.message } else { self.inner.bounds.payload };
        let mut said = std::mem::take(&mut self.buffers.text);
        said.clear();
        write_bounded(&mut said, text, max.saturating_add(SLACK));
        self.text(field, &said);
        self.buffers.text = said;
    }
}
