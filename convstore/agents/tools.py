"""Tools are plain typed Python functions; what the model is told about them comes from their signatures.

    @tool(repeatable=True)
    def forecast(city: Annotated[str, "City and country"], days: Literal[1, 3, 7] = 1) -> str:
        \"\"\"The weather forecast for a city.\"\"\"

    Toolbox([forecast, another_function])

The docstring becomes the description, a string in `Annotated` describes a parameter, and pydantic checks the model's
arguments before the call. A parameter annotated `Context` is filled in by us and hidden from the model. Functions may
be async; others run in a thread. Whatever goes wrong becomes a failed result that the model can read and act on:
a tool never ends an answer.
"""

import asyncio
import inspect
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any, get_args, get_origin, get_type_hints, overload

import anyio
from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model
from pydantic_core import to_json

from convstore.agents.base import Context, ToolCall, ToolResult

TIMEOUT_SECONDS = 15.0
MAX_RESULT_CHARS = 20_000  # what a tool returns is sent to the model again in every later round

# A thread cannot be ended, so a function that hangs keeps its place here and cannot starve the rest of the process.
_threads = anyio.CapacityLimiter(16)


class ToolError(Exception):
    """Raise this in a tool to tell the model what is wrong, in words it can act on."""


@dataclass(frozen=True, slots=True)
class Tool:
    """A function with what the model is told about it. `repeatable`: running it twice does no harm."""

    name: str
    description: str
    function: Callable[..., Any]
    arguments: type[BaseModel]
    context_parameter: str | None
    repeatable: bool
    timeout_seconds: float

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.function(*args, **kwargs)

    @property
    def parameters(self) -> dict[str, Any]:
        """The JSON schema of the arguments."""
        schema: dict[str, Any] = _without_titles(self.arguments.model_json_schema())
        return schema

    async def run(self, arguments: str, context: Context) -> str:
        """Check the JSON text `arguments`, run the function, return its result as text.

        Raises `ToolError` with a message for the model."""
        try:
            checked = self.arguments.model_validate_json(arguments.strip() or "{}")
        except ValidationError as error:
            raise ToolError(f"The arguments do not fit: {_in_words(error)}") from None
        keywords = {name: getattr(checked, name) for name in checked.model_fields_set}
        if self.context_parameter is not None:
            keywords[self.context_parameter] = context
        try:
            async with asyncio.timeout(self.timeout_seconds):
                return _as_text(await self._call(keywords))
        except TimeoutError:
            raise ToolError(f"{self.name} took longer than {self.timeout_seconds:g} seconds.") from None

    async def _call(self, keywords: dict[str, Any]) -> Any:
        if inspect.iscoroutinefunction(self.function):
            return await self.function(**keywords)
        call = partial(self.function, **keywords)
        return await anyio.to_thread.run_sync(call, abandon_on_cancel=True, limiter=_threads)


@overload
def tool(function: Callable[..., Any]) -> Tool: ...
@overload
def tool(
    *, name: str | None = None, repeatable: bool = False, timeout_seconds: float = TIMEOUT_SECONDS
) -> Callable[[Callable[..., Any]], Tool]: ...
def tool(
    function: Callable[..., Any] | None = None,
    *,
    name: str | None = None,
    repeatable: bool = False,
    timeout_seconds: float = TIMEOUT_SECONDS,
) -> Tool | Callable[[Callable[..., Any]], Tool]:
    """Make a function a tool: `@tool`, or `@tool(repeatable=True)` when running it twice does no harm."""

    def make(function: Callable[..., Any]) -> Tool:
        called = name or function.__name__
        arguments, context_parameter = _arguments(called, function)
        description = inspect.getdoc(function) or ""
        return Tool(called, description, function, arguments, context_parameter, repeatable, timeout_seconds)

    return make if function is None else make(function)


class Toolbox:
    """The tools an agent may use, by name. Takes tools and plain functions alike."""

    def __init__(self, tools: Iterable[Tool | Callable[..., Any]] = ()) -> None:
        self._tools: dict[str, Tool] = {}
        for item in tools:
            made = item if isinstance(item, Tool) else tool(item)
            if made.name in self._tools:
                raise ValueError(f"two tools are called {made.name}")
            self._tools[made.name] = made

    def __iter__(self) -> Iterator[Tool]:
        return iter(self._tools.values())

    def __len__(self) -> int:
        return len(self._tools)

    def call(self, call_id: str, name: str, arguments: str) -> ToolCall:
        """The call as an event, to be yielded before `run`."""
        known = self._tools.get(name)
        return ToolCall(call_id, name, arguments, repeatable=known is not None and known.repeatable)

    async def run(self, call: ToolCall, context: Context) -> ToolResult:
        """Run a call that is on record. Never raises: what went wrong is the result, for the model to read."""
        known = self._tools.get(call.name)
        if known is None:
            names = ", ".join(self._tools) or "none"
            return ToolResult(call.id, f"There is no tool called {call.name!r}. There are: {names}.", failed=True)
        try:
            return ToolResult(call.id, await known.run(call.arguments, context))
        except ToolError as error:
            return ToolResult(call.id, str(error), failed=True)
        except Exception as error:  # a tool is somebody else's code: its bug is its result
            return ToolResult(call.id, f"{call.name} failed: {type(error).__name__}: {error}"[:1000], failed=True)


def _arguments(name: str, function: Callable[..., Any]) -> tuple[type[BaseModel], str | None]:
    """The pydantic model of a function's parameters, and the name of the one that takes the `Context`."""
    hints = get_type_hints(function, include_extras=True)
    fields: dict[str, Any] = {}
    context_parameter = None
    for parameter in inspect.signature(function).parameters.values():
        if parameter.kind not in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
            raise TypeError(f"{name}: a tool's parameters have names; {parameter} cannot be described to a model")
        annotation = hints.get(parameter.name)
        if annotation is None:
            raise TypeError(f"{name}: the parameter {parameter.name} needs a type")
        if annotation is Context:
            context_parameter = parameter.name
            continue
        default = ... if parameter.default is parameter.empty else parameter.default
        fields[parameter.name] = (_described(annotation), default)
    config = ConfigDict(extra="forbid", protected_namespaces=(), arbitrary_types_allowed=False)
    return create_model(name, __config__=config, **fields), context_parameter


def _described(annotation: Any) -> Any:
    """`Annotated[str, "text"]` in pydantic's words."""
    if get_origin(annotation) is not Annotated:
        return annotation
    kind, *notes = get_args(annotation)
    return Annotated[(kind, *(Field(description=note) if isinstance(note, str) else note for note in notes))]


def _without_titles(schema: Any) -> Any:
    """Pydantic titles every field with its own name; that only costs tokens."""
    if isinstance(schema, dict):
        return {k: _without_titles(v) for k, v in schema.items() if not (k == "title" and isinstance(v, str))}
    return [_without_titles(item) for item in schema] if isinstance(schema, list) else schema


def _in_words(error: ValidationError) -> str:
    parts = []
    for detail in error.errors(include_url=False, include_context=False, include_input=False)[:5]:
        where = ".".join(str(step) for step in detail["loc"])
        parts.append(f"{where}: {detail['msg']}" if where else detail["msg"])
    return "; ".join(parts)


def _as_text(value: Any) -> str:
    text = value if isinstance(value, str) else to_json(value, fallback=str).decode()
    if len(text) <= MAX_RESULT_CHARS:
        return text
    return f"{text[:MAX_RESULT_CHARS]}\n[cut: {len(text) - MAX_RESULT_CHARS} more characters]"
