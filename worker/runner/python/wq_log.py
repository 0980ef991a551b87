"""The output of a handler, as the log of the items in hand. See worker/README.md."""

import os
import re
from typing import Any, Dict, TextIO

import wq_answers
from wq import Context

hand: Dict[int, Context] = {}
os.register_at_fork(after_in_child=hand.clear)  # what a forked process prints is read by the worker


class Log:
    """Standard output or error."""

    def __init__(self, stream: TextIO) -> None:
        self._stream, self._rest = stream, ""

    def write(self, text: str) -> int:
        with wq_answers.lock:  # threads may print at the same time
            # A carriage return ends a line, too, as progress bars use it.
            *lines, self._rest = re.split("\r\n|\n|\r(?!$)", (self._rest + text).lstrip("\r"))
            if len(self._rest) > 16384:
                lines, self._rest = [*lines, self._rest], ""
            for line in lines:
                for context in list(hand.values()):
                    context.log(line)
                if not hand:
                    print(line, file=self._stream, flush=True)
        return len(text)

    def end(self) -> None:
        if self._rest:
            self.write("\n")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)
