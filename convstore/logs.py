"""What the process says about itself: one line per event, `message key=value …` or JSON, on standard error.

A caller writes `log.info("answer finished", extra={"instance": …, "outcome": …})`; the extra fields become the
structured part. Values are quoted when they have to be, so that a line break in a title cannot forge a line.
"""

import json
import logging
import sys
from collections.abc import Mapping
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

# Whatever `logging` itself puts on a record is not a field of ours.
_BUILT_IN = frozenset(vars(logging.LogRecord("", 0, "", 0, "", (), None))) | {
    "message",
    "asctime",
    "taskName",
    "color_message",
}


# The id of the request on whose behalf the code that logs is running.
request_id: ContextVar[str | None] = ContextVar("request_id", default=None)


def set_up(level: str = "info", style: str = "text") -> None:
    """Send every logger's lines to standard error in this style (`text` or `json`)."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines() if style == "json" else TextLines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    # One line per HTTP request these clients make tells nothing that ours does not.
    for noisy in ("httpx", "httpx2", "httpcore", "httpcore2", "openai", "asyncio", "alembic"):
        logging.getLogger(noisy).setLevel(max(logging.WARNING, root.level))
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
    # Each step of starting and stopping is for whoever looks for trouble there.
    logging.getLogger("uvicorn.error").setLevel(logging.DEBUG if root.level <= logging.DEBUG else logging.WARNING)


class TextLines(logging.Formatter):
    """`2026-01-31T12:00:00.123Z info convstore.runner answer finished outcome=complete tokens=12`"""

    def format(self, record: logging.LogRecord) -> str:
        fields = " ".join(f"{key}={_quoted(value)}" for key, value in _fields(record).items())
        message = _one_line(record.getMessage())
        line = f"{_time(record)} {record.levelname.lower()} {record.name} {message}"
        line = f"{line} {fields}" if fields else line
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


class JsonLines(logging.Formatter):
    """One JSON object per line, the fields beside `time`, `level`, `logger`, `message`."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            **_fields(record),
            "time": _time(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)


def _fields(record: logging.LogRecord) -> Mapping[str, Any]:
    fields = {key: value for key, value in vars(record).items() if key not in _BUILT_IN}
    current = request_id.get()
    return fields | {"request": current} if current else fields


def _time(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _one_line(text: str) -> str:
    return text.replace("\r", "\\r").replace("\n", "\\n")


def _quoted(value: Any) -> str:
    text = str(value)
    return text if text and text.isprintable() and not set(text) & set(' "=') else json.dumps(text)
