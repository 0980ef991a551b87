"""The module `wq` for handlers in Python. Python 3.9 or later, standard library only."""

import json
import math
import os
import threading
from typing import Any, List

__all__ = ["BatchContext", "Context", "DoNotRetry", "TryLater"]

_lock = threading.RLock()
_LOG = 64 * 1024  # characters that are kept of a log
_RESULT = 8 * 2**20  # of a result


def _say(**answer: Any) -> None:
    """A line on descriptor 3."""
    line = json.dumps(answer, allow_nan=False, default=_plain)
    if len(line) > _RESULT and "result" in answer:
        line = json.dumps({**answer, "result": json.dumps(answer["result"], default=_plain)[:_RESULT]})
    data = line.encode() + b"\n"
    with _lock:
        while data:
            data = data[os.write(3, data) :]


def _forked() -> None:
    """In a process that a handler forked: another thread may have had the lock."""
    global _lock
    _lock = threading.RLock()


os.register_at_fork(after_in_child=_forked)


def _plain(value: Any) -> Any:
    """Numbers and arrays of numpy and pandas, dates, decimals, paths and models as JSON has them."""
    for way in ("tolist", "isoformat", "model_dump"):
        if hasattr(value, way):
            return getattr(value, way)()
    if type(value).__module__.partition(".")[0] in ("decimal", "uuid", "pathlib"):
        return str(value)
    if hasattr(value, "__dataclass_fields__"):
        return {name: getattr(value, name) for name in value.__dataclass_fields__}
    raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")


class DoNotRetry(Exception):
    """Another attempt would not help: the item is failed for good."""


class TryLater(Exception):
    """The item goes back for so many seconds. It costs no attempt."""

    def __init__(self, seconds: float = 60) -> None:
        if not 0 <= seconds < 1e12:
            raise ValueError(f"expected a number of seconds, 0 or more, got {seconds}")
        super().__init__(f"try again in {seconds} s")
        self.seconds = seconds


class Context:
    """The second argument of `handle(item, context)`."""

    def __init__(self, id: int, attempt: int, data: bytes) -> None:
        self.id = id  # the item's number, from 1
        self.attempt = attempt  # 1 for the first attempt
        self.bytes = data  # the item's exact bytes, where they are not UTF-8
        self._stop = threading.Event()

    @property
    def cancelled(self) -> bool:
        """The item is to be stopped: its time limit is over, its lease was lost, or the pod ends."""
        return self._stop.is_set()

    def log(self, line: object) -> None:
        """A line for the log of this item. What is printed is in it, too."""
        _say(id=self.id, log=str(line)[-_LOG:])

    def progress(self, share: float) -> None:
        """Notes the share of the item that is done, from 0 to 1: `40 %` in its log."""
        if math.isfinite(share):
            _say(id=self.id, progress=float(share))


class BatchContext:
    """The second argument of `handle_batch(items, context)`: the context of each item, in their order."""

    def __init__(self, items: List[Context]) -> None:
        self.items = items
