"""What went wrong with the model's server, in words for the person in front of the page.

Every reason says what happened and what to do. None holds the key, a password in a URL, or what a server says about a
key (some repeat part of it). Errors are told apart by their status, and by what caused them down to the socket.
"""

import re
import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

from convstore.agents.wire import Malformed, NothingSent, WebPage

MAX_DETAIL_CHARS = 300
_SECRET = re.compile(r"(?i)\b(?:sk|pk|key|token|bearer)[-_ ][\w*.-]{6,}|(?<=://)[^\s/@]+@")


@dataclass(frozen=True, slots=True)
class Failure:
    """Why there is no answer. `passing`: asking again may help."""

    reason: str
    passing: bool = False
    retry_after_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Server:
    """The model's server as a message may name it."""

    url: str
    model: str
    key: str | None
    timeout_seconds: float

    @property
    def name(self) -> str:
        """Host and port; nothing of the URL that could be a secret."""
        parts = urlsplit(self.url)
        return f"{parts.hostname}:{parts.port}" if parts.port else str(parts.hostname)

    def without_secrets(self, text: str) -> str:
        """A server's own words, cut, on one line, without anything that looks like a key."""
        text = " ".join((text.replace(self.key, "…") if self.key else text).split())
        text = _SECRET.sub("…", text)
        return text if len(text) <= MAX_DETAIL_CHARS else text[: MAX_DETAIL_CHARS - 1] + "…"


def describe(error: BaseException, server: Server) -> Failure:
    """The failure behind whatever the client or our reading of the stream raised."""
    status = getattr(error, "status_code", None)
    if isinstance(status, int):
        return _of_status(status, error, server)
    if isinstance(error, WebPage):
        return Failure(
            f"{server.name} sent a web page instead of an answer. Check OPENAI_BASE_URL: it usually ends in /v1."
        )
    if isinstance(error, NothingSent):
        return Failure("The model ended without an answer. Press Retry, or put the question differently.", passing=True)
    if isinstance(error, Malformed):
        return Failure(
            f"{server.name} sent something that is not the chat completions format. Press Retry; if it stays, "
            "check OPENAI_BASE_URL."
        )
    if getattr(error, "body", None) is not None:
        return Failure(_with_detail(f"{server.name} reported an error. Press Retry.", error, server), passing=True)
    return _of_connection(error, server)


def _of_status(status: int, error: BaseException, server: Server) -> Failure:
    if status == 401:
        return Failure(f"{server.name} refused the API key. Check OPENAI_API_KEY.")
    if status == 403:
        return Failure(
            f"{server.name} does not let this API key use {server.model}. Check OPENAI_API_KEY and its rights."
        )
    if status == 404:
        return Failure(
            f"{server.name} does not know the model {server.model}, or there is no chat under this address. "
            "Check CHAT_MODEL, and OPENAI_BASE_URL: it usually ends in /v1."
        )
    if status == 429:
        return _too_many(error, server)
    if status in (408, 409) or status >= 500:
        return Failure(
            f"{server.name} has a problem of its own ({status}). Press Retry in a moment.", True, _retry_after(error)
        )
    if status == 413 or "context" in _detail(error).lower():
        return Failure(
            _with_detail("This conversation is too long for the model. Start a new chat or send less.", error, server)
        )
    return Failure(_with_detail(f"{server.name} did not accept the request ({status}).", error, server))


def _too_many(error: BaseException, server: Server) -> Failure:
    if "insufficient_quota" in str(getattr(error, "body", "")):
        return Failure(f"The account at {server.name} has no credit left. Check its plan and billing.")
    seconds = _retry_after(error)
    when = f"in {max(1, round(seconds))} seconds" if seconds is not None else "in a minute"
    return Failure(f"{server.name} is getting too many requests. Try again {when}.", True, seconds)


def _of_connection(error: BaseException, server: Server) -> Failure:
    causes = list(_causes(error))
    kinds = " ".join(type(cause).__name__ for cause in causes)
    words = " ".join(str(cause) for cause in causes).lower()
    if any(isinstance(cause, socket.gaierror) for cause in causes) or "name or service" in words:
        return Failure(f"The host {server.name} cannot be found. Check OPENAI_BASE_URL and the network.", passing=True)
    if any(isinstance(cause, ssl.SSLError) for cause in causes) or "ssl" in words:
        return Failure(
            f"No secure connection to {server.name}: its certificate or protocol is wrong. "
            "Check OPENAI_BASE_URL (http or https?)."
        )
    if any(isinstance(cause, ConnectionRefusedError) for cause in causes) or "refused" in words:
        return Failure(
            f"Nothing answers at {server.name}. Check that the model's server runs, and OPENAI_BASE_URL.", passing=True
        )
    if "ConnectTimeout" in kinds or "PoolTimeout" in kinds:
        return Failure(
            f"{server.name} could not be reached in time. Check the network, then press Retry.", passing=True
        )
    if "ConnectError" in kinds:
        return Failure(f"{server.name} could not be reached. Check OPENAI_BASE_URL and the network.", passing=True)
    if "Timeout" in kinds:
        return Failure(f"{server.name} was silent for {server.timeout_seconds:g} seconds. Press Retry.")
    return Failure(f"The connection to {server.name} broke off before the answer was whole. Press Retry.", passing=True)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    for _ in range(12):
        if error is None:
            return
        yield error
        if isinstance(error, BaseExceptionGroup):  # one attempt per address of the host
            yield from error.exceptions
        error = error.__cause__ or error.__context__


def _detail(error: BaseException) -> str:
    body: Any = getattr(error, "body", None)
    if isinstance(body, dict):
        nested = body.get("error")
        body = nested if isinstance(nested, dict) else body
        return str(body.get("message") or body.get("detail") or nested or "")
    return body if isinstance(body, str) and "<" not in body else ""


def _with_detail(reason: str, error: BaseException, server: Server) -> str:
    detail = server.without_secrets(_detail(error))
    return f"{reason} It said: {detail}" if detail else reason


def _retry_after(error: BaseException) -> float | None:
    """Seconds a server asked us to wait, RFC 9110 section 10.2.3: a number or a date."""
    headers = getattr(getattr(error, "response", None), "headers", None) or {}
    try:
        if "retry-after-ms" in headers:
            return max(0.0, float(headers["retry-after-ms"]) / 1000)
        value = headers.get("retry-after")
        if value is None:
            return None
        if re.fullmatch(r"\s*\d{1,9}(\.\d+)?\s*", value):
            return float(value)
        return max(0.0, (parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return None
