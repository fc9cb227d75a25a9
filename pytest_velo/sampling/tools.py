"""Tools of a conversation: plain typed functions, called as a model asks for them.

The model's side of a tool (name, description, schema of its arguments) is read from the function; pydantic
makes the schema and checks the arguments. What a model gets wrong is told to the model. What a tool raises,
but for a `ToolError`, is the test's own error.
"""

from __future__ import annotations

import functools
import inspect
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, get_type_hints

from pytest_velo.canonical import json_text
from pytest_velo.errors import BodyError, ToolError, UsageError, tell
from pytest_velo.records import JsonObject, ToolCall, ToolResult
from pytest_velo.sampling.prompts import is_content

if TYPE_CHECKING:
    from pydantic import TypeAdapter

Function = Callable[..., Any]

_FUNCTIONS = ("function", "custom")  # tools of other types are run by the provider
_EXAMPLE = 'def weather(city: str) -> str: "Return the weather in a city."'


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """A call whose arguments fit: what is left to do is to run it."""

    call: ToolCall
    function: Function
    positional: tuple[Any, ...]
    named: Mapping[str, Any]

    def run(self) -> Any:
        """Call the tool, or make its coroutine."""
        return self.function(*self.positional, **self.named)

    def result(self, value: Any) -> ToolResult:
        """Return what the tool gave: a text as it is, anything else as JSON.

        Raises:
            BodyError: It has no JSON form, or is an image or a sound.
        """
        if is_content(value):
            fix = "return a text, and show the image in the next prompt"
            raise _wrong(f"the tool {self.call.name} gave an image or a sound, and results are text", fix)
        if isinstance(value, str):
            return ToolResult(call=self.call, text=str(value))
        try:
            return ToolResult(call=self.call, text=json_text(value, name="the result"))
        except UsageError as error:
            raise _wrong(f"the tool {self.call.name}: {error.what}", error.fix) from None

    def error(self, error: ToolError) -> ToolResult:
        """Return what the tool wants the model to be told."""
        return _failed(self.call, str(error) or "the tool failed")


class Toolbox:
    """The tools of one conversation.

    Args:
        tools: Functions with types, or tools of the provider's own (`{"type": "web_search"}`).

    Raises:
        BodyError: One is no tool, or two have one name.
    """

    __slots__ = ("_functions", "definitions")

    def __init__(self, tools: Sequence[Function | JsonObject]) -> None:
        if isinstance(tools, str | Mapping) or not isinstance(tools, Sequence):
            raise _wrong(f"tools= takes a list of functions, got {type(tools).__name__}", "tools=[weather]")
        self._functions: dict[str, tuple[Function, _Shape]] = {}
        self.definitions: list[JsonObject] = []
        for tool in tools:
            if isinstance(tool, Mapping) and tool.get("type", "function") not in _FUNCTIONS:
                self.definitions.append(tool)
            else:
                self.definitions.append(self._add(tool))

    def _add(self, function: Any) -> JsonObject:
        shape = _shape_of(function)
        if shape.name in self._functions:
            raise _wrong(f"two tools are called {shape.name}", "rename one of the functions")
        self._functions[shape.name] = function, shape
        return shape.definition

    def open(self, call: ToolCall) -> Ready | ToolResult:
        """Return a call ready to be run, or what the model is told if it cannot be."""
        if call.name not in self._functions:
            known = ", ".join(self._functions) or "none"
            return _failed(call, f"there is no tool {call.name!r}; the tools are: {known}")
        function, shape = self._functions[call.name]
        if call.arguments is None and call.arguments_text.strip():
            return _failed(call, f"the arguments of {call.name} are not a JSON object")
        positional, named, problem = shape.read(call.arguments or {})
        if problem:
            return _failed(call, f"the arguments of {call.name} do not fit: {problem}")
        return Ready(call=call, function=function, positional=positional, named=named)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shape:
    """A function as the model sees it, and what checks the arguments that the model writes."""

    name: str
    definition: JsonObject
    adapter: TypeAdapter[Any]

    def read(self, arguments: JsonObject) -> tuple[tuple[Any, ...], dict[str, Any], str]:
        """Return the arguments as the function takes them, and why they do not fit; empty if they do."""
        from pydantic import ValidationError  # weight: bodies with tools only

        try:
            positional, named = self.adapter.validate_json(json.dumps(arguments))
        except ValidationError as error:
            told = error.errors(include_url=False, include_context=False, include_input=False)
            return (), {}, "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in told)
        return positional, named, ""


def _shape_of(function: Any) -> _Shape:
    name = getattr(function, "__name__", "")
    if not callable(function) or isinstance(function, type) or not name.isidentifier():
        raise _wrong(f"a tool must be a function with a name, got {function!r}", _EXAMPLE)
    signature = inspect.signature(function)
    try:
        hints = get_type_hints(function, include_extras=True)
    except (NameError, TypeError, AttributeError) as error:
        raise _wrong(
            f"a type of the tool {name} cannot be read: {error}",
            "import it, or define it at the top of the module",
        ) from None
    for parameter in signature.parameters.values():
        _check(parameter, hints, name)
    hints.pop("return", None)
    try:
        return _made(name, inspect.getdoc(function) or "", signature, tuple(hints.items()))
    except TypeError:  # a default or a type that cannot be hashed
        return _made.__wrapped__(name, inspect.getdoc(function) or "", signature, tuple(hints.items()))


def _check(parameter: inspect.Parameter, hints: Mapping[str, Any], name: str) -> None:
    if parameter.kind in (parameter.POSITIONAL_ONLY, parameter.VAR_POSITIONAL):
        raise _wrong(
            f"the tool {name} takes `{parameter.name}` by its position, and models name their arguments",
            f"def {name}({parameter.name}: str)",
        )
    if parameter.name not in hints:
        raise _wrong(
            f"the parameter `{parameter.name}` of the tool {name} has no type, which the model is told",
            f"def {name}({parameter.name}: str)",
        )


@functools.lru_cache(maxsize=256)
def _made(name: str, text: str, signature: inspect.Signature, hints: tuple[tuple[str, Any], ...]) -> _Shape:
    """Make the shape of a function; tools that are defined in a body have the same in each trial."""
    import docstring_parser  # weight: bodies with tools only
    from pydantic import TypeAdapter  # weight: likewise
    from pydantic.errors import PydanticSchemaGenerationError, PydanticUserError  # weight: likewise

    def arguments(*positional: Any, **named: Any) -> Any:
        return positional, named

    arguments.__signature__ = signature.replace(return_annotation=Any)  # type: ignore[attr-defined]
    arguments.__annotations__ = dict(hints)
    checked: Any = arguments
    try:
        adapter: TypeAdapter[Any] = TypeAdapter(checked)
        schema = adapter.json_schema()
    except (PydanticSchemaGenerationError, PydanticUserError) as error:
        said = str(error).partition("\n")[0]
        raise _wrong(f"a type of the tool {name} has no JSON schema: {said}", _EXAMPLE) from None
    documented = docstring_parser.parse(text)
    for parameter in documented.params:
        if (told := schema.get("properties", {}).get(parameter.arg_name)) is not None:
            told.setdefault("description", parameter.description or "")
    definition = {"name": name, "description": (documented.description or "").strip(), "parameters": schema}
    return _Shape(name=name, definition=definition, adapter=adapter)


def _failed(call: ToolCall, why: str) -> ToolResult:
    return ToolResult(call=call, text=f"Error: {why}", failed=True)


def _wrong(what: str, fix: str) -> BodyError:
    return tell(BodyError(what, fix=fix))
