"""Loads the function of a handler's file. See worker/README.md."""

import importlib
import importlib.util
import inspect
import os
import sys
from typing import Any, Callable, List

Function = Callable[..., Any]


def load(path: str, name: str, function: str) -> Function:
    """The function, to be called with item and context. Raises ImportError with one line."""
    folder, file = os.path.split(os.path.abspath(path))
    names: List[str] = [os.path.splitext(file)[0]]
    sys.path[:0] = [folder, os.getcwd()]
    while os.path.exists(os.path.join(folder, "__init__.py")):  # it is a module of a package
        folder, package = os.path.split(folder)
        names.insert(0, package)
    sys.path.insert(0, folder)
    sys.argv = [path]  # not those of this program
    try:
        if len(names) > 1:
            importlib.import_module(".".join(names[:-1]))
        spec = importlib.util.spec_from_file_location(".".join(names), path)
        assert spec and spec.loader
        module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    except BaseException as error:
        where = f" (line {error.lineno})" if isinstance(error, SyntaxError) else ""
        what = error.msg if isinstance(error, SyntaxError) else str(error).split("\n")[0]
        raise ImportError(f"{name} does not load: {type(error).__name__}: {what}{where}") from error
    if not callable(getattr(module, function, None)):
        raise ImportError(f"{name} has no function {function}: it needs `def {function}(…, context):`")
    return _with_context(getattr(module, function))


def _with_context(function: Function) -> Function:
    """A function that takes no context, as one that does."""
    try:
        inspect.signature(function).bind(None, None)
    except ValueError:
        pass  # one in C does not tell
    except TypeError:
        return lambda item, _context: function(item)
    return function
