"""What a function of a notebook needs around it in a file: imports, constants and helpers, as source.

A name is carried over if its value can be written down so that it is the same: a literal, a module, something
that a module holds, or a function or class with a source of its own. What cannot is named, never guessed.
"""

from __future__ import annotations

import ast
import builtins
import dis
import inspect
import linecache
import math
import re
import sys
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from types import CodeType, FunctionType, ModuleType
from typing import Any

from pytest_velo.errors import UsageError
from pytest_velo.providers.scripted import find_script

_PUBLIC = sys.modules[__name__.partition(".")[0]]
_SCRIPTED = "scripted/"
_MOST_CHARACTERS = 2_000
"""Of a literal that is written into the file."""


@dataclass(slots=True)
class Carried:
    """What stands above a function in a file.

    Attributes:
        ours: Names imported from pytest_velo.
        imports: Other lines of imports.
        constants: Assignments, in the order they were found.
        helpers: Functions and classes, those that are needed first.
        missing: What could not be carried over: its name, and what it is.
    """

    ours: set[str] = field(default_factory=set)
    imports: set[str] = field(default_factory=set)
    constants: dict[str, str] = field(default_factory=dict)
    helpers: dict[str, str] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)

    def __contains__(self, name: str) -> bool:
        return any(name in kind for kind in (self.ours, self.constants, self.helpers, self.missing))


def source_of(function: Callable[..., Any]) -> str:
    """Return the source of a function as it would stand in a file, without what decorates it.

    Raises:
        UsageError: It has none, or is not a plain function.
    """
    inner = inspect.unwrap(function)
    if not isinstance(inner, FunctionType) or inner is not function:
        raise UsageError(
            "the body is no plain function, so it has no source that could be a test",
            fix="give a function made by `def` or `async def`, without decorators",
        )
    try:
        source = textwrap.dedent(inspect.getsource(inner))
        tree = ast.parse(source)
    except (OSError, TypeError, SyntaxError, ValueError):
        raise UsageError(
            "the body's source cannot be read", fix="define it in a cell or a file, by `def`"
        ) from None
    node = tree.body[0]
    if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) or node.decorator_list:
        raise UsageError(
            "the body is decorated, and a test would be, too", fix="give the function without its decorators"
        )
    return source.rstrip() + "\n"


def renamed(source: str, old: str, new: str) -> str:
    """Return the source of a function under another name."""
    return re.sub(rf"^((?:async\s+)?def\s+){re.escape(old)}\b", rf"\g<1>{new}", source, count=1)


def carry(function: FunctionType, into: Carried) -> None:
    """Carry over what a function uses from around it, and what that uses in turn."""
    for name, known, value in _used_by(function):
        if name.isidentifier():  # others are those that pytest puts into asserts
            carry_value(name, value, into, known=known, home=function.__module__)


def carry_value(name: str, value: Any, into: Carried, *, known: bool = True, home: str = "") -> None:
    """Carry one name over; what is defined in the module `home` comes as its source."""
    if name in into:
        return
    beside = getattr(value, "__module__", None) == home
    if not known:
        into.missing[name] = "it has no value here"
    elif name in _PUBLIC.__all__ and getattr(_PUBLIC, name) is value:
        into.ours.add(name)
    elif not beside and (line := _import_of(name, value)) is not None:
        into.imports.add(line)
    elif isinstance(value, FunctionType | type) and (source := _own_source(name, value)) is not None:
        into.missing[name] = ""  # until it is there: functions may call each other
        for inner in _functions_of(value):
            carry(inner, into)
        for needed in _names_in_class(source):
            around = vars(sys.modules.get(value.__module__, builtins))
            if not hasattr(builtins, needed):
                known = needed in around
                carry_value(needed, around.get(needed), into, known=known, home=value.__module__)
        del into.missing[name]
        into.helpers[name] = source
    elif (line := _import_of(name, value)) is not None:
        into.imports.add(line)
    else:
        _carry_constant(name, value, into)


def _carry_constant(name: str, value: Any, into: Carried) -> None:
    scripted = isinstance(value, str) and value.startswith(_SCRIPTED)
    text = model_text(value, into) if scripted else written(value)
    if text is None:
        into.missing[name] = f"{_article(type(value).__name__)} of the notebook"
        return
    into.constants[name] = f"{name} = {text}"
    if isinstance(value, re.Pattern):
        into.imports.add("import re")


def model_text(model_id: str, into: Carried) -> str:
    """Return the expression of a model's id; that of a scripted one registers its replies.

    Raises:
        UsageError: They cannot be written down.
    """
    if not model_id.startswith(_SCRIPTED):
        return str(written(model_id))
    name = model_id.removeprefix(_SCRIPTED)
    replies = find_script(name).replies
    into.ours.add("scripted")
    if isinstance(replies, FunctionType) and replies.__name__.isidentifier():
        carry_value(replies.__name__, replies, into, home=replies.__module__)
        return f"scripted({written(name)}, {replies.__name__})"
    text = written(replies)
    if text is None:
        raise UsageError(
            f"the replies of {model_id} cannot be written into a file",
            where="to_test",
            fix="give a list of texts, or a function made by `def`",
        )
    return f"scripted({written(name)}, {text})"


def written(value: Any) -> str | None:
    """Return a literal that gives an equal value of the same types; None if there is none, or it is long."""
    if isinstance(value, re.Pattern):
        flags = value.flags & ~re.UNICODE.value
        return f"re.compile({value.pattern!r}, {flags})" if flags else f"re.compile({value.pattern!r})"
    text = _literal(value)
    return text if text is not None and len(text) <= _MOST_CHARACTERS else None


