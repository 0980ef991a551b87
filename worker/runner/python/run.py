"""The runner of a handler in Python. What it prints and logs is in the log of the item. See worker/README.md."""

import base64
import importlib.util
import inspect
import json
import logging
import os
import queue
import sys
import threading
import traceback
from typing import Any, Callable, Dict, List, TextIO

sys.dont_write_bytecode = True  # not beside this file
from wq import BatchContext, Context, DoNotRetry, TryLater, _say

sys.dont_write_bytecode = False

Function = Callable[..., Any]
_hand: Dict[int, Context] = {}


class _Log:
    """Standard output or error: what is printed is in the logs of the items in hand."""

    def __init__(self, stream: TextIO) -> None:
        self._stream, self._rest = stream, ""

    def write(self, text: str) -> int:
        *lines, self._rest = (self._rest + text).split("\n")
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
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename != __file__]
    stack = "".join(f"\n    at {frame.name} ({frame.filename}:{frame.lineno})" for frame in reversed(frames))
    text = traceback.format_exception_only(type(error), error)[-1].strip()
    _end(context, error=(text[3:] if text.startswith("wq.") else text) + stack, retry=not isinstance(error, DoNotRetry))


def _run(function: Function, items: List[Context], is_batch: bool) -> None:
    texts = [context.bytes.decode(errors="replace") for context in items]
    try:
        results = function(texts, BatchContext(items)) if is_batch else [function(texts[0], items[0])]
        if isinstance(results, (dict, set, frozenset, str, bytes)):
            raise TypeError(f"handle_batch returned a {type(results).__name__}, not a list with a result for each item")
        results = list(results)
        if len(results) != len(items):
            raise TypeError(f"handle_batch returned {len(results)} results for {len(items)} items")
    except (Exception, SystemExit) as error:
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


def _load(path: str, name: str, function: str) -> Function:
    module_name = os.path.splitext(os.path.basename(path))[0]
    sys.path[:0] = [os.path.dirname(os.path.abspath(path)), os.getcwd()]
    try:
        spec = importlib.util.spec_from_file_location(module_name, path)
        assert spec and spec.loader
        module = sys.modules[module_name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    except BaseException as error:
        where = f" (line {error.lineno})" if isinstance(error, SyntaxError) else ""
        what = error.msg if isinstance(error, SyntaxError) else str(error).split("\n")[0]
        raise ImportError(f"{name} does not load: {type(error).__name__}: {what}{where}") from error
    if not callable(getattr(module, function, None)):
        raise ImportError(f"{name} has no function {function}: it needs `def {function}(…, context):`")
    return _calling(getattr(module, function))


def _calling(function: Function) -> Function:
    """A function that may be asynchronous, or take no context, as one that is called with item and context."""
    if inspect.iscoroutinefunction(function):
        import asyncio  # late: it takes a while, and few need it

        return _calling(lambda *args: asyncio.run(function(*args[: len(inspect.signature(function).parameters)])))
    try:
        inspect.signature(function).bind(None, None)
    except ValueError:
        pass  # one in C does not tell
    except TypeError:
        return lambda item, _context: function(item)
    return function


def _main(path: str, name: str, kind: str) -> None:
    lines = os.fdopen(os.dup(0), "rb")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)  # programs that a handler starts must not read the orders
    sys.stdout, sys.stderr = _Log(sys.stdout), _Log(sys.stderr)  # type: ignore[assignment]
    try:
        function = _load(path, name, "handle_batch" if kind == "batch" else "handle")
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
