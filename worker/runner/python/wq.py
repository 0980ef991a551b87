"""The module `wq` for handlers in Python. Python 3.9 or later, standard library only."""

import math
import threading
from typing import List

from wq_answers import say

__all__ = ["BatchContext", "Context", "DoNotRetry", "TryLater"]

_LOG = 64 * 1024  # characters that are kept of a log


class DoNotRetry(Exception):
    """Another attempt would not help: the item is failed for good."""


class TryLater(Exception):
    """The item is tried again after this many seconds. That costs no attempt."""

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
        say(id=self.id, log=str(line)[-_LOG:])

    def progress(self, share: float) -> None:
        """Notes the share of the item that is done, from 0 to 1: `40 %` in its log."""
        if math.isfinite(share):
            say(id=self.id, progress=float(share))


class BatchContext:
    """The second argument of `handle_batch(items, context)`: the context of each item, in their order."""

    def __init__(self, items: List[Context]) -> None:
        self.items = items
