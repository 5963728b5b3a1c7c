"""Where a task or thread is: the mark of the execution, the node, and what a tracer or another process said."""

import contextvars
import functools
import inspect
from typing import NamedTuple, Optional

from .mark import LinkMark


class LinkContext(NamedTuple):
    """A context; immutable. asyncio tasks take the current one with them, :func:`carry` takes it to other threads."""

    mark: Optional[LinkMark] = None
    node: Optional[str] = None
    parent_node: Optional[str] = None
    trace_id: Optional[str] = None
    span_id: Optional[str] = None

    def with_mark(self, mark):
        """Another mark; the node is kept only if the mark is the same, it is one of another execution otherwise."""
        if mark is not None and mark.is_nothing():
            mark = None
        if mark == self.mark:
            return self
        return LinkContext(mark, None, None, self.trace_id, self.span_id)

    def with_node(self, node):
        return self._replace(node=node)

    def with_parent_node(self, parent_node):
        """The node another process said it was in."""
        return self._replace(parent_node=parent_node)

    def with_trace(self, trace_id, span_id=None):
        return self._replace(trace_id=trace_id or None, span_id=span_id or None)

    def enter(self):
        """Makes this the current context within a ``with`` block."""
        return LinkScope(self)


NONE = LinkContext()
_current = contextvars.ContextVar("linkloom", default=NONE)


def current():
    """The context of this task or thread, never None."""
    return _current.get()


class LinkScope:
    """A stretch of work within a context; also entered by ``async with``."""

    __slots__ = ("context", "_before")

    def __init__(self, context):
        self.context = context
        self._before = None

    def __enter__(self):
        self._before = _current.get()
        _current.set(self.context)
        return self

    def __exit__(self, *_):
        _current.set(self._before)
        return False

    async def __aenter__(self):
        return self.__enter__()

    async def __aexit__(self, *of):
        return self.__exit__(*of)


def pass_link_mark(business_id, scene_id=None, execution_id=None):
    """Works for an execution within a ``with`` block; a single argument is a mark as text or a :class:`LinkMark`."""
    if isinstance(business_id, LinkMark) or business_id is None:
        mark = business_id
    elif scene_id is None and execution_id is None:
        mark = LinkMark.parse(business_id) or (LinkMark(business_id, None, None) if business_id else None)
    else:
        mark = LinkMark(business_id, scene_id, execution_id)
    return current().with_mark(mark).enter()


def carry(function):
    """The function, run within the context of who calls ``carry``: for thread pools, callbacks, timers."""
    context = current()

    if inspect.iscoroutinefunction(function):

        @functools.wraps(function)
        async def carried_async(*args, **kwargs):
            with context.enter():
                return await function(*args, **kwargs)

        return carried_async

    def carried(*args, **kwargs):
        with context.enter():
            return function(*args, **kwargs)

    try:
        return functools.wraps(function)(carried)
    except Exception:
        return carried