def _literal(value: Any) -> str | None:
    """Return plain data as source, with double quotes where there is no reason for others."""
    kind = type(value)
    if kind is str:
        text = repr(value)
        return f'"{text[1:-1]}"' if text[0] == "'" and '"' not in value and "'" not in value else text
    if kind in (bytes, bool, int, type(None)) or (kind is float and math.isfinite(value)):
        return repr(value)
    if kind is dict:
        pairs = [(_literal(key), _literal(part)) for key, part in value.items()]
        if any(None in pair for pair in pairs):
            return None
        return "{" + ", ".join(f"{key}: {part}" for key, part in pairs) + "}"
    if kind in (list, tuple):
        parts = [_literal(part) for part in value]
        known = [part for part in parts if part is not None]
        if len(known) < len(parts):
            return None
        if kind is list:
            return f"[{', '.join(known)}]"
        return f"({', '.join(known)}{',' if len(known) == 1 else ''})"
    return repr(value) if kind is set and value and all(_literal(part) for part in value) else None


def _used_by(function: FunctionType) -> Iterator[tuple[str, bool, Any]]:
    """Yield each name that a function takes from around it, whether it has a value, and the value."""
    cells = dict(zip(function.__code__.co_freevars, function.__closure__ or (), strict=True))
    for name, cell in cells.items():
        if name == "__class__":
            continue
        try:
            yield name, True, cell.cell_contents
        except ValueError:
            yield name, False, None
    for name in dict.fromkeys((*_globals_in(function.__code__), *_names_in_defaults(function))):
        if name in cells:
            continue
        if name in function.__globals__:
            yield name, True, function.__globals__[name]
        elif not hasattr(builtins, name):
            yield name, False, None


def _globals_in(code: CodeType) -> Iterator[str]:
    for step in dis.get_instructions(code):
        if step.opname in ("LOAD_GLOBAL", "LOAD_NAME"):
            yield str(step.argval)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _globals_in(constant)


def _names_in_defaults(function: FunctionType) -> Iterator[str]:
    """Yield the names in the default values of parameters; annotations are not evaluated in the file."""
    node = ast.parse(textwrap.dedent(inspect.getsource(function))).body[0]
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        for default in (*node.args.defaults, *filter(None, node.args.kw_defaults)):
            yield from (found.id for found in ast.walk(default) if isinstance(found, ast.Name))


def _import_of(name: str, value: Any) -> str | None:
    """Return the import of a module, or of what one holds; None if there is no such line."""
    if isinstance(value, ModuleType):
        head, _, last = value.__name__.rpartition(".")
        renamed_to = "" if name == (last if head else value.__name__) else f" as {name}"
        return f"from {head} import {last}{renamed_to}" if head else f"import {value.__name__}{renamed_to}"
    home, own = getattr(value, "__module__", None), getattr(value, "__qualname__", None)
    if not isinstance(home, str) or not isinstance(own, str) or home == "__main__" or "." in own:
        return None
    module = sys.modules.get(home)
    if getattr(module, own, None) is not value or not getattr(module, "__file__", ""):
        return None
    return f"from {home} import {own}" + ("" if own == name else f" as {name}")


def _own_source(name: str, value: Any) -> str | None:
    """Return the definition of a function or a class under its name; None if there is none to be read."""
    try:
        source = _class_source(value) if isinstance(value, type) else inspect.getsource(value)
        node = ast.parse(textwrap.dedent(source)).body[0]
    except (OSError, TypeError, SyntaxError, ValueError, IndexError):
        return None
    if isinstance(node, ast.ClassDef) and node.name == name:
        return textwrap.dedent(source).rstrip() + "\n"
    plain = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not node.decorator_list
    return textwrap.dedent(source).rstrip() + "\n" if plain and node.name == name else None  # type: ignore[attr-defined]


def _class_source(kind: type) -> str:
    """Return the source of a class; that of one in a cell is found by the file of one of its functions."""
    try:
        return inspect.getsource(kind)
    except (OSError, TypeError):  # a notebook is no file
        files = [inner.__code__.co_filename for inner in _functions_of(kind)]
    for file in files:
        lines = linecache.getlines(file)
        for node in ast.parse("".join(lines)).body:
            if isinstance(node, ast.ClassDef) and node.name == kind.__name__:
                first = min([node.lineno, *(each.lineno for each in node.decorator_list)])
                return "".join(lines[first - 1 : node.end_lineno])
    raise OSError("its source cannot be read")


def _names_in_class(source: str) -> Iterator[str]:
    """Yield the names that the definition of a class uses at once: decorators, bases, values of fields."""
    node = ast.parse(source).body[0]
    if not isinstance(node, ast.ClassDef):
        return
    fields = (
        each.value
        for each in node.body
        if isinstance(each, ast.Assign | ast.AnnAssign) and each.value is not None
    )
    for part in (*node.decorator_list, *node.bases, *fields):
        yield from (found.id for found in ast.walk(part) if isinstance(found, ast.Name))


def _functions_of(value: Any) -> Iterator[FunctionType]:
    if isinstance(value, FunctionType):
        yield value
        return
    for member in vars(value).values():
        inner = getattr(member, "__func__", member)
        # Those that a decorator made, as of a dataclass, come with it.
        if isinstance(inner, FunctionType) and inner.__code__.co_qualname.startswith(value.__qualname__):
            yield inner


def _article(noun: str) -> str:
    return f"{'an' if noun[:1].lower() in 'aeiou' else 'a'} {noun}"
