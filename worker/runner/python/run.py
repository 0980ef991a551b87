"""The runner of a handler in Python. What it prints and logs is in the log of the item. See worker/README.md."""

import base64
import inspect
import json
import logging
import os
import queue
import sys
import threading
import traceback
from typing import Any, List, Optional

sys.dont_write_bytecode = True  # not beside this file
from wq import BatchContext, Context, DoNotRetry, TryLater
from wq_answers import say
from wq_handler import Function, load
from wq_log import Log, hand

sys.dont_write_bytecode = False

_loop: Any = None
_OWN = os.path.dirname(__file__) + os.sep
_REASON = 8192  # characters that are kept of a reason


def _end(context: Context, **outcome: Any) -> None:
    for log in (sys.stdout, sys.stderr):
        if isinstance(log, Log):
            log.end()
    say(id=context.id, **outcome)
    hand.pop(context.id, None)


def _fail(context: Context, error: BaseException) -> None:
    if isinstance(error, TryLater):
        return _end(context, later=error.seconds * 1000)
    _end(context, error=_text(error)[:_REASON], retry=not isinstance(error, DoNotRetry))


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
        if not hand:
            sys.exit()  # a process that the handler forked, and did not end
        if not is_batch:
            results = [results]
        if isinstance(results, (dict, set, frozenset, str, bytes)):
            raise TypeError(f"handle_batch returned a {type(results).__name__}, not a list with a result for each item")
        results = list(results)
        if len(results) != len(items):
            raise TypeError(f"handle_batch returned {len(results)} results for {len(items)} items")
    except BaseException as error:  # also a task that was cancelled, and sys.exit
        if not hand:
            raise
        if len(items) == 1:
            return _fail(items[0], error)
        for context in items:  # one of them may be to blame: each is run alone
            _run(function, [context], is_batch)
        return
    for context, result in zip(items, results):
        try:
            _fail(context, result) if isinstance(result, BaseException) else _end(context, result=result)
        except Exception as error:  # whatever its own code makes of it
            _fail(context, TypeError(f"the result has no JSON form: {error}"))


def _read(lines: Any, orders: "queue.Queue[List[Context]]") -> None:
    for line in lines:
        order = json.loads(line)
        if "cancel" in order:
            context = hand.get(order["cancel"])  # the main thread may take it away at any time
            if context:
                context._stop.set()
            continue
        items = []
        for work in order.get("items", [order]):
            data = base64.b64decode(work["base64"]) if "base64" in work else work["item"].encode()
            items.append(Context(work["id"], work["attempt"], data))
            hand[work["id"]] = items[-1]
        orders.put(items)
    os._exit(0)  # the worker is gone, or wants this to end


def _main(path: str, name: str, kind: str) -> None:
    lines = os.fdopen(4, "rb")  # not standard input, which programs that a handler starts may read
    sys.stdout, sys.stderr = Log(sys.stdout), Log(sys.stderr)  # type: ignore[assignment]
    try:
        function = load(path, name, "handle_batch" if kind == "batch" else "handle")
    except ImportError as error:
        say(ready=False, error=str(error))
        os._exit(65)
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s")
    orders: "queue.Queue[List[Context]]" = queue.Queue()
    threading.Thread(target=_read, args=(lines, orders), daemon=True).start()
    say(ready=True)
    while True:
        _run(function, orders.get(), kind == "batch")


if __name__ == "__main__":
    _main(*sys.argv[1:4])
