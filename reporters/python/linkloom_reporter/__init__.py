"""Turns logging calls and node calls of an application into report lines for Linkloom, and gets them out.

>>> import linkloom_reporter as linkloom
>>> with linkloom.pass_link_mark("content-42", "realtime-input", "5f2c"):
...     with linkloom.node("picProcess", input={"contentId": 42}) as run:
...         run.output = {"ok": True}
"""

from .baggage import extract, inject
from .context import LinkContext, LinkScope, carry, current, pass_link_mark
from .logs import ContextFilter, LinkloomFormatter, LinkloomHandler
from .mark import LinkMark
from .masks import MaskRule
from .nodes import NodeRun, node, trace_node
from .reporter import Reporter, get, install
from .settings import Caps, Settings

__all__ = [
    "Caps",
    "ContextFilter",
    "LinkContext",
    "LinkMark",
    "LinkScope",
    "LinkloomFormatter",
    "LinkloomHandler",
    "MaskRule",
    "NodeRun",
    "Reporter",
    "Settings",
    "carry",
    "current",
    "extract",
    "get",
    "inject",
    "install",
    "node",
    "pass_link_mark",
    "trace_node",
]
