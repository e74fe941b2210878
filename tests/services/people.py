"""A person without a browser: the identity cookie, the calls the page makes, and the stream it follows.

The calls go the page's own way (`POST /gradio_api/run/predict`), so every instance test also shows that any instance
answers any of them.
"""

import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote
from uuid import UUID

import httpx

Json = dict[str, Any]
CALL = "/gradio_api/run/predict"


class Refused(Exception):
    """The server answered a call with an error for the person; `kind` is its name."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(f"{kind}: {message}")
        self.kind = kind


@dataclass(frozen=True, slots=True)
class Sent:
    """What came of a send."""

    conversation: UUID
    answer: UUID
    window: Json


class Person:
    """Someone at the site `url`, known by a cookie. `at=` sends a single call to another address of the same site."""

    def __init__(self, url: str, timeout_seconds: float = 30.0, headers: dict[str, str] | None = None) -> None:
        self.url = url
        self.client = httpx.Client(timeout=timeout_seconds, headers=headers)
        self.client.get(url + "/").raise_for_status()  # issues the cookie
        config = self.client.get(url + "/config").raise_for_status().json()
        self.indexes = {entry["api_name"]: entry["id"] for entry in config["dependencies"] if entry["api_name"]}

    @property
    def owner(self) -> str:
        """The subject of the cookie: the owner of what this person writes."""
        cookie = next(cookie for cookie in self.client.cookies.jar)
        return unquote(cookie.value or "").rsplit(".", 2)[0]

    def call(self, name: str, *, at: str | None = None, **order: Any) -> Json:
        """One call of the page. Raises `Refused`, or httpx's errors when there was no proper answer."""
        address = at or self.url
        text = json.dumps({key: value for key, value in order.items() if value is not None} | {"n": 1}, default=str)
        body = {"data": [text], "fn_index": self.indexes[name], "session_hash": uuid.uuid4().hex}
        response = self.client.post(address + CALL, json=body, headers={"origin": address})
        reply: Json = json.loads(response.raise_for_status().json()["data"][0])
        if "error" in reply:
            raise Refused(reply["error"]["kind"], reply["error"]["message"])
        data: Json = reply["data"]
        return data

    def send(
        self, text: str, conversation: UUID | None = None, *, key: str | None = None, at: str | None = None
    ) -> Sent:
        """Write a message, in a new conversation when none is given."""
        key = key or uuid.uuid4().hex
        data = self.call("turns_send", at=at, text=text, key=key, conversation=conversation)
        return Sent(UUID(data["window"]["conversation"]["id"]), UUID(data["answer"]), data["window"])

    def open(self, conversation: UUID, *, at: str | None = None) -> Json:
        """The newest window of a conversation."""
        window: Json = self.call("transcript_open", at=at, conversation=conversation)["window"]
        return window

    def stop(self, conversation: UUID, *, at: str | None = None) -> None:
        """Stop what is being written there."""
        self.call("turns_stop", at=at, conversation=conversation)

    @contextmanager
    def follow(self, conversation: UUID, *, at: str | None = None) -> Iterator[Iterator[tuple[str, Json]]]:
        """The live stream of a conversation: (event, data), one by one."""
        address = f"{at or self.url}/events/{conversation}"
        with self.client.stream("GET", address, headers={"accept": "text/event-stream"}) as response:
            response.raise_for_status()
            yield _events(response)

    def close(self) -> None:
        self.client.close()


def _events(response: httpx.Response) -> Iterator[tuple[str, Json]]:
    name, data = "message", ""
    for line in response.iter_lines():
        field, _, value = line.partition(": ")
        if field == "event":
            name = value
        elif field == "data":
            data += value
        elif not line and data:
            yield name, json.loads(data)
            name, data = "message", ""
