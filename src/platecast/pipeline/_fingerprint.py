"""Whether a well's results would still be the same: what its steps do, with what, and on which images."""

import functools
import hashlib
import inspect
import os
import site
import sys
import sysconfig
import types
from collections.abc import Callable, Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

from platecast.pipeline._plan import RunPlan, WellTask
from platecast.pipeline._steps import Step

_LENGTH = 32


def fingerprint_steps(plan: RunPlan) -> tuple[str, ...]:
    """Return for each step a text that changes with anything that its results depend on, in all wells.

    A function counts with its source and with that of the user's own functions, classes and modules that it
    names, or with the version of the library it comes from. What is shown counts for nothing.
    """
    digest = hashlib.sha256()
    found = []
    for step, settings in zip(plan.pipeline.steps, plan.settings[1:], strict=True):
        for part in (*_step_parts(step), str(settings.stored), str(settings.backend)):
            digest.update(part.encode("utf-8", "surrogateescape"))
            digest.update(b"\0")
        # Each one goes on from the one before, whose results it takes.
        found.append(digest.hexdigest()[:_LENGTH])
    return tuple(found)


def fingerprint_images(task: WellTask) -> str:
    """Return a text that changes with a well's images: their names, sizes and times."""
    digest = hashlib.sha256()
    for image in task.images:
        digest.update(f"{image.address}\0{image.components!r}\0{_file_state(image.path)}\0".encode())
    return digest.hexdigest()[:_LENGTH]


def library_versions(functions: Iterator[Callable[..., object]]) -> dict[str, str]:
    """Return the versions of the installed libraries that functions come from."""
    libraries = {_module_name(function).partition(".")[0] for function in functions}
    found = {library: _version(library) for library in sorted(libraries) if library not in ("", "__main__")}
    return {library: number for library, number in found.items() if number}


def is_own_module(module: types.ModuleType) -> bool:
    """Return whether a module is the user's own: a file that was not installed."""
    file = getattr(module, "__file__", None)
    return file is not None and not any(Path(file).resolve().is_relative_to(each) for each in _installed())


def unwrap(function: object) -> Any:  # noqa: ANN401 (any callable)
    """Return the function behind ``functools.partial`` and decorators that say what they wrap."""
    while isinstance(function, functools.partial):
        function = function.func
    return inspect.unwrap(function) if callable(function) else function


def function_name(function: object) -> str:
    """Return a function's module and name."""
    return f"{_module_name(function)}.{getattr(function, '__qualname__', type(function).__qualname__)}"


def _step_parts(step: Step) -> Iterator[str]:
    yield step.name
    yield str(step.kind)
    yield repr(sorted((name, sorted(map(repr, values))) for name, values in step.only.items()))
    yield repr((step.over, step.inputs, sorted(step.outputs.items())))
    yield from (f"{name}={_value(value)}" for name, value in sorted(step.params.items()))
    function = step.func
    while isinstance(function, functools.partial):
        yield _value([function.args, function.keywords])
        function = function.func
    plain = unwrap(function)
    yield function_name(plain)
    yield _code_of(plain)


def _code_of(function: object) -> str:
    """Return the source of a function and of everything of the user's own that it names."""
    module = _module_name(function)
    library = module.partition(".")[0]
    if not _is_own(module) and _version(library):
        return f"{library} {_version(library)}"
    return "\0".join(_sources(function, set()))


def _sources(thing: object, seen: set[int]) -> Iterator[str]:
    if id(thing) in seen:
        return
    seen.add(id(thing))
    if isinstance(thing, types.ModuleType):
        yield _read(str(thing.__file__)) if is_own_module(thing) else thing.__name__
    elif isinstance(thing, types.FunctionType):
        yield _source(thing)
        for value in _named_values(thing):
            yield from _sources(value, seen)
    elif isinstance(thing, type):
        if _is_own(_module_name(thing)):
            yield _source(thing)
            for value in vars(thing).values():
                yield from _sources(getattr(value, "__func__", value), seen)
        else:
            yield f"{thing.__module__}.{thing.__qualname__}"
    elif isinstance(thing, int | float | complex | str | bytes | tuple | frozenset | None):
        yield repr(thing)
    elif not isinstance(thing, types.BuiltinFunctionType) and _is_own(_module_name(type(thing))):
        yield from _sources(type(thing), seen)


def _named_values(function: types.FunctionType) -> Iterator[object]:
    """Yield the values of the module and of enclosing functions that a function's code names."""
    names: set[str] = set()
    codes = [function.__code__]
    while codes:
        code = codes.pop()
        names.update(code.co_names)
        codes += [each for each in code.co_consts if isinstance(each, types.CodeType)]
    for name in sorted(names & function.__globals__.keys()):
        value = function.__globals__[name]
        if isinstance(value, types.FunctionType) and not _is_own(_module_name(value)):
            continue
        yield value
    for cell in function.__closure__ or ():
        yield cell.cell_contents
    yield from function.__defaults__ or ()


def _source(thing: Any) -> str:  # noqa: ANN401 (a function or a class)
    try:
        return inspect.getsource(thing)
    except (OSError, TypeError):
        code = getattr(thing, "__code__", None)
        return repr((code.co_code, code.co_names)) if code is not None else str(thing.__qualname__)


def _read(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return _file_state(path)


def _is_own(module: str) -> bool:
    found = sys.modules.get(module)
    return found is not None and (module == "__main__" or is_own_module(found))


def _module_name(function: object) -> str:
    name = getattr(function, "__module__", None) or getattr(type(function), "__module__", "")
    return name if isinstance(name, str) else ""


@functools.cache
def _installed() -> tuple[Path, ...]:
    paths = {sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")}
    paths |= {*site.getsitepackages(), site.getusersitepackages(), os.path.dirname(os.path.dirname(__file__))}
    return tuple(Path(each).resolve() for each in paths if each)


@functools.cache
def _version(library: str) -> str:
    """Return the version of an installed package; empty where it does not tell."""
    # Not `packages_distributions`, which reads the file lists of everything that is installed: half a second.
    own = getattr(sys.modules.get(library), "__version__", None)
    if isinstance(own, str):
        return own
    try:
        return version(library)
    except PackageNotFoundError:
        return ""


def _value(value: object) -> str:
    """Return a text for a parameter; arrays are long, and their own text leaves most out."""
    if hasattr(value, "__array__"):
        array = np.asarray(value)
        return f"{array.dtype}{array.shape}{hashlib.sha256(array.tobytes()).hexdigest()}"
    if isinstance(value, dict):
        return repr({key: _value(each) for key, each in value.items()})
    if isinstance(value, list | tuple):
        return repr([_value(each) for each in value])
    if callable(value):
        plain = unwrap(value)
        return f"{function_name(plain)} {_code_of(plain)}"
    return repr(value)


def _file_state(path: str) -> str:
    try:
        status = os.stat(path.rpartition("#")[0] or path)
    except OSError:
        return "absent"
    return f"{status.st_size} {status.st_mtime_ns}"
