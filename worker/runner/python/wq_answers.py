"""Answers of a runner, on descriptor 3: lines of JSON, and the JSON of Python's values. See worker/README.md."""

import json
import os
import threading
from typing import Any

lock = threading.RLock()
_RESULT = 8 * 2**20  # characters that are kept of a result


def say(**answer: Any) -> None:
    """Writes a line to descriptor 3."""
    line = json.dumps(answer, allow_nan=False, default=plain)
    if len(line) > _RESULT and "result" in answer:
        line = json.dumps({**answer, "result": json.dumps(answer["result"], default=plain)[:_RESULT]})
    data = line.encode() + b"\n"
    with lock:
        while data:
            data = data[os.write(3, data) :]


def _forked() -> None:
    """Called in a process that a handler forked, since another thread may have held the lock."""
    global lock
    lock = threading.RLock()


os.register_at_fork(after_in_child=_forked)


def plain(value: Any) -> Any:
    """The JSON form of numbers and arrays of numpy and pandas, of dates, decimals, paths and models."""
    for way in ("tolist", "isoformat", "model_dump"):
        if hasattr(value, way):
            return getattr(value, way)()
    if type(value).__module__.partition(".")[0] in ("decimal", "uuid", "pathlib"):
        return str(value)
    if hasattr(value, "__dataclass_fields__"):
        return {name: getattr(value, name) for name in value.__dataclass_fields__}
    raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")
