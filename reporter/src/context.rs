//! Where the code that runs now belongs: the mark, the node, the trace. Carried over threads, tasks and futures.

use std::cell::RefCell;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Poll, ready};

use crate::json::{self, ELLIPSIS};
use crate::mark::{LinkMark, NAME_BYTES_MAX, TEXT_BYTES_MAX, is_name};

/// Bytes of a text in `attributes`, as written.
const ATTRIBUTE_MAX: usize = 512;

/// Where code belongs: link mark, node, trace. Cheap to clone; the default one belongs nowhere.
#[derive(Clone, Default)]
pub struct Context(Option<Arc<Place>>);

/// What a context holds, and what reports within it have in common, written once.
#[derive(Default)]
pub(crate) struct Place {
    mark: Option<LinkMark>,
    node: Option<Box<str>>,
    parent_node: Option<Box<str>>,
    trace_id: Option<Box<str>>,
    span_id: Option<Box<str>>,
    /// Members `businessId` to `traceId`, each with a comma before it.
    pub(crate) head: Vec<u8>,
    /// Member `nodeName`.
    pub(crate) node_member: Vec<u8>,
    /// Member `spanId`.
    pub(crate) span_member: Vec<u8>,
    /// Members of `attributes`, a comma between them: what did not fit the format.
    pub(crate) attributes: Vec<u8>,
}

thread_local! {
    static CURRENT: RefCell<Context> = const { RefCell::new(Context(None)) };
}

/// Writes `,"name":"text"`.
pub(crate) fn push_text(out: &mut Vec<u8>, name: &str, text: &str) {
    out.extend_from_slice(b",\"");
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\":");
    json::push_string(out, text);
}

/// Writes a member of `attributes`, cut.
pub(crate) fn push_attribute(out: &mut Vec<u8>, name: &str, text: &str) {
    if !out.is_empty() {
        out.push(b',');
    }
    json::push_string(out, name);
    out.push(b':');
    json::push_capped(out, text, ATTRIBUTE_MAX);
}

impl Place {
    /// Writes what reports in this place have in common.
    fn written(mut self) -> Place {
        let bad_node = self.node.as_deref().filter(|name| !is_name(name));
        let valid = self.mark.as_ref().and_then(LinkMark::valid);
        match (valid, bad_node) {
            (Some([business, scene, execution]), None) => {
                push_text(&mut self.head, "businessId", business);
                push_text(&mut self.head, "sceneId", scene);
                push_text(&mut self.head, "executionId", execution);
            }
            (None, None) if self.mark.is_none() => {}
            _ => {
                let mut given = Vec::new();
                let ids = self.mark.as_ref().map(LinkMark::given).unwrap_or_default();
                for (name, id) in ["businessId", "sceneId", "executionId"].iter().zip(ids) {
                    if let Some(id) = id {
                        push_attribute(&mut given, name, id);
                    }
                }
                if let Some(name) = bad_node {
                    push_attribute(&mut given, "nodeName", name);
                }
                self.attributes.extend_from_slice(b"\"invalidMark\":{");
                self.attributes.extend_from_slice(&given);
                self.attributes.push(b'}');
            }
        }
        for (name, text, member) in
            [("traceId", &self.trace_id, &mut self.head), ("spanId", &self.span_id, &mut self.span_member)]
        {
            match text.as_deref() {
                None | Some("") => {}
                Some(text) if text.len() <= TEXT_BYTES_MAX => push_text(member, name, text),
                Some(text) => {
                    let invalid = if name == "traceId" { "invalidTraceId" } else { "invalidSpanId" };
                    push_attribute(&mut self.attributes, invalid, text);
                }
            }
        }
        if let Some(name) = self.node.as_deref() {
            if bad_node.is_none() {
                push_text(&mut self.node_member, "nodeName", name);
            } else {
                let kept = json::beginning(name, NAME_BYTES_MAX - ELLIPSIS.len());
                push_text(&mut self.node_member, "nodeName", &format!("{kept}{ELLIPSIS}"));
            }
        }
        self
    }

