"""Agents: what turns messages into an answer. `load` finds the one that the settings name.

- `demo`: offline and deterministic; used when nothing else is set up, and by the tests.
- `openai_chat`: any server that speaks OpenAI's chat completions.
- `package.module:name`: your own. An async generator function of `(messages, context)`, an object that can be called
  so, or a class or function that makes one without arguments. `convstore.agents.base` says what it may yield.
"""

import importlib
import importlib.util
import inspect
from collections.abc import Callable
from typing import Any, cast

from convstore.agents.base import (
    Agent,
    AgentError,
    Context,
    Event,
    Message,
    PastCall,
    Reasoning,
    Text,
    ToolCall,
    ToolResult,
    Usage,
    as_event,
)
from convstore.agents.limits import Limits

__all__ = [
    "Agent",
    "AgentError",
    "Context",
    "Event",
    "Message",
    "PastCall",
    "Reasoning",
    "Text",
    "ToolCall",
    "ToolResult",
    "Usage",
    "as_event",
    "load",
]


def load(
    spec: str | None = None,
    *,
    api_key: str | None = None,
    base_url: str | None = None,
    model: str | None = None,
    **limits: Any,
) -> Agent:
    """The agent that `spec` names. None: `openai_chat` when there is a key or a base URL, else `demo`.

    `limits` are fields of `Limits` (`timeout_seconds`, `retries`, `max_rounds` and so on). Only `openai_chat` looks at
    anything but `spec`. Raises `ValueError` naming the setting that has to change.
    """
    checked = Limits(**limits)
    spec = (spec or "").strip() or ("openai_chat" if api_key or base_url else "demo")
    if spec == "demo":
        from convstore.agents.demo import Demo

        return Demo()
    if spec == "openai_chat":
        if not (api_key or base_url):
            raise ValueError("AGENT=openai_chat needs OPENAI_API_KEY, or OPENAI_BASE_URL for a server without keys")
        from convstore.agents.openai_chat import OpenAIChat  # takes a second to import: only for those who use it

        return OpenAIChat(api_key=api_key, base_url=base_url, model=model, limits=checked)
    return _own(spec)


def _own(spec: str) -> Agent:
    module_name, _, name = spec.partition(":")
    if not module_name or not name:
        raise ValueError(f"AGENT={spec}: write package.module:name, demo or openai_chat")
    found: Any = _import(spec, module_name)
    for step in name.split("."):
        if not hasattr(found, step):
            raise ValueError(f"AGENT={spec}: {module_name} has no {name}")
        found = getattr(found, step)
    if not inspect.isclass(found) and _takes(found, 2):
        return _checked(spec, found)
    if callable(found) and _takes(found, 0):
        try:
            found = found()
        except Exception as error:
            raise ValueError(f"AGENT={spec}: making the agent failed: {type(error).__name__}: {error}") from error
        if _takes(found, 2):
            return _checked(spec, found)
    raise ValueError(
        f"AGENT={spec} is not an agent: it must be an async generator function of (messages, context), "
        "or a class or function that makes one without arguments"
    )


def _import(spec: str, module_name: str) -> Any:
    try:
        return importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name and (module_name == error.name or module_name.startswith(error.name + ".")):
            raise ValueError(f"AGENT={spec}: there is no module {error.name} on Python's path") from error
        raise ValueError(f"AGENT={spec}: {module_name} needs the module {error.name}, which is missing") from error
    except Exception as error:
        raise ValueError(f"AGENT={spec}: importing it failed: {type(error).__name__}: {error}") from error


def _takes(candidate: object, count: int) -> bool:
    """Whether this can be called with so many arguments."""
    if not callable(candidate):
        return False
    try:
        inspect.signature(candidate).bind(*[None] * count)
    except (TypeError, ValueError):
        return False
    return True


def _checked(spec: str, agent: Callable[..., Any]) -> Agent:
    body = agent if inspect.isroutine(agent) else getattr(agent, "__call__", agent)  # noqa: B004
    if inspect.iscoroutinefunction(body):
        raise ValueError(f"AGENT={spec} returns once; an agent is an async generator: it uses `yield`")
    return cast(Agent, agent)
