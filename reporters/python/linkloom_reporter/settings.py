"""How a reporter is set up. The environment comes before what the code sets, and that before the defaults named here."""

import os
import re
import socket
import tempfile
import time
from dataclasses import dataclass, field
from typing import Any, Callable, Optional, Sequence
from urllib.parse import urlsplit

from . import _warn

_START = int(time.time() * 1000)


@dataclass(frozen=True)
class Caps:
    """How many bytes of a report its parts may take, as they are written: at least 16 each."""

    payload: int = 256 * 1024
    message: int = 64 * 1024
    stack: int = 64 * 1024


@dataclass
class Settings:
    """``out`` is where reports go: ``file:PATH``, ``stdout`` or ``relay:URL``; ``fallback`` where they go when that fails, in the same form."""

    service: Optional[str] = None
    instance: Optional[str] = None
    host: Optional[str] = None
    out: str = "stdout"
    fallback: Optional[str] = None
    token: Optional[str] = None
    spool: Optional[str] = None
    spool_bytes_max: int = 256 << 20
    file_bytes_max: int = 64 << 20
    file_age_max: float = 24 * 3600.0
    files_max: int = 5
    queue_bytes_max: int = 8 << 20
    caps: Caps = field(default_factory=Caps)
    masks: Sequence[Any] = ()
    converter: Optional[Callable[[Any], Any]] = None
    boot: int = _START

    @classmethod
    def from_environment(cls, environment=None, **settings):
        """What is given here, and before that what the environment says (``LINKLOOM_SERVICE``, ``LINKLOOM_OUT``, …). A way out that is given here stands in
        for that of the environment."""
        environment = os.environ if environment is None else environment
        for name in ("service", "instance", "out", "token", "spool"):
            value = environment.get("LINKLOOM_" + name.upper())
            if value:
                if name == "out":
                    try:
                        parse_out(value)
                    except ValueError as e:
                        _warn.once("out", "LINKLOOM_OUT is not understood and does not count", e)
                        continue
                    if settings.get("out") not in (None, value) and settings.get("fallback") is None:
                        settings["fallback"] = settings["out"]
                settings[name] = value
        return cls(**settings)

    def __post_init__(self):
        parse_out(self.out)
        if self.fallback is not None:
            parse_out(self.fallback)
        if self.host is None:
            self.host = os.environ.get("HOSTNAME") or socket.gethostname()
        self.fixed_instance = self.instance
        if self.instance is None:
            self.instance = "%s:%d" % (self.host, os.getpid())
        if self.spool is None and "relay:" in (self.out[:6], (self.fallback or "")[:6]):
            name = re.sub("[^A-Za-z0-9.-]", "_", self.service or "app")
            self.spool = os.path.join(tempfile.gettempdir(), "linkloom-spool-" + name)

    def forked(self):
        """The same for a child process: ids of two processes must differ."""
        instance = None if self.fixed_instance is None else "%s:%d" % (self.fixed_instance, os.getpid())
        values = {name: getattr(self, name) for name in self.__dataclass_fields__}
        values.update(instance=instance, boot=int(time.time() * 1000))
        return Settings(**values)


def parse_out(out):
    """(``file``, path), (``stdout``, None) or (``relay``, URL with a path)."""
    if out == "stdout":
        return "stdout", None
    kind, _, rest = out.partition(":")
    if kind == "file" and rest:
        return "file", rest
    url = urlsplit(rest) if kind == "relay" else None
    if url is not None and url.scheme in ("http", "https") and url.hostname:
        return "relay", rest if url.path not in ("", "/") else url._replace(path="/api/v1/reports").geturl()
    raise ValueError("out: %r; allowed are file:PATH, stdout, relay:URL" % (out,))