    fn parts(&self) -> Place {
        Place {
            mark: self.mark.clone(),
            node: self.node.clone(),
            parent_node: self.parent_node.clone(),
            trace_id: self.trace_id.clone(),
            span_id: self.span_id.clone(),
            ..Place::default()
        }
    }
}

impl Context {
    /// The context of the code that runs now.
    pub fn current() -> Context {
        // At the end of a thread its context may be gone already.
        CURRENT.try_with(|current| current.borrow().clone()).unwrap_or_default()
    }

    /// A context of this mark alone.
    pub fn of_mark(mark: LinkMark) -> Context {
        Context::default().with_mark(mark)
    }

    /// The same context with another mark. The node is no longer within one: it belonged to the mark before.
    pub fn with_mark(&self, mark: LinkMark) -> Context {
        self.changed(|place| {
            if place.mark.as_ref().is_some_and(|before| *before != mark) {
                (place.node, place.parent_node) = (None, None);
            }
            place.mark = Some(mark);
        })
    }

    /// The same context with the trace and span it is in. Empty ones are none.
    pub fn with_trace(&self, trace_id: impl AsRef<str>, span_id: impl AsRef<str>) -> Context {
        let some = |text: &str| (!text.is_empty()).then(|| Box::from(text));
        self.changed(|place| {
            (place.trace_id, place.span_id) = (some(trace_id.as_ref()), some(span_id.as_ref()));
        })
    }

    /// The same context with a node that nodes within it are called from, somewhere else.
    pub fn with_parent_node(&self, name: impl AsRef<str>) -> Context {
        self.changed(|place| place.parent_node = Some(name.as_ref().into()))
    }

    /// The same context within a node: logs carry its name, nodes have it as their parent.
    pub fn within_node(&self, name: impl AsRef<str>) -> Context {
        self.changed(|place| place.node = Some(name.as_ref().into()))
    }

    fn changed(&self, change: impl FnOnce(&mut Place)) -> Context {
        let mut place = self.0.as_ref().map(|place| place.parts()).unwrap_or_default();
        change(&mut place);
        Context(Some(Arc::new(place.written())))
    }

    /// The mark.
    pub fn mark(&self) -> Option<&LinkMark> {
        self.0.as_ref()?.mark.as_ref()
    }

    /// The node around the code.
    pub fn node(&self) -> Option<&str> {
        self.0.as_ref()?.node.as_deref()
    }

    /// The node a node started here is called from.
    pub fn parent_node(&self) -> Option<&str> {
        let place = self.0.as_ref()?;
        place.node.as_deref().or(place.parent_node.as_deref())
    }

    /// The trace.
    pub fn trace_id(&self) -> Option<&str> {
        self.0.as_ref()?.trace_id.as_deref()
    }

    /// The span.
    pub fn span_id(&self) -> Option<&str> {
        self.0.as_ref()?.span_id.as_deref()
    }

    /// Whether it says nothing at all.
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    pub(crate) fn place(&self) -> Option<&Place> {
        self.0.as_deref()
    }

    /// Makes this the current context of the thread until the guard is dropped. Not for `async` code: use
    /// [`FutureExt::in_context`] there.
    #[must_use = "the context is left when the guard is dropped"]
    pub fn enter(&self) -> ContextGuard {
        let before = CURRENT.try_with(|current| current.replace(self.clone())).unwrap_or_default();
        ContextGuard { before, thread: PhantomData }
    }

    /// Calls `work` in this context.
    pub fn in_scope<T>(&self, work: impl FnOnce() -> T) -> T {
        let _guard = self.enter();
        work()
    }
}

impl std::fmt::Debug for Context {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Context")
            .field("mark", &self.mark())
            .field("node", &self.node())
            .field("parent_node", &self.parent_node())
            .field("trace_id", &self.trace_id())
            .field("span_id", &self.span_id())
            .finish()
    }
}

impl LinkMark {
    /// Makes this the mark of the thread until the guard is dropped. Not for `async` code: use [`FutureExt::with_mark`] there.
    #[must_use = "the mark is left when the guard is dropped"]
    pub fn enter(&self) -> ContextGuard {
        Context::current().with_mark(self.clone()).enter()
    }

    /// Calls `work` with this mark.
    pub fn in_scope<T>(&self, work: impl FnOnce() -> T) -> T {
        let _guard = self.enter();
        work()
    }
}

