"""The runner of a handler in Python. What it prints and logs is in the log of the item. See worker/README.md."""

import base64
import inspect
import json
import logging
import os
import queue
import re
import sys
import threading
import traceback
from typing import Any, Dict, List, Optional, TextIO

sys.dont_write_bytecode = True  # not beside this file
from wq import BatchContext, Context, DoNotRetry, TryLater, _say
from wq_handler import Function, load

sys.dont_write_bytecode = False

_hand: Dict[int, Context] = {}
_loop: Any = None
_OWN = os.path.dirname(__file__) + os.sep


class _Log:
    """Standard output or error: what is printed is in the logs of the items in hand."""

    def __init__(self, stream: TextIO) -> None:
        self._stream, self._rest = stream, ""

    def write(self, text: str) -> int:
        # A carriage return ends a line, too, as progress bars use it.
        *lines, self._rest = re.split("\r\n|\n|\r(?!$)", (self._rest + text).lstrip("\r"))
        if len(self._rest) > 16384:
            lines, self._rest = [*lines, self._rest], ""
        for line in lines:
            for id in list(_hand):
                _say(id=id, log=line)
            if not _hand:
                print(line, file=self._stream, flush=True)
        return len(text)

    def end(self) -> None:
        if self._rest:
            self.write("\n")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def _end(context: Context, **outcome: Any) -> None:
    for log in (sys.stdout, sys.stderr):
        if isinstance(log, _Log):
            log.end()
    _say(id=context.id, **outcome)
    _hand.pop(context.id, None)


def _fail(context: Context, error: BaseException) -> None:
    if isinstance(error, TryLater):
        return _end(context, later=error.seconds * 1000)
    _end(context, error=_text(error), retry=not isinstance(error, DoNotRetry))


def _text(error: Optional[BaseException]) -> str:
    """An error's message and notes, its stack below them, and its causes."""
    parts: List[str] = []
    while error and len(parts) < 8:
        lines = traceback.format_exception_only(type(error), error)
        text = "".join(line for line in lines if not line.startswith(" ")).strip()  # a syntax error shows its line first
        stack = ""
        for frame in reversed(traceback.extract_tb(error.__traceback__)):
            if frame.filename.startswith(_OWN):
                break  # what called the handler
            stack += f"\n    at {frame.name} ({frame.filename}:{frame.lineno})"
        parts.append((text[3:] if text.startswith("wq.") else text) + stack)
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return "\ncaused by: ".join(parts)


def _awaited(value: Any) -> Any:
    """What an asynchronous function returns: all run in one event loop, so that their clients outlive an item."""
    if not inspect.isawaitable(value):
        return value
    global _loop
    if _loop is None:
        import asyncio  # late: it takes a while, and few need it

        asyncio.set_event_loop(_loop := asyncio.new_event_loop())

    async def wait() -> Any:
        return await value

    return _loop.run_until_complete(wait())


def _run(function: Function, items: List[Context], is_batch: bool) -> None:
    texts = [context.bytes.decode(errors="replace") for context in items]
    try:
        results = _awaited(function(texts, BatchContext(items)) if is_batch else function(texts[0], items[0]))
        if not is_batch:
            results = [results]
        if isinstance(results, (dict, set, frozenset, str, bytes)):
            raise TypeError(f"handle_batch returned a {type(results).__name__}, not a list with a result for each item")
        results = list(results)
        if len(results) != len(items):
            raise TypeError(f"handle_batch returned {len(results)} results for {len(items)} items")
    except BaseException as error:  # also a task that was cancelled, and sys.exit
        if len(items) == 1:
            return _fail(items[0], error)
        for context in items:  # one of them may be to blame: each is run alone
            _run(function, [context], is_batch)
        return
    for context, result in zip(items, results):
        try:
            _fail(context, result) if isinstance(result, BaseException) else _end(context, result=result)
        except (TypeError, ValueError, RecursionError) as error:
            _fail(context, TypeError(f"the result has no JSON form: {error}"))


def _read(lines: Any, orders: "queue.Queue[List[Context]]") -> None:
    for line in lines:
        order = json.loads(line)
        if "cancel" in order:
            context = _hand.get(order["cancel"])  # the main thread may take it away at any time
            if context:
                context._stop.set()
            continue
        items = []
        for work in order.get("items", [order]):
            data = base64.b64decode(work["base64"]) if "base64" in work else work["item"].encode()
            items.append(Context(work["id"], work["attempt"], data))
            _hand[work["id"]] = items[-1]
        orders.put(items)
    os._exit(0)  # the worker is gone, or wants this to end


def _main(path: str, name: str, kind: str) -> None:
    lines = os.fdopen(os.dup(0), "rb")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)  # programs that a handler starts must not read the orders
    sys.stdout, sys.stderr = _Log(sys.stdout), _Log(sys.stderr)  # type: ignore[assignment]
    try:
        function = load(path, name, "handle_batch" if kind == "batch" else "handle")
    except ImportError as error:
        _say(ready=False, error=str(error))
        os._exit(65)
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s")
    orders: "queue.Queue[List[Context]]" = queue.Queue()
    threading.Thread(target=_read, args=(lines, orders), daemon=True).start()
    _say(ready=True)
    while True:
        _run(function, orders.get(), kind == "batch")


if __name__ == "__main__":
    _main(*sys.argv[1:4])
