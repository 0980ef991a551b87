"""deeds.ts in Python."""

import dataclasses
import decimal
import os
import signal
import subprocess
import sys
import threading
import time

import wq


def forever():
    while True:
        time.sleep(1)


def block(ms, context):
    time.sleep(float(ms) / 1000)


def listen(ms, context):
    end = time.time() + float(ms) / 1000
    while time.time() < end and not context.cancelled:
        time.sleep(0.01)


def fail(why, context):
    raise ValueError(why)


def never(why, context):
    raise wq.DoNotRetry(why)


def later(file, context):
    if os.path.exists(file):
        return "at last"
    open(file, "w").close()
    raise wq.TryLater(0.05)


def half(value, context):
    for share in (0, 0.499, 0.4951, 1):
        context.progress(share)


def die(name, context):
    os.kill(os.getpid(), getattr(signal, name))
    forever()


def write(text):
    os.write(3, text)
    forever()


def shout(times, context):
    for line in range(int(times)):
        print(f"line {line} {'x' * 80}")
    return "printed"


def leave(mark, context):
    subprocess.run(["sh", os.path.join(os.path.dirname(__file__), "leave.sh"), mark])


def overlap(mark, context):
    if context.attempt == 1:
        leave(mark, context)
        die("SIGKILL", context)
    return int(subprocess.run(["pgrep", "-fc", f"^sleep {mark}$"], stdout=subprocess.PIPE).stdout)


def oom(cgroup, context):
    with open(cgroup + "/cgroup.procs", "w") as procs:
        procs.write(str(os.getpid()))
    memory = []
    while True:
        memory.append(bytearray(b"1" * 2**20))


def note(file, context):
    with open(file, "a") as log:
        log.write(f"{os.getpid()}\n")


def caused(why, context):
    try:
        open("/no/such/file")
    except OSError as error:
        raise ValueError(why) from error


def noted(why, context):
    error = ValueError(why)
    if hasattr(error, "add_note"):
        error.add_note("a note")
    raise error


@dataclasses.dataclass
class Peel:
    color: str
    weight: decimal.Decimal


LOOPS = []


async def later_on(value):
    import asyncio

    LOOPS.append(asyncio.get_running_loop())
    await asyncio.sleep(0)
    return len(LOOPS) > 1 and LOOPS[-1] is LOOPS[-2]


async def cancelled():
    import asyncio

    raise asyncio.CancelledError()


def forked(how, context):
    """A process that comes back to where it was called from; and its exit code."""
    pid = os.fork()
    if pid == 0:
        print("forked")
        if how == "raise":
            raise ValueError("of the forked one")
        return sys.exit(0) if how == "exit" else "of the forked one"
    return os.WEXITSTATUS(os.waitpid(pid, 0)[1])


def last_words(why, context):
    print(why)
    os._exit(3)


def threads(count, context):
    def talk(name):
        for number in range(200):
            print(f"{name}-{number} ", end="")

    sys.setswitchinterval(1e-6)
    talkers = [threading.Thread(target=talk, args=(name,)) for name in range(int(count))]
    for talker in talkers:
        talker.start()
    for talker in talkers:
        talker.join()
    sys.setswitchinterval(0.005)


class Odd:
    def isoformat(self):
        raise KeyError("no format")


DEEDS = {
    "forked": forked,
    "lastWords": last_words,
    "reader": lambda value, context: subprocess.run(["timeout", "1", "cat"], stdout=subprocess.PIPE).stdout.decode(),
    "closesInput": lambda value, context: sys.stdin.close(),
    "threads": threads,
    "odd": lambda value, context: Odd(),
    "nan": lambda value, context: context.progress(float("nan")),
    "logged": lambda length, context: context.log("x" * int(length)),
    "result": lambda length, context: "x" * int(length),
    "longLine": lambda length, context: print("x" * int(length)),
    "caused": caused,
    "noted": noted,
    "peel": lambda color, context: Peel(color, decimal.Decimal("1.10")),
    "await": lambda value, context: later_on(value),
    "cancelled": lambda value, context: cancelled(),
    "progress": lambda value, context: sys.stderr.write("\r10%\r50%\rdone\n") and None,
    "byName": lambda text, context: subprocess.run(f"echo {text} | tee /dev/stderr > /dev/stdout", shell=True) and None,
    "under": lambda text, context: sys.__stdout__.write(text) and None,
    "sleep": listen,
    "block": block,
    "hang": lambda value, context: forever(),
    "fail": fail,
    "never": never,
    "later": later,
    "half": half,
    "exit": lambda code, context: os._exit(int(code)),
    "leaveit": lambda code, context: sys.exit(int(code)),
    "die": die,
    "garbage": lambda text, context: write(text.encode() + b"\n"),
    "alien": lambda value, context: write(b'{"id":123456789,"result":1}\n'),
    "set": lambda value, context: {1, 2},
    "print": shout,
    "long": lambda length, context: print("x" * int(length), end=""),
    "binary": lambda value, context: os.write(1, b"\0\xff\n\x80") and None,
    "raw": lambda text, context: os.write(1, text.encode()) and None,
    "bytes": lambda value, context: context.bytes.hex()[:100],
    "size": lambda value, context: len(context.bytes),
    "note": note,
    "leave": leave,
    "overlap": overlap,
    "oom": oom,
    "large": lambda value, context: 12345678901234567890,
}


def handle(item: str, context: wq.Context):
    deed, _, value = item.partition(" ")
    return DEEDS[deed](value, context) if deed in DEEDS else f"did {item}"


def handle_batch(items, context):
    if "poison" in items:
        raise ValueError("poison")
    if "by name" in items:
        return {item: 1 for item in items}
    return [ValueError("a bad one") if item == "bad" else f"{item} of {len(items)}" for item in items]