/// Brings the context before back when it is dropped. It belongs to its thread.
#[derive(Debug)]
pub struct ContextGuard {
    before: Context,
    thread: PhantomData<*const ()>,
}

impl Drop for ContextGuard {
    fn drop(&mut self) {
        let before = std::mem::take(&mut self.before);
        // Replaced first, dropped then: what is dropped may ask for the current context.
        let _left = CURRENT.try_with(|current| current.replace(before));
    }
}

/// A closure that runs in the context of the caller of `carry`, on whatever thread: for threads, pools, `spawn_blocking`.
///
/// ```
/// # use linkloom_reporter::{Context, LinkMark, carry};
/// let mark = LinkMark::new("content-42", "intake", "5f2c");
/// let _guard = mark.enter();
/// let work = carry(|| Context::current().mark().cloned());
/// assert_eq!(std::thread::spawn(work).join().unwrap(), Some(mark));
/// ```
pub fn carry<T>(work: impl FnOnce() -> T) -> impl FnOnce() -> T {
    let context = Context::current();
    move || context.in_scope(work)
}

/// [`carry`] for a closure with an argument that is called many times, on many threads: `items.par_iter().map(carry_map(|item| …))`.
pub fn carry_map<A, T>(work: impl Fn(A) -> T) -> impl Fn(A) -> T {
    let context = Context::current();
    move |argument| context.in_scope(|| work(argument))
}

pin_project_lite::pin_project! {
    /// A future that runs in a context, wherever it is polled, and however often it is moved between threads.
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct InContext<F> {
        // Dropped in its context as well: what it holds may report when it goes.
        #[pin]
        future: Option<F>,
        context: Context,
    }

    impl<F> PinnedDrop for InContext<F> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            let _guard = this.context.enter();
            this.future.set(None);
        }
    }
}

impl<F: Future> Future for InContext<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, task: &mut std::task::Context<'_>) -> Poll<F::Output> {
        let mut this = self.project();
        let _guard = this.context.enter();
        // It is there until it is dropped or done; futures are not polled after that.
        let Some(future) = this.future.as_mut().as_pin_mut() else { return Poll::Pending };
        let output = ready!(future.poll(task));
        this.future.set(None);
        Poll::Ready(output)
    }
}

/// Futures that keep their context over every `.await`.
pub trait FutureExt: Future + Sized {
    /// This future with this mark.
    ///
    /// ```
    /// # use linkloom_reporter::{Context, FutureExt, LinkMark};
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// let mark = LinkMark::new("content-42", "intake", "5f2c");
    /// let task = tokio::spawn(async { Context::current().mark().cloned() }.with_mark(mark.clone()));
    /// assert_eq!(task.await.unwrap(), Some(mark));
    /// # });
    /// ```
    fn with_mark(self, mark: LinkMark) -> InContext<Self> {
        self.in_context(Context::current().with_mark(mark))
    }

    /// This future in the context of the caller, for what is spawned.
    fn in_current_context(self) -> InContext<Self> {
        self.in_context(Context::current())
    }

    /// This future in this context.
    fn in_context(self, context: Context) -> InContext<Self> {
        InContext { future: Some(self), context }
    }
}

impl<F: Future> FutureExt for F {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guards_restore_what_was_there() {
        let (one, two) = (LinkMark::new("1", "s", "e"), LinkMark::new("2", "s", "e"));
        assert!(Context::current().is_empty());
        let outer = one.enter();
        {
            let _inner = two.enter();
            assert_eq!(Context::current().mark(), Some(&two));
        }
        assert_eq!(Context::current().mark(), Some(&one));
        drop(outer);
        assert!(Context::current().is_empty());
    }

    #[test]
    fn another_mark_leaves_the_node() {
        let one = Context::of_mark(LinkMark::new("1", "s", "e")).with_trace("t", "").within_node("n");
        assert_eq!(one.with_mark(LinkMark::new("1", "s", "e")).node(), Some("n"));
        let two = one.with_mark(LinkMark::new("2", "s", "e"));
        assert_eq!((two.node(), two.trace_id(), two.span_id()), (None, Some("t"), None));
    }
}
