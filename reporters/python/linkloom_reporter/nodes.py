"""Node reports: ``with node("picProcess", input={...}) as run`` and ``@trace_node("picProcess")``."""

import functools
import inspect

from . import _warn
from ._line import ExceptionInfo, Report
from .context import current
from .reporter import get


class NodeRun:
    """A run of a node. Entered by ``with`` or ``async with``: what is raised out of the block is its failure, else it is completed."""

    def __init__(self, name, input=None, iteration=None, sub_execution_id=None, meta=None, masks=None, reporter=None):
        self.name = "" if name is None else name
        self._reporter = reporter
        self._input = input
        self._iteration = iteration
        self._sub_execution_id = sub_execution_id
        self._meta = meta
        self._masks = masks
        self._run_id = None
        self._context = None
        self._parent = None
        self._scope = None
        self._ended = False
        self.output = None
        """What came out, for an end that names no other."""
        self.case = None
        """The outcome of a decision; goes with the end."""

    def _report(self, status, time=None, **more):
        if self._run_id is None:
            self._reporter = self._reporter or get()
            self._run_id = self._reporter.composer.next_run()
            self._context = current()
            self._parent = self._context.node if self._context.node is not None else self._context.parent_node
        self._reporter.report(
            Report(
                self._reporter.clock() if time is None else time,
                context=self._context,
                status=status,
                node_name=self.name,
                run_id=self._run_id,
                iteration=self._iteration,
                parent_node=self._parent,
                masks=self._masks,
                **more,
            )
        )

    def start(self):
        """Reports the start, and makes this the node of this task or thread until its end."""
        try:
            self._report("RUNNING", input=self._input, sub_execution_id=self._sub_execution_id, meta=self._meta)
            self._input = None
            self._scope = self._context.with_node(self.name).enter()
            self._scope.__enter__()
        except Exception as e:
            _warn.once("node", "a node could not be started", e)
        return self

    @property
    def context(self):
        """The context within the node."""
        return self._scope.context if self._scope is not None else current()

    def leave(self):
        """Leaves the node here, without an end: that is reported later, by whatever task or thread."""
        scope, self._scope = self._scope, None
        if scope is not None:
            scope.__exit__(None, None, None)
        return self

    def complete(self, output=None, case=None, sub_execution_id=None, meta=None):
        """Reports that the node has done its work."""
        self._end("COMPLETED", output, None, case, sub_execution_id, meta)

    def fail(self, error=None, output=None, case=None, sub_execution_id=None, meta=None):
        """Reports that the node has failed: an exception, or None."""
        self._end("FAILED", output, error, case, sub_execution_id, meta)

    def skip(self, reason=None):
        """Reports that the node had nothing to do; also without a start."""
        if self._run_id is None:
            self._ended = True
            self._report("SKIPPED", output=reason, sub_execution_id=self._sub_execution_id, meta=self._meta)
        else:
            self._end("SKIPPED", reason, None, None, None, None)

    def _end(self, status, output, error, case, sub_execution_id, meta):
        if self._ended:
            return
        self._ended = True
        try:
            self.leave()
            if error is not None and not isinstance(error, ExceptionInfo):
                error = ExceptionInfo.of(error) if isinstance(error, BaseException) else ExceptionInfo(message=str(error))
            self._report(
                status,
                output=output if output is not None else self.output,
                exception=error,
                case=case if case is not None else self.case,
                sub_execution_id=sub_execution_id if sub_execution_id is not None else self._sub_execution_id,
                meta=meta,
            )
        except Exception as e:
            _warn.once("node", "the end of a node could not be reported", e)

    def __enter__(self):
        return self.start()

    def __exit__(self, kind, error, _):
        if error is None:
            self.complete()
        else:
            self.fail(error)
        return False

    async def __aenter__(self):
        return self.start()

    async def __aexit__(self, *of):
        return self.__exit__(*of)


def node(name, input=None, iteration=None, sub_execution_id=None, meta=None, mask=(), reporter=None):
    """A run of a node: ``with node("store", input=row) as run: run.output = store(row)``. ``mask``: keys masked beside the rules."""
    masks = None
    if mask:
        masks = (reporter or get()).composer.masks.with_keys(mask)
    return NodeRun(name, input, iteration, sub_execution_id, meta, masks, reporter)


def trace_node(name=None, *, input=True, output=True, skip=(), mask=(), decision=False):
    """Calls of the function, sync or async, are runs of a node.

    ``input`` and ``output``: whether arguments and result are reported; ``skip``: parameters that are not; ``mask``: keys and parameters whose
    values are masked; ``decision``: whether the text of the result is the outcome of a decision.
    """
    if callable(name):
        return trace_node()(name)

    def decorate(function):
        if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
            _warn.once("generator:%s" % function.__qualname__, "a generator is no node, it is left as it is: %s" % function.__qualname__)
            return function
        title = name or function.__name__
        try:
            signature = inspect.signature(function)
        except (TypeError, ValueError):
            signature = None

        def arguments(args, kwargs):
            try:
                bound = signature.bind(*args, **kwargs).arguments
            except Exception:  # A call that does not fit raises by itself.
                bound = dict(kwargs, args=args)
            return {key: value for key, value in bound.items() if key not in skip and key not in ("self", "cls")} or None

        def begin(args, kwargs):
            try:
                return node(title, input=arguments(args, kwargs) if input else None, mask=mask).start()
            except Exception as e:
                _warn.once("node", "a node could not be started", e)
                return None

        def done(run, result):
            try:
                run.complete(result if output else None, case=str(result) if decision else None)
            except Exception as e:
                _warn.once("node", "the end of a node could not be reported", e)

        if inspect.iscoroutinefunction(function):

            @functools.wraps(function)
            async def traced_async(*args, **kwargs):
                run = begin(args, kwargs)
                try:
                    result = await function(*args, **kwargs)
                except BaseException as e:
                    if run is not None:
                        run.fail(e)
                    raise
                if run is not None:
                    done(run, result)
                return result

            return traced_async

        @functools.wraps(function)
        def traced(*args, **kwargs):
            run = begin(args, kwargs)
            try:
                result = function(*args, **kwargs)
            except BaseException as e:
                if run is not None:
                    run.fail(e)
                raise
            if run is not None:
                done(run, result)
            return result

        return traced

    return decorate
